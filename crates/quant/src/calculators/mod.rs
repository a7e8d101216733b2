//! The calculators: one file each, and the lists the engine turns. A producer stands before
//! whoever reads its result.

pub mod charm;
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
pub mod retail_flow;
pub mod skew;
pub mod summary;
pub mod surface;
pub mod sweep;
pub mod toxicity;
pub mod unusual;
pub mod vanna;
pub mod vpin;

use crate::calculator::Entry;

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
    Entry::of::<summary::Summary>(),
];

/// Calculators over all symbols; they run after the others and read their documents.
pub const UNIVERSE: &[Entry] = &[];

/// Every calculator there is.
pub fn all() -> impl Iterator<Item = &'static Entry> {
    PER_SYMBOL.iter().chain(UNIVERSE)
}

/// The calculator called `name`.
pub fn find(name: &str) -> Option<&'static Entry> {
    all().find(|entry| entry.name == name)
}
