//! The volatility that an option's price implies, on the forward: Jäckel, "Let's Be Rational",
//! Wilmott (2015), by the crate `implied-vol`, finished by a step of our own.
//!
//! The crate takes exp and ln from the host, so its last digits are the host's. Its root is cut to
//! 26 bits and finished here by one step of Householder's third-order method, whose error is the
//! fourth power of what was cut: the digits are those of `libm`, everywhere the same.
//!
//! Everything happens out of the money, where the price is all time value: x = −|ln(F/K)| and the
//! price over √(FK). With h = x/v, t = v/2 and v = σ√T the normalised price is
//! b = φ(h)·e^(−t²/2)·[Y(h + t) − Y(h − t)], where Y = N/φ, and db/dv = φ(h)·e^(−t²/2).

use implied_vol::{DefaultSpecialFn, ImpliedBlackVolatilityNormalised};

use super::black_scholes::{Right, log_moneyness};
use super::normal;

/// Why a price implies no usable volatility.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IvError {
    /// Below what exercise at the forward is worth.
    BelowIntrinsic,
    /// Exactly intrinsic, or so near that no time value can be told: the volatility is 0.
    ZeroTimeValue,
    /// At or above what no volatility exceeds: the forward for a call, the strike for a put.
    AboveMaximum,
    /// T ≤ 0.
    Expired,
    /// A price is negative or no number, or forward, strike or time is none.
    Invalid,
}

impl IvError {
    /// The name in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BelowIntrinsic => "below_intrinsic",
            Self::ZeroTimeValue => "zero_time_value",
            Self::AboveMaximum => "above_maximum",
            Self::Expired => "expired",
            Self::Invalid => "invalid",
        }
    }

    /// The volatility all the same: 0 without time value.
    pub fn sigma(self) -> Option<f64> {
        (self == Self::ZeroTimeValue).then_some(0.0)
    }
}

/// The volatility (decimal per √year, > 0) at which Black's formula gives this price.
///
/// `undiscounted_price` is the price over the discount factor; T is in years.
pub fn implied_vol(
    right: Right,
    undiscounted_price: f64,
    forward: f64,
    strike: f64,
    t_years: f64,
) -> Result<f64, IvError> {
    Target::of(right, undiscounted_price, forward, strike, t_years)?.cold()
}

/// `implied_vol` from a volatility that was true a moment ago: cheaper where it moved little, and
/// the cold solution where it did not lead there. Agrees with it to 1e-12, not to the last bit.
pub fn implied_vol_from(
    seed: f64,
    right: Right,
    undiscounted_price: f64,
    forward: f64,
    strike: f64,
    t_years: f64,
) -> Result<f64, IvError> {
    let target = Target::of(right, undiscounted_price, forward, strike, t_years)?;
    match target.warm(seed) {
        Some(sigma) => Ok(sigma),
        None => target.cold(),
    }
}

/// The option out of the money, normalised.
struct Target {
    /// −|ln(F/K)|.
    x: f64,
    /// Its price over √(FK), > 0.
    price: f64,
    root_t: f64,
}

/// A total volatility's price and its derivatives.
struct Trial {
    /// b over db/dv.
    price_over_vega: f64,
    vega: f64,
    /// b″/b′ and b‴/b′.
    second: f64,
    third: f64,
}

impl Target {
    fn of(
        right: Right,
        price: f64,
        forward: f64,
        strike: f64,
        t_years: f64,
    ) -> Result<Self, IvError> {
        let positive = |value: f64| value.is_finite() && value > 0.0;
        let prices = price.is_finite() && price >= 0.0 && positive(forward) && positive(strike);
        if !prices || !t_years.is_finite() {
            return Err(IvError::Invalid);
        }
        if t_years <= 0.0 {
            return Err(IvError::Expired);
        }
        let (intrinsic, maximum) = match right {
            Right::Call => ((forward - strike).max(0.0), forward),
            Right::Put => ((strike - forward).max(0.0), strike),
        };
        if price < intrinsic {
            return Err(IvError::BelowIntrinsic);
        }
        if price >= maximum {
            return Err(IvError::AboveMaximum);
        }
        let scaled = (price - intrinsic) / (forward.sqrt() * strike.sqrt());
        if !scaled.is_normal() {
            return Err(IvError::ZeroTimeValue);
        }
        Ok(Self {
            x: -log_moneyness(forward, strike).abs(),
            price: scaled,
            root_t: t_years.sqrt(),
        })
    }

