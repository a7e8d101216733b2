//! A level of one-day volatility that a person ingests: checked at one place, whatever door it
//! came through.

use quant::market::{Exchange, Span, Timestamp};
use quant::volatility::Reading;
use quant::volatility::reading::{is_future, level};
use serde::Deserialize;
use serde_json::json;

use super::Vendor;
use crate::store::codec::time_of;
use crate::store::exchange::{How, Write};
use crate::store::keys;

/// Seconds it stays in the store; how long it speaks for now is set elsewhere.
const TTL_SECONDS: u64 = 4 * 86_400;

/// Older ones speak for nothing any more.
const MAX_AGE: Span = Span::from_millis(4 * 86_400_000);

/// A level with its time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// Volatility points a year.
    pub value: f64,
    /// The instant it is of.
    pub as_of: Timestamp,
}

/// A level as it is written: `{"value": 12.5, "as_of": "2026-11-20T15:00:00Z"}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    value: f64,
    as_of: serde_json::Value,
}

impl Level {
    /// The level of a JSON object. An error says which field is wrong.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let written: Written = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let as_of = match &written.as_of {
            serde_json::Value::String(text) => time_of(text),
            serde_json::Value::Number(number) => time_of(&number.to_string()),
            _ => None,
        };
        Ok(Self {
            value: written.value,
            as_of: as_of.ok_or("as_of: must be RFC 3339 or a number of seconds since 1970")?,
        })
    }

    /// The newest level of a file: JSON objects, one a line, or Cboe's own file of daily closes.
    pub fn from_file(text: &str, exchange: &Exchange, now: Timestamp) -> Result<Self, String> {
        if !text.trim_start().starts_with('{') {
            let close = Vendor::Cboe.read(text.as_bytes(), exchange, now);
            return close.map(Self::of).map_err(|error| error.to_string());
        }
        let mut newest: Option<Self> = None;
        for (at, line) in text.lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let level = Self::from_json(line).map_err(|why| format!("line {}: {why}", at + 1))?;
            if newest.is_none_or(|newest| level.as_of >= newest.as_of) {
                newest = Some(level);
            }
        }
        newest.ok_or_else(|| "it holds no level".to_owned())
    }

    /// What is written to the store; an error says what is wrong with it.
    pub fn write(self, now: Timestamp) -> Result<Write, String> {
        if level(self.value).is_none() {
            return Err(format!(
                "value: must be above 0 and at most 1000 (is {})",
                self.value
            ));
        }
        if is_future(self.as_of, now) {
            return Err(format!(
                "as_of: {} is ahead of the clock",
                self.as_of.to_rfc3339()
            ));
        }
        if now.since(self.as_of) > MAX_AGE {
            return Err(format!(
                "as_of: {} is over four days ago",
                self.as_of.to_rfc3339()
            ));
        }
        let value = json!({
            "value": self.value,
            "as_of": self.as_of.to_rfc3339(),
            "ingested_at": now.to_rfc3339(),
        });
        Ok(Write {
            document: "vix1d_manual",
            key: keys::VIX1D_MANUAL.into(),
            value: value.to_string().into(),
            ttl_seconds: TTL_SECONDS,
            how: How::Replace,
        })
    }

    fn of(reading: Reading) -> Self {
        Self {
            value: reading.value,
            as_of: reading.observed_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::setup::calendars;

    const NOW: &str = "2026-11-20T15:00:00Z";

    fn now() -> Timestamp {
        Timestamp::from_rfc3339(NOW).unwrap()
    }

    fn written(text: &str) -> Result<String, String> {
        let write = Level::from_json(text)?.write(now())?;
        Ok(String::from_utf8(write.value.to_vec()).unwrap())
    }

    #[test]
    fn a_level_is_checked_before_it_is_written() {
        let good = written(r#"{"value": 12.5, "as_of": "2026-11-20T14:59:00Z"}"#).unwrap();
        assert!(good.contains(r#""as_of":"2026-11-20T14:59:00"#), "{good}");
        for (text, why) in [
            (r#"{"value": 0, "as_of": 1795186000}"#, "value: must be"),
            (
                r#"{"value": 12.5, "as_of": "2026-11-21T00:00:00Z"}"#,
                "ahead",
            ),
            (
                r#"{"value": 12.5, "as_of": "2026-11-01T00:00:00Z"}"#,
                "four days",
            ),
            (r#"{"value": 12.5, "as_of": "yesterday"}"#, "as_of: must be"),
            (r#"{"value": 12.5}"#, "missing field `as_of`"),
            (r#"{"level": 12.5, "as_of": 1}"#, "unknown field `level`"),
        ] {
            let error = written(text).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn a_file_gives_its_newest_level() {
        let calendars = calendars();
        let exchange = calendars.exchange("XCBO").unwrap();
        let of = |text: &str| Level::from_file(text, exchange, now());
        let lines =
            "{\"value\": 12, \"as_of\": 1795186800}\n\n{\"value\": 11, \"as_of\": 1795183200}\n";
        assert_eq!(of(lines).unwrap().value, 12.0);
        let csv = "DATE,OPEN,HIGH,LOW,CLOSE\n11/18/2026,9,9,9,9.5\n11/19/2026,9,9,9,10.25\n";
        let close = of(csv).unwrap();
        assert_eq!(
            (close.value, close.as_of.to_rfc3339()[..16].to_owned()),
            (10.25, "2026-11-19T21:15".to_owned())
        );
        assert!(of("{\"value\": 1}").unwrap_err().starts_with("line 1: "));
        assert!(of("<html>").is_err());
    }
}
