//! All symbols at one instant, and what a calculator over them is.
//!
//! Calculators over all symbols read what those of a symbol published, and what no symbol has of
//! its own: series of prices side by side, a matrix another program found, quotes of an index of
//! volatility. They run after the others, and one that finds a symbol missing, stale or unreadable
//! says so and goes on with the rest.

pub mod totals;

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::calculator::{Card, Counted, Job, Outcome, Scope, Stamp, Status};
use crate::calculators::summary;
use crate::json;
use crate::market::{Calendars, Chain, Symbol, Timestamp};
use crate::pricing::RateCurve;
use crate::snapshot::Provenance;
use crate::volatility::Reading;

/// A part of the universe that is fetched on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The summary of every symbol.
    Summaries,
    /// Series of prices: minute bars or prints.
    Prices,
    /// The matrix of correlations that another program found.
    Matrix,
    /// What sources say of one-day volatility, and the chain it is computed from.
    Volatility,
}

impl Part {
    /// The name in the list of what is read.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Summaries => "summary",
            Self::Prices => "bars",
            Self::Matrix => "discovered",
            Self::Volatility => "volatility",
        }
    }
}

/// All symbols at one instant. A part that was not asked for is empty.
#[derive(Debug, Default)]
pub struct Universe {
    /// Every symbol there is, by name.
    pub members: Vec<Member>,
    /// Prices of symbols, by name.
    pub prices: Vec<Prices>,
    /// The matrix that another program found.
    pub matrix: Option<FoundMatrix>,
    /// What is known of one-day volatility.
    pub volatility: Volatility,
    /// The level of one-day volatility as its document says, where it has a value.
    pub vix1d: Option<f64>,
}

/// One symbol of the universe.
#[derive(Clone, Debug)]
pub struct Member {
    /// Which.
    pub symbol: Symbol,
    /// The group it belongs to.
    pub sector: String,
    /// The currency of its amounts.
    pub currency: String,
    /// What it moves for one per cent of the market; `None` where nobody said.
    pub beta: Option<f64>,
    /// Its summary.
    pub standing: Standing,
}

/// What there is of a symbol's summary.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    /// Nothing.
    Missing,
    /// Something that is no summary.
    Malformed,
    /// One that is over, or is of nothing.
    Stale,
    /// One that speaks for now.
    Present {
        /// What it says.
        summary: Box<summary::Payload>,
        /// The newest input it rests on.
        as_of: Timestamp,
        /// The instant after which it is over.
        valid_until: Timestamp,
        /// Whether it rests on something late by declaration.
        delayed: bool,
    },
}

/// The prices of one symbol, oldest first.
#[derive(Clone, Debug)]
pub struct Prices {
    /// Which symbol.
    pub symbol: Symbol,
    /// Whether they ended while the exchange trades on.
    pub stale: bool,
    /// Average daily volume, where somebody found it.
    pub average_daily_volume: Option<f64>,
    /// The prices.
    pub points: Vec<PricePoint>,
}

/// A price at an instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PricePoint {
    /// When: of a bar the minute it began.
    pub at: Timestamp,
    /// The session it belongs to, days since the epoch.
    pub session: i32,
    /// The price, above zero.
    pub price: f64,
}

/// A matrix of correlations that another program found.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundMatrix {
    /// Symbol → symbol → correlation.
    pub matrix: BTreeMap<String, BTreeMap<String, f64>>,
    /// When it was found, as it says itself.
    pub stated: Option<Timestamp>,
    /// What its bytes are, for whoever wants to know since when they stand.
    pub fingerprint: u64,
    /// What it says it was made by.
    pub method: Option<String>,
}

/// What is known of one-day volatility.
#[derive(Debug, Default)]
pub struct Volatility {
    /// The chain it is computed from.
    pub chain: Option<Chain>,
    /// Where that chain trades.
    pub calendars: Option<Arc<Calendars>>,
    /// The rates of its currency.
    pub rates: Option<RateCurve>,
    /// What sources say.
    pub readings: Vec<Reading>,
}

/// A statistic over all symbols.
pub trait UniverseCalculator: Send + Sized + 'static {
    /// The document's name: metric label, replay file, URL.
    const NAME: &'static str;
    /// What stands behind `analytics:` in its key.
    const KEY: &'static str;
    /// Whether there is one document, or one a group.
    const SCOPE: Scope = Scope::Universe;
    /// One line for people, the same as the first line of the calculator's file.
    const ABOUT: &'static str;
    /// The scheduler's job it belongs to.
    const JOB: Job;
    /// The unit of the document's `timestamp`.
    const STAMP: Stamp = Stamp::Seconds;
    /// What it reads.
    const READS: &'static [Part];

    /// Its settings.
    type Params: DeserializeOwned;
    /// What it publishes.
    type Payload: Serialize + DeserializeOwned + JsonSchema;
    /// What must survive a restart; `()` for the stateless.
    type State: Serialize + DeserializeOwned + Default;

    /// A calculator from its settings and memory. An error names the setting and what it must be.
    fn new(params: Self::Params, state: Self::State) -> Result<Self, String>;

    /// Its memory.
    fn state(&self) -> &Self::State;

    /// What it says at `now`: one document, or one a group.
    fn compute(&mut self, universe: &Universe, now: Timestamp) -> Vec<Told<Self::Payload>>;

    /// The document's body where there is no value.
    fn absent(status: Status) -> Self::Payload;
}

