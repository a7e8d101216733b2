//! A product: what trades under a symbol, on which exchange, when it expires and settles, and how
//! many units a lot has. What is no product of its own follows the rules of its exchange.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::expiry::{self, Expiry, Rule};
use super::{Calendars, Day, Exchange, Settlement};
use crate::market::{Span, Style, Timestamp};

/// One product of a calendar.
#[derive(Clone, Copy, Debug)]
pub struct Product<'a> {
    name: &'a str,
    exchange: &'a Exchange,
    rules: &'a [Rule],
    late: Span,
    lots: &'a [(NaiveDate, u32)],
}

#[derive(Clone, Debug, Default)]
pub(super) struct Products {
    pub(super) named: BTreeMap<String, Terms>,
    /// Root of a series → product, each product's own name among them.
    pub(super) roots: BTreeMap<String, String>,
    /// Exchange → rules of whatever is not named.
    pub(super) unnamed: BTreeMap<String, Vec<Rule>>,
}

#[derive(Clone, Debug)]
pub(super) struct Terms {
    pub(super) exchange: String,
    pub(super) rules: Vec<Rule>,
    pub(super) late: Span,
    /// By first expiry date, ascending.
    pub(super) lots: Vec<(NaiveDate, u32)>,
}

impl Calendars {
    /// The product of a symbol or root: `SPXW` and `^SPX` are SPX. What is not listed trades on
    /// the exchange given, and expires as is usual there; `None` where there is no such exchange.
    pub fn product<'a>(&'a self, symbol: &'a str, default_exchange: &str) -> Option<Product<'a>> {
        let symbol = without_prefix(symbol);
        let products = &self.products;
        let Some((name, terms)) = self.named(symbol) else {
            let exchange = self.exchange(default_exchange)?;
            let rules = products.unnamed.get(default_exchange);
            return Some(Product {
                name: symbol,
                exchange,
                rules: rules.map_or(&[], Vec::as_slice),
                late: Span::ZERO,
                lots: &[],
            });
        };
        Some(Product {
            name,
            exchange: self.exchange(&terms.exchange)?,
            rules: &terms.rules,
            late: terms.late,
            lots: &terms.lots,
        })
    }

    /// The exchange of a symbol or root that is listed as a product, or `None`: the caller has a
    /// default for the rest.
    pub fn exchange_of(&self, symbol: &str) -> Option<&Exchange> {
        let (_, terms) = self.named(without_prefix(symbol))?;
        self.exchange(&terms.exchange)
    }

    /// Units in a lot of the contracts of a listed product that expire on a date, if that is known.
    pub fn lot_size(&self, symbol: &str, expiry: NaiveDate) -> Option<u32> {
        let (_, terms) = self.named(without_prefix(symbol))?;
        lot_on(&terms.lots, expiry)
    }

    fn named(&self, root: &str) -> Option<(&str, &Terms)> {
        let name = self.products.roots.get(root)?;
        let (name, terms) = self.products.named.get_key_value(name)?;
        Some((name, terms))
    }
}

impl<'a> Product<'a> {
    /// The name, such as `SPX` for the roots SPX and SPXW.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// Where its options trade.
    pub fn exchange(&self) -> &'a Exchange {
        self.exchange
    }

    /// When options of it expire, from `from` to `to`, both included, by date. A rule's dates:
    /// far ones are not listed until the exchange opens them.
    pub fn expiries(&self, from: NaiveDate, to: NaiveDate) -> Vec<Expiry<'a>> {
        expiry::expiries(self.rules, self.name, self.exchange, from, to)
    }

    /// Which prints a root settles on: SPX on the opening ones, SPXW on the closing ones, which is
    /// also what is taken of a root without a rule.
    pub fn settlement(&self, root: &str) -> Settlement {
        let root = without_prefix(root);
        let of_root = |rule: &&Rule| rule.root.as_deref().unwrap_or(self.name) == root;
        let rule = self.rules.iter().find(of_root);
        rule.map_or(Settlement::Pm, |rule| rule.settlement)
    }

    /// When a contract that bears this date settles. A date without a session is taken at the
    /// usual hours, as the exchange knows its contracts better than a calendar does.
    pub fn settlement_instant(&self, date: NaiveDate, settlement: Settlement) -> Timestamp {
        self.exchange.settlement_as_listed(date, settlement)
    }

    /// When a contract that bears this date trades last: on closing prints when it settles, or the
    /// product's few minutes later; on opening prints at the close of the session before. `None`
    /// where there is no session before within three weeks.
    pub fn last_trade(&self, date: NaiveDate, settlement: Settlement) -> Option<Timestamp> {
        if settlement == Settlement::Pm {
            return Some(self.settlement_instant(date, settlement).plus(self.late));
        }
        match self.exchange.day(self.exchange.previous_session(date)?) {
            Day::Session { close, .. } => Some(close),
            Day::Weekend | Day::Holiday(_) => None,
        }
    }

    /// When options on it may be exercised where nobody says: index options of the United States
    /// and all options of India at their expiry, options on stocks and funds on any day.
    pub fn usual_style(&self) -> Style {
        match self.exchange.code() {
            "XCBO" | "XNSE" | "XBOM" => Style::European,
            _ => Style::American,
        }
    }

    /// Units of the underlying that a contract stands for where it does not say: 100 in the United
    /// States, the lot of its expiry in India; `None` where that is not known.
    pub fn usual_multiplier(&self, expiry: NaiveDate) -> Option<f64> {
        match self.exchange.code() {
            "XNYS" | "XCBO" => Some(100.0),
            _ => self.lot_size(expiry).map(f64::from),
        }
    }

    /// Units in a lot of the contracts that expire on a date, if that is known.
    pub fn lot_size(&self, expiry: NaiveDate) -> Option<u32> {
        lot_on(self.lots, expiry)
    }
}

fn lot_on(lots: &[(NaiveDate, u32)], expiry: NaiveDate) -> Option<u32> {
    let later = lots.partition_point(|&(from, _)| from <= expiry);
    Some(lots[later.checked_sub(1)?].1)
}

/// Data vendors mark an index with one of these in front.
fn without_prefix(symbol: &str) -> &str {
    symbol.trim_start_matches(['^', '_', '.'])
}

#[cfg(test)]
mod tests;
