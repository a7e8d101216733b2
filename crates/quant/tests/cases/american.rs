//! Suite `american`: prices and differences of QuantLib's high precision engine, and what they say
//! to a European solver.

use quant::math::american::{early_exercise_premium, implied_vol, price, sensitivities};
use quant::math::black_scholes::{Right, Terms};
use serde_json::Value;

use crate::suite;

fn option(input: &Value) -> (Right, Terms) {
    let number = |field: &str| input[field].as_f64().unwrap();
    let right = match input["type"].as_str().unwrap() {
        "C" => Right::Call,
        _ => Right::Put,
    };
    let terms = Terms {
        spot: number("S"),
        strike: number("K"),
        t_years: number("T"),
        rate: number("r"),
        dividend_yield: number("q"),
        sigma: number("sigma"),
    };
    (right, terms)
}

fn check(case: &Value, field: &str, got: f64, tolerance: f64) {
    let (id, expected) = (&case["id"], case["expected"][field].as_f64().unwrap());
    assert!(
        (got - expected).abs() <= tolerance,
        "{id} {field}: got {got}, expected {expected}, tolerance {tolerance:e}"
    );
}

#[test]
fn prices_premiums_and_differences_are_those_of_the_reference() {
    for case in suite("american") {
        let (right, terms) = option(&case["input"]);
        let near = 1e-6 * terms.spot;
        check(&case, "american", price(right, &terms).unwrap(), near);
        let premium = early_exercise_premium(right, &terms).unwrap();
        check(&case, "early_exercise_premium", premium, near);
        let moves = sensitivities(right, &terms).unwrap();
        check(&case, "american", moves.price, near);
        check(&case, "delta_fd_0p1pct", moves.delta, 1e-4);
        let gamma = case["expected"]["gamma_fd_0p1pct"].as_f64().unwrap();
        check(&case, "gamma_fd_0p1pct", moves.gamma, 0.005 * gamma.abs());
    }
}

#[test]
fn a_reference_price_implies_its_own_volatility_unless_it_is_intrinsic() {
    for case in suite("american") {
        let (right, terms) = option(&case["input"]);
        let quoted = case["expected"]["american"].as_f64().unwrap();
        let implied = implied_vol(right, quoted, &terms);
        if case["id"] == "put_deep_itm" {
            assert!(implied.is_err(), "{implied:?}");
            continue;
        }
        let error = implied.unwrap() - terms.sigma;
        assert!(error.abs() < 1e-6, "{}: {error:e}", case["id"]);
    }
}
