//! Retail flow: the share of recent money that is taken to be retail customers'.
//!
//! It is read beside institutional flow: the same classification, the rest of the same money.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::calculator::{Calculator, Counted, Job, NoValue, Status};
use crate::market::Timestamp;
use crate::participants::{self, Params, Participants, Share};
use crate::snapshot::Recent;

/// The document.
pub type Payload = participants::Payload<Signals>;

/// Retail trades by what they were; one trade may show several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Signals {
    /// Up to the retail size.
    pub small_lot: u64,
    /// At or through the quote.
    pub aggressive: u64,
    /// Off exchange, where most retail orders are internalised.
    pub venue: u64,
}

/// Retail flow of one symbol.
pub struct RetailFlow {
    params: Params,
    counted: Counted,
}

impl Calculator for RetailFlow {
    const NAME: &'static str = "retail_flow";
    const CONFIG: Option<&'static str> = Some("participants");
    const ABOUT: &'static str = "Retail flow: the share of recent money that is taken to be retail \
        customers'.";
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
        let payload = all.retail(|share| self.signals(share));
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

impl RetailFlow {
    fn signals(&self, share: &Share) -> Signals {
        Signals {
            small_lot: share.small(&self.params),
            aggressive: share.aggressive(),
            venue: share.off_exchange(),
        }
    }
}
