//! The clocks of the indices. VIX1D counts business minutes: 405 a session from 09:30 to 16:15 in
//! New York, 252 sessions a year, nights and weekends nothing. VIX counts every minute.
//!
//! Cboe, "Volatility Index Methodology: Cboe 1-Day Volatility Index".

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::market::{Calendars, Day, Exchange, Product, Settlement, Timestamp};

/// M_CM of VIX1D: business minutes ahead that it speaks of, one full session.
pub const ONE_DAY_MINUTES: f64 = 405.0;
/// Business minutes of a year of VIX1D, 252 · 405.
pub const BUSINESS_YEAR_MINUTES: f64 = 102_060.0;
/// M_CM of VIX: minutes of 30 days.
pub const THIRTY_DAY_MINUTES: f64 = 43_200.0;
/// Minutes of a year of VIX, 365 days.
pub const CALENDAR_YEAR_MINUTES: f64 = 525_600.0;

/// Expiries further ahead have no business minutes: no index looks there.
const FURTHEST_DAYS: u64 = 400;

const NANOS_PER_MINUTE: f64 = 60e9;

/// Until when the minutes of the day of expiry count. Cboe's text leaves it open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClockClose {
    /// To the end of the session: a session's series has 405 minutes at its open.
    #[default]
    #[serde(rename = "16:15")]
    SessionEnd,
    /// To the settlement of a full session; on a half day to the end of the session.
    #[serde(rename = "16:00")]
    Settlement,
}

/// Business minutes on the days of an exchange.
#[derive(Clone, Copy, Debug)]
pub struct BusinessClock<'a> {
    exchange: &'a Exchange,
    close: ClockClose,
}

impl<'a> BusinessClock<'a> {
    /// On the sessions of `exchange`: XCBO for the published index, whose half days end a quarter
    /// of an hour after the early close.
    pub fn new(exchange: &'a Exchange, close: ClockClose) -> Self {
        Self { exchange, close }
    }

    /// The exchange whose sessions count.
    pub fn exchange(&self) -> &'a Exchange {
        self.exchange
    }

    /// Whether the index is computed at this instant: in a session, its end included.
    pub fn is_open(&self, at: Timestamp) -> bool {
        match self.exchange.day(self.exchange.at(at).date) {
            Day::Session { open, close, .. } => (open..=close).contains(&at),
            Day::Weekend | Day::Holiday(_) => false,
        }
    }

    /// Whether the series that expire on the day of this instant have settled.
    pub fn has_settled(&self, at: Timestamp) -> bool {
        let today = self.exchange.at(at).date;
        let settled = self.exchange.settlement(today, Settlement::Pm);
        settled.is_some_and(|settled| at >= settled)
    }

    /// Business minutes until series of this date expire, 0 once they have; `None` for dates more
    /// than a year ahead.
    pub fn minutes_until(&self, at: Timestamp, expiry: NaiveDate) -> Option<f64> {
        let settles = self.exchange.settlement_as_listed(expiry, Settlement::Pm);
        let end = match (self.exchange.day(expiry), self.close) {
            (Day::Session { close, .. }, ClockClose::SessionEnd)
            | (
                Day::Session {
                    close, half: true, ..
                },
                ClockClose::Settlement,
            ) => close,
            (Day::Session { close, .. }, ClockClose::Settlement) => settles.min(close),
            (Day::Weekend | Day::Holiday(_), _) => settles,
        };
        self.minutes_between(at, end)
    }

    /// Minutes of sessions between two instants, 0 where the second is not after the first; `None`
    /// where they are more than a year apart.
    pub fn minutes_between(&self, from: Timestamp, to: Timestamp) -> Option<f64> {
        if to <= from {
            return Some(0.0);
        }
        let (first, last) = (self.exchange.at(from).date, self.exchange.at(to).date);
        if last > first.checked_add_days(Days::new(FURTHEST_DAYS))? {
            return None;
        }
        let mut nanos = 0;
        for date in first.iter_days().take_while(|date| *date <= last) {
            if let Day::Session { open, close, .. } = self.exchange.day(date) {
                nanos += to.min(close).since(from.max(open)).nanos().max(0);
            }
        }
        Some(nanos as f64 / NANOS_PER_MINUTE)
    }
}

