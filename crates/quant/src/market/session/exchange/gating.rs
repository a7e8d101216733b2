//! Every minute of whole local days: the phase changes at the right clock times and nowhere else.

use super::super::shipped;
use super::*;

/// The minutes that a local date has, and the phase at midnight and at each clock time it changes.
fn transitions(code: &str, date: &str) -> (i64, Vec<(String, Phase)>) {
    let calendars = shipped();
    let exchange = calendars.exchange(code).unwrap();
    let date: NaiveDate = date.parse().unwrap();
    let midnight = |date: NaiveDate| {
        let local = exchange
            .zone
            .from_local_datetime(&date.and_time(NaiveTime::MIN));
        local.unwrap().timestamp() / 60
    };
    let minutes = midnight(date)..midnight(date.succ_opt().unwrap());
    let count = minutes.end - minutes.start;

    let mut changes: Vec<(String, Phase)> = Vec::new();
    for minute in minutes {
        let now = Timestamp::from_seconds(minute * 60);
        let session = exchange.at(now);
        assert_eq!(session.date, date, "{code}");
        if changes
            .last()
            .is_none_or(|(_, last)| *last != session.phase)
        {
            let local = now.utc().with_timezone(&exchange.zone);
            changes.push((local.format("%H:%M").to_string(), session.phase));
        }
        let before = Timestamp::from_nanos(now.nanos() + 60_000_000_000 - 1);
        assert_eq!(
            exchange.at(before).phase,
            session.phase,
            "{code} {before:?}"
        );
    }
    (count, changes)
}

#[track_caller]
fn check(code: &str, date: &str, minutes: i64, expected: &[(&str, Phase)]) {
    let (count, changes) = transitions(code, date);
    let changes: Vec<_> = changes
        .iter()
        .map(|(time, phase)| (time.as_str(), *phase))
        .collect();
    assert_eq!(
        (count, changes.as_slice()),
        (minutes, expected),
        "{code} {date}"
    );
}

use Phase::{Closed, Holiday, Open, Post, Pre};

const NEW_YORK: [(&str, Phase); 5] = [
    ("00:00", Closed),
    ("04:00", Pre),
    ("09:30", Open),
    ("16:00", Post),
    ("20:00", Closed),
];
const CBOE: [(&str, Phase); 5] = [
    ("00:00", Closed),
    ("04:00", Pre),
    ("09:30", Open),
    ("16:15", Post),
    ("20:00", Closed),
];
const INDIA: [(&str, Phase); 3] = [("00:00", Closed), ("09:15", Open), ("15:30", Closed)];

#[test]
fn the_sundays_of_daylight_saving_are_closed_for_23_and_25_hours() {
    for code in ["XNYS", "XCBO"] {
        check(code, "2026-03-08", 23 * 60, &[("00:00", Closed)]);
        check(code, "2026-11-01", 25 * 60, &[("00:00", Closed)]);
    }
    for sunday in ["2026-03-08", "2026-11-01"] {
        check("XNSE", sunday, 24 * 60, &[("00:00", Closed)]);
    }
}

#[test]
fn the_days_around_daylight_saving_keep_their_clock_times() {
    for day in ["2026-03-06", "2026-03-09", "2026-10-30", "2026-11-02"] {
        check("XNYS", day, 24 * 60, &NEW_YORK);
        check("XCBO", day, 24 * 60, &CBOE);
        check("XNSE", day, 24 * 60, &INDIA);
    }
}

#[test]
fn a_half_day_closes_early() {
    for day in ["2026-11-27", "2026-12-24"] {
        let closing = |close| {
            let (pre, open) = (("04:00", Pre), ("09:30", Open));
            [
                ("00:00", Closed),
                pre,
                open,
                (close, Post),
                ("17:00", Closed),
            ]
        };
        check("XNYS", day, 24 * 60, &closing("13:00"));
        check("XCBO", day, 24 * 60, &closing("13:15"));
        check("XNSE", day, 24 * 60, &INDIA);
    }
}

#[test]
fn a_holiday_lasts_all_day() {
    for (code, day) in [
        ("XNYS", "2026-11-26"),
        ("XCBO", "2026-11-26"),
        ("XCBO", "2025-01-09"),
        ("XNSE", "2026-11-24"),
        ("XBOM", "2026-01-15"),
        ("XNSE", "2029-12-25"),
    ] {
        check(code, day, 24 * 60, &[("00:00", Holiday)]);
    }
}

#[test]
fn one_exchange_trades_on_the_holiday_of_another() {
    check("XNSE", "2026-11-26", 24 * 60, &INDIA);
    check("XNYS", "2026-11-24", 24 * 60, &NEW_YORK);
    check("XCBO", "2026-11-24", 24 * 60, &CBOE);
}

#[test]
fn a_special_session_has_hours_of_its_own_on_any_day() {
    let hours = |open, close| [("00:00", Closed), (open, Open), (close, Closed)];
    for code in ["XNSE", "XBOM"] {
        // A Tuesday that is a holiday, a Sunday, a Saturday, and a Wednesday that went on.
        check(code, "2025-10-21", 24 * 60, &hours("13:45", "14:45"));
        check(code, "2026-02-01", 24 * 60, &hours("09:15", "15:30"));
        check(code, "2023-11-12", 24 * 60, &hours("18:15", "19:15"));
        check(code, "2021-02-24", 24 * 60, &hours("09:15", "17:00"));
    }
}
