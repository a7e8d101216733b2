//! Whose volatility a contract has, and why it has none.

use super::{Listed, RATE, call, put, quoted};
use crate::market::{Listing, Style};
use crate::pricing::{ChainParams, IvChoice, IvSource, NoIv, PricingTerms};

const SPOT: f64 = 100.0;
const MONTH: &str = "2026-12-18";

fn terms(iv: IvChoice) -> PricingTerms {
    PricingTerms {
        chain: ChainParams {
            iv,
            ..ChainParams::default()
        },
        rates: None,
        dividend_yield: Some(0.0),
    }
}

fn solved(iv: IvChoice, listings: &[Listing<'_>]) -> Vec<Result<(f64, IvSource), NoIv>> {
    Listed::on("GOOG", SPOT, listings, &terms(iv), RATE)
        .implied
        .iv
}

fn is(found: Result<(f64, IvSource), NoIv>, iv: f64, source: IvSource) {
    let (is, of) = found.unwrap();
    assert_eq!(of, source);
    assert!((is - iv).abs() < 1e-8, "{is}, expected {iv}");
}

#[test]
fn the_source_speaks_first_unless_its_word_is_not_wanted() {
    let both = Listing {
        iv: Some(0.5),
        ..quoted(call(MONTH, 105.0, 0.3, 1.0), SPOT, 0.0)
    };
    is(solved(IvChoice::Vendor, &[both])[0], 0.5, IvSource::Vendor);
    is(solved(IvChoice::Own, &[both])[0], 0.3, IvSource::Quote);
}

#[test]
fn in_the_money_the_other_side_speaks() {
    let of_put = quoted(put(MONTH, 95.0, 0.35, 1.0), SPOT, 0.0);
    let call = Listing {
        bid: Some(5.0),
        ask: Some(5.2),
        iv: None,
        ..call(MONTH, 95.0, 0.3, 1.0)
    };
    let found = solved(IvChoice::Own, &[call, of_put]);
    is(found[0], 0.35, IvSource::OtherSide);
    is(found[1], 0.35, IvSource::Quote);
    // Also where the other side is the source's word.
    let stated = Listing {
        iv: Some(0.4),
        ..of_put
    };
    is(
        solved(IvChoice::Vendor, &[call, stated])[0],
        0.4,
        IvSource::OtherSide,
    );
}

#[test]
fn an_american_in_the_money_alone_is_de_americanised() {
    let style = Some(Style::American);
    let alone = Listing {
        style,
        ..put(MONTH, 115.0, 0.4, 1.0)
    };
    let found = solved(IvChoice::Own, &[quoted(alone, SPOT, 0.0)]);
    is(found[0], 0.4, IvSource::DeAmericanised);
    let european = Listing {
        style: Some(Style::European),
        ..alone
    };
    is(
        solved(IvChoice::Own, &[quoted(european, SPOT, 0.0)])[0],
        0.4,
        IvSource::Quote,
    );
}

#[test]
fn a_long_american_put_is_de_americanised_out_of_the_money_and_a_call_is_not() {
    let style = Some(Style::American);
    let years_ahead = "2028-12-15";
    let of_put = Listing {
        style,
        ..put(years_ahead, 90.0, 0.4, 1.0)
    };
    is(
        solved(IvChoice::Own, &[quoted(of_put, SPOT, 0.0)])[0],
        0.4,
        IvSource::DeAmericanised,
    );
    // Without a yield a call is worth as much alive.
    let of_call = Listing {
        style,
        ..call(years_ahead, 120.0, 0.4, 1.0)
    };
    is(
        solved(IvChoice::Own, &[quoted(of_call, SPOT, 0.0)])[0],
        0.4,
        IvSource::Quote,
    );
}

#[test]
fn percent_taken_for_decimals_is_solved_again_and_noted() {
    let quote = quoted(call(MONTH, 105.0, 0.3, 1.0), SPOT, 0.0);
    for wrong in [5.5, 30.0, 1e-5] {
        let stated = Listing {
            iv: Some(wrong),
            ..quote
        };
        let listed = Listed::on("GOOG", SPOT, &[stated], &terms(IvChoice::Vendor), RATE);
        is(listed.implied.iv[0], 0.3, IvSource::Quote);
        assert_eq!(listed.implied.noted, [("suspect_iv", 1)].into());
        let alone = call(MONTH, 105.0, wrong, 1.0);
        assert_eq!(solved(IvChoice::Vendor, &[alone])[0], Err(NoIv::NoQuote));
    }
    // Hours before the end 550 % is what a quote of a few cents says.
    let today = call("2026-11-20", 105.0, 5.5, 1.0);
    is(solved(IvChoice::Vendor, &[today])[0], 5.5, IvSource::Vendor);
}

#[test]
fn a_quote_that_tells_nothing_is_refused() {
    let with = |bid: Option<f64>, ask: Option<f64>, mark: Option<f64>| {
        let contract = Listing {
            bid,
            ask,
            mark,
            iv: None,
            ..call(MONTH, 105.0, 0.3, 1.0)
        };
        solved(IvChoice::Vendor, &[contract])[0].map(|(_, source)| source)
    };
    assert_eq!(with(Some(1.0), Some(2.0), None), Err(NoIv::WideSpread));
    assert_eq!(with(Some(1.0), Some(1.6), None), Ok(IvSource::Quote));
    assert_eq!(
        with(Some(0.0), Some(0.1), Some(0.05)),
        Err(NoIv::NoQuote),
        "nobody bids"
    );
    assert_eq!(
        with(Some(2.0), Some(1.0), None),
        Err(NoIv::NoQuote),
        "crossed"
    );
    assert_eq!(
        with(Some(1.0), None, Some(1.0)),
        Err(NoIv::NoQuote),
        "one side"
    );
    assert_eq!(
        with(None, None, Some(1.0)),
        Ok(IvSource::Quote),
        "a mark is all there is"
    );
    assert_eq!(with(None, None, None), Err(NoIv::NoQuote));
    assert_eq!(with(Some(150.0), Some(151.0), None), Err(NoIv::NotSolvable));
}
