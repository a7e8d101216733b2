//! What the numbers of a chain document rest on, for its readers.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ForwardSource, Implied, PricedAt, PricedChain};
use crate::market::Style;

/// What the numbers of a chain document rest on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Basis {
    /// Whose spot and instant it is priced at: the ticker's and now, or the chain's own.
    pub priced_at: PricedAt,
    /// That instant, milliseconds since the epoch.
    pub priced_at_ms: i64,
    /// Spot stated in the chain; null where it states none.
    pub chain_spot: Option<f64>,
    /// Who made the chain; null where it does not say.
    pub source: Option<String>,
    /// Delay of its quotes that the chain declares, milliseconds.
    pub delay_ms: i64,
    /// Model of the greeks: `black_scholes_merton` with a continuous yield.
    pub model: String,
    /// Clock of the time to settlement: `act365`, elapsed seconds over 365 days.
    pub clock: String,
    /// Contracts priced, by where their volatility comes from: `vendor`, `quote`, `other_side` (the
    /// same strike's contract that is out of the money), `de_americanised`.
    pub iv_sources: BTreeMap<String, u64>,
    /// Contracts priced, by when they may be exercised.
    pub styles: BTreeMap<String, u64>,
    /// Series whose forward follows from put-call parity; that of the others from rate and yield.
    pub parity_forwards: u64,
    /// What was odd about the source's volatilities, and how often.
    pub noted: BTreeMap<String, u64>,
}

impl Basis {
    /// Of a priced chain.
    pub fn of(chain: &crate::market::Chain, implied: &Implied, priced: &PricedChain) -> Self {
        let text = |counts: &BTreeMap<&'static str, u64>| {
            counts
                .iter()
                .map(|(name, n)| ((*name).to_owned(), *n))
                .collect()
        };
        let mut styles = BTreeMap::new();
        for series in &priced.series {
            let name = match series.style {
                Style::American => "american",
                Style::European => "european",
            };
            *styles.entry(name.to_owned()).or_default() += series.contracts.len() as u64;
        }
        let by_parity = |s: &&super::ImpliedSeries| s.forward_source == ForwardSource::Parity;
        Self {
            priced_at: priced.point.of,
            priced_at_ms: priced.point.at.millis(),
            chain_spot: chain.head.spot,
            source: chain.head.source.clone(),
            delay_ms: chain.head.delay.millis(),
            model: "black_scholes_merton".to_owned(),
            clock: "act365".to_owned(),
            iv_sources: text(&priced.iv_sources),
            styles,
            parity_forwards: implied.series.iter().filter(by_parity).count() as u64,
            noted: text(&implied.noted),
        }
    }
}
