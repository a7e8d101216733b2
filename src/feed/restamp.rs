//! Moves the times of a recording to today: t' = start + (t − t0) / speed.
//! Only the tokens of time fields are replaced; every other byte of a value stays as it was.

use std::ops::Range;

use bytes::Bytes;

mod iso;

/// The members that hold an instant, at any depth.
const TIME_FIELDS: [&[u8]; 9] = [
    b"timestamp",
    b"ts",
    b"time",
    b"as_of",
    b"quote_ts",
    b"start_time",
    b"end_time",
    b"processed_at",
    b"tick_time",
];

/// A map from recorded to replayed time.
#[derive(Clone, Copy, Debug)]
pub struct Restamp {
    start_ns: i64,
    origin_ns: i64,
    speed: f64,
}

impl Restamp {
    /// Recorded `origin_ns` becomes `start_ns`, and time runs `speed` times as fast from there.
    pub fn new(start_ns: i64, origin_ns: i64, speed: f64) -> Result<Self, String> {
        if !(speed.is_finite() && speed > 0.0) {
            return Err(format!("speed: must be a number above 0 (is {speed})"));
        }
        Ok(Self {
            start_ns,
            origin_ns,
            speed,
        })
    }

    /// The replayed time of a recorded one, in nanoseconds since the epoch; saturates.
    pub fn t(&self, t_ns: i64) -> i64 {
        let age = i128::from(t_ns) - i128::from(self.origin_ns);
        // At speed 1, which is the usual, years of nanoseconds must not pass through a float.
        let age = if self.speed == 1.0 {
            age
        } else {
            (age as f64 / self.speed).round() as i128
        };
        let t = i128::from(self.start_ns).saturating_add(age);
        t.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
    }

    /// The value with its times moved, each in its own unit; what is not a JSON object or array
    /// comes back as it is.
    pub fn value(&self, bytes: &[u8]) -> Bytes {
        let mut out = Vec::new();
        let mut copied = 0;
        for token in time_tokens(bytes).unwrap_or_default() {
            let text = std::str::from_utf8(&bytes[token.clone()]).ok();
            if let Some(moved) = text.and_then(|text| self.text(text)) {
                out.extend_from_slice(&bytes[copied..token.start]);
                out.extend_from_slice(moved.as_bytes());
                copied = token.end;
            }
        }
        if copied == 0 {
            return Bytes::copy_from_slice(bytes);
        }
        out.extend_from_slice(&bytes[copied..]);
        out.into()
    }

    /// A time as text, moved; `None` when it is no time or does not move.
    fn text(&self, text: &str) -> Option<String> {
        match Decimal::parse(text) {
            Some(number) => self.number(number),
            None => iso::map(text, |t_ns| self.t(t_ns)),
        }
    }

    fn number(&self, number: Decimal) -> Option<String> {
        let unit_ns = number.unit_ns()?;
        let scale = 10i128.checked_pow(number.decimals)?;
        let t_ns = i64::try_from(number.units.checked_mul(unit_ns)? / scale).ok()?;
        let moved = self.t(t_ns);
        if moved == t_ns {
            return None;
        }
        // A fraction gets six decimals where its own do not hold the time, which is what a float
        // of seconds can; a whole number stays whole, rounded down.
        let exact = i128::from(moved).checked_mul(scale)? % unit_ns == 0;
        let decimals = match number.decimals {
            0 => 0,
            decimals if exact => decimals,
            decimals => decimals.max(6),
        };
        let scale = 10i128.checked_pow(decimals)?;
        let units = i128::from(moved).checked_mul(scale)?.div_euclid(unit_ns);
        Some(Decimal { units, decimals }.to_string())
    }
}

/// A positive decimal number: `units` of 10^-`decimals`.
struct Decimal {
    units: i128,
    decimals: u32,
}

