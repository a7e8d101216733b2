//! Everything known about one symbol at one instant, and how a calculator asks for its part.
//!
//! A calculator names what it reads by the type of its input: `(&Quote, &OrderBook)`,
//! `Option<&Quote>`, `Tape`. The type says what to fetch ([`Input::NEEDS`]), refuses what is
//! missing or too old, and notes in the [`Provenance`] what the number rests on.

mod options;

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;

use chrono::NaiveDate;
use chrono_tz::Tz;

use crate::baseline::Baseline;
use crate::calculator::{Calculator, NoValue, Status};
use crate::market::{Bar, Imbalance};
use crate::market::{OrderBook, Quote, Rule, Size, Span, Symbol, TapeRing, Timestamp};
use crate::market::{SignedTrade, Trade};
use crate::pricing::PricingTerms;

pub use options::{ChainAtSpot, ListedChain, Options};

/// A part of the snapshot that is fetched, aged and refused on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// Best bid and offer, last price.
    Ticker,
    /// Displayed price levels.
    Book,
    /// Prints.
    Trades,
    /// Option contracts.
    Chain,
    /// Parameters that other programs discover.
    Discovered,
    /// One-minute bars.
    Bars,
    /// The closing auction as its feed tells it.
    Imbalance,
}

impl Section {
    /// Every section, in display order.
    pub const ALL: [Self; 7] = [
        Self::Ticker,
        Self::Book,
        Self::Trades,
        Self::Chain,
        Self::Discovered,
        Self::Bars,
        Self::Imbalance,
    ];

    /// The name on the wire and in settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ticker => "ticker",
            Self::Book => "book",
            Self::Trades => "trades",
            Self::Chain => "chain",
            Self::Discovered => "discovered",
            Self::Bars => "bars",
            Self::Imbalance => "imbalance",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// What an input reads: sections to fetch and calculators whose result it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Whether each new trade is wanted, and not just the newest.
    folds: bool,
    sections: u8,
    producers: [Option<&'static str>; Self::MAX_PRODUCERS],
}

impl Needs {
    /// Most results one calculator builds on.
    pub const MAX_PRODUCERS: usize = 16;

    /// Nothing.
    pub const NONE: Self = Self {
        folds: false,
        sections: 0,
        producers: [None; Self::MAX_PRODUCERS],
    };

    /// One section.
    pub const fn section(section: Section) -> Self {
        Self {
            sections: section.bit(),
            ..Self::NONE
        }
    }

    /// Every new trade, none left out.
    pub const fn every_trade() -> Self {
        Self {
            folds: true,
            ..Self::section(Section::Trades)
        }
    }

    /// Whether every new trade is wanted: the tape keeps what is unread.
    pub const fn folds(self) -> bool {
        self.folds
    }

    /// The latest result of the calculator called `name`.
    pub const fn producer(name: &'static str) -> Self {
        let mut needs = Self::NONE;
        needs.producers[0] = Some(name);
        needs
    }

    /// What either needs.
    pub const fn union(self, other: Self) -> Self {
        let mut union = self;
        union.sections |= other.sections;
        union.folds |= other.folds;
        let mut at = 0;
        while at < Self::MAX_PRODUCERS && union.producers[at].is_some() {
            at += 1;
        }
        let mut from = 0;
        while from < Self::MAX_PRODUCERS && other.producers[from].is_some() {
            union.producers[at] = other.producers[from];
            at += 1;
            from += 1;
        }
        union
    }

    /// Whether `section` is read.
    pub const fn has(self, section: Section) -> bool {
        self.sections & section.bit() != 0
    }

    /// The calculators whose results are read.
    pub fn producers(self) -> impl Iterator<Item = &'static str> {
        self.producers.into_iter().flatten()
    }
}

/// A section's newest value with the instant it is of; absent until one came.
#[derive(Clone, Debug)]
pub struct Dated<T> {
    newest: Option<Newest<T>>,
    max_age: Span,
}

