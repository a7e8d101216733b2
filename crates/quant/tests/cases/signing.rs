//! Suites `lee_ready` and `quote_matching`.

use quant::market::signing::{TickRule, sign};
use quant::market::{Conditions, Price, QuoteHistory, Rule, Side, Signer, Signing, Size};
use quant::market::{Span, Timestamp, Touch, Trade};
use serde_json::Value;

use crate::suite;

fn code(side: Side) -> i64 {
    match side {
        Side::Buy => 1,
        Side::Sell => -1,
        Side::Unknown => 0,
    }
}

fn price(of: &Value) -> Option<Price> {
    Price::from_f64(of.as_f64()?)
}

fn touch(of: &Value) -> Option<Touch> {
    Some(Touch {
        bid: price(&of["bid"])?,
        ask: price(&of["ask"])?,
    })
}

#[test]
fn lee_ready() {
    for case in suite("lee_ready") {
        let rules = [
            ("quote", Rule::Quote),
            ("tick", Rule::Tick),
            ("lee_ready", Rule::LeeReady),
            ("emo", Rule::Emo),
            ("clnv", Rule::Clnv),
        ];
        for (name, rule) in rules {
            let mut tick = TickRule::default();
            let trades = case["input"]["trades"].as_array().unwrap();
            let got: Vec<i64> = trades
                .iter()
                .map(|trade| {
                    let at = price(&trade["price"]).unwrap();
                    let by_tick = tick.next(at);
                    code(sign(rule, at, Side::Unknown, touch(trade), by_tick).0)
                })
                .collect();
            assert_eq!(Value::from(got), case["expected"][name], "{name}");
        }
    }
}

#[test]
fn quote_matching() {
    for case in suite("quote_matching") {
        let input = &case["input"];
        let time = |of: &Value| Timestamp::from_nanos(of["ts"].as_i64().unwrap());
        let mut quotes = QuoteHistory::default();
        for quote in input["quotes"].as_array().unwrap() {
            quotes.observe(time(quote), touch(quote));
        }
        let mut signer = Signer::new(Signing {
            rule: Rule::LeeReady,
            quote_delay: Span::from_nanos(input["quote_lag_ns"].as_i64().unwrap()),
            max_quote_age: Span::from_nanos(input["max_quote_age_ns"].as_i64().unwrap_or(i64::MAX)),
        });
        let trade = Trade {
            at: time(&input["trade"]),
            price: price(&input["trade"]["price"]).unwrap(),
            size: Size::from_units(1),
            flag: Side::Unknown,
            touch: None,
            venue: None,
            conditions: Conditions::NONE,
        };
        let signed = signer.sign(trade, &quotes);
        let (id, expected) = (&case["id"], &case["expected"]);
        assert_eq!(signed.trade.touch, touch(expected), "{id}");
        assert_eq!(expected["lee_ready"], code(signed.side), "{id}");
    }
}
