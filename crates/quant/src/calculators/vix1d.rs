//! VIX1D: one-day volatility of the index, computed from its options or as others publish it.
//!
//! The level is that of the first source, in the order set, that speaks for now; one that a person
//! ingested is the last. Sources are never mixed: each has a history, changes and a regime of its
//! own. A daily close speaks from its session's end to the next open, and not for the next day.
//! Albers and Kestner (Finance Research Letters 62, 2024): by its business clock the index rises
//! through a session and falls overnight, so the same minute of other days stands beside it.

mod memory;
mod payload;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use self::memory::{Memory, Seen};
pub use self::payload::{Payload, SourceState};
use crate::calculator::{Counted, Job, Stamp, Status};
use crate::market::{Calendars, Chain, Day, Span, Timestamp};
use crate::universe::{Note, Part, RestsOn, Standing, Told, Universe, UniverseCalculator};
use crate::volatility::clock::{BusinessClock, ClockClose};
use crate::volatility::index::{MIN_STRIKES, NearMemory, NoIndex, OneDayIndex, Terms, one_day};
use crate::volatility::regime::{ChangeThresholds, RegimeParams, Thresholds};
use crate::volatility::{Origin, Reading};

/// The exchange whose sessions the index has.
const EXCHANGE: &str = "XCBO";

/// A broker's level is over after this.
const BROKER_MAX_AGE: Span = Span::from_millis(300_000);

/// What a chain is late by that says it is and not by how much.
const USUAL_DELAY: Span = Span::from_millis(900_000);

/// Settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Names of the sources, the preferred first.
    pub sources: Vec<String>,
    /// Seconds after which the chain's quotes are over.
    pub chain_max_age_seconds: f64,
    /// Seconds after which a quote that its source declares delayed is over.
    pub delayed_max_age_seconds: f64,
    /// Seconds after which a level that a person ingested is over.
    pub manual_max_age_seconds: f64,
    /// Values a history keeps.
    pub history_window: usize,
    /// Fewest values that a history says something from.
    pub min_samples: usize,
    /// Where regimes begin.
    pub thresholds: Thresholds,
    /// Rises that count whatever the level.
    pub change_thresholds: ChangeThresholds,
    /// Points below its beginning at which a regime is left.
    pub hysteresis: f64,
    /// When the day of the clock ends.
    pub clock_close: ClockClose,
}

/// One-day volatility.
pub struct Vix1d {
    params: Params,
    order: Vec<Origin>,
    state: State,
}

/// What survives a restart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    sources: BTreeMap<String, Memory>,
    near: NearMemory,
}

/// What there is of one source.
struct Candidate {
    reading: Result<Reading, String>,
    /// The instant after which it does not speak for now.
    until: Option<Timestamp>,
    index: Option<OneDayIndex>,
}

impl UniverseCalculator for Vix1d {
    const NAME: &'static str = "vix1d";
    const KEY: &'static str = "vix1d";
    const ABOUT: &'static str = "VIX1D: one-day volatility of the index, computed from its \
        options or as others publish it.";
    const JOB: Job = Job::Volatility;
    const STAMP: Stamp = Stamp::Milliseconds;
    const READS: &'static [Part] = &[Part::Volatility, Part::Summaries];
    type Params = Params;
    type Payload = Payload;
    type State = State;

    fn new(params: Params, state: State) -> Result<Self, String> {
        params.regime().check()?;
        let named = params.sources.iter().map(|name| {
            let origin = Origin::named(name).filter(|origin| *origin != Origin::Manual);
            origin.ok_or_else(|| format!("sources: {name} is none"))
        });
        let mut order = named.collect::<Result<Vec<_>, _>>()?;
        order.push(Origin::Manual);
        let mut state = state;
        for memory in state.sources.values_mut() {
            memory.shorten(params.history_window)?;
        }
        Ok(Self {
            params,
            order,
            state,
        })
    }

    fn state(&self) -> &State {
        &self.state
    }

