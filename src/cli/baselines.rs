//! What is usual of each symbol, made from history and published for the engine as long as the daemon
//! runs: one symbol after the other, and each once a half hour of its session.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use quant::market::Symbol;
use tokio::sync::watch;
use tracing::warn;

use crate::clock::Clock;
use crate::engine::setup::Setup;
use crate::engine::status::StatusBoard;
use crate::history::baseline::{Mark, baseline, write};
use crate::history::writer::Reader;
use crate::sink::Sink;

/// Between two looks at which symbols are due.
const LOOK: Duration = Duration::from_secs(15);
/// Between two symbols: nothing waits for a baseline.
const REST: Duration = Duration::from_millis(5);

/// Where baselines are made from and go to.
pub(super) struct Baselines {
    pub(super) database: Reader,
    pub(super) sink: Sink,
    pub(super) status: Arc<StatusBoard>,
    pub(super) clock: Clock,
}

impl Baselines {
    /// Makes them until told to stop.
    pub(super) async fn keep(
        self,
        setups: watch::Receiver<Arc<Setup>>,
        mut stop: watch::Receiver<bool>,
    ) {
        let mut made = BTreeMap::new();
        loop {
            let look = async {
                self.look(&setups, &mut made).await;
                tokio::time::sleep(LOOK).await;
            };
            tokio::select! {
                () = look => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
    }

    async fn look(&self, setups: &watch::Receiver<Arc<Setup>>, made: &mut BTreeMap<Symbol, Mark>) {
        let Some(database) = self.database.get() else {
            return;
        };
        let setup = setups.borrow().clone();
        let symbols: Vec<Symbol> = self.status.lock().documents.keys().cloned().collect();
        made.retain(|symbol, _| symbols.binary_search(symbol).is_ok());
        for symbol in symbols {
            let now = self.clock.now();
            let exchange = setup.exchange(&symbol);
            let Some(mark) = Mark::of(exchange, now) else {
                continue;
            };
            if made.get(&symbol) == Some(&mark) {
                continue;
            }
            match baseline(&database, &symbol, exchange, &mark).await {
                Ok(Some(baseline)) => {
                    // A store that is away is the engine's to report; the next look tries again.
                    let written = self.sink.publish(&[write(&symbol, &baseline)], now).await;
                    if written.is_err() {
                        return;
                    }
                }
                Ok(None) => {}
                Err(why) => {
                    warn!(%symbol, %why, "history was asked in vain for what is usual");
                    return;
                }
            }
            made.insert(symbol, mark);
            tokio::time::sleep(REST).await;
        }
    }
}
