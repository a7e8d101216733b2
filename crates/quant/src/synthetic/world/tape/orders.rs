//! How an order prints: against the displayed book, inside the spread, or as something planted.

use super::super::Truth;
use super::super::plants::{Plant, Prints};
use super::{Around, Kind, Tape};
use crate::market::{Conditions, Side, Timestamp, Trade, Venue};
use crate::synthetic::flow::Order;
use crate::synthetic::ladder::{Fill, Ladder, size, ticks};
use crate::synthetic::world::underlying::{Class, Underlying};

/// Share of orders that meet hidden size inside the spread, where there is a tick inside.
const HIDDEN: f64 = 0.06;

/// Lean of the book a level that an order emptied, in spreads.
const LEAN_PER_LEVEL: f64 = 0.5;

/// Lit venues of the United States and of India; the first ones trade most.
const US_VENUES: [&str; 6] = ["XNAS", "ARCX", "XNYS", "BATS", "EDGX", "IEXG"];
const INDIAN_VENUES: [&str; 2] = ["XNSE", "XBOM"];

/// Where hidden size and blocks away from an exchange are reported.
const REPORTED: &str = "FINN";

impl Tape {
    /// An order arrives and prints: plainly, inside the spread, or as something planted.
    pub(super) fn trade(&mut self, at: Timestamp, around: &mut Around<'_>) {
        let order = self.flow.next(&mut self.chance);
        // The square-root law of impact, without the tail.
        let weight = libm::sqrt(order.shares as f64 / around.terms.mean_size).min(3.0);
        let second = around.second_years;
        around.spot.learn(order.surprise, weight, second);
        let is_wide = self.asks.best() - self.bids.best() > 1;
        let venues = venues(around.terms);
        let prints = match Plant::draw(&mut self.chance) {
            Some(Plant::Sweep) => {
                let far = self.far(order);
                let fills = Prints::levels_of(far);
                self.sweeps += 1;
                Prints::sweep(fills, self.sweeps, venues, &mut self.chance)
            }
            Some(Plant::Iceberg) => {
                let far = self.far(order);
                let shown = far.best_shares();
                let price = far.best();
                far.take(shown).for_each(drop);
                self.icebergs += 1;
                let shown = Fill {
                    price,
                    shares: shown,
                };
                Prints::iceberg(shown, self.icebergs, venues, &mut self.chance)
            }
            Some(Plant::Block) => {
                let middle = (self.bids.best() + self.asks.best()) / 2;
                let mean = around.terms.mean_size;
                Prints::block(middle, mean, reported(around.terms), &mut self.chance)
            }
            None if is_wide && self.chance.happens(HIDDEN) => {
                let price = match order.direction > 0.0 {
                    true => self.asks.best() - 1,
                    false => self.bids.best() + 1,
                };
                let fill = Fill {
                    price,
                    shares: order.shares,
                };
                Prints::plain([fill], &[reported(around.terms).0], &mut self.chance)
            }
            None => {
                let fills: Vec<Fill> = self.far(order).take(order.shares).collect();
                Prints::plain(fills, venues, &mut self.chance)
            }
        };
        let emptied = self.far(order).emptied() as f64;
        self.lean(at, LEAN_PER_LEVEL * order.direction * emptied);
        self.print(at, order, &prints, around.terms);
    }

    fn print(&mut self, at: Timestamp, order: Order, prints: &Prints, terms: &Underlying) {
        let touch = self.touch(terms.tick);
        let side = match order.direction > 0.0 {
            true => Side::Buy,
            false => Side::Sell,
        };
        let truth = Truth {
            episode: self.flow.episode(),
            sweep: prints.sweep,
            iceberg: prints.iceberg,
            block: prints.block,
            ..Truth::of(side)
        };
        for print in &prints.list {
            let odd = print.shares < 100 && terms.class != Class::Index && !terms.is_indian();
            let odd = if odd {
                Conditions::ODD_LOT
            } else {
                Conditions::NONE
            };
            let trade = Trade {
                at: at.plus(print.after),
                price: ticks(print.price, terms.tick),
                size: size(print.shares),
                flag: Side::Unknown,
                touch: Some(touch),
                venue: Some(Venue::new(print.venue)),
                conditions: prints.conditions.with(odd),
            };
            self.at = self.at.max(trade.at);
            if !prints.block {
                self.last = trade.price;
            }
            self.shares = self.shares.saturating_add(print.shares);
            self.pending
                .push_back((trade.at, Kind::Trade { trade, truth }));
        }
    }

    /// The side of the book that an order takes from.
    fn far(&mut self, order: Order) -> &mut Ladder {
        match order.direction > 0.0 {
            true => &mut self.asks,
            false => &mut self.bids,
        }
    }
}

fn venues(terms: &Underlying) -> &'static [&'static str] {
    match terms.is_indian() {
        true => &INDIAN_VENUES,
        false => &US_VENUES,
    }
}

/// Where what was not displayed is reported, and as what: India has no trade away from exchanges.
fn reported(terms: &Underlying) -> (&'static str, Conditions) {
    match terms.is_indian() {
        true => (INDIAN_VENUES[0], Conditions::CROSS),
        false => (REPORTED, Conditions::NONE),
    }
}
