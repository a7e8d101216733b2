//! Suite `vpin`: bucket by bucket, exact.

use quant::math::volume_buckets::{Print, VolumeBuckets};
use serde_json::Value;

use crate::suite;

fn side_of(of: &Value) -> i8 {
    match of.as_str().unwrap() {
        "B" => 1,
        "S" => -1,
        "U" => 0,
        other => panic!("side {other}"),
    }
}

#[test]
fn vpin() {
    for case in suite("vpin") {
        let input = &case["input"];
        let size = input["bucket_size"].as_i64().unwrap();
        let n = input["n"].as_u64().unwrap() as usize;
        let trades = input["trades"].as_array().unwrap();

        // Poured in unit by unit, so that the value after each bucket can be read.
        let mut by_unit = VolumeBuckets::new(size, n);
        let mut by_print = VolumeBuckets::new(size, n);
        let (mut values, mut buckets) = (Vec::new(), Vec::new());
        for trade in trades {
            let print = Print {
                at_ns: 0,
                size: trade["size"].as_i64().unwrap(),
                sign: side_of(&trade["side"]),
                kind: 0,
            };
            by_print.fill(print);
            for _ in 0..print.size {
                let before = by_unit.completed();
                by_unit.fill(Print { size: 1, ..print });
                if by_unit.completed() > before {
                    let bucket = by_unit.complete().back().unwrap();
                    values.push(by_unit.vpin());
                    buckets.push(bucket.net);
                }
            }
        }

        let (id, expected) = (&case["id"], &case["expected"]);
        assert_eq!(values.last().copied().flatten(), by_print.vpin(), "{id}");
        assert_eq!(by_unit.completed(), by_print.completed(), "{id}");

        let expected_values = expected["vpin"].as_array().unwrap();
        assert_eq!(values.len(), expected_values.len(), "{id}");
        for (got, expected) in values.iter().zip(expected_values) {
            match (got, expected.as_f64()) {
                (None, None) => {}
                (Some(got), Some(expected)) => assert!((got - expected).abs() <= 1e-12, "{id}"),
                other => panic!("{id}: {other:?}"),
            }
        }
        for (net, expected) in buckets.iter().zip(expected["buckets"].as_array().unwrap()) {
            let side = |name: &str| expected[name].as_f64().unwrap();
            assert_eq!((size + net) as f64 / 2.0, side("buy"), "{id}");
            assert_eq!((size - net) as f64 / 2.0, side("sell"), "{id}");
        }
        let open = &expected["open_bucket"];
        assert_eq!(
            by_print.open_fill() as f64,
            open["fill"].as_f64().unwrap(),
            "{id}"
        );
        let bought = (by_print.open_fill() + by_print.open_net()) as f64 / 2.0;
        assert_eq!(bought, open["buy"].as_f64().unwrap(), "{id}");
    }
}
