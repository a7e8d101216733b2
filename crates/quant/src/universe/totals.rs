//! What many symbols come to together: sums of amounts of one currency, means of ratios, and the
//! symbols that are not in them.
//!
//! Only what has a value enters; nothing is counted as zero. Amounts of other currencies stand
//! apart. Sums are compensated and in the order of the symbols' names, so they have the same bits
//! however the summaries came.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Member, RestsOn, Standing};
use crate::calculator::Counted;
use crate::calculators::summary;
use crate::math::sum::Sum;

/// Sums of amounts, each over the symbols that have it; null where none does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Amounts {
    /// Shares traded today.
    pub total_volume: Option<f64>,
    /// Gamma exposure, unsigned, money per 100 %.
    pub total_gex: Option<f64>,
    /// Delta exposure, money.
    pub total_dex: Option<f64>,
    /// Of calls.
    pub call_dex: Option<f64>,
    /// Of puts.
    pub put_dex: Option<f64>,
    /// Vanna, money of delta per point of volatility.
    pub total_vanna_notional: Option<f64>,
    /// Charm, money of delta per calendar day.
    pub total_charm_notional: Option<f64>,
    /// Hedging of a move of 1 %, money.
    pub total_hedging_notional: Option<f64>,
    /// The same in shares.
    pub hedging_shares_per_pct: Option<f64>,
    /// Gamma exposure with the dealers' sign, money per 1 %.
    pub signed_gex_usd_per_1pct: Option<f64>,
    /// The same without regard to sign: the sum of each symbol's size.
    pub gross_gex_usd_per_1pct: Option<f64>,
    /// Delta exposure with the dealers' sign, money.
    pub signed_dex_usd: Option<f64>,
    /// Vanna with the dealers' sign, money of delta per point of volatility.
    pub signed_vanna_usd_per_volpt: Option<f64>,
    /// Charm with the dealers' sign, money of delta per calendar day.
    pub signed_charm_usd_per_day: Option<f64>,
}

/// Means of ratios over the symbols that have them; null where none does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ratios {
    /// Mean VPIN, four decimals.
    pub avg_vpin: Option<f64>,
    /// Mean VPIN weighted by the shares traded today.
    pub avg_vpin_volume_weighted: Option<f64>,
    /// Largest VPIN.
    pub max_vpin: Option<f64>,
    /// Smallest VPIN.
    pub min_vpin: Option<f64>,
    /// Whose VPIN is the largest; of equal ones the first by name.
    pub max_vpin_symbol: Option<String>,
    /// Mean implied volatility of the put less that of the call.
    pub avg_skew: Option<f64>,
    /// Mean share of trades that follow the price.
    pub avg_momentum_prob: Option<f64>,
    /// Mean share of trades that look like hedges.
    pub avg_hedging_prob: Option<f64>,
}

/// What a group of symbols comes to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Totals {
    /// Sums of the symbols in the chosen currency.
    pub amounts: Amounts,
    /// Sums of the others, by currency.
    pub other_currencies: BTreeMap<String, Amounts>,
    /// Means over all of them.
    pub ratios: Ratios,
    /// How many symbols entered each field.
    pub counts: BTreeMap<String, usize>,
    /// Symbols whose VPIN is at or above the limit.
    pub toxic: Vec<String>,
    /// Every symbol, by name.
    pub symbols: Vec<String>,
    /// Symbols with a summary that speaks for now.
    pub with_data: usize,
    /// Symbols whose summary is over.
    pub stale: Vec<String>,
    /// Symbols without one.
    pub missing: Vec<String>,
    /// Symbols with something else in its place.
    pub malformed: Vec<String>,
    /// The times of what was used.
    pub rests_on: RestsOn,
}

/// A field of a summary.
type Field = fn(&summary::Payload) -> Option<f64>;

/// The fields that are added up, in the order of [`Amounts::fields`].
const SUMMED: [(&str, Field); 14] = [
    ("total_volume", |s| s.volume),
    ("total_gex", |s| s.total_gex),
    ("total_dex", |s| s.total_dex),
    ("call_dex", |s| s.call_dex),
    ("put_dex", |s| s.put_dex),
    ("total_vanna_notional", |s| s.vanna),
    ("total_charm_notional", |s| s.charm),
    ("total_hedging_notional", |s| s.hedging),
    ("hedging_shares_per_pct", |s| s.hedging_shares),
    ("signed_gex_usd_per_1pct", |s| s.signed_gex),
    ("gross_gex_usd_per_1pct", |s| s.signed_gex.map(f64::abs)),
    ("signed_dex_usd", |s| s.signed_dex),
    ("signed_vanna_usd_per_volpt", |s| s.signed_vanna),
    ("signed_charm_usd_per_day", |s| s.signed_charm),
];

