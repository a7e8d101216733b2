//! What the value of each setting may be: its range, its list of words, its form.

use std::net::SocketAddr;

use chrono_tz::Tz;
use quant::calculators::correlation::Method;
use quant::market::{Rule, Symbol};
use quant::pricing::RateCurve;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Known;
use super::history::HistoryUrl;
use super::secret::{RedisUrl, masked};
use super::values::{DateOrder, Level};

/// What a value may be.
pub(super) enum Allowed {
    /// A number between these, both included; or `"off"` where the type allows it.
    Range(f64, f64),
    Flag,
    Url,
    HistoryUrl,
    /// Names of documents, each once.
    Documents,
    /// The path of a file whose first line is a URL.
    Path,
    File,
    Symbols,
    Exchange,
    Currency,
    Rule,
    Listen,
    /// Names of hosts, without ports.
    Hosts,
    /// Origins such as `https://desk.example`.
    Origins,
    Zone,
    DateOrder,
    Rate,
    Level,
    /// A list of these.
    Words(&'static [&'static str]),
    /// One of these.
    Word(&'static [&'static str]),
    Http,
    WebSocket,
    /// Text, or a list of texts, of this form.
    Form(fn(&str) -> bool, &'static str),
    /// The program that is started knows which there are.
    Provider,
    OneSymbol,
    Method,
    Sector,
}

/// Where a level of one-day volatility may come from.
const SOURCES: &[&str] = &["chain", "ibkr", "cboe", "yahoo"];

/// When the day of its clock may end.
const CLOSES: &[&str] = &["16:15", "16:00"];

/// A day in milliseconds.
const DAY: f64 = 86_400_000.0;
const KIB: f64 = 1024.0;

/// More than any market lists; guards against a wrong file, not against a big universe.
const MAX_SYMBOLS: usize = 100_000;
const MAX_LISTENERS: usize = 16;

