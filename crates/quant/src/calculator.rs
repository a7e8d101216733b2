//! What a market statistic is: typed inputs in, typed payload out, and a reason where there is
//! no value. [`Runner`] erases the types, so that the engine turns a list of them.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::json;
use crate::market::Timestamp;
use crate::snapshot::{Input, Needs, Provenance, Section, Snapshot, View};

/// A market statistic.
pub trait Calculator: Send + Sized + 'static {
    /// The document's name: metric label, replay file, URL.
    const NAME: &'static str;
    /// What stands after `analytics:{S}:` in the document's key.
    const KEY: &'static str = Self::NAME;
    /// The table under `calculators.` that holds its parameters; `None` where it has none.
    const CONFIG: Option<&'static str> = Some(Self::NAME);
    /// One line for people, the same as the first line of the calculator's file.
    const ABOUT: &'static str;
    /// The scheduler's job it belongs to; its interval is the job's.
    const JOB: Job;

    /// Its settings.
    type Params: Serialize + DeserializeOwned + Default;
    /// What it reads.
    type Input<'a>: Input<'a>;
    /// What it publishes.
    type Payload: Serialize + DeserializeOwned + JsonSchema + Send;
    /// What must survive a restart or a take-over; `()` for the stateless.
    type State: Serialize + DeserializeOwned + Default;

    /// A calculator from its settings and memory. An error names the setting and what it must be.
    fn new(params: Self::Params, state: Self::State) -> Result<Self, String>;

    /// Its memory.
    fn state(&self) -> &Self::State;

    /// The statistic at `now`, or why there is none.
    fn compute(&mut self, input: Self::Input<'_>, now: Timestamp)
    -> Result<Self::Payload, NoValue>;

    /// What the last value used and left out.
    fn counted(&self) -> Counted {
        Counted::default()
    }

    /// What the last value adds to its list of minute marks; `None` between marks, and where it
    /// keeps none.
    fn mark(&self) -> Option<Mark> {
        None
    }

    /// The document's body where there is no value: nulls, and neutral numbers where readers
    /// that ignore the status would take null or zero for a vote.
    fn absent(status: Status) -> Self::Payload;
}

/// One entry of the scheduler: an interval, and the calculators that run when it is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Job {
    /// Volume-synchronised probability of informed trading.
    Vpin,
    /// Gamma and delta exposure.
    GexDex,
    /// Toxicity of recent trades, and who is taken to have made them.
    FlowToxicity,
    /// Order-book imbalance.
    OrderBook,
    /// Sweeps and hidden orders.
    SweepDetection,
    /// Vanna, charm, hedging impact and skew.
    DealerFlows,
    /// Kinds of trades.
    FlowClustering,
    /// Unusual option activity.
    UnusualActivity,
    /// The imbalance of the closing auction.
    Moc,
    /// Put-call ratios, max pain, build-up, surface, expected moves, IV rank.
    ChainStats,
    /// Bars of the tape.
    Ohlc,
    /// The scalars that roll-ups and tables read.
    Summary,
    /// One-day volatility.
    Volatility,
    /// All symbols together.
    Portfolio,
    /// The symbols of each sector together.
    Sectors,
    /// Correlation between symbols.
    Correlation,
}

impl Job {
    /// Every job, in the order they run.
    pub const ALL: [Self; 16] = [
        Self::Vpin,
        Self::GexDex,
        Self::FlowToxicity,
        Self::OrderBook,
        Self::SweepDetection,
        Self::DealerFlows,
        Self::FlowClustering,
        Self::UnusualActivity,
        Self::Moc,
        Self::ChainStats,
        Self::Ohlc,
        Self::Summary,
        Self::Volatility,
        Self::Portfolio,
        Self::Sectors,
        Self::Correlation,
    ];

