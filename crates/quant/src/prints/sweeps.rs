//! Sweeps and bursts: prints of one side in quick succession, each as far as the one before it or
//! further.
//!
//! A cluster begins with a print and takes those of its side that follow within the window **of
//! that first one**, so that a slow drip does not chain for ever. A buy's prices do not fall, a
//! sale's do not rise; a print that turns back closes the cluster and begins the next. Where a
//! quote stood before a print, the print is at or through its far side (the ask of a buy) or is no
//! part of anything; without a quote, or with a locked or crossed one, nothing can be held against
//! it. Prints of the other side, and those that are passed over, break nothing.
//!
//! Over several venues it is what an intermarket sweep order does (Regulation NMS rule 600(b)(47),
//! 17 CFR 242.600); on one, an order that walks the book, or several.

use serde::{Deserialize, Serialize};

use crate::market::{Conditions, Price, Side, SignedTrade, Size, Span, Timestamp, Touch, Venue};

/// Venues of one cluster that are told apart: no market has so many.
const MOST_VENUES: usize = 128;

/// Prints of one cluster, after which another begins: a source whose clock stands still.
const MOST_PRINTS: u64 = 10_000;

/// What makes an event of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Criteria {
    /// Longest time from the first print of a cluster to its last.
    pub window: Span,
    /// Fewest venues of an intermarket sweep.
    pub min_venues: usize,
    /// Fewest prints of a burst.
    pub min_prints: u64,
    /// Smallest size of an event.
    pub min_size: Size,
}

/// A print as far as clusters ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Print {
    /// When it was executed.
    pub at: Timestamp,
    /// At what price.
    pub price: Price,
    /// How much.
    pub size: Size,
    /// Whether the buyer started it.
    pub is_buy: bool,
    /// Where; `None` counts for no venue.
    pub venue: Option<Venue>,
    /// Whether it is marked as part of an intermarket sweep order.
    pub is_iso: bool,
}

impl Print {
    /// The print of a trade that can be part of a cluster: of a known side, of a price and a size,
    /// of this moment, on an exchange, at or through the far side of the quote.
    ///
    /// What was reported off exchange has the time at which it was reported and swept nothing.
    pub fn of(signed: &SignedTrade) -> Option<Self> {
        let trade = &signed.trade;
        let is_buy = match signed.side {
            Side::Buy => true,
            Side::Sell => false,
            Side::Unknown => return None,
        };
        let off_exchange = trade.venue.is_some_and(|venue| venue.is_off_exchange());
        let is_print = trade.size > Size::ZERO && trade.price.units() > 0;
        if !is_print || off_exchange || trade.conditions.is_excluded() {
            return None;
        }
        is_at_far_touch(trade.price, is_buy, trade.touch).then_some(Self {
            at: trade.at,
            price: trade.price,
            size: trade.size,
            is_buy,
            venue: trade.venue,
            is_iso: trade.conditions.has(Conditions::SWEEP),
        })
    }
}

/// Whether a print took what the far side showed; true where no quote says otherwise.
fn is_at_far_touch(price: Price, is_buy: bool, touch: Option<Touch>) -> bool {
    let Some(touch) = touch.filter(|touch| touch.is_regular()) else {
        return true;
    };
    match is_buy {
        true => price >= touch.ask,
        false => price <= touch.bid,
    }
}

/// What a cluster is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Over several venues.
    IntermarketSweep,
    /// Many prints on fewer venues than that.
    Burst,
}

/// Prints that belong together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cluster {
    first: Timestamp,
    last: Timestamp,
    price: Price,
    is_buy: bool,
    venues: Vec<Venue>,
    prints: u64,
    iso_prints: u64,
    levels: u64,
    /// In units of [`Size`]; held at the largest.
    size: i64,
    /// Price by size; prints are few, and a float cannot overflow on them.
    notional: f64,
}

impl Cluster {
    fn of(print: &Print) -> Self {
        Self {
            first: print.at,
            last: print.at,
            price: print.price,
            is_buy: print.is_buy,
            venues: print.venue.into_iter().collect(),
            prints: 1,
            iso_prints: u64::from(print.is_iso),
            levels: 1,
            size: print.size.units(),
            notional: print.price.to_f64() * print.size.to_f64(),
        }
    }

    /// Whether a print of its side goes on with it.
    fn takes(&self, print: &Print, window: Span) -> bool {
        let age = print.at.since(self.first);
        let goes_on = match self.is_buy {
            true => print.price >= self.price,
            false => print.price <= self.price,
        };
        goes_on && self.prints < MOST_PRINTS && (Span::ZERO..=window).contains(&age)
    }

    fn push(&mut self, print: &Print) {
        self.last = self.last.max(print.at);
        self.levels += u64::from(print.price != self.price);
        self.price = print.price;
        if let Some(venue) = print.venue
            && self.venues.len() < MOST_VENUES
            && !self.venues.contains(&venue)
        {
            self.venues.push(venue);
        }
        self.prints += 1;
        self.iso_prints += u64::from(print.is_iso);
        self.size = self.size.saturating_add(print.size.units());
        self.notional += print.price.to_f64() * print.size.to_f64();
    }

    /// What it is; `None` where it is too little to be anything.
    pub fn kind(&self, criteria: &Criteria) -> Option<Kind> {
        let kind = match self.venues.len() {
            venues if venues >= criteria.min_venues => Kind::IntermarketSweep,
            _ if self.prints >= criteria.min_prints => Kind::Burst,
            _ => return None,
        };
        (self.size >= criteria.min_size.units()).then_some(kind)
    }

    /// The side that swept.
    pub fn side(&self) -> Side {
        match self.is_buy {
            true => Side::Buy,
            false => Side::Sell,
        }
    }

