//! An instant and a span, in whole nanoseconds. Instants count from the Unix epoch, UTC.

use serde::{Deserialize, Serialize};

/// An instant: nanoseconds since 1970-01-01T00:00:00Z. Covers 1677 to 2262.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(i64);

/// A signed span of time in nanoseconds.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Span(i64);

impl Timestamp {
    /// From nanoseconds since the epoch.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// From milliseconds since the epoch; saturates at the ends of the range.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// From whole seconds since the epoch; saturates at the ends of the range.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000_000))
    }

    /// From RFC 3339 text such as `2012-06-21T09:30:00-04:00`.
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        let parsed = chrono::DateTime::parse_from_rfc3339(text).ok()?;
        parsed.timestamp_nanos_opt().map(Self)
    }

    /// Nanoseconds since the epoch.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Whole milliseconds since the epoch, rounded down.
    pub const fn millis(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn whole_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000_000)
    }

    /// Seconds since the epoch as a float, for the wire; exact to about 0.2 µs.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// RFC 3339 in UTC with milliseconds.
    pub fn to_rfc3339(self) -> String {
        self.utc()
            .to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
    }

    /// The same instant as a calendar date and time in UTC.
    pub fn utc(self) -> chrono::DateTime<chrono::Utc> {
        chrono::DateTime::from_timestamp_nanos(self.0)
    }

    /// The span from `earlier` to this instant; negative when `earlier` is later.
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// This instant moved by a span.
    pub const fn plus(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// This instant moved back by a span.
    pub const fn minus(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// From nanoseconds.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// From milliseconds; saturates.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// From seconds, fractions allowed; saturates, and not-a-number is zero.
    pub fn from_seconds(seconds: f64) -> Self {
        Self((seconds * 1e9).round() as i64)
    }

    /// Nanoseconds.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Whole milliseconds, rounded toward zero.
    pub const fn millis(self) -> i64 {
        self.0 / 1_000_000
    }

    /// Seconds as a float.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn millis_round_down_before_the_epoch_too() {
        assert_eq!(Timestamp::from_nanos(-1).millis(), -1);
        assert_eq!(Timestamp::from_nanos(1_999_999).millis(), 1);
    }

    #[test]
    fn rfc3339_offsets_are_honoured() {
        let open = Timestamp::from_rfc3339("2012-06-21T09:30:00-04:00").unwrap();
        assert_eq!(open.to_rfc3339(), "2012-06-21T13:30:00.000Z");
        assert_eq!(open.nanos(), 1_340_285_400_000_000_000);
    }

    #[test]
    fn spans_saturate() {
        let far = Timestamp::from_nanos(i64::MAX);
        assert_eq!(far.plus(Span::from_millis(1)), far);
        assert_eq!(far.since(Timestamp::from_nanos(i64::MIN)).nanos(), i64::MAX);
    }
}
