//! `/chain/{product}`: whole chains with what is known of their quality; and the same for clients of
//! an earlier server.

use axum::extract::State;
use axum::http::StatusCode;
use quant::market::{Symbol, Timestamp};
use serde_json::{Map, Value, json};

use super::{age_ms, no_data};
use crate::history::database::Which;
use crate::http::answer::json as answer;
use crate::http::error::{Answer, ApiError};
use crate::http::query::{At, Query, clipped};
use crate::http::{Desk, Shared, past};

/// What a leg may be asked for.
const LEG_FIELDS: [&str; 13] = [
    "strike",
    "last",
    "iv",
    "open_interest",
    "volume",
    "oi_change",
    "bid",
    "ask",
    "delta",
    "gamma",
    "vega",
    "theta",
    "flags",
];
const GREEKS: [&str; 4] = ["delta", "gamma", "vega", "theta"];

/// What a chain has for clients of an earlier server.
const DATA_FIELDS: [&str; 12] = [
    "product",
    "expiry",
    "spot_price",
    "strikes",
    "calls",
    "puts",
    "pcr_oi",
    "pcr_volume",
    "atm_strike",
    "atm_straddle_price",
    "max_pain_strike",
    "timestamp",
];

/// One chain, or all of a product.
pub(in crate::http) async fn chain(
    State(desk): Shared,
    At(product): At<String>,
    query: Query,
) -> Answer {
    let product = desk.product(&product)?;
    let greeks = query.one_of("greeks", &["true", "false", "1", "0"])?;
    let greeks = !matches!(greeks, Some("false" | "0"));
    let fields = query.words("fields");
    for field in fields.iter().flatten() {
        if !LEG_FIELDS.contains(field) {
            let text = format!("{:?} is none of {}", clipped(field), LEG_FIELDS.join(", "));
            return Err(ApiError::parameter("fields", text));
        }
    }
    let wanted = |name: &str| {
        let named = fields.as_ref().is_none_or(|fields| fields.contains(&name));
        named && (greeks || !GREEKS.contains(&name))
    };
    let expiry = desk.asked_expiry(&product, &query)?;
    let surface = desk.value(&product, "volatility_surface");
    let now = desk.now();
    let whole = |name: &str| {
        let mut chain = desk.value(&product, &format!("latest_chain:{name}"))?;
        complete(&mut chain, surface.as_ref(), now);
        for side in ["calls", "puts"] {
            let legs = chain[side].as_array_mut().into_iter().flatten();
            for leg in legs.filter_map(Value::as_object_mut) {
                leg.retain(|field, _| wanted(field));
            }
        }
        chain["series"] = name.into();
        Some(chain)
    };
    let body = match expiry {
        Some(name) => whole(&name)
            .ok_or_else(|| no_data(&product, "No data available").with("expiry", name))?,
        None => {
            let names = desk.expiries(&product);
            let chains: Vec<Value> = names.iter().filter_map(|name| whole(name)).collect();
            json!({"product": product.as_str(), "count": chains.len(), "chains": chains})
        }
    };
    Ok(answer(StatusCode::OK, &body))
}

/// Adds what other documents know of a chain, its age, and what is wrong with its quotes.
fn complete(chain: &mut Value, surface: Option<&Value>, now: Timestamp) {
    let smiles = surface.and_then(|surface| surface["expiries"].as_array());
    let strikes = chain["strikes"].as_array().map_or(0, Vec::len);
    let of_date = smiles
        .into_iter()
        .flatten()
        .filter(|smile| smile["expiry"] == chain["expiry"]);
    // Of two series of one date the one with as many strikes.
    let smile = of_date.min_by_key(|smile| {
        smile["strikes"]
            .as_array()
            .map_or(0, Vec::len)
            .abs_diff(strikes)
    });
    for field in ["forward", "t_years", "atm_iv"] {
        chain[field] = smile.map_or(Value::Null, |smile| smile[field].clone());
    }
    chain["age_ms"] = age_ms(chain["timestamp"].as_str(), now).into();
    for side in ["calls", "puts"] {
        let legs = chain[side].as_array_mut().into_iter().flatten();
        for leg in legs.filter_map(Value::as_object_mut) {
            let flags = flags(leg);
            leg.insert("flags".to_owned(), flags.into());
        }
    }
}

/// What is wrong with a contract's quote.
fn flags(leg: &Map<String, Value>) -> Vec<&'static str> {
    let number = |field: &str| leg.get(field).and_then(Value::as_f64);
    let (bid, ask) = (
        number("bid").filter(|b| *b > 0.0),
        number("ask").filter(|a| *a > 0.0),
    );
    let mut flags = Vec::new();
    match (bid, ask) {
        (None, None) => flags.push("no_quote"),
        (None, Some(_)) => flags.push("no_bid"),
        (Some(_), None) => flags.push("no_ask"),
        (Some(bid), Some(ask)) if bid > ask => flags.push("crossed"),
        (Some(bid), Some(ask)) if bid >= ask => flags.push("locked"),
        (Some(_), Some(_)) => {}
    }
    if number("iv").is_none() {
        flags.push("no_iv");
    }
    flags
}

/// `/api/data/chain/{product}`: the newest chains, of one expiry also older ones from history.
pub(in crate::http) async fn data_chain(
    State(desk): Shared,
    At(product): At<String>,
    query: Query,
) -> Answer {
    let product = desk.product(&product)?;
    let limit = query.whole("limit", (1, 1000))?.unwrap_or(100) as usize;
    let expiry = desk.asked_expiry(&product, &query)?;
    let names = match &expiry {
        Some(name) => vec![name.clone()],
        None => desk.expiries(&product),
    };
    let live = names
        .iter()
        .filter_map(|name| desk.value(&product, &format!("latest_chain:{name}")));
    let mut chains: Vec<Value> = live.take(limit).collect();
    if let Some(name) = &expiry
        && query.text("limit").is_some()
        && chains.len() < limit
        && desk.past.is_open()
    {
        chains.extend(older(&desk, &product, name, limit, &chains).await?);
    }
    for chain in &mut chains {
        if let Some(fields) = chain.as_object_mut() {
            fields.retain(|field, _| DATA_FIELDS.contains(&field.as_str()));
        }
    }
    let body = json!({"product": product.as_str(), "count": chains.len(), "chains": chains});
    Ok(answer(StatusCode::OK, &body))
}

/// Chains of a series that were kept and are none of these.
async fn older(
    desk: &Desk,
    product: &Symbol,
    name: &str,
    limit: usize,
    known: &[Value],
) -> Result<Vec<Value>, ApiError> {
    let chains = desk
        .past
        .chains(product, Which::Series(name), limit as u32)
        .await?;
    let is_known = |chain: &Value| known.iter().any(|k| k["timestamp"] == chain["timestamp"]);
    let documents = chains.iter().filter_map(past::unpacked);
    let new = documents.filter(|chain| !is_known(chain));
    Ok(new.take(limit - known.len()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_says_what_is_wrong_with_it() {
        let rows = [
            (json!({"bid": 1.0, "ask": 1.2, "iv": 0.2}), ""),
            (json!({"bid": 1.3, "ask": 1.2, "iv": 0.2}), "crossed"),
            (json!({"bid": 1.2, "ask": 1.2, "iv": 0.2}), "locked"),
            (json!({"bid": 0.0, "ask": 0.05, "iv": null}), "no_bid no_iv"),
            (json!({"last": 1.0}), "no_quote no_iv"),
        ];
        for (leg, expected) in rows {
            let found = flags(leg.as_object().unwrap());
            assert_eq!(found.join(" "), expected, "{leg}");
        }
    }
}
