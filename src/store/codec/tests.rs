//! What producers write, and what they must not break.

use proptest::prelude::*;
use quant::market::signing::quote_rule;

use super::*;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn decode<T>(decode: impl FnOnce(&mut Decoder<'_>) -> T) -> (T, Vec<String>) {
    let mut bad = BadInput::default();
    let value = decode(&mut Decoder {
        rules: &Rules::default(),
        received: NOW,
        bad: &mut bad,
    });
    let reasons = bad.iter().map(|(s, r, n)| format!("{s}/{r}={n}"));
    (value, reasons.collect())
}

fn trade(text: &str) -> (Option<Trade>, Vec<String>) {
    let (decoded, bad) = decode(|decoder| decoder.trade(text.as_bytes()));
    (decoded.map(|decoded| decoded.trade), bad)
}

fn quote(text: &str) -> (Option<Quote>, Vec<String>) {
    decode(|decoder| decoder.ticker(text.as_bytes()))
}

fn book(text: &str) -> (Option<OrderBook>, Vec<String>) {
    decode(|decoder| decoder.book(text.as_bytes()))
}

fn price(value: f64) -> Option<Price> {
    Price::from_f64(value)
}

fn clean<T>((value, bad): (Option<T>, Vec<String>)) -> T {
    assert_eq!(bad, Vec::<String>::new());
    value.unwrap()
}

#[test]
fn every_alias_of_a_trade_is_read() {
    let full = clean(trade(
        r#"{"price":585.33,"size":18,"timestamp":1799999999.5,"side":"BUY","venue":"XNAS"}"#,
    ));
    assert_eq!(full.price, price(585.33).unwrap());
    assert_eq!(full.size, Size::from_f64(18.0).unwrap());
    assert_eq!(full.at, Timestamp::from_millis(1_799_999_999_500));
    assert_eq!(full.flag, Side::Buy);
    assert_eq!(full.venue, Some(Venue::new("XNAS")));
    for text in [
        r#"{"last":"585.33","qty":"18","ts":1799999999500,"direction":"b","exchange":"XNAS"}"#,
        r#"{"p":585.330,"volume":18.0,"time":1799999999500000,"taker_side":"+","market_center":"XNAS"}"#,
        r#"{"p":5.8533e2,"s":18,"time":"1799999999500000000","buyer_maker":false,"venue":"XNAS"}"#,
        r#"{"p":585.33,"s":18,"time":"2027-01-15T07:59:59.5Z","side":null,"direction":"bid","venue":"XNAS"}"#,
    ] {
        assert_eq!(clean(trade(text)), full, "{text}");
    }
}

#[test]
fn the_best_alias_wins_wherever_it_stands() {
    let both = clean(trade(
        r#"{"p":1,"price":2,"last":3,"size":1,"time":1799999999}"#,
    ));
    assert_eq!(both.price, price(2.0).unwrap());
    let null = clean(trade(r#"{"price":null,"p":1,"size":1,"time":1799999999}"#));
    assert_eq!(null.price, price(1.0).unwrap());
}

#[test]
fn an_id_that_says_nothing_is_none() {
    for id in ["null", "\"null\"", "\"\"", "NaN", "true"] {
        let text = format!(r#"{{"p":1,"s":1,"ts":1799999999,"id":{id}}}"#);
        let (decoded, _) = decode(|decoder| decoder.trade(text.as_bytes()));
        assert_eq!(decoded.unwrap().id, None, "{id}");
    }
}

#[test]
fn a_buyer_who_made_the_market_was_hit() {
    let text = r#"{"p":1,"qty":1,"time":1799999999,"buyer_maker":true}"#;
    assert_eq!(clean(trade(text)).flag, Side::Sell);
}

#[test]
fn the_quote_of_a_trade_takes_both_sides() {
    let both = clean(trade(
        r#"{"p":10,"s":1,"ts":1799999999,"bid":9.99,"ask":10.02}"#,
    ));
    assert_eq!(quote_rule(both.price, both.touch), Side::Sell);
    let half = clean(trade(
        r#"{"p":10,"s":1,"ts":1799999999,"bid":9.99,"ask":null}"#,
    ));
    assert_eq!(half.touch, None);
}

#[test]
fn what_makes_no_trade_is_counted_with_its_reason() {
    for (text, reason) in [
        ("", "trades/bad_json=1"),
        ("{\"price\":1", "trades/bad_json=1"),
        ("[]", "trades/bad_json=1"),
        (
            r#"{"price":1,"size":1,"time":1799999999}x"#,
            "trades/bad_json=1",
        ),
        (r#"{"size":1,"time":1799999999}"#, "trades/no_price=1"),
        (
            r#"{"price":NaN,"size":1,"time":1799999999}"#,
            "trades/no_price=1",
        ),
        (
            r#"{"price":1,"size":"","time":1799999999}"#,
            "trades/no_size=1",
        ),
    ] {
        assert_eq!(trade(text), (None, vec![reason.to_owned()]), "{text}");
    }
    for value in ["0", "-1", "1e308", "\"x\"", "true", "1e7", "{}"] {
        let text = format!(r#"{{"price":{value},"size":1,"time":1799999999}}"#);
        let expected = ["trades/bad_price=1", "trades/no_price=1"].map(str::to_owned);
        assert_eq!(trade(&text), (None, expected.to_vec()), "{text}");
    }
    let (value, bad) = decode(|decoder| decoder.trade(b"{\"price\":\xff}"));
    assert_eq!((value, bad), (None, vec!["trades/bad_utf8=1".to_owned()]));
}

#[test]
fn a_time_that_cannot_be_is_the_time_of_receipt() {
    for (time, reasons) in [
        ("1800000003", vec!["trades/future_time=1"]),
        ("0", vec!["trades/bad_time=1", "trades/no_time=1"]),
        (
            "\"yesterday\"",
            vec!["trades/bad_time=1", "trades/no_time=1"],
        ),
        ("null", vec!["trades/no_time=1"]),
    ] {
        let (value, bad) = trade(&format!(r#"{{"price":1,"size":1,"time":{time}}}"#));
        assert_eq!(value.unwrap().at, NOW, "{time}");
        assert_eq!(bad, reasons, "{time}");
    }
}

#[test]
fn a_time_without_an_offset_is_read_in_the_configured_zone() {
    let mut bad = BadInput::default();
    let rules = Rules {
        naive_zone: Tz::America__New_York,
        ..Rules::default()
    };
    let text = br#"{"price":1,"size":1,"time":"2012-06-21 09:30:00.25"}"#;
    let decoded = Decoder {
        rules: &rules,
        received: NOW,
        bad: &mut bad,
    }
    .trade(text);
    let expected = Timestamp::from_rfc3339("2012-06-21T13:30:00.25Z").unwrap();
    assert_eq!(decoded.unwrap().trade.at, expected);
    assert_eq!(bad.iter().next(), Some(("trades", "naive_time", 1)));
}

#[test]
fn the_spot_of_a_ticker_is_the_first_price_it_has() {
    let spot = |text: &str| clean(quote(text)).spot;
    let time = r#""timestamp":1799999999000"#;
    assert_eq!(
        spot(&format!(r#"{{"mid":2,"last":1,"bid":3,"ask":4,{time}}}"#)),
        price(1.0)
    );
    assert_eq!(
        spot(&format!(r#"{{"last":null,"price":5,"close":4,{time}}}"#)),
        price(4.0)
    );
    assert_eq!(spot(&format!(r#"{{"bid":3,"ask":4,{time}}}"#)), price(3.5));
    assert_eq!(spot(&format!(r#"{{"bid":3,{time}}}"#)), None);
}

#[test]
fn one_bad_field_of_a_ticker_costs_that_field_only() {
    let (value, bad) = quote(r#"{"bid":-1,"ask":10.02,"last":10,"ts":1799999999}"#);
    let value = value.unwrap();
    assert_eq!((value.bid, value.ask), (None, price(10.02)));
    assert_eq!(bad, ["ticker/bad_price=1"]);
    assert_eq!(quote("{}"), (None, vec!["ticker/no_price=1".to_owned()]));
}

#[test]
fn levels_are_objects_or_pairs() {
    let pairs = clean(book(
        r#"{"bids":[[10,3],["9.99","5"]],"asks":[],"timestamp":1799999999}"#,
    ));
    let objects = clean(book(
        r#"{"timestamp":1799999999,"asks":[],"bids":[{"price":10,"size":3,"venue":"X"},{"size":5,"price":9.99}]}"#,
    ));
    assert_eq!(pairs, objects);
    assert_eq!(pairs.bids.len(), 2);
}

#[test]
fn a_bad_level_costs_its_level_only() {
    let (value, bad) = book(r#"{"bids":[[0,1],[9,-1],null,[8,1]],"asks":null,"ts":1799999999}"#);
    assert_eq!(value.unwrap().bids.len(), 1);
    assert_eq!(
        bad,
        ["book/bad_level=3", "book/bad_price=1", "book/bad_size=1"]
    );
    let (value, bad) = book(r#"{"bids":"x","ts":1799999999}"#);
    assert_eq!(
        (value, bad),
        (
            None,
            vec![
                "book/bad_levels=1".to_owned(),
                "book/no_levels=1".to_owned()
            ]
        )
    );
}

#[test]
fn discovered_numbers_are_integer_text() {
    let (value, bad) = decode(|decoder| decoder.discovered(b"5000"));
    assert_eq!((value, bad), (Size::from_f64(5000.0), vec![]));
    for text in [&b"12,500"[..], b"5000 shares"] {
        let (value, _) = decode(|decoder| decoder.discovered(text));
        assert_eq!(value, None, "a part of it is another number");
    }
    let (value, bad) = decode(|decoder| decoder.discovered(b"many"));
    assert_eq!(
        (value, bad),
        (None, vec!["discovered/bad_size=1".to_owned()])
    );
}

#[test]
fn conditions_are_a_list_or_a_text_and_a_sweep_may_be_a_flag() {
    let iso_odd = Conditions::SWEEP.with(Conditions::ODD_LOT);
    for (fields, expected) in [
        (r#""conditions":["ISO","ODD_LOT"]"#, iso_odd),
        (r#""cond":"@F I""#, iso_odd),
        (r#""cond":["F"],"conditions":["I",null,14,{}]"#, iso_odd),
        (r#""is_sweep":true,"cond":"I""#, iso_odd),
        (r#""sweep":"true""#, Conditions::SWEEP),
        (r#""sweep":false,"cond":["of a vendor"]"#, Conditions::NONE),
        (r#""cond":"S","asset_type":"option""#, Conditions::SWEEP),
        (r#""cond":"S","asset_type":"equity""#, Conditions::NONE),
        (r#""cond":null,"sweep":null"#, Conditions::NONE),
    ] {
        let text = format!(r#"{{"price":1,"size":1,"time":1799999999,{fields}}}"#);
        assert_eq!(clean(trade(&text)).conditions, expected, "{fields}");
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        decode(|decoder| decoder.trade(&bytes));
        decode(|decoder| decoder.ticker(&bytes));
        decode(|decoder| decoder.book(&bytes));
        decode(|decoder| decoder.discovered(&bytes));
    }

    #[test]
    fn no_broken_document_panics(cut in 0usize..200, at in 0usize..200, byte in any::<u8>()) {
        let text = br#"{"bids":[{"price":10.5,"size":3}],"asks":[[10.6,"4"]],"bid":1,"price":"2","size":3,"time":"2026-01-01T00:00:00Z","id":"a\u0041"}"#;
        let mut bytes = text[..cut.min(text.len())].to_vec();
        if let Some(place) = bytes.get_mut(at) {
            *place = byte;
        }
        decode(|decoder| decoder.trade(&bytes));
        decode(|decoder| decoder.ticker(&bytes));
        decode(|decoder| decoder.book(&bytes));
    }
}
