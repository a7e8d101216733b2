//! Expiries of known weeks, as the exchanges listed them.

use super::super::{Calendars, shipped};
use super::*;

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Root, date and kind of what expires in a range, one a word: `SPXW-19D`, with the day of the
/// month and the first letter of the kind.
fn words(calendars: &Calendars, symbol: &str, from: &str, to: &str) -> String {
    let exchange = if symbol == "RELIANCE" { "XNSE" } else { "XNYS" };
    let product = calendars.product(symbol, exchange).unwrap();
    let expiries = product.expiries(date(from), date(to));
    let word = |expiry: &Expiry<'_>| {
        let kind = format!("{:?}", expiry.kind);
        format!("{}-{}{}", expiry.root, expiry.date.format("%d"), &kind[..1])
    };
    expiries.iter().map(word).collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn check(symbol: &str, from: &str, to: &str, expected: &str) {
    assert_eq!(words(&shipped(), symbol, from, to), expected);
}

#[test]
fn a_stock_expires_on_fridays_and_on_the_third_for_the_month() {
    check(
        "AAPL",
        "2026-11-01",
        "2026-11-30",
        "AAPL-06W AAPL-13W AAPL-20M AAPL-27W",
    );
}

#[test]
fn a_good_friday_moves_to_thursday() {
    check("AAPL", "2025-04-14", "2025-04-25", "AAPL-17M AAPL-25W");
    check("AAPL", "2026-03-30", "2026-04-10", "AAPL-02W AAPL-10W");
    let calendars = shipped();
    let product = calendars.product("AAPL", "XNYS").unwrap();
    let moved = product.expiries(date("2025-04-17"), date("2025-04-17"))[0];
    assert_eq!(moved.nominal, date("2025-04-18"));
}

#[test]
fn spx_has_a_morning_monthly_beside_the_evening_series() {
    check(
        "SPX",
        "2026-11-16",
        "2026-11-27",
        "SPXW-16D SPXW-17D SPXW-18D SPXW-19D SPX-20M SPXW-20W \
         SPXW-23D SPXW-24D SPXW-25D SPXW-27W",
    );
    // Juneteenth on the third Friday: both move, and the Thursday daily is the weekly.
    check(
        "SPX",
        "2026-06-15",
        "2026-06-19",
        "SPXW-15D SPXW-16D SPXW-17D SPX-18M SPXW-18W",
    );
}

#[test]
fn spxw_expired_on_three_days_a_week_before_2022() {
    check(
        "SPX",
        "2022-01-10",
        "2022-01-21",
        "SPXW-10D SPXW-12D SPXW-14W SPXW-18D SPXW-19D SPX-21M SPXW-21W",
    );
}

#[test]
fn funds_expire_daily_since_november_2022() {
    for symbol in ["SPY", "QQQ"] {
        let short = |text: &str| text.replace("X-", &format!("{symbol}-"));
        let (before, after) = (
            short("X-03D X-05D X-07W"),
            short("X-05D X-06D X-07D X-08D X-09W"),
        );
        check(symbol, "2022-10-03", "2022-10-07", &before);
        check(symbol, "2022-12-05", "2022-12-09", &after);
    }
}

#[test]
fn vix_expires_thirty_days_before_the_next_months_spx() {
    check("VIX", "2026-11-09", "2026-11-20", "VIXW-11W VIX-18M");
    // Christmas Day, Good Friday 2025 and Juneteenth 2026 on the Friday reckoned from; a Wednesday holiday.
    check("VIX", "2026-11-23", "2026-11-27", "VIXW-24W");
    check("VIX", "2025-03-17", "2025-03-21", "VIX-18M");
    check("VIX", "2026-05-18", "2026-05-22", "VIX-19M");
    check("VIX", "2024-06-17", "2024-06-21", "VIX-18M");
}

#[test]
fn nifty_moved_from_thursday_to_tuesday() {
    check(
        "NIFTY",
        "2025-08-18",
        "2025-09-30",
        "NIFTY-21W NIFTY-28M NIFTY-02W NIFTY-09W NIFTY-16W NIFTY-23W NIFTY-30M",
    );
    check(
        "NIFTY",
        "2026-03-24",
        "2026-04-13",
        "NIFTY-24W NIFTY-30M NIFTY-07W NIFTY-13W",
    );
    check(
        "RELIANCE",
        "2025-08-01",
        "2025-09-30",
        "RELIANCE-28M RELIANCE-30M",
    );
}

#[test]
fn an_indian_holiday_moves_to_the_day_before_and_not_into_the_hour_of_diwali() {
    check("NIFTY", "2025-10-20", "2025-10-24", "NIFTY-20W");
    check("NIFTY", "2021-11-01", "2021-11-05", "NIFTY-03W");
    check("NIFTY", "2026-11-23", "2026-11-27", "NIFTY-23M");
    check("SENSEX", "2026-01-12", "2026-01-16", "SENSEX-14W");
}

