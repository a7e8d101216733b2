//! Expiry dates as producers write them.
//!
//! A date is a date: the one that is written, whatever the zone of the time beside it. Only an
//! epoch number has to be read in a zone. Midnight UTC and midnight in India are those dates, as
//! that is what a program makes of a date alone; any other instant is the date in New York, where
//! no option expires so late that the date there is not that of its exchange.

use chrono::{DateTime, NaiveDate, Timelike, Utc};
use chrono_tz::Tz;

use crate::config::DateOrder;

use super::epoch_number;

/// Years that an option can expire in; what is read as another was no date.
const YEARS: std::ops::RangeInclusive<i32> = 1970..=2199;

const MONTHS: [&[u8; 3]; 12] = [
    b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec",
];

/// A date from `2026-11-20`, also before a time of day, `20261120`, `261120`, `20-Nov-2026`,
/// `20NOV2026`, `Nov 20 2026`, an epoch number of any unit, or `11/20/2026` where that can only be
/// one date or `order` says which part is the month.
pub fn expiry(text: &str, order: Option<DateOrder>) -> Option<NaiveDate> {
    let text = text.trim();
    let date = match text.as_bytes() {
        [_, _, _, _, b'-', _, _, b'-', _, _, time @ ..] if is_time(time) => iso(text.as_bytes()),
        bytes if bytes.contains(&b'/') => slashed(text, order),
        bytes if bytes.iter().any(u8::is_ascii_alphabetic) => named(text),
        bytes if bytes.iter().all(u8::is_ascii_digit) && bytes.len() == 8 => compact(bytes),
        bytes if bytes.iter().all(u8::is_ascii_digit) && bytes.len() == 6 => short(bytes),
        _ => epoch(text),
    };
    date.filter(|date| YEARS.contains(&chrono::Datelike::year(date)))
}

/// `20261120`.
pub(super) fn compact(digits: &[u8]) -> Option<NaiveDate> {
    let (year, rest) = digits.split_at_checked(4)?;
    let (month, day) = rest.split_at_checked(2)?;
    ymd(number(year)?, number(month)?, two_digits(day)?)
}

/// `261120`: of this century.
pub(super) fn short(digits: &[u8]) -> Option<NaiveDate> {
    let (year, rest) = digits.split_at_checked(2)?;
    let (month, day) = rest.split_at_checked(2)?;
    ymd(
        2000 + number::<i32>(year)?,
        number(month)?,
        two_digits(day)?,
    )
}

/// `20-Nov-2026`, `20NOV2026`, `Nov 20, 2026`.
pub(super) fn named(text: &str) -> Option<NaiveDate> {
    let mut parts: [&[u8]; 3] = [&[]; 3];
    let mut count = 0;
    let mut rest = text.as_bytes();
    while let Some(first) = rest.first() {
        let is_alike = |b: &u8| match first.is_ascii_digit() {
            true => b.is_ascii_digit(),
            false => b.is_ascii_alphabetic(),
        };
        let length = rest.iter().take_while(|b| is_alike(b)).count();
        if length == 0 {
            if !b"- ,".contains(first) {
                return None;
            }
            rest = &rest[1..];
            continue;
        }
        *parts.get_mut(count)? = &rest[..length];
        count += 1;
        rest = &rest[length..];
    }
    let (month, day, year) = match parts {
        [day, month, year] if day[..].first()?.is_ascii_digit() => (month, day, year),
        [month, day, year] => (month, day, year),
    };
    if !(year.len() == 4 && (1..=2).contains(&day.len())) {
        return None;
    }
    let name: [u8; 3] = month.try_into().ok()?;
    let name = name.map(|letter| letter.to_ascii_lowercase());
    let month = MONTHS.iter().position(|other| **other == name)?;
    ymd(number(year)?, month as u32 + 1, number(day)?)
}

fn iso(text: &[u8]) -> Option<NaiveDate> {
    ymd(
        number(&text[..4])?,
        number(&text[5..7])?,
        number(&text[8..10])?,
    )
}

/// Whether what follows a date is nothing or a time of day.
fn is_time(rest: &[u8]) -> bool {
    match rest {
        [] => true,
        [b'T' | b't' | b' ', b'0'..=b'9', rest @ ..] => rest
            .iter()
            .all(|b| b.is_ascii_digit() || b":.,+- Zz".contains(b)),
        _ => false,
    }
}

fn slashed(text: &str, order: Option<DateOrder>) -> Option<NaiveDate> {
    let mut parts = text.split('/').map(str::as_bytes);
    let (first, second, year) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 || first.len() > 2 || second.len() > 2 {
        return None;
    }
    let (first, second): (u32, u32) = (number(first)?, number(second)?);
    let (month, day) = match order {
        _ if first <= 12 && second > 12 => (first, second),
        Some(DateOrder::MonthFirst) => (first, second),
        Some(DateOrder::DayFirst) => (second, first),
        None => return None,
    };
    ymd(number(year)?, month, day)
}

