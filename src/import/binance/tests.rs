//! The importer on small hand-made captures.

use tempfile::TempDir;

use super::*;
use crate::recording::Reader;

/// The first receipt, seconds; the exchange's clock is 1.2 s ahead.
const START: i64 = 1_723_161_254;

fn job(dir: &TempDir) -> Binance {
    Binance {
        symbol: Symbol::new("BTCUSDT").unwrap(),
        clock: Clock::Local,
        quote_delay_ms: 0,
        levels: 20,
        files: Vec::new(),
        out: dir.path().join("a.rec"),
    }
}

/// Milliseconds after the start.
fn line(received_ms: i64, frame: &str) -> String {
    format!("{}000000 {frame}\n", START * 1000 + received_ms)
}

fn trade(received_ms: i64, happened_ms: i64, price: &str, id: u32) -> String {
    let happened_ms = START * 1000 + happened_ms;
    line(
        received_ms,
        &format!(
            r#"{{"stream":"btcusdt@trade","data":{{"e":"trade","E":{happened_ms},"T":{happened_ms},"s":"BTCUSDT","t":{id},"p":"{price}","q":"0.02000000","m":true}}}}"#
        ),
    )
}

/// A best bid and offer of spot, without the exchange's time.
fn quote(received_ms: i64, bid: &str, ask: &str) -> String {
    line(
        received_ms,
        &format!(
            r#"{{"stream":"btcusdt@bookTicker","data":{{"u":1,"s":"BTCUSDT","b":"{bid}","B":"3.5","a":"{ask}","A":"1"}}}}"#
        ),
    )
}

fn try_import(
    text: &str,
    change: impl FnOnce(&mut Binance),
) -> Result<(ImportReport, Vec<String>), ImportError> {
    let dir = TempDir::new().unwrap();
    let mut job = job(&dir);
    job.files = vec![dir.path().join("capture.jsonl")];
    std::fs::write(&job.files[0], text).unwrap();
    change(&mut job);
    let report = import(&job, 1 << 20)?;
    let records = Reader::open(&job.out).unwrap().map(|record| {
        let record = record.unwrap();
        let value = std::str::from_utf8(&record.value).unwrap();
        let t_ms = record.t_ns / 1_000_000 - START * 1000;
        format!("{t_ms} {:?} {} {value}", record.op, record.key)
            .replace("market:BTCUSDT:", "")
            .replace(&format!("\"timestamp\":{}", record.t_ns), "\"timestamp\":T")
    });
    Ok((report, records.collect()))
}

fn imported(text: &str, change: impl FnOnce(&mut Binance)) -> (ImportReport, Vec<String>) {
    try_import(text, change).unwrap()
}

/// The bids on the trades.
fn bids(records: &[String]) -> Vec<&str> {
    let trades = records.iter().filter(|record| record.contains("Rpush"));
    let bid = |trade: &'_ String| -> Option<(usize, usize)> {
        let start = trade.find("\"bid\":")? + 6;
        Some((start, start + trade[start..].find(',')?))
    };
    trades
        .map(|trade| bid(trade).map_or("", |(start, end)| &trade[start..end]))
        .collect()
}

#[test]
fn frames_become_trades_tickers_and_books() {
    let text = [
        quote(0, "61837.63000000", "61837.64000000"),
        line(
            5,
            r#"{"lastUpdateId":7,"bids":[["61837.63","3.5"],["61837.62","0.1"]],"asks":[["61837.64","1.0"]]}"#,
        ),
        trade(10, 1210, "61837.63000000", 1),
        line(
            20,
            r#"{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1723161255225,"s":"BTCUSDT","U":8,"u":9,"b":[["61837.63","0.00000000"]],"a":[]}}"#,
        ),
    ];
    let (report, records) = imported(&text.concat(), |_| {});
    let expected = [
        r#"0 Set ticker {"bid":61837.63,"ask":61837.64,"bid_size":3.5,"ask_size":1,"last":null,"timestamp":T}"#,
        r#"5 Set book {"bids":[[61837.63,3.5],[61837.62,0.1]],"asks":[[61837.64,1]],"timestamp":T}"#,
        r#"10 Rpush trades {"price":61837.63,"size":0.02,"timestamp":T,"id":1,"buyer_maker":true,"bid":61837.63,"ask":61837.64,"venue":"BINANCE"}"#,
        r#"10 Set ticker {"bid":61837.63,"ask":61837.64,"bid_size":3.5,"ask_size":1,"last":61837.63,"timestamp":T}"#,
        r#"20 Set book {"bids":[[61837.62,0.1]],"asks":[[61837.64,1]],"timestamp":T}"#,
    ];
    assert_eq!(records, expected);
    assert_eq!((report.kept, report.read["lines"]), (5, 4));
    assert_eq!(report.symbols, ["BTCUSDT"]);
    assert_eq!(report.noted["received_before_sent"], 2);
    assert!(report.dropped.is_empty() && report.out_of_order == 0);
}

