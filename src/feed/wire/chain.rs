//! An option chain as it is written: whole at its key, by expiry and by contract on channels.
//! Greeks are in the units of our own: theta per year, vega and rho per 1.00.

use chrono::{Datelike, NaiveDate};
use quant::market::{Right, Settlement, Style, Timestamp};
use quant::synthetic::world::{Chain, Contract};
use serde::{Serialize, Serializer};

/// Above it a number is read as percent.
const HIGHEST_DECIMAL_IV: f64 = 3.0;
/// Above it no volatility is believed.
const HIGHEST_IV: f64 = 10.0;
/// Above it a gamma is read as that of a hundred shares.
const HIGHEST_GAMMA: f64 = 5.0;

#[derive(Serialize)]
struct ChainBytes<'a> {
    symbol: &'a str,
    source: &'a str,
    as_of: i64,
    spot: f64,
    contracts: Vec<ContractBytes<'a>>,
}

#[derive(Serialize)]
struct ContractBytes<'a> {
    contract_id: String,
    root: &'a str,
    r#type: &'static str,
    strike: f64,
    #[serde(serialize_with = "date")]
    expiration: NaiveDate,
    style: &'static str,
    settlement: &'static str,
    #[serde(serialize_with = "quant_integer")]
    multiplier: f64,
    bid: f64,
    ask: f64,
    bid_size: u32,
    ask_size: u32,
    last: Option<f64>,
    mark: f64,
    #[serde(serialize_with = "iv")]
    iv: f64,
    delta: f64,
    #[serde(serialize_with = "gamma")]
    gamma: f64,
    theta: f64,
    vega: f64,
    rho: f64,
    open_interest: u32,
    oi_change: i32,
    volume: u32,
}

/// One expiry of a product: `calls` and `puts` hold quotes.
#[derive(Serialize)]
struct ExpiryBytes<'a> {
    product: &'a str,
    #[serde(serialize_with = "date")]
    expiry: NaiveDate,
    spot_price: f64,
    strikes: Vec<f64>,
    calls: Vec<QuoteBytes<'a>>,
    puts: Vec<QuoteBytes<'a>>,
    timestamp: i64,
}

#[derive(Serialize)]
struct QuoteBytes<'a> {
    symbol: String,
    product: &'a str,
    root: &'a str,
    strike: f64,
    #[serde(serialize_with = "date")]
    expiry: NaiveDate,
    option_type: &'static str,
    style: &'static str,
    settlement: &'static str,
    #[serde(serialize_with = "quant_integer")]
    multiplier: f64,
    bid: f64,
    ask: f64,
    last: Option<f64>,
    volume: u32,
    open_interest: u32,
    oi_change: i32,
    delta: f64,
    #[serde(serialize_with = "gamma")]
    gamma: f64,
    vega: f64,
    theta: f64,
    #[serde(serialize_with = "iv")]
    iv: f64,
    timestamp: i64,
}

/// That a new chain is at its key.
#[derive(Serialize)]
struct EventBytes<'a> {
    symbol: &'a str,
    as_of: i64,
    contracts: usize,
    source: &'a str,
}

/// What stands at `options:{S}:chain`.
pub(super) fn key_bytes(chain: &Chain, source: &str) -> Vec<u8> {
    quant::json::to_vec(&ChainBytes {
        symbol: chain.symbol.as_str(),
        source,
        as_of: chain.at.millis(),
        spot: chain.spot,
        contracts: chain.contracts.iter().map(contract).collect(),
    })
}

/// What goes out on `events:options:chain`.
pub(super) fn event_bytes(chain: &Chain, source: &str) -> Vec<u8> {
    quant::json::to_vec(&EventBytes {
        symbol: chain.symbol.as_str(),
        as_of: chain.at.millis(),
        contracts: chain.contracts.len(),
        source,
    })
}

/// What goes out on `market:option_chain`: one message an expiry.
pub(super) fn expiries(chain: &Chain) -> impl Iterator<Item = Vec<u8>> {
    let by_expiry = chain.contracts.chunk_by(|a, b| a.expiry == b.expiry);
    by_expiry.map(|contracts| {
        let of = |right: Right| {
            let these = contracts.iter().filter(|one| one.right == right);
            these.map(|one| quote(chain, one)).collect()
        };
        let mut strikes: Vec<f64> = contracts.iter().map(|one| one.strike).collect();
        strikes.sort_by(f64::total_cmp);
        strikes.dedup();
        quant::json::to_vec(&ExpiryBytes {
            product: chain.symbol.as_str(),
            expiry: contracts[0].expiry,
            spot_price: chain.spot,
            strikes,
            calls: of(Right::Call),
            puts: of(Right::Put),
            timestamp: chain.at.millis(),
        })
    })
}

