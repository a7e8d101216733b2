//! A chain as long as that of SPX through the engine: decoded, priced, and all six calculators run
//! on it. What an index costs each time its chain changes, and each time only the spot does.

mod listing;

use std::hint::black_box;
use std::sync::Arc;

use analytics::config::{Config, Interval};
use analytics::engine::plan::Jobs;
use analytics::engine::setup::{Setup, known};
use analytics::engine::symbol::SymbolEngine;
use analytics::store::exchange::{Fetched, Gathered};
use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use quant::calculator::Job;
use quant::calculators::PER_SYMBOL;
use quant::market::{Right, Symbol, Timestamp};
use quant::math::black_scholes::{Terms, greeks};
use quant::math::implied_vol::{implied_vol, implied_vol_from};

const CONTRACTS: usize = 21_000;

fn engine(with_documents: bool) -> SymbolEngine {
    let mut config = Config::defaults(&known());
    for job in Job::ALL {
        config
            .update_intervals
            .insert(job.name().to_owned(), Interval::Every(0.0));
    }
    config.chain_service.enabled = with_documents;
    let setup = Arc::new(Setup::new(config, PER_SYMBOL));
    let symbol = Symbol::new("SPX").expect("a symbol");
    let now = Timestamp::from_millis(listing::AS_OF_MS);
    setup
        .symbol_engine(&symbol, now)
        .expect("the defaults are valid")
}

fn due() -> Jobs {
    Jobs::NONE.with(Job::GexDex).with(Job::DealerFlows)
}

fn ticker(spot: f64) -> Fetched {
    let text = format!(r#"{{"last": {spot}, "timestamp": {}}}"#, listing::AS_OF_MS);
    Fetched::Value(text.into())
}

fn turn(bench: &mut Criterion) {
    let now = Timestamp::from_millis(listing::AS_OF_MS);
    let today = now.utc().date_naive();
    let text = listing::chain();
    // Two texts of one chain, so that it is another one each time.
    let chains = [text.clone(), text.clone() + " "].map(Bytes::from);
    let mut group = bench.benchmark_group(format!("chain of {CONTRACTS}"));
    group.sample_size(20);
    let mut symbol = engine(false);
    let mut at = 0;
    group.bench_function("changed: decode, price, six calculators", |b| {
        b.iter(|| {
            at += 1;
            let gathered = Gathered {
                ticker: ticker(listing::SPOT + f64::from(at % 7)),
                chain: Fetched::Value(chains[(at % 2) as usize].clone()),
                ..Gathered::default()
            };
            let turned = symbol.turn(gathered, due(), today, now);
            assert_eq!(turned.reports.len(), 6);
        });
    });
    group.bench_function("unchanged: price, six calculators", |b| {
        b.iter(|| {
            at += 1;
            let gathered = Gathered {
                ticker: ticker(listing::SPOT + f64::from(at % 7)),
                chain: Fetched::Value(chains[0].clone()),
                ..Gathered::default()
            };
            symbol.turn(gathered, due(), today, now);
        });
    });
    for (name, with_documents) in [
        ("changed: decode, price, statistics", false),
        ("the same, and what the chain service writes", true),
    ] {
        let mut symbol = engine(with_documents);
        let due = Jobs::NONE.with(Job::ChainStats);
        // Another quote in every expiry, so that each is written.
        let chains = ["\"bid\": ", "\"bid\": 1"].map(|bid| text.replace("\"bid\": ", bid));
        let chains = chains.map(Bytes::from);
        group.bench_function(name, |b| {
            b.iter(|| {
                at += 1;
                let gathered = Gathered {
                    ticker: ticker(listing::SPOT + f64::from(at % 7)),
                    chain: Fetched::Value(chains[(at % 2) as usize].clone()),
                    ..Gathered::default()
                };
                symbol.turn(gathered, due, today, now)
            });
        });
    }
    group.finish();
}

/// One volatility: solved anew as the engine does, from the last one, and all greeks at it.
fn volatility(bench: &mut Criterion) {
    let terms = Terms {
        spot: 6_000.0,
        strike: 6_120.0,
        t_years: 12.0 / 365.0,
        rate: 0.0,
        dividend_yield: 0.0,
        sigma: 0.13,
    };
    let price = greeks(Right::Call, &terms).expect("a plain option").price;
    let (spot, strike, t) = (terms.spot, terms.strike, terms.t_years);
    let mut group = bench.benchmark_group("one option");
    group.bench_function("implied volatility", |b| {
        b.iter(|| implied_vol(Right::Call, black_box(price), spot, strike, t));
    });
    group.bench_function("implied volatility from the last", |b| {
        b.iter(|| implied_vol_from(0.1305, Right::Call, black_box(price), spot, strike, t));
    });
    group.bench_function("price and twelve greeks", |b| {
        b.iter(|| greeks(Right::Call, black_box(&terms)));
    });
    group.finish();
}

criterion_group!(benches, turn, volatility);
criterion_main!(benches);
