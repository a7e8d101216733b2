//! Which side orders take and how large they are: runs of one side, informed episodes in which
//! one side dominates, log-normal sizes with round-lot clumps.

use super::chance::Chance;
use crate::market::{Span, Timestamp};

/// Probability that an order takes the side of the one before: lag-one autocorrelation 0.4.
const STAYS: f64 = 0.7;

/// Share of an episode's orders that are informed; with the runs, six of seven go one way.
const INFORMED: f64 = 0.6;

/// Mean quiet time between episodes: about two dozen in a session of 6.5 hours.
const QUIET_SECONDS: f64 = 900.0;

/// The shortest and the longest episode; lengths are log-uniform between.
const EPISODE_SECONDS: (f64, f64) = (20.0, 240.0);

/// How far an episode carries the price, in standard deviations of its own length.
const EPISODE_MOVE: f64 = 1.5;

/// Share of the variance of the price that episodes explain: the square of their move times
/// the share of time they take (mean length 88.5 s).
pub(super) const EPISODE_VARIANCE: f64 =
    EPISODE_MOVE * EPISODE_MOVE * 88.5 / (88.5 + QUIET_SECONDS);

/// Variance of the surprise in a quiet time: 1 − (2 · STAYS − 1)².
pub(super) const SURPRISE_VARIANCE: f64 = 1.0 - (2.0 * STAYS - 1.0) * (2.0 * STAYS - 1.0);

/// Shares in a round lot.
const ROUND_LOT: f64 = 100.0;

/// Share of orders given in round lots.
const IN_ROUND_LOTS: f64 = 0.5;

/// Largest order in shares: a limit, so that sums of sizes fit their integers.
const LARGEST: f64 = 1e7;

/// An order that trades at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    /// +1 buys, −1 sells.
    pub(super) direction: f64,
    /// The direction less what was to be expected of it: what the price learns from.
    pub(super) surprise: f64,
    /// Whole shares, at least one.
    pub(super) shares: i64,
}

/// The order flow of one instrument.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    mean_shares: f64,
    last: f64,
    /// The episode's direction over the root of its seconds; zero in a quiet time.
    pull: f64,
    /// When the episode or the quiet time ends.
    changes_at: Timestamp,
    /// Episodes begun so far.
    episodes: u32,
}

impl Flow {
    /// A flow that begins with a quiet time.
    pub(super) fn new(mean_shares: f64, start: Timestamp, chance: &mut Chance) -> Self {
        Self {
            mean_shares,
            last: chance.direction(),
            pull: 0.0,
            changes_at: start.plus(Span::from_seconds(chance.exponential(QUIET_SECONDS))),
            episodes: 0,
        }
    }

    /// Begins and ends the episodes up to an instant.
    pub(super) fn advance(&mut self, to: Timestamp, chance: &mut Chance) {
        while self.changes_at <= to {
            let seconds = if self.pull == 0.0 {
                let (shortest, longest) = EPISODE_SECONDS;
                let seconds = shortest * libm::pow(longest / shortest, chance.uniform());
                self.pull = chance.direction() / libm::sqrt(seconds);
                self.episodes = self.episodes.saturating_add(1);
                seconds
            } else {
                self.pull = 0.0;
                chance.exponential(QUIET_SECONDS)
            };
            // At least a nanosecond, so that the loop ends.
            let span = Span::from_seconds(seconds).max(Span::from_nanos(1));
            self.changes_at = self.changes_at.plus(span);
        }
    }

    /// Drift of the price a second, in its standard deviations of one second.
    pub(super) fn drift(&self) -> f64 {
        EPISODE_MOVE * self.pull
    }

    /// The number of the episode under way, from 1; `None` in a quiet time.
    pub(super) fn episode(&self) -> Option<u32> {
        (self.pull != 0.0).then_some(self.episodes)
    }

    /// The next order.
    pub(super) fn next(&mut self, chance: &mut Chance) -> Order {
        let by_run = (2.0 * STAYS - 1.0) * self.last;
        let expected = match self.informed_direction() {
            Some(informed) => INFORMED * informed + (1.0 - INFORMED) * by_run,
            None => by_run,
        };
        let buys = chance.happens(0.5 * (1.0 + expected));
        let direction = if buys { 1.0 } else { -1.0 };
        self.last = direction;
        Order {
            direction,
            surprise: direction - expected,
            shares: self.shares(chance),
        }
    }

    fn informed_direction(&self) -> Option<f64> {
        (self.pull != 0.0).then(|| self.pull.signum())
    }

    fn shares(&self, chance: &mut Chance) -> i64 {
        let drawn = chance.log_normal(self.mean_shares, 1.0).min(LARGEST);
        let lots = (drawn / ROUND_LOT + chance.uniform()).floor();
        let shares = if lots >= 1.0 && chance.happens(IN_ROUND_LOTS) {
            lots * ROUND_LOT
        } else {
            drawn.round()
        };
        (shares as i64).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orders(pull: f64, mean_shares: f64) -> Vec<Order> {
        let mut chance = Chance::new(2);
        let mut flow = Flow::new(mean_shares, Timestamp::default(), &mut chance);
        flow.pull = pull;
        (0..50_000).map(|_| flow.next(&mut chance)).collect()
    }

    fn mean(orders: &[Order], of: impl Fn(&Order) -> f64) -> f64 {
        orders.iter().map(of).sum::<f64>() / orders.len() as f64
    }

    #[test]
    fn one_side_dominates_an_episode_and_none_a_quiet_time() {
        assert!(mean(&orders(-0.1, 100.0), |o| o.direction) < -0.6);
        assert!(mean(&orders(0.0, 100.0), |o| o.direction).abs() < 0.03);
    }

    #[test]
    fn surprises_average_to_nothing_with_the_stated_variance() {
        for pull in [0.0, 0.1] {
            assert!(mean(&orders(pull, 100.0), |o| o.surprise).abs() < 0.02);
        }
        let variance = mean(&orders(0.0, 100.0), |o| o.surprise * o.surprise);
        assert!((variance - SURPRISE_VARIANCE).abs() < 0.02, "{variance}");
    }

    #[test]
    fn sizes_have_about_their_mean_and_clump_at_round_lots() {
        let orders = orders(0.0, 150.0);
        let shares = mean(&orders, |o| o.shares as f64);
        assert!((shares / 150.0 - 1.0).abs() < 0.2, "{shares}");
        let round = mean(&orders, |o| f64::from(o.shares % 100 == 0));
        assert!((0.3..0.7).contains(&round), "{round}");
        assert!(orders.iter().all(|o| o.shares >= 1));
    }

    #[test]
    fn episodes_take_their_share_of_time() {
        let mut chance = Chance::new(9);
        let mut flow = Flow::new(100.0, Timestamp::default(), &mut chance);
        let within = (0..1_000_000).filter(|&second| {
            flow.advance(Timestamp::from_seconds(second), &mut chance);
            flow.pull != 0.0
        });
        let share = within.count() as f64 / 1e6;
        assert!((0.07..0.11).contains(&share), "{share}");
    }
}
