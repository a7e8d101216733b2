//! Small sums by hand.

use super::*;

fn book_at(ms: i64, bids: &[(f64, f64)], asks: &[(f64, f64)]) -> OrderBook {
    let side = |levels: &[(f64, f64)]| levels.iter().map(|&(p, s)| level(p, s).unwrap()).collect();
    OrderBook::consolidated(side(bids), side(asks), Timestamp::from_millis(ms))
}

fn obi() -> Obi {
    Obi::new(Params::default(), Memory::default()).unwrap()
}

fn run(obi: &mut Obi, book: &OrderBook) -> Result<Payload, NoValue> {
    obi.compute(book, book.at)
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
        obi.compute(&book(0, 100.0), Timestamp::from_millis(ms))
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
