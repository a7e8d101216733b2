//! One symbol: its snapshot, its calculators with their memory, and what it last wrote.
//!
//! A turn decodes what was gathered, signs the new trades once, runs the calculators that are
//! due, and gives the documents that have to be written. It touches nothing but itself, so that
//! symbols compute in parallel and a fault of one is no other's.

mod messages;
mod overlay;
mod views;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use quant::calculator::{Entry, Job, Status};
use quant::market::{
    Calendars, ChainBuilder, Day, Head, QuoteHistory, SignedTrade, Signer, Signing, Trade,
};
use quant::market::{Span, Symbol};
use quant::market::{TapeRing, Timestamp};
use quant::pricing::PricingTerms;
use quant::snapshot::{Dated, Discovered, ListedChain, Results, Section, Snapshot};
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

use self::messages::Underlying;
use self::overlay::Overlay;
pub use self::views::VIEWS;
use super::hosted::{Hosted, failed, panic_text, short_hash};
use super::plan::Jobs;
use super::states::{self, TapeState};
use super::trades::TradeIntake;
use crate::chain_service::{ChainService, Ran};
use crate::clock::Stopwatch;
use crate::config;
use crate::store::codec::{BadInput, Rules, bars_as_of};
use crate::store::drain::Drain;
use crate::store::exchange::{Fetched, Gathered, NewTrades, Write};
use crate::store::inbox::PerChannel;
use crate::store::keys;

/// What a symbol's turn needs to be told once.
#[derive(Clone, Debug)]
pub struct Terms {
    /// What is believed at the door.
    pub rules: Rules,
    /// Older quotes are stale.
    pub ticker_max_age: Span,
    /// Older books are stale.
    pub book_max_age: Span,
    /// Older chains are stale.
    pub chain_max_age: Span,
    /// Older bars are stale.
    pub bars_max_age: Span,
    /// Older trades are stale.
    pub trades_max_age: Span,
    /// How chains are priced.
    pub pricing: PricingTerms,
    /// The calendars of all exchanges.
    pub calendars: Arc<Calendars>,
    /// Code of the symbol's exchange.
    pub exchange: String,
    /// Trades kept.
    pub ring: usize,
    /// Whether a trade equal to the one before it is dropped.
    pub drop_repeats: bool,
    /// How trades are signed.
    pub signing: Signing,
    /// Currency of the documents.
    pub currency: String,
    /// Least lifetime of a document, seconds.
    pub ttl_seconds: u64,
    /// The interval of each job that is on.
    pub intervals: Vec<(Job, Span)>,
    /// The settings of each calculator by its table's name.
    pub params: Arc<Vec<(&'static str, Value)>>,
    /// Whether and how the documents of the chain service are written.
    pub chain_service: config::ChainService,
    /// Whether the signed trades are handed out.
    pub trace: bool,
}

/// One symbol with its memory.
pub struct SymbolEngine {
    terms: Arc<Terms>,
    snapshot: Snapshot,
    quotes: QuoteHistory,
    signer: Signer,
    intake: TradeIntake,
    ticker_hash: Option<u64>,
    book_hash: Option<u64>,
    chain_hash: Option<u64>,
    bars_hash: Option<u64>,
    imbalance_hash: Option<u64>,
    baseline_hash: Option<u64>,
    underlying: Underlying,
    overlay: Overlay,
    calculators: Vec<Hosted>,
    chain_service: ChainService,
}

/// How one calculator fared.
#[derive(Clone, Debug)]
pub struct Report {
    /// Which.
    pub calculator: &'static str,
    /// Its job.
    pub job: Job,
    /// Whether there is a value.
    pub status: Status,
    /// Why there is none.
    pub reason: Option<String>,
    /// How long it took.
    pub seconds: f64,
}

/// What a turn came to.
#[derive(Debug, Default)]
pub struct Turned {
    /// Documents to write.
    pub writes: Vec<Write>,
    /// How each calculator that ran fared.
    pub reports: Vec<Report>,
    /// What could not be decoded.
    pub bad: BadInput,
    /// Messages that could not be used, by channel.
    pub malformed: PerChannel,
    /// The new trades with their signs in the order they came, where they are traced.
    pub trace: Vec<SignedTrade>,
    /// Ages of the newest inputs there are.
    pub ages: Vec<(Section, Span)>,
    /// What must survive a restart, where this turn was to save it.
    pub states: Vec<PackedState>,
    /// What is held of the symbol, for those who look at it.
    pub views: Vec<(&'static str, Bytes)>,
}

impl Turned {
    /// Name and hash of each document.
    pub fn hashes(&self) -> Vec<(String, u64)> {
        let hash = |write: &Write| (write.document.to_owned(), xxh3_64(&write.value));
        self.writes.iter().map(hash).collect()
    }
}

/// A state as it stands in the store: its key and bytes.
pub type PackedState = (String, Bytes);

/// What came of restoring a symbol.
#[derive(Debug, Default)]
pub struct Restored {
    /// The place on the trade list to go on from; `None` where the symbol starts anew.
    pub drain: Option<Drain>,
    /// Calculators that go on from their memory.
    pub calculators: usize,
    /// States that were there and could not be used, with why.
    pub refused: Vec<(&'static str, String)>,
}

impl SymbolEngine {
    /// A symbol that has seen nothing. `entries` are its calculators; an error names the setting
    /// that is wrong.
    pub fn new(
        symbol: Symbol,
        entries: &'static [Entry],
        terms: Arc<Terms>,
        today: chrono::NaiveDate,
    ) -> Result<Self, String> {
        let calculators = entries
            .iter()
            .filter(|entry| terms.interval_of(entry.card.job).is_some())
            .map(|entry| Hosted::new(entry, &symbol, &terms))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            snapshot: Snapshot {
                symbol,
                session_date: today,
                quote: Dated::new(terms.ticker_max_age),
                book: Dated::new(terms.book_max_age),
                chain: Dated::new(terms.chain_max_age),
                bars: Dated::new(terms.bars_max_age),
                imbalance: Dated::new(terms.ticker_max_age),
                pricing: terms.pricing.clone(),
                session_close: None,
                previous_session: None,
                tape: TapeRing::new(terms.ring),
                signing_rule: terms.signing.rule,
                trades_max_age: terms.trades_max_age,
                discovered: Discovered::default(),
                baseline: None,
                results: Results::default(),
            },
            quotes: QuoteHistory::default(),
            signer: Signer::new(terms.signing),
            intake: TradeIntake::new(terms.drop_repeats),
            ticker_hash: None,
            book_hash: None,
            chain_hash: None,
            bars_hash: None,
            imbalance_hash: None,
            baseline_hash: None,
            underlying: Underlying::default(),
            overlay: Overlay::default(),
            calculators,
            chain_service: ChainService::default(),
            terms,
        })
    }

