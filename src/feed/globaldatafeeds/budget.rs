//! How many requests may be sent: a bucket of tokens that fills at nine tenths of the plan.

use std::time::Duration;

use tokio::time::Instant;

/// Share of the plan that is used: what else uses the key, and a restart, have room beside it.
pub(super) const USED: f64 = 0.9;
/// Share of an hour's plan that may be sent at once: with what flows in, no hour is above the plan.
const AT_ONCE: f64 = 0.05;
/// Requests an hour of the smallest plan, where nobody says which it is.
pub(super) const SMALLEST_PLAN: u64 = 1_800;

/// The bucket.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    per_second: f64,
    room: f64,
    tokens: f64,
    at: Instant,
    closed_until: Option<Instant>,
}

impl Budget {
    /// A full bucket of a plan, in requests an hour.
    pub(super) fn new(plan: u64, now: Instant) -> Self {
        let room = (plan as f64 * AT_ONCE).max(1.0);
        Self {
            per_second: plan as f64 * USED / 3_600.0,
            room,
            tokens: room,
            at: now,
            closed_until: None,
        }
    }

    /// The same with another plan; what was spent stays spent.
    pub(super) fn with_plan(mut self, plan: u64, now: Instant) -> Self {
        self.fill(now);
        let spent = self.room - self.tokens;
        let mut other = Self::new(plan, now);
        other.tokens = (other.room - spent).max(0.0);
        other.closed_until = self.closed_until;
        other
    }

    /// Takes a token, or says when there is one.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Instant> {
        if let Some(until) = self.closed_until {
            if now < until {
                return Err(until);
            }
            self.closed_until = None;
        }
        self.fill(now);
        // A millionth is lost in the division of times.
        if self.tokens >= 1.0 - 1e-6 {
            self.tokens = (self.tokens - 1.0).max(0.0);
            return Ok(());
        }
        let wait = ((1.0 - self.tokens) / self.per_second).clamp(1e-3, 86_400.0);
        Err(now + Duration::from_secs_f64(wait))
    }

    /// The vendor says that the hour's allowance is used up.
    pub(super) fn close_for(&mut self, wait: Duration, now: Instant) {
        self.closed_until = Some(now + wait);
        self.tokens = 1.0;
        self.at = now;
    }

    fn fill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = (self.tokens + passed * self.per_second).min(self.room);
        self.at = self.at.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_hour_has_more_requests_than_the_plan_and_a_steady_one_nine_tenths() {
        for plan in [60, 1_800, 3_600, 7_200] {
            let start = Instant::now();
            let mut budget = Budget::new(plan, start);
            let mut now = start;
            let mut sent = Vec::new();
            while now < start + Duration::from_secs(2 * 3_600) {
                match budget.take(now) {
                    Ok(()) => sent.push(now),
                    Err(at) => {
                        assert!(at > now);
                        now = at;
                    }
                }
            }
            let hour = Duration::from_secs(3_600);
            let first = sent.iter().filter(|at| **at < start + hour).count() as u64;
            let second = sent.len() as u64 - first;
            assert!(first <= plan, "{first} of {plan}");
            assert!(second.abs_diff(plan * 9 / 10) <= 2, "{second} of {plan}");
        }
    }

    #[test]
    fn a_closed_bucket_opens_at_its_time() {
        let start = Instant::now();
        let mut budget = Budget::new(3_600, start);
        budget.close_for(Duration::from_secs(100), start);
        assert_eq!(budget.take(start), Err(start + Duration::from_secs(100)));
        let open = start + Duration::from_secs(100);
        assert_eq!(budget.take(open), Ok(()));
    }

    #[test]
    fn a_smaller_plan_does_not_forget_what_was_spent() {
        let start = Instant::now();
        let mut budget = Budget::new(1_800, start);
        for _ in 0..4 {
            budget.take(start).unwrap();
        }
        let mut budget = budget.with_plan(60, start);
        assert!(budget.take(start).is_err());
    }
}
