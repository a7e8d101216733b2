//! `analytics import KIND`: makes a recording from a public data format and prints one JSON line
//! of what was read, kept and dropped.

mod bars;
mod chains;
mod ticks;

use std::ffi::OsString;
use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{Args, Subcommand};
use quant::calculators::PER_SYMBOL;
use quant::market::Symbol;

use crate::config::Config;
use crate::engine::setup::Setup;
use crate::import::binance::{Binance, Clock};
use crate::import::lobster::{Executions, Lobster};
use crate::import::{
    ImportError, bars_csv, binance, broker_json, cboe_json, cboe_quotedata, jsonl, lean_chain,
    lean_ticks, lobster, nse_json, unknown_kind,
};
use bars::BarsCsvArgs;
use chains::{BrokerJsonArgs, CboeJsonArgs, LeanChainArgs, NseJsonArgs, QuoteDataArgs};
use ticks::LeanTicksArgs;

/// Wrong use, configuration or input: the process exits with 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

/// Turn public market data into a recording.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:
  analytics import lobster --symbol GOOG --date 2012-06-21 \\
    --message GOOG_message_10.csv.zst --orderbook GOOG_orderbook_10.csv.zst --out goog.rec")]
pub struct ImportArgs {
    #[command(subcommand)]
    kind: ImportKind,
}

#[derive(Clone, Debug, Subcommand)]
enum ImportKind {
    Lobster(LobsterArgs),
    Binance(BinanceArgs),
    Jsonl(JsonlArgs),
    CboeQuotedata(QuoteDataArgs),
    CboeJson(CboeJsonArgs),
    LeanChain(LeanChainArgs),
    LeanTicks(LeanTicksArgs),
    NseJson(NseJsonArgs),
    BrokerJson(BrokerJsonArgs),
    BarsCsv(BarsCsvArgs),
    #[command(external_subcommand)]
    Unknown(Vec<OsString>),
}

/// A day of one symbol from LOBSTER's message and order-book files (plain, .zst or .gz).
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:
  analytics import lobster --symbol GOOG --date 2012-06-21 --message GOOG_message_10.csv.zst \\
    --orderbook GOOG_orderbook_10.csv.zst --executions visible --out goog.rec")]
struct LobsterArgs {
    /// The symbol the files are of
    #[arg(long, value_name = "S", value_parser = Symbol::new)]
    symbol: Symbol,
    /// The date of the files at the exchange
    #[arg(long, value_name = "YYYY-MM-DD")]
    date: NaiveDate,
    /// The message file
    #[arg(long, value_name = "F")]
    message: PathBuf,
    /// The order-book file
    #[arg(long, value_name = "F")]
    orderbook: PathBuf,
    /// Which executions become trades: of displayed orders, or of hidden ones too
    #[arg(long, value_enum, default_value_t)]
    executions: Executions,
    /// The recording to make
    #[arg(long, value_name = "FILE.rec")]
    out: PathBuf,
}

/// Raw captures of Binance's websocket streams (plain, .zst or .gz): trades, best bid and offer, depth.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:
  analytics import binance --symbol BTCUSDT --clock local --quote-delay-ms 20 capture.jsonl.zst \\
    --out btcusdt.rec

A line is a time of receipt and a frame:
  1723161254087896568 {\"stream\":\"btcusdt@trade\",\"data\":{\"e\":\"trade\",…}}
Files are merged by time of receipt.")]
struct BinanceArgs {
    /// The symbol, as Binance spells it; frames of others are passed over
    #[arg(long, value_name = "S", value_parser = Symbol::new)]
    symbol: Symbol,
    /// Whose time the recording is in
    #[arg(long, value_enum, default_value_t)]
    clock: Clock,
    /// How much older than a trade the quote on it must be; 0 is any time before
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=60_000))]
    quote_delay_ms: u32,
    /// Levels of the book on each side
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    levels: u16,
    /// The captures
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The recording to make
    #[arg(long, value_name = "FILE.rec")]
    out: PathBuf,
}

/// Events as JSON lines (plain, .zst or .gz), sorted by time.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:
  analytics import jsonl events.jsonl --out events.rec

