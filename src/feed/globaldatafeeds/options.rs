//! The options of a product as they were last told, quotes and greeks together, and the chain made
//! of them.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use quant::market::{Price, Symbol, Timestamp};

use super::NAME;
use super::identifier::Identifier;
use super::rows::{Counts, Row, is_ahead};
use crate::vendor_chain::{Contract, Number, Right, Snapshot, Underlying};

/// What greeks can be. The vendor writes exponents whose sign is lost: what lies outside is none.
const IV: f64 = 10.0;
const DELTA: f64 = 1.0;
const GAMMA: f64 = 5.0;
const OTHERS: f64 = 1e6;
/// Share of open interests that are whole lots, from which on they are taken for units.
const WHOLE_LOTS: f64 = 0.95;
/// A contract of which nothing came for so long while others did is left out: five minutes.
const FORGOTTEN_NS: i64 = 300_000_000_000;
/// Fewer tell nothing.
const FEWEST: usize = 4;
/// So many tell at once; fewer are waited for.
const ENOUGH: usize = 20;
/// How long they are waited for: ten seconds.
const WAIT_NS: i64 = 10_000_000_000;

/// Which contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    pub(super) expiry: NaiveDate,
    strike: i64,
    is_put: bool,
}

impl Key {
    /// The option of an identifier.
    pub(super) fn of(id: &Identifier<'_>) -> Option<Self> {
        Some(Self {
            expiry: id.expiry,
            strike: Price::from_f64(id.strike.value())?.units(),
            is_put: id.right? == Right::Put,
        })
    }

    fn right(self) -> Right {
        if self.is_put { Right::Put } else { Right::Call }
    }
}

/// What the vendor counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantities {
    /// Units of the underlying: a lot of 75 is 75.
    Units,
    /// Contracts.
    Contracts,
    /// What the numbers look like.
    Auto,
}

impl Quantities {
    pub(super) fn named(name: &str) -> Self {
        match name {
            "units" => Self::Units,
            "contracts" => Self::Contracts,
            _ => Self::Auto,
        }
    }
}

/// The number of a row, by the name it has in the chain.
const QUOTE: [(&str, &str); 4] = [
    ("BuyPrice", "bid"),
    ("SellPrice", "ask"),
    ("LastTradePrice", "last"),
    ("QuotationLot", "multiplier"),
];
const COUNTED: [(&str, &str); 5] = [
    ("BuyQty", "bid_size"),
    ("SellQty", "ask_size"),
    ("TotalQtyTraded", "volume"),
    ("OpenInterest", "open_interest"),
    ("OpenInterestChange", "oi_change"),
];
const GREEKS: [(&str, &str); 4] = [
    ("Delta", "delta"),
    ("Gamma", "gamma"),
    ("Theta", "theta"),
    ("Vega", "vega"),
];

#[derive(Clone, Debug, Default)]
struct Told {
    id: String,
    /// Numbers by their names in the chain.
    numbers: BTreeMap<&'static str, f64>,
    quoted: Option<Timestamp>,
    received: Timestamp,
}

/// The options of a product.
#[derive(Clone, Debug, Default)]
pub(super) struct Options {
    contracts: BTreeMap<Key, Told>,
    /// Whether something came since the chain was made.
    pub(super) changed: bool,
    /// When the first row came.
    first: Option<Timestamp>,
    /// Whether the vendor counts in units, once that was told: a chain is not to be in lots in one minute and
    /// in units in the next.
    in_units: Option<bool>,
}

