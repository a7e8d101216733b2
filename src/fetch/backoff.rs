//! How long to leave a server alone that did not answer: twice as long each time, spread by chance
//! so that many who lost it together do not come back together.

use std::time::Duration;

use quant::market::Timestamp;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Nobody waits longer; it keeps every product of durations in range.
const LONGEST: Duration = Duration::from_secs(7 * 86_400);

/// A wait that doubles with every failure in a row.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    min: Duration,
    max: Duration,
    jitter: f64,
    failures: u32,
}

impl Backoff {
    /// From `min` up to `max` (a week at most), each wait longer or shorter by up to the fraction `jitter` (0 to 1),
    /// though never outside of the two.
    pub fn new(min: Duration, max: Duration, jitter: f64) -> Self {
        let min = min.min(LONGEST);
        Self {
            min,
            max: max.clamp(min, LONGEST),
            jitter: if jitter > 0.0 { jitter.min(1.0) } else { 0.0 },
            failures: 0,
        }
    }

    /// The wait after one more failure. `chance` is from 0 to 1; a server that asks for longer gets
    /// it, up to the longest.
    pub fn failed(&mut self, chance: f64, retry_after: Option<Duration>) -> Duration {
        // 31 doublings of a millisecond are past the longest.
        let doubled = self.min.saturating_mul(1 << self.failures.min(31));
        let doubled = doubled.min(self.max);
        self.failures = self.failures.saturating_add(1);
        let shortest = doubled.mul_f64(1.0 - self.jitter).max(self.min);
        let longest = doubled
            .saturating_add(doubled.mul_f64(self.jitter))
            .min(self.max);
        let spread = longest.saturating_sub(shortest);
        let wait = shortest + spread.mul_f64(chance.clamp(0.0, 1.0));
        retry_after.map_or(wait, |asked| wait.max(asked.min(self.max)))
    }

    /// The server answered: the next failure is a first one.
    pub fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// Failures in a row.
    pub fn failures(&self) -> u32 {
        self.failures
    }
}

/// Numbers from 0 to below 1 that look random and follow from the seed.
#[derive(Clone, Copy, Debug)]
pub struct Chance {
    seed: u64,
    drawn: u64,
}

impl Chance {
    /// The numbers of a seed.
    pub fn seeded(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }

    /// The next one.
    pub fn draw(&mut self) -> f64 {
        let bits = xxh3_64_with_seed(&self.drawn.to_le_bytes(), self.seed);
        self.drawn = self.drawn.wrapping_add(1);
        // The 53 bits that a float between 0 and 1 holds.
        (bits >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// How long the `Retry-After` of an answer that came at `now` asks to wait: seconds, or a date
/// (RFC 9110, 10.2.3). A date that is past asks for nothing.
pub fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let date = chrono::DateTime::parse_from_rfc2822(text).ok()?;
    let until = Timestamp::from_seconds(date.timestamp());
    let nanos = u64::try_from(until.since(now).nanos()).ok()?;
    Some(Duration::from_nanos(nanos))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_wait_doubles_up_to_the_longest_and_starts_anew_after_an_answer() {
        let mut backoff = Backoff::new(5 * SECOND, 60 * SECOND, 0.0);
        let mut waits = |n: usize| -> Vec<u64> {
            let wait = |_| backoff.failed(0.5, None).as_secs();
            let waits = (0..n).map(wait).collect();
            backoff.succeeded();
            waits
        };
        assert_eq!(waits(6), [5, 10, 20, 40, 60, 60]);
        assert_eq!(waits(2), [5, 10]);
    }

    #[test]
    fn chance_spreads_the_wait_by_the_fraction() {
        let third = |chance| {
            let mut backoff = Backoff::new(10 * SECOND, 100 * SECOND, 0.2);
            backoff.failed(chance, None);
            backoff.failed(chance, None);
            backoff.failed(chance, None)
        };
        let millis = [0.0, 0.5, 1.0].map(|chance| third(chance).as_millis());
        assert_eq!(millis, [32_000, 40_000, 48_000]);
    }

    #[test]
    fn who_asks_for_longer_gets_it_up_to_the_longest() {
        let wait = |asked: u64| {
            let mut backoff = Backoff::new(5 * SECOND, 60 * SECOND, 0.0);
            backoff
                .failed(0.0, Some(Duration::from_secs(asked)))
                .as_secs()
        };
        assert_eq!([0, 3, 30, 3600].map(wait), [5, 5, 30, 60]);
    }

    #[test]
    fn a_server_asks_in_seconds_or_until_a_date() {
        // The date is the example of RFC 9110, 5.6.7.
        let now = Timestamp::from_rfc3339("1994-11-06T08:49:00Z").unwrap();
        let asked = |text| retry_after(text, now);
        assert_eq!(asked("120"), Some(120 * SECOND));
        assert_eq!(asked(" 0 "), Some(Duration::ZERO));
        assert_eq!(asked("Sun, 06 Nov 1994 08:49:37 GMT"), Some(37 * SECOND));
        assert_eq!(asked("Sun, 06 Nov 1994 08:48:59 GMT"), None);
        for text in ["", "soon", "-1", "1.5", "99999999999999999999", "Sun, 06"] {
            assert_eq!(asked(text), None, "{text}");
        }
    }

    #[test]
    fn chance_follows_from_its_seed() {
        let draw = |seed| {
            let mut chance = Chance::seeded(seed);
            [chance.draw(), chance.draw(), chance.draw()]
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        let mut chance = Chance::seeded(1);
        let mean = (0..10_000).map(|_| chance.draw()).sum::<f64>() / 1e4;
        // The mean of 10,000 uniform numbers is within 0.0144 of a half in all but 1 of 2 million.
        assert!((mean - 0.5).abs() < 0.0144, "{mean}");
    }

    proptest! {
        #[test]
        fn no_wait_is_out_of_bounds(
            min_ms in 0_u64..100_000,
            more_ms in 0_u64..10_000_000,
            jitter in -1.0..3.0,
            chances in proptest::collection::vec((0.0..1.0, proptest::option::of(0_u64..u64::MAX)), 1..80),
        ) {
            let (min, max) = (Duration::from_millis(min_ms), Duration::from_millis(min_ms + more_ms));
            let mut backoff = Backoff::new(min, max, jitter);
            for (failures, (chance, asked)) in chances.into_iter().enumerate() {
                let wait = backoff.failed(chance, asked.map(Duration::from_secs));
                prop_assert!(min <= wait && wait <= max, "{wait:?}");
                prop_assert_eq!(backoff.failures() as usize, failures + 1);
            }
        }

        #[test]
        fn a_wait_is_near_its_doubling(
            min_ms in 1_u64..10_000,
            jitter in 0.0..1.0,
            chance in 0.0..1.0,
            before in 0_u32..12,
        ) {
            let min = Duration::from_millis(min_ms);
            let max = min * 10_000;
            let mut backoff = Backoff::new(min, max, jitter);
            for _ in 0..before {
                backoff.failed(chance, None);
            }
            let wait = backoff.failed(chance, None).as_secs_f64();
            let doubled = min.as_secs_f64() * f64::from(2_u32.pow(before));
            prop_assert!(wait >= doubled * (1.0 - jitter) - 1e-6, "{wait} of {doubled}");
            prop_assert!(wait <= doubled * (1.0 + jitter) + 1e-6, "{wait} of {doubled}");
        }

        #[test]
        fn no_text_asks_for_a_panic(text in ".{0,40}", nanos: i64) {
            let _ = retry_after(&text, Timestamp::from_nanos(nanos));
        }
    }
}
