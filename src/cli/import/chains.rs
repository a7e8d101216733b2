//! The importers of option chains: what each takes on the command line.

use std::path::PathBuf;

use chrono::{NaiveDate, NaiveTime};
use chrono_tz::Tz;
use clap::Args;
use quant::market::Symbol;

use crate::import::broker_json::{BrokerJson, Quantity};
use crate::import::cboe_json::CboeJson;
use crate::import::cboe_quotedata::QuoteData;
use crate::import::lean_chain::LeanChain;
use crate::import::nse_json::NseJson;
use crate::import::parse_rfc3339;

/// Option chains from CBOE's delayed-quotes page, its quotedata.csv (plain, .zst or .gz).
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:
  analytics import cboe-quotedata spx_quotedata.csv --out spx.rec

A file's own time is taken as it stands; during the session CBOE's free quotes are 15 minutes late,
which --delay-ms 900000 says.")]
pub(super) struct QuoteDataArgs {
    /// The symbol; without it that of the contracts' root
    #[arg(long, value_name = "S", value_parser = Symbol::new)]
    symbol: Option<Symbol>,
    /// The time of a file whose header cannot be read; the time in any case where there is one file
    #[arg(long, value_name = "RFC3339", value_parser = parse_rfc3339)]
    as_of: Option<i64>,
    /// How late the quotes are
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=86_400_000))]
    delay_ms: u64,
    /// The downloads, a moment each
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The recording to make
    #[arg(long, value_name = "FILE.rec")]
    out: PathBuf,
}

impl From<QuoteDataArgs> for QuoteData {
    fn from(args: QuoteDataArgs) -> Self {
        Self {
            symbol: args.symbol,
            as_of_ms: args.as_of,
            delay_ms: args.delay_ms,
            files: args.files,
            out: args.out,
        }
    }
}

/// Option chains from CBOE's delayed-quotes service, as JSON (plain, .zst or .gz).
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:
  analytics import cboe-json _SPX.json --out spx.rec")]
pub(super) struct CboeJsonArgs {
    /// The symbol; without it that of the file
    #[arg(long, value_name = "S", value_parser = Symbol::new)]
    symbol: Option<Symbol>,
    /// The zone of `timestamp`, which names none
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    naive_zone: Tz,
    /// How late the quotes are
    #[arg(long, value_name = "N", default_value_t = 900_000, value_parser = clap::value_parser!(u64).range(..=86_400_000))]
    delay_ms: u64,
    /// The responses, a moment each
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The recording to make
    #[arg(long, value_name = "FILE.rec")]
    out: PathBuf,
}

impl From<CboeJsonArgs> for CboeJson {
    fn from(args: CboeJsonArgs) -> Self {
        Self {
            symbol: args.symbol,
            zone: args.naive_zone,
            delay_ms: args.delay_ms,
            files: args.files,
            out: args.out,
        }
    }
}

/// Option samples of QuantConnect's Lean, whole days or the minutes of one (plain, .zst or .gz).
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:
  analytics import lean-chain AAPL_20140602.csv.zst AAPL_20140603.csv.zst --out aapl.rec
  analytics import lean-chain --quotes GOOG_20151224_option_quote.csv.zst \\
    --trades GOOG_20151224_option_trade.csv.zst \\
    --open-interest GOOG_20151224_option_openinterest.csv.zst \\
    --underlying GOOG_20151224_underlying_trade.csv \\
    --underlying GOOG_20151224_underlying_quote.csv --out goog.rec

