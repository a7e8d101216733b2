//! The layer of environment variables: `ANALYTICS__SECTION__KEY`, `REDIS_URL` and `PORT`, the
//! variables of feeds that an earlier program read, and the key of a vendor. Their text is read as the type of the key. An empty variable is not set.

use std::collections::BTreeMap;

use serde_json::Value;
use toml_edit::{Item, Value as Toml};

use super::allowed::shown;
use super::positions::{self, Layer};
use super::problem::Origin;
use super::shape::{Shape, dotted};

const PREFIX: &str = "ANALYTICS__";
const REDIS_URL: &str = "REDIS_URL";
const PORT: &str = "PORT";
/// The key of GlobalDatafeeds; the first that is set.
const API_KEYS: [&str; 2] = ["ANALYTICS_GDF_API_KEY", "GDF_API_KEY"];
const FEED_INTERVAL: &str = "FEED_INTERVAL";
const GDF_ENDPOINT: &str = "GDF_ENDPOINT";
/// The other variables of an earlier program, and the settings they are.
const OLDER: [(&str, &[&str]); 6] = [
    ("FEED_PROVIDER", &["feed", "provider"]),
    (FEED_INTERVAL, &["feed", "interval_ms"]),
    (GDF_ENDPOINT, &["feed", "globaldatafeeds", "endpoint"]),
    ("GDF_SYMBOLS", &["feed", "globaldatafeeds", "symbols"]),
    (
        "GDF_POLL_INTERVAL",
        &["feed", "globaldatafeeds", "poll_seconds"],
    ),
    ("EXCHANGE", &["feed", "globaldatafeeds", "exchange"]),
];

/// The variables of this process that are settings: `ANALYTICS__…`, `REDIS_URL`, `PORT`, and those of
/// feeds.
pub fn environment() -> BTreeMap<String, String> {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        (
            name.to_string_lossy().into_owned(),
            value.to_string_lossy().into_owned(),
        )
    };
    let ours = |(name, _): &(String, String)| {
        let older = || OLDER.iter().any(|(older, _)| older == name);
        let named = || {
            [REDIS_URL, PORT]
                .iter()
                .chain(&API_KEYS)
                .any(|known| known == name)
        };
        name.starts_with(PREFIX) || named() || older()
    };
    std::env::vars_os().map(text).filter(ours).collect()
}

/// The layer of these variables; `below` are the addresses that lower layers listen on.
pub(super) fn layer(
    environment: &BTreeMap<String, String>,
    root: &Shape,
    below: Option<Vec<Value>>,
) -> Layer {
    let mut layer = Layer::default();
    let is_set = |name: &str| environment.get(name).filter(|text| !text.is_empty());
    if let Some(url) = is_set(REDIS_URL) {
        let origin = Origin::Environment(REDIS_URL.to_owned());
        let path = ["redis", "url"].map(str::to_owned);
        positions::one(&path, Item::Value(url.into()), root, &origin, &mut layer);
    }
    for (name, path) in OLDER {
        if let Some(text) = is_set(name) {
            older(name, path, text.trim(), root, &mut layer);
        }
    }
    // Past the shape of the settings, so that no file and no flag can hold it.
    if let Some((name, key)) = API_KEYS.iter().find_map(|name| Some((name, is_set(name)?))) {
        let path = ["feed", "globaldatafeeds", "api_key"].map(str::to_owned);
        let origin = Origin::Environment((*name).to_owned());
        layer.put(&path, key.as_str().into(), origin);
    }
    for (name, text) in environment {
        let Some(key) = name.strip_prefix(PREFIX) else {
            continue;
        };
        if text.is_empty() {
            continue;
        }
        let origin = Origin::Environment(name.clone());
        let path: Vec<String> = key.to_lowercase().split("__").map(str::to_owned).collect();
        match shape_by_name(&path, root) {
            Ok(shape) => {
                let value = shape.map_or_else(|| text.into(), |shape| typed(text, shape));
                positions::one(&path, Item::Value(value), root, &origin, &mut layer);
            }
            Err(what) => layer.problem(&origin, &path, what),
        }
    }
    if let Some(port) = is_set(PORT) {
        let below = listen(&layer).or(below).unwrap_or_default();
        replace_port(port, below, &mut layer);
    }
    layer
}

