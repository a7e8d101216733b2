//! The task that stores what is taken in: batches beside the passes, for as long as the program runs.
//!
//! A database that does not take a batch is asked again, less and less often; until it does, documents
//! wait and then are dropped and counted. Nothing else notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use chrono::{DateTime, NaiveDate};
use quant::market::{Span, Timestamp};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tracing::{error, info, warn};

use super::database::{Database, HistoryError};
use super::intake::{Intake, Published};
use super::row::Row;
use super::rows::{LastBars, Rows, SessionOf};
use super::status::{State, Status};
use crate::clock::{Clock, Stopwatch};
use crate::config::{self, Place};
use crate::telemetry;

/// Bytes of documents that make one batch at most.
const BATCH: usize = 8 << 20;
/// The wait after the first failure; doubles to the longest.
const RETRY: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(30)];
/// How long the database may take over a batch.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks for rows whose time is over, and how many of them one look forgets at most.
const FORGET_EVERY: Duration = Duration::from_secs(3_600);
const FORGET_AT_ONCE: u64 = 20_000;
/// Failures of one batch, not the database's own state, after which it is let go.
const TRIES: u32 = 3;

/// History under way.
pub struct History {
    intake: Intake,
    status: Arc<Status>,
    database: Reader,
    writing: JoinHandle<()>,
    in_hand: Arc<AtomicUsize>,
}

/// The open database, for questions; `None` while it is not open.
#[derive(Clone, Default)]
pub struct Reader(Arc<ArcSwapOption<Database>>);

impl Reader {
    /// The database, where it is open.
    pub fn get(&self) -> Option<Arc<Database>> {
        self.0.load_full()
    }
}

impl History {
    /// Starts to keep what is asked for; `None` where history is off.
    pub fn start(
        settings: &config::History,
        session_of: Arc<SessionOf>,
        clock: Clock,
    ) -> Option<Self> {
        if settings.url.place() == Place::Off {
            return None;
        }
        let status = Arc::new(Status::new(clock.now()));
        let intake = Intake::new(settings, status.clone());
        let database = Reader::default();
        let in_hand = Arc::new(AtomicUsize::new(0));
        let writer = Writer {
            settings: settings.clone(),
            intake: intake.clone(),
            status: status.clone(),
            reader: database.clone(),
            session_of,
            clock,
            wait: RETRY[0],
            forgotten: None,
            newest: None,
            is_ahead: false,
            bars: LastBars::default(),
            in_hand: in_hand.clone(),
        };
        Some(Self {
            in_hand,
            intake,
            status,
            database,
            writing: tokio::spawn(writer.write()),
        })
    }

    /// Where documents go in.
    pub fn intake(&self) -> Intake {
        self.intake.clone()
    }

    /// How it fares.
    pub fn status(&self) -> Arc<Status> {
        self.status.clone()
    }

    /// The database, for questions.
    pub fn reader(&self) -> Reader {
        self.database.clone()
    }

    /// Stores what waits and ends, within so long; what is not stored by then is lost and said.
    pub async fn close(mut self, patience: Duration) {
        self.intake.close();
        if timeout(patience, &mut self.writing).await.is_err() {
            self.writing.abort();
        }
        // What waits, and the batch that was under way. A database that was never opened took nothing.
        let bytes = self.status.report().waiting_bytes + self.in_hand.load(Relaxed) as u64;
        if bytes > 0 {
            warn!(bytes, "history ends with documents that were not stored");
        }
    }
}

fn slow() -> HistoryError {
    HistoryError::Busy(format!("no answer within {} s", PATIENCE.as_secs()))
}

struct Writer {
    settings: config::History,
    intake: Intake,
    status: Arc<Status>,
    reader: Reader,
    session_of: Arc<SessionOf>,
    clock: Clock,
    /// Until the next try, while the database does not answer.
    wait: Duration,
    /// Since rows were last forgotten.
    forgotten: Option<Stopwatch>,
    /// The time of the newest price or chain, as its source says it.
    newest: Option<Timestamp>,
    /// Whether it was said that the clock is far ahead of it.
    is_ahead: bool,
    bars: LastBars,
    /// Bytes of documents taken and not stored yet.
    in_hand: Arc<AtomicUsize>,
}

