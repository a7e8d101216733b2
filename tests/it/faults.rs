//! Faults of the world around the daemon: whatever breaks, it says so, harms nothing else, and is
//! back soon after. Each row fails on any warning or error that it does not name.

use crate::harness::market::{book, now_ms, ticker, trade};
use crate::harness::scene::{BAD_INPUT, RECOVERY, STORE_LOST, is, run};
use crate::harness::{Fault, Proxy, RedisServer, Reply, SOON, Scene, full_tier, until};
use std::io::Write;
use std::time::Duration;

const TWO: [&str; 2] = ["BAD", "GOOD"];

fn skipped(scene: &Scene) -> u64 {
    scene.status()["passes"]["skipped"].as_u64().unwrap()
}

/// A fault under way: said so, passes counted as skipped, HTTP answering.
#[track_caller]
fn is_degraded(scene: &Scene, before: u64, reason: &str) {
    scene.is("degraded", SOON);
    until("the status names the reason", SOON, || {
        let reasons = scene.status()["reasons"].to_string();
        reasons.contains(reason).then_some(())
    });
    until("passes are skipped", SOON, || {
        (skipped(scene) > before).then_some(())
    });
    assert_eq!(scene.daemon.get("/ready").0, 503);
}

/// State changes are told once: as many warnings as recoveries, not one a pass.
#[track_caller]
fn told_once(scene: &Scene, most: usize) {
    let log = scene.daemon.log();
    let told = log.iter().filter(|line| line.message == STORE_LOST).count();
    assert!((1..=most).contains(&told), "{told} warnings");
}

#[test]
fn redis_is_killed_and_comes_back_empty() {
    let mut scene = Scene::start(&TWO);
    for _ in 0..2 {
        let before = skipped(&scene);
        scene.redis.kill();
        is_degraded(&scene, before, "not connected to redis");
        scene.redis.restart();
        scene.recovers("redis killed");
    }
    // What was there before is there again, though its own interval has not come round.
    until("vpin is back", RECOVERY, || {
        scene.document("GOOD", "vpin").map(drop)
    });
    told_once(&scene, 2);
    // The lists are new ones.
    assert!(scene.bad("trades", "gap") >= 1);
    scene.finish(&[STORE_LOST, "gap"]);
}

/// What may pile up while the store is away, KiB: buffers of one pass, not one a pass.
const GROWTH_KB: u64 = 32 << 10;

fn redis_is_frozen(pause: Duration) {
    let scene = Scene::start(&TWO);
    let memory = scene.daemon.rss_kb();
    let before = skipped(&scene);
    scene.redis.pause();
    is_degraded(&scene, before, "redis");
    let watch = analytics::clock::Stopwatch::start();
    until("the pause is over", pause + SOON, || {
        // The door stays open and the loop turns.
        assert_eq!(scene.daemon.get("/health").0, 200);
        (watch.elapsed() >= pause).then_some(())
    });
    let grown = scene.daemon.rss_kb().saturating_sub(memory);
    assert!(grown < GROWTH_KB, "{grown} KiB more in {pause:?}");
    scene.redis.resume();
    scene.recovers(&format!("redis frozen {pause:?}"));
    told_once(&scene, 2);
    scene.finish(&[STORE_LOST]);
}

#[test]
fn redis_is_frozen_for_a_second() {
    redis_is_frozen(Duration::from_secs(1));
}

#[test]
fn redis_is_frozen_for_long() {
    if full_tier() {
        redis_is_frozen(Duration::from_secs(5));
        redis_is_frozen(Duration::from_secs(30));
    }
}

#[test]
fn redis_is_away_for_long() {
    if !full_tier() {
        return;
    }
    let mut scene = Scene::start(&TWO);
    let (before, memory) = (skipped(&scene), scene.daemon.rss_kb());
    scene.redis.kill();
    let deadline = Duration::from_secs(60);
    until("forty passes are skipped", deadline, || {
        (skipped(&scene) >= before + 40).then_some(())
    });
    let grown = scene.daemon.rss_kb().saturating_sub(memory);
    assert!(grown < GROWTH_KB, "{grown} KiB more");
    scene.redis.restart();
    scene.recovers("redis away for twenty seconds");
    told_once(&scene, 1);
    scene.finish(&[STORE_LOST, "gap"]);
}

