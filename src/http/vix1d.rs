//! `POST /vix1d/manual`: a level of one-day volatility that a person ingests. The only write.

use axum::body::Bytes;
use axum::extract::State as Extract;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use serde_json::json;

use super::{State, error, json as answer};
use crate::vix1d::manual::Level;

/// Takes `{"value": points, "as_of": time}` from whoever has a token.
pub(super) async fn manual(
    Extract(state): Extract<State>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !is_own_origin(&headers) {
        let why = "a page of another origin may not write";
        return error(StatusCode::FORBIDDEN, why, "foreign_origin");
    }
    let Some(holder) = state.tokens.holder(&headers) else {
        let why = "a token is needed: Authorization: Bearer TOKEN (see analytics token new)";
        return error(StatusCode::UNAUTHORIZED, why, "no_token");
    };
    let Some((sink, clock)) = &state.door else {
        let why = "nothing can be written here";
        return error(StatusCode::SERVICE_UNAVAILABLE, why, "no_store");
    };
    let now = clock.now();
    let text = std::str::from_utf8(&body).map_err(|_| "the body is no text".to_owned());
    let level = text.and_then(Level::from_json);
    let write = level.and_then(|level| Ok((level, level.write(now)?)));
    let (level, write) = match write {
        Ok(pair) => pair,
        Err(why) => return error(StatusCode::BAD_REQUEST, &why, "bad_level"),
    };
    if sink.publish(&[write], now).await.is_err() {
        let why = "the store does not answer";
        return error(StatusCode::SERVICE_UNAVAILABLE, why, "store_down");
    }
    tracing::info!(holder, value = level.value, "vix1d level ingested");
    let body = json!({"value": level.value, "as_of": level.as_of.to_rfc3339()});
    answer(StatusCode::OK, &body)
}

/// Whether a request comes from no page at all, or from one of this server.
fn is_own_origin(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return true;
    };
    let text = |value: &axum::http::HeaderValue| value.to_str().ok().map(str::to_owned);
    let origin = text(origin);
    let origin = origin
        .as_deref()
        .and_then(|origin| origin.split_once("://"));
    let host = headers.get(header::HOST).and_then(text);
    matches!((origin, host), (Some((_, origin)), Some(host)) if origin == host)
}
