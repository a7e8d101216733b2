//! One side of a displayed book: ten consecutive price levels, lifted by orders and refilled.

use super::chance::Chance;
use crate::market::{Level, Price, Size};

/// Levels on each side.
pub(super) const LEVELS: usize = 10;

/// Each level further from the touch holds on average this much more of the mean.
const DEEPER: f64 = 0.15;

/// Spread of displayed sizes: standard deviation of the logarithm.
const SIZE_SIGMA: f64 = 0.6;

/// What is put back first where an order emptied a level.
const THIN: f64 = 0.5;

/// Largest displayed size in shares: a limit, so that sums of sizes fit their integers.
const LARGEST: f64 = 1e8;

/// Shares taken at one price, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fill {
    /// Price in ticks.
    pub(super) price: i64,
    /// Whole shares.
    pub(super) shares: i64,
}

/// One side of the book, best level first.
#[derive(Clone, Debug)]
pub(super) struct Ladder {
    /// Ticks from a level to the next further one: −1 for bids, +1 for offers.
    outward: i64,
    best: i64,
    /// Zero only between an order and the settling after it.
    shares: [i64; LEVELS],
    mean_shares: f64,
}

impl Ladder {
    /// A full side.
    pub(super) fn new(outward: i64, best: i64, mean_shares: f64, chance: &mut Chance) -> Self {
        let mut ladder = Self {
            outward,
            best,
            shares: [0; LEVELS],
            mean_shares,
        };
        ladder.refill(0..LEVELS, 1.0, chance);
        ladder
    }

    /// The best price in ticks.
    pub(super) fn best(&self) -> i64 {
        self.best
    }

    /// Shares displayed at the best price.
    pub(super) fn best_shares(&self) -> i64 {
        self.shares[0]
    }

    /// Shares displayed at the first prices.
    pub(super) fn shown(&self, levels: usize) -> i64 {
        self.shares.iter().take(levels).sum()
    }

    /// Lifts up to `wanted` shares, best first; what ten levels do not hold is not filled.
    /// Leaves emptied levels for [`Ladder::settle`].
    pub(super) fn take(&mut self, mut wanted: i64) -> impl Iterator<Item = Fill> {
        let (best, outward) = (self.best, self.outward);
        self.shares
            .iter_mut()
            .zip(0..)
            .map_while(move |(shown, depth)| {
                let shares = wanted.min(*shown);
                wanted -= shares;
                *shown -= shares;
                let price = best + outward * depth;
                (shares > 0).then_some(Fill { price, shares })
            })
    }

    /// Levels from the best on that orders emptied.
    pub(super) fn emptied(&self) -> usize {
        self.shares.iter().take_while(|&&shown| shown == 0).count()
    }

    /// Moves to a new best price, each price keeping its size, and puts something back at
    /// levels that are empty.
    pub(super) fn settle(&mut self, best: i64, chance: &mut Chance) {
        let away = (best - self.best) * self.outward;
        self.best = best;
        let moved = away.unsigned_abs().min(LEVELS as u64) as usize;
        if away > 0 {
            self.shares.rotate_left(moved);
            self.refill(LEVELS - moved..LEVELS, 1.0, chance);
        } else {
            self.shares.rotate_right(moved);
            self.refill(0..moved, 1.0, chance);
        }
        for depth in 0..LEVELS {
            if self.shares[depth] == 0 {
                self.refill(depth..depth + 1, THIN, chance);
            }
        }
    }

    /// Brings the best level and one other half of the way to a fresh size.
    pub(super) fn replenish(&mut self, chance: &mut Chance) {
        for depth in [0, chance.index(LEVELS)] {
            let fresh = self.fresh(depth, 1.0, chance);
            // Rounded up: a level never empties by itself.
            self.shares[depth] = (self.shares[depth] + fresh + 1) / 2;
        }
    }

    /// The levels as the market shows them.
    pub(super) fn levels(&self, tick: Price) -> Vec<Level> {
        let level = |(&shares, depth): (&i64, i64)| Level {
            price: ticks(self.best + self.outward * depth, tick),
            size: size(shares),
        };
        self.shares.iter().zip(0..).map(level).collect()
    }

    fn refill(&mut self, depths: std::ops::Range<usize>, part: f64, chance: &mut Chance) {
        for depth in depths {
            self.shares[depth] = self.fresh(depth, part, chance);
        }
    }

    fn fresh(&self, depth: usize, part: f64, chance: &mut Chance) -> i64 {
        let mean = part * self.mean_shares * (1.0 + DEEPER * depth as f64);
        let shares = chance.log_normal(mean, SIZE_SIGMA).min(LARGEST);
        (shares.round() as i64).max(1)
    }
}

/// A number of ticks as a price.
pub(super) fn ticks(count: i64, tick: Price) -> Price {
    Price::from_units(count.saturating_mul(tick.units()))
}

/// Whole shares as a size.
pub(super) fn size(shares: i64) -> Size {
    Size::from_units(shares.saturating_mul(Size::SCALE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ladder(outward: i64) -> (Ladder, Chance) {
        let mut chance = Chance::new(4);
        let mut ladder = Ladder::new(outward, 1000, 300.0, &mut chance);
        ladder.shares = std::array::from_fn(|depth| 10 * (depth as i64 + 1));
        (ladder, chance)
    }

    fn fills(wanted: i64) -> Vec<(i64, i64)> {
        let (mut ladder, _) = ladder(1);
        let fills = ladder.take(wanted);
        fills.map(|fill| (fill.price, fill.shares)).collect()
    }

    #[test]
    fn an_order_takes_the_best_first_and_walks_when_larger() {
        assert_eq!(fills(4), [(1000, 4)]);
        assert_eq!(fills(10), [(1000, 10)]);
        assert_eq!(fills(35), [(1000, 10), (1001, 20), (1002, 5)]);
        assert_eq!(fills(i64::MAX).len(), LEVELS);
    }

    #[test]
    fn a_price_keeps_its_size_when_the_best_moves() {
        let (mut bids, mut chance) = ladder(-1);
        bids.settle(998, &mut chance);
        assert_eq!(bids.shares[..8], [30, 40, 50, 60, 70, 80, 90, 100]);
        bids.settle(999, &mut chance);
        assert_eq!(bids.shares[1..9], [30, 40, 50, 60, 70, 80, 90, 100]);
        bids.settle(5, &mut chance);
        assert!(bids.shares.iter().all(|&shares| shares > 0));
    }

    #[test]
    fn an_emptied_level_is_filled_again() {
        let (mut asks, mut chance) = ladder(1);
        assert_eq!(asks.take(15).count(), 2);
        assert_eq!(asks.emptied(), 1);
        asks.settle(1000, &mut chance);
        assert!(asks.shares[0] > 0);
        assert_eq!(asks.shares[1], 15);
    }
}
