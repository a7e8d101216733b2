//! Option chains as the store gives them: whole, or put together from the keys of their contracts.

use std::sync::Arc;

use analytics::config;
use analytics::store::codec::{BadInput, Rules};
use analytics::store::drain::Drain;
use analytics::store::exchange::{Ask, Fetched};
use analytics::store::keys::SymbolKeys;
use analytics::store::redis::Redis;
use quant::market::{Calendars, Chain, ChainBuilder, Symbol, Timestamp};

use crate::harness::{RedisServer, SOON, until};

const NOW: Timestamp = Timestamp::from_seconds(1_789_992_000);

fn decode(symbol: &str, text: &[u8]) -> (Option<Chain>, BadInput) {
    let calendars = include_str!("../../config/sessions.toml");
    let calendars = Calendars::from_toml(calendars).unwrap();
    let mut bad = BadInput::default();
    let builder = ChainBuilder::new(&calendars, symbol, "XNYS");
    let chain = Rules::default().decoder(NOW, &mut bad).chain(text, builder);
    (chain, bad)
}

/// A runtime with a connected client beside it.
fn client(server: &RedisServer) -> (tokio::runtime::Runtime, Redis) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let settings = config::Redis {
        url: server.url().try_into().unwrap(),
        ..config::Redis::default()
    };
    let redis = runtime.block_on(async {
        let redis = Redis::start(&settings).unwrap();
        redis.connected().await;
        redis
    });
    (runtime, redis)
}

#[track_caller]
fn chains(runtime: &tokio::runtime::Runtime, redis: &Redis, symbols: &[&str]) -> Vec<Fetched> {
    let ask = |name: &&str| Ask {
        keys: Arc::new(SymbolKeys::of(&Symbol::new(name).unwrap())),
        book: false,
        chain: true,
        bars: false,
        imbalance: false,
        discovered: false,
        baseline: false,
    };
    let asks: Vec<Ask> = symbols.iter().map(ask).collect();
    let mut drains = vec![Drain::default(); asks.len()];
    let mut drains: Vec<&mut Drain> = drains.iter_mut().collect();
    let gathered = runtime
        .block_on(redis.gather(&asks, &mut drains, true))
        .unwrap();
    gathered.into_iter().map(|one| one.chain).collect()
}

fn set(server: &RedisServer, key: &str, value: &str) {
    server.command(&["SET", key, value]);
}

#[test]
fn a_missing_chain_is_put_together_from_the_keys_of_its_contracts() {
    let server = RedisServer::start();
    let greeks = r#"{"delta":"0.5","gamma":0.001,"implied_volatility":20,"open_interest":7}"#;
    for n in 0..300 {
        let key = format!(
            "options:SPX:SPXW  261120C{:08}:greeks",
            5_000_000 + 5_000 * n
        );
        set(&server, &key, greeks);
        // What shares the store costs nothing but the sweep.
        set(&server, &format!("portfolio:greeks:{n}"), greeks);
    }
    set(&server, "options:SPX:SPXW261120P06000000:greeks", "[1]");
    set(&server, "options:SPX:not-a-contract:greeks", greeks);
    set(&server, "greeks:SPX:SPXW261120P07000000", greeks);
    set(&server, "greeks:BRK.B:BRK.B261120P00400000", greeks);
    set(&server, "options:QQQ:greeks:QQQ261120C00600000", greeks);
    let whole = r#"[{"symbol":"QQQ261120C00700000"}]"#;
    set(&server, "options:QQQ:chain", whole);
    server.command(&["RPUSH", "options:IWM:greeks:IWM261120C00200000", "1"]);

    let (runtime, redis) = client(&server);
    let symbols = ["SPX", "QQQ", "BRK.B", "IWM", "NONE"];
    let first = chains(&runtime, &redis, &symbols);
    assert_eq!(first[1], Fetched::Value(whole.into()));
    assert_eq!(first[4], Fetched::Missing);
    let found = until("the sweep found the contracts", SOON, || {
        let found = chains(&runtime, &redis, &symbols);
        matches!(found[0], Fetched::Value(_)).then_some(found)
    });
    assert_eq!(found[1], Fetched::Value(whole.into()));
    assert_eq!(found[3..], [Fetched::Missing, Fetched::Missing]);
    assert_eq!(found, chains(&runtime, &redis, &symbols), "the same bytes");

    let Fetched::Value(text) = &found[0] else {
        panic!("{found:?}")
    };
    let (chain, bad) = decode("SPX", text);
    let chain = chain.unwrap();
    assert!(bad.is_empty(), "{bad:?}");
    assert_eq!(chain.head.source.as_deref(), Some("greeks_keys"));
    assert_eq!((chain.listed, chain.contracts.len()), (301, 300));
    assert_eq!(chain.dropped.get("not_an_object"), Some(&1));
    assert_eq!(&*chain.series[0].root, "SPXW");
    assert_eq!(chain.contracts.strike[299], 6495.0);
    assert_eq!(chain.contracts.iv.get(299), Some(0.2));
    assert_eq!(chain.contracts.delta.get(0), Some(0.5));
    let Fetched::Value(text) = &found[2] else {
        panic!("{found:?}")
    };
    assert_eq!(decode("BRK.B", text).0.unwrap().contracts.strike, [400.0]);

    // Values are read anew in every pass, keys are not looked for again, and what expired is gone.
    server.command(&[
        "DEL",
        "options:SPX:SPXW261120P06000000:greeks",
        "greeks:BRK.B:BRK.B261120P00400000",
    ]);
    let later = chains(&runtime, &redis, &symbols);
    let Fetched::Value(text) = &later[0] else {
        panic!("{later:?}")
    };
    assert_eq!(decode("SPX", text).0.unwrap().listed, 300);
    assert_eq!(later[2], Fetched::Missing);
    let sweeps = server.cli(&["INFO", "commandstats"]);
    let scans = sweeps
        .lines()
        .find(|line| line.starts_with("cmdstat_scan:"));
    let calls = scans.and_then(|line| line.split(['=', ',']).nth(1)?.parse::<u64>().ok());
    assert!(calls.is_some_and(|calls| calls <= 5), "{scans:?}");
    runtime.block_on(redis.close());
}

#[test]
fn many_chains_come_each_to_its_symbol() {
    let server = RedisServer::start();
    let names: Vec<String> = (0..70).map(|n| format!("S{n}")).collect();
    for name in &names {
        set(
            &server,
            &format!("options:{name}:chain"),
            &format!("[\"{name}\"]"),
        );
    }
    let (runtime, redis) = client(&server);
    let symbols: Vec<&str> = names.iter().map(String::as_str).collect();
    let found = chains(&runtime, &redis, &symbols);
    for (name, found) in names.iter().zip(found) {
        assert_eq!(found, Fetched::Value(format!("[\"{name}\"]").into()));
    }
    runtime.block_on(redis.close());
}
