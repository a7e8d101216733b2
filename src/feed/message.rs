//! What a provider says: typed, in its own time; how it is written is the wire's business.

use quant::market::{Imbalance, OrderBook, Quote, Size, Symbol, Timestamp, Trade};
use quant::synthetic;
use quant::synthetic::world::{Chain, Minute, Truth, Underlier};

use crate::recording::Record;
use crate::vendor_chain;

/// A message of a provider.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// When, as it is written.
    pub at: Timestamp,
    /// What.
    pub what: What,
}

/// What can be said.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// That a symbol is published.
    Symbol(Symbol),
    /// Best bid and offer, last trade and volume of the session.
    Ticker {
        /// Of whom.
        symbol: Symbol,
        /// Prices, last trade and volume.
        quote: Quote,
        /// Size displayed at the bid.
        bid_size: Size,
        /// Size displayed at the offer.
        ask_size: Size,
    },
    /// The order book.
    Book {
        /// Of whom.
        symbol: Symbol,
        /// Its levels.
        book: OrderBook,
    },
    /// A print with the quote that stood before it.
    Trade {
        /// Of whom.
        symbol: Symbol,
        /// The print.
        trade: Trade,
        /// Its number, which grows within a symbol.
        id: u64,
        /// What is true of it, where the provider knows; never written on the wire.
        truth: Option<Truth>,
    },
    /// A minute that ended.
    Bar {
        /// Of whom.
        symbol: Symbol,
        /// The minute.
        minute: Minute,
    },
    /// What the closing auction's feed tells.
    Imbalance {
        /// Of whom.
        symbol: Symbol,
        /// What it tells.
        imbalance: Imbalance,
    },
    /// The price that options are priced on.
    Underlying {
        /// Of whom.
        symbol: Symbol,
        /// The price, and what has been of the session.
        price: Underlier,
        /// Its number, which grows within a symbol.
        tick_id: u64,
    },
    /// An option chain.
    Chain(Box<Chain>),
    /// A price as a vendor tells it: the ticker, and the price that options are priced on.
    VendorTicker(Box<vendor_chain::Ticker>),
    /// An option chain as a vendor tells it, with the vendor's greeks.
    VendorChain(Box<vendor_chain::Snapshot>),
    /// The level of one-day volatility in percent.
    Vix1d(f64),
    /// What is already as it is to be written.
    Record(Record),
}

impl What {
    /// What the smaller synthetic market, which knows tapes and books only, tells of a symbol; a
    /// trade bears the number.
    pub fn of_tape(symbol: &Symbol, id: u64, kind: synthetic::Kind) -> Self {
        let symbol = symbol.clone();
        match kind {
            synthetic::Kind::Trade { trade, .. } => Self::Trade {
                symbol,
                trade,
                id,
                truth: None,
            },
            synthetic::Kind::Quote {
                quote,
                bid_size,
                ask_size,
            } => Self::Ticker {
                symbol,
                quote,
                bid_size,
                ask_size,
            },
            synthetic::Kind::Book(book) => Self::Book { symbol, book },
        }
    }

    /// Its kind, as metrics call it.
    pub fn kind(&self) -> &'static str {
        use crate::recording::Op;
        match self {
            Self::Symbol(_) => "symbol",
            Self::Ticker { .. } | Self::VendorTicker(_) => "ticker",
            Self::Book { .. } => "book",
            Self::Trade { .. } => "trade",
            Self::Bar { .. } => "bar",
            Self::Imbalance { .. } => "imbalance",
            Self::Underlying { .. } => "underlying",
            Self::Chain(_) | Self::VendorChain(_) => "chain",
            Self::Vix1d(_) => "vix1d",
            Self::Record(record) => match record.op {
                Op::Set => "set",
                Op::Rpush => "rpush",
                Op::Publish => "publish",
            },
        }
    }
}

impl Message {
    /// The same with every time in it moved. A record's times are moved by whoever reads it.
    #[must_use]
    pub fn moved(mut self, to: impl Fn(Timestamp) -> Timestamp) -> Self {
        self.at = to(self.at);
        match &mut self.what {
            What::Ticker { quote, .. } => quote.at = to(quote.at),
            What::Book { book, .. } => book.at = to(book.at),
            What::Trade { trade, .. } => trade.at = to(trade.at),
            What::Bar { minute, .. } => minute.bar.start = to(minute.bar.start),
            What::Imbalance { imbalance, .. } => imbalance.at = to(imbalance.at),
            What::Chain(chain) => chain.at = to(chain.at),
            What::VendorTicker(ticker) => {
                ticker.at_ms = to(Timestamp::from_millis(ticker.at_ms)).millis();
            }
            What::VendorChain(chain) => {
                chain.as_of_ms = to(Timestamp::from_millis(chain.as_of_ms)).millis();
            }
            What::Symbol(_) | What::Underlying { .. } | What::Vix1d(_) | What::Record(_) => {}
        }
        self
    }
}
