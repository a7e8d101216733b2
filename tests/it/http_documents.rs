//! Everything that is served, on documents that were really published: by the demo, which one process
//! runs for all tests here.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::harness::client::{Events, answer, ask, connect};
use crate::harness::{self, Analytics, Schema, get, until};
use std::io::{BufReader, Read, Write};
use std::time::Duration;

/// What the demo keeps is a minute old at most.
const BORN: Duration = Duration::from_secs(60);

/// The address of a demo with every document there.
fn demo() -> &'static str {
    static DEMO: OnceLock<(Analytics, String)> = OnceLock::new();
    let (_, address) = DEMO.get_or_init(|| harness::demo(&["--seed", "7"]));
    address
}

#[track_caller]
fn body(path: &str) -> Value {
    let answered = ask(demo(), "GET", path, "", "");
    assert_eq!(
        answered.status,
        200,
        "{path}: {}",
        String::from_utf8_lossy(&answered.body)
    );
    answered.json()
}

/// A series of SPY that lives.
fn expiry() -> String {
    body("/expiries/SPY")["expiries"][0]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn every_route_answers_as_its_description_says() {
    let document = body("/openapi.json");
    let paths = document["paths"].as_object().unwrap();
    let expiry = expiry();
    let sectors = body("/portfolio/sectors")["sectors"].clone();
    let sector = sectors[0].as_str().unwrap().to_owned();
    let mut seen = BTreeMap::new();
    for (path, verbs) in paths {
        let Some(operation) = verbs.get("get") else {
            continue;
        };
        if matches!(path.as_str(), "/stream" | "/ws") {
            continue;
        }
        let name = if path.starts_with("/schema") {
            "gex"
        } else {
            "summary"
        };
        let file = if path.starts_with("/docs") {
            "docs.js"
        } else {
            "index.html"
        };
        let concrete = path
            .replace("{symbol}", "SPY")
            .replace("{name}", name)
            .replace("{sector}", &sector)
            .replace("{product}", "SPY")
            .replace("{file}", file);
        let needed = operation["parameters"].as_array().unwrap().iter();
        let needs_expiry = needed
            .clone()
            .any(|p| p["name"] == "expiry" && p["required"] == true);
        let query = if needs_expiry {
            format!("?expiry={expiry}")
        } else {
            String::new()
        };
        let answered = ask(demo(), "GET", &format!("{concrete}{query}"), "", "");
        let said = &operation["responses"][answered.status.to_string()];
        assert!(
            said.is_object(),
            "{path} answered {}, which is not documented",
            answered.status
        );
        seen.insert(path.clone(), answered.status);
        let content = said["content"].as_object();
        let kind = answered
            .header("content-type")
            .unwrap_or_default()
            .to_owned();
        if let Some((documented, content)) = content.and_then(|content| content.iter().next()) {
            let is_file = path.contains("{file}");
            assert!(
                is_file || kind == *documented,
                "{path}: {kind} is not {documented}"
            );
            if documented == "application/json" {
                let mut schema = content["schema"].clone();
                schema["components"] = document["components"].clone();
                let validator = jsonschema::validator_for(&schema).unwrap();
                let body = answered.json();
                let errors: Vec<String> = validator
                    .iter_errors(&body)
                    .map(|error| error.to_string())
                    .collect();
                assert!(errors.is_empty(), "{path}: {errors:?}");
            }
        }
        // What is wrong with a parameter is said of every route that knows its parameters.
        if !path.starts_with("/api/") {
            let separator = if query.is_empty() { '?' } else { '&' };
            let wrong = format!("{concrete}{query}{separator}expirry=1");
            let refused = ask(demo(), "GET", &wrong, "", "");
            assert_eq!(refused.refusal(), (400, "bad_parameter".into()), "{wrong}");
            assert_eq!(refused.json()["parameter"], "expirry", "{wrong}");
        }
        let refused = ask(demo(), "DELETE", &concrete, "", "");
        assert_eq!(
            refused.refusal(),
            (405, "method_not_allowed".into()),
            "{path}"
        );
    }
    let history =
        |path: &str| path.ends_with("/history") || path.ends_with("/underlying/{product}");
    for (path, status) in seen {
        // Its history is opened while it begins.
        let expected: &[u16] = match path.as_str() {
            "/market/{symbol}" => &[200, 202],
            // They are computed every five minutes.
            "/portfolio/correlation" => &[200, 404],
            path if history(path) => &[200, 503],
            _ => &[200],
        };
        assert!(expected.contains(&status), "{path}: {status}");
    }
}

#[test]
fn a_document_is_served_as_it_was_published() {
    let schemas = ["summary", "gex", "vpin", "oi_buildup", "bars", "surface"];
    for name in schemas {
        let text = ask(demo(), "GET", &format!("/analytics/SPY/{name}"), "", "").body;
        Schema::of(name).check(std::str::from_utf8(&text).unwrap());
    }
    let all = body("/analytics/SPY");
    let names: Vec<&String> = all["documents"].as_object().unwrap().keys().collect();
    assert!(names.len() >= 15, "{names:?}");
    assert!(
        !names
            .iter()
            .any(|name| name.starts_with("latest_") || *name == "book")
    );
    let symbols = body("/symbols");
    let spy = symbols["symbols"]
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["symbol"] == "SPY");
    let spy = spy.unwrap();
    assert_eq!(
        (&spy["currency"], &spy["session"]),
        (&json!("USD"), &json!("open"))
    );
    assert!(spy["documents"].as_array().unwrap().contains(&json!("gex")));
}

