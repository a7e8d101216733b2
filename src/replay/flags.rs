//! What a trace says of each print beside its side. Whether it belongs to a sweep is known when
//! its cluster has ended, so a trace runs behind the replay by that much.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use quant::market::{SignedTrade, Span, Symbol, Timestamp};
use quant::prints::hidden::is_hidden;
use quant::prints::sweeps::{Clusters, Criteria, Kind, Print};

/// A cluster whose window ended so long before the newest print takes no more: what comes later
/// than that is of a feed in disorder, and memory is bounded.
const PATIENCE: Span = Span::from_millis(60_000);

/// A print with its flags.
pub struct Flagged {
    /// Its symbol.
    pub symbol: Symbol,
    /// The print.
    pub signed: SignedTrade,
    /// Whether it is asked for.
    pub wanted: bool,
    /// What is said of it.
    pub flags: Vec<&'static str>,
}

/// Prints on their way to the trace, in the order in which they came.
pub struct Flags {
    criteria: Criteria,
    symbols: BTreeMap<Symbol, Found>,
    waiting: VecDeque<Flagged>,
    /// The number of the first that waits.
    first: u64,
    newest: Timestamp,
}

/// The clusters of one symbol, and the numbers of the prints in the open ones.
#[derive(Default)]
struct Found {
    clusters: Clusters,
    /// Of buys, of sales.
    members: [Vec<u64>; 2],
}

impl Flags {
    /// For sweeps of these criteria.
    pub fn new(criteria: Criteria) -> Self {
        Self {
            criteria,
            symbols: BTreeMap::new(),
            waiting: VecDeque::new(),
            first: 0,
            newest: Timestamp::from_nanos(i64::MIN),
        }
    }

    /// The next print.
    pub fn push(&mut self, symbol: &Symbol, signed: &SignedTrade, wanted: bool) {
        let number = self.first + self.waiting.len() as u64;
        let trade = &signed.trade;
        let off_exchange = trade.venue.is_some_and(|venue| venue.is_off_exchange());
        let flags = [
            ("off_exchange", off_exchange),
            ("hidden", is_hidden(signed)),
            ("excluded", trade.conditions.is_excluded()),
        ];
        let flags = flags.into_iter().filter(|(_, is)| *is);
        self.waiting.push_back(Flagged {
            symbol: symbol.clone(),
            signed: *signed,
            wanted,
            flags: flags.map(|(flag, _)| flag).collect(),
        });
        self.newest = self.newest.max(trade.at);
        let Some(print) = Print::of(signed) else {
            return;
        };
        if !self.symbols.contains_key(symbol) {
            self.symbols.insert(symbol.clone(), Found::default());
        }
        let Some(found) = self.symbols.get_mut(symbol) else {
            return;
        };
        let ended = found.clusters.take(&print, self.criteria.window);
        let members = &mut found.members[usize::from(!print.is_buy)];
        if let Some(ended) = ended {
            let of_ended = std::mem::take(members);
            if ended.kind(&self.criteria) == Some(Kind::IntermarketSweep) {
                mark(&mut self.waiting, self.first, &of_ended);
            }
        }
        members.push(number);
    }

    /// Those whose flags are known, in the order in which they came.
    pub fn known(&mut self) -> Vec<Flagged> {
        self.end_what_is_old();
        let open = self.symbols.values().flat_map(|found| &found.members);
        let oldest = open.filter_map(|members| members.first()).min();
        let next = self.first + self.waiting.len() as u64;
        let known = oldest.copied().unwrap_or(next) - self.first;
        self.first += known;
        self.waiting.drain(..known as usize).collect()
    }

    /// All that are left: no print will come.
    pub fn rest(&mut self) -> Vec<Flagged> {
        let symbols = std::mem::take(&mut self.symbols);
        symbols.into_values().for_each(|found| self.end(&found));
        self.known()
    }

