//! A vendor's option chain on channels: by expiry and by contract. What stands at its key is the
//! chain itself, in the form importers write.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::vendor_chain::{Contract, Number, Right, Snapshot, Ticker};

/// One expiry of a product.
struct Expiry<'a> {
    chain: &'a Snapshot,
    expiry: NaiveDate,
    contracts: &'a [&'a Contract],
}

/// One contract as a message.
struct Quote<'a> {
    chain: &'a Snapshot,
    contract: &'a Contract,
}

/// That a new chain is at its key.
#[derive(Serialize)]
struct EventBytes<'a> {
    symbol: &'a str,
    as_of: i64,
    contracts: usize,
    source: &'a str,
}

/// The price that options are priced on. Without a volume, which readers take for that of a trade.
struct Underlying<'a> {
    ticker: &'a Ticker,
    price: &'a Number,
}

/// What goes out on `market:underlying`, where there is a price.
pub(super) fn underlying_bytes(ticker: &Ticker) -> Option<Vec<u8>> {
    let price = ticker.last.as_ref()?;
    Some(quant::json::to_vec(&Underlying { ticker, price }))
}

/// What goes out on `events:options:chain`.
pub(super) fn event_bytes(chain: &Snapshot) -> Vec<u8> {
    quant::json::to_vec(&EventBytes {
        symbol: chain.symbol.as_str(),
        as_of: chain.as_of_ms,
        contracts: chain.contracts.len(),
        source: chain.source,
    })
}

/// What goes out on `market:option_chain`: one message an expiry, the nearest first. Vendors list
/// contracts in any order.
pub(super) fn expiries(chain: &Snapshot) -> impl Iterator<Item = Vec<u8>> {
    let mut by_expiry: BTreeMap<NaiveDate, Vec<&Contract>> = BTreeMap::new();
    for contract in &chain.contracts {
        by_expiry
            .entry(contract.expiration)
            .or_default()
            .push(contract);
    }
    by_expiry.into_iter().map(|(expiry, contracts)| {
        quant::json::to_vec(&Expiry {
            chain,
            expiry,
            contracts: &contracts,
        })
    })
}

/// What goes out on `market:option_quote`: one message a contract.
pub(super) fn quotes(chain: &Snapshot) -> impl Iterator<Item = Vec<u8>> {
    let quotes = chain.contracts.iter();
    quotes.map(|contract| quant::json::to_vec(&Quote { chain, contract }))
}

impl Serialize for Underlying<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { ticker, price } = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", "UNDERLYING")?;
        map.serialize_entry("product", ticker.symbol.as_str())?;
        map.serialize_entry("price", price)?;
        map.serialize_entry("timestamp", &ticker.at_ms)?;
        // Grows within a symbol, and across restarts.
        map.serialize_entry("tick_id", &ticker.at_ms)?;
        for (name, value) in &ticker.session {
            map.serialize_entry(name, value)?;
        }
        ticker.delay.serialize(&mut map)?;
        map.end()
    }
}

impl Serialize for Expiry<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let chain = self.chain;
        let of = |right: Right| -> Vec<Quote<'_>> {
            let these = self.contracts.iter().filter(|one| one.right == right);
            these.map(|contract| Quote { chain, contract }).collect()
        };
        let mut strikes: Vec<&Number> = self.contracts.iter().map(|one| &one.strike).collect();
        strikes.sort_by(|a, b| a.value().total_cmp(&b.value()));
        strikes.dedup_by_key(|strike| strike.value());
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("product", chain.symbol.as_str())?;
        map.serialize_entry("source", chain.source)?;
        map.serialize_entry("expiry", &self.expiry)?;
        if let Some(spot) = &chain.spot {
            map.serialize_entry("spot_price", spot)?;
        }
        map.serialize_entry("strikes", &strikes)?;
        map.serialize_entry("calls", &of(Right::Call))?;
        map.serialize_entry("puts", &of(Right::Put))?;
        // The time of the head, from which readers take the delay.
        map.serialize_entry("timestamp", &chain.as_of_ms)?;
        chain.delay().serialize(&mut map)?;
        map.end()
    }
}

impl Serialize for Quote<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { chain, contract } = self;
        let mut map = serializer.serialize_map(None)?;
        if let Some(id) = contract.occ_symbol.as_ref().or(contract.id.as_ref()) {
            map.serialize_entry("symbol", id)?;
        }
        map.serialize_entry("product", chain.symbol.as_str())?;
        if let Some(root) = &contract.root {
            map.serialize_entry("root", root)?;
        }
        map.serialize_entry("strike", &contract.strike)?;
        map.serialize_entry("expiry", &contract.expiration)?;
        map.serialize_entry("option_type", contract.right.name())?;
        contract.serialize_details(&mut map)?;
        // As old as it is: on its own it says no delay that readers would take off.
        if !contract.has("quote_ts") {
            map.serialize_entry("timestamp", &chain.quoted_ms())?;
        }
        map.end()
    }
}
