//! One HTTP GET with a limit on everything: time, size, and where it may lead.

mod backoff;
mod error;
#[cfg(test)]
pub(crate) mod server;

use std::error::Error as _;
use std::io::Read;
use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;
use quant::market::Timestamp;
use reqwest::header::{
    ACCEPT_ENCODING, ETAG, HeaderMap, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
    LOCATION, RETRY_AFTER,
};
use reqwest::{Client, Response, StatusCode, Url, redirect};

pub use backoff::{Backoff, Chance, retry_after};
pub use error::FetchError;
pub(crate) use error::quoted;

const USER_AGENT: &str = concat!("analytics/", env!("CARGO_PKG_VERSION"));

/// Limits of one request.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Until the whole answer is there.
    pub timeout: Duration,
    /// Until there is a connection, TLS included.
    pub connect_timeout: Duration,
    /// Longest body that is read.
    pub max_bytes: usize,
}

/// What a server tells of the version of its answer, to be asked for changes only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validators {
    etag: Option<HeaderValue>,
    last_modified: Option<HeaderValue>,
}

/// A good answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A body, and how to ask for another one.
    Body(Bytes, Validators),
    /// What was read before still stands.
    Unchanged,
}

/// Asks one address.
#[derive(Clone, Debug)]
pub struct Fetcher {
    client: Client,
    url: Url,
    limits: Limits,
    accepts_gzip: bool,
}

impl Fetcher {
    /// For an address that says `https://`, or `http://` in so many words. Redirects are refused,
    /// so no other one is ever asked.
    pub fn new(url: &str, limits: Limits) -> Result<Self, FetchError> {
        let url = checked(url)?;
        // Without a provider the client panics; a second install only says there is one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .user_agent(USER_AGENT)
            .timeout(limits.timeout)
            .connect_timeout(limits.connect_timeout)
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false);
        // No proxy knows this machine by its loopback address.
        let client = match is_loopback(&url) {
            true => client.no_proxy(),
            false => client,
        };
        let client = client.build();
        Ok(Self {
            client: client.map_err(|error| FetchError::Tls(cause(&error)))?,
            url,
            limits,
            accepts_gzip: false,
        })
    }

    /// The same that asks for gzip; a body may then want [`unpacked`].
    #[must_use]
    pub fn accepting_gzip(mut self) -> Self {
        self.accepts_gzip = true;
        self
    }

    /// Asks once; `known` are the validators of the answer that was understood last, `now` is what
    /// a date in `Retry-After` counts from.
    pub async fn get(&self, known: &Validators, now: Timestamp) -> Result<Answer, FetchError> {
        let request = self
            .client
            .get(self.url.clone())
            .headers(known.conditions());
        let request = match self.accepts_gzip {
            true => request.header(ACCEPT_ENCODING, "gzip"),
            false => request,
        };
        let response = request.send().await.map_err(|e| self.error(e))?;
        let status = response.status();
        if status == StatusCode::NOT_MODIFIED && *known != Validators::default() {
            return Ok(Answer::Unchanged);
        }
        if status != StatusCode::OK {
            return Err(refusal(&response, now));
        }
        let validators = Validators::of(response.headers());
        let body = self.body(response).await?;
        Ok(Answer::Body(body, validators))
    }

    /// Reads no further than the limit, whatever length the server states.
    async fn body(&self, mut response: Response) -> Result<Bytes, FetchError> {
        let max = self.limits.max_bytes;
        let stated = response.content_length().unwrap_or(0);
        if stated > max as u64 {
            return Err(FetchError::TooLarge(max));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| self.error(e))? {
            if body.len() + chunk.len() > max {
                return Err(FetchError::TooLarge(max));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.into())
    }

    fn error(&self, error: reqwest::Error) -> FetchError {
        if error.is_timeout() {
            return FetchError::Timeout(self.limits.timeout.as_millis() as u64);
        }
        match error.is_connect() {
            true => FetchError::Connect(cause(&error)),
            false => FetchError::Interrupted(cause(&error)),
        }
    }
}

impl Validators {
    fn of(headers: &HeaderMap) -> Self {
        Self {
            etag: headers.get(ETAG).cloned(),
            last_modified: headers.get(LAST_MODIFIED).cloned(),
        }
    }

    fn conditions(&self) -> HeaderMap {
        let pairs = [
            (IF_NONE_MATCH, &self.etag),
            (IF_MODIFIED_SINCE, &self.last_modified),
        ];
        let pairs = pairs.into_iter();
        pairs
            .filter_map(|(name, value)| Some((name, value.clone()?)))
            .collect()
    }
}

/// A body as it was before it was packed, where it was; longer than `max_bytes` is an error. Packed
/// bodies are told by how gzip begins, which no text does: servers forget to say so.
pub fn unpacked(body: Bytes, max_bytes: usize) -> Result<Vec<u8>, FetchError> {
    if !body.starts_with(&[0x1f, 0x8b]) {
        return match body.len() > max_bytes {
            true => Err(FetchError::TooLarge(max_bytes)),
            false => Ok(body.into()),
        };
    }
    let mut bytes = Vec::new();
    let mut limited = MultiGzDecoder::new(&body[..]).take(max_bytes as u64 + 1);
    let read = limited.read_to_end(&mut bytes);
    read.map_err(|error| FetchError::Damaged(quoted(&error.to_string())))?;
    match bytes.len() > max_bytes {
        true => Err(FetchError::TooLarge(max_bytes)),
        false => Ok(bytes),
    }
}

/// An address that may be asked. What it says is not repeated: it may hold a key.
fn checked(text: &str) -> Result<Url, FetchError> {
    let bad = |why: &str| FetchError::Url(format!("not an address to ask: {why}"));
    let url = Url::parse(text).map_err(|error| bad(&error.to_string()))?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(bad("it must begin with https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad("it holds a name or password"));
    }
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    host == "localhost" || address.is_some_and(|address| address.is_loopback())
}

/// What an answer other than 200 comes to.
fn refusal(response: &Response, now: Timestamp) -> FetchError {
    let status = response.status();
    let header = |name| response.headers().get(name)?.to_str().ok();
    if let (true, Some(to)) = (status.is_redirection(), header(LOCATION)) {
        return FetchError::Redirect {
            status: status.as_u16(),
            to: quoted(to),
        };
    }
    // RFC 9110 and RFC 6585 give the header a meaning with these two.
    let waits = [
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::SERVICE_UNAVAILABLE,
    ];
    let asked = header(RETRY_AFTER).filter(|_| waits.contains(&status));
    FetchError::Status {
        status: status.as_u16(),
        retry_after: asked.and_then(|text| retry_after(text, now)),
    }
}

/// The innermost cause, which is the one that says something; never the address.
fn cause(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    match error.source() {
        Some(_) => quoted(&innermost.to_string()),
        None => "the request failed".to_owned(),
    }
}

#[cfg(test)]
mod tests;
