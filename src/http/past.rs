//! What is asked of history, and what is said where it is off or away. A few questions run at one
//! time, each for a while at most: history serves people, and has a writer to look after.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use quant::market::{Span, Symbol, Timestamp};
use serde_json::Value;
use tokio::sync::Semaphore;

use super::error::ApiError;
use crate::clock::Clock;
use crate::history::database::{Cursor, Database, HistoryError, Point, PutCallRow, Which, Window};
use crate::history::row::{Bar, Chain, Tick};

/// Questions at one time.
const AT_ONCE: usize = 4;
/// How long one may take, waiting included.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest document of a chain.
const MAX_DOCUMENT: usize = 64 << 20;

/// History as it can be read. Clones are the same one.
#[derive(Clone)]
pub struct Past(Arc<Inner>);

struct Inner {
    standing: Mutex<Standing>,
    places: Semaphore,
    clock: Clock,
}

#[derive(Clone)]
enum Standing {
    /// The settings want none.
    Off,
    /// It could not be opened since then.
    Away(Timestamp),
    /// It is open; since when it does not answer, where that is so.
    Open(Database, Option<Timestamp>),
}

impl Past {
    /// There is none.
    pub fn off(clock: Clock) -> Self {
        Self::standing(Standing::Off, clock)
    }

    /// It is not open yet.
    pub fn away(clock: Clock) -> Self {
        let since = clock.now();
        Self::standing(Standing::Away(since), clock)
    }

    fn standing(standing: Standing, clock: Clock) -> Self {
        Self(Arc::new(Inner {
            standing: Mutex::new(standing),
            places: Semaphore::new(AT_ONCE),
            clock,
        }))
    }

    /// It is open.
    pub fn open(&self, database: Database) {
        *self.lock() = Standing::Open(database, None);
    }

    /// Prices of an underlying, newest first.
    pub(super) async fn ticks(&self, symbol: &Symbol, limit: u32) -> Result<Vec<Tick>, ApiError> {
        self.ask(|database| async move { database.ticks(symbol, limit, None).await })
            .await
    }

    /// Put-call ratios, newest first.
    pub(super) async fn put_call(
        &self,
        symbol: &Symbol,
        which: Which<'_>,
        limit: u32,
        before: Option<Cursor>,
    ) -> Result<Vec<PutCallRow>, ApiError> {
        self.ask(|database| async move { database.put_call(symbol, which, limit, before).await })
            .await
    }

    /// Chains, newest first.
    pub(super) async fn chains(
        &self,
        symbol: &Symbol,
        which: Which<'_>,
        limit: u32,
    ) -> Result<Vec<Chain>, ApiError> {
        self.ask(|database| async move { database.chains(symbol, which, limit, None).await })
            .await
    }

