//! VIX1D as others publish it: the official index over HTTP, kept in the store beside our own.
//!
//! Each source is asked by a task of its own and leaves what it read at its keys. The engine reads
//! the keys only, so a pass never waits for a web server and a recorded run repeats without one.

mod cboe;
mod error;
pub mod manual;
mod poll;
mod yahoo;

pub use error::SourceError;
pub use poll::{Polling, Terms, poll};
pub use poll::{SourceState, SourceStatus};
pub use quant::volatility::{Observation, Origin, Reading};

use quant::volatility::reading::is_future;

use quant::market::{Exchange, Timestamp};

/// A web server that publishes the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vendor {
    /// Cboe's daily closes, a CSV of all days.
    Cboe,
    /// Yahoo's chart, whose header has the last value.
    Yahoo,
}

impl Vendor {
    /// The source its readings name.
    pub fn origin(self) -> Origin {
        match self {
            Self::Cboe => Origin::Cboe,
            Self::Yahoo => Origin::Yahoo,
        }
    }

    /// Its name in keys, metrics and the log.
    pub fn name(self) -> &'static str {
        self.origin().name()
    }

    /// Where it publishes.
    pub fn url(self) -> &'static str {
        match self {
            Self::Cboe => {
                "https://cdn.cboe.com/api/global/us_indices/daily_prices/VIX1D_History.csv"
            }
            Self::Yahoo => "https://query1.finance.yahoo.com/v8/finance/chart/%5EVIX1D",
        }
    }

    /// The newest value in an answer that came at `now`; `exchange` has the hours of Cboe's index
    /// options (`XCBO`).
    pub fn read(
        self,
        body: &[u8],
        exchange: &Exchange,
        now: Timestamp,
    ) -> Result<Reading, SourceError> {
        match self {
            Self::Cboe => cboe::read(body, exchange, now),
            Self::Yahoo => yahoo::read(body, now),
        }
    }
}
