//! Suite `microprice`.

use quant::math::microprice::Chain;
use serde_json::Value;

use crate::suite;

fn vector(of: &Value) -> Vec<f64> {
    let numbers = of.as_array().unwrap().iter();
    numbers.map(|of| of.as_f64().unwrap()).collect()
}

fn matrix(of: &Value) -> Vec<Vec<f64>> {
    of.as_array().unwrap().iter().map(vector).collect()
}

fn assert_within(name: &str, got: &[f64], expected: &Value) {
    let expected = vector(expected);
    assert_eq!(got.len(), expected.len(), "{name}");
    for (got, expected) in got.iter().zip(expected) {
        assert!((got - expected).abs() <= 1e-12, "{name}: {got} {expected}");
    }
}

#[test]
fn microprice() {
    for case in suite("microprice") {
        let (input, expected) = (&case["input"], &case["expected"]);
        let chain = Chain {
            stays: matrix(&input["Q"]),
            moves: matrix(&input["R1"]),
            sizes: vector(&input["K"]),
            moved: matrix(&input["R2"]),
        };
        let solved = chain.solve().unwrap();
        assert_within("G1", &solved.first, &expected["G1"]);
        assert_eq!(solved.renewal.len(), matrix(&expected["B"]).len());
        for (at, row) in solved.renewal.iter().enumerate() {
            assert_within("B", row, &expected["B"][at]);
        }
        assert_within("G_star", &solved.total, &expected["G_star"]);
        let mid = input["mid"].as_f64().unwrap();
        let prices: Vec<f64> = solved.total.iter().map(|g| mid + g).collect();
        assert_within("micro_price", &prices, &expected["micro_price"]);
    }
}
