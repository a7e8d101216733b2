//! The daemon end to end: live data in, documents, heartbeat and HTTP out; starts, stops, feeds.

use crate::harness::market::{Feeder, feed, now_ms, recording, write};
use crate::harness::scene::{RECOVERY, holds_what_it_says, is, json, run};
use crate::harness::{Analytics, RedisServer, Reply, SOON, Scene, until};
use analytics::feed::message::{Message, What};
use analytics::feed::wire::Wire;
use analytics::recording::Op;
use quant::market::{Span, Symbol, Timestamp};
use quant::synthetic::{Instrument, World};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

/// Generous beside the half second of a beat: the box may be compiling.
const BEAT_GAP_MS: i64 = 1_000;
const DOCUMENTS: [&str; 3] = ["vpin", "obi", "summary"];

#[track_caller]
fn check_schema(name: &str, document: &Value) {
    let schemas = analytics::schemas::all();
    let (_, schema) = schemas.iter().find(|(known, _)| *known == name).unwrap();
    let validator = jsonschema::validator_for(schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{name}: {errors:?}\n{document}");
}

#[test]
fn every_symbol_has_documents_that_are_valid_current_and_expire() {
    let scene = Scene::start(&["AAA", "BBB", "CCC"]);
    for symbol in ["AAA", "BBB", "CCC"] {
        for name in DOCUMENTS {
            let document = scene.document(symbol, name).unwrap();
            check_schema(name, &document);
            holds_what_it_says(&document);
            assert_eq!(document["symbol"], symbol);
            assert_eq!(document["meta"]["status"], "ok", "{document}");
            let age = now_ms() - (document["timestamp"].as_f64().unwrap() * 1e3) as i64;
            assert!((0..6_000).contains(&age), "{age} ms: {document}");
            let key = format!("analytics:{symbol}:{name}");
            let ttl: i64 = scene.redis.cli(&["TTL", &key]).parse().unwrap();
            assert!((1..=60).contains(&ttl), "{key} lives {ttl} s");
        }
    }
    scene.finish(&[]);
}

#[test]
fn vpin_has_no_document_until_it_is_warm() {
    let scene = Scene::start(&["AAA"]);
    let redis = RedisServer::start();
    let mut client = redis.connect();
    let mut n = 0;
    let mut update = || {
        n += 1;
        write(&mut client, "NEW", n).unwrap();
    };
    update();
    let daemon = run(&redis.url(), &["NEW"], &[], &[]);
    let status = until("NEW has run", SOON, || {
        let status = json(&daemon, "/status");
        let status = status["symbols"]["NEW"]["vpin"]["status"]
            .as_str()?
            .to_owned();
        Some(status)
    });
    assert_eq!(status, "warming");
    assert_eq!(redis.cli(&["EXISTS", "analytics:NEW:vpin"]), "0");
    until("vpin appears", SOON, || {
        update();
        (redis.cli(&["EXISTS", "analytics:NEW:vpin"]) == "1").then_some(())
    });
    let vpin: Value = serde_json::from_str(&redis.cli(&["GET", "analytics:NEW:vpin"])).unwrap();
    check_schema("vpin", &vpin);
    assert_eq!(vpin["meta"]["status"], "ok");
    daemon.finish();
    scene.finish(&[]);
}

#[test]
fn a_feed_that_falls_silent_makes_documents_stale_and_not_wrong() {
    let sets = ["max_age_ms.book=1000", "max_age_ms.ticker=1000"];
    let scene = Scene::start_at(RedisServer::start(), &["AAA", "BBB"], None, &sets);
    scene.feeder.mute("AAA");
    until("the documents say stale", SOON, || {
        let mut all = ["obi", "vpin"].iter();
        all.all(|name| {
            let document = scene.document("AAA", name).unwrap();
            check_schema(name, &document);
            document["meta"]["status"] == "stale"
        })
        .then_some(())
    });
    let vpin = scene.document("AAA", "vpin").unwrap();
    assert_eq!(vpin["value"], 0.5, "{vpin}");
    scene.current(&["BBB"], RECOVERY);
    scene.feeder.unmute("AAA");
    scene.recovers("silent feed");
    scene.finish(&[]);
}

#[test]
fn the_heartbeat_is_whole_on_time_and_ends_with_running_false() {
    let scene = Scene::start(&["AAA", "BBB"]);
    let mut beats = vec![scene.heartbeat()];
    until("ten more heartbeats", SOON, || {
        let beat = scene.heartbeat();
        if beat["ts"] != beats[beats.len() - 1]["ts"] {
            beats.push(beat);
        }
        (beats.len() > 10).then_some(())
    });
    let times: Vec<i64> = beats.iter().map(|b| b["ts"].as_i64().unwrap()).collect();
    let gaps: Vec<i64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(
        gaps.iter().all(|gap| (1..=BEAT_GAP_MS).contains(gap)),
        "{gaps:?}"
    );
    let mean = gaps.iter().sum::<i64>() / gaps.len() as i64;
    assert!((400..=700).contains(&mean), "{gaps:?}");
    let ttl: i64 = scene
        .redis
        .cli(&["TTL", "heartbeat:analytics"])
        .parse()
        .unwrap();
    assert!((1..=15).contains(&ttl), "{ttl}");

    let beat = beats.last().unwrap();
    check_schema("heartbeat", beat);
    assert_eq!(beat["symbols"], 2);
    assert_eq!(beat["cadence_hz"], 2.0);
    assert_eq!(
        (&beat["running"], &beat["idle"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(beat["error_counts"], json!({}));
    assert_eq!(beat["bad_input"], json!({}));
    assert_eq!(beat["pid"], scene.daemon.pid());
    assert_eq!(beat["redis"]["connected"], true);
    assert_eq!(beat["shard"], json!({"index": 0, "count": 1}));
    let session = beat["session"].as_str().unwrap();
    assert!(["open", "pre", "post", "closed", "holiday"].contains(&session));
    for name in ["version", "host"] {
        assert!(
            beat[name].as_str().is_some_and(|text| !text.is_empty()),
            "{name}"
        );
    }
    let started = beat["started_at"].as_i64().unwrap();
    assert!(
        (times[0] - 60_000..=times[0]).contains(&started),
        "{started}"
    );
    for name in [
        "count", "skipped", "late_ms", "last_ms", "p50_ms", "p99_ms", "age_ms",
    ] {
        assert!(beat["pass"][name].is_number(), "pass.{name}: {beat}");
    }
    assert!(beat["pass"]["age_ms"].as_f64().unwrap() < 2_000.0);
    for job in ["vpin", "order_book", "summary"] {
        assert!(beat["update_intervals"][job].is_number(), "{job}");
        assert!(beat["last_updates"][job].as_f64().unwrap() > 0.0, "{job}");
        let state = &beat["jobs"][job];
        assert!(state["last_ok"].as_f64().unwrap() > 0.0, "{job}");
        assert_eq!(state["last_error"], Value::Null, "{job}");
        assert_eq!(state["error"], Value::Null, "{job}");
        assert_eq!(state["consecutive_errors"], 0, "{job}");
        assert!(state["duration_ms"].as_f64().unwrap() > 0.0, "{job}");
        assert!(state["no_value"].is_object(), "{job}");
    }
    assert_eq!(beat["jobs"]["summary"]["symbols"], 2);

    let Scene { daemon, redis, .. } = scene;
    daemon.finish();
    let last: Value = serde_json::from_str(&redis.cli(&["GET", "heartbeat:analytics"])).unwrap();
    check_schema("heartbeat", &last);
    assert_eq!(last["running"], false);
}

#[test]
fn an_interrupt_from_the_keyboard_is_an_orderly_stop_too() {
    let Scene {
        mut daemon, redis, ..
    } = Scene::start(&["AAA"]);
    daemon.signal("INT");
    assert!(daemon.wait_exit(Duration::from_secs(5)).success());
    let last: Value = serde_json::from_str(&redis.cli(&["GET", "heartbeat:analytics"])).unwrap();
    assert_eq!(last["running"], false);
    assert_eq!(daemon.unexpected_log_lines(&[]), [""; 0]);
}

#[test]
fn http_says_how_it_is_by_symbol_and_job() {
    let scene = Scene::start(&["AAA", "BBB"]);
    let health = json(&scene.daemon, "/health");
    assert_eq!(health["status"], "healthy");
    assert_eq!(health["service"], "analytics");
    assert_eq!(health["reasons"], json!([]));
    assert_eq!(json(&scene.daemon, "/ready")["ready"], true);

    let status = scene.status();
    assert_eq!(status["redis"]["connected"], true);
    assert!(status["passes"]["count"].as_u64().unwrap() > 0);
    for symbol in ["AAA", "BBB"] {
        for name in DOCUMENTS {
            let document = &status["symbols"][symbol][name];
            assert_eq!(document["status"], "ok", "{symbol} {name}");
            assert!(document["since"].is_string() && document["last_value"].is_string());
            assert!(document["duration_us"].as_f64().unwrap() > 0.0);
        }
    }
    for (job, document) in [
        ("vpin", "vpin"),
        ("order_book", "obi"),
        ("summary", "summary"),
    ] {
        assert_eq!(status["jobs"][job]["errors"], 0, "{job}");
        assert!(status["jobs"][job]["last_run"].is_string(), "{job}");
        assert!(status["calculators"][document].is_string(), "{document}");
    }

    let (code, metrics) = scene.daemon.get("/metrics");
    assert_eq!(code, 200);
    for name in [
        "analytics_pass_duration_seconds",
        "analytics_pass_late_seconds",
        "analytics_passes_skipped_total",
        "analytics_calculator_duration_seconds",
        "analytics_calculator_outcomes_total",
        "analytics_redis_round_trip_seconds",
        "analytics_input_age_seconds",
        "analytics_redis_bytes_total",
        "analytics_build_info",
    ] {
        assert!(
            metrics.contains(&format!("\n# TYPE {name} "))
                || metrics.starts_with(&format!("# TYPE {name} ")),
            "{name} in\n{metrics}"
        );
    }
    assert!(metrics.contains(r#"analytics_redis_bytes_total{direction="read"}"#));

    let (code, body) = scene.daemon.get("/nothing");
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((code, &body["code"]), (404, &json!("not_found")));
    assert!(body["error"].is_string());
    let answer = post(&scene.daemon.http_addr(), "/health");
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
    assert!(
        answer.contains(r#""code":"method_not_allowed""#),
        "{answer}"
    );
    scene.finish(&[]);
}

fn post(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn symbols_are_found_where_none_are_configured() {
    let redis = RedisServer::start();
    redis.cli(&["SADD", "market:symbols", "AAA", "not a symbol"]);
    let feeder = Feeder::start(&redis.socket(), &["AAA", "LATER"]);
    let daemon = run(&redis.url(), &[], &[], &[]);
    let symbols = vec!["AAA".to_owned()];
    let mut scene = Scene {
        daemon,
        feeder,
        redis,
        symbols,
    };
    scene.all_current(SOON);
    assert!(scene.document("LATER", "obi").is_none());
    assert_eq!(scene.bad("symbols", "bad_symbol"), 1);
    scene.redis.cli(&["SADD", "market:symbols", "LATER"]);
    scene.symbols.push("LATER".into());
    scene.all_current(SOON);
    until("the heartbeat counts both", SOON, || {
        (scene.heartbeat()["symbols"] == 2).then_some(())
    });
    scene.finish(&["bad_symbol"]);
}

#[test]
fn a_store_that_comes_later_is_waited_for_and_said_so() {
    let mut redis = RedisServer::start();
    redis.kill();
    std::fs::remove_file(redis.socket()).ok();
    let symbols = ["AAA", "BBB"];
    let daemon = run(&redis.url(), &symbols, &[], &[]);
    let health = is(&daemon, "degraded", SOON);
    assert_eq!(health["reasons"], json!(["redis: not connected"]));
    let reasons = json(&daemon, "/status")["reasons"].to_string();
    assert!(
        reasons.contains("not connected to redis at unix:"),
        "{reasons}"
    );
    assert_eq!(daemon.get("/ready").0, 503);
    assert_eq!(daemon.get("/metrics").0, 200);
    let feeder = Feeder::start(&redis.socket(), &symbols);
    redis.restart();
    let symbols = symbols.map(str::to_owned).into();
    let scene = Scene {
        daemon,
        feeder,
        redis,
        symbols,
    };
    scene.recovers("redis started after the daemon");
    assert_eq!(scene.daemon.get("/ready").0, 200);
    scene.finish(&["not connected to redis"]);
}

#[test]
fn one_pass_by_hand_prints_what_came_of_it() {
    let redis = RedisServer::start();
    for n in 0..60 {
        write(&mut redis.connect(), "AAA", n).unwrap();
    }
    let (code, out, _) = once(&redis, &[]);
    assert_eq!(
        (code, &out["symbols"], &out["errors"]),
        (0, &json!(1), &json!(0))
    );
    assert_eq!(out["documents"]["AAA"]["obi"]["status"], "ok", "{out}");
    assert_eq!(out["documents"]["AAA"]["vpin"]["status"], "ok", "{out}");
    let obi: Value = serde_json::from_str(&redis.cli(&["GET", "analytics:AAA:obi"])).unwrap();
    check_schema("obi", &obi);

    let (code, out, _) = once(&redis, &["--as-of", "2030-01-01T00:00:00Z"]);
    assert_eq!(
        (code, &out["as_of"]),
        (0, &json!("2030-01-01T00:00:00.000Z"))
    );
    assert_eq!(out["documents"]["AAA"]["obi"]["status"], "stale", "{out}");
    assert!(
        out["documents"]["AAA"]["obi"]["reason"].is_string(),
        "{out}"
    );

    let mut redis = redis;
    redis.kill();
    let (code, _, log) = once(&redis, &[]);
    assert_eq!(code, 1);
    assert!(log.contains("cannot reach redis at unix:"), "{log}");
}

fn once(redis: &RedisServer, more: &[&str]) -> (i32, Value, String) {
    let sets = [
        "--set",
        "symbols.standard=[\"AAA\"]",
        "--set",
        "calculators.vpin.bucket_size=200",
    ];
    let args = ["run", "--once"].iter().chain(&sets).chain(more);
    let args: Vec<&str> = args.copied().collect();
    let mut once = Analytics::spawn(&args, &[("REDIS_URL", &redis.url())]);
    let code = once.wait_exit(SOON).code().unwrap();
    let log: Vec<String> = once.log().iter().map(|line| line.text.clone()).collect();
    let out = serde_json::from_str(&once.stdout()).unwrap_or_default();
    (code, out, log.join("\n"))
}

#[test]
fn the_service_manager_is_told() {
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    let path = folder.path().join("notify.sock");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(SOON)).unwrap();
    let redis = RedisServer::start();
    let envs = [("NOTIFY_SOCKET", path.to_str().unwrap())];
    let _feeder = Feeder::start(&redis.socket(), &["AAA"]);
    let daemon = run(&redis.url(), &["AAA"], &[], &envs);
    let mut told = String::new();
    let mut hears = |what: &str| {
        until(&format!("the manager hears {what}"), SOON, || {
            let mut datagram = [0; 1024];
            let read = manager.recv(&mut datagram).unwrap();
            told.push_str(&String::from_utf8_lossy(&datagram[..read]));
            told.push('\n');
            told.contains(what).then_some(())
        });
    };
    hears("READY=1");
    hears("WATCHDOG=1");
    hears("STATUS=running: 1 symbols");
    daemon.terminate();
    hears("STOPPING=1");
    daemon.finish();
}

/// A tape of two symbols as events of lines, and how long it is.
fn tape(seconds: i64) -> String {
    let instruments: Vec<Instrument> = World::default_instruments().into_iter().take(2).collect();
    let (mut wire, mut count) = (Wire::new("test", false), 0);
    // A day of the past, so that what is restamped cannot be mistaken for what is not.
    let start = Timestamp::from_seconds(1_700_000_000);
    let mut lines = String::new();
    let until = start.plus(Span::from_seconds(seconds as f64));
    World::new(7, &instruments, start).advance(until, &mut |event| {
        count += 1;
        let symbol = &instruments[event.instrument].symbol;
        let message = Message {
            at: event.at,
            what: What::of_tape(symbol, count, event.kind),
        };
        wire.write(&message, &mut |record| {
            let op = match record.op {
                Op::Set => "set",
                Op::Rpush => "rpush",
                Op::Publish => "publish",
            };
            let value = String::from_utf8(record.value.to_vec()).unwrap();
            let (t_ns, key) = (record.t_ns, record.key);
            writeln!(
                lines,
                r#"{{"t_ns":{t_ns},"op":"{op}","key":"{key}","value":{value}}}"#
            )
            .unwrap();
        });
    });
    lines
}

#[test]
fn a_recording_is_played_into_the_present() {
    let folder = tempfile::tempdir().unwrap();
    let recording = recording(folder.path(), &tape(120));
    let names: Vec<Symbol> = World::default_instruments()
        .into_iter()
        .map(|i| i.symbol)
        .take(2)
        .collect();
    let redis = RedisServer::start();
    let mut player = feed(&redis, &recording, &["--speed", "100"]);
    assert!(player.wait_exit(SOON).success());
    assert_eq!(player.unexpected_log_lines(&[]), [""; 0]);
    let played: Value = serde_json::from_str(&player.stdout()).unwrap();
    assert_eq!(
        (&played["errors"], &played["dropped"]),
        (&json!(0), &json!(0)),
        "{played}"
    );
    assert_eq!(played["stopped"], false);
    assert!(played["seconds"].as_f64().unwrap() < 3.0, "{played}");

    let mut known: Vec<String> = redis
        .cli(&["SMEMBERS", "market:symbols"])
        .lines()
        .map(str::to_owned)
        .collect();
    known.sort();
    let mut expected: Vec<String> = names.iter().map(ToString::to_string).collect();
    expected.sort();
    assert_eq!(known, expected);
    for symbol in &names {
        let trades = format!("market:{symbol}:trades");
        let length: u64 = redis.cli(&["LLEN", &trades]).parse().unwrap();
        assert!((1..=1000).contains(&length), "{trades}: {length}");
        let last: Value = serde_json::from_str(&redis.cli(&["LINDEX", &trades, "-1"])).unwrap();
        let ticker: Value =
            serde_json::from_str(&redis.cli(&["GET", &format!("market:{symbol}:ticker")])).unwrap();
        for value in [last, ticker] {
            let age = now_ms() - value["timestamp"].as_i64().unwrap() / 1_000_000;
            assert!((-1_000..=2_000).contains(&age), "{age} ms: {value}");
        }
    }
    let beat: Value =
        serde_json::from_str(&redis.cli(&["GET", "heartbeat:feed:recording"])).unwrap();
    assert_eq!(beat["running"], false);
    assert_eq!(beat["messages"], played["events"]);
    for name in ["errors", "dropped", "reconnects"] {
        assert_eq!(beat[name], 0, "{name}");
    }
    for name in ["ts", "last_message_ms"] {
        let age = now_ms() - beat[name].as_i64().unwrap();
        assert!((0..=3_000).contains(&age), "{name}: {beat}");
    }
}

#[test]
fn a_recordings_own_times_are_kept_where_they_are_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let lines = r#"{"t_ns":1700000000000000000,"op":"set","key":"market:AAA:ticker","value":{"bid":1,"ask":2,"timestamp":1700000000000}}"#;
    let recording = recording(folder.path(), lines);
    let redis = RedisServer::start();
    let mut player = feed(&redis, &recording, &["--keep-times"]);
    assert!(player.wait_exit(SOON).success());
    let ticker = r#"{"bid":1,"ask":2,"timestamp":1700000000000}"#;
    assert_eq!(redis.cli(&["GET", "market:AAA:ticker"]), ticker);
}

#[test]
fn the_daemon_beside_a_feed_has_documents_of_what_is_played() {
    let folder = tempfile::tempdir().unwrap();
    let recording = recording(folder.path(), &tape(600));
    let redis = RedisServer::start();
    let player = feed(&redis, &recording, &["--speed", "20"]);
    let daemon = run(&redis.url(), &[], &[], &[]);
    for instrument in World::default_instruments().into_iter().take(2) {
        for name in DOCUMENTS {
            let key = format!("analytics:{}:{name}", instrument.symbol);
            let document = until(&format!("{key} is there"), 2 * SOON, || {
                match redis.command(&["GET", &key]) {
                    Reply::Bulk(Some(bytes)) => Some(bytes),
                    _ => None,
                }
            });
            let document: Value = serde_json::from_slice(&document).unwrap();
            check_schema(name, &document);
            holds_what_it_says(&document);
            assert_eq!(document["meta"]["status"], "ok", "{document}");
        }
    }
    player.finish();
    daemon.finish();
}