    /// Goes on under other terms with all it remembers. A calculator starts anew where its own
    /// settings changed; trades keep the signs they have. After an error it is as it was.
    pub fn reconfigure(
        &mut self,
        entries: &'static [Entry],
        terms: Arc<Terms>,
    ) -> Result<(), String> {
        let symbol = &self.snapshot.symbol;
        let first_trade = self.snapshot.tape.first_number();
        let on = entries
            .iter()
            .filter(|e| terms.interval_of(e.card.job).is_some());
        let mut calculators = on
            .map(|entry| Hosted::new(entry, symbol, &terms))
            .collect::<Result<Vec<_>, _>>()?;
        for hosted in &mut calculators {
            let mut before = self.calculators.iter_mut();
            match before.find(|before| before.is_same(hosted)) {
                Some(before) => std::mem::swap(&mut hosted.runner, &mut before.runner),
                None => hosted.runner.read_from(first_trade),
            }
        }
        self.calculators = calculators;
        self.snapshot.quote.set_max_age(terms.ticker_max_age);
        self.snapshot.book.set_max_age(terms.book_max_age);
        self.snapshot.chain.set_max_age(terms.chain_max_age);
        self.snapshot.bars.set_max_age(terms.bars_max_age);
        self.snapshot.imbalance.set_max_age(terms.ticker_max_age);
        if self.snapshot.pricing != terms.pricing {
            self.snapshot.pricing = terms.pricing.clone();
            if let Some(listed) = self.snapshot.chain.newest_mut() {
                listed.imply_again();
            }
        }
        if (self.terms.rules, &self.terms.exchange) != (terms.rules, &terms.exchange) {
            // What was decoded by other rules is decoded again.
            (self.ticker_hash, self.book_hash, self.chain_hash) = (None, None, None);
            (self.bars_hash, self.imbalance_hash) = (None, None);
        }
        self.snapshot.trades_max_age = terms.trades_max_age;
        self.snapshot.signing_rule = terms.signing.rule;
        self.signer = Signer::resume(terms.signing, self.signer.tick());
        self.intake.set_drop_repeats(terms.drop_repeats);
        self.terms = terms;
        Ok(())
    }

