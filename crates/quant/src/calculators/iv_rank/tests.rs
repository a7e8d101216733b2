//! What the IV rank promises: one value a session, the last one; null while there are few.

use super::*;
use crate::pricing::tests::{Listed, at, call, date, put};

const SPOT: f64 = 100.0;

/// A flat smile on two expiries that bracket thirty days.
fn flat(iv: f64) -> Listed {
    let both = |expiry: &'static str| {
        (-4..=4).flat_map(move |n| {
            let strike = SPOT + 5.0 * f64::from(n);
            [call(expiry, strike, iv, 1.0), put(expiry, strike, iv, 1.0)]
        })
    };
    let listings: Vec<_> = both("2026-12-18").chain(both("2027-01-15")).collect();
    Listed::of("GOOG", SPOT, &listings)
}

fn rank_of(sessions: usize, least: usize) -> IvRank {
    let params = Params {
        sessions,
        min_sessions: least,
        ..Params::default()
    };
    IvRank::new(params, Sessions::default()).unwrap()
}

fn day(number: u64) -> SessionDate {
    SessionDate(date("2026-11-20") + Days::new(number))
}

fn run(rank: &mut IvRank, number: u64, iv: f64) -> Payload {
    let listed = flat(iv);
    let input = (
        listed.options(),
        day(number),
        SessionClose(None),
        Usual(None),
    );
    rank.compute(input, at()).unwrap()
}

fn near(got: Option<f64>, expected: f64) -> bool {
    got.is_some_and(|got| (got - expected).abs() < 1e-9)
}

#[test]
fn the_present_value_stands_among_the_last_ones_of_the_sessions() {
    let mut rank = rank_of(252, 3);
    run(&mut rank, 0, 0.9);
    run(&mut rank, 0, 0.2);
    let warming = run(&mut rank, 1, 0.4);
    assert!(near(warming.iv, 0.4));
    assert_eq!((warming.iv_rank, warming.iv_percentile), (None, None));
    assert_eq!(warming.reason, Some(Reason::InsufficientHistory));
    assert_eq!(warming.observations, Some(2));
    let says = run(&mut rank, 2, 0.25);
    assert!(near(says.iv_rank, 0.25), "{:?}", says.iv_rank);
    assert!(near(says.iv_percentile, 1.5 / 3.0));
    assert!(near(says.iv_percentile_strict, 1.0 / 3.0));
    assert!(near(says.low, 0.2) && near(says.high, 0.4));
    assert_eq!((says.reason, says.observations), (None, Some(3)));
    // A new high is 1, not more.
    assert!(near(run(&mut rank, 2, 0.8).iv_rank, 1.0));
}

#[test]
fn what_never_moved_has_a_percentile_and_no_rank() {
    let mut rank = rank_of(252, 2);
    run(&mut rank, 0, 0.3);
    let says = run(&mut rank, 1, 0.3);
    assert_eq!((says.iv_rank, says.reason), (None, Some(Reason::Flat)));
    assert_eq!(says.iv_percentile, Some(0.5));
}

#[test]
fn the_oldest_sessions_leave_by_count_and_by_age() {
    let mut rank = rank_of(3, 2);
    for number in 0..9 {
        run(&mut rank, number, 0.2 + 0.01 * number as f64);
    }
    assert_eq!(rank.state().0.len(), 3);
    let later = run(&mut rank, 400, 0.3);
    assert_eq!(
        later.observations,
        Some(1),
        "a year ago is no window of three"
    );
}

#[test]
fn between_two_sessions_nothing_is_kept() {
    let mut rank = rank_of(252, 2);
    let listed = flat(0.3);
    let tomorrow = Timestamp::from_rfc3339("2026-11-23T16:00:00-05:00").unwrap();
    let input = (
        listed.options(),
        day(0),
        SessionClose(Some(tomorrow)),
        Usual(None),
    );
    rank.compute(input, at()).unwrap();
    assert!(rank.state().0.is_empty());
    let tonight = Timestamp::from_rfc3339("2026-11-20T16:00:00-05:00").unwrap();
    let input = (
        listed.options(),
        day(0),
        SessionClose(Some(tonight)),
        Usual(None),
    );
    rank.compute(input, at()).unwrap();
    assert_eq!(rank.state().0.len(), 1);
}

#[test]
fn a_maturity_beyond_the_expiries_has_no_rank() {
    let listed = flat(0.3);
    let params = Params {
        days: 90.0,
        ..Params::default()
    };
    let mut rank = IvRank::new(params, Sessions::default()).unwrap();
    let input = (listed.options(), day(0), SessionClose(None), Usual(None));
    assert_eq!(
        rank.compute(input, at()).unwrap_err().status(),
        Status::Undefined
    );
}

#[test]
fn sessions_that_it_did_not_see_are_those_that_were_kept() {
    let mut rank = rank_of(252, 3);
    run(&mut rank, 0, 0.4);
    let kept = |number, iv, days| (day(number).0, PastVolatility { iv, days });
    let volatilities = [kept(0, 0.9, 30.0), kept(1, 0.2, 30.0), kept(2, 9.9, 30.0)];
    let marks = [0, 1_800].map(Timestamp::from_seconds);
    let past = crate::baseline::Past::default();
    let baseline = past.baseline(day(2).0, marks[0], marks, volatilities.into());
    let listed = flat(0.25);
    let usual = Usual(Some(&baseline));
    let input = (listed.options(), day(2), SessionClose(None), usual);
    let says = rank.compute(input, at()).unwrap();
    // Its own 0.4 of the first session stands, and a present session is nobody's past.
    assert!(near(says.low, 0.2) && near(says.high, 0.4));
    assert!(near(says.iv_rank, 0.25), "{:?}", says.iv_rank);
    assert_eq!(says.observations, Some(3));
}

#[test]
fn sessions_of_another_maturity_are_nobodys_past() {
    let mut rank = rank_of(252, 3);
    let of_sixty = PastVolatility {
        iv: 0.2,
        days: 60.0,
    };
    let volatilities = [(day(0).0, of_sixty), (day(1).0, of_sixty)];
    let marks = [0, 1_800].map(Timestamp::from_seconds);
    let past = crate::baseline::Past::default();
    let baseline = past.baseline(day(2).0, marks[0], marks, volatilities.into());
    let listed = flat(0.25);
    let usual = Usual(Some(&baseline));
    let input = (listed.options(), day(2), SessionClose(None), usual);
    let says = rank.compute(input, at()).unwrap();
    assert_eq!(says.observations, Some(1));
}
