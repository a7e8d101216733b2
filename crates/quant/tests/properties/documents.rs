//! Documents are plain JSON whatever the market says, and a restart goes on where it stopped.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use quant::calculator::{Card, Status};
use quant::calculators::{
    PER_SYMBOL, bars, charm, dex, expected_move, flow_clusters, gex, hedging_impact, hidden,
    institutional_flow, iv_rank, max_pain, moc, obi, oi_buildup, pcr, retail_flow, skew, summary,
    surface, sweep, toxicity, unusual, vanna, vpin,
};
use quant::market::OrderBook;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::desk::{Desk, Said};
use crate::market::{at_ms, levels, unruly_passes};

/// Reads the body as the payload it came from, writes that, and reads it again.
fn round_trip<P: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(body: &[u8]) {
    let payload: P = serde_json::from_slice(body).unwrap();
    let written = quant::json::to_vec(&payload);
    assert_eq!(written, body);
    assert_eq!(serde_json::from_slice::<P>(&written).unwrap(), payload);
}

fn check_payload(name: &str, body: &[u8]) {
    match name {
        "vpin" => round_trip::<vpin::Payload>(body),
        "gex" => round_trip::<gex::Payload>(body),
        "dex" => round_trip::<dex::Payload>(body),
        "vanna" => round_trip::<vanna::Payload>(body),
        "charm" => round_trip::<charm::Payload>(body),
        "hedging_impact" => round_trip::<hedging_impact::Payload>(body),
        "skew" => round_trip::<skew::Payload>(body),
        "flow_clusters" => round_trip::<flow_clusters::Payload>(body),
        "moc" => round_trip::<moc::Payload>(body),
        "unusual" => round_trip::<unusual::Payload>(body),
        "obi" => round_trip::<obi::Payload>(body),
        "toxicity" => round_trip::<toxicity::Payload>(body),
        "institutional_flow" => round_trip::<institutional_flow::Payload>(body),
        "retail_flow" => round_trip::<retail_flow::Payload>(body),
        "hidden" => round_trip::<hidden::Payload>(body),
        "sweep" => round_trip::<sweep::Payload>(body),
        "pcr" => round_trip::<pcr::Payload>(body),
        "max_pain" => round_trip::<max_pain::Payload>(body),
        "oi_buildup" => round_trip::<oi_buildup::Payload>(body),
        "surface" => round_trip::<surface::Payload>(body),
        "expected_move" => round_trip::<expected_move::Payload>(body),
        "iv_rank" => round_trip::<iv_rank::Payload>(body),
        "bars" => round_trip::<bars::Payload>(body),
        "summary" => round_trip::<summary::Payload>(body),
        other => panic!("no payload type is known here for {other}"),
    }
}

/// JSON has no not-a-number; negative zero it has, and documents must not.
fn check_text(document: &[u8]) {
    let text = std::str::from_utf8(document).unwrap();
    // Where a value begins; a field's name may hold them, as dominant does.
    for word in ["NaN", "nan", "Inf", "inf", "-inf", "-Inf"] {
        for before in [':', '[', ','] {
            assert!(!text.contains(&format!("{before}{word}")), "{text}");
        }
    }
    let value: Value = serde_json::from_str(text).unwrap();
    check_numbers(&value);
}

