//! An option chain: every contract that a source lists on one underlying, in columns.
//!
//! Contracts stand in one order, whatever order they came in: by expiry, root, strike, call before
//! put. So a sum over them has the same bits whoever lists them. Series of different roots are
//! never merged: SPX settles on opening prints and SPXW on closing ones, on the same date.

mod builder;
mod column;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Range;

use chrono::NaiveDate;
use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Settlement, Timestamp};
pub use crate::math::black_scholes::Right;
pub use builder::{ChainBuilder, Head, Listing};
pub use column::Column;

/// When a contract may be exercised.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// On any day up to its expiry: options on stocks and funds of the United States.
    American,
    /// At its expiry only: index options of the United States, all options of India.
    European,
}

/// The contracts of one root and expiry.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// The root of the contract symbol: `SPXW`.
    pub root: Box<str>,
    /// The date it expires.
    pub expiry: NaiveDate,
    /// Which prints it settles on.
    pub settlement: Settlement,
    /// The instant it settles.
    pub settles_at: Timestamp,
    /// When it may be exercised.
    pub style: Style,
    /// Whether it is a standard monthly one, by the expiry rules of its product.
    pub monthly: bool,
    /// Where its contracts stand.
    pub contracts: Range<usize>,
}

/// A chain at one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    /// What the source says of the chain as a whole.
    pub head: Head,
    /// The zone of the exchange: what a day is.
    pub zone: Tz,
    /// The series by expiry and root.
    pub series: Vec<Series>,
    /// The contracts.
    pub contracts: Contracts,
    /// Contracts left out, by reason.
    pub dropped: BTreeMap<&'static str, u64>,
    /// Contracts listed, those left out among them.
    pub listed: u64,
}

/// The contracts of a chain, one column a field. Prices are in units of the currency.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contracts {
    /// Call or put.
    pub right: Vec<Right>,
    /// Strike, above zero.
    pub strike: Vec<f64>,
    /// Units of the underlying a contract stands for, above zero.
    pub multiplier: Vec<f64>,
    /// Best bid; 0 where there is none.
    pub bid: Column,
    /// Best offer.
    pub ask: Column,
    /// Contracts bid for.
    pub bid_size: Column,
    /// Contracts offered.
    pub ask_size: Column,
    /// Price of the last trade.
    pub last: Column,
    /// The source's own mark or mid.
    pub mark: Column,
    /// The source's implied volatility, 1.0 is 100 %.
    pub iv: Column,
    /// The source's delta, −1 to 1.
    pub delta: Column,
    /// The source's gamma, per unit of the underlying.
    pub gamma: Column,
    /// The source's theta as it states it.
    pub theta: Column,
    /// The source's vega as it states it.
    pub vega: Column,
    /// The source's rho as it states it.
    pub rho: Column,
    /// Open interest, contracts.
    pub open_interest: Column,
    /// Change of open interest since the session before, contracts.
    pub oi_change: Column,
    /// Contracts traded today.
    pub volume: Column,
    /// Time of the quote, seconds since the epoch.
    pub quote_seconds: Column,
}

/// A strike of a series, and where its contracts stand in the chain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ListedStrike {
    /// Strike.
    pub strike: f64,
    /// The call, where it is listed.
    pub call: Option<usize>,
    /// The put, where it is listed.
    pub put: Option<usize>,
}

impl Contracts {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.strike.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.strike.is_empty()
    }

    /// Best bid and offer of a contract where both are there, the bid above zero and below the
    /// offer or equal to it.
    pub fn touch(&self, at: usize) -> Option<(f64, f64)> {
        let (bid, ask) = (self.bid.get(at)?, self.ask.get(at)?);
        (bid > 0.0 && bid <= ask).then_some((bid, ask))
    }

    /// What a contract was dealt at: its last price, else the middle of its quote, else the source's
    /// mark; above 0.
    pub fn dealt_at(&self, at: usize) -> Option<f64> {
        let last = above_zero(self.last.get(at));
        last.or_else(|| self.worth(at))
    }

    /// What a contract is worth now: the middle of its quote, else the source's mark, else its last
    /// price; above 0.
    pub fn worth(&self, at: usize) -> Option<f64> {
        let mid = self.touch(at).map(|(bid, ask)| bid / 2.0 + ask / 2.0);
        mid.or_else(|| above_zero(self.mark.get(at)))
            .or_else(|| above_zero(self.last.get(at)))
    }
}

fn above_zero(value: Option<f64>) -> Option<f64> {
    value.filter(|value| *value > 0.0)
}

impl Chain {
    /// The instant its quotes are of: its own time less the delay it declares.
    pub fn at(&self) -> Timestamp {
        self.head.as_of.minus(self.head.delay)
    }

    /// The series that settle after an instant.
    pub fn unsettled(&self, at: Timestamp) -> impl Iterator<Item = &Series> {
        let lives = move |series: &&Series| series.settles_at > at;
        self.series.iter().filter(lives)
    }

    /// The contracts of the series that had settled by an instant.
    pub fn settled_contracts(&self, at: Timestamp) -> u64 {
        let live: usize = self.unsettled(at).map(|s| s.contracts.len()).sum();
        (self.contracts.len() - live) as u64
    }

    /// The strikes of a series, rising.
    pub fn strikes(&self, series: &Series) -> impl Iterator<Item = ListedStrike> {
        let contracts = &self.contracts;
        let range = series.contracts.clone();
        let start = range.start;
        contracts.strike[range]
            .chunk_by(|a, b| a == b)
            .scan(start, |next, of_strike| {
                let places = *next..*next + of_strike.len();
                *next = places.end;
                let find = |right| places.clone().find(|at| contracts.right[*at] == right);
                Some(ListedStrike {
                    strike: of_strike[0],
                    call: find(Right::Call),
                    put: find(Right::Put),
                })
            })
    }

    /// The series of a contract.
    pub fn series_of(&self, contract: usize) -> &Series {
        let after = self.series.partition_point(|s| s.contracts.end <= contract);
        &self.series[after]
    }
}
