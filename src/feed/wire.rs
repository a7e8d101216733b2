//! Market events as the bytes a feed writes: the same keys and fields that any producer uses, so
//! that what is made here goes through the same door as what is real.

use std::sync::Arc;

use bytes::Bytes;
use quant::market::{Level, OrderBook, Price, Quote, Size, Symbol, Timestamp, Trade};
use quant::synthetic::Kind;
use serde::Serialize;

use crate::recording::{Op, Record};
use crate::store::keys::SymbolKeys;

#[derive(Serialize)]
struct TickerBytes {
    bid: Option<f64>,
    ask: Option<f64>,
    bid_size: f64,
    ask_size: f64,
    last: Option<f64>,
    volume: Option<f64>,
    timestamp: i64,
}

#[derive(Serialize)]
struct TradeBytes<'a> {
    price: f64,
    size: f64,
    timestamp: i64,
    bid: Option<f64>,
    ask: Option<f64>,
    venue: Option<&'a str>,
}

#[derive(Serialize)]
struct BookBytes {
    bids: Vec<(f64, f64)>,
    asks: Vec<(f64, f64)>,
    timestamp: i64,
}

/// The keys of a symbol, ready to be written to.
pub struct Wire {
    ticker: Arc<str>,
    book: Arc<str>,
    trades: Arc<str>,
}

impl Wire {
    /// The wire of a symbol.
    pub fn of(symbol: &Symbol) -> Self {
        let keys = SymbolKeys::of(symbol);
        Self {
            ticker: keys.ticker.into(),
            book: keys.book.into(),
            trades: keys.trades.into(),
        }
    }

    /// The record of an event that happened at `at`.
    pub fn record(&self, kind: &Kind, at: Timestamp) -> Record {
        let (op, key, bytes) = match kind {
            Kind::Trade { trade, .. } => (Op::Rpush, &self.trades, trade_bytes(trade, at)),
            Kind::Quote {
                quote,
                bid_size,
                ask_size,
            } => {
                let bytes = ticker_bytes(quote, *bid_size, *ask_size, at);
                (Op::Set, &self.ticker, bytes)
            }
            Kind::Book(book) => (Op::Set, &self.book, book_bytes(book, at)),
        };
        Record {
            t_ns: at.nanos(),
            op,
            key: key.clone(),
            value: Bytes::from(bytes),
        }
    }
}

fn ticker_bytes(quote: &Quote, bid_size: Size, ask_size: Size, at: Timestamp) -> Vec<u8> {
    quant::json::to_vec(&TickerBytes {
        bid: quote.bid.map(Price::to_f64),
        ask: quote.ask.map(Price::to_f64),
        bid_size: bid_size.to_f64(),
        ask_size: ask_size.to_f64(),
        last: quote.spot.map(Price::to_f64),
        volume: quote.volume.map(Size::to_f64),
        timestamp: at.nanos(),
    })
}

fn trade_bytes(trade: &Trade, at: Timestamp) -> Vec<u8> {
    quant::json::to_vec(&TradeBytes {
        price: trade.price.to_f64(),
        size: trade.size.to_f64(),
        timestamp: at.nanos(),
        bid: trade.touch.map(|touch| touch.bid.to_f64()),
        ask: trade.touch.map(|touch| touch.ask.to_f64()),
        venue: trade.venue.as_ref().map(|venue| venue.as_str()),
    })
}

fn book_bytes(book: &OrderBook, at: Timestamp) -> Vec<u8> {
    let side = |levels: &[Level]| {
        let pairs = levels.iter();
        pairs
            .map(|level| (level.price.to_f64(), level.size.to_f64()))
            .collect()
    };
    quant::json::to_vec(&BookBytes {
        bids: side(&book.bids),
        asks: side(&book.asks),
        timestamp: at.nanos(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::codec::{BadInput, Decoder, Rules};
    use quant::synthetic::World;

    /// What is written is read back as it was, to the last unit.
    #[test]
    fn the_codec_reads_what_is_written() {
        let instruments = World::default_instruments();
        let start = Timestamp::from_seconds(1_700_000_000);
        let mut world = World::new(7, &instruments, start);
        let mut seen = [0; 3];
        let mut bad = BadInput::default();
        world.advance(Timestamp::from_seconds(1_700_000_030), &mut |event| {
            let wire = Wire::of(&instruments[event.instrument].symbol);
            let record = wire.record(&event.kind, event.at);
            let rules = Rules::default();
            let mut decoder = Decoder {
                rules: &rules,
                received: event.at,
                bad: &mut bad,
            };
            match event.kind {
                Kind::Trade { trade, .. } => {
                    seen[0] += 1;
                    let read = decoder.trade(&record.value).map(|decoded| decoded.trade);
                    assert_eq!(read, Some(trade));
                }
                Kind::Quote { quote, .. } => {
                    seen[1] += 1;
                    assert_eq!(decoder.ticker(&record.value).as_ref(), Some(&quote));
                }
                Kind::Book(book) => {
                    seen[2] += 1;
                    assert_eq!(decoder.book(&record.value).as_ref(), Some(&book));
                }
            }
        });
        assert!(seen.iter().all(|n| *n > 100), "{seen:?}");
        assert!(bad.is_empty(), "{bad:?}");
    }
}
