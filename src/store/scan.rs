//! A tolerant JSON scanner: one pass, nothing built, nothing recursive.
//!
//! It reads what producers write, which is a little more than JSON: `NaN` and `Infinity` stand
//! for missing numbers, and keys may repeat. Values nobody asks for are skipped unbuilt. Numbers
//! stay text until somebody knows their unit, so that prices become integers without a float.

use std::borrow::Cow;

/// Why text is not JSON, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// What was expected.
    pub expected: &'static str,
    /// Byte offset.
    pub at: usize,
}

/// One value, with containers skipped.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as written; also `NaN` and the infinities.
    Number(&'a str),
    /// Text, escapes resolved.
    Text(Cow<'a, str>),
    /// An object or array that was passed over.
    Container,
}

/// Deepest nesting that is passed over; deeper text is refused, not followed.
const MAX_DEPTH: usize = 64;

/// A position in a text.
pub struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

type Scan<T> = Result<T, Malformed>;

impl<'a> Scanner<'a> {
    /// A scanner at the start of `text`.
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The first byte of the next value, white space passed over.
    pub fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(self.at) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    /// Reads an object: `member` gets each key and must read exactly one value.
    pub fn object(&mut self, mut member: impl FnMut(&mut Self, &str) -> Scan<()>) -> Scan<()> {
        self.expect(b'{', "an object")?;
        if self.eat(b'}') {
            return Ok(());
        }
        loop {
            let key = self.text_value()?;
            self.expect(b':', "`:`")?;
            member(self, &key)?;
            if !self.eat(b',') {
                return self.expect(b'}', "`,` or `}`");
            }
        }
    }

    /// Reads an array: `element` must read exactly one value.
    pub fn array(&mut self, mut element: impl FnMut(&mut Self) -> Scan<()>) -> Scan<()> {
        self.expect(b'[', "an array")?;
        if self.eat(b']') {
            return Ok(());
        }
        loop {
            element(self)?;
            if !self.eat(b',') {
                return self.expect(b']', "`,` or `]`");
            }
        }
    }

    /// Reads one value; a container is passed over.
    pub fn scalar(&mut self) -> Scan<Scalar<'a>> {
        match self.peek() {
            Some(b'"') => self.text_value().map(Scalar::Text),
            Some(b'{' | b'[') => {
                self.skip_container()?;
                Ok(Scalar::Container)
            }
            _ => self.word(),
        }
    }

    /// Passes one value over.
    pub fn skip(&mut self) -> Scan<()> {
        match self.peek() {
            Some(b'"') => self.skip_text().map(|_| ()),
            Some(b'{' | b'[') => self.skip_container(),
            _ => self.word().map(|_| ()),
        }
    }

    /// Nothing but white space may follow.
    pub fn end(&mut self) -> Scan<()> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.malformed("the end")),
        }
    }

    fn malformed(&self, expected: &'static str) -> Malformed {
        Malformed {
            expected,
            at: self.at,
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8, expected: &'static str) -> Scan<()> {
        if self.eat(byte) {
            Ok(())
        } else {
            Err(self.malformed(expected))
        }
    }

    /// A bare word: number, `true`, `false`, `null`, `NaN`, `Infinity`.
    fn word(&mut self) -> Scan<Scalar<'a>> {
        self.peek();
        let rest = &self.text[self.at..];
        let bytes = rest.as_bytes();
        let len = bytes.iter().position(|b| !IS_WORD[usize::from(*b)]);
        let len = len.unwrap_or(bytes.len());
        let word = &rest[..len];
        // Most words are numbers.
        if let Some(b'0'..=b'9' | b'.') = bytes.first() {
            self.at += len;
            return Ok(Scalar::Number(word));
        }
        let scalar = match word {
            "null" => Scalar::Null,
            "true" => Scalar::Bool(true),
            "false" => Scalar::Bool(false),
            "NaN" | "nan" | "Infinity" | "-Infinity" | "inf" | "-inf" => Scalar::Number(word),
            _ if word.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) => {
                Scalar::Number(word)
            }
            _ => return Err(self.malformed("a value")),
        };
        self.at += len;
        Ok(scalar)
    }

    fn text_value(&mut self) -> Scan<Cow<'a, str>> {
        let (raw, is_escaped) = self.raw_text()?;
        if !is_escaped {
            return Ok(Cow::Borrowed(raw));
        }
        unescape(raw)
            .map(Cow::Owned)
            .ok_or_else(|| self.malformed("a valid escape"))
    }

    /// Passes text over and gives what stands between its quotes, escapes as written.
    fn skip_text(&mut self) -> Scan<&'a str> {
        self.raw_text().map(|(raw, _)| raw)
    }

    /// What stands between quotes, escapes as written, and whether there are any.
    fn raw_text(&mut self) -> Scan<(&'a str, bool)> {
        self.expect(b'"', "text")?;
        let bytes = self.text.as_bytes();
        let start = self.at;
        let mut is_escaped = false;
        loop {
            let rest = bytes.get(self.at..).unwrap_or_default();
            let Some(plain) = rest.iter().position(|b| matches!(b, b'"' | b'\\')) else {
                self.at = bytes.len();
                return Err(self.malformed("the closing `\"`"));
            };
            self.at += plain + 1;
            if rest[plain] == b'"' {
                return Ok((&self.text[start..self.at - 1], is_escaped));
            }
            is_escaped = true;
            self.at += 1;
        }
    }

    fn skip_container(&mut self) -> Scan<()> {
        let mut depth = 0;
        loop {
            match self.peek() {
                Some(b'{' | b'[') => {
                    depth += 1;
                    self.at += 1;
                    if depth > MAX_DEPTH {
                        return Err(self.malformed("less nesting"));
                    }
                }
                Some(b'}' | b']') => {
                    depth -= 1;
                    self.at += 1;
                    if depth == 0 {
                        return Ok(());
                    }
                }
                Some(b'"') => drop(self.skip_text()?),
                Some(b',' | b':') => self.at += 1,
                Some(_) => drop(self.word()?),
                None => return Err(self.malformed("the end of a container")),
            }
        }
    }
}

