//! Importing and replaying what a test wrote: the same bytes each time, and clear words for what
//! is torn, dirty or no recording at all.

use crate::harness::{Results, run};
use analytics::feed::message::{Message, What};
use analytics::feed::wire::Wire;
use analytics::recording::Op;
use quant::market::{Span, Timestamp};
use quant::synthetic::World;
use serde_json::{Value, json};
use std::path::Path;

/// Small buckets, so that two minutes fill them.
const SMALL: [&str; 6] = [
    "--set",
    "calculators.vpin.bucket_size=2000",
    "--set",
    "calculators.vpin.buckets=5",
    "--set",
    "signing.rule=lee_ready",
];

/// 2026-11-20 10:00 in New York.
const START: Timestamp = Timestamp::from_seconds(1_795_186_800);

/// Two minutes of a synthetic market as event lines, with the key each is of.
fn events() -> Vec<(String, String)> {
    let mut instruments = World::default_instruments();
    instruments.truncate(2);
    let (mut wire, mut count) = (Wire::new("test", false), 0);
    let mut events = Vec::new();
    let end = START.plus(Span::from_seconds(120.0));
    World::new(7, &instruments, START).advance(end, &mut |event| {
        count += 1;
        let symbol = &instruments[event.instrument].symbol;
        let message = Message {
            at: event.at,
            what: What::of_tape(symbol, count, event.kind),
        };
        wire.write(&message, &mut |record| {
            let op = match record.op {
                Op::Set => "set",
                Op::Rpush => "rpush",
                Op::Publish => "publish",
            };
            let value = std::str::from_utf8(&record.value).unwrap();
            let (t_ns, key) = (record.t_ns, &record.key);
            let line = format!(
                "{{\"t_ns\":{t_ns},\"op\":\"{op}\",\"key\":\"{key}\",\"value\":{value}}}\n"
            );
            events.push((key.to_string(), line));
        });
    });
    events
}

/// Imports these lines; the recording's path and the report.
fn import(folder: &Path, name: &str, lines: &str) -> (String, Value) {
    let source = folder.join(format!("{name}.jsonl"));
    let out = folder.join(format!("{name}.rec"));
    std::fs::write(&source, lines).unwrap();
    let (source, out) = (source.to_str().unwrap(), out.to_str().unwrap());
    let report = run(&["import", "jsonl", source, "--out", out]).succeeded();
    (out.to_owned(), serde_json::from_str(&report).unwrap())
}

fn import_all(folder: &Path) -> String {
    let lines: String = events().into_iter().map(|(_, line)| line).collect();
    import(folder, "all", &lines).0
}

/// Replays without a warning.
fn replay(folder: &Path, name: &str, recordings: &[&str]) -> Results {
    let out = folder.join(name);
    let head = [
        "replay",
        "--out",
        out.to_str().unwrap(),
        "--trace",
        "trades",
    ];
    run(&[&head[..], &SMALL, recordings].concat()).succeeded();
    Results::read(&out)
}

/// What is computed from tickers, books and trades.
const DOCUMENTS: [&str; 12] = [
    "bars",
    "flow_clusters",
    "hidden",
    "institutional_flow",
    "obi",
    "portfolio",
    "retail_flow",
    "sector",
    "summary",
    "sweep",
    "toxicity",
    "vpin",
];

#[test]
fn a_recording_replayed_twice_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let recording = import_all(folder.path());
    let mut once = replay(folder.path(), "once", &[&recording]);
    let mut twice = replay(folder.path(), "twice", &[&recording]);
    assert!(once.files() == twice.files(), "the files differ");
    for results in [&mut once, &mut twice] {
        results.summary["seconds"].take();
    }
    assert_eq!(once.summary, twice.summary);
    assert_eq!(once.documents(), DOCUMENTS);
    assert_eq!(once.summary["bad_input"], json!({}));
    for name in once.documents() {
        let lines = once.text(&name).lines().count();
        assert_eq!(once.summary["documents"][&name], lines, "{name}");
    }
    once.check_documents(1);
}

