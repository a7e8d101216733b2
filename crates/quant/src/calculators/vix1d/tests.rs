//! The source that speaks for now is chosen, sources are not mixed, and what ends says so.

use super::*;
use crate::pricing::usual_rate;
use crate::universe::Volatility;

const SESSIONS: &str = include_str!("../../../../../config/sessions.toml");

fn params(sources: &[&str]) -> Params {
    Params {
        sources: sources.iter().map(|name| (*name).to_owned()).collect(),
        chain_max_age_seconds: 900.0,
        delayed_max_age_seconds: 1_800.0,
        manual_max_age_seconds: 3_600.0,
        history_window: 10,
        min_samples: 2,
        thresholds: Thresholds::default(),
        change_thresholds: ChangeThresholds::default(),
        hysteresis: 1.0,
        clock_close: ClockClose::default(),
    }
}

fn vix1d(sources: &[&str]) -> Vix1d {
    Vix1d::new(params(sources), State::default()).unwrap()
}

fn at(text: &str) -> Timestamp {
    Timestamp::from_rfc3339(text).unwrap()
}

fn reading(source: Origin, value: f64, observed: &str) -> Reading {
    Reading {
        source,
        value,
        observed_at: at(observed),
        fetched_at: at(observed),
        delayed: matches!(source, Origin::Cboe | Origin::Yahoo),
    }
}

fn universe(readings: &[Reading]) -> Universe {
    Universe {
        volatility: Volatility {
            calendars: Some(std::sync::Arc::new(Calendars::from_toml(SESSIONS).unwrap())),
            rates: usual_rate("USD"),
            readings: readings.to_vec(),
            chain: None,
        },
        ..Universe::default()
    }
}

fn told(calculator: &mut Vix1d, readings: &[Reading], now: &str) -> Told<Payload> {
    let mut told = calculator.compute(&universe(readings), at(now));
    assert_eq!(told.len(), 1);
    told.remove(0)
}

#[test]
fn the_first_source_that_speaks_for_now_is_taken() {
    let mut calculator = vix1d(&["ibkr", "yahoo"]);
    let readings = [
        reading(Origin::Yahoo, 11.0, "2026-11-18T15:00:00Z"),
        reading(Origin::Ibkr, 12.0, "2026-11-18T15:10:00Z"),
        reading(Origin::Manual, 13.0, "2026-11-18T15:10:00Z"),
    ];
    let value = |calculator: &mut Vix1d, now: &str| {
        let told = told(calculator, &readings, now);
        (told.payload.value, told.payload.source, told.status)
    };
    let (value_now, source, status) = value(&mut calculator, "2026-11-18T15:15:00Z");
    assert_eq!(
        (value_now, source.as_deref(), status),
        (Some(12.0), Some("ibkr"), Status::Ok)
    );
    let (value_now, source, _) = value(&mut calculator, "2026-11-18T15:15:01Z");
    assert_eq!((value_now, source.as_deref()), (Some(11.0), Some("yahoo")));
    let (value_now, source, _) = value(&mut calculator, "2026-11-18T15:30:01Z");
    assert_eq!((value_now, source.as_deref()), (Some(13.0), Some("manual")));
    let (value_now, source, status) = value(&mut calculator, "2026-11-18T17:00:00Z");
    assert_eq!((value_now, source, status), (None, None, Status::Stale));
}

#[test]
fn a_daily_close_speaks_until_the_next_open_and_not_beyond() {
    let mut calculator = vix1d(&["cboe"]);
    // Friday's close, at 16:15 in New York.
    let close = [reading(Origin::Cboe, 14.5, "2026-11-20T21:15:00Z")];
    let of = |calculator: &mut Vix1d, now: &str| told(calculator, &close, now);
    let evening = of(&mut calculator, "2026-11-21T03:00:00Z");
    assert_eq!(evening.payload.value, Some(14.5));
    assert_eq!(evening.payload.delayed, Some(true));
    assert_eq!(
        of(&mut calculator, "2026-11-23T14:29:00Z").status,
        Status::Ok
    );
    let monday = of(&mut calculator, "2026-11-23T14:31:00Z");
    assert_eq!((monday.payload.value, monday.status), (None, Status::Stale));
    let reason = monday.reason.unwrap();
    assert!(reason.contains("cboe: the close of 2026-11-20"), "{reason}");
}

