//! `analytics replay`: the calculators over recordings, as fast as it goes.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use quant::calculators::PER_SYMBOL;
use quant::market::{Symbol, Timestamp};

use super::{Common, UsageError, print, runtime};
use crate::engine::setup::Setup;
use crate::recording::{Reader, RecordingError};
use crate::replay::verify::verify;
use crate::replay::{Replay, symbols_of};
use crate::store::codec::time_of;

/// Run the calculators over recordings on the recorded clock.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  analytics replay goog.rec --out results --trace trades --set signing.rule=lee_ready
  analytics replay --verify run.rec

Writes results/<document>.jsonl, results/summary.json and with --trace trades results/trades.jsonl.
The same recordings and settings give the same bytes.")]
pub(super) struct ReplayArgs {
    /// Recordings; several are played in time order
    #[arg(value_name = "FILE.rec", required = true)]
    recordings: Vec<PathBuf>,
    /// Directory of the results
    #[arg(long, value_name = "DIR", required_unless_present = "verify")]
    out: Option<PathBuf>,
    /// Repeat the passes of a recorded run and compare every document: exit 1 at the first that
    /// differs
    #[arg(long, conflicts_with_all = ["out", "trace", "from", "to", "symbols"])]
    verify: bool,
    /// What is written besides the documents
    #[arg(long, value_enum)]
    trace: Option<Trace>,
    /// Write documents from this time on (RFC 3339 or epoch number); what came before is computed
    #[arg(long, value_name = "T", value_parser = time)]
    from: Option<Timestamp>,
    /// End at this time
    #[arg(long, value_name = "T", value_parser = time)]
    to: Option<Timestamp>,
    /// Only these symbols
    #[arg(long, value_name = "A,B", value_delimiter = ',', value_parser = Symbol::new)]
    symbols: Vec<Symbol>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Trace {
    /// Every trade with its side
    Trades,
}

/// A time as people and programs write it.
pub(super) fn time(text: &str) -> Result<Timestamp, String> {
    time_of(text).ok_or_else(|| "not a time: RFC 3339 or an epoch number".to_owned())
}

pub(super) fn execute(args: ReplayArgs, common: &Common) -> anyhow::Result<ExitCode> {
    let Some(out) = args.out else {
        common.start(&[])?;
        return verify_all(&args.recordings);
    };
    let mut config = common.start(&[])?.config;
    if let (Some(from), Some(to)) = (args.from, args.to)
        && from > to
    {
        let (from, to) = (from.to_rfc3339(), to.to_rfc3339());
        let why = format!("--from: must not be after --to, {to} (is {from})");
        return Err(UsageError(why).into());
    }
    for path in &args.recordings {
        Reader::open(path).map_err(|error| usage(&error))?;
    }
    if !args.symbols.is_empty() {
        check_symbols(&args.symbols, &symbols_of(&args.recordings)?)?;
        config.symbols.standard = args.symbols;
        config.symbols.level2.clear();
    } else if config.symbols.all().is_empty() {
        config.symbols.standard = symbols_of(&args.recordings)?;
    }
    if config.symbols.all().is_empty() {
        let why = "the recordings name no symbol: nothing to compute on";
        return Err(UsageError(why.into()).into());
    }
    // They restate documents that are written as lines, and an index has megabytes of them.
    config.chain_service.enabled = false;
    let setup = Setup::new(config, PER_SYMBOL).forgetful();
    let replay = Replay {
        recordings: args.recordings,
        out,
        trace_trades: args.trace.is_some(),
        from: args.from,
        to: args.to,
    };
    let setup = match args.trace {
        Some(Trace::Trades) => setup.tracing_trades(),
        None => setup,
    };
    let summary = runtime()?.block_on(replay.run(Arc::new(setup)))?;
    for end in &summary.truncated {
        tracing::warn!(why = end, "recording ends early");
    }
    print(&serde_json::to_string(&summary)?);
    Ok(ExitCode::SUCCESS)
}

/// Exit 1 at the first document that differs; exit 2 for a recording that cannot be judged.
fn verify_all(recordings: &[PathBuf]) -> anyhow::Result<ExitCode> {
    for path in recordings {
        let verified = verify(path).map_err(|why| UsageError(format!("{why:#}")))?;
        print(&serde_json::to_string(&verified)?);
        if let Some(difference) = verified.difference {
            tracing::error!(difference, "a document differs from the recorded one");
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A symbol that is in no recording is a slip: the replay would come to nothing and say so nowhere.
fn check_symbols(wanted: &[Symbol], held: &[Symbol]) -> Result<(), UsageError> {
    /// As many names as fit a line or two.
    const SHOWN: usize = 20;
    let missing = wanted.iter().find(|symbol| !held.contains(symbol));
    let Some(missing) = missing.filter(|_| !held.is_empty()) else {
        return Ok(());
    };
    let names: Vec<&str> = held.iter().take(SHOWN).map(Symbol::as_str).collect();
    let more = if held.len() > SHOWN { ", …" } else { "" };
    Err(UsageError(format!(
        "--symbols: no recording holds `{missing}` (there is: {}{more})",
        names.join(", ")
    )))
}

fn usage(error: &RecordingError) -> UsageError {
    UsageError(error.to_string())
}
