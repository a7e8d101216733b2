//! A chain at one spot and instant: greeks of every contract that can be priced, and what cannot
//! be, counted.

use std::collections::BTreeMap;
use std::ops::Range;

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::implied::{Implied, ImpliedSeries};
use crate::market::{Chain, Right, Series, Style, Timestamp, t_years};
use crate::math::black_scholes::{Degenerate, Greeks, Terms, greeks};
use crate::math::sum::Sum;

/// Whose spot and instant a chain is priced at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PricedAt {
    /// The ticker's spot, now.
    Ticker,
    /// The spot in the chain, at the chain's time.
    Chain,
}

/// A spot and an instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Price of the underlying.
    pub spot: f64,
    /// Instant.
    pub at: Timestamp,
    /// Whose they are.
    pub of: PricedAt,
}

/// One series, priced.
#[derive(Clone, Debug, PartialEq)]
pub struct PricedSeries {
    /// Root of the contract symbol.
    pub root: Box<str>,
    /// The date it expires.
    pub expiry: NaiveDate,
    /// When it may be exercised.
    pub style: Style,
    /// Whether it is a standard monthly one.
    pub monthly: bool,
    /// Years to settlement, above 0.
    pub t_years: f64,
    /// Days from the date of the instant to the expiry, in the exchange's zone: 0 expires today.
    pub dte: i64,
    /// Continuous rate to the settlement.
    pub rate: f64,
    /// Continuous yield.
    pub dividend_yield: f64,
    /// Forward at the spot.
    pub forward: f64,
    /// Where its contracts stand among those priced.
    pub contracts: Range<usize>,
}

/// One contract, priced.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PricedContract {
    /// Its series.
    pub series: usize,
    /// Its place in the chain.
    pub listed_at: usize,
    /// Call or put.
    pub right: Right,
    /// Strike.
    pub strike: f64,
    /// Units of the underlying it stands for.
    pub multiplier: f64,
    /// Open interest in contracts; `None` where the source does not say.
    pub open_interest: Option<f64>,
    /// Contracts traded today.
    pub volume: Option<f64>,
    /// Implied volatility, 1.0 is 100 %.
    pub iv: f64,
    /// Price and greeks, ours.
    pub greeks: Greeks,
}

/// A chain, priced.
#[derive(Clone, Debug, PartialEq)]
pub struct PricedChain {
    /// Where.
    pub point: Point,
    /// Series with a contract that can be priced, by expiry and root.
    pub series: Vec<PricedSeries>,
    /// Contracts by series, strike, call before put.
    pub contracts: Vec<PricedContract>,
    /// Contracts that cannot be priced, by reason; those the chain left out among them.
    pub dropped: BTreeMap<&'static str, u64>,
    /// Contracts listed.
    pub listed: u64,
    /// Share of the gamma that the source states, weighted by open interest and size, which stands
    /// on contracts that cannot be priced; `None` where it states none.
    pub gamma_share_dropped: Option<f64>,
    /// Contracts priced, by where their volatility comes from.
    pub iv_sources: BTreeMap<&'static str, u64>,
}

impl PricedChain {
    /// Prices a chain.
    pub fn of(chain: &Chain, implied: &Implied, point: Point) -> Self {
        let mut priced = Self {
            point,
            series: Vec::with_capacity(chain.series.len()),
            contracts: Vec::with_capacity(chain.contracts.len()),
            dropped: chain.dropped.clone(),
            listed: chain.listed,
            gamma_share_dropped: None,
            iv_sources: BTreeMap::new(),
        };
        let today = point.at.utc().with_timezone(&chain.zone).date_naive();
        let mut stated = Stated::default();
        for (series, terms) in chain.series.iter().zip(&implied.series) {
            priced.price_series(chain, implied, (series, terms), today, &mut stated);
        }
        let (kept, left) = (stated.kept.value(), stated.left.value());
        priced.gamma_share_dropped = (kept + left > 0.0).then(|| left / (kept + left));
        priced
    }

