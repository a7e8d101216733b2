//! Where every importer writes: counts, keeps symbols and times, sorts what came out of order,
//! and puts the recording under its name only when it is whole.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, SecondsFormat};

use super::{ImportError, ImportReport};
use crate::recording::{Header, Op, Reader, Record, RecordingError, Writer};

/// A recording in the making and the report of it.
pub struct Sink {
    kind: &'static str,
    out: PathBuf,
    partial: Partial,
    writer: Option<Writer>,
    header: Header,
    symbols: BTreeSet<String>,
    read: BTreeMap<&'static str, u64>,
    dropped: BTreeMap<&'static str, u64>,
    noted: BTreeMap<&'static str, u64>,
    kept: u64,
    out_of_order: u64,
    first_ns: i64,
    last_ns: i64,
    previous_ns: i64,
}

/// The unfinished file; gone when the import fails.
struct Partial(PathBuf);

impl Drop for Partial {
    fn drop(&mut self) {
        // After the rename there is nothing to remove, and nobody to tell.
        let _ = fs::remove_file(&self.0);
    }
}

impl Sink {
    /// A sink for the recording `out`; with the `symbols` known before the first record, and the
    /// records in time order, it is written in one go.
    pub fn new(kind: &'static str, out: &Path, symbols: &[&str]) -> Self {
        let mut partial = out.as_os_str().to_owned();
        partial.push(".partial");
        let symbols = symbols.iter().map(|&symbol| symbol.to_owned()).collect();
        Self {
            kind,
            out: out.to_owned(),
            partial: Partial(partial.into()),
            writer: None,
            header: Header::event(symbols, 0),
            symbols: BTreeSet::new(),
            read: BTreeMap::new(),
            dropped: BTreeMap::new(),
            noted: BTreeMap::new(),
            kept: 0,
            out_of_order: 0,
            first_ns: i64::MAX,
            last_ns: i64::MIN,
            previous_ns: i64::MIN,
        }
    }

    /// Counts `rows` of a sort of input.
    pub fn count_read(&mut self, what: &'static str, rows: u64) {
        add(&mut self.read, what, rows);
    }

    /// Counts `rows` not used and why.
    pub fn count_dropped(&mut self, reason: &'static str, rows: u64) {
        add(&mut self.dropped, reason, rows);
    }

    /// Counts `rows` that are used and odd.
    pub fn note(&mut self, what: &'static str, rows: u64) {
        add(&mut self.noted, what, rows);
    }

    /// Records so far.
    pub fn kept(&self) -> u64 {
        self.kept
    }

    /// Appends a record.
    pub fn push(&mut self, t_ns: i64, op: Op, key: &str, value: &[u8]) -> Result<(), ImportError> {
        if let Some(symbol) = symbol_of(key)
            && !self.symbols.contains(symbol)
        {
            self.symbols.insert(symbol.to_owned());
        }
        self.out_of_order += u64::from(t_ns < self.previous_ns);
        self.previous_ns = t_ns;
        self.first_ns = self.first_ns.min(t_ns);
        self.last_ns = self.last_ns.max(t_ns);
        self.kept += 1;
        if self.kept == 1 {
            self.header.start_ns = t_ns;
        }
        Ok(self.writer()?.append(t_ns, op, key, value)?)
    }

