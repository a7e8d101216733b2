//! American options on a spot with a continuous dividend yield: price, delta, gamma, the premium
//! for early exercise, and the volatility a price implies.
//!
//! The price is the European one plus the integral of what exercise earns below the boundary, by
//! the method of Andersen, Lake and Offengenden (2016), see `boundary`. A call is the put with
//! spot and strike, rate and yield exchanged (McDonald and Schroder, "A parity result for American
//! options", Journal of Computational Finance 1, 1998).
//!
//! Which puts are exercised early (Andersen and Lake, "Fast American option pricing: the
//! double-boundary case", Wilmott, 2021, table 2; for calls exchange r and q):
//!
//! | rate | yield | |
//! |---|---|---|
//! | r > 0, or r = 0 > q | | below one boundary |
//! | r ≤ 0 | q ≥ r | never: the European price |
//! | r < 0 | q < r | between two boundaries: a Leisen-Reimer tree of 1,001 steps |
//!
//! Errors: below 1e-6 of the spot in the reference suite. Over random terms (rates up to 15 %, sigma
//! up to 300 %, five years, σ√T from 1/4) at most 2.5e-6 of the larger of spot and strike, against a
//! solution of degree 20. The tree is within about 1e-5 of the strike, takes half a millisecond, and
//! also serves where the boundary is not found. Only libm: the same bits on every host.

mod boundary;
mod points;
#[cfg(test)]
mod tests;
mod tree;

use std::fmt;

use self::boundary::Boundary;
use super::black_scholes::{Right, Terms};
use super::normal;

/// Why there is no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AmericanError {
    /// A term or the price is not finite, spot or strike not above 0, time or sigma below 0.
    Input,
    /// A discount factor or the price leaves the range of numbers.
    Overflow,
    /// Neither the boundary nor the tree gives a price: terms beyond any market.
    Unsolved,
    /// The price is below what exercise at the best known time gives: an arbitrage.
    BelowIntrinsic,
    /// The price is what exercise gives, so every sigma up to some bound has it.
    AtIntrinsic,
    /// The price is not below what an unbounded sigma gives, or needs a deviation σ√T above 50.
    AboveMaximum,
    /// Nothing is left to move: time to expiry is 0.
    Expired,
}

impl fmt::Display for AmericanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Input => "terms or price: not finite or out of range",
            Self::Overflow => "price: beyond the range of numbers",
            Self::Unsolved => "price: no exercise boundary found",
            Self::BelowIntrinsic => "implied volatility: the price is below intrinsic",
            Self::AtIntrinsic => "implied volatility: the price is intrinsic, many have it",
            Self::AboveMaximum => "implied volatility: the price is above its upper bound",
            Self::Expired => "implied volatility: the option has expired",
        })
    }
}

impl std::error::Error for AmericanError {}

/// A price and how it moves with the spot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sensitivities {
    /// In the currency of the spot.
    pub price: f64,
    /// dPrice/dSpot, in [-1, 1] up to differencing.
    pub delta: f64,
    /// d²Price/dSpot², a unit of the spot's currency.
    pub gamma: f64,
}

/// The price in the currency of the spot: at least intrinsic and the European price.
///
/// # Errors
/// `Input`, `Overflow` or `Unsolved`.
pub fn price(right: Right, terms: &Terms) -> Result<f64, AmericanError> {
    Model::new(right, terms)?.price(terms.spot)
}

/// Price, delta and gamma: central differences over 0.1 % of the spot with one exercise boundary,
/// over two nodes where a tree prices.
///
/// # Errors
/// As for [`price`].
pub fn sensitivities(right: Right, terms: &Terms) -> Result<Sensitivities, AmericanError> {
    let model = Model::new(right, terms)?;
    let step = terms.spot * model.relative_step();
    let price = model.price(terms.spot)?;
    let up = model.price(terms.spot + step)?;
    let down = model.price(terms.spot - step)?;
    let exercised = |price: f64, spot: f64| price == model.intrinsic(spot);
    if exercised(price, terms.spot)
        && exercised(up, terms.spot + step)
        && exercised(down, terms.spot - step)
    {
        let delta = match right {
            Right::Put => -1.0,
            Right::Call => 1.0,
        };
        return Ok(Sensitivities {
            price,
            delta,
            gamma: 0.0,
        });
    }
    let delta = (up - down) / (2.0 * step);
    let gamma = ((up - price) - (price - down)) / step / step;
    if !(delta.is_finite() && gamma.is_finite()) {
        return Err(AmericanError::Overflow);
    }
    Ok(Sensitivities {
        price,
        delta,
        gamma,
    })
}

