//! From settings to what the engine needs: terms for each symbol, intervals, sessions.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono_tz::Tz;
use quant::calculator::{Entry, Job};
use quant::calculators::{PER_SYMBOL, UNIVERSE};
use quant::market::{Calendars, Day, Exchange, Phase, Session, Signing, Span, Symbol, Timestamp};
use quant::pricing::{ChainParams, PricingTerms, RateCurve, usual_rate};
use quant::snapshot::Section;
use quant::universe::UniverseEntry;
use serde_json::{Value, json};

use super::overall::over_all;
use super::plan::{Jobs, Schedule};
use super::symbol::{SymbolEngine, Terms};
use super::universe::{MemberTerms, OTHER, UniverseTerms};
use crate::config::{Config, Interval, Known, Market};
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
    /// The calculators over all symbols.
    pub overall: &'static [UniverseEntry],
    params: Arc<Vec<(&'static str, Value)>>,
    trace: bool,
}

/// What the settings may name: jobs, calculators and exchanges.
pub fn known() -> Known {
    let chain_defaults = serde_json::to_value(ChainParams::default());
    let chain_defaults = chain_defaults.expect("settings are plain data");
    let tables = quant::calculators::all().filter_map(|card| Some((card.config?, card)));
    Known {
        jobs: Job::ALL
            .map(|job| (job.name().to_owned(), job.default_interval_seconds()))
            .into(),
        calculators: tables
            .map(|(table, card)| (table.to_owned(), (card.default_params)()))
            .chain([(CHAIN.to_owned(), chain_defaults)])
            .collect(),
        exchanges: calendars().codes().map(str::to_owned).collect(),
        check: Some(|table, params| {
            if table == CHAIN {
                return ChainParams::from_table(params).map(drop);
            }
            let mut of_table = PER_SYMBOL.iter().filter(|e| e.card.config == Some(table));
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
            let name = entry.card.config?;
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
            overall: UNIVERSE,
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
        let own = self.intervals.iter().copied();
        let own: Vec<_> = own.filter(|(job, _)| !over_all(*job)).collect();
        Schedule::new(symbol, &own, self.period())
    }

    /// The jobs over all symbols that are on.
    pub fn overall_intervals(&self) -> impl Iterator<Item = (Job, Span)> {
        let all = self.intervals.iter().copied();
        all.filter(|(job, _)| over_all(*job))
    }

    /// When the jobs over all symbols are due.
    pub fn overall_schedule(&self) -> Schedule {
        let own: Vec<_> = self.overall_intervals().collect();
        Schedule::at_once(&own)
    }

    /// Whether any calculator of these jobs reads a section.
    pub fn needs(&self, due: Jobs, section: Section) -> bool {
        let mut entries = self.entries.iter();
        entries.any(|entry| due.has(entry.card.job) && entry.needs.has(section))
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

    /// The exchange of a symbol.
    pub fn exchange(&self, symbol: &Symbol) -> &Exchange {
        let exchange = self.calendars.exchange(self.exchange_of(symbol));
        exchange.expect("settings name known exchanges")
    }

    /// The zone of the clocks at the exchange of a symbol.
    pub fn zone_of(&self, symbol: &Symbol) -> Tz {
        self.exchange(symbol).zone()
    }

    /// The rates of a symbol's currency.
    pub fn rates_of(&self, symbol: &Symbol) -> Option<RateCurve> {
        let currency = self.currency_of(symbol);
        let set = self.config.rates.get(currency).cloned();
        set.or_else(|| usual_rate(currency))
    }

    /// Code of the exchange of a symbol.
    pub fn exchange_of(&self, symbol: &Symbol) -> &str {
        let named = self.named_exchange_of(symbol);
        named.unwrap_or(&self.config.market.exchange)
    }

    /// The same, where the settings name it for the symbol or the calendar lists it there.
    fn named_exchange_of(&self, symbol: &Symbol) -> Option<&str> {
        let listed = || self.calendars.exchange_of(symbol.as_str());
        match self.config.market.exchanges.get(symbol) {
            Some(code) => Some(code),
            None => listed().map(|exchange| exchange.code()),
        }
    }

    /// The currency a symbol trades in: the one the settings name for it, else that of its exchange,
    /// else the one of most. A symbol that is at the exchange of most by default alone has the
    /// currency of most where somebody changed that: there are exchanges no calendar is carried of.
    pub fn currency_of(&self, symbol: &Symbol) -> &str {
        let market = &self.config.market;
        if let Some(currency) = market.currencies.get(symbol) {
            return currency;
        }
        let named = self.named_exchange_of(symbol);
        let is_changed = market.currency != Market::default().currency;
        if named.is_none() && is_changed {
            return &market.currency;
        }
        let exchange = self.calendars.exchange(named.unwrap_or(&market.exchange));
        let own = exchange.and_then(|exchange| exchange.currency());
        own.unwrap_or(&market.currency)
    }

    /// What the exchange of most symbols is doing.
    pub fn default_session(&self, now: Timestamp) -> Session {
        self.session(&self.config.market.exchange, now)
    }

    /// When the session under way at the exchange of a symbol began, or the one that ended today.
    pub fn opened(&self, symbol: &Symbol, now: Timestamp) -> Option<Timestamp> {
        let exchange = self.calendars.exchange(self.exchange_of(symbol))?;
        match exchange.day(exchange.at(now).date) {
            Day::Session { open, .. } => Some(open).filter(|open| *open <= now),
            Day::Weekend | Day::Holiday(_) => None,
        }
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

    /// What the calculators over these symbols are told.
    pub fn overall_terms(&self, symbols: &[Symbol]) -> Arc<UniverseTerms> {
        let config = &self.config;
        let member = |symbol: &Symbol| {
            let sector = config.sector_map.get(symbol);
            let terms = MemberTerms {
                exchange: self.exchange_of(symbol).to_owned(),
                sector: sector.map_or(OTHER, String::as_str).to_owned(),
                currency: self.currency_of(symbol).to_owned(),
                beta: config.betas.get(symbol).copied(),
            };
            (symbol.clone(), terms)
        };
        let chain_symbol = Symbol::new(&config.volatility.chain_symbol);
        let chain_symbol = &chain_symbol.expect("settings name a symbol");
        let ttls = &config.store_ttls;
        Arc::new(UniverseTerms {
            rules: self.rules(),
            calendars: self.calendars.clone(),
            members: symbols.iter().map(member).collect(),
            method: config.correlation.method,
            window_minutes: config.correlation.window_minutes,
            max_symbols: config.correlation.max_symbols,
            bars_max_age: millis(config.max_age_ms.bars),
            chain_symbol: chain_symbol.clone(),
            chain_exchange: self.exchange_of(chain_symbol).to_owned(),
            rates: self.rates_of(chain_symbol),
            currency: config.portfolio.currency.clone(),
            intervals: self.overall_intervals().collect(),
            ttl_seconds: [
                (Job::Volatility, ttls.analytics),
                (Job::Portfolio, ttls.portfolio),
                (Job::Sectors, ttls.sector),
                (Job::Correlation, ttls.correlation),
            ]
            .into(),
            params: overall_params(config),
        })
    }

    fn terms(&self, symbol: &Symbol) -> Arc<Terms> {
        let config = &self.config;
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
            currency: self.currency_of(symbol).to_owned(),
            ttl_seconds: config.store_ttls.analytics,
            intervals: self.intervals.clone(),
            params: self.params.clone(),
            chain_service: config.chain_service.clone(),
            trace: self.trace,
        })
    }
}

fn millis(ms: u64) -> Span {
    Span::from_millis(i64::try_from(ms).unwrap_or(i64::MAX))
}

/// The settings of each calculator over all symbols by its name.
fn overall_params(config: &Config) -> BTreeMap<&'static str, Value> {
    let portfolio = &config.portfolio;
    let volatility = &config.volatility;
    let correlation = &config.correlation;
    [
        (
            "portfolio",
            json!({
                "currency": portfolio.currency,
                "toxic_vpin": config.toxic_vpin,
                "complexes": portfolio.complexes,
                "index_weights": portfolio.index_weights,
            }),
        ),
        (
            "sector",
            json!({"currency": portfolio.currency, "toxic_vpin": config.toxic_vpin}),
        ),
        (
            "correlation",
            json!({
                "method": correlation.method,
                "window_minutes": correlation.window_minutes,
                "min_observations": correlation.min_observations,
                "min_symbols": correlation.min_symbols,
                "max_symbols": correlation.max_symbols,
                "high": correlation.high,
                "discovered_max_age_seconds": correlation.discovered_max_age_seconds,
            }),
        ),
        (
            "vix1d",
            json!({
                "sources": volatility.sources,
                "chain_max_age_seconds": config.max_age_ms.chain as f64 / 1e3,
                "delayed_max_age_seconds": volatility.delayed_max_age_seconds,
                "manual_max_age_seconds": volatility.manual_max_age_seconds,
                "history_window": volatility.history_window,
                "min_samples": volatility.min_samples,
                "thresholds": volatility.thresholds,
                "change_thresholds": volatility.change_thresholds,
                "hysteresis": volatility.hysteresis,
                "clock_close": volatility.clock_close,
            }),
        ),
    ]
    .into()
}
