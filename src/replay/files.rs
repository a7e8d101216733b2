//! What a replay writes: a file of lines for each document name, the signed trades, a summary.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use quant::market::{SignedTrade, Symbol};
use quant::prints::sweeps::Criteria;
use serde::Serialize;
use xxhash_rust::xxh3::Xxh3;

use super::flags::{Flagged, Flags};
use crate::store::exchange::{BESIDE, Write};

/// The files of one replay. The first error of writing is kept until [`ReplayFiles::finish`].
pub struct ReplayFiles {
    directory: PathBuf,
    documents: BTreeMap<&'static str, (BufWriter<File>, u64)>,
    trades: Option<Trace>,
    digest: Xxh3,
    open: bool,
    failed: Option<io::Error>,
}

/// The file of signed trades, and those that are not in it yet.
struct Trace {
    file: BufWriter<File>,
    flags: Flags,
}

/// What was written.
pub struct Written {
    /// Documents by name.
    pub documents: BTreeMap<&'static str, u64>,
    /// Hash of every document in the order they were written.
    pub digest: String,
}

/// One line of `trades.jsonl`.
#[derive(Serialize)]
struct TradeLine<'a> {
    symbol: &'a str,
    timestamp_ns: i64,
    price: f64,
    size: f64,
    side: &'static str,
    rule: &'static str,
    venue: Option<&'a str>,
    flags: &'a [&'static str],
}

impl ReplayFiles {
    /// Files in a directory, which is made where it is missing. Results of an earlier replay go,
    /// so that none of them is taken for this one's. With `sweeps`, what makes one, the signed trades
    /// are traced.
    pub fn create(directory: &Path, sweeps: Option<Criteria>) -> io::Result<Self> {
        std::fs::create_dir_all(directory)?;
        let documents = quant::calculators::all().map(|card| format!("{}.jsonl", card.name));
        let others = ["trades.jsonl", "summary.json"].map(str::to_owned);
        for name in documents.chain(others) {
            match std::fs::remove_file(directory.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        let trace = |criteria| {
            let file = create(directory, "trades")?;
            let flags = Flags::new(criteria);
            Ok::<_, io::Error>(Trace { file, flags })
        };
        let trades = sweeps.map(trace).transpose()?;
        Ok(Self {
            directory: directory.to_owned(),
            documents: BTreeMap::new(),
            trades,
            digest: Xxh3::new(),
            open: true,
            failed: None,
        })
    }

    /// Whether what comes is written, or belongs to a time nobody asked for.
    pub fn set_open(&mut self, open: bool) {
        self.open = open;
    }

    /// A document was published.
    pub fn document(&mut self, write: &Write) {
        // What is kept beside a document stands in it, too.
        if !self.open || self.failed.is_some() || write.document == BESIDE {
            return;
        }
        self.digest.update(write.key.as_bytes());
        self.digest.update(&write.value);
        let result = self.write_line(write);
        self.note(result);
    }

    /// Trades of a symbol were signed.
    pub fn trades(&mut self, symbol: &Symbol, trades: &[SignedTrade]) {
        let Some(trace) = &mut self.trades else {
            return;
        };
        for signed in trades {
            trace.flags.push(symbol, signed, self.open);
        }
        let known = trace.flags.known();
        let result = trace.write(&known);
        self.note(result);
    }

    /// Flushes everything; an error is the first that happened.
    pub fn finish(&mut self) -> io::Result<Written> {
        if let Some(trace) = &mut self.trades {
            let rest = trace.flags.rest();
            let result = trace.write(&rest).and_then(|()| trace.file.flush());
            self.note(result);
        }
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        for (file, _) in self.documents.values_mut() {
            file.flush()?;
        }
        let counts = self.documents.iter().map(|(name, (_, n))| (*name, *n));
        Ok(Written {
            documents: counts.collect(),
            digest: format!("{:032x}", self.digest.digest128()),
        })
    }

    fn write_line(&mut self, write: &Write) -> io::Result<()> {
        if !self.documents.contains_key(write.document) {
            let file = create(&self.directory, write.document)?;
            self.documents.insert(write.document, (file, 0));
        }
        if let Some((file, count)) = self.documents.get_mut(write.document) {
            file.write_all(&write.value)?;
            file.write_all(b"\n")?;
            *count += 1;
        }
        Ok(())
    }

    fn note(&mut self, result: io::Result<()>) {
        if let Err(error) = result {
            self.failed.get_or_insert(error);
        }
    }
}

impl Trace {
    fn write(&mut self, trades: &[Flagged]) -> io::Result<()> {
        trades
            .iter()
            .filter(|flagged| flagged.wanted)
            .try_for_each(|flagged| {
                let trade = &flagged.signed.trade;
                let line = TradeLine {
                    symbol: flagged.symbol.as_str(),
                    timestamp_ns: trade.at.nanos(),
                    price: trade.price.to_f64(),
                    size: trade.size.to_f64(),
                    side: flagged.signed.side.as_str(),
                    rule: flagged.signed.signed_by.as_str(),
                    venue: trade.venue.as_ref().map(|venue| venue.as_str()),
                    flags: &flagged.flags,
                };
                self.file.write_all(&quant::json::to_vec(&line))?;
                self.file.write_all(b"\n")
            })
    }
}

fn create(directory: &Path, name: &str) -> io::Result<BufWriter<File>> {
    let path = directory.join(format!("{name}.jsonl"));
    Ok(BufWriter::with_capacity(1 << 18, File::create(path)?))
}
