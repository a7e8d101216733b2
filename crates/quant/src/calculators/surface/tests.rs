//! What the surface promises: columns of one length, the slice it is made of, arbitrage found.

use super::*;
use crate::market::Listing;
use crate::math::svi::Raw;
use crate::pricing::tests::{Listed, at, call, date, put};

const SPOT: f64 = 100.0;

/// Strikes two apart, of volatilities by log-moneyness; a stock's forward is its spot here.
fn smile(expiry: &'static str, iv: impl Fn(f64) -> f64) -> Vec<Listing<'static>> {
    let strikes = (-15..=15).map(|n| SPOT + 2.0 * f64::from(n));
    let both = |strike: f64| {
        let iv = iv(libm::log(strike / SPOT));
        [call(expiry, strike, iv, 1.0), put(expiry, strike, iv, 1.0)]
    };
    strikes.flat_map(both).collect()
}

fn of(listings: &[Listing<'_>]) -> Vec<ExpirySurface> {
    let listed = Listed::of("GOOG", SPOT, listings);
    let mut surface = Surface::new(Params::default(), ()).unwrap();
    let said = surface.compute(listed.options(), at()).unwrap();
    said.by_expiry.unwrap()
}

#[test]
fn columns_have_one_length_and_nulls_where_there_is_no_quote() {
    let mut listings = smile("2026-12-18", |_| 0.3);
    // A call below the money and no put there; a put above with nothing known of it.
    listings.retain(|l| l.strike != 90.0 || l.right == crate::market::Right::Call);
    for listing in listings.iter_mut().filter(|l| l.strike == 120.0) {
        listing.iv = listing
            .iv
            .filter(|_| listing.right == crate::market::Right::Call);
    }
    let rows = of(&listings).remove(0).rows;
    let lengths = [
        rows.call_iv.len(),
        rows.put_iv.len(),
        rows.mid_iv.len(),
        rows.log_moneyness.len(),
    ];
    assert_eq!((rows.strike.len(), lengths), (31, [31; 4]));
    assert!(rows.strike.windows(2).all(|pair| pair[0] < pair[1]));
    let at = |strike: f64| {
        let at = rows.strike.iter().position(|s| *s == strike).unwrap();
        (rows.call_iv[at], rows.put_iv[at], rows.mid_iv[at])
    };
    assert_eq!(at(100.0), (Some(0.3), Some(0.3), Some(0.3)));
    assert_eq!(at(90.0), (Some(0.3), None, None), "in the money alone");
    assert_eq!(at(120.0), (Some(0.3), None, Some(0.3)));
    assert_eq!(rows.log_moneyness[15], 0.0);
}

#[test]
fn the_slice_that_made_the_volatilities_is_found_again() {
    let raw = Raw {
        a: 0.002,
        b: 0.03,
        rho: -0.5,
        m: 0.02,
        sigma: 0.08,
    };
    let svi = Svi::new(raw).unwrap();
    let years = 28.25 / 365.0;
    let slice = of(&smile("2026-12-18", |k| {
        svi.implied_volatility(k, years).unwrap()
    }))
    .remove(0);
    assert!((slice.t_years - years).abs() < 1e-12);
    let found = slice.svi.unwrap();
    let pairs = [
        (found.a, raw.a),
        (found.b, raw.b),
        (found.rho, raw.rho),
        (found.m, raw.m),
        (found.sigma, raw.sigma),
    ];
    assert!(
        pairs.iter().all(|(got, made)| (got - made).abs() < 1e-6),
        "{found:?}"
    );
    assert!(found.rmse < 1e-9 && found.max_error < 1e-8, "{found:?}");
    assert_eq!(slice.svi_reason, None);
    let butterfly = slice.arbitrage.butterfly.unwrap();
    assert!(butterfly.free && butterfly.min_g > 0.0);
    assert_eq!(slice.arbitrage.calendar, None, "nothing settles sooner");
    let iv = svi.implied_volatility(0.0, years).unwrap();
    assert!((slice.atm_iv.unwrap() - iv).abs() < 1e-12);
}

#[test]
fn neither_the_last_day_nor_few_strikes_are_fitted() {
    let rows = of(&smile("2026-11-20", |_| 0.3));
    assert_eq!(
        (rows[0].svi, rows[0].svi_reason.as_deref()),
        (None, Some("expires_today"))
    );
    let mut few = smile("2026-12-18", |_| 0.3);
    few.retain(|l| (94.0..=106.0).contains(&l.strike));
    let rows = of(&few);
    assert_eq!(
        (rows[0].svi, rows[0].svi_reason.as_deref()),
        (None, Some("few_strikes"))
    );
    assert_eq!(rows[0].arbitrage.butterfly, None);
    assert_eq!(rows[0].num_quotes, 14);
}

#[test]
fn only_the_nearest_expiries_are_fitted() {
    let mut listings = smile("2026-11-27", |_| 0.3);
    listings.extend(smile("2026-12-18", |_| 0.3));
    let listed = Listed::of("GOOG", SPOT, &listings);
    let params = Params {
        svi_max_expiries: 1,
        ..Params::default()
    };
    let mut surface = Surface::new(params, ()).unwrap();
    let rows = surface
        .compute(listed.options(), at())
        .unwrap()
        .by_expiry
        .unwrap();
    assert!(rows[0].svi.is_some());
    assert_eq!(rows[1].svi_reason.as_deref(), Some("beyond_max_expiries"));
}

#[test]
fn variance_that_falls_with_time_is_a_violation_at_every_strike_it_falls_at() {
    let mut listings = smile("2026-11-27", |_| 0.8);
    listings.extend(smile("2026-12-18", |k| if k > 0.0 { 0.2 } else { 0.9 }));
    let rows = of(&listings);
    let calendar = rows[1].arbitrage.calendar.unwrap();
    assert_eq!(calendar.previous_expiry, date("2026-11-27"));
    assert_eq!(calendar.compared, 31);
    // 0.2²·28 is less than 0.8²·7; the strikes around the step pass from one into the other.
    assert!((14..=15).contains(&calendar.violations), "{calendar:?}");
    let fall = (0.64 * 7.125 - 0.04 * 28.25) / 365.0;
    assert!(
        (calendar.worst_fall.unwrap() - fall).abs() < 1e-9,
        "{calendar:?}"
    );
    assert!(calendar.worst_strike.unwrap() > SPOT);
    let mut calm = smile("2026-11-27", |_| 0.3);
    calm.extend(smile("2026-12-18", |_| 0.3));
    let calendar = of(&calm)[1].arbitrage.calendar.unwrap();
    assert_eq!((calendar.violations, calendar.worst_fall), (0, None));
}
