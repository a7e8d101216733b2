//! Flow clusters: shares that add up, labels that last, names that follow from the flow.

use proptest::prelude::*;
use quant::calculator::Status;
use quant::market::{Conditions, Side, Size, Trade};
use serde_json::{Value, json};

use crate::desk::{Desk, only};
use crate::market::{at_ms, cents, prints, touch};

fn desk(trades: &[Trade]) -> Desk {
    let mut desk = Desk::with("flow_clusters", json!({ "min_trades": 20 }));
    trades.iter().for_each(|trade| desk.print(*trade));
    desk
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn sum(shares: &Value) -> f64 {
    shares.as_object().unwrap().values().map(number).sum()
}

fn trade(at: i64, price: i64, size: i64, flag: Side) -> Trade {
    Trade {
        at: at_ms(at),
        price: cents(price),
        size: Size::from_units(size * Size::SCALE),
        flag,
        touch: Some(touch(cents(price - 1), cents(price + 1))),
        venue: None,
        conditions: Conditions::NONE,
    }
}

/// Stretches in turn: buys up a rise, sells up a rise, and two of large buys at rest. Sizes and gaps differ by kind and waver a little.
fn three_kinds(count: i64) -> Vec<Trade> {
    let (mut clock, mut price) = (0, 10_000);
    let mut trades = Vec::new();
    for step in 0..count {
        let waver = step * 7 % 5;
        let (gap, rise, size, side) = match step / 15 % 4 {
            0 => (100 + waver, 2, 100 + waver, Side::Buy),
            1 => (20 + waver, 2, 10, Side::Sell),
            _ => (5_000 + waver * 100, 0, 5_000 + waver * 100, Side::Buy),
        };
        clock += gap;
        price += rise;
        trades.push(trade(clock, price, size, side));
    }
    trades
}

#[test]
fn kinds_of_trades_are_told_apart_and_named() {
    let trades = three_kinds(220);
    let body = only(desk(&trades).turn(trades[219].at)).value();
    assert_eq!(body["samples"], 200, "{body}");
    assert_eq!(body["unclustered"], false, "{body}");
    assert!(number(&body["silhouette"]) > 0.5, "{body}");
    assert!(number(&body["stability"]) > 0.8, "{body}");
    assert!(body["match_distance"].is_null());
    assert_eq!(body["seed"], 42);
    let names: Vec<&str> = body["cluster_stats"]
        .as_array()
        .unwrap()
        .iter()
        .map(|cluster| cluster["strategy"].as_str().unwrap())
        .collect();
    for name in ["momentum", "mean_reversion"] {
        assert_eq!(
            names.iter().filter(|other| **other == name).count(),
            1,
            "{body}"
        );
    }
    let large = &body["participant_distribution"]["institutional"];
    assert!((number(large) - 0.5).abs() < 0.1, "{body}");
}

#[test]
fn labels_keep_their_identity_while_the_window_moves() {
    let trades = three_kinds(600);
    let mut desk = desk(&trades[..220]);
    let sizes = |body: &Value| -> Vec<f64> {
        let clusters = body["cluster_stats"].as_array().unwrap();
        clusters
            .iter()
            .map(|cluster| number(&cluster["mean_size"]))
            .collect()
    };
    let first = sizes(&only(desk.turn(trades[219].at)).value());
    for pass in trades[220..].chunks(20) {
        pass.iter().for_each(|trade| desk.print(*trade));
        let body = only(desk.turn(pass.last().unwrap().at)).value();
        for (now, then) in sizes(&body).iter().zip(&first) {
            assert!((now / then - 1.0).abs() < 0.5, "{body}");
        }
        assert!(number(&body["match_distance"]) < 1.0, "{body}");
    }
}

#[test]
fn trades_of_one_kind_have_no_value() {
    let same: Vec<Trade> = (0..50)
        .map(|step| trade(step * 100, 10_000, 100, Side::Buy))
        .collect();
    let said = only(desk(&same).turn(same[49].at));
    assert_eq!(said.outcome.status, Status::Undefined);
}

#[test]
fn too_few_trades_and_old_trades_have_no_value() {
    let trades = three_kinds(19);
    let said = only(desk(&trades).turn(trades[18].at));
    assert_eq!(said.outcome.status, Status::Warming);
    assert_eq!(said.outcome.reason.as_deref(), Some("19 of 20 trades"));
    let trades = three_kinds(220);
    let said = only(desk(&trades).turn(at_ms(trades[219].at.millis() + 30_001)));
    assert_eq!(said.outcome.status, Status::Stale);
}

#[test]
fn auctions_and_their_like_are_left_out_and_counted() {
    let mut trades = three_kinds(220);
    for trade in trades.iter_mut().skip(150).step_by(10) {
        trade.conditions = Conditions::AUCTION;
    }
    let said = only(desk(&trades).turn(trades[219].at));
    assert_eq!(said.outcome.counted.used, 200);
    assert_eq!(said.outcome.counted.dropped["excluded_condition"], 7);
}

#[test]
fn a_sweep_shows_in_its_cluster() {
    let mut trades = three_kinds(200);
    for trade in trades
        .iter_mut()
        .filter(|trade| trade.size.to_f64() == 10.0)
    {
        trade.conditions = Conditions::SWEEP;
    }
    let body = only(desk(&trades).turn(trades[199].at)).value();
    let clusters = body["cluster_stats"].as_array().unwrap();
    let swept = clusters
        .iter()
        .filter(|cluster| number(&cluster["sweep_ratio"]) > 0.9);
    assert_eq!(swept.count(), 1, "{body}");
}

proptest! {
    #[test]
    fn shares_and_counts_add_up(trades in prints(30..250)) {
        let said = only(desk(&trades).turn(trades.last().unwrap().at));
        prop_assume!(said.outcome.status == Status::Ok);
        let body = said.body();
        for shares in ["strategy_distribution", "participant_distribution", "size_mix"] {
            prop_assert!((sum(&body[shares]) - 1.0).abs() < 1e-12, "{body}");
        }
        let clusters = body["cluster_stats"].as_array().unwrap();
        prop_assert_eq!(clusters.len(), 3);
        let count: u64 = clusters.iter().map(|cluster| cluster["count"].as_u64().unwrap()).sum();
        prop_assert_eq!(count, body["samples"].as_u64().unwrap());
        for cluster in clusters {
            prop_assert!(number(&cluster["mean_direction"]).abs() <= 1.0);
            prop_assert!((0.0..=1.0).contains(&number(&cluster["sweep_ratio"])));
            prop_assert!(number(&cluster["mean_time_gap"]) >= 0.0);
        }
        let centroids = body["centroids"].as_array().unwrap();
        prop_assert!(centroids.iter().all(|row| row.as_array().unwrap().len() == 6));
        prop_assert_eq!(body["feature_names"].as_array().unwrap().len(), 6);
        prop_assert!(number(&body["stability"]) <= 1.0);
    }

    #[test]
    fn the_same_trades_give_the_same_document(trades in prints(30..250)) {
        let end = trades.last().unwrap().at;
        prop_assert_eq!(
            only(desk(&trades).turn(end)).document,
            only(desk(&trades).turn(end)).document
        );
    }
}
