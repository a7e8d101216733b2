//! Binance's frames, told by what they say they are. Prices and sizes are read exactly, as
//! integers; one that does not fit makes its frame unusable.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::store::codec::time_of;

/// Decimals of a price in its units; Binance quotes at most eight.
pub(super) const PRICE_DIGITS: u32 = 9;
/// Decimals of a size in its units.
pub(super) const SIZE_DIGITS: u32 = 8;

/// A frame of a symbol and the exchange's times of it, nanoseconds since the epoch.
#[derive(Debug, PartialEq)]
pub(super) struct Frame {
    /// The symbol in capitals; a depth snapshot over REST does not say.
    pub(super) symbol: Option<String>,
    /// When it happened: the transaction time, else when it was sent.
    pub(super) happened_ns: Option<i64>,
    /// When it was sent.
    pub(super) sent_ns: Option<i64>,
    pub(super) content: Content,
}

#[derive(Debug, PartialEq)]
pub(super) enum Content {
    Trade(Trade),
    Quote(Quote),
    Diff(Diff),
    Snapshot(Snapshot),
}

#[derive(Debug, PartialEq)]
pub(super) struct Trade {
    pub(super) id: u64,
    pub(super) price: i64,
    pub(super) size: i64,
    /// The buyer's order rested, so the seller started the trade.
    pub(super) buyer_maker: bool,
    /// Several trades of one order at one price, under an id of their own.
    pub(super) aggregate: bool,
}

/// The best bid and offer; a side without orders is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Quote {
    pub(super) bid: Option<Level>,
    pub(super) ask: Option<Level>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Level {
    pub(super) price: i64,
    pub(super) size: i64,
}

/// Changed levels of the book; a size of zero deletes.
#[derive(Debug, PartialEq)]
pub(super) struct Diff {
    /// The first and last update in it.
    pub(super) first: u64,
    pub(super) last: u64,
    /// The last update of the frame before, which futures tell.
    pub(super) previous: Option<u64>,
    pub(super) bids: Vec<Level>,
    pub(super) asks: Vec<Level>,
}

/// The book as it stood after an update.
#[derive(Debug, PartialEq)]
pub(super) struct Snapshot {
    pub(super) last: u64,
    pub(super) bids: Vec<Level>,
    pub(super) asks: Vec<Level>,
}

impl Content {
    /// Under what name it is counted.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Trade(trade) if trade.aggregate => "aggregate_trades",
            Self::Trade(_) => "trades",
            Self::Quote(_) => "quotes",
            Self::Diff(_) => "depth_updates",
            Self::Snapshot(_) => "depth_snapshots",
        }
    }
}

/// A combined stream wraps its frames; a single one sends them bare.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    stream: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

/// One letter means different things in different frames, so nothing is typed before the kind is
/// known.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow, rename = "e")]
    kind: Option<&'a RawValue>,
    #[serde(borrow, rename = "E")]
    sent: Option<&'a RawValue>,
    #[serde(borrow, rename = "T")]
    happened: Option<&'a RawValue>,
    #[serde(borrow, rename = "s")]
    symbol: Option<&'a RawValue>,
    #[serde(borrow, rename = "t")]
    trade_id: Option<&'a RawValue>,
    #[serde(borrow, rename = "p")]
    price: Option<&'a RawValue>,
    #[serde(borrow, rename = "q")]
    size: Option<&'a RawValue>,
    #[serde(borrow, rename = "m")]
    buyer_maker: Option<&'a RawValue>,
    #[serde(borrow, rename = "X")]
    execution: Option<&'a RawValue>,
    #[serde(borrow, rename = "U")]
    first_update: Option<&'a RawValue>,
    #[serde(borrow, rename = "u")]
    last_update: Option<&'a RawValue>,
    #[serde(borrow, rename = "pu")]
    previous_update: Option<&'a RawValue>,
    #[serde(borrow, rename = "lastUpdateId")]
    snapshot_update: Option<&'a RawValue>,
    /// A price, or levels.
    #[serde(borrow)]
    b: Option<&'a RawValue>,
    #[serde(borrow, rename = "B")]
    bid_size: Option<&'a RawValue>,
    /// A price, levels, or an aggregate's id.
    #[serde(borrow)]
    a: Option<&'a RawValue>,
    #[serde(borrow, rename = "A")]
    ask_size: Option<&'a RawValue>,
    #[serde(borrow)]
    bids: Option<&'a RawValue>,
    #[serde(borrow)]
    asks: Option<&'a RawValue>,
}