#[test]
fn redis_comes_back_with_its_data_and_loads_for_a_while() {
    let slow = [
        ["--key-load-delay", "1000"],
        ["--loading-process-events-interval-bytes", "1024"],
        ["--rdbcompression", "no"],
    ];
    let redis = RedisServer::start_with(slow.as_flattened());
    let mut scene = Scene::start_at(redis, &TWO, None, &[]);
    let filler = "x".repeat(1024);
    for n in 0..1_000 {
        scene.redis.cli(&["SET", &format!("filler:{n}"), &filler]);
    }
    scene.redis.cli(&["SAVE"]);
    let before = skipped(&scene);
    scene.redis.restart();
    assert!(scene.redis.cli(&["DBSIZE"]).parse::<u64>().unwrap() > 1_000);
    until("passes were skipped", SOON, || {
        (skipped(&scene) > before).then_some(())
    });
    scene.recovers("redis loaded its data");
    scene.finish(&[STORE_LOST, "gap"]);
}

#[test]
fn everything_in_redis_is_evicted() {
    let scene = Scene::start(&TWO);
    scene.redis.cli(&["FLUSHALL"]);
    scene.recovers("flushed");
    until("vpin is back", RECOVERY, || {
        scene.document("GOOD", "vpin").map(drop)
    });
    scene.finish(&["gap"]);
}

#[test]
fn a_stop_does_not_wait_for_http_clients() {
    let scene = Scene::start(&TWO);
    let address = scene.daemon.http_addr();
    let mut half = std::net::TcpStream::connect(&address).unwrap();
    half.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n")
        .unwrap();
    let _idle = std::net::TcpStream::connect(&address).unwrap();
    scene.finish(&[]);
}

#[test]
fn clients_are_paused() {
    let scene = Scene::start(&TWO);
    let before = skipped(&scene);
    scene.redis.cli(&["CLIENT", "PAUSE", "1000", "ALL"]);
    is_degraded(&scene, before, "redis");
    scene.redis.cli(&["PING"]);
    scene.recovers("client pause");
    scene.finish(&[STORE_LOST]);
}

#[test]
fn a_script_keeps_redis_busy() {
    let redis = RedisServer::start_with(&["--busy-reply-threshold", "50"]);
    let scene = Scene::start_at(redis, &TWO, None, &[]);
    let before = skipped(&scene);
    let mut looping = scene.redis.connect();
    let socket = scene.redis.socket();
    std::thread::spawn(move || looping.command(&["EVAL", "while true do end", "0"]).ok());
    is_degraded(&scene, before, "redis");
    until("the script is killed", SOON, || {
        let mut client = crate::harness::Connection::open(&socket, SOON).ok()?;
        let killed = client.command(&["SCRIPT", "KILL"]).ok()?;
        (killed == Reply::Simple("OK".into())).then_some(())
    });
    scene.recovers("busy script");
    told_once(&scene, 2);
    scene.finish(&[STORE_LOST]);
}

/// Redis answers and takes no document.
fn writes_are_refused(what: &str, refuse: &[&str], allow: &[&str], reason: &str) {
    let scene = Scene::start(&TWO);
    scene.redis.cli(refuse);
    let health = until("health names the refusal", SOON, || {
        let health = scene.is("degraded", SOON);
        let reasons = scene.status()["reasons"].to_string();
        reasons.contains(reason).then_some(health)
    });
    assert!(health["reasons"].as_array().unwrap().len() > 1, "{health}");
    until("job errors are counted, run after run", SOON, || {
        let summary = &scene.status()["jobs"]["summary"];
        let counts = [&summary["errors"], &summary["consecutive_errors"]];
        let counted = counts.iter().all(|n| n.as_u64().unwrap() >= 3);
        (counted && summary["error"].to_string().contains(reason)).then_some(())
    });
    scene.redis.cli(allow);
    scene.recovers(what);
    let beat = scene.heartbeat();
    assert!(
        beat["error_counts"]["summary"].as_u64().unwrap() >= 3,
        "{beat}"
    );
    told_once(&scene, 2);
    scene.finish(&[STORE_LOST]);
}

#[test]
fn redis_is_full() {
    let full = ["CONFIG", "SET", "maxmemory", "1"];
    let room = ["CONFIG", "SET", "maxmemory", "0"];
    writes_are_refused("redis full", &full, &room, "OOM");
}

