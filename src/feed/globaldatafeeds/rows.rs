//! What the vendor's frames hold: objects whose keys change their case, whose numbers and booleans
//! may be text, whose rows may stand in `Result` or bare. What is not understood is counted.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use quant::market::Timestamp;

/// How often something could not be used, by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts(pub(super) BTreeMap<&'static str, u64>);

impl Counts {
    pub(super) fn count(&mut self, reason: &'static str) {
        *self.0.entry(reason).or_default() += 1;
    }
}

/// A frame.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Frame {
    /// Plain text, or what a request error says.
    Text(String),
    /// An object; its kind is empty where it names none.
    Message { kind: String, body: Value },
    /// Neither.
    Malformed,
}

/// The frame of a text. A number that JSON does not have costs that number, not the frame.
pub(super) fn frame(text: &str) -> Frame {
    let trimmed = text.trim();
    if !trimmed.starts_with(['{', '[']) {
        return Frame::Text(trimmed.to_owned());
    }
    let parsed = serde_json::from_str(trimmed).or_else(|_| serde_json::from_str(&mended(trimmed)));
    let Ok::<Value, _>(body) = parsed else {
        return Frame::Malformed;
    };
    let head = match &body {
        Value::Array(rows) => rows.first(),
        _ => Some(&body),
    };
    let head = head.and_then(Value::as_object).map(Row);
    let kind = head.and_then(|head| head.text("MessageType"));
    let kind = kind.unwrap_or_default().to_owned();
    if kind.eq_ignore_ascii_case("RequestError") {
        let said = head.and_then(|head| head.text("Message"));
        return Frame::Text(said.unwrap_or_default().to_owned());
    }
    Frame::Message { kind, body }
}

/// The text with every bare word that JSON does not know in quotes.
fn mended(text: &str) -> String {
    let mut mended = String::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c == '"' || is_bare(c)) {
        mended.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = match rest.strip_prefix('"') {
            Some(inside) => end_of_text(inside) + 1,
            None => rest.find(|c| !is_bare(c)).unwrap_or(rest.len()),
        };
        let (token, after) = rest.split_at(length.min(rest.len()));
        let known = token.starts_with('"') || serde_json::from_str::<Value>(token).is_ok();
        match known {
            true => mended.push_str(token),
            false => {
                mended.push('"');
                mended.push_str(token);
                mended.push('"');
            }
        }
        rest = after;
    }
    mended.push_str(rest);
    mended
}

fn is_bare(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '#' | '_')
}

/// Where a text ends, behind its quote.
fn end_of_text(inside: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    inside.len()
}

/// The rows of a message: those of `Result`, or the message itself.
pub(super) fn rows(body: &Value) -> Vec<Row<'_>> {
    let list = match body {
        Value::Array(list) => list,
        Value::Object(fields) => match Row(fields).get("Result") {
            Some(Value::Array(list)) => list,
            Some(Value::Object(one)) => return vec![Row(one)],
            Some(_) => return Vec::new(),
            None => return vec![Row(fields)],
        },
        _ => return Vec::new(),
    };
    list.iter().filter_map(Value::as_object).map(Row).collect()
}

/// A time so far ahead of ours is wrong, and all that came after it would seem late: a minute.
const AHEAD_NS: i64 = 60_000_000_000;

/// Whether a time is further ahead of when it was received than clocks differ.
pub(super) fn is_ahead(at: Timestamp, received: Timestamp) -> bool {
    at.since(received).nanos() > AHEAD_NS
}

/// An object with keys of any case.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a>(pub(super) &'a Map<String, Value>);

impl<'a> Row<'a> {
    /// What stands under a name; null is nothing.
    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        let exact = self.0.get(name);
        let any_case = || {
            let found = self
                .0
                .iter()
                .find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value)
        };
        exact.or_else(any_case).filter(|value| !value.is_null())
    }

    /// Text that is not empty.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        let text = self.get(name)?.as_str()?.trim();
        (!text.is_empty()).then_some(text)
    }

    /// Text, or a whole number as text.
    pub(super) fn word(&self, name: &str) -> Option<String> {
        match self.get(name)? {
            Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// A number, as such or as text; what is there and is none is counted.
    pub(super) fn number(&self, name: &str, counts: &mut Counts) -> Option<f64> {
        let value = self.get(name)?;
        let number = match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => {
                let text = text.trim();
                if text.is_empty() || text.eq_ignore_ascii_case("null") {
                    return None;
                }
                text.parse().ok()
            }
            _ => None,
        };
        let number = number.filter(|number| number.is_finite());
        if number.is_none() {
            counts.count("malformed_number");
        }
        number
    }

    /// A number within a range; one outside is counted.
    pub(super) fn within(
        &self,
        name: &str,
        range: std::ops::RangeInclusive<f64>,
        counts: &mut Counts,
    ) -> Option<f64> {
        let number = self.number(name, counts)?;
        if range.contains(&number) {
            return Some(number);
        }
        counts.count("implausible_number");
        None
    }

    /// A boolean, as such or as text.
    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        match self.get(name)? {
            Value::Bool(flag) => Some(*flag),
            Value::String(text) if text.trim().eq_ignore_ascii_case("true") => Some(true),
            Value::String(text) if text.trim().eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }

    /// An instant in seconds since the epoch; so many seconds that they are milliseconds are.
    pub(super) fn time(&self, name: &str, counts: &mut Counts) -> Option<Timestamp> {
        let number = self.number(name, counts).filter(|number| *number > 0.0)?;
        let ms = if number > 1e11 { number } else { number * 1e3 };
        (ms < 1e14).then(|| Timestamp::from_millis(ms as i64))
    }
}

#[cfg(test)]
mod tests;
