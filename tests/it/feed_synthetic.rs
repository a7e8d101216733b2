//! The synthetic feed end to end: keys, channels, documents, restarts, labels, dirt.

use crate::harness::market::now_ms;
use crate::harness::scene::json;
use crate::harness::{Analytics, RedisServer, Reply, SOON, get, run, run_with, until};
use serde_json::Value;
use std::time::Duration;

/// An unoptimised binary on a busy machine makes its first chain and prices it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Closed exchanges would leave the tests without data.
fn feed(redis: &RedisServer, more: &[&str]) -> Analytics {
    let args = ["feed", "--always-open", "--symbols", "SPY,NIFTY"];
    let args: Vec<&str> = args.iter().chain(more).copied().collect();
    Analytics::spawn(&args, &[("REDIS_URL", &redis.url())])
}

fn read(redis: &RedisServer, key: &str) -> Option<Value> {
    match redis.try_command(&["GET", key], SOON) {
        Ok(Reply::Bulk(Some(bytes))) => serde_json::from_slice(&bytes).ok(),
        _ => None,
    }
}

#[track_caller]
fn fresh(redis: &RedisServer, key: &str, since_ms: i64) -> Value {
    until(&format!("{key} is new"), PATIENCE, || {
        let value = read(redis, key)?;
        let at = ["timestamp", "as_of", "ts"].iter();
        let at = at.filter_map(|name| value[name].as_f64()).next()?;
        let mut ms = [1e6, 1.0, 1e-3].iter().map(|unit| at / unit);
        let ms = ms.find(|ms| (1e12..1e14).contains(ms))?;
        (ms > since_ms as f64).then_some(value)
    })
}

#[test]
fn the_engine_beside_the_feed_has_documents_of_every_kind() {
    let redis = RedisServer::start();
    let feed = feed(&redis, &[]);
    let daemon = Analytics::spawn(
        &[
            "run",
            "--set",
            "http.listen=[\"127.0.0.1:0\"]",
            "--set",
            "update_intervals.gex_dex=1",
        ],
        &[("REDIS_URL", &redis.url())],
    );
    for name in ["summary", "obi", "gex"] {
        let key = format!("analytics:SPY:{name}");
        let document = until(&format!("{key} has a value"), PATIENCE, || {
            let document = read(&redis, &key)?;
            (document["meta"]["status"] == "ok").then_some(document)
        });
        assert_eq!(document["symbol"], "SPY");
    }
    let gex = read(&redis, "analytics:SPY:gex").unwrap();
    assert!(gex["total_gex"].as_f64().unwrap() > 0.0);
    let status = json(&daemon, "/status");
    let bad = &status["bad_input"];
    assert!(
        bad.as_object().is_none_or(serde_json::Map::is_empty),
        "{bad}"
    );
    daemon.finish();
    feed.finish();
}

#[test]
fn every_key_and_channel_is_written_and_a_stop_says_so() {
    let redis = RedisServer::start();
    let mut subscriber = redis.connect();
    let channels = [
        "market:underlying",
        "market:option_chain",
        "events:options:chain",
    ];
    for channel in channels {
        subscriber.command(&["SUBSCRIBE", channel]).ok();
    }
    let mut feed = feed(&redis, &[]);
    fresh(&redis, "heartbeat:feed:synthetic", now_ms());
    for symbol in ["SPY", "NIFTY"] {
        for what in ["ticker", "book"] {
            fresh(&redis, &format!("market:{symbol}:{what}"), now_ms());
        }
        let chain = fresh(&redis, &format!("options:{symbol}:chain"), 0);
        assert_eq!(chain["symbol"], symbol);
        assert!(chain["contracts"].as_array().unwrap().len() > 100);
        let trades = format!("market:{symbol}:trades");
        let trade = until("a trade", PATIENCE, || {
            let text = redis.cli(&["LINDEX", &trades, "-1"]);
            serde_json::from_str::<Value>(&text).ok()
        });
        assert!(trade["bid"].as_f64() < trade["ask"].as_f64(), "{trade}");
        assert!(trade["id"].as_u64().is_some(), "{trade}");
        for key in [trades, format!("options:{symbol}:chain")] {
            assert!(
                redis.cli(&["TTL", &key]).parse::<i64>().unwrap() > 3_600,
                "{key}"
            );
        }
    }
    let mut names: Vec<String> = redis
        .cli(&["SMEMBERS", "market:symbols"])
        .lines()
        .map(str::to_owned)
        .collect();
    names.sort();
    assert_eq!(names, ["NIFTY", "SPY"]);

    feed.terminate();
    assert!(feed.wait_exit(Duration::from_secs(5)).success());
    assert_eq!(feed.unexpected_log_lines(&[]), [""; 0]);
    let said: Value = serde_json::from_str(&feed.stdout()).unwrap();
    assert_eq!(
        (&said["stopped"], &said["dropped"]),
        (&true.into(), &0.into()),
        "{said}"
    );
    let beat = read(&redis, "heartbeat:feed:synthetic").unwrap();
    assert_eq!(beat["running"], false);
    assert_eq!(beat["messages"], said["events"]);
}

