//! The importer on responses of the two documented layouts.

use super::*;
use crate::recording::Reader;

const V1: &str = r#"{"records":{"expiryDates":["07-Aug-2024"],"data":[
{"strikePrice":24000,"expiryDate":"07-Aug-2024","CE":{"strikePrice":24000,"expiryDate":"07-Aug-2024","underlying":"NIFTY","identifier":"OPTIDXNIFTY07-08-2024CE24000.00","openInterest":1500,"changeinOpenInterest":-25,"totalTradedVolume":90210,"impliedVolatility":14.07,"lastPrice":210.5,"bidQty":25,"bidprice":210.1,"askQty":75,"askPrice":210.95,"underlyingValue":24123.4},
"PE":{"strikePrice":24000,"expiryDate":"07-Aug-2024","underlying":"NIFTY","openInterest":7,"impliedVolatility":0,"lastPrice":0,"bidQty":0,"bidprice":0,"askQty":0,"askPrice":0}}],
"timestamp":"06-Aug-2024 15:30:00","underlyingValue":24123.4},"filtered":{"data":[]}}"#;

const V3: &str = r#"{"records":{"data":[
{"strikePrice":"24000","expiryDates":"07-Aug-2024","CE":null,
"PE":{"strikePrice":"24000","expiryDate":"07-08-2024","underlying":"NIFTY","openInterest":7,"changeinOpenInterest":1,"impliedVolatility":15.5,"lastPrice":9.05,"buyQuantity1":50,"buyPrice1":9,"sellQuantity1":100,"sellPrice1":9.1}},
{"strikePrice":"24050","expiryDates":"soon","CE":{"openInterest":7},"PE":null}],
"timestamp":"06-Aug-2024 15:30:00","underlyingValue":24123.4}}"#;

fn try_import(text: &str) -> Result<(ImportReport, Vec<String>), ImportError> {
    let dir = tempfile::TempDir::new().unwrap();
    let (file, out) = (dir.path().join("nifty.json"), dir.path().join("a.rec"));
    std::fs::write(&file, text).unwrap();
    let job = NseJson {
        symbol: None,
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
fn the_first_layout_is_read() {
    let (report, records) = try_import(V1).unwrap();
    // 15:30 in India.
    assert_eq!(report.first.unwrap(), "2024-08-06T10:00:00Z");
    assert_eq!(
        records[1],
        "options:NIFTY:chain {\"symbol\":\"NIFTY\",\"source\":\"nse_json\",\"as_of\":1722938400000,\
         \"spot\":24123.4,\"contracts\":[{\"contract_id\":\"OPTIDXNIFTY07-08-2024CE24000.00\",\
         \"type\":\"call\",\"strike\":24000,\"expiration\":\"2024-08-07\",\"bid\":210.1,\
         \"ask\":210.95,\"bid_size\":25,\"ask_size\":75,\"last\":210.5,\"volume\":90210,\
         \"open_interest\":1500,\"oi_change\":-25,\"iv\":0.1407},{\"type\":\"put\",\
         \"strike\":24000,\"expiration\":\"2024-08-07\",\"bid\":0,\"ask\":0,\"bid_size\":0,\
         \"ask_size\":0,\"last\":0,\"open_interest\":7}]}"
    );
    assert_eq!(report.read["contracts"], 2);
}

#[test]
fn the_third_layout_is_read() {
    let (report, records) = try_import(V3).unwrap();
    assert!(
        records[1].ends_with(
            "\"contracts\":[{\"type\":\"put\",\"strike\":24000,\"expiration\":\"2024-08-07\",\
         \"bid\":9,\"ask\":9.1,\"bid_size\":50,\"ask_size\":100,\"last\":9.05,\
         \"open_interest\":7,\"oi_change\":1,\"iv\":0.155}]}"
        ),
        "{}",
        records[1]
    );
    assert_eq!(report.dropped["bad_expiry"], 1);
}

#[test]
fn a_blocked_answer_says_what_to_do() {
    let error = try_import("{}").unwrap_err().to_string();
    assert!(
        error.contains("blocks") && error.contains("nifty.json"),
        "{error}"
    );
}

#[test]
fn a_response_cut_anywhere_is_refused_with_its_name() {
    for text in [V1, V3] {
        for end in 0..text.len() {
            let error = try_import(&text[..end]).unwrap_err().to_string();
            assert!(error.contains("nifty.json"), "{error}");
        }
    }
}
