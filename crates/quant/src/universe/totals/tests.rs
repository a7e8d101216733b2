//! Sums over symbols of which some are missing, over, unreadable, or of another currency.

use super::*;
use crate::market::{Symbol, Timestamp};

fn present(gex: Option<f64>) -> Standing {
    let summary = summary::Payload {
        total_gex: gex,
        ..summary::Payload::default()
    };
    Standing::Present {
        summary: Box::new(summary),
        as_of: Timestamp::from_millis(1),
        valid_until: Timestamp::from_millis(2),
        delayed: false,
    }
}

fn member(name: &str, currency: &str, standing: Standing) -> Member {
    Member {
        symbol: Symbol::new(name).unwrap(),
        sector: "OTHER".into(),
        currency: currency.into(),
        beta: None,
        standing,
    }
}

#[test]
fn what_is_not_there_is_not_zero() {
    let members = [
        member("A", "USD", present(Some(1.5))),
        member("B", "USD", present(None)),
        member("C", "USD", Standing::Missing),
        member("D", "USD", Standing::Malformed),
        member("E", "USD", Standing::Stale),
    ];
    let totals = Totals::of(members.iter(), "USD", 0.7);
    assert_eq!(totals.amounts.total_gex, Some(1.5));
    assert_eq!(totals.counts["total_gex"], 1);
    assert_eq!(totals.amounts.total_dex, None);
    assert_eq!((totals.with_data, totals.symbols.len()), (2, 5));
    let lists = [&totals.missing, &totals.malformed, &totals.stale];
    assert_eq!(lists, [&["C"], &["D"], &["E"]]);
    assert_eq!(totals.counted().dropped["stale"], 1);
}

#[test]
fn rupees_are_not_added_to_dollars() {
    let members = [
        member("NIFTY", "INR", present(Some(1e12))),
        member("SPY", "USD", present(Some(7.0))),
    ];
    let totals = Totals::of(members.iter(), "USD", 0.7);
    assert_eq!(totals.amounts.total_gex, Some(7.0));
    assert_eq!(totals.other_currencies["INR"].total_gex, Some(1e12));
}

#[test]
fn what_is_too_large_to_be_a_number_is_none() {
    assert_eq!(sum([f64::MAX, f64::MAX].into_iter()), None);
    assert_eq!(sum([].into_iter()), None);
    assert_eq!(sum([1.0, 2.0].into_iter()), Some((3.0, 2)));
}
