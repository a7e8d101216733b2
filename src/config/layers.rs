//! The four layers, one over the other: defaults → file → environment → flags. Each layer is
//! checked by itself, then the `config` crate merges them, then the values are validated.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};

use super::positions::{self, Layer};
use super::problem::{ConfigErrors, Origin, Problem};
use super::shape::{Shape, dotted, leaves};
use super::validate;
use super::{Config, Known, Loaded, Sources, environment, flags, url_file};

/// Read when no file is named.
const DEFAULT_FILE: &str = "analytics.toml";

/// The settings of all sources, or everything that is wrong with them.
pub fn load(known: &Known, sources: &Sources) -> Result<Loaded, ConfigErrors> {
    let default = Path::new(DEFAULT_FILE);
    let file = sources.file.or(default.exists().then_some(default));
    let (environment, sets) = (&sources.environment, sources.sets);
    let Some(path) = file else {
        return load_text(known, None, environment, sets);
    };
    match std::fs::read_to_string(path) {
        Ok(text) => load_text(known, Some((path, &text)), environment, sets),
        Err(error) => {
            let here = Origin::File {
                path: path.to_owned(),
                line: 0,
            };
            let unread = Problem {
                origin: here,
                key: String::new(),
                what: format!("cannot read the file: {error}"),
            };
            let others = load_text(known, None, environment, sets).err();
            let mut problems = vec![unread];
            problems.extend(others.into_iter().flat_map(|errors| errors.problems));
            Err(ConfigErrors::new(problems))
        }
    }
}

/// [`load`] with the file already read.
pub(super) fn load_text(
    known: &Known,
    file: Option<(&Path, &str)>,
    environment: &BTreeMap<String, String>,
    sets: &[String],
) -> Result<Loaded, ConfigErrors> {
    let defaults = Layer {
        values: defaults(known),
        ..Layer::default()
    };
    let root = Shape::of_config(&Value::Object(defaults.values.clone()));
    let from_file = file.map_or_else(Layer::default, |(path, text)| {
        positions::file(path, text, &root)
    });
    let below = environment::listen(&from_file).or_else(|| environment::listen(&defaults));
    let from_environment = environment::layer(environment, &root, below);
    let layers = [
        defaults,
        from_file,
        from_environment,
        flags::layer(sets, &root),
    ];

    let mut problems: Vec<Problem> = layers
        .iter()
        .flat_map(|layer| layer.problems.clone())
        .collect();
    let mut origins: BTreeMap<String, Origin> = BTreeMap::new();
    for layer in &layers {
        origins.extend(layer.origins.clone());
    }
    let mut merged = merge(layers);
    if let Err(problem) = url_file::read(&mut merged, &mut origins) {
        problems.push(problem);
    }
    let rank = |key: &str| origins.get(key).map_or(0, Origin::rank);
    for (path, what) in validate::problems(&merged, known, &rank) {
        let origin = origin_of(&path, &origins);
        problems.push(Problem {
            origin,
            key: dotted(&path),
            what,
        });
    }
    if !problems.is_empty() {
        return Err(ConfigErrors::new(problems));
    }

    let keys = leaves(&merged);
    for (path, _) in &keys {
        origins.entry(dotted(path)).or_insert(Origin::Default);
    }
    let config: Config = serde_json::from_value(merged).map_err(|error| {
        let what = format!("the settings do not fit together: {error}");
        ConfigErrors::new(vec![Problem {
            origin: Origin::Default,
            key: String::new(),
            what,
        }])
    })?;
    let file = file.map(|(path, _)| path.to_owned());
    Ok(Loaded {
        config,
        origins,
        file,
    })
}

fn defaults(known: &Known) -> Map<String, Value> {
    match Config::defaults(known).to_json() {
        Value::Object(sections) => sections,
        _ => Map::new(),
    }
}

/// A checked layer as a source of the `config` crate.
#[derive(Clone, Debug)]
struct Checked(config::Map<String, config::Value>);

impl config::Source for Checked {
    fn clone_into_box(&self) -> Box<dyn config::Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<config::Map<String, config::Value>, config::ConfigError> {
        Ok(self.0.clone())
    }
}

fn merge(layers: [Layer; 4]) -> Value {
    let mut builder = config::Config::builder();
    for layer in layers {
        let values = serde_json::from_value(Value::Object(layer.values));
        let values = values.expect("JSON values are values of the config crate");
        builder = builder.add_source(Checked(values));
    }
    let merged = builder.build().expect("checked layers are tables");
    merged.try_deserialize().expect("a table is a JSON object")
}

