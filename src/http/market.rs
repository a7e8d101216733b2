//! `GET /market/{symbol}`: what the engine holds of one symbol, its book and its tape. Asking makes
//! the symbol watched, and only then are the two views made.

use axum::extract::State;
use axum::http::StatusCode;
use serde_json::json;

use super::Shared;
use super::answer::json as answer;
use super::error::{Answer, ApiError};
use super::query::At;
use crate::engine::symbol::VIEWS;
use crate::store::published::MOST_WATCHED;

/// What one is told who would watch one symbol more than there may be.
pub(super) fn too_many_watched() -> ApiError {
    let text = format!("book and tape of {MOST_WATCHED} symbols are watched already");
    ApiError::away("too_many_watched", text).retry_after(15)
}

/// The views of a symbol; 202 where they are not made yet.
pub(super) async fn market(State(desk): Shared, At(symbol): At<String>) -> Answer {
    let symbol = desk.symbol(&symbol)?;
    let now = desk.now();
    if !desk.published.watch(std::slice::from_ref(&symbol), now) {
        return Err(too_many_watched());
    }
    let views = VIEWS.map(|name| {
        let document = desk.published.get(symbol.as_str(), name, now)?;
        let text = document.live(now)?;
        serde_json::from_slice::<serde_json::Value>(text).ok()
    });
    if views.iter().all(Option::is_none) {
        let body = json!({"code": "watching", "symbol": symbol.as_str()});
        return Ok(answer(StatusCode::ACCEPTED, &body));
    }
    let [book, tape] = views;
    let body = json!({"symbol": symbol.as_str(), "book": book, "tape": tape});
    Ok(answer(StatusCode::OK, &body))
}