fn check_numbers(value: &Value) {
    match value {
        Value::Number(number) => {
            let float = number.as_f64().unwrap();
            assert!(float.is_finite());
            assert!(float != 0.0 || float.is_sign_positive(), "{number}");
        }
        Value::Array(items) => items.iter().for_each(check_numbers),
        Value::Object(fields) => fields.values().for_each(check_numbers),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// The neutral numbers that readers who ignore the status may take for a vote, and nothing else.
fn check_absent(name: &str, status: Status, body: &Value) {
    assert_ne!(status, Status::Ok);
    for (field, value) in body.as_object().unwrap() {
        match (name, field.as_str()) {
            ("vpin", "value") => assert_eq!(*value, 0.5),
            ("vpin", "status") => assert!(value.is_string()),
            ("unusual", "classification") => assert_eq!(*value, "absent"),
            ("institutional_flow" | "retail_flow", "value") => assert_eq!(*value, 0.5),
            ("institutional_flow" | "retail_flow", "status") if status == Status::Undefined => {
                assert_eq!(*value, "unclassified");
            }
            ("toxicity" | "institutional_flow" | "retail_flow", "status")
                if status == Status::Missing =>
            {
                assert_eq!(*value, "no_trades");
            }
            ("summary", _) => {
                let statuses = serde_json::json!({"ticker": status.as_str()});
                let empty = serde_json::json!({});
                assert_eq!(*value, if field == "status" { statuses } else { empty });
            }
            _ => assert!(value.is_null(), "{name}.{field} is {value}"),
        }
    }
}

fn check(said: &Said) {
    let Said {
        name,
        outcome,
        document,
    } = said;
    check_text(document);
    check_payload(name, &outcome.body);
    let whole: Value = serde_json::from_slice(document).unwrap();
    assert_eq!(whole["meta"]["status"], outcome.status.as_str());
    if outcome.status != Status::Ok {
        assert!(outcome.reason.is_some());
        check_absent(name, outcome.status, &said.body());
    }
}

fn bucket_size() -> impl Strategy<Value = f64> {
    prop::sample::select(vec![0.0, 1e-8, 1_000.0])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_market_makes_plain_documents(passes in unruly_passes(8), size in bucket_size()) {
        let mut desk = Desk::new(size);
        for pass in &passes {
            desk.pass(pass).iter().for_each(check);
        }
    }

    #[test]
    fn a_restart_goes_on_where_it_stopped(passes in unruly_passes(8), size in bucket_size(), stop in 0..8usize) {
        let mut through = Desk::new(size);
        let mut restarted = Desk::new(size);
        for (number, pass) in passes.iter().enumerate() {
            if number == stop {
                restarted = restarted.restarted();
            }
            for (one, other) in through.pass(pass).iter().zip(restarted.pass(pass)) {
                prop_assert_eq!(one.outcome.status, other.outcome.status, "{}", one.name);
                prop_assert_eq!(one.body(), other.body(), "{}", one.name);
            }
        }
    }
}

#[test]
fn arbitrary_markets_reach_every_calculator_with_and_without_a_value() {
    let mut runner = TestRunner::deterministic();
    let mut seen: BTreeMap<&str, BTreeSet<Status>> = BTreeMap::new();
    let reached = |seen: &BTreeMap<&str, BTreeSet<Status>>, name: &str| {
        let statuses = seen.get(name);
        // The summary has something to say of any market, and bars of any with a print.
        let any = matches!(name, "summary" | "bars");
        let both = |statuses: &BTreeSet<Status>| any || statuses.len() > 1;
        statuses.is_some_and(|all| all.contains(&Status::Ok) && both(all))
    };
    for _ in 0..600 {
        if PER_SYMBOL
            .iter()
            .all(|entry| reached(&seen, entry.card.name))
        {
            return;
        }
        let passes = unruly_passes(8).new_tree(&mut runner).unwrap().current();
        let mut desk = Desk::new(1_000.0);
        for said in passes.iter().flat_map(|pass| desk.pass(pass)) {
            seen.entry(said.name)
                .or_default()
                .insert(said.outcome.status);
        }
    }
    for Card { name, .. } in PER_SYMBOL.iter().map(|entry| &entry.card) {
        assert!(reached(&seen, name), "{name}: {:?}", seen.get(name));
    }
}

#[test]
fn where_there_is_no_value_all_is_null_but_the_neutral_vpin() {
    for Card { name, absent, .. } in PER_SYMBOL.iter().map(|entry| &entry.card) {
        for status in Status::ALL
            .into_iter()
            .filter(|status| *status != Status::Ok)
        {
            let body = absent(status);
            check_payload(name, &body);
            check_absent(name, status, &serde_json::from_slice(&body).unwrap());
        }
    }
}

#[test]
fn what_is_built_on_a_result_is_as_old_as_the_result() {
    let level = |price| levels(&[(price, 100)]);
    let book = OrderBook::consolidated(level(10), level(12), at_ms(1_000));
    let mut desk = Desk::new(0.0);
    desk.snapshot.book.set(book, at_ms(1_000));
    let said = desk.turn(at_ms(3_000));
    let summary = said.iter().find(|said| said.name == "summary").unwrap();
    let document: Value = serde_json::from_slice(&summary.document).unwrap();
    let meta = &document["meta"];
    assert_eq!(meta["status"], "ok");
    assert_eq!(
        (&meta["as_of_ms"], &meta["age_ms"]),
        (&1_000.into(), &2_000.into())
    );
    assert_eq!(
        meta["valid_until_ms"], 31_000,
        "the book speaks for thirty seconds"
    );
}
