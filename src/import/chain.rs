//! What the importers of option chains share: how a vendor's chain becomes records, how files are
//! read and what is counted of them.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use quant::market::Symbol;
use serde_json::value::RawValue;

use super::{ImportError, Sink};
use crate::recording::Op;
use crate::unpack;
pub(super) use crate::vendor_chain::{
    Contract, Number, Occ, Right, Snapshot, Ticker, Underlying, instant, json, occ,
};

impl Snapshot {
    /// Writes the ticker and the chain.
    pub(super) fn record(&self, sink: &mut Sink) -> Result<(), ImportError> {
        ticker(sink, &self.ticker())?;
        self.record_chain(sink)
    }

    /// Writes the chain alone, where tickers come of their own.
    pub(super) fn record_chain(&self, sink: &mut Sink) -> Result<(), ImportError> {
        if self.spot.is_none() {
            sink.note("no_spot", 1);
        }
        let symbol = self.symbol.as_str();
        let json = serde_json::to_vec(self)
            .map_err(|error| ImportError::Format(format!("cannot write the chain: {error}")))?;
        sink.count_read("snapshots", 1);
        sink.count_read("contracts", self.contracts.len() as u64);
        sink.push(
            nanos(self.as_of_ms),
            Op::Set,
            &format!("options:{symbol}:chain"),
            &json,
        )
    }
}

/// Writes a ticker, where there is a price at all. A quote that is not plausible is left out.
pub(super) fn ticker(sink: &mut Sink, ticker: &Ticker) -> Result<(), ImportError> {
    if !ticker.quote.is_plausible() && ticker.quote.bid.is_some() {
        sink.note("underlying_quote_left_out", 1);
    }
    let Some(json) = ticker.json() else {
        return Ok(());
    };
    let key = format!("market:{}:ticker", ticker.symbol);
    sink.push(nanos(ticker.at_ms), Op::Set, &key, &json)
}

fn nanos(ms: i64) -> i64 {
    ms.saturating_mul(1_000_000)
}

/// The whole text of a file; what is not UTF-8 in it is replaced.
pub(super) fn read(file: &Path, max_unpacked_bytes: u64) -> Result<String, ImportError> {
    let mut bytes = Vec::new();
    unpack::open(file, max_unpacked_bytes)?.read_to_end(&mut bytes)?;
    let text = String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    Ok(match text.strip_prefix('\u{feff}') {
        Some(text) => text.to_owned(),
        None => text,
    })
}

/// The first value of a text: what stands before its first bracket and behind the matching one,
/// such as the source code around a literal, is passed over.
pub(super) fn first_value<'a>(file: &Path, text: &'a str) -> Result<&'a str, ImportError> {
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

/// An error that names the file.
pub(super) fn refuse(file: &Path, what: impl std::fmt::Display) -> ImportError {
    ImportError::Format(format!("{}: {what}", file.display()))
}

/// The symbol asked for, else the one found; the error says how to name one.
pub(super) fn choose_symbol(
    file: &Path,
    asked: Option<&Symbol>,
    found: Option<&str>,
) -> Result<Symbol, ImportError> {
    if let Some(asked) = asked {
        return Ok(asked.clone());
    }
    let found = found.ok_or_else(|| refuse(file, "does not say its symbol (give --symbol)"))?;
    Symbol::new(found).map_err(|error| {
        let found: String = found.chars().take(40).collect();
        let found = found.escape_default();
        refuse(
            file,
            format_args!("the symbol `{found}` is none, {error} (give --symbol)"),
        )
    })
}

/// Counts of a file that is still being read, by the names of the report.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    pub(super) dropped: BTreeMap<&'static str, u64>,
    pub(super) noted: BTreeMap<&'static str, u64>,
}

impl Counts {
    pub(super) fn drop(&mut self, reason: &'static str) {
        *self.dropped.entry(reason).or_default() += 1;
    }

    pub(super) fn note(&mut self, what: &'static str) {
        *self.noted.entry(what).or_default() += 1;
    }

    /// The first reason, for the error of a file of which nothing is left.
    pub(super) fn why(&self) -> String {
        let reasons = self
            .dropped
            .iter()
            .map(|(reason, n)| format!("{n} {reason}"));
        let reasons: Vec<String> = reasons.collect();
        if reasons.is_empty() {
            "it has none".to_owned()
        } else {
            reasons.join(", ")
        }
    }

    pub(super) fn add_to(&self, sink: &mut Sink) {
        for (reason, n) in &self.dropped {
            sink.count_dropped(reason, *n);
        }
        for (what, n) in &self.noted {
            sink.note(what, *n);
        }
    }
}