/// A document over all symbols or a group of them.
#[derive(Debug)]
pub struct Told<P> {
    /// The group it is of.
    pub group: Option<String>,
    /// Whether there is a value.
    pub status: Status,
    /// Why there is none.
    pub reason: Option<String>,
    /// The document's own fields.
    pub payload: P,
    /// What it rests on.
    pub rests_on: RestsOn,
    /// What it used and left out.
    pub counted: Counted,
    /// The one number of it that others read, where there is one.
    pub level: Option<f64>,
    /// What is kept beside the document.
    pub notes: Vec<Note>,
}

impl<P> Told<P> {
    /// A value.
    pub fn value(payload: P, rests_on: RestsOn, counted: Counted) -> Self {
        Self {
            group: None,
            status: Status::Ok,
            reason: None,
            payload,
            rests_on,
            counted,
            level: None,
            notes: Vec::new(),
        }
    }

    /// That there is none, and why.
    pub fn nothing(payload: P, status: Status, reason: String) -> Self {
        Self {
            group: None,
            status,
            reason: Some(reason),
            payload,
            rests_on: RestsOn::default(),
            counted: Counted::default(),
            level: None,
            notes: Vec::new(),
        }
    }

    /// Of a group.
    #[must_use]
    pub fn of(self, group: String) -> Self {
        Self {
            group: Some(group),
            ..self
        }
    }
}

/// The times of the inputs of a document over all symbols.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RestsOn {
    /// The oldest input and the newest.
    pub span: Option<(Timestamp, Timestamp)>,
    /// The instant after which the first of them is over.
    pub valid_until: Option<Timestamp>,
    /// Whether one of them is late by its source's declaration.
    pub delayed: bool,
}

impl RestsOn {
    /// One more input.
    pub fn add(&mut self, as_of: Timestamp, valid_until: Option<Timestamp>) {
        self.span = Some(match self.span {
            Some((oldest, newest)) => (oldest.min(as_of), newest.max(as_of)),
            None => (as_of, as_of),
        });
        self.valid_until = self.valid_until.into_iter().chain(valid_until).min();
    }
}

/// Something that is kept beside a document.
#[derive(Clone, Debug, PartialEq)]
pub enum Note {
    /// An element of the document's own list, newest first.
    History {
        /// The element.
        value: Vec<u8>,
        /// Elements that stay.
        keep: usize,
    },
    /// What one source of one-day volatility said last.
    SourceLast {
        /// Which source.
        source: &'static str,
        /// What it said.
        value: Vec<u8>,
    },
    /// An element of that source's own list.
    SourceHistory {
        /// Which source.
        source: &'static str,
        /// The element.
        value: Vec<u8>,
        /// Elements that stay.
        keep: usize,
    },
}

/// What one run came to, types erased.
pub struct Said {
    /// The group it is of.
    pub group: Option<String>,
    /// The outcome.
    pub outcome: Outcome,
    /// The one number of it that others read, where there is one.
    pub level: Option<f64>,
    /// What is kept beside it.
    pub notes: Vec<Note>,
}

/// A calculator over all symbols with its memory, types erased.
pub trait UniverseRunner: Send {
    /// Runs it.
    fn run(&mut self, universe: &Universe, now: Timestamp) -> Vec<Said>;

    /// Its memory as JSON.
    fn state(&self) -> serde_json::Value;
}

struct Hosted<C>(C);

impl<C: UniverseCalculator> UniverseRunner for Hosted<C> {
    fn run(&mut self, universe: &Universe, now: Timestamp) -> Vec<Said> {
        let said = |told: Told<C::Payload>| Said {
            group: told.group,
            outcome: Outcome {
                status: told.status,
                reason: told.reason,
                body: json::to_vec(&told.payload),
                provenance: Provenance {
                    members: told.rests_on.span,
                    valid_until: told.rests_on.valid_until,
                    delayed: told.rests_on.delayed,
                    ..Provenance::default()
                },
                counted: told.counted,
                mark: None,
                payload: None,
            },
            level: told.level,
            notes: told.notes,
        };
        let told = self.0.compute(universe, now);
        told.into_iter().map(said).collect()
    }

    fn state(&self) -> serde_json::Value {
        serde_json::to_value(self.0.state()).expect("a state is plain data")
    }
}

/// A calculator over all symbols in the list.
#[derive(Clone, Copy)]
pub struct UniverseEntry {
    /// What it is.
    pub card: Card,
    /// What it reads.
    pub reads: &'static [Part],
    /// Makes one from settings and a saved memory.
    pub build: BuildFn,
}

/// Makes a calculator over all symbols from its settings and a saved memory.
pub type BuildFn = fn(
    params: &serde_json::Value,
    state: Option<&serde_json::Value>,
) -> Result<Box<dyn UniverseRunner>, String>;

impl UniverseEntry {
    /// The entry of a calculator type.
    pub const fn of<C: UniverseCalculator>() -> Self {
        Self {
            card: Card {
                name: C::NAME,
                scope: C::SCOPE,
                key: C::KEY,
                config: None,
                about: C::ABOUT,
                job: C::JOB,
                stamp: C::STAMP,
                default_params: || serde_json::Value::Null,
                absent: |status| json::to_vec(&C::absent(status)),
                payload_schema: || schemars::schema_for!(C::Payload),
            },
            reads: C::READS,
            build: build::<C>,
        }
    }
}

fn build<C: UniverseCalculator>(
    params: &serde_json::Value,
    state: Option<&serde_json::Value>,
) -> Result<Box<dyn UniverseRunner>, String> {
    let params = C::Params::deserialize(params).map_err(|error| error.to_string())?;
    let state = match state {
        Some(saved) => C::State::deserialize(saved).map_err(|error| error.to_string())?,
        None => C::State::default(),
    };
    Ok(Box::new(Hosted(C::new(params, state)?)))
}
