//! Unusual option activity: how much of a chain was traded today, against what was open.
//!
//! Open interest is of the last close. Contracts on which nothing was open have no ratio and are
//! counted on their own. What is usual of a contract is its volume by the same time of day in past
//! sessions, as far as history kept them; without it, and in the first five minutes of a session, what
//! compares with that is null.

#[cfg(test)]
mod tests;

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::baseline::Baseline;
use crate::calculator::{Calculator, Counted, Job, NoValue, Status};
use crate::market::{Chain, Right, Timestamp};
use crate::math::sum::Sum;
use crate::math::unusual::{Activity, ChainActivity, Flag, Measures};
use crate::snapshot::{ChainAtSpot, Usual};

/// Contracts shown at most.
const TOP: usize = 10;
/// Share of calls less puts from which one of them dominates.
const DOMINANT: f64 = 0.2;

/// Settings.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Money in the underlying from which a contract's volume is high.
    pub high_notional: f64,
    /// Least money paid for a contract that is shown.
    pub premium_floor: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            high_notional: 5e7,
            premium_floor: 25_000.0,
        }
    }
}

/// The document. Everything but `classification` is null unless `meta.status` is `ok`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Payload {
    /// 0 to 1: of the busiest contract, the whole chain, contracts of high notional and contracts
    /// whose volume is at least their open interest.
    pub score: Option<f64>,
    /// `extreme` from 0.85, `elevated` from 0.6, `watch` from 0.3, else `normal`; `inactive` where
    /// nothing was traded, `absent` where there is no value.
    pub classification: Option<Classification>,
    /// All volume over all open interest; null where nothing was open.
    pub volume_oi_ratio: Option<f64>,
    /// The largest volume over open interest of a contract; null where none has one.
    pub max_contract_ratio: Option<f64>,
    /// Contracts whose volume is at least their open interest.
    pub high_ratio_contracts: Option<u64>,
    /// Contracts whose volume stands for so much of the underlying as is set.
    pub high_notional_contracts: Option<u64>,
    /// Contracts traded.
    pub total_volume: Option<f64>,
    /// Contracts open at the last close.
    pub total_open_interest: Option<f64>,
    /// `CALL` or `PUT` where it has a fifth more of the volume than the other, else `BALANCED`;
    /// null where nothing was traded.
    pub dominant_flow: Option<DominantFlow>,
    /// Price of the underlying.
    pub spot_price: Option<f64>,
    /// Contracts that trade and on which nothing was open.
    pub no_prior_oi_contracts: Option<u64>,
    /// Up to ten contracts that stand out, the most money first.
    pub top_contracts: Option<Vec<TopContract>>,
    /// Whether volumes are compared with their past: `no_baseline`.
    pub baseline_status: Option<BaselineStatus>,
    /// Contracts whose past is known; null without a baseline.
    pub baseline_contracts: Option<u64>,
}

/// How unusual a chain's day is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Classification {
    /// From 0.85.
    Extreme,
    /// From 0.6.
    Elevated,
    /// From 0.3.
    Watch,
    /// Below.
    Normal,
    /// Nothing was traded.
    Inactive,
    /// There is no value.
    Absent,
}

/// Which right is traded more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum DominantFlow {
    /// Calls.
    Call,
    /// Puts.
    Put,
    /// Neither by much.
    Balanced,
}

/// Whether volumes are compared with their past.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BaselineStatus {
    /// They are.
    Ok,
    /// No past is known.
    NoBaseline,
}

