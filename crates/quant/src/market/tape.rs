//! The tape: trades as they came, each signed once and kept in a ring.

use std::collections::VecDeque;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::signing::{self, Rule, Side, SignedBy, TickRule};
use super::{Conditions, Price, QuoteHistory, Size, Span, Timestamp, Touch};

/// A venue name as the source spells it, at most 15 bytes of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Venue {
    len: u8,
    bytes: [u8; Self::MAX_LEN],
}

impl Venue {
    /// The longest name kept; longer ones are cut at a character.
    pub const MAX_LEN: usize = 15;

    /// The venue of a text, cut to the longest name kept.
    pub fn new(text: &str) -> Self {
        let len = text.floor_char_boundary(Self::MAX_LEN);
        let mut bytes = [0; Self::MAX_LEN];
        bytes[..len].copy_from_slice(&text.as_bytes()[..len]);
        Self {
            len: len as u8,
            bytes,
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.len)])
            .expect("cut at a character boundary of valid text")
    }
}

impl From<String> for Venue {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}

impl From<Venue> for String {
    fn from(venue: Venue) -> Self {
        venue.as_str().to_owned()
    }
}

impl fmt::Debug for Venue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// One print as the source gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trade {
    /// When it was executed.
    pub at: Timestamp,
    /// Execution price.
    pub price: Price,
    /// Executed size.
    pub size: Size,
    /// The source's aggressor flag; unknown where it has none.
    pub flag: Side,
    /// The quote that stood before it, where the source wrote it on the trade.
    pub touch: Option<Touch>,
    /// Where it was executed.
    pub venue: Option<Venue>,
    /// How it came about.
    #[serde(default)]
    pub conditions: Conditions,
}

/// Where the quote that signed a trade came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum QuoteSource {
    /// It stood on the trade itself.
    Trade,
    /// The newest ticker observed before the trade.
    Observed,
    /// There was none.
    None,
}

/// A trade with its side and how the side was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedTrade {
    /// The print.
    pub trade: Trade,
    /// Which side started it.
    pub side: Side,
    /// What decided the side.
    pub signed_by: SignedBy,
    /// Where the quote before it came from.
    pub quote_source: QuoteSource,
}

/// How the trades of one symbol are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signing {
    /// The rule.
    pub rule: Rule,
    /// How much older than the trade a quote must be to count as standing before it.
    pub quote_delay: Span,
    /// Observed quotes older than this at the trade are no quotes.
    pub max_quote_age: Span,
}

/// Signs the trades of one symbol in the order they come.
#[derive(Clone, Debug)]
pub struct Signer {
    signing: Signing,
    tick: TickRule,
}

impl Signer {
    /// A signer that has seen no trade.
    pub fn new(signing: Signing) -> Self {
        Self {
            signing,
            tick: TickRule::default(),
        }
    }

    /// A signer that goes on from the memory of another's tick rule.
    pub fn resume(signing: Signing, tick: TickRule) -> Self {
        Self { signing, tick }
    }

    /// The memory of the tick rule.
    pub fn tick(&self) -> TickRule {
        self.tick
    }

    /// The trade with its side, by the quote on the trade, else by the quote observed before it.
    pub fn sign(&mut self, trade: Trade, quotes: &QuoteHistory) -> SignedTrade {
        let Signing {
            rule,
            quote_delay,
            max_quote_age,
        } = self.signing;
        let observed =
            || quotes.standing_before(trade.at.minus(quote_delay), trade.at, max_quote_age);
        let (touch, quote_source) = match trade.touch {
            Some(touch) => (Some(touch), QuoteSource::Trade),
            None => match observed() {
                Some(touch) => (Some(touch), QuoteSource::Observed),
                None => (None, QuoteSource::None),
            },
        };
        let tick = self.tick.next(trade.price);
        let (side, signed_by) = signing::sign(rule, trade.price, trade.flag, touch, tick);
        SignedTrade {
            trade: Trade { touch, ..trade },
            side,
            signed_by,
            quote_source,
        }
    }
}

/// The newest signed trades of a symbol. Trades are numbered from 0 in arrival order.
///
/// Holds the last `kept` trades, and beyond them what some reader has not read yet, up to
/// [`TapeRing::UNREAD_FACTOR`] times as many; what is overwritten unread is lost and counted.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "SavedRing")]
pub struct TapeRing {
    trades: VecDeque<SignedTrade>,
    kept: usize,
    next: u64,
}

/// A ring as it was saved, before it is believed.
#[derive(Deserialize)]
struct SavedRing {
    trades: VecDeque<SignedTrade>,
    kept: usize,
    next: u64,
}

impl TryFrom<SavedRing> for TapeRing {
    type Error = &'static str;

    fn try_from(SavedRing { trades, kept, next }: SavedRing) -> Result<Self, Self::Error> {
        if kept == 0 || (trades.len() as u64) > next {
            return Err("a ring of trades holds more than it ever took");
        }
        Ok(Self { trades, kept, next })
    }
}

impl TapeRing {
    /// Trades that may be late in a row.
    const LATE: usize = 64;
    /// A burst 32 times the ring is 16,384 trades: more than any store list holds between passes.
    pub const UNREAD_FACTOR: usize = 32;

