//! The settings of the provider `globaldatafeeds`, and its key, which is never shown.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use quant::market::Symbol;
use serde::{Deserialize, Serialize};

use super::values::by_symbol;

/// How the provider `globaldatafeeds` is fed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GlobalDataFeeds {
    /// Where the vendor's server is; each account has its own.
    pub endpoint: String,
    /// A file whose first line is the key.
    pub api_key_file: Option<PathBuf>,
    /// The key, which only the variable `ANALYTICS_GDF_API_KEY` sets.
    #[serde(default, skip_serializing)]
    pub api_key: Option<ApiKey>,
    /// The exchange of the options: NFO, BFO, CDS or MCX.
    pub exchange: String,
    /// The products, such as NIFTY.
    pub symbols: Vec<String>,
    /// Seconds between two polls of a chain, 0.1 to 3600.
    pub poll_seconds: f64,
    /// Requests an hour of the plan, up to 1000000; 0 is what the vendor says.
    pub plan_calls_per_hour: u64,
    /// Expiries of each product, the nearest first, 1 to 24.
    pub expiries: usize,
    /// Strikes on each side of the price that are subscribed, 1 to 20.
    pub strikes: u64,
    /// Whether chains are subscribed or polled: auto, subscribe or poll.
    pub path: String,
    /// What the vendor counts in: auto, units or contracts.
    pub quantities: String,
    /// The vendor's names of indices, over those that are known.
    #[serde(with = "by_symbol")]
    pub indices: BTreeMap<Symbol, String>,
    /// Seconds that an answer may take, 0.1 to 600.
    pub timeout_seconds: f64,
    /// Seconds of silence after which the link is dead, 0.1 to 600.
    pub silence_seconds: f64,
    /// Seconds to stay away where another session has the key, 0.1 to 3600.
    pub retry_seconds: f64,
    /// Times of day in India at which the vendor's servers are down: `02:00-02:30`.
    pub maintenance: Vec<String>,
}

impl Default for GlobalDataFeeds {
    fn default() -> Self {
        Self {
            endpoint: "ws://nimblewebstream.lisuns.com:4575".to_owned(),
            api_key_file: None,
            api_key: None,
            exchange: "NFO".to_owned(),
            symbols: Vec::new(),
            poll_seconds: 5.0,
            plan_calls_per_hour: 0,
            expiries: 2,
            strikes: 20,
            path: "auto".to_owned(),
            quantities: "auto".to_owned(),
            indices: BTreeMap::new(),
            timeout_seconds: 10.0,
            silence_seconds: 10.0,
            retry_seconds: 30.0,
            maintenance: ["02:00-02:30", "08:00-08:30"].map(str::to_owned).into(),
        }
    }
}

/// A vendor's key: for authenticating, never for showing.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct ApiKey(String);

impl ApiKey {
    /// The key with what may stand around it in a file left out.
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    /// Whether it is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// A text in which `***` stands wherever the key did.
    pub fn hidden_in(&self, text: &str) -> String {
        match self.0.is_empty() {
            true => text.to_owned(),
            false => text.replace(&self.0, "***"),
        }
    }
}

impl From<String> for ApiKey {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use crate::config::tests::{check_set, check_variable, config, load_all};

    #[test]
    fn the_key_comes_from_its_variable_and_is_never_shown() {
        let older = ("GDF_API_KEY", "older");
        let loaded = load_all("", &[("ANALYTICS_GDF_API_KEY", " hunter2 "), older], &[]).unwrap();
        let key = loaded.config.feed.globaldatafeeds.api_key.clone().unwrap();
        assert_eq!(key.reveal(), "hunter2");
        assert_eq!(key.hidden_in("key hunter2 is hunter2!"), "key *** is ***!");
        for shown in [format!("{loaded:?}"), format!("{:?}", loaded.resolved())] {
            assert!(!shown.contains("hunter2"), "{shown}");
        }
        let older = config("", &[older], &[]).feed.globaldatafeeds.api_key;
        assert_eq!(older.unwrap().reveal(), "older");
        assert_eq!(config("", &[], &[]).feed.globaldatafeeds.api_key, None);
    }

    #[test]
    fn no_file_and_no_flag_may_hold_the_key() {
        let error =
            load_all("[feed.globaldatafeeds]\napi_key = \"hunter2\"", &[], &[]).unwrap_err();
        assert!(
            error.contains("unknown key") && !error.contains("hunter2"),
            "{error}"
        );
        let error = load_all("", &[], &["feed.globaldatafeeds.api_key=hunter2"]).unwrap_err();
        assert!(
            error.contains("unknown key") && !error.contains("hunter2"),
            "{error}"
        );
    }

    #[test]
    fn values_are_held_to_what_they_may_be() {
        check_set(
            "feed.globaldatafeeds.endpoint=http://a:1",
            "--set feed.globaldatafeeds.endpoint: must be a URL that begins with ws:// or wss:// (is \"http://a:1\")",
        );
        check_set(
            "feed.globaldatafeeds.path=both",
            "--set feed.globaldatafeeds.path: must be one of auto, subscribe, poll (is \"both\")",
        );
        check_set(
            "feed.globaldatafeeds.symbols=NIFTY,A B",
            "--set feed.globaldatafeeds.symbols: must be products: 1 to 32 of A-Z a-z 0-9 . _ - & (is \"A B\")",
        );
        check_variable(
            "ANALYTICS__FEED__GLOBALDATAFEEDS__POLL_SECONDS",
            "0",
            "must be 0.1 to 3600 (is 0)",
        );
    }

    #[test]
    fn the_older_variables_are_read_below_the_newer() {
        let older = [
            ("FEED_PROVIDER", "globaldatafeeds"),
            ("FEED_INTERVAL", "0.5"),
            ("GDF_ENDPOINT", "host.example:4575"),
            ("GDF_SYMBOLS", "NIFTY, M&M"),
            ("GDF_POLL_INTERVAL", "7.5"),
            ("EXCHANGE", "BFO"),
        ];
        let loaded = load_all("feed.provider = \"synthetic\"", &older, &[]).unwrap();
        let feed = &loaded.config.feed;
        let own = &feed.globaldatafeeds;
        assert_eq!(
            (feed.provider.as_str(), feed.interval_ms),
            ("globaldatafeeds", 500)
        );
        assert_eq!(own.endpoint, "ws://host.example:4575");
        assert_eq!((own.exchange.as_str(), own.poll_seconds), ("BFO", 7.5));
        assert_eq!(own.symbols, ["NIFTY", "M&M"]);
        for (key, variable) in [
            ("feed.provider", "FEED_PROVIDER"),
            ("feed.interval_ms", "FEED_INTERVAL"),
            ("feed.globaldatafeeds.endpoint", "GDF_ENDPOINT"),
            ("feed.globaldatafeeds.symbols", "GDF_SYMBOLS"),
            ("feed.globaldatafeeds.poll_seconds", "GDF_POLL_INTERVAL"),
            ("feed.globaldatafeeds.exchange", "EXCHANGE"),
        ] {
            assert_eq!(
                loaded.origins[key].to_string(),
                format!("environment {variable}")
            );
        }
        let both = [older[0], ("ANALYTICS__FEED__PROVIDER", "recording")];
        assert_eq!(config("", &both, &[]).feed.provider, "recording");
        check_variable(
            "FEED_INTERVAL",
            "soon",
            "must be a number of seconds (is \"soon\")",
        );
        check_variable("FEED_INTERVAL", "0.001", "must be 10 to 600000 (is 1)");
        check_variable("GDF_POLL_INTERVAL", "x", "must be a number (is \"x\")");
    }
}
