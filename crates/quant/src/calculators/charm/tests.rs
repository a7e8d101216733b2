//! What charm exposure promises.

use super::*;
use crate::market::Listing;
use crate::pricing::tests::{Listed, at, call, date, put};

const TODAY: &str = "2026-11-20";
const MONTH: &str = "2026-12-18";
const SPOT: f64 = 100.0;

fn of(listed: &Listed, close: Option<Timestamp>) -> Payload {
    let mut charm = Charm::new(DealerFlowParams::default(), Memory::default()).unwrap();
    let options = Options {
        close,
        ..listed.options()
    };
    charm
        .compute((options, SessionDate(date(TODAY))), at())
        .unwrap()
}

fn listed(listings: &[Listing<'_>]) -> Listed {
    Listed::of("GOOG", SPOT, listings)
}

/// N(d1) without rate and yield, so many hours before the close.
fn delta(strike: f64, iv: f64, hours: f64) -> f64 {
    let total = iv * f64::sqrt(hours / 8_760.0);
    let d1 = libm::log(SPOT / strike) / total + 0.5 * total;
    0.5 * libm::erfc(-d1 / f64::sqrt(2.0))
}

fn assert_near(got: f64, expected: f64, part: f64) {
    assert!(
        (got / expected - 1.0).abs() < part,
        "{got}, expected {expected}"
    );
}

#[test]
fn a_call_and_a_put_out_of_the_money_lose_their_deltas() {
    let says = of(&listed(&[call(MONTH, 105.0, 0.3, 10.0)]), None);
    // φ(d1)·d2/(2T) a year, over 365.
    let t = (6.0 + 28.0 * 24.0) / 8_760.0;
    let total = 0.3 * f64::sqrt(t);
    let d1 = libm::log(SPOT / 105.0) / total + 0.5 * total;
    let density = libm::exp(-0.5 * d1 * d1) / f64::sqrt(2.0 * std::f64::consts::PI);
    let expected = density * (d1 - total) / (2.0 * t) / 365.0 * 10.0 * 100.0;
    assert!(expected < 0.0);
    assert_near(says.total_charm_shares_per_day.unwrap(), expected, 1e-11);
    assert_near(
        says.total_charm_notional_per_day.unwrap(),
        expected * SPOT,
        1e-11,
    );
    assert_near(
        says.chex_usd_per_day.unwrap().unsigned,
        expected * SPOT,
        1e-11,
    );
    let row = &says.per_expiry.unwrap()[0];
    assert_eq!((row.expiry.as_str(), row.open_interest), ("20261218", 10.0));
    let of_put = of(&listed(&[put(MONTH, 95.0, 0.3, 10.0)]), None);
    assert!(of_put.total_charm_shares_per_day.unwrap() > 0.0);
}

#[test]
fn the_drift_is_exact_up_to_the_last_minute() {
    let listed = listed(&[call(TODAY, 101.0, 0.2, 10.0)]);
    let close = listed.chain.series[0].settles_at;
    let says = of(&listed, Some(close));
    let drift = says.delta_drift.unwrap();
    let now = delta(101.0, 0.2, 6.0);
    let dollars = |later: f64| (later - now) * 10.0 * 100.0 * SPOT;
    assert_near(drift.m15.unsigned, dollars(delta(101.0, 0.2, 5.75)), 1e-10);
    assert_near(drift.m60.unsigned, dollars(delta(101.0, 0.2, 5.0)), 1e-10);
    assert_near(drift.close.unwrap().unsigned, dollars(0.0), 1e-10);
    assert_eq!(drift.m15.dealer_long_calls_short_puts, drift.m15.unsigned);
}

#[test]
fn in_the_money_delta_drifts_to_one_at_the_close() {
    let listed = listed(&[call(TODAY, 99.0, 0.2, 10.0)]);
    let says = of(&listed, Some(listed.chain.series[0].settles_at));
    let expected = (1.0 - delta(99.0, 0.2, 6.0)) * 10.0 * 100.0 * SPOT;
    assert_near(
        says.delta_drift.unwrap().close.unwrap().unsigned,
        expected,
        1e-10,
    );
}

#[test]
fn a_close_that_is_not_known_or_past_has_no_drift() {
    let listed = listed(&[call(MONTH, 101.0, 0.2, 10.0)]);
    assert_eq!(of(&listed, None).delta_drift.unwrap().close, None);
    assert_eq!(of(&listed, Some(at())).delta_drift.unwrap().close, None);
}
