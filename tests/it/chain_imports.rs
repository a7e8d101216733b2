//! Downloads of option chains through the real binary, against what another program made of the
//! same files.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;

use analytics::recording::Reader;
use chrono::{NaiveDateTime, TimeZone};
use serde_json::Value;

use crate::harness::{require_shared, run};

/// Downloads, and the contracts they hold.
const DOWNLOADS: [(&str, u64); 16] = [
    ("NDX_2022-02-05", 18_386),
    ("NVDA_2025-01-06", 1_086),
    ("QQQ_2023-06-12", 7_246),
    ("SPX_2022-02-05", 20_514),
    ("SPX_2023-02-03", 6_808),
    ("SPX_2023-06-09_1340", 17_788),
    ("SPX_2023-09-04", 19_158),
    ("SPX_2023-12-09_ru", 6_230),
    ("SPX_2024-01-07", 21_038),
    ("SPY_2025-04-30_2035", 4_518),
    ("SPY_2025-05-01_1649", 4_876),
    ("SPY_2025-05-02_1847", 4_708),
    ("SPY_2025-05-06_1809_truncated", 156),
    ("SPY_2025-05-06_1814", 4_594),
    ("SPY_2025-05-08_0903", 4_718),
    ("SPY_2025-05-08_1657", 4_718),
];

#[test]
fn every_download_of_cboe_holds_what_another_program_found_in_it() {
    let shared = require_shared!().join("data/cboe_quotedata");
    let folder = tempfile::tempdir().unwrap();
    for (name, contracts) in DOWNLOADS {
        let out = folder.path().join("a.rec");
        let file = shared.join(format!("raw/{name}.csv.zst"));
        let args = ["import", "cboe-quotedata", text(&file), "--out", text(&out)];
        let report: Value = serde_json::from_str(&run(&args).succeeded()).unwrap();
        assert_eq!(report["read"]["contracts"], contracts, "{name}");
        assert_eq!(report["dropped"], serde_json::json!({}), "{name}");
        let mut records = Reader::open(&out).unwrap().map(Result::unwrap);
        let chain = records
            .find(|record| record.key.ends_with(":chain"))
            .unwrap();
        let chain: Value = serde_json::from_slice(&chain.value).unwrap();
        assert_eq!(chain["symbol"], name.split('_').next().unwrap());
        let reference = unpacked(&shared.join(format!("chain/{name}.chain.csv.zst")));
        compare(name, &chain, &reference);
    }
}

fn compare(name: &str, chain: &Value, reference: &str) {
    let contracts = chain["contracts"].as_array().unwrap().iter();
    let ours: BTreeMap<&str, &Value> = contracts
        .map(|contract| (contract["occ_symbol"].as_str().unwrap(), contract))
        .collect();
    let mut rows = 0;
    for row in reference.lines().skip(1) {
        rows += 1;
        let fields: Vec<&str> = row.split(',').collect();
        let as_of = NaiveDateTime::parse_from_str(fields[0], "%Y-%m-%dT%H:%M").unwrap();
        let as_of = chrono_tz::America::New_York
            .from_local_datetime(&as_of)
            .unwrap();
        assert_eq!(chain["as_of"], as_of.timestamp_millis(), "{name}");
        assert_eq!(chain["spot"].as_f64(), number(fields[1]), "{name}");
        let contract = ours
            .get(fields[2])
            .unwrap_or_else(|| panic!("{name}: no {}", fields[2]));
        assert_eq!(
            contract["type"],
            if fields[3] == "C" { "call" } else { "put" }
        );
        assert_eq!(contract["expiration"], fields[5]);
        for (member, at) in [
            ("strike", 4),
            ("bid", 6),
            ("ask", 7),
            ("last", 8),
            ("volume", 9),
            ("delta", 11),
            ("gamma", 12),
            ("open_interest", 13),
        ] {
            assert_eq!(
                contract[member].as_f64(),
                number(fields[at]),
                "{name} {member}: {row}"
            );
        }
        let iv = match &contract["iv"] {
            Value::String(percent) => Some(number(percent.trim_end_matches('%')).unwrap() / 100.0),
            other => other.as_f64(),
        };
        let theirs = number(fields[10]).filter(|&iv| iv > 0.0);
        let equal = match (iv, theirs) {
            (Some(iv), Some(theirs)) => (iv - theirs).abs() < 1e-12,
            (iv, theirs) => iv == theirs,
        };
        assert!(equal, "{name} {iv:?}: {row}");
    }
    assert_eq!(rows, ours.len(), "{name}");
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn unpacked(path: &Path) -> String {
    let file = fs::File::open(path).unwrap();
    let mut text = String::new();
    zstd::Decoder::new(file)
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    text
}
