//! Every route with what is said of it.

use serde_json::json;

use super::{Content, Param, Route};
use crate::http::{
    analytics, docs, health, market, openapi, page, sessions, status, stream, vix1d,
};

/// Every route.
pub(in crate::http) fn table() -> Vec<Route> {
    let all = [server(), documents(), streams(), pages()];
    all.into_iter().flatten().collect()
}

fn object(about: &str) -> Content {
    Content::Json(json!({"type": "object", "description": about}))
}

fn server() -> Vec<Route> {
    let sign_in = json!({"type": "object", "required": ["token"],
        "properties": {"token": {"type": "string", "description": "what analytics token new printed"}}});
    let level = json!({"type": "object", "required": ["value", "as_of"], "properties": {
        "value": {"type": "number", "description": "volatility points, percent a year"},
        "as_of": {"type": "string", "format": "date-time"}}});
    vec![
        Route::get(
            "/health",
            "server",
            "Whether the loop turns, and what it misses.",
            health::health,
        )
        .says(
            200,
            "healthy, or degraded with the reasons",
            object("status, service, version, since, reasons"),
        )
        .says(503, "stuck: the loop does not turn", object("the same")),
        Route::get(
            "/ready",
            "server",
            "Whether the store answers and a pass has run.",
            health::ready,
        )
        .says(200, "ready", object("ready, store_connected, passes"))
        .says(503, "not yet", object("the same")),
        Route::get(
            "/status",
            "server",
            "Every job and every document: the last value, or why there is none.",
            status::status,
        )
        .says(
            200,
            "the whole state",
            object("version, started_at, session, passes, redis, jobs, channels, streams, symbols"),
        ),
        Route::get(
            "/metrics",
            "server",
            "Metrics as Prometheus reads them.",
            status::metrics,
        )
        .says(
            200,
            "the metrics",
            Content::Other("text/plain; version=0.0.4"),
        )
        .fails(503, "no_metrics: they are off"),
        Route::post(
            "/login",
            "server",
            "Signs in with a token: the answer sets the session's cookie.",
            sessions::login,
        )
        .body(sign_in)
        .says(200, "signed in", object("name: whose token it is"))
        .fails(400, "bad_body")
        .fails(413, "too_large"),
        Route::post(
            "/logout",
            "server",
            "Ends the session of the cookie.",
            sessions::logout,
        )
        .says(200, "signed out", object("signed_in: false")),
        Route::post(
            "/vix1d/manual",
            "server",
            "Takes a level of one-day volatility. Needs a token from everywhere.",
            vix1d::manual,
        )
        .body(level)
        .says(200, "taken", object("value, as_of"))
        .fails(400, "bad_level")
        .fails(413, "too_large")
        .fails(503, "no_store or store_down"),
    ]
}

