//! What every kind of answer comes to, from a server that gives them.

use super::*;
use crate::fetch::server::{Script, Server, good, with};

const NOW: Timestamp = Timestamp::from_seconds(784_111_740);

fn limits() -> Limits {
    Limits {
        timeout: Duration::from_millis(5_000),
        connect_timeout: Duration::from_millis(5_000),
        max_bytes: 10_000,
    }
}

/// Long enough for a local answer, short enough to wait for one that does not come.
fn impatient() -> Limits {
    Limits {
        timeout: Duration::from_millis(200),
        ..limits()
    }
}

async fn get(script: Script, limits: Limits) -> Result<Answer, FetchError> {
    let server = Server::start(&[script]).await;
    let fetcher = Fetcher::new(&server.url, limits).unwrap();
    fetcher.get(&Validators::default(), NOW).await
}

#[track_caller]
fn check(answer: Result<Answer, FetchError>, reason: &str, words: &str) {
    let error = answer.unwrap_err();
    assert_eq!(error.reason(), reason, "{error}");
    assert!(error.to_string().contains(words), "{error}");
}

#[tokio::test]
async fn a_good_answer_is_its_body() {
    let server = Server::start(&[good("DATE,CLOSE\n")]).await;
    let fetcher = Fetcher::new(&server.url, limits()).unwrap();
    let answer = fetcher.get(&Validators::default(), NOW).await.unwrap();
    let expected = Answer::Body("DATE,CLOSE\n".into(), Validators::default());
    assert_eq!(answer, expected);
    let requests = server.requests();
    let version = env!("CARGO_PKG_VERSION");
    assert!(requests[0].starts_with("get /vix1d http/1.1\r\n"));
    assert!(requests[0].contains(&format!("user-agent: analytics/{version}\r\n")));
    assert!(!requests[0].contains("accept-encoding"), "{}", requests[0]);
}

#[tokio::test]
async fn an_answer_that_was_understood_is_asked_for_changes() {
    let stamps = "ETag: \"v1\"\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
    let scripts = [
        with("200 OK", stamps, "x"),
        with("304 Not Modified", "", ""),
    ];
    let server = Server::start(&scripts).await;
    let fetcher = Fetcher::new(&server.url, limits()).unwrap();
    let first = fetcher.get(&Validators::default(), NOW).await.unwrap();
    let Answer::Body(_, validators) = first else {
        panic!("{first:?}");
    };
    assert_eq!(fetcher.get(&validators, NOW).await, Ok(Answer::Unchanged));
    let asked = &server.requests()[1];
    assert!(asked.contains("if-none-match: \"v1\"\r\n"), "{asked}");
    assert!(asked.contains("if-modified-since: sun, 06 nov 1994 08:49:37 gmt\r\n"));
    // Nobody asked for changes only.
    let unasked = fetcher.get(&Validators::default(), NOW).await;
    check(unasked, "status_304", "304");
}

#[tokio::test]
async fn another_status_is_no_answer() {
    for (status, reason) in [
        ("204 No Content", "status_204"),
        ("403 Forbidden", "status_403"),
        ("500 Internal Server Error", "status_500"),
    ] {
        let answer = get(with(status, "Retry-After: 9\r\n", "DATE,CLOSE"), limits()).await;
        assert_eq!(answer.as_ref().unwrap_err().retry_after(), None);
        check(answer, reason, "");
    }
}

#[tokio::test]
async fn a_server_that_asks_for_time_says_how_long() {
    for (status, asked, seconds) in [
        ("429 Too Many Requests", "120", Some(120)),
        (
            "503 Service Unavailable",
            "Sun, 06 Nov 1994 08:49:37 GMT",
            Some(37),
        ),
        ("429 Too Many Requests", "tomorrow", None),
    ] {
        let script = with(status, &format!("Retry-After: {asked}\r\n"), "");
        let error = get(script, limits()).await.unwrap_err();
        let expected = seconds.map(Duration::from_secs);
        assert_eq!(error.retry_after(), expected, "{error}");
        assert_eq!(error.reason(), format!("status_{}", &status[..3]));
    }
}

