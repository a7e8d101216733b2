//! Price and Greeks of a European option under Black–Scholes–Merton with a continuous yield, and
//! what is left of them without time or volatility.
//!
//! With w = ±1 for call and put, d1 = [ln(S/K) + (r − q)T]/(σ√T) + σ√T/2 and d2 = d1 − σ√T:
//! Hull, "Options, Futures, and Other Derivatives", ch. 17 and 19; the higher orders are
//! derivatives of those. Units: volatility, rate and yield are decimals per year, continuously
//! compounded; T is in years of 365 days. Decay (theta, charm, veta, color) is the derivative in
//! calendar time, −d/dT, per year.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::normal;

/// What the option lets its holder do.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// Buy at the strike.
    Call,
    /// Sell at the strike.
    Put,
}

impl Right {
    /// w of the formulas: 1 for a call, −1 for a put.
    pub fn sign(self) -> f64 {
        match self {
            Self::Call => 1.0,
            Self::Put => -1.0,
        }
    }
}

/// One option at one instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Terms {
    /// S, in the currency of the strike, > 0.
    pub spot: f64,
    /// K, > 0.
    pub strike: f64,
    /// T: years of 365 days to the settlement; at or below 0 the option has expired.
    pub t_years: f64,
    /// r: decimal per year, continuously compounded.
    pub rate: f64,
    /// q: decimal per year, continuously compounded.
    pub dividend_yield: f64,
    /// σ: decimal per √year, ≥ 0; not a number where it is not known.
    pub sigma: f64,
}

/// Price and derivatives of one option on one unit. All are finite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Greeks {
    /// Present value, ≥ 0, in the currency of the spot.
    pub price: f64,
    /// ∂V/∂S, in [−1, 1] for q ≥ 0.
    pub delta: f64,
    /// ∂²V/∂S², per unit of the spot, ≥ 0.
    pub gamma: f64,
    /// ∂V/∂σ, per 1.00 of volatility, ≥ 0.
    pub vega: f64,
    /// −∂V/∂T, per year.
    pub theta: f64,
    /// ∂V/∂r, per 1.00 of the rate.
    pub rho: f64,
    /// ∂²V/∂S∂σ, per 1.00 of volatility.
    pub vanna: f64,
    /// −∂delta/∂T, per year.
    pub charm: f64,
    /// ∂²V/∂σ², per 1.00 of volatility twice.
    pub vomma: f64,
    /// −∂vega/∂T, per year.
    pub veta: f64,
    /// ∂gamma/∂S.
    pub speed: f64,
    /// ∂gamma/∂σ, per 1.00 of volatility.
    pub zomma: f64,
    /// −∂gamma/∂T, per year.
    pub color: f64,
}

/// Why there are no Greeks, and what there is instead.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Degenerate {
    /// T ≤ 0: the intrinsic value. Adds nothing to exposures; to be counted.
    Expired(Limit),
    /// σ = 0: what the forward is worth if nothing moves.
    ZeroVol(Limit),
    /// No volatility is known: imply it from quotes or leave the option out; never a default.
    MissingIv,
    /// A price is not positive, another input is no number, or a result is beyond double precision.
    Invalid,
}

impl Degenerate {
    /// The name in documents.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Expired(_) => "expired",
            Self::ZeroVol(_) => "zero_vol",
            Self::MissingIv => "missing_iv",
            Self::Invalid => "invalid",
        }
    }

    /// Value and slopes in the limit, where there is one.
    pub fn limit(&self) -> Option<&Limit> {
        match self {
            Self::Expired(limit) | Self::ZeroVol(limit) => Some(limit),
            Self::MissingIv | Self::Invalid => None,
        }
    }
}

/// An option that is certain: worth the discounted distance of forward and strike, or nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// Present value, ≥ 0.
    pub price: f64,
    /// ∂V/∂S; by convention half of its step at the kink.
    pub delta: f64,
    /// 0 but at the kink of an option that still has time.
    pub vega: f64,
    /// −∂V/∂T, per year; 0 after expiry.
    pub theta: f64,
    /// ∂V/∂r, per 1.00 of the rate.
    pub rho: f64,
    /// −∂delta/∂T, per year; none at the kink.
    pub charm: Option<f64>,
    /// Gamma, and so vanna: 0; none at the kink, where forward and strike are the same.
    pub curvature: Option<f64>,
}

/// Whether a volatility is likely one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IvCheck {
    /// Nothing speaks against it.
    Plausible,
    /// Above 500 % with two days or more to go: most likely percent taken for decimals.
    Suspect,
    /// Above 2,000 %, or no number, or negative.
    Rejected,
}

/// Judges a volatility (decimal) by its size and the time to expiry in years.
pub fn check_iv(sigma: f64, t_years: f64) -> IvCheck {
    const TWO_DAYS: f64 = 2.0 / 365.0;
    if !(0.0..=20.0).contains(&sigma) {
        IvCheck::Rejected
    } else if sigma > 5.0 && t_years >= TWO_DAYS {
        IvCheck::Suspect
    } else {
        IvCheck::Plausible
    }
}