#[derive(Clone, Debug)]
struct Newest<T> {
    value: T,
    as_of: Timestamp,
    /// The instant its age is counted from: that of receipt where a feed declares its delay.
    fresh_from: Timestamp,
}

impl<T> Dated<T> {
    /// Nothing yet; values older than `max_age` are refused as stale.
    pub fn new(max_age: Span) -> Self {
        Self {
            newest: None,
            max_age,
        }
    }

    /// Refuses older values than this from here on.
    pub fn set_max_age(&mut self, max_age: Span) {
        self.max_age = max_age;
    }

    /// Replaces the value.
    pub fn set(&mut self, value: T, as_of: Timestamp) {
        self.set_delayed(value, as_of, as_of);
    }

    /// Replaces the value by one that is old by declaration: whether it is stale is judged from
    /// its receipt.
    pub fn set_delayed(&mut self, value: T, as_of: Timestamp, received: Timestamp) {
        self.newest = Some(Newest {
            value,
            as_of,
            fresh_from: received,
        });
    }

    /// The value, however old.
    pub fn newest(&self) -> Option<&T> {
        self.newest.as_ref().map(|newest| &newest.value)
    }

    /// The value to change, however old.
    pub fn newest_mut(&mut self) -> Option<&mut T> {
        self.newest.as_mut().map(|newest| &mut newest.value)
    }

    /// Forgets the value: the store has nothing there any more.
    pub fn clear(&mut self) {
        self.newest = None;
    }

    /// The instant of the newest value, however old.
    pub fn as_of(&self) -> Option<Timestamp> {
        self.newest.as_ref().map(|newest| newest.as_of)
    }

    fn fresh(&self, section: Section, now: Timestamp) -> Result<&Newest<T>, NoValue> {
        let newest = self.newest.as_ref().ok_or(NoValue::Missing(section))?;
        refuse_stale(section, newest.fresh_from, self.max_age, now)?;
        Ok(newest)
    }
}

fn refuse_stale(
    section: Section,
    as_of: Timestamp,
    max_age: Span,
    now: Timestamp,
) -> Result<(), NoValue> {
    let age = now.since(as_of);
    // A time as far ahead is of a clock that was stepped back since: how old the value is, nobody
    // knows.
    if age <= max_age && age.nanos() >= max_age.nanos().saturating_neg() {
        return Ok(());
    }
    let age_ms = age.millis().max(0) as u64;
    Err(NoValue::Stale { section, age_ms })
}

/// Parameters other programs discover for this symbol.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Discovered {
    /// VPIN bucket size found for this symbol, in shares.
    pub vpin_bucket_size: Option<Size>,
    /// VPIN bucket size found for all symbols, in shares.
    pub vpin_bucket_size_global: Option<Size>,
    /// Average daily volume in shares.
    pub average_daily_volume: Option<Size>,
}

/// One symbol at one instant.
pub struct Snapshot {
    /// Which symbol.
    pub symbol: Symbol,
    /// The session it is in, or was in last.
    pub session_date: NaiveDate,
    /// Ticker.
    pub quote: Dated<Quote>,
    /// Order book.
    pub book: Dated<OrderBook>,
    /// Signed trades.
    pub tape: TapeRing,
    /// How those trades were signed.
    pub signing_rule: Rule,
    /// Trades older than this do not speak for now, where a calculator judges them by age.
    pub trades_max_age: Span,
    /// Discovered parameters.
    pub discovered: Discovered,
    /// What is usual of the symbol, from its own past.
    pub baseline: Option<Box<Baseline>>,
    /// Option chain.
    pub chain: Dated<ListedChain>,
    /// One-minute bars, oldest first.
    pub bars: Dated<Vec<Bar>>,
    /// The closing auction as its feed tells it.
    pub imbalance: Dated<Imbalance>,
    /// How it is priced.
    pub pricing: PricingTerms,
    /// The end of the session under way, else of the next one; where the calendar knows it.
    pub session_close: Option<Timestamp>,
    /// The session before the one of `session_date`, where the calendar knows it.
    pub previous_session: Option<NaiveDate>,
    /// Newest results of this symbol's calculators.
    pub results: Results,
}

