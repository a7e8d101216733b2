//! The importer on small hand-made files.

use chrono_tz::America::New_York;
use tempfile::TempDir;

use super::*;
use crate::recording::Reader;

/// 2019-02-11T09:30 in New York.
const OPEN_MS: i64 = 1_549_895_400_000;

const THREE: &str = "datetime,open,high,low,close,volume
2019-02-11 09:31:00,171.14,171.2,170.7,170.97,619925
2019-02-11 09:32:00,170.92,170.92,170.6755,170.7701,123138
2019-02-11 09:34:00,170.80,170.9,170.7,170.75,0
";

type Imported = Result<(ImportReport, Vec<String>), ImportError>;

/// Imports named files with stamps at the end of the minute; records as minutes after the open,
/// where the bar's own time must be a minute before.
fn try_import(files: &[(&str, &str)], change: fn(&mut BarsCsv)) -> Imported {
    let dir = TempDir::new().unwrap();
    let file = |(name, text): &(&str, &str)| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let mut job = BarsCsv {
        symbol: None,
        stamp: Stamp::End,
        day: None,
        files: files.iter().map(file).collect(),
        out: dir.path().join("bars.rec"),
    };
    change(&mut job);
    let report = import(&job, &|_| New_York, 1 << 20)?;
    let records = Reader::open(&job.out).unwrap().map(|record| {
        let record = record.unwrap();
        assert_eq!(record.op, Op::Rpush);
        let end_ms = record.t_ns / 1_000_000;
        let minute = (end_ms - OPEN_MS) / MINUTE_MS;
        let value = std::str::from_utf8(&record.value).unwrap();
        let time = format!("{{\"time\":{},", end_ms - MINUTE_MS);
        let rest = value.strip_prefix(&time).expect(value);
        format!("{minute} {} {rest}", record.key)
    });
    Ok((report, records.collect()))
}

fn imported(files: &[(&str, &str)]) -> (ImportReport, Vec<String>) {
    try_import(files, |_| {}).unwrap()
}

/// The minutes after the open at which one bar was recorded, for each of several stamps.
fn minute_of(stamp: &str, change: fn(&mut BarsCsv)) -> String {
    let text = format!("time,open,high,low,close,volume\n{stamp},1,1,1,1,1\n");
    let (_, records) = try_import(&[("A.csv", &text)], change).unwrap();
    records[0].split(' ').next().unwrap().to_owned()
}

#[test]
fn a_bar_has_the_start_of_its_minute_and_is_known_at_its_end() {
    let (report, records) = imported(&[("AAPL.csv", THREE)]);
    assert_eq!(
        records,
        [
            "1 market:AAPL:bars:1min \"open\":171.14,\"high\":171.2,\"low\":170.7,\
             \"close\":170.97,\"volume\":619925}",
            "2 market:AAPL:bars:1min \"open\":170.92,\"high\":170.92,\"low\":170.6755,\
             \"close\":170.7701,\"volume\":123138}",
            "4 market:AAPL:bars:1min \"open\":170.80,\"high\":170.9,\"low\":170.7,\
             \"close\":170.75,\"volume\":0}",
        ]
    );
    assert_eq!(report.symbols, ["AAPL"]);
    assert_eq!((report.read["rows"], report.kept), (3, 3));
    assert_eq!(report.noted["zero_volume"], 1);
    assert!(report.dropped.is_empty() && report.ignored_columns.is_empty());
    assert_eq!(report.first.unwrap(), "2019-02-11T14:31:00Z");
}

#[test]
fn a_stamp_at_the_start_is_the_bars_time() {
    let minute = |stamp| minute_of("2019-02-11 09:30:00", stamp);
    assert_eq!(minute(|job| job.stamp = Stamp::Start), "1");
    assert_eq!(minute(|job| job.stamp = Stamp::End), "0");
}

#[test]
fn stamps_come_as_local_time_with_an_offset_and_since_the_epoch() {
    for stamp in [
        "2019-02-11T09:31:00",
        "2019-02-11 09:31",
        "20190211  09:31:00",
        "2019-02-11T14:31:00Z",
        "2019-02-11 09:31:00-05:00",
        "2019-02-11T20:01:00.000+0530",
        "1549895460",
        "1549895460.0",
        "1549895460000",
        "1549895460000000000",
    ] {
        assert_eq!(minute_of(stamp, |_| {}), "1", "{stamp}");
    }
}

#[test]
fn columns_are_found_by_name_and_the_others_named() {
    let text = "Date,Time,5. Volume,4. close,VWAP,2. HIGH,\"1. open\",3. low\n\
        2019-02-11,09:31:00,7.0,2,9,4,3,1\n";
    let (report, records) = imported(&[("brk.b_1min.csv", text)]);
    assert_eq!(
        records,
        ["1 market:BRK.B:bars:1min \"open\":3,\"high\":4,\"low\":1,\"close\":2,\"volume\":7.0}"]
    );
    assert_eq!(report.ignored_columns, ["VWAP"]);
    let error = try_import(&[("A.csv", "date,open,high,low,last\n")], |_| {});
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("A.csv: has no column close, volume"),
        "{error}"
    );
}