impl Frame {
    /// The frame in a text, or why it is of no use.
    pub(super) fn parse(json: &[u8]) -> Result<Self, &'static str> {
        let envelope: Envelope<'_> = serde_json::from_slice(json).map_err(|_| "bad_json")?;
        let fields: Result<Fields<'_>, _> = match envelope.data {
            Some(data) => serde_json::from_str(data.get()),
            None => serde_json::from_slice(json),
        };
        let fields = fields.map_err(|_| "bad_json")?;
        let stream = text(envelope.stream).unwrap_or_default();
        let (of_stream, channel) = stream.split_once('@').unwrap_or_default();
        let symbol = text(fields.symbol).or(Some(of_stream));
        let time = |raw| match text(raw) {
            Some(text) => match time_of(text) {
                Some(time) if time.nanos() > 0 => Ok(Some(time.nanos())),
                _ => Err("bad_time"),
            },
            None => Ok(None),
        };
        let content = fields.content(channel)?;
        let sent_ns = time(fields.sent)?;
        Ok(Self {
            symbol: symbol
                .filter(|symbol| !symbol.is_empty())
                .map(str::to_ascii_uppercase),
            happened_ns: time(fields.happened)?.or(sent_ns),
            sent_ns,
            content,
        })
    }
}

impl Fields<'_> {
    fn content(&self, channel: &str) -> Result<Content, &'static str> {
        match text(self.kind) {
            Some("trade") => self.trade(self.trade_id, false),
            Some("aggTrade") => self.trade(self.a, true),
            Some("bookTicker") => self.quote(),
            Some("depthUpdate") if is_partial(channel) => {
                self.snapshot(self.last_update, self.b, self.a)
            }
            Some("depthUpdate") => self.diff(),
            Some(_) => Err("unknown_kind"),
            None if self.snapshot_update.is_some() => {
                self.snapshot(self.snapshot_update, self.bids, self.asks)
            }
            // Best bids and offers of spot do not name their kind.
            None if self.bid_size.is_some() && self.ask_size.is_some() => self.quote(),
            None => Err("unknown_kind"),
        }
    }

    fn trade(&self, id: Option<&RawValue>, aggregate: bool) -> Result<Content, &'static str> {
        // Insurance fund and deleveraging: no order met the book.
        if text(self.execution).is_some_and(|execution| execution != "MARKET") {
            return Err("not_market_trade");
        }
        let positive = |units: &i64| *units > 0;
        Ok(Content::Trade(Trade {
            id: number(id).ok_or("bad_id")?,
            price: fixed(self.price, PRICE_DIGITS)
                .filter(positive)
                .ok_or("bad_price")?,
            size: fixed(self.size, SIZE_DIGITS)
                .filter(positive)
                .ok_or("bad_size")?,
            buyer_maker: match text(self.buyer_maker) {
                Some("true") => true,
                Some("false") => false,
                _ => return Err("no_buyer_maker"),
            },
            aggregate,
        }))
    }

    fn quote(&self) -> Result<Content, &'static str> {
        let side = |price, size| -> Option<Option<Level>> {
            let price = fixed(price, PRICE_DIGITS)?;
            let size = fixed(size, SIZE_DIGITS)?;
            Some((price > 0 && size > 0).then_some(Level { price, size }))
        };
        Ok(Content::Quote(Quote {
            bid: side(self.b, self.bid_size).ok_or("bad_quote")?,
            ask: side(self.a, self.ask_size).ok_or("bad_quote")?,
        }))
    }

    fn diff(&self) -> Result<Content, &'static str> {
        Ok(Content::Diff(Diff {
            first: number(self.first_update).ok_or("bad_depth")?,
            last: number(self.last_update).ok_or("bad_depth")?,
            previous: number(self.previous_update),
            bids: levels(self.b).ok_or("bad_depth")?,
            asks: levels(self.a).ok_or("bad_depth")?,
        }))
    }

    fn snapshot(
        &self,
        last: Option<&RawValue>,
        bids: Option<&RawValue>,
        asks: Option<&RawValue>,
    ) -> Result<Content, &'static str> {
        Ok(Content::Snapshot(Snapshot {
            last: number(last).ok_or("bad_depth")?,
            bids: levels(bids).ok_or("bad_depth")?,
            asks: levels(asks).ok_or("bad_depth")?,
        }))
    }
}

