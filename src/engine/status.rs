//! What the engine knows of itself: passes, jobs, the store, every document. Written once a pass,
//! read by the heartbeat, HTTP and the metrics.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quant::calculator::{Job, Status};
use quant::market::{Phase, Span, Symbol, Timestamp};
use serde::Serialize;

use super::plan::Jobs;
use super::symbol::Report;
use crate::clock::Stopwatch;
use crate::history::status::Status as History;
use crate::store::codec::BadInput;
use crate::store::inbox::Counts;

/// Passes behind the percentiles of their duration.
const DURATIONS: usize = 512;

/// The state everybody may look at.
#[derive(Debug)]
pub struct StatusBoard {
    known: Mutex<Known>,
}

/// Everything known.
#[derive(Clone, Debug)]
pub struct Known {
    /// When the program started.
    pub started_at: Timestamp,
    /// Symbols there are.
    pub symbols: usize,
    /// What the default exchange is doing.
    pub session: Phase,
    /// Whether symbol jobs pause because no exchange is open.
    pub idle: bool,
    /// Time between two passes.
    pub period: Span,
    /// Passes.
    pub passes: Passes,
    /// The store.
    pub store: StoreState,
    /// Jobs that are on.
    pub jobs: BTreeMap<Job, JobState>,
    /// Every document by symbol and calculator.
    pub documents: BTreeMap<Symbol, BTreeMap<&'static str, DocumentState>>,
    /// Every document over all symbols by its key.
    pub overall: BTreeMap<String, DocumentState>,
    /// What became of the messages of each channel, where channels are read.
    pub channels: BTreeMap<&'static str, Counts>,
    /// What could not be decoded since the start, by family and reason.
    pub bad_input: BTreeMap<&'static str, BTreeMap<&'static str, u64>>,
    /// How history fares, where it is on.
    pub history: Option<Arc<History>>,
}

/// Counts and times of passes.
#[derive(Clone, Debug, Default)]
pub struct Passes {
    /// Passes that ran.
    pub count: u64,
    /// Passes that did not: missed on the grid, or without a store.
    pub skipped: u64,
    /// How late the last pass started.
    pub late_ms: f64,
    /// How long it took.
    pub last_ms: f64,
    /// Symbols that were still computing at its end.
    pub busy: u64,
    /// Since the loop last turned, whether or not the pass ran.
    turned: Option<Stopwatch>,
    durations_ms: VecDeque<f64>,
}

/// Whether the store can be reached.
#[derive(Clone, Debug)]
pub struct StoreState {
    /// Whether the last pass could read and write.
    pub connected: bool,
    /// Since when it is so.
    pub since: Timestamp,
    /// Time of the last read batch.
    pub round_trip_ms: Option<f64>,
    /// Why it could not.
    pub error: Option<String>,
}

/// How a job fares.
#[derive(Clone, Debug, Default)]
pub struct JobState {
    /// Seconds between its runs.
    pub interval_seconds: f64,
    /// Last pass in which it ran.
    pub last_run: Option<Timestamp>,
    /// Last run without an error.
    pub last_ok: Option<Timestamp>,
    /// Last error.
    pub last_error: Option<Timestamp>,
    /// Its text, with the symbol.
    pub error: Option<String>,
    /// Errors since the start.
    pub errors: u64,
    /// Runs with an error since the last one without.
    pub consecutive_errors: u64,
    /// Whether the run under way had an error.
    failed: bool,
    /// Symbols of the last pass in which it ran.
    pub symbols: u64,
    /// Documents without a value, by status.
    pub no_value: BTreeMap<&'static str, u64>,
    /// Computing time of the last pass in which it ran, over all symbols.
    pub duration_ms: f64,
}

/// How one document stands.
#[derive(Clone, Debug, Serialize)]
pub struct DocumentState {
    /// Whether it has a value.
    pub status: Status,
    /// Why not.
    pub reason: Option<String>,
    /// Since when the status is so.
    #[serde(serialize_with = "as_rfc3339")]
    pub since: Timestamp,
    /// When it last had a value.
    #[serde(serialize_with = "as_rfc3339_or_null")]
    pub last_value: Option<Timestamp>,
    /// Time of the last computation.
    pub duration_us: f64,
    /// The job that writes it.
    #[serde(skip)]
    pub job: Job,
}

/// Whether the program is well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Everything turns.
    Healthy,
    /// The loop turns, and something it depends on does not.
    Degraded,
    /// The loop does not turn.
    Stuck,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What, for everybody: no address, no path, nobody else's words.
    pub short: String,
    /// The whole of it, for who may know.
    pub text: String,
}

