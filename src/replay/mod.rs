//! Replay: the engine over recordings, as fast as it goes, on the recorded clock.
//!
//! Events are put on the in-process board at their time; the grid of passes is anchored at the
//! first event, rounded up to a whole period. Nothing depends on when or where it is run, so the
//! same recording and settings give the same bytes.

pub mod files;
pub mod flags;
pub mod verify;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use quant::calculator::Calculator as _;
use quant::calculators::sweep::{Params, Sweep};
use quant::market::{Span, Symbol, Timestamp};
use quant::prints::sweeps::Criteria;
use serde::{Deserialize as _, Serialize};

use self::files::ReplayFiles;
use crate::clock::Stopwatch;
use crate::engine::Engine;
use crate::engine::setup::Setup;
use crate::engine::status::StatusBoard;
use crate::recording::{self, Op, Reader, Record};
use crate::sink::Sink;
use crate::source::Source;
use crate::store::board::Board;

/// After so long without an event everything is stale: the passes go on at the next event.
const LONGEST_PAUSE: Span = Span::from_millis(15 * 60_000);

/// Trades a list keeps between two passes: every print of the busiest half second, where a live
/// store trims at a thousand.
const LIST_LENGTH: usize = 1 << 16;

/// What to replay and where to.
pub struct Replay {
    /// Recordings; several are played in time order.
    pub recordings: Vec<PathBuf>,
    /// Directory of the results.
    pub out: PathBuf,
    /// Whether the signed trades are written.
    pub trace_trades: bool,
    /// Documents before this time are not written; the numbers are those of the whole replay.
    pub from: Option<Timestamp>,
    /// The replay ends at this time.
    pub to: Option<Timestamp>,
}

/// What a replay came to, as in `summary.json`.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// Events played.
    pub events: u64,
    /// Time it took, seconds.
    pub seconds: f64,
    /// Passes.
    pub passes: u64,
    /// Documents by name.
    pub documents: BTreeMap<&'static str, u64>,
    /// What could not be used: `family/reason` to count.
    pub bad_input: BTreeMap<String, u64>,
    /// Hash of every document in the order they were written.
    pub digest: String,
    /// Recordings that end in the middle, and where.
    pub truncated: Vec<String>,
}

/// The symbols the recordings hold.
pub fn symbols_of(recordings: &[PathBuf]) -> anyhow::Result<Vec<Symbol>> {
    let mut symbols = Vec::new();
    for path in recordings {
        let names = Reader::open(path)?.header().symbols.clone();
        symbols.extend(names.iter().filter_map(|name| Symbol::new(name).ok()));
    }
    symbols.sort();
    symbols.dedup();
    Ok(symbols)
}

impl Replay {
    /// Plays everything and writes the results.
    pub async fn run(&self, setup: Arc<Setup>) -> anyhow::Result<Summary> {
        let watch = Stopwatch::start();
        let readers = self.recordings.iter().map(|path| Reader::open(path));
        let mut events = recording::merge(readers.collect::<Result<_, _>>()?);
        let board = Arc::new(Board::holding(LIST_LENGTH));
        let cannot_write = || format!("cannot write results to {}", self.out.display());
        let sweeps = match self.trace_trades {
            true => Some(sweeps_of(&setup)?),
            false => None,
        };
        let files = ReplayFiles::create(&self.out, sweeps).with_context(cannot_write)?;
        let files = Arc::new(Mutex::new(files));
        let period = setup.period();

        let mut next = events.next().transpose()?;
        let start = next.as_ref().map_or(0, |record| record.t_ns);
        let mut now = grid_at_or_after(Timestamp::from_nanos(start), period);
        let status = Arc::new(StatusBoard::new(now, period, &setup.intervals));
        let channels = setup.config.inputs.channels;
        let mut engine = Engine::inline(
            setup,
            Source::Board(board.clone()),
            Sink::replay(board.clone(), files.clone()),
            status.clone(),
        );

        if channels {
            engine.listen(board.inbox().clone());
        }
        let (mut played, mut passes) = (0, 0);
        while next.is_some() && self.to.is_none_or(|to| now <= to) {
            while let Some(record) = next.take_if(|record| record.t_ns <= now.nanos()) {
                put(&board, record);
                played += 1;
                next = events.next().transpose()?;
            }
            let wanted = self.from.is_none_or(|from| now >= from);
            lock(&files).set_open(wanted);
            if next.is_none() {
                // Every job sees the last event while it is news.
                engine.make_due();
            }
            engine.pass(now, None).await?;
            passes += 1;
            now = now.plus(period);
            if let Some(record) = &next {
                let event = Timestamp::from_nanos(record.t_ns);
                if event.since(now) > LONGEST_PAUSE {
                    now = grid_at_or_after(event, period);
                }
            }
        }

        let written = lock(&files).finish().with_context(cannot_write)?;
        let bad_input = status.lock().bad_input.clone();
        let flat = bad_input.into_iter().flat_map(|(family, reasons)| {
            let named = move |(reason, n)| (format!("{family}/{reason}"), n);
            reasons.into_iter().map(named)
        });
        let summary = Summary {
            events: played,
            seconds: watch.elapsed().as_secs_f64(),
            passes,
            documents: written.documents,
            bad_input: flat.collect(),
            digest: written.digest,
            truncated: events.truncated().map(str::to_owned).collect(),
        };
        let text = serde_json::to_string_pretty(&summary)?;
        std::fs::write(self.out.join("summary.json"), text + "\n").with_context(cannot_write)?;
        Ok(summary)
    }
}

/// What makes a sweep, as set.
fn sweeps_of(setup: &Setup) -> anyhow::Result<Criteria> {
    let table = Sweep::CONFIG.and_then(|table| setup.config.calculators.get(table));
    let params = table.map(Params::deserialize).transpose()?;
    let criteria = params.unwrap_or_default().criteria();
    criteria.map_err(|error| anyhow::anyhow!("calculators.sweeps: {error}"))
}

fn put(board: &Board, record: Record) {
    match record.op {
        Op::Set => board.set(record.key, record.value),
        Op::Rpush => board.push(record.key, record.value),
        Op::Publish => board.message(&record.key, &record.value),
    }
}

fn grid_at_or_after(at: Timestamp, period: Span) -> Timestamp {
    let over = at.nanos().rem_euclid(period.nanos().max(1));
    match over {
        0 => at,
        over => at.plus(Span::from_nanos(period.nanos() - over)),
    }
}

fn lock(files: &Mutex<ReplayFiles>) -> std::sync::MutexGuard<'_, ReplayFiles> {
    files.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_is_anchored_at_the_first_event_rounded_up() {
        let half = Span::from_millis(500);
        let at = |ms| grid_at_or_after(Timestamp::from_millis(ms), half).millis();
        assert_eq!([1000, 1001, 1499, 1500].map(at), [1000, 1500, 1500, 1500]);
    }
}
