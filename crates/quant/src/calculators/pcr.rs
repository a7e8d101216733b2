//! Put-call ratios: open interest, volume and premium of puts over those of calls.
//!
//! A ratio to zero calls is null and says so, and so is one of amounts that no contract states.
//! Contracts that have settled do not count.

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calculator::{Calculator, Counted, Job, Mark, NoValue, Status};
use crate::exposure::Memory;
use crate::history::{Compared, Extent, SameTime};
use crate::market::{Chain, Right, Series, Timestamp};
use crate::math::put_call::put_call_ratio;
use crate::math::sum::Sum;
use crate::snapshot::SessionDate;

/// Settings.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Minute marks behind the percentile and the z-score.
    pub history_window: usize,
    /// Fewest of them.
    pub min_samples: usize,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            history_window: 240,
            min_samples: 20,
        }
    }
}

impl Params {
    fn marks(&self) -> Extent {
        Extent {
            window: self.history_window,
            minimum: self.min_samples,
        }
    }
}

/// The document. Everything is null unless the status is `ok`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Payload {
    /// All expiries together.
    pub total: Option<Ratios>,
    /// Each expiry and root, nearest first.
    pub by_expiry: Option<Vec<ExpiryRatios>>,
    /// Share of the last minute marks of the total's `pcr_oi` that lie below it, ties counted half, 0
    /// to 1; null under the minimum count.
    pub percentile: Option<f64>,
    /// The total's `pcr_oi` against its history at minute marks.
    pub history: Option<Compared>,
    /// The same against the same minute of earlier sessions.
    pub time_of_day: Option<SameTime>,
}

/// Puts over calls, and both.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ratios {
    /// Open interest of puts over that of calls.
    pub pcr_oi: Option<f64>,
    /// Volume of puts over that of calls.
    pub pcr_volume: Option<f64>,
    /// Premium of puts over that of calls.
    pub pcr_premium: Option<f64>,
    /// Contracts open in calls; null where no call states it.
    pub call_oi: Option<f64>,
    /// Contracts open in puts; null where no put states it.
    pub put_oi: Option<f64>,
    /// Contracts traded today in calls; null where no call states it.
    pub call_volume: Option<f64>,
    /// Contracts traded today in puts; null where no put states it.
    pub put_volume: Option<f64>,
    /// Money paid for calls: last price, else mid, else mark, times volume and multiplier; null where
    /// no call states its volume and a price.
    pub call_premium: Option<f64>,
    /// Money paid for puts.
    pub put_premium: Option<f64>,
    /// Which ratios are null and why, such as `pcr_volume: calls are zero`; null where none is.
    pub reason: Option<String>,
}

/// The ratios of one expiry.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExpiryRatios {
    /// The date.
    pub expiry: NaiveDate,
    /// Root of its contracts.
    pub root: String,
    /// Its ratios.
    #[serde(flatten)]
    pub ratios: Ratios,
}

/// The put-call ratios of one chain.
pub struct Pcr {
    params: Params,
    memory: Memory,
    counted: Counted,
    mark: Option<Mark>,
}

