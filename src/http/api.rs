//! `/api/*`: what clients of an earlier server ask for, answered as that server did.

use axum::http::{HeaderMap, StatusCode};
use serde_json::json;

use super::answer::json as answer;
use super::error::Answer;
use super::query::{At, Query};
use super::{Shared, chains};

/// `/api/health`: that it is there; `/health` says how it is.
pub(super) async fn health() -> Answer {
    let body = json!({"status": "healthy", "service": "analytics"});
    Ok(answer(StatusCode::OK, &body))
}

/// `/api/data/expiries/{product}`.
pub(super) async fn expiries(desk: Shared, product: At<String>, headers: HeaderMap) -> Answer {
    as_before(chains::expiries(desk, product, headers).await)
}

/// `/api/data/chain/{product}`.
pub(super) async fn chain(
    desk: Shared,
    product: At<String>,
    headers: HeaderMap,
    query: Query,
) -> Answer {
    as_before(chains::data_chain(desk, product, headers, query).await)
}

/// `/api/data/underlying/{product}`.
pub(super) async fn underlying(
    desk: Shared,
    product: At<String>,
    headers: HeaderMap,
    query: Query,
) -> Answer {
    as_before(chains::underlying(desk, product, headers, query).await)
}

/// `/api/analytics/pcr/{product}`.
pub(super) async fn pcr(
    desk: Shared,
    product: At<String>,
    headers: HeaderMap,
    query: Query,
) -> Answer {
    as_before(chains::pcr(desk, product, headers, query).await)
}

/// `/api/analytics/volatility-surface/{product}`.
pub(super) async fn surface(desk: Shared, product: At<String>, headers: HeaderMap) -> Answer {
    as_before(chains::volatility_surface(desk, product, headers).await)
}

/// `/api/analytics/max-pain/{product}`.
pub(super) async fn max_pain(
    desk: Shared,
    product: At<String>,
    headers: HeaderMap,
    query: Query,
) -> Answer {
    as_before(chains::max_pain(desk, product, headers, query).await)
}

/// `/api/analytics/oi-buildup/{product}`.
pub(super) async fn oi_buildup(
    desk: Shared,
    product: At<String>,
    headers: HeaderMap,
    query: Query,
) -> Answer {
    as_before(chains::oi_buildup(desk, product, headers, query).await)
}

/// `/api/analytics/ohlc/{product}`.
pub(super) async fn ohlc(
    desk: Shared,
    product: At<String>,
    headers: HeaderMap,
    query: Query,
) -> Answer {
    as_before(chains::ohlc(desk, product, headers, query).await)
}

/// A product nobody knows was `Not Found` and nothing else.
fn as_before(answer: Answer) -> Answer {
    answer.map_err(|error| match error.code() {
        "unknown_product" => error.saying("Not Found"),
        _ => error,
    })
}

/// The products.
pub(super) async fn products(desk: Shared, headers: HeaderMap) -> Answer {
    chains::products(desk, headers).await
}
