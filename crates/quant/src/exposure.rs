//! What an option book is exposed to, under each convention about who holds which side.
//!
//! Open interest does not say whether dealers are long or short, so no single number does either.
//! Three stand side by side: `unsigned` adds calls and puts, `dealer_long_calls_short_puts` takes
//! customers to sell calls and buy puts (SqueezeMetrics, "The Implied Order Book", 2016; Perfiliev
//! 2022), and `flow_signed` weighs each contract by the net position that signed flow implies. All
//! are conventions, no measurement of a dealer's book.

mod flows;
mod levels;
mod memory;
mod strikes;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::market::Right;
use crate::math::sum::Sum;

pub use flows::{DealerFlowParams, ExpirySum, Selection, book, compact_date};
pub use levels::{Level, Levels, StrikeExposure, gamma_flip_by_strike};
pub use memory::{Memory, Remembered};
pub use strikes::{ByStrike, strike_text};

/// Who is taken to hold which side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignConvention {
    /// Calls count positive, puts negative.
    #[default]
    DealerLongCallsShortPuts,
    /// Both count positive: gross, without a zero.
    Unsigned,
}

impl SignConvention {
    /// What a contract of this right is multiplied by.
    pub fn factor(self, right: Right) -> f64 {
        match (self, right) {
            (Self::DealerLongCallsShortPuts, Right::Put) => -1.0,
            (Self::DealerLongCallsShortPuts, Right::Call) | (Self::Unsigned, _) => 1.0,
        }
    }
}

/// One exposure under each convention, in the unit the field's name says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Conventions {
    /// Calls and puts with the sign they have.
    pub unsigned: f64,
    /// Calls as they are, puts with their sign turned.
    pub dealer_long_calls_short_puts: f64,
    /// By the net position that signed flow implies; null where no signed option flow is known.
    pub flow_signed: Option<f64>,
}

impl Conventions {
    /// The one under a convention.
    pub fn under(self, sign: SignConvention) -> f64 {
        match sign {
            SignConvention::DealerLongCallsShortPuts => self.dealer_long_calls_short_puts,
            SignConvention::Unsigned => self.unsigned,
        }
    }

    /// Each multiplied by a factor.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self {
            unsigned: self.unsigned * factor,
            dealer_long_calls_short_puts: self.dealer_long_calls_short_puts * factor,
            flow_signed: self.flow_signed.map(|flow| flow * factor),
        }
    }

    /// Each with that of another added.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let flow = self.flow_signed.zip(other.flow_signed);
        Self {
            unsigned: self.unsigned + other.unsigned,
            dealer_long_calls_short_puts: self.dealer_long_calls_short_puts
                + other.dealer_long_calls_short_puts,
            flow_signed: flow.map(|(a, b)| a + b),
        }
    }
}

/// Amounts of calls and of puts, summed apart: every convention follows from the two.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Split {
    call: Sum,
    put: Sum,
}

impl Split {
    /// Adds the amount of one contract.
    pub fn add(&mut self, right: Right, amount: f64) {
        match right {
            Right::Call => self.call.add(amount),
            Right::Put => self.put.add(amount),
        }
    }

    /// The calls.
    pub fn call(self) -> f64 {
        self.call.value()
    }

    /// The puts, with the sign they came with.
    pub fn put(self) -> f64 {
        self.put.value()
    }

    /// Under each convention.
    pub fn conventions(self) -> Conventions {
        Conventions {
            unsigned: self.call() + self.put(),
            dealer_long_calls_short_puts: self.call() - self.put(),
            flow_signed: None,
        }
    }

    /// Under one convention.
    pub fn under(self, sign: SignConvention) -> f64 {
        self.conventions().under(sign)
    }
}

impl FromIterator<(Right, f64)> for Split {
    fn from_iter<I: IntoIterator<Item = (Right, f64)>>(amounts: I) -> Self {
        let mut split = Self::default();
        amounts
            .into_iter()
            .for_each(|(right, amount)| split.add(right, amount));
        split
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_convention_follows_from_calls_and_puts() {
        let split: Split = [(Right::Call, 3.0), (Right::Put, 2.0), (Right::Call, 1.0)]
            .into_iter()
            .collect();
        let conventions = split.conventions();
        assert_eq!(conventions.unsigned, 6.0);
        assert_eq!(conventions.dealer_long_calls_short_puts, 2.0);
        assert_eq!(conventions.under(SignConvention::Unsigned), 6.0);
        let by_factor = 4.0 * SignConvention::default().factor(Right::Call)
            + 2.0 * SignConvention::default().factor(Right::Put);
        assert_eq!(split.under(SignConvention::default()), by_factor);
    }
}
