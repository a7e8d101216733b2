//! The option chain of a snapshot, priced: once per chain, spot and instant, for all calculators
//! that read it.

use std::cell::OnceCell;

use super::{Input, Needs, Section, Snapshot, View};
use crate::calculator::{Counted, NoValue};
use crate::market::{Chain, Price, Timestamp};
use crate::pricing::{Basis, Implied, Point, PricedAt, PricedChain, parity_spot};

/// A chain as a source listed it, with what was found out about it so far.
#[derive(Debug)]
pub struct ListedChain {
    /// The chain.
    pub chain: Chain,
    implied: OnceCell<Implied>,
    priced: OnceCell<Result<PricedChain, NoValue>>,
}

impl ListedChain {
    /// A chain of which nothing is found out yet.
    pub fn new(chain: Chain) -> Self {
        Self {
            chain,
            implied: OnceCell::new(),
            priced: OnceCell::new(),
        }
    }

    /// Forgets the prices: spot and instant are others now.
    pub fn reprice(&mut self) {
        self.priced.take();
    }

    /// Forgets the volatilities, too: they are implied on other terms now.
    pub fn imply_again(&mut self) {
        self.implied.take();
        self.priced.take();
    }
}

/// A chain with its volatilities and greeks.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// The chain as listed.
    pub chain: &'a Chain,
    /// What it implies.
    pub implied: &'a Implied,
    /// It at the present spot and instant.
    pub priced: &'a PricedChain,
    /// The end of the session under way, else of the next one.
    pub close: Option<Timestamp>,
    /// Average daily volume of the underlying in shares, where it is known.
    pub average_daily_volume: Option<f64>,
}

impl Options<'_> {
    /// What the numbers computed on it rest on.
    pub fn basis(&self) -> Basis {
        Basis::of(self.chain, self.implied, self.priced)
    }
}

impl<'a> Input<'a> for Options<'a> {
    const NEEDS: Needs = Needs::section(Section::Chain).union(Needs::section(Section::Ticker));

    fn take(view: &'a View<'_>) -> Result<Self, NoValue> {
        let snapshot = view.snapshot;
        let listed = view.read_chain()?;
        let point = point(view, snapshot, &listed.chain)?;
        let rates = snapshot.pricing.rates.as_ref();
        let rates = rates.ok_or(NoValue::Undefined("no rate is set for its currency"))?;
        let implied = listed.implied.get_or_init(|| {
            let own = listed
                .chain
                .head
                .spot
                .or_else(|| parity_spot(&listed.chain));
            let spot = own.unwrap_or(point.spot);
            Implied::of(&listed.chain, spot, rates, &snapshot.pricing)
        });
        let priced = listed.priced.get_or_init(|| {
            let priced = PricedChain::of(&listed.chain, implied, point);
            match priced.contracts.is_empty() {
                true => Err(NoValue::Undefined("no contract of the chain can be priced")),
                false => Ok(priced),
            }
        });
        let adv = snapshot.discovered.average_daily_volume;
        Ok(Self {
            chain: &listed.chain,
            implied,
            priced: priced.as_ref().map_err(|why| *why)?,
            close: snapshot.session_close,
            average_daily_volume: adv.map(|adv| adv.to_f64()).filter(|adv| *adv > 0.0),
        })
    }
}

impl<'a> Input<'a> for &'a Chain {
    const NEEDS: Needs = Needs::section(Section::Chain);

    fn take(view: &'a View<'_>) -> Result<Self, NoValue> {
        Ok(&view.read_chain()?.chain)
    }
}

/// A chain as listed, and the price of its underlying: for what needs no volatility.
#[derive(Clone, Copy, Debug)]
pub struct ChainAtSpot<'a> {
    /// The chain.
    pub chain: &'a Chain,
    /// The ticker's spot where it is fresh, else the chain's own; above zero.
    pub spot: f64,
}

impl ChainAtSpot<'_> {
    /// The contracts that have not settled and state their open interest; the others by reason.
    pub fn open_contracts(&self, now: Timestamp) -> Counted {
        let chain = self.chain;
        let (mut dropped, settled) = (chain.dropped.clone(), chain.settled_contracts(now));
        let live = chain.unsettled(now).flat_map(|s| s.contracts.clone());
        let open = live.filter(|at| chain.contracts.open_interest.get(*at).is_some());
        let used = open.count() as u64;
        let unknown = chain.contracts.len() as u64 - settled - used;
        for (reason, count) in [("expired", settled), ("no_open_interest", unknown)] {
            if count > 0 {
                *dropped.entry(reason).or_default() += count;
            }
        }
        Counted { used, dropped }
    }
}

impl<'a> Input<'a> for ChainAtSpot<'a> {
    const NEEDS: Needs = Options::NEEDS;

    fn take(view: &'a View<'_>) -> Result<Self, NoValue> {
        let listed = view.read_chain()?;
        let spot = point(view, view.snapshot, &listed.chain)?.spot;
        if !(spot > 0.0 && spot.is_finite()) {
            return Err(NoValue::Undefined("the spot is not above zero"));
        }
        Ok(Self {
            chain: &listed.chain,
            spot,
        })
    }
}

/// The ticker's spot now where it is fresh, else the chain's own at its own time.
fn point(view: &View<'_>, snapshot: &Snapshot, chain: &Chain) -> Result<Point, NoValue> {
    if let Ok(newest) = snapshot.quote.fresh(Section::Ticker, view.now)
        && let Some(spot) = newest.value.spot.filter(|spot| *spot > Price::default())
    {
        let end = newest.fresh_from.plus(snapshot.quote.max_age);
        view.note(Section::Ticker, newest.as_of, Some(end));
        return Ok(Point {
            spot: spot.to_f64(),
            at: view.now,
            of: PricedAt::Ticker,
        });
    }
    let spot = chain.head.spot.ok_or(NoValue::Undefined(
        "neither a fresh ticker nor a spot in the chain",
    ))?;
    Ok(Point {
        spot,
        at: chain.at(),
        of: PricedAt::Chain,
    })
}

#[cfg(test)]
mod tests;
