//! Buckets of equal volume, the volume clock of VPIN: prints fill them, and a print that
//! overfills one is split over as many as it reaches. All integers, so the result does not depend
//! on how the prints were batched. Easley, López de Prado, O'Hara, RFS 25(5), 2012.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// How many kinds of print a bucket accounts for separately.
pub const KINDS: usize = 12;

/// A print as a bucket sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Print {
    /// When it was executed, nanoseconds.
    pub at_ns: i64,
    /// Its size in integer units, at least 0.
    pub size: i64,
    /// +1 bought, -1 sold, 0 unknown: unknown volume is half bought and half sold.
    pub sign: i8,
    /// Which kind it is accounted under, below [`KINDS`].
    pub kind: u8,
}

/// A complete bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// Bought minus sold.
    pub net: i64,
    /// Volume by kind of print; adds up to the bucket size.
    pub by_kind: [i64; KINDS],
    /// Prints that began in this bucket.
    pub prints: u32,
    /// First print in it, nanoseconds.
    pub opened_ns: i64,
    /// Print that completed it, nanoseconds.
    pub closed_ns: i64,
}

/// The open bucket and the last `kept` complete ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeBuckets {
    size: i64,
    kept: usize,
    complete: VecDeque<Bucket>,
    completed: u64,
    fill: i64,
    open: Bucket,
}

const EMPTY: Bucket = Bucket {
    net: 0,
    by_kind: [0; KINDS],
    prints: 0,
    opened_ns: 0,
    closed_ns: 0,
};

impl VolumeBuckets {
    /// Empty buckets of `size` units, of which the last `kept` complete ones are remembered.
    ///
    /// # Panics
    /// Where either is zero.
    pub fn new(size: i64, kept: usize) -> Self {
        assert!(size > 0 && kept > 0, "buckets hold something");
        Self {
            size,
            kept,
            complete: VecDeque::new(),
            completed: 0,
            fill: 0,
            open: EMPTY,
        }
    }

    /// Whether these are buckets that `kept` and prints could have made: a memory that was read
    /// back may be anything, and some of it would pour for ever.
    pub fn is_sound(&self, kept: usize) -> bool {
        let holds = |bucket: &Bucket, volume: i64| {
            let sum: i128 = bucket.by_kind.iter().copied().map(i128::from).sum();
            bucket.by_kind.iter().all(|part| *part >= 0)
                && sum == i128::from(volume)
                && bucket.net.unsigned_abs() <= volume.unsigned_abs()
        };
        self.size > 0
            && self.kept == kept
            && (0..self.size).contains(&self.fill)
            && self.complete.len() <= kept
            && self.complete.iter().all(|bucket| holds(bucket, self.size))
            && holds(&self.open, self.fill)
    }

    /// Pours a print in.
    pub fn fill(&mut self, print: Print) {
        self.fill_watched(print, 0, |_| ());
    }

    /// Pours a print in and hands `on_close` the VPIN after each bucket it completes, once `kept`
    /// are complete; of a giant print the last `watched` of them at least.
    pub fn fill_watched(
        &mut self,
        print: Print,
        watched: usize,
        mut on_close: impl FnMut(Option<f64>),
    ) {
        let made = self.kept + watched;
        let mut left = print.size;
        let mut prints = 1;
        let mut imbalance = None;
        while left > 0 {
            if self.fill == 0 {
                self.open.opened_ns = print.at_ns;
                left = self.skip_forgotten(left, made);
            }
            let part = left.min(self.size - self.fill);
            self.open.net += i64::from(print.sign) * part;
            self.open.by_kind[usize::from(print.kind)] += part;
            self.open.prints += std::mem::take(&mut prints);
            self.fill += part;
            left -= part;
            if self.fill == self.size {
                let before = imbalance.unwrap_or_else(|| self.imbalance());
                let after = before + self.close(print.at_ns);
                imbalance = Some(after);
                on_close(self.vpin_of(after));
            }
        }
    }

    /// A print of thousands of buckets leaves its mark on the last `made` only; the ones before
    /// are counted and not made.
    fn skip_forgotten(&mut self, left: i64, made: usize) -> i64 {
        let forgotten = left / self.size - made as i64 - 1;
        if forgotten <= 0 {
            return left;
        }
        self.completed = self.completed.saturating_add(forgotten as u64);
        left - forgotten * self.size
    }

