//! The document of the volatility surface.

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::pricing::Basis;

/// The document. Volatilities are decimals, 1.0 is 100 %; total variance is σ²T. Everything is null
/// unless the status is `ok`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Payload {
    /// Price of the underlying.
    pub spot: Option<f64>,
    /// Each expiry and root that can be priced, nearest first.
    pub by_expiry: Option<Vec<ExpirySurface>>,
    /// What the numbers rest on.
    pub basis: Option<Basis>,
}

/// The smile of one expiry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExpirySurface {
    /// The date.
    pub expiry: NaiveDate,
    /// Root of its contracts.
    pub root: String,
    /// Forward.
    pub forward: f64,
    /// Years to its settlement.
    pub t_years: f64,
    /// Volatility at the forward; null where no strikes bracket it.
    pub atm_iv: Option<f64>,
    /// Mean of the strikes' volatilities, each by its vega; null where none has one.
    pub avg_iv: Option<f64>,
    /// Contracts with a volatility.
    pub num_quotes: u64,
    /// The listed strikes.
    pub rows: Rows,
    /// Raw SVI through them; null where it is not fitted.
    pub svi: Option<SviFit>,
    /// Why it is not: `expires_today`, `few_strikes`, `beyond_max_expiries` or `no_fit`; null where it
    /// is.
    pub svi_reason: Option<String>,
    /// Prices that allow a gain without risk.
    pub arbitrage: Arbitrage,
}

/// The listed strikes of an expiry: columns of one length, null where there is no quote.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rows {
    /// Strikes, rising.
    pub strike: Vec<f64>,
    /// Volatility of the call.
    pub call_iv: Vec<Option<f64>>,
    /// Volatility of the put.
    pub put_iv: Vec<Option<f64>>,
    /// Volatility of the strike: that of the contract out of the money, passing from the put's to the
    /// call's within one standard deviation of the forward.
    pub mid_iv: Vec<Option<f64>>,
    /// k = ln(K/F).
    pub log_moneyness: Vec<f64>,
}

/// Raw SVI: w(k) = a + b(ρ(k − m) + √((k − m)² + σ²)), w total variance.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SviFit {
    /// Level of total variance.
    pub a: f64,
    /// Slope of the wings, 0 or more.
    pub b: f64,
    /// Difference between the wings, −1 to 1.
    pub rho: f64,
    /// Log-moneyness about which the hyperbola lies.
    pub m: f64,
    /// How round the bottom is, above 0.
    pub sigma: f64,
    /// Root of the mean squared error in total variance, weighted by vega over spread.
    pub rmse: f64,
    /// The largest error of a strike, in total variance.
    pub max_error: f64,
    /// Strikes fitted.
    pub strikes: u64,
}

/// Prices that allow a gain without risk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Arbitrage {
    /// Of butterflies, on the fitted slice; null where there is none.
    pub butterfly: Option<Butterfly>,
    /// Of calendar spreads, against the expiry before; null where there is none with a smile.
    pub calendar: Option<Calendar>,
}

/// The least of the density function g of a slice: a butterfly has a negative price where it is below
/// 0 (Gatheral, Jacquier 2014).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Butterfly {
    /// g there, over the strikes fitted.
    pub min_g: f64,
    /// Log-moneyness there.
    pub k: f64,
    /// Strike there.
    pub strike: f64,
    /// Whether no butterfly at all, beyond the strikes too, has a negative price.
    pub free: bool,
}

/// Where total variance falls from the expiry before at the same log-moneyness.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Calendar {
    /// The expiry before.
    pub previous_expiry: NaiveDate,
    /// Strikes compared: those within the strikes of both.
    pub compared: u64,
    /// Those at which it falls.
    pub violations: u64,
    /// The strike at which it falls most; null where it does not.
    pub worst_strike: Option<f64>,
    /// By how much it falls there, in total variance.
    pub worst_fall: Option<f64>,
}