/// Whose sessions the one-day index of a product counts: in the United States those of the index
/// options, a quarter of an hour longer than those of stocks; elsewhere the product's own.
pub fn index_exchange<'a>(calendars: &'a Calendars, product: &Product<'a>) -> &'a Exchange {
    let own = product.exchange();
    match own.code() {
        "XNYS" => calendars.exchange("XCBO").unwrap_or(own),
        _ => own,
    }
}

/// Minutes of the calendar until an instant; negative once it is past.
pub fn calendar_minutes(at: Timestamp, until: Timestamp) -> f64 {
    until.since(at).nanos() as f64 / NANOS_PER_MINUTE
}

/// How much each term counts: of the total variances, for the minutes wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weights {
    /// (M2 − M_CM) / (M2 − M1).
    pub near: f64,
    /// (M_CM − M1) / (M2 − M1).
    pub next: f64,
}

/// The weights that make `target` minutes of a term of `near` and one of `next` minutes; `None`
/// where the next does not end after the near. Outside of the two they extrapolate.
pub fn weights(near: f64, next: f64, target: f64) -> Option<Weights> {
    let apart = next - near;
    let weights = Weights {
        near: (next - target) / apart,
        next: (target - near) / apart,
    };
    (apart > 0.0 && weights.near.is_finite() && weights.next.is_finite()).then_some(weights)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::shipped;

    fn at(text: &str) -> Timestamp {
        Timestamp::from_rfc3339(text).unwrap()
    }

    #[test]
    fn the_index_is_open_from_0930_to_1615_and_on_half_days_to_1315() {
        let calendars = shipped();
        let cboe = calendars.exchange("XCBO").unwrap();
        let clock = BusinessClock::new(cboe, ClockClose::SessionEnd);
        for (time, open, settled) in [
            ("2026-11-18T09:29:59-05:00", false, false),
            ("2026-11-18T09:30:00-05:00", true, false),
            ("2026-11-18T16:00:00-05:00", true, true),
            ("2026-11-18T16:15:00-05:00", true, true),
            ("2026-11-18T16:15:01-05:00", false, true),
            ("2026-11-21T12:00:00-05:00", false, false),
            ("2026-11-26T12:00:00-05:00", false, false),
            ("2026-11-27T13:00:00-05:00", true, true),
            ("2026-11-27T13:15:01-05:00", false, true),
        ] {
            assert_eq!(clock.is_open(at(time)), open, "{time}");
            assert_eq!(clock.has_settled(at(time)), settled, "{time}");
        }
    }

    #[test]
    fn a_weekend_has_no_minutes_and_a_far_date_has_none_to_tell() {
        let calendars = shipped();
        let cboe = calendars.exchange("XCBO").unwrap();
        let clock = BusinessClock::new(cboe, ClockClose::SessionEnd);
        let friday = at("2024-01-05T16:15:00-05:00");
        let sunday = at("2024-01-07T10:52:00-05:00");
        assert_eq!(clock.minutes_between(friday, sunday), Some(0.0));
        assert_eq!(clock.minutes_between(sunday, friday), Some(0.0));
        let far = NaiveDate::from_ymd_opt(9999, 1, 1).unwrap();
        assert_eq!(clock.minutes_until(friday, far), None);
    }

    #[test]
    fn terms_that_do_not_follow_each_other_have_no_weights() {
        assert_eq!(weights(405.0, 405.0, 405.0), None);
        assert_eq!(weights(810.0, 405.0, 405.0), None);
        assert_eq!(weights(f64::NAN, 405.0, 405.0), None);
    }

    #[test]
    fn the_close_is_written_as_a_time() {
        let text = serde_json::to_string(&ClockClose::default()).unwrap();
        assert_eq!(text, "\"16:15\"");
        let read: ClockClose = serde_json::from_str("\"16:00\"").unwrap();
        assert_eq!(read, ClockClose::Settlement);
    }
}
