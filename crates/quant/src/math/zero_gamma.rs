//! Zero gamma: the spots at which a book's re-priced gamma exposure changes sign, and the one of
//! them to follow from pass to pass.
//!
//! A grid of spots brackets the roots and Brent's method refines them. Two roots within one step
//! of the grid go unseen: steps should not exceed 0.25 % of spot.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::math::gamma_profile::{Point, log_ratio};
use crate::math::lanes;
use crate::math::root::{brackets, brent};

/// Of the gross exposure: what is less is what rounding leaves of zero.
const ROUNDING: f64 = 1e-12;

/// Of spot: minutes before an expiry the exposure moves by a thousand times its argument, and is
/// to be zero to 1e-9 of gross.
const TOLERANCE: f64 = 1e-14;

/// Spots around a reference spot.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    spot: f64,
    spots: Vec<f64>,
    log_ratios: Vec<f64>,
}

impl Grid {
    /// `points` spots at equal distances from spot·(1 − `half_width`) to spot·(1 + `half_width`),
    /// such as 161 with 0.2: 0.25 % apart. `None` unless spot is above zero, `half_width` in
    /// (0, 1), and there are two points or more.
    pub fn linear(spot: f64, half_width: f64, points: usize) -> Option<Self> {
        Self::new(spot, half_width, points, |place| {
            let change = half_width * place;
            (spot * (1.0 + change), libm::log1p(change))
        })
    }

    /// The same ends, at equal ratios.
    pub fn logarithmic(spot: f64, half_width: f64, points: usize) -> Option<Self> {
        let (low, high) = (libm::log1p(-half_width), libm::log1p(half_width));
        Self::new(spot, half_width, points, |place| {
            let log_ratio = 0.5 * (low * (1.0 - place) + high * (1.0 + place));
            (spot * lanes::exp_1(log_ratio), log_ratio)
        })
    }

    /// `at` is given places in [−1, 1].
    fn new(
        spot: f64,
        half_width: f64,
        points: usize,
        at: impl Fn(f64) -> (f64, f64),
    ) -> Option<Self> {
        let sane = spot > 0.0 && spot.is_finite() && half_width > 0.0 && half_width < 1.0;
        if !sane || points < 2 {
            return None;
        }
        let last = (points - 1) as f64;
        let places = (0..points).map(|i| (2.0 * i as f64 - last) / last);
        let (spots, log_ratios) = places.map(at).unzip();
        Some(Self {
            spot,
            spots,
            log_ratios,
        })
    }

    /// The reference spot S.
    pub fn spot(&self) -> f64 {
        self.spot
    }

    /// The spots x, rising, in price units.
    pub fn spots(&self) -> &[f64] {
        &self.spots
    }

    /// ln(x/S) of each.
    pub fn log_ratios(&self) -> &[f64] {
        &self.log_ratios
    }
}

/// Whether a book has a zero-gamma level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The exposure has one sign all along the grid.
    None,
    /// It changes sign once.
    One,
    /// It changes sign more than once.
    Many,
    /// It is zero all along the grid, or along the stretch on which it changes sign: there is no
    /// gamma, or long and short cancel.
    Degenerate,
}

/// A spot at which the exposure is zero.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Level {
    /// The spot, in price units of the underlying.
    pub spot: f64,
    /// Change of the exposure per unit of spot there, $ per +1 % per price unit: positive where
    /// gamma turns from short to long as spot rises.
    pub slope: f64,
}

/// The zero-gamma levels of a book.
#[derive(Clone, Debug, PartialEq)]
pub struct ZeroGamma {
    /// How many there are.
    pub status: Status,
    /// All of them, rising.
    pub levels: Vec<Level>,
}

impl ZeroGamma {
    /// The levels of a curve: `values` and `gross` are the exposure along the grid and the same
    /// with every weight positive; `exposure` is the curve at any ln(x/S), the sum of
    /// [`at`](crate::math::gamma_profile::at) over the parts of the book.
    pub fn find(
        grid: &Grid,
        values: &[f64],
        gross: &[f64],
        exposure: impl Fn(f64) -> Point,
    ) -> Self {
        let values: Vec<f64> = values
            .iter()
            .zip(gross)
            .map(|(&value, &gross)| {
                let rounding = value.abs() <= ROUNDING * gross.abs();
                if rounding { 0.0 } else { value }
            })
            .collect();
        let at = |spot| exposure(log_ratio(grid.spot, spot));
        let mut flat = !values.is_empty() && values.iter().all(|&value| value == 0.0);
        let mut levels = Vec::new();
        for bracket in brackets(&grid.spots, &values) {
            if bracket.is_flat() {
                flat = true;
                continue;
            }
            let tolerance = TOLERANCE * grid.spot;
            let root = brent(|x| at(x).value, bracket.left, bracket.right, tolerance);
            levels.extend(root.map(|root| Level {
                spot: root.root,
                slope: at(root.root).slope,
            }));
        }
        let status = match levels.len() {
            0 if flat => Status::Degenerate,
            0 => Status::None,
            1 => Status::One,
            _ => Status::Many,
        };
        Self { status, levels }
    }

    /// The level nearest to a spot, of two as near the lower one.
    pub fn nearest(&self, spot: f64) -> Option<Level> {
        nearest(&self.levels, spot)
    }
}

fn nearest(levels: &[Level], spot: f64) -> Option<Level> {
    let distance = |level: &Level| (level.spot - spot).abs();
    levels
        .iter()
        .copied()
        .min_by(|a, b| distance(a).total_cmp(&distance(b)))
}

/// How much nearer to spot another level must be to be taken instead, of spot.
const NEARER: f64 = 0.0025;

/// For how many passes in a row.
const PASSES: u8 = 3;

/// How far the followed level may move in one pass, of itself; what is beyond is another one.
const REACH: f64 = 0.01;

/// Follows one of several levels from pass to pass, so that the published one does not jump to and
/// fro between two that are about as near.
///
/// It starts with the level nearest to spot, and goes on with the one nearest to where it was. It
/// changes to another where that is nearer to spot by more than 0.25 % of spot in three passes in a
/// row, and starts anew where no level is left within 1 % of the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tracker {
    /// The level of the last pass, in price units; none before the first and where none was.
    last: Option<f64>,
    /// For how many passes in a row another level has been the nearer one.
    nearer_for: u8,
}

impl Tracker {
    /// The level to show in this pass; `None` where there is none, which also forgets the last.
    pub fn follow(&mut self, spot: f64, levels: &[Level]) -> Option<Level> {
        let Some(nearest_to_spot) = nearest(levels, spot) else {
            *self = Self::default();
            return None;
        };
        let kept = self.last.and_then(|last| {
            nearest(levels, last).filter(|level| (level.spot - last).abs() <= REACH * last.abs())
        });
        let chosen = match kept {
            None => {
                self.nearer_for = 0;
                nearest_to_spot
            }
            Some(kept) => {
                let gain = (kept.spot - spot).abs() - (nearest_to_spot.spot - spot).abs();
                let nearer = gain > NEARER * spot.abs();
                self.nearer_for = if nearer {
                    self.nearer_for.saturating_add(1)
                } else {
                    0
                };
                if self.nearer_for < PASSES {
                    kept
                } else {
                    self.nearer_for = 0;
                    nearest_to_spot
                }
            }
        };
        self.last = Some(chosen.spot);
        Some(chosen)
    }
}

#[cfg(test)]
mod tests;
