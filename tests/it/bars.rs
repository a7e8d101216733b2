//! Minute bars from real files through the real binary: how many there are, and when.

use std::path::Path;

use analytics::recording::{Op, Reader};
use serde_json::{Value, json};

use crate::harness::{require_shared, run};

/// 2019-02-11T09:30 in New York, milliseconds since the epoch.
const FIRST_OPEN: i64 = 1_549_895_400_000;
const MINUTE: i64 = 60_000;
const DAY: i64 = 86_400_000;

/// Rows below the header, from the list beside the files, and on each of the three days.
const FILES: [(&str, u64, [u64; 3]); 2] = [
    ("AAPL", 1_170, [390, 390, 390]),
    ("AMZN", 1_167, [390, 389, 388]),
];

#[test]
fn every_row_of_a_file_is_a_bar_of_its_minute() {
    let shared = require_shared!().join("data/bars_1min_us_2019-02");
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("bars.rec");
    let [aapl, amzn] = FILES.map(|(symbol, ..)| shared.join(format!("{symbol}.csv")));
    let args = ["import", "bars-csv", text(&amzn), text(&aapl)];
    let more = ["--stamp", "end", "--out", text(&out)];
    let report = run(&[&args[..], &more].concat()).succeeded();
    println!("{report}");
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["symbols"], json!(["AAPL", "AMZN"]));
    assert_eq!(report["read"], json!({"files": 2, "rows": 2_337}));
    assert_eq!(report["kept"], 2_337);
    assert_eq!(report["dropped"], json!({}));
    // 09:31 on the first day and 16:00 on the last: where the first minute ends, and the last.
    assert_eq!(report["first"], "2019-02-11T14:31:00Z");
    assert_eq!(report["last"], "2019-02-13T21:00:00Z");

    let records: Vec<_> = Reader::open(&out).unwrap().map(Result::unwrap).collect();
    assert!(records.is_sorted_by_key(|record| record.t_ns));
    for (symbol, rows, by_day) in FILES {
        let key = format!("market:{symbol}:bars:1min");
        let of_symbol = records.iter().filter(|record| *record.key == *key);
        let mut starts = Vec::new();
        for record in of_symbol {
            assert_eq!(record.op, Op::Rpush);
            let bar: Value = serde_json::from_slice(&record.value).unwrap();
            let start = bar["time"].as_i64().unwrap();
            assert_eq!(record.t_ns, (start + MINUTE) * 1_000_000);
            starts.push(start);
        }
        assert_eq!(starts.len() as u64, rows, "{symbol}");
        assert_eq!(starts.first(), Some(&FIRST_OPEN));
        assert_eq!(starts.last(), Some(&(FIRST_OPEN + 2 * DAY + 389 * MINUTE)));
        for (day, expected) in (0..).zip(by_day) {
            let open = FIRST_OPEN + day * DAY;
            let session = open..open + 390 * MINUTE;
            let bars = starts.iter().filter(|start| session.contains(start));
            assert_eq!(bars.count() as u64, expected, "{symbol}, day {day}");
        }
    }
}

#[test]
fn a_day_of_columns_in_odd_order_is_imported_alone() {
    let shared = require_shared!().join("data/bars_1min_us_2018-11");
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("bars.rec");
    let file = shared.join("AAPL.csv");
    let args = ["import", "bars-csv", text(&file), "--out", text(&out)];
    let more = ["--stamp", "end", "--day", "2018-11-12"];
    let report = run(&[&args[..], &more].concat()).succeeded();
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["read"]["rows"], 1_950);
    assert_eq!(report["kept"], 390);
    assert_eq!(report["dropped"], json!({"other_day": 1_560}));
    // The first bar of the file is the one without volume.
    assert_eq!(report["noted"], json!({"zero_volume": 1}));
    let mut records = Reader::open(&out).unwrap().map(Result::unwrap);
    let bar: Value = serde_json::from_slice(&records.next().unwrap().value).unwrap();
    let expected = json!({
        "time": 1_542_033_000_000_i64, "open": 198.94, "high": 199.76, "low": 198.81,
        "close": 199.3745, "volume": 0.0,
    });
    assert_eq!(bar, expected);
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
