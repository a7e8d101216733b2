//! One official source, asked again and again: rarely while it answers, more rarely while it does
//! not. What it says is left in the store, from where a restart takes it up.

mod ledger;
mod status;

use std::sync::Arc;
use std::time::Duration;

use quant::market::{Calendars, Timestamp};
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{info, warn};

use self::ledger::Ledger;
pub use self::status::{SourceState, SourceStatus};
use super::Reading;
use super::error::SourceError;
use super::{Vendor, is_future};
use crate::clock::Clock;
use crate::fetch::{Answer, Backoff, Chance, Fetcher, Limits, Validators};
use crate::sink::Sink;
use crate::source::Source;
use crate::store::keys;
use crate::telemetry;

/// The exchange whose sessions the index has.
const EXCHANGE: &str = "XCBO";

/// A store that did not answer is tried again after this. It is the engine that reports it.
const STORE_RETRY: Duration = Duration::from_secs(5);

/// How a source is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    /// Its address.
    pub url: String,
    /// Until a whole answer is there.
    pub timeout: Duration,
    /// Until there is a connection.
    pub connect_timeout: Duration,
    /// Between two good answers; also across a restart.
    pub every: Duration,
    /// After a first failure.
    pub backoff_min: Duration,
    /// After many; no wait that a server asks for is longer.
    pub backoff_max: Duration,
    /// Fraction by which chance moves these, 0 to 1.
    pub jitter: f64,
    /// Longest answer that is read.
    pub max_bytes: usize,
    /// Observations that the list in the store keeps.
    pub history_window: usize,
}

impl Terms {
    /// The terms that suit a vendor: asked every 5 minutes, at most 10 s long.
    pub fn of(vendor: Vendor) -> Self {
        Self {
            url: vendor.url().to_owned(),
            timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(5),
            every: Duration::from_secs(300),
            backoff_min: Duration::from_secs(30),
            backoff_max: Duration::from_secs(3600),
            jitter: 0.2,
            // Cboe's file grows by 11 kB a year.
            max_bytes: 1 << 20,
            history_window: 480,
        }
    }

    /// Whether the address can be asked at all.
    pub fn check(&self) -> Result<(), SourceError> {
        Ok(Fetcher::new(&self.url, self.limits()).map(drop)?)
    }

    fn limits(&self) -> Limits {
        Limits {
            timeout: self.timeout,
            connect_timeout: self.connect_timeout,
            max_bytes: self.max_bytes,
        }
    }
}

/// A source and the world it is asked in.
pub struct Polling {
    /// Who is asked.
    pub vendor: Vendor,
    /// How.
    pub terms: Terms,
    /// When sessions end.
    pub calendars: Arc<Calendars>,
    /// Where an earlier run left its last reading.
    pub source: Source,
    /// Where readings go.
    pub sink: Sink,
    /// What time it is.
    pub clock: Clock,
    /// Where chance comes from; another one in each process.
    pub seed: u64,
    /// Who wants to know how it goes.
    pub status: Arc<SourceStatus>,
}

/// Asks the source until told to stop. It ends by itself only where it can never ask.
pub async fn poll(polling: Polling, mut stop: watch::Receiver<bool>) {
    let turning = async {
        match Poller::new(polling) {
            Ok(poller) => poller.turn().await,
            Err((polling, error)) => {
                let now = polling.clock.now();
                polling.status.failed(&error, now, None);
                warn!(source = polling.vendor.name(), reason = error.reason(), %error, "vix1d source cannot be asked");
            }
        }
    };
    tokio::select! {
        () = turning => (),
        // A request under way is dropped: it has changed nothing.
        _ = stop.wait_for(|stop| *stop) => (),
    }
}

/// A source with what is remembered between two requests.
struct Poller {
    polling: Polling,
    fetcher: Fetcher,
    backoff: Backoff,
    chance: Chance,
    ledger: Ledger,
    /// Of the answer that was understood last.
    validators: Validators,
}

impl Poller {
    fn new(polling: Polling) -> Result<Self, (Box<Polling>, SourceError)> {
        let terms = &polling.terms;
        let fetcher = Fetcher::new(&terms.url, terms.limits());
        let fetcher = match fetcher {
            Ok(fetcher) => fetcher,
            Err(error) => return Err((Box::new(polling), error.into())),
        };
        Ok(Self {
            fetcher,
            backoff: Backoff::new(terms.backoff_min, terms.backoff_max, terms.jitter),
            chance: Chance::seeded(polling.seed),
            ledger: Ledger::new(polling.vendor, terms.history_window),
            validators: Validators::default(),
            polling,
        })
    }

