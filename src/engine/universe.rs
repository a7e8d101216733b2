//! The calculators over all symbols: what they ask the store, and a turn of theirs.
//!
//! A turn decodes what was read, runs what is due, and gives the documents that have to be
//! written. It is a function of what it was told, like the turn of a symbol.

use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use quant::calculator::{Calculator, Job, Scope};
use quant::calculators::correlation::Method;
use quant::calculators::summary::Summary;
use quant::document::Label;
use quant::market::{Bar, Calendars, ChainBuilder, Price, Span, Symbol, Timestamp};
use quant::pricing::RateCurve;
use quant::universe::{
    Member, Note, Part, PricePoint, Prices, Said, Standing, Universe, UniverseEntry,
    UniverseRunner, Volatility,
};
use quant::volatility::Origin;
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

use super::hosted::{HISTORY_TTL, Written, failed, panic_text, short_hash};
use super::plan::Jobs;
use super::states;
use super::symbol::{PackedState, Report};
use crate::clock::Stopwatch;
use crate::store::codec::{BadInput, Rules, overall};
use crate::store::exchange::{BESIDE, Fetched, How, Write};
use crate::store::keys;

/// The name of the state that is no calculator's.
const SEEN: &str = "universe";

/// A bar is complete after this.
const MINUTE: Span = Span::from_millis(60_000);

/// Older bars are of another time.
const WEEK: Span = Span::from_millis(7 * 86_400_000);

/// Prints that are read of a symbol: what producers keep.
const PRINTS: usize = 1_000;

/// What stood at each key that was asked for.
pub type Answers = Vec<(String, Fetched)>;

/// What the calculators over all symbols need to be told once.
#[derive(Clone, Debug)]
pub struct UniverseTerms {
    /// What is believed at the door.
    pub rules: Rules,
    /// The calendars of all exchanges.
    pub calendars: Arc<Calendars>,
    /// Symbol → exchange, sector, currency and beta, for symbols that are asked about.
    pub members: BTreeMap<Symbol, MemberTerms>,
    /// What correlation is computed from.
    pub method: Method,
    /// Minutes of bars that are read.
    pub window_minutes: u64,
    /// Most symbols whose prices are read.
    pub max_symbols: usize,
    /// Bars that end so long ago while their exchange trades are stale.
    pub bars_max_age: Span,
    /// The underlying whose chain one-day volatility is computed from.
    pub chain_symbol: Symbol,
    /// Its exchange.
    pub chain_exchange: String,
    /// The rates of its currency.
    pub rates: Option<RateCurve>,
    /// Currency of the documents.
    pub currency: String,
    /// The interval of each job that is on.
    pub intervals: Vec<(Job, Span)>,
    /// Least lifetime of a document by its job, seconds.
    pub ttl_seconds: BTreeMap<Job, u64>,
    /// The settings of each calculator by its name.
    pub params: BTreeMap<&'static str, Value>,
}

/// What the settings say of one symbol.
#[derive(Clone, Debug, PartialEq)]
pub struct MemberTerms {
    /// Code of its exchange.
    pub exchange: String,
    /// Its sector.
    pub sector: String,
    /// Currency of its amounts.
    pub currency: String,
    /// What it moves for one per cent of the market.
    pub beta: Option<f64>,
}

/// The calculators over all symbols with their memory.
pub struct UniverseEngine {
    terms: Arc<UniverseTerms>,
    seats: Vec<Seat>,
    /// The level of one-day volatility, and until when it is one.
    vix1d: Option<(f64, Timestamp)>,
    /// Hash of the chain that was read last, and when it was first seen: of a chain that does not
    /// say when it is of, that is its time.
    chain_seen: Option<(u64, Timestamp)>,
}

struct Seat {
    entry: &'static UniverseEntry,
    label: Label,
    params: Value,
    ttl_seconds: u64,
    runner: Box<dyn UniverseRunner>,
    written: BTreeMap<Option<String>, Written>,
}

/// What a turn came to.
#[derive(Debug, Default)]
pub struct UniverseTurned {
    /// Documents to write.
    pub writes: Vec<Write>,
    /// How each document fared, with the key it has.
    pub reports: Vec<(String, Report)>,
    /// What could not be decoded.
    pub bad: BadInput,
}

