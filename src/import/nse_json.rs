//! `import nse-json`: option chains of India's National Stock Exchange, as its website gets them:
//! `option-chain-indices`, `option-chain-equities` and `option-chain-v3`.

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use quant::market::Symbol;

use super::chain::json::Object;
use super::chain::{
    Contract, Counts, Number, Right, Snapshot, Underlying, choose_symbol, first_value, instant,
    read, refuse,
};
use super::{ImportError, ImportReport, Sink};

/// What to import.
#[derive(Clone, Debug)]
pub struct NseJson {
    /// The symbol; without it that of the contracts.
    pub symbol: Option<Symbol>,
    /// The responses.
    pub files: Vec<PathBuf>,
    /// The recording to make.
    pub out: PathBuf,
}

/// Makes the recording.
pub fn import(job: &NseJson, max_unpacked_bytes: u64) -> Result<ImportReport, ImportError> {
    let mut sink = Sink::new("nse-json", &job.out, &[]);
    for file in &job.files {
        let text = read(file, max_unpacked_bytes)?;
        let snapshot = snapshot(job, file, first_value(file, &text)?, &mut sink)?;
        sink.count_read("files", 1);
        snapshot.record(&mut sink)?;
    }
    sink.finish(&[
        "delta, gamma, theta, vega and rho",
        "lot size",
        "quote of the underlying",
    ])
}

fn snapshot(
    job: &NseJson,
    file: &Path,
    text: &str,
    sink: &mut Sink,
) -> Result<Snapshot, ImportError> {
    let top = Object::parse(text).ok_or_else(|| refuse(file, "is no JSON object"))?;
    if top.is_empty() {
        return Err(refuse(
            file,
            "is {}, which NSE answers to callers it blocks (fetch it again with a browser's headers and cookies)",
        ));
    }
    // `filtered` has the nearest expiry alone, which `records` has as well.
    let records = top.object("records").filter(|records| records.has("data"));
    let records =
        records.ok_or_else(|| refuse(file, "is no option chain of NSE: it has no records.data"))?;
    let time = records.text("timestamp").unwrap_or_default();
    let local = instant::date_time(&time);
    let as_of_ms = local.and_then(|local| instant::in_zone(local, chrono_tz::Asia::Kolkata));
    let as_of_ms = as_of_ms.ok_or_else(|| {
        let time: String = time.chars().take(40).collect();
        let time = time.escape_default();
        refuse(
            file,
            format_args!("timestamp `{time}` is not DD-Mon-YYYY HH:MM:SS"),
        )
    })?;
    let mut counts = Counts::default();
    let (mut contracts, mut found) = (Vec::new(), None);
    for row in records.list("data") {
        let Some(row) = Object::parse(row) else {
            counts.drop("bad_row");
            continue;
        };
        for (name, right) in [("CE", Right::Call), ("PE", Right::Put)] {
            let Some(leg) = row.object(name) else {
                continue;
            };
            found = found.or_else(|| leg.text("underlying"));
            match contract(&row, &leg, right) {
                Ok(contract) => contracts.push(contract),
                Err(reason) => counts.drop(reason),
            }
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
    let spot = records
        .number("underlyingValue")
        .filter(|spot| spot.value() > 0.0);
    Ok(Snapshot {
        symbol: choose_symbol(file, job.symbol.as_ref(), found.as_deref())?,
        source: "nse_json",
        as_of_ms,
        spot,
        underlying: Underlying::default(),
        delayed: false,
        delay_ms: 0,
        contracts,
    })
}

fn contract(row: &Object<'_>, leg: &Object<'_>, right: Right) -> Result<Contract, &'static str> {
    let strike = leg
        .number("strikePrice")
        .or_else(|| row.number("strikePrice"));
    let strike = strike
        .filter(|strike| strike.value() > 0.0)
        .ok_or("bad_strike")?;
    let places = [row, leg].into_iter();
    let mut dates = places.flat_map(|of| [of.text("expiryDate"), of.text("expiryDates")]);
    let expiration = dates.find_map(|date| expiry(&date?)).ok_or("bad_expiry")?;
    let mut contract = Contract::new(right, strike, expiration);
    contract.id = leg.text("identifier").filter(|id| !id.is_empty());
    let first = |names: [&str; 2]| names.iter().find_map(|name| leg.number(name));
    contract.put("bid", first(["bidprice", "buyPrice1"]));
    contract.put("ask", first(["askPrice", "sellPrice1"]));
    contract.put("bid_size", first(["bidQty", "buyQuantity1"]));
    contract.put("ask_size", first(["askQty", "sellQuantity1"]));
    contract.put("last", leg.number("lastPrice"));
    contract.put("volume", leg.number("totalTradedVolume"));
    contract.put("open_interest", leg.number("openInterest"));
    contract.put("oi_change", leg.number("changeinOpenInterest"));
    let iv: Option<Number> = leg.number("impliedVolatility");
    contract.put_iv_percent(iv);
    Ok(contract)
}

/// `07-Aug-2024`, and in some legs `07-08-2024`: India writes the day first.
fn expiry(text: &str) -> Option<NaiveDate> {
    let numeric = || NaiveDate::parse_from_str(text.trim(), "%d-%m-%Y").ok();
    instant::date(text).or_else(numeric)
}
