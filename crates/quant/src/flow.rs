//! The recent trades that say who was in a hurry, and which of them took the quote.

use std::collections::BTreeMap;

use crate::calculator::Counted;
use crate::market::signing::{self, Side};
use crate::market::{Price, QuoteSource, SignedTrade, Size, Touch};
use crate::snapshot::Tape;

/// The usable trades among the last of a tape, in the order of time.
#[derive(Clone, Debug)]
pub struct Flow<'a> {
    /// The trades.
    pub trades: Vec<&'a SignedTrade>,
    /// How many were used, and left out by reason.
    pub counted: Counted,
}

impl<'a> Flow<'a> {
    /// Of the last `count` trades of a tape.
    pub fn last(tape: Tape<'a>, count: usize) -> Self {
        Self::of(tape.window(count))
    }

    /// Of trades in any order.
    pub fn of(trades: impl Iterator<Item = &'a SignedTrade>) -> Self {
        let mut dropped = BTreeMap::new();
        let mut kept: Vec<_> = trades
            .filter(|signed| match unusable(signed) {
                Some(reason) => {
                    *dropped.entry(reason).or_default() += 1;
                    false
                }
                None => true,
            })
            .collect();
        kept.sort_by_key(|signed| signed.trade.at);
        Self {
            counted: Counted {
                used: kept.len() as u64,
                dropped,
            },
            trades: kept,
        }
    }
}

fn unusable(signed: &SignedTrade) -> Option<&'static str> {
    let trade = &signed.trade;
    if trade.conditions.is_excluded() {
        Some("condition")
    } else if trade.price.units() <= 0 {
        Some("no_price")
    } else if trade.size <= Size::ZERO {
        Some("no_size")
    } else {
        None
    }
}

/// Price times size, in units of the currency.
pub fn notional(signed: &SignedTrade) -> f64 {
    signed.trade.price.to_f64() * signed.trade.size.to_f64()
}

/// The side whose quote a trade was printed at or through; unknown inside the quote and without a
/// regular one.
///
/// A quote that was only observed may have moved since: a print within `tolerance_bps` of it, on
/// its side of the middle, is at it. One that stands on the trade is taken at its word.
pub fn crossed(signed: &SignedTrade, tolerance_bps: f64) -> Side {
    let touch = signed.trade.touch;
    let tolerance = match (touch, signed.quote_source) {
        (Some(touch), QuoteSource::Observed) => tolerance_bps * 1e-4 * touch.bid.to_f64(),
        (_, QuoteSource::Trade | QuoteSource::Observed | QuoteSource::None) => 0.0,
    };
    let tolerance = Price::from_f64(tolerance).unwrap_or_default();
    signing::cross_rule(signed.trade.price, touch, tolerance)
}

/// The middle of a quote, in units of the currency; `None` unless both sides are prices in order.
pub fn mid(touch: Touch) -> Option<f64> {
    let usable = touch.is_regular() && touch.bid.units() > 0;
    usable.then(|| touch.mid_doubled() as f64 / (2 * Price::SCALE) as f64)
}

/// +1 for a buy, −1 for a sell.
pub fn sign(side: Side) -> Option<i8> {
    match side {
        Side::Buy => Some(1),
        Side::Sell => Some(-1),
        Side::Unknown => None,
    }
}

/// Sums of size (1e-8) by side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sides {
    /// Bought.
    pub buy: i128,
    /// Sold.
    pub sell: i128,
    /// Of unknown side.
    pub unknown: i128,
}

impl Sides {
    /// Adds a size to a side.
    pub fn add(&mut self, side: Side, size: Size) {
        let sum = match side {
            Side::Buy => &mut self.buy,
            Side::Sell => &mut self.sell,
            Side::Unknown => &mut self.unknown,
        };
        *sum += i128::from(size.units());
    }

    /// All of it.
    pub fn total(self) -> i128 {
        self.buy + self.sell + self.unknown
    }
}
