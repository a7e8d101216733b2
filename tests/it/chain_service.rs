//! The documents of the chain service in a real store: those of a real chain of SPX, and symbols of
//! two countries in one engine.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use analytics::recording::{Op, Reader};
use quant::market::{Span, Timestamp};
use serde_json::{Value, json};

use crate::harness::{Connection, RedisServer, Reply, Schema, require_shared, run, run_with};

/// One pass on what is in the store, as if it were this time.
#[track_caller]
fn once(redis: &RedisServer, now: Timestamp, sets: &[&str]) -> Value {
    let as_of = now.to_rfc3339();
    let mut args = vec!["run", "--once", "--as-of", &as_of];
    args.extend(sets.iter().flat_map(|set| ["--set", *set]));
    let out = run_with(&args, &[("REDIS_URL", &redis.url())]).succeeded();
    serde_json::from_str(&out).unwrap()
}

/// The text at a key.
#[track_caller]
fn text(redis: &RedisServer, key: &str) -> String {
    match redis.command(&["GET", key]) {
        Reply::Bulk(Some(bytes)) => String::from_utf8(bytes).unwrap(),
        other => panic!("{key}: {other:?}"),
    }
}

#[track_caller]
fn document(redis: &RedisServer, key: &str) -> Value {
    serde_json::from_str(&text(redis, key)).unwrap()
}

fn keys(redis: &RedisServer, pattern: &str) -> BTreeSet<String> {
    let found = redis.cli(&["KEYS", pattern]);
    found
        .lines()
        .filter(|key| !key.is_empty())
        .map(str::to_owned)
        .collect()
}

#[track_caller]
fn lives(redis: &RedisServer, key: &str, seconds: i64) {
    match redis.command(&["TTL", key]) {
        Reply::Int(ttl) => assert!((seconds - 20..=seconds).contains(&ttl), "{key}: {ttl}"),
        other => panic!("{key}: {other:?}"),
    }
}

/// The members of an object.
fn fields(value: &Value) -> BTreeSet<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

/// What came on a channel, by channel.
fn heard(subscriber: &mut Connection, messages: usize) -> BTreeMap<String, Vec<String>> {
    let mut heard: BTreeMap<String, Vec<String>> = BTreeMap::new();
    while heard.values().map(Vec::len).sum::<usize>() < messages {
        let Reply::Array(parts) = subscriber.read().unwrap() else {
            panic!("no message");
        };
        let [kind, channel, payload] = &parts[..] else {
            panic!("{parts:?}");
        };
        if kind.to_text() == "message" {
            heard
                .entry(channel.to_text())
                .or_default()
                .push(payload.to_text());
        }
    }
    heard
}

/// The chain of a download as the store holds it, and a moment after it.
fn put_chain(redis: &RedisServer, shared: &Path, name: &str) -> Timestamp {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.rec");
    let file = shared.join(format!("data/cboe_quotedata/raw/{name}.csv.zst"));
    let args = ["import", "cboe-quotedata", "--out", path.to_str().unwrap()];
    run(&[&args[..], &[file.to_str().unwrap()]].concat()).succeeded();
    let mut last = 0;
    for record in Reader::open(&path).unwrap() {
        let record = record.unwrap();
        if record.op == Op::Set {
            redis.command(&[b"SET", record.key.as_bytes(), &record.value]);
        }
        last = record.t_ns;
    }
    Timestamp::from_nanos(last).plus(Span::from_seconds(1.0))
}

const LEG: [&str; 12] = [
    "strike",
    "last",
    "iv",
    "open_interest",
    "volume",
    "oi_change",
    "bid",
    "ask",
    "delta",
    "gamma",
    "vega",
    "theta",
];

