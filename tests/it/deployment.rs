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