    /// Makes the recording of what was pushed. Records out of order are sorted in memory, which
    /// takes about the size of the unpacked input.
    pub fn finish(mut self, unfilled: &[&str]) -> Result<ImportReport, ImportError> {
        self.writer()?;
        if let Some(writer) = self.writer.take() {
            writer.finish()?;
        }
        let mut header = self.header.clone();
        header.symbols.extend(self.symbols.iter().cloned());
        header.symbols.sort();
        header.symbols.dedup();
        if self.kept > 0 {
            header.start_ns = self.first_ns;
        }
        if self.out_of_order > 0 || header != self.header {
            self.rewrite(&header)?;
        }
        fs::rename(&self.partial.0, &self.out)
            .map_err(|error| RecordingError::Write(self.out.display().to_string(), error))?;
        let named = |counts: &BTreeMap<&'static str, u64>| {
            let counts = counts.iter();
            counts.map(|(name, n)| ((*name).to_owned(), *n)).collect()
        };
        Ok(ImportReport {
            kind: self.kind.to_owned(),
            symbols: header.symbols,
            read: named(&self.read),
            kept: self.kept,
            dropped: named(&self.dropped),
            noted: named(&self.noted),
            out_of_order: self.out_of_order,
            ignored_columns: Vec::new(),
            unfilled: unfilled.iter().map(|&field| field.to_owned()).collect(),
            first: (self.kept > 0).then(|| rfc3339(self.first_ns)),
            last: (self.kept > 0).then(|| rfc3339(self.last_ns)),
            out: self.out.display().to_string(),
        })
    }

    fn writer(&mut self) -> Result<&mut Writer, RecordingError> {
        match &mut self.writer {
            Some(writer) => Ok(writer),
            empty => Ok(empty.insert(Writer::create(&self.partial.0, &self.header)?)),
        }
    }

    /// Copies the unfinished file under a header that is known only at the end, in time order.
    fn rewrite(&mut self, header: &Header) -> Result<(), RecordingError> {
        let mut second = self.partial.0.clone().into_os_string();
        second.push("2");
        let second = Partial(second.into());
        let mut writer = Writer::create(&second.0, header)?;
        let reader = Reader::open(&self.partial.0)?;
        if self.out_of_order > 0 {
            let mut records: Vec<Record> = reader.collect::<Result<_, _>>()?;
            records.sort_by_key(|record| record.t_ns);
            for record in &records {
                writer.push(record)?;
            }
        } else {
            for record in reader {
                writer.push(&record?)?;
            }
        }
        writer.finish()?;
        fs::rename(&second.0, &self.partial.0)
            .map_err(|error| RecordingError::Write(second.0.display().to_string(), error))
    }
}

fn add(counts: &mut BTreeMap<&'static str, u64>, name: &'static str, rows: u64) {
    if rows > 0 {
        *counts.entry(name).or_default() += rows;
    }
}

/// `GOOG` of `market:GOOG:trades` and of `options:GOOG:chain`.
fn symbol_of(key: &str) -> Option<&str> {
    let rest = key
        .strip_prefix("market:")
        .or_else(|| key.strip_prefix("options:"))?;
    let (symbol, _) = rest.split_once(':')?;
    (!symbol.is_empty()).then_some(symbol)
}

fn rfc3339(t_ns: i64) -> String {
    DateTime::from_timestamp_nanos(t_ns).to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys_in_order(path: &Path) -> Vec<String> {
        let records = Reader::open(path).unwrap();
        records
            .map(|record| record.unwrap().key.to_string())
            .collect()
    }

    #[test]
    fn what_comes_out_of_order_is_sorted_stably_and_counted() {
        let dir = tempfile::TempDir::new().unwrap();
        let out = dir.path().join("a.rec");
        let mut sink = Sink::new("jsonl", &out, &[]);
        for (t_ns, key) in [
            (5, "market:A:book"),
            (2, "market:B:book"),
            (5, "c"),
            (2, "d"),
        ] {
            sink.push(t_ns, Op::Set, key, b"{}").unwrap();
        }
        let report = sink.finish(&[]).unwrap();
        assert_eq!(report.out_of_order, 2);
        assert_eq!(report.symbols, ["A", "B"]);
        assert_eq!(
            keys_in_order(&out),
            ["market:B:book", "d", "market:A:book", "c"]
        );
        assert_eq!(Reader::open(&out).unwrap().header().start_ns, 2);
        assert_eq!(report.first.unwrap(), "1970-01-01T00:00:00.000000002Z");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_import_that_fails_leaves_nothing_and_spares_what_was_there() {
        let dir = tempfile::TempDir::new().unwrap();
        let out = dir.path().join("a.rec");
        fs::write(&out, "yesterday").unwrap();
        let mut sink = Sink::new("jsonl", &out, &[]);
        sink.push(1, Op::Set, "a", b"1").unwrap();
        drop(sink);
        assert_eq!(fs::read(&out).unwrap(), b"yesterday");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn only_keys_of_one_symbol_name_it() {
        assert_eq!(symbol_of("options:BRK.B:chain"), Some("BRK.B"));
        for key in [
            "market:symbols",
            "market::book",
            "events:options:chain",
            "x",
        ] {
            assert_eq!(symbol_of(key), None, "{key}");
        }
    }
}