    /// The name in settings, the heartbeat and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Vpin => "vpin",
            Self::GexDex => "gex_dex",
            Self::FlowToxicity => "flow_toxicity",
            Self::OrderBook => "order_book",
            Self::SweepDetection => "sweep_detection",
            Self::DealerFlows => "dealer_flows",
            Self::FlowClustering => "flow_clustering",
            Self::UnusualActivity => "unusual_activity",
            Self::Moc => "moc",
            Self::ChainStats => "chain_stats",
            Self::Ohlc => "ohlc",
            Self::Summary => "summary",
            Self::Volatility => "volatility",
            Self::Portfolio => "portfolio",
            Self::Sectors => "sectors",
            Self::Correlation => "correlation",
        }
    }

    /// Seconds between runs unless configured; 0 is every pass.
    pub fn default_interval_seconds(self) -> f64 {
        match self {
            Self::Vpin => 5.0,
            Self::GexDex => 30.0,
            Self::FlowToxicity => 60.0,
            Self::OrderBook => 1.0,
            Self::SweepDetection => 2.0,
            Self::DealerFlows => 60.0,
            Self::FlowClustering => 90.0,
            Self::UnusualActivity => 60.0,
            Self::Moc => 30.0,
            Self::ChainStats => 15.0,
            Self::Ohlc => 1.0,
            Self::Summary => 0.0,
            Self::Volatility => 60.0,
            Self::Portfolio => 15.0,
            Self::Sectors => 30.0,
            Self::Correlation => 300.0,
        }
    }
}

/// Whether a document carries a value, and why not.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// A value.
    Ok,
    /// The inputs are too old to speak for now.
    Stale,
    /// Not enough history yet.
    Warming,
    /// The store has nothing there.
    Missing,
    /// The inputs are there, the statistic is not defined on them.
    Undefined,
    /// The symbol's previous computation has not finished.
    Busy,
    /// The computation failed.
    Error,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 7] = [
        Self::Ok,
        Self::Stale,
        Self::Warming,
        Self::Missing,
        Self::Undefined,
        Self::Busy,
        Self::Error,
    ];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Stale => "stale",
            Self::Warming => "warming",
            Self::Missing => "missing",
            Self::Undefined => "undefined",
            Self::Busy => "busy",
            Self::Error => "error",
        }
    }
}

/// Why there is nothing to say. Expected; counted and shown, never logged as an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoValue {
    /// The store has nothing there.
    Missing(Section),
    /// It has, but too old to speak for now.
    Stale {
        /// Which input.
        section: Section,
        /// How old it is.
        age_ms: u64,
    },
    /// Not enough history yet.
    Warming {
        /// What is counted: buckets, trades, samples.
        unit: &'static str,
        /// How many there are.
        have: usize,
        /// How many it takes.
        need: usize,
    },
    /// Inputs are there, the statistic is not defined on them.
    Undefined(&'static str),
}

impl NoValue {
    /// The status a document shows for it.
    pub fn status(self) -> Status {
        match self {
            Self::Missing(_) => Status::Missing,
            Self::Stale { .. } => Status::Stale,
            Self::Warming { .. } => Status::Warming,
            Self::Undefined(_) => Status::Undefined,
        }
    }
}

impl fmt::Display for NoValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(section) => write!(f, "no {}", section.as_str()),
            Self::Stale { section, age_ms } => {
                write!(f, "{} is {age_ms} ms old", section.as_str())
            }
            Self::Warming { unit, have, need } => write!(f, "{have} of {need} {unit}"),
            Self::Undefined(why) => f.write_str(why),
        }
    }
}

/// How many inputs a value used, and how many it left out by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Inputs the value rests on.
    pub used: u64,
    /// Inputs left out, by reason.
    pub dropped: BTreeMap<&'static str, u64>,
}

/// A value at a minute mark, for the list of them that stands beside the document.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    /// The value.
    pub value: f64,
    /// Values the list keeps.
    pub window: usize,
}

/// What one run of one calculator came to.
pub struct Outcome {
    /// Whether there is a value.
    pub status: Status,
    /// Why there is none; text for people.
    pub reason: Option<String>,
    /// The document's own fields as one JSON object.
    pub body: Vec<u8>,
    /// What the value rests on.
    pub provenance: Provenance,
    /// What it used and left out.
    pub counted: Counted,
    /// What it adds to its list of minute marks.
    pub mark: Option<Mark>,
    /// The typed value, for calculators that build on it.
    pub payload: Option<Box<dyn Any + Send>>,
}

/// A calculator with its memory and its place on the tape, types erased.
pub trait Runner: Send {
    /// Runs it on a snapshot.
    fn run(&mut self, snapshot: &Snapshot, now: Timestamp) -> Outcome;

    /// How far it has read the tape; `None` where it reads none.
    fn tape_cursor(&self) -> Option<u64>;

    /// Makes it go on from this place on the tape, as one that takes over from another does.
    fn read_from(&mut self, number: u64);

    /// Its memory as JSON.
    fn state(&self) -> serde_json::Value;
}

struct Hosted<C> {
    calculator: C,
    cursor: u64,
}