Symbol and date are those of the file's name.")]
pub(super) struct LeanChainArgs {
    /// The symbol; without it what the file's name begins with
    #[arg(long, value_name = "S", value_parser = Symbol::new)]
    symbol: Option<Symbol>,
    /// The date at the exchange; without it that of the file's name
    #[arg(long, value_name = "YYYY-MM-DD")]
    date: Option<NaiveDate>,
    /// When the session closed in New York, the time of a day's chain; 13:00 on half days
    #[arg(long, value_name = "HH:MM", default_value = "16:00", value_parser = parse_time)]
    close: NaiveTime,
    /// Minute quotes of the options
    #[arg(long, value_name = "F", conflicts_with = "files")]
    quotes: Option<PathBuf>,
    /// Minute trades of the options
    #[arg(long, value_name = "F", conflicts_with = "files")]
    trades: Option<PathBuf>,
    /// Open interest of the options
    #[arg(long, value_name = "F", conflicts_with = "files")]
    open_interest: Option<PathBuf>,
    /// Minute trades or quotes of the underlying; may be repeated
    #[arg(long, value_name = "F", conflicts_with = "files")]
    underlying: Vec<PathBuf>,
    /// How often a chain is written, of minute files
    #[arg(long, value_name = "N", default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=1440))]
    every_minutes: u32,
    /// Chains of whole days
    #[arg(value_name = "FILE", required_unless_present_any = ["quotes", "trades", "open_interest"])]
    files: Vec<PathBuf>,
    /// The recording to make
    #[arg(long, value_name = "FILE.rec")]
    out: PathBuf,
}

fn parse_time(text: &str) -> Result<NaiveTime, String> {
    NaiveTime::parse_from_str(text, "%H:%M").map_err(|_| "not a time such as 16:00".to_owned())
}

impl From<LeanChainArgs> for LeanChain {
    fn from(args: LeanChainArgs) -> Self {
        Self {
            symbol: args.symbol,
            date: args.date,
            close: args.close,
            files: args.files,
            quotes: args.quotes,
            trades: args.trades,
            open_interest: args.open_interest,
            underlying: args.underlying,
            every_minutes: args.every_minutes,
            out: args.out,
        }
    }
}

/// Option chains from the website of India's NSE, as JSON (plain, .zst or .gz).
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:
  analytics import nse-json nifty_1000.json nifty_1005.json --out nifty.rec")]
pub(super) struct NseJsonArgs {
    /// The symbol; without it that of the contracts
    #[arg(long, value_name = "S", value_parser = Symbol::new)]
    symbol: Option<Symbol>,
    /// The responses, a moment each
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The recording to make
    #[arg(long, value_name = "FILE.rec")]
    out: PathBuf,
}

impl From<NseJsonArgs> for NseJson {
    fn from(args: NseJsonArgs) -> Self {
        Self {
            symbol: args.symbol,
            files: args.files,
            out: args.out,
        }
    }
}

/// Option chains of TD Ameritrade, Schwab, Upstox, Dhan, Tradier, Yahoo or Polygon, as JSON.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:
  analytics import broker-json upstox.json --symbol NIFTY --as-of 2024-06-20T15:30:00+05:30 \\
    --out nifty.rec

Whose a file is, its members tell. Files may be plain, .zst or .gz; what stands before the first
bracket and behind the matching one is passed over.")]
pub(super) struct BrokerJsonArgs {
    /// The symbol; without it that of the file
    #[arg(long, value_name = "S", value_parser = Symbol::new)]
    symbol: Option<Symbol>,
    /// The time of the quotes; without it the newest in the file (Upstox and Dhan have none)
    #[arg(long, value_name = "RFC3339", value_parser = parse_rfc3339)]
    as_of: Option<i64>,
    /// The price of the underlying (Tradier does not send it)
    #[arg(long, value_name = "PRICE")]
    spot: Option<String>,
    /// The expiry of all contracts (Dhan does not send it)
    #[arg(long, value_name = "YYYY-MM-DD")]
    expiry: Option<NaiveDate>,
    /// In what open interest and volume are; without it units for Upstox and Dhan, else contracts
    #[arg(long, value_enum)]
    quantity: Option<Quantity>,
    /// The responses, a moment each
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The recording to make
    #[arg(long, value_name = "FILE.rec")]
    out: PathBuf,
}

impl From<BrokerJsonArgs> for BrokerJson {
    fn from(args: BrokerJsonArgs) -> Self {
        Self {
            symbol: args.symbol,
            as_of_ms: args.as_of,
            spot: args.spot,
            expiry: args.expiry,
            quantity: args.quantity,
            files: args.files,
            out: args.out,
        }
    }
}
