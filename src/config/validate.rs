//! What each value may be, checked on the merged layers, so that an error names the place the
//! value came from. Types are right by then; calculators check their own parameters.

use std::net::SocketAddr;

use serde_json::Value;

use super::Known;
use super::allowed::{allowed, check};
use super::shape::leaves;

/// Everything wrong with the merged values: the path of the key and what is wrong. `rank` is the
/// layer a key was set in.
pub(super) fn problems(
    merged: &Value,
    known: &Known,
    rank: &dyn Fn(&str) -> u8,
) -> Vec<(Vec<String>, String)> {
    let mut found = Vec::new();
    for (path, value) in leaves(merged) {
        let Some(allowed) = allowed(&path) else {
            continue;
        };
        if let Err(what) = check(allowed, value, known) {
            found.push((path, what));
        }
    }
    for (pair, may_equal) in ORDERED {
        let either = |(path, _): &(Vec<String>, String)| pair.contains(&path.join(".").as_str());
        if !found.iter().any(either) {
            found.extend(across(merged, pair, may_equal, rank));
        }
    }
    found.extend(open_doors(merged));
    found.extend(calculators(merged, known));
    found
}

/// Who listens beyond this host says who may come in.
fn open_doors(merged: &Value) -> Option<(Vec<String>, String)> {
    let http = merged.get("http")?;
    let listen = http.get("listen")?.as_array()?.iter();
    let addresses = listen.filter_map(|address| address.as_str()?.parse::<SocketAddr>().ok());
    let mut beyond = addresses.filter(|address| !address.ip().to_canonical().is_loopback());
    let address = beyond.next()?;
    let has_tokens = http.get("token_file").is_some_and(|file| !file.is_null());
    let is_open = http.get("allow_unauthenticated").and_then(Value::as_bool);
    if has_tokens || is_open == Some(true) {
        return None;
    }
    let what = format!(
        "must be loopback addresses while http.token_file is not set (is {address}): set it to a file of \
         tokens, see analytics token new, or http.allow_unauthenticated = true to let everybody read"
    );
    Some((vec!["http".to_owned(), "listen".to_owned()], what))
}

/// Settings of which the first must not be above the second, and whether they may be equal.
const ORDERED: [([&str; 2], bool); 5] = [
    (
        [
            "redis.reconnect_min_delay_ms",
            "redis.reconnect_max_delay_ms",
        ],
        true,
    ),
    (
        [
            "volatility.backoff_min_seconds",
            "volatility.backoff_max_seconds",
        ],
        true,
    ),
    (
        [
            "volatility.thresholds.benign",
            "volatility.thresholds.elevated",
        ],
        false,
    ),
    (
        [
            "volatility.thresholds.elevated",
            "volatility.thresholds.shock",
        ],
        false,
    ),
    (
        ["volatility.min_samples", "volatility.history_window"],
        true,
    ),
];

/// What one key alone does not show; blamed on the key of the higher layer.
fn across(
    merged: &Value,
    [low, high]: [&str; 2],
    may_equal: bool,
    rank: &dyn Fn(&str) -> u8,
) -> Option<(Vec<String>, String)> {
    let value = |key: &str| {
        let mut path = key.split('.');
        path.try_fold(merged, |tree, key| tree.get(key))?.as_f64()
    };
    let (least, most) = (value(low)?, value(high)?);
    if least < most || may_equal && least == most {
        return None;
    }
    let (at_most, at_least) = if may_equal {
        ("≤", "≥")
    } else {
        ("<", ">")
    };
    let (key, what) = match rank(low) > rank(high) {
        true => (
            low,
            format!("must be {at_most} {high}, {most} (is {least})"),
        ),
        false => (
            high,
            format!("must be {at_least} {low}, {least} (is {most})"),
        ),
    };
    Some((key.split('.').map(str::to_owned).collect(), what))
}