/// The newest results of a symbol's calculators, by name.
#[derive(Default)]
pub struct Results {
    by_name: BTreeMap<&'static str, StoredResult>,
}

struct StoredResult {
    status: Status,
    as_of: Option<Timestamp>,
    valid_until: Option<Timestamp>,
    delayed: bool,
    payload: Option<Box<dyn Any + Send>>,
}

impl Results {
    /// Keeps a result for those who build on it.
    pub fn put(
        &mut self,
        name: &'static str,
        status: Status,
        as_of: Option<Timestamp>,
        valid_until: Option<Timestamp>,
        payload: Option<Box<dyn Any + Send>>,
    ) {
        let stored = StoredResult {
            status,
            as_of,
            valid_until,
            delayed: false,
            payload,
        };
        self.by_name.insert(name, stored);
    }

    /// Says of the result kept last under a name that it rests on something late by declaration.
    pub fn mark_delayed(&mut self, name: &'static str) {
        if let Some(stored) = self.by_name.get_mut(name) {
            stored.delayed = true;
        }
    }
}

/// What a number rests on, noted while its inputs were taken.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Provenance {
    /// The instant of each section read.
    pub sections: BTreeMap<Section, Timestamp>,
    /// The newest input of each calculator's result built on.
    pub results: BTreeMap<&'static str, Timestamp>,
    /// The oldest and the newest input of a number over many symbols.
    pub members: Option<(Timestamp, Timestamp)>,
    /// The first instant at which one of the inputs judged by age is too old.
    pub valid_until: Option<Timestamp>,
    /// Whether one of the inputs is late by its source's declaration.
    pub delayed: bool,
}

impl Provenance {
    /// The newest input.
    pub fn as_of(&self) -> Option<Timestamp> {
        self.instants().max()
    }

    /// The oldest input.
    pub fn oldest(&self) -> Option<Timestamp> {
        self.instants().min()
    }

    fn instants(&self) -> impl Iterator<Item = Timestamp> {
        let own = self.sections.values().chain(self.results.values()).copied();
        own.chain(
            self.members
                .into_iter()
                .flat_map(|(oldest, newest)| [oldest, newest]),
        )
    }

    fn note(&mut self, section: Section, as_of: Timestamp, until: Option<Timestamp>) {
        self.sections.insert(section, as_of);
        self.note_end(until);
    }

    fn note_result(&mut self, name: &'static str, result: &StoredResult) {
        self.results.extend(result.as_of.map(|as_of| (name, as_of)));
        self.delayed |= result.delayed;
        self.note_end(result.valid_until);
    }

    fn note_end(&mut self, until: Option<Timestamp>) {
        self.valid_until = self.valid_until.into_iter().chain(until).min();
    }
}

/// A snapshot as one calculator sees it: now, and from its own place on the tape.
pub struct View<'a> {
    snapshot: &'a Snapshot,
    now: Timestamp,
    cursor: u64,
    provenance: RefCell<Provenance>,
}

impl<'a> View<'a> {
    /// The view of a calculator that has read the tape up to `cursor`.
    pub fn new(snapshot: &'a Snapshot, now: Timestamp, cursor: u64) -> Self {
        Self {
            snapshot,
            now,
            cursor,
            provenance: RefCell::default(),
        }
    }

    /// What was read.
    pub fn into_provenance(self) -> Provenance {
        self.provenance.into_inner()
    }

