//! What can go wrong with a database, as what a caller can do about it.

use std::fmt;

use sqlx::error::DatabaseError;

/// Why the database did not do it. The text is for an operator and never holds a password.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// No space: it works again once there is some. What was acknowledged is untouched.
    #[error("no space for history: {0}; free some, or shorten history.retention_days")]
    Full(String),
    /// Someone else holds it, or it is overloaded; trying again helps.
    #[error("history is busy: {0}")]
    Busy(String),
    /// The server cannot be reached or does not serve us, or the file cannot be; it is tried again on the
    /// next call.
    #[error("history is away: {0}")]
    Away(String),
    /// A later release has written it.
    #[error(
        "history at {place} has layout {found}, and this release knows {known}; \
         use the release that wrote it, or another place"
    )]
    Newer {
        /// The file, or the server.
        place: String,
        /// The layout that stands there.
        found: i64,
        /// The latest layout known here.
        known: i64,
    },
    /// The file is not a database of history, or is broken.
    #[error(
        "{path} is not a usable history: {problem}; move it away to begin anew, or try \
         `sqlite3 {path} .recover` to save what is readable"
    )]
    Damaged {
        /// The file.
        path: String,
        /// What the database says.
        problem: String,
    },
    /// Anything else: settings, a bug.
    #[error("history: {0}")]
    Other(String),
}

/// SQLite's codes without their extension.
mod sqlite {
    pub(super) const BUSY: i32 = 5;
    pub(super) const LOCKED: i32 = 6;
    pub(super) const CORRUPT: i32 = 11;
    pub(super) const FULL: i32 = 13;
    /// A folder that is not mounted, a disk that is mounted read-only or fails: of the host, not of a row.
    pub(super) const READ_ONLY: i32 = 8;
    pub(super) const IO: i32 = 10;
    pub(super) const CANNOT_OPEN: i32 = 14;
    pub(super) const NOT_A_DATABASE: i32 = 26;
    /// Extended: a file did not grow. Where the disk is full the code is `FULL`; this is a quota or a limit
    /// of file sizes.
    pub(super) const CANNOT_WRITE: [i32; 2] = [778, 4874];
}

impl HistoryError {
    /// What an error of the library means, about the history at `place`.
    pub(super) fn of(error: &sqlx::Error, place: &impl fmt::Display) -> Self {
        use sqlx::Error::{Io, PoolClosed, PoolTimedOut, Tls, WorkerCrashed};
        match error {
            sqlx::Error::Database(inner) => Self::of_database(inner.as_ref(), place),
            Io(_) | PoolTimedOut | PoolClosed | WorkerCrashed => {
                Self::Away(format!("{place}: {error}"))
            }
            Tls(_) => Self::Other(format!("{place}: TLS: {error}")),
            _ => Self::Other(format!("{place}: {error}")),
        }
    }

    fn of_database(error: &dyn DatabaseError, place: &impl fmt::Display) -> Self {
        let code = error.code().unwrap_or_default();
        let text = format!("{place}: {}", error.message());
        if error
            .try_downcast_ref::<sqlx::sqlite::SqliteError>()
            .is_some()
        {
            return Self::of_sqlite(code.parse().unwrap_or_default(), text, error, place);
        }
        // https://www.postgresql.org/docs/current/errcodes-appendix.html
        match code.as_ref() {
            "53100" => Self::Full(text),
            // Deadlock, serialization, lock timeout, statement timeout.
            "40P01" | "40001" | "55P03" | "57014" => Self::Busy(text),
            _ => match code.get(..2) {
                // Connections that end, a role that may not (any more), a server that shuts down, starts up
                // or has trouble of its own, a standby: of the server, not of a row.
                Some("08" | "28" | "57" | "58") => Self::Away(text),
                Some("53") => Self::Busy(text),
                _ if ["25P03", "25006", "42501", "XX000"].contains(&code.as_ref()) => {
                    Self::Away(text)
                }
                _ => Self::Other(text),
            },
        }
    }

    fn of_sqlite(
        code: i32,
        text: String,
        error: &dyn DatabaseError,
        place: &impl fmt::Display,
    ) -> Self {
        match code & 0xff {
            sqlite::FULL => Self::Full(text),
            _ if sqlite::CANNOT_WRITE.contains(&code) => Self::Full(format!(
                "{text} (a full disk, a quota, or a limit of file sizes)"
            )),
            sqlite::BUSY | sqlite::LOCKED => Self::Busy(text),
            sqlite::READ_ONLY | sqlite::IO | sqlite::CANNOT_OPEN => Self::Away(text),
            sqlite::CORRUPT | sqlite::NOT_A_DATABASE => Self::Damaged {
                path: place.to_string(),
                problem: error.message().to_owned(),
            },
            _ => Self::Other(text),
        }
    }

    /// Whether the same call may succeed later without a change of settings.
    pub fn passes(&self) -> bool {
        matches!(self, Self::Full(_) | Self::Busy(_) | Self::Away(_))
    }
}
