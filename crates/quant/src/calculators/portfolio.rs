//! Portfolio: the exposures, flow and toxicity of all symbols together, and who is missing.
//!
//! Only values that are `ok` and valid enter a sum, in the portfolio's currency; symbols of other
//! currencies stand under their own. Options on an index and on its funds are the same risk seen
//! twice: `complexes` adds them up as one, in money per 1 %, which the multiplier does not change.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::sector;
use crate::calculator::{Job, Status};
use crate::market::Timestamp;
use crate::math::implied_correlation::{self, implied_correlation};
use crate::universe::totals::{Amounts, Totals, sum};
use crate::universe::{Member, Part, Standing, Told, Universe, UniverseCalculator};

/// Settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The currency amounts are added up in.
    pub currency: String,
    /// A VPIN of this much or more is toxic.
    pub toxic_vpin: f64,
    /// Name → symbols on the same underlying.
    pub complexes: BTreeMap<String, Vec<String>>,
    /// Index → symbol → weight.
    pub index_weights: BTreeMap<String, BTreeMap<String, f64>>,
}

/// The document.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Payload {
    /// Symbols there are.
    pub symbol_count: Option<usize>,
    /// How many of them have a summary that speaks for now.
    pub symbols_with_data: Option<usize>,
    /// Mean VPIN, four decimals.
    pub avg_vpin: Option<f64>,
    /// Mean VPIN weighted by the shares traded today.
    pub avg_vpin_volume_weighted: Option<f64>,
    /// Largest VPIN.
    pub max_vpin: Option<f64>,
    /// Smallest VPIN.
    pub min_vpin: Option<f64>,
    /// Whose VPIN is the largest.
    pub max_vpin_symbol: Option<String>,
    /// Symbols whose VPIN is toxic.
    pub toxic_count: Option<usize>,
    /// Sums of amounts.
    #[serde(flatten)]
    pub amounts: Amounts,
    /// Delta exposure times beta, money, over the symbols whose beta is set; null where none is.
    pub beta_weighted_delta_usd: Option<f64>,
    /// Symbols with a delta exposure and no beta.
    pub without_beta: Option<Vec<String>>,
    /// How many symbols entered each sum and mean.
    pub counts: Option<BTreeMap<String, usize>>,
    /// Sector → what it comes to.
    pub sector_flows: Option<BTreeMap<String, sector::Payload>>,
    /// Level of one-day volatility, points; null where it has none.
    pub vix1d: Option<f64>,
    /// Symbols whose summary is over.
    pub stale_symbols: Option<Vec<String>>,
    /// Symbols without a summary.
    pub missing_symbols: Option<Vec<String>>,
    /// Symbols with something else in its place.
    pub malformed_symbols: Option<Vec<String>>,
    /// Sums of the symbols in other currencies.
    pub other_currencies: Option<BTreeMap<String, Amounts>>,
    /// Name → symbols on the same underlying, each and together.
    pub complexes: Option<BTreeMap<String, Complex>>,
    /// Index → average correlation its options and those of its members imply.
    pub implied_correlation: Option<BTreeMap<String, Implied>>,
    /// One row a symbol with data.
    pub symbol_rows: Option<Vec<Row>>,
}

/// Symbols on the same underlying.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Complex {
    /// Those with data.
    pub symbols: Vec<String>,
    /// Gamma exposure with the dealers' sign, money per 1 %, together.
    pub signed_gex_usd_per_1pct: Option<f64>,
    /// Delta exposure with the dealers' sign, money, together.
    pub signed_dex_usd: Option<f64>,
    /// The gamma exposure of each.
    pub by_symbol: BTreeMap<String, f64>,
}

/// What the options of an index imply about its members.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Implied {
    /// Average correlation at 30 days; null where it is not defined, see `reason`.
    pub correlation: Option<f64>,
    /// Weighted mean variance of the members less the variance of the index.
    pub dispersion: Option<f64>,
    /// Share of the weights whose volatility is there.
    pub weight_covered: f64,
    /// Members whose volatility is there.
    pub members: usize,
    /// Why there is none.
    pub reason: Option<String>,
}

