//! Where a volatility stands in its own year: IV rank and IV percentile.

use super::rolling;

/// Where a value stands among those of the sessions, shares from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// (value − least) / (largest − least), the value among them; `None` where all are the same.
    pub rank: Option<f64>,
    /// Share of the sessions below it.
    pub percentile_strict: f64,
    /// The same with ties counted half.
    pub percentile: f64,
}

/// Fewer sessions than are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InsufficientHistory {
    /// How many there are.
    pub have: usize,
    /// How many it takes.
    pub need: usize,
}

/// The standing of `current` among the values of `sessions`, all finite; whether the present one is
/// among them is the caller's choice. The rank's range always takes it in, so it stays in 0 to 1.
pub fn standing(
    current: f64,
    sessions: &[f64],
    minimum: usize,
) -> Result<Standing, InsufficientHistory> {
    let (have, need) = (sessions.len(), minimum.max(1));
    let insufficient = InsufficientHistory { have, need };
    let percentile = rolling::percentile(current, sessions, need).ok_or(insufficient)?;
    let least = sessions.iter().copied().fold(current, f64::min);
    let largest = sessions.iter().copied().fold(current, f64::max);
    let below = sessions.iter().filter(|value| **value < current).count();
    let rank = (current - least) / (largest - least);
    Ok(Standing {
        rank: rank.is_finite().then(|| rank.clamp(0.0, 1.0)),
        percentile_strict: below as f64 / have as f64,
        percentile,
    })
}
