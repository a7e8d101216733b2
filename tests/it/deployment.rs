//! The files an operator installs: the Redis configuration starts and holds its promises.

use crate::harness::{RedisServer, Reply};
use std::path::Path;

#[test]
fn redis_conf_lets_each_user_do_its_work_and_no_more() {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/redis.conf");
    let redis = RedisServer::start_from(&config, &[]);
    assert!(
        matches!(redis.command(&["GET", "k"]), Reply::Error(error) if error.starts_with("NOAUTH"))
    );

    let login = |user: &str| {
        let mut connection = redis.connect();
        let reply = connection
            .command(&["AUTH", user, &format!("change-me-{user}")])
            .unwrap();
        assert_eq!(reply, Reply::Simple("OK".into()), "{user}");
        move |command: &str| {
            connection
                .command(&command.split(' ').collect::<Vec<_>>())
                .unwrap()
        }
    };
    let allowed = |reply: Reply| !matches!(reply, Reply::Error(_));
    let denied = |reply: Reply| matches!(reply, Reply::Error(error) if error.contains("NOPERM"));

    let mut feed = login("feed");
    for command in [
        "RPUSH market:AAPL:trades {}",
        "LTRIM market:AAPL:trades -1000 -1",
        "SADD market:symbols AAPL",
        "SET options:SPX:chain {} EX 60",
        "SET ibkr:market_data:VIX1D {} EX 60",
        "SET heartbeat:feed:synthetic {} EX 15",
        "PUBLISH market:underlying {}",
    ] {
        assert!(allowed(feed(command)), "feed: {command}");
    }
    for command in [
        "SET analytics:AAPL:gex {}",
        "SET heartbeat:analytics {}",
        "PUBLISH secret x",
        "FLUSHALL",
    ] {
        assert!(denied(feed(command)), "feed: {command}");
    }

    let mut engine = login("analytics");
    for command in [
        "CLIENT SETNAME engine",
        "CLIENT ID",
        "SELECT 0",
        "INFO server",
        "PING",
        "MGET market:AAPL:ticker market:AAPL:book discovered:vpin_bucket_size",
        "LRANGE market:AAPL:trades -64 -1",
        "SMEMBERS market:symbols",
        "TYPE options:SPX:chain",
        "SCAN 0 MATCH options:SPX:* COUNT 1000",
        "SET analytics:lease:0 me NX PX 2500",
        "SET state:analytics:AAPL:vpin x EX 345600",
        "SET heartbeat:analytics {} EX 15",
        "SET latest:underlying:AAPL {} EX 300",
        "SET discovered:baseline:AAPL {} EX 86400",
        "SET volatility:vix1d:SPX {} EX 300",
        "SCRIPT LOAD return",
        "EVAL redis.call('LPUSH',KEYS[1],1)redis.call('LTRIM',KEYS[1],0,9)return(1) 1 analytics:AAPL:gex:history",
        "EVAL return(redis.call('PEXPIRE',KEYS[1],2500)) 1 analytics:lease:0",
        "PUBLISH enriched:underlying {}",
        "SUBSCRIBE market:underlying",
    ] {
        assert!(allowed(engine(command)), "analytics: {command}");
    }
    let mut engine = login("analytics");
    for command in [
        "SET market:AAPL:ticker {}",
        "SET discovered:vpin_bucket_size:AAPL 1",
        "DEL options:SPX:chain",
        "GET somebody:else",
        "KEYS *",
        "FLUSHALL",
        "CONFIG GET *",
        "CLIENT KILL ID 1",
        "SHUTDOWN",
        "ACL LIST",
        "EVAL return(redis.call('SET',KEYS[1],1)) 1 market:AAPL:ticker",
    ] {
        assert!(denied(engine(command)), "analytics: {command}");
    }
    assert!(allowed(login("admin")("CONFIG GET maxmemory-policy")));
}

/// What every unit must say, whichever program it starts.
#[test]
fn the_units_start_what_there_is_as_nobody_special() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
    for (unit, command) in [("analytics", "run"), ("analytics-feed", "feed")] {
        let text = std::fs::read_to_string(folder.join(format!("{unit}.service"))).unwrap();
        let start = format!(
            "ExecStart=/usr/bin/analytics {command} --config /etc/analytics/analytics.toml"
        );
        for line in [
            start.as_str(),
            "User=analytics",
            "NoNewPrivileges=yes",
            "ProtectSystem=strict",
            "CapabilityBoundingSet=",
            "Restart=always",
            "RestartPreventExitStatus=2",
            "TimeoutStopSec=10",
        ] {
            assert!(text.lines().any(|other| other == line), "{unit}: {line}");
        }
        // Written once: no line of a service may contradict another.
        let mut keys: Vec<&str> = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_once('=').map(|(key, _)| key))
            .filter(|key| *key != "SystemCallFilter")
            .collect();
        let count = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), count, "{unit}: a key twice");
        crate::harness::run(&[command, "--help"]).succeeded();
    }
}

/// systemd's own opinion, where it is installed.
#[test]
fn systemd_accepts_the_units() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
    for unit in ["analytics", "analytics-feed"] {
        let path = folder.join(format!("{unit}.service"));
        let verified = std::process::Command::new("systemd-analyze")
            .args(["verify", "--man=no"])
            .arg(&path)
            .output();
        let Ok(verified) = verified else {
            println!("skipped: no systemd-analyze");
            return;
        };
        let said = String::from_utf8_lossy(&verified.stderr);
        let wrong = said.lines().filter(|line| line.contains(unit));
        // The program is not installed where the tests run.
        let wrong: Vec<&str> = wrong
            .filter(|line| !line.contains("is not executable"))
            .collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }
}
