//! What was published last, by symbol and document: what readers in this process are served from.
//!
//! The engine puts a document here after the store took it, and waits for nobody: a document is
//! one pointer that is replaced, a change one number in a ring. Readers share the bytes. One that
//! follows changes reads the ring at its own pace and finds at each place the newest document, so
//! that a slow one costs no memory and misses what was replaced meanwhile, never what stands.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{
    Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
};

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use quant::market::{Span, Symbol, Timestamp};
use tokio::sync::Notify;
use xxhash_rust::xxh3::xxh3_64;

use super::exchange::{How, Write};
use super::keys;

/// The symbol of what is about all of them.
pub const OVERALL: &str = "*";

/// The heartbeat's name.
pub const HEARTBEAT: &str = "heartbeat";

/// Changes that are remembered: some seconds of a thousand symbols.
const CHANGES: usize = 1 << 17;

/// How long a symbol is watched after somebody asked.
const WATCHED: Span = Span::from_millis(15_000);

/// What is left of that time when it is asked for anew.
const RENEWED: Span = Span::from_millis(10_000);

/// Symbols that are watched at one time: the views of each are made after every turn.
pub const MOST_WATCHED: usize = 64;

/// What kind a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A calculator's, or the heartbeat.
    Analytics,
    /// The chain service's.
    Chain,
    /// What the engine holds of a symbol, shown while somebody watches it and stored nowhere.
    View,
}

/// A document as it was published, or that it is gone.
#[derive(Debug)]
pub struct Document {
    /// Its place in the order of all changes.
    pub sequence: u64,
    /// When it was published.
    pub published_at: Timestamp,
    /// When it expires in the store.
    pub expires: Timestamp,
    /// Its text; `None` where it expired.
    pub bytes: Option<Bytes>,
    tag: OnceLock<String>,
    rendered: OnceLock<Bytes>,
}

impl Document {
    fn new(
        sequence: u64,
        published_at: Timestamp,
        expires: Timestamp,
        bytes: Option<Bytes>,
    ) -> Self {
        Self {
            sequence,
            published_at,
            expires,
            bytes,
            tag: OnceLock::new(),
            rendered: OnceLock::new(),
        }
    }

    /// The text, where it stands at `now`.
    pub fn live(&self, now: Timestamp) -> Option<&Bytes> {
        self.bytes.as_ref().filter(|_| now < self.expires)
    }

    /// What tells its text from any other: made by the first who asks.
    pub fn tag(&self) -> &str {
        let hash = || {
            format!(
                "{:016x}",
                xxh3_64(self.bytes.as_deref().unwrap_or_default())
            )
        };
        self.tag.get_or_init(hash)
    }

    /// The document as it is sent to those who follow: rendered by the first, shared by the rest.
    pub fn rendered(&self, render: impl FnOnce(&Self) -> Bytes) -> &Bytes {
        self.rendered.get_or_init(|| render(self))
    }
}

/// The place of one document.
#[derive(Debug)]
pub struct Slot {
    /// Its number.
    pub id: u32,
    /// The symbol, or [`OVERALL`].
    pub symbol: Arc<str>,
    /// The name of the kind of document, `sector`.
    pub document: &'static str,
    /// The document's own, `sector:TECH`.
    pub name: Arc<str>,
    /// What kind it is.
    pub kind: Kind,
    current: ArcSwapOption<Document>,
}

impl Slot {
    /// What stands here or is gone; `None` before the first.
    pub fn newest(&self) -> Option<Arc<Document>> {
        self.current.load_full()
    }

    /// What stands here at `now`.
    pub fn live(&self, now: Timestamp) -> Option<Arc<Document>> {
        self.newest()
            .filter(|document| document.live(now).is_some())
    }
}

/// The documents of one symbol by name.
#[derive(Debug, Default)]
struct Shelf(RwLock<BTreeMap<Arc<str>, Arc<Slot>>>);

/// Everything published last.
#[derive(Debug)]
pub struct Published {
    epoch: String,
    shelves: RwLock<HashMap<Arc<str>, Arc<Shelf>>>,
    slots: RwLock<Vec<Arc<Slot>>>,
    /// The place of each key; whoever holds it publishes.
    desk: Mutex<HashMap<Arc<str>, Arc<Slot>>>,
    /// The number of the slot that changed, by sequence.
    ring: Box<[AtomicU32]>,
    head: AtomicU64,
    news: Notify,
    watched: RwLock<HashMap<Symbol, Timestamp>>,
    any_watched: AtomicBool,
}

/// What became of a reader of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// It is as far as this sequence.
    To(u64),
    /// So many changes are gone that it had not read.
    Lost(u64),
}

