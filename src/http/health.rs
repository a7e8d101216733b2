//! `/health`: whether the loop turns. `/ready`: whether it has something to turn on.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use super::Shared;
use super::answer::json;
use crate::engine::status::Health;

/// 200 while the loop turns, `degraded` where something it depends on fails; 503 when it hangs.
/// Everybody may ask: the reasons are short, and whole in `/status`.
pub(super) async fn health(State(desk): Shared) -> Response {
    let (health, reasons, since) = {
        let known = desk.status.lock();
        let (health, reasons) = known.health();
        let short = reasons.into_iter().map(|trouble| trouble.short);
        (health, short.collect::<Vec<_>>(), known.store.since)
    };
    let (code, text) = match health {
        Health::Healthy => (StatusCode::OK, "healthy"),
        Health::Degraded => (StatusCode::OK, "degraded"),
        Health::Stuck => (StatusCode::SERVICE_UNAVAILABLE, "stuck"),
    };
    let body = json!({
        "status": text,
        "service": "analytics",
        "version": env!("CARGO_PKG_VERSION"),
        "since": since.to_rfc3339(),
        "reasons": reasons,
    });
    json(code, &body)
}

/// 200 once the store answers and a pass has run; 503 with what is missing before.
pub(super) async fn ready(State(desk): Shared) -> Response {
    let (connected, passes) = {
        let known = desk.status.lock();
        (known.store.connected, known.passes.count)
    };
    let ready = connected && passes > 0;
    let code = match ready {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    let body = json!({"ready": ready, "store_connected": connected, "passes": passes});
    json(code, &body)
}
