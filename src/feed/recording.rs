//! The provider `recording`: event recordings at a chosen speed, with their times moved to the
//! present.

use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};
use quant::market::{Symbol, Timestamp};
use tokio::time::{Interval, MissedTickBehavior};

use super::message::{Message, What};
use super::provider::{FeedError, Options, Provider};
use super::restamp::Restamp;
use crate::clock::Clock;
use crate::recording::{self, Merge, Reader, Record};

/// The provider's name.
pub const NAME: &str = "recording";

/// Batches a second: fine enough that a hundredfold day looks continuous to a 2 Hz reader.
const TURN: Duration = Duration::from_millis(20);

/// The provider.
struct Recording {
    clock: Clock,
    symbols: Vec<Symbol>,
    events: Merge,
    next: Option<Record>,
    speed: f64,
    /// From the first connection on.
    restamp: Option<Restamp>,
    keep_times: bool,
    turns: Option<Interval>,
}

/// The provider of these options.
pub fn open(options: &Options) -> Result<Box<dyn Provider>, String> {
    if options.recordings.is_empty() {
        return Err(
            "the provider `recording` wants recordings: analytics feed --provider recording FILE.rec"
                .into(),
        );
    }
    if options.labels.is_some() {
        return Err("--labels: a recording does not know the truth about its trades".into());
    }
    let readers = options.recordings.iter().map(|path| Reader::open(path));
    let readers = readers.collect::<Result<Vec<_>, _>>();
    let readers = readers.map_err(|error| error.to_string())?;
    let names = readers.iter().flat_map(|reader| &reader.header().symbols);
    let symbols = names.filter_map(|name| Symbol::new(name).ok()).collect();
    let mut events = recording::merge(readers);
    let first = events.next().transpose().map_err(|why| why.to_string())?;
    Ok(Box::new(Recording {
        clock: options.clock.clone(),
        symbols,
        events,
        next: first,
        speed: options.feed.speed,
        restamp: None,
        keep_times: options.keep_times,
        turns: None,
    }))
}

impl Provider for Recording {
    fn name(&self) -> &'static str {
        NAME
    }

    fn connect(&mut self) -> BoxFuture<'_, Result<(), FeedError>> {
        let mut turns = tokio::time::interval(TURN);
        turns.set_missed_tick_behavior(MissedTickBehavior::Skip);
        self.turns = Some(turns);
        async { self.begin() }.boxed()
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Option<Vec<Message>>, FeedError>> {
        async {
            if self.next.is_none() && self.symbols.is_empty() {
                return Ok(None);
            }
            if let Some(turns) = &mut self.turns {
                turns.tick().await;
            }
            self.due().map(Some)
        }
        .boxed()
    }

    fn remarks(&self) -> Vec<String> {
        self.events.truncated().map(str::to_owned).collect()
    }
}

impl Recording {
    fn begin(&mut self) -> Result<(), FeedError> {
        if self.restamp.is_none() {
            let origin = self.next.as_ref().map_or(0, |record| record.t_ns);
            let restamp = Restamp::new(self.clock.now().nanos(), origin, self.speed);
            self.restamp = Some(restamp.map_err(FeedError::Fatal)?);
        }
        Ok(())
    }

    /// What is due by now.
    fn due(&mut self) -> Result<Vec<Message>, FeedError> {
        let now = self.clock.now();
        let Some(restamp) = self.restamp else {
            return Ok(Vec::new());
        };
        let named = self.symbols.drain(..).map(|symbol| Message {
            at: now,
            what: What::Symbol(symbol),
        });
        let mut messages: Vec<Message> = named.collect();
        while let Some(mut record) = self.next.take() {
            let at = restamp.t(record.t_ns);
            if at > now.nanos() {
                self.next = Some(record);
                break;
            }
            if !self.keep_times {
                record.value = restamp.value(&record.value);
            }
            messages.push(Message {
                at: Timestamp::from_nanos(at),
                what: What::Record(record),
            });
            let next = self.events.next().transpose();
            self.next = next.map_err(|error| FeedError::Fatal(error.to_string()))?;
        }
        Ok(messages)
    }
}
