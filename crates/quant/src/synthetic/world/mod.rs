//! A seeded world of underlyings with options: prices that move together, an arbitrage-free
//! volatility surface, chains with open interest and volume, tapes and books, and closing
//! auctions, on the clocks of their exchanges.
//!
//! Prices move on a grid of seconds by factors of market and sector; orders, which come between,
//! move them too. Nothing is made before its time: the same seed gives the same events, and the
//! same chain at the same instant, on every host and whatever the steps in which time advances.
//! What is kept of a contract is its open interest alone, so that thousands of underlyings fit.
//!
//! It is beside [`crate::synthetic::World`], which knows tapes and books only.

mod auction;
mod bars;
mod chain;
mod clock;
mod draw;
mod factors;
mod level;
mod member;
mod pace;
mod plants;
mod series;
mod settings;
mod spot;
mod surface;
mod tape;
mod turn;
mod underlying;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::sync::Arc;

use crate::market::{Calendars, Imbalance, OrderBook, Quote, Side, Size, Symbol, Timestamp, Trade};
use crate::synthetic::chance::Chance;
pub use bars::{Minute, Underlier};
pub use chain::{Chain, Contract};
use clock::Clock;
use draw::Draw;
use member::Member;
pub use settings::Settings;
pub use surface::{Slice, Surface};
pub use underlying::{Class, Sector, Underlying};

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// The underlying's place: see [`World::underlying`].
    pub symbol: usize,
    /// What.
    pub kind: Kind,
}

/// What can happen.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// The touch: at the start, after an order and at a refresh of the book. Its spot is the last
    /// trade, its volume that of the session.
    Quote {
        /// Prices, last trade and volume.
        quote: Quote,
        /// Size displayed at the bid.
        bid_size: Size,
        /// Size displayed at the offer.
        ask_size: Size,
    },
    /// The book behind the quote of the same time: ten levels a side.
    Book(OrderBook),
    /// A print with the quote that stood before its order, without the aggressor's flag.
    Trade {
        /// The print.
        trade: Trade,
        /// What a feed does not tell.
        truth: Truth,
    },
    /// A minute that ended.
    Bar(Minute),
    /// What the closing auction's feed tells, in the last ten minutes.
    Imbalance(Imbalance),
    /// The fair price: as a session opens, and once a second where it changed.
    Underlying(Underlier),
}

/// What is true of a trade. Numbers count from 1 within an underlying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truth {
    /// Which side started it; unknown in an auction.
    pub side: Side,
    /// The sweep it is part of.
    pub sweep: Option<u32>,
    /// The iceberg it took from.
    pub iceberg: Option<u32>,
    /// The informed episode it came in.
    pub episode: Option<u32>,
    /// Whether it was agreed away from the book.
    pub block: bool,
}

impl Truth {
    /// Nothing but a side.
    fn of(side: Side) -> Self {
        Self {
            side,
            sweep: None,
            iceberg: None,
            episode: None,
            block: false,
        }
    }
}

/// The world at an instant.
#[derive(Clone, Debug)]
pub struct World {
    calendars: Arc<Calendars>,
    seed: u64,
    books: bool,
    now: Timestamp,
    /// The next second in which something moves.
    grid: Timestamp,
    factors: Chance,
    clocks: Vec<Clock>,
    members: Vec<Member>,
    /// When each tape's next event is, soonest first. What does not hold any more is passed over.
    heads: BinaryHeap<Reverse<(Timestamp, usize)>>,
    /// Happened and not yet taken.
    out: VecDeque<Event>,
}

