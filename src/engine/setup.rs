//! From settings to what the engine needs: terms for each symbol, intervals, sessions.

use std::sync::Arc;

use quant::calculator::{Entry, Job};
use quant::market::{Calendars, Phase, Session, Signing, Span, Symbol, Timestamp};
use quant::pricing::{ChainParams, PricingTerms, RateCurve, usual_rate};
use quant::snapshot::Section;
use serde_json::Value;

use super::plan::{Jobs, Schedule};
use super::symbol::{SymbolEngine, Terms};
use crate::config::{Config, Interval, Known};
use crate::store::codec::Rules;

/// The calendars this program carries.
const SESSIONS: &str = include_str!("../../config/sessions.toml");

/// The table of what chain calculators share.
const CHAIN: &str = "chain";

/// Everything that is decided before the first pass.
pub struct Setup {
    /// The settings.
    pub config: Config,
    /// Jobs that are on, with their intervals.
    pub intervals: Vec<(Job, Span)>,
    /// What chain calculators share.
    chain: ChainParams,
    calendars: Arc<Calendars>,
    entries: &'static [Entry],
    params: Arc<Vec<(&'static str, Value)>>,
    trace: bool,
}

/// What the settings may name: jobs, calculators and exchanges.
pub fn known() -> Known {
    let entries = || quant::calculators::all();
    let chain_defaults = serde_json::to_value(ChainParams::default());
    let chain_defaults = chain_defaults.expect("settings are plain data");
    let tables = entries().filter_map(|entry| Some((entry.config?, entry)));
    Known {
        jobs: Job::ALL
            .map(|job| (job.name().to_owned(), job.default_interval_seconds()))
            .into(),
        calculators: tables
            .map(|(table, entry)| (table.to_owned(), (entry.default_params)()))
            .chain([(CHAIN.to_owned(), chain_defaults)])
            .collect(),
        exchanges: calendars().codes().map(str::to_owned).collect(),
        check: Some(|table, params| {
            if table == CHAIN {
                return ChainParams::from_table(params).map(drop);
            }
            let mut of_table = quant::calculators::all().filter(|e| e.config == Some(table));
            of_table.try_for_each(|entry| (entry.build)(params, None).map(|_| ()))
        }),
    }
}

/// The calendars of the exchanges.
pub fn calendars() -> Calendars {
    Calendars::from_toml(SESSIONS).expect("a test reads the calendars")
}

impl Setup {
    /// The setup of a configuration; `entries` are the calculators of a symbol.
    pub fn new(config: Config, entries: &'static [Entry]) -> Self {
        let interval = |job: Job| match config.update_intervals.get(job.name()) {
            Some(Interval::Every(seconds)) => Some((job, Span::from_seconds(*seconds))),
            Some(Interval::Off) | None => None,
        };
        let table = |entry: &Entry| {
            let name = entry.config?;
            Some((name, config.calculators.get(name)?.clone()))
        };
        Self {
            intervals: Job::ALL.into_iter().filter_map(interval).collect(),
            params: Arc::new(entries.iter().filter_map(table).collect()),
            chain: config
                .calculators
                .get(CHAIN)
                .and_then(|table| ChainParams::from_table(table).ok())
                .unwrap_or_default(),
            calendars: Arc::new(calendars()),
            entries,
            trace: false,
            config,
        }
    }

    /// With the signed trades handed out.
    #[must_use]
    pub fn tracing_trades(self) -> Self {
        Self {
            trace: true,
            ..self
        }
    }

    /// The settings as a recording of a run holds them: where the store is belongs to this host.
    pub fn recorded(&self) -> Value {
        let mut config = self.config.clone();
        config.redis = crate::config::Redis::default();
        serde_json::to_value(config).expect("settings are text keys and finite numbers")
    }

    /// Time between two savings of a symbol's memory; `None` where nothing is saved or restored.
    pub fn save_every(&self) -> Option<Span> {
        let seconds = self.config.engine.state_save_seconds;
        (seconds > 0).then(|| Span::from_seconds(seconds as f64))
    }

    /// Without saving or restoring: what is computed comes from the inputs alone.
    #[must_use]
    pub fn forgetful(mut self) -> Self {
        self.config.engine.state_save_seconds = 0;
        self
    }

    /// Time between two passes.
    pub fn period(&self) -> Span {
        Span::from_seconds(self.config.engine.period().as_secs_f64())
    }

    /// How early a pass may come and still count for its place on the grid.
    pub fn slack(&self) -> Span {
        Span::from_nanos(self.period().nanos() / 4)
    }

    /// When the jobs of a symbol are due.
    pub fn schedule(&self, symbol: &Symbol) -> Schedule {
        Schedule::new(symbol, &self.intervals, self.period())
    }

