//! What every kind of answer comes to, from a server that gives them.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use quant::market::Timestamp;

use super::answer::Failure;
use super::poller::Answered;
use super::*;
use crate::clock::Clock;
use crate::feed::message::What;
use crate::fetch::FetchError;
use crate::fetch::server::{Script, Server, good, with};

/// 2026-11-20T15:00:10Z.
const NOW: Timestamp = Timestamp::from_seconds(1_795_186_810);

fn body(symbol: &str, time: &str) -> String {
    format!(
        r#"{{"timestamp":"{time}","data":{{"symbol":"^{symbol}","current_price":6001.5,"bid":6001.0,"ask":6002.0,"prev_day_close":5990.25,"price_change":11.25,"options":[{{"option":"SPXW261120C06000000","bid":12.5,"ask":12.9,"iv":0.11,"open_interest":10.0,"volume":3.0,"delta":0.51,"gamma":0.01,"vega":0.5,"theta":-3.0,"rho":0.1,"last_trade_price":12.6}}]}},"symbol":"_{symbol}"}}"#
    )
}

fn spx(time: &str) -> String {
    body("SPX", time)
}

fn poller(url: &str) -> Poller {
    let symbol = Symbol::new("SPX").unwrap();
    let mut terms = terms(&Settings::default(), &symbol);
    terms.url = url.to_owned();
    terms.limits.timeout = Duration::from_millis(500);
    terms.limits.max_bytes = 10_000;
    terms.max_unpacked_bytes = 10_000;
    Poller::new(symbol, terms, Clock::standing_at(NOW)).unwrap()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut to = GzEncoder::new(Vec::new(), Compression::fast());
    to.write_all(text.as_bytes()).unwrap();
    to.finish().unwrap()
}

fn packed(body: &[u8]) -> Script {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    Script::SayBytes([head.as_bytes(), body].concat())
}

#[test]
fn an_index_has_its_mark_in_the_address() {
    let settings = Settings {
        indices: vec![Symbol::new("MXEA").unwrap()],
        ..Settings::default()
    };
    let name = |symbol| {
        let url = url(&settings, &Symbol::new(symbol).unwrap());
        let start = "https://cdn.cboe.com/api/global/delayed_quotes/options/";
        url.strip_prefix(start).unwrap().to_owned()
    };
    let names = ["SPX", "VIX", "SPY", "MXEA", "^RUI", "_SPX"].map(name);
    let expected = ["_SPX", "_VIX", "SPY", "_MXEA", "_RUI", "_SPX"];
    assert_eq!(names, expected.map(|name| format!("{name}.json")));
}