impl Options {
    /// Takes what a row says of a contract; where it is older than what is known, nothing.
    pub(super) fn take(
        &mut self,
        key: Key,
        id: &str,
        row: Row<'_>,
        received: Timestamp,
        counts: &mut Counts,
    ) {
        let quoted = row
            .time("ServerTime", counts)
            .or_else(|| row.time("LastTradeTime", counts));
        if quoted.is_some_and(|at| is_ahead(at, received)) {
            counts.count("future_time");
            return;
        }
        let told = self.contracts.entry(key).or_default();
        if told.id.is_empty() {
            id.clone_into(&mut told.id);
        }
        if quoted.is_some() && quoted < told.quoted {
            counts.count("late");
            return;
        }
        told.quoted = quoted.max(told.quoted);
        told.received = received;
        self.first.get_or_insert(received);
        let mut put = |name: &'static str, number: Option<f64>| {
            if let Some(number) = number {
                told.numbers.insert(name, number);
            }
        };
        for (theirs, ours) in QUOTE {
            put(ours, row.within(theirs, 0.0..=1e7, counts));
        }
        for (theirs, ours) in COUNTED {
            let least = if ours == "oi_change" { -1e15 } else { 0.0 };
            put(ours, row.within(theirs, least..=1e15, counts));
        }
        for (theirs, ours) in GREEKS {
            let range = match ours {
                "delta" => -DELTA..=DELTA,
                "gamma" => 0.0..=GAMMA,
                _ => -OTHERS..=OTHERS,
            };
            put(ours, row.within(theirs, range, counts));
        }
        put("iv", row.within("IV", 0.0..=IV, counts));
        self.changed = true;
    }

    /// The lot of a contract, where its rows do not tell.
    pub(super) fn lot(&mut self, key: Key, lot: f64) {
        if let Some(told) = self.contracts.get_mut(&key) {
            told.numbers.entry("multiplier").or_insert(lot);
        }
    }

    /// Forgets what expired before a day.
    pub(super) fn forget_before(&mut self, today: NaiveDate) {
        self.contracts.retain(|key, _| key.expiry >= today);
    }

    /// The chain; `None` before anything came, and while it is not known what the vendor counts in.
    pub(super) fn chain(
        &mut self,
        symbol: &Symbol,
        spot: Option<f64>,
        delayed: bool,
        quantities: Quantities,
        received: Timestamp,
    ) -> Option<Snapshot> {
        self.changed = false;
        // What is no longer told, as the price has moved away from it, is not the market's.
        let newest = self.contracts.values().map(|told| told.received).max()?;
        let contracts = &mut self.contracts;
        contracts.retain(|_, told| newest.since(told.received).nanos() <= FORGOTTEN_NS);
        let in_units = match quantities {
            Quantities::Units => true,
            Quantities::Contracts => false,
            Quantities::Auto => self.counts_units(received)?,
        };
        let newest = self.contracts.values().filter_map(|told| told.quoted).max();
        let contracts = self.contracts.iter();
        let contracts = contracts
            .filter_map(|(key, told)| contract(*key, told, in_units))
            .collect();
        Some(Snapshot {
            symbol: symbol.clone(),
            source: NAME,
            as_of_ms: newest.unwrap_or(received).millis(),
            spot: spot.and_then(number),
            underlying: Underlying::default(),
            delayed,
            delay_ms: 0,
            contracts,
        })
    }

    /// Whether nearly every open interest is a whole number of lots; `None` while more may come that tell it.
    fn counts_units(&mut self, now: Timestamp) -> Option<bool> {
        if self.in_units.is_some() {
            return self.in_units;
        }
        let interests = self.contracts.values().filter_map(|told| {
            let lot = told.lot().filter(|lot| *lot > 1.0)?;
            let interest = told.numbers.get("open_interest").filter(|oi| **oi > 0.0)?;
            Some(interest % lot == 0.0)
        });
        let interests: Vec<bool> = interests.collect();
        let waited = self.first.map_or(0, |first| now.since(first).nanos());
        if interests.len() < ENOUGH && waited < WAIT_NS {
            return None;
        }
        if interests.len() < FEWEST {
            return Some(false);
        }
        let whole = interests.iter().filter(|whole| **whole).count();
        self.in_units = Some(whole as f64 >= WHOLE_LOTS * interests.len() as f64);
        self.in_units
    }
}

impl Told {
    fn lot(&self) -> Option<f64> {
        self.numbers
            .get("multiplier")
            .copied()
            .filter(|lot| *lot >= 1.0)
    }
}

fn contract(key: Key, told: &Told, in_units: bool) -> Option<Contract> {
    let strike = number(Price::from_units(key.strike).to_f64())?;
    let mut contract = Contract::new(key.right(), strike, key.expiry);
    contract.id = Some(told.id.clone());
    let lot = told.lot().filter(|_| in_units).unwrap_or(1.0);
    let get = |name| told.numbers.get(name).copied();
    for name in ["bid", "ask"] {
        contract.put(name, get(name).and_then(number));
    }
    // Zero is the price of an option that has not traded.
    contract.put(
        "last",
        get("last").filter(|last| *last > 0.0).and_then(number),
    );
    for (_, name) in COUNTED {
        contract.put(name, get(name).and_then(|count| number(count / lot)));
    }
    contract.put("multiplier", told.lot().and_then(number));
    for (_, name) in GREEKS {
        contract.put(name, get(name).and_then(number));
    }
    contract.put_iv(get("iv").and_then(number));
    let quoted = told.quoted.map(|at| Number::integer(at.millis()));
    contract.put("quote_ts", quoted);
    Some(contract)
}

fn number(value: f64) -> Option<Number> {
    Number::parse(&value.to_string())
}

#[cfg(test)]
mod tests;
