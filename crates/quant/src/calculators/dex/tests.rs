//! What delta exposure promises.

use super::*;
use crate::market::Listing;
use crate::pricing::tests::{Listed, at, call, date, put};

const MONTH: &str = "2026-12-18";
const SPOT: f64 = 100.0;

fn run(listings: &[Listing<'_>]) -> (Dex, Result<Payload, NoValue>) {
    let mut dex = Dex::new(gex::Params::default(), Memory::default()).unwrap();
    let listed = Listed::of("GOOG", SPOT, listings);
    let says = dex.compute((listed.options(), SessionDate(date("2026-11-20"))), at());
    (dex, says)
}

fn of(listings: &[Listing<'_>]) -> Payload {
    run(listings).1.unwrap()
}

/// N(d1) without rate and yield.
fn delta_of_call(strike: f64, iv: f64) -> f64 {
    let total = iv * f64::sqrt((6.0 + 28.0 * 24.0) / 8_760.0);
    let d1 = libm::log(SPOT / strike) / total + 0.5 * total;
    0.5 * libm::erfc(-d1 / f64::sqrt(2.0))
}

#[test]
fn a_book_of_two_by_hand() {
    let says = of(&[call(MONTH, 105.0, 0.3, 10.0), put(MONTH, 95.0, 0.3, 20.0)]);
    let of_call = delta_of_call(105.0, 0.3) * 10.0 * 100.0 * SPOT;
    let of_put = (delta_of_call(95.0, 0.3) - 1.0) * 20.0 * 100.0 * SPOT;
    for (got, expected) in [
        (says.call_dex, of_call),
        (says.put_dex, of_put),
        (says.total_dex, of_call + of_put),
        (says.pc_ratio, -of_put / of_call),
        (says.dex_usd.map(|dex| dex.unsigned), of_call + of_put),
        (
            says.dex_usd.map(|dex| dex.dealer_long_calls_short_puts),
            of_call - of_put,
        ),
    ] {
        assert!(
            (got.unwrap() / expected - 1.0).abs() < 1e-12,
            "{got:?} {expected}"
        );
    }
    let rows = says.dex_by_strike.unwrap().0;
    assert_eq!(
        (rows[0].0, rows[0].1.call, rows[1].0, rows[1].1.put),
        (95.0, 0.0, 105.0, 0.0)
    );
    assert_eq!(says.units.as_deref(), Some("dollar_delta"));
}

#[test]
fn the_bias_is_neutral_under_a_tenth_of_the_calls() {
    let at_the_money =
        |calls, puts| of(&[call(MONTH, 100.0, 0.3, calls), put(MONTH, 100.0, 0.3, puts)]).bias;
    assert_eq!(at_the_money(1_000.0, 500.0), Some(Bias::Bullish));
    assert_eq!(at_the_money(500.0, 1_000.0), Some(Bias::Bearish));
    assert_eq!(at_the_money(1_000.0, 1_050.0), Some(Bias::Neutral));
    assert_eq!(of(&[put(MONTH, 100.0, 0.3, 1.0)]).bias, Some(Bias::Bearish));
    assert_eq!(of(&[put(MONTH, 100.0, 0.3, 0.0)]).bias, Some(Bias::Neutral));
}

#[test]
fn without_calls_there_is_no_ratio() {
    assert_eq!(of(&[put(MONTH, 100.0, 0.3, 1.0)]).pc_ratio, None);
    assert_eq!(of(&[call(MONTH, 100.0, 0.3, 1.0)]).pc_ratio, Some(0.0));
}

#[test]
fn five_strikes_are_key_the_largest_first_and_the_lower_of_equals() {
    let held = [10.0, 60.0, 20.0, 50.0, 30.0, 0.0, 40.0];
    let deep = held
        .iter()
        .enumerate()
        .map(|(n, held)| call(MONTH, 10.0 + n as f64, 0.3, *held));
    let says = of(&deep.collect::<Vec<_>>());
    assert_eq!(says.key_strikes, Some(vec![11.0, 13.0, 16.0, 14.0, 12.0]));
    let equal = of(&[call(MONTH, 11.0, 0.3, 10.0), call(MONTH, 10.0, 0.3, 10.0)]);
    assert_eq!(equal.key_strikes, Some(vec![10.0, 11.0]));
}

#[test]
fn contracts_without_open_interest_are_counted() {
    let unknown = Listing {
        open_interest: None,
        ..call(MONTH, 100.0, 0.3, 0.0)
    };
    let (dex, says) = run(&[unknown, put(MONTH, 100.0, 0.3, 1.0)]);
    assert!(says.is_ok());
    let dropped = [("no_open_interest", 1)].into();
    assert_eq!(dex.counted(), Counted { used: 1, dropped });
    assert_eq!(run(&[unknown]).1.unwrap_err().status(), Status::Undefined);
}
