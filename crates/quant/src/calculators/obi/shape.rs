//! The measures of one book, without memory.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calculator::NoValue;
use crate::market::{Level, OrderBook, Price, Size};
use crate::math::book::{self, BestLevels};

/// Levels a side behind the five-level measures.
const DEEP: usize = 5;

/// How the best bid stands to the best ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BookStatus {
    /// Bid below ask.
    Ok,
    /// One side has no level.
    OneSided,
    /// Bid equals ask.
    Locked,
    /// Bid above ask.
    Crossed,
    /// Neither side has a level.
    Empty,
}

impl BookStatus {
    /// How the best levels of a book stand to each other.
    pub fn of(book: &OrderBook) -> Self {
        match (book.bids.first(), book.asks.first()) {
            (None, None) => Self::Empty,
            (None, Some(_)) | (Some(_), None) => Self::OneSided,
            (Some(bid), Some(ask)) => match bid.price.cmp(&ask.price) {
                std::cmp::Ordering::Less => Self::Ok,
                std::cmp::Ordering::Equal => Self::Locked,
                std::cmp::Ordering::Greater => Self::Crossed,
            },
        }
    }
}

/// The measures of one book, without memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// How the best levels stand.
    pub status: BookStatus,
    /// Best levels, in price and size units.
    pub best: BestLevels,
    /// Midpoint.
    pub mid: f64,
    /// Ask minus bid.
    pub spread: f64,
    /// Spread over mid, basis points.
    pub spread_bps: Option<f64>,
    /// Imbalance of the best sizes.
    pub level1: Option<f64>,
    /// Imbalance of up to five levels.
    pub level5: Option<f64>,
    /// The same, weighted by rank.
    pub rank_weighted: Option<f64>,
    /// Bid over ask size, five levels.
    pub pressure_ratio: Option<f64>,
    /// Weighted mid.
    pub micro_price: Option<f64>,
    /// Bid size of five levels, size units.
    pub depth_bid: i128,
    /// Ask size of five levels, size units.
    pub depth_ask: i128,
}

/// Measures a book; undefined without both sides.
pub fn measure(book: &OrderBook) -> Result<Shape, NoValue> {
    let (Some(bid), Some(ask)) = (book.bids.first(), book.asks.first()) else {
        return Err(NoValue::Undefined(match BookStatus::of(book) {
            BookStatus::Empty => "empty book",
            BookStatus::Ok | BookStatus::OneSided | BookStatus::Locked | BookStatus::Crossed => {
                "one-sided book"
            }
        }));
    };
    let best = BestLevels {
        bid: bid.price.units(),
        bid_size: bid.size.units(),
        ask: ask.price.units(),
        ask_size: ask.size.units(),
    };
    let unit = Price::SCALE as f64;
    let mid_doubled = i128::from(best.bid) + i128::from(best.ask);
    let spread = i128::from(best.ask) - i128::from(best.bid);
    let (depth_bid, depth_ask) = (depth(&book.bids), depth(&book.asks));
    Ok(Shape {
        status: BookStatus::of(book),
        best,
        mid: mid_doubled as f64 / (2.0 * unit),
        spread: spread as f64 / unit,
        spread_bps: (mid_doubled > 0).then(|| spread as f64 * 2e4 / mid_doubled as f64),
        level1: book::imbalance(best.bid_size.into(), best.ask_size.into()),
        level5: book::imbalance(depth_bid, depth_ask),
        rank_weighted: rank_weighted_imbalance(book),
        pressure_ratio: book::pressure_ratio(depth_bid, depth_ask),
        micro_price: book::weighted_mid(best).map(|price| price / unit),
        depth_bid,
        depth_ask,
    })
}

fn depth(levels: &[Level]) -> i128 {
    let sizes = levels.iter().take(DEEP).map(|level| level.size.units());
    sizes.map(i128::from).sum()
}

fn rank_weighted_imbalance(book: &OrderBook) -> Option<f64> {
    // 60 is divisible by every rank up to five, so the weights 60 / (1 + k) are whole.
    let weighted = |levels: &[Level]| -> i128 {
        let ranked = (1..).zip(levels.iter().take(DEEP));
        ranked
            .map(|(rank, level): (i128, _)| 60 / rank * i128::from(level.size.units()))
            .sum()
    };
    book::imbalance(weighted(&book.bids), weighted(&book.asks))
}

/// A level from floats, for tests and examples; `None` where a number is out of range.
pub fn level(price: f64, size: f64) -> Option<Level> {
    Some(Level {
        price: Price::from_f64(price)?,
        size: Size::from_f64(size)?,
    })
}
