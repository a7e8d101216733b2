//! What is priced where, and what is left out.

use super::{Listed, at, call, put};
use crate::market::{Listing, Span};
use crate::math::black_scholes::greeks;
use crate::pricing::{Point, PricedAt, PricedChain};

const MONTH: &str = "2026-12-18";

#[test]
fn what_cannot_be_priced_is_counted_by_reason() {
    let listings = [
        call(MONTH, 100.0, 0.3, 10.0),
        call("2026-11-13", 100.0, 0.3, 10.0),
        Listing {
            iv: None,
            ..call(MONTH, 105.0, 0.3, 10.0)
        },
        call(MONTH, 0.0, 0.3, 10.0),
        call(MONTH, 100.0, 0.4, 10.0),
    ];
    let priced = Listed::of("GOOG", 100.0, &listings).priced;
    let dropped = [
        ("bad_strike", 1),
        ("duplicate", 1),
        ("expired", 1),
        ("no_iv", 1),
    ];
    assert_eq!(priced.dropped, dropped.into());
    assert_eq!((priced.contracts.len(), priced.listed), (1, 5));
    assert_eq!(priced.contracts[0].iv, 0.4, "of two the later");
    assert_eq!(priced.series.len(), 1);
}

#[test]
fn a_contract_expires_between_the_chain_and_now() {
    let listed = Listed::of(
        "GOOG",
        100.0,
        &[
            call("2026-11-20", 100.0, 0.3, 10.0),
            call(MONTH, 100.0, 0.3, 10.0),
        ],
    );
    assert_eq!(listed.priced.series[0].dte, 0);
    let later = Point {
        spot: 101.0,
        at: at().plus(Span::from_seconds(6.0 * 3_600.0)),
        of: PricedAt::Ticker,
    };
    let priced = PricedChain::of(&listed.chain, &listed.implied, later);
    assert_eq!(priced.dropped, [("expired", 1)].into());
    let [contract] = &priced.contracts[..] else {
        panic!("one is left")
    };
    let terms = priced.terms(contract);
    assert_eq!((terms.spot, terms.sigma), (101.0, 0.3));
    let passed = listed.priced.series[1].t_years - terms.t_years;
    assert!((passed * 365.0 * 24.0 - 6.0).abs() < 1e-9);
    assert_eq!(greeks(contract.right, &terms).unwrap(), contract.greeks);
}

#[test]
fn the_share_of_gamma_that_is_dropped_is_by_the_sources_own() {
    let with = |gamma, listing: Listing<'static>| Listing {
        gamma: Some(gamma),
        ..listing
    };
    let kept = with(0.03, call(MONTH, 100.0, 0.3, 10.0));
    let left = Listing {
        iv: None,
        ..with(0.02, put(MONTH, 105.0, 0.3, 5.0))
    };
    let share = |listings: &[Listing<'_>]| {
        Listed::of("GOOG", 100.0, listings)
            .priced
            .gamma_share_dropped
    };
    let found = share(&[kept, left]).unwrap();
    assert!((found - 0.1 / 0.4).abs() < 1e-15, "{found}");
    assert_eq!(share(&[kept]), Some(0.0));
    assert_eq!(share(&[call(MONTH, 100.0, 0.3, 10.0)]), None);
    let negative = with(-0.02, put(MONTH, 105.0, 0.3, 5.0));
    assert_eq!(
        share(&[kept, negative]),
        Some(0.0),
        "no gamma is below zero"
    );
}

#[test]
fn at_the_money_is_the_strike_nearest_to_the_forward_of_the_nearest_expiry() {
    let listings = [
        call("2026-11-20", 100.0, 0.9, 0.0),
        call(MONTH, 98.0, 0.5, 0.0),
        call(MONTH, 101.0, 0.4, 0.0),
    ];
    let priced = Listed::of("GOOG", 100.0, &listings).priced;
    assert_eq!(priced.atm_iv(1.0 / 365.0), Some(0.9));
    assert_eq!(priced.atm_iv(30.0 / 365.0), Some(0.4));
}
