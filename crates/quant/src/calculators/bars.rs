//! Bars: the last bars of 1, 5 and 15 minutes, aligned to the clock in UTC, made from the tape.
//!
//! What a print may move is said by its conditions ([`crate::market::Conditions::effect`]). A print that
//! comes after its minute was given as complete amends the bar while it is kept. A minute without a
//! print has no bar, and one whose prints moved no price none either, but longer bars have their
//! volume. Where a symbol has no tape, or one that ended, the minute bars of its feed stand in.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calculator::{Calculator, Counted, Job, NoValue, Status};
use crate::market::{Bar, Effect, Price, Timestamp, size_sum_to_f64};
use crate::snapshot::{MinuteBars, Section, Tape};

mod series;
#[cfg(test)]
mod tests;

use series::{Series, start_of};

const MINUTE: i64 = 60_000_000_000;

/// The windows, minutes.
pub const WINDOWS: [u32; 3] = [1, 5, 15];

/// Settings.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Bars of each window that are kept and given.
    pub keep: usize,
}

impl Default for Params {
    fn default() -> Self {
        Self { keep: 20 }
    }
}

/// The document. Everything is null unless the status is `ok`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Payload {
    /// What they are made from.
    pub source: Option<Source>,
    /// The bars of 1, 5 and 15 minutes.
    pub windows: Option<Vec<Window>>,
    /// Prints that came after their minute was given as complete, and amended it, since the memory of
    /// this symbol began.
    pub late_trades: Option<u64>,
    /// Prints that came when their minute was no longer kept.
    pub too_late_trades: Option<u64>,
}

/// What bars are made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The prints of the tape.
    Tape,
    /// The minute bars of the feed.
    MinuteBars,
}

/// The bars of one window: columns of one length, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Window {
    /// 1, 5 or 15.
    pub window_minutes: u32,
    /// When each began, milliseconds since the epoch, a multiple of the window.
    pub start_ms: Vec<i64>,
    /// First price.
    pub open: Vec<f64>,
    /// Highest price.
    pub high: Vec<f64>,
    /// Lowest price.
    pub low: Vec<f64>,
    /// Last price.
    pub close: Vec<f64>,
    /// Shares or contracts traded.
    pub volume: Vec<f64>,
    /// Prints that moved a price or added volume; null where they are made from minute bars.
    pub num_ticks: Vec<Option<u64>>,
    /// Whether its time is over and all of it was seen: the last may be under way, and bars that had
    /// begun when the memory of this symbol did hold a part of their time.
    pub complete: Vec<bool>,
}

/// One bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candle {
    /// When it began.
    pub start: Timestamp,
    /// First price.
    pub open: f64,
    /// Highest price.
    pub high: f64,
    /// Lowest price.
    pub low: f64,
    /// Last price.
    pub close: f64,
    /// Shares or contracts traded.
    pub volume: f64,
    /// Prints, where they are known.
    pub num_ticks: Option<u64>,
    /// Whether its time is over and all of it was seen.
    pub complete: bool,
}

impl Window {
    fn push(&mut self, candle: Candle) {
        self.start_ms.push(candle.start.millis());
        self.open.push(candle.open);
        self.high.push(candle.high);
        self.low.push(candle.low);
        self.close.push(candle.close);
        self.volume.push(candle.volume);
        self.num_ticks.push(candle.num_ticks);
        self.complete.push(candle.complete);
    }

    /// The newest bar.
    pub fn last(&self) -> Option<Candle> {
        Some(Candle {
            start: Timestamp::from_millis(*self.start_ms.last()?),
            open: *self.open.last()?,
            high: *self.high.last()?,
            low: *self.low.last()?,
            close: *self.close.last()?,
            volume: *self.volume.last()?,
            num_ticks: *self.num_ticks.last()?,
            complete: *self.complete.last()?,
        })
    }

    /// When a bar that began then ends.
    pub fn end_of(&self, start: Timestamp) -> DateTime<Utc> {
        let nanos = i64::from(self.window_minutes) * MINUTE;
        Timestamp::from_nanos(start.nanos().saturating_add(nanos)).utc()
    }
}