/// The American less the European price, from 0, in the currency of the spot.
///
/// # Errors
/// As for [`price`].
pub fn early_exercise_premium(right: Right, terms: &Terms) -> Result<f64, AmericanError> {
    let model = Model::new(right, terms)?;
    Ok((model.price(terms.spot)? - model.european(terms.spot)).max(0.0))
}

/// The sigma at which the American price is `price`, to 1e-9: the volatility of an American quote
/// without its early exercise. The sigma of `terms` is not read.
///
/// # Errors
/// `BelowIntrinsic`, `AtIntrinsic`, `AboveMaximum` and `Expired` by what is wrong with the price,
/// and those of [`price`].
pub fn implied_vol(right: Right, price: f64, terms: &Terms) -> Result<f64, AmericanError> {
    let terms = Terms {
        sigma: 0.0,
        ..*terms
    };
    let model = Model::new(right, &terms)?;
    if !price.is_finite() {
        return Err(AmericanError::Input);
    }
    let floor = model.price(terms.spot)?;
    // What a sum of discounted numbers of this size rounds to.
    let rounding = 1e-13 * terms.spot.max(terms.strike);
    if price < floor - rounding {
        return Err(AmericanError::BelowIntrinsic);
    }
    if price <= floor + rounding {
        return Err(AmericanError::AtIntrinsic);
    }
    if price >= model.maximum(terms.spot) {
        return Err(AmericanError::AboveMaximum);
    }
    if terms.t_years == 0.0 {
        return Err(AmericanError::Expired);
    }
    search(right, price, &terms)
}

/// How near two sigmas are the same.
const SIGMA_TOLERANCE: f64 = 1e-9;
/// σ√T, beyond which no price is looked for.
const DEVIATION_MAX: f64 = 50.0;

/// Secants within a bracket. The European sigma of an American price is never too low, and that
/// of the price less the premium there is close.
fn search(right: Right, price: f64, terms: &Terms) -> Result<f64, AmericanError> {
    let root = terms.t_years.sqrt();
    let at = |sigma: f64| -> Result<(f64, f64), AmericanError> {
        let model = Model::new(right, &Terms { sigma, ..*terms })?;
        let american = model.price(terms.spot)?;
        Ok((american - price, american - model.european(terms.spot)))
    };
    let european = |price: f64| european_implied_vol(right, price, terms);

    let mut low = 0.0;
    let mut high = european(price).unwrap_or(1.0 / root);
    let (mut high_error, mut premium) = at(high)?;
    while high_error < 0.0 {
        // The European bound may be missed by its own rounding.
        if high_error > -1e-14 * terms.strike {
            return Ok(high);
        }
        low = high;
        high *= if european(price).is_some() { 1.01 } else { 2.0 };
        if high * root > DEVIATION_MAX {
            return Err(AmericanError::AboveMaximum);
        }
        (high_error, premium) = at(high)?;
    }
    let (mut last, mut last_error) = (high, high_error);
    let mut next = european(price - premium).unwrap_or(0.5 * (low + high));
    for _ in 0..100 {
        if !(next > low && next < high) {
            next = 0.5 * (low + high);
        }
        if (next - last).abs() <= SIGMA_TOLERANCE || high - low <= SIGMA_TOLERANCE {
            return Ok(next);
        }
        let (error, _) = at(next)?;
        if error == 0.0 {
            return Ok(next);
        }
        if error > 0.0 {
            high = next;
        } else {
            low = next;
        }
        let secant = next - error * (next - last) / (error - last_error);
        // Where exercise is immediate the price does not move, and a secant leads nowhere.
        let slow = error.abs() > 0.5 * last_error.abs();
        (last, last_error) = (next, error);
        next = if slow { 0.5 * (low + high) } else { secant };
    }
    Ok(next)
}

