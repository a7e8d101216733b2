//! The importer on responses of each layout.

use super::*;
use crate::import::chain::instant;
use crate::recording::Reader;

const SCHWAB: &str = r#"{"symbol":"MSFT","underlying":null,"isDelayed":false,"underlyingPrice":245.375,
"putExpDateMap":{"2021-05-21:3":{"215.0":[{"putCall":"PUT","symbol":"MSFT_052121P215","bid":0.06,"ask":0.07,"last":0.06,"mark":0.07,"bidSize":47,"askSize":28,"totalVolume":3860,"quoteTimeInLong":1621281599412,"volatility":51.745,"delta":-0.013,"gamma":0.002,"theta":-0.052,"vega":0.009,"rho":0.0,"openInterest":7959,"strikePrice":215.0,"multiplier":100.0,"settlementType":" "}]}},
"callExpDateMap":{"2021-05-21:3":{"215.0":[{"putCall":"CALL","symbol":"MSFT  210521C00215000","bid":30.1,"ask":30.4,"quoteTimeInLong":1621281598426,"volatility":"NaN","delta":-999.0,"gamma":"NaN","openInterest":1,"strikePrice":215.0,"settlementType":"P"}]}}}"#;

const UPSTOX: &str = r#"export const response = {"status":"success","data":[{"expiry":"2024-06-20","pcr":874.7,"strike_price":20150,"underlying_key":"NSE_INDEX|Nifty 50","underlying_spot_price":23593.5,
"call_options":{"instrument_key":"NSE_FO|43962","market_data":{"ltp":3425,"volume":50,"oi":2125,"close_price":3352.45,"bid_price":3265.75,"bid_qty":500,"ask_price":3606.75,"ask_qty":250,"prev_oi":2150},"option_greeks":{"vega":0,"theta":0,"gamma":0,"delta":1,"iv":0}},
"put_options":{"instrument_key":"NSE_FO|43968","market_data":{"ltp":0.05,"volume":75,"oi":1858900,"bid_price":0,"bid_qty":0,"ask_price":0.05,"ask_qty":25,"prev_oi":2115750},"option_greeks":{"vega":0,"theta":-0.0009,"gamma":0,"delta":0,"iv":250}}}]};
console.log(response)"#;

const DHAN: &str = r#"{"data":{"last_price":24964.25,"oc":{"25000.000000":{"ce":{"greeks":{"delta":0.53,"theta":-15.1,"gamma":0.00132,"vega":12.18},"implied_volatility":9.78,"last_price":134,"oi":3786445,"previous_oi":402220,"top_ask_price":134,"top_ask_quantity":1365,"top_bid_price":133.55,"top_bid_quantity":1625,"volume":117567970,"security_id":42528}}}},"status":"success"}"#;

const TRADIER: &str = r#"{"options":{"option":{"symbol":"SPY250919C00650000","underlying":"SPY","last":1.5,"volume":10,"bid":1.4,"ask":1.6,"bidsize":3,"asksize":4,"bid_date":1755000000000,"open_interest":99,"contract_size":100,"greeks":{"delta":0.5,"mid_iv":0.12}}}}"#;

const YAHOO: &str = r#"{"optionChain":{"result":[{"underlyingSymbol":"^SPX","quote":{"regularMarketPrice":6400.5,"regularMarketTime":1755000000},"options":[{"calls":[{"contractSymbol":"SPXW250919C06500000","strike":6500.0,"lastPrice":30.5,"bid":30.1,"ask":30.9,"impliedVolatility":0.115,"contractSize":"REGULAR"}],"puts":[{"contractSymbol":"SPXW250919P06500000","bid":0,"ask":0,"impliedVolatility":1.0E-5}]}]}],"error":null}}"#;

const POLYGON: &str = r#"{"results":[{"details":{"contract_type":"call","exercise_style":"american","expiration_date":"2025-12-19","shares_per_contract":100,"strike_price":650,"ticker":"O:SPY251219C00650000"},"greeks":{"delta":0.5},"implied_volatility":0.15,"last_quote":{"bid":10.1,"ask":10.2,"last_updated":1755000000123456789},"open_interest":77,"underlying_asset":{"price":640.5,"ticker":"SPY","timeframe":"DELAYED"}}],"status":"OK"}"#;

fn job() -> BrokerJson {
    BrokerJson {
        symbol: None,
        as_of_ms: None,
        spot: None,
        expiry: None,
        quantity: None,
        files: Vec::new(),
        out: PathBuf::new(),
    }
}

fn try_import(job: BrokerJson, text: &str) -> Result<(ImportReport, Vec<String>), ImportError> {
    let dir = tempfile::TempDir::new().unwrap();
    let (file, out) = (dir.path().join("chain.json"), dir.path().join("a.rec"));
    std::fs::write(&file, text).unwrap();
    let job = BrokerJson {
        files: vec![file],
        out: out.clone(),
        ..job
    };
    let report = import(&job, 1 << 20)?;
    let records = Reader::open(&out).unwrap().map(|record| {
        let record = record.unwrap();
        format!(
            "{} {}",
            record.key,
            std::str::from_utf8(&record.value).unwrap()
        )
    });
    Ok((report, records.collect()))
}

