//! The lists of calculators are complete, in order, and documented: what the engine turns is what
//! the folder holds and what the schema describes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use quant::calculator::{Card, Entry, Job, Scope};
use quant::calculators::{PER_SYMBOL, UNIVERSE, all, find};
use quant::document;
use quant::universe::Part;
use serde_json::{Map, Value};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/calculators")
}

/// The names of the calculators that have a file, or a folder with their name.
fn files() -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder()).unwrap();
    let stems = entries.map(|entry| entry.unwrap().path().with_extension(""));
    let names = stems.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned());
    names.filter(|name| name != "mod").collect()
}

fn source(name: &str) -> String {
    let file = folder().join(format!("{name}.rs"));
    let inner = folder().join(name).join("mod.rs");
    std::fs::read_to_string(&file)
        .or_else(|_| std::fs::read_to_string(inner))
        .unwrap()
}

#[test]
fn every_file_is_public_and_in_a_list_once() {
    let listed: Vec<String> = all().map(|entry| entry.name.to_owned()).collect();
    let unique: BTreeSet<String> = listed.iter().cloned().collect();
    assert_eq!(
        unique.len(),
        listed.len(),
        "a name stands twice in {listed:?}"
    );
    assert_eq!(unique, files());

    let module = std::fs::read_to_string(folder().join("mod.rs")).unwrap();
    let public = module
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    assert_eq!(public.map(str::to_owned).collect::<BTreeSet<_>>(), unique);
}

#[test]
fn names_are_snake_case_and_keys_are_unique() {
    let is_snake = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_lowercase())
            && name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    let mut keys = BTreeSet::new();
    for entry in all() {
        assert!(is_snake(entry.name), "{}", entry.name);
        assert!(entry.key.split(':').all(is_snake), "{}", entry.key);
        assert!(
            entry
                .config
                .is_none_or(|table| table.split('.').all(is_snake))
        );
        assert!(keys.insert(entry.key), "{} is written twice", entry.key);
        assert_eq!(find(entry.name).unwrap().key, entry.key);
    }
}

/// A universe calculator may build on those of a symbol, not the other way round.
#[test]
fn producers_stand_before_those_who_read_them() {
    let mut seen = BTreeSet::new();
    for Entry { card, needs, .. } in PER_SYMBOL {
        for producer in needs.producers() {
            assert!(seen.contains(producer), "{} reads {producer}", card.name);
        }
        seen.insert(card.name);
    }
    let read = UNIVERSE.iter().flat_map(|entry| entry.reads);
    let summaries = read.filter(|part| **part == Part::Summaries);
    assert!(summaries.count() > 0 && seen.contains("summary"));
}

/// The first paragraph of the `//!` header up to the end of its first sentence, lines joined.
fn first_sentence(source: &str) -> String {
    let header = source.lines().map_while(|line| line.strip_prefix("//!"));
    let paragraph: Vec<&str> = header
        .map(str::trim)
        .take_while(|line| !line.is_empty())
        .collect();
    let text = paragraph.join(" ");
    match text.find(". ") {
        Some(end) => text[..=end].to_owned(),
        None => text,
    }
}

#[test]
fn the_first_sentence_of_a_file_is_what_people_read() {
    for entry in all() {
        assert_eq!(first_sentence(&source(entry.name)), entry.about);
        assert!(
            entry.about.ends_with('.') && !entry.about.contains("  "),
            "{}",
            entry.about
        );
    }
}

#[test]
fn a_sentence_that_wraps_is_read_whole() {
    let source = "//! Skew: what a put costs\n//! more than a call. Sign: puts.\n//!\n//! More.";
    assert_eq!(
        first_sentence(source),
        "Skew: what a put costs more than a call."
    );
}

#[test]
fn every_job_has_a_calculator_and_every_calculator_a_job() {
    let used: BTreeSet<Job> = all().map(|entry| entry.job).collect();
    assert_eq!(used, Job::ALL.into_iter().collect());
    let names: BTreeSet<&str> = Job::ALL.into_iter().map(Job::name).collect();
    assert_eq!(names.len(), Job::ALL.len());
}

#[test]
fn defaults_build_and_hold_no_null() {
    for Entry { card, build, .. } in PER_SYMBOL {
        let params = (card.default_params)();
        let runner = build(&params, None).unwrap();
        build(&params, Some(&runner.state())).unwrap();
        match card.config {
            // A default of null could not be written in a settings file.
            Some(_) => assert!(params.is_object() && !holds_null(&params), "{params}"),
            None => assert!(params.is_null(), "{} has settings and no table", card.name),
        }
    }
}

fn holds_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().any(holds_null),
        Value::Object(fields) => fields.values().any(holds_null),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[test]
fn every_property_of_every_document_is_described() {
    for entry in all() {
        let schema = document::schema(entry);
        assert_eq!(schema["title"], entry.name);
        assert_eq!(schema["description"], entry.about);
        let symbol = (entry.scope == Scope::Symbol).then_some("symbol");
        for field in ["timestamp", "meta"].into_iter().chain(symbol) {
            assert!(
                schema["required"]
                    .as_array()
                    .unwrap()
                    .contains(&field.into()),
                "{field}"
            );
        }
        check_schema(&schema, &schema["$defs"], entry);
    }
}

/// The structure of a JSON Schema: known types, required names that exist, references that lead
/// somewhere, and a description on each property.
fn check_schema(schema: &Value, definitions: &Value, entry: &Card) {
    let Value::Object(schema) = schema else {
        assert!(schema.is_boolean(), "{}: {schema}", entry.name);
        return;
    };
    let deeper = |schema: &Value| check_schema(schema, definitions, entry);
    if let Some(types) = schema.get("type") {
        let one = std::slice::from_ref(types);
        assert!(
            types
                .as_array()
                .map_or(one, Vec::as_slice)
                .iter()
                .all(is_type),
            "{types}"
        );
    }
    if let Some(reference) = schema.get("$ref") {
        let name = reference
            .as_str()
            .unwrap()
            .strip_prefix("#/$defs/")
            .unwrap();
        assert!(definitions[name].is_object(), "{}: {reference}", entry.name);
    }
    let properties = object(schema, "properties");
    for (name, property) in &properties {
        let described = property["description"]
            .as_str()
            .is_some_and(|text| !text.is_empty());
        assert!(described, "{}: {name} has no description", entry.name);
        deeper(property);
    }
    for name in list(schema, "required") {
        assert!(
            properties.contains_key(name.as_str().unwrap()),
            "{}: {name}",
            entry.name
        );
    }
    object(schema, "$defs").values().for_each(deeper);
    ["anyOf", "oneOf", "allOf"]
        .iter()
        .flat_map(|key| list(schema, key))
        .for_each(|s| deeper(&s));
    ["items", "additionalProperties"]
        .iter()
        .filter_map(|key| schema.get(*key))
        .for_each(deeper);
}

fn is_type(name: &Value) -> bool {
    let types = [
        "null", "boolean", "object", "array", "number", "integer", "string",
    ];
    name.as_str().is_some_and(|name| types.contains(&name))
}

fn object(schema: &Map<String, Value>, key: &str) -> Map<String, Value> {
    schema
        .get(key)
        .map_or_else(Map::new, |inner| inner.as_object().unwrap().clone())
}

fn list(schema: &Map<String, Value>, key: &str) -> Vec<Value> {
    schema
        .get(key)
        .map_or_else(Vec::new, |inner| inner.as_array().unwrap().clone())
}