    fn price_series(
        &mut self,
        chain: &Chain,
        implied: &Implied,
        (series, terms): (&Series, &ImpliedSeries),
        today: NaiveDate,
        stated: &mut Stated,
    ) {
        let listed = &chain.contracts;
        let start = self.contracts.len();
        let t = t_years(series.settles_at, self.point.at);
        let place = self.series.len();
        for at in series.contracts.clone() {
            let contract = self.price(chain, implied, at, (terms, t), place);
            let weight = listed.open_interest.get(at).unwrap_or(0.0) * listed.multiplier[at];
            let gamma = listed.gamma.get(at).unwrap_or(0.0) * weight;
            match contract {
                Ok(contract) => {
                    stated.kept.add(gamma);
                    self.contracts.push(contract);
                }
                Err(reason) => {
                    stated.left.add(gamma);
                    *self.dropped.entry(reason).or_default() += 1;
                }
            }
        }
        if self.contracts.len() == start {
            return;
        }
        self.series.push(PricedSeries {
            root: series.root.clone(),
            expiry: series.expiry,
            style: series.style,
            monthly: series.monthly,
            t_years: t,
            dte: (series.expiry - today).num_days(),
            rate: terms.rate,
            dividend_yield: terms.dividend_yield,
            forward: self.point.spot * libm::exp((terms.rate - terms.dividend_yield) * t),
            contracts: start..self.contracts.len(),
        });
    }

    fn price(
        &mut self,
        chain: &Chain,
        implied: &Implied,
        at: usize,
        (terms, t): (&ImpliedSeries, f64),
        series: usize,
    ) -> Result<PricedContract, &'static str> {
        if t <= 0.0 {
            return Err("expired");
        }
        let (iv, source) = implied.iv[at].map_err(|why| why.as_str())?;
        let listed = &chain.contracts;
        let option = Terms {
            spot: self.point.spot,
            strike: listed.strike[at],
            t_years: t,
            rate: terms.rate,
            dividend_yield: terms.dividend_yield,
            sigma: iv,
        };
        let greeks = greeks(listed.right[at], &option).map_err(|why| match why {
            Degenerate::Expired(_) => "expired",
            Degenerate::ZeroVol(_) | Degenerate::MissingIv => "no_iv",
            Degenerate::Invalid => "beyond_numbers",
        })?;
        *self.iv_sources.entry(source.as_str()).or_default() += 1;
        Ok(PricedContract {
            series,
            listed_at: at,
            right: listed.right[at],
            strike: listed.strike[at],
            multiplier: listed.multiplier[at],
            open_interest: listed.open_interest.get(at),
            volume: listed.volume.get(at),
            iv,
            greeks,
        })
    }

    /// Volatility at the money of the expiry nearest to a term in years: that of the contract whose
    /// strike is nearest to the forward.
    pub fn atm_iv(&self, t_years: f64) -> Option<f64> {
        let away = |series: &&PricedSeries| (series.t_years - t_years).abs();
        let series = self
            .series
            .iter()
            .min_by(|a, b| away(a).total_cmp(&away(b)))?;
        let contracts = self.contracts[series.contracts.clone()].iter();
        let away = |contract: &&PricedContract| (contract.strike - series.forward).abs();
        Some(contracts.min_by(|a, b| away(a).total_cmp(&away(b)))?.iv)
    }

    /// The terms of a contract.
    pub fn terms(&self, contract: &PricedContract) -> Terms {
        let series = &self.series[contract.series];
        Terms {
            spot: self.point.spot,
            strike: contract.strike,
            t_years: series.t_years,
            rate: series.rate,
            dividend_yield: series.dividend_yield,
            sigma: contract.iv,
        }
    }
}

/// Gamma that the source states, weighted by open interest and size.
#[derive(Default)]
struct Stated {
    kept: Sum,
    left: Sum,
}
