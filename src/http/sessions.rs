//! Signing in: `POST /login` with a token gives a cookie, `POST /logout` takes it back.
//!
//! A session is known by a hash of its cookie and lives in memory: a restart ends it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use quant::market::{Span, Timestamp};
use serde::Deserialize;
use serde_json::json;

use super::answer::{json as answer, put};
use super::error::{Answer, ApiError};
use super::tokens::{fresh, hash_of};
use super::{Desk, body};

/// The cookie's name.
const COOKIE: &str = "analytics_session";
/// Sessions at one time; a new one ends the oldest.
const MAX_SESSIONS: usize = 4096;
/// Longest body of a sign-in.
const MAX_BODY: usize = 4096;

/// What a session is known by: the hash of its cookie.
pub(super) type Key = [u8; 32];

/// Who has signed in.
#[derive(Debug)]
pub(super) struct Sessions {
    lasts: Span,
    known: Mutex<HashMap<Key, Session>>,
}

#[derive(Clone, Debug)]
struct Session {
    holder: String,
    until: Timestamp,
}

impl Sessions {
    /// Sessions of so many hours.
    pub(super) fn new(hours: f64) -> Self {
        Self {
            lasts: Span::from_seconds(hours * 3600.0),
            known: Mutex::default(),
        }
    }

    /// A new session: what its cookie holds.
    fn open(&self, holder: &str, now: Timestamp) -> Result<String, String> {
        let cookie = fresh()?;
        let session = Session {
            holder: holder.to_owned(),
            until: now.plus(self.lasts),
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, session| now < session.until);
        if known.len() >= MAX_SESSIONS
            && let Some(oldest) = known
                .iter()
                .min_by_key(|(_, s)| s.until)
                .map(|(key, _)| *key)
        {
            known.remove(&oldest);
        }
        known.insert(hash_of(&cookie), session);
        Ok(cookie)
    }

    /// Whose session a request belongs to.
    pub(super) fn holder(&self, headers: &HeaderMap, now: Timestamp) -> Option<String> {
        let hash = hash_of(cookie_of(headers)?);
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let session = known.get(&hash).filter(|session| now < session.until)?;
        Some(session.holder.clone())
    }

    /// Whether a session is not over.
    pub(super) fn stands(&self, key: &Key, now: Timestamp) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(key).is_some_and(|session| now < session.until)
    }

    fn close(&self, headers: &HeaderMap) {
        if let Some(cookie) = cookie_of(headers) {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.remove(&hash_of(cookie));
        }
    }
}

/// The session a request names.
pub(super) fn key_of(headers: &HeaderMap) -> Option<Key> {
    cookie_of(headers).map(hash_of)
}

fn cookie_of(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all(header::COOKIE).iter();
    let texts = all.filter_map(|value| value.to_str().ok());
    let mut pairs = texts.flat_map(|text| text.split(';'));
    pairs.find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    token: String,
}

/// Takes `{"token": text}`; the answer sets the cookie.
pub(super) async fn login(State(desk): State<Arc<Desk>>, request: Request) -> Answer {
    let body = body::read(request, MAX_BODY).await?;
    let sign_in: SignIn = serde_json::from_slice(&body).map_err(|_| {
        let text = "the body must be {\"token\": text}";
        ApiError::new(StatusCode::BAD_REQUEST, "bad_body", text)
    })?;
    let Some(holder) = desk.tokens.holder_of(&sign_in.token) else {
        let text = "no such token";
        return Err(ApiError::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            text,
        ));
    };
    let opened = desk.sessions.open(holder, desk.clock.now());
    let cookie = opened.map_err(|why| ApiError::away("no_chance", why))?;
    tracing::info!(holder, "signed in");
    let seconds = desk.sessions.lasts.seconds() as u64;
    let mut response = answer(StatusCode::OK, &json!({"name": holder}));
    set_cookie(&desk, response.headers_mut(), &cookie, seconds);
    Ok(response)
}

/// Ends the session of the request, if it has one.
pub(super) async fn logout(State(desk): State<Arc<Desk>>, headers: HeaderMap) -> Answer {
    desk.sessions.close(&headers);
    let mut response = answer(StatusCode::OK, &json!({"signed_in": false}));
    set_cookie(&desk, response.headers_mut(), "", 0);
    Ok(response)
}

fn set_cookie(desk: &Desk, headers: &mut HeaderMap, value: &str, seconds: u64) {
    let secure = match desk.config.secure_cookies {
        true => "; Secure",
        false => "",
    };
    let cookie =
        format!("{COOKIE}={value}; HttpOnly; SameSite=Strict; Path=/; Max-Age={seconds}{secure}");
    put(headers, header::SET_COOKIE, &cookie);
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn headers(cookie: &str) -> HeaderMap {
        let value = HeaderValue::from_str(cookie).unwrap();
        [(header::COOKIE, value)].into_iter().collect()
    }

    #[test]
    fn a_session_ends_with_its_time_or_when_it_is_closed() {
        let sessions = Sessions::new(1.0);
        let at = Timestamp::from_seconds;
        let cookie = sessions.open("desk", at(0)).unwrap();
        let request = headers(&format!("theme=dark; {COOKIE}={cookie}"));
        assert_eq!(sessions.holder(&request, at(3599)).as_deref(), Some("desk"));
        assert_eq!(sessions.holder(&request, at(3600)), None);
        assert_eq!(sessions.holder(&headers("a=b"), at(0)), None);
        sessions.close(&request);
        assert_eq!(sessions.holder(&request, at(0)), None);
    }

    #[test]
    fn the_oldest_session_ends_where_there_are_too_many() {
        let sessions = Sessions::new(1.0);
        let at = |seconds| Timestamp::from_seconds(seconds);
        let open = |seconds| sessions.open("desk", at(seconds)).unwrap();
        let first = open(0);
        let second = open(1);
        (2..=MAX_SESSIONS as i64).for_each(|seconds| drop(open(seconds.min(3))));
        let known = |cookie: &str| {
            let request = headers(&format!("{COOKIE}={cookie}"));
            sessions.holder(&request, at(4)).is_some()
        };
        assert_eq!((known(&first), known(&second)), (false, true));
    }
}
