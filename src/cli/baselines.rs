//! What is usual of each symbol, made from history and published for the engine as long as the daemon
//! runs: one symbol after the other, and each once a half hour of its session.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use quant::market::{Span, Symbol, Timestamp};
use tokio::sync::watch;
use tracing::{debug, warn};

use crate::clock::Clock;
use crate::engine::setup::Setup;
use crate::engine::status::StatusBoard;
use crate::history::baseline::{Mark, baseline};
use crate::history::writer::Reader;
use crate::sink::Sink;
use crate::store::exchange::StoreError;
use crate::store::keys;

/// Between two looks at which symbols are due.
const LOOK: Duration = Duration::from_secs(2);
/// Between two symbols: nothing waits for a baseline.
const REST: Duration = Duration::from_millis(5);
/// Between two looks at whether what was written still stands: a store may have been emptied.
const STANDS_EVERY: Span = Span::from_millis(30_000);
/// Symbols of one look that history may be asked in vain for: each may take seconds.
const FAILURES: usize = 3;

/// Where baselines are made from and go to.
pub(super) struct Baselines {
    pub(super) database: Reader,
    pub(super) sink: Sink,
    pub(super) status: Arc<StatusBoard>,
    pub(super) clock: Clock,
}

/// What was made so far.
#[derive(Default)]
struct Made {
    marks: BTreeMap<Symbol, Done>,
    /// The symbol that was looked at last: the next look begins behind it.
    last: Option<Symbol>,
    /// Whether it was said that the store refuses them.
    is_refused: bool,
    /// When it was last asked whether they stand.
    asked: Option<Timestamp>,
}

struct Done {
    mark: Mark,
    /// Whether it was written: nothing may be known, and a store may refuse it.
    is_written: bool,
}

impl Baselines {
    /// Makes them until told to stop.
    pub(super) async fn keep(
        self,
        setups: watch::Receiver<Arc<Setup>>,
        mut stop: watch::Receiver<bool>,
    ) {
        let mut made = Made::default();
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

    async fn look(&self, setups: &watch::Receiver<Arc<Setup>>, made: &mut Made) {
        let Some(database) = self.database.get() else {
            return;
        };
        let setup = setups.borrow().clone();
        let chain_seconds = setup.config.history.chain_seconds;
        let mut symbols: Vec<Symbol> = self.status.lock().documents.keys().cloned().collect();
        let marks = &mut made.marks;
        marks.retain(|symbol, _| symbols.binary_search(symbol).is_ok());
        self.forget_what_is_gone(made).await;
        if let Some(last) = &made.last {
            let behind = symbols.partition_point(|symbol| symbol <= last);
            symbols.rotate_left(behind);
        }
        let mut failures = 0;
        for symbol in symbols {
            let now = self.clock.now();
            let exchange = setup.exchange(&symbol);
            let Some(mark) = Mark::of(exchange, now) else {
                continue;
            };
            if made
                .marks
                .get(&symbol)
                .is_some_and(|done| done.mark == mark)
            {
                continue;
            }
            made.last = Some(symbol.clone());
            let write = match baseline(&database, &symbol, exchange, &mark, chain_seconds).await {
                Ok(write) => write,
                Err(why) => {
                    // Whoever writes history says that it is away.
                    debug!(%symbol, %why, "history was asked in vain for what is usual");
                    failures += 1;
                    if failures == FAILURES {
                        return;
                    }
                    continue;
                }
            };
            let is_written = match write {
                None => false,
                Some(write) => match self.sink.publish(&[write], now).await {
                    Ok(()) => true,
                    Err(StoreError::Refused(why)) => {
                        if !made.is_refused {
                            made.is_refused = true;
                            warn!(%symbol, %why, "the store refuses what is usual");
                        }
                        false
                    }
                    // A store that is away is the engine's to report; the next look tries again.
                    Err(_) => return,
                },
            };
            made.marks.insert(symbol, Done { mark, is_written });
            tokio::time::sleep(REST).await;
        }
    }

    /// What was written and does not stand any more is made again.
    async fn forget_what_is_gone(&self, made: &mut Made) {
        let now = self.clock.now();
        if made
            .asked
            .is_some_and(|asked| now < asked.plus(STANDS_EVERY) && now >= asked)
        {
            return;
        }
        let written = made.marks.iter().filter(|(_, done)| done.is_written);
        let symbols: Vec<Symbol> = written.map(|(symbol, _)| symbol.clone()).collect();
        let keys: Vec<String> = symbols.iter().map(keys::baseline).collect();
        if let Ok(stand) = self.sink.stand(&keys).await {
            made.asked = Some(now);
            for (symbol, stands) in symbols.iter().zip(stand) {
                if !stands {
                    made.marks.remove(symbol);
                }
            }
        }
    }
}
