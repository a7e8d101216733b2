//! Tape and book of one underlying: orders meet the displayed book and print, the book answers,
//! and between orders it is refreshed. Nothing is made before its time, so that what is seen of
//! the book depends on the instant alone.

mod orders;

use std::collections::VecDeque;

use super::spot::Spot;
use super::underlying::Underlying;
use super::{Kind, Truth};
use crate::market::{
    Conditions, OrderBook, Price, Quote, Side, Size, Span, Timestamp, Touch, Trade, Venue,
};
use crate::synthetic::arrivals::Arrivals;
use crate::synthetic::chance::Chance;
use crate::synthetic::flow::Flow;
use crate::synthetic::ladder::{Ladder, size, ticks};

/// No time at all: nothing is due.
const NEVER: Timestamp = Timestamp::from_nanos(i64::MAX);

/// Least time between an event and the next that follows from it.
const LEAST_GAP: Span = Span::from_nanos(1_000);

/// Mean time the book takes to answer an order, beyond the least.
const ANSWER_SECONDS: f64 = 20e-6;

/// Least refreshes a second of a book.
const LEAST_REFRESHES: f64 = 0.25;

/// Share of refreshes that draw a new spread.
const NEW_SPREAD: f64 = 0.1;

/// How long the book leans away from a level that an order emptied, and at most so many spreads.
const LEAN_SECONDS: f64 = 0.5;
const MOST_LEAN: f64 = 2.0;

/// Tape and book of one underlying.
#[derive(Clone, Debug)]
pub(super) struct Tape {
    chance: Chance,
    arrivals: Arrivals,
    flow: Flow,
    spread: i64,
    bids: Ladder,
    asks: Ladder,
    lean: f64,
    leaned_at: Timestamp,
    last: Price,
    shares: i64,
    next_order: Timestamp,
    next_refresh: Timestamp,
    /// The last event made.
    at: Timestamp,
    /// Made and not yet due: at most the prints of one order, a quote and a book.
    pending: VecDeque<(Timestamp, Kind)>,
    sweeps: u32,
    icebergs: u32,
}

/// What the tape must be told of the world.
pub(super) struct Around<'a> {
    /// What is traded.
    pub(super) terms: &'a Underlying,
    /// Its fair price, which learns from orders.
    pub(super) spot: &'a mut Spot,
    /// Years of variance in a second.
    pub(super) second_years: f64,
    /// Activity over that of the session's mean.
    pub(super) pace: f64,
    /// Whether books are wanted.
    pub(super) books: bool,
}

impl Tape {
    /// A book around a price, with no order due.
    pub(super) fn new(terms: &Underlying, start: Timestamp, mut chance: Chance) -> Self {
        let flow = Flow::new(terms.mean_size, start, &mut chance);
        let (bid, ask) = around(terms.price / terms.tick.to_f64(), terms.spread_ticks);
        let depth = terms.mean_depth;
        Self {
            arrivals: Arrivals::new(terms.trades_per_second.max(1e-9)),
            flow,
            spread: terms.spread_ticks,
            bids: Ladder::new(-1, bid, depth, &mut chance),
            asks: Ladder::new(1, ask, depth, &mut chance),
            lean: 0.0,
            leaned_at: start,
            last: ticks(
                (terms.price / terms.tick.to_f64()).round() as i64,
                terms.tick,
            ),
            shares: 0,
            next_order: NEVER,
            next_refresh: NEVER,
            at: start,
            pending: VecDeque::new(),
            sweeps: 0,
            icebergs: 0,
            chance,
        }
    }

    /// When the next event is.
    pub(super) fn due(&self) -> Option<Timestamp> {
        let due = match self.pending.front() {
            Some((at, _)) => *at,
            None => {
                let next = self.next_order.min(self.next_refresh);
                if next == NEVER {
                    return None;
                }
                next.max(self.at.plus(LEAST_GAP))
            }
        };
        Some(due)
    }

    /// Takes the event that is due.
    pub(super) fn take(&mut self, at: Timestamp, around: &mut Around<'_>) -> Option<Kind> {
        if self.pending.is_empty() {
            self.step(at, around);
        }
        match self.pending.front() {
            Some((due, _)) if *due <= at => self.pending.pop_front().map(|(_, kind)| kind),
            _ => None,
        }
    }

    /// The session opens: the day's volume begins at nothing, and the book stands anew.
    pub(super) fn open(&mut self, at: Timestamp, around: &mut Around<'_>) {
        self.shares = 0;
        self.lean = 0.0;
        self.next_order = at;
        self.next_refresh = at;
        if around.terms.trades_per_second > 0.0 {
            self.schedule_order(around);
        } else {
            self.next_order = NEVER;
        }
        self.schedule_refresh(around);
        self.settle(at, around);
        self.show(at, around);
    }

    /// The session closes: nothing is due any more but the rest of the last order.
    pub(super) fn close(&mut self) {
        self.next_order = NEVER;
        self.next_refresh = NEVER;
    }