    /// Which symbol.
    pub fn symbol(&self) -> &Symbol {
        &self.snapshot.symbol
    }

    /// Takes what was gathered and runs what is due.
    pub fn turn(
        &mut self,
        gathered: Gathered,
        due: Jobs,
        today: chrono::NaiveDate,
        now: Timestamp,
    ) -> Turned {
        let mut turned = Turned::default();
        self.snapshot.session_date = today;
        self.take_ticker(gathered.ticker, now, &mut turned.bad);
        self.take_session(today, now);
        self.take_book(gathered.book, now, &mut turned.bad);
        self.take_chain(gathered.chain, now, &mut turned.bad);
        self.take_bars(gathered.bars, now, &mut turned.bad);
        self.take_imbalance(gathered.imbalance, now, &mut turned.bad);
        let discovered = [
            gathered.bucket_size,
            gathered.bucket_size_global,
            gathered.volume,
        ];
        self.take_discovered(discovered, now, &mut turned.bad);
        self.take_baseline(gathered.baseline, now, &mut turned.bad);
        let (messages, list) = (gathered.messages, &gathered.trades);
        let reads_chain = self
            .calculators
            .iter()
            .any(|hosted| due.has(hosted.entry.card.job) && hosted.entry.needs.has(Section::Chain));
        let prints = self.take_messages(messages, list, reads_chain, now, &mut turned);
        self.take_trades(gathered.trades, prints, now, &mut turned);
        for at in 0..self.calculators.len() {
            if due.has(self.calculators[at].entry.card.job) {
                self.run(at, now, &mut turned);
            }
        }
        let ran = Ran {
            chain: due.has(Job::ChainStats),
            bars: due.has(Job::Ohlc),
        };
        let service = &self.terms.chain_service;
        let documents = self
            .chain_service
            .documents(service, &self.snapshot, ran, now);
        turned.writes.extend(documents);
        let read_by_all = self
            .calculators
            .iter()
            .filter_map(|hosted| hosted.runner.tape_cursor())
            .min();
        let all = self.snapshot.tape.next_number();
        self.snapshot.tape.forget_read(read_by_all.unwrap_or(all));
        turned.ages = self.ages(now);
        turned
    }

    fn ages(&self, now: Timestamp) -> Vec<(Section, Span)> {
        let snapshot = &self.snapshot;
        let newest = [
            (Section::Ticker, snapshot.quote.as_of()),
            (Section::Book, snapshot.book.as_of()),
            (Section::Chain, snapshot.chain.as_of()),
            (Section::Bars, snapshot.bars.as_of()),
            (Section::Imbalance, snapshot.imbalance.as_of()),
            (
                Section::Trades,
                snapshot.tape.newest().map(|signed| signed.trade.at),
            ),
        ];
        let age = |(section, at): (Section, Option<Timestamp>)| Some((section, now.since(at?)));
        newest.into_iter().filter_map(age).collect()
    }

    /// The keys of this symbol's states: the tape's first, then those of its calculators.
    pub fn state_keys(&self) -> Vec<String> {
        let names = self.calculators.iter().map(|hosted| hosted.entry.card.name);
        let names = std::iter::once(states::TAPE).chain(names);
        let symbol = &self.snapshot.symbol;
        names.map(|name| keys::state(symbol, name)).collect()
    }

