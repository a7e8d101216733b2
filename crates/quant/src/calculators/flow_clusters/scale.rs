//! The units of the features: medians and interquartile ranges of the past, frozen for a session so
//! that centroids of its passes compare.

use serde::{Deserialize, Serialize};

use super::features::{FEATURES, LEAST_UNITS, Sample, fixed_units};
use crate::math::robust_scale::RobustScale;

/// Passes over which the trailing scale is averaged: about two sessions of one every 90 seconds.
const TRAILING_PASSES: u32 = 500;

/// Units that a row may lie from the medians: so far out is far out, and one print of a million
/// shares must not be a cluster of its own.
const FARTHEST: f64 = 5.0;

/// The units of this session, and those that the next will have.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scale {
    frozen: Option<RobustScale<FEATURES>>,
    /// Mean over the passes so far, the older ones fading.
    trailing: Option<RobustScale<FEATURES>>,
    passes: u32,
}

impl Scale {
    pub(super) fn is_frozen(&self) -> bool {
        self.frozen.is_some()
    }

    pub(super) fn is_sound(&self) -> bool {
        let scales = [self.frozen, self.trailing];
        scales.iter().flatten().all(RobustScale::is_sound)
    }

    /// Fixes the units from the passes before; the first session's from its first window.
    pub(super) fn freeze(&mut self, samples: &[Sample]) {
        self.frozen = self.trailing.or_else(|| scale_of(samples)).map(with_fixed);
    }

    /// Takes a window into the units of later sessions.
    pub(super) fn observe(&mut self, samples: &[Sample]) {
        let Some(seen) = scale_of(samples) else {
            return;
        };
        self.passes = self.passes.saturating_add(1).min(TRAILING_PASSES);
        let Some(trailing) = &mut self.trailing else {
            self.trailing = Some(seen);
            return;
        };
        let weight = 1.0 / f64::from(self.passes);
        for feature in 0..FEATURES {
            let median = &mut trailing.median[feature];
            *median += (seen.median[feature] - *median) * weight;
            let iqr = &mut trailing.iqr[feature];
            *iqr += (seen.iqr[feature] - *iqr) * weight;
        }
    }

    /// The row in these units, held within [`FARTHEST`].
    pub(super) fn standardise(&self, raw: &[f64; FEATURES]) -> [f64; FEATURES] {
        let units = self.units();
        let standardised = units.standardise(raw);
        standardised.map(|value| value.clamp(-FARTHEST, FARTHEST))
    }

    /// The raw row of a standardised one.
    pub(super) fn restore(&self, row: &[f64; FEATURES]) -> [f64; FEATURES] {
        self.units().restore(row)
    }

    /// Centres and units.
    pub(super) fn units(&self) -> RobustScale<FEATURES> {
        self.frozen.unwrap_or(RobustScale {
            median: [0.0; FEATURES],
            iqr: [1.0; FEATURES],
        })
    }
}

fn scale_of(samples: &[Sample]) -> Option<RobustScale<FEATURES>> {
    let rows: Vec<[f64; FEATURES]> = samples.iter().map(|sample| sample.raw).collect();
    RobustScale::of(&rows)
}

/// With units in place of the ranges: those of yes-or-no features, and of the others no less than
/// their least.
fn with_fixed(mut scale: RobustScale<FEATURES>) -> RobustScale<FEATURES> {
    for (feature, least) in LEAST_UNITS.into_iter().enumerate() {
        let (median, iqr) = (scale.median[feature], scale.iqr[feature]);
        let as_is = (median, iqr.max(least));
        (scale.median[feature], scale.iqr[feature]) = fixed_units(feature).unwrap_or(as_is);
    }
    scale
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(raw: f64) -> Vec<Sample> {
        let sample = |step: i32| Sample {
            raw: [raw + f64::from(step); FEATURES],
            size: 1.0,
            notional: 1.0,
            abs_return: 0.0,
            gap: 0.0,
        };
        (0..5).map(sample).collect()
    }

    #[test]
    fn a_session_keeps_its_units_and_the_next_has_those_of_the_passes_before() {
        let mut scale = Scale::default();
        scale.freeze(&samples(0.0));
        assert_eq!(scale.units().median[0], 2.0);
        scale.observe(&samples(0.0));
        scale.observe(&samples(10.0));
        assert_eq!(scale.units().median[0], 2.0);
        scale.freeze(&samples(100.0));
        assert_eq!((scale.units().median[0], scale.units().iqr[0]), (7.0, 2.0));
    }

    #[test]
    fn what_is_far_out_is_held_and_the_rest_comes_back() {
        let mut scale = Scale::default();
        scale.freeze(&samples(0.0));
        assert_eq!(scale.standardise(&[1e9; FEATURES])[0], FARTHEST);
        assert_eq!(
            scale.restore(&scale.standardise(&[3.0; FEATURES])),
            [3.0; FEATURES]
        );
    }

    #[test]
    fn yes_or_no_has_units_of_its_own() {
        let mut scale = Scale::default();
        scale.freeze(&samples(50.0));
        let standardised = scale.standardise(&[1.0; FEATURES]);
        assert_eq!((standardised[1], standardised[4]), (0.5, 0.5));
    }
}
