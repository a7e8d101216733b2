//! Smiles, slices and term structures: shape is kept, flat is flat, and whatever the numbers are,
//! what comes out is finite or absent.

use proptest::prelude::*;
use quant::math::pchip::Pchip;
use quant::math::smile::{DeltaKind, Skew, Smile, StrikeIv, skew_of_slice};
use quant::math::svi::{Point, Raw, Svi, fit};
use quant::math::term_structure::{Expiry, Forward, constant_maturity, forward_volatility};

/// Points with strictly ascending x.
fn points() -> impl Strategy<Value = Vec<(f64, f64)>> {
    let step = (1e-3..10.0, prop_oneof![4 => -5.0..5.0, 1 => Just(0.0)]);
    prop::collection::vec(step, 2..20).prop_map(|steps| {
        let (mut x, mut y) = (-3.0, 0.0);
        let add = |(width, rise): (f64, f64)| {
            x += width;
            y += rise;
            (x, y)
        };
        steps.into_iter().map(add).collect()
    })
}

/// Any double at all, plausible ones more often.
fn anything() -> impl Strategy<Value = f64> {
    prop_oneof![4 => -1.0..1.0, 2 => 0.0..200.0, 2 => any::<f64>(), 1 => Just(0.0)]
}

fn parameters() -> impl Strategy<Value = Raw> {
    (0.0..0.1, 0.0..1.0, -0.99..0.99, -0.5..0.5, 1e-3..1.0).prop_map(|(a, b, rho, m, sigma)| Raw {
        a,
        b,
        rho,
        m,
        sigma,
    })
}

fn strikes(of: &[(f64, f64)]) -> Vec<StrikeIv> {
    let strike = |&(strike, iv): &(f64, f64)| StrikeIv { strike, iv };
    of.iter().map(strike).collect()
}

fn numbers(skew: &Skew) -> Vec<f64> {
    let wings = [skew.call, skew.put].into_iter().flatten();
    let mut numbers: Vec<f64> = wings.flat_map(|wing| [wing.strike, wing.iv]).collect();
    numbers.extend(skew.at_the_money.iter().flat_map(|at| [at.iv, at.slope]));
    numbers.extend(skew.risk_reversal());
    numbers.extend(skew.butterfly());
    numbers.extend(skew.normalised());
    numbers
}

