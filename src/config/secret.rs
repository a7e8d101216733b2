//! The store's URL, whose password is never shown: not by `Debug`, not in a dump, not in an error.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

/// Where the store is: `redis://`, `rediss://`, `redis-cluster://`, `redis-sentinel://`,
/// `unix:/path/to/socket`, or `memory:` for a board inside the process.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct RedisUrl(String);

const NETWORK: [&str; 6] = [
    "redis://",
    "rediss://",
    "redis-cluster://",
    "rediss-cluster://",
    "redis-sentinel://",
    "rediss-sentinel://",
];

impl RedisUrl {
    /// The URL `text` spells; an error says what is wrong without repeating the text.
    pub fn new(text: &str) -> Result<Self, String> {
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err("must not contain spaces or control characters".to_owned());
        }
        if let Some(path) = text.strip_prefix("unix:") {
            if path.is_empty() {
                return Err("must name a socket, such as unix:/run/redis.sock".to_owned());
            }
        } else if let Some(rest) = NETWORK.iter().find_map(|start| text.strip_prefix(start)) {
            check_host(rest)?;
        } else if text != "memory:" {
            return Err(format!(
                "must be {}…, unix:… or memory:",
                NETWORK.join("…, ")
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// The URL with its password: for connecting, never for showing.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl Default for RedisUrl {
    fn default() -> Self {
        Self("redis://127.0.0.1:6379/0".to_owned())
    }
}

impl TryFrom<String> for RedisUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::new(&text)
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&masked(&self.0))
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", masked(&self.0))
    }
}

/// Masked, so that no dump can show the password.
impl Serialize for RedisUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&masked(&self.0))
    }
}

/// Whether the text of a URL carries a credential.
pub(super) fn has_secret(url: &str) -> bool {
    masked(url) != url
}

/// The URL with what may be a password as `***`. Where a badly escaped URL leaves a doubt it hides
/// more rather than less.
pub(super) fn masked(url: &str) -> String {
    let socket = url.strip_prefix("unix:");
    if socket.is_some_and(|rest| rest.strip_prefix("//").unwrap_or(rest).starts_with('/')) {
        return url.to_owned();
    }
    let after_scheme = url.find("://").map_or(0, |at| at + "://".len());
    let (scheme, rest) = url.split_at(after_scheme);
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    if query.contains('@') {
        return format!("{scheme}***");
    }
    let place = match place.rsplit_once('@') {
        None => place.to_owned(),
        Some((user, host)) => match user.split_once(':') {
            Some((name, _)) => format!("{name}:***@{host}"),
            None => format!("***@{host}"),
        },
    };
    if query.is_empty() {
        return format!("{scheme}{place}");
    }
    let parameter = |text: &str| match text.split_once('=') {
        Some((name, _)) if name.to_ascii_lowercase().contains("pass") => format!("{name}=***"),
        _ => text.to_owned(),
    };
    let query: Vec<String> = query.split('&').map(parameter).collect();
    format!("{scheme}{place}?{}", query.join("&"))
}

