//! How documents are written: full precision, no `-0.0`, and null for what is not a number.

use std::io;

use serde::Serialize;
use serde_json::ser::Formatter;

/// A value as compact JSON.
///
/// # Panics
/// Where the value's own `Serialize` fails: a map with keys that are not text.
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256);
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, PlainNumbers);
    value
        .serialize(&mut serializer)
        .expect("documents have text keys and memory does not fail to write");
    bytes
}

/// serde_json's compact form, but -0.0 is 0.0. Not-a-number and infinities are null already.
struct PlainNumbers;

impl Formatter for PlainNumbers {
    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        serde_json::ser::CompactFormatter.write_f64(writer, value + 0.0)
    }
}

/// Serializes a float that readers know as an integer: `9850`, and `0.25` where it is none.
pub fn integer_if_whole<S: serde::Serializer>(
    value: &Option<f64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) if value.fract() == 0.0 && value.abs() < 9e15 => {
            serializer.serialize_i64(*value as i64)
        }
        Some(value) => serializer.serialize_f64(*value),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_zero_and_what_is_no_number_never_reach_the_wire() {
        let text = String::from_utf8(to_vec(&[-0.0, f64::NAN, f64::INFINITY, 0.1 + 0.2])).unwrap();
        assert_eq!(text, "[0.0,null,null,0.30000000000000004]");
    }
}
