//! Minute bars, and what an auction feed says of the coming close.

use super::{Price, Size, Timestamp};
use crate::market::signing::Side;

/// The trades of one minute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bar {
    /// When the minute began.
    pub start: Timestamp,
    /// First price.
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Last price.
    pub close: Price,
    /// Shares or contracts traded.
    pub volume: Size,
}

/// The orders for a closing auction, as its feed tells them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Imbalance {
    /// Shares that are matched at the reference price.
    pub paired: Size,
    /// Shares that are not, at least 0.
    pub imbalance: Size,
    /// Their side; unknown where there is none.
    pub side: Side,
    /// The price at which these are reckoned.
    pub reference_price: Option<Price>,
    /// Where the auction would clear together with the continuous book.
    pub near_price: Option<Price>,
    /// Where it would clear by auction orders alone.
    pub far_price: Option<Price>,
    /// When the feed says it was so.
    pub at: Timestamp,
}
