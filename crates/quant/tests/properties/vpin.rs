//! VPIN: its range, and what must not change it.

use proptest::prelude::*;
use quant::market::{Conditions, Side, Size, Timestamp, Trade};
use quant::math::bvc::Law;
use serde_json::{Value, json};

use crate::desk::{Desk, only};
use crate::market::{at_ms, cents, mirrored, prints};

/// Runs after the trades marked, and once at the end; the last document's own fields.
fn run(settings: &Value, trades: &[Trade], stops: &[bool]) -> Value {
    let end = trades.last().map_or(Timestamp::default(), |trade| trade.at);
    only(desk_after(settings, trades, stops).turn(end)).body()
}

fn desk_after(settings: &Value, trades: &[Trade], stops: &[bool]) -> Desk {
    let mut desk = Desk::with("vpin", settings.clone());
    for (trade, stop) in trades
        .iter()
        .zip(stops.iter().chain(std::iter::repeat(&false)))
    {
        desk.print(*trade);
        if *stop {
            desk.turn(trade.at);
        }
    }
    desk.turn(trades.last().map_or(Timestamp::default(), |trade| trade.at));
    desk
}

/// Small buckets that 50 trades fill; the size given, or found by the warm-up.
fn settings() -> impl Strategy<Value = Value> {
    let size = prop_oneof![
        Just(0.0),
        (1..400u32).prop_map(|quarters| f64::from(quarters) / 4.0)
    ];
    (size, 1..8usize, 1..20usize).prop_map(|(size, buckets, min_trades)| {
        json!({
            "bucket_size": size, "buckets": buckets, "min_trades": min_trades,
            "history": 200, "bvc_bars": 4, "bvc_min_bars": 2,
        })
    })
}

