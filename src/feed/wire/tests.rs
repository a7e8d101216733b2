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
