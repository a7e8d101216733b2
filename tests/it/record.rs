//! `run --record` beside live data, and `replay --verify` of what it recorded.

use std::path::{Path, PathBuf};

use analytics::recording::run::{RunReader, RunRecorder};
use analytics::store::tap::RunEvent;
use serde_json::Value;

use crate::harness::market::Feeder;
use crate::harness::{Analytics, RedisServer, SOON, until};

const SYMBOLS: [&str; 2] = ["AAA", "BBB"];

struct Run {
    redis: RedisServer,
    _feeder: Feeder,
    daemon: Analytics,
    path: PathBuf,
    _folder: tempfile::TempDir,
}

/// A daemon that records, with at least `passes` behind it.
fn recorded(passes: u64) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.rec");
    let redis = RedisServer::start();
    let feeder = Feeder::start(&redis.socket(), &SYMBOLS);
    let args = [
        "run",
        "--record",
        path.to_str().unwrap(),
        "--set",
        "symbols.standard=[\"AAA\",\"BBB\"]",
        "--set",
        "http.listen=[\"127.0.0.1:0\"]",
        "--set",
        "update_intervals.vpin=0.5",
        "--set",
        "engine.cadence_hz=10",
        "--set",
        "calculators.vpin.bucket_size=500",
        "--set",
        "engine.state_save_seconds=1",
    ];
    let daemon = Analytics::spawn(&args, &[("REDIS_URL", &redis.url())]);
    until("passes ran", SOON, || {
        let (status, body) = daemon.get("/status");
        let body: Value = serde_json::from_str(&body).ok()?;
        (status == 200 && body["passes"]["count"].as_u64()? >= passes).then_some(())
    });
    Run {
        redis,
        _feeder: feeder,
        daemon,
        path,
        _folder: folder,
    }
}

/// Exit code, what it printed, and what it said.
fn verify(path: &Path) -> (i32, Value, String) {
    let mut replay = Analytics::spawn(&["replay", "--verify", path.to_str().unwrap()], &[]);
    let code = replay.wait_exit(SOON).code().unwrap();
    let said: Vec<String> = replay
        .log()
        .iter()
        .map(|line| format!("{line:?}"))
        .collect();
    let printed = serde_json::from_str(&replay.stdout()).unwrap_or_default();
    (code, printed, said.join("\n"))
}

#[test]
fn a_recorded_run_repeats_to_the_same_documents() {
    let Run {
        redis,
        daemon,
        path,
        _feeder,
        _folder,
    } = recorded(12);
    // What stood in the store is gone, and everything is written anew.
    redis.command(&["FLUSHALL"]);
    redis.command(&["LPUSH", "market:AAA:book", "of the wrong type"]);
    until("passes went on", SOON, || {
        let body: Value = serde_json::from_str(&daemon.get("/status").1).ok()?;
        (body["passes"]["count"].as_u64()? >= 24).then_some(())
    });
    daemon.finish_allowing(&["bad input"]);
    let (code, verified, said) = verify(&path);
    assert_eq!(code, 0, "{said}");
    assert_eq!(verified["difference"], Value::Null, "{verified}");
    assert!(verified["passes"].as_u64() >= Some(24), "{verified}");
    assert!(verified["documents"].as_u64() >= Some(40), "{verified}");

    // The states the first run left are part of what the second was told.
    let again = path.with_file_name("again.rec");
    let args = [
        "run",
        "--record",
        again.to_str().unwrap(),
        "--set",
        "symbols.standard=[\"AAA\",\"BBB\"]",
        "--set",
        "http.listen=[\"127.0.0.1:0\"]",
        "--set",
        "calculators.vpin.bucket_size=500",
        "--set",
        "engine.cadence_hz=10",
    ];
    let daemon = Analytics::spawn(&args, &[("REDIS_URL", &redis.url())]);
    daemon.logged("states restored", SOON);
    until("passes ran", SOON, || {
        let body: Value = serde_json::from_str(&daemon.get("/status").1).ok()?;
        (body["passes"]["count"].as_u64()? >= 4).then_some(())
    });
    daemon.finish_allowing(&["bad input"]);
    let (code, verified, said) = verify(&again);
    assert_eq!((code, &verified["difference"]), (0, &Value::Null), "{said}");
}

