//! Messages as the bytes a feed writes: the same keys, channels and fields that any producer uses,
//! so that what is made here goes through the same door as what is real.

mod chain;
mod vendor;

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use quant::market::{Conditions, Imbalance, Level, OrderBook, Price, Quote, Side, Size};
use quant::market::{Symbol, Timestamp, Trade};
use quant::synthetic::world::{Minute, Underlier};
use serde::Serialize;

use super::message::{Message, What};
use crate::recording::{Op, Record};
use crate::store::keys::{self, SymbolKeys};

#[derive(Serialize)]
struct TickerBytes {
    bid: Option<f64>,
    ask: Option<f64>,
    bid_size: f64,
    ask_size: f64,
    last: Option<f64>,
    mid: Option<f64>,
    spread: Option<f64>,
    spread_bps: Option<f64>,
    volume: Option<f64>,
    timestamp: i64,
    /// When it was received, where that is another time than the source's.
    #[serde(skip_serializing_if = "Option::is_none")]
    received: Option<i64>,
}

#[derive(Serialize)]
struct TradeBytes<'a> {
    id: u64,
    price: f64,
    size: f64,
    timestamp: i64,
    bid: Option<f64>,
    ask: Option<f64>,
    venue: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    conditions: Vec<&'static str>,
}

#[derive(Serialize)]
struct BookBytes {
    bids: Vec<(f64, f64)>,
    asks: Vec<(f64, f64)>,
    timestamp: i64,
}

#[derive(Serialize)]
struct BarBytes {
    time: i64,
    open: f64,
    high: f64,
    low: f64,
    close: f64,
    volume: f64,
    wap: f64,
    count: u32,
}

#[derive(Serialize)]
struct ImbalanceBytes {
    paired: f64,
    imbalance: f64,
    side: Option<&'static str>,
    reference_price: Option<f64>,
    near_price: Option<f64>,
    far_price: Option<f64>,
    timestamp: i64,
}

/// Without a volume, which readers take for that of a trade.
#[derive(Serialize)]
struct UnderlyingBytes<'a> {
    r#type: &'static str,
    product: &'a str,
    price: f64,
    timestamp: i64,
    tick_id: u64,
    open: f64,
    high: f64,
    low: f64,
    close: f64,
    change: f64,
}

#[derive(Serialize)]
struct Vix1dBytes {
    last: f64,
    timestamp: i64,
}

/// The conditions that are told, and the codes of the consolidated tapes for them.
const CONDITIONS: [(Conditions, &str); 6] = [
    (Conditions::SWEEP, "F"),
    (Conditions::AUCTION, "6"),
    (Conditions::EXTENDED, "T"),
    (Conditions::LATE, "Z"),
    (Conditions::CROSS, "X"),
    (Conditions::ODD_LOT, "I"),
];

/// The keys of a symbol, ready to be written to.
struct Names {
    ticker: Arc<str>,
    book: Arc<str>,
    trades: Arc<str>,
    bars: Arc<str>,
    imbalance: Arc<str>,
    chain: Arc<str>,
}

impl Names {
    fn of(symbol: &Symbol) -> Self {
        let keys = SymbolKeys::of(symbol);
        Self {
            ticker: keys.ticker.into(),
            book: keys.book.into(),
            trades: keys.trades.into(),
            bars: keys.bars.into(),
            imbalance: keys.imbalance.into(),
            chain: keys.chain.into(),
        }
    }
}

/// Turns messages into records.
pub struct Wire {
    source: &'static str,
    option_quotes: bool,
    names: HashMap<Symbol, Names>,
    underlying: Arc<str>,
    option_chain: Arc<str>,
    option_quote: Arc<str>,
    new_chain: Arc<str>,
    vix1d: Arc<str>,
}

