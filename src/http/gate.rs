//! The door: what every request passes before its route, and every answer on its way out.
//!
//! In this order: the address it came from, the length of what it asks, the name it asked the server
//! by, the page it comes from, who sends it. A page of another site reaches nothing: it can neither
//! know this server by a name of its own, nor send a POST, nor open a socket.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::error::ApiError;
use super::{Desk, sessions};

/// Longest path that is looked at.
const MAX_PATH: usize = 1024;
/// Longest query.
const MAX_QUERY: usize = 4096;

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest id of a client's own.
const MAX_ID: usize = 64;

/// What a page of ours may load and do: its own files, and pictures it drew itself. Nothing inline,
/// styles neither: what charts set on elements by script is no inline style.
const CONTENT_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; img-src 'self' data: blob:; \
     object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
);

/// The address a connection came from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) SocketAddr);

/// Who sends a request, where that was asked.
#[derive(Clone, Debug)]
pub(super) struct Holder(pub(super) Option<String>);

/// The session that let a request in, where nothing else did: what lasts ends with it.
#[derive(Clone, Copy, Debug)]
pub(super) struct BySession(pub(super) Option<sessions::Key>);

/// Passes a request on or answers it here, and signs what goes out.
pub(super) async fn pass(
    State(desk): State<Arc<Desk>>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = request_id(request.headers(), &desk.requests);
    let mut response = match admit(&desk, &mut request) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, id);
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    headers.insert(header::CONTENT_SECURITY_POLICY, CONTENT_POLICY);
    response
}

/// Whether a request may go to its route, and who sends it.
fn admit(desk: &Desk, request: &mut Request) -> Result<(), ApiError> {
    let peer = request.extensions().get::<Peer>().copied();
    let address = peer.map_or(IpAddr::from([0, 0, 0, 0]), |peer| {
        peer.0.ip().to_canonical()
    });
    let is_local = address.is_loopback();
    if !is_local && let Some(rates) = &desk.rates {
        rates.count(address, desk.clock.now()).map_err(|seconds| {
            let text = "too many requests from this address";
            let error = ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", text);
            error.retry_after(seconds)
        })?;
    }
    check_length(request.uri())?;
    let host = host_of(request.uri(), request.headers())?;
    if !desk.knows_host(&host) {
        let text = "this server does not go by that name (see http.hosts)";
        return Err(ApiError::new(StatusCode::FORBIDDEN, "foreign_host", text));
    }
    let is_socket = request.headers().contains_key(header::UPGRADE);
    if (request.method() == Method::POST || is_socket)
        && !desk.knows_origin(request.headers(), request.uri())
    {
        let text = "a page of another origin may not do this";
        return Err(ApiError::new(StatusCode::FORBIDDEN, "foreign_origin", text));
    }
    let holder = desk.holder(request.headers());
    if holder.is_none() && !desk.lets_in(is_local) && !is_open(request.uri().path()) {
        let text = "a token is needed: Authorization: Bearer TOKEN, or POST /login";
        return Err(ApiError::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            text,
        ));
    }
    let needs_session = !desk.lets_in(is_local) && desk.tokens.holder(request.headers()).is_none();
    let session = needs_session
        .then(|| sessions::key_of(request.headers()))
        .flatten();
    request.extensions_mut().insert(BySession(session));
    request.extensions_mut().insert(Holder(holder));
    Ok(())
}

/// What anybody may have: whether the server is well, the page, and the way in.
fn is_open(path: &str) -> bool {
    matches!(path, "/health" | "/login" | "/logout" | "/") || path.starts_with("/page/")
}

fn check_length(uri: &Uri) -> Result<(), ApiError> {
    let too_long = |what: &str, most: usize| {
        let text = format!("the {what} is longer than {most} bytes");
        ApiError::new(StatusCode::URI_TOO_LONG, "too_long", text)
    };
    if uri.path().len() > MAX_PATH {
        return Err(too_long("path", MAX_PATH));
    }
    if uri.query().unwrap_or_default().len() > MAX_QUERY {
        return Err(too_long("query", MAX_QUERY));
    }
    Ok(())
}

/// The name a client asked the server by, without the port, in small letters.
fn host_of(uri: &Uri, headers: &HeaderMap) -> Result<String, ApiError> {
    let wrong = || {
        let text = "the request must name one host";
        ApiError::new(StatusCode::BAD_REQUEST, "no_host", text)
    };
    let mut named = headers.get_all(header::HOST).iter();
    let host = match (uri.authority(), named.next(), named.next()) {
        (Some(authority), _, None) => authority.as_str(),
        (None, Some(host), None) => host.to_str().map_err(|_| wrong())?,
        _ => return Err(wrong()),
    };
    without_port(host).ok_or_else(wrong)
}

/// `[::1]:8004` is `[::1]`.
pub(super) fn without_port(host: &str) -> Option<String> {
    let name = match host.strip_prefix('[') {
        Some(rest) => {
            let (inner, port) = rest.split_once(']')?;
            let is_port = port.is_empty() || port.starts_with(':');
            return is_port.then(|| format!("[{}]", inner.to_ascii_lowercase()));
        }
        None => host.split(':').next()?,
    };
    let plain = !name.is_empty() && !name.contains(['/', '@', ' ']);
    plain.then(|| name.trim_end_matches('.').to_ascii_lowercase())
}

/// Whether a host is an address: no page can make a name of its own of one.
pub(super) fn is_address(host: &str) -> bool {
    let inner = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    match inner {
        Some(inner) => inner.parse::<Ipv6Addr>().is_ok(),
        None => host.parse::<Ipv4Addr>().is_ok(),
    }
}

/// The client's own id, where it is one, else a new one.
fn request_id(headers: &HeaderMap, count: &AtomicU64) -> HeaderValue {
    let own = headers.get(REQUEST_ID).filter(|id| {
        let is_plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        (1..=MAX_ID).contains(&id.len()) && id.as_bytes().iter().all(is_plain)
    });
    match own {
        Some(id) => id.clone(),
        None => HeaderValue::from(count.fetch_add(1, Ordering::Relaxed)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_known_without_its_port() {
        let rows = [
            ("localhost:8004", Some("localhost")),
            ("LOCALHOST.", Some("localhost")),
            ("127.0.0.1", Some("127.0.0.1")),
            ("[::1]:8004", Some("[::1]")),
            ("[::1", None),
            ("[::1]x", None),
            ("", None),
            ("a@b", None),
        ];
        for (host, expected) in rows {
            assert_eq!(without_port(host).as_deref(), expected, "{host}");
        }
    }

    #[test]
    fn an_address_is_no_name() {
        for address in ["10.0.0.5", "[fe80::1]", "127.0.0.1"] {
            assert!(is_address(address), "{address}");
        }
        for name in [
            "evil.example",
            "10.0.0.5.evil.example",
            "1",
            "::1",
            "[10.0.0.5]",
            "[]",
            "",
        ] {
            assert!(!is_address(name), "{name}");
        }
    }

    #[test]
    fn an_id_of_the_client_stays_where_it_is_one() {
        let count = AtomicU64::new(7);
        let id = |value: &'static str| {
            let headers = [(REQUEST_ID, HeaderValue::from_static(value))];
            let id = request_id(&headers.into_iter().collect(), &count);
            id.to_str().unwrap().to_owned()
        };
        assert_eq!(id("trace-1.2_a"), "trace-1.2_a");
        assert_eq!(id("a b"), "7");
        assert_eq!(id(""), "8");
    }
}
