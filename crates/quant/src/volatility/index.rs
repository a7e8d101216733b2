//! The indices of a chain at an instant: VIX1D from the series that expire today and next, VIX
//! from the two around 30 days. Cboe, "Volatility Index Methodology", of each index.
//!
//! Index² = (w1·T1·σ1² + w2·T2·σ2²) · M_year / M_CM · 100², weights by minutes ([`super::clock`]),
//! variances by term ([`super::strip`]).
//!
//! VIX1D rises through a session and falls over night by construction (Albers and Kestner, Finance
//! Research Letters 62, 2024), which is why its parts stand beside it.

#[cfg(test)]
mod tests;

use std::fmt;

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::clock::{
    BUSINESS_YEAR_MINUTES, BusinessClock, CALENDAR_YEAR_MINUTES, ONE_DAY_MINUTES,
    THIRTY_DAY_MINUTES, Weights, calendar_minutes, weights,
};
use super::strip::{StrikeQuotes, Strip, StripError, strip};
use crate::market::{Chain, ExpiryKind, Product, Right, Series, Settlement, Timestamp, t_years};
use crate::pricing::RateCurve;

/// Strikes quoted on each side of K0 that a term must have.
pub const MIN_STRIKES: usize = 5;

/// While fewer business minutes remain the variance of the series of today is held.
pub const FREEZE_MINUTES: f64 = 60.0;

/// Days ahead among which the terms of the 30-day index are, both included.
const THIRTY_DAY_RANGE: std::ops::RangeInclusive<i64> = 23..=37;
/// The near one expires so many days ahead at most.
const NEAR_MOST_DAYS: i64 = 30;

/// What a term is computed with.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// Rates of the currency; each term takes its own.
    pub rates: &'a RateCurve,
    /// Strikes quoted on each side of K0 that a term must have, [`MIN_STRIKES`] as a rule.
    pub min_strikes: usize,
}

/// One of the two terms of an index.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// Root of its series: `SPXW`.
    pub root: Box<str>,
    /// The date it expires.
    pub expiry: NaiveDate,
    /// Minutes to it on the clock of the index, M1 or M2.
    pub minutes: f64,
    /// The same in years of that clock, T.
    pub t_years: f64,
    /// The continuous rate a year it was grown at.
    pub rate: f64,
    /// How much its total variance counts.
    pub weight: f64,
    /// σ², variance a year of the clock.
    pub variance: f64,
    /// T·σ², variance up to the expiry.
    pub total_variance: f64,
    /// Where the variance comes from; `None` where it is held from before.
    pub strip: Option<Strip>,
}

impl Term {
    /// Whether the variance is the last one from before the final hour.
    pub fn is_frozen(&self) -> bool {
        self.strip.is_none()
    }

    /// The volatility of this term alone, points of a year of the clock: 100·σ.
    pub fn points(&self) -> f64 {
        100.0 * self.variance.sqrt()
    }
}

/// The parts of the one-day index, volatility points a year of business minutes each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Components {
    /// What is left of today, from the series that expire today alone.
    pub zero_dte: Option<f64>,
    /// Up to the next expiry, from its series alone.
    pub one_dte: Option<f64>,
    /// From today's expiry to the next; `None` where the next holds less variance than today.
    pub forward: Option<f64>,
}

/// VIX1D.
#[derive(Clone, Debug, PartialEq)]
pub struct OneDayIndex {
    /// Volatility points a year.
    pub value: f64,
    /// The series that expire today; `None` once they have settled.
    pub near: Option<Term>,
    /// The next to expire.
    pub next: Term,
    /// Its parts.
    pub components: Components,
}

/// VIX.
#[derive(Clone, Debug, PartialEq)]
pub struct ThirtyDayIndex {
    /// Volatility points a year.
    pub value: f64,
    /// The last to expire within 30 days.
    pub near: Term,
    /// The first to expire after 30 days.
    pub next: Term,
}

/// Why a chain has no index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoIndex {
    /// The one-day index is computed from 09:30 to 16:15 of a session in New York.
    OutsideHours,
    /// No series settled on closing prints expires today, or none from 23 to 30 days ahead.
    NoNearSeries,
    /// None expires after it, or none from 31 to 37 days ahead.
    NoNextSeries,
    /// The near term has no variance.
    Near(StripError),
    /// The next term has no variance.
    Next(StripError),
    /// The terms do not follow each other on the clock, or their weighted sum is not above zero.
    NotPositive,
}

impl NoIndex {
    /// The reason in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OutsideHours => "outside index hours",
            Self::NoNearSeries => "no series of the near term",
            Self::NoNextSeries => "no series of the next term",
            Self::Near(_) => "the near term has no variance",
            Self::Next(_) => "the next term has no variance",
            Self::NotPositive => "the terms make no positive variance",
        }
    }
}

impl fmt::Display for NoIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())?;
        match self {
            Self::Near(why) | Self::Next(why) => write!(f, ": {why}"),
            Self::OutsideHours | Self::NoNearSeries | Self::NoNextSeries | Self::NotPositive => {
                Ok(())
            }
        }
    }
}

