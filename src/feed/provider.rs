//! What a provider is, and which there are. Adding one is its file and its line in [`PROVIDERS`].

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use quant::market::Calendars;

use super::message::Message;
use super::{cboe, globaldatafeeds, recording, synthetic};
use crate::clock::Clock;
use crate::config::{Feed, Market};

/// Makes a provider; the error says what to change.
pub type Open = fn(&Options) -> Result<Box<dyn Provider>, String>;

/// The providers there are, by name.
pub const PROVIDERS: &[(&str, Open)] = &[
    (synthetic::NAME, synthetic::open),
    (recording::NAME, recording::open),
    (cboe::NAME, cboe::open),
    (globaldatafeeds::NAME, globaldatafeeds::open),
];

/// A source of market data.
pub trait Provider: Send {
    /// Its name, as the settings call it.
    fn name(&self) -> &'static str;

    /// Gets ready to provide; called again after [`FeedError::Lost`].
    fn connect(&mut self) -> BoxFuture<'_, Result<(), FeedError>>;

    /// The next messages, waited for; `None` at the end. May be dropped while it waits.
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Vec<Message>>, FeedError>>;

    /// How often something that came could not be used, by reason.
    fn rejected(&self) -> BTreeMap<&'static str, u64> {
        BTreeMap::new()
    }

    /// What a user should know at the end, such as sources that ended in the middle.
    fn remarks(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Why a provider does not provide.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// For the time being: it is connected again.
    #[error("{0}")]
    Lost(String),
    /// For good.
    #[error("{0}")]
    Fatal(String),
}

/// What providers are made from; each takes what it needs and refuses what it cannot use.
pub struct Options {
    /// The settings.
    pub feed: Feed,
    /// Which symbol trades where.
    pub exchanges: Market,
    /// The sessions of exchanges.
    pub calendars: Arc<Calendars>,
    /// What time it is.
    pub clock: Clock,
    /// Files to play.
    pub recordings: Vec<PathBuf>,
    /// Whether the times inside values stay as recorded.
    pub keep_times: bool,
    /// Where the truth about trades goes.
    pub labels: Option<PathBuf>,
}

/// The provider of a name; the error names the nearest and lists all.
pub fn open(name: &str, options: &Options) -> Result<Box<dyn Provider>, String> {
    match PROVIDERS.iter().find(|(known, _)| *known == name) {
        Some((_, open)) => open(options),
        None => Err(unknown(name)),
    }
}

fn unknown(name: &str) -> String {
    let name: String = name.chars().take(40).collect();
    let names: Vec<&str> = PROVIDERS.iter().map(|(name, _)| *name).collect();
    let likeness = |known: &&&str| (strsim::jaro_winkler(&name, known) * 1e3) as u64;
    let nearest = names.iter().max_by_key(likeness);
    let nearest = nearest.map_or("", |nearest| nearest);
    format!(
        "no provider is called `{}`, did you mean `{nearest}`? (providers: {})",
        name.escape_default(),
        names.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_provider_is_told_the_nearest_and_all() {
        assert_eq!(
            unknown("sintetic"),
            "no provider is called `sintetic`, did you mean `synthetic`? (providers: synthetic, recording, cboe, globaldatafeeds)"
        );
        assert!(unknown("record").contains("mean `recording`?"));
    }
}
