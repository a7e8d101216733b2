//! `import bars-csv`: minute bars of any number of symbols from CSV files, found by the names of
//! their columns.

mod rows;
#[cfg(test)]
mod tests;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate};
use chrono_tz::Tz;
use quant::market::Symbol;

use super::chain::{Counts, choose_symbol, refuse};
use super::{ImportError, ImportReport, Sink};
use crate::recording::Op;
use crate::store::keys;
use crate::unpack::{self, Line, Lines};
use rows::{Columns, MINUTE_MS};

const MAX_LINE_BYTES: usize = 1 << 12;

const UNFILLED: &[&str] = &["ticker", "book", "trades", "wap and count of bars"];

/// Which end of its minute a row is stamped with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Stamp {
    /// 09:30 is the first minute of a session that opens at 09:30.
    #[default]
    Start,
    /// 09:31 is.
    End,
}

/// What to import.
#[derive(Clone, Debug)]
pub struct BarsCsv {
    /// The symbol of every file; without it what a file's name begins with.
    pub symbol: Option<Symbol>,
    /// Which end of its minute a row is stamped with.
    pub stamp: Stamp,
    /// Only the bars that begin on this date of the zone.
    pub day: Option<NaiveDate>,
    /// The files.
    pub files: Vec<PathBuf>,
    /// The recording to make.
    pub out: PathBuf,
}

/// Makes the recording; `zone_of` is the zone of a symbol's stamps, where they name none.
pub fn import(
    job: &BarsCsv,
    zone_of: &dyn Fn(&Symbol) -> Tz,
    max_unpacked_bytes: u64,
) -> Result<ImportReport, ImportError> {
    let mut bars = Bars::default();
    for file in &job.files {
        let symbol = choose_symbol(file, job.symbol.as_ref(), symbol_of(file).as_deref())?;
        let zone = zone_of(&symbol);
        bars.read(job, file, &symbol, zone, max_unpacked_bytes)?;
    }
    if bars.by_time.is_empty() {
        let of_day = job.day.map_or(String::new(), |day| format!(" on {day}"));
        let files: Vec<String> = job.files.iter().map(|f| f.display().to_string()).collect();
        return Err(ImportError::Format(format!(
            "{}: no bar{of_day} in {} rows",
            files.join(", "),
            bars.rows
        )));
    }
    let symbols: BTreeSet<&str> = bars.by_time.keys().map(|(_, s)| s.as_str()).collect();
    let symbols: Vec<&str> = symbols.into_iter().collect();
    let mut sink = Sink::new("bars-csv", &job.out, &symbols);
    sink.count_read("files", job.files.len() as u64);
    sink.count_read("rows", bars.rows);
    bars.counts.add_to(&mut sink);
    for ((start_ms, symbol), json) in &bars.by_time {
        // Known when its minute is over, and not before.
        let t_ns = (start_ms + MINUTE_MS).saturating_mul(1_000_000);
        sink.push(t_ns, Op::Rpush, &keys::bars(symbol), json.as_bytes())?;
    }
    let mut report = sink.finish(UNFILLED)?;
    report.out_of_order = bars.out_of_order;
    report.ignored_columns = bars.ignored_columns.into_iter().collect();
    Ok(report)
}

/// What is before the first `_` of a file's name and its endings: `BRK.B` of `BRK.B.csv.zst`,
/// `AAPL` of `aapl_1min.csv`.
fn symbol_of(file: &Path) -> Option<String> {
    let mut name = file.file_name()?.to_str()?.to_ascii_uppercase();
    for endings in [[".ZST", ".GZ"], [".CSV", ".TXT"]] {
        let ending = endings.iter().find(|ending| name.ends_with(**ending));
        name.truncate(name.len() - ending.map_or(0, |ending| ending.len()));
    }
    name.truncate(name.find('_').unwrap_or(name.len()));
    (!name.is_empty()).then_some(name)
}

/// The bars of all files, merged by the start of their minute.
#[derive(Default)]
struct Bars {
    by_time: BTreeMap<(i64, Symbol), Box<str>>,
    rows: u64,
    out_of_order: u64,
    counts: Counts,
    ignored_columns: BTreeSet<String>,
}

impl Bars {
    fn read(
        &mut self,
        job: &BarsCsv,
        file: &Path,
        symbol: &Symbol,
        zone: Tz,
        max_unpacked_bytes: u64,
    ) -> Result<(), ImportError> {
        let unpacked = unpack::open(file, max_unpacked_bytes)?;
        let mut lines = Lines::new(unpacked, MAX_LINE_BYTES);
        let mut line = Vec::new();
        let columns = loop {
            match lines.next_into(&mut line)? {
                Line::End => return Err(refuse(file, "is empty")),
                Line::Whole if line.trim_ascii().is_empty() => {}
                // A line that was too long is empty, and lacks every column.
                Line::Whole | Line::TooLong => {
                    let header = String::from_utf8_lossy(&line);
                    break Columns::of(&header).map_err(|error| refuse(file, error))?;
                }
            }
        };
        self.ignored_columns.extend(columns.ignored.iter().cloned());
        let mut of_file = Counts::default();
        let (mut rows, mut previous_ms) = (0, i64::MIN);
        loop {
            let row = match lines.next_into(&mut line)? {
                Line::End => break,
                Line::Whole if line.trim_ascii().is_empty() => continue,
                Line::TooLong => Err("line_too_long"),
                Line::Whole => columns.row(&String::from_utf8_lossy(&line), job.stamp, zone),
            };
            rows += 1;
            let row = match row {
                Ok(row) => row,
                Err(reason) => {
                    of_file.drop(reason);
                    continue;
                }
            };
            if job
                .day
                .is_some_and(|day| date(row.start_ms, zone) != Some(day))
            {
                self.counts.drop("other_day");
                continue;
            }
            self.out_of_order += u64::from(row.start_ms < previous_ms);
            previous_ms = row.start_ms;
            match self.by_time.entry((row.start_ms, symbol.clone())) {
                Entry::Occupied(_) => self.counts.drop("duplicate_minute"),
                Entry::Vacant(free) => {
                    if row.is_without_volume() {
                        self.counts.note("zero_volume");
                    }
                    free.insert(row.to_json().into());
                }
            }
        }
        let bad: u64 = of_file.dropped.values().sum();
        if 2 * bad > rows {
            let why = of_file.why();
            return Err(refuse(
                file,
                format_args!("does not look like minute bars: of {rows} rows {why}"),
            ));
        }
        self.rows += rows;
        for (reason, n) in of_file.dropped {
            *self.counts.dropped.entry(reason).or_default() += n;
        }
        Ok(())
    }
}

fn date(ms: i64, zone: Tz) -> Option<NaiveDate> {
    let time = DateTime::from_timestamp_millis(ms)?;
    Some(time.with_timezone(&zone).date_naive())
}
