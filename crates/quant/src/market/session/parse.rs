//! `sessions.toml` to exchanges. The file's own head explains its keys; every error names the
//! exchange, the key or date, and what to do about it.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate, NaiveTime};
use chrono_tz::Tz;
use serde::Deserialize;
use toml::value::Datetime;

use super::exchange::{Exchange, Hours, Schedule, Sessions, Special, is_weekend};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table that describes an exchange")]
struct ExchangeTable {
    zone: String,
    #[serde(default)]
    always_open: bool,
    provisional_from: Option<Datetime>,
    #[serde(default)]
    hours: Vec<HoursTable>,
    #[serde(default)]
    holidays: BTreeMap<String, String>,
    #[serde(default)]
    half_days: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with trading hours")]
struct HoursTable {
    from: Datetime,
    regular: [String; 2],
    extended: [String; 2],
    half_day: Option<HalfDayTable>,
}

#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a table with the closes of a half day"
)]
struct HalfDayTable {
    close: String,
    extended_close: String,
}

/// Hours from a date on, and those of its half days where there are any.
struct DatedHours {
    from: NaiveDate,
    full: Hours,
    half: Option<Hours>,
}

pub(super) fn exchanges(text: &str) -> Result<BTreeMap<String, Exchange>, String> {
    let tables: toml::Table = text.parse().map_err(|error| not_toml(text, &error))?;
    let mut exchanges = BTreeMap::new();
    for (code, value) in tables {
        let exchange = exchange(&code, value).map_err(|error| format!("{code}{error}"))?;
        exchanges.insert(code, exchange);
    }
    Ok(exchanges)
}

fn not_toml(text: &str, error: &toml::de::Error) -> String {
    let start = error.span().map_or(0, |span| span.start);
    let line = 1 + text.bytes().take(start).filter(|&b| b == b'\n').count();
    format!("line {line}: not toml: {}", error.message())
}

/// Errors of this and what it calls start with the rest of the key's path: `.zone: …`.
fn exchange(code: &str, value: toml::Value) -> Result<Exchange, String> {
    let table: ExchangeTable = value.try_into().map_err(|error: toml::de::Error| {
        let text = error.to_string();
        let text = text.trim().replace('\n', " ");
        format!(": {text}: see the keys at the head of sessions.toml")
    })?;
    let zone: Tz = table.zone.parse().map_err(|_| {
        let given = &table.zone;
        format!(".zone: `{given}` is not an iana time zone: write one such as America/New_York")
    })?;
    let schedule = if table.always_open {
        always_open(&table, zone)?
    } else {
        Schedule::Sessions(sessions(&table)?)
    };
    let code = code.to_owned();
    Ok(Exchange {
        code,
        zone,
        schedule,
    })
}

fn always_open(table: &ExchangeTable, zone: Tz) -> Result<Schedule, String> {
    if zone != Tz::UTC {
        return Err(".zone: an always_open exchange counts its dates in UTC: write UTC".into());
    }
    for (key, given) in [
        ("provisional_from", table.provisional_from.is_some()),
        ("hours", !table.hours.is_empty()),
        ("holidays", !table.holidays.is_empty()),
        ("half_days", !table.half_days.is_empty()),
    ] {
        if given {
            return Err(format!(
                ".{key}: has no meaning for an always_open exchange: remove it or always_open"
            ));
        }
    }
    Ok(Schedule::AlwaysOpen)
}

fn sessions(table: &ExchangeTable) -> Result<Sessions, String> {
    let dated_hours = all_hours(&table.hours)?;
    let Some(provisional_from) = &table.provisional_from else {
        return Err(
            ".provisional_from: missing: give the first date without known holidays".into(),
        );
    };
    let provisional_from =
        date(&provisional_from.to_string()).map_err(|e| format!(".provisional_from: {e}"))?;
    let covered = dated_hours[0].from..provisional_from;
    if covered.is_empty() {
        let from = covered.start;
        return Err(format!(
            ".provisional_from: not after the first hours' from ({from}): move one"
        ));
    }

    let mut special = BTreeMap::new();
    for (text, name) in &table.holidays {
        let place = format!(".holidays {text} ({name})");
        let date = special_date(text, &covered).map_err(|e| format!("{place}: {e}"))?;
        special.insert(date, Special::Holiday(name.clone()));
    }
    for (text, name) in &table.half_days {
        let place = format!(".half_days {text} ({name})");
        let date = special_date(text, &covered).map_err(|e| format!("{place}: {e}"))?;
        let in_force = dated_hours.iter().rfind(|hours| hours.from <= date);
        let Some(half) = in_force.and_then(|hours| hours.half) else {
            return Err(format!(
                "{place}: its hours have no half_day: add one to [[hours]]"
            ));
        };
        if special.insert(date, Special::HalfDay(half)).is_some() {
            return Err(format!("{place}: is a holiday too: remove one of the two"));
        }
    }
    Ok(Sessions {
        hours: dated_hours
            .iter()
            .map(|hours| (hours.from, hours.full))
            .collect(),
        special: special.into_iter().collect(),
        provisional_from,
    })
}