/// Price and all Greeks.
pub fn greeks(right: Right, terms: &Terms) -> Result<Greeks, Degenerate> {
    let carried = Carried::of(terms).ok_or(Degenerate::Invalid)?;
    let Some(d) = carried.distances(terms)? else {
        return Err(carried.degenerate(right, terms));
    };
    let result = carried.greeks(right, terms, &d);
    if result.is_finite() {
        Ok(result)
    } else {
        Err(Degenerate::Invalid)
    }
}

/// Delta alone, degenerate limits included: after expiry w in the money, w/2 at the strike, else 0.
/// `None` where an input is missing or invalid.
pub fn delta(right: Right, terms: &Terms) -> Option<f64> {
    let carried = Carried::of(terms)?;
    match carried.distances(terms) {
        Ok(Some(d)) => {
            let delta = right.sign() * carried.growth * normal::cdf(right.sign() * d.d1);
            delta.is_finite().then_some(delta)
        }
        Ok(None) => carried.degenerate(right, terms).limit().map(|l| l.delta),
        Err(_) => None,
    }
}

/// How far delta drifts if only time passes, until `later_t_years` are left; 0 or less is the close.
///
/// To full relative precision also over a minute, where the difference of two deltas has few digits.
pub fn delta_change(right: Right, terms: &Terms, later_t_years: f64) -> Option<f64> {
    let later = Terms {
        t_years: later_t_years,
        ..*terms
    };
    let (from, to) = (Carried::of(terms)?, Carried::of(&later)?);
    let plain = || {
        let change = delta(right, &later)? - delta(right, terms)?;
        change.is_finite().then_some(change)
    };
    let (Ok(Some(a)), Ok(Some(b))) = (from.distances(terms), to.distances(&later)) else {
        return plain();
    };
    let near = (b.d1 - a.d1).abs() < 0.25;
    if !near {
        return plain();
    }
    let w = right.sign();
    let of_yield = libm::expm1(-terms.dividend_yield * (later_t_years - terms.t_years));
    let change = to.growth * probability_between(a.d1, b.d1)
        + w * from.growth * of_yield * normal::cdf(w * a.d1);
    change.is_finite().then_some(change)
}

/// N(b) − N(a) for near neighbours, by the Gauss–Legendre rule of five points.
fn probability_between(a: f64, b: f64) -> f64 {
    const RULE: [(f64, f64); 2] = [
        (0.538_469_310_105_683_1, 0.478_628_670_499_366_5),
        (0.906_179_845_938_664, 0.236_926_885_056_189_1),
    ];
    let (centre, half) = (0.5 * (a + b), 0.5 * (b - a));
    let middle = 128.0 / 225.0 * normal::pdf(centre);
    let sides = RULE.iter().map(|(node, weight)| {
        weight * (normal::pdf(centre - node * half) + normal::pdf(centre + node * half))
    });
    half * (middle + sides.sum::<f64>())
}

/// ln(a/b) of two prices; near 1 to the last digit, where a/b would have rounded it away.
pub(super) fn log_moneyness(a: f64, b: f64) -> f64 {
    let ratio = a / b;
    if (ratio - 1.0).abs() < 0.5 {
        libm::log1p((a - b) / b)
    } else if ratio.is_normal() {
        libm::log(ratio)
    } else {
        libm::log(a) - libm::log(b)
    }
}

/// Spot and strike as of today.
struct Carried {
    /// e^(−qT).
    growth: f64,
    /// S·e^(−qT).
    spot: f64,
    /// K·e^(−rT).
    strike: f64,
    /// ln(S/K) + (r − q)T: above 0 where the forward is above the strike.
    log_forward: f64,
}

/// d1 and d2, and what they divide by.
struct Distances {
    root_t: f64,
    /// σ√T.
    total: f64,
    d1: f64,
    d2: f64,
}

impl Carried {
    /// `None` where no price can be had from the inputs; volatility is looked at later.
    fn of(terms: &Terms) -> Option<Self> {
        let &Terms {
            spot,
            strike,
            t_years,
            rate,
            dividend_yield,
            ..
        } = terms;
        let prices = spot > 0.0 && strike > 0.0 && spot.is_finite() && strike.is_finite();
        let numbers = t_years.is_finite() && rate.is_finite() && dividend_yield.is_finite();
        if !(prices && numbers) {
            return None;
        }
        // What has expired is worth what it is now.
        let t = t_years.max(0.0);
        let growth = libm::exp(-dividend_yield * t);
        let carried = Self {
            growth,
            spot: spot * growth,
            strike: strike * libm::exp(-rate * t),
            log_forward: log_moneyness(spot, strike) + (rate - dividend_yield) * t,
        };
        let finite = carried.spot.is_finite()
            && carried.strike.is_finite()
            && carried.log_forward.is_finite();
        finite.then_some(carried)
    }

