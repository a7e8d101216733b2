//! From contracts as a source lists them to a chain: series found, terms resolved, order made.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use chrono::NaiveDate;
use chrono_tz::Tz;

use super::{Chain, Contracts, Right, Series, Style};
use crate::market::{Calendars, ExpiryKind, Product, Settlement, Span, Timestamp};

/// Prices that are any: of strikes, underlyings and multipliers. What is beyond is a slip, and one
/// slip must not take the sums over a chain out of the range of numbers.
const PRICES: RangeInclusive<f64> = 1e-9..=1e10;

/// Most contracts that are traded, open, bid for.
const MOST_CONTRACTS: f64 = 1e12;

/// Largest gamma of a unit of an underlying.
const LARGEST_GAMMA: f64 = 1e12;

/// What a source says of a chain as a whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Head {
    /// Who made it.
    pub source: Option<String>,
    /// The time it states, or that of its receipt.
    pub as_of: Timestamp,
    /// How much older its quotes are than the time it states.
    pub delay: Span,
    /// Whether it says that it is delayed.
    pub delayed: bool,
    /// Price of the underlying in it; one that is none counts as missing.
    pub spot: Option<f64>,
}

impl Head {
    /// Whether it is late by its source's declaration.
    pub fn is_delayed(&self) -> bool {
        self.delayed || self.delay > Span::ZERO
    }
}

/// A contract as a source lists it. Everything but what it is may be missing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Listing<'a> {
    /// Root of its symbol, such as `SPXW`; where the source names none, the rules of the product
    /// say it.
    pub root: Option<&'a str>,
    /// The date it expires.
    pub expiry: NaiveDate,
    /// Call or put.
    pub right: Right,
    /// Strike in units of the currency.
    pub strike: f64,
    /// Units of the underlying it stands for.
    pub multiplier: Option<f64>,
    /// When it may be exercised.
    pub style: Option<Style>,
    /// Which prints it settles on.
    pub settlement: Option<Settlement>,
    /// Best bid.
    pub bid: Option<f64>,
    /// Best offer.
    pub ask: Option<f64>,
    /// Contracts bid for.
    pub bid_size: Option<f64>,
    /// Contracts offered.
    pub ask_size: Option<f64>,
    /// Price of the last trade.
    pub last: Option<f64>,
    /// The source's own mark or mid.
    pub mark: Option<f64>,
    /// Implied volatility, 1.0 is 100 %.
    pub iv: Option<f64>,
    /// Delta, −1 to 1.
    pub delta: Option<f64>,
    /// Gamma.
    pub gamma: Option<f64>,
    /// Theta.
    pub theta: Option<f64>,
    /// Vega.
    pub vega: Option<f64>,
    /// Rho.
    pub rho: Option<f64>,
    /// Open interest, contracts.
    pub open_interest: Option<f64>,
    /// Change of open interest, contracts.
    pub oi_change: Option<f64>,
    /// Contracts traded today.
    pub volume: Option<f64>,
    /// Time of its quote.
    pub quote_at: Option<Timestamp>,
}

impl Listing<'_> {
    /// A contract of which nothing else is known.
    pub fn new(expiry: NaiveDate, right: Right, strike: f64) -> Self {
        Self {
            root: None,
            expiry,
            right,
            strike,
            multiplier: None,
            style: None,
            settlement: None,
            bid: None,
            ask: None,
            bid_size: None,
            ask_size: None,
            last: None,
            mark: None,
            iv: None,
            delta: None,
            gamma: None,
            theta: None,
            vega: None,
            rho: None,
            open_interest: None,
            oi_change: None,
            volume: None,
            quote_at: None,
        }
    }
}

/// Most series of a chain; no underlying has a tenth of it.
const MOST_SERIES: usize = 2_000;

/// Collects the contracts of a chain.
#[derive(Clone, Debug)]
pub struct ChainBuilder<'a> {
    product: Option<Product<'a>>,
    drafts: Vec<Draft>,
    by_name: BTreeMap<(Box<str>, NaiveDate), u32>,
    newest: Option<u32>,
    rows: Contracts,
    row_draft: Vec<u32>,
    dropped: BTreeMap<&'static str, u64>,
    listed: u64,
}

/// A series while its contracts come in.
#[derive(Clone, Debug)]
struct Draft {
    named: Option<Box<str>>,
    expiry: NaiveDate,
    style: Option<Style>,
    settlement: Option<Settlement>,
}

impl<'a> ChainBuilder<'a> {
    /// A chain on `symbol`, whose unlisted products follow the rules of `exchange`.
    pub fn new(calendars: &'a Calendars, symbol: &'a str, exchange: &str) -> Self {
        Self {
            product: calendars.product(symbol, exchange),
            drafts: Vec::new(),
            by_name: BTreeMap::new(),
            newest: None,
            rows: Contracts::default(),
            row_draft: Vec::new(),
            dropped: BTreeMap::new(),
            listed: 0,
        }
    }

