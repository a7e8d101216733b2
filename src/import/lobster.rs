//! `import lobster`: a day of one symbol from LOBSTER's message and order-book files. An execution
//! becomes a trade with the quote before it, a change of the book a ticker and a book. The side
//! of an execution is in the file and stays there: signing trades is the engine's work.

mod rows;
#[cfg(test)]
mod tests;

use std::fmt::Write;
use std::path::PathBuf;

use chrono::{NaiveDate, NaiveTime};
use chrono_tz::America::New_York;
use quant::market::Symbol;

use super::{ImportError, ImportReport, Sink};
use crate::recording::Op;
use crate::unpack;
use rows::{Book, Event, Level, Message, Rows};

const UNFILLED: &[&str] = &[
    "side of trades",
    "id of trades",
    "conditions of trades",
    "vwap of ticker",
    "venue of book levels",
];

/// Which executions become trades.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Executions {
    /// Of displayed orders.
    Visible,
    /// Of hidden orders too.
    #[default]
    All,
}

/// What to import.
#[derive(Clone, Debug)]
pub struct Lobster {
    /// The symbol the files are of; they do not say.
    pub symbol: Symbol,
    /// The exchange's date of the files.
    pub date: NaiveDate,
    /// The message file.
    pub message: PathBuf,
    /// The order-book file, a row a message.
    pub orderbook: PathBuf,
    /// Which executions become trades.
    pub executions: Executions,
    /// The recording to make.
    pub out: PathBuf,
}

/// Makes the recording.
pub fn import(job: &Lobster, max_unpacked_bytes: u64) -> Result<ImportReport, ImportError> {
    let midnight_ns = midnight_ns(job.date)?;
    let mut messages = Rows::new(unpack::open(&job.message, max_unpacked_bytes)?);
    let mut books = Rows::new(unpack::open(&job.orderbook, max_unpacked_bytes)?);
    let mut day = Day::new(job);
    let (mut rows, mut bad) = (0u64, 0u64);
    loop {
        match (messages.next()?, books.next()?) {
            (true, true) => {}
            (false, false) => break,
            (message, _) => {
                let reason = if message {
                    "no_book_row"
                } else {
                    "no_message_row"
                };
                let rest = if message { &mut messages } else { &mut books };
                day.sink.count_dropped(reason, 1 + rest.count_rest()?);
                break;
            }
        }
        rows += 1;
        let message = Message::parse(&messages.row, midnight_ns);
        let book = Book::parse(&books.row);
        // A pair of rows is bad once, however much of it is.
        if let (Err(reason), _) | (Ok(_), Some(reason)) = (&message, book.as_ref().err()) {
            day.sink.count_dropped(reason, 1);
            bad += 1;
        }
        day.turn(message.ok(), book.ok())?;
    }
    if rows == 0 || 2 * bad > rows {
        return Err(ImportError::Format(format!(
            "{} and {} do not look like LOBSTER: {bad} of {rows} rows cannot be read (give the \
             message file as --message and its order book as --orderbook)",
            job.message.display(),
            job.orderbook.display()
        )));
    }
    day.sink.count_read("message_rows", messages.number);
    day.sink.count_read("book_rows", books.number);
    day.sink
        .count_dropped("header", messages.headers + books.headers);
    day.sink.finish(UNFILLED)
}

/// The midnight in New York that times of a day count from.
pub(super) fn midnight_ns(date: NaiveDate) -> Result<i64, ImportError> {
    let local = date.and_time(NaiveTime::MIN).and_local_timezone(New_York);
    local
        .earliest()
        .and_then(|midnight| midnight.timestamp_nanos_opt())
        .ok_or_else(|| {
            ImportError::Format(format!("--date {date}: outside the years 1678 to 2261"))
        })
}

/// The state of the day between two rows.
struct Day {
    sink: Sink,
    executions: Executions,
    trades_key: String,
    ticker_key: String,
    book_key: String,
    /// The book after the row before; `None` where that is not known.
    before: Option<Book>,
    /// The book as last recorded.
    recorded: Option<Book>,
    last: Option<i64>,
    last_recorded: Option<i64>,
    volume: i64,
    json: String,
}

impl Day {
    fn new(job: &Lobster) -> Self {
        let symbol = job.symbol.as_str();
        Self {
            sink: Sink::new("lobster", &job.out, &[symbol]),
            executions: job.executions,
            trades_key: format!("market:{symbol}:trades"),
            ticker_key: format!("market:{symbol}:ticker"),
            book_key: format!("market:{symbol}:book"),
            before: None,
            recorded: None,
            last: None,
            last_recorded: None,
            volume: 0,
            json: String::new(),
        }
    }

