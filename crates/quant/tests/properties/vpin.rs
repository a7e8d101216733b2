//! VPIN: its range, and what must not change it.

use proptest::prelude::*;
use quant::market::{Size, Timestamp, Trade};
use serde_json::{Value, json};

use crate::desk::{Desk, only};
use crate::market::{mirrored, prints};

/// Runs after the trades marked, and once at the end; the last document's own fields.
fn run(settings: &Value, trades: &[Trade], stops: &[bool]) -> Value {
    let mut desk = Desk::with("vpin", settings.clone());
    let end = trades.last().map_or(Timestamp::default(), |trade| trade.at);
    for (trade, stop) in trades
        .iter()
        .zip(stops.iter().chain(std::iter::repeat(&false)))
    {
        desk.print(*trade);
        if *stop {
            desk.turn(trade.at);
        }
    }
    only(desk.turn(end)).body()
}

/// Small buckets that 50 trades fill; the size given, or found by the warm-up.
fn settings() -> impl Strategy<Value = Value> {
    let size = prop_oneof![
        Just(0.0),
        (1..400u32).prop_map(|quarters| f64::from(quarters) / 4.0)
    ];
    (size, 1..8usize, 1..20usize).prop_map(|(size, buckets, min_trades)| {
        json!({"bucket_size": size, "buckets": buckets, "min_trades": min_trades})
    })
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
    fn lies_between_zero_and_one(settings in settings(), trades in prints(1..200)) {
        let body = run(&settings, &trades, &[]);
        let value = body["value"].as_f64().unwrap();
        prop_assert!((0.0..=1.0).contains(&value), "{body}");
        for share in ["open_bucket_fill", "classified_share"] {
            let share = body[share].as_f64().unwrap_or(0.0);
            prop_assert!((0.0..=1.0).contains(&share), "{body}");
        }
    }

    #[test]
    fn does_not_depend_on_how_trades_fall_into_runs(
        settings in settings(),
        trades in prints(1..200),
        stops in prop::collection::vec(any::<bool>(), 200),
    ) {
        let at_once = run(&settings, &trades, &[]);
        prop_assert_eq!(at_once, run(&settings, &trades, &stops));
    }

    #[test]
    fn does_not_depend_on_how_a_print_is_split(
        quarters in 1..400u32,
        buckets in 1..8usize,
        trades in prints(1..150),
        parts in prop::collection::vec(1..6i64, 150),
    ) {
        // The median print and the count of prints do depend on it: a size given, one print enough.
        let size = f64::from(quarters) / 4.0;
        let settings = json!({"bucket_size": size, "buckets": buckets, "min_trades": 1});
        let pieces: Vec<Trade> =
            trades.iter().zip(&parts).flat_map(|(trade, parts)| split(*trade, *parts)).collect();
        let (whole, pieces) = (run(&settings, &trades, &[]), run(&settings, &pieces, &[]));
        // A print that spans the whole window began before it, its last part did not.
        prop_assume!(whole["status"] == pieces["status"]);
        prop_assert_eq!(without_count(whole), without_count(pieces));
    }

    #[test]
    fn does_not_tell_buyers_from_sellers(settings in settings(), trades in prints(1..200)) {
        let mirror: Vec<Trade> = trades.iter().copied().map(mirrored).collect();
        prop_assert_eq!(run(&settings, &trades, &[]), run(&settings, &mirror, &[]));
    }
}
