//! The layer of flags: `--set section.key=value`, where the value is TOML or bare text.

use toml_edit::{Item, Key, Value as Toml};

use super::environment::listed;
use super::positions::{self, Layer};
use super::problem::Origin;
use super::shape::Shape;

/// The layer of these flags; a later one wins.
pub(super) fn layer(sets: &[String], root: &Shape) -> Layer {
    let mut layer = Layer::default();
    for set in sets {
        let Some((key, text)) = set.split_once('=') else {
            let what = "must be section.key=value".to_owned();
            layer.problem(&Origin::Flag, &[], what);
            continue;
        };
        let Ok(keys) = Key::parse(key.trim()) else {
            let what = "the part before = must be a key such as engine.cadence_hz".to_owned();
            layer.problem(&Origin::Flag, &[], what);
            continue;
        };
        let path: Vec<String> = keys.iter().map(|key| key.get().to_owned()).collect();
        let bare = || match path.iter().try_fold(root, |shape, key| shape.child(key)) {
            Some(Shape::List(each)) => listed(text, each),
            _ => text.into(),
        };
        let value: Toml = text.parse().unwrap_or_else(|_| bare());
        positions::one(&path, Item::Value(value), root, &Origin::Flag, &mut layer);
    }
    layer
}

#[cfg(test)]
mod tests {
    use crate::config::tests::check_set;

    #[test]
    fn flags_that_are_no_settings_are_explained() {
        check_set(
            "engine.x=1",
            "--set engine.x: unknown key (analytics.toml lists all there are)",
        );
        check_set("engine.cadence_hz", "--set: must be section.key=value");
        check_set(
            "a b=1",
            "--set: the part before = must be a key such as engine.cadence_hz",
        );
        check_set(
            "engine.cadence_hz=fast",
            "--set engine.cadence_hz: must be a number (is \"fast\")",
        );
        check_set(
            "engine.cadence_hz.x=1",
            "--set engine.cadence_hz.x: unknown key (analytics.toml lists all there are)",
        );
        check_set("engine=1", "--set engine: must be a table (is 1)");
    }
}
