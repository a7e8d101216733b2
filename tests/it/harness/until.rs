//! Waiting for a condition with a deadline: the only place in the tests that looks at a clock or sleeps.

use std::time::{Duration, Instant};

/// Short beside every deadline in use, long beside a poll.
const POLL_EVERY: Duration = Duration::from_millis(10);

/// Polls until there is something and returns it; past the deadline the test fails, saying what it waited for.
#[track_caller]
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the tests wait"
)]
pub(crate) fn until<T>(what: &str, deadline: Duration, mut poll: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = poll() {
            return found;
        }
        assert!(
            start.elapsed() < deadline,
            "waited {deadline:?} in vain until {what}"
        );
        std::thread::sleep(POLL_EVERY);
    }
}
