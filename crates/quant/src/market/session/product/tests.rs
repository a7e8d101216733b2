//! Exchanges, instants and lots of known products.

use super::super::shipped;
use super::*;

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn instant(text: &str) -> Option<Timestamp> {
    Some(Timestamp::from_rfc3339(text).unwrap())
}

#[test]
fn roots_lead_to_their_exchange() {
    let calendars = shipped();
    for (roots, code) in [
        (
            "SPX SPXW ^SPX _SPX VIX VIXW NDX NDXP RUT RUTW",
            Some("XCBO"),
        ),
        (
            "NIFTY BANKNIFTY FINNIFTY MIDCPNIFTY NIFTYNXT50",
            Some("XNSE"),
        ),
        ("SENSEX BANKEX", Some("XBOM")),
        ("SPY QQQ", Some("XNYS")),
        ("AAPL RELIANCE spx", None),
    ] {
        for root in roots.split(' ') {
            assert_eq!(
                calendars.exchange_of(root).map(Exchange::code),
                code,
                "{root}"
            );
        }
    }
}

#[test]
fn what_is_not_listed_takes_the_default() {
    let calendars = shipped();
    let product = |symbol, exchange| calendars.product(symbol, exchange);
    assert_eq!(product("AAPL", "XNYS").unwrap().exchange().code(), "XNYS");
    assert_eq!(product("SPXW", "XNYS").unwrap().name(), "SPX");
    assert!(product("AAPL", "MOON").is_none());
    let demo = product("DEMO", "ALWAYS").unwrap();
    let (from, to) = (date("2026-01-01"), date("2026-12-31"));
    assert!(demo.expiries(from, to).is_empty());
}

#[track_caller]
fn check(root: &str, day: &str, settled: &str, last_trade: &str) {
    let calendars = shipped();
    let product = calendars.product(root, "XNYS").unwrap();
    let (day, settlement) = (date(day), product.settlement(root));
    let settles = product.settlement_instant(day, settlement);
    assert_eq!(Some(settles), instant(settled), "{root}");
    assert_eq!(
        product.last_trade(day, settlement),
        instant(last_trade),
        "{root}"
    );
}

#[test]
fn contracts_settle_and_trade_last() {
    // Opening prints: the evening before is the last trade.
    check(
        "SPX",
        "2026-11-20",
        "2026-11-20T09:30:00-05:00",
        "2026-11-19T16:15:00-05:00",
    );
    check(
        "VIX",
        "2026-11-18",
        "2026-11-18T09:30:00-05:00",
        "2026-11-17T16:15:00-05:00",
    );
    // Closing prints, at 16:00 though the exchange goes on, and at 13:00 on a half day.
    check(
        "SPXW",
        "2026-11-20",
        "2026-11-20T16:00:00-05:00",
        "2026-11-20T16:00:00-05:00",
    );
    check(
        "SPXW",
        "2026-11-27",
        "2026-11-27T13:00:00-05:00",
        "2026-11-27T13:00:00-05:00",
    );
    check(
        "SPY",
        "2026-11-18",
        "2026-11-18T16:00:00-05:00",
        "2026-11-18T16:15:00-05:00",
    );
    check(
        "AAPL",
        "2026-11-27",
        "2026-11-27T13:00:00-05:00",
        "2026-11-27T13:00:00-05:00",
    );
    check(
        "NIFTY",
        "2026-11-23",
        "2026-11-23T15:30:00+05:30",
        "2026-11-23T15:30:00+05:30",
    );
}

#[test]
fn a_listed_date_without_a_session_settles_at_the_usual_hours() {
    let calendars = shipped();
    let xnse = calendars.exchange("XNSE").unwrap();
    let holiday = date("2026-11-24");
    assert_eq!(xnse.settlement(holiday, Settlement::Pm), None);
    check(
        "NIFTY",
        "2026-11-24",
        "2026-11-24T15:30:00+05:30",
        "2026-11-24T15:30:00+05:30",
    );
}

#[test]
fn lots_go_by_the_date_of_expiry() {
    let calendars = shipped();
    for (symbol, expiry, lot) in [
        ("NIFTY", "2021-07-22", Some(75)),
        ("NIFTY", "2021-07-29", Some(50)),
        ("NIFTY", "2024-04-25", Some(50)),
        ("NIFTY", "2024-05-02", Some(25)),
        ("NIFTY", "2024-12-26", Some(25)),
        ("NIFTY", "2025-01-02", Some(75)),
        ("NIFTY", "2025-01-30", Some(25)),
        ("NIFTY", "2025-02-06", Some(75)),
        ("NIFTY", "2025-12-30", Some(75)),
        ("NIFTY", "2026-01-06", Some(65)),
        ("BANKNIFTY", "2020-06-25", None),
        ("BANKNIFTY", "2023-07-20", Some(25)),
        ("BANKNIFTY", "2023-07-27", Some(15)),
        ("BANKNIFTY", "2025-01-30", Some(15)),
        ("BANKNIFTY", "2025-06-26", Some(30)),
        ("BANKNIFTY", "2025-07-31", Some(35)),
        ("BANKNIFTY", "2026-01-27", Some(30)),
        ("FINNIFTY", "2024-07-23", Some(40)),
        ("FINNIFTY", "2026-03-30", Some(60)),
        ("MIDCPNIFTY", "2026-03-30", Some(120)),
        ("NIFTYNXT50", "2026-03-30", Some(25)),
        ("SENSEX", "2025-01-03", Some(10)),
        ("SENSEX", "2025-01-07", Some(20)),
        ("SENSEX", "2025-01-28", Some(10)),
        ("BANKEX", "2025-09-25", Some(30)),
        ("RELIANCE", "2026-03-30", None),
        ("SPX", "2026-11-20", None),
    ] {
        let expiry = date(expiry);
        assert_eq!(calendars.lot_size(symbol, expiry), lot, "{symbol} {expiry}");
        let product = calendars.product(symbol, "XNYS").unwrap();
        assert_eq!(product.lot_size(expiry), lot, "{symbol} {expiry}");
    }
}
