//! JSON objects looked into member by member, numbers as their text stands.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::value::RawValue;

use super::{ImportError, Number, refuse};

/// The members of an object, not looked into yet.
#[derive(Clone, Debug)]
pub(in crate::import) struct Object<'a>(BTreeMap<String, &'a RawValue>);

impl<'a> Object<'a> {
    pub(in crate::import) fn parse(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok().map(Self)
    }

    /// The text of a member; `None` where it is missing or null.
    pub(in crate::import) fn get(&self, name: &str) -> Option<&'a str> {
        let text = self.0.get(name)?.get();
        (text != "null").then_some(text)
    }

    pub(in crate::import) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(in crate::import) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(in crate::import) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// A number, written as one or in quotes.
    pub(in crate::import) fn number(&self, name: &str) -> Option<Number> {
        let text = self.get(name)?;
        if text.starts_with('"') {
            Number::parse(&serde_json::from_str::<String>(text).ok()?)
        } else {
            Number::parse(text)
        }
    }

    /// A text, or the text of a number.
    pub(in crate::import) fn text(&self, name: &str) -> Option<String> {
        let text = self.get(name)?;
        if text.starts_with('"') {
            serde_json::from_str(text).ok()
        } else {
            Some(text.to_owned())
        }
    }

    pub(in crate::import) fn is_true(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }

    pub(in crate::import) fn object(&self, name: &str) -> Option<Self> {
        Self::parse(self.get(name)?)
    }

    /// The elements of an array. One that stands alone where an array is expected is its element.
    pub(in crate::import) fn list(&self, name: &str) -> Vec<&'a str> {
        list(self.get(name).unwrap_or("[]"))
    }
}

/// The elements of an array; an object is the one element.
pub(in crate::import) fn list(text: &str) -> Vec<&str> {
    if text.starts_with('{') {
        return vec![text];
    }
    let elements: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
    elements.into_iter().map(RawValue::get).collect()
}

/// The first value of a text: what stands before its first bracket and behind the matching one,
/// such as the source code around a literal, is passed over.
pub(in crate::import) fn first_value<'a>(
    file: &Path,
    text: &'a str,
) -> Result<&'a str, ImportError> {
    let start = text.find(['{', '[']);
    let start = start.ok_or_else(|| refuse(file, "holds no JSON, which begins with { or ["))?;
    let before = text[..start].matches('\n').count();
    let mut values = serde_json::Deserializer::from_str(&text[start..]).into_iter::<&RawValue>();
    match values.next() {
        Some(Ok(value)) => Ok(value.get()),
        Some(Err(error)) => Err(refuse(
            file,
            format_args!(
                "line {}: not JSON: {error} (get the file again)",
                before + error.line()
            ),
        )),
        None => Err(refuse(file, "holds no JSON")),
    }
}
