//! Histories: what a shift or a scale must not change, and what batching must not.

use chrono::NaiveDate;
use proptest::prelude::*;
use quant::history::{DailyHistory, Extent, MinuteHistory};
use quant::market::Timestamp;
use quant::math::rolling::{percentile, robust_zscore, zscore};
use quant::snapshot::SessionDate;

const EXTENT: Extent = Extent {
    window: 5,
    minimum: 3,
};

fn values() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec((-1_000..1_000i32).prop_map(|n| f64::from(n) / 8.0), 2..60)
}

/// Seconds that mostly go forward, at times back or far away.
fn seconds() -> impl Strategy<Value = Vec<(i64, f64)>> {
    let step = prop_oneof![8 => 0..90i64, 1 => -300..0i64, 1 => -200_000..200_000i64];
    prop::collection::vec((step, -1.0..1.0f64), 1..80).prop_map(|steps| {
        let mut clock = 1_700_000_000;
        let dated = steps.into_iter().map(|(step, value)| {
            clock += step;
            (clock, value)
        });
        dated.collect()
    })
}

fn session(seconds: i64) -> SessionDate {
    let days = i32::try_from(seconds.div_euclid(86_400)).unwrap();
    SessionDate(NaiveDate::from_num_days_from_ce_opt(719_163 + days).unwrap())
}

fn close(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * a.abs().max(1.0),
        (None, None) => true,
        _ => false,
    }
}

proptest! {
    #[test]
    fn z_knows_neither_unit_nor_origin(
        history in values(),
        value in -500.0..500.0f64,
        scale in (1..64i32).prop_map(f64::from),
        shift in (-1_000_000..1_000_000i32).prop_map(f64::from),
    ) {
        let map = |x: f64| x * scale + shift;
        let moved: Vec<f64> = history.iter().copied().map(map).collect();
        prop_assert!(close(zscore(value, &history, 2), zscore(map(value), &moved, 2)));
        prop_assert!(close(robust_zscore(value, &history, 2), robust_zscore(map(value), &moved, 2)));
    }

    #[test]
    fn z_of_the_mirror_is_the_opposite(history in values(), value in -500.0..500.0f64) {
        let mirror: Vec<f64> = history.iter().map(|x| -x).collect();
        let negated = |z: Option<f64>| z.map(|z| -z);
        prop_assert!(close(zscore(value, &history, 2), negated(zscore(-value, &mirror, 2))));
        prop_assert!(close(
            robust_zscore(value, &history, 2),
            negated(robust_zscore(-value, &mirror, 2))
        ));
    }

    #[test]
    fn a_percentile_is_a_share_that_grows_with_the_value(
        history in values(),
        value in -500.0..500.0f64,
        more in 0.0..100.0f64,
    ) {
        let share = percentile(value, &history, 1).unwrap();
        prop_assert!((0.0..=1.0).contains(&share));
        prop_assert!(share <= percentile(value + more, &history, 1).unwrap());
    }

    #[test]
    fn runs_between_the_marks_leave_no_trace(observed in seconds()) {
        let mut dense = MinuteHistory::default();
        let mut sparse = MinuteHistory::default();
        for (seconds, value) in observed {
            let now = Timestamp::from_seconds(seconds);
            let (before, taken) = dense.observe(Some(value), now, EXTENT);
            prop_assert!(before.samples <= EXTENT.window);
            prop_assert_eq!(dense.observe(Some(-value), now, EXTENT).1, false);
            if taken {
                prop_assert_eq!(sparse.observe(Some(value), now, EXTENT), (before, true));
            }
        }
        prop_assert_eq!(dense, sparse);
    }

    #[test]
    fn a_history_read_back_goes_on_the_same(observed in seconds(), stop in 0..80usize) {
        let mut through = (MinuteHistory::default(), DailyHistory::default());
        let mut restarted = through.clone();
        for (number, (seconds, value)) in observed.into_iter().enumerate() {
            if number == stop {
                let text = serde_json::to_string(&restarted).unwrap();
                restarted = serde_json::from_str(&text).unwrap();
                prop_assert!(restarted.1.is_sound());
                prop_assert_eq!(&restarted, &through);
            }
            let (now, date) = (Timestamp::from_seconds(seconds), session(seconds));
            for both in [&mut through, &mut restarted] {
                both.0.observe(Some(value), now, EXTENT);
                let seen = both.1.observe(Some(value), date, now, EXTENT);
                prop_assert!(seen.days <= EXTENT.window);
                prop_assert!(seen.percentile.is_none_or(|share| (0.0..=1.0).contains(&share)));
            }
            prop_assert_eq!(&restarted, &through);
        }
    }
}
