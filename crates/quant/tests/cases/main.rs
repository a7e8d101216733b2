//! Reference suites: numbers that come from elsewhere, one JSON file a suite, compared at the
//! tolerance the suite states.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests: a malformed suite must fail the test"
)]

mod american;
mod black_scholes;
mod book;
mod bulk;
mod chain_stats;
mod clustering;
mod correlation;
mod covariance;
mod distributions;
mod expiry_calendar;
mod exposures;
mod forward;
mod gex_profile;
mod implied_vol;
mod liquidity;
mod microprice;
mod moc_imbalance;
mod portfolio_rollup;
mod priced;
mod rolling;
mod signing;
mod surface;
mod sweeps;
mod time_to_expiry;
mod toxicity;
mod unusual_activity;
mod volatility;
mod vpin;

use quant::market::Calendars;
use serde_json::Value;

/// The cases of the suite in `tests/cases/{name}.json`.
fn suite(name: &str) -> Vec<Value> {
    let path = format!("{}/tests/cases/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let mut suite: Value = serde_json::from_str(&text).unwrap();
    let cases = suite["cases"].take();
    let cases = cases.as_array().expect("a suite has cases").clone();
    assert_eq!(
        Some(cases.len() as u64),
        suite["n_cases"].as_u64(),
        "{name}"
    );
    cases
}

/// The calendars the program ships with.
fn calendars() -> Calendars {
    const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/sessions.toml");
    Calendars::from_toml(&std::fs::read_to_string(PATH).unwrap()).unwrap()
}

/// `got` is `expected` within the relative tolerance; null expects nothing.
fn assert_close(case: &Value, field: &str, got: Option<f64>, tolerance: f64) {
    let expected = &case["expected"][field];
    let id = &case["id"];
    let matches = match (got, expected.as_f64()) {
        (None, None) => expected.is_null(),
        (Some(got), Some(expected)) => (got - expected).abs() <= tolerance * expected.abs(),
        _ => false,
    };
    assert!(matches, "{id} {field}: got {got:?}, expected {expected}");
}
