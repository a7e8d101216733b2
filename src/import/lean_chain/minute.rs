//! The minutes of a day: rows where something changed, carried forward into a chain. A row is of
//! the minute that begins at its time, so it is known a minute later.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chrono::{NaiveDate, NaiveTime};
use quant::market::Symbol;

use super::super::chain::{
    Contract, Number, Occ, Right, Snapshot, Ticker, Underlying, instant, refuse, ticker,
};
use super::super::{ImportError, Sink};
use super::{LeanChain, at};
use crate::unpack::{self, Line, Lines};

const MAX_LINE_BYTES: usize = 4096;
const MINUTE_MS: u32 = 60_000;
const DAY_MS: u32 = 24 * 60 * MINUTE_MS;

/// A contract; the strike in ten-thousandths.
type Key = (NaiveDate, i64, Right);

/// A row, by what it is of; prices in ten-thousandths.
#[derive(Clone, Copy, Debug)]
enum Row {
    Quote(Key, Option<i64>, i64, Option<i64>, i64),
    Trade(Key, i64, i64),
    Interest(Key, i64),
    UnderlyingQuote(Option<i64>, i64, Option<i64>, i64),
    UnderlyingTrade(i64, i64),
}

impl Row {
    fn is_underlying(self) -> bool {
        matches!(self, Self::UnderlyingQuote(..) | Self::UnderlyingTrade(..))
    }
}

/// What is known of a contract.
#[derive(Clone, Copy, Debug, Default)]
struct State {
    bid: Option<i64>,
    bid_size: Option<i64>,
    ask: Option<i64>,
    ask_size: Option<i64>,
    last: Option<i64>,
    volume: i64,
    open_interest: Option<i64>,
}

pub(super) fn import(
    job: &LeanChain,
    max_unpacked_bytes: u64,
    sink: &mut Sink,
) -> Result<(), ImportError> {
    let options = [&job.quotes, &job.trades, &job.open_interest];
    let Some(named) = options.into_iter().flatten().next() else {
        return Err(ImportError::Format(
            "import lean-chain: no file of options (give FILE, or --quotes, --trades and --open-interest)".to_owned(),
        ));
    };
    let (symbol, date) = job.name_of(named)?;
    let mut by_minute: BTreeMap<u32, Vec<Row>> = BTreeMap::new();
    for file in options.into_iter().flatten().chain(&job.underlying) {
        read(file, max_unpacked_bytes, &mut by_minute, sink)?;
    }
    let mut day = Day {
        symbol,
        underlying: State::default(),
        options: BTreeMap::new(),
    };
    let marks = marks(&by_minute, job.every_minutes);
    let mut times: BTreeSet<u32> = by_minute.keys().copied().collect();
    times.extend(&marks);
    for minute in times {
        let rows = by_minute.get(&minute).map_or(&[][..], Vec::as_slice);
        for &row in rows {
            day.take(row);
        }
        let time = NaiveTime::from_num_seconds_from_midnight_opt(minute / 1000, 0);
        let time = time.ok_or_else(|| refuse(named, "a row after the end of its day"))?;
        let at_ms = at(named, date, time)?;
        if rows.iter().any(|row| row.is_underlying()) {
            let last = day.underlying.last.and_then(Number::of_1e4);
            let symbol = day.symbol.clone();
            ticker(sink, &Ticker::new(symbol, at_ms, last, day.quote()))?;
        }
        if marks.contains(&minute) {
            day.snapshot(at_ms).record_chain(sink)?;
        }
    }
    Ok(())
}

