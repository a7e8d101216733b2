//! One client that follows documents: a snapshot first, then what changes, at the client's own pace.
//!
//! Nothing is queued for it but the few documents on their way out: it reads the changes from where
//! it is, and where a document changed twice meanwhile it is told the newer. One that falls behind
//! what is remembered is told so and let go.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use quant::calculators;
use quant::market::Symbol;
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior};

use super::error::{ApiError, nearest};
use super::market::too_many_watched;
use super::query::{Query, clipped};
use super::{Desk, sessions};
use crate::chain_service::CARDS;
use crate::engine::symbol::VIEWS;
use crate::store::published::{Document, HEARTBEAT, Kind, OVERALL, Published, Read, Slot};
use crate::telemetry;

/// Time between two signs of life.
const BEAT: Duration = Duration::from_secs(1);
/// Documents on their way to one client.
const AT_ONCE: usize = 16;
/// Symbols of which one client may have the views.
const MOST_WITH_VIEWS: usize = 16;
/// Least time between two looks at what changed.
const PAUSE: Duration = Duration::from_millis(20);

/// Which documents.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Selection {
    symbols: Option<BTreeSet<String>>,
    names: Option<BTreeSet<String>>,
}

impl Selection {
    /// What the parameters `symbols` and `names` say.
    pub(super) fn of(query: &Query) -> Result<Self, ApiError> {
        Self::new(query.words("symbols"), query.words("names"))
    }

    /// These symbols, `None` for all; these names, `None` for all there are of analytics.
    pub(super) fn new(
        symbols: Option<Vec<&str>>,
        names: Option<Vec<&str>>,
    ) -> Result<Self, ApiError> {
        for symbol in symbols.iter().flatten() {
            if *symbol != OVERALL
                && let Err(why) = Symbol::new(symbol)
            {
                return Err(ApiError::parameter("symbols", why));
            }
        }
        for name in names.iter().flatten() {
            let kind = name.split(':').next().unwrap_or_default();
            if !known_names().any(|known| known == kind) {
                let hint = nearest(kind, known_names());
                let hint = hint.map(|hint| format!(" (did you mean {hint}?)"));
                let name = clipped(name);
                let text = format!("no document {name:?}{}", hint.unwrap_or_default());
                return Err(ApiError::parameter("names", text));
            }
        }
        let set = |words: Option<Vec<&str>>| {
            let words = words.filter(|words| !words.is_empty())?;
            Some(words.into_iter().map(str::to_owned).collect())
        };
        let selection = Self {
            symbols: set(symbols),
            names: set(names),
        };
        match selection.watched().len() {
            0..=MOST_WITH_VIEWS => Ok(selection),
            _ => {
                let text = format!("book and tape are of {MOST_WITH_VIEWS} symbols at most");
                Err(ApiError::parameter("symbols", text))
            }
        }
    }

    fn wants(&self, slot: &Slot) -> bool {
        let symbols = self.symbols.as_ref();
        let of_symbol = symbols.is_none_or(|symbols| symbols.contains(&*slot.symbol));
        let names = self.names.as_ref();
        let named =
            |names: &BTreeSet<String>| names.contains(&*slot.name) || names.contains(slot.document);
        let of_name = match slot.kind {
            Kind::Analytics => names.is_none_or(named),
            Kind::Chain => names.is_some_and(named),
            Kind::View => symbols.is_some() && names.is_some_and(named),
        };
        of_symbol && of_name
    }

    /// The symbols whose views are wanted.
    fn watched(&self) -> Vec<Symbol> {
        let views = self
            .names
            .iter()
            .flatten()
            .any(|name| VIEWS.contains(&name.as_str()));
        let symbols = self.symbols.iter().flatten().filter(|_| views);
        symbols
            .filter_map(|symbol| Symbol::new(symbol).ok())
            .collect()
    }
}

/// What a document may be called.
pub(super) fn known_names() -> impl Iterator<Item = &'static str> {
    let analytics = calculators::all().map(|card| card.name);
    let chains = CARDS.iter().map(|card| card.name);
    let chains = chains.filter(|name| !matches!(*name, "events" | "latest_option"));
    analytics.chain(chains).chain(VIEWS).chain([HEARTBEAT])
}

