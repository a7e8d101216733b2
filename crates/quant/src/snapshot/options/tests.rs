//! At which spot and instant a chain is priced, and when it is not.

use chrono::NaiveDate;

use super::*;
use crate::calculator::NoValue;
use crate::market::{ChainBuilder, Head, Listing, Quote, Rule, Span, Symbol, TapeRing, shipped};
use crate::pricing::tests::{Listed, at, call};
use crate::pricing::{ChainParams, PricingTerms, usual_rate};
use crate::snapshot::{Dated, Discovered, Results};

const MONTH: &str = "2026-12-18";

impl Listed {
    /// As a calculator is given it.
    pub(crate) fn options(&self) -> Options<'_> {
        Options {
            chain: &self.chain,
            implied: &self.implied,
            priced: &self.priced,
            close: Timestamp::from_rfc3339("2026-11-20T16:00:00-05:00"),
            average_daily_volume: self.average_daily_volume,
        }
    }
}

fn snapshot(head: Head, listings: &[Listing<'_>]) -> Snapshot {
    let calendars = shipped();
    let mut builder = ChainBuilder::new(&calendars, "GOOG", "XNYS");
    listings.iter().for_each(|listing| builder.push(*listing));
    let max_age = Span::from_seconds(30.0);
    let mut chain = Dated::new(max_age);
    let listed = ListedChain::new(builder.finish(head));
    let of = listed.chain.at();
    chain.set_delayed(listed, of, at());
    Snapshot {
        symbol: Symbol::new("GOOG").unwrap(),
        session_date: NaiveDate::default(),
        quote: Dated::new(max_age),
        bars: Dated::new(max_age),
        imbalance: Dated::new(max_age),
        book: Dated::new(max_age),
        tape: TapeRing::new(1),
        signing_rule: Rule::Auto,
        trades_max_age: max_age,
        discovered: Discovered::default(),
        baseline: None,
        chain,
        pricing: PricingTerms {
            chain: ChainParams::default(),
            rates: usual_rate("USD"),
            dividend_yield: None,
        },
        session_close: None,
        previous_session: None,
        results: Results::default(),
    }
}

fn stated(spot: Option<f64>) -> Head {
    Head {
        as_of: at(),
        spot,
        ..Head::default()
    }
}

fn tick(snapshot: &mut Snapshot, spot: Option<f64>, of: Timestamp) {
    let quote = Quote {
        bid: None,
        ask: None,
        spot: spot.and_then(Price::from_f64),
        volume: None,
        at: of,
    };
    snapshot.quote.set(quote, of);
}

fn point_of(snapshot: &Snapshot, now: Timestamp) -> Result<(f64, Timestamp, PricedAt), NoValue> {
    let view = View::new(snapshot, now, 0);
    let point = Options::take(&view)?.priced.point;
    Ok((point.spot, point.at, point.of))
}

#[test]
fn a_fresh_ticker_sets_spot_and_instant_and_the_chain_does_otherwise() {
    let contracts = [call(MONTH, 100.0, 0.3, 10.0)];
    let now = at().plus(Span::from_seconds(5.0));
    let of_chain = Ok((100.0, at(), PricedAt::Chain));
    let mut snapshot = snapshot(stated(Some(100.0)), &contracts);
    assert_eq!(point_of(&snapshot, now), of_chain);
    for (spot, of, expected) in [
        (Some(102.0), now, Ok((102.0, now, PricedAt::Ticker))),
        (Some(102.0), now.plus(Span::from_seconds(-31.0)), of_chain),
        (Some(0.0), now, of_chain),
        (Some(-3.0), now, of_chain),
        (None, now, of_chain),
    ] {
        tick(&mut snapshot, spot, of);
        snapshot.chain.newest_mut().unwrap().reprice();
        assert_eq!(point_of(&snapshot, now), expected, "{spot:?}");
    }
}

#[test]
fn a_delayed_chain_is_priced_at_the_instant_its_quotes_are_of() {
    let head = Head {
        delay: Span::from_seconds(900.0),
        ..stated(Some(100.0))
    };
    let snapshot = snapshot(head, &[call(MONTH, 100.0, 0.3, 10.0)]);
    let of = at().plus(Span::from_seconds(-900.0));
    assert_eq!(point_of(&snapshot, at()), Ok((100.0, of, PricedAt::Chain)));
}

#[test]
fn a_chain_without_spot_needs_a_ticker() {
    for spot in [None, Some(0.0), Some(f64::NAN), Some(-5.0)] {
        let mut snapshot = snapshot(stated(spot), &[call(MONTH, 100.0, 0.3, 10.0)]);
        let why = NoValue::Undefined("neither a fresh ticker nor a spot in the chain");
        assert_eq!(point_of(&snapshot, at()), Err(why));
        tick(&mut snapshot, Some(101.0), at());
        assert_eq!(
            point_of(&snapshot, at()),
            Ok((101.0, at(), PricedAt::Ticker))
        );
    }
}

#[test]
fn volatilities_are_implied_at_the_chains_own_spot_whatever_the_ticker_says() {
    let quoted = Listing {
        bid: Some(2.0),
        ask: Some(2.1),
        iv: None,
        ..call(MONTH, 105.0, 0.3, 10.0)
    };
    let mut snapshot = snapshot(stated(Some(100.0)), &[quoted]);
    let iv = |snapshot: &Snapshot| {
        let view = View::new(snapshot, at(), 0);
        let options = Options::take(&view).unwrap();
        (options.implied.spot, options.priced.contracts[0].iv)
    };
    let own = iv(&snapshot);
    tick(&mut snapshot, Some(120.0), at());
    snapshot.chain.newest_mut().unwrap().imply_again();
    assert_eq!(iv(&snapshot), own);
    assert_eq!(own.0, 100.0);
}

#[test]
fn nothing_is_priced_without_a_rate_a_fresh_chain_and_a_contract() {
    let contracts = [call(MONTH, 100.0, 0.3, 10.0)];
    let mut without_rate = snapshot(stated(Some(100.0)), &contracts);
    without_rate.pricing.rates = None;
    let why = NoValue::Undefined("no rate is set for its currency");
    assert_eq!(point_of(&without_rate, at()), Err(why));

    let fresh = snapshot(stated(Some(100.0)), &contracts);
    let late = point_of(&fresh, at().plus(Span::from_seconds(31.0)));
    let stale = NoValue::Stale {
        section: Section::Chain,
        age_ms: 31_000,
    };
    assert_eq!(late, Err(stale));

    let unpriced = Listing {
        iv: None,
        ..contracts[0]
    };
    let why = NoValue::Undefined("no contract of the chain can be priced");
    for listings in [&[][..], &[unpriced]] {
        let none = snapshot(stated(Some(100.0)), listings);
        assert_eq!(point_of(&none, at()), Err(why));
    }
}
