//! What is asked for: what the plan of the key allows, which expiries and instruments there are, what
//! stands for the spot, and how many requests an hour all of that is.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use quant::market::{Symbol, Timestamp};
use serde_json::Value;

use super::budget::USED;
use super::identifier::{date, parse};
use super::options::Key;
use super::request::{Function, MOST_IDENTIFIERS, Request};
use super::rows::{Counts, Row, rows};

/// The depths that can be subscribed.
const DEPTHS: [u64; 5] = [1, 5, 10, 15, 20];

/// Indices by the name of their product, as the vendor displays them.
const INDICES: [(&str, &str); 7] = [
    ("NIFTY", "NIFTY 50"),
    ("BANKNIFTY", "NIFTY BANK"),
    ("FINNIFTY", "NIFTY FIN SERVICE"),
    ("MIDCPNIFTY", "NIFTY MID SELECT"),
    ("NIFTYNXT50", "NIFTY NEXT 50"),
    ("SENSEX", "SENSEX"),
    ("BANKEX", "BANKEX"),
];

/// What the key may do.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Limitation {
    /// Requests an hour.
    pub(super) calls_per_hour: Option<u64>,
    /// False where the key is switched off.
    pub(super) enabled: Option<bool>,
    pub(super) expires: Option<Timestamp>,
    /// Instruments that may be subscribed, and the delay of the data, by exchange.
    pub(super) exchanges: BTreeMap<String, (Option<u64>, bool)>,
    functions: BTreeMap<String, bool>,
}

impl Limitation {
    pub(super) fn read(body: &Value, counts: &mut Counts) -> Self {
        let mut plan = Self::default();
        let Some(row) = rows(body).first().copied() else {
            return plan;
        };
        let part = |name: &str| row.get(name).and_then(Value::as_object).map(Row);
        let each = |name: &str| -> Vec<Row<'_>> {
            let list = row.get(name).and_then(Value::as_array);
            let list = list.into_iter().flatten();
            list.filter_map(Value::as_object).map(Row).collect()
        };
        if let Some(general) = part("GeneralParams") {
            let calls = general.number("AllowedCallsPerHour", counts);
            plan.calls_per_hour = calls
                .filter(|calls| *calls >= 1.0)
                .map(|calls| calls as u64);
            plan.enabled = general.flag("Enabled");
            plan.expires = general.time("ExpirationDate", counts);
        }
        for exchange in each("AllowedExchanges") {
            if let Some(name) = exchange.text("ExchangeName") {
                let instruments = exchange.number("AllowedInstruments", counts);
                let instruments = instruments.filter(|n| *n >= 0.0).map(|n| n as u64);
                let delay = exchange.number("DataDelay", counts);
                let entry = (instruments, delay.is_some_and(|delay| delay > 0.0));
                plan.exchanges.insert(name.to_uppercase(), entry);
            }
        }
        for function in each("AllowedFunctions") {
            if let (Some(name), Some(enabled)) =
                (function.text("FunctionName"), function.flag("IsEnabled"))
            {
                plan.functions.insert(name.to_lowercase(), enabled);
            }
        }
        plan
    }

    /// Whether the plan says that a function cannot be used; one it does not name is tried.
    pub(super) fn forbids(&self, function: Function) -> bool {
        self.functions.get(&function.name().to_lowercase()) == Some(&false)
    }
}

/// The dates of a list of expiries from `today` on, the nearest `most`.
pub(super) fn expiries(
    body: &Value,
    today: NaiveDate,
    most: usize,
    counts: &mut Counts,
) -> Vec<NaiveDate> {
    let mut dates = Vec::new();
    for row in rows(body) {
        match row.text("Value").map(date) {
            Some(Some(day)) if day >= today => dates.push(day),
            Some(Some(_)) => counts.count("expired"),
            Some(None) => counts.count("malformed_expiry"),
            None => {}
        }
    }
    dates.sort();
    dates.dedup();
    dates.truncate(most);
    dates
}

/// The options of a product.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Instruments {
    /// `OPTIDX`, `OPTSTK`: what the options are on.
    pub(super) kind: Option<String>,
    /// Which contract a token is.
    pub(super) tokens: HashMap<String, Key>,
    /// Strikes in order, by expiry.
    pub(super) strikes: BTreeMap<NaiveDate, Vec<f64>>,
    /// Lots, by contract.
    pub(super) lots: HashMap<Key, f64>,
    /// The identifiers of contracts.
    pub(super) names: HashMap<Key, String>,
}

impl Instruments {
    pub(super) fn read(body: &Value, product: &str, today: NaiveDate, counts: &mut Counts) -> Self {
        let mut all = Self::default();
        for row in rows(body) {
            let Some(id) = row.text("Identifier") else {
                continue;
            };
            let Some(parsed) = parse(id) else {
                counts.count("unknown_identifier");
                continue;
            };
            if !parsed.product.eq_ignore_ascii_case(product) {
                continue;
            }
            if parsed.expiry < today {
                counts.count("expired");
                continue;
            }
            let Some(key) = Key::of(&parsed) else {
                continue;
            };
            all.kind.get_or_insert_with(|| parsed.kind.to_uppercase());
            if let Some(token) = row.word("TokenNumber") {
                all.tokens.insert(token, key);
            }
            let lot = row.number("QuotationLot", counts);
            if let Some(lot) = lot.filter(|lot| *lot >= 1.0) {
                all.lots.insert(key, lot);
            }
            all.strikes
                .entry(key.expiry)
                .or_default()
                .push(parsed.strike.value());
            all.names.insert(key, id.to_owned());
        }
        for strikes in all.strikes.values_mut() {
            strikes.sort_by(f64::total_cmp);
            strikes.dedup();
        }
        all
    }

