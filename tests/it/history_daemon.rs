//! History in the daemon: what it publishes is kept over a kill, a database that is away costs history
//! only, and what was kept is what is usual.

use crate::harness::market::{now_ms, write};
use crate::harness::scene::{is, json, run};
use crate::harness::{
    Analytics, PostgresDatabase, PostgresServer, RedisServer, SOON, Scene, until,
};
use analytics::config::HistoryUrl;
use analytics::history::database::{Database, Which};
use analytics::history::row::{Chain, Metric, Row};
use chrono::{DateTime, Datelike, Days, NaiveDate, Weekday};
use quant::market::{Symbol, Timestamp};
use serde_json::{Value, json as value};
use std::path::Path;
use tempfile::TempDir;

const DAY_MS: i64 = 86_400_000;
/// What the warning of a database that is away says.
const AWAY: &str = "history is not stored";

fn sqlite(file: &Path) -> String {
    format!("history.url=sqlite:{}", file.display())
}

fn wait<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread();
    { runtime }.enable_all().build().unwrap().block_on(work)
}

/// What `/status` says of history.
fn history(daemon: &Analytics) -> Value {
    json(daemon, "/status")["history"].clone()
}

fn stored(daemon: &Analytics, table: &str) -> u64 {
    history(daemon)["stored"][table].as_u64().unwrap_or(0)
}

#[track_caller]
fn stores(daemon: &Analytics, table: &str, at_least: u64) {
    until(&format!("{at_least} rows of {table}"), SOON, || {
        (stored(daemon, table) >= at_least).then_some(())
    });
}

/// What the settings of these tests have in common: every number each second.
const OFTEN: [&str; 3] = [
    "history.flush_ms=50",
    "history.metrics_seconds=1",
    "history.chain_seconds=1",
];

fn sets(url: &str) -> Vec<&str> {
    OFTEN.into_iter().chain([url]).collect()
}

/// A daemon that keeps history is killed, again and again: what it had said is stored is there.
fn survives_kills(url: &str, set: &str) {
    let redis = RedisServer::start();
    let mut client = redis.connect();
    let mut acknowledged = 0;
    for round in 0..3_u64 {
        let mut daemon = run(&redis.url(), &["AAA"], &sets(set), &[]);
        until("rows of this round", SOON, || {
            write(&mut client, "AAA", round * 1_000 + now_ms() as u64 % 1_000).unwrap();
            (stored(&daemon, "underlying_ticks") > 2).then_some(())
        });
        acknowledged += stored(&daemon, "underlying_ticks");
        daemon.kill();
        let counts = wait(async {
            let url = HistoryUrl::new(url).unwrap();
            let database = Database::open(&url).await.unwrap();
            database.counts().await.unwrap()
        });
        assert!(counts["underlying_ticks"] >= acknowledged, "{counts:?}");
        assert!(counts["metrics"] > 0, "{counts:?}");
    }
}

#[test]
fn what_the_daemon_said_is_stored_survives_its_kill_in_sqlite() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("history.db");
    survives_kills(&format!("sqlite:{}", file.display()), &sqlite(&file));
}

#[test]
fn what_the_daemon_said_is_stored_survives_its_kill_in_postgres() {
    let postgres = PostgresDatabase::new();
    let set = format!("history.url={}", postgres.url());
    survives_kills(&postgres.url(), &set);
}

#[test]
fn a_clean_stop_stores_what_was_published_and_metrics_count_it() {
    let folder = TempDir::new().unwrap();
    let url = sqlite(&folder.path().join("history.db"));
    let sets = [
        &url[..],
        "history.flush_ms=60000",
        "history.metrics_seconds=1",
    ];
    let redis = RedisServer::start();
    let mut scene = Scene::start_at(redis, &["AAA"], None, &sets);
    assert_eq!(
        stored(&scene.daemon, "metrics"),
        0,
        "a minute between two batches"
    );
    scene.daemon.terminate();
    assert!(scene.daemon.wait_exit(SOON).success());
    let path = folder.path().join("history.db");
    let counts = wait(async {
        let url = HistoryUrl::new(&format!("sqlite:{}", path.display())).unwrap();
        let database = Database::open(&url).await.unwrap();
        database.counts().await.unwrap()
    });
    assert!(
        counts["metrics"] > 20 && counts["underlying_ticks"] > 0,
        "{counts:?}"
    );
    assert_eq!(scene.daemon.unexpected_log_lines(&[]), [""; 0]);
}

