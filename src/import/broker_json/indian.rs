//! Upstox and Dhan: a row a strike. Volatility is in percent; quantities are units of the
//! underlying, not lots.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde_json::value::RawValue;

use super::super::chain::json::Object;
use super::super::chain::{Contract, Number, Right, instant};
use super::Found;

/// Upstox' names of indices; a share's is its ISIN, which is no symbol.
const INDICES: [(&str, &str); 7] = [
    ("NSE_INDEX|Nifty 50", "NIFTY"),
    ("NSE_INDEX|Nifty Bank", "BANKNIFTY"),
    ("NSE_INDEX|Nifty Fin Service", "FINNIFTY"),
    ("NSE_INDEX|NIFTY MID SELECT", "MIDCPNIFTY"),
    ("NSE_INDEX|Nifty Next 50", "NIFTYNXT50"),
    ("BSE_INDEX|SENSEX", "SENSEX"),
    ("BSE_INDEX|BANKEX", "BANKEX"),
];

const GREEKS: [&str; 4] = ["delta", "gamma", "theta", "vega"];

pub(super) fn upstox(rows: &[&str], units: bool) -> Found {
    let mut found = Found::of("upstox");
    for row in rows {
        let Some(row) = Object::parse(row) else {
            found.counts.drop("bad_row");
            continue;
        };
        if found.symbol.is_none() {
            let key = row.text("underlying_key");
            let index = INDICES
                .iter()
                .find(|(theirs, _)| Some(*theirs) == key.as_deref());
            found.symbol = index.map(|(_, symbol)| (*symbol).to_owned());
        }
        found.spot = found.spot.or_else(|| row.number("underlying_spot_price"));
        for (name, right) in [("call_options", Right::Call), ("put_options", Right::Put)] {
            if let Some(leg) = row.object(name) {
                found.keep(upstox_leg(&row, &leg, right, units));
            }
        }
    }
    found
}

fn upstox_leg(
    row: &Object<'_>,
    leg: &Object<'_>,
    right: Right,
    units: bool,
) -> Result<Contract, &'static str> {
    let expiry = row.text("expiry").and_then(|expiry| instant::date(&expiry));
    let strike = row
        .number("strike_price")
        .filter(|strike| strike.value() > 0.0);
    let mut contract = Contract::new(
        right,
        strike.ok_or("bad_strike")?,
        expiry.ok_or("bad_expiry")?,
    );
    contract.id = leg.text("instrument_key");
    let market = leg.object("market_data").ok_or("no_market_data")?;
    for (name, theirs) in [
        ("bid", "bid_price"),
        ("ask", "ask_price"),
        ("bid_size", "bid_qty"),
        ("ask_size", "ask_qty"),
        ("last", "ltp"),
        ("volume", "volume"),
        ("open_interest", "oi"),
    ] {
        contract.put(name, market.number(theirs));
    }
    contract.put(
        "oi_change",
        change(market.number("oi"), market.number("prev_oi")),
    );
    if let Some(greeks) = leg.object("option_greeks") {
        contract.put_iv_percent(greeks.number("iv"));
        for name in GREEKS {
            contract.put(name, greeks.number(name));
        }
    }
    contract.put("multiplier", units.then(|| Number::integer(1)));
    Ok(contract)
}

pub(super) fn dhan(data: &Object<'_>, expiry: NaiveDate, units: bool) -> Found {
    let mut found = Found::of("dhan");
    found.spot = data.number("last_price");
    let strikes: BTreeMap<String, &RawValue> = data
        .get("oc")
        .and_then(|oc| serde_json::from_str(oc).ok())
        .unwrap_or_default();
    for (strike, legs) in strikes {
        let legs = Object::parse(legs.get());
        let Some((strike, legs)) = Number::parse(&strike).zip(legs) else {
            found.counts.drop("bad_row");
            continue;
        };
        for (name, right) in [("ce", Right::Call), ("pe", Right::Put)] {
            if let Some(leg) = legs.object(name) {
                let contract = Contract::new(right, strike.clone(), expiry);
                found.keep(Ok(dhan_leg(contract, &leg, units)));
            }
        }
    }
    found
}

fn dhan_leg(mut contract: Contract, leg: &Object<'_>, units: bool) -> Contract {
    contract.id = leg.text("security_id");
    for (name, theirs) in [
        ("bid", "top_bid_price"),
        ("ask", "top_ask_price"),
        ("bid_size", "top_bid_quantity"),
        ("ask_size", "top_ask_quantity"),
        ("last", "last_price"),
        ("volume", "volume"),
        ("open_interest", "oi"),
    ] {
        contract.put(name, leg.number(theirs));
    }
    contract.put(
        "oi_change",
        change(leg.number("oi"), leg.number("previous_oi")),
    );
    contract.put_iv_percent(leg.number("implied_volatility"));
    if let Some(greeks) = leg.object("greeks") {
        for name in GREEKS {
            contract.put(name, greeks.number(name));
        }
    }
    contract.put("multiplier", units.then(|| Number::integer(1)));
    contract
}

fn change(now: Option<Number>, before: Option<Number>) -> Option<Number> {
    Some(Number::integer(now?.as_integer()? - before?.as_integer()?))
}
