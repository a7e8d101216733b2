//! Volatility surface: each expiry's volatilities by strike, their raw SVI slice, and what arbitrage
//! they allow.
//!
//! Volatilities lie on log-moneyness ln(K/F). SVI is fitted in total variance, weighted by vega over
//! spread; not on the last day and not through few strikes, where five parameters fit anything.
//! Calendars are compared between the listed volatilities, so that no fit is blamed on the market.

use serde::{Deserialize, Serialize};

use crate::calculator::{Calculator, Counted, Job, NoValue, Status};
use crate::market::{Chain, Timestamp};
use crate::math::gamma_profile::log_ratio;
use crate::math::smile::{Smile, StrikeIv};
use crate::math::sum::Sum;
use crate::math::svi::{Point, Svi, fit};
use crate::pricing::{Implied, IvSource, PricedChain, PricedContract, PricedSeries, strike_ivs};
use crate::snapshot::Options;

mod payload;
#[cfg(test)]
mod tests;

pub use payload::{Arbitrage, Butterfly, Calendar, ExpirySurface, Payload, Rows, SviFit};

/// Standard deviations around the forward within which strikes are fitted; those beyond cost time and
/// have no vega to speak of.
const FITTED_DEVIATIONS: f64 = 5.0;

/// Narrowest spread that weighs, of the forward: a quote without a spread is a mark, and not exact.
const LEAST_SPREAD: f64 = 1e-4;

/// Steps between the first and the last strike fitted at which the density is looked at.
const DENSITY_STEPS: u32 = 200;

/// The part of total variance by which it must fall from expiry to expiry to be a violation.
const ROUNDING: f64 = 1e-9;

/// Settings.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Fewest strikes of an expiry that SVI is fitted to.
    pub svi_min_strikes: usize,
    /// Most of them; of more, so many in even steps.
    pub svi_max_strikes: usize,
    /// Most expiries it is fitted to, the nearest.
    pub svi_max_expiries: usize,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            svi_min_strikes: 8,
            svi_max_strikes: 50,
            svi_max_expiries: 12,
        }
    }
}

/// The surface of one chain.
pub struct Surface {
    params: Params,
    counted: Counted,
}

impl Calculator for Surface {
    const NAME: &'static str = "surface";
    const ABOUT: &'static str = "Volatility surface: each expiry's volatilities by strike, their raw \
        SVI slice, and what arbitrage they allow.";
    const JOB: Job = Job::ChainStats;
    type Params = Params;
    type Input<'a> = Options<'a>;
    type Payload = Payload;
    type State = ();

