//! Where the engine writes: Redis, the board in this process, or a replay's files.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use quant::market::{SignedTrade, Symbol, Timestamp};

use crate::replay::files::ReplayFiles;
use crate::store::board::Board;
use crate::store::exchange::{StoreError, Write};
use crate::store::keys;
use crate::store::redis::Redis;

/// Seconds a saved state lives: over a long weekend.
const STATE_TTL: u64 = 4 * 86_400;

/// A place to publish to.
#[derive(Clone)]
pub enum Sink {
    /// A Redis server.
    Redis(Arc<Redis>),
    /// The in-process board.
    Board(Arc<Board>),
    /// The board, and every document written in a file besides.
    Replay(Arc<Board>, Arc<Mutex<ReplayFiles>>),
}

impl Sink {
    /// Writes documents.
    pub async fn publish(&self, writes: &[Write], now: Timestamp) -> Result<(), StoreError> {
        match self {
            Self::Redis(redis) => redis.publish(writes).await?,
            Self::Board(board) => board.publish(writes, now, |_| {}),
            Self::Replay(board, files) => {
                let mut files = files.lock().unwrap_or_else(PoisonError::into_inner);
                board.publish(writes, now, |write| files.document(write));
            }
        }
        Ok(())
    }

    /// Writes what must survive a restart.
    pub async fn save(
        &self,
        states: Vec<(String, Bytes)>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let write = |(key, value): (String, Bytes)| Write {
            document: "state",
            key: key.into(),
            value,
            ttl_seconds: STATE_TTL,
            only_if_exists: false,
        };
        let writes: Vec<Write> = states.into_iter().map(write).collect();
        match self {
            Self::Redis(redis) => redis.publish(&writes).await?,
            Self::Board(board) | Self::Replay(board, _) => board.publish(&writes, now, |_| {}),
        }
        Ok(())
    }

    /// Writes the heartbeat.
    pub async fn beat(
        &self,
        value: Bytes,
        ttl_seconds: u64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        match self {
            Self::Redis(redis) => redis.beat(keys::HEARTBEAT, value, ttl_seconds).await?,
            Self::Board(board) | Self::Replay(board, _) => {
                let write = Write {
                    document: "heartbeat",
                    key: keys::HEARTBEAT.into(),
                    value,
                    ttl_seconds,
                    only_if_exists: false,
                };
                board.publish(&[write], now, |_| {});
            }
        }
        Ok(())
    }

    /// Bytes read and written since the last call, where they go over a connection.
    pub fn take_traffic(&self) -> Option<(u64, u64)> {
        match self {
            Self::Redis(redis) => Some(redis.take_traffic()),
            Self::Board(_) | Self::Replay(..) => None,
        }
    }

    /// Notes the signed trades of a symbol, where somebody wants them.
    pub fn trace(&self, symbol: &Symbol, trades: &[SignedTrade]) {
        if let Self::Replay(_, files) = self {
            let mut files = files.lock().unwrap_or_else(PoisonError::into_inner);
            files.trades(symbol, trades);
        }
    }
}
