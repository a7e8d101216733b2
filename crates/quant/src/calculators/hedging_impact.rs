//! Hedging impact: what hedging an option book trades when spot moves by 1 %, and what that does to
//! the price.
//!
//! Shares per +1 % are gamma's Γ·OI·M·S·0.01 and vanna's share through the volatility points that a
//! move of spot is taken to bring. Whoever hedges trades the opposite. The impact follows the
//! square-root law I = Y·σ_d·√(Q/ADV): a model, not a measurement.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calculator::{Calculator, Counted, Job, NoValue, Status};
use crate::exposure::{Conventions, DealerFlowParams, Selection, compact_date};
use crate::market::Timestamp;
use crate::pricing::{Basis, PricedContract};
use crate::snapshot::Options;

/// Y of the square-root law; published estimates lie between 0.5 and 1.
const SQUARE_ROOT_Y: f64 = 0.7;
/// Sessions a year, for the daily volatility.
const SESSIONS: f64 = 252.0;
/// Term of the volatility it is taken from, years.
const VOLATILITY_TERM: f64 = 30.0 / 365.0;

/// The document. Everything is null unless the status is `ok`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Payload {
    /// Price of the underlying that everything is computed at.
    pub spot: Option<f64>,
    /// Shares of delta per +1 % of spot: the two components added, calls and puts as they are.
    pub shares_per_pct_move: Option<f64>,
    /// Σ Γ·OI·M·S·0.01.
    pub gamma_component_shares: Option<f64>,
    /// Σ vanna·OI·M·0.01 times the volatility points a +1 % move is taken to bring.
    pub vanna_component_shares: Option<f64>,
    /// `shares_per_pct_move` times spot, in units of the currency.
    pub notional_per_pct_move: Option<f64>,
    /// Σ charm·OI·M/365: shares per calendar day.
    pub charm_shares_per_day: Option<f64>,
    /// The same times spot.
    pub charm_notional_per_day: Option<f64>,
    /// Gamma by expiry date, ascending.
    pub per_expiry: Option<Vec<ExpiryGamma>>,
    /// Contracts in the totals.
    pub samples: Option<u64>,
    /// Volatility points per +1 % of spot that vanna's share takes.
    pub vol_beta_assumption: Option<f64>,
    /// The same under each convention.
    pub signed: Option<Signed>,
    /// `shares_per_pct_move` in percent of average daily volume; null where that is not known.
    pub pct_adv_per_pct_move: Option<f64>,
    /// What hedging a +1 % move does to the price; null without average daily volume.
    pub impact_bps: Option<Impact>,
    /// What the numbers rest on.
    pub basis: Option<Basis>,
}

/// Gamma of one expiry date.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExpiryGamma {
    /// The date, `YYYYMMDD`.
    pub expiry: String,
    /// Shares per +1 % of spot.
    pub gamma_shares_per_pct: f64,
    /// The same times spot.
    pub gamma_shares_per_pct_notional: f64,
    /// Contracts open.
    pub open_interest: f64,
}

/// Hedging under each convention. A positive book gains delta as spot rises.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Signed {
    /// Shares of delta per +1 % of spot from gamma.
    pub gamma_component_shares: Conventions,
    /// From vanna.
    pub vanna_component_shares: Conventions,
    /// From both.
    pub shares_per_pct_move: Conventions,
    /// What its hedger trades after +1 %: the opposite, negative sells.
    pub hedge_shares_per_pct_move: Conventions,
    /// The same times spot, in units of the currency.
    pub hedge_notional_per_pct_move: Conventions,
    /// Shares of delta per calendar day.
    pub charm_shares_per_day: Conventions,
}

/// The square-root law.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Impact {
    /// `square_root`: I = Y·σ_d·√(Q/ADV).
    pub model: String,
    /// Y.
    pub y: f64,
    /// σ_d: at-the-money volatility of the expiry nearest 30 days over √252, 1.0 is 100 %.
    pub sigma_daily: f64,
    /// Basis points that hedging a +1 % move adds to it; negative where it dampens.
    pub bps: Conventions,
    /// The same as a part of the move: near or beyond 1 a move feeds itself.
    pub feedback_gain: Conventions,
}

/// The hedging impact of one symbol.
pub struct HedgingImpact {
    params: DealerFlowParams,
    counted: Counted,
}

