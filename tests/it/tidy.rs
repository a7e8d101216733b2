//! The house rules that a compiler does not check, read from the files of the repository.
//! `UPDATE=1 cargo test` writes what is generated: `schema/*.json` and the tables of README.md and docs/http.md.

use analytics::{catalogue, engine::setup, schemas};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where a name of another library may stand: the prefix of the file, of the whole repository.
const DOORS: [(&str, &str); 6] = [
    ("fred::", "src/store/"),
    ("axum::", "src/http/"),
    ("sqlx::", "src/history/"),
    ("datafusion::", "crates/eod/"),
    ("reqwest::", "src/fetch"),
    ("tokio_tungstenite::", "src/feed/globaldatafeeds/"),
];

/// Beside the doors: a server that tests play, what a bench compares with, a program that only reads.
const BESIDE: [(&str, &str); 3] = [
    ("tokio_tungstenite::", "tests/it/gdf_server"),
    ("axum::", "benches/http.rs"),
    ("fred::", "examples/signal_reader.rs"),
];

/// What the leaves and the pure parts may use of their own crate, each as a prefix of files and
/// the modules it may name.
const IMPORTS: [(&str, &[&str]); 19] = [
    ("src/config", &["config"]),
    ("src/clock.rs", &[]),
    ("src/telemetry.rs", &[]),
    ("src/unpack.rs", &[]),
    ("src/recording", &["recording", "store"]),
    ("src/store/", &["store", "config", "clock", "telemetry"]),
    (
        "src/engine/",
        &[
            "engine",
            "source",
            "sink",
            "store",
            "config",
            "clock",
            "telemetry",
            "chain_service",
            "history",
        ],
    ),
    (
        "src/history/",
        &["history", "store", "config", "clock", "telemetry"],
    ),
    ("src/chain_service/", &["chain_service", "store", "config"]),
    (
        "src/http/",
        &[
            "http",
            "engine",
            "history",
            "sink",
            "store",
            "history",
            "schemas",
            "chain_service",
            "vix1d",
            "config",
            "clock",
            "telemetry",
        ],
    ),
    (
        "src/vix1d/",
        &[
            "vix1d",
            "fetch",
            "source",
            "sink",
            "store",
            "clock",
            "telemetry",
        ],
    ),
    ("src/vendor_chain", &["vendor_chain"]),
    ("src/fetch", &["fetch"]),
    (
        "src/import/",
        &["import", "recording", "store", "unpack", "vendor_chain"],
    ),
    (
        "src/feed/",
        &[
            "feed",
            "recording",
            "store",
            "vendor_chain",
            "fetch",
            "config",
            "clock",
            "telemetry",
        ],
    ),
    ("crates/quant/src/math/", &["math"]),
    ("crates/quant/src/market/", &["market", "math", "json"]),
    ("crates/quant/src/pricing", &["pricing", "market", "math"]),
    (
        "crates/quant/src/volatility/",
        &["volatility", "pricing", "market", "math"],
    ),
];

/// What the pure crate has never heard of.
const IMPURE: [&str; 8] = [
    "tokio",
    "fred",
    "SystemTime",
    "Instant",
    "std::net",
    "std::fs",
    "std::env",
    "thread_rng",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The tracked files with their text; those that are not text are left out.
fn files() -> Vec<(String, String)> {
    let git = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(root())
        .output()
        .expect("git is installed");
    assert!(git.status.success(), "not a checkout");
    let names = String::from_utf8(git.stdout).unwrap();
    let names = names.split('\0').filter(|name| !name.is_empty());
    let files: Vec<_> = names
        .filter_map(|name| {
            Some((
                name.to_owned(),
                std::fs::read_to_string(root().join(name)).ok()?,
            ))
        })
        .collect();
    assert!(files.iter().any(|(name, _)| name == "src/main.rs"));
    files
}

fn sources() -> Vec<(String, String)> {
    let files = files().into_iter();
    files.filter(|(name, _)| name.ends_with(".rs")).collect()
}

/// The lines with their numbers, without comments.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text
        .lines()
        .enumerate()
        .map(|(at, line)| (at + 1, line.trim()));
    lines.filter(|(_, line)| !line.starts_with("//"))
}

