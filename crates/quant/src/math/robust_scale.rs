//! Robust standardisation: features in interquartile ranges from their median, so that neither
//! units nor a few large values own a distance.

use serde::{Deserialize, Serialize};

/// Median and interquartile range of each of `D` features.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RobustScale<const D: usize> {
    /// Medians.
    #[serde(with = "array")]
    pub median: [f64; D],
    /// Upper less lower quartile, each between two order statistics linearly (type 7 of Hyndman &
    /// Fan, The American Statistician 50, 1996); never negative.
    #[serde(with = "array")]
    pub iqr: [f64; D],
}

impl<const D: usize> RobustScale<D> {
    /// Of these rows; `None` where there is none, or one holds what is not finite.
    pub fn of(rows: &[[f64; D]]) -> Option<Self> {
        let mut scale = Self {
            median: [0.0; D],
            iqr: [0.0; D],
        };
        let mut column = Vec::with_capacity(rows.len());
        for feature in 0..D {
            column.clear();
            column.extend(rows.iter().map(|row| row[feature]));
            column.sort_unstable_by(f64::total_cmp);
            scale.median[feature] = quantile(&column, 2)?;
            scale.iqr[feature] = quantile(&column, 3)? - quantile(&column, 1)?;
        }
        scale.is_sound().then_some(scale)
    }

    /// Whether it could be of rows: finite, and no negative range.
    pub fn is_sound(&self) -> bool {
        self.median.iter().all(|median| median.is_finite())
            && self.iqr.iter().all(|iqr| iqr.is_finite() && *iqr >= 0.0)
    }

    /// The row in these units; a feature without a range is centred and left in its own.
    pub fn standardise(&self, row: &[f64; D]) -> [f64; D] {
        std::array::from_fn(|f| (row[f] - self.median[f]) / self.unit(f))
    }

    /// The row that [`Self::standardise`] takes to this one.
    pub fn restore(&self, row: &[f64; D]) -> [f64; D] {
        std::array::from_fn(|f| row[f] * self.unit(f) + self.median[f])
    }

    fn unit(&self, feature: usize) -> f64 {
        let iqr = self.iqr[feature];
        if iqr > 0.0 { iqr } else { 1.0 }
    }
}

/// The quartile of sorted numbers, counted from 0.
fn quantile(sorted: &[f64], quarter: usize) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let below = last * quarter / 4;
    let share = (last * quarter % 4) as f64 / 4.0;
    let (low, high) = (sorted[below], sorted[(below + 1).min(last)]);
    Some(low + (high - low) * share)
}

/// Serde knows arrays of a few lengths only, and none of a length that is a parameter.
mod array {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer, const D: usize>(
        numbers: &[f64; D],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        numbers.as_slice().serialize(serializer)
    }

    pub(super) fn deserialize<'de, T: Deserializer<'de>, const D: usize>(
        deserializer: T,
    ) -> Result<[f64; D], T::Error> {
        let numbers = Vec::<f64>::deserialize(deserializer)?;
        let length = numbers.len();
        numbers
            .try_into()
            .map_err(|_| T::Error::invalid_length(length, &"one number a feature"))
    }
}

#[cfg(test)]
mod tests {
    use super::RobustScale;

    #[test]
    fn a_feature_that_does_not_vary_is_centred_only() {
        let scale = RobustScale::of(&[[1.0, 7.0], [2.0, 7.0], [3.0, 7.0]]).unwrap();
        assert_eq!((scale.median, scale.iqr), ([2.0, 7.0], [1.0, 0.0]));
        assert_eq!(scale.standardise(&[4.0, 9.0]), [2.0, 2.0]);
        assert_eq!(scale.restore(&[2.0, 2.0]), [4.0, 9.0]);
    }

    #[test]
    fn what_is_no_number_has_no_scale() {
        assert_eq!(RobustScale::<1>::of(&[]), None);
        assert_eq!(RobustScale::of(&[[0.0], [f64::NAN]]), None);
        assert_eq!(RobustScale::of(&[[-f64::MAX], [f64::MAX]]), None);
    }
}
