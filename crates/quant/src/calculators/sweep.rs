//! Sweeps and bursts: orders that took several venues, or one venue several times, within moments.
//!
//! What makes one is told in [`crate::prints::sweeps`]. An event may be under way when the document
//! is written; it then stands as far as it has come. Documents depend on the prints and on the time,
//! not on how prints fall into passes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calculator::{Calculator, Counted, Job, NoValue, Status};
use crate::market::{Side, Size, Span, Timestamp};
use crate::prints::sweeps::{Cluster, Clusters, Criteria, Kind, Print};
use crate::snapshot::Tape;

/// How long an event stands after its last print.
const STANDS: Span = Span::from_millis(30_000);

/// Most events in a document.
const EVENTS: usize = 20;

/// Settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Longest time from the first print of an event to its last, milliseconds.
    pub window_ms: u64,
    /// Fewest venues of an intermarket sweep.
    pub min_venues: usize,
    /// Fewest prints of a burst.
    pub min_prints: u64,
    /// Smallest size of an event, shares or contracts.
    pub min_size: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            window_ms: 100,
            min_venues: 2,
            min_prints: 3,
            min_size: 0.0,
        }
    }
}

impl Params {
    /// What they ask of an event; an error names each setting that cannot be used.
    pub fn criteria(&self) -> Result<Criteria, String> {
        let mut wrong = Vec::new();
        let mut bounded = |name: &str, is: u64, least: u64, most: u64| {
            if !(least..=most).contains(&is) {
                wrong.push(format!("{name}: must be {least} to {most} (is {is})"));
            }
        };
        bounded("window_ms", self.window_ms, 1, 60_000);
        bounded("min_venues", self.min_venues as u64, 2, 100);
        bounded("min_prints", self.min_prints, 2, 10_000);
        let min_size = Size::from_f64(self.min_size).filter(|size| *size >= Size::ZERO);
        if min_size.is_none() {
            let is = self.min_size;
            wrong.push(format!("min_size: must be 0 to 9e10 (is {is})"));
        }
        match min_size {
            Some(min_size) if wrong.is_empty() => Ok(Criteria {
                window: Span::from_millis(self.window_ms as i64),
                min_venues: self.min_venues,
                min_prints: self.min_prints,
                min_size,
            }),
            _ => Err(wrong.join("\n")),
        }
    }
}

/// The document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Payload {
    /// 1 while an event of the last 30 s stands, else 0.
    pub value: Option<u8>,
    /// Prints of the newest such event; 0 where there is none.
    pub sample_count: Option<u64>,
    /// Prices it took; 0 where there is none.
    pub price_levels: Option<u64>,
    /// Its size, shares or contracts; 0 where there is none.
    pub volume: Option<f64>,
    /// The events of the last 30 s, newest first, at most 20.
    pub events: Option<Vec<Event>>,
}

/// Prints of one side in quick succession.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// `intermarket_sweep` over several venues, `burst` on fewer.
    pub kind: Kind,
    /// The side that swept, `buy` or `sell`.
    pub side: EventSide,
    /// First print, milliseconds since the epoch.
    pub start_ms: i64,
    /// Newest print, milliseconds since the epoch.
    pub end_ms: i64,
    /// Venues it took; prints that name none add none.
    pub venues: u64,
    /// Prices it took.
    pub levels: u64,
    /// Shares or contracts.
    pub size: f64,
    /// Price by size, currency.
    pub notional: f64,
    /// Volume-weighted price.
    pub vwap: f64,
    /// Share of its prints marked as of an intermarket sweep order, 0 to 1.
    pub iso_share: f64,
}

/// The side of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventSide {
    /// Buyers took the offers.
    Buy,
    /// Sellers hit the bids.
    Sell,
}

impl Event {
    fn of(cluster: &Cluster, kind: Kind) -> Self {
        Self {
            kind,
            side: match cluster.side() {
                Side::Sell => EventSide::Sell,
                Side::Buy | Side::Unknown => EventSide::Buy,
            },
            start_ms: cluster.first().millis(),
            end_ms: cluster.last().millis(),
            venues: cluster.venues() as u64,
            levels: cluster.levels(),
            size: cluster.size().to_f64(),
            notional: cluster.notional(),
            vwap: cluster.vwap(),
            iso_share: cluster.iso_share(),
        }
    }
}

