//! What came by channel and was not handed to its symbol yet. Bounded in every direction: what a
//! later message makes superfluous is let go, and what does not fit is counted as lost.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use quant::market::{Symbol, Timestamp};
use serde::Serialize;

use super::codec::channel::{Envelope, Subject, envelope};

/// Messages told from later ones: three seconds of 20,000 a second.
const REMEMBERED: usize = 65_536;
/// Prints of one symbol that wait: what the ring of a symbol can hold unread.
const PRINTS: usize = 16_384;
/// Contracts of one symbol whose newest quotes wait.
const CONTRACTS: usize = 50_000;
/// Expiries of one symbol whose newest chains wait.
const EXPIRIES: usize = 256;
/// Symbols of which any wait.
const SYMBOLS: usize = 20_000;
/// Messages of all symbols that wait, and their bytes.
const MESSAGES: usize = 262_144;
const BYTES: usize = 128 << 20;

/// A channel the engine reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// Prints of underlyings, and the levels of indices.
    Underlying,
    /// Quotes of single contracts.
    OptionQuote,
    /// All contracts of an expiry.
    OptionChain,
    /// That a new chain is at its key.
    ChainEvents,
}

impl Channel {
    /// Every channel, in the order of their numbers.
    pub const ALL: [Self; 4] = [
        Self::Underlying,
        Self::OptionQuote,
        Self::OptionChain,
        Self::ChainEvents,
    ];

    /// Its name in the store.
    pub fn name(self) -> &'static str {
        match self {
            Self::Underlying => "market:underlying",
            Self::OptionQuote => "market:option_quote",
            Self::OptionChain => "market:option_chain",
            Self::ChainEvents => "events:options:chain",
        }
    }

    /// The channel of a name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.name() == name)
    }

    /// The channel of a number.
    pub fn of_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

/// The name under which messages are counted that were lost before anybody saw of which channel
/// they were.
pub const ANY: &str = "any";

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Where it came from.
    pub channel: Channel,
    /// What it says.
    pub payload: Bytes,
}

/// How many messages of each channel, in the order of their numbers.
pub type PerChannel = [u64; Channel::ALL.len()];

/// What became of the messages of a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Counts {
    /// Messages the store sent, those lost here among them.
    pub received: u64,
    /// Folded into a snapshot, or made superfluous by a later one before that.
    pub processed: u64,
    /// Lost, because they came faster than they were taken.
    pub lagged: u64,
    /// No message of the channel: broken, without a symbol, price or contract.
    pub malformed: u64,
    /// Seen before.
    pub duplicate: u64,
    /// Of a symbol that is not computed on.
    pub unknown_symbol: u64,
}

impl Counts {
    /// Every outcome with its name.
    pub fn outcomes(&self) -> [(&'static str, u64); 5] {
        [
            ("processed", self.processed),
            ("lagged", self.lagged),
            ("malformed", self.malformed),
            ("duplicate", self.duplicate),
            ("unknown_symbol", self.unknown_symbol),
        ]
    }
}

/// Messages on their way from the channels to the symbols.
#[derive(Debug, Default)]
pub struct Inbox(Mutex<Waiting>);

impl Inbox {
    /// Takes messages in, in the order they came. What is outside of them is read before the lock
    /// is taken.
    pub fn receive(&self, messages: impl IntoIterator<Item = (Channel, Bytes)>) {
        let read = |(channel, payload): (Channel, Bytes)| {
            let outside = envelope(channel, &payload);
            (channel, outside, payload)
        };
        let read: Vec<_> = messages.into_iter().map(read).collect();
        let mut waiting = self.lock();
        for (channel, outside, payload) in read {
            waiting.receive(channel, outside, &payload);
        }
    }

