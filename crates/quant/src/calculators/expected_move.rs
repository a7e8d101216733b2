//! Expected moves: how far options say that the underlying goes until each expiry.
//!
//! Three numbers that are often given one name stand side by side: one standard deviation by the
//! volatility at the forward, the price of the straddle (the mean absolute move), and 85 % of it,
//! which desks quote by habit.

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calculator::{Calculator, Counted, Job, NoValue, Status};
use crate::market::{Chain, ListedStrike, Series, Timestamp};
use crate::math::expected_move::{desk_rule, one_sigma, percent, straddle_to_one_sigma};
use crate::math::oi_buildup::atm_strike;
use crate::pricing::{Basis, PricedChain, PricedSeries};
use crate::snapshot::Options;

/// The document. Moves are in units of the underlying's price; everything is null unless the status
/// is `ok`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Payload {
    /// Price of the underlying.
    pub spot: Option<f64>,
    /// Each expiry and root that can be priced, nearest first.
    pub by_expiry: Option<Vec<ExpiryMove>>,
    /// What the numbers rest on.
    pub basis: Option<Basis>,
}

/// The expected moves to one expiry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExpiryMove {
    /// The date.
    pub expiry: NaiveDate,
    /// Root of its contracts.
    pub root: String,
    /// Days to its settlement.
    pub days: f64,
    /// Volatility at the forward, 1.0 is 100 %; null where no strikes bracket it.
    pub atm_iv: Option<f64>,
    /// One standard deviation S·σ·√T by that volatility.
    pub em_1sd_iv: Option<f64>,
    /// The same in percent of spot.
    pub em_1sd_iv_pct: Option<f64>,
    /// Spot less that move, 0 at least.
    pub lower_1sd: Option<f64>,
    /// Spot plus that move.
    pub upper_1sd: Option<f64>,
    /// The listed strike nearest to spot; of equally near ones the lower.
    pub atm_strike: Option<f64>,
    /// Price of its call and put together, about the mean absolute move: of each the middle of the
    /// quote, else the source's mark, else the last price.
    pub em_straddle: Option<f64>,
    /// The same in percent of spot.
    pub em_straddle_pct: Option<f64>,
    /// The standard deviation a straddle of that price implies: times √(π/2).
    pub em_straddle_to_1sd: Option<f64>,
    /// 85 % of the straddle: the desks' rule of thumb, no statistic.
    pub em_straddle_85pct: Option<f64>,
    /// `no_atm_iv` or `no_straddle` where that is why a move is null, both where both are; else null.
    pub reason: Option<String>,
}

/// The expected moves of one chain.
#[derive(Default)]
pub struct ExpectedMove {
    counted: Counted,
}

impl Calculator for ExpectedMove {
    const NAME: &'static str = "expected_move";
    const CONFIG: Option<&'static str> = None;
    const ABOUT: &'static str = "Expected moves: how far options say that the underlying goes until \
        each expiry.";
    const JOB: Job = Job::ChainStats;
    type Params = ();
    type Input<'a> = Options<'a>;
    type Payload = Payload;
    type State = ();

    fn new((): (), (): ()) -> Result<Self, String> {
        Ok(Self::default())
    }

    fn state(&self) -> &() {
        &()
    }

    fn compute(&mut self, options: Options<'_>, _now: Timestamp) -> Result<Payload, NoValue> {
        let priced = options.priced;
        let mut rows = Vec::with_capacity(priced.series.len());
        for series in &priced.series {
            let listed = options.chain.series_of(place(priced, series));
            rows.push(row(priced, series, options.chain, listed));
        }
        let known = |row: &ExpiryMove| row.em_1sd_iv.or(row.em_straddle).is_some();
        if !rows.iter().any(known) {
            return Err(NoValue::Undefined(
                "no expiry has strikes around the forward, or a straddle",
            ));
        }
        self.counted = Counted {
            used: priced.contracts.len() as u64,
            dropped: priced.dropped.clone(),
        };
        Ok(Payload {
            spot: Some(priced.point.spot),
            by_expiry: Some(rows),
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

/// Where a series' first priced contract stands in the chain.
fn place(priced: &PricedChain, series: &PricedSeries) -> usize {
    priced.contracts[series.contracts.start].listed_at
}

fn row(priced: &PricedChain, series: &PricedSeries, chain: &Chain, listed: &Series) -> ExpiryMove {
    let spot = priced.point.spot;
    let at_the_money = priced.smile(series).and_then(|smile| smile.at_the_money());
    let iv = at_the_money.map(|at_the_money| at_the_money.iv);
    let sigma = iv.and_then(|iv| one_sigma(spot, iv, series.t_years));
    let nearest = atm_strike(chain.strikes(listed).map(|listed| listed.strike), spot);
    let of_strike = chain
        .strikes(listed)
        .find(|listed| Some(listed.strike) == nearest);
    let straddle = of_strike.and_then(|strike| straddle(chain, strike));
    let of_spot = |of: Option<f64>| of.and_then(|of| percent(of, spot));
    let missing = [
        (sigma.is_none(), "no_atm_iv"),
        (straddle.is_none(), "no_straddle"),
    ];
    let missing: Vec<&str> = missing
        .into_iter()
        .filter_map(|(missing, reason)| missing.then_some(reason))
        .collect();
    ExpiryMove {
        expiry: series.expiry,
        root: series.root.to_string(),
        days: series.t_years * 365.0,
        atm_iv: iv,
        em_1sd_iv: sigma,
        em_1sd_iv_pct: of_spot(sigma),
        lower_1sd: sigma.map(|sigma| f64::max(spot - sigma, 0.0)),
        upper_1sd: sigma.map(|sigma| spot + sigma),
        atm_strike: nearest,
        em_straddle: straddle,
        em_straddle_pct: of_spot(straddle),
        em_straddle_to_1sd: straddle.and_then(straddle_to_one_sigma),
        em_straddle_85pct: straddle.and_then(desk_rule),
        reason: (!missing.is_empty()).then(|| missing.join(", ")),
    }
}

fn straddle(chain: &Chain, strike: ListedStrike) -> Option<f64> {
    let worth = |at: Option<usize>| chain.contracts.worth(at?);
    Some(worth(strike.call)? + worth(strike.put)?)
}

#[cfg(test)]
mod tests;
