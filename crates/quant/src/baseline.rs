//! What is usual of a symbol, from its own past: the volumes of its contracts at the time of day, what
//! was open when the session before ended, the volatility each session ended with.
//!
//! A calculator remembers what it saw; a baseline is what was kept when it saw nothing: before it was
//! started, or while it was away. It is made for one session and holds for that one only.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::market::{Right, Series, Span, Timestamp};
use crate::math::rolling::{Middle, Moments};
use crate::math::unusual;

/// Past sessions below which a contract's volume has no usual.
pub const MIN_SESSIONS: usize = 5;
/// How long after the open nothing is compared: the first half hour's volume is known at its end only,
/// comes mostly at its beginning, and in proportion to time would be a multiple of the usual.
pub const QUIET: Span = Span::from_millis(5 * 60_000);

/// What is usual of one symbol in one session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// The session it is for.
    pub session: NaiveDate,
    /// When that opens.
    pub open: Timestamp,
    /// The one before it, where that was kept.
    pub previous_session: Option<NaiveDate>,
    /// The first of the two times of day that volumes are known at, in the session it is for.
    pub from: Timestamp,
    /// The second.
    pub to: Timestamp,
    /// The volatility that each past session ended with.
    pub volatilities: BTreeMap<NaiveDate, PastVolatility>,
    /// By expiry and root.
    pub series: Vec<PastSeries>,
}

/// The constant-maturity volatility at the money that a session ended with.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PastVolatility {
    /// A fraction, above 0.
    pub iv: f64,
    /// The maturity, days.
    pub days: f64,
}

impl PastVolatility {
    fn is_sound(&self) -> bool {
        self.iv > 0.0 && self.iv.is_finite() && self.days > 0.0 && self.days.is_finite()
    }
}

/// What is usual of the contracts of one series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PastSeries {
    /// The date it expires.
    pub expiry: NaiveDate,
    /// The root of its contracts' symbols.
    pub root: String,
    /// By strike, calls before puts.
    pub contracts: Vec<PastContract>,
}

/// What is usual of one contract.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Wire", into = "Wire")]
pub struct PastContract {
    /// Strike.
    pub strike: f64,
    /// Call or put.
    pub right: Right,
    /// Contracts open when the session before ended.
    pub open_interest: Option<f64>,
    /// Its price then: of the last trade, else the middle of its quote.
    pub price: Option<f64>,
    /// Its volume by the two times of day.
    pub volume: Option<[unusual::Baseline; 2]>,
}

/// Volume of a session by a time of day: mean, median, median absolute deviation.
type Volume = [f64; 3];

/// A contract as it is written: an index has 20,000.
#[derive(Clone, Serialize, Deserialize)]
struct Wire(f64, Right, Option<f64>, Option<f64>, Option<[Volume; 2]>);

impl From<Wire> for PastContract {
    fn from(Wire(strike, right, open_interest, price, volume): Wire) -> Self {
        let of = |[mean, median, mad]: Volume| unusual::Baseline { mean, median, mad };
        Self {
            strike,
            right,
            open_interest,
            price,
            volume: volume.map(|both| both.map(of)),
        }
    }
}

impl From<PastContract> for Wire {
    fn from(past: PastContract) -> Self {
        let of = |usual: unusual::Baseline| [usual.mean, usual.median, usual.mad];
        let volume = past.volume.map(|both| both.map(of));
        Self(
            past.strike,
            past.right,
            past.open_interest,
            past.price,
            volume,
        )
    }
}

impl PastContract {
    fn name(&self) -> (f64, Right) {
        (self.strike, self.right)
    }

    fn is_sound(&self) -> bool {
        let sound = |x: f64| x >= 0.0 && x.is_finite();
        let volumes = self.volume.into_iter().flatten();
        let mut volumes = volumes.flat_map(|usual| [usual.mean, usual.median, usual.mad]);
        self.strike > 0.0
            && self.strike.is_finite()
            && self.open_interest.is_none_or(sound)
            && self.price.is_none_or(sound)
            && volumes.all(sound)
    }
}

impl Baseline {
    /// Whether it can have been made: everything in order, and finite. An error says what is not.
    pub fn check(&self) -> Result<(), &'static str> {
        let series =
            |pair: &[PastSeries]| (pair[0].expiry, &pair[0].root) < (pair[1].expiry, &pair[1].root);
        if !self.series.windows(2).all(series) {
            return Err("bad_order");
        }
        let contracts = |series: &PastSeries| {
            let rises = |pair: &[PastContract]| pair[0].name() < pair[1].name();
            series.contracts.windows(2).all(rises)
        };
        if !self.series.iter().all(contracts) || self.to <= self.from {
            return Err("bad_order");
        }
        let mut all = self.series.iter().flat_map(|series| &series.contracts);
        let mut volatilities = self.volatilities.values();
        match all.all(PastContract::is_sound) && volatilities.all(PastVolatility::is_sound) {
            true => Ok(()),
            false => Err("bad_number"),
        }
    }

    /// What is usual of a contract, where its past is known.
    pub fn contract(&self, series: &Series, right: Right, strike: f64) -> Option<&PastContract> {
        let name = (series.expiry, &*series.root);
        let at = self
            .series
            .binary_search_by(|past| (past.expiry, past.root.as_str()).cmp(&name));
        let contracts = &self.series[at.ok()?].contracts;
        let order = |past: &PastContract| {
            let (left, side) = past.name();
            left.total_cmp(&strike).then(side.cmp(&right))
        };
        contracts
            .binary_search_by(order)
            .ok()
            .map(|at| &contracts[at])
    }

    /// The usual volume of a contract by the time of day its chain is of: between the two times in
    /// proportion to the time that has passed, outside of them that of the nearer one; none before the
    /// session and in its first five minutes.
    pub fn volume(&self, past: &PastContract, at: Timestamp) -> Option<unusual::Baseline> {
        let [from, to] = past.volume.filter(|_| at >= self.open.plus(QUIET))?;
        let length = self.to.since(self.from).seconds();
        let share = (at.since(self.from).seconds() / length).clamp(0.0, 1.0);
        let between = |from: f64, to: f64| from + share * (to - from);
        Some(unusual::Baseline {
            mean: between(from.mean, to.mean),
            median: between(from.median, to.median),
            mad: between(from.mad, to.mad),
        })
    }
}