    /// Looks at what waits. Keep it short: the channels wait.
    pub fn lock(&self) -> MutexGuard<'_, Waiting> {
        // A panic while it is held can lose a message, and no memory is behind it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What waits, and what became of the rest.
#[derive(Debug, Default)]
pub struct Waiting {
    by_symbol: HashMap<Symbol, OfSymbol>,
    /// The symbols that are computed on; not known before the first pass.
    followed: Option<HashSet<Symbol>>,
    seen: HashSet<u64>,
    seen_order: VecDeque<u64>,
    next: u64,
    messages: usize,
    bytes: usize,
    counts: [Counts; Channel::ALL.len()],
    lost_unseen: u64,
}

/// What waits for one symbol.
#[derive(Debug, Default)]
struct OfSymbol {
    prints: VecDeque<Held>,
    index: Option<Held>,
    quotes: HashMap<u64, Held>,
    expiries: HashMap<u64, Held>,
    /// Messages that say there is a new chain.
    told: u64,
}

#[derive(Debug)]
struct Held {
    /// Its place in the order of arrival.
    number: u64,
    at: Option<Timestamp>,
    payload: Bytes,
}

impl Waiting {
    /// From here on only messages of these symbols are kept.
    pub fn follow(&mut self, symbols: HashSet<Symbol>) {
        let counts = &mut self.counts;
        let (mut messages, mut bytes) = (0, 0);
        self.by_symbol.retain(|symbol, of_symbol| {
            let known = symbols.contains(symbol);
            if !known {
                for (count, gone) in counts.iter_mut().zip(of_symbol.by_channel()) {
                    count.unknown_symbol += gone;
                }
                messages += of_symbol.held().count();
                bytes += of_symbol
                    .held()
                    .map(|held| held.payload.len())
                    .sum::<usize>();
            }
            known
        });
        self.messages -= messages;
        self.bytes -= bytes;
        self.followed = Some(symbols);
    }

    /// Where the order of arrival stands. Prints up to here can be taken after everything that
    /// their producer wrote before them was read.
    pub fn mark(&self) -> u64 {
        self.next
    }

    /// Takes what waits for a symbol, in the order it came; of prints, those before `mark`. How
    /// they fare has to be told by [`Waiting::turned`].
    pub fn take(&mut self, symbol: &Symbol, mark: u64) -> Vec<Message> {
        let Some(of_symbol) = self.by_symbol.get_mut(symbol) else {
            return Vec::new();
        };
        let ready = of_symbol.prints.partition_point(|held| held.number < mark);
        let prints = of_symbol
            .prints
            .drain(..ready)
            .chain(of_symbol.index.take());
        let quotes = of_symbol.quotes.drain().map(|(_, held)| held);
        let expiries = of_symbol.expiries.drain().map(|(_, held)| held);
        let mut taken: Vec<(Channel, Held)> = prints
            .map(|held| (Channel::Underlying, held))
            .chain(quotes.map(|held| (Channel::OptionQuote, held)))
            .chain(expiries.map(|held| (Channel::OptionChain, held)))
            .collect();
        taken.sort_unstable_by_key(|(_, held)| held.number);
        self.messages -= taken.len();
        self.bytes -= taken
            .iter()
            .map(|(_, held)| held.payload.len())
            .sum::<usize>();
        let message = |(channel, held): (Channel, Held)| Message {
            channel,
            payload: held.payload,
        };
        taken.into_iter().map(message).collect()
    }

    /// Messages were taken and this many of them were malformed.
    pub fn turned(&mut self, taken: PerChannel, malformed: PerChannel) {
        for ((count, taken), malformed) in self.counts.iter_mut().zip(taken).zip(malformed) {
            count.malformed += malformed.min(taken);
            count.processed += taken.saturating_sub(malformed);
        }
    }

    /// How often it was said that a symbol has a new chain.
    pub fn told(&self, symbol: &Symbol) -> u64 {
        let of_symbol = self.by_symbol.get(symbol);
        of_symbol.map_or(0, |of_symbol| of_symbol.told)
    }

    /// The chain of a symbol was read after it had been said so often that there is a new one.
    pub fn chain_read(&mut self, symbol: &Symbol, told: u64) {
        if let Some(of_symbol) = self.by_symbol.get_mut(symbol) {
            let told = told.min(of_symbol.told);
            of_symbol.told -= told;
            self.counts[Channel::ChainEvents as usize].processed += told;
        }
    }

    /// Messages were lost before they were seen.
    pub fn lost(&mut self, count: u64) {
        self.lost_unseen += count;
    }

    /// What became of the messages of each channel. What is in no outcome yet still waits.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, Counts)> {
        let unseen = Counts {
            received: self.lost_unseen,
            lagged: self.lost_unseen,
            ..Counts::default()
        };
        let named = Channel::ALL.map(Channel::name).into_iter();
        named.zip(self.counts).chain([(ANY, unseen)])
    }

