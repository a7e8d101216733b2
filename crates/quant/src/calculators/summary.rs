//! Summary: the few scalars that roll-ups and tables read, with the status and time of their sources.
//!
//! Under 1 KB, written on every pass, so that a roll-up over thousands of symbols is one batch
//! read. For that a number without a value is left out, and its source's status says why; numbers
//! are rounded to eleven significant digits.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use super::{charm, dex, flow_clusters, gex, hedging_impact, obi, skew, vanna, vpin};
use crate::calculator::{Calculator, Counted, Job, NoValue, Status};
use crate::exposure::{Conventions, SignConvention};
use crate::market::{Quote, Timestamp};
use crate::snapshot::Latest;

/// The document. A number that is not there has no value; `status` says why.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Payload {
    /// Price of the underlying: last trade, else mid, in its currency.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "rounded")]
    #[schemars(with = "Option<f64>")]
    pub spot: Option<f64>,
    /// Shares traded today.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "rounded")]
    #[schemars(with = "Option<f64>")]
    pub volume: Option<f64>,
    /// VPIN, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "rounded")]
    #[schemars(with = "Option<f64>")]
    pub vpin: Option<f64>,
    /// Imbalance of up to five book levels, −1 to 1.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "rounded")]
    #[schemars(with = "Option<f64>")]
    pub level5_imbalance: Option<f64>,
    /// Spread over mid, basis points.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "rounded")]
    #[schemars(with = "Option<f64>")]
    pub spread_bps: Option<f64>,
    /// Gamma exposure of all contracts, unsigned, money per 100 %.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "rounded")]
    #[schemars(with = "Option<f64>")]
    pub total_gex: Option<f64>,
    /// The same with the dealers' sign, money per 1 %.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "rounded")]
    #[schemars(with = "Option<f64>")]
    pub signed_gex: Option<f64>,
    /// Delta exposure of all contracts, money.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "rounded")]
    #[schemars(with = "Option<f64>")]
    pub total_dex: Option<f64>,
    /// Of calls.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "rounded")]
    #[schemars(with = "Option<f64>")]
    pub call_dex: Option<f64>,
    /// Of puts.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "rounded")]
    #[schemars(with = "Option<f64>")]
    pub put_dex: Option<f64>,
    /// With the dealers' sign.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "rounded")]
    #[schemars(with = "Option<f64>")]
    pub signed_dex: Option<f64>,
    /// Vanna, money of delta per point of volatility.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "rounded")]
    #[schemars(with = "Option<f64>")]
    pub vanna: Option<f64>,
    /// With the dealers' sign.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "rounded")]
    #[schemars(with = "Option<f64>")]
    pub signed_vanna: Option<f64>,
    /// Charm, money of delta per calendar day.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "rounded")]
    #[schemars(with = "Option<f64>")]
    pub charm: Option<f64>,
    /// With the dealers' sign.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "rounded")]
    #[schemars(with = "Option<f64>")]
    pub signed_charm: Option<f64>,
    /// Hedging of a move of 1 %, money.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "rounded")]
    #[schemars(with = "Option<f64>")]
    pub hedging: Option<f64>,
    /// The same in shares.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "rounded")]
    #[schemars(with = "Option<f64>")]
    pub hedging_shares: Option<f64>,
    /// Implied volatility of the put less that of the call.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "rounded")]
    #[schemars(with = "Option<f64>")]
    pub skew: Option<f64>,
    /// At-the-money implied volatility at 30 days.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "rounded")]
    #[schemars(with = "Option<f64>")]
    pub iv30: Option<f64>,
    /// Share of trades that follow the price.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "rounded")]
    #[schemars(with = "Option<f64>")]
    pub momentum: Option<f64>,
    /// Share of trades that look like hedges.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "rounded")]
    #[schemars(with = "Option<f64>")]
    pub hedges: Option<f64>,
    /// Sources that are not `ok`.
    pub status: BTreeMap<Source, Status>,
    /// Newest input of each source, milliseconds since the epoch; one that is as new as the ticker
    /// is left out.
    pub as_of_ms: BTreeMap<Source, i64>,
}

/// The document a number is taken from.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The ticker: `spot`, `volume`.
    Ticker,
    /// `vpin`.
    Vpin,
    /// `level5_imbalance`, `spread_bps`.
    Obi,
    /// `total_gex`, `signed_gex`.
    Gex,
    /// `total_dex`, `call_dex`, `put_dex`, `signed_dex`.
    Dex,
    /// `vanna`, `signed_vanna`.
    Vanna,
    /// `charm`, `signed_charm`.
    Charm,
    /// `hedging`, `hedging_shares`.
    Hedging,
    /// `skew`, `iv30`.
    Skew,
    /// `momentum`, `hedges`.
    Clusters,
}

/// The days of the volatility that is compared between symbols.
const DAYS: f64 = 30.0;

/// The summary of one symbol.
pub struct Summary {
    used: u64,
}

/// The documents of its chain.
type OfChain<'a> = (
    Latest<'a, gex::Gex>,
    Latest<'a, dex::Dex>,
    Latest<'a, vanna::Vanna>,
    Latest<'a, charm::Charm>,
    Latest<'a, hedging_impact::HedgingImpact>,
    Latest<'a, skew::Skew>,
);

