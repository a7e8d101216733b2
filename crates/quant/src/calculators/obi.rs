//! Order-book imbalance: how much more size rests on the bid than on the ask, and how it moves.
//!
//! Imbalance (B − A) / (B + A): +1 all bid, −1 all ask. Order-flow imbalance sums the size that
//! came to the bid or left the ask (Cont, Kukanov, Stoikov, J. Financial Econometrics 12, 2014).
//! What the engine polls is a sample of the book: flow between two samples is not seen.

mod flow;
mod shape;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calculator::{Calculator, Counted, Job, NoValue, Status};
use crate::market::{OrderBook, Span, Timestamp, size_sum_to_f64};

use flow::Flow;
pub use shape::{BookStatus, Shape, level, measure};

/// Settings.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// How fast the book velocity forgets, milliseconds.
    pub velocity_tau_ms: u64,
    /// How far back order flow is summed, milliseconds.
    pub ofi_window_ms: u64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            velocity_tau_ms: 5_000,
            ofi_window_ms: 10_000,
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
    type Input<'a> = &'a OrderBook;
    type Payload = Payload;
    type State = Memory;

    fn new(params: Params, memory: Memory) -> Result<Self, String> {
        for (name, ms) in [
            ("velocity_tau_ms", params.velocity_tau_ms),
            ("ofi_window_ms", params.ofi_window_ms),
        ] {
            if !(1..=3_600_000).contains(&ms) {
                return Err(format!("{name}: must be 1 to 3600000 (is {ms})"));
            }
        }
        Ok(Self { params, memory })
    }

    fn state(&self) -> &Memory {
        &self.memory
    }

    fn compute(&mut self, book: &OrderBook, now: Timestamp) -> Result<Payload, NoValue> {
        let shape = match measure(book) {
            Ok(shape) => shape,
            Err(why) => {
                self.memory.flow.interrupt();
                return Err(why);
            }
        };
        let flow = &mut self.memory.flow;
        flow.take(book.at, &shape, now, &self.params);
        let (ofi, ofi_normalised) = flow.imbalance(shape.best);
        Ok(Payload {
            level1_imbalance: shape.level1,
            level5_imbalance: shape.level5,
            level5_imbalance_rank_weighted: shape.rank_weighted,
            pressure_ratio: shape.pressure_ratio,
            micro_price: shape.micro_price,
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
        }
    }
}

impl Params {
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
