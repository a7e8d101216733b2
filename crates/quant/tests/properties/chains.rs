//! Arbitrary option chains: the orderly, and those that keep no rule.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use chrono::NaiveDate;
use proptest::prelude::*;
use quant::market::{
    Calendars, Chain, ChainBuilder, Head, Listing, Right, Settlement, Span, Style, Timestamp,
    t_years,
};
use quant::math::black_scholes::{Terms, greeks};

use crate::market::{extreme, unruly_time};

/// The calendars the program ships with.
static CALENDARS: LazyLock<Calendars> = LazyLock::new(|| {
    const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/sessions.toml");
    Calendars::from_toml(&std::fs::read_to_string(PATH).unwrap()).unwrap()
});

/// A chain on a symbol of New York.
pub(crate) fn chain(symbol: &str, listings: &[Listing<'_>], head: Head) -> Chain {
    let mut builder = ChainBuilder::new(&CALENDARS, symbol, "XNYS");
    listings.iter().for_each(|listing| builder.push(*listing));
    builder.finish(head)
}

pub(crate) fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// A book on GOOG, mid-session, whose greeks anybody can compute.
#[derive(Clone, Debug)]
pub(crate) struct OptionBook {
    pub(crate) spot: f64,
    pub(crate) listings: Vec<Listing<'static>>,
}

/// The expiries of orderly books: today, a monthly, a weekly, a year ahead.
pub(crate) const EXPIRIES: [&str; 4] = ["2024-03-13", "2024-03-15", "2024-04-12", "2025-03-21"];

/// The rate of dollars that nobody set.
pub(crate) const RATE: f64 = 0.045;

/// Five hours before the close of the first of them.
pub(crate) fn noon() -> Timestamp {
    Timestamp::from_rfc3339("2024-03-13T11:00:00-04:00").unwrap()
}

/// The close of that session.
pub(crate) fn close() -> Timestamp {
    Timestamp::from_rfc3339("2024-03-13T16:00:00-04:00").unwrap()
}

impl OptionBook {
    pub(crate) fn chain(&self) -> Chain {
        let head = Head {
            as_of: noon(),
            spot: Some(self.spot),
            ..Head::default()
        };
        chain("GOOG", &self.listings, head)
    }

    /// The same book with every contract changed.
    pub(crate) fn map(&self, change: impl Fn(Listing<'static>) -> Listing<'static>) -> Self {
        Self {
            spot: self.spot,
            listings: self.listings.iter().copied().map(change).collect(),
        }
    }
}

/// A quote around the European value; parts of it under a cent are no matter.
fn quoted(listing: Listing<'static>, spot: f64, sigma: f64) -> Listing<'static> {
    let settles = Timestamp::from_rfc3339(&format!("{}T20:00:00Z", listing.expiry)).unwrap();
    let terms = Terms {
        spot,
        strike: listing.strike,
        t_years: t_years(settles, noon()),
        rate: RATE,
        dividend_yield: 0.0,
        sigma,
    };
    let value = greeks(listing.right, &terms).unwrap().price;
    Listing {
        bid: Some(0.99 * value),
        ask: Some(1.01 * value),
        ..listing
    }
}

/// Books of contracts around a spot, each once; `quotes` lets some be quoted where the others
/// state a volatility.
pub(crate) fn books(quotes: bool) -> impl Strategy<Value = OptionBook> {
    let contract = (
        0..EXPIRIES.len(),
        any::<bool>(),
        -12..=12i32,
        0.1..0.8f64,
        0..5_000i32,
        0..3_000i32,
        any::<bool>(),
    );
    let contracts = prop::collection::vec(contract, 1..30);
    (50.0..500.0f64, contracts).prop_map(move |(spot, contracts)| {
        let mut unique = BTreeMap::new();
        for (expiry, is_call, step, sigma, held, traded, is_quoted) in contracts {
            let right = if is_call { Right::Call } else { Right::Put };
            let strike = (spot * (1.0 + 0.02 * f64::from(step))).round();
            let listing = Listing {
                open_interest: Some(f64::from(held)),
                volume: Some(f64::from(traded)),
                ..Listing::new(date(EXPIRIES[expiry]), right, strike)
            };
            let listing = match quotes && is_quoted {
                true => quoted(listing, spot, sigma),
                false => Listing {
                    iv: Some(sigma),
                    ..listing
                },
            };
            unique.insert((expiry, is_call, strike as i64), listing);
        }
        OptionBook {
            spot,
            listings: unique.into_values().collect(),
        }
    })
}

/// Mostly a number of the usual size, at times none that anybody would write.
fn odd(usual: std::ops::Range<f64>) -> impl Strategy<Value = Option<f64>> {
    let never = vec![
        0.0,
        -0.0,
        -1.0,
        f64::NAN,
        f64::INFINITY,
        f64::MAX,
        f64::MIN_POSITIVE,
        5e-324,
        1e-70,
        1e9,
        1e12,
    ];
    prop_oneof![
        6 => usual.prop_map(Some),
        1 => Just(None),
        2 => prop::sample::select(never).prop_map(Some),
    ]
}

fn unruly_listing() -> impl Strategy<Value = Listing<'static>> {
    let expiries = [
        "2023-11-14",
        "2023-11-17",
        "2023-12-15",
        "2025-12-19",
        "2023-11-03",
        "9999-01-01",
    ];
    let roots = [None, Some("GOOG"), Some("GOOG7"), Some("GOOGL"), Some(" ")];
    let styles = [None, None, Some(Style::European), Some(Style::American)];
    let settlements = [None, None, None, Some(Settlement::Am), Some(Settlement::Pm)];
    let what = (
        prop::sample::select(&[0, 0, 1, 1, 2, 2, 3, 4, 5][..]),
        any::<bool>(),
        prop_oneof![6 => (10..30i32).prop_map(|n| Some(5.0 * f64::from(n))), 1 => odd(1.0..200.0)],
        prop::sample::select(roots.to_vec()),
        prop::sample::select(styles.to_vec()),
        prop::sample::select(settlements.to_vec()),
        prop::option::weighted(0.2, odd(1.0..1_000.0)),
    );
    let known = (
        prop::option::weighted(0.7, (odd(0.0..20.0), odd(0.0..2.0))),
        odd(0.0..40.0),
        odd(0.05..6.0),
        odd(-1.0..1.0),
        odd(0.0..0.2),
        odd(0.0..10_000.0),
        odd(0.0..10_000.0),
        prop::option::weighted(0.4, (odd(-2_000.0..2_000.0), odd(0.0..40.0))),
    );
    (what, known).prop_map(move |(what, known)| {
        let (expiry, is_call, strike, root, style, settlement, multiplier) = what;
        let (quote, mark, iv, delta, gamma, open_interest, volume, dealt) = known;
        let (oi_change, last) = dealt.unwrap_or((None, None));
        let right = if is_call { Right::Call } else { Right::Put };
        let (bid, wide) = quote.unwrap_or((None, None));
        Listing {
            root,
            multiplier: multiplier.flatten(),
            style,
            settlement,
            bid,
            ask: bid
                .zip(wide)
                .map(|(bid, wide)| bid + wide - 0.1)
                .filter(|_| quote.is_some()),
            mark,
            iv,
            delta,
            gamma,
            open_interest,
            oi_change,
            last,
            volume,
            ..Listing::new(date(expiries[expiry]), right, strike.unwrap_or(f64::NAN))
        }
    })
}

/// Two expiries whole: what needs a smile, or two, seldom finds one among odd contracts alone.
fn ladder() -> Vec<Listing<'static>> {
    let mut listings = Vec::new();
    for expiry in ["2023-11-17", "2023-12-15"] {
        for right in [Right::Call, Right::Put] {
            let strikes = (0..11).map(|n| 40.0 + 12.0 * f64::from(n));
            listings.extend(strikes.map(|strike| Listing {
                iv: Some(0.5 - 0.001 * strike),
                open_interest: Some(10.0),
                ..Listing::new(date(expiry), right, strike)
            }));
        }
    }
    listings
}

/// A chain that keeps no rule: strikes, quotes, volatilities and counts that are none, several
/// roots and styles, expiries gone, of today and of the end of time, with a spot and without.
pub(crate) fn unruly_chain(base: i64) -> impl Strategy<Value = Chain> {
    let delay = prop_oneof![
        4 => Just(Span::ZERO),
        2 => Just(Span::from_millis(900_000)),
        1 => extreme().prop_map(Span::from_nanos),
    ];
    let head = (unruly_time(base), delay, any::<bool>(), odd(50.0..150.0));
    let listings = prop::collection::vec(unruly_listing(), 0..24);
    let whole = prop::bool::weighted(0.15);
    (head, listings, whole).prop_map(|((as_of, delay, delayed, spot), unruly, whole)| {
        let mut listings = if whole { ladder() } else { Vec::new() };
        listings.extend(unruly);
        let head = Head {
            source: None,
            as_of,
            delay,
            delayed,
            spot,
        };
        chain("GOOG", &listings, head)
    })
}
