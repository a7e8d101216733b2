//! What an end-to-end test stands on: a redis-server of its own, our binary as a child process,
//! waiting for conditions, and the shared data.
//! Everything started here ends with its handle, and with the test process however that ends.

mod analytics;
pub(crate) mod browser;
mod child;
pub(crate) mod client;
mod demo;
mod documents;
mod ended;
mod http;
mod log;
pub(crate) mod market;
mod postgres;
mod proxy;
mod redis;
mod resp;
pub(crate) mod scene;
mod shared;
mod until;

pub(crate) use analytics::Analytics;
pub(crate) use demo::demo;
pub(crate) use documents::{Results, Schema, Stamp};
pub(crate) use ended::{run, run_with};
pub(crate) use http::get;
pub(crate) use log::LogLine;
pub(crate) use postgres::{PostgresDatabase, PostgresServer};
pub(crate) use proxy::{Fault, Proxy};
pub(crate) use redis::RedisServer;
pub(crate) use resp::{Connection, Reply};
pub(crate) use scene::Scene;
pub(crate) use shared::{Shared, find_shared, shared, shared_or_skip};
pub(crate) use until::until;

use std::time::Duration;

/// What a healthy machine does in milliseconds; long enough for one that also compiles.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// Whether the long tests are wanted too (`scripts/test full`).
pub(crate) fn full_tier() -> bool {
    std::env::var("ANALYTICS_TEST_FULL").is_ok_and(|value| value == "1")
}

/// The folder of shared data; where it is absent the test says so and returns.
macro_rules! require_shared {
    () => {
        match $crate::harness::shared_or_skip() {
            Some(folder) => folder,
            None => return,
        }
    };
}
pub(crate) use require_shared;
