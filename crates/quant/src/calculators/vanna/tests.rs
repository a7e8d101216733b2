//! What vanna exposure promises, and which contracts the dealer-flow totals are of.

use super::*;
use crate::market::Listing;
use crate::pricing::tests::{Listed, at, call, date, put};

const MONTH: &str = "2026-12-18";
const SPOT: f64 = 100.0;

fn run(listings: &[Listing<'_>]) -> (Vanna, Result<Payload, NoValue>) {
    let mut vanna = Vanna::new(DealerFlowParams::default(), Memory::default()).unwrap();
    let listed = Listed::of("GOOG", SPOT, listings);
    let says = vanna.compute((listed.options(), SessionDate(date("2026-11-20"))), at());
    (vanna, says)
}

/// −φ(d1)·d2/σ without rate and yield, of 100 units, per point.
fn of_one(strike: f64, iv: f64) -> f64 {
    let total = iv * f64::sqrt((6.0 + 28.0 * 24.0) / 8_760.0);
    let d1 = libm::log(SPOT / strike) / total + 0.5 * total;
    let density = libm::exp(-0.5 * d1 * d1) / f64::sqrt(2.0 * std::f64::consts::PI);
    -density * (d1 - total) / iv * 100.0 * 0.01
}

fn assert_near(got: f64, expected: f64) {
    assert!(
        (got / expected - 1.0).abs() < 1e-11,
        "{got}, expected {expected}"
    );
}

#[test]
fn a_book_of_two_by_hand() {
    let says = run(&[call(MONTH, 105.0, 0.3, 10.0), put(MONTH, 95.0, 0.3, 20.0)])
        .1
        .unwrap();
    let (of_call, of_put) = (10.0 * of_one(105.0, 0.3), 20.0 * of_one(95.0, 0.3));
    assert!(
        of_call > 0.0 && of_put < 0.0,
        "vanna is positive above the forward"
    );
    assert_near(
        says.total_vanna_shares_per_pct_vol.unwrap(),
        of_call + of_put,
    );
    assert_near(
        says.total_vanna_notional_per_pct_vol.unwrap(),
        (of_call + of_put) * SPOT,
    );
    let vex = says.vex_usd_per_volpt.unwrap();
    assert_near(vex.unsigned, (of_call + of_put) * SPOT);
    // Long calls and short puts out of the money gain delta as volatility rises.
    assert_near(vex.dealer_long_calls_short_puts, (of_call - of_put) * SPOT);
    assert_eq!(
        (says.samples, says.vol_beta_assumption),
        (Some(2), Some(-0.3))
    );
}

#[test]
fn the_totals_leave_out_by_reason_what_the_book_keeps() {
    let listings = [
        call(MONTH, 105.0, 0.3, 5.0),
        call(MONTH, 110.0, 0.3, 4.0),
        call("2026-12-24", 105.0, 0.3, 50.0),
        call(MONTH, 100.0, 0.019, 50.0),
        Listing {
            open_interest: None,
            ..call(MONTH, 120.0, 0.3, 0.0)
        },
        call("2026-11-13", 100.0, 0.3, 50.0),
    ];
    let (vanna, says) = run(&listings);
    let says = says.unwrap();
    let dropped = [
        ("below_sigma_floor", 1),
        ("beyond_max_expiry", 1),
        ("expired", 1),
        ("little_open_interest", 1),
        ("no_open_interest", 1),
    ];
    assert_eq!(
        vanna.counted(),
        Counted {
            used: 1,
            dropped: dropped.into()
        }
    );
    assert_near(
        says.total_vanna_shares_per_pct_vol.unwrap(),
        5.0 * of_one(105.0, 0.3),
    );
    assert!(
        says.vex_usd_per_volpt.unwrap().unsigned > says.total_vanna_notional_per_pct_vol.unwrap()
    );
    assert_eq!(
        run(&listings[1..]).1.unwrap_err().status(),
        Status::Undefined
    );
}

#[test]
fn expiries_rise_and_thirty_days_are_near() {
    let (_, says) = run(&[
        call("2026-12-20", 105.0, 0.3, 7.0),
        call(MONTH, 105.0, 0.3, 10.0),
        put(MONTH, 95.0, 0.3, 20.0),
        call("2026-11-20", 101.0, 0.3, 5.0),
    ]);
    let rows = says.unwrap().per_expiry.unwrap();
    let seen: Vec<_> = rows
        .iter()
        .map(|row| (row.expiry.as_str(), row.open_interest))
        .collect();
    assert_eq!(
        seen,
        [("20261120", 5.0), ("20261218", 30.0), ("20261220", 7.0)]
    );
    let expected = 10.0 * of_one(105.0, 0.3) + 20.0 * of_one(95.0, 0.3);
    assert_near(rows[1].vanna_shares_per_pct, expected);
    assert_near(rows[1].vanna_shares_per_pct_notional, expected * SPOT);
}

#[test]
fn settings_that_cannot_be_are_refused_by_name() {
    let params = DealerFlowParams {
        sigma_floor: -0.1,
        target_delta: 0.5,
        min_open_interest: f64::NAN,
        ..DealerFlowParams::default()
    };
    let why = Vanna::new(params, Memory::default()).err().unwrap();
    let names: Vec<&str> = why
        .lines()
        .map(|line| line.split(':').next().unwrap())
        .collect();
    assert_eq!(names, ["min_open_interest", "sigma_floor", "target_delta"]);
}
