//! Real tapes through the real binary: prints away from the exchanges, sweeps against the mark of
//! intermarket sweep orders (US stocks, October 2013), hidden executions against the exchange's own
//! label (LOBSTER, 2012-06-21).

use crate::harness::{Results, require_shared, run};
use serde::Deserialize;
use std::io::Read;
use std::path::Path;
use tempfile::TempDir;

const DATE: &str = "2013-10-07";

/// Midnight in New York on that day, nanoseconds since the epoch.
const MIDNIGHT_NS: i64 = 1_381_118_400_000_000_000;

const STOCKS: [&str; 3] = ["IBM", "BAC", "AIG"];

/// Bits of the files' mask: intermarket sweep order; and what is of another moment or no order
/// that hurried: settlement, auctions and official prices, derived, average and late prints.
const ISO: u32 = 1 << 5;
const EXCLUDED: u32 = 0x07FF_5BCE;

/// A row of a file of trades.
struct Row {
    ms: i64,
    /// In 1e-4 of a dollar.
    price: i64,
    size: i64,
    venue: String,
    mask: u32,
}

/// A line of the trace.
#[derive(Deserialize)]
struct Traced {
    symbol: String,
    timestamp_ns: i64,
    price: f64,
    size: f64,
    side: String,
    rule: String,
    venue: Option<String>,
    flags: Vec<String>,
}

impl Traced {
    fn is(&self, flag: &str) -> bool {
        self.flags.iter().any(|one| one == flag)
    }
}

fn unpacked(path: &Path) -> String {
    let mut text = String::new();
    let file = std::fs::File::open(path).unwrap();
    let mut decoder = zstd::Decoder::new(file).unwrap();
    decoder.read_to_string(&mut text).unwrap();
    text
}

fn rows(shared: &Path, symbol: &str, date: &str) -> Vec<Row> {
    let name = format!("data/us_equity_ticks_2013-10/{symbol}_{date}_trade.csv.zst");
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let [ms, price, size, venue, mask, "0"] = cells[..] else {
            panic!("{line}");
        };
        Row {
            ms: ms.parse().unwrap(),
            price: price.parse().unwrap(),
            size: size.parse().unwrap(),
            venue: venue.to_owned(),
            mask: u32::from_str_radix(mask, 16).unwrap(),
        }
    };
    unpacked(&shared.join(name))
        .lines()
        .skip(1)
        .map(row)
        .collect()
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// A recording of a stock's day; `quotes` where there are some.
fn import(shared: &Path, folder: &Path, symbol: &str, date: &str, quotes: bool) -> String {
    let file = |what: &str| {
        let name = format!("{symbol}_{}_{what}.csv.zst", date.replace('-', ""));
        text(&shared.join("data/us_equity_ticks_2013-10").join(name))
    };
    let out = text(&folder.join(format!("{symbol}.rec")));
    let (trades, asks) = (file("trade"), file("quote"));
    let mut args = vec!["import", "lean-ticks", "--symbol", symbol, "--date", date];
    args.extend(["--trades", &trades, "--out", &out]);
    if quotes {
        args.extend(["--quotes", &asks]);
    }
    let report: serde_json::Value =
        serde_json::from_str(&run(&args).succeeded()).expect("a report is JSON");
    println!(
        "{symbol}: dropped {}, noted {}",
        report["dropped"], report["noted"]
    );
    assert_eq!(report["out_of_order"], serde_json::Value::Null);
    out
}

/// A replay that runs sweeps and hidden orders only, with its trades traced.
fn replay(folder: &Path, name: &str, recordings: &[String], more: &[&str]) -> Results {
    let out = folder.join(name);
    let out_text = text(&out);
    let mut args = vec!["replay", "--out", &out_text, "--trace", "trades"];
    for job in ["vpin", "order_book", "summary"] {
        args.push("--set");
        args.push(match job {
            "vpin" => "update_intervals.vpin=off",
            "order_book" => "update_intervals.order_book=off",
            _ => "update_intervals.summary=off",
        });
    }
    args.extend(more);
    args.extend(recordings.iter().map(String::as_str));
    run(&args).succeeded();
    let results = Results::read(&out);
    assert_eq!(results.summary["bad_input"], serde_json::json!({}));
    results
}

fn traced(results: &Results, symbol: &str) -> Vec<Traced> {
    let text = results.text("trades");
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    lines
        .filter(|line: &Traced| line.symbol == symbol)
        .collect()
}

/// The trace beside the rows it came from.
fn side_by_side<'a>(rows: &'a [Row], traced: &'a [Traced]) -> Vec<(&'a Row, &'a Traced)> {
    assert_eq!(rows.len(), traced.len());
    for (row, line) in rows.iter().zip(traced) {
        assert_eq!(line.timestamp_ns, MIDNIGHT_NS + row.ms * 1_000_000);
        assert_eq!(line.price, row.price as f64 / 1e4);
        assert_eq!(line.size, row.size as f64);
        assert_eq!(line.venue.as_deref(), Some(&*row.venue));
    }
    rows.iter().zip(traced).collect()
}

