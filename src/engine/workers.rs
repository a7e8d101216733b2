//! The compute threads: a symbol moves in with what was gathered, and back with its outcome.
//! They are not the runtime's, so that heartbeat, HTTP and signals stay on time under any load.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::NaiveDate;
use quant::market::Timestamp;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::hosted::panic_text;
use super::plan::Jobs;
use super::symbol::{SymbolEngine, Turned};
use crate::store::drain::Drain;
use crate::store::exchange::Gathered;

/// One symbol's turn. At most one a symbol is under way, which bounds the queues.
pub(super) struct Task {
    pub(super) slot: usize,
    pub(super) engine: Box<SymbolEngine>,
    pub(super) gathered: Gathered,
    pub(super) due: Jobs,
    pub(super) today: NaiveDate,
    pub(super) now: Timestamp,
    /// The place on the trade list, where this turn is to save the symbol's states.
    pub(super) save: Option<Drain>,
    /// Whether somebody looks at the symbol.
    pub(super) watched: bool,
}

/// A symbol back from its turn.
pub(super) struct Done {
    pub(super) slot: usize,
    pub(super) engine: Box<SymbolEngine>,
    pub(super) due: Jobs,
    /// The pass it was started in.
    pub(super) now: Timestamp,
    pub(super) turned: Result<Turned, String>,
}

/// Threads that take turns, or the caller's own thread where there are none.
pub(super) enum Workers {
    /// The caller's thread: replays, one pass by hand.
    Inline(Vec<Done>),
    /// A pool.
    Threads {
        tasks: Sender<Task>,
        done: UnboundedReceiver<Done>,
    },
}

impl Workers {
    /// A pool of so many threads.
    pub(super) fn threads(count: usize) -> std::io::Result<Self> {
        let (tasks, queue) = channel();
        let (results, done) = unbounded_channel();
        let queue = Arc::new(Mutex::new(queue));
        for at in 0..count {
            let (queue, results) = (queue.clone(), results.clone());
            std::thread::Builder::new()
                .name(format!("compute-{at}"))
                .spawn(move || work(&queue, &results))?;
        }
        Ok(Self::Threads { tasks, done })
    }

    /// Hands a turn over.
    pub(super) fn start(&mut self, task: Task) {
        match self {
            Self::Inline(done) => done.push(turn(task)),
            Self::Threads { tasks, .. } => tasks
                .send(task)
                .expect("the threads live as long as the sender of their queue"),
        }
    }

    /// The next symbol that comes back.
    pub(super) async fn next(&mut self) -> Option<Done> {
        match self {
            Self::Inline(done) => done.pop(),
            Self::Threads { done, .. } => done.recv().await,
        }
    }

    /// A symbol that has come back already.
    pub(super) fn ready(&mut self) -> Option<Done> {
        match self {
            Self::Inline(done) => done.pop(),
            Self::Threads { done, .. } => done.try_recv().ok(),
        }
    }
}

fn work(queue: &Mutex<Receiver<Task>>, results: &UnboundedSender<Done>) {
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(task) = next else {
            return;
        };
        if results.send(turn(task)).is_err() {
            return;
        }
    }
}

fn turn(task: Task) -> Done {
    let Task {
        slot,
        mut engine,
        gathered,
        due,
        today,
        now,
        save,
        watched,
    } = task;
    let turned = catch_unwind(AssertUnwindSafe(|| {
        let mut turned = engine.turn(gathered, due, today, now);
        turned.states = save.map_or_else(Vec::new, |drain| engine.save(drain, now));
        if watched {
            turned.views = engine.views(now);
        }
        turned
    }))
    .map_err(|panic| panic_text(panic.as_ref()));
    Done {
        slot,
        engine,
        due,
        now,
        turned,
    }
}
