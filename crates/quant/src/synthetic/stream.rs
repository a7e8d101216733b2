//! The events of one instrument: orders meet the displayed book and print, the book answers,
//! and between orders it is refreshed.

use std::collections::VecDeque;

use super::arrivals::Arrivals;
use super::chance::Chance;
use super::flow::{Flow, Order};
use super::ladder::{Fill, Ladder, size, ticks};
use super::price::FairPrice;
use super::{Instrument, Kind};
use crate::market::{
    Conditions, OrderBook, Price, Quote, Side, Span, Timestamp, Touch, Trade, Venue,
};

/// Least time between an event and the next of its instrument that follows from it.
const LEAST_GAP: Span = Span::from_nanos(1_000);

/// Mean time the book takes to answer an order, beyond the least.
const ANSWER_SECONDS: f64 = 20e-6;

/// Share of orders that meet hidden size inside the spread, where there is a tick inside.
const HIDDEN: f64 = 0.08;

/// Share of refreshes that draw a new spread.
const NEW_SPREAD: f64 = 0.1;

/// Lean of the book a level that an order emptied.
const LEAN_PER_LEVEL: f64 = 0.5;

/// Lit venues; the first ones trade most.
const VENUES: [&str; 6] = ["XNAS", "ARCX", "XNYS", "BATS", "EDGX", "IEXG"];

/// Where hidden size inside the spread is reported.
const HIDDEN_VENUE: &str = "FINN";

/// One instrument on its way through time.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    tick: Price,
    mean_size: f64,
    refresh_seconds: f64,
    chance: Chance,
    arrivals: Arrivals,
    flow: Flow,
    price: FairPrice,
    spread: i64,
    bids: Ladder,
    asks: Ladder,
    last_traded: Price,
    traded_shares: i64,
    next_order: Timestamp,
    next_refresh: Timestamp,
    /// The last event made.
    at: Timestamp,
    /// Made and not yet taken: at most the prints of one order, a quote and a book.
    pending: VecDeque<(Timestamp, Kind)>,
}

impl Stream {
    /// The stream of an instrument; its first events are the quote and the book at `start`.
    pub(super) fn new(instrument: &Instrument, start: Timestamp, mut chance: Chance) -> Self {
        let instrument = instrument.within_limits();
        let tick = instrument.tick;
        let rate = instrument.trades_per_second;
        let flow = Flow::new(instrument.mean_size, start, &mut chance);
        let opening = (instrument.price / tick.to_f64()).round();
        let price = FairPrice::new(opening, tick.units(), instrument.volatility, rate, start);
        let (bid, ask) = around(price.centre(), 1);
        let mut stream = Self {
            tick,
            mean_size: instrument.mean_size,
            refresh_seconds: 1.0 / rate,
            arrivals: Arrivals::new(rate),
            flow,
            spread: 1,
            bids: Ladder::new(-1, bid, instrument.mean_depth, &mut chance),
            asks: Ladder::new(1, ask, instrument.mean_depth, &mut chance),
            last_traded: ticks(price.centre() as i64, tick),
            price,
            traded_shares: 0,
            next_order: start,
            next_refresh: start,
            at: start,
            pending: VecDeque::new(),
            chance,
        };
        stream.schedule_order();
        stream.schedule_refresh();
        stream.show(start);
        stream
    }

    /// When the next event is.
    pub(super) fn next_at(&mut self) -> Timestamp {
        self.front().0
    }

    /// Takes the next event.
    pub(super) fn next(&mut self) -> (Timestamp, Kind) {
        self.front();
        self.pending.pop_front().expect("a step makes events")
    }

    /// Events made and not yet taken.
    #[cfg(test)]
    pub(super) fn pending_len(&self) -> usize {
        self.pending.len()
    }

    fn front(&mut self) -> &(Timestamp, Kind) {
        if self.pending.is_empty() {
            self.step();
        }
        self.pending.front().expect("a step makes events")
    }

    /// Makes the events of the next order or refresh.
    fn step(&mut self) {
        let at = self.next_order.min(self.next_refresh);
        let is_order = at == self.next_order;
        let at = at.max(self.at.plus(LEAST_GAP));
        self.flow.advance(at, &mut self.chance);
        self.price.advance(at, self.flow.drift(), &mut self.chance);
        if is_order {
            self.trade(at);
            self.schedule_order();
            let answer = Span::from_seconds(self.chance.exponential(ANSWER_SECONDS));
            self.settle();
            self.show(at.plus(LEAST_GAP).plus(answer));
        } else {
            self.refresh();
            self.schedule_refresh();
            self.settle();
            self.show(at);
        }
    }