impl Calculator for Summary {
    const NAME: &'static str = "summary";
    const CONFIG: Option<&'static str> = None;
    const ABOUT: &'static str = "Summary: the few scalars that roll-ups and tables read, with the \
        status and time of their sources.";
    const JOB: Job = Job::Summary;
    type Params = ();
    type Input<'a> = (
        Result<&'a Quote, NoValue>,
        Latest<'a, vpin::Vpin>,
        Latest<'a, obi::Obi>,
        OfChain<'a>,
        Latest<'a, flow_clusters::FlowClusters>,
    );
    type Payload = Payload;
    type State = ();

    fn new((): (), (): ()) -> Result<Self, String> {
        Ok(Self { used: 0 })
    }

    fn state(&self) -> &() {
        &()
    }

    fn compute(
        &mut self,
        (quote, vpin, obi, chain, clusters): Self::Input<'_>,
        _now: Timestamp,
    ) -> Result<Payload, NoValue> {
        let mut payload = Payload::default();
        match quote {
            Ok(quote) => {
                payload.spot = quote.spot.map(|price| price.to_f64());
                payload.volume = quote.volume.map(|size| size.to_f64());
                payload.as_of_ms.insert(Source::Ticker, quote.at.millis());
            }
            Err(why) => {
                payload.status.insert(Source::Ticker, why.status());
            }
        }
        if let Some(vpin) = payload.take(Source::Vpin, &vpin) {
            payload.vpin = Some(vpin.value);
        }
        if let Some(obi) = payload.take(Source::Obi, &obi) {
            payload.level5_imbalance = obi.level5_imbalance;
            payload.spread_bps = obi.spread_bps;
        }
        payload.take_chain(&chain);
        if let Some(clusters) = payload.take(Source::Clusters, &clusters) {
            let strategies = clusters.strategy_distribution.as_ref();
            payload.momentum = strategies.map(|shares| shares.momentum);
            payload.hedges = strategies.map(|shares| shares.hedging);
        }
        self.used = payload.present();
        match quote {
            Err(why) if self.used == 0 => Err(why),
            Ok(_) | Err(_) => Ok(payload),
        }
    }

    fn counted(&self) -> Counted {
        Counted {
            used: self.used,
            ..Counted::default()
        }
    }

    fn absent(status: Status) -> Payload {
        Payload {
            status: [(Source::Ticker, status)].into(),
            ..Payload::default()
        }
    }
}

impl Payload {
    /// The value of a document, and its status and time noted.
    fn take<'a, C: Calculator>(
        &mut self,
        source: Source,
        latest: &Latest<'a, C>,
    ) -> Option<&'a C::Payload> {
        if latest.status != Status::Ok {
            self.status.insert(source, latest.status);
        }
        let as_of = latest.payload.and(latest.as_of).map(Timestamp::millis);
        let as_new = self.as_of_ms.get(&Source::Ticker).copied();
        if let Some(as_of) = as_of.filter(|as_of| Some(*as_of) != as_new) {
            self.as_of_ms.insert(source, as_of);
        }
        latest.payload
    }

    fn take_chain(&mut self, (gex, dex, vanna, charm, hedging, skew): &OfChain<'_>) {
        // Whose sign it is, gamma exposure says; without it none is signed.
        let mut sign = None;
        if let Some(gex) = self.take(Source::Gex, gex) {
            sign = gex.sign;
            self.total_gex = gex.total_gex;
            self.signed_gex = signed(gex.gex_usd_per_1pct.as_ref(), sign);
        }
        if let Some(dex) = self.take(Source::Dex, dex) {
            self.total_dex = dex.total_dex;
            self.call_dex = dex.call_dex;
            self.put_dex = dex.put_dex;
            self.signed_dex = signed(dex.dex_usd.as_ref(), sign);
        }
        if let Some(vanna) = self.take(Source::Vanna, vanna) {
            self.vanna = vanna.total_vanna_notional_per_pct_vol;
            self.signed_vanna = signed(vanna.vex_usd_per_volpt.as_ref(), sign);
        }
        if let Some(charm) = self.take(Source::Charm, charm) {
            self.charm = charm.total_charm_notional_per_day;
            self.signed_charm = signed(charm.chex_usd_per_day.as_ref(), sign);
        }
        if let Some(hedging) = self.take(Source::Hedging, hedging) {
            self.hedging = hedging.notional_per_pct_move;
            self.hedging_shares = hedging.shares_per_pct_move;
        }
        if let Some(skew) = self.take(Source::Skew, skew) {
            self.skew = skew.skew;
            let term = skew.term.as_deref().unwrap_or_default();
            let point = term.iter().find(|point| point.days == DAYS);
            self.iv30 = point.and_then(|point| point.atm_iv);
        }
    }

    /// The scalars that have a value.
    fn present(&self) -> u64 {
        let scalars = [
            self.spot,
            self.volume,
            self.vpin,
            self.level5_imbalance,
            self.spread_bps,
            self.total_gex,
            self.signed_gex,
            self.total_dex,
            self.call_dex,
            self.put_dex,
            self.signed_dex,
            self.vanna,
            self.signed_vanna,
            self.charm,
            self.signed_charm,
            self.hedging,
            self.hedging_shares,
            self.skew,
            self.iv30,
            self.momentum,
            self.hedges,
        ];
        scalars.iter().flatten().count() as u64
    }
}

/// An amount under the convention that was chosen.
fn signed(amounts: Option<&Conventions>, sign: Option<SignConvention>) -> Option<f64> {
    Some(amounts?.under(sign?))
}

/// Eleven significant digits: a relative error under 5e-11.
fn rounded<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    let text = value.map(|value| format!("{value:.10e}"));
    let rounded = text.and_then(|text| text.parse::<f64>().ok());
    rounded.serialize(serializer)
}
