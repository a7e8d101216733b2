//! Exposures of small books under three conventions: totals, walls, shares, the hedge.

use quant::exposure::{Levels, Split, StrikeExposure, gamma_flip_by_strike};
use quant::math::black_scholes::{Greeks, Right, Terms, greeks};
use quant::math::sum::Sum;
use serde_json::Value;

use crate::{assert_close, suite};

const TOLERANCE: f64 = 1e-10;

/// A contract of a case.
struct Contract {
    right: Right,
    strike: f64,
    held: f64,
    today: bool,
    greeks: Greeks,
    flow: f64,
}

fn contracts(input: &Value) -> Vec<Contract> {
    let number = |value: &Value, key: &str| value[key].as_f64().unwrap();
    let spot = number(input, "S");
    let each = input["contracts"].as_array().unwrap().iter().map(|c| {
        let right = match c["type"].as_str().unwrap() {
            "C" => Right::Call,
            _ => Right::Put,
        };
        let terms = Terms {
            spot,
            strike: number(c, "K"),
            t_years: number(c, "T"),
            rate: number(c, "r"),
            dividend_yield: number(c, "q"),
            sigma: number(c, "iv"),
        };
        Contract {
            right,
            strike: terms.strike,
            held: number(c, "oi") * number(c, "mult"),
            today: c["dte0"].as_bool().unwrap(),
            greeks: greeks(right, &terms).unwrap(),
            flow: number(c, "dealer_sign"),
        }
    });
    each.collect()
}

/// The factor of a contract under a convention of the suite.
fn sign(convention: &str, contract: &Contract) -> f64 {
    match convention {
        "unsigned" => 1.0,
        "flow_signed" => contract.flow,
        _ => contract.right.sign(),
    }
}

#[test]
fn books_have_the_exposures_of_the_suite() {
    for case in suite("gex_exposures") {
        let spot = case["input"]["S"].as_f64().unwrap();
        let contracts = contracts(&case["input"]);
        for convention in ["unsigned", "dealer_long_calls_short_puts", "flow_signed"] {
            let expected = serde_json::json!({
                "id": format!("{} {convention}", case["id"]),
                "expected": case["expected"][convention].clone(),
            });
            check(&expected, convention, spot, &contracts, &case["input"]);
        }
    }
}

fn check(case: &Value, convention: &str, spot: f64, contracts: &[Contract], input: &Value) {
    let total = |each: &dyn Fn(&Contract) -> f64| {
        let amounts = contracts
            .iter()
            .map(|c| sign(convention, c) * each(c) * c.held);
        amounts.collect::<Sum>().value()
    };
    let gex = |c: &Contract| c.greeks.gamma * spot * spot * 0.01;
    let slope = |c: &Contract| {
        let per_unit = 2.0 * spot * c.greeks.gamma + spot * spot * c.greeks.speed;
        per_unit * 0.01 * 0.01 * spot
    };
    let totals = serde_json::json!({"id": case["id"], "expected": case["expected"]["total"]});
    let figures = [
        ("gex", total(&gex)),
        ("dex", total(&|c| c.greeks.delta * spot)),
        ("vex", total(&|c| c.greeks.vanna * spot * 0.01)),
        ("chex_day", total(&|c| c.greeks.charm * spot / 365.0)),
        ("vega_pt", total(&|c| c.greeks.vega * 0.01)),
        ("gex_slope", total(&slope)),
    ];
    for (field, got) in figures {
        assert_close(&totals, field, Some(got), TOLERANCE);
    }
    let net = figures[0].1;
    assert_close(
        case,
        "hedge_shares_per_up_1pct",
        Some(-net / spot),
        TOLERANCE,
    );
    assert_close(case, "hedge_notional_per_up_1pct", Some(-net), TOLERANCE);
    let adv = input["adv_shares"].as_f64().unwrap();
    let pct_adv = 100.0 * (net / spot).abs() / adv;
    assert_close(case, "hedge_pct_of_adv_per_1pct", Some(pct_adv), TOLERANCE);

    let gross = |today: bool| {
        let amounts = contracts.iter().filter(|c| c.today || !today);
        amounts
            .map(|c| (gex(c) * c.held).abs())
            .collect::<Sum>()
            .value()
    };
    assert_close(
        case,
        "zero_dte_gross_share",
        Some(gross(true) / gross(false)),
        TOLERANCE,
    );
    let today = total(&|c| if c.today { gex(c) } else { 0.0 });
    assert_close(case, "zero_dte_net", Some(today), TOLERANCE);
    check_strikes(case, convention, spot, contracts);
}

fn check_strikes(case: &Value, convention: &str, spot: f64, contracts: &[Contract]) {
    let profile = case["expected"]["profile"].as_array().unwrap();
    let strikes: Vec<StrikeExposure> = profile
        .iter()
        .map(|row| {
            let strike = row["strike"].as_f64().unwrap();
            let of_strike = contracts.iter().filter(|c| c.strike == strike);
            let split: Split = of_strike
                .map(|c| {
                    let gex = c.greeks.gamma * c.held * spot * spot * 0.01;
                    (c.right, sign(convention, c) * gex)
                })
                .collect();
            let row = serde_json::json!({"id": case["id"], "expected": row});
            assert_close(&row, "call_gex", Some(split.call()), TOLERANCE);
            assert_close(&row, "put_gex", Some(split.put()), TOLERANCE);
            let net = split.call() + split.put();
            assert_close(&row, "net_gex", Some(net), 1e-9);
            StrikeExposure {
                strike,
                call: split.call(),
                put: split.put(),
                net,
            }
        })
        .collect();
    let levels = Levels::of(&strikes);
    let first = |levels: &[quant::exposure::Level]| levels.first().map(|level| level.strike);
    let walls = [
        ("call_wall", first(&levels.call)),
        ("put_wall", first(&levels.put)),
        ("net_positive_wall", first(&levels.net_positive)),
        ("net_negative_wall", first(&levels.net_negative)),
        ("max_gross_gamma_strike", first(&levels.gross)),
        ("max_abs_net_gamma_strike", first(&levels.absolute_net)),
    ];
    for (field, got) in walls {
        // Where every strike has zero the suite names one all the same; a wall of nothing is none.
        let net_walls = field.starts_with("net_");
        if net_walls || got.is_some() {
            assert_close(case, field, got, 0.0);
        }
    }
    let flip = gamma_flip_by_strike(&strikes, spot);
    assert_close(case, "zero_gamma_by_cumulative_strike", flip, TOLERANCE);
}
