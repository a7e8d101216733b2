//! `import cboe-quotedata`: the quotedata.csv that CBOE's delayed-quotes page offers, a row a
//! strike, calls left and puts right.

mod header;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use quant::market::Symbol;

use super::chain::{
    Contract, Counts, Number, Occ, Snapshot, choose_symbol, instant, occ, read, refuse,
};
use super::{ImportError, ImportReport, Sink};
use header::Header;

const COLUMNS: usize = 22;
/// Position of the strike, between the eleven columns of the call and the ten of the put.
const STRIKE: usize = 11;
const UNFILLED: &[&str] = &[
    "theta, vega and rho",
    "sizes of option quotes",
    "change of open interest",
];

/// What to import.
#[derive(Clone, Debug)]
pub struct QuoteData {
    /// The symbol; without it that of the contracts' root.
    pub symbol: Option<Symbol>,
    /// The time of a file whose header cannot be read, epoch milliseconds; of one file alone it
    /// is the time in any case.
    pub as_of_ms: Option<i64>,
    /// How late the quotes are.
    pub delay_ms: u64,
    /// The downloads.
    pub files: Vec<PathBuf>,
    /// The recording to make.
    pub out: PathBuf,
}

/// Makes the recording.
pub fn import(job: &QuoteData, max_unpacked_bytes: u64) -> Result<ImportReport, ImportError> {
    let mut sink = Sink::new("cboe-quotedata", &job.out, &[]);
    let mut undated: Option<&Path> = None;
    for file in &job.files {
        let text = read(file, max_unpacked_bytes)?;
        let download = Download::parse(file, &text)?;
        let as_of_ms = match (&download.header.as_of, job.as_of_ms) {
            (_, Some(ms)) if job.files.len() == 1 => ms,
            (Ok(ms), _) => *ms,
            (Err(_), Some(ms)) => {
                if let Some(other) = undated.replace(file) {
                    let other = other.display();
                    return Err(refuse(
                        file,
                        format_args!(
                            "has no readable time, and neither has {other} (import them apart, each with its own --as-of)"
                        ),
                    ));
                }
                sink.note("as_of_given", 1);
                ms
            }
            (Err(cause), None) => {
                return Err(refuse(
                    file,
                    format_args!(
                        "line {}: {cause} (give it as --as-of 2024-01-05T16:00:00-05:00)",
                        download.header.line
                    ),
                ));
            }
        };
        download
            .snapshot(job, file, as_of_ms, &mut sink)?
            .record(&mut sink)?;
    }
    sink.finish(UNFILLED)
}

/// A file taken apart.
struct Download {
    header: Header,
    contracts: Vec<Contract>,
    rows: u64,
    counts: Counts,
}

impl Download {
    fn parse(file: &Path, text: &str) -> Result<Self, ImportError> {
        let mut lines = text.lines();
        let mut head = Vec::new();
        let columns = loop {
            let Some(line) = lines.next().filter(|_| head.len() < 20) else {
                return Err(refuse(
                    file,
                    "is no quotedata.csv of CBOE: no line begins with `Expiration Date,Calls`",
                ));
            };
            if line.trim_start().starts_with("Expiration Date") {
                break fields(line);
            }
            head.push(line);
        };
        if columns.len() != COLUMNS || columns.get(STRIKE).map(String::as_str) != Some("Strike") {
            return Err(refuse(
                file,
                format_args!(
                    "line {}: {} columns where 22 are known, Strike the twelfth (save the table of all expiries as CSV)",
                    head.len() + 1,
                    columns.len()
                ),
            ));
        }
        let mut download = Self {
            header: Header::parse(&head),
            contracts: Vec::new(),
            rows: 0,
            counts: Counts::default(),
        };
        for line in lines.filter(|line| !line.trim().is_empty()) {
            download.rows += 1;
            download.row(line);
        }
        if !text.ends_with('\n') && download.counts.dropped.contains_key("bad_row") {
            download.counts.note("ends_within_a_row");
        }
        Ok(download)
    }

    /// The two contracts of a row.
    fn row(&mut self, line: &str) {
        let fields = fields(line);
        if fields.len() != COLUMNS {
            return self.counts.drop("bad_row");
        }
        let date = instant::date(&fields[0]);
        if date.is_none() {
            self.counts.note("bad_expiry_column");
        }
        for side in [&fields[1..STRIKE], &fields[STRIKE + 1..]] {
            let Some(occ) = Occ::parse(&side[0]) else {
                self.counts.drop("bad_symbol");
                continue;
            };
            if date.is_some_and(|date| date != occ.expiration) {
                self.counts.note("expiry_from_symbol");
            }
            let column = Number::parse_grouped(&fields[STRIKE]);
            let matching = column.filter(|strike| strike.value() * 1000.0 == f64::from(occ.strike));
            if matching.is_none() {
                self.counts.note("strike_from_symbol");
            }
            let Some(strike) = matching.or_else(|| occ.strike_number()) else {
                self.counts.drop("bad_symbol");
                continue;
            };
            let mut contract = Contract::of(&occ, strike);
            let mut number = |at: usize| {
                let number = Number::parse_grouped(&side[at]);
                if number.is_none() && !side[at].is_empty() {
                    self.counts.note("bad_number");
                }
                number
            };
            contract.put("bid", number(3));
            contract.put("ask", number(4));
            contract.put("last", number(1));
            contract.put("volume", number(5));
            contract.put("open_interest", number(9));
            contract.put_iv(number(6));
            contract.put("delta", number(7));
            contract.put("gamma", number(8));
            self.contracts.push(contract);
        }
    }

    fn snapshot(
        self,
        job: &QuoteData,
        file: &Path,
        as_of_ms: i64,
        sink: &mut Sink,
    ) -> Result<Snapshot, ImportError> {
        sink.count_read("files", 1);
        sink.count_read("rows", self.rows);
        self.counts.add_to(sink);
        if self.contracts.is_empty() {
            let why = self.counts.why();
            return Err(refuse(
                file,
                format_args!("no contract could be read of {} rows: {why}", self.rows),
            ));
        }
        let roots: BTreeSet<&str> = self
            .contracts
            .iter()
            .filter_map(|contract| contract.root.as_deref())
            .collect();
        let found = occ::underlying(&roots);
        if found.is_none() && job.symbol.is_none() {
            let roots: Vec<&str> = roots.into_iter().take(8).collect();
            return Err(refuse(
                file,
                format_args!(
                    "contracts of several roots, {} (give --symbol)",
                    roots.join(", ")
                ),
            ));
        }
        Ok(Snapshot {
            symbol: choose_symbol(file, job.symbol.as_ref(), found)?,
            source: "cboe_quotedata",
            as_of_ms,
            spot: self.header.spot,
            underlying: self.header.underlying,
            delayed: false,
            delay_ms: job.delay_ms,
            contracts: self.contracts,
        })
    }
}

/// The fields of a line. Where quotes do not come in pairs they mean nothing, as a CSV reader
/// would take the rest of the file for one field.
pub(super) fn fields(line: &str) -> Vec<String> {
    let paired = line.matches('"').count().is_multiple_of(2);
    let mut fields = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = paired && !quoted,
            ',' if !quoted => fields.push(String::new()),
            c => {
                if let Some(field) = fields.last_mut() {
                    field.push(c);
                }
            }
        }
    }
    for field in &mut fields {
        if field.trim().len() != field.len() {
            *field = field.trim().to_owned();
        }
    }
    fields
}
