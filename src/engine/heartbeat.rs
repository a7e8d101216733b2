//! The heartbeat: written on the grid of the passes by a task of its own, so that it is on time
//! and true whatever the jobs do.

use std::collections::BTreeMap;

use quant::market::{Phase, Timestamp};
use serde::Serialize;

use super::status::Known;
use crate::history::status::Report;
use crate::store::inbox::Counts;

/// The document at `heartbeat:analytics`.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct Heartbeat {
    /// When it was written, milliseconds since the epoch.
    pub ts: i64,
    /// Symbols that are computed on.
    pub symbols: usize,
    /// Passes a second.
    pub cadence_hz: f64,
    /// False in the last heartbeat of a clean stop.
    pub running: bool,
    /// Whether symbol jobs pause because no exchange is open.
    pub idle: bool,
    /// Seconds between runs, by job.
    pub update_intervals: BTreeMap<&'static str, f64>,
    /// Last pass in which a job ran, seconds since the epoch; 0 if never.
    pub last_updates: BTreeMap<&'static str, f64>,
    /// Errors since the start, by job; only jobs with errors.
    pub error_counts: BTreeMap<&'static str, u64>,
    /// Version of the program.
    pub version: &'static str,
    /// Its process.
    pub pid: u32,
    /// The host it runs on.
    pub host: String,
    /// When it started, milliseconds since the epoch.
    pub started_at: i64,
    /// What the default exchange is doing: open, pre, post, closed, holiday.
    #[schemars(with = "String")]
    pub session: Phase,
    /// Passes.
    pub pass: PassBeat,
    /// Jobs that are on.
    pub jobs: BTreeMap<&'static str, JobBeat>,
    /// The store.
    pub redis: RedisBeat,
    /// Which part of the symbols this engine has.
    pub shard: ShardBeat,
    /// What became of messages since the start, by channel; `any` for those lost before it was seen
    /// of which channel they were. What is in no outcome yet waits for its symbol's turn.
    pub channels: BTreeMap<&'static str, Counts>,
    /// Input that could not be used since the start, by family and reason.
    pub bad_input: BTreeMap<&'static str, BTreeMap<&'static str, u64>>,
    /// How history fares; null where it is off.
    pub history: Option<Report>,
}

/// Passes.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct PassBeat {
    /// Passes that ran.
    pub count: u64,
    /// Passes that did not.
    pub skipped: u64,
    /// How late the last one started, milliseconds.
    pub late_ms: f64,
    /// How long it took, milliseconds.
    pub last_ms: f64,
    /// Median duration, milliseconds; null before the first.
    pub p50_ms: Option<f64>,
    /// 99th percentile of the duration, milliseconds; null before the first.
    pub p99_ms: Option<f64>,
    /// Symbols still computing at the end of the last one.
    pub busy: u64,
    /// Time since the last one ended or was skipped, milliseconds; null before the first.
    pub age_ms: Option<f64>,
}

/// One job.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct JobBeat {
    /// Last run without an error, seconds since the epoch; null if never.
    pub last_ok: Option<f64>,
    /// Last error, seconds since the epoch; null if never.
    pub last_error: Option<f64>,
    /// Its text.
    pub error: Option<String>,
    /// Errors since the last run without one.
    pub consecutive_errors: u64,
    /// Symbols of its last run.
    pub symbols: u64,
    /// Documents without a value, by status.
    pub no_value: BTreeMap<&'static str, u64>,
    /// Computing time of its last run over all symbols, milliseconds.
    pub duration_ms: f64,
}

/// The store.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct RedisBeat {
    /// Whether the last pass could read and write.
    pub connected: bool,
    /// Since when, milliseconds since the epoch.
    pub since: i64,
    /// Time of the last read batch, milliseconds; null before the first.
    pub round_trip_ms: Option<f64>,
}

/// Which part of the symbols an engine has.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct ShardBeat {
    /// Its number.
    pub index: u32,
    /// How many there are.
    pub count: u32,
}

impl Heartbeat {
    /// The heartbeat of what is known at `now`.
    pub fn of(known: &Known, now: Timestamp, host: &str, running: bool) -> Self {
        let seconds = |at: Option<Timestamp>| at.map(Timestamp::seconds);
        let jobs = || known.jobs.iter().map(|(job, state)| (job.name(), state));
        Self {
            ts: now.millis(),
            symbols: known.symbols,
            cadence_hz: 1.0 / known.period.seconds(),
            running,
            idle: known.idle,
            update_intervals: jobs().map(|(job, s)| (job, s.interval_seconds)).collect(),
            last_updates: jobs()
                .map(|(job, state)| (job, seconds(state.last_run).unwrap_or(0.0)))
                .collect(),
            error_counts: jobs()
                .filter(|(_, state)| state.errors > 0)
                .map(|(job, state)| (job, state.errors))
                .collect(),
            version: env!("CARGO_PKG_VERSION"),
            pid: std::process::id(),
            host: host.to_owned(),
            started_at: known.started_at.millis(),
            session: known.session,
            pass: PassBeat {
                count: known.passes.count,
                skipped: known.passes.skipped,
                late_ms: known.passes.late_ms,
                last_ms: known.passes.last_ms,
                p50_ms: known.passes.percentile_ms(0.5),
                p99_ms: known.passes.percentile_ms(0.99),
                busy: known.passes.busy,
                age_ms: known.loop_age().map(|seconds| seconds * 1e3),
            },
            jobs: jobs()
                .map(|(job, state)| {
                    let beat = JobBeat {
                        last_ok: seconds(state.last_ok),
                        last_error: seconds(state.last_error),
                        error: state.error.clone(),
                        consecutive_errors: state.consecutive_errors,
                        symbols: state.symbols,
                        no_value: state.no_value.clone(),
                        duration_ms: state.duration_ms,
                    };
                    (job, beat)
                })
                .collect(),
            redis: RedisBeat {
                connected: known.store.connected,
                since: known.store.since.millis(),
                round_trip_ms: known.store.round_trip_ms,
            },
            shard: ShardBeat { index: 0, count: 1 },
            channels: known.channels.clone(),
            bad_input: known.bad_input.clone(),
            history: known.history.as_ref().map(|history| history.report()),
        }
    }
}

/// The name of this machine.
pub fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname");
    name.map_or_else(|_| "unknown".into(), |name| name.trim().to_owned())
}
