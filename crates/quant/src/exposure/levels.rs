//! Where along the strikes gamma stands: walls and their rivals.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Gamma exposure of one strike, $ of delta change per +1 % of spot.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StrikeExposure {
    /// Strike.
    pub strike: f64,
    /// Of its calls, under the convention of the document.
    pub call: f64,
    /// Of its puts, under the convention of the document.
    pub put: f64,
    /// Of both.
    pub net: f64,
}

impl StrikeExposure {
    /// Calls and puts without their signs.
    pub fn gross(&self) -> f64 {
        self.call.abs() + self.put.abs()
    }
}

/// A strike with the exposure that makes it a level, $ per +1 % of spot.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Level {
    /// Strike.
    pub strike: f64,
    /// Its exposure, with its sign.
    pub gex: f64,
}

/// The strikes that stand out, the largest first, three at most: a wall that leads by 2 % is none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Levels {
    /// By size of call gamma; of equal ones the lower strike first.
    pub call: Vec<Level>,
    /// By size of put gamma; of equal ones the higher strike first.
    pub put: Vec<Level>,
    /// By positive net gamma.
    pub net_positive: Vec<Level>,
    /// By negative net gamma.
    pub net_negative: Vec<Level>,
    /// By gross gamma.
    pub gross: Vec<Level>,
    /// By size of net gamma.
    pub absolute_net: Vec<Level>,
}

/// How many of each kind are shown.
const SHOWN: usize = 3;

impl Levels {
    /// The levels of strikes that rise.
    pub fn of(strikes: &[StrikeExposure]) -> Self {
        let rank = |size: &dyn Fn(&StrikeExposure) -> f64,
                    shown: &dyn Fn(&StrikeExposure) -> f64| {
            top(strikes.iter(), size, shown)
        };
        Self {
            call: rank(&|s| s.call.abs(), &|s| s.call),
            put: top(strikes.iter().rev(), &|s| s.put.abs(), &|s| s.put),
            net_positive: rank(&|s| s.net, &|s| s.net),
            net_negative: rank(&|s| -s.net, &|s| s.net),
            gross: rank(&StrikeExposure::gross, &StrikeExposure::gross),
            absolute_net: rank(&|s| s.net.abs(), &|s| s.net),
        }
    }
}

/// The largest by `size` above zero; of equal ones that which comes first.
fn top<'a>(
    strikes: impl Iterator<Item = &'a StrikeExposure>,
    size: &dyn Fn(&StrikeExposure) -> f64,
    shown: &dyn Fn(&StrikeExposure) -> f64,
) -> Vec<Level> {
    let mut ranked: Vec<&StrikeExposure> = strikes.filter(|s| size(s) > 0.0).collect();
    ranked.sort_by(|a, b| size(b).total_cmp(&size(a)));
    let level = |s: &&StrikeExposure| Level {
        strike: s.strike,
        gex: shown(s),
    };
    ranked.iter().take(SHOWN).map(level).collect()
}

/// Where the net exposure summed from the lowest strike up changes sign, linear between strikes;
/// of several the nearest to spot.
///
/// A different thing from zero gamma: it re-prices nothing, and shows a flip where the book has
/// none. For comparison with sources that use it.
pub fn gamma_flip_by_strike(strikes: &[StrikeExposure], spot: f64) -> Option<f64> {
    // The strike before with its sum, and the sign of the last sum that had one.
    let mut below: Option<(f64, f64)> = None;
    let mut sign = 0.0;
    let mut zero_from = None;
    let mut sum = 0.0;
    let mut flips = Vec::new();
    for strike in strikes {
        sum += strike.net;
        if sum == 0.0 {
            zero_from = zero_from.or(Some(strike.strike));
        } else {
            let turns = sign * sum.signum() < 0.0;
            if let Some((from, before)) = below.filter(|_| turns) {
                let between = || from + (strike.strike - from) * before / (before - sum);
                flips.push(zero_from.unwrap_or_else(between));
            }
            (sign, zero_from) = (sum.signum(), None);
        }
        below = Some((strike.strike, sum));
    }
    flips
        .into_iter()
        .min_by(|a, b| (a - spot).abs().total_cmp(&(b - spot).abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strike(strike: f64, call: f64, put: f64) -> StrikeExposure {
        StrikeExposure {
            strike,
            call,
            put,
            net: call + put,
        }
    }

    #[test]
    fn equal_walls_are_the_lowest_call_and_the_highest_put() {
        let strikes = [
            strike(90.0, 5.0, -5.0),
            strike(100.0, 5.0, -5.0),
            strike(110.0, 1.0, 0.0),
        ];
        let levels = Levels::of(&strikes);
        assert_eq!(levels.call[0].strike, 90.0);
        assert_eq!((levels.put[0].strike, levels.put[0].gex), (100.0, -5.0));
        assert_eq!(levels.put.len(), 2);
        assert_eq!(levels.net_positive[0].strike, 110.0);
        assert_eq!(levels.net_negative, []);
    }

    #[test]
    fn the_flip_by_strike_is_where_the_running_sum_turns() {
        let strikes = [
            strike(90.0, 0.0, -3.0),
            strike(100.0, 1.0, 0.0),
            strike(110.0, 6.0, 0.0),
        ];
        assert_eq!(
            gamma_flip_by_strike(&strikes, 100.0),
            Some(100.0 + 10.0 * 2.0 / 6.0)
        );
        assert_eq!(gamma_flip_by_strike(&strikes[..2], 100.0), None);
    }

    #[test]
    fn a_running_sum_that_turns_by_way_of_zero_flips_where_it_is_zero() {
        let strikes = [
            strike(80.0, 0.0, 0.0),
            strike(90.0, 0.0, -3.0),
            strike(100.0, 3.0, 0.0),
            strike(105.0, 0.0, 0.0),
            strike(110.0, 6.0, 0.0),
        ];
        assert_eq!(gamma_flip_by_strike(&strikes, 100.0), Some(100.0));
        assert_eq!(gamma_flip_by_strike(&strikes[..4], 100.0), None);
    }
}
