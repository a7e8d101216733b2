//! Who is let in, and what a client may do: each rule against a daemon that has it.

use std::io::{BufReader, Read, Write};
use std::net::{IpAddr, UdpSocket};
use std::time::Duration;

use analytics::clock::Stopwatch;
use serde_json::json;

use crate::harness::client::{Events, answer, ask, connect, raw};
use crate::harness::{Analytics, SOON, run, until};

/// A token and its line in the file: SHA-256 of "abc", FIPS 180-2, appendix B.1.
const TOKEN: &str = "abc";
const LINE: &str = "desk ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n";

/// A daemon on the in-process board with these settings.
fn daemon(sets: &[&str]) -> (Analytics, String) {
    let mut args = vec![
        "run",
        "--set",
        "redis.url=memory:",
        "--set",
        "http.listen=127.0.0.1:0",
    ];
    args.extend(["--set", "market.exchange=ALWAYS"]);
    for set in sets {
        args.extend(["--set", set]);
    }
    let daemon = Analytics::spawn(&args, &[]);
    let address = daemon.http_addr();
    until("it beats", SOON, || {
        let answered = ask(&address, "GET", "/health", "", "");
        (answered.status == 200).then_some(())
    });
    (daemon, address)
}

/// A file of one token.
fn tokens() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens");
    std::fs::write(&path, LINE).unwrap();
    let set = format!("http.token_file={}", path.display());
    (folder, set)
}

#[test]
fn beyond_loopback_nothing_starts_without_tokens() {
    let open = [
        "run",
        "--set",
        "redis.url=memory:",
        "--set",
        "http.listen=0.0.0.0:0",
    ];
    let said = run(&open).refused();
    assert!(
        said.contains("http.listen: must be loopback addresses while http.token_file is not set"),
        "{said}"
    );
    assert!(
        said.contains("analytics token new") && said.contains("allow_unauthenticated"),
        "{said}"
    );
    let (_folder, file) = tokens();
    for set in [file.as_str(), "http.allow_unauthenticated=true"] {
        let (daemon, _) = daemon(&["http.listen=0.0.0.0:0", set]);
        daemon.finish();
    }
}