#[test]
fn a_replay_leaves_no_results_of_the_one_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let recording = import_all(folder.path());
    let before = replay(folder.path(), "out", &[&recording]);
    // The documents, and the trades.
    assert_eq!(before.files().len(), DOCUMENTS.len() + 1);
    let out = folder.path().join("out");
    let off = "update_intervals.vpin=off";
    let args = [
        "replay",
        &recording,
        "--out",
        out.to_str().unwrap(),
        "--set",
        off,
    ];
    run(&args).succeeded();
    let files = Results::read(&out).files();
    let names: Vec<&String> = files.keys().collect();
    let expected = DOCUMENTS.iter().filter(|name| **name != "vpin");
    let expected: Vec<String> = expected.map(|name| format!("{name}.jsonl")).collect();
    assert_eq!(names, expected.iter().collect::<Vec<_>>());
}

#[test]
fn recordings_of_one_symbol_each_played_together_are_the_recording_of_both() {
    let folder = tempfile::tempdir().unwrap();
    let recording = import_all(folder.path());
    let of = |symbol: &str| {
        let events = events().into_iter();
        let own = events.filter(|(key, _)| key.contains(symbol));
        import(
            folder.path(),
            symbol,
            &own.map(|(_, line)| line).collect::<String>(),
        )
        .0
    };
    let both = replay(folder.path(), "both", &[&recording]);
    let parts = replay(folder.path(), "parts", &[&of("TSLA"), &of("AAPL")]);
    assert!(both.files() == parts.files(), "the files differ");
    assert_eq!(both.summary["digest"], parts.summary["digest"]);
}

#[test]
fn a_torn_recording_is_read_to_its_last_whole_frame_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let recording = import_all(folder.path());
    let bytes = std::fs::read(&recording).unwrap();
    let torn = folder.path().join("torn.rec");
    std::fs::write(&torn, &bytes[..bytes.len() - bytes.len() / 10]).unwrap();

    let out = folder.path().join("out");
    let (torn, out_text) = (torn.to_str().unwrap(), out.to_str().unwrap());
    let ended = run(&["replay", torn, "--out", out_text]);
    assert_eq!(ended.code, 0, "{}", ended.stderr());
    let warnings: Vec<_> = ended.log.iter().filter(|line| line.is_alarming()).collect();
    let [warning] = warnings[..] else {
        panic!("{}", ended.stderr());
    };
    assert_eq!(warning.level.as_deref(), Some("WARN"));
    assert!(warning.text.contains("torn.rec"), "{}", warning.text);

    let results = Results::read(&out);
    let named = results.summary["truncated"][0].as_str().unwrap();
    assert!(named.contains("torn.rec"), "{named}");
    let played = results.summary["events"].as_u64().unwrap();
    assert!((1..events().len() as u64).contains(&played), "{played}");
}

#[test]
fn what_is_no_recording_is_refused_in_clear_words() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("day.csv");
    std::fs::write(&file, "time,price\n1,2\n").unwrap();
    let out = folder.path().join("out");
    let (file, out_text) = (file.to_str().unwrap(), out.to_str().unwrap());
    let said = run(&["replay", file, "--out", out_text]).refused();
    assert!(said.contains("day.csv is not a recording"), "{said}");
    assert!(said.contains("analytics import"), "{said}");
    let said = run(&["replay", "/nowhere/a.rec", "--out", out_text]).refused();
    assert!(
        said.contains("cannot read the recording /nowhere/a.rec"),
        "{said}"
    );
    let said = run(&["feed", "--provider", "recording", file]).refused();
    assert!(said.contains("day.csv is not a recording"), "{said}");
    assert!(!out.exists(), "nothing is written for what is refused");
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let recording = import_all(folder.path());
    let ended = run(&["replay", &recording, "--out", "/dev/null/out"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (1, ""));
    let said = ended.stderr();
    assert!(
        said.starts_with("cannot write results to /dev/null/out: "),
        "{said}"
    );
}

#[test]
fn a_symbol_that_no_recording_holds_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let recording = import_all(folder.path());
    let out = folder.path().join("out");
    let head = ["replay", &recording, "--out", out.to_str().unwrap()];
    let said = run(&[&head[..], &["--symbols", "AAPL,TLSA"]].concat()).refused();
    assert_eq!(
        said,
        "--symbols: no recording holds `TLSA` (there is: AAPL, TSLA)"
    );
}

