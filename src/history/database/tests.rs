//! Faults of a file that only its own library can make. What both databases do is in `tests/it/history.rs`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use quant::market::{Symbol, Timestamp};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions};
use tempfile::TempDir;

use super::{Database, HistoryError, Place};
use crate::config::HistoryUrl;
use crate::history::row::{Row, Tick};

struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("deep/er/history.db")
    }

    async fn try_open(&self) -> Result<Database, HistoryError> {
        let url = format!("sqlite:{}", self.file().display());
        Database::open(&HistoryUrl::new(&url).unwrap()).await
    }

    async fn open(&self) -> Database {
        self.try_open().await.unwrap()
    }

    async fn other(&self) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(self.file());
        options.create_if_missing(true).connect().await.unwrap()
    }
}

fn ticks(seconds: std::ops::Range<i64>) -> Vec<Row> {
    let tick = |second| {
        Row::Tick(Tick {
            symbol: Symbol::new("SPX").unwrap(),
            at: Timestamp::from_seconds(second),
            price: 1.0,
        })
    };
    seconds.map(tick).collect()
}

async fn count(database: &Database) -> u64 {
    database.counts().await.unwrap()["underlying_ticks"]
}

async fn run(connection: &mut SqliteConnection, sql: &str) {
    let sql = sqlx::raw_sql(AssertSqlSafe(sql));
    sql.execute(connection).await.unwrap();
}

#[tokio::test]
async fn a_file_is_made_with_its_folder_and_is_not_everyones() {
    let home = Home::new();
    let database = home.open().await;
    database.store(&ticks(0..9)).await.unwrap();
    for name in ["history.db", "history.db-wal"] {
        let mode = fs::metadata(home.file().with_file_name(name)).unwrap();
        assert_eq!(mode.permissions().mode() & 0o137, 0, "{name}");
    }
    let mut other = home.other().await;
    for (pragma, expected) in [("auto_vacuum", "2"), ("journal_mode", "wal")] {
        let sql = format!("SELECT CAST({pragma} AS TEXT) FROM pragma_{pragma}");
        let value: String = sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_one(&mut other)
            .await
            .unwrap();
        assert_eq!(value, expected, "{pragma}");
    }
}

#[tokio::test]
async fn a_full_disk_loses_nothing_acknowledged_and_passes() {
    let home = Home::new();
    let database = home.open().await;
    database.store(&ticks(0..1_000)).await.unwrap();
    let Place::Sqlite(file) = &*database.0 else {
        panic!("a file was opened");
    };
    file.most_pages.store(40, Ordering::Relaxed);
    // The limit is of a connection: the next one has it.
    file.begin_anew().await;
    let error = database.store(&ticks(1_000..99_000)).await.unwrap_err();
    assert!(matches!(error, HistoryError::Full(_)), "{error}");
    assert!(error.passes());
    assert_eq!(count(&database).await, 1_000);
    let error = database.store(&ticks(1_000..99_000)).await.unwrap_err();
    assert!(matches!(error, HistoryError::Full(_)), "{error}");
    // What fits is taken, and retention makes room.
    database.store(&ticks(1_000..1_100)).await.unwrap();
    let gone = database.forget(Timestamp::from_seconds(500), chrono::NaiveDate::MIN, 9_999);
    assert_eq!(gone.await.unwrap(), 500);
    file.most_pages.store(0, Ordering::Relaxed);
    file.begin_anew().await;
    let stored = database.store(&ticks(1_000..99_000)).await.unwrap();
    assert_eq!((stored.rows, stored.known), (97_900, 100));
    assert_eq!(count(&database).await, 98_500);
}

#[tokio::test]
async fn what_is_forgotten_is_given_back_to_the_disk() {
    let home = Home::new();
    let database = home.open().await;
    database.store(&ticks(0..50_000)).await.unwrap();
    let gone = database.forget(
        Timestamp::from_seconds(50_000),
        chrono::NaiveDate::MIN,
        99_999,
    );
    assert_eq!(gone.await.unwrap(), 50_000);
    let mut other = home.other().await;
    run(&mut other, "PRAGMA wal_checkpoint(TRUNCATE)").await;
    let bytes = fs::metadata(home.file()).unwrap().len();
    assert!(bytes < 200_000, "{bytes}");
}

