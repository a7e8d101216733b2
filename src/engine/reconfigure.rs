//! Other settings while the engine turns: every symbol keeps its memory, and a calculator starts
//! anew only where its own settings changed. A symbol that computes when they come is put under
//! them when it is back.

use std::sync::Arc;

use tracing::error;

use super::Engine;
use super::setup::Setup;
use crate::store::tap::RunEvent;

/// How far a change of the settings has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Change {
    /// Everything is under the present settings.
    #[default]
    Settled,
    /// Some symbols, or what is reported of them, may be under former ones.
    UnderWay,
}

impl Engine {
    /// From the next pass on these settings are in force, and everything is due.
    pub fn reconfigure(&mut self, setup: Arc<Setup>) {
        let configured = setup.config.symbols.all();
        self.fixed_symbols = !configured.is_empty();
        for slot in &mut self.slots {
            slot.outdated = true;
            // Without a list nothing says that a symbol is gone.
            slot.dropped = self.fixed_symbols && !configured.contains(&slot.symbol);
        }
        self.overall.reconfigure();
        self.symbols_due = None;
        self.change = Change::UnderWay;
        if let Some(tap) = &self.tap {
            tap.send(RunEvent::Settings(setup.recorded()));
        }
        self.setup = setup;
    }

    /// Puts the symbols at home under the present settings. `may_remove` says that no result
    /// waits that names its symbol by its place.
    pub(super) fn settle(&mut self, may_remove: bool) {
        if self.change == Change::Settled {
            return;
        }
        let mut known = self.status.lock();
        let mut settled = true;
        for slot in &mut self.slots {
            if slot.dropped {
                settled = false;
                known.forget(&slot.symbol);
            }
            if !slot.outdated {
                continue;
            }
            settled = false;
            let Some(engine) = &mut slot.engine else {
                continue;
            };
            slot.outdated = false;
            slot.schedule = self.setup.schedule(&slot.symbol);
            match (self.setup.reconfigure(engine), &self.tap) {
                (Ok(()), Some(tap)) => tap.send(RunEvent::Reconfigured(slot.symbol.clone())),
                (Ok(()), None) => {}
                (Err(why), _) => {
                    error!(symbol = %slot.symbol, %why, "symbol keeps its former settings");
                }
            }
        }
        // Once more in the pass after the last symbol came back: what it had computed was still
        // reported under the former settings.
        known.set_intervals(&self.setup.intervals);
        drop(known);
        if may_remove && self.slots.iter().all(|slot| slot.engine.is_some()) {
            self.slots.retain(|slot| !slot.dropped);
            self.follow();
        }
        if settled {
            self.change = Change::Settled;
        }
    }
}
