//! The feed of GlobalDatafeeds end to end: a simulated server, the feed, Redis, the engine, documents.

mod troubles;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::gdf_server::{Auth, Behaviour, Case, GdfServer, IN_USE, KEY, NOT_ENABLED, SPOT};
use crate::harness::{Analytics, RedisServer, Reply, SOON, get, run, run_with, until};

/// An unoptimised binary on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
const LOST: &str = "provider lost";

/// The settings that make waits short.
const SETTINGS: [&str; 8] = [
    "feed.globaldatafeeds.symbols=NIFTY",
    "feed.globaldatafeeds.maintenance=[]",
    "feed.globaldatafeeds.timeout_seconds=3",
    "feed.globaldatafeeds.silence_seconds=5",
    "feed.globaldatafeeds.retry_seconds=0.5",
    "feed.globaldatafeeds.poll_seconds=0.5",
    "feed.interval_ms=200",
    "feed.chain_every=1",
];

fn with_settings(server: &GdfServer, sets: &[&str], more: &[&str]) -> Vec<String> {
    let endpoint = format!("feed.globaldatafeeds.endpoint={}", server.endpoint());
    let mut args: Vec<String> = ["feed", "--provider", "globaldatafeeds"]
        .map(str::to_owned)
        .into();
    args.extend(more.iter().map(|arg| (*arg).to_owned()));
    let sets = SETTINGS
        .iter()
        .chain(sets)
        .copied()
        .chain([endpoint.as_str()]);
    args.extend(sets.flat_map(|set| ["--set".to_owned(), set.to_owned()]));
    args
}

fn feed_with(redis: &RedisServer, server: &GdfServer, sets: &[&str], more: &[&str]) -> Analytics {
    let args = with_settings(server, sets, more);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    Analytics::spawn(
        &args,
        &[("REDIS_URL", &redis.url()), ("ANALYTICS_GDF_API_KEY", KEY)],
    )
}

fn feed(redis: &RedisServer, server: &GdfServer, sets: &[&str]) -> Analytics {
    feed_with(redis, server, sets, &[])
}

/// Runs a feed that ends by itself: its exit code, and all it wrote.
fn ended(server: &GdfServer, sets: &[&str]) -> (i32, String) {
    let redis = RedisServer::start();
    let args = with_settings(server, sets, &[]);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let ended = run_with(
        &args,
        &[("REDIS_URL", &redis.url()), ("ANALYTICS_GDF_API_KEY", KEY)],
    );
    let said = format!("{}\n{}", ended.stdout, ended.stderr());
    assert!(!said.contains(KEY), "the key is shown: {said}");
    (ended.code, said)
}

fn read(redis: &RedisServer, key: &str) -> Option<Value> {
    match redis.try_command(&["GET", key], SOON) {
        Ok(Reply::Bulk(Some(bytes))) => serde_json::from_slice(&bytes).ok(),
        _ => None,
    }
}

#[track_caller]
fn wait(redis: &RedisServer, key: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    until(&format!("{key} is so"), PATIENCE, || {
        read(redis, key).filter(&is_so)
    })
}

/// A chain with greeks and quotes of at least so many contracts.
#[track_caller]
fn chain(redis: &RedisServer, contracts: usize) -> Value {
    wait(redis, "options:NIFTY:chain", |chain| {
        let full = |one: &&Value| one["bid"].is_number() && one["delta"].is_number();
        let listed = chain["contracts"].as_array().unwrap();
        listed.iter().filter(full).count() >= contracts
    })
}

fn contract(chain: &Value, strike: f64, right: &str) -> Value {
    let listed = chain["contracts"].as_array().unwrap();
    let found = listed
        .iter()
        .find(|one| one["strike"].as_f64() == Some(strike) && one["type"] == right);
    found
        .unwrap_or_else(|| panic!("no {right} of {strike}"))
        .clone()
}

fn heartbeat(redis: &RedisServer, is_so: impl Fn(&Value) -> bool) -> Value {
    wait(redis, "heartbeat:feed:globaldatafeeds", is_so)
}