/// The setting of a variable of an earlier program, which counted in seconds and named hosts only.
fn older(name: &str, path: &[&str], text: &str, root: &Shape, layer: &mut Layer) {
    let origin = Origin::Environment(name.to_owned());
    let path: Vec<String> = path.iter().map(|key| (*key).to_owned()).collect();
    let value = match name {
        FEED_INTERVAL => match text.parse::<f64>() {
            Ok(seconds) if seconds.is_finite() => Toml::from((seconds * 1e3).round() as i64),
            _ => {
                let what = format!("must be a number of seconds (is {})", shown(&text.into()));
                return layer.problem(&origin, &path, what);
            }
        },
        GDF_ENDPOINT if !text.contains("://") => format!("ws://{text}").into(),
        _ => match path.iter().try_fold(root, |shape, key| shape.child(key)) {
            Some(shape) => typed(text, shape),
            None => text.into(),
        },
    };
    positions::one(&path, Item::Value(value), root, &origin, layer);
}

/// The shape a variable's name leads to; `None` when the key is unknown.
fn shape_by_name<'a>(path: &[String], root: &'a Shape) -> Result<Option<&'a Shape>, String> {
    let mut shape = root;
    for key in path {
        let Some(child) = shape
            .child(key)
            .filter(|_| !matches!(shape, Shape::BySymbol(_)))
        else {
            break;
        };
        shape = child;
    }
    match shape {
        Shape::BySymbol(_) => Err("tables by symbol are set in the file or with --set: \
             the name of a variable cannot spell every symbol"
            .to_owned()),
        Shape::Table(fields) if root.keys().contains(&dotted(path)) => {
            let names: Vec<String> = fields.keys().map(|key| key.to_uppercase()).collect();
            Err(format!("is a table: add one of __{}", names.join(", __")))
        }
        Shape::Table(_) => Ok(None),
        shape => Ok(Some(shape)),
    }
}

/// The text of a variable as the type of its key; text that does not fit stays text and is
/// reported with everything else that has the wrong type.
fn typed(text: &str, shape: &Shape) -> Toml {
    let trimmed = text.trim();
    let number = || trimmed.parse::<f64>().ok().map(Toml::from);
    let whole = || trimmed.parse::<i64>().ok().map(Toml::from);
    let parsed = match shape {
        Shape::Flag => trimmed.parse::<bool>().ok().map(Toml::from),
        Shape::Whole => whole().or_else(number),
        Shape::Number | Shape::Interval => number(),
        Shape::List(each) => Some(listed(trimmed, each)),
        Shape::Any => trimmed.parse().ok(),
        Shape::Text | Shape::Table(_) | Shape::BySymbol(_) => None,
    };
    parsed.unwrap_or_else(|| text.into())
}

/// A list as TOML (`["SPY", "QQQ"]`) or as people type it (`SPY,QQQ`).
pub(super) fn listed(text: &str, each: &Shape) -> Toml {
    if let Ok(list @ Toml::Array(_)) = text.parse() {
        return list;
    }
    let inner = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let parts = inner.unwrap_or(text).split(',').map(str::trim);
    let full = parts.filter(|part| !part.is_empty());
    Toml::Array(full.map(|part| typed(part, each)).collect())
}

/// The addresses a layer listens on.
pub(super) fn listen(layer: &Layer) -> Option<Vec<Value>> {
    layer.values.get("http")?.get("listen")?.as_array().cloned()
}

