//! What history is told: the documents a pass published, thinned to the marks they are kept at.
//!
//! The pass hands over shared bytes and waits for nothing. What the database has not taken yet waits
//! here, within bounds; what comes beyond is dropped and counted.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use quant::market::Timestamp;
use tokio::sync::Notify;

use super::status::Status;
use crate::config::History;
use crate::store::exchange::{How, Write};

/// What a waiting document takes beside its bytes.
const OVERHEAD: usize = 160;
/// Keys whose last mark is remembered; one that is forgotten is stored once more.
const MOST_KEYS: usize = 1 << 20;
/// Seconds between two looks at the bars of a symbol: each has a minute.
const BARS_SECONDS: u64 = 60;

/// A document that was published.
#[derive(Clone, Debug)]
pub struct Published {
    /// Its name.
    pub document: &'static str,
    /// Its key.
    pub key: Arc<str>,
    /// Its bytes.
    pub value: Bytes,
    /// The time of the pass.
    pub at: Timestamp,
}

impl Published {
    pub(super) fn weight(&self) -> usize {
        self.value.len() + self.key.len() + OVERHEAD
    }
}

/// The end where documents go in.
#[derive(Clone)]
pub struct Intake(Arc<Shared>);

struct Shared {
    wanted: HashMap<&'static str, Kept>,
    limit: usize,
    queue: Mutex<Queue>,
    news: Notify,
    status: Arc<Status>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Published>,
    bytes: usize,
    /// The mark of what was last taken in of each key.
    marks: HashMap<Arc<str>, i64>,
    closed: bool,
}

/// How often a document is kept.
#[derive(Clone, Copy)]
enum Kept {
    /// Each time it is published.
    Always,
    /// Once in so many nanoseconds.
    Every(i64),
}

impl Intake {
    /// An empty one.
    pub fn new(settings: &History, status: Arc<Status>) -> Self {
        let every = |seconds: u64| Kept::Every((seconds as i64).saturating_mul(1_000_000_000));
        let named = |name: &&'static str| settings.documents.iter().any(|wanted| wanted == name);
        let names = quant::calculators::all().map(|card| card.name);
        let metrics = names.filter(named);
        let mut wanted: HashMap<_, _> = metrics
            .map(|name| (name, every(settings.metrics_seconds)))
            .collect();
        wanted.insert("latest_underlying", Kept::Always);
        wanted.insert("latest_chain", every(settings.chain_seconds));
        wanted.insert("bars", every(BARS_SECONDS));
        Self(Arc::new(Shared {
            wanted,
            limit: settings.queue_bytes as usize,
            queue: Mutex::default(),
            news: Notify::new(),
            status,
        }))
    }

    /// Takes in what was published at `now`.
    pub fn published(&self, writes: &[Write], now: Timestamp) {
        let shared = &*self.0;
        let mut queue = None;
        let mut dropped = 0;
        for write in writes {
            let Some(kept) = shared.wanted.get(write.document) else {
                continue;
            };
            // A document without a value says nothing to keep.
            if matches!(write.how, How::ReplaceExisting | How::PutInFront { .. }) {
                continue;
            }
            let queue = queue.get_or_insert_with(|| shared.queue());
            if queue.is_due(&write.key, *kept, now) {
                dropped += u64::from(!queue.push(write, now, shared.limit));
            }
        }
        let bytes = queue.map(|queue| queue.bytes);
        if let Some(bytes) = bytes {
            shared.status.waits(bytes, dropped);
            if bytes > shared.limit / 2 {
                shared.news.notify_one();
            }
        }
    }

