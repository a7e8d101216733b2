//! Volatility indices: Cboe's white paper, and its published VIX from the real chains of those
//! days through the real binary.

use std::path::{Path, PathBuf};

use quant::volatility::clock::{
    BUSINESS_YEAR_MINUTES, CALENDAR_YEAR_MINUTES, THIRTY_DAY_MINUTES, weights,
};
use quant::volatility::strip::{StrikeQuotes, Strip, strip};
use serde_json::Value;

use crate::harness::{require_shared, run};

/// "The Cboe Volatility Index" (2014), appendix 1: every option of both terms.
#[test]
fn the_white_papers_example_is_1369() {
    let shared = require_shared!();
    let text = std::fs::read_to_string(shared.join("cases/vix_whitepaper.json")).unwrap();
    let suite: Value = serde_json::from_str(&text).unwrap();
    let case = &suite["cases"][0];
    let (near, next) = (term(case, "near"), term(case, "next"));
    let expected = &case["expected"];
    for (strike, contribution) in expected["near_contribution"].as_object().unwrap() {
        let strike: f64 = strike.parse().unwrap();
        let mut strikes = near.1.constituents.iter();
        let got = strikes.find(|of| of.strike == strike).unwrap();
        close(got.contribution, contribution);
    }
    let weights = weights(near.0, next.0, THIRTY_DAY_MINUTES).unwrap();
    let total = weights.near * near.1.total_variance + weights.next * next.1.total_variance;
    let index = 100.0 * (total * CALENDAR_YEAR_MINUTES / THIRTY_DAY_MINUTES).sqrt();
    println!("white paper: {index}");
    close(index, &expected["index"]);
    assert!((index - expected["index_published"].as_f64().unwrap()).abs() <= 0.005);
}

/// Minutes and strip of a term, compared with what the suite knows of it.
fn term(case: &Value, name: &str) -> (f64, Strip) {
    let (input, expected) = (&case["input"][name], &case["expected"][name]);
    let rows = input["chain_K_cb_ca_pb_pa"].as_array().unwrap().iter();
    let rows = rows.map(|row| StrikeQuotes {
        strike: row[0].as_f64().unwrap(),
        call_bid: row[1].as_f64(),
        call_ask: row[2].as_f64(),
        put_bid: row[3].as_f64(),
        put_ask: row[4].as_f64(),
    });
    let rows: Vec<StrikeQuotes> = rows.collect();
    let minutes = input["minutes"].as_f64().unwrap();
    let rate = input["r"].as_f64().unwrap();
    let got = strip(&rows, minutes / CALENDAR_YEAR_MINUTES, rate, 5).unwrap();
    close(got.forward, &expected["F"]);
    close(got.variance, &expected["sigma2"]);
    close(got.total_variance, &expected["total_var"]);
    assert_eq!(Some(got.k0), expected["K0"].as_f64());
    assert_eq!(got.strikes_used() as u64, expected["n_strikes"]);
    (minutes, got)
}

#[track_caller]
fn close(got: f64, expected: &Value) {
    let expected = expected.as_f64().unwrap();
    assert!((got / expected - 1.0).abs() <= 1e-12, "{got} {expected}");
}

/// One of the downloads as a recording.
struct Download {
    _folder: tempfile::TempDir,
    recording: PathBuf,
}

impl Download {
    fn import(shared: &Path, name: &str, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let recording = folder.path().join("spx.rec");
        let file = shared.join(format!("data/cboe_quotedata/raw/{name}.csv.zst"));
        let args = [
            &[
                "import",
                "cboe-quotedata",
                text(&file),
                "--out",
                text(&recording),
            ],
            more,
        ];
        run(&args.concat()).succeeded();
        Self {
            _folder: folder,
            recording,
        }
    }