#[test]
fn a_feed_that_was_killed_goes_on_when_it_is_started_again() {
    let redis = RedisServer::start();
    let mut first = feed(&redis, &["--seed", "5"]);
    let list = ["LINDEX", "market:SPY:trades", "-1"];
    let id = |text: String| serde_json::from_str::<Value>(&text).ok()?["id"].as_u64();
    let before = until("trades", PATIENCE, || id(redis.cli(&list)));
    first.kill();
    let killed = now_ms();
    let second = feed(&redis, &["--seed", "5"]);
    fresh(&redis, "market:SPY:ticker", killed);
    fresh(&redis, "options:SPY:chain", killed);
    until("newer trades", PATIENCE, || {
        (id(redis.cli(&list))? > before).then_some(())
    });
    second.finish();
}

#[test]
fn a_store_that_comes_back_is_fed_again() {
    let mut redis = RedisServer::start();
    let feed = feed(&redis, &[]);
    fresh(&redis, "market:SPY:ticker", now_ms());
    redis.restart();
    let back = now_ms();
    fresh(&redis, "market:SPY:ticker", back);
    fresh(&redis, "options:NIFTY:chain", back);
    let beat = until("the heartbeat tells", PATIENCE, || {
        let beat = read(&redis, "heartbeat:feed:synthetic")?;
        (beat["reconnects"].as_u64()? > 0).then_some(beat)
    });
    assert_eq!(beat["running"], true);
    feed.finish_allowing(&["the newest state is kept until the store answers"]);
}

#[test]
fn dirt_and_labels_are_written_and_counted() {
    let redis = RedisServer::start();
    let folder = tempfile::tempdir().unwrap();
    let labels = folder.path().join("truth.jsonl");
    let labels = labels.to_str().unwrap();
    let more = [
        "--dirt",
        "0.2",
        "--labels",
        labels,
        "--listen",
        "127.0.0.1:0",
    ];
    let mut feed = feed(&redis, &more);
    let beat = until("five kinds of dirt", PATIENCE, || {
        let beat = read(&redis, "heartbeat:feed:synthetic")?;
        (beat["dirt"].as_object()?.len() >= 5).then_some(beat)
    });
    assert_eq!(beat["errors"], 0, "{beat}");
    let (status, metrics) = get(&feed.http_addr(), "/metrics").unwrap();
    assert_eq!(status, 200);
    let counted = "analytics_feed_messages_total{provider=\"synthetic\",kind=\"trade\"}";
    assert!(metrics.contains(counted), "{metrics}");
    feed.terminate();
    assert!(feed.wait_exit(Duration::from_secs(5)).success());

    let labels = std::fs::read_to_string(labels).unwrap();
    assert!(labels.lines().count() > 5);
    for line in labels.lines() {
        let label: Value = serde_json::from_str(line).unwrap();
        assert!(["buy", "sell", "unknown"].contains(&label["side"].as_str().unwrap()));
        for field in [
            "symbol",
            "id",
            "timestamp_ns",
            "price",
            "size",
            "sweep",
            "iceberg",
            "episode",
            "block",
        ] {
            assert!(label.get(field).is_some(), "{field}: {label}");
        }
    }
}

#[test]
fn an_unknown_provider_is_refused_with_the_nearest_and_all() {
    let said = run(&["feed", "--provider", "sinthetic"]).refused();
    assert!(said.contains("did you mean `synthetic`?"), "{said}");
    assert!(
        said.contains("providers: synthetic, recording, cboe, globaldatafeeds"),
        "{said}"
    );
    let set = [("ANALYTICS__FEED__PROVIDER", "rekording")];
    let said = run_with(&["feed"], &set).refused();
    assert!(said.contains("did you mean `recording`?"), "{said}");
}

#[test]
fn flags_of_a_feed_are_held_to_their_ranges() {
    for (flag, value) in [
        ("--dirt", "2"),
        ("--speed", "0"),
        ("--seconds", "0"),
        ("--symbols", "A B"),
    ] {
        let said = run(&["feed", flag, value]).refused();
        assert!(
            said.contains(value) || said.contains("must be"),
            "{flag}: {said}"
        );
    }
    let said = run(&["feed", "--provider", "recording"]).refused();
    assert!(said.contains("wants recordings"), "{said}");
    let said = run(&["feed", "a.rec"]).refused();
    assert!(said.contains("plays no recordings"), "{said}");
}
