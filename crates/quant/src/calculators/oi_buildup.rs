//! Open-interest build-up: which contracts are opened or closed, by whom, and where most are open.
//!
//! What positions became follows from the change of a contract's own price and of its open interest.
//! The change of open interest is the source's where it states one, else that since the session
//! before, seen or kept in history, else that since the first run of the present session; the price's
//! likewise. Levels of open
//! interest stand in zones around the money, each contract in one: heavy calls above the market are
//! written as much as bought, and count as resistance.

use serde::{Deserialize, Serialize};

use crate::baseline::Baseline;
use crate::calculator::{Calculator, Counted, Job, NoValue, Status};
use crate::market::{Chain, ListedStrike, Right, Series, Timestamp};
use crate::math::oi_buildup::{Bias, DeadBands, Zone, atm_strike, build_up};
use crate::math::sum::Sum;
use crate::snapshot::{ChainAtSpot, PreviousSession, SessionClose, SessionDate, Usual};

mod payload;
mod references;
#[cfg(test)]
mod tests;

pub use payload::{
    ContractBuildUp, ExpiryBuildUp, Interpretation, NoState, Payload, Reference, StrikeBuildUp,
    ZoneSums, Zones,
};
pub use references::References;
use references::{Before, Observed};

/// Most contracts that are open in one.
const MOST_OPEN: f64 = 1e12;

/// Settings.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Least change of a contract's price that is one, percent.
    pub min_price_pct: f64,
    /// Least change of its open interest that is one, percent.
    pub min_oi_pct: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            min_price_pct: 0.1,
            min_oi_pct: 1.0,
        }
    }
}

/// The build-up of one chain.
pub struct OiBuildup {
    bands: DeadBands,
    references: References,
    counted: Counted,
}

