//! Roots of a function of one number: where a sampled curve changes sign, and exactly where
//! between two samples.

/// Brent's method converges in about ten steps, or bisects: doubles are halved to nothing in 2,100.
const MAX_ITERATIONS: u32 = 200;

/// Where a function is zero, to the tolerance asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Root {
    /// The argument.
    pub root: f64,
    /// The function there.
    pub value: f64,
    /// How often the function was asked.
    pub iterations: u32,
}

/// Two samples of a curve with opposite signs, and nothing but zeros between.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bracket {
    /// The left sample: argument and value, which is not zero.
    pub left: (f64, f64),
    /// The right sample, of the other sign.
    pub right: (f64, f64),
    /// How many samples between are zero: mostly none, one where the root was hit.
    pub zeros: usize,
}

impl Bracket {
    /// Whether the curve lies flat on zero between: it changes sign, but not at any one place.
    pub fn is_flat(&self) -> bool {
        self.zeros > 1
    }
}

/// The changes of sign along a curve, `xs` rising. A zero at a sample belongs to the one bracket
/// around it; where the curve only touches zero, or is zero up to an end, there is none. A value
/// that is no number breaks the curve.
pub fn brackets<'a>(xs: &'a [f64], ys: &'a [f64]) -> impl Iterator<Item = Bracket> + 'a {
    let mut left: Option<(f64, f64)> = None;
    let mut zeros = 0;
    xs.iter().zip(ys).filter_map(move |(&x, &y)| {
        if y == 0.0 {
            zeros += 1;
            return None;
        }
        let right = (x, y);
        let before = left.replace(right).filter(|_| !y.is_nan());
        if y.is_nan() {
            left = None;
        }
        let zeros = std::mem::take(&mut zeros);
        let left = before?;
        ((left.1 < 0.0) != (y < 0.0)).then_some(Bracket { left, right, zeros })
    })
}

/// The root of `f` between two arguments where its values, given with them, have opposite signs:
/// within `tolerance` of the true one, or as near as doubles come. R. P. Brent, "Algorithms for
/// Minimization without Derivatives" (1973), chapter 4: inverse quadratic interpolation or the
/// secant where they do better than halving the interval, and that where not.
///
/// `None` without opposite signs, and where `f` is not a finite number.
pub fn brent(
    f: impl Fn(f64) -> f64,
    left: (f64, f64),
    right: (f64, f64),
    tolerance: f64,
) -> Option<Root> {
    let finite = [left.0, left.1, right.0, right.1].map(f64::is_finite);
    let (a, b) = (left, right);
    if finite.contains(&false) || (a.1 < 0.0 && b.1 < 0.0) || (a.1 > 0.0 && b.1 > 0.0) {
        return None;
    }
    // `b` is the best so far, `a` the one before, and the root lies between `b` and `c`.
    let (mut a, mut b, mut c) = (a, b, a);
    let mut last = b.0 - a.0;
    let mut step = last;
    for iterations in 0..MAX_ITERATIONS {
        if (b.1 > 0.0) == (c.1 > 0.0) {
            c = a;
            last = b.0 - a.0;
            step = last;
        }
        if c.1.abs() < b.1.abs() {
            (a, b, c) = (b, c, b);
        }
        let least = 2.0 * f64::EPSILON * b.0.abs() + 0.5 * tolerance.max(0.0);
        let middle = 0.5 * (c.0 - b.0);
        if middle.abs() <= least || b.1 == 0.0 {
            return Some(Root {
                root: b.0,
                value: b.1,
                iterations,
            });
        }
        match interpolated(a, b, c, least, last).filter(|_| a.1.abs() > b.1.abs()) {
            Some(interpolated) => (last, step) = (step, interpolated),
            None => (last, step) = (middle, middle),
        }
        a = b;
        let moved = if step.abs() > least {
            step
        } else {
            least.copysign(middle)
        };
        let x = b.0 + moved;
        b = (x, f(x));
        if !b.1.is_finite() {
            return None;
        }
    }
    None
}

