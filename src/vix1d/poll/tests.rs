//! A source from a scripted server to the board, and what it leaves there.

use super::*;
use crate::fetch::server::{Script, Server, good, with};
use crate::store::board::Board;
use crate::store::exchange::Fetched;
use crate::vix1d::Origin;

const LAST: &str = "volatility:vix1d:cboe:last";
const HISTORY: &str = "volatility:vix1d:cboe:history";

const TUESDAY: &str = "DATE,OPEN,HIGH,LOW,CLOSE\n12/17/2024,7.14,13.5,7,13.29\n";
const WEDNESDAY: &str =
    "DATE,OPEN,HIGH,LOW,CLOSE\n12/17/2024,7.14,13.5,7,13.29\n12/18/2024,9,28,8,27.62\n";

/// Long before a healthy test needs it.
const DEADLINE: Duration = Duration::from_secs(20);

fn at(text: &str) -> Timestamp {
    Timestamp::from_rfc3339(text).unwrap()
}

fn calendars() -> Calendars {
    Calendars::from_toml(include_str!("../../../config/sessions.toml")).unwrap()
}

/// Thursday morning: Wednesday's close is the newest there is.
fn now() -> Timestamp {
    at("2024-12-19T09:00:00-05:00")
}

/// Waits of milliseconds, so that a test sees many of them.
fn terms(url: &str) -> Terms {
    Terms {
        url: url.to_owned(),
        timeout: Duration::from_millis(200),
        every: Duration::from_millis(5),
        backoff_min: Duration::from_millis(4),
        backoff_max: Duration::from_millis(20),
        jitter: 0.0,
        max_bytes: 10_000,
        history_window: 3,
        ..Terms::of(Vendor::Cboe)
    }
}

struct Run {
    server: Server,
    board: Arc<Board>,
    status: Arc<SourceStatus>,
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

fn polling(terms: Terms, board: &Arc<Board>) -> Polling {
    Polling {
        vendor: Vendor::Cboe,
        terms,
        calendars: Arc::new(calendars()),
        source: Source::Board(board.clone()),
        sink: Sink::board(board.clone()),
        clock: Clock::standing_at(now()),
        seed: 1,
        status: Arc::default(),
    }
}

async fn start(scripts: &[Script], set: impl FnOnce(&mut Terms, &Board)) -> Run {
    let server = Server::start(scripts).await;
    let mut terms = terms(&server.url);
    let board = Arc::new(Board::default());
    set(&mut terms, &board);
    let polling = polling(terms, &board);
    let status = polling.status.clone();
    let (stop, stopped) = watch::channel(false);
    let task = tokio::spawn(poll(polling, stopped));
    Run {
        server,
        board,
        status,
        stop,
        task,
    }
}

impl Run {
    #[track_caller]
    fn reading(&self) -> Option<Reading> {
        match self.board.get(LAST, now()) {
            Fetched::Value(bytes) => Some(Reading::from_json(&bytes).expect("a reading")),
            Fetched::Missing => None,
            other => panic!("{other:?}"),
        }
    }