    /// The listed strike of an expiry that is nearest to a price.
    pub(super) fn nearest(&self, expiry: NaiveDate, price: f64) -> Option<f64> {
        let strikes = self.strikes.get(&expiry)?;
        let nearer = |a: &&f64, b: &&f64| (*a - price).abs().total_cmp(&(*b - price).abs());
        strikes.iter().min_by(nearer).copied()
    }

    /// How many strikes lie between two prices.
    pub(super) fn between(&self, expiry: NaiveDate, a: f64, b: f64) -> usize {
        let strikes = self.strikes.get(&expiry).map_or(&[][..], Vec::as_slice);
        let place = |price: f64| strikes.partition_point(|strike| *strike < price);
        place(a).abs_diff(place(b))
    }
}

/// The depth that has at least so many strikes on each side.
pub(super) fn depth(strikes: u64) -> u64 {
    let enough = DEPTHS.iter().find(|depth| **depth >= strikes);
    enough.copied().unwrap_or(DEPTHS[DEPTHS.len() - 1])
}

/// An instrument whose quotes are carried under a name of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Followed {
    pub(super) exchange: String,
    pub(super) id: String,
    pub(super) symbol: Symbol,
}

/// What a product is carried as: characters that no symbol has are `_`.
pub(super) fn symbol(product: &str) -> Result<Symbol, String> {
    Symbol::new(&product.replace('&', "_"))
}

/// The product that is meant by a name which may be that of a continuous future.
pub(super) fn product(name: &str) -> &str {
    let ends = ["-III", "-II", "-I"];
    ends.iter()
        .find_map(|end| name.strip_suffix(end))
        .unwrap_or(name)
}

/// What stands for the spot of a product: the index or the share; none where options are on
/// futures.
pub(super) fn spot(
    exchange: &str,
    product: &str,
    kind: Option<&str>,
    own: &BTreeMap<Symbol, String>,
) -> Option<Followed> {
    let symbol = symbol(product).ok()?;
    let shares = match exchange {
        "NFO" => "NSE",
        "BFO" => "BSE",
        _ => return None,
    };
    let known = INDICES
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(product));
    let index = own.get(&symbol).cloned();
    let index = index.or_else(|| known.map(|(_, name)| (*name).to_owned()));
    // An index nobody named may be displayed as its product is called.
    let index = index.or_else(|| (kind == Some("OPTIDX")).then(|| product.to_owned()));
    let (exchange, id) = match index {
        Some(id) => (format!("{shares}_IDX"), id),
        None => (shares.to_owned(), product.to_owned()),
    };
    Some(Followed {
        exchange,
        id,
        symbol,
    })
}

/// The current future of a product.
pub(super) fn future(exchange: &str, product: &str) -> Option<Followed> {
    let id = format!("{product}-I");
    Some(Followed {
        exchange: exchange.to_owned(),
        symbol: symbol(&id).ok()?,
        id,
    })
}

/// The requests for the quotes of instruments: one an exchange, more where they are many.
pub(super) fn quotes(followed: &[&Followed]) -> Vec<Request> {
    let mut by_exchange: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for one in followed {
        by_exchange.entry(&one.exchange).or_default().push(&one.id);
    }
    let each = by_exchange.into_iter();
    each.flat_map(|(exchange, ids)| {
        let parts = ids.chunks(MOST_IDENTIFIERS);
        parts
            .map(|ids| Request::quotes(exchange, ids))
            .collect::<Vec<_>>()
    })
    .collect()
}

/// Requests an hour: so many at every poll, and those sent once.
pub(super) fn needed(polls: usize, poll_seconds: f64, once: usize) -> u64 {
    (polls as f64 * 3_600.0 / poll_seconds).ceil() as u64 + once as u64
}

/// Requests an hour of a plan that are used.
fn usable(plan: u64) -> u64 {
    (plan as f64 * USED).floor() as u64
}

/// Seconds between two polls that a plan allows, at least the `wanted`.
pub(super) fn affordable_seconds(wanted: f64, polls: usize, once: usize, plan: u64) -> f64 {
    let left = usable(plan).saturating_sub(once as u64).max(1);
    wanted.max(polls as f64 * 3_600.0 / left as f64)
}

/// Whether so many requests an hour fit a plan; the error has both numbers.
pub(super) fn check_quota(needed: u64, plan: u64) -> Result<(), String> {
    let usable = usable(plan);
    if needed <= usable {
        return Ok(());
    }
    Err(format!(
        "the settings need {needed} requests an hour, the plan allows {plan}, of which {usable} are used: \
         name fewer symbols or expiries, or raise feed.globaldatafeeds.poll_seconds"
    ))
}

#[cfg(test)]
mod tests;
