//! A document: the payload's fields at top level, and beside them `symbol`, `timestamp`, `meta`.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, schema_for};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::calculator::{Card, Counted, Outcome, Scope, Stamp, Status};
use crate::market::{Span, Symbol, Timestamp};
use crate::snapshot::Section;

/// Version of the document layout.
const LAYOUT: u32 = 1;

/// Where a number comes from and how long it may be believed.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Meta {
    /// Version of the document layout.
    pub v: u32,
    /// Newest input the number rests on, milliseconds since the epoch.
    pub as_of_ms: i64,
    /// After this instant, milliseconds since the epoch, the number must not be treated as live.
    pub valid_until_ms: i64,
    /// Age of the oldest input at `timestamp`, milliseconds.
    pub age_ms: i64,
    /// Whether an input is late by its source's declaration; stands only where one is.
    #[serde(default, skip_serializing_if = "is_false")]
    pub delayed: bool,
    /// Whether there is a value.
    pub status: Status,
    /// Why there is none; text for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Currency of every money amount, ISO 4217.
    pub currency: String,
    /// What the number rests on.
    pub inputs: Inputs,
    /// Inputs the value used.
    pub used: u64,
    /// Inputs left out, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// Short hash of the calculator's settings.
    pub config: String,
    /// Version of the program.
    pub engine: String,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_false(flag: &bool) -> bool {
    !*flag
}

/// Ages of the inputs at `timestamp`; a field stands only where that input was read.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Inputs {
    /// Age of the ticker, milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticker_age_ms: Option<i64>,
    /// Age of the order book, milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub book_age_ms: Option<i64>,
    /// Age of the option chain's quotes, milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain_age_ms: Option<i64>,
    /// Age of the newest trade, milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trade_age_ms: Option<i64>,
    /// Trades behind the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trades: Option<u64>,
}

/// What all documents of one symbol and calculator share.
#[derive(Clone, Debug)]
pub struct Label {
    /// The symbol; `None` of a document over all of them.
    pub symbol: Option<Symbol>,
    /// The unit of `timestamp`.
    pub stamp: Stamp,
    /// Currency of its money amounts.
    pub currency: String,
    /// Short hash of the calculator's settings.
    pub config: String,
    /// Version of the program.
    pub engine: &'static str,
    /// Time between two runs of the calculator.
    pub interval: Span,
}

impl Label {
    /// The provenance of an outcome at `now`.
    ///
    /// A value is valid until its first judged input is too old, and at least for two intervals,
    /// so that a slow job's number does not expire between two healthy runs. A document without
    /// a value is not valid at all.
    pub fn meta(&self, outcome: &Outcome, now: Timestamp) -> Meta {
        let provenance = &outcome.provenance;
        let age = |at: Timestamp| now.since(at).millis().max(0);
        let of = |section| provenance.sections.get(&section).copied();
        let trades = of(Section::Trades);
        let Counted { used, dropped } = &outcome.counted;
        Meta {
            v: LAYOUT,
            as_of_ms: provenance.as_of().unwrap_or(now).millis(),
            valid_until_ms: self.valid_until(outcome, now).unwrap_or(now).millis(),
            age_ms: provenance.oldest().map_or(0, age),
            delayed: provenance.delayed,
            status: outcome.status,
            reason: outcome.reason.clone(),
            currency: self.currency.clone(),
            inputs: Inputs {
                ticker_age_ms: of(Section::Ticker).map(age),
                book_age_ms: of(Section::Book).map(age),
                chain_age_ms: of(Section::Chain).map(age),
                trade_age_ms: trades.map(age),
                trades: trades.map(|_| *used),
            },
            used: *used,
            dropped: dropped.iter().map(|(k, n)| ((*k).into(), *n)).collect(),
            config: self.config.clone(),
            engine: self.engine.into(),
        }
    }

    /// The instant after which an outcome must not be treated as live; `None` without a value.
    pub fn valid_until(&self, outcome: &Outcome, now: Timestamp) -> Option<Timestamp> {
        if outcome.status != Status::Ok {
            return None;
        }
        let two_runs = now.plus(Span::from_nanos(self.interval.nanos().saturating_mul(2)));
        let judged = outcome.provenance.valid_until;
        Some(judged.map_or(two_runs, |until| until.max(two_runs)))
    }

