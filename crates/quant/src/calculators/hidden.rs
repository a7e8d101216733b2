//! Hidden orders: prints away from the displayed quote, and prices that gave more than they showed.
//!
//! What a print shows by itself is told in [`crate::prints::hidden`]; executions that exceed the
//! displayed size in [`crate::prints::icebergs`]. Both are signs of orders that were not displayed, not
//! facts: without the messages of every order nobody but the exchange knows. Prints off exchange are
//! mostly retail orders filled by wholesalers, so they have a share of their own and are no icebergs.

use std::collections::VecDeque;

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calculator::{Calculator, Counted, Job, NoValue, Status};
use crate::market::{OrderBook, SignedTrade, Size, Span, Timestamp, size_sum_to_f64};
use crate::prints::hidden::{is_at_mid, is_hidden};
use crate::prints::icebergs::{Icebergs, Level};
use crate::snapshot::{SessionDate, Tape};

/// Prints that are looked at for hidden ones.
const PRINTS: usize = 100;
/// Newest of them whose size is set against the depth.
const VOLUME_PRINTS: usize = 20;
/// Levels a side that make the depth.
const DEPTH_LEVELS: usize = 5;
/// How long an iceberg stands after its last refill.
const STANDS: Span = Span::from_millis(30_000);
/// Icebergs in a document.
const TOP: usize = 3;

/// The document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Payload {
    /// Prints inside the spread or more than 0.1 % beyond it, of the last 100.
    pub hidden_trades: Option<u64>,
    /// Their size, shares or contracts.
    pub hidden_trade_volume: Option<f64>,
    /// Prices that gave more than they showed within the last 30 s; null without an order book.
    pub iceberg_levels: Option<u64>,
    /// Up to three of them, the surest first.
    pub top_icebergs: Option<Vec<Iceberg>>,
    /// Size of the last 20 prints over the size displayed on five levels of both sides; null
    /// without a fresh order book.
    pub volume_depth_ratio: Option<f64>,
    /// 0.4·min(hidden trades / 10, 1) + 0.4·min(iceberg levels / 3, 1) + 0.2 where the volume is
    /// more than twice the depth, 0 to 1; what is null adds nothing.
    pub hidden_score: Option<f64>,
    /// Whether the score is above 0.5.
    pub hidden_likely: Option<bool>,
    /// The same as `hidden_score`.
    pub score: Option<f64>,
    /// Share of the session's volume so far that was reported off exchange, 0 to 1; null where no
    /// print names its venue.
    pub off_exchange_share: Option<f64>,
    /// Share of the session's volume so far at the midpoint of the quote before it, of that with a
    /// quote, 0 to 1; null without one.
    pub mid_price_share: Option<f64>,
}

/// A price that gave more than it showed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Iceberg {
    /// The price.
    pub price: f64,
    /// Executions after the displayed size was used up.
    pub refills: u64,
    /// The part of what was executed that had not been displayed, 0 to 1.
    pub confidence: f64,
}

/// What a run remembers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Memory {
    session: Option<NaiveDate>,
    /// Volumes of the session, shares.
    volumes: Volumes,
    /// Size and whether it is hidden, of the last prints.
    prints: VecDeque<(Size, bool)>,
    icebergs: Icebergs,
}

/// Volumes of a session, in shares: sums of many prints, which a float holds exactly up to 2^53
/// whole shares.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Volumes {
    with_venue: f64,
    off_exchange: f64,
    with_quote: f64,
    at_mid: f64,
}

/// Hidden orders of one symbol.
pub struct Hidden {
    memory: Memory,
    counted: Counted,
}

impl Calculator for Hidden {
    const NAME: &'static str = "hidden";
    const KEY: &'static str = "metric:hidden";
    const CONFIG: Option<&'static str> = None;
    const ABOUT: &'static str = "Hidden orders: prints away from the displayed quote, and prices \
        that gave more than they showed.";
    const JOB: Job = Job::SweepDetection;
    type Params = ();
    type Input<'a> = (SessionDate, Tape<'a>, Result<&'a OrderBook, NoValue>);
    type Payload = Payload;
    type State = Memory;

    fn new((): (), memory: Memory) -> Result<Self, String> {
        if !memory.is_sound() {
            return Err("the saved memory is none that prints could make: start without it".into());
        }
        Ok(Self {
            memory,
            counted: Counted::default(),
        })
    }

    fn state(&self) -> &Memory {
        &self.memory
    }