/// One symbol at a glance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Row {
    /// Which symbol.
    pub symbol: String,
    /// Its sector.
    pub sector: String,
    /// Currency of its amounts.
    pub currency: String,
    /// Price.
    pub spot: Option<f64>,
    /// VPIN.
    pub vpin: Option<f64>,
    /// Imbalance of up to five book levels.
    pub level5_imbalance: Option<f64>,
    /// Gamma exposure with the dealers' sign, money per 1 %.
    pub signed_gex: Option<f64>,
    /// Delta exposure, money.
    pub total_dex: Option<f64>,
    /// Implied volatility of the put less that of the call.
    pub skew: Option<f64>,
    /// Sources without a value, and why.
    pub status: BTreeMap<super::summary::Source, Status>,
}

/// The portfolio.
pub struct Portfolio {
    params: Params,
}

impl UniverseCalculator for Portfolio {
    const NAME: &'static str = "portfolio";
    const KEY: &'static str = "portfolio:summary";
    const ABOUT: &'static str =
        "Portfolio: the exposures, flow and toxicity of all symbols together, and who is missing.";
    const JOB: Job = Job::Portfolio;
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
            ..
        } = &self.params;
        let totals = Totals::of(universe.members.iter(), currency, *toxic_vpin);
        if totals.with_data == 0 {
            let count = totals.symbols.len();
            let why = format!("none of {count} symbols has a summary");
            return vec![Told::nothing(Payload::default(), Status::Missing, why)];
        }
        let (rests_on, counted) = (totals.rests_on, totals.counted());
        vec![Told::value(
            self.payload(universe, totals),
            rests_on,
            counted,
        )]
    }

    fn absent(_status: Status) -> Payload {
        Payload::default()
    }
}

impl Portfolio {
    fn payload(&self, universe: &Universe, mut totals: Totals) -> Payload {
        let Params {
            currency,
            toxic_vpin,
            ..
        } = &self.params;
        let sectors = sector::by_sector(universe, currency, *toxic_vpin).into_iter();
        let sectors = sectors.map(|(name, totals)| {
            let payload = sector::Payload::of(&name, totals);
            (name, payload)
        });
        let (beta_weighted, without_beta) = self.beta_weighted(universe);
        let count = beta_weighted.map_or(0, |(_, count)| count);
        totals
            .counts
            .insert("beta_weighted_delta_usd".to_owned(), count);
        Payload {
            symbol_count: Some(totals.symbols.len()),
            symbols_with_data: Some(totals.with_data),
            avg_vpin: totals.ratios.avg_vpin,
            avg_vpin_volume_weighted: totals.ratios.avg_vpin_volume_weighted,
            max_vpin: totals.ratios.max_vpin,
            min_vpin: totals.ratios.min_vpin,
            max_vpin_symbol: totals.ratios.max_vpin_symbol,
            toxic_count: Some(totals.toxic.len()),
            amounts: totals.amounts,
            beta_weighted_delta_usd: beta_weighted.map(|(sum, _)| sum),
            without_beta: Some(without_beta),
            counts: Some(totals.counts),
            sector_flows: Some(sectors.collect()),
            vix1d: universe.vix1d,
            stale_symbols: Some(totals.stale),
            missing_symbols: Some(totals.missing),
            malformed_symbols: Some(totals.malformed),
            other_currencies: Some(totals.other_currencies),
            complexes: Some(self.complexes(universe)),
            implied_correlation: Some(self.implied_correlations(universe)),
            symbol_rows: Some(present(universe).map(row).collect()),
        }
    }

    /// Delta exposure times beta with how many symbols entered, and who has no beta.
    fn beta_weighted(&self, universe: &Universe) -> (Option<(f64, usize)>, Vec<String>) {
        let deltas = || {
            let own = present(universe).filter(|(m, _)| m.currency == self.params.currency);
            own.filter_map(|(member, summary)| Some((member, summary.total_dex?)))
        };
        let without = deltas().filter(|(member, _)| member.beta.is_none());
        let without = without
            .map(|(member, _)| member.symbol.to_string())
            .collect();
        let weighted = deltas().filter_map(|(member, delta)| Some(member.beta? * delta));
        (sum(weighted), without)
    }

