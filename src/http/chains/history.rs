//! What history knows: put-call ratios, prices, numbers of documents.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use quant::market::{Span, Symbol, Timestamp};
use serde_json::{Value, json};

use crate::history::database::{Cursor, Which, Window};
use crate::http::answer::{Origin, composed, json as answer};
use crate::http::error::{Answer, ApiError, nearest};
use crate::http::follow::known_names;
use crate::http::query::{At, Query, clipped, instant, symbol as parsed};
use crate::http::{Desk, Shared, past};
use crate::store::published::OVERALL;

/// Rows of one answer.
const MOST_ROWS: u64 = 10_000;
/// What is looked back without `from`.
const USUAL_PAST: Span = Span::from_millis(86_400_000);

/// Where the next page begins: what `next` of the answer before said.
pub(super) fn cursor(text: &str) -> Result<Cursor, ApiError> {
    let wrong = || ApiError::parameter("before", "must be what next said, or a time");
    let (nanos, series) = match text.split_once('~') {
        Some((nanos, series)) => (nanos.parse().map_err(|_| wrong())?, series),
        None => (instant(text).ok_or_else(wrong)?.nanos(), ""),
    };
    Ok(Cursor {
        at: Timestamp::from_nanos(nanos),
        series: series.to_owned(),
    })
}

/// Put-call ratios as rows, newest first, and where to go on.
pub(super) async fn put_call(
    desk: &Desk,
    product: &Symbol,
    expiry: Option<&str>,
    limit: u32,
    before: Option<Cursor>,
) -> Result<(Value, Value), ApiError> {
    let which = expiry.map_or(Which::All, Which::Series);
    let found = desk.past.put_call(product, which, limit, before).await?;
    let row = |row: &crate::history::database::PutCallRow| {
        json!({
            "product": product.as_str(),
            "expiry": row.series,
            "pcr_oi": row.pcr_oi,
            "pcr_volume": row.pcr_volume,
            "timestamp": row.at.to_rfc3339(),
        })
    };
    let rows: Value = found.iter().map(row).collect();
    let is_full = found.len() >= limit as usize;
    let last = found.last().filter(|_| is_full).map(|row| row.cursor());
    let next = last.map(|last| format!("{}~{}", last.at.nanos(), last.series));
    Ok((rows, next.into()))
}

/// `/api/data/underlying/{product}`: prices, oldest first.
pub(in crate::http) async fn underlying(
    State(desk): Shared,
    At(product): At<String>,
    headers: HeaderMap,
    query: Query,
) -> Answer {
    let product = desk.product(&product)?;
    let limit = query.whole("limit", (1, 1000))?.unwrap_or(100) as u32;
    let mut ticks = desk.past.ticks(&product, limit).await?;
    ticks.reverse();
    let ticks: Vec<Value> = ticks
        .iter()
        .map(|tick| json!({"price": tick.price, "timestamp": tick.at.to_rfc3339()}))
        .collect();
    let body = json!({"product": product.as_str(), "count": ticks.len(), "ticks": ticks});
    Ok(composed(&headers, &body, Origin::default(), desk.now()))
}

/// `/analytics/{symbol}/{name}/history`: numbers of a document, oldest first.
pub(in crate::http) async fn history(
    State(desk): Shared,
    At((symbol, name)): At<(String, String)>,
    query: Query,
) -> Answer {
    let symbol = match &*symbol {
        OVERALL => OVERALL.to_owned(),
        symbol => match parsed(symbol).is_ok_and(|symbol| desk.knows_symbol(&symbol)) {
            true => symbol.to_owned(),
            // A sector has its history under its name.
            false if name == "sector" => symbol.to_owned(),
            false => desk.symbol(symbol)?.as_str().to_owned(),
        },
    };
    if !known_names().any(|known| known == name) {
        let nearest = nearest(&name, known_names());
        let error = ApiError::unknown("unknown_document", "document", &clipped(&name), nearest);
        return Err(error);
    }
    let now = desk.now();
    let to = query.instant("to")?.unwrap_or(now);
    let from = query.instant("from")?.unwrap_or(to.minus(USUAL_PAST));
    if from >= to {
        return Err(ApiError::parameter("from", "must be before to"));
    }
    let step = query.whole("step", (1, 86_400))?.map(past::step);
    let limit = query.whole("limit", (1, MOST_ROWS))?.unwrap_or(MOST_ROWS);
    let fields: Vec<String> = query
        .words("fields")
        .unwrap_or_default()
        .into_iter()
        .map(str::to_owned)
        .collect();
    let window = Window {
        from,
        to,
        step,
        limit: limit as u32,
    };
    let points = desk.past.metrics(&symbol, &name, &fields, window).await?;
    let fields = match fields.is_empty() {
        true => past::fields_of(&points),
        false => fields,
    };
    let rows = past::rows(&points, &fields);
    let body = json!({"symbol": symbol, "name": name, "fields": fields, "rows": rows});
    Ok(answer(StatusCode::OK, &body))
}
