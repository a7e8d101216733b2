//! The settings, typed: every section with its defaults, units and ranges.
//! `analytics.toml` states the same for the operator; a test keeps the two equal.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use chrono_tz::Tz;
use quant::market::{Rule, Symbol};
use quant::pricing::RateCurve;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Known;
use super::feed::Feed;
use super::history::History;
use super::http::Http;
use super::overall::{Correlation, Portfolio, Volatility};
use super::secret::RedisUrl;
use super::values::{DateOrder, Interval, Level, by_symbol, symbols, zone};

/// Everything that can be set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The store.
    pub redis: Redis,
    /// What is computed on.
    pub symbols: Symbols,
    /// Sessions and currencies.
    pub market: Market,
    /// The loop.
    pub engine: Engine,
    /// How long documents live in the store.
    pub store_ttls: StoreTtls,
    /// How often each job runs.
    pub update_intervals: BTreeMap<String, Interval>,
    /// When inputs are stale.
    pub max_age_ms: MaxAgeMs,
    /// How trades are signed.
    pub signing: Signing,
    /// The parameters of each calculator: its defaults with what was set over them.
    pub calculators: BTreeMap<String, Value>,
    /// Rates by currency: continuous, a number or a curve of [days, rate].
    pub rates: BTreeMap<String, RateCurve>,
    /// Continuous dividend yields by symbol.
    #[serde(with = "by_symbol")]
    pub dividend_yield: BTreeMap<Symbol, f64>,
    /// One-day volatility.
    pub volatility: Volatility,
    /// Correlation between symbols.
    pub correlation: Correlation,
    /// The portfolio.
    pub portfolio: Portfolio,
    /// What symbols move for one per cent of the market.
    #[serde(with = "by_symbol")]
    pub betas: BTreeMap<Symbol, f64>,
    /// The sector of symbols; of others it is OTHER.
    #[serde(with = "by_symbol")]
    pub sector_map: BTreeMap<Symbol, String>,
    /// A VPIN of this much or more is toxic, 0 to 1.
    pub toxic_vpin: f64,
    /// What `analytics feed` publishes.
    pub feed: Feed,
    /// What is kept.
    pub history: History,
    /// The HTTP server.
    pub http: Http,
    /// The ring of recent trades.
    pub tape: Tape,
    /// How inputs are read.
    pub inputs: Inputs,
    /// What an input may claim before it is refused.
    pub limits: Limits,
    /// How documents are named in the store.
    pub keys: Keys,
    /// The documents of the chain service.
    pub chain_service: ChainService,
    /// What is announced on channels.
    pub events: Events,
    /// The log.
    pub log: Log,
}

impl Config {
    /// The built-in settings.
    pub fn defaults(known: &Known) -> Self {
        let every = |(job, seconds): &(String, f64)| (job.clone(), Interval::Every(*seconds));
        Self {
            redis: Redis::default(),
            symbols: Symbols::default(),
            market: Market::default(),
            engine: Engine::default(),
            store_ttls: StoreTtls::default(),
            update_intervals: known.jobs.iter().map(every).collect(),
            max_age_ms: MaxAgeMs::default(),
            signing: Signing::default(),
            calculators: known.calculators.clone(),
            rates: BTreeMap::new(),
            dividend_yield: BTreeMap::new(),
            volatility: Volatility::default(),
            correlation: Correlation::default(),
            portfolio: Portfolio::default(),
            betas: BTreeMap::new(),
            sector_map: BTreeMap::new(),
            toxic_vpin: 0.7,
            feed: Feed::default(),
            history: History::default(),
            http: Http::default(),
            tape: Tape::default(),
            inputs: Inputs::default(),
            limits: Limits::default(),
            keys: Keys::default(),
            chain_service: ChainService::default(),
            events: Events::default(),
            log: Log::default(),
        }
    }

    /// As a tree, with secrets masked.
    pub(super) fn to_json(&self) -> Value {
        serde_json::to_value(self).expect("settings are text keys and finite numbers")
    }
}

/// The connection to the store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redis {
    /// Where it is.
    pub url: RedisUrl,
    /// A file whose first line is the URL. Wins over a `url` of the same or a lower layer.
    pub url_file: Option<PathBuf>,
    /// Milliseconds a connection attempt may take, 1 to 600000.
    pub connect_timeout_ms: u64,
    /// Milliseconds a command may take, 1 to 60000.
    pub command_timeout_ms: u64,
    /// Milliseconds before the first attempt to reconnect, 1 to 600000; doubles with jitter.
    pub reconnect_min_delay_ms: u64,
    /// The longest wait between attempts in milliseconds, 1 to 600000, at least the first.
    pub reconnect_max_delay_ms: u64,
    /// Connections, 1 to 64.
    pub pool_size: usize,
}

