//! Times and dates of files, which rarely say their zone.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeZone};
use chrono_tz::Tz;

/// A wall-clock time in a zone, epoch milliseconds. Of the two instants when clocks go back the
/// earlier one; `None` for the hour that is skipped.
pub(crate) fn in_zone(time: NaiveDateTime, zone: Tz) -> Option<i64> {
    let time = zone.from_local_datetime(&time).earliest()?;
    valid_ms(time.timestamp_millis())
}

/// An RFC 3339 time as epoch milliseconds, for the command line.
pub fn parse_rfc3339(text: &str) -> Result<i64, String> {
    let time = DateTime::parse_from_rfc3339(text);
    let ms = time.ok().and_then(|time| valid_ms(time.timestamp_millis()));
    ms.ok_or_else(|| "not a time such as 2024-01-05T16:00:00-05:00".to_owned())
}

/// Only what fits nanoseconds since the epoch is an instant of a recording.
pub(crate) fn valid_ms(ms: i64) -> Option<i64> {
    (ms > 0 && ms < i64::MAX / 1_000_000).then_some(ms)
}

/// An epoch number in seconds, milliseconds, micro- or nanoseconds, told by its size.
pub(crate) fn epoch_ms(value: f64) -> Option<i64> {
    let ms = match value {
        v if v >= 1e17 => v / 1e6,
        v if v >= 1e14 => v / 1e3,
        v if v >= 1e11 => v,
        v if v >= 1e8 => v * 1e3,
        _ => return None,
    };
    valid_ms(ms as i64)
}

/// A date in the forms files have it, but never one where month and day could be swapped.
pub(crate) fn date(text: &str) -> Option<NaiveDate> {
    const FORMS: [&str; 6] = [
        "%Y-%m-%d",
        "%Y%m%d",
        "%d-%b-%Y",
        "%a %b %d %Y",
        "%b %d %Y",
        "%d%b%Y",
    ];
    let text = text.trim();
    let forms = FORMS.iter();
    let mut dates = forms.filter_map(|form| NaiveDate::parse_from_str(text, form).ok());
    dates.find(|date| (1990..2200).contains(&chrono::Datelike::year(date)))
}

/// Date and time, `T` or a space between, without a zone.
pub(crate) fn date_time(text: &str) -> Option<NaiveDateTime> {
    const FORMS: [&str; 8] = [
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%d %H:%M",
        "%Y-%m-%dT%H:%M",
        "%Y%m%d %H:%M:%S",
        "%Y%m%d %H:%M",
        "%d-%b-%Y %H:%M:%S",
        "%d-%b-%Y %H:%M",
    ];
    let forms = FORMS.iter();
    let mut times = forms.filter_map(|form| NaiveDateTime::parse_from_str(text.trim(), form).ok());
    times.next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_clock_is_put_on_the_line_of_time() {
        let time = date_time("2022-02-05 20:26:00").unwrap();
        // 2022-02-06T01:26:00Z
        assert_eq!(
            in_zone(time, chrono_tz::America::New_York),
            Some(1_644_110_760_000)
        );
        let skipped = date_time("2022-03-13 02:30:00").unwrap();
        assert_eq!(in_zone(skipped, chrono_tz::America::New_York), None);
        assert_eq!(
            parse_rfc3339("2022-02-05T20:26:00-05:00"),
            Ok(1_644_110_760_000)
        );
    }

    #[test]
    fn the_unit_of_an_epoch_number_is_told_by_its_size() {
        for value in [
            1_644_110_760.0,
            1_644_110_760e3,
            1_644_110_760e6,
            1_644_110_760e9,
        ] {
            assert_eq!(epoch_ms(value), Some(1_644_110_760_000));
        }
        assert_eq!(
            (epoch_ms(0.0), epoch_ms(f64::NAN), epoch_ms(-5.0)),
            (None, None, None)
        );
    }

    #[test]
    fn dates_have_their_month_in_letters_or_their_year_first() {
        let expected = NaiveDate::from_ymd_opt(2022, 2, 7);
        for text in [
            "2022-02-07",
            "20220207",
            "07-Feb-2022",
            "Mon Feb 07 2022",
            "Feb 07 2022",
        ] {
            assert_eq!(date(text), expected, "{text}");
        }
        assert_eq!(
            (date("02/07/2022"), date("07-02-2022"), date("")),
            (None, None, None)
        );
    }
}
