//! One exchange: its hours and special days, and what they say of an instant or a date.
//! Asked for every symbol of every pass, so a question allocates nothing: one time-zone
//! conversion and two binary searches.

use chrono::{Datelike, Duration, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone, Weekday};
use chrono_tz::Tz;

use super::{Day, Phase, Session, Settlement, Timestamp};

/// The longest closure `previous_session` and `next_session` look across, in days. Twice the
/// longest that a large exchange keeps on its calendar (golden weeks, with their weekends).
pub(super) const MAX_CLOSURE_DAYS: u8 = 21;

/// The calendar of one exchange.
#[derive(Clone, Debug)]
pub struct Exchange {
    pub(super) code: String,
    pub(super) zone: Tz,
    pub(super) currency: Option<String>,
    pub(super) schedule: Schedule,
}

#[derive(Clone, Debug)]
pub(super) enum Schedule {
    AlwaysOpen,
    Sessions(Sessions),
}

#[derive(Clone, Debug)]
pub(super) struct Sessions {
    /// Ascending by their first date, never empty.
    pub(super) hours: Vec<(NaiveDate, Hours)>,
    /// Ascending by date.
    pub(super) special: Vec<(NaiveDate, Special)>,
    /// The first date the special days no longer cover.
    pub(super) provisional_from: NaiveDate,
}

/// Local clock times of a session: `extended_open <= open < close <= extended_close`, and
/// `open < pm_settlement <= close`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hours {
    pub(super) open: NaiveTime,
    pub(super) close: NaiveTime,
    pub(super) extended_open: NaiveTime,
    pub(super) extended_close: NaiveTime,
    pub(super) pm_settlement: NaiveTime,
}

#[derive(Clone, Debug)]
pub(super) enum Special {
    Holiday(String),
    HalfDay(Hours),
    /// A named session at hours of its own.
    Session {
        hours: Hours,
        name: String,
        /// On a weekend or holiday: options do not expire in it.
        extra: bool,
    },
}

