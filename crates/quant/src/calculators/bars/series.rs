//! The bars of one window, folded from prints that may come late.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::market::{Effect, Size, Timestamp, Trade};

/// The newest bars of one window in which something traded, by their start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Series {
    bars: VecDeque<Folded>,
}

/// One bar as far as its prints have come.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Row", into = "Row")]
pub(super) struct Folded {
    /// Nanoseconds since the epoch, a multiple of the window.
    pub(super) start: i64,
    /// `None` while no print moved a price.
    pub(super) prices: Option<Prices>,
    /// Units of 1e-8.
    pub(super) volume: i128,
    pub(super) ticks: u64,
}

/// Units of 1e-9, and when the first and the last of them were dealt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Prices {
    pub(super) open: i64,
    pub(super) high: i64,
    pub(super) low: i64,
    pub(super) close: i64,
    first: i64,
    last: i64,
}

/// A bar as it is saved: start, prices with their times, whole units of volume and the rest, prints.
type Row = (i64, Option<[i64; 6]>, u64, u64, u64);

impl From<Row> for Folded {
    fn from((start, prices, whole, rest, ticks): Row) -> Self {
        let prices = prices.map(|[open, high, low, close, first, last]| Prices {
            open,
            high,
            low,
            close,
            first,
            last,
        });
        Self {
            start,
            prices,
            volume: i128::from(whole) * i128::from(Size::SCALE) + i128::from(rest),
            ticks,
        }
    }
}

impl From<Folded> for Row {
    fn from(bar: Folded) -> Self {
        let prices = bar
            .prices
            .map(|p| [p.open, p.high, p.low, p.close, p.first, p.last]);
        let volume = bar.volume.max(0) as u128;
        let scale = Size::SCALE as u128;
        let whole = u64::try_from(volume / scale).unwrap_or(u64::MAX);
        (bar.start, prices, whole, (volume % scale) as u64, bar.ticks)
    }
}

impl Series {
    /// The bars there are, oldest first.
    pub(super) fn bars(&self) -> impl DoubleEndedIterator<Item = &Folded> {
        self.bars.iter()
    }

    /// Takes a print into its bar; false where that is older than every bar that is kept.
    pub(super) fn take(&mut self, trade: &Trade, effect: Effect, window: i64, keep: usize) -> bool {
        let start = start_of(trade.at, window);
        let later = self.bars.iter().rev().take_while(|bar| bar.start > start);
        let place = self.bars.len() - later.count();
        let is_there = place > 0 && self.bars[place - 1].start == start;
        let place = match is_there {
            true => place - 1,
            false if place == 0 && self.bars.len() >= keep => return false,
            false => {
                let bar = Folded {
                    start,
                    prices: None,
                    volume: 0,
                    ticks: 0,
                };
                self.bars.insert(place, bar);
                place
            }
        };
        self.bars[place].take(trade, effect);
        while self.bars.len() > keep {
            self.bars.pop_front();
        }
        true
    }

    /// Forgets bars that begin later than the next: they are of a clock that was stepped back since.
    pub(super) fn forget_beyond(&mut self, now: Timestamp, window: i64) {
        let next = start_of(now, window).saturating_add(window);
        while self.bars.back().is_some_and(|bar| bar.start > next) {
            self.bars.pop_back();
        }
    }

    /// Whether prints could have made it.
    pub(super) fn is_sound(&self, window: i64, keep: usize) -> bool {
        let starts: Vec<i64> = self.bars.iter().map(|bar| bar.start).collect();
        let rising = starts.windows(2).all(|two| two[0] < two[1]);
        let aligned = starts.iter().all(|start| start.rem_euclid(window) == 0);
        let bounded = self.bars.iter().filter_map(|bar| bar.prices).all(|prices| {
            let range = prices.low..=prices.high;
            range.contains(&prices.open)
                && range.contains(&prices.close)
                && prices.first <= prices.last
        });
        rising && aligned && bounded && self.bars.len() <= keep
    }
}

impl Folded {
    fn take(&mut self, trade: &Trade, effect: Effect) {
        self.ticks += 1;
        self.volume += i128::from(trade.size.units());
        if effect != Effect::Price {
            return;
        }
        let (price, at) = (trade.price.units(), trade.at.nanos());
        let prices = self.prices.get_or_insert(Prices {
            open: price,
            high: price,
            low: price,
            close: price,
            first: at,
            last: at,
        });
        prices.high = prices.high.max(price);
        prices.low = prices.low.min(price);
        // Of prints of one instant the first to come opens, the last closes.
        if at < prices.first {
            (prices.open, prices.first) = (price, at);
        }
        if at >= prices.last {
            (prices.close, prices.last) = (price, at);
        }
    }
}

/// The start of the window an instant lies in, nanoseconds since the epoch.
pub(super) fn start_of(at: Timestamp, window: i64) -> i64 {
    let into = at.nanos().rem_euclid(window);
    let start = at.nanos().checked_sub(into);
    // The first moments there are, in 1677, belong to the first whole window.
    start.unwrap_or_else(|| at.nanos() + (window - into))
}
