//! The binomial tree of Leisen and Reimer, "Binomial models for option valuation", Applied
//! Mathematical Finance 3 (1996): for what has two exercise boundaries, or a boundary the iteration
//! does not find.

use super::Put;

/// Odd, as the method asks. Prices are within about 1e-5 of the strike.
pub(super) const STEPS: usize = 1_001;

/// The put in units of the strike; nothing where a probability of the tree is 0 or 1.
pub(super) fn price(put: &Put, moneyness: f64) -> Option<f64> {
    let steps = STEPS as f64;
    let step = put.t_years / steps;
    let (d1, d2) = put.d1_d2(moneyness);
    let (p, p_share) = (peizer_pratt(d2), peizer_pratt(d1));
    let drift = (put.rate - put.dividend_yield) * step;
    let log_up = drift + libm::log(p_share / p);
    let log_down = drift + libm::log((1.0 - p_share) / (1.0 - p));
    let discount = libm::exp(-put.rate * step);
    if !(log_up.is_finite() && log_down.is_finite() && discount.is_finite()) {
        return None;
    }
    let bottom = libm::log(moneyness) + steps * log_down;
    let mut spots: Vec<f64> = (0..=STEPS)
        .map(|ups| libm::exp(bottom + ups as f64 * (log_up - log_down)))
        .collect();
    let mut values: Vec<f64> = spots.iter().map(|spot| (1.0 - spot).max(0.0)).collect();
    let undo_down = libm::exp(-log_down);
    let (weight_up, weight_down) = (discount * p, discount * (1.0 - p));
    for last in (0..STEPS).rev() {
        for node in 0..=last {
            spots[node] *= undo_down;
            let held = weight_up * values[node + 1] + weight_down * values[node];
            values[node] = held.max(1.0 - spots[node]);
        }
    }
    values[0].is_finite().then_some(values[0])
}

/// The second inversion of Peizer and Pratt: the binomial probability that has N(z) above it.
fn peizer_pratt(z: f64) -> f64 {
    let n = STEPS as f64;
    let scaled = z / (n + 1.0 / 3.0 + 0.1 / (n + 1.0));
    let root = (0.25 - 0.25 * libm::exp(-scaled * scaled * (n + 1.0 / 6.0))).sqrt();
    0.5 + root.copysign(z)
}