    /// What waits, at most so many bytes of it, after a while or as soon as much is waiting. `None` once
    /// it is closed and empty.
    pub(super) async fn next(&self, at_most: usize, patience: Duration) -> Option<Vec<Published>> {
        let shared = &*self.0;
        if !shared.queue().closed {
            // Either way it is looked at.
            let _ = tokio::time::timeout(patience, shared.news.notified()).await;
        }
        let mut queue = shared.queue();
        if queue.closed && queue.waiting.is_empty() {
            return None;
        }
        let mut taken = Vec::new();
        let mut weight = 0;
        while weight < at_most
            && let Some(published) = queue.waiting.pop_front()
        {
            weight += published.weight();
            taken.push(published);
        }
        queue.bytes -= weight;
        if !queue.waiting.is_empty() {
            shared.news.notify_one();
        }
        shared.status.waits(queue.bytes, 0);
        Some(taken)
    }

    /// Nothing more comes: what waits is the rest.
    pub(super) fn close(&self) {
        self.0.queue().closed = true;
        self.0.news.notify_one();
    }

    /// Whether nothing more comes.
    pub(super) fn is_closed(&self) -> bool {
        self.0.queue().closed
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Every change is whole before anything can panic.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn is_due(&mut self, key: &Arc<str>, kept: Kept, now: Timestamp) -> bool {
        let Kept::Every(nanos) = kept else {
            return true;
        };
        let mark = now.nanos().div_euclid(nanos);
        if self.marks.get(key) == Some(&mark) {
            return false;
        }
        if self.marks.len() >= MOST_KEYS {
            self.marks.clear();
        }
        self.marks.insert(key.clone(), mark);
        true
    }

    /// False where there is no room.
    fn push(&mut self, write: &Write, now: Timestamp, limit: usize) -> bool {
        let published = Published {
            document: write.document,
            key: write.key.clone(),
            value: write.value.clone(),
            at: now,
        };
        let weight = published.weight();
        let fits = !self.closed && self.bytes + weight <= limit;
        if fits {
            self.bytes += weight;
            self.waiting.push_back(published);
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(document: &'static str, key: &str, how: How) -> Write {
        Write {
            document,
            key: key.into(),
            value: Bytes::from_static(b"{}"),
            ttl_seconds: 60,
            how,
        }
    }

    fn intake(queue_bytes: u64) -> (Intake, Arc<Status>) {
        let settings = History {
            queue_bytes,
            ..History::default()
        };
        let status = Arc::new(Status::new(Timestamp::from_seconds(0)));
        (Intake::new(&settings, status.clone()), status)
    }

    async fn taken(intake: &Intake) -> Vec<(String, i64)> {
        let taken = intake.next(usize::MAX, Duration::ZERO).await;
        let taken = taken.into_iter().flatten();
        let named = taken.map(|p| (p.key.to_string(), p.at.nanos() / 1_000_000_000));
        named.collect()
    }

    #[tokio::test]
    async fn a_number_is_kept_once_a_mark_and_a_price_each_time() {
        let (intake, _) = intake(1 << 20);
        for second in [59, 60, 61, 119, 120] {
            let writes = [
                write("summary", "s", How::Replace),
                write("latest_underlying", "u", How::Replace),
                write("sweep", "not wanted", How::Replace),
                write("gex", "without a value", How::ReplaceExisting),
            ];
            intake.published(&writes, Timestamp::from_seconds(second));
        }
        let taken = taken(&intake).await;
        let of = |key: &str| {
            let own = taken.iter().filter(|(own, _)| own == key);
            own.map(|(_, at)| *at).collect::<Vec<_>>()
        };
        assert_eq!(of("s"), [59, 60, 120]);
        assert_eq!(of("u"), [59, 60, 61, 119, 120]);
        assert_eq!(taken.len(), 8);
    }

    #[tokio::test]
    async fn what_does_not_fit_is_dropped_and_counted() {
        let (intake, status) = intake(1000);
        for second in 0..10 {
            let writes = [write("latest_underlying", "u", How::Replace)];
            intake.published(&writes, Timestamp::from_seconds(second));
        }
        assert_eq!(taken(&intake).await.len(), 6);
        assert_eq!(status.report().dropped, 4);
        assert_eq!(status.report().waiting_bytes, 0);
        intake.close();
        assert!(intake.next(1, Duration::ZERO).await.is_none());
    }
}
