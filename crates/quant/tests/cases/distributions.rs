//! Suite `normal_dist`: the normal distribution and its inverse, and Student's t.

use quant::math::{normal, student_t};
use serde_json::Value;

use crate::suite;

fn check(id: &Value, field: &str, got: f64, expected: &Value, tolerance: f64) {
    let expected = expected[field].as_f64().unwrap();
    let error = (got - expected).abs();
    assert!(
        error <= tolerance * expected.abs(),
        "{id} {field}: got {got:e}, expected {expected:e}"
    );
}

#[test]
fn normal_dist() {
    for case in suite("normal_dist") {
        let (id, input, expected) = (&case["id"], &case["input"], &case["expected"]);
        if let Some(z) = input["z"].as_f64() {
            let tolerance = 4e-16 * (1.0 + z * z);
            check(id, "pdf", normal::pdf(z), expected, tolerance);
            check(id, "cdf", normal::cdf(z), expected, tolerance);
            check(id, "sf", normal::cdf(-z), expected, tolerance);
        } else if let Some(p) = input["p"].as_f64() {
            let inverse = expected["inv_cdf"].as_f64().unwrap();
            let got = normal::quantile(p);
            assert!((got - inverse).abs() <= 2e-15, "{id}: got {got}");
        } else {
            let x = input["x"].as_f64().unwrap();
            let nu = input["nu"].as_f64().unwrap();
            check(id, "t_cdf", student_t::cdf(x, nu), expected, 1e-13);
        }
    }
}
