//! The demo beyond its table: copies in a Redis, dirt on purpose, history of its own, nothing left behind.

use crate::harness::scene::json;
use crate::harness::{Analytics, RedisServer, SOON, demo, until};
use std::path::PathBuf;

fn start(more: &[&str]) -> Analytics {
    demo(more).0
}

fn folder(demo: &Analytics) -> PathBuf {
    std::env::temp_dir().join(format!("analytics-demo-{}", demo.pid()))
}

#[test]
fn documents_are_copied_into_a_redis_and_an_interrupt_leaves_nothing_behind() {
    let redis = RedisServer::start();
    let mut demo = start(&["--redis", &redis.url()]);
    for key in [
        "analytics:SPY:gex",
        "analytics:portfolio:summary",
        "heartbeat:analytics",
    ] {
        until(key, SOON, || {
            (redis.cli(&["EXISTS", key]) == "1").then_some(())
        });
        let ttl: i64 = redis.cli(&["TTL", key]).parse().unwrap();
        assert!(ttl > 0, "{key} lives for ever");
    }
    let folder = folder(&demo);
    until("its history", SOON, || {
        folder.join("history.db").exists().then_some(())
    });
    let stored = || json(&demo, "/status")["history"]["stored"]["metrics"].as_u64();
    until("rows of its past", SOON, || {
        (stored() > Some(100)).then_some(())
    });
    demo.signal("INT");
    assert!(demo.wait_exit(SOON).success());
    assert!(!folder.exists(), "{} stays behind", folder.display());
    assert_eq!(demo.unexpected_log_lines(&[]), [""; 0]);
}

#[test]
fn a_dirty_market_costs_counts_and_no_document() {
    let demo = start(&["--dirt", "0.02"]);
    until("bad input is counted", SOON, || {
        let status = json(&demo, "/status");
        let kinds = status["bad_input"].as_object().map(serde_json::Map::len);
        (kinds > Some(1)).then_some(())
    });
    let health = json(&demo, "/health");
    assert_ne!(health["status"], "stuck");
    until("a value of gex", SOON, || {
        let (_, body) = demo.get("/analytics/SPY/gex");
        body.contains("\"status\":\"ok\"").then_some(())
    });
}

#[test]
fn a_redis_that_is_not_there_is_said_before_anything_starts() {
    let said = crate::harness::run(&[
        "demo",
        "--redis",
        "redis://127.0.0.1:1",
        "--listen",
        "127.0.0.1:0",
    ]);
    let said = said.refused();
    assert!(said.contains("--redis: cannot reach"), "{said}");
    let said = crate::harness::run(&["demo", "--redis", "memory:"]).refused();
    assert!(said.contains("--redis"), "{said}");
}
