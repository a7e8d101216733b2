//! Messages by channel: each is counted with what became of it, whatever comes and however fast;
//! the subscription outlives the store; a flood costs nobody else.

use std::time::Duration;

use analytics::clock::Stopwatch;
use serde_json::{Value, json};

use crate::harness::market::{Feeder, now_ms, recording};
use crate::harness::scene::{self, BAD_INPUT, Scene};
use crate::harness::{Analytics, RedisServer, Reply, SOON, full_tier, run, until};

const OUTCOMES: [&str; 5] = [
    "processed",
    "lagged",
    "malformed",
    "duplicate",
    "unknown_symbol",
];

/// Messages a second, and in one write.
const RATE: usize = 20_000;
const AT_ONCE: usize = 200;

/// Symbols that come by channel alone.
const HEARD: [&str; 4] = ["HHA", "HHB", "HHC", "HHD"];

/// Waits until the channels are read.
#[track_caller]
fn subscribed(redis: &RedisServer, deadline: Duration) {
    until("the channels are subscribed to", deadline, || {
        let reply = redis.try_command(&["PUBSUB", "NUMSUB", "events:options:chain"], SOON);
        let Ok(Reply::Array(pairs)) = reply else {
            return None;
        };
        (pairs.last() == Some(&Reply::Int(1))).then_some(())
    });
}

/// How often each outcome was, over all channels; and messages received.
fn counted(daemon: &Analytics) -> (u64, [u64; 5]) {
    let status = scene::json(daemon, "/status");
    let channels = status["channels"].as_object().unwrap();
    let sum = |name: &str| -> u64 {
        let of = channels
            .values()
            .map(|counts| counts[name].as_u64().unwrap());
        of.sum()
    };
    (sum("received"), OUTCOMES.map(sum))
}

