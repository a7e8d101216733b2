//! One calculator of one symbol: its settings and memory, and which of its documents have to be
//! written.

use std::sync::Arc;

use quant::calculator::{Card, Counted, Entry, Outcome, Runner, Status};
use quant::document::Label;
use quant::market::{Span, Symbol, Timestamp};
use quant::snapshot::{Provenance, Section};
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

use super::states::{self, Saved};
use super::symbol::Terms;
use crate::store::exchange::{BESIDE, How, Write};
use crate::store::keys;

/// An unchanged document is written again after this time at the latest.
const REWRITE_AFTER: Span = Span::from_millis(5_000);

/// Seconds a list of minute marks lives: over a long weekend.
pub(super) const HISTORY_TTL: u64 = 4 * 86_400;

/// A calculator of one symbol: its memory, and what it last wrote.
pub(super) struct Hosted {
    pub(super) entry: &'static Entry,
    params: Value,
    pub(super) label: Label,
    /// Hash of the settings its memory depends on: its own, not those of pricing, so that another
    /// rate costs no year of history.
    pub(super) memory_settings: String,
    key: Arc<str>,
    ttl_seconds: u64,
    pub(super) runner: Box<dyn Runner>,
    pub(super) written: Option<Written>,
}

/// What stands in the store, as far as this engine wrote it.
#[derive(Clone, Copy)]
pub(super) struct Written {
    status: Status,
    content: u64,
    at: Timestamp,
}

impl Written {
    /// What stands in the store once the document is written, where it has to be: a value when it
    /// changed or is due again, the absence of one when the status changed and then at half its
    /// lifetime.
    pub(super) fn due(
        last: Option<Self>,
        outcome: &Outcome,
        ttl_seconds: u64,
        interval: Span,
        now: Timestamp,
    ) -> Option<Self> {
        let written = Self {
            status: outcome.status,
            content: content_hash(outcome),
            at: now,
        };
        if let Some(last) = last {
            let half_life = Span::from_seconds(ttl_seconds as f64 / 2.0);
            let (same, pause) = match outcome.status == Status::Ok {
                true => (
                    last.status == written.status && last.content == written.content,
                    REWRITE_AFTER.max(interval),
                ),
                false => (last.status == written.status, half_life),
            };
            let age = now.since(last.at);
            if same && age >= Span::ZERO && age < pause {
                return None;
            }
        }
        Some(written)
    }

    /// How it is written: what has no value only in the place of what had one.
    pub(super) fn how(self) -> How {
        match self.status == Status::Ok {
            true => How::Replace,
            false => How::ReplaceExisting,
        }
    }
}

impl Hosted {
    pub(super) fn new(
        entry: &'static Entry,
        symbol: &Symbol,
        terms: &Terms,
    ) -> Result<Self, String> {
        let params = terms.params_of(entry, symbol);
        let interval = terms.interval_of(entry.card.job).unwrap_or(Span::ZERO);
        let two_runs = (2.0 * interval.seconds()).ceil() as u64;
        let runner = (entry.build)(&params, None)
            .map_err(|why| format!("calculators.{}.{why}", entry.card.name))?;
        Ok(Self {
            entry,
            label: Label {
                symbol: Some(symbol.clone()),
                stamp: entry.card.stamp,
                currency: terms.currency.clone(),
                config: settings_hash(entry, &params, terms),
                engine: env!("CARGO_PKG_VERSION"),
                interval,
            },
            memory_settings: short_hash(&params.to_string()),
            key: keys::document(symbol, entry.card.key).into(),
            ttl_seconds: terms.ttl_seconds.max(two_runs),
            params,
            runner,
            written: None,
        })
    }

    /// Whether it is the same calculator with the same settings.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.entry.card.name == other.entry.card.name && self.params == other.params
    }

    /// Goes on from a packed memory; an error leaves it as it was.
    pub(super) fn resume(&mut self, bytes: &[u8], newest_trade: u64) -> Result<(), String> {
        let saved: Saved<Value> = states::unpack(bytes, &self.memory_settings)?;
        if saved.next_trade > newest_trade {
            return Err("it is ahead of the tape it was saved with".to_owned());
        }
        let mut runner = (self.entry.build)(&self.params, Some(&saved.state))?;
        runner.read_from(saved.next_trade);
        self.runner = runner;
        Ok(())
    }

    /// A calculator that panicked starts anew: what it remembers cannot be trusted, and of the
    /// trades it was on one may be what it cannot take.
    pub(super) fn rebuild(&mut self, next_trade: u64) {
        if let Ok(mut runner) = (self.entry.build)(&self.params, None) {
            runner.read_from(next_trade);
            self.runner = runner;
        }
    }

    /// The document, where it has to be written.
    pub(super) fn write(&mut self, outcome: &Outcome, now: Timestamp) -> Option<Write> {
        let written = Written::due(
            self.written,
            outcome,
            self.ttl_seconds,
            self.label.interval,
            now,
        )?;
        self.written = Some(written);
        Some(Write {
            document: self.entry.card.name,
            key: self.key.clone(),
            value: self.label.document(outcome, now).into(),
            ttl_seconds: self.ttl_seconds,
            how: written.how(),
        })
    }

    /// The value of a minute mark, for the list of them.
    pub(super) fn write_mark(&self, outcome: &Outcome) -> Option<Write> {
        let mark = outcome.mark?;
        Some(Write {
            document: BESIDE,
            key: keys::history(&self.key).into(),
            value: mark.value.to_string().into(),
            ttl_seconds: HISTORY_TTL,
            how: How::PutInFront { keep: mark.window },
        })
    }
}

/// Hash of everything set that the document's numbers depend on: the calculator's own settings, and
/// where it reads the chain, how that is priced.
fn settings_hash(entry: &Entry, params: &Value, terms: &Terms) -> String {
    let mut text = params.to_string();
    if entry.needs.has(Section::Chain) {
        text += &format!("{:?}", terms.pricing);
    }
    short_hash(&text)
}

/// Eight hexadecimal digits that tell settings apart.
pub(super) fn short_hash(text: &str) -> String {
    format!("{:08x}", xxh3_64(text.as_bytes()) as u32)
}

/// What a document says, apart from when it was computed and how old its inputs were then.
fn content_hash(outcome: &Outcome) -> u64 {
    let as_of = outcome.provenance.as_of().map_or(0, Timestamp::nanos);
    let counted = &outcome.counted;
    let text = format!("{as_of}{}{:?}", counted.used, counted.dropped);
    xxh3_64(&outcome.body) ^ xxh3_64(text.as_bytes()).rotate_left(1)
}

/// What a run that failed comes to.
pub(super) fn failed(card: &Card, why: String) -> Outcome {
    Outcome {
        status: Status::Error,
        reason: Some(why),
        body: (card.absent)(Status::Error),
        provenance: Provenance::default(),
        counted: Counted::default(),
        mark: None,
        payload: None,
    }
}

/// What a panic said.
pub(super) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panicked: {}", text.unwrap_or("no message"))
}
