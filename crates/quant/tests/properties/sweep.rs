//! Sweeps: what must not change them, and what they never are.

use proptest::prelude::*;
use quant::market::{Conditions, Timestamp, Trade, Venue};
use serde_json::{Value, json};

use crate::desk::{Desk, only};
use crate::market::{mirrored, prints};

/// Prints within moments of each other, on few venues, some marked and some of another moment.
fn quick_prints(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Trade>> {
    let venue = prop::sample::select(vec![None, Some("N"), Some("Q"), Some("D")]);
    let conditions = prop::sample::select(vec![
        Conditions::NONE,
        Conditions::NONE,
        Conditions::SWEEP,
        Conditions::LATE,
    ]);
    let more = prop::collection::vec((venue, conditions), count.end);
    (prints(count), more).prop_map(|(mut trades, more)| {
        for (trade, (venue, conditions)) in trades.iter_mut().zip(more) {
            trade.at = Timestamp::from_nanos(trade.at.nanos() / 40);
            trade.venue = venue.map(Venue::new);
            trade.conditions = conditions;
        }
        trades
    })
}

/// Runs after the trades marked, a restart there where it is wanted, and once at the end.
fn run(trades: &[Trade], stops: &[bool], restarts: bool) -> Value {
    let mut desk = Desk::with("sweep", json!({"window_ms": 200}));
    for (trade, stop) in trades.iter().zip(stops) {
        desk.print(*trade);
        if *stop {
            desk.turn(trade.at);
            if restarts {
                desk = desk.restarted();
            }
        }
    }
    let end = trades.last().map_or(Timestamp::default(), |trade| trade.at);
    only(desk.turn(end)).body()
}

proptest! {
    #[test]
    fn do_not_depend_on_how_trades_fall_into_runs(
        trades in quick_prints(1..200),
        stops in prop::collection::vec(any::<bool>(), 200),
    ) {
        let at_once = run(&trades, &[false; 200], false);
        prop_assert_eq!(at_once, run(&trades, &stops, false));
    }

    #[test]
    fn go_on_over_a_restart(
        trades in quick_prints(1..200),
        mut stops in prop::collection::vec(any::<bool>(), 200),
    ) {
        // The tape of the desk is gone with a restart; one more trade makes it fresh.
        if let Some(last) = stops.get_mut(trades.len() - 1) {
            *last = false;
        }
        prop_assert_eq!(run(&trades, &stops, false), run(&trades, &stops, true));
    }

    #[test]
    fn are_within_their_criteria(trades in quick_prints(1..200)) {
        let body = run(&trades, &[false; 200], false);
        let events = body["events"].as_array().unwrap();
        prop_assert!(events.len() <= 20);
        prop_assert_eq!(&body["value"], &json!(i32::from(!events.is_empty())));
        for event in events {
            let number = |field: &str| event[field].as_f64().unwrap();
            prop_assert!(number("end_ms") - number("start_ms") <= 201.0, "{event}");
            prop_assert!((0.0..=1.0).contains(&number("iso_share")), "{event}");
            let vwap = number("notional") / number("size");
            prop_assert!((vwap - number("vwap")).abs() <= 1e-9, "{event}");
            let sweep = event["kind"] == "intermarket_sweep";
            prop_assert_eq!(sweep, number("venues") >= 2.0, "{}", event);
            prop_assert!(number("venues") <= 2.0, "what was reported off exchange swept nothing");
        }
    }

    #[test]
    fn buyers_and_sellers_sweep_alike(trades in quick_prints(1..200)) {
        let mirror: Vec<Trade> = trades.iter().copied().map(mirrored).collect();
        let (one, other) = (run(&trades, &[false; 200], false), run(&mirror, &[false; 200], false));
        for field in ["value", "sample_count", "price_levels"] {
            prop_assert_eq!(&one[field], &other[field]);
        }
        let sides = |body: &Value, side: &str| {
            let events = body["events"].as_array().unwrap();
            events.iter().filter(|event| event["side"] == side).count()
        };
        prop_assert_eq!(sides(&one, "buy"), sides(&other, "sell"));
        prop_assert_eq!(sides(&one, "sell"), sides(&other, "buy"));
    }
}
