//! The settings of `analytics feed` and of its providers.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use quant::market::Symbol;
use serde::{Deserialize, Serialize};

use super::globaldatafeeds::GlobalDataFeeds;
use super::values::{by_symbol, symbols, zone};

/// What `analytics feed` publishes, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feed {
    /// Who provides.
    pub provider: String,
    /// Milliseconds between two turns: tickers, books and prices, 10 to 600000.
    pub interval_ms: u64,
    /// Turns between two chains of a symbol, 1 to 3600.
    pub chain_every: u64,
    /// Whether every contract of a chain is a message of its own, too.
    pub option_quotes: bool,
    /// Symbols of the synthetic market or of a vendor; none: those the provider has by default.
    #[serde(with = "symbols")]
    pub symbols: Vec<Symbol>,
    /// Stocks that are generated beside them, up to 20000.
    pub symbols_generated: usize,
    /// Orders that trade a second, all symbols together, up to 100000; 0 leaves it to each symbol.
    pub trades_per_second: f64,
    /// How much faster than life the market moves, 0.001 to 1000000.
    pub speed: f64,
    /// The same seed gives the same market, up to 2^53.
    pub seed: u64,
    /// Whether it trades day and night; else each symbol keeps the hours of its exchange.
    pub always_open: bool,
    /// Probability that a record is made unusable in some way, 0 to 1.
    pub dirt: f64,
    /// Opening price of symbols that are not of the default universe; of others 100.
    #[serde(with = "by_symbol")]
    pub prices: BTreeMap<Symbol, f64>,
    /// Yearly volatility of symbols that are not of the default universe, 0.3 is 30 %; of others
    /// that.
    #[serde(with = "by_symbol")]
    pub volatilities: BTreeMap<Symbol, f64>,
    /// The vendor GlobalDatafeeds.
    pub globaldatafeeds: GlobalDataFeeds,
    /// The provider `cboe`.
    pub cboe: Cboe,
}

/// How CBOE's delayed quotes are asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cboe {
    /// Where the service is, without the path of a symbol.
    pub base: String,
    /// Seconds between two answers of a symbol, 15 to 3600.
    pub poll_seconds: u64,
    /// The longest wait after failures, and the longest a server may ask for, 60 to 86400.
    pub backoff_max_seconds: u64,
    /// Milliseconds until a whole answer is there, 1000 to 600000.
    pub timeout_ms: u64,
    /// Bytes of an answer as it comes, 64 KiB to 1 GiB.
    pub max_bytes: u64,
    /// Bytes of it unpacked, 64 KiB to 1 GiB.
    pub max_unpacked_bytes: u64,
    /// Milliseconds by which the quotes are late, up to a day.
    pub delay_ms: u64,
    /// The zone of the time in an answer, which names none.
    #[serde(with = "zone")]
    pub zone: Tz,
    /// Indices beyond those that are known: their files begin with `_`.
    #[serde(with = "symbols")]
    pub indices: Vec<Symbol>,
}

impl Default for Cboe {
    fn default() -> Self {
        Self {
            base: "https://cdn.cboe.com".to_owned(),
            poll_seconds: 60,
            backoff_max_seconds: 1_800,
            timeout_ms: 30_000,
            max_bytes: 64 << 20,
            max_unpacked_bytes: 256 << 20,
            delay_ms: 900_000,
            zone: Tz::UTC,
            indices: Vec::new(),
        }
    }
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            provider: "synthetic".to_owned(),
            interval_ms: 1000,
            chain_every: 5,
            option_quotes: false,
            symbols: Vec::new(),
            symbols_generated: 0,
            trades_per_second: 0.0,
            speed: 1.0,
            seed: 1,
            always_open: false,
            dirt: 0.0,
            prices: BTreeMap::new(),
            volatilities: BTreeMap::new(),
            cboe: Cboe::default(),
            globaldatafeeds: GlobalDataFeeds::default(),
        }
    }
}