impl Trouble {
    fn new(short: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            short: short.into(),
            text: text.into(),
        }
    }
}

impl StatusBoard {
    /// Nothing has happened yet.
    pub fn new(now: Timestamp, period: Span, intervals: &[(Job, Span)]) -> Self {
        let job_of = |&(job, interval): &(Job, Span)| {
            let state = JobState {
                interval_seconds: interval.seconds(),
                ..JobState::default()
            };
            (job, state)
        };
        Self {
            known: Mutex::new(Known {
                started_at: now,
                symbols: 0,
                session: Phase::Closed,
                idle: false,
                period,
                passes: Passes::default(),
                store: StoreState {
                    connected: false,
                    since: now,
                    round_trip_ms: None,
                    error: None,
                },
                jobs: intervals.iter().map(job_of).collect(),
                documents: BTreeMap::new(),
                overall: BTreeMap::new(),
                channels: BTreeMap::new(),
                bad_input: BTreeMap::new(),
                history: None,
            }),
        }
    }

    /// Looks at it or changes it. Keep it short: the loop waits.
    pub fn lock(&self) -> MutexGuard<'_, Known> {
        // Counters and copies: a panic of a reader leaves nothing half done.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// The loop turned.
    pub fn turned(&mut self) {
        self.passes.turned = Some(Stopwatch::start());
    }

    /// A pass ran to its end.
    pub fn passed(&mut self, milliseconds: f64, busy: u64) {
        self.passes.count += 1;
        self.passes.last_ms = milliseconds;
        self.passes.busy = busy;
        self.passes.durations_ms.push_back(milliseconds);
        if self.passes.durations_ms.len() > DURATIONS {
            self.passes.durations_ms.pop_front();
        }
    }

    /// A pass could read and write, or could not. Gives true where that is news.
    pub fn store_answered(&mut self, now: Timestamp, answer: Result<(), String>) -> bool {
        let connected = answer.is_ok();
        let news = self.store.connected != connected;
        if news {
            self.store.since = now;
            self.store.connected = connected;
        }
        self.store.error = answer.err();
        news
    }

    /// Jobs ran on so many symbols in the pass at `now`.
    pub fn jobs_ran(&mut self, now: Timestamp, symbols: &BTreeMap<Job, u64>) {
        for (job, count) in symbols {
            let state = self.jobs.entry(*job).or_default();
            state.last_run = Some(now);
            state.symbols = *count;
            state.duration_ms = 0.0;
        }
    }

    /// The runs of these jobs in the pass at `now` are over, their documents written or not.
    pub fn jobs_ended(&mut self, now: Timestamp, which: impl Fn(Job) -> bool) {
        for (_, state) in self.jobs.iter_mut().filter(|(job, _)| which(**job)) {
            if std::mem::take(&mut state.failed) {
                state.consecutive_errors += 1;
            } else if state.last_run == Some(now) {
                state.consecutive_errors = 0;
                state.last_ok = Some(now);
            }
        }
    }

    /// A calculator ran. Gives true for an error that is news.
    pub fn reported(&mut self, symbol: &Symbol, report: Report, now: Timestamp) -> bool {
        let job = self.jobs.entry(report.job).or_default();
        let documents = self.documents.entry(symbol.clone()).or_default();
        let before = documents.get(report.calculator);
        let name = report.calculator;
        let (state, is_news) = job.reported(symbol.as_str(), before, report, now);
        documents.insert(name, state);
        is_news
    }

    /// A calculator over all symbols ran for the document at a key. Gives true for an error that
    /// is news.
    pub fn reported_overall(&mut self, key: &str, report: Report, now: Timestamp) -> bool {
        let job = self.jobs.entry(report.job).or_default();
        let before = self.overall.get(key);
        let (state, is_news) = job.reported(key, before, report, now);
        self.overall.insert(key.to_owned(), state);
        is_news
    }

    /// Documents over all symbols of these jobs that were not reported are no more: a sector that
    /// no symbol belongs to.
    pub fn forget_overall(&mut self, due: Jobs, reported: &BTreeSet<String>) {
        let gone = self.overall.extract_if(.., |key, document| {
            due.has(document.job) && !reported.contains(key)
        });
        for (_, document) in gone {
            if let Some(job) = self.jobs.get_mut(&document.job) {
                job.one_less(document.status);
            }
        }
    }