    /// Everything that must survive a restart, packed; `drain` is the place on the trade list
    /// that belongs to it.
    pub fn save(&self, drain: Drain, now: Timestamp) -> Vec<PackedState> {
        let next_trade = self.snapshot.tape.next_number();
        let tape = TapeState {
            drain,
            intake: self.intake.clone(),
            tick: self.signer.tick(),
            quotes: self.quotes.clone(),
            ring: self.snapshot.tape.clone(),
        };
        let tape = states::pack(&self.terms.tape_settings(), now, next_trade, tape);
        let calculators = self.calculators.iter().map(|hosted| {
            let read = hosted.runner.tape_cursor().unwrap_or(next_trade);
            states::pack(&hosted.memory_settings, now, read, hosted.runner.state())
        });
        let packed = std::iter::once(tape).chain(calculators);
        let pairs = self.state_keys().into_iter().zip(packed);
        pairs
            .filter_map(|(key, state)| Some((key, state?)))
            .collect()
    }

    /// Goes on from saved states, which stand in the order of [`SymbolEngine::state_keys`].
    /// Without the tape's nothing is restored: a calculator would take trades twice.
    pub fn restore(&mut self, saved: &[Option<Bytes>]) -> Restored {
        let mut restored = Restored::default();
        let Some((Some(tape), calculators)) = saved.split_first() else {
            return restored;
        };
        let tape: TapeState = match states::unpack(tape, &self.terms.tape_settings()) {
            Ok(saved) => saved.state,
            Err(why) => {
                restored.refused.push((states::TAPE, why));
                return restored;
            }
        };
        self.intake = tape.intake;
        self.signer = Signer::resume(self.terms.signing, tape.tick);
        self.quotes = tape.quotes;
        self.snapshot.tape = tape.ring;
        self.underlying.has_list = tape.drain.window().is_some();
        restored.drain = Some(tape.drain);
        let (first, next) = {
            let ring = &self.snapshot.tape;
            (ring.first_number(), ring.next_number())
        };
        for (hosted, bytes) in self.calculators.iter_mut().zip(calculators) {
            hosted.runner.read_from(first);
            let Some(bytes) = bytes else {
                continue;
            };
            match hosted.resume(bytes, next) {
                Ok(()) => restored.calculators += 1,
                Err(why) => restored.refused.push((hosted.entry.card.name, why)),
            }
        }
        restored
    }

    /// Forgets what was written: the next run writes every document again.
    pub fn forget_written(&mut self) {
        for hosted in &mut self.calculators {
            hosted.written = None;
        }
        self.chain_service.forget_written();
    }

    fn take_ticker(&mut self, fetched: Fetched, now: Timestamp, bad: &mut BadInput) {
        let mut decoder = self.terms.rules.decoder(now, bad);
        let hash = &mut self.ticker_hash;
        match news(fetched, Section::Ticker, hash, decoder.bad) {
            News::Gone => self.snapshot.quote.clear(),
            News::None => {}
            News::Value(bytes) => {
                let Some(quote) = decoder.ticker(&bytes) else {
                    return;
                };
                self.quotes.observe(quote.at, quote.touch());
                self.underlying.touch_at = Some(quote.at);
                let at = quote.at;
                self.snapshot.quote.set(quote, at);
            }
        }
    }

    fn take_book(&mut self, fetched: Fetched, now: Timestamp, bad: &mut BadInput) {
        let mut decoder = self.terms.rules.decoder(now, bad);
        match news(fetched, Section::Book, &mut self.book_hash, decoder.bad) {
            News::Gone => self.snapshot.book.clear(),
            News::None => {}
            News::Value(bytes) => {
                if let Some(book) = decoder.book(&bytes) {
                    let at = book.at;
                    self.snapshot.book.set(book, at);
                }
            }
        }
    }

    fn take_chain(&mut self, fetched: Fetched, now: Timestamp, bad: &mut BadInput) {
        if let Some(listed) = self.snapshot.chain.newest_mut() {
            listed.reprice();
        }
        let terms = &self.terms;
        let mut decoder = terms.rules.decoder(now, bad);
        match news(fetched, Section::Chain, &mut self.chain_hash, decoder.bad) {
            News::Gone => {
                self.snapshot.chain.clear();
                self.overlay.forget_base();
            }
            News::None => {}
            News::Value(bytes) => {
                let symbol = self.snapshot.symbol.as_str();
                let builder = ChainBuilder::new(&terms.calendars, symbol, &terms.exchange);
                if let Some(chain) = decoder.chain(&bytes, builder) {
                    let head = &chain.head;
                    let (at, fresh_from) = (chain.at(), fresh_from(head, now));
                    let listed = ListedChain::new(chain);
                    self.snapshot.chain.set_delayed(listed, at, fresh_from);
                    self.overlay.rebase();
                }
            }
        }
    }

