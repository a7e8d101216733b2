//! The implied-volatility surface: SSVI, free of static arbitrage by its parameters.
//!
//! Gatheral & Jacquier, "Arbitrage-free SVI volatility surfaces", Quantitative Finance 14 (2014):
//! w(k, θ) = θ/2·(1 + ρφk + √((φk + ρ)² + 1 − ρ²)) with k = ln(K/F), (4.1), and the power law
//! φ(θ) = η/√(θ(1 + θ)), which has neither butterflies nor calendars of a negative price where
//! η(1 + |ρ|) ≤ 2 (remark 4.4) and θ does not fall with the time to expiry.
//!
//! θ is what a variance that returns to its mean adds up to, θ(t) = v̄t + (v − v̄)(1 − e^(−κt))/κ
//! (Heston 1993), so that it rises with every t. Time runs on the clock of variance.

use crate::math::svi::{Raw, Svi};

/// Most that η(1 + |ρ|) may be.
const LIMIT: f64 = 2.0;

/// The surface of one underlying at one instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Surface {
    rho: f64,
    eta: f64,
    variance: f64,
    mean_variance: f64,
    reversion: f64,
}

impl Surface {
    /// The surface with correlation `rho`, steepness `eta`, variance a year now and in the mean,
    /// and the rate at which it returns a year. `None` where it would not be free of arbitrage.
    pub fn new(
        rho: f64,
        eta: f64,
        variance: f64,
        mean_variance: f64,
        reversion: f64,
    ) -> Option<Self> {
        let positive = |x: f64| x > 0.0 && x.is_finite();
        let valid = rho.abs() < 1.0
            && positive(eta)
            && eta * (1.0 + rho.abs()) <= LIMIT
            && positive(variance)
            && positive(mean_variance)
            && positive(reversion);
        valid.then_some(Self {
            rho,
            eta,
            variance,
            mean_variance,
            reversion,
        })
    }

    /// θ: total variance at the money in `years` of the variance clock, above 0.
    pub fn atm_total_variance(&self, years: f64) -> f64 {
        let years = years.max(1e-12);
        let returned = -libm::expm1(-self.reversion * years) / self.reversion;
        self.mean_variance * years + (self.variance - self.mean_variance) * returned
    }

    /// The slice of an expiry that is so many years of the variance clock away.
    pub fn slice(&self, years: f64) -> Slice {
        let theta = self.atm_total_variance(years);
        Slice {
            theta,
            rho: self.rho,
            phi: self.eta / (theta * (1.0 + theta)).sqrt(),
        }
    }
}

/// Total implied variance of one expiry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slice {
    theta: f64,
    rho: f64,
    phi: f64,
}

impl Slice {
    /// w(k) = σ²T at k = ln(K/F), above 0.
    pub fn total_variance(&self, k: f64) -> f64 {
        let Self { theta, rho, phi } = *self;
        let x = phi * k;
        let root = ((x + rho) * (x + rho) + 1.0 - rho * rho).sqrt();
        0.5 * theta * (1.0 + rho * x + root)
    }

    /// θ = w(0).
    pub fn atm_total_variance(&self) -> f64 {
        self.theta
    }

    /// The same as raw SVI; (4.3) of the paper with Δ = 0 and μ = 0.
    pub fn svi(&self) -> Option<Svi> {
        let Self { theta, rho, phi } = *self;
        let rest = 1.0 - rho * rho;
        Svi::new(Raw {
            a: 0.5 * theta * rest,
            b: 0.5 * theta * phi,
            rho,
            m: -rho / phi,
            sigma: rest.sqrt() / phi,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: f64 = 1.0 / 252.0;

    fn surface() -> Surface {
        Surface::new(-0.7, 1.15, 0.03, 0.02, 6.0).unwrap()
    }

    #[test]
    fn a_surface_that_could_be_arbitraged_is_refused() {
        assert_eq!(Surface::new(-0.7, 1.2, 0.03, 0.02, 6.0), None);
        assert_eq!(Surface::new(-0.7, 1.0, f64::NAN, 0.02, 6.0), None);
        assert_eq!(Surface::new(-1.0, 0.5, 0.03, 0.02, 6.0), None);
    }

    #[test]
    fn a_slice_and_its_raw_svi_are_one_and_no_butterfly_is_negative() {
        for days in [0.01, 1.0, 5.0, 21.0, 252.0] {
            let slice = surface().slice(days * DAY);
            let svi = slice.svi().unwrap();
            assert!(svi.butterfly_free(), "{days}");
            for step in -40..=40 {
                let k = 0.01 * f64::from(step);
                let (ours, raw) = (slice.total_variance(k), svi.total_variance(k).unwrap());
                assert!((ours / raw - 1.0).abs() < 1e-9, "{days} {k}: {ours} {raw}");
            }
        }
    }

    #[test]
    fn total_variance_rises_with_time_at_every_strike() {
        for step in -50..=50 {
            let k = 0.02 * f64::from(step);
            let total = |days: f64| surface().slice(days * DAY).total_variance(k);
            let days = [0.01, 0.1, 1.0, 2.0, 5.0, 21.0, 63.0, 252.0];
            assert!(days.is_sorted_by(|a, b| total(*a) < total(*b)), "{k}");
        }
    }
}
