//! Date-times as text, mapped in their own shape: separator, number of decimals and offset stay.
//! Text without an offset is read as UTC.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Timelike};

/// `text` with its instant mapped; `None` when it is no date-time, or maps to itself.
pub(super) fn map(text: &str, to: impl Fn(i64) -> i64) -> Option<String> {
    let bytes = text.as_bytes();
    let number = |at: usize, len: usize| -> Option<u32> {
        let digits = bytes.get(at..at + len)?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        std::str::from_utf8(digits).ok()?.parse().ok()
    };
    let is = |at: usize, allowed: &[u8]| bytes.get(at).is_some_and(|byte| allowed.contains(byte));
    let shaped = is(4, b"-") && is(7, b"-") && is(10, b"Tt ") && is(13, b":") && is(16, b":");
    if !shaped {
        return None;
    }
    let year = i32::try_from(number(0, 4)?).ok()?;
    let date = NaiveDate::from_ymd_opt(year, number(5, 2)?, number(8, 2)?)?;
    let mut end = 19;
    let mut decimals = 0;
    if is(end, b".") {
        decimals = bytes[end + 1..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        end += 1 + decimals;
    }
    // More than nine decimals hold nothing that a time here could.
    if decimals > 9 || (decimals == 0 && end != 19) {
        return None;
    }
    let fraction = if decimals > 0 {
        number(20, decimals)?
    } else {
        0
    };
    let fraction_ns = fraction * 10u32.pow(9 - decimals as u32);
    let local =
        date.and_hms_nano_opt(number(11, 2)?, number(14, 2)?, number(17, 2)?, fraction_ns)?;
    let offset_ns = offset_ns(&bytes[end..])?;

    let t_ns = local
        .and_utc()
        .timestamp_nanos_opt()?
        .checked_sub(offset_ns)?;
    let moved_ns = to(t_ns);
    if moved_ns == t_ns {
        return None;
    }
    let moved = DateTime::from_timestamp_nanos(moved_ns.checked_add(offset_ns)?).naive_utc();
    Some(shape(moved, &text[10..11], decimals) + &text[end..])
}

/// Of nothing and `Z` zero, of `+05:30` and `+0530` that.
fn offset_ns(text: &[u8]) -> Option<i64> {
    let (sign, digits) = match text {
        [] | [b'Z' | b'z'] => return Some(0),
        [sign @ (b'+' | b'-'), a, b, b':', c, d] | [sign @ (b'+' | b'-'), a, b, c, d] => {
            (*sign, [*a, *b, *c, *d])
        }
        _ => return None,
    };
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let [a, b, c, d] = digits.map(|byte| i64::from(byte - b'0'));
    let minutes = (a * 10 + b) * 60 + c * 10 + d;
    let sign = if sign == b'-' { -1 } else { 1 };
    Some(sign * minutes * 60_000_000_000)
}

fn shape(at: NaiveDateTime, separator: &str, decimals: usize) -> String {
    let mut text = format!(
        "{:04}-{:02}-{:02}{separator}{:02}:{:02}:{:02}",
        at.year(),
        at.month(),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    );
    if decimals > 0 {
        // A leap second counts on beyond nine digits of nanoseconds.
        let fraction = format!("{:09}", at.nanosecond() % 1_000_000_000);
        text.push('.');
        text.push_str(&fraction[..decimals]);
    }
    text
}