fn calculators(merged: &Value, known: &Known) -> Vec<(Vec<String>, String)> {
    let Some(check) = known.check else {
        return Vec::new();
    };
    let tables = merged.get("calculators").and_then(Value::as_object);
    let mut found = Vec::new();
    for (name, params) in tables.into_iter().flatten() {
        let Err(errors) = check(name, params) else {
            continue;
        };
        for error in errors.lines() {
            let split = error.split_once(": ");
            let keyed =
                split.and_then(|(key, what)| Some((toml_edit::Key::parse(key).ok()?, what)));
            // What does not begin with a key is about the table as a whole.
            let (keys, what) = keyed.unwrap_or((Vec::new(), error));
            let mut path = vec!["calculators".to_owned(), name.clone()];
            path.extend(keys.iter().map(|key| key.get().to_owned()));
            found.push((path, what.to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::config::tests::known;
    use serde_json::json;

    fn check(section: &str, key: &str, value: Value, expected: &str) {
        let mut tree = Config::defaults(&known()).to_json();
        tree[section][key] = value;
        let found = problems(&tree, &known(), &|_| 0);
        let texts: Vec<String> = found.into_iter().map(|(_, what)| what).collect();
        assert_eq!(texts.join(" | "), expected, "{section}.{key}");
    }

    #[test]
    fn every_setting_has_a_check_and_every_default_passes_it() {
        let tree = Config::defaults(&known()).to_json();
        for (path, value) in leaves(&tree) {
            let open = value.is_object() || path[0] == "calculators";
            assert!(open || allowed(&path).is_some(), "{path:?}");
        }
        assert_eq!(problems(&tree, &known(), &|_| 0), []);
    }

    #[test]
    fn numbers_outside_their_range_are_named_with_it() {
        check("redis", "pool_size", json!(0), "must be 1 to 64 (is 0)");
        check("redis", "pool_size", json!(-1), "must be 1 to 64 (is -1)");
        check(
            "engine",
            "cadence_hz",
            json!(0.0),
            "must be 0.001 to 50 (is 0)",
        );
        check("engine", "cadence_hz", json!(50.0), "");
        check(
            "engine",
            "cadence_hz",
            json!(50.5),
            "must be 0.001 to 50 (is 50.5)",
        );
        check(
            "update_intervals",
            "vpin",
            json!(-0.5),
            "must be 0 to 86400 (is -0.5)",
        );
        check("update_intervals", "vpin", json!("off"), "");
        check(
            "tape",
            "ring",
            json!(65537),
            "must be 1 to 65536 (is 65537)",
        );
        check(
            "store_ttls",
            "heartbeat",
            json!(0),
            "must be 1 to 2592000 (is 0)",
        );
    }

    #[test]
    fn words_outside_their_list_are_named_with_it() {
        check(
            "market",
            "exchange",
            json!("NYSE"),
            "must be one of XNYS, XCBO, XNSE (is \"NYSE\")",
        );
        check(
            "market",
            "currencies",
            json!({"A": "usd"}),
            "must be three capital letters, ISO 4217 (is \"usd\")",
        );
        check(
            "inputs",
            "naive_zone",
            json!("New York"),
            "must be an IANA time zone such as America/New_York (is \"New York\")",
        );
        check(
            "log",
            "level",
            json!("loud"),
            "must be one of `off`, `error`, `warn`, `info`, `debug`, `trace` (is \"loud\")",
        );
        check(
            "signing",
            "symbols",
            json!({"A": {"rule": "coin"}}),
            "must be one of `auto`, `quote`, `tick`, `lee_ready`, `emo`, `clnv` (is \"coin\")",
        );
    }

    #[test]
    fn every_bad_symbol_of_a_list_is_named() {
        let rest = "is not a symbol: 1 to 32 of A-Z a-z 0-9 . _ ^ -";
        check(
            "symbols",
            "level2",
            json!(["A B", "SPY", "C:D"]),
            &format!("`A B` {rest}; `C:D` {rest}"),
        );
        let many: Vec<String> = vec!["!".to_owned(); 7];
        let five = vec![format!("`!` {rest}"); 5].join("; ");
        check(
            "symbols",
            "standard",
            json!(many),
            &format!("{five}; and 2 more"),
        );
    }

    #[test]
    fn without_tokens_only_loopback_addresses_are_listened_on() {
        check("http", "listen", json!(["127.0.0.1:0", "[::1]:8004"]), "");
        check(
            "http",
            "listen",
            json!(["localhost:8004"]),
            "must be address:port such as 127.0.0.1:8004 (is \"localhost:8004\")",
        );
        check(
            "http",
            "listen",
            json!(["0.0.0.0:8004"]),
            "must be loopback addresses while http.token_file is not set (is 0.0.0.0:8004): set it to a \
             file of tokens, see analytics token new, or http.allow_unauthenticated = true to let \
             everybody read",
        );
        check(
            "http",
            "listen",
            json!([]),
            "must be 1 to 16 addresses (is 0)",
        );
    }

    #[test]
    fn the_longest_wait_is_not_below_the_first() {
        check(
            "redis",
            "reconnect_max_delay_ms",
            json!(50),
            "must be ≥ redis.reconnect_min_delay_ms, 100 (is 50)",
        );
    }

    #[test]
    fn a_calculators_errors_are_placed_at_their_keys() {
        let check = |_: &str, _: &Value| -> Result<(), String> {
            Err("a.\"B.C\": too big\ninvalid value: not a table".to_owned())
        };
        let known = Known {
            check: Some(check),
            ..Known::default()
        };
        let found = problems(&json!({"calculators": {"x": {}}}), &known, &|_| 0);
        let texts = found
            .iter()
            .map(|(path, what)| format!("{} | {what}", path.join("/")));
        let expected = [
            "calculators/x/a/B.C | too big",
            "calculators/x | invalid value: not a table",
        ];
        assert_eq!(texts.collect::<Vec<_>>(), expected);
    }
}
