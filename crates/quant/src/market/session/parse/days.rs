//! The days of an exchange that differ from the weekday rule, its own or those of another.

use std::collections::BTreeMap;
use std::ops::Range;

use chrono::{Datelike, NaiveDate};

use super::super::exchange::{Hours, Special, is_weekend};
use super::{DatedHours, ExchangeTable, date, in_order, time};

/// The table that an exchange's days are read from.
pub(super) struct DaysTable<'a> {
    table: &'a ExchangeTable,
    /// Whose days they are, where they are another's: named in errors.
    of: Option<&'a str>,
}

/// The table with the days of an exchange: the one it names in `days_of`, or its own.
pub(super) fn days<'a>(
    own: &'a ExchangeTable,
    tables: &'a BTreeMap<String, ExchangeTable>,
) -> Result<DaysTable<'a>, String> {
    let Some(of) = own.days_of.as_deref() else {
        return Ok(DaysTable {
            table: own,
            of: None,
        });
    };
    for (key, given) in [
        ("provisional_from", own.provisional_from.is_some()),
        ("holidays", !own.holidays.is_empty()),
        ("half_days", !own.half_days.is_empty()),
        ("special_sessions", !own.special_sessions.is_empty()),
        ("expected_holidays", !own.expected_holidays.is_empty()),
    ] {
        if given {
            return Err(format!(
                ".{key}: comes from {of}: remove it or days_of = \"{of}\""
            ));
        }
    }
    match tables.get(of) {
        Some(table) if table.days_of.is_none() && !table.always_open => Ok(DaysTable {
            table,
            of: Some(of),
        }),
        _ => Err(format!(
            ".days_of: `{of}` is not an exchange with days of its own: name one that is"
        )),
    }
}

/// The special days, by date, and the first date they do not cover.
pub(super) fn special(
    hours: &[DatedHours],
    days: &DaysTable<'_>,
) -> Result<(Vec<(NaiveDate, Special)>, NaiveDate), String> {
    let table = days.table;
    let provisional_from = provisional_from(hours, table)?;
    let covered = hours[0].from..provisional_from;
    let expected = provisional_from..NaiveDate::MAX;
    let place = |key: &str, text: &str, name: &str| match days.of {
        Some(of) => format!(".{key} of {of} {text} ({name})"),
        None => format!(".{key} {text} ({name})"),
    };

    let mut special = BTreeMap::new();
    for (key, holidays, range) in [
        ("holidays", &table.holidays, &covered),
        ("expected_holidays", &table.expected_holidays, &expected),
    ] {
        for (text, name) in holidays {
            let date =
                weekday_in(text, range).map_err(|e| format!("{}: {e}", place(key, text, name)))?;
            special.insert(date, Special::Holiday(name.clone()));
        }
    }
    for (text, name) in &table.half_days {
        let place = place("half_days", text, name);
        let date = weekday_in(text, &covered).map_err(|e| format!("{place}: {e}"))?;
        let in_force = hours.iter().rfind(|hours| hours.from <= date);
        let Some(half) = in_force.and_then(|hours| hours.half) else {
            return Err(format!(
                "{place}: its hours have no half_day: add one to [[hours]]"
            ));
        };
        if special.insert(date, Special::HalfDay(half)).is_some() {
            return Err(format!("{place}: is a holiday too: remove one of the two"));
        }
    }
    for (text, [open, close, name]) in &table.special_sessions {
        let place = place("special_sessions", text, name);
        let date = date_in(text, &covered).map_err(|e| format!("{place}: {e}"))?;
        let hours = own_hours(open, close).map_err(|e| format!("{place}: {e}"))?;
        let session = Special::Session {
            hours,
            name: name.clone(),
            extra: is_weekend(date) || matches!(special.get(&date), Some(Special::Holiday(_))),
        };
        if let Some(Special::HalfDay(_)) = special.insert(date, session) {
            return Err(format!("{place}: is a half day too: remove one of the two"));
        }
    }
    Ok((special.into_iter().collect(), provisional_from))
}

fn provisional_from(hours: &[DatedHours], table: &ExchangeTable) -> Result<NaiveDate, String> {
    let Some(given) = &table.provisional_from else {
        return Err(
            ".provisional_from: missing: give the first date without known holidays".into(),
        );
    };
    let given = date(&given.to_string()).map_err(|e| format!(".provisional_from: {e}"))?;
    let from = hours[0].from;
    if given <= from {
        return Err(format!(
            ".provisional_from: not after the first hours' from ({from}): move one"
        ));
    }
    Ok(given)
}

/// A date on which something differs from the weekday rule.
fn weekday_in(text: &str, range: &Range<NaiveDate>) -> Result<NaiveDate, String> {
    let date = date(text)?;
    if is_weekend(date) {
        let weekday = date.weekday();
        return Err(format!(
            "falls on a weekend ({weekday}), closed anyway: remove it"
        ));
    }
    date_in(text, range)
}

fn date_in(text: &str, range: &Range<NaiveDate>) -> Result<NaiveDate, String> {
    let date = date(text)?;
    if range.contains(&date) {
        return Ok(date);
    }
    if range.end == NaiveDate::MAX {
        let from = range.start;
        return Err(format!(
            "before provisional_from ({from}): make it one of the holidays"
        ));
    }
    let (from, to) = (range.start, range.end);
    Err(format!(
        "not between the first hours' from ({from}) and provisional_from ({to}): move one"
    ))
}

/// The hours of one special session, without pre- and post-market.
fn own_hours(open: &str, close: &str) -> Result<Hours, String> {
    let (open, close) = (time(open)?, time(close)?);
    let hours = Hours {
        open,
        close,
        extended_open: open,
        extended_close: close,
        pm_settlement: close,
    };
    in_order(hours)?;
    Ok(hours)
}
