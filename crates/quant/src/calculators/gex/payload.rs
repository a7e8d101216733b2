//! The document of gamma exposure.

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calculator::Status;
use crate::exposure::{ByStrike, Conventions, Levels, SignConvention, StrikeExposure};
use crate::history::SameTime;
use crate::math::zero_gamma::{self, Level, ZeroGamma};
use crate::pricing::Basis;

/// The document. Exposures are in units of the currency of delta change per +1 % of spot, unless a
/// field says otherwise. Everything is null unless the status is `ok`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Payload {
    /// Price of the underlying that everything is computed at.
    pub spot: Option<f64>,
    /// Σ Γ·OI·M·S² over calls and puts alike: unsigned, per 100 % of spot.
    pub total_gex: Option<f64>,
    /// The same by strike, all expiries and roots added.
    pub gex_by_strike: Option<ByStrike<f64>>,
    /// The strike with the largest of them among those with enough open interest.
    pub max_gex_strike: Option<f64>,
    /// Zero gamma nearest to spot; null where the re-priced profile has none.
    pub zero_gamma_strike: Option<f64>,
    /// Up to three strikes below spot with more than a tenth of the total, nearest first.
    pub supports: Option<Vec<f64>>,
    /// Up to three strikes at or above spot with more than a tenth of the total, nearest first.
    pub resistances: Option<Vec<f64>>,
    /// What hedging the book does to moves, by the signed total at spot; neutral within a quarter of
    /// a day's expected move of zero gamma.
    pub regime: Option<Regime>,
    /// `dollar`.
    pub units: Option<String>,
    /// `total_gex` against its history at minute marks; null under the minimum count.
    pub zscore: Option<f64>,
    /// Mean of that history.
    pub zscore_mean: Option<f64>,
    /// Its sample standard deviation.
    pub zscore_stddev: Option<f64>,
    /// Values in it.
    pub zscore_samples: Option<usize>,
    /// Most values it holds.
    pub zscore_window: Option<usize>,
    /// Whether there is a z-score: `warming` under the minimum count.
    pub zscore_status: Option<Status>,
    /// `total_gex` against the same minute of earlier sessions.
    pub zscore_same_time: Option<SameTime>,
    /// The convention behind walls, tables, profile, regime and zero gamma.
    pub sign: Option<SignConvention>,
    /// Exposure under each convention. A positive one is sold into strength by who hedges it.
    pub gex_usd_per_1pct: Option<Conventions>,
    /// The same per point of spot.
    pub gex_usd_per_point: Option<Conventions>,
    /// The same in shares of the underlying.
    pub gex_shares_per_1pct: Option<Conventions>,
    /// Change of the exposure per further +1 % of spot (2SΓ + S²·speed).
    pub gex_slope_usd_per_1pct: Option<Conventions>,
    /// Size of the signed exposure over average daily dollar volume (Barbon, Buraschi); null where
    /// the volume is not known.
    pub adv_share: Option<f64>,
    /// Strike with the most call gamma; of equal ones the lowest.
    pub call_wall: Option<f64>,
    /// Strike with the most put gamma; of equal ones the highest.
    pub put_wall: Option<f64>,
    /// Strike with the largest positive net gamma.
    pub net_positive_wall: Option<f64>,
    /// Strike with the largest negative net gamma.
    pub net_negative_wall: Option<f64>,
    /// Strike with the most gamma of calls and puts together.
    pub max_gross_gamma_strike: Option<f64>,
    /// Strike with the largest net gamma of either sign.
    pub max_abs_net_gamma_strike: Option<f64>,
    /// Where net gamma summed from the lowest strike up changes sign: re-prices nothing, for
    /// comparison only.
    pub gamma_flip_by_strike: Option<f64>,
    /// The three largest of each kind with their sizes, over all expiries.
    pub levels: Option<Levels>,
    /// The spots at which the re-priced exposure changes sign.
    pub zero_gamma: Option<ZeroGammaFields>,
    /// The exposure re-priced along spot.
    pub profile: Option<Profile>,
    /// Exposure by strike, all expiries and roots added.
    pub by_strike: Option<Vec<StrikeExposure>>,
    /// Exposure by expiry date.
    pub by_expiry: Option<Vec<ExpiryExposure>>,
    /// Exposure of strikes within 1, 2 and 5 % of spot.
    pub within: Option<Vec<Band>>,
    /// Share of gross gamma on standard monthly expiries, 0 to 1.
    pub monthly_gross_share: Option<f64>,
    /// Share of gross gamma that expires today, 0 to 1.
    pub zero_dte_share: Option<f64>,
    /// Exposure of what expires today.
    pub zero_dte: Option<ZeroDte>,
    /// Share of the source's own gamma that stands on contracts that could not be priced, 0 to 1;
    /// null where the source states no gamma.
    pub gamma_share_dropped: Option<f64>,
    /// Gamma of today's volume in place of open interest. The volume itself has no side.
    pub gex_volume: Option<Conventions>,
    /// Gross exposure between which it lies, as today's volume opened or closed positions.
    pub effective_oi_bound: Option<Bound>,
    /// The session whose close the open interest is of; null where the calendar does not know it.
    pub oi_as_of: Option<NaiveDate>,
    /// Whether totals and levels take the source's gamma rather than ours.
    pub vendor_gamma: Option<bool>,
    /// What the numbers rest on.
    pub basis: Option<Basis>,
}

