//! TD Ameritrade and Schwab: maps of expiry, of strike, of contracts. Volatility is in percent;
//! -999 and `"NaN"` mean none.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::super::chain::json::{Object, list};
use super::super::chain::{Contract, Number, Occ, Right, Underlying, instant};
use super::Found;

const NONE: f64 = -999.0;

pub(super) fn read(top: &Object<'_>) -> Found {
    let mut found = Found::of("schwab");
    found.symbol = top
        .text("symbol")
        .map(|symbol| symbol.trim_start_matches(['$', '^']).to_owned());
    found.symbol = found
        .symbol
        .map(|symbol| symbol.trim_end_matches(".X").to_owned());
    found.delayed = top.is_true("isDelayed");
    found.spot = top
        .number("underlyingPrice")
        .filter(|price| price.value() > 0.0);
    if let Some(underlying) = top.object("underlying") {
        found.spot = found.spot.or_else(|| underlying.number("last"));
        found.underlying = Underlying {
            bid: underlying.number("bid"),
            ask: underlying.number("ask"),
            bid_size: underlying.number("bidSize"),
            ask_size: underlying.number("askSize"),
            volume: underlying.number("totalVolume"),
        };
    }
    for (name, right) in [
        ("callExpDateMap", Right::Call),
        ("putExpDateMap", Right::Put),
    ] {
        let Some(expiries) = top.get(name).and_then(members) else {
            continue;
        };
        for (expiry, strikes) in expiries {
            for (_, contracts) in members(strikes.get()).unwrap_or_default() {
                for contract in list(contracts.get()) {
                    let Some(contract) = Object::parse(contract) else {
                        found.counts.drop("bad_contract");
                        continue;
                    };
                    let quoted = contract.number("quoteTimeInLong");
                    found.seen_at(quoted.and_then(|ms| instant::epoch_ms(ms.value())));
                    if contract.is_true("nonStandard") || contract.is_true("isNonStandard") {
                        found.counts.note("non_standard");
                    }
                    found.keep(read_contract(&contract, &expiry, right));
                }
            }
        }
    }
    found
}

fn members(text: &str) -> Option<BTreeMap<String, &RawValue>> {
    serde_json::from_str(text).ok()
}

fn read_contract(from: &Object<'_>, expiry: &str, right: Right) -> Result<Contract, &'static str> {
    // `2021-05-21:3`, the days to expiry behind the date.
    let expiration = instant::date(expiry.split(':').next().unwrap_or_default());
    let expiration = expiration.ok_or("bad_expiry")?;
    let strike = from
        .number("strikePrice")
        .filter(|strike| strike.value() > 0.0);
    let strike = strike.ok_or("bad_strike")?;
    let symbol = from.text("symbol").unwrap_or_default();
    // Schwab's are OCC symbols; TD Ameritrade's `MSFT_052121P215` has the root before the bar.
    let occ = Occ::parse(&symbol).or_else(|| {
        let (root, _) = symbol.split_once('_')?;
        Occ::new(root, expiration, right, strike.value())
    });
    let mut contract = match occ {
        Some(occ) => Contract::of(&occ, strike),
        None => Contract::new(right, strike, expiration),
    };
    let number = |name: &str| -> Option<Number> {
        from.number(name).filter(|number| number.value() != NONE)
    };
    for (name, theirs) in [
        ("bid", "bid"),
        ("ask", "ask"),
        ("bid_size", "bidSize"),
        ("ask_size", "askSize"),
        ("last", "last"),
        ("mark", "mark"),
        ("volume", "totalVolume"),
        ("open_interest", "openInterest"),
    ] {
        contract.put(name, number(theirs));
    }
    contract.put_iv_percent(number("volatility"));
    for name in ["delta", "gamma", "theta", "vega", "rho"] {
        contract.put(name, number(name));
    }
    contract.put(
        "multiplier",
        number("multiplier").filter(|size| size.value() > 0.0),
    );
    let settlement = from.text("settlementType").unwrap_or_default();
    contract.put_word(
        "settlement",
        match settlement.trim() {
            "A" => Some("am"),
            "P" => Some("pm"),
            _ => None,
        },
    );
    Ok(contract)
}
