//! `analytics run`: the daemon. Redis in, documents out, HTTP beside it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use quant::calculators::PER_SYMBOL;
use quant::market::{Symbol, Timestamp};
use tokio::sync::watch;
use tracing::{info, warn};

use super::baselines::Baselines;
use super::polling::Pollers;
use super::reload::{hangups, keep_reloading};
use super::{Common, UsageError, print, runtime, stop_signal};
use crate::clock::Clock;
use crate::engine::Engine;
use crate::engine::run::{beat, notify, turn};
use crate::engine::setup::Setup;
use crate::engine::status::StatusBoard;
use crate::history::rows::SessionOf;
use crate::history::writer::History;
use crate::http::{self, past::Past, tokens::Tokens};
use crate::recording::Header;
use crate::recording::run::RunRecorder;
use crate::sink::Sink;
use crate::source::Source;
use crate::store::board::Board;
use crate::store::channels::Channels;
use crate::store::published::Published;
use crate::store::redis::Redis;
use crate::store::tap::Tap;
use crate::telemetry;

/// How long a stop waits for the last saving of states.
const LAST_SAVE: Duration = Duration::from_secs(2);
/// How long a stop waits for the last rows of history.
const LAST_ROWS: Duration = Duration::from_millis(1_500);
/// How long a stop waits for HTTP connections to end.
const HTTP_STOP: Duration = Duration::from_secs(1);

/// Run the daemon: gather from Redis, compute, publish, twice a second.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  analytics run --config /etc/analytics/analytics.toml
  REDIS_URL=unix:/run/redis/redis.sock analytics run
  analytics run --record run.rec
  analytics run --once --as-of 2026-11-20T15:00:00Z")]
pub(super) struct RunArgs {
    /// Run every job once on what is in the store, print what came of it, and exit: 0 if every
    /// job gave a value or a stated reason, 1 otherwise
    #[arg(long)]
    once: bool,
    /// Take this for the time of day (RFC 3339 or epoch number)
    #[arg(long, requires = "once", value_name = "T", value_parser = super::replay::time)]
    as_of: Option<Timestamp>,
    /// Record what every pass is told and a hash of what it says, for `replay --verify`
    #[arg(long, conflicts_with = "once", value_name = "FILE.rec")]
    record: Option<PathBuf>,
}

pub(super) fn execute(args: RunArgs, common: &Common) -> anyhow::Result<ExitCode> {
    let loaded = common.start(&[])?;
    let setup = Setup::new(loaded.config, PER_SYMBOL);
    match args.once {
        true => runtime()?.block_on(once(Arc::new(setup.forgetful()), args.as_of)),
        false => runtime()?.block_on(daemon(Arc::new(setup), common, args.record)),
    }
}

/// Where documents come from and go to by `redis.url`.
fn store(setup: &Setup) -> anyhow::Result<(Source, Sink, Option<Arc<Redis>>)> {
    let aliases = setup.config.keys.aliases;
    if setup.config.redis.url.reveal() == "memory:" {
        let board = Arc::new(Board::default());
        let sink = Sink::board(board.clone()).with_aliases(aliases);
        return Ok((Source::Board(board), sink, None));
    }
    let redis = Redis::start(&setup.config.redis);
    let redis = Arc::new(redis.map_err(|error| UsageError(error.to_string()))?);
    let source = Source::Redis(redis.clone());
    let sink = Sink::redis(redis.clone()).with_aliases(aliases);
    Ok((source, sink, Some(redis)))
}