    fn complexes(&self, universe: &Universe) -> BTreeMap<String, Complex> {
        let complex = |symbols: &Vec<String>| {
            let names: BTreeSet<&str> = symbols.iter().map(String::as_str).collect();
            let own = || {
                let own = present(universe).filter(|(m, _)| names.contains(m.symbol.as_str()));
                own.filter(|(m, _)| m.currency == self.params.currency)
            };
            let gex = || own().filter_map(|(m, s)| Some((m.symbol.to_string(), s.signed_gex?)));
            Complex {
                symbols: own().map(|(m, _)| m.symbol.to_string()).collect(),
                signed_gex_usd_per_1pct: sum(gex().map(|(_, gex)| gex)).map(|(sum, _)| sum),
                signed_dex_usd: sum(own().filter_map(|(_, s)| s.signed_dex)).map(|(sum, _)| sum),
                by_symbol: gex().collect(),
            }
        };
        let pairs = self.params.complexes.iter();
        let pairs = pairs.map(|(name, symbols)| (name.clone(), complex(symbols)));
        pairs.filter(|(_, c)| !c.symbols.is_empty()).collect()
    }

    fn implied_correlations(&self, universe: &Universe) -> BTreeMap<String, Implied> {
        let volatilities: BTreeMap<String, f64> = present(universe)
            .filter_map(|(member, summary)| Some((member.symbol.to_string(), summary.iv30?)))
            .collect();
        let implied = |index: &String, weights: &BTreeMap<String, f64>| {
            let named = |(name, weight): (&String, &f64)| Some((*weight, *volatilities.get(name)?));
            let known: Vec<(f64, f64)> = weights.iter().filter_map(named).collect();
            let all = sum(weights.values().copied()).map_or(0.0, |(sum, _)| sum);
            let covered = sum(known.iter().map(|(weight, _)| *weight));
            let covered = covered.map_or(0.0, |(sum, _)| sum);
            // The weights of those that are known are taken to be all of it.
            let share = |&(weight, vol): &(f64, f64)| implied_correlation::Member {
                weight: weight / covered,
                vol,
            };
            let members: Vec<implied_correlation::Member> = known.iter().map(share).collect();
            let of_index = volatilities.get(index);
            let found = of_index.and_then(|vol| implied_correlation(&members, *vol));
            let reason = match (of_index, &found) {
                (None, _) => Some(format!("{index} has no volatility at 30 days")),
                (Some(_), None) => Some("fewer than two members have one".to_owned()),
                (Some(_), Some(_)) => None,
            };
            Implied {
                correlation: found.map(|found| found.correlation),
                dispersion: found.map(|found| found.dispersion),
                weight_covered: if all > 0.0 { covered / all } else { 0.0 },
                members: known.len(),
                reason,
            }
        };
        let indices = self.params.index_weights.iter();
        indices
            .map(|(index, weights)| (index.clone(), implied(index, weights)))
            .collect()
    }
}

/// The symbols with data.
fn present(
    universe: &Universe,
) -> impl Iterator<Item = (&Member, &super::summary::Payload)> + Clone {
    universe
        .members
        .iter()
        .filter_map(|member| match &member.standing {
            Standing::Present { summary, .. } => Some((member, summary.as_ref())),
            Standing::Missing | Standing::Malformed | Standing::Stale => None,
        })
}

fn row((member, summary): (&Member, &super::summary::Payload)) -> Row {
    Row {
        symbol: member.symbol.to_string(),
        sector: member.sector.clone(),
        currency: member.currency.clone(),
        spot: summary.spot,
        vpin: summary.vpin,
        level5_imbalance: summary.level5_imbalance,
        signed_gex: summary.signed_gex,
        total_dex: summary.total_dex,
        skew: summary.skew,
        status: summary.status.clone(),
    }
}
