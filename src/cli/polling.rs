//! The sources of one-day volatility that are asked over the internet, as long as the daemon runs:
//! those the settings name, asked anew where the settings change.

use std::sync::Arc;
use std::time::Duration;

use quant::volatility::Origin;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::config::overall::Volatility;
use crate::engine::setup::{Setup, calendars};
use crate::sink::Sink;
use crate::source::Source;
use crate::vix1d::{Polling, SourceStatus, Terms, Vendor, poll};

/// Where the sources are asked from, and for whom.
pub(super) struct Pollers {
    pub(super) source: Source,
    pub(super) sink: Sink,
    pub(super) clock: Clock,
}

impl Pollers {
    /// Asks until told to stop.
    pub(super) async fn keep(
        self,
        mut setups: watch::Receiver<Arc<Setup>>,
        mut stop: watch::Receiver<bool>,
    ) {
        let calendars = Arc::new(calendars());
        loop {
            let settings = setups.borrow_and_update().config.volatility.clone();
            let (end, ended) = watch::channel(false);
            let asked = vendors(&settings).map(|vendor| {
                let polling = Polling {
                    vendor,
                    terms: terms(vendor, &settings),
                    calendars: calendars.clone(),
                    source: self.source.clone(),
                    sink: self.sink.clone(),
                    clock: self.clock.clone(),
                    seed: u64::from(std::process::id()),
                    status: Arc::new(SourceStatus::default()),
                };
                tokio::spawn(poll(polling, ended.clone()))
            });
            let asked: Vec<_> = asked.collect();
            let stopped = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => true,
                stopped = changed(&mut setups, &settings) => stopped,
            };
            // Nobody listening any more is what an end wants.
            let _ = end.send(true);
            for task in asked {
                let _ = task.await;
            }
            if stopped {
                return;
            }
        }
    }
}

/// Waits for other settings of the sources; true where there will be none any more.
async fn changed(setups: &mut watch::Receiver<Arc<Setup>>, settings: &Volatility) -> bool {
    let differs = |setup: &Arc<Setup>| setup.config.volatility != *settings;
    setups.wait_for(differs).await.is_err()
}

/// The vendors that the settings name.
fn vendors(settings: &Volatility) -> impl Iterator<Item = Vendor> {
    let named = settings.sources.iter();
    named.filter_map(|name| match Origin::named(name)? {
        Origin::Cboe => Some(Vendor::Cboe),
        Origin::Yahoo => Some(Vendor::Yahoo),
        Origin::Chain | Origin::Ibkr | Origin::Manual => None,
    })
}

/// How a vendor is asked.
fn terms(vendor: Vendor, settings: &Volatility) -> Terms {
    let url = match vendor {
        Vendor::Cboe => &settings.cboe_url,
        Vendor::Yahoo => &settings.yahoo_url,
    };
    let timeout = Duration::from_millis(settings.timeout_ms);
    let usual = Terms::of(vendor);
    Terms {
        url: url.clone(),
        timeout,
        connect_timeout: usual.connect_timeout.min(timeout),
        every: Duration::from_secs(settings.cache_seconds),
        backoff_min: Duration::from_secs(settings.backoff_min_seconds),
        backoff_max: Duration::from_secs(settings.backoff_max_seconds),
        history_window: settings.history_window,
        ..usual
    }
}
