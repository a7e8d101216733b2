//! What the importers of option chains share: a snapshot of a chain and the one writer of it.
//! Numbers stay the decimal text of their source.

pub(super) mod instant;
pub(super) mod json;
pub(super) mod number;
pub(super) mod occ;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::Read;
use std::path::Path;

use chrono::NaiveDate;
use quant::market::Symbol;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{ImportError, Sink};
use crate::recording::Op;
use crate::unpack;
pub(super) use number::Number;
pub(super) use occ::{Occ, Right};

/// A wider quote of the underlying, as a share of its middle, is one of a closed market.
const WIDEST_SPREAD: f64 = 0.01;

/// An option contract with what its source says of it.
#[derive(Clone, Debug)]
pub(super) struct Contract {
    pub(super) occ_symbol: Option<String>,
    /// The id of a source that has no OCC symbols.
    pub(super) id: Option<String>,
    pub(super) root: Option<String>,
    pub(super) right: Right,
    pub(super) strike: Number,
    pub(super) expiration: NaiveDate,
    words: Vec<(&'static str, &'static str)>,
    numbers: Vec<(&'static str, Number)>,
}

impl Contract {
    /// A contract of a source without OCC symbols.
    pub(super) fn new(right: Right, strike: Number, expiration: NaiveDate) -> Self {
        Self {
            occ_symbol: None,
            id: None,
            root: None,
            right,
            strike,
            expiration,
            words: Vec::new(),
            numbers: Vec::new(),
        }
    }

    /// The contract of an OCC symbol.
    pub(super) fn of(occ: &Occ, strike: Number) -> Self {
        let mut contract = Self::new(occ.right, strike, occ.expiration);
        contract.occ_symbol = Some(occ.to_string());
        contract.root = Some(occ.root.clone());
        contract
    }

    /// Keeps a number under the name it has in the chain, where there is one.
    pub(super) fn put(&mut self, name: &'static str, value: Option<Number>) {
        if let Some(value) = value {
            self.numbers.push((name, value));
        }
    }

    /// Keeps a number in place of the one there was.
    pub(super) fn replace(&mut self, name: &'static str, value: Number) {
        self.numbers.retain(|(other, _)| *other != name);
        self.put(name, Some(value));
    }

    pub(super) fn put_word(&mut self, name: &'static str, word: Option<&'static str>) {
        if let Some(word) = word {
            self.words.push((name, word));
        }
    }

    /// The volatility, a fraction; zero and less mean none.
    pub(super) fn put_iv(&mut self, fraction: Option<Number>) {
        let real = fraction.filter(|iv| iv.value() > 0.0);
        // A plain number above 3 is read as percent: from there on the text says so itself.
        self.put(
            "iv",
            real.map(|iv| {
                if iv.value() > 3.0 {
                    iv.as_percent()
                } else {
                    iv
                }
            }),
        );
    }

    /// The volatility, in percent; zero and less mean none.
    pub(super) fn put_iv_percent(&mut self, percent: Option<Number>) {
        self.put_iv(percent.and_then(|iv| iv.hundredth()));
    }
}

impl Serialize for Contract {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let texts = [
            ("occ_symbol", &self.occ_symbol),
            ("contract_id", &self.id),
            ("root", &self.root),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                map.serialize_entry(name, text)?;
            }
        }
        map.serialize_entry("type", self.right.name())?;
        map.serialize_entry("strike", &self.strike)?;
        map.serialize_entry("expiration", &self.expiration)?;
        for (name, value) in &self.numbers {
            map.serialize_entry(name, value)?;
        }
        for (name, word) in &self.words {
            map.serialize_entry(name, word)?;
        }
        map.end()
    }
}

/// A chain at one moment, with the underlying.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    pub(super) symbol: Symbol,
    pub(super) source: &'static str,
    pub(super) as_of_ms: i64,
    pub(super) spot: Option<Number>,
    pub(super) underlying: Underlying,
    /// The source calls its quotes delayed.
    pub(super) delayed: bool,
    /// By how much they are, where that is known.
    pub(super) delay_ms: u64,
    pub(super) contracts: Vec<Contract>,
}

/// The quote of the underlying.
#[derive(Clone, Debug, Default)]
pub(super) struct Underlying {
    pub(super) bid: Option<Number>,
    pub(super) ask: Option<Number>,
    pub(super) bid_size: Option<Number>,
    pub(super) ask_size: Option<Number>,
    pub(super) volume: Option<Number>,
}

impl Underlying {
    /// Whether bid and ask are those of an open market: there, not crossed, and near each other.
    pub(super) fn is_plausible(&self) -> bool {
        let (Some(bid), Some(ask)) = (&self.bid, &self.ask) else {
            return false;
        };
        let (bid, ask) = (bid.value(), ask.value());
        bid > 0.0 && bid <= ask && ask - bid <= WIDEST_SPREAD * 0.5 * (bid + ask)
    }

    pub(super) fn mid(&self) -> Option<Number> {
        let (bid, ask) = (self.bid.as_ref()?, self.ask.as_ref()?);
        let mid = 0.5 * (bid.value() + ask.value());
        self.is_plausible()
            .then(|| Number::parse(&mid.to_string()))?
    }
}

impl Serialize for Snapshot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("symbol", self.symbol.as_str())?;
        map.serialize_entry("source", self.source)?;
        map.serialize_entry("as_of", &self.as_of_ms)?;
        if let Some(spot) = &self.spot {
            map.serialize_entry("spot", spot)?;
        }
        if self.delayed || self.delay_ms > 0 {
            map.serialize_entry("delayed", &true)?;
        }
        if self.delay_ms > 0 {
            map.serialize_entry("delay_ms", &self.delay_ms)?;
        }
        map.serialize_entry("contracts", &self.contracts)?;
        map.end()
    }
}

impl Snapshot {
    /// Writes the ticker and the chain.
    pub(super) fn record(&self, sink: &mut Sink) -> Result<(), ImportError> {
        let symbol = self.symbol.as_str();
        ticker(
            sink,
            symbol,
            // As old as the quotes it stands among.
            self.as_of_ms.saturating_sub_unsigned(self.delay_ms),
            self.spot.as_ref(),
            &self.underlying,
        )?;
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
pub(super) fn ticker(
    sink: &mut Sink,
    symbol: &str,
    at_ms: i64,
    last: Option<&Number>,
    quote: &Underlying,
) -> Result<(), ImportError> {
    let plausible = quote.is_plausible();
    if !plausible && quote.bid.is_some() {
        sink.note("underlying_quote_left_out", 1);
    }
    if last.is_none() && !plausible {
        return Ok(());
    }
    let mut json = String::from("{");
    let mut put = |name: &str, value: Option<&Number>| {
        if let Some(value) = value {
            // Writing to a string cannot fail.
            let _ = write!(json, "\"{name}\":{},", value.text());
        }
    };
    if plausible {
        put("bid", quote.bid.as_ref());
        put("ask", quote.ask.as_ref());
        put("bid_size", quote.bid_size.as_ref());
        put("ask_size", quote.ask_size.as_ref());
    }
    put("last", last);
    put("volume", quote.volume.as_ref());
    let t_ns = nanos(at_ms);
    let _ = write!(json, "\"timestamp\":{t_ns}}}");
    sink.push(
        t_ns,
        Op::Set,
        &format!("market:{symbol}:ticker"),
        json.as_bytes(),
    )
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
