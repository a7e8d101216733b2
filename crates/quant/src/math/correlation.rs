//! Pearson's correlation of log returns on common times, and Fisher's interval for it.

use super::log_returns::{Series, centre, each_common, is_rounding};
use super::{normal, sum};

/// A correlation and what it rests on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Correlation {
    /// Pearson's ρ, −1 to 1.
    pub rho: f64,
    /// How many pairs of returns it is of.
    pub n: usize,
}

/// Why two series have no correlation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoCorrelation {
    /// They have too few returns in common.
    InsufficientOverlap {
        /// How many they have.
        have: usize,
        /// How many are asked for.
        need: usize,
    },
    /// A price does not move, or grows at one rate: what differs is rounding.
    ZeroVariance,
}

/// Room for the common returns of two series, to be used again for the next two.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    a: Vec<f64>,
    b: Vec<f64>,
}

/// ρ of the log returns between consecutive times that both series have, within sessions, from at
/// least `minimum` of them (two at least). Means first, then compensated sums of centred products.
/// The same bits with the series exchanged, and whether or not their clocks are one.
pub fn pearson(
    a: &Series,
    b: &Series,
    minimum: usize,
    scratch: &mut Scratch,
) -> Result<Correlation, NoCorrelation> {
    if a.has_clock_of(b) {
        // All times are common: the returns were centred when the series was made.
        let (x, y) = (&a.own, &b.own);
        return of_centred((&x.values, x.squares), (&y.values, y.squares), minimum);
    }
    scratch.a.clear();
    scratch.b.clear();
    each_common(a, b, |x, y| {
        scratch.a.push(x);
        scratch.b.push(y);
    });
    let squares = (centre(&mut scratch.a), centre(&mut scratch.b));
    of_centred((&scratch.a, squares.0), (&scratch.b, squares.1), minimum)
}

/// Of centred returns with the sums of their squares.
fn of_centred(
    (x, xx): (&[f64], f64),
    (y, yy): (&[f64], f64),
    minimum: usize,
) -> Result<Correlation, NoCorrelation> {
    let (n, need) = (x.len(), minimum.max(2));
    if n < need {
        return Err(NoCorrelation::InsufficientOverlap { have: n, need });
    }
    if is_rounding(xx, n) || is_rounding(yy, n) {
        return Err(NoCorrelation::ZeroVariance);
    }
    // One root of the product: a series has exactly 1 with itself.
    let rho = sum::dot(x, y) / (xx * yy).sqrt();
    // Rounding alone leaves the range.
    let rho = rho.clamp(-1.0, 1.0);
    Ok(Correlation { rho, n })
}

/// Between which values a correlation lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end, −1 to ρ.
    pub low: f64,
    /// Upper end, ρ to 1.
    pub high: f64,
}

/// The interval that holds the true correlation with probability `level` in (0, 1), if returns are
/// normal and independent: tanh(artanh ρ ± Φ⁻¹((1 + level)/2)/√(n − 3)); R. A. Fisher, "On the
/// probable error of a coefficient of correlation", Metron 1 (1921). `None` below four pairs, and
/// where ρ or the level is out of its range.
pub fn fisher_interval(correlation: Correlation, level: f64) -> Option<Interval> {
    let Correlation { rho, n } = correlation;
    let usable = rho.abs() <= 1.0 && level > 0.0 && level < 1.0;
    if n < 4 || !usable {
        return None;
    }
    let z = -normal::quantile((1.0 - level) / 2.0);
    let reach = z / ((n - 3) as f64).sqrt();
    // Infinite at ±1, and tanh takes it back.
    let centre = libm::atanh(rho);
    Some(Interval {
        low: libm::tanh(centre - reach).min(rho),
        high: libm::tanh(centre + reach).max(rho),
    })
}

#[cfg(test)]
mod tests {
    use super::super::log_returns::Point;
    use super::*;

    fn series(prices: &[f64]) -> Series {
        let point = |(time, price): (usize, &f64)| Point {
            time: time as i64,
            price: *price,
            session: 0,
        };
        Series::new(&prices.iter().enumerate().map(point).collect::<Vec<_>>())
    }

    fn of(a: &Series, b: &Series) -> Result<Correlation, NoCorrelation> {
        pearson(a, b, 0, &mut Scratch::default())
    }

    #[test]
    fn steady_growth_does_not_vary() {
        let mut price = 100.0;
        let grown: Vec<f64> = (0..300)
            .map(|_| {
                price *= 1.01;
                price
            })
            .collect();
        let other: Vec<f64> = (0..300).map(|at| 50.0 + f64::from(at % 7)).collect();
        let found = of(&series(&grown), &series(&other));
        assert_eq!(found, Err(NoCorrelation::ZeroVariance));
    }

    #[test]
    fn what_is_absent_is_no_overlap() {
        let error = NoCorrelation::InsufficientOverlap { have: 0, need: 2 };
        assert_eq!(of(&series(&[]), &series(&[])), Err(error));
        assert_eq!(of(&series(&[]), &series(&[1.0, 2.0, 1.0])), Err(error));
    }

    #[test]
    fn a_series_goes_with_itself_and_against_its_inverse() {
        let prices = [5.0, 5.1, 4.9, 5.3, 5.2, 6.0];
        let inverse = prices.map(|price| 1.0 / price);
        assert_eq!(of(&series(&prices), &series(&prices)).unwrap().rho, 1.0);
        let against = of(&series(&prices), &series(&inverse)).unwrap().rho;
        assert!((against + 1.0).abs() < 1e-14, "{against}");
    }

    /// Hollander & Wolfe (1973), p. 187, as R's `cor.test` documents it: ρ 0.5711816 of nine
    /// pairs, 95 % interval −0.1497426 to 0.8955795.
    #[test]
    fn the_interval_of_a_known_example() {
        let known = Correlation {
            rho: 0.571_181_6,
            n: 9,
        };
        let Interval { low, high } = fisher_interval(known, 0.95).unwrap();
        assert!((low + 0.149_742_6).abs() < 1e-7, "{low}");
        assert!((high - 0.895_579_5).abs() < 1e-7, "{high}");
    }

    #[test]
    fn an_interval_wants_four_pairs_and_a_probability() {
        let of = |rho, n, level| fisher_interval(Correlation { rho, n }, level);
        assert_eq!(of(0.5, 3, 0.95), None);
        for level in [0.0, 1.0, -0.5, f64::NAN] {
            assert_eq!(of(0.5, 30, level), None);
        }
        assert_eq!(of(f64::NAN, 30, 0.95), None);
        assert_eq!(of(1.5, 30, 0.95), None);
        let certain = Some(Interval {
            low: 1.0,
            high: 1.0,
        });
        assert_eq!(of(1.0, 30, 1.0 - f64::EPSILON), certain);
    }
}
