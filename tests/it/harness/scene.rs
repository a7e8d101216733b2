//! The usual scene: a store, a producer that writes into it, and the daemon between.

use super::market::{Feeder, now_ms};
use super::{Analytics, RedisServer, Reply, SOON, until};
use analytics::clock::Stopwatch;
use serde_json::Value;
use std::time::Duration;

/// What a store that is back may take until every document is.
pub(crate) const RECOVERY: Duration = Duration::from_secs(3);

/// What the warnings of a lost store say.
pub(crate) const STORE_LOST: &str = "passes are skipped until the store answers";
/// What the warnings of input that could not be used say.
pub(crate) const BAD_INPUT: &str = "bad input";

/// Fields in the order in which they must be dropped.
pub(crate) struct Scene {
    pub(crate) daemon: Analytics,
    pub(crate) feeder: Feeder,
    pub(crate) redis: RedisServer,
    pub(crate) symbols: Vec<String>,
}

impl Scene {
    /// The store up, the symbols fed, every document there, the daemon healthy.
    #[track_caller]
    pub(crate) fn start(symbols: &[&str]) -> Self {
        Self::start_at(RedisServer::start(), symbols, None, &[])
    }

    /// The same on a server made elsewhere, reached by `url`, with settings.
    #[track_caller]
    pub(crate) fn start_at(
        redis: RedisServer,
        symbols: &[&str],
        url: Option<&str>,
        sets: &[&str],
    ) -> Self {
        let feeder = Feeder::start(&redis.socket(), symbols);
        let daemon = run(url.unwrap_or(&redis.url()), symbols, sets, &[]);
        let symbols = symbols.iter().map(ToString::to_string).collect();
        let scene = Self {
            daemon,
            feeder,
            redis,
            symbols,
        };
        scene.all_current(SOON);
        until("vpin is warm", SOON, || {
            let mut symbols = scene.symbols.iter();
            let warm = symbols.all(|symbol| scene.document(symbol, "vpin").is_some());
            warm.then_some(())
        });
        scene.is("healthy", SOON);
        scene
    }

    /// A document, where there is one and the store answers.
    pub(crate) fn document(&self, symbol: &str, name: &str) -> Option<Value> {
        let key = format!("analytics:{symbol}:{name}");
        match self.redis.try_command(&["GET", &key], SOON) {
            Ok(Reply::Bulk(Some(bytes))) => {
                let text = String::from_utf8(bytes).expect("documents are UTF-8");
                Some(serde_json::from_str(&text).expect("documents are JSON, without NaN"))
            }
            _ => None,
        }
    }

    /// Whether a document has a value that was computed after this instant.
    pub(crate) fn is_current(&self, symbol: &str, name: &str, since_ms: i64) -> bool {
        self.document(symbol, name).is_some_and(|document| {
            let computed = document["timestamp"].as_f64().unwrap_or(0.0) * 1e3;
            holds_what_it_says(&document);
            document["meta"]["status"] == "ok" && computed > since_ms as f64
        })
    }

    /// Waits until every symbol has a new book and summary document with a value; how long it took.
    #[track_caller]
    pub(crate) fn all_current(&self, deadline: Duration) -> Duration {
        let symbols: Vec<&str> = self.symbols.iter().map(String::as_str).collect();
        self.current(&symbols, deadline)
    }

    /// The same for some symbols.
    #[track_caller]
    pub(crate) fn current(&self, symbols: &[&str], deadline: Duration) -> Duration {
        let (watch, since) = (Stopwatch::start(), now_ms());
        for symbol in symbols {
            for name in ["obi", "summary"] {
                let left = deadline.saturating_sub(watch.elapsed());
                until(&format!("{symbol} has a new {name}"), left, || {
                    self.is_current(symbol, name, since).then_some(())
                });
            }
        }
        watch.elapsed()
    }

    /// Waits until every symbol is computed on again and `/health` says so, and tells how long it took.
    #[track_caller]
    pub(crate) fn recovers(&self, what: &str) {
        let took = self.all_current(RECOVERY);
        self.is("healthy", RECOVERY);
        println!("{what}: documents back after {took:?}");
    }