    fn vix(&self, more: &[&str]) -> Value {
        let args = [&["vix", text(&self.recording), "--json"], more].concat();
        serde_json::from_str(&run(&args).succeeded()).unwrap()
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Rows of the reference: name, --as-of, rate, the published close where the quotes are of the close.
const DAYS: [(&str, &str, &str, Option<f64>); 3] = [
    (
        "SPX_2022-02-05",
        "2022-02-04T16:15:00-05:00",
        "0.0005",
        Some(23.22),
    ),
    (
        "SPX_2024-01-07",
        "2024-01-05T16:15:00-05:00",
        "0.054",
        Some(13.35),
    ),
    (
        "SPX_2023-06-09_1340",
        "2023-06-09T13:25:00-04:00",
        "0.052",
        None,
    ),
];

#[test]
fn real_chains_give_the_published_vix() {
    let shared = require_shared!();
    let path = shared.join("data/reference_vectors/vix_from_real_chains.csv");
    let reference = std::fs::read_to_string(path).unwrap();
    for (name, as_of, rate, published) in DAYS {
        let row = reference.lines().find(|row| row.starts_with(name)).unwrap();
        let cells: Vec<&str> = row.split(',').collect();
        let cell = |at: usize| cells[at].parse::<f64>().unwrap();
        // Saved on the weekend after, or a quarter of an hour late as free quotes are.
        let delay: &[&str] = match published {
            Some(_) => &[],
            None => &["--delay-ms", "900000"],
        };
        let download = Download::import(&shared, name, delay);
        let got = download.vix(&["--as-of", as_of, "--rate", rate]);
        let vix = got["vix"].as_f64().unwrap();
        println!("{name}: {vix} (another program {})", cells[17]);
        assert!((vix - cell(17)).abs() < 6e-5, "{got}");
        for (term, at) in [("near", 3), ("next", 10)] {
            let term = &got[term];
            assert_eq!(
                (&term["expiry"], &term["root"]),
                (&cells[at].into(), &cells[at + 1].into())
            );
            assert_eq!(term["minutes"].as_f64(), Some(cell(at + 2)));
            assert_eq!(term["k0"].as_f64(), Some(cell(at + 5)));
            assert_eq!(term["strikes_used"].as_f64(), Some(cell(at + 6)));
            let near = |field: &str, at: usize, within: f64| {
                let got = term[field].as_f64().unwrap();
                assert!(
                    (got - cell(at)).abs() <= within,
                    "{field}: {got} {}",
                    cells[at]
                );
            };
            near("variance", at + 3, 6e-11);
            near("forward", at + 4, 6e-5);
        }
        match published {
            Some(close) => assert!((vix - close).abs() <= 0.01, "{vix}"),
            None => assert!(vix > cell(20) && vix < cell(19), "{vix}"),
        }
    }
}

#[test]
fn a_session_under_way_has_a_one_day_index_between_its_parts() {
    let shared = require_shared!();
    let download = Download::import(&shared, "SPX_2023-06-09_1340", &["--delay-ms", "900000"]);
    let as_of = ["--as-of", "2023-06-09T13:40:00-04:00"];
    let got = download.vix(&[&as_of[..], &["--days", "1", "--rate", "0.052"]].concat());
    println!("{got}");
    // 13:25 to 16:15, and a whole session more until the series of Monday expire.
    assert_eq!(
        (&got["near"]["minutes"], &got["next"]["minutes"]),
        (&170.0.into(), &575.0.into())
    );
    assert_eq!(
        (&got["near"]["expiry"], &got["next"]["expiry"]),
        (&"2023-06-09".into(), &"2023-06-12".into())
    );
    let years = got["next"]["t_years"].as_f64().unwrap();
    assert!((years - 575.0 / BUSINESS_YEAR_MINUTES).abs() < 1e-15);
    let of = |value: &Value| value.as_f64().unwrap();
    let vix = of(&got["vix"]);
    let (today, forward) = (
        of(&got["components"]["zero_dte"]),
        of(&got["components"]["forward"]),
    );
    assert!(
        vix > today.min(forward) && vix < today.max(forward),
        "{got}"
    );
    // The official index was between 9 and 14 in that week.
    assert!((5.0..25.0).contains(&vix), "{got}");
}

#[test]
fn what_a_recording_cannot_tell_is_refused() {
    let shared = require_shared!();
    let download = Download::import(&shared, "SPX_2024-01-07", &[]);
    let refused = |more: &[&str], why: &str| {
        let args = [&["vix", text(&download.recording)], more].concat();
        let said = run(&args).refused();
        assert!(said.contains(why), "{said}");
    };
    refused(&[], "--as-of");
    refused(
        &["--as-of", "2024-01-05T15:00:00-05:00"],
        "holds no chain of SPX so early",
    );
    let as_of = ["--as-of", "2024-01-08T09:00:00-05:00"];
    let with = |more: &[&'static str]| [&as_of[..], more].concat();
    refused(
        &with(&["--symbol", "SPY"]),
        "holds no chain of SPY (give --symbol; there is: SPX)",
    );
    refused(&with(&["--days", "1"]), "outside index hours");
    refused(&with(&["--days", "9"]), "--days");
    refused(&with(&["--rate", "54"]), "--rate: must be -0.5 to 5");
}

#[test]
fn a_file_without_a_chain_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (events, recording) = (folder.path().join("a.jsonl"), folder.path().join("a.rec"));
    let event =
        r#"{"t_ns":1340285400000000000,"op":"set","key":"market:SPX:ticker","value":{"bid":1}}"#;
    std::fs::write(&events, event).unwrap();
    run(&["import", "jsonl", text(&events), "--out", text(&recording)]).succeeded();
    let as_of = ["--as-of", "2012-06-21T12:00:00-04:00"];
    let said = run(&[&["vix", text(&recording)], &as_of[..]].concat()).refused();
    assert!(said.contains("holds no option chain"), "{said}");
    let said = run(&[&["vix", text(&events)], &as_of[..]].concat()).refused();
    assert!(said.contains("is not a recording"), "{said}");
}
