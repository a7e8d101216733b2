//! Settlement instants and years to expiry, against Python's `zoneinfo` and elapsed seconds.

use chrono::NaiveDate;
use quant::market::{Calendars, Settlement, Timestamp, t_years};
use serde::Deserialize;

/// Roots that settle on the hours of XNYS. The suite's NIFTY and SENSEX cases are left out:
/// `sessions.toml` has no calendar of their exchanges, NSE and BSE, yet.
const XNYS_ROOTS: [&str; 4] = ["SPXW", "SPX", "SPY", "VIX"];

#[derive(Deserialize)]
struct Suite {
    tolerance: Tolerance,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Tolerance {
    #[serde(rename = "T_rel")]
    t_rel: f64,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    input: Input,
    expected: Expected,
}

#[derive(Deserialize)]
struct Input {
    now_utc: String,
    settle: Settle,
}

#[derive(Deserialize)]
struct Settle {
    root: String,
    date: String,
    pm: bool,
}

#[derive(Deserialize)]
struct Expected {
    expiry_utc: String,
    seconds: i64,
    #[serde(rename = "T")]
    t_years: f64,
}

#[test]
fn united_states_expiries_are_exact() {
    const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/sessions.toml");
    let calendars = Calendars::from_toml(&std::fs::read_to_string(PATH).unwrap()).unwrap();
    let xnys = calendars.exchange("XNYS").unwrap();
    let suite: Suite = serde_json::from_str(include_str!("time_to_expiry.json")).unwrap();
    let (cases, left_out): (Vec<Case>, Vec<Case>) = suite
        .cases
        .into_iter()
        .partition(|case| XNYS_ROOTS.contains(&case.input.settle.root.as_str()));
    assert_eq!((cases.len(), left_out.len()), (7, 2));

    for Case {
        id,
        input,
        expected,
    } in cases
    {
        let now = Timestamp::from_rfc3339(&input.now_utc).unwrap();
        let date: NaiveDate = input.settle.date.parse().unwrap();
        let settlement = if input.settle.pm {
            Settlement::Pm
        } else {
            Settlement::Am
        };
        let settled = xnys.settlement(date, settlement).unwrap();
        assert_eq!(
            Some(settled),
            Timestamp::from_rfc3339(&expected.expiry_utc),
            "{id}"
        );
        assert_eq!(
            settled.since(now).nanos(),
            expected.seconds * 1_000_000_000,
            "{id}"
        );
        let error = (t_years(settled, now) - expected.t_years).abs();
        assert!(
            error <= suite.tolerance.t_rel * expected.t_years,
            "{id}: off by {error}"
        );
    }
}