    fn new(params: Params, (): ()) -> Result<Self, String> {
        let least = params.svi_min_strikes;
        let bounds = [
            ("svi_min_strikes", least, 5, 1_000),
            ("svi_max_strikes", params.svi_max_strikes, least, 1_000),
            ("svi_max_expiries", params.svi_max_expiries, 0, 1_000),
        ];
        let wrong: Vec<_> = bounds
            .into_iter()
            .filter(|(_, is, from, to)| !(from..=to).contains(&is))
            .map(|(name, is, from, to)| format!("{name}: must be {from} to {to} (is {is})"))
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

    fn compute(&mut self, options: Options<'_>, _now: Timestamp) -> Result<Payload, NoValue> {
        let priced = options.priced;
        let mut fits_left = self.params.svi_max_expiries;
        let mut slices: Vec<Slice<'_>> = Vec::with_capacity(priced.series.len());
        for series in &priced.series {
            let mut slice = Slice::of(options, series);
            let fitted = slice.fit(&self.params, &mut fits_left);
            slice.take_fit(fitted);
            slice.row.arbitrage.calendar = slice.calendar(&slices);
            slices.push(slice);
        }
        self.counted = Counted {
            used: priced.contracts.len() as u64,
            dropped: priced.dropped.clone(),
        };
        Ok(Payload {
            spot: Some(priced.point.spot),
            by_expiry: Some(slices.into_iter().map(|slice| slice.row).collect()),
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

/// One expiry.
struct Slice<'a> {
    chain: &'a Chain,
    series: &'a PricedSeries,
    contracts: &'a [PricedContract],
    points: Vec<StrikeIv>,
    smile: Option<Smile>,
    row: ExpirySurface,
}

impl<'a> Slice<'a> {
    fn of(options: Options<'a>, series: &'a PricedSeries) -> Self {
        let priced: &'a PricedChain = options.priced;
        let contracts = &priced.contracts[series.contracts.clone()];
        let (points, _) = strike_ivs(contracts, series, 0.0);
        let smile = Smile::new(&points, series.forward, series.t_years).ok();
        let at_the_money = smile.as_ref().and_then(Smile::at_the_money);
        let row = ExpirySurface {
            expiry: series.expiry,
            root: series.root.to_string(),
            forward: series.forward,
            t_years: series.t_years,
            atm_iv: at_the_money.map(|at_the_money| at_the_money.iv),
            avg_iv: average(&points, contracts),
            num_quotes: 0,
            rows: Rows::default(),
            svi: None,
            svi_reason: None,
            arbitrage: Arbitrage::default(),
        };
        let mut slice = Self {
            chain: options.chain,
            series,
            contracts,
            points,
            smile,
            row,
        };
        slice.row.rows = slice.rows(options.implied);
        let (call, put) = (&slice.row.rows.call_iv, &slice.row.rows.put_iv);
        slice.row.num_quotes = call.iter().chain(put).flatten().count() as u64;
        slice
    }

    /// Every listed strike, each with what is known of it.
    fn rows(&self, implied: &Implied) -> Rows {
        let listed = self.chain.series_of(self.contracts[0].listed_at);
        let mut rows = Rows::default();
        let mut contracts = self.contracts.iter().peekable();
        let mut points = self.points.iter().peekable();
        // All three stand by strike, call before put.
        for strike in self.chain.strikes(listed) {
            let mut of = |at: Option<usize>| {
                let found = contracts.next_if(|contract| Some(contract.listed_at) == at)?;
                self.is_quoted(found, implied).then_some(found.iv)
            };
            rows.call_iv.push(of(strike.call));
            rows.put_iv.push(of(strike.put));
            let point = points.next_if(|point| point.strike == strike.strike);
            rows.mid_iv.push(point.map(|point| point.iv));
            rows.strike.push(strike.strike);
            let k = log_ratio(self.series.forward, strike.strike);
            rows.log_moneyness.push(k);
        }
        rows
    }

    /// Whether its volatility is its own: one lent by the other side of the strike stands for a quote
    /// in the money, not for none.
    fn is_quoted(&self, contract: &PricedContract, implied: &Implied) -> bool {
        let (at, listed) = (contract.listed_at, &self.chain.contracts);
        let lent = matches!(implied.iv[at], Ok((_, IvSource::OtherSide)));
        !lent || listed.touch(at).is_some() || listed.mark.get(at).is_some()
    }

    fn fit(&self, params: &Params, fits_left: &mut usize) -> Result<(SviFit, Svi), &'static str> {
        if self.series.dte <= 0 {
            return Err("expires_today");
        }
        let points = self.fit_points();
        if points.len() < params.svi_min_strikes {
            return Err("few_strikes");
        }
        if *fits_left == 0 {
            return Err("beyond_max_expiries");
        }
        *fits_left -= 1;
        let points = thinned(points, params.svi_max_strikes);
        let found = fit(&points).ok_or("no_fit")?;
        let raw = found.svi.raw();
        let fitted = SviFit {
            a: raw.a,
            b: raw.b,
            rho: raw.rho,
            m: raw.m,
            sigma: raw.sigma,
            rmse: found.rmse,
            max_error: found.max_error,
            strikes: found.used as u64,
        };
        let finite = fitted.rmse.is_finite() && fitted.max_error.is_finite();
        finite.then_some((fitted, found.svi)).ok_or("no_fit")
    }

    /// The strikes within reach, in total variance, each weighted by vega over spread.
    fn fit_points(&self) -> Vec<Point> {
        let (forward, years) = (self.series.forward, self.series.t_years);
        let Some(iv) = self.row.atm_iv else {
            return Vec::new();
        };
        let reach = FITTED_DEVIATIONS * iv * years.sqrt();
        let spreads = self.spreads();
        let widest = spreads.iter().copied().flatten().reduce(f64::max);
        let widest = widest.unwrap_or(forward);
        self.points
            .iter()
            .zip(spreads)
            .filter_map(|(point, spread)| {
                let vega = self.out_of_the_money(point.strike)?.greeks.vega;
                let k = log_ratio(forward, point.strike);
                let spread = spread.unwrap_or(widest).max(LEAST_SPREAD * forward);
                let within = k.abs() <= reach;
                within.then_some(Point {
                    k,
                    w: point.iv * point.iv * years,
                    weight: vega / spread,
                })
            })
            .collect()
    }

    /// The spread of each point's contract out of the money; `None` where it is not quoted.
    fn spreads(&self) -> Vec<Option<f64>> {
        let spread = |point: &StrikeIv| {
            let contract = self.out_of_the_money(point.strike)?;
            let (bid, ask) = self.chain.contracts.touch(contract.listed_at)?;
            Some(ask - bid)
        };
        self.points.iter().map(spread).collect()
    }

    /// The contract of a strike that is out of the money, else its other one.
    fn out_of_the_money(&self, strike: f64) -> Option<&PricedContract> {
        let from = self.contracts.partition_point(|c| c.strike < strike);
        let of_strike = self.contracts[from..]
            .iter()
            .take_while(|contract| contract.strike == strike);
        // Calls stand before puts.
        if strike >= self.series.forward {
            of_strike.into_iter().next()
        } else {
            of_strike.last()
        }
    }

    fn take_fit(&mut self, fitted: Result<(SviFit, Svi), &'static str>) {
        match fitted {
            Ok((fitted, svi)) => {
                self.row.svi = Some(fitted);
                self.row.arbitrage.butterfly = self.butterfly(&svi);
            }
            Err(reason) => self.row.svi_reason = Some(reason.to_owned()),
        }
    }

    /// The density over the strikes that have a volatility.
    fn butterfly(&self, svi: &Svi) -> Option<Butterfly> {
        let k = |point: &StrikeIv| log_ratio(self.series.forward, point.strike);
        let (first, last) = (k(self.points.first()?), k(self.points.last()?));
        let step = (last - first) / f64::from(DENSITY_STEPS);
        let grid = (0..=DENSITY_STEPS).map(|at| first + step * f64::from(at));
        let least = svi.density_minimum(grid)?;
        let strike = self.series.forward * libm::exp(least.k);
        Some(Butterfly {
            min_g: least.g,
            k: least.k,
            strike,
            free: svi.butterfly_free(),
        })
    }

    /// Against the last of the earlier slices with a smile that settles sooner.
    fn calendar(&self, earlier: &[Self]) -> Option<Calendar> {
        let own = self.smile.as_ref()?;
        let sooner = |slice: &&Self| slice.series.t_years < self.series.t_years;
        let mut before = earlier.iter().rev().filter(sooner);
        let (slice, smile) = before.find_map(|slice| Some((slice, slice.smile.as_ref()?)))?;
        let mut calendar = Calendar {
            previous_expiry: slice.series.expiry,
            compared: 0,
            violations: 0,
            worst_strike: None,
            worst_fall: None,
        };
        for point in &self.points {
            let same_k = point.strike / self.series.forward * slice.series.forward;
            let (Some(iv), Some(iv_before)) = (own.iv(point.strike), smile.iv(same_k)) else {
                continue;
            };
            let (w, w_before) = (
                iv * iv * self.series.t_years,
                iv_before * iv_before * slice.series.t_years,
            );
            calendar.compared += 1;
            let fall = w_before - w;
            if fall > ROUNDING * w_before {
                calendar.violations += 1;
                if calendar.worst_fall.is_none_or(|worst| fall > worst) {
                    calendar.worst_fall = Some(fall);
                    calendar.worst_strike = Some(point.strike);
                }
            }
        }
        Some(calendar)
    }
}

/// The mean volatility of the strikes, each by its vega.
fn average(points: &[StrikeIv], contracts: &[PricedContract]) -> Option<f64> {
    let (mut sum, mut weights) = (Sum::default(), Sum::default());
    for point in points {
        let from = contracts.partition_point(|c| c.strike < point.strike);
        let vega = contracts.get(from)?.greeks.vega;
        sum.add(vega * point.iv);
        weights.add(vega);
    }
    let average = sum.value() / weights.value();
    average.is_finite().then_some(average)
}

/// At most so many of them, in even steps, the first and the last among them.
fn thinned(points: Vec<Point>, most: usize) -> Vec<Point> {
    let last = points.len().saturating_sub(1);
    if points.len() <= most {
        return points;
    }
    (0..most).map(|at| points[at * last / (most - 1)]).collect()
}