    /// Waits until `/health` says so.
    #[track_caller]
    pub(crate) fn is(&self, status: &str, deadline: Duration) -> Value {
        is(&self.daemon, status, deadline)
    }

    /// `/status`.
    #[track_caller]
    pub(crate) fn status(&self) -> Value {
        json(&self.daemon, "/status")
    }

    /// The heartbeat in the store.
    #[track_caller]
    pub(crate) fn heartbeat(&self) -> Value {
        let text = self.redis.cli(&["GET", "heartbeat:analytics"]);
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("no heartbeat: {text}"))
    }

    /// How often this was bad so far.
    #[track_caller]
    pub(crate) fn bad(&self, family: &str, reason: &str) -> u64 {
        let status = self.status();
        status["bad_input"][family][reason].as_u64().unwrap_or(0)
    }

    /// Waits until it was bad once more than `before`.
    #[track_caller]
    pub(crate) fn bad_again(&self, family: &str, reason: &str, before: u64) {
        let what = format!("{family}/{reason} is counted");
        until(&what, SOON, || {
            (self.bad(family, reason) > before).then_some(())
        });
    }

    /// Ends the daemon in order, with no other alarm in its log than these.
    #[track_caller]
    pub(crate) fn finish(self, allowed: &[&str]) {
        self.daemon.finish_allowing(allowed);
    }
}

/// Starts the daemon on these symbols, with an HTTP port of its own choice.
pub(crate) fn run(url: &str, symbols: &[&str], sets: &[&str], envs: &[(&str, &str)]) -> Analytics {
    let symbols = format!("symbols.standard={symbols:?}");
    // Few small buckets and every job on every pass or two: warm and back soon.
    let own = [
        symbols.as_str(),
        "http.listen=[\"127.0.0.1:0\"]",
        "calculators.vpin.bucket_size=200",
        "calculators.vpin.buckets=20",
        "calculators.vpin.min_trades=40",
        "update_intervals.vpin=0.5",
        "update_intervals.order_book=0.5",
        // Valid for minutes, it would keep a summary alive whose market is gone.
        "update_intervals.flow_clustering=\"off\"",
    ];
    let mut args = vec!["run"];
    for set in own.iter().chain(sets) {
        args.extend(["--set", set]);
    }
    let envs: Vec<_> = envs.iter().copied().chain([("REDIS_URL", url)]).collect();
    Analytics::spawn(&args, &envs)
}

/// A route that answers 200 with JSON.
#[track_caller]
pub(crate) fn json(daemon: &Analytics, path: &str) -> Value {
    let (code, body) = daemon.get(path);
    assert_eq!(code, 200, "{path}: {body}");
    serde_json::from_str(&body).unwrap_or_else(|error| panic!("{path}: {error}: {body}"))
}

/// Waits until `/health` of a daemon says so.
#[track_caller]
pub(crate) fn is(daemon: &Analytics, status: &str, deadline: Duration) -> Value {
    until(&format!("health is {status}"), deadline, || {
        let health: Value = serde_json::from_str(&daemon.get("/health").1).ok()?;
        (health["status"] == status).then_some(health)
    })
}

/// What is shown as current is: a document with a value rests on input of the last seconds.
#[track_caller]
pub(crate) fn holds_what_it_says(document: &Value) {
    let meta = &document["meta"];
    if meta["status"] != "ok" {
        return;
    }
    let ms = |name: &str| {
        meta[name]
            .as_i64()
            .unwrap_or_else(|| panic!("{name}: {document}"))
    };
    let computed = (document["timestamp"].as_f64().expect("a number") * 1e3) as i64;
    assert!((0..=15_000).contains(&ms("age_ms")), "old: {document}");
    assert!(ms("as_of_ms") <= computed + 2_000, "ahead: {document}");
    assert!(ms("valid_until_ms") > computed, "never valid: {document}");
    assert!(
        ms("valid_until_ms") <= computed + 60_000,
        "valid for ever: {document}"
    );
}
