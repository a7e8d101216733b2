//! Which side started a trade: the quote, tick and Lee–Ready rules on integer prices.

use serde::{Deserialize, Serialize};

/// The side that crossed the spread.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The buyer took the offer.
    Buy,
    /// The seller hit the bid.
    Sell,
    /// Nothing tells. Stays unknown: never dropped, never guessed.
    #[default]
    Unknown,
}

/// How trades are signed, as configured.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The source's own flag where a trade carries one, else Lee–Ready.
    #[default]
    Auto,
    /// Against the midpoint of the quote that stood before the trade; at the midpoint unknown.
    Quote,
    /// Against the last different price.
    Tick,
    /// Quote rule, then the tick rule where the quote says nothing (Lee & Ready 1991).
    LeeReady,
}
