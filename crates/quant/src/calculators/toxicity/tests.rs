//! What toxicity promises: components, spreads, venues, and what is left out.

use super::*;
use crate::market::{
    Conditions, Price, QuoteSource, Side, SignedBy, SignedTrade, Size, Touch, Trade, Venue,
};

/// A trade of so many cents and shares at a second, between a bid and an offer in cents.
fn signed(second: i64, side: Side, price: i64, size: i64, touch: (i64, i64)) -> SignedTrade {
    let cents = |cents: i64| Price::from_units(cents * (Price::SCALE / 100));
    SignedTrade {
        trade: Trade {
            at: Timestamp::from_seconds(second),
            price: cents(price),
            size: Size::from_units(size * Size::SCALE),
            flag: side,
            touch: Some(Touch {
                bid: cents(touch.0),
                ask: cents(touch.1),
            }),
            venue: None,
            conditions: Conditions::NONE,
        },
        side,
        signed_by: SignedBy::Flag,
        quote_source: QuoteSource::Trade,
    }
}

fn said(trades: &[SignedTrade]) -> Payload {
    let toxicity = Toxicity::new(Params::default(), ()).unwrap();
    toxicity.value(&Flow::of(trades.iter()), None, None)
}

#[test]
fn a_window_by_hand() {
    let mut trades = vec![
        // At the offer, inside, through the bid; the last is large and of no side.
        signed(0, Side::Buy, 10_002, 60, (10_000, 10_002)),
        signed(1, Side::Buy, 10_001, 20, (9_999, 10_002)),
        signed(2, Side::Sell, 9_990, 20, (10_000, 10_002)),
        signed(3, Side::Unknown, 10_001, 300, (10_000, 10_002)),
    ];
    trades[0].trade.venue = Some(Venue::new("Q"));
    let payload = said(&trades);
    assert_eq!(payload.toxicity_score, None);
    assert_eq!(payload.aggressor_ratio, Some(0.6));
    assert_eq!(payload.aggressor_side, Some(AggressorSide::Buy));
    assert_eq!(payload.large_trade_ratio, Some(0.75));
    assert_eq!(payload.institutional_score, Some(0.675));
    assert_eq!(payload.spread_cross_ratio, Some(0.2));
    assert_eq!(payload.aggressive_volume, Some(80.0));
    // (0.3·0.6 + 0.2·0.75)/0.5, half of the weights, a quarter of the volume.
    let adjusted = payload.toxicity_adjusted.unwrap();
    assert!((adjusted - 0.66).abs() < 1e-15, "{adjusted}");
    assert_eq!(payload.toxicity_adjusted_level, Some(Level::Moderate));
    assert_eq!(payload.confidence, Some(0.125));
    assert_eq!(payload.midpoint, Some(100.01));
    let venues = payload.venues.unwrap();
    assert_eq!((venues["Q"], venues["unknown"]), (0.15, 0.85));
    assert_eq!(payload.status, Some(FlowStatus::Ok));
}

#[test]
fn the_realised_spread_takes_the_first_mid_from_then_on() {
    // Bought at 100.02 over a mid of 100.01; a second later the mid is 100.04, and not after.
    let trades = [
        signed(0, Side::Buy, 10_002, 100, (10_000, 10_002)),
        signed(1, Side::Unknown, 10_004, 100, (10_003, 10_005)),
    ];
    let payload = said(&trades);
    let effective = payload.effective_spread_bps.unwrap();
    assert!((effective - 2.0 * 0.01 / 100.01 * 1e4).abs() < 1e-8);
    let realized = payload.realized_spread_bps.unwrap();
    assert!((realized.s1.unwrap() + 2.0 * 0.02 / 100.01 * 1e4).abs() < 1e-8);
    assert_eq!((realized.s5, realized.s60), (None, None));
    assert_eq!(payload.realized_spread_trades.unwrap().s1, Some(1));
}

#[test]
fn lambda_is_what_a_share_moves_the_mid() {
    // Each bar of ten nets 100 shares more than the one before, and moves the mid a cent a hundred.
    let mut trades = Vec::new();
    let mut mid = 10_000;
    for bar in 0..12 {
        for nth in 0..10 {
            let (side, size) = if nth == 0 {
                (Side::Buy, 100 * (bar + 1))
            } else {
                (Side::Unknown, 10)
            };
            trades.push(signed(10 * bar + nth, side, mid, size, (mid - 1, mid + 1)));
        }
        mid += bar + 1;
    }
    let lambda = said(&trades).kyle_lambda.unwrap();
    assert!((lambda.value - 1e-4).abs() < 1e-12, "{lambda:?}");
    assert!((lambda.r2.unwrap() - 1.0).abs() < 1e-12, "{lambda:?}");
    assert_eq!(lambda.samples, 11);
    assert_eq!(said(&trades[..100]).kyle_lambda, None);
}

#[test]
fn prints_of_another_moment_are_left_out_and_counted() {
    let mut trades = vec![signed(0, Side::Buy, 10_002, 60, (10_000, 10_002)); 3];
    trades[1].trade.conditions = Conditions::LATE;
    trades[2].trade.size = Size::ZERO;
    let flow = Flow::of(trades.iter());
    assert_eq!(flow.counted.used, 1);
    let dropped: Vec<_> = flow.counted.dropped.into_iter().collect();
    assert_eq!(dropped, [("condition", 1), ("no_size", 1)]);
}

#[test]
fn without_sides_there_is_no_ratio_and_no_confidence() {
    let payload = said(&[signed(0, Side::Unknown, 10_001, 60, (10_000, 10_002))]);
    assert_eq!(payload.status, Some(FlowStatus::Unclassified));
    assert_eq!(
        (payload.aggressor_ratio, payload.aggressor_side),
        (None, None)
    );
    assert_eq!(payload.confidence, Some(0.0));
}

#[test]
fn settings_name_what_they_must_be() {
    let params = Params {
        minimum_trades: 300,
        vpin_weight: f64::NAN,
        levels: [0.7, 0.5],
        ..Params::default()
    };
    let errors = Toxicity::new(params, ()).err().unwrap();
    let wrong: Vec<_> = errors.lines().map(|line| line.split(':').next()).collect();
    assert_eq!(wrong, ["minimum_trades", "vpin_weight", "levels"].map(Some));
}
