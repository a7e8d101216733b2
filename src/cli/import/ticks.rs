//! The importer of tick samples: what it takes on the command line.

use std::path::PathBuf;

use chrono::NaiveDate;
use clap::Args;
use quant::market::Symbol;

use crate::import::lean_ticks::{LeanTicks, QuotesAre};

/// Ticks of a US stock from QuantConnect's Lean: trades and quotes of every venue (plain, .zst or .gz).
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:
  analytics import lean-ticks --symbol IBM --date 2013-10-07 \\
    --trades IBM_20131007_trade.csv.zst --quotes IBM_20131007_quote.csv.zst --out ibm.rec

Several files of a kind are read one after the other, in the order of time.")]
pub(super) struct LeanTicksArgs {
    /// The symbol the files are of
    #[arg(long, value_name = "S", value_parser = Symbol::new)]
    symbol: Symbol,
    /// The date of the files in New York
    #[arg(long, value_name = "YYYY-MM-DD")]
    date: NaiveDate,
    /// Trades
    #[arg(long, value_name = "F", num_args = 1.., required_unless_present = "quotes")]
    trades: Vec<PathBuf>,
    /// Quotes
    #[arg(long, value_name = "F", num_args = 1..)]
    quotes: Vec<PathBuf>,
    /// What a row of quotes says: the best of all venues, or what one venue shows
    #[arg(long, value_enum, default_value_t)]
    quotes_are: QuotesAre,
    /// The recording to make
    #[arg(long, value_name = "FILE.rec")]
    out: PathBuf,
}

impl From<LeanTicksArgs> for LeanTicks {
    fn from(args: LeanTicksArgs) -> Self {
        Self {
            symbol: args.symbol,
            date: args.date,
            trades: args.trades,
            quotes: args.quotes,
            quotes_are: args.quotes_are,
            out: args.out,
        }
    }
}
