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
    /// States the official open or close of a market once more: nothing was dealt by it.
    pub const OFFICIAL: Self = Self(1 << 10);

    /// With those of another set, too.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of another set are in it.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// What the trade may do to a bar, after the rules by which the consolidated tapes let sale
    /// conditions update the high, the low, the last price and the volume (CTS and UTDF
    /// specifications, "consolidated processing guidelines").
    ///
    /// Prices of another moment, legs of larger orders and odd lots add volume and move no price;
    /// what was cancelled, and official prices, which restate a print, do neither. Where the tapes
    /// let a print move the range of the day and not its last price (sold out of sequence, prior
    /// reference price), it moves no bar: the moment it is of is not the one it stands at. Prints of
    /// extended hours, which move no price of the regular day, are all that bars of those hours have.
    pub const fn effect(self) -> Effect {
        const NOTHING: u16 = Conditions::CANCELLED.0 | Conditions::OFFICIAL.0;
        const VOLUME: u16 = Conditions::DERIVED.0
            | Conditions::LATE.0
            | Conditions::COMPLEX.0
            | Conditions::ODD_LOT.0;
        if self.0 & NOTHING != 0 {
            Effect::Nothing
        } else if self.0 & VOLUME != 0 {
            Effect::Volume
        } else {
            Effect::Price
        }
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

/// What a trade may do to a bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It moves the prices and adds volume.
    Price,
    /// It adds volume.
    Volume,
    /// Neither.
    Nothing,
}

#[cfg(test)]
mod tests {
    use super::{Conditions, Effect};

    /// The tables of sale conditions that update high, low and last, by their codes.
    #[test]
    fn bars_take_what_the_consolidated_tapes_take() {
        use crate::market::CodeSet;
        for (codes, effect) in [
            ("@ E F 5 6 A D K O X @FT @T", Effect::Price),
            ("B C H I N R V W 4 7 L Z P U @FTI", Effect::Volume),
            ("M Q 9", Effect::Nothing),
        ] {
            for code in codes.split(' ') {
                let conditions = Conditions::of_text(code, CodeSet::Sip);
                assert_eq!(conditions.effect(), effect, "{code}");
            }
        }
        let cancelled = Conditions::of_text("CNCL", CodeSet::Opra);
        assert_eq!(cancelled.effect(), Effect::Nothing);
        assert_eq!(Conditions::NONE.effect(), Effect::Price);
    }

    #[test]
    fn a_sweep_counts_and_a_late_sweep_does_not() {
        let sweep = Conditions::SWEEP.with(Conditions::ODD_LOT);
        assert!(sweep.has(Conditions::SWEEP) && !sweep.is_excluded());
        assert!(sweep.with(Conditions::LATE).is_excluded());
    }
}
