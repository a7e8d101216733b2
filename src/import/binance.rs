//! `import binance`: one symbol from raw captures of Binance's websocket streams, by the
//! exchange's clock or the receiver's. Trades carry the true side as `buyer_maker`, and the quote
//! that stood a chosen delay before them; see `docs/binance.md`.
//!
//! Memory: a line of each file, 16,384 frames being put in order, the book and the quotes of one
//! delay. Only frames that come later than that are sorted in memory, with the whole recording.

mod capture;
mod clocks;
mod depth;
mod frames;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, VecDeque};
use std::fmt::Write;
use std::path::PathBuf;

use quant::market::Symbol;

use super::{ImportError, ImportReport, Sink};
use crate::recording::Op;
use capture::Captures;
pub use clocks::Clock;
use clocks::{Offset, Window};
use depth::Depth;
use frames::{Content, Frame, Level, PRICE_DIGITS, Quote, SIZE_DIGITS, Trade, put_units};

const UNFILLED: &[&str] = &[
    "conditions of trades",
    "volume of ticker",
    "vwap of ticker",
    "venue of book levels",
];
/// Symbols an error names.
const NAMED: usize = 5;

/// What to import.
#[derive(Clone, Debug)]
pub struct Binance {
    /// The symbol, as Binance spells it.
    pub symbol: Symbol,
    /// Whose time the recording is in.
    pub clock: Clock,
    /// How much older than a trade the quote on it is, at least, milliseconds; a quote of that
    /// very time is too young.
    pub quote_delay_ms: u32,
    /// Levels of the book a side.
    pub levels: usize,
    /// The captures.
    pub files: Vec<PathBuf>,
    /// The recording to make.
    pub out: PathBuf,
}

/// Makes the recording.
pub fn import(job: &Binance, max_unpacked_bytes: u64) -> Result<ImportReport, ImportError> {
    let mut market = Market::new(job);
    let mut captures = Captures::open(&job.files, max_unpacked_bytes, &mut market.sink)?;
    let (mut offset, mut window) = (Offset::new(), Window::new());
    let mut others = BTreeSet::new();
    let mut trades_are_aggregates = None;
    while let Some((received_ns, json)) = captures.next(&mut market.sink)? {
        let sink = &mut market.sink;
        let frame = match Frame::parse(json) {
            Ok(frame) => frame,
            Err(reason) => {
                sink.count_dropped(reason, 1);
                continue;
            }
        };
        sink.count_read(frame.content.name(), 1);
        match &frame.symbol {
            Some(symbol) if symbol.eq_ignore_ascii_case(job.symbol.as_str()) => {}
            Some(symbol) => {
                sink.count_dropped("other_symbol", 1);
                if others.len() < NAMED {
                    others.insert(symbol.clone());
                }
                continue;
            }
            // Over REST a book does not say whose it is.
            None if others.is_empty() => {}
            None => {
                sink.count_dropped("no_symbol", 1);
                continue;
            }
        }
        if let Content::Trade(trade) = &frame.content
            && *trades_are_aggregates.get_or_insert(trade.aggregate) != trade.aggregate
        {
            // The same trades a second time.
            sink.count_dropped("second_trade_stream", 1);
            continue;
        }
        if let Some(sent_ns) = frame.sent_ns.or(frame.happened_ns) {
            offset.learn(received_ns, sent_ns);
            sink.note("received_before_sent", u64::from(received_ns < sent_ns));
        }
        let Some((t_ns, is_estimate)) = clocks::time_of(job.clock, &frame, received_ns, &offset)
        else {
            sink.count_dropped("no_exchange_time", 1);
            continue;
        };
        sink.note("exchange_time_estimated", u64::from(is_estimate));
        market.has_estimates |= is_estimate;
        if let Some((t_ns, content)) = window.push(t_ns, frame.content) {
            market.turn(t_ns, content)?;
        }
    }
    while let Some((t_ns, content)) = window.pop() {
        market.turn(t_ns, content)?;
    }
    if market.sink.kept() == 0 {
        return Err(nothing_found(job, &others));
    }
    let mut report = market.finish()?;
    report.out_of_order = window.out_of_order;
    Ok(report)
}

