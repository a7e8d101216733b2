//! The engine: on every pass it gathers, computes and publishes. One owner of all state, one loop.
//!
//! Gathering and publishing wait on the world; computing is `quant`. One pass is in flight at a
//! time; one that cannot run is skipped and counted, and nothing is retried within a pass.

pub mod heartbeat;
mod hosted;
mod listening;
mod overall;
pub mod plan;
mod reconfigure;
mod roster;
pub mod run;
pub mod setup;
pub mod states;
pub mod status;
pub mod symbol;
mod trades;
pub mod universe;
mod workers;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;
use quant::calculator::Job;
use quant::market::{Span, Symbol, Timestamp};
use quant::snapshot::Section;
use tracing::{error, info, warn};

use self::listening::Listening;
use self::overall::{Overall, over_all};
use self::plan::{Jobs, Schedule};
use self::reconfigure::Change;
use self::setup::Setup;
use self::status::StatusBoard;
use self::symbol::{SymbolEngine, Turned};
use self::workers::{Done, Task, Workers};
use crate::chain_service::events;
use crate::clock::Stopwatch;
use crate::sink::Sink;
use crate::source::Source;
use crate::store::codec::BadInput;
use crate::store::drain::Drain;
use crate::store::exchange::{Ask, Fetched, Gathered, StoreError};
use crate::store::inbox::PerChannel;
use crate::store::keys::SymbolKeys;
use crate::store::tap::{RunEvent, RunTurn, Tap};
use crate::telemetry;

/// How often discovered parameters are read: they change once a day.
const DISCOVERED_EVERY: Span = Span::from_millis(60_000);
/// How often what is usual of a symbol is read, once it was: it changes every half hour.
const BASELINE_EVERY: Span = Span::from_millis(60_000);
/// Most of these read in one pass: of an index one has megabytes.
const BASELINES_A_PASS: usize = 16;
/// Most chains read in one pass, some twenty megabytes of usual ones.
const CHAINS_A_PASS: usize = 512;
/// How often minute bars are read: one changes each minute, and no pass is to read an hour of them.
const BARS_EVERY: Span = Span::from_millis(5_000);
/// How often keys that gave nothing are asked for their type.
const PROBE_EVERY: Span = Span::from_millis(10_000);
/// How often one kind of bad input is put into the log.
const LOG_BAD_EVERY: Span = Span::from_millis(60_000);

/// The engine.
pub struct Engine {
    setup: Arc<Setup>,
    source: Source,
    sink: Sink,
    status: Arc<StatusBoard>,
    workers: Workers,
    slots: Vec<Slot>,
    fixed_symbols: bool,
    symbols_due: Option<Timestamp>,
    probe_due: Option<Timestamp>,
    logged_bad: BTreeMap<(&'static str, &'static str), Timestamp>,
    saving: Option<tokio::task::JoinHandle<()>>,
    tap: Option<Tap>,
    /// The channels, where they are read.
    listening: Option<Listening>,
    passes: u64,
    change: Change,
    /// What came back while no pass could publish it.
    late: Harvest,
    /// Turns that failed as a whole since the last pass that was published.
    failed_turns: usize,
    overall: Overall,
    /// Slots whose exchange does not trade in this pass.
    resting: Vec<usize>,
}

/// A symbol's place. While it computes, its engine is away.
struct Slot {
    symbol: Symbol,
    keys: Arc<SymbolKeys>,
    drain: Drain,
    schedule: Schedule,
    discovered_due: Option<Timestamp>,
    baseline_due: Option<Timestamp>,
    bars_due: Option<Timestamp>,
    save_due: Option<Timestamp>,
    /// What stands in the store is not known any more.
    anew: bool,
    /// The turn under way, where turns are recorded.
    tapped: Option<Box<RunTurn>>,
    /// Messages of the turn under way.
    handed: PerChannel,
    engine: Option<Box<SymbolEngine>>,
    /// Whether it is under former settings.
    outdated: bool,
    /// Whether the settings name it no more: it computes no more, and goes when all are at home.
    dropped: bool,
}

