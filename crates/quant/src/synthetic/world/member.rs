//! One underlying of the world: its price, tape, contracts and what has been of the session.

mod quoting;

use chrono::NaiveDate;

use super::auction;
use super::bars::{OpenMinute, Underlier};
use super::clock::Clock;
use super::draw::Draw;
use super::factors::Shocks;
use super::pace;
use super::series::{self, Listed, Series, SessionOf};
use super::spot::Spot;
use super::tape::{Around, Tape};
use super::underlying::{Class, Underlying};
use crate::market::{Price, Timestamp};
use crate::synthetic::chance::Chance;
use crate::synthetic::ladder::ticks;

/// How often the price is remembered for what was traded then: parts of a session.
const MARKS: usize = 80;

/// One underlying.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) terms: Underlying,
    /// Which clock it keeps.
    pub(super) clock: usize,
    pub(super) spot: Spot,
    pub(super) tape: Tape,
    pub(super) minute: OpenMinute,
    chance: Chance,
    draw: Draw,
    series: Vec<Series>,
    day: Day,
    /// Price and logarithm of the volatility factor at even parts of the session so far.
    marks: Vec<(f32, f32)>,
}

/// The session as far as it has come.
#[derive(Clone, Copy, Debug)]
struct Day {
    /// Date, and price as it began; `None` before the first one.
    session: Option<(NaiveDate, f64)>,
    open: Price,
    high: Price,
    low: Price,
    previous_close: Price,
}

impl Member {
    pub(super) fn new(
        terms: Underlying,
        clock: usize,
        start: Timestamp,
        draw: Draw,
        mut chance: Chance,
    ) -> Self {
        let spot = Spot::new(&terms, &mut chance);
        let tape = Tape::new(&terms, start, Chance::new(draw.part(0).bits()));
        let price = tape.last();
        Self {
            clock,
            spot,
            minute: OpenMinute::after(price),
            tape,
            chance,
            draw,
            series: Vec::new(),
            day: Day {
                session: None,
                open: price,
                high: price,
                low: price,
                previous_close: price,
            },
            marks: Vec::new(),
            terms,
        }
    }

    /// The contracts listed for a session.
    pub(super) fn list(&mut self, listed: &[Listed], date: NaiveDate) {
        let of = |(date, spot)| SessionOf {
            terms: &self.terms,
            draw: self.draw,
            date,
            spot,
        };
        let before = self.day.session.map(of);
        let now = of((date, self.spot.price()));
        series::roll(&mut self.series, listed, before, now);
    }

    /// A session opens, after a night unless it is the first or there are no nights.
    pub(super) fn open(
        &mut self,
        clock: &Clock,
        night: Option<&Shocks>,
        at: Timestamp,
        books: bool,
    ) {
        self.day.previous_close = self.tape.last();
        // The rest of an order that came with the close belongs to no minute of this session.
        self.minute.reset();
        if let Some(night) = night {
            self.spot
                .advance(clock.night_years(), night, &mut self.chance);
        }
        self.day.session = Some((clock.date(), self.spot.price()));
        let price = self.price();
        (self.day.open, self.day.high, self.day.low) = (price, price, price);
        self.marks.clear();
        // What traded before the world began traded at its first price.
        self.mark(clock, at);
        let Self {
            terms, spot, tape, ..
        } = self;
        tape.open(
            at,
            &mut Around {
                terms,
                spot,
                second_years: clock.second_years(),
                pace: pace::density(clock, at),
                books,
            },
        );
    }

    /// A second of the session passes.
    pub(super) fn second(&mut self, clock: &Clock, shocks: &Shocks, at: Timestamp) {
        let years = clock.second_years();
        self.spot.advance(years, shocks, &mut self.chance);
        if self.terms.trades_per_second > 0.0 {
            let drift = self.tape.drift(at);
            if drift != 0.0 {
                self.spot.carry(drift, years);
            }
        }
        let price = self.price();
        self.day.high = self.day.high.max(price);
        self.day.low = self.day.low.min(price);
        self.mark(clock, at);
    }

    /// The fair price on its grid of ticks.
    pub(super) fn price(&self) -> Price {
        let count = (self.spot.price() / self.terms.tick.to_f64()).round();
        ticks((count as i64).max(1), self.terms.tick)
    }

    /// The price with what has been of the session.
    pub(super) fn underlier(&self) -> Underlier {
        let Day {
            open,
            high,
            low,
            previous_close,
            ..
        } = self.day;
        Underlier {
            price: self.price(),
            open,
            high,
            low,
            previous_close,
            volume: self.tape.volume(),
        }
    }

    /// What its closing auction is made from; `None` where there is none.
    pub(super) fn auction(&self, clock: &Clock) -> Option<auction::Terms> {
        let has_one = self.terms.class != Class::Index && !self.terms.is_indian();
        if clock.is_always_open() || !has_one || self.terms.trades_per_second <= 0.0 {
            return None;
        }
        let terms = &self.terms;
        let seconds = clock.close().since(clock.open()).seconds();
        let day = chrono::Datelike::num_days_from_ce(&clock.date()).unsigned_abs();
        Some(auction::Terms {
            draw: self.draw.part(u64::MAX).part(u64::from(day)),
            daily_volume: terms.trades_per_second * terms.mean_size * seconds,
            session_sigma: self.spot.sigma(clock.second_years() * seconds),
            tick: terms.tick,
        })
    }

    /// Remembers the price where another part of the session is over.
    fn mark(&mut self, clock: &Clock, at: Timestamp) {
        let due = ((clock.elapsed(at) * MARKS as f64) as usize).min(MARKS - 1) + 1;
        if self.marks.len() < due {
            let mark = (self.spot.price() as f32, self.spot.log_factor() as f32);
            self.marks.resize(due, mark);
        }
    }
}
