//! Plans and lists as the vendor's documents show them.

use super::*;
use serde_json::json;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

#[test]
fn a_plan_is_read_whatever_the_case_of_its_keys() {
    let body = json!({
        "GeneralParams": {"AllowedCallsPerHour": "3600", "Enabled": "true", "ExpirationDate": 1_800_000_000},
        "allowedExchanges": [
            {"ExchangeName": "NFO", "AllowedInstruments": 50, "DataDelay": 0},
            {"exchangename": "nse_idx", "allowedinstruments": "5", "datadelay": 15},
        ],
        "AllowedFunctions": [
            {"FunctionName": "GetInstruments", "IsEnabled": "false"},
            {"functionName": "SubscribeOptionChain", "isEnabled": true},
        ],
        "MessageType": "LimitationResult",
    });
    let plan = Limitation::read(&body, &mut Counts::default());
    assert_eq!(
        (plan.calls_per_hour, plan.enabled),
        (Some(3600), Some(true))
    );
    assert_eq!(plan.expires, Some(Timestamp::from_seconds(1_800_000_000)));
    assert_eq!(plan.exchanges["NFO"], (Some(50), false));
    assert_eq!(plan.exchanges["NSE_IDX"], (Some(5), true));
    assert!(plan.forbids(Function::GetInstruments));
    assert!(!plan.forbids(Function::SubscribeOptionChain));
    assert!(
        !plan.forbids(Function::SubscribeRealtime),
        "one that is not named is tried"
    );
    assert_eq!(
        Limitation::read(&json!({}), &mut Counts::default()),
        Limitation::default()
    );
}

#[test]
fn the_nearest_expiries_are_taken_and_past_ones_counted() {
    let values = [
        "31DEC2026",
        "26NOV2026",
        "19NOV2026",
        "26Nov2026",
        "?",
        "28JAN2027",
    ];
    let values: Vec<_> = values.iter().map(|value| json!({"Value": value})).collect();
    let mut counts = Counts::default();
    let found = expiries(
        &json!({"Result": values}),
        day("2026-11-20"),
        2,
        &mut counts,
    );
    assert_eq!(found, [day("2026-11-26"), day("2026-12-31")]);
    assert_eq!((counts.0["expired"], counts.0["malformed_expiry"]), (1, 1));
}

#[test]
fn instruments_give_strikes_lots_and_tokens_of_one_product() {
    let row = |id: &str, token: u64| json!({"Identifier": id, "TokenNumber": token.to_string(), "QuotationLot": 75.0});
    let body = json!({"Result": [
        row("OPTIDX_NIFTY_26NOV2026_CE_25100", 1),
        row("OPTIDX_NIFTY_26NOV2026_PE_25100", 2),
        row("OPTIDX_NIFTY_26NOV2026_CE_25000", 3),
        row("OPTIDX_NIFTY_19NOV2026_CE_25000", 4),
        row("OPTIDX_BANKNIFTY_26NOV2026_CE_25000", 5),
        row("FUTIDX_NIFTY_26NOV2026_XX_0", 6),
        row("NIFTY26NOV2625000CE", 7),
    ]});
    let mut counts = Counts::default();
    let all = Instruments::read(&body, "NIFTY", day("2026-11-20"), &mut counts);
    let expiry = day("2026-11-26");
    assert_eq!(all.kind.as_deref(), Some("OPTIDX"));
    assert_eq!(all.strikes[&expiry], [25_000.0, 25_100.0]);
    assert_eq!(all.tokens.len(), 3);
    assert_eq!(all.lots[&all.tokens["2"]], 75.0);
    assert_eq!(
        (counts.0["expired"], counts.0["unknown_identifier"]),
        (1, 1)
    );
    assert_eq!(all.nearest(expiry, 25_060.0), Some(25_100.0));
    assert_eq!(all.between(expiry, 24_990.0, 25_200.0), 2);
    assert_eq!(all.nearest(day("2027-01-01"), 1.0), None);
}

