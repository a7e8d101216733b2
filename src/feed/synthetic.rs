//! The provider `synthetic`: a seeded market on the wall clock.
//!
//! The market's time runs `speed` times as fast as the wall clock from the start on, and is written
//! as wall time: t' = start + (t − start)/speed, so that readers find everything fresh. At speed 1
//! the two are the same. What a reader of chains sees of a fast market is a surface whose expiries
//! draw near at the speed of life.

mod labels;
mod market;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};
use quant::market::{Calendars, Span, Timestamp};
use tokio::time::{Interval, MissedTickBehavior};
use tracing::{info, warn};

use self::labels::Labels;
pub use self::market::Market;
use super::message::{Message, What};
use super::provider::{FeedError, Options, Provider};
use super::restamp::Restamp;
use crate::clock::Clock;
use crate::config::{Feed, Market as Exchanges};

/// The provider's name.
pub const NAME: &str = "synthetic";

/// How often the tape flows, unless turns are closer.
const BEAT: Duration = Duration::from_millis(100);

/// A market that waited longer for its store begins anew.
const STALE: Span = Span::from_millis(1_000);

/// Further behind the market is not caught up with: the host slept, or cannot keep up.
const LONGEST_GAP: Span = Span::from_millis(5_000);

/// Messages of one step, however far behind: some hundred megabytes.
const MOST_MESSAGES: usize = 500_000;

/// The provider.
pub struct Synthetic {
    market: Market,
    feed: Feed,
    exchanges: Exchanges,
    calendars: Arc<Calendars>,
    clock: Clock,
    /// The wall and the market's time at one instant.
    anchor: (Timestamp, Timestamp),
    speed: f64,
    /// When the market went on last.
    last: Timestamp,
    next_turn: Timestamp,
    interval: Span,
    beats: Option<Interval>,
    labels: Option<Labels>,
    greeted: bool,
    was_open: Option<bool>,
    /// Whether it was said that there is more in a step than fits.
    told_of_slowness: bool,
}

/// The provider of these options.
pub fn open(options: &Options) -> Result<Box<dyn Provider>, String> {
    let feed = &options.feed;
    if !options.recordings.is_empty() {
        return Err("the provider `synthetic` plays no recordings: --provider recording".into());
    }
    let labels = options.labels.as_deref().map(|path| {
        Labels::open(path).map_err(|error| format!("--labels {}: {error}", path.display()))
    });
    let now = options.clock.now();
    let calendars = &options.calendars;
    let market = Market::new(feed, &options.exchanges, calendars.clone(), now)?;
    Ok(Box::new(Synthetic {
        market,
        feed: feed.clone(),
        exchanges: options.exchanges.clone(),
        calendars: calendars.clone(),
        clock: options.clock.clone(),
        anchor: (now, now),
        speed: feed.speed,
        last: options.clock.now(),
        next_turn: now,
        interval: Span::from_millis(i64::try_from(feed.interval_ms).unwrap_or(i64::MAX)),
        beats: None,
        labels: labels.transpose()?,
        greeted: false,
        was_open: None,
        told_of_slowness: false,
    }))
}

impl Provider for Synthetic {
    fn name(&self) -> &'static str {
        NAME
    }

    fn connect(&mut self) -> BoxFuture<'_, Result<(), FeedError>> {
        let interval = Duration::from_nanos(self.interval.nanos().unsigned_abs());
        let mut beats = tokio::time::interval(BEAT.min(interval));
        beats.set_missed_tick_behavior(MissedTickBehavior::Skip);
        self.beats = Some(beats);
        async { self.begin() }.boxed()
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Option<Vec<Message>>, FeedError>> {
        async {
            if let Some(beats) = &mut self.beats {
                beats.tick().await;
            }
            // Thousands of symbols take a good part of a second: other tasks go on meanwhile.
            tokio::task::block_in_place(|| self.go_on()).map(Some)
        }
        .boxed()
    }
}

impl Synthetic {
    /// Begins anew where the store was waited for: the market keeps the hours of the wall clock.
    fn begin(&mut self) -> Result<(), FeedError> {
        let now = self.clock.now();
        if !self.greeted && now.since(self.last) > STALE {
            self.renew(now)?;
        }
        Ok(())
    }

