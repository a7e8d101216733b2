//! `analytics feed`: runs a provider and publishes into Redis.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use tokio::sync::watch;
use tracing::{info, warn};

use super::{Common, UsageError, print, runtime, stop_signal};
use crate::clock::Clock;
use crate::feed::PROVIDERS;
use crate::feed::recording::{NAME, Playback};
use crate::recording::Reader;
use crate::store::redis::Redis;

/// Publish market data into Redis.
#[derive(Args, Debug)]
#[command(after_help = "Example:
  analytics feed --provider recording goog.rec aapl.rec --speed 100

Plays a recorded day in four minutes, its times moved to the present; prints one JSON line at the
end.")]
pub(super) struct FeedArgs {
    /// Who provides: recording
    #[arg(long, value_name = "NAME")]
    provider: String,
    /// Recordings to play, in time order
    #[arg(value_name = "FILE.rec")]
    recordings: Vec<PathBuf>,
    /// How much faster than recorded
    #[arg(long, value_name = "X", default_value_t = 1.0)]
    speed: f64,
    /// Leave the recorded times in the values
    #[arg(long)]
    keep_times: bool,
    /// Where to publish, over redis.url; without a password
    #[arg(long, value_name = "URL")]
    redis: Option<String>,
}

pub(super) fn execute(args: FeedArgs, common: &Common) -> anyhow::Result<ExitCode> {
    let over: Vec<String> = args
        .redis
        .iter()
        .map(|url| format!("redis.url={url}"))
        .collect();
    let config = common.start(&over)?.config;
    if args.provider != NAME {
        let providers = PROVIDERS.join(", ");
        let why = format!(
            "no provider is called `{}` (there is: {providers})",
            args.provider
        );
        return Err(UsageError(why).into());
    }
    if args.recordings.is_empty() {
        let why = "the provider `recording` wants recordings: analytics feed --provider recording FILE.rec";
        return Err(UsageError(why.into()).into());
    }
    if !(args.speed.is_finite() && args.speed > 0.0) {
        let why = format!("--speed: must be above 0 (is {})", args.speed);
        return Err(UsageError(why).into());
    }
    for path in &args.recordings {
        Reader::open(path).map_err(|error| UsageError(error.to_string()))?;
    }
    if config.redis.url.reveal() == "memory:" {
        let why = "redis.url: a feed in a process of its own cannot publish to `memory:`";
        return Err(UsageError(why.into()).into());
    }
    let playback = Playback {
        recordings: args.recordings,
        speed: args.speed,
        keep_times: args.keep_times,
    };
    runtime()?.block_on(async {
        let redis = Redis::start(&config.redis);
        let redis = redis.map_err(|error| UsageError(error.to_string()))?;
        info!(redis = redis.name(), speed = args.speed, "feeding");
        let (stop, stopped) = watch::channel(false);
        let signals = tokio::spawn(async move {
            // A process that cannot listen for signals is ended by them.
            if stop_signal().await.is_ok() {
                let _ = stop.send(true);
            }
        });
        if !connected(&redis, config.redis.connect_timeout_ms, stopped.clone()).await {
            return Ok(ExitCode::SUCCESS);
        }
        let played = playback.run(&redis, &Clock::System, stopped).await?;
        signals.abort();
        for end in &played.truncated {
            tracing::warn!(why = end, "recording ends early");
        }
        print(&serde_json::to_string(&played)?);
        redis.close().await;
        Ok(ExitCode::SUCCESS)
    })
}

/// Waits for the store, and says so where it takes long. False where it was told to stop first.
async fn connected(redis: &Redis, patience_ms: u64, mut stop: watch::Receiver<bool>) -> bool {
    let patience = tokio::time::sleep(Duration::from_millis(patience_ms));
    tokio::pin!(patience);
    let mut told = false;
    loop {
        tokio::select! {
            () = redis.connected() => return true,
            _ = stop.changed() => return false,
            () = &mut patience, if !told => {
                told = true;
                warn!(redis = redis.name(), "not reached yet: is it running?");
            }
        }
    }
}
