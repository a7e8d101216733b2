//! Stoikov's micro-price: against the plain sum of its series, within the touch, and one for bid
//! and ask alike.

use proptest::prelude::*;
use quant::market::OrderBook;
use quant::math::dense::apply;
use quant::math::microprice::{CELLS, Cell, Counts, adjustments};
use serde_json::{Value, json};

use crate::desk::{Desk, only};
use crate::market::{at_ms, levels};

type Step = (i8, i64, i8, i64, i64);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (-2..=2i8, 1..=3i64, -2..=2i8, 1..=3i64, -4..=4i64);
    prop::collection::vec(step, 1..300)
}

fn counted(steps: &[Step]) -> Counts {
    let mut counts = Counts::default();
    for &(bin, spread, to_bin, to_spread, half_ticks) in steps {
        let cell = |bin, spread| Cell::of(bin, spread).unwrap();
        counts.add(cell(bin, spread), cell(to_bin, to_spread), half_ticks);
    }
    counts
}

/// A book around a price of 1,000,000 units with a tick of 10: how far the bid moves, the spread
/// in ticks, the sizes, and the time to the next.
type Turn = (i64, i64, i64, i64, i64);

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let gap = prop_oneof![9 => 200..2_000i64, 1 => 0..120_000i64];
    prop::collection::vec((-1..=1i64, 0..5i64, 0..9i64, 0..9i64, gap), 20..200)
}

const CENTRE: i64 = 1_000_000;

/// The books of these turns with their times; mirrored, bids are asks.
fn books(turns: &[Turn], mirrored: bool) -> Vec<OrderBook> {
    let (mut bid, mut clock) = (CENTRE, 0);
    let book = |&(up, spread, bid_size, ask_size, gap): &Turn| {
        bid += up * 10;
        clock += gap;
        let ask = bid + spread * 10;
        let (bids, asks) = if mirrored {
            ((2 * CENTRE - ask, ask_size), (2 * CENTRE - bid, bid_size))
        } else {
            ((bid, bid_size), (ask, ask_size))
        };
        OrderBook::consolidated(levels(&[bids]), levels(&[asks]), at_ms(clock))
    };
    turns.iter().map(book).collect()
}

fn desk() -> Desk {
    Desk::with(
        "obi",
        json!({"micro_price_window": 100, "micro_price_min_samples": 5,
            "micro_price_min_visits": 1, "min_samples": 2, "time_of_day_min_days": 2}),
    )
}

fn show(desk: &mut Desk, book: &OrderBook) -> Value {
    desk.snapshot.book.set(book.clone(), book.at);
    only(desk.turn(book.at)).value()
}

fn run(books: &[OrderBook]) -> Vec<Value> {
    let mut desk = desk();
    books.iter().map(|book| show(&mut desk, book)).collect()
}

proptest! {
    #[test]
    fn the_solution_is_the_sum_of_the_series(steps in steps()) {
        let Some(solved) = counted(&steps).chain().solve() else { return Ok(()) };
        let mut sum = vec![0.0; CELLS];
        let mut term = solved.first.clone();
        for _ in 0..20_000 {
            sum.iter_mut().zip(&term).for_each(|(sum, term)| *sum += term);
            term = apply(&solved.renewal, &term);
        }
        let left = term.iter().fold(0.0, |max: f64, x| max.max(x.abs()));
        // A chain that forgets slowly is not summed by then.
        prop_assume!(left < 1e-13);
        for (got, expected) in solved.total.iter().zip(&sum) {
            prop_assert!((got - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{got} {expected}");
        }
    }

    #[test]
    fn mirrored_steps_are_the_same_counts(steps in steps()) {
        let mirror: Vec<Step> = steps.iter().map(|&(a, s, b, t, m)| (-a, s, -b, t, -m)).collect();
        prop_assert_eq!(counted(&steps), counted(&mirror));
        let Some(of) = adjustments(&counted(&steps), 1) else { return Ok(()) };
        for (cell, half_ticks) in of.iter().enumerate() {
            let opposite = cell / 5 * 5 + 4 - cell % 5;
            prop_assert_eq!(half_ticks.map(|h| 0.0 - h), of[opposite].map(|h| h + 0.0));
        }
    }

    #[test]
    fn it_lies_between_bid_and_ask_and_mirrors_with_them(turns in turns()) {
        let (seen, mirrored) = (books(&turns, false), books(&turns, true));
        let both = run(&seen).into_iter().zip(run(&mirrored));
        for (book, (one, other)) in seen.iter().zip(both) {
            prop_assert_eq!(&one["micro_price_samples"], &other["micro_price_samples"]);
            let price = one["micro_price_stoikov"].as_f64();
            let reflected = other["micro_price_stoikov"].as_f64();
            prop_assert_eq!(price.is_some(), reflected.is_some());
            let (Some(price), Some(reflected)) = (price, reflected) else { continue };
            prop_assert!(book.bids[0].price.to_f64() <= price);
            prop_assert!(price <= book.asks[0].price.to_f64());
            let sum = 2.0 * CENTRE as f64 / 1e9;
            prop_assert!((price + reflected - sum).abs() < 1e-15, "{price} {reflected}");
        }
    }

    #[test]
    fn a_restart_continues_it(turns in turns(), stop in 0..200usize) {
        let seen = books(&turns, false);
        let through = run(&seen);
        let mut restarted = desk();
        for (number, book) in seen.iter().enumerate() {
            if number == stop {
                restarted = restarted.restarted();
            }
            prop_assert_eq!(&show(&mut restarted, book), &through[number]);
        }
    }
}

#[test]
fn some_of_these_markets_have_an_estimate() {
    let turn = |n: i64| ((n * 7 % 3) - 1, 1 + n % 3, n * 5 % 9, n * 11 % 7 + 1, 700);
    let turns: Vec<Turn> = (0..300).map(turn).collect();
    let last = run(&books(&turns, false)).pop().unwrap();
    assert!(last["micro_price_stoikov"].is_f64(), "{last}");
}
