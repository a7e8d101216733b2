//! Order-book imbalance: how much more size rests on the bid than on the ask, and how it moves.
//!
//! Imbalance (B − A) / (B + A): +1 all bid, −1 all ask. Order-flow imbalance sums the size that
//! came to the bid or left the ask (Cont, Kukanov, Stoikov, J. Financial Econometrics 12, 2014).
//! What the engine polls is a sample of the book: flow between two samples is not seen.

use std::collections::VecDeque;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calculator::{Calculator, Counted, Job, NoValue, Status};
use crate::market::{Level, OrderBook, Price, Size, Span, Timestamp, size_sum_to_f64};
use crate::math::book::{self, BestLevels};
use crate::math::decay::TimeWeightedMean;

/// Levels a side behind the five-level measures.
const DEEP: usize = 5;

/// Most book samples the order-flow window holds: an hour of two a second.
const MAX_FLOW_SAMPLES: usize = 7200;

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

/// How the best bid stands to the best ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BookStatus {
    /// Bid below ask.
    Ok,
    /// One side has no level.
    OneSided,
    /// Bid equals ask.
    Locked,
    /// Bid above ask.
    Crossed,
    /// Neither side has a level.
    Empty,
}

/// What a run remembers of the books before.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Memory {
    last: Option<Sample>,
    flow: VecDeque<FlowStep>,
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
        let times = [
            ("velocity_tau_ms", params.velocity_tau_ms),
            ("ofi_window_ms", params.ofi_window_ms),
        ];
        let wrong = times.iter().filter(|(_, ms)| !(1..=3_600_000).contains(ms));
        let wrong: Vec<String> = wrong
            .map(|(key, ms)| format!("{key}: must be 1 to 3600000 (is {ms})"))
            .collect();
        if !wrong.is_empty() {
            return Err(wrong.join("\n"));
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
                // Flow across a gap in the book is not known.
                self.memory.last = None;
                return Err(why);
            }
        };
        self.remember(book.at, &shape, now);
        self.forget_flow_before(now.minus(self.window()));
        let (ofi, ofi_normalised) = self.order_flow(shape.best);
        Ok(Payload {
            level1_imbalance: shape.level1,
            level5_imbalance: shape.level5,
            level5_imbalance_rank_weighted: shape.rank_weighted,
            pressure_ratio: shape.pressure_ratio,
            micro_price: shape.micro_price,
            book_velocity: self.memory.velocity.and_then(|mean| mean.get()),
            state: shape.level5.map(State::of),
            ofi,
            ofi_normalised,
            ofi_window_ms: Some(self.params.ofi_window_ms),
            sampling_ms: self.memory.sampling_ms,
            depth_bid: Some(size_sum_to_f64(shape.depth_bid)),
            depth_ask: Some(size_sum_to_f64(shape.depth_ask)),
            spread_bps: shape.spread_bps,
            book_status: Some(shape.status),
        })
    }

    fn counted(&self) -> Counted {
        Counted {
            used: self.memory.samples,
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

impl Obi {
    fn window(&self) -> Span {
        Span::from_millis(self.params.ofi_window_ms as i64)
    }

    /// Takes a book: one that differs from the last is a step of flow, also under an unchanged
    /// time, which some sources round to the second. The same book again changes nothing.
    fn remember(&mut self, at: Timestamp, shape: &Shape, now: Timestamp) {
        // A night or an outage between two runs: what happened in it is not known.
        let unseen = |last: Sample| now.since(last.seen) > self.window();
        if self.memory.last.is_some_and(unseen) {
            let samples = self.memory.samples;
            self.memory = Memory {
                samples,
                ..Memory::default()
            };
        }
        let memory = &mut self.memory;
        let mut sample = Sample {
            at,
            seen: now,
            best: shape.best,
            imbalance: shape.level5,
        };
        let last = memory.last.replace(sample);
        memory.samples +=
            u64::from(last.is_none_or(|last| last.at != at || last.best != sample.best));
        let Some(last) = last.filter(|last| last.at <= at) else {
            return;
        };
        let elapsed = at.since(last.at);
        if elapsed > Span::ZERO || last.best != shape.best {
            memory.sampling_ms = Some(elapsed.millis());
            memory.take_flow(at, last.best, shape.best);
        }
        if elapsed == Span::ZERO {
            // A change in no time has no velocity: it counts in the next step's.
            sample.imbalance = last.imbalance;
            memory.last = Some(sample);
        } else if let (Some(before), Some(after)) = (last.imbalance, shape.level5) {
            let tau = self.params.velocity_tau_ms as f64 / 1e3;
            memory
                .velocity
                .get_or_insert_with(|| TimeWeightedMean::new(tau))
                .update((after - before) / elapsed.seconds(), elapsed.seconds());
        }
    }

    fn forget_flow_before(&mut self, start: Timestamp) {
        while self.memory.flow.front().is_some_and(|step| step.at < start) {
            self.memory.flow.pop_front();
        }
    }

    fn order_flow(&self, best: BestLevels) -> (Option<f64>, Option<f64>) {
        if self.memory.sampling_ms.is_none() {
            return (None, None);
        }
        let steps = &self.memory.flow;
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
}

impl Memory {
    fn take_flow(&mut self, at: Timestamp, before: BestLevels, after: BestLevels) {
        let flow = book::order_flow(before, after);
        let depth = i128::from(after.bid_size) + i128::from(after.ask_size);
        self.flow.push_back(FlowStep {
            at,
            flow: flow.clamp(i64::MIN.into(), i64::MAX.into()) as i64,
            depth: (depth / 2).min(i64::MAX.into()) as i64,
        });
        if self.flow.len() > MAX_FLOW_SAMPLES {
            self.flow.pop_front();
        }
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

impl BookStatus {
    /// How the best levels of a book stand to each other.
    pub fn of(book: &OrderBook) -> Self {
        match (book.bids.first(), book.asks.first()) {
            (None, None) => Self::Empty,
            (None, Some(_)) | (Some(_), None) => Self::OneSided,
            (Some(bid), Some(ask)) => match bid.price.cmp(&ask.price) {
                std::cmp::Ordering::Less => Self::Ok,
                std::cmp::Ordering::Equal => Self::Locked,
                std::cmp::Ordering::Greater => Self::Crossed,
            },
        }
    }
}

/// The measures of one book, without memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// How the best levels stand.
    pub status: BookStatus,
    /// Best levels, in price and size units.
    pub best: BestLevels,
    /// Midpoint.
    pub mid: f64,
    /// Ask minus bid.
    pub spread: f64,
    /// Spread over mid, basis points.
    pub spread_bps: Option<f64>,
    /// Imbalance of the best sizes.
    pub level1: Option<f64>,
    /// Imbalance of up to five levels.
    pub level5: Option<f64>,
    /// The same, weighted by rank.
    pub rank_weighted: Option<f64>,
    /// Bid over ask size, five levels.
    pub pressure_ratio: Option<f64>,
    /// Weighted mid.
    pub micro_price: Option<f64>,
    /// Bid size of five levels, size units.
    pub depth_bid: i128,
    /// Ask size of five levels, size units.
    pub depth_ask: i128,
}

/// Measures a book; undefined without both sides.
pub fn measure(book: &OrderBook) -> Result<Shape, NoValue> {
    let (Some(bid), Some(ask)) = (book.bids.first(), book.asks.first()) else {
        return Err(NoValue::Undefined(match BookStatus::of(book) {
            BookStatus::Empty => "empty book",
            BookStatus::Ok | BookStatus::OneSided | BookStatus::Locked | BookStatus::Crossed => {
                "one-sided book"
            }
        }));
    };
    let best = BestLevels {
        bid: bid.price.units(),
        bid_size: bid.size.units(),
        ask: ask.price.units(),
        ask_size: ask.size.units(),
    };
    let unit = Price::SCALE as f64;
    let mid_doubled = i128::from(best.bid) + i128::from(best.ask);
    let spread = i128::from(best.ask) - i128::from(best.bid);
    let (depth_bid, depth_ask) = (depth(&book.bids), depth(&book.asks));
    Ok(Shape {
        status: BookStatus::of(book),
        best,
        mid: mid_doubled as f64 / (2.0 * unit),
        spread: spread as f64 / unit,
        spread_bps: (mid_doubled > 0).then(|| spread as f64 * 2e4 / mid_doubled as f64),
        level1: book::imbalance(best.bid_size.into(), best.ask_size.into()),
        level5: book::imbalance(depth_bid, depth_ask),
        rank_weighted: rank_weighted_imbalance(book),
        pressure_ratio: book::pressure_ratio(depth_bid, depth_ask),
        micro_price: book::weighted_mid(best).map(|price| price / unit),
        depth_bid,
        depth_ask,
    })
}

fn depth(levels: &[Level]) -> i128 {
    let sizes = levels.iter().take(DEEP).map(|level| level.size.units());
    sizes.map(i128::from).sum()
}

fn rank_weighted_imbalance(book: &OrderBook) -> Option<f64> {
    // 60 is divisible by every rank up to five, so the weights 60 / (1 + k) are whole.
    let weighted = |levels: &[Level]| -> i128 {
        let ranked = (1..).zip(levels.iter().take(DEEP));
        ranked
            .map(|(rank, level): (i128, _)| 60 / rank * i128::from(level.size.units()))
            .sum()
    };
    book::imbalance(weighted(&book.bids), weighted(&book.asks))
}

/// A level from floats, for tests and examples; `None` where a number is out of range.
pub fn level(price: f64, size: f64) -> Option<Level> {
    Some(Level {
        price: Price::from_f64(price)?,
        size: Size::from_f64(size)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book_at(ms: i64, bids: &[(f64, f64)], asks: &[(f64, f64)]) -> OrderBook {
        let side =
            |levels: &[(f64, f64)]| levels.iter().map(|&(p, s)| level(p, s).unwrap()).collect();
        OrderBook::consolidated(side(bids), side(asks), Timestamp::from_millis(ms))
    }

    fn obi() -> Obi {
        Obi::new(Params::default(), Memory::default()).unwrap()
    }

    fn run(obi: &mut Obi, book: &OrderBook) -> Result<Payload, NoValue> {
        obi.compute(book, book.at)
    }

    #[test]
    fn leans_toward_the_heavier_side() {
        let payload = run(&mut obi(), &book_at(0, &[(10.0, 3.0)], &[(10.1, 1.0)])).unwrap();
        assert_eq!(payload.level1_imbalance, Some(0.5));
        assert_eq!(payload.state, Some(State::ModerateImbalance));
        assert_eq!(payload.ofi, None, "one book has no flow");
    }

    #[test]
    fn a_book_without_both_sides_has_no_imbalance() {
        let empty = run(&mut obi(), &book_at(0, &[], &[]));
        assert_eq!(empty, Err(NoValue::Undefined("empty book")));
        let one_sided = run(&mut obi(), &book_at(0, &[(10.0, 1.0)], &[]));
        assert_eq!(one_sided, Err(NoValue::Undefined("one-sided book")));
    }

    #[test]
    fn flow_adds_up_within_its_window_and_leaves_it() {
        let mut obi = obi();
        let book = |ms, size| book_at(ms, &[(10.0, size)], &[(10.1, 100.0)]);
        run(&mut obi, &book(0, 100.0)).unwrap();
        run(&mut obi, &book(1_000, 150.0)).unwrap();
        let both = run(&mut obi, &book(2_000, 120.0)).unwrap();
        assert_eq!(both.ofi, Some(20.0));
        assert_eq!(both.sampling_ms, Some(1_000));
        let later = run(&mut obi, &book(11_500, 120.0)).unwrap();
        assert_eq!(
            later.ofi,
            Some(-30.0),
            "the first +50 is older than ten seconds"
        );
    }

    #[test]
    fn the_same_book_again_is_not_a_sample() {
        let mut obi = obi();
        let first = book_at(0, &[(10.0, 100.0)], &[(10.1, 100.0)]);
        let second = book_at(500, &[(10.0, 150.0)], &[(10.1, 100.0)]);
        run(&mut obi, &first).unwrap();
        let once = run(&mut obi, &second).unwrap();
        let again = run(&mut obi, &second).unwrap();
        assert_eq!(once, again);
        assert_eq!(obi.counted().used, 2);
    }

    #[test]
    fn a_book_that_changes_under_the_same_time_is_flow() {
        let mut obi = obi();
        let book = |ms, size| book_at(ms, &[(10.0, size)], &[(10.1, 100.0)]);
        run(&mut obi, &book(0, 100.0)).unwrap();
        let same_second = run(&mut obi, &book(0, 300.0)).unwrap();
        assert_eq!(same_second.ofi, Some(200.0));
        assert_eq!(same_second.book_velocity, None);
        let next = run(&mut obi, &book(500, 300.0)).unwrap();
        assert_eq!(next.ofi, Some(200.0));
        // The whole step of +0.5 in 0.5 s.
        assert!(next.book_velocity.unwrap() > 0.095, "{next:?}");
        assert_eq!(obi.counted().used, 3);
    }

    #[test]
    fn what_happened_between_two_days_is_no_flow() {
        let mut obi = obi();
        let book = |ms, size| book_at(ms, &[(10.0, size)], &[(10.1, 100.0)]);
        run(&mut obi, &book(0, 100.0)).unwrap();
        run(&mut obi, &book(1_000, 150.0)).unwrap();
        let next_day = run(&mut obi, &book(61_200_000, 900.0)).unwrap();
        assert_eq!((next_day.ofi, next_day.book_velocity), (None, None));
        let then = run(&mut obi, &book(61_201_000, 800.0)).unwrap();
        assert_eq!(then.ofi, Some(-100.0));
    }

    #[test]
    fn a_quiet_book_under_watch_is_no_gap() {
        let mut obi = obi();
        let book = |ms, size| book_at(ms, &[(10.0, size)], &[(10.1, 100.0)]);
        for ms in [0, 5_000, 10_000, 15_000] {
            obi.compute(&book(0, 100.0), Timestamp::from_millis(ms))
                .unwrap();
        }
        let moved = run(&mut obi, &book(16_000, 150.0)).unwrap();
        assert_eq!(moved.ofi, Some(50.0));
    }

    #[test]
    fn velocity_is_change_per_second() {
        let mut obi = obi();
        run(&mut obi, &book_at(0, &[(10.0, 100.0)], &[(10.1, 100.0)])).unwrap();
        let payload = run(&mut obi, &book_at(500, &[(10.0, 300.0)], &[(10.1, 100.0)])).unwrap();
        // One step of +0.5 in 0.5 s, weighted 1 − e^(−0.1).
        let velocity = payload.book_velocity.unwrap();
        assert!(
            (velocity - 0.095_162_581_964_040_43).abs() < 1e-15,
            "{velocity}"
        );
    }

    #[test]
    fn a_gap_in_the_book_ends_the_flow() {
        let mut obi = obi();
        run(&mut obi, &book_at(0, &[(10.0, 100.0)], &[(10.1, 100.0)])).unwrap();
        run(&mut obi, &book_at(500, &[], &[])).unwrap_err();
        run(&mut obi, &book_at(900, &[(9.0, 5.0)], &[(9.1, 5.0)])).unwrap();
        assert!(obi.memory.flow.is_empty());
    }
}
