//! Suites `vix_synthetic`, `vix1d_business_minutes` and `regime`. The suite of Cboe's white paper
//! is with the tests of the binary, as its option table is not ours to carry.

use quant::market::{Calendars, Chain, ChainBuilder, Head, Listing, Right, Timestamp};
use quant::pricing::RateCurve;
use quant::volatility::clock::{
    BUSINESS_YEAR_MINUTES, BusinessClock, ClockClose, ONE_DAY_MINUTES, weights,
};
use quant::volatility::index::{MIN_STRIKES, NearMemory, Terms, one_day};
use quant::volatility::regime::{Changes, RegimeMemory, RegimeParams, Thresholds};
use quant::volatility::strip::{StrikeQuotes, Strip, strip};
use serde_json::Value;

use crate::{assert_close, calendars, suite};

fn rows(chain: &Value) -> Vec<StrikeQuotes> {
    let rows = chain["chain_K_cb_ca_pb_pa"].as_array().unwrap().iter();
    rows.map(|row| StrikeQuotes {
        strike: row[0].as_f64().unwrap(),
        call_bid: row[1].as_f64(),
        call_ask: row[2].as_f64(),
        put_bid: row[3].as_f64(),
        put_ask: row[4].as_f64(),
    })
    .collect()
}

fn check_term(case: &Value, name: &str) -> Option<(f64, f64)> {
    let input = &case["input"][name];
    if input.is_null() {
        return None;
    }
    let minutes = input["minutes"].as_f64();
    let t = input["T"].as_f64();
    let t = t.unwrap_or_else(|| minutes.unwrap() / BUSINESS_YEAR_MINUTES);
    if let Some(frozen) = input["frozen_sigma2"].as_f64() {
        return Some((minutes.unwrap(), t * frozen));
    }
    let got = strip(&rows(input), t, input["r"].as_f64().unwrap(), 1).unwrap();
    let expected = serde_json::json!({
        "id": format!("{} {name}", case["id"]),
        "expected": case["expected"][name],
    });
    compare(&expected, &got);
    if let Some(strikes) = case["expected"]["selected_strikes"].as_array() {
        let selected = got.constituents.iter().map(|of| Value::from(of.strike));
        assert_eq!(&selected.collect::<Vec<_>>(), strikes);
    }
    Some((minutes.unwrap_or_default(), got.total_variance))
}

fn compare(case: &Value, got: &Strip) {
    let ends = (got.constituents.first(), got.constituents.last());
    let (lowest, highest) = (ends.0.unwrap().strike, ends.1.unwrap().strike);
    for (field, got) in [
        ("F", got.forward),
        ("sigma2", got.variance),
        ("total_var", got.total_variance),
    ] {
        assert_close(case, field, Some(got), 1e-12);
    }
    for (field, got) in [
        ("K0", got.k0),
        ("n_strikes", got.strikes_used() as f64),
        ("k_lowest", lowest),
        ("k_highest", highest),
    ] {
        assert_close(case, field, Some(got), 0.0);
    }
}

#[test]
fn vix_synthetic() {
    for case in suite("vix_synthetic") {
        assert_eq!(case["tol"]["rel"], 1e-12);
        let near = check_term(&case, "near").unwrap();
        let Some(next) = check_term(&case, "next") else {
            continue;
        };
        let weights = weights(near.0, next.0, ONE_DAY_MINUTES).unwrap();
        assert_close(&case, "w1", Some(weights.near), 1e-14);
        assert_close(&case, "w2", Some(weights.next), 1e-14);
        let total = weights.near * near.1 + weights.next * next.1;
        let index = 100.0 * (total * BUSINESS_YEAR_MINUTES / ONE_DAY_MINUTES).sqrt();
        assert_close(&case, "index", Some(index), 1e-12);
    }
}

/// A chain of SPX on 2026-11-18 with a suite's quotes for the series of that day and the next.
fn chain(calendars: &Calendars, near: &[StrikeQuotes], next: &[StrikeQuotes]) -> Chain {
    let mut builder = ChainBuilder::new(calendars, "SPX", "XNYS");
    for (expiry, rows) in [("2026-11-18", near), ("2026-11-19", next)] {
        for row in rows {
            for (right, bid, ask) in [
                (Right::Call, row.call_bid, row.call_ask),
                (Right::Put, row.put_bid, row.put_ask),
            ] {
                builder.push(Listing {
                    root: Some("SPXW"),
                    bid,
                    ask,
                    ..Listing::new(expiry.parse().unwrap(), right, row.strike)
                });
            }
        }
    }
    builder.finish(Head::default())
}

