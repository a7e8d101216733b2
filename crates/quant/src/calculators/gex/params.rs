//! Settings of gamma and delta exposure.

use serde::{Deserialize, Serialize};

use crate::exposure::SignConvention;
use crate::history::Extent;

/// Settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The convention behind walls, regime and zero gamma; totals are given under each.
    pub sign: SignConvention,
    /// Fewest contracts of open interest of a strike that can be the largest.
    pub levels_oi_floor: f64,
    /// Half the width of the grid of spots, of spot.
    pub grid_pct: f64,
    /// Spots on it.
    pub grid_points: usize,
    /// Whether totals and levels take the gamma that the source states. Zero gamma re-prices and
    /// cannot: it then takes the contracts whose volatility the source states, and no others.
    pub use_vendor_gamma: bool,
    /// Minute marks in the history.
    pub history_window: usize,
    /// Fewest of them behind a z-score.
    pub min_samples: usize,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            sign: SignConvention::DealerLongCallsShortPuts,
            levels_oi_floor: 5.0,
            grid_pct: 0.20,
            grid_points: 161,
            use_vendor_gamma: false,
            history_window: 240,
            min_samples: 20,
        }
    }
}

impl Params {
    /// Whether they can be used; an error names each setting that cannot.
    pub fn check(&self) -> Result<(), String> {
        let mut wrong = Vec::new();
        if !(0.0..=1e9).contains(&self.levels_oi_floor) {
            let is = self.levels_oi_floor;
            wrong.push(format!("levels_oi_floor: must be 0 to 1e9 (is {is})"));
        }
        if !(0.01..=0.9).contains(&self.grid_pct) {
            wrong.push(format!(
                "grid_pct: must be 0.01 to 0.9 (is {})",
                self.grid_pct
            ));
        }
        if !(11..=2001).contains(&self.grid_points) {
            let is = self.grid_points;
            wrong.push(format!("grid_points: must be 11 to 2001 (is {is})"));
        }
        wrong.extend(
            self.marks()
                .check(10_000, "history_window", "min_samples")
                .err(),
        );
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(wrong.join("\n")),
        }
    }

    /// How much history.
    pub fn marks(&self) -> Extent {
        Extent {
            window: self.history_window,
            minimum: self.min_samples,
        }
    }
}
