//! What the document of the closing auction promises: the estimate, the feed, the window.

use super::*;
use crate::calculators::obi::Obi;
use crate::market::Size;

fn price(cents: i64) -> Price {
    Price::from_units(cents * (Price::SCALE / 100))
}

fn shares(count: i64) -> Size {
    Size::from_units(count * Size::SCALE)
}

/// The end of the last bar.
const NOW: i64 = 65 * 60;

fn bar(minute: i64) -> Bar {
    Bar {
        start: Timestamp::from_seconds(60 * minute),
        open: price(10_000),
        high: price(10_000),
        low: price(10_000),
        close: price(10_000),
        volume: shares(if minute < 5 { 1_000_000 } else { 1_000 }),
    }
}

fn quote() -> Quote {
    Quote {
        bid: Some(price(9_999)),
        ask: Some(price(10_001)),
        spot: Some(price(10_000)),
        volume: None,
        at: Timestamp::from_seconds(0),
    }
}

/// What is said ten minutes before the close, or at another time, with a book of such imbalance.
fn said(feed: Option<&Imbalance>, level5: Option<f64>, minutes: i64) -> Result<Payload, NoValue> {
    at_pace(&(0..65).map(bar).collect::<Vec<_>>(), feed, level5, minutes)
}

fn at_pace(
    bars: &[Bar],
    feed: Option<&Imbalance>,
    level5: Option<f64>,
    minutes: i64,
) -> Result<Payload, NoValue> {
    let book = obi::Payload {
        level5_imbalance: level5,
        micro_price: Some(100.005),
        ..Obi::absent(Status::Missing)
    };
    let quote = quote();
    let obi = Latest {
        status: Status::Ok,
        as_of: None,
        payload: Some(&book),
    };
    let gex = Latest {
        status: Status::Missing,
        as_of: None,
        payload: None,
    };
    let market = (Ok(&quote), Ok(bars), obi, gex);
    let close = SessionClose(Some(Timestamp::from_seconds(NOW + 60 * minutes)));
    let discovered = Discovered {
        average_daily_volume: Some(shares(1_000_000)),
        ..Discovered::default()
    };
    let mut moc = Moc::new(Params::default(), ()).unwrap();
    moc.compute(
        (close, &discovered, feed, market),
        Timestamp::from_seconds(NOW),
    )
}

#[test]
fn the_pace_is_that_of_an_hour_whatever_bars_there_are() {
    let volume = |bars: &[Bar]| {
        let payload = at_pace(bars, None, Some(0.1), 10);
        payload.map(|payload| payload.window_volume_shares.unwrap())
    };
    // A minute that is told twice counts once, with what was told last.
    let mut twice: Vec<Bar> = (0..65).map(bar).collect();
    twice.push(Bar {
        volume: shares(3_000),
        ..bar(64)
    });
    assert_eq!(volume(&twice), Ok(62_000.0));
    // A bar every third minute is a third of the volume.
    let sparse: Vec<Bar> = (0..65).rev().step_by(3).map(bar).collect();
    assert_eq!(volume(&sparse), Ok(20_000.0));
    // Forty minutes of bars are taken for the hour; ten say nothing.
    let short: Vec<Bar> = (25..65).map(bar).collect();
    assert!((volume(&short).unwrap() - 60_000.0).abs() < 1e-6);
    let why = volume(&(55..65).map(bar).collect::<Vec<_>>()).unwrap_err();
    assert_eq!(why.status(), Status::Warming);
}

#[test]
fn an_estimate_by_hand() {
    // The last 60 bars trade 60,000 shares; a sixth of an hour is left.
    let payload = said(None, Some(-0.4), 10).unwrap();
    assert_eq!(payload.source, Some(Source::Estimate));
    assert_eq!(payload.window_volume_shares, Some(60_000.0));
    assert_eq!(payload.projected_volume_shares, Some(10_000.0));
    assert_eq!(payload.imbalance_side, Some(ImbalanceSide::Sell));
    let near = |got: Option<f64>, expected: f64| {
        let got = got.unwrap();
        assert!((got - expected).abs() < 1e-8 * expected, "{got} {expected}");
    };
    near(payload.imbalance_total, 600_000.0);
    near(payload.imbalance_paired, 460_000.0);
    near(payload.imbalance_ratio, 60.0 / 106.0);
    near(payload.near_close_offset_bps, 0.5);
    assert_eq!(payload.gamma_factor, None);
    let flat = said(None, Some(0.03), 10).unwrap();
    assert_eq!(flat.imbalance_side, Some(ImbalanceSide::Flat));
}

#[test]
fn a_feed_takes_the_place_of_the_estimate() {
    let feed = Imbalance {
        paired: shares(800_000),
        imbalance: shares(200_000),
        side: Side::Buy,
        reference_price: Some(price(5_000)),
        near_price: Some(price(10_010)),
        far_price: None,
        at: Timestamp::from_seconds(0),
    };
    let payload = said(Some(&feed), None, 10).unwrap();
    assert_eq!(payload.source, Some(Source::AuctionFeed));
    assert_eq!(payload.imbalance_total, Some(1e7));
    assert_eq!(payload.imbalance_paired, Some(4e7));
    assert_eq!(payload.imbalance_ratio, Some(0.2));
    assert_eq!(payload.imbalance_side, Some(ImbalanceSide::Buy));
    assert_eq!(payload.imbalance_signed_to_paired, Some(0.25));
    assert_eq!(payload.imbalance_pct_adv, Some(20.0));
    assert_eq!(payload.projected_volume_shares, None);
    assert!((payload.near_close_offset_bps.unwrap() - 10.0).abs() < 1e-9);
    let both = said(Some(&feed), Some(0.1), 10).unwrap();
    assert_eq!(both.projected_volume_shares, Some(10_000.0));
    assert_eq!(both.imbalance_ratio, Some(0.2));
}

#[test]
fn there_is_a_value_within_the_window_only() {
    for minutes in [61, 0, -1] {
        let why = said(None, Some(0.1), minutes).unwrap_err();
        assert_eq!(why.status(), Status::Undefined, "{minutes}");
    }
    assert!(said(None, Some(0.1), 60).is_ok());
    assert_eq!(
        said(None, None, 10).unwrap_err().status(),
        Status::Undefined
    );
}
