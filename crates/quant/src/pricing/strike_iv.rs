//! One volatility a strike, from calls and puts.

use super::{PricedChain, PricedContract, PricedSeries};
use crate::market::Right;
use crate::math::gamma_profile::log_ratio;
use crate::math::smile::{Smile, StrikeIv};
use crate::math::term_structure::Expiry;

impl PricedChain {
    /// The smile of a series; `None` where too few strikes have a volatility.
    pub fn smile(&self, series: &PricedSeries) -> Option<Smile> {
        let contracts = &self.contracts[series.contracts.clone()];
        let (points, _) = strike_ivs(contracts, series, 0.0);
        Smile::new(&points, series.forward, series.t_years).ok()
    }

    /// Volatility at the forward of every series whose strikes bracket it, times in days.
    pub fn at_the_money(&self) -> Vec<Expiry> {
        let of_series = |series: &PricedSeries| {
            let at_the_money = self.smile(series)?.at_the_money()?;
            Some(Expiry {
                time: series.t_years * 365.0,
                iv: at_the_money.iv,
            })
        };
        self.series.iter().filter_map(of_series).collect()
    }
}

/// The volatility of each strike, and by how much calls and puts differ at the money.
///
/// Out of the money on both sides. Over one standard deviation around the forward the put's passes
/// into the call's, so that a source whose calls and puts are of different forwards makes a steep
/// stretch and not a step.
pub fn strike_ivs(
    contracts: &[PricedContract],
    series: &PricedSeries,
    sigma_floor: f64,
) -> (Vec<StrikeIv>, Option<f64>) {
    let away = |contract: &&PricedContract| (contract.strike - series.forward).abs();
    let nearest = contracts.iter().min_by(|a, b| away(a).total_cmp(&away(b)));
    let Some(nearest) = nearest else {
        return (Vec::new(), None);
    };
    let deviation = nearest.iv * f64::sqrt(series.t_years);
    let (mut points, mut gap) = (Vec::with_capacity(contracts.len()), None);
    for of_strike in contracts.chunk_by(|a, b| a.strike == b.strike) {
        let of = |right| {
            let found = of_strike.iter().find(|c| c.right == right);
            found
                .map(|contract| contract.iv)
                .filter(|iv| *iv >= sigma_floor)
        };
        let strike = of_strike[0].strike;
        let (call, put) = (of(Right::Call), of(Right::Put));
        if strike == nearest.strike {
            gap = call.zip(put).map(|(call, put)| call - put);
        }
        let moneyness = log_ratio(series.forward, strike);
        let share = (0.5 + moneyness / deviation).clamp(0.0, 1.0);
        let iv = match (call, put) {
            (Some(call), Some(put)) => Some(put + share * (call - put)),
            (Some(call), None) => (moneyness >= 0.0).then_some(call),
            (None, Some(put)) => (moneyness < 0.0).then_some(put),
            (None, None) => None,
        };
        points.extend(iv.map(|iv| StrikeIv { strike, iv }));
    }
    (points, gap)
}