impl Wire {
    /// The wire of a source; `option_quotes` sends every contract of a chain as a message, too.
    pub fn new(source: &'static str, option_quotes: bool) -> Self {
        Self {
            source,
            option_quotes,
            names: HashMap::new(),
            underlying: "market:underlying".into(),
            option_chain: "market:option_chain".into(),
            option_quote: "market:option_quote".into(),
            new_chain: "events:options:chain".into(),
            vix1d: keys::VIX1D_BROKER.into(),
        }
    }

    /// Hands every record of a message to `each`. A symbol's name has none: it is a member of a
    /// set.
    pub fn write(&mut self, message: &Message, each: &mut impl FnMut(Record)) {
        let at = message.at;
        let mut record = |op, key: &Arc<str>, value: Vec<u8>| {
            each(Record {
                t_ns: at.nanos(),
                op,
                key: key.clone(),
                value: Bytes::from(value),
            });
        };
        match &message.what {
            What::Symbol(_) => {}
            What::Ticker {
                symbol,
                quote,
                bid_size,
                ask_size,
            } => {
                let bytes = ticker_bytes(quote, *bid_size, *ask_size, at);
                record(Op::Set, &self.names(symbol).ticker, bytes);
            }
            What::Book { symbol, book } => {
                record(Op::Set, &self.names(symbol).book, book_bytes(book));
            }
            What::Trade {
                symbol, trade, id, ..
            } => {
                let bytes = trade_bytes(trade, *id);
                record(Op::Rpush, &self.names(symbol).trades, bytes);
            }
            What::Bar { symbol, minute } => {
                record(Op::Rpush, &self.names(symbol).bars, bar_bytes(minute));
            }
            What::Imbalance { symbol, imbalance } => {
                let bytes = imbalance_bytes(imbalance);
                record(Op::Set, &self.names(symbol).imbalance, bytes);
            }
            What::Underlying {
                symbol,
                price,
                tick_id,
            } => {
                let bytes = underlying_bytes(symbol, price, *tick_id, at);
                record(Op::Publish, &self.underlying, bytes);
            }
            What::Chain(chain) => {
                let bytes = chain::key_bytes(chain, self.source);
                record(Op::Set, &self.names(&chain.symbol).chain, bytes);
                for bytes in chain::expiries(chain) {
                    record(Op::Publish, &self.option_chain, bytes);
                }
                let bytes = chain::event_bytes(chain, self.source);
                record(Op::Publish, &self.new_chain, bytes);
                if self.option_quotes {
                    for bytes in chain::quotes(chain) {
                        record(Op::Publish, &self.option_quote, bytes);
                    }
                }
            }
            What::VendorTicker(ticker) => {
                if let Some(bytes) = ticker.json() {
                    record(Op::Set, &self.names(&ticker.symbol).ticker, bytes);
                }
                if let Some(bytes) = vendor::underlying_bytes(ticker) {
                    record(Op::Publish, &self.underlying, bytes);
                }
            }
            What::VendorChain(chain) => {
                let bytes = quant::json::to_vec(chain);
                record(Op::Set, &self.names(&chain.symbol).chain, bytes);
                for bytes in vendor::expiries(chain) {
                    record(Op::Publish, &self.option_chain, bytes);
                }
                record(Op::Publish, &self.new_chain, vendor::event_bytes(chain));
                if self.option_quotes {
                    for bytes in vendor::quotes(chain) {
                        record(Op::Publish, &self.option_quote, bytes);
                    }
                }
            }
            What::Vix1d(level) => {
                let bytes = quant::json::to_vec(&Vix1dBytes {
                    last: *level,
                    timestamp: at.millis(),
                });
                record(Op::Set, &self.vix1d, bytes);
            }
            What::Record(record) => each(record.clone()),
        }
    }

    fn names(&mut self, symbol: &Symbol) -> &Names {
        if !self.names.contains_key(symbol) {
            self.names.insert(symbol.clone(), Names::of(symbol));
        }
        &self.names[symbol]
    }
}

