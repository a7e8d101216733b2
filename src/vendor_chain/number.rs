//! A number as its source wrote it.

use serde::Serialize;
use serde_json::value::RawValue;

/// Larger is damage: no price, size or count, and no time in nanoseconds.
const LARGEST: f64 = 1e19;
/// Up to here a float tells whole numbers apart.
const LARGEST_EXACT: f64 = 9e15;

/// The decimal text of a number, and the number.
#[derive(Clone, Debug)]
pub(crate) struct Number {
    text: Box<RawValue>,
    value: f64,
}

/// The same text: `1.0` is not `1`.
impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Serialize for Number {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text.serialize(serializer)
    }
}

impl Number {
    /// The number a text is; `None` for what is none, such as `NaN`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix('+').unwrap_or(text);
        let plain = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
        if text.len() > 64 || !text.bytes().all(plain) {
            return None;
        }
        // `.5` and `5.` are numbers everywhere but in JSON, and so is `007`.
        let (sign, size) = text
            .strip_prefix('-')
            .map_or(("", text), |size| ("-", size));
        let size = size.strip_suffix('.').unwrap_or(size);
        let bare = size.trim_start_matches('0');
        let lead = if bare.starts_with(|c: char| c.is_ascii_digit()) {
            ""
        } else {
            "0"
        };
        let size = if size.is_empty() {
            size.to_owned()
        } else {
            format!("{lead}{bare}")
        };
        Self::of(format!("{sign}{size}"))
    }

    /// The same where thousands are set apart by commas: `92,802,269`.
    pub(crate) fn parse_grouped(text: &str) -> Option<Self> {
        Self::parse(&text.replace(',', ""))
    }

    pub(crate) fn integer(value: i64) -> Self {
        Self {
            text: RawValue::from_string(value.to_string()).expect("an integer is JSON"),
            value: value as f64,
        }
    }

    /// 5853300 is 585.33.
    pub(crate) fn of_1e4(value: i64) -> Option<Self> {
        let size = value.unsigned_abs();
        let (whole, fraction) = (size / 10_000, size % 10_000);
        let sign = if value < 0 { "-" } else { "" };
        let text = format!("{sign}{whole}.{fraction:04}");
        Self::of(text.trim_end_matches('0').trim_end_matches('.').to_owned())
    }

    fn of(text: String) -> Option<Self> {
        let value: f64 = text.parse().ok()?;
        if value.abs() > LARGEST || !value.is_finite() {
            return None;
        }
        Some(Self {
            text: RawValue::from_string(text).ok()?,
            value,
        })
    }

    pub(crate) fn value(&self) -> f64 {
        self.value
    }

    pub(crate) fn text(&self) -> &str {
        self.text.get()
    }

    /// A whole number.
    pub(crate) fn as_integer(&self) -> Option<i64> {
        let exact = self.value.fract() == 0.0 && self.value.abs() <= LARGEST_EXACT;
        exact.then_some(self.value as i64)
    }

    /// A hundredth of it, by moving the point: 51.745 is 0.51745.
    pub(crate) fn hundredth(&self) -> Option<Self> {
        self.shifted(-2)
    }

    /// A fraction as the text of a percentage, `"428.5%"`.
    pub(crate) fn as_percent(&self) -> Self {
        let percent = self.shifted(2);
        let text = percent.map(|percent| format!("\"{}%\"", percent.text()));
        let text = text.and_then(|text| RawValue::from_string(text).ok());
        Self {
            text: text.unwrap_or_else(|| self.text.clone()),
            value: self.value,
        }
    }

    fn shifted(&self, by: i32) -> Option<Self> {
        let text = self.text.get();
        if text.contains(['e', 'E']) {
            let value = if by < 0 {
                self.value / 100.0
            } else {
                self.value * 100.0
            };
            return Self::parse(&value.to_string());
        }
        let (sign, size) = text
            .strip_prefix('-')
            .map_or(("", text), |size| ("-", size));
        let (whole, fraction) = size.split_once('.').unwrap_or((size, ""));
        let (whole, fraction) = if by < 0 {
            let whole = format!("{whole:0>3}");
            let (left, right) = whole.split_at(whole.len() - 2);
            (left.to_owned(), format!("{right}{fraction}"))
        } else {
            let fraction = format!("{fraction:0<2}");
            let (left, right) = fraction.split_at(2);
            (format!("{whole}{left}"), right.to_owned())
        };
        let text = format!("{sign}{whole}.{fraction}");
        Self::parse(text.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(number: Option<Number>) -> Option<String> {
        number.map(|number| number.text().to_owned())
    }

    #[test]
    fn a_number_keeps_the_digits_it_came_with() {
        for (from, to) in [
            ("11000.00", "11000.00"),
            (" -0.0003 ", "-0.0003"),
            (".5", "0.5"),
            ("-.5", "-0.5"),
            ("5.", "5"),
            ("007", "7"),
            ("0", "0"),
            ("000", "0"),
            ("+1.10", "1.10"),
            ("1e-5", "1e-5"),
        ] {
            assert_eq!(text(Number::parse(from)).as_deref(), Some(to), "{from}");
        }
        for none in [
            "", "-", ".", "NaN", "1,0", "--", "1e999", "x", "1.2.3", "0x1",
        ] {
            assert_eq!(text(Number::parse(none)), None, "{none}");
        }
        assert_eq!(
            text(Number::parse_grouped("92,802,269")).unwrap(),
            "92802269"
        );
    }

    #[test]
    fn percent_and_fraction_differ_by_the_place_of_the_point() {
        for (percent, fraction) in [
            ("51.745", "0.51745"),
            ("250", "2.5"),
            ("5", "0.05"),
            ("29.0", "0.29"),
            ("1e1", "0.1"),
        ] {
            let number = Number::parse(percent).unwrap();
            assert_eq!(text(number.hundredth()).unwrap(), fraction);
        }
        assert_eq!(
            Number::parse("4.285").unwrap().as_percent().text(),
            "\"428.5%\""
        );
        assert_eq!(
            Number::parse("12").unwrap().as_percent().text(),
            "\"1200%\""
        );
    }

    #[test]
    fn ten_thousandths_are_written_without_floats() {
        for (value, expected) in [
            (5_853_300, "585.33"),
            (10_000, "1"),
            (0, "0"),
            (-50, "-0.005"),
        ] {
            assert_eq!(text(Number::of_1e4(value)).unwrap(), expected);
        }
    }
}
