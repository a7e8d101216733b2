//! The connection to Redis and the commands of a pass: one batch to read, one to write.
//!
//! Many small commands cost the client more than the server, one system call each, so texts are
//! read by `MGET`, documents written by one script per hundred. Nothing here retries: the next
//! pass is the retry. Every command has a timeout, because a frozen server never answers.

mod sweep;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use fred::prelude::*;
use fred::types::config::{Server, UnresponsiveConfig};
use futures_util::future::{join_all, try_join_all};
use quant::market::Symbol;
use tokio::sync::broadcast::{Receiver, error::RecvError};

use self::sweep::Sweeps;
use super::board::drained;
use super::contracts::chain_text;
use super::drain::{Aligned, Drain};
use super::exchange::{
    Ask, BARS, Fetched, Gathered, How, NewTrades, Refusal, StoreError, Write, joined,
};
use super::keys::{self, SymbolKeys};
use crate::config;

/// Keys in one `MGET` and documents in one script call: large enough to save calls, small enough
/// that one reply stays below a megabyte.
const BATCH: usize = 100;

/// Bytes of documents in one script call, and such calls under way at a time: an index has megabytes
/// of enriched chains, and each call must come to its answer in the time of a command.
const BATCH_BYTES: usize = 1 << 20;
const WRITES_AT_ONCE: usize = 8;

/// Chains in one `MGET`, and such calls under way at a time: a chain has a hundred kilobytes and
/// may have megabytes, and what is under way is held twice.
const CHAIN_BATCH: usize = 16;
const CHAINS_AT_ONCE: usize = 2;

/// Long lists that are asked for together: some megabytes.
const LISTS_AT_ONCE: usize = 50;

/// Keys of single contracts in one `MGET`: their values are short.
const CONTRACT_BATCH: usize = 1000;

/// Longest tail of a trade list that is read: what the ring of a symbol can hold unread. A producer
/// that does not trim its list costs no other symbol its numbers.
const LONGEST_TAIL: i64 = 16_384;

