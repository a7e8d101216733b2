//! What contracts were before: at the end of the session before, and when this one was first seen.
//!
//! Kept while a session is under way only. In the United States open interest is of the last close
//! and published in the morning: what is seen between two sessions would pass off the new number as
//! that of the session before.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::payload::Reference;
use crate::baseline::PastContract;
use crate::market::{Chain, Contracts, Right, Series, Timestamp};
use crate::snapshot::{PreviousSession, SessionDate};

/// Most contracts kept; a chain that is read has no more.
const MOST_CONTRACTS: usize = 50_000;

/// Open interest and price of the contracts of a chain by session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct References {
    /// The session that was under way last.
    session: Option<NaiveDate>,
    /// By expiry and root.
    series: Vec<SeriesReferences>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SeriesReferences {
    expiry: NaiveDate,
    root: String,
    /// By strike, call before put.
    contracts: Vec<Seen>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Seen {
    strike: f64,
    right: Right,
    /// The last of the session before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<Observed>,
    /// The first and last of this session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    now: Option<(Observed, Observed)>,
}

/// A contract at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Observed {
    /// Contracts open.
    pub(super) oi: f64,
    /// Its last price, else the middle of its quote, else its mark.
    pub(super) price: Option<f64>,
}

impl Observed {
    /// `None` where its open interest is not stated.
    pub(super) fn of(contracts: &Contracts, at: usize) -> Option<Self> {
        Some(Self {
            oi: contracts.open_interest.get(at)?,
            price: contracts.dealt_at(at),
        })
    }

    fn is_sound(&self) -> bool {
        let sound = |x: f64| x >= 0.0 && x.is_finite();
        sound(self.oi) && self.price.is_none_or(sound)
    }
}

/// What a contract may be compared with.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Before {
    previous: Option<Observed>,
    first: Option<Observed>,
}

impl Before {
    /// Its open interest: of the session before, else of the start of this one.
    pub(super) fn oi(self) -> Option<(f64, Reference)> {
        self.best(|observed| Some(observed.oi))
    }

    /// What history kept of the end of the session before, where that was not seen.
    pub(super) fn or_kept<'a>(self, kept: impl FnOnce() -> Option<&'a PastContract>) -> Self {
        let past = || {
            let past = kept()?;
            let (oi, price) = (past.open_interest?, past.price);
            Some(Observed { oi, price })
        };
        Self {
            previous: self.previous.or_else(past),
            ..self
        }
    }

    /// Its price, in the same order.
    pub(super) fn price(self) -> Option<(f64, Reference)> {
        self.best(|observed| observed.price)
    }

    fn best(self, of: fn(Observed) -> Option<f64>) -> Option<(f64, Reference)> {
        let previous = self.previous.and_then(of);
        let first = self.first.and_then(of);
        previous
            .map(|value| (value, Reference::PreviousSession))
            .or_else(|| first.map(|value| (value, Reference::SessionStart)))
    }
}

type Name = (u64, Right);

impl Seen {
    /// Strikes are positive, so that their bits are in their order.
    fn name(&self) -> Name {
        (self.strike.to_bits(), self.right)
    }
}

impl References {
    /// References that were read back; an error where no run can have made them.
    pub(super) fn restored(self) -> Result<Self, String> {
        let rises = |names: &[Name]| names.windows(2).all(|pair| pair[0] < pair[1]);
        let sound = |series: &SeriesReferences| {
            let names: Vec<Name> = series.contracts.iter().map(Seen::name).collect();
            let values = |seen: &Seen| {
                let now = seen.now.into_iter().flat_map(|(first, last)| [first, last]);
                seen.strike > 0.0 && now.chain(seen.previous).all(|observed| observed.is_sound())
            };
            rises(&names) && series.contracts.iter().all(values)
        };
        let in_order = self
            .series
            .windows(2)
            .all(|pair| (pair[0].expiry, &pair[0].root) < (pair[1].expiry, &pair[1].root));
        if !(in_order && self.series.iter().all(sound) && self.len() <= MOST_CONTRACTS) {
            return Err("the references of open interest are damaged".to_owned());
        }
        Ok(self)
    }

