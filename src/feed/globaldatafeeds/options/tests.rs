//! Rows of quotes and of greeks as one chain.

use super::super::identifier::parse;
use super::*;
use serde_json::{Value, json};

fn options(rows: &[Value]) -> (Options, Counts) {
    let (mut options, mut counts) = (Options::default(), Counts::default());
    for row in rows {
        let row = Row(row.as_object().unwrap());
        let id = row.text("InstrumentIdentifier").unwrap();
        let key = Key::of(&parse(id).unwrap()).unwrap();
        options.take(
            key,
            id,
            row,
            Timestamp::from_seconds(1_800_000_000),
            &mut counts,
        );
    }
    (options, counts)
}

fn written(options: &mut Options, quantities: Quantities) -> Value {
    let symbol = Symbol::new("NIFTY").unwrap();
    // As long as few contracts are waited for.
    let now = Timestamp::from_seconds(1_800_000_010);
    let chain = options.chain(&symbol, Some(25_010.5), false, quantities, now);
    serde_json::to_value(chain.unwrap()).unwrap()
}

const CALL: &str = "OPTIDX_NIFTY_26NOV2026_CE_25000";

#[test]
fn quotes_and_greeks_of_a_contract_come_together() {
    let (mut options, counts) = options(&[
        json!({"InstrumentIdentifier": CALL, "ServerTime": 1_795_000_000, "BuyPrice": "100.5", "SellPrice": 101,
            "LastTradePrice": 100.7, "TotalQtyTraded": 500, "OpenInterest": 1234, "OpenInterestChange": -12,
            "QuotationLot": 75.0, "BuyQty": 150, "SellQty": 75}),
        json!({"InstrumentIdentifier": CALL, "IV": 0.1127, "Delta": 0.51, "Gamma": "8.6E-04", "Theta": -9.5, "Vega": 12.0}),
    ]);
    assert_eq!(counts, Counts::default());
    let chain = written(&mut options, Quantities::Auto);
    assert_eq!(chain["source"], "globaldatafeeds");
    assert_eq!(chain["spot"], 25_010.5);
    assert_eq!(chain["as_of"], 1_795_000_000_000_i64);
    let contract = &chain["contracts"][0];
    for (name, expected) in [
        ("bid", 100.5),
        ("ask", 101.0),
        ("last", 100.7),
        ("volume", 500.0),
        ("open_interest", 1234.0),
        ("oi_change", -12.0),
        ("multiplier", 75.0),
        ("iv", 0.1127),
        ("delta", 0.51),
        ("gamma", 8.6e-4),
        ("theta", -9.5),
        ("vega", 12.0),
        ("bid_size", 150.0),
        ("strike", 25_000.0),
    ] {
        assert_eq!(contract[name].as_f64(), Some(expected), "{name}");
    }
    assert_eq!(contract["contract_id"], CALL);
    assert_eq!(contract["type"], "call");
    assert!(!options.changed);
}

#[test]
fn a_number_whose_exponent_lost_its_sign_is_none_and_counted() {
    let (mut options, counts) = options(&[json!({
        "InstrumentIdentifier": CALL, "Gamma": 8.6E06, "Vega": "8.6E", "Delta": 0.5, "IV": 0.2, "Theta": "NaN",
    })]);
    assert_eq!(
        (counts.0["implausible_number"], counts.0["malformed_number"]),
        (1, 2)
    );
    let chain = written(&mut options, Quantities::Auto);
    let contract = &chain["contracts"][0];
    assert_eq!(contract["delta"], 0.5);
    for name in ["gamma", "vega", "theta"] {
        assert_eq!(contract.get(name), None);
    }
}