    /// Completes the open bucket; by how much the imbalance of the remembered ones changes.
    fn close(&mut self, at_ns: i64) -> i128 {
        let bucket = Bucket {
            closed_ns: at_ns,
            ..std::mem::replace(&mut self.open, EMPTY)
        };
        self.fill = 0;
        self.completed = self.completed.saturating_add(1);
        let full = self.complete.len() == self.kept;
        let forgotten = if full {
            self.complete.pop_front()
        } else {
            None
        };
        self.complete.push_back(bucket);
        bucket.imbalance() - forgotten.map_or(0, Bucket::imbalance)
    }

    /// Units a bucket holds.
    pub fn size(&self) -> i64 {
        self.size
    }

    /// The remembered complete buckets, oldest first.
    pub fn complete(&self) -> &VecDeque<Bucket> {
        &self.complete
    }

    /// Buckets completed since the start; stands still at the largest number there is.
    pub fn completed(&self) -> u64 {
        self.completed
    }

    /// Units in the open bucket.
    pub fn open_fill(&self) -> i64 {
        self.fill
    }

    /// Bought minus sold in the open bucket.
    pub fn open_net(&self) -> i64 {
        self.open.net
    }

    /// VPIN over the remembered buckets: Σ|bought − sold| / (n · size), in [0, 1];
    /// `None` until `kept` are complete.
    pub fn vpin(&self) -> Option<f64> {
        self.vpin_of(self.imbalance())
    }

    fn vpin_of(&self, imbalance: i128) -> Option<f64> {
        let volume = self.kept as i128 * i128::from(self.size);
        (self.complete.len() == self.kept).then(|| imbalance as f64 / volume as f64)
    }

    fn imbalance(&self) -> i128 {
        self.complete.iter().copied().map(Bucket::imbalance).sum()
    }
}

impl Bucket {
    /// |bought − sold|.
    pub fn imbalance(self) -> i128 {
        i128::from(self.net).abs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poured(size: i64, kept: usize, prints: &[(i64, i8)]) -> VolumeBuckets {
        let mut buckets = VolumeBuckets::new(size, kept);
        for &(size, sign) in prints {
            buckets.fill(Print {
                at_ns: 0,
                size,
                sign,
                kind: 0,
            });
        }
        buckets
    }

    #[test]
    fn a_giant_print_costs_no_more_than_the_window() {
        let buckets = poured(1, 3, &[(i64::MAX, 1)]);
        assert_eq!(buckets.vpin(), Some(1.0));
        assert_eq!(buckets.completed(), i64::MAX as u64);
        assert_eq!(buckets.open_fill(), 0);
    }

    #[test]
    fn giant_prints_do_not_overflow_the_count() {
        let buckets = poured(1, 3, &[(i64::MAX, 1), (i64::MAX, -1), (i64::MAX, 1)]);
        assert_eq!(buckets.completed(), u64::MAX);
        assert_eq!(buckets.vpin(), Some(1.0));
    }

    #[test]
    fn skipping_keeps_the_arithmetic() {
        let at_once = poured(7, 2, &[(3, -1), (7 * 100 + 2, 1)]);
        let mut piecewise = vec![(3, -1)];
        piecewise.extend(vec![(1, 1); 7 * 100 + 2]);
        let step_by_step = poured(7, 2, &piecewise);
        assert_eq!(at_once.vpin(), step_by_step.vpin());
        assert_eq!(at_once.completed(), step_by_step.completed());
        assert_eq!(at_once.open_fill(), step_by_step.open_fill());
    }

    #[test]
    fn the_value_after_each_bucket_is_the_one_then_read() {
        let print = |size, sign| Print {
            at_ns: 0,
            size,
            sign,
            kind: 0,
        };
        let mut watched = Vec::new();
        let mut buckets = VolumeBuckets::new(4, 2);
        let mut stepwise = VolumeBuckets::new(4, 2);
        let mut read = Vec::new();
        for (size, sign) in [(3, -1), (2, 1), (21, 1), (400, -1), (5, 0)] {
            buckets.fill_watched(print(size, sign), 1_000, |vpin| watched.push(vpin));
            for _ in 0..size {
                let before = stepwise.completed();
                stepwise.fill(print(1, sign));
                if stepwise.completed() > before {
                    read.push(stepwise.vpin());
                }
            }
        }
        assert_eq!(watched, read);
    }

    #[test]
    fn of_a_giant_print_the_last_are_watched() {
        let mut buckets = VolumeBuckets::new(1, 3);
        let mut count = 0;
        let giant = Print {
            at_ns: 0,
            size: i64::MAX,
            sign: 1,
            kind: 0,
        };
        buckets.fill_watched(giant, 20, |_| count += 1);
        assert!((20..=24).contains(&count), "{count}");
    }

    #[test]
    fn empty_prints_change_nothing() {
        assert_eq!(poured(7, 2, &[(0, 1)]), VolumeBuckets::new(7, 2));
    }
}
