//! Sector: the exposures and flow of the symbols of one sector together.
//!
//! Amounts are those of the symbols in the portfolio's currency; the others stand under their own.
//! Ratios are means over every symbol that has one.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calculator::{Job, Scope, Status};
use crate::market::Timestamp;
use crate::universe::totals::{Amounts, Totals};
use crate::universe::{Member, Part, Told, Universe, UniverseCalculator};

/// Settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The currency amounts are added up in.
    pub currency: String,
    /// A VPIN of this much or more is toxic.
    pub toxic_vpin: f64,
}

/// The document.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Payload {
    /// The sector's name.
    pub sector: Option<String>,
    /// Its symbols.
    pub symbols: Option<Vec<String>>,
    /// How many they are.
    pub symbol_count: Option<usize>,
    /// How many of them have a summary that speaks for now.
    pub symbols_with_data: Option<usize>,
    /// Sums of amounts.
    #[serde(flatten)]
    pub amounts: Amounts,
    /// The same as `total_dex`, as readers know it.
    pub net_flow: Option<f64>,
    /// Symbols whose VPIN is toxic.
    pub toxic_symbols: Option<Vec<String>>,
    /// Mean VPIN, four decimals.
    pub avg_vpin: Option<f64>,
    /// Mean implied volatility of the put less that of the call.
    pub avg_skew: Option<f64>,
    /// Mean share of trades that follow the price.
    pub avg_momentum_prob: Option<f64>,
    /// Mean share of trades that look like hedges.
    pub avg_hedging_prob: Option<f64>,
    /// How many symbols entered each sum and mean.
    pub counts: Option<BTreeMap<String, usize>>,
    /// Symbols whose summary is over.
    pub stale_symbols: Option<Vec<String>>,
    /// Symbols without a summary.
    pub missing_symbols: Option<Vec<String>>,
    /// Symbols with something else in its place.
    pub malformed_symbols: Option<Vec<String>>,
    /// Sums of the symbols in other currencies.
    pub other_currencies: Option<BTreeMap<String, Amounts>>,
}

/// The sectors of the universe.
pub struct Sector {
    params: Params,
}

impl UniverseCalculator for Sector {
    const NAME: &'static str = "sector";
    const KEY: &'static str = "portfolio:sector";
    const SCOPE: Scope = Scope::Group;
    const ABOUT: &'static str =
        "Sector: the exposures and flow of the symbols of one sector together.";
    const JOB: Job = Job::Sectors;
    const READS: &'static [Part] = &[Part::Summaries];
    type Params = Params;
    type Payload = Payload;
    type State = ();

    fn new(params: Params, (): ()) -> Result<Self, String> {
        Ok(Self { params })
    }

    fn state(&self) -> &() {
        &()
    }

    fn compute(&mut self, universe: &Universe, _now: Timestamp) -> Vec<Told<Payload>> {
        let Params {
            currency,
            toxic_vpin,
        } = &self.params;
        let of_sector = |(name, totals): (String, Totals)| {
            let (rests_on, counted) = (totals.rests_on, totals.counted());
            let count = totals.symbols.len();
            let told = match totals.with_data {
                0 => Told::nothing(
                    Self::absent(Status::Missing),
                    Status::Missing,
                    format!("none of {count} symbols has a summary"),
                ),
                _ => Told::value(Payload::of(&name, totals), rests_on, counted),
            };
            told.of(name)
        };
        let sectors = by_sector(universe, currency, *toxic_vpin);
        sectors.into_iter().map(of_sector).collect()
    }

    fn absent(_status: Status) -> Payload {
        Payload::default()
    }
}

/// What the symbols of each sector come to.
pub fn by_sector(universe: &Universe, currency: &str, toxic_vpin: f64) -> BTreeMap<String, Totals> {
    let mut members: BTreeMap<&str, Vec<&Member>> = BTreeMap::new();
    for member in &universe.members {
        members.entry(&member.sector).or_default().push(member);
    }
    let totals = |(name, members): (&str, Vec<&Member>)| {
        let totals = Totals::of(members.into_iter(), currency, toxic_vpin);
        (name.to_owned(), totals)
    };
    members.into_iter().map(totals).collect()
}

impl Payload {
    /// What a sector comes to.
    pub fn of(name: &str, totals: Totals) -> Self {
        Self {
            sector: Some(name.to_owned()),
            symbol_count: Some(totals.symbols.len()),
            symbols: Some(totals.symbols),
            symbols_with_data: Some(totals.with_data),
            net_flow: totals.amounts.total_dex,
            amounts: totals.amounts,
            toxic_symbols: Some(totals.toxic),
            avg_vpin: totals.ratios.avg_vpin,
            avg_skew: totals.ratios.avg_skew,
            avg_momentum_prob: totals.ratios.avg_momentum_prob,
            avg_hedging_prob: totals.ratios.avg_hedging_prob,
            counts: Some(totals.counts),
            stale_symbols: Some(totals.stale),
            missing_symbols: Some(totals.missing),
            malformed_symbols: Some(totals.malformed),
            other_currencies: Some(totals.other_currencies),
        }
    }
}
