//! Option chains through the real binary: published gamma and flips of real chains, and a live
//! chain in which one contract after the other is bad.

use std::path::Path;

use chrono::{DateTime, Datelike, Duration, NaiveDate, Weekday};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::market::now_ms;
use crate::harness::scene;
use crate::harness::{RedisServer, Results, SOON, Schema, require_shared, run, until};

/// The documents that are computed from a chain.
const DOCUMENTS: [&str; 6] = ["gex", "dex", "vanna", "charm", "hedging_impact", "skew"];

/// A download of CBOE, imported and replayed.
struct Download {
    _folder: TempDir,
    results: Results,
}

impl Download {
    fn replayed(shared: &Path, names: &[&str], sets: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let raw = shared.join("data/cboe_quotedata/raw");
        let files = names.iter().map(|name| raw.join(format!("{name}.csv.zst")));
        let files: Vec<String> = files.map(|f| f.to_str().unwrap().to_owned()).collect();
        let out = path("a.rec");
        let mut args = vec!["import", "cboe-quotedata", "--out", &out];
        args.extend(files.iter().map(String::as_str));
        run(&args).succeeded();
        let results = path("results");
        let mut args = vec!["replay", &out, "--out", &results];
        args.extend(sets.iter().flat_map(|set| ["--set", *set]));
        run(&args).succeeded();
        let results = Results::read(Path::new(&results));
        assert_eq!(results.summary["bad_input"], json!({}), "{names:?}");
        Self {
            _folder: folder,
            results,
        }
    }

    /// The documents of a name that have a value, in order.
    fn values(&self, name: &str) -> Vec<Value> {
        let text = self.results.text(name);
        let documents = text.lines().map(|line| serde_json::from_str(line).unwrap());
        documents
            .filter(|document: &Value| document["meta"]["status"] == "ok")
            .collect()
    }

    fn first(&self, name: &str) -> Value {
        self.values(name).swap_remove(0)
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value}"))
}

fn roots(gex: &Value) -> Vec<f64> {
    let roots = gex["zero_gamma"]["roots"].as_array().unwrap().iter();
    roots.map(|root| number(&root["spot"])).collect()
}

/// Published: −11.00 billion per 1 %. The flips are those of another program's re-pricing with
/// seconds over 365 days and neither rate nor yield.
#[test]
fn published_gamma_and_flips_are_those_of_the_file() {
    let shared = require_shared!();
    let cases: [(&str, f64, &[f64], f64); 2] = [
        ("SPX_2024-01-07", -11.0, &[4_734.4], 0.5),
        (
            "NDX_2022-02-05",
            -0.1256,
            &[14_773.0, 16_169.0, 16_355.0],
            1.0,
        ),
    ];
    for (name, net, flips, tolerance) in cases {
        let symbol = name.split('_').next().unwrap();
        let flat = format!("dividend_yield.{symbol}=0.0");
        let sets = [
            "calculators.gex.use_vendor_gamma=true",
            "rates.USD=0.0",
            &flat,
        ];
        let vendor = Download::replayed(&shared, &[name], &sets).first("gex");
        let total = &vendor["gex_usd_per_1pct"]["dealer_long_calls_short_puts"];
        let found = roots(&vendor);
        let ours = Download::replayed(&shared, &[name], &[]).first("gex");
        println!(
            "{name}: stated gamma {:.4} bn per 1 %, flips {found:.2?}; by default {:.4} bn, {:.2?}",
            number(total) / 1e9,
            number(&ours["gex_usd_per_1pct"]["dealer_long_calls_short_puts"]) / 1e9,
            roots(&ours)
        );
        assert!((number(total) / 1e9 - net).abs() <= 0.01, "{name}: {total}");
        assert_eq!(found.len(), flips.len(), "{name}: {found:?}");
        for (found, flip) in found.iter().zip(flips) {
            assert!((found - flip).abs() <= tolerance, "{name}: {found} {flip}");
        }
        let share = number(&ours["gamma_share_dropped"]);
        assert!((0.0..0.05).contains(&share), "{name}: {share}");
    }
}

