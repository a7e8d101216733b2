//! The provider `cboe`: the delayed option chains that CBOE publishes free of charge, a file a
//! symbol, asked again and again. Each symbol is asked by a task of its own, so that one that does
//! not answer holds up no other.

mod answer;
mod poller;

use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};
use quant::market::Symbol;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use self::poller::{Poller, Terms};
use super::message::Message;
use super::provider::{FeedError, Options, Provider};
use crate::config::Cboe as Settings;
use crate::fetch::Limits;

/// The provider's name.
pub const NAME: &str = "cboe";

/// Symbols of a feed that names none.
const SYMBOLS: [&str; 4] = ["SPX", "SPY", "QQQ", "IWM"];
/// Indices with options, whose files begin with `_`.
const INDICES: [&str; 10] = [
    "SPX", "XSP", "VIX", "NDX", "XND", "RUT", "MRUT", "DJX", "OEX", "XEO",
];
/// Until there is a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// Between the first questions for two symbols.
const FIRST_ROUND: Duration = Duration::from_secs(1);

/// The provider.
struct Cboe {
    /// Until they are on their way.
    pollers: Vec<Poller>,
    turning: JoinSet<()>,
    said: mpsc::Receiver<Vec<Message>>,
    say: mpsc::Sender<Vec<Message>>,
}

/// The provider of these options.
pub fn open(options: &Options) -> Result<Box<dyn Provider>, String> {
    if !options.recordings.is_empty() {
        return Err("the provider `cboe` plays no recordings".into());
    }
    if options.labels.is_some() {
        return Err("--labels: CBOE does not publish trades".into());
    }
    let settings = &options.feed.cboe;
    let mut symbols = options.feed.symbols.clone();
    if symbols.is_empty() {
        let names = SYMBOLS.iter().map(|name| Symbol::new(name));
        symbols = names
            .collect::<Result<_, _>>()
            .expect("the default symbols are symbols");
    }
    symbols.sort();
    symbols.dedup();
    let every = Duration::from_secs(settings.poll_seconds);
    let count = u32::try_from(symbols.len()).unwrap_or(u32::MAX);
    let pollers = symbols.into_iter().zip(0_u32..).map(|(symbol, at)| {
        // The first round is quick; from the second on the symbols are spread over the period.
        let place = every.mul_f64(f64::from(at) / f64::from(count));
        let terms = Terms {
            first: (FIRST_ROUND * at).min(place),
            place,
            ..terms(settings, &symbol)
        };
        Poller::new(symbol, terms, options.clock.clone())
    });
    let pollers: Result<Vec<Poller>, _> = pollers.collect();
    // One answer is under way to the writer, so no more than one is unpacked at a time.
    let (say, said) = mpsc::channel(1);
    Ok(Box::new(Cboe {
        pollers: pollers.map_err(|error| format!("feed.cboe.base: {error}"))?,
        turning: JoinSet::new(),
        said,
        say,
    }))
}

fn terms(settings: &Settings, symbol: &Symbol) -> Terms {
    let bytes = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    Terms {
        url: url(settings, symbol),
        every: Duration::from_secs(settings.poll_seconds),
        first: Duration::ZERO,
        place: Duration::ZERO,
        jitter: 0.1,
        backoff_max: Duration::from_secs(settings.backoff_max_seconds),
        limits: Limits {
            timeout: Duration::from_millis(settings.timeout_ms),
            connect_timeout: CONNECT,
            max_bytes: bytes(settings.max_bytes),
        },
        max_unpacked_bytes: bytes(settings.max_unpacked_bytes),
        delay_ms: settings.delay_ms,
        zone: settings.zone,
    }
}

/// Where the file of a symbol is.
fn url(settings: &Settings, symbol: &Symbol) -> String {
    let base = settings.base.trim_end_matches('/');
    // Some name an index as others do: ^SPX, _SPX.
    let name = symbol.as_str().trim_start_matches(['^', '_']);
    let is_index = name.len() < symbol.as_str().len()
        || INDICES.contains(&name)
        || settings.indices.contains(symbol);
    let mark = if is_index { "_" } else { "" };
    format!("{base}/api/global/delayed_quotes/options/{mark}{name}.json")
}

impl Provider for Cboe {
    fn name(&self) -> &'static str {
        NAME
    }

    fn connect(&mut self) -> BoxFuture<'_, Result<(), FeedError>> {
        for poller in self.pollers.drain(..) {
            self.turning.spawn(poller.turn(self.say.clone()));
        }
        async { Ok(()) }.boxed()
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Option<Vec<Message>>, FeedError>> {
        async { Ok(self.said.recv().await) }.boxed()
    }
}

#[cfg(test)]
mod tests;
