//! What a statistic was before: at the last minute marks, and at the same minute of other days.
//!
//! A history takes at most one value a minute, that of the first run at or after the mark, so it
//! does not depend on how often a calculator runs. A value is compared with what came before it.

use std::collections::{BTreeMap, VecDeque};

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calculator::Status;
use crate::market::Timestamp;
use crate::math::rolling::{self, Moments};
use crate::snapshot::SessionDate;

const MINUTE_NS: i64 = 60_000_000_000;
const MINUTES_A_DAY: i64 = 24 * 60;

/// The minute marks as they pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Minutes {
    newest: Option<i64>,
}

impl Minutes {
    /// Whether a mark was passed since the last time this said so; the first instant passes one.
    ///
    /// A clock that steps back passes none until it is where it was. A mark more than a day ahead
    /// is one of a clock that was wrong, and waiting for it would be for ever: it is forgotten.
    pub fn pass(&mut self, now: Timestamp) -> bool {
        let minute = now.nanos().div_euclid(MINUTE_NS);
        let waits =
            |newest: i64| minute <= newest && newest.saturating_sub(minute) <= MINUTES_A_DAY;
        if self.newest.is_some_and(waits) {
            return false;
        }
        self.newest = Some(minute);
        true
    }
}

/// How much history, and how little is too little.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Most values kept.
    pub window: usize,
    /// Fewest values that say something, two at least.
    pub minimum: usize,
}

impl Extent {
    /// Whether it can be kept and can say something; an error says what must be.
    pub fn check(self, longest: usize, window: &str, minimum: &str) -> Result<(), String> {
        if !(2..=longest).contains(&self.window) {
            let is = self.window;
            return Err(format!("{window}: must be 2 to {longest} (is {is})"));
        }
        if !(2..=self.window).contains(&self.minimum) {
            let (is, most) = (self.minimum, self.window);
            return Err(format!(
                "{minimum}: must be 2 to {window}, {most} (is {is})"
            ));
        }
        Ok(())
    }
}

/// A value against its history at minute marks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Compared {
    /// (value − mean) / stdev of the history before it; null unless `status` is `ok`.
    pub zscore: Option<f64>,
    /// Mean of the history; null under the minimum count.
    pub mean: Option<f64>,
    /// Sample standard deviation of the history; null under the minimum count.
    pub stdev: Option<f64>,
    /// Values in the history, one a minute.
    pub samples: usize,
    /// Most values it holds.
    pub window: usize,
    /// `ok`, `warming` under the minimum count, `undefined` where nothing varied or no value is.
    pub status: Status,
}

/// A statistic at the last minute marks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MinuteHistory {
    minutes: Minutes,
    /// Oldest first.
    values: VecDeque<f64>,
}

impl MinuteHistory {
    /// Compares a value with the history, which then takes it where a mark was passed. Whether it
    /// did is the second answer: then the newest value is new.
    pub fn observe(
        &mut self,
        value: Option<f64>,
        now: Timestamp,
        extent: Extent,
    ) -> (Compared, bool) {
        let compared = self.compare(value, extent);
        (
            compared,
            value.is_some_and(|value| self.take(value, now, extent)),
        )
    }

    /// A value against the history as it stands.
    pub fn compare(&self, value: Option<f64>, extent: Extent) -> Compared {
        let samples = self.values.len();
        let enough = samples >= extent.minimum.max(2);
        let moments = Moments::of(self.values.iter().copied()).filter(|_| enough);
        let zscore = value.and_then(|value| moments?.zscore(value));
        Compared {
            zscore,
            mean: moments.map(|moments| moments.mean()),
            stdev: moments.and_then(|moments| moments.stdev()),
            samples,
            window: extent.window,
            status: match (enough, zscore) {
                (false, _) => Status::Warming,
                (true, None) => Status::Undefined,
                (true, Some(_)) => Status::Ok,
            },
        }
    }

    /// Share of the history below a value, ties counted half, 0 to 1; `None` under the minimum count.
    pub fn percentile(&self, value: f64, extent: Extent) -> Option<f64> {
        let known: Vec<f64> = self.values.iter().copied().collect();
        rolling::percentile(value, &known, extent.minimum.max(2))
    }

    /// Takes a value where a mark was passed since the last one taken; says whether it did.
    pub fn take(&mut self, value: f64, now: Timestamp, extent: Extent) -> bool {
        if !value.is_finite() || !self.minutes.pass(now) {
            return false;
        }
        self.values.push_back(value);
        self.shorten(extent.window);
        true
    }

