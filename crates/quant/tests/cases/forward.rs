//! Suite `implied_forward`: the forward of an expiry from put-call parity.

use quant::math::forward::{
    ForwardError, ParityQuote, forward_at_rate, forward_at_the_money, implied_yield, regression,
};
use serde_json::Value;

use crate::{assert_close, suite};

fn quotes(input: &Value) -> Vec<ParityQuote> {
    let of = |name: &str, i: usize| input[name][i].as_f64();
    (0..input["strikes"].as_array().unwrap().len())
        .map(|i| ParityQuote {
            strike: of("strikes", i).unwrap(),
            call_mid: of("call_mid", i),
            put_mid: of("put_mid", i),
            weight: 1.0,
        })
        .collect()
}

#[test]
fn implied_forward() {
    for case in suite("implied_forward") {
        let quotes = quotes(&case["input"]);
        let t = case["input"]["T"].as_f64().unwrap();
        let rate = case["input"]["r"].as_f64().unwrap();
        let line = regression(&quotes, t);
        let (fixed, nearest) = (
            forward_at_rate(&quotes, rate, t),
            forward_at_the_money(&quotes, rate, t),
        );
        if case["expected"]["status"].as_str() == Some("no_pair") {
            assert_eq!(line.unwrap_err().as_str(), "no_pair");
            assert_eq!(fixed, Err(ForwardError::NoPair));
            assert_eq!(nearest, Err(ForwardError::NoPair));
            continue;
        }
        let line = line.unwrap();
        assert_close(&case, "forward_regression", Some(line.forward), 1e-11);
        assert_close(&case, "discount_regression", Some(line.discount), 1e-11);
        assert_close(&case, "implied_rate", Some(line.rate), 1e-11);
        assert_close(&case, "forward_min_abs", nearest.ok(), 1e-11);
        assert_close(&case, "forward_true", fixed.ok(), 1e-11);
        // The yield of that forward carries a spot to it.
        let q = implied_yield(line.forward, 5_800.0, rate, t).unwrap();
        let back = 5_800.0 * libm::exp((rate - q) * t);
        assert_close(&case, "forward_true", Some(back), 1e-11);
    }
}
