//! Unusual option activity: today's volume of a contract against its open interest and its past,
//! and one score of a whole chain.

/// Makes the median absolute deviation of a normal sample its standard deviation: Φ⁻¹(3/4).
const NORMAL_QUARTILE: f64 = 0.674_489_750_196_081_7;

/// What is known of a contract today. Volumes and open interest count contracts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Activity {
    /// Volume so far.
    pub volume: f64,
    /// Open interest of the last close; `None` where it is not known.
    pub open_interest: Option<f64>,
    /// Volume on earlier days at the same time of day.
    pub baseline: Option<Baseline>,
    /// Price of an option, in units of the currency; `None` where none is known.
    pub premium: Option<f64>,
    /// Units of the underlying a contract stands for.
    pub multiplier: f64,
}

/// Volume of a contract on earlier days at the same time of day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Baseline {
    /// Mean.
    pub mean: f64,
    /// Median.
    pub median: f64,
    /// Median absolute deviation from the median.
    pub mad: f64,
}

/// How unusual a contract's day is.
#[derive(Clone, Debug, PartialEq)]
pub struct Measures {
    /// Volume over open interest; `None` where that is zero or not known.
    pub volume_oi: Option<f64>,
    /// Volume over the mean of earlier days; `None` where that is zero or not known.
    pub vs_average: Option<f64>,
    /// Φ⁻¹(3/4)·(volume − median)/MAD; `None` where the MAD is zero or not known.
    pub robust_z: Option<f64>,
    /// Money paid: premium · volume · multiplier, in units of the currency.
    pub premium_notional: Option<f64>,
    /// What stands out.
    pub flags: Vec<Flag>,
}

/// What stands out of a contract's day.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// Nothing was open at the last close: a new series, of which no ratio can be had.
    NoPriorOi,
    /// More was traded than was open.
    VolGtOi,
    /// More than five times the mean of earlier days at this time.
    #[serde(rename = "vol_gt_5x_avg")]
    VolGt5xAvg,
    /// Robust z above four.
    #[serde(rename = "robust_z_gt_4")]
    RobustZGt4,
}

impl Activity {
    /// How unusual it is.
    pub fn measures(&self) -> Measures {
        let over =
            |base: f64| Some(self.volume / base).filter(|ratio| base > 0.0 && ratio.is_finite());
        let volume_oi = self.open_interest.and_then(over);
        let vs_average = self.baseline.and_then(|past| over(past.mean));
        let robust_z = self.baseline.and_then(|past| {
            let z = NORMAL_QUARTILE * (self.volume - past.median) / past.mad;
            (past.mad > 0.0 && z.is_finite()).then_some(z)
        });
        let premium = self
            .premium
            .map(|premium| premium * self.volume * self.multiplier);
        let above = |value: Option<f64>, bound: f64| value.is_some_and(|value| value > bound);
        let flags = [
            (self.has_no_prior_oi(), Flag::NoPriorOi),
            (above(volume_oi, 1.0), Flag::VolGtOi),
            (above(vs_average, 5.0), Flag::VolGt5xAvg),
            (above(robust_z, 4.0), Flag::RobustZGt4),
        ];
        let flags = flags.into_iter().filter(|(is, _)| *is);
        Measures {
            volume_oi,
            vs_average,
            robust_z,
            premium_notional: premium.filter(|premium| premium.is_finite()),
            flags: flags.map(|(_, flag)| flag).collect(),
        }
    }

    /// Whether it trades and nothing was open.
    pub fn has_no_prior_oi(&self) -> bool {
        self.open_interest == Some(0.0) && self.volume > 0.0
    }
}

/// What the score of a chain is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChainActivity {
    /// The largest volume over open interest of a contract.
    pub max_contract_ratio: Option<f64>,
    /// All volume over all open interest.
    pub volume_oi_ratio: Option<f64>,
    /// Contracts of high notional.
    pub high_notional_contracts: u64,
    /// Contracts whose volume is at least their open interest.
    pub high_ratio_contracts: u64,
}

impl ChainActivity {
    /// 0 to 1: 0.45 for the busiest contract (full at 1.5 times its open interest), 0.30 for the
    /// chain (at 0.35 times), 0.15 for contracts of high notional (at three), 0.10 for those whose
    /// volume is at least their open interest (at ten). What cannot be had adds nothing.
    pub fn score(&self) -> f64 {
        let full_at = |value: f64, full: f64| (value / full).clamp(0.0, 1.0);
        let score = 0.45 * full_at(self.max_contract_ratio.unwrap_or(0.0), 1.5)
            + 0.30 * full_at(self.volume_oi_ratio.unwrap_or(0.0), 0.35)
            + 0.15 * full_at(self.high_notional_contracts as f64, 3.0)
            + 0.10 * full_at(self.high_ratio_contracts as f64, 10.0);
        score.min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_by_hand() {
        let activity = ChainActivity {
            max_contract_ratio: Some(0.75),
            volume_oi_ratio: Some(0.07),
            high_notional_contracts: 1,
            high_ratio_contracts: 0,
        };
        // Half of 0.45, a fifth of 0.30, a third of 0.15.
        assert!((activity.score() - 0.335).abs() < 1e-15);
        let full = ChainActivity {
            max_contract_ratio: Some(9.0),
            volume_oi_ratio: Some(9.0),
            high_notional_contracts: 9,
            high_ratio_contracts: 99,
        };
        assert_eq!(full.score(), 1.0);
    }

    #[test]
    fn an_open_interest_that_is_not_known_is_not_none() {
        let activity = Activity {
            volume: 5.0,
            open_interest: None,
            baseline: None,
            premium: None,
            multiplier: 100.0,
        };
        let measures = activity.measures();
        assert_eq!((measures.volume_oi, measures.flags), (None, vec![]));
    }
}