    /// Other jobs are on, or at other intervals.
    pub fn set_intervals(&mut self, intervals: &[(Job, Span)]) {
        let is_on = |job: Job| intervals.iter().any(|(other, _)| *other == job);
        self.jobs.retain(|job, _| is_on(*job));
        for documents in self.documents.values_mut() {
            documents.retain(|_, document| is_on(document.job));
        }
        self.overall.retain(|_, document| is_on(document.job));
        for (job, interval) in intervals {
            self.jobs.entry(*job).or_default().interval_seconds = interval.seconds();
        }
    }

    /// A symbol is computed on no more.
    pub fn forget(&mut self, symbol: &Symbol) {
        for document in self.documents.remove(symbol).unwrap_or_default().values() {
            if let Some(job) = self.jobs.get_mut(&document.job) {
                job.one_less(document.status);
            }
        }
    }

    /// A job failed as a whole, for instance because its documents could not be written.
    pub fn job_failed(&mut self, job: Job, why: &str, now: Timestamp) {
        self.jobs.entry(job).or_default().fail(why.to_owned(), now);
    }

    /// Input was bad.
    pub fn bad_input(&mut self, bad: &BadInput) {
        for (family, reason, n) in bad.iter() {
            let reasons = self.bad_input.entry(family).or_default();
            *reasons.entry(reason).or_default() += n;
        }
    }

    /// Whether the program is well, and what is wrong.
    pub fn health(&self) -> (Health, Vec<Trouble>) {
        let turning = self
            .loop_age()
            .is_some_and(|age| age <= 3.0 * self.period.seconds());
        let mut reasons = Vec::new();
        if !turning {
            let text = "the loop does not turn";
            reasons.push(Trouble::new(text, text));
        }
        if !self.store.connected {
            let why = self.store.error.as_deref().unwrap_or("not connected yet");
            reasons.push(Trouble::new("redis: not connected", why));
        }
        let failing = self
            .jobs
            .iter()
            .filter(|(_, job)| job.consecutive_errors > 0 || job.no_value.contains_key("error"));
        for (job, state) in failing {
            let why = state.error.as_deref().unwrap_or("failed");
            let name = job.name();
            let short = format!("job {name}: failing");
            reasons.push(Trouble::new(short, format!("{name}: {why}")));
        }
        let history = self.history.as_ref();
        let why = history.and_then(|history| history.trouble());
        reasons.extend(why.map(|why| Trouble::new("history: degraded", why)));
        let health = match (turning, reasons.is_empty()) {
            (false, _) => Health::Stuck,
            (true, false) => Health::Degraded,
            (true, true) => Health::Healthy,
        };
        (health, reasons)
    }

    /// A copy with the documents of one symbol only.
    pub fn of_symbol(&self, symbol: &Symbol) -> Self {
        let own = self.documents.get_key_value(symbol);
        Self {
            passes: self.passes.clone(),
            store: self.store.clone(),
            jobs: self.jobs.clone(),
            documents: own
                .map(|(k, v)| (k.clone(), v.clone()))
                .into_iter()
                .collect(),
            overall: self.overall.clone(),
            channels: self.channels.clone(),
            bad_input: self.bad_input.clone(),
            history: self.history.clone(),
            ..*self
        }
    }

    /// Seconds since the loop last turned.
    pub fn loop_age(&self) -> Option<f64> {
        let turned = self.passes.turned?;
        Some(turned.elapsed().as_secs_f64())
    }
}

impl Passes {
    /// The duration that a share of the last passes did not exceed; `None` before the first.
    pub fn percentile_ms(&self, share: f64) -> Option<f64> {
        let mut sorted: Vec<f64> = self.durations_ms.iter().copied().collect();
        sorted.sort_by(f64::total_cmp);
        let rank = (share * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.saturating_sub(1)).copied()
    }
}

impl JobState {
    /// Takes a run into account: how its document stands now, and whether it failed and did not
    /// before.
    fn reported(
        &mut self,
        subject: &str,
        before: Option<&DocumentState>,
        report: Report,
        now: Timestamp,
    ) -> (DocumentState, bool) {
        self.duration_ms += report.seconds * 1e3;
        let failed = report.status == Status::Error;
        if failed {
            let why = report.reason.as_deref().unwrap_or("");
            self.fail(format!("{subject}: {why}"), now);
        }
        let same = before.is_some_and(|before| before.status == report.status);
        if !same {
            if let Some(before) = before {
                self.one_less(before.status);
            }
            if report.status != Status::Ok {
                *self.no_value.entry(report.status.as_str()).or_default() += 1;
            }
        }
        let state = DocumentState {
            status: report.status,
            reason: report.reason,
            since: before.filter(|_| same).map_or(now, |before| before.since),
            last_value: match report.status {
                Status::Ok => Some(now),
                _ => before.and_then(|before| before.last_value),
            },
            duration_us: report.seconds * 1e6,
            job: report.job,
        };
        (state, failed && !same)
    }

