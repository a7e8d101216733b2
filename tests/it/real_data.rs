//! A whole recorded day of two stocks (LOBSTER, 2012-06-21) through the real binary: how well
//! trades are signed against the exchange's own label, and VPIN against other arithmetic.

use crate::harness::{Results, Stamp, require_shared, run};
use serde::Deserialize;
use std::io::Read;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const DATE: &str = "2012-06-21";

/// Midnight in New York on that day, nanoseconds since the epoch.
const MIDNIGHT_NS: i64 = 1_340_251_200_000_000_000;

/// Files of the source: symbol and levels of the book.
const STOCKS: [(&str, u32); 2] = [("GOOG", 10), ("AAPL", 1)];

/// Buckets of VPIN, the default.
const BUCKETS: usize = 50;

/// VPIN over the last 50 buckets by the true side of each visible execution, from the cases.
const VPIN_VISIBLE: [(&str, u64, f64); 2] = [("GOOG", 9_850, 0.2326), ("AAPL", 36_919, 0.2363)];

/// The same over all executions.
const VPIN_ALL: [(&str, u64, f64); 2] = [("GOOG", 14_122, 0.1601), ("AAPL", 57_002, 0.1983)];

#[test]
fn visible_executions_are_signed_and_weighed_as_the_exchange_labels_them() {
    let shared = require_shared!();
    let day = Day::import(&shared, "visible");
    let results = day.replay("out", &with_bucket_sizes(VPIN_VISIBLE));
    results.check_documents(50);
    let trades = trades(&results);
    for (symbol, _, expected) in VPIN_VISIBLE {
        let labels = labels(&shared, symbol, |label| !label.hidden);
        let share = share_signed_right(symbol, &of_symbol(&trades, symbol), &labels);
        let vpin = last_vpin(&results, symbol);
        println!("{symbol} visible: {share:.5} signed right, VPIN {vpin} (reference {expected})");
        assert!(share >= 0.995, "{symbol}: {share}");
        assert!((vpin - expected).abs() <= 0.005, "{symbol}: {vpin}");
    }
}

#[test]
fn all_executions_are_signed_and_weighed_to_the_last_share() {
    let shared = require_shared!();
    let day = Day::import(&shared, "all");
    let results = day.replay("out", &with_bucket_sizes(VPIN_ALL));
    results.check_documents(50);
    let trades = trades(&results);
    for (symbol, size, by_true_side) in VPIN_ALL {
        let trades = of_symbol(&trades, symbol);
        let labels = labels(&shared, symbol, |_| true);
        let share = share_signed_right(symbol, &trades, &labels);
        let (vpin, exact) = (last_vpin(&results, symbol), exact_vpin(&trades, size));
        println!(
            "{symbol} all: {share:.5} signed right, VPIN {vpin}, bias against the true sides {:+.4}",
            vpin - by_true_side
        );
        assert!(share >= 0.95, "{symbol}: {share}");
        assert!((vpin - exact).abs() <= 1e-4, "{symbol}: {vpin} {exact}");
    }
}

#[test]
fn the_same_day_gives_the_same_bytes_whole_and_in_parts() {
    let shared = require_shared!();
    let day = Day::import(&shared, "visible");
    // Small buckets, so that there are values of VPIN all day.
    let size = ["--set", "calculators.vpin.bucket_size=2000"];
    let whole = day.replay("whole", &size);
    let again = day.replay("again", &size);
    assert!(whole.files() == again.files(), "the files differ");
    assert_eq!(whole.summary["digest"], again.summary["digest"]);
    assert!(whole.summary["documents"]["vpin"].as_u64() > Some(1000));

    let alone = day.replay("alone", &[&size[..], &["--symbols", "GOOG"]].concat());
    check_part(&whole, &alone, |stamp| stamp.symbol == "GOOG");

    let window = ["--from", "2012-06-21T10:00:00-04:00", "--to", "1340289000"];
    let window = day.replay("window", &[&size[..], &window].concat());
    check_part(&whole, &window, |stamp| {
        (1_340_287_200.0..=1_340_289_000.0).contains(&stamp.timestamp)
    });
    let all = whole.text("trades");
    let traded = window.text("trades");
    assert!(!traded.is_empty() && all.contains(&traded));
}

/// The documents of a part of a replay are those of the whole that belong to it, byte by byte.
fn check_part(whole: &Results, part: &Results, belongs: impl Fn(&Stamp) -> bool) {
    assert_eq!(whole.documents(), part.documents());
    let of_symbols = |name: &String| !["portfolio", "sector"].contains(&name.as_str());
    for name in whole.documents().into_iter().filter(of_symbols) {
        let (text, part) = (whole.text(&name), part.text(&name));
        let expected = text
            .lines()
            .filter(|line| belongs(&serde_json::from_str(line).unwrap()));
        let mut lines = part.lines();
        for line in expected {
            assert_eq!(lines.next(), Some(line), "{name}");
        }
        assert_eq!(lines.next(), None, "{name}");
        assert!(!part.is_empty(), "{name}");
    }
}

/// Recordings of the two stocks.
struct Day {
    folder: TempDir,
    recordings: Vec<String>,
}

