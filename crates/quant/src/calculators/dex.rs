//! Delta exposure: how many dollars of the underlying an option book stands for, by strike.
//!
//! Per contract Δ·OI·M·S. Most of it is hedged inventory: its change says more than its level.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::gex;
use crate::calculator::{Calculator, Counted, Job, Mark, NoValue, Status};
use crate::exposure::{ByStrike, Conventions, Memory, Split};
use crate::history::SameTime;
use crate::market::Timestamp;
use crate::pricing::{Basis, PricedChain};
use crate::snapshot::{Options, SessionDate};

/// A book is neutral where its delta is less than this part of that of its calls.
const NEUTRAL: f64 = 0.1;

/// Strikes shown as key.
const KEY_STRIKES: usize = 5;

/// The document, in units of the currency of delta. Everything is null unless the status is `ok`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Payload {
    /// Price of the underlying that everything is computed at.
    pub spot: Option<f64>,
    /// Σ Δ·OI·M·S, puts negative: the book of whoever holds every contract.
    pub total_dex: Option<f64>,
    /// Of the calls.
    pub call_dex: Option<f64>,
    /// Of the puts, negative.
    pub put_dex: Option<f64>,
    /// By strike, all expiries and roots added.
    pub dex_by_strike: Option<ByStrike<StrikeDelta>>,
    /// The sign of the total; neutral under a tenth of the calls.
    pub bias: Option<Bias>,
    /// Size of the puts over that of the calls; null without calls.
    pub pc_ratio: Option<f64>,
    /// Up to five strikes with the largest net delta, the largest first.
    pub key_strikes: Option<Vec<f64>>,
    /// `dollar_delta`.
    pub units: Option<String>,
    /// `total_dex` against its history at minute marks; null under the minimum count.
    pub zscore: Option<f64>,
    /// Mean of that history.
    pub zscore_mean: Option<f64>,
    /// Its sample standard deviation.
    pub zscore_stddev: Option<f64>,
    /// Values in it.
    pub zscore_samples: Option<usize>,
    /// Most values it holds.
    pub zscore_window: Option<usize>,
    /// Whether there is a z-score: `warming` under the minimum count.
    pub zscore_status: Option<Status>,
    /// `total_dex` against the same minute of earlier sessions.
    pub zscore_same_time: Option<SameTime>,
    /// Delta under each convention. Where dealers are long calls and short puts both add up.
    pub dex_usd: Option<Conventions>,
    /// What the numbers rest on.
    pub basis: Option<Basis>,
}

/// Delta of one strike.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StrikeDelta {
    /// Calls and puts added.
    pub net: f64,
    /// Calls.
    pub call: f64,
    /// Puts, negative.
    pub put: f64,
}

/// Which way a book leans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Bias {
    /// Long the underlying.
    Bullish,
    /// Short the underlying.
    Bearish,
    /// Neither by much.
    Neutral,
}

/// The delta exposure of one symbol.
pub struct Dex {
    params: gex::Params,
    memory: Memory,
    counted: Counted,
    mark: Option<Mark>,
}

