//! `import lean-ticks`: a day of a US stock from Lean's tick samples. Quotes become the national
//! best bid and offer; a trade carries the one that stood before it.
//!
//! Times are whole milliseconds, many rows to one, and which of them came first is not told. So
//! the rows of a millisecond are one change of the quote, and none of them is before a trade of
//! that millisecond: the quote a trade left behind must not sign it.

mod rows;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use chrono::NaiveDate;
use quant::market::Symbol;

use super::lobster::{midnight_ns, put, put_or_null, put_price};
use super::{ImportError, ImportReport, Sink};
use crate::recording::Op;
use rows::{QuoteRow, Rows, TradeRow, VenueName};

const UNFILLED: &[&str] = &["side of trades", "id of trades", "vwap of ticker", "book"];

/// What a row of quotes says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum QuotesAre {
    /// The best bid or offer of all venues, and which venue makes it.
    #[default]
    National,
    /// What one venue shows; the best is over all of them.
    Venues,
}

/// What to import.
#[derive(Clone, Debug)]
pub struct LeanTicks {
    /// The symbol the files are of; they do not say.
    pub symbol: Symbol,
    /// The date of the files in New York.
    pub date: NaiveDate,
    /// Files of trades, in the order of time.
    pub trades: Vec<PathBuf>,
    /// Files of quotes, in the order of time.
    pub quotes: Vec<PathBuf>,
    /// What a row of quotes says.
    pub quotes_are: QuotesAre,
    /// The recording to make.
    pub out: PathBuf,
}

/// Makes the recording.
pub fn import(job: &LeanTicks, max_unpacked_bytes: u64) -> Result<ImportReport, ImportError> {
    let midnight_ns = midnight_ns(job.date)?;
    let mut trades = Rows::new(&job.trades, max_unpacked_bytes, TradeRow::parse);
    let mut quotes = Rows::new(&job.quotes, max_unpacked_bytes, QuoteRow::parse);
    let mut day = Day::new(job, midnight_ns);
    let (mut trade, mut quote) = (trades.next()?, quotes.next()?);
    loop {
        let times = trade.iter().map(|row| row.ms);
        let times = times.chain(quote.iter().map(|row| row.ms));
        let Some(ms) = times.min() else { break };
        while let Some(row) = trade.take_if(|row| row.ms == ms) {
            day.trade(&row)?;
            trade = trades.next()?;
        }
        while let Some(row) = quote.take_if(|row| row.ms == ms) {
            day.venues.take(&row, job.quotes_are);
            quote = quotes.next()?;
        }
        day.end_of(ms)?;
    }
    let (rows, bad) = (trades.rows + quotes.rows, trades.bad() + quotes.bad());
    if rows == 0 || 2 * bad > rows {
        let files: Vec<String> = [&job.trades[..], &job.quotes[..]]
            .concat()
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        return Err(ImportError::Format(format!(
            "{}: do not look like Lean's ticks: {bad} of {rows} rows cannot be read (trades are \
             ms,price,size,exchange,conditions,suspicious, quotes ms,bid,bid size,ask,ask size,\
             exchange,conditions,suspicious)",
            files.join(", ")
        )));
    }
    day.sink.count_read("trade_rows", trades.rows);
    day.sink.count_read("quote_rows", quotes.rows);
    for (reason, rows) in trades.dropped.iter().chain(&quotes.dropped) {
        day.sink.count_dropped(reason, *rows);
    }
    day.sink.finish(UNFILLED)
}

/// A price in 1e-4 of a dollar and the shares there.
type Best = Option<(i64, i64)>;

/// What each venue shows; of national quotes, what the one that was best last does.
#[derive(Default)]
struct Venues(Vec<Shown>);

struct Shown {
    /// `None` of national quotes: the best stands for all.
    venue: Option<VenueName>,
    bid: Best,
    ask: Best,
}

impl Venues {
    fn take(&mut self, row: &QuoteRow, quotes_are: QuotesAre) {
        let venue = match quotes_are {
            QuotesAre::National => None,
            QuotesAre::Venues => Some(row.venue),
        };
        let known = self.0.iter().position(|shown| shown.venue == venue);
        let at = known.unwrap_or_else(|| {
            self.0.push(Shown {
                venue,
                bid: None,
                ask: None,
            });
            self.0.len() - 1
        });
        let shown = &mut self.0[at];
        let shows = |(price, size): (i64, i64)| (price > 0 && size > 0).then_some((price, size));
        // A side that is all zero was not spoken of; where both are, the venue shows nothing.
        let (bid, ask) = (shows(row.bid), shows(row.ask));
        let nothing = row.bid == (0, 0) && row.ask == (0, 0);
        if row.bid != (0, 0) || nothing {
            shown.bid = bid;
        }
        if row.ask != (0, 0) || nothing {
            shown.ask = ask;
        }
    }