    /// Contracts listed so far, those left out among them.
    pub fn listed(&self) -> u64 {
        self.listed
    }

    /// Counts a contract that cannot be used.
    pub fn drop_one(&mut self, reason: &'static str) {
        self.listed += 1;
        *self.dropped.entry(reason).or_default() += 1;
    }

    /// Takes a contract, or counts why it is left out. A field with a value it cannot have is
    /// missing: quotes, counts and gammas below zero or beyond all bounds.
    pub fn push(&mut self, listing: Listing<'_>) {
        if !PRICES.contains(&listing.strike) {
            return self.drop_one("bad_strike");
        }
        let multiplier = match self.multiplier(&listing) {
            Ok(multiplier) => multiplier,
            Err(reason) => return self.drop_one(reason),
        };
        let Some(draft) = self.draft_of(&listing) else {
            return self.drop_one("too_many_series");
        };
        self.listed += 1;
        self.row_draft.push(draft);
        let rows = &mut self.rows;
        rows.right.push(listing.right);
        rows.strike.push(listing.strike);
        rows.multiplier.push(multiplier);
        rows.bid.push(within(listing.bid, *PRICES.end()));
        rows.ask.push(within(listing.ask, *PRICES.end()));
        rows.bid_size.push(within(listing.bid_size, MOST_CONTRACTS));
        rows.ask_size.push(within(listing.ask_size, MOST_CONTRACTS));
        rows.last.push(within(listing.last, *PRICES.end()));
        rows.mark.push(within(listing.mark, *PRICES.end()));
        rows.iv.push(listing.iv);
        rows.delta.push(listing.delta);
        rows.gamma.push(within(listing.gamma, LARGEST_GAMMA));
        rows.theta.push(listing.theta);
        rows.vega.push(listing.vega);
        rows.rho.push(listing.rho);
        rows.open_interest
            .push(within(listing.open_interest, MOST_CONTRACTS));
        rows.oi_change.push(listing.oi_change);
        rows.volume.push(within(listing.volume, MOST_CONTRACTS));
        rows.quote_seconds
            .push(listing.quote_at.map(Timestamp::seconds));
    }

    /// The chain. Of contracts listed twice the later one stays.
    pub fn finish(self, mut head: Head) -> Chain {
        let Self {
            product,
            mut drafts,
            rows,
            row_draft,
            mut dropped,
            listed,
            ..
        } = self;
        head.spot = head.spot.filter(|spot| PRICES.contains(spot));
        agree(&mut drafts, product.as_ref());
        let series: Vec<Series> = drafts
            .iter()
            .map(|d| series_of(d, product.as_ref()))
            .collect();
        let mut by_name: Vec<u32> = (0..series.len() as u32).collect();
        let name = |at: u32| (series[at as usize].expiry, &series[at as usize].root);
        by_name.sort_by(|a, b| name(*a).cmp(&name(*b)));
        let mut rank = vec![0_u32; series.len()];
        let mut kept: Vec<Series> = Vec::with_capacity(series.len());
        for at in by_name {
            let found = &series[at as usize];
            let same = |last: &Series| last.expiry == found.expiry && last.root == found.root;
            if !kept.last().is_some_and(same) {
                kept.push(found.clone());
            }
            rank[at as usize] = (kept.len() - 1) as u32;
        }

        let key = |row: u32| {
            let at = row as usize;
            // Strikes are positive, so that their bits are in their order.
            let strike = rows.strike[at].to_bits();
            (rank[row_draft[at] as usize], strike, rows.right[at])
        };
        let mut order: Vec<u32> = (0..rows.len() as u32).collect();
        order.sort_by_cached_key(|row| key(*row));
        let before = order.len();
        // The sort is stable: of equal contracts the last is the one that came last.
        order.reverse();
        order.dedup_by_key(|row| key(*row));
        order.reverse();
        if order.len() < before {
            *dropped.entry("duplicate").or_default() += (before - order.len()) as u64;
        }

        let mut start = 0;
        for (at, series) in kept.iter_mut().enumerate() {
            let of_series = |row: &u32| rank[row_draft[*row as usize] as usize] as usize == at;
            let length = order[start..]
                .iter()
                .take_while(|row| of_series(row))
                .count();
            series.contracts = start..start + length;
            start += length;
        }
        Chain {
            head,
            zone: product.as_ref().map_or(Tz::UTC, |p| p.exchange().zone()),
            series: kept,
            contracts: rows.reordered(&order),
            dropped,
            listed,
        }
    }

