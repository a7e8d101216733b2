//! The ids of series and contracts that a connection knows: those of transactions that were committed on it.

use std::collections::{BTreeSet, HashMap};

use quant::market::Symbol;

use super::batch::{ContractKey, Listed, Numbered, SeriesKey, expiry_of};
use crate::history::row::{Contract, Metric, Quote};

/// More contracts than are listed on any day: beyond it memory is begun anew.
const MOST: usize = 1_000_000;

/// The ids. They live and die with their connection, so that a database that was replaced is asked again, and
/// what was rolled back is not believed.
#[derive(Default)]
pub(super) struct Ids {
    series: HashMap<String, i32>,
    contracts: HashMap<Symbol, HashMap<String, HashMap<Listed, i32>>>,
    contracts_known: usize,
}

impl Ids {
    /// Forgets when it has become too much; before a batch.
    pub(super) fn trim(&mut self) {
        if self.series.len().max(self.contracts_known) > MOST {
            *self = Self::default();
        }
    }

    /// Forgets contracts that expired before a day: their rows are gone or going.
    pub(super) fn forget_expired(&mut self, before: i32) {
        let mut known = 0;
        for of_symbol in self.contracts.values_mut() {
            of_symbol.retain(|series, _| expiry_of(series) >= before);
            known += of_symbol.values().map(HashMap::len).sum::<usize>();
        }
        self.contracts_known = known;
    }

    /// The series of these metrics whose ids are not known.
    pub(super) fn unknown_series(&self, metrics: &[&Metric]) -> Vec<SeriesKey> {
        let mut unknown = BTreeSet::new();
        let mut text = String::new();
        for metric in metrics {
            write_key(&mut text, &metric.symbol, &metric.name, &metric.field);
            if !self.series.contains_key(text.as_str()) {
                let key = [&metric.symbol, &metric.name, &metric.field];
                unknown.insert(key.map(String::clone).into());
            }
        }
        unknown.into_iter().collect()
    }

    /// The contracts of these quotes whose ids are not known.
    pub(super) fn unknown_contracts(&self, quotes: &[&Quote]) -> Vec<ContractKey> {
        let contracts = quotes.iter().map(|quote| &quote.contract);
        let unknown = contracts.filter(|contract| self.contract(contract).is_none());
        let keys = unknown.map(|contract| ContractKey {
            symbol: contract.symbol.clone(),
            series: contract.series.clone(),
            listed: Listed::of(contract),
        });
        keys.collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn contract(&self, contract: &Contract) -> Option<i32> {
        let series = self.contracts.get(&contract.symbol)?;
        let listed = series.get(contract.series.as_str())?;
        listed.get(&Listed::of(contract)).copied()
    }

    /// Remembers a series.
    pub(super) fn learn_series(&mut self, (symbol, name, field): &SeriesKey, id: i32) {
        let mut text = String::new();
        write_key(&mut text, symbol, name, field);
        self.series.insert(text, id);
    }

    /// Remembers a contract.
    pub(super) fn learn_contract(&mut self, key: ContractKey, id: i32) {
        let series = self.contracts.entry(key.symbol).or_default();
        series.entry(key.series).or_default().insert(key.listed, id);
        self.contracts_known += 1;
    }

    /// Metrics under their ids in the order of the key; of two of one time the first said is first.
    pub(super) fn number_metrics(&self, metrics: &[&Metric]) -> Option<Vec<Numbered>> {
        let mut text = String::new();
        let numbered = metrics.iter().map(|metric| {
            write_key(&mut text, &metric.symbol, &metric.name, &metric.field);
            Some(Numbered {
                series: *self.series.get(text.as_str())?,
                at: metric.at,
                session: metric.session,
                value: metric.value,
            })
        });
        let mut numbered: Vec<Numbered> = numbered.collect::<Option<_>>()?;
        numbered.sort_by_key(|metric| (metric.block(), metric.series, metric.at));
        Some(numbered)
    }

    /// Quotes under the ids of their contracts in the order of the key; of two of one time the first said is first.
    pub(super) fn number_quotes<'a>(&self, quotes: &[&'a Quote]) -> Option<Vec<(i32, &'a Quote)>> {
        let numbered = quotes.iter().map(|quote| {
            let id = self.contract(&quote.contract)?;
            Some((id, *quote))
        });
        let mut numbered: Vec<_> = numbered.collect::<Option<_>>()?;
        numbered.sort_by_key(|(id, quote)| (quote.at, *id));
        Some(numbered)
    }
}

/// The three texts as one; NUL stands in none of them.
fn write_key(text: &mut String, symbol: &str, name: &str, field: &str) {
    text.clear();
    for part in [symbol, "\0", name, "\0", field] {
        text.push_str(part);
    }
}
