//! Every route with what is said of it.

use serde_json::json;

use super::{Content, Param, Route};
use crate::http::{
    analytics, api, chains, docs, health, market, openapi, page, sessions, status, stream, vix1d,
};

/// Every route.
pub(in crate::http) fn table() -> Vec<Route> {
    let all = [
        server(),
        documents(),
        chain_service(),
        earlier(),
        streams(),
        pages(),
    ];
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
        .query([Param::text(
            "symbol",
            "Documents of this symbol only, beside the rest; all without it.",
        )])
        .says(
            200,
            "the state, up to a second old",
            object("version, started_at, session, passes, redis, reasons, jobs, channels, streams, symbols"),
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
        Route::get("/analytics/{symbol}/{name}/history", "documents", "Numbers of a document over time, oldest first, null where a field has none. Of all symbols under *.", chains::history)
            .query([
                Param::text("from", "After this: RFC 3339, seconds or milliseconds since 1970. A day before `to` unless given."),
                Param::text("to", "Up to this; now unless given."),
                Param::whole("step", "Seconds: of each field the last of every step. All without it.", (1, 86_400), 60),
                Param::text("fields", "Fields with commas, one inside another with a dot; all without it."),
                Param::whole("limit", "Most rows.", (1, 10_000), 10_000),
            ])
            .says(200, "the rows", Content::Json(json!({"type": "object", "required": ["symbol", "name", "fields", "rows"], "properties": {
                "fields": {"type": "array", "items": {"type": "string"}},
                "rows": {"type": "array", "items": {"type": "array"}, "description": "milliseconds since 1970, then a number for each field"}}})))
            .fails(400, "bad_parameter")
            .fails(404, "unknown_symbol or unknown_document, with the nearest")
            .fails(503, "history_off, or history_away with since"),
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
            .fails(404, "unknown_symbol, with the nearest")
            .fails(503, "too_many_watched"),
    ]
}

fn expiry() -> Param {
    Param::text(
        "expiry",
        "The series: its date, 2026-12-18; of several of a date 2026-12-18:AM, or with the root, 2026-12-18:AAPL1.",
    )
}

fn limit(about: &'static str, usual: u64) -> Param {
    Param::whole("limit", about, (1, 1000), usual)
}

fn pcr_query() -> Vec<Param> {
    vec![
        expiry(),
        Param::flag("history", "Whether rows of the past come with it."),
        limit("Most rows of the past.", 100),
        Param::text(
            "before",
            "Rows before this: what next of the answer before said, or a time.",
        ),
    ]
}

fn build_up_query() -> Vec<Param> {
    vec![
        expiry().required(),
        Param::text(
            "reference",
            "What open interest is compared with: prev_close (the default), open, or minutes=N.",
        ),
        Param::whole(
            "minutes",
            "The chain so many minutes ago instead.",
            (1, 10_080),
            15,
        ),
    ]
}

fn ohlc_query() -> Vec<Param> {
    vec![
        Param::one_of("window", "Minutes of a bar.", &["1", "5", "15"], "5"),
        limit("Most bars before the newest.", 20),
    ]
}

fn fields(names: &[&str]) -> Content {
    Content::Json(json!({"type": "object", "required": names}))
}

const OF_PCR: [&str; 4] = ["product", "latest", "total", "percentile"];
const OF_MAX_PAIN: [&str; 11] = [
    "product",
    "expiry",
    "max_pain_strike",
    "spot_price",
    "distance_from_spot",
    "distance_pct",
    "total_call_oi",
    "total_put_oi",
    "curve",
    "tie_range",
    "timestamp",
];
const OF_BUILD_UP: [&str; 10] = [
    "product",
    "expiry",
    "spot_price",
    "call_buildup",
    "put_buildup",
    "interpretation",
    "support",
    "resistance",
    "strikes",
    "timestamp",
];
const OF_OHLC: [&str; 11] = [
    "product",
    "window",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "start_time",
    "end_time",
    "num_ticks",
    "candles",
];

fn chain_service() -> Vec<Route> {
    vec![
        Route::get("/products", "chains", "The underlyings.", chains::products)
            .says(200, "the products", fields(&["products"])),
        Route::get("/expiries/{product}", "chains", "The series of a product that live, nearest first.", chains::expiries)
            .says(200, "the series", fields(&["product", "expiries"]))
            .fails(404, "unknown_product, with the nearest"),
        Route::get("/pcr/{product}", "chains", "Put-call ratios: of a series one object, without one a row for each; and of the whole chain.", chains::pcr)
            .query(pcr_query())
            .says(200, "the ratios; null with a reason where nothing is in calls", fields(&OF_PCR))
            .fails(404, "unknown_product, with the nearest; no_data")
            .says(304, "it is the same", Content::Nothing),
        Route::get("/volatility-surface/{product}", "chains", "Volatilities of all expiries as fractions: columns beside strikes, null where there is no quote.", chains::volatility_surface)
            .says(200, "the document", Content::Named("volatility_surface"))
            .says(304, "nothing was published since", Content::Nothing)
            .fails(404, "unknown_product, with the nearest; no_data"),
        Route::get("/max-pain/{product}", "chains", "The settlement price at which holders of all open options are paid least, in the underlying's price; distance in points and percent of spot.", chains::max_pain)
            .query([expiry().required()])
            .says(200, "max pain", fields(&OF_MAX_PAIN))
            .fails(400, "bad_parameter: Expiry parameter required")
            .fails(404, "unknown_product, with the nearest; no_data"),
        Route::get("/oi-buildup/{product}", "chains", "Open interest in contracts by zone, which add up to the total, and what became of positions since a reference.", chains::oi_buildup)
            .query(build_up_query())
            .says(200, "the build-up", fields(&OF_BUILD_UP))
            .fails(400, "bad_parameter: Expiry parameter required")
            .fails(404, "unknown_product, with the nearest; no_data; no_reference")
            .fails(503, "history_off, or history_away with since"),
        Route::get("/ohlc/{product}", "chains", "The newest bar, and under candles those before it, newest first.", chains::ohlc)
            .query(ohlc_query())
            .says(200, "the bars; volume in shares or contracts", fields(&OF_OHLC))
            .fails(404, "unknown_product, with the nearest; no_data")
            .says(304, "it is the same", Content::Nothing),
        Route::get("/chain/{product}", "chains", "A whole chain, or all of a product: legs with greeks, volatility, open interest and flags (no_quote, no_bid, no_ask, crossed, locked, no_iv); forward, age.", chains::chain)
            .query([
                expiry(),
                Param::new("greeks", "Whether legs have delta, gamma, vega a volatility point, theta a day.", json!({"type": "boolean", "default": true})),
                Param::text("fields", "Fields of legs with commas; all without it."),
            ])
            .says(200, "the chain, or product, count and chains", object("see /schema/latest_chain"))
            .fails(400, "bad_parameter")
            .fails(404, "unknown_product, with the nearest; no_data"),
    ]
}