#[tokio::test]
async fn a_redirect_is_named_and_not_followed() {
    let elsewhere = Server::start(&[good("DATE,CLOSE\n")]).await;
    let header = format!("Location: {}\r\n", elsewhere.url);
    let answer = get(with("302 Found", &header, ""), limits()).await;
    check(answer, "redirect", &elsewhere.url);
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn a_server_that_never_ends_runs_out_of_time() {
    check(get(Script::Silence, impatient()).await, "timeout", "200 ms");
    check(get(Script::Drip, impatient()).await, "timeout", "200 ms");
}

#[tokio::test]
async fn a_body_is_read_no_further_than_the_limit() {
    let fits = get(good(&"x".repeat(10_000)), limits()).await;
    assert!(fits.is_ok());
    let stated = get(good(&"x".repeat(10_001)), limits()).await;
    check(stated, "too_large", "10000 bytes");
    check(get(Script::Flood, limits()).await, "too_large", "");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_none() {
    let text = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nDATE,CLOSE\n";
    let broken = get(Script::Say(text.to_owned()), limits()).await;
    check(broken, "interrupted", "broke off");
    let nonsense = get(Script::Say("hello\r\n\r\n".to_owned()), limits()).await;
    check(nonsense, "interrupted", "");
}

#[tokio::test]
async fn nobody_there_is_no_connection() {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let fetcher = Fetcher::new(&url, limits()).unwrap();
    let answer = fetcher.get(&Validators::default(), NOW).await;
    check(answer, "connect", "refused");
}

#[test]
fn an_address_says_how_it_is_asked() {
    for url in [
        "https://example.com/a",
        "http://127.0.0.1:1/",
        "http://proxy.internal/",
    ] {
        assert!(Fetcher::new(url, limits()).is_ok(), "{url}");
    }
    for url in [
        "",
        "example.com",
        "ftp://example.com/",
        "file:///etc/passwd",
        "https://me:secret@example.com/",
    ] {
        let error = Fetcher::new(url, limits()).unwrap_err();
        assert_eq!(error.reason(), "bad_url", "{url}");
        assert!(!error.to_string().contains("secret"));
    }
}

#[test]
fn this_machine_needs_no_proxy() {
    let local = |url| is_loopback(&Url::parse(url).unwrap());
    assert!(local("http://127.0.0.1:80/") && local("http://[::1]/") && local("http://localhost/"));
    assert!(!local("http://127.0.0.1.example.com/") && !local("https://cdn.cboe.com/"));
}

fn packed(text: &[u8]) -> Bytes {
    use std::io::Write;
    let mut to = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    to.write_all(text).unwrap();
    to.finish().unwrap().into()
}

#[tokio::test]
async fn gzip_is_asked_for_and_unpacked_up_to_the_limit() {
    let server = Server::start(&[good("x")]).await;
    let fetcher = Fetcher::new(&server.url, limits()).unwrap();
    let fetcher = fetcher.accepting_gzip();
    fetcher.get(&Validators::default(), NOW).await.unwrap();
    assert!(server.requests()[0].contains("accept-encoding: gzip\r\n"));

    let body = packed(&[b'1'; 5_000]);
    assert_eq!(unpacked(body.clone(), 5_000).unwrap().len(), 5_000);
    assert_eq!(
        unpacked(body.clone(), 4_999),
        Err(FetchError::TooLarge(4_999))
    );
    let cut = unpacked(body.slice(..body.len() - 9), 5_000).unwrap_err();
    assert_eq!(cut.reason(), "damaged");
    assert_eq!(unpacked("{}".into(), 2).unwrap(), b"{}");
    assert_eq!(unpacked("{}".into(), 1), Err(FetchError::TooLarge(1)));
}
