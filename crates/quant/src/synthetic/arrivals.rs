//! When orders arrive: a self-exciting (Hawkes) process with an exponential kernel.
//! intensity = base + excess; an arrival lifts the excess, which decays at rate β.
//! Drawn exactly, without thinning: Dassios & Zhao, Electronic Communications in Probability 18 (2013).

use super::chance::Chance;

/// Children an arrival has on average. 0.6 gives counts a variance of about six times their
/// mean: clearly clustered, and far from the explosion at one.
const BRANCHING: f64 = 0.6;

/// The arrivals of one instrument.
#[derive(Clone, Debug)]
pub(super) struct Arrivals {
    base: f64,
    excess: f64,
    decay: f64,
}

impl Arrivals {
    /// A process with a mean rate a second, begun in its stationary mean. The excess decays
    /// within one mean gap, so that clusters look alike at every rate.
    pub(super) fn new(rate: f64) -> Self {
        Self {
            base: rate * (1.0 - BRANCHING),
            excess: rate * BRANCHING,
            decay: rate,
        }
    }

    /// Seconds from the last arrival to the next; the process then stands at the next.
    pub(super) fn next_gap(&mut self, chance: &mut Chance) -> f64 {
        let from_base = chance.exponential(1.0 / self.base);
        let left = 1.0 + self.decay * libm::log(chance.uniform()) / self.excess;
        let gap = if left > 0.0 {
            from_base.min(-libm::log(left) / self.decay)
        } else {
            from_base
        };
        self.excess = self.excess * libm::exp(-self.decay * gap) + BRANCHING * self.decay;
        gap
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Arrivals in each second of a long run at five a second.
    fn counts() -> Vec<f64> {
        let mut chance = Chance::new(5);
        let mut arrivals = Arrivals::new(5.0);
        let mut counts = vec![0.0; 40_000];
        let mut at = arrivals.next_gap(&mut chance);
        while let Some(count) = counts.get_mut(at as usize) {
            *count += 1.0;
            at += arrivals.next_gap(&mut chance);
        }
        counts
    }

    #[test]
    fn arrivals_have_their_rate_and_come_in_clusters() {
        let counts = counts();
        let n = counts.len() as f64;
        let mean = counts.iter().sum::<f64>() / n;
        let variance = counts.iter().map(|c| (c - mean).powi(2)).sum::<f64>() / n;
        assert!((mean - 5.0).abs() < 0.2, "{mean}");
        assert!(variance / mean > 2.0, "{variance} / {mean}");
    }
}
