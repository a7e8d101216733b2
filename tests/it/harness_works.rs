//! The harness itself: what it starts is real, what it kills is dead, what it reads is what was written.

use crate::harness::{
    Analytics, Connection, LogLine, RedisServer, Reply, SOON, Shared, find_shared, full_tier, get,
    require_shared, shared, until,
};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Long enough for a live server, short enough to wait out a frozen one.
const BRIEFLY: Duration = Duration::from_millis(200);

#[test]
fn redis_keeps_what_it_is_given() {
    let redis = RedisServer::start();
    assert_eq!(
        redis.command(&["SET", "k", "v"]),
        Reply::Simple("OK".into())
    );
    assert_eq!(redis.command(&["GET", "k"]), Reply::bulk("v"));
    assert_eq!(redis.command(&["GET", "none"]), Reply::Bulk(None));
    assert_eq!(
        redis.command(&["RPUSH", "list", "a", "", "c"]),
        Reply::Int(3)
    );
    let elements = ["a", "", "c"].map(Reply::bulk);
    assert_eq!(
        redis.command(&["LRANGE", "list", "0", "-1"]),
        Reply::Array(elements.into())
    );
    assert_eq!(redis.cli(&["LRANGE", "list", "0", "-1"]), "a\n\nc");
    assert!(
        matches!(redis.command(&["INCR", "list"]), Reply::Error(error) if error.starts_with("WRONGTYPE"))
    );
}

#[test]
fn redis_takes_bytes_that_are_not_text() {
    let redis = RedisServer::start();
    let bytes = [0, b'\r', b'\n', 0xff];
    redis.command(&[b"SET".as_slice(), b"k", &bytes]);
    assert_eq!(
        redis.command(&["GET", "k"]),
        Reply::Bulk(Some(bytes.into()))
    );
}

#[test]
fn redis_pushes_to_a_subscriber() {
    let redis = RedisServer::start();
    let mut subscriber = redis.connect();
    subscriber.command(&["SUBSCRIBE", "events"]).unwrap();
    assert_eq!(redis.cli(&["PUBLISH", "events", "hello"]), "1");
    assert_eq!(
        subscriber.read().unwrap().to_text(),
        "message\nevents\nhello"
    );
}

#[test]
fn redis_takes_more_arguments() {
    let redis =
        RedisServer::start_with(&["--maxmemory", "2mb", "--maxmemory-policy", "noeviction"]);
    assert_eq!(
        redis.cli(&["CONFIG", "GET", "maxmemory"]),
        "maxmemory\n2097152"
    );
    let block = "x".repeat(100 << 10);
    let mut replies = (0..40).map(|n| redis.command(&["SET", &format!("filler:{n}"), &block]));
    let refused = |reply| matches!(reply, Reply::Error(error) if error.starts_with("OOM"));
    assert!(replies.any(refused), "4 MB went into 2 MB");
}

#[test]
fn a_killed_redis_answers_nothing_and_comes_back_empty() {
    let rounds = if full_tier() { 50 } else { 2 };
    let mut redis = RedisServer::start();
    for _ in 0..rounds {
        let url = redis.url();
        redis.cli(&["SET", "k", "v"]);
        let mut open = redis.connect();
        redis.kill();
        assert!(open.command(&["PING"]).is_err());
        assert!(redis.try_command(&["PING"], BRIEFLY).is_err());
        redis.restart();
        assert_eq!(redis.url(), url);
        assert_eq!(redis.command(&["GET", "k"]), Reply::Bulk(None));
    }
}

#[test]
fn a_paused_redis_times_out_and_goes_on_where_it_was() {
    let redis = RedisServer::start();
    redis.cli(&["SET", "k", "v"]);
    redis.pause();
    assert!(redis.try_command(&["GET", "k"], BRIEFLY).is_err());
    redis.resume();
    assert_eq!(redis.cli(&["GET", "k"]), "v");
}

#[test]
fn a_dropped_redis_is_gone() {
    let redis = RedisServer::start();
    let socket = redis.socket();
    drop(redis);
    assert!(Connection::open(&socket, BRIEFLY).is_err());
    assert!(!socket.exists());
}