/// The end of a feed that did nothing alarming: what it says of itself.
fn report(mut feed: Analytics, allowed: &[&str]) -> Value {
    feed.terminate();
    assert!(feed.wait_exit(Duration::from_secs(5)).success());
    assert_eq!(feed.unexpected_log_lines(allowed), [""; 0]);
    let all: Vec<String> = feed.log().into_iter().map(|line| line.text).collect();
    assert!(!all.join("\n").contains(KEY) && !feed.stdout().contains(KEY));
    serde_json::from_str(&feed.stdout()).unwrap()
}

#[test]
fn what_is_subscribed_becomes_documents() {
    let redis = RedisServer::start();
    let server = GdfServer::start(Behaviour::default());
    let mut subscriber = redis.connect();
    subscriber
        .command(&["SUBSCRIBE", "market:underlying"])
        .unwrap();
    // The names that an earlier program had.
    let endpoint = server.endpoint();
    let variables = [
        ("REDIS_URL", redis.url()),
        ("FEED_PROVIDER", "globaldatafeeds".to_owned()),
        ("FEED_INTERVAL", "0.2".to_owned()),
        (
            "GDF_ENDPOINT",
            endpoint.trim_start_matches("ws://").to_owned(),
        ),
        ("GDF_API_KEY", KEY.to_owned()),
        ("GDF_SYMBOLS", "NIFTY-I".to_owned()),
        ("GDF_POLL_INTERVAL", "2".to_owned()),
        ("EXCHANGE", "NFO".to_owned()),
        (
            "ANALYTICS__FEED__GLOBALDATAFEEDS__MAINTENANCE",
            "[]".to_owned(),
        ),
    ];
    let variables = variables
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let feed = Analytics::spawn(&["feed"], &variables);

    let chain = chain(&redis, 150);
    assert_eq!(
        (&chain["source"], &chain["symbol"]),
        (&"globaldatafeeds".into(), &"NIFTY".into())
    );
    assert!(
        (chain["spot"].as_f64().unwrap() - SPOT).abs() < 1.0,
        "the index, not the future"
    );
    let call = contract(&chain, 25_000.0, "call");
    for (name, expected) in [
        ("iv", 0.1127),
        ("delta", 0.5),
        ("gamma", 8.6e-4),
        ("theta", -9.5),
        ("vega", 12.25),
    ] {
        assert_eq!(call[name].as_f64(), Some(expected), "{name}");
    }
    // Whole lots are contracts.
    assert_eq!(
        (&call["multiplier"], &call["oi_change"]),
        (&75.into(), &(-2).into())
    );
    assert!((1_000..1_061).contains(&call["open_interest"].as_i64().unwrap()));
    assert!(call["quote_ts"].as_i64().is_some());

    let index = wait(&redis, "market:NIFTY:ticker", |_| true);
    assert!(
        (index["last"].as_f64().unwrap() - SPOT).abs() < 1.0,
        "{index}"
    );
    assert!(
        index["bid"].is_null() && index["volume"].is_null(),
        "{index}"
    );
    assert!(index["received"].is_i64(), "both times are kept: {index}");
    let future = wait(&redis, "market:NIFTY-I:ticker", |_| true);
    assert!(future["last"].as_f64().unwrap() > SPOT + 30.0, "{future}");
    assert_eq!(
        (&future["bid_size"], &future["ask_size"]),
        (&75.0.into(), &150.0.into())
    );
    let trade = until("a trade", PATIENCE, || {
        let text = redis.cli(&["LINDEX", "market:NIFTY-I:trades", "-1"]);
        serde_json::from_str::<Value>(&text).ok()
    });
    assert_eq!(trade["size"].as_f64(), Some(75.0));
    assert!(trade["bid"].as_f64() < trade["ask"].as_f64(), "{trade}");
    assert_eq!(
        redis.cli(&["EXISTS", "market:NIFTY:trades"]),
        "0",
        "an index does not trade"
    );

    let Ok(Reply::Array(message)) = subscriber.read() else {
        panic!("no message")
    };
    let told: Value = serde_json::from_str(&message.last().unwrap().to_text()).unwrap();
    assert_eq!(
        (&told["product"], told["close"].as_f64()),
        (&"NIFTY".into(), Some(SPOT - 100.0))
    );

    run_with(&["run", "--once"], &[("REDIS_URL", &redis.url())]);
    for name in ["summary", "gex", "dex"] {
        let document = read(&redis, &format!("analytics:NIFTY:{name}")).unwrap();
        assert_eq!(document["meta"]["status"], "ok", "{document}");
    }
    let report = report(feed, &[]);
    assert_eq!(
        (&report["provider"], &report["dropped"]),
        (&"globaldatafeeds".into(), &0.into())
    );
    assert_eq!(report.get("rejected"), None, "{report}");
    assert_eq!(server.asked("GetLimitation"), 1);
    assert_eq!(server.seen(|seen| seen.overlaps), 0);
}

