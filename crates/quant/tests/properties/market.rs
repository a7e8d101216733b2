//! Arbitrary markets: the orderly, and those that keep no rule.

use chrono::NaiveDate;
use proptest::prelude::*;
use quant::market::{
    Chain, Conditions, Level, OrderBook, Price, Quote, Side, Size, Span, Timestamp, Touch, Trade,
    Venue,
};
use quant::snapshot::Discovered;

use crate::chains::unruly_chain;

/// What comes in between two passes, and when the pass is.
#[derive(Clone, Debug)]
pub(crate) struct Pass {
    pub(crate) now: Timestamp,
    pub(crate) trades: Vec<Trade>,
    pub(crate) quote: Option<Quote>,
    pub(crate) book: Option<OrderBook>,
    pub(crate) chain: Option<Chain>,
    pub(crate) discovered: Discovered,
    pub(crate) session_date: NaiveDate,
    pub(crate) session_close: Option<Timestamp>,
}

pub(crate) fn at_ms(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

/// A price of whole cents.
pub(crate) fn cents(cents: i64) -> Price {
    Price::from_units(cents * (Price::SCALE / 100))
}

pub(crate) fn touch(bid: Price, ask: Price) -> Touch {
    Touch { bid, ask }
}

pub(crate) fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Buy), Just(Side::Sell), Just(Side::Unknown)]
}

/// Prints around 100.00 in the order of time, some with a flag, some with a quote, some of them
/// locked, crossed or at the mid.
pub(crate) fn prints(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Trade>> {
    let quote = prop::option::of((9_990..10_010i64, -1..4i64));
    let print = (0..2_000i64, 9_990..10_010i64, 0..500i64, side(), quote);
    prop::collection::vec(print, count).prop_map(|prints| {
        let mut clock = 0;
        let mut trades = Vec::new();
        for (gap_ms, price, size, flag, quote) in prints {
            clock += gap_ms;
            trades.push(Trade {
                at: at_ms(clock),
                price: cents(price),
                size: Size::from_units(size * Size::SCALE / 4),
                flag,
                touch: quote.map(|(bid, wide)| touch(cents(bid), cents(bid + wide))),
                venue: None,
                conditions: Conditions::NONE,
            });
        }
        trades
    })
}

/// The same print with buyers for sellers: the flag swapped, prices reflected.
pub(crate) fn mirrored(trade: Trade) -> Trade {
    let reflect = |price: Price| Price::from_units(200 * Price::SCALE - price.units());
    Trade {
        price: reflect(trade.price),
        flag: opposite(trade.flag),
        touch: trade
            .touch
            .map(|quote| touch(reflect(quote.ask), reflect(quote.bid))),
        ..trade
    }
}

pub(crate) fn opposite(side: Side) -> Side {
    match side {
        Side::Buy => Side::Sell,
        Side::Sell => Side::Buy,
        Side::Unknown => Side::Unknown,
    }
}

/// Levels of a book from (price, size) pairs in any order.
pub(crate) fn levels(pairs: &[(i64, i64)]) -> Vec<Level> {
    pairs
        .iter()
        .map(|&(price, size)| Level {
            price: Price::from_units(price),
            size: Size::from_units(size),
        })
        .collect()
}

/// Integers of every magnitude, the ends of the range and zero more often than chance would.
pub(crate) fn extreme() -> impl Strategy<Value = i64> {
    prop_oneof![
        4 => 1..1_000i64,
        4 => 1_000_000_000..200_000_000_000i64,
        1 => any::<i64>(),
        1 => prop::sample::select(vec![0, 1, -1, i64::MAX, i64::MAX - 1, i64::MIN, 1 << 53]),
    ]
}

fn extreme_price() -> impl Strategy<Value = Price> {
    extreme().prop_map(Price::from_units)
}

fn extreme_size() -> impl Strategy<Value = Size> {
    extreme().prop_map(|units| Size::from_units(units.saturating_abs()))
}

/// Mostly a step forward from `base`, at times anywhere at all.
pub(crate) fn unruly_time(base: i64) -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        8 => (-2_000..2_000i64).prop_map(move |ms| at_ms(base + ms)),
        1 => extreme().prop_map(Timestamp::from_nanos),
    ]
}

fn unruly_trade(base: i64) -> impl Strategy<Value = Trade> {
    let touch = prop::option::of((extreme_price(), extreme_price()));
    let venue = prop::sample::select(vec![None, Some("XNAS"), Some("D"), Some("")]);
    let conditions = prop::sample::select(vec![
        Conditions::NONE,
        Conditions::NONE,
        Conditions::SWEEP,
        Conditions::LATE,
    ]);
    let fields = (
        unruly_time(base),
        extreme_price(),
        extreme_size(),
        side(),
        touch,
        venue,
        conditions,
    );
    fields.prop_map(|(at, price, size, flag, quote, venue, conditions)| Trade {
        at,
        price,
        size,
        flag,
        touch: quote.map(|(bid, ask)| Touch { bid, ask }),
        venue: venue.map(Venue::new),
        conditions,
    })
}

fn unruly_quote(base: i64) -> impl Strategy<Value = Quote> {
    let price = || prop::option::of(extreme_price());
    let volume = prop::option::of(extreme_size());
    (unruly_time(base), price(), price(), price(), volume).prop_map(
        |(at, bid, ask, spot, volume)| Quote {
            bid,
            ask,
            spot,
            volume,
            at,
        },
    )
}

fn unruly_book(base: i64) -> impl Strategy<Value = OrderBook> {
    let level = || (extreme_price(), extreme_size());
    let level = move || level().prop_map(|(price, size)| Level { price, size });
    let side = move || prop::collection::vec(level(), 0..8);
    let parts = (side(), side(), unruly_time(base));
    parts.prop_map(|(bids, asks, at)| OrderBook::consolidated(bids, asks, at))
}

fn unruly_pass(number: i64) -> impl Strategy<Value = Pass> {
    // 2023-11-14, an hour before the close in New York; minute marks pass.
    let base = 1_699_992_000_000 + number * 25_000;
    let known = || prop::option::weighted(0.2, extreme_size());
    let discovered = (known(), known(), known()).prop_map(|(symbol, all, volume)| Discovered {
        vpin_bucket_size: symbol,
        vpin_bucket_size_global: all,
        average_daily_volume: volume,
    });
    (
        unruly_time(base),
        prop::collection::vec(unruly_trade(base), 1..40),
        prop::option::of(unruly_quote(base)),
        prop::option::weighted(0.8, unruly_book(base)),
        prop::option::weighted(0.7, unruly_chain(base)),
        discovered,
        14..16u32,
        prop::option::of(-7_200..86_400i64),
    )
        .prop_map(
            move |(now, trades, quote, book, chain, discovered, day, close)| Pass {
                now,
                trades,
                quote,
                book,
                chain,
                discovered,
                session_date: NaiveDate::from_ymd_opt(2023, 11, day).unwrap(),
                session_close: close
                    .map(|seconds| at_ms(base).plus(Span::from_millis(seconds * 1_000))),
            },
        )
}

/// Passes over a market that keeps no rule: any price, any size up to the largest, crossed and
/// empty books, times that run backwards and jump. At least one trade a pass.
pub(crate) fn unruly_passes(count: i64) -> impl Strategy<Value = Vec<Pass>> {
    (0..count).map(unruly_pass).collect::<Vec<_>>()
}
