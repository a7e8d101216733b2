//! History: what is stored is read back, from SQLite and from PostgreSQL alike, and every fault costs history only.

use crate::harness::{PostgresDatabase, PostgresServer};
use analytics::config::HistoryUrl;
use analytics::history::database::{Cursor, Database, HistoryError, Point, Stored, Which, Window};
use analytics::history::row::{Bar, Chain, Contract, Metric, Quote, Row, Tick};
use chrono::NaiveDate;
use quant::market::{Right, Span, Symbol, Timestamp};
use tempfile::TempDir;

/// A place for a database, and what keeps it.
struct Home {
    url: HistoryUrl,
    _folder: TempDir,
    postgres: Option<PostgresDatabase>,
}

impl Home {
    fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("var/history.db");
        Self {
            url: HistoryUrl::new(&format!("sqlite:{}", file.display())).unwrap(),
            _folder: folder,
            postgres: None,
        }
    }

    fn postgres() -> Self {
        let postgres = PostgresDatabase::new();
        Self {
            url: HistoryUrl::new(&postgres.url()).unwrap(),
            _folder: TempDir::new().unwrap(),
            postgres: Some(postgres),
        }
    }

    async fn open(&self) -> Database {
        Database::open(&self.url).await.unwrap()
    }
}

fn run<F: Future<Output = ()>>(home: Home, test: impl FnOnce(Home) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    runtime.block_on(test(home));
}

