//! Skew: how much dearer puts are than calls of the same delta, and the term structure at the money.
//!
//! Wings are interpolated in forward delta on the volatilities out of the money of each expiry, so
//! that they do not jump from strike to strike; nothing is extrapolated. Constant maturities are
//! linear in total variance between the expiries beside them.

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calculator::{Calculator, Counted, Job, Mark, NoValue, Status};
use crate::exposure::{DealerFlowParams, Memory};
use crate::history::{Compared, SameTime};
use crate::market::Timestamp;
use crate::math::smile::{DeltaKind, Skew as Wings, Smile};
use crate::math::term_structure::{Expiry, constant_maturity};
use crate::pricing::{Basis, PricedChain, PricedSeries, strike_ivs};
use crate::snapshot::{Options, SessionDate};

/// Maturities of the term structure, days.
const TERM_DAYS: [f64; 4] = [7.0, 30.0, 60.0, 90.0];

/// The delta of risk reversal and butterfly, whatever the target of the wings.
const QUARTER: f64 = 0.25;

/// The document. Volatilities are decimals, 1.0 is 100 %. Everything is null unless the status is
/// `ok`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Payload {
    /// Volatility of the put less that of the call at the target delta, of the expiry nearest to
    /// the days that the settings name.
    pub skew: Option<f64>,
    /// Volatility of the put over that of the call, less 1.
    pub skew_ratio: Option<f64>,
    /// Volatility of the call at the target delta.
    pub call_iv: Option<f64>,
    /// Volatility of the put at the target delta.
    pub put_iv: Option<f64>,
    /// `skew` against its history at minute marks.
    pub history: Option<Compared>,
    /// `skew` against the same minute of earlier sessions.
    pub time_of_day: Option<SameTime>,
    /// Absolute delta of the wings.
    pub target_delta: Option<f64>,
    /// `forward`: N(d1) at each strike's own volatility.
    pub delta_kind: Option<String>,
    /// Strike of the call, between listed ones.
    pub call_strike: Option<f64>,
    /// Strike of the put, between listed ones.
    pub put_strike: Option<f64>,
    /// The expiry they are of.
    pub expiry: Option<NaiveDate>,
    /// Days to its settlement.
    pub days: Option<f64>,
    /// Volatility of the 25-delta call less that of the put: negative where puts are dearer.
    pub rr25_call_minus_put: Option<f64>,
    /// Mean volatility of the 25-delta wings less that at the forward.
    pub bf25: Option<f64>,
    /// (put − call) / at the money, at 25 delta.
    pub skew25_norm: Option<f64>,
    /// Volatility at the forward.
    pub atm_iv: Option<f64>,
    /// dσ/dk at the forward, k = ln(K/F).
    pub slope: Option<f64>,
    /// Every expiry with a smile, nearest first.
    pub by_expiry: Option<Vec<ExpirySkew>>,
    /// At-the-money volatility of constant maturities.
    pub term: Option<Vec<TermPoint>>,
    /// What the numbers rest on.
    pub basis: Option<Basis>,
}

/// The smile of one expiry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExpirySkew {
    /// The date.
    pub expiry: NaiveDate,
    /// Root of its contracts.
    pub root: String,
    /// Days to its settlement.
    pub days: f64,
    /// Forward.
    pub forward: f64,
    /// Volatility at the forward; null where no strikes bracket it.
    pub atm_iv: Option<f64>,
    /// dσ/dk at the forward.
    pub slope: Option<f64>,
    /// Volatility of the call at the target delta; null where no strikes bracket it.
    pub call_iv: Option<f64>,
    /// Volatility of the put at the target delta.
    pub put_iv: Option<f64>,
    /// Strike of that call.
    pub call_strike: Option<f64>,
    /// Strike of that put.
    pub put_strike: Option<f64>,
    /// Volatility of the 25-delta call less that of the put.
    pub rr25_call_minus_put: Option<f64>,
    /// Mean volatility of the 25-delta wings less that at the forward.
    pub bf25: Option<f64>,
    /// Strikes of the smile.
    pub strikes: u64,
    /// Strikes left out because delta does not fall there from the strike before.
    pub not_monotone: u64,
    /// Volatility of the call less that of the put at the strike nearest to the forward: far from 0,
    /// the source's volatilities are of another forward. Null where one of them is not there.
    pub call_put_gap: Option<f64>,
}

/// A constant maturity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TermPoint {
    /// Days.
    pub days: f64,
    /// At-the-money volatility; null where no expiries bracket it.
    pub atm_iv: Option<f64>,
    /// Total variance falls between the expiries beside it: calendar arbitrage, or a bad quote.
    pub calendar_arbitrage: bool,
}

/// The skew of one symbol.
pub struct Skew {
    params: DealerFlowParams,
    memory: Memory,
    counted: Counted,
    mark: Option<Mark>,
}

