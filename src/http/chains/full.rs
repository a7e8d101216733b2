//! `/chain/{product}`: whole chains with what is known of their quality; and the same for clients of
//! an earlier server.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use axum::http::HeaderMap;
use bytes::Bytes;
use quant::market::{Symbol, Timestamp};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use xxhash_rust::xxh3::xxh3_64;

use super::{age_ms, no_data};
use crate::history::database::Which;
use crate::history::row::Chain;
use crate::http::answer::{dated, tagged};
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

/// Most chains of one series in an answer: some hundred kilobytes each.
const MOST_KEPT: usize = 50;

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
    headers: HeaderMap,
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
    let fields = fields.map(|fields| fields.into_iter().map(str::to_owned).collect::<Vec<_>>());
    let expiry = desk.asked_expiry(&product, &query)?;
    let (now, origin) = (desk.now(), desk.origin_of_chains(&product));
    // By what it is made of: ages in it change all the time.
    let all = desk.published.all_of(product.as_str(), now);
    let places: Vec<_> = all.iter().map(|(slot, d)| (slot.id, d.sequence)).collect();
    let made_of = format!("{expiry:?} {fields:?} {greeks} {places:?}");
    let tag = format!(
        "{}-{:x}",
        desk.published.epoch(),
        xxh3_64(made_of.as_bytes())
    );
    let chains = move || whole_chains(&desk, &product, expiry, fields.as_deref(), greeks);
    let body = blocking(chains).await??;
    let mut response = tagged(&headers, &tag, || body);
    dated(&mut response, origin, now);
    Ok(response)
}

/// Chains with these fields of legs, all without any; the one of an expiry or all.
fn whole_chains(
    desk: &Desk,
    product: &Symbol,
    expiry: Option<String>,
    fields: Option<&[String]>,
    greeks: bool,
) -> Result<Vec<u8>, ApiError> {
    let wanted = |name: &str| {
        let named = fields.is_none_or(|fields| fields.iter().any(|field| field == name));
        named && (greeks || !GREEKS.contains(&name))
    };
    let surface = desk.value(product, "volatility_surface");
    let now = desk.now();
    let whole = |name: &str| {
        let mut chain = desk.value(product, &format!("latest_chain:{name}"))?;
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
            .ok_or_else(|| no_data(product, "No data available").with("expiry", name))?,
        None => {
            let names = desk.expiries(product);
            let chains: Vec<Value> = names.iter().filter_map(|name| whole(name)).collect();
            json!({"product": product.as_str(), "count": chains.len(), "chains": chains})
        }
    };
    Ok(quant::json::to_vec(&body))
}

/// Work that takes a while, where it keeps nobody waiting.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApiError> {
    let worked = tokio::task::spawn_blocking(work).await;
    worked.map_err(|_| ApiError::away("stopping", "the server stops"))
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
    headers: HeaderMap,
    query: Query,
) -> Answer {
    let product = desk.product(&product)?;
    let limit = query.whole("limit", (1, 1000))?.unwrap_or(100) as usize;
    let expiry = desk.asked_expiry(&product, &query)?;
    let names = match &expiry {
        Some(name) => vec![name.clone()],
        None => desk.expiries(&product),
    };
    let (now, origin) = (desk.now(), desk.origin_of_chains(&product));
    let answer = |body: Vec<u8>| {
        let tag = format!("{:016x}", xxh3_64(&body));
        let mut response = tagged(&headers, &tag, || body);
        dated(&mut response, origin, now);
        response
    };
    let live = names
        .iter()
        .filter_map(|name| desk.text(&product, &format!("latest_chain:{name}"), now));
    let live: Vec<Bytes> = live.take(limit).collect();
    let limit = limit.min(MOST_KEPT);
    let mut lost = None;
    if let Some(name) = &expiry
        && query.text("limit").is_some()
        && live.len() < limit
        && desk.past.is_on()
    {
        let (texts, of) = (live.clone(), product.clone());
        let whole = move |kept: Vec<Chain>| {
            // The newest that was kept may be the one that stands.
            let kept = kept.iter().filter_map(past::unpacked).map(Bytes::from);
            body_of(&of, texts.into_iter().chain(kept), limit, None)
        };
        let asked = desk
            .past
            .chains(&product, Which::Series(name), limit as u32, whole);
        match asked.await {
            Ok(body) => return Ok(answer(body)),
            Err(why) => lost = Some(why.lost()),
        }
    }
    let body = blocking(move || body_of(&product, live.into_iter(), usize::MAX, lost)).await?;
    Ok(answer(body))
}

/// The fields of a chain that clients of an earlier server are given, each as it is written.
type Slim<'t> = BTreeMap<Cow<'t, str>, &'t RawValue>;

/// Chains as the body of an answer, up to `most` and of each time one; what of history is missing.
fn body_of(
    product: &Symbol,
    texts: impl Iterator<Item = Bytes>,
    most: usize,
    lost: Option<&'static str>,
) -> Vec<u8> {
    let mut chains = Vec::new();
    let mut count = 0_usize;
    let mut seen = BTreeSet::new();
    for text in texts {
        let Ok(mut chain) = serde_json::from_slice::<Slim<'_>>(&text) else {
            continue;
        };
        chain.retain(|field, _| DATA_FIELDS.contains(&&**field));
        let part = |field: &str| chain.get(field).map(|text| text.get().to_owned());
        if count >= most || !seen.insert((part("expiry"), part("timestamp"))) {
            continue;
        }
        if count > 0 {
            chains.push(b',');
        }
        count += 1;
        chains.extend(quant::json::to_vec(&chain));
    }
    let mut head = json!({"product": product.as_str(), "count": count});
    if let Some(lost) = lost {
        head["history_state"] = lost.into();
    }
    let mut body = head.to_string().into_bytes();
    body.pop();
    body.reserve(chains.len() + 16);
    body.extend_from_slice(b",\"chains\":[");
    body.append(&mut chains);
    body.extend_from_slice(b"]}");
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_keeps_its_numbers_as_they_are_written_and_stands_once() {
        let of = |at: u32| {
            let text =
                format!("{{\"x\":1,\"spot_price\":5.10,\"timestamp\":{at},\"pcr_oi\":null}}");
            Bytes::from(text)
        };
        let texts = [of(2), of(2), of(1), of(0)].into_iter();
        let body = body_of(&Symbol::new("SPX").unwrap(), texts, 2, Some("away"));
        let chain = |at| format!("{{\"pcr_oi\":null,\"spot_price\":5.10,\"timestamp\":{at}}}");
        let expected = format!(
            "{{\"count\":2,\"history_state\":\"away\",\"product\":\"SPX\",\"chains\":[{},{}]}}",
            chain(2),
            chain(1)
        );
        assert_eq!(String::from_utf8(body).unwrap(), expected);
    }

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
