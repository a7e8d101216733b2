//! What a baseline promises: usual volumes by the time of day, closes of the session before, nothing damaged.

use super::*;
use crate::market::{Settlement, Style};

fn day(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, day).unwrap()
}

fn stood(strike: f64, right: Right, volume: f64) -> Stood {
    Stood {
        expiry: day(20),
        root: "SPY".to_owned(),
        strike,
        right,
        volume: Some(volume),
        open_interest: Some(10.0 * volume),
        price: Some(1.25),
    }
}

fn series(root: &str) -> Series {
    Series {
        root: root.into(),
        expiry: day(20),
        settlement: Settlement::Pm,
        settles_at: Timestamp::from_seconds(0),
        style: Style::American,
        monthly: true,
        contracts: 0..0,
    }
}

const OPEN: Timestamp = Timestamp::from_seconds(400);
const MARKS: [Timestamp; 2] = [
    Timestamp::from_seconds(1_000),
    Timestamp::from_seconds(2_800),
];

/// Six sessions in which the volume by the second time was 0, 10, 20, 30, 40 and 500, half of it by
/// the first.
fn past() -> Past {
    let mut past = Past::default();
    for volume in [0.0, 10.0, 20.0, 30.0, 40.0, 500.0] {
        let from = [stood(500.0, Right::Call, volume / 2.0)];
        let to = [
            stood(500.0, Right::Call, volume),
            stood(500.0, Right::Put, volume),
        ];
        past.add(Some(&from), &to);
    }
    past
}

#[test]
fn the_usual_volume_is_that_of_past_sessions_by_the_time_of_day() {
    let baseline = past().baseline(day(19), OPEN, MARKS, BTreeMap::new());
    assert_eq!(baseline.check(), Ok(()));
    let call = baseline
        .contract(&series("SPY"), Right::Call, 500.0)
        .unwrap();
    let at = |seconds| {
        baseline
            .volume(call, Timestamp::from_seconds(seconds))
            .unwrap()
    };
    // By hand: mean 600/6; the deviations from the median of 25 are 25, 15, 5, 5, 15, 475.
    let second = at(2_800);
    assert_eq!(
        (second.mean, second.median, second.mad),
        (100.0, 25.0, 15.0)
    );
    let first = at(1_000);
    assert_eq!((first.mean, first.median, first.mad), (50.0, 12.5, 7.5));
    assert_eq!(at(1_900).mean, 75.0);
    assert_eq!((at(700).mean, at(9_000).mean), (50.0, 100.0));
    let early = baseline.volume(call, Timestamp::from_seconds(699));
    assert_eq!(early, None, "the first five minutes");
    // The put was not listed by the first time of any session.
    let put = baseline
        .contract(&series("SPY"), Right::Put, 500.0)
        .unwrap();
    assert_eq!(put.volume.unwrap()[0].mean, 0.0);
    assert!(
        baseline
            .contract(&series("SPXW"), Right::Call, 500.0)
            .is_none()
    );
    assert!(
        baseline
            .contract(&series("SPY"), Right::Call, 501.0)
            .is_none()
    );
}

#[test]
fn a_contract_of_few_sessions_has_no_usual_volume() {
    let mut past = Past::default();
    for _ in 0..4 {
        past.add(None, &[stood(500.0, Right::Call, 10.0)]);
    }
    let empty = past.baseline(day(19), OPEN, MARKS, BTreeMap::new());
    assert_eq!((empty.series.len(), empty.previous_session), (0, None));
}

#[test]
fn a_session_of_which_the_first_time_is_not_known_does_not_count() {
    let mut past = Past::default();
    let mut other = stood(500.0, Right::Call, 10.0);
    other.root = "SPXW".to_owned();
    for _ in 0..9 {
        past.add(Some(&[]), &[stood(500.0, Right::Call, 10.0)]);
        past.add(Some(&[other.clone()]), &[stood(500.0, Right::Call, 10.0)]);
    }
    let empty = past.baseline(day(19), OPEN, MARKS, BTreeMap::new());
    assert_eq!(empty.series.len(), 0);
    let mut past = Past::default();
    for _ in 0..5 {
        past.add(None, &[stood(500.0, Right::Call, 10.0)]);
    }
    let baseline = past.baseline(day(19), OPEN, MARKS, BTreeMap::new());
    let volume = baseline.series[0].contracts[0].volume.unwrap();
    assert_eq!((volume[0].mean, volume[1].mean), (0.0, 10.0));
}

#[test]
fn what_was_open_at_the_end_of_the_session_before_is_known_without_a_usual_volume() {
    let mut past = past();
    let mut expired = stood(400.0, Right::Put, 3.0);
    expired.expiry = day(18);
    past.ended(day(18), vec![stood(510.0, Right::Put, 3.0), expired]);
    let baseline = past.baseline(day(19), OPEN, MARKS, BTreeMap::new());
    assert_eq!(baseline.check(), Ok(()));
    let put = baseline
        .contract(&series("SPY"), Right::Put, 510.0)
        .unwrap();
    assert_eq!((put.open_interest, put.volume), (Some(30.0), None));
    assert_eq!(baseline.previous_session, Some(day(18)));
    let strikes: Vec<f64> = baseline.series[0]
        .contracts
        .iter()
        .map(|c| c.strike)
        .collect();
    assert_eq!(
        (baseline.series.len(), strikes),
        (1, vec![500.0, 500.0, 510.0])
    );
}

#[test]
fn it_is_read_back_as_it_was_written_and_nothing_damaged_is_taken() {
    let mut past = past();
    past.ended(day(18), vec![stood(510.0, Right::Put, 3.0)]);
    let volatility = PastVolatility {
        iv: 0.1 + 0.2,
        days: 30.0,
    };
    let volatilities = BTreeMap::from([(day(18), volatility)]);
    let baseline = past.baseline(day(19), OPEN, MARKS, volatilities);
    let text = serde_json::to_string(&baseline).unwrap();
    let back: Baseline = serde_json::from_str(&text).unwrap();
    assert_eq!(back, baseline);
    let mut twice = baseline.clone();
    twice.series.push(twice.series[0].clone());
    assert_eq!(twice.check(), Err("bad_order"));
    let mut negative = baseline.clone();
    negative.series[0].contracts[0].price = Some(-1.0);
    assert_eq!(negative.check(), Err("bad_number"));
    let mut backwards = baseline;
    backwards.to = backwards.from;
    assert_eq!(backwards.check(), Err("bad_order"));
}
