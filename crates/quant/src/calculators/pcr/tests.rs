//! What put-call ratios promise: sums by side, nulls with a reason, a history of their own.

use super::*;
use crate::market::Listing;
use crate::pricing::tests::{Listed, at, call, date, put};

fn traded(listing: Listing<'static>, volume: f64, last: f64) -> Listing<'static> {
    Listing {
        volume: Some(volume),
        last: Some(last),
        ..listing
    }
}

fn run(pcr: &mut Pcr, listings: &[Listing<'_>], now: Timestamp) -> Result<Payload, NoValue> {
    let listed = Listed::of("GOOG", 100.0, listings);
    pcr.compute((&listed.chain, SessionDate(date("2026-11-20"))), now)
}

fn of(listings: &[Listing<'_>]) -> Payload {
    let mut pcr = Pcr::new(Params::default(), Memory::default()).unwrap();
    run(&mut pcr, listings, at()).unwrap()
}

fn book() -> Vec<Listing<'static>> {
    vec![
        traded(call("2026-12-18", 100.0, 0.3, 40.0), 10.0, 2.0),
        traded(call("2026-12-18", 110.0, 0.3, 60.0), 30.0, 1.0),
        traded(put("2026-12-18", 90.0, 0.3, 50.0), 20.0, 4.0),
        traded(put("2027-01-15", 90.0, 0.3, 25.0), 0.0, 4.0),
    ]
}

#[test]
fn ratios_are_puts_over_calls_by_expiry_and_in_total() {
    let says = of(&book());
    let total = says.total.unwrap();
    assert_eq!(
        (total.pcr_oi, total.pcr_volume),
        (Some(0.75), Some(0.5)),
        "75 of 100, 20 of 40"
    );
    assert_eq!(
        (total.call_premium, total.put_premium),
        (Some(5_000.0), Some(8_000.0))
    );
    assert_eq!((total.pcr_premium, total.reason), (Some(1.6), None));
    let rows = says.by_expiry.unwrap();
    let near = &rows[0];
    assert_eq!(
        (near.expiry, near.root.as_str()),
        (date("2026-12-18"), "GOOG")
    );
    assert_eq!(
        (near.ratios.pcr_oi, near.ratios.put_oi),
        (Some(0.5), Some(50.0))
    );
}

#[test]
fn an_expiry_without_calls_says_why_it_has_no_ratio() {
    let rows = of(&book()).by_expiry.unwrap();
    let far = &rows[1].ratios;
    assert_eq!(
        (far.pcr_oi, far.put_oi, far.call_oi),
        (None, Some(25.0), None)
    );
    let reason = far.reason.as_deref().unwrap();
    assert!(
        reason.starts_with("pcr_oi: calls are not stated; "),
        "{reason}"
    );
    let mut idle = book();
    idle[0].volume = Some(0.0);
    idle[1].volume = Some(0.0);
    let total = of(&idle).total.unwrap();
    assert_eq!((total.pcr_volume, total.call_volume), (None, Some(0.0)));
    assert_eq!(
        total.reason.unwrap(),
        "pcr_volume: calls are zero; pcr_premium: calls are zero"
    );
}

#[test]
fn settled_contracts_do_not_count() {
    let mut pcr = Pcr::new(Params::default(), Memory::default()).unwrap();
    let later = Timestamp::from_rfc3339("2026-12-18T16:00:00-05:00").unwrap();
    let says = run(&mut pcr, &book(), later).unwrap();
    assert_eq!(says.by_expiry.unwrap().len(), 1);
    assert_eq!(pcr.counted().dropped["expired"], 3);
    let never = Timestamp::from_rfc3339("2028-01-01T00:00:00Z").unwrap();
    assert!(run(&mut pcr, &book(), never).is_err());
    assert_eq!(pcr.mark(), None);
}

#[test]
fn one_value_a_minute_is_marked_and_compared_with_those_before() {
    let params = Params {
        history_window: 4,
        min_samples: 2,
    };
    let mut pcr = Pcr::new(params, Memory::default()).unwrap();
    let mut percentiles = Vec::new();
    for (minute, open) in [(0, 50.0), (1, 60.0), (2, 55.0), (3, 90.0)] {
        let mut listings = book();
        listings[2].open_interest = Some(open);
        let now = Timestamp::from_seconds(at().whole_seconds() + 60 * minute);
        let says = run(&mut pcr, &listings, now).unwrap();
        assert_eq!(pcr.mark().unwrap().value, (open + 25.0) / 100.0);
        percentiles.push(says.percentile);
    }
    assert_eq!(percentiles, [None, None, Some(0.5), Some(1.0)]);
}

#[test]
fn a_chain_that_states_neither_has_no_value() {
    let bare = Listing {
        open_interest: None,
        ..call("2026-12-18", 100.0, 0.3, 0.0)
    };
    let mut pcr = Pcr::new(Params::default(), Memory::default()).unwrap();
    let refused = run(&mut pcr, &[bare], at()).unwrap_err();
    assert_eq!(refused.status(), Status::Undefined);
}