    fn take_bars(&mut self, fetched: Fetched, now: Timestamp, bad: &mut BadInput) {
        let mut decoder = self.terms.rules.decoder(now, bad);
        match news(fetched, Section::Bars, &mut self.bars_hash, decoder.bad) {
            News::Gone => self.snapshot.bars.clear(),
            News::None => {}
            News::Value(bytes) => {
                if let Some(bars) = decoder.bars(&bytes) {
                    let as_of = bars_as_of(&bars, now);
                    self.snapshot.bars.set(bars, as_of);
                }
            }
        }
    }

    fn take_imbalance(&mut self, fetched: Fetched, now: Timestamp, bad: &mut BadInput) {
        let mut decoder = self.terms.rules.decoder(now, bad);
        let hash = &mut self.imbalance_hash;
        match news(fetched, Section::Imbalance, hash, decoder.bad) {
            News::Gone => self.snapshot.imbalance.clear(),
            News::None => {}
            News::Value(bytes) => {
                if let Some(imbalance) = decoder.imbalance(&bytes) {
                    self.snapshot.imbalance.set(imbalance, imbalance.at);
                }
            }
        }
    }

    /// The session's neighbours on the calendar of the symbol's exchange.
    fn take_session(&mut self, today: chrono::NaiveDate, now: Timestamp) {
        let exchange = self.terms.calendars.exchange(&self.terms.exchange);
        let close = |date| match exchange?.day(date) {
            Day::Session { close, .. } => Some(close),
            Day::Weekend | Day::Holiday(_) => None,
        };
        let of_today = close(today).filter(|close| *close > now);
        self.snapshot.session_close = of_today.or_else(|| close(exchange?.next_session(today)?));
        self.snapshot.previous_session = exchange.and_then(|e| e.previous_session(today));
    }

    fn take_discovered(&mut self, fetched: [Fetched; 3], now: Timestamp, bad: &mut BadInput) {
        let discovered = &mut self.snapshot.discovered;
        let fields = [
            &mut discovered.vpin_bucket_size,
            &mut discovered.vpin_bucket_size_global,
            &mut discovered.average_daily_volume,
        ];
        for (field, fetched) in fields.into_iter().zip(fetched) {
            let mut decoder = self.terms.rules.decoder(now, bad);
            match fetched {
                Fetched::NotAsked => {}
                Fetched::Missing => *field = None,
                Fetched::WrongType => decoder.bad.count(Section::Discovered, "wrong_type"),
                Fetched::Value(bytes) => *field = decoder.discovered(&bytes),
            }
        }
    }

    fn take_baseline(&mut self, fetched: Fetched, now: Timestamp, bad: &mut BadInput) {
        let section = Section::Discovered;
        match news(fetched, section, &mut self.baseline_hash, bad) {
            News::None => {}
            News::Gone => self.snapshot.baseline = None,
            News::Value(bytes) => {
                let mut decoder = self.terms.rules.decoder(now, bad);
                self.snapshot.baseline = decoder.baseline(&bytes).map(Box::new);
            }
        }
    }

    fn take_trades(
        &mut self,
        new: NewTrades,
        prints: Vec<Trade>,
        now: Timestamp,
        turned: &mut Turned,
    ) {
        let mut decoder = self.terms.rules.decoder(now, &mut turned.bad);
        let elements = new.elements.len();
        let mut trades = self.intake.admit(new, &mut decoder);
        self.drop_printed(&mut trades);
        trades.extend((elements..).zip(prints));
        // Signing is by the order of execution, the trace by the order of arrival.
        trades.sort_by_key(|(_, trade)| trade.at);
        let mut traced = Vec::new();
        for (arrival, trade) in trades {
            let signed = self.signer.sign(trade, &self.quotes);
            self.snapshot.tape.push(signed);
            if self.terms.trace {
                traced.push((arrival, signed));
            }
        }
        traced.sort_by_key(|(arrival, _)| *arrival);
        turned
            .trace
            .extend(traced.into_iter().map(|(_, signed)| signed));
    }