fn share(part: i64, whole: i64) -> f64 {
    part as f64 / whole as f64
}

#[test]
fn prints_off_exchange_and_of_another_moment_are_those_of_the_file() {
    let shared = require_shared!();
    let folder = TempDir::new().unwrap();
    let recordings = STOCKS.map(|symbol| import(&shared, folder.path(), symbol, DATE, true));
    let results = replay(folder.path(), "out", &recordings, &[]);
    results.check_documents(500);
    for symbol in STOCKS {
        let (rows, traced) = (rows(&shared, symbol, "20131007"), traced(&results, symbol));
        let volume: i64 = rows.iter().map(|row| row.size).sum();
        let off: i64 = rows
            .iter()
            .filter(|row| row.venue == "D")
            .map(|row| row.size)
            .sum();
        let flagged = traced.iter().filter(|line| line.is("off_exchange"));
        let flagged: f64 = flagged.map(|line| line.size).sum();
        println!(
            "{symbol}: {:.4} of {volume} shares off exchange",
            share(off, volume)
        );
        assert_eq!(flagged, off as f64, "{symbol}");
        for (row, line) in side_by_side(&rows, &traced) {
            let excluded = row.mask & EXCLUDED != 0;
            assert_eq!(line.is("excluded"), excluded, "{symbol} {:x}", row.mask);
        }
    }
}

/// Sweeps are found without looking at the mark of intermarket sweep orders, so the mark tells how
/// good they are: how many of their prints carry it, and how much of what carries it they hold.
#[test]
fn sweeps_are_made_of_intermarket_sweep_orders() {
    let shared = require_shared!();
    let folder = TempDir::new().unwrap();
    let recordings = STOCKS.map(|symbol| import(&shared, folder.path(), symbol, DATE, true));
    println!("window ms, symbol: sweeps' prints, of them marked; marked volume in sweeps; F1");
    let mut before = std::collections::BTreeMap::new();
    for window in [50, 100, 250, 500, 1000] {
        let set = format!("calculators.sweeps.window_ms={window}");
        let results = replay(
            folder.path(),
            &format!("out{window}"),
            &recordings,
            &["--set", &set],
        );
        for symbol in STOCKS {
            let (rows, traced) = (rows(&shared, symbol, "20131007"), traced(&results, symbol));
            let both = side_by_side(&rows, &traced);
            let on_exchange = || both.iter().filter(|(row, _)| row.venue != "D");
            let base = on_exchange().filter(|(row, _)| row.mask & ISO != 0).count();
            let base = share(base as i64, on_exchange().count() as i64);
            let swept: Vec<&Row> = both
                .iter()
                .filter(|(_, line)| line.is("sweep"))
                .map(|(row, _)| *row)
                .collect();
            let marked = swept.iter().filter(|row| row.mask & ISO != 0);
            let marked_volume: i64 = marked.clone().map(|row| row.size).sum();
            let all: i64 = rows
                .iter()
                .filter(|row| row.mask & ISO != 0)
                .map(|row| row.size)
                .sum();
            let precision = share(marked.count() as i64, swept.len() as i64);
            let recall = share(marked_volume, all);
            let f1 = 2.0 * precision * recall / (precision + recall);
            println!(
                "{window:5} {symbol}: {:6} {precision:.3} (of all on exchange {base:.3}); \
                 {recall:.3}; {f1:.3}",
                swept.len()
            );
            assert!(precision > base, "{symbol} {window}: {precision} {base}");
            if window == 100 {
                assert!(recall > 0.5, "{symbol}: {recall}");
            }
            // The wider the window, the more of the orders and the more of what is none.
            let (precision_before, recall_before) = before
                .insert(symbol, (precision, recall))
                .unwrap_or((1.0, 0.0));
            assert!(
                precision <= precision_before && recall >= recall_before,
                "{symbol} {window}"
            );
        }
    }
}

#[test]
fn a_tape_without_quotes_is_signed_by_the_tick_rule() {
    let shared = require_shared!();
    let folder = TempDir::new().unwrap();
    let recording = import(&shared, folder.path(), "SPY", "2013-10-08", false);
    let results = replay(folder.path(), "out", &[recording], &[]);
    let traced = traced(&results, "SPY");
    let rows = rows(&shared, "SPY", "20131008");
    assert_eq!(traced.len(), rows.len());
    let unsigned = traced.iter().take_while(|line| line.side == "unknown");
    let first = unsigned.count();
    assert!(first < 10, "{first}");
    assert!(traced[first..].iter().all(|line| line.rule == "tick"));
    let swept = traced.iter().filter(|line| line.is("sweep")).count();
    println!("SPY: {} prints, {swept} of them in sweeps", traced.len());
}

/// Two stocks of LOBSTER and the levels of their books.
const LABELLED: [(&str, u32); 2] = [("GOOG", 10), ("AAPL", 1)];

/// Midnight in New York on 2012-06-21, nanoseconds since the epoch.
const LOBSTER_MIDNIGHT_NS: i64 = 1_340_251_200_000_000_000;