/// The bytes of a bare word.
const IS_WORD: [bool; 256] = {
    let mut is_word = [false; 256];
    let mut at = 0;
    while at < 256 {
        let byte = at as u8;
        is_word[at] = byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        at += 1;
    }
    is_word
};

fn unescape(raw: &str) -> Option<String> {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        text.push(match rest.next()? {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => escaped_unit(&mut rest)?,
            plain @ ('"' | '\\' | '/') => plain,
            _ => return None,
        });
    }
    Some(text)
}

/// The four hexadecimal digits after `\u`, and those of a second half where there is one.
fn escaped_unit(rest: &mut std::str::Chars<'_>) -> Option<char> {
    let unit = |rest: &mut std::str::Chars<'_>| -> Option<u32> {
        let digits: String = rest.take(4).collect();
        u32::from_str_radix(&digits, 16).ok()
    };
    let first = unit(rest)?;
    if !(0xd800..0xdc00).contains(&first) {
        return Some(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    let mut ahead = rest.clone();
    let pair = ahead.next() == Some('\\') && ahead.next() == Some('u');
    let second = if pair { unit(&mut ahead)? } else { 0 };
    if !(0xdc00..0xe000).contains(&second) {
        return Some(char::REPLACEMENT_CHARACTER);
    }
    *rest = ahead;
    char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00))
}

/// A decimal number in units of 10^-`digits`, exact; more digits than that are rounded half away
/// from zero. `None` where it is not a number or does not fit.
pub fn decimal(text: &str, digits: i32) -> Option<i128> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], unsigned[at + 1..].parse::<i32>().ok()?),
        None => (unsigned, 0),
    };
    let mut units: i128 = 0;
    let mut shift = exponent.checked_add(digits)?;
    let (mut seen_point, mut seen_digit) = (false, false);
    for byte in mantissa.bytes() {
        match byte {
            b'0'..=b'9' => {
                seen_digit = true;
                if units < i128::MAX / 100 {
                    units = units * 10 + i128::from(byte - b'0');
                    shift -= i32::from(seen_point);
                } else {
                    // Beyond 36 digits only the magnitude counts.
                    shift += i32::from(!seen_point);
                }
            }
            b'.' if !seen_point => seen_point = true,
            _ => return None,
        }
    }
    if !seen_digit {
        return None;
    }
    let scaled = match shift {
        _ if units == 0 => 0,
        0..=38 => units.checked_mul(10_i128.pow(shift as u32))?,
        39.. => return None,
        -38..0 => {
            let divisor = 10_i128.pow(shift.unsigned_abs());
            (units + divisor / 2) / divisor
        }
        _ => 0,
    };
    Some(if negative { -scaled } else { scaled })
}

/// A decimal number as the nearest float. `None` where it is not a number or has no finite one.
pub fn float(text: &str) -> Option<f64> {
    // Up to 2^53 a mantissa, and up to 10^22 a power of ten, are exact floats, so that one
    // division rounds once and rightly (Clinger 1990). Nearly every number is of this kind.
    let (is_negative, digits) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        all => (false, all),
    };
    let (mut mantissa, mut decimals, mut seen_point) = (0_u64, 0_usize, false);
    let is_short = !digits.is_empty() && digits.len() <= 17;
    for &byte in digits.iter().filter(|_| is_short) {
        match byte {
            b'0'..=b'9' => {
                mantissa = mantissa * 10 + u64::from(byte - b'0');
                decimals += usize::from(seen_point);
            }
            b'.' if !seen_point => seen_point = true,
            _ => return parsed(text),
        }
    }
    let is_number = digits.len() > usize::from(seen_point);
    if !(is_short && is_number && mantissa <= 1 << 53) {
        return parsed(text);
    }
    let size = mantissa as f64 / POWERS_OF_TEN[decimals];
    Some(if is_negative { -size } else { size })
}

const POWERS_OF_TEN: [f64; 18] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17,
];

