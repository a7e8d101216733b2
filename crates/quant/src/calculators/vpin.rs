//! VPIN: the share of volume that was one-sided, over the last n buckets of equal volume.
//!
//! VPIN = Σ|V_buy − V_sell| / (n·V), in [0, 1]. Easley, López de Prado, O'Hara, "Flow Toxicity and
//! Liquidity in a High-frequency World", RFS 25(5), 2012. An order-imbalance intensity: its level
//! depends on V, n and how trades are signed, and it is no predictor of a crash (Andersen &
//! Bondarenko, JFM 17, 2014). Unknown volume is split in halves; only complete buckets enter.
//! Beside it stand its place in its own past, its standard error, and VPIN by bulk classification.

mod bulk;
mod history;
mod params;
mod payload;
mod signs;
#[cfg(test)]
mod tests;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use self::bulk::Bulk;
use self::history::History;
pub use self::params::Params;
pub use self::payload::{BucketSource, Neutral, Payload, QuoteShares, SignSource};
use self::signs::{Shares, print_of};
use crate::calculator::{Calculator, Counted, Job, NoValue, Status};
use crate::market::{Quote, Rule, Symbol, Timestamp, size_sum_to_f64};
use crate::math::standard_error;
use crate::math::volume_buckets::{KINDS, Print, VolumeBuckets};
use crate::snapshot::{Discovered, SessionDate, Tape};

/// The buckets, and the prints that wait until their size is known.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Memory {
    buckets: Option<VolumeBuckets>,
    source: Option<BucketSource>,
    session: Option<NaiveDate>,
    warm_up: Vec<Print>,
    /// Absent from a memory that was saved before there was one.
    #[serde(default)]
    history: History,
    /// Likewise.
    #[serde(default)]
    bulk: Bulk,
}

/// VPIN of one symbol.
pub struct Vpin {
    params: Params,
    memory: Memory,
    counted: Counted,
    /// What changes with a completed bucket only; `None` until it is asked for again.
    standing: Option<Standing>,
}

/// Where the value stands.
#[derive(Clone, Copy)]
struct Standing {
    percentile: Option<f64>,
    se: Option<f64>,
}

impl Calculator for Vpin {
    const NAME: &'static str = "vpin";
    const ABOUT: &'static str = "VPIN: the share of volume that was one-sided, over the last n \
        buckets of equal volume.";
    const JOB: Job = Job::Vpin;
    type Params = Params;
    type Input<'a> = (
        &'a Symbol,
        SessionDate,
        Tape<'a>,
        Result<&'a Quote, NoValue>,
        &'a Discovered,
    );
    type Payload = Payload;
    type State = Memory;

    fn new(params: Params, mut memory: Memory) -> Result<Self, String> {
        params.check()?;
        memory.history.shorten(params.history);
        memory.bulk.shorten(params.bvc_bars);
        if !memory.is_sound(&params) {
            return Err("the saved memory is not one of these settings: start without it".into());
        }
        if let Some(buckets) = &memory.buckets
            && !memory.bulk.has_buckets()
        {
            memory.bulk.restart(buckets.size(), params.buckets);
        }
        Ok(Self {
            params,
            memory,
            counted: Counted::default(),
            standing: None,
        })
    }

    fn state(&self) -> &Memory {
        &self.memory
    }

    fn compute(
        &mut self,
        (symbol, session, tape, quote, discovered): Self::Input<'_>,
        now: Timestamp,
    ) -> Result<Payload, NoValue> {
        self.choose_size(symbol, session, discovered);
        for trade in tape.new_trades() {
            self.fold(print_of(trade), symbol, discovered);
            self.memory.bulk.fold(&trade.trade, &self.params);
        }
        self.counted.dropped.clear();
        if tape.lost() > 0 {
            self.counted.dropped.insert("overwritten", tape.lost());
        }

        let newest = tape.newest();
        match quote {
            Ok(_) => {}
            // A feed of trades alone is judged by their own age.
            Err(NoValue::Missing(_)) => drop(tape.fresh()?),
            Err(why) => return Err(why),
        }
        let last_trade_age = newest.map(|trade| now.since(trade.at).millis().max(0));
        self.value(tape.signing_rule(), last_trade_age)
    }

    fn counted(&self) -> Counted {
        self.counted.clone()
    }

    fn absent(status: Status) -> Payload {
        Payload {
            value: 0.5,
            percentile: None,
            percentile_samples: None,
            se: None,
            value_bvc: None,
            value_bvc_t: None,
            buckets: None,
            bucket_size: None,
            trades_analyzed: None,
            status: match status {
                Status::Ok => None,
                Status::Missing => Some(Neutral::NoTrades),
                Status::Stale | Status::Busy => Some(Neutral::Stale),
                Status::Warming | Status::Undefined => Some(Neutral::InsufficientTrades),
                Status::Error => Some(Neutral::Error),
            },
            bucket_source: None,
            open_bucket_fill: None,
            classified_share: None,
            sign_source: None,
            quote_source: None,
            volume: None,
            window_seconds: None,
            last_trade_age_ms: None,
        }
    }
}

impl Memory {
    fn is_sound(&self, params: &Params) -> bool {
        let prints = &self.warm_up;
        prints.len() <= params.min_trades
            && prints
                .iter()
                .all(|print| print.size > 0 && usize::from(print.kind) < KINDS)
            && self
                .buckets
                .as_ref()
                .is_none_or(|buckets| buckets.is_sound(params.buckets))
            && self.history.is_sound()
            && self
                .bulk
                .is_sound(params, self.buckets.as_ref().map(VolumeBuckets::size))
    }
}

