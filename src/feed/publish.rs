//! The one writer: takes what a provider says, and writes it to the store a batch at a time.
//!
//! One batch is under way, one waits: while the store is slow the waiting one keeps the newest
//! state, within bounds, and counts what it had to drop. The provider never waits for the store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};
use quant::market::{Symbol, Timestamp};
use serde::Serialize;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout, timeout_at};
use tracing::{info, warn};
use xxhash_rust::xxh3::xxh3_64;

use super::dirt::Dirt;
use super::heartbeat::{FeedHeartbeat, Gap};
use super::message::{Message, What};
use super::provider::{FeedError, Provider};
use super::wire::Wire;
use crate::clock::{Clock, Stopwatch};
use crate::recording::{Op, Record};
use crate::store::exchange::StoreError;
use crate::store::feed::{Dropped, FeedBatch};
use crate::store::redis::Redis;
use crate::telemetry;

/// Between two heartbeats.
const BEAT: Duration = Duration::from_millis(1000);
/// Between two attempts at a store that is away.
const RETRY: Duration = Duration::from_millis(20);
/// How long the end of a source waits for a store that is away.
const LAST_TRIES: Duration = Duration::from_secs(5);
/// How long a stop waits for what the provider still says, and for what is under way.
const LAST_PARCELS: Duration = Duration::from_millis(300);
const LAST_WORDS: Duration = Duration::from_millis(1_700);
/// By when after a stop the beats have ended, the last one is written, and all is over.
const END: [Duration; 3] = [
    Duration::from_millis(2_500),
    Duration::from_millis(3_200),
    Duration::from_millis(4_000),
];
/// How often the symbols are named again: a store may have come back empty.
const NAMED_AGAIN: Duration = Duration::from_secs(60);
/// The first wait before a provider is connected again, and the longest.
const RECONNECT: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(60)];
/// Parcels between the provider and the writer.
const QUEUE: usize = 4;

/// What came of a feed.
#[derive(Clone, Debug, Serialize)]
pub struct Fed {
    /// Who provided.
    pub provider: &'static str,
    /// Messages published.
    pub events: u64,
    /// Time it took, seconds.
    pub seconds: f64,
    /// Batches the store did not take, and failures of the provider.
    pub errors: u64,
    /// Trades and messages dropped because the store was away or too slow.
    pub dropped: u64,
    /// Of these, elements of lists.
    pub dropped_elements: u64,
    /// Of these, messages of channels.
    pub dropped_messages: u64,
    /// Records spoilt on purpose, by kind.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub dirt: BTreeMap<&'static str, u64>,
    /// What came and could not be used, by reason.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub rejected: BTreeMap<&'static str, u64>,
    /// Whether it was stopped before the end.
    pub stopped: bool,
    /// Sources that end in the middle, and where.
    pub truncated: Vec<String>,
    /// When a stop has to be over.
    #[serde(skip)]
    pub by: Instant,
}

/// How messages become records.
pub struct Outlet {
    /// Writes them.
    pub wire: Wire,
    /// Spoils some.
    pub dirt: Option<Dirt>,
}

/// Messages of one moment, written.
#[derive(Default)]
struct Parcel {
    records: Vec<Record>,
    symbols: Vec<Symbol>,
    kinds: BTreeMap<&'static str, u64>,
    dirt: BTreeMap<&'static str, u64>,
}

impl Outlet {
    fn parcel(&mut self, messages: &[Message]) -> Parcel {
        let mut parcel = Parcel::default();
        let Self { wire, dirt } = self;
        for message in messages {
            *parcel.kinds.entry(message.what.kind()).or_default() += 1;
            if let What::Symbol(symbol) = &message.what {
                parcel.symbols.push(symbol.clone());
            }
            let records = &mut parcel.records;
            wire.write(message, &mut |record| match dirt {
                Some(dirt) => dirt.pass(record, &mut |record| records.push(record)),
                None => records.push(record),
            });
        }
        parcel.dirt = dirt.iter().flat_map(Dirt::counts).collect();
        parcel
    }
}