impl Calculator for Skew {
    const NAME: &'static str = "skew";
    const CONFIG: Option<&'static str> = Some("dealer_flow");
    const ABOUT: &'static str = "Skew: how much dearer puts are than calls of the same delta, and \
        the term structure at the money.";
    const JOB: Job = Job::DealerFlows;
    type Params = DealerFlowParams;
    type Input<'a> = (Options<'a>, SessionDate);
    type Payload = Payload;
    type State = Memory;

    fn new(params: DealerFlowParams, memory: Memory) -> Result<Self, String> {
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
        let slices: Vec<Slice> = priced
            .series
            .iter()
            .filter_map(|series| Slice::of(priced, series, &self.params))
            .collect();
        let used = slices.iter().map(|slice| slice.row.strikes).sum();
        let dropped = priced.dropped.clone();
        self.counted = Counted { used, dropped };
        let away = |slice: &&Slice| (slice.row.days - self.params.skew_days).abs();
        let whole = slices
            .iter()
            .filter(|s| s.wings.call.is_some() && s.wings.put.is_some());
        let chosen = whole
            .min_by(|a, b| away(a).total_cmp(&away(b)))
            .ok_or(NoValue::Undefined(
                "no expiry has strikes around both wings",
            ))?;
        let (call, put) = (
            chosen.wings.call.map(|w| w.iv),
            chosen.wings.put.map(|w| w.iv),
        );
        let skew = put.zip(call).map(|(put, call)| put - call);
        let remembered = self.memory.observe(skew, date, now, self.params.marks());
        self.mark = remembered.mark;
        Ok(Payload {
            skew,
            skew_ratio: put.zip(call).map(|(put, call)| put / call - 1.0),
            call_iv: call,
            put_iv: put,
            history: Some(remembered.history),
            time_of_day: Some(remembered.same_time),
            target_delta: Some(self.params.target_delta),
            delta_kind: Some("forward".to_owned()),
            call_strike: chosen.row.call_strike,
            put_strike: chosen.row.put_strike,
            expiry: Some(chosen.row.expiry),
            days: Some(chosen.row.days),
            rr25_call_minus_put: chosen.row.rr25_call_minus_put,
            bf25: chosen.row.bf25,
            skew25_norm: chosen.quarter.normalised(),
            atm_iv: chosen.row.atm_iv,
            slope: chosen.row.slope,
            term: Some(term(&slices)),
            by_expiry: Some(slices.into_iter().map(|slice| slice.row).collect()),
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

/// The smile of one expiry with its wings.
struct Slice {
    row: ExpirySkew,
    /// At the target delta.
    wings: Wings,
    /// At 25 delta.
    quarter: Wings,
}

impl Slice {
    fn of(priced: &PricedChain, series: &PricedSeries, params: &DealerFlowParams) -> Option<Self> {
        let contracts = &priced.contracts[series.contracts.clone()];
        let (points, gap) = strike_ivs(contracts, series, params.sigma_floor);
        let smile = Smile::new(&points, series.forward, series.t_years).ok()?;
        let wings = smile.skew(params.target_delta, DeltaKind::Forward);
        let quarter = smile.skew(QUARTER, DeltaKind::Forward);
        let dropped = smile.dropped();
        let row = ExpirySkew {
            expiry: series.expiry,
            root: series.root.to_string(),
            days: series.t_years * 365.0,
            forward: series.forward,
            atm_iv: wings.at_the_money.map(|atm| atm.iv),
            slope: wings.at_the_money.map(|atm| atm.slope),
            call_iv: wings.call.map(|wing| wing.iv),
            put_iv: wings.put.map(|wing| wing.iv),
            call_strike: wings.call.map(|wing| wing.strike),
            put_strike: wings.put.map(|wing| wing.strike),
            rr25_call_minus_put: quarter.risk_reversal(),
            bf25: quarter.butterfly(),
            strikes: (points.len() - dropped.unusable - dropped.not_monotone) as u64,
            not_monotone: dropped.not_monotone as u64,
            call_put_gap: gap,
        };
        Some(Self {
            row,
            wings,
            quarter,
        })
    }
}

fn term(slices: &[Slice]) -> Vec<TermPoint> {
    let expiries: Vec<Expiry> = slices
        .iter()
        .filter_map(|slice| {
            let iv = slice.row.atm_iv?;
            Some(Expiry {
                time: slice.row.days,
                iv,
            })
        })
        .collect();
    let point = |days: f64| {
        let found = constant_maturity(&expiries, days).ok();
        TermPoint {
            days,
            atm_iv: found.map(|found| found.iv),
            calendar_arbitrage: found.is_some_and(|found| found.calendar_arbitrage),
        }
    };
    TERM_DAYS.into_iter().map(point).collect()
}

#[cfg(test)]
mod tests;