#[test]
fn what_is_not_there_is_named_with_what_was_meant() {
    let rows = [
        ("/analytics/SPYY/gex", "unknown_symbol", json!("SPY")),
        ("/analytics/SPY/gexx", "unknown_document", json!("gex")),
        ("/analytics/SPY/moc", "no_value_yet", Value::Null),
        ("/schema/gexx", "unknown_document", json!("gex")),
        ("/portfolio/sectors/TEHC", "unknown_sector", json!("TECH")),
        ("/pcr/SPYY", "unknown_product", json!("SPY")),
        ("/pcr/SPY?expiry=2000-01-01", "no_data", Value::Null),
        (
            "/analytics/SPY/gexx/history",
            "unknown_document",
            json!("gex"),
        ),
        ("/healh", "not_found", json!("/health")),
        ("/page/nothing.js", "not_found", Value::Null),
        ("/market/SPYY", "unknown_symbol", json!("SPY")),
    ];
    for (path, code, nearest) in rows {
        let answered = ask(demo(), "GET", path, "", "");
        assert_eq!(answered.refusal(), (404, code.to_owned()), "{path}");
        assert_eq!(answered.json()["nearest"], nearest, "{path}");
    }
    let earlier = ask(demo(), "GET", "/api/data/chain/SPYY", "", "");
    assert_eq!(
        (earlier.status, &earlier.json()["error"]),
        (404, &json!("Not Found"))
    );
}

#[test]
fn a_wrong_parameter_is_named() {
    let expiry = expiry();
    let rows = [
        ("/pcr/SPY?limit=0".to_owned(), "limit"),
        ("/pcr/SPY?limit=ten".to_owned(), "limit"),
        ("/pcr/SPY?history=maybe".to_owned(), "history"),
        ("/pcr/SPY?expiry=tomorrow".to_owned(), "expiry"),
        (
            "/pcr/SPY?expiry=2026-01-01&expiry=2026-01-02".to_owned(),
            "expiry",
        ),
        ("/ohlc/SPY?window=7".to_owned(), "window"),
        ("/max-pain/SPY".to_owned(), "expiry"),
        ("/oi-buildup/SPY".to_owned(), "expiry"),
        (
            format!("/oi-buildup/SPY?expiry={expiry}&reference=then"),
            "reference",
        ),
        (format!("/chain/SPY?expiry={expiry}&fields=bids"), "fields"),
        ("/stream?names=gexx".to_owned(), "names"),
        ("/stream?symbols=a%20b".to_owned(), "symbols"),
        (
            "/stream?symbols=A,B,C,D,E,F,G,H,I,J,K,L,M,N,O,P,Q&names=book".to_owned(),
            "symbols",
        ),
        ("/analytics/SPY/gex/history?from=now".to_owned(), "from"),
        ("/api/data/underlying/SPY?limit=1001".to_owned(), "limit"),
    ];
    for (path, parameter) in rows {
        let answered = ask(demo(), "GET", &path, "", "");
        assert_eq!(answered.refusal(), (400, "bad_parameter".into()), "{path}");
        assert_eq!(answered.json()["parameter"], parameter, "{path}");
    }
    let needed = ask(demo(), "GET", "/max-pain/SPY", "", "").json();
    assert_eq!(needed["error"], "Expiry parameter required");
}

