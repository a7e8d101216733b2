//! The importer of bars: what it takes on the command line.

use std::path::PathBuf;

use chrono::NaiveDate;
use chrono_tz::Tz;
use clap::Args;
use quant::market::Symbol;

use crate::import::bars_csv::{BarsCsv, Stamp};

/// Minute bars of one symbol a file, from CSV with named columns (plain, .zst or .gz).
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:
  analytics import bars-csv AAPL.csv MSFT.csv --stamp end --day 2019-02-11 --out bars.rec

The first line names the columns, in any order: datetime (or timestamp, date, time; or date and
time), open, high, low, close, volume. A file's name begins with its symbol.")]
pub(super) struct BarsCsvArgs {
    /// The symbol of every file; without it what a file's name has before `_` or `.csv`
    #[arg(long, value_name = "S", value_parser = Symbol::new)]
    symbol: Option<Symbol>,
    /// Which end of its minute a row is stamped with: is the first of a session 09:30 or 09:31?
    #[arg(long, value_enum, default_value_t)]
    stamp: Stamp,
    /// The zone of stamps that name none; without it that of the symbol's exchange
    #[arg(long, value_name = "ZONE")]
    pub(super) zone: Option<Tz>,
    /// Only the bars that begin on this date of the zone
    #[arg(long, value_name = "YYYY-MM-DD")]
    day: Option<NaiveDate>,
    /// The files; several are merged in the order of time
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The recording to make
    #[arg(long, value_name = "FILE.rec")]
    out: PathBuf,
}

impl From<BarsCsvArgs> for BarsCsv {
    fn from(args: BarsCsvArgs) -> Self {
        Self {
            symbol: args.symbol,
            stamp: args.stamp,
            day: args.day,
            files: args.files,
            out: args.out,
        }
    }
}