impl Vpin {
    /// Fixes the bucket size where a source knows it, once a session: another size starts the
    /// window anew, because buckets of two sizes do not compare.
    fn choose_size(&mut self, symbol: &Symbol, SessionDate(date): SessionDate, seen: &Discovered) {
        let same_session = self.memory.session.replace(date) == Some(date);
        if same_session && self.memory.buckets.is_some() {
            return;
        }
        let Some((size, source)) = self.params.known_size(symbol, seen) else {
            return;
        };
        let same_source = self.memory.source.replace(source) == Some(source);
        let before = self.memory.buckets.as_ref().map(VolumeBuckets::size);
        if before == Some(size) {
            return;
        }
        // Values of other buckets compare while those are the same share of a day or nearly so:
        // sixty days of them would never come together if each day's size began anew.
        if !(same_source && before.is_some_and(|before| is_near(before, size))) {
            self.memory.history.clear();
        }
        self.start(size);
    }

    fn fold(&mut self, print: Print, symbol: &Symbol, discovered: &Discovered) {
        if self.memory.buckets.is_some() {
            return self.fill(print);
        }
        // Index prints have no size; they would make the median print, and so the bucket, none.
        if print.size <= 0 {
            return;
        }
        self.memory.warm_up.push(print);
        if self.memory.warm_up.len() < self.params.min_trades {
            return;
        }
        let (size, source) = self
            .params
            .known_size(symbol, discovered)
            .unwrap_or_else(|| self.params.size_of_prints(&self.memory.warm_up, discovered));
        self.memory.source = Some(source);
        self.start(size);
    }

    fn start(&mut self, size: i64) {
        self.memory.buckets = Some(VolumeBuckets::new(size, self.params.buckets));
        self.memory.bulk.restart(size, self.params.buckets);
        self.standing = None;
        for print in std::mem::take(&mut self.memory.warm_up) {
            self.fill(print);
        }
    }

    fn fill(&mut self, print: Print) {
        let Memory {
            buckets, history, ..
        } = &mut self.memory;
        let Some(buckets) = buckets else { return };
        let kept = self.params.history;
        buckets.fill_watched(print, kept, |vpin| {
            if let Some(vpin) = vpin {
                history.push(vpin, kept);
            }
            self.standing = None;
        });
    }

    fn standing(&self, buckets: &VolumeBuckets, value: f64) -> Standing {
        let size = buckets.size() as f64;
        let imbalances = buckets.complete().iter();
        let shares: Vec<f64> = imbalances
            .map(|bucket| bucket.imbalance() as f64 / size)
            .collect();
        Standing {
            percentile: self.memory.history.percentile(value),
            se: standard_error::of_mean(&shares),
        }
    }

    fn value(&mut self, rule: Rule, last_trade_age_ms: Option<i64>) -> Result<Payload, NoValue> {
        let Some(buckets) = &self.memory.buckets else {
            let have = self.memory.warm_up.len();
            return Err(self.warming("trades", have, self.params.min_trades));
        };
        let complete = buckets.complete();
        let Some(value) = buckets.vpin() else {
            let have = complete.len();
            if have == 0 && buckets.open_fill() == 0 {
                return Err(NoValue::Missing(crate::snapshot::Section::Trades));
            }
            return Err(self.warming("buckets", have, self.params.buckets));
        };
        let trades: u64 = complete.iter().map(|bucket| u64::from(bucket.prints)).sum();
        if trades < self.params.min_trades as u64 {
            return Err(self.warming("trades", trades as usize, self.params.min_trades));
        }
        self.counted.used = trades;

        let standing = self
            .standing
            .unwrap_or_else(|| self.standing(buckets, value));
        self.standing = Some(standing);
        let [value_bvc, value_bvc_t] = self.memory.bulk.vpin();

        let mut by_kind = [0i128; KINDS];
        for bucket in complete {
            for (sum, volume) in by_kind.iter_mut().zip(bucket.by_kind) {
                *sum += i128::from(volume);
            }
        }
        let shares = Shares::of(&by_kind);
        let opened = complete.front().map_or(0, |bucket| bucket.opened_ns);
        let closed = complete.back().map_or(0, |bucket| bucket.closed_ns);
        let size = i128::from(buckets.size());
        Ok(Payload {
            value: (value * 1e4).round() / 1e4,
            percentile: standing.percentile,
            percentile_samples: Some(self.memory.history.len()),
            se: standing.se,
            value_bvc,
            value_bvc_t,
            buckets: Some(complete.len()),
            bucket_size: Some(size_sum_to_f64(size)),
            trades_analyzed: Some(trades),
            status: None,
            bucket_source: self.memory.source,
            open_bucket_fill: Some(buckets.open_fill() as f64 / buckets.size() as f64),
            classified_share: Some(shares.classified),
            sign_source: Some(shares.sign_source(rule)),
            quote_source: Some(shares.quotes),
            volume: Some(size_sum_to_f64(size * complete.len() as i128)),
            window_seconds: Some(closed.saturating_sub(opened) as f64 / 1e9),
            last_trade_age_ms,
        })
    }

    fn warming(&self, unit: &'static str, have: usize, need: usize) -> NoValue {
        NoValue::Warming { unit, have, need }
    }
}

/// Within a factor of two.
fn is_near(one: i64, other: i64) -> bool {
    let (low, high) = (one.min(other), one.max(other));
    high / 2 <= low
}
