//! The engine on the in-process board, with calculators made to misbehave.

use std::sync::atomic::{AtomicBool, Ordering};

use quant::calculator::{Calculator, Entry, NoValue, Status};
use quant::market::Quote;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::setup::known;
use super::*;
use crate::config::{Config, Sources, load};
use crate::store::board::Board;
use crate::store::exchange::Fetched;

/// Ten in the morning in New York on a session day.
const NOW: Timestamp = Timestamp::from_seconds(1_795_186_800);

fn config(sets: &[&str]) -> Config {
    let mut all: Vec<String> = vec!["symbols.standard=[\"A\",\"B\"]".into()];
    all.extend(sets.iter().map(|set| set.to_string()));
    let sources = Sources {
        sets: &all,
        ..Sources::default()
    };
    load(&known(), &sources).unwrap().config
}

struct Rig {
    board: Arc<Board>,
    status: Arc<StatusBoard>,
    engine: Engine,
}

fn rig(sets: &[&str], entries: &'static [Entry], threads: bool) -> Rig {
    let setup = Arc::new(Setup::new(config(sets), entries));
    let board = Arc::new(Board::default());
    let status = Arc::new(StatusBoard::new(NOW, setup.period(), &setup.intervals));
    let (source, sink) = (Source::Board(board.clone()), Sink::board(board.clone()));
    let engine = match threads {
        true => Engine::with_threads(setup, source, sink, status.clone()).unwrap(),
        false => Engine::inline(setup, source, sink, status.clone()),
    };
    Rig {
        board,
        status,
        engine,
    }
}

impl Rig {
    fn ticker(&self, symbol: &str, at: Timestamp) {
        let text = format!(
            r#"{{"bid":10,"ask":10.02,"last":10.01,"timestamp":{}}}"#,
            at.nanos()
        );
        self.board
            .set(format!("market:{symbol}:ticker").into(), text.into());
    }

    fn document(&self, key: &str, at: Timestamp) -> Value {
        match self.board.get(key, at) {
            Fetched::Value(bytes) => serde_json::from_slice(&bytes).unwrap(),
            _ => Value::Null,
        }
    }

    async fn pass(&mut self, at: Timestamp) -> Pass {
        self.engine.pass(at, None).await.unwrap()
    }
}

/// Panics on symbol A until it is told to stop.
struct Panics;

static PANICKING: AtomicBool = AtomicBool::new(true);

#[derive(Serialize, Deserialize, schemars::JsonSchema)]
struct Nothing {}

impl Calculator for Panics {
    const NAME: &'static str = "obi";
    const ABOUT: &'static str = "";
    const JOB: Job = Job::OrderBook;
    const CONFIG: Option<&'static str> = None;
    type Params = ();
    type Input<'a> = (&'a Symbol, &'a Quote);
    type Payload = Nothing;
    type State = ();

    fn new((): (), (): ()) -> Result<Self, String> {
        Ok(Self)
    }

    fn state(&self) -> &() {
        &()
    }

    fn compute(
        &mut self,
        (symbol, _): (&Symbol, &Quote),
        _: Timestamp,
    ) -> Result<Nothing, NoValue> {
        let panics = symbol.as_str() == "A" && PANICKING.load(Ordering::Relaxed);
        assert!(!panics, "made to");
        Ok(Nothing {})
    }

    fn absent(_: Status) -> Nothing {
        Nothing {}
    }
}

static PANICKY: &[Entry] = &[
    Entry::of::<Panics>(),
    Entry::of::<quant::calculators::summary::Summary>(),
];

#[tokio::test]
async fn a_panic_costs_one_symbol_one_number() {
    let mut rig = rig(&[], PANICKY, false);
    rig.ticker("A", NOW);
    rig.ticker("B", NOW);
    let pass = rig.pass(NOW).await;
    assert_eq!(pass.errors, 1);
    assert_eq!(rig.document("analytics:A:obi", NOW), Value::Null);
    assert_eq!(
        rig.document("analytics:A:summary", NOW)["meta"]["status"],
        "ok"
    );
    assert_eq!(rig.document("analytics:B:obi", NOW)["meta"]["status"], "ok");
    {
        let known = rig.status.lock();
        let job = &known.jobs[&Job::OrderBook];
        assert_eq!((job.errors, job.symbols), (1, 2));
        assert_eq!(job.error.as_deref(), Some("A: panicked: made to"));
    }

    PANICKING.store(false, Ordering::Relaxed);
    let later = NOW.plus(Span::from_millis(1_000));
    rig.pass(later).await;
    assert_eq!(
        rig.document("analytics:A:obi", later)["meta"]["status"],
        "ok"
    );
}