#[test]
fn redis_is_a_replica() {
    // Nobody listens there: the replica keeps its data and refuses writes.
    let replica = ["REPLICAOF", "127.0.0.1", "1"];
    let primary = ["REPLICAOF", "NO", "ONE"];
    writes_are_refused("read-only replica", &replica, &primary, "READONLY");
}

#[test]
fn the_password_is_wrong_until_the_user_is_made() {
    let redis = RedisServer::start();
    let url = format!("unix://late:hunter2@{}", redis.socket().display());
    let feeder = crate::harness::market::Feeder::start(&redis.socket(), &["GOOD"]);
    let daemon = run(&url, &["GOOD"], &[], &[]);
    is(&daemon, "degraded", SOON);
    redis.cli(&[
        "ACL", "SETUSER", "late", "on", ">hunter2", "~*", "&*", "+@all",
    ]);
    let symbols = vec!["GOOD".to_owned()];
    let scene = Scene {
        daemon,
        feeder,
        redis,
        symbols,
    };
    scene.recovers("user made late");
    assert!(
        scene
            .daemon
            .log()
            .iter()
            .all(|line| !line.text.contains("hunter2"))
    );
    scene.finish(&[STORE_LOST]);
}

#[test]
fn a_stop_does_not_wait_for_a_dead_redis() {
    let mut scene = Scene::start(&TWO);
    scene.redis.kill();
    scene.is("degraded", SOON);
    scene.finish(&[STORE_LOST]);
    let scene = Scene::start(&TWO);
    scene.redis.pause();
    scene.finish(&[STORE_LOST]);
}

fn the_line_is_bad(fault: Fault) {
    let redis = RedisServer::start();
    let proxy = Proxy::start(&redis.socket());
    let scene = Scene::start_at(redis, &TWO, Some(&proxy.url()), &[]);
    let before = skipped(&scene);
    proxy.set(fault);
    is_degraded(&scene, before, "redis");
    proxy.set(Fault::None);
    scene.recovers(&format!("{fault:?}"));
    scene.finish(&[STORE_LOST]);
}

#[test]
fn connections_are_cut_in_the_middle_of_a_reply() {
    the_line_is_bad(Fault::CutReply);
}

#[test]
fn connections_are_reset() {
    the_line_is_bad(Fault::Reset);
}

#[test]
fn replies_come_a_byte_a_millisecond() {
    the_line_is_bad(Fault::SlowReply);
}

#[test]
fn keys_of_a_wrong_type_harm_their_symbol_only() {
    let scene = Scene::start(&TWO);
    scene.feeder.mute("BAD");
    let wrong: [(&str, &[&str]); 3] = [
        ("ticker", &["RPUSH", "market:BAD:ticker", "x"]),
        ("book", &["HSET", "market:BAD:book", "x", "1"]),
        ("trades", &["SET", "market:BAD:trades", "x"]),
    ];
    for (_, command) in wrong {
        scene.redis.cli(&["DEL", command[1]]);
        scene.redis.cli(command);
    }
    for (family, _) in wrong {
        // What gives no text is asked for its type every ten seconds.
        until(&format!("{family} is counted"), 2 * SOON, || {
            (scene.bad(family, "wrong_type") > 0).then_some(())
        });
        scene.current(&["GOOD"], RECOVERY);
    }
    let obi = &scene.status()["symbols"]["BAD"]["obi"];
    assert_eq!(obi["status"], "missing", "{obi}");
    assert!(obi["reason"].is_string(), "{obi}");
    let keys = wrong.map(|(_, command)| command[1]);
    scene.redis.cli(&["DEL", keys[0], keys[1], keys[2]]);
    let beat = until("the heartbeat counts them", SOON, || {
        let beat = scene.heartbeat();
        let all = ["ticker", "book", "trades"];
        let counted = all
            .iter()
            .all(|family| beat["bad_input"][family]["wrong_type"].is_u64());
        counted.then_some(beat)
    });
    assert_eq!(beat["error_counts"], serde_json::json!({}));
    scene.feeder.unmute("BAD");
    scene.recovers("wrong types");
    scene.finish(&[BAD_INPUT]);
}

#[test]
fn discovered_parameters_of_a_wrong_type_are_counted() {
    let redis = RedisServer::start();
    redis.cli(&["RPUSH", "discovered:vpin_bucket_size", "x"]);
    redis.cli(&["RPUSH", "discovered:vpin_bucket_size:BAD", "x"]);
    redis.cli(&["HSET", "discovered:adv:BAD", "x", "1"]);
    let scene = Scene::start_at(redis, &TWO, None, &[]);
    assert!(scene.bad("discovered", "wrong_type") >= 3);
    scene.finish(&[BAD_INPUT]);
}

