//! What VPIN publishes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Payload {
    /// VPIN, 0 to 1, four decimals; 0.5 unless `meta.status` is `ok`.
    pub value: f64,
    /// Share of its own past values, the present one included, at or below it, 0 to 1; null under
    /// 200 of them. Toxic is what stands high here, not a level: that depends on size and signs.
    pub percentile: Option<f64>,
    /// Past values behind the percentile, one a completed bucket.
    pub percentile_samples: Option<usize>,
    /// Standard error of the value, at least 0: of the mean of |bought - sold| / size over the
    /// buckets, by Newey and West with floor(4 (n/100)^(2/9)) Bartlett lags. Sampling only, not
    /// wrong signs. Null under two buckets.
    pub se: Option<f64>,
    /// VPIN of one-minute bars whose volume is split by their price change against the normal
    /// distribution, 0 to 1, over as many buckets of the same size; null until they are complete.
    pub value_bvc: Option<f64>,
    /// The same against Student's t with 0.25 degrees of freedom, 0 to 1.
    pub value_bvc_t: Option<f64>,
    /// Complete buckets behind the value.
    pub buckets: Option<usize>,
    /// Volume of a bucket, shares.
    #[serde(serialize_with = "crate::json::integer_if_whole")]
    pub bucket_size: Option<f64>,
    /// Prints behind the value.
    pub trades_analyzed: Option<u64>,
    /// Why the value is neutral; absent where it is not.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<Neutral>,
    /// Where the bucket size comes from.
    pub bucket_source: Option<BucketSource>,
    /// Filled share of the open bucket, 0 to 1; it does not enter the value.
    pub open_bucket_fill: Option<f64>,
    /// Share of the volume whose side is known, 0 to 1.
    pub classified_share: Option<f64>,
    /// How the trades were signed.
    pub sign_source: Option<SignSource>,
    /// Where the quotes that signed them came from, as shares of the volume.
    pub quote_source: Option<QuoteShares>,
    /// Volume behind the value, shares.
    pub volume: Option<f64>,
    /// Time from the first print to the last behind the value, seconds.
    pub window_seconds: Option<f64>,
    /// Age of the newest trade, milliseconds: the volume clock stands while nobody trades.
    pub last_trade_age_ms: Option<i64>,
}

/// Why the value is neutral.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Neutral {
    /// Fewer trades or buckets than it takes.
    InsufficientTrades,
    /// No trade seen.
    NoTrades,
    /// The market data are too old.
    Stale,
    /// The computation failed.
    Error,
}

/// Where a bucket size comes from, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BucketSource {
    /// Configured for this symbol.
    ConfigSymbol,
    /// Configured for all symbols.
    Config,
    /// Discovered for this symbol.
    DiscoveredSymbol,
    /// The configured share of the average daily volume.
    AverageDailyVolume,
    /// Discovered for all symbols, and at least 50 median prints of this one.
    Discovered,
    /// 50 median prints of the warm-up.
    MedianPrint,
}

/// How trades were signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignSource {
    /// By the source's aggressor flag.
    Aggressor,
    /// By flags where there were some, by Lee–Ready elsewhere.
    Mixed,
    /// Quote rule, then tick rule.
    LeeReady,
    /// Quote rule.
    Quote,
    /// Tick rule.
    Tick,
    /// At the ask or bid by the quote, tick rule elsewhere (Ellis, Michaely, O'Hara 2000).
    Emo,
    /// Within 30 % of the spread of the ask or bid by the quote, tick rule elsewhere
    /// (Chakrabarty, Li, Nguyen, Van Ness 2007).
    Clnv,
}

/// Shares of the volume by where the quote came from; they add up to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QuoteShares {
    /// It stood on the trade.
    pub trade: f64,
    /// The newest ticker observed before the trade.
    pub observed: f64,
    /// None was there.
    pub none: f64,
}
