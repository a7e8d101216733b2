//! The in-process board: keys with values and lists in memory, for the demo, replays and tests
//! that need no server. It behaves as Redis does where the engine can tell.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use quant::market::{Span, Timestamp};

use super::drain::{Aligned, Drain};
use super::exchange::{Ask, BARS, Fetched, Gathered, How, NewTrades, Write, joined};
use super::inbox::{Channel, Inbox};
use super::keys;

/// Elements a trade list keeps, as producers trim it.
pub const LIST_LENGTH: usize = 1000;

/// A store in this process.
#[derive(Debug)]
pub struct Board {
    entries: Mutex<HashMap<Arc<str>, Entry>>,
    list_length: usize,
    inbox: Arc<Inbox>,
}

#[derive(Debug)]
enum Entry {
    Text(Bytes, Option<Timestamp>),
    List(VecDeque<Bytes>),
    Set(BTreeSet<Bytes>, Timestamp),
}

impl Default for Board {
    fn default() -> Self {
        Self::holding(LIST_LENGTH)
    }
}

impl Board {
    /// An empty board whose lists keep so many elements.
    pub fn holding(list_length: usize) -> Self {
        Self {
            entries: Mutex::default(),
            list_length,
            inbox: Arc::default(),
        }
    }

    /// Sets a key to a value that stays.
    pub fn set(&self, key: Arc<str>, value: Bytes) {
        self.entries().insert(key, Entry::Text(value, None));
    }

    /// Appends to a list and trims it; a key that holds a value is left alone.
    pub fn push(&self, key: Arc<str>, element: Bytes) {
        let mut entries = self.entries();
        let list = entries
            .entry(key)
            .or_insert_with(|| Entry::List(VecDeque::new()));
        if let Entry::List(list) = list {
            if list.len() >= self.list_length {
                list.pop_front();
            }
            list.push_back(element);
        }
    }

    /// Sends a message; on a channel nobody reads it goes nowhere.
    pub fn message(&self, channel: &str, payload: &Bytes) {
        if let Some(channel) = Channel::of_name(channel) {
            self.inbox.receive([(channel, payload.clone())]);
        }
    }

    /// What was sent and is not read yet.
    pub fn inbox(&self) -> &Arc<Inbox> {
        &self.inbox
    }

    /// Writes documents, and shows `each` that was written.
    pub fn publish(&self, writes: &[Write], now: Timestamp, mut each: impl FnMut(&Write)) {
        let mut entries = self.entries();
        for write in writes {
            let expires = now.plus(Span::from_seconds(write.ttl_seconds as f64));
            let exists = || entries.get(&write.key).is_some_and(|e| e.lives_at(now));
            match write.how {
                How::ReplaceExisting if !exists() => continue,
                // Nobody listens to a board.
                How::Publish => continue,
                How::PutInFront { keep } => put_in_front(&mut entries, write, keep),
                How::ReplaceSet => replace_set(&mut entries, write, expires),
                How::Replace | How::ReplaceExisting | How::ReplaceAndPublish { .. } => {
                    let entry = Entry::Text(write.value.clone(), Some(expires));
                    entries.insert(write.key.clone(), entry);
                }
            }
            each(write);
        }
    }

    /// The value at a key.
    pub fn get(&self, key: &str, now: Timestamp) -> Fetched {
        fetched(&self.entries(), key, now)
    }

    /// The last elements of a list as one JSON array.
    pub fn tail(&self, key: &str, count: usize) -> Fetched {
        tail(&self.entries(), key, count)
    }

    /// The members of a set, in order.
    pub fn members(&self, key: &str, now: Timestamp) -> Vec<Bytes> {
        match self.entries().get(key) {
            Some(Entry::Set(members, expires)) if now < *expires => {
                members.iter().cloned().collect()
            }
            _ => Vec::new(),
        }
    }

    /// The symbols of every market key.
    pub fn symbols(&self) -> BTreeSet<quant::market::Symbol> {
        let entries = self.entries();
        let keys: BTreeMap<&str, ()> = entries.keys().map(|key| (key.as_ref(), ())).collect();
        keys.into_keys().filter_map(keys::symbol_of).collect()
    }

