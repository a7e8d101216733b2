//! Correlations of prices in time: ranges, symmetry, and what units and the clock must not change.

use proptest::prelude::*;
use quant::math::correlation::{NoCorrelation, Scratch, fisher_interval, pearson};
use quant::math::hayashi_yoshida::hayashi_yoshida;
use quant::math::log_returns::{Point, Series, complete_rows};

/// Prices that move by up to 2 % a minute, on a clock with gaps and two sessions.
fn walk() -> impl Strategy<Value = Vec<Point>> {
    let step = (0.98..1.02_f64, prop::bool::weighted(0.8));
    prop::collection::vec(step, 4..60).prop_map(|steps| {
        let mut price = 100.0;
        let all = steps.into_iter().enumerate().map(|(at, (factor, seen))| {
            price *= factor;
            let time = at as i64;
            let session = i32::from(at >= 25);
            (
                seen,
                Point {
                    time,
                    price,
                    session,
                },
            )
        });
        all.filter_map(|(seen, point)| seen.then_some(point))
            .collect()
    })
}

/// Any bits, few different times.
fn anything() -> impl Strategy<Value = Vec<Point>> {
    let time = prop_oneof![9 => -8..8i64, 1 => any::<i64>()];
    let price = prop_oneof![2 => 1.0..2.0_f64, 1 => any::<f64>(), 1 => Just(f64::MIN_POSITIVE)];
    let point = (time, price, 0..3i32);
    let point = point.prop_map(|(time, price, session)| Point {
        time,
        price,
        session,
    });
    prop::collection::vec(point, 0..30)
}

fn rho(a: &Series, b: &Series) -> Option<f64> {
    let found = pearson(a, b, 3, &mut Scratch::default());
    found.ok().map(|found| found.rho)
}

/// The definition, in the most obvious way: log prices, one sum after the other.
fn by_definition(a: &[Point], b: &[Point]) -> Option<f64> {
    let common: Vec<(f64, f64, i32)> = a
        .iter()
        .filter_map(|x| {
            let y = b.iter().find(|y| y.time == x.time)?;
            Some((x.price.ln(), y.price.ln(), x.session))
        })
        .collect();
    let pairs: Vec<(f64, f64)> = common
        .windows(2)
        .filter(|w| w[0].2 == w[1].2)
        .map(|w| (w[1].0 - w[0].0, w[1].1 - w[0].1))
        .collect();
    if pairs.len() < 3 {
        return None;
    }
    let n = pairs.len() as f64;
    let mean_x = pairs.iter().map(|pair| pair.0).sum::<f64>() / n;
    let mean_y = pairs.iter().map(|pair| pair.1).sum::<f64>() / n;
    let moment = |of: &dyn Fn(f64, f64) -> f64| -> f64 {
        let terms = pairs.iter().map(|(x, y)| of(x - mean_x, y - mean_y));
        terms.sum()
    };
    let squares = moment(&|x, _| x * x) * moment(&|_, y| y * y);
    Some(moment(&|x, y| x * y) / squares.sqrt())
}

