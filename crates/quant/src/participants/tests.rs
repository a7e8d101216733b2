//! What the classification of participants promises: each point of the score, and two shares of one.

use super::*;
use crate::market::{
    Conditions, Price, QuoteSource, SignedBy, Size, Timestamp, Touch, Trade, Venue,
};

/// A trade of so much money at 100.00, at a millisecond; `crossed` says whether at the offer.
fn signed(ms: i64, notional: i64, crossed: bool) -> SignedTrade {
    let price = |cents: i64| Price::from_units(cents * (Price::SCALE / 100));
    let bid = if crossed { 9_998 } else { 9_999 };
    SignedTrade {
        trade: Trade {
            at: Timestamp::from_millis(ms),
            price: price(10_000),
            size: Size::from_units(notional * (Size::SCALE / 100)),
            flag: Side::Buy,
            touch: Some(Touch {
                bid: price(bid),
                ask: price(if crossed { 10_000 } else { 10_001 }),
            }),
            venue: None,
            conditions: Conditions::NONE,
        },
        side: Side::Buy,
        signed_by: SignedBy::Flag,
        quote_source: QuoteSource::Trade,
    }
}

fn whose(signed: SignedTrade, in_cluster: bool) -> Option<Participant> {
    let params = Params::default();
    Print::of(&signed, in_cluster, &params).participant(&params)
}

#[test]
fn a_trade_is_somebodys_by_its_score() {
    use Participant::{Institution, Retail};
    let off_exchange = |mut signed: SignedTrade| {
        signed.trade.venue = Some(Venue::new("trf"));
        signed
    };
    // +2.
    assert_eq!(whose(signed(0, 100_000, true), false), Some(Institution));
    // 0, and −1.
    assert_eq!(whose(signed(0, 99_999, true), false), Some(Retail));
    assert_eq!(whose(signed(0, 20_000, true), false), Some(Retail));
    // +1 for waiting.
    assert_eq!(whose(signed(0, 75_000, false), false), Some(Institution));
    assert_eq!(whose(signed(0, 74_999, false), false), None);
    assert_eq!(whose(signed(0, 49_999, false), false), Some(Retail));
    // Off exchange, in a cluster, both.
    assert_eq!(whose(off_exchange(signed(0, 30_000, true)), false), None);
    assert_eq!(whose(signed(0, 30_000, true), true), None);
    assert_eq!(whose(signed(0, 75_000, true), true), Some(Institution));
    let both = off_exchange(signed(0, 30_000, true));
    assert_eq!(whose(both, true), Some(Institution));
    // +1 − 1.
    assert_eq!(
        whose(off_exchange(signed(0, 20_000, true)), false),
        Some(Retail)
    );
}

#[test]
fn without_a_quote_nobody_waited_and_nobody_took() {
    let blind = |notional| SignedTrade {
        trade: Trade {
            touch: None,
            ..signed(0, notional, true).trade
        },
        ..signed(0, notional, true)
    };
    assert_eq!(whose(blind(80_000), false), Some(Participant::Retail));
    assert_eq!(whose(blind(10_000), true), None);
}

#[test]
fn a_cluster_is_three_of_one_side_within_the_window() {
    let mut trades: Vec<_> = [0, 175, 350, 700, 701, 702, 1_100]
        .map(|ms| signed(ms, 1_000, true))
        .to_vec();
    trades[4].side = Side::Sell;
    let trades: Vec<_> = trades.iter().collect();
    let expected = [true, true, true, true, false, true, false];
    // 350, 700 and 702 span 352 ms: the fourth is in none until the window is as wide.
    let wide = Params {
        cluster_window_ms: 352,
        ..Params::default()
    };
    assert_eq!(clusters(&trades, &wide), expected);
    let narrow = clusters(&trades, &Params::default());
    assert_eq!(narrow, [true, true, true, false, false, false, false]);
}

#[test]
fn the_two_shares_by_hand() {
    let trades = [
        signed(0, 300_000, true),
        signed(1_000, 100_000 / 8, true),
        signed(2_000, 87_500, true),
        signed(3_000, 60_000, false),
    ];
    let all = Participants::of(&Flow::of(trades.iter()), &Params::default());
    let (one, other) = (
        all.institution(Share::in_cluster),
        all.retail(Share::aggressive),
    );
    assert_eq!((one.value, other.value), (0.75, 0.25));
    assert_eq!((one.notional, other.notional), (Some(3e5), Some(1e5)));
    assert_eq!((one.trade_count, other.trade_count), (Some(1), Some(2)));
    assert_eq!(one.total_notional, Some(4.6e5));
    assert_eq!(other.signals, Some(2));
    assert_eq!(all.counted.dropped["unclassified"], 1);
}
