//! Products and expiry rules.

use std::collections::BTreeMap;

use chrono::{NaiveDate, Weekday};
use serde::Deserialize;
use toml::value::Datetime;

use super::super::expiry::{ExpiryKind, On, Rule, Which};
use super::super::product::{Products, Terms};
use super::super::{Exchange, Settlement};
use super::{PRODUCTS, date, not_the_keys};
use crate::market::Span;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table that describes a product")]
struct ProductTable {
    exchange: String,
    #[serde(default)]
    late_minutes: u8,
    #[serde(default)]
    expiries: Vec<RuleTable>,
    #[serde(default)]
    lots: Vec<(Datetime, u32)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table that describes expiries")]
pub(super) struct RuleTable {
    root: Option<String>,
    kind: ExpiryKind,
    on: String,
    #[serde(default)]
    settlement: SettlementKey,
    from: Option<Datetime>,
    until: Option<Datetime>,
    #[serde(default)]
    every_week: bool,
    #[serde(default)]
    holiday: HolidayKey,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SettlementKey {
    Am,
    #[default]
    Pm,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum HolidayKey {
    #[default]
    Previous,
    Next,
}

/// What the `products` table says; unnamed products are left to the caller.
pub(super) fn products(
    value: Option<toml::Value>,
    exchanges: &BTreeMap<String, Exchange>,
) -> Result<Products, String> {
    let mut products = Products::default();
    let tables = match value {
        None => return Ok(products),
        Some(toml::Value::Table(tables)) => tables,
        Some(_) => {
            return Err(format!(
                "{PRODUCTS}: is not a table: write [{PRODUCTS}.NAME]"
            ));
        }
    };
    for (name, value) in tables {
        let place = format!("{PRODUCTS}.{name}");
        let terms = terms(value, exchanges).map_err(|error| format!("{place}{error}"))?;
        let roots = terms.rules.iter().filter_map(|rule| rule.root.clone());
        for root in roots.chain([name.clone()]) {
            let other = products.roots.insert(root.clone(), name.clone());
            if let Some(other) = other.filter(|other| *other != name) {
                return Err(format!(
                    "{place}: root {root} is of {PRODUCTS}.{other} too: leave it to one"
                ));
            }
        }
        products.named.insert(name, terms);
    }
    Ok(products)
}

fn terms(value: toml::Value, exchanges: &BTreeMap<String, Exchange>) -> Result<Terms, String> {
    let table: ProductTable = value.try_into().map_err(|error| not_the_keys(&error))?;
    if !exchanges.contains_key(&table.exchange) {
        let exchange = &table.exchange;
        return Err(format!(
            ".exchange: `{exchange}` has no table: add one or name another"
        ));
    }
    Ok(Terms {
        exchange: table.exchange,
        rules: rules(&table.expiries)?,
        late: Span::from_seconds(f64::from(table.late_minutes) * 60.0),
        lots: lots(&table.lots)?,
    })
}

pub(super) fn rules(tables: &[RuleTable]) -> Result<Vec<Rule>, String> {
    tables.iter().map(rule).collect()
}

fn rule(table: &RuleTable) -> Result<Rule, String> {
    let place = format!(".expiries `{}`", table.on);
    let bound = |key: &str, given: &Option<Datetime>, open: NaiveDate| match given {
        Some(given) => date(&given.to_string()).map_err(|e| format!("{place}, {key}: {e}")),
        None => Ok(open),
    };
    let from = bound("from", &table.from, NaiveDate::MIN)?;
    let until = bound("until", &table.until, NaiveDate::MAX)?;
    if until <= from {
        return Err(format!("{place}: until is not after from: move one"));
    }
    Ok(Rule {
        root: table.root.clone(),
        kind: table.kind,
        on: on(&table.on).ok_or_else(|| {
            format!(
                "{place}: names no days: write `friday`, `third friday`, `last tuesday`, or \
                 `30 days before` one of these"
            )
        })?,
        settlement: match table.settlement {
            SettlementKey::Am => Settlement::Am,
            SettlementKey::Pm => Settlement::Pm,
        },
        from,
        until,
        every_week: table.every_week,
        next: table.holiday == HolidayKey::Next,
    })
}

fn on(text: &str) -> Option<On> {
    let (days_before, day) = match text.split_once(" days before ") {
        Some((days, day)) => (days.parse::<u8>().ok()?.into(), day),
        None => (0, text),
    };
    let (which, weekday) = day.split_once(' ').unwrap_or(("", day));
    let which = match which {
        "" => Which::Every,
        "first" => Which::Nth(1),
        "second" => Which::Nth(2),
        "third" => Which::Nth(3),
        "fourth" => Which::Nth(4),
        "last" => Which::Last,
        _ => return None,
    };
    let weekday = match weekday {
        "monday" => Weekday::Mon,
        "tuesday" => Weekday::Tue,
        "wednesday" => Weekday::Wed,
        "thursday" => Weekday::Thu,
        "friday" => Weekday::Fri,
        _ => return None,
    };
    Some(On {
        days_before,
        which,
        weekday,
    })
}

fn lots(pairs: &[(Datetime, u32)]) -> Result<Vec<(NaiveDate, u32)>, String> {
    let mut lots: Vec<(NaiveDate, u32)> = Vec::new();
    for &(from, lot) in pairs {
        let place = format!(".lots {from}");
        let from = date(&from.to_string()).map_err(|e| format!("{place}: {e}"))?;
        if lot == 0 {
            return Err(format!("{place}: must be > 0 (is 0)"));
        }
        if lots.last().is_some_and(|&(before, _)| before >= from) {
            return Err(format!(
                "{place}: not after the entry before it: order them by date"
            ));
        }
        lots.push((from, lot));
    }
    Ok(lots)
}
