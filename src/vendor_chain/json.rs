//! JSON objects looked into member by member, numbers as their text stands.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::Number;

/// The members of an object, not looked into yet.
#[derive(Clone, Debug)]
pub(crate) struct Object<'a>(BTreeMap<String, &'a RawValue>);

impl<'a> Object<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok().map(Self)
    }

    /// The text of a member; `None` where it is missing or null.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        let text = self.0.get(name)?.get();
        (text != "null").then_some(text)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// A number, written as one or in quotes.
    pub(crate) fn number(&self, name: &str) -> Option<Number> {
        let text = self.get(name)?;
        if text.starts_with('"') {
            Number::parse(&serde_json::from_str::<String>(text).ok()?)
        } else {
            Number::parse(text)
        }
    }

    /// A text, or the text of a number.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        let text = self.get(name)?;
        if text.starts_with('"') {
            serde_json::from_str(text).ok()
        } else {
            Some(text.to_owned())
        }
    }

    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }

    pub(crate) fn object(&self, name: &str) -> Option<Self> {
        Self::parse(self.get(name)?)
    }

    /// The elements of an array. One that stands alone where an array is expected is its element.
    pub(crate) fn list(&self, name: &str) -> Vec<&'a str> {
        list(self.get(name).unwrap_or("[]"))
    }
}

/// The elements of an array; an object is the one element.
pub(crate) fn list(text: &str) -> Vec<&str> {
    if text.starts_with('{') {
        return vec![text];
    }
    let elements: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
    elements.into_iter().map(RawValue::get).collect()
}
