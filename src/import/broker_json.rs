//! `import broker-json`: option chains as brokers and vendors answer them, told apart by their
//! members.

mod indian;
mod schwab;
#[cfg(test)]
mod tests;
mod vendors;

use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use quant::market::Symbol;

use super::chain::json::Object;
use super::chain::{
    Contract, Counts, Number, Snapshot, Underlying, choose_symbol, first_value, read, refuse,
};
use super::{ImportError, ImportReport, Sink};

const LAYOUTS: &str = "TD Ameritrade/Schwab, Upstox, Dhan, Tradier, Yahoo, Polygon";

/// In what a source counts open interest, volume and sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Quantity {
    /// Contracts, or lots.
    Contracts,
    /// Units of the underlying; a multiplier of one goes with them.
    Units,
}

/// What to import.
#[derive(Clone, Debug)]
pub struct BrokerJson {
    /// The symbol; without it that of the file.
    pub symbol: Option<Symbol>,
    /// The time of the quotes, epoch milliseconds; without it the newest in the file.
    pub as_of_ms: Option<i64>,
    /// The price of the underlying, for sources that do not send it.
    pub spot: Option<String>,
    /// The expiry, for sources that do not send it.
    pub expiry: Option<NaiveDate>,
    /// In what quantities are; without it units for Upstox and Dhan, contracts for the others.
    pub quantity: Option<Quantity>,
    /// The responses.
    pub files: Vec<PathBuf>,
    /// The recording to make.
    pub out: PathBuf,
}

/// What a layout says.
#[derive(Default)]
struct Found {
    source: &'static str,
    symbol: Option<String>,
    as_of_ms: Option<i64>,
    spot: Option<Number>,
    underlying: Underlying,
    delayed: bool,
    contracts: Vec<Contract>,
    counts: Counts,
}

impl Found {
    fn of(source: &'static str) -> Self {
        Self {
            source,
            ..Self::default()
        }
    }

    /// Keeps a contract, or counts why there is none.
    fn keep(&mut self, contract: Result<Contract, &'static str>) {
        match contract {
            Ok(contract) => self.contracts.push(contract),
            Err(reason) => self.counts.drop(reason),
        }
    }

    /// Keeps the newer of two times.
    fn seen_at(&mut self, ms: Option<i64>) {
        self.as_of_ms = self.as_of_ms.max(ms);
    }
}

/// Makes the recording.
pub fn import(job: &BrokerJson, max_unpacked_bytes: u64) -> Result<ImportReport, ImportError> {
    if job.as_of_ms.is_some() && job.files.len() > 1 {
        return Err(ImportError::Format(
            "--as-of is the time of one file (import the others apart)".to_owned(),
        ));
    }
    let mut sink = Sink::new("broker-json", &job.out, &[]);
    for file in &job.files {
        let text = read(file, max_unpacked_bytes)?;
        let found = layout(job, file, first_value(file, &text)?)?;
        sink.count_read("files", 1);
        sink.count_read(found.source, 1);
        snapshot(job, file, found, &mut sink)?.record(&mut sink)?;
    }
    sink.finish(&[])
}

fn layout(job: &BrokerJson, file: &Path, text: &str) -> Result<Found, ImportError> {
    let top = Object::parse(text);
    let top = top.ok_or_else(|| refuse(file, format_args!("is no object (known: {LAYOUTS})")))?;
    let units = job.quantity.unwrap_or(Quantity::Units) == Quantity::Units;
    if top.has("callExpDateMap") || top.has("putExpDateMap") {
        return Ok(schwab::read(&top));
    }
    let data = top.list("data");
    if let Some(first) = data.first().and_then(|row| Object::parse(row)) {
        if first.has("call_options") || first.has("put_options") {
            return Ok(indian::upstox(&data, units));
        }
        if first.has("oc") {
            let expiry = job.expiry.ok_or_else(|| {
                refuse(
                    file,
                    "is of Dhan, which does not send the expiry (give --expiry)",
                )
            })?;
            return Ok(indian::dhan(&first, expiry, units));
        }
    }
    if let Some(options) = top
        .object("options")
        .filter(|options| options.has("option"))
    {
        return Ok(vendors::tradier(&options));
    }
    if let Some(chain) = top.object("optionChain") {
        return Ok(vendors::yahoo(&chain));
    }
    let results = top.list("results");
    if results
        .iter()
        .any(|row| Object::parse(row).is_some_and(|row| row.has("details")))
    {
        return Ok(vendors::polygon(&results));
    }
    let names: Vec<&str> = top.names().take(8).collect();
    let names: String = names.join(", ").chars().take(200).collect();
    Err(refuse(
        file,
        format_args!(
            "no layout that is known has the members `{}` (known: {LAYOUTS})",
            names.escape_default()
        ),
    ))
}

fn snapshot(
    job: &BrokerJson,
    file: &Path,
    mut found: Found,
    sink: &mut Sink,
) -> Result<Snapshot, ImportError> {
    found.counts.add_to(sink);
    if found.contracts.is_empty() {
        let why = found.counts.why();
        return Err(refuse(
            file,
            format_args!("no contract could be read: {why}"),
        ));
    }
    if job.quantity == Some(Quantity::Units) && !found.source.starts_with(['u', 'd']) {
        for contract in &mut found.contracts {
            contract.replace("multiplier", Number::integer(1));
        }
    }
    let as_of_ms = job.as_of_ms.or(found.as_of_ms).ok_or_else(|| {
        refuse(
            file,
            "does not say the time of its quotes (give --as-of 2024-06-20T15:30:00+05:30)",
        )
    })?;
    let given = match &job.spot {
        Some(text) => Some(
            Number::parse(text)
                .filter(|spot| spot.value() > 0.0)
                .ok_or_else(|| {
                    ImportError::Format(format!("--spot {}: not a price", text.escape_default()))
                })?,
        ),
        None => None,
    };
    let spot = given.or(found.spot).filter(|spot| spot.value() > 0.0);
    Ok(Snapshot {
        symbol: choose_symbol(file, job.symbol.as_ref(), found.symbol.as_deref())?,
        source: found.source,
        as_of_ms,
        spot,
        underlying: found.underlying,
        delayed: found.delayed,
        delay_ms: 0,
        contracts: found.contracts,
    })
}
