//! What is written is read back as it was.

use std::sync::Arc;

use chrono::NaiveDate;
use quant::market::{Calendars, ChainBuilder, Span};
use serde_json::Value;

use super::*;
use crate::config::{Feed, Market as Exchanges};
use crate::feed::synthetic::Market;
use crate::store::codec::{BadInput, Rules};

const START: Timestamp = Timestamp::from_seconds(1_795_200_000);

fn calendars() -> Calendars {
    Calendars::from_toml(include_str!("../../../config/sessions.toml")).unwrap()
}

/// A minute and a half of a market that is always open, and the records of each message.
fn written(option_quotes: bool) -> Vec<(Message, Vec<Record>)> {
    let feed = Feed {
        always_open: true,
        symbols: ["SPX", "NIFTY"]
            .map(|name| Symbol::new(name).unwrap())
            .into(),
        ..Feed::default()
    };
    let calendars = Arc::new(calendars());
    let mut market = Market::new(&feed, &Exchanges::default(), calendars, START).unwrap();
    let mut messages = Vec::new();
    let mut say = |message| messages.push(message);
    market.advance(START.plus(Span::from_seconds(90.0)), &mut say);
    market.turn(&mut say);
    let mut wire = Wire::new("synthetic", option_quotes);
    let with_records = |message: Message| {
        let mut records = Vec::new();
        wire.write(&message, &mut |record| records.push(record));
        (message, records)
    };
    messages.into_iter().map(with_records).collect()
}

fn json(record: &Record) -> Value {
    serde_json::from_slice(&record.value).unwrap()
}

#[test]
fn the_codec_reads_what_is_written() {
    let calendars = calendars();
    let (rules, mut bad) = (Rules::default(), BadInput::default());
    let mut seen = [0; 5];
    for (message, records) in written(false) {
        let mut decoder = rules.decoder(message.at, &mut bad);
        match message.what {
            What::Ticker { quote, .. } => {
                seen[0] += 1;
                assert_eq!(decoder.ticker(&records[0].value), Some(quote));
            }
            What::Book { book, .. } => {
                seen[1] += 1;
                assert_eq!(decoder.book(&records[0].value), Some(book));
            }
            What::Trade { trade, .. } => {
                seen[2] += 1;
                assert!(trade.touch.is_some(), "the quote before it is on it");
                let read = decoder.trade(&records[0].value).unwrap();
                assert_eq!(read.trade, trade);
                assert!(read.id.is_some());
            }
            What::Bar { minute, .. } => {
                seen[3] += 1;
                let list = [b"[", &records[0].value[..], b"]"].concat();
                assert_eq!(decoder.bars(&list), Some(vec![minute.bar]));
            }
            What::Chain(chain) => {
                seen[4] += 1;
                let builder = ChainBuilder::new(&calendars, chain.symbol.as_str(), "XNYS");
                let read = decoder.chain(&records[0].value, builder).unwrap();
                assert_eq!(
                    read.contracts.strike.len(),
                    chain.contracts.len(),
                    "{}",
                    chain.symbol
                );
            }
            _ => {}
        }
    }
    assert!(seen.iter().all(|n| *n >= 2), "{seen:?}");
    assert!(bad.is_empty(), "{bad:?}");
}

#[test]
fn high_volatilities_and_gammas_are_read_as_they_were_meant() {
    let mut written = written(false);
    let message = written.iter_mut().find_map(|(message, _)| {
        let is_spx = matches!(&message.what, What::Chain(chain) if chain.symbol.as_str() == "SPX");
        is_spx.then_some(message)
    });
    let message = message.unwrap();
    let What::Chain(chain) = &mut message.what else {
        unreachable!()
    };
    (chain.contracts[0].iv, chain.contracts[1].iv) = (4.7012, 12.0);
    chain.contracts[0].gamma = 7.0;
    let at = message.at;
    let mut records = Vec::new();
    Wire::new("synthetic", true).write(message, &mut |record| records.push(record));
    let value = json(&records[0]);
    let listed = &value["contracts"];
    assert_eq!(listed[0]["iv"], "470.120000%");
    assert!(listed[0]["gamma"].is_null() && listed[1]["iv"].is_null());
    let of_contract = |record: &&Record| record.key.as_ref() == "market:option_quote";
    let quote = json(records.iter().find(of_contract).unwrap());
    assert!(quote["iv"] == "470.120000%" && quote["gamma"].is_null());
    let (calendars, rules, mut bad) = (calendars(), Rules::default(), BadInput::default());
    let mut decoder = rules.decoder(at, &mut bad);
    let builder = ChainBuilder::new(&calendars, "SPX", "XNYS");
    let read = decoder.chain(&records[0].value, builder).unwrap();
    let ivs = &read.contracts.iv;
    let is_meant = |iv: f64| (iv - 4.7012).abs() < 1e-9;
    assert!(ivs.iter().flatten().any(is_meant));
    assert!(bad.is_empty(), "{bad:?}");
}

