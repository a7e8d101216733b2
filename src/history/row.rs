//! What is stored, a row each. Every kind has a key, so that what is said twice is stored once.

use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::NaiveDate;
use quant::market::{Right, Symbol, Timestamp};

/// A row.
#[derive(Clone, Debug, PartialEq)]
pub enum Row {
    /// A price of an underlying.
    Tick(Tick),
    /// The quote of one contract.
    Quote(Quote),
    /// The chain of one expiry.
    Chain(Chain),
    /// A scalar of a document.
    Metric(Metric),
    /// A bar whose time is over.
    Bar(Bar),
}

impl Row {
    /// How many there are of each kind, by the names of their tables.
    pub fn kinds(rows: &[Self]) -> BTreeMap<&'static str, u64> {
        let mut kinds = BTreeMap::new();
        for row in rows {
            let kind = match row {
                Self::Tick(_) => "underlying_ticks",
                Self::Quote(_) => "option_quotes",
                Self::Chain(_) => "option_chains",
                Self::Metric(_) => "metrics",
                Self::Bar(_) => "bars",
            };
            *kinds.entry(kind).or_default() += 1;
        }
        kinds
    }
}

/// A price of an underlying. Its key is symbol and time; the first said stays.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// Of whom.
    pub symbol: Symbol,
    /// When it was so.
    pub at: Timestamp,
    /// Units of the currency.
    pub price: f64,
}

/// Which contract.
#[derive(Clone, Debug, PartialEq)]
pub struct Contract {
    /// The underlying.
    pub symbol: Symbol,
    /// Its series as keys name it: the date it expires, `2026-12-18`, or one of several of that date,
    /// `2026-12-18:AM`.
    pub series: String,
    /// Call or put.
    pub right: Right,
    /// Strike.
    pub strike: f64,
}

/// The quote of one contract. Its key is contract and time; the first said stays.
#[derive(Clone, Debug, PartialEq)]
pub struct Quote {
    /// Which.
    pub contract: Contract,
    /// When it was so.
    pub at: Timestamp,
    /// Best bid.
    pub bid: Option<f64>,
    /// Best offer.
    pub ask: Option<f64>,
    /// Price of the last trade.
    pub last: Option<f64>,
    /// Implied volatility, a fraction.
    pub iv: Option<f64>,
    /// Change of the price for one unit of the underlying.
    pub delta: Option<f64>,
    /// Contracts traded today.
    pub volume: Option<f64>,
    /// Contracts open.
    pub open_interest: Option<f64>,
}

/// The chain of one series. Its key is symbol, series and time; the first said stays.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    /// The underlying.
    pub symbol: Symbol,
    /// The series as keys name it: the date it expires, `2026-12-18`, or one of several of that date,
    /// `2026-12-18:AM`.
    pub series: String,
    /// The date it expires.
    pub expiry: NaiveDate,
    /// When its quotes were so.
    pub at: Timestamp,
    /// Price of the underlying.
    pub spot: Option<f64>,
    /// Open interest of puts over that of calls.
    pub pcr_oi: Option<f64>,
    /// Volume of puts over that of calls.
    pub pcr_volume: Option<f64>,
    /// The listed strike nearest to spot.
    pub atm_strike: Option<f64>,
    /// Price of its call and put together.
    pub atm_straddle: Option<f64>,
    /// Settlement price at which holders are paid least.
    pub max_pain: Option<f64>,
    /// Contracts open in calls.
    pub call_oi: Option<f64>,
    /// Contracts open in puts.
    pub put_oi: Option<f64>,
    /// The whole document as it was published, JSON, compressed with zstd.
    pub document: Bytes,
}

/// A scalar of a document. Its key is symbol, name, field and time; the first said stays.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Of whom; the sector of a sector, and `*` for what is over all symbols.
    pub symbol: String,
    /// The document, such as `summary`.
    pub name: String,
    /// The field; one inside another is written with a dot.
    pub field: String,
    /// When it was so.
    pub at: Timestamp,
    /// The session it belongs to: of a past session the last value is kept longest.
    pub session: NaiveDate,
    /// The number.
    pub value: f64,
}

/// A bar whose time is over. Its key is symbol, length and start; a later word replaces an earlier one.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// Of whom.
    pub symbol: Symbol,
    /// Its length, minutes.
    pub minutes: u32,
    /// When it begins.
    pub start: Timestamp,
    /// First price.
    pub open: f64,
    /// Highest price.
    pub high: f64,
    /// Lowest price.
    pub low: f64,
    /// Last price.
    pub close: f64,
    /// Shares or contracts traded.
    pub volume: f64,
    /// Prints in it; `None` where it is made from minute bars.
    pub ticks: Option<u64>,
}
