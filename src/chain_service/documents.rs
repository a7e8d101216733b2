//! The documents of the chain service as they are written.
//!
//! Times are RFC 3339 in UTC with milliseconds. What is not defined is null. Volatilities are
//! fractions, 1.0 is 100 %. Volatilities and greeks are rounded to single precision, seven digits: an
//! index lists 20,000 contracts.

use chrono::NaiveDate;
use quant::calculators::surface::{Arbitrage, SviFit};
use quant::json::integer_if_whole;
use quant::market::Right;
use schemars::JsonSchema;
use serde::Serialize;

/// Price of an underlying.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Underlying {
    /// The symbol.
    pub product: String,
    /// Its price: the ticker's, else that of its newest trade, else the one its chain states.
    pub price: f64,
    /// When it was so.
    #[schemars(extend("format" = "date-time"))]
    pub timestamp: String,
}

/// Quote of one contract.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct OptionQuote {
    /// Root, `YYMMDD`, `C` or `P`, strike in thousandths on eight digits: what its key ends with.
    pub symbol: String,
    /// The underlying.
    pub product: String,
    /// Strike.
    pub strike: f64,
    /// The date it expires.
    pub expiry: NaiveDate,
    /// `call` or `put`.
    pub option_type: OptionType,
    /// Best bid.
    pub bid: Option<f64>,
    /// Best offer.
    pub ask: Option<f64>,
    /// Price of the last trade.
    pub last: Option<f64>,
    /// Contracts traded today.
    #[serde(serialize_with = "integer_if_whole")]
    pub volume: Option<f64>,
    /// Contracts open.
    #[serde(serialize_with = "integer_if_whole")]
    pub open_interest: Option<f64>,
    /// Change of the price for one unit of the underlying.
    pub delta: Option<f32>,
    /// Change of delta for one unit of the underlying.
    pub gamma: Option<f32>,
    /// Change of the price for one volatility point.
    pub vega: Option<f32>,
    /// Change of the price in one calendar day.
    pub theta: Option<f32>,
    /// Implied volatility.
    pub iv: Option<f32>,
    /// When the quote was so: its own time, else that of its chain.
    #[schemars(extend("format" = "date-time"))]
    pub timestamp: String,
}

/// Call or put.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OptionType {
    /// The right to buy.
    Call,
    /// The right to sell.
    Put,
}

impl From<Right> for OptionType {
    fn from(right: Right) -> Self {
        match right {
            Right::Call => Self::Call,
            Right::Put => Self::Put,
        }
    }
}

/// The chain of one expiry, with what is computed from it. `calls` and `puts` stand beside `strikes`,
/// null where one is not listed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct EnrichedChain {
    /// The underlying.
    pub product: String,
    /// The date it expires.
    pub expiry: NaiveDate,
    /// The root of its contracts' symbols: of one date there may be several.
    pub root: String,
    /// Price of the underlying.
    pub spot_price: f64,
    /// Open interest of puts over that of calls.
    pub pcr_oi: Option<f64>,
    /// Volume of puts over that of calls.
    pub pcr_volume: Option<f64>,
    /// The listed strike nearest to spot, of equally near ones the lower.
    pub atm_strike: Option<f64>,
    /// Price of its call and put together.
    pub atm_straddle_price: Option<f64>,
    /// Settlement price at which the holders of all open options are paid least.
    pub max_pain_strike: Option<f64>,
    /// Contracts open in calls.
    #[serde(serialize_with = "integer_if_whole")]
    pub total_call_oi: Option<f64>,
    /// Contracts open in puts.
    #[serde(serialize_with = "integer_if_whole")]
    pub total_put_oi: Option<f64>,
    /// Contracts open in calls out of the money.
    #[serde(serialize_with = "integer_if_whole")]
    pub call_buildup_otm: Option<f64>,
    /// Contracts open in puts out of the money.
    #[serde(serialize_with = "integer_if_whole")]
    pub put_buildup_otm: Option<f64>,
    /// The listed strikes, rising.
    pub strikes: Vec<f64>,
    /// The call of each strike.
    pub calls: Vec<Option<Leg>>,
    /// The put of each strike.
    pub puts: Vec<Option<Leg>>,
    /// When its quotes were so.
    #[schemars(extend("format" = "date-time"))]
    pub timestamp: String,
    /// When this was computed.
    #[schemars(extend("format" = "date-time"))]
    pub processed_at: String,
}