#[test]
fn a_database_that_is_away_costs_history_and_nothing_else() {
    let folder = TempDir::new().unwrap();
    // A file where the folder should be.
    let taken = folder.path().join("var");
    std::fs::write(&taken, "").unwrap();
    let url = sqlite(&taken.join("history.db"));
    let redis = RedisServer::start();
    let feeder = crate::harness::market::Feeder::start(&redis.socket(), &["AAA"]);
    let daemon = run(&redis.url(), &["AAA"], &sets(&url), &[]);
    daemon.logged(AWAY, SOON);
    let health = is(&daemon, "degraded", SOON);
    assert_eq!(health["reasons"], value!(["history: degraded"]));
    let reasons = json(&daemon, "/status")["reasons"].to_string();
    assert!(reasons.contains("history is not stored since"), "{reasons}");
    let passes = |daemon: &Analytics| json(daemon, "/status")["passes"]["count"].as_u64();
    let before = passes(&daemon);
    until("the engine goes on", SOON, || {
        (passes(&daemon) > before.map(|count| count + 3)).then_some(())
    });
    let beat = || -> Option<Value> {
        let beat = redis.cli(&["GET", "heartbeat:analytics"]);
        Some(serde_json::from_str::<Value>(&beat).ok()?["history"].clone())
    };
    assert_eq!(beat().unwrap()["state"], "degraded");
    std::fs::remove_file(&taken).unwrap();
    stores(&daemon, "underlying_ticks", 1);
    is(&daemon, "healthy", SOON);
    assert_eq!(history(&daemon)["state"], "ok");
    assert_eq!(daemon.unexpected_log_lines(&[AWAY]), [""; 0]);
    drop(feeder);
}

#[test]
fn a_database_that_goes_and_comes_back_has_every_row_that_waited() {
    let mut server = PostgresServer::start();
    let place = server.url("postgres");
    let url = format!("history.url={place}");
    let redis = RedisServer::start();
    let scene = Scene::start_at(redis, &["AAA"], None, &sets(&url));
    stores(&scene.daemon, "underlying_ticks", 2);
    server.kill();
    is(&scene.daemon, "degraded", SOON);
    let gone = history(&scene.daemon)["since"].as_i64().unwrap();
    let before = stored(&scene.daemon, "underlying_ticks");
    until("documents wait", SOON, || {
        let waiting = history(&scene.daemon)["waiting_bytes"].as_u64();
        (waiting > Some(2_000)).then_some(())
    });
    server.start_again();
    stores(&scene.daemon, "underlying_ticks", before + 2);
    is(&scene.daemon, "healthy", SOON);
    let said = history(&scene.daemon);
    assert_eq!(
        (&said["dropped"], &said["refused"]),
        (&value!(0), &value!(0))
    );
    let ticks = wait(async {
        let url = HistoryUrl::new(&place).unwrap();
        let database = Database::open(&url).await.unwrap();
        let symbol = Symbol::new("AAA").unwrap();
        database.ticks(&symbol, 1_000, None).await.unwrap()
    });
    // No hole of seconds around the time it was away: the ticks of then had waited.
    let times: Vec<i64> = ticks.iter().rev().map(|tick| tick.at.millis()).collect();
    let widest = times.windows(2).map(|pair| pair[1] - pair[0]).max();
    assert!(times[0] < gone && widest < Some(5_000), "{widest:?}");
    assert_eq!(scene.daemon.unexpected_log_lines(&[AWAY]), [""; 0]);
}

/// The chain of a past session: one call and one put at 100, 40 contracts traded and 1,000 open.
fn past_chain(symbol: &Symbol, expiry: NaiveDate, at_ms: i64) -> Row {
    let leg = value!({"strike": 100.0, "volume": 40, "open_interest": 1000, "last": 2.0});
    let document = value!({
        "product": symbol.as_str(), "expiry": expiry, "root": symbol.as_str(),
        "calls": [leg], "puts": [leg],
    });
    let packed = zstd::bulk::compress(document.to_string().as_bytes(), 1).unwrap();
    Row::Chain(Chain {
        symbol: symbol.clone(),
        series: expiry.to_string(),
        expiry,
        at: Timestamp::from_millis(at_ms),
        spot: None,
        pcr_oi: None,
        pcr_volume: None,
        atm_strike: None,
        atm_straddle: None,
        max_pain: None,
        call_oi: None,
        put_oi: None,
        document: packed.into(),
    })
}

/// The Friday of a date, or the next one.
fn friday(date: NaiveDate) -> NaiveDate {
    let mut days = date.iter_days();
    days.find(|date| date.weekday() == Weekday::Fri).unwrap()
}