/// What a run remembers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Memory {
    /// The bars of each window.
    windows: [Series; 3],
    /// When bars were given last: what was over by then was given as complete.
    given: Option<Timestamp>,
    /// Since when every print was seen: bars that began before are of a part of their time.
    #[serde(default)]
    since: Option<Timestamp>,
    late: u64,
    too_late: u64,
}

/// The bars of one symbol.
pub struct Bars {
    params: Params,
    memory: Memory,
    counted: Counted,
}

impl Calculator for Bars {
    const NAME: &'static str = "bars";
    const ABOUT: &'static str = "Bars: the last bars of 1, 5 and 15 minutes, aligned to the clock \
        in UTC, made from the tape.";
    const JOB: Job = Job::Ohlc;
    type Params = Params;
    type Input<'a> = (Tape<'a>, MinuteBars<'a>);
    type Payload = Payload;
    type State = Memory;

    fn new(params: Params, memory: Memory) -> Result<Self, String> {
        let is = params.keep;
        if !(2..=500).contains(&is) {
            return Err(format!("keep: must be 2 to 500 (is {is})"));
        }
        let mut all = WINDOWS.into_iter().zip(&memory.windows);
        if !all.all(|(minutes, series)| series.is_sound(nanos(minutes), is)) {
            return Err("the saved memory is none that prints could make: start without it".into());
        }
        Ok(Self {
            params,
            memory,
            counted: Counted::default(),
        })
    }

    fn state(&self) -> &Memory {
        &self.memory
    }

    fn compute(
        &mut self,
        (tape, minute_bars): Self::Input<'_>,
        now: Timestamp,
    ) -> Result<Payload, NoValue> {
        self.fold(tape, now);
        let newest = self.newest_end();
        // A tape that is a minute behind may have ended; what the feed's bars say is looked at then.
        let behind = newest.is_none_or(|end| now.nanos().saturating_sub(end) >= MINUTE);
        let stand_in = match behind {
            true => minute_bars.fresh().ok(),
            false => None,
        };
        let goes_on = |bars: &[Bar]| {
            let last = bars.last().map(|bar| start_of(bar.start, MINUTE));
            last.is_some_and(|last| newest.is_none_or(|end| last >= end.saturating_add(MINUTE)))
        };
        let (source, windows) = match stand_in.filter(|bars| goes_on(bars)) {
            Some(bars) => (Source::MinuteBars, self.of_minute_bars(bars, now)),
            None if newest.is_none() => return Err(NoValue::Missing(Section::Trades)),
            None => (Source::Tape, self.of_tape(now)),
        };
        Ok(Payload {
            source: Some(source),
            windows: Some(windows),
            late_trades: Some(self.memory.late),
            too_late_trades: Some(self.memory.too_late),
        })
    }

    fn counted(&self) -> Counted {
        self.counted.clone()
    }

    fn absent(_: Status) -> Payload {
        Payload::default()
    }
}

impl Bars {
    fn fold(&mut self, tape: Tape<'_>, now: Timestamp) {
        self.counted = Counted::default();
        let Memory {
            windows,
            given,
            since,
            late,
            too_late,
        } = &mut self.memory;
        if tape.lost() > 0 {
            *since = Some(now);
        }
        // The tape begins in the middle: what was before its first print is unknown.
        let first = tape.new_trades().map(|signed| signed.trade.at).min();
        *since = (*since).into_iter().chain(first).min().or(Some(now));
        let (mut volume_only, mut neither, mut outside) = (0, 0, 0);
        for signed in tape.new_trades() {
            let trade = &signed.trade;
            let effect = trade.conditions.effect();
            match effect {
                Effect::Price => {}
                Effect::Volume => volume_only += 1,
                Effect::Nothing => {
                    neither += 1;
                    continue;
                }
            }
            let minute_end = start_of(trade.at, MINUTE).saturating_add(MINUTE);
            let is_late = given.is_some_and(|given| minute_end <= given.nanos());
            for (minutes, series) in WINDOWS.into_iter().zip(windows.iter_mut()) {
                let kept = series.take(trade, effect, nanos(minutes), self.params.keep);
                match (minutes, kept) {
                    (1, true) => *late += u64::from(is_late),
                    (1, false) => outside += 1,
                    _ => {}
                }
            }
            self.counted.used += 1;
        }
        *too_late += outside;
        for (minutes, series) in WINDOWS.into_iter().zip(windows) {
            series.forget_beyond(now, nanos(minutes));
        }
        *given = Some(now);
        for (reason, prints) in [
            ("volume_only", volume_only),
            ("no_part", neither),
            ("too_late", outside),
            ("overwritten", tape.lost()),
        ] {
            if prints > 0 {
                self.counted.dropped.insert(reason, prints);
            }
        }
    }

