//! `/status`: every job and every document, with the last value or the reason there is none.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use quant::calculator::Card;
use serde::Serialize;
use serde_json::{Value, json};

use super::answer::json;
use super::error::{Answer, ApiError};
use super::{Shared, rendered};
use crate::engine::status::{DocumentState, JobState, Known};
use crate::history::status::Report;
use crate::store::inbox::Counts;

/// The whole state as JSON.
pub(super) async fn status(State(desk): Shared) -> Response {
    let body = {
        let known = desk.status.lock();
        Body::of(&known, desk.streams.load(Ordering::Relaxed))
    };
    json(StatusCode::OK, &body)
}

/// The metrics as text.
pub(super) async fn metrics(State(desk): Shared) -> Answer {
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
    fn of(known: &Known, streams: usize) -> Self {
        let passes = &known.passes;
        let store = &known.store;
        let about = |card: &Card| (card.name, card.about);
        let jobs = known.jobs.iter();
        let symbols = known.documents.iter();
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
            channels: known.channels.clone(),
            streams,
            bad_input: known.bad_input.clone(),
            history: known.history.as_ref().map(|history| history.report()),
            overall: known.overall.clone(),
            symbols: symbols
                .map(|(symbol, documents)| (symbol.to_string(), documents.clone()))
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