/// Every setting outside `calculators`; `*` stands for one name. A test in `validate` finds the
/// forgotten.
const SETTINGS: &[(&str, Allowed)] = &[
    ("redis.url", Allowed::Url),
    ("redis.url_file", Allowed::Path),
    ("redis.connect_timeout_ms", Allowed::Range(1.0, 600_000.0)),
    ("redis.command_timeout_ms", Allowed::Range(1.0, 60_000.0)),
    (
        "redis.reconnect_min_delay_ms",
        Allowed::Range(1.0, 600_000.0),
    ),
    (
        "redis.reconnect_max_delay_ms",
        Allowed::Range(1.0, 600_000.0),
    ),
    ("redis.pool_size", Allowed::Range(1.0, 64.0)),
    ("symbols.*", Allowed::Symbols),
    ("market.extended_hours", Allowed::Flag),
    ("market.exchange", Allowed::Exchange),
    ("market.exchanges.*", Allowed::Exchange),
    ("market.currency", Allowed::Currency),
    ("market.currencies.*", Allowed::Currency),
    // A pass takes milliseconds; the lower end keeps a period a sane duration.
    ("engine.cadence_hz", Allowed::Range(0.001, 50.0)),
    ("engine.analytics_rth_only", Allowed::Flag),
    ("engine.pass_budget_ms", Allowed::Range(0.0, 600_000.0)),
    ("engine.compute_threads", Allowed::Range(0.0, 1024.0)),
    ("engine.state_save_seconds", Allowed::Range(0.0, 86_400.0)),
    ("store_ttls.*", Allowed::Range(1.0, 30.0 * 86_400.0)),
    ("update_intervals.*", Allowed::Range(0.0, 86_400.0)),
    ("max_age_ms.*", Allowed::Range(1.0, 7.0 * DAY)),
    ("signing.rule", Allowed::Rule),
    ("signing.quote_delay_ms", Allowed::Range(0.0, 60_000.0)),
    ("signing.symbols.*.rule", Allowed::Rule),
    (
        "signing.symbols.*.quote_delay_ms",
        Allowed::Range(0.0, 60_000.0),
    ),
    ("feed.provider", Allowed::Provider),
    ("feed.interval_ms", Allowed::Range(10.0, 600_000.0)),
    ("feed.chain_every", Allowed::Range(1.0, 3600.0)),
    ("feed.option_quotes", Allowed::Flag),
    ("feed.symbols", Allowed::Symbols),
    ("feed.symbols_generated", Allowed::Range(0.0, 20_000.0)),
    ("feed.trades_per_second", Allowed::Range(0.0, 100_000.0)),
    ("feed.speed", Allowed::Range(0.001, 1e6)),
    // What a double holds exactly.
    ("feed.seed", Allowed::Range(0.0, 9_007_199_254_740_992.0)),
    ("feed.always_open", Allowed::Flag),
    ("feed.dirt", Allowed::Range(0.0, 1.0)),
    ("feed.prices.*", Allowed::Range(0.01, 1e6)),
    ("feed.volatilities.*", Allowed::Range(0.01, 3.0)),
    ("history.url", Allowed::HistoryUrl),
    ("history.retention_days", Allowed::Range(1.0, 3_650.0)),
    (
        "history.daily_retention_days",
        Allowed::Range(1.0, 36_500.0),
    ),
    ("history.flush_ms", Allowed::Range(10.0, 60_000.0)),
    (
        "history.queue_bytes",
        Allowed::Range(KIB * KIB, 16.0 * KIB * KIB * KIB),
    ),
    ("history.documents", Allowed::Documents),
    ("history.metrics_seconds", Allowed::Range(1.0, 3_600.0)),
    ("history.chain_seconds", Allowed::Range(1.0, 86_400.0)),
    ("history.option_quotes", Allowed::Flag),
    ("feed.cboe.base", Allowed::Http),
    ("feed.cboe.poll_seconds", Allowed::Range(15.0, 3600.0)),
    (
        "feed.cboe.backoff_max_seconds",
        Allowed::Range(60.0, 86_400.0),
    ),
    ("feed.cboe.timeout_ms", Allowed::Range(1e3, 600_000.0)),
    (
        "feed.cboe.max_bytes",
        Allowed::Range(64.0 * KIB, 1024.0 * 1024.0 * KIB),
    ),
    (
        "feed.cboe.max_unpacked_bytes",
        Allowed::Range(64.0 * KIB, 1024.0 * 1024.0 * KIB),
    ),
    ("feed.cboe.delay_ms", Allowed::Range(0.0, DAY)),
    ("feed.cboe.zone", Allowed::Zone),
    ("feed.cboe.indices", Allowed::Symbols),
    ("feed.globaldatafeeds.endpoint", Allowed::WebSocket),
    ("feed.globaldatafeeds.api_key_file", Allowed::File),
    (
        "feed.globaldatafeeds.exchange",
        Allowed::Form(is_product, PRODUCT),
    ),
    (
        "feed.globaldatafeeds.symbols",
        Allowed::Form(is_product, PRODUCTS),
    ),
    (
        "feed.globaldatafeeds.poll_seconds",
        Allowed::Range(0.1, 3600.0),
    ),
    (
        "feed.globaldatafeeds.plan_calls_per_hour",
        Allowed::Range(0.0, 1e6),
    ),
    ("feed.globaldatafeeds.expiries", Allowed::Range(1.0, 24.0)),
    ("feed.globaldatafeeds.strikes", Allowed::Range(1.0, 20.0)),
    (
        "feed.globaldatafeeds.path",
        Allowed::Word(&["auto", "subscribe", "poll"]),
    ),
    (
        "feed.globaldatafeeds.quantities",
        Allowed::Word(&["auto", "units", "contracts"]),
    ),
    (
        "feed.globaldatafeeds.indices.*",
        Allowed::Form(is_name, "1 to 64 printable characters"),
    ),
    (
        "feed.globaldatafeeds.timeout_seconds",
        Allowed::Range(0.1, 600.0),
    ),
    (
        "feed.globaldatafeeds.silence_seconds",
        Allowed::Range(0.1, 600.0),
    ),
    (
        "feed.globaldatafeeds.retry_seconds",
        Allowed::Range(0.1, 3600.0),
    ),
    (
        "feed.globaldatafeeds.maintenance",
        Allowed::Form(is_window, "times of day such as 02:00-02:30"),
    ),
    ("http.listen", Allowed::Listen),
    ("http.token_file", Allowed::File),
    ("http.allow_unauthenticated", Allowed::Flag),
    ("http.trust_loopback", Allowed::Flag),
    ("http.hosts", Allowed::Hosts),
    ("http.origins", Allowed::Origins),
    ("http.secure_cookies", Allowed::Flag),
    ("http.session_hours", Allowed::Range(0.1, 720.0)),
    ("http.max_connections", Allowed::Range(1.0, 100_000.0)),
    ("http.max_streams", Allowed::Range(0.0, 100_000.0)),
    ("http.requests_per_second", Allowed::Range(0.0, 1e6)),
    ("http.header_timeout_ms", Allowed::Range(100.0, 600_000.0)),
    ("http.send_timeout_ms", Allowed::Range(100.0, 600_000.0)),
    ("tape.ring", Allowed::Range(1.0, 65_536.0)),
    ("tape.drop_repeats", Allowed::Flag),
    ("inputs.naive_zone", Allowed::Zone),
    ("inputs.date_order", Allowed::DateOrder),
    ("inputs.channels", Allowed::Flag),
    ("rates", Allowed::Rate),
    ("rates.*", Allowed::Rate),
    ("dividend_yield.*", Allowed::Range(-0.5, 1.0)),
    ("limits.max_contracts", Allowed::Range(1.0, 1e6)),
    // Prices are 64-bit counts of 1e-9, which end a little above 9.2e9.
    ("limits.max_price", Allowed::Range(1e-9, 9e9)),
    ("limits.max_future_ms", Allowed::Range(0.0, DAY)),
    // The store itself takes no value above 512 MiB.
    (
        "limits.max_value_bytes",
        Allowed::Range(KIB, 512.0 * KIB * KIB),
    ),
    (
        "limits.max_unpacked_bytes",
        Allowed::Range(KIB, KIB * KIB * KIB * KIB),
    ),
    ("volatility.sources", Allowed::Words(SOURCES)),
    ("volatility.cache_seconds", Allowed::Range(15.0, 86_400.0)),
    ("volatility.timeout_ms", Allowed::Range(100.0, 120_000.0)),
    (
        "volatility.backoff_min_seconds",
        Allowed::Range(1.0, 86_400.0),
    ),
    (
        "volatility.backoff_max_seconds",
        Allowed::Range(1.0, 604_800.0),
    ),
    ("volatility.cboe_url", Allowed::Http),
    ("volatility.yahoo_url", Allowed::Http),
    (
        "volatility.delayed_max_age_seconds",
        Allowed::Range(60.0, 86_400.0),
    ),
    (
        "volatility.manual_max_age_seconds",
        Allowed::Range(60.0, 604_800.0),
    ),
    ("volatility.history_window", Allowed::Range(2.0, 10_000.0)),
    ("volatility.min_samples", Allowed::Range(2.0, 10_000.0)),
    ("volatility.thresholds.*", Allowed::Range(0.1, 1_000.0)),
    (
        "volatility.change_thresholds.*",
        Allowed::Range(0.01, 1_000.0),
    ),
    ("volatility.hysteresis", Allowed::Range(0.0, 20.0)),
    ("volatility.chain_symbol", Allowed::OneSymbol),
    ("volatility.clock_close", Allowed::Word(CLOSES)),
    ("correlation.method", Allowed::Method),
    ("correlation.window_minutes", Allowed::Range(2.0, 1_500.0)),
    ("correlation.min_observations", Allowed::Range(3.0, 1_500.0)),
    ("correlation.min_symbols", Allowed::Range(2.0, 1_000.0)),
    ("correlation.max_symbols", Allowed::Range(2.0, 1_000.0)),
    ("correlation.high", Allowed::Range(0.0, 1.0)),
    (
        "correlation.discovered_max_age_seconds",
        Allowed::Range(1.0, 604_800.0),
    ),
    ("portfolio.currency", Allowed::Currency),
    ("portfolio.complexes.*", Allowed::Symbols),
    ("portfolio.index_weights.*.*", Allowed::Range(1e-9, 1e9)),
    ("betas.*", Allowed::Range(-20.0, 20.0)),
    ("sector_map.*", Allowed::Sector),
    ("toxic_vpin", Allowed::Range(0.0, 1.0)),
    ("keys.aliases", Allowed::Flag),
    ("chain_service.enabled", Allowed::Flag),
    ("chain_service.options", Allowed::Range(0.0, 50_000.0)),
    // Below the lifetime of what is written.
    ("chain_service.refresh_seconds", Allowed::Range(15.0, 240.0)),
    ("events.analytics", Allowed::Flag),
    ("log.level", Allowed::Level),
];

