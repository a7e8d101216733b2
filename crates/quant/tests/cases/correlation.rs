//! Suite `correlation`: Pearson on common times, and Hayashi–Yoshida.

use quant::math::correlation::{NoCorrelation, Scratch, pearson};
use quant::math::hayashi_yoshida::hayashi_yoshida;
use quant::math::log_returns::{Point, Series};
use serde_json::Value;

use crate::{assert_close, suite};

fn series(points: &Value) -> Series {
    let point = |of: &Value| Point {
        time: of[0].as_i64().unwrap(),
        price: of[1].as_f64().unwrap(),
        session: 0,
    };
    let points: Vec<Point> = points.as_array().unwrap().iter().map(point).collect();
    Series::new(&points)
}

fn status(why: NoCorrelation) -> &'static str {
    match why {
        NoCorrelation::InsufficientOverlap { .. } => "insufficient_overlap",
        NoCorrelation::ZeroVariance => "zero_variance",
    }
}

#[test]
fn correlation() {
    for case in suite("correlation") {
        let (input, expected) = (&case["input"], &case["expected"]);
        let (a, b) = (series(&input["a"]), series(&input["b"]));
        let minimum = input["min_obs"].as_u64().unwrap_or(0) as usize;
        let check = |field, got| assert_close(&case, field, got, 1e-11);
        let failed = match input["method"].as_str().unwrap() {
            "pearson_common_timestamps" => {
                let found = pearson(&a, &b, minimum, &mut Scratch::default());
                check("rho", found.ok().map(|found| found.rho));
                if let Some(n) = expected["n"].as_u64() {
                    assert_eq!(found.unwrap().n as u64, n, "{}", case["id"]);
                }
                found.err()
            }
            "hayashi_yoshida" => {
                let found = hayashi_yoshida(&a, &b, minimum).unwrap();
                check("cov", Some(found.covariance));
                check("var_a", Some(found.variance_a));
                check("var_b", Some(found.variance_b));
                check("rho", Some(found.rho));
                None
            }
            other => panic!("{other}"),
        };
        let status = failed.map(status);
        assert_eq!(status, expected["status"].as_str(), "{}", case["id"]);
    }
}