/// The near term's variance, kept for its last hour.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NearMemory(Option<HeldVariance>);

/// The last variance of the series of one day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct HeldVariance {
    root: Box<str>,
    expiry: NaiveDate,
    /// When it was so.
    at: Timestamp,
    variance: f64,
}

impl NearMemory {
    /// Holds a variance; one of before what is held changes nothing.
    fn hold(&mut self, series: &Series, at: Timestamp, variance: f64) {
        let same = |held: &HeldVariance| held.root == series.root && held.expiry == series.expiry;
        if self
            .0
            .as_ref()
            .is_some_and(|held| same(held) && held.at > at)
        {
            return;
        }
        self.0 = Some(HeldVariance {
            at,
            root: series.root.clone(),
            expiry: series.expiry,
            variance,
        });
    }

    fn of(&self, series: &Series) -> Option<f64> {
        let held = self.0.as_ref()?;
        let same = held.root == series.root && held.expiry == series.expiry;
        let usable = held.variance > 0.0 && held.variance.is_finite();
        (same && usable).then_some(held.variance)
    }
}

/// VIX1D of a chain at an instant: of its series settled on closing prints the one that expires
/// today and the one that expires next.
///
/// While less than 60 business minutes remain, the near term's annualised variance is the last one
/// from before, from `memory`; where nothing is remembered, the present one. Once the near series
/// have settled the index is the next term's volatility alone.
pub fn one_day(
    chain: &Chain,
    at: Timestamp,
    clock: &BusinessClock<'_>,
    terms: Terms<'_>,
    memory: &mut NearMemory,
) -> Result<OneDayIndex, NoIndex> {
    if !clock.is_open(at) {
        return Err(NoIndex::OutsideHours);
    }
    let today = clock.exchange().at(at).date;
    let on_close = || {
        let series = chain.series.iter();
        series.filter(|series| series.settlement == Settlement::Pm)
    };
    let next = on_close().find(|series| series.expiry > today);
    let next = next.ok_or(NoIndex::NoNextSeries)?;
    let term = |series: &Series| {
        let minutes = clock.minutes_until(at, series.expiry)?;
        let rate = terms.rates.at(t_years(series.settles_at, at));
        Some(Draft::new(series, minutes, BUSINESS_YEAR_MINUTES, rate))
    };
    let next_draft = term(next).ok_or(NoIndex::NoNextSeries)?;
    if clock.has_settled(at) {
        let next = next_draft
            .measured(chain, next, terms, 1.0)
            .map_err(NoIndex::Next)?;
        let one_dte = Some(next.points());
        return Ok(OneDayIndex {
            value: next.points(),
            near: None,
            next,
            components: Components {
                one_dte,
                ..Components::default()
            },
        });
    }

    let near = on_close().find(|series| series.expiry == today);
    let near = near.ok_or(NoIndex::NoNearSeries)?;
    let near_draft = term(near).ok_or(NoIndex::NoNearSeries)?;
    let weights = weights(near_draft.minutes, next_draft.minutes, ONE_DAY_MINUTES)
        .ok_or(NoIndex::NotPositive)?;
    let is_last_hour = near_draft.minutes < FREEZE_MINUTES;
    let held = memory.of(near).filter(|_| is_last_hour);
    let near_term = match held {
        Some(variance) => near_draft.holding(variance, weights.near),
        None => near_draft
            .measured(chain, near, terms, weights.near)
            .map_err(NoIndex::Near)?,
    };
    if !is_last_hour {
        memory.hold(near, at, near_term.variance);
    }
    let next = next_draft
        .measured(chain, next, terms, weights.next)
        .map_err(NoIndex::Next)?;
    let value = interpolated(&near_term, &next, BUSINESS_YEAR_MINUTES / ONE_DAY_MINUTES)?;
    let between =
        (next.total_variance - near_term.total_variance) / (next.t_years - near_term.t_years);
    let components = Components {
        zero_dte: Some(near_term.points()),
        one_dte: Some(next.points()),
        forward: (between >= 0.0 && between.is_finite()).then(|| 100.0 * between.sqrt()),
    };
    Ok(OneDayIndex {
        value,
        near: Some(near_term),
        next,
        components,
    })
}

