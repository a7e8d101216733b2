//! The commands as a person types them: help, mistakes in settings, and what each command says.

use crate::harness::{RedisServer, run, run_with};
use serde_json::Value;
use std::net::TcpListener;
use std::path::Path;

const PASSWORD: &str = "hunter2";

/// The names under `Commands:` of a help text.
fn commands(help: &str) -> Vec<&str> {
    let (_, list) = help.split_once("Commands:\n").unwrap();
    let lines = list.lines().take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").collect()
}

#[test]
fn the_help_of_every_command_shows_an_example_of_it() {
    let help = run(&["--help"]).succeeded();
    let commands_there = commands(&help);
    assert_eq!(
        commands_there,
        [
            "demo",
            "run",
            "feed",
            "replay",
            "import",
            "price",
            "vix",
            "check",
            "schema",
            "healthcheck",
            "token",
            "vix1d"
        ]
    );
    let import = run(&["import", "--help"]).succeeded();
    let kinds = commands(&import)
        .into_iter()
        .map(|kind| vec!["import", kind]);
    let all = commands_there
        .into_iter()
        .map(|command| vec![command])
        .chain(kinds);
    for mut words in all {
        let example = format!("analytics {}", words.join(" "));
        words.push("--help");
        let help = run(&words).succeeded();
        let (_, examples) = help
            .split_once("Example")
            .unwrap_or_else(|| panic!("{help}"));
        assert!(examples.contains(&example), "{help}");
        assert!(
            help.contains("--config") && help.contains("--set"),
            "{help}"
        );
    }
}

#[test]
fn every_mistake_of_a_file_is_reported_with_its_line_and_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wrong.toml");
    std::fs::write(
        &file,
        r#"[redis]
conect_timeout_ms = 5
[engine]
cadence_hz = "fast"
[symbols]
standard = ["A B", "SPY"]
[market]
exchange = "NYSE"
[calculators.vpin]
bucket_size = -1
buckets = 0
[calculators.vpin.bucket_sizes]
"BRK.B" = -5
[calculators.obi]
velocity_tau_ms = 0
ofi_window_ms = 0
[calculators.obbi]
x = 1
"#,
    )
    .unwrap();
    let file = file.to_str().unwrap();
    let expected = [
        (2, "redis.conect_timeout_ms", "redis.connect_timeout_ms"),
        (4, "engine.cadence_hz", "must be a number (is \"fast\")"),
        (6, "symbols.standard", "`A B` is not a symbol"),
        (8, "market.exchange", "XNYS"),
        (10, "calculators.vpin.bucket_size", "(is -1)"),
        (11, "calculators.vpin.buckets", "must be 1 to 10000 (is 0)"),
        (13, "calculators.vpin.bucket_sizes.\"BRK.B\"", "(is -5)"),
        (15, "calculators.obi.velocity_tau_ms", "(is 0)"),
        (16, "calculators.obi.ofi_window_ms", "(is 0)"),
        (17, "calculators.obbi", "calculators.obi"),
    ];
    for command in [
        &["check"][..],
        &["run"],
        &["feed", "--provider", "recording", "x.rec"],
        &["replay", "x.rec", "--out", "x"],
        &["import", "jsonl", "x", "--out", "x"],
        &["healthcheck"],
    ] {
        let said = run(&[command, &["--config", file]].concat()).refused();
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(lines.len(), expected.len(), "{command:?}: {said}");
        for (line, (number, key, what)) in lines.into_iter().zip(expected) {
            let start = format!("{file}:{number} {key}: ");
            assert!(line.starts_with(&start) && line.contains(what), "{line}");
        }
    }
}

