//! `analytics feed`: runs a provider and publishes into Redis.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::sync::watch;
use tracing::{info, warn};

use super::{Common, UsageError, print, runtime, stop_signal};
use crate::clock::Clock;
use crate::config::Config;
use crate::engine::setup::calendars;
use crate::feed::dirt::Dirt;
use crate::feed::provider::{self, Options};
use crate::feed::publish::{Outlet, publish};
use crate::feed::wire::Wire;
use crate::http;
use crate::store::redis::Redis;
use crate::telemetry;

/// How long the store may take for a batch: the whole of thousands of symbols is one, and the next
/// one waits without harm.
const COMMAND_TIMEOUT_MS: u64 = 2_000;
/// How long a stop waits for HTTP connections to end.
const HTTP_STOP: Duration = Duration::from_millis(500);

/// Publish market data into Redis.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  analytics feed --always-open
  analytics feed --symbols SPY,SPX --seed 7 --speed 10 --labels truth.jsonl
  analytics feed --symbols-generated 6000 --dirt 0.01 --listen 127.0.0.1:8005
  analytics feed --provider recording goog.rec aapl.rec --speed 100
  analytics feed --provider cboe --symbols SPX,SPY,VIX
  analytics feed --provider globaldatafeeds --symbols NIFTY,BANKNIFTY

The synthetic market keeps the hours of its exchanges unless it is always open. The recordings are
played in a hundredth of their time, their times moved to the present. CBOE's chains are real and 15
minutes late. What was published is printed
as one JSON line at the end. Every flag of a market is a setting, too: [feed] in analytics.toml.")]
pub(super) struct FeedArgs {
    /// Who provides: synthetic, cboe, globaldatafeeds or recording
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// Recordings to play, in time order
    #[arg(value_name = "FILE.rec")]
    recordings: Vec<PathBuf>,
    /// Symbols of the provider, with commas; without it those it has by default
    #[arg(long, value_name = "S,S,…")]
    symbols: Option<String>,
    /// So many generated stocks beside them
    #[arg(long, value_name = "N")]
    symbols_generated: Option<usize>,
    /// Orders that trade a second, all symbols together; 0 leaves it to each symbol
    #[arg(long, value_name = "N")]
    trades_per_second: Option<f64>,
    /// How much faster than life, or than recorded
    #[arg(long, value_name = "X")]
    speed: Option<f64>,
    /// The same seed gives the same market
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Trade day and night
    #[arg(long)]
    always_open: bool,
    /// Spoil each record with this probability, as sources do
    #[arg(long, value_name = "P")]
    dirt: Option<f64>,
    /// Send every contract of a chain as a message of its own, too
    #[arg(long)]
    option_quotes: bool,
    /// Write the truth about every trade: its side, sweep, iceberg, episode
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Leave the recorded times in the values
    #[arg(long)]
    keep_times: bool,
    /// End after so many seconds
    #[arg(long, value_name = "SECONDS")]
    seconds: Option<f64>,
    /// Where to publish, over redis.url; without a password
    #[arg(long, value_name = "URL")]
    redis: Option<String>,
    /// Where to serve /metrics; without it nowhere
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
}

impl FeedArgs {
    /// The settings that flags set.
    fn over(&self) -> Vec<String> {
        fn set(key: &str, value: &Option<impl ToString>) -> Option<String> {
            let value = value.as_ref()?.to_string();
            Some(format!("{key}={value}"))
        }
        let yes = |flag: bool| flag.then_some(true);
        let all = [
            set("redis.url", &self.redis),
            set("feed.provider", &self.provider),
            set("feed.symbols", &self.symbols),
            set("feed.symbols_generated", &self.symbols_generated),
            set("feed.trades_per_second", &self.trades_per_second),
            set("feed.speed", &self.speed),
            set("feed.seed", &self.seed),
            set("feed.dirt", &self.dirt),
            set("feed.always_open", &yes(self.always_open)),
            set("feed.option_quotes", &yes(self.option_quotes)),
        ];
        all.into_iter().flatten().collect()
    }
}