impl Amounts {
    /// The sums over some summaries.
    pub fn of<'a>(summaries: impl Iterator<Item = &'a summary::Payload> + Clone) -> Self {
        let mut amounts = Self::default();
        for (into, (_, field)) in amounts.fields().into_iter().zip(SUMMED) {
            *into = sum(summaries.clone().filter_map(field)).map(|(sum, _)| sum);
        }
        amounts
    }

    fn fields(&mut self) -> [&mut Option<f64>; SUMMED.len()] {
        [
            &mut self.total_volume,
            &mut self.total_gex,
            &mut self.total_dex,
            &mut self.call_dex,
            &mut self.put_dex,
            &mut self.total_vanna_notional,
            &mut self.total_charm_notional,
            &mut self.total_hedging_notional,
            &mut self.hedging_shares_per_pct,
            &mut self.signed_gex_usd_per_1pct,
            &mut self.gross_gex_usd_per_1pct,
            &mut self.signed_dex_usd,
            &mut self.signed_vanna_usd_per_volpt,
            &mut self.signed_charm_usd_per_day,
        ]
    }
}

impl Totals {
    /// What `members`, which stand by name, come to in `currency`. A VPIN of `toxic` or more is
    /// toxic.
    pub fn of<'a>(
        members: impl Iterator<Item = &'a Member> + Clone,
        currency: &str,
        toxic: f64,
    ) -> Self {
        let mut totals = Self::default();
        let mut used: Vec<(&Member, &summary::Payload)> = Vec::new();
        for member in members {
            let name = || member.symbol.to_string();
            totals.symbols.push(name());
            match &member.standing {
                Standing::Missing => totals.missing.push(name()),
                Standing::Malformed => totals.malformed.push(name()),
                Standing::Stale => totals.stale.push(name()),
                Standing::Present {
                    summary,
                    as_of,
                    valid_until,
                    delayed,
                } => {
                    totals.rests_on.add(*as_of, Some(*valid_until));
                    totals.rests_on.delayed |= *delayed;
                    used.push((member, summary));
                }
            }
        }
        totals.with_data = used.len();
        let mut by_currency: BTreeMap<&str, Vec<&summary::Payload>> = BTreeMap::new();
        for (member, summary) in &used {
            by_currency
                .entry(&member.currency)
                .or_default()
                .push(summary);
        }
        let own = by_currency.remove(currency).unwrap_or_default();
        totals.amounts = Amounts::of(own.iter().copied());
        for (name, field) in SUMMED {
            let count = own
                .iter()
                .filter(|summary| field(summary).is_some())
                .count();
            totals.counts.insert(name.to_owned(), count);
        }
        totals.other_currencies = by_currency
            .into_iter()
            .map(|(name, summaries)| (name.to_owned(), Amounts::of(summaries.into_iter())))
            .collect();
        totals.take_ratios(&used, toxic);
        totals
    }

    fn take_ratios(&mut self, used: &[(&Member, &summary::Payload)], toxic: f64) {
        let mut mean = |name: &str, field: Field| {
            let mean = sum(used.iter().filter_map(|(_, summary)| field(summary)));
            let count = mean.map_or(0, |(_, count)| count);
            self.counts.insert(name.to_owned(), count);
            mean.map(|(sum, count)| sum / count as f64)
        };
        self.ratios = Ratios {
            avg_vpin: mean("avg_vpin", |s| s.vpin).map(four_decimals),
            avg_skew: mean("avg_skew", |s| s.skew),
            avg_momentum_prob: mean("avg_momentum_prob", |s| s.momentum),
            avg_hedging_prob: mean("avg_hedging_prob", |s| s.hedges),
            ..Ratios::default()
        };
        let vpins = || {
            let vpin = |(member, summary): &(&Member, &summary::Payload)| {
                Some((summary.vpin?, member.symbol.to_string(), summary.volume))
            };
            used.iter().filter_map(vpin)
        };
        for (vpin, symbol, _) in vpins() {
            if vpin >= toxic {
                self.toxic.push(symbol.clone());
            }
            let ratios = &mut self.ratios;
            ratios.min_vpin = Some(ratios.min_vpin.map_or(vpin, |least| least.min(vpin)));
            if ratios.max_vpin.is_none_or(|most| vpin > most) {
                ratios.max_vpin = Some(vpin);
                ratios.max_vpin_symbol = Some(symbol);
            }
        }
        let weighted = vpins().filter_map(|(vpin, _, volume)| Some(vpin * volume?));
        let weights = vpins().filter_map(|(_, _, volume)| volume);
        let pair = sum(weighted).zip(sum(weights).filter(|(weight, _)| *weight > 0.0));
        self.ratios.avg_vpin_volume_weighted = pair.map(|((sum, _), (weight, _))| sum / weight);
    }

    /// How many symbols entered, and why others did not.
    pub fn counted(&self) -> Counted {
        let dropped = [
            ("missing", self.missing.len()),
            ("stale", self.stale.len()),
            ("malformed", self.malformed.len()),
        ];
        let dropped = dropped.into_iter().filter(|(_, count)| *count > 0);
        Counted {
            used: self.with_data as u64,
            dropped: dropped.map(|(why, count)| (why, count as u64)).collect(),
        }
    }
}

/// The sum of some values and how many they are; `None` of nothing, and of what is too large to
/// be a number.
pub fn sum(values: impl Iterator<Item = f64>) -> Option<(f64, usize)> {
    let (mut total, mut count) = (Sum::default(), 0);
    for value in values {
        total.add(value);
        count += 1;
    }
    let total = total.value();
    (count > 0 && total.is_finite()).then_some((total, count))
}

fn four_decimals(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

#[cfg(test)]
mod tests;