    fn receive(&mut self, channel: Channel, outside: Option<Envelope>, payload: &Bytes) {
        let counts = &mut self.counts[channel as usize];
        counts.received += 1;
        let Some(outside) = outside else {
            counts.malformed += 1;
            return;
        };
        if outside.id.is_some_and(|id| self.seen.contains(&id)) {
            counts.duplicate += 1;
            return;
        }
        let followed = self.followed.as_ref();
        if followed.is_some_and(|followed| !followed.contains(&outside.symbol)) {
            counts.unknown_symbol += 1;
            return;
        }
        let is_new = !self.by_symbol.contains_key(&outside.symbol);
        if is_new && self.by_symbol.len() >= SYMBOLS {
            counts.lagged += 1;
            return;
        }
        if outside.subject == Subject::Told {
            self.by_symbol.entry(outside.symbol).or_default().told += 1;
            self.remember(outside.id);
            return;
        }
        // One that takes the place of another needs no room.
        let before = self.by_symbol.get(&outside.symbol);
        let replaces = before.is_some_and(|before| before.holds(outside.subject));
        let is_full = self.messages >= MESSAGES || self.bytes.saturating_add(payload.len()) > BYTES;
        if is_full && !replaces {
            counts.lagged += 1;
            return;
        }
        self.remember(outside.id);
        let counts = &mut self.counts[channel as usize];
        let held = Held {
            number: self.next,
            at: outside.at,
            // A copy, because it is a slice of what was read at once and would keep that.
            payload: Bytes::copy_from_slice(payload),
        };
        self.next += 1;
        self.messages += 1;
        self.bytes += held.payload.len();
        let of_symbol = self.by_symbol.entry(outside.symbol).or_default();
        let (gone, is_lost) = match outside.subject {
            Subject::Print => {
                of_symbol.prints.push_back(held);
                let is_full = of_symbol.prints.len() > PRINTS;
                let oldest = is_full.then(|| of_symbol.prints.pop_front()).flatten();
                (oldest, true)
            }
            Subject::Index => (newer(&mut of_symbol.index, held), false),
            Subject::Quote(contract) => of_many(&mut of_symbol.quotes, contract, held, CONTRACTS),
            Subject::Expiry(expiry) => of_many(&mut of_symbol.expiries, expiry, held, EXPIRIES),
            Subject::Told => (None, false),
        };
        if let Some(gone) = gone {
            self.messages -= 1;
            self.bytes -= gone.payload.len();
            match is_lost {
                true => counts.lagged += 1,
                false => counts.processed += 1,
            }
        }
    }
}

impl Waiting {
    /// Tells a message from later ones.
    fn remember(&mut self, id: Option<u64>) {
        let Some(id) = id else {
            return;
        };
        self.seen.insert(id);
        self.seen_order.push_back(id);
        if self.seen_order.len() > REMEMBERED
            && let Some(oldest) = self.seen_order.pop_front()
        {
            self.seen.remove(&oldest);
        }
    }

    /// Lets go what waits for a symbol that is not computed on now: nobody needs it any more when
    /// it is.
    pub fn let_go(&mut self, symbol: &Symbol) {
        let told = self.told(symbol);
        self.chain_read(symbol, told);
        let taken = self.take(symbol, self.next);
        for message in taken {
            self.counts[message.channel as usize].processed += 1;
        }
    }
}

/// Keeps the newer of two by their times, of equal ones the later; gives back the other.
fn newer(place: &mut Option<Held>, held: Held) -> Option<Held> {
    match place {
        Some(before) if before.at > held.at => Some(held),
        before => before.replace(held),
    }
}

/// The same at one of many places, and whether what it gives back found none.
fn of_many(
    places: &mut HashMap<u64, Held>,
    place: u64,
    held: Held,
    most: usize,
) -> (Option<Held>, bool) {
    match places.remove(&place) {
        Some(before) => {
            let mut kept = Some(before);
            let gone = newer(&mut kept, held);
            places.extend(kept.map(|kept| (place, kept)));
            (gone, false)
        }
        None if places.len() >= most => (Some(held), true),
        None => {
            places.insert(place, held);
            (None, false)
        }
    }
}

impl OfSymbol {
    /// Whether a message of the subject would take the place of another.
    fn holds(&self, subject: Subject) -> bool {
        match subject {
            Subject::Print | Subject::Told => false,
            Subject::Index => self.index.is_some(),
            Subject::Quote(contract) => self.quotes.contains_key(&contract),
            Subject::Expiry(expiry) => self.expiries.contains_key(&expiry),
        }
    }

    fn held(&self) -> impl Iterator<Item = &Held> {
        let many = self.quotes.values().chain(self.expiries.values());
        self.prints.iter().chain(&self.index).chain(many)
    }

    fn by_channel(&self) -> PerChannel {
        let ticks = self.prints.len() + usize::from(self.index.is_some());
        let (quotes, expiries) = (self.quotes.len(), self.expiries.len());
        [ticks as u64, quotes as u64, expiries as u64, self.told]
    }
}

#[cfg(test)]
mod tests;
