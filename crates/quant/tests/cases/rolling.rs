//! Suite `rolling_stats`.

use quant::math::rolling::{Middle, Moments, percentile, robust_zscore, zscore};
use serde_json::Value;

use crate::{assert_close, suite};

#[test]
fn rolling_stats() {
    for case in suite("rolling_stats") {
        let numbers = case["input"]["history"].as_array().unwrap().iter();
        let history: Vec<f64> = numbers.map(|of: &Value| of.as_f64().unwrap()).collect();
        let value = case["input"]["current"].as_f64().unwrap();
        let moments = Moments::of(history.iter().copied()).unwrap();
        let middle = Middle::of(&history).unwrap();

        let check = |field, got| assert_close(&case, field, got, 1e-9);
        check("mean", Some(moments.mean()));
        check("std_sample", moments.stdev());
        check("z", zscore(value, &history, 2));
        check("median", Some(middle.median()));
        check("mad", Some(middle.mad()));
        check("robust_z", robust_zscore(value, &history, 2));
        let rank = percentile(value, &history, 2).map(|share| share * 100.0);
        check("pct_midrank", rank);
    }
}
