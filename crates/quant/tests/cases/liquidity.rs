//! Suite `liquidity`: spreads and their identity, Kyle's lambda, Amihud and Roll.

use quant::math::liquidity::{amihud, effective_spread_bps, kyle_lambda, roll};
use quant::math::liquidity::{spreads, weighted_mean};
use serde_json::Value;

use crate::{assert_close, suite};

const TOLERANCE: f64 = 1e-11;

fn floats(values: &Value) -> Vec<f64> {
    let values = values.as_array().unwrap().iter();
    values.map(|value| value.as_f64().unwrap()).collect()
}

#[test]
fn liquidity() {
    for case in suite("liquidity") {
        let input = &case["input"];
        match case["id"].as_str().unwrap() {
            "spreads" => check_spreads(&case),
            "kyle" => {
                let (moves, volumes) = (floats(&input["d_mid"]), floats(&input["signed_volume"]));
                let fit = kyle_lambda(&moves, &volumes);
                assert_close(&case, "lambda", fit.map(|fit| fit.lambda), TOLERANCE);
                assert_close(&case, "intercept", fit.map(|fit| fit.intercept), TOLERANCE);
                assert_close(&case, "r2", fit.and_then(|fit| fit.r2), TOLERANCE);
            }
            "amihud" => {
                let periods = floats(&input["returns"]);
                let periods = periods.into_iter().zip(floats(&input["dollar_volume"]));
                let got = amihud(periods).unwrap();
                let used = got.used as f64;
                assert_close(&case, "illiq_x1e6", Some(got.illiquidity_x1e6), TOLERANCE);
                assert_close(&case, "n_used", Some(used), 0.0);
                assert_eq!(got.excluded, 1);
            }
            "roll" | "roll_undefined" => {
                let got = roll(&floats(&input["d_price"])).unwrap();
                assert_close(&case, "roll_spread", got.spread, TOLERANCE);
                if !case["expected"]["autocov1"].is_null() {
                    assert_close(&case, "autocov1", Some(got.autocovariance), TOLERANCE);
                }
            }
            other => panic!("no check is known for {other}"),
        }
    }
}

fn check_spreads(case: &Value) {
    let field = |trade: &Value, name: &str| trade[name].as_f64().unwrap();
    let trades = case["input"]["trades"].as_array().unwrap();
    let mut weighted = Vec::new();
    for (at, trade) in trades.iter().enumerate() {
        let (sign, price, mid) = (
            field(trade, "sign"),
            field(trade, "price"),
            field(trade, "mid"),
        );
        let got = spreads(sign, price, mid, field(trade, "mid_after")).unwrap();
        assert_eq!(effective_spread_bps(sign, price, mid), Some(got.effective));
        for (name, got) in [
            ("effective_bps", got.effective),
            ("realized_bps", got.realized),
            ("impact_bps", got.impact),
        ] {
            let expected = case["expected"][name][at].as_f64().unwrap();
            let error = (got - expected).abs();
            assert!(
                error <= TOLERANCE * expected.abs(),
                "{name} {at}: {got}, expected {expected}"
            );
        }
        weighted.push((got.effective, field(trade, "size")));
    }
    let mean = weighted_mean(weighted.into_iter());
    assert_close(case, "size_weighted_effective_bps", mean, TOLERANCE);
}
