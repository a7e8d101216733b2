//! What a chain promises: one order, series by root, terms resolved, what is unusable counted.

use chrono::NaiveDate;

use super::{Chain, ChainBuilder, Head, Listing, Right, Style};
use crate::market::{Calendars, Settlement, Timestamp};

fn calendars() -> Calendars {
    crate::market::session::shipped()
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn chain(symbol: &str, listings: &[Listing<'_>]) -> Chain {
    let calendars = calendars();
    let mut builder = ChainBuilder::new(&calendars, symbol, "XNYS");
    listings.iter().for_each(|listing| builder.push(*listing));
    builder.finish(Head::default())
}

fn call(root: &'static str, expiry: &str, strike: f64) -> Listing<'static> {
    Listing {
        root: Some(root),
        ..Listing::new(date(expiry), Right::Call, strike)
    }
}

#[test]
fn equal_strikes_under_two_roots_stay_two_contracts() {
    let listings = [
        call("SPXW", "2026-11-20", 6000.0),
        call("SPX", "2026-11-20", 6000.0),
    ];
    let chain = chain("SPX", &listings);
    let seen: Vec<_> = chain
        .series
        .iter()
        .map(|s| (&*s.root, s.settlement, s.monthly))
        .collect();
    assert_eq!(
        seen,
        [
            ("SPX", Settlement::Am, true),
            ("SPXW", Settlement::Pm, false)
        ]
    );
    let am = Timestamp::from_rfc3339("2026-11-20T09:30:00-05:00").unwrap();
    let pm = Timestamp::from_rfc3339("2026-11-20T16:00:00-05:00").unwrap();
    assert_eq!(
        [chain.series[0].settles_at, chain.series[1].settles_at],
        [am, pm]
    );
    assert_eq!(chain.series[0].style, Style::European);
    assert_eq!(chain.contracts.multiplier, [100.0, 100.0]);
}

#[test]
fn the_order_is_the_same_whoever_lists_them() {
    let put = |strike| Listing {
        right: Right::Put,
        ..call("SPY", "2026-12-18", strike)
    };
    let mut listings = vec![
        call("SPY", "2026-12-18", 600.0),
        put(600.0),
        call("SPY", "2026-11-20", 9.5),
        call("SPY", "2026-11-20", 10.0),
        put(590.0),
    ];
    let one = chain("SPY", &listings);
    listings.reverse();
    assert_eq!(one, chain("SPY", &listings));
    assert_eq!(one.contracts.strike, [9.5, 10.0, 590.0, 600.0, 600.0]);
    assert_eq!(one.contracts.right[3..], [Right::Call, Right::Put]);
    assert_eq!(one.series[1].contracts, 2..5);
    assert_eq!(one.series_of(2).expiry, date("2026-12-18"));
    assert_eq!(one.series[0].style, Style::American);
}

#[test]
fn of_a_contract_listed_twice_the_later_one_stays() {
    let with = |bid| Listing {
        bid: Some(bid),
        ..call("SPY", "2026-11-20", 600.0)
    };
    let chain = chain("SPY", &[with(1.0), with(2.0), with(3.0)]);
    assert_eq!(chain.contracts.bid.get(0), Some(3.0));
    assert_eq!((chain.contracts.len(), chain.listed), (1, 3));
    assert_eq!(chain.dropped, [("duplicate", 2)].into());
}

#[test]
fn a_root_that_is_not_named_is_the_one_that_expires_then() {
    let unnamed = |expiry: &str| Listing::new(date(expiry), Right::Call, 6000.0);
    let chain = chain("SPX", &[unnamed("2026-11-20"), unnamed("2026-11-23")]);
    let roots: Vec<&str> = chain.series.iter().map(|s| &*s.root).collect();
    assert_eq!(roots, ["SPX", "SPXW"]);
}

#[test]
fn what_a_contract_stands_for_is_its_own_word_then_the_lot_then_unknown() {
    let nifty = Listing::new(date("2026-01-27"), Right::Call, 26_000.0);
    assert_eq!(chain("NIFTY", &[nifty]).contracts.multiplier, [65.0]);
    let stock = Listing {
        root: Some("SPY1"),
        ..call("SPY", "2026-11-20", 600.0)
    };
    let own = Listing {
        multiplier: Some(150.0),
        ..stock
    };
    let chain = chain("SPY", &[stock, own, call("SPY", "2026-11-20", 0.0)]);
    assert_eq!(chain.contracts.multiplier, [150.0]);
    assert_eq!(chain.dropped, [("adjusted", 1), ("bad_strike", 1)].into());
}

#[test]
fn a_field_that_cannot_be_is_missing_and_the_contract_stays() {
    let nonsense = Listing {
        bid: Some(-1.0),
        ask: Some(1e300),
        open_interest: Some(-5.0),
        volume: Some(f64::NAN),
        gamma: Some(-0.1),
        multiplier: Some(1e300),
        ..call("SPY", "2026-11-20", 600.0)
    };
    let chain = chain("SPY", &[nonsense]);
    let listed = &chain.contracts;
    for column in [
        &listed.bid,
        &listed.ask,
        &listed.open_interest,
        &listed.volume,
        &listed.gamma,
    ] {
        assert_eq!(column.get(0), None);
    }
    assert_eq!((listed.len(), listed.multiplier[0]), (1, 100.0));
}

#[test]
fn what_one_contract_says_of_its_series_holds_for_all_in_any_order() {
    let european = Listing {
        style: Some(Style::European),
        settlement: Some(Settlement::Am),
        ..call("SPY", "2026-11-20", 600.0)
    };
    let unnamed = Listing {
        root: None,
        ..call("SPY", "2026-11-20", 610.0)
    };
    let mut listings = vec![call("SPY", "2026-11-20", 590.0), european, unnamed];
    let one = chain("SPY", &listings);
    listings.reverse();
    assert_eq!(one, chain("SPY", &listings));
    assert_eq!(one.series.len(), 1);
    assert_eq!(
        (one.series[0].style, one.series[0].settlement),
        (Style::European, Settlement::Am)
    );
}

#[test]
fn the_longest_delay_there_is_is_no_overflow() {
    let chain = ChainBuilder::new(&calendars(), "SPY", "XNYS").finish(Head {
        delay: crate::market::Span::from_nanos(i64::MIN),
        spot: Some(f64::INFINITY),
        ..Head::default()
    });
    assert_eq!(chain.at(), Timestamp::from_nanos(i64::MAX));
    assert_eq!(chain.head.spot, None);
}