impl Default for Redis {
    fn default() -> Self {
        Self {
            url: RedisUrl::default(),
            url_file: None,
            connect_timeout_ms: 2000,
            command_timeout_ms: 250,
            reconnect_min_delay_ms: 100,
            reconnect_max_delay_ms: 500,
            pool_size: 2,
        }
    }
}

/// The symbols to compute on. Both lists empty: whatever the store's set `market:symbols` names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Symbols {
    /// Symbols with top-of-book quotes.
    #[serde(with = "symbols")]
    pub standard: Vec<Symbol>,
    /// Symbols with a depth feed.
    #[serde(with = "symbols")]
    pub level2: Vec<Symbol>,
}

impl Symbols {
    /// The union of both lists, sorted.
    pub fn all(&self) -> BTreeSet<Symbol> {
        self.standard.iter().chain(&self.level2).cloned().collect()
    }
}

/// Where and in what the symbols trade.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Market {
    /// Whether the hours before and after the regular session count as open.
    pub extended_hours: bool,
    /// The exchange of a symbol that neither `exchanges` names nor the calendar lists.
    pub exchange: String,
    /// Symbol → exchange code.
    #[serde(with = "by_symbol")]
    pub exchanges: BTreeMap<Symbol, String>,
    /// The ISO 4217 currency of a symbol that `currencies` does not name and whose exchange has none.
    pub currency: String,
    /// Symbol → currency.
    #[serde(with = "by_symbol")]
    pub currencies: BTreeMap<Symbol, String>,
}

impl Default for Market {
    fn default() -> Self {
        Self {
            extended_hours: false,
            exchange: "XNYS".to_owned(),
            exchanges: BTreeMap::new(),
            currency: "USD".to_owned(),
            currencies: BTreeMap::new(),
        }
    }
}

/// The loop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Engine {
    /// Passes a second, 0.001 to 50.
    pub cadence_hz: f64,
    /// Whether symbol jobs pause outside regular hours.
    pub analytics_rth_only: bool,
    /// Milliseconds after which a pass publishes what is done, up to 600000; 0 is one period.
    pub pass_budget_ms: u64,
    /// Threads that compute, up to 1024; 0 is one less than there are cores.
    pub compute_threads: usize,
    /// Seconds between two savings of a symbol's memory, up to 86400; 0 saves and restores nothing.
    pub state_save_seconds: u64,
}

impl Default for Engine {
    fn default() -> Self {
        Self {
            cadence_hz: 2.0,
            analytics_rth_only: false,
            pass_budget_ms: 500,
            compute_threads: 0,
            state_save_seconds: 30,
        }
    }
}

impl Engine {
    /// The time between the starts of two passes.
    pub fn period(&self) -> Duration {
        Duration::from_secs_f64(1.0 / self.cadence_hz)
    }

    /// The time after which a pass publishes what is done.
    pub fn pass_budget(&self) -> Duration {
        match self.pass_budget_ms {
            0 => self.period(),
            budget => Duration::from_millis(budget),
        }
    }

    /// How many threads compute on a machine with so many cores.
    pub fn threads(&self, cores: usize) -> usize {
        match self.compute_threads {
            0 => cores.saturating_sub(1).max(1),
            threads => threads,
        }
    }
}

/// Seconds that documents live in the store, 1 to 2592000 (30 days).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreTtls {
    /// Documents by symbol, and one-day volatility.
    pub analytics: u64,
    /// The portfolio.
    pub portfolio: u64,
    /// Sectors.
    pub sector: u64,
    /// Correlation.
    pub correlation: u64,
    /// The heartbeat.
    pub heartbeat: u64,
}

impl Default for StoreTtls {
    fn default() -> Self {
        Self {
            analytics: 60,
            portfolio: 60,
            sector: 120,
            correlation: 900,
            heartbeat: 15,
        }
    }
}

/// Milliseconds after which an input is stale, 1 to 604800000 (a week).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaxAgeMs {
    /// The quote.
    pub ticker: u64,
    /// The order book.
    pub book: u64,
    /// The last trade. VPIN runs on a volume clock and does not ask.
    pub trades: u64,
    /// The option chain, by its own time; of one that says only that it is delayed, 15 minutes
    /// later.
    pub chain: u64,
    /// The last minute bar, counted from its end.
    pub bars: u64,
}

impl Default for MaxAgeMs {
    fn default() -> Self {
        Self {
            ticker: 15_000,
            book: 5_000,
            trades: 60_000,
            chain: 900_000,
            bars: 180_000,
        }
    }
}

