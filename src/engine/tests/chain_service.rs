//! What is written of a chain with two series of one date, when, and what expires.

use std::collections::BTreeSet;
use std::sync::Arc;

use quant::calculator::Job;
use quant::calculators::PER_SYMBOL;
use serde_json::{Value, json};

use quant::market::{Symbol, Timestamp};

use crate::chain_service::events;
use crate::config::Config;
use crate::engine::plan::Jobs;
use crate::engine::setup::{Setup, known};
use crate::engine::symbol::SymbolEngine;
use crate::store::exchange::{Fetched, Gathered, How, NewTrades, Write};

/// 2026-11-20 15:00 UTC, a Friday.
const START: i64 = 1_795_186_800;

struct Desk {
    engine: SymbolEngine,
    due: Jobs,
}

impl Desk {
    fn new(options: usize) -> Self {
        let mut config = Config::defaults(&known());
        config.chain_service.options = options;
        let setup = Arc::new(Setup::new(config, PER_SYMBOL));
        let symbol = Symbol::new("SPX").unwrap();
        let now = Timestamp::from_seconds(START);
        Self {
            engine: setup.symbol_engine(&symbol, now).unwrap(),
            due: Jobs::NONE.with(Job::ChainStats).with(Job::Ohlc),
        }
    }

    /// What a turn writes for the chain service so many seconds after the start.
    fn turn(&mut self, chain: Option<Value>, trades: &[Value], seconds: i64) -> Vec<Write> {
        let now = Timestamp::from_seconds(START + seconds);
        let ticker = json!({"last": 6000.0, "timestamp": START + seconds});
        let told = |value: Value| Fetched::Value(value.to_string().into());
        let gathered = Gathered {
            ticker: told(ticker),
            chain: chain.map_or(Fetched::NotAsked, told),
            trades: NewTrades {
                elements: trades.iter().map(|t| t.to_string().into()).collect(),
                ..NewTrades::default()
            },
            ..Gathered::default()
        };
        let today = now.utc().date_naive();
        let turned = self.engine.turn(gathered, self.due, today, now);
        let of_service = |write: &Write| !write.key.starts_with("analytics:");
        turned.writes.into_iter().filter(of_service).collect()
    }
}

fn contract(root: &str, date: &str, side: &str, strike: f64, bid: f64) -> Value {
    json!({
        "symbol": format!("{root}{date}{side}{:08}", strike * 1000.0),
        "bid": bid, "ask": bid + 1.0, "last": bid + 0.25, "iv": 0.2,
        "open_interest": 100.0 * strike / 6000.0 + bid, "volume": 7, "oi_change": -3,
    })
}

/// SPX and SPXW on the third Friday of December, and SPX alone in March; a strike without a put.
fn chain(bid: f64) -> Value {
    let mut contracts = Vec::new();
    for (root, date) in [("SPX", "261218"), ("SPXW", "261218"), ("SPX", "270319")] {
        for strike in [5900.0, 6000.0, 6100.0] {
            contracts.push(contract(root, date, "C", strike, bid));
            contracts.push(contract(root, date, "P", strike, bid));
        }
    }
    contracts.push(contract("SPXW", "261218", "C", 6200.0, bid));
    json!({"as_of": START, "spot": 6000.0, "contracts": contracts})
}

fn keys(writes: &[Write]) -> Vec<&str> {
    writes.iter().map(|write| &*write.key).collect()
}

fn json(writes: &[Write], key: &str) -> Value {
    let write = writes.iter().find(|write| &*write.key == key);
    let write = write.unwrap_or_else(|| panic!("{key} is not in {:?}", keys(writes)));
    serde_json::from_slice(&write.value).unwrap()
}