/// Calls, puts, delta and where they peak, as another program has them from the same gamma.
#[test]
fn stated_gamma_adds_up_as_another_program_adds_it() {
    let shared = require_shared!();
    let table = shared.join("data/reference_vectors/gex_reference.csv");
    let table = std::fs::read_to_string(table).unwrap();
    let mut checked = 0;
    for row in table.lines().skip(1) {
        let cells: Vec<&str> = row.split(',').collect();
        // Downloaded at 16:35: it still states gamma of what settled at 16:00, and that program
        // still adds it.
        if cells[0] == "QQQ_2023-06-12" {
            continue;
        }
        let of = |column: usize| -> f64 { cells[column].parse().unwrap() };
        let sets = ["calculators.gex.use_vendor_gamma=true"];
        let gex = Download::replayed(&shared, &[cells[0]], &sets).first("gex");
        let strikes = gex["by_strike"].as_array().unwrap();
        let sum = |side: &str| strikes.iter().map(|s| number(&s[side])).sum::<f64>() / 1e9;
        let close = |got: f64, expected: f64| {
            let near = 1e-6 + 1e-6 * expected.abs();
            assert!(
                (got - expected).abs() <= near,
                "{}: {got} {expected}",
                cells[0]
            );
        };
        close(sum("call"), of(4));
        close(sum("put"), of(5));
        close(sum("net"), of(3));
        assert_eq!(number(&gex["net_positive_wall"]), of(8), "{}", cells[0]);
        assert_eq!(number(&gex["net_negative_wall"]), of(9), "{}", cells[0]);
        checked += 1;
    }
    assert_eq!(checked, 5);
}

#[test]
fn every_download_gives_every_document() {
    let shared = require_shared!();
    let raw = shared.join("data/cboe_quotedata/raw");
    let names = std::fs::read_dir(raw).unwrap().map(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        name.strip_suffix(".csv.zst").unwrap().to_owned()
    });
    let mut names: Vec<String> = names.collect();
    names.sort();
    assert_eq!(names.len(), 16);
    for name in names {
        let download = Download::replayed(&shared, &[&name], &[]);
        download.results.check_documents(1);
        for document in DOCUMENTS {
            // Six strikes an expiry reach no wing.
            let expected = !(name.ends_with("truncated") && document == "skew");
            let there = download.results.documents().contains(&document.to_owned())
                && !download.values(document).is_empty();
            assert_eq!(there, expected, "{name}: {document}");
        }
    }
}

/// What the history holds before each value is the values before it, one a download.
#[test]
fn six_downloads_of_spy_follow_one_another() {
    let shared = require_shared!();
    let names = [
        "SPY_2025-04-30_2035",
        "SPY_2025-05-01_1649",
        "SPY_2025-05-02_1847",
        "SPY_2025-05-06_1814",
        "SPY_2025-05-08_0903",
        "SPY_2025-05-08_1657",
    ];
    let download = Download::replayed(&shared, &names, &[]);
    let mut seen = Vec::new();
    for gex in download.values("gex") {
        let spot = number(&gex["spot"]);
        if seen.last() == Some(&gex["basis"]["priced_at_ms"]) {
            continue;
        }
        if gex["basis"]["priced_at"] == "chain" || gex["zscore_samples"] == 6 {
            break;
        }
        let samples = seen.len();
        assert_eq!(gex["zscore_samples"], samples, "{}", gex["timestamp"]);
        assert_eq!(gex["zscore_status"], "warming");
        assert_eq!(gex["zscore"], Value::Null);
        let signed = number(&gex["gex_usd_per_1pct"]["dealer_long_calls_short_puts"]);
        println!(
            "{}: spot {spot}, {:.3} of {:.3} bn per 1 %, flip {:.2?}, walls {} and {}, {}",
            names[samples],
            signed / 1e9,
            number(&gex["gex_usd_per_1pct"]["unsigned"]) / 1e9,
            roots(&gex),
            gex["call_wall"],
            gex["put_wall"],
            gex["regime"]
        );
        // Below zero gamma the book is short gamma, above it long.
        let flips = roots(&gex);
        assert_eq!(flips.len(), 1);
        assert_eq!(signed > 0.0, spot > flips[0]);
        seen.push(gex["basis"]["priced_at_ms"].clone());
    }
    assert_eq!(seen.len(), 6);
    let skews = download.values("skew");
    let puts_are_dearer = |skew: &Value| (0.03..0.12).contains(&number(&skew["skew"]));
    assert!(skews.len() >= 6 && skews.iter().all(puts_are_dearer));
}