#[test]
fn who_has_no_token_gets_the_way_in_and_nothing_else() {
    let (_folder, file) = tokens();
    let (daemon, address) = daemon(&[&file, "http.trust_loopback=false"]);
    let status = |path: &str, headers: &str| ask(&address, "GET", path, headers, "").status;
    for path in ["/health", "/", "/page/index.html"] {
        assert_eq!(status(path, ""), 200, "{path}");
    }
    for path in [
        "/status",
        "/metrics",
        "/symbols",
        "/analytics/SPY",
        "/stream",
        "/ws",
        "/docs",
        "/openapi.json",
        "/nothing",
        "/page/../status",
        "/page/%2e%2e/status",
    ] {
        let answered = ask(&address, "GET", path, "", "");
        let code = answered.json()["code"].clone();
        // A file of the page that is none is said to be none.
        let expected = if path.starts_with("/page/") { 404 } else { 401 };
        assert_eq!(answered.status, expected, "{path}: {code}");
    }
    assert_eq!(status("/symbols", "Authorization: Bearer abc\r\n"), 200);
    for wrong in ["Bearer abd", "Bearer ", "Basic abc", "abc"] {
        assert_eq!(
            status("/symbols", &format!("Authorization: {wrong}\r\n")),
            401,
            "{wrong}"
        );
    }

    let sign_in = |token: &str| {
        let body = json!({"token": token}).to_string();
        ask(
            &address,
            "POST",
            "/login",
            "Content-Type: application/json\r\n",
            &body,
        )
    };
    assert_eq!(sign_in("abd").refusal(), (401, "unauthorized".into()));
    assert_eq!(
        ask(&address, "POST", "/login", "", "{").refusal(),
        (400, "bad_body".into())
    );
    let signed = sign_in(TOKEN);
    assert_eq!(
        (signed.status, signed.json()),
        (200, json!({"name": "desk"}))
    );
    let cookie = signed.header("set-cookie").unwrap();
    assert!(cookie.contains("; HttpOnly; SameSite=Strict; Path=/") && !cookie.contains("Secure"));
    let cookie = format!("Cookie: {}\r\n", cookie.split(';').next().unwrap());
    assert_eq!(status("/symbols", &cookie), 200);
    let mut events = Events::open(&address, "/stream?names=heartbeat", &cookie);
    events.until("snapshot_end");
    let out = ask(&address, "POST", "/logout", &cookie, "");
    assert!(out.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(status("/symbols", &cookie), 401);
    let ended = events.until("dropped").pop().unwrap();
    assert_eq!(ended.data["reason"], "signed_out");
    assert!(events.next().is_none());
    daemon.finish();
}

#[test]
fn a_page_of_another_site_reaches_nothing() {
    let (daemon, address) = daemon(&[
        "http.hosts=desk.example",
        "http.origins=https://desk.example",
    ]);
    let port = address.rsplit_once(':').unwrap().1.to_owned();
    let by_host = |host: &str| {
        ask(
            &address,
            "GET",
            "/symbols",
            &format!("Host: {host}\r\n"),
            "",
        )
        .status
    };
    for known in [
        "localhost",
        "127.0.0.1",
        "[::1]:9",
        "DESK.example:443",
        &format!("localhost:{port}"),
    ] {
        assert_eq!(by_host(known), 200, "{known}");
    }
    for foreign in [
        "evil.example",
        "127.0.0.1.evil.example",
        "10.0.0.1",
        "localhost.evil",
    ] {
        assert_eq!(by_host(foreign), 403, "{foreign}");
    }
    let two = "GET /symbols HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\nConnection: close\r\n\r\n";
    assert_eq!(raw(&address, two.as_bytes()).unwrap().status, 400);
    let post = |origin: &str| {
        let headers = format!("Origin: {origin}\r\n");
        ask(&address, "POST", "/logout", &headers, "").status
    };
    assert_eq!(post(&format!("http://{address}")), 200);
    assert_eq!(post("https://desk.example"), 200);
    for foreign in ["http://evil.example", "null", "http://localhost"] {
        assert_eq!(post(foreign), 403, "{foreign}");
    }
    let socket = "Connection: Upgrade\r\nUpgrade: websocket\r\nOrigin: http://evil.example\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    assert_eq!(
        ask(&address, "GET", "/ws", socket, "").refusal(),
        (403, "foreign_origin".into())
    );

    let answered = ask(
        &address,
        "GET",
        "/symbols",
        "Origin: https://desk.example\r\nX-Request-Id: mine-1\r\n",
        "",
    );
    assert_eq!(
        answered.header("access-control-allow-origin"),
        Some("https://desk.example")
    );
    assert_eq!(answered.header("x-request-id"), Some("mine-1"));
    assert_eq!(answered.header("x-content-type-options"), Some("nosniff"));
    let policy = answered.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"));
    let foreign = ask(
        &address,
        "GET",
        "/symbols",
        "Origin: https://evil.example\r\n",
        "",
    );
    assert_eq!(foreign.header("access-control-allow-origin"), None);
    daemon.finish();
}

#[test]
fn what_is_too_long_is_refused() {
    let (daemon, address) = daemon(&[]);
    let code = |path: &str, headers: &str| ask(&address, "GET", path, headers, "").status;
    assert_eq!(code(&format!("/{}", "a".repeat(1100)), ""), 414);
    assert_eq!(code(&format!("/symbols?{}", "a".repeat(5000)), ""), 414);
    assert_eq!(
        code("/symbols", &format!("X-Long: {}\r\n", "a".repeat(40_000))),
        431
    );
    assert_eq!(code("/symbols", &"X-Many: 1\r\n".repeat(100)), 431);
    let long = "a".repeat(5000);
    assert_eq!(
        ask(&address, "POST", "/login", "", &long).refusal(),
        (413, "too_large".into())
    );
    for path in [
        "/../etc/passwd",
        "/analytics/..%2f..%2fetc",
        "/page/..%2f..%2fCargo.toml",
        "/analytics/%00",
        "/analytics/%ff",
        "//",
        "/page/",
    ] {
        let status = code(path, "");
        assert!(status == 404 || status == 400, "{path}: {status}");
    }
    daemon.finish();
}

#[test]
fn a_client_that_dawdles_is_cut_off() {
    let (daemon, address) = daemon(&["http.header_timeout_ms=300"]);
    let mut slow = connect(&address).unwrap();
    slow.write_all(b"GET /symbols HTTP/1.1\r\nHost: loc")
        .unwrap();
    let watch = Stopwatch::start();
    let mut rest = Vec::new();
    let _ = slow.read_to_end(&mut rest);
    assert!(watch.elapsed() < Duration::from_secs(5));
    assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 408"));
    daemon.finish();
}