/// A contract that stands out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TopContract {
    /// Root of its symbol.
    pub root: String,
    /// The date it expires.
    pub expiry: NaiveDate,
    /// Call or put.
    pub right: Right,
    /// Strike.
    pub strike: f64,
    /// Contracts traded today.
    pub volume: f64,
    /// Contracts open at the last close; null where it is not known.
    pub open_interest: Option<f64>,
    /// Volume over open interest; null where nothing was open.
    pub ratio: Option<f64>,
    /// Money paid: last price, else mid, else mark, times volume and multiplier.
    pub premium_notional: f64,
    /// Volume over its usual one at this time of day; null without a baseline.
    pub vs_average: Option<f64>,
    /// Robust z of the volume at this time of day; null without a baseline.
    pub robust_z: Option<f64>,
    /// What stands out.
    pub flags: Vec<Flag>,
}

/// The unusual activity of one chain.
pub struct Unusual {
    params: Params,
    counted: Counted,
}

impl Calculator for Unusual {
    const NAME: &'static str = "unusual";
    const KEY: &'static str = "metric:unusual";
    const ABOUT: &'static str = "Unusual option activity: how much of a chain was traded today, \
        against what was open.";
    const JOB: Job = Job::UnusualActivity;
    type Params = Params;
    type Input<'a> = (ChainAtSpot<'a>, Usual<'a>);
    type Payload = Payload;
    type State = ();

    fn new(params: Params, (): ()) -> Result<Self, String> {
        let amounts = [
            ("high_notional", params.high_notional),
            ("premium_floor", params.premium_floor),
        ];
        let wrong: Vec<_> = amounts
            .into_iter()
            .filter(|(_, is)| !(0.0..=1e15).contains(is))
            .map(|(name, is)| format!("{name}: must be 0 to 1e15 (is {is})"))
            .collect();
        match wrong.is_empty() {
            true => Ok(Self {
                params,
                counted: Counted::default(),
            }),
            false => Err(wrong.join("\n")),
        }
    }

    fn state(&self) -> &() {
        &()
    }

    fn compute(
        &mut self,
        (listed, usual): Self::Input<'_>,
        _now: Timestamp,
    ) -> Result<Payload, NoValue> {
        self.value(listed.chain, listed.spot, usual.0)
    }

    fn counted(&self) -> Counted {
        self.counted.clone()
    }

    fn absent(_: Status) -> Payload {
        Payload {
            classification: Some(Classification::Absent),
            ..Payload::default()
        }
    }
}

impl Unusual {
    fn value(
        &mut self,
        chain: &Chain,
        spot: f64,
        usual: Option<&Baseline>,
    ) -> Result<Payload, NoValue> {
        let rows = rows(chain, usual);
        let mut dropped = chain.dropped.clone();
        let unknown = (chain.contracts.len() - rows.len()) as u64;
        if unknown > 0 {
            dropped.insert("no_volume", unknown);
        }
        self.counted = Counted {
            used: rows.len() as u64,
            dropped,
        };
        if rows.is_empty() {
            return Err(NoValue::Undefined("no contract states its volume"));
        }

        let sum = |of: fn(&Row) -> f64| rows.iter().map(of).collect::<Sum>().value();
        let total = sum(|row| row.activity.volume);
        let open = sum(|row| row.activity.open_interest.unwrap_or(0.0));
        // Volume counts against open interest only where that is known.
        let known = sum(|row| {
            row.activity
                .open_interest
                .map_or(0.0, |_| row.activity.volume)
        });
        let calls = sum(|row| match row.right {
            Right::Call => row.activity.volume,
            Right::Put => 0.0,
        });
        let ratios = || rows.iter().filter_map(|row| row.measures.volume_oi);
        let count = |of: &dyn Fn(&Row) -> bool| rows.iter().filter(|row| of(row)).count() as u64;
        let activity = ChainActivity {
            max_contract_ratio: ratios().reduce(f64::max),
            volume_oi_ratio: Some(known / open).filter(|ratio| open > 0.0 && ratio.is_finite()),
            high_notional_contracts: count(&|row| {
                row.activity.volume * row.activity.multiplier * spot >= self.params.high_notional
                    && row.activity.volume > 0.0
            }),
            high_ratio_contracts: ratios().filter(|ratio| *ratio >= 1.0).count() as u64,
        };
        let score = activity.score();
        let known_past = count(&|row| row.activity.baseline.is_some());
        Ok(Payload {
            score: Some(score),
            classification: Some(classification(score, total)),
            volume_oi_ratio: activity.volume_oi_ratio,
            max_contract_ratio: activity.max_contract_ratio,
            high_ratio_contracts: Some(activity.high_ratio_contracts),
            high_notional_contracts: Some(activity.high_notional_contracts),
            total_volume: Some(total),
            total_open_interest: Some(open),
            dominant_flow: dominant(calls, total),
            spot_price: Some(spot),
            no_prior_oi_contracts: Some(count(&|row| row.activity.has_no_prior_oi())),
            top_contracts: Some(top(chain, rows, self.params.premium_floor)),
            baseline_status: Some(match known_past {
                0 => BaselineStatus::NoBaseline,
                _ => BaselineStatus::Ok,
            }),
            baseline_contracts: Some(known_past).filter(|known| *known > 0),
        })
    }
}