    /// `Ok(None)` where time or volatility is zero.
    fn distances(&self, terms: &Terms) -> Result<Option<Distances>, Degenerate> {
        /// Below it reciprocals of σ√T overflow, and nothing but the kink has a second derivative.
        const NOTHING: f64 = 1e-150;
        if terms.t_years <= 0.0 {
            return Ok(None);
        }
        if terms.sigma.is_nan() {
            return Err(Degenerate::MissingIv);
        }
        let root_t = terms.t_years.sqrt();
        let total = terms.sigma * root_t;
        if !(total >= 0.0 && total.is_finite()) {
            return Err(Degenerate::Invalid);
        }
        if total < NOTHING {
            return Ok(None);
        }
        let ratio = self.log_forward / total;
        Ok(Some(Distances {
            root_t,
            total,
            d1: ratio + 0.5 * total,
            d2: ratio - 0.5 * total,
        }))
    }

    fn greeks(&self, right: Right, terms: &Terms, d: &Distances) -> Greeks {
        let &Distances { root_t, total, .. } = d;
        let (spot, t, sigma) = (terms.spot, terms.t_years, terms.sigma);
        let (rate, dividend_yield) = (terms.rate, terms.dividend_yield);
        let w = right.sign();
        let density = normal::pdf(d.d1);
        // φ(d2)·K·e^(−rT) = φ(d1)·S·e^(−qT); it only corrects a rounding.
        let density_2 = if density > 0.0 {
            density * (self.spot / self.strike)
        } else {
            normal::pdf(d.d2)
        };

        // The side out of the money has the digits; the other follows by parity.
        let in_the_money = w * self.log_forward > 0.0;
        let side = if in_the_money { -w } else { w };
        let p1 = normal::cdf_beside(side * d.d1, density);
        let p2 = normal::cdf_beside(side * d.d2, density_2);
        let out = (side * (self.spot * p1 - self.strike * p2)).max(0.0);
        let (price, n1, n2) = if in_the_money {
            (
                out + w * (self.spot - self.strike),
                complement(p1, w * d.d1, density),
                complement(p2, w * d.d2, density_2),
            )
        } else {
            (out, p1, p2)
        };

        // Where φ is zero so is all that it multiplies, also by an infinite distance.
        let (d1, d2) = if density > 0.0 {
            (d.d1, d.d2)
        } else {
            (0.0, 0.0)
        };
        let carried_density = self.growth * density;
        let gamma = carried_density / (spot * total);
        let vega = spot * carried_density * root_t;
        let half_over_t = 0.5 / t;
        let drift = (rate - dividend_yield) / total - d2 * half_over_t;
        let turn = dividend_yield + d1 * drift;
        let (w_spot, w_strike) = (w * self.spot * n1, w * self.strike * n2);
        Greeks {
            price,
            delta: w * self.growth * n1,
            gamma,
            vega,
            theta: dividend_yield * w_spot - rate * w_strike - vega * sigma * half_over_t,
            rho: t * w_strike,
            vanna: -carried_density * d2 / sigma,
            charm: w * dividend_yield * self.growth * n1 - carried_density * drift,
            vomma: vega * d1 * d2 / sigma,
            veta: vega * (turn - half_over_t),
            speed: -gamma / spot * (d1 / total + 1.0),
            zomma: gamma * (d1 * d2 - 1.0) / sigma,
            color: gamma * (turn + half_over_t),
        }
    }

    /// The limits of σ → 0 and T → 0.
    fn degenerate(&self, right: Right, terms: &Terms) -> Degenerate {
        let w = right.sign();
        let expired = terms.t_years <= 0.0;
        let t = terms.t_years.max(0.0);
        let kink = self.log_forward == 0.0;
        let exercised = if kink {
            0.5
        } else if w * self.log_forward > 0.0 {
            1.0
        } else {
            0.0
        };
        let share = w * exercised;
        let charm = if expired {
            0.0
        } else {
            share * terms.dividend_yield * self.growth
        };
        let theta = terms.dividend_yield * self.spot - terms.rate * self.strike;
        let limit = Limit {
            price: if kink {
                0.0
            } else {
                (share * (self.spot - self.strike)).max(0.0)
            },
            delta: share * self.growth,
            vega: if kink {
                self.spot * normal::pdf(0.0) * t.sqrt()
            } else {
                0.0
            },
            theta: if expired { 0.0 } else { share * theta },
            rho: share * t * self.strike,
            charm: (!kink).then_some(charm),
            curvature: (!kink).then_some(0.0),
        };
        let sum = limit.price + limit.delta + limit.vega + limit.theta + limit.rho + charm;
        if !sum.is_finite() {
            Degenerate::Invalid
        } else if expired {
            Degenerate::Expired(limit)
        } else {
            Degenerate::ZeroVol(limit)
        }
    }
}

/// N(x) from p = N(−x): by subtraction where that keeps the digits.
fn complement(p: f64, x: f64, density: f64) -> f64 {
    if p <= 0.5 {
        1.0 - p
    } else {
        normal::cdf_beside(x, density)
    }
}

impl Greeks {
    fn is_finite(&self) -> bool {
        let price = self.price + self.delta + self.gamma + self.vega + self.theta + self.rho;
        let second = self.vanna + self.charm + self.vomma + self.veta;
        let third = self.speed + self.zomma + self.color;
        // An infinity among them stays one or becomes no number.
        (price + second + third).is_finite()
    }
}

#[cfg(test)]
mod tests;
