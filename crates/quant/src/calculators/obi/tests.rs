//! Small sums by hand.

use chrono::NaiveDate;

use super::*;

const DAY: SessionDate = SessionDate(NaiveDate::MIN);

fn book_at(ms: i64, bids: &[(f64, f64)], asks: &[(f64, f64)]) -> OrderBook {
    let side = |levels: &[(f64, f64)]| levels.iter().map(|&(p, s)| level(p, s).unwrap()).collect();
    OrderBook::consolidated(side(bids), side(asks), Timestamp::from_millis(ms))
}

fn obi() -> Obi {
    Obi::new(Params::default(), Memory::default()).unwrap()
}

fn run(obi: &mut Obi, book: &OrderBook) -> Result<Payload, NoValue> {
    obi.compute((DAY, book), book.at)
}

#[test]
fn leans_toward_the_heavier_side() {
    let payload = run(&mut obi(), &book_at(0, &[(10.0, 3.0)], &[(10.1, 1.0)])).unwrap();
    assert_eq!(payload.level1_imbalance, Some(0.5));
    assert_eq!(payload.state, Some(State::ModerateImbalance));
    assert_eq!(payload.ofi, None, "one book has no flow");
}

#[test]
fn a_book_without_both_sides_has_no_imbalance() {
    let empty = run(&mut obi(), &book_at(0, &[], &[]));
    assert_eq!(empty, Err(NoValue::Undefined("empty book")));
    let one_sided = run(&mut obi(), &book_at(0, &[(10.0, 1.0)], &[]));
    assert_eq!(one_sided, Err(NoValue::Undefined("one-sided book")));
}

#[test]
fn flow_adds_up_within_its_window_and_leaves_it() {
    let mut obi = obi();
    let book = |ms, size| book_at(ms, &[(10.0, size)], &[(10.1, 100.0)]);
    run(&mut obi, &book(0, 100.0)).unwrap();
    run(&mut obi, &book(1_000, 150.0)).unwrap();
    let both = run(&mut obi, &book(2_000, 120.0)).unwrap();
    assert_eq!(both.ofi, Some(20.0));
    assert_eq!(both.sampling_ms, Some(1_000));
    let later = run(&mut obi, &book(11_500, 120.0)).unwrap();
    assert_eq!(
        later.ofi,
        Some(-30.0),
        "the first +50 is older than ten seconds"
    );
}

#[test]
fn the_same_book_again_is_not_a_sample() {
    let mut obi = obi();
    let first = book_at(0, &[(10.0, 100.0)], &[(10.1, 100.0)]);
    let second = book_at(500, &[(10.0, 150.0)], &[(10.1, 100.0)]);
    run(&mut obi, &first).unwrap();
    let once = run(&mut obi, &second).unwrap();
    let again = run(&mut obi, &second).unwrap();
    assert_eq!(once, again);
    assert_eq!(obi.counted().used, 2);
}

#[test]
fn a_book_that_changes_under_the_same_time_is_flow() {
    let mut obi = obi();
    let book = |ms, size| book_at(ms, &[(10.0, size)], &[(10.1, 100.0)]);
    run(&mut obi, &book(0, 100.0)).unwrap();
    let same_second = run(&mut obi, &book(0, 300.0)).unwrap();
    assert_eq!(same_second.ofi, Some(200.0));
    assert_eq!(same_second.book_velocity, None);
    let next = run(&mut obi, &book(500, 300.0)).unwrap();
    assert_eq!(next.ofi, Some(200.0));
    // The whole step of +0.5 in 0.5 s.
    assert!(next.book_velocity.unwrap() > 0.095, "{next:?}");
    assert_eq!(obi.counted().used, 3);
}

#[test]
fn what_happened_between_two_days_is_no_flow() {
    let mut obi = obi();
    let book = |ms, size| book_at(ms, &[(10.0, size)], &[(10.1, 100.0)]);
    run(&mut obi, &book(0, 100.0)).unwrap();
    run(&mut obi, &book(1_000, 150.0)).unwrap();
    let next_day = run(&mut obi, &book(61_200_000, 900.0)).unwrap();
    assert_eq!((next_day.ofi, next_day.book_velocity), (None, None));
    let then = run(&mut obi, &book(61_201_000, 800.0)).unwrap();
    assert_eq!(then.ofi, Some(-100.0));
}

