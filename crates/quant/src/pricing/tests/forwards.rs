//! Forwards and yields.

use super::{Listed, RATE, call, put, quoted};
use crate::market::Listing;
use crate::pricing::{ChainParams, ForwardSource, PricingTerms};

const SPOT: f64 = 6_000.0;

fn terms(dividend_yield: Option<f64>) -> PricingTerms {
    PricingTerms {
        chain: ChainParams::default(),
        rates: None,
        dividend_yield,
    }
}

/// Pairs within 5 % of the spot, quoted at a known yield.
fn pairs(expiry: &str, dividend_yield: f64) -> Vec<Listing<'static>> {
    let strike = |n: i32| SPOT + 25.0 * f64::from(n);
    let both = |k: f64| [call(expiry, k, 0.2, 10.0), put(expiry, k, 0.2, 10.0)];
    let all = (-10..=10).map(strike).flat_map(both);
    let root = Some("SPXW");
    all.map(|l| Listing {
        root,
        ..quoted(l, SPOT, dividend_yield)
    })
    .collect()
}

#[test]
fn parity_gives_back_forward_and_yield() {
    let listed = Listed::of("SPX", SPOT, &pairs("2026-12-30", 0.013));
    let series = listed.implied.series[0];
    let forward = SPOT * libm::exp((RATE - 0.013) * series.t_years);
    assert_eq!(series.forward_source, ForwardSource::Parity);
    assert!((series.forward / forward - 1.0).abs() < 1e-10, "{series:?}");
    assert!((series.dividend_yield - 0.013).abs() < 1e-8, "{series:?}");
}

#[test]
fn the_yield_of_a_short_expiry_is_that_of_the_next_longer_one() {
    let mut listings = pairs("2026-11-24", 0.2);
    listings.extend(pairs("2026-12-18", 0.013));
    listings.extend(pairs("2027-02-19", 0.02));
    let listed = Listed::of("SPX", SPOT, &listings);
    let [short, next, far] = &listed.implied.series[..] else {
        panic!("three expiries")
    };
    assert!(short.t_years < 7.0 / 365.0);
    assert_eq!(short.dividend_yield, next.dividend_yield);
    assert!((next.dividend_yield - 0.013).abs() < 1e-8, "{next:?}");
    assert!((far.dividend_yield - 0.02).abs() < 1e-8, "{far:?}");
    let own = SPOT * libm::exp((RATE - 0.2) * short.t_years);
    assert!(
        (short.forward / own - 1.0).abs() < 1e-10,
        "volatilities are solved on its own"
    );
}

#[test]
fn two_roots_that_settle_together_have_a_yield_each() {
    let mut listings = pairs("2026-12-30", 0.013);
    let other = pairs("2026-12-30", 0.02).into_iter();
    listings.extend(other.map(|l| Listing {
        root: Some("SPXZ"),
        multiplier: Some(100.0),
        ..l
    }));
    let listed = Listed::of("SPX", SPOT, &listings);
    let [one, other] = &listed.implied.series[..] else {
        panic!("two roots")
    };
    assert_eq!(one.t_years, other.t_years);
    assert!((one.dividend_yield - 0.013).abs() < 1e-8, "{one:?}");
    assert!((other.dividend_yield - 0.02).abs() < 1e-8, "{other:?}");
}

#[test]
fn a_yield_that_is_set_is_taken_and_no_parity() {
    let listings = pairs("2026-12-30", 0.013);
    let listed = Listed::on("SPX", SPOT, &listings, &terms(Some(0.017)), RATE);
    let series = listed.implied.series[0];
    assert_eq!(series.forward_source, ForwardSource::Carry);
    assert_eq!(series.dividend_yield, 0.017);
    let forward = SPOT * libm::exp((RATE - 0.017) * series.t_years);
    assert!((series.forward / forward - 1.0).abs() < 1e-15);
}

#[test]
fn american_contracts_and_those_without_pairs_are_carried() {
    let stock = Listed::of("SPY", 600.0, &[call("2026-12-18", 600.0, 0.2, 10.0)]);
    assert_eq!(stock.implied.series[0].forward_source, ForwardSource::Carry);
    assert_eq!(stock.implied.series[0].dividend_yield, 0.0);
    let one_sided = Listed::of("SPX", SPOT, &[call("2026-12-30", SPOT, 0.2, 10.0)]);
    let series = one_sided.implied.series[0];
    assert_eq!(
        (series.forward_source, series.dividend_yield),
        (ForwardSource::Carry, 0.0)
    );
    let forward = SPOT * libm::exp(RATE * series.t_years);
    assert_eq!(series.forward, forward);
}
