//! What a cluster is called. Names are hypotheses.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Mean sign from which a cluster trades in one direction: three trades of four.
const ONE_SIDED: f64 = 0.5;

/// Mean price change, in standard deviations, that is a move: two standard errors of the mean of
/// seventy trades, a third of the window.
const MOVED: f64 = 0.25;

/// Mean price change that is none. What lies between the two is named neither way.
const UNMOVED: f64 = 0.10;

/// Units of log size above the median that are large: about the upper quartile.
const LARGE: f64 = 0.5;

/// What the trades of a cluster might be for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// In the direction the price had moved.
    Momentum,
    /// Against the direction the price had moved.
    MeanReversion,
    /// Large, where the price had not moved.
    Hedging,
    /// None of these by a margin.
    Unknown,
}

/// What a name is drawn from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Signature {
    /// Mean sign, −1 (all sells) to 1 (all buys).
    pub direction: f64,
    /// Mean price change before the trades, in local standard deviations.
    pub price_change: f64,
    /// Log size above the median in interquartile ranges.
    pub size: f64,
}

impl Strategy {
    /// The name of a signature.
    ///
    /// In one direction (|mean sign| ≥ 0.5) after a move of at least 0.25 standard deviations:
    /// `momentum` where the move was the same way, `mean_reversion` where it was the other way.
    /// Large (half an interquartile range above the median) after a move of 0.10 at most:
    /// `hedging`. Anything else, and so all between those margins, is `unknown`.
    pub fn of(signature: Signature) -> Self {
        let Signature {
            direction,
            price_change,
            size,
        } = signature;
        let followed = price_change * direction.signum();
        if direction.abs() >= ONE_SIDED && followed >= MOVED {
            Self::Momentum
        } else if direction.abs() >= ONE_SIDED && followed <= -MOVED {
            Self::MeanReversion
        } else if size >= LARGE && price_change.abs() <= UNMOVED {
            Self::Hedging
        } else {
            Self::Unknown
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(direction: f64, price_change: f64, size: f64, expected: Strategy) {
        let signature = Signature {
            direction,
            price_change,
            size,
        };
        assert_eq!(Strategy::of(signature), expected, "{signature:?}");
    }

    #[test]
    fn following_the_price_is_momentum_and_opposing_it_mean_reversion() {
        check(0.9, 0.8, 0.0, Strategy::Momentum);
        check(-0.9, -0.8, 0.0, Strategy::Momentum);
        check(0.9, -0.8, 0.0, Strategy::MeanReversion);
        check(-0.9, 0.8, 0.0, Strategy::MeanReversion);
    }

    #[test]
    fn large_at_rest_is_hedging_whatever_its_direction() {
        check(0.0, 0.05, 1.0, Strategy::Hedging);
        check(-1.0, -0.05, 1.0, Strategy::Hedging);
        check(0.0, 0.05, 0.4, Strategy::Unknown);
    }

    #[test]
    fn between_the_margins_nothing_is_named() {
        check(0.9, 0.2, 1.0, Strategy::Unknown);
        check(0.4, 0.8, 0.0, Strategy::Unknown);
        check(f64::NAN, f64::NAN, f64::NAN, Strategy::Unknown);
    }
}