    fn cold(&self) -> Result<f64, IvError> {
        let v = ImpliedBlackVolatilityNormalised::builder()
            .log_moneyness(self.x)
            .normalised_price(self.price)
            .build()
            .and_then(|option| option.calculate::<DefaultSpecialFn>())
            .ok_or(IvError::AboveMaximum)?;
        if v == f64::INFINITY {
            return Err(IvError::AboveMaximum);
        }
        let rough = shortened(v);
        let fine = self.step(rough, 1e-6).unwrap_or(v);
        self.annual(fine)
    }

    fn warm(&self, seed: f64) -> Option<f64> {
        let mut v = seed * self.root_t;
        for _ in 0..3 {
            let next = self.leap(v)?;
            let moved = ((next - v) / v).abs();
            v = next;
            // The next step is of the fourth order: it leaves nothing of this.
            if moved < 1e-2 {
                return self.annual(self.step(v, 1e-5)?).ok();
            }
        }
        None
    }

    fn annual(&self, v: f64) -> Result<f64, IvError> {
        let sigma = v / self.root_t;
        if sigma > 0.0 {
            Ok(sigma)
        } else {
            Err(IvError::ZeroTimeValue)
        }
    }

    /// One step on the price: from close by, to the last digit. `None` where the price is further
    /// off than `within` of v: a short step alone proves nothing where the price is flat.
    fn step(&self, v: f64, within: f64) -> Option<f64> {
        let trial = self.trial(v)?;
        let newton = self.price / trial.vega - trial.price_over_vega;
        let near = newton.abs() <= within * v;
        if !near {
            return None;
        }
        householder(v, newton, trial.second, trial.third)
    }

    /// One step on the logarithm of the price, which is nearly straight in 1/v² far from the money:
    /// Le Floc'h & Healy, arXiv:2605.29102, equations (d2), (d3) and (h3).
    fn leap(&self, v: f64) -> Option<f64> {
        let trial = self.trial(v)?;
        let b = trial.price_over_vega;
        let newton = b * libm::log(self.price / (b * trial.vega));
        let second = trial.second - 1.0 / b;
        let third = trial.third - 3.0 * trial.second / b + 2.0 / (b * b);
        householder(v, newton, second, third)
    }

    /// `None` outside of where Y and φ have all their digits: there the price is below 1e-270.
    fn trial(&self, v: f64) -> Option<Trial> {
        if !(v > 0.0 && v < 60.0) {
            return None;
        }
        let (h, t) = (self.x / v, 0.5 * v);
        if h - t < -35.0 {
            return None;
        }
        let ratio = h / v;
        let second = h * ratio - 0.25 * v;
        Some(Trial {
            price_over_vega: price_over_vega(h, t),
            vega: normal::pdf(h) * libm::exp(-0.5 * t * t),
            second,
            third: second * second - 3.0 * ratio * ratio - 0.25,
        })
    }
}

/// Householder's third-order step from the Newton step and the ratios of derivatives f″/f′, f‴/f′.
fn householder(v: f64, newton: f64, second: f64, third: f64) -> Option<f64> {
    let factor = (1.0 + 0.5 * second * newton) / (1.0 + newton * (second + third * newton / 6.0));
    let next = v + newton * factor;
    (next.is_finite() && next > 0.0).then_some(next)
}