    /// Its first print.
    pub fn first(&self) -> Timestamp {
        self.first
    }

    /// Its newest print.
    pub fn last(&self) -> Timestamp {
        self.last
    }

    /// How many venues it has been on.
    pub fn venues(&self) -> usize {
        self.venues.len()
    }

    /// How many prints it has.
    pub fn prints(&self) -> u64 {
        self.prints
    }

    /// How many prices it has taken.
    pub fn levels(&self) -> u64 {
        self.levels
    }

    /// Shares or contracts.
    pub fn size(&self) -> Size {
        Size::from_units(self.size)
    }

    /// Price by size, currency; times the contract size where it is of contracts.
    pub fn notional(&self) -> f64 {
        self.notional
    }

    /// Volume-weighted price.
    pub fn vwap(&self) -> f64 {
        self.notional / self.size().to_f64()
    }

    /// Share of its prints that are marked as of an intermarket sweep order, 0 to 1. Some feeds
    /// mark a part of an order's fills only.
    pub fn iso_share(&self) -> f64 {
        self.iso_prints as f64 / self.prints as f64
    }

    /// Whether a saved one can be gone on with.
    pub fn is_sound(&self) -> bool {
        self.size > 0
            && self.prints >= 1
            && self.notional.is_finite()
            && self.first <= self.last
            && self.iso_prints <= self.prints
    }
}

/// The open clusters of one instrument, one a side. What comes out depends on the prints alone,
/// not on when they are asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Clusters {
    buy: Option<Cluster>,
    sell: Option<Cluster>,
}

impl Clusters {
    /// Takes the next print; the cluster of its side that ended before it.
    pub fn take(&mut self, print: &Print, window: Span) -> Option<Cluster> {
        let open = match print.is_buy {
            true => &mut self.buy,
            false => &mut self.sell,
        };
        match open {
            Some(cluster) if cluster.takes(print, window) => {
                cluster.push(print);
                None
            }
            open => open.replace(Cluster::of(print)),
        }
    }

    /// The open ones.
    pub fn open(&self) -> impl Iterator<Item = &Cluster> {
        self.buy.iter().chain(&self.sell)
    }
}

/// Every event among prints in the order of time, by first print.
pub fn events<'a>(
    prints: impl IntoIterator<Item = &'a Print>,
    criteria: &Criteria,
) -> Vec<(Kind, Cluster)> {
    let mut clusters = Clusters::default();
    let closed = prints.into_iter();
    let closed: Vec<Cluster> = closed
        .filter_map(|print| clusters.take(print, criteria.window))
        .collect();
    let all = closed.into_iter().chain(clusters.buy).chain(clusters.sell);
    let mut events: Vec<_> = all
        .filter_map(|cluster| Some((cluster.kind(criteria)?, cluster)))
        .collect();
    events.sort_by_key(|(_, cluster)| cluster.first);
    events
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::{QuoteSource, SignedBy, Trade};

    fn trade(price: i64, side: Side, touch: Option<(i64, i64)>) -> SignedTrade {
        let price_of = |cents| Price::from_units(cents * Price::SCALE / 100);
        SignedTrade {
            trade: Trade {
                at: Timestamp::from_millis(0),
                price: price_of(price),
                size: Size::from_units(Size::SCALE),
                flag: side,
                touch: touch.map(|(bid, ask)| Touch {
                    bid: price_of(bid),
                    ask: price_of(ask),
                }),
                venue: Some(Venue::new("N")),
                conditions: Conditions::NONE,
            },
            side,
            signed_by: SignedBy::Flag,
            quote_source: QuoteSource::Trade,
        }
    }

    #[test]
    fn a_print_inside_the_spread_took_nothing_that_was_shown() {
        let quote = Some((1000, 1002));
        for (price, side, counts) in [
            (1002, Side::Buy, true),
            (1005, Side::Buy, true),
            (1001, Side::Buy, false),
            (1000, Side::Sell, true),
            (1001, Side::Sell, false),
            (1002, Side::Unknown, false),
        ] {
            let print = Print::of(&trade(price, side, quote));
            assert_eq!(print.is_some(), counts, "{price} {side:?}");
        }
    }

    #[test]
    fn without_a_quote_or_with_a_crossed_one_nothing_is_held_against_a_print() {
        for quote in [None, Some((1002, 1002)), Some((1003, 1002))] {
            assert!(Print::of(&trade(1001, Side::Buy, quote)).is_some());
        }
    }

    #[test]
    fn what_is_of_another_moment_or_reported_from_elsewhere_is_no_part() {
        let mut of_venue = trade(1002, Side::Buy, None);
        of_venue.trade.venue = Some(Venue::new("D"));
        assert_eq!(Print::of(&of_venue), None);
        let mut average = trade(1002, Side::Buy, None);
        average.trade.conditions = Conditions::DERIVED.with(Conditions::SWEEP);
        assert_eq!(Print::of(&average), None);
    }

    #[test]
    fn a_price_that_turns_back_begins_the_next_cluster() {
        let mut clusters = Clusters::default();
        let window = Span::from_millis(100);
        let prints = [1001, 1002, 1001, 1002].map(|price| {
            let signed = trade(price, Side::Buy, None);
            Print::of(&signed).unwrap()
        });
        let closed: Vec<Cluster> = prints
            .iter()
            .filter_map(|print| clusters.take(print, window))
            .collect();
        assert_eq!(closed.len(), 1);
        assert_eq!((closed[0].prints(), closed[0].levels()), (2, 2));
        assert_eq!(clusters.open().map(Cluster::prints).sum::<u64>(), 2);
    }
}