fn nothing_found(job: &Binance, others: &BTreeSet<String>) -> ImportError {
    let names = others.iter().map(String::as_str).collect::<Vec<_>>();
    let (symbol, files) = (&job.symbol, job.files.len());
    ImportError::Format(match names[..] {
        [] => format!(
            "no line of {files} files is a frame of {symbol} (a line is \
             1723161254087896568 {{\"stream\": …, \"data\": …}}: the time of receipt, then the frame)"
        ),
        _ => format!(
            "no frame of {files} files is of {symbol}; they are of {} (give one as --symbol)",
            names.join(", ")
        ),
    })
}

/// The state of the market between two frames.
struct Market {
    sink: Sink,
    delay_ns: i64,
    levels: usize,
    trades_key: String,
    ticker_key: String,
    book_key: String,
    quotes: Quotes,
    quote: Quote,
    last: Option<i64>,
    depth: Depth,
    /// The book as last recorded.
    recorded: Option<[Vec<Level>; 2]>,
    has_estimates: bool,
    json: String,
}

impl Market {
    fn new(job: &Binance) -> Self {
        let symbol = job.symbol.as_str();
        Self {
            sink: Sink::new("binance", &job.out, &[symbol]),
            delay_ns: i64::from(job.quote_delay_ms) * 1_000_000,
            levels: job.levels,
            trades_key: format!("market:{symbol}:trades"),
            ticker_key: format!("market:{symbol}:ticker"),
            book_key: format!("market:{symbol}:book"),
            quotes: Quotes::default(),
            quote: Quote::default(),
            last: None,
            depth: Depth::default(),
            recorded: None,
            has_estimates: false,
            json: String::new(),
        }
    }

    fn turn(&mut self, t_ns: i64, content: Content) -> Result<(), ImportError> {
        match content {
            Content::Trade(trade) => self.trade(t_ns, &trade),
            Content::Quote(quote) => self.quote(t_ns, quote),
            Content::Diff(diff) => match self.depth.change(diff) {
                true => self.book(t_ns),
                false => Ok(()),
            },
            Content::Snapshot(snapshot) => match self.depth.replace(snapshot) {
                true => self.book(t_ns),
                false => Ok(()),
            },
        }
    }

    fn trade(&mut self, t_ns: i64, trade: &Trade) -> Result<(), ImportError> {
        let json = &mut self.json;
        json.clear();
        json.push_str("{\"price\":");
        put_units(json, trade.price, PRICE_DIGITS);
        json.push_str(",\"size\":");
        put_units(json, trade.size, SIZE_DIGITS);
        let (id, buyer_maker) = (trade.id, trade.buyer_maker);
        put(
            json,
            format_args!(",\"timestamp\":{t_ns},\"id\":{id},\"buyer_maker\":{buyer_maker}"),
        );
        // One side alone is no quote.
        let stood = self.quotes.before(t_ns.saturating_sub(self.delay_ns));
        let sides = stood.and_then(|quote| quote.bid.zip(quote.ask));
        if let Some((bid, ask)) = sides {
            json.push_str(",\"bid\":");
            put_units(json, bid.price, PRICE_DIGITS);
            json.push_str(",\"ask\":");
            put_units(json, ask.price, PRICE_DIGITS);
        }
        json.push_str(",\"venue\":\"BINANCE\"}");
        self.sink
            .note("trade_without_quote", u64::from(sides.is_none()));
        self.sink
            .push(t_ns, Op::Rpush, &self.trades_key, json.as_bytes())?;
        if self.last.replace(trade.price) == Some(trade.price) {
            return Ok(());
        }
        self.ticker(t_ns)
    }

