//! The standard error of the mean of values that follow one another in time.
//!
//! Newey & West, Econometrica 55 (1987): S = γ₀ + 2·Σ_{k=1..L} (1 − k/(L+1))·γ_k with Bartlett
//! weights, which keep S from falling below zero. The number of lags L = ⌊4·(n/100)^(2/9)⌋ is the
//! usual plug-in for them (Newey & West, Review of Economic Studies 61, 1994): 3 at n = 50.

/// √(S/(n − 1)): without autocorrelation the sample standard deviation over √n.
/// `None` under two values.
pub fn of_mean(values: &[f64]) -> Option<f64> {
    let n = values.len();
    if n < 2 {
        return None;
    }
    let mean = values.iter().sum::<f64>() / n as f64;
    let centred: Vec<f64> = values.iter().map(|value| value - mean).collect();
    let covariance = |lag: usize| -> f64 {
        let products = centred.iter().zip(&centred[lag..]).map(|(a, b)| a * b);
        products.sum::<f64>() / n as f64
    };
    let lags = lags_of(n);
    let mut variance = covariance(0);
    for lag in 1..=lags {
        let weight = 1.0 - lag as f64 / (lags + 1) as f64;
        variance += 2.0 * weight * covariance(lag);
    }
    // Rounding alone may take it below zero.
    Some(libm::sqrt(variance.max(0.0) / (n - 1) as f64))
}

fn lags_of(n: usize) -> usize {
    let lags = 4.0 * libm::pow(n as f64 / 100.0, 2.0 / 9.0);
    (lags as usize).min(n - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_has_no_error_and_equal_ones_none_at_all() {
        assert_eq!(of_mean(&[0.3]), None);
        assert_eq!(of_mean(&[0.25; 7]), Some(0.0));
    }

    /// By hand: mean 2, γ₀ = 2/3, γ₁ = 0, γ₂ = −1/3; one lag at n = 3.
    #[test]
    fn three_values_by_hand() {
        assert_eq!(lags_of(3), 1);
        let got = of_mean(&[1.0, 2.0, 3.0]).unwrap();
        assert!((got - libm::sqrt(1.0 / 3.0)).abs() < 1e-15, "{got}");
    }

    #[test]
    fn runs_of_like_values_widen_it_and_alternation_narrows_it() {
        let wave = |period: usize| -> Vec<f64> {
            (0..64)
                .map(|at| f64::from(u8::from((at / period).is_multiple_of(2))))
                .collect()
        };
        // Half of the values 1: variance 16/63, over n = 64.
        let independent = libm::sqrt(16.0 / 63.0 / 64.0);
        assert!(of_mean(&wave(8)).unwrap() > 1.5 * independent);
        assert!(of_mean(&wave(1)).unwrap() < 0.6 * independent);
    }

    #[test]
    fn the_lags_of_fifty_buckets_are_three() {
        assert_eq!([2, 50, 100, 10_000].map(lags_of), [1, 3, 4, 11]);
    }
}
