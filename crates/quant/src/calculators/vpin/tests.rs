//! What VPIN promises: bucket sizes by source, percentiles, memory that loads or is refused.

use chrono::NaiveDate;

use super::*;
use crate::market::{Conditions, Price, Side, Size, Trade};

fn print(size: i64) -> Print {
    Print {
        at_ns: 0,
        size: size * Size::SCALE,
        sign: 1,
        kind: 3,
    }
}

fn goog() -> Symbol {
    Symbol::new("GOOG").unwrap()
}

fn shares(size: f64) -> Option<Size> {
    Size::from_f64(size)
}

fn check_source(params: Params, discovered: Discovered, expected: (f64, BucketSource)) {
    let mut vpin = Vpin::new(params, Memory::default()).unwrap();
    let date = SessionDate(NaiveDate::default());
    vpin.choose_size(&goog(), date, &discovered);
    (0..100).for_each(|_| vpin.fold(print(10), &goog(), &discovered));
    let size = vpin.memory.buckets.unwrap().size() as f64 / Size::SCALE as f64;
    assert_eq!((size, vpin.memory.source.unwrap()), expected);
}

#[test]
fn the_bucket_size_is_the_best_source_that_knows_one() {
    let mut params = Params::default();
    let mut seen = Discovered::default();
    check_source(params.clone(), seen, (500.0, BucketSource::MedianPrint));
    seen.vpin_bucket_size_global = shares(499.0);
    check_source(params.clone(), seen, (500.0, BucketSource::MedianPrint));
    seen.vpin_bucket_size_global = shares(501.0);
    check_source(params.clone(), seen, (501.0, BucketSource::Discovered));
    seen.average_daily_volume = shares(1000.0);
    check_source(
        params.clone(),
        seen,
        (20.0, BucketSource::AverageDailyVolume),
    );
    seen.vpin_bucket_size = shares(7.0);
    check_source(params.clone(), seen, (7.0, BucketSource::DiscoveredSymbol));
    params.bucket_size = 8.0;
    check_source(params.clone(), seen, (8.0, BucketSource::Config));
    params.bucket_sizes.insert("GOOG".into(), 9.0);
    check_source(params, seen, (9.0, BucketSource::ConfigSymbol));
}

#[test]
fn prints_without_size_do_not_shrink_the_bucket() {
    let mut vpin = Vpin::new(Params::default(), Memory::default()).unwrap();
    for size in std::iter::repeat_n([0, 0, 10], 100).flatten() {
        vpin.fold(print(size), &goog(), &Discovered::default());
    }
    let size = vpin.memory.buckets.unwrap().size();
    assert_eq!(size, 500 * Size::SCALE);
}

#[test]
fn the_size_holds_for_the_session_and_a_new_one_starts_a_new_window() {
    let mut vpin = Vpin::new(Params::default(), Memory::default()).unwrap();
    let day = |day| SessionDate(NaiveDate::from_ymd_opt(2026, 11, day).unwrap());
    let seen = |size| Discovered {
        vpin_bucket_size: shares(size),
        ..Discovered::default()
    };
    vpin.choose_size(&goog(), day(19), &seen(100.0));
    vpin.fold(print(150), &goog(), &seen(100.0));
    vpin.choose_size(&goog(), day(19), &seen(200.0));
    assert_eq!(vpin.memory.buckets.as_ref().unwrap().completed(), 1);
    vpin.choose_size(&goog(), day(20), &seen(100.0));
    assert_eq!(vpin.memory.buckets.as_ref().unwrap().completed(), 1);
    vpin.choose_size(&goog(), day(23), &seen(200.0));
    assert_eq!(vpin.memory.buckets.as_ref().unwrap().completed(), 0);
}

/// Buckets of 100 shares, n = 2, no warm-up.
fn small() -> Params {
    Params {
        buckets: 2,
        bucket_size: 100.0,
        min_trades: 1,
        ..Params::default()
    }
}