    fn quote(&mut self, t_ns: i64, quote: Quote) -> Result<(), ImportError> {
        self.quotes.observe(t_ns, quote, self.delay_ns);
        if std::mem::replace(&mut self.quote, quote) == quote {
            return Ok(());
        }
        self.ticker(t_ns)
    }

    fn ticker(&mut self, t_ns: i64) -> Result<(), ImportError> {
        let json = &mut self.json;
        json.clear();
        let Quote { bid, ask } = self.quote;
        for (name, units, digits) in [
            ("{\"bid\":", bid.map(|level| level.price), PRICE_DIGITS),
            (",\"ask\":", ask.map(|level| level.price), PRICE_DIGITS),
            (",\"bid_size\":", bid.map(|level| level.size), SIZE_DIGITS),
            (",\"ask_size\":", ask.map(|level| level.size), SIZE_DIGITS),
            (",\"last\":", self.last, PRICE_DIGITS),
        ] {
            json.push_str(name);
            match units {
                Some(units) => put_units(json, units, digits),
                None => json.push_str("null"),
            }
        }
        put(json, format_args!(",\"timestamp\":{t_ns}}}"));
        self.sink
            .push(t_ns, Op::Set, &self.ticker_key, json.as_bytes())
    }

    /// Records the best levels where they changed.
    fn book(&mut self, t_ns: i64) -> Result<(), ImportError> {
        let best = self.depth.best(self.levels);
        if self.recorded.as_ref() == Some(&best) {
            return Ok(());
        }
        let json = &mut self.json;
        json.clear();
        json.push_str("{\"bids\":");
        put_levels(json, &best[0]);
        json.push_str(",\"asks\":");
        put_levels(json, &best[1]);
        put(json, format_args!(",\"timestamp\":{t_ns}}}"));
        self.recorded = Some(best);
        self.sink
            .push(t_ns, Op::Set, &self.book_key, json.as_bytes())
    }

    fn finish(mut self) -> Result<ImportReport, ImportError> {
        self.depth.finish();
        for (reason, frames) in &self.depth.dropped {
            self.sink.count_dropped(reason, *frames);
        }
        self.sink.note("depth_gap", self.depth.gaps);
        let mut unfilled = UNFILLED.to_vec();
        if self.recorded.is_none() {
            unfilled.push("book (no depth snapshot)");
        }
        if self.has_estimates {
            unfilled.push("exchange time of frames without one (estimated from their receipt)");
        }
        self.sink.finish(&unfilled)
    }
}

/// The quotes of one delay, oldest first, and the one that stood before them.
#[derive(Default)]
struct Quotes(VecDeque<(i64, Quote)>);

impl Quotes {
    /// Takes a quote; forgets those that no trade after it can ask for.
    fn observe(&mut self, t_ns: i64, quote: Quote, delay_ns: i64) {
        let place = self.0.partition_point(|(at_ns, _)| *at_ns <= t_ns);
        self.0.insert(place, (t_ns, quote));
        let cutoff_ns = t_ns.saturating_sub(delay_ns);
        while self.0.get(1).is_some_and(|(at_ns, _)| *at_ns < cutoff_ns) {
            self.0.pop_front();
        }
    }

    /// The newest quote strictly before a time.
    fn before(&self, cutoff_ns: i64) -> Option<Quote> {
        let place = self.0.partition_point(|(at_ns, _)| *at_ns < cutoff_ns);
        Some(self.0[place.checked_sub(1)?].1)
    }
}

fn put_levels(json: &mut String, levels: &[Level]) {
    json.push('[');
    for (index, level) in levels.iter().enumerate() {
        json.push_str(if index == 0 { "[" } else { ",[" });
        put_units(json, level.price, PRICE_DIGITS);
        json.push(',');
        put_units(json, level.size, SIZE_DIGITS);
        json.push(']');
    }
    json.push(']');
}

fn put(json: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = json.write_fmt(text);
}