async fn daemon(
    setup: Arc<Setup>,
    common: &Common,
    record: Option<PathBuf>,
) -> anyhow::Result<ExitCode> {
    let hangups = hangups().context("cannot listen for signals")?;
    let metrics = telemetry::start_metrics();
    let clock = Clock::System;
    let status = StatusBoard::new(clock.now(), setup.period(), &setup.intervals);
    let status = Arc::new(status);
    let (stop, stopped) = watch::channel(false);

    let tokens = tokens(&setup)?;
    let listening = http::bind(&setup.config.http.listen).await?;
    let (source, sink, redis) = store(&setup)?;
    let published = Arc::new(Published::new(clock.now()));
    let sink = sink.with_published(published.clone());
    let history = History::start(&setup.config.history, sessions(&setup), clock.clone());
    let sink = sink.with_history(history.as_ref().map(History::intake));
    status.lock().history = history.as_ref().map(History::status);
    let (new_setups, setups) = watch::channel(setup.clone());
    let state = http::State {
        status: status.clone(),
        published,
        setups: setups.clone(),
        clock: clock.clone(),
        metrics: metrics.clone(),
        tokens: Arc::new(tokens),
        door: Some(sink.clone()),
        past: Past::new(history.as_ref().map(History::reader), clock.clone()),
    };
    let server = tokio::spawn(listening.serve(state, stopped.clone()));
    let recording = record.map(|path| recorder(&path, &setup, clock.now()));
    let recording = recording.transpose()?;
    notify(&[
        sd_notify::NotifyState::Ready,
        sd_notify::NotifyState::Status("waiting for redis"),
    ]);
    let at = redis.as_ref().map_or("memory:", |redis| redis.name());
    info!(redis = at, version = env!("CARGO_PKG_VERSION"), "started");

    let reloading = tokio::spawn(keep_reloading(hangups, common.clone(), new_setups));
    let (end, ended) = watch::channel(false);
    let beating = beat(
        clock.clone(),
        status.clone(),
        sink.clone(),
        setups.clone(),
        ended,
    );
    let beating = tokio::spawn(beating);
    let polling = Pollers {
        source: source.clone(),
        sink: sink.clone(),
        clock: clock.clone(),
    };
    let polling = tokio::spawn(polling.keep(setups.clone(), stopped.clone()));
    let baselines = history.as_ref().map(|history| Baselines {
        database: history.reader(),
        sink: sink.clone(),
        status: status.clone(),
        clock: clock.clone(),
    });
    let baselines =
        baselines.map(|making| tokio::spawn(making.keep(setups.clone(), stopped.clone())));
    let upkeep = metrics.map(|metrics| tokio::spawn(keep_up(metrics)));
    let channels = match (&redis, setup.config.inputs.channels) {
        (Some(_), true) => Some(Channels::start(&setup.config.redis)?),
        (None, _) | (_, false) => None,
    };
    let mut engine = Engine::with_threads(setup, source, sink, status.clone())?;
    if let Some(channels) = &channels {
        engine.listen(channels.inbox());
    }
    let recorder = recording.map(|(tap, recorder)| {
        engine.record(tap);
        recorder
    });

    let turning = turn(&mut engine, &clock, &status, setups, stopped);
    let stopping = async {
        let signalled = stop_signal().await;
        notify(&[sd_notify::NotifyState::Stopping]);
        info!("stopping");
        // Nobody listening any more is what a stop wants.
        let _ = stop.send(true);
        signalled
    };
    let ((), signalled) = tokio::join!(turning, stopping);
    reloading.abort();
    // It was told to stop with the rest.
    let _ = polling.await;
    if let Some(baselines) = baselines {
        let _ = baselines.await;
    }
    let saving = tokio::time::timeout(LAST_SAVE, engine.save_all(clock.now())).await;
    if !matches!(saving, Ok(Ok(()))) {
        info!("states are those of the last saving: the store did not take them");
    }
    drop(engine);
    // Everything is written: the last heartbeat may say so.
    let _ = end.send(true);
    beating.await.context("the heartbeat ended early")?;
    let recorded = recorder.map(RunRecorder::finish).transpose();
    if let Ok(Some(recorded)) = &recorded {
        if recorded.dropped > 0 {
            warn!(dropped = recorded.dropped, "the recording is incomplete");
        }
        info!(events = recorded.events, bytes = recorded.bytes, "recorded");
    }
    // Connections that stay open longer are cut with the process.
    let _ = tokio::time::timeout(HTTP_STOP, server).await;
    if let Some(history) = history {
        history.close(LAST_ROWS).await;
    }
    if let Some(upkeep) = upkeep {
        upkeep.abort();
    }
    if let Some(channels) = channels {
        let _ = tokio::time::timeout(HTTP_STOP, channels.close()).await;
    }
    if let Some(redis) = redis {
        let _ = tokio::time::timeout(HTTP_STOP, redis.close()).await;
    }
    info!("stopped");
    signalled.context("cannot listen for signals")?;
    recorded?;
    Ok(ExitCode::SUCCESS)
}

