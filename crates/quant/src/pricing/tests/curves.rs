//! Rates by days ahead.

use crate::pricing::RateCurve;

#[test]
fn a_curve_is_linear_between_its_points_and_level_beyond() {
    let curve = RateCurve::Points(vec![(30.0, 0.04), (90.0, 0.05)]);
    let years = |days: f64| days / 365.0;
    for (days, rate) in [(0.0, 0.04), (30.0, 0.04), (60.0, 0.045), (365.0, 0.05)] {
        assert!((curve.at(years(days)) - rate).abs() < 1e-15, "{days}");
    }
    assert_eq!(RateCurve::Flat(0.03).at(7.0), 0.03);
}

#[test]
fn what_is_no_curve_is_refused() {
    assert!(
        RateCurve::Points(vec![(30.0, 0.04), (30.0, 0.05)])
            .check()
            .is_err()
    );
    assert!(RateCurve::Points(vec![]).check().is_err());
    assert!(RateCurve::Flat(4.5e3).check().is_err());
    assert!(RateCurve::Flat(-0.005).check().is_ok());
}
