//! The values VPIN had, one a completed bucket, and where the present one stands among them.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Steps in 1: values are remembered as they are published, to four decimals.
const STEPS: u16 = 10_000;

/// Fewest values that make a distribution (6.2 of the maths notes).
const FEWEST: usize = 200;

/// The newest values, oldest first, in steps of 1e-4.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct History(VecDeque<u16>);

impl History {
    pub(super) fn push(&mut self, value: f64, kept: usize) {
        while self.0.len() >= kept {
            self.0.pop_front();
        }
        self.0.push_back(steps(value));
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Keeps the newest values where the settings allow fewer than were saved.
    pub(super) fn shorten(&mut self, kept: usize) {
        let surplus = self.0.len().saturating_sub(kept);
        self.0.drain(..surplus);
    }

    /// The share of the values at or below this one, in [0, 1]; `None` while there are few.
    pub(super) fn percentile(&self, value: f64) -> Option<f64> {
        let n = self.0.len();
        if n < FEWEST {
            return None;
        }
        let value = steps(value);
        let below = self.0.iter().filter(|other| **other <= value).count();
        Some(below as f64 / n as f64)
    }

    /// Whether every value lies in [0, 1].
    pub(super) fn is_sound(&self) -> bool {
        self.0.iter().all(|value| *value <= STEPS)
    }
}

fn steps(value: f64) -> u16 {
    (value * f64::from(STEPS)).round() as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl Iterator<Item = u16>) -> History {
        let mut history = History::default();
        values.for_each(|value| history.push(f64::from(value) / 1e4, 1_000));
        history
    }

    #[test]
    fn it_takes_two_hundred_values() {
        assert_eq!(of(0..199).percentile(0.5), None);
        assert_eq!(of(0..200).percentile(0.5), Some(1.0));
    }

    #[test]
    fn equal_values_count_as_below() {
        let history = of((0..100).chain(0..100).chain([20; 50]));
        assert_eq!(history.percentile(0.0020), Some(92.0 / 250.0));
        assert_eq!(history.percentile(0.0), Some(2.0 / 250.0));
    }

    #[test]
    fn only_the_newest_are_kept() {
        let mut history = of(0..1_500);
        assert_eq!(history.len(), 1_000);
        assert_eq!(history.percentile(0.05), Some(0.001));
        history.shorten(300);
        assert_eq!(history.percentile(0.12), Some(1.0 / 300.0));
    }
}
