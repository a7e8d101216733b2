//! The command line: what every command takes, and one file a command.

mod baselines;
mod check;
mod demo;
mod feed;
mod healthcheck;
pub mod import;
mod polling;
mod price;
mod reload;
mod replay;
mod run;
mod schema;
mod token;
mod vix;
mod vix1d;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

pub use import::UsageError;

use crate::config::{ConfigErrors, Loaded, Sources, environment, load};
use crate::engine::setup;

/// Live options-dealer and order-flow analytics.
#[derive(Parser, Debug)]
#[command(
    version,
    after_help = "Examples:
  analytics demo                                        see it, with nothing else installed
  analytics run --config /etc/analytics/analytics.toml  the daemon
  analytics check                                       is everything set right?

Exit codes: 0 done, 1 failed while running, 2 wrong use, configuration or input."
)]
pub struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Args, Clone, Debug)]
struct Common {
    /// Settings; without it ./analytics.toml is read where it exists
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// One setting, over every other source; may be repeated
    #[arg(long = "set", global = true, value_name = "section.key=value")]
    sets: Vec<String>,
    /// How much is logged: error, warn, info, debug, trace
    #[arg(long, global = true, value_name = "LEVEL")]
    log: Option<String>,
}

#[derive(Subcommand, Debug)]
enum Command {
    Demo(demo::DemoArgs),
    Run(run::RunArgs),
    Feed(feed::FeedArgs),
    Replay(replay::ReplayArgs),
    Import(import::ImportArgs),
    Price(price::PriceArgs),
    Vix(vix::VixArgs),
    Check(check::CheckArgs),
    Schema(schema::SchemaArgs),
    Healthcheck(healthcheck::HealthcheckArgs),
    Token(token::TokenArgs),
    Vix1d(vix1d::Vix1dArgs),
}

/// Runs the command.
pub fn execute(cli: Cli) -> anyhow::Result<ExitCode> {
    let Cli { common, command } = cli;
    match command {
        Command::Demo(args) => demo::execute(args, &common),
        Command::Run(args) => run::execute(args, &common),
        Command::Feed(args) => feed::execute(args, &common),
        Command::Replay(args) => replay::execute(args, &common),
        Command::Import(args) => {
            let loaded = common.load(&[])?;
            import::run(args, loaded.config)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Price(args) => price::execute(&args),
        Command::Vix(args) => vix::execute(&args, &common),
        Command::Check(args) => check::execute(args, &common),
        Command::Schema(args) => schema::execute(&args),
        Command::Healthcheck(args) => healthcheck::execute(args, &common),
        Command::Token(args) => token::execute(&args),
        Command::Vix1d(args) => vix1d::execute(&args, &common),
    }
}

/// Whether an error is of wrong use, configuration or input: exit code 2.
pub fn is_usage_error(error: &anyhow::Error) -> bool {
    let mut causes = error.chain();
    causes.any(|cause| cause.is::<UsageError>() || cause.is::<ConfigErrors>())
}

impl Common {
    /// The settings, with `over` set over them.
    fn load(&self, over: &[String]) -> Result<Loaded, ConfigErrors> {
        let mut sets = self.sets.clone();
        sets.extend(over.iter().cloned());
        if let Some(level) = &self.log {
            sets.push(format!("log.level={level}"));
        }
        let sources = Sources {
            file: self.config.as_deref(),
            environment: environment(),
            sets: &sets,
        };
        load(&setup::known(), &sources)
    }

    /// The settings, and the log started at their level.
    fn start(&self, over: &[String]) -> Result<Loaded, ConfigErrors> {
        let loaded = self.load(over)?;
        crate::telemetry::start_log(loaded.config.log.level.as_str());
        Ok(loaded)
    }
}

/// A runtime of two threads: the loop and the heartbeat never wait for each other, and the
/// computing happens on threads of its own.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
}

/// Resolves at SIGTERM or SIGINT.
async fn stop_signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// Prints a result.
#[expect(clippy::print_stdout, reason = "standard output is where results go")]
fn print(text: &str) {
    println!("{text}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_shows_an_example() {
        for mut command in Cli::command().get_subcommands().cloned() {
            let help = command.render_long_help().to_string();
            assert!(help.contains("Example"), "{help}");
        }
    }
}