#[test]
fn a_set_of_symbols_that_is_none_keeps_those_that_are_known() {
    let redis = RedisServer::start();
    redis.cli(&["SADD", "market:symbols", "GOOD"]);
    let feeder = crate::harness::market::Feeder::start(&redis.socket(), &["GOOD"]);
    let daemon = run(&redis.url(), &[], &[], &[]);
    let symbols = vec!["GOOD".to_owned()];
    let scene = Scene {
        daemon,
        feeder,
        redis,
        symbols,
    };
    scene.all_current(SOON);
    scene.redis.cli(&["SET", "market:symbols", "GOOD"]);
    scene.bad_again("symbols", "wrong_type", 0);
    scene.all_current(RECOVERY);
    scene.is("healthy", RECOVERY);
    scene.finish(&[BAD_INPUT]);
}

#[test]
fn documents_replace_what_stands_in_their_place() {
    let scene = Scene::start(&TWO);
    for name in ["obi", "vpin", "summary"] {
        let key = format!("analytics:BAD:{name}");
        scene.redis.cli(&["DEL", &key]);
        scene.redis.cli(&["RPUSH", &key, "x"]);
    }
    scene.redis.cli(&["DEL", "heartbeat:analytics"]);
    scene.redis.cli(&["RPUSH", "heartbeat:analytics", "x"]);
    scene.recovers("documents of a wrong type");
    until("the heartbeat is one again", RECOVERY, || {
        (scene.redis.cli(&["TYPE", "heartbeat:analytics"]) == "string").then_some(())
    });
    scene.finish(&[]);
}

/// What is written, and the reason it is counted for: none where it is read as well as it can be.
type Poison = (&'static str, Vec<u8>, Option<&'static str>);