#[test]
fn a_connection_that_is_cut_loses_only_what_was_not_sent() {
    let redis = RedisServer::start();
    let server = GdfServer::start(Behaviour::default());
    let feed = feed_with(&redis, &server, &[], &["--listen", "127.0.0.1:0"]);
    let images =
        |session: usize| server.seen(|seen| seen.volumes.get(&session).map_or(0, Vec::len));
    until("images of the first session", PATIENCE, || {
        (images(1) > 5).then_some(())
    });
    chain(&redis, 100);
    server.behave(|behaviour| behaviour.refuse = 2);
    server.cut();
    until("images of the second session", PATIENCE, || {
        (images(2) > 5).then_some(())
    });
    server.behave(|behaviour| behaviour.frozen = true);
    let sent = server.seen(|seen| seen.volumes.clone());
    // What each session showed after its first image is on the tape once; what grew in between is not.
    let expected: Vec<u64> = sent
        .values()
        .flat_map(|volumes| volumes.windows(2).map(|pair| pair[1] - pair[0]))
        .collect();
    let tape = || -> Vec<Value> {
        let Reply::Array(trades) = redis.command(&["LRANGE", "market:NIFTY-I:trades", "0", "-1"])
        else {
            panic!("no list")
        };
        trades
            .iter()
            .map(|trade| serde_json::from_str(&trade.to_text()).unwrap())
            .collect()
    };
    // The last image of the first session may have been on its way when the connection was cut.
    let trades = until("every trade is there", PATIENCE, || {
        let trades = tape();
        (trades.len() + 1 >= expected.len()).then_some(trades)
    });
    let last = sent[&2].windows(2).map(|pair| (pair[1] - pair[0]) as f64);
    let last: Vec<f64> = last.collect();
    let sizes: Vec<f64> = trades
        .iter()
        .map(|trade| trade["size"].as_f64().unwrap())
        .collect();
    assert!(
        sizes.len() <= expected.len(),
        "{} of {}",
        sizes.len(),
        expected.len()
    );
    assert_eq!(
        sizes[sizes.len() - last.len()..],
        last,
        "nothing is lost after the reconnect"
    );
    let mut ids: Vec<u64> = trades
        .iter()
        .map(|trade| trade["id"].as_u64().unwrap())
        .collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), trades.len(), "nothing is there twice");

    let back = feed.logged(
        "provider is back: what happened meanwhile is not known",
        SOON,
    );
    assert!(
        back.fields["ms"].as_i64().unwrap() >= 1_000,
        "two refusals: {}",
        back.text
    );
    assert!(
        back.fields["since"].as_str().unwrap().starts_with("20"),
        "{}",
        back.text
    );
    let beat = heartbeat(&redis, |beat| beat["last_gap"].is_object());
    assert_eq!(beat["last_gap"]["ms"], back.fields["ms"]);
    let (_, metrics) = get(&feed.http_addr(), "/metrics").unwrap();
    assert!(
        metrics.contains("analytics_feed_gap_seconds_total{provider=\"globaldatafeeds\"}"),
        "{metrics}"
    );
    assert_eq!(server.seen(|seen| (seen.sessions, seen.overlaps)), (2, 0));
    assert!(server.seen(|seen| seen.connections) >= 4);
    assert_eq!(
        server.asked("GetInstruments"),
        1,
        "lists are asked for once a day"
    );
    assert_eq!(
        server.asked("SubscribeRealtime"),
        4,
        "every subscription is sent again"
    );
    report(feed, &[LOST]);
}

