//! What is looked at of each trade: six numbers, from the trades up to it alone.

use std::collections::BTreeMap;

use crate::market::{Conditions, Price, Side, SignedTrade, Touch};
use crate::snapshot::Tape;

/// How many features there are.
pub(super) const FEATURES: usize = 6;

/// Their names, in order.
pub(super) const NAMES: [&str; FEATURES] = [
    "log_size",
    "sign",
    "price_change_sigmas",
    "log_gap_seconds",
    "sweep",
    "distance_spreads",
];

pub(super) const LOG_SIZE: usize = 0;
pub(super) const SIGN: usize = 1;
pub(super) const MOVE: usize = 2;
pub(super) const SWEEP: usize = 4;

/// Trades over which the price change before a trade is taken: from one to the next most are zero.
const MOVE_TRADES: usize = 5;

/// Trades up to a trade whose changes are its local volatility.
const LOCAL_TRADES: usize = 20;

/// Gaps below a millisecond are as one: feeds stamp what one order did with one time or nearly so.
const SHORTEST_GAP: f64 = 1e-3;

/// Where a trade without a quote is taken to have been: at the touch, half a spread from the mid.
const AT_THE_TOUCH: f64 = 0.5;

/// One trade that is clustered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sample {
    pub(super) raw: [f64; FEATURES],
    /// Shares or contracts.
    pub(super) size: f64,
    /// Price times size.
    pub(super) notional: f64,
    /// Size of the relative price change since the trade before, decimal.
    pub(super) abs_return: f64,
    /// Seconds since the trade before.
    pub(super) gap: f64,
}

/// The newest trades that count, and how many among them did not.
pub(super) struct Window {
    /// Oldest first.
    pub(super) samples: Vec<Sample>,
    pub(super) dropped: BTreeMap<&'static str, u64>,
}

impl Window {
    /// The newest `count` trades, each seen with those before it as far as the tape holds them.
    pub(super) fn of(tape: Tape<'_>, count: usize) -> Self {
        let mut dropped = BTreeMap::new();
        let mut trades = Vec::with_capacity(count + LOCAL_TRADES);
        for trade in tape.window(usize::MAX).rev() {
            if trades.len() == count + LOCAL_TRADES {
                break;
            }
            match refusal(trade) {
                None => trades.push(trade),
                // What came before the window is context only.
                Some(reason) if trades.len() < count => *dropped.entry(reason).or_insert(0) += 1,
                Some(_) => {}
            }
        }
        trades.reverse();
        let first = trades.len().saturating_sub(count);
        let samples = Samples::of(&trades).since(first);
        Self { samples, dropped }
    }
}

/// Why a trade says nothing of the flow.
fn refusal(signed: &SignedTrade) -> Option<&'static str> {
    let trade = &signed.trade;
    if trade.conditions.is_excluded() {
        return Some("excluded_condition");
    }
    if trade.size.units() <= 0 {
        return Some("no_size");
    }
    (trade.price.units() <= 0).then_some("no_price")
}

/// Trades with what lies between each and the one before it.
struct Samples<'a> {
    trades: &'a [&'a SignedTrade],
    /// Price units; 0 for the first.
    changes: Vec<f64>,
}