    fn len(&self) -> usize {
        self.series
            .iter()
            .map(|series| series.contracts.len())
            .sum()
    }

    /// Turns to the session that is under way: what was the last of the session just before it is
    /// what it is compared with. After a gap nothing is: a change over two sessions is none of one.
    pub(super) fn begin(
        &mut self,
        SessionDate(date): SessionDate,
        PreviousSession(before): PreviousSession,
    ) {
        if self.session == Some(date) {
            return;
        }
        let follows = before.is_some() && self.session == before;
        self.session = Some(date);
        for series in &mut self.series {
            for seen in &mut series.contracts {
                let last = seen.now.take().map(|(_, last)| last);
                seen.previous = last.filter(|_| follows);
            }
            series.contracts.retain(|seen| seen.previous.is_some());
        }
        let lives = |s: &SeriesReferences| s.expiry >= date && !s.contracts.is_empty();
        self.series.retain(lives);
    }

    /// What a contract was.
    pub(super) fn before(&self, series: &Series, right: Right, strike: f64) -> Before {
        let Ok(at) = self.place(series) else {
            return Before::default();
        };
        let contracts = &self.series[at].contracts;
        let name = (strike.to_bits(), right);
        let Ok(at) = contracts.binary_search_by_key(&name, Seen::name) else {
            return Before::default();
        };
        let seen = &contracts[at];
        Before {
            previous: seen.previous,
            first: seen.now.map(|(first, _)| first),
        }
    }

    /// Takes in a chain of the session under way. Contracts on which nothing is open are not new
    /// here; what the chain leaves out this time stays until the session ends.
    pub(super) fn observe(&mut self, chain: &Chain, now: Timestamp) {
        let mut room = MOST_CONTRACTS.saturating_sub(self.len());
        for series in chain.unsettled(now) {
            for at in series.contracts.clone() {
                if let Some(observed) = Observed::of(&chain.contracts, at) {
                    let name = (chain.contracts.strike[at], chain.contracts.right[at]);
                    self.take(series, name, observed, &mut room);
                }
            }
        }
    }

    fn take(
        &mut self,
        series: &Series,
        (strike, right): (f64, Right),
        observed: Observed,
        room: &mut usize,
    ) {
        let is_open = observed.oi > 0.0;
        let at = match self.place(series) {
            Ok(at) => at,
            Err(_) if !is_open || *room == 0 => return,
            Err(at) => {
                let fresh = SeriesReferences {
                    expiry: series.expiry,
                    root: series.root.to_string(),
                    contracts: Vec::new(),
                };
                self.series.insert(at, fresh);
                at
            }
        };
        let contracts = &mut self.series[at].contracts;
        let name = (strike.to_bits(), right);
        match contracts.binary_search_by_key(&name, Seen::name) {
            Ok(at) => contracts[at].follow(observed),
            Err(at) if is_open && *room > 0 => {
                *room -= 1;
                let seen = Seen {
                    strike,
                    right,
                    previous: None,
                    now: Some((observed, observed)),
                };
                contracts.insert(at, seen);
            }
            Err(_) => {}
        }
    }

    fn place(&self, series: &Series) -> Result<usize, usize> {
        let name = (series.expiry, series.root.as_ref());
        self.series
            .binary_search_by(|known| (known.expiry, known.root.as_str()).cmp(&name))
    }
}

impl Seen {
    /// A price that is not stated now is what it was.
    fn follow(&mut self, observed: Observed) {
        let (mut first, last) = self.now.unwrap_or((observed, observed));
        first.price = first.price.or(observed.price);
        let price = observed.price.or(last.price);
        self.now = Some((first, Observed { price, ..observed }));
    }
}
