//! Five hundred symbols of which some are missing, over or unreadable.

use quant::calculators::UNIVERSE;
use serde_json::json;

use super::*;
use crate::config::Config;
use crate::engine::setup::{Setup, known};

const NOW: Timestamp = Timestamp::from_millis(1_795_190_400_000);

fn symbols(count: usize) -> Vec<Symbol> {
    let name = |at: usize| Symbol::new(&format!("S{at:04}")).unwrap();
    (0..count).map(name).collect()
}

fn engine(symbols: &[Symbol]) -> UniverseEngine {
    let setup = Setup::new(Config::defaults(&known()), quant::calculators::PER_SYMBOL);
    UniverseEngine::new(UNIVERSE, setup.overall_terms(symbols)).unwrap()
}

/// Numbers with many digits, of which the sum depends on every one.
fn gex(at: usize) -> f64 {
    let at = at as f64;
    (at - 250.0) * 1_234_567.890_123 + at * at * 1e-7
}

fn summary(at: usize, valid_until: Timestamp) -> Bytes {
    let document = json!({
        "spot": 100.5, "vpin": 0.25, "total_gex": gex(at), "total_dex": -gex(at), "status": {},
        "as_of_ms": {}, "timestamp": 1.0,
        "meta": {"as_of_ms": NOW.millis() - 40, "valid_until_ms": valid_until.millis(), "status": "ok"},
    });
    document.to_string().into()
}

/// What stands at a symbol's summary: of a hundred, 20 missing, 5 malformed, 5 over.
fn at_summary(at: usize) -> Fetched {
    let later = NOW.plus(Span::from_millis(30_000));
    match at % 100 {
        0..20 => Fetched::Missing,
        20..23 => Fetched::Value("{\"spot\": 1".into()),
        23 => Fetched::WrongType,
        24 => Fetched::Value("{\"total_gex\": \"many\", \"meta\": {}}".into()),
        25..30 => Fetched::Value(summary(at, NOW.minus(Span::from_millis(1)))),
        _ => Fetched::Value(summary(at, later)),
    }
}

fn body(turned: &UniverseTurned, key: &str) -> Value {
    let write = turned.writes.iter().find(|write| &*write.key == key);
    serde_json::from_slice(&write.unwrap().value).unwrap()
}

#[test]
fn sums_are_those_of_the_good_ones_to_the_last_bit() {
    let all = symbols(500);
    let due = Jobs::NONE.with(Job::Portfolio).with(Job::Sectors);
    let mut of_all = engine(&all);
    let texts = of_all.texts(due, &all).into_iter();
    let answers: Answers = texts.zip((0..500).map(at_summary)).collect();
    let turned = of_all.turn(&all, &answers, due, NOW);

    let is_good = |at: &usize| at % 100 >= 30;
    let good: Vec<Symbol> = (0..500).filter(is_good).map(|at| all[at].clone()).collect();
    let mut of_good = engine(&good);
    let texts = of_good.texts(due, &good).into_iter();
    let answers: Answers = texts
        .zip((0..500).filter(is_good).map(at_summary))
        .collect();
    let expected = of_good.turn(&good, &answers, due, NOW);

    let key = "analytics:portfolio:summary";
    let (got, expected) = (body(&turned, key), body(&expected, key));
    for field in ["total_gex", "total_dex", "avg_vpin", "counts"] {
        assert_eq!(got[field], expected[field], "{field}");
    }
    let exact: f64 = quant::universe::totals::sum((0..500).filter(is_good).map(gex))
        .unwrap()
        .0;
    assert_eq!(got["total_gex"], exact);
    assert_eq!(got["symbol_count"], 500);
    assert_eq!(got["symbols_with_data"], 350);
    let length = |list: &str| got[list].as_array().unwrap().len();
    let lists = ["missing_symbols", "malformed_symbols", "stale_symbols"];
    assert_eq!(lists.map(length), [100, 25, 25]);
    assert_eq!(got["meta"]["used"], 350);
    let malformed: u64 = turned.bad.iter().map(|(.., count)| count).sum();
    assert_eq!(malformed, 20, "what is no text is not decoded");
}

#[test]
fn without_any_summary_there_is_no_portfolio_and_it_says_why() {
    let all = symbols(3);
    let due = Jobs::NONE.with(Job::Portfolio);
    let mut engine = engine(&all);
    let texts = engine.texts(due, &all).into_iter();
    let answers: Answers = texts.map(|key| (key, Fetched::Missing)).collect();
    let turned = engine.turn(&all, &answers, due, NOW);
    let (key, report) = &turned.reports[0];
    assert_eq!(key, "analytics:portfolio:summary");
    let reason = report.reason.as_deref();
    assert_eq!(reason, Some("none of 3 symbols has a summary"));
    assert_eq!(turned.writes[0].how, How::ReplaceExisting);
}

#[test]
fn of_many_symbols_the_prices_of_the_most_traded_are_read() {
    let all = symbols(4);
    let setup = {
        let mut config = Config::defaults(&known());
        config.correlation.max_symbols = 2;
        Setup::new(config, quant::calculators::PER_SYMBOL)
    };
    let engine = UniverseEngine::new(UNIVERSE, setup.overall_terms(&all)).unwrap();
    let due = Jobs::NONE.with(Job::Correlation);
    let texts = engine.texts(due, &all);
    let volumes = ["", "500", "100", "900"];
    let volume = |key: String| {
        let found = (0..4).find(|at| key == keys::discovered_volume(&all[*at]));
        let text = found.map_or("", |at| volumes[at]);
        let fetched = match text {
            "" => Fetched::Missing,
            text => Fetched::Value(Bytes::from_static(text.as_bytes())),
        };
        (key, fetched)
    };
    let answers: Answers = texts.into_iter().map(volume).collect();
    let lists = engine.lists(due, &all, &answers);
    let first: Vec<&str> = lists.iter().map(|(key, _)| key.as_str()).collect();
    let expected = [3, 1].map(|at| [keys::bars(&all[at]), keys::bare_bars(&all[at])]);
    assert_eq!(first, expected.concat());
    assert!(lists.iter().all(|(_, count)| *count == 501));
}

#[test]
fn what_was_remembered_goes_on() {
    let all = symbols(1);
    let due = Jobs::NONE.with(Job::Volatility);
    let answers = |engine: &UniverseEngine, minute: i64| -> Answers {
        let at = NOW.plus(Span::from_millis(60_000 * minute)).millis();
        let level = json!({"last": 12.0 + minute as f64, "timestamp": at}).to_string();
        let told = |key: String| match key.as_str() {
            keys::VIX1D_BROKER => (key, Fetched::Value(level.clone().into())),
            _ => (key, Fetched::Missing),
        };
        engine.texts(due, &all).into_iter().map(told).collect()
    };
    let turn = |engine: &mut UniverseEngine, minute: i64| {
        let now = NOW.plus(Span::from_millis(60_000 * minute));
        let answers = answers(engine, minute);
        body(&engine.turn(&all, &answers, due, now), "analytics:vix1d")
    };
    let mut first = engine(&all);
    (0..3).for_each(|minute| drop(turn(&mut first, minute)));
    let saved = first.save(NOW);
    let states: Vec<Option<Bytes>> = saved.into_iter().map(|(_, state)| Some(state)).collect();
    let mut second = engine(&all);
    assert!(second.restore(&states).is_empty());
    let (a, b) = (turn(&mut first, 3), turn(&mut second, 3));
    assert_eq!(a, b);
    assert_eq!(a["samples"], 3);
}
