//! What a feed writes: keys with their newest value, appended trades, messages; one batch a time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use fred::prelude::*;
use futures_util::future::join_all;

use super::board::LIST_LENGTH;
use super::exchange::StoreError;
use super::keys;
use super::redis::Redis;

/// Seconds a market key lives after the last write: over a weekend, so that a feed that stopped
/// leaves old prices with their times, and not for ever.
const KEY_TTL: u64 = 4 * 86_400;
/// Minute bars a list keeps: a session, and some.
const BARS_LENGTH: usize = 500;
/// Messages kept while the store is slow, and their bytes: chains have a hundred kilobytes. Older
/// ones are dropped and counted.
const MAX_MESSAGES: usize = 50_000;
const MAX_MESSAGE_BYTES: usize = 64 << 20;
/// Operations in one script call, its arguments and its bytes: a call of more would keep others
/// from the store for milliseconds.
const BATCH: usize = 200;
const BATCH_ARGUMENTS: usize = 2_000;
const BATCH_BYTES: usize = 1 << 20;

/// Applies a batch: sets, appends with trimming, messages, set members. One that is refused does
/// not keep the others out; the first refusal is returned, and how many elements and messages
/// were. Channels are no keys: an access list tells the two apart.
const FEED_SCRIPT: &str = r"
local ttl, at, key = ARGV[1], 2, 0
local refused, elements, messages = false, 0, 0
while at <= #ARGV do
  local op, reply, n = ARGV[at], nil, 0
  if op == 'm' then
    reply = redis.pcall('PUBLISH', ARGV[at + 1], ARGV[at + 2])
    at = at + 3
  else
    key = key + 1
    if op == 's' then
      reply = redis.pcall('SET', KEYS[key], ARGV[at + 1], 'EX', ttl)
      at = at + 2
    elseif op == 'p' then
      n = tonumber(ARGV[at + 2])
      reply = redis.pcall('RPUSH', KEYS[key], unpack(ARGV, at + 3, at + 2 + n))
      redis.pcall('LTRIM', KEYS[key], ARGV[at + 1], -1)
      redis.pcall('EXPIRE', KEYS[key], ttl)
      at = at + 3 + n
    else
      reply = redis.pcall('SADD', KEYS[key], ARGV[at + 1])
      at = at + 2
    end
  end
  if type(reply) == 'table' and reply['err'] then
    refused = refused or reply['err']
    elements = elements + n
    if op == 'm' then messages = messages + 1 end
  end
end
return {refused, elements, messages}
";

/// What was dropped because the store was away or too slow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Elements of lists: trades and bars.
    pub elements: u64,
    /// Messages of channels.
    pub messages: u64,
}

impl Dropped {
    /// Adds another's counts.
    pub fn add(&mut self, other: Self) {
        self.elements += other.elements;
        self.messages += other.messages;
    }
}

/// What waits to be written. Bounded however long the store is away: of a key the newest value,
/// of a list what the list would keep, of messages the newest.
#[derive(Debug, Default)]
pub struct FeedBatch {
    values: BTreeMap<Arc<str>, Bytes>,
    lists: BTreeMap<Arc<str>, VecDeque<Bytes>>,
    messages: VecDeque<(Arc<str>, Bytes)>,
    message_bytes: usize,
    members: BTreeSet<String>,
    dropped: Dropped,
}

