//! The fair price around which the book stands: a geometric walk with a slowly varying
//! volatility, moved also by the surprise in orders and by the drift of informed episodes.
//! The three together have the instrument's variance.

use super::chance::Chance;
use super::flow::{EPISODE_VARIANCE, SURPRISE_VARIANCE};
use crate::market::Timestamp;

/// Seconds in a year of 252 sessions of 6.5 hours; volatility a year runs on this clock.
pub(super) const TRADING_SECONDS_A_YEAR: f64 = 252.0 * 23_400.0;

/// Share of the variance of the price that comes through orders.
const IMPACT_VARIANCE: f64 = 0.15;

/// Share that comes by itself: what orders and episodes leave.
const DIFFUSION_VARIANCE: f64 = 1.0 - IMPACT_VARIANCE - EPISODE_VARIANCE;

/// Standard deviation of the logarithm of the volatility factor, and how long it lasts.
const FACTOR_SIGMA: f64 = 0.3;
const FACTOR_SECONDS: f64 = 600.0;

/// The book leans away from an emptied level for about this long, at most so many ticks.
const LEAN_SECONDS: f64 = 0.5;
const LEAN_TICKS: f64 = 2.0;

/// Fewest ticks a price has: below stand ten levels, the spread and the lean, all positive.
const FEWEST_TICKS: f64 = 32.0;

/// Most ticks: 2^50 still moves by single ticks in a float.
const MOST_TICKS: f64 = (1u64 << 50) as f64;

/// The fair price of one instrument, in ticks.
#[derive(Clone, Debug)]
pub(super) struct FairPrice {
    ticks: f64,
    most_ticks: f64,
    /// Relative standard deviation of one second.
    volatility: f64,
    /// Relative move of an order of mean size that was a full surprise.
    impact: f64,
    log_factor: f64,
    lean: f64,
    at: Timestamp,
}

impl FairPrice {
    /// A price of so many ticks of `tick_units` each, at `start`.
    pub(super) fn new(
        ticks: f64,
        tick_units: i64,
        annual_volatility: f64,
        orders_per_second: f64,
        start: Timestamp,
    ) -> Self {
        let volatility = annual_volatility / libm::sqrt(TRADING_SECONDS_A_YEAR);
        let per_order = IMPACT_VARIANCE / (orders_per_second * SURPRISE_VARIANCE);
        // Half the range of a price leaves room for the levels of the book.
        let fits = (i64::MAX / 2 / tick_units) as f64;
        let most_ticks = MOST_TICKS.min(fits).max(FEWEST_TICKS);
        Self {
            ticks: ticks.clamp(FEWEST_TICKS, most_ticks),
            most_ticks,
            volatility,
            impact: volatility * libm::sqrt(per_order),
            log_factor: 0.0,
            lean: 0.0,
            at: start,
        }
    }

    /// Walks on to an instant; `drift` a second is in standard deviations of one second.
    pub(super) fn advance(&mut self, to: Timestamp, drift: f64, chance: &mut Chance) {
        let seconds = to.since(self.at).seconds();
        self.at = to;
        let kept = libm::exp(-seconds / FACTOR_SECONDS);
        let fresh = FACTOR_SIGMA * libm::sqrt(1.0 - kept * kept);
        self.log_factor = self.log_factor * kept + fresh * chance.normal();
        // Less σ², so that the mean square of the factor is one.
        let factor = libm::exp(self.log_factor - FACTOR_SIGMA * FACTOR_SIGMA);
        let noise = factor * libm::sqrt(DIFFUSION_VARIANCE * seconds) * chance.normal();
        self.lean *= libm::exp(-seconds / LEAN_SECONDS);
        self.move_by(self.volatility * (drift * seconds + noise));
    }

    /// Learns from an order: `weight` is 1 for one of mean size.
    pub(super) fn learn(&mut self, surprise: f64, weight: f64) {
        self.move_by(self.impact * surprise * weight);
    }

    /// Leans the book for a while, by signed ticks, away from levels an order emptied.
    pub(super) fn lean(&mut self, ticks: f64) {
        self.lean = (self.lean + ticks).clamp(-LEAN_TICKS, LEAN_TICKS);
    }

    /// Where the middle of the book belongs, in ticks.
    pub(super) fn centre(&self) -> f64 {
        self.ticks + self.lean
    }

    fn move_by(&mut self, relative: f64) {
        self.ticks = (self.ticks * libm::exp(relative)).clamp(FEWEST_TICKS, self.most_ticks);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(ticks: f64, annual_volatility: f64) -> FairPrice {
        FairPrice::new(
            ticks,
            10_000_000,
            annual_volatility,
            1.0,
            Timestamp::default(),
        )
    }

    #[test]
    fn the_wildest_price_stays_within_its_bounds() {
        let mut chance = Chance::new(1);
        let mut price = price(100.0, 500.0);
        for second in 1..20_000 {
            price.advance(Timestamp::from_seconds(second), 0.0, &mut chance);
            assert!((FEWEST_TICKS..=price.most_ticks).contains(&price.ticks));
        }
    }

    #[test]
    fn an_emptied_level_is_forgotten_within_seconds() {
        let mut chance = Chance::new(1);
        let mut price = price(10_000.0, 0.0);
        price.lean(5.0);
        assert_eq!(price.centre(), 10_002.0);
        price.advance(Timestamp::from_seconds(5), 0.0, &mut chance);
        assert!((price.centre() - 10_000.0).abs() < 0.01);
    }

    #[test]
    fn a_drift_carries_the_price_its_way() {
        let mut chance = Chance::new(1);
        let mut price = price(10_000.0, 0.3);
        for second in 1..=400 {
            price.advance(Timestamp::from_seconds(second), 1.0, &mut chance);
        }
        assert!(price.centre() > 10_100.0, "{}", price.centre());
    }
}