fn ticker_bytes(quote: &Quote, bid_size: Size, ask_size: Size, received: Timestamp) -> Vec<u8> {
    let (bid, ask) = (quote.bid.map(Price::to_f64), quote.ask.map(Price::to_f64));
    let both = quote.bid.zip(quote.ask);
    let mid = both.map(|(bid, ask)| {
        Price::from_units(bid.units() + (ask.units() - bid.units()) / 2).to_f64()
    });
    let spread = both.map(|(bid, ask)| Price::from_units(ask.units() - bid.units()).to_f64());
    let bps = |(spread, mid): (f64, f64)| (spread / mid * 1e6).round() / 100.0;
    quant::json::to_vec(&TickerBytes {
        bid,
        ask,
        bid_size: bid_size.to_f64(),
        ask_size: ask_size.to_f64(),
        last: quote.spot.map(Price::to_f64),
        mid,
        spread,
        spread_bps: spread.zip(mid).map(bps),
        volume: quote.volume.map(Size::to_f64),
        timestamp: quote.at.nanos(),
        received: (received != quote.at).then_some(received.nanos()),
    })
}

fn trade_bytes(trade: &Trade, id: u64) -> Vec<u8> {
    quant::json::to_vec(&TradeBytes {
        id,
        price: trade.price.to_f64(),
        size: trade.size.to_f64(),
        timestamp: trade.at.nanos(),
        bid: trade.touch.map(|touch| touch.bid.to_f64()),
        ask: trade.touch.map(|touch| touch.ask.to_f64()),
        venue: trade.venue.as_ref().map(|venue| venue.as_str()),
        conditions: CONDITIONS
            .iter()
            .filter(|(condition, _)| trade.conditions.has(*condition))
            .map(|(_, code)| *code)
            .collect(),
    })
}

fn book_bytes(book: &OrderBook) -> Vec<u8> {
    let side = |levels: &[Level]| {
        let pairs = levels.iter();
        pairs
            .map(|level| (level.price.to_f64(), level.size.to_f64()))
            .collect()
    };
    quant::json::to_vec(&BookBytes {
        bids: side(&book.bids),
        asks: side(&book.asks),
        timestamp: book.at.nanos(),
    })
}

fn bar_bytes(minute: &Minute) -> Vec<u8> {
    let bar = &minute.bar;
    quant::json::to_vec(&BarBytes {
        time: bar.start.millis(),
        open: bar.open.to_f64(),
        high: bar.high.to_f64(),
        low: bar.low.to_f64(),
        close: bar.close.to_f64(),
        volume: bar.volume.to_f64(),
        wap: minute.average,
        count: minute.count,
    })
}

fn imbalance_bytes(imbalance: &Imbalance) -> Vec<u8> {
    quant::json::to_vec(&ImbalanceBytes {
        paired: imbalance.paired.to_f64(),
        imbalance: imbalance.imbalance.to_f64(),
        side: match imbalance.side {
            Side::Buy => Some("buy"),
            Side::Sell => Some("sell"),
            Side::Unknown => None,
        },
        reference_price: imbalance.reference_price.map(Price::to_f64),
        near_price: imbalance.near_price.map(Price::to_f64),
        far_price: imbalance.far_price.map(Price::to_f64),
        timestamp: imbalance.at.nanos(),
    })
}

fn underlying_bytes(symbol: &Symbol, price: &Underlier, tick_id: u64, at: Timestamp) -> Vec<u8> {
    let change = price.price.units() - price.previous_close.units();
    quant::json::to_vec(&UnderlyingBytes {
        r#type: "UNDERLYING",
        product: symbol.as_str(),
        price: price.price.to_f64(),
        timestamp: at.millis(),
        tick_id,
        open: price.open.to_f64(),
        high: price.high.to_f64(),
        low: price.low.to_f64(),
        close: price.previous_close.to_f64(),
        change: Price::from_units(change).to_f64(),
    })
}

#[cfg(test)]
mod tests;
