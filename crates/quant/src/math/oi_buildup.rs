//! Open-interest build-up: whether positions are opened or closed, and by whom, from the change of
//! a contract's own price and of its open interest; and the zones of a chain around the money.
//!
//! The matrix of the National Stock Exchange of India: rising price and interest are new longs,
//! falling price on rising interest new shorts, both falling longs that leave, rising price on
//! falling interest shorts that cover. A level of open interest alone says nothing of direction.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::black_scholes::Right;

/// Part of a bound by which a change may miss it and still reach it: percents of decimal prices do
/// not come out even.
const ROUNDING: f64 = 1e-9;

/// Smaller changes than these are none, percent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DeadBands {
    /// Of the price.
    pub price_pct: f64,
    /// Of the open interest.
    pub oi_pct: f64,
}

/// What became of a contract's positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Label {
    /// Price and open interest rise: longs are opened.
    LongBuildUp,
    /// Price falls, open interest rises: shorts are opened.
    ShortBuildUp,
    /// Both fall: longs are closed.
    LongUnwinding,
    /// Price rises, open interest falls: shorts are closed.
    ShortCovering,
    /// One of the changes lies within its dead-band.
    Neutral,
    /// Nothing was open before.
    New,
}

/// What something says of the underlying.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Bias {
    /// It is expected to rise.
    Bullish,
    /// It is expected to fall.
    Bearish,
    /// Neither.
    Neutral,
}

/// How a contract's price and open interest changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BuildUp {
    /// What that makes of it.
    pub label: Label,
    /// Change of the price, percent; `None` of a new contract.
    pub price_pct: Option<f64>,
    /// Change of the open interest, percent; `None` of a new contract.
    pub oi_pct: Option<f64>,
}

/// The build-up of a contract from what it was before, each 0 or more. `None` where something was
/// open and its price before or now is not known, or was zero.
pub fn build_up(
    price_before: Option<f64>,
    price: Option<f64>,
    oi_before: f64,
    oi: f64,
    bands: DeadBands,
) -> Option<BuildUp> {
    if oi_before <= 0.0 {
        let label = if oi > 0.0 { Label::New } else { Label::Neutral };
        return Some(BuildUp {
            label,
            price_pct: None,
            oi_pct: None,
        });
    }
    let price_pct = change_pct(price_before?, price?)?;
    let oi_pct = change_pct(oi_before, oi)?;
    let (price_up, price_down) = beyond(price_pct, bands.price_pct);
    let (oi_up, oi_down) = beyond(oi_pct, bands.oi_pct);
    let label = match (price_up, price_down, oi_up, oi_down) {
        (true, _, true, _) => Label::LongBuildUp,
        (_, true, true, _) => Label::ShortBuildUp,
        (_, true, _, true) => Label::LongUnwinding,
        (true, _, _, true) => Label::ShortCovering,
        _ => Label::Neutral,
    };
    Some(BuildUp {
        label,
        price_pct: Some(price_pct),
        oi_pct: Some(oi_pct),
    })
}

fn change_pct(before: f64, now: f64) -> Option<f64> {
    let change = (now - before) / before * 100.0;
    (before > 0.0 && change.is_finite()).then_some(change)
}

/// Whether a change reaches a bound above, and below.
fn beyond(change: f64, band: f64) -> (bool, bool) {
    let bound = band * (1.0 - ROUNDING);
    let moved = change != 0.0 && change.abs() >= bound;
    (moved && change > 0.0, moved && change < 0.0)
}

impl Label {
    /// What it says of the underlying: longs of calls and shorts of puts expect it to rise. Written
    /// calls cap, they are not bullish.
    pub fn bias(self, right: Right) -> Bias {
        let of_call = match self {
            Self::LongBuildUp | Self::ShortCovering => Bias::Bullish,
            Self::ShortBuildUp | Self::LongUnwinding => Bias::Bearish,
            Self::Neutral | Self::New => Bias::Neutral,
        };
        match (right, of_call) {
            (Right::Put, Bias::Bullish) => Bias::Bearish,
            (Right::Put, Bias::Bearish) => Bias::Bullish,
            (_, bias) => bias,
        }
    }
}

/// The strike nearest to spot, of equally near ones the lower, wherever it stands; `None` of none.
pub fn atm_strike(strikes: impl IntoIterator<Item = f64>, spot: f64) -> Option<f64> {
    let key = |strike: f64| ((strike - spot).abs(), strike);
    strikes.into_iter().reduce(|best, next| {
        let nearer = key(next) < key(best);
        if nearer { next } else { best }
    })
}

/// Where a contract stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// In the money.
    Itm,
    /// At the one strike that is at the money.
    Atm,
    /// Out of the money.
    Otm,
}

impl Zone {
    /// The zone of a contract: every contract is in one of them.
    pub fn of(right: Right, strike: f64, atm_strike: f64) -> Self {
        let is_above = strike > atm_strike;
        match right {
            _ if strike == atm_strike => Self::Atm,
            Right::Call if is_above => Self::Otm,
            Right::Put if !is_above => Self::Otm,
            Right::Call | Right::Put => Self::Itm,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BANDS: DeadBands = DeadBands {
        price_pct: 0.1,
        oi_pct: 1.0,
    };

    fn label(price: f64, oi: f64) -> Label {
        let built = build_up(Some(100.0), Some(price), 1_000.0, oi, BANDS);
        built.unwrap().label
    }

    #[test]
    fn a_change_of_just_the_bound_is_one() {
        assert_eq!(label(100.1, 1_010.0), Label::LongBuildUp);
        assert_eq!(label(99.9, 990.0), Label::LongUnwinding);
        assert_eq!(label(100.1, 1_009.0), Label::Neutral);
        assert_eq!(label(100.09, 1_010.0), Label::Neutral);
    }

    #[test]
    fn without_dead_bands_what_does_not_change_is_still_neutral() {
        let none = DeadBands {
            price_pct: 0.0,
            oi_pct: 0.0,
        };
        let same = build_up(Some(1.0), Some(1.0), 5.0, 9.0, none).unwrap();
        assert_eq!(same.label, Label::Neutral);
    }

    #[test]
    fn a_price_that_is_not_known_says_nothing() {
        assert_eq!(build_up(None, Some(1.0), 5.0, 9.0, BANDS), None);
        assert_eq!(build_up(Some(1.0), None, 5.0, 9.0, BANDS), None);
        assert_eq!(build_up(Some(0.0), Some(1.0), 5.0, 9.0, BANDS), None);
    }

    #[test]
    fn written_calls_are_bearish_and_written_puts_bullish() {
        assert_eq!(Label::ShortBuildUp.bias(Right::Call), Bias::Bearish);
        assert_eq!(Label::ShortBuildUp.bias(Right::Put), Bias::Bullish);
        assert_eq!(Label::LongBuildUp.bias(Right::Put), Bias::Bearish);
        assert_eq!(Label::New.bias(Right::Put), Bias::Neutral);
    }

    #[test]
    fn of_two_equally_near_strikes_the_lower_is_at_the_money() {
        assert_eq!(atm_strike([110.0, 100.0], 105.0), Some(100.0));
        assert_eq!(atm_strike([100.0, 110.0], 105.1), Some(110.0));
        assert_eq!(atm_strike([], 105.0), None);
    }
}