    fn compute(
        &mut self,
        (SessionDate(session), tape, book): Self::Input<'_>,
        now: Timestamp,
    ) -> Result<Payload, NoValue> {
        let memory = &mut self.memory;
        if memory.session != Some(session) {
            memory.session = Some(session);
            memory.volumes = Volumes::default();
        }
        self.counted = Counted::default();
        let book = book.ok();
        for signed in tape.new_trades() {
            if signed.trade.conditions.is_excluded() {
                *self.counted.dropped.entry("condition").or_default() += 1;
                continue;
            }
            memory.fold(signed);
            self.counted.used += 1;
        }
        memory.icebergs.show(book);
        if tape.lost() > 0 {
            self.counted.dropped.insert("overwritten", tape.lost());
        }
        tape.fresh()?;
        Ok(memory.value(book, now))
    }

    fn counted(&self) -> Counted {
        self.counted.clone()
    }

    fn absent(_: Status) -> Payload {
        Payload {
            hidden_trades: None,
            hidden_trade_volume: None,
            iceberg_levels: None,
            top_icebergs: None,
            volume_depth_ratio: None,
            hidden_score: None,
            hidden_likely: None,
            score: None,
            off_exchange_share: None,
            mid_price_share: None,
        }
    }
}

impl Memory {
    fn is_sound(&self) -> bool {
        let Volumes {
            with_venue,
            off_exchange,
            with_quote,
            at_mid,
        } = self.volumes;
        let is_part = |part: f64, whole: f64| part >= 0.0 && part <= whole && whole.is_finite();
        self.prints.len() <= PRINTS
            && self.prints.iter().all(|(size, _)| *size >= Size::ZERO)
            && is_part(off_exchange, with_venue)
            && is_part(at_mid, with_quote)
            && self.icebergs.is_sound()
    }

    fn fold(&mut self, signed: &SignedTrade) {
        let trade = &signed.trade;
        let size = trade.size.to_f64();
        if let Some(venue) = trade.venue {
            self.volumes.with_venue += size;
            self.volumes.off_exchange += if venue.is_off_exchange() { size } else { 0.0 };
        }
        if let Some(at_mid) = is_at_mid(signed) {
            self.volumes.with_quote += size;
            self.volumes.at_mid += if at_mid { size } else { 0.0 };
        }
        if self.prints.len() == PRINTS {
            self.prints.pop_front();
        }
        self.prints.push_back((trade.size, is_hidden(signed)));
        self.icebergs.take(signed);
    }

    fn value(&self, book: Option<&OrderBook>, now: Timestamp) -> Payload {
        let sum = |sizes: &mut dyn Iterator<Item = Size>| {
            let units = sizes.map(|size| i128::from(size.units()));
            size_sum_to_f64(units.sum())
        };
        let hidden = || self.prints.iter().filter(|(_, hidden)| *hidden);
        let hidden_trades = hidden().count() as u64;
        let newest = self.prints.iter().rev().take(VOLUME_PRINTS);
        let volume = sum(&mut newest.map(|(size, _)| *size));
        let depth = book.map(|book| {
            let (bids, asks) = (book.bids.iter(), book.asks.iter());
            let levels = bids.take(DEPTH_LEVELS).chain(asks.take(DEPTH_LEVELS));
            sum(&mut levels.map(|level| level.size))
        });
        let ratio = depth
            .filter(|depth| *depth > 0.0)
            .map(|depth| volume / depth);
        let standing = self.icebergs.standing(now, STANDS);
        let is_known = book.is_some() || !standing.is_empty();
        let icebergs = is_known.then_some(standing);
        let levels = icebergs.as_ref().map(|icebergs| icebergs.len() as u64);
        let score = 0.4 * (hidden_trades as f64 / 10.0).min(1.0)
            + 0.4 * (levels.unwrap_or(0) as f64 / 3.0).min(1.0)
            + if ratio.is_some_and(|ratio| ratio > 2.0) {
                0.2
            } else {
                0.0
            };
        let share = |part: f64, whole: f64| (whole > 0.0).then(|| part / whole);
        let Volumes {
            with_venue,
            off_exchange,
            with_quote,
            at_mid,
        } = self.volumes;
        Payload {
            hidden_trades: Some(hidden_trades),
            hidden_trade_volume: Some(sum(&mut hidden().map(|(size, _)| *size))),
            iceberg_levels: levels,
            top_icebergs: icebergs.map(|icebergs| icebergs.iter().take(TOP).map(of).collect()),
            volume_depth_ratio: ratio,
            hidden_score: Some(score),
            hidden_likely: Some(score > 0.5),
            score: Some(score),
            off_exchange_share: share(off_exchange, with_venue),
            mid_price_share: share(at_mid, with_quote),
        }
    }
}

fn of(level: &Level) -> Iceberg {
    Iceberg {
        price: level.price.to_f64(),
        refills: level.refills,
        confidence: level.confidence(),
    }
}