#[test]
fn what_was_kept_is_given_with_what_stands() {
    let expiry = expiry();
    let rows = |path: &str, field: &str| {
        until(path, BORN, || {
            let (status, text) = get(demo(), path).ok()?;
            let body: Value = serde_json::from_str(&text).ok()?;
            let rows = body[field].as_array()?.len();
            (status == 200 && rows > 0).then_some(body)
        })
    };
    let numbers = rows("/analytics/SPY/gex/history?step=1&limit=5", "rows");
    let fields = numbers["fields"].as_array().unwrap().len();
    assert_eq!(numbers["rows"][0].as_array().unwrap().len(), fields + 1);
    let prices = rows("/api/data/underlying/SPY?limit=3", "ticks");
    assert_eq!(prices["count"], prices["ticks"].as_array().unwrap().len());
    let ratios = rows(
        &format!("/pcr/SPY?expiry={expiry}&history=true&limit=2"),
        "history",
    );
    assert!(ratios["latest"].is_object() && ratios.get("history_state").is_none());
    assert_eq!(ratios["history"][0]["expiry"], json!(expiry));
    let chains = rows(
        &format!("/api/data/chain/SPY?expiry={expiry}&limit=1000"),
        "chains",
    );
    let chains = chains["chains"].as_array().unwrap();
    let times: Vec<&str> = chains
        .iter()
        .filter_map(|c| c["timestamp"].as_str())
        .collect();
    assert!(times.len() == chains.len() && times.len() <= 50);
    assert!(
        times.is_sorted_by(|newer, older| newer > older),
        "{times:?}"
    );
    let since = ask(
        demo(),
        "GET",
        &format!("/oi-buildup/SPY?expiry={expiry}&reference=open"),
        "",
        "",
    );
    assert!(since.status == 200 || since.refusal() == (404, "no_reference".into()));
}

#[test]
fn the_chain_service_says_what_the_documents_say() {
    let expiry = expiry();
    let chain = body(&format!("/chain/SPY?expiry={expiry}"));
    let strikes = chain["strikes"].as_array().unwrap().len();
    assert!(strikes > 20 && chain["forward"].is_number() && chain["age_ms"].is_number());
    let leg = chain["calls"]
        .as_array()
        .unwrap()
        .iter()
        .find(|leg| leg.is_object())
        .unwrap();
    assert!(leg["flags"].is_array() && leg.get("delta").is_some());
    let few = body(&format!(
        "/chain/SPY?expiry={expiry}&greeks=false&fields=strike,delta,bid"
    ));
    let leg = few["calls"]
        .as_array()
        .unwrap()
        .iter()
        .find(|leg| leg.is_object())
        .unwrap();
    let fields: Vec<&String> = leg.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["bid", "strike"]);

    let build_up = body(&format!("/oi-buildup/SPY?expiry={expiry}"));
    let sum = |zones: &Value| -> f64 {
        let zones = zones.as_object().unwrap().values();
        zones.map(|zone| zone.as_f64().unwrap()).sum()
    };
    let pain = body(&format!("/max-pain/SPY?expiry={expiry}"));
    assert_eq!(
        sum(&build_up["call_buildup"]),
        pain["total_call_oi"].as_f64().unwrap()
    );
    assert_eq!(
        sum(&build_up["put_buildup"]),
        pain["total_put_oi"].as_f64().unwrap()
    );

    let pcr = body("/pcr/SPY");
    let rows = pcr["latest"].as_array().unwrap();
    let row = rows
        .iter()
        .find(|row| row["expiry"] == expiry.as_str())
        .unwrap();
    let one = body(&format!("/pcr/SPY?expiry={expiry}"));
    assert_eq!(row["pcr_oi"], one["latest"]["pcr_oi"]);
    let bars = body("/ohlc/SPY?window=1&limit=3");
    assert_eq!(bars["window"], "1m");
    let starts: Vec<&str> = bars["candles"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|bar| bar["start_time"].as_str())
        .collect();
    assert!(starts.len() == 3 && starts.is_sorted_by(|a, b| a > b));
    assert!(bars["start_time"].as_str().unwrap() > starts[0]);
    let data = body(&format!("/api/data/chain/SPY?expiry={expiry}&limit=1"));
    assert_eq!(data["count"], 1);
    assert!(data["chains"][0].get("processed_at").is_none());
}

