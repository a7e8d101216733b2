//! One symbol, asked for again and again: every period while it is answered for, more rarely while
//! it is not.

use std::time::Duration;

use chrono_tz::Tz;
use quant::market::Symbol;
use tokio::sync::mpsc;
use tracing::{info, warn};
use xxhash_rust::xxh3::xxh3_64;

use super::NAME;
use super::answer::{Answer, Failure};
use crate::clock::{Clock, Stopwatch};
use crate::feed::message::Message;
use crate::fetch::{self, Backoff, Chance, FetchError, Fetcher, Limits, Validators, unpacked};
use crate::telemetry;

/// How often the log repeats that a symbol is not answered for.
const TOLD_AGAIN: Duration = Duration::from_secs(60);

/// How a symbol is asked for.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    /// The file.
    pub(super) url: String,
    /// Between two answers, and after a first failure.
    pub(super) every: Duration,
    /// Before the first question.
    pub(super) first: Duration,
    /// Where in the period the later ones have their place.
    pub(super) place: Duration,
    /// Fraction by which chance moves waits, 0 to 1.
    pub(super) jitter: f64,
    /// After many failures; no wait that a server asks for is longer.
    pub(super) backoff_max: Duration,
    pub(super) limits: Limits,
    pub(super) max_unpacked_bytes: usize,
    /// How late quotes are.
    pub(super) delay_ms: u64,
    /// The zone of the time in an answer.
    pub(super) zone: Tz,
}

/// What a question came to that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answered {
    /// News, which were handed on.
    Published,
    /// The server says that nothing changed.
    Unchanged,
    /// A file that is not newer than the one before.
    NotNewer,
    /// Nobody wants to know any more.
    Closed,
}

impl Answered {
    fn name(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Unchanged => "unchanged",
            Self::NotNewer => "not_newer",
            Self::Closed => "closed",
        }
    }
}

/// A symbol with what is remembered between two questions.
pub(super) struct Poller {
    symbol: Symbol,
    terms: Terms,
    clock: Clock,
    fetcher: Fetcher,
    backoff: Backoff,
    chance: Chance,
    /// Of the answer that was understood last.
    validators: Validators,
    /// The time of the file that was published last, epoch milliseconds.
    published: Option<i64>,
    /// When the log was last told of a failure.
    told: Option<Stopwatch>,
}

impl Poller {
    pub(super) fn new(symbol: Symbol, terms: Terms, clock: Clock) -> Result<Self, FetchError> {
        // Another one in each process and for each symbol.
        let seed = xxh3_64(symbol.as_str().as_bytes()) ^ clock.now().nanos().unsigned_abs();
        Ok(Self {
            fetcher: Fetcher::new(&terms.url, terms.limits)?.accepting_gzip(),
            backoff: Backoff::new(
                terms.every,
                terms.backoff_max.max(terms.every),
                terms.jitter,
            ),
            chance: Chance::seeded(seed),
            validators: Validators::default(),
            published: None,
            told: None,
            symbol,
            terms,
            clock,
        })
    }

    /// Asks until nobody wants to know.
    pub(super) async fn turn(mut self, to: mpsc::Sender<Vec<Message>>) {
        tokio::time::sleep(self.terms.first).await;
        let mut to_place = self.terms.place.saturating_sub(self.terms.first);
        loop {
            let result = self.ask(&to).await;
            if result == Ok(Answered::Closed) {
                return;
            }
            let wait = self.settle(result) + std::mem::take(&mut to_place);
            tokio::time::sleep(wait).await;
        }
    }

    /// Asks once, and hands on what is new.
    pub(super) async fn ask(
        &mut self,
        to: &mpsc::Sender<Vec<Message>>,
    ) -> Result<Answered, Failure> {
        let asked = self.clock.now();
        let answer = self.fetcher.get(&self.validators, asked).await;
        let (body, validators) = match answer {
            Ok(fetch::Answer::Body(body, validators)) => (body, validators),
            Ok(fetch::Answer::Unchanged) => return Ok(Answered::Unchanged),
            Err(FetchError::Status { status: 403, .. }) => return Err(Failure::Forbidden),
            Err(error) => return Err(error.into()),
        };
        // Before it is unpacked: ten times as large, it waits for nobody.
        let Ok(place) = to.reserve().await else {
            return Ok(Answered::Closed);
        };
        let now = self.clock.now();
        // Tens of megabytes of text: other tasks go on meanwhile.
        let answer = tokio::task::block_in_place(|| {
            let text = unpacked(body, self.terms.max_unpacked_bytes)?;
            Answer::read(&text, &self.symbol, &self.terms, self.published, now)
        })?;
        // Only now: an answer that could not be read is asked for whole the next time.
        self.validators = validators;
        let Some(answer) = answer else {
            return Ok(Answered::NotNewer);
        };
        if answer.bad > 0 {
            let (symbol, contracts) = (self.symbol.as_str(), answer.bad);
            warn!(symbol, contracts, "contracts of an unknown form left out");
        }
        self.published = Some(answer.chain.as_of_ms);
        place.send(answer.into_messages());
        Ok(Answered::Published)
    }

    /// Notes what came of a question, and says how long to wait before the next.
    pub(super) fn settle(&mut self, result: Result<Answered, Failure>) -> Duration {
        let symbol = self.symbol.as_str();
        let failures = self.backoff.failures();
        match result {
            Ok(answered) => {
                telemetry::feed_answered(NAME, answered.name().to_owned());
                self.backoff.succeeded();
                if self.told.take().is_some() {
                    info!(symbol, failures, "CBOE answers again");
                }
                let (every, jitter) = (self.terms.every, self.terms.jitter);
                every.mul_f64(1.0 + jitter * self.chance.draw())
            }
            Err(error) => {
                telemetry::feed_answered(NAME, error.reason());
                let asked = match &error {
                    Failure::Fetch(error) => error.retry_after(),
                    _ => None,
                };
                let wait = self.backoff.failed(self.chance.draw(), asked);
                let silent = self.told.as_ref().map(Stopwatch::elapsed);
                if silent.is_none_or(|silent| silent >= TOLD_AGAIN) {
                    self.told = Some(Stopwatch::start());
                    let (reason, retry_s) = (error.reason(), wait.as_secs());
                    warn!(symbol, reason, %error, retry_s, "no chain from CBOE");
                }
                wait
            }
        }
    }
}
