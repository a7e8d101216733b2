//! A feed that stops: each document says so within the age its inputs may have, and why.

use crate::harness::market::{Feeder, now_ms};
use crate::harness::scene;
use crate::harness::{RedisServer, SOON, until};
use serde_json::Value;

/// Documents of the tape and the book.
const DOCUMENTS: [&str; 7] = [
    "toxicity",
    "institutional_flow",
    "retail_flow",
    "flow_clusters",
    "metric:sweep",
    "metric:hidden",
    "obi",
];

#[test]
fn documents_say_that_their_feed_stopped() {
    let redis = RedisServer::start();
    let feeder = Feeder::start(&redis.socket(), &["AAA"]);
    let sets = [
        "update_intervals.flow_toxicity=0",
        "update_intervals.flow_clustering=0",
        "update_intervals.sweep_detection=0",
        "calculators.toxicity.minimum_trades=2",
        "calculators.flow_clusters.min_trades=20",
        "max_age_ms.trades=2000",
        "max_age_ms.book=2000",
        "max_age_ms.ticker=2000",
    ];
    let daemon = scene::run(&redis.url(), &["AAA"], &sets, &[]);
    let document = |name: &str| -> Option<Value> {
        let text = redis.cli(&["GET", &format!("analytics:AAA:{name}")]);
        serde_json::from_str(&text).ok()
    };
    for name in DOCUMENTS {
        until(&format!("{name} has a value"), SOON, || {
            (document(name)?["meta"]["status"] == "ok").then_some(())
        });
    }
    drop(feeder);
    let stopped = now_ms();
    for name in DOCUMENTS {
        let said = until(&format!("{name} says that it is stale"), SOON, || {
            document(name).filter(|document| document["meta"]["status"] != "ok")
        });
        let meta = &said["meta"];
        assert_eq!(meta["status"], "stale", "{name}: {meta}");
        let reason = meta["reason"].as_str().unwrap();
        assert!(reason.ends_with("ms old"), "{name}: {reason}");
        // Two seconds of age, and a pass or two.
        let after = said["timestamp"].as_f64().unwrap() * 1e3 - stopped as f64;
        assert!(after < 4_000.0, "{name}: {after} ms");
        let neutral = name.ends_with("_flow");
        if neutral {
            assert_eq!(said["value"], 0.5, "{name}");
        }
    }
    daemon.finish();
}
