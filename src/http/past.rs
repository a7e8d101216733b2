//! What is asked of history, and what is said where it is off or away. A few questions run at one
//! time, each for a while at most: history serves people, and has a writer to look after.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use quant::market::{Span, Symbol, Timestamp};
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::ApiError;
use crate::clock::Clock;
use crate::history::database::{Cursor, Database, HistoryError, Point, PutCallRow, Which, Window};
use crate::history::row::{Bar, Chain, Tick};
use crate::history::writer::Reader;

/// Questions at one time.
const AT_ONCE: usize = 4;
/// How long one may take, waiting included.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest document of a chain.
const MAX_DOCUMENT: usize = 64 << 20;

/// Which chain of a span of time.
#[derive(Clone, Copy)]
pub(super) enum End {
    First,
    Last,
}

/// History as it can be read. Clones are the same one.
#[derive(Clone)]
pub struct Past(Arc<Inner>);

struct Inner {
    /// `None` where the settings want none.
    reader: Option<Reader>,
    places: Arc<Semaphore>,
    clock: Clock,
    /// Since when it does not answer, where that is so; at first it is not open.
    away: Mutex<Option<Timestamp>>,
}

impl Past {
    /// What a reader finds; `None` where history is off.
    pub fn new(reader: Option<Reader>, clock: Clock) -> Self {
        Self(Arc::new(Inner {
            reader,
            places: Arc::new(Semaphore::new(AT_ONCE)),
            away: Mutex::new(Some(clock.now())),
            clock,
        }))
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

    /// What `work` makes of chains, newest first. It runs on a thread that may take its time, and is
    /// part of the question.
    pub(super) async fn chains<T: Send + 'static>(
        &self,
        symbol: &Symbol,
        which: Which<'_>,
        limit: u32,
        work: impl FnOnce(Vec<Chain>) -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let question = |database: Arc<Database>| async move {
            database.chains(symbol, which, limit, None).await
        };
        self.ask_and(question, work).await
    }

    /// The document of the chain of a series at one end of a span of time.
    pub(super) async fn chain_at(
        &self,
        symbol: &Symbol,
        series: &str,
        end: End,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Option<(Timestamp, Value)>, ApiError> {
        let question = |database: Arc<Database>| async move {
            match end {
                End::First => database.first_chain(symbol, series, from, to).await,
                End::Last => database.last_chain(symbol, series, from, to).await,
            }
        };
        let read = |chain: Option<Chain>| {
            let chain = chain?;
            let document = serde_json::from_slice(&unpacked(&chain)?).ok()?;
            Some((chain.at, document))
        };
        self.ask_and(question, read).await
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

    /// Whether there is any to ask by the settings; it may be away.
    pub(super) fn is_on(&self) -> bool {
        self.0.reader.is_some()
    }

    async fn ask<T, F>(&self, question: impl FnOnce(Arc<Database>) -> F) -> Result<T, ApiError>
    where
        F: Future<Output = Result<T, HistoryError>>,
    {
        Ok(self.answer(question).await?.0)
    }

    /// Asks, and makes something of the answer on a thread that may take its time. The place is kept
    /// until that is done, even where nobody waits for it any more.
    async fn ask_and<A, T, F>(
        &self,
        question: impl FnOnce(Arc<Database>) -> F,
        work: impl FnOnce(A) -> T + Send + 'static,
    ) -> Result<T, ApiError>
    where
        F: Future<Output = Result<A, HistoryError>>,
        A: Send + 'static,
        T: Send + 'static,
    {
        let (answered, place) = self.answer(question).await?;
        let worked = tokio::task::spawn_blocking(move || {
            let worked = work(answered);
            drop(place);
            worked
        });
        worked
            .await
            .map_err(|_| away(self.0.clock.now()).retry_after(5))
    }

    async fn answer<T, F>(
        &self,
        question: impl FnOnce(Arc<Database>) -> F,
    ) -> Result<(T, OwnedSemaphorePermit), ApiError>
    where
        F: Future<Output = Result<T, HistoryError>>,
    {
        let Some(reader) = &self.0.reader else {
            let text = "history is off (see history.url)";
            return Err(ApiError::away("history_off", text));
        };
        let asked = tokio::time::timeout(PATIENCE, async {
            let place = self.0.places.clone().acquire_owned().await.ok()?;
            let answered = question(reader.get()?).await;
            let answered = answered
                .inspect_err(|why| tracing::debug!(%why, "history did not answer"))
                .ok()?;
            Some((answered, place))
        });
        let answered = asked.await.ok().flatten();
        let now = self.0.clock.now();
        // One value that is replaced: a panic elsewhere leaves nothing half done.
        let mut since = self.0.away.lock().unwrap_or_else(PoisonError::into_inner);
        match &answered {
            Some(_) => *since = None,
            None => *since = since.or(Some(now)),
        }
        answered.ok_or_else(|| away(since.unwrap_or(now)).retry_after(5))
    }
}

fn away(since: Timestamp) -> ApiError {
    let error = ApiError::away("history_away", "history does not answer");
    error.with("since", since.to_rfc3339())
}

/// The text of a chain that was kept.
pub(super) fn unpacked(chain: &Chain) -> Option<Vec<u8>> {
    zstd::bulk::decompress(&chain.document, MAX_DOCUMENT).ok()
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

    #[tokio::test]
    async fn history_that_is_off_or_away_says_so() {
        let symbol = Symbol::new("SPY").unwrap();
        let clock = Clock::standing_at(Timestamp::from_seconds(7));
        let past = |reader| Past::new(reader, clock.clone());
        let off = past(None).ticks(&symbol, 1).await;
        assert_eq!(off.unwrap_err().code(), "history_off");
        let away = past(Some(Reader::default())).ticks(&symbol, 1).await;
        let away = away.unwrap_err();
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
