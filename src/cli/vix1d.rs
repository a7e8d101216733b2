//! `analytics vix1d ingest`: a level of one-day volatility from a file into the store.

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Subcommand};

use super::{Common, UsageError, print, runtime};
use crate::clock::Clock;
use crate::engine::setup::calendars;
use crate::sink::Sink;
use crate::store::redis::Redis;
use crate::vix1d::manual::Level;

/// Ingest a level of one-day volatility.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  analytics vix1d ingest level.json
  echo '{\"value\": 12.5, \"as_of\": \"2026-11-20T15:00:00Z\"}' | analytics vix1d ingest -
  analytics vix1d ingest VIX1D_History.csv        the newest close of Cboe's own file

The level stands at volatility:vix1d:manual and is used where no other source speaks for now, for
volatility.manual_max_age_seconds.

Exit codes: 0 ingested, 1 the store cannot be reached, 2 the file holds no level.")]
pub(super) struct Vix1dArgs {
    #[command(subcommand)]
    command: Vix1dCommand,
}

#[derive(Subcommand, Debug)]
enum Vix1dCommand {
    /// Put the newest level of a file into the store
    Ingest {
        /// JSON objects {"value", "as_of"}, one a line, or Cboe's CSV of daily closes; - is standard
        /// input
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

/// A file of levels is no longer than this.
const MAX_BYTES: u64 = 16 << 20;

pub(super) fn execute(args: &Vix1dArgs, common: &Common) -> anyhow::Result<ExitCode> {
    let Vix1dCommand::Ingest { file } = &args.command;
    let loaded = common.start(&[])?;
    let name = file.display();
    let mut text = String::new();
    let opened: Box<dyn Read> = match file.as_os_str() == "-" {
        true => Box::new(std::io::stdin()),
        false => Box::new(
            std::fs::File::open(file).map_err(|error| UsageError(format!("{name}: {error}")))?,
        ),
    };
    let mut limited = opened.take(MAX_BYTES);
    limited
        .read_to_string(&mut text)
        .map_err(|error| UsageError(format!("{name}: {error}")))?;
    let now = Clock::System.now();
    let calendars = calendars();
    let exchange = calendars.exchange("XCBO");
    let exchange = exchange.context("the calendars have no index options")?;
    let level = Level::from_file(&text, exchange, now);
    let level = level.map_err(|why| UsageError(format!("{name}: {why}")))?;
    let write = level.write(now);
    let write = write.map_err(|why| UsageError(format!("{name}: {why}")))?;
    let settings = &loaded.config.redis;
    runtime()?.block_on(async {
        let redis = Redis::start(settings).map_err(|error| UsageError(error.to_string()))?;
        let redis = Arc::new(redis);
        let patience = Duration::from_millis(settings.connect_timeout_ms);
        let connected = tokio::time::timeout(patience, redis.connected()).await;
        connected.map_err(|_| {
            let name = redis.name();
            anyhow::anyhow!("cannot reach redis at {name} (is it running? see config/redis.conf)")
        })?;
        Sink::redis(redis.clone()).publish(&[write], now).await?;
        redis.close().await;
        anyhow::Ok(())
    })?;
    let (value, as_of) = (level.value, level.as_of.to_rfc3339());
    print(&format!("ingested {value} of {as_of}"));
    Ok(ExitCode::SUCCESS)
}