/// The sigma of a European price, by Newton's method from the inflection (Manaster and Koehler,
/// Journal of Finance 37, 1982); nothing where no sigma gives the price.
fn european_implied_vol(right: Right, price: f64, terms: &Terms) -> Option<f64> {
    let put = Put::mirrored(right, terms);
    let (moneyness, unit) = in_strikes(right, terms.spot, terms.strike);
    let target = price / unit;
    let (share, cash) = (put.share(moneyness), put.discount());
    let inside = target > (cash - share).max(0.0) && target < cash;
    if !inside {
        return None;
    }
    let root = put.t_years.sqrt();
    // Not 0 at the forward.
    let mut deviation = (2.0 * libm::log(share / cash).abs()).sqrt().max(1e-3);
    for _ in 0..40 {
        let guess = Put {
            sigma: deviation / root,
            ..put
        };
        let (d1, _) = guess.d1_d2(moneyness);
        let slope = share * normal::pdf(d1);
        let step = (guess.european(moneyness) - target) / slope;
        if !step.is_finite() {
            return None;
        }
        // At the forward the start lies below, and the first step may be long.
        let next = (deviation - step).clamp(0.1 * deviation, DEVIATION_MAX);
        let settled = (next - deviation).abs() <= 1e-12 * deviation;
        deviation = next;
        if settled {
            break;
        }
    }
    Some(deviation / root)
}

/// Moneyness of the put that stands for the option, and the unit of its price.
fn in_strikes(right: Right, spot: f64, strike: f64) -> (f64, f64) {
    match right {
        Right::Put => (spot / strike, strike),
        Right::Call => (strike / spot, spot),
    }
}

/// Terms whose exercise boundary is known; it does not depend on spot or strike.
struct Model {
    right: Right,
    strike: f64,
    put: Put,
    solution: Solution,
}

enum Solution {
    /// Never exercised early.
    European,
    /// Nothing is left to chance: exercised at the best known time.
    Certain,
    /// Exercised below the boundary.
    Boundary(Boundary),
    /// Exercised where the tree says.
    Tree,
}

impl Model {
    fn new(right: Right, terms: &Terms) -> Result<Self, AmericanError> {
        let Terms {
            spot,
            strike,
            t_years,
            rate,
            dividend_yield,
            sigma,
        } = *terms;
        let numbers = [spot, strike, t_years, rate, dividend_yield, sigma];
        let finite = numbers.iter().all(|number| number.is_finite());
        if !(finite && spot > 0.0 && strike > 0.0 && t_years >= 0.0 && sigma >= 0.0) {
            return Err(AmericanError::Input);
        }
        let put = Put::mirrored(right, terms);
        let solution = if put.deviation() < CERTAIN {
            Solution::Certain
        } else if put.never_early() {
            Solution::European
        } else if put.two_boundaries() {
            Solution::Tree
        } else {
            Boundary::solve(&put).map_or(Solution::Tree, Solution::Boundary)
        };
        Ok(Self {
            right,
            strike,
            put,
            solution,
        })
    }

    fn price(&self, spot: f64) -> Result<f64, AmericanError> {
        let put = &self.put;
        let (moneyness, unit) = in_strikes(self.right, spot, self.strike);
        let (low, high) = (put.lower_bound(moneyness), put.upper_bound());
        if !(low.is_finite() && high.is_finite() && put.share(moneyness).is_finite()) {
            return Err(AmericanError::Overflow);
        }
        let value = match &self.solution {
            Solution::European => put.european(moneyness),
            Solution::Certain => low,
            Solution::Boundary(boundary) => match boundary.premium(put, moneyness) {
                Some(premium) => put.european(moneyness) + premium,
                None => 1.0 - moneyness,
            },
            Solution::Tree => tree::price(put, moneyness).ok_or(AmericanError::Unsolved)?,
        };
        if !value.is_finite() {
            return Err(AmericanError::Unsolved);
        }
        let price = unit * value.min(high).max(low);
        // In units of the strike the last digits of an intrinsic price are lost.
        let intrinsic = self.intrinsic(spot);
        let price = if price <= intrinsic + 4.0 * f64::EPSILON * (spot + self.strike) {
            intrinsic
        } else {
            price
        };
        if price.is_finite() {
            Ok(price)
        } else {
            Err(AmericanError::Overflow)
        }
    }

