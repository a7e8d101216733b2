//! Restamping, token by token.

use proptest::prelude::*;

use super::*;

/// 2012-06-21T13:30:00Z.
const T0: i64 = 1_340_285_400_000_000_000;
/// A hundred days later to the second.
const START: i64 = T0 + 100 * 86_400_000_000_000;

fn check(speed: f64, value: &str, expected: &str) {
    let restamp = Restamp::new(START, T0, speed).unwrap();
    let moved = restamp.value(value.as_bytes());
    assert_eq!(std::str::from_utf8(&moved).unwrap(), expected);
}

fn unchanged(value: &[u8]) {
    let restamp = Restamp::new(START, T0, 1.0).unwrap();
    assert_eq!(&restamp.value(value)[..], value);
}

#[test]
fn time_runs_faster_from_the_start() {
    let restamp = Restamp::new(START, T0, 10.0).unwrap();
    assert_eq!(restamp.t(T0), START);
    assert_eq!(restamp.t(T0 + 50), START + 5);
    assert_eq!(restamp.t(T0 - 50), START - 5);
    assert_eq!(
        Restamp::new(i64::MAX, 0, 1.0).unwrap().t(i64::MAX),
        i64::MAX
    );
}

#[test]
fn a_speed_that_is_none_is_refused() {
    for speed in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(Restamp::new(0, 0, speed).is_err(), "{speed}");
    }
}

#[test]
fn each_number_keeps_its_unit() {
    for (before, after) in [
        ("1340285401", "1348925401"),
        ("1340285401250", "1348925401250"),
        ("1340285401250001", "1348925401250001"),
        ("1340285401250001002", "1348925401250001002"),
        ("1340285401.250", "1348925401.250"),
        ("1340285401250.5", "1348925401250.5"),
        ("1.340285401e9", "1348925401"),
        ("\"1340285401250\"", "\"1348925401250\""),
    ] {
        check(
            1.0,
            &format!("{{\"ts\":{before}}}"),
            &format!("{{\"ts\":{after}}}"),
        );
    }
}

#[test]
fn what_does_not_fit_is_rounded_down_in_whole_numbers_and_kept_in_fractions() {
    check(2.0, r#"{"ts":1340285401}"#, r#"{"ts":1348925400}"#);
    check(8.0, r#"{"ts":1340285401.0}"#, r#"{"ts":1348925400.125000}"#);
}

#[test]
fn text_keeps_its_shape() {
    for (before, after) in [
        ("2012-06-21T13:30:01Z", "2012-09-29T13:30:01Z"),
        ("2012-06-21T13:30:01.250Z", "2012-09-29T13:30:01.250Z"),
        (
            "2012-06-21T09:30:01.25-04:00",
            "2012-09-29T09:30:01.25-04:00",
        ),
        ("2012-06-21 19:00:01+0530", "2012-09-29 19:00:01+0530"),
        ("2012-06-21T13:30:01.123456", "2012-09-29T13:30:01.123456"),
    ] {
        check(
            1.0,
            &format!("{{\"as_of\":\"{before}\"}}"),
            &format!("{{\"as_of\":\"{after}\"}}"),
        );
    }
}

#[test]
fn every_time_field_at_any_depth_moves_and_every_other_byte_stays() {
    check(
        1.0,
        r#" { "a" : [ {"time":1340285400,"x":1340285400} , {"quote_ts" :1340285400}],"t":[[1340285400]],
           "o":{"start_time":1340285400,"end_time":1340285400.5,"n":NaN,"s":"\"ts\":1340285400"},
           "processed_at":null,"tick_time":"","price":585.330,"timestamp":1340285400 } "#,
        r#" { "a" : [ {"time":1348925400,"x":1340285400} , {"quote_ts" :1348925400}],"t":[[1340285400]],
           "o":{"start_time":1348925400,"end_time":1348925400.5,"n":NaN,"s":"\"ts\":1340285400"},
           "processed_at":null,"tick_time":"","price":585.330,"timestamp":1348925400 } "#,
    );
}

#[test]
fn what_is_no_time_stays() {
    for token in [
        "0",
        "-5",
        "null",
        "NaN",
        "\"\"",
        "\"soon\"",
        "\"2012-06-21\"",
        "\"2012-13-21T00:00:00Z\"",
        "{}",
        "[1340285400]",
    ] {
        unchanged(format!("{{\"ts\":{token}}}").as_bytes());
    }
}

#[test]
fn what_is_no_json_document_stays() {
    for value in [
        "",
        "1340285400",
        "\"ts\":1340285400",
        "{\"ts\":1340285400",
        "{\"ts\":1340285400}}",
        "{\"ts\":1340285400]",
        "{ts:1340285400}",
        "{\"ts\" 1340285400}",
        "{\"ts\":1340285400,}",
        "ts=1340285400 {\"ts\":1340285400}",
    ] {
        unchanged(value.as_bytes());
    }
    unchanged(b"{\"ts\":\"\xff\"}");
    unchanged("[".repeat(1_000_000).as_bytes());
}

#[test]
fn at_speed_one_from_its_own_start_nothing_changes() {
    let restamp = Restamp::new(T0, T0, 1.0).unwrap();
    for token in [
        "1.340285400e9",
        "1340285400.000",
        "\"2012-06-21T13:30:01Z\"",
        "1340285401250001002.5",
    ] {
        let value = format!("{{\"ts\":{token}}}");
        assert_eq!(&restamp.value(value.as_bytes())[..], value.as_bytes());
    }
}

fn any_json() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        "-?[0-9]{1,20}(\\.[0-9]{1,12})?([eE][-+]?[0-9]{1,3})?",
        "\"[ -!#-\\[\\]-~]{0,12}\"",
        "\"[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9](\\.[0-9]{1,10})?(Z|[+-][0-9]{2}:[0-9]{2})?\"",
        Just("null".to_owned()),
    ];
    token.prop_recursive(4, 32, 4, |inner| {
        let name = prop_oneof![Just("ts"), Just("time"), Just("x")];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4)
                .prop_map(|items| format!("[{}]", items.join(", "))),
            prop::collection::vec((name, inner), 0..4).prop_map(|members| {
                let members: Vec<String> = members
                    .iter()
                    .map(|(name, value)| format!("\"{name}\" :{value}"))
                    .collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), start: i64, origin: i64, speed in 1e-9..1e9f64) {
        let restamp = Restamp::new(start, origin, speed).unwrap();
        restamp.value(&bytes);
        restamp.t(origin.wrapping_add(start));
    }

    #[test]
    fn json_stays_json_of_the_same_shape(json in any_json(), start in 0..4_000_000_000_000_000_000i64, speed in 0.01..1000f64) {
        let moved = Restamp::new(start, T0, speed).unwrap().value(json.as_bytes());
        let shape = |bytes: &[u8]| -> Vec<u8> {
            bytes.iter().copied().filter(|byte| b"{}[],\" x".contains(byte)).collect()
        };
        prop_assert_eq!(shape(&moved), shape(json.as_bytes()));
    }

    #[test]
    fn a_whole_number_moves_by_what_its_instant_moves(age in 0..86_400_000i64) {
        let value = format!("{{\"ts\":{}}}", T0 / 1_000_000 + age);
        check(1.0, &value, &format!("{{\"ts\":{}}}", START / 1_000_000 + age));
    }
}
