//! The document.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::naming::Strategy;

/// The document. Lists of clusters are in the order of the labels, which keep their identity from
/// pass to pass. Everything is null unless the status is `ok`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Payload {
    /// Trades that were clustered.
    pub samples: Option<usize>,
    /// Share of the trades by what their cluster might be for; adds up to 1. All `unknown` where
    /// the trades are not in clusters.
    pub strategy_distribution: Option<Strategies>,
    /// Share of the trades in clusters of large and of small mean size; adds up to 1.
    pub participant_distribution: Option<Participants>,
    /// The same under the name of what it is: sizes tell little of who traded.
    pub size_mix: Option<Participants>,
    /// The clusters, three of them.
    pub cluster_stats: Option<Vec<ClusterStats>>,
    /// Means of the clusters, three of six features each, in standardised units.
    pub centroids: Option<Vec<Vec<f64>>>,
    /// The features, in the order they have in the centroids.
    pub feature_names: Option<Vec<String>>,
    /// What is 0 in standardised units, by feature: trailing medians, frozen for the session.
    pub feature_centers: Option<Vec<f64>>,
    /// What is 1 in standardised units, by feature: trailing interquartile ranges, frozen for the
    /// session and no less than a floor; fixed for sign and sweep. Rows are held within 5 of them.
    pub feature_units: Option<Vec<f64>>,
    /// Mean silhouette of the trades, −1 to 1.
    pub silhouette: Option<f64>,
    /// Mean adjusted Rand index between the clusters of resampled trades: 1 where chance in the
    /// sample changes nothing, about 0 where it decides; null where too few samples had clusters.
    pub stability: Option<f64>,
    /// The seed of the starts and of the resampling: the same trades give the same clusters.
    pub seed: Option<u64>,
    /// Whether the trades are in no clusters worth the name: the silhouette is below 0.25, or one
    /// cluster explains them better by the Bayesian information criterion.
    pub unclustered: Option<bool>,
    /// Mean distance of the centroids from those of the pass before that they were matched with,
    /// in standardised units; null on the first pass.
    pub match_distance: Option<f64>,
}

/// Shares of the trades, each 0 to 1. The names are hypotheses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Strategies {
    /// In the direction the price had moved.
    pub momentum: f64,
    /// Against it.
    pub mean_reversion: f64,
    /// Large, where the price had not moved.
    pub hedging: f64,
    /// None of these by a margin.
    pub unknown: f64,
}

/// Shares of the trades, each 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Participants {
    /// In clusters whose mean size is at least that of the settings.
    pub institutional: f64,
    /// In the others.
    pub retail: f64,
}

/// One cluster in units of the market.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClusterStats {
    /// Trades in it.
    pub count: usize,
    /// Mean sign, −1 (all sells) to 1 (all buys).
    pub mean_direction: f64,
    /// Mean size of the relative price change since the trade before, decimal.
    pub mean_abs_return: f64,
    /// Mean of price times size, in the currency.
    pub mean_notional: f64,
    /// Mean size, shares or contracts.
    pub mean_size: f64,
    /// Mean time since the trade before, seconds.
    pub mean_time_gap: f64,
    /// Share of intermarket sweeps, 0 to 1, as far as the source marks them.
    pub sweep_ratio: f64,
    /// What its trades might be for; a hypothesis.
    pub strategy: Strategy,
}

impl Strategies {
    pub(super) fn share_mut(&mut self, strategy: Strategy) -> &mut f64 {
        match strategy {
            Strategy::Momentum => &mut self.momentum,
            Strategy::MeanReversion => &mut self.mean_reversion,
            Strategy::Hedging => &mut self.hedging,
            Strategy::Unknown => &mut self.unknown,
        }
    }
}
