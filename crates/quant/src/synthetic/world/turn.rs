//! How the world goes on: seconds on a grid, sessions that open and close, and tapes between.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::binary_heap::PeekMut;

use super::auction;
use super::clock::Clock;
use super::factors::Shocks;
use super::series::{self, Listed};
use super::tape::Around;
use super::{Event, Kind, World, pace};
use crate::market::{Span, Timestamp};

const SECOND: Span = Span::from_millis(1_000);

/// The expiries of what is no product of its own are the same for all that list equally many.
type Usual = BTreeMap<(usize, usize), Vec<Listed>>;

impl World {
    /// Everything as it is at the start: contracts listed, quotes told, open sessions under way.
    pub(super) fn begin(&mut self) {
        let start = self.now;
        for clock in 0..self.clocks.len() {
            self.list(clock);
        }
        for symbol in 0..self.members.len() {
            let kind = self.members[symbol]
                .tape
                .quote(self.members[symbol].terms.tick, start);
            self.tell(start, symbol, kind);
        }
        for clock in 0..self.clocks.len() {
            if self.clocks[clock].open() <= start {
                self.open(clock, start, false);
            }
        }
        self.schedule(start);
    }

    /// Goes on to the next instant at which something is due, if that is not after `until`.
    pub(super) fn turn(&mut self, until: Timestamp) -> bool {
        let Some(head) = self.heads.peek_mut() else {
            return self.turn_grid(until);
        };
        let Reverse((due, symbol)) = *head;
        if self.grid <= due {
            drop(head);
            return self.turn_grid(until);
        }
        if due > until {
            return false;
        }
        let member = &mut self.members[symbol];
        if member.tape.due() != Some(due) {
            PeekMut::pop(head);
            return true;
        }
        let clock = &self.clocks[member.clock];
        let kind = member.tape.take(
            due,
            &mut Around {
                terms: &member.terms,
                spot: &mut member.spot,
                second_years: clock.second_years(),
                pace: pace::density(clock, due),
                books: self.books,
            },
        );
        match member.tape.due() {
            Some(next) => {
                let mut head = head;
                *head = Reverse((next, symbol));
            }
            None => drop(PeekMut::pop(head)),
        }
        self.now = due;
        if let Some(kind) = kind {
            if let Kind::Trade { trade, truth } = &kind {
                match truth.block {
                    true => member.minute.take_volume(trade),
                    false => member.minute.take(trade),
                }
            }
            self.tell(due, symbol, kind);
        }
        true
    }

    fn turn_grid(&mut self, until: Timestamp) -> bool {
        if self.grid > until {
            return false;
        }
        let at = self.grid;
        self.now = at;
        self.pass_second(at);
        for clock in 0..self.clocks.len() {
            if self.clocks[clock].is_running() && self.clocks[clock].close() <= at {
                self.close(clock);
            }
        }
        for clock in 0..self.clocks.len() {
            let waits = !self.clocks[clock].is_running();
            if waits && self.clocks[clock].open() <= at && at < self.clocks[clock].close() {
                let nights = !self.clocks[clock].is_always_open();
                self.open(clock, at, nights);
            }
        }
        self.schedule(at);
        true
    }