    async fn turn(mut self) {
        let mut due = Instant::now() + self.resume().await;
        loop {
            let wake = match self.ledger.is_written() {
                true => due,
                false => due.min(Instant::now() + STORE_RETRY),
            };
            tokio::time::sleep_until(wake).await;
            if Instant::now() >= due {
                let result = self.ask().await;
                due = Instant::now() + self.settle(result);
            }
            self.write().await;
        }
    }

    /// Takes up what an earlier run left, and says how long to wait before the first request.
    /// Without a store there is nobody to ask for: it waits for one.
    async fn resume(&mut self) -> Duration {
        let key = [keys::vix1d_last(self.polling.vendor.name())];
        let found = loop {
            let now = self.polling.clock.now();
            match self.polling.source.load(&key, now).await {
                Ok(found) => break found,
                Err(_) => tokio::time::sleep(STORE_RETRY).await,
            }
        };
        let now = self.polling.clock.now();
        let last = found.into_iter().next().flatten();
        let last = last.and_then(|bytes| Reading::from_json(&bytes));
        let origin = self.polling.vendor.origin();
        // One that is ahead of the clock would stand in the way of every other.
        let last = last.filter(|r| r.source == origin && !is_future(r.observed_at, now));
        let Some(last) = last else {
            return Duration::ZERO;
        };
        self.ledger.resume(last);
        self.polling.status.resumed(last);
        rest_of(self.polling.terms.every, last.fetched_at, now)
    }

    async fn ask(&mut self) -> Result<Option<Reading>, SourceError> {
        let asked = self.polling.clock.now();
        let answer = self.fetcher.get(&self.validators, asked).await?;
        let (body, validators) = match answer {
            Answer::Body(body, validators) => (body, validators),
            Answer::Unchanged => return Ok(None),
        };
        let exchange = self.polling.calendars.exchange(EXCHANGE);
        let exchange = exchange.expect("the calendars have the exchange of index options");
        let now = self.polling.clock.now();
        let reading = self.polling.vendor.read(&body, exchange, now)?;
        // Only now: an answer that could not be read is asked for whole the next time.
        self.validators = validators;
        Ok(Some(reading))
    }

    /// Notes what came, and says how long to wait before the next request.
    fn settle(&mut self, result: Result<Option<Reading>, SourceError>) -> Duration {
        let Polling {
            vendor,
            terms,
            status,
            clock,
            ..
        } = &self.polling;
        let (source, now) = (vendor.name(), clock.now());
        let failures = self.backoff.failures();
        let answered = match result {
            Ok(answered) => answered,
            Err(error) => {
                let chance = self.chance.draw();
                let wait = self.backoff.failed(chance, error.retry_after());
                telemetry::vix1d_fetched(source, error.reason());
                status.failed(&error, now, Some(wait));
                if failures == 0 {
                    let reason = error.reason();
                    warn!(source, reason, %error, "vix1d source does not answer; asking less often");
                }
                return wait;
            }
        };
        let outcome = match answered {
            Some(reading) => self.ledger.observe(reading),
            None => self.ledger.unchanged(now),
        };
        self.backoff.succeeded();
        telemetry::vix1d_fetched(source, outcome.name().to_owned());
        status.answered(self.ledger.known(), now, terms.every);
        if failures > 0 {
            info!(source, failures, "vix1d source answers again");
        }
        terms.every
    }

    /// Writes what the store does not have; it stays noted where the store does not take it.
    async fn write(&mut self) {
        let writes = self.ledger.writes();
        if !writes.is_empty() {
            let now = self.polling.clock.now();
            if self.polling.sink.publish(&writes, now).await.is_ok() {
                self.ledger.written();
            }
        }
        self.polling.status.unwritten(self.ledger.unwritten());
    }
}

/// What is left of `every` since `then`. A clock that was set back costs one `every` at most.
fn rest_of(every: Duration, then: Timestamp, now: Timestamp) -> Duration {
    let since = u64::try_from(now.since(then).nanos()).unwrap_or(0);
    every.saturating_sub(Duration::from_nanos(since))
}

#[cfg(test)]
mod tests;
