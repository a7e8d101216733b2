//! When the vendor's servers are down every day: connections are refused, so none is tried.

use std::time::Duration;

use chrono::{NaiveTime, Timelike};
use quant::market::Timestamp;

/// India is this much ahead of UTC all year.
const IST_SECONDS: i64 = 19_800;
const DAY: i64 = 86_400;

/// Times of day in India between which nobody answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Windows(Vec<[i64; 2]>);

impl Windows {
    /// Reads `02:00-02:30`; one that ends before it begins ends the next day.
    pub(super) fn parse(texts: &[String]) -> Result<Self, String> {
        let window = |text: &String| {
            let second = |text: &str| {
                let time = NaiveTime::parse_from_str(text.trim(), "%H:%M").ok()?;
                Some(i64::from(time.num_seconds_from_midnight()))
            };
            let ends = text.split_once('-');
            let ends = ends.and_then(|(from, to)| Some([second(from)?, second(to)?]));
            let shown = text.chars().take(40).collect::<String>();
            ends.ok_or_else(|| {
                format!(
                    "`{}` is not a window such as 02:00-02:30",
                    shown.escape_default()
                )
            })
        };
        Ok(Self(texts.iter().map(window).collect::<Result<_, _>>()?))
    }

    /// How many windows ended since midnight in India: what is listed changes with each.
    pub(super) fn ended(&self, now: Timestamp) -> usize {
        let second = (now.whole_seconds() + IST_SECONDS).rem_euclid(DAY);
        self.0.iter().filter(|[_, to]| *to <= second).count()
    }

    /// How long the window lasts that is open now.
    pub(super) fn left(&self, now: Timestamp) -> Option<Duration> {
        let second = (now.whole_seconds() + IST_SECONDS).rem_euclid(DAY);
        let left = self.0.iter().filter_map(|[from, to]| {
            let long = (to - from).rem_euclid(DAY);
            let into = (second - from).rem_euclid(DAY);
            (into < long).then_some(long - into)
        });
        left.max()
            .map(|seconds| Duration::from_secs(seconds.unsigned_abs()))
    }
}

/// The date in India.
pub(super) fn date(now: Timestamp) -> chrono::NaiveDate {
    let there = now.plus(quant::market::Span::from_nanos(IST_SECONDS * 1_000_000_000));
    there.utc().date_naive()
}

/// Until the next clock hour, and a second: clocks differ.
pub(super) fn until_next_hour(now: Timestamp) -> Duration {
    let into = now.whole_seconds().rem_euclid(3_600);
    Duration::from_secs((3_601 - into).unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::from_rfc3339(&format!("2026-11-20T{text}+05:30")).unwrap()
    }

    fn windows(texts: &[&str]) -> Result<Windows, String> {
        Windows::parse(
            &texts
                .iter()
                .map(|text| (*text).to_owned())
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn a_window_is_open_from_its_begin_to_before_its_end_in_india() {
        let windows = windows(&["02:00-02:30", "08:00-08:30"]).unwrap();
        for (time, left) in [
            ("01:59:59", None),
            ("02:00:00", Some(1_800)),
            ("02:29:59", Some(1)),
            ("02:30:00", None),
            ("08:15:00", Some(900)),
            ("20:15:00", None),
        ] {
            assert_eq!(
                windows.left(at(time)),
                left.map(Duration::from_secs),
                "{time}"
            );
        }
        let ended = ["01:59:59", "02:30:00", "08:29:59", "08:30:00"];
        assert_eq!(ended.map(|time| windows.ended(at(time))), [0, 1, 1, 2]);
    }

    #[test]
    fn a_window_may_hold_midnight_and_none_is_never_open() {
        let night = windows(&["23:50-00:10"]).unwrap();
        assert_eq!(night.left(at("23:55:00")), Some(Duration::from_secs(900)));
        assert_eq!(night.left(at("00:05:00")), Some(Duration::from_secs(300)));
        assert_eq!(night.left(at("00:10:00")), None);
        assert_eq!(Windows::default().left(at("02:10:00")), None);
        for wrong in ["02:00", "2-3", "25:00-26:00", "", "02:00-"] {
            assert!(windows(&[wrong]).unwrap_err().contains("not a window"));
        }
    }

    #[test]
    fn the_day_is_that_of_india_and_the_next_hour_that_of_the_clock() {
        assert_eq!(date(at("00:10:00")).to_string(), "2026-11-20");
        assert_eq!(date(at("23:50:00")).to_string(), "2026-11-20");
        let now = Timestamp::from_rfc3339("2026-11-20T10:59:50Z").unwrap();
        assert_eq!(until_next_hour(now), Duration::from_secs(11));
    }
}