#[test]
fn the_quote_on_a_trade_is_older_than_the_delay() {
    let text = [
        trade(0, 1200, "100", 1),
        quote(10, "99", "101"),
        quote(30, "100", "102"),
        quote(60, "101", "103"),
        trade(60, 1260, "100", 2),
    ]
    .concat();
    for (delay_ms, bid) in [(0, "100"), (29, "100"), (30, "99"), (49, "99"), (50, "")] {
        let (report, records) = imported(&text, |job| job.quote_delay_ms = delay_ms);
        assert_eq!(bids(&records), ["", bid], "{delay_ms} ms");
        let without = 1 + u64::from(bid.is_empty());
        assert_eq!(report.noted["trade_without_quote"], without);
    }
}

#[test]
fn by_the_exchanges_clock_a_late_trade_finds_the_quote_before_it() {
    let text = [
        trade(0, 1200, "100", 1),
        quote(10, "99", "101"),
        quote(40, "98", "99"),
        trade(90, 1230, "99", 2),
    ]
    .concat();
    let (_, records) = imported(&text, |_| {});
    assert_eq!(bids(&records), ["", "98"]);
    let (report, records) = imported(&text, |job| job.clock = Clock::Exchange);
    assert_eq!(bids(&records), ["", "99"]);
    assert!(records[0].starts_with("1200 ") && records.last().unwrap().starts_with("1240 "));
    assert_eq!(report.noted["exchange_time_estimated"], 2);
    assert_eq!(report.out_of_order, 1);
    assert!(report.unfilled.last().unwrap().contains("exchange time"));
}

#[test]
fn before_any_exchange_time_a_quote_has_none_either() {
    let text = [quote(0, "99", "101"), trade(10, 1210, "100", 1)].concat();
    let (report, records) = imported(&text, |job| job.clock = Clock::Exchange);
    assert_eq!(bids(&records), [""]);
    assert_eq!(report.dropped["no_exchange_time"], 1);
}

#[test]
fn dirt_is_counted_and_the_rest_is_used() {
    let good = trade(10, 1210, "100", 1);
    for (bad, reason) in [
        ("{\"e\":\"trade\"}\n".to_owned(), "no_receive_time"),
        (line(11, "{\"e\":"), "bad_json"),
        (line(11, r#"{"result":null,"id":1}"#), "unknown_kind"),
        (line(11, r#"{"e":"kline","s":"BTCUSDT"}"#), "unknown_kind"),
        (good.replace("BTCUSDT", "ETHUSDT"), "other_symbol"),
        (good.replace("\"p\":\"100\"", "\"p\":\"1e2\""), "bad_price"),
        (
            good.replace("\"e\":\"trade\"", "\"e\":\"aggTrade\",\"a\":9"),
            "second_trade_stream",
        ),
    ] {
        let (report, records) =
            imported(&[&good, &bad, &good].map(String::as_str).concat(), |_| {});
        assert_eq!(report.dropped.get(reason), Some(&1), "{bad}");
        assert_eq!(report.dropped.len(), 1, "{bad}");
        assert_eq!(bids(&records).len(), 2, "{bad}");
    }
}

#[test]
fn a_book_that_does_not_say_whose_it_is_is_refused_among_several_symbols() {
    let good = trade(10, 1210, "100", 1);
    let text = [
        good.replace("BTCUSDT", "ETHUSDT"),
        good,
        line(20, r#"{"lastUpdateId":7,"bids":[],"asks":[]}"#),
    ];
    let (report, _) = imported(&text.concat(), |_| {});
    assert_eq!(report.dropped["no_symbol"], 1);
    assert!(
        report
            .unfilled
            .contains(&"book (no depth snapshot)".to_owned())
    );
}

#[test]
fn what_holds_nothing_of_the_symbol_says_what_it_holds() {
    let error = |text: &str| try_import(text, |_| {}).unwrap_err().to_string();
    let other = error(&trade(0, 1200, "1", 1).replace("BTCUSDT", "ETHUSDT"));
    assert!(other.contains("they are of ETHUSDT"), "{other}");
    for text in ["", "a,b\n1,2\n"] {
        assert!(error(text).contains("the time of receipt, then the frame"));
    }
}

#[test]
fn streams_in_files_of_their_own_are_one_market() {
    let dir = TempDir::new().unwrap();
    let mut job = job(&dir);
    for (name, text) in [
        ("trades", trade(10, 1210, "100", 1)),
        ("quotes", quote(0, "99", "101")),
    ] {
        job.files.push(dir.path().join(name));
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    let report = import(&job, 1 << 20).unwrap();
    assert_eq!(report.noted.get("trade_without_quote"), None);
}
