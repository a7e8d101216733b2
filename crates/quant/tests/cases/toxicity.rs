//! Suite `toxicity`: the blend over the components there are, its level and its confidence.

use quant::calculators::toxicity::Level;
use quant::math::toxicity::{Component, Volumes, score};

use crate::{assert_close, suite};

const TOLERANCE: f64 = 1e-12;
/// The suite's own thresholds.
const LEVELS: [f64; 2] = [0.35, 0.6];

#[test]
fn toxicity() {
    for case in suite("toxicity") {
        let volume = |name: &str| i128::from(case["input"][name].as_i64().unwrap());
        let volumes = Volumes {
            buy: volume("buy_vol"),
            sell: volume("sell_vol"),
            large: volume("large_vol"),
            total: volume("total_vol"),
        };
        let values = [
            ("vpin", case["input"]["vpin"].as_f64(), 0.5),
            (
                "aggressor",
                volumes.aggressor_imbalance().map(f64::abs),
                0.3,
            ),
            ("large_trade", volumes.large_share(), 0.2),
        ];
        let parts =
            serde_json::json!({"id": case["id"], "expected": case["expected"]["components"]});
        for (name, value, _) in values {
            assert_close(&parts, name, value, TOLERANCE);
        }
        let components = values.map(|(_, value, weight)| Component { value, weight });
        let got = score(&components, volumes.classified_share());
        assert_close(&case, "score", got.value, TOLERANCE);
        assert_close(&case, "confidence", Some(got.confidence), TOLERANCE);
        let level = got.value.map(|value| Level::of(value, LEVELS));
        let level = serde_json::to_value(level).unwrap();
        assert_eq!(level, case["expected"]["level"], "{}", case["id"]);
    }
}