fn started(params: Params) -> Vpin {
    let mut vpin = Vpin::new(params, Memory::default()).unwrap();
    let date = SessionDate(NaiveDate::default());
    vpin.choose_size(&goog(), date, &Discovered::default());
    vpin
}

fn pour(vpin: &mut Vpin, size: i64, sign: i8) {
    let print = Print {
        sign,
        ..print(size)
    };
    vpin.fold(print, &goog(), &Discovered::default());
}

fn value(vpin: &mut Vpin) -> Payload {
    vpin.value(Rule::Auto, None).unwrap()
}

#[test]
fn the_percentile_is_the_share_of_values_at_or_below_the_present_one() {
    let mut vpin = started(small());
    (0..200).for_each(|_| pour(&mut vpin, 100, 0));
    let payload = value(&mut vpin);
    assert_eq!(payload.percentile_samples, Some(199), "from two buckets on");
    assert_eq!(payload.percentile, None);
    pour(&mut vpin, 100, 1);
    let payload = value(&mut vpin);
    assert_eq!((payload.value, payload.percentile), (0.5, Some(1.0)));
    pour(&mut vpin, 100, 0);
    pour(&mut vpin, 100, 0);
    let payload = value(&mut vpin);
    assert_eq!(
        (payload.value, payload.percentile),
        (0.0, Some(200.0 / 202.0))
    );
}

#[test]
fn a_giant_print_fills_the_history_and_no_more() {
    let mut vpin = started(Params {
        history: 200,
        ..small()
    });
    pour(&mut vpin, 1_000_000_000, 1);
    pour(&mut vpin, 100, 1);
    let payload = value(&mut vpin);
    assert_eq!(payload.percentile_samples, Some(200));
    assert_eq!(payload.percentile, Some(1.0));
}

/// By hand: imbalances 0.2 and 0.6, γ₀ = 0.04, γ₁ = −0.02 at weight 1/2: √(0.02/1).
#[test]
fn the_standard_error_of_two_buckets_by_hand() {
    let mut vpin = started(small());
    for (size, sign) in [(60, 1), (40, -1), (80, 1), (20, -1)] {
        pour(&mut vpin, size, sign);
    }
    let se = value(&mut vpin).se.unwrap();
    assert!((se - libm::sqrt(0.02)).abs() < 1e-15, "{se}");
}

#[test]
fn one_bucket_has_no_standard_error() {
    let mut vpin = started(Params {
        buckets: 1,
        ..small()
    });
    pour(&mut vpin, 100, 1);
    assert_eq!(value(&mut vpin).se, None);
}

#[test]
fn the_history_outlives_a_new_size_that_is_near_and_no_other() {
    let mut vpin = Vpin::new(small(), Memory::default()).unwrap();
    vpin.params.bucket_size = 0.0;
    let mut day = 0;
    let mut samples_after = |volume: f64| {
        day += 1;
        let date = SessionDate(NaiveDate::from_num_days_from_ce_opt(730_000 + day).unwrap());
        let seen = Discovered {
            average_daily_volume: shares(volume),
            ..Discovered::default()
        };
        vpin.choose_size(&goog(), date, &seen);
        let before = vpin.memory.history.len();
        (0..3).for_each(|_| pour(&mut vpin, (volume * 0.02) as i64, 1));
        before
    };
    assert_eq!(samples_after(5_000.0), 0);
    assert_eq!(samples_after(5_000.0), 2);
    assert_eq!(samples_after(9_000.0), 5);
    assert_eq!(samples_after(20_000.0), 0);
}

#[test]
fn a_memory_from_before_there_was_a_history_is_taken() {
    let mut vpin = started(small());
    pour(&mut vpin, 300, 1);
    let mut saved = serde_json::to_value(vpin.state()).unwrap();
    for field in ["history", "bulk"] {
        saved.as_object_mut().unwrap().remove(field).unwrap();
    }
    let vpin = Vpin::new(small(), serde_json::from_value(saved).unwrap()).unwrap();
    assert_eq!(vpin.memory.buckets.unwrap().completed(), 3);
    assert!(vpin.memory.bulk.has_buckets());
}

