//! The dashboard in a headless Chromium, on the demo: each view renders, its numbers are the API's, what
//! is stale says so. The browser is driven by `tests/browser/dashboard.mjs`, which says what it checks.

use crate::harness::{Analytics, RedisServer, browser, demo, full_tier, get, until};
use std::io::{BufRead, BufReader, Read};
use std::time::Duration;

/// Five hundred symbols need a few passes.
const BORN: Duration = Duration::from_secs(90);

/// The demo, and where its page is.
fn page() -> (Analytics, String) {
    let (demo, address) = demo(&["--seed", "7"]);
    (demo, format!("http://{address}"))
}

/// What the browser said, once it is over; a failure of it is one of the test.
#[track_caller]
fn succeeds(browser: browser::Browser, text: &mut String) {
    let (status, rest) = browser.wait();
    text.push_str(&rest);
    assert!(status.success(), "{status}\n{text}");
}

#[test]
fn every_view_renders_and_shows_the_numbers_of_the_api() {
    let (_demo, base) = page();
    let shots = browser::shots("views");
    let browser = browser::Browser::start(&[], &base, &shots);
    let mut said = String::new();
    succeeds(browser, &mut said);
    println!("{said}");
    for view in [
        "overview",
        "symbol",
        "chain",
        "surface",
        "correlation",
        "sectors",
        "jobs",
    ] {
        let shot = shots.join(format!("{view}-dark.png"));
        let bytes = std::fs::metadata(&shot).unwrap_or_else(|_| panic!("no {}", shot.display()));
        assert!(bytes.len() > 10_000, "{view} is empty");
    }
}

#[test]
fn a_page_whose_server_is_gone_is_marked_within_two_seconds() {
    let (mut demo, base) = page();
    let mut browser = browser::Browser::start(&["--stale"], &base, &browser::shots("stale"));
    let mut said = String::new();
    let mut lines = BufReader::new(browser.stdout());
    while !said.contains("READY") {
        let read = lines.read_line(&mut said).unwrap();
        assert!(read > 0, "it ended before it was ready:\n{said}");
    }
    demo.kill();
    lines.read_to_string(&mut said).unwrap();
    succeeds(browser, &mut said);
}

#[test]
fn five_hundred_symbols_stream_without_a_long_task() {
    if !full_tier() {
        return;
    }
    let redis = RedisServer::start();
    let url = redis.url();
    let env = [("REDIS_URL", url.as_str())];
    let feed = ["feed", "--always-open", "--symbols-generated", "491"];
    let _feed = Analytics::spawn(&feed, &env);
    let run = [
        "run",
        "--set",
        "market.exchange=\"ALWAYS\"",
        "--set",
        "http.listen=[\"127.0.0.1:0\"]",
    ];
    let daemon = Analytics::spawn(&run, &env);
    let address = daemon.http_addr();
    until("500 symbols", BORN, || {
        let (_, symbols) = get(&address, "/symbols").ok()?;
        (symbols.matches("\"symbol\":").count() >= 500).then_some(())
    });
    let base = format!("http://{address}");
    let browser = browser::Browser::start(&["--smooth"], &base, &browser::shots("smooth"));
    succeeds(browser, &mut String::new());
}
