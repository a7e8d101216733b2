//! What build-up promises: which change it takes, what it remembers, zones that add up.

use super::*;
use crate::calculator::Status;
use crate::market::Listing;
use crate::math::oi_buildup::Label;
use crate::pricing::tests::{Listed, at, call, date, put};

const EXPIRY: &str = "2026-12-18";

fn dealt(listing: Listing<'static>, last: f64) -> Listing<'static> {
    Listing {
        last: Some(last),
        ..listing
    }
}

fn new() -> OiBuildup {
    OiBuildup::new(Params::default(), References::default()).unwrap()
}

/// A run in the session of a date, under way unless another close is ahead.
fn run_at(
    buildup: &mut OiBuildup,
    day: &str,
    before: Option<&str>,
    close: Option<&str>,
    listings: &[Listing<'_>],
) -> Result<ExpiryBuildUp, NoValue> {
    run_with(buildup, day, before, close, listings, None)
}

/// The same, with what was kept of the past.
fn run_with(
    buildup: &mut OiBuildup,
    day: &str,
    before: Option<&str>,
    close: Option<&str>,
    listings: &[Listing<'_>],
    usual: Option<&Baseline>,
) -> Result<ExpiryBuildUp, NoValue> {
    let listed = Listed::of("GOOG", 100.0, listings);
    let input = ChainAtSpot {
        chain: &listed.chain,
        spot: 100.0,
    };
    let close = close.map(|close| Timestamp::from_rfc3339(close).unwrap());
    let before = PreviousSession(before.map(date));
    let session = SessionDate(date(day));
    let input = (input, session, before, SessionClose(close), Usual(usual));
    let said = buildup.compute(input, at())?;
    Ok(said.by_expiry.unwrap().remove(0))
}

fn first_call(row: &ExpiryBuildUp) -> ContractBuildUp {
    row.strikes[0].call.unwrap()
}

#[test]
fn the_first_sight_of_a_contract_has_no_reference() {
    let mut buildup = new();
    let listing = dealt(call(EXPIRY, 100.0, 0.3, 50.0), 2.0);
    let row = run_at(&mut buildup, "2026-11-20", None, None, &[listing]).unwrap();
    let said = first_call(&row);
    assert_eq!((said.state, said.oi_change), (None, None));
    assert_eq!(said.reason, Some(NoState::NoReference));
    assert_eq!(row.bias, Bias::Neutral);
}

#[test]
fn within_a_session_the_first_sight_is_the_reference() {
    let mut buildup = new();
    let seen = |oi, last| [dealt(call(EXPIRY, 100.0, 0.3, oi), last)];
    run_at(&mut buildup, "2026-11-20", None, None, &seen(50.0, 2.0)).unwrap();
    run_at(&mut buildup, "2026-11-20", None, None, &seen(55.0, 1.9)).unwrap();
    let row = run_at(&mut buildup, "2026-11-20", None, None, &seen(60.0, 1.5)).unwrap();
    let said = first_call(&row);
    assert_eq!(said.state, Some(Label::ShortBuildUp));
    assert_eq!((said.oi_change, said.oi_pct), (Some(10.0), Some(20.0)));
    assert_eq!(said.price_pct, Some(-25.0));
    assert_eq!(said.oi_reference, Some(Reference::SessionStart));
    assert_eq!(said.bias, Some(Bias::Bearish), "written calls");
    assert_eq!(row.bias, Bias::Bearish);
}

#[test]
fn the_last_of_the_session_before_is_the_reference_of_the_next() {
    let mut buildup = new();
    let seen = |oi, last| [dealt(call(EXPIRY, 100.0, 0.3, oi), last)];
    run_at(&mut buildup, "2026-11-20", None, None, &seen(50.0, 2.0)).unwrap();
    run_at(&mut buildup, "2026-11-20", None, None, &seen(80.0, 4.0)).unwrap();
    // In the morning the new number is out, and the session is still that of Friday.
    let ahead = Some("2026-11-23T16:00:00-05:00");
    run_at(&mut buildup, "2026-11-20", None, ahead, &seen(100.0, 9.0)).unwrap();
    let friday = Some("2026-11-20");
    let row = run_at(&mut buildup, "2026-11-23", friday, ahead, &seen(100.0, 5.0)).unwrap();
    let said = first_call(&row);
    assert_eq!((said.oi_change, said.oi_pct), (Some(20.0), Some(25.0)));
    assert_eq!(said.price_pct, Some(25.0));
    assert_eq!(said.state, Some(Label::LongBuildUp));
    assert_eq!(said.oi_reference, Some(Reference::PreviousSession));
    assert_eq!(said.price_reference, Some(Reference::PreviousSession));
}

#[test]
fn a_session_that_was_missed_leaves_no_reference() {
    let mut buildup = new();
    let seen = [dealt(call(EXPIRY, 100.0, 0.3, 50.0), 2.0)];
    run_at(&mut buildup, "2026-11-19", None, None, &seen).unwrap();
    let row = run_at(&mut buildup, "2026-11-23", Some("2026-11-20"), None, &seen).unwrap();
    assert_eq!(first_call(&row).reason, Some(NoState::NoReference));
}

#[test]
fn the_change_that_the_source_states_comes_first() {
    let mut buildup = new();
    let stated = |oi: f64, change: f64, last| {
        [Listing {
            oi_change: Some(change),
            ..dealt(put(EXPIRY, 100.0, 0.3, oi), last)
        }]
    };
    let of = |row: &ExpiryBuildUp| row.strikes[0].put.unwrap();
    let mut run =
        |seen: &[Listing<'_>]| run_at(&mut buildup, "2026-11-20", None, None, seen).unwrap();
    let said = of(&run(&stated(50.0, 10.0, 2.0)));
    assert_eq!(
        (said.oi_pct, said.oi_reference),
        (Some(25.0), Some(Reference::Source))
    );
    assert_eq!((said.state, said.reason), (None, Some(NoState::NoPrice)));
    let said = of(&run(&stated(60.0, 20.0, 1.0)));
    assert_eq!(
        (said.state, said.oi_pct),
        (Some(Label::ShortBuildUp), Some(50.0))
    );
    assert_eq!(said.bias, Some(Bias::Bullish), "written puts");
    assert_eq!(said.price_reference, Some(Reference::SessionStart));
    // All of it is new, and more than all of it is a slip.
    assert_eq!(of(&run(&stated(60.0, 60.0, 1.0))).state, Some(Label::New));
    let slip = of(&run(&stated(60.0, 61.0, 1.0)));
    assert_eq!(slip.oi_reference, Some(Reference::SessionStart));
}

#[test]
fn a_contract_that_is_closed_is_still_told_of() {
    let mut buildup = new();
    let seen = |oi, last| [dealt(call(EXPIRY, 100.0, 0.3, oi), last)];
    run_at(&mut buildup, "2026-11-20", None, None, &seen(50.0, 2.0)).unwrap();
    let row = run_at(&mut buildup, "2026-11-20", None, None, &seen(0.0, 1.0)).unwrap();
    let said = first_call(&row);
    assert_eq!(
        (said.state, said.oi_pct),
        (Some(Label::LongUnwinding), Some(-100.0))
    );
}

#[test]
fn zones_add_up_and_levels_lie_on_their_side_of_spot() {
    let listings = [
        call(EXPIRY, 90.0, 0.3, 900.0),
        put(EXPIRY, 90.0, 0.3, 5.0),
        call(EXPIRY, 99.0, 0.3, 7.0),
        put(EXPIRY, 99.0, 0.3, 5.0),
        call(EXPIRY, 101.0, 0.3, 11.0),
        call(EXPIRY, 110.0, 0.3, 11.0),
        put(EXPIRY, 110.0, 0.3, 800.0),
    ];
    let row = run_at(&mut new(), "2026-11-20", None, None, &listings).unwrap();
    assert_eq!(row.atm_strike, 99.0, "101 is as near");
    let sums = |zones: ZoneSums| (zones.itm, zones.atm, zones.otm);
    assert_eq!(sums(row.zones.call), (900.0, 7.0, 22.0));
    assert_eq!(sums(row.zones.put), (800.0, 5.0, 5.0));
    assert_eq!((row.call_oi, row.put_oi), (929.0, 810.0));
    assert_eq!((row.support, row.resistance), (Some(99.0), Some(101.0)));
    assert_eq!(row.interpretation, Interpretation::Resistance);
}

#[test]
fn memory_is_of_open_contracts_and_is_refused_where_it_is_damaged() {
    let mut buildup = new();
    let listings = [
        call(EXPIRY, 90.0, 0.3, 1.0),
        call(EXPIRY, 95.0, 0.3, 0.0),
        put(EXPIRY, 90.0, 0.3, 2.0),
    ];
    run_at(&mut buildup, "2026-11-20", None, None, &listings).unwrap();
    let saved = serde_json::to_value(buildup.state()).unwrap();
    let contracts = saved["series"][0]["contracts"].as_array().unwrap();
    assert_eq!(contracts.len(), 2);
    let read = |saved: serde_json::Value| {
        OiBuildup::new(Params::default(), serde_json::from_value(saved).unwrap())
    };
    assert!(read(saved.clone()).is_ok());
    let mut damaged = saved;
    damaged["series"][0]["contracts"][1]["strike"] = 80.0.into();
    assert!(read(damaged).is_err());
}

#[test]
fn a_chain_that_states_no_open_interest_has_no_value() {
    let bare = Listing {
        open_interest: None,
        ..call(EXPIRY, 90.0, 0.3, 1.0)
    };
    let refused = run_at(&mut new(), "2026-11-20", None, None, &[bare]).unwrap_err();
    assert_eq!(refused.status(), Status::Undefined);
}

#[test]
fn a_session_before_that_was_not_seen_is_the_one_that_was_kept() {
    let kept = |ended: &str| {
        let mut past = crate::baseline::Past::default();
        let stood = crate::baseline::Stood {
            expiry: date(EXPIRY),
            root: "GOOG".to_owned(),
            strike: 100.0,
            right: Right::Call,
            volume: None,
            open_interest: Some(40.0),
            price: Some(1.0),
        };
        past.ended(date(ended), vec![stood]);
        let marks = [0, 1_800].map(Timestamp::from_seconds);
        past.baseline(date("2026-11-20"), marks[0], marks, [].into())
    };
    let seen = [dealt(call(EXPIRY, 100.0, 0.3, 50.0), 2.0)];
    let said = |ended| {
        let baseline = kept(ended);
        let before = Some("2026-11-19");
        let row = run_with(
            &mut new(),
            "2026-11-20",
            before,
            None,
            &seen,
            Some(&baseline),
        );
        first_call(&row.unwrap())
    };
    let built = said("2026-11-19");
    assert_eq!(
        (built.oi_change, built.price_pct),
        (Some(10.0), Some(100.0))
    );
    assert_eq!(built.oi_reference, Some(Reference::PreviousSession));
    assert_eq!(built.state, Some(Label::LongBuildUp));
    assert_eq!(said("2026-11-18").oi_change, None, "two sessions ago");
}