#[test]
fn symbols_are_merged_by_time() {
    let later = "date,open,high,low,close,volume\n2019-02-11 09:33:00,1,1,1,1,5\n";
    let (report, records) = imported(&[("MSFT.csv", later), ("AAPL.csv", THREE)]);
    let order: Vec<&str> = records.iter().map(|record| &record[..13]).collect();
    assert_eq!(
        order,
        [
            "1 market:AAPL",
            "2 market:AAPL",
            "3 market:MSFT",
            "4 market:AAPL"
        ]
    );
    assert_eq!(report.symbols, ["AAPL", "MSFT"]);
    assert_eq!(report.out_of_order, 0);
}

#[test]
fn newest_first_is_sorted_and_counted_and_the_first_of_a_minute_counts() {
    let text = "datetime,open,high,low,close,volume
2019-02-11 09:33:00,3,3,3,3,3
2019-02-11 09:32:00,2,2,2,2,2
2019-02-11 09:32:00,9,9,9,9,9
2019-02-11 09:31:00,1,1,1,1,1
";
    let (report, records) = imported(&[("A.csv", text)]);
    assert_eq!(report.out_of_order, 2);
    assert_eq!(report.dropped["duplicate_minute"], 1);
    let opens: Vec<&str> = records.iter().map(|record| &record[..30]).collect();
    assert_eq!(
        opens,
        [
            "1 market:A:bars:1min \"open\":1,",
            "2 market:A:bars:1min \"open\":2,",
            "3 market:A:bars:1min \"open\":3,",
        ]
    );
}

#[test]
fn each_bad_row_is_dropped_for_its_reason() {
    let good: String = (0..20)
        .map(|minute| format!("2019-02-11 10:{minute:02}:00,2,3,1,2,9\n"))
        .collect();
    let bad = "2019-02-11 11:00:00,2,3,1,2\n\
        2019-02-11 11:01:00,2,,1,2,9\n\
        2019-02-11 11:02:00,2,1,3,2,9\n\
        2019-02-11 11:03:00,2,3,1,4,9\n\
        2019-02-11 11:04:00,0.5,3,1,2,9\n\
        2019-02-11 11:05:00,2,3,x,2,9\n\
        2019-02-11 11:06:00,2,3,-1,2,9\n\
        2019-02-11 11:07:00,2,3,1,2,-9\n\
        11/02/2019 11:08,2,3,1,2,9\n\
        2019-03-10 02:30:00,2,3,1,2,9\n\
        2019-02-11 11:09:59,2,3,1,2,9\n";
    let text = format!("datetime,open,high,low,close,volume\n{good}{bad}");
    let (report, _) = imported(&[("A.csv", &text)]);
    let dropped: Vec<(&str, u64)> = report
        .dropped
        .iter()
        .map(|(r, n)| (r.as_str(), *n))
        .collect();
    assert_eq!(
        dropped,
        [
            ("bad_price", 2),
            ("bad_time", 2),
            ("bad_volume", 1),
            ("close_outside", 1),
            ("high_below_low", 1),
            ("missing_field", 2),
            ("not_on_a_minute", 1),
            ("open_outside", 1),
        ]
    );
    assert_eq!((report.read["rows"], report.kept), (31, 20));
    let text = format!("datetime,open,high,low,close,volume\n{bad}");
    let error = try_import(&[("A.csv", &text)], |_| {})
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("does not look like minute bars: of 11 rows"),
        "{error}"
    );
}

#[test]
fn a_day_is_that_of_the_zone_and_of_the_start_of_the_minute() {
    let text = "datetime,open,high,low,close,volume
2019-02-11T23:59:00-05:00,1,1,1,1,1
2019-02-12T00:00:00-05:00,2,2,2,2,2
2019-02-12T00:01:00-05:00,3,3,3,3,3
";
    let day = |job: &mut BarsCsv| job.day = NaiveDate::from_ymd_opt(2019, 2, 11);
    let (report, _) = try_import(&[("A.csv", text)], day).unwrap();
    assert_eq!((report.kept, report.dropped["other_day"]), (2, 1));
    let day = |job: &mut BarsCsv| job.day = NaiveDate::from_ymd_opt(2019, 2, 18);
    let error = try_import(&[("A.csv", text)], day).unwrap_err().to_string();
    assert!(error.contains("no bar on 2019-02-18 in 3 rows"), "{error}");
}

#[test]
fn a_file_without_a_symbol_in_its_name_wants_one() {
    let error = try_import(&[("_1min.csv", THREE)], |_| {})
        .unwrap_err()
        .to_string();
    assert!(error.contains("give --symbol"), "{error}");
    let named = |job: &mut BarsCsv| job.symbol = Some(Symbol::new("SPY").unwrap());
    let (report, _) = try_import(&[("_1min.csv", THREE)], named).unwrap();
    assert_eq!(report.symbols, ["SPY"]);
    for (name, symbol) in [
        ("^vix.csv.zst", "^VIX"),
        ("BRK.B.csv", "BRK.B"),
        ("SPY", "SPY"),
    ] {
        assert_eq!(symbol_of(Path::new(name)).unwrap(), symbol);
    }
}