    /// The best bid and offer over the venues, with the shares of all venues there.
    fn best(&self) -> (Best, Best) {
        let of = |side: fn(&Shown) -> Best, better: fn(i64, i64) -> bool| {
            let shown = self.0.iter().filter_map(side);
            shown.fold(None, |best: Best, (price, size)| match best {
                Some((price_of_best, shares)) if price == price_of_best => {
                    Some((price, shares + size))
                }
                Some((price_of_best, _)) if !better(price, price_of_best) => best,
                _ => Some((price, size)),
            })
        };
        let bid = of(|shown| shown.bid, |price, best| price > best);
        let ask = of(|shown| shown.ask, |price, best| price < best);
        (bid, ask)
    }
}

/// The state of the day between two milliseconds.
struct Day {
    sink: Sink,
    midnight_ns: i64,
    trades_key: String,
    ticker_key: String,
    venues: Venues,
    /// Best bid and offer after the millisecond before.
    before: (Best, Best),
    last: Option<i64>,
    volume: i64,
    /// Best bid and offer, last price and volume as last recorded.
    recorded: Option<((Best, Best), Option<i64>, i64)>,
    json: String,
}

impl Day {
    fn new(job: &LeanTicks, midnight_ns: i64) -> Self {
        let symbol = job.symbol.as_str();
        Self {
            sink: Sink::new("lean-ticks", &job.out, &[symbol]),
            midnight_ns,
            trades_key: format!("market:{symbol}:trades"),
            ticker_key: format!("market:{symbol}:ticker"),
            venues: Venues::default(),
            before: (None, None),
            last: None,
            volume: 0,
            recorded: None,
            json: String::new(),
        }
    }

    fn at_ns(&self, ms: i64) -> i64 {
        self.midnight_ns + ms * 1_000_000
    }

    fn trade(&mut self, row: &TradeRow) -> Result<(), ImportError> {
        let t_ns = self.at_ns(row.ms);
        let json = &mut self.json;
        json.clear();
        json.push_str("{\"price\":");
        put_price(json, row.price);
        let size = row.size;
        put(json, format_args!(",\"size\":{size},\"timestamp\":{t_ns}"));
        if let (Some((bid, _)), Some((ask, _))) = self.before {
            json.push_str(",\"bid\":");
            put_price(json, bid);
            json.push_str(",\"ask\":");
            put_price(json, ask);
        }
        put(json, format_args!(",\"venue\":\"{}\"", row.venue.as_str()));
        let mut names = row.conditions.names().peekable();
        if names.peek().is_some() {
            let names: Vec<&str> = names.collect();
            put(
                json,
                format_args!(",\"conditions\":[\"{}\"]", names.join("\",\"")),
            );
        }
        json.push('}');
        self.sink
            .push(t_ns, Op::Rpush, &self.trades_key, json.as_bytes())?;
        // The price of another moment is not the last one.
        if !row.conditions.is_excluded() {
            self.last = Some(row.price);
        }
        self.volume = self.volume.saturating_add(row.size);
        Ok(())
    }

    /// Records the ticker where something of it changed in this millisecond.
    fn end_of(&mut self, ms: i64) -> Result<(), ImportError> {
        let best = self.venues.best();
        if best != self.before
            && let (Some((bid, _)), Some((ask, _))) = best
        {
            self.sink.note("locked_quote", u64::from(bid == ask));
            self.sink.note("crossed_quote", u64::from(bid > ask));
        }
        self.before = best;
        let state = (best, self.last, self.volume);
        if self.recorded == Some(state) {
            return Ok(());
        }
        self.recorded = Some(state);
        let t_ns = self.at_ns(ms);
        let json = &mut self.json;
        json.clear();
        let number = |json: &mut String, size: i64| put(json, format_args!("{size}"));
        let (bid, ask) = best;
        json.push_str("{\"bid\":");
        put_or_null(json, bid.map(|(price, _)| price), put_price);
        json.push_str(",\"ask\":");
        put_or_null(json, ask.map(|(price, _)| price), put_price);
        json.push_str(",\"bid_size\":");
        put_or_null(json, bid.map(|(_, size)| size), number);
        json.push_str(",\"ask_size\":");
        put_or_null(json, ask.map(|(_, size)| size), number);
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
