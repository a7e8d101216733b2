//! The fair price of an underlying and its variance: stochastic, returning to its mean, rising as
//! the price falls; with the factors of the market, jumps of its own, and what orders and
//! informed episodes do to it. Together they have the underlying's variance.
//!
//! The logarithm of volatility is an Ornstein–Uhlenbeck process (Scott 1987), so that variance is
//! above zero whatever the step; its mean square factor is one.

use super::factors::{Felt, Loads, Shocks};
use super::surface::Surface;
use super::underlying::{Class, Underlying};
use crate::synthetic::chance::Chance;
use crate::synthetic::flow::{EPISODE_VARIANCE, SURPRISE_VARIANCE};

/// How variance behaves, by class: its return to the mean a year, the standard deviation of the
/// logarithm of volatility, its correlation with the price, the steepness of the smile, and the
/// correlation of the smile; then the share of variance from jumps of its own, from orders, and
/// how much of the usual move of an episode it makes.
struct Manner {
    reversion: f64,
    log_sigma: f64,
    leverage: f64,
    eta: f64,
    rho: f64,
    jump_variance: f64,
    impact_variance: f64,
    episode_move: f64,
}

const OF_INDEX: Manner = Manner {
    reversion: 6.0,
    log_sigma: 0.3,
    leverage: -0.75,
    eta: 1.1,
    rho: -0.65,
    jump_variance: 0.0,
    impact_variance: 0.02,
    episode_move: 0.35,
};

const OF_STOCK: Manner = Manner {
    reversion: 5.0,
    log_sigma: 0.22,
    leverage: -0.45,
    eta: 1.0,
    rho: -0.35,
    jump_variance: 0.08,
    impact_variance: 0.1,
    episode_move: 0.6,
};

/// Jumps of its own a year.
const JUMPS_A_YEAR: f64 = 5.0;

/// What an option costs above the variance that is to be expected: sellers want to be paid.
const PREMIUM: f64 = 1.05;

/// Fewest and most the price may become, as a share of the first one: it stays a number.
const RANGE: (f64, f64) = (0.02, 50.0);

/// Price and variance of one underlying.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    price: f64,
    first: f64,
    class: Class,
    loads: Loads,
    /// Long-run volatility a year.
    volatility: f64,
    /// Logarithm of volatility over its long-run median.
    log_factor: f64,
    /// Volatility a year as it is now.
    now: f64,
    drift: f64,
    /// Share of variance that comes by itself.
    diffusion: f64,
    orders_per_second: f64,
    /// Years of variance until the next jump.
    jump_in: f64,
}

impl Spot {
    /// A price at its start with the volatility of the long run.
    pub(super) fn new(underlying: &Underlying, chance: &mut Chance) -> Self {
        let mut spot = Self {
            price: underlying.price,
            first: underlying.price,
            class: underlying.class,
            loads: Loads::of(underlying),
            volatility: underlying.volatility,
            log_factor: 0.0,
            now: 0.0,
            drift: underlying.rate - underlying.dividend_yield,
            diffusion: 1.0,
            orders_per_second: underlying.trades_per_second,
            jump_in: chance.exponential(1.0 / JUMPS_A_YEAR),
        };
        let manner = spot.manner();
        spot.diffusion -= manner.jump_variance;
        if spot.orders_per_second > 0.0 {
            let episodes = manner.episode_move * manner.episode_move * EPISODE_VARIANCE;
            spot.diffusion -= manner.impact_variance + episodes;
        }
        spot.log_factor = manner.log_sigma * manner.log_sigma;
        spot.renew();
        spot
    }

    /// The price, above 0.
    pub(super) fn price(&self) -> f64 {
        self.price
    }

    /// The logarithm of volatility over its long-run median: what the surface moves with.
    pub(super) fn log_factor(&self) -> f64 {
        self.log_factor
    }

    /// Standard deviation of the log return over so many years of variance.
    pub(super) fn sigma(&self, years: f64) -> f64 {
        self.now * years.sqrt()
    }

    /// Walks on over so many years of variance.
    pub(super) fn advance(&mut self, years: f64, shocks: &Shocks, chance: &mut Chance) {
        let manner = self.manner();
        let Felt { normal, jump } = self.loads.felt(shocks, chance.normal());
        let root = years.sqrt();
        let mut moved = self.now * (normal * root * self.diffusion.sqrt() + jump);
        self.jump_in -= years;
        if self.jump_in <= 0.0 {
            self.jump_in = chance.exponential(1.0 / JUMPS_A_YEAR);
            let sigma = self.volatility * (manner.jump_variance / JUMPS_A_YEAR).sqrt();
            moved += sigma * chance.normal();
        }
        moved += (self.drift - 0.5 * self.now * self.now) * years;
        self.shift(moved);

        let fresh = manner.leverage * normal
            + (1.0 - manner.leverage * manner.leverage).sqrt() * chance.normal();
        let unit = manner.log_sigma * (2.0 * manner.reversion * years).sqrt();
        let kept = 1.0 - (manner.reversion * years).min(1.0);
        // A jump of the market frightens as well.
        let fright = -manner.leverage.abs() * jump * 4.0;
        self.log_factor = (self.log_factor * kept + unit * fresh + fright).clamp(-1.5, 1.5);
        self.renew();
    }

    /// Learns from an order of which `surprise` was not to be expected; `weight` is 1 for one of
    /// mean size, and `second_years` are the years of variance in a second.
    pub(super) fn learn(&mut self, surprise: f64, weight: f64, second_years: f64) {
        let per_order =
            self.manner().impact_variance / (self.orders_per_second * SURPRISE_VARIANCE);
        self.shift(self.sigma(second_years) * per_order.sqrt() * surprise * weight);
    }

    /// An informed episode carries it for a second; `drift` is in its standard deviations.
    pub(super) fn carry(&mut self, drift: f64, second_years: f64) {
        self.shift(self.manner().episode_move * drift * self.sigma(second_years));
    }

    /// The surface at a logarithm of the volatility factor.
    pub(super) fn surface(&self, log_factor: f64) -> Surface {
        let manner = self.manner();
        let mean = PREMIUM * PREMIUM * self.volatility * self.volatility;
        let variance = mean * factor_square(log_factor, manner.log_sigma);
        Surface::new(manner.rho, manner.eta, variance, mean, manner.reversion)
            .expect("the manners are free of arbitrage and variance is above zero")
    }

    fn shift(&mut self, log_return: f64) {
        let (least, most) = (self.first * RANGE.0, self.first * RANGE.1);
        self.price = (self.price * libm::exp(log_return)).clamp(least, most);
    }

    fn renew(&mut self) {
        let square = factor_square(self.log_factor, self.manner().log_sigma);
        self.now = self.volatility * square.sqrt();
    }

    fn manner(&self) -> &'static Manner {
        match self.class {
            Class::Index | Class::Fund => &OF_INDEX,
            Class::Stock => &OF_STOCK,
        }
    }
}

/// The square of the volatility factor; 1 in the mean of a normal logarithm.
fn factor_square(log_factor: f64, log_sigma: f64) -> f64 {
    libm::exp(2.0 * (log_factor - log_sigma * log_sigma))
}