#[test]
fn a_quiet_book_under_watch_is_no_gap() {
    let mut obi = obi();
    let book = |ms, size| book_at(ms, &[(10.0, size)], &[(10.1, 100.0)]);
    for ms in [0, 5_000, 10_000, 15_000] {
        obi.compute((DAY, &book(0, 100.0)), Timestamp::from_millis(ms))
            .unwrap();
    }
    let moved = run(&mut obi, &book(16_000, 150.0)).unwrap();
    assert_eq!(moved.ofi, Some(50.0));
}

#[test]
fn velocity_is_change_per_second() {
    let mut obi = obi();
    run(&mut obi, &book_at(0, &[(10.0, 100.0)], &[(10.1, 100.0)])).unwrap();
    let payload = run(&mut obi, &book_at(500, &[(10.0, 300.0)], &[(10.1, 100.0)])).unwrap();
    // One step of +0.5 in 0.5 s, weighted 1 − e^(−0.1).
    let velocity = payload.book_velocity.unwrap();
    assert!(
        (velocity - 0.095_162_581_964_040_43).abs() < 1e-15,
        "{velocity}"
    );
}

#[test]
fn a_gap_in_the_book_ends_the_flow() {
    let mut obi = obi();
    run(&mut obi, &book_at(0, &[(10.0, 100.0)], &[(10.1, 100.0)])).unwrap();
    run(&mut obi, &book_at(500, &[], &[])).unwrap_err();
    run(&mut obi, &book_at(900, &[(9.0, 5.0)], &[(9.1, 5.0)])).unwrap();
    let next = run(&mut obi, &book_at(1_400, &[(9.0, 7.0)], &[(9.1, 5.0)])).unwrap();
    assert_eq!(next.ofi, Some(2.0));
}

/// Settings under which a few hundred books make an estimate.
fn few() -> Params {
    Params {
        micro_price_window: 400,
        micro_price_min_samples: 100,
        ..Params::default()
    }
}

/// A market of one book a second whose price rises by a tick of 0.01 after a heavy bid, falls after
/// a heavy ask, and is balanced in between.
fn predictable(second: i64) -> OrderBook {
    let (up, sizes) = match second % 6 {
        0 => (0, (50.0, 50.0)),
        1 => (0, (90.0, 10.0)),
        2 => (1, (50.0, 50.0)),
        3 => (1, (50.0, 50.0)),
        4 => (1, (10.0, 90.0)),
        _ => (0, (50.0, 50.0)),
    };
    let bid = 100.0 + 0.01 * f64::from(up);
    let side = |price, size| [(price, size)];
    book_at(
        second * 1_000,
        &side(bid, sizes.0),
        &side(bid + 0.02, sizes.1),
    )
}

#[test]
fn the_micro_price_is_the_mid_that_follows() {
    let mut obi = Obi::new(few(), Memory::default()).unwrap();
    for second in 0..240 {
        let payload = run(&mut obi, &predictable(second)).unwrap();
        assert!(second >= 60 || payload.micro_price_stoikov.is_none());
    }
    let heavy_bid = run(&mut obi, &predictable(241)).unwrap();
    // Each heavy bid is followed by a tick up, and what follows then is balanced.
    let price = heavy_bid.micro_price_stoikov.unwrap();
    assert!((price - 100.02).abs() < 1e-9, "{price}");
    assert_eq!(heavy_bid.micro_price_tick, Some(0.01));
    let balanced = run(&mut obi, &predictable(242)).unwrap();
    assert_eq!(balanced.micro_price_stoikov, Some(100.02), "the mid");
}

