//! The importer on a response of the documented layout.

use super::*;
use crate::recording::Reader;

const RESPONSE: &str = r#"{"timestamp":"2024-01-05 21:15:03","data":{"symbol":"^SPX","security_type":"index",
"current_price":4697.24,"bid":4690.1,"ask":4701.5,"bid_size":1,"ask_size":1,"volume":0,"iv30":12.29,
"last_trade_time":"2024-01-05T16:00:03","options":[
{"option":"SPX240119C04700000","bid":41.5,"bid_size":12.0,"ask":42.1,"ask_size":30.0,"iv":0.1105,"open_interest":12345.0,"volume":77.0,"delta":0.4949,"gamma":0.0043,"vega":3.6451,"theta":-1.1234,"rho":0.8,"theo":41.8,"last_trade_price":41.7,"last_trade_time":"2024-01-05T15:59:58"},
{"option":"SPXW240119P04700000","bid":0,"bid_size":0.0,"ask":0.05,"ask_size":30.0,"iv":4.1223,"open_interest":0.0,"volume":0.0,"delta":null,"gamma":0.0,"last_trade_price":0.0,"last_trade_time":null},
{"option":"SPXW240119P0470000","bid":0}]},"symbol":"_SPX"}"#;

fn try_import(text: &str, zone: Tz) -> Result<(ImportReport, Vec<String>), ImportError> {
    let dir = tempfile::TempDir::new().unwrap();
    let (file, out) = (dir.path().join("_SPX.json"), dir.path().join("a.rec"));
    std::fs::write(&file, text).unwrap();
    let job = CboeJson {
        symbol: None,
        zone,
        delay_ms: 900_000,
        files: vec![file],
        out: out.clone(),
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
fn a_response_becomes_a_ticker_and_a_delayed_chain() {
    let (report, records) = try_import(RESPONSE, chrono_tz::UTC).unwrap();
    // The price is as late as the quotes.
    assert_eq!(report.first.unwrap(), "2024-01-05T21:00:03Z");
    assert_eq!(report.last.unwrap(), "2024-01-05T21:15:03Z");
    assert!(records[0].starts_with("market:SPX:ticker {\"bid\":4690.1,\"ask\":4701.5,"));
    assert!(records[1].starts_with(
        "options:SPX:chain {\"symbol\":\"SPX\",\"source\":\"cboe_json\",\"as_of\":1704489303000,\
         \"spot\":4697.24,\"delayed\":true,\"delay_ms\":900000,\"contracts\":[\
         {\"occ_symbol\":\"SPX240119C04700000\",\"root\":\"SPX\",\"type\":\"call\",\"strike\":4700,\
         \"expiration\":\"2024-01-19\",\"bid\":41.5,\"ask\":42.1,\"bid_size\":12.0,\
         \"ask_size\":30.0,\"last\":41.7,\"volume\":77.0,\"open_interest\":12345.0,\"iv\":0.1105,"
    ), "{}", records[1]);
    assert!(records[1].contains("\"root\":\"SPXW\"") && records[1].contains("\"iv\":\"412.23%\""));
    assert_eq!(
        (report.dropped["bad_symbol"], report.read["contracts"]),
        (1, 2)
    );
    assert!(report.noted.is_empty());
}

#[test]
fn the_zone_of_the_timestamp_can_be_given() {
    let text = RESPONSE.replace("2024-01-05 21:15:03", "2024-01-05 16:15:03");
    let (report, _) = try_import(&text, chrono_tz::America::New_York).unwrap();
    // The price is as late as the quotes.
    assert_eq!(report.first.unwrap(), "2024-01-05T21:00:03Z");
    assert_eq!(report.last.unwrap(), "2024-01-05T21:15:03Z");
    let (report, _) = try_import(&text, chrono_tz::UTC).unwrap();
    assert_eq!(report.noted["timestamp_before_last_trade"], 1);
}

#[test]
fn a_response_cut_anywhere_is_refused_with_its_name() {
    for end in 0..RESPONSE.len() {
        let error = try_import(&RESPONSE[..end], chrono_tz::UTC)
            .unwrap_err()
            .to_string();
        assert!(error.contains("_SPX.json"), "{error}");
    }
}