/// Each test on both databases.
macro_rules! on_both {
    ($($name:ident)*) => {
        mod sqlite {
            $(#[test] fn $name() { super::run(super::Home::sqlite(), super::$name) })*
        }
        mod postgres {
            $(#[test] fn $name() { super::run(super::Home::postgres(), super::$name) })*
        }
    };
}

on_both! {
    every_kind_is_stored_and_read_back
    what_is_said_twice_is_stored_once
    rows_of_one_batch_with_one_key_are_one_row
    a_row_that_no_database_takes_costs_no_other
    pages_of_chains_follow_each_other
    of_each_series_the_last_chain_of_a_window
    points_are_thinned_to_the_last_of_each_step
    a_limit_cuts_between_instants
    old_rows_go_in_slices_and_young_ones_stay
    two_that_open_at_once_both_succeed
    ids_hold_over_a_reopening
    a_large_batch_is_one_transaction
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_790_000_000 + seconds)
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn symbol(text: &str) -> Symbol {
    Symbol::new(text).unwrap()
}

fn tick(name: &str, seconds: i64, price: f64) -> Row {
    Row::Tick(Tick {
        symbol: symbol(name),
        at: at(seconds),
        price,
    })
}

fn quote(series: &str, strike: f64, right: Right, seconds: i64) -> Row {
    Row::Quote(Quote {
        contract: Contract {
            symbol: symbol("SPX"),
            series: series.to_owned(),
            right,
            strike,
        },
        at: at(seconds),
        bid: Some(1.25),
        ask: None,
        last: Some(1.5),
        iv: Some(0.2),
        delta: Some(-0.5),
        volume: Some(12.0),
        open_interest: None,
    })
}

fn chain(series: &str, seconds: i64) -> Chain {
    Chain {
        symbol: symbol("SPX"),
        series: series.to_owned(),
        expiry: day(&series[..10]),
        at: at(seconds),
        spot: Some(6_000.25),
        pcr_oi: Some(1.1),
        pcr_volume: None,
        atm_strike: Some(6_000.0),
        atm_straddle: Some(41.5),
        max_pain: None,
        call_oi: Some(1e6),
        put_oi: Some(1.1e6),
        document: vec![0x28, 0xb5, 0x2f, 0xfd, 0, seconds as u8].into(),
    }
}

fn metric(field: &str, seconds: i64, session: &str, value: f64) -> Row {
    Row::Metric(Metric {
        symbol: "SPX".to_owned(),
        name: "gex".to_owned(),
        field: field.to_owned(),
        at: at(seconds),
        session: day(session),
        value,
    })
}

fn bar(seconds: i64, close: f64) -> Bar {
    Bar {
        symbol: symbol("SPX"),
        minutes: 5,
        start: at(seconds),
        open: 1.0,
        high: 4.0,
        low: 0.5,
        close,
        volume: 100.0,
        ticks: Some(7),
    }
}

fn all(limit: u32) -> Window {
    Window {
        from: Timestamp::from_nanos(i64::MIN),
        to: Timestamp::from_nanos(i64::MAX),
        step: None,
        limit,
    }
}

fn point(field: &str, seconds: i64, value: f64) -> Point {
    Point {
        at: at(seconds),
        field: field.to_owned(),
        value,
    }
}

async fn stored(database: &Database, rows: &[Row]) -> Stored {
    database.store(rows).await.unwrap()
}

async fn count(database: &Database, table: &str) -> u64 {
    database.counts().await.unwrap()[table]
}

async fn every_kind_is_stored_and_read_back(home: Home) {
    let database = home.open().await;
    let first = chain("2026-12-18", 0);
    let rows = [
        tick("SPX", 0, 6_000.25),
        tick("SPX", 1, 6_000.5),
        tick("NDX", 1, 20_000.0),
        quote("2026-12-18", 6_000.0, Right::Call, 0),
        quote("2026-12-18", 6_000.0, Right::Put, 0),
        quote("2026-12-18:AM", 6_000.0, Right::Put, 0),
        Row::Chain(first.clone()),
        metric("net", 0, "2026-09-21", -1.5e9),
        metric("walls.call", 0, "2026-09-21", 6_100.0),
        Row::Bar(bar(0, 2.0)),
    ];
    let before = stored(&database, &rows).await;
    assert_eq!((before.rows, before.known, before.unfit), (10, 0, 0));

    let spx = symbol("SPX");
    let ticks = database.ticks(&spx, 10, None).await.unwrap();
    let ticks: Vec<Row> = ticks.into_iter().map(Row::Tick).collect();
    assert_eq!(ticks, [rows[1].clone(), rows[0].clone()]);
    let earlier = database.ticks(&spx, 10, Some(at(1))).await.unwrap();
    assert_eq!(earlier.len(), 1);
    assert_eq!(database.ticks(&spx, 1, None).await.unwrap()[0].at, at(1));

    let chains = database.chains(&spx, Which::All, 10, None).await.unwrap();
    assert_eq!(chains, std::slice::from_ref(&first));
    let summary = database.put_call(&spx, Which::All, 10, None).await.unwrap();
    assert_eq!(summary[0].expiry, first.expiry);
    assert_eq!(summary[0].atm_straddle, Some(41.5));
    assert_eq!(summary[0].max_pain, None);

    assert_eq!(
        database.bars(&spx, 5, 10, None).await.unwrap(),
        [bar(0, 2.0)]
    );
    assert_eq!(database.bars(&spx, 1, 10, None).await.unwrap(), []);

    let points = database.metrics("SPX", "gex", &[], all(10)).await.unwrap();
    assert_eq!(
        points,
        [point("net", 0, -1.5e9), point("walls.call", 0, 6_100.0)]
    );
    let net = ["net".to_owned(), "none".to_owned()];
    let points = database.metrics("SPX", "gex", &net, all(10)).await.unwrap();
    assert_eq!(points, [point("net", 0, -1.5e9)]);
    assert_eq!(count(&database, "option_quotes").await, 3);
}

async fn what_is_said_twice_is_stored_once(home: Home) {
    let database = home.open().await;
    let mut other = chain("2026-12-18", 0);
    other.spot = None;
    let rows = [
        tick("SPX", 0, 1.0),
        quote("2026-12-18", 6_000.0, Right::Call, 0),
        Row::Chain(chain("2026-12-18", 0)),
        metric("net", 60, "2026-09-21", 1.0),
        Row::Bar(bar(0, 2.0)),
    ];
    stored(&database, &rows).await;
    let again = stored(&database, &rows).await;
    assert_eq!((again.rows, again.known), (0, 5));

    // The first said stays, but of bars the last.
    let others = [
        tick("SPX", 0, 9.0),
        Row::Chain(other),
        metric("net", 60, "2026-09-21", 9.0),
        Row::Bar(bar(0, 3.0)),
    ];
    let again = stored(&database, &others).await;
    assert_eq!((again.rows, again.known), (1, 3));
    let spx = symbol("SPX");
    assert_eq!(database.ticks(&spx, 9, None).await.unwrap()[0].price, 1.0);
    let chains = database.chains(&spx, Which::All, 9, None).await.unwrap();
    assert_eq!(chains, [chain("2026-12-18", 0)]);
    let bars = database.bars(&spx, 5, 9, None).await.unwrap();
    assert_eq!(bars, [bar(0, 3.0)]);
    let points = database.metrics("SPX", "gex", &[], all(9)).await.unwrap();
    assert_eq!(points, [point("net", 60, 1.0)]);

    // Of a session the last by time, however late the earlier come.
    let late = [
        metric("net", 30, "2026-09-21", 7.0),
        metric("net", 90, "2026-09-21", 8.0),
        metric("net", 20, "2026-09-20", 5.0),
    ];
    stored(&database, &late).await;
    stored(&database, &[metric("net", 80, "2026-09-21", 6.0)]).await;
    let daily = database.daily("SPX", "gex", "net", day("2026-01-01")).await;
    assert_eq!(
        daily.unwrap(),
        [(day("2026-09-20"), 5.0), (day("2026-09-21"), 8.0)]
    );
    let daily = database.daily("SPX", "gex", "net", day("2026-09-21")).await;
    assert_eq!(daily.unwrap().len(), 1);
}

async fn rows_of_one_batch_with_one_key_are_one_row(home: Home) {
    let database = home.open().await;
    let rows = [
        tick("SPX", 0, 1.0),
        tick("SPX", 0, 2.0),
        quote("2026-12-18", 6_000.0, Right::Call, 0),
        quote("2026-12-18", 6_000.0, Right::Call, 0),
        Row::Chain(chain("2026-12-18", 0)),
        Row::Chain(chain("2026-12-18", 0)),
        metric("net", 0, "2026-09-21", 1.0),
        metric("net", 0, "2026-09-21", 2.0),
        Row::Bar(bar(0, 2.0)),
        Row::Bar(bar(0, 3.0)),
    ];
    assert_eq!(stored(&database, &rows).await.rows, 5);
    let spx = symbol("SPX");
    assert_eq!(database.ticks(&spx, 9, None).await.unwrap()[0].price, 1.0);
    let bars = database.bars(&spx, 5, 9, None).await.unwrap();
    assert_eq!(bars, [bar(0, 3.0)]);
    let daily = database.daily("SPX", "gex", "net", day("2026-01-01")).await;
    assert_eq!(daily.unwrap(), [(day("2026-09-21"), 1.0)]);
}

async fn a_row_that_no_database_takes_costs_no_other(home: Home) {
    let database = home.open().await;
    let mut odd = chain("2026-12-18", 0);
    odd.spot = Some(f64::INFINITY);
    let rows = [
        tick("SPX", 0, f64::NAN),
        tick("SPX", 1, 1.0),
        metric("a\0b", 0, "2026-09-21", 1.0),
        Row::Chain(odd),
    ];
    let stored = stored(&database, &rows).await;
    assert_eq!((stored.rows, stored.known, stored.unfit), (2, 0, 2));
    let spx = symbol("SPX");
    let chains = database.chains(&spx, Which::All, 9, None).await.unwrap();
    assert_eq!(chains[0].spot, None);
}

async fn pages_of_chains_follow_each_other(home: Home) {
    let database = home.open().await;
    let names = ["2026-12-18", "2026-12-18:AM", "2027-01-15"];
    let mut rows = Vec::new();
    for seconds in 0..10 {
        rows.extend(names.map(|name| Row::Chain(chain(name, seconds))));
    }
    stored(&database, &rows).await;
    let spx = symbol("SPX");
    let mut seen = Vec::new();
    let mut before: Option<Cursor> = None;
    loop {
        let page = database.put_call(&spx, Which::All, 4, before.clone());
        let page = page.await.unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.cursor());
        seen.extend(page.into_iter().map(|row| (row.at, row.series)));
    }
    let mut expected: Vec<_> = seen.clone();
    expected.sort();
    expected.dedup();
    expected.reverse();
    assert_eq!(expected.len(), 30);
    assert_eq!(seen, expected);

    let of = |which| database.chains(&spx, which, 99, None);
    assert_eq!(of(Which::Series("2026-12-18:AM")).await.unwrap().len(), 10);
    let of_date = of(Which::Expiry(day("2026-12-18"))).await.unwrap();
    assert_eq!(of_date.len(), 20);
    assert_eq!(of_date[0].at, at(9));
    let cursor = Cursor {
        at: at(5),
        series: "2026-12-18".to_owned(),
    };
    let which = Which::Series("2026-12-18");
    let rest = database
        .chains(&spx, which, 99, Some(cursor))
        .await
        .unwrap();
    assert_eq!(rest.len(), 5);
}

async fn of_each_series_the_last_chain_of_a_window(home: Home) {
    let database = home.open().await;
    let rows = [
        ("2026-12-18", 0),
        ("2026-12-18", 10),
        ("2026-12-18", 20),
        ("2026-12-18:AM", 5),
        ("2027-01-15", 11),
    ];
    let rows = rows.map(|(series, seconds)| Row::Chain(chain(series, seconds)));
    stored(&database, &rows).await;
    let spx = symbol("SPX");
    let of = |from, to| database.chains_at(&spx, at(from), at(to));
    let found = of(0, 10).await.unwrap();
    assert_eq!(found, [chain("2026-12-18", 10), chain("2026-12-18:AM", 5)]);
    assert_eq!(of(0, 99).await.unwrap().len(), 3);
    assert_eq!(of(5, 6).await.unwrap(), []);
    let ends = async |from, to| {
        let (from, to) = (at(from), at(to));
        let first = database.first_chain(&spx, "2026-12-18", from, to).await;
        let last = database.last_chain(&spx, "2026-12-18", from, to).await;
        let seconds = |chain: Option<Chain>| chain.map(|chain| chain.at);
        (seconds(first.unwrap()), seconds(last.unwrap()))
    };
    assert_eq!(ends(-1, 99).await, (Some(at(0)), Some(at(20))));
    assert_eq!(ends(0, 15).await, (Some(at(10)), Some(at(10))));
    assert_eq!(ends(20, 99).await, (None, None));
}

async fn points_are_thinned_to_the_last_of_each_step(home: Home) {
    let database = home.open().await;
    // at(0) is 14:13:20, so that minutes end 40 s later.
    let rows: Vec<Row> = [0, 30, 40, 41, 100, 101, 40_000]
        .map(|seconds| metric("net", seconds, "2026-09-21", seconds as f64))
        .into();
    stored(&database, &rows).await;
    stored(&database, &[metric("abs", 35, "2026-09-21", 1.0)]).await;
    let window = |from, to, step| Window {
        from: at(from),
        to: at(to),
        step,
        limit: 99,
    };
    let minute = Some(Span::from_seconds(60.0));
    let points = database
        .metrics("SPX", "gex", &[], window(-1, 99_999, minute))
        .await;
    assert_eq!(
        points.unwrap(),
        [
            point("abs", 35, 1.0),
            point("net", 40, 40.0),
            point("net", 100, 100.0),
            point("net", 101, 101.0),
            point("net", 40_000, 40_000.0),
        ]
    );
    let points = database.metrics("SPX", "gex", &[], window(0, 100, None));
    let points = points.await.unwrap();
    let seconds: Vec<_> = points.iter().map(|point| point.value as i64).collect();
    assert_eq!(seconds, [30, 1, 40, 41, 100]);
    let none = database.metrics("SPX", "gex", &[], window(200, 300, None));
    assert_eq!(none.await.unwrap(), []);
}

async fn a_limit_cuts_between_instants(home: Home) {
    let database = home.open().await;
    let mut rows = Vec::new();
    for minute in 0..600 {
        for field in ["a", "b", "c"] {
            rows.push(metric(field, minute * 60, "2026-09-21", minute as f64));
        }
    }
    stored(&database, &rows).await;
    for step in [None, Some(Span::from_seconds(300.0))] {
        let (mut seen, mut from) = (Vec::new(), at(-1));
        loop {
            let window = Window {
                from,
                to: at(999_999),
                step,
                limit: 100,
            };
            let page = database.metrics("SPX", "gex", &[], window).await.unwrap();
            let Some(last) = page.last() else { break };
            assert!(page.len() <= 100 && page.len() % 3 == 0, "{}", page.len());
            from = last.at;
            seen.extend(page);
        }
        let whole = Window { step, ..all(9_999) };
        let whole = database.metrics("SPX", "gex", &[], whole).await.unwrap();
        assert_eq!(seen, whole);
        let steps = if step.is_some() { 121 } else { 600 };
        assert_eq!(whole.len(), steps * 3);
    }
    let first = database.metrics("SPX", "gex", &[], all(1)).await.unwrap();
    assert_eq!(first.len(), 3, "an instant is whole");
}

async fn old_rows_go_in_slices_and_young_ones_stay(home: Home) {
    let database = home.open().await;
    let mut rows = Vec::new();
    for days in 0..20 {
        let seconds = days * 86_400;
        let session = day("2026-09-21") + chrono::Days::new(days as u64);
        rows.push(tick("SPX", seconds, 1.0));
        rows.push(tick("NDX", seconds, 1.0));
        rows.push(quote("2026-12-18", 6_000.0, Right::Call, seconds));
        rows.push(Row::Chain(chain("2026-12-18", seconds)));
        rows.push(metric("net", seconds, &session.to_string(), days as f64));
        rows.push(Row::Bar(bar(seconds, 2.0)));
    }
    rows.push(quote("2026-09-22", 6_000.0, Right::Call, 0));
    stored(&database, &rows).await;
    let forget = || database.forget(at(15 * 86_400), day("2026-09-26"), 7);
    let mut gone = Vec::new();
    loop {
        gone.push(forget().await.unwrap());
        if gone.last() == Some(&0) {
            break;
        }
    }
    assert!(gone.iter().all(|gone| *gone <= 7), "{gone:?}");
    let counts = database.counts().await.unwrap();
    let counts: Vec<(&str, u64)> = counts.into_iter().collect();
    let expected = [
        ("bars", 5),
        ("metrics", 5),
        ("metrics_daily", 15),
        ("option_chains", 5),
        ("option_quotes", 5),
        ("underlying_ticks", 10),
    ];
    assert_eq!(counts, expected);
    // A contract that went can come again, under another id.
    let again = quote("2026-09-22", 6_000.0, Right::Call, 20 * 86_400);
    assert_eq!(stored(&database, &[again]).await.rows, 1);
    let ticks = database.ticks(&symbol("NDX"), 99, None).await.unwrap();
    assert_eq!(ticks.last().unwrap().at, at(15 * 86_400));
}

#[test]
fn a_server_of_a_later_release_is_refused() {
    run(Home::postgres(), async |home| {
        drop(home.open().await);
        let postgres = home.postgres.as_ref().unwrap();
        postgres.psql("INSERT INTO history_layouts VALUES (77)");
        let error = Database::open(&home.url).await.unwrap_err();
        let newer = matches!(error, HistoryError::Newer { found: 77, .. });
        assert!(newer, "{error}");
        let text = "has layout 77, and this release knows 1";
        assert!(error.to_string().contains(text), "{error}");
    });
}

async fn two_that_open_at_once_both_succeed(home: Home) {
    let opened = futures_util::future::join_all((0..8).map(|_| Database::open(&home.url))).await;
    let opened: Vec<Database> = opened.into_iter().map(Result::unwrap).collect();
    for (seconds, database) in (0..).zip(&opened) {
        stored(database, &[metric("net", seconds, "2026-09-21", 1.0)]).await;
    }
    assert_eq!(count(&opened[0], "metrics").await, 8);
    let points = opened[7].metrics("SPX", "gex", &[], all(99)).await;
    assert_eq!(points.unwrap().len(), 8);
}

async fn ids_hold_over_a_reopening(home: Home) {
    for seconds in 0..3 {
        let database = home.open().await;
        let rows = [
            metric("net", seconds, "2026-09-21", 1.0),
            metric(&format!("new{seconds}"), seconds, "2026-09-21", 1.0),
            quote("2026-12-18", 6_000.0, Right::Call, seconds),
        ];
        assert_eq!(stored(&database, &rows).await.rows, 3);
    }
    let net = ["net".to_owned()];
    let database = home.open().await;
    let points = database.metrics("SPX", "gex", &net, all(99)).await;
    assert_eq!(points.unwrap().len(), 3);
}

async fn a_large_batch_is_one_transaction(home: Home) {
    let database = home.open().await;
    let rows: Vec<Row> = (0..5_000)
        .flat_map(|strike| {
            let strike = f64::from(strike);
            [Right::Call, Right::Put].map(|right| quote("2026-12-18", strike, right, 0))
        })
        .collect();
    assert_eq!(stored(&database, &rows).await.rows, 10_000);
    assert_eq!(stored(&database, &rows).await.known, 10_000);
    assert_eq!(count(&database, "option_quotes").await, 10_000);
}

#[test]
fn a_server_that_went_away_is_used_again_when_it_is_back() {
    let mut server = PostgresServer::start();
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    runtime.block_on(async {
        let url = HistoryUrl::new(&server.url("postgres")).unwrap();
        let database = Database::open(&url).await.unwrap();
        stored(&database, &[tick("SPX", 0, 1.0)]).await;
        let spx = symbol("SPX");
        let ask = || database.ticks(&spx, 9, None);
        assert_eq!(ask().await.unwrap().len(), 1);

        server.kill();
        let rows = [tick("SPX", 0, 1.0), tick("SPX", 1, 1.0)];
        for _ in 0..2 {
            let error = database.store(&rows).await.unwrap_err();
            assert!(matches!(error, HistoryError::Away(_)), "{error}");
            assert!(error.passes());
        }
        let error = ask().await.unwrap_err();
        assert!(matches!(error, HistoryError::Away(_)), "{error}");
        let error = Database::open(&url).await.unwrap_err();
        assert!(matches!(error, HistoryError::Away(_)), "{error}");

        server.start_again();
        let again = stored(&database, &rows).await;
        assert_eq!((again.rows, again.known), (1, 1));
        assert_eq!(ask().await.unwrap().len(), 2);

        // A restart while nothing is stored is not noticed at all.
        server.kill();
        server.start_again();
        assert_eq!(stored(&database, &[tick("SPX", 2, 1.0)]).await.rows, 1);
    });
}

#[test]
fn a_password_is_in_no_error() {
    run(Home::postgres(), async |home| {
        let good = home.postgres.as_ref().unwrap().url();
        for url in [
            "postgres://joe:hunter2@127.0.0.1:1/db".to_owned(),
            "postgres://joe:hunter2@host:port/db".to_owned(),
            "postgres://joe:hunter2@host/db?sslmode=hunter2".to_owned(),
            "postgres://joe:hunter2@host/db?sslpassword=hunter2".to_owned(),
            good.replace("postgres@", "nobody:hunter2@"),
            good.replace("history_", "absent_"),
        ] {
            let url = HistoryUrl::new(&url).unwrap();
            let error = Database::open(&url).await.unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(!text.contains("hunter2"), "{text}");
        }
    });
}
