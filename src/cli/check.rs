//! `analytics check`: are the settings right, is what they name reachable, what will run?

use std::process::ExitCode;
use std::time::Duration;

use crate::store::keys;
use clap::Args;
use quant::calculators::{self, PER_SYMBOL};

use super::{Common, UsageError, print, runtime};
use crate::clock::Stopwatch;
use crate::config::Loaded;
use crate::engine::setup::Setup;
use crate::store::redis::Redis;

/// Check the settings, show each value and where it comes from, ping the store, print the plan.
#[derive(Args, Debug)]
#[command(after_help = "Example:
  analytics check --config /etc/analytics/analytics.toml

Exit codes: 0 ready to run, 1 the store cannot be reached, 2 the settings are wrong.")]
pub(super) struct CheckArgs {}

pub(super) fn execute(_: CheckArgs, common: &Common) -> anyhow::Result<ExitCode> {
    let loaded = common.start(&[])?;
    print("settings");
    for (key, value, origin) in loaded.resolved() {
        print(&format!("  {key} = {value}  ({origin})"));
    }
    print_plan(&loaded);
    runtime()?.block_on(ping(&loaded))
}

fn print_plan(loaded: &Loaded) {
    let setup = Setup::new(loaded.config.clone(), PER_SYMBOL);
    let symbols = loaded.config.symbols.all();
    let names: Vec<&str> = symbols.iter().map(|symbol| symbol.as_str()).collect();
    print("plan");
    print(&match names.is_empty() {
        true => "  symbols: whatever the set market:symbols names".to_owned(),
        false => format!("  {} symbols: {}", names.len(), names.join(" ")),
    });
    for (job, interval) in &setup.intervals {
        let every = match interval.seconds() {
            0.0 => "every pass".to_owned(),
            seconds => format!("every {seconds} s"),
        };
        for card in calculators::all().filter(|card| card.job == *job) {
            let reads = calculators::reads(card).join(", ");
            let (name, key) = (card.name, keys::pattern(card));
            print(&format!("  {name}: {every}, reads {reads}, writes {key}"));
        }
    }
}

async fn ping(loaded: &Loaded) -> anyhow::Result<ExitCode> {
    let settings = &loaded.config.redis;
    print("store");
    if settings.url.reveal() == "memory:" {
        print("  memory: in this process");
        return Ok(ExitCode::SUCCESS);
    }
    let redis = Redis::start(settings).map_err(|error| UsageError(error.to_string()))?;
    let patience = Duration::from_millis(settings.connect_timeout_ms);
    let connected = tokio::time::timeout(patience, redis.connected()).await;
    let watch = Stopwatch::start();
    let answer = match connected {
        Ok(()) => redis.ping().await.map_err(|error| error.to_string()),
        Err(_) => Err(format!(
            "no connection within {} ms",
            settings.connect_timeout_ms
        )),
    };
    let took = watch.elapsed().as_secs_f64() * 1e3;
    let name = redis.name();
    Ok(match answer {
        Ok(()) => {
            print(&format!("  {name}: answers in {took:.2} ms"));
            ExitCode::SUCCESS
        }
        Err(why) => {
            print(&format!(
                "  {name}: {why} (is it running? see config/redis.conf)"
            ));
            ExitCode::FAILURE
        }
    })
}