impl Calculator for HedgingImpact {
    const NAME: &'static str = "hedging_impact";
    const CONFIG: Option<&'static str> = Some("dealer_flow");
    const ABOUT: &'static str = "Hedging impact: what hedging an option book trades when spot \
        moves by 1 %, and what that does to the price.";
    const JOB: Job = Job::DealerFlows;
    type Params = DealerFlowParams;
    type Input<'a> = Options<'a>;
    type Payload = Payload;
    type State = ();

    fn new(params: DealerFlowParams, (): ()) -> Result<Self, String> {
        params.check()?;
        Ok(Self {
            params,
            counted: Counted::default(),
        })
    }

    fn state(&self) -> &() {
        &()
    }

    fn compute(&mut self, options: Options<'_>, _now: Timestamp) -> Result<Payload, NoValue> {
        let priced = options.priced;
        let spot = priced.point.spot;
        let selection = Selection::of(priced, &self.params);
        self.counted = selection.counted.clone();
        if selection.is_empty() {
            return Err(NoValue::Undefined("no contract is near with open interest"));
        }
        let gamma = |contract: &PricedContract| contract.greeks.gamma * spot * 0.01;
        let vanna = |contract: &PricedContract| contract.greeks.vanna * 0.01 * self.params.vol_beta;
        let charm = |contract: &PricedContract| contract.greeks.charm / 365.0;
        let (from_gamma, from_vanna) = (selection.signed(gamma), selection.signed(vanna));
        let shares = from_gamma.plus(from_vanna);
        let per_day = selection.signed(charm);
        let adv = options.average_daily_volume;
        let sigma_daily = priced
            .atm_iv(VOLATILITY_TERM)
            .map(|iv| iv / f64::sqrt(SESSIONS));
        let per_expiry = selection
            .by_expiry(gamma)
            .into_iter()
            .map(|sum| ExpiryGamma {
                expiry: compact_date(sum.expiry),
                gamma_shares_per_pct: sum.shares,
                gamma_shares_per_pct_notional: sum.shares * spot,
                open_interest: sum.open_interest,
            });
        Ok(Payload {
            spot: Some(spot),
            shares_per_pct_move: Some(shares.unsigned),
            gamma_component_shares: Some(from_gamma.unsigned),
            vanna_component_shares: Some(from_vanna.unsigned),
            notional_per_pct_move: Some(shares.unsigned * spot),
            charm_shares_per_day: Some(per_day.unsigned),
            charm_notional_per_day: Some(per_day.unsigned * spot),
            per_expiry: Some(per_expiry.collect()),
            samples: Some(self.counted.used),
            vol_beta_assumption: Some(self.params.vol_beta),
            signed: Some(Signed {
                gamma_component_shares: from_gamma,
                vanna_component_shares: from_vanna,
                shares_per_pct_move: shares,
                hedge_shares_per_pct_move: shares.times(-1.0),
                hedge_notional_per_pct_move: shares.times(-spot),
                charm_shares_per_day: per_day,
            }),
            pct_adv_per_pct_move: adv.map(|adv| 100.0 * shares.unsigned.abs() / adv),
            impact_bps: adv
                .zip(sigma_daily)
                .map(|(adv, sigma)| impact(shares, adv, sigma)),
            basis: Some(options.basis()),
        })
    }

    fn counted(&self) -> Counted {
        self.counted.clone()
    }

    fn absent(_: Status) -> Payload {
        Payload::default()
    }
}

fn impact(shares: Conventions, adv: f64, sigma_daily: f64) -> Impact {
    let moved = |shares: f64| {
        let size = SQUARE_ROOT_Y * sigma_daily * f64::sqrt(shares.abs() / adv);
        // Who has gained delta sells.
        -size.copysign(shares) * 1e4
    };
    let bps = Conventions {
        unsigned: moved(shares.unsigned),
        dealer_long_calls_short_puts: moved(shares.dealer_long_calls_short_puts),
        flow_signed: shares.flow_signed.map(moved),
    };
    Impact {
        model: "square_root".to_owned(),
        y: SQUARE_ROOT_Y,
        sigma_daily,
        bps,
        feedback_gain: bps.times(0.01),
    }
}

#[cfg(test)]
mod tests;
