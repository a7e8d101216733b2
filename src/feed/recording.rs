//! The provider `recording`: plays event recordings into Redis at a chosen speed, with their times
//! moved to the present.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use quant::market::Timestamp;
use serde::Serialize;
use tokio::sync::watch;
use tracing::{info, warn};

use super::heartbeat::FeedHeartbeat;
use super::restamp::Restamp;
use crate::clock::{Clock, Stopwatch};
use crate::recording::{self, Merge, Op, Reader, Record};
use crate::store::feed::FeedBatch;
use crate::store::redis::Redis;
use crate::telemetry;

/// The provider's name.
pub const NAME: &str = "recording";

/// Batches a second: fine enough that a hundredfold day looks continuous to a 2 Hz reader.
const TURN: Duration = Duration::from_millis(20);
/// Heartbeats a second.
const BEAT: Duration = Duration::from_millis(1000);
/// How long the end waits for a store that is away.
const LAST_TRIES: usize = 250;

/// What to play and how.
pub struct Playback {
    /// Recordings; several are played in time order.
    pub recordings: Vec<PathBuf>,
    /// How much faster than recorded.
    pub speed: f64,
    /// Whether the times inside the values stay as recorded.
    pub keep_times: bool,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Played {
    /// Records played.
    pub events: u64,
    /// Time it took, seconds.
    pub seconds: f64,
    /// Batches the store did not take.
    pub errors: u64,
    /// Trades and messages dropped because the store was away or too slow.
    pub dropped: u64,
    /// Whether it was stopped before the end.
    pub stopped: bool,
    /// Recordings that end in the middle, and where.
    pub truncated: Vec<String>,
}

impl Playback {
    /// Plays until the end or until told to stop.
    pub async fn run(
        &self,
        redis: &Redis,
        clock: &Clock,
        stop: watch::Receiver<bool>,
    ) -> anyhow::Result<Played> {
        let readers = self.recordings.iter().map(|path| Reader::open(path));
        let readers = readers.collect::<Result<Vec<_>, _>>()?;
        let mut batch = FeedBatch::default();
        for name in readers.iter().flat_map(|reader| &reader.header().symbols) {
            batch.symbol(name);
        }
        let mut events = recording::merge(readers);
        let first = events.next().transpose()?;
        let origin = first.as_ref().map_or(0, |record| record.t_ns);
        let start = clock.now();
        let restamp = Restamp::new(start.nanos(), origin, self.speed);
        let mut player = Player {
            restamp: restamp.map_err(anyhow::Error::msg)?,
            keep_times: self.keep_times,
            events: &mut events,
            next: first,
            batch,
            beat: FeedHeartbeat::default(),
            away: false,
        };
        let watch = Stopwatch::start();
        let stopped = player.play(redis, clock, stop).await?;
        let beat = player.beat.clone();
        Ok(Played {
            events: beat.messages,
            seconds: watch.elapsed().as_secs_f64(),
            errors: beat.errors,
            dropped: beat.dropped,
            stopped,
            truncated: events.truncated().map(str::to_owned).collect(),
        })
    }
}

struct Player<'a> {
    restamp: Restamp,
    keep_times: bool,
    events: &'a mut Merge,
    next: Option<Record>,
    batch: FeedBatch,
    beat: FeedHeartbeat,
    away: bool,
}

impl Player<'_> {
    /// Gives whether it was stopped.
    async fn play(
        &mut self,
        redis: &Redis,
        clock: &Clock,
        mut stop: watch::Receiver<bool>,
    ) -> anyhow::Result<bool> {
        let mut turns = tokio::time::interval(TURN);
        turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let mut beats = tokio::time::interval(BEAT);
        let mut stopped = false;
        while !stopped && self.next.is_some() {
            tokio::select! {
                _ = turns.tick() => {
                    let now = clock.now();
                    self.collect(now)?;
                    self.flush(redis).await;
                }
                _ = beats.tick() => self.write_beat(redis, clock, true).await,
                _ = stop.changed() => stopped = true,
            }
        }
        for _ in 0..LAST_TRIES {
            if self.batch.is_empty() || *stop.borrow() {
                break;
            }
            turns.tick().await;
            self.flush(redis).await;
        }
        self.write_beat(redis, clock, false).await;
        Ok(stopped)
    }

    /// Takes what is due by now.
    fn collect(&mut self, now: Timestamp) -> anyhow::Result<()> {
        while let Some(record) = self.next.take() {
            if self.restamp.t(record.t_ns) > now.nanos() {
                self.next = Some(record);
                return Ok(());
            }
            let value = match self.keep_times {
                true => record.value,
                false => self.restamp.value(&record.value),
            };
            let (key, kind) = (Arc::clone(&record.key), record.op);
            match kind {
                Op::Set => self.batch.set(key, value),
                Op::Rpush => self.batch.push(key, value),
                Op::Publish => self.batch.message(key, value),
            }
            telemetry::feed_messages(NAME, op_name(kind), 1);
            self.beat.messages += 1;
            self.beat.last_message_ms = now.millis();
            self.next = self.events.next().transpose()?;
        }
        Ok(())
    }

    async fn flush(&mut self, redis: &Redis) {
        let result = redis.feed(&mut self.batch).await;
        self.beat.reconnects += u64::from(redis.take_reconnected());
        self.beat.dropped = self.batch.dropped();
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
    }

    async fn write_beat(&mut self, redis: &Redis, clock: &Clock, running: bool) {
        self.beat.ts = clock.now().millis();
        self.beat.running = running;
        let value = quant::json::to_vec(&self.beat).into();
        // The next beat is the retry.
        let _ = redis.feed_beat(NAME, value).await;
    }
}

fn op_name(op: Op) -> &'static str {
    match op {
        Op::Set => "set",
        Op::Rpush => "rpush",
        Op::Publish => "publish",
    }
}
