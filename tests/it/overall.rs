//! What is computed over all symbols, through the real binary: correlation of real bars against the
//! published numbers, the portfolio of a live market, and one-day volatility from each source.

use std::path::Path;

use serde_json::{Value, json};

use crate::harness::market::{feed, now_ms};
use crate::harness::{RedisServer, SOON, Scene, Schema, require_shared, run, run_with, until};

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn document(redis: &RedisServer, key: &str) -> Option<Value> {
    serde_json::from_str(&redis.cli(&["GET", key])).ok()
}

/// Plays a recording into the store with the times it has.
fn play(redis: &RedisServer, recording: &Path, more: &[&str]) {
    let mut playing = feed(redis, text(recording), &[&["--keep-times"], more].concat());
    assert!(playing.wait_exit(SOON).success());
}

/// The rows of the reference: symbols, day, common returns, correlation.
fn reference(shared: &Path) -> Vec<(String, String, String, u64, f64)> {
    let path = shared.join("data/reference_vectors/corr_1min_2019-02.csv");
    let rows = std::fs::read_to_string(path).unwrap();
    let row = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        let number = fields[4].parse().unwrap();
        let [a, b, day] = [0, 1, 2].map(|at| fields[at].to_owned());
        (a, b, day, fields[3].parse().unwrap(), number)
    };
    rows.lines().skip(1).map(row).collect()
}

#[test]
fn correlations_of_real_bars_are_those_of_the_reference() {
    let shared = require_shared!();
    let reference = reference(&shared);
    assert_eq!(reference.len(), 24);
    let mut names: Vec<&str> = reference
        .iter()
        .flat_map(|(a, b, ..)| [a.as_str(), b.as_str()])
        .collect();
    names.sort_unstable();
    names.dedup();
    let symbols = format!("symbols.standard={}", json!(names));
    let mut worst: f64 = 0.0;
    for day in ["2019-02-11", "2019-02-12", "2019-02-13"] {
        let folder = tempfile::tempdir().unwrap();
        let recording = folder.path().join("bars.rec");
        let files = names.iter().map(|name| {
            let file = shared.join(format!("data/bars_1min_us_2019-02/{name}.csv"));
            text(&file).to_owned()
        });
        let files: Vec<String> = files.collect();
        let mut args = vec!["import", "bars-csv", "--stamp", "end", "--day", day];
        args.extend(["--out", text(&recording)]);
        args.extend(files.iter().map(String::as_str));
        run(&args).succeeded();
        let redis = RedisServer::start();
        play(&redis, &recording, &["--speed", "100000"]);
        let close = format!("{day}T21:00:00Z");
        let args = [
            ["run", "--once"],
            ["--as-of", &close],
            ["--set", &symbols],
            ["--set", "correlation.window_minutes=390"],
        ];
        let envs = [("REDIS_URL", redis.url())];
        let envs = envs.each_ref().map(|(name, value)| (*name, value.as_str()));
        run_with(&args.concat(), &envs).succeeded();
        let found = document(&redis, "analytics:portfolio:correlation").unwrap();
        Schema::of("correlation").check(&found.to_string());
        assert_eq!(found["source"], "computed");
        for (a, b, of_day, n, expected) in &reference {
            if of_day != day {
                continue;
            }
            let got = found["matrix"][a][b].as_f64().unwrap();
            worst = worst.max((got - expected).abs());
            assert!(
                (got - expected).abs() <= 1e-9,
                "{a} {b} {day}: {got} {expected}"
            );
            let (first, second) = if a < b { (a, b) } else { (b, a) };
            assert_eq!(found["observations"][first][second], *n, "{a} {b} {day}");
        }
        assert!(found["min_eigenvalue"].as_f64().unwrap() > 0.0);
        assert!(found["shrinkage"].as_f64().unwrap() > 0.0);
    }
    println!("24 rows, worst {worst:e}");
}