/// A contract as it stood at one time.
#[derive(Clone, Debug, PartialEq)]
pub struct Stood {
    /// The date it expires.
    pub expiry: NaiveDate,
    /// The root of its symbol.
    pub root: String,
    /// Strike.
    pub strike: f64,
    /// Call or put.
    pub right: Right,
    /// Contracts traded by then.
    pub volume: Option<f64>,
    /// Contracts open.
    pub open_interest: Option<f64>,
    /// Price of the last trade, else the middle of the quote.
    pub price: Option<f64>,
}

type Name = (NaiveDate, String, u64, Right);

impl Stood {
    fn series(&self) -> (NaiveDate, &str) {
        (self.expiry, &self.root)
    }

    /// Strikes are positive, so that their bits are in their order.
    fn name(&self) -> Name {
        (
            self.expiry,
            self.root.clone(),
            self.strike.to_bits(),
            self.right,
        )
    }
}

/// What the past of one symbol says, put together a session at a time.
#[derive(Debug, Default)]
pub struct Past {
    contracts: BTreeMap<Name, Volumes>,
    previous: Option<(NaiveDate, Vec<Stood>)>,
}

/// The volumes of one contract by the two times of day, a session each.
#[derive(Debug, Default)]
struct Volumes([Vec<f64>; 2]);

impl Past {
    /// Adds a session: its contracts as they last stood by the first and by the second time of day;
    /// the first is none where that is the open, by which nothing is traded. A contract that is listed
    /// by the second and not by the first had no volume by then, unless nothing of its series is known
    /// by the first: then neither is the contract.
    pub fn add(&mut self, from: Option<&[Stood]>, to: &[Stood]) {
        let first = || from.unwrap_or_default().iter();
        let series: BTreeSet<(NaiveDate, &str)> = first().map(Stood::series).collect();
        let by_first: BTreeMap<Name, f64> = first()
            .filter_map(|stood| Some((stood.name(), stood.volume?)))
            .collect();
        let known = |stood: &&Stood| from.is_none() || series.contains(&stood.series());
        for stood in to.iter().filter(known) {
            let Some(volume) = stood.volume.filter(|v| *v >= 0.0 && v.is_finite()) else {
                continue;
            };
            let name = stood.name();
            let before = by_first.get(&name).copied().unwrap_or(0.0);
            let Volumes([first, second]) = self.contracts.entry(name).or_default();
            first.push(before.clamp(0.0, volume));
            second.push(volume);
        }
    }

    /// How the contracts of the session before stood at its end.
    pub fn ended(&mut self, session: NaiveDate, contracts: Vec<Stood>) {
        self.previous = Some((session, contracts));
    }

    /// What is usual in a session that opens at an instant; contracts that expired before it are left out.
    pub fn baseline(
        self,
        session: NaiveDate,
        open: Timestamp,
        [from, to]: [Timestamp; 2],
        volatilities: BTreeMap<NaiveDate, PastVolatility>,
    ) -> Baseline {
        let mut all: BTreeMap<Name, PastContract> = BTreeMap::new();
        let nothing = |name: &Name| PastContract {
            strike: f64::from_bits(name.2),
            right: name.3,
            open_interest: None,
            price: None,
            volume: None,
        };
        for (name, Volumes([first, second])) in &self.contracts {
            if first.len() < MIN_SESSIONS {
                continue;
            }
            if let (Some(first), Some(second)) = (usual(first), usual(second)) {
                let contract = all.entry(name.clone()).or_insert_with(|| nothing(name));
                contract.volume = Some([first, second]);
            }
        }
        let previous_session = self.previous.as_ref().map(|(date, _)| *date);
        for stood in self.previous.into_iter().flat_map(|(_, all)| all) {
            let sound = |x: &f64| *x >= 0.0 && x.is_finite();
            let name = stood.name();
            let contract = all.entry(name.clone()).or_insert_with(|| nothing(&name));
            contract.open_interest = stood.open_interest.filter(sound);
            contract.price = stood.price.filter(sound);
        }
        let mut series: Vec<PastSeries> = Vec::new();
        for ((expiry, root, ..), contract) in all {
            if expiry < session || !contract.is_sound() {
                continue;
            }
            match series.last_mut() {
                Some(last) if last.expiry == expiry && last.root == root => {
                    last.contracts.push(contract);
                }
                Some(_) | None => series.push(PastSeries {
                    expiry,
                    root,
                    contracts: vec![contract],
                }),
            }
        }
        Baseline {
            session,
            open,
            previous_session,
            from,
            to,
            volatilities,
            series,
        }
    }
}

fn usual(volumes: &[f64]) -> Option<unusual::Baseline> {
    let mean = Moments::of(volumes.iter().copied())?.mean();
    let middle = Middle::of(volumes)?;
    Some(unusual::Baseline {
        mean,
        median: middle.median(),
        mad: middle.mad(),
    })
}

#[cfg(test)]
mod tests;
