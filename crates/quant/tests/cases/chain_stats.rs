//! Suites `max_pain_pcr`, `oi_buildup`, `iv_rank` and `expected_move`: what a chain's open interest,
//! volume and volatility come to.

use quant::math::expected_move::{one_session, one_sigma, percent, straddle_to_one_sigma};
use quant::math::iv_rank::{InsufficientHistory, standing};
use quant::math::max_pain::{StrikeInterest, max_pain, payouts};
use quant::math::oi_buildup::{DeadBands, build_up};
use quant::math::put_call::put_call_ratio;
use serde_json::{Value, json};

use crate::{assert_close, suite};

fn number(of: &Value, field: &str) -> f64 {
    of[field].as_f64().unwrap()
}

fn rows(input: &Value) -> Vec<StrikeInterest> {
    let multiplier = number(input, "multiplier");
    let row = |of: &Value| StrikeInterest {
        strike: number(of, "strike"),
        call: number(of, "call_oi") * multiplier,
        put: number(of, "put_oi") * multiplier,
    };
    input["chain"].as_array().unwrap().iter().map(row).collect()
}

#[test]
fn max_pain_and_put_call_ratios() {
    for case in suite("max_pain_pcr") {
        let (id, input, expected) = (&case["id"], &case["input"], &case["expected"]);
        let (rows, spot) = (rows(input), number(input, "spot"));
        let payouts = payouts(&rows);
        // Integers: exact.
        for (row, payout) in rows.iter().zip(&payouts) {
            let of_strike = &expected["payouts"][row.strike.to_string()];
            assert_eq!(Some(*payout), of_strike.as_f64(), "{id} {}", row.strike);
        }
        let found = max_pain(&rows, &payouts, spot);
        let strike = found.as_ref().map(|found| found.strike);
        assert_eq!(strike, expected["max_pain"].as_f64(), "{id}");
        let payout = found.as_ref().map(|found| found.payout);
        assert_eq!(payout, expected["payout_at_max_pain"].as_f64(), "{id}");
        let ties = found.map_or_else(Vec::new, |found| found.ties);
        let listed = expected["ties"].as_array().unwrap().iter();
        let listed: Vec<f64> = listed.map(|strike| strike.as_f64().unwrap()).collect();
        assert_eq!(ties, listed, "{id}");
        let distance = strike.map(|strike| (strike - spot) / spot * 100.0);
        assert_close(&case, "distance_pct", distance, 1e-13);

        let sum = |field: &str| {
            let chain = input["chain"].as_array().unwrap().iter();
            Some(chain.map(|row| number(row, field)).sum())
        };
        let of_oi = put_call_ratio(sum("put_oi"), sum("call_oi")).ok();
        let of_volume = put_call_ratio(sum("put_vol"), sum("call_vol")).ok();
        assert_close(&case, "pcr_oi", of_oi, 1e-13);
        assert_close(&case, "pcr_volume", of_volume, 1e-13);
    }
}

#[test]
fn oi_buildup() {
    for case in suite("oi_buildup") {
        let input = &case["input"];
        let bands = DeadBands {
            price_pct: number(input, "min_price_pct"),
            oi_pct: number(input, "min_oi_pct"),
        };
        let price = |field: &str| input[field].as_f64();
        let (before, now) = (number(input, "oi_prev"), number(input, "oi"));
        let built = build_up(price("price_prev"), price("price"), before, now, bands).unwrap();
        let label = json!(built.label);
        assert_eq!(label, case["expected"]["label"], "{}", case["id"]);
        // The suite writes percents as decimals: 0.05 of a binary 100.05 is short of digits.
        assert_close(&case, "price_pct", built.price_pct, 1e-12);
        assert_close(&case, "oi_pct", built.oi_pct, 1e-12);
    }
}

#[test]
fn iv_rank() {
    for case in suite("iv_rank") {
        let (input, expected) = (&case["input"], &case["expected"]);
        let sessions = input["history"].as_array().unwrap().iter();
        let sessions: Vec<f64> = sessions.map(|iv| iv.as_f64().unwrap()).collect();
        let minimum = input["min_obs"].as_u64().unwrap_or(1) as usize;
        let found = standing(number(input, "current"), &sessions, minimum);
        if expected["status"] == "insufficient_history" {
            let (have, need) = (sessions.len(), minimum);
            assert_eq!(found, Err(InsufficientHistory { have, need }));
            continue;
        }
        let found = found.unwrap();
        let percent = |share: f64| Some(share * 100.0);
        assert_close(&case, "iv_rank", found.rank.and_then(percent), 1e-13);
        let (strict, ties) = (found.percentile_strict, found.percentile);
        assert_close(&case, "iv_percentile_strict", percent(strict), 1e-13);
        assert_close(&case, "iv_percentile_midrank", percent(ties), 1e-13);
    }
}

#[test]
fn expected_move() {
    for case in suite("expected_move") {
        let input = &case["input"];
        let spot = number(input, "spot");
        if let Some(vix1d) = input["vix1d"].as_f64() {
            assert_close(&case, "em_day", one_session(spot, vix1d), 1e-12);
            continue;
        }
        let sigma = one_sigma(spot, number(input, "atm_iv"), number(input, "T"));
        let straddle = straddle_to_one_sigma(number(input, "straddle"));
        assert_close(&case, "em_1sd_iv", sigma, 1e-12);
        assert_close(&case, "em_straddle_to_1sd", straddle, 1e-12);
        assert_close(&case, "em_pct", percent(sigma.unwrap(), spot), 1e-12);
    }
}