#[test]
fn a_live_market_has_a_portfolio_and_its_sectors() {
    let sets = [
        "update_intervals.portfolio=0",
        "update_intervals.sectors=0",
        "sector_map.AAA=\"TECH\"",
        "market.currencies.BBB=\"INR\"",
    ];
    let symbols = ["AAA", "BBB", "CCC"];
    let scene = Scene::start_at(RedisServer::start(), &symbols, None, &sets);
    let portfolio = until("the portfolio has both symbols", SOON, || {
        let found = document(&scene.redis, "analytics:portfolio:summary")?;
        (found["symbols_with_data"] == 3).then_some(found)
    });
    Schema::of("portfolio").check(&portfolio.to_string());
    assert_eq!(portfolio["symbol_count"], 3);
    assert_eq!(portfolio["missing_symbols"], json!([]));
    assert!(portfolio["symbol"].is_null(), "it is of no symbol");
    assert_eq!(portfolio["meta"]["currency"], "USD");
    let rows = portfolio["symbol_rows"].as_array().unwrap();
    assert_eq!(rows[1]["currency"], "INR");
    assert!(portfolio["other_currencies"]["INR"].is_object());
    let tech = document(&scene.redis, "analytics:portfolio:sector:TECH").unwrap();
    Schema::of("sector").check(&tech.to_string());
    assert_eq!(tech["symbols"], json!(["AAA"]));
    let other = document(&scene.redis, "analytics:portfolio:sector:OTHER").unwrap();
    assert_eq!(other["symbols"], json!(["BBB", "CCC"]));
    assert_eq!(portfolio["sector_flows"]["TECH"]["symbols"], json!(["AAA"]));
    // One whose feed ends is listed, and the others go on.
    scene.feeder.mute("CCC");
    let stale = until("the one without a feed is stale", SOON * 4, || {
        let found = document(&scene.redis, "analytics:portfolio:summary")?;
        (found["stale_symbols"] == json!(["CCC"])).then_some(found)
    });
    assert_eq!(stale["symbols_with_data"], 2);
    scene.finish(&[]);
}

#[test]
fn a_level_is_taken_from_the_broker_and_then_from_a_person() {
    let sets = ["update_intervals.volatility=0", "keys.aliases=true"];
    let scene = Scene::start_at(RedisServer::start(), &["AAA"], None, &sets);
    let level = |value: f64, at: i64| json!({"last": value, "timestamp": at}).to_string();
    let set = |key: &str, value: &str| scene.redis.cli(&["SET", key, value]);
    set("ibkr:market_data:VIX1D", &level(12.25, now_ms()));
    let vix1d = |source: &str| {
        until("a level", SOON, || {
            let found = document(&scene.redis, "analytics:vix1d")?;
            (found["source"] == source && found["meta"]["status"] == "ok").then_some(found)
        })
    };
    let broker = vix1d("ibkr");
    Schema::of("vix1d").check(&broker.to_string());
    assert_eq!(
        (&broker["value"], &broker["regime"]),
        (&json!(12.25), &json!("BENIGN"))
    );
    assert!(broker["timestamp"].is_i64(), "milliseconds");
    assert_eq!(broker["sources"]["chain"]["reason"], "no chain");
    let second = document(&scene.redis, "analytics:volatility:vix1d").unwrap();
    assert_eq!(second["value"], 12.25);
    let history = scene.redis.cli(&["LINDEX", "analytics:vix1d:history", "0"]);
    let newest: Value = serde_json::from_str(&history).unwrap();
    assert_eq!(
        (&newest["value"], &newest["source"]),
        (&json!(12.25), &json!("ibkr"))
    );
    assert!(newest["ts"].is_i64());
    assert_eq!(
        scene.redis.cli(&["EXISTS", "volatility:vix1d:ibkr:last"]),
        "1"
    );

    // The broker's level is over after 300 s; a person's stands in.
    set("ibkr:market_data:VIX1D", &level(12.25, now_ms() - 301_000));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("level.json");
    let now = now_ms() as f64 / 1e3;
    std::fs::write(&file, json!({"value": 19.5, "as_of": now}).to_string()).unwrap();
    let url = scene.redis.url();
    let envs = [("REDIS_URL", url.as_str())];
    let said = run_with(&["vix1d", "ingest", text(&file)], &envs).succeeded();
    assert!(said.starts_with("ingested 19.5 of "), "{said}");
    let manual = vix1d("manual");
    assert_eq!(
        (&manual["value"], &manual["regime"]),
        (&json!(19.5), &json!("NORMAL"))
    );
    assert_eq!(manual["samples"], 0, "no sample of the other source");
    assert_eq!(manual["sources"]["ibkr"]["status"], "stale");

    // When all fail the document says so, and why.
    scene.redis.cli(&["DEL", "volatility:vix1d:manual"]);
    let gone = until("the level ends", SOON, || {
        let found = document(&scene.redis, "analytics:vix1d")?;
        (found["meta"]["status"] == "stale").then_some(found)
    });
    assert!(gone["value"].is_null());
    let reason = gone["meta"]["reason"].as_str().unwrap();
    assert!(
        reason.contains("ibkr: 30") && reason.contains("manual: nothing there"),
        "{reason}"
    );
    scene.finish(&[]);
}

