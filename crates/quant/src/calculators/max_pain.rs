//! Max pain: the settlement price at which the holders of all open options together are paid least.
//!
//! Of each expiry over its listed strikes. The payout curve stands beside it: a flat one has no such
//! point, which `pain_gradient` tells. Contracts that have settled do not count.

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calculator::{Calculator, Counted, Job, NoValue, Status};
use crate::market::{Chain, Series, Timestamp};
use crate::math::max_pain::{StrikeInterest, max_pain, payouts};
use crate::math::sum::Sum;
use crate::snapshot::ChainAtSpot;

/// The document. Everything is null unless the status is `ok`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Payload {
    /// Price of the underlying.
    pub spot: Option<f64>,
    /// Each expiry and root, nearest first.
    pub by_expiry: Option<Vec<ExpiryPain>>,
}

/// The max pain of one expiry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExpiryPain {
    /// The date.
    pub expiry: NaiveDate,
    /// Root of its contracts.
    pub root: String,
    /// Strike with the least payout; of equal ones the nearest to spot, then the lower. Null where
    /// nothing is open.
    pub max_pain_strike: Option<f64>,
    /// Every strike with the least payout, rising: more than one where they tie.
    pub tie_range: Vec<f64>,
    /// The strike less spot.
    pub distance: Option<f64>,
    /// The same over spot, percent.
    pub distance_pct: Option<f64>,
    /// Slope of the payout away from max pain, on the side where it rises less, over all open interest:
    /// 0 (flat, there is no point of pain) to 1.
    pub pain_gradient: Option<f64>,
    /// Payout at max pain, units of the currency.
    pub payout: Option<f64>,
    /// Contracts open in calls.
    pub call_oi: f64,
    /// Contracts open in puts.
    pub put_oi: f64,
    /// What holders are paid at each listed strike; empty where nothing is open.
    pub curve: Vec<CurvePoint>,
    /// `no_open_interest` where nothing is open, else null.
    pub reason: Option<String>,
}

/// A point of the payout curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CurvePoint {
    /// Settlement price.
    pub strike: f64,
    /// What the holders of calls and puts are paid there, units of the currency.
    pub payout: f64,
}

/// The max pain of one chain.
#[derive(Default)]
pub struct MaxPain {
    counted: Counted,
}

impl Calculator for MaxPain {
    const NAME: &'static str = "max_pain";
    const CONFIG: Option<&'static str> = None;
    const ABOUT: &'static str = "Max pain: the settlement price at which the holders of all open \
        options together are paid least.";
    const JOB: Job = Job::ChainStats;
    type Params = ();
    type Input<'a> = ChainAtSpot<'a>;
    type Payload = Payload;
    type State = ();

    fn new((): (), (): ()) -> Result<Self, String> {
        Ok(Self::default())
    }

    fn state(&self) -> &() {
        &()
    }

    fn compute(&mut self, input: ChainAtSpot<'_>, now: Timestamp) -> Result<Payload, NoValue> {
        let ChainAtSpot { chain, spot } = input;
        self.counted = input.open_contracts(now);
        let rows: Vec<ExpiryPain> = chain
            .unsettled(now)
            .map(|series| row(chain, series, spot))
            .collect();
        if rows.iter().all(|row| row.max_pain_strike.is_none()) {
            return Err(NoValue::Undefined("no contract that lives is open"));
        }
        Ok(Payload {
            spot: Some(spot),
            by_expiry: Some(rows),
        })
    }

    fn counted(&self) -> Counted {
        self.counted.clone()
    }

    fn absent(_: Status) -> Payload {
        Payload::default()
    }
}

fn row(chain: &Chain, series: &Series, spot: f64) -> ExpiryPain {
    let contracts = &chain.contracts;
    let open = |at: Option<usize>| at.and_then(|at| contracts.open_interest.get(at));
    let units = |at: Option<usize>| match (open(at), at) {
        (Some(open), Some(at)) => open * contracts.multiplier[at],
        _ => 0.0,
    };
    let strikes: Vec<StrikeInterest> = chain
        .strikes(series)
        .map(|listed| StrikeInterest {
            strike: listed.strike,
            call: units(listed.call),
            put: units(listed.put),
        })
        .collect();
    let total = |of: fn(crate::market::ListedStrike) -> Option<usize>| {
        let open = chain.strikes(series).filter_map(|listed| open(of(listed)));
        open.collect::<Sum>().value()
    };
    let payouts = payouts(&strikes);
    let found = max_pain(&strikes, &payouts, spot);
    let distance = found.as_ref().map(|found| found.strike - spot);
    let point = |(row, payout): (&StrikeInterest, &f64)| CurvePoint {
        strike: row.strike,
        payout: *payout,
    };
    let curve = match found {
        Some(_) => strikes.iter().zip(&payouts).map(point).collect(),
        None => Vec::new(),
    };
    ExpiryPain {
        expiry: series.expiry,
        root: series.root.to_string(),
        max_pain_strike: found.as_ref().map(|found| found.strike),
        distance,
        distance_pct: distance
            .map(|distance| distance / spot * 100.0)
            .filter(|pct| pct.is_finite()),
        pain_gradient: found.as_ref().map(|found| found.gradient),
        payout: found.as_ref().map(|found| found.payout),
        call_oi: total(|listed| listed.call),
        put_oi: total(|listed| listed.put),
        curve,
        reason: found.is_none().then(|| "no_open_interest".to_owned()),
        tie_range: found.map_or_else(Vec::new, |found| found.ties),
    }
}

#[cfg(test)]
mod tests;