    fn compute(&mut self, universe: &Universe, now: Timestamp) -> Vec<Told<Payload>> {
        let candidates = self.candidates(universe, now);
        let (mut seen, notes) = self.remember(universe, &candidates, now);
        let states = states(&candidates, now);
        let chosen = self.order.iter().find_map(|origin| {
            let candidate = candidates.get(origin)?;
            let reading = candidate.reading.as_ref().ok()?;
            let until = candidate.until.filter(|until| now <= *until)?;
            Some((
                *reading,
                until,
                candidate.index.as_ref(),
                seen.remove(origin)?,
            ))
        });
        let Some((reading, until, index, seen)) = chosen else {
            return vec![self.nothing(states, notes)];
        };
        let mut told = self.told(universe, (reading, until), index, seen);
        told.payload.residual_to_official = residual(&reading, &candidates, now);
        told.payload.sources = Some(states);
        told.notes.extend(notes);
        vec![told]
    }

    fn absent(_status: Status) -> Payload {
        Payload::default()
    }
}

impl Params {
    fn regime(&self) -> RegimeParams {
        RegimeParams {
            thresholds: self.thresholds,
            change_thresholds: self.change_thresholds,
            hysteresis: self.hysteresis,
        }
    }
}

impl Vix1d {
    /// What each source that may be chosen says.
    fn candidates(&mut self, universe: &Universe, now: Timestamp) -> BTreeMap<Origin, Candidate> {
        let volatility = &universe.volatility;
        let mut candidates = BTreeMap::new();
        for origin in self.order.clone() {
            let candidate = match origin {
                Origin::Chain => self.of_chain(universe, now),
                Origin::Cboe | Origin::Ibkr | Origin::Yahoo | Origin::Manual => {
                    let mut readings = volatility.readings.iter();
                    let reading = readings.find(|reading| reading.source == origin);
                    Candidate {
                        reading: reading.copied().ok_or_else(|| "nothing there".to_owned()),
                        until: reading.and_then(|reading| {
                            self.until(reading, volatility.calendars.as_deref())
                        }),
                        index: None,
                    }
                }
            };
            candidates.insert(origin, candidate);
        }
        candidates
    }

    /// The level that the chain prices, at the time of its quotes.
    fn of_chain(&mut self, universe: &Universe, now: Timestamp) -> Candidate {
        let volatility = &universe.volatility;
        let nothing = |why: &str| Candidate {
            reading: Err(why.to_owned()),
            until: None,
            index: None,
        };
        let Some(chain) = &volatility.chain else {
            return nothing("no chain");
        };
        let exchange = volatility.calendars.as_deref();
        let exchange = exchange.and_then(|calendars| calendars.exchange(EXCHANGE));
        let (Some(exchange), Some(rates)) = (exchange, &volatility.rates) else {
            return nothing("no calendar or no rates");
        };
        let at = chain.at();
        let until = at
            .plus(delay(chain))
            .plus(Span::from_seconds(self.params.chain_max_age_seconds));
        let clock = BusinessClock::new(exchange, self.params.clock_close);
        let terms = Terms {
            rates,
            min_strikes: MIN_STRIKES,
        };
        if now > until {
            return nothing("the chain is too old");
        }
        if delay(chain) == Span::ZERO && !clock.is_open(now) {
            return nothing(NoIndex::OutsideHours.as_str());
        }
        match one_day(chain, at, &clock, terms, &mut self.state.near) {
            Ok(index) => Candidate {
                reading: Ok(Reading {
                    source: Origin::Chain,
                    value: index.value,
                    observed_at: at,
                    fetched_at: now,
                    delayed: chain.head.is_delayed(),
                }),
                until: Some(until),
                index: Some(index),
            },
            Err(why) => nothing(&why.to_string()),
        }
    }

