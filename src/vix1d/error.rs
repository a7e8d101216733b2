//! Why an official source gave no value.

use std::time::Duration;

use crate::fetch::FetchError;

/// Why there is no value, or nothing to read one from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// There was nothing to read.
    #[error(transparent)]
    Fetch(#[from] FetchError),
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
            Self::Fetch(error) => return error.reason(),
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
            Self::Fetch(error) => error.retry_after(),
            _ => None,
        }
    }
}