impl Writer {
    async fn write(mut self) {
        let database = self.open().await;
        let flush = Duration::from_millis(self.settings.flush_ms);
        while let Some(database) = &database
            && let Some(published) = self.intake.next(BATCH, flush).await
        {
            let bytes = published.iter().map(Published::weight).sum();
            self.in_hand.store(bytes, Relaxed);
            let rows = self.rows(published).await;
            self.store(database, rows).await;
            self.in_hand.store(0, Relaxed);
            self.forget(database).await;
        }
    }

    /// Opens the database, however long it takes; `None` where the end comes first.
    async fn open(&mut self) -> Option<Arc<Database>> {
        loop {
            match Database::open(&self.settings.url).await {
                Ok(database) => {
                    let database = Arc::new(database);
                    self.newest = database.newest_tick().await.unwrap_or_default();
                    self.reader.0.store(Some(database.clone()));
                    self.works();
                    return Some(database);
                }
                Err(why) => self.fails(&why).await,
            }
            if self.intake.is_closed() {
                return None;
            }
        }
    }

    /// The rows of documents. Unpacking and packing is work, so it is done where work may be done.
    async fn rows(&mut self, published: Vec<Published>) -> Vec<Row> {
        if published.is_empty() {
            return Vec::new();
        }
        let session_of = self.session_of.clone();
        let quotes = self.settings.option_quotes;
        let documents = published.len() as u64;
        let mut bars = std::mem::take(&mut self.bars);
        let made = tokio::task::spawn_blocking(move || {
            let mut make = Rows {
                session_of: &*session_of,
                quotes,
                bars: &mut bars,
            };
            let (mut rows, mut refused) = (Vec::new(), Vec::new());
            for document in &published {
                if let Err(why) = make.add(document, &mut rows) {
                    refused.push((document.key.clone(), why));
                }
            }
            (rows, refused, bars)
        });
        let (rows, refused, bars) = match made.await {
            Ok(made) => made,
            Err(why) => {
                error!(%why, documents, "documents cannot be kept");
                self.status.change(|report| report.refused += documents);
                return Vec::new();
            }
        };
        self.bars = bars;
        let times = rows.iter().filter_map(|row| match row {
            Row::Tick(tick) => Some(tick.at),
            Row::Chain(chain) => Some(chain.at),
            Row::Quote(_) | Row::Metric(_) | Row::Bar(_) => None,
        });
        self.newest = times.chain(self.newest).max();
        if let Some((key, why)) = refused.first() {
            // Ours, so that it is a fault of ours.
            error!(%key, why, documents = refused.len(), "a document cannot be kept");
            self.status
                .change(|report| report.refused += refused.len() as u64);
        }
        rows
    }

    /// Stores rows, however long it takes, unless they are what the database will never take.
    async fn store(&mut self, database: &Database, rows: Vec<Row>) {
        let mut tries = 0;
        while !rows.is_empty() {
            let watch = Stopwatch::start();
            let stored = timeout(PATIENCE, database.store(&rows)).await;
            let why = match stored.unwrap_or_else(|_| Err(slow())) {
                Ok(stored) => {
                    let kinds = Row::kinds(&rows);
                    let batch_ms = watch.elapsed().as_secs_f64() * 1e3;
                    self.status.change(|report| {
                        for (kind, count) in &kinds {
                            *report.stored.entry(kind).or_default() += count;
                        }
                        report.repeated += stored.known;
                        report.refused += stored.unfit;
                        report.batch_ms = Some(batch_ms);
                    });
                    for (kind, count) in kinds {
                        telemetry::history_rows(kind, count);
                    }
                    self.works();
                    return;
                }
                Err(why) => why,
            };
            // What the database is, and not what the rows are, passes.
            tries += u32::from(matches!(why, HistoryError::Other(_)));
            if tries == TRIES {
                let count = rows.len();
                error!(%why, rows = count, "history lets a batch go that the database refuses");
                self.status.change(|report| report.refused += count as u64);
                // What bars were let go comes again.
                self.bars.clear();
                return;
            }
            if matches!(why, HistoryError::Full(_)) {
                self.forgotten = None;
                self.forget(database).await;
            }
            self.fails(&why).await;
        }
    }

