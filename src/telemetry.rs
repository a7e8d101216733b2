//! The log, and every metric by its one name.

use std::sync::OnceLock;
use std::time::Duration;

use metrics::{
    Counter, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, reload};

const PASS_DURATION: &str = "analytics_pass_duration_seconds";
const PASS_LATE: &str = "analytics_pass_late_seconds";
const PASSES_SKIPPED: &str = "analytics_passes_skipped_total";
const CALCULATOR_DURATION: &str = "analytics_calculator_duration_seconds";
const CALCULATOR_OUTCOMES: &str = "analytics_calculator_outcomes_total";
const BAD_INPUT: &str = "analytics_bad_input_total";
const INPUT_AGE: &str = "analytics_input_age_seconds";
const REDIS_ROUND_TRIP: &str = "analytics_redis_round_trip_seconds";
const REDIS_BYTES: &str = "analytics_redis_bytes_total";
const FEED_MESSAGES: &str = "analytics_feed_messages_total";
const CHANNEL_MESSAGES: &str = "analytics_channel_messages_total";
const FEED_DROPPED: &str = "analytics_feed_dropped_total";
const FEED_ANSWERS: &str = "analytics_feed_answers_total";
const FEED_GAP: &str = "analytics_feed_gap_seconds_total";
const VIX1D_FETCHES: &str = "analytics_vix1d_fetches_total";
const HTTP_REQUESTS: &str = "analytics_http_requests_total";
const HTTP_STREAMS: &str = "analytics_http_streams";
const HTTP_DROPPED: &str = "analytics_http_dropped_total";
const HISTORY_ROWS: &str = "analytics_history_rows_total";
const HISTORY_DROPPED: &str = "analytics_history_dropped_total";
const BUILD_INFO: &str = "analytics_build_info";

/// What a metric counts like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// It is spread over buckets.
    Histogram,
}

/// Every metric: its name, its kind, what it says.
pub const METRICS: [(&str, Kind, &str); 21] = [
    (
        PASS_DURATION,
        Kind::Histogram,
        "Time of a pass from gather to publish",
    ),
    (
        PASS_LATE,
        Kind::Gauge,
        "How late the last pass started against its grid",
    ),
    (
        PASSES_SKIPPED,
        Kind::Counter,
        "Passes missed on the grid or without a store",
    ),
    (
        CALCULATOR_DURATION,
        Kind::Histogram,
        "Time of one calculator on one symbol",
    ),
    (CALCULATOR_OUTCOMES, Kind::Counter, "Runs by status"),
    (
        BAD_INPUT,
        Kind::Counter,
        "Input that could not be used, by family and reason",
    ),
    (
        INPUT_AGE,
        Kind::Gauge,
        "Age of the oldest symbol's newest input in the last pass, by section",
    ),
    (
        REDIS_ROUND_TRIP,
        Kind::Histogram,
        "Time of a pass's read batch",
    ),
    (
        REDIS_BYTES,
        Kind::Counter,
        "Bytes read from and written to Redis",
    ),
    (
        FEED_MESSAGES,
        Kind::Counter,
        "Messages a feed published, by provider and kind",
    ),
    (
        FEED_DROPPED,
        Kind::Counter,
        "List elements and messages a feed dropped as the store was away or slow",
    ),
    (
        FEED_ANSWERS,
        Kind::Counter,
        "Answers of a vendor's web server to a feed, by provider and outcome",
    ),
    (
        FEED_GAP,
        Kind::Counter,
        "Seconds for which a feed's source was lost, by provider",
    ),
    (
        CHANNEL_MESSAGES,
        Kind::Counter,
        "Messages by channel and outcome: processed, lagged, malformed, duplicate, unknown_symbol",
    ),
    (
        VIX1D_FETCHES,
        Kind::Counter,
        "Answers of an official VIX1D source, by source and outcome",
    ),
    (
        HTTP_REQUESTS,
        Kind::Counter,
        "Requests by route and class of status",
    ),
    (
        HTTP_STREAMS,
        Kind::Gauge,
        "Clients that follow documents, by kind: sse, ws",
    ),
    (
        HTTP_DROPPED,
        Kind::Counter,
        "Clients let go, by reason: behind, stalled, connections",
    ),
    (
        HISTORY_ROWS,
        Kind::Counter,
        "Rows of history that the database acknowledged, by table",
    ),
    (
        HISTORY_DROPPED,
        Kind::Counter,
        "Documents history dropped as too much was waiting for the database",
    ),
    (
        BUILD_INFO,
        Kind::Gauge,
        "Always 1; the version is its label",
    ),
];

/// Seconds from 50 µs to 2 s: a pass has half a second.
const BUCKETS: [f64; 15] = [
    5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1.0, 2.0,
];

/// What lets lines through, so that it can be changed.
static LOG_FILTER: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// Starts the log: lines for people on a terminal, JSON lines elsewhere. `RUST_LOG` goes before
/// the configured level.
pub fn start_log(level: &str) {
    use std::io::IsTerminal;

    let (filter, handle) = reload::Layer::new(log_filter(level));
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let log = match std::io::stderr().is_terminal() {
        true => log.with_target(false).boxed(),
        false => log.json().boxed(),
    };
    let started = tracing_subscriber::registry().with(filter).with(log);
    // A second call, as tests make it, leaves the first log in place.
    if started.try_init().is_ok() {
        let _ = LOG_FILTER.set(handle);
    }
}

