//! A seeded synthetic market for the demo, benches and property tests: tape, quotes and books.
//!
//! Orders arrive in clusters and in runs of one side, print against the displayed book, and the
//! book answers; the price learns from them, and informed episodes carry it their way. The same
//! seed gives the same events on every host, whatever the steps in which time advances. The
//! instruments here know nothing of each other and have no options: those of [`world`] do.

mod arrivals;
mod chance;
mod flow;
mod ladder;
mod price;
mod stream;
#[cfg(test)]
mod tests;
pub mod world;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::market::{OrderBook, Price, Quote, Side, Size, Symbol, Timestamp, Trade};
use chance::Chance;
use stream::Stream;

/// A market of several instruments, independent of each other, on one time line.
///
/// Holds one book and the events of one order an instrument, however long it runs.
#[derive(Clone, Debug)]
pub struct World {
    streams: Vec<Stream>,
    /// When each instrument's next event is, soonest first.
    heads: BinaryHeap<Reverse<(Timestamp, usize)>>,
}

/// Symbol, price, volatility, trades a second, mean size, mean depth.
type UsStock = (&'static str, f64, f64, f64, f64, f64);

const US_STOCKS: [UsStock; 6] = [
    ("AAPL", 230.0, 0.28, 6.0, 90.0, 500.0),
    ("TSLA", 340.0, 0.55, 10.0, 80.0, 250.0),
    ("NVDA", 140.0, 0.45, 12.0, 130.0, 900.0),
    ("SPY", 590.0, 0.14, 8.0, 160.0, 1200.0),
    ("QQQ", 510.0, 0.18, 7.0, 130.0, 900.0),
    ("AMD", 160.0, 0.48, 5.0, 100.0, 450.0),
];

/// What is traded, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Instrument {
    /// Its name.
    pub symbol: Symbol,
    /// Opening price. The world keeps a price at 32 ticks or above.
    pub price: f64,
    /// Smallest step of a price.
    pub tick: Price,
    /// Standard deviation of the yearly log return (0.3 is 30 %), over 252 sessions of 6.5 hours.
    pub volatility: f64,
    /// Mean number of orders that trade a second; one that walks the book prints several times.
    /// At most 10,000: the book needs time to answer each.
    pub trades_per_second: f64,
    /// Mean size of such an order, in shares.
    pub mean_size: f64,
    /// Mean size displayed at the best price, in shares; deeper levels hold more.
    pub mean_depth: f64,
}

/// Something that happened to an instrument.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// The instrument's place in the list the world was made from.
    pub instrument: usize,
    /// What.
    pub kind: Kind,
}

/// What can happen.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A print. Those of one order that walked the book have the same time and touch.
    Trade {
        /// The print with the quote that stood before it; without the aggressor's flag.
        trade: Trade,
        /// Which side started it, as the world knows it.
        true_side: Side,
    },
    /// The touch: at the start, after an order (1 µs or more) and at a refresh of the book.
    Quote {
        /// Prices, last trade (at first the opening price) and volume since the start.
        quote: Quote,
        /// Size displayed at the bid.
        bid_size: Size,
        /// Size displayed at the offer.
        ask_size: Size,
    },
    /// The book behind the quote of the same time: ten levels a side.
    Book(OrderBook),
}

impl World {
    /// A market that opens at `start`. An instrument's events depend on the seed and on its
    /// place in the list, not on the other instruments. Parameters out of range are brought
    /// to the nearest sensible value.
    pub fn new(seed: u64, instruments: &[Instrument], start: Timestamp) -> Self {
        let mut chance = Chance::new(seed);
        let stream = |instrument| Stream::new(instrument, start, chance.split());
        let mut streams: Vec<Stream> = instruments.iter().map(stream).collect();
        let head = |(index, stream): (usize, &mut Stream)| Reverse((stream.next_at(), index));
        let heads = streams.iter_mut().enumerate().map(head).collect();
        Self { streams, heads }
    }

    /// Six US names: four stocks, two index funds. Prices, volatilities and activity are round
    /// numbers of the right order, so that the demo looks like an ordinary day.
    pub fn default_instruments() -> Vec<Instrument> {
        US_STOCKS.iter().map(Instrument::us_stock).collect()
    }

    /// Every event up to and including `until`, in time order, to `each`. Events of one instant
    /// come in the order of the list.
    pub fn advance(&mut self, until: Timestamp, each: &mut impl FnMut(Event)) {
        while let Some(mut head) = self.heads.peek_mut() {
            let Reverse((due, instrument)) = *head;
            if due > until {
                return;
            }
            let stream = &mut self.streams[instrument];
            let (at, kind) = stream.next();
            *head = Reverse((stream.next_at(), instrument));
            drop(head);
            each(Event {
                at,
                instrument,
                kind,
            });
        }
    }
}

impl Instrument {
    fn us_stock(row: &UsStock) -> Self {
        let &(name, price, volatility, trades_per_second, mean_size, mean_depth) = row;
        Self {
            symbol: Symbol::new(name).expect("capital letters are a symbol"),
            price,
            tick: Price::from_units(Price::SCALE / 100),
            volatility,
            trades_per_second,
            mean_size,
            mean_depth,
        }
    }

    /// The same with every number where the arithmetic holds; not-a-number is the least.
    fn within_limits(&self) -> Self {
        let limited = |value: f64, least: f64, most: f64| value.max(least).min(most);
        Self {
            symbol: self.symbol.clone(),
            price: limited(self.price, 0.0, 1e9),
            // At most such that the fewest ticks of a price fit its integer well.
            tick: self
                .tick
                .clamp(Price::from_units(1), Price::from_units(i64::MAX / 256)),
            volatility: limited(self.volatility, 0.0, 10.0),
            trades_per_second: limited(self.trades_per_second, 1e-4, 1e4),
            mean_size: limited(self.mean_size, 1.0, 1e6),
            mean_depth: limited(self.mean_depth, 1.0, 1e6),
        }
    }
}
