//! Frames as the vendor's documents and samples show them.

use super::*;
use proptest::prelude::*;
use serde_json::json;

fn object(value: &Value) -> Row<'_> {
    Row(value.as_object().unwrap())
}

fn body(text: &str) -> Value {
    match frame(text) {
        Frame::Message { body, .. } => body,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn text_is_a_diagnostic_and_so_is_a_request_error() {
    assert_eq!(frame(" Key Expired.\n"), Frame::Text("Key Expired.".into()));
    let error = r#"{"MessageType":"RequestError","Message":"Function not enabled."}"#;
    assert_eq!(frame(error), Frame::Text("Function not enabled.".into()));
    assert_eq!(frame("{\"a\":"), Frame::Malformed);
    assert_eq!(frame("{\"a\":\"unclosed"), Frame::Malformed);
}

#[test]
fn the_kind_may_be_missing_or_null_or_of_another_case() {
    for (text, expected) in [
        (r#"{"MessageType":"Echo"}"#, "Echo"),
        (r#"{"messagetype":"Echo"}"#, "Echo"),
        (r#"{"MessageType":null,"Result":[]}"#, ""),
        (r#"{"Result":[]}"#, ""),
        (
            r#"[{"MessageType":"HistoryOHLCResult"}]"#,
            "HistoryOHLCResult",
        ),
        ("[]", ""),
    ] {
        match frame(text) {
            Frame::Message { kind, .. } => assert_eq!(kind, expected, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn rows_stand_in_the_result_or_bare() {
    for text in [
        r#"{"Request":{"Max":0},"Result":[{"Close":1},{"Close":2}],"MessageType":"HistoryOHLCResult"}"#,
        r#"[{"Close":1},{"Close":2}]"#,
        r#"{"result":[{"Close":1},7,{"Close":2}]}"#,
    ] {
        let body = body(text);
        let closes: Vec<_> = rows(&body)
            .iter()
            .map(|row| row.0["Close"].clone())
            .collect();
        assert_eq!(closes, [json!(1), json!(2)], "{text}");
    }
    assert_eq!(rows(&body(r#"{"LastTradePrice":5}"#)).len(), 1);
    assert_eq!(rows(&body(r#"{"Result":null,"Complete":true}"#)).len(), 1);
    assert_eq!(rows(&body(r#"{"Result":"none"}"#)).len(), 0);
}

#[test]
fn numbers_come_as_text_in_scientific_notation_and_malformed() {
    let row = body(
        r#"{"a":"8.6E-06","b":8.6E06,"c":8.6E,"d":NaN,"e":"-","f":"","g":null,"h":.5,"i":-Infinity,
           "j":" 12 ","k":{},"l":"1.#IND","m":1.#QNAN,"text":"a \"NaN\" 8.6E,","z":1}"#,
    );
    let row = object(&row);
    let mut counts = Counts::default();
    let mut number = |name| row.number(name, &mut counts);
    assert_eq!(number("a"), Some(8.6e-6));
    assert_eq!(number("b"), Some(8.6e6));
    assert_eq!(number("h"), Some(0.5));
    assert_eq!(number("j"), Some(12.0));
    assert_eq!(number("Z"), Some(1.0));
    for none in ["c", "d", "e", "f", "g", "i", "k", "l", "m"] {
        assert_eq!(number(none), None, "{none}");
    }
    // An empty text and null are nothing; the others are wrong.
    assert_eq!(counts.0["malformed_number"], 7);
    assert_eq!(row.text("text"), Some("a \"NaN\" 8.6E,"));
    assert_eq!(row.within("b", 0.0..=5.0, &mut counts), None);
    assert_eq!(row.within("a", 0.0..=5.0, &mut counts), Some(8.6e-6));
    assert_eq!(counts.0["implausible_number"], 1);
}

#[test]
fn flags_are_text_or_not_and_keys_of_any_case() {
    let row = json!({"preopen": "TRUE", "IsEnabled": false, "x": 1, "token": 53181});
    let row = object(&row);
    assert_eq!(row.flag("PreOpen"), Some(true));
    assert_eq!(row.flag("isEnabled"), Some(false));
    assert_eq!(row.flag("x"), None);
    assert_eq!(row.word("Token").as_deref(), Some("53181"));
}

#[test]
fn times_are_seconds_or_milliseconds() {
    let row = json!({"a": 1669262572, "b": 1594144795000_i64, "c": 0, "d": 1e18});
    let (row, mut counts) = (object(&row), Counts::default());
    let mut ms = |name| row.time(name, &mut counts).map(Timestamp::millis);
    assert_eq!(ms("a"), Some(1_669_262_572_000));
    assert_eq!(ms("b"), Some(1_594_144_795_000));
    assert_eq!((ms("c"), ms("d"), ms("e")), (None, None, None));
}

proptest! {
    #[test]
    fn no_text_panics(text in "[\\[{]\\PC*") {
        frame(&text);
    }

    #[test]
    fn mending_leaves_json_alone(a in any::<f64>(), b in "\\PC*") {
        prop_assume!(a.is_finite());
        let value = json!({"a": a, "b": [b, null, true]});
        let text = value.to_string();
        prop_assert_eq!(mended(&text), text);
    }
}