#[test]
fn series_of_one_date_stand_at_keys_of_their_own() {
    let mut desk = Desk::new(0);
    let writes = desk.turn(Some(chain(10.0)), &[], 0);
    assert_eq!(
        keys(&writes),
        [
            "latest:underlying:SPX",
            "latest:pcr:SPX:2026-12-18",
            "latest:chain:SPX:2026-12-18",
            "latest:pcr:SPX:2026-12-18:AM",
            "latest:chain:SPX:2026-12-18:AM",
            "latest:pcr:SPX:2027-03-19",
            "latest:chain:SPX:2027-03-19",
            "volatility_surface:SPX",
            "index:expiries:SPX",
        ]
    );
    let index = &writes[8];
    assert_eq!(index.how, How::ReplaceSet);
    assert_eq!(index.value, "2026-12-18\n2026-12-18:AM\n2027-03-19");
    assert!(writes.iter().all(|write| write.ttl_seconds == 300));

    let pm = json(&writes, "latest:chain:SPX:2026-12-18");
    assert_eq!(pm["expiry"], "2026-12-18");
    assert_eq!(pm["strikes"], json!([5900.0, 6000.0, 6100.0, 6200.0]));
    assert_eq!(pm["puts"][3], Value::Null);
    assert_eq!(pm["calls"][3]["strike"], 6200.0);
    assert_eq!(
        (&pm["spot_price"], &pm["atm_strike"]),
        (&json!(6000.0), &json!(6000.0))
    );
    assert_eq!(pm["atm_straddle_price"], 21.0);
    assert_eq!(pm["timestamp"], "2026-11-20T15:00:00.000Z");
    let leg = &pm["calls"][1];
    assert_eq!(
        (&leg["iv"], &leg["oi_change"], &leg["volume"]),
        (&json!(0.2), &json!(-3), &json!(7))
    );
    // The call of delta about one half.
    assert!(
        (0.5..0.6).contains(&leg["delta"].as_f64().unwrap()),
        "{leg}"
    );
    let theta = leg["theta"].as_f64().unwrap();
    assert!((-5.0..-1.0).contains(&theta), "a day of 28: {leg}");
    let vega = leg["vega"].as_f64().unwrap();
    assert!((5.0..8.0).contains(&vega), "a point of 6000: {leg}");

    let surface = json(&writes, "volatility_surface:SPX");
    let expiries = surface["expiries"].as_array().unwrap();
    let dates: Vec<&Value> = expiries.iter().map(|row| &row["expiry"]).collect();
    assert_eq!(dates, ["2026-12-18", "2026-12-18", "2027-03-19"]);
    assert!(expiries[0]["t_years"].as_f64() > expiries[1]["t_years"].as_f64());
    for row in expiries {
        let length = |name: &str| row[name].as_array().unwrap().len();
        for name in ["call_ivs", "put_ivs", "mid_ivs"] {
            assert_eq!(length(name), length("strikes"), "{name}");
        }
    }
}

#[test]
fn what_did_not_change_is_written_again_after_a_while_only() {
    let mut desk = Desk::new(0);
    assert_eq!(desk.turn(Some(chain(10.0)), &[], 0).len(), 9);
    let of_price = ["latest:underlying:SPX"];
    assert_eq!(keys(&desk.turn(None, &[], 15)), of_price);
    assert_eq!(desk.turn(None, &[], 60).len(), 9);
    // Another chain, of which one expiry is as it was.
    let mut other = chain(12.0);
    for (is, was) in other["contracts"]
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .zip(chain(10.0)["contracts"].as_array().unwrap())
    {
        if was["symbol"].as_str().unwrap().starts_with("SPX27") {
            *is = was.clone();
        }
    }
    let changed = desk.turn(Some(other), &[], 75);
    let changed = keys(&changed);
    assert!(changed.contains(&"latest:chain:SPX:2026-12-18"));
    assert!(!changed.contains(&"latest:chain:SPX:2027-03-19"));
    desk.engine.forget_written();
    assert_eq!(desk.turn(None, &[], 76).len(), 9);
}

