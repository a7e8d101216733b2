//! Tradier, Yahoo and Polygon: contracts with OCC symbols, volatility a fraction.

use super::super::chain::json::Object;
use super::super::chain::{Contract, Number, Occ, Underlying, instant};
use super::Found;

const GREEKS: [&str; 5] = ["delta", "gamma", "theta", "vega", "rho"];

fn epoch(of: &Object<'_>, name: &str) -> Option<i64> {
    instant::epoch_ms(of.number(name)?.value())
}

fn contract(from: &Object<'_>, symbol: &str) -> Result<Contract, &'static str> {
    let occ = from
        .text(symbol)
        .and_then(|symbol| Occ::parse(&symbol))
        .ok_or("bad_symbol")?;
    Ok(Contract::of(&occ, occ.strike_number().ok_or("bad_symbol")?))
}

pub(super) fn tradier(options: &Object<'_>) -> Found {
    let mut found = Found::of("tradier");
    for option in options.list("option") {
        let Some(option) = Object::parse(option) else {
            found.counts.drop("bad_contract");
            continue;
        };
        found.symbol = found.symbol.take().or_else(|| option.text("underlying"));
        for time in ["bid_date", "ask_date"] {
            found.seen_at(epoch(&option, time));
        }
        found.keep(contract(&option, "symbol").map(|mut contract| {
            for (name, theirs) in [
                ("bid", "bid"),
                ("ask", "ask"),
                ("bid_size", "bidsize"),
                ("ask_size", "asksize"),
                ("last", "last"),
                ("volume", "volume"),
                ("open_interest", "open_interest"),
                ("multiplier", "contract_size"),
            ] {
                contract.put(name, option.number(theirs));
            }
            if let Some(greeks) = option.object("greeks") {
                contract.put_iv(greeks.number("mid_iv"));
                for name in GREEKS {
                    contract.put(name, greeks.number(name));
                }
            }
            contract
        }));
    }
    found
}

pub(super) fn yahoo(chain: &Object<'_>) -> Found {
    let mut found = Found::of("yahoo");
    for result in chain.list("result") {
        let Some(result) = Object::parse(result) else {
            continue;
        };
        found.symbol = result.text("underlyingSymbol");
        found.symbol = found
            .symbol
            .map(|symbol| symbol.trim_start_matches('^').to_owned());
        if let Some(quote) = result.object("quote") {
            found.spot = quote.number("regularMarketPrice");
            found.seen_at(epoch(&quote, "regularMarketTime"));
            found.underlying = Underlying {
                bid: quote.number("bid"),
                ask: quote.number("ask"),
                bid_size: quote.number("bidSize"),
                ask_size: quote.number("askSize"),
                volume: quote.number("regularMarketVolume"),
            };
        }
        for expiry in result.list("options").into_iter().filter_map(Object::parse) {
            for side in ["calls", "puts"] {
                for option in expiry.list(side) {
                    let option = Object::parse(option).ok_or("bad_contract");
                    let contract = option.and_then(|option| yahoo_contract(&option, &mut found));
                    found.keep(contract);
                }
            }
        }
    }
    found
}

fn yahoo_contract(option: &Object<'_>, found: &mut Found) -> Result<Contract, &'static str> {
    let mut contract = contract(option, "contractSymbol")?;
    let (bid, ask) = (option.number("bid"), option.number("ask"));
    let quoted = [&bid, &ask]
        .into_iter()
        .flatten()
        .any(|price| price.value() > 0.0);
    contract.put("bid", bid);
    contract.put("ask", ask);
    contract.put("last", option.number("lastPrice"));
    contract.put("volume", option.number("volume"));
    contract.put("open_interest", option.number("openInterest"));
    // Outside of the session there are no quotes and volatilities such as 1e-5.
    if quoted {
        contract.put_iv(option.number("impliedVolatility"));
    } else if option.has("impliedVolatility") {
        found.counts.note("iv_without_quote_left_out");
    }
    let regular = option.text("contractSize").as_deref() == Some("REGULAR");
    contract.put("multiplier", regular.then(|| Number::integer(100)));
    Ok(contract)
}

pub(super) fn polygon(results: &[&str]) -> Found {
    let mut found = Found::of("polygon");
    for result in results {
        let Some(result) = Object::parse(result) else {
            found.counts.drop("bad_contract");
            continue;
        };
        if let Some(underlying) = result.object("underlying_asset") {
            found.spot = found.spot.take().or_else(|| underlying.number("price"));
            found.delayed |= underlying.text("timeframe").as_deref() == Some("DELAYED");
            let ticker = underlying.text("ticker");
            let ticker = ticker.map(|ticker| ticker.trim_start_matches("I:").to_owned());
            found.symbol = found.symbol.take().or(ticker);
            found.seen_at(epoch(&underlying, "last_updated"));
        }
        let details = result.object("details").ok_or("no_details");
        found.keep(details.and_then(|details| polygon_contract(&result, &details)));
        let quote = result.object("last_quote");
        found.seen_at(quote.and_then(|quote| epoch(&quote, "last_updated")));
    }
    found
}

fn polygon_contract(result: &Object<'_>, details: &Object<'_>) -> Result<Contract, &'static str> {
    let mut contract = contract(details, "ticker")?;
    if let Some(quote) = result.object("last_quote") {
        for name in ["bid", "ask", "bid_size", "ask_size"] {
            contract.put(name, quote.number(name));
        }
    }
    contract.put(
        "last",
        result
            .object("last_trade")
            .and_then(|trade| trade.number("price")),
    );
    contract.put(
        "volume",
        result.object("day").and_then(|day| day.number("volume")),
    );
    contract.put("open_interest", result.number("open_interest"));
    contract.put_iv(result.number("implied_volatility"));
    if let Some(greeks) = result.object("greeks") {
        for name in GREEKS {
            contract.put(name, greeks.number(name));
        }
    }
    contract.put("multiplier", details.number("shares_per_contract"));
    contract.put_word(
        "style",
        match details.text("exercise_style").as_deref() {
            Some("american") => Some("american"),
            Some("european") => Some("european"),
            _ => None,
        },
    );
    Ok(contract)
}