    fn read<T>(&self, section: Section, dated: &'a Dated<T>) -> Result<&'a T, NoValue> {
        let newest = dated.fresh(section, self.now)?;
        let end = newest.fresh_from.plus(dated.max_age);
        self.note(section, newest.as_of, Some(end));
        Ok(&newest.value)
    }

    fn note(&self, section: Section, as_of: Timestamp, until: Option<Timestamp>) {
        self.provenance.borrow_mut().note(section, as_of, until);
    }

    /// The chain, and whether it is late by declaration.
    fn read_chain(&self) -> Result<&'a ListedChain, NoValue> {
        let listed = self.read(Section::Chain, &self.snapshot.chain)?;
        self.provenance.borrow_mut().delayed |= listed.chain.head.is_delayed();
        Ok(listed)
    }
}

/// Something a calculator can take: one section, or a tuple or option of others.
pub trait Input<'a>: Sized {
    /// What must be fetched for it.
    const NEEDS: Needs;

    /// Takes it from the view, or says why it cannot be had.
    fn take(view: &'a View<'_>) -> Result<Self, NoValue>;
}

impl<'a> Input<'a> for &'a Symbol {
    const NEEDS: Needs = Needs::NONE;

    fn take(view: &'a View<'_>) -> Result<Self, NoValue> {
        Ok(&view.snapshot.symbol)
    }
}

/// The date of the session the symbol's exchange is in, or was in last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionDate(pub NaiveDate);

impl<'a> Input<'a> for SessionDate {
    const NEEDS: Needs = Needs::NONE;

    fn take(view: &'a View<'_>) -> Result<Self, NoValue> {
        Ok(Self(view.snapshot.session_date))
    }
}

/// The date of the session before that one; `None` where the calendar does not know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreviousSession(pub Option<NaiveDate>);

impl<'a> Input<'a> for PreviousSession {
    const NEEDS: Needs = Needs::NONE;

    fn take(view: &'a View<'_>) -> Result<Self, NoValue> {
        Ok(Self(view.snapshot.previous_session))
    }
}

/// The end of the session under way, else of the next one; `None` where the calendar knows none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionClose(pub Option<Timestamp>);

impl SessionClose {
    /// Whether the session of a date is under way, or may be: this is its end in the exchange's zone,
    /// or nobody knows. What is published between two sessions belongs to neither.
    pub fn may_end(self, SessionDate(date): SessionDate, zone: Tz) -> bool {
        let ends_on = |close: Timestamp| close.utc().with_timezone(&zone).date_naive();
        self.0.is_none_or(|close| ends_on(close) == date)
    }
}

impl<'a> Input<'a> for SessionClose {
    const NEEDS: Needs = Needs::NONE;

    fn take(view: &'a View<'_>) -> Result<Self, NoValue> {
        Ok(Self(view.snapshot.session_close))
    }
}

impl<'a> Input<'a> for &'a [Bar] {
    const NEEDS: Needs = Needs::section(Section::Bars);

    fn take(view: &'a View<'_>) -> Result<Self, NoValue> {
        Ok(view.read(Section::Bars, &view.snapshot.bars)?)
    }
}

/// Minute bars for a calculator that looks at them only where it has to: what was not looked at is
/// not what a number rests on.
#[derive(Clone, Copy)]
pub struct MinuteBars<'a> {
    view: &'a View<'a>,
}

impl<'a> MinuteBars<'a> {
    /// The bars, oldest first, refused where there are none or they are too old to speak for now.
    pub fn fresh(self) -> Result<&'a [Bar], NoValue> {
        <&[Bar]>::take(self.view)
    }
}

impl<'a> Input<'a> for MinuteBars<'a> {
    const NEEDS: Needs = Needs::section(Section::Bars);

    fn take(view: &'a View<'_>) -> Result<Self, NoValue> {
        Ok(Self { view })
    }
}

impl<'a> Input<'a> for &'a Imbalance {
    const NEEDS: Needs = Needs::section(Section::Imbalance);

    fn take(view: &'a View<'_>) -> Result<Self, NoValue> {
        view.read(Section::Imbalance, &view.snapshot.imbalance)
    }
}

