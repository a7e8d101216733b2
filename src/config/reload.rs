//! Settings read again while the program runs: what changes at once, and what needs a restart.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Config;
use super::shape::{dotted, leaves};

/// What came of reading the settings again.
#[derive(Clone, Debug)]
pub struct Reloaded {
    /// The settings to go on with.
    pub config: Config,
    /// Keys whose new value is in force.
    pub changed: Vec<String>,
    /// Keys whose new value waits for a restart.
    pub needs_restart: Vec<String>,
}

/// The settings `read` as far as a program that runs on `running` can take them.
pub fn reload(running: &Config, read: Config) -> Reloaded {
    let mut config = read.clone();
    // Connections, databases, listeners, subscriptions, threads, the grid of the passes and the size of the tapes stand
    // from the start on; a document that loses a name would stand there until it expires.
    config.redis = running.redis.clone();
    config.http = running.http.clone();
    config.history = running.history.clone();
    config.keys = running.keys.clone();
    config.engine.cadence_hz = running.engine.cadence_hz;
    config.engine.compute_threads = running.engine.compute_threads;
    config.tape.ring = running.tape.ring;
    config.inputs.channels = running.inputs.channels;
    Reloaded {
        changed: differing(running, &config),
        needs_restart: differing(&config, &read),
        config,
    }
}

/// The keys of which two configurations differ, sorted.
fn differing(one: &Config, other: &Config) -> Vec<String> {
    let [left, right] = [one, other].map(by_key);
    let keys: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    // Passwords are masked in the values.
    let hidden = [
        ("redis.url", one.redis.url != other.redis.url),
        ("history.url", one.history.url != other.history.url),
    ];
    let differs =
        |key: &&String| left.get(*key) != right.get(*key) || hidden.contains(&(key.as_str(), true));
    keys.into_iter().filter(differs).cloned().collect()
}

fn by_key(config: &Config) -> BTreeMap<String, Value> {
    let tree = config.to_json();
    let leaf = |(path, value): (Vec<String>, &Value)| (dotted(&path), value.clone());
    leaves(&tree).into_iter().map(leaf).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::{SECRET, config};

    #[track_caller]
    fn check(before: &str, after: &str, changed: &[&str], needs_restart: &[&str]) -> Config {
        let running = config(before, &[], &[]);
        let reloaded = reload(&running, config(after, &[], &[]));
        assert_eq!(reloaded.changed, changed);
        assert_eq!(reloaded.needs_restart, needs_restart);
        reloaded.config
    }

    #[test]
    fn what_can_change_changes_and_the_rest_keeps_its_value() {
        let config = check(
            "",
            "[engine]\ncadence_hz = 4.0\nanalytics_rth_only = true\n[tape]\nring = 64\ndrop_repeats = true\n\
            [keys]\naliases = true\n[http]\nlisten = [\"127.0.0.1:1\"]\n[redis]\npool_size = 3\n\
            [update_intervals]\nvpin = \"off\"\n",
            &[
                "engine.analytics_rth_only",
                "tape.drop_repeats",
                "update_intervals.vpin",
            ],
            &[
                "engine.cadence_hz",
                "http.listen",
                "keys.aliases",
                "redis.pool_size",
                "tape.ring",
            ],
        );
        assert_eq!(config.engine.cadence_hz, 2.0);
        assert!(config.engine.analytics_rth_only && config.tape.drop_repeats);
        assert_eq!((config.tape.ring, config.redis.pool_size), (512, 2));
    }

    #[test]
    fn the_same_settings_change_nothing() {
        let file = "[symbols]\nstandard = [\"A\"]\n";
        check(file, file, &[], &[]);
    }

    #[test]
    fn a_table_by_symbol_is_compared_by_symbol() {
        check(
            "[calculators.vpin.bucket_sizes]\nA = 1\nB = 2\n",
            "[calculators.vpin.bucket_sizes]\nB = 3\nC = 4\n",
            &[
                "calculators.vpin.bucket_sizes.A",
                "calculators.vpin.bucket_sizes.B",
                "calculators.vpin.bucket_sizes.C",
            ],
            &[],
        );
    }

    #[test]
    fn another_password_needs_a_restart() {
        let of = |url: &str| config("", &[("REDIS_URL", url)], &[]);
        let other = SECRET.replace("hunter2", "hunter3");
        let reloaded = reload(&of(SECRET), of(&other));
        assert_eq!(reloaded.needs_restart, ["redis.url"]);
        assert_eq!(reloaded.changed, [""; 0]);
    }
}
