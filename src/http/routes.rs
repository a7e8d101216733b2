//! The routes: one table, of which both the router and the OpenAPI document are made, so that neither
//! can say what the other does not.

mod table;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::http::{
    Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header,
};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use serde_json::{Value, json};
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, Predicate};
use tower_http::cors::CorsLayer;

use super::answer::PUBLISHED_AT;
use super::error::{ApiError, nearest};
use super::files::AsItIs;
use super::query::{Query, clipped};
use super::{Desk, gate};
use crate::telemetry::{self, StatusCounters};
pub(super) use table::table;

/// One route: what answers, and what is said of it.
pub(super) struct Route {
    pub(super) verb: &'static str,
    pub(super) path: &'static str,
    /// The group it stands in.
    pub(super) tag: &'static str,
    pub(super) about: &'static str,
    pub(super) query: Vec<Param>,
    /// The schema of what is sent.
    pub(super) body: Option<Value>,
    pub(super) answers: Vec<Said>,
    /// Whether parameters that are not known are let pass, as clients of an earlier server send them.
    lenient: bool,
    handler: MethodRouter<Arc<Desk>>,
}

/// A parameter of a query.
#[derive(Clone, Debug)]
pub(super) struct Param {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) schema: Value,
    pub(super) required: bool,
}

/// An answer that is documented.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) status: u16,
    pub(super) about: &'static str,
    pub(super) content: Content,
}