#[test]
fn a_chain_at_its_instant_gives_the_index_of_the_suite_and_freezes_in_the_last_hour() {
    let calendars = calendars();
    let clock = BusinessClock::new(calendars.exchange("XCBO").unwrap(), ClockClose::SessionEnd);
    let rates = RateCurve::Flat(0.043);
    let terms = Terms {
        rates: &rates,
        min_strikes: MIN_STRIKES,
    };
    let cases = suite("vix_synthetic");
    let case = |id: &str| cases.iter().find(|case| case["id"] == id).unwrap();
    let mut memory = NearMemory::default();
    for (id, near_of, time) in [
        ("flat20_open", "flat20_open", "09:30"),
        ("smile_noon", "smile_noon", "12:00"),
        ("smile_1500", "smile_1500", "15:00"),
        ("smile_1535_frozen", "smile_1500", "15:35"),
    ] {
        let (near, next) = (&case(near_of)["input"]["near"], &case(id)["input"]["next"]);
        let chain = chain(&calendars, &rows(near), &rows(next));
        let at = Timestamp::from_rfc3339(&format!("2026-11-18T{time}:00-05:00")).unwrap();
        // What is remembered survives a restart.
        let text = serde_json::to_string(&memory).unwrap();
        memory = serde_json::from_str(&text).unwrap();
        let got = one_day(&chain, at, &clock, terms, &mut memory).unwrap();
        assert_close(case(id), "index", Some(got.value), 1e-12);
        let near = got.near.unwrap();
        assert_eq!(near.is_frozen(), id == "smile_1535_frozen");
        assert_close(case(id), "w1", Some(near.weight), 1e-14);
        assert_eq!(got.components.zero_dte, Some(near.points()));
        let between = got.components.forward.unwrap();
        let whole = near.points().powi(2) * near.minutes
            + between.powi(2) * (got.next.minutes - near.minutes);
        let expected = got.next.points().powi(2) * got.next.minutes;
        assert!((whole / expected - 1.0).abs() < 1e-12);
    }
}

#[test]
fn vix1d_business_minutes() {
    let calendars = calendars();
    let cboe = calendars.exchange("XCBO").unwrap();
    for case in suite("vix1d_business_minutes") {
        let of = |name: &str| case["input"][name].as_str().unwrap();
        let now = Timestamp::from_rfc3339(of("now_utc")).unwrap();
        for (name, close) in [
            ("clock_1615", ClockClose::SessionEnd),
            ("clock_1600", ClockClose::Settlement),
        ] {
            let clock = BusinessClock::new(cboe, close);
            let minutes = |name: &str| clock.minutes_until(now, of(name).parse().unwrap());
            let (near, next) = (minutes("near").unwrap(), minutes("next").unwrap());
            let weights = weights(near, next, ONE_DAY_MINUTES).unwrap();
            let case = serde_json::json!({
                "id": format!("{} {name}", case["id"]),
                "expected": case["expected"][name],
            });
            assert_close(&case, "M1", Some(near), 0.0);
            assert_close(&case, "M2", Some(next), 0.0);
            assert_close(&case, "w1", Some(weights.near), 1e-14);
            assert_close(&case, "w2", Some(weights.next), 1e-14);
        }
    }
}

#[test]
fn regime() {
    for case in suite("regime") {
        let input = &case["input"];
        let of = |name: &str| input["thresholds"][name].as_f64().unwrap();
        let params = RegimeParams {
            thresholds: Thresholds {
                benign: of("NORMAL"),
                elevated: of("ELEVATED"),
                shock: of("SHOCK"),
            },
            hysteresis: input["hysteresis"].as_f64().unwrap(),
            ..RegimeParams::default()
        };
        let mut memory = RegimeMemory::default();
        let levels = input["series"].as_array().unwrap().iter();
        let got: Vec<&str> = levels
            .map(|level| {
                let level = level.as_f64().unwrap();
                let regime = memory.step(level, Changes::default(), &params);
                regime.unwrap().as_str()
            })
            .collect();
        let expected = case["expected"].as_array().unwrap().iter();
        let expected: Vec<&str> = expected.map(|name| name.as_str().unwrap()).collect();
        assert_eq!(got, expected, "{}", case["id"]);
    }
}