    /// The end of the newest minute with a price.
    fn newest_end(&self) -> Option<i64> {
        let mut minutes = self.memory.windows[0].bars().rev();
        let newest = minutes.find(|bar| bar.prices.is_some())?;
        Some(newest.start.saturating_add(MINUTE))
    }

    fn of_tape(&self, now: Timestamp) -> Vec<Window> {
        let all = WINDOWS.into_iter().zip(&self.memory.windows);
        let window = |(minutes, series): (u32, &Series)| {
            let mut window = Window {
                window_minutes: minutes,
                ..Window::default()
            };
            for bar in series.bars() {
                let Some(prices) = bar.prices else {
                    continue;
                };
                let price = |units| Price::from_units(units).to_f64();
                window.push(Candle {
                    start: Timestamp::from_nanos(bar.start),
                    open: price(prices.open),
                    high: price(prices.high),
                    low: price(prices.low),
                    close: price(prices.close),
                    volume: size_sum_to_f64(bar.volume),
                    num_ticks: Some(bar.ticks),
                    complete: bar.start.saturating_add(nanos(minutes)) <= now.nanos()
                        && self
                            .memory
                            .since
                            .is_some_and(|since| bar.start >= since.nanos()),
                });
            }
            window
        };
        all.map(window).collect()
    }

    /// From minute bars, which stand by their start. A longer bar whose first minutes are not listed is
    /// left out.
    fn of_minute_bars(&self, bars: &[Bar], now: Timestamp) -> Vec<Window> {
        let mut minutes: Vec<Bar> = Vec::with_capacity(bars.len());
        for bar in bars {
            match minutes.last_mut() {
                // Of a minute that is there twice the later one counts.
                Some(last) if start_of(last.start, MINUTE) == start_of(bar.start, MINUTE) => {
                    *last = *bar;
                }
                _ => minutes.push(*bar),
            }
        }
        let listed_from = minutes.first().map(|bar| start_of(bar.start, MINUTE));
        let window = |length: u32| {
            let mut window = Window {
                window_minutes: length,
                ..Window::default()
            };
            let same = |a: &Bar, b: &Bar| {
                start_of(a.start, nanos(length)) == start_of(b.start, nanos(length))
            };
            let groups: Vec<&[Bar]> = minutes.chunk_by(same).collect();
            for group in &groups[groups.len().saturating_sub(self.params.keep)..] {
                let start = start_of(group[0].start, nanos(length));
                if listed_from.is_none_or(|from| start >= from) {
                    window.push(joined(group, start, nanos(length), now));
                }
            }
            window
        };
        WINDOWS.map(window).into()
    }
}

/// One bar of several minutes.
fn joined(minutes: &[Bar], start: i64, length: i64, now: Timestamp) -> Candle {
    let first = minutes[0];
    let last = minutes[minutes.len() - 1];
    let highest = minutes
        .iter()
        .fold(first.high, |high, bar| high.max(bar.high));
    let lowest = minutes.iter().fold(first.low, |low, bar| low.min(bar.low));
    let volume = minutes.iter().map(|bar| i128::from(bar.volume.units()));
    Candle {
        start: Timestamp::from_nanos(start),
        open: first.open.to_f64(),
        high: highest.to_f64(),
        low: lowest.to_f64(),
        close: last.close.to_f64(),
        volume: size_sum_to_f64(volume.sum()),
        num_ticks: None,
        complete: start.saturating_add(length) <= now.nanos(),
    }
}

fn nanos(minutes: u32) -> i64 {
    i64::from(minutes) * MINUTE
}