    /// The last chain of each series in a span of time.
    pub(super) async fn chains_at(
        &self,
        symbol: &Symbol,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Chain>, ApiError> {
        self.ask(|database| async move { database.chains_at(symbol, from, to).await })
            .await
    }

    /// Bars that begin before an instant, newest first.
    pub(super) async fn bars(
        &self,
        symbol: &Symbol,
        minutes: u32,
        limit: u32,
        before: Option<Timestamp>,
    ) -> Result<Vec<Bar>, ApiError> {
        self.ask(|database| async move { database.bars(symbol, minutes, limit, before).await })
            .await
    }

    /// Numbers of a document, oldest first.
    pub(super) async fn metrics(
        &self,
        symbol: &str,
        name: &str,
        fields: &[String],
        window: Window,
    ) -> Result<Vec<Point>, ApiError> {
        self.ask(|database| async move { database.metrics(symbol, name, fields, window).await })
            .await
    }

    /// Whether there is any to ask.
    pub(super) fn is_open(&self) -> bool {
        matches!(*self.lock(), Standing::Open(..))
    }

    async fn ask<T, F>(&self, question: impl FnOnce(Database) -> F) -> Result<T, ApiError>
    where
        F: Future<Output = Result<T, HistoryError>>,
    {
        let standing = self.lock().clone();
        let database = match standing {
            Standing::Off => {
                let text = "history is off (see history.url)";
                return Err(ApiError::away("history_off", text));
            }
            Standing::Away(since) => return Err(away(since)),
            Standing::Open(database, _) => database,
        };
        let asked = tokio::time::timeout(PATIENCE, async {
            let _place = self.0.places.acquire().await;
            question(database).await
        });
        let answered = match asked.await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(why)) => {
                tracing::debug!(%why, "history did not answer");
                Err(())
            }
            Err(_) => Err(()),
        };
        let now = self.0.clock.now();
        let mut standing = self.lock();
        let mut failing = Some(now);
        if let Standing::Open(_, since) = &mut *standing {
            *since = answered.as_ref().err().map(|()| since.unwrap_or(now));
            failing = *since;
        }
        answered.map_err(|()| away(failing.unwrap_or(now)).retry_after(5))
    }

    fn lock(&self) -> MutexGuard<'_, Standing> {
        // Replaced as a whole: a panic elsewhere leaves nothing half done.
        self.0
            .standing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn away(since: Timestamp) -> ApiError {
    let error = ApiError::away("history_away", "history does not answer");
    error.with("since", since.to_rfc3339())
}

/// The document of a chain that was kept.
pub(super) fn unpacked(chain: &Chain) -> Option<Value> {
    let text = zstd::bulk::decompress(&chain.document, MAX_DOCUMENT).ok()?;
    serde_json::from_slice(&text).ok()
}

/// Points as rows: the time in milliseconds and a value for each field, null where it has none.
pub(super) fn rows(points: &[Point], fields: &[String]) -> Vec<Vec<Value>> {
    let mut rows: Vec<Vec<Value>> = Vec::new();
    let mut at = None;
    for point in points {
        if at != Some(point.at) {
            at = Some(point.at);
            let mut row = vec![Value::Null; fields.len() + 1];
            row[0] = point.at.millis().into();
            rows.push(row);
        }
        let column = fields.iter().position(|field| *field == point.field);
        if let (Some(row), Some(column)) = (rows.last_mut(), column) {
            row[column + 1] = point.value.into();
        }
    }
    rows
}

/// The fields that points have, in order.
pub(super) fn fields_of(points: &[Point]) -> Vec<String> {
    let fields = points.iter().map(|point| point.field.clone());
    let fields: std::collections::BTreeSet<String> = fields.collect();
    fields.into_iter().collect()
}

/// A step of so many seconds.
pub(super) fn step(seconds: u64) -> Span {
    Span::from_seconds(seconds as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn past() -> Past {
        Past::away(Clock::standing_at(Timestamp::from_seconds(7)))
    }

    #[tokio::test]
    async fn history_that_is_off_or_away_says_so() {
        let symbol = Symbol::new("SPY").unwrap();
        let off = Past::off(Clock::System).ticks(&symbol, 1).await;
        assert_eq!(off.unwrap_err().code(), "history_off");
        let away = past().ticks(&symbol, 1).await.unwrap_err();
        assert_eq!(away.code(), "history_away");
        assert!(format!("{away:?}").contains("1970-01-01T00:00:07.000Z"));
    }

    #[test]
    fn points_of_one_instant_are_one_row() {
        let point = |seconds, field: &str, value| Point {
            at: Timestamp::from_seconds(seconds),
            field: field.to_owned(),
            value,
        };
        let points = [point(1, "b", 2.0), point(1, "a", 1.0), point(2, "b", 3.0)];
        let fields = fields_of(&points);
        assert_eq!(fields, ["a", "b"]);
        let rows = serde_json::to_string(&rows(&points, &fields)).unwrap();
        assert_eq!(rows, "[[1000,1.0,2.0],[2000,null,3.0]]");
    }
}
