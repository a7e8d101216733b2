//! Yahoo's chart of `^VIX1D`: JSON whose `meta` has the last value and its time. It is late by a
//! quarter of an hour.

use quant::market::Timestamp;
use serde_json::Value;

use super::error::SourceError;
use crate::fetch::quoted;
use quant::volatility::reading::{Origin, Reading, is_future, level};

/// The symbol the chart must be of.
const SYMBOL: &str = "^VIX1D";

/// The last value in a chart that came at `now`.
pub(super) fn read(body: &[u8], now: Timestamp) -> Result<Reading, SourceError> {
    if body.trim_ascii_start().starts_with(b"<") {
        return Err(SourceError::NotChart("an HTML page".to_owned()));
    }
    let answer: Value = serde_json::from_slice(body)
        .map_err(|error| SourceError::NotChart(quoted(&error.to_string())))?;
    let chart = answer
        .get("chart")
        .ok_or_else(|| SourceError::NotChart("JSON without `chart`".to_owned()))?;
    if let Some(error) = chart.get("error").filter(|error| !error.is_null()) {
        return Err(SourceError::Vendor(said(error)));
    }
    let meta = chart.pointer("/result/0/meta").ok_or(SourceError::Empty)?;
    let symbol = meta.get("symbol").and_then(Value::as_str).unwrap_or("");
    if symbol != SYMBOL {
        return Err(SourceError::WrongSymbol(quoted(symbol)));
    }
    let price = meta.get("regularMarketPrice").ok_or(SourceError::Empty)?;
    let time = meta.get("regularMarketTime").and_then(Value::as_i64);
    let observed_at = time
        .filter(|seconds| *seconds > 0)
        .map(Timestamp::from_seconds)
        .ok_or(SourceError::Empty)?;
    if is_future(observed_at, now) {
        return Err(SourceError::Future(observed_at.to_rfc3339()));
    }
    let value = price.as_f64().and_then(level);
    let value = value.ok_or_else(|| SourceError::BadValue {
        value: quoted(&price.to_string()),
        at: observed_at.to_rfc3339(),
    })?;
    Ok(Reading {
        source: Origin::Yahoo,
        value,
        observed_at,
        fetched_at: now,
        delayed: true,
    })
}

/// `code: description`, or whatever stands there.
fn said(error: &Value) -> String {
    let text = |key: &str| error.get(key).and_then(Value::as_str);
    match (text("code"), text("description")) {
        (Some(code), Some(description)) => quoted(&format!("{code}: {description}")),
        _ => quoted(&error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    /// 2026-08-21, 16:15:02 New York, as the last price of a chart stood.
    const TIME: i64 = 1_787_343_302;

    fn chart(meta: Value) -> String {
        json!({"chart": {"result": [{"meta": meta, "timestamp": []}], "error": null}}).to_string()
    }

    fn meta() -> Value {
        json!({
            "currency": "USD",
            "symbol": "^VIX1D",
            "regularMarketTime": TIME,
            "regularMarketPrice": 12.58,
            "chartPreviousClose": 15.65,
        })
    }

    fn with(key: &str, value: Value) -> String {
        let mut meta = meta();
        meta[key] = value;
        chart(meta)
    }

    fn read_text(text: &str) -> Result<Reading, SourceError> {
        read(text.as_bytes(), Timestamp::from_seconds(TIME + 60))
    }

    #[track_caller]
    fn check_error(text: &str, reason: &str, words: &str) {
        let error = read_text(text).unwrap_err();
        assert_eq!(error.reason(), reason, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }

    #[test]
    fn the_last_value_has_its_own_time() {
        let reading = read_text(&chart(meta())).unwrap();
        assert_eq!(reading.value, 12.58);
        let expected = Timestamp::from_rfc3339("2026-08-21T16:15:02-04:00").unwrap();
        assert_eq!(reading.observed_at, expected);
        assert!(reading.delayed);
    }

    #[test]
    fn another_symbol_is_refused() {
        check_error(&with("symbol", json!("^VIX9D")), "wrong_symbol", "^VIX9D");
        check_error(&with("symbol", json!(null)), "wrong_symbol", "");
    }

    #[test]
    fn what_is_no_level_is_refused() {
        for value in [
            json!(0),
            json!(-1.5),
            json!(1000.1),
            json!("12.58"),
            json!(null),
        ] {
            check_error(&with("regularMarketPrice", value), "bad_value", "no level");
        }
    }

    #[test]
    fn a_time_is_needed_and_not_one_to_come() {
        for time in [json!(0), json!(-5), json!("soon"), json!(null)] {
            check_error(&with("regularMarketTime", time), "empty", "");
        }
        // Two minutes are left to the difference of two clocks.
        assert!(read_text(&with("regularMarketTime", json!(TIME + 180))).is_ok());
        let later = with("regularMarketTime", json!(TIME + 181));
        check_error(&later, "future", "2026-08-21T20:18:03");
        // Milliseconds.
        check_error(&with("regularMarketTime", json!(TIME * 1000)), "future", "");
    }

    #[test]
    fn an_error_of_the_vendor_is_told() {
        let text = json!({"chart": {"result": null, "error":
            {"code": "Not Found", "description": "No data found, symbol may be delisted"}}});
        let words = "Not Found: No data found, symbol may be delisted";
        check_error(&text.to_string(), "vendor_error", words);
    }

    #[test]
    fn what_is_no_chart_says_what_it_is() {
        check_error("<html></html>", "not_chart", "an HTML page, not a chart");
        check_error("", "not_chart", "EOF");
        check_error("{}", "not_chart", "without `chart`");
        let whole = chart(meta());
        check_error(&whole[..whole.len() - 1], "not_chart", "EOF");
        let empty = json!({"chart": {"result": [], "error": null}}).to_string();
        check_error(&empty, "empty", "no value");
        let mut meta = meta();
        meta.as_object_mut().unwrap().remove("regularMarketPrice");
        check_error(&chart(meta), "empty", "no value");
    }

    proptest! {
        #[test]
        fn no_answer_panics(bytes: Vec<u8>, price: f64, time: i64) {
            let now = Timestamp::from_seconds(TIME);
            let _ = read(&bytes, now);
            let mut meta = meta();
            meta["regularMarketPrice"] = json!(price);
            meta["regularMarketTime"] = json!(time);
            if let Ok(reading) = read(chart(meta).as_bytes(), now) {
                prop_assert!(reading.value > 0.0 && reading.value <= 1000.0);
            }
        }
    }
}