#[tokio::test(flavor = "multi_thread")]
async fn news_are_told_once_and_asked_for_by_what_changed() {
    let scripts = [
        with("200 OK", "ETag: \"v1\"\r\n", &spx("2026-11-20 15:00:00")),
        with("304 Not Modified", "", ""),
        good(&spx("2026-11-20 15:00:00")),
        good(&spx("2026-11-20 14:59:00")),
        packed(&gzip(&spx("2026-11-20 15:00:05"))),
    ];
    let server = Server::start(&scripts).await;
    let mut poller = poller(&server.url);
    let (say, mut said) = mpsc::channel(4);
    let mut answered = Vec::new();
    for _ in &scripts {
        answered.push(poller.ask(&say).await.unwrap());
    }
    use Answered::{NotNewer, Published, Unchanged};
    let expected = [Published, Unchanged, NotNewer, NotNewer, Published];
    assert_eq!(answered, expected);
    assert!(server.requests()[1].contains("if-none-match: \"v1\"\r\n"));
    assert!(server.requests()[0].contains("accept-encoding: gzip\r\n"));
    let messages = said.recv().await.unwrap();
    let [symbol, ticker, chain] = &messages[..] else {
        panic!("{messages:?}")
    };
    assert_eq!(symbol.what, What::Symbol(Symbol::new("SPX").unwrap()));
    let What::VendorTicker(ticker) = &ticker.what else {
        panic!("{ticker:?}")
    };
    assert_eq!(
        String::from_utf8(ticker.json().unwrap()).unwrap(),
        "{\"bid\":6001.0,\"ask\":6002.0,\"last\":6001.5,\"timestamp\":1795185900000000000,\
         \"delayed\":true,\"delay_ms\":900000}"
    );
    let What::VendorChain(chain) = &chain.what else {
        panic!("{chain:?}")
    };
    let json = serde_json::to_string(chain).unwrap();
    assert!(
        json.starts_with(
            "{\"symbol\":\"SPX\",\"source\":\"cboe\",\"as_of\":1795186800000,\"spot\":6001.5,\
             \"delayed\":true,\"delay_ms\":900000,\"contracts\":[{\"occ_symbol\":\
             \"SPXW261120C06000000\",\"root\":\"SPXW\","
        ),
        "{json}"
    );
    assert!(json.contains("\"delta\":0.51,\"gamma\":0.01,\"theta\":-3.0,\"vega\":0.5,\"rho\":0.1"));
    // The newer file.
    assert_eq!(said.recv().await.unwrap().len(), 3);
    assert!(said.try_recv().is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_published_of_an_answer_that_is_none_and_the_next_one_is() {
    let whole = spx("2026-11-20 15:00:00");
    let large = format!("{}{}", whole, " ".repeat(10_000));
    let cut = gzip(&whole);
    let cut = &cut[..cut.len() / 2];
    let nameless = whole.replace("SPXW261120C06000000", "none");
    let busy = with("429 Too Many Requests", "Retry-After: 120\r\n", "");
    let page = "<html><body>Access denied</body></html>";
    let scripts = [
        (with("403 Forbidden", "", "<xml>"), "status_403"),
        (busy, "status_429"),
        (with("500 Internal Server Error", "", ""), "status_500"),
        (with("302 Found", "Location: http://x/\r\n", ""), "redirect"),
        (Script::Silence, "timeout"),
        (Script::Drip, "timeout"),
        (good(page), "not_json"),
        (good(&whole[..whole.len() - 20]), "not_json"),
        (good(""), "not_json"),
        (good("{}"), "not_a_chain"),
        (good("[1]"), "not_json"),
        (good(&large), "too_large"),
        (packed(&gzip(&large)), "too_large"),
        (packed(cut), "damaged"),
        (good(&body("NDX", "2026-11-20 15:00:00")), "wrong_symbol"),
        (good(&spx("today")), "bad_time"),
        (good(&spx("2026-11-20 20:00:00")), "future"),
        (good(&nameless), "no_contracts"),
    ];
    for (script, reason) in scripts {
        let server = Server::start(&[script, good(&whole)]).await;
        let mut poller = poller(&server.url);
        let (say, mut said) = mpsc::channel(1);
        let failure = poller.ask(&say).await.unwrap_err();
        assert_eq!(failure.reason(), reason, "{failure}");
        assert!(said.try_recv().is_err(), "{reason}");
        assert_eq!(poller.ask(&say).await, Ok(Answered::Published), "{reason}");
    }
}

#[test]
fn failures_are_waited_out_longer_each_time_and_as_long_as_the_server_asks() {
    let mut poller = poller("http://127.0.0.1:1/");
    let mut seconds = |result| poller.settle(result).as_secs_f64();
    let waits = [0; 4].map(|_| seconds(Err(FetchError::Timeout(1).into())));
    for (wait, doubled) in waits.iter().zip([60.0, 120.0, 240.0, 480.0]) {
        assert!((0.9..=1.1).contains(&(wait / doubled)), "{waits:?}");
    }
    let asked = FetchError::Status {
        status: 429,
        retry_after: Some(Duration::from_secs(1_700)),
    };
    assert_eq!(seconds(Err(asked.into())), 1_700.0);
    let every = seconds(Ok(Answered::Unchanged));
    assert!((60.0..=66.0).contains(&every), "{every}");
    let first = seconds(Err(Failure::Forbidden));
    assert!((60.0..=66.0).contains(&first), "{first}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_symbol_that_is_not_answered_for_holds_up_no_other() {
    let silent = Server::start(&[Script::Silence]).await;
    let quick = Server::start(&[good(&spx("2026-11-20 15:00:00"))]).await;
    let (say, said) = mpsc::channel(1);
    let mut provider = Cboe {
        pollers: vec![poller(&silent.url), poller(&quick.url)],
        turning: JoinSet::new(),
        said,
        say,
    };
    provider.connect().await.unwrap();
    let messages = tokio::time::timeout(Duration::from_secs(20), provider.next());
    assert_eq!(messages.await.unwrap().unwrap().unwrap().len(), 3);
}
