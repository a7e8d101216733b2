//! The analytics documents as they were published, and what there is of them.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use quant::calculator::{Scope, Status};
use quant::calculators;
use quant::market::{Symbol, Timestamp};
use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_64;

use super::answer::{Origin, composed, dated, document as verbatim, tagged};
use super::error::{Answer, ApiError, nearest};
use super::query::{At, clipped, symbol as parsed};
use super::{Desk, Shared};
use crate::engine::universe::OTHER;
use crate::schemas;
use crate::store::published::{HEARTBEAT, Kind, OVERALL};

/// Every symbol with what it is and what there is of it.
pub(super) async fn symbols(State(desk): Shared, headers: HeaderMap) -> Answer {
    let now = desk.now();
    let setup = desk.setups.borrow().clone();
    let row = |symbol: &Symbol| {
        let all = desk.published.all_of(symbol.as_str(), now);
        let own = all.iter().filter(|(slot, _)| slot.kind == Kind::Analytics);
        let documents: Vec<&str> = own.map(|(slot, _)| &*slot.name).collect();
        let sector = setup.config.sector_map.get(symbol);
        json!({
            "symbol": symbol.as_str(),
            "exchange": setup.exchange_of(symbol),
            "currency": setup.currency_of(symbol),
            "sector": sector.map_or(OTHER, String::as_str),
            "session": setup.session_of(symbol, now).phase,
            "documents": documents,
        })
    };
    let symbols: Vec<Value> = desk.symbols().iter().map(row).collect();
    let mut body = json!({"symbols": symbols});
    // It is the same while only time goes by.
    let tag = format!("{:016x}", xxh3_64(&quant::json::to_vec(&body)));
    body["as_of"] = now.millis().into();
    let mut response = tagged(&headers, &tag, || quant::json::to_vec(&body));
    let origin = Origin {
        published_at: Some(now),
        every: quant::market::Span::ZERO,
    };
    dated(&mut response, origin, now);
    Ok(response)
}

/// All documents of a symbol.
pub(super) async fn all(State(desk): Shared, At(symbol): At<String>, headers: HeaderMap) -> Answer {
    let symbol = desk.symbol(&symbol)?;
    let now = desk.now();
    let mut all = desk.published.all_of(symbol.as_str(), now);
    all.retain(|(slot, _)| slot.kind == Kind::Analytics);
    let places = all.iter().flat_map(|(slot, document)| {
        let [a, b] = [u64::from(slot.id), document.sequence].map(u64::to_le_bytes);
        [a, b].concat()
    });
    let tag = xxh3_64(&places.collect::<Vec<u8>>());
    let newest = all
        .iter()
        .map(|(_, document)| document.published_at.millis())
        .max();
    let body = || {
        let sizes = all
            .iter()
            .filter_map(|(_, document)| document.bytes.as_ref());
        let length = sizes.map(|bytes| bytes.len() + 32).sum::<usize>();
        let mut body = Vec::with_capacity(length + 64);
        let head = json!({"symbol": symbol.as_str()}).to_string();
        body.extend_from_slice(head.strip_suffix('}').unwrap_or(&head).as_bytes());
        let as_of = newest.map_or("null".to_owned(), |newest| newest.to_string());
        body.extend_from_slice(format!(",\"as_of\":{as_of},\"documents\":{{").as_bytes());
        for (at, (slot, document)) in all.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            body.extend_from_slice(format!("{comma}\"{}\":", slot.name).as_bytes());
            body.extend_from_slice(document.bytes.as_deref().unwrap_or(b"null"));
        }
        body.extend_from_slice(b"}}");
        body
    };
    let tag = format!("{}-{tag:x}", desk.published.epoch());
    let mut response = tagged(&headers, &tag, body);
    let documents = all.iter().map(|(slot, _)| slot.document);
    let origin = Origin {
        published_at: newest.map(Timestamp::from_millis),
        // Until the next of any of them.
        every: documents
            .map(|document| desk.interval(document))
            .min()
            .unwrap_or_default(),
    };
    dated(&mut response, origin, now);
    Ok(response)
}

/// One document of a symbol.
pub(super) async fn one(
    State(desk): Shared,
    At((symbol, name)): At<(String, String)>,
    headers: HeaderMap,
) -> Answer {
    // What is there is given without a look at what else there may be.
    let now = desk.now();
    if let Some(response) = desk.found(&symbol, &name, &headers) {
        return Ok(response);
    }
    let symbol = desk.symbol(&symbol)?;
    Err(desk.missing(&symbol, &name, now))
}

/// `/portfolio`.
pub(super) async fn portfolio(desk: Shared, headers: HeaderMap) -> Answer {
    overall(&desk.0, "portfolio", &headers)
}

/// `/portfolio/correlation`.
pub(super) async fn correlation(desk: Shared, headers: HeaderMap) -> Answer {
    overall(&desk.0, "correlation", &headers)
}

/// `/vix1d`.
pub(super) async fn vix1d(desk: Shared, headers: HeaderMap) -> Answer {
    overall(&desk.0, "vix1d", &headers)
}

/// `/heartbeat`.
pub(super) async fn heartbeat(desk: Shared, headers: HeaderMap) -> Answer {
    overall(&desk.0, HEARTBEAT, &headers)
}

