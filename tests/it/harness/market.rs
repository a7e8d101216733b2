//! A producer: ticker, book and trades of a few symbols with the present as their time, written as
//! feeds do, through the harness's own client.

use super::{Analytics, Connection, RedisServer, SOON};
use analytics::clock::Clock;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Between two updates: ten a pass.
const EVERY: Duration = Duration::from_millis(50);
/// How long the feeder waits for a store that may be frozen.
const PATIENCE: Duration = Duration::from_millis(200);
/// Trades of one symbol in one update.
pub(crate) const TRADES: u64 = 5;

/// Milliseconds since the epoch.
pub(crate) fn now_ms() -> i64 {
    Clock::System.now().millis()
}

/// A quote one cent wide that walks a little with `n`.
pub(crate) fn ticker(n: u64, at_ms: i64) -> String {
    let bid = 100.0 + (n % 7) as f64 / 100.0;
    let ask = bid + 0.01;
    format!(r#"{{"bid":{bid:.2},"ask":{ask:.2},"last":{bid:.2},"volume":{n},"timestamp":{at_ms}}}"#)
}

/// Two levels a side around the same quote.
pub(crate) fn book(n: u64, at_ms: i64) -> String {
    let bid = 100.0 + (n % 7) as f64 / 100.0;
    let (b1, a1, a2) = (bid - 0.01, bid + 0.01, bid + 0.02);
    let size = 100 + n % 300;
    format!(
        r#"{{"bids":[[{bid:.2},{size}],[{b1:.2},300]],"asks":[[{a1:.2},200],[{a2:.2},400]],"timestamp":{at_ms}}}"#
    )
}

/// A print of a hundred at the quote, its side by turns of three; `n` is its id.
pub(crate) fn trade(n: u64, at_ms: i64) -> String {
    let side = if n.is_multiple_of(3) { "sell" } else { "buy" };
    let price = 100.0 + (n % 5) as f64 / 100.0;
    format!(r#"{{"id":{n},"price":{price:.2},"size":100,"side":"{side}","timestamp":{at_ms}}}"#)
}

/// Writes one update of a symbol; `n` numbers it.
pub(crate) fn write(redis: &mut Connection, symbol: &str, n: u64) -> std::io::Result<()> {
    let at = now_ms();
    let key = |what: &str| format!("market:{symbol}:{what}");
    redis.command(&["SET", &key("ticker"), &ticker(n, at)])?;
    redis.command(&["SET", &key("book"), &book(n, at)])?;
    let list = key("trades");
    let trades: Vec<String> = (0..TRADES).map(|t| trade(n * TRADES + t, at)).collect();
    let push = ["RPUSH", &list].into_iter();
    let push: Vec<&str> = push.chain(trades.iter().map(String::as_str)).collect();
    redis.command(&push)?;
    redis.command(&["LTRIM", &list, "-1000", "-1"])?;
    Ok(())
}

/// A thread that goes on writing whatever happens to the store.
pub(crate) struct Feeder {
    muted: Arc<Mutex<BTreeSet<String>>>,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Feeder {
    /// Feeds these symbols into the server on this socket, which need not be up.
    pub(crate) fn start(socket: &Path, symbols: &[&str]) -> Self {
        let (stop, stopped) = channel();
        let muted = Arc::<Mutex<BTreeSet<String>>>::default();
        let symbols: Vec<String> = symbols.iter().map(ToString::to_string).collect();
        let (socket, silent) = (PathBuf::from(socket), Arc::clone(&muted));
        let thread = std::thread::spawn(move || {
            let mut connection = None;
            for n in 1.. {
                let mut client = match connection.take() {
                    Some(client) => Some(client),
                    None => Connection::open(&socket, PATIENCE).ok(),
                };
                for symbol in &symbols {
                    // Held while writing: once `mute` returns, nothing of the symbol follows.
                    let silent = silent.lock().unwrap_or_else(PoisonError::into_inner);
                    if !silent.contains(symbol) {
                        // After a time-out, replies would be out of step: begin anew.
                        client = client.and_then(|mut client| {
                            write(&mut client, symbol, n).is_ok().then_some(client)
                        });
                    }
                }
                connection = client;
                if stopped.recv_timeout(EVERY) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
            }
        });
        Self {
            muted,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Leaves a symbol's keys alone.
    pub(crate) fn mute(&self, symbol: &str) {
        self.silent().insert(symbol.to_owned());
    }

    /// Goes on with it.
    pub(crate) fn unmute(&self, symbol: &str) {
        self.silent().remove(symbol);
    }

    fn silent(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.muted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Feeder {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// The recording `tape.rec` in this folder of events given as lines, made by our importer.
#[track_caller]
pub(crate) fn recording(folder: &Path, lines: &str) -> String {
    let (source, out) = (folder.join("tape.jsonl"), folder.join("tape.rec"));
    std::fs::write(&source, lines).unwrap();
    let out = out.to_str().unwrap();
    let args = ["import", "jsonl", source.to_str().unwrap(), "--out", out];
    let mut import = Analytics::spawn(&args, &[]);
    assert!(import.wait_exit(SOON).success());
    out.to_owned()
}

/// A feed that plays a recording into this server.
pub(crate) fn feed(redis: &RedisServer, recording: &str, more: &[&str]) -> Analytics {
    let args = ["feed", "--provider", "recording", recording];
    let args: Vec<&str> = args.iter().chain(more).copied().collect();
    Analytics::spawn(&args, &[("REDIS_URL", &redis.url())])
}