#[test]
fn a_key_that_cannot_be_used_ends_the_feed_with_the_vendors_words() {
    for (auth, words) in [
        (
            Auth::Text("Access Denied. Key blocked."),
            "Access Denied. Key blocked.",
        ),
        (Auth::Text("Key Expired."), "Key Expired."),
        (
            Auth::Text("IP address not allowed."),
            "IP address not allowed.",
        ),
        (
            Auth::Failure("Access Denied. Key Invalid."),
            "Access Denied. Key Invalid.",
        ),
        (
            Auth::Failure("not for hunter2-key-0a0b0c"),
            "authentication failed: not for ***",
        ),
    ] {
        let server = GdfServer::start(Behaviour {
            auth,
            ..Behaviour::default()
        });
        let (code, said) = ended(&server, &[]);
        assert_eq!(code, 1, "{said}");
        assert!(said.contains(words), "{words}: {said}");
        assert_eq!(
            server.seen(|seen| seen.connections),
            1,
            "it is not tried again"
        );
    }
}

#[test]
fn a_key_that_is_blocked_in_the_middle_ends_the_feed_too() {
    let redis = RedisServer::start();
    let server = GdfServer::start(Behaviour::default());
    let mut feed = feed(&redis, &server, &[]);
    chain(&redis, 10);
    server.end("Access Denied. Key blocked.");
    assert_eq!(feed.wait_exit(SOON).code(), Some(1));
    let said = feed
        .log()
        .into_iter()
        .map(|line| line.text)
        .collect::<String>();
    assert!(
        said.contains("Access Denied. Key blocked.") && !said.contains(KEY),
        "{said}"
    );
}

#[test]
fn settings_above_the_plan_are_refused_with_both_numbers() {
    let server = GdfServer::start(Behaviour {
        calls_per_hour: "1800".into(),
        ..Behaviour::default()
    });
    // Two expiries every second.
    let sets = [
        "feed.globaldatafeeds.path=poll",
        "feed.globaldatafeeds.poll_seconds=1",
    ];
    let (code, said) = ended(&server, &sets);
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains("720") && said.contains("the plan allows 1800"),
        "{said}"
    );
    // One's own limit counts where it is lower.
    let server = GdfServer::start(Behaviour::default());
    let own = [
        "feed.globaldatafeeds.path=poll",
        "feed.globaldatafeeds.plan_calls_per_hour=2000",
    ];
    let (code, said) = ended(&server, &own);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("the plan allows 2000"), "{said}");
}

#[test]
fn what_is_not_pushed_is_polled() {
    let redis = RedisServer::start();
    let server = GdfServer::start(Behaviour {
        calls_per_hour: 72_000.into(),
        refused: BTreeMap::from([
            ("SubscribeOptionChain", NOT_ENABLED),
            (
                "SubscribeRealtime",
                "RealtimeSubscription disabled for delayed data.",
            ),
        ]),
        ..Behaviour::default()
    });
    let feed = feed(&redis, &server, &[]);
    // All 61 strikes of both expiries, not only those around the price.
    let chain = chain(&redis, 244);
    assert_eq!(contract(&chain, 25_000.0, "put")["delta"], -0.5);
    let first = wait(&redis, "market:NIFTY-I:ticker", |_| true);
    wait(&redis, "market:NIFTY-I:ticker", |ticker| {
        ticker["received"] != first["received"]
    });
    assert!(server.asked("GetLastQuoteArray") >= 2);
    assert_eq!(server.seen(|seen| seen.overlaps), 0);
    report(
        feed,
        &[
            "is not pushed: polled instead",
            "quotes are not pushed: polled instead",
        ],
    );
}

#[test]
fn functions_the_plan_forbids_are_not_asked_for() {
    let redis = RedisServer::start();
    let disabled = vec![
        "SubscribeOptionChainGreeks",
        "GetExpiryDates",
        "SubscribeRealtime",
    ];
    let server = GdfServer::start(Behaviour {
        disabled,
        calls_per_hour: 72_000.into(),
        ..Behaviour::default()
    });
    let feed = feed(&redis, &server, &[]);
    chain(&redis, 244);
    for function in [
        "SubscribeOptionChainGreeks",
        "SubscribeOptionChain",
        "GetExpiryDates",
        "SubscribeRealtime",
    ] {
        assert_eq!(server.asked(function), 0, "{function}");
    }
    report(feed, &[]);
}

