//! One-day volatility from sources on the internet, played by a server on this host: the right one
//! wins, whatever the other does, and nothing false is published.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use analytics::engine::setup::calendars;
use quant::market::{Day, Timestamp};
use serde_json::{Value, json};

use crate::harness::market::now_ms;
use crate::harness::{RedisServer, SOON, Scene, until};

/// A web server that answers every request alike.
struct Vendor {
    url: String,
    requests: Arc<AtomicU64>,
}

impl Vendor {
    fn start(
        answer: impl Fn(&mut TcpStream) -> std::io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/index", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicU64::new(0));
        let counted = requests.clone();
        // It ends with the test: a thread that waits for requests holds no process.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                counted.fetch_add(1, Ordering::Relaxed);
                let mut head = [0; 2048];
                let _ = stream.read(&mut head);
                // Whoever asked may have hung up already.
                let _ = answer(&mut stream);
            }
        });
        Self { url, requests }
    }

    fn saying(status: &'static str, headers: &'static str, body: String) -> Self {
        Self::start(move |stream| {
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n"
            );
            stream.write_all(format!("{head}{body}").as_bytes())
        })
    }

    fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }
}

/// A chart whose last value is of now.
fn chart(value: f64) -> String {
    let meta = json!({
        "symbol": "^VIX1D",
        "regularMarketPrice": value,
        "regularMarketTime": now_ms() / 1000,
    });
    json!({"chart": {"result": [{"meta": meta}], "error": null}}).to_string()
}

/// The last session that is over, and whether its close still speaks: none has opened since.
fn last_close() -> (chrono::NaiveDate, bool) {
    let calendars = calendars();
    let exchange = calendars.exchange("XCBO").unwrap();
    let now = Timestamp::from_millis(now_ms());
    let mut date = exchange.at(now).date;
    loop {
        // A quarter of an hour after the close, to be sure of half days.
        match exchange.day(date) {
            Day::Session { close, .. }
                if close.plus(quant::market::Span::from_millis(900_000)) < now =>
            {
                break;
            }
            _ => date = exchange.previous_session(date).unwrap(),
        }
    }
    let next = exchange.day(exchange.next_session(date).unwrap());
    let Day::Session { open, .. } = next else {
        panic!("a session opens")
    };
    (date, now < open)
}

fn csv(date: chrono::NaiveDate, close: &str) -> String {
    let date = date.format("%m/%d/%Y");
    format!("DATE,OPEN,HIGH,LOW,CLOSE\n{date},9.1,9.9,8.8,{close}\n")
}

fn scene(cboe: &Vendor, yahoo: &Vendor) -> Scene {
    let sets = [
        "volatility.sources=[\"cboe\", \"yahoo\"]".to_owned(),
        format!("volatility.cboe_url={:?}", cboe.url),
        format!("volatility.yahoo_url={:?}", yahoo.url),
        "volatility.timeout_ms=400".to_owned(),
        "volatility.backoff_min_seconds=1".to_owned(),
        "volatility.backoff_max_seconds=2".to_owned(),
        "update_intervals.volatility=0".to_owned(),
    ];
    let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
    Scene::start_at(RedisServer::start(), &["AAA"], None, &sets)
}

fn level(scene: &Scene) -> Value {
    until("a level", SOON, || {
        let text = scene.redis.cli(&["GET", "analytics:vix1d"]);
        let found: Value = serde_json::from_str(&text).ok()?;
        (found["meta"]["status"] == "ok").then_some(found)
    })
}

const FAILING: &str = "vix1d source";

#[test]
fn whatever_the_first_source_does_the_second_one_wins() {
    let long_ago = chrono::NaiveDate::from_ymd_opt(2026, 1, 6).unwrap();
    // Nothing, until whoever asked hangs up.
    let silent = Vendor::start(|stream| stream.read(&mut [0]).map(drop));
    let truncated = Vendor::start(|stream| {
        stream.write_all(
            b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\nConnection: close\r\n\r\nDATE,OP",
        )
    });
    let elsewhere = "Location: http://127.0.0.1:9/other\r\n";
    let html = "<!doctype html><html>not here</html>";
    let wrong = csv(long_ago, "9.5").replace("CLOSE", "PRICE");
    let cases = [
        (
            "status_429",
            Vendor::saying("429 Too Many Requests", "Retry-After: 1\r\n", String::new()),
        ),
        (
            "status_500",
            Vendor::saying("500 Oops", "", "oops".to_owned()),
        ),
        ("timeout", silent),
        ("not_csv", Vendor::saying("200 OK", "", html.to_owned())),
        ("interrupted", truncated),
        ("wrong_column", Vendor::saying("200 OK", "", wrong)),
        (
            "redirect",
            Vendor::saying("302 Found", elsewhere, String::new()),
        ),
        ("new", Vendor::saying("200 OK", "", csv(long_ago, "9.5"))),
    ];
    for (outcome, cboe) in cases {
        let yahoo = Vendor::saying("200 OK", "", chart(13.5));
        let scene = scene(&cboe, &yahoo);
        let found = level(&scene);
        assert_eq!(found["source"], "yahoo", "{outcome}: {found}");
        assert_eq!(
            (&found["value"], &found["delayed"]),
            (&json!(13.5), &json!(true))
        );
        let label =
            format!("analytics_vix1d_fetches_total{{source=\"cboe\",outcome=\"{outcome}\"}}");
        until(&label, SOON, || {
            let (_, metrics) = scene.daemon.get("/metrics");
            metrics.contains(&label).then_some(())
        });
        let cached = scene.redis.cli(&["GET", "volatility:vix1d:cboe:last"]);
        match outcome {
            // A close of another day is what it is, and no level of today.
            "new" => {
                assert!(cached.contains("\"value\":9.5"), "{cached}");
                assert_eq!(found["sources"]["cboe"]["status"], "stale");
            }
            _ => {
                assert_eq!(cached, "(nil)", "{outcome}");
                assert_eq!(found["sources"]["cboe"]["status"], "missing");
            }
        }
        scene.finish(&[FAILING]);
    }
}

#[test]
fn the_close_of_the_last_session_speaks_until_the_next_opens() {
    let (date, speaks) = last_close();
    let cboe = Vendor::saying("200 OK", "", csv(date, "11.25"));
    let yahoo = Vendor::saying("503 Busy", "Retry-After: 60\r\n", String::new());
    let scene = scene(&cboe, &yahoo);
    let state = until("the close is there", SOON, || {
        let text = scene.redis.cli(&["GET", "volatility:vix1d:cboe:last"]);
        serde_json::from_str::<Value>(&text).ok()
    });
    assert_eq!(state["value"], 11.25);
    assert!(
        state["observed_at"]
            .as_str()
            .unwrap()
            .starts_with(&date.to_string())
    );
    if speaks {
        let found = level(&scene);
        assert_eq!(
            (&found["source"], &found["value"]),
            (&json!("cboe"), &json!(11.25))
        );
        assert_eq!(found["observed_at"], state["observed_at"]);
    } else {
        assert_eq!(scene.redis.cli(&["GET", "analytics:vix1d"]), "(nil)");
    }
    // Asked once and then not for the time it is kept; the busy one by its back-off, of which a
    // wait it asks for is not cut below the longest, two seconds less a fifth for chance.
    let asked = (yahoo.requests(), now_ms());
    until("the busy one is asked twice more", SOON, || {
        (yahoo.requests() >= asked.0 + 2).then_some(())
    });
    assert!(now_ms() - asked.1 >= 1_600, "asked again too soon");
    assert_eq!(cboe.requests(), 1);
    scene.finish(&[FAILING]);
}
