//! Spoils records as real sources do, with a given probability and by a seed, on their way to the
//! store: to see what a reader makes of it.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::recording::{Op, Record};

/// Begins a contract in a chain as the wire writes it.
const CONTRACT: &[u8] = b"{\"contract_id\"";

/// An hour in nanoseconds.
const HOUR_NS: i64 = 3_600_000_000_000;

/// What can be wrong with any value.
const OF_ANY: [Kind; 11] = [
    Kind::Truncated,
    Kind::Empty,
    Kind::BadUtf8,
    Kind::DeeplyNested,
    Kind::DuplicateKey,
    Kind::WrongType,
    Kind::NanText,
    Kind::Huge,
    Kind::Negative,
    Kind::Zero,
    Kind::MissingField,
];
/// And with a quote or book.
const OF_QUOTE: [Kind; 1] = [Kind::Crossed];
/// And with a trade.
const OF_TRADE: [Kind; 4] = [
    Kind::Duplicate,
    Kind::OutOfOrder,
    Kind::FromTheFuture,
    Kind::From1970,
];
/// With a chain as a whole.
const OF_CHAIN: [Kind; 4] = [
    Kind::Truncated,
    Kind::Empty,
    Kind::BadUtf8,
    Kind::NoContracts,
];
/// With one of its contracts.
const OF_CONTRACT: [Kind; 11] = [
    Kind::IvInPercent,
    Kind::ZeroOpenInterest,
    Kind::BadExpiry,
    Kind::Expired,
    Kind::RepeatedStrike,
    Kind::Crossed,
    Kind::WrongType,
    Kind::NanText,
    Kind::Negative,
    Kind::Zero,
    Kind::MissingField,
];

/// A kind of dirt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The end of the value is cut off.
    Truncated,
    /// Nothing at all.
    Empty,
    /// A byte that is no UTF-8.
    BadUtf8,
    /// Ten thousand lists in each other.
    DeeplyNested,
    /// A field stands there twice, with different numbers.
    DuplicateKey,
    /// An object where a number belongs.
    WrongType,
    /// The text `NaN` where a number belongs.
    NanText,
    /// 1e308.
    Huge,
    /// A number below zero.
    Negative,
    /// Zero where it means nothing.
    Zero,
    /// A field is not there.
    MissingField,
    /// The bid above the ask.
    Crossed,
    /// The same trade twice.
    Duplicate,
    /// A trade that comes minutes late.
    OutOfOrder,
    /// A trade of the next hour.
    FromTheFuture,
    /// A trade at the beginning of the epoch.
    From1970,
    /// A chain of nothing.
    NoContracts,
    /// A volatility of 12 instead of 0.12.
    IvInPercent,
    /// No open interest.
    ZeroOpenInterest,
    /// An expiry that is no date.
    BadExpiry,
    /// An expiry of years ago.
    Expired,
    /// The same contract twice.
    RepeatedStrike,
}

impl Kind {
    /// Its name, as the heartbeat calls it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::Empty => "empty",
            Self::BadUtf8 => "bad_utf8",
            Self::DeeplyNested => "deeply_nested",
            Self::DuplicateKey => "duplicate_key",
            Self::WrongType => "wrong_type",
            Self::NanText => "nan_text",
            Self::Huge => "huge",
            Self::Negative => "negative",
            Self::Zero => "zero",
            Self::MissingField => "missing_field",
            Self::Crossed => "crossed",
            Self::Duplicate => "duplicate",
            Self::OutOfOrder => "out_of_order",
            Self::FromTheFuture => "from_the_future",
            Self::From1970 => "from_1970",
            Self::NoContracts => "no_contracts",
            Self::IvInPercent => "iv_in_percent",
            Self::ZeroOpenInterest => "zero_open_interest",
            Self::BadExpiry => "bad_expiry",
            Self::Expired => "expired",
            Self::RepeatedStrike => "repeated_strike",
        }
    }
}

/// The stage that spoils.
pub struct Dirt {
    probability: f64,
    seed: u64,
    /// How many records of a key there were: what becomes of one does not depend on other keys.
    counts: HashMap<Arc<str>, u64>,
    done: BTreeMap<Kind, u64>,
}

impl Dirt {
    /// Spoils each record, and each contract of a chain, with a probability.
    pub fn new(probability: f64, seed: u64) -> Self {
        Self {
            probability,
            seed,
            counts: HashMap::new(),
            done: BTreeMap::new(),
        }
    }

