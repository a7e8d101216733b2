//! What is known of one source and what of it the store does not have yet: no waiting, no clock.

use std::collections::VecDeque;

use quant::market::Timestamp;

use crate::store::exchange::{How, Write};
use crate::store::keys;
use crate::vix1d::{Observation, Reading, Vendor};

/// Seconds that readings live: over a long weekend.
const TTL: u64 = 4 * 86_400;

/// What an answer adds to what was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Observed {
    /// The index at another time.
    New,
    /// The same time again.
    Same,
    /// An earlier time, as a cache in between may give; what was known stands.
    Older,
    /// The server says that nothing changed.
    Unchanged,
}

impl Observed {
    /// For the metrics.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Same => "same",
            Self::Older => "older",
            Self::Unchanged => "unchanged",
        }
    }
}

/// What is known of a source.
#[derive(Debug)]
pub(super) struct Ledger {
    vendor: Vendor,
    window: usize,
    known: Option<Reading>,
    /// Whether the store has `known`.
    is_written: bool,
    /// Observations that the store's list lacks, oldest first; no more than the list keeps.
    unlisted: VecDeque<Observation>,
}

impl Ledger {
    pub(super) fn new(vendor: Vendor, window: usize) -> Self {
        Self {
            vendor,
            window,
            known: None,
            is_written: true,
            unlisted: VecDeque::new(),
        }
    }

    /// What an earlier run left in the store.
    pub(super) fn resume(&mut self, last: Reading) {
        self.known = Some(last);
    }

    pub(super) fn known(&self) -> Option<Reading> {
        self.known
    }

    /// A reading came.
    pub(super) fn observe(&mut self, reading: Reading) -> Observed {
        self.is_written = false;
        let Some(known) = &mut self.known else {
            return self.begin(reading);
        };
        if reading.observed_at < known.observed_at {
            known.fetched_at = reading.fetched_at;
            return Observed::Older;
        }
        // The same instant with another value is a correction.
        if reading.observed_at == known.observed_at {
            *known = reading;
            return Observed::Same;
        }
        self.begin(reading)
    }

    /// What is known was confirmed.
    pub(super) fn unchanged(&mut self, now: Timestamp) -> Observed {
        if let Some(known) = &mut self.known {
            known.fetched_at = now;
            self.is_written = false;
        }
        Observed::Unchanged
    }

    fn begin(&mut self, reading: Reading) -> Observed {
        self.known = Some(reading);
        self.unlisted.push_back(reading.observation());
        while self.unlisted.len() > self.window {
            self.unlisted.pop_front();
        }
        Observed::New
    }

    pub(super) fn is_written(&self) -> bool {
        self.is_written
    }

    /// Observations that wait for the store.
    pub(super) fn unwritten(&self) -> usize {
        self.unlisted.len()
    }

    /// What the store lacks.
    pub(super) fn writes(&self) -> Vec<Write> {
        let Some(known) = self.known.filter(|_| !self.is_written) else {
            return Vec::new();
        };
        let source = self.vendor.name();
        let write = |document, key: String, value: String, how| Write {
            document,
            key: key.into(),
            value: value.into(),
            ttl_seconds: TTL,
            how,
        };
        let keep = How::PutInFront { keep: self.window };
        let listed = self.unlisted.iter().map(|observation| {
            let key = keys::vix1d_history(source);
            write("history", key, observation.to_json(), keep)
        });
        let last = keys::vix1d_last(source);
        let last = write("vix1d_source", last, known.to_json(), How::Replace);
        listed.chain([last]).collect()
    }

    /// The store has it all.
    pub(super) fn written(&mut self) {
        self.is_written = true;
        self.unlisted.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vix1d::Origin;

    fn reading(value: f64, observed: i64, fetched: i64) -> Reading {
        Reading {
            source: Origin::Cboe,
            value,
            observed_at: Timestamp::from_seconds(observed),
            fetched_at: Timestamp::from_seconds(fetched),
            delayed: true,
        }
    }

    /// Key, value of the reading or observation, in the order they are written.
    fn written(ledger: &Ledger) -> Vec<(String, f64)> {
        let value = |write: &Write| match write.how {
            How::Replace => Reading::from_json(&write.value).unwrap().value,
            _ => Observation::from_json(&write.value).unwrap().value,
        };
        let pair = |write: &Write| {
            let key = write.key.rsplit(':').next().unwrap();
            (key.to_owned(), value(write))
        };
        ledger.writes().iter().map(pair).collect()
    }

    fn pairs(expected: &[(&str, f64)]) -> Vec<(String, f64)> {
        let pair = |(key, value): &(&str, f64)| ((*key).to_owned(), *value);
        expected.iter().map(pair).collect()
    }

    #[test]
    fn only_a_new_observation_enters_the_list() {
        let mut ledger = Ledger::new(Vendor::Cboe, 480);
        assert_eq!(written(&ledger), []);
        assert_eq!(ledger.observe(reading(9.0, 100, 200)), Observed::New);
        assert_eq!(written(&ledger), pairs(&[("history", 9.0), ("last", 9.0)]));
        let keys: Vec<_> = ledger.writes().into_iter().map(|w| w.key).collect();
        let expected = [
            "volatility:vix1d:cboe:history",
            "volatility:vix1d:cboe:last",
        ];
        assert_eq!(keys.iter().map(|k| &**k).collect::<Vec<_>>(), expected);
        ledger.written();
        assert_eq!(written(&ledger), []);
        assert_eq!(ledger.observe(reading(9.1, 100, 300)), Observed::Same);
        assert_eq!(written(&ledger), pairs(&[("last", 9.1)]));
    }

    #[test]
    fn an_earlier_observation_changes_nothing_but_when_it_was_asked() {
        let mut ledger = Ledger::new(Vendor::Cboe, 480);
        ledger.resume(reading(9.0, 100, 200));
        assert_eq!(ledger.observe(reading(8.0, 50, 300)), Observed::Older);
        assert_eq!(ledger.known(), Some(reading(9.0, 100, 300)));
        assert_eq!(written(&ledger), pairs(&[("last", 9.0)]));
        ledger.written();
        ledger.unchanged(Timestamp::from_seconds(400));
        assert_eq!(ledger.known(), Some(reading(9.0, 100, 400)));
        assert_eq!(written(&ledger), pairs(&[("last", 9.0)]));
    }

    #[test]
    fn what_waits_for_the_store_is_no_more_than_the_list_keeps() {
        let mut ledger = Ledger::new(Vendor::Yahoo, 3);
        for at in 1..=100 {
            ledger.observe(reading(at as f64, at, at));
        }
        let expected = [
            ("history", 98.0),
            ("history", 99.0),
            ("history", 100.0),
            ("last", 100.0),
        ];
        assert_eq!(written(&ledger), pairs(&expected));
        assert_eq!(ledger.unwritten(), 3);
    }
}
