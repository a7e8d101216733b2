//! Bytes to nouns: the one place that is tolerant of what producers write.
//!
//! Behind this door times are [`Timestamp`], prices and sizes are integers, and a missing number
//! is `None`. What cannot be decoded is counted with its reason and harms nothing else.

mod auction;
mod chain;
pub mod channel;
pub mod contract_id;
pub mod expiry;
pub mod overall;

use std::collections::BTreeMap;

use chrono::{NaiveDateTime, TimeZone};
use chrono_tz::Tz;
use quant::baseline::Baseline;
use quant::market::{CodeSet, Conditions, Level, OrderBook, Price, Quote, Side, Size, Span};
use quant::market::{Timestamp, Touch, Trade, Venue};
use quant::snapshot::Section;
use xxhash_rust::xxh3::xxh3_64;

use crate::config::DateOrder;

pub use auction::bars_as_of;

use super::scan::{Malformed, Scalar, Scanner, decimal};

/// The newest instant that cannot be a market time: 1980-01-01. A zero, or seconds taken for
/// nanoseconds, lie before it.
const EPOCH_OF_MARKETS: Timestamp = Timestamp::from_seconds(315_532_800);

/// Most levels a side that are kept; deeper ones enter no measure.
const MAX_LEVELS: usize = 1000;

/// What is believed at the door.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// Prices at or above this are refused.
    pub max_price: f64,
    /// A time further ahead of the clock than this is replaced by the time of receipt.
    pub max_future: Span,
    /// Longest value that is decoded, bytes.
    pub max_value_bytes: usize,
    /// Zone of ISO times without an offset.
    pub naive_zone: Tz,
    /// The order of day and month in dates such as 03/04/2026 that both could be.
    pub date_order: Option<DateOrder>,
    /// A chain of more contracts is refused.
    pub max_contracts: u64,
    /// The delay of chains that declare none.
    pub chain_delay: Span,
}

impl Rules {
    /// A decoder of values that came at `received`; what is bad goes into `bad`.
    pub fn decoder<'a>(&'a self, received: Timestamp, bad: &'a mut BadInput) -> Decoder<'a> {
        Decoder {
            rules: self,
            received,
            bad,
        }
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            max_price: 1e7,
            max_future: Span::from_millis(2000),
            max_value_bytes: 64 << 20,
            naive_zone: Tz::UTC,
            date_order: None,
            max_contracts: 50_000,
            chain_delay: Span::ZERO,
        }
    }
}

/// Bad input by family (a section, or what else was read) and reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BadInput(BTreeMap<(&'static str, &'static str), u64>);

impl BadInput {
    /// Counts one value of a section.
    pub fn count(&mut self, section: Section, reason: &'static str) {
        self.add(section.as_str(), reason, 1);
    }

    /// Counts `n` of a family.
    pub fn add(&mut self, family: &'static str, reason: &'static str, n: u64) {
        *self.0.entry((family, reason)).or_default() += n;
    }

    /// Adds another's counts.
    pub fn merge(&mut self, other: Self) {
        for ((family, reason), n) in other.0 {
            self.add(family, reason, n);
        }
    }

    /// Every count: family, reason, how many.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        self.0
            .iter()
            .map(|(&(family, reason), &n)| (family, reason, n))
    }

    /// Whether nothing was bad.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A decoder for one value: what it believes, when the value came, and what was bad.
pub struct Decoder<'a> {
    /// What is believed.
    pub rules: &'a Rules,
    /// When the value was received.
    pub received: Timestamp,
    /// What was bad.
    pub bad: &'a mut BadInput,
}

/// A trade with what tells it from others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DecodedTrade {
    /// The trade.
    pub trade: Trade,
    /// Hash of its `id` or `seq`, where it has one.
    pub id: Option<u64>,
}

/// Field aliases, best first: the first that is present and readable wins.
struct Picked<T> {
    rank: usize,
    value: Option<T>,
}

impl<T> Picked<T> {
    const fn new() -> Self {
        Self {
            rank: usize::MAX,
            value: None,
        }
    }

    fn offer(&mut self, rank: usize, value: Option<T>) {
        if value.is_some() && rank < self.rank {
            *self = Self { rank, value };
        }
    }
}

