//! Finding the keys of single contracts: a sweep over all keys beside the passes, at most once a
//! minute, for whichever symbols had no chain since the one before.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use fred::prelude::*;
use quant::market::Symbol;
use tokio::task::JoinHandle;

use crate::clock::Stopwatch;
use crate::store::contracts::ContractKeys;
use crate::store::keys;

/// From the start of one sweep to that of the next.
const EVERY: Duration = Duration::from_secs(60);

/// Keys that the server looks at in one go before it serves others.
const COUNT: u32 = 1000;

/// What sweeps found, and the one that runs.
#[derive(Default)]
pub(super) struct Sweeps(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    wanted: BTreeSet<Symbol>,
    found: Arc<ContractKeys>,
    started: Option<Stopwatch>,
    task: Option<JoinHandle<()>>,
}

impl Sweeps {
    /// The keys known of symbols that have no chain. Starts a sweep where one is due, and waits
    /// for none: what it finds is here in a later pass.
    pub(super) fn keys_of(
        &self,
        symbols: impl Iterator<Item = Symbol>,
        pool: &Pool,
    ) -> Arc<ContractKeys> {
        let mut state = lock(&self.0);
        state.wanted.extend(symbols);
        let is_due = state
            .started
            .as_ref()
            .is_none_or(|at| at.elapsed() >= EVERY);
        let is_free = state.task.as_ref().is_none_or(JoinHandle::is_finished);
        if is_due && is_free && !state.wanted.is_empty() {
            let wanted = std::mem::take(&mut state.wanted);
            state.started = Some(Stopwatch::start());
            let (results, pool) = (self.0.clone(), pool.clone());
            state.task = Some(tokio::spawn(async move {
                // After an error what was found before stays, and the next sweep is the retry.
                if let Ok(found) = sweep(&pool, &wanted).await {
                    lock(&results).found = Arc::new(found);
                }
            }));
        }
        state.found.clone()
    }

    /// Ends the one that runs.
    pub(super) fn stop(&self) {
        if let Some(task) = lock(&self.0).task.take() {
            task.abort();
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // Every change is one assignment, so a panic elsewhere leaves it whole.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn sweep(pool: &Pool, wanted: &BTreeSet<Symbol>) -> Result<ContractKeys, Error> {
    let mut found = ContractKeys::default();
    let mut cursor = "0".to_owned();
    loop {
        let client = pool.next_connected();
        let page = client.scan_page(cursor, keys::CONTRACTS, Some(COUNT), None);
        let (next, names): (String, Vec<Bytes>) = page.await?;
        let names = names
            .iter()
            .filter_map(|name| std::str::from_utf8(name).ok());
        names.for_each(|name| found.add(name, wanted));
        if next == "0" {
            return Ok(found);
        }
        cursor = next;
    }
}
