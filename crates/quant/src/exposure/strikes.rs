//! Tables by strike, as deployed readers know them: an object whose keys are strikes as text.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Values by strike, rising; on the wire `{"230.0": value, …}`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ByStrike<T>(pub Vec<(f64, T)>);

/// A strike as a key: `230.0`, `232.5`.
pub fn strike_text(strike: f64) -> String {
    format!("{strike:?}")
}

impl<T: Serialize> Serialize for ByStrike<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (strike, value) in &self.0 {
            map.serialize_entry(&strike_text(*strike), value)?;
        }
        map.end()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for ByStrike<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Strikes(PhantomData))
    }
}

struct Strikes<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Strikes<T> {
    type Value = ByStrike<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object whose keys are strikes")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        while let Some((key, value)) = map.next_entry::<String, T>()? {
            let strike = key.parse().map_err(serde::de::Error::custom)?;
            values.push((strike, value));
        }
        Ok(ByStrike(values))
    }
}

impl<T: JsonSchema> JsonSchema for ByStrike<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("ByStrike_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<T>();
        json_schema!({"type": "object", "additionalProperties": value})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strikes_are_keys_with_a_decimal_point_in_rising_order() {
        let table = ByStrike(vec![(97.5, 1.0), (230.0, 2.0), (1100.0, 3.0)]);
        let text = serde_json::to_string(&table).unwrap();
        assert_eq!(text, r#"{"97.5":1.0,"230.0":2.0,"1100.0":3.0}"#);
        assert_eq!(serde_json::from_str::<ByStrike<f64>>(&text).unwrap(), table);
    }
}