/// A message by its number: what comes of it, its channel, its text.
fn message(number: usize) -> (&'static str, &'static str, String) {
    let at = now_ms();
    let symbol = HEARD[number % HEARD.len()];
    let price = 100.0 + (number % 50) as f64 / 100.0;
    let strike = 80 + number / 4 % 40;
    let tick = |symbol: &str, number: usize, at: i64, volume: usize| {
        format!(
            r#"{{"type":"UNDERLYING","product":"{symbol}","price":{price},"timestamp":{at},"tick_id":{number},"volume":{volume}}}"#
        )
    };
    match number % 50 {
        0 => ("malformed", "market:underlying", "{\"product\":".into()),
        // The same for as long as it is remembered; the first of them is counted as it is.
        1 => (
            "duplicate",
            "market:underlying",
            tick("HHA", 1, 1_795_190_400_000, 1),
        ),
        2 => (
            "unknown_symbol",
            "market:underlying",
            tick("ZZZ", number, at, 1),
        ),
        3 => (
            "malformed",
            "market:option_quote",
            format!(r#"{{"product":"{symbol}","n":{number},"#),
        ),
        4 => (
            "processed",
            "market:option_chain",
            format!(
                r#"{{"product":"{symbol}","expiry":"2027-12-17","spot_price":{price},"calls":[{{"strike":{strike},"bid":1.5,"ask":1.6}}],"puts":[],"timestamp":{at},"n":{number}}}"#
            ),
        ),
        5 => (
            "processed",
            "events:options:chain",
            format!(r#"{{"symbol":"{symbol}","as_of":{at},"contracts":{number},"source":"test"}}"#),
        ),
        6..30 => (
            "processed",
            "market:option_quote",
            format!(
                r#"{{"symbol":"{symbol}X{strike}","product":"{symbol}","strike":{strike},"expiry":"2027-06-18","option_type":"CE","bid":1.5,"ask":1.6,"last":1.55,"volume":3,"open_interest":100,"iv":0.2,"timestamp":{at},"n":{number}}}"#
            ),
        ),
        30..35 => (
            "processed",
            "market:underlying",
            tick(symbol, number, at, 0),
        ),
        _ => (
            "processed",
            "market:underlying",
            tick(symbol, number, at, 100),
        ),
    }
}

#[test]
fn every_message_of_a_busy_feed_is_counted_once() {
    let count = if full_tier() { 1_000_000 } else { 100_000 };
    let redis = RedisServer::start();
    let feeder = Feeder::start(&redis.socket(), &["AAA"]);
    let symbols: Vec<&str> = ["AAA"].into_iter().chain(HEARD).collect();
    let daemon = scene::run(&redis.url(), &symbols, &[], &[]);
    subscribed(&redis, SOON);
    until("symbols are known", SOON, || {
        let status = scene::json(&daemon, "/status");
        (status["passes"]["count"].as_u64()? > 1).then_some(())
    });
    let mut connection = redis.connect();
    let (watch, cpu) = (Stopwatch::start(), daemon.cpu_seconds());
    let mut expected = [0_u64; 5];
    for batch in (0..count).collect::<Vec<usize>>().chunks(AT_ONCE) {
        let due = Duration::from_secs_f64(batch[0] as f64 / RATE as f64);
        until("the next are due", SOON, || {
            (watch.elapsed() >= due).then_some(())
        });
        let commands: Vec<Vec<String>> = batch
            .iter()
            .map(|number| {
                let (outcome, channel, text) = message(*number);
                expected[OUTCOMES.iter().position(|name| *name == outcome).unwrap()] += 1;
                vec!["PUBLISH".to_owned(), channel.to_owned(), text]
            })
            .collect();
        let replies = connection.pipeline(&commands).unwrap();
        assert!(replies.iter().all(|reply| *reply == Reply::Int(1)));
    }
    let took = watch.elapsed();
    let (received, outcomes) = until("every message has an outcome", SOON, || {
        let (received, outcomes) = counted(&daemon);
        let all: u64 = outcomes.iter().sum();
        (all == count as u64).then_some((received, outcomes))
    });
    let cpu = daemon.cpu_seconds() - cpu;
    println!("{count} messages in {took:?}: {cpu:.2} s of CPU, {OUTCOMES:?} {outcomes:?}");
    println!(
        "resident {} KiB, log {}",
        daemon.rss_kb(),
        daemon.log().len()
    );
    assert_eq!(received, count as u64);
    assert_eq!((outcomes[2], outcomes[4]), (expected[2], expected[4]));
    assert_eq!(
        outcomes[0] + outcomes[1] + outcomes[3],
        expected[0] + expected[3]
    );
    // The first of them is none, nor is the first after the memory of them ran out.
    let firsts = 1 + count as u64 / 65_536;
    assert!(outcomes[3] + firsts >= expected[3] && outcomes[3] < expected[3]);
    let metrics = daemon.get("/metrics").1;
    let processed: u64 = metrics
        .lines()
        .filter(|line| line.starts_with("analytics_channel_messages_total{"))
        .filter(|line| line.contains("outcome=\"processed\""))
        .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
        .sum();
    assert_eq!(processed, outcomes[0]);
    drop(feeder);
    daemon.finish_allowing(&[BAD_INPUT]);
}

#[test]
fn prints_and_quotes_by_channel_alone_make_documents() {
    let redis = RedisServer::start();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.rec");
    let path = path.to_str().unwrap();
    let symbols = "symbols.standard=[\"HHA\"]";
    let sets = [
        symbols,
        "http.listen=[\"127.0.0.1:0\"]",
        "calculators.vpin.bucket_size=200",
        "calculators.vpin.buckets=20",
        "calculators.vpin.min_trades=40",
        "update_intervals.vpin=0.5",
        "update_intervals.gex_dex=0.5",
    ];
    let mut args = vec!["run", "--record", path];
    args.extend(sets.iter().flat_map(|set| ["--set", *set]));
    let daemon = Analytics::spawn(&args, &[("REDIS_URL", &redis.url())]);
    subscribed(&redis, SOON);
    let mut connection = redis.connect();
    let mut number = 0;
    let document = |name: &str| -> Option<Value> {
        let text = redis.cli(&["GET", &format!("analytics:HHA:{name}")]);
        serde_json::from_str(&text).ok()
    };
    until("prints by channel make a vpin", SOON, || {
        for _ in 0..20 {
            number += 1;
            let text = json!({"product": "HHA", "price": 50.0 + f64::from(number % 3),
                "volume": 100, "tick_id": number, "timestamp": now_ms()});
            connection
                .command(&["PUBLISH", "market:underlying", &text.to_string()])
                .unwrap();
        }
        let at = now_ms();
        for strike in [45, 50, 55] {
            for right in ["CE", "PE"] {
                let text = json!({"product": "HHA", "strike": strike, "expiry": "2027-06-18",
                    "option_type": right, "bid": 3.0, "ask": 3.1, "open_interest": 100,
                    "iv": 0.3, "gamma": 0.02, "delta": 0.5, "timestamp": at, "n": number});
                connection
                    .command(&["PUBLISH", "market:option_quote", &text.to_string()])
                    .unwrap();
            }
        }
        let is_ok = |name: &str| document(name).is_some_and(|d| d["meta"]["status"] == "ok");
        (is_ok("vpin") && is_ok("gex")).then_some(())
    });
    assert!(document("summary").unwrap()["spot"].as_f64().unwrap() >= 50.0);
    daemon.finish();
    let verified = run(&["replay", "--verify", path]).succeeded();
    let verified: Value = serde_json::from_str(&verified).unwrap();
    assert_eq!(verified["difference"], Value::Null);
    assert!(verified["documents"].as_u64().unwrap() > 0, "{verified}");
}

#[test]
fn a_store_that_was_killed_is_subscribed_to_again_in_time() {
    let mut redis = RedisServer::start();
    let daemon = scene::run(&redis.url(), &["HHA"], &[], &[]);
    subscribed(&redis, SOON);
    redis.restart();
    let watch = Stopwatch::start();
    subscribed(&redis, Duration::from_secs(3));
    println!("subscribed again after {:?}", watch.elapsed());
    let text = r#"{"product":"HHA","price":7,"tick_id":1}"#;
    redis.cli(&["PUBLISH", "market:underlying", text]);
    until("messages are processed again", SOON, || {
        (counted(&daemon).1[0] == 1).then_some(())
    });
    // A message without a time is taken as of its receipt, and said so.
    daemon.finish_allowing(&[scene::STORE_LOST, BAD_INPUT]);
}

#[test]
fn a_malformed_flood_costs_no_document() {
    let scene = Scene::start(&["AAA", "BBB"]);
    subscribed(&scene.redis, SOON);
    let mut connection = scene.redis.connect();
    let watch = Stopwatch::start();
    let flood: Vec<Vec<String>> = (0..1_000)
        .map(|number| {
            let channels = [
                "market:underlying",
                "market:option_quote",
                "market:option_chain",
            ];
            let texts = [
                "{",
                "[[[[",
                "\u{0}",
                r#"{"product":"AAA","price":"x"}"#,
                "null",
                "{}",
            ];
            let text = format!("{}{}", texts[number % 6], " ".repeat(number % 97));
            vec!["PUBLISH".into(), channels[number % 3].to_owned(), text]
        })
        .collect();
    let mut since = now_ms();
    while watch.elapsed() < Duration::from_secs(3) {
        connection.pipeline(&flood).unwrap();
        for symbol in ["AAA", "BBB"] {
            let document = scene.document(symbol, "summary").unwrap();
            scene::holds_what_it_says(&document);
            assert_eq!(document["meta"]["status"], "ok", "{document}");
        }
        if watch.elapsed() > Duration::from_secs(1) && since > 0 {
            scene.all_current(SOON);
            since = 0;
        }
    }
    scene.all_current(SOON);
    scene.is("healthy", SOON);
    // A machine that is busy with other things skips a pass now and then.
    scene.finish(&[BAD_INPUT, scene::STORE_LOST]);
}

#[test]
fn a_chain_that_is_told_is_read_in_the_next_pass() {
    let redis = RedisServer::start();
    let jobs = ["gex_dex", "dealer_flows", "unusual_activity", "chain_stats"];
    let seldom = jobs.map(|job| format!("update_intervals.{job}=3600"));
    let seldom = seldom.each_ref().map(String::as_str);
    let daemon = scene::run(&redis.url(), &["HHA"], &seldom, &[]);
    subscribed(&redis, SOON);
    let age = || {
        let metrics = daemon.get("/metrics").1;
        metrics.contains("analytics_input_age_seconds{section=\"chain\"}")
    };
    until("it turns", SOON, || {
        let status = scene::json(&daemon, "/status");
        (status["passes"]["count"].as_u64()? > 1).then_some(())
    });
    assert!(!age());
    let chain = json!({"as_of": now_ms(), "spot": 50, "contracts": [
        {"strike": 50, "expiry": "2027-06-18", "type": "call", "bid": 1, "ask": 1.1}]});
    redis.cli(&["SET", "options:HHA:chain", &chain.to_string()]);
    let told = json!({"symbol": "HHA", "as_of": now_ms(), "contracts": 1, "source": "test"});
    redis.cli(&["PUBLISH", "events:options:chain", &told.to_string()]);
    until("the chain is read", Duration::from_secs(3), || {
        age().then_some(())
    });
    daemon.finish();
}

#[test]
fn channels_can_be_left_alone() {
    let redis = RedisServer::start();
    let daemon = scene::run(&redis.url(), &["HHA"], &["inputs.channels=false"], &[]);
    scene::is(&daemon, "healthy", SOON);
    assert_eq!(redis.cli(&["PUBSUB", "CHANNELS"]), "");
    assert_eq!(scene::json(&daemon, "/status")["channels"], json!({}));
    daemon.finish();
}

#[test]
fn a_recording_of_messages_is_replayed() {
    let folder = tempfile::tempdir().unwrap();
    // 2026-11-20 10:00 in New York, ten prints a second.
    let start = 1_795_186_800_000_i64;
    let line = |n: i64| {
        let at = start + n * 100;
        let value = json!({"product": "HHA", "price": 50 + n % 3, "volume": 100, "tick_id": n,
            "timestamp": at});
        let event = json!({"t_ns": at * 1_000_000, "op": "publish", "key": "market:underlying",
            "value": value});
        format!("{event}\n")
    };
    let lines: String = (0..600).map(line).collect();
    let recorded = recording(folder.path(), &lines);
    let replayed = |name: &str, channels: bool| {
        let out = folder.path().join(name);
        let channels = format!("inputs.channels={channels}");
        let args = ["replay", "--out", out.to_str().unwrap(), &recorded];
        let sets = ["--set", "symbols.standard=[\"HHA\"]", "--set", &channels];
        run(&[&args[..], &sets].concat()).succeeded();
        let lines = |document: &str, wanted: &str| {
            let lines = std::fs::read_to_string(out.join(format!("{document}.jsonl")));
            let lines = lines.unwrap_or_default();
            lines.lines().filter(|line| line.contains(wanted)).count()
        };
        let prints = lines("toxicity", "\"total_trades_analyzed\":200");
        (lines("summary", "\"spot\":5"), prints)
    };
    let heard = replayed("heard", true);
    assert!(heard.0 > 100 && heard.1 > 0, "{heard:?}");
    assert_eq!(replayed("again", true), heard);
    assert_eq!(replayed("deaf", false), (0, 0));
}
