//! What one source said before: its samples at minute marks, the same minute of other days, and
//! the regime it was in.

use std::collections::VecDeque;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::Params;
use crate::history::{DailyHistory, Extent, Minutes, SameTime};
use crate::market::{Span, Timestamp};
use crate::math::rolling::{self, Moments};
use crate::snapshot::SessionDate;
use crate::volatility::Reading;
use crate::volatility::regime::{Changes, Regime, RegimeMemory, RegimeParams};

const FIVE_MINUTES: Span = Span::from_millis(300_000);
const HOUR: Span = Span::from_millis(3_600_000);

/// Sessions compared at the same minute of the day, and the fewest.
const DAYS: Extent = Extent {
    window: 20,
    minimum: 5,
};

/// What one source said before.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Memory {
    minutes: Minutes,
    /// Observations, oldest first.
    samples: VecDeque<(Timestamp, f64)>,
    newest: Option<Timestamp>,
    days: DailyHistory,
    regime: RegimeMemory,
}

/// A level beside what was before it.
pub(super) struct Seen {
    pub(super) changes: Changes,
    pub(super) zscore: Option<f64>,
    pub(super) mean: Option<f64>,
    pub(super) stdev: Option<f64>,
    pub(super) samples: usize,
    pub(super) percentile: Option<f64>,
    pub(super) robust_zscore: Option<f64>,
    pub(super) same_time: SameTime,
    pub(super) regime: Option<Regime>,
    /// Whether it is a newer observation than any before.
    pub(super) is_new: bool,
    /// Whether it was taken into the history.
    pub(super) taken: bool,
}

impl Memory {
    /// No more samples than `window`; an error where no run can have made it.
    pub(super) fn shorten(&mut self, window: usize) -> Result<(), String> {
        let sound = self.samples.iter().all(|(_, value)| value.is_finite());
        if !sound || !self.days.is_sound() {
            return Err("the history of a source is damaged".to_owned());
        }
        let surplus = self.samples.len().saturating_sub(window);
        self.samples.drain(..surplus);
        self.days.shorten(DAYS.window);
        Ok(())
    }

    /// Compares a level with what was before it, then takes it where it is a new observation of a
    /// new minute.
    pub(super) fn observe(
        &mut self,
        reading: &Reading,
        date: NaiveDate,
        params: &Params,
        regime: &RegimeParams,
    ) -> Seen {
        let (level, at) = (reading.value, reading.observed_at);
        let before: Vec<f64> = self
            .samples
            .iter()
            .filter(|(then, _)| *then < at)
            .map(|(_, value)| *value)
            .collect();
        let changes = Changes {
            five_minutes: self.change(level, at, FIVE_MINUTES),
            hour: self.change(level, at, HOUR),
        };
        let minimum = params.min_samples.max(2);
        let moments = Moments::of(before.iter().copied()).filter(|_| before.len() >= minimum);
        let at_or_below = before.iter().filter(|value| **value <= level).count();
        let is_new = self.newest.is_none_or(|newest| at > newest);
        let seen = Seen {
            changes,
            zscore: moments.as_ref().and_then(|moments| moments.zscore(level)),
            mean: moments.as_ref().map(Moments::mean),
            stdev: moments.as_ref().and_then(Moments::stdev),
            samples: before.len(),
            percentile: (before.len() >= minimum).then(|| at_or_below as f64 / before.len() as f64),
            robust_zscore: rolling::robust_zscore(level, &before, minimum),
            same_time: self.days.observe(Some(level), SessionDate(date), at, DAYS),
            regime: self.regime.step(level, changes, regime),
            is_new,
            taken: is_new && self.minutes.pass(at),
        };
        if seen.taken {
            self.samples.push_back((at, level));
            let surplus = self.samples.len().saturating_sub(params.history_window);
            self.samples.drain(..surplus);
        }
        self.newest = self.newest.max(Some(at));
        seen
    }

    /// Points since the newest sample at least so old, and at most twice.
    fn change(&self, level: f64, at: Timestamp, horizon: Span) -> Option<f64> {
        let mut older = self.samples.iter().rev();
        let (then, value) = older.find(|(then, _)| at.since(*then) >= horizon)?;
        let twice = Span::from_nanos(horizon.nanos() * 2);
        (at.since(*then) <= twice).then_some(level - value)
    }
}