/// Logs at another level from here on, unless `RUST_LOG` says which.
pub fn set_log_level(level: &str) {
    if let Some(handle) = LOG_FILTER.get() {
        // It fails only where the log is gone, and then there is nobody to tell.
        let _ = handle.reload(log_filter(level));
    }
}

fn log_filter(level: &str) -> EnvFilter {
    EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level))
}

/// Starts the metrics; the handle renders them. `None` where they were started before.
pub fn start_metrics() -> Option<PrometheusHandle> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &BUCKETS)
        .ok()?
        .install_recorder()
        .ok()?;
    for (name, kind, about) in METRICS {
        match kind {
            Kind::Counter => describe_counter!(name, about),
            Kind::Gauge => describe_gauge!(name, about),
            Kind::Histogram => describe_histogram!(name, about),
        }
    }
    gauge!(BUILD_INFO, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    counter!(PASSES_SKIPPED).absolute(0);
    Some(handle)
}

/// A pass ended.
pub fn pass_finished(took: Duration) {
    histogram!(PASS_DURATION).record(took);
}

/// A pass started so late.
pub fn pass_late(late: Duration) {
    gauge!(PASS_LATE).set(late.as_secs_f64());
}

/// Passes did not run.
pub fn passes_skipped(count: u64) {
    counter!(PASSES_SKIPPED).increment(count);
}

/// A calculator ran on a symbol: its name, the status it ended with, how long it took.
pub fn calculated(calculator: &'static str, outcome: &'static str, seconds: f64) {
    histogram!(CALCULATOR_DURATION, "calculator" => calculator).record(seconds);
    counter!(CALCULATOR_OUTCOMES, "calculator" => calculator, "outcome" => outcome).increment(1);
}

/// Input could not be used.
pub fn bad_input(family: &'static str, reason: &'static str, count: u64) {
    counter!(BAD_INPUT, "family" => family, "reason" => reason).increment(count);
}

/// In the last pass no symbol's newest input of a section was older.
pub fn input_age(section: &'static str, seconds: f64) {
    gauge!(INPUT_AGE, "section" => section).set(seconds);
}

/// A read batch was answered.
pub fn redis_round_trip(took: Duration) {
    histogram!(REDIS_ROUND_TRIP).record(took);
}

/// Bytes went to and fro.
pub fn redis_bytes(read: u64, written: u64) {
    counter!(REDIS_BYTES, "direction" => "read").increment(read);
    counter!(REDIS_BYTES, "direction" => "written").increment(written);
}

/// A feed published messages of a kind.
pub fn feed_messages(provider: &'static str, kind: &'static str, count: u64) {
    counter!(FEED_MESSAGES, "provider" => provider, "kind" => kind).increment(count);
}

/// Messages of a channel came to an outcome.
pub fn channel_messages(channel: &'static str, outcome: &'static str, count: u64) {
    counter!(CHANNEL_MESSAGES, "channel" => channel, "outcome" => outcome).increment(count);
}

/// A feed dropped elements of lists or messages.
pub fn feed_dropped(provider: &'static str, kind: &'static str, count: u64) {
    counter!(FEED_DROPPED, "provider" => provider, "kind" => kind).increment(count);
}

/// A vendor's web server was asked by a feed.
pub fn feed_answered(provider: &'static str, outcome: String) {
    counter!(FEED_ANSWERS, "provider" => provider, "outcome" => outcome).increment(1);
}

/// The database acknowledged rows of history.
pub fn history_rows(table: &'static str, count: u64) {
    counter!(HISTORY_ROWS, "table" => table).increment(count);
}

/// History dropped documents.
pub fn history_dropped(count: u64) {
    counter!(HISTORY_DROPPED).increment(count);
}

/// A feed's source was lost for so long.
pub fn feed_gap(provider: &'static str, seconds: f64) {
    // Counters are whole: a gap shorter than a second is one.
    let seconds = seconds.ceil().max(0.0) as u64;
    counter!(FEED_GAP, "provider" => provider).increment(seconds);
}

/// An official VIX1D source was asked.
pub fn vix1d_fetched(source: &'static str, outcome: String) {
    counter!(VIX1D_FETCHES, "source" => source, "outcome" => outcome).increment(1);
}

/// How often a route was asked, by class of status.
pub struct StatusCounters {
    route: &'static str,
    /// Made when they first count: most routes never see most classes.
    classes: [OnceLock<Counter>; 5],
}

impl StatusCounters {
    /// An answer of this status went out.
    pub fn count(&self, status: u16) {
        const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];
        let class = usize::from(status / 100).clamp(1, 5) - 1;
        let counter = self.classes[class].get_or_init(
            || counter!(HTTP_REQUESTS, "route" => self.route, "status" => CLASSES[class]),
        );
        counter.increment(1);
    }
}

/// The counters of a route.
pub fn http_route(route: &'static str) -> StatusCounters {
    StatusCounters {
        route,
        classes: Default::default(),
    }
}

/// A client that follows documents came or went.
pub fn http_stream(kind: &'static str, change: f64) {
    gauge!(HTTP_STREAMS, "kind" => kind).increment(change);
}

/// A client was let go.
pub fn http_dropped(reason: &'static str) {
    counter!(HTTP_DROPPED, "reason" => reason).increment(1);
}