/// What the value at a path may be; `None` where nothing is said.
pub(super) fn allowed(path: &[String]) -> Option<&'static Allowed> {
    let matches = |pattern: &str| {
        pattern.split('.').count() == path.len()
            && pattern
                .split('.')
                .zip(path)
                .all(|(name, key)| name == "*" || name == key)
    };
    let found = SETTINGS.iter().find(|(pattern, _)| matches(pattern));
    found.map(|(_, allowed)| allowed)
}

/// Whether a value of the right type is allowed, or else what is.
pub(super) fn check(allowed: &Allowed, value: &Value, known: &Known) -> Result<(), String> {
    let text = value.as_str().unwrap_or_default();
    let must = |what: &str| Err(format!("must be {what} (is {})", shown(value)));
    match allowed {
        Allowed::Range(least, most) => match value.as_f64() {
            Some(number) if !(*least..=*most).contains(&number) => {
                must(&format!("{least} to {most}"))
            }
            _ => Ok(()),
        },
        Allowed::Flag => Ok(()),
        // An empty table by symbol is a leaf, too.
        _ if value.is_null() || value.is_object() => Ok(()),
        Allowed::Url => RedisUrl::new(text).map(drop),
        Allowed::HistoryUrl => HistoryUrl::new(text).map(drop),
        Allowed::Path if text.is_empty() || text.contains("://") => {
            Err("must be the path of a file whose first line is the URL".to_owned())
        }
        Allowed::File if text.is_empty() => must("the path of a file"),
        Allowed::Path | Allowed::File => Ok(()),
        Allowed::Symbols => check_symbols(value),
        Allowed::Exchange if known.exchanges.iter().any(|code| code == text) => Ok(()),
        Allowed::Exchange => must(&format!("one of {}", known.exchanges.join(", "))),
        Allowed::Currency if text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase()) => {
            Ok(())
        }
        Allowed::Currency => must("three capital letters, ISO 4217"),
        Allowed::Rule => one_of::<Rule>(value),
        Allowed::DateOrder => one_of::<DateOrder>(value),
        Allowed::Rate => match serde_json::from_value::<RateCurve>(value.clone()) {
            Ok(curve) => curve.check(),
            Err(_) => must("a number, or pairs of [days, rate]"),
        },
        Allowed::Level => one_of::<Level>(value),
        Allowed::Method => one_of::<Method>(value),
        Allowed::Words(words) => named(value, words),
        Allowed::Documents => {
            let cards = quant::calculators::all();
            named(value, &cards.map(|card| card.name).collect::<Vec<_>>())
        }
        Allowed::Word(words) if words.contains(&text) => Ok(()),
        Allowed::Word(words) => must(&format!("one of {}", words.join(", "))),
        Allowed::Http if text.starts_with("https://") || text.starts_with("http://") => Ok(()),
        Allowed::Provider if !text.is_empty() => Ok(()),
        Allowed::Provider => must("the name of a provider, such as synthetic"),
        Allowed::Http => must("a URL that begins with https:// or http://"),
        Allowed::WebSocket if text.contains('@') => must("a URL without a user or password"),
        Allowed::WebSocket if text.starts_with("ws://") || text.starts_with("wss://") => Ok(()),
        Allowed::WebSocket => must("a URL that begins with ws:// or wss://"),
        Allowed::Form(is_so, what) => {
            let texts = match value {
                Value::String(text) => vec![text.as_str()],
                list => elements(list),
            };
            match texts.iter().find(|text| !is_so(text)) {
                Some(text) => Err(format!(
                    "must be {what} (is {})",
                    shown(&Value::from(*text))
                )),
                None => Ok(()),
            }
        }
        Allowed::OneSymbol => Symbol::new(text).map(drop),
        Allowed::Sector if Symbol::new(text).is_ok() => Ok(()),
        Allowed::Sector => must("1 to 32 of A-Z a-z 0-9 . _ ^ -, as it stands in a key"),
        Allowed::Listen => check_listen(value),
        Allowed::Hosts => check_each(
            value,
            is_host,
            "a name such as desk.example, without a port",
        ),
        Allowed::Origins => check_each(value, is_origin, "an origin such as https://desk.example"),
        Allowed::Zone if text.parse::<Tz>().is_ok() => Ok(()),
        Allowed::Zone => must("an IANA time zone such as America/New_York"),
    }
}