impl Decimal {
    /// JSON's number syntax, positive, within reason.
    fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = || whole.bytes().chain(fraction.bytes());
        // 30 digits and 10^30 fit an i128 with room for a unit each.
        if whole.is_empty() || digits().count() > 30 || !digits().all(|byte| byte.is_ascii_digit())
        {
            return None;
        }
        let units = digits().fold(0, |sum: i128, byte| sum * 10 + i128::from(byte - b'0'));
        let decimals = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        if units == 0 || decimals.abs() > 30 {
            return None;
        }
        let lift = 10i128.checked_pow(decimals.min(0).unsigned_abs())?;
        Some(Self {
            units: units.checked_mul(lift)?,
            decimals: decimals.max(0).unsigned_abs(),
        })
    }

    /// Nanoseconds in one, by magnitude: seconds, milliseconds, microseconds, nanoseconds.
    fn unit_ns(&self) -> Option<i128> {
        let whole = self.units / 10i128.checked_pow(self.decimals)?;
        Some(if whole < 100_000_000_000 {
            1_000_000_000
        } else if whole < 100_000_000_000_000 {
            1_000_000
        } else if whole < 100_000_000_000_000_000 {
            1_000
        } else {
            1
        })
    }
}

impl std::fmt::Display for Decimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scale = 10u128.pow(self.decimals.min(30));
        let units = self.units.unsigned_abs();
        let sign = if self.units < 0 { "-" } else { "" };
        write!(f, "{sign}{}", units / scale)?;
        if self.decimals > 0 {
            write!(
                f,
                ".{:0width$}",
                units % scale,
                width = self.decimals as usize
            )?;
        }
        Ok(())
    }
}

/// Where the values of time fields stand (without quotes); `None` when the text has not the
/// structure of a JSON object or array. Numbers and words are not checked: producers write `NaN`.
fn time_tokens(bytes: &[u8]) -> Option<Vec<Range<usize>>> {
    let mut tokens = Vec::new();
    let mut open: Vec<u8> = Vec::new();
    let mut is_time = false;
    let mut at = skip_space(bytes, 0);
    if !matches!(bytes.get(at), Some(b'{' | b'[')) {
        return None;
    }
    loop {
        // A value stands here.
        match *bytes.get(at)? {
            start @ (b'{' | b'[') => {
                open.push(start);
                is_time = false;
                at = skip_space(bytes, at + 1);
                let empty = *bytes.get(at)? == closing(start);
                if !empty {
                    if start == b'{' {
                        (is_time, at) = member(bytes, at)?;
                    }
                    continue;
                }
            }
            b'"' => {
                let token = string(bytes, at)?;
                at = skip_space(bytes, token.end + 1);
                if is_time {
                    tokens.push(token);
                }
            }
            _ => {
                let token = word(bytes, at)?;
                at = skip_space(bytes, token.end);
                if is_time {
                    tokens.push(token);
                }
            }
        }
        // A value ended: close what closes, then go to the next.
        while let Some(&start) = open.last() {
            let byte = *bytes.get(at)?;
            at = skip_space(bytes, at + 1);
            if byte == closing(start) {
                open.pop();
            } else if byte == b',' {
                is_time = false;
                if start == b'{' {
                    (is_time, at) = member(bytes, at)?;
                }
                break;
            } else {
                return None;
            }
        }
        if open.is_empty() {
            return (at == bytes.len()).then_some(tokens);
        }
    }
}

fn closing(start: u8) -> u8 {
    if start == b'{' { b'}' } else { b']' }
}

/// A member's name and colon: whether it is a time, and where its value stands.
fn member(bytes: &[u8], at: usize) -> Option<(bool, usize)> {
    if *bytes.get(at)? != b'"' {
        return None;
    }
    let name = string(bytes, at)?;
    let colon = skip_space(bytes, name.end + 1);
    if *bytes.get(colon)? != b':' {
        return None;
    }
    let is_time = TIME_FIELDS.contains(&&bytes[name]);
    Some((is_time, skip_space(bytes, colon + 1)))
}

/// The inside of the string whose quote is at `at`.
fn string(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let start = at + 1;
    let mut end = start;
    loop {
        match bytes.get(end)? {
            b'"' => return Some(start..end),
            b'\\' => end += 2,
            _ => end += 1,
        }
    }
}

/// A number, `true`, `null`, `NaN`: whatever has no structure.
fn word(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-._".contains(byte);
    let len = bytes[at..].iter().take_while(|byte| is_word(byte)).count();
    (len > 0).then_some(at..at + len)
}

fn skip_space(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    let space = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    at + rest.iter().take_while(space).count()
}

#[cfg(test)]
mod tests;
