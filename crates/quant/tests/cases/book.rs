//! Suites `orderbook` and `ofi`.

use quant::calculators::obi::{BookStatus, level, measure};
use quant::market::{OrderBook, Timestamp};
use quant::math::book::{BestLevels, order_flow};
use serde_json::Value;

use crate::{assert_close, suite};

fn book_of(input: &Value) -> OrderBook {
    let side = |name: &str| {
        let levels = input[name].as_array().unwrap().iter();
        let number = |of: &Value, field: &str| of[field].as_f64().unwrap();
        levels
            .map(|of| level(number(of, "price"), number(of, "size")).unwrap())
            .collect()
    };
    OrderBook::consolidated(side("bids"), side("asks"), Timestamp::default())
}

/// The suite calls a book without any level one-sided; the documents tell the two apart.
fn status_name(book: &OrderBook) -> &'static str {
    match BookStatus::of(book) {
        BookStatus::Ok => "ok",
        BookStatus::OneSided | BookStatus::Empty => "one_sided",
        BookStatus::Locked => "locked",
        BookStatus::Crossed => "crossed",
    }
}

#[test]
fn orderbook() {
    for case in suite("orderbook") {
        let book = book_of(&case["input"]);
        assert_eq!(
            case["expected"]["status"],
            status_name(&book),
            "{}",
            case["id"]
        );
        let shape = measure(&book).ok();
        let shape = shape.as_ref();
        let check = |field, got| assert_close(&case, field, got, 1e-13);
        check("mid", shape.map(|s| s.mid));
        check("spread", shape.map(|s| s.spread));
        check("imbalance_l1", shape.and_then(|s| s.level1));
        check("imbalance_l5", shape.and_then(|s| s.level5));
        check(
            "imbalance_l5_rank_weighted",
            shape.and_then(|s| s.rank_weighted),
        );
        check("pressure_ratio_l5", shape.and_then(|s| s.pressure_ratio));
        check("weighted_mid", shape.and_then(|s| s.micro_price));
    }
}

#[test]
fn ofi() {
    for case in suite("ofi") {
        let whole = |of: &Value, scale: f64| (of.as_f64().unwrap() * scale).round() as i64;
        let states: Vec<BestLevels> = case["input"]["states"]
            .as_array()
            .unwrap()
            .iter()
            .map(|state| BestLevels {
                bid: whole(&state["bid"], 1e9),
                bid_size: whole(&state["bid_size"], 1.0),
                ask: whole(&state["ask"], 1e9),
                ask_size: whole(&state["ask_size"], 1.0),
            })
            .collect();
        let steps: Vec<i128> = states.windows(2).map(|w| order_flow(w[0], w[1])).collect();
        let expected: Vec<i128> = case["expected"]["e"]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| e.as_i64().unwrap().into())
            .collect();
        assert_eq!(steps, expected);
        let sum: i128 = steps.iter().sum();
        assert_eq!(sum, case["expected"]["ofi"].as_i64().unwrap().into());
    }
}
