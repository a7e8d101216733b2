//! What an exchange says of known days, seconds around its edges, and dates off its calendar.

use super::super::{Calendars, shipped};
use super::*;

fn xnys() -> Exchange {
    shipped().exchange("XNYS").unwrap().clone()
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn instant(text: &str) -> Timestamp {
    Timestamp::from_rfc3339(text).unwrap()
}

#[track_caller]
fn check(now: &str, expected_date: &str, phase: Phase) {
    let session = xnys().at(instant(now));
    assert_eq!((session.date, session.phase), (date(expected_date), phase));
}

#[track_caller]
fn check_settlement(day: &str, settlement: Settlement, expected: Option<&str>) {
    let settled = xnys().settlement(date(day), settlement);
    assert_eq!(settled, expected.map(instant));
}

#[test]
fn an_ordinary_day_runs_through_its_phases() {
    for (time, phase) in [
        ("00:00:00", Phase::Closed),
        ("03:59:59.999", Phase::Closed),
        ("04:00:00", Phase::Pre),
        ("09:29:59.999", Phase::Pre),
        ("09:30:00", Phase::Open),
        ("15:59:59.999", Phase::Open),
        ("16:00:00", Phase::Post),
        ("19:59:59.999", Phase::Post),
        ("20:00:00", Phase::Closed),
        ("23:59:59.999", Phase::Closed),
    ] {
        check(&format!("2026-11-20T{time}-05:00"), "2026-11-20", phase);
    }
}

#[test]
fn a_half_day_closes_at_one_and_its_post_market_at_five() {
    check("2026-11-27T12:59:59-05:00", "2026-11-27", Phase::Open);
    check("2026-11-27T13:00:00-05:00", "2026-11-27", Phase::Post);
    check("2026-11-27T16:59:59-05:00", "2026-11-27", Phase::Post);
    check("2026-11-27T17:00:00-05:00", "2026-11-27", Phase::Closed);
    check_settlement("2026-12-24", Settlement::Pm, Some("2026-12-24T18:00:00Z"));
    check_settlement("2026-12-24", Settlement::Am, Some("2026-12-24T14:30:00Z"));
}

#[test]
fn the_date_is_new_yorks_and_not_utcs() {
    check("2026-11-21T00:30:00Z", "2026-11-20", Phase::Post);
    check("2026-11-21T04:59:59Z", "2026-11-20", Phase::Closed);
    check("2026-11-21T05:00:00Z", "2026-11-21", Phase::Closed);
}

#[test]
fn the_open_moves_in_utc_when_daylight_saving_does() {
    let open = |day| xnys().settlement(date(day), Settlement::Am).unwrap();
    assert_eq!(open("2026-03-06"), instant("2026-03-06T14:30:00Z"));
    assert_eq!(open("2026-03-09"), instant("2026-03-09T13:30:00Z"));
    assert_eq!(open("2026-10-30"), instant("2026-10-30T13:30:00Z"));
    assert_eq!(open("2026-11-02"), instant("2026-11-02T14:30:00Z"));
    check("2026-03-09T13:30:00Z", "2026-03-09", Phase::Open);
    check("2026-11-02T13:30:00Z", "2026-11-02", Phase::Pre);
}

#[test]
fn a_holiday_lasts_from_midnight_to_midnight() {
    check("2025-04-17T23:59:59-04:00", "2025-04-17", Phase::Closed);
    check("2025-04-18T00:00:00-04:00", "2025-04-18", Phase::Holiday);
    check("2025-04-18T23:59:59-04:00", "2025-04-18", Phase::Holiday);
    check("2025-04-19T12:00:00-04:00", "2025-04-19", Phase::Closed);
}

#[test]
fn holidays_have_names() {
    for (day, name) in [
        (
            "2025-01-09",
            "National Day of Mourning for President Carter",
        ),
        ("2025-04-18", "Good Friday"),
        ("2022-06-20", "Juneteenth (observed)"),
        ("2027-06-18", "Juneteenth (observed)"),
        ("2020-07-03", "Independence Day (observed)"),
    ] {
        assert_eq!(xnys().day(date(day)), Day::Holiday(name), "{day}");
        check_settlement(day, Settlement::Pm, None);
    }
    assert_eq!(xnys().day(date("2026-11-21")), Day::Weekend);
}

#[test]
fn juneteenth_before_2022_was_a_session() {
    check("2020-06-19T12:00:00-04:00", "2020-06-19", Phase::Open);
    check("2021-06-18T12:00:00-04:00", "2021-06-18", Phase::Open);
}

#[test]
fn a_new_years_day_on_saturday_leaves_the_friday_open() {
    check("2021-12-31T15:59:00-05:00", "2021-12-31", Phase::Open);
    check("2027-12-31T15:59:00-05:00", "2027-12-31", Phase::Open);
    check("2023-01-02T12:00:00-05:00", "2023-01-02", Phase::Holiday);
}

#[test]
fn sessions_skip_weekends_and_holidays() {
    let xnys = xnys();
    let next = |day| xnys.next_session(date(day)).unwrap();
    let previous = |day| xnys.previous_session(date(day)).unwrap();
    assert_eq!(next("2026-11-20"), date("2026-11-23"));
    assert_eq!(next("2025-01-08"), date("2025-01-10"));
    assert_eq!(next("2026-12-31"), date("2027-01-04"));
    assert_eq!(previous("2026-06-20"), date("2026-06-18"));
    assert_eq!(previous("2025-04-21"), date("2025-04-17"));
    assert_eq!(previous("2024-01-02"), date("2023-12-29"));
    assert_eq!(xnys.next_session(NaiveDate::MAX), None);
    assert_eq!(xnys.previous_session(NaiveDate::MIN), None);
}

#[test]
fn years_off_the_calendar_are_weekdays_marked_provisional() {
    for (day, provisional) in [
        ("2019-12-31", true),
        ("2020-01-02", false),
        ("2028-12-29", false),
        ("2029-01-01", true),
    ] {
        assert_eq!(xnys().is_provisional(date(day)), provisional, "{day}");
    }
    let christmas = xnys().at(instant("2029-12-25T12:00:00-05:00"));
    assert_eq!(
        (christmas.phase, christmas.provisional),
        (Phase::Open, true)
    );
    check_settlement("2019-12-24", Settlement::Pm, Some("2019-12-24T21:00:00Z"));
}

#[test]
fn the_days_edges_are_where_the_phases_change() {
    let xnys = xnys();
    let mut day = date("2019-12-30");
    while day < date("2029-01-10") {
        if let Day::Session {
            open,
            close,
            extended_open,
            extended_close,
            ..
        } = xnys.day(day)
        {
            for (edge, before, after) in [
                (extended_open, Phase::Closed, Phase::Pre),
                (open, Phase::Pre, Phase::Open),
                (close, Phase::Open, Phase::Post),
                (extended_close, Phase::Post, Phase::Closed),
            ] {
                let just_before = Timestamp::from_nanos(edge.nanos() - 1);
                assert_eq!(xnys.at(just_before).phase, before, "{day}");
                let session = xnys.at(edge);
                assert_eq!((session.date, session.phase), (day, after));
            }
        }
        day = day.succ_opt().unwrap();
    }
}

#[test]
fn what_never_closes_is_open_on_its_utc_date() {
    let calendars = shipped();
    let always = calendars.exchange("ALWAYS").unwrap();
    let sunday = always.at(instant("2026-11-21T23:30:00-05:00"));
    let expected = Session {
        date: date("2026-11-22"),
        phase: Phase::Open,
        provisional: false,
    };
    assert_eq!(sunday, expected);
    assert!(!always.is_provisional(date("2100-01-01")));
    assert_eq!(
        always.next_session(date("2026-12-31")),
        Some(date("2027-01-01"))
    );
    let settled = always.settlement(date("2026-11-22"), Settlement::Pm);
    assert_eq!(settled, Some(instant("2026-11-23T00:00:00Z")));
}

#[test]
fn hours_change_on_their_date() {
    let text = r#"
        [X]
        zone = "Asia/Kolkata"
        provisional_from = 2027-01-01
        [[X.hours]]
        from = 2025-01-01
        regular = ["09:15", "15:30"]
        extended = ["09:00", "16:00"]
        [[X.hours]]
        from = 2026-01-05
        regular = ["09:15", "15:40"]
        extended = ["09:15", "15:40"]
    "#;
    let calendars = Calendars::from_toml(text).unwrap();
    let close = |day| {
        calendars
            .exchange("X")
            .unwrap()
            .settlement(date(day), Settlement::Pm)
    };
    assert_eq!(close("2024-12-31"), Some(instant("2024-12-31T10:00:00Z")));
    assert_eq!(close("2026-01-02"), Some(instant("2026-01-02T10:00:00Z")));
    assert_eq!(close("2026-01-05"), Some(instant("2026-01-05T10:10:00Z")));
}

#[test]
fn the_ends_of_time_do_not_panic() {
    for nanos in [i64::MIN, i64::MAX] {
        let session = xnys().at(Timestamp::from_nanos(nanos));
        assert!(session.provisional);
    }
    for day in [NaiveDate::MIN, NaiveDate::MAX] {
        xnys().day(day);
        shipped().exchange("ALWAYS").unwrap().day(day);
    }
}