    /// An order arrives and prints against the book as displayed.
    fn trade(&mut self, at: Timestamp) {
        let order = self.flow.next(&mut self.chance);
        // The square-root law of impact, without the tail.
        let weight = libm::sqrt(order.shares as f64 / self.mean_size).min(3.0);
        self.price.learn(order.surprise, weight);
        let touch = self.touch();
        let inside = self.asks.best() - self.bids.best() > 1 && self.chance.happens(HIDDEN);
        if inside {
            self.print_inside(at, order, touch);
        } else {
            self.print_displayed(at, order, touch);
        }
    }

    /// Hidden size one tick inside the far touch fills the order; nothing displayed is lifted.
    fn print_inside(&mut self, at: Timestamp, order: Order, touch: Touch) {
        let price = if order.direction > 0.0 {
            self.asks.best() - 1
        } else {
            self.bids.best() + 1
        };
        let shares = order.shares;
        let venue = Venue::new(HIDDEN_VENUE);
        self.print(at, order, touch, Fill { price, shares }, venue);
    }

    fn print_displayed(&mut self, at: Timestamp, order: Order, touch: Touch) {
        let far = if order.direction > 0.0 {
            &mut self.asks
        } else {
            &mut self.bids
        };
        let fills: Vec<Fill> = far.take(order.shares).collect();
        let emptied = far.emptied();
        self.price
            .lean(LEAN_PER_LEVEL * order.direction * emptied as f64);
        for fill in fills {
            // The smaller of two draws: the first venues come most often.
            let [one, other] = [(); 2].map(|()| self.chance.index(VENUES.len()));
            let venue = Venue::new(VENUES[one.min(other)]);
            self.print(at, order, touch, fill, venue);
        }
    }

    fn print(&mut self, at: Timestamp, order: Order, touch: Touch, fill: Fill, venue: Venue) {
        let trade = Trade {
            at,
            price: ticks(fill.price, self.tick),
            size: size(fill.shares),
            flag: Side::Unknown,
            touch: Some(touch),
            venue: Some(venue),
            conditions: Conditions::NONE,
        };
        let true_side = if order.direction > 0.0 {
            Side::Buy
        } else {
            Side::Sell
        };
        self.last_traded = trade.price;
        self.traded_shares = self.traded_shares.saturating_add(fill.shares);
        self.pending
            .push_back((at, Kind::Trade { trade, true_side }));
    }

    /// Size comes back, and at times the spread changes.
    fn refresh(&mut self) {
        self.bids.replenish(&mut self.chance);
        self.asks.replenish(&mut self.chance);
        if self.chance.happens(NEW_SPREAD) {
            let draw = self.chance.uniform();
            self.spread = 1 + i64::from(draw > 0.55) + i64::from(draw > 0.88);
        }
    }

    /// Puts both sides where the price and the spread say.
    fn settle(&mut self) {
        let (bid, ask) = around(self.price.centre(), self.spread);
        self.bids.settle(bid, &mut self.chance);
        self.asks.settle(ask, &mut self.chance);
    }

    /// Tells the market: a quote and the book behind it.
    fn show(&mut self, at: Timestamp) {
        let Touch { bid, ask } = self.touch();
        let quote = Quote {
            bid: Some(bid),
            ask: Some(ask),
            spot: Some(self.last_traded),
            volume: Some(size(self.traded_shares)),
            at,
        };
        let book = OrderBook {
            bids: self.bids.levels(self.tick),
            asks: self.asks.levels(self.tick),
            at,
        };
        let quote = Kind::Quote {
            quote,
            bid_size: size(self.bids.best_shares()),
            ask_size: size(self.asks.best_shares()),
        };
        self.pending.push_back((at, quote));
        self.pending.push_back((at, Kind::Book(book)));
        self.at = at;
    }

    fn touch(&self) -> Touch {
        Touch {
            bid: ticks(self.bids.best(), self.tick),
            ask: ticks(self.asks.best(), self.tick),
        }
    }

    fn schedule_order(&mut self) {
        let gap = self.arrivals.next_gap(&mut self.chance);
        self.next_order = self.next_order.plus(Span::from_seconds(gap));
    }

    fn schedule_refresh(&mut self) {
        let gap = self.chance.exponential(self.refresh_seconds);
        self.next_refresh = self.next_refresh.plus(Span::from_seconds(gap));
    }
}

/// Bid and offer in ticks, `spread` apart around a centre.
fn around(centre: f64, spread: i64) -> (i64, i64) {
    let bid = (centre - 0.5 * spread as f64).round() as i64;
    (bid, bid + spread)
}