/// Some of these names, each once.
fn named(value: &Value, words: &[&str]) -> Result<(), String> {
    let named = elements(value);
    let strange = named.iter().find(|name| !words.contains(name));
    let twice = (1..named.len()).find(|at| named[..*at].contains(&named[*at]));
    match (strange, twice) {
        (None, None) => Ok(()),
        (Some(name), _) => Err(format!(
            "must be some of {} (is {})",
            words.join(", "),
            shown(&Value::from(*name))
        )),
        (None, Some(at)) => Err(format!("names {} twice", named[at])),
    }
}

const PRODUCT: &str = "1 to 32 of A-Z a-z 0-9 . _ - &";
const PRODUCTS: &str = "products: 1 to 32 of A-Z a-z 0-9 . _ - &";

/// A product as a vendor names it: `M&M`.
fn is_product(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"._-&".contains(&byte);
    (1..=32).contains(&text.len()) && text.bytes().all(is_part)
}

fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && !text.chars().any(char::is_control)
}

/// Two times of day in India.
fn is_window(text: &str) -> bool {
    let is_time = |text: &str| chrono::NaiveTime::parse_from_str(text, "%H:%M").is_ok();
    text.split_once('-')
        .is_some_and(|(from, to)| is_time(from) && is_time(to))
}