#[test]
fn sources_have_histories_of_their_own() {
    let mut calculator = vix1d(&["ibkr", "yahoo"]);
    for minute in 0..8 {
        let now = format!("2026-11-18T15:0{minute}:00Z");
        let readings = [
            reading(Origin::Ibkr, 20.0 + f64::from(minute), &now),
            reading(Origin::Yahoo, 90.0, &now),
        ];
        let told = told(&mut calculator, &readings, &now);
        assert_eq!(told.payload.samples, Some(minute as usize));
        let history = told.notes.iter().find_map(|note| match note {
            Note::History { value, .. } => Some(String::from_utf8(value.clone()).unwrap()),
            Note::SourceLast { .. } | Note::SourceHistory { .. } => None,
        });
        assert!(history.unwrap().contains("\"ibkr\""));
        if minute == 7 {
            // 27 against 22 five minutes before: a rise of five is a shock.
            assert_eq!(told.payload.change_5m, Some(5.0));
            assert_eq!(told.payload.regime.unwrap().as_str(), "SHOCK");
            assert_eq!(told.payload.mean, Some(23.0));
            assert_eq!(told.payload.percentile, Some(1.0));
        }
    }
    let later = "2026-11-18T15:08:00Z";
    let only = [reading(Origin::Yahoo, 91.0, later)];
    let told = told(&mut calculator, &only, later);
    assert_eq!(told.payload.source.as_deref(), Some("yahoo"));
    assert_eq!(
        told.payload.mean,
        Some(90.0),
        "no sample of the other source"
    );
}

#[test]
fn the_same_observation_is_no_second_sample() {
    let mut calculator = vix1d(&["yahoo"]);
    let readings = [reading(Origin::Yahoo, 11.0, "2026-11-18T15:00:00Z")];
    for minute in 1..6 {
        let now = format!("2026-11-18T15:0{minute}:00Z");
        let told = told(&mut calculator, &readings, &now);
        assert_eq!(told.payload.samples, Some(0));
        assert_eq!(told.notes.len(), usize::from(minute == 1));
    }
}

#[test]
fn an_overnight_jump_is_no_five_minute_rise() {
    let mut calculator = vix1d(&["ibkr"]);
    let evening = "2026-11-18T21:14:00Z";
    told(
        &mut calculator,
        &[reading(Origin::Ibkr, 12.0, evening)],
        evening,
    );
    let morning = "2026-11-19T14:31:00Z";
    let told = told(
        &mut calculator,
        &[reading(Origin::Ibkr, 19.0, morning)],
        morning,
    );
    assert_eq!(
        (told.payload.change_5m, told.payload.change_1h),
        (None, None)
    );
    assert_eq!(told.payload.regime.unwrap().as_str(), "NORMAL");
}

#[test]
fn a_memory_that_was_saved_goes_on() {
    let mut calculator = vix1d(&["ibkr"]);
    for minute in 0..4 {
        let now = format!("2026-11-18T15:0{minute}:00Z");
        told(&mut calculator, &[reading(Origin::Ibkr, 12.0, &now)], &now);
    }
    let saved = serde_json::to_value(calculator.state()).unwrap();
    let state: State = serde_json::from_value(saved).unwrap();
    let mut restored = Vix1d::new(params(&["ibkr"]), state).unwrap();
    let now = "2026-11-18T15:04:00Z";
    let readings = [reading(Origin::Ibkr, 13.0, now)];
    let (a, b) = (
        told(&mut calculator, &readings, now),
        told(&mut restored, &readings, now),
    );
    assert_eq!(a.payload, b.payload);
    assert_eq!(a.payload.samples, Some(4));
}

#[test]
fn a_source_nobody_knows_is_named() {
    let refused = Vix1d::new(params(&["bloomberg"]), State::default()).map(drop);
    assert_eq!(refused, Err("sources: bloomberg is none".to_owned()));
}
