//! Suite `sweeps`.

use quant::market::{CodeSet, Conditions, Price, QuoteSource, Side, SignedBy, SignedTrade, Size};
use quant::market::{Span, Timestamp, Trade, Venue};
use quant::prints::sweeps::{Criteria, Kind, Print, events};
use serde_json::Value;

use crate::suite;

/// The prints of the suite are of options.
const CONTRACT_SIZE: f64 = 100.0;

fn trade(of: &Value) -> SignedTrade {
    let side = match of["side"].as_i64().unwrap() {
        1 => Side::Buy,
        -1 => Side::Sell,
        _ => Side::Unknown,
    };
    SignedTrade {
        trade: Trade {
            at: Timestamp::from_millis(of["ts_ms"].as_i64().unwrap()),
            price: Price::from_f64(of["price"].as_f64().unwrap()).unwrap(),
            size: Size::from_f64(of["size"].as_f64().unwrap()).unwrap(),
            flag: side,
            touch: None,
            venue: of["venue"].as_str().map(Venue::new),
            conditions: Conditions::of_text(of["cond"].as_str().unwrap(), CodeSet::Opra),
        },
        side,
        signed_by: SignedBy::Flag,
        quote_source: QuoteSource::None,
    }
}

#[test]
fn sweeps() {
    for case in suite("sweeps") {
        let (id, input) = (&case["id"], &case["input"]);
        let criteria = Criteria {
            window: Span::from_millis(input["window_ms"].as_i64().unwrap()),
            min_venues: input["min_venues"].as_u64().unwrap() as usize,
            min_prints: 3,
            min_size: Size::ZERO,
        };
        let trades: Vec<SignedTrade> = input["prints"]
            .as_array()
            .unwrap()
            .iter()
            .map(trade)
            .collect();
        let prints: Vec<Print> = trades.iter().filter_map(Print::of).collect();
        let found = events(&prints, &criteria);
        let expected = case["expected"]["events"].as_array().unwrap();
        assert_eq!(found.len(), expected.len(), "{id}");
        for ((kind, event), expected) in found.iter().zip(expected) {
            let kind = match kind {
                Kind::IntermarketSweep => "intermarket_sweep",
                Kind::Burst => "burst",
            };
            let at = |instant| trades.iter().position(|trade| trade.trade.at == instant);
            let side = if event.side() == Side::Buy { 1 } else { -1 };
            assert_eq!(expected["kind"], kind, "{id}");
            assert_eq!(expected["first"], at(event.first()).unwrap(), "{id}");
            assert_eq!(expected["last"], at(event.last()).unwrap(), "{id}");
            assert_eq!(expected["side"], side, "{id}");
            assert_eq!(expected["venues"], event.venues(), "{id}");
            assert_eq!(expected["levels"], event.levels(), "{id}");
            for (field, got) in [
                ("size", event.size().to_f64()),
                ("vwap", event.vwap()),
                ("notional", event.notional() * CONTRACT_SIZE),
                ("iso_share", event.iso_share()),
            ] {
                let expected = expected[field].as_f64().unwrap();
                let error = (got - expected).abs();
                assert!(
                    error <= 1e-12 * expected.abs(),
                    "{id} {field}: {got} {expected}"
                );
            }
        }
    }
}