/// The names of the sectors there are.
pub(super) async fn sectors(State(desk): Shared, headers: HeaderMap) -> Answer {
    let body = json!({"sectors": desk.sectors()});
    Ok(composed(&headers, &body, Origin::default(), desk.now()))
}

/// One sector.
pub(super) async fn sector(
    State(desk): Shared,
    At(sector): At<String>,
    headers: HeaderMap,
) -> Answer {
    let name = format!("sector:{sector}");
    desk.found(OVERALL, &name, &headers).ok_or_else(|| {
        let known = desk.sectors();
        let nearest = nearest(&sector, known.iter().map(String::as_str));
        ApiError::unknown("unknown_sector", "sector", &clipped(&sector), nearest)
    })
}

/// The names of the schemas.
pub(super) async fn schema_names(State(desk): Shared, headers: HeaderMap) -> Answer {
    let names: Vec<&str> = schemas::all().into_iter().map(|(name, _)| name).collect();
    let body = json!({"schemas": names});
    Ok(composed(&headers, &body, Origin::default(), desk.now()))
}

/// One schema.
pub(super) async fn schema(At(name): At<String>, headers: HeaderMap) -> Answer {
    let all = schemas::all();
    let found = all.iter().find(|(known, _)| *known == name);
    let Some((_, schema)) = found else {
        let nearest = nearest(&name, all.iter().map(|(known, _)| *known));
        let error = ApiError::unknown("unknown_document", "schema", &clipped(&name), nearest);
        return Err(error);
    };
    let text = serde_json::to_vec_pretty(schema).unwrap_or_default();
    let tag = format!("{:x}", xxh3_64(&text));
    Ok(tagged(&headers, &tag, || text))
}

fn overall(desk: &Desk, name: &str, headers: &HeaderMap) -> Answer {
    let none = || {
        let text = format!("{name} has no value yet");
        ApiError::new(StatusCode::NOT_FOUND, "no_value_yet", text)
    };
    desk.found(OVERALL, name, headers).ok_or_else(none)
}

impl Desk {
    /// A document as it was published, where it stands.
    pub(super) fn found(
        &self,
        symbol: &str,
        name: &str,
        headers: &HeaderMap,
    ) -> Option<axum::response::Response> {
        let now = self.now();
        let document = self.published.get(symbol, name, now)?;
        let text = document.live(now)?;
        let kind = name.split(':').next().unwrap_or_default();
        let every = self.interval(kind);
        Some(verbatim(headers, &document, text, every, now))
    }

    /// The symbols that are computed on or were published, in order.
    pub(super) fn symbols(&self) -> Vec<Symbol> {
        let published = self.published.symbols();
        let published = published
            .iter()
            .filter_map(|symbol| Symbol::new(symbol).ok());
        let mut symbols: BTreeSet<Symbol> = published.collect();
        symbols.extend(self.status.lock().documents.keys().cloned());
        symbols.into_iter().collect()
    }

    /// A symbol that is known, or the error that names the nearest.
    pub(super) fn symbol(&self, text: &str) -> Result<Symbol, ApiError> {
        let symbol = parsed(text)?;
        if self.knows_symbol(&symbol) {
            return Ok(symbol);
        }
        let known = self.symbols();
        let nearest = nearest(text, known.iter().map(Symbol::as_str));
        Err(ApiError::unknown(
            "unknown_symbol",
            "symbol",
            &clipped(text),
            nearest,
        ))
    }

    /// Why a document of a symbol is not there.
    fn missing(&self, symbol: &Symbol, name: &str, now: quant::market::Timestamp) -> ApiError {
        let known: Vec<&'static str> = calculators::all()
            .filter(|card| card.scope == Scope::Symbol)
            .map(|card| card.name)
            .collect();
        let standing = self
            .status
            .lock()
            .documents
            .get(symbol)
            .and_then(|of_symbol| {
                let (_, state) = of_symbol.iter().find(|(known, _)| **known == name)?;
                Some((state.status.as_str(), state.reason.clone()))
            });
        if let Some((status, reason)) = standing {
            if status == Status::Ok.as_str() {
                let text = format!("{name} of {symbol} has expired: it was not published anew");
                return ApiError::new(StatusCode::NOT_FOUND, "expired", text);
            }
            let why = reason.as_deref().unwrap_or(status);
            let text = format!("{name} of {symbol} has no value yet: {why}");
            let error = ApiError::new(StatusCode::NOT_FOUND, "no_value_yet", text);
            return error.with("status", status).with("reason", reason);
        }
        if known.contains(&name) {
            let text = format!("{name} of {symbol} has no value yet");
            return ApiError::new(StatusCode::NOT_FOUND, "no_value_yet", text);
        }
        let all = self.published.all_of(symbol.as_str(), now);
        let names = all.iter().map(|(slot, _)| &*slot.name).chain(known);
        let nearest = nearest(name, names);
        ApiError::unknown("unknown_document", "document", &clipped(name), nearest)
    }

    fn sectors(&self) -> Vec<String> {
        let all = self.published.all_of(OVERALL, self.now());
        let sectors = all
            .iter()
            .filter_map(|(slot, _)| slot.name.strip_prefix("sector:"));
        sectors.map(str::to_owned).collect()
    }
}
