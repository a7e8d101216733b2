//! The importer on small hand-made days.

use tempfile::TempDir;

use super::*;
use crate::recording::Reader;

/// 2013-10-07T00:00 in New York.
const MIDNIGHT: i64 = 1_381_118_400_000_000_000;

/// Two venues; the bid of one goes, the other takes over.
const QUOTES: &str = "ms,bid_1e4,bid_size,ask_1e4,ask_size,exchange,cond_hex,suspicious
34200000,1820000,100,0,0,N,1,0
34200000,0,0,1820500,200,N,1,0
34200000,1819900,300,0,0,Q,1,0
34200001,0,0,1820500,100,Q,1,0
34200005,0,0,0,0,N,1,0
";
const TRADES: &str = "ms,price_1e4,size,exchange,cond_hex,suspicious
34200000,1820500,10,N,1,0
34200001,1820500,20,Q,20000020,0
34200005,1820250,30,D,100000,0
34200006,1820500,40,Q,1,1
";

type Imported = Result<(ImportReport, Vec<String>), ImportError>;

fn try_import(trades: &str, quotes: &str) -> Imported {
    import_as(trades, quotes, QuotesAre::Venues)
}

fn import_as(trades: &str, quotes: &str, quotes_are: QuotesAre) -> Imported {
    let dir = TempDir::new().unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        if text.is_empty() { vec![] } else { vec![path] }
    };
    let job = LeanTicks {
        symbol: Symbol::new("IBM").unwrap(),
        date: NaiveDate::from_ymd_opt(2013, 10, 7).unwrap(),
        trades: file("trades.csv", trades),
        quotes: file("quotes.csv", quotes),
        quotes_are,
        out: dir.path().join("day.rec"),
    };
    let report = import(&job, 1 << 20)?;
    let records = Reader::open(&job.out).unwrap().map(|record| {
        let record = record.unwrap();
        let value = std::str::from_utf8(&record.value).unwrap();
        let ms = (record.t_ns - MIDNIGHT) / 1_000_000;
        format!("{ms} {} {value}", record.key)
            .replace("market:IBM:", "")
            .replace(&format!("\"timestamp\":{}", record.t_ns), "\"timestamp\":T")
    });
    Ok((report, records.collect()))
}

#[test]
fn venues_become_one_quote_and_a_trade_has_the_one_before_its_millisecond() {
    let (report, records) = try_import(TRADES, QUOTES).unwrap();
    let expected = [
        r#"34200000 trades {"price":182.05,"size":10,"timestamp":T,"venue":"N"}"#,
        r#"34200000 ticker {"bid":182,"ask":182.05,"bid_size":100,"ask_size":200,"last":182.05,"volume":10,"timestamp":T}"#,
        r#"34200001 trades {"price":182.05,"size":20,"timestamp":T,"bid":182,"ask":182.05,"venue":"Q","conditions":["ISO"]}"#,
        r#"34200001 ticker {"bid":182,"ask":182.05,"bid_size":100,"ask_size":300,"last":182.05,"volume":30,"timestamp":T}"#,
        r#"34200005 trades {"price":182.025,"size":30,"timestamp":T,"bid":182,"ask":182.05,"venue":"D","conditions":["DERIVATIVELY_PRICED"]}"#,
        r#"34200005 ticker {"bid":181.99,"ask":182.05,"bid_size":300,"ask_size":100,"last":182.05,"volume":60,"timestamp":T}"#,
    ];
    assert_eq!(records, expected);
    assert_eq!(
        (report.read["trade_rows"], report.read["quote_rows"]),
        (4, 5)
    );
    assert_eq!(
        (report.dropped["header"], report.dropped["suspicious"]),
        (2, 1)
    );
    assert!(report.noted.is_empty());
}

#[test]
fn locked_and_crossed_quotes_are_kept_and_noted() {
    let quotes = "1,100,1,0,0,N,1,0\n2,0,0,100,1,Q,1,0\n3,0,0,90,1,Q,1,0\n4,0,0,110,1,Q,1,0\n";
    let (report, records) = try_import("", quotes).unwrap();
    assert_eq!(
        (report.noted["locked_quote"], report.noted["crossed_quote"]),
        (1, 1)
    );
    assert!(
        records[2].contains(r#""bid":0.01,"ask":0.009"#),
        "{}",
        records[2]
    );
}

#[test]
fn a_national_quote_takes_the_place_of_another_venues() {
    let quotes = "1,100,1,0,0,N,1,0\n1,0,0,110,2,N,1,0\n2,0,0,120,3,Q,1,0\n3,90,4,0,0,Z,1,0\n";
    let (report, records) = import_as("", quotes, QuotesAre::National).unwrap();
    assert_eq!(records.len(), 3);
    assert!(records[2].contains(r#""bid":0.009,"ask":0.012,"bid_size":4,"ask_size":3"#));
    assert!(report.noted.is_empty());
}

#[test]
fn trades_alone_have_no_quote() {
    let (_, records) = try_import(TRADES, "").unwrap();
    assert!(records.iter().all(|record| !record.contains(r#""bid":1"#)));
    assert!(records[0].ends_with(r#""venue":"N"}"#), "{}", records[0]);
}

#[test]
fn a_side_without_size_is_no_quote() {
    let quotes = "1,100,1,0,0,N,1,0\n1,90,1,0,0,Q,1,0\n2,100,0,0,0,N,1,0\n";
    let (_, records) = try_import("", quotes).unwrap();
    assert!(records[1].contains(r#""bid":0.009"#), "{}", records[1]);
}

#[test]
fn bad_rows_are_dropped_by_reason_and_the_rest_is_used() {
    for (row, reason) in [
        ("1,2,3,N,1", "bad_trade_row"),
        ("1,2,3,N,1,0,0", "bad_trade_row"),
        ("x,2,3,N,1,0", "bad_time"),
        ("99999999,2,3,N,1,0", "bad_time"),
        ("1,-2,3,N,1,0", "bad_price"),
        ("1,0,3,N,1,0", "bad_price"),
        ("1,2,0,N,1,0", "bad_size"),
        ("1,2,99999999999999999999,N,1,0", "bad_size"),
        ("1,2,3,,1,0", "bad_venue"),
        ("1,2,3,\",1,0", "bad_venue"),
        ("1,2,3,N,xyz,0", "bad_conditions"),
        ("1,2,3,N,1,7", "bad_suspicious"),
    ] {
        let good = "1,2,3,N,1,0\n";
        let (report, records) = try_import(&format!("{good}{row}\n{good}"), "").unwrap();
        assert_eq!(report.dropped[reason], 1, "{row}");
        assert_eq!(records.len(), 3, "{row}");
    }
}

#[test]
fn other_files_are_refused() {
    for (trades, quotes) in [(QUOTES, TRADES), ("a\nb\n1\n", ""), ("\n", "")] {
        let error = try_import(trades, quotes).unwrap_err().to_string();
        assert!(error.contains("do not look like Lean's ticks"), "{error}");
    }
}