#[test]
fn the_window_is_counted_once_a_minute() {
    let mut obi = Obi::new(few(), Memory::default()).unwrap();
    let counted: Vec<_> = (0..181)
        .map(|second| {
            let payload = run(&mut obi, &predictable(second)).unwrap();
            (payload.micro_price_samples, payload.micro_price_age_ms)
        })
        .collect();
    assert_eq!(counted[59], (Some(0), Some(59_000)));
    assert_eq!(counted[60], (Some(60), Some(0)));
    assert_eq!(counted[119], (Some(60), Some(59_000)));
    assert_eq!(counted[180], (Some(180), Some(0)));
}

#[test]
fn a_spread_wider_than_three_ticks_has_no_micro_price() {
    let mut obi = Obi::new(few(), Memory::default()).unwrap();
    for second in 0..241 {
        run(&mut obi, &predictable(second)).unwrap();
    }
    let wide = book_at(241_000, &[(100.0, 90.0)], &[(100.04, 10.0)]);
    let wide = run(&mut obi, &wide).unwrap();
    assert_eq!(wide.micro_price_stoikov, None);
    assert!(wide.micro_price.is_some());
}

#[test]
fn a_step_over_a_gap_is_not_counted() {
    let mut obi = Obi::new(few(), Memory::default()).unwrap();
    for second in 0..10 {
        run(&mut obi, &predictable(second)).unwrap();
    }
    run(&mut obi, &book_at(10_000, &[], &[])).unwrap_err();
    for second in 11..61 {
        run(&mut obi, &predictable(second)).unwrap();
    }
    let payload = run(&mut obi, &predictable(61)).unwrap();
    assert_eq!(payload.micro_price_samples, Some(9 + 49));
}

#[test]
fn history_is_of_minutes_and_not_of_runs() {
    let params = Params {
        min_samples: 2,
        ..Params::default()
    };
    let mut obi = Obi::new(params, Memory::default()).unwrap();
    let book = |second: i64, size| book_at(second * 1_000, &[(10.0, size)], &[(10.1, 100.0)]);
    for (second, size) in [(0, 100.0), (30, 900.0), (60, 300.0), (119, 700.0)] {
        run(&mut obi, &book(second, size)).unwrap();
    }
    let history = run(&mut obi, &book(120, 100.0)).unwrap().history.unwrap();
    assert_eq!((history.samples, history.window), (2, 240));
    assert_eq!(history.mean, Some(0.25), "0 and 0.5");
}

#[test]
fn settings_out_of_range_are_named() {
    let refused = |params| Obi::new(params, Memory::default()).err().unwrap();
    let default = Params::default();
    let message = refused(Params {
        min_samples: 500,
        ..default.clone()
    });
    assert_eq!(
        message,
        "min_samples: must be 2 to history_window, 240 (is 500)"
    );
    let message = refused(Params {
        micro_price_window: 5,
        micro_price_min_samples: 9,
        ..default
    });
    assert_eq!(
        message,
        "micro_price_window: must be 10 to 20000 (is 5)\n\
         micro_price_min_samples: must be 1 to 4 (is 9)",
        "every mistake at once"
    );
}

#[test]
fn a_memory_no_book_could_make_is_refused_and_a_longer_one_shortened() {
    let mut obi = Obi::new(few(), Memory::default()).unwrap();
    for second in 0..300 {
        run(&mut obi, &predictable(second)).unwrap();
    }
    let saved = serde_json::to_value(obi.state()).unwrap();
    let load = |saved| {
        Obi::new(
            Params {
                micro_price_window: 150,
                ..few()
            },
            saved,
        )
    };
    let shorter = load(serde_json::from_value(saved.clone()).unwrap()).unwrap();
    let books = serde_json::to_value(shorter.state()).unwrap()["micro"]["books"].take();
    assert_eq!(books.as_array().unwrap().len(), 150);

    for (pointer, wrong) in [
        ("/micro/books/7/1", serde_json::json!(0)),
        ("/micro/books/7/2", serde_json::json!(3)),
        ("/micro/estimate/tick", serde_json::json!(0)),
        ("/micro/estimate/adjustments", serde_json::json!([1.0])),
    ] {
        let mut spoilt = saved.clone();
        *spoilt.pointer_mut(pointer).unwrap() = wrong;
        assert!(
            load(serde_json::from_value(spoilt).unwrap()).is_err(),
            "{pointer}"
        );
    }
}
