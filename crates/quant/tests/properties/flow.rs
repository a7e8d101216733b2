//! Toxicity and participants: ranges, the spread's identity, two shares that are one, mirrors.

use proptest::prelude::*;
use quant::calculator::Status;
use quant::market::Trade;
use quant::math::liquidity::spreads;
use serde_json::{Value, json};

use crate::desk::{Desk, only};
use crate::market::{mirrored, prints, unruly_passes};

/// What a calculator says of trades that have just come, as one that needs few of them.
fn said(name: &str, trades: &[Trade]) -> Option<Value> {
    let changed = match name {
        "toxicity" => json!({"minimum_trades": 1}),
        _ => json!({}),
    };
    let mut desk = Desk::with(name, changed);
    trades.iter().for_each(|trade| desk.print(*trade));
    let now = trades.last()?.at;
    let said = only(desk.turn(now));
    (said.outcome.status == Status::Ok).then(|| said.body())
}

fn in_range(value: &Value, low: f64, high: f64) {
    let inside = |value: f64| (low..=high).contains(&value);
    assert!(
        value.is_null() || value.as_f64().is_some_and(inside),
        "{value}"
    );
}

fn check_toxicity(body: &Value) {
    for share in [
        "toxicity_score",
        "toxicity_adjusted",
        "confidence",
        "aggressor_ratio",
        "large_trade_ratio",
        "spread_cross_ratio",
        "institutional_score",
    ] {
        in_range(&body[share], 0.0, 1.0);
    }
    in_range(&body["aggressor_imbalance"], -1.0, 1.0);
    in_range(&body["kyle_lambda"]["r2"], 0.0, 1.0);
    in_range(&body["kyle_lambda"]["se"], 0.0, f64::MAX);
    let venues = body["venues"].as_object().unwrap();
    let total: f64 = venues.values().map(|share| share.as_f64().unwrap()).sum();
    assert!((total - 1.0).abs() < 1e-12, "{total}");
}

proptest! {
    #[test]
    fn shares_are_shares_on_any_tape(passes in unruly_passes(4)) {
        for name in ["toxicity", "institutional_flow", "retail_flow"] {
            let mut desk = Desk::with(name, json!({}));
            for pass in &passes {
                let said = only(desk.pass(pass));
                if said.outcome.status == Status::Ok {
                    let body = said.body();
                    match name {
                        "toxicity" => check_toxicity(&body),
                        _ => in_range(&body["value"], 0.0, 1.0),
                    }
                }
            }
        }
    }

    #[test]
    fn the_two_participants_share_one_whole(trades in prints(1..120)) {
        let (one, other) = (said("institutional_flow", &trades), said("retail_flow", &trades));
        prop_assert_eq!(one.is_some(), other.is_some());
        if let (Some(one), Some(other)) = (one, other) {
            let value = |body: &Value| body["value"].as_f64().unwrap();
            prop_assert_eq!(value(&one) + value(&other), 1.0);
            let notional = |body: &Value| body["notional"].as_f64().unwrap();
            let total = one["total_notional"].as_f64().unwrap();
            prop_assert!(notional(&one) + notional(&other) <= total * (1.0 + 1e-12));
            let parts = notional(&one) / (notional(&one) + notional(&other));
            prop_assert!((value(&one) - parts).abs() < 1e-12);
        }
    }

    #[test]
    fn buyers_for_sellers_turns_the_imbalance_and_nothing_else(trades in prints(1..120)) {
        let reflected: Vec<Trade> = trades.iter().copied().map(mirrored).collect();
        let (one, other) = (said("toxicity", &trades), said("toxicity", &reflected));
        prop_assert_eq!(one.is_some(), other.is_some());
        if let (Some(one), Some(other)) = (one, other) {
            check_toxicity(&one);
            for field in ["aggressor_ratio", "spread_cross_ratio", "confidence", "aggressive_volume"] {
                prop_assert_eq!(&one[field], &other[field], "{}", field);
            }
            let imbalance = |body: &Value| body["aggressor_imbalance"].as_f64();
            prop_assert_eq!(imbalance(&one), imbalance(&other).map(|turned| 0.0 - turned));
        }
    }

    #[test]
    fn what_the_taker_pays_is_kept_or_lost(
        sell in any::<bool>(),
        mid in 1.0..1e5f64,
        off in -0.1..0.1f64,
        moved in -0.1..0.1f64,
    ) {
        let sign = if sell { -1.0 } else { 1.0 };
        let got = spreads(sign, mid * (1.0 + off), mid, mid * (1.0 + moved)).unwrap();
        let rest = got.effective - (got.realized + got.impact);
        prop_assert!(rest.abs() < 1e-9, "{:?}", got);
    }
}
