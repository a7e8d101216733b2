//! A vendor's option chain: what importers read of files and providers of feeds. Numbers stay the
//! decimal text of their source, the vendor's greeks among them.

pub(crate) mod cboe;
pub(crate) mod instant;
pub(crate) mod json;
pub(crate) mod number;
pub(crate) mod occ;

use chrono::NaiveDate;
use quant::market::Symbol;
use serde::ser::{Serialize, SerializeMap, Serializer};

pub(crate) use number::Number;
pub(crate) use occ::{Occ, Right};

/// A wider quote of the underlying, as a share of its middle, is one of a closed market.
const WIDEST_SPREAD: f64 = 0.01;

/// An option contract with what its source says of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Contract {
    pub(crate) occ_symbol: Option<String>,
    /// The id of a source that has no OCC symbols.
    pub(crate) id: Option<String>,
    pub(crate) root: Option<String>,
    pub(crate) right: Right,
    pub(crate) strike: Number,
    pub(crate) expiration: NaiveDate,
    words: Vec<(&'static str, &'static str)>,
    numbers: Vec<(&'static str, Number)>,
}

impl Contract {
    /// A contract of a source without OCC symbols.
    pub(crate) fn new(right: Right, strike: Number, expiration: NaiveDate) -> Self {
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
    pub(crate) fn of(occ: &Occ, strike: Number) -> Self {
        let mut contract = Self::new(occ.right, strike, occ.expiration);
        contract.occ_symbol = Some(occ.to_string());
        contract.root = Some(occ.root.clone());
        contract
    }

    /// Keeps a number under the name it has in the chain, where there is one.
    pub(crate) fn put(&mut self, name: &'static str, value: Option<Number>) {
        if let Some(value) = value {
            self.numbers.push((name, value));
        }
    }

    /// Whether a number was put under a name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.numbers.iter().any(|(known, _)| *known == name)
    }

    /// Keeps a number in place of the one there was.
    pub(crate) fn replace(&mut self, name: &'static str, value: Number) {
        self.numbers.retain(|(other, _)| *other != name);
        self.put(name, Some(value));
    }

    pub(crate) fn put_word(&mut self, name: &'static str, word: Option<&'static str>) {
        if let Some(word) = word {
            self.words.push((name, word));
        }
    }

    /// The volatility, a fraction; zero and less mean none.
    pub(crate) fn put_iv(&mut self, fraction: Option<Number>) {
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
    pub(crate) fn put_iv_percent(&mut self, percent: Option<Number>) {
        self.put_iv(percent.and_then(|iv| iv.hundredth()));
    }

    /// Writes the numbers and words that were put, under their names.
    pub(crate) fn serialize_details<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        for (name, value) in &self.numbers {
            map.serialize_entry(name, value)?;
        }
        for (name, word) in &self.words {
            map.serialize_entry(name, word)?;
        }
        Ok(())
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
        self.serialize_details(&mut map)?;
        map.end()
    }
}

/// A chain at one moment, with the underlying.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    pub(crate) symbol: Symbol,
    pub(crate) source: &'static str,
    pub(crate) as_of_ms: i64,
    pub(crate) spot: Option<Number>,
    pub(crate) underlying: Underlying,
    /// The source calls its quotes delayed.
    pub(crate) delayed: bool,
    /// By how much they are, where that is known.
    pub(crate) delay_ms: u64,
    pub(crate) contracts: Vec<Contract>,
}

/// The quote of the underlying.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Underlying {
    pub(crate) bid: Option<Number>,
    pub(crate) ask: Option<Number>,
    pub(crate) bid_size: Option<Number>,
    pub(crate) ask_size: Option<Number>,
    pub(crate) volume: Option<Number>,
}

impl Underlying {
    /// Whether bid and ask are those of an open market: there, not crossed, and near each other.
    pub(crate) fn is_plausible(&self) -> bool {
        let (Some(bid), Some(ask)) = (&self.bid, &self.ask) else {
            return false;
        };
        let (bid, ask) = (bid.value(), ask.value());
        bid > 0.0 && bid <= ask && ask - bid <= WIDEST_SPREAD * 0.5 * (bid + ask)
    }

    pub(crate) fn mid(&self) -> Option<Number> {
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
        self.delay().serialize(&mut map)?;
        map.serialize_entry("contracts", &self.contracts)?;
        map.end()
    }
}

impl Snapshot {
    /// When its quotes were so: its own time less the delay, epoch milliseconds.
    pub(crate) fn quoted_ms(&self) -> i64 {
        self.as_of_ms.saturating_sub_unsigned(self.delay_ms)
    }

    /// How late it is by its source's declaration.
    pub(crate) fn delay(&self) -> Delay {
        Delay {
            is_declared: self.delayed || self.delay_ms > 0,
            ms: self.delay_ms,
        }
    }

    /// The ticker of its underlying, as old as the quotes it stands among.
    pub(crate) fn ticker(&self) -> Ticker {
        let (spot, quote) = (self.spot.clone(), self.underlying.clone());
        Ticker::new(self.symbol.clone(), self.quoted_ms(), spot, quote)
    }
}

/// How late something is by its source's declaration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delay {
    is_declared: bool,
    /// Zero where that is not known.
    ms: u64,
}

impl Delay {
    /// Writes that it is delayed and by how much, where it is.
    pub(crate) fn serialize<M: SerializeMap>(self, map: &mut M) -> Result<(), M::Error> {
        if self.is_declared {
            map.serialize_entry("delayed", &true)?;
        }
        if self.ms > 0 {
            map.serialize_entry("delay_ms", &self.ms)?;
        }
        Ok(())
    }
}

/// A price of an underlying.
#[derive(Clone, Debug, PartialEq)]
pub struct Ticker {
    pub(crate) symbol: Symbol,
    /// When it was so, whatever the delay.
    pub(crate) at_ms: i64,
    pub(crate) last: Option<Number>,
    pub(crate) quote: Underlying,
    /// What has been of the session: `open`, `high`, `low`, `close`, `change`.
    pub(crate) session: Vec<(&'static str, Number)>,
    pub(crate) delay: Delay,
}

impl Ticker {
    /// A ticker of which nothing else is known.
    pub(crate) fn new(symbol: Symbol, at_ms: i64, last: Option<Number>, quote: Underlying) -> Self {
        Self {
            symbol,
            at_ms,
            last,
            quote,
            session: Vec::new(),
            delay: Delay::default(),
        }
    }

    /// What stands at its key; `None` where there is no price. A quote that is not plausible is
    /// left out.
    pub(crate) fn json(&self) -> Option<Vec<u8>> {
        (self.last.is_some() || self.quote.is_plausible()).then(|| quant::json::to_vec(self))
    }
}

impl Serialize for Ticker {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let quote = &self.quote;
        let mut map = serializer.serialize_map(None)?;
        let touch = [
            ("bid", &quote.bid),
            ("ask", &quote.ask),
            ("bid_size", &quote.bid_size),
            ("ask_size", &quote.ask_size),
        ];
        let touch = touch.into_iter().filter(|_| quote.is_plausible());
        for (name, value) in touch.chain([("last", &self.last), ("volume", &quote.volume)]) {
            if let Some(value) = value {
                map.serialize_entry(name, value)?;
            }
        }
        map.serialize_entry("timestamp", &self.at_ms.saturating_mul(1_000_000))?;
        self.delay.serialize(&mut map)?;
        map.end()
    }
}