/// Takes until it is released, on the symbols A and Z.
struct Slow;

static RELEASED: AtomicBool = AtomicBool::new(false);
static RELEASED_LATER: AtomicBool = AtomicBool::new(false);

impl Calculator for Slow {
    const NAME: &'static str = "obi";
    const ABOUT: &'static str = "";
    const JOB: Job = Job::OrderBook;
    const CONFIG: Option<&'static str> = None;
    type Params = ();
    type Input<'a> = &'a Symbol;
    type Payload = Nothing;
    type State = ();

    fn new((): (), (): ()) -> Result<Self, String> {
        Ok(Self)
    }

    fn state(&self) -> &() {
        &()
    }

    fn compute(&mut self, symbol: &Symbol, _: Timestamp) -> Result<Nothing, NoValue> {
        let release = match symbol.as_str() {
            "A" => &RELEASED,
            "Z" => &RELEASED_LATER,
            _ => return Ok(Nothing {}),
        };
        while !release.load(Ordering::Relaxed) {
            std::thread::yield_now();
        }
        Ok(Nothing {})
    }

    fn absent(_: Status) -> Nothing {
        Nothing {}
    }
}

static SLOW: &[Entry] = &[Entry::of::<Slow>()];

#[tokio::test]
async fn a_slow_symbol_is_busy_and_holds_nobody() {
    let mut rig = rig(&["engine.compute_threads=2"], SLOW, true);
    let budget = Some(Duration::from_millis(50));
    let first = rig.engine.pass(NOW, budget).await.unwrap();
    assert_eq!((first.busy, first.symbols), (1, 1));
    assert_ne!(rig.document("analytics:B:obi", NOW), Value::Null);
    let second = NOW.plus(Span::from_millis(1_000));
    let again = rig.engine.pass(second, budget).await.unwrap();
    assert_eq!((again.busy, again.symbols), (1, 1), "the other one goes on");
    assert_eq!(rig.document("analytics:A:obi", second), Value::Null);

    RELEASED.store(true, Ordering::Relaxed);
    // Whoever is late is not waited for: it is back in one of the passes that follow.
    let mut at = second;
    let mut last = again;
    for _ in 0..100_000 {
        if (last.busy, last.symbols) == (0, 2) {
            break;
        }
        std::thread::yield_now();
        at = at.plus(Span::from_millis(1_000));
        last = rig.engine.pass(at, budget).await.unwrap();
    }
    assert_eq!((last.busy, last.symbols), (0, 2));
    assert_ne!(rig.document("analytics:A:obi", at), Value::Null);
}

#[tokio::test]
async fn when_a_value_ends_its_document_says_so_and_then_expires() {
    let mut rig = rig(&[], quant::calculators::PER_SYMBOL, false);
    rig.ticker("A", NOW);
    rig.pass(NOW).await;
    let key = "analytics:A:summary";
    assert_eq!(rig.document(key, NOW)["spot"], 10.01);
    assert_eq!(
        rig.document("analytics:B:summary", NOW),
        Value::Null,
        "no value, no document"
    );

    let stale = NOW.plus(Span::from_millis(15_001));
    rig.pass(stale).await;
    let document = rig.document(key, stale);
    assert_eq!(document["meta"]["status"], "stale");
    assert_eq!(document["meta"]["reason"], "ticker is 15001 ms old");
    assert_eq!(document["spot"], Value::Null);
    assert!(document["meta"]["valid_until_ms"].as_i64().unwrap() <= stale.millis());

    // It outlives its own lifetime while the engine turns, and no longer.
    let mut now = stale;
    for _ in 0..400 {
        now = now.plus(Span::from_millis(500));
        rig.pass(now).await;
    }
    assert_eq!(rig.document(key, now)["meta"]["status"], "stale");
    let gone = now.plus(Span::from_millis(60_001));
    assert_eq!(rig.document(key, gone), Value::Null);
}

#[tokio::test]
async fn an_unchanged_document_is_written_every_five_seconds() {
    let mut rig = rig(&[], quant::calculators::PER_SYMBOL, false);
    let mut written = Vec::new();
    rig.ticker("A", NOW);
    for half_seconds in 0..22 {
        let now = NOW.plus(Span::from_millis(500 * half_seconds));
        rig.pass(now).await;
        let document = rig.document("analytics:A:summary", now);
        written.push(document["timestamp"].as_f64().unwrap());
    }
    written.dedup();
    let start = NOW.seconds();
    assert_eq!(written, [start, start + 5.0, start + 10.0]);
}