A line is an event:
  {\"t_ns\":1340285400000000000,\"op\":\"set\",\"key\":\"market:GOOG:ticker\",\"value\":{\"bid\":579.4}}
op is set, rpush or publish; a value that is a string is stored decoded, any other as it stands.")]
struct JsonlArgs {
    /// Files of events
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The recording to make
    #[arg(long, value_name = "FILE.rec")]
    out: PathBuf,
}

/// Runs the import; `limits.max_unpacked_bytes` bounds each input file.
pub fn run(args: ImportArgs, config: Config) -> anyhow::Result<()> {
    let max_unpacked_bytes = config.limits.max_unpacked_bytes;
    let report = match args.kind {
        ImportKind::Lobster(args) => {
            let job = Lobster {
                symbol: args.symbol,
                date: args.date,
                message: args.message,
                orderbook: args.orderbook,
                executions: args.executions,
                out: args.out,
            };
            lobster::import(&job, max_unpacked_bytes)
        }
        ImportKind::Binance(args) => {
            let job = Binance {
                symbol: args.symbol,
                clock: args.clock,
                quote_delay_ms: args.quote_delay_ms,
                levels: usize::from(args.levels),
                files: args.files,
                out: args.out,
            };
            binance::import(&job, max_unpacked_bytes)
        }
        ImportKind::Jsonl(args) => jsonl::import(&args.files, &args.out, max_unpacked_bytes),
        ImportKind::CboeQuotedata(args) => cboe_quotedata::import(&args.into(), max_unpacked_bytes),
        ImportKind::CboeJson(args) => cboe_json::import(&args.into(), max_unpacked_bytes),
        ImportKind::LeanChain(args) => lean_chain::import(&args.into(), max_unpacked_bytes),
        ImportKind::LeanTicks(args) => lean_ticks::import(&args.into(), max_unpacked_bytes),
        ImportKind::NseJson(args) => nse_json::import(&args.into(), max_unpacked_bytes),
        ImportKind::BrokerJson(args) => broker_json::import(&args.into(), max_unpacked_bytes),
        ImportKind::BarsCsv(args) => {
            let setup = Setup::new(config, PER_SYMBOL);
            let given = args.zone;
            let zone_of = |symbol: &Symbol| given.unwrap_or_else(|| setup.zone_of(symbol));
            bars_csv::import(&args.into(), &zone_of, max_unpacked_bytes)
        }
        ImportKind::Unknown(words) => {
            let kind = words.first().map(|word| word.to_string_lossy());
            return Err(UsageError(unknown_kind(&kind.unwrap_or_default())).into());
        }
    };
    let report = report.map_err(|error| match error {
        ImportError::Input(_) | ImportError::Format(_) => {
            anyhow::Error::new(UsageError(error.to_string()))
        }
        ImportError::Output(error) => error.into(),
    })?;
    print_line(&serde_json::to_string(&report)?);
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the report is the command's result")]
fn print_line(line: &str) {
    println!("{line}");
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;
    use crate::engine::setup::known;
    use crate::import::KINDS;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        import: ImportArgs,
    }

    fn exit_2(line: &str) -> String {
        let cli = Cli::try_parse_from(line.split_whitespace()).unwrap();
        let error = run(cli.import, Config::defaults(&known())).unwrap_err();
        error.downcast_ref::<UsageError>().unwrap().to_string()
    }

    #[test]
    fn the_subcommands_are_the_kinds() {
        let command = Cli::command();
        let names: Vec<&str> = command
            .get_subcommands()
            .map(|sub| sub.get_name())
            .collect();
        assert_eq!(names, KINDS);
        Cli::command().debug_assert();
    }

    #[test]
    fn an_unknown_kind_is_wrong_use() {
        let error = exit_2("import lobstr a.csv --out x.rec");
        assert!(error.contains("did you mean `lobster`?"), "{error}");
    }

    #[test]
    fn an_input_that_is_not_there_is_wrong_use() {
        let error = exit_2("import jsonl /nowhere/a.jsonl --out /nowhere/x.rec");
        assert!(error.contains("cannot read /nowhere/a.jsonl"), "{error}");
    }

    #[test]
    fn a_date_or_symbol_that_is_none_is_refused() {
        for (symbol, date) in [("GO:OG", "2012-06-21"), ("GOOG", "21.6.2012")] {
            let line = format!(
                "import lobster --symbol {symbol} --date {date} --message m --orderbook b --out o"
            );
            assert!(
                Cli::try_parse_from(line.split_whitespace()).is_err(),
                "{line}"
            );
        }
    }

    #[test]
    fn every_help_has_an_example() {
        for mut sub in Cli::command().get_subcommands().cloned() {
            let help = sub.render_help().to_string();
            assert!(
                help.contains("Example:") && !help.starts_with("Usage"),
                "{help}"
            );
        }
    }
}
