//! Charm exposure: how the delta of an option book drifts as time passes and nothing else moves.
//!
//! The rate is per calendar day (a year's charm over 365). Inside the last day a rate says little,
//! since no delta can change by more than one: the drift to +15 minutes, +60 minutes and the close is
//! the exact change at the same spot and volatilities.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calculator::{Calculator, Counted, Job, Mark, NoValue, Status};
use crate::exposure::{
    Conventions, DealerFlowParams, Memory, Selection, Split, book, compact_date,
};
use crate::history::{Compared, SameTime};
use crate::market::{Span, Timestamp, t_years};
use crate::math::black_scholes::{Terms, delta_change};
use crate::pricing::{Basis, PricedChain, PricedContract};
use crate::snapshot::{Options, SessionDate};

const DAYS_PER_YEAR: f64 = 365.0;

/// The document. Everything is null unless the status is `ok`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Payload {
    /// Price of the underlying that everything is computed at.
    pub spot: Option<f64>,
    /// Σ charm·OI·M/365: shares of delta per calendar day, of contracts near enough and with enough
    /// open interest.
    pub total_charm_shares_per_day: Option<f64>,
    /// The same times spot, in units of the currency.
    pub total_charm_notional_per_day: Option<f64>,
    /// The notional against its history at minute marks.
    pub history: Option<Compared>,
    /// The notional against the same minute of earlier sessions.
    pub time_of_day: Option<SameTime>,
    /// By expiry date, ascending.
    pub per_expiry: Option<Vec<ExpiryCharm>>,
    /// Contracts in the totals.
    pub samples: Option<u64>,
    /// Units of the currency of delta per calendar day, of every contract priced, under each
    /// convention.
    pub chex_usd_per_day: Option<Conventions>,
    /// Exact change of delta, in units of the currency, of every contract priced.
    pub delta_drift: Option<DeltaDrift>,
    /// What delta does until the close if spot were elsewhere; null where nothing expires by then.
    pub to_close: Option<CloseProfile>,
    /// What the numbers rest on.
    pub basis: Option<Basis>,
}

/// Charm of one expiry date.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExpiryCharm {
    /// The date, `YYYYMMDD`.
    pub expiry: String,
    /// Shares per calendar day.
    pub charm_shares_per_day: f64,
    /// The same times spot.
    pub charm_shares_per_day_notional: f64,
    /// Contracts open.
    pub open_interest: f64,
}

/// How far delta drifts at the same spot and volatilities, under each convention.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeltaDrift {
    /// In 15 minutes.
    pub m15: Conventions,
    /// In 60 minutes.
    pub m60: Conventions,
    /// To the end of the session, the next one's outside of sessions; null where the calendar does
    /// not know it.
    pub close: Option<Conventions>,
}

/// Change of delta from now to the close of what expires by then, by spot, at the same
/// volatilities, in units of the currency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CloseProfile {
    /// Spots within 2 % of the present one, rising.
    pub spots: Vec<f64>,
    /// Calls and puts as they are.
    pub unsigned: Vec<f64>,
    /// Calls as they are, puts with their sign turned.
    pub dealer_long_calls_short_puts: Vec<f64>,
}

/// The charm exposure of one symbol.
pub struct Charm {
    params: DealerFlowParams,
    memory: Memory,
    counted: Counted,
    mark: Option<Mark>,
}

impl Calculator for Charm {
    const NAME: &'static str = "charm";
    const CONFIG: Option<&'static str> = Some("dealer_flow");
    const ABOUT: &'static str = "Charm exposure: how the delta of an option book drifts as time \
        passes and nothing else moves.";
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
        let shares = selection.shares(|contract| contract.greeks.charm / DAYS_PER_YEAR);
        let notional = shares * spot;
        let remembered = self
            .memory
            .observe(Some(notional), date, now, self.params.marks());
        self.mark = remembered.mark;
        let by_expiry = selection.by_expiry(|contract| contract.greeks.charm / DAYS_PER_YEAR);
        let per_expiry = by_expiry.into_iter().map(|sum| ExpiryCharm {
            expiry: compact_date(sum.expiry),
            charm_shares_per_day: sum.shares,
            charm_shares_per_day_notional: sum.shares * spot,
            open_interest: sum.open_interest,
        });
        let at = priced.point.at;
        let close = options.close.filter(|close| *close > at);
        Ok(Payload {
            spot: Some(spot),
            total_charm_shares_per_day: Some(shares),
            total_charm_notional_per_day: Some(notional),
            history: Some(remembered.history),
            time_of_day: Some(remembered.same_time),
            per_expiry: Some(per_expiry.collect()),
            samples: Some(self.counted.used),
            chex_usd_per_day: Some(book(priced, |c| c.greeks.charm / DAYS_PER_YEAR).times(spot)),
            delta_drift: Some(DeltaDrift {
                m15: drift(priced, at.plus(Span::from_seconds(900.0))),
                m60: drift(priced, at.plus(Span::from_seconds(3_600.0))),
                close: close.map(|close| drift(priced, close)),
            }),
            to_close: close.and_then(|close| to_close(priced, close)),
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

/// Half the width of the profile to the close, of spot, and its points.
const CLOSE_WIDTH: f64 = 0.02;
const CLOSE_POINTS: i32 = 41;

fn to_close(priced: &PricedChain, close: Timestamp) -> Option<CloseProfile> {
    let left = t_years(close, priced.point.at);
    let expires = |contract: &&PricedContract| {
        let held = contract.open_interest.is_some_and(|held| held > 0.0);
        held && priced.series[contract.series].t_years <= left
    };
    let contracts: Vec<&PricedContract> = priced.contracts.iter().filter(expires).collect();
    if contracts.is_empty() {
        return None;
    }
    let mut profile = CloseProfile {
        spots: Vec::new(),
        unsigned: Vec::new(),
        dealer_long_calls_short_puts: Vec::new(),
    };
    for step in 0..CLOSE_POINTS {
        let place = f64::from(2 * step - (CLOSE_POINTS - 1)) / f64::from(CLOSE_POINTS - 1);
        let spot = priced.point.spot * (1.0 + CLOSE_WIDTH * place);
        let amounts = contracts.iter().map(|contract| {
            let terms = Terms {
                spot,
                ..priced.terms(contract)
            };
            let change = delta_change(contract.right, &terms, terms.t_years - left);
            let held = contract.open_interest.unwrap_or(0.0) * contract.multiplier;
            (contract.right, change.unwrap_or(0.0) * held * spot)
        });
        let sums = amounts.collect::<Split>().conventions();
        profile.spots.push(spot);
        profile.unsigned.push(sums.unsigned);
        profile
            .dealer_long_calls_short_puts
            .push(sums.dealer_long_calls_short_puts);
    }
    Some(profile)
}

/// The exact change of delta until an instant, in units of the currency.
fn drift(priced: &PricedChain, until: Timestamp) -> Conventions {
    let passed = t_years(until, priced.point.at);
    let change = |contract: &PricedContract| {
        let terms = priced.terms(contract);
        // Whoever is priced has a volatility and time: there is a delta now and later.
        delta_change(contract.right, &terms, terms.t_years - passed).unwrap_or(0.0)
    };
    book(priced, change).times(priced.point.spot)
}

#[cfg(test)]
mod tests;