    /// The document of an outcome at `now`.
    pub fn document(&self, outcome: &Outcome, now: Timestamp) -> Vec<u8> {
        let meta = crate::json::to_vec(&self.meta(outcome, now));
        let fields = outcome
            .body
            .strip_prefix(b"{")
            .and_then(|rest| rest.strip_suffix(b"}"))
            .expect("a payload is a JSON object");
        let mut bytes = Vec::with_capacity(fields.len() + meta.len() + 96);
        bytes.push(b'{');
        if let Some(symbol) = &self.symbol {
            // A symbol holds no character that JSON escapes.
            bytes.extend_from_slice(b"\"symbol\":\"");
            bytes.extend_from_slice(symbol.as_str().as_bytes());
            bytes.extend_from_slice(b"\",");
        }
        bytes.extend_from_slice(b"\"timestamp\":");
        bytes.extend_from_slice(&match self.stamp {
            Stamp::Seconds => crate::json::to_vec(&now.seconds()),
            Stamp::Milliseconds => crate::json::to_vec(&now.millis()),
        });
        if !fields.is_empty() {
            bytes.push(b',');
            bytes.extend_from_slice(fields);
        }
        bytes.extend_from_slice(b",\"meta\":");
        bytes.extend_from_slice(&meta);
        bytes.push(b'}');
        bytes
    }
}

/// The JSON Schema of a calculator's whole document.
pub fn schema(card: &Card) -> Value {
    let mut document = into_object((card.payload_schema)());
    let mut meta = into_object(schema_for!(Meta));
    meta.remove("$schema");
    let mut definitions = take_object(&mut document, "$defs");
    definitions.extend(take_object(&mut meta, "$defs"));

    let mut properties = Map::new();
    let mut required = Vec::new();
    if card.scope == Scope::Symbol {
        let text = "The symbol.";
        properties.insert(
            "symbol".into(),
            json!({"type": "string", "description": text}),
        );
        required.push(json!("symbol"));
    }
    let (kind, text) = match card.stamp {
        Stamp::Seconds => ("number", "When it was computed, seconds since the epoch."),
        Stamp::Milliseconds => (
            "integer",
            "When it was computed, milliseconds since the epoch.",
        ),
    };
    properties.insert(
        "timestamp".into(),
        json!({"type": kind, "description": text}),
    );
    required.push(json!("timestamp"));
    properties.extend(take_object(&mut document, "properties"));
    properties.insert("meta".into(), Value::Object(meta));

    if let Some(Value::Array(own)) = document.remove("required") {
        required.extend(own);
    }
    required.push(json!("meta"));

    document.insert("title".into(), json!(card.name));
    document.insert("description".into(), json!(card.about));
    document.insert("properties".into(), Value::Object(properties));
    document.insert("required".into(), Value::Array(required));
    if !definitions.is_empty() {
        document.insert("$defs".into(), Value::Object(definitions));
    }
    Value::Object(document)
}

fn into_object(schema: Schema) -> Map<String, Value> {
    let value = schema.to_value();
    let object = value.as_object();
    object.expect("the schema of a struct is an object").clone()
}

fn take_object(object: &mut Map<String, Value>, key: &str) -> Map<String, Value> {
    match object.remove(key) {
        Some(Value::Object(inner)) => inner,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::Provenance;

    fn label() -> Label {
        Label {
            symbol: Some(Symbol::new("GOOG").unwrap()),
            stamp: Stamp::Seconds,
            currency: "USD".into(),
            config: "9f3c".into(),
            engine: "0.0.0",
            interval: Span::from_seconds(5.0),
        }
    }

    fn outcome(status: Status, valid_until: Option<i64>) -> Outcome {
        let sections = [(Section::Ticker, Timestamp::from_millis(9_000))];
        Outcome {
            status,
            reason: None,
            body: br#"{"value":0.5}"#.to_vec(),
            provenance: Provenance {
                sections: sections.into(),
                valid_until: valid_until.map(Timestamp::from_millis),
                ..Provenance::default()
            },
            mark: None,
            counted: Counted::default(),
            payload: None,
        }
    }

    #[test]
    fn the_payload_is_flat_between_symbol_and_meta() {
        let bytes = label().document(&outcome(Status::Ok, None), Timestamp::from_millis(10_250));
        let text = String::from_utf8(bytes).unwrap();
        let start =
            r#"{"symbol":"GOOG","timestamp":10.25,"value":0.5,"meta":{"v":1,"as_of_ms":9000,"#;
        assert!(text.starts_with(start), "{text}");
        let meta: Value = serde_json::from_str::<Value>(&text).unwrap()["meta"].take();
        assert_eq!(meta["age_ms"], 1250);
        assert_eq!(meta["inputs"], json!({"ticker_age_ms": 1250}));
    }

    #[test]
    fn a_value_lives_until_its_input_ages_but_two_intervals_at_least() {
        let now = Timestamp::from_millis(10_000);
        let until = |judged| {
            label()
                .meta(&outcome(Status::Ok, judged), now)
                .valid_until_ms
        };
        assert_eq!(until(Some(60_000)), 60_000);
        assert_eq!(until(Some(11_000)), 20_000);
        assert_eq!(until(None), 20_000);
    }

    #[test]
    fn a_document_without_a_value_is_never_live() {
        let now = Timestamp::from_millis(10_000);
        let meta = label().meta(&outcome(Status::Stale, Some(60_000)), now);
        assert_eq!(meta.valid_until_ms, 10_000);
    }
}
