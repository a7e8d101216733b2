//! The importer on small days.

use super::*;
use crate::recording::Reader;

const EOD: &str = "#expiry,strike,right,open,high,low,close,volume,open_interest,implied_volatility,delta,gamma,vega,theta,rho
,,,633.49,633.5,633.28,633.4000,131,,,,,,,
20140606,492.5,C,142.95,145.27,132.9,138.3250,0,,0,0,0,0,0,0
20140606,640,P,8.1,8.2,8,8.1500,12,77,0.2154,-0.61,0.02,0.25,-0.6,-0.05
20141306,640,P,8.1,8.2,8,8.1500,12,77,0.2154,-0.61,0.02,0.25,-0.6,-0.05
";

const QUOTES: &str = "ms,expiry,strike,right,bid_1e4,bid_size,ask_1e4,ask_size
34200000,20151231,750,C,150000,2,152000,5
34200000,20151231,750,P,,0,5000,19
34320000,20151231,750,C,151000,3,153000,4
";
const TRADES: &str = "ms,expiry,strike,right,open_1e4,high_1e4,low_1e4,close_1e4,volume
34260000,20151231,750,C,150500,151500,150500,151500,7
34320000,20151231,750,C,152000,152000,152000,152000,3
";
const UNDERLYING: &str = "ms,open_1e4,high_1e4,low_1e4,close_1e4,volume
34200000,7495500,7499900,7485400,7485400,11492
";

fn run(job: LeanChain, files: &[(&str, &str)]) -> Result<(ImportReport, Vec<String>), ImportError> {
    let dir = tempfile::TempDir::new().unwrap();
    for (name, text) in files {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    let here = |path: PathBuf| dir.path().join(path);
    let job = LeanChain {
        close: NaiveTime::from_hms_opt(16, 0, 0).unwrap(),
        every_minutes: 15,
        files: job.files.into_iter().map(here).collect(),
        quotes: job.quotes.map(here),
        trades: job.trades.map(here),
        underlying: job.underlying.into_iter().map(here).collect(),
        out: dir.path().join("a.rec"),
        ..job
    };
    let report = import(&job, 1 << 20)?;
    let records = Reader::open(&job.out).unwrap().map(|record| {
        let record = record.unwrap();
        format!(
            "{} {}",
            record.key,
            std::str::from_utf8(&record.value).unwrap()
        )
    });
    Ok((report, records.collect()))
}

fn day(text: &str) -> Result<(ImportReport, Vec<String>), ImportError> {
    let job = LeanChain {
        files: vec!["AAPL_20140602.csv".into()],
        ..LeanChain::default()
    };
    run(job, &[("AAPL_20140602.csv", text)])
}

fn minutes(quotes: &str) -> Result<(ImportReport, Vec<String>), ImportError> {
    let job = LeanChain {
        quotes: Some("GOOG_20151224_option_quote.csv".into()),
        trades: Some("t.csv".into()),
        underlying: vec!["u.csv".into()],
        ..LeanChain::default()
    };
    let files = [
        ("GOOG_20151224_option_quote.csv", quotes),
        ("t.csv", TRADES),
        ("u.csv", UNDERLYING),
    ];
    run(job, &files)
}

#[test]
fn a_days_chain_stands_at_the_close() {
    let (report, records) = day(EOD).unwrap();
    assert_eq!(report.first.unwrap(), "2014-06-02T20:00:00Z");
    assert!(records[0].starts_with("market:AAPL:ticker {\"last\":633.4000,\"volume\":131,"));
    assert!(records[1].ends_with(
        "\"spot\":633.4000,\"contracts\":[{\"occ_symbol\":\"AAPL140606C00492500\",\"root\":\"AAPL\",\
         \"type\":\"call\",\"strike\":492.5,\"expiration\":\"2014-06-06\",\"mark\":138.3250,\
         \"volume\":0},{\"occ_symbol\":\"AAPL140606P00640000\",\"root\":\"AAPL\",\"type\":\"put\",\
         \"strike\":640,\"expiration\":\"2014-06-06\",\"last\":8.1500,\"volume\":12,\
         \"open_interest\":77,\"iv\":0.2154,\"delta\":-0.61,\"gamma\":0.02,\"theta\":-0.6,\
         \"vega\":0.25,\"rho\":-0.05}]}"
    ), "{}", records[1]);
    assert_eq!(
        (report.dropped["bad_expiry"], report.noted["no_iv"]),
        (1, 1)
    );
}

#[test]
fn minutes_are_carried_forward_and_known_when_they_end() {
    let (report, records) = minutes(QUOTES).unwrap();
    assert_eq!(report.first.unwrap(), "2015-12-24T14:31:00Z");
    assert_eq!(report.last.unwrap(), "2015-12-24T14:33:00Z");
    let [ticker, first, last] = &records[..] else {
        panic!("{records:?}");
    };
    assert!(ticker.starts_with("market:GOOG:ticker {\"last\":748.54,\"volume\":11492,"));
    assert!(
        first.contains("\"bid\":15,\"ask\":15.2,\"bid_size\":2,\"ask_size\":5,\"volume\":0}"),
        "{first}"
    );
    assert!(
        last.contains(
            "\"bid\":15.1,\"ask\":15.3,\"bid_size\":3,\"ask_size\":4,\"last\":15.2,\"volume\":10}"
        ),
        "{last}"
    );
    assert!(
        last.contains("\"type\":\"put\",\"strike\":750,\"expiration\":\"2015-12-31\",\"ask\":0.5,")
    );
}

#[test]
fn a_file_cut_anywhere_is_read_in_part_or_refused() {
    for end in 0..EOD.len() {
        if let Ok((report, _)) = day(&EOD[..end]) {
            assert!(report.kept > 0);
        }
    }
    for end in 0..QUOTES.len() {
        let result = minutes(&QUOTES[..end]);
        assert_eq!(result.is_ok(), end >= QUOTES.find('\n').unwrap(), "{end}");
    }
}

#[test]
fn a_name_without_a_date_asks_for_one() {
    let job = LeanChain {
        files: vec!["chain.csv".into()],
        ..LeanChain::default()
    };
    let error = run(job, &[("chain.csv", EOD)]).unwrap_err().to_string();
    assert!(error.contains("--date"), "{error}");
}
