//! Turning the engine: passes on an absolute grid, the heartbeat beside them, and a clean stop.

use std::sync::Arc;
use std::time::Duration;

use quant::market::Timestamp;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use super::Engine;
use super::heartbeat::{Heartbeat, host_name};
use super::setup::Setup;
use super::status::StatusBoard;
use crate::clock::Clock;
use crate::sink::Sink;
use crate::telemetry;

/// The watchdog is fed while the loop has turned within so many periods.
const WATCHDOG_PERIODS: f64 = 4.0;

/// A timer that fires on multiples of `period` of the wall clock, and skips what it missed.
fn grid(clock: &Clock, period: Duration) -> tokio::time::Interval {
    let nanos = period.as_nanos().clamp(1, i64::MAX as u128) as i64;
    let into = clock.now().nanos().rem_euclid(nanos);
    let wait = Duration::from_nanos((nanos - into) as u64);
    let mut grid = tokio::time::interval_at(tokio::time::Instant::now() + wait, period);
    grid.set_missed_tick_behavior(MissedTickBehavior::Skip);
    grid
}

/// Turns the engine until told to stop; a pass under way is finished first. Another setup is in
/// force from the next pass on.
pub async fn turn(
    engine: &mut Engine,
    clock: &Clock,
    status: &StatusBoard,
    mut setups: watch::Receiver<Arc<Setup>>,
    mut stop: watch::Receiver<bool>,
) {
    let period = engine.setup.config.engine.period();
    let mut grid = grid(clock, period);
    let mut last = None;
    loop {
        let scheduled = tokio::select! {
            scheduled = grid.tick() => scheduled,
            _ = stop.changed() => return,
        };
        let late = scheduled.elapsed();
        telemetry::pass_late(late);
        let missed = last.map_or(0, |last| missed_between(scheduled - last, period));
        last = Some(scheduled);
        {
            let mut known = status.lock();
            known.passes.late_ms = late.as_secs_f64() * 1e3;
            known.passes.skipped += missed;
        }
        telemetry::passes_skipped(missed);
        if setups.has_changed().unwrap_or(false) {
            engine.reconfigure(setups.borrow_and_update().clone());
        }
        let budget = engine.setup.config.engine.pass_budget();
        // A pass that could not run is counted and logged where it happened; the next is due.
        let _ = engine.pass(clock.now(), Some(budget)).await;
    }
}

fn missed_between(apart: Duration, period: Duration) -> u64 {
    let periods = apart.as_secs_f64() / period.as_secs_f64();
    (periods.round() as u64).saturating_sub(1)
}

/// Writes the heartbeat on the grid until told to stop, and then one that says so.
pub async fn beat(
    clock: Clock,
    status: Arc<StatusBoard>,
    sink: Sink,
    setups: watch::Receiver<Arc<Setup>>,
    mut stop: watch::Receiver<bool>,
) {
    let host = host_name();
    let period = setups.borrow().config.engine.period();
    let mut grid = grid(&clock, period);
    let mut shown = String::new();
    loop {
        let running = tokio::select! {
            _ = grid.tick() => true,
            _ = stop.changed() => false,
        };
        let now = clock.now();
        let (bytes, line) = {
            let known = status.lock();
            let alive = known
                .loop_age()
                .is_some_and(|age| age <= WATCHDOG_PERIODS * period.as_secs_f64());
            if alive && running {
                notify(&[sd_notify::NotifyState::Watchdog]);
            }
            let beat = Heartbeat::of(&known, now, &host, running);
            (quant::json::to_vec(&beat), status_line(&beat))
        };
        if line != shown {
            notify(&[sd_notify::NotifyState::Status(&line)]);
            shown = line;
        }
        let ttl_seconds = setups.borrow().config.store_ttls.heartbeat;
        write(&sink, bytes, ttl_seconds, now).await;
        if let Some((read, written)) = sink.take_traffic() {
            telemetry::redis_bytes(read, written);
        }
        if !running {
            return;
        }
    }
}

/// A store that does not answer is the engine's to report; the next beat is the retry.
async fn write(sink: &Sink, bytes: Vec<u8>, ttl_seconds: u64, now: Timestamp) {
    let _ = sink.beat(bytes.into(), ttl_seconds, now).await;
}

fn status_line(beat: &Heartbeat) -> String {
    match (beat.redis.connected, beat.idle) {
        (false, _) => "waiting for redis".to_owned(),
        (true, true) => format!("idle: {} symbols, no exchange open", beat.symbols),
        (true, false) => format!("running: {} symbols", beat.symbols),
    }
}

/// Tells systemd, where it started us.
pub fn notify(states: &[sd_notify::NotifyState<'_>]) {
    // Without a service manager there is nobody to tell.
    let _ = sd_notify::notify(states);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_grid_skipped_is_counted() {
        let half = Duration::from_millis(500);
        let missed = |ms| missed_between(Duration::from_millis(ms), half);
        assert_eq!([500, 501, 1000, 3500].map(missed), [0, 0, 1, 6]);
    }
}