#[tokio::test]
async fn a_locked_database_is_busy_and_still_answers() {
    let home = Home::new();
    let database = home.open().await;
    database.store(&ticks(0..9)).await.unwrap();
    let mut other = home.other().await;
    run(&mut other, "BEGIN IMMEDIATE").await;
    let error = database.store(&ticks(9..20)).await.unwrap_err();
    assert!(matches!(error, HistoryError::Busy(_)), "{error}");
    assert!(error.passes());
    assert_eq!(count(&database).await, 9);
    run(&mut other, "ROLLBACK").await;
    assert_eq!(database.store(&ticks(9..20)).await.unwrap().rows, 11);
}

#[tokio::test]
async fn a_file_that_is_taken_away_is_waited_for() {
    let home = Home::new();
    let database = home.open().await;
    let Place::Sqlite(file) = &*database.0 else {
        panic!("a file was opened");
    };
    file.begin_anew().await;
    let elsewhere = home.file().with_extension("away");
    fs::rename(home.file(), &elsewhere).unwrap();
    let error = database.store(&ticks(0..9)).await.unwrap_err();
    assert!(matches!(error, HistoryError::Away(_)), "{error}");
    fs::rename(&elsewhere, home.file()).unwrap();
    assert_eq!(database.store(&ticks(0..9)).await.unwrap().rows, 9);
}

#[tokio::test]
async fn a_store_that_nobody_waits_for_leaves_nothing_half() {
    let home = Home::new();
    let database = home.open().await;
    for polls in [1, 2, 3, 5, 8] {
        let rows = ticks(0..20_000);
        let mut store = std::pin::pin!(database.store(&rows));
        for _ in 0..polls {
            assert!(futures_util::poll!(store.as_mut()).is_pending());
            tokio::task::yield_now().await;
        }
    }
    let database = home.open().await;
    let rows = database.store(&ticks(0..30_000)).await.unwrap();
    assert_eq!(rows.rows + rows.known, 30_000);
    assert!([0, 20_000].contains(&rows.known), "{rows:?}");
    assert_eq!(count(&database).await, 30_000);
}

#[tokio::test]
async fn a_file_of_a_later_release_is_refused() {
    let home = Home::new();
    drop(home.open().await);
    let mut other = home.other().await;
    run(&mut other, "INSERT INTO history_layouts VALUES (77)").await;
    let error = home.try_open().await.unwrap_err();
    assert!(
        matches!(error, HistoryError::Newer { found: 77, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("has layout 77"), "{error}");
}

#[tokio::test]
async fn a_damaged_file_is_refused_by_name_and_left_alone() {
    let home = Home::new();
    fs::create_dir_all(home.file().parent().unwrap()).unwrap();
    let damage = vec![b'x'; 10_000];
    fs::write(home.file(), &damage).unwrap();
    let error = home.try_open().await.unwrap_err();
    assert!(matches!(error, HistoryError::Damaged { .. }), "{error}");
    let path = home.file().display().to_string();
    assert!(error.to_string().contains(&path), "{error}");
    assert_eq!(fs::read(home.file()).unwrap(), damage);
}

#[tokio::test]
async fn a_page_that_is_damaged_later_is_named_too() {
    let home = Home::new();
    let database = home.open().await;
    database.store(&ticks(0..20_000)).await.unwrap();
    let mut other = home.other().await;
    run(&mut other, "PRAGMA wal_checkpoint(TRUNCATE)").await;
    drop((database, other));
    let mut bytes = fs::read(home.file()).unwrap();
    let half = bytes.len() / 2;
    bytes[half..].fill(0xff);
    fs::write(home.file(), bytes).unwrap();
    let database = home.open().await;
    let error = database.counts().await.unwrap_err();
    assert!(matches!(error, HistoryError::Damaged { .. }), "{error}");
    assert!(!error.passes());
}

#[tokio::test]
async fn a_database_of_something_else_is_not_written_to() {
    let home = Home::new();
    fs::create_dir_all(home.file().parent().unwrap()).unwrap();
    let mut other = home.other().await;
    run(&mut other, "CREATE TABLE bills (total INTEGER)").await;
    let error = home.try_open().await.unwrap_err();
    assert!(error.to_string().contains("something else"), "{error}");
}