/// What a client is told.
#[derive(Clone, Debug)]
pub(super) enum Event {
    /// A document, and whether it is a change: only then has it a place to go on from.
    Document(Arc<Slot>, Arc<Document>, bool),
    /// So many documents were the snapshot, which is as of this sequence.
    SnapshotEnd { documents: usize, sequence: u64 },
    /// A sign of life.
    Heartbeat { now: i64, pass: u64, behind: u64 },
    /// This is the end: it was too slow and so many changes are lost, or its session is over.
    Dropped { reason: &'static str, lost: u64 },
}

/// Where a client is.
enum Stage {
    /// In the snapshot: the next place, what was told, and where the changes begin.
    Snapshot {
        next: usize,
        told: usize,
        head: u64,
    },
    Changes,
    Over,
}

/// One client.
pub(super) struct Follower {
    desk: Arc<Desk>,
    selection: Selection,
    /// The symbols whose views it wants.
    watched: Vec<Symbol>,
    /// The session it lives by, where it does.
    session: Option<sessions::Key>,
    /// Whether a place is wanted, by number.
    wanted: Vec<bool>,
    cursor: u64,
    stage: Stage,
    queue: VecDeque<Event>,
    news: watch::Receiver<u64>,
    stop: watch::Receiver<bool>,
    beats: Interval,
    _place: Place,
}

impl Follower {
    /// A client that has seen everything up to `last`, as it says.
    pub(super) fn new(
        desk: Arc<Desk>,
        selection: Selection,
        last: Option<&str>,
        kind: &'static str,
        session: Option<sessions::Key>,
    ) -> Result<Self, ApiError> {
        let place = Place::take(&desk, kind)?;
        let mut beats = tokio::time::interval(BEAT);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let watched = selection.watched();
        watch(&desk, &watched)?;
        let mut follower = Self {
            selection,
            watched,
            session,
            wanted: Vec::new(),
            cursor: 0,
            stage: Stage::Changes,
            queue: VecDeque::new(),
            news: desk.news.clone(),
            stop: desk.stop.clone(),
            beats,
            desk,
            _place: place,
        };
        match last.and_then(|last| resumed(&follower.desk.published, last)) {
            Some(sequence) => follower.cursor = sequence,
            None => follower.begin(),
        }
        Ok(follower)
    }

    /// Follows other documents from here on, beginning with a snapshot of them.
    pub(super) fn select(&mut self, selection: Selection) -> Result<(), ApiError> {
        let watched = selection.watched();
        watch(&self.desk, &watched)?;
        self.watched = watched;
        self.selection = selection;
        self.wanted.clear();
        self.queue.clear();
        self.begin();
        Ok(())
    }

    fn begin(&mut self) {
        let head = self.desk.published.head();
        self.cursor = head;
        self.stage = Stage::Snapshot {
            next: 0,
            told: 0,
            head,
        };
    }

