//! Which series make an index, and when there is none.

use super::super::clock::ClockClose;
use super::*;
use crate::market::{Calendars, ChainBuilder, Head, Listing, shipped};

const RATES: RateCurve = RateCurve::Flat(0.0);

fn terms() -> Terms<'static> {
    Terms {
        rates: &RATES,
        min_strikes: MIN_STRIKES,
    }
}

fn at(text: &str) -> Timestamp {
    Timestamp::from_rfc3339(text).unwrap()
}

/// Thirteen strikes around 6000 for each root and expiry, each side of K0 as dear as it is wide.
fn chain(calendars: &Calendars, series: &[(&str, &str)]) -> Chain {
    let mut builder = ChainBuilder::new(calendars, "SPX", "XNYS");
    for (root, expiry) in series {
        for step in -6..=6 {
            let away = 10.0 * f64::from(step);
            let value = 20.0 - 0.3 * away.abs();
            for (right, intrinsic) in [(Right::Call, (-away).max(0.0)), (Right::Put, away.max(0.0))]
            {
                builder.push(Listing {
                    root: Some(root),
                    bid: Some(value + intrinsic - 0.1),
                    ask: Some(value + intrinsic + 0.1),
                    ..Listing::new(expiry.parse().unwrap(), right, 6_000.0 + away)
                });
            }
        }
    }
    builder.finish(Head::default())
}

fn vix1d(series: &[(&str, &str)], time: &str) -> Result<OneDayIndex, NoIndex> {
    let calendars = shipped();
    let exchange = calendars.exchange("XCBO").unwrap();
    let clock = BusinessClock::new(exchange, ClockClose::SessionEnd);
    let chain = chain(&calendars, series);
    one_day(
        &chain,
        at(time),
        &clock,
        terms(),
        &mut NearMemory::default(),
    )
}

fn vix(series: &[(&str, &str)], time: &str) -> Result<(NaiveDate, Box<str>, NaiveDate), NoIndex> {
    let calendars = shipped();
    let product = calendars.product("SPX", "XNYS").unwrap();
    let got = thirty_day(&chain(&calendars, series), &product, at(time), terms())?;
    Ok((got.near.expiry, got.next.root, got.next.expiry))
}

#[test]
fn outside_of_its_hours_there_is_no_one_day_index() {
    let series = [("SPXW", "2026-11-18"), ("SPXW", "2026-11-19")];
    for time in ["2026-11-18T09:29:00-05:00", "2026-11-18T16:16:00-05:00"] {
        assert_eq!(vix1d(&series, time), Err(NoIndex::OutsideHours));
    }
    assert!(vix1d(&series, "2026-11-18T12:00:00-05:00").is_ok());
}

#[test]
fn once_the_series_of_today_have_settled_the_next_stands_alone() {
    let series = [("SPXW", "2026-11-18"), ("SPXW", "2026-11-19")];
    let got = vix1d(&series, "2026-11-18T16:00:00-05:00").unwrap();
    assert_eq!(got.near, None);
    assert_eq!(got.value, 100.0 * got.next.variance.sqrt());
    assert_eq!(got.components.one_dte, Some(got.value));
    assert_eq!(
        (got.components.zero_dte, got.components.forward),
        (None, None)
    );
    assert_eq!(got.next.minutes, 420.0);
}

#[test]
fn series_that_settle_on_opening_prints_are_none_of_the_one_day_index() {
    let series = [("SPX", "2026-11-20"), ("SPXW", "2026-11-23")];
    let time = "2026-11-20T12:00:00-05:00";
    assert_eq!(vix1d(&series, time), Err(NoIndex::NoNearSeries));
    assert_eq!(vix1d(&series[..1], time), Err(NoIndex::NoNextSeries));
}

#[test]
fn in_the_last_hour_without_memory_the_present_variance_is_used() {
    let series = [("SPXW", "2026-11-18"), ("SPXW", "2026-11-19")];
    let got = vix1d(&series, "2026-11-18T15:30:00-05:00").unwrap();
    assert!(!got.near.unwrap().is_frozen());
}

#[test]
fn a_held_variance_of_another_day_is_not_used() {
    let calendars = shipped();
    let exchange = calendars.exchange("XCBO").unwrap();
    let clock = BusinessClock::new(exchange, ClockClose::SessionEnd);
    let days = ["2026-11-18", "2026-11-19", "2026-11-20"].map(|day| ("SPXW", day));
    let chain = chain(&calendars, &days);
    let mut memory = NearMemory::default();
    let frozen = |memory: &mut NearMemory, time: &str| {
        let got = one_day(&chain, at(time), &clock, terms(), memory).unwrap();
        got.near.unwrap().is_frozen()
    };
    assert!(!frozen(&mut memory, "2026-11-18T15:15:00-05:00"));
    assert!(frozen(&mut memory, "2026-11-18T15:15:01-05:00"));
    assert!(!frozen(&mut memory, "2026-11-19T15:30:00-05:00"));
}

#[test]
fn a_term_with_too_few_strikes_is_named() {
    let series = [("SPXW", "2026-11-18"), ("SPXW", "2026-11-19")];
    let calendars = shipped();
    let clock = BusinessClock::new(calendars.exchange("XCBO").unwrap(), ClockClose::SessionEnd);
    let chain = chain(&calendars, &series);
    let terms = Terms {
        min_strikes: 7,
        ..terms()
    };
    let noon = at("2026-11-18T12:00:00-05:00");
    let why = one_day(&chain, noon, &clock, terms, &mut NearMemory::default()).unwrap_err();
    let expected = "the near term has no variance: too few strikes quoted (6 puts, 6 calls)";
    assert_eq!(why.to_string(), expected);
}

#[test]
fn the_30_day_index_takes_fridays_and_of_the_third_one_the_monthly_series() {
    let series = [
        ("SPXW", "2026-11-11"),
        ("SPXW", "2026-11-13"),
        ("SPXW", "2026-11-16"),
        ("SPX", "2026-11-20"),
        ("SPXW", "2026-11-20"),
        ("SPXW", "2026-11-27"),
    ];
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    // Thursday: 29, 36 and 43 days ahead.
    assert_eq!(
        vix(&series, "2026-10-15T10:00:00-04:00"),
        Ok((day("2026-11-13"), "SPX".into(), day("2026-11-20")))
    );
    // Wednesday: what expires in 30 days is near, in 37 next.
    assert_eq!(
        vix(&series, "2026-10-21T10:00:00-04:00"),
        Ok((day("2026-11-20"), "SPXW".into(), day("2026-11-27")))
    );
    // Tuesday: 24 and 31 days ahead.
    assert_eq!(
        vix(&series, "2026-10-20T10:00:00-04:00"),
        Ok((day("2026-11-13"), "SPX".into(), day("2026-11-20")))
    );
    let early = "2026-09-01T10:00:00-04:00";
    assert_eq!(vix(&series, early), Err(NoIndex::NoNearSeries));
    let late = "2026-10-30T10:00:00-04:00";
    assert_eq!(vix(&series, late), Err(NoIndex::NoNextSeries));
}
