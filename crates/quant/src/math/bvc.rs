//! Bulk volume classification: how much of a bar's volume was bought, by how far its price moved.
//!
//! V_buy = V·Z((P_i − P_{i−1})/σ) with Z the normal distribution (Easley, López de Prado, O'Hara,
//! RFS 25(5), 2012) or Student's t with ν = 0.25 ("Bulk Classification of Trading Activity", 2012),
//! σ the standard deviation of the price changes before the bar. Bars are poured into buckets of
//! equal volume in integers, so the buckets are exact.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::student_t;

/// The law that price changes are held against.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Law {
    /// Standard normal.
    Normal,
    /// Student's t.
    StudentT {
        /// Degrees of freedom, above 0.
        nu: f64,
    },
}

impl Law {
    /// Student's t of the bulk classification paper.
    pub const HEAVY: Self = Self::StudentT { nu: 0.25 };

    /// Bought minus sold as a share of a bar's volume, 2·Z(change/σ) − 1 in [−1, 1]. Exactly odd
    /// in the change. At σ = 0 the limit: any change at all is on one side.
    pub fn lean(self, change: f64, sigma: f64) -> f64 {
        if change == 0.0 {
            return 0.0;
        }
        let distance = change.abs() / sigma;
        let within = match self {
            Self::Normal => libm::erf(distance * std::f64::consts::FRAC_1_SQRT_2),
            Self::StudentT { nu } => student_t::mass(distance, nu).within,
        };
        within.min(1.0).copysign(change)
    }

    /// The bought share of a bar's volume, Z(change/σ) in [0, 1].
    pub fn buy_fraction(self, change: f64, sigma: f64) -> f64 {
        0.5 + 0.5 * self.lean(change, sigma)
    }

    /// Bought minus sold of a bar of `volume` units, to the nearest unit.
    pub fn net(self, volume: i64, change: f64, sigma: f64) -> i64 {
        let net = (volume as f64 * self.lean(change, sigma)).round() as i64;
        // As a float the largest volumes round up.
        net.clamp(-volume, volume)
    }
}

/// Buckets of equal volume that classified bars are poured into: the open one and the imbalance
/// of the last `kept` complete ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkBuckets {
    size: i64,
    kept: usize,
    complete: VecDeque<i64>,
    fill: i64,
    net: i64,
}

impl BulkBuckets {
    /// Empty buckets of `size` units, of which the last `kept` complete ones are remembered.
    ///
    /// # Panics
    /// Where either is not above 0.
    pub fn new(size: i64, kept: usize) -> Self {
        assert!(size > 0 && kept > 0, "size {size}, kept {kept}");
        Self {
            size,
            kept,
            complete: VecDeque::new(),
            fill: 0,
            net: 0,
        }
    }

    /// Whether these could have come of pouring bars into buckets of `size` units.
    pub fn is_sound(&self, size: i64, kept: usize) -> bool {
        let holds = |net: i64, volume: i64| net.unsigned_abs() <= volume.unsigned_abs();
        self.size == size
            && size > 0
            && self.kept == kept
            && (0..size).contains(&self.fill)
            && self.complete.len() <= kept
            && self.complete.iter().all(|net| holds(*net, size))
            && holds(self.net, self.fill)
    }

    /// Pours a bar in, its imbalance `net` spread evenly over its volume.
    pub fn pour(&mut self, volume: i64, net: i64) {
        // What was poured is rounded toward zero as a whole, so that nothing is lost on the way.
        let net_of = |part: i64| (i128::from(net) * i128::from(part) / i128::from(volume)) as i64;
        let mut poured = 0;
        while poured < volume {
            if self.fill == 0 {
                poured += self.forgotten(volume - poured);
            }
            let part = (volume - poured).min(self.size - self.fill);
            self.net += net_of(poured + part) - net_of(poured);
            self.fill += part;
            poured += part;
            if self.fill == self.size {
                self.close();
            }
        }
    }

    /// The volume of whole buckets that would be forgotten by the end of a giant bar.
    fn forgotten(&self, left: i64) -> i64 {
        (left / self.size - self.kept as i64 - 1).max(0) * self.size
    }

    fn close(&mut self) {
        if self.complete.len() == self.kept {
            self.complete.pop_front();
        }
        self.complete.push_back(std::mem::take(&mut self.net));
        self.fill = 0;
    }

    /// Bought minus sold in the remembered complete buckets, oldest first.
    pub fn complete(&self) -> &VecDeque<i64> {
        &self.complete
    }

    /// VPIN over the remembered buckets: Σ|bought − sold| / (n · size), in [0, 1];
    /// `None` until `kept` are complete.
    pub fn vpin(&self) -> Option<f64> {
        if self.complete.len() < self.kept {
            return None;
        }
        let imbalance: i128 = self.complete.iter().map(|net| i128::from(*net).abs()).sum();
        let volume = self.kept as i128 * i128::from(self.size);
        Some(imbalance as f64 / volume as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAWS: [Law; 2] = [Law::Normal, Law::HEAVY];

    fn poured(size: i64, kept: usize, bars: &[(i64, i64)]) -> BulkBuckets {
        let mut buckets = BulkBuckets::new(size, kept);
        for &(volume, net) in bars {
            buckets.pour(volume, net);
        }
        buckets
    }

    #[test]
    fn without_scatter_any_change_is_on_one_side() {
        for law in LAWS {
            assert_eq!(law.lean(0.0, 0.0), 0.0);
            assert_eq!(law.lean(0.01, 0.0), 1.0);
            assert_eq!(law.lean(-0.01, 0.0), -1.0);
        }
    }

    #[test]
    fn the_largest_volume_stays_within_itself() {
        for law in LAWS {
            assert_eq!(law.net(i64::MAX, 1.0, 0.0), i64::MAX);
            assert_eq!(law.net(i64::MAX, -1.0, 0.0), -i64::MAX);
        }
    }

    #[test]
    fn a_bar_is_spread_over_its_buckets_without_loss() {
        let buckets = poured(10, 3, &[(35, 7)]);
        assert_eq!(buckets.complete(), &[2, 2, 2]);
        assert_eq!((buckets.fill, buckets.net), (5, 1));
        let mirror = poured(10, 3, &[(35, -7)]);
        assert_eq!(mirror.complete(), &[-2, -2, -2]);
        assert_eq!(mirror.vpin(), buckets.vpin());
    }

    #[test]
    fn a_giant_bar_costs_no_more_than_the_window() {
        let buckets = poured(1, 3, &[(i64::MAX, -i64::MAX)]);
        assert_eq!(buckets.vpin(), Some(1.0));
        assert!(buckets.is_sound(1, 3));
        let skipping = poured(7, 2, &[(7_003, 3_502)]);
        let keeping = poured(7, 2_000, &[(7_003, 3_502)]);
        let last: Vec<i64> = keeping.complete().iter().rev().take(2).copied().collect();
        assert_eq!(skipping.complete(), &[last[1], last[0]]);
        assert_eq!((skipping.fill, skipping.net), (keeping.fill, keeping.net));
    }
}
