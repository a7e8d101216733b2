//! What the engine asks of a store and what it hands over: one question and one answer a symbol
//! and pass, one write a document.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;

use super::inbox::Message;
use super::keys::SymbolKeys;
use super::scan::Scanner;

/// Minute bars that are read: an hour, and some that may be missing or under way.
pub const BARS: usize = 90;

/// What to read of one symbol.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Its keys.
    pub keys: Arc<SymbolKeys>,
    /// Whether the order book is needed. Ticker and trades always are.
    pub book: bool,
    /// Whether the option chain is needed.
    pub chain: bool,
    /// Whether minute bars are needed.
    pub bars: bool,
    /// Whether the closing-auction feed is needed.
    pub imbalance: bool,
    /// Whether the discovered parameters are needed.
    pub discovered: bool,
    /// Whether what is usual of it is needed.
    pub baseline: bool,
}

/// What stood at one key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Fetched {
    /// It was not asked for.
    #[default]
    NotAsked,
    /// Nothing.
    Missing,
    /// Something that is not text.
    WrongType,
    /// A value.
    Value(Bytes),
}

/// The trades that came since the last read, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewTrades {
    /// The list's elements.
    pub elements: Vec<Bytes>,
    /// Whether what was seen before is gone from the list: trades may be missing, and some of
    /// the elements may have been seen.
    pub gap: bool,
    /// Whether the key holds something that is no list.
    pub wrong_type: bool,
}

/// Everything read of one symbol.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gathered {
    /// Ticker.
    pub ticker: Fetched,
    /// Order book.
    pub book: Fetched,
    /// Option chain; where its key is missing, one put together from the keys of its contracts.
    pub chain: Fetched,
    /// Minute bars: the elements of the list as one JSON array.
    pub bars: Fetched,
    /// Closing-auction feed.
    pub imbalance: Fetched,
    /// Discovered VPIN bucket size of the symbol.
    pub bucket_size: Fetched,
    /// Discovered VPIN bucket size of all symbols.
    pub bucket_size_global: Fetched,
    /// Discovered average daily volume.
    pub volume: Fetched,
    /// What is usual of the symbol.
    pub baseline: Fetched,
    /// New trades.
    pub trades: NewTrades,
    /// Messages that came by channel, oldest first.
    pub messages: Vec<Message>,
}

/// A document to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The document's name, the same for every symbol.
    pub document: &'static str,
    /// Its key.
    pub key: Arc<str>,
    /// Its bytes.
    pub value: Bytes,
    /// Seconds it lives.
    pub ttl_seconds: u64,
    /// How it is written.
    pub how: How,
}

/// The name of what is kept beside documents: lists of minute marks, and what sources said last.
pub const BESIDE: &str = "history";

/// How a value comes to its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It replaces whatever stands there.
    Replace,
    /// Only where the key exists: a document without a value replaces one with a value, and
    /// nothing else.
    ReplaceExisting,
    /// It replaces whatever stands there, and is told on a channel.
    ReplaceAndPublish {
        /// The channel.
        channel: &'static str,
    },
    /// Its lines are the members of a set that replaces whatever stands there; without any there is
    /// none.
    ReplaceSet,
    /// It is told on the channel that is its key, and stands nowhere.
    Publish,
    /// It is put in front of a list, of which so many elements stay.
    PutInFront {
        /// Elements that stay.
        keep: usize,
    },
}

/// Why the store did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There is no connection.
    #[error("not connected to redis at {0}")]
    NotConnected(String),
    /// No answer in time.
    #[error("redis did not answer within {0} ms")]
    Timeout(u64),
    /// Redis refused.
    #[error("redis refused: {0}")]
    Refused(String),
    /// The URL cannot be used.
    #[error("redis.url: {0}")]
    Url(String),
}

/// What a store refused of many documents; the others are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why the first was refused.
    pub why: String,
    /// The keys that do not hold what was to be written.
    pub keys: BTreeSet<String>,
}

impl Refusal {
    /// Whether a key holds what was to be written.
    pub fn spares(&self, key: &str) -> bool {
        !self.keys.contains(key)
    }

    /// Both together; the first word stands.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.keys.extend(other.keys);
        self
    }
}

impl From<Refusal> for StoreError {
    fn from(refusal: Refusal) -> Self {
        match refusal.keys.len() {
            0 | 1 => Self::Refused(refusal.why),
            count => Self::Refused(format!("{} ({count} documents)", refusal.why)),
        }
    }
}

/// The elements of a list as one JSON array, `null` for one that is no value by itself; nothing where
/// there are none.
pub fn joined(elements: &[Bytes]) -> Fetched {
    if elements.is_empty() {
        return Fetched::Missing;
    }
    let length = elements
        .iter()
        .map(|element| element.len() + 1)
        .sum::<usize>();
    let mut text = Vec::with_capacity(length + 1);
    text.push(b'[');
    for (at, element) in elements.iter().enumerate() {
        if at > 0 {
            text.push(b',');
        }
        text.extend_from_slice(if is_value(element) { element } else { b"null" });
    }
    text.push(b']');
    Fetched::Value(text.into())
}

/// Whether it is one JSON value and nothing else.
fn is_value(element: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(element) else {
        return false;
    };
    let mut scanner = Scanner::new(text);
    scanner.skip().and_then(|()| scanner.end()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_that_is_no_value_costs_no_other() {
        let elements = ["[1,2]", "{\"time\":", "1],[2", "{}"].map(Bytes::from);
        assert_eq!(
            joined(&elements),
            Fetched::Value("[[1,2],null,null,{}]".into())
        );
        assert_eq!(joined(&[]), Fetched::Missing);
    }
}
