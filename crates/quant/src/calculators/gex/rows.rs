//! Contracts that have gamma and open interest, and their sums.

use chrono::NaiveDate;

use super::payload::ExpiryExposure;
use crate::calculator::Counted;
use crate::exposure::{SignConvention, Split, StrikeExposure};
use crate::market::{Right, t_years};
use crate::pricing::PricedChain;
use crate::snapshot::Options;

/// One contract.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) expiry: NaiveDate,
    pub(super) dte: i64,
    pub(super) monthly: bool,
    pub(super) right: Right,
    pub(super) strike: f64,
    pub(super) multiplier: f64,
    pub(super) open_interest: f64,
    /// 0 where the source does not say.
    pub(super) volume: f64,
    pub(super) gamma: f64,
}

impl Row {
    /// Γ·OI·M·S²·0.01.
    pub(super) fn gex(&self, spot: f64) -> f64 {
        self.gex_of(self.open_interest, spot)
    }

    /// The same for so many contracts.
    pub(super) fn gex_of(&self, contracts: f64, spot: f64) -> f64 {
        self.gamma * contracts * self.multiplier * spot * spot * 0.01
    }
}

/// Contracts with our gamma.
pub(super) fn ours(priced: &PricedChain) -> (Vec<Row>, Counted) {
    let mut dropped = priced.dropped.clone();
    let mut rows = Vec::with_capacity(priced.contracts.len());
    for contract in &priced.contracts {
        let series = &priced.series[contract.series];
        let Some(open_interest) = contract.open_interest else {
            *dropped.entry("no_open_interest").or_default() += 1;
            continue;
        };
        rows.push(Row {
            expiry: series.expiry,
            dte: series.dte,
            monthly: series.monthly,
            right: contract.right,
            strike: contract.strike,
            multiplier: contract.multiplier,
            open_interest,
            volume: contract.volume.unwrap_or(0.0),
            gamma: contract.greeks.gamma,
        });
    }
    let used = rows.len() as u64;
    (rows, Counted { used, dropped })
}

/// Contracts with the gamma that the source states, priced or not.
pub(super) fn stated(options: &Options<'_>) -> (Vec<Row>, Counted) {
    let chain = options.chain;
    let at = options.priced.point.at;
    let today = at.utc().with_timezone(&chain.zone).date_naive();
    let listed = &chain.contracts;
    let mut dropped = chain.dropped.clone();
    let mut rows = Vec::with_capacity(listed.len());
    for series in &chain.series {
        for place in series.contracts.clone() {
            let reason = match (listed.gamma.get(place), listed.open_interest.get(place)) {
                _ if t_years(series.settles_at, at) <= 0.0 => "expired",
                (None, _) => "no_gamma",
                (_, None) => "no_open_interest",
                (Some(gamma), Some(open_interest)) => {
                    rows.push(Row {
                        expiry: series.expiry,
                        dte: (series.expiry - today).num_days(),
                        monthly: series.monthly,
                        right: listed.right[place],
                        strike: listed.strike[place],
                        multiplier: listed.multiplier[place],
                        open_interest,
                        volume: listed.volume.get(place).unwrap_or(0.0),
                        gamma,
                    });
                    continue;
                }
            };
            *dropped.entry(reason).or_default() += 1;
        }
    }
    let used = rows.len() as u64;
    (rows, Counted { used, dropped })
}

/// The sums of one strike, $ per +1 %.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct StrikeTotals {
    pub(super) strike: f64,
    pub(super) split: Split,
    pub(super) open_interest: f64,
}

impl StrikeTotals {
    /// Under a convention.
    pub(super) fn under(&self, sign: SignConvention) -> StrikeExposure {
        let call = sign.factor(Right::Call) * self.split.call();
        let put = sign.factor(Right::Put) * self.split.put();
        StrikeExposure {
            strike: self.strike,
            call,
            put,
            net: call + put,
        }
    }
}

/// By strike, rising. Rows of a strike are added in their order.
pub(super) fn by_strike(rows: &[Row], spot: f64) -> Vec<StrikeTotals> {
    let mut order: Vec<u32> = (0..rows.len() as u32).collect();
    let strike = |row: &u32| rows[*row as usize].strike;
    order.sort_by(|a, b| strike(a).total_cmp(&strike(b)));
    let mut totals: Vec<StrikeTotals> = Vec::new();
    for row in order.iter().map(|row| &rows[*row as usize]) {
        if totals.last().is_none_or(|last| last.strike != row.strike) {
            totals.push(StrikeTotals {
                strike: row.strike,
                split: Split::default(),
                open_interest: 0.0,
            });
        }
        if let Some(last) = totals.last_mut() {
            last.split.add(row.right, row.gex(spot));
            last.open_interest += row.open_interest;
        }
    }
    totals
}

/// By expiry date, rising: rows stand in that order.
pub(super) fn by_expiry(rows: &[Row], spot: f64, sign: SignConvention) -> Vec<ExpiryExposure> {
    let same = |a: &Row, b: &Row| a.expiry == b.expiry;
    let sum = |rows: &[Row]| {
        let split: Split = rows.iter().map(|row| (row.right, row.gex(spot))).collect();
        ExpiryExposure {
            expiry: rows[0].expiry,
            dte: rows[0].dte,
            net: split.under(sign),
            gross: split.conventions().unsigned,
        }
    };
    rows.chunk_by(same).map(sum).collect()
}