/// What a run remembers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Memory {
    /// Under way.
    open: Clusters,
    /// The newest that are over, in the order in which they ended.
    over: Vec<Cluster>,
}

/// Sweeps of one symbol.
pub struct Sweep {
    criteria: Criteria,
    memory: Memory,
    counted: Counted,
}

impl Calculator for Sweep {
    const NAME: &'static str = "sweep";
    const KEY: &'static str = "metric:sweep";
    const CONFIG: Option<&'static str> = Some("sweeps");
    const ABOUT: &'static str = "Sweeps and bursts: orders that took several venues, or one venue \
        several times, within moments.";
    const JOB: Job = Job::SweepDetection;
    type Params = Params;
    type Input<'a> = Tape<'a>;
    type Payload = Payload;
    type State = Memory;

    fn new(params: Params, memory: Memory) -> Result<Self, String> {
        let criteria = params.criteria()?;
        let sound = memory
            .open
            .open()
            .chain(&memory.over)
            .all(Cluster::is_sound);
        if memory.over.len() > EVENTS || !sound {
            return Err("the saved memory is none that prints could make: start without it".into());
        }
        Ok(Self {
            criteria,
            memory,
            counted: Counted::default(),
        })
    }

    fn state(&self) -> &Memory {
        &self.memory
    }

    fn compute(&mut self, tape: Tape<'_>, now: Timestamp) -> Result<Payload, NoValue> {
        let Memory { open, over } = &mut self.memory;
        self.counted = Counted::default();
        let mut passed_over = 0;
        for signed in tape.new_trades() {
            let Some(print) = Print::of(signed) else {
                passed_over += 1;
                continue;
            };
            self.counted.used += 1;
            let ended = open.take(&print, self.criteria.window);
            if let Some(event) = ended.filter(|ended| ended.kind(&self.criteria).is_some()) {
                if over.len() == EVENTS {
                    over.remove(0);
                }
                over.push(event);
            }
        }
        for (reason, prints) in [("no_part", passed_over), ("overwritten", tape.lost())] {
            if prints > 0 {
                self.counted.dropped.insert(reason, prints);
            }
        }
        tape.fresh()?;
        Ok(self.value(now))
    }

    fn counted(&self) -> Counted {
        self.counted.clone()
    }

    fn absent(_: Status) -> Payload {
        Payload {
            value: None,
            sample_count: None,
            price_levels: None,
            volume: None,
            events: None,
        }
    }
}

impl Sweep {
    fn value(&self, now: Timestamp) -> Payload {
        let Memory { open, over } = &self.memory;
        let all = over.iter().chain(open.open());
        let mut standing: Vec<(&Cluster, Kind)> = all
            // A time as far ahead is of a clock that was stepped back since.
            .filter(|cluster| now.since(cluster.last()).nanos().abs() <= STANDS.nanos())
            .filter_map(|cluster| Some((cluster, cluster.kind(&self.criteria)?)))
            .collect();
        standing.sort_by_key(|(cluster, _)| std::cmp::Reverse((cluster.last(), cluster.first())));
        standing.truncate(EVENTS);
        let newest = standing.first().map(|(cluster, _)| *cluster);
        let events = standing
            .iter()
            .map(|(cluster, kind)| Event::of(cluster, *kind));
        Payload {
            value: Some(u8::from(newest.is_some())),
            sample_count: Some(newest.map_or(0, Cluster::prints)),
            price_levels: Some(newest.map_or(0, Cluster::levels)),
            volume: Some(newest.map_or(0.0, |newest| newest.size().to_f64())),
            events: Some(events.collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_make_no_sense_are_named() {
        let wrong = Params {
            window_ms: 0,
            min_venues: 1,
            min_prints: 0,
            min_size: -1.0,
        };
        let error = wrong.criteria().unwrap_err();
        for name in ["window_ms", "min_venues", "min_prints", "min_size"] {
            assert!(error.contains(name), "{error}");
        }
        assert!(
            Params {
                min_size: f64::NAN,
                ..Params::default()
            }
            .criteria()
            .is_err()
        );
    }
}
