//! Order-book imbalance: how much more size rests on the bid than on the ask, and how it moves.
//!
//! Imbalance (B − A) / (B + A): +1 all bid, −1 all ask. Order-flow imbalance sums the size that
//! came to the bid or left the ask (Cont, Kukanov, Stoikov, J. Financial Econometrics 12, 2014).
//! What the engine polls is a sample of the book: flow between two samples is not seen.
//! Stoikov's micro-price (Quantitative Finance 18, 2018) is estimated on those same samples.

mod flow;
mod micro;
mod shape;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calculator::{Calculator, Counted, Job, NoValue, Status};
use crate::history::{Compared, DailyHistory, Extent, MinuteHistory, SameTime};
use crate::market::{OrderBook, Span, Timestamp, size_sum_to_f64};
use crate::snapshot::SessionDate;

use flow::Flow;
use micro::{Estimate, MicroPrice};
pub use shape::{BookStatus, Shape, level, measure};

/// Settings.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// How fast the book velocity forgets, milliseconds.
    pub velocity_tau_ms: u64,
    /// How far back order flow is summed, milliseconds.
    pub ofi_window_ms: u64,
    /// Minute marks in the history of the five-level imbalance.
    pub history_window: usize,
    /// Fewest of them behind a z-score.
    pub min_samples: usize,
    /// Earlier session days that the same minute of the day is compared with.
    pub time_of_day_days: usize,
    /// Fewest of them behind a comparison.
    pub time_of_day_min_days: usize,
    /// Books in the window that Stoikov's micro-price is estimated on.
    pub micro_price_window: usize,
    /// Fewest steps between books behind an estimate.
    pub micro_price_min_samples: usize,
    /// Fewest steps out of an imbalance and spread, mirrors included, for a price there.
    pub micro_price_min_visits: u32,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            velocity_tau_ms: 5_000,
            ofi_window_ms: 10_000,
            history_window: 240,
            min_samples: 20,
            time_of_day_days: 10,
            time_of_day_min_days: 5,
            micro_price_window: 3_600,
            micro_price_min_samples: 600,
            micro_price_min_visits: 20,
        }
    }
}

/// The document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Payload {
    /// (bid − ask) / (bid + ask) of the best sizes, −1 to 1; null where both are zero.
    pub level1_imbalance: Option<f64>,
    /// The same on the sums of up to five levels.
    pub level5_imbalance: Option<f64>,
    /// The same with level k (best = 0) weighted 1 / (1 + k).
    pub level5_imbalance_rank_weighted: Option<f64>,
    /// Bid size over ask size, five levels; null where the asks show no size.
    pub pressure_ratio: Option<f64>,
    /// Mid weighted toward the thinner side, (bid·ask size + ask·bid size) / (bid size + ask size).
    pub micro_price: Option<f64>,
    /// Mid plus the moves expected from the imbalance and the spread in the long run (Stoikov
    /// 2018), held within bid and ask; null until enough books were seen, and where the spread is
    /// wider than three ticks.
    pub micro_price_stoikov: Option<f64>,
    /// Steps between books of up to three ticks' spread in the window when it was last counted,
    /// once a minute at most.
    pub micro_price_samples: Option<u64>,
    /// Time since then, milliseconds.
    pub micro_price_age_ms: Option<i64>,
    /// Tick size, inferred: what the window's spreads and price moves are multiples of; null until
    /// it gave an estimate.
    pub micro_price_tick: Option<f64>,
    /// Change of the five-level imbalance per second, averaged with a decay by elapsed time; null
    /// until two books were seen.
    pub book_velocity: Option<f64>,
    /// `extreme_imbalance` above 0.7 in size, `moderate_imbalance` above 0.4, else `balanced`.
    pub state: Option<State>,
    /// Order-flow imbalance over the window, shares; positive is buying pressure; null until two
    /// books were seen without a longer gap than the window.
    pub ofi: Option<f64>,
    /// `ofi` over the mean size of the best levels in the window.
    pub ofi_normalised: Option<f64>,
    /// Window of `ofi`, milliseconds.
    pub ofi_window_ms: Option<u64>,
    /// Time between this book and the one seen before it, milliseconds; 0 where the source gave
    /// both the same time.
    pub sampling_ms: Option<i64>,
    /// Bid size of up to five levels, shares.
    pub depth_bid: Option<f64>,
    /// Ask size of up to five levels, shares.
    pub depth_ask: Option<f64>,
    /// (ask − bid) / mid in basis points; negative where the book is crossed.
    pub spread_bps: Option<f64>,
    /// Whether the best prices are in order. A book without both sides has no document value.
    pub book_status: Option<BookStatus>,
    /// The five-level imbalance against its own history at minute marks.
    pub history: Option<Compared>,
    /// The five-level imbalance against earlier session days at the same minute.
    pub time_of_day: Option<SameTime>,
}

/// How lopsided the book is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Five-level imbalance above 0.7 in size.
    ExtremeImbalance,
    /// Above 0.4.
    ModerateImbalance,
    /// Up to 0.4.
    Balanced,
}

/// What a run remembers of the books before.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Memory {
    flow: Flow,
    micro: MicroPrice,
    history: MinuteHistory,
    days: DailyHistory,
}

/// Order-book imbalance of one symbol.
pub struct Obi {
    params: Params,
    memory: Memory,
}