/// The minutes of a chain: the first with a price of an option, the last, and between them every
/// full so many minutes of the clock.
fn marks(by_minute: &BTreeMap<u32, Vec<Row>>, every_minutes: u32) -> BTreeSet<u32> {
    let priced = |row: &Row| matches!(row, Row::Quote(..) | Row::Trade(..));
    let of_options = by_minute.iter().filter(|(_, rows)| rows.iter().any(priced));
    let minutes: Vec<u32> = of_options.map(|(&minute, _)| minute).collect();
    let (Some(&first), Some(&last)) = (minutes.first(), minutes.last()) else {
        return by_minute.keys().next_back().copied().into_iter().collect();
    };
    let step = every_minutes.max(1).saturating_mul(MINUTE_MS);
    let between = (first..=last)
        .step_by(MINUTE_MS as usize)
        .filter(|minute| minute.is_multiple_of(step));
    [first, last].into_iter().chain(between).collect()
}

/// Reads a file whose first line says what it is.
fn read(
    file: &Path,
    max_unpacked_bytes: u64,
    by_minute: &mut BTreeMap<u32, Vec<Row>>,
    sink: &mut Sink,
) -> Result<(), ImportError> {
    let mut lines = Lines::new(unpack::open(file, max_unpacked_bytes)?, MAX_LINE_BYTES);
    let mut line = Vec::new();
    lines.next_into(&mut line)?;
    let parse = match line.as_slice() {
        b"ms,expiry,strike,right,bid_1e4,bid_size,ask_1e4,ask_size" => quote,
        b"ms,expiry,strike,right,open_1e4,high_1e4,low_1e4,close_1e4,volume" => trade,
        b"ms,expiry,strike,right,open_interest" => interest,
        b"ms,bid_open,bid_high,bid_low,bid_close,bid_size,ask_open,ask_high,ask_low,ask_close,ask_size" => underlying_quote,
        b"ms,open_1e4,high_1e4,low_1e4,close_1e4,volume" => underlying_trade,
        _ => {
            return Err(refuse(
                file,
                "line 1: not the columns of a minute file (ms,expiry,strike,right,… of options, ms,open_1e4,… or ms,bid_open,… of the underlying)",
            ));
        }
    };
    let parse: fn(&[&str]) -> Option<Row> = parse;
    while let found @ (Line::Whole | Line::TooLong) = lines.next_into(&mut line)? {
        if found == Line::Whole && line.trim_ascii().is_empty() {
            continue;
        }
        sink.count_read("rows", 1);
        let text = std::str::from_utf8(&line).unwrap_or_default();
        let fields: Vec<&str> = text.split(',').map(str::trim).collect();
        let minute = fields.first().and_then(|ms| ms.parse::<u32>().ok());
        let known = minute.and_then(|ms| (ms / MINUTE_MS + 1).checked_mul(MINUTE_MS));
        let Some(known) = known.filter(|&known| known < DAY_MS) else {
            sink.count_dropped("bad_time", 1);
            continue;
        };
        match parse(&fields[1..]) {
            Some(row) => by_minute.entry(known).or_default().push(row),
            None => sink.count_dropped("bad_row", 1),
        }
    }
    sink.count_read("files", 1);
    Ok(())
}

fn key(fields: &[&str]) -> Option<Key> {
    let [expiry, strike, right, ..] = fields else {
        return None;
    };
    let strike = Number::parse(strike)?.value();
    let strike = (strike > 0.0 && strike < 1e8).then(|| (strike * 10_000.0).round() as i64)?;
    Some((instant::date(expiry)?, strike, Right::parse(right)?))
}

/// An empty field is no price; anything else but a number from zero makes the row bad.
fn price(field: &str) -> Option<Option<i64>> {
    if field.is_empty() {
        return Some(None);
    }
    count(field).map(|price| Some(price).filter(|&price| price > 0))
}

fn count(field: &str) -> Option<i64> {
    field
        .parse()
        .ok()
        .filter(|count| (0..=1_000_000_000_000).contains(count))
}

fn quote(fields: &[&str]) -> Option<Row> {
    let [_, _, _, bid, bid_size, ask, ask_size] = fields else {
        return None;
    };
    Some(Row::Quote(
        key(fields)?,
        price(bid)?,
        count(bid_size)?,
        price(ask)?,
        count(ask_size)?,
    ))
}