/// Where a key was set; for a table the first place below it, for an unset key the default.
fn origin_of(path: &[String], origins: &BTreeMap<String, Origin>) -> Origin {
    let key = dotted(path);
    let inside = format!("{key}.");
    let below = || origins.iter().find(|(other, _)| other.starts_with(&inside));
    let found = origins
        .get(&key)
        .or_else(|| below().map(|(_, origin)| origin));
    found.cloned().unwrap_or(Origin::Default)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Interval;
    use crate::config::tests::{check_file, check_set, check_variable, config, known, load_all};
    use proptest::prelude::*;

    #[test]
    fn nothing_set_is_the_defaults() {
        let loaded = load_text(&known(), None, &BTreeMap::new(), &[]).unwrap();
        assert_eq!(loaded.config, Config::defaults(&known()));
        assert!(
            loaded
                .origins
                .values()
                .all(|origin| *origin == Origin::Default)
        );
    }

    #[test]
    fn a_higher_layer_wins() {
        let file = "[tape]\nring = 1\n[store_ttls]\nanalytics = 1\n[engine]\ncadence_hz = 1\n";
        let variables = [
            ("ANALYTICS__STORE_TTLS__ANALYTICS", "2"),
            ("ANALYTICS__ENGINE__CADENCE_HZ", "2"),
        ];
        let config = config(
            file,
            &variables,
            &["engine.cadence_hz=3", "engine.cadence_hz=4"],
        );
        assert_eq!(config.tape.ring, 1);
        assert_eq!(config.store_ttls.analytics, 2);
        assert_eq!(config.engine.cadence_hz, 4.0);
        assert_eq!(config.store_ttls.heartbeat, 15);
    }

    #[test]
    fn tables_are_merged_and_lists_replaced() {
        let file = "[market.exchanges]\nA = \"XNSE\"\n[symbols]\nlevel2 = [\"A\", \"B\"]\n";
        let config = config(
            file,
            &[],
            &["market.exchanges.\"b.C\"=XCBO", "symbols.level2=[\"C\"]"],
        );
        let exchanges: Vec<String> = config
            .market
            .exchanges
            .iter()
            .map(|(s, e)| format!("{s} {e}"))
            .collect();
        assert_eq!(exchanges, ["A XNSE", "b.C XCBO"]);
        assert_eq!(config.symbols.level2.len(), 1);
    }

    #[test]
    fn every_kind_of_value_can_be_set_in_every_layer() {
        let file = "[signing.symbols]\n\"BRK.B\" = { rule = \"tick\" }\n\
            [calculators.vpin]\nbucket_size = 3\nbucket_sizes = { SPY = 5 }\n\
            [update_intervals]\nvpin = \"off\"\n";
        let variables = [
            ("ANALYTICS__SYMBOLS__STANDARD", "SPY, QQQ"),
            ("ANALYTICS__ENGINE__ANALYTICS_RTH_ONLY", "true"),
            ("ANALYTICS__UPDATE_INTERVALS__ORDER_BOOK", "0.5"),
            ("ANALYTICS__CALCULATORS__OBI__OFI_WINDOW_MS", "7"),
        ];
        let sets = [
            "update_intervals.summary=off",
            "symbols.level2=[AAPL,SPY]",
            "inputs.naive_zone=Asia/Kolkata",
        ];
        let config = config(file, &variables, &sets);
        assert_eq!(config.signing.symbols.len(), 1);
        assert_eq!(config.calculators["vpin"]["bucket_size"], 3.0);
        assert_eq!(config.calculators["vpin"]["bucket_sizes"]["SPY"], 5.0);
        assert_eq!(config.calculators["vpin"]["buckets"], 50);
        assert_eq!(config.calculators["obi"]["ofi_window_ms"], 7);
        assert_eq!(config.update_intervals["vpin"], Interval::Off);
        assert_eq!(config.update_intervals["order_book"], Interval::Every(0.5));
        assert_eq!(config.update_intervals["summary"], Interval::Off);
        assert_eq!(config.symbols.all().len(), 3);
        assert!(config.engine.analytics_rth_only);
        assert_eq!(config.inputs.naive_zone, chrono_tz::Asia::Kolkata);
    }

    #[test]
    fn a_wrong_value_names_the_layer_it_came_from() {
        let wrong = "must be 1 to 65536 (is 0)";
        check_file("tape.ring = 0", &format!("a.toml:1 tape.ring: {wrong}"));
        check_variable("ANALYTICS__TAPE__RING", "0", wrong);
        check_set("tape.ring=0", &format!("--set tape.ring: {wrong}"));
        check_file(
            "[calculators.vpin]\n\nbucket_size = -1",
            "a.toml:3 calculators.vpin.bucket_size: must be ≥ 0 (is -1.0)",
        );
        check_file(
            "redis.reconnect_min_delay_ms = 900",
            "a.toml:1 redis.reconnect_min_delay_ms: must be ≤ redis.reconnect_max_delay_ms, 500 (is 900)",
        );
        assert_eq!(
            config("tape.ring = 0", &[], &["tape.ring=9"]).tape.ring,
            9,
            "overruled"
        );
    }

    #[test]
    fn all_mistakes_are_reported_at_once_in_the_order_of_the_layers() {
        let file = "[tape]\nring = 0\nrang = 1\n[log]\nlevel = 5\n[calculators.vpin]\nbuckets = 0\nbucket_size = -1\n";
        let variables = [("PORT", "x"), ("ANALYTICS__MAX_AGE_MS__BOOK", "0")];
        let errors = load_all(file, &variables, &["market.exchange=MOON"]).unwrap_err();
        assert_eq!(
            errors.lines().collect::<Vec<_>>(),
            [
                "a.toml:2 tape.ring: must be 1 to 65536 (is 0)",
                "a.toml:3 tape.rang: unknown key (did you mean tape.ring?)",
                "a.toml:5 log.level: must be text in quotes (is 5)",
                "a.toml:7 calculators.vpin.buckets: must be ≥ 1 (is 0)",
                "a.toml:8 calculators.vpin.bucket_size: must be ≥ 0 (is -1.0)",
                "environment PORT: must be a port, 0 to 65535 (is \"x\")",
                "environment ANALYTICS__MAX_AGE_MS__BOOK: must be 1 to 604800000 (is 0)",
                "--set market.exchange: must be one of XNYS, XCBO, XNSE (is \"MOON\")",
            ]
        );
    }

    #[test]
    fn a_file_that_cannot_be_read_is_one_mistake_among_others() {
        let sets = ["tape.ring=0".to_owned()];
        let sources = Sources {
            file: Some(Path::new("/nowhere/a.toml")),
            environment: BTreeMap::new(),
            sets: &sets,
        };
        let errors = load(&known(), &sources).unwrap_err().to_string();
        assert_eq!(
            errors,
            "/nowhere/a.toml: cannot read the file: No such file or directory (os error 2)\n\
            --set tape.ring: must be 1 to 65536 (is 0)"
        );
    }

    /// Text that often is nearly a configuration.
    fn text() -> impl Strategy<Value = String> {
        let key = prop_oneof![
            Just("redis.url"),
            Just("redis.url_file"),
            Just("http.listen"),
            Just("symbols.level2"),
            Just("[market.exchanges]\nA"),
            Just("[calculators.vpin]\nbuckets"),
            Just("[[tape]]\nring"),
            Just("update_intervals.vpin"),
            Just("engine"),
            Just("signing.symbols.A"),
        ];
        let value = prop_oneof![
            Just("1"),
            Just("-1"),
            Just("9223372036854775807"),
            Just("1e308"),
            Just("nan"),
            Just("\"off\""),
            Just("[[1], {}]"),
            Just("{ rule = \"tick\", x = 1979-05-27 }"),
            Just("\"redis://:a@b?c@d\""),
            Just("[\"::1\", \"[::1]:1\"]"),
            Just("\"\""),
        ];
        let line = prop_oneof![4 => (key, value).prop_map(|(key, value)| format!("{key} = {value}")), 1 => any::<String>()];
        proptest::collection::vec(line, 0..4).prop_map(|lines| lines.join("\n"))
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]
        #[test]
        fn no_text_panics(file in text(), name in "[A-Z_]{0,12}", value in text(), port in any::<String>(), set in text()) {
            let environment = [
                (format!("ANALYTICS__{name}"), value.clone()), ("ANALYTICS__HTTP__LISTEN".to_owned(), value.clone()),
                ("REDIS_URL".to_owned(), value), ("PORT".to_owned(), port),
            ].into();
            let sets: Vec<String> = set.lines().map(str::to_owned).collect();
            if let Err(errors) = load_text(&known(), Some((Path::new("a.toml"), &file)), &environment, &sets) {
                prop_assert!(!errors.to_string().is_empty());
            }
        }
    }
}