    /// How many were spoilt so far, by kind.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.done.iter().map(|(kind, n)| (kind.as_str(), *n))
    }

    /// Passes a record on, spoilt or as it is; one that is doubled comes twice.
    pub fn pass(&mut self, mut record: Record, each: &mut impl FnMut(Record)) {
        let count = self.counts.entry(record.key.clone()).or_default();
        *count += 1;
        let mut draw = Draw {
            seed: xxh3_64_with_seed(record.key.as_bytes(), self.seed ^ *count),
            drawn: 0,
        };
        let is_chain = record.value.windows(CONTRACT.len()).any(|w| w == CONTRACT);
        if is_chain && let Some(value) = self.spoil_contracts(&record.value, &mut draw) {
            record.value = value.into();
        }
        if !draw.happens(self.probability) {
            return each(record);
        }
        let special: &[Kind] = match () {
            () if record.op == Op::Rpush && record.key.ends_with(":trades") => &OF_TRADE,
            () if record.op == Op::Set && !is_chain => &OF_QUOTE,
            () => &[],
        };
        let kind = match is_chain {
            true => OF_CHAIN[draw.below(OF_CHAIN.len())],
            false => {
                let at = draw.below(OF_ANY.len() + special.len());
                let any = OF_ANY.get(at).copied();
                any.unwrap_or_else(|| special[at - OF_ANY.len()])
            }
        };
        if kind == Kind::Duplicate {
            *self.done.entry(kind).or_default() += 1;
            each(record.clone());
            return each(record);
        }
        if let Some(value) = spoilt(&record.value, kind, &mut draw) {
            *self.done.entry(kind).or_default() += 1;
            record.value = Bytes::from(value);
        }
        each(record);
    }

    /// A chain with some of its contracts spoilt; `None` where none is.
    fn spoil_contracts(&mut self, chain: &[u8], draw: &mut Draw) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        let mut copied = 0;
        let mut begin = find(chain, CONTRACT, 0);
        while let Some(start) = begin {
            // Contracts hold no objects.
            let end = find(chain, b"}", start)? + 1;
            if draw.happens(self.probability) {
                let kind = OF_CONTRACT[draw.below(OF_CONTRACT.len())];
                if let Some(value) = spoilt(&chain[start..end], kind, draw) {
                    *self.done.entry(kind).or_default() += 1;
                    out.extend_from_slice(&chain[copied..start]);
                    out.extend_from_slice(&value);
                    copied = end;
                }
            }
            begin = find(chain, CONTRACT, end);
        }
        if copied == 0 {
            return None;
        }
        out.extend_from_slice(&chain[copied..]);
        Some(out)
    }
}

/// A value with this wrong; `None` where it has no place for it.
fn spoilt(value: &[u8], kind: Kind, draw: &mut Draw) -> Option<Vec<u8>> {
    let number = |text: &[u8], draw: &mut Draw| {
        let numbers = numbers(value);
        let at = numbers.get(draw.below(numbers.len()))?;
        Some(replaced(value, at, text))
    };
    match kind {
        Kind::Truncated => Some(value[..draw.below(value.len())].to_vec()),
        Kind::Empty => Some(Vec::new()),
        Kind::BadUtf8 => {
            let at = draw.below(value.len());
            Some(replaced(value, &(at..at), b"\xff"))
        }
        Kind::DeeplyNested => Some(b"[".repeat(10_000)),
        Kind::DuplicateKey => {
            let (field, range) = fields(value).into_iter().next()?;
            let twice = [b",\"", field, b"\":1,\"", field, b"\":2"].concat();
            Some(replaced(value, &(range.end..range.end), &twice))
        }
        Kind::WrongType => number(b"{\"value\":[true]}", draw),
        Kind::NanText => number(b"\"NaN\"", draw),
        Kind::Huge => number(b"1e308", draw),
        Kind::Negative => number(b"-1", draw),
        Kind::Zero => number(b"0", draw),
        Kind::MissingField => {
            let fields = fields(value);
            let (field, range) = fields.get(draw.below(fields.len()))?;
            // With its name, quotes, colon and the comma on its right or left.
            let start = range.start - field.len() - 3;
            let range = match (value.get(range.end), start.checked_sub(1)) {
                (Some(b','), _) => start..range.end + 1,
                (_, Some(before)) if value[before] == b',' => before..range.end,
                _ => start..range.end,
            };
            Some(replaced(value, &range, b""))
        }
        Kind::Crossed => crossed(value),
        Kind::OutOfOrder => moved(value, -(1 + draw.below(10) as i64) * HOUR_NS / 60),
        Kind::FromTheFuture => moved(value, HOUR_NS),
        Kind::From1970 => with(value, b"timestamp", b"1"),
        Kind::NoContracts => {
            let begin = find(value, CONTRACT, 0)?;
            let end = value.iter().rposition(|byte| *byte == b']')?;
            Some(replaced(value, &(begin..end), b""))
        }
        Kind::IvInPercent => {
            let iv: f64 = text(value, &field(value, b"iv")?).parse().ok()?;
            with(value, b"iv", (iv * 100.0).to_string().as_bytes())
        }
        Kind::ZeroOpenInterest => with(value, b"open_interest", b"0"),
        Kind::BadExpiry => with_text(value, b"expiration", b"\"soon\""),
        Kind::Expired => with_text(value, b"expiration", b"\"1999-12-31\""),
        Kind::RepeatedStrike => Some([value, b",", value].concat()),
        // The record comes twice instead.
        Kind::Duplicate => None,
    }
}

