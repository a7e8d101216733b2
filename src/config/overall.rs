//! The settings of what is computed over all symbols: one-day volatility, correlation, portfolio.

use std::collections::BTreeMap;

use quant::calculators::correlation::Method;
use quant::volatility::regime::{ChangeThresholds, Thresholds};
use serde::{Deserialize, Serialize};

/// One-day volatility.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Volatility {
    /// Where the level may come from, the preferred first: chain, ibkr, cboe, yahoo. One that a
    /// person ingested is always there as the last.
    pub sources: Vec<String>,
    /// Seconds between two requests to a source on the internet, 15 to 86400.
    pub cache_seconds: u64,
    /// Milliseconds a request may take, 100 to 120000.
    pub timeout_ms: u64,
    /// Seconds before the first request after one that failed, 1 to 86400; doubles with jitter.
    pub backoff_min_seconds: u64,
    /// The longest wait between requests in seconds, 1 to 604800.
    pub backoff_max_seconds: u64,
    /// The file of daily closes.
    pub cboe_url: String,
    /// The chart of the index.
    pub yahoo_url: String,
    /// Seconds after which a quote that a source declares delayed is over, 60 to 86400.
    pub delayed_max_age_seconds: u64,
    /// Seconds after which a level that a person ingested is over, 60 to 604800.
    pub manual_max_age_seconds: u64,
    /// Values a history keeps, 2 to 10000.
    pub history_window: usize,
    /// Fewest values that a history says something from, 2 to 10000.
    pub min_samples: usize,
    /// Levels at which a regime begins, points.
    pub thresholds: Thresholds,
    /// Rises that make a regime, points.
    pub change_thresholds: ChangeThresholds,
    /// Points below its beginning at which a regime is left, 0 to 20.
    pub hysteresis: f64,
    /// The underlying whose chain the level is computed from.
    pub chain_symbol: String,
    /// When the day of the index's clock ends: 16:15 or 16:00 in New York.
    pub clock_close: String,
}

impl Default for Volatility {
    fn default() -> Self {
        Self {
            sources: ["chain", "ibkr"].map(str::to_owned).into(),
            cache_seconds: 300,
            timeout_ms: 10_000,
            backoff_min_seconds: 30,
            backoff_max_seconds: 3_600,
            cboe_url: "https://cdn.cboe.com/api/global/us_indices/daily_prices/VIX1D_History.csv"
                .to_owned(),
            yahoo_url: "https://query1.finance.yahoo.com/v8/finance/chart/%5EVIX1D".to_owned(),
            delayed_max_age_seconds: 1_800,
            manual_max_age_seconds: 3_600,
            history_window: 480,
            min_samples: 20,
            thresholds: Thresholds::default(),
            change_thresholds: ChangeThresholds::default(),
            hysteresis: 1.0,
            chain_symbol: "SPX".to_owned(),
            clock_close: "16:15".to_owned(),
        }
    }
}

/// Correlation between symbols.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Correlation {
    /// What it is computed from: minute_bars, or hayashi_yoshida from prints.
    pub method: Method,
    /// Minutes that are looked back, 2 to 1500.
    pub window_minutes: u64,
    /// Fewest common returns of a pair, 3 to 1500.
    pub min_observations: usize,
    /// Fewest symbols of a matrix, 2 to 1000.
    pub min_symbols: usize,
    /// Most symbols of a matrix, 2 to 1000: those of the largest average daily volume.
    pub max_symbols: usize,
    /// A pair whose correlation is this large or larger in size is named, 0 to 1.
    pub high: f64,
    /// Seconds after which a matrix that another program found is over, 1 to 604800.
    pub discovered_max_age_seconds: u64,
}

impl Default for Correlation {
    fn default() -> Self {
        Self {
            method: Method::default(),
            window_minutes: 500,
            min_observations: 30,
            min_symbols: 3,
            max_symbols: 200,
            high: 0.7,
            discovered_max_age_seconds: 900,
        }
    }
}

/// The portfolio.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Portfolio {
    /// The currency amounts are added up in.
    pub currency: String,
    /// Name → symbols on the same underlying, which are one risk.
    pub complexes: BTreeMap<String, Vec<String>>,
    /// Index → symbol → weight, for the correlation that options imply.
    pub index_weights: BTreeMap<String, BTreeMap<String, f64>>,
}

impl Default for Portfolio {
    fn default() -> Self {
        let complex = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self {
            currency: "USD".to_owned(),
            complexes: [
                ("NDX".to_owned(), complex(&["NDX", "QQQ"])),
                ("SPX".to_owned(), complex(&["SPX", "SPY", "XSP"])),
            ]
            .into(),
            index_weights: BTreeMap::new(),
        }
    }
}
