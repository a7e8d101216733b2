//! What a wrong `sessions.toml` is told.

use super::*;

const GOOD: &str = r#"
[X]
zone = "America/New_York"
provisional_from = 2027-01-01
[[X.hours]]
from = 2026-01-01
regular = ["09:30", "16:00"]
extended = ["04:00", "20:00"]
half_day = { close = "13:00", extended_close = "17:00" }
[X.holidays]
2026-11-26 = "Thanksgiving Day"
[X.half_days]
2026-11-27 = "Day after Thanksgiving"
"#;

/// A good exchange on the days of the one above, and a product on it.
const BORROWED: &str = r#"
[Y]
zone = "America/New_York"
days_of = "X"
[[Y.hours]]
from = 2026-01-01
regular = ["09:30", "16:15"]
extended = ["09:30", "17:15"]
pm_settlement = "16:00"
half_day = { close = "13:15", extended_close = "14:15", pm_settlement = "13:00" }
[products.P]
exchange = "Y"
expiries = [{ root = "PW", kind = "weekly", on = "friday", until = 2026-06-01 }]
lots = [[2026-01-01, 100], [2026-05-01, 50]]
"#;

/// The error after one replacement in a good file.
#[track_caller]
fn check(part: &str, replacement: &str, expected: &str) {
    assert!(GOOD.contains(part), "{part}");
    let error = calendars(&GOOD.replacen(part, replacement, 1)).unwrap_err();
    assert_eq!(error, expected);
}

/// The same in the borrowed days and the product after it.
#[track_caller]
fn check_borrowed(part: &str, replacement: &str, expected: &str) {
    assert!(BORROWED.contains(part), "{part}");
    let text = format!("{GOOD}{}", BORROWED.replacen(part, replacement, 1));
    assert_eq!(calendars(&text).unwrap_err(), expected);
}

/// The same where `serde` words the error: the exchange in front, `part_of_it` within.
#[track_caller]
fn check_key(part: &str, replacement: &str, part_of_it: &str) {
    let error = calendars(&GOOD.replacen(part, replacement, 1)).unwrap_err();
    assert!(
        error.starts_with("X: ") && error.contains(part_of_it),
        "{error}"
    );
    assert!(
        error.ends_with(": see the keys at the head of sessions.toml"),
        "{error}"
    );
}

#[test]
fn a_currency_is_three_capital_letters() {
    check(
        "provisional_from",
        "currency = \"usd\"\nprovisional_from",
        "X.currency: `usd` is not a currency: write three capital letters, ISO 4217",
    );
}

#[test]
fn a_good_file_passes() {
    assert_eq!(calendars(GOOD).unwrap().exchange("X").unwrap().code(), "X");
    assert_eq!(calendars("").unwrap().codes().count(), 0);
}

#[test]
fn what_is_not_toml_is_shown_by_line() {
    let error = calendars("[X]\nzone = ").unwrap_err();
    assert!(error.starts_with("line 2: not toml: "), "{error}");
    let doubled = format!("{GOOD}2026-11-27 = \"again\"\n");
    let error = calendars(&doubled).unwrap_err();
    assert_eq!(error, "line 14: not toml: duplicate key");
}

#[test]
fn wrong_keys_are_named() {
    check_key("zone =", "zones =", "unknown field `zones`");
    check_key("zone = \"America/New_York\"", "", "missing field `zone`");
    check_key("regular =", "regulars =", "unknown field `regulars`");
    check_key("from = 2026-01-01", "from = 1", "in `hours.from`");
    check_key(
        "[\"09:30\", \"16:00\"]",
        "[\"09:30\"]",
        "in `hours.regular`",
    );
    check_key("\"Thanksgiving Day\"", "true", "in `holidays.2026-11-26`");
    check_key(GOOD, "X = 3", "expected a table that describes an exchange");
    check(
        "provisional_from = 2027-01-01",
        "",
        "X.provisional_from: missing: give the first date without known holidays",
    );
    check(
        "provisional_from = 2027-01-01",
        "provisional_from = 2026-01-01",
        "X.provisional_from: not after the first hours' from (2026-01-01): move one",
    );
}

#[test]
fn wrong_zones_are_named() {
    check(
        "America/New_York",
        "New York",
        "X.zone: `New York` is not an iana time zone: write one such as America/New_York",
    );
}

#[test]
fn wrong_dates_are_named() {
    check(
        "2026-11-26 =",
        "2026-11-31 =",
        "X.holidays 2026-11-31 (Thanksgiving Day): `2026-11-31` is not a date: write YYYY-MM-DD",
    );
    check(
        "2026-11-26 =",
        "2026-1-6 =",
        "X.holidays 2026-1-6 (Thanksgiving Day): `2026-1-6` is not a date: write YYYY-MM-DD",
    );
    check(
        "2026-11-26 =",
        "2026-11-28 =",
        "X.holidays 2026-11-28 (Thanksgiving Day): falls on a weekend (Sat), closed anyway: remove it",
    );
    check(
        "2026-11-26 =",
        "2027-11-25 =",
        "X.holidays 2027-11-25 (Thanksgiving Day): not between the first hours' from (2026-01-01) and provisional_from (2027-01-01): move one",
    );
    check(
        "2026-11-26 =",
        "2026-11-27 =",
        "X.half_days 2026-11-27 (Day after Thanksgiving): is a holiday too: remove one of the two",
    );
    check(
        "from = 2026-01-01",
        "from = 2026-01-01T00:00:00",
        "X.hours from 2026-01-01T00:00:00: `2026-01-01T00:00:00` is not a date: write YYYY-MM-DD",
    );
}

