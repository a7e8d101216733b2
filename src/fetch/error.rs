//! Why a server gave nothing to read.

use std::time::Duration;

/// Longest foreign text that an error repeats, characters.
const MAX_QUOTE: usize = 80;

/// Why there is no answer to read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// Its address cannot be asked.
    #[error("{0}")]
    Url(String),
    /// The client could not be made.
    #[error("cannot set up TLS: {0} (are the platform's ca-certificates installed?)")]
    Tls(String),
    /// No connection.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// No whole answer in time.
    #[error("no whole answer within {0} ms")]
    Timeout(u64),
    /// The connection ended within the answer, or the answer was no HTTP.
    #[error("the answer broke off: {0}")]
    Interrupted(String),
    /// It points elsewhere, which is not followed.
    #[error("status {status} points to {to} (redirects are not followed; configure that address)")]
    Redirect {
        /// The status.
        status: u16,
        /// Where to.
        to: String,
    },
    /// Another status than 200.
    #[error("status {status}")]
    Status {
        /// The status.
        status: u16,
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// More than is read.
    #[error("the answer is longer than {0} bytes")]
    TooLarge(usize),
    /// What was packed cannot be unpacked.
    #[error("the packed answer is damaged: {0}")]
    Damaged(String),
}

impl FetchError {
    /// The same in one word that never changes, for metrics and the status.
    pub fn reason(&self) -> String {
        let word = match self {
            Self::Status { status, .. } => return format!("status_{status}"),
            Self::Url(_) => "bad_url",
            Self::Tls(_) => "tls",
            Self::Connect(_) => "connect",
            Self::Timeout(_) => "timeout",
            Self::Interrupted(_) => "interrupted",
            Self::Redirect { .. } => "redirect",
            Self::TooLarge(_) => "too_large",
            Self::Damaged(_) => "damaged",
        };
        word.to_owned()
    }

    /// How long the server asks to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// Text of a stranger, short and in one line, so that it may stand in a log.
pub(crate) fn quoted(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.trim().chars().take(MAX_QUOTE).map(plain).collect()
}