    /// The values, newest first: the order of the lists in the store.
    pub fn newest_first(&self) -> impl Iterator<Item = f64> {
        self.values.iter().rev().copied()
    }

    /// Forgets the oldest values beyond a window; a saved history may be of a longer one.
    pub fn shorten(&mut self, window: usize) {
        let surplus = self.values.len().saturating_sub(window);
        self.values.drain(..surplus);
    }
}

/// A value against those of other days at the same minute.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SameTime {
    /// (value − mean) / stdev of the earlier days' values; null under the minimum count of days or
    /// where they do not vary.
    pub zscore: Option<f64>,
    /// Share of those below the value, ties counted half, 0 to 1; null under the minimum count.
    pub percentile: Option<f64>,
    /// Earlier days with a value at this minute.
    pub days: usize,
}

/// A statistic by session date and minute of the day: one value a minute from each day.
///
/// The minute is counted from midnight UTC. Where the exchange changes its clock, the days before
/// the change are an hour off until they have left the window.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DailyHistory {
    minutes: Minutes,
    days: BTreeMap<NaiveDate, BTreeMap<u16, f64>>,
}

impl DailyHistory {
    /// Compares a value with the days before its own, then takes it where a mark was passed.
    /// `extent` counts days.
    pub fn observe(
        &mut self,
        value: Option<f64>,
        date: SessionDate,
        now: Timestamp,
        extent: Extent,
    ) -> SameTime {
        let same_time = self.compare(value, date, now, extent);
        if let Some(value) = value {
            self.take(value, date, now, extent);
        }
        same_time
    }

    /// A value against the earlier days as they stand.
    pub fn compare(
        &self,
        value: Option<f64>,
        SessionDate(date): SessionDate,
        now: Timestamp,
        extent: Extent,
    ) -> SameTime {
        let minute = minute_of_day(now);
        let earlier = self.days.range(..date).rev().take(extent.window);
        let known: Vec<f64> = earlier
            .filter_map(|(_, marks)| marks.get(&minute).copied())
            .collect();
        let minimum = extent.minimum.max(2);
        SameTime {
            zscore: value.and_then(|value| rolling::zscore(value, &known, minimum)),
            percentile: value.and_then(|value| rolling::percentile(value, &known, minimum)),
            days: known.len(),
        }
    }

    /// Takes a value where a mark was passed and its day has none at this minute; says whether it
    /// did.
    pub fn take(
        &mut self,
        value: f64,
        SessionDate(date): SessionDate,
        now: Timestamp,
        extent: Extent,
    ) -> bool {
        if !value.is_finite() || !self.minutes.pass(now) {
            return false;
        }
        let marks = self.days.entry(date).or_default();
        let is_new = !marks.contains_key(&minute_of_day(now));
        marks.entry(minute_of_day(now)).or_insert(value);
        self.shorten(extent.window);
        is_new
    }

    /// Forgets the oldest days beyond `window` and the present one.
    pub fn shorten(&mut self, window: usize) {
        while self.days.len() > window.saturating_add(1) {
            self.days.pop_first();
        }
    }

    /// Whether runs could have made it: a memory that was read back may be anything.
    pub fn is_sound(&self) -> bool {
        let mut minutes = self.days.values().flat_map(BTreeMap::keys);
        minutes.all(|minute| i64::from(*minute) < MINUTES_A_DAY)
    }
}