#[test]
fn what_was_kept_of_past_sessions_is_what_is_usual() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("history.db");
    let symbol = Symbol::new("SPY").unwrap();
    if now_ms() % DAY_MS < 300_000 {
        println!("skipped: nothing is compared in the first five minutes of a session");
        return;
    }
    // Sessions of an exchange that is always open begin at midnight.
    let midnight = now_ms() / DAY_MS * DAY_MS;
    let today: NaiveDate = DateTime::from_timestamp_millis(midnight)
        .unwrap()
        .date_naive();
    let [before, expiry, after] = [10, 45, 90].map(|days| friday(today + Days::new(days)));
    let mut rows = Vec::new();
    for back in 1..=70_i64 {
        // One a quarter of an hour, just before its end.
        let times = (1..=96).map(|quarter| midnight - back * DAY_MS + quarter * 900_000 - 1_000);
        let times = times.filter(|_| back <= 20);
        rows.extend(times.map(|at| past_chain(&symbol, expiry, at)));
        let session = today - Days::new(back as u64);
        for (field, value) in [("iv", 0.05 + back as f64 / 1_000.0), ("days", 30.0)] {
            rows.push(Row::Metric(Metric {
                symbol: symbol.to_string(),
                name: "iv_rank".to_owned(),
                field: field.to_owned(),
                at: Timestamp::from_millis(midnight - back * DAY_MS + 2),
                session,
                value,
            }));
        }
    }
    wait(async {
        let url = HistoryUrl::new(&format!("sqlite:{}", file.display())).unwrap();
        let database = Database::open(&url).await.unwrap();
        database.store(&rows).await.unwrap();
    });

    let redis = RedisServer::start();
    let put_chain = || {
        let leg = |right: &str, expiry: NaiveDate| {
            value!({
                "expiration": expiry, "strike": 100.0, "type": right,
                "bid": 3.9, "ask": 4.1, "last": 4.0, "volume": 400, "open_interest": 1500,
                "iv": 0.3,
            })
        };
        let contracts: Vec<Value> = [before, expiry, after]
            .into_iter()
            .flat_map(|expiry| [leg("call", expiry), leg("put", expiry)])
            .collect();
        let chain =
            value!({"symbol": "SPY", "as_of": now_ms(), "spot": 100.0, "contracts": contracts});
        redis.cli(&["SET", "options:SPY:chain", &chain.to_string()]);
    };
    let mut client = redis.connect();
    put_chain();
    write(&mut client, "SPY", 1).unwrap();
    let url = sqlite(&file);
    let mut sets = sets(&url);
    sets.extend([
        "market.exchanges.SPY=\"ALWAYS\"",
        "update_intervals.unusual_activity=0.5",
        "update_intervals.chain_stats=0.5",
    ]);
    let daemon = run(&redis.url(), &["SPY"], &sets, &[]);
    until("what is usual is published", SOON, || {
        (redis.cli(&["EXISTS", "discovered:baseline:SPY"]) == "1").then_some(())
    });
    drop(daemon);
    // It is told within a minute; a start is told at once.
    let daemon = run(&redis.url(), &["SPY"], &sets, &[]);
    let document =
        |key: &str| -> Option<Value> { serde_json::from_str(&redis.cli(&["GET", key])).ok() };
    let mut n = 1;
    let unusual = until("volumes are compared", SOON, || {
        put_chain();
        n += 1;
        write(&mut client, "SPY", n).unwrap();
        let unusual = document("analytics:SPY:metric:unusual")?;
        (unusual["baseline_status"] == "ok").then_some(unusual)
    });
    assert_eq!(
        unusual["baseline_contracts"], 2,
        "the other expiries have no past"
    );
    let of_past = |row: &&Value| row["expiry"] == expiry.to_string();
    let top = unusual["top_contracts"].as_array().unwrap();
    let call = top.iter().find(of_past).unwrap();
    assert!(call["vs_average"].as_f64() >= Some(10.0), "{call}");
    assert!(
        call["flags"].to_string().contains("vol_gt_5x_avg"),
        "{call}"
    );

    let built = until("build-up since yesterday", SOON, || {
        let document = document("analytics:SPY:oi_buildup")?;
        let expiries = document["by_expiry"].as_array()?;
        expiries.iter().find(of_past).cloned()
    });
    let call = &built["strikes"][0]["call"];
    assert_eq!(
        (&call["oi_change"], &call["price_pct"]),
        (&value!(500.0), &value!(100.0)),
        "{built}"
    );
    assert_eq!(call["oi_reference"], "previous_session");
    let baseline = document("discovered:baseline:SPY").unwrap();
    let volatilities = baseline["volatilities"].as_object().unwrap();
    assert_eq!(volatilities.len(), 70, "{baseline}");
    let iv = &volatilities[&(today - Days::new(1)).to_string()]["iv"];
    assert!((iv.as_f64().unwrap() - 0.051).abs() < 1e-12, "{iv}");
    drop(daemon);
    let counts = wait(async {
        let url = HistoryUrl::new(&format!("sqlite:{}", file.display())).unwrap();
        let database = Database::open(&url).await.unwrap();
        database
            .chains(&symbol, Which::All, 100, None)
            .await
            .unwrap()
            .len()
    });
    assert!(
        counts >= 23,
        "twenty past ones and the three of now: {counts}"
    );
}
