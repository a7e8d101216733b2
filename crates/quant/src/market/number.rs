//! Prices and sizes as integers, so that midpoints, sums and comparisons are exact.
//! Prices count 1e-9 of the currency unit, sizes 1e-8 of a share, contract or coin.

use serde::{Deserialize, Serialize};

/// A price in nano units of its currency. May be negative in differences, never in a quote.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Price(i64);

/// A quantity in units of 1e-8.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Size(i64);

impl Price {
    /// Units in 1.0.
    pub const SCALE: i64 = 1_000_000_000;

    /// From units of 1e-9.
    pub const fn from_units(units: i64) -> Self {
        Self(units)
    }

    /// The nearest price to a float; `None` when not finite or out of range (about ±9.2e9).
    pub fn from_f64(value: f64) -> Option<Self> {
        to_units(value, Self::SCALE).map(Self)
    }

    /// Units of 1e-9.
    pub const fn units(self) -> i64 {
        self.0
    }

    /// As a float, for the wire and for sums that need no exactness.
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / Self::SCALE as f64
    }
}

impl Size {
    /// Units in 1.0.
    pub const SCALE: i64 = 100_000_000;

    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// From units of 1e-8.
    pub const fn from_units(units: i64) -> Self {
        Self(units)
    }

    /// The nearest size to a float; `None` when not finite or out of range (about ±9.2e10).
    pub fn from_f64(value: f64) -> Option<Self> {
        to_units(value, Self::SCALE).map(Self)
    }

    /// Units of 1e-8.
    pub const fn units(self) -> i64 {
        self.0
    }

    /// As a float.
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / Self::SCALE as f64
    }
}

/// A sum of sizes (units of 1e-8) as a float.
pub fn size_sum_to_f64(units: i128) -> f64 {
    units as f64 / Size::SCALE as f64
}

fn to_units(value: f64, scale: i64) -> Option<i64> {
    let units = (value * scale as f64).round();
    (units.abs() < i64::MAX as f64).then_some(units as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_prices_are_exact() {
        assert_eq!(Price::from_f64(580.23).unwrap().units(), 580_230_000_000);
        assert_eq!(Price::from_f64(10.005).unwrap().units(), 10_005_000_000);
        assert_eq!(Price::from_units(10_005_000_000).to_f64(), 10.005);
    }

    #[test]
    fn what_does_not_fit_is_absent() {
        for value in [f64::NAN, f64::INFINITY, 1e300, -1e300] {
            assert_eq!(Price::from_f64(value), None, "{value}");
            assert_eq!(Size::from_f64(value), None, "{value}");
        }
    }
}