#[test]
fn a_document_that_a_client_has_is_not_sent_again() {
    let first = ask(demo(), "GET", "/portfolio", "", "");
    let tag = first.header("etag").unwrap().to_owned();
    assert!(first.header("age").is_some() && first.header("x-published-at").is_some());
    let lasts = first.header("cache-control").unwrap();
    assert!(lasts.starts_with("private, max-age="), "{lasts}");
    let again = ask(
        demo(),
        "GET",
        "/portfolio",
        &format!("If-None-Match: {tag}\r\n"),
        "",
    );
    // It may have been published anew between the two.
    if again.header("etag") == Some(&tag) {
        assert_eq!((again.status, again.body.len()), (304, 0));
    }
    let packed = ask(
        demo(),
        "GET",
        "/openapi.json",
        "Accept-Encoding: gzip\r\n",
        "",
    );
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    let charts = ask(
        demo(),
        "GET",
        "/page/plotly.js",
        "Accept-Encoding: gzip\r\n",
        "",
    );
    let tag = charts.header("etag").unwrap();
    assert!(charts.body.len() < 2_000_000 && charts.header("content-encoding") == Some("gzip"));
    let again = ask(
        demo(),
        "GET",
        "/page/plotly.js",
        &format!("Accept-Encoding: gzip\r\nIf-None-Match: {tag}\r\n"),
        "",
    );
    assert_eq!(again.status, 304);
    let brotli = ask(
        demo(),
        "GET",
        "/page/plotly.js",
        "Accept-Encoding: br\r\n",
        "",
    );
    assert!(brotli.header("content-encoding").is_none() && brotli.header("etag") != Some(tag));
    for path in [
        "/analytics/SPY",
        "/pcr/SPY",
        "/ohlc/SPY",
        "/chain/SPY",
        "/expiries/SPY",
        "/symbols",
        "/api/data/chain/SPY",
    ] {
        let answered = ask(demo(), "GET", path, "", "");
        for name in ["age", "x-published-at", "etag"] {
            assert!(answered.header(name).is_some(), "{path}: {name}");
        }
        let lasts = answered.header("cache-control").unwrap();
        assert!(lasts.starts_with("private, max-age="), "{path}: {lasts}");
    }
}

#[test]
fn a_stream_begins_with_what_stands_and_goes_on_from_where_it_was_left() {
    let mut events = Events::open(
        demo(),
        "/stream?symbols=SPY,*&names=obi,summary,heartbeat,portfolio",
        "",
    );
    let snapshot = events.until("snapshot_end");
    let documents: Vec<String> = snapshot
        .iter()
        .filter(|event| event.name == "document")
        .map(|event| format!("{}/{}", event.data["symbol"], event.data["name"]).replace('"', ""))
        .collect();
    for expected in ["SPY/obi", "SPY/summary", "*/portfolio", "*/heartbeat"] {
        assert!(documents.contains(&expected.to_owned()), "{documents:?}");
    }
    // In the midst of a snapshot there is no place to go on from.
    assert!(
        snapshot
            .iter()
            .filter(|e| e.name == "document")
            .all(|e| e.id.is_none())
    );
    let end = snapshot.last().unwrap();
    assert_eq!(end.data["documents"], documents.len());
    let sequence = |id: &str| id.rsplit_once('-').unwrap().1.parse::<u64>().unwrap();
    let mut last = end.id.clone().unwrap();
    for _ in 0..3 {
        let change = events.until("document").pop().unwrap();
        let id = change.id.unwrap();
        assert!(sequence(&id) > sequence(&last));
        assert!(change.data["document"].is_object() && change.data["published_at"].is_number());
        last = id;
    }
    let beat = events.until("heartbeat").pop().unwrap();
    assert!(beat.data["pass"].as_u64().unwrap() > 0);
    drop(events);
    let resumed = format!("Last-Event-ID: {last}\r\n");
    let mut events = Events::open(demo(), "/stream?symbols=SPY&names=obi", &resumed);
    let next = events.until("document");
    assert!(next.iter().all(|event| event.name != "snapshot_end"));
    assert!(sequence(next.last().unwrap().id.as_deref().unwrap()) > sequence(&last));
    let mut events = Events::open(demo(), "/stream?names=obi&last_event_id=0-1", "");
    events.until("snapshot_end");
}