#[test]
fn a_run_whose_settings_changed_repeats_too() {
    let folder = tempfile::tempdir().unwrap();
    let (config, path) = (folder.path().join("a.toml"), folder.path().join("run.rec"));
    let write = |bucket: u32, symbols: &str| {
        let text = format!(
            "[symbols]\nstandard = [{symbols}]\n[engine]\ncadence_hz = 10\n\
             [http]\nlisten = [\"127.0.0.1:0\"]\n[update_intervals]\nvpin = 0.5\n\
             [calculators.vpin]\nbucket_size = {bucket}\n"
        );
        std::fs::write(&config, text).unwrap();
    };
    write(500, "\"AAA\"");
    let redis = RedisServer::start();
    let _feeder = Feeder::start(&redis.socket(), &SYMBOLS);
    let args = [
        "run",
        "--config",
        config.to_str().unwrap(),
        "--record",
        path.to_str().unwrap(),
    ];
    let daemon = Analytics::spawn(&args, &[("REDIS_URL", &redis.url())]);
    let passes = || -> Option<u64> {
        let body: Value = serde_json::from_str(&daemon.get("/status").1).ok()?;
        body["passes"]["count"].as_u64()
    };
    until("passes ran", SOON, || (passes()? >= 10).then_some(()));
    write(400, "\"AAA\", \"BBB\"");
    daemon.signal("HUP");
    daemon.logged("settings read again", SOON);
    let before = passes().unwrap();
    until("passes went on", SOON, || {
        (passes()? >= before + 20).then_some(())
    });
    daemon.finish();
    let (code, verified, said) = verify(&path);
    assert_eq!((code, &verified["difference"]), (0, &Value::Null), "{said}");
    let mut events = RunReader::open(&path).unwrap().map(Result::unwrap);
    assert!(events.any(|event| matches!(event, RunEvent::Reconfigured(_))));
}

#[test]
fn the_first_document_that_differs_is_named() {
    let run = recorded(6);
    run.daemon.finish();
    let path = run.path;
    let mut reader = RunReader::open(&path).unwrap();
    let forged = path.with_file_name("forged.rec");
    let (tap, recorder) = RunRecorder::start(&forged, reader.header()).unwrap();
    let mut spoilt = None;
    for event in reader.by_ref() {
        let mut event = event.unwrap();
        if let RunEvent::Turned(turn) = &mut event
            && turn.pass >= 3
            && spoilt.is_none()
            && let Some((name, hash)) = turn.documents.as_mut().and_then(|d| d.first_mut())
        {
            *hash ^= 1;
            spoilt = Some(format!("{} {name}", turn.symbol));
        }
        tap.send(event);
    }
    drop(tap);
    recorder.finish().unwrap();
    let (code, verified, said) = verify(&forged);
    assert_eq!(code, 1, "{said}");
    let difference = verified["difference"].as_str().unwrap();
    assert!(difference.ends_with(&spoilt.unwrap()), "{difference}");
}

#[test]
fn a_run_that_was_killed_proves_nothing_and_says_so() {
    let mut run = recorded(4);
    run.daemon.kill();
    let (code, _, said) = verify(&run.path);
    assert_eq!(code, 2, "{said}");
}

#[test]
fn a_recording_of_events_is_not_verified() {
    let folder = tempfile::tempdir().unwrap();
    let (lines, out) = (folder.path().join("a.jsonl"), folder.path().join("a.rec"));
    std::fs::write(
        &lines,
        r#"{"t_ns":1,"op":"set","key":"market:A:ticker","value":{}}"#,
    )
    .unwrap();
    let args = [
        "import",
        "jsonl",
        lines.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ];
    assert!(Analytics::spawn(&args, &[]).wait_exit(SOON).success());
    let (code, _, said) = verify(&out);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("records events"), "{said}");
}
