//! Interpolation by cubic Hermite pieces that keep the shape of the data: between two points the
//! curve is monotone and stays between them, and it turns only where the data turn.
//!
//! Slopes inside: Fritsch & Butland, SIAM J. Sci. Stat. Comput. 5 (1984), the weighted harmonic mean
//! of both neighbouring secants, zero where they disagree in sign. Slopes at the ends: three points,
//! limited as in Moler, "Numerical Computing with Matlab" (2004), 3.6, which is Matlab's `pchip`.

/// Secants and differences above it could overflow in the sums made of them.
const LARGEST: f64 = 1e300;

/// A curve through points; it ends at the first and the last and is never continued beyond.
#[derive(Clone, Debug, PartialEq)]
pub struct Pchip {
    knots: Vec<Knot>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Knot {
    x: f64,
    y: f64,
    slope: f64,
}

/// A secant: how wide the piece is, and how steep.
#[derive(Clone, Copy)]
struct Secant {
    width: f64,
    slope: f64,
}

impl Pchip {
    /// The curve through `(x, y)` points; `None` for fewer than two, where x does not strictly
    /// ascend, and where a coordinate or a secant is no finite number.
    pub fn new(points: &[(f64, f64)]) -> Option<Self> {
        let secants: Vec<Secant> = points
            .windows(2)
            .map(|pair| secant(pair[0], pair[1]))
            .collect::<Option<_>>()?;
        let (first, last) = (secants.first()?, secants.last()?);
        let beside = |from_end: bool| {
            let at = secants.len().checked_sub(2)?;
            secants.get(if from_end { at } else { 1 })
        };
        let mut slopes = vec![end_slope(*first, beside(false))];
        slopes.extend(secants.windows(2).map(|pair| inner_slope(pair[0], pair[1])));
        slopes.push(end_slope(*last, beside(true)));
        let knots = points.iter().zip(slopes);
        let knots = knots.map(|(&(x, y), slope)| Knot { x, y, slope });
        Some(Self {
            knots: knots.collect(),
        })
    }

    /// y at `x`, between the y of both neighbours; `None` outside of the data.
    pub fn value(&self, x: f64) -> Option<f64> {
        let (from, to) = self.piece(x)?;
        let (width, rise) = (to.x - from.x, to.y - from.y);
        let t = (x - from.x) / width;
        let (leave, arrive) = (width * from.slope, width * to.slope);
        let square = 3.0 * rise - 2.0 * leave - arrive;
        let cube = leave + arrive - 2.0 * rise;
        let y = from.y + t * (leave + t * (square + t * cube));
        // In exact arithmetic it never leaves this range; rounding might by a digit.
        let y = y.clamp(from.y.min(to.y), from.y.max(to.y));
        y.is_finite().then_some(if x == to.x { to.y } else { y })
    }

    /// dy/dx at `x`; `None` outside of the data.
    pub fn slope(&self, x: f64) -> Option<f64> {
        let (from, to) = self.piece(x)?;
        let (width, rise) = (to.x - from.x, to.y - from.y);
        let (t, secant) = ((x - from.x) / width, rise / width);
        let square = 3.0 * secant - 2.0 * from.slope - to.slope;
        let cube = from.slope + to.slope - 2.0 * secant;
        let slope = from.slope + t * (2.0 * square + 3.0 * t * cube);
        slope.is_finite().then_some(slope)
    }

    /// The first and the last x.
    pub fn range(&self) -> (f64, f64) {
        // There are always two knots.
        (self.knots[0].x, self.knots[self.knots.len() - 1].x)
    }