    fn run(&mut self, at: usize, now: Timestamp, turned: &mut Turned) {
        let hosted = &mut self.calculators[at];
        let snapshot = &self.snapshot;
        let watch = Stopwatch::start();
        let ran = catch_unwind(AssertUnwindSafe(|| hosted.runner.run(snapshot, now)));
        let outcome = ran.unwrap_or_else(|panic| {
            hosted.rebuild(snapshot.tape.next_number());
            failed(&hosted.entry.card, panic_text(panic.as_ref()))
        });
        turned.reports.push(Report {
            calculator: hosted.entry.card.name,
            job: hosted.entry.card.job,
            status: outcome.status,
            reason: outcome.reason.clone(),
            seconds: watch.elapsed().as_secs_f64(),
        });
        turned.writes.extend(hosted.write(&outcome, now));
        turned.writes.extend(hosted.write_mark(&outcome));
        self.snapshot.results.put(
            hosted.entry.card.name,
            outcome.status,
            outcome.provenance.as_of(),
            hosted.label.valid_until(&outcome, now),
            outcome.payload,
        );
        if outcome.provenance.delayed {
            self.snapshot.results.mark_delayed(hosted.entry.card.name);
        }
    }
}

impl Terms {
    /// Hash of the settings that the state of a tape depends on.
    fn tape_settings(&self) -> String {
        let text = format!("{:?}{}{}", self.signing, self.ring, self.drop_repeats);
        short_hash(&text)
    }

    pub(super) fn interval_of(&self, job: Job) -> Option<Span> {
        let found = self.intervals.iter().find(|(other, _)| *other == job);
        found.map(|(_, interval)| *interval)
    }

    /// The settings of a calculator as far as they are this symbol's: of a table by symbol its
    /// own entry only, so that what is set for one symbol is no change for the others.
    pub(super) fn params_of(&self, entry: &Entry, symbol: &Symbol) -> Value {
        let table = entry.card.config.and_then(|name| {
            let found = self.params.iter().find(|(other, _)| *other == name);
            found.map(|(_, params)| params.clone())
        });
        let mut params = table.unwrap_or(Value::Null);
        for (key, default) in (entry.card.default_params)()
            .as_object()
            .into_iter()
            .flatten()
        {
            let by_symbol = default.as_object().is_some_and(serde_json::Map::is_empty);
            if by_symbol && let Some(Value::Object(values)) = params.get_mut(key) {
                values.retain(|name, _| name == symbol.as_str());
            }
        }
        params
    }
}

/// The instant from which the age of a chain counts: of one that is late by declaration, that at
/// which it can have been received. It follows from the chain alone, as a restart must not make an
/// old chain young.
fn fresh_from(head: &Head, now: Timestamp) -> Timestamp {
    /// What a source is late by that says it is and not by how much.
    const USUAL_DELAY: Span = Span::from_millis(900_000);
    if head.delay > Span::ZERO {
        return head.as_of.min(now);
    }
    match head.delayed {
        true => head.as_of.plus(USUAL_DELAY).min(now),
        false => head.as_of,
    }
}

/// What a read says beside the one before.
enum News {
    /// Nothing new: it was not asked for, or is the value decoded last.
    None,
    /// There is no value any more.
    Gone,
    /// Another value.
    Value(Bytes),
}

/// Whether what was read is the value decoded last, told by its hash.
fn news(fetched: Fetched, section: Section, hash: &mut Option<u64>, bad: &mut BadInput) -> News {
    let bytes = match fetched {
        Fetched::NotAsked => return News::None,
        Fetched::Value(bytes) => bytes,
        Fetched::Missing => {
            *hash = None;
            return News::Gone;
        }
        Fetched::WrongType => {
            bad.count(section, "wrong_type");
            *hash = None;
            return News::Gone;
        }
    };
    let new = Some(xxh3_64(&bytes));
    match std::mem::replace(hash, new) == new {
        true => News::None,
        false => News::Value(bytes),
    }
}