#[test]
fn an_index_is_spot_under_its_products_name_and_the_future_is_not() {
    let own = BTreeMap::from([(Symbol::new("NIFTY").unwrap(), "Nifty 50 TR".to_owned())]);
    let none = BTreeMap::new();
    let of = |exchange: &str, product: &str, kind: &str, own: &_| {
        let spot = spot(exchange, product, Some(kind), own)?;
        Some(format!("{} {} {}", spot.exchange, spot.id, spot.symbol))
    };
    for (exchange, product, kind, expected) in [
        ("NFO", "NIFTY", "OPTIDX", Some("NSE_IDX NIFTY 50 NIFTY")),
        (
            "NFO",
            "BANKNIFTY",
            "OPTIDX",
            Some("NSE_IDX NIFTY BANK BANKNIFTY"),
        ),
        ("BFO", "SENSEX", "OPTIDX", Some("BSE_IDX SENSEX SENSEX")),
        (
            "NFO",
            "NEWINDEX",
            "OPTIDX",
            Some("NSE_IDX NEWINDEX NEWINDEX"),
        ),
        ("NFO", "RELIANCE", "OPTSTK", Some("NSE RELIANCE RELIANCE")),
        ("NFO", "M&M", "OPTSTK", Some("NSE M&M M_M")),
        ("MCX", "GOLD", "OPTFUT", None),
    ] {
        assert_eq!(
            of(exchange, product, kind, &none).as_deref(),
            expected,
            "{product}"
        );
    }
    assert_eq!(
        of("NFO", "NIFTY", "OPTIDX", &own).unwrap(),
        "NSE_IDX Nifty 50 TR NIFTY"
    );
    let future = future("NFO", "NIFTY").unwrap();
    assert_eq!(
        (future.id.as_str(), future.symbol.as_str()),
        ("NIFTY-I", "NIFTY-I")
    );
    assert_eq!(
        [product("NIFTY-I"), product("BAJAJ-AUTO"), product("A-III")],
        ["NIFTY", "BAJAJ-AUTO", "A"]
    );
}

#[test]
fn requests_an_hour_are_summed_and_held_to_the_plan() {
    // Two symbols, three requests every 5 s.
    assert_eq!(needed(3, 5.0, 0), 2_160);
    assert_eq!(needed(0, 5.0, 7), 7);
    assert_eq!(check_quota(2_160, 3_600), Ok(()));
    let error = check_quota(2_160, 1_800).unwrap_err();
    assert!(error.contains("2160") && error.contains("1800"), "{error}");
    // 1620 of 1800 are used: 20 polls an hour each 81 times.
    let seconds = affordable_seconds(5.0, 20, 0, 1_800);
    assert!((seconds - 3_600.0 / 81.0).abs() < 1e-9, "{seconds}");
    assert_eq!(affordable_seconds(5.0, 1, 10, 1_800), 5.0);
    let needed_then = needed(20, affordable_seconds(5.0, 20, 9, 1_800), 9);
    assert!(needed_then <= 1_621, "{needed_then}");
    assert!(affordable_seconds(5.0, 3, 5_000, 1_800).is_finite());
    assert_eq!([1, 2, 5, 11, 20, 99].map(depth), [1, 5, 5, 15, 20, 20]);
}

#[test]
fn no_request_names_more_than_25_instruments_or_two_exchanges() {
    let mut all: Vec<Followed> = (0..30)
        .filter_map(|n| future("NFO", &format!("S{n}")))
        .collect();
    all.extend(spot("NFO", "NIFTY", None, &BTreeMap::new()));
    let requests = quotes(&all.iter().collect::<Vec<_>>());
    let named: Vec<usize> = requests.iter().map(|request| request.about.len()).collect();
    assert_eq!(named, [25, 5, 1]);
    assert_eq!(requests[2].body["Exchange"], "NSE_IDX");
}
