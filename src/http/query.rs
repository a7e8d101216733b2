//! What stands in an address: parts of the path, and parameters behind the `?`, each once.

use axum::extract::{FromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::request::Parts;
use quant::market::{Symbol, Timestamp};
use serde::de::DeserializeOwned;

use super::error::ApiError;

/// Parts of the path; what cannot be read is answered as every error is.
pub(super) struct At<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for At<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = Path::<T>::from_request_parts(parts, state).await;
        let unreadable = "the path is not percent-encoded UTF-8";
        let error = |_| ApiError::new(StatusCode::BAD_REQUEST, "bad_path", unreadable);
        Ok(Self(path.map_err(error)?.0))
    }
}

/// The parameters of a request.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Query(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Self::read(parts.uri.query().unwrap_or_default())
    }
}

impl Query {
    /// The parameters of a query string.
    pub(super) fn read(text: &str) -> Result<Self, ApiError> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            if pairs.iter().any(|(known, _)| *known == name) {
                return Err(ApiError::parameter(&name, "stands there twice"));
            }
            pairs.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(pairs))
    }

    /// The names.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// A parameter's text; an empty one is none.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// The words of a list with commas; `None` where there is none.
    pub(super) fn words(&self, name: &str) -> Option<Vec<&str>> {
        let words = self.text(name)?.split(',').map(str::trim);
        Some(words.filter(|word| !word.is_empty()).collect())
    }

    /// A whole number between these, both included.
    pub(super) fn whole(
        &self,
        name: &str,
        (least, most): (u64, u64),
    ) -> Result<Option<u64>, ApiError> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let number = text.parse().ok();
        let number = number.filter(|number| (least..=most).contains(number));
        let wrong =
            || ApiError::parameter(name, format!("must be {least} to {most} (is {text:?})"));
        number.map(Some).ok_or_else(wrong)
    }

    /// One of these words.
    pub(super) fn one_of<'w>(
        &self,
        name: &str,
        words: &[&'w str],
    ) -> Result<Option<&'w str>, ApiError> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let found = words.iter().find(|word| **word == text);
        let wrong = || {
            let words = words.join(", ");
            ApiError::parameter(name, format!("must be one of {words} (is {text:?})"))
        };
        found.map(|word| Some(*word)).ok_or_else(wrong)
    }

    /// True or false; false where it is not there.
    pub(super) fn flag(&self, name: &str) -> Result<bool, ApiError> {
        let word = self.one_of(name, &["true", "false", "1", "0"])?;
        Ok(matches!(word, Some("true" | "1")))
    }

    /// An instant: RFC 3339, or seconds or milliseconds since the epoch.
    pub(super) fn instant(&self, name: &str) -> Result<Option<Timestamp>, ApiError> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let wrong = || {
            let what = "must be RFC 3339, or seconds or milliseconds since 1970";
            ApiError::parameter(name, format!("{what} (is {text:?})"))
        };
        instant(text).map(Some).ok_or_else(wrong)
    }
}

/// An instant as text.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    if let Ok(number) = text.parse::<f64>() {
        /// Seconds of the year 5138: more are milliseconds.
        const MOST_SECONDS: f64 = 1e11;
        let seconds = match number.abs() < MOST_SECONDS {
            true => number,
            false => number / 1e3,
        };
        let usable = seconds.is_finite() && (0.0..9e9).contains(&seconds);
        return usable.then(|| Timestamp::from_nanos((seconds * 1e9) as i64));
    }
    let at = chrono::DateTime::parse_from_rfc3339(text).ok()?;
    at.timestamp_nanos_opt().map(Timestamp::from_nanos)
}

/// A symbol of the path.
pub(super) fn symbol(text: &str) -> Result<Symbol, ApiError> {
    Symbol::new(text)
        .map_err(|_| ApiError::unknown("unknown_symbol", "symbol", &clipped(text), None))
}

/// Text of a client, as far as it is repeated.
pub(super) fn clipped(text: &str) -> String {
    const MOST: usize = 64;
    text.chars()
        .filter(|c| !c.is_control())
        .take(MOST)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_that_is_wrong_is_named() {
        let query = Query::read("limit=0&history=maybe&expiry=&at=x&names=a,%20b,,").unwrap();
        let wrong = |error: ApiError| format!("{error:?}");
        assert!(
            wrong(query.whole("limit", (1, 10)).unwrap_err()).contains("limit: must be 1 to 10")
        );
        assert!(wrong(query.flag("history").unwrap_err()).contains("history: must be one of"));
        assert!(wrong(query.instant("at").unwrap_err()).contains("at: must be RFC 3339"));
        assert_eq!(query.text("expiry"), None);
        assert_eq!(query.words("names"), Some(vec!["a", "b"]));
        assert_eq!(Query::read("a=1&a=2").unwrap_err().code(), "bad_parameter");
    }

    #[test]
    fn an_instant_is_written_in_three_ways() {
        let expected = Timestamp::from_seconds(1_795_000_000);
        for text in ["1795000000", "1795000000000", "2026-11-18T11:06:40Z"] {
            assert_eq!(instant(text), Some(expected), "{text}");
        }
        for text in ["", "NaN", "-1", "1e300", "2026-11-18"] {
            assert_eq!(instant(text), None, "{text}");
        }
    }
}