#[test]
fn without_limits_and_lists_the_whole_chain_is_polled() {
    let redis = RedisServer::start();
    let refused =
        ["GetLimitation", "GetExpiryDates", "GetInstruments"].map(|name| (name, NOT_ENABLED));
    let server = GdfServer::start(Behaviour {
        refused: refused.into(),
        ..Behaviour::default()
    });
    let feed = feed(&redis, &server, &["feed.globaldatafeeds.poll_seconds=5"]);
    chain(&redis, 244);
    let asked = server.seen(|seen| {
        seen.requests.iter().any(|(_, request)| {
            request["MessageType"] == "GetLastQuoteOptionGreeksChain"
                && request.get("Expiry").is_none()
        })
    });
    assert!(asked);
    report(feed, &[]);
}

/// The chain and tickers of a dialect, polled and pushed, and what was rejected.
fn understood(behaviour: Behaviour, path: &str) -> Value {
    let redis = RedisServer::start();
    let server = GdfServer::start(Behaviour {
        calls_per_hour: 72_000.into(),
        ..behaviour
    });
    let path = format!("feed.globaldatafeeds.path={path}");
    let feed = feed(&redis, &server, &[&path]);
    let chain = chain(&redis, 100);
    let put = contract(&chain, 25_000.0, "put");
    let delta = put["delta"].as_f64().unwrap();
    assert!((delta + 0.5).abs() < 1e-9, "{put}");
    assert_eq!(
        (put["iv"].as_f64(), put["gamma"].as_f64()),
        (Some(0.1127), Some(8.6e-4)),
        "{put}"
    );
    assert_eq!(put["multiplier"], 75, "{put}");
    wait(&redis, "market:NIFTY-I:ticker", |ticker| {
        ticker["bid"].is_number()
    });
    let mut report = report(feed, &[]);
    report["chain"] = chain;
    report
}

#[test]
fn keys_of_any_case_and_text_for_numbers_and_booleans_are_read() {
    let lower = Behaviour {
        case: Case::Lower,
        as_text: true,
        ..Behaviour::default()
    };
    assert_eq!(understood(lower, "poll").get("rejected"), None);
    let upper = Behaviour {
        case: Case::Upper,
        ..Behaviour::default()
    };
    assert_eq!(understood(upper, "auto").get("rejected"), None);
}

#[test]
fn bare_rows_kinds_that_are_null_and_fields_that_are_missing_are_read() {
    let flat = Behaviour {
        flat: true,
        null_kind: true,
        bare: true,
        ..Behaviour::default()
    };
    assert_eq!(understood(flat, "poll").get("rejected"), None);
    let inner = Behaviour {
        null_kind: true,
        ..Behaviour::default()
    };
    assert_eq!(understood(inner, "auto").get("rejected"), None);
}

#[test]
fn greeks_are_read_under_both_names_of_their_messages() {
    for kind in ["RealtimeGreeksResult", "SubscribeRealtimeGreeks"] {
        let behaviour = Behaviour {
            greeks_kind: kind,
            ..Behaviour::default()
        };
        assert_eq!(
            understood(behaviour, "auto").get("rejected"),
            None,
            "{kind}"
        );
    }
}

#[test]
fn numbers_that_are_none_and_rows_that_are_strange_are_counted_and_skipped() {
    let behaviour = Behaviour {
        bad_numbers: true,
        stale_rows: true,
        ..Behaviour::default()
    };
    let report = understood(behaviour, "poll");
    let rejected = &report["rejected"];
    for reason in [
        "malformed_number",
        "implausible_number",
        "expired",
        "unknown_identifier",
        "unknown_instrument",
        "no_identifier",
    ] {
        assert!(
            rejected[reason].as_u64().unwrap_or(0) > 0,
            "{reason}: {rejected}"
        );
    }
    let strange = contract(&report["chain"], SPOT - 1_500.0, "call");
    assert!(
        strange["delta"].is_number() && strange.get("gamma").is_none(),
        "{strange}"
    );
    let ids = report["chain"]["contracts"].as_array().unwrap().iter();
    assert!(
        !ids.clone()
            .any(|one| one["contract_id"].as_str().unwrap().contains("2020"))
    );
}
