//! What the document says.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calculator::Status;
use crate::history::SameTime;
use crate::volatility::index::{Components, OneDayIndex};
use crate::volatility::regime::{Regime, Thresholds};

/// The document.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Payload {
    /// The level, volatility points a year.
    pub value: Option<f64>,
    /// Points since the newest sample of this source at least 5 minutes old; null where there is
    /// none within 10 minutes.
    pub change_5m: Option<f64>,
    /// The same of an hour; null where there is none within two.
    pub change_1h: Option<f64>,
    /// (value − mean) / stdev of this source's samples before it; null under the minimum count.
    pub zscore: Option<f64>,
    /// Mean of those samples.
    pub mean: Option<f64>,
    /// Sample standard deviation of those samples.
    pub stdev: Option<f64>,
    /// How many they are.
    pub samples: Option<usize>,
    /// Share of those samples at or below the value, 0 to 1; null under the minimum count.
    pub percentile: Option<f64>,
    /// 0.67449 (value − median) / MAD of those samples; null under the minimum count.
    pub robust_zscore: Option<f64>,
    /// Against the same minute of other sessions.
    pub time_of_day: Option<SameTime>,
    /// BENIGN, NORMAL, ELEVATED or SHOCK.
    pub regime: Option<Regime>,
    /// Where the level comes from: chain, ibkr, cboe, yahoo, manual.
    pub source: Option<String>,
    /// The instant the level is of, RFC 3339; the same as `observed_at`.
    pub as_of: Option<String>,
    /// Levels at which regimes begin.
    pub thresholds: Option<Thresholds>,
    /// The instant the level is of, RFC 3339.
    pub observed_at: Option<String>,
    /// When it was read, RFC 3339.
    pub fetched_at: Option<String>,
    /// Whether its source publishes late.
    pub delayed: Option<bool>,
    /// The parts of the level, where it is computed from the chain.
    pub components: Option<Components>,
    /// Strikes it is computed from.
    pub strikes: Option<usize>,
    /// Our own level less the published one of nearly the same time; null where either is not there.
    pub residual_to_official: Option<f64>,
    /// The level over that of VIX, where VIX is among the symbols.
    pub ratio_to_vix: Option<f64>,
    /// VIX9D over VIX, where both are among the symbols.
    pub vix9d_to_vix: Option<f64>,
    /// How each source stands.
    pub sources: Option<BTreeMap<String, SourceState>>,
}

/// How one source stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SourceState {
    /// What it says.
    pub value: Option<f64>,
    /// The instant that is of, RFC 3339.
    pub observed_at: Option<String>,
    /// How long ago that was, seconds.
    pub age: Option<f64>,
    /// Whether it publishes late.
    pub delayed: Option<bool>,
    /// Whether it speaks for now.
    pub status: Status,
    /// Why it does not.
    pub reason: Option<String>,
}

/// Strikes that an index is computed from.
pub(super) fn strikes(index: &OneDayIndex) -> usize {
    let near = index.near.as_ref().and_then(|term| term.strip.as_ref());
    let strips = near.into_iter().chain(index.next.strip.as_ref());
    strips.map(|strip| strip.strikes_used()).sum()
}