fn all_hours(tables: &[HoursTable]) -> Result<Vec<DatedHours>, String> {
    let mut all: Vec<DatedHours> = Vec::new();
    for table in tables {
        let place = format!(".hours from {}", table.from);
        let hours = dated_hours(table).map_err(|e| format!("{place}{e}"))?;
        if all.last().is_some_and(|last| last.from >= hours.from) {
            return Err(format!(
                "{place}: not after the entry before it: order them by date"
            ));
        }
        all.push(hours);
    }
    if all.is_empty() {
        return Err(".hours: missing: give at least one, or always_open = true".into());
    }
    Ok(all)
}

fn dated_hours(table: &HoursTable) -> Result<DatedHours, String> {
    let from = date(&table.from.to_string()).map_err(|e| format!(": {e}"))?;
    let [open, close] = &table.regular;
    let [extended_open, extended_close] = &table.extended;
    let full = Hours {
        open: time(open).map_err(|e| format!(", regular: {e}"))?,
        close: time(close).map_err(|e| format!(", regular: {e}"))?,
        extended_open: time(extended_open).map_err(|e| format!(", extended: {e}"))?,
        extended_close: time(extended_close).map_err(|e| format!(", extended: {e}"))?,
    };
    in_order(full).map_err(|e| format!(": {e}"))?;
    let Some(closes) = &table.half_day else {
        return Ok(DatedHours {
            from,
            full,
            half: None,
        });
    };
    let half = Hours {
        close: time(&closes.close).map_err(|e| format!(", half_day: {e}"))?,
        extended_close: time(&closes.extended_close).map_err(|e| format!(", half_day: {e}"))?,
        ..full
    };
    in_order(half).map_err(|e| format!(", half_day: {e}"))?;
    Ok(DatedHours {
        from,
        full,
        half: Some(half),
    })
}

fn in_order(hours: Hours) -> Result<(), String> {
    let Hours {
        open,
        close,
        extended_open,
        extended_close,
    } = hours;
    if extended_open <= open && open < close && close <= extended_close {
        return Ok(());
    }
    Err(format!(
        "times out of order: extended open {extended_open}, open {open}, close {close}, \
         extended close {extended_close} must follow one another"
    ))
}

/// A date on which something differs from the weekday rule.
fn special_date(text: &str, covered: &std::ops::Range<NaiveDate>) -> Result<NaiveDate, String> {
    let date = date(text)?;
    if is_weekend(date) {
        let weekday = date.weekday();
        return Err(format!(
            "falls on a weekend ({weekday}), closed anyway: remove it"
        ));
    }
    if !covered.contains(&date) {
        let (from, to) = (covered.start, covered.end);
        return Err(format!(
            "not between the first hours' from ({from}) and provisional_from ({to}): move one"
        ));
    }
    Ok(date)
}

/// Only the canonical spelling: a date that is a key must not have two.
fn date(text: &str) -> Result<NaiveDate, String> {
    let parsed: Option<NaiveDate> = text.parse().ok();
    parsed
        .filter(|date| date.to_string() == text)
        .ok_or_else(|| format!("`{text}` is not a date: write YYYY-MM-DD"))
}

fn time(text: &str) -> Result<NaiveTime, String> {
    NaiveTime::parse_from_str(text, "%H:%M")
        .map_err(|_| format!("`{text}` is not a time of day: write HH:MM, 00:00 to 23:59"))
}

#[cfg(test)]
mod tests;
