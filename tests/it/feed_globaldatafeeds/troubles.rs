//! What servers and links do that is no data: kicks, silence, limits, late answers, holidays.

use super::*;

#[test]
fn a_second_session_ends_the_first_which_comes_back_after_a_pause() {
    let redis = RedisServer::start();
    let server = GdfServer::start(Behaviour::default());
    let first = feed(&redis, &server, &[]);
    chain(&redis, 10);
    let mut second = feed(&redis, &server, &["feed.globaldatafeeds.retry_seconds=600"]);
    let line = until("the first is told", PATIENCE, || {
        first.log().into_iter().find(|line| line.message == LOST)
    });
    assert!(
        line.fields["why"].as_str().unwrap().starts_with(IN_USE),
        "{}",
        line.text
    );
    until("the first is back", PATIENCE, || {
        (server.seen(|seen| seen.sessions) >= 3).then_some(())
    });
    second.kill();
    report(first, &[LOST]);
}

#[test]
fn heartbeats_before_the_result_and_texts_nobody_asked_for_do_no_harm() {
    let redis = RedisServer::start();
    let server = GdfServer::start(Behaviour {
        auth_delay_ms: 400,
        echo_ms: 50,
        ..Behaviour::default()
    });
    let feed = feed(&redis, &server, &[]);
    // Once every subscription was taken: a text before would be about one of them.
    chain(&redis, 150);
    let error = r#"{"MessageType":"RequestError","Message":"More than 1 match found."}"#;
    for text in [
        "Duplicated Request Not Allowed.",
        "Some words.",
        error,
        "{\"broken\":",
        "{\"MessageType\":\"New\",\"a\":1}",
    ] {
        server.say(text);
    }
    let beat = heartbeat(&redis, |beat| {
        let of = |reason| beat["rejected"][reason] == 1;
        beat["rejected"]["unasked_text"] == 3 && of("malformed_frame") && of("unknown_message")
    });
    assert_eq!(beat["errors"], 0);
    assert_eq!(server.seen(|seen| seen.sessions), 1);
    report(feed, &[]);
}

#[test]
fn a_link_that_is_silent_is_dead() {
    let redis = RedisServer::start();
    let server = GdfServer::start(Behaviour::default());
    let feed = feed(&redis, &server, &["feed.globaldatafeeds.silence_seconds=1"]);
    chain(&redis, 10);
    server.behave(|behaviour| behaviour.frozen = true);
    let line = until("the link is given up", PATIENCE, || {
        feed.log().into_iter().find(|line| line.message == LOST)
    });
    assert_eq!(line.fields["why"], "nothing heard for 1 s");
    let lost = heartbeat(&redis, |beat| beat["lost_since_ms"].is_i64());
    assert!(lost["lost_since_ms"].as_i64() <= lost["ts"].as_i64());
    server.behave(|behaviour| behaviour.frozen = false);
    heartbeat(&redis, |beat| {
        beat["last_gap"]["ms"].as_i64() >= Some(1_000)
    });
    report(feed, &[LOST]);
}

#[test]
fn an_hour_that_is_used_up_is_waited_for_while_pushes_go_on() {
    let redis = RedisServer::start();
    // Limits, lists, a quote and one subscription.
    let server = GdfServer::start(Behaviour {
        quota: Some(5),
        ..Behaviour::default()
    });
    let feed = feed(&redis, &server, &[]);
    let line = feed.logged("no requests until the next hour", PATIENCE);
    assert_eq!(line.fields["said"], "Calls per hour are limited.");
    assert!((1..=3_601).contains(&line.fields["seconds"].as_i64().unwrap()));
    let asked = server.seen(|seen| seen.requests.len());
    let first = wait(&redis, "market:NIFTY:ticker", |_| true);
    wait(&redis, "market:NIFTY:ticker", |ticker| {
        ticker["timestamp"] != first["timestamp"]
    });
    assert_eq!(
        server.seen(|seen| (seen.requests.len(), seen.sessions)),
        (asked, 1)
    );
    report(feed, &["no requests until the next hour"]);
}

#[test]
fn answers_that_come_late_or_never_hold_nothing_up() {
    let redis = RedisServer::start();
    let server = GdfServer::start(Behaviour {
        calls_per_hour: 72_000.into(),
        delays: BTreeMap::from([
            ("GetInstruments", 300),
            ("GetLastQuoteOptionGreeksChain", 900),
        ]),
        unanswered: BTreeMap::from([("GetExpiryDates", 1)]),
        ..Behaviour::default()
    });
    let sets = [
        "feed.globaldatafeeds.timeout_seconds=0.6",
        "feed.globaldatafeeds.path=poll",
    ];
    let feed = feed(&redis, &server, &sets);
    // The answer to a poll that was given up is still news.
    chain(&redis, 100);
    let beat = heartbeat(&redis, |beat| {
        beat["rejected"]["unanswered"].as_u64() >= Some(2)
    });
    assert!(beat["messages"].as_u64() > Some(0), "{beat}");
    assert_eq!(server.asked("GetExpiryDates"), 1);
    report(feed, &[LOST]);
}

#[test]
fn a_server_that_answers_nothing_is_connected_again() {
    let redis = RedisServer::start();
    let functions = ["GetLimitation", "GetExpiryDates", "GetInstruments"].map(|name| (name, 1));
    let server = GdfServer::start(Behaviour {
        unanswered: functions.into(),
        ..Behaviour::default()
    });
    let feed = feed(
        &redis,
        &server,
        &["feed.globaldatafeeds.timeout_seconds=0.3"],
    );
    chain(&redis, 10);
    let line = feed.logged(LOST, SOON);
    assert_eq!(
        line.fields["why"],
        "3 requests without an answer, the last GetInstruments"
    );
    report(feed, &[LOST]);
}