#[test]
fn a_full_memory_is_small() {
    let mut vpin = started(Params {
        bucket_size: 9_999.0,
        ..Params::default()
    });
    for number in 0..400_000i64 {
        let sign = [1, -1, -1, 1, 0][(number * number % 5) as usize];
        let print = Print {
            at_ns: 1_700_000_000_000_000_000 + number,
            kind: (number % 12) as u8,
            sign,
            ..print(99)
        };
        vpin.fold(print, &goog(), &Discovered::default());
        vpin.memory.bulk.fold(&trade(number), &vpin.params);
    }
    assert_eq!(vpin.memory.history.len(), vpin.params.history);
    let bytes = serde_json::to_vec(vpin.state()).unwrap().len();
    assert!((20_000..50_000).contains(&bytes), "{bytes}");
}

/// Ninety trades a minute at a wandering price.
fn trade(number: i64) -> Trade {
    Trade {
        at: Timestamp::from_millis(1_700_000_000_000 + number * 667),
        price: Price::from_units(100_000_000_000 + number * 7_919 % 1_000 * 1_000_000),
        size: Size::from_units(99 * Size::SCALE),
        flag: Side::Unknown,
        touch: None,
        venue: None,
        conditions: Conditions::NONE,
    }
}

#[test]
fn a_memory_that_no_prints_could_have_made_is_refused() {
    let mut vpin = Vpin::new(Params::default(), Memory::default()).unwrap();
    (0..120).for_each(|_| vpin.fold(print(10), &goog(), &Discovered::default()));
    let saved = serde_json::to_value(vpin.state()).unwrap();
    let restore = |change: fn(&mut serde_json::Value)| {
        let mut state = saved.clone();
        change(&mut state);
        Vpin::new(Params::default(), serde_json::from_value(state).unwrap()).is_ok()
    };
    assert!(restore(|_| ()));
    assert!(!restore(|state| state["buckets"]["size"] = 0.into()));
    assert!(!restore(|state| state["buckets"]["size"] = (-1).into()));
    assert!(!restore(|state| state["buckets"]["kept"] = 49.into()));
    assert!(!restore(|state| state["buckets"]["fill"] = (-1).into()));
    assert!(!restore(
        |state| state["buckets"]["open"]["net"] = i64::MIN.into()
    ));
    assert!(!restore(
        |state| state["buckets"]["complete"][0]["by_kind"][0] = 7.into()
    ));
    assert!(!restore(|state| state["history"] = [10_001].into()));
    assert!(!restore(
        |state| state["bulk"]["poured"][0]["size"] = 1.into()
    ));
    assert!(!restore(
        |state| state["bulk"]["poured"][1]["net"] = 1.into()
    ));
    assert!(!restore(|state| state["buckets"] = serde_json::Value::Null));
    assert!(restore(|state| state["bulk"]["changes"] = [7; 99].into()));
}

#[test]
fn settings_out_of_range_are_named() {
    let check = |params: Params, expected: &str| {
        assert_eq!(
            Vpin::new(params, Memory::default()).err().unwrap(),
            expected
        );
    };
    let params = Params::default;
    check(
        Params {
            buckets: 0,
            ..params()
        },
        "buckets: must be 1 to 10000 (is 0)",
    );
    check(
        Params {
            bucket_size: -1.0,
            ..params()
        },
        "bucket_size: must be 0 or a volume in shares (is -1)",
    );
    check(
        Params {
            adv_fraction: f64::NAN,
            ..params()
        },
        "adv_fraction: must be above 0 and up to 1 (is NaN)",
    );
    check(
        Params {
            history: 199,
            ..params()
        },
        "history: must be 200 to 10000 (is 199)",
    );
    check(
        Params {
            bvc_bars: 1,
            bvc_min_bars: 2,
            ..params()
        },
        "bvc_bars: must be 2 to 1000 (is 1)",
    );
    check(
        Params {
            bvc_min_bars: 61,
            ..params()
        },
        "bvc_min_bars: must be 2 to 60 (is 61)",
    );
}
