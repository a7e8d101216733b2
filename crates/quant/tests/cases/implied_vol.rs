//! Suites `implied_vol` and `implied_vol_errors`: volatilities from exact roots, each at the
//! tolerance its price allows, and why there is none.

use quant::math::implied_vol::{IvError, implied_vol, implied_vol_from};
use serde_json::Value;

use crate::black_scholes::right;
use crate::suite;

fn solve(seed: Option<f64>, input: &Value) -> Result<f64, IvError> {
    let of = |name: &str| input[name].as_f64().unwrap_or(f64::NAN);
    let (price, f, k, t) = (of("undiscounted_price"), of("F"), of("K"), of("T"));
    match seed {
        None => implied_vol(right(input), price, f, k, t),
        Some(seed) => implied_vol_from(seed, right(input), price, f, k, t),
    }
}

#[test]
fn implied_vols() {
    let mut goals = 0;
    for case in suite("implied_vol") {
        let (id, expected) = (&case["id"], case["expected"]["sigma"].as_f64().unwrap());
        let (rel, goal) = (&case["tol"]["rel"], &case["tol"]["rel_goal"]);
        for seed in [None, Some(expected * 1.03), Some(expected * 0.9)] {
            let got = solve(seed, &case["input"]);
            let sigma = got.or_else(|error| error.sigma().ok_or(error)).unwrap();
            let error = (sigma / expected - 1.0).abs();
            println!("{id} from {seed:?}: {error:e}");
            assert!(error <= rel.as_f64().unwrap(), "{id}: {sigma} {expected}");
            if seed.is_none() && error <= goal.as_f64().unwrap() {
                goals += 1;
            }
        }
    }
    assert_eq!(goals, 16, "all meet the goal of the suite");
}

#[test]
fn implied_vol_errors() {
    for case in suite("implied_vol_errors") {
        let expected = &case["expected"];
        let name = expected["error"].as_str().or(expected["status"].as_str());
        for seed in [None, Some(0.2)] {
            let error = solve(seed, &case["input"]).unwrap_err();
            assert_eq!(Some(error.as_str()), name, "{}", case["id"]);
            assert_eq!(error.sigma(), expected["sigma"].as_f64(), "{}", case["id"]);
        }
    }
}
