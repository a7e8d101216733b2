//! `POST /vix1d/manual`: a level of one-day volatility that a person ingests. The only write.

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use serde_json::json;

use super::answer::json as answer;
use super::error::{Answer, ApiError};
use super::gate::Holder;
use super::{Shared, body};
use crate::vix1d::manual::Level;

/// Longest body that is read.
const MAX_BODY: usize = 64 << 10;

/// Takes `{"value": points, "as_of": time}` from whoever has a token.
pub(super) async fn manual(
    State(desk): Shared,
    Extension(Holder(holder)): Extension<Holder>,
    request: Request,
) -> Answer {
    let Some(holder) = holder else {
        let text = "a token is needed: Authorization: Bearer TOKEN (see analytics token new)";
        return Err(ApiError::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            text,
        ));
    };
    let Some(sink) = &desk.door else {
        return Err(ApiError::away("no_store", "nothing can be written here"));
    };
    let body = body::read(request, MAX_BODY).await?;
    let now = desk.now();
    let text = std::str::from_utf8(&body).map_err(|_| "the body is no text".to_owned());
    let level = text.and_then(Level::from_json);
    let write = level.and_then(|level| Ok((level, level.write(now)?)));
    let bad = |why: String| ApiError::new(StatusCode::BAD_REQUEST, "bad_level", why);
    let (level, write) = write.map_err(bad)?;
    if sink.publish(&[write], now).await.is_err() {
        let error = ApiError::away("store_down", "the store does not answer");
        let since = desk.status.lock().store.since;
        return Err(error.with("since", since.to_rfc3339()));
    }
    tracing::info!(holder, value = level.value, "vix1d level ingested");
    let body = json!({"value": level.value, "as_of": level.as_of.to_rfc3339()});
    Ok(answer(StatusCode::OK, &body))
}