#[test]
fn there_are_so_many_connections_streams_and_requests() {
    let (_folder, file) = tokens();
    let (daemon, address) = daemon(&[&file, "http.max_connections=3", "http.max_streams=1"]);
    let mut first = Events::open(&address, "/stream?names=heartbeat", "");
    first.until("heartbeat");
    let second = ask(&address, "GET", "/stream", "", "");
    assert_eq!(second.refusal(), (503, "too_many_streams".into()));
    assert!(second.header("retry-after").is_some());
    let held: Vec<_> = (0..2).map(|_| connect(&address).unwrap()).collect();
    let refused = until("the fourth is refused", SOON, || {
        let mut reader = BufReader::new(connect(&address).ok()?);
        let answered = answer(&mut reader).ok()?;
        (answered.status == 503).then_some(answered)
    });
    assert_eq!(refused.json()["code"], "too_many_connections");
    drop(held);
    until("there is room again", SOON, || {
        let mut stream = connect(&address).ok()?;
        let request =
            format!("GET /status HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).ok()?;
        let answered = answer(&mut BufReader::new(stream)).ok()?;
        (answered.status == 200 && answered.json()["streams"] == 1).then_some(())
    });
    drop(first);
    daemon.finish();
}

/// An address of this host that is not loopback, where it has one. Nothing is sent.
fn outward() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}

#[test]
fn an_address_that_asks_too_often_is_told_when_to_ask_again() {
    let (daemon, address) = daemon(&[
        "http.listen=0.0.0.0:0",
        "http.allow_unauthenticated=true",
        "http.requests_per_second=1",
    ]);
    let by_name = "Host: evil.example\r\n";
    let foreign = ask(&address, "GET", "/symbols", by_name, "");
    assert_eq!(foreign.refusal(), (403, "foreign_host".into()));
    let Some(own) = outward() else {
        eprintln!("skipped: no address but loopback");
        return daemon.finish();
    };
    let address = format!("{own}:{}", address.rsplit_once(':').unwrap().1);
    assert_eq!(ask(&address, "GET", "/symbols", "", "").status, 200);
    let refused = until("it is too many", SOON, || {
        let answered = ask(&address, "GET", "/symbols", "", "");
        (answered.status == 429).then_some(answered)
    });
    assert_eq!(refused.refusal(), (429, "too_many_requests".into()));
    assert!(refused.header("retry-after").is_some());
    daemon.finish();
}

#[test]
fn a_client_that_takes_nothing_is_cut_off_and_harms_nobody() {
    let args = [
        "demo",
        "--listen",
        "127.0.0.1:0",
        "--log",
        "info",
        "--set",
        "http.send_timeout_ms=300",
    ];
    let demo = Analytics::spawn(&args, &[]);
    let address = demo
        .logged("http listening", Duration::from_secs(60))
        .fields["address"]
        .clone();
    let address = address.as_str().unwrap().to_owned();
    until("it answers", Duration::from_secs(60), || {
        let mut stream = connect(&address).ok()?;
        let request =
            format!("GET /health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).ok()?;
        (answer(&mut BufReader::new(stream)).ok()?.status == 200).then_some(())
    });
    // Chains are some megabytes: more than the system's buffers take.
    let path = "/stream?names=latest_chain,surface,gex,max_pain,oi_buildup,volatility_surface";
    let silent: Vec<_> = (0..4)
        .map(|_| {
            let mut stream = connect(&address).unwrap();
            let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
            stream.write_all(request.as_bytes()).unwrap();
            stream
        })
        .collect();
    let stalled = "analytics_http_dropped_total{reason=\"stalled\"} 4";
    let mut events = Events::open(&address, "/stream?symbols=SPY&names=obi", "");
    until(
        "those who take nothing are gone",
        Duration::from_secs(30),
        || {
            events.until("document");
            let metrics = ask(&address, "GET", "/metrics", "", "").body;
            String::from_utf8_lossy(&metrics)
                .contains(stalled)
                .then_some(())
        },
    );
    assert_eq!(ask(&address, "GET", "/status", "", "").json()["streams"], 1);
    drop(silent);
}
