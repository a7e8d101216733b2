//! Suites `charm_horizon`, `skew` and `american` through a chain: listed, priced, and what the
//! calculators say of it.

use quant::calculator::Calculator;
use quant::calculators::{charm, skew};
use quant::exposure::DealerFlowParams;
use quant::market::{
    Chain, ChainBuilder, Head, Listing, Right, Settlement, Span, Style, Timestamp,
};
use quant::math::svi::{Raw, Svi};
use quant::pricing::{
    ChainParams, Implied, IvSource, Point, PricedAt, PricedChain, PricingTerms, RateCurve,
};
use quant::snapshot::{Options, SessionDate};
use serde_json::Value;

use crate::black_scholes::right;
use crate::{assert_close, calendars, suite};

/// A chain so many years before the settlement of its one expiry.
struct Listed {
    chain: Chain,
    implied: Implied,
    priced: PricedChain,
}

impl Listed {
    fn of(
        input: &Value,
        years: f64,
        contracts: impl Fn(Listing<'static>) -> Vec<Listing<'static>>,
    ) -> Self {
        let number = |name: &str| input[name].as_f64().unwrap();
        let calendars = calendars();
        let listing = Listing {
            multiplier: Some(1.0),
            style: Some(Style::European),
            settlement: Some(Settlement::Pm),
            open_interest: Some(1.0),
            ..Listing::new("2026-12-16".parse().unwrap(), Right::Call, 1.0)
        };
        let settles = Timestamp::from_rfc3339("2026-12-16T16:00:00-05:00").unwrap();
        let at = settles.minus(Span::from_millis((years * 31_536_000_000.0).round() as i64));
        let mut builder = ChainBuilder::new(&calendars, "GOOG", "XNYS");
        contracts(listing)
            .into_iter()
            .for_each(|listing| builder.push(listing));
        let chain = builder.finish(Head {
            as_of: at,
            spot: Some(number("S")),
            ..Head::default()
        });
        assert_eq!(chain.series[0].settles_at, settles);
        let rates = RateCurve::Flat(number("r"));
        let terms = PricingTerms {
            chain: ChainParams::default(),
            rates: Some(rates.clone()),
            dividend_yield: Some(number("q")),
        };
        let implied = Implied::of(&chain, number("S"), &rates, &terms);
        let of = PricedAt::Chain;
        let priced = PricedChain::of(
            &chain,
            &implied,
            Point {
                spot: number("S"),
                at,
                of,
            },
        );
        Self {
            chain,
            implied,
            priced,
        }
    }

    fn options(&self) -> Options<'_> {
        Options {
            chain: &self.chain,
            implied: &self.implied,
            priced: &self.priced,
            close: Some(self.chain.series[0].settles_at),
            average_daily_volume: None,
        }
    }
}

/// All contracts that are listed.
fn everything() -> DealerFlowParams {
    DealerFlowParams {
        min_open_interest: 0.0,
        max_expiry_days: 3_650,
        ..DealerFlowParams::default()
    }
}

#[test]
fn delta_drifts_as_far_as_the_suite_says() {
    for case in suite("charm_horizon") {
        let input = &case["input"];
        let number = |name: &str| input[name].as_f64().unwrap();
        let listed = Listed::of(input, number("minutes") / 525_600.0, |listing| {
            vec![Listing {
                right: right(input),
                strike: number("K"),
                iv: Some(number("sigma")),
                ..listing
            }]
        });
        let mut charm = charm::Charm::new(everything(), Default::default()).unwrap();
        let date = SessionDate(listed.chain.series[0].expiry);
        let at = listed.priced.point.at;
        let says = charm.compute((listed.options(), date), at).unwrap();
        // Of one contract on one unit: dollars are deltas times spot.
        let deltas = |dollars: f64| Some(dollars / number("S"));
        assert_close(
            &case,
            "charm_per_day",
            deltas(says.chex_usd_per_day.unwrap().unsigned),
            1e-11,
        );
        assert_close(
            &case,
            "charm_per_day",
            says.total_charm_shares_per_day,
            1e-11,
        );
        let drift = says.delta_drift.unwrap();
        assert_close(
            &case,
            "delta_to_close_change",
            deltas(drift.close.unwrap().unsigned),
            1e-11,
        );
        for horizon in case["expected"]["horizons"].as_array().unwrap() {
            let published = match horizon["minutes"].as_u64().unwrap() {
                15 => drift.m15,
                60 => drift.m60,
                _ => continue,
            };
            let case = serde_json::json!({"id": case["id"], "expected": horizon});
            assert_close(
                &case,
                "delta_change_exact",
                deltas(published.unsigned),
                1e-11,
            );
        }
    }
}