/// What a pass came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pass {
    /// Symbols whose jobs ran.
    pub symbols: usize,
    /// Documents written.
    pub documents: usize,
    /// Calculators that failed.
    pub errors: usize,
    /// Symbols still computing at the end.
    pub busy: usize,
}

/// What came back from computing, by slot.
type Harvest = Vec<(usize, Jobs, Turned)>;

impl Engine {
    /// An engine that computes on threads of its own.
    pub fn with_threads(
        setup: Arc<Setup>,
        source: Source,
        sink: Sink,
        status: Arc<StatusBoard>,
    ) -> std::io::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let workers = Workers::threads(setup.config.engine.threads(cores))?;
        Ok(Self::new(setup, source, sink, status, workers))
    }

    /// An engine that computes where it is called.
    pub fn inline(setup: Arc<Setup>, source: Source, sink: Sink, status: Arc<StatusBoard>) -> Self {
        Self::new(setup, source, sink, status, Workers::Inline(Vec::new()))
    }

    fn new(
        setup: Arc<Setup>,
        source: Source,
        sink: Sink,
        status: Arc<StatusBoard>,
        workers: Workers,
    ) -> Self {
        Self {
            fixed_symbols: !setup.config.symbols.all().is_empty(),
            setup,
            source,
            sink,
            status,
            workers,
            slots: Vec::new(),
            symbols_due: None,
            probe_due: None,
            logged_bad: BTreeMap::new(),
            saving: None,
            tap: None,
            listening: None,
            passes: 0,
            change: Change::Settled,
            late: Harvest::new(),
            failed_turns: 0,
            overall: Overall::default(),
            resting: Vec::new(),
        }
    }

    /// Hands every symbol's start and turns to a tap from here on.
    pub fn record(&mut self, tap: Tap) {
        self.tap = Some(tap);
    }

    /// Makes every job due in the next pass, whatever its interval.
    pub fn make_due(&mut self) {
        for slot in &mut self.slots {
            slot.schedule.all_due();
            slot.bars_due = None;
        }
        self.overall.make_due();
    }

    /// One pass at `now`. With a budget, what is done in time is published and the rest is left
    /// computing; without one the pass waits for everything.
    pub async fn pass(
        &mut self,
        now: Timestamp,
        budget: Option<Duration>,
    ) -> Result<Pass, StoreError> {
        let watch = Stopwatch::start();
        let result = self.try_pass(now, budget, watch).await;
        self.report_channels(now);
        let mut known = self.status.lock();
        known.turned();
        match &result {
            Ok(pass) => {
                let took = watch.elapsed();
                known.passed(took.as_secs_f64() * 1e3, pass.busy as u64);
                telemetry::pass_finished(took);
                if known.store_answered(now, Ok(())) && self.source.is_remote() {
                    info!(symbols = self.slots.len(), "store answers");
                }
            }
            Err(why) => {
                known.passes.skipped += 1;
                telemetry::passes_skipped(1);
                if known.store_answered(now, Err(why.to_string())) {
                    warn!(%why, "passes are skipped until the store answers");
                }
            }
        }
        result
    }

    async fn try_pass(
        &mut self,
        now: Timestamp,
        budget: Option<Duration>,
        watch: Stopwatch,
    ) -> Result<Pass, StoreError> {
        let left =
            |budget: Option<Duration>| budget.map(|budget| budget.saturating_sub(watch.elapsed()));
        let refreshed = within(left(budget), self.refresh_symbols(now)).await;
        refreshed.inspect_err(|_| self.symbols_due = None)?;
        if self.source.take_reconnected() {
            self.write_everything_again();
        }
        let mut harvest = std::mem::take(&mut self.late);
        while let Some(done) = self.workers.ready() {
            self.take_back(done, now, &mut harvest);
        }
        self.settle(harvest.is_empty());
        self.rotate_recording(now);

        let chosen = self.choose(now);
        let gathered = match within(left(budget), self.gather(&chosen, now)).await {
            Ok(gathered) => gathered,
            Err(why) => {
                self.late = harvest;
                return Err(why);
            }
        };
        self.passes += 1;
        let started = chosen.len();
        for ((slot, due, today), gathered) in chosen.into_iter().zip(gathered) {
            self.start(slot, due, today, gathered, now);
        }
        self.wait_for(
            started,
            budget.map(|budget| watch.deadline(budget)),
            now,
            &mut harvest,
        )
        .await;
        harvest.sort_by_key(|(slot, ..)| *slot);
        let mut pass = self.publish(harvest, now).await?;
        self.turn_overall(now, left(budget), &mut pass).await;
        Ok(pass)
    }

    /// The symbols at home whose exchange trades, with what is due for each. Jobs that read a chain
    /// wait for a later pass where many fall due at once: what a pass asks for must fit into it.
    fn choose(&mut self, now: Timestamp) -> Vec<(usize, Jobs, NaiveDate)> {
        let slack = self.setup.slack();
        let mut chosen = Vec::with_capacity(self.slots.len());
        self.resting.clear();
        let mut any_trades = false;
        let mut chains = 0;
        for (at, slot) in self.slots.iter().enumerate() {
            let session = self.setup.session_of(&slot.symbol, now);
            let trades = self.setup.computes_in(session.phase);
            any_trades |= trades;
            if !trades {
                self.resting.push(at);
            }
            if trades && slot.engine.is_some() && !slot.dropped {
                let mut due = slot.schedule.due(now, slack);
                if self.setup.needs(due, Section::Chain) {
                    chains += 1;
                    if chains > CHAINS_A_PASS {
                        due = self.setup.without(due, Section::Chain);
                    }
                }
                chosen.push((at, due, session.date));
            }
        }
        let mut known = self.status.lock();
        known.symbols = self.slots.iter().filter(|slot| !slot.dropped).count();
        known.session = self.setup.default_session(now).phase;
        known.idle = !self.slots.is_empty() && !any_trades;
        chosen
    }

    /// The symbols whose baseline this pass reads: few, and those that wait longest.
    fn baselines_due(
        &self,
        chosen: &[(usize, Jobs, NaiveDate)],
        now: Timestamp,
    ) -> BTreeSet<usize> {
        let due = |at: usize| self.slots[at].baseline_due;
        let mut waiting: Vec<usize> = chosen.iter().map(|(at, ..)| *at).collect();
        waiting.retain(|at| is_past(due(*at), BASELINE_EVERY, now));
        waiting.sort_by_key(|at| due(*at));
        waiting.into_iter().take(BASELINES_A_PASS).collect()
    }

    async fn gather(
        &mut self,
        chosen: &[(usize, Jobs, NaiveDate)],
        now: Timestamp,
    ) -> Result<Vec<Gathered>, StoreError> {
        let mark = self.mark();
        let told = self.told(chosen);
        let probe = is_due(&mut self.probe_due, PROBE_EVERY, now);
        let usual = self.baselines_due(chosen, now);
        let mut asks = Vec::with_capacity(chosen.len());
        let mut drains = Vec::with_capacity(chosen.len());
        let mut wanted = chosen.iter().zip(&told).peekable();
        for (at, slot) in self.slots.iter_mut().enumerate() {
            let Some(((_, due, _), told)) = wanted.next_if(|((chosen, ..), _)| *chosen == at)
            else {
                continue;
            };
            asks.push(Ask {
                keys: slot.keys.clone(),
                book: self.setup.needs(*due, Section::Book),
                chain: told.read || self.setup.needs(*due, Section::Chain),
                bars: self.setup.needs(*due, Section::Bars)
                    && is_past(slot.bars_due, BARS_EVERY, now),
                imbalance: self.setup.needs(*due, Section::Imbalance),
                discovered: is_past(slot.discovered_due, DISCOVERED_EVERY, now),
                baseline: usual.contains(&at),
            });
            drains.push(&mut slot.drain);
        }
        let watch = Stopwatch::start();
        let mut gathered = self.source.gather(&asks, &mut drains, probe, now).await?;
        let round_trip = watch.elapsed();
        telemetry::redis_round_trip(round_trip);
        self.status.lock().store.round_trip_ms = Some(round_trip.as_secs_f64() * 1e3);
        for (((at, ..), ask), one) in chosen.iter().zip(&asks).zip(&gathered) {
            // One that did not come in time is asked for again.
            if ask.baseline && one.baseline != Fetched::NotAsked {
                self.slots[*at].baseline_due = Some(now.plus(BASELINE_EVERY));
            }
            if ask.discovered {
                self.slots[*at].discovered_due = Some(now.plus(DISCOVERED_EVERY));
            }
            if ask.bars {
                self.slots[*at].bars_due = Some(now.plus(BARS_EVERY));
            }
        }
        self.take_messages(chosen, &mut gathered, &told, mark);
        Ok(gathered)
    }

    fn start(
        &mut self,
        at: usize,
        due: Jobs,
        today: NaiveDate,
        gathered: Gathered,
        now: Timestamp,
    ) {
        let slack = self.setup.slack();
        let slot = &mut self.slots[at];
        let Some(mut engine) = slot.engine.take() else {
            return;
        };
        slot.schedule.ran(due, now, slack);
        let anew = std::mem::take(&mut slot.anew);
        if anew {
            engine.forget_written();
        }
        slot.tapped = self.tap.as_ref().map(|_| {
            Box::new(RunTurn {
                symbol: slot.symbol.clone(),
                pass: self.passes,
                now,
                today,
                due: due.bits(),
                anew,
                gathered: gathered.clone(),
                documents: None,
            })
        });
        let save = match self.setup.save_every() {
            Some(every) if is_due(&mut slot.save_due, every, now) => Some(slot.drain.clone()),
            Some(_) | None => None,
        };
        let watched = self.sink.is_watched(&slot.symbol, now);
        self.workers.start(Task {
            slot: at,
            engine,
            gathered,
            due,
            today,
            now,
            save,
            watched,
        });
    }

    /// Takes symbols back until all that started are here or the time is up.
    async fn wait_for(
        &mut self,
        mut missing: usize,
        deadline: Option<std::time::Instant>,
        now: Timestamp,
        harvest: &mut Harvest,
    ) {
        while missing > 0 {
            let next = self.workers.next();
            let done = match deadline {
                Some(deadline) => tokio::time::timeout_at(deadline.into(), next).await,
                None => Ok(next.await),
            };
            let Ok(Some(done)) = done else {
                return;
            };
            // One that comes back late was not waited for.
            missing -= usize::from(done.now == now);
            self.take_back(done, now, harvest);
        }
    }

    fn take_back(&mut self, done: Done, now: Timestamp, harvest: &mut Harvest) {
        let slot = &mut self.slots[done.slot];
        slot.engine = Some(done.engine);
        let malformed = done
            .turned
            .as_ref()
            .map_or([0; 4], |turned| turned.malformed);
        let handed = std::mem::take(&mut slot.handed);
        if let Some(listening) = &self.listening {
            listening.turned(handed, malformed);
        }
        if let (Some(tap), Some(mut turn)) = (&self.tap, slot.tapped.take()) {
            turn.documents = done.turned.as_ref().ok().map(Turned::hashes);
            tap.send(RunEvent::Turned(turn));
        }
        match done.turned {
            Ok(turned) => harvest.push((done.slot, done.due, turned)),
            Err(why) => {
                self.failed_turns += 1;
                error!(symbol = %slot.symbol, %why, "symbol failed");
                let mut known = self.status.lock();
                for job in Job::ALL.into_iter().filter(|job| done.due.has(*job)) {
                    known.job_failed(job, &format!("{}: {why}", slot.symbol), now);
                }
            }
        }
    }

    async fn publish(&mut self, harvest: Harvest, now: Timestamp) -> Result<Pass, StoreError> {
        let mut pass = Pass {
            symbols: harvest.len(),
            errors: std::mem::take(&mut self.failed_turns),
            busy: self
                .slots
                .iter()
                .filter(|slot| slot.engine.is_none())
                .count(),
            ..Pass::default()
        };
        let mut writes = Vec::new();
        let mut written: BTreeMap<Symbol, BTreeSet<&'static str>> = BTreeMap::new();
        let mut states = Vec::new();
        let mut ages = BTreeMap::new();
        let mut jobs: BTreeMap<Job, u64> = BTreeMap::new();
        for (_, due, _) in &harvest {
            for job in Job::ALL.into_iter().filter(|job| due.has(*job)) {
                *jobs.entry(job).or_default() += 1;
            }
        }
        self.status.lock().jobs_ran(now, &jobs);
        for (slot, _, turned) in harvest {
            let symbol = self.slots[slot].symbol.clone();
            self.sink.trace(&symbol, &turned.trace);
            self.count_bad(&turned.bad, Some(&symbol), now);
            for report in turned.reports {
                telemetry::calculated(report.calculator, report.status.as_str(), report.seconds);
                let failed = report.status == quant::calculator::Status::Error;
                pass.errors += usize::from(failed);
                let why = report.reason.clone().unwrap_or_default();
                let calculator = report.calculator;
                if self.status.lock().reported(&symbol, report, now) {
                    error!(%symbol, calculator, why, "calculator failed");
                }
            }
            for (section, age) in turned.ages {
                let oldest = ages.entry(section).or_insert(age);
                *oldest = age.max(*oldest);
            }
            if self.setup.config.events.analytics && !turned.writes.is_empty() {
                let names = turned.writes.iter().map(|write| write.document);
                let names = names.filter(|name| *name != "history");
                written.entry(symbol).or_default().extend(names);
            }
            writes.extend(turned.writes);
            states.extend(turned.states);
            self.sink.show(&self.slots[slot].symbol, turned.views, now);
        }
        for (section, age) in ages {
            telemetry::input_age(section.as_str(), age.seconds());
        }
        self.save(states, now);
        pass.documents = writes.len();
        let mut published = self.sink.publish(&writes, now).await;
        if published.is_ok() {
            // Told when it stands.
            published = self.sink.publish(&events(&written, now), now).await;
        }
        if published.is_err() {
            // What stands in the store is not known any more.
            self.write_everything_again();
        }
        let mut known = self.status.lock();
        if let Err(why) = &published {
            for job in jobs.keys() {
                known.job_failed(*job, &why.to_string(), now);
            }
        }
        known.jobs_ended(now, |job| !over_all(job));
        published.map(|()| pass)
    }

    /// Every job is due and every document is written again, whatever was written before.
    fn write_everything_again(&mut self) {
        for slot in &mut self.slots {
            slot.schedule.all_due();
            (slot.discovered_due, slot.bars_due) = (None, None);
            slot.baseline_due = None;
            // One that is still computing hears of it when it starts again.
            slot.anew = true;
        }
        self.overall.write_everything_again();
    }

    /// Counts bad input, and puts each kind into the log once a minute at most.
    fn count_bad(&mut self, bad: &BadInput, symbol: Option<&Symbol>, now: Timestamp) {
        if bad.is_empty() {
            return;
        }
        self.status.lock().bad_input(bad);
        for (family, reason, count) in bad.iter() {
            telemetry::bad_input(family, reason, count);
            let mut due = self.logged_bad.get(&(family, reason)).copied();
            if is_due(&mut due, LOG_BAD_EVERY, now) {
                self.logged_bad
                    .extend(due.map(|due| ((family, reason), due)));
                let symbol = symbol.map_or("", Symbol::as_str);
                warn!(symbol, family, reason, count, "bad input");
            }
        }
    }
}

/// A wait for the store within what is left of a pass.
async fn within<T>(
    left: Option<Duration>,
    wait: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    match left {
        Some(left) => tokio::time::timeout(left, wait)
            .await
            .unwrap_or(Err(StoreError::Timeout(left.as_millis() as u64))),
        None => wait.await,
    }
}

/// Whether a time has come; one further ahead than the period is of a clock that was stepped back.
fn is_past(due: Option<Timestamp>, every: Span, now: Timestamp) -> bool {
    let wait = due.map_or(Span::ZERO, |due| due.since(now));
    wait <= Span::ZERO || wait > every
}

/// Whether a timer has run out at `now`; it is set anew where it has.
fn is_due(due: &mut Option<Timestamp>, every: Span, now: Timestamp) -> bool {
    let is_due = is_past(*due, every, now);
    if is_due {
        *due = Some(now.plus(every));
    }
    is_due
}

#[cfg(test)]
mod tests;
