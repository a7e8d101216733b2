//! What the calculators over all symbols read: summaries, matrices that other programs found, and
//! levels of one-day volatility.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use quant::calculator::Status;
use quant::calculators::summary;
use quant::market::{Price, Timestamp};
use quant::snapshot::Section;
use quant::universe::{FoundMatrix, Standing};
use quant::volatility::reading::{is_future, level};
use quant::volatility::{Origin, Reading};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use xxhash_rust::xxh3::xxh3_64;

use super::{BadInput, Decoder, naive_time, time_of};

/// Most symbols of a matrix that another program found.
const MAX_FOUND: usize = 2_000;

/// What a reader must know before it takes a number from a document.
#[derive(Deserialize)]
struct Judged {
    meta: JudgedMeta,
}

#[derive(Deserialize)]
struct JudgedMeta {
    as_of_ms: i64,
    valid_until_ms: i64,
    #[serde(default)]
    delayed: bool,
    status: Status,
}

/// A symbol's summary at `now`.
pub fn standing(bytes: &[u8], now: Timestamp, bad: &mut BadInput) -> Standing {
    let judged = serde_json::from_slice::<Judged>(bytes);
    let summary = serde_json::from_slice::<summary::Payload>(bytes);
    let (Ok(Judged { meta }), Ok(summary)) = (judged, summary) else {
        bad.add("summary", "malformed", 1);
        return Standing::Malformed;
    };
    let valid_until = Timestamp::from_millis(meta.valid_until_ms);
    if meta.status != Status::Ok || now > valid_until {
        return Standing::Stale;
    }
    Standing::Present {
        summary: Box::new(summary),
        as_of: Timestamp::from_millis(meta.as_of_ms),
        valid_until,
        delayed: meta.delayed,
    }
}

/// A matrix of correlations that another program found: an object of objects, by itself or under
/// `matrix` beside a time and the method.
pub fn found_matrix(bytes: &[u8], now: Timestamp, bad: &mut BadInput) -> Option<FoundMatrix> {
    let family = "discovered";
    let Ok(Value::Object(found)) = serde_json::from_slice(bytes) else {
        bad.add(family, "malformed", 1);
        return None;
    };
    let rows = match found.get("matrix") {
        Some(Value::Object(rows)) => rows,
        _ => &found,
    };
    let mut matrix = BTreeMap::new();
    for (name, row) in rows.iter().take(MAX_FOUND) {
        let Value::Object(row) = row else {
            continue;
        };
        let correlations = row.iter().filter_map(|(other, value)| {
            let value = value.as_f64().filter(|value| value.abs() <= 1.0)?;
            Some((other.clone(), value))
        });
        let correlations: BTreeMap<String, f64> = correlations.collect();
        if correlations.len() < row.len() {
            bad.add(family, "bad_correlation", 1);
        }
        matrix.insert(name.clone(), correlations);
    }
    if matrix.is_empty() {
        bad.add(family, "no_matrix", 1);
        return None;
    }
    Some(FoundMatrix {
        matrix,
        // A time ahead of the clock says nothing.
        stated: first(&found, &["timestamp", "as_of", "ts"], |value| {
            time(value, None)
        })
        .filter(|stated| !is_future(*stated, now)),
        fingerprint: xxh3_64(bytes),
        method: first(&found, &["method"], |value| {
            value.as_str().map(str::to_owned)
        }),
    })
}

/// A level that a broker's feed writes: the first of `last`, `close` and `value` that is one.
pub fn broker_level(bytes: &[u8], zone: Tz, now: Timestamp, bad: &mut BadInput) -> Option<Reading> {
    let names = &["last", "close", "value"];
    written_level(Origin::Ibkr, bytes, names, (zone, now), bad)
}

/// A level that a person ingested.
pub fn manual_level(bytes: &[u8], zone: Tz, now: Timestamp, bad: &mut BadInput) -> Option<Reading> {
    written_level(Origin::Manual, bytes, &["value"], (zone, now), bad)
}

/// What a source on the internet said last.
pub fn cached_level(
    bytes: &[u8],
    origin: Origin,
    now: Timestamp,
    bad: &mut BadInput,
) -> Option<Reading> {
    let is_usable =
        |reading: &Reading| reading.source == origin && !is_future(reading.observed_at, now);
    let reading = Reading::from_json(bytes).filter(is_usable);
    if reading.is_none() {
        bad.add("vix1d", "malformed", 1);
    }
    reading
}

/// The time and price of the prints of a list, oldest first.
pub fn prints(bytes: &[u8], decoder: &mut Decoder<'_>) -> Vec<(Timestamp, Price)> {
    let Ok(elements) = serde_json::from_slice::<Vec<&RawValue>>(bytes) else {
        decoder.bad.count(Section::Trades, "malformed");
        return Vec::new();
    };
    let elements = elements.into_iter();
    let trades = elements.filter_map(|element| decoder.trade(element.get().as_bytes()));
    let mut prints: Vec<(Timestamp, Price)> = trades
        .map(|decoded| (decoded.trade.at, decoded.trade.price))
        .collect();
    prints.sort_by_key(|(at, _)| *at);
    prints
}

