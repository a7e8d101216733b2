//! Suite `unusual_activity`: ratios, robust z and flags of single contracts.

use quant::math::unusual::{Activity, Baseline};

use crate::{assert_close, suite};

const TOLERANCE: f64 = 1e-12;

#[test]
fn unusual_activity() {
    for case in suite("unusual_activity") {
        let field = |name: &str| case["input"][name].as_f64();
        let baseline = field("avg20_same_time").map(|mean| Baseline {
            mean,
            median: field("median20_same_time").unwrap(),
            mad: field("mad20_same_time").unwrap(),
        });
        let activity = Activity {
            volume: field("volume").unwrap(),
            open_interest: field("oi_prev_close"),
            baseline,
            premium: field("premium"),
            multiplier: field("multiplier").unwrap(),
        };
        let got = activity.measures();
        assert_close(&case, "vol_oi", got.volume_oi, TOLERANCE);
        assert_close(&case, "vs_avg", got.vs_average, TOLERANCE);
        assert_close(&case, "robust_z", got.robust_z, TOLERANCE);
        assert_close(&case, "premium_notional", got.premium_notional, TOLERANCE);
        let flags = serde_json::to_value(&got.flags).unwrap();
        assert_eq!(flags, case["expected"]["flags"], "{}", case["id"]);
    }
}