    /// Until when a reading speaks for the present.
    fn until(&self, reading: &Reading, calendars: Option<&Calendars>) -> Option<Timestamp> {
        let for_so_long = |seconds: f64| reading.observed_at.plus(Span::from_seconds(seconds));
        match reading.source {
            Origin::Chain => None,
            Origin::Ibkr => Some(reading.observed_at.plus(BROKER_MAX_AGE)),
            Origin::Yahoo => Some(for_so_long(self.params.delayed_max_age_seconds)),
            Origin::Manual => Some(for_so_long(self.params.manual_max_age_seconds)),
            // The close of a day is no level of the next.
            Origin::Cboe => {
                let exchange = calendars?.exchange(EXCHANGE)?;
                let date = exchange.at(reading.observed_at).date;
                match exchange.day(exchange.next_session(date)?) {
                    Day::Session { open, .. } => Some(open),
                    Day::Weekend | Day::Holiday(_) => None,
                }
            }
        }
    }

    /// Compares the level of each source that speaks for now with what it said before, and keeps
    /// every new observation of those that are read here; those of the internet keep their own.
    fn remember(
        &mut self,
        universe: &Universe,
        candidates: &BTreeMap<Origin, Candidate>,
        now: Timestamp,
    ) -> (BTreeMap<Origin, Seen>, Vec<Note>) {
        let regime = self.params.regime();
        let (mut all, mut notes) = (BTreeMap::new(), Vec::new());
        for (origin, candidate) in candidates {
            let speaks = candidate.until.is_some_and(|until| now <= until);
            let Some(reading) = candidate.reading.as_ref().ok().filter(|_| speaks) else {
                continue;
            };
            let source = origin.name();
            let date = session_date(universe, reading.observed_at);
            let memory = self.state.sources.entry(source.to_owned()).or_default();
            let seen = memory.observe(reading, date, &self.params, &regime);
            let own = matches!(origin, Origin::Chain | Origin::Ibkr | Origin::Manual);
            if own && seen.is_new {
                notes.push(Note::SourceLast {
                    source,
                    value: reading.to_json().into_bytes(),
                });
                notes.push(Note::SourceHistory {
                    source,
                    value: reading.observation().to_json().into_bytes(),
                    keep: self.params.history_window,
                });
            }
            all.insert(*origin, seen);
        }
        (all, notes)
    }

    fn told(
        &self,
        universe: &Universe,
        (reading, until): (Reading, Timestamp),
        index: Option<&OneDayIndex>,
        seen: Seen,
    ) -> Told<Payload> {
        let source = reading.source.name();
        let params = &self.params;
        let mut notes = Vec::new();
        if seen.taken {
            notes.push(Note::History {
                value: reading.observation().to_json().into_bytes(),
                keep: params.history_window,
            });
        }
        let (vix, vix9d) = (spot_of(universe, "VIX"), spot_of(universe, "VIX9D"));
        let ratio = |above: Option<f64>| Some(above? / vix.filter(|vix| *vix > 0.0)?);
        let at = reading.observed_at.to_rfc3339();
        let payload = Payload {
            value: Some(reading.value),
            change_5m: seen.changes.five_minutes,
            change_1h: seen.changes.hour,
            zscore: seen.zscore,
            mean: seen.mean,
            stdev: seen.stdev,
            samples: Some(seen.samples),
            percentile: seen.percentile,
            robust_zscore: seen.robust_zscore,
            time_of_day: Some(seen.same_time),
            regime: seen.regime,
            source: Some(source.to_owned()),
            as_of: Some(at.clone()),
            thresholds: Some(params.thresholds),
            observed_at: Some(at),
            fetched_at: Some(reading.fetched_at.to_rfc3339()),
            delayed: Some(reading.delayed),
            components: index.map(|index| index.components),
            strikes: index.map(payload::strikes),
            residual_to_official: None,
            ratio_to_vix: ratio(Some(reading.value)),
            vix9d_to_vix: ratio(vix9d),
            sources: None,
        };
        let mut rests_on = RestsOn::default();
        rests_on.add(reading.observed_at, Some(until));
        rests_on.delayed = reading.delayed;
        let used = payload.strikes.map_or(1, |strikes| strikes as u64);
        let counted = Counted {
            used,
            ..Counted::default()
        };
        let mut told = Told::value(payload, rests_on, counted);
        told.level = Some(reading.value);
        told.notes = notes;
        told
    }