/// A contract that states its volume.
struct Row {
    at: usize,
    right: Right,
    activity: Activity,
    measures: Measures,
}

fn rows(chain: &Chain, usual: Option<&Baseline>) -> Vec<Row> {
    let contracts = &chain.contracts;
    let past = |at: usize| {
        let usual = usual?;
        let (right, strike) = (contracts.right[at], contracts.strike[at]);
        let past = usual.contract(chain.series_of(at), right, strike)?;
        // A delayed chain has the volume of its own time.
        usual.volume(past, chain.at())
    };
    let row = |at: usize| {
        let activity = Activity {
            volume: contracts.volume.get(at).filter(|volume| *volume >= 0.0)?,
            open_interest: contracts.open_interest.get(at).filter(|open| *open >= 0.0),
            baseline: past(at),
            premium: contracts.dealt_at(at),
            multiplier: contracts.multiplier[at],
        };
        Some(Row {
            at,
            right: contracts.right[at],
            measures: activity.measures(),
            activity,
        })
    };
    (0..contracts.len()).filter_map(row).collect()
}

fn classification(score: f64, volume: f64) -> Classification {
    if volume <= 0.0 {
        Classification::Inactive
    } else if score >= 0.85 {
        Classification::Extreme
    } else if score >= 0.6 {
        Classification::Elevated
    } else if score >= 0.3 {
        Classification::Watch
    } else {
        Classification::Normal
    }
}

fn dominant(calls: f64, total: f64) -> Option<DominantFlow> {
    let share = (2.0 * calls - total) / total;
    (total > 0.0).then_some(if share > DOMINANT {
        DominantFlow::Call
    } else if share < -DOMINANT {
        DominantFlow::Put
    } else {
        DominantFlow::Balanced
    })
}

fn top(chain: &Chain, rows: Vec<Row>, floor: f64) -> Vec<TopContract> {
    let mut flagged: Vec<(f64, Row)> = rows
        .into_iter()
        .filter(|row| !row.measures.flags.is_empty())
        .filter_map(|row| Some((row.measures.premium_notional.filter(|p| *p >= floor)?, row)))
        .collect();
    // Stable: of equal money the first in the chain's order comes first.
    flagged.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    flagged.truncate(TOP);
    let contract = |(premium_notional, row): (f64, Row)| {
        let series = chain.series_of(row.at);
        TopContract {
            root: series.root.as_ref().to_owned(),
            expiry: series.expiry,
            right: row.right,
            strike: chain.contracts.strike[row.at],
            volume: row.activity.volume,
            open_interest: row.activity.open_interest,
            ratio: row.measures.volume_oi,
            premium_notional,
            vs_average: row.measures.vs_average,
            robust_z: row.measures.robust_z,
            flags: row.measures.flags,
        }
    };
    flagged.into_iter().map(contract).collect()
}
