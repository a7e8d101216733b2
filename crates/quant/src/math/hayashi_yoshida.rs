//! Covariance of two series that are not observed at the same times.
//!
//! Hayashi & Yoshida, "On covariance estimation of non-synchronously observed diffusion
//! processes", Bernoulli 11 (2005), eq. (1.2): the products of all log returns whose intervals
//! (tᵢ₋₁, tᵢ] overlap. Nothing is put on a grid, so that fine steps do not lower it (the Epps effect).

use super::correlation::NoCorrelation;
use super::log_returns::{Series, is_rounding};
use super::sum::Sum;

/// The realised covariance and variances of two series on their own clocks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HayashiYoshida {
    /// Σ of the products of overlapping log returns; over the whole time observed.
    pub covariance: f64,
    /// Σ of the squared log returns of the first series, at least 0.
    pub variance_a: f64,
    /// Σ of the squared log returns of the second series, at least 0.
    pub variance_b: f64,
    /// covariance/√(variance_a · variance_b), raw: of few returns it may lie beyond ±1.
    pub rho: f64,
    /// How many products were summed.
    pub overlaps: usize,
}

impl HayashiYoshida {
    /// ρ as it can be shown: −1 to 1.
    pub fn clamped_rho(&self) -> f64 {
        self.rho.clamp(-1.0, 1.0)
    }
}

/// Of two series, from at least `minimum` overlapping returns (one at least); returns across
/// sessions are left out. Takes time proportional to the points of both.
pub fn hayashi_yoshida(
    a: &Series,
    b: &Series,
    minimum: usize,
) -> Result<HayashiYoshida, NoCorrelation> {
    let (mut covariance, mut overlaps) = (Sum::default(), 0);
    let (mut i, mut j) = (1, 1);
    while i < a.len() && j < b.len() {
        let start = a.times[i - 1].max(b.times[j - 1]);
        let (end_a, end_b) = (a.times[i], b.times[j]);
        if start < end_a.min(end_b) && is_within(a, i) && is_within(b, j) {
            covariance.add(a.steps[i] * b.steps[j]);
            overlaps += 1;
        }
        // The one that ends first meets no other; if both do, neither.
        i += usize::from(end_a <= end_b);
        j += usize::from(end_b <= end_a);
    }
    let need = minimum.max(1);
    if overlaps < need {
        let have = overlaps;
        return Err(NoCorrelation::InsufficientOverlap { have, need });
    }
    let (variance_a, variance_b) = (variance(a)?, variance(b)?);
    let covariance = covariance.value();
    Ok(HayashiYoshida {
        covariance,
        variance_a,
        variance_b,
        rho: covariance / (variance_a * variance_b).sqrt(),
        overlaps,
    })
}

fn is_within(series: &Series, end: usize) -> bool {
    series.sessions[end] == series.sessions[end - 1]
}

fn variance(of: &Series) -> Result<f64, NoCorrelation> {
    let within = (1..of.len()).filter(|end| is_within(of, *end));
    let squares: Sum = within.map(|end| of.steps[end] * of.steps[end]).collect();
    let variance = squares.value();
    if is_rounding(variance, of.len()) {
        return Err(NoCorrelation::ZeroVariance);
    }
    Ok(variance)
}

#[cfg(test)]
mod tests {
    use super::super::log_returns::Point;
    use super::*;

    fn series(points: &[(i64, f64, i32)]) -> Series {
        let point = |&(time, price, session): &(i64, f64, i32)| Point {
            time,
            price,
            session,
        };
        Series::new(&points.iter().map(point).collect::<Vec<_>>())
    }

    #[test]
    fn intervals_that_only_touch_do_not_overlap() {
        let a = series(&[(0, 1.0, 0), (2, 2.0, 0)]);
        let b = series(&[(2, 1.0, 0), (4, 2.0, 0)]);
        let error = NoCorrelation::InsufficientOverlap { have: 0, need: 1 };
        assert_eq!(hayashi_yoshida(&a, &b, 0), Err(error));
    }

    #[test]
    fn the_night_is_no_interval() {
        let a = series(&[(0, 1.0, 1), (2, 2.0, 1), (12, 9.0, 2), (14, 4.5, 2)]);
        let b = series(&[(0, 1.0, 1), (3, 2.0, 1), (11, 9.0, 2), (14, 18.0, 2)]);
        let found = hayashi_yoshida(&a, &b, 2).unwrap();
        assert_eq!(found.overlaps, 2);
        assert_eq!(found.rho, 0.0);
    }

    #[test]
    fn what_does_not_move_has_no_correlation() {
        let a = series(&[(0, 3.0, 0), (2, 3.0, 0), (3, 3.0, 0)]);
        let b = series(&[(1, 1.0, 0), (3, 2.0, 0)]);
        assert_eq!(hayashi_yoshida(&a, &b, 0), Err(NoCorrelation::ZeroVariance));
    }
}
