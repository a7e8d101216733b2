//! What a running engine takes in and gives out, symbol by symbol, for whoever records it.
//!
//! The tap never slows a pass: its buffer is bounded, and what does not fit is counted as dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use bytes::Bytes;
use chrono::NaiveDate;
use quant::market::{Symbol, Timestamp};

use super::exchange::Gathered;

/// Turns that wait to be written: several passes of a thousand symbols.
const BUFFER: usize = 8192;

/// Something that happened in a run.
#[derive(Clone, Debug, PartialEq)]
pub enum RunEvent {
    /// Other settings hold from here on; every symbol starts again.
    Settings(serde_json::Value),
    /// A symbol started, with the states it was given back, in the order of their keys.
    Started {
        /// Which symbol.
        symbol: Symbol,
        /// What stood at the key of each of its states.
        states: Vec<Option<Bytes>>,
    },
    /// It took a turn.
    Turned(Box<RunTurn>),
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
    dropped: Arc<AtomicU64>,
}

/// A tap, and where its events come out. They end when every tap is gone.
pub fn tap() -> (Tap, Receiver<RunEvent>, Arc<AtomicU64>) {
    let (events, received) = sync_channel(BUFFER);
    let dropped = Arc::new(AtomicU64::new(0));
    let tap = Tap {
        events,
        dropped: dropped.clone(),
    };
    (tap, received, dropped)
}

impl Tap {
    /// Hands an event over, or counts it as dropped.
    pub fn send(&self, event: RunEvent) {
        if self.events.try_send(event).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_counted_and_holds_nobody() {
        let (tap, received, dropped) = tap();
        let event = RunEvent::Started {
            symbol: Symbol::new("GOOG").unwrap(),
            states: vec![],
        };
        (0..BUFFER + 3).for_each(|_| tap.send(event.clone()));
        assert_eq!(dropped.load(Ordering::Relaxed), 3);
        drop(tap);
        assert_eq!(received.iter().count(), BUFFER);
    }
}