impl UniverseTurned {
    /// Name and hash of each document.
    pub fn hashes(&self) -> Vec<(String, u64)> {
        let hash = |write: &Write| (write.key.to_string(), xxh3_64(&write.value));
        self.writes.iter().map(hash).collect()
    }
}

impl UniverseEngine {
    /// Calculators that have seen nothing. An error names the setting that is wrong.
    pub fn new(
        entries: &'static [UniverseEntry],
        terms: Arc<UniverseTerms>,
    ) -> Result<Self, String> {
        let seats = entries
            .iter()
            .filter_map(|entry| Some((entry, terms.interval_of(entry.card.job)?)))
            .map(|(entry, interval)| Seat::new(entry, interval, &terms));
        Ok(Self {
            seats: seats.collect::<Result<_, _>>()?,
            terms,
            vix1d: None,
            chain_seen: None,
        })
    }

    /// Whether it was told of just these symbols.
    pub fn knows(&self, symbols: &[Symbol]) -> bool {
        let known = &self.terms.members;
        known.len() == symbols.len() && symbols.iter().all(|symbol| known.contains_key(symbol))
    }

    /// The texts that the due jobs read.
    pub fn texts(&self, due: Jobs, symbols: &[Symbol]) -> Vec<String> {
        let mut texts = Vec::new();
        if self.reads(due, Part::Summaries) {
            let key = |symbol| keys::document(symbol, Summary::KEY);
            texts.extend(symbols.iter().map(key));
        }
        if self.reads(due, Part::Matrix) {
            texts.push(keys::FOUND_MATRIX.to_owned());
        }
        if self.reads(due, Part::Prices) {
            texts.extend(symbols.iter().map(keys::discovered_volume));
        }
        if self.reads(due, Part::Volatility) {
            texts.push(keys::VIX1D_BROKER.to_owned());
            texts.push(keys::VIX1D_MANUAL.to_owned());
            let others = [Origin::Cboe, Origin::Yahoo];
            texts.extend(others.map(|origin| keys::vix1d_last(origin.name())));
            texts.push(keys::chain(&self.terms.chain_symbol));
        }
        texts
    }

    /// The lists that the due jobs read beside those texts, each with how many of its last
    /// elements: the prices of the symbols with the largest average daily volume.
    pub fn lists(&self, due: Jobs, symbols: &[Symbol], texts: &Answers) -> Vec<(String, usize)> {
        if !self.reads(due, Part::Prices) {
            return Vec::new();
        }
        let found = by_key(texts);
        let mut bad = BadInput::default();
        let volume =
            |symbol: &Symbol| self.volume_of(symbol, &found, Timestamp::default(), &mut bad);
        let mut chosen: Vec<(f64, &Symbol)> = symbols
            .iter()
            .map(volume)
            .map(|volume| volume.unwrap_or(0.0))
            .zip(symbols)
            .collect();
        chosen.sort_by(|(a, x), (b, y)| b.total_cmp(a).then(x.cmp(y)));
        chosen.truncate(self.terms.max_symbols);
        let lists = chosen.into_iter().flat_map(|(_, symbol)| {
            let bars = (self.terms.window_minutes + 1) as usize;
            match self.terms.method {
                Method::MinuteBars => {
                    vec![(keys::bars(symbol), bars), (keys::bare_bars(symbol), bars)]
                }
                Method::HayashiYoshida => vec![(keys::trades(symbol), PRINTS)],
            }
        });
        lists.collect()
    }

