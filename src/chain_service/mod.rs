//! The documents of the chain service: what a symbol's calculators found, in the shapes and at the
//! keys that readers of chains look for.
//!
//! A function of the snapshot and of what stands in the store: after the calculators of a turn it gives
//! the documents that have to be written, and touches nothing. What has not changed is written again
//! after a while, because spot and greeks move on while a chain stands and keys must not expire.

mod chain;
pub mod documents;
mod expiries;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use quant::calculators::bars::Bars;
use quant::json;
use quant::market::{Price, Span, Symbol, Timestamp};
use quant::snapshot::{Input, Latest, Snapshot, View};
use schemars::Schema;
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64;

use self::documents::{
    EnrichedChain, Event, Ohlc, OptionQuote, PutCall, Underlying, VolatilitySurface,
};
use crate::config::ChainService as Settings;
use crate::store::exchange::{How, Write};
use crate::store::keys;

/// Seconds a document lives.
const TTL: u64 = 300;

/// Most symbols of one message about what a pass wrote.
const SYMBOLS_AN_EVENT: usize = 500;

/// A document of the chain service, for people.
pub struct Card {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Where it stands, with `{S}` and such in the place of names.
    pub key: &'static str,
    schema: fn() -> Schema,
}

impl Card {
    /// Its JSON Schema.
    pub fn schema(&self) -> serde_json::Value {
        let mut schema = (self.schema)().to_value();
        schema["title"] = self.name.into();
        schema["description"] = self.about.into();
        schema
    }
}

/// Every document of the chain service, and the message about what a pass wrote.
pub const CARDS: [Card; 7] = [
    Card {
        name: "latest_underlying",
        about: "Price of an underlying; also told on enriched:underlying.",
        key: "latest:underlying:{S}",
        schema: || schemars::schema_for!(Underlying),
    },
    Card {
        name: "latest_option",
        about: "Quote of one contract, where chain_service.options is set.",
        key: "latest:option:{contract}",
        schema: || schemars::schema_for!(OptionQuote),
    },
    Card {
        name: "latest_chain",
        about: "The chain of one expiry with what is computed from it; also told on \
            enriched:option_chain.",
        key: "latest:chain:{S}:{expiry}",
        schema: || schemars::schema_for!(EnrichedChain),
    },
    Card {
        name: "latest_pcr",
        about: "Put-call ratios of one expiry.",
        key: "latest:pcr:{S}:{expiry}",
        schema: || schemars::schema_for!(PutCall),
    },
    Card {
        name: "ohlc",
        about: "The newest bar of 1, 5 or 15 minutes.",
        key: "ohlc:{S}:{1|5|15}m",
        schema: || schemars::schema_for!(Ohlc),
    },
    Card {
        name: "volatility_surface",
        about: "Volatilities of all expiries.",
        key: "volatility_surface:{S}",
        schema: || schemars::schema_for!(VolatilitySurface<'static>),
    },
    Card {
        name: "events",
        about: "What a pass wrote, told on events:analytics where events.analytics is on.",
        key: "events:analytics",
        schema: || schemars::schema_for!(Event<'static>),
    },
];

/// What a turn computed anew.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ran {
    /// The statistics of the chain.
    pub chain: bool,
    /// The bars.
    pub bars: bool,
}

/// What one symbol's documents last said, so that only what changed is written.
#[derive(Debug, Default)]
pub struct ChainService {
    standing: BTreeMap<Arc<str>, Standing>,
    quotes: Quotes,
}

/// What stands at a key.
#[derive(Clone, Copy, Debug)]
struct Standing {
    content: u64,
    at: Timestamp,
}

/// The quotes of single contracts that were written, by a hash of their names, and where to go on.
#[derive(Debug, Default)]
struct Quotes {
    standing: HashMap<u64, Standing>,
    next: usize,
}

impl ChainService {
    /// The documents to write after a turn.
    pub fn documents(
        &mut self,
        settings: &Settings,
        snapshot: &Snapshot,
        ran: Ran,
        now: Timestamp,
    ) -> Vec<Write> {
        let mut run = Run {
            service: self,
            refresh: Span::from_seconds(settings.refresh_seconds as f64),
            product: &snapshot.symbol,
            now,
            writes: Vec::new(),
        };
        if !settings.enabled || !(ran.chain || ran.bars) {
            return Vec::new();
        }
        let view = View::new(snapshot, now, 0);
        run.underlying(snapshot);
        if ran.bars {
            run.bars(&view);
        }
        if ran.chain {
            run.chain(&view, settings.options);
        }
        let writes = run.writes;
        let lives = |standing: &Standing| now.since(standing.at).seconds() < TTL as f64;
        self.standing.retain(|_, standing| lives(standing));
        self.quotes.standing.retain(|_, standing| lives(standing));
        writes
    }

    /// Forgets what was written: the next run writes every document again.
    pub fn forget_written(&mut self) {
        *self = Self::default();
    }
}

/// One run over one symbol.
struct Run<'a> {
    service: &'a mut ChainService,
    refresh: Span,
    product: &'a Symbol,
    now: Timestamp,
    writes: Vec<Write>,
}

