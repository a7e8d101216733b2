//! Every shape of a chain that producers write, and what they must not break.

use chrono::NaiveDate;
use proptest::prelude::*;
use quant::market::{Calendars, Column};

use super::*;
use crate::config::DateOrder;

/// Noon of 2026-09-21 in UTC.
const NOW: Timestamp = Timestamp::from_seconds(1_789_992_000);

fn calendars() -> Calendars {
    Calendars::from_toml(include_str!("../../../../config/sessions.toml")).unwrap()
}

fn decode_by(rules: &Rules, text: &str) -> (Option<Chain>, Vec<String>) {
    let calendars = calendars();
    let mut bad = BadInput::default();
    let builder = ChainBuilder::new(&calendars, "SPX", "XNYS");
    let chain = rules.decoder(NOW, &mut bad).chain(text.as_bytes(), builder);
    let reasons = bad.iter().map(|(s, r, n)| format!("{s}/{r}={n}"));
    (chain, reasons.collect())
}

fn decode(text: &str) -> (Option<Chain>, Vec<String>) {
    decode_by(&Rules::default(), text)
}

#[track_caller]
fn clean(text: &str) -> Chain {
    let (chain, bad) = decode(text);
    assert_eq!(bad, Vec::<String>::new(), "{text}");
    chain.unwrap_or_else(|| panic!("no chain in {text}"))
}

fn dropped(chain: &Chain) -> Vec<(&'static str, u64)> {
    chain
        .dropped
        .iter()
        .map(|(reason, n)| (*reason, *n))
        .collect()
}