/// Writes documents: for each key a lifetime, a mode and a value. A mode that is a number puts the
/// value in front of a list and keeps so many elements; what is no list gives way to one, as a
/// document takes the place of whatever stands at its key. `S` makes the value's lines the members of a
/// set, `>` before a channel also tells the value there, which so travels once. One document that Redis
/// refuses does not keep the others out; the first refusal is returned, and the keys that were not written.
const WRITE_SCRIPT: &str = r"
local refused = false
local function refuse(reply, key)
  refused = refused or { reply['err'] }
  if key then refused[#refused + 1] = key end
end
for i = 1, #KEYS do
  local ttl, mode, value = ARGV[3 * i - 2], ARGV[3 * i - 1], ARGV[3 * i]
  local reply
  local keep = tonumber(mode)
  if keep then
    reply = redis.pcall('LPUSH', KEYS[i], value)
    if type(reply) == 'table' and reply['err'] and string.sub(reply['err'], 1, 9) == 'WRONGTYPE' then
      redis.call('DEL', KEYS[i])
      reply = redis.pcall('LPUSH', KEYS[i], value)
    end
    if type(reply) ~= 'table' then
      redis.call('LTRIM', KEYS[i], 0, keep - 1)
      redis.call('EXPIRE', KEYS[i], ttl)
    end
  elseif mode == 'XX' then
    reply = redis.pcall('SET', KEYS[i], value, 'EX', ttl, 'XX')
  elseif mode == 'S' then
    local members = {}
    for member in string.gmatch(value, '[^\n]+') do members[#members + 1] = member end
    redis.call('DEL', KEYS[i])
    if #members > 0 then
      reply = redis.pcall('SADD', KEYS[i], unpack(members))
      redis.call('EXPIRE', KEYS[i], ttl)
    end
  else
    reply = redis.pcall('SET', KEYS[i], value, 'EX', ttl)
    if string.sub(mode, 1, 1) == '>' then
      local told = redis.pcall('PUBLISH', string.sub(mode, 2), value)
      if type(told) == 'table' and told['err'] then refuse(told) end
    end
  end
  if type(reply) == 'table' and reply['err'] then refuse(reply, KEYS[i]) end
end
return refused
";

/// Connections to one Redis.
pub struct Redis {
    pool: Pool,
    beat: Client,
    name: String,
    timeout_ms: u64,
    reconnected: Arc<AtomicBool>,
    sweeps: Sweeps,
    /// Whether the last chains asked for did not come in time.
    chains_late: AtomicBool,
}

impl Redis {
    /// Starts connecting; goes on for ever with growing pauses, and needs no server to be up.
    pub fn start(settings: &config::Redis) -> Result<Self, StoreError> {
        let builder = builder(settings)?;
        let refused = |error: Error| StoreError::Url(error.details().to_owned());
        let pool = builder.build_pool(settings.pool_size).map_err(refused)?;
        let beat = builder.build().map_err(refused)?;
        let reconnected = Arc::new(AtomicBool::new(false));
        for client in pool.clients() {
            tokio::spawn(note_reconnects(client.reconnect_rx(), reconnected.clone()));
        }
        pool.connect();
        beat.connect();
        Ok(Self {
            pool,
            beat,
            name: settings.url.to_string(),
            timeout_ms: settings.command_timeout_ms,
            reconnected,
            sweeps: Sweeps::default(),
            chains_late: AtomicBool::new(false),
        })
    }

    /// Waits until the first connection stands.
    pub async fn connected(&self) {
        // An error here is one attempt that failed; the client goes on trying by itself.
        while self.pool.wait_for_connect().await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Whether any connection stands.
    pub fn is_connected(&self) -> bool {
        self.pool.clients().iter().any(Client::is_connected)
    }

    /// Whether a connection was lost and made again since the last call.
    pub fn take_reconnected(&self) -> bool {
        self.reconnected.swap(false, Ordering::Relaxed)
    }

    /// Where it is, without the password.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Answers all questions of a pass; `drains` stand in the order of `asks`.
    /// `probe` also asks what holds the keys that gave no text, which `MGET` does not tell.
    pub async fn gather(
        &self,
        asks: &[Ask],
        drains: &mut [&mut Drain],
        probe: bool,
    ) -> Result<Vec<Gathered>, StoreError> {
        self.require_connection()?;
        let tails: Vec<(&str, i64)> = asks
            .iter()
            .zip(drains.iter())
            .map(|(ask, drain)| {
                let start = drain.window().map_or(-LONGEST_TAIL, |k| -(k as i64));
                (ask.keys.trades.as_str(), start)
            })
            .collect();
        let (mut gathered, tails) = tokio::try_join!(self.texts(asks, probe), self.lists(&tails))?;
        let mut windows: Vec<(List, Aligned)> = tails
            .into_iter()
            .zip(drains.iter())
            .map(|(tail, drain)| aligned(tail, drain))
            .collect();
        // Whatever can fail comes before any drain moves on: a pass that failed loses no trade.
        let ran_past: Vec<usize> = (0..asks.len())
            .filter(|&at| match &windows[at] {
                (List::Elements(tail), Aligned::NotFound) => {
                    drains[at].window().is_some_and(|k| tail.len() >= k)
                }
                _ => false,
            })
            .collect();
        if !ran_past.is_empty() {
            let whole: Vec<(&str, i64)> = ran_past
                .iter()
                .map(|&at| (asks[at].keys.trades.as_str(), -LONGEST_TAIL))
                .collect();
            for (at, list) in ran_past.into_iter().zip(self.lists(&whole).await?) {
                windows[at] = aligned(list, drains[at]);
            }
        }
        for ((one, drain), (list, aligned)) in gathered.iter_mut().zip(drains).zip(windows) {
            one.trades = match list {
                List::Elements(window) => drained(window, aligned, drain),
                List::WrongType => NewTrades {
                    wrong_type: true,
                    ..NewTrades::default()
                },
            };
        }
        Ok(gathered)
    }

    /// Writes documents; what is refused keeps no other out.
    pub async fn publish(&self, writes: &[Write]) -> Result<Option<Refusal>, StoreError> {
        if writes.is_empty() {
            return Ok(None);
        }
        self.require_connection()?;
        let mut standing = Vec::with_capacity(writes.len());
        let mut told = Vec::new();
        for write in writes {
            match mode(write.how) {
                Some(mode) => standing.push((mode, write)),
                None => told.push(write),
            }
        }
        let mut refusals: Vec<Refusal> = Vec::new();
        let mut batches = batches(standing).into_iter().peekable();
        while batches.peek().is_some() {
            let batches = batches.by_ref().take(WRITES_AT_ONCE);
            let replies = try_join_all(batches.map(|batch| self.write(batch))).await?;
            refusals.extend(replies.into_iter().flatten());
        }
        let replies = try_join_all(told.into_iter().map(|write| self.tell(write))).await?;
        refusals.extend(replies.into_iter().flatten());
        Ok(refusals.into_iter().reduce(Refusal::and))
    }

    /// Writes some documents in one call; what was refused.
    async fn write(&self, batch: Vec<(String, &Write)>) -> Result<Option<Refusal>, StoreError> {
        let keys: Vec<&str> = batch.iter().map(|(_, write)| write.key.as_ref()).collect();
        let mut arguments: Vec<Value> = Vec::with_capacity(3 * batch.len());
        for (mode, write) in &batch {
            arguments.push(write.ttl_seconds.to_string().into());
            arguments.push(mode.as_str().into());
            arguments.push(Value::Bytes(write.value.clone()));
        }
        let client = self.pool.next_connected();
        let reply = client.eval(WRITE_SCRIPT, keys, arguments).await;
        let refused: Option<Vec<String>> = reply.map_err(|error| self.error(error))?;
        let refusal = |refused: Vec<String>| {
            let mut refused = refused.into_iter();
            let why = refused.next()?;
            let keys = refused.collect();
            Some(Refusal { why, keys })
        };
        Ok(refused.and_then(refusal))
    }

    /// Tells a value on the channel that is its key; a key of a script would have to be one that may be
    /// written.
    async fn tell(&self, write: &Write) -> Result<Option<Refusal>, StoreError> {
        const TELL: &str = "return redis.call('PUBLISH', ARGV[1], ARGV[2])";
        let arguments: Vec<Value> =
            vec![write.key.as_ref().into(), Value::Bytes(write.value.clone())];
        let client = self.pool.next_connected();
        let told = client.eval::<i64, _, _, _>(TELL, Vec::<&str>::new(), arguments);
        match told.await.map_err(|error| self.error(error)) {
            Ok(_) => Ok(None),
            Err(StoreError::Refused(why)) => {
                let keys = [write.key.to_string()].into();
                Ok(Some(Refusal { why, keys }))
            }
            Err(error) => Err(error),
        }
    }

    /// Whether something stands at each key.
    pub async fn stand(&self, keys: &[String]) -> Result<Vec<bool>, StoreError> {
        self.require_connection()?;
        let mut stand = Vec::with_capacity(keys.len());
        for keys in keys.chunks(BATCH) {
            let pipeline = self.pool.next_connected().pipeline();
            for key in keys {
                let _: () = pipeline.exists(key).await.map_err(|e| self.error(e))?;
            }
            let replies: Vec<i64> = pipeline.all().await.map_err(|e| self.error(e))?;
            stand.extend(replies.into_iter().map(|count| count > 0));
        }
        Ok(stand)
    }

    /// Writes a heartbeat to its keys, on a connection of its own so that no batch stands before
    /// it.
    pub async fn beat(
        &self,
        keys: &[String],
        value: Bytes,
        ttl_seconds: u64,
    ) -> Result<(), StoreError> {
        if !self.beat.is_connected() {
            return Err(StoreError::NotConnected(self.name.clone()));
        }
        let expires = Some(Expiration::EX(ttl_seconds as i64));
        let sets = keys.iter().map(|key| {
            let (value, expires) = (value.clone(), expires.clone());
            self.beat.set::<(), _, _>(key, value, expires, None, false)
        });
        // Sent together; one that is refused does not keep the others out.
        let written: Result<(), Error> = join_all(sets).await.into_iter().collect();
        written.map_err(|error| self.error(error))
    }

    /// The members of the set of symbols a feed publishes; `None` where the key holds no set.
    pub async fn symbols(&self) -> Result<Option<Vec<String>>, StoreError> {
        self.require_connection()?;
        let client = self.pool.next_connected();
        match client.smembers(keys::SYMBOLS).await {
            Ok(names) => Ok(Some(names)),
            Err(error) if is_wrong_type(&error) => Ok(None),
            Err(error) => Err(self.error(error)),
        }
    }

    /// What stands at each key; nothing where it is no text.
    pub async fn load(&self, keys: &[&str]) -> Result<Vec<Option<Bytes>>, StoreError> {
        self.require_connection()?;
        self.read(keys, BATCH, usize::MAX).await
    }

    /// What stands at each key, `batch` keys a call, `at_once` calls under way.
    async fn read(
        &self,
        keys: &[&str],
        batch: usize,
        at_once: usize,
    ) -> Result<Vec<Option<Bytes>>, StoreError> {
        let mut values = Vec::with_capacity(keys.len());
        for keys in keys.chunks(batch.saturating_mul(at_once)) {
            let calls = keys.chunks(batch).map(|batch| async move {
                let client = self.pool.next_connected();
                client.mget::<Vec<Option<Bytes>>, _>(batch.to_vec()).await
            });
            let replies = try_join_all(calls).await.map_err(|e| self.error(e))?;
            values.extend(replies.into_iter().flatten());
        }
        Ok(values)
    }

    /// The last elements of lists, so many of each, as one JSON array.
    pub async fn tails(&self, lists: &[(String, usize)]) -> Result<Vec<Fetched>, StoreError> {
        let mut tails = Vec::with_capacity(lists.len());
        for some in lists.chunks(LISTS_AT_ONCE) {
            let wanted: Vec<(&str, i64)> = some
                .iter()
                .map(|(key, count)| (key.as_str(), -(*count as i64)))
                .collect();
            tails.extend(
                self.lists(&wanted)
                    .await?
                    .into_iter()
                    .map(|list| match list {
                        List::Elements(elements) => joined(&elements),
                        List::WrongType => Fetched::WrongType,
                    }),
            );
        }
        Ok(tails)
    }

    /// Round trip of a `PING`.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.require_connection()?;
        let client = self.pool.next_connected();
        client.ping(None).await.map_err(|error| self.error(error))
    }

    /// The pool, for the feed's writer.
    pub(super) fn client(&self) -> &Client {
        self.pool.next_connected()
    }

    /// Bytes read and written since the last call.
    pub fn take_traffic(&self) -> (u64, u64) {
        let (mut read, mut written) = (0, 0);
        for client in self.pool.clients() {
            let (requests, responses) = (
                client.take_req_size_metrics(),
                client.take_res_size_metrics(),
            );
            written += requests.sum.max(0) as u64;
            read += responses.sum.max(0) as u64;
        }
        (read, written)
    }

    /// Closes the connections.
    pub async fn close(&self) {
        self.sweeps.stop();
        // A server that is gone has nothing to say to a good-bye.
        let _ = self.pool.quit().await;
        let _ = self.beat.quit().await;
    }

    fn require_connection(&self) -> Result<(), StoreError> {
        if self.is_connected() {
            Ok(())
        } else {
            Err(StoreError::NotConnected(self.name.clone()))
        }
    }

    pub(super) fn error(&self, error: Error) -> StoreError {
        match error.kind() {
            ErrorKind::Timeout => StoreError::Timeout(self.timeout_ms),
            ErrorKind::IO | ErrorKind::Canceled | ErrorKind::Routing => {
                StoreError::NotConnected(self.name.clone())
            }
            _ => StoreError::Refused(error.details().to_owned()),
        }
    }

    /// Tickers, books, chains, what is usual and discovered parameters of all questions, by `MGET`.
    async fn texts(&self, asks: &[Ask], probe: bool) -> Result<Vec<Gathered>, StoreError> {
        let mut wanted: Vec<(usize, Field, &str)> = Vec::new();
        for (at, ask) in asks.iter().enumerate() {
            wanted.push((at, Field::Ticker, &ask.keys.ticker));
            if ask.book {
                wanted.push((at, Field::Book, &ask.keys.book));
            }
            if ask.imbalance {
                wanted.push((at, Field::Imbalance, &ask.keys.imbalance));
            }
            if ask.discovered {
                wanted.push((at, Field::BucketSize, &ask.keys.bucket_size));
                wanted.push((at, Field::Volume, &ask.keys.volume));
            }
        }
        if asks.iter().any(|ask| ask.discovered) {
            wanted.push((0, Field::BucketSizeGlobal, keys::DISCOVERED_BUCKET_SIZE));
        }
        let small = wanted.len();
        for (at, ask) in asks.iter().enumerate() {
            if ask.chain {
                wanted.push((at, Field::Chain, &ask.keys.chain));
            }
            // As large as a chain.
            if ask.baseline {
                wanted.push((at, Field::Baseline, &ask.keys.baseline));
            }
        }
        let keys: Vec<&str> = wanted.iter().map(|(_, _, key)| *key).collect();
        let (small, chains) = keys.split_at(small);
        let (replies, of_chains) = tokio::join!(
            self.load(small),
            self.read(chains, CHAIN_BATCH, CHAINS_AT_ONCE)
        );
        let told = |reply: Option<Bytes>| reply.map_or(Fetched::Missing, Fetched::Value);
        let mut found: Vec<Fetched> = replies?.into_iter().map(told).collect();
        if !chains.is_empty() {
            match self.in_time(of_chains)? {
                Some(replies) => found.extend(replies.into_iter().map(told)),
                None => found.extend(chains.iter().map(|_| Fetched::NotAsked)),
            }
        }
        if probe {
            self.tell_wrong_types(&wanted, &mut found).await?;
        }
        let mut gathered = vec![Gathered::default(); asks.len()];
        for ((at, field, _), value) in wanted.into_iter().zip(found) {
            match field {
                Field::Ticker => gathered[at].ticker = value,
                Field::Book => gathered[at].book = value,
                Field::Chain => gathered[at].chain = value,
                Field::Imbalance => gathered[at].imbalance = value,
                Field::BucketSize => gathered[at].bucket_size = value,
                Field::Volume => gathered[at].volume = value,
                Field::Baseline => gathered[at].baseline = value,
                Field::BucketSizeGlobal => {
                    for (one, ask) in gathered.iter_mut().zip(asks) {
                        if ask.discovered {
                            one.bucket_size_global = value.clone();
                        }
                    }
                }
            }
        }
        self.bars(asks, &mut gathered).await?;
        self.chains_of_contracts(asks, &mut gathered).await?;
        Ok(gathered)
    }

    /// Minute bars, of their bare key where the other has none.
    async fn bars(&self, asks: &[Ask], gathered: &mut [Gathered]) -> Result<(), StoreError> {
        let mut wanted: Vec<usize> = (0..asks.len()).filter(|&at| asks[at].bars).collect();
        let named: [fn(&SymbolKeys) -> &str; 2] = [|keys| &keys.bars, |keys| &keys.bare_bars];
        for key in named {
            if wanted.is_empty() {
                break;
            }
            let keys = wanted
                .iter()
                .map(|&at| (key(&asks[at].keys), -(BARS as i64)));
            let lists = self.lists(&keys.collect::<Vec<_>>()).await?;
            for (&at, list) in wanted.iter().zip(lists) {
                gathered[at].bars = match list {
                    List::Elements(elements) => joined(&elements),
                    List::WrongType => Fetched::WrongType,
                };
            }
            wanted.retain(|&at| gathered[at].bars == Fetched::Missing);
        }
        Ok(())
    }

    /// What was read of chains; `None` where it did not come in time. Chains are the large values:
    /// one that is too slow costs those of this pass, and no ticker, book or trade.
    fn in_time<T>(&self, read: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
        let late = matches!(read, Err(StoreError::Timeout(_)));
        if self.chains_late.swap(late, Ordering::Relaxed) != late {
            match late {
                true => tracing::warn!("chains are not read in time, the last ones stand"),
                false => tracing::info!("chains are read in time again"),
            }
        }
        match read {
            Err(StoreError::Timeout(_)) => Ok(None),
            read => read.map(Some),
        }
    }

    /// Where a chain is missing, one of the keys of its contracts.
    async fn chains_of_contracts(
        &self,
        asks: &[Ask],
        gathered: &mut [Gathered],
    ) -> Result<(), StoreError> {
        let missing: Vec<(usize, Symbol)> = gathered
            .iter()
            .enumerate()
            .filter(|(_, one)| one.chain == Fetched::Missing)
            .filter_map(|(at, _)| Some((at, keys::symbol_of(&asks[at].keys.chain)?)))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let symbols = missing.iter().map(|(_, symbol)| symbol.clone());
        let known = self.sweeps.keys_of(symbols, &self.pool);
        let named = missing.iter();
        let named = named.flat_map(|(_, symbol)| known.of(symbol).map(|(_, key)| key));
        let named: Vec<&str> = named.collect();
        let values = self.read(&named, CONTRACT_BATCH, CHAINS_AT_ONCE).await;
        let Some(values) = self.in_time(values)? else {
            return Ok(());
        };
        let mut values = values.iter();
        for (at, symbol) in &missing {
            // As many as there are ids: a value more would be of the next symbol.
            let pairs = known.of(symbol);
            let pairs = pairs.map(|(id, _)| (id, values.next().and_then(Option::as_ref)));
            if let Some(text) = chain_text(pairs) {
                gathered[*at].chain = Fetched::Value(text);
            }
        }
        Ok(())
    }

    async fn tell_wrong_types(
        &self,
        wanted: &[(usize, Field, &str)],
        found: &mut [Fetched],
    ) -> Result<(), StoreError> {
        let missing = wanted
            .iter()
            .zip(found)
            .filter(|(_, value)| **value == Fetched::Missing);
        let calls = missing.map(|((_, _, key), value)| async move {
            let client = self.pool.next_connected();
            let kind: String = client.r#type(*key).await.map_err(|e| self.error(e))?;
            if kind != "none" && kind != "string" {
                *value = Fetched::WrongType;
            }
            Ok(())
        });
        join_all(calls).await.into_iter().collect()
    }

    /// Lists from a place to their end; a key that holds no list costs its own reply only.
    async fn lists(&self, wanted: &[(&str, i64)]) -> Result<Vec<List>, StoreError> {
        let client = self.pool.next_connected();
        let pipeline = client.pipeline();
        for &(key, start) in wanted {
            let _: () = pipeline
                .lrange(key, start, -1)
                .await
                .map_err(|e| self.error(e))?;
        }
        let replies = pipeline.try_all::<Vec<Bytes>>().await;
        if replies.len() != wanted.len() {
            return Err(StoreError::NotConnected(self.name.clone()));
        }
        let told = replies.into_iter().map(|reply| match reply {
            Ok(elements) => Ok(List::Elements(elements)),
            Err(error) if is_wrong_type(&error) => Ok(List::WrongType),
            Err(error) => Err(self.error(error)),
        });
        told.collect()
    }
}

/// How the script is told to write; `None` for what stands nowhere.
fn mode(how: How) -> Option<String> {
    Some(match how {
        How::Replace => String::new(),
        How::ReplaceExisting => "XX".to_owned(),
        How::ReplaceSet => "S".to_owned(),
        How::ReplaceAndPublish { channel } => format!(">{channel}"),
        How::PutInFront { keep } => keep.to_string(),
        How::Publish => return None,
    })
}

/// Documents for one call each: few enough, and not too large unless one is by itself.
fn batches(writes: Vec<(String, &Write)>) -> Vec<Vec<(String, &Write)>> {
    let mut batches: Vec<Vec<(String, &Write)>> = Vec::new();
    let mut bytes = 0;
    for write in writes {
        let more = write.1.value.len();
        match batches.last_mut() {
            Some(batch) if batch.len() < BATCH && bytes + more <= BATCH_BYTES => {
                bytes += more;
                batch.push(write);
            }
            _ => {
                bytes = more;
                batches.push(vec![write]);
            }
        }
    }
    batches
}

/// What stands at the key of a list.
enum List {
    Elements(Vec<Bytes>),
    WrongType,
}

fn aligned(list: List, drain: &Drain) -> (List, Aligned) {
    let aligned = match &list {
        List::Elements(window) => drain.align(window),
        List::WrongType => Aligned::New(0),
    };
    (list, aligned)
}

#[derive(Clone, Copy)]
enum Field {
    Ticker,
    Book,
    Chain,
    Imbalance,
    BucketSize,
    BucketSizeGlobal,
    Baseline,
    Volume,
}

/// The client announces its first connection, too, and that is no reconnection.
async fn note_reconnects(mut events: Receiver<Server>, reconnected: Arc<AtomicBool>) {
    let mut is_first = true;
    loop {
        match events.recv().await {
            Err(RecvError::Closed) => return,
            Ok(_) if std::mem::take(&mut is_first) => {}
            Ok(_) | Err(_) => reconnected.store(true, Ordering::Relaxed),
        }
    }
}

fn is_wrong_type(error: &Error) -> bool {
    error.details().starts_with("WRONGTYPE")
}

pub(super) fn builder(settings: &config::Redis) -> Result<Builder, StoreError> {
    let mut config = server(settings.url.reveal())?;
    // The server may come up after us.
    config.fail_fast = false;
    let command_timeout = Duration::from_millis(settings.command_timeout_ms);
    let connect_timeout = Duration::from_millis(settings.connect_timeout_ms);
    let mut builder = Builder::from_config(config);
    builder
        .with_performance_config(|performance| {
            // The default, none, waits for ever on a frozen server.
            performance.default_command_timeout = command_timeout;
        })
        .with_connection_config(|connection| {
            connection.connection_timeout = connect_timeout;
            connection.internal_command_timeout = connect_timeout;
            // The next pass is the retry.
            connection.max_command_attempts = 1;
            connection.unresponsive = UnresponsiveConfig {
                max_timeout: Some(command_timeout.max(connect_timeout)),
                interval: command_timeout,
            };
        })
        .set_policy(ReconnectPolicy::new_exponential(
            0,
            settings.reconnect_min_delay_ms.min(u32::MAX.into()) as u32,
            settings.reconnect_max_delay_ms.min(u32::MAX.into()) as u32,
            2,
        ));
    Ok(builder)
}

fn server(url: &str) -> Result<Config, StoreError> {
    if url.starts_with("redis-cluster:") {
        let why = "redis-cluster:// is not supported yet: name one redis or its sentinels";
        return Err(StoreError::Url(why.into()));
    }
    let url = match url.strip_prefix("unix:") {
        Some(rest) => unix_url(rest),
        None => url.to_owned(),
    };
    // The client's own text may repeat the URL, password and all.
    Config::from_url(&url).map_err(|_| StoreError::Url("not a redis url".into()))
}

/// `/run/redis.sock`, or `//user:password@/run/redis.sock`, as the client spells it.
fn unix_url(rest: &str) -> String {
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    match rest.rsplit_once('@').filter(|_| !rest.starts_with('/')) {
        Some((credentials, path)) => format!("redis+unix://{credentials}@local{path}"),
        None => format!("redis+unix://{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unix_sockets_are_named_with_or_without_credentials() {
        for (url, user) in [
            ("unix:/run/redis.sock", None),
            ("unix:///run/redis.sock", None),
            ("unix://me:secret@/run/redis.sock", Some("me")),
        ] {
            let config = server(url).unwrap();
            let path = "/run/redis.sock".into();
            assert_eq!(config.server, ServerConfig::Unix { path }, "{url}");
            assert_eq!(config.username.as_deref(), user, "{url}");
        }
        let config = server("unix:/run/a@b.sock").unwrap();
        let path = "/run/a@b.sock".into();
        assert_eq!(config.server, ServerConfig::Unix { path });
    }

    #[test]
    fn what_is_no_url_is_refused_without_its_secret() {
        for url in ["redis://:hunter2@", "redis-cluster://hunter2@x"] {
            let text = server(url).unwrap_err().to_string();
            assert!(!text.contains("hunter2"), "{text}");
        }
    }
}
