//! What each key accepts. Derived from the serialised defaults, so that a new setting needs no
//! second list; only the defaults that do not show their type are spelled here.

use std::collections::BTreeMap;

use serde_json::Value;

/// The type of a setting.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    /// True or false.
    Flag,
    /// An integer.
    Whole,
    /// A finite number; an integer will do.
    Number,
    /// Text.
    Text,
    /// Seconds or `"off"`.
    Interval,
    /// Whatever the setting's owner takes.
    Any,
    /// A list of one type.
    List(Box<Shape>),
    /// A table with these keys and no others.
    Table(BTreeMap<String, Shape>),
    /// A table by symbol.
    BySymbol(Box<Shape>),
}

impl Shape {
    /// The shape of the whole configuration.
    pub(super) fn of_config(defaults: &Value) -> Self {
        let mut root = Self::of(defaults);
        let text = || Box::new(Self::Text);
        let signing = [
            ("rule".to_owned(), Self::Text),
            ("quote_delay_ms".to_owned(), Self::Whole),
        ];
        root.replace(&["redis", "url_file"], Self::Text);
        root.replace(&["inputs", "date_order"], Self::Text);
        root.replace(&["http", "token_file"], Self::Text);
        root.replace(&["http", "hosts"], Self::List(text()));
        root.replace(&["http", "origins"], Self::List(text()));
        root.replace(&["symbols", "standard"], Self::List(text()));
        root.replace(&["symbols", "level2"], Self::List(text()));
        root.replace(&["feed", "symbols"], Self::List(text()));
        root.replace(&["feed", "cboe", "indices"], Self::List(text()));
        let vendor = ["feed", "globaldatafeeds"];
        let of_vendor = |key| [vendor[0], vendor[1], key];
        root.replace(&of_vendor("api_key_file"), Self::Text);
        root.replace(&of_vendor("symbols"), Self::List(text()));
        root.replace(&of_vendor("indices"), Self::BySymbol(text()));
        root.replace(&["market", "exchanges"], Self::BySymbol(text()));
        root.replace(&["market", "currencies"], Self::BySymbol(text()));
        let own = Self::BySymbol(Box::new(Self::Table(signing.into())));
        root.replace(&["signing", "symbols"], own);
        let symbols = Self::BySymbol(Box::new(Self::List(text())));
        root.replace(&["portfolio", "complexes"], symbols);
        let weights = Self::BySymbol(Box::new(Self::BySymbol(Box::new(Self::Number))));
        root.replace(&["portfolio", "index_weights"], weights);
        if let Some(sectors) = root.child_mut("sector_map") {
            *sectors = Self::BySymbol(text());
        }
        if let Some(Self::Table(jobs)) = root.child_mut("update_intervals") {
            jobs.values_mut().for_each(|job| *job = Self::Interval);
        }
        if let Some(rates) = root.child_mut("rates") {
            *rates = Self::BySymbol(Box::new(Self::Any));
        }
        // Sections are closed even where nothing is in them.
        for section in ["update_intervals", "calculators"] {
            if let Some(shape @ Self::BySymbol(_)) = root.child_mut(section) {
                *shape = Self::Table(BTreeMap::new());
            }
        }
        root
    }

    fn of(default: &Value) -> Self {
        match default {
            Value::Null => Self::Any,
            Value::Bool(_) => Self::Flag,
            Value::Number(number) if number.is_f64() => Self::Number,
            Value::Number(_) => Self::Whole,
            Value::String(_) => Self::Text,
            Value::Array(list) => Self::List(Box::new(list.first().map_or(Self::Any, Self::of))),
            Value::Object(fields) if fields.is_empty() => Self::BySymbol(Box::new(Self::Number)),
            Value::Object(fields) => {
                let field = |(key, value): (&String, &Value)| (key.clone(), Self::of(value));
                Self::Table(fields.iter().map(field).collect())
            }
        }
    }

