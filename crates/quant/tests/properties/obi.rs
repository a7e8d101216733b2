//! Order-book imbalance: ranges, the mirror of bids and asks, scale, and flow that adds up.

use proptest::prelude::*;
use quant::calculators::obi::measure;
use quant::market::{OrderBook, Price};
use quant::math::book::{BestLevels, order_flow, weighted_mid};
use serde_json::{Value, json};

use crate::desk::{Desk, only};
use crate::market::{at_ms, extreme, levels};

type Pairs = Vec<(i64, i64)>;

/// Bids and asks around a price of 1,000,000 units, crossed and locked ones among them.
fn sides() -> impl Strategy<Value = (Pairs, Pairs)> {
    let side = |prices| prop::collection::vec((prices, 0..1_000_000i64), 1..8);
    (side(999_980..1_000_002i64), side(999_998..1_000_020i64))
}

/// Successive books, some of them of one time.
fn books() -> impl Strategy<Value = Vec<(i64, Pairs, Pairs)>> {
    prop::collection::vec((0..400i64, sides()), 1..20).prop_map(|books| {
        let mut clock = 0;
        let dated = books.into_iter().map(|(gap, (bids, asks))| {
            clock += gap;
            (clock, bids, asks)
        });
        dated.collect()
    })
}

fn book(ms: i64, bids: &[(i64, i64)], asks: &[(i64, i64)]) -> OrderBook {
    OrderBook::consolidated(levels(bids), levels(asks), at_ms(ms))
}

/// The last document of a calculator that saw these books.
fn run(books: impl IntoIterator<Item = OrderBook>) -> Value {
    let mut desk = Desk::with("obi", json!({}));
    let mut last = Value::Null;
    for book in books {
        let now = book.at;
        desk.snapshot.book.set(book, now);
        last = only(desk.turn(now)).value();
    }
    last
}

fn negated(value: &Value) -> Value {
    value
        .as_f64()
        .map_or(Value::Null, |number| json!(0.0 - number))
}

fn best(bid: i64, bid_size: i64, ask: i64, ask_size: i64) -> BestLevels {
    BestLevels {
        bid,
        bid_size,
        ask,
        ask_size,
    }
}

fn size() -> impl Strategy<Value = i64> {
    extreme().prop_map(i64::saturating_abs)
}

fn any_best() -> impl Strategy<Value = BestLevels> {
    (extreme(), size(), extreme(), size()).prop_map(|(b, bs, a, az)| best(b, bs, a, az))
}

proptest! {
    #[test]
    fn swapping_the_sides_turns_every_sign(books in books()) {
        let reflect = |side: &Pairs| -> Pairs {
            side.iter().map(|(price, size)| (2_000_000 - price, *size)).collect()
        };
        let seen = run(books.iter().map(|(ms, bids, asks)| book(*ms, bids, asks)));
        let mirror = run(books.iter().map(|(ms, b, a)| book(*ms, &reflect(a), &reflect(b))));
        for field in [
            "level1_imbalance",
            "level5_imbalance",
            "level5_imbalance_rank_weighted",
            "book_velocity",
            "ofi",
            "ofi_normalised",
        ] {
            prop_assert_eq!(negated(&seen[field]), mirror[field].clone(), "{}", field);
        }
        for field in ["state", "book_status"] {
            prop_assert_eq!(&seen[field], &mirror[field], "{}", field);
        }
        prop_assert_eq!(&seen["depth_bid"], &mirror["depth_ask"]);
    }

    #[test]
    fn imbalances_know_no_unit((bids, asks) in sides(), scale in 2..1_000i64) {
        let scaled = |side: &Pairs| -> Pairs {
            side.iter().map(|(price, size)| (*price, size * scale)).collect()
        };
        let one = measure(&book(0, &bids, &asks)).unwrap();
        let many = measure(&book(0, &scaled(&bids), &scaled(&asks))).unwrap();
        prop_assert_eq!(one.level1, many.level1);
        prop_assert_eq!(one.level5, many.level5);
        prop_assert_eq!(one.rank_weighted, many.rank_weighted);
        prop_assert_eq!(one.pressure_ratio, many.pressure_ratio);
    }

    #[test]
    fn imbalances_lie_between_minus_one_and_one(
        bids in prop::collection::vec((extreme(), size()), 1..8),
        asks in prop::collection::vec((extreme(), size()), 1..8),
    ) {
        let shape = measure(&book(0, &bids, &asks)).unwrap();
        for imbalance in [shape.level1, shape.level5, shape.rank_weighted].into_iter().flatten() {
            prop_assert!((-1.0..=1.0).contains(&imbalance), "{shape:?}");
        }
    }

    #[test]
    fn the_micro_price_lies_between_bid_and_ask(at in any_best()) {
        let (bid, ask) = (at.bid.min(at.ask), at.bid.max(at.ask));
        let at = BestLevels { bid, ask, ..at };
        if let Some(price) = weighted_mid(at) {
            prop_assert!(at.bid as f64 <= price && price <= at.ask as f64, "{price}");
            let published = price / Price::SCALE as f64;
            prop_assert!(Price::from_units(at.bid).to_f64() <= published);
            prop_assert!(published <= Price::from_units(at.ask).to_f64());
        }
    }

    #[test]
    fn flow_is_the_sum_of_its_steps(books in books()) {
        // 20 books of at most 400 ms stay within the window of ten seconds.
        let seen: Vec<OrderBook> =
            books.iter().map(|(ms, bids, asks)| book(*ms, bids, asks)).collect();
        let bests: Vec<BestLevels> = seen.iter().map(|book| measure(book).unwrap().best).collect();
        let steps = bests.windows(2).map(|pair| order_flow(pair[0], pair[1]));
        let sum: i128 = steps.sum();
        let ofi = run(seen)["ofi"].as_f64();
        prop_assert_eq!(ofi.unwrap_or(0.0), sum as f64 / 1e8);
    }

    #[test]
    fn flow_at_unchanged_prices_does_not_depend_on_the_books_between(
        (bid, ask) in (extreme(), extreme()),
        sizes in prop::collection::vec((size(), size()), 2..10),
    ) {
        let states: Vec<BestLevels> = sizes.iter().map(|&(b, a)| best(bid, b, ask, a)).collect();
        let steps: i128 = states.windows(2).map(|pair| order_flow(pair[0], pair[1])).sum();
        prop_assert_eq!(steps, order_flow(states[0], states[states.len() - 1]));
    }

    #[test]
    fn flow_of_the_mirrored_book_is_the_opposite(before in any_best(), after in any_best()) {
        let mirror = |of: BestLevels| {
            best(of.ask.saturating_neg(), of.ask_size, of.bid.saturating_neg(), of.bid_size)
        };
        let smallest = i64::MIN;
        prop_assume!(![before.bid, before.ask, after.bid, after.ask].contains(&smallest));
        prop_assert_eq!(order_flow(mirror(before), mirror(after)), -order_flow(before, after));
    }
}

#[test]
fn a_book_read_twice_is_one_book() {
    let first = book(0, &[(10, 1)], &[(12, 1)]);
    let second = book(500, &[(10, 5)], &[(12, 1)]);
    let once = run([first.clone(), second.clone()]);
    assert_eq!(once, run([first, second.clone(), second]));
}