    /// Takes what was read and runs what is due.
    pub fn turn(
        &mut self,
        symbols: &[Symbol],
        answers: &Answers,
        due: Jobs,
        now: Timestamp,
    ) -> UniverseTurned {
        let mut turned = UniverseTurned::default();
        let decoding = AssertUnwindSafe(|| self.universe(symbols, answers, due, now));
        let mut universe = match catch_unwind(decoding) {
            Ok((universe, bad)) => {
                turned.bad = bad;
                universe
            }
            Err(panic) => {
                let why = panic_text(panic.as_ref());
                let seats = self.seats.iter_mut();
                for seat in seats.filter(|seat| due.has(seat.entry.card.job)) {
                    let said = seat.failed(&why);
                    seat.tell(said, 0.0, now, &mut turned);
                }
                return turned;
            }
        };
        for seat in &mut self.seats {
            if !due.has(seat.entry.card.job) {
                continue;
            }
            let level = self.vix1d.filter(|(_, until)| now <= *until);
            universe.vix1d = level.map(|(level, _)| level);
            let said = seat.run(&universe, now, &mut turned);
            if seat.entry.card.job == Job::Volatility {
                self.vix1d = said;
            }
        }
        turned
    }

    /// The names of the states, in the order of their keys.
    pub fn state_keys(&self) -> Vec<String> {
        let names = self.seats.iter().map(|seat| seat.entry.card.name);
        let names = std::iter::once(SEEN).chain(names);
        names.map(keys::overall_state).collect()
    }

    /// Everything that must survive a restart, packed.
    pub fn save(&self, now: Timestamp) -> Vec<PackedState> {
        let pack = |seat: &Seat| states::pack(&seat.label.config, now, 0, seat.runner.state());
        let seen = states::pack(SEEN, now, 0, self.chain_seen);
        let packed = std::iter::once(seen).chain(self.seats.iter().map(pack));
        let pairs = self.state_keys().into_iter().zip(packed);
        pairs
            .filter_map(|(key, state)| Some((key, state?)))
            .collect()
    }

    /// Goes on from saved states, which stand in the order of [`UniverseEngine::state_keys`]; says
    /// which were refused, and why.
    pub fn restore(&mut self, saved: &[Option<Bytes>]) -> Vec<(&'static str, String)> {
        let mut refused = Vec::new();
        let Some((seen, saved)) = saved.split_first() else {
            return refused;
        };
        if let Some(bytes) = seen {
            match states::unpack(bytes, SEEN) {
                Ok(saved) => self.chain_seen = saved.state,
                Err(why) => refused.push((SEEN, why)),
            }
        }
        for (seat, bytes) in self.seats.iter_mut().zip(saved) {
            let Some(bytes) = bytes else {
                continue;
            };
            if let Err(why) = seat.resume(bytes) {
                refused.push((seat.entry.card.name, why));
            }
        }
        refused
    }

    /// Forgets what was written: the next run writes every document again.
    pub fn forget_written(&mut self) {
        for seat in &mut self.seats {
            seat.written.clear();
        }
    }

    fn reads(&self, due: Jobs, part: Part) -> bool {
        let mut seats = self.seats.iter();
        seats.any(|seat| due.has(seat.entry.card.job) && seat.entry.reads.contains(&part))
    }

    fn universe(
        &mut self,
        symbols: &[Symbol],
        answers: &Answers,
        due: Jobs,
        now: Timestamp,
    ) -> (Universe, BadInput) {
        let found = by_key(answers);
        let mut universe = Universe::default();
        let mut all_bad = BadInput::default();
        let bad = &mut all_bad;
        if self.reads(due, Part::Summaries) {
            let member = |symbol: &Symbol| self.member(symbol, &found, now, bad);
            universe.members = symbols.iter().map(member).collect();
        }
        if let Some(bytes) = value_at(&found, keys::FOUND_MATRIX) {
            universe.matrix = overall::found_matrix(bytes, now, bad);
        }
        if self.reads(due, Part::Prices) {
            let prices = |symbol: &Symbol| self.prices(symbol, &found, now, bad);
            universe.prices = symbols.iter().map(prices).collect();
            if self.terms.method == Method::MinuteBars {
                last_minutes(&mut universe.prices, self.terms.window_minutes);
            }
        }
        if self.reads(due, Part::Volatility) {
            let received = self.chain_received(&found, now);
            universe.volatility = self.volatility(&found, received, now, bad);
        }
        (universe, all_bad)
    }

