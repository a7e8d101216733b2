use chrono::NaiveDate;

use super::*;
use crate::market::Size;

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
}
