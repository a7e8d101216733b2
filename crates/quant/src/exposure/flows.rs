//! What the dealer-flow calculators share: settings, the contracts they look at, sums by expiry.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Conventions, Split};
use crate::calculator::Counted;
use crate::history::Extent;
use crate::math::sum::Sum;
use crate::pricing::{PricedChain, PricedContract};

/// Settings of vanna, charm, hedging impact and skew.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DealerFlowParams {
    /// Longest time to expiry of the totals, days.
    pub max_expiry_days: i64,
    /// Minute marks in the histories.
    pub history_window: usize,
    /// Volatility points per +1 % of spot that moves of spot are taken to bring.
    pub vol_beta: f64,
    /// Fewest contracts of open interest of a contract in the totals.
    pub min_open_interest: f64,
    /// Least implied volatility of a contract in the totals, 1.0 is 100 %.
    pub sigma_floor: f64,
    /// Fewest minute marks behind a z-score.
    pub min_samples: usize,
    /// Absolute delta of the wings of the skew.
    pub target_delta: f64,
    /// Days to the expiry whose skew stands for the symbol.
    pub skew_days: f64,
}

impl Default for DealerFlowParams {
    fn default() -> Self {
        Self {
            max_expiry_days: 30,
            history_window: 240,
            vol_beta: -0.30,
            min_open_interest: 5.0,
            sigma_floor: 0.02,
            min_samples: 20,
            target_delta: 0.25,
            skew_days: 30.0,
        }
    }
}

impl DealerFlowParams {
    /// Whether they can be used; an error names each setting that cannot.
    pub fn check(&self) -> Result<(), String> {
        let mut wrong = Vec::new();
        let mut bounded = |name: &str, is: f64, least: f64, most: f64| {
            if !(least..=most).contains(&is) {
                wrong.push(format!("{name}: must be {least} to {most} (is {is})"));
            }
        };
        bounded(
            "max_expiry_days",
            self.max_expiry_days as f64,
            0.0,
            36_500.0,
        );
        bounded("vol_beta", self.vol_beta, -100.0, 100.0);
        bounded("min_open_interest", self.min_open_interest, 0.0, 1e9);
        bounded("sigma_floor", self.sigma_floor, 0.0, 1.0);
        bounded("target_delta", self.target_delta, 0.01, 0.49);
        bounded("skew_days", self.skew_days, 1.0, 3_650.0);
        wrong.extend(
            self.marks()
                .check(10_000, "history_window", "min_samples")
                .err(),
        );
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(wrong.join("\n")),
        }
    }

    /// How much history.
    pub fn marks(&self) -> Extent {
        Extent {
            window: self.history_window,
            minimum: self.min_samples,
        }
    }
}

/// The contracts of the totals: enough open interest, near enough, volatility above the floor.
#[derive(Clone, Debug)]
pub struct Selection<'a> {
    priced: &'a PricedChain,
    contracts: Vec<&'a PricedContract>,
    /// How many, and what was left out by reason.
    pub counted: Counted,
}

/// The sum of one expiry date.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExpirySum {
    /// The date.
    pub expiry: NaiveDate,
    /// Units of the underlying.
    pub shares: f64,
    /// Contracts open.
    pub open_interest: f64,
}

impl<'a> Selection<'a> {
    /// The contracts of a chain that the settings select.
    pub fn of(priced: &'a PricedChain, params: &DealerFlowParams) -> Self {
        let mut dropped = priced.dropped.clone();
        let mut contracts = Vec::new();
        for contract in &priced.contracts {
            let reason = match contract.open_interest {
                None => "no_open_interest",
                Some(held) if held < params.min_open_interest => "little_open_interest",
                Some(_) if priced.series[contract.series].dte > params.max_expiry_days => {
                    "beyond_max_expiry"
                }
                Some(_) if contract.iv < params.sigma_floor => "below_sigma_floor",
                Some(_) => {
                    contracts.push(contract);
                    continue;
                }
            };
            *dropped.entry(reason).or_default() += 1;
        }
        let used = contracts.len() as u64;
        Self {
            priced,
            contracts,
            counted: Counted { used, dropped },
        }
    }

    /// Whether nothing is selected.
    pub fn is_empty(&self) -> bool {
        self.contracts.is_empty()
    }

    /// The sum over calls and puts as they are, of `each` times what is open, in units of the
    /// underlying.
    pub fn shares(&self, each: impl Fn(&PricedContract) -> f64) -> f64 {
        let amounts = self
            .contracts
            .iter()
            .map(|contract| each(contract) * units(contract));
        amounts.collect::<Sum>().value()
    }

    /// The sum of `each` times what is open, under each convention.
    pub fn signed(&self, each: impl Fn(&PricedContract) -> f64) -> Conventions {
        let contracts = self.contracts.iter();
        let split: Split = contracts.map(|c| (c.right, each(c) * units(c))).collect();
        split.conventions()
    }

    /// The same by expiry date, rising.
    pub fn by_expiry(&self, each: impl Fn(&PricedContract) -> f64) -> Vec<ExpirySum> {
        let expiry = |contract: &PricedContract| self.priced.series[contract.series].expiry;
        let same = |a: &&PricedContract, b: &&PricedContract| expiry(a) == expiry(b);
        let sum = |contracts: &[&PricedContract]| {
            let amounts = contracts
                .iter()
                .map(|contract| each(contract) * units(contract));
            let held = contracts
                .iter()
                .filter_map(|contract| contract.open_interest);
            ExpirySum {
                expiry: expiry(contracts[0]),
                shares: amounts.collect::<Sum>().value(),
                open_interest: held.collect::<Sum>().value(),
            }
        };
        self.contracts.chunk_by(same).map(sum).collect()
    }
}

/// The whole book under each convention: `each` times what is open, over every priced contract.
pub fn book(priced: &PricedChain, each: impl Fn(&PricedContract) -> f64) -> Conventions {
    let amounts = priced.contracts.iter();
    let split: Split = amounts.map(|c| (c.right, each(c) * units(c))).collect();
    split.conventions()
}

/// Units of the underlying that the open contracts stand for.
fn units(contract: &PricedContract) -> f64 {
    contract.open_interest.unwrap_or(0.0) * contract.multiplier
}

/// A date as deployed readers of these documents know it: `20261120`.
pub fn compact_date(date: NaiveDate) -> String {
    date.format("%Y%m%d").to_string()
}