impl Calculator for OiBuildup {
    const NAME: &'static str = "oi_buildup";
    const ABOUT: &'static str = "Open-interest build-up: which contracts are opened or closed, by \
        whom, and where most are open.";
    const JOB: Job = Job::ChainStats;
    type Params = Params;
    type Input<'a> = (
        ChainAtSpot<'a>,
        SessionDate,
        PreviousSession,
        SessionClose,
        Usual<'a>,
    );
    type Payload = Payload;
    type State = References;

    fn new(params: Params, references: References) -> Result<Self, String> {
        let bands = [
            ("min_price_pct", params.min_price_pct),
            ("min_oi_pct", params.min_oi_pct),
        ];
        let wrong: Vec<_> = bands
            .into_iter()
            .filter(|(_, is)| !(0.0..=100.0).contains(is))
            .map(|(name, is)| format!("{name}: must be 0 to 100 (is {is})"))
            .collect();
        if !wrong.is_empty() {
            return Err(wrong.join("\n"));
        }
        Ok(Self {
            bands: DeadBands {
                price_pct: params.min_price_pct,
                oi_pct: params.min_oi_pct,
            },
            references: references.restored()?,
            counted: Counted::default(),
        })
    }

    fn state(&self) -> &References {
        &self.references
    }

    fn compute(
        &mut self,
        (listed, date, before, close, usual): Self::Input<'_>,
        now: Timestamp,
    ) -> Result<Payload, NoValue> {
        let ChainAtSpot { chain, spot } = listed;
        let under_way = close.may_end(date, chain.zone);
        if under_way {
            self.references.begin(date, before);
        }
        // One that ended with another session than the last says nothing of this one's change.
        let usual = usual.0.filter(|usual| usual.previous_session == before.0);
        self.counted = listed.open_contracts(now);
        let live = chain.unsettled(now);
        let rows: Vec<ExpiryBuildUp> = live
            .filter_map(|series| self.row(chain, series, spot, usual))
            .collect();
        if under_way {
            self.references.observe(chain, now);
        }
        if rows.is_empty() {
            return Err(NoValue::Undefined(
                "no contract that lives states its open interest",
            ));
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

impl OiBuildup {
    /// An expiry; `None` where none of its contracts states its open interest.
    fn row(
        &self,
        chain: &Chain,
        series: &Series,
        spot: f64,
        usual: Option<&Baseline>,
    ) -> Option<ExpiryBuildUp> {
        let open = |of: fn(ListedStrike) -> Option<usize>| {
            let amount = |listed| chain.contracts.open_interest.get(of(listed)?);
            let strikes = chain.strikes(series);
            let known = strikes.filter_map(|listed| Some((listed.strike, amount(listed)?)));
            known.collect::<Vec<(f64, f64)>>()
        };
        let (calls, puts) = (open(|listed| listed.call), open(|listed| listed.put));
        if calls.is_empty() && puts.is_empty() {
            return None;
        }
        let atm = atm_strike(chain.strikes(series).map(|listed| listed.strike), spot)?;
        let total = |amounts: &[(f64, f64)]| amounts.iter().map(|(_, open)| *open).collect::<Sum>();
        let zones = Zones {
            call: zones(Right::Call, &calls, atm),
            put: zones(Right::Put, &puts, atm),
        };
        let strikes: Vec<StrikeBuildUp> = chain
            .strikes(series)
            .filter_map(|listed| self.strike(chain, series, listed, usual))
            .collect();
        Some(ExpiryBuildUp {
            expiry: series.expiry,
            root: series.root.to_string(),
            atm_strike: atm,
            call_oi: total(&calls).value(),
            put_oi: total(&puts).value(),
            interpretation: Interpretation::of(zones.call.otm, zones.put.otm),
            zones,
            support: largest(puts.into_iter().filter(|(at, _)| *at <= spot), spot),
            resistance: largest(calls.into_iter().filter(|(at, _)| *at >= spot), spot),
            bias: net_bias(strikes.iter().flat_map(|row| [&row.call, &row.put])),
            strikes,
        })
    }

    /// A strike; `None` where nothing is or was open.
    fn strike(
        &self,
        chain: &Chain,
        series: &Series,
        listed: ListedStrike,
        usual: Option<&Baseline>,
    ) -> Option<StrikeBuildUp> {
        let contract = |at: Option<usize>| self.contract(chain, series, at?, usual);
        let (call, put) = (contract(listed.call), contract(listed.put));
        (call.is_some() || put.is_some()).then(|| StrikeBuildUp {
            strike: listed.strike,
            bias: net_bias([&call, &put]),
            call,
            put,
        })
    }

    fn contract(
        &self,
        chain: &Chain,
        series: &Series,
        at: usize,
        usual: Option<&Baseline>,
    ) -> Option<ContractBuildUp> {
        let contracts = &chain.contracts;
        let (right, strike) = (contracts.right[at], contracts.strike[at]);
        let now = Observed::of(contracts, at)?;
        let kept = || usual.and_then(|usual| usual.contract(series, right, strike));
        let before = self.references.before(series, right, strike);
        let before = before.or_kept(kept);
        // A change from less than nothing, or from more than anybody holds, is a slip.
        let stated = contracts.oi_change.get(at).map(|change| now.oi - change);
        let stated = stated.filter(|before| (0.0..=MOST_OPEN).contains(before));
        let oi = stated
            .map(|oi| (oi, Reference::Source))
            .or_else(|| before.oi());
        let was_open = oi.is_some_and(|(oi, _)| oi > 0.0);
        if now.oi <= 0.0 && !was_open {
            return None;
        }
        Some(self.built(right, now, oi, before))
    }

    fn built(
        &self,
        right: Right,
        now: Observed,
        oi: Option<(f64, Reference)>,
        before: Before,
    ) -> ContractBuildUp {
        let price = before.price();
        let (price_before, oi_before) = (price.map(|(p, _)| p), oi.map(|(oi, _)| oi));
        let built =
            oi_before.and_then(|oi| build_up(price_before, now.price, oi, now.oi, self.bands));
        let change = oi_before.map(|before| now.oi - before);
        let share = |before: f64| (now.oi - before) / before * 100.0;
        ContractBuildUp {
            open_interest: now.oi,
            oi_change: change,
            oi_pct: oi_before.map(share).filter(|pct| pct.is_finite()),
            price_pct: built.and_then(|built| built.price_pct),
            state: built.map(|built| built.label),
            bias: built.map(|built| built.label.bias(right)),
            oi_reference: oi.map(|(_, of)| of),
            price_reference: built
                .and_then(|built| built.price_pct)
                .and_then(|_| price.map(|(_, of)| of)),
            reason: match (built, oi_before) {
                (Some(_), _) => None,
                (None, None) => Some(NoState::NoReference),
                (None, Some(_)) => Some(NoState::NoPrice),
            },
        }
    }
}

fn zones(right: Right, amounts: &[(f64, f64)], atm_strike: f64) -> ZoneSums {
    let [mut itm, mut atm, mut otm] = [Sum::default(); 3];
    for (strike, open) in amounts {
        match Zone::of(right, *strike, atm_strike) {
            Zone::Itm => itm.add(*open),
            Zone::Atm => atm.add(*open),
            Zone::Otm => otm.add(*open),
        }
    }
    ZoneSums {
        itm: itm.value(),
        atm: atm.value(),
        otm: otm.value(),
    }
}

/// The strike with the most of it; of equal ones the nearest to spot. Nothing has no strike.
fn largest(amounts: impl Iterator<Item = (f64, f64)>, spot: f64) -> Option<f64> {
    let more = |best: (f64, f64), next: (f64, f64)| {
        let nearer = (next.0 - spot).abs() < (best.0 - spot).abs();
        let better = next.1 > best.1 || (next.1 == best.1 && nearer);
        if better { next } else { best }
    };
    let open = amounts.filter(|(_, open)| *open > 0.0);
    open.reduce(more).map(|(strike, _)| strike)
}

/// What contracts say together, each by as many positions as changed in it.
fn net_bias<'a>(contracts: impl IntoIterator<Item = &'a Option<ContractBuildUp>>) -> Bias {
    let vote = |contract: &ContractBuildUp| {
        let change = contract.oi_change.unwrap_or(0.0).abs();
        match contract.bias {
            Some(Bias::Bullish) => change,
            Some(Bias::Bearish) => -change,
            Some(Bias::Neutral) | None => 0.0,
        }
    };
    let votes = contracts.into_iter().flatten().map(vote);
    let net = votes.collect::<Sum>().value();
    if net > 0.0 {
        Bias::Bullish
    } else if net < 0.0 {
        Bias::Bearish
    } else {
        Bias::Neutral
    }
}
