//! What max pain promises of a chain; its numbers are in the suite.

use super::*;
use crate::market::Listing;
use crate::pricing::tests::{Listed, at, call, date, put};

fn of(spot: f64, listings: &[Listing<'_>]) -> Result<Payload, NoValue> {
    let listed = Listed::of("GOOG", spot, listings);
    let chain = &listed.chain;
    let mut pain = MaxPain::new((), ()).unwrap();
    pain.compute(ChainAtSpot { chain, spot }, at())
}

#[test]
fn each_expiry_has_its_own_strike_distance_and_curve() {
    let listings = [
        call("2026-12-18", 90.0, 0.3, 10.0),
        put("2026-12-18", 90.0, 0.3, 5.0),
        call("2026-12-18", 100.0, 0.3, 20.0),
        put("2026-12-18", 110.0, 0.3, 40.0),
        put("2027-01-15", 80.0, 0.3, 0.0),
    ];
    let says = of(96.0, &listings).unwrap();
    let [near, far] = <[ExpiryPain; 2]>::try_from(says.by_expiry.unwrap()).unwrap();
    assert_eq!(
        (near.expiry, near.max_pain_strike),
        (date("2026-12-18"), Some(110.0))
    );
    // Contracts of a hundred: calls 90 and 100 in the money by 20 and 10.
    assert_eq!(near.payout, Some(100.0 * (20.0 * 10.0 + 10.0 * 20.0)));
    let payouts: Vec<_> = near.curve.iter().map(|p| (p.strike, p.payout)).collect();
    assert_eq!(
        payouts,
        [(90.0, 80_000.0), (100.0, 50_000.0), (110.0, 40_000.0)]
    );
    assert_eq!((near.distance, near.tie_range), (Some(14.0), vec![110.0]));
    assert!((near.distance_pct.unwrap() - 100.0 * 14.0 / 96.0).abs() < 1e-12);
    // Below it pays 1,000 a point less than above: 40 puts less 30 calls, of 75.
    assert!((near.pain_gradient.unwrap() - 10.0 / 75.0).abs() < 1e-15);
    assert_eq!((near.call_oi, near.put_oi), (30.0, 45.0));
    assert_eq!((far.max_pain_strike, far.distance), (None, None));
    assert_eq!(far.reason.as_deref(), Some("no_open_interest"));
    assert!(far.curve.is_empty() && far.tie_range.is_empty());
}

#[test]
fn a_chain_on_which_nothing_is_open_has_no_pain() {
    let refused = of(96.0, &[call("2026-12-18", 90.0, 0.3, 0.0)]).unwrap_err();
    assert_eq!(refused.status(), Status::Undefined);
}
