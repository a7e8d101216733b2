//! What American prices promise: bounds, symmetry, agreement with a plain tree.

use super::*;

fn terms(spot: f64, strike: f64, t_years: f64, rates: (f64, f64), sigma: f64) -> Terms {
    Terms {
        spot,
        strike,
        t_years,
        rate: rates.0,
        dividend_yield: rates.1,
        sigma,
    }
}

/// A plain tree of Cox, Ross and Rubinstein, Journal of Financial Economics 7 (1979): nothing in
/// common with the method above. Its error alternates, so that neighbours are averaged.
fn binomial(right: Right, terms: &Terms, steps: usize) -> f64 {
    let one = |steps: usize| {
        let step = terms.t_years / steps as f64;
        let up = libm::exp(terms.sigma * step.sqrt());
        let growth = libm::exp((terms.rate - terms.dividend_yield) * step);
        let p = (growth - 1.0 / up) / (up - 1.0 / up);
        assert!(p > 0.0 && p < 1.0, "the tree is too coarse");
        let discount = libm::exp(-terms.rate * step);
        let exercised = |spot: f64| match right {
            Right::Call => (spot - terms.strike).max(0.0),
            Right::Put => (terms.strike - spot).max(0.0),
        };
        let powers: Vec<f64> = (0..=2 * steps)
            .map(|i| terms.spot * libm::pow(up, i as f64 - steps as f64))
            .collect();
        let mut values: Vec<f64> = (0..=steps).map(|j| exercised(powers[2 * j])).collect();
        for last in (0..steps).rev() {
            for j in 0..=last {
                let held = discount * (p * values[j + 1] + (1.0 - p) * values[j]);
                values[j] = held.max(exercised(powers[steps + 2 * j - last]));
            }
        }
        values[0]
    };
    0.5 * (one(steps) + one(steps + 1))
}

#[test]
fn a_plain_binomial_tree_agrees_to_a_ten_thousandth_of_the_spot() {
    for right in [Right::Put, Right::Call] {
        for (rate, dividend_yield) in [
            (0.05, 0.0),
            (0.03, 0.07),
            (0.05, 0.05),
            (0.12, 0.02),
            (0.0, -0.03),
            (-0.01, -0.04),
            (-0.01, 0.02),
        ] {
            for sigma in [0.08, 0.3, 0.9] {
                for t_years in [0.02, 0.5, 2.0] {
                    for spot in [80.0, 97.0, 100.0, 125.0] {
                        let terms = terms(spot, 100.0, t_years, (rate, dividend_yield), sigma);
                        let got = price(right, &terms).unwrap();
                        let expected = binomial(right, &terms, 2_001);
                        let error = (got - expected).abs() / spot;
                        assert!(error < 1e-4, "{right:?} {terms:?}: {got}, {expected}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_plain_binomial_tree_agrees_where_the_drift_is_strong() {
    for (spot, t_years, rates, sigma) in [
        (99.676, 0.2615, (0.03, -0.0205), 0.0361),
        (101.0, 1.0, (0.14, 0.01), 0.2),
        (100.0, 3.0, (0.03, 0.0301), 0.02),
        (100.0, 1.0, (0.12, 0.0), 0.05),
        (100.0, 1.0, (0.02, 0.08), 0.03),
    ] {
        let terms = terms(spot, 100.0, t_years, rates, sigma);
        let got = price(Right::Put, &terms).unwrap();
        let expected = binomial(Right::Put, &terms, 2_001);
        let error = (got - expected).abs() / spot;
        assert!(error < 1e-5, "{terms:?}: {got}, {expected}");
    }
}

#[test]
fn errors_have_names() {
    let terms = terms(90.0, 100.0, 0.5, (0.05, 0.0), 0.2);
    let of = |price: f64| implied_vol(Right::Put, price, &terms);
    assert_eq!(of(9.99), Err(AmericanError::BelowIntrinsic));
    assert_eq!(of(10.0), Err(AmericanError::AtIntrinsic));
    assert_eq!(of(100.0), Err(AmericanError::AboveMaximum));
    assert_eq!(of(f64::NAN), Err(AmericanError::Input));
    let expired = Terms {
        t_years: 0.0,
        ..terms
    };
    let implied = implied_vol(Right::Put, 12.0, &expired);
    assert_eq!(implied, Err(AmericanError::Expired));
    let free = Terms { spot: 0.0, ..terms };
    assert_eq!(price(Right::Put, &free), Err(AmericanError::Input));
    let inflated = Terms {
        rate: -1e6,
        ..terms
    };
    assert_eq!(price(Right::Put, &inflated), Err(AmericanError::Overflow));
}

#[test]
fn without_chance_exercise_is_at_the_best_time() {
    let still = |right, spot, rates| price(right, &terms(spot, 100.0, 1.0, rates, 0.0)).unwrap();
    assert_eq!(still(Right::Put, 90.0, (0.05, 0.0)), 10.0);
    assert_eq!(still(Right::Call, 90.0, (0.05, 0.0)), 0.0);
    // The forward is below the strike: 100·e^(−0.01) − 99·e^(−0.08) at expiry.
    let falling = 100.0 * libm::exp(-0.01) - 99.0 * libm::exp(-0.08);
    let got = still(Right::Put, 99.0, (0.01, 0.08));
    assert!((got - falling).abs() < 1e-12, "{got}");
}

#[test]
fn extreme_terms_give_a_price_in_its_bounds_or_an_error() {
    let sizes = [0.0, 1e-300, 1e-12, 1e-3, 0.05, 0.3, 5.0, 1e3, 1e12, 1e300];
    for right in [Right::Put, Right::Call] {
        for t_years in [0.0, 1e-300, 1e-9, 1.0, 1e3, 1e300] {
            for sigma in sizes {
                for size in sizes {
                    for rates in [(size, 0.01), (-0.001, size), (0.05, -size), (size, size)] {
                        for spot in [1e-300, 99.0, 1e300] {
                            let terms = terms(spot, 100.0, t_years, rates, sigma);
                            let Ok(moves) = sensitivities(right, &terms) else {
                                continue;
                            };
                            let numbers = [moves.price, moves.delta, moves.gamma];
                            let finite = numbers.iter().all(|number| number.is_finite());
                            assert!(
                                finite && moves.price >= 0.0,
                                "{right:?} {terms:?} {moves:?}"
                            );
                        }
                    }
                }
            }
        }
    }
}