impl Day {
    fn import(shared: &Path, executions: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = source(shared);
        let import = |(symbol, levels): (&str, u32)| {
            let file = |what: &str| text(&source.join(format!("{symbol}_{what}_{levels}.csv.zst")));
            let out = text(&folder.path().join(format!("{symbol}.rec")));
            let (message, orderbook) = (file("message"), file("orderbook"));
            let args = [
                ["import", "lobster"],
                ["--symbol", symbol],
                ["--date", DATE],
                ["--message", &message],
                ["--orderbook", &orderbook],
                ["--executions", executions],
                ["--out", &out],
            ];
            run(args.as_flattened()).succeeded();
            out
        };
        let recordings = STOCKS.map(import).into();
        Self { folder, recordings }
    }

    fn replay(&self, name: &str, more: &[impl AsRef<str>]) -> Results {
        let out = self.folder.path().join(name);
        let out_text = text(&out);
        let mut args = vec!["replay", "--out", &out_text, "--trace", "trades"];
        args.extend(["--set", "signing.rule=lee_ready"]);
        args.extend(self.recordings.iter().map(String::as_str));
        args.extend(more.iter().map(AsRef::as_ref));
        run(&args).succeeded();
        let results = Results::read(&out);
        assert_eq!(results.summary["bad_input"], serde_json::json!({}));
        assert_eq!(results.summary["truncated"], serde_json::json!([]));
        results
    }
}

fn source(shared: &Path) -> PathBuf {
    shared.join("data/lobster_2012-06-21")
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

fn with_bucket_sizes(sizes: [(&str, u64, f64); 2]) -> Vec<String> {
    let set = |(symbol, size, _)| {
        let set = format!("calculators.vpin.bucket_sizes.{symbol}={size}");
        ["--set".to_owned(), set]
    };
    sizes.map(set).concat()
}

#[derive(Clone, Deserialize)]
struct Trade {
    symbol: String,
    timestamp_ns: i64,
    price: f64,
    size: f64,
    side: String,
}

impl Trade {
    fn sign(&self) -> i64 {
        match self.side.as_str() {
            "buy" => 1,
            "sell" => -1,
            _ => 0,
        }
    }
}

fn trades(results: &Results) -> Vec<Trade> {
    let text = results.text("trades");
    let parsed = text.lines().map(serde_json::from_str);
    parsed.collect::<Result<_, _>>().unwrap()
}

fn of_symbol(trades: &[Trade], symbol: &str) -> Vec<Trade> {
    let of_symbol = trades.iter().filter(|trade| trade.symbol == symbol);
    of_symbol.cloned().collect()
}

/// An execution as the exchange knows it.
struct Label {
    at_ns: i64,
    price: f64,
    size: f64,
    /// +1 where a buyer started it, -1 where a seller did.
    sign: i64,
    hidden: bool,
}

fn labels(shared: &Path, symbol: &str, wanted: impl Fn(&Label) -> bool) -> Vec<Label> {
    let path = source(shared).join(format!("{symbol}_trades_labelled.csv.zst"));
    let mut text = String::new();
    zstd::Decoder::new(std::fs::File::open(path).unwrap())
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    let label = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let [at, price, size, side, _bid, _ask, hidden] = cells[..] else {
            panic!("{line}");
        };
        Label {
            at_ns: MIDNIGHT_NS + at.parse::<i64>().unwrap(),
            price: price.parse().unwrap(),
            size: size.parse().unwrap(),
            sign: side.parse().unwrap(),
            hidden: hidden == "1",
        }
    };
    text.lines().skip(1).map(label).filter(wanted).collect()
}

/// The share of labelled executions whose trade has the label's side; row by row, none left out
/// but a first one that stands before the first label.
fn share_signed_right(symbol: &str, trades: &[Trade], labels: &[Label]) -> f64 {
    let unlabelled = trades.len() - labels.len();
    assert!(unlabelled <= 1, "{symbol}: {unlabelled} without a label");
    let mut right = 0;
    for (trade, label) in trades[unlabelled..].iter().zip(labels) {
        assert_eq!(
            (trade.timestamp_ns, trade.price, trade.size),
            (label.at_ns, label.price, label.size),
            "{symbol}"
        );
        right += usize::from(trade.sign() == label.sign);
    }
    println!("{symbol}: {right} of {} signed right", labels.len());
    right as f64 / labels.len() as f64
}

/// The value of the symbol's last VPIN document.
fn last_vpin(results: &Results, symbol: &str) -> f64 {
    let text = results.text("vpin");
    let mut documents = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let last = documents.rfind(|d| d["symbol"] == symbol).unwrap();
    assert_eq!(last["meta"]["status"], "ok");
    assert_eq!(last["buckets"], BUCKETS);
    last["value"].as_f64().unwrap()
}

/// VPIN poured share by share: the buckets' |bought − sold| over the volume of the last 50.
fn exact_vpin(trades: &[Trade], size: u64) -> f64 {
    let mut imbalances = Vec::new();
    let (mut net, mut filled) = (0, 0);
    for trade in trades {
        assert_eq!(trade.size.fract(), 0.0, "whole shares");
        for _share in 0..trade.size as u64 {
            net += trade.sign();
            filled += 1;
            if filled == size {
                imbalances.push(net.unsigned_abs());
                (net, filled) = (0, 0);
            }
        }
    }
    let last = &imbalances[imbalances.len() - BUCKETS..];
    let volume = BUCKETS as u64 * size;
    last.iter().sum::<u64>() as f64 / volume as f64
}
