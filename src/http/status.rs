//! `/status`: every job and every document, with the last value or the reason there is none.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::State as Of;
use bytes::Bytes;
use quant::calculator::Card;
use quant::market::Symbol;
use serde::Serialize;
use serde_json::{Value, json};

use super::answer::ready;
use super::error::{Answer, ApiError};
use super::query::Query;
use super::{Desk, Shared, rendered};
use crate::clock::Stopwatch;
use crate::engine::status::{DocumentState, JobState, Known};
use crate::history::status::{Report, State};
use crate::store::inbox::Counts;

/// How long the whole state is given as it was put together.
const KEPT: Duration = Duration::from_secs(1);

/// The whole state as it was put together last, shared by all who ask within a while.
#[derive(Debug, Default)]
pub(super) struct Kept(tokio::sync::Mutex<Option<(Stopwatch, Mark, Bytes)>>);

/// What has changed where the state was written anew: passes, streams, whether history fares well.
type Mark = (u64, u64, usize, Option<State>);

/// The whole state as JSON, or with `symbol` only that one's documents beside the rest.
pub(super) async fn status(desk: Shared, query: Query) -> Answer {
    let desk = desk.0;
    let body = match query.text("symbol") {
        Some(symbol) => {
            let symbol = desk.symbol(symbol)?;
            Bytes::from(text(&desk, Some(&symbol)))
        }
        None => {
            let mut kept = desk.kept_status.0.lock().await;
            let mark = mark(&desk);
            let known = kept
                .as_ref()
                .filter(|(since, of, _)| *of == mark && since.elapsed() < KEPT);
            match known {
                Some((_, _, body)) => body.clone(),
                None => {
                    let body = Bytes::from(text(&desk, None));
                    *kept = Some((Stopwatch::start(), mark, body.clone()));
                    body
                }
            }
        }
    };
    Ok(ready(body))
}

fn mark(desk: &Desk) -> Mark {
    let known = desk.status.lock();
    let history = known.history.as_ref().map(|history| history.report().state);
    let streams = desk.streams.load(Ordering::Relaxed);
    (known.passes.count, known.passes.skipped, streams, history)
}

/// The state as text. Under the lock it is copied and no more: the loop waits.
fn text(desk: &Desk, only: Option<&Symbol>) -> Vec<u8> {
    let known = {
        let known = desk.status.lock();
        match only {
            Some(symbol) => known.of_symbol(symbol),
            None => known.clone(),
        }
    };
    let body = Body::of(known, desk.streams.load(Ordering::Relaxed));
    quant::json::to_vec(&body)
}

/// The metrics as text.
pub(super) async fn metrics(Of(desk): Shared) -> Answer {
    let Some(metrics) = &desk.metrics else {
        return Err(ApiError::away("no_metrics", "metrics are off"));
    };
    Ok(rendered(metrics))
}

#[derive(Serialize)]
struct Body {
    version: &'static str,
    started_at: String,
    session: quant::market::Phase,
    idle: bool,
    passes: Value,
    redis: Value,
    reasons: Vec<String>,
    calculators: BTreeMap<&'static str, &'static str>,
    jobs: BTreeMap<&'static str, Value>,
    channels: BTreeMap<&'static str, Counts>,
    streams: usize,
    bad_input: BTreeMap<&'static str, BTreeMap<&'static str, u64>>,
    history: Option<Report>,
    overall: BTreeMap<String, DocumentState>,
    symbols: BTreeMap<String, BTreeMap<&'static str, DocumentState>>,
}

impl Body {
    fn of(known: Known, streams: usize) -> Self {
        let (_, troubles) = known.health();
        let passes = &known.passes;
        let store = &known.store;
        let about = |card: &Card| (card.name, card.about);
        let jobs = known.jobs.iter();
        let symbols = known.documents.into_iter();
        Self {
            version: env!("CARGO_PKG_VERSION"),
            started_at: known.started_at.to_rfc3339(),
            session: known.session,
            idle: known.idle,
            passes: json!({
                "count": passes.count,
                "skipped": passes.skipped,
                "busy": passes.busy,
                "late_ms": passes.late_ms,
                "last_ms": passes.last_ms,
                "p50_ms": passes.percentile_ms(0.5),
                "p99_ms": passes.percentile_ms(0.99),
            }),
            redis: json!({
                "connected": store.connected,
                "since": store.since.to_rfc3339(),
                "round_trip_ms": store.round_trip_ms,
                "error": store.error,
            }),
            calculators: quant::calculators::all().map(about).collect(),
            jobs: jobs
                .map(|(job, state)| (job.name(), job_body(state)))
                .collect(),
            reasons: troubles.into_iter().map(|trouble| trouble.text).collect(),
            channels: known.channels,
            streams,
            bad_input: known.bad_input,
            history: known.history.as_ref().map(|history| history.report()),
            overall: known.overall,
            symbols: symbols
                .map(|(symbol, documents)| (symbol.to_string(), documents))
                .collect(),
        }
    }
}

fn job_body(state: &JobState) -> Value {
    let time = |at: Option<quant::market::Timestamp>| at.map(|at| at.to_rfc3339());
    json!({
        "interval_seconds": state.interval_seconds,
        "last_run": time(state.last_run),
        "last_ok": time(state.last_ok),
        "last_error": time(state.last_error),
        "error": state.error,
        "errors": state.errors,
        "consecutive_errors": state.consecutive_errors,
        "symbols": state.symbols,
        "no_value": state.no_value,
        "duration_ms": state.duration_ms,
    })
}