fn trade(fields: &[&str]) -> Option<Row> {
    let [_, _, _, _, _, _, close, volume] = fields else {
        return None;
    };
    Some(Row::Trade(key(fields)?, price(close)??, count(volume)?))
}

fn interest(fields: &[&str]) -> Option<Row> {
    let [_, _, _, open_interest] = fields else {
        return None;
    };
    Some(Row::Interest(key(fields)?, count(open_interest)?))
}

fn underlying_quote(fields: &[&str]) -> Option<Row> {
    let [_, _, _, bid, bid_size, _, _, _, ask, ask_size] = fields else {
        return None;
    };
    Some(Row::UnderlyingQuote(
        price(bid)?,
        count(bid_size)?,
        price(ask)?,
        count(ask_size)?,
    ))
}

fn underlying_trade(fields: &[&str]) -> Option<Row> {
    let [_, _, _, close, volume] = fields else {
        return None;
    };
    Some(Row::UnderlyingTrade(price(close)??, count(volume)?))
}

struct Day {
    symbol: Symbol,
    underlying: State,
    options: BTreeMap<Key, State>,
}

impl Day {
    fn take(&mut self, row: Row) {
        let state = match row {
            Row::Quote(key, ..) | Row::Trade(key, ..) | Row::Interest(key, ..) => {
                self.options.entry(key).or_default()
            }
            Row::UnderlyingQuote(..) | Row::UnderlyingTrade(..) => &mut self.underlying,
        };
        match row {
            Row::Quote(_, bid, bid_size, ask, ask_size)
            | Row::UnderlyingQuote(bid, bid_size, ask, ask_size) => {
                state.bid = bid;
                state.bid_size = Some(bid_size);
                state.ask = ask;
                state.ask_size = Some(ask_size);
            }
            Row::Trade(_, close, volume) | Row::UnderlyingTrade(close, volume) => {
                state.last = Some(close);
                state.volume = state.volume.saturating_add(volume);
            }
            Row::Interest(_, open_interest) => state.open_interest = Some(open_interest),
        }
    }

    fn quote(&self) -> Underlying {
        let state = &self.underlying;
        Underlying {
            bid: state.bid.and_then(Number::of_1e4),
            ask: state.ask.and_then(Number::of_1e4),
            bid_size: state.bid_size.map(Number::integer),
            ask_size: state.ask_size.map(Number::integer),
            volume: Some(Number::integer(state.volume)),
        }
    }

    fn snapshot(&self, as_of_ms: i64) -> Snapshot {
        let last = self.underlying.last.and_then(Number::of_1e4);
        let options = self.options.iter();
        Snapshot {
            symbol: self.symbol.clone(),
            source: "lean_chain",
            as_of_ms,
            spot: last.or_else(|| self.quote().mid()),
            underlying: Underlying::default(),
            delayed: false,
            delay_ms: 0,
            contracts: options
                .filter_map(|(key, state)| self.contract(key, state))
                .collect(),
        }
    }

    fn contract(&self, &(expiration, strike, right): &Key, state: &State) -> Option<Contract> {
        let strike = Number::of_1e4(strike)?;
        let occ = Occ::new(self.symbol.as_str(), expiration, right, strike.value())?;
        let mut contract = Contract::of(&occ, strike);
        contract.put("bid", state.bid.and_then(Number::of_1e4));
        contract.put("ask", state.ask.and_then(Number::of_1e4));
        contract.put("bid_size", state.bid_size.map(Number::integer));
        contract.put("ask_size", state.ask_size.map(Number::integer));
        contract.put("last", state.last.and_then(Number::of_1e4));
        contract.put("volume", Some(Number::integer(state.volume)));
        contract.put("open_interest", state.open_interest.map(Number::integer));
        Some(contract)
    }
}
