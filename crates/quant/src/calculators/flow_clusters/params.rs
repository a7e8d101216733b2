//! The settings.

use serde::{Deserialize, Serialize};

use super::fitting::K;

/// Settings of the flow clusters.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Trades that are clustered.
    pub window_trades: usize,
    /// Fewest of them.
    pub min_trades: usize,
    /// Mean size, shares or contracts, from which a cluster counts as institutional.
    pub institutional_size: f64,
    /// Seed of the starts and of the bootstrap.
    pub random_state: u64,
    /// Starts by k-means++ on the first fit and on every tenth.
    pub n_init: usize,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            window_trades: 200,
            min_trades: 40,
            institutional_size: 250.0,
            random_state: 42,
            n_init: 10,
        }
    }
}

impl Params {
    /// Most trades: the silhouette takes the square of them.
    const MOST: usize = 2_000;

    pub(super) fn check(&self) -> Result<(), String> {
        let mut wrong = Vec::new();
        let mut bounded = |name: &str, is: usize, least: usize, most: usize| {
            if !(least..=most).contains(&is) {
                wrong.push(format!("{name}: must be {least} to {most} (is {is})"));
            }
        };
        bounded("window_trades", self.window_trades, 2 * K, Self::MOST);
        let window = self.window_trades.clamp(2 * K, Self::MOST);
        bounded("min_trades", self.min_trades, 2 * K, window);
        bounded("n_init", self.n_init, 1, 1_000);
        let size = self.institutional_size;
        if !(size.is_finite() && size >= 0.0) {
            wrong.push(format!("institutional_size: must be >= 0 (is {size})"));
        }
        // TOML and JSON readers hold integers up to there.
        if self.random_state > i64::MAX as u64 {
            let is = self.random_state;
            wrong.push(format!("random_state: must be below 2^63 (is {is})"));
        }
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(wrong.join("\n")),
        }
    }
}