fn epoch(text: &str) -> Option<NaiveDate> {
    let at = epoch_number(text)?.utc();
    let midnight_in = |zone: Tz| {
        let local: DateTime<Tz> = at.with_timezone(&zone);
        (local.num_seconds_from_midnight() == 0).then(|| local.date_naive())
    };
    let of_day: DateTime<Utc> = at;
    Some(match of_day.num_seconds_from_midnight() {
        0 => of_day.date_naive(),
        _ => midnight_in(Tz::Asia__Kolkata)
            .unwrap_or_else(|| at.with_timezone(&Tz::America__New_York).date_naive()),
    })
}

fn ymd(year: i32, month: u32, day: u32) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(year, month, day)
}

fn two_digits(digits: &[u8]) -> Option<u32> {
    (digits.len() == 2).then(|| number(digits))?
}

/// At most four digits and nothing else.
fn number<T: TryFrom<u32>>(digits: &[u8]) -> Option<T> {
    if digits.is_empty() || digits.len() > 4 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = digits
        .iter()
        .fold(0, |value, digit| value * 10 + u32::from(digit - b'0'));
    T::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Option<String> {
        expiry(text, None).map(|date| date.to_string())
    }

    #[test]
    fn every_form_of_a_date_is_read() {
        for text in [
            "2026-11-20",
            " 2026-11-20 ",
            "2026-11-20T16:00:00-05:00",
            "2026-11-20T23:59:59.999Z",
            "2026-11-20 00:00:00",
            "20261120",
            "261120",
            "20-Nov-2026",
            "20-NOV-2026",
            "20NOV2026",
            "20nov2026",
            "Nov 20 2026",
            "Nov 20, 2026",
            "11/20/2026",
            "1795132800",
            "1795132800000",
            "1795132800000000000",
            "1795208400",
            "1795167000000",
        ] {
            assert_eq!(read(text).as_deref(), Some("2026-11-20"), "{text}");
        }
        assert_eq!(read("7-Aug-2024").as_deref(), Some("2024-08-07"));
    }

    #[test]
    fn midnight_is_the_date_it_begins_where_programs_make_instants_of_dates() {
        // 2026-11-20T00:00 UTC, in India, and in New York.
        for text in ["1795132800", "1795113000", "1795150800"] {
            assert_eq!(read(text).as_deref(), Some("2026-11-20"), "{text}");
        }
        // 2026-11-20T20:30 in New York is the next day in London.
        assert_eq!(read("1795224600").as_deref(), Some("2026-11-20"));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "2026-13-40",
            "2026-02-29",
            "20261340",
            "261340",
            "31-Feb-2026",
            "20-Nox-2026",
            "20-November-2026",
            "20-Nov-26",
            "Nov 2026",
            "20/11/2026",
            "03/04/2026",
            "1/2/3/2026",
            "11/20/26",
            "2026-11-20x",
            "2026-11-20T",
            "2026/11/20",
            "tomorrow",
            "-1",
            "1e300",
            "٢٠٢٦",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn the_order_of_day_and_month_is_taken_where_it_is_named() {
        let read = |text, order| expiry(text, Some(order)).map(|date| date.to_string());
        let (month, day) = (DateOrder::MonthFirst, DateOrder::DayFirst);
        assert_eq!(read("03/04/2026", month).as_deref(), Some("2026-03-04"));
        assert_eq!(read("03/04/2026", day).as_deref(), Some("2026-04-03"));
        assert_eq!(read("20/11/2026", day).as_deref(), Some("2026-11-20"));
        assert_eq!(read("11/20/2026", day).as_deref(), Some("2026-11-20"));
        assert_eq!(read("20/11/2026", month), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,24}", digits in "[0-9/. TNovnov-]{0,16}") {
            for order in [None, Some(DateOrder::DayFirst), Some(DateOrder::MonthFirst)] {
                let _ = expiry(&text, order);
                let _ = expiry(&digits, order);
            }
        }

        #[test]
        fn a_date_is_read_from_whatever_it_is_written_as(days in 0_i64..80_000) {
            let date = NaiveDate::from_ymd_opt(1971, 1, 1).unwrap() + chrono::Days::new(days as u64);
            for form in ["%Y-%m-%d", "%Y%m%d", "%d-%b-%Y", "%d%b%Y", "%b %d %Y"] {
                let text = date.format(form).to_string();
                prop_assert_eq!(expiry(&text, None), Some(date), "{}", text);
            }
        }
    }
}