proptest! {
    #[test]
    fn a_pchip_is_monotone_between_its_points_and_stays_between_them(points in points()) {
        let curve = Pchip::new(&points).unwrap();
        for pair in points.windows(2) {
            let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
            let rise = y1 - y0;
            let mut last = y0;
            for step in 0..=64 {
                let x = (x0 + (x1 - x0) * f64::from(step) / 64.0).min(x1);
                let y = curve.value(x).unwrap();
                prop_assert!(y0.min(y1) <= y && y <= y0.max(y1));
                let rounding = 1e-14 * (y0.abs() + y1.abs());
                prop_assert!((y - last) * rise.signum() >= -rounding);
                prop_assert!(curve.slope(x).unwrap() * rise.signum() >= -1e-9);
                last = y;
            }
            prop_assert_eq!((curve.value(x0), curve.value(x1)), (Some(y0), Some(y1)));
        }
    }

    #[test]
    fn a_pchip_of_anything_is_finite_or_absent(
        points in prop::collection::vec((anything(), anything()), 0..6),
        x in anything(),
    ) {
        let mut points = points;
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        if let Some(curve) = Pchip::new(&points) {
            let (first, last) = curve.range();
            prop_assert!(curve.value(x).is_none_or(f64::is_finite));
            prop_assert!(curve.slope(x).is_none_or(f64::is_finite));
            prop_assert_eq!(curve.value(x).is_some(), first <= x && x <= last);
        }
    }

    #[test]
    fn a_flat_smile_has_no_skew(iv in 0.02..3.0f64, years in 1e-3..2.0f64, q in -0.1..0.1f64) {
        let spot = DeltaKind::Spot { discount: (-q * years).exp() };
        let deviation = iv * years.sqrt();
        let strike = |at: i32| {
            let k = f64::from(at) * 0.3 * deviation;
            StrikeIv { strike: 100.0 * k.exp(), iv }
        };
        let chain: Vec<_> = (-10..=10).map(strike).collect();
        let smile = Smile::new(&chain, 100.0, years).unwrap();
        prop_assert_eq!(smile.dropped(), Default::default());
        for kind in [DeltaKind::Forward, spot] {
            let slice = skew_of_slice(|_| Some(iv), 100.0, years, 0.25, kind).unwrap();
            for skew in [smile.skew(0.25, kind), slice] {
                prop_assert_eq!(skew.risk_reversal(), Some(0.0));
                prop_assert_eq!(skew.butterfly(), Some(0.0));
                prop_assert_eq!(skew.at_the_money.map(|at| at.slope), Some(0.0));
            }
        }
    }

    #[test]
    fn a_smile_does_not_depend_on_the_order_of_strikes(
        ivs in prop::collection::vec(0.05..0.6f64, 4..30),
    ) {
        let strike = |(at, iv): (usize, &f64)| (80.0 + 2.0 * at as f64, *iv);
        let mut listed: Vec<_> = ivs.iter().enumerate().map(strike).collect();
        let ascending = Smile::new(&strikes(&listed), 100.0, 0.1);
        listed.reverse();
        prop_assert_eq!(&ascending, &Smile::new(&strikes(&listed), 100.0, 0.1));
        if let Ok(smile) = ascending {
            // Interpolated, so within what is listed however noisy it is.
            let low = ivs.iter().copied().fold(f64::MAX, f64::min);
            let high = ivs.iter().copied().fold(0.0, f64::max);
            let skew = smile.skew(0.25, DeltaKind::Forward);
            for wing in [skew.call, skew.put].into_iter().flatten() {
                prop_assert!(low <= wing.iv && wing.iv <= high);
            }
        }
    }

    #[test]
    fn a_smile_of_anything_is_finite_or_absent(
        listed in prop::collection::vec((anything(), anything()), 0..12),
        forward in anything(),
        years in anything(),
        delta in anything(),
        discount in anything(),
    ) {
        for kind in [DeltaKind::Forward, DeltaKind::Spot { discount }] {
            if let Ok(smile) = Smile::new(&strikes(&listed), forward, years) {
                let numbers = numbers(&smile.skew(delta, kind));
                prop_assert!(numbers.into_iter().all(f64::is_finite));
            }
            let slice = |k: f64| listed.first().map(|(a, b)| a + b * k);
            if let Ok(skew) = skew_of_slice(slice, forward, years, delta, kind) {
                prop_assert!(numbers(&skew).into_iter().all(f64::is_finite));
            }
        }
    }

    #[test]
    fn a_slice_is_finite_or_absent(
        raw in (anything(), anything(), anything(), anything(), anything()),
        k in anything(),
        years in anything(),
    ) {
        let (a, b, rho, m, sigma) = raw;
        if let Some(svi) = Svi::new(Raw { a, b, rho, m, sigma }) {
            prop_assert!(svi.total_variance(k).is_none_or(|w| w.is_finite() && w >= 0.0));
            let rest = [
                svi.slope(k),
                svi.curvature(k),
                svi.density(k),
                svi.implied_volatility(k, years),
                svi.volatility_slope(k, years),
                svi.jump_wings(years).map(|wings| wings.v + wings.psi),
            ];
            prop_assert!(rest.into_iter().flatten().all(f64::is_finite));
            svi.butterfly_free();
        }
    }

    #[test]
    fn a_fit_to_anything_is_a_valid_slice_or_absent(
        points in prop::collection::vec((anything(), anything(), anything()), 0..12),
    ) {
        let point = |&(k, w, weight): &(f64, f64, f64)| Point { k, w, weight };
        let points: Vec<_> = points.iter().map(point).collect();
        if let Some(fit) = fit(&points) {
            prop_assert!(fit.rmse.is_finite() && fit.max_error.is_finite());
            prop_assert!(fit.rmse <= fit.max_error * (1.0 + 1e-12));
            prop_assert_eq!(Svi::new(fit.svi.raw()), Some(fit.svi));
            prop_assert_eq!(fit.used + fit.dropped, points.len());
        }
    }

    #[test]
    fn a_fit_does_not_depend_on_the_scale_of_weights(raw in parameters(), scale in 1e-6..1e6f64) {
        let svi = Svi::new(raw).unwrap();
        let point = |at: i32, weight: f64| {
            let k = f64::from(at) * 0.05;
            Point { k, w: svi.total_variance(k).unwrap() + 1e-4, weight }
        };
        let of = |weight: f64| fit(&(-8..=6).map(|at| point(at, weight)).collect::<Vec<_>>());
        prop_assert_eq!(of(1.0), of(scale));
    }

    #[test]
    fn a_constant_maturity_lies_between_its_neighbours(
        listed in prop::collection::vec((0.01..3.0f64, 0.05..1.0f64), 1..8),
        time in 0.0..3.5f64,
    ) {
        let listed: Vec<_> = listed.iter().map(|&(time, iv)| Expiry { time, iv }).collect();
        let inside = listed.iter().any(|e| e.time <= time) && listed.iter().any(|e| e.time >= time);
        let got = constant_maturity(&listed, time).ok();
        prop_assert_eq!(got.is_some(), inside);
        if let Some(got) = got {
            let total = |e: Expiry| e.iv * e.iv * e.time;
            let (near, far) = (total(got.near), total(got.far));
            let w = got.iv * got.iv * time;
            prop_assert!(near.min(far) * (1.0 - 1e-14) <= w && w <= near.max(far) * (1.0 + 1e-14));
            prop_assert_eq!(got.calendar_arbitrage, far < near);
            if got.near != got.far {
                let falls = matches!(
                    forward_volatility(got.near, got.far),
                    Some(Forward::CalendarArbitrage(_))
                );
                prop_assert_eq!(falls, far < near);
            }
        }
    }

    #[test]
    fn a_term_structure_of_anything_is_finite_or_absent(
        listed in prop::collection::vec((anything(), anything()), 0..6),
        time in anything(),
    ) {
        let listed: Vec<_> = listed.iter().map(|&(time, iv)| Expiry { time, iv }).collect();
        if let Ok(got) = constant_maturity(&listed, time) {
            prop_assert!(got.iv.is_finite() && got.iv > 0.0);
        }
        for pair in listed.windows(2) {
            match forward_volatility(pair[0], pair[1]) {
                Some(Forward::Volatility(vol)) => prop_assert!(vol.is_finite() && vol >= 0.0),
                Some(Forward::CalendarArbitrage(variance)) => prop_assert!(variance < 0.0),
                None => {}
            }
        }
    }
}
