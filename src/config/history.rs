//! The settings of history.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

use super::secret::masked;

/// What is kept, where and for how long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct History {
    /// The database.
    pub url: HistoryUrl,
    /// Days rows are kept, 1 to 3650.
    pub retention_days: u32,
    /// Days the last value of each session is kept, 1 to 36500.
    pub daily_retention_days: u32,
    /// Milliseconds between two batches, 10 to 60000.
    pub flush_ms: u64,
    /// The largest wait for the database, bytes, 1 MiB to 16 GiB: what comes beyond is dropped and
    /// counted.
    pub queue_bytes: u64,
    /// Documents whose numbers are kept.
    pub documents: Vec<String>,
    /// Seconds between two rows of a number, 1 to 3600.
    pub metrics_seconds: u64,
    /// Seconds between two rows of the chain of an expiry, 1 to 86400.
    pub chain_seconds: u64,
    /// Whether every contract of these chains is a row of its own, too.
    pub option_quotes: bool,
}

impl Default for History {
    fn default() -> Self {
        let documents = [
            "summary",
            "vpin",
            "gex",
            "pcr",
            "iv_rank",
            "vix1d",
            "portfolio",
            "sector",
            "correlation",
        ];
        Self {
            url: HistoryUrl::default(),
            retention_days: 30,
            daily_retention_days: 400,
            flush_ms: 1000,
            queue_bytes: 64 << 20,
            documents: documents.map(str::to_owned).into(),
            metrics_seconds: 60,
            chain_seconds: 300,
            option_quotes: false,
        }
    }
}

/// Where history is kept: `sqlite:FILE`, `postgres://…`, or `off`. A password is never shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct HistoryUrl(String);

/// A place to keep history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// Nowhere.
    Off,
    /// A file of SQLite.
    Sqlite(&'a str),
    /// A server that speaks the protocol of PostgreSQL; with the password.
    Postgres(&'a str),
}

const POSTGRES: [&str; 2] = ["postgres://", "postgresql://"];

impl HistoryUrl {
    /// The URL `text` spells; an error says what is wrong without repeating the text.
    pub fn new(text: &str) -> Result<Self, String> {
        let file = text.strip_prefix("sqlite:");
        let file = file.map(|file| file.strip_prefix("//").unwrap_or(file));
        let is_server = POSTGRES.iter().any(|start| text.starts_with(start));
        let is_plain = !text.chars().any(char::is_control);
        match (text, file) {
            ("off", _) => {}
            (_, Some(file)) if is_plain && !file.is_empty() && !file.contains(['?', '#']) => {}
            _ if is_server && is_plain && !text.contains(' ') => {}
            _ => return Err("must be sqlite:FILE, postgres://… or off".to_owned()),
        }
        Ok(Self(text.to_owned()))
    }

    /// Where it leads, with the password: for connecting, never for showing.
    pub fn place(&self) -> Place<'_> {
        match self.0.strip_prefix("sqlite:") {
            Some(file) => Place::Sqlite(file.strip_prefix("//").unwrap_or(file)),
            None if self.0 == "off" => Place::Off,
            None => Place::Postgres(&self.0),
        }
    }
}

/// Whether the URL of a server bears a password. The name of a user is none.
pub(super) fn has_password(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let user = place.rsplit_once('@').map(|(user, _)| user);
    user.is_some_and(|user| user.contains(':'))
        || query.contains('@')
        || query.to_ascii_lowercase().contains("pass")
}

impl Default for HistoryUrl {
    fn default() -> Self {
        Self("sqlite:var/history.db".to_owned())
    }
}

impl TryFrom<String> for HistoryUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::new(&text)
    }
}

impl fmt::Display for HistoryUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place() {
            Place::Postgres(url) if has_password(url) => f.write_str(&masked(url)),
            Place::Postgres(url) => f.write_str(url),
            Place::Off | Place::Sqlite(_) => f.write_str(&self.0),
        }
    }
}

impl fmt::Debug for HistoryUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// Masked, so that no dump can show the password.
impl Serialize for HistoryUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_stands_in_the_environment_only() {
        use crate::config::tests::{check_set, config, load_all};
        const URL: &str = "postgres://me:hunter2@db/history";
        check_set(
            &format!("history.url={URL}"),
            "--set history.url: a password on the command line can be read by others: \
             use the environment variable ANALYTICS__HISTORY__URL",
        );
        let file = format!("history.url = \"{URL}\"");
        let error = load_all(&file, &[], &[]).unwrap_err();
        assert!(error.contains("does not belong in the configuration file"));
        assert!(!error.contains("hunter2"), "{error}");
        let loaded = config("", &[("ANALYTICS__HISTORY__URL", URL)], &[]);
        assert_eq!(loaded.history.url.place(), Place::Postgres(URL));
        assert!(!format!("{loaded:?}").contains("hunter2"));
    }

    #[test]
    fn a_place_is_a_file_a_server_or_nowhere() {
        let url = |text| HistoryUrl::new(text).unwrap();
        assert_eq!(url("off").place(), Place::Off);
        assert_eq!(url("sqlite:var/h.db").place(), Place::Sqlite("var/h.db"));
        assert_eq!(
            url("sqlite:///var/h.db").place(),
            Place::Sqlite("/var/h.db")
        );
        let server = url("postgres://me:hunter2@h/db");
        assert_eq!(
            server.place(),
            Place::Postgres("postgres://me:hunter2@h/db")
        );
        assert_eq!(
            format!("{server} {server:?}"),
            "postgres://me:***@h/db \"postgres://me:***@h/db\""
        );
        assert_eq!(url("postgres://me@h/db").to_string(), "postgres://me@h/db");
        for text in [
            "",
            "sqlite:",
            "mysql://h",
            "sqlite:a?mode=ro",
            "postgres://a b",
        ] {
            assert!(HistoryUrl::new(text).is_err(), "{text}");
        }
    }
}
