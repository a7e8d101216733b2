//! The importer on small hand-made days.

use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::recording::Reader;

/// 2012-06-21T00:00 in New York.
const MIDNIGHT: i64 = 1_340_251_200_000_000_000;

/// A buy at the ask, a hidden execution inside the spread, and a cancelled bid.
const MESSAGES: &str = "34200.004241176,1,11,18,5853300,1
34200.1,4,12,5,5859400,-1
34200.25,5,0,7,5856000,1
34200.5,3,11,18,5853300,1
";
const BOOKS: &str = "5859400,200,5853300,18
5859400,195,5853300,18
5859400,195,5853300,18
5859400,195,-9999999999,0
";

fn job(dir: &Path, executions: Executions) -> Lobster {
    Lobster {
        symbol: Symbol::new("AAPL").unwrap(),
        date: NaiveDate::from_ymd_opt(2012, 6, 21).unwrap(),
        message: dir.join("message.csv"),
        orderbook: dir.join("book.csv"),
        executions,
        out: dir.join("day.rec"),
    }
}

fn try_import(
    messages: &str,
    books: &str,
    executions: Executions,
) -> Result<(ImportReport, Vec<String>), ImportError> {
    let dir = TempDir::new().unwrap();
    let job = job(dir.path(), executions);
    std::fs::write(&job.message, messages).unwrap();
    std::fs::write(&job.orderbook, books).unwrap();
    let report = import(&job, 1 << 20)?;
    let records = Reader::open(&job.out).unwrap().map(|record| {
        let record = record.unwrap();
        let value = std::str::from_utf8(&record.value).unwrap();
        let t_ns = record.t_ns - MIDNIGHT;
        format!("{t_ns} {:?} {} {value}", record.op, record.key)
            .replace("market:AAPL:", "")
            .replace(&format!("\"timestamp\":{}", record.t_ns), "\"timestamp\":T")
    });
    Ok((report, records.collect()))
}

fn imported(messages: &str, books: &str, executions: Executions) -> (ImportReport, Vec<String>) {
    try_import(messages, books, executions).unwrap()
}

fn trades(records: &[String]) -> Vec<&str> {
    let values = records
        .iter()
        .filter_map(|record| record.split_once("Rpush trades "));
    values.map(|(_, value)| value).collect()
}

fn first_line(text: &str) -> &str {
    text.split_inclusive('\n').next().unwrap()
}

#[test]
fn executions_become_trades_and_changes_become_tickers_and_books() {
    let (report, records) = imported(MESSAGES, BOOKS, Executions::All);
    let expected = [
        r#"34200004241176 Set ticker {"bid":585.33,"ask":585.94,"bid_size":18,"ask_size":200,"last":null,"volume":0,"timestamp":T}"#,
        r#"34200004241176 Set book {"bids":[[585.33,18]],"asks":[[585.94,200]],"timestamp":T}"#,
        r#"34200100000000 Rpush trades {"price":585.94,"size":5,"timestamp":T,"bid":585.33,"ask":585.94,"venue":"XNAS"}"#,
        r#"34200100000000 Set ticker {"bid":585.33,"ask":585.94,"bid_size":18,"ask_size":195,"last":585.94,"volume":5,"timestamp":T}"#,
        r#"34200100000000 Set book {"bids":[[585.33,18]],"asks":[[585.94,195]],"timestamp":T}"#,
        r#"34200250000000 Rpush trades {"price":585.6,"size":7,"timestamp":T,"bid":585.33,"ask":585.94,"venue":"XNAS"}"#,
        r#"34200250000000 Set ticker {"bid":585.33,"ask":585.94,"bid_size":18,"ask_size":195,"last":585.6,"volume":12,"timestamp":T}"#,
        r#"34200500000000 Set ticker {"bid":null,"ask":585.94,"bid_size":null,"ask_size":195,"last":585.6,"volume":12,"timestamp":T}"#,
        r#"34200500000000 Set book {"bids":[],"asks":[[585.94,195]],"timestamp":T}"#,
    ];
    assert_eq!(records, expected);
    assert_eq!((report.kept, report.symbols), (9, vec!["AAPL".to_owned()]));
    assert_eq!(report.first.unwrap(), "2012-06-21T13:30:00.004241176Z");
    assert_eq!(report.last.unwrap(), "2012-06-21T13:30:00.500Z");
    assert!(report.dropped.is_empty());
    assert_eq!(
        report.read["visible_execution"] + report.read["hidden_execution"],
        2
    );
}

#[test]
fn hidden_executions_can_be_left_out_and_then_move_nothing() {
    let (report, records) = imported(MESSAGES, BOOKS, Executions::Visible);
    assert_eq!(trades(&records).len(), 1);
    assert!(records.iter().all(|record| !record.contains("585.6")));
    assert_eq!(report.dropped["hidden_execution"], 1);
}

