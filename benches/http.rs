//! What a read costs over HTTP, beside the least an axum handler can do, and what publishing costs with
//! readers there. `cargo bench --bench http`; the requests are made by `wrk`, which must be installed.
//!
//! One runtime thread serves, so that requests a second are those of one core; `wrk` takes another.

#![expect(clippy::print_stdout, reason = "it is what a bench is for")]

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use analytics::clock::{Clock, Stopwatch};
use analytics::config::Config;
use analytics::engine::setup::{Setup, known};
use analytics::engine::status::StatusBoard;
use analytics::http::{self, past::Past};
use analytics::store::exchange::{How, Write};
use analytics::store::published::Published;
use bytes::Bytes;
use quant::calculators::PER_SYMBOL;
use quant::market::Span;

const SYMBOLS: usize = 500;
/// Bytes of a document: that of gex without its strikes.
const BYTES: usize = 1_500;
const CONNECTIONS: &str = "16";
const SECONDS: &str = "5";

/// Every document of every symbol, as a pass writes them.
fn writes(pass: u64) -> Vec<Write> {
    let document = |symbol: usize, name: &'static str, key: &str| {
        let filler = "x".repeat(BYTES);
        let value = format!(r#"{{"symbol":"S{symbol:04}","pass":{pass},"filler":"{filler}"}}"#);
        Write {
            document: name,
            key: format!("analytics:S{symbol:04}:{key}").into(),
            value: Bytes::from(value),
            ttl_seconds: 600,
            how: How::Replace,
        }
    };
    let cards = || PER_SYMBOL.iter().map(|entry| &entry.card);
    (0..SYMBOLS)
        .flat_map(|symbol| cards().map(move |card| document(symbol, card.name, card.key)))
        .collect()
}

/// The lines of `wrk` that count.
fn wrk(url: &str) -> Option<String> {
    let options = ["-t1", "-c", CONNECTIONS, "-d", SECONDS, "--latency", url];
    let output = Command::new("wrk").args(options).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let wanted = |line: &&str| line.contains("99%") || line.contains("Requests/sec");
    let lines: Vec<&str> = text.lines().filter(wanted).map(str::trim).collect();
    Some(lines.join("  "))
}

async fn bench(clock: Clock, published: Arc<Published>) {
    let setup = Arc::new(Setup::new(Config::defaults(&known()), PER_SYMBOL));
    let (_setups, setups) = tokio::sync::watch::channel(setup.clone());
    let state = http::State {
        status: Arc::new(StatusBoard::new(
            clock.now(),
            Span::from_millis(500),
            &setup.intervals,
        )),
        published: published.clone(),
        setups,
        clock: clock.clone(),
        metrics: None,
        tokens: Arc::default(),
        door: None,
        past: Past::new(None, clock.clone()),
    };
    let any = ["127.0.0.1:0".parse().expect("an address")];
    let bound = http::bind(&any).await.expect("a free port");
    let ours = bound.addresses().next().expect("one was bound");
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let serving = tokio::spawn(bound.serve(state, stopped));

    let document = published.get("S0001", "gex", clock.now());
    let text = document.and_then(|found| found.bytes.clone());
    let text = text.expect("it was published");
    let handler = move || async move { ([("content-type", "application/json")], text) };
    let app = axum::Router::new().route("/plain", axum::routing::get(handler));
    let listener = tokio::net::TcpListener::bind(any[0])
        .await
        .expect("a free port");
    let plain = listener.local_addr().expect("it is bound");
    tokio::spawn(async move { axum::serve(listener, app).await });

    for (name, url) in [
        ("plain axum handler", format!("http://{plain}/plain")),
        (
            "published document",
            format!("http://{ours}/analytics/S0001/gex"),
        ),
        ("plain axum handler", format!("http://{plain}/plain")),
        (
            "published document",
            format!("http://{ours}/analytics/S0001/gex"),
        ),
    ] {
        let said = tokio::task::spawn_blocking(move || wrk(&url)).await;
        let said = said.expect("wrk does not panic");
        println!(
            "{name}: {}",
            said.unwrap_or_else(|| "wrk is not installed".to_owned())
        );
    }
    // Nobody listens any more where it has ended.
    let _ = stop.send(true);
    let _ = tokio::time::timeout(Duration::from_secs(1), serving).await;
}

fn main() {
    let clock = Clock::System;
    let published = Arc::new(Published::new(clock.now()));
    for pass in 0..5 {
        let writes = writes(pass);
        let watch = Stopwatch::start();
        published.take(&writes, clock.now());
        let each = watch.elapsed().as_nanos() / writes.len() as u128;
        println!("{} documents published: {each} ns each", writes.len());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build();
    runtime.expect("a thread").block_on(bench(clock, published));
}