    /// The shape under a key, which for a table by symbol may be any.
    pub(super) fn child(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Table(fields) => fields.get(key),
            Self::BySymbol(each) => Some(each),
            _ => None,
        }
    }

    /// Every dotted key, tables included.
    pub(super) fn keys(&self) -> Vec<String> {
        let mut keys = Vec::new();
        self.add_keys(&mut Vec::new(), &mut keys);
        keys
    }

    fn add_keys(&self, path: &mut Vec<String>, keys: &mut Vec<String>) {
        let Self::Table(fields) = self else { return };
        for (key, shape) in fields {
            path.push(key.clone());
            keys.push(dotted(path));
            shape.add_keys(path, keys);
            path.pop();
        }
    }

    fn child_mut(&mut self, key: &str) -> Option<&mut Self> {
        match self {
            Self::Table(fields) => fields.get_mut(key),
            _ => None,
        }
    }

    fn replace(&mut self, path: &[&str], shape: Self) {
        let found = path.iter().try_fold(self, |at, key| at.child_mut(key));
        *found.expect("a key of the settings") = shape;
    }
}

/// A path as it is written in TOML: `market.exchanges."BRK.B"`.
pub(super) fn dotted(path: &[String]) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let segment = |key: &String| match key.as_str() {
        key if !key.is_empty() && key.chars().all(bare) => key.to_owned(),
        key => format!("{key:?}"),
    };
    path.iter().map(segment).collect::<Vec<_>>().join(".")
}

/// Every value that is not a table, and every empty table, with its path.
pub(super) fn leaves(tree: &Value) -> Vec<(Vec<String>, &Value)> {
    fn add<'a>(tree: &'a Value, path: &[String], found: &mut Vec<(Vec<String>, &'a Value)>) {
        match tree {
            Value::Object(fields) if !fields.is_empty() || path.is_empty() => {
                for (key, value) in fields {
                    add(value, &[path, std::slice::from_ref(key)].concat(), found);
                }
            }
            leaf => found.push((path.to_vec(), leaf)),
        }
    }
    let mut found = Vec::new();
    add(tree, &[], &mut found);
    found
}

/// The known key that was probably meant.
pub(super) fn nearest<'a>(key: &str, known: &'a [String]) -> Option<&'a String> {
    // Three letters of ten may differ in the whole and half of the last word: slips are found,
    // other words beside the same section name are not.
    const ALIKE: f64 = 0.7;
    const LAST_ALIKE: f64 = 0.5;
    let likeness = |candidate: &str| strsim::normalized_damerau_levenshtein(key, candidate);
    let last_likeness = |candidate: &str| {
        strsim::normalized_damerau_levenshtein(last_word(key), last_word(candidate))
    };
    let is_inside = |table: &str| key.starts_with(&format!("{table}."));
    let best = known
        .iter()
        .filter(|candidate| !is_inside(candidate) && last_likeness(candidate) >= LAST_ALIKE)
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
        .filter(|candidate| likeness(candidate) >= ALIKE);
    let elsewhere = |candidate: &&String| last_word(candidate) == last_word(key);
    best.or_else(|| known.iter().find(elsewhere))
}

fn last_word(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_default_shows_what_its_key_accepts() {
        let shape = Shape::of(&json!({"a": 1, "b": 1.0, "c": [0.5], "d": {}, "e": {"f": true}}));
        let Shape::Table(fields) = &shape else {
            panic!("{shape:?}")
        };
        assert_eq!(fields["a"], Shape::Whole);
        assert_eq!(fields["b"], Shape::Number);
        assert_eq!(fields["c"], Shape::List(Box::new(Shape::Number)));
        assert_eq!(fields["d"], Shape::BySymbol(Box::new(Shape::Number)));
        assert_eq!(shape.keys(), ["a", "b", "c", "d", "e", "e.f"]);
    }

    #[test]
    fn slips_and_wrong_sections_find_their_key_and_strangers_none() {
        let known = ["engine", "engine.cadence_hz", "redis", "redis.url"].map(str::to_owned);
        for (key, meant) in [
            ("engine.cadense_hz", Some("engine.cadence_hz")),
            ("redis.ulr", Some("redis.url")),
            ("engin", Some("engine")),
            ("cadence_hz", Some("engine.cadence_hz")),
            ("engine.x", None),
            ("redis.xyz", None),
            ("", None),
        ] {
            assert_eq!(nearest(key, &known).map(String::as_str), meant, "{key}");
        }
    }

    #[test]
    fn odd_keys_are_quoted() {
        let path = ["market", "^SPX", "BRK.B", ""].map(str::to_owned);
        assert_eq!(dotted(&path), "market.\"^SPX\".\"BRK.B\".\"\"");
    }
}