/// Publishes what a provider says until its end or until told to stop.
pub async fn publish(
    provider: Box<dyn Provider>,
    outlet: Outlet,
    redis: Arc<Redis>,
    clock: Clock,
    stop: watch::Receiver<bool>,
) -> anyhow::Result<Fed> {
    let watch = Stopwatch::start();
    let name = provider.name();
    let (to, from) = mpsc::channel(QUEUE);
    let trouble = Arc::new(Trouble::default());
    let providing = provide(
        provider,
        outlet,
        to,
        trouble.clone(),
        clock.clone(),
        stop.clone(),
    );
    let providing = tokio::spawn(providing);
    let (told, beats) = watch::channel(FeedHeartbeat::default());
    let mut beating = tokio::spawn(beat(name, redis.clone(), clock.clone(), beats));
    let last_trouble = trouble.clone();
    let (last_redis, last_clock) = (redis.clone(), clock.clone());
    let mut writer = Writer {
        name,
        redis,
        clock,
        waiting: FeedBatch::default(),
        flight: None,
        at_stake: Dropped::default(),
        away: false,
        beat: FeedHeartbeat::default(),
        told,
        trouble,
        symbols: BTreeSet::new(),
        named: Stopwatch::start(),
    };
    let (stopped, ending) = writer.write(from, stop).await;
    let [beats_end, last_beat, by] = END.map(|after| ending.deadline(after).into());
    let last = writer.last_beat();
    // The beats end with their sender; none of them may come after the last one.
    drop(writer);
    // One that waits for a frozen store was handed over and keeps its place before the last.
    match timeout_at(beats_end, &mut beating).await {
        Ok(ended) => ended?,
        Err(_) => beating.abort(),
    }
    let (redis, clock) = (last_redis, last_clock);
    let beat = FeedHeartbeat {
        ts: clock.now().millis(),
        running: false,
        ..last
    };
    let value = quant::json::to_vec(&beat).into();
    // Where the store is away, the last beat expires by itself.
    let _ = timeout_at(last_beat, redis.feed_beat(name, value)).await;
    let truncated = match timeout_at(by, providing).await {
        Ok(provider) => provider??.remarks(),
        Err(_) => Vec::new(),
    };
    Ok(Fed {
        provider: name,
        events: beat.messages,
        seconds: watch.elapsed().as_secs_f64(),
        errors: beat.errors,
        dropped: beat.dropped,
        dropped_elements: beat.dropped_elements,
        dropped_messages: beat.dropped_messages,
        dirt: beat.dirt,
        rejected: last_trouble.known().rejected.clone(),
        stopped,
        truncated,
        by,
    })
}

/// What went wrong with the provider.
#[derive(Default)]
struct Trouble {
    errors: AtomicU64,
    reconnects: AtomicU64,
    known: Mutex<Known>,
}

/// What is known of the source.
#[derive(Default)]
struct Known {
    rejected: BTreeMap<&'static str, u64>,
    last_message: Option<Timestamp>,
    lost_since: Option<Timestamp>,
    last_gap: Option<Gap>,
}

impl Trouble {
    /// A panic elsewhere leaves it readable.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The source is lost.
    fn lost(&self) {
        let mut known = self.known();
        known.lost_since = known.lost_since.or(known.last_message);
    }

    /// The source said something; the gap that ended with it.
    fn heard(&self, now: Timestamp) -> Option<Gap> {
        let mut known = self.known();
        known.last_message = Some(now);
        let since = known.lost_since.take()?;
        let gap = Gap {
            since_ms: since.millis(),
            ms: now.millis() - since.millis(),
        };
        known.last_gap = Some(gap);
        Some(gap)
    }
}

