//! One value of VIX1D as a source gave it, and how it stands in the store.

use quant::market::{Span, Timestamp};
use serde_json::{Value, json};

/// Levels above this are no volatility in percent of a year; the index has not seen a tenth of it.
const MAX_LEVEL: f64 = 1000.0;

/// A source's clock may be ahead of ours by so much.
const TOLERANCE: Span = Span::from_millis(120_000);

/// Where a value of VIX1D comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Our own computation.
    Chain,
    /// Cboe's daily closes.
    Cboe,
    /// A broker's feed.
    Ibkr,
    /// Yahoo's chart.
    Yahoo,
    /// Typed in by a person.
    Manual,
}

impl Origin {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Chain,
        Self::Cboe,
        Self::Ibkr,
        Self::Yahoo,
        Self::Manual,
    ];

    /// Its name in keys and documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::Chain => "chain",
            Self::Cboe => "cboe",
            Self::Ibkr => "ibkr",
            Self::Yahoo => "yahoo",
            Self::Manual => "manual",
        }
    }

    /// The source of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|origin| origin.name() == name)
    }
}

/// A value and what is known of it: the value at `volatility:vix1d:{source}:last`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// Where it comes from.
    pub source: Origin,
    /// The index, in percent a year; above 0, at most 1000.
    pub value: f64,
    /// When the index stood there; whole milliseconds in the store.
    pub observed_at: Timestamp,
    /// When the source last said so; whole milliseconds in the store.
    pub fetched_at: Timestamp,
    /// Whether the source publishes late.
    pub delayed: bool,
}

/// An element of the list at `volatility:vix1d:{source}:history`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observation {
    /// When the index stood there; whole seconds in the store.
    pub observed_at: Timestamp,
    /// The index, in percent a year.
    pub value: f64,
    /// Where it comes from.
    pub source: Origin,
}

impl Reading {
    /// As it stands in the store.
    pub fn to_json(&self) -> String {
        json!({
            "source": self.source.name(),
            "value": self.value,
            "observed_at": self.observed_at.to_rfc3339(),
            "observed_at_ms": self.observed_at.millis(),
            "fetched_at_ms": self.fetched_at.millis(),
            "delayed": self.delayed,
        })
        .to_string()
    }

    /// What stands in the store; `None` where it is no reading.
    pub fn from_json(bytes: &[u8]) -> Option<Self> {
        let found: Value = serde_json::from_slice(bytes).ok()?;
        let millis = |key: &str| found.get(key)?.as_i64().map(Timestamp::from_millis);
        let text = |key: &str| found.get(key)?.as_str();
        let written_out = || Timestamp::from_rfc3339(text("observed_at")?);
        Some(Self {
            source: Origin::named(text("source")?)?,
            value: level(found.get("value")?.as_f64()?)?,
            observed_at: millis("observed_at_ms").or_else(written_out)?,
            fetched_at: millis("fetched_at_ms")?,
            // Who does not say so is not believed to be on time.
            delayed: found.get("delayed").and_then(Value::as_bool) != Some(false),
        })
    }

    /// The element it leaves in the list of observations.
    pub fn observation(&self) -> Observation {
        Observation {
            observed_at: self.observed_at,
            value: self.value,
            source: self.source,
        }
    }
}

impl Observation {
    /// As it stands in the list.
    pub fn to_json(&self) -> String {
        json!({
            "ts": self.observed_at.whole_seconds(),
            "value": self.value,
            "source": self.source.name(),
        })
        .to_string()
    }

    /// What stands in the list; `None` where it is no observation.
    pub fn from_json(bytes: &[u8]) -> Option<Self> {
        let found: Value = serde_json::from_slice(bytes).ok()?;
        Some(Self {
            observed_at: Timestamp::from_seconds(found.get("ts")?.as_i64()?),
            value: level(found.get("value")?.as_f64()?)?,
            source: Origin::named(found.get("source")?.as_str()?)?,
        })
    }
}

/// A number that the index can be.
pub(super) fn level(value: f64) -> Option<f64> {
    (value > 0.0 && value <= MAX_LEVEL).then_some(value)
}

/// Whether no clock can be that far off.
pub(super) fn is_future(at: Timestamp, now: Timestamp) -> bool {
    at > now.plus(TOLERANCE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reading() -> Reading {
        Reading {
            source: Origin::Cboe,
            value: 13.29,
            observed_at: Timestamp::from_rfc3339("2024-12-17T16:15:00-05:00").unwrap(),
            fetched_at: Timestamp::from_millis(1_734_500_000_123),
            delayed: true,
        }
    }

    #[test]
    fn a_reading_says_when_the_index_stood_there_and_when_it_was_asked() {
        let found: Value = serde_json::from_str(&reading().to_json()).unwrap();
        let expected = json!({
            "source": "cboe",
            "value": 13.29,
            "observed_at": "2024-12-17T21:15:00.000Z",
            "observed_at_ms": 1_734_470_100_000_i64,
            "fetched_at_ms": 1_734_500_000_123_i64,
            "delayed": true,
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn an_observation_is_in_whole_seconds() {
        let found: Value = serde_json::from_str(&reading().observation().to_json()).unwrap();
        let expected = json!({"ts": 1_734_470_100, "value": 13.29, "source": "cboe"});
        assert_eq!(found, expected);
    }

    #[test]
    fn the_written_out_time_serves_where_the_other_is_missing() {
        let text = r#"{"source": "manual", "value": 9, "observed_at": "2024-12-17T21:15:00Z",
            "fetched_at_ms": 1734500000123, "by": "somebody"}"#;
        let found = Reading::from_json(text.as_bytes()).unwrap();
        assert_eq!(found.observed_at, reading().observed_at);
        assert_eq!((found.value, found.delayed), (9.0, true));
    }

    #[test]
    fn what_is_no_level_is_no_reading() {
        for value in ["0", "-1", "1000.5", "1e999", "null", "\"12\"", "[]"] {
            let text = reading().to_json().replace("13.29", value);
            assert_eq!(Reading::from_json(text.as_bytes()), None, "{value}");
        }
        for source in ["", "CBOE", "bloomberg"] {
            let text = reading().to_json().replace("cboe", source);
            assert_eq!(Reading::from_json(text.as_bytes()), None, "{source}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            value in 0.001..=1000.0,
            observed in -8_000_000_000_000_i64..8_000_000_000_000,
            fetched in -8_000_000_000_000_i64..8_000_000_000_000,
            delayed: bool,
            origin in 0..Origin::ALL.len(),
        ) {
            let reading = Reading {
                source: Origin::ALL[origin],
                value,
                observed_at: Timestamp::from_millis(observed),
                fetched_at: Timestamp::from_millis(fetched),
                delayed,
            };
            prop_assert_eq!(Reading::from_json(reading.to_json().as_bytes()), Some(reading));
            let mark = Observation {
                observed_at: Timestamp::from_seconds(observed.div_euclid(1000)),
                ..reading.observation()
            };
            prop_assert_eq!(Observation::from_json(mark.to_json().as_bytes()), Some(mark));
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, text in "\\{?\"?(source|value|ts|observed_at_ms)?\"?:?.{0,40}") {
            let _ = (Reading::from_json(&bytes), Observation::from_json(&bytes));
            let _ = (Reading::from_json(text.as_bytes()), Observation::from_json(text.as_bytes()));
        }
    }
}