impl<T> Default for Picked<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder<'_> {
    /// A ticker; `None` where it holds no price at all.
    pub fn ticker(&mut self, bytes: &[u8]) -> Option<Quote> {
        const SPOT: [&str; 5] = ["last", "mid", "close", "price", "mark"];
        let section = Section::Ticker;
        let text = self.text(section, bytes)?;
        let (mut bid, mut ask, mut volume) = (None, None, Picked::new());
        let (mut spot, mut time) = (Picked::new(), Picked::new());
        let mut scanner = Scanner::new(text);
        let scanned = scanner.object(|scanner, key| {
            match key {
                "bid" => bid = self.price(section, scanner.scalar()?),
                "ask" => ask = self.price(section, scanner.scalar()?),
                "volume" => volume.offer(0, self.size(section, scanner.scalar()?)),
                "vol" => volume.offer(1, self.size(section, scanner.scalar()?)),
                "timestamp" => time.offer(0, self.time(section, scanner.scalar()?)),
                "ts" => time.offer(1, self.time(section, scanner.scalar()?)),
                _ => match SPOT.iter().position(|alias| *alias == key) {
                    Some(rank) => spot.offer(rank, self.price(section, scanner.scalar()?)),
                    None => scanner.skip()?,
                },
            }
            Ok(())
        });
        self.whole(section, scanned.and_then(|()| scanner.end()))?;
        let midpoint = || {
            let doubled = i128::from(bid?.units()) + i128::from(ask?.units());
            i64::try_from(doubled / 2).ok().map(Price::from_units)
        };
        let spot = spot.value.or_else(midpoint);
        if spot.is_none() && bid.is_none() && ask.is_none() {
            self.bad.count(section, "no_price");
            return None;
        }
        Some(Quote {
            bid,
            ask,
            spot,
            volume: volume.value,
            at: self.not_ahead(section, time.value),
        })
    }

    /// An order book; sides may be empty, levels without a price are dropped.
    pub fn book(&mut self, bytes: &[u8]) -> Option<OrderBook> {
        let section = Section::Book;
        let text = self.text(section, bytes)?;
        let (mut bids, mut asks) = (None, None);
        let mut time = Picked::new();
        let mut scanner = Scanner::new(text);
        let scanned = scanner.object(|scanner, key| {
            match key {
                "bids" => bids = self.levels(scanner)?,
                "asks" => asks = self.levels(scanner)?,
                "timestamp" => time.offer(0, self.time(section, scanner.scalar()?)),
                "ts" => time.offer(1, self.time(section, scanner.scalar()?)),
                _ => scanner.skip()?,
            }
            Ok(())
        });
        self.whole(section, scanned.and_then(|()| scanner.end()))?;
        if bids.is_none() && asks.is_none() {
            self.bad.count(section, "no_levels");
            return None;
        }
        let at = self.not_ahead(section, time.value);
        let (bids, asks) = (bids.unwrap_or_default(), asks.unwrap_or_default());
        Some(OrderBook::consolidated(bids, asks, at))
    }

    /// A trade; `None` without a price or a size.
    pub fn trade(&mut self, bytes: &[u8]) -> Option<DecodedTrade> {
        let section = Section::Trades;
        let text = self.text(section, bytes)?;
        let (mut price, mut size, mut time) = (Picked::new(), Picked::new(), Picked::new());
        let (mut flag, mut venue, mut id) = (Picked::new(), Picked::new(), Picked::new());
        let (mut bid, mut ask) = (None, None);
        let mut conditions = TradeConditions::default();
        let mut scanner = Scanner::new(text);
        let scanned = scanner.object(|scanner, key| {
            match key {
                "price" => price.offer(0, self.price(section, scanner.scalar()?)),
                "last" => price.offer(1, self.price(section, scanner.scalar()?)),
                "p" => price.offer(2, self.price(section, scanner.scalar()?)),
                "size" => size.offer(0, self.size(section, scanner.scalar()?)),
                "qty" => size.offer(1, self.size(section, scanner.scalar()?)),
                "volume" => size.offer(2, self.size(section, scanner.scalar()?)),
                "s" => size.offer(3, self.size(section, scanner.scalar()?)),
                "timestamp" => time.offer(0, self.time(section, scanner.scalar()?)),
                "ts" => time.offer(1, self.time(section, scanner.scalar()?)),
                "time" => time.offer(2, self.time(section, scanner.scalar()?)),
                "side" => flag.offer(0, self.side(scanner.scalar()?)),
                "direction" => flag.offer(1, self.side(scanner.scalar()?)),
                "taker_side" => flag.offer(2, self.side(scanner.scalar()?)),
                "buyer_maker" => flag.offer(3, self.maker(scanner.scalar()?)),
                "venue" => venue.offer(0, venue_of(scanner.scalar()?)),
                "exchange" => venue.offer(1, venue_of(scanner.scalar()?)),
                "market_center" => venue.offer(2, venue_of(scanner.scalar()?)),
                "id" => id.offer(0, id_of(scanner.scalar()?)),
                "seq" => id.offer(1, id_of(scanner.scalar()?)),
                "bid" => bid = self.price(section, scanner.scalar()?),
                "ask" => ask = self.price(section, scanner.scalar()?),
                "conditions" | "cond" => conditions.read(scanner)?,
                "sweep" | "is_sweep" => conditions.read_sweep(&scanner.scalar()?),
                "asset_type" => conditions.read_asset(&scanner.scalar()?),
                _ => scanner.skip()?,
            }
            Ok(())
        });
        self.whole(section, scanned.and_then(|()| scanner.end()))?;
        let Some(price) = price.value else {
            self.bad.count(section, "no_price");
            return None;
        };
        let Some(size) = size.value else {
            self.bad.count(section, "no_size");
            return None;
        };
        if time.value.is_none() {
            self.bad.count(section, "no_time");
        }
        let touch = bid.zip(ask).map(|(bid, ask)| Touch { bid, ask });
        let trade = Trade {
            at: self.not_ahead(section, time.value),
            price,
            size,
            flag: flag.value.unwrap_or_default(),
            touch,
            venue: venue.value,
            conditions: conditions.get(),
        };
        Some(DecodedTrade {
            trade,
            id: id.value,
        })
    }

    /// A discovered number such as an integer text.
    pub fn discovered(&mut self, bytes: &[u8]) -> Option<Size> {
        let section = Section::Discovered;
        let text = self.text(section, bytes)?;
        let mut scanner = Scanner::new(text);
        let scalar = match scanner.scalar() {
            Ok(scalar) if scanner.end().is_ok() => scalar,
            Ok(_) | Err(_) => Scalar::Text(text.into()),
        };
        self.size(section, scalar)
    }

    /// What is usual of a symbol.
    pub fn baseline(&mut self, bytes: &[u8]) -> Option<Baseline> {
        let section = Section::Discovered;
        let text = self.text(section, bytes)?;
        let baseline = serde_json::from_str::<Baseline>(text);
        let baseline = baseline.map_err(|_| "bad_baseline");
        let checked = baseline.and_then(|baseline| baseline.check().map(|()| baseline));
        checked.map_err(|why| self.bad.count(section, why)).ok()
    }

    fn text<'b>(&mut self, section: Section, bytes: &'b [u8]) -> Option<&'b str> {
        if bytes.len() > self.rules.max_value_bytes {
            self.bad.count(section, "too_large");
            return None;
        }
        let text = std::str::from_utf8(bytes).ok();
        if text.is_none() {
            self.bad.count(section, "bad_utf8");
        }
        text
    }

    fn whole(&mut self, section: Section, scanned: Result<(), Malformed>) -> Option<()> {
        if scanned.is_err() {
            self.bad.count(section, "bad_json");
        }
        scanned.ok()
    }

    /// A number's text; `None` where it is missing, counted where it is something else.
    fn number<'b>(
        &mut self,
        section: Section,
        reason: &'static str,
        scalar: &'b Scalar<'_>,
    ) -> Option<&'b str> {
        let text = match scalar {
            Scalar::Null => return None,
            Scalar::Number(text) => text,
            Scalar::Text(text) => text.trim(),
            Scalar::Bool(_) | Scalar::Container => {
                self.bad.count(section, reason);
                return None;
            }
        };
        let missing = ["", "null", "nan", "infinity", "-infinity", "inf", "-inf"];
        let is_missing = missing.iter().any(|word| word.eq_ignore_ascii_case(text));
        (!is_missing).then_some(text)
    }

    fn price(&mut self, section: Section, scalar: Scalar<'_>) -> Option<Price> {
        let text = self.number(section, "bad_price", &scalar)?;
        let max = self.rules.max_price * Price::SCALE as f64;
        let units = decimal(text, 9).filter(|units| *units > 0 && (*units as f64) < max);
        let price = units.and_then(|units| i64::try_from(units).ok());
        if price.is_none() {
            self.bad.count(section, "bad_price");
        }
        price.map(Price::from_units)
    }

    fn size(&mut self, section: Section, scalar: Scalar<'_>) -> Option<Size> {
        let text = self.number(section, "bad_size", &scalar)?;
        let units = decimal(text, 8).filter(|units| *units >= 0);
        let size = units.and_then(|units| i64::try_from(units).ok());
        if size.is_none() {
            self.bad.count(section, "bad_size");
        }
        size.map(Size::from_units)
    }

    fn time(&mut self, section: Section, scalar: Scalar<'_>) -> Option<Timestamp> {
        let text = self.number(section, "bad_time", &scalar)?;
        let time = time_of(text)
            .or_else(|| self.naive_time(section, text))
            .filter(|time| *time > EPOCH_OF_MARKETS);
        if time.is_none() {
            self.bad.count(section, "bad_time");
        }
        time
    }

    fn naive_time(&mut self, section: Section, text: &str) -> Option<Timestamp> {
        let time = naive_time(text, self.rules.naive_zone)?;
        self.bad.count(section, "naive_time");
        Some(time)
    }

    /// The time of a value, or of its receipt where it has none or one ahead of the clock.
    fn not_ahead(&mut self, section: Section, time: Option<Timestamp>) -> Timestamp {
        let Some(time) = time else {
            return self.received;
        };
        if time.since(self.received) > self.rules.max_future {
            self.bad.count(section, "future_time");
            return self.received;
        }
        time
    }

    fn side(&mut self, scalar: Scalar<'_>) -> Option<Side> {
        let text = match &scalar {
            Scalar::Text(text) => text.trim(),
            Scalar::Number(text) => text,
            Scalar::Null => return None,
            Scalar::Bool(_) | Scalar::Container => "?",
        };
        match text.to_ascii_lowercase().as_str() {
            "buy" | "b" | "bid" | "+" | "1" | "+1" => Some(Side::Buy),
            "sell" | "s" | "ask" | "a" | "-" | "−" | "-1" => Some(Side::Sell),
            "" | "null" | "none" | "unknown" | "u" | "n" | "0" => None,
            _ => {
                self.bad.count(Section::Trades, "bad_side");
                None
            }
        }
    }

    /// The maker bought, so the taker sold.
    fn maker(&mut self, scalar: Scalar<'_>) -> Option<Side> {
        match &scalar {
            Scalar::Bool(true) => Some(Side::Sell),
            Scalar::Bool(false) => Some(Side::Buy),
            Scalar::Text(text) if text == "true" => Some(Side::Sell),
            Scalar::Text(text) if text == "false" => Some(Side::Buy),
            Scalar::Null => None,
            Scalar::Text(_) | Scalar::Number(_) | Scalar::Container => {
                self.bad.count(Section::Trades, "bad_side");
                None
            }
        }
    }

    fn levels(&mut self, scanner: &mut Scanner<'_>) -> Result<Option<Vec<Level>>, Malformed> {
        if scanner.peek() != Some(b'[') {
            if scanner.scalar()? != Scalar::Null {
                self.bad.count(Section::Book, "bad_levels");
            }
            return Ok(None);
        }
        let mut levels = Vec::with_capacity(16);
        scanner.array(|scanner| {
            let level = match scanner.peek() {
                Some(b'{') => self.level_object(scanner)?,
                Some(b'[') => self.level_array(scanner)?,
                _ => {
                    scanner.skip()?;
                    None
                }
            };
            match level {
                Some(level) if levels.len() < MAX_LEVELS => levels.push(level),
                Some(_) => self.bad.count(Section::Book, "too_many_levels"),
                None => self.bad.count(Section::Book, "bad_level"),
            }
            Ok(())
        })?;
        Ok(Some(levels))
    }

    fn level_object(&mut self, scanner: &mut Scanner<'_>) -> Result<Option<Level>, Malformed> {
        let (mut price, mut size) = (Picked::new(), Picked::new());
        scanner.object(|scanner, key| {
            match key {
                "price" => price.offer(0, self.price(Section::Book, scanner.scalar()?)),
                "p" => price.offer(1, self.price(Section::Book, scanner.scalar()?)),
                "size" => size.offer(0, self.size(Section::Book, scanner.scalar()?)),
                "qty" => size.offer(1, self.size(Section::Book, scanner.scalar()?)),
                "s" => size.offer(2, self.size(Section::Book, scanner.scalar()?)),
                _ => scanner.skip()?,
            }
            Ok(())
        })?;
        Ok(level(price.value, size.value))
    }

    fn level_array(&mut self, scanner: &mut Scanner<'_>) -> Result<Option<Level>, Malformed> {
        let (mut price, mut size, mut place) = (None, None, 0);
        scanner.array(|scanner| {
            match place {
                0 => price = self.price(Section::Book, scanner.scalar()?),
                1 => size = self.size(Section::Book, scanner.scalar()?),
                _ => scanner.skip()?,
            }
            place += 1;
            Ok(())
        })?;
        Ok(level(price, size))
    }
}

