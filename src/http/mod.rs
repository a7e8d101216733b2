//! The HTTP server: how the program is, for people, probes and scrapers.
//!
//! It serves from memory and never waits on the store or the engine.

mod health;
mod status;
pub mod tokens;
mod vix1d;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing::info;

use self::tokens::Tokens;
use crate::clock::Clock;
use crate::engine::status::StatusBoard;
use crate::sink::Sink;

/// What the routes answer from.
#[derive(Clone)]
pub struct State {
    /// What the engine knows of itself.
    pub status: Arc<StatusBoard>,
    /// The metrics; `None` answers 503.
    pub metrics: Option<PrometheusHandle>,
    /// Who may write.
    pub tokens: Arc<Tokens>,
    /// Where it is written; `None` answers 503.
    pub door: Option<(Sink, Clock)>,
}

/// Longest body that is read.
const MAX_BODY: usize = 64 << 10;

/// Listeners that are bound, so that a taken port is known before anything else starts.
pub struct Bound(Vec<TcpListener>);

/// Binds every address, and says in the log which it got.
pub async fn bind(addresses: &[SocketAddr]) -> io::Result<Bound> {
    let mut listeners = Vec::new();
    for address in addresses {
        let listener = TcpListener::bind(address).await.map_err(|error| {
            io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"))
        })?;
        let address = listener.local_addr()?;
        info!(%address, "http listening");
        listeners.push(listener);
    }
    Ok(Bound(listeners))
}

impl Bound {
    /// The addresses.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.0
            .iter()
            .filter_map(|listener| listener.local_addr().ok())
    }

    /// Serves until told to stop.
    pub async fn serve(self, state: State, stop: watch::Receiver<bool>) {
        let servers = self.0.into_iter().map(|listener| {
            let app = routes(state.clone());
            let mut stop = stop.clone();
            async move {
                let stopped = async move {
                    // The sender gone is a stop as well.
                    let _ = stop.changed().await;
                };
                let server = axum::serve(listener, app).with_graceful_shutdown(stopped);
                // Serving ends with the stop; errors of single connections end those only.
                let _ = server.await;
            }
        });
        futures_util::future::join_all(servers).await;
    }
}

fn routes(state: State) -> Router {
    Router::new()
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        .route("/status", get(status::status))
        .route("/metrics", get(metrics))
        .route("/vix1d/manual", post(vix1d::manual))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .fallback(not_found)
        .method_not_allowed_fallback(wrong_method)
        .with_state(state)
}

async fn metrics(axum::extract::State(state): axum::extract::State<State>) -> Response {
    let Some(metrics) = state.metrics else {
        return error(
            StatusCode::SERVICE_UNAVAILABLE,
            "metrics are off",
            "no_metrics",
        );
    };
    let kind = HeaderValue::from_static("text/plain; version=0.0.4");
    ([(header::CONTENT_TYPE, kind)], metrics.render()).into_response()
}

async fn not_found() -> Response {
    let why = "no such route: /health, /ready, /status, /metrics, POST /vix1d/manual";
    error(StatusCode::NOT_FOUND, why, "not_found")
}

async fn wrong_method() -> Response {
    error(
        StatusCode::METHOD_NOT_ALLOWED,
        "not this method: GET, and POST on /vix1d/manual",
        "method_not_allowed",
    )
}

/// An error as every route gives it.
fn error(status: StatusCode, text: &str, code: &str) -> Response {
    json(status, &serde_json::json!({"error": text, "code": code}))
}

/// A JSON answer that nobody keeps: it is about this instant.
fn json<T: serde::Serialize>(status: StatusCode, body: &T) -> Response {
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
    ];
    (status, headers, quant::json::to_vec(body)).into_response()
}
