//! The database: opened and migrated, batches stored, old rows forgotten, questions answered.
//! SQLite and PostgreSQL hold the same tables and answer alike.

mod batch;
mod error;
mod ids;
mod migrate;
mod old;
mod postgres;
mod questions;
mod sqlite;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use chrono::NaiveDate;
use quant::market::{Span, Symbol, Timestamp};

use super::row::Row;
use crate::config::{HistoryUrl, Place as Url};

pub use error::HistoryError;

/// History, open. Clones are the same one.
#[derive(Clone)]
pub struct Database(Arc<Place>);

enum Place {
    Sqlite(sqlite::File),
    Postgres(postgres::Server),
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// Rows that are new; of bars also those that replaced another.
    pub rows: u64,
    /// Rows whose key was there, and bars that were there as they are.
    pub known: u64,
    /// Rows that cannot be stored: a number that is none, NUL in a name.
    pub unfit: u64,
}

/// Where a page of chains ended: the next begins after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The time of its last row.
    pub at: Timestamp,
    /// The series of its last row.
    pub series: String,
}

/// Which chains of a symbol are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which<'a> {
    /// Every one.
    All,
    /// Those of all series that expire on a date.
    Expiry(NaiveDate),
    /// Those of one series.
    Series(&'a str),
}

/// The chain of one series without its document. Units as in `Chain`.
#[derive(Clone, Debug, PartialEq)]
pub struct PutCallRow {
    /// The underlying.
    pub symbol: Symbol,
    /// The series: its date, `2026-12-18`, or one of several of that date, `2026-12-18:AM`.
    pub series: String,
    /// The date it expires.
    pub expiry: NaiveDate,
    /// When its quotes were so.
    pub at: Timestamp,
    /// Price of the underlying.
    pub spot: Option<f64>,
    /// Open interest of puts over that of calls.
    pub pcr_oi: Option<f64>,
    /// Volume of puts over that of calls.
    pub pcr_volume: Option<f64>,
    /// The listed strike nearest to spot.
    pub atm_strike: Option<f64>,
    /// Price of its call and put together.
    pub atm_straddle: Option<f64>,
    /// Settlement price at which holders are paid least.
    pub max_pain: Option<f64>,
    /// Contracts open in calls.
    pub call_oi: Option<f64>,
    /// Contracts open in puts.
    pub put_oi: Option<f64>,
}

impl PutCallRow {
    /// Where the next page begins when this is the last row of one.
    pub fn cursor(&self) -> Cursor {
        let series = self.series.clone();
        Cursor {
            at: self.at,
            series,
        }
    }
}

/// Which points of a series are asked for: those after `from` and up to `to`, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// After this.
    pub from: Timestamp,
    /// Up to this.
    pub to: Timestamp,
    /// Of each field the last of every step, where steps end at its multiples since 1970; all where there is none.
    pub step: Option<Span>,
    /// At most so many points, and always whole instants or whole steps (the first even where it is more): going
    /// on from the time of the last one misses nothing.
    pub limit: u32,
}

/// A number of a series.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// When it was so.
    pub at: Timestamp,
    /// The field of the document.
    pub field: String,
    /// The number.
    pub value: f64,
}

/// The tables of rows.
const TABLES: [&str; 6] = [
    "underlying_ticks",
    "option_quotes",
    "option_chains",
    "metrics",
    "metrics_daily",
    "bars",
];

impl Database {
    /// Opens it, creates what is missing, and brings its layout up to date. A file begins with its folder.
    pub async fn open(url: &HistoryUrl) -> Result<Self, HistoryError> {
        let place = match url.place() {
            Url::Sqlite(path) => Place::Sqlite(sqlite::File::open(path).await?),
            Url::Postgres(url) => Place::Postgres(postgres::Server::open(url).await?),
            Url::Off => {
                let text = "history.url is off: there is nothing to open";
                return Err(HistoryError::Other(text.to_owned()));
            }
        };
        Ok(Self(Arc::new(place)))
    }

    /// Stores rows, all or none: once this is `Ok` they are on the disk. Of one key the first said stays, of
    /// bars the last; so the same rows may be stored again after any failure.
    pub async fn store(&self, rows: &[Row]) -> Result<Stored, HistoryError> {
        let batch = batch::Batch::new(rows);
        match &*self.0 {
            Place::Sqlite(file) => file.store(&batch).await,
            Place::Postgres(server) => server.store(&batch).await,
        }
    }

    /// Removes `at_most` rows that are older: last values of sessions before one date, all others before an
    /// instant (metrics up to ten minutes later). How many went; fewer than `at_most` when that was all.
    pub async fn forget(
        &self,
        rows_before: Timestamp,
        daily_before: NaiveDate,
        at_most: u64,
    ) -> Result<u64, HistoryError> {
        let old = old::Old::new(rows_before, daily_before, at_most);
        match &*self.0 {
            Place::Sqlite(file) => file.forget(&old).await,
            Place::Postgres(server) => server.forget(&old).await,
        }
    }

    /// What an error means here.
    fn explain(&self, error: &sqlx::Error) -> HistoryError {
        match &*self.0 {
            Place::Sqlite(file) => file.explain(error),
            Place::Postgres(server) => server.explain(error),
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &*self.0 {
            Place::Sqlite(_) => "Database(sqlite)",
            Place::Postgres(_) => "Database(postgres)",
        })
    }
}

impl Stored {
    fn new(rows: u64, batch: &batch::Batch<'_>) -> Self {
        let known = batch.len().saturating_sub(rows);
        let unfit = batch.unfit;
        Self { rows, known, unfit }
    }
}