impl World {
    /// The world of a seed from an instant on. An underlying's own chance depends on the seed and
    /// its place. An error names the underlying whose exchange the calendars do not know.
    pub fn new(
        settings: &Settings,
        calendars: Arc<Calendars>,
        seed: u64,
        start: Timestamp,
    ) -> Result<Self, String> {
        let mut chance = Chance::new(seed);
        let mut world = Self {
            seed,
            books: settings.books,
            now: start,
            grid: start,
            factors: chance.split(),
            clocks: Vec::new(),
            members: Vec::new(),
            heads: BinaryHeap::new(),
            out: VecDeque::new(),
            calendars,
        };
        let mut codes: BTreeMap<String, usize> = BTreeMap::new();
        for (at, terms) in settings.all(seed).into_iter().enumerate() {
            let name = terms.symbol.as_str();
            let exchange = clock::exchange_of(&world.calendars, name, &terms.exchange);
            let unknown = || {
                let code = &terms.exchange;
                format!("{name}: no exchange {code} in the calendars: add it or name another")
            };
            let exchange = exchange.ok_or_else(unknown)?;
            let found = codes.get(exchange.code()).copied();
            let clock = match found {
                Some(clock) => clock,
                None => {
                    let clock = Clock::new(exchange, settings.always_open, start);
                    let none = || format!("{name}: {} has no session ahead", exchange.code());
                    world.clocks.push(clock.ok_or_else(none)?);
                    let clock = world.clocks.len() - 1;
                    codes.insert(exchange.code().to_owned(), clock);
                    clock
                }
            };
            let draw = Draw::of(seed).part(at as u64);
            let own = Chance::new(draw.part(u64::MAX).bits());
            world
                .members
                .push(Member::new(terms, clock, start, draw, own));
        }
        world.begin();
        Ok(world)
    }

    /// Everything that happens up to and including `until`, in time order. What is not taken
    /// stays for the next call; once all is taken, the world is at `until`.
    pub fn advance(&mut self, until: Timestamp) -> Advance<'_> {
        Advance { world: self, until }
    }

    /// The instant up to which everything has happened.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// How many underlyings there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The underlying of a place: those of the settings in their order, then the generated ones.
    pub fn underlying(&self, symbol: usize) -> Option<&Underlying> {
        self.members.get(symbol).map(|member| &member.terms)
    }

    /// Every name, by place.
    pub fn symbols(&self) -> impl Iterator<Item = &Symbol> {
        self.members.iter().map(|member| &member.terms.symbol)
    }

    /// Whether an underlying trades now.
    pub fn is_open(&self, symbol: usize) -> bool {
        let member = self.members.get(symbol);
        member.is_some_and(|member| self.clocks[member.clock].is_running())
    }

    /// The touch of an underlying as it stands: a [`Kind::Quote`].
    pub fn quote(&self, symbol: usize) -> Option<Kind> {
        let member = self.members.get(symbol)?;
        Some(member.tape.quote(member.terms.tick, self.now))
    }

    /// The book of an underlying as it stands.
    pub fn book(&self, symbol: usize) -> Option<OrderBook> {
        let member = self.members.get(symbol)?;
        Some(member.tape.book(member.terms.tick, self.now))
    }

    /// The fair price of an underlying with what has been of its session.
    pub fn price(&self, symbol: usize) -> Option<Underlier> {
        Some(self.members.get(symbol)?.underlier())
    }

    /// The chain of an underlying as it is quoted now, by expiry, strike, call before put.
    pub fn chain(&self, symbol: usize) -> Option<Chain> {
        let member = self.members.get(symbol)?;
        Some(member.chain(&self.clocks[member.clock], self.now))
    }

    /// The surface of an underlying as it is now, on the clock of variance.
    pub fn surface(&self, symbol: usize) -> Option<Surface> {
        let spot = &self.members.get(symbol)?.spot;
        Some(spot.surface(spot.log_factor()))
    }

    /// The level of VIX1D in percent, from the surface of SPX; `None` without one, or without two
    /// expiries on closing prints.
    pub fn vix1d(&self) -> Option<f64> {
        let is_spx = |member: &&Member| member.terms.symbol.as_str() == "SPX";
        let spx = self.members.iter().find(is_spx)?;
        spx.one_day_level(&self.clocks[spx.clock], self.now)
    }
}

/// What happens until an instant.
#[derive(Debug)]
pub struct Advance<'a> {
    world: &'a mut World,
    until: Timestamp,
}

impl Iterator for Advance<'_> {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        let Self { world, until } = self;
        loop {
            if world.out.front().is_some_and(|event| event.at <= *until) {
                return world.out.pop_front();
            }
            if !world.turn(*until) {
                world.now = world.now.max(*until);
                return None;
            }
        }
    }
}