/// Y(h + t) − Y(h − t) for h ≤ 0 < t.
fn price_over_vega(h: f64, t: f64) -> f64 {
    let y = |z: f64| normal::cdf(z) / normal::pdf(z);
    if t >= 0.2 {
        return y(h + t) - y(h - t);
    }
    // Neighbours cancel: the odd part of the Taylor series around h. Y′ = 1 + z·Y, and the next
    // derivatives follow from Y⁽ⁿ⁺¹⁾ = z·Y⁽ⁿ⁾ + n·Y⁽ⁿ⁻¹⁾.
    let (mut even, mut odd) = (y(h), 1.0 + h * y(h));
    let (mut power, mut sum) = (t, 0.0);
    for n in [1.0, 3.0, 5.0, 7.0, 9.0, 11.0, 13.0] {
        sum += power * odd;
        even = h * odd + n * even;
        odd = h * even + (n + 1.0) * odd;
        power *= t * t / ((n + 1.0) * (n + 2.0));
    }
    2.0 * sum
}

/// The leading 26 bits.
fn shortened(v: f64) -> f64 {
    const DROPPED: u64 = (1 << 27) - 1;
    f64::from_bits(v.to_bits() & !DROPPED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_distance_the_price_is_the_error_function() {
        // At the forward b = erf(v/√8); both ways of taking the difference meet at v = 0.4.
        for v in [1e-6, 0.01, 0.3999, 0.4, 0.4001, 1.0, 5.0] {
            let t: f64 = 0.5 * v;
            let b = price_over_vega(0.0, t) * normal::pdf(0.0) * libm::exp(-0.5 * t * t);
            let exact = libm::erf(v / 8.0_f64.sqrt());
            assert!((b / exact - 1.0).abs() < 2e-15, "{v}: {b} {exact}");
        }
    }

    #[test]
    fn both_ways_of_taking_the_difference_agree() {
        for h in [0.0, -0.5, -2.0, -5.0, -10.0, -25.0] {
            let (below, above) = (price_over_vega(h, 0.2 - 1e-16), price_over_vega(h, 0.2));
            let bound = 1e-15 * (2.0 + h * h);
            assert!((below / above - 1.0).abs() < bound, "{h}: {below} {above}");
        }
    }

    #[test]
    fn a_seed_that_leads_nowhere_falls_back() {
        let price = 2.3;
        let cold = implied_vol(Right::Call, price, 100.0, 105.0, 0.25).unwrap();
        for seed in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-12, 1e12] {
            let warm = implied_vol_from(seed, Right::Call, price, 100.0, 105.0, 0.25).unwrap();
            assert!((warm / cold - 1.0).abs() < 1e-14, "{seed}: {warm} {cold}");
        }
    }

    #[test]
    fn a_seed_is_not_led_to_where_the_price_is_flat() {
        // At v = 58 the price is its maximum in every digit, and steps are short for that reason.
        let (strike, t) = (0.206_610_114_912_427_45, 0.259_952_986_209_476_43);
        let price = 0.814_5;
        let cold = implied_vol(Right::Call, price, 1.0, strike, t).unwrap();
        let warm = implied_vol_from(0.2, Right::Call, price, 1.0, strike, t).unwrap();
        assert!((warm / cold - 1.0).abs() < 1e-13, "{warm} {cold}");
    }

    #[test]
    fn no_price_is_below_zero_or_above_the_maximum() {
        let of = |price| implied_vol(Right::Put, price, 100.0, 80.0, 0.5);
        assert_eq!(of(-0.01), Err(IvError::Invalid));
        assert_eq!(of(0.0), Err(IvError::ZeroTimeValue));
        assert_eq!(of(80.0), Err(IvError::AboveMaximum));
        assert_eq!(IvError::ZeroTimeValue.sigma(), Some(0.0));
        assert_eq!(IvError::Expired.sigma(), None);
    }
}