/// What hedging a book does to moves of its underlying.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Regime {
    /// Hedgers sell strength and buy weakness.
    Stabilizing,
    /// Hedgers buy strength and sell weakness.
    Destabilizing,
    /// Neither can be told.
    Neutral,
}

/// The spots at which a re-priced exposure changes sign.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ZeroGammaFields {
    /// The one nearest to spot.
    pub nearest: Option<f64>,
    /// The one that is followed from run to run: it changes only where another has been nearer by
    /// 0.25 % of spot for three runs.
    pub tracked: Option<f64>,
    /// All of them, rising, each with its slope.
    pub roots: Vec<Level>,
    /// Slope at the nearest: change of exposure per point of spot.
    pub slope: Option<f64>,
    /// How many there are: `none`, `one`, `many`, or `degenerate` where long and short cancel.
    pub status: zero_gamma::Status,
    /// Spot less the nearest, over spot, percent: positive where spot is above it.
    pub distance_pct: Option<f64>,
    /// Spot less the nearest in one-day expected moves S·σ·√(1/365), σ at the money.
    pub distance_expected_moves: Option<f64>,
}

impl ZeroGammaFields {
    pub(super) fn of(
        zero: &ZeroGamma,
        tracked: Option<Level>,
        spot: f64,
        expected_move: Option<f64>,
    ) -> Self {
        let nearest = zero.nearest(spot);
        let distance = nearest.map(|level| spot - level.spot);
        Self {
            nearest: nearest.map(|level| level.spot),
            tracked: tracked.map(|level| level.spot),
            roots: zero.levels.clone(),
            slope: nearest.map(|level| level.slope),
            status: zero.status,
            distance_pct: distance.map(|distance| 100.0 * distance / spot),
            distance_expected_moves: distance
                .zip(expected_move)
                .map(|(distance, step)| distance / step),
        }
    }
}

/// Exposure re-priced along spot at each strike's own volatility (sticky strike), now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Profile {
    /// Spots, rising, at equal distances.
    pub spots: Vec<f64>,
    /// Exposure at each.
    pub gex: Vec<f64>,
    /// Without the contracts of the next expiry date.
    pub gex_without_next_expiry: Vec<f64>,
    /// Without the contracts of the next standard monthly expiry; empty where none is open.
    pub gex_without_next_monthly: Vec<f64>,
    /// The next expiry date with open interest.
    pub next_expiry: Option<NaiveDate>,
    /// The next standard monthly one with open interest.
    pub next_monthly: Option<NaiveDate>,
}

/// Exposure of one expiry date.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExpiryExposure {
    /// The date.
    pub expiry: NaiveDate,
    /// Days until then, in the exchange's zone.
    pub dte: i64,
    /// Under the convention of the document.
    pub net: f64,
    /// Calls and puts together.
    pub gross: f64,
}

/// Exposure of the strikes near spot.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Band {
    /// Within so many percent of spot.
    pub pct: f64,
    /// Under the convention of the document.
    pub net: f64,
    /// Calls and puts together.
    pub gross: f64,
}

/// Exposure of what expires today.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ZeroDte {
    /// By open interest, which holds nothing that was opened today.
    pub gex: Conventions,
    /// By today's volume.
    pub gex_volume: Conventions,
}

/// Two ends.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bound {
    /// The lower.
    pub low: f64,
    /// The higher.
    pub high: f64,
}