fn minute_of_day(now: Timestamp) -> u16 {
    let minute = now.nanos().div_euclid(MINUTE_NS);
    minute.rem_euclid(MINUTES_A_DAY) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Extent = Extent {
        window: 3,
        minimum: 2,
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn day(number: i32) -> SessionDate {
        SessionDate(NaiveDate::from_num_days_from_ce_opt(730_000 + number).unwrap())
    }

    /// The history after these observations, newest first.
    fn marks(observed: &[(i64, f64)]) -> Vec<f64> {
        let mut history = MinuteHistory::default();
        for (seconds, value) in observed {
            history.observe(Some(*value), at(*seconds), SHORT);
        }
        history.newest_first().collect()
    }

    #[test]
    fn the_first_value_at_or_after_a_mark_is_taken() {
        assert_eq!(
            marks(&[(0, 1.0), (30, 2.0), (61, 3.0), (119, 4.0), (120, 5.0)]),
            [5.0, 3.0, 1.0]
        );
    }

    #[test]
    fn minutes_without_a_run_leave_nothing() {
        assert_eq!(marks(&[(0, 1.0), (3_600, 2.0)]), [2.0, 1.0]);
    }

    #[test]
    fn the_window_forgets_the_oldest() {
        let minutes: Vec<(i64, f64)> = (0..9).map(|n| (n * 60, n as f64)).collect();
        assert_eq!(marks(&minutes), [8.0, 7.0, 6.0]);
    }

    #[test]
    fn time_that_runs_backwards_is_ignored() {
        assert_eq!(
            marks(&[(600, 1.0), (0, 2.0), (599, 3.0), (660, 4.0)]),
            [4.0, 1.0]
        );
    }

    #[test]
    fn a_clock_that_was_a_year_ahead_stops_nothing() {
        let year = 365 * 86_400;
        assert_eq!(marks(&[(year, 1.0), (0, 2.0), (60, 3.0)]), [3.0, 2.0, 1.0]);
        assert_eq!(
            marks(&[(year, 1.0), (0, 2.0), (year + 60, 3.0)]),
            [3.0, 2.0, 1.0]
        );
    }

    #[test]
    fn a_value_is_compared_with_what_came_before_it() {
        let mut history = MinuteHistory::default();
        let mut observe = |seconds, value| history.observe(Some(value), at(seconds), SHORT);
        assert_eq!(observe(0, 1.0).0.status, Status::Warming);
        let (warming, taken) = observe(60, 3.0);
        assert_eq!((warming.samples, warming.mean, taken), (1, None, true));
        let (compared, taken) = observe(70, 5.0);
        assert!(!taken);
        assert_eq!(
            (compared.mean, compared.stdev),
            (Some(2.0), Some(2f64.sqrt()))
        );
        assert_eq!(compared.zscore, Some(3.0 / 2f64.sqrt()));
    }

    #[test]
    fn what_never_varied_has_no_z() {
        let mut history = MinuteHistory::default();
        for minute in 0..3 {
            history.take(0.1, at(minute * 60), SHORT);
        }
        let compared = history.compare(Some(0.2), SHORT);
        assert_eq!((compared.zscore, compared.stdev), (None, Some(0.0)));
        assert_eq!(compared.status, Status::Undefined);
    }

    #[test]
    fn other_days_are_compared_at_the_same_minute_only() {
        let mut history = DailyHistory::default();
        for (number, value) in [(0, 1.0), (1, 3.0)] {
            let open = i64::from(number) * 86_400;
            history.observe(Some(value), day(number), at(open + 5), SHORT);
            history.observe(Some(90.0), day(number), at(open + 65), SHORT);
        }
        let third = 2 * 86_400;
        let seen = history.observe(Some(2.0), day(2), at(third + 59), SHORT);
        assert_eq!(
            (seen.zscore, seen.percentile, seen.days),
            (Some(0.0), Some(0.5), 2)
        );
        let no_such_minute = history.observe(Some(2.0), day(2), at(third + 180), SHORT);
        assert_eq!((no_such_minute.percentile, no_such_minute.days), (None, 0));
    }

    #[test]
    fn a_day_does_not_count_for_itself_and_the_oldest_is_forgotten() {
        let mut history = DailyHistory::default();
        for number in 0..9 {
            let now = at(i64::from(number) * 86_400);
            let seen = history.observe(Some(1.0), day(number), now, SHORT);
            assert_eq!(seen.days, (number as usize).min(3));
        }
        assert_eq!(history.days.len(), 4);
    }

    #[test]
    fn a_day_of_a_wrong_clock_costs_one_place() {
        let mut history = DailyHistory::default();
        history.take(1.0, day(9_000), at(9_000 * 86_400), SHORT);
        for number in 0..9 {
            let taken = history.take(1.0, day(number), at(i64::from(number) * 86_400), SHORT);
            assert!(taken);
        }
        let seen = history.compare(Some(1.0), day(9), at(9 * 86_400), SHORT);
        assert_eq!(seen.days, 3);
    }

    #[test]
    fn a_minute_there_is_not_is_no_memory() {
        let text = r#"{"minutes":null,"days":{"2024-01-02":{"1440":0.5}}}"#;
        let history: DailyHistory = serde_json::from_str(text).unwrap();
        assert!(!history.is_sound());
    }
}
