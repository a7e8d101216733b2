//! The layouts, oldest first, and which of them stands.

/// The layouts of a database, each on top of the one before.
pub(super) const SQLITE: [&str; 1] = [include_str!("migrations/sqlite_0001.sql")];
/// The same for a server.
pub(super) const POSTGRES: [&str; 1] = [include_str!("migrations/postgres_0001.sql")];

const _: () = assert!(SQLITE.len() == POSTGRES.len());

/// The latest layout.
pub(super) const LATEST: i64 = SQLITE.len() as i64;

/// Where the numbers of the layouts that stand are written.
pub(super) const CREATE: &str =
    "CREATE TABLE IF NOT EXISTS history_layouts (layout BIGINT PRIMARY KEY)";
/// The latest of them.
pub(super) const READ: &str = "SELECT max(layout) FROM history_layouts";
/// Says that one stands. Said before it does, in its transaction: of two that begin at once the second waits here.
pub(super) const WRITE: &str = "INSERT INTO history_layouts (layout) VALUES ($1)";
