//! The standard normal distribution: density φ, distribution function N and its inverse, to full
//! relative precision in both tails.
//!
//! N(x) = erfc(−x/√2)/2 with libm's erfc, so that the bits do not depend on the host. What
//! rounding takes from −x/√2 is put back to first order: in the tail it would cost x² roundings.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

/// 1/√(2π).
const INV_SQRT_TAU: f64 = 0.398_942_280_401_432_7;

/// 1/√2 minus its nearest double.
const FRAC_1_SQRT_2_REST: f64 = -4.833_646_656_726_457e-17;

/// Beyond it N and φ are 0 or 1 in double precision: N(−38.5) is below the least number there is.
const END: f64 = 39.0;

/// φ(x) = e^(−x²/2) / √(2π).
pub fn pdf(x: f64) -> f64 {
    if x.abs() > END {
        return 0.0;
    }
    let square = x * x;
    let rest = libm::fma(x, x, -square);
    let factor = INV_SQRT_TAU * (1.0 - 0.5 * rest);
    if square < 1_400.0 {
        return factor * libm::exp(-0.5 * square);
    }
    // Twice half the exponent: only the last product meets the subnormal numbers, and rounds once.
    let root = libm::exp(-0.25 * square);
    (factor * root) * root
}

/// N(x), the probability of a value up to x. The other tail is `cdf(-x)`, never `1.0 - cdf(x)`.
pub fn cdf(x: f64) -> f64 {
    if x.abs() > END {
        return if x > 0.0 { 1.0 } else { 0.0 };
    }
    let scaled = -x * FRAC_1_SQRT_2;
    let rest = libm::fma(-x, FRAC_1_SQRT_2, -scaled) - x * FRAC_1_SQRT_2_REST;
    let slope = FRAC_2_SQRT_PI * libm::exp(-scaled * scaled);
    0.5 * (libm::erfc(scaled) - rest * slope)
}

/// N(x) where φ(x) is at hand: one exponential less than `cdf`.
pub(super) fn cdf_beside(x: f64, density: f64) -> f64 {
    /// The slope of erfc(z)/2 in z = −x/√2, in units of φ(x).
    const SLOPE: f64 = 2.0 * std::f64::consts::SQRT_2;
    if x.abs() > END {
        return if x > 0.0 { 1.0 } else { 0.0 };
    }
    let scaled = -x * FRAC_1_SQRT_2;
    let rest = libm::fma(-x, FRAC_1_SQRT_2, -scaled) - x * FRAC_1_SQRT_2_REST;
    0.5 * (libm::erfc(scaled) - rest * SLOPE * density)
}

/// The x with N(x) = p; −∞ and ∞ at 0 and 1, not a number outside of [0, 1].
pub fn quantile(p: f64) -> f64 {
    if p > 0.5 {
        // 1 − p is exact here.
        return -lower_quantile(1.0 - p);
    }
    lower_quantile(p)
}

fn lower_quantile(p: f64) -> f64 {
    if p == 0.0 {
        return f64::NEG_INFINITY;
    }
    if !(p > 0.0 && p <= 0.5) {
        return f64::NAN;
    }
    let x = wichura(p);
    // Among the subnormal numbers N has fewer digits than the approximation.
    if p < 1e-305 {
        return x;
    }
    // One step of Halley's method: to the last digit from sixteen.
    let step = (cdf(x) - p) / pdf(x);
    x - step / (1.0 + 0.5 * x * step)
}

/// Wichura, "Algorithm AS 241", Applied Statistics 37 (1988), PPND16, for p up to 1/2.
fn wichura(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * ratio(r, &CENTRE);
    }
    let r = libm::sqrt(-libm::log(p));
    if r <= 5.0 {
        -ratio(r - 1.6, &MIDDLE)
    } else {
        -ratio(r - 5.0, &FAR)
    }
}

/// Two polynomials of degree seven, the highest power first.
type Ratio = ([f64; 8], [f64; 8]);

fn ratio(x: f64, (above, below): &Ratio) -> f64 {
    let polynomial = |of: &[f64; 8]| {
        of.iter()
            .fold(0.0, |sum, coefficient| sum * x + coefficient)
    };
    polynomial(above) / polynomial(below)
}

const CENTRE: Ratio = (
    [
        2_509.080_928_730_122_7,
        33_430.575_583_588_13,
        67_265.770_927_008_7,
        45_921.953_931_549_87,
        13_731.693_765_509_46,
        1_971.590_950_306_551_3,
        133.141_667_891_784_38,
        3.387_132_872_796_366_5,
    ],
    [
        5_226.495_278_852_854,
        28_729.085_735_721_943,
        39_307.895_800_092_71,
        21_213.794_301_586_597,
        5_394.196_021_424_751,
        687.187_007_492_057_9,
        42.313_330_701_600_91,
        1.0,
    ],
);

const MIDDLE: Ratio = (
    [
        7.745_450_142_783_414e-4,
        0.022_723_844_989_269_184,
        0.241_780_725_177_450_6,
        1.270_458_252_452_368_4,
        3.647_848_324_763_204_5,
        5.769_497_221_460_691,
        4.630_337_846_156_546,
        1.423_437_110_749_683_5,
    ],
    [
        1.050_750_071_644_416_9e-9,
        5.475_938_084_995_345e-4,
        0.015_198_666_563_616_457,
        0.148_103_976_427_480_08,
        0.689_767_334_985_1,
        1.676_384_830_183_803_8,
        2.053_191_626_637_759,
        1.0,
    ],
);

const FAR: Ratio = (
    [
        2.010_334_399_292_288_1e-7,
        2.711_555_568_743_487_6e-5,
        0.001_242_660_947_388_078_4,
        0.026_532_189_526_576_124,
        0.296_560_571_828_504_87,
        1.784_826_539_917_291_3,
        5.463_784_911_164_114,
        6.657_904_643_501_103,
    ],
    [
        2.044_263_103_389_939_8e-15,
        1.421_511_758_316_446e-7,
        1.846_318_317_510_054_8e-5,
        7.868_691_311_456_133e-4,
        0.014_875_361_290_850_615,
        0.136_929_880_922_735_8,
        0.599_832_206_555_888,
        1.0,
    ],
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_beyond_the_ends_is_certain() {
        assert_eq!((cdf(f64::NEG_INFINITY), cdf(f64::INFINITY)), (0.0, 1.0));
        assert_eq!((pdf(f64::NEG_INFINITY), pdf(1e300)), (0.0, 0.0));
        assert_eq!(quantile(0.0), f64::NEG_INFINITY);
        assert_eq!(quantile(1.0), f64::INFINITY);
    }

    #[test]
    fn what_is_no_probability_has_no_quantile() {
        for p in [-1e-9, 1.0 + 1e-9, f64::NAN] {
            assert!(quantile(p).is_nan(), "{p}");
        }
        assert!(cdf(f64::NAN).is_nan() && pdf(f64::NAN).is_nan());
    }

    #[test]
    fn the_quantile_undoes_the_distribution() {
        for exponent in 1..1_000 {
            let p = 0.5 * libm::exp(-f64::from(exponent) * 0.7);
            let back = cdf(quantile(p));
            let x = quantile(p);
            let bound = 4e-16 * (1.0 + x * x);
            assert!((back / p - 1.0).abs() <= bound, "{p}: {back}");
        }
    }
}
