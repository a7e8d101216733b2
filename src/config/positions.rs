//! One layer's TOML against the shape of the settings: unknown keys and wrong types are found with
//! their line, and what is right is kept with its origin. The `config` crate would coerce silently
//! (`"4"` to 4, 2.7 to 3) and knows no lines.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use quant::market::Symbol;
use serde_json::{Map, Value};
use toml_edit::{Item, TableLike, Value as Toml};

use super::allowed::shown;
use super::problem::{Origin, Problem};
use super::shape::{Shape, dotted, nearest};
use super::{history, secret};

/// What one layer sets, and what is wrong with it.
#[derive(Clone, Debug, Default)]
pub(super) struct Layer {
    pub(super) values: Map<String, Value>,
    pub(super) origins: BTreeMap<String, Origin>,
    pub(super) problems: Vec<Problem>,
}

/// The layer of a file's text.
pub(super) fn file(path: &Path, text: &str, root: &Shape) -> Layer {
    let mut layer = Layer::default();
    let breaks: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
    let line = |span: Option<Range<usize>>| Origin::File {
        path: path.to_owned(),
        line: 1 + span.map_or(0, |span| breaks.partition_point(|at| *at < span.start)),
    };
    match toml_edit::Document::parse(text) {
        Ok(document) => {
            let mut walk = Walk::new(root, &line, &mut layer);
            walk.item(&mut Vec::new(), root, document.as_item(), &line(None));
        }
        Err(error) => {
            let what = format!("not TOML: {}", error.message().replace('\n', ", "));
            layer.problem(&line(error.span()), &[], what);
        }
    }
    layer
}

/// Adds the value of one key, which stands at `origin`, to the layer.
pub(super) fn one(path: &[String], value: Item, root: &Shape, origin: &Origin, layer: &mut Layer) {
    let here = |_| origin.clone();
    let mut shape = root;
    for depth in 0..path.len() {
        let Some(child) = shape.child(&path[depth]) else {
            Walk::new(root, &here, layer).unknown(path, shape, origin);
            return;
        };
        if matches!(shape, Shape::BySymbol(_))
            && let Err(what) = Symbol::new(&path[depth])
        {
            return layer.problem(origin, path, what);
        }
        shape = child;
    }
    Walk::new(root, &here, layer).item(&mut path.to_vec(), shape, &value, origin);
}

impl Layer {
    /// Sets a value; a later one wins.
    pub(super) fn put(&mut self, path: &[String], value: Value, origin: Origin) {
        let Some((last, tables)) = path.split_last() else {
            return;
        };
        let mut table = &mut self.values;
        for key in tables {
            let entry = table
                .entry(key.clone())
                .or_insert_with(|| Value::Object(Map::new()));
            table = entry
                .as_object_mut()
                .expect("the shape keeps tables and values apart");
        }
        table.insert(last.clone(), value);
        self.origins.insert(dotted(path), origin);
    }

    pub(super) fn problem(&mut self, origin: &Origin, path: &[String], what: String) {
        self.problems.push(Problem {
            origin: origin.clone(),
            key: dotted(path),
            what,
        });
    }
}

struct Walk<'a> {
    root: &'a Shape,
    at: &'a dyn Fn(Option<Range<usize>>) -> Origin,
    layer: &'a mut Layer,
}

impl<'a> Walk<'a> {
    fn new(
        root: &'a Shape,
        at: &'a dyn Fn(Option<Range<usize>>) -> Origin,
        layer: &'a mut Layer,
    ) -> Self {
        Self { root, at, layer }
    }

    fn item(&mut self, path: &mut Vec<String>, shape: &Shape, item: &Item, origin: &Origin) {
        if let (Shape::Table(_) | Shape::BySymbol(_), Some(table)) = (shape, item.as_table_like()) {
            return self.table(path, shape, table);
        }
        match plain(shape, item) {
            Ok(Value::String(url)) => match dotted(path).as_str() {
                "redis.url" if secret::has_secret(&url) => {
                    self.secret(path, url, origin, "REDIS_URL or redis.url_file");
                }
                "history.url" if history::has_password(&url) => {
                    self.secret(path, url, origin, "ANALYTICS__HISTORY__URL");
                }
                _ => self.layer.put(path, Value::String(url), origin.clone()),
            },
            Ok(value) => self.layer.put(path, value, origin.clone()),
            Err(what) => self.layer.problem(origin, path, what),
        }
    }

