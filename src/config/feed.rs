//! The settings of `analytics feed` and of its providers.

use std::collections::BTreeMap;

use quant::market::Symbol;
use serde::{Deserialize, Serialize};

use super::globaldatafeeds::GlobalDataFeeds;
use super::values::{by_symbol, symbols};

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
    /// Symbols of the synthetic market; none: its default universe.
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
            globaldatafeeds: GlobalDataFeeds::default(),
        }
    }
}
