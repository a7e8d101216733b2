//! What the skew promises; its numbers on a slice are in the suites.

use super::*;
use crate::market::Listing;
use crate::pricing::tests::{Listed, at, call, date, put};

const SPOT: f64 = 100.0;

/// Calls and puts of an expiry, 3 apart, whose volatility falls with the strike.
fn smile(expiry: &str, level: f64, slope: f64) -> Vec<Listing<'static>> {
    let strikes = (-12..=12).map(|n| SPOT + 3.0 * f64::from(n));
    let both = |strike: f64| {
        let iv = level - slope * libm::log(strike / SPOT);
        [
            call(expiry, strike, iv, 10.0),
            put(expiry, strike, iv, 10.0),
        ]
    };
    strikes.flat_map(both).collect()
}

fn run(skew: &mut Skew, listings: &[Listing<'_>]) -> Result<Payload, NoValue> {
    let listed = Listed::of("GOOG", SPOT, listings);
    skew.compute((listed.options(), SessionDate(date("2026-11-20"))), at())
}

fn of(listings: &[Listing<'_>]) -> Payload {
    let mut skew = Skew::new(DealerFlowParams::default(), Memory::default()).unwrap();
    run(&mut skew, listings).unwrap()
}

#[test]
fn puts_that_are_dearer_are_a_positive_skew_and_a_negative_reversal() {
    let says = of(&smile("2026-12-18", 0.3, 0.4));
    let (call, put) = (says.call_iv.unwrap(), says.put_iv.unwrap());
    assert!(put > 0.3 && call < 0.3);
    assert_eq!(says.skew, Some(put - call));
    assert_eq!(says.skew_ratio, Some(put / call - 1.0));
    // The target is the quarter here.
    assert_eq!(says.rr25_call_minus_put, Some(call - put));
    assert!((says.atm_iv.unwrap() - 0.3).abs() < 1e-12);
    assert!((says.slope.unwrap() + 0.4).abs() < 1e-2, "{:?}", says.slope);
    let norm = (put - call) / says.atm_iv.unwrap();
    assert!((says.skew25_norm.unwrap() - norm).abs() < 1e-15);
    assert!(says.put_strike.unwrap() < SPOT && says.call_strike.unwrap() > SPOT);
    assert_eq!(says.history.unwrap().status, Status::Warming);
}

#[test]
fn the_expiry_nearest_thirty_days_speaks_where_both_wings_are_listed() {
    let mut listings = smile("2026-11-27", 0.5, 0.4);
    listings.extend(smile("2026-12-18", 0.3, 0.4));
    listings.extend(smile("2027-01-15", 0.25, 0.4));
    let says = of(&listings);
    assert_eq!(says.expiry, Some(date("2026-12-18")));
    assert!((says.days.unwrap() - 28.25).abs() < 1e-9);
    assert_eq!(says.by_expiry.unwrap().len(), 3);
    // Without calls above the money there is one wing.
    let no_wing = |l: &Listing<'_>| l.expiry != date("2026-12-18") || l.strike < 103.0;
    listings.retain(no_wing);
    let says = of(&listings);
    assert_eq!(says.expiry, Some(date("2026-11-27")));
    let rows = says.by_expiry.unwrap();
    assert_eq!((rows[1].call_iv, rows[1].rr25_call_minus_put), (None, None));
    assert!(rows[1].put_iv.is_some());
}

#[test]
fn constant_maturities_are_linear_in_variance_and_end_with_the_expiries() {
    let mut listings = smile("2026-11-27", 0.4, 0.0);
    listings.extend(smile("2027-01-15", 0.3, 0.0));
    let term = of(&listings).term.unwrap();
    assert_eq!(
        term.iter().map(|point| point.days).collect::<Vec<_>>(),
        [7.0, 30.0, 60.0, 90.0]
    );
    // The day after Thanksgiving ends at 13:00.
    let (near, far) = (7.125, 56.25);
    let variance = |days: f64| {
        let (low, high) = (0.4 * 0.4 * near, 0.3 * 0.3 * far);
        low + (high - low) * (days - near) / (far - near)
    };
    let expected = f64::sqrt(variance(30.0) / 30.0);
    assert!((term[1].atm_iv.unwrap() - expected).abs() < 1e-12);
    assert_eq!(
        (term[0].atm_iv, term[2].atm_iv, term[3].atm_iv),
        (None, None, None)
    );
    assert!(term.iter().all(|point| !point.calendar_arbitrage));
    let mut listings = smile("2026-11-27", 0.8, 0.0);
    listings.extend(smile("2027-01-15", 0.2, 0.0));
    assert!(
        of(&listings).term.unwrap()[1].calendar_arbitrage,
        "0.8²·7 is more than 0.2²·56"
    );
}

#[test]
fn a_flat_smile_has_neither_skew_nor_slope() {
    let says = of(&smile("2026-12-18", 0.3, 0.0));
    for (name, value) in [
        ("skew", says.skew),
        ("rr", says.rr25_call_minus_put),
        ("bf", says.bf25),
        ("slope", says.slope),
    ] {
        assert!(value.unwrap().abs() < 1e-14, "{name} {value:?}");
    }
}

#[test]
fn too_few_strikes_have_no_skew() {
    let listings = [
        call("2026-12-18", 101.0, 0.3, 1.0),
        put("2026-12-18", 99.0, 0.3, 1.0),
    ];
    let mut skew = Skew::new(DealerFlowParams::default(), Memory::default()).unwrap();
    assert_eq!(
        run(&mut skew, &listings).unwrap_err().status(),
        Status::Undefined
    );
}
