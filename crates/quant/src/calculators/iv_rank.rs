//! IV rank: where the constant-maturity volatility at the money stands in its own year.
//!
//! Rank is the place between the year's least and largest, percentile the share of sessions below:
//! one spike holds the rank down for a year and hardly moves the percentile. Each session counts
//! with the last value it had, the present one with its value now. The front expiry would jump at
//! every roll, so the volatility is of a constant maturity.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::baseline::PastVolatility;
use crate::calculator::{Calculator, Counted, Job, NoValue, Status};
use crate::history::Extent;
use crate::market::Timestamp;
use crate::math::iv_rank::standing;
use crate::math::term_structure::constant_maturity;
use crate::pricing::Basis;
use crate::snapshot::{Options, SessionClose, SessionDate, Usual};

/// Settings.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Sessions compared, the present one among them.
    pub sessions: usize,
    /// Fewest of them.
    pub min_sessions: usize,
    /// The maturity, days.
    pub days: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            sessions: 252,
            min_sessions: 60,
            days: 30.0,
        }
    }
}

/// The document. Volatilities are decimals, 1.0 is 100 %. Everything is null unless the status is
/// `ok`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Payload {
    /// Volatility at the money of the maturity, linear in total variance between the expiries beside
    /// it.
    pub iv: Option<f64>,
    /// The maturity, days.
    pub days: Option<f64>,
    /// (iv − low) / (high − low), 0 to 1; null under the fewest sessions and where none differs.
    pub iv_rank: Option<f64>,
    /// Share of the sessions below the present value, ties (itself among them) counted half, 0 to 1;
    /// null under the fewest sessions.
    pub iv_percentile: Option<f64>,
    /// The same without ties.
    pub iv_percentile_strict: Option<f64>,
    /// The least of the sessions, the present one among them.
    pub low: Option<f64>,
    /// The largest of them.
    pub high: Option<f64>,
    /// How many there are.
    pub observations: Option<usize>,
    /// How many are compared at most.
    pub window: Option<usize>,
    /// Why the rank is null: `insufficient_history` or `flat`; null where it is not.
    pub reason: Option<Reason>,
    /// Total variance falls between the expiries beside the maturity: calendar arbitrage, or a bad
    /// quote.
    pub calendar_arbitrage: Option<bool>,
    /// What the numbers rest on.
    pub basis: Option<Basis>,
}

/// Why there is no rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Fewer sessions than the settings ask for.
    InsufficientHistory,
    /// The volatility was the same in all of them.
    Flat,
}

/// What a baseline knows.
type Kept = BTreeMap<NaiveDate, PastVolatility>;

/// The last volatility of each session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sessions(BTreeMap<NaiveDate, f64>);

impl Sessions {
    /// The present value, then those of the sessions before it within as many calendar days as so many
    /// sessions take, newest first.
    fn with(&self, current: f64, date: NaiveDate, window: usize) -> Vec<f64> {
        // A year of 252 sessions has 365 days; two weeks for holidays in shorter windows.
        let days = (window * 365).div_ceil(252) as u64 + 14;
        let oldest = date.checked_sub_days(Days::new(days));
        let from = oldest.unwrap_or(NaiveDate::MIN);
        let (first, end) = (from.min(date), date);
        let earlier = self.0.range(first..end).rev().map(|(_, iv)| *iv);
        let earlier = earlier.take(window.saturating_sub(1));
        std::iter::once(current).chain(earlier).collect()
    }

    /// The value of a session, in place of the one it had; the oldest beyond a window are forgotten.
    fn take(&mut self, date: NaiveDate, iv: f64, window: usize) {
        self.0.insert(date, iv);
        self.shorten(window);
    }

    /// The values of earlier sessions that it did not see itself, of the same maturity.
    fn fill(&mut self, kept: &Kept, date: NaiveDate, days: f64, window: usize) {
        let earlier = kept.range(..date).filter(|(_, past)| past.days == days);
        for (session, past) in earlier {
            self.0.entry(*session).or_insert(past.iv);
        }
        self.shorten(window);
    }

    fn shorten(&mut self, window: usize) {
        while self.0.len() > window {
            self.0.pop_first();
        }
    }
}

/// The IV rank of one symbol.
pub struct IvRank {
    params: Params,
    sessions: Sessions,
    counted: Counted,
}

impl Calculator for IvRank {
    const NAME: &'static str = "iv_rank";
    const ABOUT: &'static str = "IV rank: where the constant-maturity volatility at the money stands \
        in its own year.";
    const JOB: Job = Job::ChainStats;
    type Params = Params;
    type Input<'a> = (Options<'a>, SessionDate, SessionClose, Usual<'a>);
    type Payload = Payload;
    type State = Sessions;

    fn new(params: Params, mut sessions: Sessions) -> Result<Self, String> {
        let extent = Extent {
            window: params.sessions,
            minimum: params.min_sessions,
        };
        extent.check(2_520, "sessions", "min_sessions")?;
        if !(1.0..=3_650.0).contains(&params.days) {
            let is = params.days;
            return Err(format!("days: must be 1 to 3650 (is {is})"));
        }
        if !sessions.0.values().all(|iv| *iv > 0.0 && iv.is_finite()) {
            return Err("the volatility of a session is none".to_owned());
        }
        sessions.shorten(params.sessions);
        Ok(Self {
            params,
            sessions,
            counted: Counted::default(),
        })
    }

    fn state(&self) -> &Sessions {
        &self.sessions
    }

    fn compute(
        &mut self,
        (options, date, close, usual): Self::Input<'_>,
        _now: Timestamp,
    ) -> Result<Payload, NoValue> {
        let (priced, window) = (options.priced, self.params.sessions);
        let found = constant_maturity(&priced.at_the_money(), self.params.days);
        let found = found.map_err(|_| NoValue::Undefined("no expiries bracket the maturity"))?;
        self.counted = Counted {
            used: priced.contracts.len() as u64,
            dropped: priced.dropped.clone(),
        };
        if let Some(baseline) = usual.0 {
            let kept = &baseline.volatilities;
            self.sessions.fill(kept, date.0, self.params.days, window);
        }
        let among = self.sessions.with(found.iv, date.0, window);
        if close.may_end(date, options.chain.zone) {
            self.sessions.take(date.0, found.iv, window);
        }
        let standing = standing(found.iv, &among, self.params.min_sessions).ok();
        let rank = standing.and_then(|standing| standing.rank);
        Ok(Payload {
            iv: Some(found.iv),
            days: Some(self.params.days),
            iv_rank: rank,
            iv_percentile: standing.map(|standing| standing.percentile),
            iv_percentile_strict: standing.map(|standing| standing.percentile_strict),
            low: among.iter().copied().reduce(f64::min),
            high: among.iter().copied().reduce(f64::max),
            observations: Some(among.len()),
            window: Some(window),
            reason: match (standing, rank) {
                (None, _) => Some(Reason::InsufficientHistory),
                (Some(_), None) => Some(Reason::Flat),
                (Some(_), Some(_)) => None,
            },
            calendar_arbitrage: Some(found.calendar_arbitrage),
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

#[cfg(test)]
mod tests;