#[test]
fn schwabs_chain_has_percent_made_fractions_and_sentinels_left_out() {
    let (report, records) = try_import(job(), SCHWAB).unwrap();
    assert_eq!(
        records[1],
        "options:MSFT:chain {\"symbol\":\"MSFT\",\"source\":\"schwab\",\"as_of\":1621281599412,\
         \"spot\":245.375,\"contracts\":[{\"occ_symbol\":\"MSFT210521C00215000\",\
         \"root\":\"MSFT\",\"type\":\"call\",\"strike\":215.0,\"expiration\":\"2021-05-21\",\
         \"bid\":30.1,\"ask\":30.4,\"open_interest\":1,\"settlement\":\"pm\"},\
         {\"occ_symbol\":\"MSFT210521P00215000\",\"root\":\"MSFT\",\"type\":\"put\",\
         \"strike\":215.0,\"expiration\":\"2021-05-21\",\"bid\":0.06,\"ask\":0.07,\
         \"bid_size\":47,\"ask_size\":28,\"last\":0.06,\"mark\":0.07,\"volume\":3860,\
         \"open_interest\":7959,\"iv\":0.51745,\"delta\":-0.013,\"gamma\":0.002,\
         \"theta\":-0.052,\"vega\":0.009,\"rho\":0.0,\"multiplier\":100.0}]}"
    );
    assert_eq!(report.read["contracts"], 2);
}

#[test]
fn upstox_wants_the_time_and_counts_in_units() {
    let error = try_import(job(), UPSTOX).unwrap_err().to_string();
    assert!(error.contains("--as-of"), "{error}");
    let as_of_ms = instant::parse_rfc3339("2024-06-20T15:30:00+05:30").ok();
    let (_, records) = try_import(BrokerJson { as_of_ms, ..job() }, UPSTOX).unwrap();
    assert!(
        records[1].starts_with("options:NIFTY:chain "),
        "{}",
        records[1]
    );
    assert!(
        records[1].contains(
            "{\"contract_id\":\"NSE_FO|43968\",\"type\":\"put\",\"strike\":20150,\
         \"expiration\":\"2024-06-20\",\"bid\":0,\"ask\":0.05,\"bid_size\":0,\"ask_size\":25,\
         \"last\":0.05,\"volume\":75,\"open_interest\":1858900,\"oi_change\":-256850,\"iv\":2.5,\
         \"delta\":0,\"gamma\":0,\"theta\":-0.0009,\"vega\":0,\"multiplier\":1}"
        ),
        "{}",
        records[1]
    );
}

#[test]
fn the_other_layouts_are_told_apart_by_their_members() {
    let dhan = BrokerJson {
        symbol: Symbol::new("NIFTY").ok(),
        as_of_ms: Some(1_755_000_000_000),
        expiry: NaiveDate::from_ymd_opt(2025, 10, 7),
        ..job()
    };
    let spot = Some("640.10".to_owned());
    for (job, text, symbol, parts) in [
        (
            dhan,
            DHAN,
            "NIFTY",
            ["\"oi_change\":3384225", "\"iv\":0.0978"],
        ),
        (
            BrokerJson { spot, ..job() },
            TRADIER,
            "SPY",
            ["\"spot\":640.10", "\"iv\":0.12"],
        ),
        (
            job(),
            YAHOO,
            "SPX",
            ["\"as_of\":1755000000000", "\"iv\":0.115"],
        ),
        (
            job(),
            POLYGON,
            "SPY",
            ["\"delayed\":true", "\"style\":\"american\""],
        ),
    ] {
        let (_, records) = try_import(job, text).unwrap();
        assert!(
            records[1].starts_with(&format!("options:{symbol}:chain ")),
            "{records:?}"
        );
        for part in parts {
            assert!(records[1].contains(part), "{part} {}", records[1]);
        }
        assert!(!records[1].contains("1.0E-5"));
    }
}

#[test]
fn an_unknown_layout_lists_those_that_are_known() {
    for text in ["{\"chain\":[]}", "[1,2]", "{}"] {
        let error = try_import(job(), text).unwrap_err().to_string();
        assert!(
            error.contains("known: TD Ameritrade/Schwab, Upstox"),
            "{error}"
        );
    }
    let error = try_import(job(), "no chain").unwrap_err().to_string();
    assert!(error.contains("holds no JSON"), "{error}");
}

#[test]
fn a_response_cut_anywhere_is_refused_with_its_name() {
    for text in [SCHWAB, DHAN, TRADIER, YAHOO, POLYGON] {
        for end in 0..text.len() {
            let error = try_import(job(), &text[..end]).unwrap_err().to_string();
            assert!(error.contains("chain.json"), "{error}");
        }
    }
}
