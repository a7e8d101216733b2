//! What every route says when it cannot answer: one JSON object with a text for people and a code
//! for programs. Never a stack, a path or the words of what it depends on.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

use super::answer::json;

/// A request that is not answered.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ApiError {
    status: StatusCode,
    code: &'static str,
    text: String,
    context: Map<String, Value>,
    retry_after: Option<u64>,
}

/// What a handler gives.
pub(super) type Answer = Result<Response, ApiError>;

impl ApiError {
    pub(super) fn new(status: StatusCode, code: &'static str, text: impl Into<String>) -> Self {
        Self {
            status,
            code,
            text: text.into(),
            context: Map::new(),
            retry_after: None,
        }
    }

    /// A parameter of the path or the query that cannot be taken.
    pub(super) fn parameter(name: &str, what: impl std::fmt::Display) -> Self {
        let text = format!("{name}: {what}");
        Self::new(StatusCode::BAD_REQUEST, "bad_parameter", text).with("parameter", name)
    }

    /// There is no such thing, and perhaps another was meant.
    pub(super) fn unknown(
        code: &'static str,
        what: &str,
        name: &str,
        nearest: Option<String>,
    ) -> Self {
        let hint = nearest
            .as_deref()
            .map(|nearest| format!(" (did you mean {nearest}?)"));
        let text = format!("no {what} {name:?}{}", hint.unwrap_or_default());
        let error = Self::new(StatusCode::NOT_FOUND, code, text);
        match nearest {
            Some(nearest) => error.with("nearest", nearest),
            None => error,
        }
    }

    /// Something this needs is not there.
    pub(super) fn away(code: &'static str, text: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, text)
    }

    /// With one more field.
    #[must_use]
    pub(super) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.context.insert(key.to_owned(), value.into());
        self
    }

    /// With the seconds after which to ask again.
    #[must_use]
    pub(super) fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// What it says to people.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// With another text for people, and nothing beside it.
    #[must_use]
    pub(super) fn saying(mut self, text: &str) -> Self {
        self.text = text.to_owned();
        self.context.clear();
        self
    }

    /// What to say of history in an answer that is given without it.
    pub(super) fn lost(&self) -> &'static str {
        match self.code {
            "history_off" => "off",
            _ => "away",
        }
    }

    /// The code.
    pub(super) fn code(&self) -> &'static str {
        self.code
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut body = Map::new();
        body.insert("error".to_owned(), self.text.into());
        body.insert("code".to_owned(), self.code.into());
        body.extend(self.context);
        let mut response = json(self.status, &body);
        if let Some(seconds) = self.retry_after {
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// The name among these that one was probably meant for.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let wanted = name.to_lowercase();
    let distance = |known: &str| strsim::damerau_levenshtein(&wanted, &known.to_lowercase());
    let rated = known.into_iter().map(|known| (distance(known), known));
    let (distance, known) = rated.min_by_key(|(distance, _)| *distance)?;
    (distance <= 1 + wanted.chars().count() / 3).then(|| known.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_recognised_and_another_word_is_not() {
        let known = ["gex", "vpin", "max_pain"];
        assert_eq!(nearest("GEX", known).as_deref(), Some("gex"));
        assert_eq!(nearest("maxpain", known).as_deref(), Some("max_pain"));
        assert_eq!(nearest("correlation", known), None);
    }
}
