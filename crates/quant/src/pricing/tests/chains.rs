//! Small chains for tests here and of the calculators, in the middle of a session of New York.

use chrono::NaiveDate;

use crate::market::{
    Chain, ChainBuilder, Head, Listing, Right, Style, Timestamp, shipped, t_years,
};
use crate::math::american;
use crate::math::black_scholes::{Terms, greeks};
use crate::pricing::{ChainParams, Implied, Point, PricedAt, PricedChain, PricingTerms, RateCurve};

/// Rate of the tests, a year.
pub(crate) const RATE: f64 = 0.04;

/// When the chains are of: 2026-11-20 is a third Friday.
pub(crate) fn at() -> Timestamp {
    Timestamp::from_rfc3339("2026-11-20T10:00:00-05:00").unwrap()
}

pub(crate) fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// A call with a volatility and open interest.
pub(crate) fn call(expiry: &str, strike: f64, iv: f64, open_interest: f64) -> Listing<'static> {
    Listing {
        iv: Some(iv),
        open_interest: Some(open_interest),
        ..Listing::new(date(expiry), Right::Call, strike)
    }
}

/// A put with a volatility and open interest.
pub(crate) fn put(expiry: &str, strike: f64, iv: f64, open_interest: f64) -> Listing<'static> {
    Listing {
        right: Right::Put,
        ..call(expiry, strike, iv, open_interest)
    }
}

/// Years from then to the close of a date.
pub(crate) fn years(expiry: NaiveDate) -> f64 {
    let close = Timestamp::from_rfc3339(&format!("{expiry}T16:00:00-05:00")).unwrap();
    t_years(close, at())
}

/// The contract, quoted at its value at the volatility it has, which is not listed.
pub(crate) fn quoted(
    listing: Listing<'static>,
    spot: f64,
    dividend_yield: f64,
) -> Listing<'static> {
    let terms = Terms {
        spot,
        strike: listing.strike,
        t_years: years(listing.expiry),
        rate: RATE,
        dividend_yield,
        sigma: listing.iv.unwrap(),
    };
    let value = match listing.style {
        Some(Style::American) => american::price(listing.right, &terms).unwrap(),
        _ => greeks(listing.right, &terms).unwrap().price,
    };
    Listing {
        bid: Some(value - 0.01 * value),
        ask: Some(value + 0.01 * value),
        iv: None,
        ..listing
    }
}

/// A chain with what it implies, priced at its own spot and time.
pub(crate) struct Listed {
    pub(crate) chain: Chain,
    pub(crate) implied: Implied,
    pub(crate) priced: PricedChain,
    pub(crate) average_daily_volume: Option<f64>,
}

impl Listed {
    /// Of a symbol at a spot; a stock's rate is 0, so that sums can be made by hand.
    pub(crate) fn of(symbol: &str, spot: f64, listings: &[Listing<'_>]) -> Self {
        let terms = PricingTerms {
            chain: ChainParams::default(),
            rates: None,
            dividend_yield: None,
        };
        let rate = if symbol == "SPX" { RATE } else { 0.0 };
        Self::on(symbol, spot, listings, &terms, rate)
    }

    /// On these terms.
    pub(crate) fn on(
        symbol: &str,
        spot: f64,
        listings: &[Listing<'_>],
        terms: &PricingTerms,
        rate: f64,
    ) -> Self {
        let calendars = shipped();
        let mut builder = ChainBuilder::new(&calendars, symbol, "XNYS");
        listings.iter().for_each(|listing| builder.push(*listing));
        let chain = builder.finish(Head {
            as_of: at(),
            spot: Some(spot),
            ..Head::default()
        });
        let implied = Implied::of(&chain, spot, &RateCurve::Flat(rate), terms);
        let of = PricedAt::Chain;
        let point = Point { spot, at: at(), of };
        let priced = PricedChain::of(&chain, &implied, point);
        Self {
            chain,
            implied,
            priced,
            average_daily_volume: None,
        }
    }
}