    /// A message and the book after it, each where its row could be read.
    fn turn(&mut self, message: Option<Message>, book: Option<Book>) -> Result<(), ImportError> {
        if let Some(message) = &message {
            self.sink.count_read(message.event.name(), 1);
            match (message.event, self.executions) {
                (Event::Visible, _) | (Event::Hidden, Executions::All) => self.trade(message)?,
                (Event::Hidden, _) => self.sink.count_dropped("hidden_execution", 1),
                (Event::Cross, _) => self.sink.count_dropped("cross_trade", 1),
                (Event::Order(_) | Event::Halt, _) => {}
            }
        }
        if let (Some(message), Some(book)) = (&message, &book) {
            self.changes(message.t_ns, book)?;
        }
        self.before = book;
        Ok(())
    }

    fn trade(&mut self, message: &Message) -> Result<(), ImportError> {
        let json = &mut self.json;
        json.clear();
        json.push_str("{\"price\":");
        put_price(json, message.price);
        put(
            json,
            format_args!(",\"size\":{},\"timestamp\":{}", message.size, message.t_ns),
        );
        // One side alone is no quote.
        if let Some(Book { bids, asks }) = &self.before
            && let (Some(bid), Some(ask)) = (bids.first(), asks.first())
        {
            json.push_str(",\"bid\":");
            put_price(json, bid.price);
            json.push_str(",\"ask\":");
            put_price(json, ask.price);
        }
        json.push_str(",\"venue\":\"XNAS\"}");
        self.sink
            .push(message.t_ns, Op::Rpush, &self.trades_key, json.as_bytes())?;
        self.last = Some(message.price);
        self.volume = self.volume.saturating_add(message.size);
        Ok(())
    }

    /// Records the ticker and the book where they changed.
    fn changes(&mut self, t_ns: i64, book: &Book) -> Result<(), ImportError> {
        let top = self.recorded.as_ref().map(Book::top);
        if top != Some(book.top()) || self.last != self.last_recorded {
            self.ticker(t_ns, book)?;
            self.last_recorded = self.last;
        }
        if self.recorded.as_ref() != Some(book) {
            let json = &mut self.json;
            json.clear();
            json.push_str("{\"bids\":");
            put_levels(json, &book.bids);
            json.push_str(",\"asks\":");
            put_levels(json, &book.asks);
            put(json, format_args!(",\"timestamp\":{t_ns}}}"));
            self.sink
                .push(t_ns, Op::Set, &self.book_key, json.as_bytes())?;
            self.recorded = Some(book.clone());
        }
        Ok(())
    }

    fn ticker(&mut self, t_ns: i64, book: &Book) -> Result<(), ImportError> {
        let json = &mut self.json;
        json.clear();
        let (bid, ask) = book.top();
        json.push_str("{\"bid\":");
        put_or_null(json, bid, |json, level| put_price(json, level.price));
        json.push_str(",\"ask\":");
        put_or_null(json, ask, |json, level| put_price(json, level.price));
        json.push_str(",\"bid_size\":");
        put_or_null(json, bid, |json, level| {
            put(json, format_args!("{}", level.size))
        });
        json.push_str(",\"ask_size\":");
        put_or_null(json, ask, |json, level| {
            put(json, format_args!("{}", level.size))
        });
        json.push_str(",\"last\":");
        put_or_null(json, self.last, put_price);
        put(
            json,
            format_args!(",\"volume\":{},\"timestamp\":{t_ns}}}", self.volume),
        );
        self.sink
            .push(t_ns, Op::Set, &self.ticker_key, json.as_bytes())
    }
}

/// 5853300 is 585.33: the decimal text itself, no float.
pub(super) fn put_price(json: &mut String, price: i64) {
    let (whole, fraction) = (price / 10_000, price % 10_000);
    put(json, format_args!("{whole}"));
    if fraction != 0 {
        put(json, format_args!(".{fraction:04}"));
        json.truncate(json.trim_end_matches('0').len());
    }
}

pub(super) fn put_or_null<T>(json: &mut String, value: Option<T>, put_some: fn(&mut String, T)) {
    match value {
        Some(value) => put_some(json, value),
        None => json.push_str("null"),
    }
}

fn put_levels(json: &mut String, levels: &[Level]) {
    json.push('[');
    for (index, level) in levels.iter().enumerate() {
        json.push_str(if index == 0 { "[" } else { ",[" });
        put_price(json, level.price);
        put(json, format_args!(",{}]", level.size));
    }
    json.push(']');
}

pub(super) fn put(json: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = json.write_fmt(text);
}
