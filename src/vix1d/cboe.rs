//! Cboe's file of daily closes: a CSV with a row a day, `DATE,OPEN,HIGH,LOW,CLOSE`, dates as
//! MM/DD/YYYY. The newest day's close is the reading, observed at the end of that session.

use chrono::{Datelike, NaiveDate};
use quant::market::{Day, Exchange, Timestamp};

use super::error::SourceError;
use crate::fetch::quoted;
use quant::volatility::reading::{Origin, Reading, level};

/// Columns that must be there.
const DATE: &str = "DATE";
const CLOSE: &str = "CLOSE";

/// Where the columns stand that are read.
struct Columns {
    date: usize,
    close: usize,
}

/// A day of the table.
struct Row<'a> {
    date: NaiveDate,
    /// The close as it is written.
    close: &'a str,
    /// End of the session.
    at: Timestamp,
}

/// The newest close in a file that came at `now`.
///
/// Rows stand in any order. Passed over are a row whose date cannot be read, one of a day without
/// a session, and one of a day that is not over. The newest of the others must have a value: an
/// older one in its place would hide that the file went bad.
pub(super) fn read(
    body: &[u8],
    exchange: &Exchange,
    now: Timestamp,
) -> Result<Reading, SourceError> {
    let text =
        std::str::from_utf8(body).map_err(|_| SourceError::NotCsv("bytes that are no text"))?;
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with('<') {
        return Err(SourceError::NotCsv("an HTML page"));
    }
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let header = lines.next().ok_or(SourceError::Empty)?;
    let columns = columns(header)?;
    let mut lines: Vec<&str> = lines.collect();
    let mut none = SourceError::Empty;
    if !text.ends_with('\n') && !lines.is_empty() && is_cut_off(&lines, &columns) {
        lines.pop();
        none = SourceError::Truncated;
    }

    let mut newest: Option<Row<'_>> = None;
    for line in lines {
        let Some(row) = row(line, &columns, exchange) else {
            continue;
        };
        if row.at > now {
            none = SourceError::Future(row.date.to_string());
            continue;
        }
        // Of two rows of one day the later is the correction.
        if newest.as_ref().is_none_or(|newest| row.date >= newest.date) {
            newest = Some(row);
        }
    }
    let newest = newest.ok_or(none)?;
    let value = newest.close.parse().ok().and_then(level);
    let value = value.ok_or_else(|| SourceError::BadValue {
        value: quoted(newest.close),
        at: newest.date.to_string(),
    })?;
    Ok(Reading {
        source: Origin::Cboe,
        value,
        observed_at: newest.at,
        fetched_at: now,
        delayed: true,
    })
}

fn columns(header: &str) -> Result<Columns, SourceError> {
    let find = |column: &'static str| {
        let mut names = fields(header);
        let found = names.position(|name| name.eq_ignore_ascii_case(column));
        found.ok_or_else(|| SourceError::WrongColumn {
            column,
            header: quoted(header),
        })
    };
    Ok(Columns {
        date: find(DATE)?,
        close: find(CLOSE)?,
    })
}

fn fields(line: &str) -> impl Iterator<Item = &str> {
    line.split(',').map(|field| field.trim().trim_matches('"'))
}

/// Whether the last line, which no line break ends, lacks something. Where the close is the last
/// column a lost digit leaves a number, so it must have as many decimals as the one before it.
fn is_cut_off(lines: &[&str], columns: &Columns) -> bool {
    let decimals = |line: &str| {
        let close = fields(line).nth(columns.close)?;
        Some(close.split_once('.').map_or(0, |(_, digits)| digits.len()))
    };
    match lines {
        [.., before, last] => {
            let whole = fields(last).count() >= fields(before).count();
            !whole || decimals(last) != decimals(before)
        }
        _ => true,
    }
}