impl Published {
    /// Nothing is published yet. `started` tells this run from another.
    pub fn new(started: Timestamp) -> Self {
        Self {
            epoch: format!("{:x}", started.millis()),
            shelves: RwLock::default(),
            slots: RwLock::default(),
            desk: Mutex::default(),
            ring: (0..CHANGES).map(|_| AtomicU32::new(0)).collect(),
            head: AtomicU64::new(0),
            news: Notify::new(),
            watched: RwLock::default(),
            any_watched: AtomicBool::new(false),
        }
    }

    /// What tells this run's sequence from another's.
    pub fn epoch(&self) -> &str {
        &self.epoch
    }

    /// The sequence of the newest change.
    pub fn head(&self) -> u64 {
        self.head.load(Ordering::Acquire)
    }

    /// Waits until something changed. For one reader, who tells the others.
    pub async fn changed(&self) {
        self.news.notified().await;
    }

    /// Takes what the store took.
    pub fn take(&self, writes: &[Write], now: Timestamp) {
        if writes.is_empty() {
            return;
        }
        let mut desk = self.desk();
        for write in writes {
            if let How::ReplaceSet | How::Publish | How::PutInFront { .. } = write.how {
                continue;
            }
            let known = desk.get(&write.key).cloned();
            let Some(slot) = known.or_else(|| self.slot_of(write)) else {
                continue;
            };
            desk.entry(write.key.clone())
                .or_insert_with(|| slot.clone());
            if write.how == How::ReplaceExisting && slot.live(now).is_none() {
                continue;
            }
            let expires = now.plus(Span::from_seconds(write.ttl_seconds as f64));
            self.put(&slot, Some(write.value.clone()), now, expires);
        }
        drop(desk);
        self.news.notify_one();
    }

    /// Takes the heartbeat.
    pub fn beat(&self, value: Bytes, ttl_seconds: u64, now: Timestamp) {
        let desk = self.desk();
        let slot = self.slot(OVERALL, HEARTBEAT, HEARTBEAT, Kind::Analytics);
        let expires = now.plus(Span::from_seconds(ttl_seconds as f64));
        self.put(&slot, Some(value), now, expires);
        drop(desk);
        self.news.notify_one();
    }

    /// Shows what the engine holds of a symbol.
    pub fn show(&self, symbol: &Symbol, name: &'static str, value: Bytes, now: Timestamp) {
        let desk = self.desk();
        let slot = self.slot(symbol.as_str(), name, name, Kind::View);
        self.put(&slot, Some(value), now, now.plus(WATCHED));
        drop(desk);
        self.news.notify_one();
    }

    /// Somebody looks at these symbols; false where too many are looked at already, and then none of
    /// them is.
    pub fn watch(&self, symbols: &[Symbol], now: Timestamp) -> bool {
        // Looked at by many, a symbol is told of once in a while.
        let late = now.plus(RENEWED);
        let stands = |watched: &HashMap<Symbol, Timestamp>| {
            let stands = |symbol| watched.get(symbol).is_some_and(|until| late < *until);
            symbols.iter().all(stands)
        };
        if stands(&read(&self.watched)) {
            return true;
        }
        let mut watched = write(&self.watched);
        watched.retain(|_, until| now < *until);
        let new = symbols
            .iter()
            .filter(|symbol| !watched.contains_key(*symbol));
        if watched.len() + new.count() > MOST_WATCHED {
            return false;
        }
        let until = now.plus(WATCHED);
        watched.extend(symbols.iter().map(|symbol| (symbol.clone(), until)));
        self.any_watched.store(true, Ordering::Relaxed);
        true
    }

    /// Whether somebody looks at a symbol.
    pub fn is_watched(&self, symbol: &Symbol, now: Timestamp) -> bool {
        self.any_watched.load(Ordering::Relaxed)
            && read(&self.watched)
                .get(symbol)
                .is_some_and(|until| now < *until)
    }

    /// Says of what expired that it is gone, and forgets who is not watched any more.
    pub fn sweep(&self, now: Timestamp) {
        let over = |slot: &&Arc<Slot>| {
            let newest = slot.current.load();
            newest
                .as_ref()
                .is_some_and(|document| document.bytes.is_some() && now >= document.expires)
        };
        let expired: Vec<Arc<Slot>> = read(&self.slots).iter().filter(over).cloned().collect();
        if !expired.is_empty() {
            let desk = self.desk();
            for slot in expired.iter().filter(over) {
                self.put(slot, None, now, now);
            }
            drop(desk);
            self.news.notify_one();
        }
        if self.any_watched.load(Ordering::Relaxed) {
            let mut watched = write(&self.watched);
            watched.retain(|_, until| now < *until);
            self.any_watched
                .store(!watched.is_empty(), Ordering::Relaxed);
        }
    }

    /// The document of a symbol by its name, where it stands at `now`.
    pub fn get(&self, symbol: &str, name: &str, now: Timestamp) -> Option<Arc<Document>> {
        let shelf = read(&self.shelves).get(symbol).cloned()?;
        let slot = read(&shelf.0).get(name).cloned()?;
        slot.live(now)
    }

