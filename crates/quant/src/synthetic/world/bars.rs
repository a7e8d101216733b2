//! What trades add up to: the minute under way and the session so far.

use crate::market::{Bar, Price, Size, Timestamp, Trade};

/// A minute of trades; one without any stands at the last price.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Minute {
    /// Prices and volume.
    pub bar: Bar,
    /// How many prints it had.
    pub count: u32,
    /// Its volume-weighted price in units of the currency, without blocks; that of the close
    /// without a trade.
    pub average: f64,
}

/// First, highest, lowest and last price of the session, and the close of the one before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Underlier {
    /// The fair price on its grid of ticks: what options are priced on.
    pub price: Price,
    /// First price of the session.
    pub open: Price,
    /// Highest.
    pub high: Price,
    /// Lowest.
    pub low: Price,
    /// Last price of the session before.
    pub previous_close: Price,
    /// Shares traded in the session.
    pub volume: Size,
}

/// The minute under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenMinute {
    open: Price,
    high: Price,
    low: Price,
    close: Price,
    volume: i64,
    /// Of the volume, what traded at prices that count.
    priced: i64,
    notional: f64,
    count: u32,
}

impl OpenMinute {
    /// An empty minute after a last price.
    pub(super) fn after(last: Price) -> Self {
        Self {
            open: last,
            high: last,
            low: last,
            close: last,
            volume: 0,
            priced: 0,
            notional: 0.0,
            count: 0,
        }
    }

    /// Takes a trade.
    pub(super) fn take(&mut self, trade: &Trade) {
        let price = trade.price;
        if self.priced == 0 {
            (self.open, self.high, self.low) = (price, price, price);
        }
        self.high = self.high.max(price);
        self.low = self.low.min(price);
        self.close = price;
        self.priced = self.priced.saturating_add(trade.size.units());
        self.notional += price.to_f64() * trade.size.to_f64();
        self.take_volume(trade);
    }

    /// Takes a trade whose price was agreed elsewhere: it counts, its price does not.
    pub(super) fn take_volume(&mut self, trade: &Trade) {
        self.volume = self.volume.saturating_add(trade.size.units());
        self.count += 1;
    }

    /// Forgets what came after the last minute ended; the price stays.
    pub(super) fn reset(&mut self) {
        *self = Self::after(self.close);
    }

    /// Ends it; the next one is empty.
    pub(super) fn end(&mut self, start: Timestamp) -> Minute {
        let volume = Size::from_units(self.volume);
        let average = if self.priced > 0 {
            self.notional / Size::from_units(self.priced).to_f64()
        } else {
            self.close.to_f64()
        };
        let minute = Minute {
            bar: Bar {
                start,
                open: self.open,
                high: self.high,
                low: self.low,
                close: self.close,
                volume,
            },
            count: self.count,
            average,
        };
        self.reset();
        minute
    }
}
