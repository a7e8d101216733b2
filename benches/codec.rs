//! Decoding one value of each kind, beside `serde_json::Value` on the same bytes in the same run.
//! A ten-level book and a trade are what a 2 Hz engine decodes most of; a chain is what it
//! decodes longest at.

mod listing;

use analytics::store::codec::{BadInput, Decoder, Rules};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use quant::market::{Calendars, ChainBuilder, Timestamp};

const TICKER: &str = r#"{"symbol": "SPY", "bid": 588.28, "ask": 588.29, "last": 588.29, "volume": 51234567, "vwap": 587.919911, "timestamp": 1795159100500, "mid": 588.285, "spread": 0.01, "spread_bps": 0.17}"#;
const TRADE: &str = r#"{"symbol": "SPY", "price": 588.29, "size": 300, "time": 1795159100123, "venue": "ARCA", "bid": 588.28, "ask": 588.29}"#;

fn book() -> String {
    let side = |sign: f64| {
        let levels = (1..=10).map(|k| {
            let price = 588.285 + sign * 0.01 * f64::from(k);
            format!(
                r#"{{"price": {price:.2}, "size": {}, "venue": "ARCA"}}"#,
                100 * k
            )
        });
        levels.collect::<Vec<_>>().join(", ")
    };
    let (bids, asks) = (side(-1.0), side(1.0));
    format!(r#"{{"bids": [{bids}], "asks": [{asks}], "timestamp": 1795159100500}}"#)
}

fn decode_chain(bench: &mut Criterion) {
    let rules = Rules::default();
    let text = listing::chain();
    let calendars = include_str!("../config/sessions.toml");
    let calendars = Calendars::from_toml(calendars).expect("a test reads the calendars");
    let mut group = bench.benchmark_group("chain of 21,000");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.sample_size(20);
    group.bench_function("codec", |b| {
        b.iter(|| {
            let mut bad = BadInput::default();
            let received = Timestamp::from_millis(listing::AS_OF_MS);
            let builder = ChainBuilder::new(&calendars, "SPX", "XCBO");
            let chain = rules
                .decoder(received, &mut bad)
                .chain(text.as_bytes(), builder);
            let contracts = chain.map(|chain| chain.contracts.len());
            assert_eq!(contracts, Some(21_000));
        });
    });
    group.bench_function("serde_json::Value", |b| {
        b.iter(|| serde_json::from_str::<serde_json::Value>(&text).is_ok());
    });
    group.finish();
}

fn decode(bench: &mut Criterion) {
    let rules = Rules::default();
    let book = book();
    for (name, text) in [
        ("ticker", TICKER),
        ("trade", TRADE),
        ("book of 2x10", &book),
    ] {
        let mut group = bench.benchmark_group(name);
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function("codec", |b| {
            b.iter(|| {
                let mut bad = BadInput::default();
                let mut decoder = Decoder {
                    rules: &rules,
                    received: Timestamp::from_seconds(1_795_159_101),
                    bad: &mut bad,
                };
                let bytes = text.as_bytes();
                match name {
                    "ticker" => decoder.ticker(bytes).is_some(),
                    "trade" => decoder.trade(bytes).is_some(),
                    _ => decoder.book(bytes).is_some(),
                }
            });
        });
        group.bench_function("serde_json::Value", |b| {
            b.iter(|| serde_json::from_str::<serde_json::Value>(text).is_ok());
        });
        group.finish();
    }
}

criterion_group!(benches, decode, decode_chain);
criterion_main!(benches);