/// One call of the script.
#[derive(Debug, Default, PartialEq)]
struct Call {
    keys: Vec<Arc<str>>,
    arguments: Vec<Value>,
    operations: usize,
    bytes: usize,
    /// What is lost with it.
    at_stake: Dropped,
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
            self.dropped.elements += 1;
        }
        list.push_back(element);
    }

    /// Sends a message.
    pub fn message(&mut self, channel: Arc<str>, payload: Bytes) {
        self.message_bytes += payload.len();
        self.messages.push_back((channel, payload));
        self.drop_oldest_messages();
    }

    /// Names a symbol in the set of those that are published.
    pub fn symbol(&mut self, symbol: &str) {
        self.members.insert(symbol.to_owned());
    }

    /// What was dropped since this was asked last.
    pub fn take_dropped(&mut self) -> Dropped {
        std::mem::take(&mut self.dropped)
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
            && self.lists.is_empty()
            && self.messages.is_empty()
            && self.members.is_empty()
    }

    /// What is lost where it is not written: values are replaced by the next ones anyway.
    pub fn at_stake(&self) -> Dropped {
        let elements: usize = self.lists.values().map(VecDeque::len).sum();
        Dropped {
            elements: elements as u64,
            messages: self.messages.len() as u64,
        }
    }

    /// Gives up what waits, and counts it.
    pub fn abandon(&mut self) {
        self.dropped.add(self.at_stake());
        self.clear();
    }

    /// Puts what an older batch still holds before what waits here.
    pub fn put_before(&mut self, older: Self) {
        if older.is_empty() {
            return self.dropped.add(older.dropped);
        }
        let newer = std::mem::replace(self, older);
        self.dropped.add(newer.dropped);
        self.values.extend(newer.values);
        for (key, list) in newer.lists {
            for element in list {
                self.push(key.clone(), element);
            }
        }
        for (channel, payload) in newer.messages {
            self.message(channel, payload);
        }
        self.members.extend(newer.members);
    }

    fn drop_oldest_messages(&mut self) {
        while self.messages.len() > MAX_MESSAGES || self.message_bytes > MAX_MESSAGE_BYTES {
            let Some((_, payload)) = self.messages.pop_front() else {
                return;
            };
            self.message_bytes -= payload.len();
            self.dropped.messages += 1;
        }
    }

    /// Forgets what was written.
    fn clear(&mut self) {
        *self = Self {
            dropped: self.dropped,
            ..Self::default()
        };
    }

    /// The calls that write it, in order.
    fn calls(&self) -> Vec<Call> {
        let mut calls = vec![Call::default()];
        let mut add = |key: Option<&Arc<str>>, arguments: Vec<Value>, bytes: usize, lost| {
            let last = calls.last();
            if !last.is_some_and(|call| call.has_room(arguments.len(), bytes)) {
                calls.push(Call::default());
            }
            if let Some(call) = calls.last_mut() {
                call.add(key, arguments, bytes, lost);
            }
        };
        let nothing = Dropped::default();
        for (key, value) in &self.values {
            let arguments = vec!["s".into(), Value::Bytes(value.clone())];
            add(Some(key), arguments, value.len(), nothing);
        }
        for (key, list) in &self.lists {
            let mut arguments: Vec<Value> = vec![
                "p".into(),
                format!("-{}", list_length(key)).into(),
                list.len().to_string().into(),
            ];
            arguments.extend(list.iter().map(|element| Value::Bytes(element.clone())));
            let lost = Dropped {
                elements: list.len() as u64,
                ..nothing
            };
            add(
                Some(key),
                arguments,
                list.iter().map(Bytes::len).sum(),
                lost,
            );
        }
        for (channel, payload) in &self.messages {
            let channel = Value::from(channel.as_ref());
            let arguments = vec!["m".into(), channel, Value::Bytes(payload.clone())];
            let lost = Dropped {
                messages: 1,
                ..nothing
            };
            add(None, arguments, payload.len(), lost);
        }
        let symbols: Arc<str> = keys::SYMBOLS.into();
        for symbol in &self.members {
            let arguments = vec!["a".into(), Value::from(symbol.as_str())];
            add(Some(&symbols), arguments, symbol.len(), nothing);
        }
        calls
    }
}

impl Call {
    fn has_room(&self, arguments: usize, bytes: usize) -> bool {
        let is_empty = self.operations == 0;
        let fits = self.operations < BATCH
            && self.arguments.len() + arguments <= BATCH_ARGUMENTS
            && self.bytes + bytes <= BATCH_BYTES;
        is_empty || fits
    }