/// The bid and the ask exchanged; of a book its sides.
fn crossed(value: &[u8]) -> Option<Vec<u8>> {
    if let Some((bid, ask)) = field(value, b"bid").zip(field(value, b"ask")) {
        let (low, high) = (value[bid.clone()].to_vec(), value[ask.clone()].to_vec());
        let out = replaced(value, &ask, &low);
        return Some(replaced(&out, &bid, &high));
    }
    let (bids, asks) = (find(value, b"\"bids\"", 0)?, find(value, b"\"asks\"", 0)?);
    let out = replaced(value, &(asks..asks + 6), b"\"bids\"");
    Some(replaced(&out, &(bids..bids + 6), b"\"asks\""))
}

/// Its timestamp moved by nanoseconds.
fn moved(value: &[u8], by_ns: i64) -> Option<Vec<u8>> {
    let t_ns: i64 = text(value, &field(value, b"timestamp")?).parse().ok()?;
    let t_ns = t_ns.saturating_add(by_ns);
    with(value, b"timestamp", t_ns.to_string().as_bytes())
}

fn with(value: &[u8], name: &[u8], number: &[u8]) -> Option<Vec<u8>> {
    Some(replaced(value, &field(value, name)?, number))
}

fn with_text(value: &[u8], name: &[u8], new: &[u8]) -> Option<Vec<u8>> {
    let begin = find(value, &[b"\"", name, b"\":\""].concat(), 0)? + name.len() + 3;
    let end = find(value, b"\"", begin + 1)? + 1;
    Some(replaced(value, &(begin..end), new))
}

fn replaced(value: &[u8], range: &Range<usize>, new: &[u8]) -> Vec<u8> {
    [&value[..range.start], new, &value[range.end..]].concat()
}

fn text<'a>(value: &'a [u8], range: &Range<usize>) -> &'a str {
    std::str::from_utf8(&value[range.clone()]).unwrap_or_default()
}

fn find(value: &[u8], what: &[u8], from: usize) -> Option<usize> {
    let rest = value.get(from..)?;
    let at = rest.windows(what.len()).position(|window| window == what);
    at.map(|at| from + at)
}

/// The number of a field.
fn field(value: &[u8], name: &[u8]) -> Option<Range<usize>> {
    let start = find(value, &[b"\"", name, b"\":"].concat(), 0)? + name.len() + 3;
    let range = number_at(value, start);
    (!range.is_empty()).then_some(range)
}

/// Every field that holds a number: its name and where the number stands.
fn fields(value: &[u8]) -> Vec<(&[u8], Range<usize>)> {
    let colons = (1..value.len()).filter(|at| value[*at] == b':' && value[at - 1] == b'"');
    let named = colons.filter_map(|colon| {
        let range = number_at(value, colon + 1);
        let name_end = colon - 1;
        let quote = value[..name_end].iter().rposition(|byte| *byte == b'"')?;
        (!range.is_empty()).then(|| (&value[quote + 1..name_end], range))
    });
    named.collect()
}

/// Every number, in fields and in lists.
fn numbers(value: &[u8]) -> Vec<Range<usize>> {
    let begins = (1..value.len()).filter(|at| matches!(value[at - 1], b':' | b'[' | b','));
    let ranges = begins.map(|at| number_at(value, at));
    ranges.filter(|range| !range.is_empty()).collect()
}

fn number_at(value: &[u8], at: usize) -> Range<usize> {
    let part = |byte: &&u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
    let rest = value.get(at..).unwrap_or_default();
    at..at + rest.iter().take_while(part).count()
}

/// Chance of one record.
struct Draw {
    seed: u64,
    drawn: u64,
}

impl Draw {
    fn bits(&mut self) -> u64 {
        self.drawn += 1;
        xxh3_64_with_seed(&self.drawn.to_le_bytes(), self.seed)
    }

    fn happens(&mut self, probability: f64) -> bool {
        // 53 bits are what a double holds.
        ((self.bits() >> 11) as f64) < probability * (1u64 << 53) as f64
    }

    /// From 0 to below a count; 0 of none.
    fn below(&mut self, count: usize) -> usize {
        (self.bits() % count.max(1) as u64) as usize
    }
}

#[cfg(test)]
mod tests;