/// The text without the items that only tests have; formatted code closes an item where it began.
fn without_tests(text: &str) -> String {
    let mut kept = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(indent) = line.strip_suffix("#[cfg(test)]") else {
            kept.push(line);
            continue;
        };
        let opens = lines.next().is_some_and(|item| item.ends_with('{'));
        let closing = format!("{indent}}}");
        while opens && lines.next().is_some_and(|line| line != closing) {}
    }
    kept.join("\n")
}

/// Where `word` stands by itself, not as a part of a longer one.
fn has_word(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(part) && !line[at + word.len()..].starts_with(part))
}

#[track_caller]
fn assert_none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n{}", found.join("\n"));
}

#[test]
fn each_library_has_one_door() {
    let mut found = Vec::new();
    for (name, text) in sources() {
        // The tests of a rule name what it forbids.
        for (library, _) in DOORS.iter().filter(|(_, door)| !name.starts_with(door)) {
            let played =
                |(played, file): &(&str, &str)| played == library && name.starts_with(file);
            if BESIDE.iter().any(played) {
                continue;
            }
            let lines = code(&text).filter(|(_, line)| line.contains(library));
            let ours = lines.filter(|(_, line)| !line.contains(&format!("\"{library}")));
            found.extend(ours.map(|(at, line)| format!("{name}:{at} {line}")));
        }
    }
    assert_none("a library is used outside its door", &found);
}

#[test]
fn quant_knows_no_world() {
    let mut found = Vec::new();
    for (name, text) in files() {
        let is_source = name.starts_with("crates/quant/src/") && name.ends_with(".rs");
        let is_test = name.ends_with("/tests.rs");
        if is_test || (!is_source && name != "crates/quant/Cargo.toml") {
            continue;
        }
        for (at, line) in code(&without_tests(&text)) {
            let impure = IMPURE.iter().any(|word| has_word(line, word));
            if impure || has_word(line, "analytics") {
                found.push(format!("{name}:{at} {line}"));
            }
        }
    }
    // Documents are called so.
    found.retain(|line| !line.contains("analytics:{") && !line.contains("\"analytics:"));
    assert_none("quant is pure", &found);
}

#[test]
fn modules_import_only_what_stands_below_them() {
    let mut found = Vec::new();
    for (name, text) in sources() {
        let rule = IMPORTS.iter().find(|(prefix, _)| name.starts_with(prefix));
        let Some((_, allowed)) = rule else { continue };
        for (at, line) in code(&text) {
            for (begin, _) in line.match_indices("crate::") {
                let rest = &line[begin + "crate::".len()..];
                let module = rest
                    .split(|c: char| !c.is_alphanumeric() && c != '_')
                    .next();
                if !allowed.contains(&module.unwrap_or_default()) {
                    found.push(format!("{name}:{at} {line}"));
                }
            }
        }
    }
    assert_none("imported from above", &found);
}

#[test]
fn every_file_says_first_what_it_is_and_stays_short() {
    let mut found = Vec::new();
    for (name, text) in sources() {
        if !text.starts_with("//! ") {
            found.push(format!("{name}: does not begin with //!"));
        }
        let lines = text.lines().count();
        if lines > 800 {
            found.push(format!("{name}: {lines} lines"));
        }
    }
    assert_none("files", &found);
}

#[test]
fn nothing_is_left_unfinished() {
    // In two pieces, so that this file may say so.
    let marks = [
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("dbg", "!("),
        concat!("FIX", "ME"),
        concat!("TO", "DO"),
    ];
    let mut found = Vec::new();
    for (name, text) in files() {
        for (at, line) in text.lines().enumerate() {
            if marks.iter().any(|mark| line.contains(mark)) {
                found.push(format!("{name}:{} {line}", at + 1));
            }
        }
    }
    assert_none("unfinished", &found);
}