#[test]
fn the_skew_of_listed_strikes_is_that_of_the_slice() {
    for case in suite("skew") {
        let input = &case["input"];
        let number = |name: &str| input[name].as_f64().unwrap();
        let parameter = |name: &str| input["svi"][name].as_f64().unwrap();
        let slice = Svi::new(Raw {
            a: parameter("a"),
            b: parameter("b"),
            rho: parameter("rho"),
            m: parameter("m"),
            sigma: parameter("sigma"),
        })
        .unwrap();
        let years = number("T");
        let expected = &case["expected"]["forward"];
        let forward = case["expected"]["forward_price"].as_f64().unwrap();
        let wing = |name: &str| expected[name].as_f64().unwrap();
        // Forty strikes, half as far again as the wings.
        let (low, high) = (
            forward - 1.8 * (forward - wing("K_25p")),
            forward + 1.8 * (wing("K_25c") - forward),
        );
        let listed = Listed::of(input, years, |listing| {
            let strike = |n: i32| low + (high - low) * f64::from(n) / 39.0;
            let both = |strike: f64| {
                let iv = slice.implied_volatility(libm::log(strike / forward), years);
                [Right::Call, Right::Put].map(|right| Listing {
                    right,
                    strike,
                    iv,
                    ..listing
                })
            };
            (0..40).map(strike).flat_map(both).collect()
        });
        let params = DealerFlowParams {
            skew_days: 365.0 * years,
            ..everything()
        };
        let mut skew = skew::Skew::new(params, Default::default()).unwrap();
        let date = SessionDate(listed.chain.series[0].expiry);
        let at = listed.priced.point.at;
        let says = skew.compute((listed.options(), date), at).unwrap();
        let id = &case["id"];
        let rr = wing("rr25_call_minus_put");
        for (name, got, expected) in [
            ("call_iv", says.call_iv, wing("iv_25c")),
            ("put_iv", says.put_iv, wing("iv_25p")),
            ("atm_iv", says.atm_iv, wing("atm_fwd_iv")),
            ("rr25", says.rr25_call_minus_put, rr),
            ("skew", says.skew, -rr),
            ("bf25", says.bf25, wing("bf25")),
        ] {
            let away = (got.unwrap() - expected).abs();
            println!("{id} {name}: {away:e}");
            assert!(away <= 0.0015, "{id} {name}: {got:?}, expected {expected}");
        }
        let strike = |got: Option<f64>, name: &str| (got.unwrap() / wing(name) - 1.0).abs();
        assert!(strike(says.call_strike, "K_25c") < 2e-3, "{id}");
        assert!(strike(says.put_strike, "K_25p") < 2e-3, "{id}");
        // One expiry brackets no maturity but its own.
        for point in says.term.unwrap() {
            let is_own = (point.days - 365.0 * years).abs() < 1e-6;
            assert!(is_own || point.atm_iv.is_none(), "{id} {point:?}");
        }
    }
}

#[test]
fn american_prices_in_the_money_give_back_their_volatility() {
    let mut solved = 0;
    for case in suite("american") {
        let input = &case["input"];
        let number = |name: &str| input[name].as_f64().unwrap();
        let Some(price) = case["expected"]["american"].as_f64() else {
            continue;
        };
        let right = right(input);
        let in_the_money = right.sign() * (number("S") - number("K")) > 0.0;
        let intrinsic = (right.sign() * (number("S") - number("K"))).max(0.0);
        if !in_the_money || price < intrinsic + 0.02 * number("S") {
            continue;
        }
        let listed = Listed::of(input, number("T"), |listing| {
            vec![Listing {
                right,
                strike: number("K"),
                style: Some(Style::American),
                bid: Some(price),
                ask: Some(price),
                ..listing
            }]
        });
        let (iv, source) = listed.implied.iv[0].unwrap();
        if source != IvSource::DeAmericanised {
            continue;
        }
        solved += 1;
        let sigma = number("sigma");
        assert!(
            (iv - sigma).abs() < 1e-4,
            "{}: {iv}, expected {sigma}",
            case["id"]
        );
    }
    assert!(solved > 0);
}
