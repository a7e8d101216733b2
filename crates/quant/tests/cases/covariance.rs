//! Suite `covariance`: Ledoit–Wolf, the nearest correlation matrix, implied correlation, and
//! deltas weighted by beta.

use quant::math::beta_weighted::beta_weighted;
use quant::math::dense::Matrix;
use quant::math::eigen::smallest_eigenvalue;
use quant::math::implied_correlation::{Member, implied_correlation};
use quant::math::nearest_psd::nearest_correlation;
use quant::math::shrinkage::ledoit_wolf;
use serde_json::Value;

use crate::{assert_close, suite};

const TOLERANCE: f64 = 1e-9;

fn numbers(of: &Value) -> Vec<f64> {
    let all = of.as_array().unwrap().iter();
    all.map(|number| number.as_f64().unwrap()).collect()
}

fn rows(of: &Value) -> Matrix {
    of.as_array().unwrap().iter().map(numbers).collect()
}

fn assert_matrix(got: &Matrix, expected: &Value, tolerance: impl Fn(f64) -> f64) {
    let expected = rows(expected);
    assert_eq!(got.len(), expected.len());
    for (got, expected) in got.iter().flatten().zip(expected.iter().flatten()) {
        let off = (got - expected).abs();
        assert!(
            off <= tolerance(*expected),
            "{got:e}, expected {expected:e}"
        );
    }
}

fn check_shrinkage(case: &Value) {
    let (input, expected) = (&case["input"], &case["expected"]);
    let found = ledoit_wolf(&rows(&input["returns"])).unwrap();
    let relative = |expected: f64| TOLERANCE * expected.abs();
    assert_close(case, "shrinkage", Some(found.shrinkage), TOLERANCE);
    assert_matrix(&found.sample, &expected["sample_cov_mle"], relative);
    assert_matrix(&found.covariance, &expected["cov"], relative);
}

fn check_nearest(case: &Value) {
    let (input, expected) = (&case["input"], &case["expected"]);
    let matrix = rows(&input["matrix"]);
    let within = case["tol"]["abs"].as_f64().unwrap();
    let found = nearest_correlation(&matrix, 500).unwrap();
    assert_matrix(&found.matrix, &expected["nearest"], |_| within);
    // Eigenvalues do better than the matrix that is iterated to.
    for smallest in [
        smallest_eigenvalue(&matrix).unwrap(),
        found.min_eigenvalue_before,
    ] {
        assert_close(case, "min_eig_before", Some(smallest), 1e-14);
    }
    let after = smallest_eigenvalue(&found.matrix).unwrap();
    assert!(after.abs() <= 1e-15, "{after:e}");
}

fn check_implied(case: &Value) {
    let input = &case["input"];
    let (weights, vols) = (numbers(&input["weights"]), numbers(&input["vols"]));
    let member = |(&weight, &vol): (&f64, &f64)| Member { weight, vol };
    let members: Vec<Member> = weights.iter().zip(&vols).map(member).collect();
    let found = implied_correlation(&members, input["index_vol"].as_f64().unwrap()).unwrap();
    let check = |field, got| assert_close(case, field, Some(got), TOLERANCE);
    check("implied_correlation", found.correlation);
    check("dispersion_var", found.dispersion);
    assert!((found.weight_covered - 1.0).abs() < 1e-15);
}

fn check_beta(case: &Value) {
    let (input, expected) = (&case["input"], &case["expected"]);
    let position = |of: &Value| (of["dollar_delta"].as_f64().unwrap(), of["beta"].as_f64());
    let all = input["positions"].as_array().unwrap().iter();
    let positions: Vec<_> = all.map(position).collect();
    let found = beta_weighted(&positions, input["index_price"].as_f64().unwrap()).unwrap();
    let check = |field, got| assert_close(case, field, Some(got), TOLERANCE);
    check("beta_dollar_delta", found.dollar_delta);
    check("index_shares", found.index_shares);
    assert_eq!(Some(found.missing as u64), expected["missing"].as_u64());
}

#[test]
fn covariance() {
    for case in suite("covariance") {
        match case["id"].as_str().unwrap() {
            "ledoit_wolf" => check_shrinkage(&case),
            "nearest_corr" => check_nearest(&case),
            "implied_corr" => check_implied(&case),
            "beta_weighted" => check_beta(&case),
            other => panic!("{other}"),
        }
    }
}