#[test]
fn no_file_names_the_machine_it_was_written_on() {
    let paths = [
        concat!("/wo", "rk/"),
        concat!("/ro", "ot/"),
        concat!("/tmp/", "wt"),
    ];
    let mut found = Vec::new();
    for (name, text) in files() {
        for (at, line) in text.lines().enumerate() {
            if paths.iter().any(|path| line.contains(path)) {
                found.push(format!("{name}:{} {line}", at + 1));
            }
        }
    }
    assert_none("paths of a machine", &found);
}

#[test]
fn what_a_project_carries_is_there() {
    let names: Vec<String> = files().into_iter().map(|(name, _)| name).collect();
    for name in [
        "CHANGELOG.md",
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "analytics.toml",
    ] {
        assert!(names.iter().any(|other| other == name), "no {name}");
    }
}

/// Compares a generated file with what stands there, or writes it where that is wanted.
fn check_generated(path: &Path, expected: &str) -> Option<String> {
    let stands = std::fs::read_to_string(path).unwrap_or_default();
    if stands == expected {
        return None;
    }
    if std::env::var("UPDATE").is_ok_and(|update| update == "1") {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, expected).unwrap();
        return None;
    }
    Some(format!("{} is not current", path.display()))
}

const REMEDY: &str = "stale (UPDATE=1 cargo test --test it tidy writes them)";

#[test]
fn the_schemas_are_current_and_no_other_is_there() {
    let folder = root().join("schema");
    let all = schemas::all();
    let path = |name: &str| folder.join(format!("{name}.json"));
    let text = |schema| serde_json::to_string_pretty(schema).unwrap() + "\n";
    let stale = all.iter();
    let stale = stale.filter_map(|(name, schema)| check_generated(&path(name), &text(schema)));
    assert_none(REMEDY, &stale.collect::<Vec<_>>());

    let known: Vec<PathBuf> = all.iter().map(|(name, _)| path(name)).collect();
    let there = std::fs::read_dir(&folder).unwrap();
    let there = there.map(|entry| entry.unwrap().path());
    let others = there.filter(|path| !known.contains(path));
    let others: Vec<String> = others.map(|path| path.display().to_string()).collect();
    assert_none("of no document", &others);
}

#[test]
fn the_tables_of_the_readme_and_of_the_routes_are_current() {
    let mut tables = catalogue::tables().to_vec();
    tables.push(catalogue::routes());
    check_tables("README.md", &tables);
    check_tables("docs/http.md", &[catalogue::routes()]);
}

fn check_tables(file: &str, tables: &[(&str, String)]) {
    let path = root().join(file);
    let Ok(text) = std::fs::read_to_string(&path) else {
        return;
    };
    let mut expected = text.clone();
    for (name, table) in tables {
        let (open, close) = (format!("<!-- {name} -->"), format!("<!-- /{name} -->"));
        let Some((before, rest)) = expected.split_once(&open) else {
            continue;
        };
        let (_, after) = rest
            .split_once(&close)
            .unwrap_or_else(|| panic!("no {close}"));
        expected = format!("{before}{open}\n{table}{close}{after}");
    }
    let stale: Vec<_> = check_generated(&path, &expected).into_iter().collect();
    assert_none(REMEDY, &stale);
}

#[test]
fn the_documented_settings_are_the_defaults() {
    let file = root().join("analytics.toml");
    let sources = analytics::config::Sources {
        file: Some(&file),
        ..Default::default()
    };
    let loaded = analytics::config::load(&setup::known(), &sources).unwrap();
    let defaults = analytics::config::Config::defaults(&setup::known());
    assert_eq!(loaded.config, defaults);
    // What is a table by symbol is empty; an address file and an order of dates have no default.
    let unset = loaded.resolved().into_iter();
    let unset = unset.filter(|(_, value, origin)| origin == "default" && value != "{}");
    let unset: Vec<String> = unset.map(|(key, ..)| key).collect();
    assert_eq!(
        unset,
        [
            "feed.globaldatafeeds.api_key_file",
            "http.token_file",
            "inputs.date_order",
            "redis.url_file"
        ],
        "not in analytics.toml"
    );
}
