//! The importer on small downloads, whole and damaged.

use super::header::parse_time;
use super::*;
use crate::recording::Reader;

const COLUMN_LINE: &str = "Expiration Date,Calls,Last Sale,Net,Bid,Ask,Volume,IV,Delta,Gamma,Open Interest,Strike,Puts,Last Sale,Net,Bid,Ask,Volume,IV,Delta,Gamma,Open Interest";

const DOWNLOAD: &str = "
\"NASDAQ 100, the index\",\"Last: 14694.3506,Change:  193.2506\"
\"Date: February 5 2022, 8:26 PM EST\",Bid: 14690,Ask: 14700.5,Size: 3*5,\"Volume: 1,234,567
Expiration Date,Calls,Last Sale,Net,Bid,Ask,Volume,IV,Delta,Gamma,Open Interest,Strike,Puts,Last Sale,Net,Bid,Ask,Volume,IV,Delta,Gamma,Open Interest
Mon Feb 07 2022,NDXP220207C11000000,0,0,3657.4,3683.2,0,4.075,0.9996,0,0,11000.00,NDXP220207P11000000,1.35,0,0,0.1,\"1,200\",1.0499,-0.0003,0,2
Tue Feb 08 2022,NDX220207C11100000,0,0,3556.4,3583.2,\"7,0,0.9995,0,0,11100.00,NDX220207P11100000,0,0,0,0.35,0,1.0195,-0.0003,0,0
";

fn try_import(
    text: &str,
    as_of_ms: Option<i64>,
) -> Result<(ImportReport, Vec<String>), ImportError> {
    let dir = tempfile::TempDir::new().unwrap();
    let (file, out) = (dir.path().join("quotedata.csv"), dir.path().join("a.rec"));
    std::fs::write(&file, text).unwrap();
    let job = QuoteData {
        symbol: None,
        as_of_ms,
        delay_ms: 0,
        files: vec![file],
        out: out.clone(),
    };
    let report = import(&job, 1 << 20)?;
    let records = Reader::open(&out).unwrap().map(|record| {
        let record = record.unwrap();
        format!(
            "{} {} {}",
            record.t_ns,
            record.key,
            std::str::from_utf8(&record.value).unwrap()
        )
    });
    Ok((report, records.collect()))
}

#[test]
fn a_download_becomes_a_ticker_and_a_chain() {
    let (report, records) = try_import(DOWNLOAD, None).unwrap();
    assert_eq!(
        records[0],
        "1644110760000000000 market:NDX:ticker {\"bid\":14690,\"ask\":14700.5,\"bid_size\":3,\
         \"ask_size\":5,\"last\":14694.3506,\"volume\":1234567,\"timestamp\":1644110760000000000}"
    );
    let chain = records[1]
        .strip_prefix("1644110760000000000 options:NDX:chain ")
        .unwrap();
    assert!(
        chain.starts_with(
            "{\"symbol\":\"NDX\",\"source\":\"cboe_quotedata\",\"as_of\":1644110760000,\
             \"spot\":14694.3506,\"contracts\":[{\"occ_symbol\":\"NDXP220207C11000000\",\
             \"root\":\"NDXP\",\"type\":\"call\",\"strike\":11000.00,\"expiration\":\"2022-02-07\",\
             \"bid\":3657.4,\"ask\":3683.2,\"last\":0,\"volume\":0,\"open_interest\":0,\
             \"iv\":\"407.5%\",\"delta\":0.9996,\"gamma\":0},{"
        ),
        "{chain}"
    );
    assert!(
        chain.contains("\"volume\":1200,\"open_interest\":2,\"iv\":1.0499"),
        "{chain}"
    );
    assert!(
        chain.contains("\"volume\":7,\"open_interest\":0,\"delta\":0.9995"),
        "{chain}"
    );
    assert_eq!((report.read["rows"], report.read["contracts"]), (2, 4));
    assert_eq!(report.noted["expiry_from_symbol"], 2);
}

#[test]
fn the_time_is_read_in_the_languages_of_browsers() {
    let expected = instant::parse_rfc3339("2023-12-09T20:49:00-05:00").unwrap();
    for text in [
        "December 9, 2023 at 8:49 PM EST",
        "December 9 2023, 8:49 PM EST",
        "9 December 2023, 8:49 pm",
        "9 декабря 2023 г. в 20:49 GMT-5",
        "9 de diciembre de 2023, 20:49 EST",
        "9 de diciembre de 2023 a las 8:49 p. m. EST",
        "9. Dezember 2023 um 20:49 ET",
        "9 décembre 2023 à 20:49 UTC−5",
        "9 dicembre 2023 alle ore 20:49 GMT-05:00",
        "9 de dezembro de 2023 às 20:49 GMT-5",
        "10 December 2023 at 01:49 UTC",
        "2023-12-09 20h49",
    ] {
        assert_eq!(parse_time(text), Ok(expected), "{text}");
    }
    let summer = instant::parse_rfc3339("2023-03-04T12:05:00-05:00").unwrap();
    for text in [
        "4. März 2023 um 12:05 Uhr",
        "4 mars 2023 12:05 PM",
        "4 марта 2023 12:05 EST",
    ] {
        assert_eq!(parse_time(text), Ok(summer), "{text}");
    }
    for damaged in [
        "4 June 4",
        "",
        "June 11, 2022",
        "8:47 PM EDT",
        "June 11, 2022, 8:47 PM XYZT",
    ] {
        assert!(parse_time(damaged).is_err(), "{damaged}");
    }
}

#[test]
fn a_damaged_date_asks_for_the_time_and_takes_it() {
    let damaged = DOWNLOAD.replace("\"Date: February 5 2022, 8:26 PM EST\"", "Date: 4 June 4");
    let error = try_import(&damaged, None).unwrap_err().to_string();
    assert!(
        error.contains("line 3") && error.contains("--as-of"),
        "{error}"
    );
    let (report, _) = try_import(&damaged, Some(1_654_300_000_000)).unwrap();
    assert_eq!(report.first.unwrap(), "2022-06-03T23:46:40Z");
}

#[test]
fn the_first_line_may_be_missing_and_the_last_cut_off() {
    let cut = DOWNLOAD.trim_start();
    let (report, _) = try_import(&cut[..cut.len() - 40], None).unwrap();
    assert_eq!(
        (report.read["contracts"], report.dropped["bad_row"]),
        (2, 1)
    );
    assert_eq!(report.noted["ends_within_a_row"], 1);
}

#[test]
fn what_is_no_download_is_refused_with_its_name() {
    for text in [
        "",
        "a,b,c\n1,2,3\n",
        &format!("{COLUMN_LINE}\n"),
        "Expiration Date,Calls\n",
    ] {
        let error = try_import(text, Some(1)).unwrap_err().to_string();
        assert!(error.contains("quotedata.csv"), "{error}");
    }
}

#[test]
fn a_download_cut_anywhere_is_read_in_part_or_refused() {
    for end in 0..=DOWNLOAD.len() {
        if let Ok((report, _)) = try_import(&DOWNLOAD[..end], Some(1_644_110_760_000)) {
            assert_eq!(report.kept, 2, "{end}");
        }
    }
}
