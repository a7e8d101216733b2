//! Chance by name: a draw is a function of the seed and of what it is for, so that nothing has to
//! be kept of a contract that nobody asks for, and asking changes nothing.

/// A draw that has been named.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draw(u64);

impl Draw {
    /// The draws of a seed.
    pub(super) fn of(seed: u64) -> Self {
        Self(mixed(seed))
    }

    /// The draws for one thing among those of another.
    pub(super) fn part(self, name: u64) -> Self {
        Self(mixed(self.0 ^ mixed(name)))
    }

    /// The bits.
    pub(super) fn bits(self) -> u64 {
        self.0
    }

    /// Uniform on the open interval (0, 1).
    pub(super) fn uniform(self) -> f64 {
        const STEP: f64 = 1.0 / (1u64 << 52) as f64;
        ((self.0 >> 12) as f64 + 0.5) * STEP
    }

    /// Uniform between two ends.
    pub(super) fn between(self, least: f64, most: f64) -> f64 {
        least + (most - least) * self.uniform()
    }

    /// Nearly standard normal: the sum of four uniform draws, scaled; within ±3.5.
    pub(super) fn normal(self) -> f64 {
        let quarter = |at: u32| ((self.0 >> (16 * at)) & 0xffff) as f64 / 65_536.0;
        let sum = quarter(0) + quarter(1) + quarter(2) + quarter(3);
        (sum - 2.0) * SQRT_3
    }

    /// Log-normal of median 1; `sigma` is the standard deviation of the logarithm.
    pub(super) fn log_normal(self, sigma: f64) -> f64 {
        libm::exp(sigma * self.normal())
    }
}

/// The sum of four uniform draws has a variance of a third.
const SQRT_3: f64 = 1.732_050_807_568_877_2;

/// SplitMix64: Steele, Lea & Flood, "Fast splittable pseudorandom number generators" (2014).
fn mixed(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_draws_have_the_moments_of_their_distribution() {
        const DRAWS: u64 = 50_000;
        let draws = || (0..DRAWS).map(|name| Draw::of(7).part(name));
        let n = DRAWS as f64;
        let mean = draws().map(Draw::uniform).sum::<f64>() / n;
        let normal = draws().map(Draw::normal).sum::<f64>() / n;
        let square = draws().map(|d| d.normal() * d.normal()).sum::<f64>() / n;
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
        assert!(normal.abs() < 0.02, "{normal}");
        assert!((square - 1.0).abs() < 0.03, "{square}");
    }
}
