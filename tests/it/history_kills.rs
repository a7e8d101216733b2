//! SIGKILL at random moments while history is written: of the writer, and of the server it writes to. Whatever was
//! acknowledged is there, once, and no batch is there in part.

use crate::harness::{PostgresDatabase, PostgresServer, full_tier, until};
use analytics::config::HistoryUrl;
use analytics::history::database::{Database, Which, Window};
use analytics::history::row::{Bar, Chain, Contract, Metric, Quote, Row, Tick};
use chrono::NaiveDate;
use quant::market::{Right, Symbol, Timestamp};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;
use tempfile::TempDir;

/// Where the child writes, and the number of its first batch.
const URL: &str = "ANALYTICS_TEST_HISTORY_URL";
const FIRST: &str = "ANALYTICS_TEST_HISTORY_FIRST";
/// Quotes of a batch: as many pages as a kill can fall between.
const QUOTES: u64 = 400;
const FIELDS: [&str; 3] = ["a", "b", "c"];
/// A machine that also compiles.
const PATIENCE: Duration = Duration::from_secs(60);

fn rounds() -> u64 {
    if full_tier() { 50 } else { 5 }
}

fn symbol() -> Symbol {
    Symbol::new("SPX").unwrap()
}

fn at(number: u64) -> Timestamp {
    Timestamp::from_seconds(1_790_000_000 + number as i64)
}

fn number(at: Timestamp) -> u64 {
    (at.whole_seconds() - 1_790_000_000) as u64
}

/// Batch `number`: rows of every kind at its own time.
fn batch(number: u64) -> Vec<Row> {
    let (symbol, at, value) = (symbol(), at(number), number as f64);
    let expiry = NaiveDate::from_ymd_opt(2026, 12, 18).unwrap();
    let session = NaiveDate::from_ymd_opt(2026, 9, 21).unwrap();
    let mut rows = vec![Row::Tick(Tick {
        symbol: symbol.clone(),
        at,
        price: value,
    })];
    for strike in 0..QUOTES {
        rows.push(Row::Quote(Quote {
            contract: Contract {
                symbol: symbol.clone(),
                // New contracts all the time: the dictionary is written, too.
                series: format!("2026-12-18:{}", number % 7),
                right: Right::Put,
                strike: (strike + number / 7) as f64,
            },
            at,
            bid: Some(value),
            ask: Some(value),
            last: None,
            iv: None,
            delta: None,
            volume: None,
            open_interest: None,
        }));
    }
    rows.push(Row::Chain(Chain {
        symbol: symbol.clone(),
        series: "2026-12-18".to_owned(),
        expiry,
        at,
        spot: Some(value),
        pcr_oi: None,
        pcr_volume: None,
        atm_strike: None,
        atm_straddle: None,
        max_pain: None,
        call_oi: None,
        put_oi: None,
        document: vec![number as u8; 20_000].into(),
    }));
    rows.extend(FIELDS.map(|field| {
        Row::Metric(Metric {
            symbol: symbol.to_string(),
            name: "gex".to_owned(),
            field: field.to_owned(),
            at,
            session,
            value,
        })
    }));
    rows.push(Row::Bar(Bar {
        symbol,
        minutes: 1,
        start: at,
        open: value,
        high: value,
        low: value,
        close: value,
        volume: value,
        ticks: Some(number),
    }));
    rows
}

fn wait<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    runtime.block_on(future)
}

/// The child: this binary, started again by the tests below. Started by anyone else it does nothing.
#[test]
fn a_child_stores_until_it_is_killed() {
    let Ok(url) = std::env::var(URL) else { return };
    let first = std::env::var(FIRST).unwrap().parse().unwrap();
    wait(async {
        let database = Database::open(&HistoryUrl::new(&url).unwrap()).await;
        let database = database.unwrap();
        for number in first.. {
            // A server that is killed comes back; the same batch again is the same rows.
            while let Err(error) = database.store(&batch(number)).await {
                assert!(error.passes(), "{error}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            let mut out = std::io::stdout().lock();
            // The parent is gone when it does not read.
            if writeln!(out, "acked {number}").is_err() {
                return;
            }
        }
    });
}

struct Writer {
    child: Child,
    acked: Receiver<u64>,
    last: u64,
}

impl Writer {
    fn start(url: &str, first: u64) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args([
            "--exact",
            "history_kills::a_child_stores_until_it_is_killed",
        ]);
        command.args(["--nocapture", "--test-threads", "1"]);
        command.env(URL, url).env(FIRST, first.to_string());
        command.stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (said, acked) = channel();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let number = line.rsplit_once("acked ").map(|(_, number)| number.parse());
                if let Some(Ok(number)) = number {
                    said.send(number).ok();
                }
            }
        });
        let last = first - 1;
        Self { child, acked, last }
    }

    /// Waits for so many more batches.
    fn more(&mut self, batches: u64) {
        for _ in 0..batches {
            let number = self.acked.recv_timeout(PATIENCE);
            self.last = number.expect("it stores");
        }
    }

    /// Lets it work for a moment.
    fn moment(&mut self, moment: Duration) {
        match self.acked.recv_timeout(moment) {
            Ok(number) => self.last = number,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => panic!("it ended by itself"),
        }
    }

    /// SIGKILL. The last batch that was acknowledged.
    fn kill(mut self) -> u64 {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        // What it had said is in the pipe.
        while let Ok(number) = self.acked.recv_timeout(PATIENCE) {
            self.last = number;
        }
        self.last
    }
}