    /// When the chain that stands there was first seen.
    fn chain_received(&mut self, found: &ByKey<'_>, now: Timestamp) -> Timestamp {
        let hash = value_at(found, &keys::chain(&self.terms.chain_symbol)).map(|b| xxh3_64(b));
        self.chain_seen = match (hash, self.chain_seen) {
            (Some(hash), Some((known, seen))) if known == hash => Some((hash, seen.min(now))),
            (Some(hash), _) => Some((hash, now)),
            (None, _) => None,
        };
        self.chain_seen.map_or(now, |(_, seen)| seen)
    }

    fn member(
        &self,
        symbol: &Symbol,
        found: &ByKey<'_>,
        now: Timestamp,
        bad: &mut BadInput,
    ) -> Member {
        let key = keys::document(symbol, Summary::KEY);
        let standing = match found.get(key.as_str()) {
            Some(Fetched::Value(bytes)) => overall::standing(bytes, now, bad),
            Some(Fetched::WrongType) => Standing::Malformed,
            Some(Fetched::Missing | Fetched::NotAsked) | None => Standing::Missing,
        };
        let terms = self.terms.members.get(symbol);
        Member {
            symbol: symbol.clone(),
            sector: terms.map_or_else(|| OTHER.to_owned(), |terms| terms.sector.clone()),
            currency: terms.map_or_else(
                || self.terms.currency.clone(),
                |terms| terms.currency.clone(),
            ),
            beta: terms.and_then(|terms| terms.beta),
            standing,
        }
    }

    fn volume_of(
        &self,
        symbol: &Symbol,
        found: &ByKey<'_>,
        now: Timestamp,
        bad: &mut BadInput,
    ) -> Option<f64> {
        let bytes = value_at(found, &keys::discovered_volume(symbol))?;
        let volume = self.terms.rules.decoder(now, bad).discovered(bytes);
        volume.map(|size| size.to_f64())
    }

    fn prices(
        &self,
        symbol: &Symbol,
        found: &ByKey<'_>,
        now: Timestamp,
        bad: &mut BadInput,
    ) -> Prices {
        let at = |key: String| value_at(found, &key);
        let points: Vec<(Timestamp, Price)> = match self.terms.method {
            Method::MinuteBars => {
                let bytes = at(keys::bars(symbol)).or_else(|| at(keys::bare_bars(symbol)));
                let bars = bytes.and_then(|bytes| self.terms.rules.decoder(now, bad).bars(bytes));
                let first = now.minus(WEEK);
                let known = |bar: &Bar| bar.start >= first && bar.start.plus(MINUTE) <= now;
                let bars = bars.unwrap_or_default().into_iter().filter(known);
                bars.map(|bar| (bar.start, bar.close)).collect()
            }
            Method::HayashiYoshida => {
                let bytes = at(keys::trades(symbol));
                let mut decoder = self.terms.rules.decoder(now, bad);
                bytes.map_or_else(Vec::new, |bytes| overall::prints(bytes, &mut decoder))
            }
        };
        let newest = points.last().map(|(at, _)| at.plus(MINUTE));
        Prices {
            symbol: symbol.clone(),
            average_daily_volume: self.volume_of(symbol, found, now, bad),
            stale: newest.is_some_and(|newest| self.is_late(symbol, newest, now)),
            points: self.in_sessions(symbol, &points),
        }
    }

    /// Whether prices ended at `newest` while the symbol's exchange trades on.
    fn is_late(&self, symbol: &Symbol, newest: Timestamp, now: Timestamp) -> bool {
        let terms = self.terms.members.get(symbol);
        let exchange = terms.and_then(|terms| self.terms.calendars.exchange(&terms.exchange));
        let trades = |at| exchange.is_none_or(|exchange| exchange.at(at).phase.trading(false));
        let late = newest.plus(self.terms.bars_max_age);
        now > late && trades(late) && trades(now)
    }