    /// Forgets rows whose time is over, a slice at a time.
    async fn forget(&mut self, database: &Database) {
        let rested = |watch: &Stopwatch| watch.elapsed() >= FORGET_EVERY;
        if !self.forgotten.as_ref().is_none_or(rested) {
            return;
        }
        let now = self.clock.now();
        let days = |days: u32| Span::from_seconds(f64::from(days) * 86_400.0);
        let rows_before = now.minus(days(self.settings.retention_days));
        // A clock that is ahead of every source by all that is kept would have everything forgotten.
        let is_ahead = self.newest.is_some_and(|newest| newest < rows_before);
        if is_ahead != std::mem::replace(&mut self.is_ahead, is_ahead) && is_ahead {
            let newest = self.newest.unwrap_or(now).to_rfc3339();
            let now = now.to_rfc3339();
            warn!(%now, %newest, "history forgets nothing: the clock is far ahead of the newest price");
        }
        if is_ahead {
            return;
        }
        let daily_before = now.minus(days(self.settings.daily_retention_days));
        let date = DateTime::from_timestamp(daily_before.whole_seconds(), 0);
        let daily_before = date.map_or(NaiveDate::MIN, |date| date.date_naive());
        let forgot = database.forget(rows_before, daily_before, FORGET_AT_ONCE);
        match timeout(PATIENCE, forgot).await {
            Ok(Ok(count)) => {
                self.status.change(|report| report.forgotten += count);
                // A full slice: the next one follows after the next batch.
                if count < FORGET_AT_ONCE {
                    self.forgotten = Some(Stopwatch::start());
                }
            }
            Ok(Err(why)) => {
                warn!(%why, "history cannot forget old rows");
                self.forgotten = Some(Stopwatch::start());
            }
            Err(_) => self.forgotten = Some(Stopwatch::start()),
        }
    }

    fn works(&mut self) {
        self.wait = RETRY[0];
        let before = self.status.report();
        if self.turns(State::Ok, None) {
            let place = &self.settings.url;
            match before.state {
                State::Degraded => {
                    info!(%place, dropped = before.dropped, "history is stored again")
                }
                State::Opening | State::Ok => info!(%place, "history is stored"),
            }
        }
    }

    /// Says what is wrong, and waits before it is tried again.
    async fn fails(&mut self, why: &HistoryError) {
        if self.turns(State::Degraded, Some(why.to_string())) {
            warn!(place = %self.settings.url, %why, "history is not stored");
        }
        sleep(self.wait).await;
        self.wait = (self.wait * 2).min(RETRY[1]);
    }

    fn turns(&self, state: State, error: Option<String>) -> bool {
        let now: Timestamp = self.clock.now();
        self.status.turns(state, error, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::HistoryUrl;
    use crate::history::row::Tick;
    use crate::store::exchange::{How, Write};
    use quant::market::Symbol;

    /// Keeps one document at an instant, and how many prices are there afterwards.
    async fn kept(url: &HistoryUrl, now: Timestamp, document: &'static str, value: String) -> u64 {
        let settings = config::History {
            url: url.clone(),
            flush_ms: 10,
            ..config::History::default()
        };
        let session_of = Arc::new(|_: &str, at: Timestamp| at.utc().date_naive());
        let clock = Clock::standing_at(now);
        let history = History::start(&settings, session_of, clock).unwrap();
        let write = Write {
            document,
            key: "k".into(),
            value: value.into(),
            ttl_seconds: 60,
            how: How::Replace,
        };
        history.intake().published(&[write], now);
        history.close(Duration::from_secs(10)).await;
        let database = Database::open(url).await.unwrap();
        database.counts().await.unwrap()["underlying_ticks"]
    }

    #[tokio::test]
    async fn a_clock_far_ahead_of_every_price_forgets_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("h.db").display());
        let url = HistoryUrl::new(&url).unwrap();
        let database = Database::open(&url).await.unwrap();
        let rows = (0..9_i64).map(|second| {
            Row::Tick(Tick {
                symbol: Symbol::new("SPY").unwrap(),
                at: Timestamp::from_seconds(second),
                price: 1.0,
            })
        });
        database.store(&rows.collect::<Vec<_>>()).await.unwrap();
        let later = Timestamp::from_seconds(100 * 86_400);
        let metric = r#"{"symbol":"SPY","spot":1}"#.to_owned();
        assert_eq!(kept(&url, later, "summary", metric).await, 9);
        let time = later.to_rfc3339();
        let tick = format!(r#"{{"product":"SPY","price":2,"timestamp":"{time}"}}"#);
        assert_eq!(kept(&url, later, "latest_underlying", tick).await, 1);
    }
}