    /// Whether any calculator of these jobs reads a section.
    pub fn needs(&self, due: Jobs, section: Section) -> bool {
        let mut entries = self.entries.iter();
        entries.any(|entry| due.has(entry.job) && entry.needs.has(section))
    }

    /// These jobs but those with a calculator that reads a section.
    pub fn without(&self, due: Jobs, section: Section) -> Jobs {
        let kept = Job::ALL
            .into_iter()
            .filter(|job| due.has(*job) && !self.needs(Jobs::NONE.with(*job), section));
        kept.fold(Jobs::NONE, Jobs::with)
    }

    /// What the exchange of a symbol is doing: the one the settings name for it, else the one the
    /// calendar lists it on, else the exchange of most.
    pub fn session_of(&self, symbol: &Symbol, now: Timestamp) -> Session {
        self.session(self.exchange_of(symbol), now)
    }

    /// The rates of a symbol's currency.
    pub fn rates_of(&self, symbol: &Symbol) -> Option<RateCurve> {
        let currency = self.config.market.currency_of(symbol);
        let set = self.config.rates.get(currency).cloned();
        set.or_else(|| usual_rate(currency))
    }

    /// Code of the exchange of a symbol.
    pub fn exchange_of(&self, symbol: &Symbol) -> &str {
        let market = &self.config.market;
        let listed = || self.calendars.exchange_of(symbol.as_str());
        match market.exchanges.get(symbol) {
            Some(code) => code,
            None => listed().map_or(&market.exchange, |exchange| exchange.code()),
        }
    }

    /// What the exchange of most symbols is doing.
    pub fn default_session(&self, now: Timestamp) -> Session {
        self.session(&self.config.market.exchange, now)
    }

    /// Whether symbols are computed on in a phase of their exchange.
    pub fn computes_in(&self, phase: Phase) -> bool {
        let Config { engine, market, .. } = &self.config;
        !engine.analytics_rth_only || phase.trading(market.extended_hours)
    }

    /// A symbol that has seen nothing.
    pub fn symbol_engine(&self, symbol: &Symbol, now: Timestamp) -> Result<SymbolEngine, String> {
        let today = self.session_of(symbol, now).date;
        SymbolEngine::new(symbol.clone(), self.entries, self.terms(symbol), today)
    }

    /// Puts a symbol under these settings.
    pub fn reconfigure(&self, engine: &mut SymbolEngine) -> Result<(), String> {
        let terms = self.terms(engine.symbol());
        engine.reconfigure(self.entries, terms)
    }

    fn session(&self, code: &str, now: Timestamp) -> Session {
        let exchange = self.calendars.exchange(code);
        exchange.expect("settings name known exchanges").at(now)
    }

    /// What is believed of values that come in.
    pub fn rules(&self) -> Rules {
        let config = &self.config;
        let millis = |ms: u64| Span::from_millis(i64::try_from(ms).unwrap_or(i64::MAX));
        let max_value_bytes = config.limits.max_value_bytes;
        Rules {
            max_price: config.limits.max_price,
            max_future: millis(config.limits.max_future_ms),
            max_value_bytes: usize::try_from(max_value_bytes).unwrap_or(usize::MAX),
            naive_zone: config.inputs.naive_zone,
            date_order: config.inputs.date_order,
            max_contracts: config.limits.max_contracts,
            chain_delay: millis(self.chain.naive_delay_ms),
        }
    }

    fn terms(&self, symbol: &Symbol) -> Arc<Terms> {
        let config = &self.config;
        let millis = |ms: u64| Span::from_millis(i64::try_from(ms).unwrap_or(i64::MAX));
        Arc::new(Terms {
            rules: self.rules(),
            ticker_max_age: millis(config.max_age_ms.ticker),
            book_max_age: millis(config.max_age_ms.book),
            trades_max_age: millis(config.max_age_ms.trades),
            chain_max_age: millis(config.max_age_ms.chain),
            bars_max_age: millis(config.max_age_ms.bars),
            pricing: PricingTerms {
                chain: self.chain.clone(),
                rates: self.rates_of(symbol),
                dividend_yield: config.dividend_yield.get(symbol).copied(),
            },
            calendars: self.calendars.clone(),
            exchange: self.exchange_of(symbol).to_owned(),
            ring: config.tape.ring,
            drop_repeats: config.tape.drop_repeats,
            signing: Signing {
                rule: config.signing.rule_of(symbol),
                quote_delay: millis(config.signing.quote_delay_ms_of(symbol)),
                max_quote_age: millis(config.max_age_ms.ticker),
            },
            currency: config.market.currency_of(symbol).to_owned(),
            ttl_seconds: config.store_ttls.analytics,
            intervals: self.intervals.clone(),
            params: self.params.clone(),
            trace: self.trace,
        })
    }
}