/// A pause made longer or shorter by up to a quarter, so that many who lost a source together do
/// not come back together.
fn jittered(pause: Duration, now: Timestamp) -> Duration {
    let bits = xxh3_64(&now.nanos().to_le_bytes()) >> 11;
    let chance = bits as f64 / (1_u64 << 53) as f64;
    pause.mul_f64(0.75 + 0.5 * chance)
}

/// Connects the provider, as often as it takes, and passes on what it says.
async fn provide(
    mut provider: Box<dyn Provider>,
    mut outlet: Outlet,
    to: mpsc::Sender<Parcel>,
    trouble: Arc<Trouble>,
    clock: Clock,
    mut stop: watch::Receiver<bool>,
) -> Result<Box<dyn Provider>, FeedError> {
    let [first, longest] = RECONNECT;
    let mut pause = first;
    let mut was_connected = false;
    loop {
        let connected = &mut was_connected;
        let said = Said {
            outlet: &mut outlet,
            to: &to,
            trouble: &trouble,
            clock: &clock,
        };
        match converse(&mut *provider, said, &mut stop, connected).await {
            Ok(()) => return Ok(provider),
            Err(FeedError::Lost(why)) => {
                trouble.errors.fetch_add(1, Ordering::Relaxed);
                if std::mem::take(&mut was_connected) {
                    trouble.reconnects.fetch_add(1, Ordering::Relaxed);
                    pause = first;
                }
                trouble.lost();
                let wait = jittered(pause, clock.now());
                warn!(why, retry_ms = wait.as_millis() as u64, "provider lost");
                tokio::select! {
                    _ = stop.wait_for(|stop| *stop) => return Ok(provider),
                    () = tokio::time::sleep(wait) => {}
                }
                pause = (2 * pause).min(longest);
            }
            Err(fatal) => return Err(fatal),
        }
    }
}

/// Where what is said goes.
struct Said<'a> {
    outlet: &'a mut Outlet,
    to: &'a mpsc::Sender<Parcel>,
    trouble: &'a Trouble,
    clock: &'a Clock,
}

async fn converse(
    provider: &mut dyn Provider,
    to: Said<'_>,
    stop: &mut watch::Receiver<bool>,
    was_connected: &mut bool,
) -> Result<(), FeedError> {
    tokio::select! {
        biased;
        _ = stop.wait_for(|stop| *stop) => return Ok(()),
        connected = provider.connect() => connected?,
    }
    *was_connected = true;
    loop {
        let said = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return Ok(()),
            said = provider.next() => said?,
        };
        let Some(messages) = said else {
            return Ok(());
        };
        to.trouble.known().rejected = provider.rejected();
        if messages.is_empty() {
            continue;
        }
        // That a symbol is published is not news of the market.
        let is_news = |message: &Message| !matches!(message.what, What::Symbol(_));
        if messages.iter().any(is_news)
            && let Some(gap) = to.trouble.heard(to.clock.now())
        {
            let since = Timestamp::from_millis(gap.since_ms).to_rfc3339();
            telemetry::feed_gap(provider.name(), gap.ms as f64 / 1e3);
            info!(
                since,
                ms = gap.ms,
                "provider is back: what happened meanwhile is not known"
            );
        }
        // Chains are megabytes of text: other tasks go on meanwhile.
        let outlet = &mut *to.outlet;
        let parcel = tokio::task::block_in_place(|| outlet.parcel(&messages));
        // What was said is handed over even after a stop: the writer counts it.
        if to.to.send(parcel).await.is_err() {
            return Ok(());
        }
    }
}

type Flight = BoxFuture<'static, (FeedBatch, Result<(), StoreError>)>;