/// `PORT` replaces the port of the first address.
fn replace_port(text: &str, mut addresses: Vec<Value>, layer: &mut Layer) {
    let path = ["http", "listen"].map(str::to_owned);
    let origin = Origin::Environment(PORT.to_owned());
    let Ok(port) = text.trim().parse::<u16>() else {
        let what = format!("must be a port, 0 to 65535 (is {})", shown(&text.into()));
        return layer.problem(&origin, &path, what);
    };
    let first = addresses.first_mut();
    let address = first
        .as_ref()
        .and_then(|first| first.as_str()?.parse().ok());
    // An address that does not parse is reported where it was written.
    if let (Some(first), Some(address)) = (first, address) {
        let mut address: std::net::SocketAddr = address;
        address.set_port(port);
        *first = address.to_string().into();
        layer.put(&path, addresses.into(), origin);
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use crate::config::tests::{check_variable, config, known};

    #[test]
    fn variables_are_read_as_the_type_of_their_key() {
        check_variable(
            "ANALYTICS__ENGINE__CADENCE_HZ",
            "fast",
            "must be a number (is \"fast\")",
        );
        check_variable(
            "ANALYTICS__TAPE__RING",
            "2.5",
            "must be a whole number (is 2.5)",
        );
        check_variable(
            "ANALYTICS__TAPE__DROP_REPEATS",
            "1",
            "must be true or false (is \"1\")",
        );
        check_variable(
            "ANALYTICS__ENGIN__CADENCE_HZ",
            "1",
            "unknown key (did you mean ANALYTICS__ENGINE__CADENCE_HZ?)",
        );
        check_variable(
            "ANALYTICS__ENGINE__CADENCE",
            "1",
            "unknown key (did you mean ANALYTICS__ENGINE__CADENCE_HZ?)",
        );
        check_variable(
            "ANALYTICS__",
            "1",
            "unknown key (analytics.toml lists all there are)",
        );
        check_variable(
            "ANALYTICS__TAPE",
            "1",
            "is a table: add one of __DROP_REPEATS, __RING",
        );
    }

    #[test]
    fn tables_by_symbol_are_not_set_by_variables() {
        for name in [
            "MARKET__EXCHANGES__SPY",
            "MARKET__EXCHANGES",
            "SIGNING__SYMBOLS__SPY__RULE",
            "CALCULATORS__VPIN__BUCKET_SIZES__SPY",
        ] {
            check_variable(
                &format!("ANALYTICS__{name}"),
                "XNYS",
                "tables by symbol are set in the file or with --set: the name of a variable cannot spell every symbol",
            );
        }
    }

    #[test]
    fn the_longer_name_wins_over_redis_url() {
        let variables = [
            ("REDIS_URL", "redis://a:1"),
            ("ANALYTICS__REDIS__URL", "redis://b:2"),
        ];
        assert_eq!(
            config("", &variables, &[]).redis.url.reveal(),
            "redis://b:2"
        );
    }

    #[test]
    fn an_empty_variable_is_not_set() {
        let variables = [
            ("PORT", ""),
            ("REDIS_URL", ""),
            ("ANALYTICS__TAPE__RING", ""),
        ];
        assert_eq!(config("", &variables, &[]), Config::defaults(&known()));
    }

    #[test]
    fn port_replaces_the_port_of_the_first_address() {
        let listen = |file, variables: &[_], sets: &[_]| {
            let addresses = config(file, variables, sets).http.listen;
            addresses
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        let file = "http.listen = [\"[::1]:1\", \"127.0.0.1:2\"]";
        assert_eq!(listen("", &[("PORT", "0")], &[]), ["127.0.0.1:0"]);
        assert_eq!(
            listen(file, &[("PORT", "9")], &[]),
            ["[::1]:9", "127.0.0.1:2"]
        );
        let both = [("PORT", "9"), ("ANALYTICS__HTTP__LISTEN", "127.0.0.2:3")];
        assert_eq!(listen(file, &both, &[]), ["127.0.0.2:9"]);
        assert_eq!(
            listen(file, &both, &["http.listen=127.0.0.1:5"]),
            ["127.0.0.1:5"]
        );
        check_variable("PORT", "http", "must be a port, 0 to 65535 (is \"http\")");
    }
}
