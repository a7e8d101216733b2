//! The rows of Lean's tick files: whole numbers, prices in 1e-4 of a dollar.

use std::collections::BTreeMap;
use std::path::PathBuf;

use quant::market::Conditions;

use super::ImportError;
use crate::unpack::{self, Line, Lines, Unpacked};

const MAX_LINE_BYTES: usize = 1 << 10;
/// The longest day has 25 hours.
const MAX_MS: i64 = 25 * 3_600_000;
/// A million dollars a share, and above any size that was ever traded.
const MAX_PRICE: i64 = 10_000_000_000;
const MAX_SIZE: i64 = 1_000_000_000_000;

/// A venue's name as the files have it: up to 8 letters and digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct VenueName {
    bytes: [u8; 8],
    len: usize,
}

impl VenueName {
    fn parse(text: &[u8]) -> Option<Self> {
        let mut bytes = [0; 8];
        let is_name = !text.is_empty() && text.iter().all(u8::is_ascii_alphanumeric);
        bytes.get_mut(..text.len())?.copy_from_slice(text);
        let len = text.len();
        is_name.then_some(Self { bytes, len })
    }

    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.len]).expect("letters and digits")
    }
}

/// A trade.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TradeRow {
    /// After midnight.
    pub(super) ms: i64,
    pub(super) price: i64,
    pub(super) size: i64,
    pub(super) venue: VenueName,
    pub(super) conditions: Conditions,
}

impl TradeRow {
    pub(super) fn parse(row: &[u8]) -> Result<Self, &'static str> {
        let [ms, price, size, venue, conditions, suspicious] =
            fields(row).ok_or("bad_trade_row")?;
        refuse_suspicious(suspicious)?;
        Ok(Self {
            ms: time(ms)?,
            price: number(price, 1..=MAX_PRICE).ok_or("bad_price")?,
            size: number(size, 1..=MAX_SIZE).ok_or("bad_size")?,
            venue: VenueName::parse(venue).ok_or("bad_venue")?,
            conditions: Conditions::of_algoseek(mask(conditions).ok_or("bad_conditions")?),
        })
    }
}

/// What a venue shows from here on, mostly of one side: price and size, zero where nothing is said.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct QuoteRow {
    /// After midnight.
    pub(super) ms: i64,
    pub(super) bid: (i64, i64),
    pub(super) ask: (i64, i64),
    pub(super) venue: VenueName,
}

impl QuoteRow {
    pub(super) fn parse(row: &[u8]) -> Result<Self, &'static str> {
        let [
            ms,
            bid,
            bid_size,
            ask,
            ask_size,
            venue,
            _conditions,
            suspicious,
        ] = fields(row).ok_or("bad_quote_row")?;
        refuse_suspicious(suspicious)?;
        let side = |price, size| {
            let price = number(price, 0..=MAX_PRICE).ok_or("bad_price")?;
            let size = number(size, 0..=MAX_SIZE).ok_or("bad_size")?;
            Ok::<_, &'static str>((price, size))
        };
        Ok(Self {
            ms: time(ms)?,
            bid: side(bid, bid_size)?,
            ask: side(ask, ask_size)?,
            venue: VenueName::parse(venue).ok_or("bad_venue")?,
        })
    }
}

/// The rows of several files, one after the other, those that can be used.
pub(super) struct Rows<'a, T> {
    files: std::slice::Iter<'a, PathBuf>,
    max_unpacked_bytes: u64,
    parse: fn(&[u8]) -> Result<T, &'static str>,
    lines: Option<Lines<Unpacked>>,
    line: Vec<u8>,
    /// Rows so far, headers and blank lines not counted.
    pub(super) rows: u64,
    /// Rows not used, by reason.
    pub(super) dropped: BTreeMap<&'static str, u64>,
}

impl<'a, T> Rows<'a, T> {
    pub(super) fn new(
        files: &'a [PathBuf],
        max_unpacked_bytes: u64,
        parse: fn(&[u8]) -> Result<T, &'static str>,
    ) -> Self {
        Self {
            files: files.iter(),
            max_unpacked_bytes,
            parse,
            lines: None,
            line: Vec::new(),
            rows: 0,
            dropped: BTreeMap::new(),
        }
    }

    /// The next row that can be used.
    pub(super) fn next(&mut self) -> Result<Option<T>, ImportError> {
        loop {
            let Some(lines) = &mut self.lines else {
                let Some(path) = self.files.next() else {
                    return Ok(None);
                };
                let file = unpack::open(path, self.max_unpacked_bytes)?;
                self.lines = Some(Lines::new(file, MAX_LINE_BYTES));
                continue;
            };
            let parsed = match lines.next_into(&mut self.line)? {
                Line::End => {
                    self.lines = None;
                    continue;
                }
                Line::TooLong => Err("line_too_long"),
                Line::Whole if self.line.trim_ascii().is_empty() => continue,
                Line::Whole if lines.number() == 1 && self.line[0].is_ascii_alphabetic() => {
                    *self.dropped.entry("header").or_default() += 1;
                    continue;
                }
                Line::Whole => (self.parse)(&self.line),
            };
            self.rows += 1;
            match parsed {
                Ok(row) => return Ok(Some(row)),
                Err(reason) => *self.dropped.entry(reason).or_default() += 1,
            }
        }
    }

    /// Rows that could not be read.
    pub(super) fn bad(&self) -> u64 {
        let bad = self.dropped.iter();
        let bad = bad.filter(|(reason, _)| !["header", "suspicious"].contains(*reason));
        bad.map(|(_, rows)| rows).sum()
    }
}

fn fields<const N: usize>(row: &[u8]) -> Option<[&[u8]; N]> {
    let mut fields = row.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
    let mut found = [&row[..0]; N];
    for field in &mut found {
        *field = fields.next()?;
    }
    fields.next().is_none().then_some(found)
}

/// The source's own filter took the row for wrong.
fn refuse_suspicious(field: &[u8]) -> Result<(), &'static str> {
    match field {
        b"0" => Ok(()),
        b"1" => Err("suspicious"),
        _ => Err("bad_suspicious"),
    }
}

fn time(field: &[u8]) -> Result<i64, &'static str> {
    number(field, 0..=MAX_MS).ok_or("bad_time")
}

fn number(field: &[u8], range: std::ops::RangeInclusive<i64>) -> Option<i64> {
    let is_digits = field.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(field).ok().filter(|_| is_digits)?;
    let number = text.parse().ok()?;
    range.contains(&number).then_some(number)
}

fn mask(field: &[u8]) -> Option<u32> {
    let is_hex = field.iter().all(u8::is_ascii_hexdigit);
    let text = std::str::from_utf8(field).ok().filter(|_| is_hex)?;
    u32::from_str_radix(text, 16).ok()
}