/// VIX of a chain at an instant: of the monthly and weekly expiries of `product` 23 to 37 days
/// ahead, the last within 30 days and the first after, minutes of the calendar to the settlement of
/// each. On the day of a monthly expiry its series count, not the weekly ones beside it.
pub fn thirty_day(
    chain: &Chain,
    product: &Product<'_>,
    at: Timestamp,
    terms: Terms<'_>,
) -> Result<ThirtyDayIndex, NoIndex> {
    let today = product.exchange().at(at).date;
    let days = |series: &Series| series.expiry.signed_duration_since(today).num_days();
    let candidates = chain.series.iter().filter_map(|series| {
        let in_range = THIRTY_DAY_RANGE.contains(&days(series));
        Some((series, in_range.then(|| kind(product, series))??))
    });
    let candidates: Vec<(&Series, ExpiryKind)> = candidates.collect();
    let on_date = |date: NaiveDate| {
        let same = candidates
            .iter()
            .filter(|(series, _)| series.expiry == date);
        same.min_by_key(|(_, kind)| *kind)
            .map(|(series, _)| *series)
    };
    let dates = || candidates.iter().map(|(series, _)| series);
    let near = dates().rfind(|series| days(series) <= NEAR_MOST_DAYS);
    let next = dates().find(|series| days(series) > NEAR_MOST_DAYS);
    let near = near.and_then(|series| on_date(series.expiry));
    let near = near.ok_or(NoIndex::NoNearSeries)?;
    let next = next.and_then(|series| on_date(series.expiry));
    let next = next.ok_or(NoIndex::NoNextSeries)?;

    let term = |series: &Series| {
        let minutes = calendar_minutes(at, series.settles_at);
        let rate = terms.rates.at(t_years(series.settles_at, at));
        Draft::new(series, minutes, CALENDAR_YEAR_MINUTES, rate)
    };
    let (near_draft, next_draft) = (term(near), term(next));
    let Weights {
        near: near_weight,
        next: next_weight,
    } = weights(near_draft.minutes, next_draft.minutes, THIRTY_DAY_MINUTES)
        .ok_or(NoIndex::NotPositive)?;
    let near = near_draft
        .measured(chain, near, terms, near_weight)
        .map_err(NoIndex::Near)?;
    let next = next_draft
        .measured(chain, next, terms, next_weight)
        .map_err(NoIndex::Next)?;
    let value = interpolated(&near, &next, CALENDAR_YEAR_MINUTES / THIRTY_DAY_MINUTES)?;
    Ok(ThirtyDayIndex { value, near, next })
}

/// What is known of a term before its variance.
struct Draft {
    root: Box<str>,
    expiry: NaiveDate,
    minutes: f64,
    t_years: f64,
    rate: f64,
}

impl Draft {
    fn new(series: &Series, minutes: f64, year: f64, rate: f64) -> Self {
        Self {
            root: series.root.clone(),
            expiry: series.expiry,
            minutes,
            t_years: minutes / year,
            rate,
        }
    }

    /// With the variance of its quotes.
    fn measured(
        self,
        chain: &Chain,
        series: &Series,
        terms: Terms<'_>,
        weight: f64,
    ) -> Result<Term, StripError> {
        let rows = strikes(chain, series);
        let strip = strip(&rows, self.t_years, self.rate, terms.min_strikes)?;
        let (variance, total_variance) = (strip.variance, strip.total_variance);
        Ok(self.term(variance, total_variance, Some(strip), weight))
    }

    /// With a variance from before.
    fn holding(self, variance: f64, weight: f64) -> Term {
        let total_variance = variance * self.t_years;
        self.term(variance, total_variance, None, weight)
    }

    fn term(self, variance: f64, total_variance: f64, strip: Option<Strip>, weight: f64) -> Term {
        Term {
            root: self.root,
            expiry: self.expiry,
            minutes: self.minutes,
            t_years: self.t_years,
            rate: self.rate,
            weight,
            variance,
            total_variance,
            strip,
        }
    }
}

/// Index points of two weighted terms; `scale` is M_year / M_CM.
fn interpolated(near: &Term, next: &Term, scale: f64) -> Result<f64, NoIndex> {
    let total = near.total_variance * near.weight + next.total_variance * next.weight;
    let value = 100.0 * (total * scale).sqrt();
    match value > 0.0 && value.is_finite() {
        true => Ok(value),
        false => Err(NoIndex::NotPositive),
    }
}

/// How often the expiry of a series comes round, where it is a monthly or weekly one of its product.
fn kind(product: &Product<'_>, series: &Series) -> Option<ExpiryKind> {
    let expiries = product.expiries(series.expiry, series.expiry);
    let same = expiries
        .iter()
        .find(|expiry| *expiry.root == *series.root)?;
    (same.kind != ExpiryKind::Daily).then_some(same.kind)
}

/// The quotes of a series, a row a strike.
fn strikes(chain: &Chain, series: &Series) -> Vec<StrikeQuotes> {
    let contracts = &chain.contracts;
    let mut rows: Vec<StrikeQuotes> = Vec::with_capacity(series.contracts.len() / 2 + 1);
    for at in series.contracts.clone() {
        let strike = contracts.strike[at];
        if rows.last().is_none_or(|row| row.strike != strike) {
            rows.push(StrikeQuotes {
                strike,
                call_bid: None,
                call_ask: None,
                put_bid: None,
                put_ask: None,
            });
        }
        let Some(row) = rows.last_mut() else { continue };
        let (bid, ask) = (contracts.bid.get(at), contracts.ask.get(at));
        match contracts.right[at] {
            Right::Call => (row.call_bid, row.call_ask) = (bid, ask),
            Right::Put => (row.put_bid, row.put_ask) = (bid, ask),
        }
    }
    rows
}
