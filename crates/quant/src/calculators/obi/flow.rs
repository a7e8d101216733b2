//! What changes from one seen book to the next: order flow, and the velocity of the imbalance.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{Params, Shape};
use crate::market::{Span, Timestamp, size_sum_to_f64};
use crate::math::book::{self, BestLevels};
use crate::math::decay::TimeWeightedMean;

/// Most steps the order-flow window holds: an hour of two a second.
const MAX_STEPS: usize = 7200;

/// The last book seen, and the steps between books within the window.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Flow {
    last: Option<Sample>,
    steps: VecDeque<FlowStep>,
    velocity: Option<TimeWeightedMean>,
    sampling_ms: Option<i64>,
    samples: u64,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Sample {
    at: Timestamp,
    /// When a run last saw it.
    seen: Timestamp,
    best: BestLevels,
    imbalance: Option<f64>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct FlowStep {
    at: Timestamp,
    flow: i64,
    depth: i64,
}

/// How a book follows on what was seen before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is the book seen before.
    Again,
    /// What lies between it and the book before, if there was one, is not known.
    First,
    /// It is the next one.
    Next,
}

impl Flow {
    /// Takes a book: one that differs from the last is a step of flow, also under an unchanged
    /// time, which some sources round to the second. The same book again changes nothing.
    pub(super) fn take(
        &mut self,
        at: Timestamp,
        shape: &Shape,
        now: Timestamp,
        params: &Params,
    ) -> Taken {
        let window = params.ofi_window();
        // A night or an outage between two runs: what happened in it is not known.
        if self.last.is_some_and(|last| now.since(last.seen) > window) {
            *self = Self {
                samples: self.samples,
                ..Self::default()
            };
        }
        let taken = self.step(at, shape, now, params.velocity_tau_ms);
        let start = now.minus(window);
        while self.steps.front().is_some_and(|step| step.at < start) {
            self.steps.pop_front();
        }
        taken
    }

    fn step(&mut self, at: Timestamp, shape: &Shape, now: Timestamp, tau_ms: u64) -> Taken {
        let mut sample = Sample {
            at,
            seen: now,
            best: shape.best,
            imbalance: shape.level5,
        };
        let last = self.last.replace(sample);
        self.samples += u64::from(last.is_none_or(|last| last.at != at || last.best != shape.best));
        let Some(last) = last.filter(|last| last.at <= at) else {
            return Taken::First;
        };
        let elapsed = at.since(last.at);
        let again = elapsed == Span::ZERO && last.best == shape.best;
        if !again {
            self.sampling_ms = Some(elapsed.millis());
            self.take_flow(at, last.best, shape.best);
        }
        if elapsed == Span::ZERO {
            // A change in no time has no velocity: it counts in the next step's.
            sample.imbalance = last.imbalance;
            self.last = Some(sample);
        } else if let (Some(before), Some(after)) = (last.imbalance, shape.level5) {
            self.velocity
                .get_or_insert_with(|| TimeWeightedMean::new(tau_ms as f64 / 1e3))
                .update((after - before) / elapsed.seconds(), elapsed.seconds());
        }
        if again { Taken::Again } else { Taken::Next }
    }

    /// A run saw no book of two sides: flow across the gap is not known.
    pub(super) fn interrupt(&mut self) {
        self.last = None;
    }

    /// Order-flow imbalance over the window in shares, and over the mean size of the best levels.
    pub(super) fn imbalance(&self, best: BestLevels) -> (Option<f64>, Option<f64>) {
        if self.sampling_ms.is_none() {
            return (None, None);
        }
        let steps = &self.steps;
        let flow: i128 = steps.iter().map(|step| i128::from(step.flow)).sum();
        let depth_sum: i128 = steps.iter().map(|step| i128::from(step.depth)).sum();
        let mean_depth = if steps.is_empty() {
            (i128::from(best.bid_size) + i128::from(best.ask_size)) as f64 / 2.0
        } else {
            depth_sum as f64 / steps.len() as f64
        };
        let normalised = (mean_depth > 0.0).then(|| flow as f64 / mean_depth);
        (Some(size_sum_to_f64(flow)), normalised)
    }

    /// Change of the five-level imbalance per second.
    pub(super) fn velocity(&self) -> Option<f64> {
        self.velocity.and_then(|mean| mean.get())
    }

    /// Time between the last two books, milliseconds.
    pub(super) fn sampling_ms(&self) -> Option<i64> {
        self.sampling_ms
    }

    /// Books seen since the start.
    pub(super) fn samples(&self) -> u64 {
        self.samples
    }

    fn take_flow(&mut self, at: Timestamp, before: BestLevels, after: BestLevels) {
        let flow = book::order_flow(before, after);
        let depth = i128::from(after.bid_size) + i128::from(after.ask_size);
        self.steps.push_back(FlowStep {
            at,
            flow: flow.clamp(i64::MIN.into(), i64::MAX.into()) as i64,
            depth: (depth / 2).min(i64::MAX.into()) as i64,
        });
        if self.steps.len() > MAX_STEPS {
            self.steps.pop_front();
        }
    }
}