    fn piece(&self, x: f64) -> Option<(&Knot, &Knot)> {
        let (first, last) = self.range();
        if !(first <= x && x <= last) {
            return None;
        }
        let above = self.knots.partition_point(|knot| knot.x <= x);
        let to = above.min(self.knots.len() - 1);
        Some((self.knots.get(to.checked_sub(1)?)?, self.knots.get(to)?))
    }
}

fn secant((x0, y0): (f64, f64), (x1, y1): (f64, f64)) -> Option<Secant> {
    let (width, rise) = (x1 - x0, y1 - y0);
    let slope = rise / width;
    let usable = x0.is_finite()
        && x1.is_finite()
        && width > 0.0
        && width < LARGEST
        && rise.abs() < LARGEST
        && slope.abs() < LARGEST;
    usable.then_some(Secant { width, slope })
}

fn inner_slope(left: Secant, right: Secant) -> f64 {
    if !same_sign(left.slope, right.slope) {
        return 0.0;
    }
    // Shares of the weights, so that no sum of widths overflows.
    let width = left.width + right.width;
    let share = (1.0 + left.width / width) / 3.0;
    // The harmonic mean by ratios to the lesser secant: a quotient by a tiny one would overflow.
    let (least, ratio, of_least) = if left.slope.abs() <= right.slope.abs() {
        (left.slope, left.slope / right.slope, 1.0 - share)
    } else {
        (right.slope, right.slope / left.slope, share)
    };
    least / (of_least + (1.0 - of_least) * ratio)
}

fn end_slope(end: Secant, beside: Option<&Secant>) -> f64 {
    let Some(beside) = beside else {
        return end.slope;
    };
    let share = end.width / (end.width + beside.width);
    let slope = end.slope + share * (end.slope - beside.slope);
    if !same_sign(slope, end.slope) {
        0.0
    } else if !same_sign(end.slope, beside.slope) && slope.abs() > 3.0 * end.slope.abs() {
        3.0 * end.slope
    } else {
        slope
    }
}

fn same_sign(a: f64, b: f64) -> bool {
    (a > 0.0 && b > 0.0) || (a < 0.0 && b < 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Exact fractions of the formulas of the paper and the book, for uneven widths.
    #[test]
    fn uneven_widths_are_weighted_as_published() {
        let points = [(0.0, 0.0), (1.0, 1.0), (3.0, 2.0), (4.0, 6.0), (6.0, 5.0)];
        let curve = Pchip::new(&points).unwrap();
        let slopes = [7.0 / 6.0, 9.0 / 13.0, 36.0 / 37.0, 0.0, -1.5];
        for ((x, y), slope) in points.into_iter().zip(slopes) {
            assert_eq!(curve.value(x), Some(y));
            assert!((curve.slope(x).unwrap() - slope).abs() < 1e-14, "{x}");
        }
        assert!((curve.value(2.0).unwrap() - 2_751.0 / 1_924.0).abs() < 1e-15);
    }

    #[test]
    fn a_step_is_smoothed_without_overshoot() {
        let points: Vec<_> = [-1.0, -1.0, -1.0, 0.0, 1.0, 1.0, 1.0]
            .into_iter()
            .zip(-3..)
            .map(|(y, x)| (f64::from(x), y))
            .collect();
        let curve = Pchip::new(&points).unwrap();
        assert_eq!(curve.value(-0.5), Some(-0.625));
        assert_eq!(curve.value(-1.5), Some(-1.0));
        assert_eq!(curve.slope(0.0), Some(1.0));
    }

    #[test]
    fn two_points_make_a_line() {
        let line = Pchip::new(&[(1.0, 2.0), (3.0, 6.0)]).unwrap();
        assert_eq!((line.value(1.5), line.slope(2.5)), (Some(3.0), Some(2.0)));
    }

    #[test]
    fn there_is_nothing_outside_of_the_data() {
        let line = Pchip::new(&[(1.0, 2.0), (3.0, 6.0)]).unwrap();
        for x in [0.999_999, 3.000_001, f64::NAN, f64::INFINITY] {
            assert_eq!((line.value(x), line.slope(x)), (None, None), "{x}");
        }
    }

    #[test]
    fn points_that_are_no_function_have_no_curve() {
        assert_eq!(Pchip::new(&[]), None);
        assert_eq!(Pchip::new(&[(1.0, 1.0)]), None);
        assert_eq!(Pchip::new(&[(1.0, 1.0), (1.0, 2.0)]), None);
        assert_eq!(Pchip::new(&[(1.0, 1.0), (0.0, 2.0)]), None);
        assert_eq!(Pchip::new(&[(1.0, 1.0), (2.0, f64::NAN)]), None);
        assert_eq!(Pchip::new(&[(-1e308, 1.0), (1e308, 2.0)]), None);
    }
}
