//! `import lean-chain`: option samples of QuantConnect's Lean: a day's chain at the close, or the
//! minutes of a day.

mod eod;
mod minute;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use chrono::{NaiveDate, NaiveTime};
use chrono_tz::America::New_York;
use quant::market::Symbol;

use super::chain::{instant, refuse};
use super::{ImportError, ImportReport, Sink};

/// What to import: files of whole days, or the minute files of one.
#[derive(Clone, Debug, Default)]
pub struct LeanChain {
    /// The symbol; without it what the file's name begins with.
    pub symbol: Option<Symbol>,
    /// The exchange's date; without it that of the file's name.
    pub date: Option<NaiveDate>,
    /// When the day's session closed in New York: the time of a day's chain.
    pub close: NaiveTime,
    /// Chains of whole days.
    pub files: Vec<PathBuf>,
    /// Minute quotes of the options.
    pub quotes: Option<PathBuf>,
    /// Minute trades of the options.
    pub trades: Option<PathBuf>,
    /// Open interest of the options.
    pub open_interest: Option<PathBuf>,
    /// Minute trades and quotes of the underlying.
    pub underlying: Vec<PathBuf>,
    /// A chain is written as often as this.
    pub every_minutes: u32,
    /// The recording to make.
    pub out: PathBuf,
}

/// Makes the recording.
pub fn import(job: &LeanChain, max_unpacked_bytes: u64) -> Result<ImportReport, ImportError> {
    let mut sink = Sink::new("lean-chain", &job.out, &[]);
    if job.files.is_empty() {
        minute::import(job, max_unpacked_bytes, &mut sink)?;
        return sink.finish(&["iv and greeks", "change of open interest"]);
    }
    for file in &job.files {
        eod::import(job, file, max_unpacked_bytes, &mut sink)?;
    }
    sink.finish(&[
        "bid and ask",
        "sizes of option quotes",
        "change of open interest",
    ])
}

impl LeanChain {
    /// Symbol and date of a file, by the settings or by its name: `AAPL_20140602.csv.zst`.
    fn name_of(&self, file: &Path) -> Result<(Symbol, NaiveDate), ImportError> {
        let name = file
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        let mut parts = name.split(['_', '.']);
        let (first, second) = (parts.next().unwrap_or_default(), parts.next());
        let date = self.date.or_else(|| instant::date(second?));
        let date = date.ok_or_else(|| {
            refuse(
                file,
                "has no date in its name, as AAPL_20140602.csv has (give --date)",
            )
        })?;
        let symbol = match &self.symbol {
            Some(symbol) => symbol.clone(),
            None => Symbol::new(&first.to_uppercase()).map_err(|error| {
                refuse(
                    file,
                    format_args!("has no symbol in its name: {error} (give --symbol)"),
                )
            })?,
        };
        Ok((symbol, date))
    }
}

/// A time of day in New York, epoch milliseconds.
fn at(file: &Path, date: NaiveDate, time: NaiveTime) -> Result<i64, ImportError> {
    instant::in_zone(date.and_time(time), New_York).ok_or_else(|| {
        refuse(
            file,
            format_args!("there is no {time} on {date} in New York"),
        )
    })
}