const CHAIN: [&str; 18] = [
    "product",
    "expiry",
    "root",
    "spot_price",
    "pcr_oi",
    "pcr_volume",
    "atm_strike",
    "atm_straddle_price",
    "max_pain_strike",
    "total_call_oi",
    "total_put_oi",
    "call_buildup_otm",
    "put_buildup_otm",
    "strikes",
    "calls",
    "puts",
    "timestamp",
    "processed_at",
];

#[test]
fn a_real_chain_stands_at_every_key_and_is_told_on_its_channel() {
    let shared = require_shared!();
    let redis = RedisServer::start();
    let now = put_chain(&redis, &shared, "SPX_2023-06-09_1340");
    let trade = |seconds: f64, price: f64| {
        let at = now.plus(Span::from_seconds(-seconds)).to_rfc3339();
        redis.command(&[
            "RPUSH",
            "market:SPX:trades",
            &json!({"price": price, "size": 1, "timestamp": at}).to_string(),
        ]);
    };
    trade(90.0, 4305.0);
    trade(2.0, 4306.5);
    // A symbol without prints, whose feed gives minute bars.
    for minute in (1..=10).rev() {
        let at = now.whole_seconds().div_euclid(60) * 60 - 60 * minute;
        let bar = json!({"time": at, "open": 10, "high": 12, "low": 9, "close": 11, "volume": 100});
        redis.command(&["RPUSH", "market:BARS:bars:1min", &bar.to_string()]);
    }
    let mut subscriber = redis.connect();
    let channels = [
        "enriched:underlying",
        "enriched:option_chain",
        "events:analytics",
    ];
    subscriber
        .command(&[&["SUBSCRIBE"], &channels[..]].concat())
        .unwrap();
    let sets = [
        "symbols.standard=[\"SPX\",\"BARS\"]",
        "events.analytics=true",
        "chain_service.options=100",
    ];
    once(&redis, now, &sets);

    let chains = keys(&redis, "latest:chain:SPX:*");
    let names: BTreeSet<String> = chains
        .iter()
        .map(|key| key["latest:chain:SPX:".len()..].to_owned())
        .collect();
    let members = redis.cli(&["SMEMBERS", "index:expiries:SPX"]);
    assert_eq!(names, members.lines().map(str::to_owned).collect());
    let ratios = keys(&redis, "latest:pcr:SPX:*");
    assert_eq!(ratios.len(), chains.len());
    // The third Friday of June: SPXW settles at its close, SPX at its open.
    assert!(
        names.contains("2023-06-16") && names.contains("2023-06-16:AM"),
        "{names:?}"
    );
    lives(&redis, "index:expiries:SPX", 300);

    let schema = Schema::of("latest_chain");
    let (mut bytes, mut legs) = (0, 0);
    for key in &chains {
        let text = text(&redis, key);
        bytes += text.len();
        schema.check(&text);
        let chain: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(fields(&chain), CHAIN.into());
        assert_eq!(chain["product"], "SPX");
        let strikes = chain["strikes"].as_array().unwrap();
        for side in ["calls", "puts"] {
            let side = chain[side].as_array().unwrap();
            assert_eq!(side.len(), strikes.len(), "{key}");
            for (leg, strike) in side.iter().zip(strikes).filter(|(leg, _)| !leg.is_null()) {
                assert_eq!(fields(leg), LEG.into());
                assert_eq!(&leg["strike"], strike);
                legs += 1;
            }
        }
        lives(&redis, key, 300);
    }
    println!("{} chains, {legs} legs, {bytes} bytes", chains.len());
    assert!(
        legs > 10_000 && bytes / legs < 250,
        "{legs} legs of {bytes} bytes"
    );

    let chain = document(&redis, "latest:chain:SPX:2023-06-16");
    let pcr = document(&redis, "analytics:SPX:pcr");
    let rows = pcr["by_expiry"].as_array().unwrap();
    let row = rows
        .iter()
        .find(|row| row["expiry"] == "2023-06-16" && row["root"] == "SPXW");
    let row = row.unwrap();
    assert_eq!(chain["pcr_oi"], row["pcr_oi"]);
    assert_eq!(chain["total_call_oi"].as_f64(), row["call_oi"].as_f64());
    let latest = document(&redis, "latest:pcr:SPX:2023-06-16");
    assert_eq!(latest["pcr_volume"], row["pcr_volume"]);
    assert_eq!(
        fields(&latest),
        ["pcr_oi", "pcr_volume", "timestamp"].into()
    );
    let pain = document(&redis, "analytics:SPX:max_pain");
    let pain = pain["by_expiry"].as_array().unwrap().iter();
    let mut pain = pain.filter(|row| row["expiry"] == "2023-06-16" && row["root"] == "SPXW");
    assert_eq!(
        chain["max_pain_strike"],
        pain.next().unwrap()["max_pain_strike"]
    );
    let atm = chain["atm_strike"].as_f64().unwrap();
    assert!((atm - chain["spot_price"].as_f64().unwrap()).abs() <= 2.5);

    let surface = text(&redis, "volatility_surface:SPX");
    Schema::of("volatility_surface").check(&surface);
    let surface: Value = serde_json::from_str(&surface).unwrap();
    assert_eq!(surface["expiries"].as_array().unwrap().len(), chains.len());
    lives(&redis, "volatility_surface:SPX", 300);
    println!("surface {} bytes", surface.to_string().len());

    let quotes = keys(&redis, "latest:option:*");
    assert_eq!(quotes.len(), 100);
    let quote = quotes.first().unwrap();
    Schema::of("latest_option").check(&text(&redis, quote));
    let underlying = text(&redis, "latest:underlying:SPX");
    Schema::of("latest_underlying").check(&underlying);

    for (window, ttl) in [(1, 120), (5, 600), (15, 1800)] {
        let key = format!("ohlc:SPX:{window}m");
        Schema::of("ohlc").check(&text(&redis, &key));
        let bar = document(&redis, &key);
        assert_eq!(
            (&bar["window_minutes"], &bar["close"]),
            (&json!(window), &json!(4306.5))
        );
        lives(&redis, &key, ttl);
    }
    let bars = document(&redis, "analytics:BARS:bars");
    assert_eq!(bars["source"], "minute_bars");
    assert_eq!(bars["windows"][0]["start_ms"].as_array().unwrap().len(), 10);
    assert_eq!(document(&redis, "ohlc:BARS:1m")["num_ticks"], Value::Null);
    assert_eq!(document(&redis, "analytics:SPX:bars")["source"], "tape");

    // What is told is what stands.
    let told = heard(&mut subscriber, chains.len() + 2);
    let mut standing: Vec<String> = chains.iter().map(|key| text(&redis, key)).collect();
    let mut chains_told = told["enriched:option_chain"].clone();
    standing.sort();
    chains_told.sort();
    assert!(standing == chains_told, "told something else");
    assert_eq!(told["enriched:underlying"], [underlying]);
    let [event] = &told["events:analytics"][..] else {
        panic!("{:?}", told["events:analytics"]);
    };
    Schema::of("events").check(event);
    let event: Value = serde_json::from_str(event).unwrap();
    let names = event["documents"]["SPX"].as_array().unwrap();
    for name in ["gex", "latest_chain", "bars", "volatility_surface"] {
        assert!(names.contains(&name.into()), "{name}: {event}");
    }
}