pub(super) fn execute(args: FeedArgs, common: &Common) -> anyhow::Result<ExitCode> {
    if let Some(speed) = args.speed
        && !(speed.is_finite() && speed > 0.0)
    {
        let why = format!("--speed: must be above 0 (is {speed})");
        return Err(UsageError(why).into());
    }
    let patience = match args.seconds {
        Some(seconds) if !(seconds.is_finite() && seconds > 0.0) => {
            let why = format!("--seconds: must be above 0 (is {seconds})");
            return Err(UsageError(why).into());
        }
        Some(seconds) => Duration::from_secs_f64(seconds.min(1e9)),
        None => Duration::MAX,
    };
    let mut config = common.start(&args.over())?.config;
    if config.redis.url.reveal() == "memory:" {
        let why = "redis.url: a feed in a process of its own cannot publish to `memory:`";
        return Err(UsageError(why.into()).into());
    }
    let timeout = &mut config.redis.command_timeout_ms;
    *timeout = (*timeout).max(COMMAND_TIMEOUT_MS);
    runtime()?.block_on(feed(config, args, patience))
}

async fn feed(config: Config, args: FeedArgs, patience: Duration) -> anyhow::Result<ExitCode> {
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            signal = stop_signal() => if signal.is_err() {
                // A process that cannot listen for signals is ended by them, or by the time.
                tokio::time::sleep(patience).await;
            },
            () = tokio::time::sleep(patience) => {}
        }
        let _ = stop.send(true);
    });
    let options = Options {
        feed: config.feed.clone(),
        exchanges: config.market.clone(),
        calendars: Arc::new(calendars()),
        clock: Clock::System,
        recordings: args.recordings,
        keep_times: args.keep_times,
        labels: args.labels,
    };
    // Before the store: what is wrong with the flags is said at once.
    let provider = provider::open(&options.feed.provider, &options).map_err(UsageError)?;
    let metrics = match args.listen {
        Some(address) => Some(serve_metrics(address, stopped.clone()).await?),
        None => None,
    };
    let redis = Redis::start(&config.redis);
    let redis = Arc::new(redis.map_err(|error| UsageError(error.to_string()))?);
    let settings = &options.feed;
    info!(
        provider = provider.name(),
        redis = redis.name(),
        speed = settings.speed,
        "feeding"
    );
    if !connected(&redis, config.redis.connect_timeout_ms, stopped.clone()).await {
        return Ok(ExitCode::SUCCESS);
    }
    let dirt = (settings.dirt > 0.0).then(|| Dirt::new(settings.dirt, settings.seed));
    let outlet = Outlet {
        wire: Wire::new(provider.name(), settings.option_quotes),
        dirt,
    };
    let fed = publish(provider, outlet, redis.clone(), Clock::System, stopped).await?;
    for end in &fed.truncated {
        warn!(why = end, "recording ends early");
    }
    print(&serde_json::to_string(&fed)?);
    // A store that does not answer keeps nobody from ending.
    let _ = tokio::time::timeout_at(fed.by, redis.close()).await;
    if let Some(metrics) = metrics {
        let _ = tokio::time::timeout(HTTP_STOP, metrics).await;
    }
    Ok(ExitCode::SUCCESS)
}

async fn serve_metrics(
    address: SocketAddr,
    stop: watch::Receiver<bool>,
) -> anyhow::Result<tokio::task::JoinHandle<()>> {
    let bound = http::bind(&[address]).await;
    let bound = bound.map_err(|error| UsageError(format!("--listen: {error}")))?;
    let handle = telemetry::start_metrics();
    let handle = handle.ok_or_else(|| anyhow::anyhow!("metrics cannot be started"))?;
    Ok(tokio::spawn(bound.serve_metrics(handle, stop)))
}

/// Waits for the store, and says so where it takes long. False where it was told to stop first.
async fn connected(redis: &Redis, patience_ms: u64, mut stop: watch::Receiver<bool>) -> bool {
    let patience = tokio::time::sleep(Duration::from_millis(patience_ms));
    tokio::pin!(patience);
    let mut told = false;
    loop {
        tokio::select! {
            () = redis.connected() => return true,
            _ = stop.wait_for(|stop| *stop) => return false,
            () = &mut patience, if !told => {
                told = true;
                warn!(redis = redis.name(), "not reached yet: is it running?");
            }
        }
    }
}
