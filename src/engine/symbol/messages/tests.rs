//! One symbol that hears messages beside its keys, and nothing is counted twice.

use quant::calculator::Job;
use quant::calculators::PER_SYMBOL;
use quant::market::Symbol;

use super::*;
use crate::config::{Sources, load};
use crate::engine::plan::Jobs;
use crate::engine::setup::{Setup, known};
use crate::store::exchange::{Fetched, Gathered};

/// Ten in the morning in New York on a session day.
const NOW: Timestamp = Timestamp::from_seconds(1_795_186_800);

fn engine() -> SymbolEngine {
    let config = load(&known(), &Sources::default()).unwrap().config;
    let setup = Setup::new(config, PER_SYMBOL);
    let symbol = Symbol::new("SPX").unwrap();
    setup.symbol_engine(&symbol, NOW).unwrap()
}

fn tick(price: f64, volume: u32, seconds_ago: i64) -> Message {
    let at = NOW.whole_seconds() - seconds_ago;
    let text = format!(r#"{{"product":"SPX","price":{price},"volume":{volume},"timestamp":{at}}}"#);
    message(Channel::Underlying, text)
}

fn message(channel: Channel, text: String) -> Message {
    let payload = text.into();
    Message { channel, payload }
}

fn value(text: String) -> Fetched {
    Fetched::Value(text.into())
}

fn turn(engine: &mut SymbolEngine, gathered: Gathered) -> Turned {
    let today = NOW.utc().date_naive();
    // A chain is put together where a job reads it.
    engine.turn(gathered, Jobs::NONE.with(Job::GexDex), today, NOW)
}

fn hears(engine: &mut SymbolEngine, messages: Vec<Message>) -> Turned {
    let gathered = Gathered {
        messages,
        ..Gathered::default()
    };
    turn(engine, gathered)
}

fn sizes(engine: &SymbolEngine) -> Vec<f64> {
    let tape = &engine.snapshot.tape;
    let trades = tape.since(0).map(|signed| signed.trade.size.to_f64());
    trades.collect()
}

fn listed(size: u32, seconds_ago: i64) -> Bytes {
    let at = NOW.whole_seconds() - seconds_ago;
    format!(r#"{{"p":10,"s":{size},"ts":{at}}}"#).into()
}

fn with_list(elements: Vec<Bytes>, messages: Vec<Message>) -> Gathered {
    let trades = NewTrades {
        elements,
        ..NewTrades::default()
    };
    Gathered {
        trades,
        messages,
        ..Gathered::default()
    }
}

fn spot(engine: &mut SymbolEngine) -> Option<f64> {
    let quote = engine.snapshot.quote.newest_mut()?;
    quote.spot.map(Price::to_f64)
}

#[test]
fn a_message_with_a_size_is_a_print_and_one_without_moves_the_spot() {
    let mut engine = engine();
    let turned = hears(&mut engine, vec![tick(10.0, 5, 3), tick(11.0, 0, 2)]);
    assert_eq!(sizes(&engine), [5.0]);
    assert_eq!(spot(&mut engine), Some(11.0));
    assert_eq!(turned.malformed, [0; 4]);
    // One that is late moves nothing back, and is a print all the same.
    hears(&mut engine, vec![tick(9.0, 7, 4)]);
    assert_eq!(
        (sizes(&engine), spot(&mut engine)),
        (vec![5.0, 7.0], Some(11.0))
    );
}

#[test]
fn where_there_is_a_list_prints_are_counted_there_alone() {
    let mut engine = engine();
    let both = with_list(vec![listed(5, 3)], vec![tick(10.5, 5, 3)]);
    turn(&mut engine, both);
    hears(&mut engine, vec![tick(10.6, 6, 2)]);
    assert_eq!((sizes(&engine), spot(&mut engine)), (vec![5.0], Some(10.6)));
}

#[test]
fn a_list_that_appears_later_repeats_no_print() {
    let mut engine = engine();
    hears(&mut engine, vec![tick(10.5, 5, 3), tick(10.5, 6, 2)]);
    let list = vec![listed(5, 3), listed(6, 2), listed(7, 1)];
    turn(&mut engine, with_list(list, vec![tick(10.5, 7, 1)]));
    assert_eq!(sizes(&engine), [5.0, 6.0, 7.0]);
}

#[test]
fn the_newer_of_ticker_and_message_is_the_spot_and_an_old_offer_does_not_get_young() {
    let mut engine = engine();
    let ticker = |seconds_ago: i64| Gathered {
        ticker: value(format!(
            r#"{{"bid":10,"ask":10.2,"last":10.1,"timestamp":{}}}"#,
            NOW.whole_seconds() - seconds_ago
        )),
        ..Gathered::default()
    };
    turn(&mut engine, ticker(2));
    hears(&mut engine, vec![tick(10.3, 0, 1)]);
    let quote = engine.snapshot.quote.newest_mut().unwrap().clone();
    assert_eq!(quote.spot, Price::from_f64(10.3));
    assert!(quote.touch().is_some());
    // Another ticker, and older than the message.
    turn(&mut engine, ticker(3));
    assert_eq!(spot(&mut engine), Some(10.3));
    turn(&mut engine, ticker(0));
    assert_eq!(spot(&mut engine), Some(10.1));
    let ancient = engine.terms.ticker_max_age.millis() / 1000 + 2;
    turn(&mut engine, ticker(ancient));
    hears(&mut engine, vec![tick(10.4, 0, 0)]);
    let quote = engine.snapshot.quote.newest_mut().unwrap();
    assert_eq!((quote.touch(), quote.spot), (None, Price::from_f64(10.4)));
}

#[test]
fn quotes_and_expiries_go_into_the_chain_of_the_key() {
    let mut engine = engine();
    let at = NOW.whole_seconds();
    let key = format!(
        r#"{{"as_of":{},"spot":6000,"contracts":[
        {{"root":"SPXW","strike":6000,"expiry":"2026-12-02","type":"call","bid":1}},
        {{"root":"SPXW","strike":6000,"expiry":"2026-12-03","type":"put","bid":2}}]}}"#,
        at - 9
    );
    let gathered = Gathered {
        chain: value(key),
        ..Gathered::default()
    };
    turn(&mut engine, gathered);
    let quote = format!(
        r#"{{"symbol":"x","product":"SPX","strike":6000,"expiry":"2026-12-02","option_type":"CE","bid":3,"ask":4,"timestamp":{at}}}"#
    );
    let expiry = format!(
        r#"{{"product":"SPX","expiry":"2026-12-03","spot_price":6001,"strikes":[6010],"calls":[{{"strike":6010,"option_type":"CE","bid":5}}],"puts":[],"timestamp":{at}}}"#
    );
    let messages = vec![
        message(Channel::OptionQuote, quote),
        message(Channel::OptionQuote, "{".into()),
        message(Channel::OptionChain, expiry),
        message(Channel::OptionChain, "{}".into()),
        message(Channel::Underlying, "{}".into()),
    ];
    let turned = hears(&mut engine, messages);
    assert_eq!(turned.malformed, [1, 1, 1, 0]);
    let listed = engine.snapshot.chain.newest_mut().unwrap();
    let chain = &listed.chain;
    let bids: Vec<_> = chain.contracts.bid.iter().collect();
    assert_eq!(bids, [Some(3.0), Some(5.0)]);
    assert_eq!(chain.contracts.strike, [6000.0, 6010.0]);
    assert_eq!(chain.head.spot, Some(6001.0));
    assert!(chain.series.iter().all(|series| &*series.root == "SPXW"));
}
