//! What expected moves promise; their formulas are in the suite.

use super::*;
use crate::calculator::Status;
use crate::market::Listing;
use crate::pricing::tests::{Listed, at, call, date, put};

const SPOT: f64 = 100.0;

/// A flat smile with quotes at the money.
fn quoted() -> Vec<Listing<'static>> {
    let strikes = (-6..=6).map(|n| SPOT + 5.0 * f64::from(n));
    let mut all: Vec<Listing<'_>> = strikes
        .flat_map(|strike| {
            [
                call("2026-12-18", strike, 0.3, 1.0),
                put("2026-12-18", strike, 0.3, 1.0),
            ]
        })
        .collect();
    for listing in all.iter_mut().filter(|l| l.strike == SPOT) {
        (listing.bid, listing.ask) = (Some(3.2), Some(3.4));
        listing.last = Some(90.0);
    }
    all
}

fn of(spot: f64, listings: &[Listing<'_>]) -> Result<Payload, NoValue> {
    let listed = Listed::of("GOOG", spot, listings);
    let mut moves = ExpectedMove::new((), ()).unwrap();
    moves.compute(listed.options(), at())
}

#[test]
fn the_three_moves_stand_under_their_own_names() {
    let row = of(SPOT, &quoted()).unwrap().by_expiry.unwrap().remove(0);
    assert_eq!(
        (row.expiry, row.atm_strike),
        (date("2026-12-18"), Some(100.0))
    );
    let sigma = SPOT * 0.3 * (row.days / 365.0).sqrt();
    assert!((row.em_1sd_iv.unwrap() - sigma).abs() < 1e-9);
    assert!(
        (row.em_1sd_iv_pct.unwrap() - sigma).abs() < 1e-9,
        "spot is 100"
    );
    let bounds = (row.lower_1sd.unwrap(), row.upper_1sd.unwrap());
    assert!((bounds.1 - SPOT - (SPOT - bounds.0)).abs() < 1e-9);
    // Two mids of 3.30, whatever was last dealt.
    assert!((row.em_straddle.unwrap() - 6.6).abs() < 1e-12);
    assert!((row.em_straddle_to_1sd.unwrap() - 6.6 * 1.2533141373155001).abs() < 1e-12);
    assert!((row.em_straddle_85pct.unwrap() - 5.61).abs() < 1e-12);
    assert_eq!(row.reason, None);
}

#[test]
fn what_is_missing_is_null_and_said() {
    let mut listings = quoted();
    listings.retain(|l| l.strike != SPOT || l.right == crate::market::Right::Call);
    let row = of(SPOT, &listings).unwrap().by_expiry.unwrap().remove(0);
    assert_eq!((row.em_straddle, row.em_straddle_85pct), (None, None));
    assert_eq!(row.reason.as_deref(), Some("no_straddle"));
    let mut listings = quoted();
    listings.retain(|l| (95.0..=105.0).contains(&l.strike));
    let row = of(SPOT, &listings).unwrap().by_expiry.unwrap().remove(0);
    assert_eq!((row.em_1sd_iv, row.lower_1sd), (None, None));
    assert_eq!(row.reason.as_deref(), Some("no_atm_iv"));
    listings.retain(|l| l.strike != SPOT);
    assert_eq!(of(SPOT, &listings).unwrap_err().status(), Status::Undefined);
}