    /// A new market at an instant.
    fn renew(&mut self, now: Timestamp) -> Result<(), FeedError> {
        let calendars = self.calendars.clone();
        let market = Market::new(&self.feed, &self.exchanges, calendars, now);
        self.market = market.map_err(FeedError::Fatal)?;
        self.anchor = (now, now);
        self.next_turn = now;
        self.last = self.clock.now();
        Ok(())
    }

    /// What has happened since the last time.
    fn go_on(&mut self) -> Result<Vec<Message>, FeedError> {
        self.take_out_gap(self.clock.now())?;
        // A new market took its time, which is no gap.
        let now = self.clock.now();
        self.last = now;
        let mut messages = Vec::new();
        if !std::mem::replace(&mut self.greeted, true) {
            let names = self.market.symbols().iter().cloned();
            messages.extend(names.map(|symbol| Message {
                at: now,
                what: What::Symbol(symbol),
            }));
        }
        let until = self.market_time(now);
        let (wall, origin) = self.anchor;
        let restamp = Restamp::new(wall.nanos(), origin.nanos(), self.speed);
        let restamp = restamp.map_err(FeedError::Fatal)?;
        let to_wall = |at: Timestamp| Timestamp::from_nanos(restamp.t(at.nanos()));
        let mut say = |message: Message| messages.push(message.moved(to_wall));
        let arrived = self.market.advance_within(until, MOST_MESSAGES, &mut say);
        if now >= self.next_turn {
            self.market.turn(&mut say);
            // A turn that was missed is not made up for.
            let behind = now.since(self.next_turn).nanos() / self.interval.nanos().max(1) + 1;
            let steps = self.interval.nanos().saturating_mul(behind);
            self.next_turn = self.next_turn.plus(Span::from_nanos(steps));
            self.tell_hours();
        }
        if !arrived {
            self.fall_behind(now);
        }
        self.label(&messages)?;
        Ok(messages)
    }

    fn market_time(&self, now: Timestamp) -> Timestamp {
        let (wall, origin) = self.anchor;
        let lived = now.since(wall);
        // Nanoseconds of years must not pass through a double at the usual speed.
        let lived = match self.speed {
            1.0 => lived,
            speed => Span::from_seconds(lived.seconds() * speed),
        };
        origin.plus(lived)
    }

    /// At speed 1 the market keeps the hours of the wall clock, and begins anew there; a faster
    /// one goes on from where it was.
    fn take_out_gap(&mut self, now: Timestamp) -> Result<(), FeedError> {
        let keeps_hours = self.speed == 1.0;
        let mut gap = now.since(self.last);
        if keeps_hours && gap >= Span::ZERO {
            gap = gap.max(now.since(self.market.now()));
        }
        if (Span::ZERO..=LONGEST_GAP).contains(&gap) {
            return Ok(());
        }
        let gap_ms = gap.millis();
        if keeps_hours {
            warn!(
                gap_ms,
                "the market begins anew: the clock was stepped, or this host cannot keep up"
            );
            return self.renew(now);
        }
        warn!(
            gap_ms,
            "the market stood still: the clock was stepped, or this host cannot keep up"
        );
        self.anchor = (now, self.market_time(self.last));
        self.next_turn = now;
        Ok(())
    }

    /// More happens than can be written: a fast market runs slower than it was told to. At speed
    /// 1 the rest comes with the next step, until it is too far behind.
    fn fall_behind(&mut self, now: Timestamp) {
        if self.speed != 1.0 {
            self.anchor = (now, self.market.now());
        }
        if !std::mem::replace(&mut self.told_of_slowness, true) {
            warn!(
                messages = MOST_MESSAGES,
                "more happens in a step than can be written: the market runs slower"
            );
        }
    }

    /// Says when the market opens and closes, and what to do where it is closed from the start.
    fn tell_hours(&mut self) {
        let open = self.market.is_open();
        let before = self.was_open.replace(open);
        if before == Some(open) {
            return;
        }
        match (before, open) {
            (None, false) => info!(
                "every exchange is closed: --always-open trades day and night, --speed gets there sooner"
            ),
            (_, open) => info!(open, "market"),
        }
    }

    fn label(&mut self, messages: &[Message]) -> Result<(), FeedError> {
        let Some(labels) = &mut self.labels else {
            return Ok(());
        };
        let mut written = messages.iter().try_for_each(|one| labels.write(one));
        written = written.and_then(|()| labels.flush());
        // Labels with a hole would be worse than none.
        written.map_err(|error| FeedError::Fatal(format!("--labels: {error}")))
    }
}
