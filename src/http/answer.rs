//! How an answer is put: JSON that nobody keeps, or a published document with its age.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use quant::market::{Span, Timestamp};
use xxhash_rust::xxh3::xxh3_64;

use crate::store::published::Document;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// When a document was published, milliseconds since the epoch.
pub(super) const PUBLISHED_AT: HeaderName = HeaderName::from_static("x-published-at");

/// A JSON answer that nobody keeps: it is about this instant.
pub(super) fn json<T: serde::Serialize>(status: StatusCode, body: &T) -> Response {
    let headers = [
        (header::CONTENT_TYPE, JSON),
        (header::CACHE_CONTROL, NO_STORE),
    ];
    (status, headers, quant::json::to_vec(body)).into_response()
}

/// A body of JSON about this instant.
pub(super) fn ready(body: impl Into<Body>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, JSON),
        (header::CACHE_CONTROL, NO_STORE),
    ];
    (headers, body.into()).into_response()
}

/// What an answer was put together from: when the newest of it was published, and the time from one
/// publication to the next.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Origin {
    pub(super) published_at: Option<Timestamp>,
    pub(super) every: Span,
}

/// JSON that was put together from documents. Its tag is of its text.
pub(super) fn composed<T: serde::Serialize>(
    request: &HeaderMap,
    body: &T,
    origin: Origin,
    now: Timestamp,
) -> Response {
    let body = quant::json::to_vec(body);
    let tag = format!("{:016x}", xxh3_64(&body));
    let mut response = tagged(request, &tag, || body);
    dated(&mut response, origin, now);
    response
}

/// Says how old an answer is, and until when it is fresh.
pub(super) fn dated(response: &mut Response, origin: Origin, now: Timestamp) {
    let Some(published_at) = origin.published_at else {
        return;
    };
    let age = now.since(published_at).seconds().max(0.0) as u64;
    let headers = response.headers_mut();
    headers.insert(header::AGE, HeaderValue::from(age));
    headers.insert(PUBLISHED_AT, HeaderValue::from(published_at.millis()));
    // Fresh from its publication to the next: a cache takes the age off by itself.
    let lasts = origin.every.seconds().max(0.0) as u64;
    let cache = format!("private, max-age={lasts}");
    put(headers, header::CACHE_CONTROL, &cache);
}

/// JSON that is the same until something it was made of changes: `tag` tells that.
pub(super) fn tagged(request: &HeaderMap, tag: &str, body: impl FnOnce() -> Vec<u8>) -> Response {
    let tag = format!("W/\"{tag}\"");
    let known = is_known(request, &tag);
    let mut response = match known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => ([(header::CONTENT_TYPE, JSON)], body()).into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-cache"),
    );
    put(headers, header::ETAG, &tag);
    response
}

/// A document as it was published. `every` is the time from one publication to the next.
pub(super) fn document(
    request: &HeaderMap,
    document: &Document,
    text: &Bytes,
    every: Span,
    now: Timestamp,
) -> Response {
    let tag = format!("W/\"{}\"", document.tag());
    let known = is_known(request, &tag);
    let body = match known {
        true => Body::empty(),
        false => Body::from(text.clone()),
    };
    let mut response = Response::new(body);
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, JSON);
    put(headers, header::ETAG, &tag);
    let origin = Origin {
        published_at: Some(document.published_at),
        every,
    };
    dated(&mut response, origin, now);
    response
}

/// Whether the client has it already.
pub(super) fn is_known(request: &HeaderMap, tag: &str) -> bool {
    let Some(known) = request.get(header::IF_NONE_MATCH) else {
        return false;
    };
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let tag = opaque(tag);
    let mut known = known.to_str().unwrap_or_default().split(',');
    known.any(|known| known.trim() == "*" || opaque(known) == tag)
}

/// Sets a header to a text that is one.
pub(super) fn put(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_known_in_a_list_and_whether_or_not_it_is_weak() {
        let known = |value: &'static str| {
            let headers = [(header::IF_NONE_MATCH, HeaderValue::from_static(value))];
            is_known(&headers.into_iter().collect(), "W/\"ab\"")
        };
        for value in ["W/\"ab\"", "\"ab\"", "\"x\", W/\"ab\"", "*"] {
            assert!(known(value), "{value}");
        }
        for value in ["ab", "\"abc\"", ""] {
            assert!(!known(value), "{value}");
        }
        assert!(!is_known(&HeaderMap::new(), "W/\"ab\""));
    }
}
