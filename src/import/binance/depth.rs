//! The order book from a snapshot and the changes after it, joined as Binance prescribes: by the
//! numbers of updates, and not at all across a gap.

use std::collections::{BTreeMap, VecDeque};

use super::frames::{Diff, Level, Snapshot};

/// Changes kept until their snapshot comes: over a minute of the slower stream.
const MAX_PENDING: usize = 1024;
/// More levels a side than any snapshot has; the worst go first.
const MAX_LEVELS: usize = 20_000;

/// The book, where it is known.
#[derive(Debug, Default)]
pub(super) struct Depth {
    bids: BTreeMap<i64, i64>,
    asks: BTreeMap<i64, i64>,
    /// The last update in the book; absent before a snapshot and after a gap.
    last: Option<u64>,
    pending: VecDeque<Diff>,
    /// Times that updates were missing.
    pub(super) gaps: u64,
    /// Frames that could not be used, by reason.
    pub(super) dropped: BTreeMap<&'static str, u64>,
}

impl Depth {
    /// Takes changes; whether the book changed.
    pub(super) fn change(&mut self, diff: Diff) -> bool {
        let Some(last) = self.last else {
            self.wait(diff);
            return false;
        };
        if diff.last <= last {
            self.drop("depth_before_snapshot", 1);
            return false;
        }
        // Spot numbers its updates without holes; futures name the frame before.
        if diff.previous != Some(last) && diff.first > last + 1 {
            self.gaps += 1;
            self.last = None;
            self.wait(diff);
            return false;
        }
        for (side, levels) in [(&mut self.bids, diff.bids), (&mut self.asks, diff.asks)] {
            for Level { price, size } in levels {
                match size {
                    0 => side.remove(&price),
                    size => side.insert(price, size),
                };
            }
        }
        while self.bids.len() > MAX_LEVELS {
            self.bids.pop_first();
        }
        while self.asks.len() > MAX_LEVELS {
            self.asks.pop_last();
        }
        self.last = Some(diff.last);
        true
    }

    /// Takes a whole book; whether it was newer.
    pub(super) fn replace(&mut self, snapshot: Snapshot) -> bool {
        if self.last.is_some_and(|last| last >= snapshot.last) {
            self.drop("old_snapshot", 1);
            return false;
        }
        let side = |levels: Vec<Level>| {
            let there = levels.into_iter().filter(|level| level.size > 0);
            there.map(|level| (level.price, level.size)).collect()
        };
        self.bids = side(snapshot.bids);
        self.asks = side(snapshot.asks);
        self.last = Some(snapshot.last);
        for diff in std::mem::take(&mut self.pending) {
            self.change(diff);
        }
        self.last.is_some()
    }

    /// The best levels of both sides.
    pub(super) fn best(&self, levels: usize) -> [Vec<Level>; 2] {
        let level = |(&price, &size): (&i64, &i64)| Level { price, size };
        let bids = self.bids.iter().rev().take(levels).map(level);
        let asks = self.asks.iter().take(levels).map(level);
        [bids.collect(), asks.collect()]
    }

    /// Gives up on what still waits for a snapshot.
    pub(super) fn finish(&mut self) {
        let waiting = self.pending.len() as u64;
        self.drop("depth_without_snapshot", waiting);
    }

    fn wait(&mut self, diff: Diff) {
        if self.pending.len() == MAX_PENDING {
            self.pending.pop_front();
            self.drop("depth_without_snapshot", 1);
        }
        self.pending.push_back(diff);
    }

    fn drop(&mut self, reason: &'static str, frames: u64) {
        if frames > 0 {
            *self.dropped.entry(reason).or_default() += frames;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diff(first: u64, last: u64, previous: Option<u64>, price: i64, size: i64) -> Diff {
        Diff {
            first,
            last,
            previous,
            bids: vec![Level { price, size }],
            asks: vec![],
        }
    }

    fn snapshot(last: u64) -> Snapshot {
        Snapshot {
            last,
            bids: vec![Level { price: 10, size: 1 }, Level { price: 9, size: 2 }],
            asks: vec![Level { price: 11, size: 3 }],
        }
    }

    fn bids(depth: &Depth) -> Vec<(i64, i64)> {
        let [bids, _] = depth.best(20);
        bids.iter().map(|level| (level.price, level.size)).collect()
    }

    #[test]
    fn changes_wait_for_the_snapshot_and_the_older_ones_are_left_out() {
        let mut depth = Depth::default();
        assert!(!depth.change(diff(1, 5, None, 10, 7)));
        assert!(!depth.change(diff(6, 8, None, 9, 5)));
        assert!(depth.replace(snapshot(5)));
        assert_eq!(bids(&depth), [(10, 1), (9, 5)]);
        assert_eq!(depth.dropped["depth_before_snapshot"], 1);
        assert!(depth.change(diff(9, 9, None, 10, 0)));
        assert_eq!(bids(&depth), [(9, 5)]);
    }

    #[test]
    fn after_a_gap_there_is_no_book_until_the_next_snapshot() {
        let mut depth = Depth::default();
        depth.replace(snapshot(5));
        assert!(!depth.change(diff(7, 8, None, 10, 7)));
        assert!(!depth.change(diff(9, 9, None, 10, 7)));
        assert!(depth.replace(snapshot(8)));
        assert_eq!(bids(&depth)[0], (10, 7));
        assert_eq!(depth.gaps, 1);
        assert_eq!(depth.dropped["depth_before_snapshot"], 1);
    }

    #[test]
    fn futures_join_by_the_frame_before() {
        let mut depth = Depth::default();
        depth.replace(snapshot(5));
        assert!(depth.change(diff(3, 20, Some(2), 10, 7)));
        assert!(depth.change(diff(30, 40, Some(20), 10, 8)));
        assert!(!depth.change(diff(60, 70, Some(50), 10, 9)));
        assert_eq!(depth.gaps, 1);
    }

    #[test]
    fn what_never_finds_a_snapshot_is_counted() {
        let mut depth = Depth::default();
        for number in 0..MAX_PENDING as u64 + 3 {
            depth.change(diff(number, number, None, 1, 1));
        }
        depth.finish();
        assert_eq!(depth.dropped["depth_without_snapshot"], 1027);
    }
}
