//! What a source says of how a trade came about, told from its condition codes.

use serde::{Deserialize, Serialize};

/// A set of circumstances of one trade.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Conditions(u16);

impl Conditions {
    /// Nothing is said.
    pub const NONE: Self = Self(0);
    /// Part of an intermarket sweep order.
    pub const SWEEP: Self = Self(1);
    /// An opening, closing or other auction.
    pub const AUCTION: Self = Self(1 << 1);
    /// Outside of the regular session.
    pub const EXTENDED: Self = Self(1 << 2);
    /// At a price not of this moment: average, derivatively priced, prior reference.
    pub const DERIVED: Self = Self(1 << 3);
    /// Reported late or out of sequence.
    pub const LATE: Self = Self(1 << 4);
    /// Cancelled or corrected since.
    pub const CANCELLED: Self = Self(1 << 5);
    /// A leg of a complex or multi-leg order.
    pub const COMPLEX: Self = Self(1 << 6);
    /// On a floor.
    pub const FLOOR: Self = Self(1 << 7);
    /// A cross or other facilitated trade.
    pub const CROSS: Self = Self(1 << 8);
    /// Less than a round lot.
    pub const ODD_LOT: Self = Self(1 << 9);

    /// With those of another set, too.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of another set are in it.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether the trade says nothing of who was in a hurry now: auctions, prices of another
    /// moment, late and cancelled prints, legs, floors and crosses.
    pub const fn is_excluded(self) -> bool {
        const EXCLUDED: u16 = Conditions::AUCTION.0
            | Conditions::DERIVED.0
            | Conditions::LATE.0
            | Conditions::CANCELLED.0
            | Conditions::COMPLEX.0
            | Conditions::FLOOR.0
            | Conditions::CROSS.0;
        self.0 & EXCLUDED != 0
    }
}

#[cfg(test)]
mod tests {
    use super::Conditions;

    #[test]
    fn a_sweep_counts_and_a_late_sweep_does_not() {
        let sweep = Conditions::SWEEP.with(Conditions::ODD_LOT);
        assert!(sweep.has(Conditions::SWEEP) && !sweep.is_excluded());
        assert!(sweep.with(Conditions::LATE).is_excluded());
    }
}
