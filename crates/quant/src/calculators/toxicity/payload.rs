//! What toxicity publishes.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::costs::{Horizons, PriceImpact};

/// The document. Everything but `status` is null unless `meta.status` is `ok`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Payload {
    /// VPIN, 0 to 1; null where it has no value. A true 0 stays 0.
    pub toxicity_score: Option<f64>,
    /// Level of `toxicity_score`.
    pub toxicity_level: Option<Level>,
    /// Weighted mean of the components there are, 0 to 1.
    pub toxicity_adjusted: Option<f64>,
    /// Level of `toxicity_adjusted`.
    pub toxicity_adjusted_level: Option<Level>,
    /// What it is the mean of.
    pub components: Option<Components>,
    /// Share of the weights whose component is there, times the share of the volume whose side is
    /// known, 0 to 1.
    pub confidence: Option<f64>,
    /// VPIN's place among its own past values, 0 to 1; null until there are enough of them.
    pub vpin_percentile: Option<f64>,
    /// |bought − sold| / (bought + sold) by volume, 0 to 1; null where no side is known.
    pub aggressor_ratio: Option<f64>,
    /// The same with its sign, −1 all sold to 1 all bought.
    pub aggressor_imbalance: Option<f64>,
    /// Who took more: `buy`, `sell`, or `neutral` where they took the same.
    pub aggressor_side: Option<AggressorSide>,
    /// Share of the volume in large prints, 0 to 1.
    pub large_trade_ratio: Option<f64>,
    /// Share of the volume printed at or through the quote, 0 to 1.
    pub spread_cross_ratio: Option<f64>,
    /// Half of `large_trade_ratio` and `aggressor_ratio` added, 0 to 1.
    pub institutional_score: Option<f64>,
    /// Trades looked at, without those that were left out.
    pub total_trades_analyzed: Option<u64>,
    /// Their volume, shares.
    pub total_volume: Option<f64>,
    /// Of it, printed at or through the quote.
    pub aggressive_volume: Option<f64>,
    /// The volume by how it is known.
    pub derived_venue_mix: Option<VenueMix>,
    /// Share of the volume by venue as the source spells it, `unknown` where it names none; they
    /// add up to 1.
    pub venues: Option<BTreeMap<String, f64>>,
    /// Middle of the quote now, else of the newest trade's; null without a regular one.
    pub midpoint: Option<f64>,
    /// What takers paid, 2·D·(P − M)/M over the mid before each trade, basis points, by size;
    /// null where no trade has a side and a regular quote.
    pub effective_spread_bps: Option<f64>,
    /// What makers kept of it after 1, 5 and 60 seconds, basis points, by size: negative where
    /// prices run on against them. Null where the trades do not reach as far.
    pub realized_spread_bps: Option<Horizons<f64>>,
    /// What they lost to the move of the mid, basis points: of the same trades the effective
    /// spread less the realised one.
    pub price_impact_bps: Option<Horizons<f64>>,
    /// Trades behind these.
    pub realized_spread_trades: Option<Horizons<u64>>,
    /// How far signed volume moves the mid; null under ten bars of trades.
    pub kyle_lambda: Option<PriceImpact>,
    /// `ok`, `unclassified` where no side is known, `no_trades` where there is none.
    pub status: Option<FlowStatus>,
}

/// A level of toxicity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Below the first threshold.
    Low,
    /// From the first threshold on.
    Moderate,
    /// From the second.
    High,
}

impl Level {
    /// The level of a score, given where moderate and high begin.
    pub fn of(score: f64, [moderate, high]: [f64; 2]) -> Self {
        if score >= high {
            Self::High
        } else if score >= moderate {
            Self::Moderate
        } else {
            Self::Low
        }
    }
}

/// What the adjusted score is the mean of, each 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Components {
    /// VPIN.
    pub vpin: Option<f64>,
    /// |bought − sold| / (bought + sold): nearly VPIN again.
    pub aggressor: Option<f64>,
    /// Share of large prints.
    pub large_trade: Option<f64>,
}

/// Who took more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AggressorSide {
    /// Buyers.
    Buy,
    /// Sellers.
    Sell,
    /// Neither.
    Neutral,
}

/// Volume by how it is known, shares.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VenueMix {
    /// At the offer or through it.
    pub aggressive_buy_volume: f64,
    /// At the bid or through it.
    pub aggressive_sell_volume: f64,
    /// Signed a buy.
    pub classified_buy_volume: f64,
    /// Signed a sell.
    pub classified_sell_volume: f64,
    /// All of it.
    pub total_volume: f64,
}

/// What the trades tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FlowStatus {
    /// Sides are known.
    Ok,
    /// There is no trade.
    NoTrades,
    /// No trade's side is known.
    Unclassified,
}