    /// A second of every session that is under way.
    fn pass_second(&mut self, at: Timestamp) {
        let running = self.clocks.iter().find(|clock| clock.is_running());
        let Some(years) = running.map(Clock::second_years) else {
            return;
        };
        let shocks = Shocks::draw(&mut self.factors, years);
        let minute_start = (at.whole_seconds() - 1).div_euclid(60) * 60;
        let ends_minute = at.whole_seconds() % 60 == 0;
        for symbol in 0..self.members.len() {
            let member = &mut self.members[symbol];
            let clock = &self.clocks[member.clock];
            if !clock.is_running() {
                continue;
            }
            let before = member.price();
            member.second(clock, &shocks, at);
            let changed = before != member.price();
            let told = auction::Terms::tells(at, clock.close());
            let terms = told.then(|| member.auction(clock)).flatten();
            let imbalance =
                terms.map(|terms| terms.imbalance(member.spot.price(), at, clock.close()));
            // The print of the auction is the end of the last minute, which ends with the session.
            let closes = clock.close() <= at;
            let terms = closes.then(|| member.auction(clock)).flatten();
            let print = terms.map(|terms| {
                let told = terms.imbalance(member.spot.price(), at, at);
                let price = told.near_price.unwrap_or(member.price());
                let print = member.tape.auction(at, terms.tick, price, told.paired);
                member.minute.take(&print.0);
                print
            });
            let start = Timestamp::from_seconds(minute_start);
            let minute = (ends_minute || closes).then(|| member.minute.end(start));
            let underlier = changed.then(|| member.underlier());
            if let Some(underlier) = underlier {
                self.tell(at, symbol, Kind::Underlying(underlier));
            }
            if let Some(imbalance) = imbalance {
                self.tell(at, symbol, Kind::Imbalance(imbalance));
            }
            if let Some((trade, truth)) = print {
                self.tell(at, symbol, Kind::Trade { trade, truth });
            }
            if let Some(minute) = minute {
                self.tell(at, symbol, Kind::Bar(minute));
            }
        }
    }

    fn open(&mut self, clock: usize, at: Timestamp, after_night: bool) {
        self.clocks[clock].start();
        self.list(clock);
        let night = Shocks::of_night(self.seed, self.clocks[clock].date());
        let night = after_night.then_some(&night);
        for symbol in 0..self.members.len() {
            let member = &mut self.members[symbol];
            if member.clock == clock {
                member.open(&self.clocks[clock], night, at, self.books);
                if let Some(due) = member.tape.due() {
                    self.heads.push(Reverse((due, symbol)));
                }
                let price = member.underlier();
                self.tell(at, symbol, Kind::Underlying(price));
            }
        }
    }

    fn close(&mut self, clock: usize) {
        for member in &mut self.members {
            if member.clock == clock {
                member.tape.close();
            }
        }
        // Where no session follows, the clock stands still: nothing opens any more.
        self.clocks[clock].stop();
    }

    /// Lists the contracts of a clock's session.
    fn list(&mut self, clock: usize) {
        let (date, horizon) = (self.clocks[clock].date(), self.clocks[clock].horizon());
        let mut usual = Usual::new();
        for member in self
            .members
            .iter_mut()
            .filter(|member| member.clock == clock)
        {
            let terms = &member.terms;
            let symbol = terms.symbol.as_str();
            let Some(product) = self.calendars.product(symbol, &terms.exchange) else {
                continue;
            };
            let listed = || series::listed(&product, terms, date, horizon);
            if self.calendars.exchange_of(symbol).is_some() {
                let listed = listed();
                member.list(&listed, date);
                continue;
            }
            // The root of each is its own name.
            let key = (terms.expiries, terms.monthlies);
            let shared = usual.entry(key).or_insert_with(listed);
            let root: std::sync::Arc<str> = symbol.into();
            for one in shared.iter_mut() {
                one.root = root.clone();
            }
            member.list(shared, date);
        }
    }

    /// The next second in which something moves.
    fn schedule(&mut self, at: Timestamp) {
        let next = Timestamp::from_seconds(at.whole_seconds()).plus(SECOND);
        let opens = self.clocks.iter().map(|clock| match clock.is_running() {
            true => next,
            false if clock.open() <= at => Timestamp::from_nanos(i64::MAX),
            false => clock.open(),
        });
        let soonest = opens.min().unwrap_or(Timestamp::from_nanos(i64::MAX));
        self.grid = soonest.max(next);
    }

    fn tell(&mut self, at: Timestamp, symbol: usize, kind: Kind) {
        self.out.push_back(Event { at, symbol, kind });
    }
}
