//! Parameters, and calibration to points of known slices.

use super::*;

/// Axel Vogt's example of a slice that looks innocent and is not: Gatheral & Jacquier 2014, (3.8).
const VOGT: Raw = Raw {
    a: -0.0410,
    b: 0.1331,
    rho: 0.3060,
    m: 0.3586,
    sigma: 0.4153,
};

const INDEX: Raw = Raw {
    a: 0.0008,
    b: 0.018,
    rho: -0.65,
    m: 0.012,
    sigma: 0.045,
};

const WEEKLY: Raw = Raw {
    a: 0.00015,
    b: 0.006,
    rho: -0.35,
    m: 0.005,
    sigma: 0.02,
};

fn points(of: Raw, from: f64, to: f64, count: i32, noise: impl Fn(i32) -> f64) -> Vec<Point> {
    let svi = Svi::new(of).unwrap();
    let point = |at: i32| {
        let k = from + (to - from) * f64::from(at) / f64::from(count - 1);
        Point {
            k,
            w: svi.total_variance(k).unwrap() * (1.0 + noise(at)),
            weight: 1.0 + f64::from(at % 3),
        }
    };
    (0..count).map(point).collect()
}

/// Between −1 and 1, by the fractional parts of multiples of the golden ratio.
fn scatter(at: i32) -> f64 {
    let turns = f64::from(at) * 0.618_033_988_749_894_9;
    2.0 * (turns - turns.floor()) - 1.0
}

#[test]
fn parameters_out_of_bounds_make_no_slice() {
    assert!(Svi::new(INDEX).is_some());
    assert_eq!(Svi::new(Raw { b: -0.1, ..INDEX }), None);
    assert_eq!(Svi::new(Raw { rho: 1.0, ..INDEX }), None);
    assert_eq!(
        Svi::new(Raw {
            sigma: 0.0,
            ..INDEX
        }),
        None
    );
    assert_eq!(Svi::new(Raw { a: -0.001, ..INDEX }), None);
    assert_eq!(
        Svi::new(Raw {
            m: f64::NAN,
            ..INDEX
        }),
        None
    );
}

#[test]
fn wings_steeper_than_lees_bound_are_arbitrage() {
    let steep = |b| {
        Svi::new(Raw {
            a: 0.5,
            b,
            rho: 0.5,
            m: 0.0,
            sigma: 1.0,
        })
        .unwrap()
    };
    assert!(!steep(1.34).butterfly_free());
    assert!(steep(0.5).butterfly_free());
}

#[test]
fn arbitrage_between_the_points_of_a_coarse_grid_is_found() {
    let svi = Svi::new(VOGT).unwrap();
    let coarse = svi.density_minimum([-1.0, 0.0, 0.3]).unwrap();
    assert!(coarse.g > 0.0);
    assert!(!svi.butterfly_free());
}

#[test]
fn a_slice_of_nothing_has_no_density_and_no_wings() {
    let none = Svi::new(Raw {
        a: 0.0,
        b: 0.0,
        ..INDEX
    })
    .unwrap();
    assert_eq!(none.total_variance(0.1), Some(0.0));
    assert_eq!((none.density(0.1), none.jump_wings(1.0)), (None, None));
    assert_eq!(none.implied_volatility(0.0, 1.0), None);
    assert!(!none.butterfly_free());
}

#[test]
fn exact_points_give_their_own_curve_back() {
    for (raw, from, to) in [
        (VOGT, -1.5, 1.2),
        (INDEX, -0.3, 0.15),
        (WEEKLY, -0.08, 0.06),
    ] {
        let svi = Svi::new(raw).unwrap();
        for count in [7, 20, 61] {
            let fit = fit(&points(raw, from, to, count, |_| 0.0)).unwrap();
            let mut largest: f64 = 0.0;
            for step in 0..=200 {
                let k = from + (to - from) * f64::from(step) / 200.0;
                let (got, expected) = (fit.svi.total_variance(k), svi.total_variance(k));
                largest = largest.max((got.unwrap() - expected.unwrap()).abs());
            }
            assert!(largest <= 1e-8, "{raw:?} {count}: {largest:e}");
        }
    }
}

#[test]
fn a_fit_to_noise_is_no_worse_than_the_curve_the_noise_was_put_on() {
    for (raw, from, to) in [
        (VOGT, -1.5, 1.2),
        (INDEX, -0.3, 0.15),
        (WEEKLY, -0.08, 0.06),
    ] {
        for count in [8, 20, 61] {
            for size in [1e-4, 0.01, 0.1] {
                let noisy = points(raw, from, to, count, |at| size * scatter(at + 1));
                let fit = fit(&noisy).unwrap();
                let svi = Svi::new(raw).unwrap();
                let sum: f64 = noisy.iter().map(|p| p.weight).sum();
                let squared = |p: &Point| {
                    let error = svi.total_variance(p.k).unwrap() - p.w;
                    p.weight * error * error
                };
                let rmse = (noisy.iter().map(squared).sum::<f64>() / sum).sqrt();
                assert!(fit.rmse <= rmse, "{raw:?} {count} {size}: {fit:?} {rmse:e}");
            }
        }
    }
}

#[test]
fn a_flat_smile_is_fitted_flat() {
    let flat = |k: i32| Point {
        k: f64::from(k) * 0.01,
        w: 0.04,
        weight: 1.0,
    };
    let points: Vec<_> = (-5..=5).map(flat).collect();
    let fit = fit(&points).unwrap();
    assert!(fit.max_error < 1e-12, "{fit:?}");
}

#[test]
fn too_few_strikes_are_not_fitted() {
    let listed = points(INDEX, -0.3, 0.15, 5, |_| 0.0);
    assert!(fit(&listed).is_some());
    assert_eq!(fit(&listed[1..]), None);
    let at_one_strike = vec![listed[0]; 9];
    assert_eq!(fit(&at_one_strike), None);
    let mut unusable = listed;
    unusable[2].w = f64::NAN;
    assert_eq!(fit(&unusable), None);
}

#[test]
fn unusable_points_are_dropped_and_counted() {
    let mut listed = points(INDEX, -0.3, 0.15, 12, |_| 0.0);
    let clean = fit(&listed).unwrap();
    let bad = |k, w, weight| Point { k, w, weight };
    listed.extend([
        bad(f64::NAN, 0.01, 1.0),
        bad(0.0, -0.01, 1.0),
        bad(0.0, 0.01, 0.0),
        bad(0.0, f64::INFINITY, 1.0),
    ]);
    let fit = fit(&listed).unwrap();
    assert_eq!((fit.used, fit.dropped), (12, 4));
    assert_eq!(fit.svi, clean.svi);
}