fn written_level(
    source: Origin,
    bytes: &[u8],
    names: &[&str],
    (zone, now): (Tz, Timestamp),
    bad: &mut BadInput,
) -> Option<Reading> {
    let Ok(Value::Object(fields)) = serde_json::from_slice(bytes) else {
        bad.add("vix1d", "malformed", 1);
        return None;
    };
    let Some(value) = first(&fields, names, |value| level(number(value)?)) else {
        bad.add("vix1d", "no_level", 1);
        return None;
    };
    // A level without a time is of no time.
    let observed = first(&fields, &["timestamp", "as_of", "ts"], |value| {
        time(value, Some(zone))
    });
    let Some(observed_at) = observed else {
        bad.add("vix1d", "no_time", 1);
        return None;
    };
    if is_future(observed_at, now) {
        bad.add("vix1d", "future_time", 1);
        return None;
    }
    Some(Reading {
        source,
        value,
        observed_at,
        fetched_at: now,
        delayed: fields.get("delayed").and_then(Value::as_bool) == Some(true),
    })
}

fn first<T>(
    fields: &Map<String, Value>,
    names: &[&str],
    read: impl Fn(&Value) -> Option<T>,
) -> Option<T> {
    names.iter().find_map(|name| read(fields.get(*name)?))
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A time; one without an offset is of the zone, where there is one.
fn time(value: &Value, zone: Option<Tz>) -> Option<Timestamp> {
    match value {
        Value::Number(number) => time_of(&number.to_string()),
        Value::String(text) => {
            let text = text.trim();
            time_of(text).or_else(|| naive_time(text, zone?))
        }
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_190_400_000);

    #[test]
    fn a_summary_is_believed_while_it_is_valid() {
        let document = |until: i64, status: &str| {
            format!(
                r#"{{"symbol":"A","timestamp":1.0,"spot":2.5,"status":{{"vpin":"warming"}},"as_of_ms":{{}},"meta":{{"as_of_ms":1,"valid_until_ms":{until},"status":"{status}"}}}}"#
            )
        };
        let mut bad = BadInput::default();
        let now = Timestamp::from_millis(100);
        let read = |text: String, bad: &mut BadInput| standing(text.as_bytes(), now, bad);
        let present = read(document(100, "ok"), &mut bad);
        let Standing::Present { summary, .. } = present else {
            panic!("{present:?}")
        };
        assert_eq!((summary.spot, summary.vpin), (Some(2.5), None));
        assert_eq!(read(document(99, "ok"), &mut bad), Standing::Stale);
        assert_eq!(read(document(100, "missing"), &mut bad), Standing::Stale);
        assert!(bad.is_empty());
        for text in ["", "[]", "{}", r#"{"spot":"x","meta":{}}"#, "null"] {
            assert_eq!(
                read(text.to_owned(), &mut bad),
                Standing::Malformed,
                "{text}"
            );
        }
    }

    #[test]
    fn a_matrix_stands_alone_or_beside_its_time() {
        let mut bad = BadInput::default();
        let alone = found_matrix(
            br#"{"A":{"A":1,"B":0.5},"B":{"A":0.5,"B":1}}"#,
            NOW,
            &mut bad,
        );
        let alone = alone.unwrap();
        assert_eq!((alone.matrix["A"]["B"], alone.stated), (0.5, None));
        let told = br#"{"matrix":{"A":{"B":7,"C":0.1}},"timestamp":1795190400,"method":"daily"}"#;
        let told = found_matrix(told, NOW, &mut bad).unwrap();
        assert_eq!(told.stated, Some(NOW));
        assert_eq!(told.method.as_deref(), Some("daily"));
        assert_eq!(told.matrix["A"].len(), 1, "7 is no correlation");
        assert!(!bad.is_empty());
        for bytes in [&b"[]"[..], b"{", b"{}", br#"{"A":1}"#] {
            assert_eq!(found_matrix(bytes, NOW, &mut bad), None);
        }
    }

    #[test]
    fn a_level_needs_a_number_and_a_time() {
        let mut bad = BadInput::default();
        let read =
            |text: &str, bad: &mut BadInput| broker_level(text.as_bytes(), Tz::UTC, NOW, bad);
        let good = read(
            r#"{"last":null,"close":"12.5","timestamp":1795190400}"#,
            &mut bad,
        );
        let good = good.unwrap();
        assert_eq!((good.value, good.observed_at), (12.5, NOW));
        assert!(bad.is_empty());
        for text in [
            r#"{"last":12.5}"#,
            r#"{"last":-1,"timestamp":1795190400}"#,
            r#"{"last":12.5,"timestamp":1795999999}"#,
            "12.5",
        ] {
            assert_eq!(read(text, &mut bad), None, "{text}");
        }
        assert_eq!(bad.iter().map(|(.., n)| n).sum::<u64>(), 4);
    }
}