#[test]
fn channels_carry_what_readers_of_them_expect() {
    let mut seen = Vec::new();
    for (message, records) in written(true) {
        for record in records.iter().filter(|record| record.op == Op::Publish) {
            let (value, key) = (json(record), record.key.as_ref());
            let fields: &[&str] = match key {
                "market:underlying" => &["type", "product", "price", "timestamp", "tick_id"],
                "market:option_quote" => &[
                    "symbol",
                    "product",
                    "strike",
                    "expiry",
                    "option_type",
                    "bid",
                    "ask",
                    "last",
                    "volume",
                    "open_interest",
                    "delta",
                    "gamma",
                    "vega",
                    "theta",
                    "iv",
                    "timestamp",
                ],
                "market:option_chain" => &[
                    "product",
                    "expiry",
                    "spot_price",
                    "strikes",
                    "calls",
                    "puts",
                    "timestamp",
                ],
                "events:options:chain" => &["symbol", "as_of", "contracts", "source"],
                other => panic!("{other}"),
            };
            for field in fields {
                assert!(value.get(field).is_some(), "{key} {field}: {value}");
            }
            seen.push(key.to_owned());
        }
        if let What::Chain(chain) = &message.what {
            let of = |channel: &str| {
                let these = records.iter().filter(|r| r.key.as_ref() == channel);
                these.count()
            };
            let mut expiries: Vec<NaiveDate> = chain.contracts.iter().map(|c| c.expiry).collect();
            expiries.dedup();
            assert_eq!(of("market:option_chain"), expiries.len());
            assert_eq!(of("market:option_quote"), chain.contracts.len());
            assert_eq!(of("events:options:chain"), 1);
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 4, "{seen:?}");
}

#[test]
fn a_chain_says_what_its_contracts_are() {
    let written = written(false);
    let chain = written
        .iter()
        .find_map(|(message, records)| match &message.what {
            What::Chain(chain) if chain.symbol.as_str() == "SPX" => {
                Some((chain, json(&records[0])))
            }
            _ => None,
        });
    let (chain, value) = chain.unwrap();
    assert_eq!(value["source"], "synthetic");
    let listed = value["contracts"].as_array().unwrap();
    assert_eq!(listed.len(), chain.contracts.len());
    for (listed, meant) in listed.iter().zip(&chain.contracts) {
        assert_eq!(listed["style"], "european");
        assert_eq!(listed["root"], *meant.root);
        assert_eq!(listed["multiplier"], 100);
        assert_eq!(listed["oi_change"], meant.oi_change);
        let am = meant.settlement == quant::market::Settlement::Am;
        assert_eq!(listed["settlement"], if am { "am" } else { "pm" });
        let id = listed["contract_id"].as_str().unwrap();
        assert!(id.starts_with(&*meant.root), "{id}");
    }
}

/// A chain whose contracts stand in no order, with a volatility above 300 %.
fn vendors_chain(delay_ms: u64) -> crate::vendor_chain::Snapshot {
    use crate::vendor_chain::{Contract, Number, Occ, Snapshot, Underlying};
    let ids = [
        "SPXW261218C06000000",
        "SPX261120C06000000",
        "SPXW261120C06000000",
        "SPXW261120P05900500",
    ];
    let contracts = ids.map(|id| {
        let occ = Occ::parse(id).unwrap();
        let mut contract = Contract::of(&occ, occ.strike_number().unwrap());
        contract.put("bid", Number::parse("12.50"));
        contract.put("delta", Number::parse("0.4949"));
        contract.put_iv(Number::parse("4.1223"));
        contract
    });
    Snapshot {
        symbol: Symbol::new("SPX").unwrap(),
        source: "vendor",
        as_of_ms: START.millis(),
        spot: Number::parse("6001.50"),
        underlying: Underlying::default(),
        delayed: false,
        delay_ms,
        contracts: contracts.into(),
    }
}

fn vendors_records(delay_ms: u64) -> Vec<Record> {
    let mut records = Vec::new();
    let message = Message {
        at: START,
        what: What::VendorChain(Box::new(vendors_chain(delay_ms))),
    };
    Wire::new("vendor", true).write(&message, &mut |record| records.push(record));
    records
}

#[test]
fn a_vendors_chain_goes_to_its_key_and_to_channels_in_the_vendors_digits() {
    let records = vendors_records(900_000);
    let keys: Vec<&str> = records.iter().map(|record| &*record.key).collect();
    let mut expected = vec!["options:SPX:chain"];
    expected.extend(["market:option_chain"; 2]);
    expected.push("events:options:chain");
    expected.extend(["market:option_quote"; 4]);
    assert_eq!(keys, expected);
    // The bytes an importer writes.
    let bytes = serde_json::to_vec(&vendors_chain(900_000)).unwrap();
    assert_eq!(records[0].value, bytes);
    assert_eq!(
        std::str::from_utf8(&records[1].value).unwrap(),
        "{\"product\":\"SPX\",\"source\":\"vendor\",\"expiry\":\"2026-11-20\",\"spot_price\":6001.50,\
         \"strikes\":[5900.5,6000],\"calls\":[\
         {\"symbol\":\"SPX261120C06000000\",\"product\":\"SPX\",\"root\":\"SPX\",\"strike\":6000,\
         \"expiry\":\"2026-11-20\",\"option_type\":\"call\",\"bid\":12.50,\"delta\":0.4949,\
         \"iv\":\"412.23%\",\"timestamp\":1795199100000},\
         {\"symbol\":\"SPXW261120C06000000\",\"product\":\"SPX\",\"root\":\"SPXW\",\"strike\":6000,\
         \"expiry\":\"2026-11-20\",\"option_type\":\"call\",\"bid\":12.50,\"delta\":0.4949,\
         \"iv\":\"412.23%\",\"timestamp\":1795199100000}],\"puts\":[\
         {\"symbol\":\"SPXW261120P05900500\",\"product\":\"SPX\",\"root\":\"SPXW\",\"strike\":5900.5,\
         \"expiry\":\"2026-11-20\",\"option_type\":\"put\",\"bid\":12.50,\"delta\":0.4949,\
         \"iv\":\"412.23%\",\"timestamp\":1795199100000}],\
         \"timestamp\":1795200000000,\"delayed\":true,\"delay_ms\":900000}"
    );
    assert_eq!(
        std::str::from_utf8(&records[3].value).unwrap(),
        "{\"symbol\":\"SPX\",\"as_of\":1795200000000,\"contracts\":4,\"source\":\"vendor\"}"
    );
}

#[test]
fn the_codec_reads_a_vendors_chain_whole_by_expiry_and_by_contract() {
    let calendars = calendars();
    for delay_ms in [0, 900_000] {
        let records = vendors_records(delay_ms);
        let (rules, mut bad) = (Rules::default(), BadInput::default());
        let mut decoder = rules.decoder(START, &mut bad);
        let builder = || ChainBuilder::new(&calendars, "SPX", "XNYS");
        let whole = decoder.chain(&records[0].value, builder()).unwrap();
        assert_eq!(whole.contracts.len(), 4);
        assert_eq!(whole.series.len(), 3, "AM and PM of one day are two series");
        let quoted = START.minus(Span::from_millis(delay_ms as i64));
        let expiries = [&records[1], &records[2]]
            .map(|record| decoder.chain(&record.value, builder()).unwrap());
        assert_eq!(expiries.each_ref().map(|c| c.contracts.len()), [3, 1]);
        let quotes = records[4..].iter().map(|record| &record.value[..]);
        let (quotes, unusable) = decoder.quotes(quotes, builder());
        assert_eq!((quotes.contracts.len(), unusable), (4, 0));
        for chain in expiries.iter().chain([&whole]) {
            assert_eq!(chain.at(), quoted);
            assert_eq!(chain.head.delayed, delay_ms > 0);
        }
        assert!(bad.is_empty(), "{bad:?}");
    }
}
