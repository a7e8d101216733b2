//! Student's t distribution of any real degrees of freedom ν > 0, through the incomplete beta
//! function; libm only, so that the bits do not depend on the host.
//!
//! P(|T| > x) = I_z(ν/2, 1/2) with z = ν/(ν + x²). ν = 0.25 is the heavy-tailed law of bulk
//! volume classification. Against 40 digits the relative error is 1e-15 for ν up to 3 and 2e-13 at
//! 5,000; from there it grows with ν, because z comes too close to 1.

/// Both parts of the distribution of |T|, each without cancellation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mass {
    /// P(|T| ≤ |x|).
    pub within: f64,
    /// P(|T| > |x|).
    pub beyond: f64,
}

/// P(T ≤ x). The other tail is `cdf(-x, nu)`.
pub fn cdf(x: f64, nu: f64) -> f64 {
    let Mass { within, beyond } = mass(x, nu);
    if x < 0.0 {
        0.5 * beyond
    } else {
        0.5 + 0.5 * within
    }
}

/// How much of T lies within and beyond ±x; not a number where ν is not above 0.
pub fn mass(x: f64, nu: f64) -> Mass {
    let invalid = x.is_nan() || nu.is_nan() || nu <= 0.0;
    if invalid {
        return Mass {
            within: f64::NAN,
            beyond: f64::NAN,
        };
    }
    if x.is_infinite() {
        return Mass {
            within: 1.0,
            beyond: 0.0,
        };
    }
    let root = x.abs() / libm::sqrt(nu);
    let ratio = root * root;
    // ν/(ν + x²), its complement, and its logarithm where x² is too large for a number.
    let z = 1.0 / (1.0 + ratio);
    let rest = if ratio > 1e16 {
        1.0
    } else {
        ratio / (1.0 + ratio)
    };
    let log_z = if ratio > 1e16 {
        -2.0 * libm::log(root)
    } else {
        -libm::log1p(ratio)
    };
    let (a, b) = (0.5 * nu, 0.5);
    let front = libm::exp(a * log_z) * libm::sqrt(rest) / beta_with_half(a);
    if z < (a + 1.0) / (a + b + 2.0) {
        let beyond = (front * fraction(a, b, z) / a).min(1.0);
        Mass {
            within: 1.0 - beyond,
            beyond,
        }
    } else {
        let within = (front * fraction(b, a, rest) / b).min(1.0);
        Mass {
            within,
            beyond: 1.0 - within,
        }
    }
}

/// B(a, 1/2) = √π·Γ(a)/Γ(a + 1/2).
fn beta_with_half(a: f64) -> f64 {
    let root_pi = libm::sqrt(std::f64::consts::PI);
    // From 100 on six terms of the series (DLMF 5.11.13) are exact; the functions overflow later.
    if a < 100.0 {
        return root_pi * (libm::tgamma(a) / libm::tgamma(a + 0.5));
    }
    let series = [
        869.0 / 4_194_304.0,
        -399.0 / 262_144.0,
        -21.0 / 32_768.0,
        5.0 / 1_024.0,
        1.0 / 128.0,
        -1.0 / 8.0,
        1.0,
    ];
    let sum = series.iter().fold(0.0, |sum, term| sum / a + term);
    root_pi / (libm::sqrt(a) * sum)
}

/// It takes about √max(a, b) terms: enough for ν of 1e8.
const MOST_TERMS: u32 = 100_000;

/// The continued fraction of the incomplete beta function (DLMF 8.17.22) by Lentz's method;
/// converges fast for x below (a + 1)/(a + b + 2).
fn fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let nonzero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / nonzero(1.0 - (a + b) * x / (a + 1.0));
    let mut product = d;
    for term in 1..MOST_TERMS {
        let m = f64::from(term);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut step = 1.0;
        for numerator in [even, odd] {
            d = 1.0 / nonzero(1.0 + numerator * d);
            c = nonzero(1.0 + numerator / c);
            step = c * d;
            product *= step;
        }
        if (step - 1.0).abs() <= f64::EPSILON {
            break;
        }
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::normal;

    #[test]
    fn one_degree_of_freedom_is_cauchy() {
        for x in [-1e12_f64, -30.0, -1.0, -1e-9, 0.0, 0.3, 1.0, 50.0] {
            // atan2(1, −x)/π keeps the lower tail's digits.
            let expected = libm::atan2(1.0, -x) / std::f64::consts::PI;
            let got = cdf(x, 1.0);
            assert!(
                (got / expected - 1.0).abs() < 1e-14,
                "{x}: {got} {expected}"
            );
        }
    }

    #[test]
    fn many_degrees_of_freedom_are_normal() {
        for x in [-4.0, -1.0, 0.5, 2.0] {
            // T's distance from the normal falls with 1/ν.
            assert!((cdf(x, 1e8) - normal::cdf(x)).abs() < 1e-8, "{x}");
        }
    }

    #[test]
    fn the_branches_of_the_beta_function_meet() {
        let (below, above) = (beta_with_half(99.999_999_999), beta_with_half(100.0));
        assert!((below / above - 1.0).abs() < 1e-11);
        let gamma = libm::tgamma(110.0) / libm::tgamma(110.5);
        let direct = libm::sqrt(std::f64::consts::PI) * gamma;
        assert!((beta_with_half(110.0) / direct - 1.0).abs() < 1e-13);
    }

    #[test]
    fn the_tail_falls_with_the_power_nu() {
        let (near, far) = (cdf(-1e100, 0.25), cdf(-1e200, 0.25));
        assert!((near / far / 1e25 - 1.0).abs() < 1e-12, "{near} {far}");
        assert_eq!(cdf(f64::INFINITY, 0.25), 1.0);
        assert!(cdf(1.0, 0.0).is_nan() && cdf(f64::NAN, 1.0).is_nan());
    }
}