fn check_host(rest: &str) -> Result<(), String> {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let place = authority
        .rsplit_once('@')
        .map_or(authority, |(_, place)| place);
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (place, None),
    };
    let bad_port = port.is_some_and(|port| port.parse::<u16>().is_err());
    if host.is_empty() || bad_port {
        return Err(
            "must name a host and port, such as redis://127.0.0.1:6379/0 \
             (special characters of a password are written as %XX)"
                .to_owned(),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::{SECRET, check_file, check_set, config, load_all};

    #[test]
    fn every_form_of_url_is_taken() {
        for url in [
            "redis://127.0.0.1:6379/0",
            "redis://[::1]:6379",
            "redis://[::1]",
            "rediss://user:pw@cache.example:6380/1",
            "redis-cluster://a:1?node=b:2",
            "redis-sentinel://a:26379/0?sentinelServiceName=main",
            "unix:/run/redis.sock",
            "memory:",
        ] {
            assert_eq!(RedisUrl::new(url).map(|url| url.0), Ok(url.to_owned()));
        }
    }

    #[test]
    fn a_wrong_url_is_refused_without_repeating_it() {
        for url in [
            "",
            "hunter2",
            "http://hunter2",
            "redis://",
            "redis://:hunter2/x@host:1",
            "redis://:hunter2@",
            "redis://host:hunter2",
            "redis://host:1 hunter2",
            "unix:",
            "memory:hunter2",
        ] {
            let error = RedisUrl::new(url).unwrap_err();
            assert!(!error.contains("hunter2"), "{url}: {error}");
        }
    }

    #[test]
    fn passwords_are_masked_wherever_they_stand() {
        for (url, shown) in [
            ("redis://:hunter2@h:1/0", "redis://:***@h:1/0"),
            ("redis://joe:hunter2@h", "redis://joe:***@h"),
            ("redis://hunter2@h", "redis://***@h"),
            ("redis://:hunter2/@x@h:1", "redis://:***@h:1"),
            ("redis://:a?hunter2@h", "redis://***"),
            ("joe:hunter2@h", "joe:***@h"),
            (
                "redis-sentinel://h?node=a&sentinelPassword=hunter2",
                "redis-sentinel://h?node=a&sentinelPassword=***",
            ),
            ("redis://h:1/0?node=b:2", "redis://h:1/0?node=b:2"),
            ("unix:/run/a@b.sock", "unix:/run/a@b.sock"),
            ("unix:///run/a@b.sock", "unix:///run/a@b.sock"),
            ("unix://me:hunter2@/run/r.sock", "unix://me:***@/run/r.sock"),
            ("unix:me:hunter2@/run/r.sock", "unix:***@/run/r.sock"),
        ] {
            assert_eq!(masked(url), shown);
        }
        let url = RedisUrl::new("redis://:hunter2@h:1/0").unwrap();
        assert_eq!(
            format!("{url} {url:?}"),
            "redis://:***@h:1/0 \"redis://:***@h:1/0\""
        );
        assert_eq!(
            serde_json::to_string(&url).unwrap(),
            "\"redis://:***@h:1/0\""
        );
        assert_eq!(url.reveal(), "redis://:hunter2@h:1/0");
    }

    #[test]
    fn a_password_stands_only_in_the_environment_or_its_own_file() {
        let remedy = "use the environment variable REDIS_URL or redis.url_file";
        check_set(
            &format!("redis.url={SECRET}"),
            &format!(
                "--set redis.url: a password on the command line can be read by others: {remedy}"
            ),
        );
        check_file(
            &format!("redis.url = {SECRET:?}"),
            &format!(
                "a.toml:1 redis.url: a password does not belong in the configuration file: {remedy}"
            ),
        );
        for name in ["REDIS_URL", "ANALYTICS__REDIS__URL"] {
            assert_eq!(
                config("", &[(name, SECRET)], &[]).redis.url.reveal(),
                SECRET
            );
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        let loaded = load_all("", &[("REDIS_URL", SECRET)], &[]).unwrap();
        let rows = loaded.resolved();
        let url = rows.iter().find(|row| row.0 == "redis.url").unwrap();
        assert_eq!(url.1, "\"redis://:***@cache:1/0\"");
        assert!(!format!("{loaded:?} {rows:?}").contains("hunter2"));

        for set in [
            "redis.url=",
            "redis.url=\"",
            "redis.url_file=",
            "redis.ulr=",
            "log.level=",
            "engine.cadence_hz=",
            "redis://",
            "",
            "symbols.level2=",
        ] {
            let errors = load_all("", &[], &[&format!("{set}{SECRET}")]).unwrap_err();
            assert!(!errors.contains("hunter2"), "{set}: {errors}");
        }
        for file in [
            "redis.url = [@]",
            "redis.url_file = @",
            "tape.ring = @",
            "redis = @",
            "redis.url = { a = @ }",
            "redis.url = redis://:hunter2@cache",
            "redis.url = \"redis://:hunter2@cache",
        ] {
            let errors =
                load_all(&file.replace('@', &format!("{SECRET:?}")), &[], &[]).unwrap_err();
            assert!(!errors.contains("hunter2"), "{file}: {errors}");
        }
        let errors = load_all("", &[("REDIS_URL", "redis://:hunter2@cache:x")], &[]).unwrap_err();
        assert!(!errors.contains("hunter2"), "{errors}");
    }
}