/// A date before its clock times become instants.
enum Plan<'a> {
    AllDay,
    Session(Hours, Sort<'a>),
    Weekend,
    Holiday(&'a str),
}

/// What sets a session apart.
enum Sort<'a> {
    Full,
    Half,
    Special { name: &'a str, extra: bool },
}

impl Exchange {
    /// The code, such as `XNYS`.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The zone of the exchange's dates and clock times.
    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// The currency of its prices, ISO 4217; `None` where that does not follow from the exchange.
    pub fn currency(&self) -> Option<&str> {
        self.currency.as_deref()
    }

    /// The session an instant falls in.
    pub fn at(&self, now: Timestamp) -> Session {
        let local = now.utc().with_timezone(&self.zone).naive_local();
        let date = local.date();
        let phase = match self.plan(date) {
            Plan::AllDay => Phase::Open,
            Plan::Session(hours, _) => hours.phase(local.time()),
            Plan::Weekend => Phase::Closed,
            Plan::Holiday(_) => Phase::Holiday,
        };
        Session {
            date,
            phase,
            provisional: self.is_provisional(date),
        }
    }

    /// What the exchange does on a date of its zone. An always-open exchange has one session a
    /// day, from midnight to midnight.
    pub fn day(&self, date: NaiveDate) -> Day<'_> {
        let (hours, sort) = match self.plan(date) {
            Plan::Session(hours, sort) => (hours, sort),
            Plan::Weekend => return Day::Weekend,
            Plan::Holiday(name) => return Day::Holiday(name),
            Plan::AllDay => {
                let midnight = date.and_time(NaiveTime::MIN).and_utc().timestamp();
                let open = Timestamp::from_seconds(midnight);
                let close = Timestamp::from_seconds(midnight + 86_400);
                return Day::Session {
                    open,
                    close,
                    extended_open: open,
                    extended_close: close,
                    half: false,
                    special: None,
                };
            }
        };
        Day::Session {
            open: self.instant(date.and_time(hours.open)),
            close: self.instant(date.and_time(hours.close)),
            extended_open: self.instant(date.and_time(hours.extended_open)),
            extended_close: self.instant(date.and_time(hours.extended_close)),
            half: matches!(sort, Sort::Half),
            special: match sort {
                Sort::Special { name, .. } => Some(name),
                Sort::Full | Sort::Half => None,
            },
        }
    }

    /// The last date before `date` with a session; `None` if there is none within three weeks.
    pub fn previous_session(&self, date: NaiveDate) -> Option<NaiveDate> {
        self.nearest_session(date, Duration::days(-1))
    }

    /// The first date after `date` with a session; `None` if there is none within three weeks.
    pub fn next_session(&self, date: NaiveDate) -> Option<NaiveDate> {
        self.nearest_session(date, Duration::days(1))
    }

    /// Whether options can expire on the date: it has a session, and not one on a weekend or holiday.
    pub(super) fn takes_expiries(&self, date: NaiveDate) -> bool {
        match self.plan(date) {
            Plan::AllDay => true,
            Plan::Session(_, Sort::Special { extra, .. }) => !extra,
            Plan::Session(..) => true,
            Plan::Weekend | Plan::Holiday(_) => false,
        }
    }

    /// Whether the calendar does not cover the date, so that every weekday but the expected
    /// holidays counts as a session with the nearest known hours.
    pub fn is_provisional(&self, date: NaiveDate) -> bool {
        match &self.schedule {
            Schedule::AlwaysOpen => false,
            Schedule::Sessions(sessions) => {
                date < sessions.hours[0].0 || date >= sessions.provisional_from
            }
        }
    }

    /// The instant options that expire on `date` settle: the regular open, or when closing prints
    /// are taken (earlier on a half day). `None` when the date has no session.
    pub fn settlement(&self, date: NaiveDate, settlement: Settlement) -> Option<Timestamp> {
        match self.plan(date) {
            Plan::AllDay | Plan::Session(..) => Some(self.settlement_as_listed(date, settlement)),
            Plan::Weekend | Plan::Holiday(_) => None,
        }
    }

    /// The same for a date that a listed contract bears: without a session, at the usual hours.
    /// The exchange knows its contracts, and this calendar may be behind a change of holidays.
    pub fn settlement_as_listed(&self, date: NaiveDate, settlement: Settlement) -> Timestamp {
        let hours = match (self.plan(date), &self.schedule) {
            (Plan::Session(hours, _), _) => hours,
            (Plan::Weekend | Plan::Holiday(_), Schedule::Sessions(sessions)) => {
                sessions.hours_on(date)
            }
            (_, Schedule::AlwaysOpen) | (Plan::AllDay, _) => {
                let days = i64::from(settlement == Settlement::Pm);
                let midnight = date.and_time(NaiveTime::MIN).and_utc().timestamp();
                return Timestamp::from_seconds(midnight + days * 86_400);
            }
        };
        self.instant(date.and_time(match settlement {
            Settlement::Am => hours.open,
            Settlement::Pm => hours.pm_settlement,
        }))
    }

    fn plan(&self, date: NaiveDate) -> Plan<'_> {
        let Schedule::Sessions(sessions) = &self.schedule else {
            return Plan::AllDay;
        };
        let special = &sessions.special;
        match special.binary_search_by_key(&date, |&(day, _)| day) {
            Ok(found) => match &special[found].1 {
                Special::Holiday(name) => Plan::Holiday(name),
                Special::HalfDay(hours) => Plan::Session(*hours, Sort::Half),
                Special::Session { hours, name, extra } => {
                    let (name, extra) = (name.as_str(), *extra);
                    Plan::Session(*hours, Sort::Special { name, extra })
                }
            },
            Err(_) if is_weekend(date) => Plan::Weekend,
            Err(_) => Plan::Session(sessions.hours_on(date), Sort::Full),
        }
    }

    fn nearest_session(&self, date: NaiveDate, step: Duration) -> Option<NaiveDate> {
        let mut candidate = date;
        for _ in 0..MAX_CLOSURE_DAYS {
            candidate = candidate.checked_add_signed(step)?;
            if let Plan::AllDay | Plan::Session(..) = self.plan(candidate) {
                return Some(candidate);
            }
        }
        None
    }

    /// A local clock time as an instant. Of a time that the autumn change repeats, the first; of
    /// one that the spring change skips, the instant it would have been without the change.
    fn instant(&self, local: NaiveDateTime) -> Timestamp {
        let offset = self.zone.offset_from_local_datetime(&local).earliest();
        let offset = offset.unwrap_or_else(|| {
            let day_before = local - Duration::days(1);
            self.zone.offset_from_utc_datetime(&day_before)
        });
        let east_seconds = i64::from(offset.fix().local_minus_utc());
        Timestamp::from_seconds(local.and_utc().timestamp() - east_seconds)
    }
}

impl Sessions {
    /// The hours in force on a date; before the first, the first.
    fn hours_on(&self, date: NaiveDate) -> Hours {
        let later = self.hours.partition_point(|&(from, _)| from <= date);
        self.hours[later.saturating_sub(1)].1
    }
}

impl Hours {
    fn phase(self, time: NaiveTime) -> Phase {
        if (self.open..self.close).contains(&time) {
            Phase::Open
        } else if (self.extended_open..self.open).contains(&time) {
            Phase::Pre
        } else if (self.close..self.extended_close).contains(&time) {
            Phase::Post
        } else {
            Phase::Closed
        }
    }
}

pub(super) fn is_weekend(date: NaiveDate) -> bool {
    matches!(date.weekday(), Weekday::Sat | Weekday::Sun)
}

#[cfg(test)]
mod gating;
#[cfg(test)]
mod tests;
