//! History in a file of SQLite: one connection writes, others read beside it (WAL).

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use sqlx::query::Query;
use sqlx::sqlite::{
    SqliteArguments, SqliteAutoVacuum, SqliteConnectOptions, SqliteConnection, SqliteJournalMode,
    SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row as _, Sqlite};
use tokio::sync::Mutex;

use quant::market::Symbol;

use super::batch::{Batch, ContractKey, Listed, day, expiry_of, finite, last_of_sessions};
use super::ids::Ids;
use super::{HistoryError, Stored, migrate, old};

/// A writer waits so long for another process, such as a backup.
const PATIENCE: Duration = Duration::from_millis(if cfg!(test) { 200 } else { 5000 });
/// Rows of one statement: beyond it nothing is gained.
const ROWS: usize = 256;
/// Pages of the log before they are moved into the file: 16 MiB.
const CHECKPOINT_PAGES: &str = "4000";
/// What the log may keep of the disk when it is empty, bytes.
const LOG_BYTES: &str = "67108864";
/// Free pages given back to the disk in one go: 8 MiB.
const GIVE_BACK: &str = "PRAGMA incremental_vacuum(2000)";

pub(super) struct File {
    path: String,
    writer: Mutex<Option<Writer>>,
    pub(super) readers: SqlitePool,
    /// Pages the file may have; for tests of a full disk.
    #[cfg(test)]
    pub(super) most_pages: std::sync::atomic::AtomicU32,
}

struct Writer {
    connection: SqliteConnection,
    ids: Ids,
}

impl File {
    pub(super) async fn open(path: &str) -> Result<Self, HistoryError> {
        create(Path::new(path))
            .map_err(|error| HistoryError::Other(format!("cannot create {path}: {error}")))?;
        let readers = SqliteConnectOptions::new()
            .filename(path)
            .read_only(true)
            .busy_timeout(PATIENCE)
            .disable_statement_logging();
        let readers = SqlitePoolOptions::new()
            .max_connections(4)
            .acquire_timeout(PATIENCE)
            .acquire_slow_threshold(PATIENCE)
            .connect_lazy_with(readers);
        let file = Self {
            path: path.to_owned(),
            writer: Mutex::default(),
            readers,
            #[cfg(test)]
            most_pages: std::sync::atomic::AtomicU32::new(0),
        };
        let writer = file.connect().await?;
        *file.writer.lock().await = Some(writer);
        Ok(file)
    }

    /// What an error means here.
    pub(super) fn explain(&self, error: &sqlx::Error) -> HistoryError {
        HistoryError::of(error, &self.path)
    }

    /// The writing connection; opened anew after every failure, so that no half of a transaction is left.
    async fn connect(&self) -> Result<Writer, HistoryError> {
        let options = SqliteConnectOptions::new()
            .filename(&self.path)
            // A file that was taken away is not silently begun anew: its directory may not be mounted.
            .create_if_missing(false)
            .auto_vacuum(SqliteAutoVacuum::Incremental)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(PATIENCE)
            .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
            .pragma("journal_size_limit", LOG_BYTES)
            .disable_statement_logging();
        #[cfg(test)]
        let options = match self.most_pages.load(std::sync::atomic::Ordering::Relaxed) {
            0 => options,
            pages => options.pragma("max_page_count", pages.to_string()),
        };
        let connection = options.connect().await;
        let mut connection = connection.map_err(|error| self.explain(&error))?;
        self.migrate(&mut connection).await?;
        let ids = Ids::default();
        Ok(Writer { connection, ids })
    }

    async fn migrate(&self, connection: &mut SqliteConnection) -> Result<(), HistoryError> {
        let explain = |error: sqlx::Error| self.explain(&error);
        // One process at a time.
        run(connection, "BEGIN IMMEDIATE").await.map_err(explain)?;
        let tables = "SELECT count(*), count(*) FILTER (WHERE name = 'history_layouts') \
                      FROM sqlite_schema WHERE type = 'table'";
        let tables = sqlx::query_as(tables).fetch_one(&mut *connection).await;
        let (tables, ours): (i64, i64) = tables.map_err(explain)?;
        if tables > 0 && ours == 0 {
            return Err(HistoryError::Damaged {
                path: self.path.clone(),
                problem: "it is a database of something else".to_owned(),
            });
        }
        run(connection, migrate::CREATE).await.map_err(explain)?;
        let found = sqlx::query_scalar(migrate::READ).fetch_one(&mut *connection);
        let found: Option<i64> = found.await.map_err(explain)?;
        let found = found.unwrap_or(0);
        if found > migrate::LATEST {
            return Err(HistoryError::Newer {
                place: self.path.clone(),
                found,
                known: migrate::LATEST,
            });
        }
        for (layout, sql) in (1..).zip(migrate::SQLITE).skip(found as usize) {
            let write = sqlx::query(migrate::WRITE).bind(layout);
            write.execute(&mut *connection).await.map_err(explain)?;
            run(connection, sql).await.map_err(explain)?;
        }
        run(connection, "COMMIT").await.map_err(explain)
    }