#[test]
fn quotes_go_on_from_where_the_bound_ended_and_only_what_changed_is_written() {
    let mut desk = Desk::new(8);
    let quotes = |writes: &[Write]| -> Vec<String> {
        let of = writes
            .iter()
            .filter(|write| write.document == "latest_option");
        of.map(|write| write.key.to_string()).collect()
    };
    let first = quotes(&desk.turn(Some(chain(10.0)), &[], 0));
    let second = quotes(&desk.turn(None, &[], 15));
    let third = quotes(&desk.turn(None, &[], 30));
    assert_eq!([first.len(), second.len(), third.len()], [8, 8, 3]);
    let all: BTreeSet<&String> = first.iter().chain(&second).chain(&third).collect();
    assert_eq!(all.len(), 19);
    assert!(all.contains(&"latest:option:SPXW261218C06200000".to_owned()));
    let mut one = chain(10.0);
    one["contracts"][0]["bid"] = json!(10.5);
    let writes = desk.turn(Some(one), &[], 45);
    assert_eq!(quotes(&writes), ["latest:option:SPX261218C05900000"]);
    let quote = json(&writes, "latest:option:SPX261218C05900000");
    assert_eq!(
        (&quote["bid"], &quote["option_type"]),
        (&json!(10.5), &json!("call"))
    );
    assert_eq!(
        (&quote["product"], &quote["expiry"]),
        (&json!("SPX"), &json!("2026-12-18"))
    );
}

#[test]
fn bars_stand_for_two_of_their_windows_and_do_not_come_back() {
    let mut desk = Desk::new(0);
    let trade = |seconds: i64, price: f64| json!({"p": price, "s": 2, "ts": START + seconds});
    let writes = desk.turn(None, &[trade(0, 6000.0), trade(30, 6003.0)], 31);
    let lives = |writes: &[Write], key: &str| {
        let write = writes.iter().find(|write| &*write.key == key);
        write.map(|write| write.ttl_seconds)
    };
    assert_eq!(lives(&writes, "ohlc:SPX:1m"), Some(120));
    assert_eq!(lives(&writes, "ohlc:SPX:5m"), Some(600));
    assert_eq!(lives(&writes, "ohlc:SPX:15m"), Some(1800));
    assert_eq!(
        json(&writes, "ohlc:SPX:5m"),
        json!({
            "product": "SPX", "window_minutes": 5, "open": 6000.0, "high": 6003.0,
            "low": 6000.0, "close": 6003.0, "volume": 4.0,
            "start_time": "2026-11-20T15:00:00.000Z", "end_time": "2026-11-20T15:05:00.000Z",
            "num_ticks": 2, "complete": false,
        })
    );
    let later = desk.turn(None, &[], 61);
    assert_eq!(json(&later, "ohlc:SPX:1m")["complete"], true);
    assert_eq!(lives(&later, "ohlc:SPX:5m"), None, "it says the same");
    desk.engine.forget_written();
    let late = desk.turn(None, &[], 181);
    assert_eq!(lives(&late, "ohlc:SPX:1m"), None);
    assert_eq!(lives(&late, "ohlc:SPX:5m"), Some(600));
}

#[test]
fn nothing_is_written_where_it_is_off_or_nothing_ran() {
    let mut desk = Desk::new(0);
    desk.due = Jobs::NONE.with(Job::GexDex);
    assert_eq!(keys(&desk.turn(Some(chain(10.0)), &[], 0)), [] as [&str; 0]);
}

#[test]
fn a_message_about_a_pass_names_at_most_500_symbols() {
    let written = (0..501)
        .map(|n| {
            (
                Symbol::new(&format!("S{n}")).unwrap(),
                ["obi", "vpin"].into(),
            )
        })
        .collect();
    let events = events(&written, Timestamp::from_seconds(START));
    let sizes: Vec<usize> = events
        .iter()
        .map(|event| {
            assert_eq!((event.how, &*event.key), (How::Publish, "events:analytics"));
            let told: Value = serde_json::from_slice(&event.value).unwrap();
            assert_eq!(told["timestamp"], "2026-11-20T15:00:00.000Z");
            assert_eq!(
                told["documents"]["S99"],
                match told["documents"]["S99"].is_null() {
                    true => Value::Null,
                    false => json!(["obi", "vpin"]),
                }
            );
            told["documents"].as_object().unwrap().len()
        })
        .collect();
    assert_eq!(sizes, [500, 1]);
}