    fn nothing(&self, states: BTreeMap<String, SourceState>, notes: Vec<Note>) -> Told<Payload> {
        let any_stale = states.values().any(|state| state.status == Status::Stale);
        let status = match any_stale {
            true => Status::Stale,
            false => Status::Missing,
        };
        let each = states.iter().map(|(name, state)| {
            let why = state.reason.as_deref().unwrap_or("");
            format!("{name}: {why}")
        });
        let reason = each.collect::<Vec<_>>().join("; ");
        let payload = Payload {
            sources: Some(states),
            ..Payload::default()
        };
        let mut told = Told::nothing(payload, status, reason);
        told.notes = notes;
        told
    }
}

/// How each source stands.
fn states(
    candidates: &BTreeMap<Origin, Candidate>,
    now: Timestamp,
) -> BTreeMap<String, SourceState> {
    let state = |candidate: &Candidate| match &candidate.reading {
        Ok(reading) => {
            let speaks = candidate.until.is_some_and(|until| now <= until);
            let age = now.since(reading.observed_at).seconds();
            SourceState {
                value: Some(reading.value),
                observed_at: Some(reading.observed_at.to_rfc3339()),
                age: Some(age),
                delayed: Some(reading.delayed),
                status: if speaks { Status::Ok } else { Status::Stale },
                reason: (!speaks).then(|| match reading.source {
                    Origin::Cboe => format!(
                        "the close of {} is not of the present session",
                        &reading.observed_at.to_rfc3339()[..10]
                    ),
                    Origin::Chain | Origin::Ibkr | Origin::Yahoo | Origin::Manual => {
                        format!("{age:.0} s old")
                    }
                }),
            }
        }
        Err(why) => SourceState {
            value: None,
            observed_at: None,
            age: None,
            delayed: None,
            status: match why.as_str() {
                "no chain" | "nothing there" => Status::Missing,
                "the chain is too old" => Status::Stale,
                _ => Status::Undefined,
            },
            reason: Some(why.clone()),
        },
    };
    let pairs = candidates.iter();
    pairs
        .map(|(origin, candidate)| (origin.name().to_owned(), state(candidate)))
        .collect()
}

/// Our own level less the one a broker or vendor has of the index; null where the level is not our
/// own, or theirs is not of nearly the same time.
fn residual(
    reading: &Reading,
    candidates: &BTreeMap<Origin, Candidate>,
    now: Timestamp,
) -> Option<f64> {
    const APART: Span = Span::from_millis(120_000);
    if reading.source != Origin::Chain {
        return None;
    }
    let official = [Origin::Ibkr, Origin::Yahoo].iter().find_map(|origin| {
        let candidate = candidates.get(origin)?;
        let official = candidate.reading.as_ref().ok()?;
        let apart = official
            .observed_at
            .since(reading.observed_at)
            .nanos()
            .abs();
        let speaks = candidate.until.is_some_and(|until| now <= until);
        (speaks && apart <= APART.nanos()).then_some(official.value)
    });
    Some(reading.value - official?)
}

fn delay(chain: &Chain) -> Span {
    match (chain.head.delay > Span::ZERO, chain.head.delayed) {
        (true, _) => chain.head.delay,
        (false, true) => USUAL_DELAY,
        (false, false) => Span::ZERO,
    }
}

/// The session an instant belongs to.
fn session_date(universe: &Universe, at: Timestamp) -> chrono::NaiveDate {
    let calendars = universe.volatility.calendars.as_deref();
    let exchange = calendars.and_then(|calendars| calendars.exchange(EXCHANGE));
    exchange.map_or_else(|| at.utc().date_naive(), |exchange| exchange.at(at).date)
}

/// The price of an index that is among the symbols.
fn spot_of(universe: &Universe, name: &str) -> Option<f64> {
    let named = |symbol: &str| symbol.strip_prefix('^').unwrap_or(symbol) == name;
    let mut members = universe.members.iter();
    match &members
        .find(|member| named(member.symbol.as_str()))?
        .standing
    {
        Standing::Present { summary, .. } => summary.spot,
        Standing::Missing | Standing::Malformed | Standing::Stale => None,
    }
}