impl<'a> Samples<'a> {
    fn of(trades: &'a [&'a SignedTrade]) -> Self {
        let first = trades.first().map(|_| 0.0);
        let later = trades.windows(2).map(|two| change(two[0], two[1]));
        Self {
            trades,
            changes: first.into_iter().chain(later).collect(),
        }
    }

    fn since(&self, first: usize) -> Vec<Sample> {
        (first..self.trades.len())
            .map(|place| self.sample(place))
            .collect()
    }

    fn sample(&self, place: usize) -> Sample {
        let SignedTrade { trade, side, .. } = self.trades[place];
        let (size, price) = (trade.size.to_f64(), trade.price.to_f64());
        let gap = self.gap(place);
        let before = self.before(place).map(|before| before.trade.price.to_f64());
        Sample {
            raw: [
                libm::log(size),
                sign(*side),
                self.change_sigmas(place),
                libm::log(gap.max(SHORTEST_GAP)),
                f64::from(u8::from(trade.conditions.has(Conditions::SWEEP))),
                trade
                    .touch
                    .and_then(|touch| spreads_from_mid(trade.price, touch))
                    .unwrap_or(AT_THE_TOUCH),
            ],
            size,
            notional: size * price,
            abs_return: before.map_or(0.0, |before| (price / before - 1.0).abs()),
            gap,
        }
    }

    fn before(&self, place: usize) -> Option<&SignedTrade> {
        self.trades.get(place.checked_sub(1)?).copied()
    }

    /// Of the first trade of all, that of the next.
    fn gap(&self, place: usize) -> f64 {
        let last = self.trades.len() - 1;
        let to = place.max(1).min(last);
        let Some(before) = self.before(to) else {
            return 0.0;
        };
        let gap = self.trades[to].trade.at.since(before.trade.at);
        gap.seconds().max(0.0)
    }

    /// The change over the last trades, in standard deviations of as many steps of the local size.
    /// Both are of trades up to this one, so that the ratio is bounded by √20.
    fn change_sigmas(&self, place: usize) -> f64 {
        let last = |count: usize| &self.changes[(place + 1).saturating_sub(count)..=place];
        let local = last(LOCAL_TRADES);
        // Scaled first: the squares of the largest changes are still far from infinite, but those
        // of the smallest could vanish.
        let largest = local
            .iter()
            .fold(0.0_f64, |most, step| most.max(step.abs()));
        if largest == 0.0 {
            return 0.0;
        }
        let squares: f64 = local
            .iter()
            .map(|step| (step / largest) * (step / largest))
            .sum();
        let sigma = (squares / local.len() as f64 * MOVE_TRADES as f64).sqrt();
        let steps: f64 = last(MOVE_TRADES).iter().map(|step| step / largest).sum();
        steps / sigma
    }
}

/// What the price did from before one trade to before the next: the move of the mid that each was
/// signed against, which does not bounce between bid and ask; of the trades' own prices where one
/// of them has no such quote. Price units.
fn change(before: &SignedTrade, after: &SignedTrade) -> f64 {
    let mid = |signed: &SignedTrade| {
        let touch = signed.trade.touch.filter(|touch| touch.is_regular())?;
        Some(touch.mid_doubled())
    };
    match (mid(before), mid(after)) {
        (Some(before), Some(after)) => (after - before) as f64 / 2.0,
        _ => {
            let units = |signed: &SignedTrade| i128::from(signed.trade.price.units());
            (units(after) - units(before)) as f64
        }
    }
}

fn sign(side: Side) -> f64 {
    match side {
        Side::Buy => 1.0,
        Side::Sell => -1.0,
        Side::Unknown => 0.0,
    }
}

/// Distance from the mid in spreads: 0 at the mid, 0.5 at the touch.
fn spreads_from_mid(price: Price, touch: Touch) -> Option<f64> {
    if !touch.is_regular() {
        return None;
    }
    let off = 2 * i128::from(price.units()) - touch.mid_doubled();
    let spread = i128::from(touch.ask.units()) - i128::from(touch.bid.units());
    Some(off.unsigned_abs() as f64 / (2 * spread) as f64)
}

/// The least unit of a feature. Where nearly all trades are alike (one size, at the touch), the
/// interquartile range is next to nothing, and the few that are not would be all that counts: half a
/// spread, half a standard deviation, half of a factor e in time, a quarter of one in size.
pub(super) const LEAST_UNITS: [f64; FEATURES] = [0.25, 1.0, 0.5, 0.5, 1.0, 0.5];

/// (Centre, unit) of the features whose units are fixed.
pub(super) fn fixed_units(feature: usize) -> Option<(f64, f64)> {
    match feature {
        // Its range is 0 or 2 as chance has it; 2 is that of a tape of as many buys as sells.
        SIGN => Some((0.0, 2.0)),
        // Half of the weight of the others: yes or no, where they are smooth.
        SWEEP => Some((0.0, 2.0)),
        _ => None,
    }
}
