//! Suite `vpin_bvc`: bars classified in bulk, and the buckets they fill.

use quant::math::bvc::{BulkBuckets, Law};
use serde_json::Value;

use crate::suite;

/// Units a share: rounding a bar to whole units stays below the suite's tolerance.
const SCALE: f64 = 1e15;

fn law(input: &Value) -> Law {
    match input["dist"].as_str().unwrap() {
        "normal" => Law::Normal,
        "t" => Law::StudentT {
            nu: input["nu"].as_f64().unwrap(),
        },
        other => panic!("law {other}"),
    }
}

fn assert_near(id: &Value, got: Option<f64>, expected: &Value) {
    let near = match (got, expected.as_f64()) {
        (Some(got), Some(expected)) => (got - expected).abs() <= 1e-12,
        (got, expected) => got == expected,
    };
    assert!(near, "{id}: got {got:?}, expected {expected}");
}

#[test]
fn vpin_bvc() {
    for case in suite("vpin_bvc") {
        let (id, input, expected) = (&case["id"], &case["input"], &case["expected"]);
        let law = law(input);
        let sigma = input["sigma_dp"].as_f64().unwrap();
        let size = (input["bucket_size"].as_f64().unwrap() * SCALE) as i64;
        let mut window = BulkBuckets::new(size, input["n"].as_u64().unwrap() as usize);
        let mut all = BulkBuckets::new(size, 100);
        let (mut last, mut values) = (None, Vec::new());
        for (number, bar) in input["bars"].as_array().unwrap().iter().enumerate() {
            let close = bar["close"].as_f64().unwrap();
            let change = last.replace(close).map_or(0.0, |last| close - last);
            let fraction = law.buy_fraction(change, sigma);
            assert_near(id, Some(fraction), &expected["buy_fraction"][number]);

            let volume = (bar["volume"].as_f64().unwrap() * SCALE) as i64;
            let net = law.net(volume, change, sigma);
            all.pour(volume, net);
            // Where a bar completes several buckets, only the value after the last can be read.
            let closed = all.complete().len() - values.len();
            window.pour(volume, net);
            values.extend(vec![None; closed.saturating_sub(1)]);
            if closed > 0 {
                values.push(Some(window.vpin()));
            }
        }
        let buckets = expected["buckets"].as_array().unwrap();
        assert_eq!(all.complete().len(), buckets.len(), "{id}");
        for (net, expected) in all.complete().iter().zip(buckets) {
            let side = |net: f64| Some((size as f64 + net) / 2.0 / SCALE);
            assert_near(id, side(*net as f64), &expected["buy"]);
            assert_near(id, side(-*net as f64), &expected["sell"]);
        }
        let vpins = expected["vpin"].as_array().unwrap();
        assert_eq!(values.len(), vpins.len(), "{id}");
        for (got, expected) in values.iter().zip(vpins) {
            if let Some(got) = got {
                assert_near(id, *got, expected);
            }
        }
    }
}
