//! Configuration: text → validated [`Config`]. Four layers, lowest first: built-in defaults, one
//! TOML file, environment variables, `--set` flags. Every mistake of every layer is reported in
//! one go, each with the line, variable or flag it came from and the nearest known key.

mod allowed;
mod environment;
mod feed;
mod flags;
mod globaldatafeeds;
mod history;
mod http;
mod layers;
pub mod overall;
mod positions;
mod problem;
mod reload;
mod secret;
mod settings;
mod shape;
mod url_file;
mod validate;
mod values;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

pub use environment::environment;
pub use feed::{Cboe, Feed};
pub use globaldatafeeds::{ApiKey, GlobalDataFeeds};
pub use history::{History, HistoryUrl, Place};
pub use http::Http;
pub use layers::load;
pub use problem::{ConfigErrors, Origin, Problem};
pub use reload::{Reloaded, reload};
pub use secret::RedisUrl;
pub use settings::{
    ChainService, Config, Engine, Events, Inputs, Keys, Limits, Log, Market, MaxAgeMs, Redis,
    Signing, StoreTtls, SymbolSigning, Symbols, Tape,
};
pub use values::{DateOrder, Interval, Level};

/// What the rest of the program can do, handed in so that this leaf names no job, calculator or
/// exchange itself.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Every job of the scheduler with its default interval in seconds.
    pub jobs: Vec<(String, f64)>,
    /// The default parameters of every calculator that has some, as JSON objects. A key whose
    /// default is an empty object is an open table of symbol → number.
    pub calculators: BTreeMap<String, Value>,
    /// The exchange codes of the session calendar.
    pub exchanges: Vec<String>,
    /// Checks what only the calculators know about their parameters.
    pub check: Option<Check>,
}

/// Checks the parameters of the named calculator. Each line of the error reads
/// `key: what is wrong` and is reported at the place where that key was set.
pub type Check = fn(&str, &Value) -> Result<(), String>;

/// Where settings come from.
#[derive(Clone, Default)]
pub struct Sources<'a> {
    /// `--config FILE`; without it `./analytics.toml` is read where it exists.
    pub file: Option<&'a Path>,
    /// Environment variables, as [`environment()`] collects them. An empty value counts as not set.
    pub environment: BTreeMap<String, String>,
    /// `section.key=value` of each `--set` flag, in order; a later one wins. A flag of its own for
    /// a setting, such as `--redis URL`, is handed in as `redis.url=URL`.
    pub sets: &'a [String],
}

/// The result of [`load`].
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The validated settings.
    pub config: Config,
    /// Where the value of each dotted key came from.
    pub origins: BTreeMap<String, Origin>,
    /// The file that was read.
    pub file: Option<PathBuf>,
}

impl Loaded {
    /// Every setting as (dotted key, value, origin), sorted by key, with secrets masked.
    pub fn resolved(&self) -> Vec<(String, String, String)> {
        let tree = self.config.to_json();
        let row = |(path, value): (Vec<String>, &Value)| {
            let key = shape::dotted(&path);
            let origin = self.origins.get(&key).unwrap_or(&Origin::Default);
            let text = match value {
                Value::Null => "none".to_owned(),
                value => value.to_string(),
            };
            (key, text, origin.to_string())
        };
        shape::leaves(&tree).into_iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::layers::load_text;

    /// The calculators and jobs that `analytics.toml` documents.
    pub(super) fn known() -> Known {
        let job =
            |job: quant::calculator::Job| (job.name().to_owned(), job.default_interval_seconds());
        let tables = quant::calculators::all().filter_map(|card| {
            let table = card.config?;
            Some((table.to_owned(), (card.default_params)()))
        });
        let chain = || {
            let defaults = quant::pricing::ChainParams::default();
            ("chain".to_owned(), serde_json::to_value(defaults).unwrap())
        };
        Known {
            jobs: quant::calculator::Job::ALL.map(job).into(),
            calculators: tables.chain([chain()]).collect(),
            exchanges: ["XNYS", "XCBO", "XNSE"].map(str::to_owned).into(),
            check: Some(check),
        }
    }

    fn check(name: &str, params: &Value) -> Result<(), String> {
        let mut wrong = Vec::new();
        if name == "vpin" && params["bucket_size"].as_f64() < Some(0.0) {
            wrong.push(format!(
                "bucket_size: must be ≥ 0 (is {})",
                params["bucket_size"]
            ));
        }
        if name == "vpin" && params["buckets"].as_i64() < Some(1) {
            wrong.push(format!("buckets: must be ≥ 1 (is {})", params["buckets"]));
        }
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(wrong.join("\n"))
        }
    }

