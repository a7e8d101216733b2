//! How activity lies in a session: most at its open and close, least in the middle (Jain & Joh,
//! JFQA 23, 1988). The density over the elapsed share u is 0.7 + 0.9·(2u − 1)², 1 in the mean;
//! in a world that is always open it is 1 throughout.

use super::clock::Clock;
use crate::market::Timestamp;

const BASE: f64 = 0.7;
const ENDS: f64 = 0.9;

/// Activity at an instant over that of the session's mean, above 0.
pub(super) fn density(clock: &Clock, now: Timestamp) -> f64 {
    if clock.is_always_open() {
        return 1.0;
    }
    let x = 2.0 * clock.elapsed(now) - 1.0;
    BASE + ENDS * x * x
}

/// Share of the session's activity that is done, 0 to 1.
pub(super) fn done(clock: &Clock, now: Timestamp) -> f64 {
    let elapsed = clock.elapsed(now);
    if clock.is_always_open() {
        return elapsed;
    }
    done_at(elapsed)
}

/// Elapsed share of the session when a share of its activity was done.
pub(super) fn elapsed_when(clock: &Clock, done: f64) -> f64 {
    if clock.is_always_open() {
        return done;
    }
    let (mut least, mut most) = (0.0, 1.0);
    for _ in 0..20 {
        let middle = 0.5 * (least + most);
        if done_at(middle) < done {
            least = middle;
        } else {
            most = middle;
        }
    }
    0.5 * (least + most)
}

fn done_at(elapsed: f64) -> f64 {
    let x = 2.0 * elapsed - 1.0;
    (BASE * elapsed + ENDS * (x * x * x + 1.0) / 6.0).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_done_at_the_end_and_half_of_it_half_way() {
        assert_eq!((done_at(0.0), done_at(1.0)), (0.0, 1.0));
        assert!((done_at(0.5) - 0.5).abs() < 1e-15);
        assert!((done_at(0.1) - 0.1) > 0.03);
    }
}