/// Which session an instant belongs to, for history.
pub(super) fn sessions(setup: &Arc<Setup>) -> Arc<SessionOf> {
    let setup = setup.clone();
    // What is over all symbols stands under a name that is no symbol.
    Arc::new(move |symbol, at| match Symbol::new(symbol) {
        Ok(symbol) => setup.session_of(&symbol, at).date,
        Err(_) => setup.default_session(at).date,
    })
}

/// The tokens of those who may come in from elsewhere, and who may write.
fn tokens(setup: &Setup) -> anyhow::Result<Tokens> {
    let file = setup.config.http.token_file.as_deref();
    let read = file.map(Tokens::read).transpose();
    let tokens = read.map_err(|why| UsageError(format!("http.token_file: {why}")))?;
    Ok(tokens.unwrap_or_default())
}

/// A recorder of this run, and the tap that fills it.
fn recorder(path: &Path, setup: &Setup, now: Timestamp) -> anyhow::Result<(Tap, RunRecorder)> {
    let header = Header::run(setup.recorded(), env!("CARGO_PKG_VERSION"), now.nanos());
    info!(file = %path.display(), "recording");
    Ok(RunRecorder::start(path, &header)?)
}

/// Without it histograms grow for ever.
async fn keep_up(metrics: metrics_exporter_prometheus::PrometheusHandle) {
    let mut timer = tokio::time::interval(Duration::from_secs(5));
    loop {
        timer.tick().await;
        metrics.run_upkeep();
    }
}

async fn once(setup: Arc<Setup>, as_of: Option<Timestamp>) -> anyhow::Result<ExitCode> {
    let clock = as_of.map_or(Clock::System, Clock::standing_at);
    let (source, sink, redis) = store(&setup)?;
    if let Some(redis) = &redis {
        let patience = Duration::from_millis(setup.config.redis.connect_timeout_ms);
        let connected = tokio::time::timeout(patience, redis.connected()).await;
        connected.map_err(|_| {
            let name = redis.name();
            anyhow::anyhow!("cannot reach redis at {name} (is it running? see config/redis.conf)")
        })?;
    }
    let now = clock.now();
    let status = Arc::new(StatusBoard::new(now, setup.period(), &setup.intervals));
    let mut engine = Engine::inline(setup, source, sink, status.clone());
    let pass = engine.pass(now, None).await?;
    let (documents, overall): (serde_json::Value, serde_json::Value) = {
        let known = status.lock();
        let overall = serde_json::to_value(&known.overall)?;
        let documents = serde_json::to_value(
            known
                .documents
                .iter()
                .map(|(symbol, documents)| (symbol.to_string(), documents))
                .collect::<std::collections::BTreeMap<_, _>>(),
        )?;
        (documents, overall)
    };
    let summary = serde_json::json!({
        "as_of": now.to_rfc3339(),
        "symbols": pass.symbols,
        "documents_written": pass.documents,
        "errors": pass.errors,
        "documents": documents,
        "overall": overall,
    });
    print(&serde_json::to_string(&summary)?);
    if let Some(redis) = redis {
        redis.close().await;
    }
    Ok(match pass.errors {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}
