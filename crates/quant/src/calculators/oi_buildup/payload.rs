//! The document of open-interest build-up.

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::math::oi_buildup::{Bias, Label};

/// The document. Everything is null unless the status is `ok`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Payload {
    /// Price of the underlying.
    pub spot: Option<f64>,
    /// Each expiry and root whose open interest is stated, nearest first.
    pub by_expiry: Option<Vec<ExpiryBuildUp>>,
}

/// The build-up of one expiry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExpiryBuildUp {
    /// The date.
    pub expiry: NaiveDate,
    /// Root of its contracts.
    pub root: String,
    /// The one listed strike that is at the money: the nearest to spot, of equally near ones the lower.
    pub atm_strike: f64,
    /// Open interest in zones around that strike; those of calls add up to `call_oi`, those of puts
    /// to `put_oi`.
    pub zones: Zones,
    /// Contracts open in calls.
    pub call_oi: f64,
    /// Contracts open in puts.
    pub put_oi: f64,
    /// Which side out of the money is heavier.
    pub interpretation: Interpretation,
    /// Strike at or below spot with the most put open interest, of equal ones the nearest; null where
    /// none is open there.
    pub support: Option<f64>,
    /// Strike at or above spot with the most call open interest, of equal ones the nearest; null where
    /// none is open there.
    pub resistance: Option<f64>,
    /// What all contracts say of the underlying, each by the positions that changed in it.
    pub bias: Bias,
    /// Every strike at which something is or was open, rising.
    pub strikes: Vec<StrikeBuildUp>,
}

/// Open interest by zone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Zones {
    /// Of calls: in the money below the strike at the money.
    pub call: ZoneSums,
    /// Of puts: in the money above it.
    pub put: ZoneSums,
}

/// Contracts open in, at and out of the money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ZoneSums {
    /// In the money.
    pub itm: f64,
    /// At the one strike at the money.
    pub atm: f64,
    /// Out of the money.
    pub otm: f64,
}

/// Which side out of the money has more open interest: a level, which says nothing of who opened it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Interpretation {
    /// Calls.
    #[serde(rename = "Resistance above - heavier OTM call interest")]
    Resistance,
    /// Puts.
    #[serde(rename = "Support below - heavier OTM put interest")]
    Support,
    /// As much of both.
    Balanced,
}

impl Interpretation {
    /// Of the open interest out of the money in calls and in puts.
    pub(super) fn of(calls: f64, puts: f64) -> Self {
        if calls > puts {
            Self::Resistance
        } else if puts > calls {
            Self::Support
        } else {
            Self::Balanced
        }
    }
}

/// The build-up at one strike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StrikeBuildUp {
    /// The strike.
    pub strike: f64,
    /// The call; null where nothing is or was open in it.
    pub call: Option<ContractBuildUp>,
    /// The put.
    pub put: Option<ContractBuildUp>,
    /// What both say of the underlying, each by the positions that changed in it.
    pub bias: Bias,
}

/// The build-up of one contract.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ContractBuildUp {
    /// Contracts open.
    pub open_interest: f64,
    /// Change of them; null without a reference.
    pub oi_change: Option<f64>,
    /// The same in percent of what was open before; null without a reference and where nothing was.
    pub oi_pct: Option<f64>,
    /// Change of the contract's own price, percent; null without a reference.
    pub price_pct: Option<f64>,
    /// What became of positions; null where a change is not known.
    pub state: Option<Label>,
    /// What that says of the underlying.
    pub bias: Option<Bias>,
    /// What the open interest is compared with.
    pub oi_reference: Option<Reference>,
    /// What the price is compared with.
    pub price_reference: Option<Reference>,
    /// Why there is no state.
    pub reason: Option<NoState>,
}

/// What a number is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reference {
    /// The session before, by the source's own change.
    Source,
    /// The last of the session before, as it was seen here.
    PreviousSession,
    /// The first of this session, as it was seen here.
    SessionStart,
}

/// Why a contract has no state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoState {
    /// Its open interest is seen for the first time, and the source states no change.
    NoReference,
    /// Its price before or now is not known.
    NoPrice,
}
