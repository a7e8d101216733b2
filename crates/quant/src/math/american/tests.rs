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
    let mut worst = 0.0_f64;
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
                        worst = worst.max(error);
                    }
                }
            }
        }
    }
    println!("worst {worst:e}");
}
