//! Monthly expiries of United States equity options, against the sessions of exchange_calendars.

use chrono::{Months, NaiveDate};
use quant::market::ExpiryKind;

use crate::{calendars, suite};

#[test]
fn monthly_expiries_are_exact() {
    let calendars = calendars();
    let product = calendars.product("AAPL", "XNYS").unwrap();
    let cases = suite("expiry_calendar");
    assert_eq!(cases.len(), 42);

    for case in cases {
        let (id, expected) = (&case["id"], &case["expected"]);
        assert_eq!(case["input"]["rule"], "us_monthly", "{id}");
        let number = |key: &str| case["input"][key].as_u64().unwrap();
        let (year, month) = (number("year") as i32, number("month") as u32);
        let first = NaiveDate::from_ymd_opt(year, month, 1).unwrap();
        let last = (first + Months::new(1)).pred_opt().unwrap();
        let monthlies: Vec<_> = product
            .expiries(first, last)
            .into_iter()
            .filter(|expiry| expiry.kind == ExpiryKind::Monthly)
            .collect();
        let [monthly] = monthlies[..] else {
            panic!("{id}: {monthlies:?}");
        };
        assert_eq!(
            expected["third_friday"],
            monthly.nominal.to_string(),
            "{id}"
        );
        assert_eq!(expected["expiry"], monthly.date.to_string(), "{id}");
        assert_eq!(expected["shifted"], monthly.date != monthly.nominal, "{id}");
        assert!(!monthly.provisional, "{id}");
    }
}
