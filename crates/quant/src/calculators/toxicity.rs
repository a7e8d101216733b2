//! Toxicity: how one-sided and how large recent trading was, and what it cost those who quote.
//!
//! The adjusted score is the mean of VPIN, the aggressor ratio and the share of large prints, with
//! the weights of what is missing spread over the rest. The aggressor ratio is nearly VPIN again,
//! so its parts are shown. What makers lose is measured directly by the realised spread: negative,
//! where prices run on against them (Huang & Stoll, Journal of Financial Economics 41, 1996).

mod costs;
mod params;
mod payload;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::vpin;
use crate::calculator::{Calculator, Counted, Job, NoValue, Status};
use crate::flow::{self, Flow, Sides};
use crate::market::{Quote, Timestamp, size_sum_to_f64};
use crate::math::toxicity::{Component, Volumes, score};
use crate::snapshot::{Latest, Recent};

use costs::Costs;
pub use costs::{Horizons, PriceImpact};
pub use params::Params;
pub use payload::{AggressorSide, Components, FlowStatus, Level, Payload, VenueMix};

/// Toxicity of one symbol.
pub struct Toxicity {
    params: Params,
    counted: Counted,
}

impl Calculator for Toxicity {
    const NAME: &'static str = "toxicity";
    const ABOUT: &'static str = "Toxicity: how one-sided and how large recent trading was, and \
        what it cost those who quote.";
    const JOB: Job = Job::FlowToxicity;
    type Params = Params;
    type Input<'a> = (Recent<'a>, Latest<'a, vpin::Vpin>, Option<&'a Quote>);
    type Payload = Payload;
    type State = ();

    fn new(params: Params, (): ()) -> Result<Self, String> {
        params.check()?;
        Ok(Self {
            params,
            counted: Counted::default(),
        })
    }

    fn state(&self) -> &() {
        &()
    }

    fn compute(
        &mut self,
        (Recent(tape), vpin, quote): Self::Input<'_>,
        _now: Timestamp,
    ) -> Result<Payload, NoValue> {
        tape.fresh()?;
        let flow = Flow::last(tape, self.params.trade_window);
        self.counted = flow.counted.clone();
        let (have, need) = (flow.trades.len(), self.params.minimum_trades);
        if have < need {
            return Err(NoValue::Warming {
                unit: "trades",
                have,
                need,
            });
        }
        Ok(self.value(&flow, vpin.payload, quote))
    }

    fn counted(&self) -> Counted {
        self.counted.clone()
    }

    fn absent(status: Status) -> Payload {
        Payload {
            status: (status == Status::Missing).then_some(FlowStatus::NoTrades),
            ..Payload::default()
        }
    }
}

/// The window by side, in units of size.
struct Window {
    volumes: Volumes,
    crossed: Sides,
    venues: BTreeMap<String, i128>,
}

impl Toxicity {
    fn value(
        &self,
        flow: &Flow<'_>,
        vpin: Option<&vpin::Payload>,
        quote: Option<&Quote>,
    ) -> Payload {
        let Window {
            volumes,
            crossed,
            venues,
        } = self.window(flow);
        let imbalance = volumes.aggressor_imbalance();
        let components = Components {
            vpin: vpin.map(|vpin| vpin.value),
            aggressor: imbalance.map(f64::abs),
            large_trade: volumes.large_share(),
        };
        let score = self.score(components, volumes.classified_share());
        let level = |score: f64| Level::of(score, self.params.levels);
        let pair = components.large_trade.zip(components.aggressor);
        let newest = flow.trades.last().and_then(|signed| signed.trade.touch);
        let touches = [quote.and_then(Quote::touch), newest];
        let total = volumes.total as f64;
        let costs = Costs::of(flow, quote);
        Payload {
            toxicity_score: components.vpin,
            toxicity_level: components.vpin.map(level),
            toxicity_adjusted: score.value,
            toxicity_adjusted_level: score.value.map(level),
            components: Some(components),
            confidence: Some(score.confidence),
            vpin_percentile: vpin.and_then(|vpin| vpin.percentile),
            aggressor_ratio: components.aggressor,
            aggressor_imbalance: imbalance,
            aggressor_side: imbalance.map(|_| match volumes.buy.cmp(&volumes.sell) {
                std::cmp::Ordering::Greater => AggressorSide::Buy,
                std::cmp::Ordering::Less => AggressorSide::Sell,
                std::cmp::Ordering::Equal => AggressorSide::Neutral,
            }),
            large_trade_ratio: components.large_trade,
            spread_cross_ratio: Some((crossed.buy + crossed.sell) as f64 / total),
            institutional_score: pair
                .map(|(large, aggressor)| ((large + aggressor) / 2.0).min(1.0)),
            total_trades_analyzed: Some(flow.trades.len() as u64),
            total_volume: Some(size_sum_to_f64(volumes.total)),
            aggressive_volume: Some(size_sum_to_f64(crossed.buy + crossed.sell)),
            derived_venue_mix: Some(VenueMix {
                aggressive_buy_volume: size_sum_to_f64(crossed.buy),
                aggressive_sell_volume: size_sum_to_f64(crossed.sell),
                classified_buy_volume: size_sum_to_f64(volumes.buy),
                classified_sell_volume: size_sum_to_f64(volumes.sell),
                total_volume: size_sum_to_f64(volumes.total),
            }),
            venues: Some(
                venues
                    .into_iter()
                    .map(|(venue, volume)| (venue, volume as f64 / total))
                    .collect(),
            ),
            midpoint: touches.into_iter().flatten().find_map(flow::mid),
            effective_spread_bps: costs.effective_bps,
            realized_spread_bps: Some(costs.realized_bps),
            price_impact_bps: Some(costs.impact_bps),
            realized_spread_trades: Some(costs.trades),
            kyle_lambda: costs.lambda,
            status: Some(match imbalance {
                Some(_) => FlowStatus::Ok,
                None => FlowStatus::Unclassified,
            }),
        }
    }

    fn window(&self, flow: &Flow<'_>) -> Window {
        let (mut sides, mut crossed, mut large) = (Sides::default(), Sides::default(), 0);
        let mut venues = BTreeMap::new();
        for signed in &flow.trades {
            let trade = &signed.trade;
            sides.add(signed.side, trade.size);
            let tolerance_bps = self.params.spread_cross_tolerance_bps;
            crossed.add(flow::crossed(signed, tolerance_bps), trade.size);
            let units = i128::from(trade.size.units());
            if flow::notional(signed) >= self.params.large_trade_notional
                || trade.size.to_f64() >= self.params.large_trade_size
            {
                large += units;
            }
            let venue = trade
                .venue
                .as_ref()
                .map_or("unknown", |venue| venue.as_str());
            *venues.entry(venue.to_owned()).or_default() += units;
        }
        Window {
            volumes: Volumes {
                buy: sides.buy,
                sell: sides.sell,
                large,
                total: sides.total(),
            },
            crossed,
            venues,
        }
    }

    fn score(&self, components: Components, classified_share: f64) -> crate::math::toxicity::Score {
        let weighted = [
            (components.vpin, self.params.vpin_weight),
            (components.aggressor, self.params.aggressor_weight),
            (components.large_trade, self.params.large_trade_weight),
        ];
        let components = weighted.map(|(value, weight)| Component { value, weight });
        score(&components, classified_share)
    }
}