    /// What stands of a symbol at `now`, by name.
    pub fn all_of(&self, symbol: &str, now: Timestamp) -> Vec<(Arc<Slot>, Arc<Document>)> {
        let Some(shelf) = read(&self.shelves).get(symbol).cloned() else {
            return Vec::new();
        };
        let slots = read(&shelf.0);
        let live = slots
            .values()
            .filter_map(|slot| Some((slot.clone(), slot.live(now)?)));
        live.collect()
    }

    /// Whether anything was published of a symbol.
    pub fn has(&self, symbol: &str) -> bool {
        read(&self.shelves).contains_key(symbol)
    }

    /// The symbols of which anything was published, in order.
    pub fn symbols(&self) -> Vec<Arc<str>> {
        let shelves = read(&self.shelves);
        let named = shelves.keys().filter(|symbol| &***symbol != OVERALL);
        let mut symbols: Vec<Arc<str>> = named.cloned().collect();
        symbols.sort();
        symbols
    }

    /// The places from a number on: they are only added.
    pub fn slots_from(&self, first: usize) -> Vec<Arc<Slot>> {
        let slots = read(&self.slots);
        slots.get(first..).unwrap_or_default().to_vec()
    }

    /// The place of a number.
    pub fn slot_at(&self, id: u32) -> Option<Arc<Slot>> {
        read(&self.slots).get(id as usize).cloned()
    }

    /// Whether every change after a sequence is remembered.
    pub fn remembers(&self, after: u64) -> bool {
        let head = self.head();
        after <= head && head < after + CHANGES as u64
    }

    /// The documents that changed after a sequence up to another and are wanted, each where it
    /// changed last, up to `most` of them.
    pub fn changes(
        &self,
        after: u64,
        head: u64,
        most: usize,
        wants: impl Fn(u32) -> bool,
        found: &mut Vec<(Arc<Slot>, Arc<Document>)>,
    ) -> Read {
        let mut at = after;
        while at < head && found.len() < most {
            at += 1;
            let id = self.ring[at as usize % CHANGES].load(Ordering::Acquire);
            if !wants(id) {
                continue;
            }
            let slot = self.slot_at(id);
            let newest = slot.and_then(|slot| Some((slot.newest()?, slot)));
            // What changed again stands further on.
            if let Some((document, slot)) = newest
                && document.sequence == at
            {
                found.push((slot, document));
            }
        }
        // Checked after reading: what was overwritten meanwhile was not what it seemed.
        match self.remembers(after) {
            true => Read::To(at),
            false => Read::Lost(self.head().saturating_sub(after)),
        }
    }

    /// The caller holds the desk.
    fn put(&self, slot: &Slot, bytes: Option<Bytes>, now: Timestamp, expires: Timestamp) {
        let sequence = self.head.load(Ordering::Relaxed) + 1;
        let document = Document::new(sequence, now, expires, bytes);
        slot.current.store(Some(Arc::new(document)));
        self.ring[sequence as usize % CHANGES].store(slot.id, Ordering::Release);
        self.head.store(sequence, Ordering::Release);
    }

    fn slot_of(&self, write: &Write) -> Option<Arc<Slot>> {
        let subject = keys::subject(write.document, &write.key)?;
        let kind = match subject.of_chains {
            true => Kind::Chain,
            false => Kind::Analytics,
        };
        let name = match subject.part {
            Some(part) => format!("{}:{part}", write.document),
            None => write.document.to_owned(),
        };
        let symbol = subject.symbol.unwrap_or(OVERALL);
        Some(self.slot(symbol, write.document, &name, kind))
    }

    /// The place of a document, made where there is none. The caller holds the desk.
    fn slot(&self, symbol: &str, document: &'static str, name: &str, kind: Kind) -> Arc<Slot> {
        let known = read(&self.shelves).get(symbol).cloned();
        let shelf = known.unwrap_or_else(|| {
            let shelf = Arc::new(Shelf::default());
            write(&self.shelves).insert(symbol.into(), shelf.clone());
            shelf
        });
        if let Some(slot) = read(&shelf.0).get(name) {
            return slot.clone();
        }
        let mut slots = write(&self.slots);
        let slot = Arc::new(Slot {
            id: u32::try_from(slots.len()).expect("there are fewer documents than 2^32"),
            symbol: symbol.into(),
            document,
            name: name.into(),
            kind,
            current: ArcSwapOption::empty(),
        });
        slots.push(slot.clone());
        drop(slots);
        write(&shelf.0).insert(slot.name.clone(), slot.clone());
        slot
    }

    fn desk(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<Slot>>> {
        // Every change is one insertion, so a panic elsewhere leaves the map whole.
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
