//! Captures with the true side of every trade: how often Lee–Ready finds it, by clock and by the
//! delay of the quote, beside the tick rule. The quotes overtake the trades on the wire, so the
//! delay decides.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::harness::{Analytics, require_shared};

const DELAYS_MS: [u32; 10] = [0, 5, 10, 20, 50, 100, 150, 200, 300, 500];
/// A list keeps 1000 trades, and the perpetual has bursts of more within half a second: at two
/// passes a second they run past the engine.
const CADENCE: &str = "engine.cadence_hz=20";
/// By the exchange's clock bursts are closer still. What was not signed is not compared.
const LEAST_SIGNED: f64 = 0.98;

/// A capture and a folder for what is made of it.
struct Capture {
    name: &'static str,
    file: PathBuf,
    truth: Vec<Truth>,
    folder: tempfile::TempDir,
}

/// A trade as the exchange's flag tells it.
struct Truth {
    received_ns: i64,
    happened_ns: i64,
    price: f64,
    side: &'static str,
}

#[test]
fn lee_ready_finds_the_true_side_by_the_best_delay_or_the_exchanges_clock() {
    let shared = require_shared!().join("data/binance_2024-08");
    let captures = [
        "usdm_btcusdt_20240808",
        "spot_btcusdt_20240808",
        "spot_btcusdt_20240809",
    ]
    .map(|name| Capture::new(&shared, name));
    std::thread::scope(|scope| {
        let running = captures
            .iter()
            .map(|capture| scope.spawn(|| measure(capture)));
        for run in running.collect::<Vec<_>>() {
            if let Err(panic) = run.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
}

fn measure(capture: &Capture) {
    let curve: Vec<(u32, f64)> = DELAYS_MS
        .iter()
        .map(|&delay_ms| (delay_ms, capture.accuracy("local", delay_ms, "lee_ready")))
        .collect();
    let exchange = capture.accuracy("exchange", 0, "lee_ready");
    let tick = capture.accuracy("local", 0, "tick");
    let flag = capture.accuracy("local", 0, "auto");
    let best = curve.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1));
    let (best_ms, best) = best.expect("there are delays");
    let points: Vec<String> = curve
        .iter()
        .map(|(delay_ms, right)| format!("{delay_ms} ms {right:.4}"))
        .collect();
    println!(
        "{}: {} trades; local clock: {}; best {best_ms} ms {best:.4}; exchange's clock {exchange:.4}; tick rule {tick:.4}",
        capture.name,
        capture.truth.len(),
        points.join(", "),
    );
    assert!(best >= 0.95, "{}: {best}", capture.name);
    assert!(tick >= 0.93, "{}: {tick}", capture.name);
    assert!(
        (flag - 1.0).abs() < f64::EPSILON,
        "{}: {flag}",
        capture.name
    );
    // Spot's best bids and offers carry no time of the exchange: theirs is an estimate.
    let wanted = if capture.name.starts_with("usdm") {
        0.995
    } else {
        0.99
    };
    assert!(exchange >= wanted, "{}: {exchange}", capture.name);
}

impl Capture {
    fn new(shared: &Path, name: &'static str) -> Self {
        let truth = lines(&shared.join(format!("{name}_trades.csv.zst")));
        Self {
            name,
            file: shared.join(format!("{name}.jsonl.zst")),
            truth: truth.skip(1).map(|row| Truth::parse(&row)).collect(),
            folder: tempfile::TempDir::new().unwrap(),
        }
    }

    /// The share of trades whose side is the true one.
    fn accuracy(&self, clock: &str, delay_ms: u32, rule: &str) -> f64 {
        let folder = self.folder.path();
        let recording = folder.join(format!("{clock}-{delay_ms}.rec"));
        let results = folder.join(format!("{clock}-{delay_ms}-{rule}"));
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        if !recording.exists() {
            let (file, out) = (text(&self.file), text(&recording));
            let delay = delay_ms.to_string();
            let mut import = vec!["import", "binance", "--symbol", "BTCUSDT", &file];
            import.extend(["--clock", clock, "--quote-delay-ms", &delay, "--out", &out]);
            run(&import);
        }
        let (recording, out) = (text(&recording), text(&results));
        let rule = format!("signing.rule={rule}");
        let mut replay = vec!["replay", &recording, "--out", &out];
        replay.extend(["--trace", "trades", "--set", &rule, "--set", CADENCE]);
        run(&replay);
        let signed = fs::read_to_string(results.join("trades.jsonl")).unwrap();
        let signed: Vec<Value> = signed
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let share = signed.len() as f64 / self.truth.len() as f64;
        assert!(share > LEAST_SIGNED, "{}: {share} signed", self.name);

        let mut truth: Vec<(i64, &Truth)> = self
            .truth
            .iter()
            .map(|truth| match clock {
                "local" => (truth.received_ns, truth),
                _ => (truth.happened_ns, truth),
            })
            .collect();
        truth.sort_by_key(|(at_ns, _)| *at_ns);
        // From the end: of a burst it is the newest that were signed.
        let mut truth = truth.into_iter().rev();
        let mut right = 0;
        for signed in signed.iter().rev() {
            let is_same = |(at_ns, truth): &(i64, &Truth)| {
                signed["timestamp_ns"] == *at_ns && signed["price"] == truth.price
            };
            let (_, truth) = truth.find(is_same).expect("a trade of the capture");
            right += u32::from(signed["side"] == truth.side);
        }
        f64::from(right) / signed.len() as f64
    }
}

impl Truth {
    /// A row of `ts,price,size,side,bid,ask,exch_ms`.
    fn parse(row: &str) -> Self {
        let fields: Vec<&str> = row.split(',').collect();
        Self {
            received_ns: fields[0].parse().unwrap(),
            happened_ns: fields[6].parse::<i64>().unwrap() * 1_000_000,
            price: fields[1].parse().unwrap(),
            side: if fields[3] == "1" { "buy" } else { "sell" },
        }
    }
}

fn lines(path: &Path) -> impl Iterator<Item = String> + use<> {
    let file = fs::File::open(path).unwrap();
    let reader = BufReader::new(zstd::Decoder::new(file).unwrap());
    reader.lines().map(Result::unwrap)
}

#[track_caller]
fn run(args: &[&str]) {
    let mut analytics = Analytics::spawn(args, &[]);
    let status = analytics.wait_exit(Duration::from_secs(60));
    assert!(status.success(), "{args:?}: {status}");
}
