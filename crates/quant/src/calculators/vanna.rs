//! Vanna exposure: how the delta of an option book moves with implied volatility.
//!
//! Per contract ∂Δ/∂σ·OI·M, per volatility point (0.01). The totals add calls and puts as they
//! are; under the conventions puts may change sign. A book with positive vanna loses delta when
//! volatility falls, and whoever hedges it buys.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calculator::{Calculator, Counted, Job, Mark, NoValue, Status};
use crate::exposure::{Conventions, DealerFlowParams, Memory, Selection, book, compact_date};
use crate::history::{Compared, SameTime};
use crate::market::Timestamp;
use crate::pricing::Basis;
use crate::snapshot::{Options, SessionDate};

/// The document. Everything is null unless the status is `ok`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Payload {
    /// Price of the underlying that everything is computed at.
    pub spot: Option<f64>,
    /// Σ vanna·OI·M·0.01: shares of delta per +1 volatility point, of contracts near enough and
    /// with enough open interest.
    pub total_vanna_shares_per_pct_vol: Option<f64>,
    /// The same times spot, in units of the currency.
    pub total_vanna_notional_per_pct_vol: Option<f64>,
    /// Volatility points per +1 % of spot that hedging impact takes.
    pub vol_beta_assumption: Option<f64>,
    /// The notional against its history at minute marks.
    pub history: Option<Compared>,
    /// The notional against the same minute of earlier sessions.
    pub time_of_day: Option<SameTime>,
    /// By expiry date, ascending.
    pub per_expiry: Option<Vec<ExpiryVanna>>,
    /// Contracts in the totals.
    pub samples: Option<u64>,
    /// Units of the currency of delta per +1 volatility point, of every contract priced, under each
    /// convention.
    pub vex_usd_per_volpt: Option<Conventions>,
    /// Units of the currency per +1 volatility point: vega of every contract priced, under each
    /// convention.
    pub vega_usd_per_volpt: Option<Conventions>,
    /// What the numbers rest on.
    pub basis: Option<Basis>,
}

/// Vanna of one expiry date.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExpiryVanna {
    /// The date, `YYYYMMDD`.
    pub expiry: String,
    /// Shares per +1 volatility point.
    pub vanna_shares_per_pct: f64,
    /// The same times spot.
    pub vanna_shares_per_pct_notional: f64,
    /// Contracts open.
    pub open_interest: f64,
}

/// The vanna exposure of one symbol.
pub struct Vanna {
    params: DealerFlowParams,
    memory: Memory,
    counted: Counted,
    mark: Option<Mark>,
}

/// One volatility point.
const POINT: f64 = 0.01;

impl Calculator for Vanna {
    const NAME: &'static str = "vanna";
    const CONFIG: Option<&'static str> = Some("dealer_flow");
    const ABOUT: &'static str = "Vanna exposure: how the delta of an option book moves with \
        implied volatility.";
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
        let spot = priced.point.spot;
        let selection = Selection::of(priced, &self.params);
        self.counted = selection.counted.clone();
        if selection.is_empty() {
            return Err(NoValue::Undefined("no contract is near with open interest"));
        }
        let shares = selection.shares(|contract| contract.greeks.vanna * POINT);
        let notional = shares * spot;
        let remembered = self
            .memory
            .observe(Some(notional), date, now, self.params.marks());
        self.mark = remembered.mark;
        let by_expiry = selection.by_expiry(|contract| contract.greeks.vanna * POINT);
        let per_expiry = by_expiry.into_iter().map(|sum| ExpiryVanna {
            expiry: compact_date(sum.expiry),
            vanna_shares_per_pct: sum.shares,
            vanna_shares_per_pct_notional: sum.shares * spot,
            open_interest: sum.open_interest,
        });
        Ok(Payload {
            spot: Some(spot),
            total_vanna_shares_per_pct_vol: Some(shares),
            total_vanna_notional_per_pct_vol: Some(notional),
            vol_beta_assumption: Some(self.params.vol_beta),
            history: Some(remembered.history),
            time_of_day: Some(remembered.same_time),
            per_expiry: Some(per_expiry.collect()),
            samples: Some(self.counted.used),
            vex_usd_per_volpt: Some(book(priced, |c| c.greeks.vanna * POINT).times(spot)),
            vega_usd_per_volpt: Some(book(priced, |c| c.greeks.vega * POINT)),
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

#[cfg(test)]
mod tests;
