//! `sessions.toml` to exchanges. The file's own head explains its keys; every error names the
//! exchange, the key or date, and what to do about it.

mod days;
mod products;

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveTime};
use chrono_tz::Tz;
use serde::Deserialize;
use toml::value::Datetime;

use super::Calendars;
use super::exchange::{Exchange, Hours, Schedule, Sessions};
use days::DaysTable;
use products::RuleTable;

/// The one top-level table that is not an exchange.
const PRODUCTS: &str = "products";

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table that describes an exchange")]
struct ExchangeTable {
    zone: String,
    currency: Option<String>,
    #[serde(default)]
    always_open: bool,
    days_of: Option<String>,
    provisional_from: Option<Datetime>,
    #[serde(default)]
    hours: Vec<HoursTable>,
    #[serde(default)]
    holidays: BTreeMap<String, String>,
    #[serde(default)]
    half_days: BTreeMap<String, String>,
    #[serde(default)]
    special_sessions: BTreeMap<String, [String; 3]>,
    #[serde(default)]
    expected_holidays: BTreeMap<String, String>,
    #[serde(default)]
    expiries: Vec<RuleTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with trading hours")]
struct HoursTable {
    from: Datetime,
    regular: [String; 2],
    extended: [String; 2],
    pm_settlement: Option<String>,
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
    pm_settlement: Option<String>,
}

/// Hours from a date on, and those of its half days where there are any.
struct DatedHours {
    from: NaiveDate,
    full: Hours,
    half: Option<Hours>,
}

pub(super) fn calendars(text: &str) -> Result<Calendars, String> {
    let mut tables: toml::Table = text.parse().map_err(|error| not_toml(text, &error))?;
    let products = tables.remove(PRODUCTS);
    let tables: BTreeMap<String, ExchangeTable> = tables
        .into_iter()
        .map(|(code, value)| match value.try_into() {
            Ok(table) => Ok((code, table)),
            Err(error) => Err(format!("{code}{}", not_the_keys(&error))),
        })
        .collect::<Result<_, _>>()?;

    let mut exchanges = BTreeMap::new();
    let mut unnamed = BTreeMap::new();
    for (code, table) in &tables {
        let exchange = exchange(code, &tables).map_err(|error| format!("{code}{error}"))?;
        let rules = products::rules(&table.expiries).map_err(|error| format!("{code}{error}"))?;
        exchanges.insert(code.clone(), exchange);
        unnamed.insert(code.clone(), rules);
    }
    let mut products = products::products(products, &exchanges)?;
    products.unnamed = unnamed;
    Ok(Calendars {
        exchanges,
        products,
    })
}

fn not_toml(text: &str, error: &toml::de::Error) -> String {
    let start = error.span().map_or(0, |span| span.start);
    let line = 1 + text.bytes().take(start).filter(|&b| b == b'\n').count();
    format!("line {line}: not toml: {}", error.message())
}

fn not_the_keys(error: &toml::de::Error) -> String {
    let text = error.to_string();
    let text = text.trim().replace('\n', " ");
    format!(": {text}: see the keys at the head of sessions.toml")
}

/// Errors of this and what it calls start with the rest of the key's path: `.zone: …`.
fn exchange(code: &str, tables: &BTreeMap<String, ExchangeTable>) -> Result<Exchange, String> {
    let table = &tables[code];
    let zone: Tz = table.zone.parse().map_err(|_| {
        let given = &table.zone;
        format!(".zone: `{given}` is not an iana time zone: write one such as America/New_York")
    })?;
    let is_code = |text: &&String| text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase());
    if let Some(given) = table.currency.as_ref().filter(|text| !is_code(text)) {
        return Err(format!(
            ".currency: `{given}` is not a currency: write three capital letters, ISO 4217"
        ));
    }
    let schedule = if table.always_open {
        always_open(table, zone)?
    } else {
        let hours = all_hours(&table.hours)?;
        let days = days::days(table, tables)?;
        Schedule::Sessions(sessions(&hours, &days)?)
    };
    let code = code.to_owned();
    Ok(Exchange {
        code,
        zone,
        currency: table.currency.clone(),
        schedule,
    })
}

fn always_open(table: &ExchangeTable, zone: Tz) -> Result<Schedule, String> {
    if zone != Tz::UTC {
        return Err(".zone: an always_open exchange counts its dates in UTC: write UTC".into());
    }
    for (key, given) in [
        ("days_of", table.days_of.is_some()),
        ("provisional_from", table.provisional_from.is_some()),
        ("hours", !table.hours.is_empty()),
        ("holidays", !table.holidays.is_empty()),
        ("half_days", !table.half_days.is_empty()),
        ("special_sessions", !table.special_sessions.is_empty()),
        ("expected_holidays", !table.expected_holidays.is_empty()),
    ] {
        if given {
            return Err(format!(
                ".{key}: has no meaning for an always_open exchange: remove it or always_open"
            ));
        }
    }
    Ok(Schedule::AlwaysOpen)
}

fn sessions(dated_hours: &[DatedHours], days: &DaysTable<'_>) -> Result<Sessions, String> {
    let (special, provisional_from) = days::special(dated_hours, days)?;
    let hours = dated_hours.iter().map(|hours| (hours.from, hours.full));
    Ok(Sessions {
        hours: hours.collect(),
        special,
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
    let close = time(close).map_err(|e| format!(", regular: {e}"))?;
    let full = Hours {
        open: time(open).map_err(|e| format!(", regular: {e}"))?,
        close,
        extended_open: time(extended_open).map_err(|e| format!(", extended: {e}"))?,
        extended_close: time(extended_close).map_err(|e| format!(", extended: {e}"))?,
        pm_settlement: time_or(table.pm_settlement.as_deref(), close)
            .map_err(|e| format!(", pm_settlement: {e}"))?,
    };
    in_order(full).map_err(|e| format!(": {e}"))?;
    let Some(half_day) = &table.half_day else {
        return Ok(DatedHours {
            from,
            full,
            half: None,
        });
    };
    if table.pm_settlement.is_some() != half_day.pm_settlement.is_some() {
        return Err(": pm_settlement of the day or of its half_day is missing: give both".into());
    }
    let half = half_day_hours(full, half_day).map_err(|e| format!(", half_day: {e}"))?;
    Ok(DatedHours {
        from,
        full,
        half: Some(half),
    })
}

fn half_day_hours(full: Hours, half_day: &HalfDayTable) -> Result<Hours, String> {
    let close = time(&half_day.close)?;
    let half = Hours {
        close,
        extended_close: time(&half_day.extended_close)?,
        pm_settlement: time_or(half_day.pm_settlement.as_deref(), close)?,
        ..full
    };
    in_order(half)?;
    Ok(half)
}

fn in_order(hours: Hours) -> Result<(), String> {
    let Hours {
        open,
        close,
        extended_open,
        extended_close,
        pm_settlement,
    } = hours;
    if !(extended_open <= open && open < close && close <= extended_close) {
        return Err(format!(
            "times out of order: extended open {extended_open}, open {open}, close {close}, \
             extended close {extended_close} must follow one another"
        ));
    }
    if !(open < pm_settlement && pm_settlement <= close) {
        return Err(format!(
            "pm_settlement {pm_settlement} is not after the open {open} and by the close {close}"
        ));
    }
    Ok(())
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

fn time_or(text: Option<&str>, default: NaiveTime) -> Result<NaiveTime, String> {
    text.map_or(Ok(default), time)
}

#[cfg(test)]
mod tests;
