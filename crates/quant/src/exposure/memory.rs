//! What an exposure was before, for its z-score.

use serde::{Deserialize, Serialize};

use crate::calculator::Mark;
use crate::history::{Compared, DailyHistory, Extent, MinuteHistory, SameTime};
use crate::market::Timestamp;
use crate::snapshot::SessionDate;

/// Sessions compared at the same minute of the day, and the fewest.
const DAYS: Extent = Extent {
    window: 10,
    minimum: 5,
};

/// The history of one exposure at minute marks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    history: MinuteHistory,
    days: DailyHistory,
}

/// A value beside what it was before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Remembered {
    /// Against the last minute marks.
    pub history: Compared,
    /// Against the same minute of other sessions.
    pub same_time: SameTime,
    /// The value, where this run was the first of its minute.
    pub mark: Option<Mark>,
}

impl Memory {
    /// A memory that was read back, no longer than `window`; an error where no run can have made
    /// it.
    pub fn restored(mut self, window: usize) -> Result<Self, String> {
        if !self.days.is_sound() {
            return Err("the history by day is damaged".to_owned());
        }
        self.history.shorten(window);
        self.days.shorten(DAYS.window);
        Ok(self)
    }

    /// Share of the last minute marks below a value, ties counted half, 0 to 1; `None` under the
    /// minimum count. A value is compared before it is observed.
    pub fn percentile(&self, value: f64, extent: Extent) -> Option<f64> {
        self.history.percentile(value, extent)
    }

    /// Compares a value with what was before it, then takes it where a minute mark was passed.
    pub fn observe(
        &mut self,
        value: Option<f64>,
        date: SessionDate,
        now: Timestamp,
        extent: Extent,
    ) -> Remembered {
        let (history, taken) = self.history.observe(value, now, extent);
        let same_time = self.days.observe(value, date, now, DAYS);
        let mark = value.filter(|_| taken).map(|value| Mark {
            value,
            window: extent.window,
        });
        Remembered {
            history,
            same_time,
            mark,
        }
    }
}