impl<C: Calculator> Hosted<C> {
    const NEEDS: Needs = <C::Input<'static> as Input<'static>>::NEEDS;
}

impl<C: Calculator> Runner for Hosted<C> {
    fn run(&mut self, snapshot: &Snapshot, now: Timestamp) -> Outcome {
        let view = View::new(snapshot, now, self.cursor);
        // A calculator that was refused an input has not seen the tape: it goes on from there.
        let result = C::Input::take(&view).and_then(|input| {
            self.cursor = snapshot.tape.next_number();
            self.calculator.compute(input, now)
        });
        let provenance = view.into_provenance();
        match result {
            Ok(payload) => Outcome {
                status: Status::Ok,
                reason: None,
                body: json::to_vec(&payload),
                provenance,
                counted: self.calculator.counted(),
                mark: self.calculator.mark(),
                payload: Some(Box::new(payload)),
            },
            Err(why) => Outcome {
                status: why.status(),
                reason: Some(why.to_string()),
                body: json::to_vec(&C::absent(why.status())),
                provenance,
                counted: Counted::default(),
                mark: None,
                payload: None,
            },
        }
    }

    fn tape_cursor(&self) -> Option<u64> {
        Self::NEEDS.folds().then_some(self.cursor)
    }

    fn read_from(&mut self, number: u64) {
        self.cursor = number;
    }

    fn state(&self) -> serde_json::Value {
        serde_json::to_value(self.calculator.state()).expect("a state is plain data")
    }
}

/// What people and readers are told of a calculator's document.
#[derive(Clone, Copy)]
pub struct Card {
    /// The document's name.
    pub name: &'static str,
    /// What it is computed over.
    pub scope: Scope,
    /// What stands behind `analytics:{S}:` in its key, of one over all symbols behind `analytics:`.
    pub key: &'static str,
    /// Its table under `calculators.`.
    pub config: Option<&'static str>,
    /// One line for people.
    pub about: &'static str,
    /// Its job.
    pub job: Job,
    /// The unit of the document's `timestamp`.
    pub stamp: Stamp,
    /// The settings' defaults as a JSON object.
    pub default_params: fn() -> serde_json::Value,
    /// The document's body where there is no value.
    pub absent: fn(Status) -> Vec<u8>,
    /// The payload's JSON Schema, without the fields every document has.
    pub payload_schema: fn() -> Schema,
}

/// What a document is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One symbol.
    Symbol,
    /// All of them.
    Universe,
    /// Those of one group, whose name ends the key.
    Group,
}

/// The unit of a document's `timestamp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamp {
    /// Seconds since the epoch, with a fraction.
    Seconds,
    /// Whole milliseconds since the epoch, where readers already take it so.
    Milliseconds,
}

/// A calculator in the list: what it is, and how to make one.
#[derive(Clone, Copy)]
pub struct Entry {
    /// What it is.
    pub card: Card,
    /// What it reads.
    pub needs: Needs,
    /// Makes one from settings and, where there is one, a saved memory.
    pub build: BuildFn,
}

/// Makes a calculator from its settings and a saved memory.
pub type BuildFn = fn(
    params: &serde_json::Value,
    state: Option<&serde_json::Value>,
) -> Result<Box<dyn Runner>, String>;

impl Entry {
    /// The entry of a calculator type.
    pub const fn of<C: Calculator>() -> Self {
        Self {
            card: Card {
                name: C::NAME,
                scope: Scope::Symbol,
                key: C::KEY,
                config: C::CONFIG,
                about: C::ABOUT,
                job: C::JOB,
                stamp: Stamp::Seconds,
                default_params: || {
                    serde_json::to_value(C::Params::default()).expect("params are plain data")
                },
                absent: |status| json::to_vec(&C::absent(status)),
                payload_schema: || schemars::schema_for!(C::Payload),
            },
            needs: Hosted::<C>::NEEDS,
            build: build::<C>,
        }
    }
}

fn build<C: Calculator>(
    params: &serde_json::Value,
    state: Option<&serde_json::Value>,
) -> Result<Box<dyn Runner>, String> {
    let params = C::Params::deserialize(params).map_err(|error| error.to_string())?;
    let state = match state {
        Some(saved) => C::State::deserialize(saved).map_err(|error| error.to_string())?,
        None => C::State::default(),
    };
    let calculator = C::new(params, state)?;
    Ok(Box::new(Hosted {
        calculator,
        cursor: 0,
    }))
}
