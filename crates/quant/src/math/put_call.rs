//! Put-call ratios: what is open, traded or paid in puts over the same in calls.

use std::fmt;

/// Why there is no ratio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRatio {
    /// Nobody says how much there is in puts.
    UnknownPuts,
    /// Nobody says how much there is in calls.
    UnknownCalls,
    /// There is nothing in calls.
    NoCalls,
}

impl fmt::Display for NoRatio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownPuts => "puts are not stated",
            Self::UnknownCalls => "calls are not stated",
            Self::NoCalls => "calls are zero",
        })
    }
}

/// Puts over calls, each 0 or more and `None` where it is not known.
pub fn put_call_ratio(puts: Option<f64>, calls: Option<f64>) -> Result<f64, NoRatio> {
    let calls = calls.ok_or(NoRatio::UnknownCalls)?;
    let puts = puts.ok_or(NoRatio::UnknownPuts)?;
    let ratio = puts / calls;
    // A ratio beyond numbers is one to next to nothing.
    let exists = calls > 0.0 && ratio.is_finite();
    exists.then_some(ratio).ok_or(NoRatio::NoCalls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_puts_are_a_ratio_and_zero_calls_are_none() {
        assert_eq!(put_call_ratio(Some(0.0), Some(4.0)), Ok(0.0));
        assert_eq!(put_call_ratio(Some(4.0), Some(0.0)), Err(NoRatio::NoCalls));
        assert_eq!(put_call_ratio(Some(0.0), Some(0.0)), Err(NoRatio::NoCalls));
    }

    #[test]
    fn what_nobody_states_is_not_zero() {
        assert_eq!(put_call_ratio(None, Some(4.0)), Err(NoRatio::UnknownPuts));
        assert_eq!(put_call_ratio(Some(4.0), None), Err(NoRatio::UnknownCalls));
    }
}
