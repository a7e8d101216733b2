//! The HTTP server: what was published, and how the program is; for people, probes and scrapers.
//!
//! It serves from memory and never waits on the store or the engine.

mod analytics;
mod answer;
mod api;
mod body;
mod chains;
mod docs;
mod error;
mod files;
mod follow;
mod gate;
mod health;
mod market;
mod openapi;
mod page;
pub mod past;
mod query;
mod rates;
mod routes;
mod server;
mod sessions;
mod status;
mod stream;
pub mod tokens;
mod vix1d;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use metrics_exporter_prometheus::PrometheusHandle;
use quant::market::{Span, Symbol, Timestamp};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing::info;

use self::error::ApiError;
use self::past::Past;
use self::rates::Rates;
use self::server::Limits;
use self::sessions::Sessions;
use self::tokens::Tokens;
use crate::clock::Clock;
use crate::config::Http;
use crate::engine::setup::Setup;
use crate::engine::status::StatusBoard;
use crate::sink::Sink;
use crate::store::published::Published;

/// What the routes answer from.
#[derive(Clone)]
pub struct State {
    /// What the engine knows of itself.
    pub status: Arc<StatusBoard>,
    /// What it published last.
    pub published: Arc<Published>,
    /// The settings that hold.
    pub setups: watch::Receiver<Arc<Setup>>,
    /// The time.
    pub clock: Clock,
    /// The metrics; `None` answers 503.
    pub metrics: Option<PrometheusHandle>,
    /// Who may come in from elsewhere, and who may write.
    pub tokens: Arc<Tokens>,
    /// Where it is written; `None` answers 503.
    pub door: Option<Sink>,
    /// History.
    pub past: Past,
}

/// What every handler knows.
struct Desk {
    status: Arc<StatusBoard>,
    published: Arc<Published>,
    setups: watch::Receiver<Arc<Setup>>,
    clock: Clock,
    metrics: Option<PrometheusHandle>,
    tokens: Arc<Tokens>,
    door: Option<Sink>,
    past: Past,
    config: Http,
    /// Names this server goes by.
    hosts: Vec<String>,
    /// Whether it is bound to every address of the host, whichever those are.
    everywhere: bool,
    sessions: Sessions,
    rates: Option<Rates>,
    requests: AtomicU64,
    streams: AtomicUsize,
    kept_status: status::Kept,
    /// The newest change there is.
    news: watch::Receiver<u64>,
    stop: watch::Receiver<bool>,
}

/// The desk as handlers take it.
type Shared = axum::extract::State<Arc<Desk>>;

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
        let config = state.setups.borrow().config.http.clone();
        let limits = Limits {
            connections: config.max_connections,
            header_timeout: Duration::from_millis(config.header_timeout_ms),
            send_timeout: Duration::from_millis(config.send_timeout_ms),
        };
        let (told, news) = watch::channel(0);
        let desk = Arc::new(Desk::new(state, config, &self, news, stop.clone()));
        let herald = tokio::spawn(follow::herald(desk.clone(), told));
        server::serve(self.0, routes::router(desk), limits, stop).await;
        // It was told to stop with the rest.
        let _ = herald.await;
    }

    /// Serves `/metrics` and nothing else until told to stop.
    pub async fn serve_metrics(self, handle: PrometheusHandle, stop: watch::Receiver<bool>) {
        let get = axum::routing::get(move || async move { rendered(&handle) });
        let not_found = || async {
            let text = "no such route: /metrics";
            ApiError::new(StatusCode::NOT_FOUND, "not_found", text)
        };
        let app = Router::new()
            .route("/metrics", get)
            .fallback(not_found)
            .method_not_allowed_fallback(routes::wrong_method);
        let limits = Limits {
            connections: 64,
            header_timeout: Duration::from_secs(10),
            send_timeout: Duration::from_secs(10),
        };
        server::serve(self.0, app, limits, stop).await;
    }
}

impl Desk {
    fn new(
        state: State,
        config: Http,
        bound: &Bound,
        news: watch::Receiver<u64>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let own = bound.addresses().map(|address| match address.ip() {
            IpAddr::V4(v4) => v4.to_string(),
            IpAddr::V6(v6) => format!("[{v6}]"),
        });
        let loopback = ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned);
        let named = config.hosts.iter().map(|host| host.to_ascii_lowercase());
        Self {
            status: state.status,
            published: state.published,
            setups: state.setups,
            clock: state.clock,
            metrics: state.metrics,
            tokens: state.tokens,
            door: state.door,
            past: state.past,
            everywhere: bound
                .addresses()
                .any(|address| address.ip().is_unspecified()),
            hosts: own.chain(loopback).chain(named).collect(),
            sessions: Sessions::new(config.session_hours),
            rates: (config.requests_per_second > 0.0)
                .then(|| Rates::new(config.requests_per_second)),
            requests: AtomicU64::new(1),
            streams: AtomicUsize::new(0),
            kept_status: status::Kept::default(),
            news,
            stop,
            config,
        }
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whether the server goes by this name.
    fn knows_host(&self, host: &str) -> bool {
        let is_own = self.everywhere && gate::is_address(host);
        is_own || self.hosts.iter().any(|known| known == host)
    }

    /// Whether a request comes from no page at all, from one of this server or of an origin that is
    /// allowed.
    fn knows_origin(&self, headers: &HeaderMap, uri: &Uri) -> bool {
        let Some(origin) = headers.get(header::ORIGIN) else {
            return true;
        };
        let origin = origin.to_str().unwrap_or_default();
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        let host = uri.authority().map(|authority| authority.as_str()).or(host);
        let own = origin.split_once("://").map(|(_, origin)| origin);
        let is_own = own.is_some() && own == host;
        is_own || self.config.origins.iter().any(|known| known == origin)
    }

    /// Who sends a request, by its token or its session.
    fn holder(&self, headers: &HeaderMap) -> Option<String> {
        if let Some(holder) = self.tokens.holder(headers) {
            return Some(holder.to_owned());
        }
        self.sessions.holder(headers, self.clock.now())
    }

    /// Whether those may come in who have no token.
    fn lets_in(&self, is_local: bool) -> bool {
        is_local && self.config.trust_loopback || self.config.allow_unauthenticated
    }

    /// Whether a symbol is computed on, or was published.
    fn knows_symbol(&self, symbol: &Symbol) -> bool {
        self.published.has(symbol.as_str()) || self.status.lock().documents.contains_key(symbol)
    }

    /// Time between two publications of a document.
    fn interval(&self, document: &str) -> Span {
        let Some(card) = quant::calculators::all().find(|card| card.name == document) else {
            return Span::ZERO;
        };
        let setups = self.setups.borrow();
        let found = setups.intervals.iter().find(|(job, _)| *job == card.job);
        found.map_or(Span::ZERO, |(_, interval)| *interval)
    }
}

/// Every route for people: its method, its path, what it is.
pub fn routes() -> Vec<(String, &'static str, &'static str)> {
    let routes = routes::table().into_iter();
    let row = |route: routes::Route| (route.verb.to_uppercase(), route.path, route.about);
    routes.map(row).collect()
}

fn rendered(metrics: &PrometheusHandle) -> Response {
    let kind = HeaderValue::from_static("text/plain; version=0.0.4");
    ([(header::CONTENT_TYPE, kind)], metrics.render()).into_response()
}