struct Writer {
    name: &'static str,
    redis: Arc<Redis>,
    clock: Clock,
    waiting: FeedBatch,
    flight: Option<Flight>,
    /// What is lost if nothing comes of the flight.
    at_stake: Dropped,
    away: bool,
    beat: FeedHeartbeat,
    told: watch::Sender<FeedHeartbeat>,
    trouble: Arc<Trouble>,
    /// Every symbol named so far, and since when nobody named them again.
    symbols: BTreeSet<Symbol>,
    named: Stopwatch,
}

impl Writer {
    /// Gives whether it was stopped, and when the end began.
    async fn write(
        &mut self,
        mut from: mpsc::Receiver<Parcel>,
        mut stop: watch::Receiver<bool>,
    ) -> (bool, Stopwatch) {
        let mut retries = tokio::time::interval(RETRY);
        retries.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let stopped = loop {
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => break true,
                landed = landing(&mut self.flight) => self.land(landed),
                parcel = from.recv() => match parcel {
                    Some(parcel) => self.take(parcel),
                    None => break false,
                },
                _ = retries.tick() => {
                    self.take_off();
                    self.tell();
                }
            }
            if !self.away {
                self.take_off();
            }
        };
        let mut ending = Stopwatch::start();
        let patience = match stopped {
            true => {
                let rest = async {
                    while let Some(parcel) = from.recv().await {
                        self.take(parcel);
                    }
                };
                let _ = timeout(LAST_PARCELS, rest).await;
                LAST_WORDS
            }
            false => LAST_TRIES,
        };
        let rest = async {
            while self.flight.is_some() || !self.waiting.is_empty() {
                self.take_off();
                let landed = landing(&mut self.flight).await;
                self.land(landed);
                if self.away {
                    retries.tick().await;
                }
            }
        };
        tokio::select! {
            () = rest => {}
            () = tokio::time::sleep(patience) => {}
            // The end of a source waits longer, but not against somebody's will.
            _ = stop.wait_for(|stop| *stop), if !stopped => {}
        }
        // Whatever did not get through is counted in the last words.
        self.waiting.abandon();
        let mut dropped = self.waiting.take_dropped();
        if self.flight.take().is_some() {
            dropped.add(self.at_stake);
        }
        self.lose(dropped);
        if !stopped {
            // The end of a source may have waited longer than a stop does in all.
            ending = Stopwatch::start();
        }
        (stopped, ending)
    }

    fn take(&mut self, parcel: Parcel) {
        for (kind, count) in parcel.kinds {
            telemetry::feed_messages(self.name, kind, count);
            self.beat.messages += count;
        }
        self.beat.last_message_ms = self.clock.now().millis();
        self.beat.dirt = parcel.dirt;
        for symbol in parcel.symbols {
            self.waiting.symbol(symbol.as_str());
            self.symbols.insert(symbol);
        }
        for Record { op, key, value, .. } in parcel.records {
            match op {
                Op::Set => self.waiting.set(key, value),
                Op::Rpush => self.waiting.push(key, value),
                Op::Publish => self.waiting.message(key, value),
            }
        }
    }

    /// Sends what waits, unless something is under way.
    fn take_off(&mut self) {
        if self.flight.is_some() || self.waiting.is_empty() {
            return;
        }
        let (redis, mut batch) = (self.redis.clone(), std::mem::take(&mut self.waiting));
        self.at_stake = batch.at_stake();
        let flight = async move {
            let result = redis.feed(&mut batch).await;
            (batch, result)
        };
        self.flight = Some(flight.boxed());
    }

    fn land(&mut self, (batch, result): (FeedBatch, Result<(), StoreError>)) {
        self.waiting.put_before(batch);
        let reconnected = self.redis.take_reconnected();
        self.beat.reconnects += u64::from(reconnected);
        if reconnected || self.named.elapsed() >= NAMED_AGAIN {
            self.named = Stopwatch::start();
            for symbol in &self.symbols {
                self.waiting.symbol(symbol.as_str());
            }
        }
        match result {
            Ok(()) if self.away => {
                self.away = false;
                info!("store answers");
            }
            Ok(()) => {}
            Err(why) => {
                self.beat.errors += 1;
                if !std::mem::replace(&mut self.away, true) {
                    warn!(%why, "the newest state is kept until the store answers");
                }
            }
        }
        self.tell();
    }

    /// Makes what is known the next heartbeat.
    fn tell(&mut self) {
        let dropped = self.waiting.take_dropped();
        self.lose(dropped);
        self.told.send_replace(self.last_beat());
    }

    fn lose(&mut self, dropped: Dropped) {
        if dropped.elements > 0 {
            telemetry::feed_dropped(self.name, "element", dropped.elements);
        }
        if dropped.messages > 0 {
            telemetry::feed_dropped(self.name, "message", dropped.messages);
        }
        self.beat.dropped_elements += dropped.elements;
        self.beat.dropped_messages += dropped.messages;
        self.beat.dropped = self.beat.dropped_elements + self.beat.dropped_messages;
    }

    fn last_beat(&self) -> FeedHeartbeat {
        let mut beat = self.beat.clone();
        beat.errors += self.trouble.errors.load(Ordering::Relaxed);
        beat.reconnects += self.trouble.reconnects.load(Ordering::Relaxed);
        let known = self.trouble.known();
        beat.rejected.clone_from(&known.rejected);
        beat.lost_since_ms = known.lost_since.map(Timestamp::millis);
        beat.last_gap = known.last_gap;
        drop(known);
        beat
    }
}

