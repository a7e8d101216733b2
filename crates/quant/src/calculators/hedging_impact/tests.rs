//! What hedging impact promises.

use super::*;
use crate::calculator::Status;
use crate::market::Listing;
use crate::pricing::tests::{Listed, at, call, put};

const MONTH: &str = "2026-12-18";
const SPOT: f64 = 100.0;

fn run(listings: &[Listing<'_>], average_daily_volume: Option<f64>) -> Result<Payload, NoValue> {
    let mut impact = HedgingImpact::new(DealerFlowParams::default(), ()).unwrap();
    let mut listed = Listed::of("GOOG", SPOT, listings);
    listed.average_daily_volume = average_daily_volume;
    impact.compute(listed.options(), at())
}

/// Shares per +1 % of one contract without rate and yield: of gamma, and of vanna at −0.3 points.
fn of_one(strike: f64, iv: f64) -> (f64, f64) {
    let total = iv * f64::sqrt((6.0 + 28.0 * 24.0) / 8_760.0);
    let d1 = libm::log(SPOT / strike) / total + 0.5 * total;
    let density = libm::exp(-0.5 * d1 * d1) / f64::sqrt(2.0 * std::f64::consts::PI);
    let gamma = density / (SPOT * total) * SPOT * 0.01 * 100.0;
    let vanna = -density * (d1 - total) / iv * 0.01 * -0.3 * 100.0;
    (gamma, vanna)
}

fn assert_near(got: f64, expected: f64) {
    assert!(
        (got / expected - 1.0).abs() < 1e-11,
        "{got}, expected {expected}"
    );
}

#[test]
fn a_book_of_two_by_hand() {
    let says = run(
        &[call(MONTH, 105.0, 0.3, 10.0), put(MONTH, 95.0, 0.3, 20.0)],
        None,
    )
    .unwrap();
    let ((call_g, call_v), (put_g, put_v)) = (of_one(105.0, 0.3), of_one(95.0, 0.3));
    let (gamma, vanna) = (10.0 * call_g + 20.0 * put_g, 10.0 * call_v + 20.0 * put_v);
    assert_near(says.gamma_component_shares.unwrap(), gamma);
    assert_near(says.vanna_component_shares.unwrap(), vanna);
    assert_near(says.shares_per_pct_move.unwrap(), gamma + vanna);
    assert_near(says.notional_per_pct_move.unwrap(), (gamma + vanna) * SPOT);
    let signed = says.signed.unwrap();
    let naive = 10.0 * (call_g + call_v) - 20.0 * (put_g + put_v);
    assert_near(
        signed.shares_per_pct_move.dealer_long_calls_short_puts,
        naive,
    );
    assert_near(
        signed
            .hedge_shares_per_pct_move
            .dealer_long_calls_short_puts,
        -naive,
    );
    assert_near(
        signed.hedge_notional_per_pct_move.unsigned,
        -(gamma + vanna) * SPOT,
    );
    let row = &says.per_expiry.unwrap()[0];
    assert_eq!((row.expiry.as_str(), row.open_interest), ("20261218", 30.0));
    assert_near(row.gamma_shares_per_pct, gamma);
    assert_near(row.gamma_shares_per_pct_notional, gamma * SPOT);
    assert_eq!(says.samples, Some(2));
}

#[test]
fn what_needs_the_daily_volume_is_null_without_it() {
    let says = run(&[call(MONTH, 105.0, 0.3, 10.0)], None).unwrap();
    assert_eq!((says.pct_adv_per_pct_move, says.impact_bps), (None, None));
}

#[test]
fn the_square_root_law_dampens_a_long_book_and_feeds_a_short_one() {
    let says = run(&[put(MONTH, 100.0, 0.3, 1_000.0)], Some(1e6)).unwrap();
    let shares = says.shares_per_pct_move.unwrap();
    assert!(shares > 0.0);
    assert_near(says.pct_adv_per_pct_move.unwrap(), 100.0 * shares / 1e6);
    let impact = says.impact_bps.unwrap();
    assert_eq!((impact.model.as_str(), impact.y), ("square_root", 0.7));
    assert_near(impact.sigma_daily, 0.3 / f64::sqrt(252.0));
    let bps = 0.7 * 0.3 / f64::sqrt(252.0) * f64::sqrt(shares / 1e6) * 1e4;
    assert_near(impact.bps.unsigned, -bps);
    assert_near(impact.bps.dealer_long_calls_short_puts, bps);
    // One per cent is a hundred basis points.
    assert_near(
        impact.feedback_gain.dealer_long_calls_short_puts,
        bps / 100.0,
    );
}

#[test]
fn without_a_contract_near_there_is_no_impact() {
    let far = run(&[call("2027-06-18", 105.0, 0.3, 10.0)], None);
    assert_eq!(far.unwrap_err().status(), Status::Undefined);
}
