//! `import cboe-json`: the chains of CBOE's delayed-quotes service,
//! `cdn.cboe.com/api/global/delayed_quotes/options/{SYM}.json`.

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use quant::market::Symbol;

use super::chain::{Counts, Snapshot, choose_symbol, first_value, read, refuse};
use super::{ImportError, ImportReport, Sink};
use crate::vendor_chain::cboe::Response;

/// What to import.
#[derive(Clone, Debug)]
pub struct CboeJson {
    /// The symbol; without it that of the file.
    pub symbol: Option<Symbol>,
    /// The zone of `timestamp`, which does not say one.
    pub zone: Tz,
    /// How late the quotes are.
    pub delay_ms: u64,
    /// The responses.
    pub files: Vec<PathBuf>,
    /// The recording to make.
    pub out: PathBuf,
}

/// Makes the recording.
pub fn import(job: &CboeJson, max_unpacked_bytes: u64) -> Result<ImportReport, ImportError> {
    let mut sink = Sink::new("cboe-json", &job.out, &[]);
    for file in &job.files {
        let text = read(file, max_unpacked_bytes)?;
        let snapshot = snapshot(job, file, first_value(file, &text)?, &mut sink)?;
        sink.count_read("files", 1);
        snapshot.record(&mut sink)?;
    }
    sink.finish(&["change of open interest"])
}

fn snapshot(
    job: &CboeJson,
    file: &Path,
    text: &str,
    sink: &mut Sink,
) -> Result<Snapshot, ImportError> {
    let Some(Ok(response)) = Response::parse(text) else {
        return Err(refuse(file, "is no chain of CBOE: it has no data.options"));
    };
    let as_of_ms = response.as_of_ms(job.zone).map_err(|time| {
        let time: String = time.chars().take(40).collect();
        let time = time.escape_default();
        refuse(
            file,
            format_args!("timestamp `{time}` is not YYYY-MM-DD HH:MM:SS"),
        )
    })?;
    // No file is older than what it reports.
    if response.traded_ms().is_some_and(|traded| traded > as_of_ms) {
        sink.note("timestamp_before_last_trade", 1);
    }
    let (contracts, bad) = response.contracts();
    let mut counts = Counts::default();
    (0..bad).for_each(|_| counts.drop("bad_symbol"));
    counts.add_to(sink);
    if contracts.is_empty() {
        let why = counts.why();
        return Err(refuse(
            file,
            format_args!("no contract could be read: {why}"),
        ));
    }
    let found = response.symbol();
    Ok(Snapshot {
        symbol: choose_symbol(file, job.symbol.as_ref(), found.as_deref())?,
        source: "cboe_json",
        as_of_ms,
        spot: response.spot(),
        underlying: response.underlying(),
        delayed: false,
        delay_ms: job.delay_ms,
        contracts,
    })
}