    /// Takes the writer out for as long as it works: where that fails, or nobody waits for it any more, the
    /// connection is closed and what it had begun is undone.
    pub(super) async fn store(&self, batch: &Batch<'_>) -> Result<Stored, HistoryError> {
        let mut slot = self.writer.lock().await;
        let mut writer = match slot.take() {
            Some(writer) => writer,
            None => self.connect().await?,
        };
        match writer.store(batch).await {
            Ok(stored) => {
                *slot = Some(writer);
                Ok(stored)
            }
            Err(error) => {
                writer.connection.close().await.ok();
                Err(self.explain(&error))
            }
        }
    }

    /// Closes the writing connection, as a failure does.
    #[cfg(test)]
    pub(super) async fn begin_anew(&self) {
        if let Some(writer) = self.writer.lock().await.take() {
            writer.connection.close().await.unwrap();
        }
    }

    /// See `Database::forget`.
    pub(super) async fn forget(&self, old: &old::Old) -> Result<u64, HistoryError> {
        let mut slot = self.writer.lock().await;
        let mut writer = match slot.take() {
            Some(writer) => writer,
            None => self.connect().await?,
        };
        match writer.forget(old).await {
            Ok(gone) => {
                *slot = Some(writer);
                Ok(gone)
            }
            Err(error) => {
                writer.connection.close().await.ok();
                Err(self.explain(&error))
            }
        }
    }
}

/// The file and its folder, where they are not there; others than owner and group read nothing.
fn create(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o750).create(folder)?;
    }
    let mut options = fs::OpenOptions::new();
    let made = options.write(true).create_new(true).mode(0o640).open(path);
    match made {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map(drop),
    }
}

async fn run(connection: &mut SqliteConnection, sql: &'static str) -> sqlx::Result<()> {
    sqlx::raw_sql(sql).execute(connection).await.map(drop)
}

impl Writer {
    async fn store(&mut self, batch: &Batch<'_>) -> sqlx::Result<Stored> {
        self.ids.trim();
        run(&mut self.connection, "BEGIN IMMEDIATE").await?;
        self.learn(batch).await?;
        let mut new = 0;
        new += self.store_ticks(batch).await?;
        new += self.store_quotes(batch).await?;
        new += self.store_chains(batch).await?;
        new += self.store_metrics(batch).await?;
        new += self.store_bars(batch).await?;
        run(&mut self.connection, "COMMIT").await?;
        Ok(Stored::new(new, batch))
    }

    async fn forget(&mut self, old: &old::Old) -> sqlx::Result<u64> {
        self.ids.forget_expired(old.expired_before);
        let mut gone = 0;
        for statement in old.statements() {
            let at_most = old.at_most.saturating_sub(gone).min(i64::MAX as u64) as i64;
            if at_most == 0 {
                break;
            }
            let delete = sqlx::query(statement.sql)
                .bind(statement.before)
                .bind(at_most);
            let deleted = delete.execute(&mut self.connection).await?;
            gone += deleted.rows_affected();
        }
        run(&mut self.connection, GIVE_BACK).await?;
        Ok(gone)
    }