impl<'a> Input<'a> for &'a Quote {
    const NEEDS: Needs = Needs::section(Section::Ticker);

    fn take(view: &'a View<'_>) -> Result<Self, NoValue> {
        view.read(Section::Ticker, &view.snapshot.quote)
    }
}

impl<'a> Input<'a> for &'a OrderBook {
    const NEEDS: Needs = Needs::section(Section::Book);

    fn take(view: &'a View<'_>) -> Result<Self, NoValue> {
        view.read(Section::Book, &view.snapshot.book)
    }
}

impl<'a> Input<'a> for &'a Discovered {
    const NEEDS: Needs = Needs::section(Section::Discovered);

    fn take(view: &'a View<'_>) -> Result<Self, NoValue> {
        Ok(&view.snapshot.discovered)
    }
}

/// What is usual of the symbol in its present session; `None` where that is not known.
#[derive(Clone, Copy, Debug)]
pub struct Usual<'a>(pub Option<&'a Baseline>);

impl<'a> Input<'a> for Usual<'a> {
    const NEEDS: Needs = Needs::section(Section::Discovered);

    fn take(view: &'a View<'_>) -> Result<Self, NoValue> {
        let snapshot = view.snapshot;
        let baseline = snapshot.baseline.as_deref();
        Ok(Self(baseline.filter(|baseline| {
            baseline.session == snapshot.session_date
        })))
    }
}

/// The tape from a calculator's own place: each run sees what came since its last run.
#[derive(Clone, Copy)]
pub struct Tape<'a> {
    view: &'a View<'a>,
}

impl<'a> Tape<'a> {
    /// The trades since this calculator's last run, oldest first.
    pub fn new_trades(self) -> impl DoubleEndedIterator<Item = &'a SignedTrade> {
        self.view.snapshot.tape.since(self.view.cursor)
    }

    /// The last `count` trades, oldest first, as far as the ring holds them.
    pub fn window(self, count: usize) -> impl DoubleEndedIterator<Item = &'a SignedTrade> {
        self.view.snapshot.tape.last(count)
    }

    /// Trades since the last run that were overwritten before this calculator ran.
    pub fn lost(self) -> u64 {
        self.view.snapshot.tape.lost_since(self.view.cursor)
    }

    /// The newest trade.
    pub fn newest(self) -> Option<&'a Trade> {
        Some(&self.view.snapshot.tape.newest()?.trade)
    }

    /// How the trades were signed.
    pub fn signing_rule(self) -> Rule {
        self.view.snapshot.signing_rule
    }

    /// The newest trade, refused where there is none or it is too old to speak for now.
    pub fn fresh(self) -> Result<&'a Trade, NoValue> {
        let section = Section::Trades;
        let newest = self.newest().ok_or(NoValue::Missing(section))?;
        let max_age = self.view.snapshot.trades_max_age;
        refuse_stale(section, newest.at, max_age, self.view.now)?;
        self.view
            .note(section, newest.at, Some(newest.at.plus(max_age)));
        Ok(newest)
    }
}

impl<'a> Input<'a> for Tape<'a> {
    const NEEDS: Needs = Needs::every_trade();

    fn take(view: &'a View<'_>) -> Result<Self, NoValue> {
        if let Some(newest) = view.snapshot.tape.newest() {
            view.note(Section::Trades, newest.trade.at, None);
        }
        Ok(Self { view })
    }
}

/// The tape for a calculator that looks at the last trades and folds none: it holds nothing back.
#[derive(Clone, Copy)]
pub struct Recent<'a>(pub Tape<'a>);

impl<'a> Input<'a> for Recent<'a> {
    const NEEDS: Needs = Needs::section(Section::Trades);

    fn take(view: &'a View<'_>) -> Result<Self, NoValue> {
        Tape::take(view).map(Self)
    }
}

