//! VPIN: the share of volume that was one-sided, over the last n buckets of equal volume.
//!
//! VPIN = Σ|V_buy − V_sell| / (n·V), in [0, 1]. Easley, López de Prado, O'Hara, "Flow Toxicity and
//! Liquidity in a High-frequency World", RFS 25(5), 2012. An order-imbalance intensity: its level
//! depends on V, n and how trades are signed, and it is no predictor of a crash (Andersen &
//! Bondarenko, JFM 17, 2014). Unknown volume is split in halves; only complete buckets enter.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calculator::{Calculator, Counted, Job, NoValue, Status};
use crate::market::{Quote, QuoteSource, Rule, Side, SignedBy, SignedTrade};
use crate::market::{Size, Symbol, Timestamp, size_sum_to_f64};
use crate::math::volume_buckets::{KINDS, Print, VolumeBuckets};
use crate::snapshot::{Discovered, SessionDate, Tape};

/// A bucket of fewer median prints than this is mostly single prints (6.2 of the maths notes).
const PRINTS_A_BUCKET: i64 = 50;

/// Settings.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Complete buckets behind the value.
    pub buckets: usize,
    /// Bucket size in shares for every symbol; 0 leaves it to the sources below.
    pub bucket_size: f64,
    /// Bucket size in shares by symbol.
    pub bucket_sizes: BTreeMap<String, f64>,
    /// Bucket size as a share of the average daily volume, where that is known.
    pub adv_fraction: f64,
    /// Fewest prints behind a value, and the length of the warm-up that finds the median print.
    pub min_trades: usize,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            buckets: 50,
            bucket_size: 0.0,
            bucket_sizes: BTreeMap::new(),
            adv_fraction: 0.02,
            min_trades: 100,
        }
    }
}

/// The document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Payload {
    /// VPIN, 0 to 1, four decimals; 0.5 unless `meta.status` is `ok`.
    pub value: f64,
    /// Complete buckets behind the value.
    pub buckets: Option<usize>,
    /// Volume of a bucket, shares.
    #[serde(serialize_with = "crate::json::integer_if_whole")]
    pub bucket_size: Option<f64>,
    /// Prints behind the value.
    pub trades_analyzed: Option<u64>,
    /// Why the value is neutral; absent where it is not.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<Neutral>,
    /// Where the bucket size comes from.
    pub bucket_source: Option<BucketSource>,
    /// Filled share of the open bucket, 0 to 1; it does not enter the value.
    pub open_bucket_fill: Option<f64>,
    /// Share of the volume whose side is known, 0 to 1.
    pub classified_share: Option<f64>,
    /// How the trades were signed.
    pub sign_source: Option<SignSource>,
    /// Where the quotes that signed them came from, as shares of the volume.
    pub quote_source: Option<QuoteShares>,
    /// Volume behind the value, shares.
    pub volume: Option<f64>,
    /// Time from the first print to the last behind the value, seconds.
    pub window_seconds: Option<f64>,
    /// Age of the newest trade, milliseconds: the volume clock stands while nobody trades.
    pub last_trade_age_ms: Option<i64>,
}

/// Why the value is neutral.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Neutral {
    /// Fewer trades or buckets than it takes.
    InsufficientTrades,
    /// No trade seen.
    NoTrades,
    /// The market data are too old.
    Stale,
    /// The computation failed.
    Error,
}

/// Where a bucket size comes from, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BucketSource {
    /// Configured for this symbol.
    ConfigSymbol,
    /// Configured for all symbols.
    Config,
    /// Discovered for this symbol.
    DiscoveredSymbol,
    /// The configured share of the average daily volume.
    AverageDailyVolume,
    /// Discovered for all symbols, and at least 50 median prints of this one.
    Discovered,
    /// 50 median prints of the warm-up.
    MedianPrint,
}

/// How trades were signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignSource {
    /// By the source's aggressor flag.
    Aggressor,
    /// By flags where there were some, by Lee–Ready elsewhere.
    Mixed,
    /// Quote rule, then tick rule.
    LeeReady,
    /// Quote rule.
    Quote,
    /// Tick rule.
    Tick,
}

