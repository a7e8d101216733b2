//! The level of a one-day volatility index on a surface: the two nearest expiries after the
//! closing prints, each the fair strike of a variance swap, interpolated to one session.
//!
//! Cboe's VIX1D methodology; the sum over strikes is done as the integral that it stands for:
//! T·σ² = 2∫ e^(rT) Q(K)/K² dK (Carr & Madan 1998), out of the money, in k = ln(K/F).

use super::surface::Slice;
use crate::math::normal;

/// Deviations to either side, and steps of the integral.
const REACH: f64 = 12.0;
const STEPS: i32 = 600;

/// The total variance that a variance swap on a slice is worth.
pub(super) fn swap_variance(slice: &Slice) -> f64 {
    let scale = slice.atm_total_variance().sqrt();
    // The smile is wider than the middle of it says.
    let step = 2.0 * REACH * scale / f64::from(STEPS);
    let mut sum = 0.0;
    for at in 0..=STEPS {
        let k = -REACH * scale + step * f64::from(at);
        // Simpson's rule, with the kink at the money between two of its panels.
        let weight = match at {
            0 | STEPS => 1.0,
            at if at % 2 == 1 => 4.0,
            _ => 2.0,
        };
        sum += weight * out_of_the_money(slice.total_variance(k), k) * libm::exp(-k);
    }
    2.0 * sum * step / 3.0
}

/// The level in percent: total variance `w` over a share `m` of a session, near and next.
pub(super) fn one_session(near: Option<(f64, f64)>, next: (f64, f64), sessions: f64) -> f64 {
    let (w2, m2) = next;
    let variance = match near {
        Some((w1, m1)) if m1 < m2 => {
            let near_weight = ((m2 - 1.0) / (m2 - m1)).clamp(0.0, 1.0);
            near_weight * w1 + (1.0 - near_weight) * w2
        }
        _ => w2 / m2.max(1e-9),
    };
    100.0 * (variance.max(0.0) * sessions).sqrt()
}

/// Black's undiscounted price over the forward of the option out of the money.
fn out_of_the_money(total_variance: f64, k: f64) -> f64 {
    let root = total_variance.sqrt();
    let d1 = -k / root + 0.5 * root;
    let d2 = d1 - root;
    let strike = libm::exp(k);
    if k >= 0.0 {
        normal::cdf(d1) - strike * normal::cdf(d2)
    } else {
        strike * normal::cdf(-d2) - normal::cdf(-d1)
    }
}

#[cfg(test)]
mod tests {
    use super::super::surface::Surface;
    use super::*;

    #[test]
    fn a_surface_without_a_smile_gives_its_own_variance() {
        let flat = Surface::new(0.0, 1e-6, 0.04, 0.04, 6.0).unwrap();
        let slice = flat.slice(1.0 / 252.0);
        let swap = swap_variance(&slice);
        assert!((swap * 252.0 / 0.04 - 1.0).abs() < 1e-4, "{swap}");
        let level = one_session(Some((swap, 1.0)), (2.0 * swap, 2.0), 252.0);
        assert!((level - 20.0).abs() < 1e-2, "{level}");
    }

    #[test]
    fn a_smile_is_worth_more_than_its_middle() {
        let smile = Surface::new(-0.65, 1.1, 0.04, 0.04, 6.0).unwrap();
        let slice = smile.slice(1.0 / 252.0);
        let ratio = swap_variance(&slice) / slice.atm_total_variance();
        assert!((1.0..2.0).contains(&ratio), "{ratio}");
    }
}