/// `depth5`, `depth20@100ms`: the best levels each time, not what changed.
fn is_partial(channel: &str) -> bool {
    let levels = channel.strip_prefix("depth");
    levels.is_some_and(|levels| levels.starts_with(|first: char| first.is_ascii_digit()))
}

/// A scalar's text without its quotation marks; null is nothing.
fn text(raw: Option<&RawValue>) -> Option<&str> {
    let text = raw?.get();
    let inner = text.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
    (text != "null").then_some(inner.unwrap_or(text))
}

fn number(raw: Option<&RawValue>) -> Option<u64> {
    text(raw)?.parse().ok()
}

fn fixed(raw: Option<&RawValue>, digits: u32) -> Option<i64> {
    units(text(raw)?, digits)
}

fn levels(raw: Option<&RawValue>) -> Option<Vec<Level>> {
    let rows: Vec<[&str; 2]> = serde_json::from_str(raw?.get()).ok()?;
    let level = |[price, size]: [&str; 2]| {
        Some(Level {
            price: units(price, PRICE_DIGITS).filter(|units| *units > 0)?,
            size: units(size, SIZE_DIGITS)?,
        })
    };
    rows.into_iter().map(level).collect()
}

/// A decimal without a sign in units of 10^-`digits`; `None` where that is not exact.
fn units(text: &str, digits: u32) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = fraction.trim_end_matches('0');
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let missing = digits.checked_sub(u32::try_from(fraction.len()).ok()?)?;
    let whole = whole.parse::<i64>().ok()?.checked_mul(10i64.pow(digits))?;
    let fraction = match fraction {
        "" => 0,
        _ => fraction.parse::<i64>().ok()? * 10i64.pow(missing),
    };
    whole.checked_add(fraction)
}