    /// Prices with the session each belongs to. Where two are a minute or less apart they are of
    /// the same one, so the calendar is asked at the gaps only.
    fn in_sessions(&self, symbol: &Symbol, points: &[(Timestamp, Price)]) -> Vec<PricePoint> {
        use chrono::Datelike;
        let terms = self.terms.members.get(symbol);
        let exchange = terms.and_then(|terms| self.terms.calendars.exchange(&terms.exchange));
        let session_at = |at: Timestamp| match exchange {
            Some(exchange) => exchange.at(at).date.num_days_from_ce(),
            None => at.utc().date_naive().num_days_from_ce(),
        };
        let mut last: Option<(Timestamp, i32)> = None;
        let in_session = |&(at, price): &(Timestamp, Price)| {
            let session = match last {
                Some((before, session)) if at.since(before) <= MINUTE => session,
                Some(_) | None => session_at(at),
            };
            last = Some((at, session));
            PricePoint {
                at,
                session,
                price: price.to_f64(),
            }
        };
        points.iter().map(in_session).collect()
    }

    fn volatility(
        &self,
        found: &ByKey<'_>,
        received: Timestamp,
        now: Timestamp,
        bad: &mut BadInput,
    ) -> Volatility {
        let terms = &self.terms;
        let mut readings = Vec::new();
        if let Some(bytes) = value_at(found, keys::VIX1D_BROKER) {
            let zone = terms.rules.naive_zone;
            readings.extend(overall::broker_level(bytes, zone, now, bad));
        }
        for origin in [Origin::Cboe, Origin::Yahoo] {
            if let Some(bytes) = value_at(found, &keys::vix1d_last(origin.name())) {
                readings.extend(overall::cached_level(bytes, origin, now, bad));
            }
        }
        if let Some(bytes) = value_at(found, keys::VIX1D_MANUAL) {
            let zone = terms.rules.naive_zone;
            readings.extend(overall::manual_level(bytes, zone, now, bad));
        }
        let chain = value_at(found, &keys::chain(&terms.chain_symbol)).and_then(|bytes| {
            let symbol = terms.chain_symbol.as_str();
            let builder = ChainBuilder::new(&terms.calendars, symbol, &terms.chain_exchange);
            terms.rules.decoder(received, bad).chain(bytes, builder)
        });
        Volatility {
            chain,
            calendars: Some(terms.calendars.clone()),
            rates: terms.rates.clone(),
            readings,
        }
    }
}

/// The sector of symbols that have none.
pub const OTHER: &str = "OTHER";

type ByKey<'a> = HashMap<&'a str, &'a Fetched>;

fn by_key(answers: &Answers) -> ByKey<'_> {
    let pairs = answers.iter();
    pairs
        .map(|(key, fetched)| (key.as_str(), fetched))
        .collect()
}

fn value_at<'a>(found: &ByKey<'a>, key: &str) -> Option<&'a Bytes> {
    match found.get(key)? {
        Fetched::Value(bytes) => Some(bytes),
        Fetched::Missing | Fetched::WrongType | Fetched::NotAsked => None,
    }
}

/// Leaves the last minutes in which any symbol traded, so many of them.
fn last_minutes(prices: &mut [Prices], count: u64) {
    let mut minutes: Vec<Timestamp> = prices
        .iter()
        .flat_map(|prices| prices.points.iter().map(|point| point.at))
        .collect();
    minutes.sort_unstable();
    minutes.dedup();
    let surplus = minutes.len().saturating_sub(count as usize);
    let Some(first) = minutes.get(surplus).copied() else {
        return;
    };
    for prices in prices {
        prices.points.retain(|point| point.at >= first);
    }
}

impl Seat {
    fn new(
        entry: &'static UniverseEntry,
        interval: Span,
        terms: &UniverseTerms,
    ) -> Result<Self, String> {
        let params = terms.params.get(entry.card.name).cloned();
        let params = params.unwrap_or(Value::Null);
        let two_runs = (2.0 * interval.seconds()).ceil() as u64;
        let least = terms.ttl_seconds.get(&entry.card.job).copied();
        let runner = (entry.build)(&params, None)
            .map_err(|why| format!("{}: {why}", entry.card.job.name()))?;
        Ok(Self {
            entry,
            label: Label {
                symbol: None,
                stamp: entry.card.stamp,
                currency: terms.currency.clone(),
                config: short_hash(&params.to_string()),
                engine: env!("CARGO_PKG_VERSION"),
                interval,
            },
            params,
            ttl_seconds: least.unwrap_or(0).max(two_runs),
            runner,
            written: BTreeMap::new(),
        })
    }