#[test]
#[cfg_attr(
    not(target_os = "linux"),
    ignore = "only Linux tells a child that its parent died"
)]
fn redis_dies_with_a_test_process_that_is_killed() {
    let this = std::env::current_exe().unwrap();
    let mut holder = Command::new(this)
        .args([
            "--exact",
            "harness_works::a_redis_is_held_until_standard_input_ends",
            "--nocapture",
        ])
        .env(HOLD, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(holder.stdout.take().unwrap());
    let socket = output
        .lines()
        .find_map(|line| line.unwrap().strip_prefix("socket: ").map(PathBuf::from))
        .unwrap();
    assert!(Connection::open(&socket, SOON).is_ok());

    holder.kill().unwrap();
    holder.wait().unwrap();
    until("redis is gone too", SOON, || {
        Connection::open(&socket, BRIEFLY).is_err().then_some(())
    });
    std::fs::remove_dir_all(socket.parent().unwrap()).unwrap();
}

/// Set for the process that `redis_dies_with_a_test_process_that_is_killed` starts and kills.
const HOLD: &str = "ANALYTICS_TEST_HOLDS_REDIS";

#[test]
fn a_redis_is_held_until_standard_input_ends() {
    let redis = RedisServer::start();
    println!("\nsocket: {}", redis.socket().display());
    if std::env::var_os(HOLD).is_some() {
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    }
    let socket = redis.socket();
    drop(redis);
    assert!(
        Connection::open(&socket, SOON).is_err(),
        "it ends with its owner"
    );
}

#[test]
fn our_binary_starts_and_ends() {
    let mut analytics = Analytics::spawn(&["--version"], &[]);
    assert!(analytics.wait_exit(SOON).success());
}

/// A stand-in that logs one line a level, leaves on SIGTERM and prints what it sees of its environment.
const STAND_IN: &str = r#"
    trap 'exit 0' TERM
    echo "GIVEN=$GIVEN CARGO=$CARGO"
    echo '{"level":"INFO","fields":{"message":"http listening","address":"'"$ADDRESS"'"},"target":"t"}' >&2
    echo '{"level":"WARN","fields":{"message":"redis is slow","ms":7},"target":"t"}' >&2
    echo "thread 'main' panicked at" >&2
    while :; do sleep 0.02; done
"#;

fn stand_in(address: &str) -> Analytics {
    let stand_in = Analytics::spawn_program(
        "sh",
        &["-c", STAND_IN],
        &[("GIVEN", "yes"), ("ADDRESS", address)],
    );
    until("the stand-in has logged all", SOON, || {
        (stand_in.log().len() == 3).then_some(())
    });
    stand_in
}

#[test]
fn the_log_is_read_and_what_is_alarming_stands_out() {
    let analytics = stand_in("127.0.0.1:1");
    assert_eq!(analytics.http_addr(), "127.0.0.1:1");
    assert_eq!(analytics.logged("redis is slow", SOON).fields["ms"], 7);
    assert_eq!(
        analytics.unexpected_log_lines(&["redis is slow"]),
        ["thread 'main' panicked at"]
    );
    analytics.finish_allowing(&["redis is slow", "panicked"]);
}

#[test]
#[should_panic(expected = "unexpected in the log")]
fn a_warning_nobody_named_fails_the_test() {
    stand_in("127.0.0.1:1").finish();
}

#[test]
fn a_child_sees_only_the_environment_it_is_given() {
    let mut analytics = stand_in("127.0.0.1:1");
    analytics.terminate();
    analytics.wait_exit(SOON);
    assert_eq!(analytics.stdout(), "GIVEN=yes CARGO=\n");
}

#[test]
fn a_killed_child_did_not_succeed() {
    let mut analytics = stand_in("127.0.0.1:1");
    analytics.kill();
    assert!(!analytics.wait_exit(SOON).success());
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "reads /proc")]
fn a_childs_processor_time_and_memory_are_known() {
    let spinning = Analytics::spawn_program("sh", &["-c", "while :; do :; done"], &[]);
    until("it has used 0.1 s", SOON, || {
        (spinning.cpu_seconds() >= 0.1).then_some(())
    });
    assert!(
        (100..100_000).contains(&spinning.rss_kb()),
        "{} kB",
        spinning.rss_kb()
    );
}

#[test]
fn a_log_line_is_known_in_either_layout() {
    let nested = LogLine::parse(r#"{"level":"ERROR","fields":{"message":"no disk"},"target":"t"}"#);
    let flat = LogLine::parse(r#"{"level":"ERROR","message":"no disk","target":"t"}"#);
    assert_eq!((&*nested.message, nested.is_alarming()), ("no disk", true));
    assert_eq!((&*flat.message, flat.is_alarming()), ("no disk", true));
    assert!(!LogLine::parse(r#"{"level":"DEBUG","fields":{"message":"no disk"}}"#).is_alarming());
    assert!(!LogLine::parse("").is_alarming());
}

#[test]
fn http_bodies_are_read_in_each_framing() {
    let check = |response: &'static str, expected: (u16, &str)| {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap().to_string();
        let serving = std::thread::spawn(move || {
            let (mut stream, _) = server.accept().unwrap();
            let mut request = [0; 1024];
            let read = stream.read(&mut request).unwrap();
            assert!(request[..read].starts_with(b"GET /health?a=1 HTTP/1.1\r\n"));
            stream.write_all(response.as_bytes()).unwrap();
        });
        let (status, body) = stand_in(&address).get("/health?a=1");
        serving.join().unwrap();
        assert_eq!((status, &*body), expected);
    };
    check(
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}ignored",
        (200, "{}"),
    );
    check(
        "HTTP/1.1 503 Service Unavailable\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n1\r\n!\r\n0\r\n\r\n",
        (503, "{}!"),
    );
    check(
        "HTTP/1.1 404 Not Found\r\n\r\nto the end",
        (404, "to the end"),
    );
    assert!(get("127.0.0.1:1", "/").is_err());
}

#[test]
#[should_panic(expected = "in vain until the moon is blue")]
fn waiting_ends_at_its_deadline() {
    until("the moon is blue", Duration::from_millis(30), || None::<()>);
}

#[test]
fn shared_data_is_used_skipped_or_insisted_on() {
    let here = tempfile::tempdir().unwrap();
    let folder = here.path().canonicalize().unwrap();
    assert_eq!(
        find_shared(Some(folder.clone()), true),
        Shared::Here(folder.clone())
    );
    assert_eq!(find_shared(Some(folder.join("none")), false), Shared::Skip);
    assert_eq!(
        find_shared(Some(folder.join("none")), true),
        Shared::Missing
    );
}

#[test]
fn a_test_of_shared_data_gets_the_folder() {
    let folder = require_shared!();
    assert_eq!(Some(&folder), shared().as_ref());
    assert!(
        folder.join("cases").is_dir(),
        "{} has no cases",
        folder.display()
    );
}