#[test]
fn units_are_written_as_contracts_where_they_are_whole_lots() {
    let row = |strike: u32, interest: u32| {
        json!({
            "InstrumentIdentifier": format!("OPTIDX_NIFTY_26NOV2026_CE_{strike}"), "QuotationLot": 50.0,
            "OpenInterest": interest, "OpenInterestChange": -100, "TotalQtyTraded": 150,
        })
    };
    let (mut whole, _) = options(&[row(1, 5_657_350), row(2, 50), row(3, 100), row(4, 250)]);
    let chain = written(&mut whole, Quantities::Auto);
    let first = &chain["contracts"][0];
    assert_eq!(first["open_interest"], 113_147);
    assert_eq!(
        (&first["oi_change"], &first["volume"]),
        (&json!(-2), &json!(3))
    );
    assert_eq!(
        written(&mut whole, Quantities::Contracts)["contracts"][0]["volume"],
        150
    );
    let (mut odd, _) = options(&[row(1, 51), row(2, 50), row(3, 100), row(4, 250)]);
    assert_eq!(
        written(&mut odd, Quantities::Auto)["contracts"][0]["open_interest"],
        51
    );
    assert_eq!(
        written(&mut odd, Quantities::Units)["contracts"][1]["open_interest"],
        1
    );
}

#[test]
fn a_row_that_is_older_changes_nothing_and_what_expired_is_forgotten() {
    let (mut options, counts) = options(&[
        json!({"InstrumentIdentifier": CALL, "ServerTime": 1_795_000_010, "LastTradePrice": 2}),
        json!({"InstrumentIdentifier": CALL, "ServerTime": 1_795_000_000, "LastTradePrice": 1}),
    ]);
    assert_eq!(counts.0["late"], 1);
    assert_eq!(
        written(&mut options, Quantities::Auto)["contracts"][0]["last"],
        2
    );
    options.forget_before("2026-11-27".parse().unwrap());
    let symbol = Symbol::new("NIFTY").unwrap();
    let now = Timestamp::from_seconds(1);
    assert!(
        options
            .chain(&symbol, None, false, Quantities::Auto, now)
            .is_none()
    );
}

#[test]
fn a_contract_that_is_no_longer_told_is_left_out() {
    let (mut options, mut counts) = options(&[
        json!({"InstrumentIdentifier": CALL, "LastTradePrice": 1}),
        json!({"InstrumentIdentifier": "OPTIDX_NIFTY_26NOV2026_PE_24000", "LastTradePrice": 1}),
    ]);
    let row = json!({"LastTradePrice": 2});
    let key = Key::of(&parse(CALL).unwrap()).unwrap();
    let later = Timestamp::from_seconds(1_800_000_301);
    options.take(key, CALL, Row(row.as_object().unwrap()), later, &mut counts);
    let chain = written(&mut options, Quantities::Auto);
    assert_eq!(chain["contracts"].as_array().unwrap().len(), 1);
    assert_eq!(chain["contracts"][0]["type"], "call");
}

#[test]
fn what_the_vendor_counts_in_is_told_once() {
    let row = |strike: u32, open: u32| {
        json!({"InstrumentIdentifier": format!("OPTIDX_NIFTY_26NOV2026_CE_{strike}"),
            "OpenInterest": open, "QuotationLot": 75.0, "LastTradePrice": 1})
    };
    let symbol = Symbol::new("NIFTY").unwrap();
    let at = |seconds: i64| Timestamp::from_seconds(1_800_000_000 + seconds);
    let (mut few, _) = options(&[row(25_000, 750)]);
    let mut chain = |seconds| few.chain(&symbol, None, false, Quantities::Auto, at(seconds));
    assert!(
        chain(3).is_none(),
        "one contract of a whole chain tells nothing"
    );
    assert!(chain(10).is_some(), "nothing more came");

    let rows: Vec<Value> = (0..20)
        .map(|n| row(25_000 + 50 * n, 75 * (n + 1)))
        .collect();
    let (mut units, mut counts) = options(&rows);
    let open = |chain: Option<Snapshot>| {
        let chain = serde_json::to_value(chain.unwrap()).unwrap();
        chain["contracts"][0]["open_interest"].as_f64()
    };
    let chain = units.chain(&symbol, None, false, Quantities::Auto, at(0));
    assert_eq!(open(chain), Some(1.0));
    // Lots that change in the middle of the day make no other unit of it.
    for n in 0..20 {
        let row = row(25_000 + 50 * n, 75 * (n + 1) + 1);
        let row = Row(row.as_object().unwrap());
        let id = row.text("InstrumentIdentifier").unwrap();
        let key = Key::of(&parse(id).unwrap()).unwrap();
        units.take(key, id, row, at(1), &mut counts);
    }
    let chain = units.chain(&symbol, None, false, Quantities::Auto, at(1));
    assert_eq!(open(chain), Some(76.0 / 75.0));
}