/// How the side that started a trade is found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signing {
    /// The rule; any but `auto` ignores the source's own flags.
    pub rule: Rule,
    /// Milliseconds by which a quote must precede a trade to sign it, up to 60000.
    pub quote_delay_ms: u64,
    /// What differs for a symbol.
    #[serde(with = "by_symbol")]
    pub symbols: BTreeMap<Symbol, SymbolSigning>,
}

/// What differs for one symbol.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SymbolSigning {
    /// Its rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<Rule>,
    /// Its quote delay in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote_delay_ms: Option<u64>,
}

impl Signing {
    /// The rule a symbol's trades are signed by.
    pub fn rule_of(&self, symbol: &Symbol) -> Rule {
        let own = self.symbols.get(symbol).and_then(|own| own.rule);
        own.unwrap_or(self.rule)
    }

    /// Milliseconds by which a quote must precede a trade of the symbol to sign it.
    pub fn quote_delay_ms_of(&self, symbol: &Symbol) -> u64 {
        let own = self.symbols.get(symbol).and_then(|own| own.quote_delay_ms);
        own.unwrap_or(self.quote_delay_ms)
    }
}

/// The ring of recent trades that each symbol has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tape {
    /// Trades it holds, 1 to 65536.
    pub ring: usize,
    /// Whether a trade equal to the one before it is dropped.
    pub drop_repeats: bool,
}

impl Default for Tape {
    fn default() -> Self {
        Self {
            ring: 512,
            drop_repeats: false,
        }
    }
}

/// How inputs are read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inputs {
    /// The IANA zone of times that name none.
    #[serde(with = "zone")]
    pub naive_zone: Tz,
    /// What stands first in expiry dates such as 03/04/2026; unset, they are refused.
    pub date_order: Option<DateOrder>,
    /// Whether messages of the market's channels are read, beside the keys.
    pub channels: bool,
}

impl Default for Inputs {
    fn default() -> Self {
        Self {
            naive_zone: Tz::UTC,
            date_order: None,
            channels: true,
        }
    }
}

/// What an input may claim before it is refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// The highest price, 1e-9 to 9e9 units of the currency.
    pub max_price: f64,
    /// Milliseconds an input's time may lie ahead, up to 86400000 (a day).
    pub max_future_ms: u64,
    /// The largest value read from the store in bytes, 1 KiB to 512 MiB.
    pub max_value_bytes: u64,
    /// The longest option chain in contracts, 1 to 1000000.
    pub max_contracts: u64,
    /// The largest value after unpacking in bytes, 1 KiB to 1 TiB.
    pub max_unpacked_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_price: 1e7,
            max_future_ms: 2000,
            max_value_bytes: 64 << 20,
            max_contracts: 50_000,
            max_unpacked_bytes: 16 << 30,
        }
    }
}

/// How documents are named in the store.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// Whether documents also stand at the names that readers of an earlier engine look for.
    pub aliases: bool,
}

/// The documents of the chain service: `latest:*`, `ohlc:*`, `volatility_surface:*`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainService {
    /// Whether they are written.
    pub enabled: bool,
    /// Most quotes of single contracts a symbol and run, 0 to 50000; 0 writes none.
    pub options: usize,
    /// Seconds after which what has not changed is written again, 15 to 240: spot and greeks move on
    /// while a chain stands.
    pub refresh_seconds: u64,
}

impl Default for ChainService {
    fn default() -> Self {
        Self {
            enabled: true,
            options: 0,
            refresh_seconds: 60,
        }
    }
}

/// What is announced on channels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Events {
    /// Whether each pass tells on `events:analytics` which documents it wrote.
    pub analytics: bool,
}

/// The log.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// How much is said.
    pub level: Level,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_core_is_left_free_unless_threads_are_named() {
        let mut engine = Engine::default();
        assert_eq!([1, 2, 8].map(|cores| engine.threads(cores)), [1, 1, 7]);
        engine.compute_threads = 3;
        assert_eq!(engine.threads(1), 3);
    }

    #[test]
    fn a_budget_of_zero_is_one_period() {
        let mut engine = Engine::default();
        assert_eq!(engine.pass_budget(), Duration::from_millis(500));
        (engine.cadence_hz, engine.pass_budget_ms) = (10.0, 0);
        assert_eq!(engine.pass_budget(), Duration::from_millis(100));
    }

    #[test]
    fn a_symbol_of_both_lists_counts_once() {
        let list = |names: [&str; 2]| names.map(|name| Symbol::new(name).unwrap()).into();
        let symbols = Symbols {
            standard: list(["SPY", "QQQ"]),
            level2: list(["QQQ", "AAPL"]),
        };
        let all: Vec<String> = symbols.all().iter().map(Symbol::to_string).collect();
        assert_eq!(all, ["AAPL", "QQQ", "SPY"]);
    }
}
