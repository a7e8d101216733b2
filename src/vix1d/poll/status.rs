//! How a source fares, for whoever shows it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use quant::market::{Span, Timestamp};

use crate::vix1d::{Reading, SourceError};

/// How a source fares; shared with the task that asks it.
#[derive(Debug, Default)]
pub struct SourceStatus {
    state: Mutex<SourceState>,
}

/// How a source fares at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SourceState {
    /// The newest reading, whether from an answer or from the store.
    pub reading: Option<Reading>,
    /// Requests since the start.
    pub requests: u64,
    /// Failures in a row.
    pub failures: u64,
    /// When it last answered or failed.
    pub asked_at: Option<Timestamp>,
    /// When it will be asked again.
    pub next_at: Option<Timestamp>,
    /// Why the last request failed, in one word; nothing while it answers.
    pub reason: Option<String>,
    /// The same in a sentence.
    pub error: Option<String>,
    /// Observations that wait for the store.
    pub unwritten: usize,
}

impl SourceStatus {
    /// How it is.
    pub fn state(&self) -> SourceState {
        self.lock().clone()
    }

    pub(super) fn resumed(&self, reading: Reading) {
        self.lock().reading = Some(reading);
    }

    pub(super) fn failed(&self, error: &SourceError, now: Timestamp, wait: Option<Duration>) {
        let mut state = self.lock();
        state.requests += 1;
        state.failures += 1;
        state.asked_at = Some(now);
        state.next_at = wait.map(|wait| after(now, wait));
        state.reason = Some(error.reason());
        state.error = Some(error.to_string());
    }

    pub(super) fn answered(&self, reading: Option<Reading>, now: Timestamp, wait: Duration) {
        let mut state = self.lock();
        state.reading = reading;
        state.requests += 1;
        state.failures = 0;
        state.asked_at = Some(now);
        state.next_at = Some(after(now, wait));
        state.reason = None;
        state.error = None;
    }

    pub(super) fn unwritten(&self, observations: usize) {
        self.lock().unwritten = observations;
    }

    fn lock(&self) -> MutexGuard<'_, SourceState> {
        // Every change is whole before anything can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn after(now: Timestamp, wait: Duration) -> Timestamp {
    let nanos = i64::try_from(wait.as_nanos()).unwrap_or(i64::MAX);
    now.plus(Span::from_nanos(nanos))
}