#[tokio::test]
async fn outside_its_session_a_symbol_rests_where_that_is_asked_for() {
    let sets = [
        "engine.analytics_rth_only=true",
        "market.exchanges.B=\"ALWAYS\"",
    ];
    let mut rig = rig(&sets, quant::calculators::PER_SYMBOL, false);
    let night = Timestamp::from_rfc3339("2026-11-20T02:00:00-05:00").unwrap();
    let pass = rig.pass(night).await;
    assert_eq!(pass.symbols, 1, "B never closes");
    assert!(!rig.status.lock().idle);
    assert_eq!(rig.status.lock().session, quant::market::Phase::Closed);
    let open = Timestamp::from_rfc3339("2026-11-20T10:00:00-05:00").unwrap();
    assert_eq!(rig.pass(open).await.symbols, 2);
}

#[tokio::test]
async fn a_poisoned_symbol_changes_nothing_for_another() {
    let mut clean = rig(&[], quant::calculators::PER_SYMBOL, false);
    let mut dirty = rig(&[], quant::calculators::PER_SYMBOL, false);
    for rig in [&clean, &dirty] {
        rig.ticker("B", NOW);
    }
    for poison in [
        "",
        "{",
        "[]",
        "null",
        "\u{0}",
        r#"{"bid":"x"}"#,
        r#"{"bid":1e400}"#,
    ] {
        dirty.board.set("market:A:ticker".into(), poison.into());
        dirty.board.set("market:A:book".into(), poison.into());
        dirty.board.push("market:A:trades".into(), poison.into());
    }
    clean.pass(NOW).await;
    dirty.pass(NOW).await;
    let key = "analytics:B:summary";
    assert_eq!(clean.document(key, NOW), dirty.document(key, NOW));
    let bad = &dirty.status.lock().bad_input;
    assert!(bad["trades"].values().sum::<u64>() >= 7, "{bad:?}");
    assert!(
        bad.contains_key("ticker") && bad.contains_key("book"),
        "{bad:?}"
    );
}

/// Local opening minutes of a day, as UTC minutes since midnight: from, to.
type Hours = Option<(i64, i64)>;

/// Turns the engine once a minute through a day (from midnight UTC) and holds each pass against
/// the hours in which A (New York) and B (Mumbai) trade.
async fn check_gates(date: &str, new_york: Hours, mumbai: Hours) {
    let sets = [
        "engine.analytics_rth_only=true",
        "market.exchanges.B=\"XNSE\"",
    ];
    let mut rig = rig(&sets, quant::calculators::PER_SYMBOL, false);
    let midnight = Timestamp::from_rfc3339(&format!("{date}T00:00:00Z")).unwrap();
    for minute in 0..24 * 60 {
        let now = midnight.plus(Span::from_millis(minute * 60_000));
        let open = |hours: Hours| hours.is_some_and(|(from, to)| (from..to).contains(&minute));
        let expected = usize::from(open(new_york)) + usize::from(open(mumbai));
        let pass = rig.pass(now).await;
        assert_eq!(pass.symbols, expected, "{date} minute {minute}");
        assert_eq!(
            rig.status.lock().idle,
            expected == 0,
            "{date} minute {minute}"
        );
    }
}

#[tokio::test]
async fn a_day_is_gated_to_the_minute_over_clock_changes_half_days_and_holidays() {
    let clock = |hour: i64, minute: i64| hour * 60 + minute;
    let mumbai = Some((clock(3, 45), clock(10, 0)));
    let winter = (clock(14, 30), clock(21, 0));
    let summer = (clock(13, 30), clock(20, 0));
    // The Friday before the clocks change, the Sunday they do, and the Monday after.
    check_gates("2026-03-06", Some(winter), mumbai).await;
    check_gates("2026-03-08", None, None).await;
    check_gates("2026-03-09", Some(summer), mumbai).await;
    // Thanksgiving, and the half day after it.
    check_gates("2026-11-26", None, mumbai).await;
    check_gates("2026-11-27", Some((clock(14, 30), clock(18, 0))), mumbai).await;
}

mod chain_service;
mod reconfigure;
mod restart;
