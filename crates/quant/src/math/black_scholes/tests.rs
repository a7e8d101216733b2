//! What the greeks promise: limits, parity, degenerate inputs.

use super::*;

const TERMS: Terms = Terms {
    spot: 42.0,
    strike: 40.0,
    t_years: 0.5,
    rate: 0.1,
    dividend_yield: 0.0,
    sigma: 0.2,
};

#[test]
fn hulls_example_is_worth_what_the_book_says() {
    // Hull, Example 15.6: 4.76 and 0.81.
    let call = greeks(Right::Call, &TERMS).unwrap();
    let put = greeks(Right::Put, &TERMS).unwrap();
    assert_eq!(format!("{:.2} {:.2}", call.price, put.price), "4.76 0.81");
}

#[test]
fn without_volatility_the_kink_has_half_a_delta_and_no_curvature() {
    let terms = Terms {
        strike: 42.0,
        rate: 0.0,
        sigma: 0.0,
        ..TERMS
    };
    let Err(Degenerate::ZeroVol(limit)) = greeks(Right::Put, &terms) else {
        panic!("a kink");
    };
    assert_eq!((limit.price, limit.delta), (0.0, -0.5));
    assert_eq!((limit.curvature, limit.charm), (None, None));
    // The limit of S·φ(d1)·√T.
    assert!((limit.vega - 42.0 * 0.398_942_280_401_432_7 * 0.5_f64.sqrt()).abs() < 1e-14);
}

#[test]
fn delta_after_expiry_is_the_intrinsic_one() {
    let at = |spot| Terms {
        spot,
        t_years: -1.0,
        sigma: f64::NAN,
        ..TERMS
    };
    let deltas = |right| [39.0, 40.0, 41.0].map(|spot| delta(right, &at(spot)).unwrap());
    assert_eq!(deltas(Right::Call), [0.0, 0.5, 1.0]);
    assert_eq!(deltas(Right::Put), [-1.0, -0.5, 0.0]);
}

#[test]
fn what_is_unknown_or_impossible_says_so() {
    let is = |terms: Terms, expected: &str| {
        let error = greeks(Right::Call, &terms).unwrap_err();
        assert_eq!(error.as_str(), expected, "{terms:?}");
        assert_eq!(delta(Right::Call, &terms), None);
        assert_eq!(delta_change(Right::Call, &terms, 0.1), None);
    };
    is(
        Terms {
            sigma: f64::NAN,
            ..TERMS
        },
        "missing_iv",
    );
    is(
        Terms {
            sigma: -0.1,
            ..TERMS
        },
        "invalid",
    );
    is(
        Terms {
            sigma: f64::INFINITY,
            ..TERMS
        },
        "invalid",
    );
    is(
        Terms {
            spot: f64::NAN,
            ..TERMS
        },
        "invalid",
    );
    is(
        Terms {
            rate: f64::NEG_INFINITY,
            ..TERMS
        },
        "invalid",
    );
    is(
        Terms {
            t_years: f64::NAN,
            ..TERMS
        },
        "invalid",
    );
}

#[test]
fn volatility_in_percent_is_noticed() {
    assert_eq!(check_iv(0.2, 0.1), IvCheck::Plausible);
    assert_eq!(check_iv(10.0, 0.001), IvCheck::Plausible);
    assert_eq!(check_iv(20.0, 0.1), IvCheck::Suspect);
    assert_eq!(check_iv(20.1, 0.001), IvCheck::Rejected);
    assert_eq!(check_iv(f64::NAN, 0.1), IvCheck::Rejected);
}

#[test]
fn time_that_stands_still_moves_no_delta() {
    assert_eq!(delta_change(Right::Put, &TERMS, 0.5), Some(0.0));
}

#[test]
fn rights_are_written_in_lower_case() {
    let text = serde_json::to_string(&[Right::Call, Right::Put]).unwrap();
    assert_eq!(text, r#"["call","put"]"#);
}
