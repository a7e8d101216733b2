//! What the expiries of a chain are called in keys.
//!
//! Two series of one date may settle hours apart on different prints, as SPX and SPXW do, and are
//! never merged. The date alone names one of them: the one that settles on closing prints, of several
//! such that of the underlying's own root, else the one with most contracts. Another that settles on
//! opening prints is `2026-12-18:AM`, and what is left bears its root, `2026-12-18:AAPL1`.

use chrono::NaiveDate;
use quant::market::{Chain, Series, Settlement, Timestamp};

/// A series that has not settled, with its name in keys.
pub(super) struct Expiry<'a> {
    pub(super) name: String,
    pub(super) series: &'a Series,
}

/// The series that have not settled, nearest first; of one date the one that it names.
pub(super) fn expiries<'a>(chain: &'a Chain, product: &str, now: Timestamp) -> Vec<Expiry<'a>> {
    let mut series: Vec<&Series> = chain.unsettled(now).collect();
    series.sort_by_key(|series| {
        let is_other = &*series.root != product;
        let contracts = std::cmp::Reverse(series.contracts.len());
        let is_am = series.settlement == Settlement::Am;
        (series.expiry, is_am, is_other, contracts, &series.root)
    });
    let mut before: Option<NaiveDate> = None;
    let mut has_am = false;
    let name = |series: &Series| {
        let date = series.expiry;
        let is_first = before.replace(date) != Some(date);
        has_am &= !is_first;
        let is_am = series.settlement == Settlement::Am;
        let name = match (is_first, is_am && !has_am) {
            (true, _) => date.to_string(),
            (false, true) => format!("{date}:AM"),
            (false, false) => format!("{date}:{}", series.root),
        };
        has_am |= is_am;
        name
    };
    let names: Vec<String> = series.iter().copied().map(name).collect();
    let named = names.into_iter().zip(series);
    named
        .map(|(name, series)| Expiry { name, series })
        .collect()
}