    /// A document is no more of this status.
    fn one_less(&mut self, status: Status) {
        if let Some(count) = self.no_value.get_mut(status.as_str()) {
            *count = count.saturating_sub(1);
        }
        self.no_value.retain(|_, count| *count > 0);
    }

    fn fail(&mut self, why: String, now: Timestamp) {
        self.errors += 1;
        self.failed = true;
        self.last_error = Some(now);
        self.error = Some(why);
    }
}

fn as_rfc3339<S: serde::Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.to_rfc3339())
}

fn as_rfc3339_or_null<S: serde::Serializer>(
    at: &Option<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    at.map(Timestamp::to_rfc3339).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board() -> StatusBoard {
        let intervals = [(Job::Vpin, Span::from_millis(5000))];
        StatusBoard::new(Timestamp::default(), Span::from_millis(500), &intervals)
    }

    fn report(status: Status) -> Report {
        Report {
            calculator: "vpin",
            job: Job::Vpin,
            status,
            reason: None,
            seconds: 1e-6,
        }
    }

    #[test]
    fn documents_without_a_value_are_counted_while_they_are_so() {
        let board = board();
        let mut known = board.lock();
        let now = Timestamp::default();
        let symbols = ["A", "B"].map(|name| Symbol::new(name).unwrap());
        for symbol in &symbols {
            known.reported(symbol, report(Status::Warming), now);
            known.reported(symbol, report(Status::Warming), now);
        }
        assert_eq!(known.jobs[&Job::Vpin].no_value["warming"], 2);
        known.reported(&symbols[0], report(Status::Ok), now);
        assert_eq!(known.jobs[&Job::Vpin].no_value["warming"], 1);
        assert_eq!(known.jobs[&Job::Vpin].errors, 0);
    }

    #[test]
    fn an_error_is_news_once() {
        let board = board();
        let mut known = board.lock();
        let symbol = Symbol::new("A").unwrap();
        let now = Timestamp::default();
        assert!(known.reported(&symbol, report(Status::Error), now));
        assert!(!known.reported(&symbol, report(Status::Error), now));
        assert!(!known.reported(&symbol, report(Status::Ok), now));
    }

    #[test]
    fn a_run_is_without_error_when_every_symbol_was_and_the_documents_were_written() {
        let board = board();
        let mut known = board.lock();
        let [a, b] = ["A", "B"].map(|name| Symbol::new(name).unwrap());
        let mut run = |seconds, of_a, of_b, written: bool| {
            let now = Timestamp::from_seconds(seconds);
            known.jobs_ran(now, &[(Job::Vpin, 2)].into());
            known.reported(&a, report(of_a), now);
            known.reported(&b, report(of_b), now);
            if !written {
                known.job_failed(Job::Vpin, "redis refused", now);
            }
            known.jobs_ended(now, |_| true);
            let job = &known.jobs[&Job::Vpin];
            (job.errors, job.consecutive_errors, job.last_ok)
        };
        let (one, four) = [1, 4]
            .map(|seconds| Some(Timestamp::from_seconds(seconds)))
            .into();
        assert_eq!(run(1, Status::Ok, Status::Ok, true), (0, 0, one));
        assert_eq!(run(2, Status::Error, Status::Ok, true), (1, 1, one));
        assert_eq!(run(3, Status::Ok, Status::Ok, false), (2, 2, one));
        assert_eq!(run(4, Status::Ok, Status::Ok, true), (2, 0, four));
    }

    #[test]
    fn a_loop_that_never_turned_is_stuck_and_a_lost_store_is_degraded() {
        let board = board();
        let mut known = board.lock();
        assert_eq!(known.health().0, Health::Stuck);
        known.turned();
        known.store.error = Some("not connected to redis at unix:/run/a".to_owned());
        let (health, troubles) = known.health();
        assert_eq!((health, troubles.len()), (Health::Degraded, 1));
        assert_eq!(troubles[0].short, "redis: not connected");
        assert!(troubles[0].text.contains("/run/a"));
        assert!(known.store_answered(Timestamp::default(), Ok(())));
        assert_eq!(known.health(), (Health::Healthy, vec![]));
    }

    #[test]
    fn percentiles_are_of_the_passes_that_ran() {
        let mut passes = Passes::default();
        assert_eq!(passes.percentile_ms(0.5), None);
        passes.durations_ms = (1..=100).map(f64::from).collect();
        assert_eq!(passes.percentile_ms(0.5), Some(50.0));
        assert_eq!(passes.percentile_ms(0.99), Some(99.0));
    }
}
