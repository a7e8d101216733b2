//! A reader of documents that trades on them: takes only what may be believed now.
//!
//! ```sh
//! cargo run --example signal_reader -- SPY redis://127.0.0.1:6379
//! ```
//!
//! Three rules make a reader safe. A document may be used while `meta.status` is `ok` and
//! `meta.valid_until_ms` is ahead. An engine may be believed while its heartbeat is fresh. Whatever is
//! missing is no signal, never a zero.

use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fred::prelude::{Builder, Client, ClientLike, Config, Error, KeysInterface};
use serde_json::Value;

/// An engine that has not beaten for so long is not believed.
const HEARTBEAT_MS: i64 = 3_000;

/// Milliseconds since the epoch.
#[expect(clippy::disallowed_methods, reason = "a reader has its own clock")]
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as i64)
}

async fn document(client: &Client, key: &str) -> Result<Option<Value>, Error> {
    let text: Option<String> = client.get(key).await?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

/// The document, where it may be believed at this instant; else why not.
fn current(document: Option<Value>, now_ms: i64) -> Result<Value, String> {
    let document = document.ok_or("no document")?;
    let meta = &document["meta"];
    if meta["status"] != "ok" {
        let why = meta["reason"].as_str().unwrap_or("no reason");
        return Err(format!("{}: {why}", meta["status"]));
    }
    let valid_until = meta["valid_until_ms"].as_i64();
    if valid_until.is_some_and(|until| until < now_ms) {
        return Err("over".to_owned());
    }
    Ok(document)
}

async fn signal(client: &Client, symbol: &str) -> Result<String, Error> {
    let now = now_ms();
    let beat = document(client, "heartbeat:analytics").await?;
    let age = beat.and_then(|beat| Some(now - beat["ts"].as_i64()?));
    if age.is_none_or(|age| age > HEARTBEAT_MS) {
        return Ok("no signal: the engine does not beat".to_owned());
    }
    let mut said = Vec::new();
    for (name, field) in [
        ("gex", "gex_usd_per_1pct"),
        ("vpin", "value"),
        ("obi", "level1_imbalance"),
    ] {
        let key = format!("analytics:{symbol}:{name}");
        let found = current(document(client, &key).await?, now);
        said.push(match found {
            Ok(document) => format!("{name} {}", document[field]),
            Err(why) => format!("{name} – ({why})"),
        });
    }
    Ok(said.join("  "))
}

#[tokio::main]
#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it is what the example is for"
)]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(symbol), Some(url)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: signal_reader SYMBOL REDIS_URL");
        return ExitCode::from(2);
    };
    let read = async {
        let client = Builder::from_config(Config::from_url(&url)?).build()?;
        client.init().await?;
        loop {
            println!("{symbol}: {}", signal(&client, &symbol).await?);
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    let why: Result<(), Error> = read.await;
    eprintln!(
        "{}",
        why.map_or_else(|why| why.to_string(), |()| String::new())
    );
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_is_ok_and_not_over_is_believed() {
        let gex = |status: &str, until: i64| {
            Some(json!({"meta": {"status": status, "reason": "why", "valid_until_ms": until}}))
        };
        assert!(current(gex("ok", 10), 9).is_ok());
        assert_eq!(current(gex("ok", 10), 11), Err("over".to_owned()));
        assert_eq!(
            current(gex("stale", 10), 9),
            Err("\"stale\": why".to_owned())
        );
        assert_eq!(current(None, 9), Err("no document".to_owned()));
    }
}