/// What comes of the batch under way; nothing ever, where none is.
async fn landing(flight: &mut Option<Flight>) -> (FeedBatch, Result<(), StoreError>) {
    match flight {
        Some(under_way) => {
            let landed = under_way.await;
            *flight = None;
            landed
        }
        None => std::future::pending().await,
    }
}

/// Writes the heartbeat until its sender is gone.
async fn beat(
    name: &'static str,
    redis: Arc<Redis>,
    clock: Clock,
    mut told: watch::Receiver<FeedHeartbeat>,
) {
    let mut beats = tokio::time::interval(BEAT);
    beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            _ = beats.tick() => {}
            () = gone(&mut told) => return,
        }
        let beat = FeedHeartbeat {
            ts: clock.now().millis(),
            running: true,
            ..told.borrow_and_update().clone()
        };
        // The next beat is the retry.
        let _ = redis
            .feed_beat(name, quant::json::to_vec(&beat).into())
            .await;
    }
}

/// Resolves once the sender is gone.
async fn gone(told: &mut watch::Receiver<FeedHeartbeat>) {
    while told.changed().await.is_ok() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_from_the_last_message_before_it_to_the_first_behind_it() {
        let trouble = Trouble::default();
        let at = Timestamp::from_millis;
        trouble.lost();
        assert_eq!(trouble.heard(at(1_000)), None, "nothing was there before");
        assert_eq!(trouble.heard(at(2_000)), None);
        trouble.lost();
        trouble.lost();
        assert_eq!(trouble.known().lost_since, Some(at(2_000)));
        let gap = Gap {
            since_ms: 2_000,
            ms: 3_000,
        };
        assert_eq!(trouble.heard(at(5_000)), Some(gap));
        assert_eq!(trouble.known().last_gap, Some(gap));
        assert_eq!(trouble.heard(at(6_000)), None);
    }

    #[test]
    fn a_pause_varies_by_a_quarter() {
        let pauses = (0..1_000).map(|n| jittered(Duration::from_secs(4), Timestamp::from_nanos(n)));
        let pauses: Vec<f64> = pauses.map(|pause| pause.as_secs_f64()).collect();
        let least = pauses.iter().copied().fold(f64::MAX, f64::min);
        let most = pauses.iter().copied().fold(0.0, f64::max);
        assert!(
            (3.0..3.05).contains(&least) && (4.95..=5.0).contains(&most),
            "{least} {most}"
        );
    }
}