    async fn until(&self, met: impl Fn(&SourceState) -> bool) -> SourceState {
        let waiting = async {
            loop {
                let state = self.status.state();
                if met(&state) {
                    return state;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let found = tokio::time::timeout(DEADLINE, waiting).await;
        found.unwrap_or_else(|_| panic!("not met: {:?}", self.status.state()))
    }
}

#[tokio::test]
async fn a_good_answer_stands_in_the_store() {
    let run = start(&[good(WEDNESDAY)], |_, _| {}).await;
    let state = run.until(|s| s.requests >= 3).await;
    let expected = Reading {
        source: Origin::Cboe,
        value: 27.62,
        observed_at: at("2024-12-18T16:15:00-05:00"),
        fetched_at: now(),
        delayed: true,
    };
    assert_eq!(run.reading(), Some(expected));
    assert_eq!((state.reading, state.failures), (Some(expected), 0));
    // A list, which is what a value is not.
    assert_eq!(run.board.get(HISTORY, now()), Fetched::WrongType);
    run.stop.send(true).unwrap();
    tokio::time::timeout(DEADLINE, run.task)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn a_file_of_yesterday_is_a_reading_of_yesterday() {
    let run = start(&[good(TUESDAY)], |_, _| {}).await;
    run.until(|s| s.requests >= 1).await;
    let found = run.until(|s| s.reading.is_some()).await.reading.unwrap();
    assert_eq!(found.observed_at, at("2024-12-17T16:15:00-05:00"));
    assert_eq!(found.fetched_at, now());
}

#[tokio::test]
async fn what_is_no_value_leaves_nothing_in_the_store() {
    let elsewhere = Server::start(&[good(WEDNESDAY)]).await;
    let location = format!("Location: {}\r\n", elsewhere.url);
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n";
    let long = format!("{WEDNESDAY}{}", "\n".repeat(10_000));
    for (script, reason) in [
        (
            with("429 Too Many Requests", "Retry-After: 1\r\n", WEDNESDAY),
            "status_429",
        ),
        (
            with("500 Internal Server Error", "", WEDNESDAY),
            "status_500",
        ),
        (
            with("301 Moved Permanently", &location, WEDNESDAY),
            "redirect",
        ),
        (Script::Silence, "timeout"),
        (Script::Drip, "timeout"),
        (Script::Flood, "too_large"),
        (good(&long), "too_large"),
        (good("<!DOCTYPE html><html>Access denied</html>"), "not_csv"),
        (Script::Say(format!("{cut}{WEDNESDAY}")), "interrupted"),
        (good(&WEDNESDAY.replace("CLOSE", "LAST")), "wrong_column"),
        (good(&WEDNESDAY.replace("27.62", "-27.62")), "bad_value"),
        (good(&TUESDAY.replace("2024", "2031")), "future"),
    ] {
        let run = start(&[script], |_, _| {}).await;
        let state = run
            .until(|s| s.failures >= 2 || (s.failures == 1 && reason == "status_429"))
            .await;
        assert_eq!(state.reason.as_deref(), Some(reason), "{:?}", state.error);
        assert_eq!((run.reading(), state.reading), (None, None), "{reason}");
        assert_eq!(run.board.get(HISTORY, now()), Fetched::Missing, "{reason}");
    }
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn nobody_there_is_reported_and_tried_again() {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let run = start(&[Script::Silence], |terms, _| terms.url = url).await;
    let state = run.until(|s| s.failures >= 3).await;
    assert_eq!(state.reason.as_deref(), Some("connect"));
    assert_eq!(run.reading(), None);
}

#[tokio::test]
async fn a_failure_leaves_the_former_value_with_its_own_times() {
    let run = start(&[good(TUESDAY), good("<html>")], |_, _| {}).await;
    let state = run.until(|s| s.failures >= 2).await;
    let found = run.reading().unwrap();
    assert_eq!((found.value, state.reading), (13.29, Some(found)));
}

#[tokio::test]
async fn it_comes_back_by_itself() {
    let bad = with("503 Service Unavailable", "", "");
    let run = start(&[bad.clone(), bad, good(WEDNESDAY)], |_, _| {}).await;
    let state = run.until(|s| s.reading.is_some()).await;
    assert_eq!((state.failures, state.reason), (0, None));
    assert!(run.server.requests().len() >= 3);
}

#[tokio::test]
async fn what_did_not_change_is_asked_for_no_more_than_that() {
    let stamped = with("200 OK", "ETag: \"v1\"\r\n", WEDNESDAY);
    let run = start(&[stamped, with("304 Not Modified", "", "")], |_, _| {}).await;
    run.until(|s| s.requests >= 3).await;
    assert_eq!(run.reading().unwrap().value, 27.62);
    let requests = run.server.requests();
    assert!(!requests[0].contains("if-none-match"));
    assert!(requests[2].contains("if-none-match: \"v1\""));
}

#[tokio::test]
async fn an_answer_that_could_not_be_read_is_asked_for_whole_again() {
    let stamped = with("200 OK", "ETag: \"v1\"\r\n", "<html>");
    let run = start(&[stamped], |_, _| {}).await;
    run.until(|s| s.requests >= 2).await;
    assert!(!run.server.requests()[1].contains("if-none-match"));
}

fn left(fetched_ms_ago: i64) -> Reading {
    Reading {
        source: Origin::Cboe,
        value: 13.29,
        observed_at: at("2024-12-17T16:15:00-05:00"),
        fetched_at: Timestamp::from_millis(now().millis() - fetched_ms_ago),
        delayed: true,
    }
}

async fn restarted(last: String) -> Run {
    start(&[good(WEDNESDAY)], |terms, board| {
        terms.every = Duration::from_secs(300);
        board.set(LAST.into(), last.into());
    })
    .await
}

#[tokio::test]
async fn a_restart_asks_nobody_before_its_time() {
    let run = restarted(left(299_000).to_json()).await;
    let state = run.until(|s| s.reading.is_some()).await;
    assert_eq!(state.reading, Some(left(299_000)));
    assert_eq!((state.requests, run.server.requests().len()), (0, 0));
    // A second is left of the five minutes.
    let every = Duration::from_secs(300);
    let rest = |ago| rest_of(every, left(ago).fetched_at, now()).as_millis();
    let rests = [0, 299_000, 300_000, 900_000, -60_000].map(rest);
    assert_eq!(rests, [300_000, 1_000, 0, 0, 300_000]);
}

#[tokio::test]
async fn a_restart_asks_at_once_where_nothing_usable_is_left() {
    let ahead = Reading {
        observed_at: at("2031-01-02T16:15:00-05:00"),
        ..left(0)
    };
    let other = left(0).to_json().replace("cboe", "yahoo");
    for last in [
        left(300_000).to_json(),
        ahead.to_json(),
        other,
        "{".to_owned(),
    ] {
        let run = restarted(last.clone()).await;
        let state = run.until(|s| s.requests == 1).await;
        assert_eq!(state.reading.map(|r| r.value), Some(27.62), "{last}");
    }
}

/// The waits that follow answers, in milliseconds.
fn waits(terms: Terms, results: Vec<Result<Option<Reading>, SourceError>>) -> Vec<u128> {
    let Ok(mut poller) = Poller::new(polling(terms, &Arc::default())) else {
        panic!("an address");
    };
    let results = results.into_iter();
    results.map(|r| poller.settle(r).as_millis()).collect()
}

fn refused(status: u16, asks: Option<u64>) -> Result<Option<Reading>, SourceError> {
    let retry_after = asks.map(Duration::from_secs);
    let error = crate::fetch::FetchError::Status {
        status,
        retry_after,
    };
    Err(error.into())
}

#[test]
fn waits_are_as_configured() {
    let terms = Terms {
        every: Duration::from_secs(300),
        backoff_min: Duration::from_secs(30),
        backoff_max: Duration::from_secs(600),
        jitter: 0.0,
        ..Terms::of(Vendor::Cboe)
    };
    let bad = || refused(500, None);
    let results = vec![
        bad(),
        bad(),
        bad(),
        bad(),
        bad(),
        bad(),
        Ok(Some(left(0))),
        bad(),
    ];
    let seconds = |waits: Vec<u128>| waits.into_iter().map(|ms| ms / 1000).collect::<Vec<_>>();
    let found = seconds(waits(terms.clone(), results));
    assert_eq!(found, [30, 60, 120, 240, 480, 600, 300, 30]);

    let asking = vec![
        refused(429, Some(90)),
        refused(503, Some(1)),
        refused(429, Some(9000)),
    ];
    assert_eq!(seconds(waits(terms.clone(), asking)), [90, 60, 600]);

    let spread = Terms {
        jitter: 0.5,
        ..terms
    };
    let found = waits(spread, vec![bad(), bad(), bad()]);
    for (wait, range) in found.into_iter().zip([30..=45, 30..=90, 60..=180]) {
        assert!(range.contains(&(wait / 1000)), "{wait} ms");
    }
}

#[test]
fn the_status_says_when_it_is_asked_again_and_why() {
    let polling = polling(terms("http://127.0.0.1:1/"), &Arc::default());
    let status = polling.status.clone();
    let Ok(mut poller) = Poller::new(polling) else {
        panic!("an address");
    };
    poller.settle(refused(500, None));
    poller.settle(refused(502, None));
    let state = status.state();
    assert_eq!((state.requests, state.failures), (2, 2));
    assert_eq!(state.reason.as_deref(), Some("status_502"));
    let in_ms = state.next_at.unwrap().since(now()).millis();
    assert_eq!((state.asked_at, in_ms), (Some(now()), 8));
}

#[tokio::test]
async fn an_address_that_cannot_be_asked_ends_it() {
    let polling = polling(terms("ftp://example.com/"), &Arc::default());
    let status = polling.status.clone();
    let (_stop, stopped) = watch::channel(false);
    tokio::time::timeout(DEADLINE, poll(polling, stopped))
        .await
        .unwrap();
    assert_eq!(status.state().reason.as_deref(), Some("bad_url"));
    assert!(terms("ftp://example.com/").check().is_err());
    for vendor in [Vendor::Cboe, Vendor::Yahoo] {
        assert_eq!(Terms::of(vendor).check(), Ok(()));
    }
}