    fn end_what_is_old(&mut self) {
        let limit = self.newest.minus(self.criteria.window).minus(PATIENCE);
        let is_old = |found: &Found| found.clusters.open().all(|open| open.first() < limit);
        let old: BTreeSet<Symbol> = self
            .symbols
            .iter()
            .filter(|(_, found)| is_old(found))
            .map(|(symbol, _)| symbol.clone())
            .collect();
        for symbol in old {
            if let Some(found) = self.symbols.remove(&symbol) {
                self.end(&found);
            }
        }
    }

    fn end(&mut self, found: &Found) {
        for cluster in found.clusters.open() {
            let members = &found.members[usize::from(cluster.side() != quant::market::Side::Buy)];
            if cluster.kind(&self.criteria) == Some(Kind::IntermarketSweep) {
                mark(&mut self.waiting, self.first, members);
            }
        }
    }
}

fn mark(waiting: &mut VecDeque<Flagged>, first: u64, members: &[u64]) {
    for member in members {
        let place = member.checked_sub(first).map(|place| place as usize);
        if let Some(flagged) = place.and_then(|place| waiting.get_mut(place)) {
            flagged.flags.insert(0, "sweep");
        }
    }
}

#[cfg(test)]
mod tests {
    use quant::market::{Conditions, Price, QuoteSource, Side, SignedBy, Size, Trade, Venue};

    use super::*;

    fn print(ms: i64, venue: &str) -> SignedTrade {
        SignedTrade {
            trade: Trade {
                at: Timestamp::from_millis(ms),
                price: Price::from_units(Price::SCALE),
                size: Size::from_units(Size::SCALE),
                flag: Side::Buy,
                touch: None,
                venue: Some(Venue::new(venue)),
                conditions: Conditions::NONE,
            },
            side: Side::Buy,
            signed_by: SignedBy::Flag,
            quote_source: QuoteSource::None,
        }
    }

    fn flags() -> Flags {
        Flags::new(Criteria {
            window: Span::from_millis(100),
            min_venues: 2,
            min_prints: 3,
            min_size: Size::ZERO,
        })
    }

    fn said(known: &[Flagged]) -> Vec<String> {
        known.iter().map(|one| one.flags.join(",")).collect()
    }

    #[test]
    fn a_print_waits_for_the_end_of_its_cluster_and_those_behind_it_wait_too() {
        let (ibm, bac) = (Symbol::new("IBM").unwrap(), Symbol::new("BAC").unwrap());
        let mut flags = flags();
        flags.push(&ibm, &print(0, "N"), true);
        flags.push(&bac, &print(1, "D"), true);
        assert!(flags.known().is_empty());
        flags.push(&ibm, &print(50, "Q"), true);
        flags.push(&ibm, &print(200, "Q"), true);
        assert_eq!(said(&flags.known()), ["sweep", "off_exchange", "sweep"]);
        assert_eq!(said(&flags.rest()), [""]);
    }

    #[test]
    fn a_symbol_that_falls_silent_holds_nothing_up_for_ever() {
        let (ibm, bac) = (Symbol::new("IBM").unwrap(), Symbol::new("BAC").unwrap());
        let mut flags = flags();
        flags.push(&ibm, &print(0, "N"), true);
        flags.push(&ibm, &print(1, "Q"), true);
        flags.push(&bac, &print(59_000, "D"), true);
        assert!(flags.known().is_empty());
        flags.push(&bac, &print(61_000, "D"), true);
        assert_eq!(said(&flags.known()).len(), 4);
    }

    #[test]
    fn what_is_left_at_the_end_is_told_too() {
        let ibm = Symbol::new("IBM").unwrap();
        let mut flags = flags();
        flags.push(&ibm, &print(0, "N"), true);
        flags.push(&ibm, &print(1, "Q"), true);
        assert_eq!(said(&flags.rest()), ["sweep", "sweep"]);
        assert!(flags.rest().is_empty());
    }
}