    /// Negative out of the money.
    fn intrinsic(&self, spot: f64) -> f64 {
        match self.right {
            Right::Put => self.strike - spot,
            Right::Call => spot - self.strike,
        }
    }

    fn european(&self, spot: f64) -> f64 {
        let (moneyness, unit) = in_strikes(self.right, spot, self.strike);
        unit * self.put.european(moneyness)
    }

    /// What no price reaches.
    fn maximum(&self, spot: f64) -> f64 {
        let (_, unit) = in_strikes(self.right, spot, self.strike);
        let put = &self.put;
        unit * match self.put.never_early() {
            true => put.discount(),
            false => put.upper_bound(),
        }
    }

    fn relative_step(&self) -> f64 {
        match self.solution {
            Solution::Tree => {
                let nodes = 2.0 * self.put.deviation() / (tree::STEPS as f64).sqrt();
                nodes.clamp(0.001, 0.5)
            }
            Solution::European | Solution::Certain | Solution::Boundary(_) => 0.001,
        }
    }
}

/// A deviation σ√T below which the price moves by less than 4e-8 of the spot.
const CERTAIN: f64 = 1e-7;

/// A put of strike 1. Its spot is the moneyness.
#[derive(Clone, Copy)]
struct Put {
    rate: f64,
    dividend_yield: f64,
    sigma: f64,
    t_years: f64,
}

impl Put {
    fn mirrored(right: Right, terms: &Terms) -> Self {
        let (rate, dividend_yield) = match right {
            Right::Put => (terms.rate, terms.dividend_yield),
            Right::Call => (terms.dividend_yield, terms.rate),
        };
        Self {
            rate,
            dividend_yield,
            sigma: terms.sigma,
            t_years: terms.t_years,
        }
    }

    /// σ√T.
    fn deviation(&self) -> f64 {
        self.sigma * self.t_years.sqrt()
    }

    fn never_early(&self) -> bool {
        self.rate <= 0.0 && self.dividend_yield >= self.rate
    }

    fn two_boundaries(&self) -> bool {
        self.rate < 0.0 && self.dividend_yield < self.rate
    }

    /// Where interest on the strike and dividends are worth the same, up to the strike.
    fn boundary_at_expiry(&self) -> f64 {
        if self.dividend_yield > self.rate {
            self.rate / self.dividend_yield
        } else {
            1.0
        }
    }

    fn discount(&self) -> f64 {
        libm::exp(-self.rate * self.t_years)
    }

    /// The spot to be delivered at expiry, today.
    fn share(&self, moneyness: f64) -> f64 {
        moneyness * libm::exp(-self.dividend_yield * self.t_years)
    }

    fn d1_d2(&self, moneyness: f64) -> (f64, f64) {
        let drift = (self.rate - self.dividend_yield) * self.t_years;
        let deviation = self.deviation();
        let ratio = if (0.5..2.0).contains(&moneyness) {
            // The difference is exact.
            libm::log1p(moneyness - 1.0)
        } else {
            libm::log(moneyness)
        };
        let centre = (ratio + drift) / deviation;
        (centre + 0.5 * deviation, centre - 0.5 * deviation)
    }

    fn european(&self, moneyness: f64) -> f64 {
        let (share, cash) = (self.share(moneyness), self.discount());
        let deviation = self.deviation();
        if deviation == 0.0 {
            return (cash - share).max(0.0);
        }
        let (d1, d2) = self.d1_d2(moneyness);
        (cash * normal::cdf(-d2) - share * normal::cdf(-d1)).max(0.0)
    }

    /// The most of: exercise now, at expiry or at the best time if the spot grows as its forward,
    /// and the European price.
    fn lower_bound(&self, moneyness: f64) -> f64 {
        let (r, q) = (self.rate, self.dividend_yield);
        let at = |t: f64| libm::exp(-r * t) - moneyness * libm::exp(-q * t);
        // Where interest and dividends are equal; not a number where they never are.
        let best = libm::log(q * moneyness / r) / (q - r);
        let between = if best > 0.0 && best < self.t_years {
            at(best)
        } else {
            0.0
        };
        let known = at(0.0).max(at(self.t_years)).max(between).max(0.0);
        known.max(self.european(moneyness))
    }

    /// The strike at its highest present value.
    fn upper_bound(&self) -> f64 {
        self.discount().max(1.0)
    }
}