#[test]
fn the_chain_gives_the_same_level_as_the_command() {
    let shared = require_shared!();
    let folder = tempfile::tempdir().unwrap();
    let recording = folder.path().join("spx.rec");
    let file = shared.join("data/cboe_quotedata/raw/SPX_2023-06-09_1340.csv.zst");
    run(&[
        "import",
        "cboe-quotedata",
        text(&file),
        "--out",
        text(&recording),
    ])
    .succeeded();
    let at = "2023-06-09T13:40:00-04:00";
    let args = [
        "vix",
        text(&recording),
        "--json",
        "--days",
        "1",
        "--rate",
        "0.045",
        "--as-of",
        at,
    ];
    let of_command: Value = serde_json::from_str(&run(&args).succeeded()).unwrap();
    let redis = RedisServer::start();
    play(&redis, &recording, &[]);
    let url = redis.url();
    let sets = [
        "run",
        "--once",
        "--as-of",
        at,
        "--set",
        "symbols.standard=[\"SPX\"]",
    ];
    run_with(&sets, &[("REDIS_URL", url.as_str())]).succeeded();
    let found = document(&redis, "analytics:vix1d").unwrap();
    println!("vix1d {} of {}", found["value"], found["components"]);
    let (got, expected) = (
        found["value"].as_f64().unwrap(),
        of_command["vix"].as_f64().unwrap(),
    );
    assert!((got / expected - 1.0).abs() < 1e-12, "{got} {expected}");
    assert_eq!(found["source"], "chain");
    for part in ["zero_dte", "one_dte", "forward"] {
        assert!(found["components"][part].as_f64().unwrap() > 5.0, "{part}");
    }
}

/// A POST by hand: the status and the body.
fn post(address: &str, headers: &str, body: &str) -> (u16, Value) {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let length = body.len();
    let request = format!(
        "POST /vix1d/manual HTTP/1.1\r\nHost: {address}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

#[test]
fn only_who_has_a_token_may_ingest_a_level_over_http() {
    let made = run(&["token", "new", "desk"]).succeeded();
    let after = |name: &str| {
        made.lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap()
            .trim()
    };
    let (token, line) = (after("token:"), after("line:"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tokens");
    std::fs::write(&file, format!("# who may write\n{line}\n")).unwrap();
    let sets = [
        "update_intervals.volatility=0".to_owned(),
        format!("http.token_file={:?}", text(&file)),
    ];
    let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
    let scene = Scene::start_at(RedisServer::start(), &["AAA"], None, &sets);
    let address = scene.daemon.http_addr();
    let bearer = format!("Authorization: Bearer {token}\r\n");
    let body = json!({"value": 21.5, "as_of": now_ms() as f64 / 1e3}).to_string();
    let foreign = format!("{bearer}Origin: http://evil.example\r\n");
    let refused = [
        ("", body.as_str(), 401, "unauthorized"),
        (
            "Authorization: Bearer guessed\r\n",
            &body,
            401,
            "unauthorized",
        ),
        (&foreign, &body, 403, "foreign_origin"),
        (&bearer, "{\"value\": -1, \"as_of\": 1}", 400, "bad_level"),
        (&bearer, "not json", 400, "bad_level"),
    ];
    for (headers, body, status, code) in refused {
        let (got, error) = post(&address, headers, body);
        assert_eq!((got, &error["code"]), (status, &json!(code)), "{error}");
    }
    let long = "x".repeat(70_000);
    assert_eq!(post(&address, &bearer, &long).0, 413);
    assert_eq!(scene.redis.cli(&["EXISTS", "volatility:vix1d:manual"]), "0");
    assert_eq!(post(&address, &bearer, &body).0, 200);
    until("the level is published", SOON, || {
        let found = document(&scene.redis, "analytics:vix1d")?;
        (found["source"] == "manual" && found["value"] == 21.5).then_some(())
    });
    scene.finish(&[]);
}