    /// Gives ids to what is seen for the first time on this connection.
    async fn learn(&mut self, batch: &Batch<'_>) -> sqlx::Result<()> {
        let unknown = self.ids.unknown_series(&batch.metrics);
        insert(&mut self.connection, &SERIES, &unknown, |query, key| {
            let (symbol, name, field) = key;
            query.bind(symbol).bind(name).bind(field)
        })
        .await?;
        for some in unknown.chunks(ROWS) {
            let mut query = sqlx::query(AssertSqlSafe(FIND_SERIES.sql(some.len())));
            for (symbol, name, field) in some {
                query = query.bind(symbol).bind(name).bind(field);
            }
            for row in query.fetch_all(&mut self.connection).await? {
                let key = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
                self.ids.learn_series(&key, row.try_get(3)?);
            }
        }
        let unknown = self.ids.unknown_contracts(&batch.quotes);
        insert(&mut self.connection, &CONTRACTS, &unknown, |query, key| {
            bind_contract(query, key).bind(expiry_of(&key.series))
        })
        .await?;
        for some in unknown.chunks(ROWS) {
            let mut query = sqlx::query(AssertSqlSafe(FIND_CONTRACTS.sql(some.len())));
            for key in some {
                query = bind_contract(query, key);
            }
            for row in query.fetch_all(&mut self.connection).await? {
                let symbol: String = row.try_get(0)?;
                if let Ok(symbol) = Symbol::new(&symbol) {
                    let series = row.try_get(1)?;
                    let listed = Listed::new(row.try_get(2)?, row.try_get(3)?);
                    let key = ContractKey {
                        symbol,
                        series,
                        listed,
                    };
                    self.ids.learn_contract(key, row.try_get(4)?);
                }
            }
        }
        Ok(())
    }

    async fn store_ticks(&mut self, batch: &Batch<'_>) -> sqlx::Result<u64> {
        insert(&mut self.connection, &TICKS, &batch.ticks, |query, tick| {
            let query = query.bind(tick.symbol.as_str()).bind(tick.at.nanos());
            query.bind(tick.price)
        })
        .await
    }

    async fn store_quotes(&mut self, batch: &Batch<'_>) -> sqlx::Result<u64> {
        let quotes = self.ids.number_quotes(&batch.quotes);
        let quotes = quotes.ok_or(sqlx::Error::RowNotFound)?;
        insert(&mut self.connection, &QUOTES, &quotes, |query, row| {
            let (contract, quote) = row;
            let query = query.bind(quote.at.nanos()).bind(contract);
            let query = query.bind(finite(quote.bid)).bind(finite(quote.ask));
            let query = query.bind(finite(quote.last)).bind(finite(quote.iv));
            let query = query.bind(finite(quote.delta)).bind(finite(quote.volume));
            query.bind(finite(quote.open_interest))
        })
        .await
    }

    async fn store_chains(&mut self, batch: &Batch<'_>) -> sqlx::Result<u64> {
        insert(
            &mut self.connection,
            &CHAINS,
            &batch.chains,
            |query, chain| {
                let query = query.bind(chain.symbol.as_str()).bind(&chain.series);
                let query = query.bind(day(chain.expiry));
                let query = query.bind(chain.at.nanos()).bind(finite(chain.spot));
                let query = query
                    .bind(finite(chain.pcr_oi))
                    .bind(finite(chain.pcr_volume));
                let query = query.bind(finite(chain.atm_strike));
                let query = query.bind(finite(chain.atm_straddle));
                let query = query.bind(finite(chain.max_pain));
                let query = query.bind(finite(chain.call_oi)).bind(finite(chain.put_oi));
                query.bind(chain.document.as_ref())
            },
        )
        .await
    }

    async fn store_metrics(&mut self, batch: &Batch<'_>) -> sqlx::Result<u64> {
        let metrics = self.ids.number_metrics(&batch.metrics);
        let metrics = metrics.ok_or(sqlx::Error::RowNotFound)?;
        let new = insert(&mut self.connection, &METRICS, &metrics, |query, metric| {
            let query = query.bind(metric.block()).bind(metric.series);
            query.bind(metric.at.nanos()).bind(metric.value)
        })
        .await?;
        let last = last_of_sessions(&metrics);
        insert(&mut self.connection, &DAILY, &last, |query, metric| {
            let query = query.bind(day(metric.session)).bind(metric.series);
            query.bind(metric.at.nanos()).bind(metric.value)
        })
        .await?;
        Ok(new)
    }

    async fn store_bars(&mut self, batch: &Batch<'_>) -> sqlx::Result<u64> {
        insert(&mut self.connection, &BARS, &batch.bars, |query, bar| {
            let query = query.bind(bar.symbol.as_str()).bind(i64::from(bar.minutes));
            let query = query.bind(bar.start.nanos()).bind(bar.open).bind(bar.high);
            let query = query.bind(bar.low).bind(bar.close).bind(bar.volume);
            query.bind(bar.ticks.map(|ticks| ticks.min(i64::MAX as u64) as i64))
        })
        .await
    }
}

fn bind_contract<'q>(query: Bound<'q>, key: &ContractKey) -> Bound<'q> {
    let query = query.bind(key.symbol.as_str()).bind(&key.series);
    query.bind(key.listed.is_call).bind(key.listed.strike())
}