#[test]
fn bank_nifty_gives_up_its_weekly() {
    // The Wednesday weekly gave way to the Thursday monthly while the two differed.
    check(
        "BANKNIFTY",
        "2023-12-18",
        "2023-12-29",
        "BANKNIFTY-20W BANKNIFTY-28M",
    );
    check(
        "BANKNIFTY",
        "2024-03-18",
        "2024-03-29",
        "BANKNIFTY-20W BANKNIFTY-27M",
    );
    check(
        "BANKNIFTY",
        "2024-11-01",
        "2024-12-31",
        "BANKNIFTY-06W BANKNIFTY-13W BANKNIFTY-27M BANKNIFTY-24M",
    );
    check(
        "BANKNIFTY",
        "2025-01-01",
        "2025-02-28",
        "BANKNIFTY-30M BANKNIFTY-27M",
    );
    check(
        "FINNIFTY",
        "2024-11-04",
        "2024-11-30",
        "FINNIFTY-05W FINNIFTY-12W FINNIFTY-19W FINNIFTY-26M",
    );
}

#[test]
fn sensex_moved_from_friday_to_tuesday_to_thursday() {
    check(
        "SENSEX",
        "2024-12-23",
        "2025-01-14",
        "SENSEX-27M SENSEX-03W SENSEX-07W SENSEX-14W",
    );
    check(
        "SENSEX",
        "2025-08-19",
        "2025-09-11",
        "SENSEX-19W SENSEX-26M SENSEX-04W SENSEX-11W",
    );
    check(
        "BANKEX",
        "2024-11-11",
        "2025-01-31",
        "BANKEX-11W BANKEX-18W BANKEX-25M BANKEX-30M BANKEX-28M",
    );
}

/// Every expiry of NIFTY in NSE's bhavcopy of 2026-03-16.
#[test]
fn the_far_expiries_of_nifty_are_those_listed() {
    let calendars = shipped();
    let nifty = calendars.product("NIFTY", "XNYS").unwrap();
    let expiries = nifty.expiries(date("2026-03-16"), date("2030-12-31"));
    for listed in [
        "2026-03-17",
        "2026-03-24",
        "2026-03-30",
        "2026-04-07",
        "2026-04-13",
        "2026-04-28",
        "2026-05-26",
        "2026-06-30",
        "2026-09-29",
        "2026-12-29",
        "2027-06-29",
        "2027-12-28",
        "2028-06-27",
        "2028-12-26",
        "2029-06-26",
        "2029-12-24",
        "2030-06-25",
        "2030-12-31",
    ] {
        let found = expiries.iter().find(|expiry| expiry.date == date(listed));
        let found = found.unwrap_or_else(|| panic!("{listed}"));
        assert_eq!(
            found.provisional,
            date(listed) >= date("2027-01-01"),
            "{listed}"
        );
    }
}

#[test]
fn the_ends_of_time_do_not_panic() {
    let calendars = shipped();
    for symbol in ["SPX", "VIX", "NIFTY", "AAPL"] {
        let product = calendars.product(symbol, "XNYS").unwrap();
        product.expiries(NaiveDate::MIN, NaiveDate::MIN);
        product.expiries(NaiveDate::MAX, NaiveDate::MAX);
        assert!(product.expiries(NaiveDate::MAX, NaiveDate::MIN).is_empty());
    }
}

#[test]
fn expiries_are_ordered_unique_on_sessions_and_add_up_over_ranges() {
    let calendars = shipped();
    let (from, to) = (date("2019-12-01"), date("2031-12-31"));
    for symbol in [
        "SPX",
        "NDX",
        "RUT",
        "VIX",
        "SPY",
        "QQQ",
        "AAPL",
        "NIFTY",
        "BANKNIFTY",
        "FINNIFTY",
        "MIDCPNIFTY",
        "NIFTYNXT50",
        "SENSEX",
        "BANKEX",
    ] {
        let product = calendars.product(symbol, "XNYS").unwrap();
        let all = product.expiries(from, to);
        let keys: Vec<_> = all
            .iter()
            .map(|expiry| (expiry.date, expiry.root))
            .collect();
        assert!(
            keys.windows(2)
                .all(|pair| pair[0].0 <= pair[1].0 && pair[0] != pair[1])
        );
        for expiry in &all {
            assert!(
                product.exchange().takes_expiries(expiry.date),
                "{symbol} {expiry:?}"
            );
            assert_eq!(
                product.settlement(expiry.root),
                expiry.settlement,
                "{symbol}"
            );
        }
        for cut in [
            "2022-02-21",
            "2024-11-20",
            "2025-04-17",
            "2025-10-20",
            "2026-06-18",
        ] {
            let next = date(cut).succ_opt().unwrap();
            let mut parts = product.expiries(from, date(cut));
            parts.extend(product.expiries(next, to));
            assert_eq!(parts, all, "{symbol} {cut}");
        }
    }
}