    /// Answers one question. Chains are read at their own keys only, not put together from keys
    /// of single contracts: feeds and recordings bring whole chains.
    pub fn gather(&self, ask: &Ask, drain: &mut Drain, now: Timestamp) -> Gathered {
        let entries = self.entries();
        let fetch = |wanted: bool, key: &str| match wanted {
            true => fetched(&entries, key, now),
            false => Fetched::NotAsked,
        };
        Gathered {
            ticker: fetch(true, &ask.keys.ticker),
            book: fetch(ask.book, &ask.keys.book),
            chain: fetch(ask.chain, &ask.keys.chain),
            bars: match ask.bars {
                true => bars(&entries, ask),
                false => Fetched::NotAsked,
            },
            imbalance: fetch(ask.imbalance, &ask.keys.imbalance),
            bucket_size: fetch(ask.discovered, &ask.keys.bucket_size),
            bucket_size_global: fetch(ask.discovered, keys::DISCOVERED_BUCKET_SIZE),
            volume: fetch(ask.discovered, &ask.keys.volume),
            baseline: fetch(ask.baseline, &ask.keys.baseline),
            trades: new_trades(entries.get(ask.keys.trades.as_str()), drain),
            messages: Vec::new(),
        }
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<Arc<str>, Entry>> {
        // Every change is one insertion, so a panic elsewhere leaves the map whole.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts a value in front of the list at its key; what is no list gives way to one.
fn put_in_front(entries: &mut HashMap<Arc<str>, Entry>, write: &Write, keep: usize) {
    let list = entries
        .entry(write.key.clone())
        .or_insert_with(|| Entry::List(VecDeque::new()));
    if !matches!(list, Entry::List(_)) {
        *list = Entry::List(VecDeque::new());
    }
    if let Entry::List(list) = list {
        list.push_front(write.value.clone());
        list.truncate(keep);
    }
}

fn replace_set(entries: &mut HashMap<Arc<str>, Entry>, write: &Write, expires: Timestamp) {
    let lines = write.value.split(|byte| *byte == b'\n');
    let members = lines.filter(|line| !line.is_empty());
    let members: BTreeSet<Bytes> = members.map(|line| write.value.slice_ref(line)).collect();
    match members.is_empty() {
        true => entries.remove(&write.key),
        false => entries.insert(write.key.clone(), Entry::Set(members, expires)),
    };
}

impl Entry {
    fn lives_at(&self, now: Timestamp) -> bool {
        match self {
            Self::Text(_, expires) => expires.is_none_or(|at| now < at),
            Self::List(_) => true,
            Self::Set(_, expires) => now < *expires,
        }
    }
}

fn fetched(entries: &HashMap<Arc<str>, Entry>, key: &str, now: Timestamp) -> Fetched {
    match entries.get(key) {
        Some(entry) if !entry.lives_at(now) => Fetched::Missing,
        Some(Entry::Text(value, _)) => Fetched::Value(value.clone()),
        Some(Entry::List(_) | Entry::Set(..)) => Fetched::WrongType,
        None => Fetched::Missing,
    }
}

/// The newest bars, at the bare key where the other has none.
fn bars(entries: &HashMap<Arc<str>, Entry>, ask: &Ask) -> Fetched {
    match tail(entries, &ask.keys.bars, BARS) {
        Fetched::Missing => tail(entries, &ask.keys.bare_bars, BARS),
        found => found,
    }
}

fn tail(entries: &HashMap<Arc<str>, Entry>, key: &str, count: usize) -> Fetched {
    match entries.get(key) {
        Some(Entry::List(list)) => {
            let skip = list.len().saturating_sub(count);
            joined(&list.iter().skip(skip).cloned().collect::<Vec<_>>())
        }
        Some(Entry::Text(..) | Entry::Set(..)) => Fetched::WrongType,
        None => Fetched::Missing,
    }
}

fn new_trades(entry: Option<&Entry>, drain: &mut Drain) -> NewTrades {
    let list = match entry {
        None => return NewTrades::default(),
        Some(Entry::Text(..) | Entry::Set(..)) => {
            return NewTrades {
                wrong_type: true,
                ..NewTrades::default()
            };
        }
        Some(Entry::List(list)) => list,
    };
    let tail = |k: usize| -> Vec<Bytes> {
        let skip = list.len().saturating_sub(k);
        list.iter().skip(skip).cloned().collect()
    };
    let mut window = tail(drain.window().unwrap_or(usize::MAX));
    let mut aligned = drain.align(&window);
    if aligned == Aligned::NotFound && window.len() < list.len() {
        window = tail(usize::MAX);
        aligned = drain.align(&window);
    }
    drained(window, aligned, drain)
}

/// What a window brought, and the drain moved past it.
pub(super) fn drained(mut window: Vec<Bytes>, aligned: Aligned, drain: &mut Drain) -> NewTrades {
    let (start, gap) = match aligned {
        Aligned::New(start) => (start, false),
        Aligned::NotFound => (0, true),
    };
    window.drain(..start);
    drain.advance(&window);
    NewTrades {
        elements: window,
        gap,
        wrong_type: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::keys::SymbolKeys;
    use quant::market::Symbol;

    fn write(value: &'static str, only_if_exists: bool) -> Write {
        Write {
            document: "obi",
            key: "analytics:GOOG:obi".into(),
            value: value.into(),
            ttl_seconds: 10,
            how: match only_if_exists {
                true => How::ReplaceExisting,
                false => How::Replace,
            },
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn ask() -> Ask {
        Ask {
            keys: Arc::new(SymbolKeys::of(&Symbol::new("GOOG").unwrap())),
            book: false,
            chain: false,
            bars: false,
            imbalance: false,
            discovered: false,
            baseline: false,
        }
    }

    #[test]
    fn a_document_expires_and_absence_alone_does_not_bring_it_back() {
        let board = Board::default();
        board.publish(&[write("absent", true)], at(0), |_| {});
        assert_eq!(board.get("analytics:GOOG:obi", at(0)), Fetched::Missing);
        board.publish(&[write("value", false)], at(0), |_| {});
        board.publish(&[write("absent", true)], at(9), |_| {});
        let found = board.get("analytics:GOOG:obi", at(18));
        assert_eq!(found, Fetched::Value("absent".into()));
        assert_eq!(board.get("analytics:GOOG:obi", at(19)), Fetched::Missing);
    }

    #[test]
    fn a_set_is_replaced_as_a_whole_and_expires() {
        let board = Board::default();
        let set = |value: &'static str| Write {
            how: How::ReplaceSet,
            ..write(value, false)
        };
        board.publish(&[set("b\na"), write("told", false)], at(0), |_| {});
        assert_eq!(board.members("analytics:GOOG:obi", at(0)), [] as [Bytes; 0]);
        board.publish(&[set("b\na")], at(0), |_| {});
        board.publish(&[set("c\na")], at(1), |_| {});
        assert_eq!(board.members("analytics:GOOG:obi", at(10)), ["a", "c"]);
        assert_eq!(board.get("analytics:GOOG:obi", at(10)), Fetched::WrongType);
        assert_eq!(
            board.members("analytics:GOOG:obi", at(11)),
            [] as [Bytes; 0]
        );
        board.publish(&[set("")], at(2), |_| {});
        assert_eq!(board.get("analytics:GOOG:obi", at(2)), Fetched::Missing);
    }

    #[test]
    fn trades_come_out_once_and_a_key_of_the_wrong_type_says_so() {
        let board = Board::default();
        let ask = ask();
        let mut drain = Drain::default();
        let key: Arc<str> = "market:GOOG:trades".into();
        board.push(key.clone(), "a".into());
        board.push(key.clone(), "b".into());
        let mut new = || board.gather(&ask, &mut drain, at(0)).trades;
        assert_eq!(new().elements, ["a", "b"]);
        board.push(key.clone(), "c".into());
        assert_eq!(new().elements, ["c"]);
        assert_eq!(new().elements, Vec::<Bytes>::new());
        board.set(key, "text".into());
        assert!(new().wrong_type);
    }

    #[test]
    fn a_list_that_ran_past_its_reader_is_a_gap() {
        let board = Board::default();
        let ask = ask();
        let mut drain = Drain::default();
        let push = |n: usize| {
            for at in 0..n {
                board.push("market:GOOG:trades".into(), format!("{n}/{at}").into());
            }
        };
        push(3);
        board.gather(&ask, &mut drain, at(0));
        push(LIST_LENGTH - 3);
        let within = board.gather(&ask, &mut drain, at(0)).trades;
        assert_eq!(
            (within.elements.len(), within.gap),
            (LIST_LENGTH - 3, false)
        );
        push(LIST_LENGTH);
        let past = board.gather(&ask, &mut drain, at(0)).trades;
        assert_eq!((past.elements.len(), past.gap), (LIST_LENGTH, true));
    }
}
