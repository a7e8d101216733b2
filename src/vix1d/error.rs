//! Why an official source gave no value.

use std::time::Duration;

/// Longest foreign text that an error repeats, characters.
const MAX_QUOTE: usize = 80;

/// Why there is no value, or nothing to read one from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
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
    /// Something else than the table.
    #[error("{0}, not a CSV")]
    NotCsv(&'static str),
    /// Something else than JSON of the known shape.
    #[error("{0}, not a chart")]
    NotChart(String),
    /// The vendor reports an error of its own.
    #[error("the vendor says: {0}")]
    Vendor(String),
    /// The table lacks a column.
    #[error("no column {column} (the header is `{header}`)")]
    WrongColumn {
        /// The column that is wanted.
        column: &'static str,
        /// The columns there are.
        header: String,
    },
    /// The chart is of another symbol.
    #[error("the chart is of `{0}`")]
    WrongSymbol(String),
    /// The table ends within its only row.
    #[error("the table is cut off")]
    Truncated,
    /// There is no day, or no value in it.
    #[error("no value in it")]
    Empty,
    /// Every value is of a time to come.
    #[error("observed in the future: {0}")]
    Future(String),
    /// The newest value is none that the index can have.
    #[error("`{value}` of {at} is no level of the index (above 0, at most 1000)")]
    BadValue {
        /// As it stands there.
        value: String,
        /// When it is of.
        at: String,
    },
}

impl SourceError {
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
            Self::NotCsv(_) => "not_csv",
            Self::NotChart(_) => "not_chart",
            Self::Vendor(_) => "vendor_error",
            Self::WrongColumn { .. } => "wrong_column",
            Self::WrongSymbol(_) => "wrong_symbol",
            Self::Truncated => "truncated",
            Self::Empty => "empty",
            Self::Future(_) => "future",
            Self::BadValue { .. } => "bad_value",
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
pub(super) fn quoted(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.trim().chars().take(MAX_QUOTE).map(plain).collect()
}