/// What goes out on `market:option_quote`: one message a contract.
pub(super) fn quotes(chain: &Chain) -> impl Iterator<Item = Vec<u8>> {
    let quotes = chain.contracts.iter().map(|one| quote(chain, one));
    quotes.map(|quote| quant::json::to_vec(&quote))
}

fn contract(one: &Contract) -> ContractBytes<'_> {
    ContractBytes {
        contract_id: contract_id(one),
        root: &one.root,
        r#type: right(one),
        strike: one.strike,
        expiration: one.expiry,
        style: style(one),
        settlement: settlement(one),
        multiplier: one.multiplier,
        bid: one.bid,
        ask: one.ask,
        bid_size: one.bid_size,
        ask_size: one.ask_size,
        last: one.last,
        mark: one.mark,
        iv: one.iv,
        delta: one.delta,
        gamma: one.gamma,
        theta: one.theta,
        vega: one.vega,
        rho: one.rho,
        open_interest: one.open_interest,
        oi_change: one.oi_change,
        volume: one.volume,
    }
}

fn quote<'a>(chain: &'a Chain, one: &'a Contract) -> QuoteBytes<'a> {
    let at: Timestamp = chain.at;
    QuoteBytes {
        symbol: contract_id(one),
        product: chain.symbol.as_str(),
        root: &one.root,
        strike: one.strike,
        expiry: one.expiry,
        option_type: right(one),
        style: style(one),
        settlement: settlement(one),
        multiplier: one.multiplier,
        bid: one.bid,
        ask: one.ask,
        last: one.last,
        volume: one.volume,
        open_interest: one.open_interest,
        oi_change: one.oi_change,
        delta: one.delta,
        gamma: one.gamma,
        vega: one.vega,
        theta: one.theta,
        iv: one.iv,
        timestamp: at.millis(),
    }
}

/// The name of a contract as OCC spells it; a strike that has no room there in full.
fn contract_id(one: &Contract) -> String {
    let (root, expiry) = (&one.root, one.expiry);
    let letter = match one.right {
        Right::Call => 'C',
        Right::Put => 'P',
    };
    let (year, month, day) = (expiry.year(), expiry.month(), expiry.day());
    let thousandths = (one.strike * 1e3).round();
    if thousandths < 1e8 && (2000..2100).contains(&year) {
        let year = year % 100;
        let thousandths = thousandths as u32;
        return format!("{root}{year:02}{month:02}{day:02}{letter}{thousandths:08}");
    }
    format!("{root}{year:04}{month:02}{day:02}{letter}{}", one.strike)
}

fn right(one: &Contract) -> &'static str {
    match one.right {
        Right::Call => "call",
        Right::Put => "put",
    }
}

fn style(one: &Contract) -> &'static str {
    match one.style {
        Style::American => "american",
        Style::European => "european",
    }
}

fn settlement(one: &Contract) -> &'static str {
    match one.settlement {
        Settlement::Am => "am",
        Settlement::Pm => "pm",
    }
}

fn date<S: Serializer>(date: &NaiveDate, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(date)
}

fn quant_integer<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
    quant::json::integer_if_whole(&Some(*value), to)
}

/// A volatility so that nobody takes it for percent: where it is higher than readers believe
/// of a decimal it says its unit, and where they believe none, none is told.
fn iv<S: Serializer>(iv: &f64, to: S) -> Result<S::Ok, S::Error> {
    match *iv {
        iv if iv > HIGHEST_IV => to.serialize_none(),
        iv if iv > HIGHEST_DECIMAL_IV => to.collect_str(&format_args!("{:.6}%", 100.0 * iv)),
        iv => to.serialize_f64(iv),
    }
}

/// A higher gamma is read as that of a hundred shares, or not at all.
fn gamma<S: Serializer>(gamma: &f64, to: S) -> Result<S::Ok, S::Error> {
    match *gamma > HIGHEST_GAMMA {
        true => to.serialize_none(),
        false => to.serialize_f64(*gamma),
    }
}
