//! A limit-order book as displayed: price levels with their sizes, best first.

use super::{Price, Size, Timestamp};

/// One price and the size displayed at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Price of the level.
    pub price: Price,
    /// Displayed size; may be zero where the source says so.
    pub size: Size,
}

/// Both sides of a book. Each price stands once a side, best first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderBook {
    /// Bids, highest first.
    pub bids: Vec<Level>,
    /// Offers, lowest first.
    pub asks: Vec<Level>,
    /// When the source says it was so.
    pub at: Timestamp,
}

impl OrderBook {
    /// A book from levels in any order: sorted best first, venues at one price added up.
    pub fn consolidated(mut bids: Vec<Level>, mut asks: Vec<Level>, at: Timestamp) -> Self {
        if !bids.is_sorted_by(|a, b| a.price > b.price) {
            bids.sort_by_key(|level| std::cmp::Reverse(level.price));
            merge_equal_prices(&mut bids);
        }
        if !asks.is_sorted_by(|a, b| a.price < b.price) {
            asks.sort_by_key(|level| level.price);
            merge_equal_prices(&mut asks);
        }
        Self { bids, asks, at }
    }
}

fn merge_equal_prices(levels: &mut Vec<Level>) {
    levels.dedup_by(|later, kept| {
        let same = later.price == kept.price;
        if same {
            let sum = kept.size.units().saturating_add(later.size.units());
            kept.size = Size::from_units(sum);
        }
        same
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(price: i64, size: i64) -> Level {
        Level {
            price: Price::from_units(price),
            size: Size::from_units(size),
        }
    }

    #[test]
    fn venues_at_one_price_are_one_level() {
        let book = OrderBook::consolidated(
            vec![level(10, 1), level(9, 5), level(10, 2)],
            vec![level(12, 1), level(11, 4), level(12, 3)],
            Timestamp::default(),
        );
        assert_eq!(book.bids, [level(10, 3), level(9, 5)]);
        assert_eq!(book.asks, [level(11, 4), level(12, 4)]);
    }
}
