//! From a chain to what every chain calculator shares: time to settlement, rates and yields,
//! implied volatilities and greeks.
//!
//! Two steps, because they change at different times. What follows from the chain alone is implied
//! once per chain, at the chain's own spot and time ([`Implied`]). What follows from the market is
//! priced once per chain, spot and instant ([`PricedChain`]) and handed to all calculators.

mod basis;
mod implied;
mod priced;
mod strike_iv;
#[cfg(test)]
pub(crate) mod tests;

use serde::{Deserialize, Serialize};

pub use basis::Basis;
pub use implied::parity_spot;
pub use implied::{ForwardSource, Implied, ImpliedSeries, IvSource, NoIv};
pub use priced::{Point, PricedAt, PricedChain, PricedContract, PricedSeries};
pub use strike_iv::strike_ivs;

/// Whose implied volatility is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IvChoice {
    /// The source's where it is usable, else solved from quotes.
    #[default]
    Vendor,
    /// Always solved from quotes.
    Own,
}

/// Continuously compounded rates by days ahead: a constant, or a curve that is linear between its
/// points and level beyond its ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RateCurve {
    /// One rate for all terms, 0.05 is 5 % a year.
    Flat(f64),
    /// `[days, rate]` by rising days.
    Points(Vec<(f64, f64)>),
}

impl RateCurve {
    /// The rate for a term in years.
    pub fn at(&self, t_years: f64) -> f64 {
        let points = match self {
            Self::Flat(rate) => return *rate,
            Self::Points(points) => points,
        };
        let days = t_years * 365.0;
        let after = points.partition_point(|(at, _)| *at <= days);
        match (after.checked_sub(1).map(|at| points[at]), points.get(after)) {
            (Some((from, low)), Some(&(to, high))) => {
                low + (high - low) * (days - from) / (to - from)
            }
            (Some((_, rate)), None) => rate,
            (None, Some((_, rate))) => *rate,
            (None, None) => 0.0,
        }
    }

    /// Whether it is a curve; an error says what it must be.
    pub fn check(&self) -> Result<(), String> {
        let usable = |rate: f64| rate.is_finite() && (-0.5..=5.0).contains(&rate);
        match self {
            Self::Flat(rate) if usable(*rate) => Ok(()),
            Self::Flat(rate) => Err(format!("must be -0.5 to 5 a year (is {rate})")),
            Self::Points(points) => {
                let rising = points.windows(2).all(|pair| pair[0].0 < pair[1].0);
                let known =
                    |(days, rate): &(f64, f64)| days.is_finite() && *days >= 0.0 && usable(*rate);
                if points.is_empty() || !rising || !points.iter().all(known) {
                    return Err(
                        "must be [days, rate] pairs by rising days from 0, rates -0.5 to 5"
                            .to_owned(),
                    );
                }
                Ok(())
            }
        }
    }
}

/// Settings of what chain calculators share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainParams {
    /// Whose implied volatility is used.
    pub iv: IvChoice,
    /// Milliseconds by which a chain that declares no delay is taken to be late.
    pub naive_delay_ms: u64,
    /// Widest spread over mid of a quote that a volatility is solved from.
    pub max_spread: f64,
}

impl Default for ChainParams {
    fn default() -> Self {
        Self {
            iv: IvChoice::Vendor,
            naive_delay_ms: 0,
            max_spread: 0.5,
        }
    }
}

impl ChainParams {
    /// Settings from a table, checked; an error begins with the key.
    pub fn from_table(table: &serde_json::Value) -> Result<Self, String> {
        let params = Self::deserialize(table).map_err(|error| error.to_string())?;
        if params.naive_delay_ms > 86_400_000 {
            let is = params.naive_delay_ms;
            return Err(format!("naive_delay_ms: must be 0 to 86400000 (is {is})"));
        }
        if !(params.max_spread > 0.0 && params.max_spread <= 2.0) {
            let is = params.max_spread;
            return Err(format!("max_spread: must be above 0, 2 at most (is {is})"));
        }
        Ok(params)
    }
}

/// The rate of a currency that nobody set, where there is a usual one.
pub fn usual_rate(currency: &str) -> Option<RateCurve> {
    match currency {
        "USD" => Some(RateCurve::Flat(0.045)),
        "INR" => Some(RateCurve::Flat(0.065)),
        _ => None,
    }
}

/// How the chains of one symbol are priced.
#[derive(Clone, Debug, PartialEq)]
pub struct PricingTerms {
    /// Whose implied volatility is used, and from which quotes one is solved.
    pub chain: ChainParams,
    /// Rates of the symbol's currency; `None` where nobody set them.
    pub rates: Option<RateCurve>,
    /// Continuous dividend yield, 0.01 is 1 % a year; `None` takes it from put-call parity where
    /// contracts are European, and 0 elsewhere.
    pub dividend_yield: Option<f64>,
}
