//! What a feed writes: keys with their newest value, appended trades, messages; one batch a time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use fred::prelude::*;
use futures_util::future::try_join_all;

use super::board::LIST_LENGTH;
use super::exchange::StoreError;
use super::keys;
use super::redis::Redis;

/// Seconds a market key lives after the last write: over a weekend, so that a feed that stopped
/// leaves old prices with their times, and not for ever.
const KEY_TTL: u64 = 4 * 86_400;
/// Minute bars a list keeps: a session, and some.
const BARS_LENGTH: usize = 500;
/// Messages kept while the store is slow; older ones are dropped and counted.
const MAX_MESSAGES: usize = 10_000;
/// Operations in one script call.
const BATCH: usize = 200;

/// Applies a batch: sets, appends with trimming, messages, set members.
const FEED_SCRIPT: &str = r"
local refused = false
for i = 1, #KEYS do
  local op, value = ARGV[2 * i - 1], ARGV[2 * i]
  local reply
  if op == 's' then
    reply = redis.pcall('SET', KEYS[i], value, 'EX', ARGV[#ARGV])
  elseif op == 'p' then
    reply = redis.pcall('RPUSH', KEYS[i], value)
  elseif op == 't' then
    reply = redis.pcall('LTRIM', KEYS[i], value, -1)
    redis.pcall('EXPIRE', KEYS[i], ARGV[#ARGV])
  elseif op == 'm' then
    reply = redis.pcall('PUBLISH', KEYS[i], value)
  else
    reply = redis.pcall('SADD', KEYS[i], value)
  end
  if type(reply) == 'table' and reply['err'] and not refused then refused = reply['err'] end
end
return refused
";

/// What waits to be written. Bounded however long the store is away: of a key the newest value,
/// of a list what the list would keep, of messages the newest.
#[derive(Debug, Default)]
pub struct FeedBatch {
    values: BTreeMap<Arc<str>, Bytes>,
    lists: BTreeMap<Arc<str>, VecDeque<Bytes>>,
    messages: VecDeque<(Arc<str>, Bytes)>,
    members: BTreeSet<String>,
    dropped: u64,
}

impl FeedBatch {
    /// Sets a key.
    pub fn set(&mut self, key: Arc<str>, value: Bytes) {
        self.values.insert(key, value);
    }

    /// Appends to a list.
    pub fn push(&mut self, key: Arc<str>, element: Bytes) {
        let length = list_length(&key);
        let list = self.lists.entry(key).or_default();
        if list.len() == length {
            list.pop_front();
            self.dropped += 1;
        }
        list.push_back(element);
    }

    /// Sends a message.
    pub fn message(&mut self, channel: Arc<str>, payload: Bytes) {
        if self.messages.len() == MAX_MESSAGES {
            self.messages.pop_front();
            self.dropped += 1;
        }
        self.messages.push_back((channel, payload));
    }

    /// Names a symbol in the set of those that are published.
    pub fn symbol(&mut self, symbol: &str) {
        self.members.insert(symbol.to_owned());
    }

    /// Trades and messages that were dropped because the store was away or too slow.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
            && self.lists.is_empty()
            && self.messages.is_empty()
            && self.members.is_empty()
    }

    /// Trades and messages that wait.
    fn unrepeatable(&self) -> u64 {
        let trades: usize = self.lists.values().map(VecDeque::len).sum();
        (trades + self.messages.len()) as u64
    }

    /// Forgets what was written.
    fn clear(&mut self) {
        let dropped = self.dropped;
        *self = Self {
            dropped,
            ..Self::default()
        };
    }

    fn operations(&self) -> Vec<(&str, &'static str, Value)> {
        let bytes = |value: &Bytes| Value::Bytes(value.clone());
        let values = self.values.iter().map(|(k, v)| (k.as_ref(), "s", bytes(v)));
        let lists = self.lists.iter().flat_map(|(key, list)| {
            let trim = Value::from(format!("-{}", list_length(key)));
            let pushes = list
                .iter()
                .map(|element| (key.as_ref(), "p", bytes(element)));
            pushes.chain(std::iter::once((key.as_ref(), "t", trim)))
        });
        let messages = self
            .messages
            .iter()
            .map(|(k, v)| (k.as_ref(), "m", bytes(v)));
        let members = self
            .members
            .iter()
            .map(|symbol| (keys::SYMBOLS, "a", Value::from(symbol.as_str())));
        values.chain(lists).chain(messages).chain(members).collect()
    }
}

/// Elements that a list keeps.
fn list_length(key: &str) -> usize {
    if keys::is_bars(key) {
        BARS_LENGTH
    } else {
        LIST_LENGTH
    }
}

impl Redis {
    /// Writes a batch and empties it. Where there was no connection everything stays in it for
    /// the next time; where the answer did not come, it may be written already and is not
    /// repeated.
    pub async fn feed(&self, batch: &mut FeedBatch) -> Result<(), StoreError> {
        if batch.is_empty() {
            return Ok(());
        }
        if !self.is_connected() {
            return Err(StoreError::NotConnected(self.name().to_owned()));
        }
        let result = {
            let operations = batch.operations();
            // One connection for the whole batch: what is pushed keeps its order.
            let client = self.client();
            let calls = operations.chunks(BATCH).map(|chunk| async move {
                let keys: Vec<&str> = chunk.iter().map(|(key, ..)| *key).collect();
                let mut arguments = Vec::with_capacity(2 * chunk.len() + 1);
                for (_, op, value) in chunk {
                    arguments.push(Value::from(*op));
                    arguments.push(value.clone());
                }
                arguments.push(Value::from(KEY_TTL.to_string()));
                client
                    .eval::<Option<String>, _, _, _>(FEED_SCRIPT, keys, arguments)
                    .await
                    .map_err(|error| self.error(error))
            });
            try_join_all(calls).await
        };
        let refusal = match result {
            Ok(replies) => replies
                .into_iter()
                .flatten()
                .next()
                .map(StoreError::Refused),
            Err(why) => Some(why),
        };
        if refusal.is_some() {
            // Some of it may be written: repeating it would double trades, so it counts as lost.
            batch.dropped += batch.unrepeatable();
        }
        batch.clear();
        refusal.map_or(Ok(()), Err)
    }

    /// Writes a feed's heartbeat.
    pub async fn feed_beat(&self, provider: &str, value: Bytes) -> Result<(), StoreError> {
        self.beat(&[keys::feed_heartbeat(provider)], value, 15)
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_bounded() {
        let mut batch = FeedBatch::default();
        for at in 0..20_000 {
            let value = Bytes::from(at.to_string());
            batch.set("market:A:ticker".into(), value.clone());
            batch.push("market:A:trades".into(), value.clone());
            batch.message("market:underlying".into(), value);
        }
        let expected = 1 + (LIST_LENGTH + 1) + MAX_MESSAGES;
        assert_eq!(batch.operations().len(), expected);
        assert_eq!(batch.dropped(), 19_000 + 10_000);
    }

    #[test]
    fn of_bars_a_list_keeps_500() {
        for key in ["market:A:bars:1min", "market:A:bars"] {
            let mut batch = FeedBatch::default();
            for at in 0..600 {
                batch.push(key.into(), Bytes::from(at.to_string()));
            }
            let operations = batch.operations();
            assert_eq!(operations.len(), 500 + 1);
            assert_eq!(operations[0].2, Value::Bytes("100".into()));
            assert_eq!(operations[500], (key, "t", Value::from("-500")));
        }
    }
}
