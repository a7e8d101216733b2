//! `import cboe-json`: the chains of CBOE's delayed-quotes service,
//! `cdn.cboe.com/api/global/delayed_quotes/options/{SYM}.json`.

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use quant::market::Symbol;

use super::chain::json::Object;
use super::chain::{
    Contract, Counts, Occ, Snapshot, Underlying, choose_symbol, first_value, instant, read, refuse,
};
use super::{ImportError, ImportReport, Sink};

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
    let top = Object::parse(text);
    let data = top.as_ref().and_then(|top| top.object("data"));
    let Some((top, data)) = top.zip(data).filter(|(_, data)| data.has("options")) else {
        return Err(refuse(file, "is no chain of CBOE: it has no data.options"));
    };
    let time = top.text("timestamp").unwrap_or_default();
    let local = instant::date_time(&time);
    let as_of_ms = local
        .and_then(|local| instant::in_zone(local, job.zone))
        .ok_or_else(|| {
            let time: String = time.chars().take(40).collect();
            let time = time.escape_default();
            refuse(
                file,
                format_args!("timestamp `{time}` is not YYYY-MM-DD HH:MM:SS"),
            )
        })?;
    // The last trade is in New York's time; no file is older than what it reports.
    let traded = data
        .text("last_trade_time")
        .and_then(|time| instant::date_time(&time));
    let traded = traded.and_then(|time| instant::in_zone(time, chrono_tz::America::New_York));
    if traded.is_some_and(|traded| traded > as_of_ms) {
        sink.note("timestamp_before_last_trade", 1);
    }
    let mut counts = Counts::default();
    let mut contracts = Vec::new();
    for option in data.list("options") {
        match Object::parse(option).and_then(|option| contract(&option)) {
            Some(contract) => contracts.push(contract),
            None => counts.drop("bad_symbol"),
        }
    }
    counts.add_to(sink);
    if contracts.is_empty() {
        let why = counts.why();
        return Err(refuse(
            file,
            format_args!("no contract could be read: {why}"),
        ));
    }
    let found = data.text("symbol").or_else(|| top.text("symbol"));
    let found = found
        .as_deref()
        .map(|symbol| symbol.trim_start_matches(['^', '_']));
    let spot = ["current_price", "close"]
        .iter()
        .find_map(|name| data.number(name).filter(|price| price.value() > 0.0));
    Ok(Snapshot {
        symbol: choose_symbol(file, job.symbol.as_ref(), found)?,
        source: "cboe_json",
        as_of_ms,
        spot,
        underlying: Underlying {
            bid: data.number("bid"),
            ask: data.number("ask"),
            bid_size: data.number("bid_size"),
            ask_size: data.number("ask_size"),
            volume: data.number("volume"),
        },
        delayed: false,
        delay_ms: job.delay_ms,
        contracts,
    })
}

fn contract(option: &Object<'_>) -> Option<Contract> {
    let occ = Occ::parse(&option.text("option")?)?;
    let mut contract = Contract::of(&occ, occ.strike_number()?);
    for name in ["bid", "ask", "bid_size", "ask_size"] {
        contract.put(name, option.number(name));
    }
    contract.put("last", option.number("last_trade_price"));
    contract.put("volume", option.number("volume"));
    contract.put("open_interest", option.number("open_interest"));
    contract.put_iv(option.number("iv"));
    for name in ["delta", "gamma", "theta", "vega", "rho"] {
        contract.put(name, option.number(name));
    }
    Some(contract)
}