/// The step from `b` by interpolation; `None` where it leaves the interval or shrinks too slowly.
fn interpolated(a: (f64, f64), b: (f64, f64), c: (f64, f64), least: f64, last: f64) -> Option<f64> {
    if last.abs() < least {
        return None;
    }
    let middle = 0.5 * (c.0 - b.0);
    let s = b.1 / a.1;
    let (p, q) = if a.0 == c.0 {
        (2.0 * middle * s, 1.0 - s)
    } else {
        let (q, r) = (a.1 / c.1, b.1 / c.1);
        (
            s * (2.0 * middle * q * (q - r) - (b.0 - a.0) * (r - 1.0)),
            (q - 1.0) * (r - 1.0) * (s - 1.0),
        )
    };
    let (p, q) = if p > 0.0 { (p, -q) } else { (-p, q) };
    let inside = 2.0 * p < (3.0 * middle * q - (least * q).abs()).min((last * q).abs());
    inside.then(|| p / q)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(f: impl Fn(f64) -> f64, left: f64, right: f64) -> Root {
        brent(&f, (left, f(left)), (right, f(right)), 1e-14).unwrap()
    }

    fn curve(ys: &[f64]) -> Vec<(f64, f64, usize)> {
        let xs: Vec<f64> = (0..ys.len()).map(|i| i as f64).collect();
        brackets(&xs, ys)
            .map(|bracket| (bracket.left.0, bracket.right.0, bracket.zeros))
            .collect()
    }

    #[test]
    fn known_roots_are_found() {
        // Wallis's cubic (1685), the Dottie number, √2, ln 2.
        let cases: [(Root, f64); 4] = [
            (
                found(|x| x * x * x - 2.0 * x - 5.0, 2.0, 3.0),
                2.094_551_481_542_326_5,
            ),
            (
                found(|x| libm::cos(x) - x, 0.0, 1.0),
                0.739_085_133_215_160_6,
            ),
            (found(|x| x * x - 2.0, 0.0, 10.0), std::f64::consts::SQRT_2),
            (
                found(|x| libm::exp(x) - 2.0, -5.0, 5.0),
                std::f64::consts::LN_2,
            ),
        ];
        for (root, expected) in cases {
            assert!((root.root - expected).abs() <= 2e-14, "{root:?}");
            assert!(root.iterations < 16, "{root:?}");
        }
    }

    #[test]
    fn hard_functions_are_bisected_in_the_end() {
        // A jump, a ninth-order root, and a wall.
        let jump = found(|x| if x < 0.3 { -1.0 } else { 1.0 }, 0.0, 1.0);
        assert!((jump.root - 0.3).abs() <= 2e-14, "{jump:?}");
        let ninth = found(|x| libm::pow(x - 0.7, 9.0), 0.0, 1.0);
        assert!(
            (ninth.root - 0.7).abs() <= 1e-13 || ninth.value == 0.0,
            "{ninth:?}"
        );
        let wall = found(|x| libm::exp(-700.0 * x) - 1e-300, 0.0, 1.0);
        assert!(
            (wall.root - 0.986_822_182_711_733_9).abs() <= 1e-12,
            "{wall:?}"
        );
    }

    #[test]
    fn what_does_not_change_sign_has_no_root() {
        assert_eq!(brent(|x| x, (1.0, 1.0), (2.0, 2.0), 1e-9), None);
        assert_eq!(brent(|x| x, (f64::NAN, -1.0), (2.0, 2.0), 1e-9), None);
        assert_eq!(brent(|_| f64::NAN, (-1.0, -1.0), (2.0, 2.0), 1e-9), None);
    }

    #[test]
    fn a_sample_that_is_the_root_is_it() {
        let root = brent(|x| x, (0.0, 0.0), (2.0, 2.0), 1e-9).unwrap();
        assert_eq!((root.root, root.value), (0.0, 0.0));
    }

    #[test]
    fn each_change_of_sign_is_bracketed_once() {
        assert_eq!(
            curve(&[1.0, -1.0, -2.0, 3.0]),
            [(0.0, 1.0, 0), (2.0, 3.0, 0)]
        );
        assert_eq!(curve(&[1.0, 0.0, -2.0]), [(0.0, 2.0, 1)]);
        assert_eq!(curve(&[-1.0, 0.0, 0.0, 2.0]), [(0.0, 3.0, 2)]);
    }

    #[test]
    fn zeros_at_the_ends_and_touches_are_no_change_of_sign() {
        assert_eq!(curve(&[0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 2.0, 0.0]), []);
        assert_eq!(curve(&[0.0, 0.0]), []);
        assert_eq!(curve(&[]), []);
    }

    #[test]
    fn what_is_no_number_breaks_the_curve() {
        assert_eq!(curve(&[1.0, f64::NAN, -1.0, 0.0, 1.0]), [(2.0, 4.0, 1)]);
    }
}