fn documents() -> Vec<Route> {
    let symbols = json!({"type": "object", "properties": {
        "as_of": {"type": "integer", "description": "milliseconds since 1970"},
        "symbols": {"type": "array", "items": {"type": "object",
            "required": ["symbol", "exchange", "currency", "sector", "session", "documents"]}}}});
    let all = json!({"type": "object", "required": ["symbol", "as_of", "documents"], "properties": {
        "symbol": {"type": "string"},
        "as_of": {"type": ["integer", "null"], "description": "when the newest was published, milliseconds since 1970"},
        "documents": {"type": "object", "description": "name to document, as each was published"}}});
    let names = |field: &str| {
        Content::Json(json!({"type": "object", "required": [field],
        "properties": {field: {"type": "array", "items": {"type": "string"}}}}))
    };
    let view = json!({"type": "object", "required": ["symbol", "book", "tape"], "properties": {
        "book": {"type": ["object", "null"], "description": "bids and asks as [price, size], best first; at in milliseconds since 1970"},
        "tape": {"type": ["array", "null"], "description": "at most 100 prints, newest first: at, price, size, side, venue, sweep"}}});
    vec![
        Route::get("/symbols", "documents", "Every symbol: its exchange, currency, sector, session, and which documents stand.", analytics::symbols)
            .says(200, "the symbols", Content::Json(symbols)),
        Route::get("/analytics/{symbol}", "documents", "All documents of a symbol, each as it was published.", analytics::all)
            .says(200, "the documents", Content::Json(all))
            .says(304, "nothing was published since", Content::Nothing)
            .fails(404, "unknown_symbol, with the nearest"),
        Route::get("/analytics/{symbol}/{name}", "documents", "One document of a symbol as it was published; /schema/{name} says what its fields are.", analytics::one)
            .says(200, "the document, with X-Published-At and Age", object("see /schema/{name}"))
            .says(304, "nothing was published since", Content::Nothing)
            .fails(404, "unknown_symbol or unknown_document, with the nearest; no_value_yet"),
        Route::get("/portfolio", "documents", "All symbols together.", analytics::portfolio)
            .says(200, "the document", Content::Named("portfolio"))
            .says(304, "nothing was published since", Content::Nothing)
            .fails(404, "no_value_yet"),
        Route::get("/portfolio/sectors", "documents", "The names of the sectors there are.", analytics::sectors)
            .says(200, "the names", names("sectors")),
        Route::get("/portfolio/sectors/{sector}", "documents", "The symbols of one sector together.", analytics::sector)
            .says(200, "the document", Content::Named("sector"))
            .says(304, "nothing was published since", Content::Nothing)
            .fails(404, "unknown_sector, with the nearest"),
        Route::get("/portfolio/correlation", "documents", "Correlations between symbols.", analytics::correlation)
            .says(200, "the document", Content::Named("correlation"))
            .says(304, "nothing was published since", Content::Nothing)
            .fails(404, "no_value_yet"),
        Route::get("/vix1d", "documents", "One-day volatility, in points.", analytics::vix1d)
            .says(200, "the document", Content::Named("vix1d"))
            .says(304, "nothing was published since", Content::Nothing)
            .fails(404, "no_value_yet"),
        Route::get("/heartbeat", "documents", "The engine's heartbeat.", analytics::heartbeat)
            .says(200, "the document", Content::Named("heartbeat"))
            .says(304, "nothing was published since", Content::Nothing)
            .fails(404, "no_value_yet"),
        Route::get("/schema", "documents", "The names of everything that is published.", analytics::schema_names)
            .says(200, "the names", names("schemas")),
        Route::get("/schema/{name}", "documents", "JSON Schema of a document: every field with its unit and range.", analytics::schema)
            .says(200, "the schema", object("JSON Schema 2020-12"))
            .says(304, "it is the same", Content::Nothing)
            .fails(404, "unknown_document, with the nearest"),
        Route::get("/market/{symbol}", "documents", "Book and tape as the engine holds them. The first request makes the symbol watched for 15 seconds; views are made while it is.", market::market)
            .says(200, "the views", Content::Json(view))
            .says(202, "watching: ask again after a pass", object("code, symbol"))
            .fails(404, "unknown_symbol, with the nearest"),
    ]
}

fn streams() -> Vec<Route> {
    let query = || {
        [
            Param::text(
                "symbols",
                "Symbols with commas; * is what is about all of them. Without it all.",
            ),
            Param::text(
                "names",
                "Names of documents with commas; sector takes every sector, latest_chain every expiry. Without it all of analytics. book and tape need symbols.",
            ),
            Param::text(
                "last_event_id",
                "The id of the last event seen, as the header Last-Event-ID.",
            ),
        ]
    };
    vec![
        Route::get("/stream", "stream", "Documents as server-sent events: a snapshot, snapshot_end, then document, gone, heartbeat, and dropped for a client that is too slow.", stream::events)
            .query(query())
            .says(200, "the events", Content::Other("text/event-stream"))
            .fails(400, "bad_parameter")
            .fails(503, "too_many_streams"),
        Route::get("/ws", "stream", "The same as text frames over a WebSocket; {\"subscribe\": {\"symbols\": [], \"names\": []}} replaces the selection.", stream::socket)
            .query(query())
            .says(101, "the socket", Content::Nothing)
            .fails(400, "bad_parameter or no_upgrade")
            .fails(503, "too_many_streams"),
    ]
}

fn pages() -> Vec<Route> {
    vec![
        Route::get("/", "page", "The dashboard.", page::index)
            .says(200, "the page", Content::Other("text/html; charset=utf-8"))
            .says(304, "it is the same", Content::Nothing),
        Route::get(
            "/page/{file}",
            "page",
            "A file of the dashboard.",
            page::file,
        )
        .says(
            200,
            "the file",
            Content::Other("text/javascript; charset=utf-8"),
        )
        .says(304, "it is the same", Content::Nothing)
        .fails(404, "not_found"),
        Route::get("/docs", "page", "This document for people.", docs::page)
            .says(200, "the page", Content::Other("text/html; charset=utf-8"))
            .says(304, "it is the same", Content::Nothing),
        Route::get("/docs/{file}", "page", "A file of that page.", docs::file)
            .says(
                200,
                "the file",
                Content::Other("text/javascript; charset=utf-8"),
            )
            .says(304, "it is the same", Content::Nothing)
            .fails(404, "not_found"),
        Route::get("/openapi.json", "page", "This document.", openapi::document)
            .says(200, "OpenAPI 3.1", object("OpenAPI 3.1"))
            .says(304, "it is the same", Content::Nothing),
    ]
}