    /// An empty ring that keeps the last `kept` trades.
    pub fn new(kept: usize) -> Self {
        Self {
            trades: VecDeque::new(),
            kept: kept.max(1),
            next: 0,
        }
    }

    /// Appends a trade.
    pub fn push(&mut self, trade: SignedTrade) {
        if self.trades.len() >= self.kept.saturating_mul(Self::UNREAD_FACTOR) {
            self.trades.pop_front();
        }
        self.trades.push_back(trade);
        self.next += 1;
    }

    /// Forgets what is older than the last `kept` and numbered below `read_to`.
    pub fn forget_read(&mut self, read_to: u64) {
        while self.trades.len() > self.kept && self.first_number() < read_to {
            self.trades.pop_front();
        }
        // One burst must not hold its memory for the rest of the day.
        if self.trades.capacity() > 4 * self.kept.max(self.trades.len()) {
            self.trades.shrink_to(2 * self.kept);
        }
    }

    /// The number the next trade will have; equals the count of all trades so far.
    pub fn next_number(&self) -> u64 {
        self.next
    }

    /// The trades numbered from `cursor` on, oldest first.
    pub fn since(&self, cursor: u64) -> impl DoubleEndedIterator<Item = &SignedTrade> {
        let skip = cursor.saturating_sub(self.first_number()) as usize;
        self.trades.range(skip.min(self.trades.len())..)
    }

    /// The newest `count` trades there are, oldest first.
    pub fn last(&self, count: usize) -> impl DoubleEndedIterator<Item = &SignedTrade> {
        self.trades.range(self.trades.len().saturating_sub(count)..)
    }

    /// How many trades from `cursor` on were overwritten before they were read.
    pub fn lost_since(&self, cursor: u64) -> u64 {
        self.first_number().saturating_sub(cursor)
    }

    /// The trade of the latest time among the last to come, of equal ones the last: a print that is
    /// reported late does not make the tape old.
    pub fn newest(&self) -> Option<&SignedTrade> {
        self.last(Self::LATE).max_by_key(|signed| signed.trade.at)
    }

    /// The number of the oldest trade that is held.
    pub fn first_number(&self) -> u64 {
        self.next - self.trades.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trade(at: i64, price: f64) -> Trade {
        Trade {
            at: Timestamp::from_nanos(at),
            price: Price::from_f64(price).unwrap(),
            size: Size::from_units(Size::SCALE),
            flag: Side::Unknown,
            touch: None,
            venue: None,
            conditions: Conditions::NONE,
        }
    }

    fn touch(bid: f64, ask: f64) -> Touch {
        Touch {
            bid: Price::from_f64(bid).unwrap(),
            ask: Price::from_f64(ask).unwrap(),
        }
    }

    fn signer(rule: Rule) -> Signer {
        Signer::new(Signing {
            rule,
            quote_delay: Span::ZERO,
            max_quote_age: Span::from_seconds(60.0),
        })
    }

    fn signed(at: i64) -> SignedTrade {
        signer(Rule::Auto).sign(trade(at, 10.0), &QuoteHistory::default())
    }

    #[test]
    fn the_quote_on_the_trade_goes_before_the_observed_one() {
        let mut quotes = QuoteHistory::default();
        quotes.observe(Timestamp::from_nanos(1), Some(touch(20.0, 21.0)));
        let with_quote = Trade {
            touch: Some(touch(9.0, 10.0)),
            ..trade(5, 10.0)
        };
        let mut signer = signer(Rule::LeeReady);
        let on_trade = signer.sign(with_quote, &quotes);
        assert_eq!(on_trade.side, Side::Buy);
        assert_eq!(on_trade.quote_source, QuoteSource::Trade);
        let observed = signer.sign(trade(6, 10.0), &quotes);
        assert_eq!(observed.side, Side::Sell);
        assert_eq!(observed.quote_source, QuoteSource::Observed);
    }

    #[test]
    fn a_ring_keeps_what_is_unread_and_then_forgets_it() {
        let mut ring = TapeRing::new(2);
        (0..10).for_each(|at| ring.push(signed(at)));
        assert_eq!(ring.since(0).count(), 10);
        assert_eq!(ring.lost_since(0), 0);
        ring.forget_read(9);
        assert_eq!(ring.since(0).count(), 2);
        assert_eq!(ring.lost_since(0), 8);
        assert_eq!(ring.next_number(), 10);
    }

    #[test]
    fn a_reader_far_behind_loses_trades_and_knows_how_many() {
        let mut ring = TapeRing::new(1);
        (0..40).for_each(|at| ring.push(signed(at)));
        assert_eq!(ring.lost_since(0), 8);
        assert_eq!(ring.since(0).count(), 32);
        assert_eq!(ring.since(39).count(), 1);
        assert_eq!(ring.since(99).count(), 0);
    }

    #[test]
    fn long_venue_names_are_cut_at_a_character() {
        assert_eq!(Venue::new("XNAS").as_str(), "XNAS");
        assert_eq!(Venue::new("ÄÄÄÄÄÄÄÄÄÄ").as_str(), "ÄÄÄÄÄÄÄ");
    }
}
