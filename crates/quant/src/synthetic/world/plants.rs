//! Orders that are planted, so that detection can be scored: sweeps over several venues, icebergs
//! that fill up again, blocks away from the book; and how plain orders print.

use crate::market::{Conditions, Span};
use crate::synthetic::chance::Chance;
use crate::synthetic::ladder::{Fill, Ladder};

/// Shares of orders.
const SWEEPS: f64 = 0.006;
const ICEBERGS: f64 = 0.004;
const BLOCKS: f64 = 0.0015;

/// A sweep is over within so long, and is of so many venues at most.
const SWEEP: Span = Span::from_millis(20);
const MOST_VENUES: usize = 6;

/// Mean time between prints of a sweep, and the ends between which an iceberg fills up again.
const SWEEP_GAP_SECONDS: f64 = 0.002;
const REFILL_SECONDS: (f64, f64) = (0.001, 0.008);

/// Levels a sweep takes at most.
const SWEPT_LEVELS: usize = 3;

/// A block in mean orders.
const BLOCK_SIZES: (f64, f64) = (40.0, 150.0);

/// What an order is, where it is not plain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plant {
    Sweep,
    Iceberg,
    Block,
}

/// One print of an order, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Print {
    /// Time since the order came.
    pub(super) after: Span,
    pub(super) price: i64,
    pub(super) shares: i64,
    pub(super) venue: &'static str,
}

/// The prints of one order, and what it was.
#[derive(Clone, Debug, Default)]
pub(super) struct Prints {
    pub(super) list: Vec<Print>,
    pub(super) conditions: Conditions,
    pub(super) sweep: Option<u32>,
    pub(super) iceberg: Option<u32>,
    pub(super) block: bool,
}

impl Plant {
    /// What the next order is; `None` is plain.
    pub(super) fn draw(chance: &mut Chance) -> Option<Self> {
        match chance.uniform() {
            draw if draw < SWEEPS => Some(Self::Sweep),
            draw if draw < SWEEPS + ICEBERGS => Some(Self::Iceberg),
            draw if draw < SWEEPS + ICEBERGS + BLOCKS => Some(Self::Block),
            _ => None,
        }
    }
}

impl Prints {
    /// An order that took what was displayed: one print a level, each on a venue.
    pub(super) fn plain(
        fills: impl IntoIterator<Item = Fill>,
        venues: &[&'static str],
        chance: &mut Chance,
    ) -> Self {
        let print = |Fill { price, shares }| {
            // The smaller of two draws: the first venues come most often.
            let [one, other] = [(); 2].map(|()| chance.index(venues.len()));
            Print {
                after: Span::ZERO,
                price,
                shares,
                venue: venues[one.min(other)],
            }
        };
        Self {
            list: fills.into_iter().map(print).collect(),
            ..Self::default()
        }
    }

    /// Takes the first levels of a side, all that they show.
    pub(super) fn levels_of(far: &mut Ladder) -> Vec<Fill> {
        let wanted = far.shown(SWEPT_LEVELS);
        far.take(wanted).collect()
    }

    /// Sends the fills to several venues at once: each print as far as the one before or further.
    pub(super) fn sweep(
        fills: Vec<Fill>,
        label: u32,
        venues: &[&'static str],
        chance: &mut Chance,
    ) -> Self {
        let most = venues.len().min(MOST_VENUES);
        let wanted = most.min(3) + chance.index(most.saturating_sub(2).max(1));
        let first_venue = chance.index(venues.len());
        let parts = wanted.div_ceil(fills.len().max(1)) as i64;
        let mut list = Vec::with_capacity(wanted + fills.len());
        let mut after = Span::ZERO;
        for Fill { price, shares } in fills {
            let parts = parts.min(shares);
            for part in 0..parts {
                // What does not divide goes to the first part.
                let rest = if part == 0 { shares % parts } else { 0 };
                list.push(Print {
                    after,
                    price,
                    shares: shares / parts + rest,
                    venue: venues[(first_venue + list.len()) % venues.len()],
                });
                let gap = Span::from_seconds(chance.exponential(SWEEP_GAP_SECONDS));
                after = Span::from_nanos((after.nanos() + gap.nanos()).min(SWEEP.nanos() - 1));
            }
        }
        Self {
            list,
            conditions: Conditions::SWEEP,
            sweep: Some(label),
            ..Self::default()
        }
    }

    /// Takes what is shown at a price and goes on there as it fills up, on one venue.
    pub(super) fn iceberg(
        shown: Fill,
        label: u32,
        venues: &[&'static str],
        chance: &mut Chance,
    ) -> Self {
        let venue = venues[chance.index(venues.len())];
        let peak = (shown.shares as f64 * (0.5 + 0.5 * chance.uniform())) as i64;
        let refills = 3 + chance.index(6);
        let mut after = Span::ZERO;
        let mut list = Vec::with_capacity(1 + refills);
        for at in 0..=refills {
            let shares = if at == 0 { shown.shares } else { peak.max(1) };
            list.push(Print {
                after,
                price: shown.price,
                shares,
                venue,
            });
            let (least, most) = REFILL_SECONDS;
            let gap = Span::from_seconds(least + (most - least) * chance.uniform());
            after = Span::from_nanos(after.nanos() + gap.nanos());
        }
        Self {
            list,
            iceberg: Some(label),
            ..Self::default()
        }
    }

    /// One large print at a price, reported from where it was agreed.
    pub(super) fn block(
        price: i64,
        mean_size: f64,
        (venue, conditions): (&'static str, Conditions),
        chance: &mut Chance,
    ) -> Self {
        let (least, most) = BLOCK_SIZES;
        let sizes = least * libm::pow(most / least, chance.uniform());
        // In hundreds, as blocks are agreed.
        let shares = ((sizes * mean_size / 100.0).round() as i64).max(1) * 100;
        let print = Print {
            after: Span::ZERO,
            price,
            shares,
            venue,
        };
        Self {
            list: vec![print],
            conditions,
            block: true,
            ..Self::default()
        }
    }
}
