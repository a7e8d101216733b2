//! CBOE's delayed quotes end to end: a server on this host that serves the format, the feed, a
//! store and the engine; every document says that it is delayed.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{Datelike, NaiveDate, Weekday};
use flate2::Compression;
use flate2::write::GzEncoder;
use quant::market::Right;
use quant::math::black_scholes::{Terms, greeks};
use serde_json::Value;

use crate::harness::{Analytics, RedisServer, Reply, SOON, run, run_with, until};

/// As many contracts as SPX has.
const CONTRACTS: usize = 20_034;
const SPOT: f64 = 6_700.0;
/// What unoptimised programs on a busy machine may take for them.
const PATIENCE: Duration = Duration::from_secs(60);

/// A web server: files by path, each with an ETag; others are forbidden, as CBOE has it.
struct Cboe {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Cboe {
    fn start(files: Vec<(&'static str, Vec<u8>)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let heard = requests.clone();
        // It ends with the test: a thread that waits for requests holds no process.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                // Whoever asked may have hung up already.
                let _ = answer(&mut stream, &files, &heard);
            }
        });
        Self { url, requests }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn answer(
    stream: &mut TcpStream,
    files: &[(&'static str, Vec<u8>)],
    heard: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut head = [0; 4096];
    let length = stream.read(&mut head)?;
    let head = String::from_utf8_lossy(&head[..length]).to_lowercase();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    heard.lock().unwrap().push(head.clone());
    let start = "/api/global/delayed_quotes/options/";
    let name = path.strip_prefix(start).unwrap_or_default();
    let found = files.iter().find(|(file, _)| file.to_lowercase() == name);
    let Some((_, body)) = found else {
        return stream.write_all(
            b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        );
    };
    if head.contains("if-none-match") {
        return stream.write_all(b"HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n");
    }
    let length = body.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Encoding: gzip\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)
}

/// A file of the service at a time, quotes of a quarter of an hour before: as many contracts and
/// bytes as that of SPX, priced on a flat volatility.
fn spx(time: &str, quoted: &str) -> String {
    let date = NaiveDate::parse_from_str(&time[..10], "%Y-%m-%d").unwrap();
    let sessions = date.iter_days().filter(|day| {
        let weekend = matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
        // Thanksgiving, Christmas, New Year's Day.
        let holiday = [(11, 27), (12, 25), (1, 1)].contains(&(day.month(), day.day()));
        !weekend && !holiday
    });
    let mut offsets: Vec<f64> = (-44..=44).map(|n| 5.0 * f64::from(n)).collect();
    offsets
        .extend((1..=45).flat_map(|n| [220.0 + 25.0 * f64::from(n), -220.0 - 25.0 * f64::from(n)]));
    let mut text = format!(
        "{{\"timestamp\":\"{time}\",\"data\":{{\"symbol\":\"^SPX\",\"security_type\":\"index\",\
         \"exchange_id\":5,\"current_price\":{SPOT},\"price_change\":11.5,\"bid\":6699.0,\
         \"ask\":6701.0,\"bid_size\":1,\"ask_size\":1,\"open\":6690.0,\"high\":6710.0,\
         \"low\":6680.5,\"close\":{SPOT},\"prev_day_close\":6688.5,\"volume\":0,\"iv30\":15.1,\
         \"last_trade_time\":\"{quoted}\",\"options\":["
    );
    let mut listed = 0;
    'all: for day in sessions {
        let third_friday = day.weekday() == Weekday::Fri && (15..=21).contains(&day.day());
        let roots: &[&str] = if third_friday {
            &["SPX", "SPXW"]
        } else {
            &["SPXW"]
        };
        for root in roots {
            for (right, letter) in [(Right::Call, 'C'), (Right::Put, 'P')] {
                for offset in &offsets {
                    if listed == CONTRACTS {
                        break 'all;
                    }
                    let days = (day - date).num_days() as f64;
                    let comma = if listed == 0 { "" } else { "," };
                    text.push_str(comma);
                    option(
                        &mut text,
                        root,
                        day,
                        right,
                        letter,
                        SPOT + offset,
                        days,
                        quoted,
                    );
                    listed += 1;
                }
            }
        }
    }
    assert_eq!(listed, CONTRACTS);
    text.push_str("]},\"symbol\":\"_SPX\"}");
    text
}

#[expect(clippy::too_many_arguments, reason = "one row of a table")]
fn option(
    text: &mut String,
    root: &str,
    day: NaiveDate,
    right: Right,
    letter: char,
    strike: f64,
    days: f64,
    quoted: &str,
) {
    let terms = Terms {
        spot: SPOT,
        strike,
        rate: 0.04,
        dividend_yield: 0.012,
        sigma: 0.15,
        t_years: (days + 0.25) / 365.0,
    };
    let values = greeks(right, &terms).unwrap();
    let price = (values.price * 20.0).round() / 20.0;
    let (bid, ask) = ((price - 0.05).max(0.0), price + 0.05);
    let open = (strike as u64 * 7 + day.ordinal() as u64 * 13) % 3_000;
    let date = day.format("%y%m%d");
    // As wide as the real ones, which have a thousand bytes each.
    let _ = write!(
        text,
        "{{\"option\":\"{root}{date}{letter}{:08}\",{:620}\"bid\":{bid:.2},\"bid_size\":12.0,\
         \"ask\":{ask:.2},\"ask_size\":30.0,\"iv\":0.15,\"open_interest\":{open}.0,\
         \"volume\":{}.0,\"delta\":{:.4},\"gamma\":{:.4},\"vega\":{:.4},\"theta\":{:.4},\
         \"rho\":{:.4},\"theo\":{:.4},\"change\":0.0,\"open\":0.0,\"high\":0.0,\"low\":0.0,\
         \"tick\":\"down\",\"last_trade_price\":{price:.2},\"last_trade_time\":\"{quoted}\",\
         \"percent_change\":0.0,\"prev_day_close\":{:.4}}}",
        strike as u64 * 1000,
        "",
        open / 3,
        values.delta,
        values.gamma,
        values.vega / 100.0,
        values.theta / 365.0,
        values.rho / 100.0,
        values.price,
        values.price,
    );
}

fn gzip(text: &str) -> Vec<u8> {
    let mut to = GzEncoder::new(Vec::new(), Compression::fast());
    to.write_all(text.as_bytes()).unwrap();
    to.finish().unwrap()
}

fn feed(redis: &RedisServer, cboe: &Cboe, symbols: &str) -> Analytics {
    let base = format!("feed.cboe.base={:?}", cboe.url);
    let args = ["feed", "--provider", "cboe", "--symbols", symbols];
    let sets = ["--set", &base, "--set", "feed.cboe.poll_seconds=15"];
    let args: Vec<&str> = args.into_iter().chain(sets).collect();
    Analytics::spawn(&args, &[("REDIS_URL", &redis.url())])
}

fn read(redis: &RedisServer, key: &str) -> Option<Value> {
    match redis.try_command(&["GET", key], SOON) {
        Ok(Reply::Bulk(Some(bytes))) => serde_json::from_slice(&bytes).ok(),
        _ => None,
    }
}

/// The chain and the ticker that an import of the same file makes.
fn imported(file: &Path) -> (Value, Value) {
    let out = file.with_extension("rec");
    let (file, out) = (file.to_str().unwrap(), out.to_str().unwrap());
    run(&["import", "cboe-json", file, "--out", out]).succeeded();
    let records = analytics::recording::Reader::open(Path::new(out)).unwrap();
    let mut found = (Value::Null, Value::Null);
    for record in records.map(Result::unwrap) {
        let value = serde_json::from_slice(&record.value).unwrap();
        match &*record.key {
            "market:SPX:ticker" => found.1 = value,
            _ => found.0 = value,
        }
    }
    found
}

/// Feeds a file of SPX at a time and has the engine look once, at `as_of`.
fn once(time: &str, quoted: &str, as_of: &str) -> RedisServer {
    let text = spx(time, quoted);
    let cboe = Cboe::start(vec![("_SPX.json", gzip(&text))]);
    let redis = RedisServer::start();
    let mut feed = feed(&redis, &cboe, "SPX,NONE");
    let chain = until("the chain", PATIENCE, || read(&redis, "options:SPX:chain"));
    println!(
        "{} contracts of {} bytes: {:.2} s of processor, {} MiB resident",
        chain["contracts"].as_array().unwrap().len(),
        text.len(),
        feed.cpu_seconds(),
        feed.rss_kb() / 1024
    );
    // The other symbol is one that CBOE does not have.
    feed.logged("no chain from CBOE", PATIENCE);
    feed.terminate();
    assert!(feed.wait_exit(Duration::from_secs(10)).success());
    assert_eq!(feed.unexpected_log_lines(&["no chain from CBOE"]), [""; 0]);
    let requests = cboe.requests();
    let paths = requests.iter().map(|head| head.split(' ').nth(1).unwrap());
    let asked: Vec<&str> = paths.collect();
    let start = "/api/global/delayed_quotes/options/";
    assert!(
        asked.contains(&format!("{start}_spx.json").as_str()),
        "{asked:?}"
    );
    assert!(
        asked.contains(&format!("{start}none.json").as_str()),
        "{asked:?}"
    );

    assert_eq!(
        (&chain["source"], &chain["delayed"]),
        (&"cboe".into(), &true.into())
    );
    assert_eq!(chain["delay_ms"], 900_000);
    let ticker = read(&redis, "market:SPX:ticker").unwrap();
    assert_eq!(ticker["delayed"], true);
    // What an import of the file makes, but for the name of the source.
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("_SPX.json");
    std::fs::write(&file, &text).unwrap();
    let (mut same, same_ticker) = imported(&file);
    same["source"] = "cboe".into();
    assert!(same == chain, "the import differs");
    assert_eq!(same_ticker["timestamp"], ticker["timestamp"]);
    assert_eq!(same_ticker["last"], ticker["last"]);

    let said = run_with(
        &["run", "--once", "--as-of", as_of],
        &[("REDIS_URL", &redis.url())],
    );
    said.succeeded();
    redis
}

/// The documents that stand on the chain alone have a value, and say that it is delayed.
#[track_caller]
fn check(redis: &RedisServer, names: &[&str]) {
    for name in names {
        let document = read(redis, &format!("analytics:SPX:{name}"));
        let document = document.unwrap_or_else(|| panic!("no {name}"));
        let meta = &document["meta"];
        assert_eq!(meta["status"], "ok", "{name}: {meta}");
        assert_eq!(meta["delayed"], true, "{name}: {meta}");
    }
}

const OF_THE_CHAIN: [&str; 6] = ["gex", "dex", "vanna", "charm", "skew", "pcr"];

#[test]
fn inside_the_session_every_document_of_the_chain_has_a_value_and_its_delay() {
    // A Wednesday, 10:15 in New York.
    let redis = once(
        "2025-11-19 15:15:00",
        "2025-11-19T10:00:00",
        "2025-11-19T15:15:30Z",
    );
    check(&redis, &OF_THE_CHAIN);
    let gex = read(&redis, "analytics:SPX:gex").unwrap();
    // The instant of the quotes.
    assert_eq!(gex["meta"]["as_of_ms"], 1_763_564_400_000_i64);
    let level = read(&redis, "analytics:vix1d").unwrap();
    assert_eq!(level["delayed"], true, "{level}");
    assert_eq!(level["meta"]["delayed"], true, "{level}");
    assert_eq!(level["source"], "chain");
    let portfolio = read(&redis, "analytics:portfolio:summary").unwrap();
    assert_eq!(portfolio["meta"]["delayed"], true, "{portfolio}");
    let keys = redis.cli(&["KEYS", "latest:chain:*"]);
    let latest = read(&redis, keys.lines().next().unwrap()).unwrap();
    assert_eq!(latest["delayed"], true);
}

#[test]
fn outside_the_session_the_last_chain_still_speaks() {
    // 17:00 in New York; what expires on the day is over.
    let redis = once(
        "2025-11-19 22:00:00",
        "2025-11-19T16:00:00",
        "2025-11-19T22:00:30Z",
    );
    check(&redis, &OF_THE_CHAIN);
}