#[test]
fn the_direction_of_an_execution_leaves_no_trace() {
    let turned = MESSAGES
        .replace(",1\n", ",X\n")
        .replace(",-1\n", ",1\n")
        .replace(",X\n", ",-1\n");
    assert_ne!(turned, MESSAGES);
    let (_, records) = imported(&turned, BOOKS, Executions::All);
    assert_eq!(records, imported(MESSAGES, BOOKS, Executions::All).1);
}

#[test]
fn a_trade_has_a_quote_only_where_both_sides_stood_before_it() {
    let messages = "1,4,1,5,5859400,1\n2,4,1,5,5859400,1\n3,4,1,5,5859400,1\n";
    let books = "5859400,5,-9999999999,0\n5859400,5,5853300,1\n5859400,5,5853300,1\n";
    let (_, records) = imported(messages, books, Executions::All);
    let quoted: Vec<bool> = trades(&records)
        .iter()
        .map(|trade| trade.contains("bid"))
        .collect();
    assert_eq!(quoted, [false, false, true]);
}

#[test]
fn bad_rows_are_dropped_by_reason_and_the_rest_is_used() {
    let good = "34201,4,1,5,5859400,1\n";
    let book = "5859400,200,5853300,18\n";
    for (message, row, reason) in [
        ("", book, "bad_message_row"),
        ("1,4,1,5,5859400\n", book, "bad_message_row"),
        ("x,4,1,5,5859400,1\n", book, "bad_time"),
        ("3.42e4,4,1,5,5859400,1\n", book, "bad_time"),
        ("99999,4,1,5,5859400,1\n", book, "bad_time"),
        ("34200,9,1,5,5859400,1\n", book, "bad_type"),
        ("34200,4,1,-5,5859400,1\n", book, "bad_size"),
        ("34200,5,1,0,5859400,1\n", book, "bad_size"),
        ("34200,4,1,5,-1,1\n", book, "bad_price"),
        ("34200,4,1,5,99999999999999999999,1\n", book, "bad_price"),
        (good, "5859400,200,5853300\n", "bad_book_row"),
        (good, "5859400,200,nan,18\n", "bad_book_row"),
        (good, "5859400,-200,5853300,18\n", "bad_book_row"),
    ] {
        let message = if message.is_empty() { "\n" } else { message };
        let (report, records) = imported(
            &format!("{good}{message}{good}"),
            &format!("{book}{row}{book}"),
            Executions::All,
        );
        assert_eq!(report.dropped[reason], 1, "{message}{row}");
        assert_eq!(report.dropped.len(), 1, "{message}{row}");
        assert!(trades(&records).len() >= 2, "{message}{row}");
    }
}

#[test]
fn what_no_longer_has_a_partner_is_counted() {
    let (report, _) = imported(MESSAGES, first_line(BOOKS), Executions::All);
    assert_eq!(report.dropped["no_book_row"], 3);
    let (report, _) = imported(first_line(MESSAGES), BOOKS, Executions::All);
    assert_eq!(report.dropped["no_message_row"], 3);
}

#[test]
fn header_lines_and_blank_ends_shift_nothing() {
    let messages = format!("Time,Type,Order ID,Size,Price,Direction\r\n{MESSAGES}\n\n");
    let (report, records) = imported(&messages, &BOOKS.replace('\n', "\r\n"), Executions::All);
    assert_eq!(records, imported(MESSAGES, BOOKS, Executions::All).1);
    assert_eq!((report.dropped["header"], report.dropped.len()), (1, 1));
}

#[test]
fn halts_are_counted_and_are_no_trades() {
    let messages = format!("{MESSAGES}36023,7,0,0,-1,-1\n36323,6,0,9,5853300,1\n");
    let books = format!("{BOOKS}{0}\n{0}\n", "5859400,195,-9999999999,0");
    let (report, records) = imported(&messages, &books, Executions::All);
    assert_eq!(trades(&records).len(), 2);
    assert_eq!((report.read["halt"], report.dropped["cross_trade"]), (1, 1));
}

#[test]
fn files_that_are_not_lobster_are_refused() {
    for (messages, books) in [(BOOKS, MESSAGES), ("", ""), ("a\nb\nc\n", "1\n2\n3\n")] {
        let error = try_import(messages, books, Executions::All)
            .unwrap_err()
            .to_string();
        assert!(error.contains("do not look like LOBSTER"), "{error}");
    }
}

#[test]
fn midnight_follows_daylight_saving() {
    let at = |month, day| midnight_ns(NaiveDate::from_ymd_opt(2012, month, day).unwrap()).unwrap();
    assert_eq!(at(6, 21), MIDNIGHT);
    // Clocks went forward on 11 March and back on 4 November.
    assert_eq!(at(3, 12) - at(3, 11), 23 * 3_600_000_000_000);
    assert_eq!(at(11, 5) - at(11, 4), 25 * 3_600_000_000_000);
}

#[test]
fn prices_are_exact_decimal_text() {
    for (price, text) in [
        (5853300, "585.33"),
        (1, "0.0001"),
        (10000, "1"),
        (1000500, "100.05"),
        (100, "0.01"),
    ] {
        let mut json = String::new();
        put_price(&mut json, price);
        assert_eq!(json, text);
    }
}
