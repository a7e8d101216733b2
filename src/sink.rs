//! Where the engine writes: Redis, the board in this process, or a replay's files.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use quant::market::{SignedTrade, Symbol, Timestamp};

use crate::history::intake::Intake;
use crate::replay::files::ReplayFiles;
use crate::store::board::Board;
use crate::store::exchange::{How, Refusal, StoreError, Write};
use crate::store::keys;
use crate::store::published::Published;
use crate::store::redis::Redis;

/// Seconds a saved state lives: over a long weekend.
const STATE_TTL: u64 = 4 * 86_400;

/// A place to publish to, and by which names.
#[derive(Clone)]
pub struct Sink {
    place: Place,
    aliases: bool,
    published: Option<Arc<Published>>,
    history: Option<Intake>,
}

#[derive(Clone)]
enum Place {
    Redis(Arc<Redis>),
    Board(Arc<Board>),
    /// The board, and a Redis server to look at.
    Copied(Arc<Board>, Arc<Redis>),
    /// The board, and every document written in a file besides.
    Replay(Arc<Board>, Arc<Mutex<ReplayFiles>>),
}

impl From<Place> for Sink {
    fn from(place: Place) -> Self {
        Self {
            place,
            aliases: false,
            published: None,
            history: None,
        }
    }
}

impl Sink {
    /// A Redis server.
    pub fn redis(redis: Arc<Redis>) -> Self {
        Place::Redis(redis).into()
    }

    /// The in-process board.
    pub fn board(board: Arc<Board>) -> Self {
        Place::Board(board).into()
    }

    /// The in-process board, and everything in a Redis server besides, for people to look at.
    pub fn copied(board: Arc<Board>, redis: Arc<Redis>) -> Self {
        Place::Copied(board, redis).into()
    }

    /// The board, and every document written in a file besides.
    pub fn replay(board: Arc<Board>, files: Arc<Mutex<ReplayFiles>>) -> Self {
        Place::Replay(board, files).into()
    }

    /// With every document at its second names, too, where these are wanted.
    #[must_use]
    pub fn with_aliases(self, aliases: bool) -> Self {
        Self { aliases, ..self }
    }

    /// With every document kept for readers in this process, too, once the store took it.
    #[must_use]
    pub fn with_published(self, published: Arc<Published>) -> Self {
        Self {
            published: Some(published),
            ..self
        }
    }

    /// Tells history of every document that was written.
    #[must_use]
    pub fn with_history(self, history: Option<Intake>) -> Self {
        Self { history, ..self }
    }

    /// Writes documents. Those that the store refuses are an error, and the others are written all the
    /// same and told to whoever keeps them.
    pub async fn publish(&self, writes: &[Write], now: Timestamp) -> Result<(), StoreError> {
        let refusal = self.write(writes, now).await?;
        let stood: Cow<'_, [Write]> = match &refusal {
            None => writes.into(),
            Some(refusal) => {
                let stood = writes.iter().filter(|write| refusal.spares(&write.key));
                stood.cloned().collect()
            }
        };
        if let Some(published) = &self.published {
            published.take(&stood, now);
        }
        if let Some(history) = &self.history {
            history.published(&stood, now);
        }
        refusal.map_or(Ok(()), |refusal| Err(refusal.into()))
    }

    async fn write(&self, writes: &[Write], now: Timestamp) -> Result<Option<Refusal>, StoreError> {
        let named_twice = self.aliases.then(|| with_aliases(writes));
        let named = named_twice.as_deref().unwrap_or(writes);
        match &self.place {
            Place::Redis(redis) => return redis.publish(named).await,
            Place::Board(board) => board.publish(named, now, |_| {}),
            Place::Copied(board, redis) => {
                board.publish(named, now, |_| {});
                return redis.publish(named).await;
            }
            Place::Replay(board, files) => {
                let mut files = files.lock().unwrap_or_else(PoisonError::into_inner);
                board.publish(named, now, |write| files.document(write));
            }
        }
        Ok(None)
    }

    /// Whether something stands at each key. What this process keeps itself it does not lose.
    pub async fn stand(&self, keys: &[String]) -> Result<Vec<bool>, StoreError> {
        match &self.place {
            Place::Redis(redis) => redis.stand(keys).await,
            Place::Board(_) | Place::Copied(..) | Place::Replay(..) => Ok(vec![true; keys.len()]),
        }
    }

    /// Whether somebody in this process looks at a symbol.
    pub fn is_watched(&self, symbol: &Symbol, now: Timestamp) -> bool {
        let published = self.published.as_ref();
        published.is_some_and(|published| published.is_watched(symbol, now))
    }

    /// Shows what is held of a symbol to those who look at it.
    pub fn show(&self, symbol: &Symbol, views: Vec<(&'static str, Bytes)>, now: Timestamp) {
        let Some(published) = &self.published else {
            return;
        };
        for (name, view) in views {
            published.show(symbol, name, view, now);
        }
    }

    /// Writes what must survive a restart. No reader looks for it, so it has no second names; a
    /// replay remembers nothing and saves nothing.
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
            how: How::Replace,
        };
        let writes: Vec<Write> = states.into_iter().map(write).collect();
        let refusal = self.write(&writes, now).await?;
        refusal.map_or(Ok(()), |refusal| Err(refusal.into()))
    }

    /// Writes the heartbeat.
    pub async fn beat(
        &self,
        value: Bytes,
        ttl_seconds: u64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let second = keys::aliases(keys::HEARTBEAT).filter(|_| self.aliases);
        let names: Vec<String> = std::iter::once(keys::HEARTBEAT.to_owned())
            .chain(second)
            .collect();
        match &self.place {
            Place::Redis(redis) => redis.beat(&names, value.clone(), ttl_seconds).await?,
            Place::Copied(board, redis) => {
                board_beat(board, &names, &value, ttl_seconds, now);
                redis.beat(&names, value.clone(), ttl_seconds).await?;
            }
            Place::Board(board) | Place::Replay(board, _) => {
                board_beat(board, &names, &value, ttl_seconds, now);
            }
        }
        if let Some(published) = &self.published {
            published.beat(value, ttl_seconds, now);
        }
        Ok(())
    }

    /// Bytes read and written since the last call, where they go over a connection.
    pub fn take_traffic(&self) -> Option<(u64, u64)> {
        match &self.place {
            Place::Redis(redis) | Place::Copied(_, redis) => Some(redis.take_traffic()),
            Place::Board(_) | Place::Replay(..) => None,
        }
    }

    /// Notes the signed trades of a symbol, where somebody wants them.
    pub fn trace(&self, symbol: &Symbol, trades: &[SignedTrade]) {
        if let Place::Replay(_, files) = &self.place {
            let mut files = files.lock().unwrap_or_else(PoisonError::into_inner);
            files.trades(symbol, trades);
        }
    }
}

fn board_beat(board: &Board, names: &[String], value: &Bytes, ttl_seconds: u64, now: Timestamp) {
    let write = |name: &String| Write {
        document: "heartbeat",
        key: name.as_str().into(),
        value: value.clone(),
        ttl_seconds,
        how: How::Replace,
    };
    let writes: Vec<Write> = names.iter().map(write).collect();
    board.publish(&writes, now, |_| {});
}

/// Every document, and behind it the same at its second names.
fn with_aliases(writes: &[Write]) -> Vec<Write> {
    let named = |write: &Write| {
        let second = keys::aliases(&write.key).map(|key| Write {
            key: key.into(),
            ..write.clone()
        });
        let all: Vec<Write> = std::iter::once(write.clone()).chain(second).collect();
        all
    };
    writes.iter().flat_map(named).collect()
}
