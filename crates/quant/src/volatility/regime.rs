//! The regime that a level of the one-day index stands for: by thresholds that are left later than
//! they are entered, and by how fast it rises.
//!
//! Thresholds are settings, not a standard: the percentile of the level says more. A fall of the
//! index is no shock however fast it is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How unquiet the market is held to be, least first.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Regime {
    /// Below the first threshold.
    #[default]
    Benign,
    /// From the first threshold on.
    Normal,
    /// From the second threshold on, or risen within the hour.
    Elevated,
    /// From the third threshold on, or risen within minutes.
    Shock,
}

impl Regime {
    const RISING: [Self; 4] = [Self::Benign, Self::Normal, Self::Elevated, Self::Shock];

    /// The name in documents: `BENIGN`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Benign => "BENIGN",
            Self::Normal => "NORMAL",
            Self::Elevated => "ELEVATED",
            Self::Shock => "SHOCK",
        }
    }
}

/// Where regimes begin, index points.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Thresholds {
    /// Below it is BENIGN, from it on NORMAL.
    pub benign: f64,
    /// From it on ELEVATED.
    pub elevated: f64,
    /// From it on SHOCK.
    pub shock: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            benign: 18.0,
            elevated: 25.0,
            shock: 35.0,
        }
    }
}

/// Rises that count whatever the level, index points.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ChangeThresholds {
    /// Risen so much within an hour is ELEVATED at least.
    pub elevated: f64,
    /// Risen so much within 5 minutes is SHOCK.
    pub shock: f64,
}

impl Default for ChangeThresholds {
    fn default() -> Self {
        Self {
            elevated: 2.0,
            shock: 5.0,
        }
    }
}

/// What decides a regime.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RegimeParams {
    /// Where regimes begin.
    pub thresholds: Thresholds,
    /// Rises that count whatever the level.
    pub change_thresholds: ChangeThresholds,
    /// A regime is left only so far below its threshold, index points.
    pub hysteresis: f64,
}

impl Default for RegimeParams {
    fn default() -> Self {
        Self {
            thresholds: Thresholds::default(),
            change_thresholds: ChangeThresholds::default(),
            hysteresis: 1.0,
        }
    }
}

impl RegimeParams {
    /// Whether they can be; an error begins with the key.
    pub fn check(&self) -> Result<(), String> {
        let Thresholds {
            benign,
            elevated,
            shock,
        } = self.thresholds;
        if !(benign > 0.0 && benign < elevated && elevated < shock && shock.is_finite()) {
            return Err(format!(
                "thresholds: must rise from benign over elevated to shock, above 0 (is {benign}, \
                 {elevated}, {shock})"
            ));
        }
        let ChangeThresholds { elevated, shock } = self.change_thresholds;
        for (key, is) in [("elevated", elevated), ("shock", shock)] {
            if !(is > 0.0 && is.is_finite()) {
                return Err(format!(
                    "change_thresholds.{key}: must be above 0 (is {is})"
                ));
            }
        }
        let is = self.hysteresis;
        if !(is >= 0.0 && is.is_finite()) {
            return Err(format!("hysteresis: must be 0 or more (is {is})"));
        }
        Ok(())
    }

    /// Where a regime begins; the first has no beginning.
    fn beginning(&self, regime: Regime) -> f64 {
        match regime {
            Regime::Benign => f64::NEG_INFINITY,
            Regime::Normal => self.thresholds.benign,
            Regime::Elevated => self.thresholds.elevated,
            Regime::Shock => self.thresholds.shock,
        }
    }
}

/// How much the index changed, points; `None` where nothing that old is known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Changes {
    /// Within 5 minutes.
    pub five_minutes: Option<f64>,
    /// Within an hour.
    pub hour: Option<f64>,
}

/// The regime of the level, remembered for its hysteresis. Rises are no part of it: when one is
/// over, the level speaks again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RegimeMemory(Regime);

impl RegimeMemory {
    /// The regime at a level in index points after these changes; `None`, and nothing remembered,
    /// where the level is no number.
    pub fn step(&mut self, level: f64, changes: Changes, params: &RegimeParams) -> Option<Regime> {
        if !level.is_finite() {
            return None;
        }
        let stays = |regime: Regime| {
            let given_up = match regime <= self.0 {
                true => params.hysteresis,
                false => 0.0,
            };
            level >= params.beginning(regime) - given_up
        };
        let highest = Regime::RISING.into_iter().rfind(|regime| stays(*regime));
        self.0 = highest.unwrap_or(Regime::Benign);
        Some(self.0.max(risen(changes, params.change_thresholds)))
    }
}

/// The least regime after a rise. What rose within 5 minutes rose within the hour.
fn risen(changes: Changes, rises: ChangeThresholds) -> Regime {
    let Changes { five_minutes, hour } = changes;
    let by = |change: Option<f64>, least: f64| change.is_some_and(|change| change >= least);
    if by(five_minutes, rises.shock) {
        Regime::Shock
    } else if by(hour, rises.elevated) || by(five_minutes, rises.elevated) {
        Regime::Elevated
    } else {
        Regime::Benign
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(five_minutes: Option<f64>, hour: Option<f64>) -> Regime {
        let changes = Changes { five_minutes, hour };
        let mut memory = RegimeMemory::default();
        memory
            .step(14.0, changes, &RegimeParams::default())
            .unwrap()
    }

    #[test]
    fn a_rise_counts_and_a_fall_never_does() {
        assert_eq!(after(Some(5.0), None), Regime::Shock);
        assert_eq!(after(Some(4.9), Some(1.0)), Regime::Elevated);
        assert_eq!(after(Some(0.0), Some(2.0)), Regime::Elevated);
        assert_eq!(after(Some(0.0), Some(1.9)), Regime::Benign);
        assert_eq!(after(Some(-9.0), Some(-9.0)), Regime::Benign);
        assert_eq!(after(Some(f64::NAN), Some(f64::NAN)), Regime::Benign);
    }

    #[test]
    fn a_rise_leaves_no_memory() {
        let mut memory = RegimeMemory::default();
        let params = RegimeParams::default();
        let rise = Changes {
            five_minutes: Some(20.0),
            hour: None,
        };
        assert_eq!(memory.step(34.5, rise, &params), Some(Regime::Shock));
        let calm = Changes::default();
        assert_eq!(memory.step(34.5, calm, &params), Some(Regime::Elevated));
    }

    #[test]
    fn a_level_that_is_none_changes_nothing() {
        let mut memory = RegimeMemory(Regime::Elevated);
        let params = RegimeParams::default();
        assert_eq!(memory.step(f64::NAN, Changes::default(), &params), None);
        assert_eq!(memory, RegimeMemory(Regime::Elevated));
    }

    #[test]
    fn memory_is_one_word_on_disk() {
        let text = serde_json::to_string(&RegimeMemory(Regime::Shock)).unwrap();
        assert_eq!(text, "\"SHOCK\"");
    }

    #[test]
    fn thresholds_that_do_not_rise_are_refused() {
        let params = RegimeParams::default();
        assert_eq!(params.check(), Ok(()));
        let mut wrong = params;
        wrong.thresholds.elevated = 40.0;
        assert!(wrong.check().unwrap_err().starts_with("thresholds: "));
        let mut wrong = params;
        wrong.change_thresholds.shock = 0.0;
        let error = wrong.check().unwrap_err();
        assert!(error.starts_with("change_thresholds.shock: "), "{error}");
        let mut wrong = params;
        wrong.hysteresis = f64::NAN;
        assert!(wrong.check().unwrap_err().starts_with("hysteresis: "));
    }
}
