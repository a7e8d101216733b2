//! Where a value stands against its own history: z, robust z and percentile.
//!
//! The history never holds the value itself. Everything is reckoned in deviations from one of the
//! history's own values, so that a large common offset costs no digits.

/// Makes the median absolute deviation of a normal sample its standard deviation: Φ⁻¹(3/4).
const NORMAL_QUARTILE: f64 = 0.674_489_750_196_081_7;

/// Mean and sample standard deviation of a history.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moments {
    origin: f64,
    /// Mean less origin.
    offset: f64,
    stdev: Option<f64>,
}

impl Moments {
    /// Of these values; `None` where there is none, or where they are too large to be summed.
    pub fn of(history: impl Iterator<Item = f64> + Clone) -> Option<Self> {
        let origin = history.clone().next()?;
        let deviations = history.map(|value| value - origin);
        let count = deviations.clone().count() as f64;
        let offset = deviations.clone().sum::<f64>() / count;
        let squares: f64 = deviations.map(|d| (d - offset) * (d - offset)).sum();
        let stdev = (count > 1.0).then(|| (squares / (count - 1.0)).sqrt());
        let finite = (origin + offset).is_finite() && squares.is_finite();
        finite.then_some(Self {
            origin,
            offset,
            stdev,
        })
    }

    /// The mean.
    pub fn mean(&self) -> f64 {
        self.origin + self.offset
    }

    /// The sample standard deviation (n − 1); `None` of one value.
    pub fn stdev(&self) -> Option<f64> {
        self.stdev
    }

    /// (value − mean) / stdev; `None` where nothing varies.
    pub fn zscore(&self, value: f64) -> Option<f64> {
        let stdev = self.stdev.filter(|stdev| *stdev > 0.0)?;
        finite(((value - self.origin) - self.offset) / stdev)
    }
}

/// Median and median absolute deviation of a history.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Middle {
    origin: f64,
    /// Median less origin.
    offset: f64,
    mad: f64,
}

impl Middle {
    /// Of these values; `None` where there is none, or where they lie too far apart.
    pub fn of(history: &[f64]) -> Option<Self> {
        let mut sorted = history.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let origin = *sorted.get(sorted.len() / 2)?;
        let mut deviations: Vec<f64> = sorted.iter().map(|value| value - origin).collect();
        let offset = middle(&deviations);
        deviations.iter_mut().for_each(|d| *d = (*d - offset).abs());
        deviations.sort_unstable_by(f64::total_cmp);
        let mad = middle(&deviations);
        ((origin + offset).is_finite() && mad.is_finite()).then_some(Self {
            origin,
            offset,
            mad,
        })
    }

    /// The median.
    pub fn median(&self) -> f64 {
        self.origin + self.offset
    }

    /// The median of the distances from the median.
    pub fn mad(&self) -> f64 {
        self.mad
    }

    /// Φ⁻¹(3/4) · (value − median) / MAD; `None` where at least half of the history is one value.
    pub fn zscore(&self, value: f64) -> Option<f64> {
        let distance = (value - self.origin) - self.offset;
        (self.mad > 0.0)
            .then(|| NORMAL_QUARTILE * distance / self.mad)
            .and_then(finite)
    }
}

/// z of a value against a history without it; `None` under `minimum` values (two at least) or
/// where nothing varies.
pub fn zscore(value: f64, history: &[f64], minimum: usize) -> Option<f64> {
    enough(history, minimum).and_then(|known| Moments::of(known.iter().copied())?.zscore(value))
}

/// The same by median and MAD, which one outlier does not move.
pub fn robust_zscore(value: f64, history: &[f64], minimum: usize) -> Option<f64> {
    enough(history, minimum).and_then(|known| Middle::of(known)?.zscore(value))
}

/// Share of the history below the value, ties counted half, 0 to 1; `None` under `minimum` values.
pub fn percentile(value: f64, history: &[f64], minimum: usize) -> Option<f64> {
    let known = enough(history, minimum.max(1))?;
    let below = known.iter().filter(|other| **other < value).count();
    let ties = known.iter().filter(|other| **other == value).count();
    Some((2 * below + ties) as f64 / (2 * known.len()) as f64)
}

fn enough(history: &[f64], minimum: usize) -> Option<&[f64]> {
    (history.len() >= minimum).then_some(history)
}

fn finite(number: f64) -> Option<f64> {
    number.is_finite().then_some(number)
}

/// The median of sorted values, at least one.
fn middle(sorted: &[f64]) -> f64 {
    let upper = sorted[sorted.len() / 2];
    let lower = sorted[(sorted.len() - 1) / 2];
    // Halved first: the sum of two large numbers is not finite.
    lower / 2.0 + upper / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_history_says_nothing() {
        let history = [1.0, 2.0, 4.0];
        assert_eq!(zscore(3.0, &history, 4), None);
        assert_eq!(robust_zscore(3.0, &history, 4), None);
        assert_eq!(percentile(3.0, &history, 4), None);
        assert!(zscore(3.0, &history, 3).is_some());
    }

    #[test]
    fn one_value_or_none_has_no_spread() {
        assert_eq!(zscore(3.0, &[1.0], 0), None);
        assert_eq!(zscore(3.0, &[], 0), None);
        assert_eq!(percentile(3.0, &[], 0), None);
    }

    #[test]
    fn a_constant_that_binary_cannot_hold_has_no_spread() {
        let history = [0.1; 37];
        assert_eq!(zscore(0.2, &history, 2), None);
        assert_eq!(robust_zscore(0.2, &history, 2), None);
    }

    #[test]
    fn what_cannot_be_summed_has_no_moments() {
        let history = [f64::MAX, -f64::MAX, f64::MAX];
        assert_eq!(zscore(0.0, &history, 2), None);
        assert_eq!(robust_zscore(0.0, &history, 2), None);
    }

    #[test]
    fn ties_count_half() {
        assert_eq!(percentile(2.0, &[1.0, 2.0, 2.0, 3.0], 1), Some(0.5));
    }
}