/// A ticker and a chain of this time.
fn put_market(redis: &RedisServer, now: Timestamp) {
    for (symbol, expiry, spot, step) in [
        ("NIFTY", "2026-12-29", 26_000.0, 100.0),
        ("BANKNIFTY", "2026-12-29", 58_000.0, 100.0),
        ("SPY", "2026-12-18", 660.0, 1.0),
    ] {
        let at = now.millis() - 1_000;
        let ticker = json!({"last": spot, "timestamp": at});
        let contracts = (-5..=5).flat_map(|n| {
            let strike = spot + step * f64::from(n);
            ["call", "put"].map(|side| {
                json!({"type": side, "strike": strike, "expiration": expiry, "iv": 0.15,
                    "bid": spot * 0.015, "ask": spot * 0.016, "open_interest": 1000, "volume": 10})
            })
        });
        let contracts: Vec<Value> = contracts.collect();
        let chain = json!({"as_of": at, "spot": spot, "contracts": contracts});
        redis.command(&[
            "SET",
            &format!("market:{symbol}:ticker"),
            &ticker.to_string(),
        ]);
        redis.command(&[
            "SET",
            &format!("options:{symbol}:chain"),
            &chain.to_string(),
        ]);
    }
}

#[test]
fn each_country_runs_in_its_own_hours_and_its_currency_is_not_added_to_another() {
    let symbols = "symbols.standard=[\"NIFTY\",\"BANKNIFTY\",\"SPY\"]";
    let at = |text| Timestamp::from_rfc3339(text).unwrap();
    let [mumbai, new_york] = [
        at("2026-11-18T10:30:00+05:30"),
        at("2026-11-18T10:00:00-05:00"),
    ];
    let night = at("2026-11-18T18:00:00+05:30");
    for (now, open) in [
        (mumbai, &["BANKNIFTY", "NIFTY"][..]),
        (new_york, &["SPY"][..]),
        (night, &[][..]),
    ] {
        let redis = RedisServer::start();
        put_market(&redis, now);
        once(&redis, now, &[symbols, "engine.analytics_rth_only=true"]);
        for name in ["gex", "summary"] {
            let found = keys(&redis, &format!("analytics:*:{name}"));
            let of = |symbol: &&str| format!("analytics:{symbol}:{name}");
            let mut expected: BTreeSet<String> = open.iter().map(of).collect();
            if name == "summary" && !open.is_empty() {
                expected.insert("analytics:portfolio:summary".to_owned());
            }
            let found = found
                .into_iter()
                .filter(|key| !open.is_empty() || key != "analytics:portfolio:summary");
            assert_eq!(
                found.collect::<BTreeSet<_>>(),
                expected,
                "{}",
                now.to_rfc3339()
            );
        }
        let chains = keys(&redis, "latest:chain:*");
        assert_eq!(chains.len(), open.len(), "{chains:?}");
        for symbol in open {
            let gex = document(&redis, &format!("analytics:{symbol}:gex"));
            let currency = if *symbol == "SPY" { "USD" } else { "INR" };
            assert_eq!(gex["meta"]["currency"], currency, "{symbol}");
        }
    }
    let redis = RedisServer::start();
    put_market(&redis, mumbai);
    once(&redis, mumbai, &[symbols]);
    let gex = |symbol: &str| {
        let gex = document(&redis, &format!("analytics:{symbol}:gex"));
        gex["total_gex"].as_f64().unwrap()
    };
    let portfolio = document(&redis, "analytics:portfolio:summary");
    let near = |got: &Value, expected: f64| {
        let got = got.as_f64().unwrap_or_else(|| panic!("{portfolio}"));
        assert!((got / expected - 1.0).abs() < 1e-9, "{got} {expected}");
    };
    near(&portfolio["total_gex"], gex("SPY"));
    let rupees = &portfolio["other_currencies"]["INR"]["total_gex"];
    near(rupees, gex("NIFTY") + gex("BANKNIFTY"));
    // What the settings name for a symbol counts before its exchange.
    let dollars = "market.currencies.NIFTY=\"USD\"";
    redis.command(&["FLUSHALL"]);
    put_market(&redis, mumbai);
    once(&redis, mumbai, &[symbols, dollars]);
    assert_eq!(
        document(&redis, "analytics:NIFTY:gex")["meta"]["currency"],
        "USD"
    );
    assert_eq!(
        document(&redis, "analytics:BANKNIFTY:gex")["meta"]["currency"],
        "INR"
    );
}