    fn add(&mut self, key: Option<&Arc<str>>, arguments: Vec<Value>, bytes: usize, lost: Dropped) {
        if self.arguments.is_empty() {
            self.arguments.push(KEY_TTL.to_string().into());
        }
        self.keys.extend(key.cloned());
        self.arguments.extend(arguments);
        self.operations += 1;
        self.bytes += bytes;
        self.at_stake.add(lost);
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
        // One connection for the whole batch: what is pushed keeps its order.
        let client = self.client();
        let calls = batch.calls().into_iter().map(|call| async move {
            let keys: Vec<String> = call.keys.iter().map(|key| key.to_string()).collect();
            type Reply = (Option<String>, u64, u64);
            let reply: Result<Reply, _> = client.eval(FEED_SCRIPT, keys, call.arguments).await;
            match reply {
                Ok((refusal, elements, messages)) => (
                    refusal.map(StoreError::Refused),
                    Dropped { elements, messages },
                ),
                // It may be written: repeating it would double trades, so it counts as lost.
                Err(error) => (Some(self.error(error)), call.at_stake),
            }
        });
        let results = join_all(calls).await;
        batch.clear();
        let mut first = Ok(());
        for (why, dropped) in results {
            batch.dropped.add(dropped);
            if let (Ok(()), Some(why)) = (&first, why) {
                first = Err(why);
            }
        }
        first
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

    fn filled(count: usize) -> FeedBatch {
        let mut batch = FeedBatch::default();
        for at in 0..count {
            let value = Bytes::from(at.to_string());
            batch.set("market:A:ticker".into(), value.clone());
            batch.push("market:A:trades".into(), value.clone());
            batch.message("market:underlying".into(), value);
        }
        batch
    }

    fn arguments(batch: &FeedBatch) -> usize {
        batch
            .calls()
            .iter()
            .map(|call| call.arguments.len() - 1)
            .sum()
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut batch = filled(70_000);
        assert_eq!(arguments(&batch), 2 + (3 + LIST_LENGTH) + 3 * MAX_MESSAGES);
        let expected = Dropped {
            elements: 69_000,
            messages: 20_000,
        };
        assert_eq!(batch.take_dropped(), expected);
        assert_eq!(batch.take_dropped(), Dropped::default());
    }

    #[test]
    fn messages_are_bounded_by_their_bytes_too() {
        let mut batch = FeedBatch::default();
        for _ in 0..70 {
            batch.message("market:option_chain".into(), vec![b'x'; 1 << 20].into());
        }
        assert_eq!(batch.messages.len(), 64);
        assert_eq!(batch.take_dropped().messages, 6);
        assert_eq!(batch.calls().len(), 64, "a call each");
    }

    #[test]
    fn what_was_not_written_comes_before_what_came_since() {
        let (mut newer, older) = (FeedBatch::default(), filled(3));
        newer.set("market:A:ticker".into(), "new".into());
        newer.push("market:A:trades".into(), "new".into());
        newer.put_before(older);
        assert_eq!(&newer.values["market:A:ticker"][..], b"new");
        let list: Vec<&[u8]> = newer.lists["market:A:trades"]
            .iter()
            .map(|e| &e[..])
            .collect();
        assert_eq!(list, [&b"0"[..], b"1", b"2", b"new"]);
        assert_eq!((newer.messages.len(), newer.message_bytes), (3, 3));
        assert_eq!(newer.take_dropped(), Dropped::default());
    }

    #[test]
    fn of_bars_a_list_keeps_500() {
        for key in ["market:A:bars:1min", "market:A:bars"] {
            let mut batch = FeedBatch::default();
            for at in 0..600 {
                batch.push(key.into(), Bytes::from(at.to_string()));
            }
            let calls = batch.calls();
            assert_eq!(calls.len(), 1);
            assert_eq!(
                calls[0].arguments[1..4],
                ["p", "-500", "500"].map(Value::from)
            );
            assert_eq!(calls[0].arguments[4], Value::Bytes("100".into()));
        }
    }
}
