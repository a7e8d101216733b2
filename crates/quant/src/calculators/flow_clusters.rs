//! Flow clusters: kinds of trades in the last few minutes, and how much of the tape each makes up.
//!
//! k-means with three clusters on six standardised features of each trade; labels keep their
//! identity from pass to pass. The names of strategies are hypotheses drawn from a cluster's
//! signature ([`Strategy::of`]), not findings: before anything relies on them, hold the later return
//! in the direction of each cluster's flow against them, out of sample, and look at `stability`.
//! Sizes tell little of who traded, because algorithms slice their orders.

mod features;
mod fitting;
mod naming;
mod params;
mod payload;
mod scale;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use self::features::{FEATURES, Sample, Window};
use self::fitting::{K, Pass};
pub use self::naming::{Signature, Strategy};
pub use self::params::Params;
pub use self::payload::{ClusterStats, Participants, Payload, Strategies};
use self::scale::Scale;
use crate::calculator::{Calculator, Counted, Job, NoValue, Status};
use crate::market::Timestamp;
use crate::snapshot::{Recent, SessionDate};

/// What survives a restart: what keeps labels and units from pass to pass.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    session: Option<NaiveDate>,
    scale: Scale,
    /// Of the last pass, in the order of the labels.
    centroids: Option<[[f64; FEATURES]; K]>,
    /// Fits so far.
    fits: u64,
}

/// The flow clusters of one symbol.
pub struct FlowClusters {
    params: Params,
    memory: Memory,
    counted: Counted,
}

impl Calculator for FlowClusters {
    const NAME: &'static str = "flow_clusters";
    const ABOUT: &'static str = "Flow clusters: kinds of trades in the last few minutes, and how \
        much of the tape each makes up.";
    const JOB: Job = Job::FlowClustering;
    type Params = Params;
    type Input<'a> = (Recent<'a>, SessionDate);
    type Payload = Payload;
    type State = Memory;

    fn new(params: Params, memory: Memory) -> Result<Self, String> {
        params.check()?;
        if !memory.is_sound() {
            return Err("the saved memory is none that trades could make: start without it".into());
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
        (Recent(tape), SessionDate(date)): Self::Input<'_>,
        _now: Timestamp,
    ) -> Result<Payload, NoValue> {
        tape.fresh()?;
        let window = Window::of(tape, self.params.window_trades);
        let have = window.samples.len();
        if have < self.params.min_trades {
            return Err(NoValue::Warming {
                unit: "trades",
                have,
                need: self.params.min_trades,
            });
        }
        self.begin(date, &window.samples);
        let pass = Pass::run(&window.samples, &self.memory, &self.params)?;
        self.memory.scale.observe(&window.samples);
        self.memory.centroids = Some(pass.centroids);
        self.memory.fits = self.memory.fits.saturating_add(1);
        self.counted = Counted {
            used: have as u64,
            dropped: window.dropped,
        };
        Ok(pass.payload(&window.samples, &self.memory.scale, &self.params))
    }

    fn counted(&self) -> Counted {
        self.counted.clone()
    }

    fn absent(_: Status) -> Payload {
        Payload::default()
    }
}

impl FlowClusters {
    /// Fixes the units for the session; the last centroids are the same trades in new units.
    fn begin(&mut self, date: NaiveDate, samples: &[Sample]) {
        if self.memory.session.replace(date) == Some(date) && self.memory.scale.is_frozen() {
            return;
        }
        let before = self.memory.scale.clone();
        self.memory.scale.freeze(samples);
        if let Some(centroids) = &mut self.memory.centroids {
            for centroid in centroids {
                *centroid = self.memory.scale.standardise(&before.restore(centroid));
            }
        }
    }
}

impl Memory {
    fn is_sound(&self) -> bool {
        let centroids = self.centroids.iter().flatten().flatten();
        self.scale.is_sound() && centroids.into_iter().all(|value| value.is_finite())
    }
}