impl Calculator for Obi {
    const NAME: &'static str = "obi";
    const ABOUT: &'static str = "Order-book imbalance: how much more size rests on the bid than \
        on the ask, and how it moves.";
    const JOB: Job = Job::OrderBook;
    type Params = Params;
    type Input<'a> = (SessionDate, &'a OrderBook);
    type Payload = Payload;
    type State = Memory;

    fn new(params: Params, mut memory: Memory) -> Result<Self, String> {
        params.check()?;
        if !memory.micro.is_sound() || !memory.days.is_sound() {
            return Err("the saved memory is none that books could make: start without it".into());
        }
        memory.micro.shorten(params.micro_price_window);
        memory.history.shorten(params.history_window);
        memory.days.shorten(params.time_of_day_days);
        Ok(Self { params, memory })
    }

    fn state(&self) -> &Memory {
        &self.memory
    }

    fn compute(
        &mut self,
        (date, book): (SessionDate, &OrderBook),
        now: Timestamp,
    ) -> Result<Payload, NoValue> {
        let Memory {
            flow,
            micro,
            history,
            days,
        } = &mut self.memory;
        let shape = match measure(book) {
            Ok(shape) => shape,
            Err(why) => {
                flow.interrupt();
                micro.interrupt();
                return Err(why);
            }
        };
        let taken = flow.take(book.at, &shape, now, &self.params);
        micro.take(taken, shape.best, now, &self.params);
        let estimate = micro.estimate();
        let (ofi, ofi_normalised) = flow.imbalance(shape.best);
        let (history, _) = history.observe(shape.level5, now, self.params.marks());
        let same_time = days.observe(shape.level5, date, now, self.params.days());
        Ok(Payload {
            level1_imbalance: shape.level1,
            level5_imbalance: shape.level5,
            level5_imbalance_rank_weighted: shape.rank_weighted,
            pressure_ratio: shape.pressure_ratio,
            micro_price: shape.micro_price,
            micro_price_stoikov: estimate.and_then(|estimate| estimate.price(shape.best)),
            micro_price_samples: estimate.map(Estimate::steps),
            micro_price_age_ms: estimate.map(|estimate| estimate.age_ms(now)),
            micro_price_tick: estimate.and_then(|estimate| Some(estimate.tick()?.to_f64())),
            book_velocity: flow.velocity(),
            state: shape.level5.map(State::of),
            ofi,
            ofi_normalised,
            ofi_window_ms: Some(self.params.ofi_window_ms),
            sampling_ms: flow.sampling_ms(),
            depth_bid: Some(size_sum_to_f64(shape.depth_bid)),
            depth_ask: Some(size_sum_to_f64(shape.depth_ask)),
            spread_bps: shape.spread_bps,
            book_status: Some(shape.status),
            history: Some(history),
            time_of_day: Some(same_time),
        })
    }

    fn counted(&self) -> Counted {
        Counted {
            used: self.memory.flow.samples(),
            ..Counted::default()
        }
    }

    fn absent(_: Status) -> Payload {
        Payload {
            level1_imbalance: None,
            level5_imbalance: None,
            level5_imbalance_rank_weighted: None,
            pressure_ratio: None,
            micro_price: None,
            micro_price_stoikov: None,
            micro_price_samples: None,
            micro_price_age_ms: None,
            micro_price_tick: None,
            book_velocity: None,
            state: None,
            ofi: None,
            ofi_normalised: None,
            ofi_window_ms: None,
            sampling_ms: None,
            depth_bid: None,
            depth_ask: None,
            spread_bps: None,
            book_status: None,
            history: None,
            time_of_day: None,
        }
    }
}

impl Params {
    fn check(&self) -> Result<(), String> {
        let mut wrong = Vec::new();
        let mut bounded = |name: &str, is: u64, least: u64, most: u64| {
            if !(least..=most).contains(&is) {
                wrong.push(format!("{name}: must be {least} to {most} (is {is})"));
            }
        };
        bounded("velocity_tau_ms", self.velocity_tau_ms, 1, 3_600_000);
        bounded("ofi_window_ms", self.ofi_window_ms, 1, 3_600_000);
        let window = self.micro_price_window as u64;
        bounded("micro_price_window", window, 10, 20_000);
        let samples = self.micro_price_min_samples as u64;
        bounded(
            "micro_price_min_samples",
            samples,
            1,
            window.saturating_sub(1).max(1),
        );
        let visits = self.micro_price_min_visits as u64;
        bounded("micro_price_min_visits", visits, 1, 10_000);
        let marks = self.marks().check(10_000, "history_window", "min_samples");
        let days = self
            .days()
            .check(250, "time_of_day_days", "time_of_day_min_days");
        wrong.extend([marks, days].into_iter().filter_map(Result::err));
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(wrong.join("\n")),
        }
    }

    fn marks(&self) -> Extent {
        Extent {
            window: self.history_window,
            minimum: self.min_samples,
        }
    }

    fn days(&self) -> Extent {
        Extent {
            window: self.time_of_day_days,
            minimum: self.time_of_day_min_days,
        }
    }

    fn ofi_window(&self) -> Span {
        Span::from_millis(self.ofi_window_ms as i64)
    }
}

impl State {
    fn of(imbalance: f64) -> Self {
        match imbalance.abs() {
            size if size > 0.7 => Self::ExtremeImbalance,
            size if size > 0.4 => Self::ModerateImbalance,
            _ => Self::Balanced,
        }
    }
}