    /// The contract's own, else what is usual of its product. A digit behind the root marks a
    /// contract adjusted after a split or merger: what it stands for only its source knows.
    fn multiplier(&self, listing: &Listing<'_>) -> Result<f64, &'static str> {
        if let Some(own) = listing.multiplier.filter(|m| PRICES.contains(m)) {
            return Ok(own);
        }
        let product = self.product.as_ref().ok_or("no_lot_size")?;
        let plain = |root: &str| root.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        if listing
            .root
            .is_some_and(|root| root != product.name() && plain(root) < root.len())
        {
            return Err("adjusted");
        }
        product
            .usual_multiplier(listing.expiry)
            .ok_or("no_lot_size")
    }

    /// The series of a contract: mostly that of the one before it.
    fn draft_of(&mut self, listing: &Listing<'_>) -> Option<u32> {
        let root = listing.root.map(str::trim).filter(|root| !root.is_empty());
        if let Some(at) = self.newest {
            let draft = &self.drafts[at as usize];
            if draft.expiry == listing.expiry && draft.named.as_deref() == root {
                self.drafts[at as usize].hear(listing.style, listing.settlement);
                return Some(at);
            }
        }
        let name: (Box<str>, NaiveDate) = (root.unwrap_or_default().into(), listing.expiry);
        if self.drafts.len() >= MOST_SERIES && !self.by_name.contains_key(&name) {
            return None;
        }
        let drafts = &mut self.drafts;
        let at = *self.by_name.entry(name).or_insert_with(|| {
            drafts.push(Draft {
                named: root.map(Into::into),
                expiry: listing.expiry,
                style: None,
                settlement: None,
            });
            (drafts.len() - 1) as u32
        });
        self.drafts[at as usize].hear(listing.style, listing.settlement);
        self.newest = Some(at);
        Some(at)
    }
}

impl Draft {
    /// Takes what a contract says of its series. One that says something speaks for those that do
    /// not; of two that differ the order they come in does not decide.
    fn hear(&mut self, style: Option<Style>, settlement: Option<Settlement>) {
        self.style = self.style.into_iter().chain(style).min();
        self.settlement = self.settlement.into_iter().chain(settlement).min();
    }
}

/// Contracts with and without a named root may be of one series: what some of them say holds for
/// all of it.
fn agree(drafts: &mut [Draft], product: Option<&Product<'_>>) {
    let mut said: BTreeMap<(Box<str>, NaiveDate), Draft> = BTreeMap::new();
    let name = |draft: &Draft| (series_of(draft, product).root, draft.expiry);
    for draft in drafts.iter() {
        let all = said.entry(name(draft)).or_insert_with(|| draft.clone());
        all.hear(draft.style, draft.settlement);
    }
    for draft in drafts {
        if let Some(all) = said.get(&name(draft)) {
            draft.hear(all.style, all.settlement);
        }
    }
}

/// A number from zero to a most; what is outside is missing.
fn within(value: Option<f64>, most: f64) -> Option<f64> {
    value.filter(|value| (0.0..=most).contains(value))
}

fn series_of(draft: &Draft, product: Option<&Product<'_>>) -> Series {
    let expiry = draft.expiry;
    let listed = product.map_or_else(Vec::new, |p| p.expiries(expiry, expiry));
    // A source that names no root means the root that expires then, the product's own before the
    // others.
    let own = product.map_or("", Product::name);
    let expiring = || {
        let mut roots = listed.iter().map(|expiry| expiry.root);
        roots
            .clone()
            .find(|root| *root == own)
            .or_else(|| roots.next())
    };
    let root = draft.named.as_deref().or_else(expiring).unwrap_or(own);
    let settlement = draft
        .settlement
        .or_else(|| Some(product?.settlement(root)))
        .unwrap_or(Settlement::Pm);
    let settles_at = product.map(|p| p.settlement_instant(expiry, settlement));
    let mut same_root = listed.iter().filter(|listed| listed.root == root);
    Series {
        root: root.into(),
        expiry,
        settlement,
        settles_at: settles_at.unwrap_or_default(),
        style: draft
            .style
            .or_else(|| Some(product?.usual_style()))
            .unwrap_or(Style::American),
        monthly: same_root.any(|listed| listed.kind == ExpiryKind::Monthly),
        contracts: 0..0,
    }
}

impl Contracts {
    fn reordered(&self, order: &[u32]) -> Self {
        let floats = |column: &[f64]| order.iter().map(|&row| column[row as usize]).collect();
        Self {
            right: order.iter().map(|&row| self.right[row as usize]).collect(),
            strike: floats(&self.strike),
            multiplier: floats(&self.multiplier),
            bid: self.bid.reordered(order),
            ask: self.ask.reordered(order),
            bid_size: self.bid_size.reordered(order),
            ask_size: self.ask_size.reordered(order),
            last: self.last.reordered(order),
            mark: self.mark.reordered(order),
            iv: self.iv.reordered(order),
            delta: self.delta.reordered(order),
            gamma: self.gamma.reordered(order),
            theta: self.theta.reordered(order),
            vega: self.vega.reordered(order),
            rho: self.rho.reordered(order),
            open_interest: self.open_interest.reordered(order),
            oi_change: self.oi_change.reordered(order),
            volume: self.volume.reordered(order),
            quote_seconds: self.quote_seconds.reordered(order),
        }
    }
}