#[test]
fn wrong_hours_are_named() {
    check(
        "\"16:00\"",
        "\"24:00\"",
        "X.hours from 2026-01-01, regular: `24:00` is not a time of day: write HH:MM, 00:00 to 23:59",
    );
    check(
        "\"16:00\"",
        "\"09:00\"",
        "X.hours from 2026-01-01: times out of order: extended open 04:00:00, open 09:30:00, close 09:00:00, extended close 20:00:00 must follow one another",
    );
    check(
        "\"13:00\"",
        "\"18:00\"",
        "X.hours from 2026-01-01, half_day: times out of order: extended open 04:00:00, open 09:30:00, close 18:00:00, extended close 17:00:00 must follow one another",
    );
    check(
        "half_day =",
        "#",
        "X.half_days 2026-11-27 (Day after Thanksgiving): its hours have no half_day: add one to [[hours]]",
    );
}

#[test]
fn hours_are_needed_and_ordered() {
    let start = GOOD.find("[[X.hours]]").unwrap();
    let end = GOOD.find("[X.holidays]").unwrap();
    let (hours, twice) = (&GOOD[start..end], GOOD[start..end].repeat(2));
    check(
        hours,
        "",
        "X.hours: missing: give at least one, or always_open = true",
    );
    check(
        hours,
        &twice,
        "X.hours from 2026-01-01: not after the entry before it: order them by date",
    );
}

#[test]
fn what_never_closes_has_no_calendar() {
    check(
        "[[X.hours]]",
        "always_open = true\n[[X.hours]]",
        "X.zone: an always_open exchange counts its dates in UTC: write UTC",
    );
    let error = calendars(
        "[X]\nzone = \"UTC\"\nalways_open = true\nholidays = { 2026-12-25 = \"Christmas Day\" }",
    )
    .unwrap_err();
    assert_eq!(
        error,
        "X.holidays: has no meaning for an always_open exchange: remove it or always_open"
    );
}

#[test]
fn wrong_special_days_are_named() {
    let after = "2026-11-27 = \"Day after Thanksgiving\"\n";
    for (more, expected) in [
        (
            "[X.special_sessions]\n2026-11-28 = [\"10:00\", \"09:00\", \"Drill\"]",
            "X.special_sessions 2026-11-28 (Drill): times out of order: extended open 10:00:00, open 10:00:00, close 09:00:00, extended close 09:00:00 must follow one another",
        ),
        (
            "[X.special_sessions]\n2026-11-27 = [\"10:00\", \"11:00\", \"Drill\"]",
            "X.special_sessions 2026-11-27 (Drill): is a half day too: remove one of the two",
        ),
        (
            "[X.expected_holidays]\n2026-12-25 = \"Christmas Day\"",
            "X.expected_holidays 2026-12-25 (Christmas Day): before provisional_from (2027-01-01): make it one of the holidays",
        ),
    ] {
        check(after, &format!("{after}{more}"), expected);
    }
    check(
        "regular =",
        "pm_settlement = \"16:00\"\nregular =",
        "X.hours from 2026-01-01: pm_settlement of the day or of its half_day is missing: give both",
    );
    check(
        "regular =",
        "pm_settlement = \"16:30\"\nregular =",
        "X.hours from 2026-01-01: pm_settlement 16:30:00 is not after the open 09:30:00 and by the close 16:00:00",
    );
}

#[test]
fn borrowed_days_are_checked() {
    let text = format!("{GOOD}{BORROWED}");
    assert_eq!(calendars(&text).unwrap().codes().count(), 2);
    check_borrowed(
        "days_of = \"X\"",
        "days_of = \"Z\"",
        "Y.days_of: `Z` is not an exchange with days of its own: name one that is",
    );
    check_borrowed(
        "days_of = \"X\"",
        "days_of = \"X\"\nholidays = { 2026-12-25 = \"Christmas Day\" }",
        "Y.holidays: comes from X: remove it or days_of = \"X\"",
    );
    check_borrowed(
        "half_day =",
        "#",
        "Y.half_days of X 2026-11-27 (Day after Thanksgiving): its hours have no half_day: add one to [[hours]]",
    );
}

#[test]
fn wrong_products_are_named() {
    check_borrowed(
        "exchange = \"Y\"",
        "exchange = \"Z\"",
        "products.P.exchange: `Z` has no table: add one or name another",
    );
    check_borrowed(
        "\"friday\"",
        "\"fifth friday\"",
        "products.P.expiries `fifth friday`: names no days: write `friday`, `third friday`, `last tuesday`, or `30 days before` one of these",
    );
    check_borrowed(
        "until = 2026-06-01",
        "from = 2026-06-01, until = 2026-06-01",
        "products.P.expiries `friday`: until is not after from: move one",
    );
    check_borrowed(
        "[2026-05-01, 50]",
        "[2026-01-01, 50]",
        "products.P.lots 2026-01-01: not after the entry before it: order them by date",
    );
    check_borrowed(
        "50]]",
        "0]]",
        "products.P.lots 2026-05-01: must be > 0 (is 0)",
    );
    check_borrowed(
        "[products.P]",
        "[products.PW]\nexchange = \"X\"\n[products.P]",
        "products.PW: root PW is of products.P too: leave it to one",
    );
    check(
        "[X]",
        "products = 3\n[X]",
        "products: is not a table: write [products.NAME]",
    );
}