fn level(price: Option<Price>, size: Option<Size>) -> Option<Level> {
    Some(Level {
        price: price?,
        size: size?,
    })
}

/// Seconds, milliseconds, microseconds or nanoseconds since the epoch, told by magnitude.
fn epoch_number(text: &str) -> Option<Timestamp> {
    let nano_units = decimal(text, 9)?;
    let whole = nano_units.unsigned_abs() / 1_000_000_000;
    let divisor = match whole {
        0..100_000_000_000 => 1,
        100_000_000_000..100_000_000_000_000 => 1_000,
        100_000_000_000_000..100_000_000_000_000_000 => 1_000_000,
        _ => 1_000_000_000,
    };
    let nanos = nano_units / divisor;
    i64::try_from(nanos).ok().map(Timestamp::from_nanos)
}

/// A time as people write it: RFC 3339, or an epoch number told by magnitude.
pub fn time_of(text: &str) -> Option<Timestamp> {
    epoch_number(text).or_else(|| Timestamp::from_rfc3339(text))
}

/// A time without an offset, in a zone.
fn naive_time(text: &str, zone: Tz) -> Option<Timestamp> {
    let forms = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"];
    let parse = |form: &&str| NaiveDateTime::parse_from_str(text, form).ok();
    let local = forms.iter().find_map(parse)?;
    let time = zone.from_local_datetime(&local).earliest()?;
    time.timestamp_nanos_opt().map(Timestamp::from_nanos)
}