#[test]
fn a_file_that_is_not_there_or_no_toml_is_named() {
    let said = run(&["check", "--config", "/nowhere/a.toml"]).refused();
    assert!(
        said.starts_with("/nowhere/a.toml: cannot read the file"),
        "{said}"
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("broken.toml");
    std::fs::write(&file, "[redis]\npool_size = 2\n[engine\n").unwrap();
    let said = run(&["check", "--config", file.to_str().unwrap()]).refused();
    assert!(said.contains("broken.toml:3"), "{said}");
}

#[test]
fn mistakes_of_set_flags_and_variables_are_reported_together() {
    let sets = [
        "engine.cadence_hz=fast",
        "engine.cadense_hz=1",
        "calculators.vpin.buckets=0",
        "log.level=loud",
        "nonsense",
    ];
    let args: Vec<&str> = sets.iter().flat_map(|set| ["--set", set]).collect();
    let variables = [("ANALYTICS__TAPE__RING", "0"), ("PORT", "no")];
    let said = run_with(&[&["check"][..], &args].concat(), &variables).refused();
    for expected in [
        "environment ANALYTICS__TAPE__RING: must be 1 to 65536 (is 0)",
        "environment PORT: ",
        "--set engine.cadence_hz: must be a number (is \"fast\")",
        "--set engine.cadense_hz: unknown key (did you mean engine.cadence_hz?)",
        "--set calculators.vpin.buckets: must be 1 to 10000 (is 0)",
        "--set log.level: must be one of",
        "--set: must be section.key=value",
    ] {
        let found = said.lines().filter(|line| line.starts_with(expected));
        assert_eq!(found.count(), 1, "{expected} in {said}");
    }
}

#[test]
fn a_password_on_the_command_line_is_refused_and_never_shown() {
    for url in [
        "redis://:hunter2@127.0.0.1:1/0",
        "redis://joe:hunter2@127.0.0.1:1/0",
        "rediss://hunter2@127.0.0.1:1",
        "redis-sentinel://127.0.0.1:1/0?sentinelPassword=hunter2",
    ] {
        let set = format!("redis.url={url}");
        for args in [
            &["run", "--set", &set][..],
            &["check", "--set", &set],
            &["demo", "--seconds", "1", "--set", &set],
            &["feed", "--provider", "recording", "x.rec", "--redis", url],
        ] {
            let said = run(args).refused();
            assert!(
                said.contains("REDIS_URL") && said.contains("redis.url_file"),
                "{said}"
            );
            assert!(!said.contains(PASSWORD), "{said}");
        }
    }
    // Where it may stand it is used, and masked wherever it is mentioned.
    let variables = [("REDIS_URL", "redis://joe:hunter2@127.0.0.1:1/0")];
    let fast = [
        "check",
        "--set",
        "redis.connect_timeout_ms=100",
        "--log",
        "trace",
    ];
    let ended = run_with(&fast, &variables);
    assert_eq!(ended.code, 1);
    assert!(
        ended.stdout.contains("joe:***@127.0.0.1:1"),
        "{}",
        ended.stdout
    );
    assert!(!ended.stdout.contains(PASSWORD), "{}", ended.stdout);
    assert!(!ended.stderr().contains(PASSWORD), "{}", ended.stderr());
}

#[test]
fn check_shows_values_with_their_origin_the_plan_and_that_redis_answers() {
    let redis = RedisServer::start();
    let url = redis.url();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.toml");
    std::fs::write(
        &file,
        "[tape]\nring = 64\n[symbols]\nstandard = [\"SPY\"]\n",
    )
    .unwrap();
    let file = file.to_str().unwrap();
    let args = ["check", "--config", file, "--set", "engine.cadence_hz=4"];
    let said = run_with(&args, &[("REDIS_URL", &url)]).succeeded();
    for expected in [
        format!("  tape.ring = 64  ({file}:2)"),
        "  engine.cadence_hz = 4.0  (--set)".to_owned(),
        format!("  redis.url = \"{url}\"  (environment REDIS_URL)"),
        "  http.listen = [\"127.0.0.1:8004\"]  (default)".to_owned(),
        "  1 symbols: SPY".to_owned(),
    ] {
        assert!(
            said.lines().any(|line| line == expected),
            "{expected} in {said}"
        );
    }
    for calculator in quant::calculators::all() {
        let plan = format!("  {}: every ", calculator.name);
        assert!(said.contains(&plan), "{plan} in {said}");
    }
    assert!(said.contains(": answers in "), "{said}");
}

#[test]
fn check_without_redis_fails_and_says_what_to_look_at() {
    let fast = ["check", "--set", "redis.connect_timeout_ms=100"];
    let ended = run_with(&fast, &[("REDIS_URL", "redis://127.0.0.1:1/0")]);
    assert_eq!(ended.code, 1);
    assert!(ended.stdout.contains("plan"), "{}", ended.stdout);
    assert!(ended.stdout.contains("is it running?"), "{}", ended.stdout);
}

#[test]
fn every_document_has_a_schema_that_is_one() {
    let list = run(&["schema"]).succeeded();
    let names: Vec<&str> = list
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    let calculators = quant::calculators::all().map(|card| card.name);
    let of_chains = analytics::chain_service::CARDS.map(|card| card.name);
    let expected: Vec<&str> = calculators.chain(["heartbeat"]).chain(of_chains).collect();
    assert_eq!(names, expected);
    for name in names {
        let schema: Value = serde_json::from_str(&run(&["schema", name]).succeeded()).unwrap();
        jsonschema::meta::validate(&schema).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(schema["title"], name);
        assert!(
            list.contains(schema["description"].as_str().unwrap()),
            "{name}"
        );
    }
    let said = run(&["schema", "vpn"]).refused();
    assert!(said.contains("did you mean `vpin`?"), "{said}");
}

#[test]
fn healthcheck_of_nobody_fails_and_of_nonsense_is_refused() {
    let ended = run(&["healthcheck", "http://127.0.0.1:1"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (1, ""));
    assert!(
        ended.stderr().contains("is the daemon running?"),
        "{}",
        ended.stderr()
    );
    for url in ["ftp://a", "127.0.0.1:8004", "http://", "not a url"] {
        let said = run(&["healthcheck", url]).refused();
        assert!(said.contains("is not an address such as"), "{url}: {said}");
    }
}

const UNIVERSE: [&str; 9] = [
    "NIFTY",
    "BANKNIFTY",
    "FINNIFTY",
    "SENSEX",
    "AAPL",
    "TSLA",
    "SPY",
    "QQQ",
    "SPX",
];

#[test]
fn the_demo_shows_a_value_of_vpin_for_every_symbol() {
    let args = ["demo", "--seconds", "6", "--listen", "127.0.0.1:0"];
    let shown = run(&args).succeeded();
    let tables: Vec<&str> = shown.split("analytics demo: ").skip(1).collect();
    assert!(tables.len() >= 3, "{shown}");
    for table in [tables[0], tables[tables.len() - 1]] {
        let lines: Vec<&str> = table.lines().collect();
        let head = lines
            .iter()
            .position(|line| line.starts_with("symbol"))
            .unwrap();
        let column = lines[head]
            .split_whitespace()
            .position(|word| word == "vpin")
            .unwrap();
        let rows = lines[head + 1..].iter().take_while(|line| !line.is_empty());
        let mut symbols = Vec::new();
        for row in rows {
            let cells: Vec<&str> = row.split_whitespace().collect();
            let vpin: f64 = cells[column].parse().unwrap_or_else(|_| panic!("{table}"));
            assert!(vpin > 0.0 && vpin < 1.0, "{table}");
            symbols.push(cells[0]);
        }
        assert_eq!(symbols, UNIVERSE);
    }
    let last = tables[tables.len() - 1];
    let gex = last.lines().filter(|line| {
        let mut cells = line.split_whitespace();
        let known = cells.next().is_some_and(|name| UNIVERSE.contains(&name));
        known && cells.nth(5).is_some_and(|cell| cell != "-")
    });
    assert_eq!(gex.count(), UNIVERSE.len(), "{last}");
    // In index hours it is computed from the chain, else the market says it: a number either way.
    let level = last
        .split("vix1d ")
        .nth(1)
        .and_then(|rest| rest.split(' ').next());
    let level: f64 = level.and_then(|level| level.parse().ok()).unwrap_or(0.0);
    assert!((3.0..60.0).contains(&level), "{last}");
    assert!(last.contains("9 symbols"), "{last}");
}

#[test]
fn a_taken_port_is_an_error_with_its_remedy() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = run(&["demo", "--seconds", "1", "--listen", &address]).refused();
    assert!(
        said.contains(&format!("cannot listen on {address}")),
        "{said}"
    );
    assert!(said.contains("--listen 127.0.0.1:0"), "{said}");
}

#[test]
fn the_demo_holds_its_own_settings_to_their_ranges() {
    for (flag, value) in [("--speed", "0"), ("--speed", "NaN"), ("--seconds", "-1")] {
        let flag_value = format!("{flag}={value}");
        let said = run(&["demo", &flag_value]).refused();
        assert!(said.contains(&format!("{flag}: must be above 0")), "{said}");
    }
}

#[test]
fn a_replay_that_ends_before_it_begins_is_refused() {
    let args = [
        "replay",
        "a.rec",
        "--out",
        "x",
        "--from",
        "1340287200",
        "--to",
    ];
    let said = run(&[&args[..], &["2012-06-21T13:59:59Z"]].concat()).refused();
    let expected = "--from: must not be after --to, 2012-06-21T13:59:59";
    assert!(said.starts_with(expected), "{said}");
    assert!(said.contains("(is 2012-06-21T14:00:00"), "{said}");
}

#[test]
fn wrong_use_of_the_command_line_is_exit_2() {
    for args in [
        &["nosuch"][..],
        &["replay"],
        &["replay", "a.rec", "--out", "x", "--from", "yesterday"],
        &["replay", "a.rec", "--out", "x", "--symbols", "A B"],
        &["run", "--as-of", "2026-11-20T15:00:00Z"],
    ] {
        let said = run(args).refused();
        assert!(said.contains("error:"), "{args:?}: {said}");
    }
    assert!(!Path::new("x").exists());
}
