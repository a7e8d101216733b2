//! SIGHUP: the settings are read again from where they came from, and what can change does.

use std::sync::Arc;

use quant::calculators::PER_SYMBOL;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tracing::{error, info, warn};

use super::Common;
use crate::config::{Reloaded, reload};
use crate::engine::setup::Setup;
use crate::telemetry;

/// The signal from the moment it is caught: before that it ends the process.
pub(super) fn hangups() -> std::io::Result<Signal> {
    signal(SignalKind::hangup())
}

/// Reads the settings again at each signal, and hands on those that are in force from then on.
pub(super) async fn keep_reloading(
    mut hangups: Signal,
    common: Common,
    setups: watch::Sender<Arc<Setup>>,
) {
    while hangups.recv().await.is_some() {
        let running = setups.borrow().clone();
        let read = match common.load(&[]) {
            Ok(loaded) => loaded.config,
            Err(problems) => {
                error!(%problems, "the settings stay as they are: those read again are wrong");
                continue;
            }
        };
        let Reloaded {
            config,
            changed,
            needs_restart,
        } = reload(&running.config, read);
        if !needs_restart.is_empty() {
            warn!("needs a restart: {}", needs_restart.join(", "));
        }
        telemetry::set_log_level(config.log.level.as_str());
        info!(changed = changed.join(", "), "settings read again");
        if !changed.is_empty() {
            setups.send_replace(Arc::new(Setup::new(config, PER_SYMBOL)));
        }
    }
}
