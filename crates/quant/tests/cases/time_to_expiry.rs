//! Settlement instants and years to expiry, against Python's `zoneinfo` and elapsed seconds.

use chrono::NaiveDate;
use quant::market::{Settlement, Timestamp, t_years};
use serde::Deserialize;

use crate::calendars;

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
fn expiries_are_exact() {
    let calendars = calendars();
    let suite: Suite = serde_json::from_str(include_str!("time_to_expiry.json")).unwrap();
    assert_eq!(suite.cases.len(), 9);

    for Case {
        id,
        input,
        expected,
    } in suite.cases
    {
        let now = Timestamp::from_rfc3339(&input.now_utc).unwrap();
        let date: NaiveDate = input.settle.date.parse().unwrap();
        let settlement = if input.settle.pm {
            Settlement::Pm
        } else {
            Settlement::Am
        };
        let root = &input.settle.root;
        let product = calendars.product(root, "XNYS").unwrap();
        assert_eq!(product.settlement(root), settlement, "{id}");
        // As listed: NIFTY's 2026-11-24 is a holiday, which its reference does not know.
        let settled = product.settlement_instant(date, settlement);
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