    fn resume(&mut self, bytes: &[u8]) -> Result<(), String> {
        let saved: states::Saved<Value> = states::unpack(bytes, &self.label.config)?;
        self.runner = (self.entry.build)(&self.params, Some(&saved.state))?;
        Ok(())
    }

    /// Runs the calculator; gives the level and its end where it is that of one-day volatility.
    fn run(
        &mut self,
        universe: &Universe,
        now: Timestamp,
        turned: &mut UniverseTurned,
    ) -> Option<(f64, Timestamp)> {
        let watch = Stopwatch::start();
        let runner = &mut self.runner;
        let ran = catch_unwind(AssertUnwindSafe(|| runner.run(universe, now)));
        let said = ran.unwrap_or_else(|panic| {
            // What a calculator that panicked remembers cannot be trusted.
            if let Ok(fresh) = (self.entry.build)(&self.params, None) {
                self.runner = fresh;
            }
            self.failed(&panic_text(panic.as_ref()))
        });
        let seconds = watch.elapsed().as_secs_f64() / said.len().max(1) as f64;
        self.tell(said, seconds, now, turned)
    }

    /// That it failed, for every document it has.
    fn failed(&self, why: &str) -> Vec<Said> {
        let card = &self.entry.card;
        let mut groups: Vec<Option<String>> = self.written.keys().cloned().collect();
        if groups.is_empty() {
            groups.push((card.scope == Scope::Group).then(|| OTHER.to_owned()));
        }
        let said = |group| Said {
            group,
            outcome: failed(card, why.to_owned()),
            level: None,
            notes: Vec::new(),
        };
        groups.into_iter().map(said).collect()
    }

    /// Reports what it said and writes what has to be; gives the level where it is that of one-day
    /// volatility.
    fn tell(
        &mut self,
        said: Vec<Said>,
        seconds: f64,
        now: Timestamp,
        turned: &mut UniverseTurned,
    ) -> Option<(f64, Timestamp)> {
        let card = &self.entry.card;
        let mut level = None;
        let named: Vec<Option<String>> = said.iter().map(|said| said.group.clone()).collect();
        for said in said {
            let key = keys::overall(card.key, said.group.as_deref());
            turned.reports.push((
                key.clone(),
                Report {
                    calculator: card.name,
                    job: card.job,
                    status: said.outcome.status,
                    reason: said.outcome.reason.clone(),
                    seconds,
                },
            ));
            level = self
                .label
                .valid_until(&said.outcome, now)
                .zip(said.level)
                .map(|(until, level)| (level, until));
            let last = self.written.get(&said.group).copied();
            let interval = self.label.interval;
            let due = Written::due(last, &said.outcome, self.ttl_seconds, interval, now);
            if let Some(written) = due {
                turned.writes.push(Write {
                    document: card.name,
                    key: key.as_str().into(),
                    value: self.label.document(&said.outcome, now).into(),
                    ttl_seconds: self.ttl_seconds,
                    how: written.how(),
                });
                self.written.insert(said.group, written);
            }
            turned
                .writes
                .extend(said.notes.into_iter().map(|note| noted(&key, note)));
        }
        // A group that is no more leaves no trace here; its document dies with its lifetime.
        self.written.retain(|group, _| named.contains(group));
        level
    }
}

/// How something is kept beside a document.
fn noted(document: &str, note: Note) -> Write {
    let (key, value, how) = match note {
        Note::History { value, keep } => (keys::history(document), value, How::PutInFront { keep }),
        Note::SourceLast { source, value } => (keys::vix1d_last(source), value, How::Replace),
        Note::SourceHistory {
            source,
            value,
            keep,
        } => (keys::vix1d_history(source), value, How::PutInFront { keep }),
    };
    Write {
        document: BESIDE,
        key: key.into(),
        value: value.into(),
        ttl_seconds: HISTORY_TTL,
        how,
    }
}

impl UniverseTerms {
    fn interval_of(&self, job: Job) -> Option<Span> {
        let found = self.intervals.iter().find(|(other, _)| *other == job);
        found.map(|(_, interval)| *interval)
    }
}

#[cfg(test)]
mod tests;