fn row<'a>(line: &'a str, columns: &Columns, exchange: &Exchange) -> Option<Row<'a>> {
    let text = fields(line).nth(columns.date)?;
    let date = NaiveDate::parse_from_str(text, "%m/%d/%Y");
    let date = date.or_else(|_| NaiveDate::parse_from_str(text, "%Y-%m-%d"));
    // Four digits, which instants reach.
    let date = date
        .ok()
        .filter(|date| (1000..10_000).contains(&date.year()))?;
    let Day::Session { close, .. } = exchange.day(date) else {
        return None;
    };
    Some(Row {
        date,
        close: fields(line).nth(columns.close).unwrap_or_default(),
        at: close,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use quant::market::Calendars;

    const HEADER: &str = "DATE,OPEN,HIGH,LOW,CLOSE\n";

    fn calendars() -> Calendars {
        Calendars::from_toml(include_str!("../../config/sessions.toml")).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::from_rfc3339(text).unwrap()
    }

    /// Reads on the evening of Friday, 2024-12-20.
    fn read_text(text: &str) -> Result<Reading, SourceError> {
        let now = at("2024-12-20T18:00:00-05:00");
        read(text.as_bytes(), calendars().exchange("XCBO").unwrap(), now)
    }

    #[track_caller]
    fn check(rows: &str, value: f64, observed_at: &str) {
        let reading = read_text(&format!("{HEADER}{rows}")).unwrap();
        assert_eq!(
            (reading.value, reading.observed_at),
            (value, at(observed_at))
        );
        assert!(reading.delayed);
    }

    #[track_caller]
    fn check_error(text: &str, reason: &str, words: &str) {
        let error = read_text(text).unwrap_err();
        assert_eq!(error.reason(), reason, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }

    #[test]
    fn the_newest_close_is_observed_at_the_end_of_its_session() {
        check(
            "12/16/2024,5.67,9.10,5.60,8.94\n12/17/2024,7.14,13.50,7.00,13.29\n",
            13.29,
            "2024-12-17T16:15:00-05:00",
        );
    }

    #[test]
    fn rows_stand_in_any_order_and_dates_in_two_forms() {
        check(
            "2024-12-18,1,1,1,20.5\r\n12/16/2024,1,1,1,8.94\r\n12/17/2024,1,1,1,13.29\r\n",
            20.5,
            "2024-12-18T16:15:00-05:00",
        );
    }

    #[test]
    fn columns_stand_in_any_order() {
        let text = "\u{feff}Close, \"Date\",Open\n\"13.29\",\"12/17/2024\",7.14\n";
        assert_eq!(read_text(text).unwrap().value, 13.29);
    }

    #[test]
    fn a_half_day_ends_at_a_quarter_past_one() {
        check("07/03/2024,1,1,1,9.07\n", 9.07, "2024-07-03T13:15:00-04:00");
    }

    #[test]
    fn of_two_rows_of_a_day_the_later_is_the_correction() {
        check(
            "12/17/2024,1,1,1,13.29\n12/17/2024,1,1,1,13.31\n",
            13.31,
            "2024-12-17T16:15:00-05:00",
        );
    }

    #[test]
    fn days_to_come_and_days_without_a_session_are_passed_over() {
        check(
            "12/17/2024,1,1,1,13.29\n12/14/2024,1,1,1,1.0\n11/28/2024,1,1,1,2.0\n12/23/2024,1,1,1,3.0\n\
             12/17/2042,1,1,1,4.0\n13/45/2024,1,1,1,5.0\nsource: nobody\n",
            13.29,
            "2024-12-17T16:15:00-05:00",
        );
        check_error(
            &format!("{HEADER}12/23/2024,1,1,1,3.0\n"),
            "future",
            "2024-12-23",
        );
    }

    #[test]
    fn a_day_that_is_not_over_has_no_close() {
        let text = format!("{HEADER}12/17/2024,1,1,1,13.29\n12/18/2024,1,1,1,9.9\n");
        let calendars = calendars();
        let exchange = calendars.exchange("XCBO").unwrap();
        let read = |now| read(text.as_bytes(), exchange, at(now)).unwrap().value;
        assert_eq!(read("2024-12-18T16:14:59-05:00"), 13.29);
        assert_eq!(read("2024-12-18T16:15:00-05:00"), 9.9);
    }

    #[test]
    fn the_newest_day_must_have_a_value_the_index_can_have() {
        for value in ["", "N/A", "nan", "inf", "0", "-8.94", "1000.01", "1e9"] {
            let text = format!("{HEADER}12/16/2024,1,1,1,8.94\n12/17/2024,1,1,1,{value}\n");
            check_error(&text, "bad_value", "2024-12-17");
        }
        check_error(
            &format!("{HEADER}12/16/2024,1,1,1,8.94\n12/17/2024,1\n"),
            "bad_value",
            "2024-12-17",
        );
        check(
            "12/16/2024,1,1,1,N/A\n12/17/2024,1,1,1,13.29\n",
            13.29,
            "2024-12-17T16:15:00-05:00",
        );
    }

    #[test]
    fn a_file_that_is_cut_off_keeps_its_whole_rows() {
        let whole = "12/16/2024,5.67,9.10,5.60,8.94\n12/17/2024,7.14,13.50,7.00,13.29";
        for cut in 1.."12/17/2024,7.14,13.50,7.00,13.29".len() {
            let rows = &whole[..whole.len() - cut];
            check(rows, 8.94, "2024-12-16T16:15:00-05:00");
        }
        check(whole, 13.29, "2024-12-17T16:15:00-05:00");
        check_error(&format!("{HEADER}12/17/2024,7.14"), "truncated", "cut off");
    }

    #[test]
    fn what_is_no_table_says_what_it_is() {
        let page = "\n <!DOCTYPE html><html><body>Please verify you are human</body></html>";
        check_error(page, "not_csv", "an HTML page, not a CSV");
        check_error("", "empty", "no value");
        check_error(HEADER, "empty", "no value");
        check_error(
            "DATE,OPEN,HIGH,LOW,LAST\n12/17/2024,1,1,1,13.29\n",
            "wrong_column",
            "no column CLOSE (the header is `DATE,OPEN,HIGH,LOW,LAST`)",
        );
        check_error("TIME,CLOSE\n12/17/2024,1\n", "wrong_column", "DATE");
        let calendars = calendars();
        let exchange = calendars.exchange("XCBO").unwrap();
        let error = read(b"\x1f\x8b\x08\xff", exchange, Timestamp::default()).unwrap_err();
        assert_eq!(error.reason(), "not_csv");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_file_panics_and_no_value_is_outside_the_index(
            rows in proptest::collection::vec("(1[0-9]/[0-3][0-9]/202[0-9]|.{0,10}),.{0,6},[-0-9.e]{0,8}", 0..6),
            bytes: Vec<u8>,
        ) {
            let text = format!("DATE,OPEN,CLOSE\n{}", rows.join("\n"));
            if let Ok(reading) = read_text(&text) {
                prop_assert!(reading.value > 0.0 && reading.value <= 1000.0);
                prop_assert!(reading.observed_at <= reading.fetched_at);
            }
            let calendars = calendars();
            let _ = read(&bytes, calendars.exchange("XCBO").unwrap(), Timestamp::default());
        }
    }
}
