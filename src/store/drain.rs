//! Draining a trade list: which elements of a window were not seen before.
//!
//! Producers append at the tail and trim at the head, so what was seen is a run of elements that
//! the new ones follow. The last elements are remembered by hash; where they are found again,
//! the rest is new. Where they are not, the list was trimmed past them or replaced: a gap.

use std::collections::VecDeque;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// Elements remembered: enough to tell a run of equal trades from its own repetition.
const REMEMBERED: usize = 64;
/// Passes whose arrivals set the size of the next window.
const PASSES: usize = 10;
/// Smallest window.
const SMALLEST: usize = 32;

/// The place on one trade list.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Drain {
    seen: VecDeque<u64>,
    arrivals: VecDeque<usize>,
}

/// Where the new elements of a window start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aligned {
    /// At this index; the index may be the window's length.
    New(usize),
    /// What was seen is not in the window.
    NotFound,
}

impl Drain {
    /// How many elements from the tail to read: twice the largest arrival of the last passes.
    /// `None` is the whole list, for the first time.
    pub fn window(&self) -> Option<usize> {
        if self.seen.is_empty() {
            return None;
        }
        let largest = self.arrivals.iter().max().copied().unwrap_or(0);
        Some(SMALLEST.max(2 * largest))
    }

    /// Finds what was seen at the latest place of the window where it fits.
    pub fn align(&self, window: &[Bytes]) -> Aligned {
        let Some(last) = self.seen.back() else {
            return Aligned::New(0);
        };
        if window.is_empty() {
            return Aligned::New(0);
        }
        let hashes: Vec<u64> = window.iter().map(|element| xxh3_64(element)).collect();
        let fits = |end: usize| {
            let overlap = self.seen.iter().rev().zip(hashes[..end].iter().rev());
            hashes[end - 1] == *last && overlap.into_iter().all(|(seen, hash)| seen == hash)
        };
        match (1..=hashes.len()).rev().find(|end| fits(*end)) {
            Some(end) => Aligned::New(end),
            None => Aligned::NotFound,
        }
    }

    /// Remembers the new elements as seen.
    pub fn advance(&mut self, new: &[Bytes]) {
        self.arrivals.push_back(new.len());
        if self.arrivals.len() > PASSES {
            self.arrivals.pop_front();
        }
        let kept = &new[new.len().saturating_sub(REMEMBERED)..];
        self.seen
            .extend(kept.iter().map(|element| xxh3_64(element)));
        let excess = self.seen.len().saturating_sub(REMEMBERED);
        self.seen.drain(..excess);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn elements(text: &str) -> Vec<Bytes> {
        text.chars().map(|c| Bytes::from(c.to_string())).collect()
    }

    fn check(seen: &str, window: &str, expected: Aligned) {
        let mut drain = Drain::default();
        drain.advance(&elements(seen));
        assert_eq!(drain.align(&elements(window)), expected, "{seen} {window}");
    }

    #[test]
    fn what_follows_the_seen_is_new() {
        check("", "abc", Aligned::New(0));
        check("abc", "abc", Aligned::New(3));
        check("abc", "abcde", Aligned::New(3));
        check("abc", "cde", Aligned::New(1));
    }

    #[test]
    fn a_run_of_equal_trades_is_told_from_its_repetition() {
        check("abb", "abbb", Aligned::New(3));
        check("abb", "bbbb", Aligned::New(2));
    }

    #[test]
    fn a_trimmed_or_replaced_list_is_a_gap() {
        check("abc", "xyz", Aligned::NotFound);
        check("abc", "xbc", Aligned::NotFound);
    }

    #[test]
    fn an_emptied_list_is_no_gap_by_itself() {
        check("abc", "", Aligned::New(0));
    }

    #[test]
    fn the_window_follows_the_arrivals() {
        let mut drain = Drain::default();
        assert_eq!(drain.window(), None);
        drain.advance(&elements(&"x".repeat(100)));
        assert_eq!(drain.window(), Some(200));
        (0..10).for_each(|_| drain.advance(&[]));
        assert_eq!(drain.window(), Some(SMALLEST));
    }

    proptest! {
        /// However a list of distinct trades is read, each comes out once.
        #[test]
        fn each_trade_is_drained_once(arrivals in prop::collection::vec(0usize..40, 1..30)) {
            let mut drain = Drain::default();
            let (mut list, mut drained) = (Vec::new(), Vec::new());
            for arrival in arrivals {
                for _ in 0..arrival {
                    list.push(Bytes::from(list.len().to_string()));
                }
                let from = drain.window().map_or(0, |k| list.len().saturating_sub(k));
                let mut window = &list[from..];
                let start = match drain.align(window) {
                    Aligned::New(start) => start,
                    Aligned::NotFound => {
                        window = &list[..];
                        match drain.align(window) {
                            Aligned::New(start) => start,
                            Aligned::NotFound => unreachable!("nothing is trimmed here"),
                        }
                    }
                };
                drained.extend_from_slice(&window[start..]);
                drain.advance(&window[start..]);
            }
            prop_assert_eq!(drained, list);
        }
    }
}
