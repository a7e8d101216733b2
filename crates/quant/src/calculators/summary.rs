//! Summary: the few scalars that roll-ups and tables read, each with its status and time.
//!
//! Under 1 KB, written on every pass, so that a roll-up over thousands of symbols is one batch
//! read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{obi, vpin};
use crate::calculator::{Calculator, Counted, Job, NoValue, Status};
use crate::market::{Quote, Timestamp};
use crate::snapshot::Latest;

/// One number with its status.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Scalar {
    /// The number; null unless the status is `ok`.
    pub value: Option<f64>,
    /// Whether there is a number.
    pub status: Status,
    /// Newest input it rests on, milliseconds since the epoch.
    pub as_of_ms: Option<i64>,
}

/// The document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Payload {
    /// Price of the underlying: last trade, else mid, in its currency.
    pub spot: Scalar,
    /// VPIN, 0 to 1.
    pub vpin: Scalar,
    /// Imbalance of the best sizes, −1 to 1.
    pub level1_imbalance: Scalar,
    /// Imbalance of up to five levels, −1 to 1.
    pub level5_imbalance: Scalar,
    /// Spread over mid, basis points.
    pub spread_bps: Scalar,
}

/// The summary of one symbol.
pub struct Summary {
    used: u64,
}

impl Calculator for Summary {
    const NAME: &'static str = "summary";
    const CONFIG: Option<&'static str> = None;
    const ABOUT: &'static str = "Summary: the few scalars that roll-ups and tables read, each \
        with its status and time.";
    const JOB: Job = Job::Summary;
    type Params = ();
    type Input<'a> = (
        Result<&'a Quote, NoValue>,
        Latest<'a, vpin::Vpin>,
        Latest<'a, obi::Obi>,
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
        (quote, vpin, obi): Self::Input<'_>,
        _now: Timestamp,
    ) -> Result<Payload, NoValue> {
        let payload = Payload {
            spot: spot(quote),
            vpin: scalar(&vpin, |vpin| Some(vpin.value)),
            level1_imbalance: scalar(&obi, |obi| obi.level1_imbalance),
            level5_imbalance: scalar(&obi, |obi| obi.level5_imbalance),
            spread_bps: scalar(&obi, |obi| obi.spread_bps),
        };
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
        let nothing = || Scalar {
            value: None,
            status,
            as_of_ms: None,
        };
        Payload {
            spot: nothing(),
            vpin: nothing(),
            level1_imbalance: nothing(),
            level5_imbalance: nothing(),
            spread_bps: nothing(),
        }
    }
}

impl Payload {
    fn present(&self) -> u64 {
        let scalars = [
            &self.spot,
            &self.vpin,
            &self.level1_imbalance,
            &self.level5_imbalance,
            &self.spread_bps,
        ];
        scalars.iter().filter(|s| s.value.is_some()).count() as u64
    }
}

fn spot(quote: Result<&Quote, NoValue>) -> Scalar {
    match quote {
        Ok(quote) => {
            let value = quote.spot.map(|price| price.to_f64());
            Scalar {
                status: status_of(value, Status::Ok),
                value,
                as_of_ms: Some(quote.at.millis()),
            }
        }
        Err(why) => Scalar {
            value: None,
            status: why.status(),
            as_of_ms: None,
        },
    }
}

fn scalar<C: Calculator>(
    latest: &Latest<'_, C>,
    field: impl Fn(&C::Payload) -> Option<f64>,
) -> Scalar {
    let value = latest.payload.and_then(field);
    Scalar {
        status: status_of(value, latest.status),
        value,
        as_of_ms: latest.as_of.map(Timestamp::millis),
    }
}

/// A null in a document that is `ok` is a number that is not defined there.
fn status_of(value: Option<f64>, status: Status) -> Status {
    match (value, status) {
        (None, Status::Ok) => Status::Undefined,
        (_, status) => status,
    }
}