/// The conditions of a trade while it is read: whether its letters are those of a stock or of an
/// option may stand behind them.
#[derive(Default)]
struct TradeConditions {
    sip: Conditions,
    opra: Conditions,
    is_option: bool,
}

impl TradeConditions {
    /// A list of codes or one text. Bare numbers are of some vendor's own table.
    fn read(&mut self, scanner: &mut Scanner<'_>) -> Result<(), Malformed> {
        if scanner.peek() != Some(b'[') {
            self.add(&scanner.scalar()?);
            return Ok(());
        }
        scanner.array(|scanner| {
            self.add(&scanner.scalar()?);
            Ok(())
        })
    }

    fn add(&mut self, scalar: &Scalar<'_>) {
        if let Scalar::Text(text) = scalar {
            self.sip = self.sip.with(Conditions::of_text(text, CodeSet::Sip));
            self.opra = self.opra.with(Conditions::of_text(text, CodeSet::Opra));
        }
    }

    fn read_sweep(&mut self, scalar: &Scalar<'_>) {
        let is_sweep = match scalar {
            Scalar::Bool(is_sweep) => *is_sweep,
            Scalar::Text(text) => text.trim().eq_ignore_ascii_case("true") || text == "1",
            Scalar::Number(text) => *text == "1",
            Scalar::Null | Scalar::Container => false,
        };
        if is_sweep {
            self.sip = self.sip.with(Conditions::SWEEP);
            self.opra = self.opra.with(Conditions::SWEEP);
        }
    }

    fn read_asset(&mut self, scalar: &Scalar<'_>) {
        let names = ["option", "options", "opt"];
        self.is_option = word_of(scalar)
            .is_some_and(|word| names.iter().any(|name| name.eq_ignore_ascii_case(word)));
    }

    fn get(&self) -> Conditions {
        match self.is_option {
            true => self.opra,
            false => self.sip,
        }
    }
}

fn venue_of(scalar: Scalar<'_>) -> Option<Venue> {
    word_of(&scalar).map(Venue::new)
}

fn id_of(scalar: Scalar<'_>) -> Option<u64> {
    word_of(&scalar).map(|word| xxh3_64(word.as_bytes()))
}

/// A name or number that is there.
fn word_of<'a>(scalar: &'a Scalar<'_>) -> Option<&'a str> {
    let word = match scalar {
        Scalar::Text(text) => text.trim(),
        Scalar::Number(text) => text,
        Scalar::Null | Scalar::Bool(_) | Scalar::Container => return None,
    };
    (!is_missing(word)).then_some(word)
}

/// What producers write where they have nothing.
fn is_missing(word: &str) -> bool {
    let missing = ["", "null", "nan", "infinity", "-infinity", "inf", "-inf"];
    missing.iter().any(|other| other.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests;
