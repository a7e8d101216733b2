//! What the trades of a window cost, and how far they moved the mid.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::flow::{Flow, Sides, mid, sign};
use crate::market::{Quote, SignedTrade, Span, Timestamp, size_sum_to_f64};
use crate::math::liquidity::{self, KyleLambda, weighted_mean};

/// Trades in a bar of the regression. Bars of trades rather than of time: a window of 200 trades
/// is seconds of one symbol and hours of another.
const BAR_TRADES: usize = 10;
/// Fewest bars behind a lambda.
const MIN_BARS: usize = 10;

/// A number at each of three times after a trade.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Horizons<T> {
    /// One second after.
    pub s1: Option<T>,
    /// Five seconds after.
    pub s5: Option<T>,
    /// A minute after.
    pub s60: Option<T>,
}

impl<T> Horizons<T> {
    fn each(of: impl Fn(Span) -> Option<T>) -> Self {
        Self {
            s1: of(Span::from_millis(1_000)),
            s5: of(Span::from_millis(5_000)),
            s60: of(Span::from_millis(60_000)),
        }
    }

    fn map<U>(&self, of: impl Fn(&T) -> U) -> Horizons<U> {
        Horizons {
            s1: self.s1.as_ref().map(&of),
            s5: self.s5.as_ref().map(&of),
            s60: self.s60.as_ref().map(&of),
        }
    }
}

/// Kyle's lambda of a window.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PriceImpact {
    /// Change of the mid per share that takers bought net, in units of the currency: least squares
    /// over bars of ten trades.
    pub value: f64,
    /// Share of the variance of the mid's changes that it explains, 0 to 1; null where the mid
    /// stood.
    pub r2: Option<f64>,
    /// Its standard error, whatever the variance of single bars.
    pub se: Option<f64>,
    /// Bars.
    pub samples: usize,
}

/// What the trades cost.
pub(super) struct Costs {
    pub(super) effective_bps: Option<f64>,
    pub(super) realized_bps: Horizons<f64>,
    pub(super) impact_bps: Horizons<f64>,
    pub(super) trades: Horizons<u64>,
    pub(super) lambda: Option<PriceImpact>,
}

/// A trade with a side and a mid before it.
struct Priced {
    at: Timestamp,
    sign: f64,
    price: f64,
    mid: f64,
    size: f64,
}

/// Means over the trades that a later mid is known of.
struct After {
    realized: f64,
    impact: f64,
    trades: u64,
}

impl Costs {
    pub(super) fn of(flow: &Flow<'_>, now: Option<&Quote>) -> Self {
        let priced: Vec<Priced> = flow.trades.iter().filter_map(|t| Priced::of(t)).collect();
        let mids = mids(flow, now);
        let after = Horizons::each(|span| After::of(&priced, &mids, span));
        let paid = priced.iter().filter_map(|t| {
            let paid = liquidity::effective_spread_bps(t.sign, t.price, t.mid)?;
            Some((paid, t.size))
        });
        Self {
            effective_bps: weighted_mean(paid),
            realized_bps: after.map(|after| after.realized),
            impact_bps: after.map(|after| after.impact),
            trades: after.map(|after| after.trades),
            lambda: lambda(flow),
        }
    }
}

impl Priced {
    fn of(signed: &SignedTrade) -> Option<Self> {
        let trade = &signed.trade;
        Some(Self {
            at: trade.at,
            sign: f64::from(sign(signed.side)?),
            price: trade.price.to_f64(),
            mid: mid(trade.touch?)?,
            size: trade.size.to_f64(),
        })
    }
}

impl After {
    /// The mid after a trade is the first one known from then on, no later than twice the span.
    fn of(priced: &[Priced], mids: &[(Timestamp, f64)], span: Span) -> Option<Self> {
        let spreads: Vec<_> = priced
            .iter()
            .filter_map(|t| {
                let due = t.at.plus(span);
                let first = mids.partition_point(|(at, _)| *at < due);
                let (_, after) = mids.get(first).filter(|(at, _)| at.since(due) <= span)?;
                let spreads = liquidity::spreads(t.sign, t.price, t.mid, *after)?;
                Some((spreads, t.size))
            })
            .collect();
        let mean = |of: fn(&liquidity::Spreads) -> f64| {
            weighted_mean(spreads.iter().map(|(spreads, size)| (of(spreads), *size)))
        };
        Some(Self {
            realized: mean(|spreads| spreads.realized)?,
            impact: mean(|spreads| spreads.impact)?,
            trades: spreads.len() as u64,
        })
    }
}

/// Every mid known: what stood before each trade, and what stands now.
fn mids(flow: &Flow<'_>, now: Option<&Quote>) -> Vec<(Timestamp, f64)> {
    let of_trades = flow
        .trades
        .iter()
        .filter_map(|signed| Some((signed.trade.at, mid(signed.trade.touch?)?)));
    let of_now = now.and_then(|quote| Some((quote.at, mid(quote.touch()?)?)));
    let mut mids: Vec<_> = of_trades.chain(of_now).collect();
    mids.sort_by_key(|(at, _)| *at);
    mids
}

/// The mid's change over each bar, from before its first trade to before the next bar's first,
/// against the volume signed within.
fn lambda(flow: &Flow<'_>) -> Option<PriceImpact> {
    let bars: Vec<_> = flow.trades.chunks_exact(BAR_TRADES).collect();
    let before = |bar: &[&SignedTrade]| mid(bar.first()?.trade.touch?);
    let (mut changes, mut volumes) = (Vec::new(), Vec::new());
    for pair in bars.windows(2) {
        let (Some(from), Some(to)) = (before(pair[0]), before(pair[1])) else {
            continue;
        };
        let mut sides = Sides::default();
        for signed in pair[0] {
            sides.add(signed.side, signed.trade.size);
        }
        changes.push(to - from);
        volumes.push(size_sum_to_f64(sides.buy - sides.sell));
    }
    if changes.len() < MIN_BARS {
        return None;
    }
    let KyleLambda {
        lambda,
        r2,
        se,
        samples,
        ..
    } = liquidity::kyle_lambda(&changes, &volumes)?;
    Some(PriceImpact {
        value: lambda,
        r2,
        se,
        samples,
    })
}
