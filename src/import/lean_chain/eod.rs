//! A day's chain: a row a contract, the first row the underlying.

use std::collections::BTreeMap;
use std::path::Path;

use super::super::chain::{
    Contract, Counts, Number, Occ, Right, Snapshot, Underlying, instant, read, refuse,
};
use super::super::{ImportError, Sink};
use super::{LeanChain, at};

const NEEDED: [&str; 4] = ["expiry", "strike", "right", "close"];

pub(super) fn import(
    job: &LeanChain,
    file: &Path,
    max_unpacked_bytes: u64,
    sink: &mut Sink,
) -> Result<(), ImportError> {
    let text = read(file, max_unpacked_bytes)?;
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let header = lines.next().unwrap_or_default().trim_start_matches('#');
    let columns = header.split(',').map(str::trim).enumerate();
    let columns: BTreeMap<&str, usize> = columns.map(|(at, name)| (name, at)).collect();
    if let Some(missing) = NEEDED.iter().find(|name| !columns.contains_key(*name)) {
        return Err(refuse(
            file,
            format_args!(
                "line 1: no column `{missing}` (a day's chain of Lean begins with #expiry,strike,right,…; give minute files as --quotes, --trades and so on)"
            ),
        ));
    }
    let (symbol, date) = job.name_of(file)?;
    let mut counts = Counts::default();
    let (mut contracts, mut spot, mut volume) = (Vec::new(), None, None);
    for line in lines {
        sink.count_read("rows", 1);
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        if fields.len() != columns.len() {
            counts.drop("bad_row");
            continue;
        }
        let field = |name: &str| columns.get(name).map_or("", |&at| fields[at]);
        let number = |name: &str| Number::parse(field(name));
        if field("expiry").is_empty() && field("right").is_empty() {
            spot = number("close").filter(|spot| spot.value() > 0.0);
            volume = number("volume");
            continue;
        }
        let Some(expiration) = instant::date(field("expiry")) else {
            counts.drop("bad_expiry");
            continue;
        };
        let (Some(strike), Some(right)) = (number("strike"), Right::parse(field("right"))) else {
            counts.drop("bad_contract");
            continue;
        };
        let Some(occ) = Occ::new(symbol.as_str(), expiration, right, strike.value()) else {
            counts.drop("bad_contract");
            continue;
        };
        let mut contract = Contract::of(&occ, strike);
        // What did not trade has the middle of its quote here.
        let traded = number("volume").is_some_and(|volume| volume.value() > 0.0);
        contract.put(if traded { "last" } else { "mark" }, number("close"));
        contract.put("volume", number("volume"));
        contract.put("open_interest", number("open_interest"));
        let iv = number("implied_volatility").filter(|iv| iv.value() > 0.0);
        if iv.is_some() {
            contract.put_iv(iv);
            for name in ["delta", "gamma", "theta", "vega", "rho"] {
                contract.put(name, number(name));
            }
        } else {
            counts.note("no_iv");
        }
        contracts.push(contract);
    }
    counts.add_to(sink);
    sink.count_read("files", 1);
    if contracts.is_empty() {
        let why = counts.why();
        return Err(refuse(
            file,
            format_args!("no contract could be read: {why}"),
        ));
    }
    let snapshot = Snapshot {
        symbol,
        source: "lean_chain",
        as_of_ms: at(file, date, job.close)?,
        spot,
        underlying: Underlying {
            volume,
            ..Underlying::default()
        },
        delayed: false,
        delay_ms: 0,
        contracts,
    };
    snapshot.record(sink)
}