#[test]
fn an_unknown_import_kind_or_provider_names_what_there_is() {
    let said = run(&["import", "lobstr", "a.csv"]).refused();
    assert!(said.contains("did you mean `lobster`?"), "{said}");
    assert!(said.contains("jsonl"), "{said}");
    let said = run(&["feed", "--provider", "nosuch"]).refused();
    assert!(
        said.contains("`nosuch`") && said.contains("recording"),
        "{said}"
    );
}

#[test]
fn dirt_is_counted_by_reason_and_costs_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let clean = replay(folder.path(), "clean", &[&import_all(folder.path())]);

    let mut events = events();
    let end_ns = START.plus(Span::from_seconds(60.0)).nanos();
    let event = |op: &str, key: &str, value: Value| {
        let event = json!({"t_ns": end_ns, "op": op, "key": key, "value": value});
        (key.to_owned(), format!("{event}\n"))
    };
    let trades = "market:AAPL:trades";
    let dirt = [
        event("rpush", trades, json!("{\"price\":1")),
        event(
            "rpush",
            trades,
            json!({"price": "much", "size": 1, "timestamp": end_ns}),
        ),
        event(
            "rpush",
            trades,
            json!({"price": -1, "size": 1, "timestamp": end_ns}),
        ),
        event("rpush", trades, json!({"price": 230, "timestamp": end_ns})),
        event(
            "rpush",
            trades,
            json!({"price": "NaN", "size": 1, "timestamp": end_ns}),
        ),
        event("set", "discovered:adv:AAPL", json!("lots")),
        ("".to_owned(), "no event at all\n".to_owned()),
    ];
    let middle = events.partition_point(|(_, line)| {
        let event: Value = serde_json::from_str(line).unwrap();
        event["t_ns"].as_i64().unwrap() < end_ns
    });
    events.splice(middle..middle, dirt);
    let lines: String = events.into_iter().map(|(_, line)| line).collect();
    let (recording, report) = import(folder.path(), "dirty", &lines);
    assert_eq!(report["dropped"], json!({"bad_json": 1}));

    let out = folder.path().join("dirty");
    let head = [
        "replay",
        &recording,
        "--out",
        out.to_str().unwrap(),
        "--trace",
        "trades",
    ];
    let ended = run(&[&head[..], &SMALL].concat());
    assert_eq!(ended.code, 0, "{}", ended.stderr());
    let warned = ended.log.iter().filter(|line| line.is_alarming());
    assert!(
        warned.clone().all(|line| line.message == "bad input"),
        "{}",
        ended.stderr()
    );
    let dirty = Results::read(&out);
    let bad = &dirty.summary["bad_input"];
    // A price that is none is one fault, a trade that has none for it another.
    for (reason, count) in [
        ("trades/bad_json", 1),
        ("trades/bad_price", 2),
        ("trades/no_price", 3),
        ("trades/no_size", 1),
    ] {
        assert_eq!(bad[reason], count, "{reason} in {bad}");
    }
    assert!(bad["discovered/bad_size"].as_u64() >= Some(1), "{bad}");
    assert_eq!(bad.as_object().unwrap().len(), 5, "{bad}");
    dirty.check_documents(1);
    assert_eq!(dirty.text("trades"), clean.text("trades"));
    assert_eq!(dirty.text("vpin"), clean.text("vpin"));
}

#[test]
fn a_recording_without_symbols_has_nothing_to_compute_on() {
    let folder = tempfile::tempdir().unwrap();
    let line = "{\"t_ns\":1795186800000000000,\"op\":\"set\",\"key\":\"other:a\",\"value\":1}\n";
    let (recording, report) = import(folder.path(), "none", line);
    assert_eq!(report["symbols"], json!([]));
    let out = folder.path().join("out");
    let head = ["replay", &recording, "--out", out.to_str().unwrap()];
    let said = run(&head).refused();
    assert!(said.contains("name no symbol"), "{said}");
    run(&[&head[..], &["--symbols", "AAPL"]].concat()).succeeded();
    let results = Results::read(&out);
    assert_eq!(
        (&results.summary["events"], results.documents().len()),
        (&json!(1), 0)
    );
}