/// What an answer holds.
#[derive(Clone, Debug)]
pub(super) enum Content {
    /// JSON of this schema.
    Json(Value),
    /// A published document or schema by its name.
    Named(&'static str),
    /// An error.
    Error,
    /// Something of another type.
    Other(&'static str),
    Nothing,
}

impl Route {
    fn get<H, T>(path: &'static str, tag: &'static str, about: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<Desk>>,
        T: 'static,
    {
        Self::new("get", path, tag, about, get(handler))
    }

    fn post<H, T>(path: &'static str, tag: &'static str, about: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<Desk>>,
        T: 'static,
    {
        Self::new("post", path, tag, about, post(handler))
    }

    fn new(
        verb: &'static str,
        path: &'static str,
        tag: &'static str,
        about: &'static str,
        handler: MethodRouter<Arc<Desk>>,
    ) -> Self {
        Self {
            verb,
            path,
            tag,
            about,
            query: Vec::new(),
            body: None,
            answers: Vec::new(),
            lenient: false,
            handler,
        }
    }

    fn query(mut self, query: impl IntoIterator<Item = Param>) -> Self {
        self.query.extend(query);
        self
    }

    fn body(mut self, schema: Value) -> Self {
        self.body = Some(schema);
        self
    }

    fn says(mut self, status: u16, about: &'static str, content: Content) -> Self {
        self.answers.push(Said {
            status,
            about,
            content,
        });
        self
    }

    fn fails(self, status: u16, about: &'static str) -> Self {
        self.says(status, about, Content::Error)
    }

    fn lenient(mut self) -> Self {
        self.lenient = true;
        self
    }
}

impl Param {
    fn new(name: &'static str, about: &'static str, schema: Value) -> Self {
        Self {
            name,
            about,
            schema,
            required: false,
        }
    }

    fn text(name: &'static str, about: &'static str) -> Self {
        Self::new(name, about, json!({"type": "string"}))
    }

    fn flag(name: &'static str, about: &'static str) -> Self {
        Self::new(name, about, json!({"type": "boolean", "default": false}))
    }

    fn whole(name: &'static str, about: &'static str, range: (u64, u64), usual: u64) -> Self {
        let (least, most) = range;
        let schema =
            json!({"type": "integer", "minimum": least, "maximum": most, "default": usual});
        Self::new(name, about, schema)
    }

    fn one_of(name: &'static str, about: &'static str, words: &[&str], usual: &str) -> Self {
        let schema = json!({"type": "string", "enum": words, "default": usual});
        Self::new(name, about, schema)
    }

    fn required(self) -> Self {
        Self {
            required: true,
            ..self
        }
    }
}

/// What a route's door knows: its counters, and which parameters it takes.
#[derive(Clone)]
struct Door {
    counters: Arc<StatusCounters>,
    /// `None` where any may be sent.
    known: Option<Arc<[&'static str]>>,
}

/// The router.
pub(super) fn router(desk: Arc<Desk>) -> Router {
    let mut app = Router::new();
    for route in table() {
        let known = route.query.iter().map(|param| param.name).collect();
        let door = Door {
            counters: Arc::new(telemetry::http_route(route.path)),
            known: (!route.lenient).then_some(known),
        };
        let handler = route
            .handler
            .layer(middleware::from_fn_with_state(door, enter));
        app = app.route(route.path, handler);
    }
    let unknown = Door {
        counters: Arc::new(telemetry::http_route("other")),
        known: None,
    };
    let packs = DefaultPredicate::new().and(is_packable);
    let app = app
        .fallback(not_found)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(unknown, count_others))
        .layer(CompressionLayer::new().compress_when(packs))
        .layer(middleware::from_fn_with_state(desk.clone(), gate::pass));
    let app = match desk.config.origins.is_empty() {
        true => app,
        false => app.layer(cors(&desk.config.origins)),
    };
    app.with_state(desk)
}

/// What is packed on its way out: not what was packed once for everybody.
fn is_packable(_: StatusCode, _: Version, _: &HeaderMap, extensions: &Extensions) -> bool {
    extensions.get::<AsItIs>().is_none()
}

/// Pages of these origins may read, and send what a page of ours may.
fn cors(origins: &[String]) -> CorsLayer {
    let origins = origins
        .iter()
        .filter_map(|origin| HeaderValue::from_str(origin).ok());
    CorsLayer::new()
        .allow_origin(origins.collect::<Vec<_>>())
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_NONE_MATCH,
            HeaderName::from_static("last-event-id"),
        ])
        .expose_headers([
            header::ETAG,
            header::AGE,
            header::RETRY_AFTER,
            PUBLISHED_AT,
            gate::REQUEST_ID,
        ])
        .allow_credentials(true)
}

/// Marks an answer that a route of the table counted.
#[derive(Clone, Copy)]
struct Counted;

async fn enter(State(door): State<Door>, request: Request, next: Next) -> Response {
    let mut response = match door.check(&request) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    };
    door.counters.count(response.status().as_u16());
    response.extensions_mut().insert(Counted);
    response
}

async fn count_others(State(door): State<Door>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    if response.extensions().get::<Counted>().is_none() {
        door.counters.count(response.status().as_u16());
    }
    response
}

impl Door {
    /// A parameter that is spelled wrong would otherwise be taken for one left out.
    fn check(&self, request: &Request) -> Result<(), ApiError> {
        let (Some(known), Some(query)) = (&self.known, request.uri().query()) else {
            return Ok(());
        };
        let query = Query::read(query)?;
        let strange = query.names().find(|name| !known.contains(name));
        let Some(name) = strange else {
            return Ok(());
        };
        let text = match (nearest(name, known.iter().copied()), known.is_empty()) {
            (Some(nearest), _) => format!("is no parameter here (did you mean {nearest}?)"),
            (None, true) => "is no parameter here: there are none".to_owned(),
            (None, false) => format!("is no parameter here: {}", known.join(", ")),
        };
        Err(ApiError::parameter(&clipped(name), text))
    }
}

async fn not_found(request: Request) -> ApiError {
    let path = request.uri().path();
    let paths = table().into_iter().map(|route| route.path);
    let nearest = nearest(path, paths);
    ApiError::unknown("not_found", "route", &clipped(path), nearest)
}

pub(super) async fn wrong_method(request: Request) -> ApiError {
    let text = format!("{} is no method of this route", request.method());
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", text)
}
