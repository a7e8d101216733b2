//! Where the engine reads: Redis, or the board in this process.

use std::sync::Arc;

use bytes::Bytes;
use quant::market::{Symbol, Timestamp};

use crate::store::board::Board;
use crate::store::codec::BadInput;
use crate::store::drain::Drain;
use crate::store::exchange::{Ask, Fetched, Gathered, StoreError};
use crate::store::redis::Redis;

/// A place to gather from.
#[derive(Clone)]
pub enum Source {
    /// A Redis server.
    Redis(Arc<Redis>),
    /// The in-process board.
    Board(Arc<Board>),
}

impl Source {
    /// Answers all questions of a pass; `drains` stand in the order of `asks`. `probe` also tells
    /// keys of a wrong type from missing ones.
    pub async fn gather(
        &self,
        asks: &[Ask],
        drains: &mut [&mut Drain],
        probe: bool,
        now: Timestamp,
    ) -> Result<Vec<Gathered>, StoreError> {
        match self {
            Self::Redis(redis) => redis.gather(asks, drains, probe).await,
            Self::Board(board) => {
                let pairs = asks.iter().zip(drains);
                Ok(pairs
                    .map(|(ask, drain)| board.gather(ask, drain, now))
                    .collect())
            }
        }
    }

    /// The symbols a feed publishes; what is no symbol is counted.
    pub async fn symbols(&self, bad: &mut BadInput) -> Result<Vec<Symbol>, StoreError> {
        match self {
            Self::Redis(redis) => {
                let Some(names) = redis.symbols().await? else {
                    bad.add("symbols", "wrong_type", 1);
                    return Ok(Vec::new());
                };
                let symbols: Vec<Symbol> =
                    names.iter().filter_map(|n| Symbol::new(n).ok()).collect();
                if symbols.len() < names.len() {
                    bad.add(
                        "symbols",
                        "bad_symbol",
                        (names.len() - symbols.len()) as u64,
                    );
                }
                Ok(symbols)
            }
            Self::Board(board) => Ok(board.symbols().into_iter().collect()),
        }
    }

    /// What stands at each key; nothing where it is no text.
    pub async fn load(
        &self,
        keys: &[String],
        now: Timestamp,
    ) -> Result<Vec<Option<Bytes>>, StoreError> {
        match self {
            Self::Redis(redis) => {
                let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
                redis.load(&keys).await
            }
            Self::Board(board) => {
                let value = |key: &String| match board.get(key, now) {
                    Fetched::Value(bytes) => Some(bytes),
                    Fetched::NotAsked | Fetched::Missing | Fetched::WrongType => None,
                };
                Ok(keys.iter().map(value).collect())
            }
        }
    }

    /// The last elements of lists, so many of each, as one JSON array.
    pub async fn tails(&self, lists: &[(String, usize)]) -> Result<Vec<Fetched>, StoreError> {
        match self {
            Self::Redis(redis) => redis.tails(lists).await,
            Self::Board(board) => Ok(lists
                .iter()
                .map(|(key, count)| board.tail(key, *count))
                .collect()),
        }
    }

    /// Whether it is another process, which can go away.
    pub fn is_remote(&self) -> bool {
        match self {
            Self::Redis(_) => true,
            Self::Board(_) => false,
        }
    }

    /// Whether it was lost and found again since the last call: what was written may be gone.
    pub fn take_reconnected(&self) -> bool {
        match self {
            Self::Redis(redis) => redis.take_reconnected(),
            Self::Board(_) => false,
        }
    }
}