fn poisons() -> Vec<Poison> {
    let text = |text: &str| text.as_bytes().to_vec();
    vec![
        ("truncated", text(r#"{"bid":100.0,"pri"#), Some("bad_json")),
        ("empty", vec![], Some("bad_json")),
        ("not text", vec![b'{', 0xff, 0xfe, b'}'], Some("bad_utf8")),
        (
            "deep",
            format!(r#"{{"x":{}"#, "[".repeat(100_000)).into(),
            Some("bad_json"),
        ),
        ("junk", vec![b'x'; 1 << 20], Some("bad_json")),
        ("an array", text("[1,2,3]"), Some("bad_json")),
        ("null", text("null"), Some("bad_json")),
    ]
}

#[test]
fn poisoned_values_harm_their_symbol_only_and_pass() {
    let scene = Scene::start(&TWO);
    scene.feeder.mute("BAD");
    let put = |family: &str, value: &[u8]| {
        let key = format!("market:BAD:{family}");
        let command: &[u8] = if family == "trades" { b"RPUSH" } else { b"SET" };
        let reply = scene.redis.command(&[command, key.as_bytes(), value]);
        assert!(!matches!(reply, Reply::Error(_)), "{reply:?}");
    };
    for family in ["ticker", "book", "trades"] {
        for (what, value, reason) in poisons() {
            let reason = reason.unwrap();
            let before = scene.bad(family, reason);
            put(family, &value);
            until(
                &format!("{family}, {what}: {reason} is counted"),
                SOON,
                || (scene.bad(family, reason) > before).then_some(()),
            );
        }
    }
    let at = now_ms();
    let rows = [
        (
            "ticker",
            format!(r#"{{"bid":NaN,"ask":Infinity,"timestamp":{at}}}"#),
            "no_price",
        ),
        (
            "ticker",
            format!(r#"{{"bid":1e308,"ask":-1,"last":0,"timestamp":{at}}}"#),
            "bad_price",
        ),
        (
            "ticker",
            r#"{"bid":1,"ask":2,"timestamp":{}}"#.to_owned(),
            "bad_time",
        ),
        (
            "book",
            format!(r#"{{"bids":[[NaN,1e308],[1e308,1]],"asks":[["x","y"],7],"timestamp":{at}}}"#),
            "bad_level",
        ),
        (
            "book",
            format!(r#"{{"bids":"none","asks":7,"timestamp":{at}}}"#),
            "no_levels",
        ),
        (
            "trades",
            format!(r#"{{"price":NaN,"size":1,"timestamp":{at}}}"#),
            "no_price",
        ),
        (
            "trades",
            format!(r#"{{"price":1,"size":1e308,"timestamp":{at}}}"#),
            "bad_size",
        ),
        (
            "trades",
            format!(r#"{{"price":-5,"size":1,"timestamp":{at}}}"#),
            "bad_price",
        ),
        (
            "trades",
            r#"{"price":1,"size":1,"timestamp":"yesterday"}"#.to_owned(),
            "bad_time",
        ),
        (
            "trades",
            format!(r#"{{"price":1,"size":1,"side":[],"timestamp":{at}}}"#),
            "bad_side",
        ),
    ];
    for (family, value, reason) in rows {
        let before = scene.bad(family, reason);
        put(family, value.as_bytes());
        scene.bad_again(family, reason, before);
    }
    // Read as well as can be: numbers as text, and of a key that stands twice one value.
    let quoted = format!(
        r#"{{"bid":"99","bid":"100","ask":"100.01","timestamp":"{}"}}"#,
        now_ms()
    );
    put("ticker", quoted.as_bytes());
    scene.current(&["GOOD"], RECOVERY);
    let beat = scene.heartbeat();
    assert_eq!(beat["error_counts"], serde_json::json!({}));
    scene.feeder.unmute("BAD");
    scene.recovers("poisoned values");
    scene.finish(&[BAD_INPUT]);
}

#[test]
fn trades_may_repeat_and_come_from_any_time() {
    let scene = Scene::start(&TWO);
    scene.feeder.mute("BAD");
    let push = |element: &str| scene.redis.cli(&["RPUSH", "market:BAD:trades", element]);
    let id = 10_000_000;
    let future = trade(id + 1, now_ms() + 3_600_000);
    let old = trade(id + 2, 86_400_000);
    let cases = [
        (future, "future_time"),
        (old, "bad_time"),
        (trade(id, now_ms()), "repeated_id"),
    ];
    for (element, reason) in cases {
        let before = scene.bad("trades", reason);
        push(&element);
        push(&element);
        scene.bad_again("trades", reason, before);
    }
    for n in (0..20).rev() {
        push(&trade(id + 10 + n, now_ms() - n as i64 * 1_000));
    }
    scene.current(&["GOOD"], RECOVERY);
    scene.feeder.unmute("BAD");
    scene.recovers("trades of any time");
    let vpin = scene.document("BAD", "vpin").unwrap();
    assert!(
        (0.0..=1.0).contains(&vpin["value"].as_f64().unwrap()),
        "{vpin}"
    );
    scene.finish(&[BAD_INPUT]);
}

#[test]
fn a_list_trimmed_or_replaced_under_the_reader_is_a_gap_of_its_symbol() {
    let scene = Scene::start(&TWO);
    scene.feeder.mute("BAD");
    for how in [
        ["LTRIM", "market:BAD:trades", "1", "0"].as_slice(),
        &["DEL", "market:BAD:trades"],
    ] {
        let before = scene.bad("trades", "gap");
        scene.redis.cli(how);
        let fresh = 20_000_000 + before;
        scene
            .redis
            .cli(&["RPUSH", "market:BAD:trades", &trade(fresh, now_ms())]);
        scene.bad_again("trades", "gap", before);
        assert_eq!(scene.bad("trades", "gap"), before + 1, "counted once");
        scene.current(&["GOOD"], RECOVERY);
    }
    scene.feeder.unmute("BAD");
    scene.recovers("list replaced");
    scene.finish(&[BAD_INPUT]);
}

#[test]
fn a_book_and_a_quote_of_yesterday_are_stale() {
    let scene = Scene::start(&TWO);
    scene.feeder.mute("BAD");
    let yesterday = now_ms() - 86_400_000;
    scene
        .redis
        .cli(&["SET", "market:BAD:book", &book(1, yesterday)]);
    scene
        .redis
        .cli(&["SET", "market:BAD:ticker", &ticker(1, yesterday)]);
    until("the document says stale", SOON, || {
        let obi = scene.document("BAD", "obi")?;
        (obi["meta"]["status"] == "stale").then_some(())
    });
    scene.current(&["GOOD"], RECOVERY);
    scene.feeder.unmute("BAD");
    scene.recovers("yesterday's data");
    scene.finish(&[]);
}
