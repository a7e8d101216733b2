//! Bars: whatever order prints come in and however they fall into runs, they are the bars of all.

use proptest::prelude::*;
use quant::calculator::Status;
use quant::market::{Conditions, Timestamp, Trade};
use serde_json::{Value, json};

use crate::desk::{Desk, only};
use crate::market::prints;

/// Prints over some minutes, no two at one instant, some of which move no price.
fn spread_prints() -> impl Strategy<Value = Vec<Trade>> {
    let conditions = prop::sample::select(vec![
        Conditions::NONE,
        Conditions::NONE,
        Conditions::ODD_LOT,
        Conditions::OFFICIAL,
    ]);
    let more = prop::collection::vec((0..1_000_000_u64, conditions), 120);
    (prints(1..120), more).prop_map(|(mut trades, more)| {
        let start = trades[0].at.nanos();
        for (at, (trade, (offset, conditions))) in trades.iter_mut().zip(more).enumerate() {
            let nanos = (offset * 1_000_000) as i64 + at as i64;
            trade.at = Timestamp::from_nanos(start + nanos);
            trade.conditions = conditions;
        }
        trades
    })
}

/// The bars after all, with a run, and a restart, behind each print that is marked.
fn windows(trades: &[Trade], stops: &[bool]) -> Value {
    let mut desk = Desk::with("bars", json!({}));
    let end = trades.iter().map(|trade| trade.at).max().unwrap();
    for (trade, stop) in trades.iter().zip(stops) {
        desk.print(*trade);
        if *stop {
            desk.turn(end);
            desk = desk.restarted();
        }
    }
    only(desk.turn(end)).body()["windows"].clone()
}

#[test]
fn without_prints_there_are_none() {
    let said = Desk::with("bars", json!({})).turn(Timestamp::from_seconds(1_795_186_800));
    let said = only(said);
    assert_eq!(said.outcome.status, Status::Missing);
    assert_eq!(said.outcome.reason.as_deref(), Some("no trades"));
}

proptest! {
    #[test]
    fn are_those_of_all_prints_in_whatever_order_and_runs_they_come(
        (trades, shuffled) in spread_prints().prop_flat_map(|t| (Just(t.clone()), Just(t).prop_shuffle())),
        stops in prop::collection::vec(any::<bool>(), 120),
    ) {
        let mut sorted = trades;
        sorted.sort_by_key(|trade| trade.at);
        prop_assert_eq!(windows(&sorted, &[false; 120]), windows(&shuffled, &stops));
    }

    #[test]
    fn hold_all_volume_and_every_price_between_their_ends(trades in spread_prints()) {
        let windows = windows(&trades, &[false; 120]);
        let moves = |trade: &&Trade| trade.conditions == Conditions::NONE;
        let priced: Vec<f64> = trades.iter().filter(moves).map(|t| t.price.to_f64()).collect();
        let size = |trade: &Trade| match trade.conditions == Conditions::OFFICIAL {
            true => 0.0,
            false => trade.size.to_f64(),
        };
        let total: f64 = trades.iter().map(size).sum();
        for window in windows.as_array().into_iter().flatten() {
            let of = |name: &str| -> Vec<f64> {
                window[name].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
            };
            let (high, low) = (of("high"), of("low"));
            let highest = high.iter().copied().fold(f64::MIN, f64::max);
            let lowest = low.iter().copied().fold(f64::MAX, f64::min);
            prop_assert_eq!(highest, priced.iter().copied().fold(f64::MIN, f64::max));
            prop_assert_eq!(lowest, priced.iter().copied().fold(f64::MAX, f64::min));
            prop_assert!(of("volume").iter().sum::<f64>() <= total * (1.0 + 1e-9));
            for (price, at) in of("open").into_iter().chain(of("close")).zip((0..high.len()).cycle()) {
                prop_assert!(low[at] <= price && price <= high[at]);
            }
            for (start, minutes) in of("start_ms").iter().zip(std::iter::repeat(&window["window_minutes"])) {
                prop_assert_eq!(start % (60_000.0 * minutes.as_f64().unwrap()), 0.0);
            }
        }
    }
}