#[test]
fn a_list_of_many_megabytes_in_one_frame_is_read() {
    let redis = RedisServer::start();
    let server = GdfServer::start(Behaviour {
        more_instruments: 12_000,
        ..Behaviour::default()
    });
    let feed = feed(&redis, &server, &[]);
    let listed = feed.logged("listed", PATIENCE);
    assert_eq!(listed.fields["contracts"], 12_244);
    chain(&redis, 10);
    assert!(server.seen(|seen| seen.largest_frame) > 4 << 20);
    report(feed, &[]);
}

#[test]
fn a_holiday_is_no_trouble() {
    let redis = RedisServer::start();
    let server = GdfServer::start(Behaviour {
        holiday: true,
        calls_per_hour: 72_000.into(),
        ..Behaviour::default()
    });
    let feed = feed(&redis, &server, &[]);
    let beat = heartbeat(&redis, |beat| {
        beat["rejected"]["no_data"].as_u64() >= Some(2)
    });
    assert_eq!(
        (&beat["errors"], &beat["reconnects"]),
        (&0.into(), &0.into())
    );
    assert_eq!(redis.cli(&["EXISTS", "options:NIFTY:chain"]), "0");
    // The next day is like any other.
    server.behave(|behaviour| behaviour.holiday = false);
    chain(&redis, 100);
    report(feed, &[]);
}

#[test]
fn no_request_names_more_than_25_instruments() {
    let redis = RedisServer::start();
    let server = GdfServer::start(Behaviour {
        disabled: vec!["SubscribeRealtime"],
        calls_per_hour: 72_000.into(),
        ..Behaviour::default()
    });
    let names: Vec<String> = (0..30).map(|n| format!("S{n}")).collect();
    let symbols = format!("feed.globaldatafeeds.symbols={}", names.join(","));
    let polls = [
        "feed.globaldatafeeds.path=poll",
        "feed.globaldatafeeds.poll_seconds=60",
        &symbols,
    ];
    let feed = feed(&redis, &server, &polls);
    wait(&redis, "market:S29-I:ticker", |_| true);
    assert_eq!(
        server.seen(|seen| (seen.most_identifiers, seen.overlaps)),
        (25, 0)
    );
    report(feed, &[]);
}

#[test]
fn nobody_is_called_while_the_servers_are_maintained() {
    let redis = RedisServer::start();
    let server = GdfServer::start(Behaviour::default());
    // All day, whenever the test runs.
    let always = r#"feed.globaldatafeeds.maintenance=["00:00-12:30","12:00-00:10"]"#;
    let feed = feed(&redis, &server, &[always]);
    feed.logged(
        "the vendor's servers are being maintained: waiting",
        PATIENCE,
    );
    assert_eq!(server.seen(|seen| seen.connections), 0);
    report(feed, &[]);
}

#[test]
fn what_is_missing_or_wrong_is_said_before_anything_is_tried() {
    let provider = ["feed", "--provider", "globaldatafeeds"];
    let said = run(&[&provider[..], &["--symbols", "NIFTY"]].concat()).refused();
    assert!(said.contains("ANALYTICS_GDF_API_KEY"), "{said}");
    let key = [("ANALYTICS_GDF_API_KEY", KEY)];
    let said = run_with(&provider, &key).refused();
    assert!(said.contains("feed.globaldatafeeds.symbols"), "{said}");
    let exchange = [("ANALYTICS_GDF_API_KEY", KEY), ("EXCHANGE", "NASDAQ")];
    let said = run_with(
        &[&provider[..], &["--symbols", "NIFTY"]].concat(),
        &exchange,
    )
    .refused();
    assert!(said.contains("NFO, BFO, CDS, MCX"), "{said}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    std::fs::write(&path, "\n").unwrap();
    let file = format!("feed.globaldatafeeds.api_key_file={}", path.display());
    let said = run(&[&provider[..], &["--symbols", "NIFTY", "--set", &file]].concat()).refused();
    assert!(said.contains("the first line must be the key"), "{said}");
    // A key in a file is one like any other.
    std::fs::write(&path, format!("{KEY}\n")).unwrap();
    let server = GdfServer::start(Behaviour {
        auth: Auth::Text("Key Expired."),
        ..Behaviour::default()
    });
    let redis = RedisServer::start();
    let args = with_settings(&server, &[&file], &[]);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let ended = run_with(&args, &[("REDIS_URL", &redis.url())]);
    assert_eq!(ended.code, 1);
    assert!(ended.stderr().contains("Key Expired.") && !ended.stderr().contains(KEY));
}

#[test]
fn words_that_nobody_knows_end_neither_the_feed_nor_the_subscription_for_good() {
    let redis = RedisServer::start();
    // Polled every half second the chain is more than the plan allows.
    let server = GdfServer::start(Behaviour {
        calls_per_hour: 3_600.into(),
        refused: BTreeMap::from([("SubscribeOptionChain", "Server busy.")]),
        ..Behaviour::default()
    });
    let feed = feed(&redis, &server, &[]);
    let less = "polled less often, as the plan allows";
    let line = feed.logged(less, PATIENCE);
    assert!(line.fields["poll_seconds"].as_f64() > Some(2.0));
    chain(&redis, 244);
    server.behave(|behaviour| behaviour.refused.clear());
    server.cut();
    until("the greeks are subscribed", PATIENCE, || {
        (server.asked("SubscribeOptionChainGreeks") >= 2).then_some(())
    });
    report(feed, &[LOST, less, "chain is not pushed: polled instead"]);
}