/// Prints over some fifteen minutes, so that bars of a minute come together.
fn slow_prints(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Trade>> {
    prints(count).prop_map(|mut trades| {
        for trade in &mut trades {
            trade.at = Timestamp::from_nanos(trade.at.nanos() * 5);
        }
        trades
    })
}

/// VPIN by bulk classification as slowly and plainly as can be, in floats: the volume of each bar
/// cut at every bucket's end.
fn plain_bulk(trades: &[Trade], law: Law, size: f64, kept: usize) -> Option<f64> {
    let mut bars: Vec<(i64, f64, f64)> = Vec::new();
    for trade in trades.iter().filter(|trade| trade.size > Size::ZERO) {
        let minute = trade.at.nanos() / 60_000_000_000;
        let (close, volume) = (trade.price.to_f64(), trade.size.to_f64());
        match bars.last_mut() {
            Some(bar) if bar.0 == minute => *bar = (minute, close, bar.2 + volume),
            _ => bars.push((minute, close, volume)),
        }
    }
    bars.pop();
    let changes: Vec<f64> = bars.windows(2).map(|two| two[1].1 - two[0].1).collect();
    let (mut nets, mut room) = (vec![0.0], size);
    for (number, change) in changes.iter().enumerate().skip(2) {
        let before = &changes[number.saturating_sub(4)..number];
        let mean = before.iter().sum::<f64>() / before.len() as f64;
        let squares: f64 = before.iter().map(|x| (x - mean).powi(2)).sum();
        let sigma = (squares / (before.len() - 1) as f64).sqrt();
        // Cents as floats: what should be no change or no scatter is within a hair of it.
        let change = if change.abs() < 1e-9 { 0.0 } else { *change };
        let sigma = if sigma < 1e-9 { 0.0 } else { sigma };
        let lean = 2.0 * law.buy_fraction(change, sigma) - 1.0;
        let mut volume = bars[number + 1].2;
        while volume > 1e-9 {
            let part = volume.min(room);
            *nets.last_mut().unwrap() += lean * part;
            volume -= part;
            room -= part;
            if room < 1e-9 {
                nets.push(0.0);
                room = size;
            }
        }
    }
    nets.pop();
    let window = &nets[nets.len().checked_sub(kept)?..];
    Some(window.iter().map(|net: &f64| net.abs()).sum::<f64>() / (kept as f64 * size))
}

/// A print as `parts` prints of one instant, price and side that add up to it.
fn split(trade: Trade, parts: i64) -> impl Iterator<Item = Trade> {
    let units = trade.size.units();
    (0..parts).map(move |part| Trade {
        size: Size::from_units(units * (part + 1) / parts - units * part / parts),
        ..trade
    })
}

/// Everything a document says of the volume, without the count of its prints.
fn without_count(mut body: Value) -> Value {
    body["trades_analyzed"].take();
    body
}

proptest! {
    #[test]
    fn lies_between_zero_and_one(settings in settings(), trades in slow_prints(1..200)) {
        let body = run(&settings, &trades, &[]);
        let value = body["value"].as_f64().unwrap();
        prop_assert!((0.0..=1.0).contains(&value), "{body}");
        for share in ["open_bucket_fill", "classified_share"] {
            let share = body[share].as_f64().unwrap_or(0.0);
            prop_assert!((0.0..=1.0).contains(&share), "{body}");
        }
        for new in ["percentile", "value_bvc", "value_bvc_t"] {
            let new = body[new].as_f64().unwrap_or(0.0);
            prop_assert!((0.0..=1.0).contains(&new), "{body}");
        }
        prop_assert!(body["se"].as_f64().unwrap_or(0.0) >= 0.0, "{body}");
    }

    #[test]
    fn does_not_depend_on_how_trades_fall_into_runs(
        settings in settings(),
        trades in slow_prints(1..200),
        stops in prop::collection::vec(any::<bool>(), 200),
    ) {
        let at_once = run(&settings, &trades, &[]);
        prop_assert_eq!(at_once, run(&settings, &trades, &stops));
    }

    #[test]
    fn does_not_depend_on_how_a_print_is_split(
        quarters in 1..400u32,
        buckets in 1..8usize,
        trades in slow_prints(1..150),
        parts in prop::collection::vec(1..6i64, 150),
    ) {
        // The median print and the count of prints do depend on it: a size given, one print enough.
        let size = f64::from(quarters) / 4.0;
        let settings = json!({
            "bucket_size": size, "buckets": buckets, "min_trades": 1,
            "history": 200, "bvc_bars": 4, "bvc_min_bars": 2,
        });
        let pieces: Vec<Trade> =
            trades.iter().zip(&parts).flat_map(|(trade, parts)| split(*trade, *parts)).collect();
        let (whole, pieces) = (run(&settings, &trades, &[]), run(&settings, &pieces, &[]));
        // A print that spans the whole window began before it, its last part did not.
        prop_assume!(whole["status"] == pieces["status"]);
        prop_assert_eq!(without_count(whole), without_count(pieces));
    }

    #[test]
    fn does_not_tell_buyers_from_sellers(settings in settings(), trades in slow_prints(1..200)) {
        let mirror: Vec<Trade> = trades.iter().copied().map(mirrored).collect();
        prop_assert_eq!(run(&settings, &trades, &[]), run(&settings, &mirror, &[]));
    }

    #[test]
    fn bulk_classification_is_what_it_is_when_done_plainly(
        quarters in 1..400u32,
        buckets in 1..8usize,
        trades in slow_prints(100..200),
    ) {
        let size = f64::from(quarters) / 4.0;
        let settings = json!({
            "bucket_size": size, "buckets": buckets, "min_trades": 1,
            "history": 200, "bvc_bars": 4, "bvc_min_bars": 2,
        });
        let body = run(&settings, &trades, &[]);
        prop_assume!(body["status"].is_null());
        for (field, law) in [("value_bvc", Law::Normal), ("value_bvc_t", Law::HEAVY)] {
            match (body[field].as_f64(), plain_bulk(&trades, law, size, buckets)) {
                (Some(got), Some(plain)) => prop_assert!((got - plain).abs() < 1e-6, "{got} {plain}"),
                (got, plain) => prop_assert_eq!(got, plain),
            }
        }
    }

    #[test]
    fn the_memory_does_not_depend_on_how_trades_fall_into_runs(
        settings in settings(),
        trades in slow_prints(1..200),
        stops in prop::collection::vec(any::<bool>(), 200),
    ) {
        let at_once = desk_after(&settings, &trades, &[]).memories();
        prop_assert_eq!(at_once, desk_after(&settings, &trades, &stops).memories());
    }
}

/// Ten minutes of small trades fill buckets enough that every number is there.
#[test]
fn every_number_comes_in_time() {
    let trades: Vec<Trade> = (0..600)
        .map(|second| Trade {
            at: at_ms(second * 1_000),
            price: cents(10_000 + second * 37 % 11),
            size: Size::from_units(Size::SCALE),
            flag: Side::Buy,
            touch: None,
            venue: None,
            conditions: Conditions::NONE,
        })
        .collect();
    let settings = json!({
        "bucket_size": 2, "buckets": 100, "min_trades": 1,
        "history": 200, "bvc_bars": 4, "bvc_min_bars": 2,
    });
    let body = run(&settings, &trades, &[]);
    let null = body
        .as_object()
        .unwrap()
        .iter()
        .find(|(_, value)| value.is_null());
    assert_eq!(null, None, "{body}");
    assert_eq!(body["value"], 1.0);
    assert_eq!(body["percentile_samples"], 200);
    assert_eq!(body["se"], 0.0);
    let heavy = body["value_bvc_t"].as_f64().unwrap();
    assert!(heavy > 0.0 && heavy < body["value_bvc"].as_f64().unwrap());
}