impl Run<'_> {
    /// Whether what stands at a key says something else, or has stood for long; it is then taken for
    /// written.
    fn is_due(&mut self, key: &Arc<str>, content: u64, again: bool) -> bool {
        let standing = Standing {
            content,
            at: self.now,
        };
        let due = is_due(
            self.service.standing.get(key).copied(),
            standing,
            again.then_some(self.refresh),
        );
        if due {
            self.service.standing.insert(key.clone(), standing);
        }
        due
    }

    fn push<T: Serialize>(&mut self, document: &'static str, key: Arc<str>, value: &T, how: How) {
        self.writes.push(Write {
            document,
            key,
            value: json::to_vec(value).into(),
            ttl_seconds: TTL,
            how,
        });
    }

    fn underlying(&mut self, snapshot: &Snapshot) {
        let Some((price, at)) = price_of(snapshot, self.now) else {
            return;
        };
        let key: Arc<str> = keys::latest_underlying(self.product).into();
        let content = hash([price.to_bits(), at.nanos() as u64]);
        if self.is_due(&key, content, true) {
            let document = Underlying {
                product: self.product.to_string(),
                price,
                timestamp: at.to_rfc3339(),
            };
            let channel = keys::ENRICHED_UNDERLYING;
            let how = How::ReplaceAndPublish { channel };
            self.push("latest_underlying", key, &document, how);
        }
    }

    fn bars(&mut self, view: &View<'_>) {
        let bars = Latest::<Bars>::take(view).ok();
        let payload = bars.and_then(|bars| bars.payload);
        let windows = payload.and_then(|payload| payload.windows.as_ref());
        for window in windows.into_iter().flatten() {
            let Some(bar) = window.last() else {
                continue;
            };
            let minutes = window.window_minutes;
            let end = bar
                .start
                .plus(Span::from_seconds(60.0 * f64::from(minutes)));
            let ttl_seconds = 2 * 60 * u64::from(minutes);
            // A restart does not bring back what had expired.
            if self.now.since(end).seconds() >= ttl_seconds as f64 {
                continue;
            }
            let document = Ohlc {
                product: self.product.to_string(),
                window_minutes: minutes,
                open: bar.open,
                high: bar.high,
                low: bar.low,
                close: bar.close,
                volume: bar.volume,
                start_time: bar.start.to_rfc3339(),
                end_time: end.to_rfc3339(),
                num_ticks: bar.num_ticks,
                complete: bar.complete,
            };
            let key: Arc<str> = keys::ohlc(self.product, minutes).into();
            let value = json::to_vec(&document);
            // Not written again unchanged: a bar that nothing follows is to expire.
            if self.is_due(&key, xxh3_64(&value), false) {
                self.writes.push(Write {
                    document: "ohlc",
                    key,
                    value: value.into(),
                    ttl_seconds,
                    how: How::Replace,
                });
            }
        }
    }
}

fn is_due(before: Option<Standing>, now: Standing, again: Option<Span>) -> bool {
    let Some(before) = before else {
        return true;
    };
    let age = now.at.since(before.at);
    // An age below zero is of a clock that was stepped back since.
    let is_old = again.is_some_and(|again| age >= again || age < Span::ZERO);
    before.content != now.content || is_old
}

/// The price of the underlying and when it was so: the newest of a fresh ticker, a fresh trade and
/// what its chain states.
fn price_of(snapshot: &Snapshot, now: Timestamp) -> Option<(f64, Timestamp)> {
    let view = View::new(snapshot, now, 0);
    let quote = <&quant::market::Quote>::take(&view).ok();
    let ticker = quote.and_then(|quote| Some((quote.spot?, quote.at)));
    let trade = || {
        let tape = quant::snapshot::Tape::take(&view).ok()?;
        let newest = tape.fresh().ok()?;
        Some((newest.price, newest.at))
    };
    let known = ticker.into_iter().chain(trade());
    let known = known.map(|(price, at): (Price, Timestamp)| (price.to_f64(), at));
    let chain = || {
        let chain = <&quant::market::Chain>::take(&view).ok()?;
        Some((chain.head.spot?, chain.at()))
    };
    let usable = known.chain(chain()).filter(|(price, _)| *price > 0.0);
    // Of equal times the first: the ticker before the trade.
    usable.rev().max_by_key(|(_, at)| *at)
}

fn hash(numbers: impl IntoIterator<Item = u64>) -> u64 {
    let bytes: Vec<u8> = numbers.into_iter().flat_map(u64::to_le_bytes).collect();
    xxh3_64(&bytes)
}

/// What a pass wrote, by symbol, as messages for `events:analytics`.
pub fn events(written: &BTreeMap<Symbol, BTreeSet<&'static str>>, now: Timestamp) -> Vec<Write> {
    let all: Vec<_> = written.iter().collect();
    let message = |some: &[(&Symbol, &BTreeSet<&'static str>)]| {
        let documents = some.iter();
        let documents = documents.map(|(symbol, names)| {
            let names = names.iter().copied().collect();
            (symbol.as_str(), names)
        });
        let event = Event {
            timestamp: now.to_rfc3339(),
            documents: documents.collect(),
        };
        Write {
            document: "events",
            key: keys::EVENTS.into(),
            value: Bytes::from(json::to_vec(&event)),
            ttl_seconds: TTL,
            how: How::Publish,
        }
    };
    all.chunks(SYMBOLS_AN_EVENT).map(message).collect()
}
