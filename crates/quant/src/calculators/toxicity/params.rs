//! Settings of toxicity.

use serde::{Deserialize, Serialize};

/// Settings.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Trades looked at, as far as the tape holds them.
    pub trade_window: usize,
    /// Fewest usable ones among them.
    pub minimum_trades: usize,
    /// A print of at least so much money is large.
    pub large_trade_notional: f64,
    /// So is one of at least so many shares.
    pub large_trade_size: f64,
    /// How far short of an observed quote a print may be and still count as at it, basis points.
    pub spread_cross_tolerance_bps: f64,
    /// Weight of VPIN.
    pub vpin_weight: f64,
    /// Weight of the aggressor ratio.
    pub aggressor_weight: f64,
    /// Weight of the share of large prints.
    pub large_trade_weight: f64,
    /// Where moderate and high begin.
    pub levels: [f64; 2],
}

impl Default for Params {
    fn default() -> Self {
        Self {
            trade_window: 200,
            minimum_trades: 40,
            large_trade_notional: 250_000.0,
            large_trade_size: 250.0,
            spread_cross_tolerance_bps: 5.0,
            vpin_weight: 0.5,
            aggressor_weight: 0.3,
            large_trade_weight: 0.2,
            levels: [0.55, 0.70],
        }
    }
}

impl Params {
    pub(super) fn check(&self) -> Result<(), String> {
        let mut wrong = Vec::new();
        for (name, is, most) in [
            ("trade_window", self.trade_window, 10_000),
            ("minimum_trades", self.minimum_trades, self.trade_window),
        ] {
            if !(1..=most.max(1)).contains(&is) {
                wrong.push(format!("{name}: must be 1 to {most} (is {is})"));
            }
        }
        for (name, is, most) in [
            ("large_trade_notional", self.large_trade_notional, 1e15),
            ("large_trade_size", self.large_trade_size, 1e15),
            (
                "spread_cross_tolerance_bps",
                self.spread_cross_tolerance_bps,
                100.0,
            ),
            ("vpin_weight", self.vpin_weight, 1e6),
            ("aggressor_weight", self.aggressor_weight, 1e6),
            ("large_trade_weight", self.large_trade_weight, 1e6),
        ] {
            if !(0.0..=most).contains(&is) {
                wrong.push(format!("{name}: must be 0 to {most} (is {is})"));
            }
        }
        if self.vpin_weight + self.aggressor_weight + self.large_trade_weight == 0.0 {
            wrong.push("vpin_weight: must be above 0 where the other weights are 0".to_owned());
        }
        let [moderate, high] = self.levels;
        if !(0.0 <= moderate && moderate <= high && high <= 1.0) {
            let is = self.levels;
            wrong.push(format!("levels: must be two, rising, 0 to 1 (is {is:?})"));
        }
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(wrong.join("\n")),
        }
    }
}