fn parsed(text: &str) -> Option<f64> {
    // The standard library takes words such as `inf` and `nan` for numbers.
    let is_number = |b: u8| b.is_ascii_digit() || b"+-.eE".contains(&b);
    let value = text.bytes().all(is_number).then(|| text.parse::<f64>());
    value?.ok().filter(|value| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn members(text: &str) -> Scan<Vec<(String, String)>> {
        let mut found = Vec::new();
        let mut scanner = Scanner::new(text);
        scanner.object(|scanner, key| {
            found.push((key.to_owned(), format!("{:?}", scanner.scalar()?)));
            Ok(())
        })?;
        scanner.end()?;
        Ok(found)
    }

    #[test]
    fn every_kind_of_value_is_told() {
        let text =
            r#" {"a": 1.50, "b": "x\ty", "c": null, "d": [1, {"e": "]"}], "f": true, "g": NaN} "#;
        let kinds: Vec<String> = members(text).unwrap().into_iter().map(|(_, v)| v).collect();
        let expected = [
            r#"Number("1.50")"#,
            r#"Text("x\ty")"#,
            "Null",
            "Container",
            "Bool(true)",
            r#"Number("NaN")"#,
        ];
        assert_eq!(kinds, expected);
    }

    #[test]
    fn escapes_are_resolved() {
        let text = r#"{"\u0041":"\ud83d\ude00 \ud800 \/"}"#;
        let expected = ("A".to_owned(), "Text(\"😀 \u{fffd} /\")".to_owned());
        assert_eq!(members(text).unwrap(), [expected]);
    }

    #[test]
    fn broken_text_is_refused_at_its_place() {
        for text in [
            "",
            "{",
            r#"{"a""#,
            r#"{"a":}"#,
            r#"{"a":1"#,
            r#"{"a":1}x"#,
            "[1]",
            r#"{"a":"#,
            r#"{"a\"#,
        ] {
            assert!(members(text).is_err(), "{text}");
        }
        let deep = format!("{{\"a\":{}}}", "[".repeat(1_000_000));
        assert_eq!(members(&deep).unwrap_err().expected, "less nesting");
    }

    #[test]
    fn decimals_are_exact() {
        assert_eq!(decimal("585.33", 9), Some(585_330_000_000));
        assert_eq!(decimal("50.019999999999996", 9), Some(50_020_000_000));
        assert_eq!(decimal("-1e-9", 9), Some(-1));
        assert_eq!(decimal("1.5E3", 2), Some(150_000));
        assert_eq!(decimal("0e999999", 9), Some(0));
        assert_eq!(
            decimal("1340285400000000000", 0),
            Some(1_340_285_400_000_000_000)
        );
        for text in [
            "",
            "-",
            ".",
            "1.2.3",
            "1e",
            "NaN",
            "0x10",
            "1e99999",
            "1_000",
            "1e2147483647",
        ] {
            assert_eq!(decimal(text, 9), None, "{text}");
        }
    }

    #[test]
    fn floats_are_the_nearest() {
        for text in [
            "0",
            "-0",
            "6000.0",
            "0.1",
            "1.",
            ".5",
            "+3",
            "9007199254740993",
            "123456789012345678",
            "0.000001",
            "4.9e-324",
            "1e22",
            "17976931348623157e292",
            "-12.50",
            "00000000000000001.5",
        ] {
            let expected: f64 = text.parse().unwrap();
            assert_eq!(
                float(text).map(f64::to_bits),
                Some(expected.to_bits()),
                "{text}"
            );
        }
        for text in [
            "", "-", ".", "+.", "1.2.3", "1e", "NaN", "inf", "1e999", "0x1", "1,000", "é",
        ] {
            assert_eq!(float(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,200}") {
            let _ = members(&text);
            let _ = decimal(&text, 9);
            let _ = float(&text);
        }

        #[test]
        fn floats_are_those_of_the_standard_library(text in "-?[0-9]{1,20}(\\.[0-9]{0,20})?(e-?[0-9]{1,2})?", value in any::<f64>()) {
            prop_assert_eq!(float(&text).map(f64::to_bits), text.parse().ok().map(f64::to_bits));
            let exact = format!("{value:?}");
            prop_assert_eq!(float(&exact).map(f64::to_bits), Some(value.to_bits()).filter(|_| value.is_finite()));
        }

        #[test]
        fn what_serde_json_accepts_is_read_alike(key in ".{0,20}", value in ".{0,20}", number in any::<f64>()) {
            prop_assume!(number.is_finite());
            let text = serde_json::json!({ key.clone(): [1, {"x": value.clone()}], "t": value.clone(), "n": number });
            let found = members(&text.to_string()).unwrap();
            let read = |name: &str| found.iter().find(|(k, _)| k == name).map(|(_, v)| v.clone());
            if key != "t" && key != "n" {
                prop_assert_eq!(read(&key), Some("Container".to_owned()));
                prop_assert_eq!(read("t"), Some(format!("{:?}", Scalar::Text(value.into()))));
            }
        }

        #[test]
        fn decimals_round_like_floats_do(value in -1e8f64..1e8) {
            let exact = decimal(&format!("{value}"), 9).unwrap();
            let rough = value * 1e9;
            prop_assert!((exact as f64 - rough).abs() <= 0.5 + rough.abs() * 1e-15);
        }
    }
}
