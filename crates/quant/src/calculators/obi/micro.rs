//! Stoikov's micro-price on the books the engine saw: a window of them, and the estimate made from
//! it at most once a minute. Between estimates a run costs one book.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::Params;
use super::flow::Taken;
use crate::history::Minutes;
use crate::market::{Price, Timestamp};
use crate::math::book::BestLevels;
use crate::math::microprice::{BINS, CELLS, Cell, Counts, adjustments, bin, tick_size};

/// The window of books, and the last estimate.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct MicroPrice {
    /// Oldest first.
    books: VecDeque<Book>,
    /// Best bid of the newest; `None` where the next book will not be known to follow on it.
    bid: Option<i64>,
    minutes: Minutes,
    estimate: Option<Estimate>,
}

/// A book as the chain sees it. A saved window is thousands of them, so each is a short list.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "(i64, i64, i8, u8)", into = "(i64, i64, i8, u8)")]
struct Book {
    /// How far the best bid moved since the book before, price units.
    bid_move: i64,
    /// Ask less bid, price units; above 0.
    spread: i64,
    /// Imbalance of the best sizes.
    bin: i8,
    /// Whether nothing is missing between the book before and this one.
    follows: bool,
}

/// What the window said when it was last counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Estimate {
    at: Timestamp,
    /// Steps counted, each from one cell to another.
    steps: u64,
    /// Price units.
    tick: i64,
    /// Added to the mid, half ticks, by cell; empty where the steps gave no estimate.
    adjustments: Vec<Option<f64>>,
}

impl MicroPrice {
    /// Takes a book into the window, and counts the window where a minute mark was passed.
    pub(super) fn take(&mut self, taken: Taken, best: BestLevels, now: Timestamp, params: &Params) {
        match taken {
            Taken::Again => {}
            Taken::First => {
                self.interrupt();
                self.push(best, params.micro_price_window);
            }
            Taken::Next => self.push(best, params.micro_price_window),
        }
        if self.minutes.pass(now) {
            self.estimate = self.count(now, params);
        }
    }

    /// What lies between the newest book and the next is not known.
    pub(super) fn interrupt(&mut self) {
        self.bid = None;
    }

    fn push(&mut self, best: BestLevels, window: usize) {
        let spread = best.ask.checked_sub(best.bid).filter(|spread| *spread > 0);
        let (Some(spread), Some(bin)) = (spread, bin(best.bid_size, best.ask_size)) else {
            // A locked or crossed book, or one without sizes, has no cell.
            return self.interrupt();
        };
        let bid_move = self.bid.and_then(|bid| best.bid.checked_sub(bid));
        self.books.push_back(Book {
            bid_move: bid_move.unwrap_or(0),
            spread,
            bin,
            follows: bid_move.is_some(),
        });
        self.bid = Some(best.bid);
        self.shorten(window);
    }

    /// Forgets the oldest books beyond a window; a saved one may be longer.
    pub(super) fn shorten(&mut self, window: usize) {
        let surplus = self.books.len().saturating_sub(window);
        self.books.drain(..surplus);
    }

    fn count(&self, now: Timestamp, params: &Params) -> Option<Estimate> {
        let moves = self.steps().map(|(_, after)| after.bid_move);
        let spreads = self.books.iter().map(|book| book.spread);
        let tick = tick_size(&mut moves.chain(spreads).collect())?;
        let mut counts = Counts::default();
        for (before, after) in self.steps() {
            let (Some(from), Some(to)) = (before.cell(tick), after.cell(tick)) else {
                continue;
            };
            if after.bid_move % tick == 0 {
                let bid_ticks = after.bid_move / tick;
                let spread_ticks = (after.spread - before.spread) / tick;
                counts.add(
                    from,
                    to,
                    bid_ticks.saturating_mul(2).saturating_add(spread_ticks),
                );
            }
        }
        let enough = counts.steps() >= params.micro_price_min_samples as u64;
        let solved = enough
            .then(|| adjustments(&counts, params.micro_price_min_visits))
            .flatten();
        Some(Estimate {
            at: now,
            steps: counts.steps(),
            tick,
            adjustments: solved.map_or_else(Vec::new, Vec::from),
        })
    }

    /// The books that follow on another, each with that other.
    fn steps(&self) -> impl Iterator<Item = (&Book, &Book)> {
        let pairs = self.books.iter().zip(self.books.iter().skip(1));
        pairs.filter(|(_, after)| after.follows)
    }

    /// What the window said when it was last counted.
    pub(super) fn estimate(&self) -> Option<&Estimate> {
        self.estimate.as_ref()
    }

    /// Whether runs could have made it: a memory that was read back may be anything.
    pub(super) fn is_sound(&self) -> bool {
        self.books.iter().all(Book::is_sound)
            && self.estimate.as_ref().is_none_or(Estimate::is_sound)
    }
}

impl Book {
    fn cell(&self, tick: i64) -> Option<Cell> {
        let on_grid = self.spread % tick == 0;
        on_grid.then(|| Cell::of(self.bin, self.spread / tick))?
    }

    fn is_sound(&self) -> bool {
        self.spread > 0 && usize::from(self.bin.unsigned_abs()) <= BINS / 2
    }
}

impl From<(i64, i64, i8, u8)> for Book {
    fn from((bid_move, spread, bin, follows): (i64, i64, i8, u8)) -> Self {
        Self {
            bid_move,
            spread,
            bin,
            follows: follows != 0,
        }
    }
}

impl From<Book> for (i64, i64, i8, u8) {
    fn from(book: Book) -> Self {
        (book.bid_move, book.spread, book.bin, book.follows.into())
    }
}

impl Estimate {
    /// The micro-price of a book; `None` where there is no estimate for its cell.
    ///
    /// It is held within bid and ask: a few steps in a rare cell may point beyond them, and a fair
    /// price beyond the touch would be an invitation to trade on noise.
    pub(super) fn price(&self, best: BestLevels) -> Option<f64> {
        let spread = best.ask.checked_sub(best.bid)?;
        let on_grid = spread % self.tick == 0;
        let cell = Cell::of(bin(best.bid_size, best.ask_size)?, spread / self.tick)?;
        let half_ticks = (*self.adjustments.get(cell.index())?).filter(|_| on_grid)?;
        let mid_doubled = i128::from(best.bid) + i128::from(best.ask);
        let doubled = mid_doubled as f64 + half_ticks * self.tick as f64;
        let price = doubled / (2.0 * Price::SCALE as f64);
        let within = |units| Price::from_units(units).to_f64();
        Some(price.clamp(within(best.bid), within(best.ask)))
    }

    /// Steps counted.
    pub(super) fn steps(&self) -> u64 {
        self.steps
    }

    /// Time since it was made, milliseconds.
    pub(super) fn age_ms(&self, now: Timestamp) -> i64 {
        now.since(self.at).millis().max(0)
    }

    /// The tick that the window's prices are multiples of; `None` where it gave no estimate,
    /// because a few prices do not show it.
    pub(super) fn tick(&self) -> Option<Price> {
        (!self.adjustments.is_empty()).then(|| Price::from_units(self.tick))
    }

    fn is_sound(&self) -> bool {
        self.tick > 0 && [0, CELLS].contains(&self.adjustments.len())
    }
}