#[test]
fn book_and_tape_are_shown_while_somebody_looks() {
    let first = ask(demo(), "GET", "/market/QQQ", "", "");
    if first.status == 202 {
        assert_eq!(first.json()["code"], "watching");
    }
    let mut events = Events::open(demo(), "/stream?symbols=QQQ&names=book,tape", "");
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let event = events.until("document").pop().unwrap();
        let name = event.data["name"].as_str().unwrap().to_owned();
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    let market = body("/market/QQQ");
    let bids = market["book"]["bids"].as_array().unwrap();
    assert!(bids[0][0].as_f64() > bids[1][0].as_f64());
    let tape = market["tape"].as_array().unwrap();
    assert!(!tape.is_empty() && tape.len() <= 100);
    assert!(tape[0]["at"].as_i64() >= tape[tape.len() - 1]["at"].as_i64());
    assert!(body("/analytics/QQQ")["documents"].get("book").is_none());
}

#[test]
fn a_socket_says_what_the_stream_says_and_takes_another_selection() {
    let mut stream = connect(demo()).unwrap();
    let request = format!(
        "GET /ws?symbols=SPY&names=obi HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        demo()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let answered = answer(&mut reader).unwrap();
    assert_eq!(answered.status, 101);
    // RFC 6455, section 1.3.
    assert_eq!(
        answered.header("sec-websocket-accept"),
        Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    );
    let mut next = || frame(&mut reader);
    let mut wait = |is_it: &dyn Fn(&Value) -> bool| {
        for _ in 0..200 {
            let said = next();
            if is_it(&said) {
                return said;
            }
        }
        panic!("it was not said");
    };
    let document = wait(&|said| said["event"] == "document");
    assert_eq!(
        (&document["data"]["symbol"], &document["data"]["name"]),
        (&json!("SPY"), &json!("obi"))
    );
    wait(&|said| said["event"] == "snapshot_end" && said["id"].is_string());
    say(
        &mut stream,
        r#"{"subscribe":{"symbols":["*"],"names":["portfolio"]}}"#,
    );
    wait(&|said| said["data"]["name"] == "portfolio");
    say(&mut stream, "what?");
    wait(&|said| said["event"] == "error");
}

/// A text frame of the server's.
fn frame(reader: &mut impl Read) -> Value {
    let mut head = [0; 2];
    reader.read_exact(&mut head).unwrap();
    assert_eq!(head[0], 0x81, "a whole text frame");
    let length = match head[1] {
        126 => {
            let mut long = [0; 2];
            reader.read_exact(&mut long).unwrap();
            usize::from(u16::from_be_bytes(long))
        }
        127 => {
            let mut long = [0; 8];
            reader.read_exact(&mut long).unwrap();
            usize::try_from(u64::from_be_bytes(long)).unwrap()
        }
        short => usize::from(short),
    };
    let mut text = vec![0; length];
    reader.read_exact(&mut text).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// Sends a short text frame, masked by nothing.
fn say(stream: &mut impl Write, text: &str) {
    let mut frame = vec![0x81, 0x80 | u8::try_from(text.len()).unwrap(), 0, 0, 0, 0];
    frame.extend_from_slice(text.as_bytes());
    stream.write_all(&frame).unwrap();
}
