//! When exchanges trade: the phase an instant falls in, a day's hours, and settlement instants;
//! and what expires when, by product. The days and rules are data (`config/sessions.toml`),
//! daylight saving comes from the time-zone database.

mod exchange;
mod expiry;
mod parse;
mod product;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::Timestamp;

pub use exchange::Exchange;
pub use expiry::{Expiry, ExpiryKind};
pub use product::Product;

/// Every exchange of a `sessions.toml`, by code, and what is known of the products on them.
#[derive(Clone, Debug)]
pub struct Calendars {
    exchanges: BTreeMap<String, Exchange>,
    products: product::Products,
}

/// Where an instant falls in an exchange's days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// The date in the exchange's own zone, whether or not there is a session on it.
    pub date: NaiveDate,
    /// What the exchange is doing.
    pub phase: Phase,
    /// Guessed from the weekday alone, because the calendar does not cover the date.
    pub provisional: bool,
}

/// What an exchange is doing at an instant. Each phase includes its start and excludes its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The regular session.
    Open,
    /// Extended hours before the open.
    Pre,
    /// Extended hours after the close.
    Post,
    /// Night or weekend.
    Closed,
    /// The whole local date is a holiday.
    Holiday,
}

/// Which print of its day an option settles on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Settlement {
    /// The opening prints: SPX monthlies, VIX.
    Am,
    /// The closing prints: SPXW, equities, ETFs, Indian indices.
    Pm,
}

/// What an exchange does on a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Day<'a> {
    /// It trades.
    Session {
        /// Start of the regular session.
        open: Timestamp,
        /// End of the regular session, the early one on a half day.
        close: Timestamp,
        /// Start of the pre-market; equals `open` where there is none.
        extended_open: Timestamp,
        /// End of the post-market; equals `close` where there is none.
        extended_close: Timestamp,
        /// The day closes early.
        half: bool,
        /// The name of a session at hours of its own, such as the hour of trade on Diwali.
        special: Option<&'a str>,
    },
    /// Saturday or Sunday.
    Weekend,
    /// Closed all day, for the reason named.
    Holiday(&'a str),
}

impl Calendars {
    /// The exchanges and products that the text of a `sessions.toml` describes; an error names
    /// the table, the key or date, and the remedy.
    pub fn from_toml(text: &str) -> Result<Self, String> {
        parse::calendars(text)
    }

    /// The exchange of this code, such as `XNYS`.
    pub fn exchange(&self, code: &str) -> Option<&Exchange> {
        self.exchanges.get(code)
    }

    /// Every code, in alphabetical order.
    pub fn codes(&self) -> impl Iterator<Item = &str> {
        self.exchanges.keys().map(String::as_str)
    }
}

impl Phase {
    /// Whether there is trading to compute on: the regular session, and pre- and post-market
    /// where `extended_hours` asks for them.
    pub fn trading(self, extended_hours: bool) -> bool {
        match self {
            Self::Open => true,
            Self::Pre | Self::Post => extended_hours,
            Self::Closed | Self::Holiday => false,
        }
    }
}

/// Time from `now` to `settlement` in years of 365 days of elapsed seconds (ACT/365F): daylight
/// saving shifts it by an hour, a leap day counts as any other. Zero or less once settled.
pub fn t_years(settlement: Timestamp, now: Timestamp) -> f64 {
    const SECONDS_PER_YEAR: f64 = 365.0 * 86_400.0;
    settlement.since(now).seconds() / SECONDS_PER_YEAR
}

/// The calendars the program ships with.
#[cfg(test)]
pub(crate) fn shipped() -> Calendars {
    const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/sessions.toml");
    Calendars::from_toml(&std::fs::read_to_string(PATH).unwrap()).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_file_names_its_exchanges() {
        assert_eq!(
            shipped().codes().collect::<Vec<_>>(),
            ["ALWAYS", "XBOM", "XCBO", "XNSE", "XNYS"]
        );
        assert!(shipped().exchange("xnys").is_none());
    }

    #[test]
    fn an_exchange_has_a_currency_where_it_has_one() {
        let calendars = shipped();
        let currencies = ["ALWAYS", "XBOM", "XCBO", "XNSE", "XNYS"]
            .map(|code| calendars.exchange(code).unwrap().currency());
        let (rupee, dollar) = (Some("INR"), Some("USD"));
        assert_eq!(currencies, [None, rupee, dollar, rupee, dollar]);
    }

    #[test]
    fn extended_hours_trade_only_when_asked_for() {
        let trading = |extended| {
            [
                Phase::Open,
                Phase::Pre,
                Phase::Post,
                Phase::Closed,
                Phase::Holiday,
            ]
            .map(|phase| phase.trading(extended))
        };
        assert_eq!(trading(false), [true, false, false, false, false]);
        assert_eq!(trading(true), [true, true, true, false, false]);
    }

    #[test]
    fn phases_are_snake_case_on_the_wire() {
        assert_eq!(
            serde_json::to_string(&Phase::Holiday).unwrap(),
            "\"holiday\""
        );
        assert_eq!(
            serde_json::from_str::<Phase>("\"pre\"").unwrap(),
            Phase::Pre
        );
    }

    #[test]
    fn time_to_expiry_passes_through_zero() {
        let now = Timestamp::from_seconds(1_000_000_000);
        let later = Timestamp::from_seconds(1_000_000_000 + 365 * 86_400);
        assert_eq!(t_years(later, now), 1.0);
        assert_eq!(t_years(now, now), 0.0);
        assert_eq!(t_years(now, later), -1.0);
    }
}