    fn table(&mut self, path: &mut Vec<String>, shape: &Shape, table: &dyn TableLike) {
        for (key, item) in table.iter() {
            let span = table.key(key).and_then(toml_edit::Key::span);
            let origin = (self.at)(span.or(item.span()));
            path.push(key.to_owned());
            match shape.child(key) {
                None => self.unknown(path, shape, &origin),
                Some(child) => match Symbol::new(key) {
                    Err(what) if matches!(shape, Shape::BySymbol(_)) => {
                        self.layer.problem(&origin, path, what);
                    }
                    _ => self.item(path, child, item, &origin),
                },
            }
            path.pop();
        }
    }

    /// A URL that bears a password, which belongs `elsewhere`.
    fn secret(&mut self, path: &[String], url: String, origin: &Origin, elsewhere: &str) {
        let why = match origin {
            Origin::Flag => "a password on the command line can be read by others",
            Origin::File { .. } => "a password does not belong in the configuration file",
            Origin::Default | Origin::Environment(_) => "",
        };
        if why.is_empty() {
            return self.layer.put(path, Value::String(url), origin.clone());
        }
        let what = format!("{why}: use the environment variable {elsewhere}");
        self.layer.problem(origin, path, what);
    }

    fn unknown(&mut self, path: &[String], parent: &Shape, origin: &Origin) {
        let key = dotted(path);
        let mut known = self.root.keys();
        if let (Shape::Table(fields), [tables @ .., _]) = (parent, path) {
            let sibling = |field: &String| dotted(&[tables, std::slice::from_ref(field)].concat());
            known.extend(fields.keys().map(sibling));
        }
        let by_name = matches!(origin, Origin::Environment(_));
        let spelled = |key: &String| match by_name {
            true => format!("ANALYTICS__{}", key.replace('.', "__").to_uppercase()),
            false => key.clone(),
        };
        let what = match nearest(&key, &known) {
            Some(meant) => format!("unknown key (did you mean {}?)", spelled(meant)),
            None => "unknown key (analytics.toml lists all there are)".to_owned(),
        };
        self.layer.problem(origin, path, what);
    }
}

/// The value of an item that should not be a table, or what is wrong with it.
fn plain(shape: &Shape, item: &Item) -> Result<Value, String> {
    let wrong = |must: &str| Err(format!("must be {must} (is {})", described(item)));
    match (shape, item.as_value()) {
        (Shape::Flag, Some(Toml::Boolean(flag))) => Ok(Value::Bool(*flag.value())),
        (Shape::Whole, Some(Toml::Integer(whole))) => Ok((*whole.value()).into()),
        (Shape::Number | Shape::Interval, Some(Toml::Integer(whole))) => {
            Ok((*whole.value() as f64).into())
        }
        (Shape::Number | Shape::Interval, Some(Toml::Float(number)))
            if number.value().is_finite() =>
        {
            Ok((*number.value()).into())
        }
        (Shape::Interval, Some(Toml::String(word))) if word.value() == "off" => Ok("off".into()),
        (Shape::Text, Some(Toml::String(text))) => Ok(text.value().as_str().into()),
        (Shape::List(each), Some(Toml::Array(list))) => {
            let element = |value: &Toml| plain(each, &Item::Value(value.clone()));
            let list: Result<Vec<Value>, String> = list.iter().map(element).collect();
            list.map(Value::Array)
                .map_err(|what| format!("each {what}"))
        }
        (Shape::Any, Some(value)) => any(value).ok_or_else(|| "must not be a date".to_owned()),
        (Shape::Flag, _) => wrong("true or false"),
        (Shape::Whole, _) => wrong("a whole number"),
        (Shape::Number, _) => wrong("a number"),
        (Shape::Interval, _) => wrong("a number of seconds or \"off\""),
        (Shape::Text, _) => wrong("text in quotes"),
        (Shape::List(_), _) => wrong("a list"),
        (Shape::Any, None) => wrong("a value"),
        (Shape::Table(_) | Shape::BySymbol(_), _) => wrong("a table"),
    }
}

fn any(value: &Toml) -> Option<Value> {
    match value {
        Toml::String(text) => Some(text.value().as_str().into()),
        Toml::Integer(whole) => Some((*whole.value()).into()),
        Toml::Float(number) => number.value().is_finite().then(|| (*number.value()).into()),
        Toml::Boolean(flag) => Some((*flag.value()).into()),
        Toml::Datetime(_) => None,
        Toml::Array(list) => list.iter().map(any).collect(),
        Toml::InlineTable(table) => {
            let field = |(key, value): (&str, &Toml)| Some((key.to_owned(), any(value)?));
            let fields: Option<Map<String, Value>> = table.iter().map(field).collect();
            fields.map(Value::Object)
        }
    }
}

