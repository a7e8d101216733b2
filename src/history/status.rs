//! How history fares, for the heartbeat, `/health`, `/status` and whoever is woken.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use quant::market::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::telemetry;

/// How history fares, as it is shown.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// Whether rows are stored.
    pub state: State,
    /// Since when the state is so, milliseconds since the epoch.
    #[schemars(with = "i64")]
    #[serde(serialize_with = "millis")]
    pub since: Timestamp,
    /// Why they are not; null where they are.
    pub error: Option<String>,
    /// Rows acknowledged by the database since the start, by kind.
    pub stored: BTreeMap<&'static str, u64>,
    /// Rows that were already there.
    pub repeated: u64,
    /// Documents dropped because too much was waiting.
    pub dropped: u64,
    /// Rows the database will never take, and documents that are none.
    pub refused: u64,
    /// Rows whose time was over.
    pub forgotten: u64,
    /// Bytes that wait for the database.
    pub waiting_bytes: u64,
    /// Time of the last batch, milliseconds; null before the first.
    pub batch_ms: Option<f64>,
}

fn millis<S: serde::Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(at.millis())
}

/// Whether rows are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The database is being opened.
    Opening,
    /// They are.
    Ok,
    /// The database does not take them: they wait, and what does not fit is dropped.
    Degraded,
}

/// The report as it is written and read.
#[derive(Debug)]
pub struct Status(Mutex<Report>);

impl Status {
    /// Of a database that is not open yet.
    pub fn new(now: Timestamp) -> Self {
        Self(Mutex::new(Report {
            state: State::Opening,
            since: now,
            error: None,
            stored: BTreeMap::new(),
            repeated: 0,
            dropped: 0,
            refused: 0,
            forgotten: 0,
            waiting_bytes: 0,
            batch_ms: None,
        }))
    }

    /// A copy of it.
    pub fn report(&self) -> Report {
        self.lock().clone()
    }

    /// Why history is degraded, for the reasons of `/health`.
    pub fn trouble(&self) -> Option<String> {
        let report = self.lock();
        let why = report.error.as_deref()?;
        let since = report.since.to_rfc3339();
        Some(format!("history is not stored since {since}: {why}"))
    }

    pub(super) fn waits(&self, bytes: usize, dropped: u64) {
        let mut report = self.lock();
        report.waiting_bytes = bytes as u64;
        report.dropped += dropped;
        drop(report);
        telemetry::history_dropped(dropped);
    }

    /// The state at `now`; true where it is news.
    pub(super) fn turns(&self, state: State, error: Option<String>, now: Timestamp) -> bool {
        let mut report = self.lock();
        let news = report.state != state;
        if news {
            report.since = now;
        }
        (report.state, report.error) = (state, error);
        news
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Report)) {
        change(&mut self.lock());
    }

    fn lock(&self) -> MutexGuard<'_, Report> {
        // Every change is whole before anything can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
