//! Institutional flow: the share of recent money that is taken to be institutions'.
//!
//! It is read beside retail flow: the same classification, the rest of the same money.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calculator::{Calculator, Counted, Job, NoValue, Status};
use crate::market::Timestamp;
use crate::participants::{self, Params, Participants, Share};
use crate::snapshot::Recent;

/// The document.
pub type Payload = participants::Payload<Signals>;

/// Institutional trades by what spoke for it; one trade may show several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Signals {
    /// Of institutional size.
    pub size: u64,
    /// Off exchange.
    pub venue: u64,
    /// In a cluster of one side.
    pub cluster: u64,
    /// Large, and inside the quote.
    pub passive: u64,
}

/// Institutional flow of one symbol.
pub struct InstitutionalFlow {
    params: Params,
    counted: Counted,
}

impl Calculator for InstitutionalFlow {
    const NAME: &'static str = "institutional_flow";
    const CONFIG: Option<&'static str> = Some("participants");
    const ABOUT: &'static str = "Institutional flow: the share of recent money that is taken to be \
        institutions'.";
    const JOB: Job = Job::FlowToxicity;
    type Params = Params;
    type Input<'a> = Recent<'a>;
    type Payload = Payload;
    type State = ();

    fn new(params: Params, (): ()) -> Result<Self, String> {
        params.check()?;
        Ok(Self {
            params,
            counted: Counted::default(),
        })
    }

    fn state(&self) -> &() {
        &()
    }

    fn compute(&mut self, Recent(tape): Recent<'_>, _now: Timestamp) -> Result<Payload, NoValue> {
        let all = Participants::of_tape(tape, &self.params)?;
        let payload = all.institution(|share| self.signals(share));
        self.counted = all.counted;
        Ok(payload)
    }

    fn counted(&self) -> Counted {
        self.counted.clone()
    }

    fn absent(status: Status) -> Payload {
        Payload::absent(status)
    }
}

impl InstitutionalFlow {
    fn signals(&self, share: &Share) -> Signals {
        Signals {
            size: share.large(&self.params),
            venue: share.off_exchange(),
            cluster: share.in_cluster(),
            passive: share.passive(&self.params),
        }
    }
}