fn earlier() -> Vec<Route> {
    let not_found = "unknown_product: Not Found";
    vec![
        Route::get(
            "/api/health",
            "earlier clients",
            "That the server is there; /health says how it is.",
            api::health,
        )
        .says(200, "there", fields(&["status", "service"])),
        Route::get(
            "/api/data/products",
            "earlier clients",
            "As /products.",
            api::products,
        )
        .says(200, "the products", fields(&["products"])),
        Route::get(
            "/api/data/expiries/{product}",
            "earlier clients",
            "As /expiries/{product}.",
            api::expiries,
        )
        .says(200, "the series", fields(&["product", "expiries"]))
        .fails(404, not_found),
        Route::get(
            "/api/data/chain/{product}",
            "earlier clients",
            "The newest chain of each series; of one with a limit older ones from history, too, fifty at most.",
            api::chain,
        )
        .query([expiry(), limit("Most chains.", 100)])
        .says(200, "the chains", fields(&["product", "count", "chains"]))
        .fails(400, "bad_parameter")
        .fails(404, not_found)
        .fails(503, "history_away with since"),
        Route::get(
            "/api/data/underlying/{product}",
            "earlier clients",
            "Prices of the underlying, oldest first.",
            api::underlying,
        )
        .query([limit("Most prices.", 100)])
        .says(200, "the prices", fields(&["product", "count", "ticks"]))
        .fails(400, "bad_parameter")
        .fails(404, not_found)
        .fails(503, "history_off, or history_away with since"),
        Route::get(
            "/api/analytics/pcr/{product}",
            "earlier clients",
            "As /pcr/{product}.",
            api::pcr,
        )
        .query(pcr_query())
        .says(200, "the ratios", fields(&OF_PCR))
        .fails(404, not_found)
        .fails(503, "history_off, or history_away with since"),
        Route::get(
            "/api/analytics/volatility-surface/{product}",
            "earlier clients",
            "As /volatility-surface/{product}.",
            api::surface,
        )
        .says(200, "the document", Content::Named("volatility_surface"))
        .says(304, "nothing was published since", Content::Nothing)
        .fails(404, not_found),
        Route::get(
            "/api/analytics/max-pain/{product}",
            "earlier clients",
            "As /max-pain/{product}.",
            api::max_pain,
        )
        .query([expiry().required()])
        .says(200, "max pain", fields(&OF_MAX_PAIN))
        .fails(400, "bad_parameter: Expiry parameter required")
        .fails(404, not_found),
        Route::get(
            "/api/analytics/oi-buildup/{product}",
            "earlier clients",
            "As /oi-buildup/{product}.",
            api::oi_buildup,
        )
        .query(build_up_query())
        .says(200, "the build-up", fields(&OF_BUILD_UP))
        .fails(400, "bad_parameter: Expiry parameter required")
        .fails(404, not_found)
        .fails(503, "history_off, or history_away with since"),
        Route::get(
            "/api/analytics/ohlc/{product}",
            "earlier clients",
            "As /ohlc/{product}.",
            api::ohlc,
        )
        .query(ohlc_query())
        .says(200, "the bars", fields(&OF_OHLC))
        .fails(404, not_found)
        .fails(503, "history_away with since"),
    ]
    .into_iter()
    .map(Route::lenient)
    .collect()
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
                "Names of documents with commas; sector takes every sector, latest_chain every expiry. Without it all of analytics. book and tape need symbols, at most 16.",
            ),
            Param::text(
                "last_event_id",
                "The id of the last event seen, as the header Last-Event-ID.",
            ),
        ]
    };
    vec![
        Route::get("/stream", "stream", "Documents as server-sent events: a snapshot, snapshot_end, then document, gone, heartbeat, and dropped for a client that is too slow or whose session is over.", stream::events)
            .query(query())
            .says(200, "the events", Content::Other("text/event-stream"))
            .fails(400, "bad_parameter")
            .fails(503, "too_many_streams; too_many_watched"),
        Route::get("/ws", "stream", "The same as text frames over a WebSocket; {\"subscribe\": {\"symbols\": [], \"names\": []}} replaces the selection.", stream::socket)
            .query(query())
            .says(101, "the socket", Content::Nothing)
            .fails(400, "bad_parameter or no_upgrade")
            .fails(503, "too_many_streams; too_many_watched"),
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
