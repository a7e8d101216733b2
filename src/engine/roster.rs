//! Which symbols there are: how they start, what they are given back from before, and how what
//! they remember is saved.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use quant::market::{Span, Symbol, Timestamp};
use tracing::{debug, error, info};

use super::reconfigure::Change;
use super::symbol::{PackedState, SymbolEngine};
use super::{Engine, Slot, is_due, plan};
use crate::store::codec::BadInput;
use crate::store::drain::Drain;
use crate::store::exchange::StoreError;
use crate::store::keys::SymbolKeys;
use crate::store::tap::RunEvent;

/// How often the set of symbols a feed publishes is read.
const SYMBOLS_EVERY: Span = Span::from_millis(5_000);
/// Symbols that start in one pass: restoring a whole market at once would stop the loop.
const STARTS_A_PASS: usize = 500;
/// Symbols whose states are packed between two chances for others to run.
const SAVES_AT_ONCE: usize = 64;
/// Most symbols; more are refused and counted.
const MAX_SYMBOLS: usize = 20_000;

impl Engine {
    /// The symbols to compute on: those configured, else those the feed publishes.
    pub(super) async fn refresh_symbols(&mut self, now: Timestamp) -> Result<(), StoreError> {
        if !is_due(&mut self.symbols_due, SYMBOLS_EVERY, now) {
            return Ok(());
        }
        let mut bad = BadInput::default();
        let mut wanted: Vec<Symbol> = if self.fixed_symbols {
            self.setup.config.symbols.all().into_iter().collect()
        } else {
            self.source.symbols(&mut bad).await?
        };
        wanted.sort();
        let room = MAX_SYMBOLS.saturating_sub(self.slots.len());
        let known: BTreeSet<&Symbol> = self.slots.iter().map(|slot| &slot.symbol).collect();
        wanted.retain(|symbol| !known.contains(symbol));
        if wanted.len() > room {
            bad.add("symbols", "too_many", (wanted.len() - room) as u64);
            wanted.truncate(room);
        }
        if wanted.len() > STARTS_A_PASS {
            wanted.truncate(STARTS_A_PASS);
            self.symbols_due = None;
        }
        let mut slots = Vec::with_capacity(wanted.len());
        for symbol in wanted {
            match self.setup.symbol_engine(&symbol, now) {
                Ok(engine) => slots.push(self.slot(engine, now)),
                Err(why) => error!(%symbol, %why, "symbol left out"),
            }
        }
        self.restore(&mut slots, now).await?;
        let is_news = !slots.is_empty() || !self.follows();
        self.slots.append(&mut slots);
        if is_news {
            self.follow();
        }
        self.count_bad(&bad, None, now);
        Ok(())
    }

    fn slot(&self, engine: SymbolEngine, now: Timestamp) -> Slot {
        let symbol = engine.symbol().clone();
        let period = self.setup.period();
        let save_due = self.setup.save_every().map(|every| {
            let share = plan::spread(&symbol, every, period);
            now.plus(share).plus(period)
        });
        Slot {
            keys: Arc::new(SymbolKeys::of(&symbol)),
            drain: Drain::default(),
            schedule: self.setup.schedule(&symbol),
            discovered_due: None,
            baseline_due: None,
            bars_due: None,
            save_due,
            anew: false,
            tapped: None,
            handed: [0; 4],
            engine: Some(Box::new(engine)),
            outdated: false,
            dropped: false,
            symbol,
        }
    }

    /// Gives symbols back what they remembered before a restart or a take-over.
    async fn restore(&self, slots: &mut [Slot], now: Timestamp) -> Result<(), StoreError> {
        let engines = slots.iter().filter_map(|slot| slot.engine.as_ref());
        let keys: Vec<Vec<String>> = match self.setup.save_every() {
            Some(_) => engines.map(|engine| engine.state_keys()).collect(),
            None => vec![Vec::new(); slots.len()],
        };
        let mut saved = self.source.load(&keys.concat(), now).await?.into_iter();
        let (mut symbols, mut calculators) = (0, 0);
        for (slot, keys) in slots.iter_mut().zip(&keys) {
            let states: Vec<Option<Bytes>> = saved.by_ref().take(keys.len()).collect();
            let Some(engine) = &mut slot.engine else {
                continue;
            };
            let restored = engine.restore(&states);
            symbols += usize::from(restored.drain.is_some());
            calculators += restored.calculators;
            slot.drain = restored.drain.unwrap_or_default();
            for (name, why) in restored.refused {
                // A calculator whose settings were changed starts anew; so does one of an older
                // version. Neither is a fault.
                info!(symbol = %slot.symbol, name, %why, "state not restored");
            }
            if let Some(tap) = &self.tap {
                let symbol = slot.symbol.clone();
                tap.send(RunEvent::Started { symbol, states });
            }
        }
        if symbols > 0 {
            info!(symbols, calculators, "states restored");
        }
        Ok(())
    }

    /// Saves every symbol at home; for a stop.
    pub async fn save_all(&mut self, now: Timestamp) -> Result<(), StoreError> {
        if self.setup.save_every().is_none() {
            return Ok(());
        }
        // What is being written is older and must not land last.
        if let Some(saving) = self.saving.take() {
            let _ = saving.await;
        }
        self.sink.save(self.overall_states(now), now).await?;
        for slots in self.slots.chunks(SAVES_AT_ONCE) {
            let at_home = slots.iter().filter_map(|slot| {
                let engine = slot.engine.as_ref()?;
                Some(engine.save(slot.drain.clone(), now))
            });
            let states = at_home.flatten().collect();
            self.sink.save(states, now).await?;
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Writes states beside the passes. While the last batch is still being written this one is
    /// left out: each symbol's next saving is half a minute away.
    pub(super) fn save(&mut self, states: Vec<PackedState>, now: Timestamp) {
        let busy = self
            .saving
            .as_ref()
            .is_some_and(|saving| !saving.is_finished());
        if states.is_empty() || busy {
            return;
        }
        let sink = self.sink.clone();
        self.saving = Some(tokio::spawn(async move {
            if let Err(why) = sink.save(states, now).await {
                debug!(%why, "states not saved");
            }
        }));
    }

    /// Begins the next file of a recording where one is wanted: every symbol is saved and starts
    /// again from that, so that the file stands alone.
    pub(super) fn rotate_recording(&mut self, now: Timestamp) {
        let Some(tap) = self.tap.as_ref().filter(|tap| tap.wants_next_file(now)) else {
            return;
        };
        // One under former settings, or still computing, would begin in the middle.
        let settled = self.change == Change::Settled;
        let any_away = self.slots.iter().any(|slot| slot.engine.is_none());
        if !settled || any_away || self.overall_is_away() {
            return;
        }
        tap.send(RunEvent::NextFile(self.setup.recorded(), now));
        self.overall.starts_again();
        for slot in &mut self.slots {
            let fresh = self.setup.symbol_engine(&slot.symbol, now);
            let (Some(engine), Ok(mut fresh)) = (&slot.engine, fresh) else {
                continue;
            };
            let states: Vec<Option<Bytes>> = engine
                .save(slot.drain.clone(), now)
                .into_iter()
                .map(|(_, state)| Some(state))
                .collect();
            slot.drain = fresh.restore(&states).drain.unwrap_or_default();
            slot.engine = Some(Box::new(fresh));
            slot.schedule.all_due();
            (slot.discovered_due, slot.bars_due) = (None, None);
            slot.baseline_due = None;
            slot.anew = false;
            let symbol = slot.symbol.clone();
            tap.send(RunEvent::Started { symbol, states });
        }
    }
}