/// A Friday some weeks ahead, and one behind.
fn fridays() -> (NaiveDate, NaiveDate) {
    let today = DateTime::from_timestamp_millis(now_ms())
        .unwrap()
        .date_naive();
    let from = today + Duration::days(28);
    let ahead = from
        .iter_days()
        .find(|day| day.weekday() == Weekday::Fri)
        .unwrap();
    (ahead, ahead - Duration::days(70))
}

/// A chain around 100 with good contracts.
fn good_contracts(expiry: NaiveDate) -> Vec<Value> {
    let each = (80..=120).step_by(2).flat_map(|strike| {
        ["call", "put"].map(|right| {
            json!({
                "root": "AAA", "type": right, "strike": strike, "expiration": expiry.to_string(),
                "iv": 0.2 + 0.0001 * f64::from((100 - strike) * (100 - strike)),
                "gamma": 0.05, "open_interest": 10 * strike, "volume": strike,
                "bid": 1.0, "ask": 1.1, "multiplier": 100,
            })
        })
    });
    each.collect()
}

/// Contracts that cannot be used, with why, and those that read strangely and can.
fn bad_contracts(expiry: NaiveDate, expired: NaiveDate) -> Vec<Value> {
    let with = |changes: Value| {
        let mut contract = json!({
            "root": "AAA", "type": "call", "strike": 101, "expiration": expiry.to_string(),
            "iv": 0.2, "gamma": 0.05, "open_interest": 1000, "multiplier": 100,
        });
        contract
            .as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        contract
    };
    vec![
        with(json!({"expiration": "2026-13-40"})),
        with(json!({"strike": 0})),
        with(json!({"expiration": expired.to_string()})),
        with(json!({"iv": null})),
        json!("no contract"),
    ]
}

#[test]
fn one_bad_contract_costs_the_others_nothing() {
    let redis = RedisServer::start();
    let (expiry, expired) = fridays();
    let as_of = now_ms();
    let chain = |contracts: Vec<Value>| {
        json!({"as_of": as_of, "spot": 100.0, "delayed": true, "contracts": contracts}).to_string()
    };
    let good = good_contracts(expiry);
    let mut mixed = bad_contracts(expiry, expired);
    mixed.extend(good.iter().cloned());
    redis.command(&["SET", "options:GOOD:chain", &chain(good)]);
    redis.command(&["SET", "options:MIXED:chain", &chain(mixed)]);
    let sets = [
        "update_intervals.gex_dex=0",
        "update_intervals.dealer_flows=0",
    ];
    let daemon = scene::run(&redis.url(), &["GOOD", "MIXED"], &sets, &[]);
    let document = |symbol: &str, name: &str| -> Option<Value> {
        let text = redis.cli(&["GET", &format!("analytics:{symbol}:{name}")]);
        serde_json::from_str(&text).ok()
    };
    for name in DOCUMENTS {
        let (good, mixed) = until(&format!("{name} is there"), SOON, || {
            Some((document("GOOD", name)?, document("MIXED", name)?))
        });
        Schema::of(name).check(&mixed.to_string());
        let dropped = &mixed["meta"]["dropped"];
        for reason in [
            "bad_expiry",
            "bad_strike",
            "expired",
            "no_iv",
            "not_an_object",
        ] {
            assert_eq!(dropped[reason], 1, "{name}: {dropped}");
        }
        for (field, value) in good.as_object().unwrap() {
            // What was left out with gamma and open interest is said.
            let own = ["symbol", "timestamp", "meta", "gamma_share_dropped"];
            if !own.contains(&field.as_str()) {
                assert_eq!(&mixed[field], value, "{name}: {field}");
            }
        }
    }
    assert!(number(&document("MIXED", "gex").unwrap()["gamma_share_dropped"]) > 0.0);
    let marks = redis.cli(&["LRANGE", "analytics:GOOD:gex:history", "0", "-1"]);
    let marks: Vec<f64> = marks.lines().map(|mark| mark.parse().unwrap()).collect();
    let gex = document("GOOD", "gex").unwrap();
    assert_eq!(marks.last(), gex["total_gex"].as_f64().as_ref());
    assert!(
        redis
            .cli(&["TTL", "analytics:GOOD:gex:history"])
            .parse::<u64>()
            .unwrap()
            > 86_400
    );
    daemon.finish();
}