/// Appends units of 10^-`digits` as the shortest decimal.
pub(super) fn put_units(json: &mut String, units: i64, digits: u32) {
    let scale = 10i64.pow(digits);
    json.push_str(&(units / scale).to_string());
    let fraction = units % scale;
    if fraction != 0 {
        let fraction = format!(".{fraction:0width$}", width = digits as usize);
        json.push_str(fraction.trim_end_matches('0'));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact_or_refused() {
        for (text, digits, back) in [
            ("61837.63000000", 9, "61837.63"),
            ("0.00016", 8, "0.00016"),
            ("10", 8, "10"),
            ("1000000000.5", 8, "1000000000.5"),
            ("0.0", 8, "0"),
        ] {
            let mut json = String::new();
            put_units(&mut json, units(text, digits).unwrap(), digits);
            assert_eq!(json, back);
        }
        for text in [
            "",
            ".5",
            "-1",
            "1e3",
            "+1",
            "0.0000000001",
            "1.2.3",
            "99999999999",
        ] {
            assert_eq!(units(text, 9), None, "{text}");
        }
    }

    #[test]
    fn kinds_are_told_with_and_without_an_envelope() {
        for (json, name) in [
            (
                r#"{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":1,"p":"2","q":"3","T":1723161255342,"m":true,"M":true}"#,
                Ok("trades"),
            ),
            (
                r#"{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":1723161255343,"s":"BTCUSDT","a":7,"p":"2","q":"3","f":1,"l":2,"T":1723161255342,"m":false}}"#,
                Ok("aggregate_trades"),
            ),
            (
                r#"{"u":1,"s":"BTCUSDT","b":"1","B":"1","a":"2","A":"1"}"#,
                Ok("quotes"),
            ),
            (
                r#"{"e":"depthUpdate","E":1723161255343,"s":"X","U":1,"u":2,"b":[["1","0"]],"a":[]}"#,
                Ok("depth_updates"),
            ),
            (
                r#"{"stream":"x@depth5@100ms","data":{"e":"depthUpdate","E":1723161255343,"s":"X","U":1,"u":2,"b":[],"a":[]}}"#,
                Ok("depth_snapshots"),
            ),
            (
                r#"{"stream":"x@depth5","data":{"lastUpdateId":2,"bids":[],"asks":[]}}"#,
                Ok("depth_snapshots"),
            ),
            (
                r#"{"e":"markPriceUpdate","E":1723161255343,"s":"X","p":"1"}"#,
                Err("unknown_kind"),
            ),
            (r#"{"result":null,"id":1}"#, Err("unknown_kind")),
            (
                r#"{"e":"trade","s":"X","t":1,"p":"2","q":"3","X":"INSURANCE_FUND","m":true}"#,
                Err("not_market_trade"),
            ),
            (
                r#"{"e":"trade","s":"X","t":1,"p":"0","q":"3","m":true}"#,
                Err("bad_price"),
            ),
            (
                r#"{"e":"trade","s":"X","t":1,"p":"1","q":"-3","m":true}"#,
                Err("bad_size"),
            ),
            (
                r#"{"e":"trade","s":"X","t":1,"p":"1","q":"3"}"#,
                Err("no_buyer_maker"),
            ),
            (
                r#"{"e":"trade","s":"X","t":"x","p":"1","q":"3","m":true}"#,
                Err("bad_id"),
            ),
            (
                r#"{"e":"trade","E":"soon","s":"X","t":1,"p":"1","q":"3","m":true}"#,
                Err("bad_time"),
            ),
            (
                r#"{"e":"bookTicker","s":"X","b":"1","B":"1"}"#,
                Err("bad_quote"),
            ),
            (
                r#"{"e":"depthUpdate","s":"X","U":1,"u":2,"b":[["1"]],"a":[]}"#,
                Err("bad_depth"),
            ),
            (r#"{"e":"trade""#, Err("bad_json")),
            (r"[1]", Err("bad_json")),
            (r#"{"data":7}"#, Err("bad_json")),
        ] {
            let found = Frame::parse(json.as_bytes()).map(|frame| frame.content.name());
            assert_eq!(found, name, "{json}");
        }
    }

    #[test]
    fn the_symbol_is_the_frames_own_or_its_streams() {
        let of = |json: &str| Frame::parse(json.as_bytes()).unwrap().symbol;
        let bare = r#"{"lastUpdateId":2,"bids":[],"asks":[]}"#;
        assert_eq!(of(bare), None);
        let streamed = format!(r#"{{"stream":"ethusdt@depth20","data":{bare}}}"#);
        assert_eq!(of(&streamed).as_deref(), Some("ETHUSDT"));
    }

    #[test]
    fn a_side_without_orders_is_absent() {
        let json = r#"{"e":"bookTicker","s":"X","b":"0.0","B":"0.0","a":"2.5","A":"1"}"#;
        let Content::Quote(quote) = Frame::parse(json.as_bytes()).unwrap().content else {
            panic!("a quote");
        };
        assert_eq!((quote.bid, quote.ask.unwrap().price), (None, 2_500_000_000));
    }
}
