//! How fast history takes quotes, and how large it becomes (`scripts/test full`).

use crate::harness::{PostgresDatabase, full_tier};
use analytics::config::HistoryUrl;
use analytics::history::database::Database;
use analytics::history::row::{Contract, Quote, Row};
use quant::market::{Right, Symbol, Timestamp};
use std::time::Instant;
use tempfile::TempDir;

/// A second of the largest feed there is a promise for.
const PROMISED: f64 = 25_000.0;
const BATCH: u64 = 10_000;
const BATCHES: u64 = 100;

fn quotes(number: u64) -> Vec<Row> {
    let symbol = Symbol::new("SPX").unwrap();
    let quote = |place: u64| {
        let price = (place % 97) as f64 * 0.05 + number as f64 * 0.01;
        Row::Quote(Quote {
            contract: Contract {
                symbol: symbol.clone(),
                series: format!("2026-12-{:02}", 1 + place % 20),
                right: if place % 2 == 0 {
                    Right::Call
                } else {
                    Right::Put
                },
                strike: 4_000.0 + 5.0 * (place / 20) as f64,
            },
            at: Timestamp::from_millis(1_790_000_000_000 + number as i64 * 400),
            bid: Some(price),
            ask: Some(price + 0.1),
            last: Some(price + 0.05),
            iv: Some(0.1 + price / 100.0),
            delta: Some(1.0 / (1.0 + price)),
            volume: Some((place * 7 % 1_000) as f64),
            open_interest: Some((place * 31 % 20_000) as f64),
        })
    };
    (0..BATCH).map(quote).collect()
}

/// Quotes a second.
#[expect(clippy::disallowed_methods, reason = "a rate is measured")]
async fn rate(url: &str) -> f64 {
    let database = Database::open(&HistoryUrl::new(url).unwrap()).await;
    let database = database.unwrap();
    database.store(&quotes(0)).await.unwrap();
    let mut seconds = 0.0;
    for number in 1..=BATCHES {
        let rows = quotes(number);
        let start = Instant::now();
        let stored = database.store(&rows).await.unwrap();
        seconds += start.elapsed().as_secs_f64();
        assert_eq!(stored.rows, BATCH);
    }
    (BATCH * BATCHES) as f64 / seconds
}

fn wait<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    runtime.block_on(future)
}

#[test]
fn a_file_takes_quotes_faster_than_they_come() {
    if !full_tier() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("history.db");
    let rate = wait(rate(&format!("sqlite:{}", file.display())));
    let bytes = std::fs::metadata(&file).unwrap().len() as f64;
    let bytes = bytes / (BATCH * (BATCHES + 1)) as f64;
    println!("sqlite: {rate:.0} quotes/s, {bytes:.1} bytes each");
    assert!(rate > PROMISED, "{rate:.0}");
}

#[test]
fn a_server_takes_quotes_faster_than_they_come() {
    if !full_tier() {
        return;
    }
    let database = PostgresDatabase::new();
    let rate = wait(rate(&database.url()));
    let bytes = database.psql("SELECT pg_total_relation_size('option_quotes')");
    let bytes: f64 = bytes.parse().unwrap();
    let bytes = bytes / (BATCH * (BATCHES + 1)) as f64;
    println!("postgres: {rate:.0} quotes/s, {bytes:.1} bytes each");
    assert!(rate > PROMISED, "{rate:.0}");
}
