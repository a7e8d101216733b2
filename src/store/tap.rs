//! What a running engine takes in and gives out, symbol by symbol, for whoever records it.
//!
//! The tap never slows a pass: its buffer is bounded, and what does not fit is counted as dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use bytes::Bytes;
use chrono::NaiveDate;
use quant::market::{Symbol, Timestamp};

use super::exchange::{Fetched, Gathered};

/// Turns that wait to be written: several passes of a thousand symbols.
const BUFFER: usize = 8192;

/// A file of a recording is followed by the next at this size: an hour or so of a large universe.
const FILE_BYTES: u64 = 512 << 20;

/// Something that happened in a run.
#[derive(Clone, Debug, PartialEq)]
pub enum RunEvent {
    /// The next file begins: its settings and its first instant, and then every symbol starts.
    NextFile(serde_json::Value, Timestamp),
    /// Other settings hold for symbols that start or are put under them from here on.
    Settings(serde_json::Value),
    /// A symbol was put under the settings that hold.
    Reconfigured(Symbol),
    /// A symbol started, with the states it was given back, in the order of their keys.
    Started {
        /// Which symbol.
        symbol: Symbol,
        /// What stood at the key of each of its states.
        states: Vec<Option<Bytes>>,
    },
    /// It took a turn.
    Turned(Box<RunTurn>),
    /// The calculators over all symbols started, under the settings that hold.
    UniverseStarted {
        /// The symbols they were told of.
        symbols: Vec<Symbol>,
        /// What stood at the key of each of their states.
        states: Vec<Option<Bytes>>,
    },
    /// They took a turn.
    UniverseTurned(Box<UniverseTurn>),
}

/// A turn of the calculators over all symbols: everything they were told, and what they said.
#[derive(Clone, Debug, PartialEq)]
pub struct UniverseTurn {
    /// The pass it was started in, from 0.
    pub pass: u64,
    /// The time of that pass.
    pub now: Timestamp,
    /// The jobs that were due, as bits.
    pub due: u32,
    /// Whether what stands in the store was not known any more.
    pub anew: bool,
    /// The symbols there were.
    pub symbols: Vec<Symbol>,
    /// What stood at each key.
    pub answers: Vec<(String, Fetched)>,
    /// Key and hash of each document, in order.
    pub documents: Vec<(String, u64)>,
}

/// One symbol's turn: everything it was told, and what it said.
#[derive(Clone, Debug, PartialEq)]
pub struct RunTurn {
    /// Which symbol.
    pub symbol: Symbol,
    /// The pass it was started in, from 0.
    pub pass: u64,
    /// The time of that pass.
    pub now: Timestamp,
    /// The session date.
    pub today: NaiveDate,
    /// The jobs that were due, as bits.
    pub due: u32,
    /// Whether what stands in the store was not known any more.
    pub anew: bool,
    /// What was read.
    pub gathered: Gathered,
    /// Name and hash of each document, in order; `None` where the turn failed.
    pub documents: Option<Vec<(String, u64)>>,
}

/// Where events go in.
#[derive(Clone, Debug)]
pub struct Tap {
    events: SyncSender<RunEvent>,
    counts: Arc<TapCounts>,
}

/// What a tap and whoever is behind it tell each other.
#[derive(Debug, Default)]
pub struct TapCounts {
    /// Events that did not fit into the buffer.
    pub dropped: AtomicU64,
    /// Bytes of the present file.
    pub file_bytes: AtomicU64,
    /// Day of the present file, days since the epoch.
    pub file_day: AtomicI64,
}

/// A tap, and where its events come out. They end when every tap is gone.
pub fn tap() -> (Tap, Receiver<RunEvent>, Arc<TapCounts>) {
    let (events, received) = sync_channel(BUFFER);
    let counts = Arc::new(TapCounts::default());
    let tap = Tap {
        events,
        counts: counts.clone(),
    };
    (tap, received, counts)
}

/// The day of an instant in UTC, days since the epoch.
pub fn day_of(at: Timestamp) -> i64 {
    at.whole_seconds().div_euclid(86_400)
}

impl Tap {
    /// Hands an event over, or counts it as dropped.
    pub fn send(&self, event: RunEvent) {
        if self.events.try_send(event).is_err() {
            self.counts.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether the present file is large or of another day.
    pub fn wants_next_file(&self, now: Timestamp) -> bool {
        let large = self.counts.file_bytes.load(Ordering::Relaxed) >= FILE_BYTES;
        large || self.counts.file_day.load(Ordering::Relaxed) != day_of(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_counted_and_holds_nobody() {
        let (tap, received, counts) = tap();
        let event = RunEvent::Started {
            symbol: Symbol::new("GOOG").unwrap(),
            states: vec![],
        };
        (0..BUFFER + 3).for_each(|_| tap.send(event.clone()));
        assert_eq!(counts.dropped.load(Ordering::Relaxed), 3);
        drop(tap);
        assert_eq!(received.iter().count(), BUFFER);
    }

    #[test]
    fn a_large_file_or_another_day_wants_the_next() {
        let (tap, _received, counts) = tap();
        let now = Timestamp::from_seconds(86_400 * 7 + 5);
        counts.file_day.store(7, Ordering::Relaxed);
        assert!(!tap.wants_next_file(now));
        assert!(tap.wants_next_file(Timestamp::from_seconds(86_400 * 8)));
        counts.file_bytes.store(FILE_BYTES, Ordering::Relaxed);
        assert!(tap.wants_next_file(now));
    }
}