type Bound<'q> = Query<'q, Sqlite, SqliteArguments>;

/// A statement over rows of values.
struct Rows {
    head: &'static str,
    columns: usize,
    tail: &'static str,
}

impl Rows {
    fn sql(&self, rows: usize) -> String {
        let row = format!("({})", vec!["?"; self.columns].join(","));
        let rows = vec![row.as_str(); rows].join(",");
        format!("{} {rows} {}", self.head, self.tail)
    }
}

/// Inserts rows, many a statement: of few lengths, so that each stays prepared. How many are new.
async fn insert<T>(
    connection: &mut SqliteConnection,
    rows_of: &Rows,
    rows: &[T],
    bind: impl for<'q> Fn(Bound<'q>, &T) -> Bound<'q>,
) -> sqlx::Result<u64> {
    let (mut rest, mut rows, mut new) = (rows, ROWS, 0);
    while !rest.is_empty() {
        while rows > rest.len() {
            rows /= 2;
        }
        let sql = rows_of.sql(rows);
        while let Some((some, others)) = rest.split_at_checked(rows) {
            let mut query = sqlx::query(AssertSqlSafe(sql.clone()));
            for row in some {
                query = bind(query, row);
            }
            new += query.execute(&mut *connection).await?.rows_affected();
            rest = others;
        }
    }
    Ok(new)
}

const SERIES: Rows = Rows {
    head: "INSERT INTO metric_series (symbol, name, field) VALUES",
    columns: 3,
    tail: "ON CONFLICT DO NOTHING",
};

const FIND_SERIES: Rows = Rows {
    head: "WITH wanted (symbol, name, field) AS (VALUES",
    columns: 3,
    tail: ") SELECT s.symbol, s.name, s.field, s.id FROM wanted w CROSS JOIN metric_series s \
           ON s.symbol = w.symbol AND s.name = w.name AND s.field = w.field",
};

const CONTRACTS: Rows = Rows {
    head: "INSERT INTO contracts (symbol, series, is_call, strike, expiry) VALUES",
    columns: 5,
    tail: "ON CONFLICT DO NOTHING",
};

const FIND_CONTRACTS: Rows = Rows {
    head: "WITH wanted (symbol, series, is_call, strike) AS (VALUES",
    columns: 4,
    tail: ") SELECT c.symbol, c.series, c.is_call, c.strike, c.id FROM wanted w \
           CROSS JOIN contracts c ON c.symbol = w.symbol AND c.series = w.series \
           AND c.is_call = w.is_call AND c.strike = w.strike",
};

const TICKS: Rows = Rows {
    head: "INSERT INTO underlying_ticks (symbol, at, price) VALUES",
    columns: 3,
    tail: "ON CONFLICT DO NOTHING",
};

const QUOTES: Rows = Rows {
    head: "INSERT INTO option_quotes \
           (at, contract, bid, ask, last, iv, delta, volume, open_interest) VALUES",
    columns: 9,
    tail: "ON CONFLICT DO NOTHING",
};

const CHAINS: Rows = Rows {
    head: "INSERT INTO option_chains (symbol, series, expiry, at, spot, pcr_oi, pcr_volume, atm_strike, \
           atm_straddle, max_pain, call_oi, put_oi, document) VALUES",
    columns: 13,
    tail: "ON CONFLICT DO NOTHING",
};

const METRICS: Rows = Rows {
    head: "INSERT INTO metrics (block, series, at, value) VALUES",
    columns: 4,
    tail: "ON CONFLICT DO NOTHING",
};

const DAILY: Rows = Rows {
    head: "INSERT INTO metrics_daily (session, series, at, value) VALUES",
    columns: 4,
    tail: "ON CONFLICT (session, series) DO UPDATE SET at = excluded.at, value = excluded.value \
           WHERE excluded.at > metrics_daily.at",
};

const BARS: Rows = Rows {
    head: "INSERT INTO bars (symbol, minutes, start, open, high, low, close, volume, ticks) VALUES",
    columns: 9,
    tail: "ON CONFLICT (symbol, minutes, start) DO UPDATE SET open = excluded.open, \
           high = excluded.high, low = excluded.low, close = excluded.close, \
           volume = excluded.volume, ticks = excluded.ticks \
           WHERE (bars.open, bars.high, bars.low, bars.close, bars.volume, bars.ticks) IS NOT \
           (excluded.open, excluded.high, excluded.low, excluded.close, excluded.volume, \
           excluded.ticks)",
};
