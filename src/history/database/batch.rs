//! A batch in the order in which it is stored, without what no database would take.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use quant::market::{Right, Symbol, Timestamp};

use crate::history::row::{Bar, Chain, Contract, Metric, Quote, Row, Tick};

/// Ten minutes: the length of a block of `metrics`.
pub(super) const BLOCK: i64 = 600 * 1_000_000_000;

/// The rows by table, each in the order of its key: what is said first comes first, neighbours fall on one page,
/// and two writers that store the same rows wait for each other instead of blocking each other.
#[derive(Default)]
pub(super) struct Batch<'a> {
    pub(super) ticks: Vec<&'a Tick>,
    pub(super) quotes: Vec<&'a Quote>,
    pub(super) chains: Vec<&'a Chain>,
    pub(super) metrics: Vec<&'a Metric>,
    pub(super) bars: Vec<&'a Bar>,
    /// Rows with a number or text that cannot be stored.
    pub(super) unfit: u64,
}

impl<'a> Batch<'a> {
    pub(super) fn new(rows: &'a [Row]) -> Self {
        let mut batch = Self::default();
        for row in rows {
            if !fits(row) {
                batch.unfit += 1;
                continue;
            }
            match row {
                Row::Tick(tick) => batch.ticks.push(tick),
                Row::Quote(quote) => batch.quotes.push(quote),
                Row::Chain(chain) => batch.chains.push(chain),
                Row::Metric(metric) => batch.metrics.push(metric),
                Row::Bar(bar) => batch.bars.push(bar),
            }
        }
        batch.ticks.sort_by_key(|tick| (&tick.symbol, tick.at));
        batch.chains.sort_by(|a, b| {
            let a = (&a.symbol, a.at, &a.series);
            a.cmp(&(&b.symbol, b.at, &b.series))
        });
        batch.bars = last_of_each(&batch.bars);
        batch
    }

    /// How many rows there are to store.
    pub(super) fn len(&self) -> u64 {
        let all = [
            self.ticks.len(),
            self.quotes.len(),
            self.chains.len(),
            self.metrics.len(),
            self.bars.len(),
        ];
        all.iter().sum::<usize>() as u64
    }
}

/// Whether every database takes it: numbers that are none (SQLite makes NULL of them), and NUL in text
/// (PostgreSQL refuses it), would stop the whole batch for ever.
fn fits(row: &Row) -> bool {
    match row {
        Row::Tick(tick) => tick.price.is_finite(),
        Row::Quote(Quote { contract, .. }) => {
            contract.strike.is_finite() && !contract.series.contains('\0')
        }
        Row::Chain(chain) => !chain.series.contains('\0'),
        Row::Metric(metric) => {
            let texts = [&metric.symbol, &metric.name, &metric.field];
            metric.value.is_finite() && texts.iter().all(|text| !text.contains('\0'))
        }
        Row::Bar(bar) => {
            let numbers = [bar.open, bar.high, bar.low, bar.close, bar.volume];
            numbers.iter().all(|number| number.is_finite())
        }
    }
}

/// Of each bar the last that was said.
fn last_of_each<'a>(bars: &[&'a Bar]) -> Vec<&'a Bar> {
    let keyed = bars
        .iter()
        .map(|bar| ((&bar.symbol, bar.minutes, bar.start), *bar));
    keyed.collect::<BTreeMap<_, _>>().into_values().collect()
}

/// A metric under the id of its series.
#[derive(Clone, Copy)]
pub(super) struct Numbered {
    pub(super) series: i32,
    pub(super) at: Timestamp,
    pub(super) session: NaiveDate,
    pub(super) value: f64,
}

impl Numbered {
    pub(super) fn block(&self) -> i32 {
        block(self.at)
    }
}

/// The block an instant falls into; i64 nanoseconds are fewer blocks than an i32 counts.
pub(super) fn block(at: Timestamp) -> i32 {
    at.nanos().div_euclid(BLOCK) as i32
}

/// Of each session of each series the last value; of two at one time the first said.
pub(super) fn last_of_sessions(metrics: &[Numbered]) -> Vec<Numbered> {
    let mut last: BTreeMap<(NaiveDate, i32), Numbered> = BTreeMap::new();
    for metric in metrics {
        let of_session = last
            .entry((metric.session, metric.series))
            .or_insert(*metric);
        if metric.at > of_session.at {
            *of_session = *metric;
        }
    }
    last.into_values().collect()
}

/// A finite number, or nothing.
pub(super) fn finite(number: Option<f64>) -> Option<f64> {
    number.filter(|number| number.is_finite())
}

/// A date as it is stored: `20261218`.
pub(super) fn day(date: NaiveDate) -> i32 {
    date.year() * 10_000 + (date.month() * 100 + date.day()) as i32
}

/// The date that is stored so.
pub(super) fn date(day: i32) -> Option<NaiveDate> {
    let (year, rest) = (day.div_euclid(10_000), day.rem_euclid(10_000) as u32);
    NaiveDate::from_ymd_opt(year, rest / 100, rest % 100)
}

/// A contract as a row of the dictionary.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ContractKey {
    pub(super) symbol: Symbol,
    pub(super) series: String,
    pub(super) listed: Listed,
}

/// One of the contracts of a series: whether it is a call, and the bits of its strike.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Listed {
    pub(super) is_call: bool,
    strike: u64,
}

impl Listed {
    pub(super) fn new(is_call: bool, strike: f64) -> Self {
        // Minus nought is equal to nought in a database, and has other bits.
        let strike = (strike + 0.0).to_bits();
        Self { is_call, strike }
    }

    pub(super) fn of(contract: &Contract) -> Self {
        Self::new(contract.right == Right::Call, contract.strike)
    }

    pub(super) fn strike(self) -> f64 {
        f64::from_bits(self.strike)
    }
}

/// The day a series expires, from its name; one that does not say it is kept for ever.
pub(super) fn expiry_of(series: &str) -> i32 {
    let date = series.get(..10).and_then(|date| date.parse().ok());
    date.map_or(99_991_231, day)
}

/// A series of metrics: symbol, document and field.
pub(super) type SeriesKey = (String, String, String);