/// The newest result of another calculator, with its status: a value only where it is `ok`.
pub struct Latest<'a, C: Calculator> {
    /// Whether there is a value, and why not.
    pub status: Status,
    /// The newest input the result rests on.
    pub as_of: Option<Timestamp>,
    /// The value; `None` unless the status is `ok`.
    pub payload: Option<&'a C::Payload>,
}

impl<'a, C: Calculator> Input<'a> for Latest<'a, C> {
    const NEEDS: Needs = Needs::producer(C::NAME);

    fn take(view: &'a View<'_>) -> Result<Self, NoValue> {
        let Some(stored) = view.snapshot.results.by_name.get(C::NAME) else {
            return Ok(Self {
                status: Status::Missing,
                as_of: None,
                payload: None,
            });
        };
        let expired = stored.valid_until.is_some_and(|until| view.now > until);
        let is_ok = stored.status == Status::Ok;
        let status = if is_ok && expired {
            Status::Stale
        } else {
            stored.status
        };
        let value = stored.payload.as_ref().filter(|_| status == Status::Ok);
        let payload = value.and_then(|any| any.downcast_ref());
        if payload.is_some() {
            view.provenance.borrow_mut().note_result(C::NAME, stored);
        }
        Ok(Self {
            status,
            as_of: stored.as_of,
            payload,
        })
    }
}

impl<'a, T: Input<'a>> Input<'a> for Option<T> {
    const NEEDS: Needs = T::NEEDS;

    fn take(view: &'a View<'_>) -> Result<Self, NoValue> {
        Ok(T::take(view).ok())
    }
}

/// For calculators that fold first and judge afterwards.
impl<'a, T: Input<'a>> Input<'a> for Result<T, NoValue> {
    const NEEDS: Needs = T::NEEDS;

    fn take(view: &'a View<'_>) -> Result<Self, NoValue> {
        Ok(T::take(view))
    }
}

macro_rules! tuples_are_inputs {
    ($($name:ident)+) => {
        impl<'a, $($name: Input<'a>),+> Input<'a> for ($($name,)+) {
            const NEEDS: Needs = Needs::NONE$(.union($name::NEEDS))+;

            fn take(view: &'a View<'_>) -> Result<Self, NoValue> {
                Ok(($($name::take(view)?,)+))
            }
        }
    };
}

tuples_are_inputs!(A);
tuples_are_inputs!(A B);
tuples_are_inputs!(A B C);
tuples_are_inputs!(A B C D);
tuples_are_inputs!(A B C D E);
tuples_are_inputs!(A B C D E F);

#[cfg(test)]
mod tests {
    use super::*;

    type Both<'a> = (&'a Quote, Option<&'a OrderBook>, &'a Symbol);

    #[test]
    fn needs_follow_from_the_type() {
        let needs = <Both<'_> as Input<'_>>::NEEDS;
        assert!(needs.has(Section::Ticker) && needs.has(Section::Book));
        assert!(!needs.has(Section::Trades));
    }

    #[test]
    fn producers_add_up() {
        let needs = Needs::producer("a").union(Needs::producer("b"));
        assert_eq!(needs.producers().collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn a_value_is_fresh_up_to_its_age_and_stale_after() {
        let mut dated = Dated::new(Span::from_millis(100));
        let at = Timestamp::from_millis;
        let section = Section::Book;
        let fresh = |dated: &Dated<i32>, now| dated.fresh(section, now).map(|n| (n.value, n.as_of));
        assert_eq!(fresh(&dated, at(0)), Err(NoValue::Missing(section)));
        dated.set(7, at(0));
        assert_eq!(fresh(&dated, at(100)), Ok((7, at(0))));
        let stale = NoValue::Stale {
            section,
            age_ms: 101,
        };
        assert_eq!(fresh(&dated, at(101)), Err(stale));
    }
}