fn check_symbols(value: &Value) -> Result<(), String> {
    let texts = elements(value);
    if texts.len() > MAX_SYMBOLS {
        return Err(format!(
            "must be at most {MAX_SYMBOLS} symbols (is {})",
            texts.len()
        ));
    }
    joined(
        texts
            .iter()
            .filter_map(|text| Symbol::new(&without_secret(text)).err()),
    )
}

fn check_listen(value: &Value) -> Result<(), String> {
    let texts = elements(value);
    if texts.is_empty() || texts.len() > MAX_LISTENERS {
        return Err(format!(
            "must be 1 to {MAX_LISTENERS} addresses (is {})",
            texts.len()
        ));
    }
    check_each(
        value,
        |text| text.parse::<SocketAddr>().is_ok(),
        "address:port such as 127.0.0.1:8004",
    )
}

fn check_each(value: &Value, is_one: impl Fn(&str) -> bool, what: &str) -> Result<(), String> {
    let texts = elements(value);
    joined(texts.iter().filter(|text| !is_one(text)).map(|text| {
        let shown = shown(&Value::from(*text));
        format!("must be {what} (is {shown})")
    }))
}

fn is_host(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    let inner = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    match inner {
        Some(inner) => inner.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !text.is_empty() && text.len() < 254 && text.bytes().all(plain),
    }
}

fn is_origin(text: &str) -> bool {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let Some(rest) = rest else {
        return false;
    };
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (rest, None),
    };
    is_host(host) && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

fn one_of<T: DeserializeOwned>(value: &Value) -> Result<(), String> {
    let Err(error) = serde_json::from_value::<T>(value.clone()) else {
        return Ok(());
    };
    let error = error.to_string();
    let (_, expected) = error.split_once("expected ").unwrap_or(("", &error));
    Err(format!("must be {expected} (is {})", shown(value)))
}

fn elements(value: &Value) -> Vec<&str> {
    let list = value.as_array().map_or(&[][..], Vec::as_slice);
    list.iter().filter_map(Value::as_str).collect()
}

/// All that is wrong with a list; the first few, should everything be.
fn joined(errors: impl Iterator<Item = String>) -> Result<(), String> {
    let errors: Vec<String> = errors.collect();
    if errors.is_empty() {
        return Ok(());
    }
    let more = errors.len().saturating_sub(5);
    let mut text = errors[..errors.len() - more].join("; ");
    if more > 0 {
        text.push_str(&format!("; and {more} more"));
    }
    Err(text)
}

/// A value for an error message: short, without the `.0` of whole floats, without a password.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => float.to_string(),
            _ => number.to_string(),
        },
        Value::String(text) => {
            let text = without_secret(text);
            let short: String = text.chars().take(60).collect();
            let end = if short.len() < text.len() { "…" } else { "" };
            format!("{:?}", format!("{short}{end}"))
        }
        other => other.to_string(),
    }
}

/// Text that may be a URL put in the wrong place.
fn without_secret(text: &str) -> String {
    match text.contains("://") {
        true => masked(text),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_value_is_shown_short_and_without_a_password() {
        assert_eq!(shown(&json!(2.0)), "2");
        assert_eq!(shown(&json!("redis://:pw@h")), "\"redis://:***@h\"");
        assert_eq!(shown(&json!("x".repeat(90))).chars().count(), 63);
    }
}
