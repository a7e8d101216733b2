//! The tables of README.md and docs/http.md, made from the code: calculators, keys, settings, metrics, routes.
//! A test compares them with what stands between the markers there; `UPDATE=1` writes them.

use std::collections::BTreeMap;

use quant::calculators;
use quant::market::Symbol;

use crate::chain_service::CARDS;
use crate::config::{Config, Loaded};
use crate::engine::setup;
use crate::http;
use crate::schemas::HEARTBEAT_ABOUT;
use crate::store::keys;
use crate::telemetry::{Kind, METRICS};

/// Every table with the name of its marker: `<!-- name -->` before it, `<!-- /name -->` behind.
pub fn tables() -> [(&'static str, String); 4] {
    [
        ("calculators", calculator_table()),
        ("keys", key_table()),
        ("settings", setting_table()),
        ("metrics", metric_table()),
    ]
}

/// The table of docs/http.md, by the same name.
pub fn routes() -> (&'static str, String) {
    let rows = http::routes().into_iter();
    let rows = rows.map(|(verb, path, about)| [code(&format!("{verb} {path}")), about.to_owned()]);
    ("routes", table(["route", "what it is"], rows))
}

/// What is computed.
pub fn calculator_table() -> String {
    let rows = calculators::all().map(|card| {
        let every = match card.job.default_interval_seconds() {
            0.0 => "pass".to_owned(),
            seconds => format!("{seconds} s"),
        };
        [
            code(card.name),
            code(&keys::pattern(card)),
            code(card.job.name()),
            every,
            calculators::reads(card).join(", "),
            card.about.to_owned(),
        ]
    });
    let head = ["document", "key", "job", "every", "reads", "what it is"];
    table(head, rows)
}

/// What is read from the store and written to it.
pub fn key_table() -> String {
    let read = [
        (
            keys::SYMBOLS.to_owned(),
            "set of symbols, where the settings list none",
        ),
        (of_symbol(keys::ticker), "best bid and offer, last trade"),
        (of_symbol(keys::book), "order book"),
        (
            of_symbol(keys::trades),
            "list of trades, newest at the tail",
        ),
        (of_symbol(keys::chain), "option chain"),
        (of_symbol(keys::bars), "list of minute bars, oldest first"),
        (
            of_symbol(keys::bare_bars),
            "the same, where that is missing",
        ),
        (of_symbol(keys::imbalance), "closing-auction feed"),
        (
            "options:{S}:*:greeks, options:{S}:greeks:*, greeks:{S}:*".to_owned(),
            "one contract each, where the chain is missing",
        ),
        (
            of_symbol(keys::discovered_bucket_size),
            "VPIN bucket size of the symbol",
        ),
        (
            keys::DISCOVERED_BUCKET_SIZE.to_owned(),
            "VPIN bucket size of all symbols",
        ),
        (
            of_symbol(keys::discovered_volume),
            "average daily volume, shares",
        ),
        (of_symbol(keys::baseline), "what is usual of the symbol"),
    ];
    let read = read.map(|(key, what)| [code(&key), "read".to_owned(), what.to_owned()]);
    let documents = calculators::all().map(|card| (keys::pattern(card), card.about.to_owned()));
    let beats = [
        (
            of_symbol(|symbol| keys::history(&keys::document(symbol, HISTORIES))),
            "The document's value at minute marks: a list, newest first.".to_owned(),
        ),
        (
            of_symbol(keys::baseline),
            "What is usual of the symbol, where history is kept.".to_owned(),
        ),
        (keys::HEARTBEAT.to_owned(), HEARTBEAT_ABOUT.to_owned()),
        (
            keys::feed_heartbeat("{provider}"),
            "Heartbeat of a feed: that it runs, and how.".to_owned(),
        ),
    ];
    let second = keys::aliases(keys::HEARTBEAT);
    let second = second.map(|key| (key, "The heartbeat, where `keys.aliases` is on.".to_owned()));
    let of_chains = CARDS.map(|card| (card.key.to_owned(), card.about.to_owned()));
    let expiries = (
        of_symbol(keys::expiries),
        "Set of the expiries that `latest:chain` and `latest:pcr` have.".to_owned(),
    );
    let written = documents.chain(of_chains).chain([expiries]);
    let written = written.chain(beats).chain(second);
    let written = written.map(|(key, what)| [code(&key), "written".to_owned(), what]);
    table(["key", "", "what it is"], read.into_iter().chain(written))
}

/// Every setting with its default.
pub fn setting_table() -> String {
    let built_in = Loaded {
        config: Config::defaults(&setup::known()),
        origins: BTreeMap::new(),
        file: None,
    };
    let rows = built_in.resolved().into_iter();
    let rows = rows.map(|(key, value, _)| [code(&key), code(&value)]);
    table(["setting", "default"], rows)
}

/// What `/metrics` shows.
pub fn metric_table() -> String {
    let rows = METRICS.map(|(name, kind, about)| {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        [code(name), kind.to_owned(), about.to_owned()]
    });
    table(["metric", "kind", "what it says"], rows)
}

/// The documents with a list of minute marks beside them.
const HISTORIES: &str = "{gex|dex|vanna|charm|skew}";

/// A symbol's key with `{S}` in the symbol's place.
fn of_symbol(key: impl Fn(&Symbol) -> String) -> String {
    const STAND_IN: &str = "SYMBOL";
    let symbol = Symbol::new(STAND_IN).expect("capital letters are a symbol");
    key(&symbol).replace(STAND_IN, "{S}")
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut text = line(&head.map(str::to_owned));
    text += &line(&head.map(|_| "---".to_owned()));
    for row in rows {
        text += &line(&row.map(|cell| cell.replace('|', "\\|")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_calculator_is_a_row() {
        let text = calculator_table();
        let row =
            "| `obi` | `analytics:{S}:obi` | `order_book` | 1 s | book | Order-book imbalance";
        assert!(text.contains(row), "{text}");
        assert_eq!(text.lines().count(), 2 + calculators::all().count());
    }

    #[test]
    fn every_cell_stands_in_its_column() {
        for (name, text) in tables() {
            let columns = |line: &str| line.replace("\\|", "").matches('|').count();
            let mut counts = text.lines().map(columns);
            let first = counts.next();
            assert!(counts.all(|count| Some(count) == first), "{name}: {text}");
        }
    }
}