fn described(item: &Item) -> String {
    match item.as_value() {
        Some(Toml::Array(_)) => "a list".to_owned(),
        Some(Toml::InlineTable(_)) | None => "a table".to_owned(),
        Some(Toml::Datetime(_)) => "a date".to_owned(),
        Some(Toml::Float(number)) => number.value().to_string(),
        Some(value) => any(value).map_or_else(String::new, |value| shown(&value)),
    }
}

#[cfg(test)]
mod tests {
    use crate::config::tests::{check_file, check_set, load_all};

    #[test]
    fn an_unknown_key_names_its_line_and_the_nearest_key() {
        check_file(
            "[engine]\n\ncadense_hz = 1",
            "a.toml:3 engine.cadense_hz: unknown key (did you mean engine.cadence_hz?)",
        );
        check_file(
            "[engin]\ncadence_hz = 1",
            "a.toml:1 engin: unknown key (did you mean engine?)",
        );
        check_file(
            "cadence_hz = 1",
            "a.toml:1 cadence_hz: unknown key (did you mean engine.cadence_hz?)",
        );
        check_file(
            "[signing.symbols]\nA = { rul = \"tick\" }",
            "a.toml:2 signing.symbols.A.rul: unknown key (did you mean signing.symbols.A.rule?)",
        );
        check_file(
            "[calculators.vpin]\nbukets = 1",
            "a.toml:2 calculators.vpin.bukets: unknown key (did you mean calculators.vpin.buckets?)",
        );
        check_file(
            "[calculators.zzz]\nx = 1",
            "a.toml:1 calculators.zzz: unknown key (analytics.toml lists all there are)",
        );
        check_file(
            "[update_intervals]\nvpinn = 1",
            "a.toml:2 update_intervals.vpinn: unknown key (did you mean update_intervals.vpin?)",
        );
    }

    #[test]
    fn a_wrong_type_names_its_line() {
        check_file(
            "[tape]\nring = \"4\"",
            "a.toml:2 tape.ring: must be a whole number (is \"4\")",
        );
        check_file(
            "[tape]\nring = 2.7",
            "a.toml:2 tape.ring: must be a whole number (is 2.7)",
        );
        check_file(
            "[tape]\ndrop_repeats = 1",
            "a.toml:2 tape.drop_repeats: must be true or false (is 1)",
        );
        check_file(
            "engine.cadence_hz = nan",
            "a.toml:1 engine.cadence_hz: must be a number (is NaN)",
        );
        check_file(
            "[log]\nlevel = 1979-05-27",
            "a.toml:2 log.level: must be text in quotes (is a date)",
        );
        check_file(
            "[update_intervals]\nvpin = \"never\"",
            "a.toml:2 update_intervals.vpin: must be a number of seconds or \"off\" (is \"never\")",
        );
        check_file(
            "[symbols]\nlevel2 = \"SPY\"",
            "a.toml:2 symbols.level2: must be a list (is \"SPY\")",
        );
        check_file(
            "[symbols]\nlevel2 = [1]",
            "a.toml:2 symbols.level2: each must be text in quotes (is 1)",
        );
        check_file("tape = 5", "a.toml:1 tape: must be a table (is 5)");
        check_file(
            "[[tape]]\nring = 5",
            "a.toml:1 tape: must be a table (is a table)",
        );
        check_file(
            "[calculators.vpin]\nbuckets = true",
            "a.toml:2 calculators.vpin.buckets: must be a whole number (is true)",
        );
        check_file(
            "[calculators.vpin.bucket_sizes]\nSPY = \"a\"",
            "a.toml:2 calculators.vpin.bucket_sizes.SPY: must be a number (is \"a\")",
        );
    }

    #[test]
    fn a_wrong_symbol_as_a_key_names_its_line() {
        check_file(
            "[market.exchanges]\n\"A B\" = \"XNYS\"",
            "a.toml:2 market.exchanges.\"A B\": `A B` is not a symbol: 1 to 32 of A-Z a-z 0-9 . _ ^ -",
        );
        check_set(
            "market.exchanges.\"A B\"=XNYS",
            "--set market.exchanges.\"A B\": `A B` is not a symbol: 1 to 32 of A-Z a-z 0-9 . _ ^ -",
        );
    }

    #[test]
    fn broken_toml_names_its_line() {
        let error = load_all("[tape]\nring = = 4", &[], &["tape.rink=5"]).unwrap_err();
        let (first, second) = error.split_once('\n').unwrap();
        assert!(first.starts_with("a.toml:2: not TOML: "), "{first}");
        assert_eq!(
            second,
            "--set tape.rink: unknown key (did you mean tape.ring?)"
        );
    }
}
