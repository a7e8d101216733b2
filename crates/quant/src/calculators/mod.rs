//! The calculators: one file each, and the lists the engine turns. A producer stands before
//! whoever reads its result.

pub mod bars;
pub mod charm;
pub mod correlation;
pub mod dex;
pub mod expected_move;
pub mod flow_clusters;
pub mod gex;
pub mod hedging_impact;
pub mod hidden;
pub mod institutional_flow;
pub mod iv_rank;
pub mod max_pain;
pub mod moc;
pub mod obi;
pub mod oi_buildup;
pub mod pcr;
pub mod portfolio;
pub mod retail_flow;
pub mod sector;
pub mod skew;
pub mod summary;
pub mod surface;
pub mod sweep;
pub mod toxicity;
pub mod unusual;
pub mod vanna;
pub mod vix1d;
pub mod vpin;

use crate::calculator::{Card, Entry};
use crate::snapshot::Section;
use crate::universe::UniverseEntry;

/// Calculators of one symbol, in the order they run.
pub const PER_SYMBOL: &[Entry] = &[
    Entry::of::<vpin::Vpin>(),
    Entry::of::<gex::Gex>(),
    Entry::of::<dex::Dex>(),
    Entry::of::<vanna::Vanna>(),
    Entry::of::<charm::Charm>(),
    Entry::of::<hedging_impact::HedgingImpact>(),
    Entry::of::<skew::Skew>(),
    Entry::of::<obi::Obi>(),
    Entry::of::<flow_clusters::FlowClusters>(),
    Entry::of::<toxicity::Toxicity>(),
    Entry::of::<institutional_flow::InstitutionalFlow>(),
    Entry::of::<retail_flow::RetailFlow>(),
    Entry::of::<unusual::Unusual>(),
    Entry::of::<moc::Moc>(),
    Entry::of::<sweep::Sweep>(),
    Entry::of::<hidden::Hidden>(),
    Entry::of::<pcr::Pcr>(),
    Entry::of::<max_pain::MaxPain>(),
    Entry::of::<oi_buildup::OiBuildup>(),
    Entry::of::<surface::Surface>(),
    Entry::of::<expected_move::ExpectedMove>(),
    Entry::of::<iv_rank::IvRank>(),
    Entry::of::<bars::Bars>(),
    Entry::of::<summary::Summary>(),
];

/// Calculators over all symbols; they run after the others and read their documents.
pub const UNIVERSE: &[UniverseEntry] = &[
    UniverseEntry::of::<vix1d::Vix1d>(),
    UniverseEntry::of::<portfolio::Portfolio>(),
    UniverseEntry::of::<sector::Sector>(),
    UniverseEntry::of::<correlation::Correlation>(),
];

/// What every calculator there is, is.
pub fn all() -> impl Iterator<Item = &'static Card> {
    let of_symbols = PER_SYMBOL.iter().map(|entry| &entry.card);
    of_symbols.chain(UNIVERSE.iter().map(|entry| &entry.card))
}

/// What the calculator called `name` is.
pub fn find(name: &str) -> Option<&'static Card> {
    all().find(|card| card.name == name)
}

/// The names of what a calculator reads: sections, the results of others, parts of the universe.
pub fn reads(card: &Card) -> Vec<&'static str> {
    let of_symbol = PER_SYMBOL.iter().find(|entry| entry.card.name == card.name);
    let of_all = UNIVERSE.iter().find(|entry| entry.card.name == card.name);
    let needs = of_symbol.map(|entry| entry.needs);
    let sections = needs.into_iter().flat_map(|needs| {
        let sections = Section::ALL.into_iter().filter(move |s| needs.has(*s));
        sections.map(Section::as_str).chain(needs.producers())
    });
    let parts = of_all.into_iter().flat_map(|entry| entry.reads);
    sections.chain(parts.map(|part| part.as_str())).collect()
}
