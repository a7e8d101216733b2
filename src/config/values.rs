//! The values of settings that TOML has no type for: intervals, log levels, symbols, time zones.

use serde::{Deserialize, Serialize};

/// How often a job runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub enum Interval {
    /// Never: written `"off"`.
    Off,
    /// Every so many seconds; 0 is every pass.
    Every(f64),
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Seconds(f64),
    Word(String),
}

impl TryFrom<Written> for Interval {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            Written::Seconds(seconds) => Ok(Self::Every(seconds)),
            Written::Word(word) if word == "off" => Ok(Self::Off),
            Written::Word(_) => Err("must be a number of seconds or \"off\"".to_owned()),
        }
    }
}

impl From<Interval> for Written {
    fn from(interval: Interval) -> Self {
        match interval {
            Interval::Off => Self::Word("off".to_owned()),
            Interval::Every(seconds) => Self::Seconds(seconds),
        }
    }
}

/// What stands first in a date such as 03/04/2026.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateOrder {
    /// The month, as in the United States.
    MonthFirst,
    /// The day.
    DayFirst,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Nothing.
    Off,
    /// What a person must look at.
    Error,
    /// Degraded but running.
    Warn,
    /// Changes of state.
    #[default]
    Info,
    /// Each pass.
    Debug,
    /// Each message.
    Trace,
}

impl Level {
    /// The word of the configuration, which is also a `tracing` directive.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// `#[serde(with)]` for a list of symbols.
pub(super) mod symbols {
    use quant::market::Symbol;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(list: &[Symbol], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(list.iter().map(Symbol::as_str))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Symbol>, D::Error> {
        let list = Vec::<String>::deserialize(from)?;
        let symbols = list.iter().map(|text| Symbol::new(text));
        symbols.collect::<Result<_, _>>().map_err(D::Error::custom)
    }
}

/// `#[serde(with)]` for a table by symbol.
pub(super) mod by_symbol {
    use std::collections::BTreeMap;

    use quant::market::Symbol;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub(crate) fn serialize<V: Serialize, S: Serializer>(
        table: &BTreeMap<Symbol, V>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_map(table.iter().map(|(symbol, value)| (symbol.as_str(), value)))
    }

    pub(crate) fn deserialize<'de, V: Deserialize<'de>, D: Deserializer<'de>>(
        from: D,
    ) -> Result<BTreeMap<Symbol, V>, D::Error> {
        let table = BTreeMap::<String, V>::deserialize(from)?;
        let entries = table
            .into_iter()
            .map(|(text, value)| Ok((Symbol::new(&text)?, value)));
        entries
            .collect::<Result<_, String>>()
            .map_err(D::Error::custom)
    }
}

/// `#[serde(with)]` for a time zone by its IANA name.
pub(super) mod zone {
    use chrono_tz::Tz;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(zone: &Tz, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(zone.name())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Tz, D::Error> {
        let name = String::deserialize(from)?;
        name.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{from_str, to_string};

    #[test]
    fn an_interval_is_seconds_or_off() {
        for (text, interval) in [
            ("\"off\"", Interval::Off),
            ("0.0", Interval::Every(0.0)),
            ("2.5", Interval::Every(2.5)),
        ] {
            assert_eq!(from_str::<Interval>(text).unwrap(), interval);
            assert_eq!(to_string(&interval).unwrap(), text);
        }
        assert!(from_str::<Interval>("\"never\"").is_err());
    }

    #[test]
    fn a_level_is_written_as_it_is_named() {
        for word in ["off", "error", "warn", "info", "debug", "trace"] {
            let level: Level = from_str(&format!("{word:?}")).unwrap();
            assert_eq!(level.as_str(), word);
        }
    }
}