/// One call of SPXW at 6000 that says more in `fields`.
fn one(fields: &str) -> String {
    format!(r#"[{{"contract_id":"SPXW  261120C06000000"{fields}}}]"#)
}

fn field(fields: &str, column: impl Fn(&Chain) -> &Column) -> (Option<f64>, Vec<String>) {
    let (chain, bad) = decode(&one(&format!(",{fields}")));
    let chain = chain.unwrap();
    assert_eq!((chain.contracts.len(), chain.listed), (1, 1), "{fields}");
    (column(&chain).get(0), bad)
}

#[test]
fn every_container_holds_the_same_contracts() {
    let call = r#"{"contract_id":"SPXW261120C06000000","bid":1.5}"#;
    let put = r#"{"contract_id":"SPXW261120P06000000","bid":2.5}"#;
    let expected = clean(&format!("[{call},{put}]"));
    assert_eq!(expected.contracts.right, [Right::Call, Right::Put]);
    assert_eq!(expected.contracts.strike, [6000.0, 6000.0]);
    assert_eq!(&*expected.series[0].root, "SPXW");
    let plain =
        |bid: f64| format!(r#"{{"strike":6000,"expiry":"2026-11-20","root":"SPXW","bid":{bid}}}"#);
    let (plain_call, plain_put) = (plain(1.5), plain(2.5));
    for text in [
        format!(r#"{{"contracts":[{put},{call}]}}"#),
        format!(r#"{{"options":[{call},{put}]}}"#),
        format!(r#"{{"by_contract":{{"a":{call},"b":{put}}}}}"#),
        r#"{"by_contract":{"SPXW261120C06000000":{"bid":1.5},"SPXW261120P06000000":{"bid":2.5}}}"#
            .into(),
        format!(
            r#"{{"raw":[{{"x":"}}]"}}],"calls":[{plain_call}],"metrics":{{}},"puts":[{plain_put}]}}"#
        ),
        // Of several lists the best that has contracts counts, wherever it stands.
        format!(r#"{{"by_contract":{{}},"contracts":[{call},{put}],"options":[{call}]}}"#),
        format!(r#"{{"options":[{call},1],"calls":[{call}],"contracts":[{call},{put}]}}"#),
        format!(
            r#"{{"contracts":[{call}],"by_contract":{{"x":{call},"y":{put}}},"options":null}}"#
        ),
    ] {
        assert_eq!(clean(&text), expected, "{text}");
    }
}

#[test]
fn the_head_is_read_wherever_it_stands() {
    let text = format!(
        r#"{{"contracts":{},"symbol":"SPX","source":"cboe","as_of":1789991999,"timestamp":1,"spot_price":"6,001.5","delay_ms":900000,"delayed":true}}"#,
        one("")
    );
    let head = decode(&text).0.unwrap().head;
    let expected = Head {
        source: Some("cboe".into()),
        as_of: Timestamp::from_seconds(1_789_991_999),
        delay: Span::from_millis(900_000),
        delayed: true,
        spot: Some(6001.5),
    };
    assert_eq!(head, expected);
    for alias in ["spot", "spot_price", "underlying_price"] {
        let text = format!(r#"{{"{alias}":5,"options":{}}}"#, one(""));
        assert_eq!(clean(&text).head.spot, Some(5.0));
    }
    let rules = Rules {
        chain_delay: Span::from_millis(7),
        ..Rules::default()
    };
    let head = decode_by(&rules, &one("")).0.unwrap().head;
    assert_eq!(
        (head.as_of, head.delay, head.delayed),
        (NOW, Span::from_millis(7), false)
    );
}

#[test]
fn contracts_without_an_expiry_have_that_of_the_chain() {
    let contract = r#"{"type":"C","strike":6000,"gamma":20}"#;
    let before = clean(
        &format!(r#"{{"expiry":"20-Nov-2026","spot":0.5,"calls":[{contract}]}}"#)
            .replace("20}", "4}"),
    );
    let behind = clean(&format!(
        r#"{{"calls":[{contract}],"spot":6000,"expiry":1795132800}}"#
    ));
    let expected = NaiveDate::from_ymd_opt(2026, 11, 20).unwrap();
    assert_eq!(
        (before.series[0].expiry, behind.series[0].expiry),
        (expected, expected)
    );
    assert_eq!(behind.contracts.gamma.get(0), Some(0.2));
    let none = decode(&format!("[{contract}]")).0.unwrap();
    assert_eq!((none.listed, dropped(&none)), (1, vec![("no_expiry", 1)]));
}

const FULL: &str = r#"[{"contract_id":"x","type":"call","strike":6000,"expiration":"2026-11-20","implied_volatility":0.2,"delta":0.5,"gamma":0.01,"theta":-1,"vega":2,"rho":3,"open_interest":10,"oi_change":-4,"volume":20,"bid":1,"ask":2,"bid_size":3,"ask_size":4,"last":1.25,"mark":1.5,"multiplier":100,"style":"EUROPEAN","settlement":"AM","root":"SPX","quote_ts":1789991999,"extras":{"a":[1]}}]"#;

#[test]
fn every_alias_of_a_contract_is_read() {
    let full = clean(FULL);
    assert_eq!(full.series[0].settlement, Settlement::Am);
    assert_eq!(full.series[0].style, Style::European);
    assert_eq!(full.contracts.quote_seconds.get(0), Some(1_789_991_999.0));
    for (from, to) in [
        (r#""type":"call""#, r#""option_type":"C""#),
        (r#""type":"call""#, r#""right":"CE""#),
        (r#""type":"call""#, r#""type":"OPTION","cp_flag":"c""#),
        (r#""strike":6000"#, r#""strike_price":"6,000.00""#),
        (r#""strike":6000"#, r#""strike":null,"strike_price":6e3"#),
        (r#""expiration""#, r#""expiry""#),
        (r#""expiration":"2026-11-20""#, r#""exdate":20261120"#),
        (r#""implied_volatility":0.2"#, r#""iv":"20%""#),
        (r#""implied_volatility":0.2"#, r#""iv":20.0"#),
        (r#""delta":0.5"#, r#""delta":50"#),
        (r#""open_interest""#, r#""oi""#),
        (r#""oi_change""#, r#""change_in_oi""#),
        (r#""last""#, r#""last_price""#),
        (r#""last""#, r#""ltp""#),
        (r#""mark""#, r#""mid""#),
        (r#""multiplier""#, r#""contract_size""#),
        (r#""multiplier""#, r#""lot_size""#),
        (r#""quote_ts":1789991999"#, r#""timestamp":"1789991999000""#),
        (
            r#""contract_id":"x""#,
            r#""occ_symbol":"AAPL261120P00001000""#,
        ),
        (
            r#""contract_id":"x","type":"call","strike":6000,"expiration":"2026-11-20","#,
            r#""symbol":"OPTIDX_X_20NOV2026_CE_6000","#,
        ),
    ] {
        let text = FULL.replace(from, to);
        assert_eq!(clean(&text), full, "{to}");
    }
}

#[test]
fn units_are_repaired_and_what_cannot_be_is_missing_and_counted() {
    let iv = |value: &str| field(&format!(r#""iv":{value}"#), |c| &c.contracts.iv);
    let delta = |value: &str| field(&format!(r#""delta":{value}"#), |c| &c.contracts.delta);
    let gamma = |value: &str| field(&format!(r#""gamma":{value}"#), |c| &c.contracts.gamma);
    let bid = |value: &str| field(&format!(r#""bid":{value}"#), |c| &c.contracts.bid);
    let oi = |value: &str| field(&format!(r#""oi":{value}"#), |c| &c.contracts.open_interest);
    let is = |value| (Some(value), Vec::<String>::new());
    let none = || (None, Vec::<String>::new());
    let bad = |reason: &str| (None, vec![format!("chain/{reason}=1")]);
    assert_eq!(iv("3"), is(3.0));
    assert_eq!(iv("3.5"), is(0.035));
    assert_eq!(iv("\"12%\""), is(0.12));
    assert_eq!(iv("\"2 %\""), is(0.02));
    assert_eq!(iv("1000"), is(10.0));
    for missing in [
        "0",
        "0.0",
        "null",
        "\"\"",
        "\"null\"",
        "NaN",
        "\"Infinity\"",
    ] {
        assert_eq!(iv(missing), none(), "{missing}");
    }
    for value in ["-999", "1001", "-0.1", "\"high\"", "true", "[]", "1e999"] {
        assert_eq!(iv(value), bad("bad_iv"), "{value}");
    }
    assert_eq!(delta("-1.6"), is(-0.016));
    assert_eq!(delta("-100"), is(-1.0));
    assert_eq!(delta("1.2"), bad("bad_delta"));
    assert_eq!(delta("-999"), bad("bad_delta"));
    assert_eq!(gamma("0"), none());
    assert_eq!(gamma("5"), is(5.0));
    assert_eq!(gamma("6"), is(0.06));
    assert_eq!(gamma("-0.1"), bad("bad_gamma"));
    assert_eq!(bid("0"), is(0.0));
    assert_eq!(bid("\"1,234.5\""), is(1234.5));
    for value in ["-1", "1e7", "\"1,5\"", "\"5%\"", "\"x\""] {
        assert_eq!(bid(value), bad("bad_price"), "{value}");
    }
    assert_eq!(oi("\"12,345,678\""), is(12_345_678.0));
    assert_eq!(oi("-1"), bad("bad_size"));
    let ask = field(r#""ask":0"#, |c| &c.contracts.ask);
    assert_eq!(ask, none());
    let cheap = r#"{"spot":0.5,"contracts":[{"contract_id":"SPXW261120C00000500","gamma":6}]}"#;
    let (chain, reasons) = decode(cheap);
    assert_eq!(chain.unwrap().contracts.gamma.get(0), None);
    assert_eq!(reasons, ["chain/bad_gamma=1"]);
}

#[test]
fn what_cannot_be_used_is_counted_and_changes_no_other_contract() {
    let good = [
        r#"{"type":"c","strike":6000,"expiry":"2026-11-20","root":"SPXW","iv":20,"gamma":0}"#,
        r#"{"type":"c","strike":6000,"expiry":"2026-11-20","root":"SPX","iv":0.2,"bid":3.1}"#,
        r#"{"type":"p","strike":5900,"expiry":"11/20/2026","root":"SPXW","bid":0.05}"#,
    ];
    let unusable = [
        r#"{"type":"c","strike":6000,"expiry":"2026-13-40"}"#,
        r#"{"contract_id":"SPXW261120C06000000","expiry":"03/04/2027"}"#,
        r#"{"type":"c","strike":0,"expiry":"2026-11-20"}"#,
        r#"{"contract_id":"SPXW261120C06000000","strike":"n/a"}"#,
        r#"{"type":"c","strike":6000,"expiry":"2026-09-18"}"#,
        r#"{"strike":6000,"expiry":"2026-11-20"}"#,
        r#"{"type":"p","expiry":"2026-11-20"}"#,
        "7",
        "null",
    ];
    let alone = clean(&format!("[{}]", good.join(",")));
    let mixed: Vec<&str> = unusable
        .iter()
        .chain(&good)
        .chain(&unusable)
        .copied()
        .collect();
    let mixed = clean(&format!("[{}]", mixed.join(",")));
    assert_eq!(alone.contracts.len(), 3);
    assert_eq!(mixed.contracts, alone.contracts);
    assert_eq!(mixed.series, alone.series);
    let roots: Vec<&str> = alone.series.iter().map(|s| &*s.root).collect();
    assert_eq!(roots, ["SPX", "SPXW"]);
    let expected = [
        ("bad_expiry", 4),
        ("bad_strike", 4),
        ("expired", 2),
        ("no_right", 2),
        ("no_strike", 2),
        ("not_an_object", 4),
    ];
    assert_eq!(dropped(&mixed), expected);
    assert_eq!(mixed.listed, 21);
    let day_first = Rules {
        date_order: Some(DateOrder::DayFirst),
        ..Rules::default()
    };
    let text = r#"[{"type":"c","strike":1,"expiry":"03/04/2027"}]"#;
    let chain = decode_by(&day_first, text).0.unwrap();
    assert_eq!(chain.series[0].expiry.to_string(), "2027-04-03");
}

#[test]
fn a_whole_that_cannot_be_used_says_why() {
    for (text, reason) in [
        ("", "bad_json"),
        ("null", "bad_json"),
        ("{}x", "bad_json"),
        ("{}", "no_contracts"),
        ("[]", "no_contracts"),
        (r#"{"contracts":null,"calls":[]}"#, "no_contracts"),
    ] {
        assert_eq!(
            decode(text),
            (None, vec![format!("chain/{reason}=1")]),
            "{text}"
        );
    }
    let rules = Rules {
        max_contracts: 2,
        max_value_bytes: 200,
        ..Rules::default()
    };
    let count = |reason: &str| (None, vec![format!("chain/{reason}=1")]);
    assert_eq!(decode_by(&rules, "[1,2,3]"), count("too_many_contracts"));
    assert!(decode_by(&rules, "[1,2]").0.is_some());
    assert_eq!(decode_by(&rules, &" ".repeat(201)), count("too_large"));
    let both = r#"{"options":[1,2],"contracts":[1,2]}"#;
    assert_eq!(decode_by(&rules, both).0.unwrap().listed, 2);
    let calendars = calendars();
    let mut bad = BadInput::default();
    let builder = ChainBuilder::new(&calendars, "SPX", "XNYS");
    let rules = Rules::default();
    assert_eq!(rules.decoder(NOW, &mut bad).chain(b"[\xff]", builder), None);
    assert_eq!(bad.iter().next(), Some(("chain", "bad_utf8", 1)));
}

#[test]
fn a_text_cut_anywhere_is_bad_json_and_nothing_else() {
    let text = format!(
        r#"{{"source":"é","calls":{},"by_contract":{{"SPXW261120P06000000":{{"iv":-1,"bid":"1,2","x":{{"y":[NaN]}}}}}},"expiry":"2026-11-20"}}"#,
        one(r#","iv":-1,"quote_ts":"2026-09-21 10:00:00""#)
    );
    assert!(decode(&text).0.is_some());
    let bad = (None, vec!["chain/bad_json=1".to_owned()]);
    for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
        assert_eq!(decode(&text[..at]), bad, "{}", &text[..at]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_text_panics(text in ".{0,100}", close in r#"[\[\]{},:"a1C.]{0,40}"#) {
        let _ = decode(&text);
        let _ = decode(&close);
        let _ = decode(&format!(r#"{{"contracts":[{{"strike":{close}}}]}}"#));
    }

    #[test]
    fn chains_that_serde_json_writes_have_the_same_numbers(
        rows in proptest::collection::vec((1_u32..90_000, any::<bool>(), 0.0..1e6_f64, -1.0..1.0_f64, proptest::option::of(1e-6..3.0_f64)), 1..20),
        shape in 0..4_usize,
    ) {
        let mut rows = rows;
        rows.sort_by_key(|row| (row.0, row.1));
        rows.dedup_by_key(|row| (row.0, row.1));
        let contract = |row: &(u32, bool, f64, f64, Option<f64>)| serde_json::json!({
            "strike": f64::from(row.0) / 8.0, "type": if row.1 { "put" } else { "call" },
            "expiry": "2026-11-20", "root": "SPXW", "bid": row.2, "delta": row.3, "iv": row.4,
            "note": {"a": [row.2, "\"]"]},
        });
        let all: Vec<_> = rows.iter().map(contract).collect();
        let text = match shape {
            0 => serde_json::json!(all),
            1 => serde_json::json!({"contracts": all}),
            2 => serde_json::json!({"raw": all, "options": all}),
            _ => serde_json::json!({"by_contract": all.iter().enumerate().map(|(n, c)| (n.to_string(), c.clone())).collect::<serde_json::Map<_, _>>()}),
        };
        let (chain, bad) = decode(&text.to_string());
        prop_assert!(bad.is_empty());
        let contracts = chain.unwrap().contracts;
        prop_assert_eq!(contracts.len(), rows.len());
        for (at, row) in rows.iter().enumerate() {
            prop_assert_eq!(contracts.strike[at], f64::from(row.0) / 8.0);
            prop_assert_eq!(contracts.right[at] == Right::Put, row.1);
            prop_assert_eq!(contracts.bid.get(at), Some(row.2));
            prop_assert_eq!(contracts.delta.get(at), Some(row.3));
            prop_assert_eq!(contracts.iv.get(at), row.4);
        }
    }
}