/// When each execution was and whether it was of a hidden order (type 5).
fn labels(shared: &Path, symbol: &str) -> Vec<(i64, bool)> {
    let name = format!("data/lobster_2012-06-21/{symbol}_trades_labelled.csv.zst");
    let text = unpacked(&shared.join(name));
    let label = |line: &str| {
        let (at, rest) = line.split_once(',').unwrap();
        let at: i64 = at.parse().unwrap();
        (LOBSTER_MIDNIGHT_NS + at, rest.ends_with(",1"))
    };
    text.lines().skip(1).map(label).collect()
}

/// True and false positives, false negatives.
#[derive(Default)]
struct Hits {
    right: u64,
    wrong: u64,
    missed: u64,
}

impl Hits {
    fn add(&mut self, said: bool, is: bool) {
        match (said, is) {
            (true, true) => self.right += 1,
            (true, false) => self.wrong += 1,
            (false, true) => self.missed += 1,
            (false, false) => {}
        }
    }

    fn precision(&self) -> f64 {
        self.right as f64 / (self.right + self.wrong).max(1) as f64
    }

    fn recall(&self) -> f64 {
        self.right as f64 / (self.right + self.missed).max(1) as f64
    }
}

/// The flag of a print against the type of its execution; the score of a document against the
/// executions of hidden orders among the 100 prints it looks at.
#[test]
fn hidden_executions_are_told_from_displayed_ones() {
    let shared = require_shared!();
    let folder = TempDir::new().unwrap();
    let recordings = LABELLED.map(|(symbol, levels)| {
        let file = |what: &str| {
            let name = format!("data/lobster_2012-06-21/{symbol}_{what}_{levels}.csv.zst");
            text(&shared.join(name))
        };
        let out = text(&folder.path().join(format!("{symbol}.rec")));
        let (message, book) = (file("message"), file("orderbook"));
        let mut args = vec![
            "import",
            "lobster",
            "--symbol",
            symbol,
            "--date",
            "2012-06-21",
        ];
        args.extend(["--message", &message, "--orderbook", &book]);
        args.extend(["--executions", "all", "--out", &out]);
        run(&args).succeeded();
        out
    });
    let results = replay(folder.path(), "out", &recordings, &[]);
    results.check_documents(50);
    let documents: Vec<serde_json::Value> = results
        .text("hidden")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for (symbol, _) in LABELLED {
        let traced = traced(&results, symbol);
        let mut labels = labels(&shared, symbol);
        // One file has an execution before the first label.
        let unlabelled = traced.len() - labels.len();
        assert!(unlabelled <= 1, "{symbol}: {unlabelled}");
        labels.splice(
            0..0,
            traced[..unlabelled]
                .iter()
                .map(|line| (line.timestamp_ns, false)),
        );
        let mut prints = Hits::default();
        for (line, (at, hidden)) in traced.iter().zip(&labels) {
            assert_eq!(line.timestamp_ns, *at);
            prints.add(line.is("hidden"), *hidden);
        }
        let (precision, recall) = (prints.precision(), prints.recall());
        let hidden = labels.iter().filter(|(_, hidden)| *hidden).count();
        println!(
            "{symbol}: {hidden} of {} executions hidden; prints flagged with precision \
             {precision:.3}, recall {recall:.3}",
            labels.len()
        );
        assert!(precision > 0.9, "{symbol}: {precision}");

        let scored: Vec<(f64, f64, usize)> = documents
            .iter()
            .filter(|document| document["symbol"] == symbol)
            .filter_map(|document| {
                let at_ns = (document["timestamp"].as_f64()? * 1e9) as i64;
                let until = labels.partition_point(|(at, _)| *at <= at_ns);
                let window = &labels[until.saturating_sub(100)..until];
                let hidden = window.iter().filter(|(_, hidden)| *hidden).count();
                let found = document["hidden_trades"].as_f64()?;
                Some((document["hidden_score"].as_f64()?, found, hidden))
            })
            .collect();
        println!(
            "{symbol}: {} documents; score against 35 of 100 hidden",
            scored.len()
        );
        for threshold in [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9] {
            let mut hits = Hits::default();
            for (score, _, hidden) in &scored {
                hits.add(*score >= threshold, *hidden >= 35);
            }
            println!(
                "  score from {threshold:.1}: precision {:.3}, recall {:.3}",
                hits.precision(),
                hits.recall()
            );
        }
        println!("{symbol}: prints found in 100 against 35 of 100 hidden");
        for threshold in [5.0, 10.0, 15.0, 20.0, 25.0, 30.0] {
            let mut hits = Hits::default();
            for (_, found, hidden) in &scored {
                hits.add(*found >= threshold, *hidden >= 35);
            }
            println!(
                "  {threshold:2} and more: precision {:.3}, recall {:.3}",
                hits.precision(),
                hits.recall()
            );
        }
        assert!(scored.len() > 5_000, "{symbol}: {}", scored.len());
    }
}
