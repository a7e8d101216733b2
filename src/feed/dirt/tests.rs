//! Dirt: what of, how much, the same by the same seed, and every kind of it.

use serde_json::Value;

use super::*;

const TRADE: &str = r#"{"id":7,"price":101.5,"size":200.0,"timestamp":1795200000000000000,"bid":101.49,"ask":101.51,"venue":"XNYS"}"#;
const TICKER: &str = r#"{"bid":101.49,"ask":101.51,"last":101.5,"timestamp":1795200000000000000}"#;
const BOOK: &str = r#"{"bids":[[101.49,100.0]],"asks":[[101.51,200.0]],"timestamp":1}"#;
const CHAIN: &str = r#"{"symbol":"A","as_of":1795200000000,"contracts":[{"contract_id":"A261120C00100000","strike":100.0,"expiration":"2026-11-20","bid":1.5,"ask":1.6,"iv":0.25,"open_interest":12},{"contract_id":"A261120P00100000","strike":100.0,"expiration":"2026-11-20","bid":0.0,"ask":0.1,"iv":0.26,"open_interest":9}]}"#;

fn record(op: Op, key: &str, value: &str) -> Record {
    Record {
        t_ns: 0,
        op,
        key: key.into(),
        value: Bytes::copy_from_slice(value.as_bytes()),
    }
}

fn all() -> [Record; 4] {
    [
        record(Op::Rpush, "market:A:trades", TRADE),
        record(Op::Set, "market:A:ticker", TICKER),
        record(Op::Set, "market:A:book", BOOK),
        record(Op::Set, "options:A:chain", CHAIN),
    ]
}

fn passed(probability: f64, seed: u64, rounds: usize) -> (Vec<Record>, Dirt) {
    let mut dirt = Dirt::new(probability, seed);
    let mut out = Vec::new();
    for _ in 0..rounds {
        for record in all() {
            dirt.pass(record, &mut |record| out.push(record));
        }
    }
    (out, dirt)
}

fn spoilt_text(value: &str, kind: Kind) -> String {
    let mut draw = Draw { seed: 1, drawn: 0 };
    String::from_utf8(spoilt(value.as_bytes(), kind, &mut draw).unwrap()).unwrap()
}

#[test]
fn every_kind_is_made_and_counted() {
    let (_, dirt) = passed(0.5, 1, 2_000);
    let made: Vec<&str> = dirt.counts().map(|(kind, _)| kind).collect();
    assert_eq!(made.len(), 22, "{made:?}");
    assert!(dirt.counts().all(|(_, n)| n > 50), "{:?}", dirt.done);
}

#[test]
fn as_much_is_spoilt_as_was_asked_for() {
    let (out, dirt) = passed(0.01, 3, 10_000);
    let spoilt: u64 = dirt.counts().map(|(_, n)| n).sum();
    // Four records and two contracts a round; three standard deviations about 1 %.
    assert!((530..=670).contains(&spoilt), "{spoilt}");
    let clean: Vec<Bytes> = all().into_iter().map(|record| record.value).collect();
    let other = out.iter().filter(|record| !clean.contains(&record.value));
    assert!(other.count() as u64 <= spoilt);
}

#[test]
fn none_is_none_and_the_same_seed_spoils_the_same() {
    assert_eq!(passed(0.0, 1, 10).0, vec![all(); 10].concat());
    assert_eq!(passed(0.3, 5, 200).0, passed(0.3, 5, 200).0);
    assert_ne!(passed(0.3, 5, 200).0, passed(0.3, 6, 200).0);
}

#[test]
fn one_key_does_not_change_what_becomes_of_another() {
    let trades = |with_others: bool| {
        let (mut dirt, mut out) = (Dirt::new(0.3, 9), Vec::new());
        for _ in 0..200 {
            let wanted = all().into_iter().take(if with_others { 4 } else { 1 });
            for record in wanted {
                dirt.pass(record, &mut |record| out.push(record));
            }
        }
        out.retain(|record| record.key.ends_with(":trades"));
        out
    };
    assert_eq!(trades(true), trades(false));
}

#[test]
fn quotes_are_crossed_and_books_turned_over() {
    let ticker: Value = serde_json::from_str(&spoilt_text(TICKER, Kind::Crossed)).unwrap();
    assert_eq!(
        (&ticker["bid"], &ticker["ask"]),
        (&101.51.into(), &101.49.into())
    );
    let book: Value = serde_json::from_str(&spoilt_text(BOOK, Kind::Crossed)).unwrap();
    assert_eq!(book["bids"][0][0], 101.51);
}

#[test]
fn times_move_and_the_rest_stays() {
    for (kind, by_seconds) in [
        (Kind::FromTheFuture, 3_600..=3_600),
        (Kind::OutOfOrder, -600..=-60),
    ] {
        let trade: Value = serde_json::from_str(&spoilt_text(TRADE, kind)).unwrap();
        let moved = trade["timestamp"].as_i64().unwrap() / 1_000_000_000 - 1_795_200_000;
        assert!(by_seconds.contains(&moved), "{kind:?}: {moved}");
        assert_eq!(trade["price"], 101.5);
    }
}

#[test]
fn a_chain_keeps_its_form_where_only_a_contract_is_spoilt() {
    for kind in OF_CONTRACT {
        let begin = CHAIN.find("{\"contract_id").unwrap();
        let end = CHAIN[begin..].find('}').unwrap() + begin + 1;
        let contract = spoilt_text(&CHAIN[begin..end], kind);
        let chain = [&CHAIN[..begin], &contract, &CHAIN[end..]].concat();
        let chain: Value =
            serde_json::from_str(&chain).unwrap_or_else(|e| panic!("{kind:?} {e}: {contract}"));
        let count = chain["contracts"].as_array().unwrap().len();
        assert_eq!(count, if kind == Kind::RepeatedStrike { 3 } else { 2 });
    }
    let none: Value = serde_json::from_str(&spoilt_text(CHAIN, Kind::NoContracts)).unwrap();
    assert_eq!(none["contracts"], Value::Array(vec![]));
}

proptest::proptest! {
    #[test]
    fn no_value_makes_it_panic(value in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80), seed: u64) {
        let mut dirt = Dirt::new(1.0, seed);
        let key = Arc::from("market:A:trades");
        for op in [Op::Set, Op::Rpush, Op::Publish] {
            let value = Bytes::from(value.clone());
            dirt.pass(Record { t_ns: 0, op, key: Arc::clone(&key), value }, &mut |_| {});
        }
    }
}