/// One contract of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Leg {
    /// Strike.
    pub strike: f64,
    /// Price of the last trade.
    pub last: Option<f64>,
    /// Implied volatility.
    pub iv: Option<f32>,
    /// Contracts open.
    #[serde(serialize_with = "integer_if_whole")]
    pub open_interest: Option<f64>,
    /// Contracts traded today.
    #[serde(serialize_with = "integer_if_whole")]
    pub volume: Option<f64>,
    /// Change of contracts open since the session before, as the source states it.
    #[serde(serialize_with = "integer_if_whole")]
    pub oi_change: Option<f64>,
    /// Best bid.
    pub bid: Option<f64>,
    /// Best offer.
    pub ask: Option<f64>,
    /// Change of the price for one unit of the underlying.
    pub delta: Option<f32>,
    /// Change of delta for one unit of the underlying.
    pub gamma: Option<f32>,
    /// Change of the price for one volatility point.
    pub vega: Option<f32>,
    /// Change of the price in one calendar day.
    pub theta: Option<f32>,
}

/// Put-call ratios of one expiry.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PutCall {
    /// Open interest of puts over that of calls.
    pub pcr_oi: Option<f64>,
    /// Volume of puts over that of calls.
    pub pcr_volume: Option<f64>,
    /// When the chain was so.
    #[schemars(extend("format" = "date-time"))]
    pub timestamp: String,
}

/// The newest bar of one length.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Ohlc {
    /// The symbol.
    pub product: String,
    /// 1, 5 or 15.
    pub window_minutes: u32,
    /// First price.
    pub open: f64,
    /// Highest price.
    pub high: f64,
    /// Lowest price.
    pub low: f64,
    /// Last price.
    pub close: f64,
    /// Shares or contracts traded.
    pub volume: f64,
    /// When it begins, a multiple of the window.
    #[schemars(extend("format" = "date-time"))]
    pub start_time: String,
    /// When it ends.
    #[schemars(extend("format" = "date-time"))]
    pub end_time: String,
    /// Prints in it; null where it is made from minute bars.
    pub num_ticks: Option<u64>,
    /// Whether its time is over.
    pub complete: bool,
}

/// Volatilities of all expiries.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct VolatilitySurface<'a> {
    /// The underlying.
    pub product: String,
    /// When the chain was so.
    #[schemars(extend("format" = "date-time"))]
    pub timestamp: String,
    /// Price of the underlying.
    pub spot_price: f64,
    /// The expiries, nearest first. Two of one date settle at different times, as `t_years` tells.
    pub expiries: Vec<Smile<'a>>,
}

/// Volatilities of one expiry: columns beside `strikes`, null where there is no quote.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Smile<'a> {
    /// The date it expires.
    pub expiry: NaiveDate,
    /// Years to its settlement.
    pub t_years: f64,
    /// Forward.
    pub forward: f64,
    /// The listed strikes, rising.
    pub strikes: &'a [f64],
    /// Volatility of the call.
    pub call_ivs: Vec<Option<f32>>,
    /// Volatility of the put.
    pub put_ivs: Vec<Option<f32>>,
    /// Volatility of the strike: that of the contract out of the money.
    pub mid_ivs: Vec<Option<f32>>,
    /// Mean of these, each by its vega.
    pub avg_iv: Option<f64>,
    /// Volatility at the forward.
    pub atm_iv: Option<f64>,
    /// Contracts with a volatility.
    pub num_quotes: u64,
    /// Raw SVI through the strikes; null where it is not fitted.
    pub svi: Option<SviFit>,
    /// Prices that allow a gain without risk.
    pub arbitrage: Arbitrage,
}

/// What a pass wrote, told on `events:analytics`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Event<'a> {
    /// The time of the pass.
    #[schemars(extend("format" = "date-time"))]
    pub timestamp: String,
    /// Symbol → names of the documents written, at most 500 symbols.
    pub documents: std::collections::BTreeMap<&'a str, Vec<&'a str>>,
}