/// Shares of the volume by where the quote came from; they add up to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QuoteShares {
    /// It stood on the trade.
    pub trade: f64,
    /// The newest ticker observed before the trade.
    pub observed: f64,
    /// None was there.
    pub none: f64,
}

/// The buckets, and the prints that wait until their size is known.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Memory {
    buckets: Option<VolumeBuckets>,
    source: Option<BucketSource>,
    session: Option<NaiveDate>,
    warm_up: Vec<Print>,
}

/// VPIN of one symbol.
pub struct Vpin {
    params: Params,
    memory: Memory,
    counted: Counted,
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

    fn new(params: Params, memory: Memory) -> Result<Self, String> {
        params.check()?;
        if !memory.is_sound(&params) {
            return Err("the saved memory is not one of these settings: start without it".into());
        }
        Ok(Self {
            params,
            memory,
            counted: Counted::default(),
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

impl Params {
    /// Everything that is out of range, a line each.
    fn check(&self) -> Result<(), String> {
        let mut wrong = Vec::new();
        for (key, is) in [("buckets", self.buckets), ("min_trades", self.min_trades)] {
            if !(1..=10_000).contains(&is) {
                wrong.push(format!("{key}: must be 1 to 10000 (is {is})"));
            }
        }
        let is_size = |size: f64| Size::from_f64(size).is_some_and(|size| size > Size::ZERO);
        let is = self.bucket_size;
        if is != 0.0 && !is_size(is) {
            wrong.push(format!(
                "bucket_size: must be 0 or a volume in shares (is {is})"
            ));
        }
        for (symbol, &size) in &self.bucket_sizes {
            if !is_size(size) {
                // Quoted, because a symbol may hold a dot.
                wrong.push(format!(
                    "bucket_sizes.{symbol:?}: must be > 0 shares (is {size})"
                ));
            }
        }
        let is = self.adv_fraction;
        if !(is > 0.0 && is <= 1.0) {
            wrong.push(format!(
                "adv_fraction: must be above 0 and up to 1 (is {is})"
            ));
        }
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(wrong.join("\n")),
        }
    }

    /// The bucket size by every source that needs no print.
    fn known_size(&self, symbol: &Symbol, discovered: &Discovered) -> Option<(i64, BucketSource)> {
        let configured = |size: f64| Size::from_f64(size).filter(|size| *size > Size::ZERO);
        let of_volume = |volume: Size| configured(volume.to_f64() * self.adv_fraction);
        let for_symbol = self.bucket_sizes.get(symbol.as_str()).copied();
        let candidates = [
            (for_symbol.and_then(configured), BucketSource::ConfigSymbol),
            (configured(self.bucket_size), BucketSource::Config),
            (discovered.vpin_bucket_size, BucketSource::DiscoveredSymbol),
            (
                discovered.average_daily_volume.and_then(of_volume),
                BucketSource::AverageDailyVolume,
            ),
        ];
        let positive = |size: Option<Size>| size.filter(|size| *size > Size::ZERO);
        candidates
            .into_iter()
            .find_map(|(size, source)| Some((positive(size)?.units(), source)))
    }

    /// The bucket size from the prints of the warm-up.
    fn size_of_prints(&self, prints: &[Print], discovered: &Discovered) -> (i64, BucketSource) {
        let mut sizes: Vec<i64> = prints.iter().map(|print| print.size).collect();
        sizes.sort_unstable();
        let median = sizes[sizes.len() / 2].max(1);
        let least = median.saturating_mul(PRINTS_A_BUCKET);
        match discovered.vpin_bucket_size_global {
            Some(size) if size.units() >= least => (size.units(), BucketSource::Discovered),
            Some(_) | None => (least, BucketSource::MedianPrint),
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
        self.memory.source = Some(source);
        if self.memory.buckets.as_ref().map(VolumeBuckets::size) != Some(size) {
            self.start(size);
        }
    }

    fn fold(&mut self, print: Print, symbol: &Symbol, discovered: &Discovered) {
        if let Some(buckets) = &mut self.memory.buckets {
            return buckets.fill(print);
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
        let mut buckets = VolumeBuckets::new(size, self.params.buckets);
        for print in self.memory.warm_up.drain(..) {
            buckets.fill(print);
        }
        self.memory.buckets = Some(buckets);
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

const SIGNED_BY: [SignedBy; 4] = [
    SignedBy::Flag,
    SignedBy::Quote,
    SignedBy::Tick,
    SignedBy::None,
];
const QUOTES: usize = 3;

/// A trade as the buckets account for it: what signed it and where its quote came from.
fn print_of(signed: &SignedTrade) -> Print {
    let by = match signed.signed_by {
        SignedBy::Flag => 0,
        SignedBy::Quote => 1,
        SignedBy::Tick => 2,
        SignedBy::None => 3,
    };
    let quote = match signed.quote_source {
        QuoteSource::Trade => 0,
        QuoteSource::Observed => 1,
        QuoteSource::None => 2,
    };
    Print {
        at_ns: signed.trade.at.nanos(),
        size: signed.trade.size.units(),
        sign: match signed.side {
            Side::Buy => 1,
            Side::Sell => -1,
            Side::Unknown => 0,
        },
        kind: by * QUOTES as u8 + quote,
    }
}

struct Shares {
    classified: f64,
    flagged: bool,
    ruled: bool,
    quotes: QuoteShares,
}

impl Shares {
    fn of(by_kind: &[i128; KINDS]) -> Self {
        let total: i128 = by_kind.iter().sum();
        let signed_by = |by: SignedBy| -> i128 {
            let at = SIGNED_BY.iter().position(|other| *other == by);
            let first = at.expect("every kind is listed") * QUOTES;
            by_kind[first..first + QUOTES].iter().sum()
        };
        let quoted = |from: usize| -> f64 {
            let volume: i128 = by_kind.iter().skip(from).step_by(QUOTES).sum();
            volume as f64 / total as f64
        };
        Self {
            classified: (total - signed_by(SignedBy::None)) as f64 / total as f64,
            flagged: signed_by(SignedBy::Flag) > 0,
            ruled: signed_by(SignedBy::Quote) + signed_by(SignedBy::Tick) > 0,
            quotes: QuoteShares {
                trade: quoted(0),
                observed: quoted(1),
                none: quoted(2),
            },
        }
    }

    fn sign_source(&self, rule: Rule) -> SignSource {
        match rule {
            Rule::Auto => match (self.flagged, self.ruled) {
                (true, true) => SignSource::Mixed,
                (true, false) => SignSource::Aggressor,
                (false, _) => SignSource::LeeReady,
            },
            Rule::LeeReady => SignSource::LeeReady,
            Rule::Quote => SignSource::Quote,
            Rule::Tick => SignSource::Tick,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(size: i64) -> Print {
        Print {
            at_ns: 0,
            size: size * Size::SCALE,
            sign: 1,
            kind: 3,
        }
    }

    fn goog() -> Symbol {
        Symbol::new("GOOG").unwrap()
    }

    fn shares(size: f64) -> Option<Size> {
        Size::from_f64(size)
    }

    fn check_source(params: Params, discovered: Discovered, expected: (f64, BucketSource)) {
        let mut vpin = Vpin::new(params, Memory::default()).unwrap();
        let date = SessionDate(NaiveDate::default());
        vpin.choose_size(&goog(), date, &discovered);
        (0..100).for_each(|_| vpin.fold(print(10), &goog(), &discovered));
        let size = vpin.memory.buckets.unwrap().size() as f64 / Size::SCALE as f64;
        assert_eq!((size, vpin.memory.source.unwrap()), expected);
    }

    #[test]
    fn the_bucket_size_is_the_best_source_that_knows_one() {
        let mut params = Params::default();
        let mut seen = Discovered::default();
        check_source(params.clone(), seen, (500.0, BucketSource::MedianPrint));
        seen.vpin_bucket_size_global = shares(499.0);
        check_source(params.clone(), seen, (500.0, BucketSource::MedianPrint));
        seen.vpin_bucket_size_global = shares(501.0);
        check_source(params.clone(), seen, (501.0, BucketSource::Discovered));
        seen.average_daily_volume = shares(1000.0);
        check_source(
            params.clone(),
            seen,
            (20.0, BucketSource::AverageDailyVolume),
        );
        seen.vpin_bucket_size = shares(7.0);
        check_source(params.clone(), seen, (7.0, BucketSource::DiscoveredSymbol));
        params.bucket_size = 8.0;
        check_source(params.clone(), seen, (8.0, BucketSource::Config));
        params.bucket_sizes.insert("GOOG".into(), 9.0);
        check_source(params, seen, (9.0, BucketSource::ConfigSymbol));
    }

    #[test]
    fn prints_without_size_do_not_shrink_the_bucket() {
        let mut vpin = Vpin::new(Params::default(), Memory::default()).unwrap();
        for size in std::iter::repeat_n([0, 0, 10], 100).flatten() {
            vpin.fold(print(size), &goog(), &Discovered::default());
        }
        let size = vpin.memory.buckets.unwrap().size();
        assert_eq!(size, 500 * Size::SCALE);
    }

    #[test]
    fn the_size_holds_for_the_session_and_a_new_one_starts_a_new_window() {
        let mut vpin = Vpin::new(Params::default(), Memory::default()).unwrap();
        let day = |day| SessionDate(NaiveDate::from_ymd_opt(2026, 11, day).unwrap());
        let seen = |size| Discovered {
            vpin_bucket_size: shares(size),
            ..Discovered::default()
        };
        vpin.choose_size(&goog(), day(19), &seen(100.0));
        vpin.fold(print(150), &goog(), &seen(100.0));
        vpin.choose_size(&goog(), day(19), &seen(200.0));
        assert_eq!(vpin.memory.buckets.as_ref().unwrap().completed(), 1);
        vpin.choose_size(&goog(), day(20), &seen(100.0));
        assert_eq!(vpin.memory.buckets.as_ref().unwrap().completed(), 1);
        vpin.choose_size(&goog(), day(23), &seen(200.0));
        assert_eq!(vpin.memory.buckets.as_ref().unwrap().completed(), 0);
    }

    #[test]
    fn a_memory_that_no_prints_could_have_made_is_refused() {
        let mut vpin = Vpin::new(Params::default(), Memory::default()).unwrap();
        (0..120).for_each(|_| vpin.fold(print(10), &goog(), &Discovered::default()));
        let saved = serde_json::to_value(vpin.state()).unwrap();
        let restore = |change: fn(&mut serde_json::Value)| {
            let mut state = saved.clone();
            change(&mut state);
            Vpin::new(Params::default(), serde_json::from_value(state).unwrap()).is_ok()
        };
        assert!(restore(|_| ()));
        assert!(!restore(|state| state["buckets"]["size"] = 0.into()));
        assert!(!restore(|state| state["buckets"]["size"] = (-1).into()));
        assert!(!restore(|state| state["buckets"]["kept"] = 49.into()));
        assert!(!restore(|state| state["buckets"]["fill"] = (-1).into()));
        assert!(!restore(
            |state| state["buckets"]["open"]["net"] = i64::MIN.into()
        ));
        assert!(!restore(
            |state| state["buckets"]["complete"][0]["by_kind"][0] = 7.into()
        ));
    }

    #[test]
    fn settings_out_of_range_are_named() {
        let check = |params: Params, expected: &str| {
            assert_eq!(
                Vpin::new(params, Memory::default()).err().unwrap(),
                expected
            );
        };
        let params = Params::default;
        check(
            Params {
                buckets: 0,
                ..params()
            },
            "buckets: must be 1 to 10000 (is 0)",
        );
        check(
            Params {
                bucket_size: -1.0,
                ..params()
            },
            "bucket_size: must be 0 or a volume in shares (is -1)",
        );
        check(
            Params {
                adv_fraction: f64::NAN,
                ..params()
            },
            "adv_fraction: must be above 0 and up to 1 (is NaN)",
        );
        check(
            Params {
                min_trades: 0,
                bucket_sizes: [("BRK.B".to_owned(), -2.0)].into(),
                ..params()
            },
            "min_trades: must be 1 to 10000 (is 0)\n\
             bucket_sizes.\"BRK.B\": must be > 0 shares (is -2)",
        );
    }
}
