//! The rows of LOBSTER's two files, read exactly: integers and decimals, never floats.

use super::ImportError;
use crate::unpack::{Line, Lines, Unpacked};

/// 200 levels of four numbers fit ten times.
const MAX_LINE_BYTES: usize = 64 << 10;
/// The price of an empty level, at either sign.
const EMPTY: i64 = 9_999_999_999;
/// The longest day has 25 hours.
const MAX_SECONDS: i64 = 25 * 3600;
/// Above any size that was ever traded; keeps sums of a day within an i64.
const MAX_SIZE: i64 = 1_000_000_000_000;

/// What a message tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A change of resting orders, under its name.
    Order(&'static str),
    Visible,
    Hidden,
    /// An auction's trade; prints at no displayed order.
    Cross,
    Halt,
}

impl Event {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Order(name) => name,
            Self::Visible => "visible_execution",
            Self::Hidden => "hidden_execution",
            Self::Cross => "cross_trade",
            Self::Halt => "halt",
        }
    }
}

/// A row of the message file, without the direction.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) t_ns: i64,
    pub(super) event: Event,
    pub(super) size: i64,
    /// In 1e-4 of a dollar.
    pub(super) price: i64,
}

impl Message {
    pub(super) fn parse(row: &[u8], midnight_ns: i64) -> Result<Self, &'static str> {
        let fields: Vec<&[u8]> = row
            .split(|&byte| byte == b',')
            .map(<[u8]>::trim_ascii)
            .collect();
        let [time, event, _id, size, price, _direction, ..] = fields[..] else {
            return Err("bad_message_row");
        };
        let t_ns = midnight_ns + nanos(time).ok_or("bad_time")?;
        let event = match event {
            b"1" => Event::Order("submission"),
            b"2" => Event::Order("cancellation"),
            b"3" => Event::Order("deletion"),
            b"4" => Event::Visible,
            b"5" => Event::Hidden,
            b"6" => Event::Cross,
            b"7" => Event::Halt,
            _ => return Err("bad_type"),
        };
        let size = integer(size).ok_or("bad_size")?;
        let price = integer(price).ok_or("bad_price")?;
        if matches!(event, Event::Visible | Event::Hidden) {
            if !(1..=MAX_SIZE).contains(&size) {
                return Err("bad_size");
            }
            if !(1..EMPTY).contains(&price) {
                return Err("bad_price");
            }
        }
        Ok(Self {
            t_ns,
            event,
            size,
            price,
        })
    }
}

/// A price level; the price in 1e-4 of a dollar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Level {
    pub(super) price: i64,
    pub(super) size: i64,
}

/// The displayed book, best first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Book {
    pub(super) bids: Vec<Level>,
    pub(super) asks: Vec<Level>,
}

impl Book {
    pub(super) fn parse(row: &[u8]) -> Result<Self, &'static str> {
        let mut book = Self::default();
        let mut fields = row.split(|&byte| byte == b',');
        while let Some(ask_price) = fields.next() {
            let [ask_size, bid_price, bid_size] = [fields.next(), fields.next(), fields.next()];
            for (side, price, size) in [
                (&mut book.asks, Some(ask_price), ask_size),
                (&mut book.bids, bid_price, bid_size),
            ] {
                let [Some(price), Some(size)] = [price, size].map(|field| field.and_then(integer))
                else {
                    return Err("bad_book_row");
                };
                if price.abs() == EMPTY || size == 0 {
                    continue;
                }
                if !(1..EMPTY).contains(&price) || !(1..=MAX_SIZE).contains(&size) {
                    return Err("bad_book_row");
                }
                side.push(Level { price, size });
            }
        }
        Ok(book)
    }

    pub(super) fn top(&self) -> (Option<Level>, Option<Level>) {
        (self.bids.first().copied(), self.asks.first().copied())
    }
}

/// The rows of a file. A header line is passed over, and so are blank lines at the end; within
/// the file they count, as a row of one file belongs to the same row of the other.
pub(super) struct Rows {
    lines: Lines<Unpacked>,
    pub(super) row: Vec<u8>,
    pub(super) number: u64,
    pub(super) headers: u64,
    blanks: u64,
    ahead: Option<Vec<u8>>,
}

impl Rows {
    pub(super) fn new(file: Unpacked) -> Self {
        Self {
            lines: Lines::new(file, MAX_LINE_BYTES),
            row: Vec::new(),
            number: 0,
            headers: 0,
            blanks: 0,
            ahead: None,
        }
    }

    /// Moves to the next row; false at the end. A line that is too long is an empty row.
    pub(super) fn next(&mut self) -> Result<bool, ImportError> {
        if self.blanks > 0 {
            self.blanks -= 1;
            self.row.clear();
        } else if let Some(row) = self.ahead.take() {
            self.row = row;
        } else {
            loop {
                match self.lines.next_into(&mut self.row)? {
                    Line::End => {
                        self.blanks = 0;
                        return Ok(false);
                    }
                    Line::TooLong => break,
                    Line::Whole if self.is_header() => self.headers += 1,
                    Line::Whole if self.row.trim_ascii().is_empty() => self.blanks += 1,
                    Line::Whole => break,
                }
            }
            if self.blanks > 0 {
                self.blanks -= 1;
                self.ahead = Some(std::mem::take(&mut self.row));
            }
        }
        self.number += 1;
        Ok(true)
    }

    pub(super) fn count_rest(&mut self) -> Result<u64, ImportError> {
        let mut rows = 0;
        while self.next()? {
            rows += 1;
        }
        Ok(rows)
    }

    fn is_header(&self) -> bool {
        let first = self.row.first();
        self.lines.number() == 1
            && first.is_some_and(|&byte| byte.is_ascii_alphabetic() || byte == b'"')
    }
}

/// Seconds with up to nine decimals as whole nanoseconds; further decimals are cut off.
fn nanos(text: &[u8]) -> Option<i64> {
    let mut parts = text.splitn(2, |&byte| byte == b'.');
    let seconds = digits(parts.next()?)?;
    let fraction = parts.next().unwrap_or(b"0");
    if seconds > MAX_SECONDS || !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let kept = &fraction[..fraction.len().min(9)];
    let scale = 10i64.pow(9 - kept.len() as u32);
    Some(seconds * 1_000_000_000 + digits(kept)? * scale)
}

fn integer(text: &[u8]) -> Option<i64> {
    let text = text.trim_ascii();
    match text.strip_prefix(b"-") {
        Some(rest) => digits(rest).map(|value| -value),
        None => digits(text),
    }
}

/// Up to 18 digits, which always fit.
fn digits(text: &[u8]) -> Option<i64> {
    if text.is_empty() || text.len() > 18 || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(
        text.iter()
            .fold(0, |sum, byte| sum * 10 + i64::from(byte - b'0')),
    )
}
