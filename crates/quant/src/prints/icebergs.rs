//! Icebergs as the tape and a sampled book show them: executions at one price, on its heels, that
//! exceed what was displayed there.
//!
//! An order that shows a part of its size is filled up again at once, so a run of executions at one
//! price, each within 50 ms of the one before, goes on beyond the displayed size. The displayed
//! size is that of the book seen before the run; orders that came to that price since are taken for
//! refills too, which is why it is a sign and not a fact. A feed of every order (MBO) would tell.

use std::cmp::Reverse;
use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::market::{OrderBook, Price, Side, SignedTrade, Size, Span, Timestamp};

/// A refill comes within so long of an execution.
const REFILL: Span = Span::from_millis(50);
/// Levels a side that are remembered.
const LEVELS: usize = 10;
/// Icebergs remembered.
const KEPT: usize = 32;

/// A price that gave more than it showed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// The price.
    pub price: Price,
    /// Executions after the displayed size was used up.
    pub refills: u64,
    /// The last of them.
    pub at: Timestamp,
    /// What was executed, in units of [`Size`].
    executed: i64,
    /// What had been displayed.
    displayed: i64,
}

impl Level {
    /// The part of what was executed that had not been displayed, 0 to 1.
    pub fn confidence(&self) -> f64 {
        let hidden = i128::from(self.executed) - i128::from(self.displayed);
        hidden as f64 / self.executed as f64
    }
}

/// Executions at one price.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Run {
    price: Price,
    at: Timestamp,
    executed: i64,
    displayed: i64,
    refills: u64,
}

/// The run under way on each side, the book they eat, and what was found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Icebergs {
    bids: Displayed,
    asks: Displayed,
    found: VecDeque<Level>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Displayed {
    levels: Vec<(Price, Size)>,
    run: Option<Run>,
}

impl Icebergs {
    /// The book after the prints taken so far; `None` where there is no fresh one.
    pub fn show(&mut self, book: Option<&OrderBook>) {
        let levels = |side: &[crate::market::Level]| {
            let levels = side.iter().take(LEVELS);
            levels.map(|level| (level.price, level.size)).collect()
        };
        self.bids.levels = book.map_or(Vec::new(), |book| levels(&book.bids));
        self.asks.levels = book.map_or(Vec::new(), |book| levels(&book.asks));
    }

    /// Takes the next print. One of an unknown side, of another moment or off exchange met no
    /// displayed order.
    pub fn take(&mut self, signed: &SignedTrade) {
        let trade = &signed.trade;
        let off_exchange = trade.venue.is_some_and(|venue| venue.is_off_exchange());
        if off_exchange || trade.conditions.is_excluded() || trade.size <= Size::ZERO {
            return;
        }
        let side = match signed.side {
            Side::Buy => &mut self.asks,
            Side::Sell => &mut self.bids,
            Side::Unknown => return,
        };
        let Some(run) = side.take(trade.price, trade.size, trade.at) else {
            return;
        };
        let level = Level {
            price: run.price,
            refills: run.refills,
            at: run.at,
            executed: run.executed,
            displayed: run.displayed,
        };
        self.found.retain(|known| known.price != level.price);
        if self.found.len() == KEPT {
            self.found.pop_front();
        }
        self.found.push_back(level);
    }

    /// Those of the last `age`, the surest first.
    pub fn standing(&self, now: Timestamp, age: Span) -> Vec<Level> {
        // A time as far ahead is of a clock that was stepped back since.
        let stands = |level: &&Level| now.since(level.at).nanos().abs() <= age.nanos();
        let standing = self.found.iter().filter(stands);
        let mut standing: Vec<Level> = standing.cloned().collect();
        standing.sort_by(|a, b| {
            let surest = b.confidence().total_cmp(&a.confidence());
            surest.then_with(|| (Reverse(a.refills), a.price).cmp(&(Reverse(b.refills), b.price)))
        });
        standing
    }

    /// Whether a saved one can be gone on with.
    pub fn is_sound(&self) -> bool {
        let is_sound = |level: &Level| level.displayed > 0 && level.executed > level.displayed;
        self.found.len() <= KEPT && self.found.iter().all(is_sound)
    }
}

impl Displayed {
    /// The run that a print goes on with, where it went beyond the displayed size.
    fn take(&mut self, price: Price, size: Size, at: Timestamp) -> Option<&Run> {
        let goes_on =
            |run: &Run| run.price == price && (Span::ZERO..=REFILL).contains(&at.since(run.at));
        if let Some(run) = self.run.as_mut().filter(|run| goes_on(run)) {
            run.at = at;
            run.executed = run.executed.saturating_add(size.units());
            if run.executed <= run.displayed {
                return None;
            }
            run.refills += 1;
            return self.run.as_ref();
        }
        // A price that was not displayed shows nothing to exceed.
        let shown = self.levels.iter().find(|(level, _)| *level == price);
        let shown = shown.filter(|(_, shown)| *shown > Size::ZERO);
        self.run = shown.map(|(_, displayed)| Run {
            price,
            at,
            executed: size.units(),
            displayed: displayed.units(),
            refills: 0,
        });
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::{Conditions, Level as BookLevel, QuoteSource, SignedBy, Trade};

    fn print(ms: i64, price: i64, size: i64) -> SignedTrade {
        SignedTrade {
            trade: Trade {
                at: Timestamp::from_millis(ms),
                price: Price::from_units(price),
                size: Size::from_units(size),
                flag: Side::Buy,
                touch: None,
                venue: None,
                conditions: Conditions::NONE,
            },
            side: Side::Buy,
            signed_by: SignedBy::Flag,
            quote_source: QuoteSource::None,
        }
    }

    fn after(prints: &[(i64, i64, i64)]) -> Vec<Level> {
        let mut icebergs = Icebergs::default();
        let ask = BookLevel {
            price: Price::from_units(100),
            size: Size::from_units(10),
        };
        let book = OrderBook::consolidated(vec![], vec![ask], Timestamp::default());
        icebergs.show(Some(&book));
        for (ms, price, size) in prints {
            icebergs.take(&print(*ms, *price, *size));
        }
        icebergs.standing(Timestamp::from_millis(1_000), Span::from_millis(30_000))
    }

    #[test]
    fn what_goes_on_beyond_the_displayed_size_was_refilled() {
        let found = after(&[(0, 100, 8), (40, 100, 8), (80, 100, 4)]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].refills, 2);
        assert_eq!(found[0].confidence(), 0.5);
    }

    #[test]
    fn one_large_print_a_pause_or_a_price_not_displayed_is_no_iceberg() {
        assert!(after(&[(0, 100, 50)]).is_empty());
        assert!(after(&[(0, 100, 8), (51, 100, 8)]).is_empty());
        assert!(after(&[(0, 101, 8), (1, 101, 80)]).is_empty());
        assert!(after(&[(0, 100, 4), (1, 100, 6)]).is_empty());
    }
}
