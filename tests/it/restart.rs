//! Kill and restart: VPIN goes on from its saved states as if nothing had happened.

use crate::harness::market::{TRADES, book, feed, now_ms, recording, ticker, trade};
use crate::harness::scene::{RECOVERY, run};
use crate::harness::{RedisServer, Reply, SOON, until};
use serde_json::Value;
use std::fmt::Write as _;
use std::time::Duration;

const SYMBOLS: [&str; 2] = ["AAA", "BBB"];
/// Updates a second of each symbol, five trades each: ten seconds fill a list of 1000.
const UPDATES: u64 = 20;
/// How long the recording is: some seconds before the kill and some after the restart.
const SECONDS: u64 = 16;
/// Trades that pass while nobody is there: two seconds of them.
const MISSED: u64 = 2 * UPDATES * TRADES;
/// States are at most a second old.
const SETS: [&str; 1] = ["engine.state_save_seconds=1"];
/// A trade is of 100 and a bucket of 200, twenty buckets make a value, and each later one another.
const SAMPLES: u64 = SECONDS * UPDATES * TRADES * 100 / 200 - 19;

/// Quotes, books and trades of every symbol, their sides now more and now less one-sided.
fn tape() -> String {
    // A day of the past; playing moves it to the present.
    let start_ms = 1_700_000_000_000;
    let mut lines = String::new();
    for n in 0..SECONDS * UPDATES {
        let ms = start_ms + (n * 1_000 / UPDATES) as i64;
        for symbol in SYMBOLS {
            let mut line = |op: &str, what: &str, value: &str| {
                writeln!(
                    lines,
                    r#"{{"t_ns":{ms}000000,"op":"{op}","key":"market:{symbol}:{what}","value":{value}}}"#
                )
                .unwrap();
            };
            line("set", "ticker", &ticker(n, ms));
            line("set", "book", &book(n, ms));
            for id in n * TRADES..(n + 1) * TRADES {
                let print = trade(id, ms);
                let one_sided = id * id % 97 < 20 + n % 70;
                let side = if one_sided { r#""buy""# } else { r#""sell""# };
                let value = print.replace(r#""buy""#, side);
                line("rpush", "trades", &value);
            }
        }
    }
    lines
}

fn vpin(redis: &RedisServer, symbol: &str) -> Option<Value> {
    let key = format!("analytics:{symbol}:vpin");
    match redis.command(&["GET", &key]) {
        Reply::Bulk(Some(bytes)) => serde_json::from_slice(&bytes).ok(),
        _ => None,
    }
}

fn samples(document: &Value) -> u64 {
    document["percentile_samples"].as_u64().unwrap_or(0)
}

/// The number of a symbol's newest trade.
fn newest_trade(redis: &RedisServer, symbol: &str) -> u64 {
    let last = redis.cli(&["LINDEX", &format!("market:{symbol}:trades"), "-1"]);
    let last: Value = serde_json::from_str(&last).unwrap();
    last["id"].as_u64().unwrap()
}

/// Waits until every symbol has a value of VPIN and a saved state; the values.
#[track_caller]
fn warm(redis: &RedisServer, least: u64) -> [Value; 2] {
    SYMBOLS.map(|symbol| {
        until(&format!("VPIN of {symbol} is warm and saved"), SOON, || {
            let state = format!("state:analytics:{symbol}:vpin");
            let document = vpin(redis, symbol)?;
            let saved = redis.cli(&["EXISTS", &state]) == "1";
            let ready = saved && document["meta"]["status"] == "ok";
            (ready && samples(&document) >= least).then_some(document)
        })
    })
}

/// The first document of each symbol after this instant has a value, and goes on from `before`.
#[track_caller]
fn goes_on(redis: &RedisServer, since_ms: i64, before: &[Value; 2]) {
    for (symbol, before) in SYMBOLS.iter().zip(before) {
        let first = until(&format!("VPIN of {symbol} is back"), RECOVERY, || {
            let document = vpin(redis, symbol)?;
            let at = document["timestamp"].as_f64()? * 1e3;
            (at > since_ms as f64).then_some(document)
        });
        assert_eq!(first["meta"]["status"], "ok", "without warming: {first}");
        assert!(samples(&first) >= samples(before), "{first}");
    }
}

#[test]
fn after_a_kill_vpin_ends_where_an_undisturbed_one_does() {
    let folder = tempfile::tempdir().unwrap();
    let recording = recording(folder.path(), &tape());
    let [disturbed, undisturbed] = [RedisServer::start(), RedisServer::start()];
    let stores = [&disturbed, &undisturbed];
    let [mut killed, quiet] = stores.map(|redis| run(&redis.url(), &SYMBOLS, &SETS, &[]));
    let feeds = stores.map(|redis| feed(redis, &recording, &[]));

    let before = warm(&disturbed, 50);
    killed.kill();
    let at_kill = newest_trade(&disturbed, "BBB");
    until("trades went on without a reader", SOON, || {
        (newest_trade(&disturbed, "BBB") >= at_kill + MISSED).then_some(())
    });
    let restarted_ms = now_ms();
    let successor = run(&disturbed.url(), &SYMBOLS, &SETS, &[]);
    goes_on(&disturbed, restarted_ms, &before);
    let restored = successor.logged("states restored", SOON);
    assert_eq!(restored.fields["symbols"], 2);

    for mut feed in feeds {
        let patience = Duration::from_secs(2 * SECONDS);
        assert!(feed.wait_exit(patience).success());
    }
    for symbol in SYMBOLS {
        let [one, other] = stores.map(|redis| {
            until(&format!("every trade of {symbol} is in"), SOON, || {
                vpin(redis, symbol).filter(|document| samples(document) >= SAMPLES)
            })
        });
        assert_eq!(samples(&one), SAMPLES, "every trade once");
        for field in [
            "value",
            "buckets",
            "bucket_size",
            "trades_analyzed",
            "volume",
            "classified_share",
            "open_bucket_fill",
            "se",
            "percentile",
            "percentile_samples",
        ] {
            assert!(!one[field].is_null(), "{field}: {one}");
            assert_eq!(one[field], other[field], "{symbol} {field}");
        }
    }
    successor.finish();
    quiet.finish();
}

#[test]
fn an_orderly_stop_saves_and_other_settings_start_anew() {
    let folder = tempfile::tempdir().unwrap();
    let recording = recording(folder.path(), &tape());
    let redis = RedisServer::start();
    let never = ["engine.state_save_seconds=3600"];
    let daemon = run(&redis.url(), &SYMBOLS, &never, &[]);
    let mut feed = feed(&redis, &recording, &[]);
    let before = SYMBOLS.map(|symbol| {
        until(&format!("VPIN of {symbol} is warm"), SOON, || {
            vpin(&redis, symbol).filter(|document| samples(document) >= 50)
        })
    });
    daemon.finish();
    let restarted_ms = now_ms();
    let daemon = run(&redis.url(), &SYMBOLS, &never, &[]);
    goes_on(&redis, restarted_ms, &before);
    daemon.logged("states restored", SOON);
    daemon.finish();

    let sets = [never[0], "calculators.vpin.bucket_size=400"];
    let daemon = run(&redis.url(), &SYMBOLS, &sets, &[]);
    let line = daemon.logged("state not restored", SOON);
    assert_eq!(line.fields["name"], "vpin");
    assert_eq!(line.fields["why"], "its settings differ");
    assert!(line.text.contains(r#""level":"INFO""#), "{}", line.text);
    until("VPIN has buckets of the other size", SOON, || {
        let document = vpin(&redis, "AAA")?;
        (document["bucket_size"] == 400.0).then_some(())
    });
    feed.terminate();
    assert!(feed.wait_exit(SOON).success());
    daemon.finish();
}