impl Calculator for Dex {
    const NAME: &'static str = "dex";
    const CONFIG: Option<&'static str> = Some("gex");
    const ABOUT: &'static str = "Delta exposure: how many dollars of the underlying an option \
        book stands for, by strike.";
    const JOB: Job = Job::GexDex;
    type Params = gex::Params;
    type Input<'a> = (Options<'a>, SessionDate);
    type Payload = Payload;
    type State = Memory;

    fn new(params: gex::Params, memory: Memory) -> Result<Self, String> {
        params.check()?;
        let memory = memory.restored(params.history_window)?;
        Ok(Self {
            params,
            memory,
            counted: Counted::default(),
            mark: None,
        })
    }

    fn state(&self) -> &Memory {
        &self.memory
    }

    fn compute(
        &mut self,
        (options, date): Self::Input<'_>,
        now: Timestamp,
    ) -> Result<Payload, NoValue> {
        let priced = options.priced;
        let spot = priced.point.spot;
        let mut dropped = priced.dropped.clone();
        let unknown = priced
            .contracts
            .iter()
            .filter(|c| c.open_interest.is_none())
            .count();
        if unknown > 0 {
            dropped.insert("no_open_interest", unknown as u64);
        }
        let used = (priced.contracts.len() - unknown) as u64;
        self.counted = Counted { used, dropped };
        if used == 0 {
            return Err(NoValue::Undefined("no contract has open interest"));
        }
        let strikes = by_strike(priced);
        let total: Split = amounts(priced)
            .map(|(_, right, amount)| (right, amount))
            .collect();
        let conventions = total.conventions();
        let (call, put) = (total.call(), total.put());
        let remembered =
            self.memory
                .observe(Some(conventions.unsigned), date, now, self.params.marks());
        self.mark = remembered.mark;
        let history = remembered.history;
        Ok(Payload {
            spot: Some(spot),
            total_dex: Some(conventions.unsigned),
            call_dex: Some(call),
            put_dex: Some(put),
            bias: Some(bias(conventions.unsigned, call)),
            pc_ratio: (call != 0.0).then(|| (put / call).abs()),
            key_strikes: Some(key_strikes(&strikes)),
            dex_by_strike: Some(ByStrike(strikes)),
            units: Some("dollar_delta".to_owned()),
            zscore: history.zscore,
            zscore_mean: history.mean,
            zscore_stddev: history.stdev,
            zscore_samples: Some(history.samples),
            zscore_window: Some(history.window),
            zscore_status: Some(history.status),
            zscore_same_time: Some(remembered.same_time),
            dex_usd: Some(conventions),
            basis: Some(options.basis()),
        })
    }

    fn counted(&self) -> Counted {
        self.counted.clone()
    }

    fn mark(&self) -> Option<Mark> {
        self.mark
    }

    fn absent(_: Status) -> Payload {
        Payload::default()
    }
}

/// Strike, right and delta of each contract with open interest.
fn amounts(priced: &PricedChain) -> impl Iterator<Item = (f64, crate::market::Right, f64)> + '_ {
    let spot = priced.point.spot;
    priced.contracts.iter().filter_map(move |contract| {
        let held = contract.open_interest? * contract.multiplier;
        Some((
            contract.strike,
            contract.right,
            contract.greeks.delta * held * spot,
        ))
    })
}

fn by_strike(priced: &PricedChain) -> Vec<(f64, StrikeDelta)> {
    let mut rows: Vec<_> = amounts(priced).collect();
    // Stable: contracts of a strike are added in the order of the chain.
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    let strikes = rows.chunk_by(|a, b| a.0 == b.0).map(|rows| {
        let split: Split = rows
            .iter()
            .map(|(_, right, amount)| (*right, *amount))
            .collect();
        let delta = StrikeDelta {
            net: split.conventions().unsigned,
            call: split.call(),
            put: split.put(),
        };
        (rows[0].0, delta)
    });
    strikes.collect()
}

fn bias(total: f64, call: f64) -> Bias {
    if total.abs() < NEUTRAL * call.abs() || total == 0.0 {
        Bias::Neutral
    } else if total > 0.0 {
        Bias::Bullish
    } else {
        Bias::Bearish
    }
}

fn key_strikes(strikes: &[(f64, StrikeDelta)]) -> Vec<f64> {
    let mut ranked: Vec<&(f64, StrikeDelta)> = strikes
        .iter()
        .filter(|(_, delta)| delta.net != 0.0)
        .collect();
    ranked.sort_by(|a, b| b.1.net.abs().total_cmp(&a.1.net.abs()));
    ranked
        .iter()
        .take(KEY_STRIKES)
        .map(|(strike, _)| *strike)
        .collect()
}

#[cfg(test)]
mod tests;