    /// What to tell next; `None` where this is the end.
    pub(super) async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.queue.pop_front() {
                return Some(event);
            }
            let more = match self.stage {
                Stage::Over => return None,
                Stage::Snapshot { .. } => self.show(),
                Stage::Changes => self.look(),
            };
            if more {
                // Where there is always more, a sign of life is due all the same.
                let due = std::future::poll_fn(|context| {
                    let due = self.beats.poll_tick(context).is_ready();
                    std::task::Poll::Ready(due)
                });
                if due.await {
                    self.beat();
                }
                continue;
            }
            tokio::select! {
                _ = self.beats.tick() => self.beat(),
                changed = self.news.changed() => changed.ok()?,
                _ = self.stop.changed() => return None,
            }
        }
    }

    fn beat(&mut self) {
        let now = self.desk.clock.now();
        let session = self.session.as_ref();
        if session.is_some_and(|session| !self.desk.sessions.stands(session, now)) {
            telemetry::http_dropped("signed_out");
            self.stage = Stage::Over;
            self.queue.clear();
            let reason = "signed_out";
            self.queue.push_back(Event::Dropped { reason, lost: 0 });
            return;
        }
        // Where others took the last places meanwhile, its views rest until there is one.
        let _ = watch(&self.desk, &self.watched);
        let published = &self.desk.published;
        self.queue.push_front(Event::Heartbeat {
            now: now.millis(),
            pass: self.desk.status.lock().passes.count,
            behind: published.head().saturating_sub(self.cursor),
        });
    }

    /// The next documents of the snapshot.
    fn show(&mut self) -> bool {
        let Stage::Snapshot { next, told, head } = &mut self.stage else {
            return false;
        };
        let now = self.desk.clock.now();
        let published = &self.desk.published;
        while self.queue.len() < AT_ONCE {
            let Some(slot) = u32::try_from(*next)
                .ok()
                .and_then(|id| published.slot_at(id))
            else {
                self.queue.push_back(Event::SnapshotEnd {
                    documents: *told,
                    sequence: *head,
                });
                self.stage = Stage::Changes;
                return true;
            };
            *next += 1;
            let wanted = self.selection.wants(&slot);
            if let Some(document) = wanted.then(|| slot.live(now)).flatten() {
                self.queue.push_back(Event::Document(slot, document, false));
                *told += 1;
            }
        }
        true
    }

    /// The next changes; whether there may be more.
    fn look(&mut self) -> bool {
        let published = &self.desk.published;
        let head = published.head();
        // Places are made before anything is put there.
        for slot in published.slots_from(self.wanted.len()) {
            self.wanted.push(self.selection.wants(&slot));
        }
        let mut found = Vec::new();
        let wanted = |id: u32| self.wanted.get(id as usize).copied().unwrap_or_default();
        match published.changes(self.cursor, head, AT_ONCE, wanted, &mut found) {
            Read::To(cursor) => self.cursor = cursor,
            Read::Lost(lost) => {
                telemetry::http_dropped("behind");
                self.stage = Stage::Over;
                let reason = "slow";
                self.queue.push_back(Event::Dropped { reason, lost });
                return true;
            }
        }
        let found = found.into_iter();
        let found = found.map(|(slot, document)| Event::Document(slot, document, true));
        self.queue.extend(found);
        self.cursor < head
    }
}

/// Keeps these symbols watched, as far as they are known.
fn watch(desk: &Desk, symbols: &[Symbol]) -> Result<(), ApiError> {
    let known = symbols.iter().filter(|symbol| desk.knows_symbol(symbol));
    let known: Vec<Symbol> = known.cloned().collect();
    match desk.published.watch(&known, desk.clock.now()) {
        true => Ok(()),
        false => Err(too_many_watched()),
    }
}

/// The sequence a client says it has seen, where the changes since are remembered.
fn resumed(published: &Published, last: &str) -> Option<u64> {
    let (epoch, sequence) = last.split_once('-')?;
    let sequence: u64 = sequence.parse().ok()?;
    let known = epoch == published.epoch() && published.remembers(sequence);
    known.then_some(sequence)
}

/// A place among the streams, given back when the client goes.
struct Place {
    desk: Arc<Desk>,
    kind: &'static str,
}

impl Place {
    fn take(desk: &Arc<Desk>, kind: &'static str) -> Result<Self, ApiError> {
        let taken = desk.streams.fetch_add(1, Ordering::Relaxed);
        let place = Self {
            desk: desk.clone(),
            kind,
        };
        telemetry::http_stream(kind, 1.0);
        if taken >= desk.config.max_streams {
            let error = ApiError::away("too_many_streams", "too many streams");
            return Err(error.retry_after(5));
        }
        Ok(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.desk.streams.fetch_sub(1, Ordering::Relaxed);
        telemetry::http_stream(self.kind, -1.0);
    }
}

/// Tells the clients that something changed, and says of what expired that it is gone. It ends with
/// the server.
pub(super) async fn herald(desk: Arc<Desk>, news: watch::Sender<u64>) {
    let mut stop = desk.stop.clone();
    let mut sweeps = tokio::time::interval(BEAT);
    sweeps.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = desk.published.changed() => {}
            _ = sweeps.tick() => desk.published.sweep(desk.clock.now()),
            _ = stop.changed() => return,
        }
        news.send_if_modified(|head| {
            let newest = desk.published.head();
            std::mem::replace(head, newest) != newest
        });
        // Many writes make one look.
        tokio::time::sleep(PAUSE).await;
    }
}