/// A seeded chance: xorshift.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        for (left, right) in [(13, 7), (17, 0)] {
            self.0 ^= self.0 << left;
            self.0 ^= self.0 >> right.max(1);
        }
        self.0 % end
    }
}

/// All batches up to `acked` are there, none in part, none beyond the one that was on its way. The number of the last.
fn check(url: &str, acked: u64) -> u64 {
    wait(async {
        let database = Database::open(&HistoryUrl::new(url).unwrap()).await;
        let database = database.unwrap();
        let (symbol, many) = (symbol(), 1_000_000);
        let ticks = database.ticks(&symbol, many, None).await.unwrap();
        let last = ticks.first().map_or(0, |tick| number(tick.at));
        assert!(last == acked || last == acked + 1, "{last} of {acked}");
        let expected: Vec<u64> = (1..=last).collect();
        let numbers = |at: &mut dyn Iterator<Item = Timestamp>| {
            let mut numbers: Vec<u64> = at.map(number).collect();
            numbers.sort_unstable();
            numbers
        };
        assert_eq!(numbers(&mut ticks.iter().map(|row| row.at)), expected);
        let bars = database.bars(&symbol, 1, many, None).await.unwrap();
        assert_eq!(numbers(&mut bars.iter().map(|row| row.start)), expected);
        let chains = database.chains(&symbol, Which::All, many, None).await;
        let chains = chains.unwrap();
        assert_eq!(numbers(&mut chains.iter().map(|row| row.at)), expected);
        for chain in &chains {
            assert_eq!(chain.document, vec![number(chain.at) as u8; 20_000]);
        }
        let window = Window {
            from: at(0),
            to: at(many.into()),
            step: None,
            limit: many,
        };
        let points = database.metrics("SPX", "gex", &[], window).await.unwrap();
        let seen: BTreeSet<_> = points.iter().map(|row| (row.at, &row.field)).collect();
        assert_eq!(
            (points.len(), seen.len()),
            (expected.len() * 3, points.len())
        );
        let counts = database.counts().await.unwrap();
        assert_eq!(counts["option_quotes"], last * QUOTES);
        last
    })
}

#[test]
fn a_writer_of_a_file_is_killed_and_nothing_acknowledged_is_lost() {
    let folder = TempDir::new().unwrap();
    let url = format!("sqlite:{}", folder.path().join("history.db").display());
    let (mut chance, mut last) = (Chance(0x5eed_0001), 0);
    for round in 0..rounds() {
        let (batches, micros) = (chance.below(12), chance.below(30_000));
        println!("round {round}: {batches} batches and {micros} µs after {last}");
        let mut writer = Writer::start(&url, last + 1);
        writer.more(batches);
        writer.moment(Duration::from_micros(micros));
        last = check(&url, writer.kill());
    }
    assert!(last > 0);
}

#[test]
fn a_writer_to_a_server_is_killed_and_nothing_acknowledged_is_lost() {
    let database = PostgresDatabase::new();
    let url = database.url();
    let (mut chance, mut last) = (Chance(0x5eed_0002), 0);
    for round in 0..rounds() {
        let (batches, micros) = (chance.below(12), chance.below(30_000));
        println!("round {round}: {batches} batches and {micros} µs after {last}");
        let mut writer = Writer::start(&url, last + 1);
        writer.more(batches);
        writer.moment(Duration::from_micros(micros));
        let acked = writer.kill();
        // What was on its way is done or undone.
        until("the server has noticed", PATIENCE, || {
            let sql = "SELECT count(*) FROM pg_stat_activity \
                       WHERE datname = current_database() AND application_name = 'analytics'";
            (database.psql(sql) == "0").then_some(())
        });
        last = check(&url, acked);
    }
    assert!(last > 0);
}

#[test]
fn a_server_is_killed_under_a_writer_and_nothing_acknowledged_is_lost() {
    let mut server = PostgresServer::start();
    server.psql("postgres", "CREATE DATABASE kills");
    let url = server.url("kills");
    let (mut chance, mut last) = (Chance(0x5eed_0003), 0);
    for round in 0..rounds().div_ceil(2) {
        let (batches, micros) = (chance.below(12), chance.below(30_000));
        println!("round {round}: {batches} batches and {micros} µs after {last}");
        let mut writer = Writer::start(&url, last + 1);
        writer.more(batches + 1);
        writer.moment(Duration::from_micros(micros));
        if round % 2 == 0 {
            server.kill();
            server.start_again();
        } else {
            server.kill_backend("kills");
        }
        writer.more(3);
        let acked = writer.kill();
        until("the server has noticed", PATIENCE, || {
            let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'kills'";
            (server.try_psql("postgres", sql)? == "0").then_some(())
        });
        last = check(&url, acked);
    }
}