proptest! {
    #[test]
    fn pearson_is_what_its_definition_says((a, b) in (walk(), walk())) {
        let got = rho(&Series::new(&a), &Series::new(&b));
        match (got, by_definition(&a, &b)) {
            (Some(got), Some(expected)) => prop_assert!((got - expected).abs() < 1e-11),
            (got, expected) => prop_assert_eq!(got, expected),
        }
    }

    #[test]
    fn correlations_are_in_their_range_and_symmetric((a, b) in (anything(), anything())) {
        let (a, b) = (Series::new(&a), Series::new(&b));
        let scratch = &mut Scratch::default();
        let found = pearson(&a, &b, 0, scratch);
        prop_assert_eq!(pearson(&b, &a, 0, scratch), found);
        if let Ok(found) = found {
            prop_assert!(found.rho.abs() <= 1.0 && found.n >= 2);
            if let Some(interval) = fisher_interval(found, 0.95) {
                prop_assert!(-1.0 <= interval.low && interval.low <= found.rho);
                prop_assert!(found.rho <= interval.high && interval.high <= 1.0);
            }
        }
        let found = hayashi_yoshida(&a, &b, 0);
        let swapped = hayashi_yoshida(&b, &a, 0);
        prop_assert_eq!(found.map(|found| found.rho), swapped.map(|found| found.rho));
        if let Ok(found) = found {
            let numbers = [found.covariance, found.variance_a, found.variance_b, found.rho];
            prop_assert!(numbers.iter().all(|number| number.is_finite()));
            prop_assert!(found.clamped_rho().abs() <= 1.0);
            prop_assert!(found.overlaps < a.len() + b.len());
        }
    }

    #[test]
    fn the_unit_of_a_price_changes_no_correlation(
        (a, b) in (walk(), walk()), unit in 1e-6..1e6_f64
    ) {
        let in_units = |point: &Point| Point { price: point.price * unit, ..*point };
        let scaled: Vec<Point> = a.iter().map(in_units).collect();
        let (plain, other) = (Series::new(&a), Series::new(&b));
        let scaled = Series::new(&scaled);
        if let (Some(got), Some(expected)) = (rho(&scaled, &other), rho(&plain, &other)) {
            prop_assert!((got - expected).abs() < 1e-11, "{} {}", got, expected);
        }
    }

    #[test]
    fn one_clock_or_one_that_only_contains_it_gives_the_same_bits(
        (a, b) in walk().prop_flat_map(|a| {
            let n = a.len();
            (Just(a), prop::collection::vec(0.5..2.0_f64, n))
        })
    ) {
        let other: Vec<Point> =
            a.iter().zip(b).map(|(point, price)| Point { price, ..*point }).collect();
        let mut longer = other.clone();
        longer.push(Point { time: 1_000, price: 3.0, session: 9 });
        let (a, other, longer) = (Series::new(&a), Series::new(&other), Series::new(&longer));
        let scratch = &mut Scratch::default();
        let found = pearson(&a, &other, 0, scratch);
        prop_assert_eq!(pearson(&a, &longer, 0, scratch), found);
        let rows = complete_rows(&[&a, &longer]);
        match found {
            Ok(found) => prop_assert_eq!(rows.len(), found.n),
            Err(NoCorrelation::InsufficientOverlap { have, .. }) => prop_assert_eq!(rows.len(), have),
            Err(NoCorrelation::ZeroVariance) => {}
        }

        let realised: f64 = rows.iter().map(|row| row[0] * row[1]).sum();
        if let Ok(found) = hayashi_yoshida(&a, &other, 0) {
            let size = (found.variance_a * found.variance_b).sqrt();
            prop_assert!((found.covariance - realised).abs() <= 1e-13 * size);
            prop_assert!(found.rho.abs() <= 1.0 + 1e-13);
            prop_assert_eq!(found.overlaps, rows.len());
        }
    }

    #[test]
    fn all_overlaps_are_found((a, b) in (walk(), walk())) {
        let intervals = |points: &[Point]| -> Vec<(i64, i64, f64)> {
            let within = points.windows(2).filter(|w| w[0].session == w[1].session);
            within.map(|w| (w[0].time, w[1].time, (w[1].price / w[0].price).ln())).collect()
        };
        let (xs, ys) = (intervals(&a), intervals(&b));
        let (mut expected, mut overlaps) = (0.0, 0);
        for x in &xs {
            for y in ys.iter().filter(|y| x.0.max(y.0) < x.1.min(y.1)) {
                expected += x.2 * y.2;
                overlaps += 1;
            }
        }
        if let Ok(found) = hayashi_yoshida(&Series::new(&a), &Series::new(&b), 0) {
            prop_assert_eq!(found.overlaps, overlaps);
            prop_assert!((found.covariance - expected).abs() < 1e-14);
        }
    }
}
