//! Bars of prints, in order and late, and of minute bars.

use super::*;
use crate::market::{Conditions, Side, Size, Trade};

/// 2026-11-20 14:30 UTC, the start of a bar of each length.
const START: i64 = 1_795_185_000;

fn print(seconds: f64, price: f64, size: i64, conditions: Conditions) -> Trade {
    Trade {
        at: Timestamp::from_seconds(START).plus(crate::market::Span::from_seconds(seconds)),
        price: Price::from_f64(price).unwrap(),
        size: Size::from_units(size * Size::SCALE),
        flag: Side::Unknown,
        touch: None,
        venue: None,
        conditions,
    }
}

fn folded(prints: &[Trade], minutes: u32, keep: usize) -> (Series, Vec<bool>) {
    let mut series = Series::default();
    let taken = prints
        .iter()
        .map(|trade| series.take(trade, trade.conditions.effect(), nanos(minutes), keep));
    let taken = taken.collect();
    (series, taken)
}

/// Start in seconds from the first, open, high, low, close in units of the currency, volume, prints.
fn rows(series: &Series) -> Vec<(i64, Option<[f64; 4]>, f64, u64)> {
    let price = |units: i64| Price::from_units(units).to_f64();
    let row = |bar: &series::Folded| {
        let prices = bar
            .prices
            .map(|p| [p.open, p.high, p.low, p.close].map(price));
        let start = bar.start / 1_000_000_000 - START;
        (start, prices, size_sum_to_f64(bar.volume), bar.ticks)
    };
    series.bars().map(row).collect()
}

const PLAIN: Conditions = Conditions::NONE;

#[test]
fn bars_begin_on_the_clock_and_minutes_without_prints_have_none() {
    let prints = [
        print(0.0, 10.0, 1, PLAIN),
        print(59.999, 12.0, 2, PLAIN),
        print(60.0, 11.0, 4, PLAIN),
        print(299.0, 9.0, 8, PLAIN),
        print(300.0, 10.5, 16, PLAIN),
    ];
    assert_eq!(
        rows(&folded(&prints, 1, 60).0),
        [
            (0, Some([10.0, 12.0, 10.0, 12.0]), 3.0, 2),
            (60, Some([11.0; 4]), 4.0, 1),
            (240, Some([9.0; 4]), 8.0, 1),
            (300, Some([10.5; 4]), 16.0, 1),
        ]
    );
    assert_eq!(
        rows(&folded(&prints, 5, 60).0),
        [
            (0, Some([10.0, 12.0, 9.0, 9.0]), 15.0, 4),
            (300, Some([10.5; 4]), 16.0, 1),
        ]
    );
}

#[test]
fn a_late_print_amends_its_bar_and_opens_or_closes_it_by_its_time() {
    let prints = [
        print(10.0, 10.0, 1, PLAIN),
        print(50.0, 11.0, 1, PLAIN),
        print(70.0, 12.0, 1, PLAIN),
        // Late: within, before and behind what the first minute had.
        print(30.0, 20.0, 1, PLAIN),
        print(5.0, 9.0, 1, PLAIN),
        print(55.0, 10.5, 1, PLAIN),
    ];
    let minute = rows(&folded(&prints, 1, 60).0)[0];
    assert_eq!(minute, (0, Some([9.0, 20.0, 9.0, 10.5]), 5.0, 5));
}

#[test]
fn what_the_tapes_do_not_let_move_a_price_adds_volume_only() {
    let prints = [
        print(1.0, 50.0, 7, Conditions::ODD_LOT),
        print(2.0, 10.0, 1, PLAIN),
        print(3.0, 99.0, 100, Conditions::DERIVED),
        print(4.0, 1.0, 10, Conditions::LATE),
        print(60.0, 99.0, 5, Conditions::COMPLEX),
    ];
    assert_eq!(
        rows(&folded(&prints, 1, 60).0),
        [(0, Some([10.0; 4]), 118.0, 4), (60, None, 5.0, 1)]
    );
}

#[test]
fn the_oldest_bar_goes_and_a_print_older_than_all_is_too_late() {
    let minutes: Vec<Trade> = (0..4)
        .map(|n| print(f64::from(n) * 60.0, 10.0, 1, PLAIN))
        .collect();
    let late = [minutes.clone(), vec![minutes[0], minutes[2]]].concat();
    let (series, taken) = folded(&late, 1, 3);
    assert_eq!(taken, [true, true, true, true, false, true]);
    let starts: Vec<i64> = rows(&series).iter().map(|row| row.0).collect();
    assert_eq!(starts, [60, 120, 180]);
    assert!(series.is_sound(nanos(1), 3) && !series.is_sound(nanos(5), 3));
}

#[test]
fn a_memory_comes_back_as_it_was() {
    let prints = [
        print(1.0, 10.0, 90_000_000_000, PLAIN),
        print(1.5, 10.0, 90_000_000_000, PLAIN),
        print(61.0, 5.0, 1, Conditions::ODD_LOT),
    ];
    let (series, _) = folded(&prints, 1, 3);
    let saved = serde_json::to_value(&series).unwrap();
    assert_eq!(serde_json::from_value::<Series>(saved).unwrap(), series);
}

#[test]
fn bars_of_a_time_to_come_are_forgotten() {
    let (mut series, _) = folded(
        &[print(0.0, 1.0, 1, PLAIN), print(7200.0, 1.0, 1, PLAIN)],
        1,
        60,
    );
    series.forget_beyond(Timestamp::from_seconds(START), nanos(1));
    assert_eq!(rows(&series).len(), 1);
}

fn minute(at: i64, open: f64, close: f64) -> Bar {
    let price = |value| Price::from_f64(value).unwrap();
    Bar {
        start: Timestamp::from_seconds(START + 60 * at),
        open: price(open),
        high: price(open.max(close) + 1.0),
        low: price(open.min(close) - 1.0),
        close: price(close),
        volume: Size::from_units(100 * Size::SCALE),
    }
}

#[test]
fn minute_bars_make_longer_ones_but_not_of_a_part() {
    let bars: Vec<Bar> = (3..11)
        .map(|n| minute(n, 10.0 + n as f64, 11.0 + n as f64))
        .chain([minute(10, 50.0, 40.0)])
        .collect();
    let made = Bars::new(Params::default(), Memory::default())
        .unwrap()
        .of_minute_bars(&bars, Timestamp::from_seconds(START + 630));
    let lengths: Vec<usize> = made.iter().map(|window| window.start_ms.len()).collect();
    assert_eq!(lengths, [8, 2, 0]);
    let five = made[1].last().unwrap();
    assert_eq!((five.open, five.close, five.high), (50.0, 40.0, 51.0));
    assert_eq!((made[1].open[0], made[1].close[0]), (15.0, 20.0));
    assert_eq!(made[1].volume, [500.0, 100.0]);
    assert_eq!(made[1].complete, [true, false]);
    assert_eq!(made[1].num_ticks, [None, None]);
}

#[test]
fn settings_that_make_no_sense_are_named() {
    let wrong = Bars::new(Params { keep: 1 }, Memory::default());
    assert!(wrong.err().unwrap().starts_with("keep: must be 2 to 500"));
}