impl Calculator for Pcr {
    const NAME: &'static str = "pcr";
    const ABOUT: &'static str = "Put-call ratios: open interest, volume and premium of puts over \
        those of calls.";
    const JOB: Job = Job::ChainStats;
    type Params = Params;
    type Input<'a> = (&'a Chain, SessionDate);
    type Payload = Payload;
    type State = Memory;

    fn new(params: Params, memory: Memory) -> Result<Self, String> {
        params
            .marks()
            .check(10_000, "history_window", "min_samples")?;
        let memory = memory.restored(params.history_window)?;
        Ok(Self {
            params,
            memory,
            counted: Counted::default(),
            mark: None,
        })
    }

    fn state(&self) -> &Memory {
        &self.memory
    }

    fn compute(
        &mut self,
        (chain, date): Self::Input<'_>,
        now: Timestamp,
    ) -> Result<Payload, NoValue> {
        self.mark = None;
        self.counted = counted(chain, now);
        if self.counted.used == 0 {
            return Err(NoValue::Undefined("the chain has no contract that lives"));
        }
        let (mut all, mut rows) = (Sides::default(), Vec::new());
        for series in chain.unsettled(now) {
            let mut own = Sides::default();
            for at in series.contracts.clone() {
                own.add(chain, at);
                all.add(chain, at);
            }
            rows.push(row(series, own.ratios()));
        }
        let total = all.ratios();
        let stated = [
            total.call_oi,
            total.put_oi,
            total.call_volume,
            total.put_volume,
        ];
        if stated.iter().all(Option::is_none) {
            return Err(NoValue::Undefined(
                "no contract states its open interest or volume",
            ));
        }
        let (value, marks) = (total.pcr_oi, self.params.marks());
        let percentile = value.and_then(|value| self.memory.percentile(value, marks));
        let remembered = self.memory.observe(value, date, now, marks);
        self.mark = remembered.mark;
        Ok(Payload {
            total: Some(total),
            by_expiry: Some(rows),
            percentile,
            history: Some(remembered.history),
            time_of_day: Some(remembered.same_time),
        })
    }

    fn counted(&self) -> Counted {
        self.counted.clone()
    }

    fn mark(&self) -> Option<Mark> {
        self.mark
    }

    fn absent(_: Status) -> Payload {
        Payload::default()
    }
}

fn counted(chain: &Chain, now: Timestamp) -> Counted {
    let (mut dropped, settled) = (chain.dropped.clone(), chain.settled_contracts(now));
    if settled > 0 {
        *dropped.entry("expired").or_default() += settled;
    }
    Counted {
        used: chain.contracts.len() as u64 - settled,
        dropped,
    }
}

fn row(series: &Series, ratios: Ratios) -> ExpiryRatios {
    ExpiryRatios {
        expiry: series.expiry,
        root: series.root.to_string(),
        ratios,
    }
}

/// Amounts of calls and of puts.
#[derive(Default)]
struct Sides {
    call: Side,
    put: Side,
}

#[derive(Default)]
struct Side {
    open_interest: Amount,
    volume: Amount,
    premium: Amount,
}

/// A sum of what is stated; `None` where nothing is.
#[derive(Default)]
struct Amount(Option<Sum>);

impl Amount {
    fn add(&mut self, amount: Option<f64>) {
        if let Some(amount) = amount {
            self.0.get_or_insert_default().add(amount);
        }
    }

    fn value(&self) -> Option<f64> {
        self.0.map(Sum::value)
    }
}

impl Sides {
    fn add(&mut self, chain: &Chain, at: usize) {
        let contracts = &chain.contracts;
        let side = match contracts.right[at] {
            Right::Call => &mut self.call,
            Right::Put => &mut self.put,
        };
        let volume = contracts.volume.get(at);
        side.open_interest.add(contracts.open_interest.get(at));
        side.volume.add(volume);
        let traded = volume.filter(|volume| *volume > 0.0);
        let price = match traded {
            // Nothing paid, at whatever price.
            None => Some(0.0),
            Some(_) => contracts.dealt_at(at),
        };
        let units = volume.map(|volume| volume * contracts.multiplier[at]);
        side.premium
            .add(units.zip(price).map(|(units, price)| units * price));
    }

    fn ratios(&self) -> Ratios {
        let mut reasons = Vec::new();
        let mut ratio = |name: &str, of: fn(&Side) -> &Amount| {
            let (put, call) = (of(&self.put).value(), of(&self.call).value());
            let ratio = put_call_ratio(put, call);
            reasons.extend(ratio.err().map(|why| format!("{name}: {why}")));
            (ratio.ok(), put, call)
        };
        let (pcr_oi, put_oi, call_oi) = ratio("pcr_oi", |side| &side.open_interest);
        let (pcr_volume, put_volume, call_volume) = ratio("pcr_volume", |side| &side.volume);
        let (pcr_premium, put_premium, call_premium) = ratio("pcr_premium", |side| &side.premium);
        Ratios {
            pcr_oi,
            pcr_volume,
            pcr_premium,
            call_oi,
            put_oi,
            call_volume,
            put_volume,
            call_premium,
            put_premium,
            reason: (!reasons.is_empty()).then(|| reasons.join("; ")),
        }
    }
}

#[cfg(test)]
mod tests;
