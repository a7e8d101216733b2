//! When each job of each symbol is due.
//!
//! A job runs on its own grid of times, shifted by a stable hash of the symbol, so that thousands
//! of symbols do not fall due in one pass. A pass that was missed leaves its jobs due.

use quant::calculator::Job;
use quant::market::{Span, Symbol, Timestamp};
use xxhash_rust::xxh3::xxh3_64;

/// A set of jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Jobs(u32);

impl Jobs {
    /// No job.
    pub const NONE: Self = Self(0);

    /// With one more.
    #[must_use]
    pub fn with(self, job: Job) -> Self {
        Self(self.0 | 1 << job as u32)
    }

    /// Whether a job is in it.
    pub fn has(self, job: Job) -> bool {
        self.0 & 1 << job as u32 != 0
    }

    /// As bits, for a recording.
    pub fn bits(self) -> u32 {
        self.0
    }

    /// From the bits of a recording.
    pub fn from_bits(bits: u32) -> Self {
        Self(bits)
    }
}

/// A symbol's own share of an interval, so that not all fall due at once. Stable over restarts.
pub fn spread(symbol: &Symbol, interval: Span, step: Span) -> Span {
    let steps = (interval.nanos() / step.nanos().max(1)).max(1) as u64;
    let hash = xxh3_64(symbol.as_str().as_bytes());
    Span::from_nanos((hash % steps) as i64 * step.nanos())
}

/// The times at which a symbol's jobs are due.
#[derive(Clone, Debug)]
pub struct Schedule {
    jobs: Vec<Timed>,
}

#[derive(Clone, Copy, Debug)]
struct Timed {
    job: Job,
    interval: Span,
    phase: Span,
    due: Option<Timestamp>,
}

impl Schedule {
    /// Everything is due at first. Phases fall on the grid of the passes, one every `period`.
    pub fn new(symbol: &Symbol, intervals: &[(Job, Span)], period: Span) -> Self {
        let timed = |&(job, interval): &(Job, Span)| Timed {
            job,
            interval,
            phase: spread(symbol, interval, period),
            due: None,
        };
        Self {
            jobs: intervals.iter().map(timed).collect(),
        }
    }

    /// Everything is due at first, and then each job on the grid of its own interval.
    pub fn at_once(intervals: &[(Job, Span)]) -> Self {
        let timed = |&(job, interval): &(Job, Span)| Timed {
            job,
            interval,
            phase: Span::ZERO,
            due: None,
        };
        Self {
            jobs: intervals.iter().map(timed).collect(),
        }
    }

    /// What is due at `now`. A pass may come a little early against its grid: `slack`.
    pub fn due(&self, now: Timestamp, slack: Span) -> Jobs {
        let due = self.jobs.iter().filter(|timed| timed.is_due(now, slack));
        due.fold(Jobs::NONE, |jobs, timed| jobs.with(timed.job))
    }

    /// Marks jobs as run at `now`: each is due again at its next grid time.
    pub fn ran(&mut self, jobs: Jobs, now: Timestamp, slack: Span) {
        for timed in &mut self.jobs {
            if jobs.has(timed.job) {
                timed.due = Some(timed.next_after(now.plus(slack)));
            }
        }
    }

    /// Everything is due.
    pub fn all_due(&mut self) {
        for timed in &mut self.jobs {
            timed.due = None;
        }
    }
}

impl Timed {
    /// A time further ahead than the interval is of a clock that was stepped back since.
    fn is_due(&self, now: Timestamp, slack: Span) -> bool {
        let Some(due) = self.due else {
            return true;
        };
        let ahead = due.since(now);
        ahead <= slack || ahead.nanos() > self.interval.nanos().saturating_add(slack.nanos())
    }

    /// The first time after `now` on this job's grid.
    fn next_after(&self, now: Timestamp) -> Timestamp {
        let interval = self.interval.nanos();
        if interval <= 0 {
            return now;
        }
        let since_grid = (now.nanos() - self.phase.nanos()).rem_euclid(interval);
        now.plus(Span::from_nanos(interval - since_grid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: Span = Span::from_millis(500);
    const SLACK: Span = Span::from_millis(50);

    fn schedule(symbol: &str) -> Schedule {
        let intervals = [
            (Job::Vpin, Span::from_millis(5_000)),
            (Job::OrderBook, Span::from_millis(1_000)),
            (Job::Summary, Span::ZERO),
        ];
        Schedule::new(&Symbol::new(symbol).unwrap(), &intervals, HALF)
    }

    fn turn(schedule: &mut Schedule, ms: i64) -> Jobs {
        let now = Timestamp::from_millis(1_000_000 + ms);
        let due = schedule.due(now, SLACK);
        schedule.ran(due, now, SLACK);
        due
    }

    #[test]
    fn everything_runs_first_and_then_on_its_interval() {
        let mut schedule = schedule("GOOG");
        let all = turn(&mut schedule, 0);
        assert!(
            [Job::Vpin, Job::OrderBook, Job::Summary]
                .iter()
                .all(|job| all.has(*job))
        );
        let hundred: Vec<Jobs> = (1..=100)
            .map(|pass| turn(&mut schedule, pass * 500))
            .collect();
        let runs = |job| hundred.iter().filter(|due| due.has(job)).count();
        assert_eq!(runs(Job::Summary), 100);
        assert_eq!(runs(Job::OrderBook), 50);
        assert_eq!(runs(Job::Vpin), 10);
    }

    #[test]
    fn passes_that_jitter_do_not_lose_or_double_a_run() {
        let mut schedule = schedule("GOOG");
        let jitter = [0, 3, -4, 17, 2, -9, 30, 1];
        let ran = (0..400)
            .filter(|pass| {
                let ms = pass * 500 + jitter[*pass as usize % jitter.len()];
                turn(&mut schedule, ms).has(Job::OrderBook)
            })
            .count();
        assert!((200..=201).contains(&ran), "{ran}");
    }

    #[test]
    fn symbols_are_spread_over_the_interval() {
        let mut due_at = [0; 10];
        for at in 0..1000 {
            let mut schedule = schedule(&format!("S{at}"));
            turn(&mut schedule, 0);
            let pass = (1..=10).find(|pass| turn(&mut schedule, pass * 500).has(Job::Vpin));
            due_at[pass.unwrap() as usize - 1] += 1;
        }
        assert!(due_at.iter().all(|n| (60..=140).contains(n)), "{due_at:?}");
    }

    #[test]
    fn a_clock_that_steps_back_stops_nothing() {
        let mut schedule = schedule("GOOG");
        turn(&mut schedule, 3_600_000);
        assert!(turn(&mut schedule, 0).has(Job::Vpin));
    }
}
