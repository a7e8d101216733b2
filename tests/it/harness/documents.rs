//! The files of a replay, and whether a document is what its schema says.

use super::run;
use jsonschema::Validator;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The directory a replay wrote.
pub(crate) struct Results {
    folder: PathBuf,
    /// `summary.json`.
    pub(crate) summary: Value,
}

/// What every document begins with.
#[derive(Deserialize)]
pub(crate) struct Stamp {
    pub(crate) symbol: String,
    pub(crate) timestamp: f64,
}

impl Results {
    pub(crate) fn read(folder: &Path) -> Self {
        let summary = std::fs::read(folder.join("summary.json")).unwrap();
        Self {
            folder: folder.to_owned(),
            summary: serde_json::from_slice(&summary).unwrap(),
        }
    }

    /// The names of the documents.
    pub(crate) fn documents(&self) -> Vec<String> {
        let documents = self.summary["documents"].as_object().unwrap();
        documents.keys().cloned().collect()
    }

    /// The text of `name.jsonl`.
    pub(crate) fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.join(format!("{name}.jsonl"))).unwrap()
    }

    /// Every `.jsonl` file by its name.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let entries = std::fs::read_dir(&self.folder).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let lines = paths.filter(|path| path.extension().is_some_and(|e| e == "jsonl"));
        lines
            .map(|path| {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                (name, std::fs::read(&path).unwrap())
            })
            .collect()
    }

    /// Holds every line of every document to its rules, and every `each`th line to its schema.
    pub(crate) fn check_documents(&self, each: usize) {
        for name in self.documents() {
            let schema = Schema::of(&name);
            for (number, line) in self.text(&name).lines().enumerate() {
                check_numbers(line);
                assert!(name != "summary" || line.len() < 1024, "{line}");
                if number % each == 0 {
                    schema.check(line);
                }
            }
        }
    }
}

/// The schema of a document, as `analytics schema` prints it.
pub(crate) struct Schema {
    fields: Vec<String>,
    validator: Validator,
}

impl Schema {
    pub(crate) fn of(name: &str) -> Self {
        let text = run(&["schema", name]).succeeded();
        let schema: Value = serde_json::from_str(&text).unwrap();
        let fields = schema["properties"].as_object().unwrap();
        Self {
            fields: fields.keys().cloned().collect(),
            validator: jsonschema::validator_for(&schema).unwrap(),
        }
    }

    /// Valid, and no field that the schema does not name.
    #[track_caller]
    pub(crate) fn check(&self, document: &str) {
        let value: Value = serde_json::from_str(document).unwrap();
        let errors: Vec<String> = self
            .validator
            .iter_errors(&value)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{errors:?} in {document}");
        for field in value.as_object().unwrap().keys() {
            assert!(self.fields.contains(field), "{field} in {document}");
        }
    }
}

/// No `NaN`, no `Infinity`, no `-0.0`.
#[track_caller]
pub(crate) fn check_numbers(document: &str) {
    assert!(
        !document.contains("NaN") && !document.contains("Infinity"),
        "{document}"
    );
    for (at, _) in document.match_indices("-0") {
        let begins = document[..at].ends_with([':', ',', '[']);
        let number = document[at..].split([',', '}', ']']).next().unwrap();
        let is_zero = number.parse::<f64>().is_ok_and(|number| number == 0.0);
        assert!(!(begins && is_zero), "{number} in {document}");
    }
}
