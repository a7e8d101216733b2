//! Chance from a seed: uniform, exponential, normal and log-normal draws.
//! Only integer steps and `libm`, so that a seed gives the same bits on every host.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{RngCore, SeedableRng};

/// A seeded source of draws.
#[derive(Clone, Debug)]
pub(super) struct Chance {
    generator: Xoshiro256PlusPlus,
    /// The second normal of the last Box–Muller pair.
    spare: Option<f64>,
}

impl Chance {
    /// The source of a seed.
    pub(super) fn new(seed: u64) -> Self {
        Self {
            generator: Xoshiro256PlusPlus::seed_from_u64(seed),
            spare: None,
        }
    }

    /// A source of its own for one instrument: 2^128 draws apart from the next, so that what
    /// one instrument draws never shows in another.
    pub(super) fn split(&mut self) -> Self {
        let part = self.clone();
        self.generator.jump();
        part
    }

    /// Uniform on the open interval (0, 1), so that its logarithm is finite.
    pub(super) fn uniform(&mut self) -> f64 {
        // 52 bits: with 53 the half added to the greatest would round up to one.
        const STEP: f64 = 1.0 / (1u64 << 52) as f64;
        ((self.generator.next_u64() >> 12) as f64 + 0.5) * STEP
    }

    /// True with a probability.
    pub(super) fn happens(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// +1 or −1, evenly.
    pub(super) fn direction(&mut self) -> f64 {
        if self.happens(0.5) { 1.0 } else { -1.0 }
    }

    /// One of `0..count`, evenly; `count` is small and not zero.
    pub(super) fn index(&mut self, count: usize) -> usize {
        (self.uniform() * count as f64) as usize
    }

    /// Exponential with a mean, by inversion.
    pub(super) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * libm::log(self.uniform())
    }

    /// Standard normal, by Box and Muller (1958).
    pub(super) fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let radius = libm::sqrt(-2.0 * libm::log(self.uniform()));
        let (sin, cos) = libm::sincos(std::f64::consts::TAU * self.uniform());
        self.spare = Some(radius * sin);
        radius * cos
    }

    /// Log-normal with a mean; `sigma` is the standard deviation of the logarithm.
    pub(super) fn log_normal(&mut self, mean: f64, sigma: f64) -> f64 {
        mean * libm::exp(sigma * self.normal() - 0.5 * sigma * sigma)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: usize = 100_000;

    /// Mean and variance of many draws, each within 3 %.
    fn check(mut draw: impl FnMut(&mut Chance) -> f64, mean: f64, variance: f64) {
        let mut chance = Chance::new(11);
        let draws: Vec<f64> = (0..DRAWS).map(|_| draw(&mut chance)).collect();
        let found = draws.iter().sum::<f64>() / DRAWS as f64;
        let spread = draws.iter().map(|x| (x - found).powi(2)).sum::<f64>() / DRAWS as f64;
        assert!((found - mean).abs() < 0.03, "mean {found}");
        assert!((spread / variance - 1.0).abs() < 0.03, "variance {spread}");
    }

    #[test]
    fn draws_have_the_moments_of_their_distribution() {
        check(Chance::uniform, 0.5, 1.0 / 12.0);
        check(Chance::normal, 0.0, 1.0);
        check(|chance| chance.exponential(1.0), 1.0, 1.0);
        check(|chance| chance.direction(), 0.0, 1.0);
        let variance = libm::exp(0.25) - 1.0;
        check(|chance| chance.log_normal(1.0, 0.5), 1.0, variance);
    }

    #[test]
    fn a_seed_means_the_same_draws_and_parts_differ() {
        let mut first = Chance::new(3);
        let mut second = Chance::new(3);
        assert_eq!(first.uniform(), second.uniform());
        let mut part = first.split();
        assert_ne!(part.uniform(), first.uniform());
    }
}
