//! Chains of producers that write one key a contract: which keys make up which chain, and one
//! chain text of their values, so that everything behind it needs to know nothing of them.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use quant::market::Symbol;

use super::keys::{self, ContractLayout};
use super::scan::Scanner;

/// Who made a chain that was put together here.
pub const SOURCE: &str = "greeks_keys";

/// The keys of contracts by symbol, of the best layout that a symbol has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContractKeys(BTreeMap<Symbol, (ContractLayout, KeysById)>);

type KeysById = BTreeMap<Box<str>, Box<str>>;

impl ContractKeys {
    /// Takes a key, if it is one of a contract on a wanted symbol.
    pub fn add(&mut self, key: &str, wanted: &BTreeSet<Symbol>) {
        let Some(found) = keys::contract(key).filter(|found| wanted.contains(&found.symbol)) else {
            return;
        };
        let fresh = || (found.layout, BTreeMap::new());
        let known = self.0.entry(found.symbol).or_insert_with(fresh);
        if found.layout < known.0 {
            *known = (found.layout, BTreeMap::new());
        }
        if found.layout == known.0 {
            known.1.insert(found.id.into(), key.into());
        }
    }

    /// The contracts of a symbol with their keys, by id.
    pub fn of(&self, symbol: &Symbol) -> impl Iterator<Item = (&str, &str)> {
        let found = self.0.get(symbol).into_iter();
        found.flat_map(|(_, keys)| keys.iter().map(|(id, key)| (&**id, &**key)))
    }
}

/// One chain text of the values at the keys of contracts. A value that is gone is left out; one
/// that is no object becomes `null`, which the decoder counts. `None` where all are gone.
pub fn chain_text<'a>(values: impl Iterator<Item = (&'a str, Option<&'a Bytes>)>) -> Option<Bytes> {
    let mut text = format!(r#"{{"source":"{SOURCE}","by_contract":{{"#).into_bytes();
    let mut is_first = true;
    for (id, value) in values {
        let Some(value) = value else { continue };
        if !std::mem::take(&mut is_first) {
            text.push(b',');
        }
        // An id was read as the name of a contract, so that it needs no escapes.
        text.extend_from_slice(format!(r#""{id}":"#).as_bytes());
        text.extend_from_slice(if is_object(value) { value } else { b"null" });
    }
    text.extend_from_slice(b"}}");
    (!is_first).then(|| text.into())
}

/// Whether the decoder reads this as one object: what it would stumble on costs the chain.
fn is_object(value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else {
        return false;
    };
    let mut scanner = Scanner::new(text);
    let read = scanner.object(|scanner, _| scanner.scalar().map(|_| ()));
    read.and_then(|()| scanner.end()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symbols(names: &[&str]) -> BTreeSet<Symbol> {
        names
            .iter()
            .map(|name| Symbol::new(name).unwrap())
            .collect()
    }

    #[test]
    fn the_best_layout_that_a_symbol_has_is_taken() {
        let wanted = symbols(&["SPX", "BRK.B"]);
        let mut found = ContractKeys::default();
        for key in [
            "greeks:SPX:SPXW261120C06000000",
            "options:SPX:greeks:SPXW261120C06000000",
            "options:SPX:SPXW261120P06000000:greeks",
            "options:SPX:SPX261120C06000000:greeks",
            "options:SPX:greeks:SPXW261120C06100000",
            "greeks:BRK.B:BRK.B 261120C00400000",
            "options:OTHER:SPX261120C06000000:greeks",
        ] {
            found.add(key, &wanted);
        }
        let of = |name| -> Vec<(String, String)> {
            let symbol = Symbol::new(name).unwrap();
            let pairs = found.of(&symbol);
            pairs
                .map(|(id, key)| (id.to_owned(), key.to_owned()))
                .collect()
        };
        let ids: Vec<String> = of("SPX").into_iter().map(|(id, _)| id).collect();
        assert_eq!(ids, ["SPX261120C06000000", "SPXW261120P06000000"]);
        assert_eq!(of("BRK.B")[0].1, "greeks:BRK.B:BRK.B 261120C00400000");
        assert!(of("OTHER").is_empty());
    }

    #[test]
    fn what_is_no_object_cannot_break_the_text() {
        let values = [
            ("A261120C00001000", Some(r#" {"delta":0.5} "#)),
            ("B261120C00001000", None),
            ("C261120C00001000", Some(r#"{"delta":0.5]"#)),
            ("D261120C00001000", Some(r#"{"a":1},"x":{"#)),
            ("E261120C00001000", Some(r#"{"a":"\x"}"#)),
            ("F261120C00001000", Some("7")),
        ]
        .map(|(id, value)| (id, value.map(Bytes::from)));
        let text = chain_text(values.iter().map(|(id, value)| (*id, value.as_ref()))).unwrap();
        let expected = r#"{"source":"greeks_keys","by_contract":{"A261120C00001000": {"delta":0.5} ,"C261120C00001000":null,"D261120C00001000":null,"E261120C00001000":null,"F261120C00001000":null}}"#;
        assert_eq!(text, expected);
        assert_eq!(chain_text([("A", None)].into_iter()), None);
    }
}