    /// The print of the closing auction, with the quote that stands.
    pub(super) fn auction(
        &mut self,
        at: Timestamp,
        tick: Price,
        price: Price,
        size: Size,
    ) -> (Trade, Truth) {
        let trade = Trade {
            at,
            price,
            size,
            flag: Side::Unknown,
            touch: Some(self.touch(tick)),
            venue: Some(Venue::new("XNYS")),
            conditions: Conditions::AUCTION,
        };
        self.last = price;
        self.shares = self.shares.saturating_add(size.units() / Size::SCALE);
        (trade, Truth::of(Side::Unknown))
    }

    /// Drift of the price a second in its standard deviations, from the episode under way.
    pub(super) fn drift(&mut self, at: Timestamp) -> f64 {
        self.flow.advance(at, &mut self.chance);
        self.flow.drift()
    }

    /// Price of the last trade.
    pub(super) fn last(&self) -> Price {
        self.last
    }

    /// Shares of the session.
    pub(super) fn volume(&self) -> Size {
        size(self.shares)
    }

    /// The touch with its sizes.
    pub(super) fn quote(&self, tick: Price, at: Timestamp) -> Kind {
        let Touch { bid, ask } = self.touch(tick);
        let quote = Quote {
            bid: Some(bid),
            ask: Some(ask),
            spot: Some(self.last),
            volume: Some(self.volume()),
            at,
        };
        Kind::Quote {
            quote,
            bid_size: size(self.bids.best_shares()),
            ask_size: size(self.asks.best_shares()),
        }
    }

    /// Ten levels a side.
    pub(super) fn book(&self, tick: Price, at: Timestamp) -> OrderBook {
        OrderBook {
            bids: self.bids.levels(tick),
            asks: self.asks.levels(tick),
            at,
        }
    }

    /// Makes the events of the next order or refresh.
    fn step(&mut self, at: Timestamp, around: &mut Around<'_>) {
        if self.next_order.min(self.next_refresh) == NEVER {
            return;
        }
        self.at = at;
        if self.next_order <= self.next_refresh {
            self.flow.advance(at, &mut self.chance);
            self.trade(at, around);
            self.schedule_order(around);
            let answer = Span::from_seconds(self.chance.exponential(ANSWER_SECONDS));
            let answered = self.at.plus(LEAST_GAP).plus(answer);
            self.settle(at, around);
            self.show(answered, around);
        } else {
            self.refresh(around.terms);
            self.schedule_refresh(around);
            self.settle(at, around);
            self.show(at, around);
        }
    }

    /// Size comes back, and at times the spread changes.
    fn refresh(&mut self, terms: &Underlying) {
        self.bids.replenish(&mut self.chance);
        self.asks.replenish(&mut self.chance);
        if self.chance.happens(NEW_SPREAD) {
            let wide = match self.chance.uniform() {
                draw if draw > 0.9 => 2 * terms.spread_ticks + 1,
                draw if draw > 0.6 => terms.spread_ticks + (terms.spread_ticks + 1) / 2,
                _ => terms.spread_ticks,
            };
            self.spread = wide;
        }
    }

    fn lean(&mut self, at: Timestamp, spreads: f64) {
        let kept = libm::exp(-at.since(self.leaned_at).seconds() / LEAN_SECONDS);
        self.leaned_at = at;
        self.lean = (self.lean * kept + spreads).clamp(-MOST_LEAN, MOST_LEAN);
    }

    /// Puts both sides where the fair price and the spread say.
    fn settle(&mut self, at: Timestamp, told: &Around<'_>) {
        self.lean(at, 0.0);
        let lean = self.lean * self.spread as f64;
        let centre = told.spot.price() / told.terms.tick.to_f64() + lean;
        // Below the lowest fair price there is room for this: see the limits of an underlying.
        let (bid, ask) = around(centre.max(20.0 + self.spread as f64), self.spread);
        self.bids.settle(bid, &mut self.chance);
        self.asks.settle(ask, &mut self.chance);
    }

    /// Tells the market: a quote and the book behind it.
    fn show(&mut self, at: Timestamp, around: &Around<'_>) {
        let tick = around.terms.tick;
        self.pending.push_back((at, self.quote(tick, at)));
        if around.books {
            let book = Kind::Book(self.book(tick, at));
            self.pending.push_back((at, book));
        }
        self.at = at;
    }

    fn touch(&self, tick: Price) -> Touch {
        Touch {
            bid: ticks(self.bids.best(), tick),
            ask: ticks(self.asks.best(), tick),
        }
    }

    fn schedule_order(&mut self, around: &Around<'_>) {
        let gap = self.arrivals.next_gap(&mut self.chance) / around.pace;
        self.next_order = self.next_order.plus(Span::from_seconds(gap));
    }

    fn schedule_refresh(&mut self, around: &Around<'_>) {
        let rate = around.terms.trades_per_second.max(LEAST_REFRESHES);
        let gap = self.chance.exponential(1.0 / rate);
        self.next_refresh = self.next_refresh.plus(Span::from_seconds(gap));
    }
}

/// Bid and offer in ticks, `spread` apart around a centre.
fn around(centre: f64, spread: i64) -> (i64, i64) {
    let bid = (centre - 0.5 * spread as f64).round() as i64;
    (bid, bid + spread)
}