    /// A file `a.toml`, variables and flags.
    pub(super) fn load_all(
        file: &str,
        variables: &[(&str, &str)],
        sets: &[&str],
    ) -> Result<Loaded, String> {
        let own = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        let environment = variables.iter().map(own).collect();
        let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
        let file = Some((Path::new("a.toml"), file));
        load_text(&known(), file, &environment, &sets).map_err(|errors| errors.to_string())
    }

    pub(super) fn config(file: &str, variables: &[(&str, &str)], sets: &[&str]) -> Config {
        load_all(file, variables, sets).unwrap().config
    }

    pub(super) fn check_file(file: &str, expected: &str) {
        assert_eq!(load_all(file, &[], &[]).unwrap_err(), expected, "{file}");
    }

    pub(super) fn check_variable(name: &str, text: &str, expected: &str) {
        let errors = load_all("", &[(name, text)], &[]).unwrap_err();
        assert_eq!(errors, format!("environment {name}: {expected}"));
    }

    pub(super) fn check_set(set: &str, expected: &str) {
        assert_eq!(load_all("", &[], &[set]).unwrap_err(), expected, "{set}");
    }

    /// A URL whose password no output may contain.
    pub(super) const SECRET: &str = "redis://:hunter2@cache:1/0";

    #[test]
    fn the_documented_file_is_the_defaults() {
        let text = include_str!("../analytics.toml");
        let file = Path::new("analytics.toml");
        let loaded = load_text(&known(), Some((file, text)), &BTreeMap::new(), &[]).unwrap();
        let defaults = Config::defaults(&known());
        assert_eq!(loaded.config, defaults);

        let keys = |tree: &Value| -> Vec<String> {
            let set = |(_, value): &(Vec<String>, &Value)| !value.is_null();
            let leaves = shape::leaves(tree).into_iter().filter(set);
            leaves.map(|(path, _)| shape::dotted(&path)).collect()
        };
        let documented: Value = toml::from_str(text).unwrap();
        assert_eq!(keys(&documented), keys(&defaults.to_json()));
        assert!(text.contains("\n# url_file = "), "the optional key");
    }

    #[test]
    fn the_file_in_the_working_directory_is_found() {
        let loaded = load(&known(), &Sources::default()).unwrap();
        assert_eq!(loaded.file.as_deref(), Some(Path::new("analytics.toml")));
    }

    #[test]
    fn resolved_lists_every_key_once_with_its_origin() {
        let file = "[market.exchanges]\n\"BRK.B\" = \"XNYS\"\n[engine]\ncadence_hz = 4\n";
        let variables = [("ANALYTICS__TAPE__RING", "64")];
        let rows = load_all(file, &variables, &["log.level=debug"])
            .unwrap()
            .resolved();
        let row = |key: &str| {
            let (_, value, origin) = rows.iter().find(|row| row.0 == key).unwrap();
            format!("{value} {origin}")
        };
        assert_eq!(row("engine.cadence_hz"), "4.0 a.toml:4");
        assert_eq!(row("market.exchanges.\"BRK.B\""), "\"XNYS\" a.toml:2");
        assert_eq!(row("tape.ring"), "64 environment ANALYTICS__TAPE__RING");
        assert_eq!(row("log.level"), "\"debug\" --set");
        assert_eq!(row("redis.url_file"), "none default");
        assert_eq!(row("calculators.vpin.bucket_sizes"), "{} default");
    }
}
