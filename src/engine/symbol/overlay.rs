//! What channels said of single contracts and expiries since the chain of the key was written, and
//! the chain that both make together.
//!
//! The newer one holds for each contract, whichever way and in whatever order they came. Everything
//! in the chain is within the age a chain may have: what a message said is dropped when it is older,
//! and so is a key that nobody writes any more.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use quant::market::{Chain, ChainBuilder, Head, Listing, Right, Series, Span, Timestamp};

/// The spot of a chain stands beside newer quotes for so long.
const SPOT_AGE: Span = Span::from_millis(60_000);

/// A contract: expiry, root, bits of the strike (positive, so in its order), right.
type Contract = (NaiveDate, Box<str>, u64, Right);

/// What came by channel, and the chain of the key beneath it.
#[derive(Debug, Default)]
pub(super) struct Overlay {
    /// The chain of the key, while what stands in the snapshot is another.
    base: Option<Chain>,
    /// Whether what stands in the snapshot was made here.
    stands: bool,
    rows: BTreeMap<Contract, Row>,
    /// Expiries that were replaced as a whole, and when.
    replaced: BTreeMap<(NaiveDate, Box<str>), Timestamp>,
    spot: Option<(Timestamp, f64)>,
    source: Option<String>,
    /// Whether anything came since it was folded.
    is_news: bool,
    /// The oldest of what was folded.
    oldest: Option<Timestamp>,
}

/// What a message said of a contract.
#[derive(Clone, Copy, Debug)]
struct Row {
    at: Timestamp,
    listing: Listing<'static>,
}

impl Overlay {
    /// Another chain stands at the key, and in the snapshot.
    pub(super) fn rebase(&mut self) {
        self.base = None;
        self.stands = false;
        self.is_news = true;
    }

    /// No chain stands at the key.
    pub(super) fn forget_base(&mut self) {
        // Told on every pass.
        self.is_news |= self.base.is_some() || self.stands || !self.rows.is_empty();
        self.base = None;
        self.stands = true;
    }

    /// Takes the contracts of whole expiries; gives how many are more than `most`.
    pub(super) fn take_expiries(&mut self, chain: &Chain, most: u64) -> u64 {
        let at = chain.at();
        if let Some(spot) = chain.head.spot
            && self.spot.is_none_or(|(before, _)| before <= at)
        {
            self.spot = Some((at, spot));
        }
        if let Some(source) = &chain.head.source {
            self.source = Some(source.clone());
        }
        let series = chain.series.iter().map(|s| (s.expiry, s.root.clone()));
        let series: BTreeSet<(NaiveDate, Box<str>)> = series.collect();
        for (expiry, root) in series {
            let replaced = self.replaced.entry((expiry, root.clone())).or_insert(at);
            if *replaced > at {
                continue;
            }
            *replaced = at;
            self.rows
                .retain(|(of, of_root, ..), row| (*of, of_root) != (expiry, &root) || row.at > at);
        }
        self.is_news = true;
        let rows = listings(chain).map(|(contract, listing)| (contract, Row { at, listing }));
        self.put(rows, most)
    }

    /// Takes single contracts; gives how many are more than `most`.
    pub(super) fn take_quotes(&mut self, chain: &Chain, now: Timestamp, most: u64) -> u64 {
        self.is_news = true;
        let rows = listings(chain).map(|(contract, listing)| {
            let at = listing.quote_at.unwrap_or(now);
            (contract, Row { at, listing })
        });
        self.put(rows, most)
    }

    fn put(&mut self, rows: impl Iterator<Item = (Contract, Row)>, most: u64) -> u64 {
        let mut refused = 0;
        for (contract, row) in rows {
            let is_older = |at: Option<&Timestamp>| at.is_some_and(|at| *at > row.at);
            let before = self.rows.get(&contract).map(|before| before.at);
            let series = (contract.0, contract.1.clone());
            if is_older(self.replaced.get(&series)) || is_older(before.as_ref()) {
                continue;
            }
            if before.is_none() && self.rows.len() as u64 >= most {
                refused += 1;
            } else {
                self.rows.insert(contract, row);
            }
        }
        refused
    }

    /// Forgets what is of a time beyond `latest`.
    pub(super) fn forget_beyond(&mut self, latest: Timestamp) {
        let ahead = self.rows.values().any(|row| row.at > latest)
            || self.replaced.values().any(|at| *at > latest);
        if !ahead {
            return;
        }
        self.rows.retain(|_, row| row.at <= latest);
        self.replaced.retain(|_, at| *at <= latest);
        self.spot = self.spot.filter(|(at, _)| *at <= latest);
        self.is_news = true;
    }

    /// The oldest of what was folded last.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.oldest
    }

    /// Whether the snapshot has to be made anew; `stands` is what it holds.
    pub(super) fn wants_folding(
        &mut self,
        stands: Option<&Chain>,
        now: Timestamp,
        max_age: Span,
    ) -> bool {
        let ran_out = self
            .oldest
            .is_some_and(|oldest| now.since(oldest) > max_age);
        let is_news = std::mem::take(&mut self.is_news);
        if self.rows.is_empty() && self.base.is_none() || !(is_news || ran_out) {
            return false;
        }
        if !self.stands {
            self.base = stands.cloned();
            self.stands = true;
        }
        true
    }

    /// The chain of the key with what came since; `None` where nothing of either is young enough.
    pub(super) fn folded(
        &mut self,
        mut builder: ChainBuilder<'_>,
        now: Timestamp,
        max_age: Span,
        most: u64,
    ) -> Option<Chain> {
        let is_live = |at: Timestamp| now.since(at) <= max_age;
        let base_at = self.base.as_ref().map(Chain::at);
        let is_news = |at: Timestamp| is_live(at) && base_at.is_none_or(|base_at| at >= base_at);
        self.rows.retain(|_, row| is_news(row.at));
        self.replaced.retain(|_, at| is_news(*at));
        self.spot = self.spot.filter(|(at, _)| is_news(*at));

        // Without news the chain of the key is as old as it is: the snapshot judges that.
        let nothing_came = self.rows.is_empty();
        let base = self.base.as_ref().filter(|base| {
            let from = super::fresh_from(&base.head, now);
            nothing_came || is_live(from)
        });
        let same = |series: &Series| (series.expiry, series.root.clone());
        let series: BTreeMap<(NaiveDate, Box<str>), &Series> = self
            .base
            .iter()
            .flat_map(|base| base.series.iter().map(|s| (same(s), s)))
            .collect();
        let mut before = BTreeMap::new();
        for (contract, listing) in base.into_iter().flat_map(listings) {
            if self.rows.contains_key(&contract) {
                before.insert(contract, listing);
            } else if !self
                .replaced
                .contains_key(&(contract.0, contract.1.clone()))
            {
                push(&mut builder, &contract, listing, &series);
            }
        }
        for (contract, row) in &self.rows {
            if builder.listed() >= most {
                break;
            }
            let listing = match before.get(contract) {
                Some(before) => over(before, &row.listing),
                None => row.listing,
            };
            push(&mut builder, contract, listing, &series);
        }
        if builder.listed() == 0 && base.is_none() {
            self.oldest = None;
            return None;
        }
        let newest = self.rows.values().map(|row| row.at).max();
        let before = base.map(|base| base.head.clone());
        let mut head = before.unwrap_or_else(|| Head {
            source: self.source.clone(),
            ..Head::default()
        });
        // A price of the underlying does not become young with the quotes of contracts.
        let spot_is_live = newest.is_none_or(|newest| newest.since(head.as_of) <= SPOT_AGE);
        let of_base = head.spot.filter(|_| spot_is_live);
        head.as_of = newest.map_or(head.as_of, |newest| newest.max(head.as_of));
        head.spot = self.spot.map(|(_, spot)| spot).or(of_base);
        let mut chain = builder.finish(head);
        if let Some(base) = base {
            chain.listed += base.listed - base.contracts.len() as u64;
            for (reason, count) in &base.dropped {
                *chain.dropped.entry(reason).or_default() += count;
            }
        }
        let oldest = self.rows.values().map(|row| row.at).min();
        let base_from = base.map(|base| super::fresh_from(&base.head, now));
        self.oldest = match nothing_came {
            true => None,
            false => oldest.into_iter().chain(base_from).min(),
        };
        Some(chain)
    }
}

/// What a message says of a contract over what the key does: what it leaves out and does not
/// change with it stays.
fn over(before: &Listing<'static>, row: &Listing<'static>) -> Listing<'static> {
    let moved = row.open_interest.zip(before.open_interest);
    let change = before.oi_change.map(|change| {
        let moved = moved.map_or(0.0, |(now, then)| now - then);
        change + moved
    });
    Listing {
        multiplier: before.multiplier.or(row.multiplier),
        open_interest: row.open_interest.or(before.open_interest),
        oi_change: row.oi_change.or(change),
        volume: row.volume.or(before.volume),
        last: row.last.or(before.last),
        ..*row
    }
}

fn push(
    builder: &mut ChainBuilder<'_>,
    contract: &Contract,
    listing: Listing<'static>,
    series: &BTreeMap<(NaiveDate, Box<str>), &Series>,
) {
    let (expiry, root, ..) = contract;
    // What the key says of a series holds for what a message adds to it, too.
    let known = series.get(&(*expiry, root.clone()));
    builder.push(Listing {
        root: Some(root),
        style: known.map(|series| series.style),
        settlement: known.map(|series| series.settlement),
        ..listing
    });
}

/// Every contract of a chain as it would be listed.
fn listings(chain: &Chain) -> impl Iterator<Item = (Contract, Listing<'static>)> {
    let rows = &chain.contracts;
    chain.series.iter().flat_map(move |series| {
        series.contracts.clone().map(move |at| {
            let (right, strike) = (rows.right[at], rows.strike[at]);
            let contract = (series.expiry, series.root.clone(), strike.to_bits(), right);
            let listing = Listing {
                multiplier: Some(rows.multiplier[at]),
                bid: rows.bid.get(at),
                ask: rows.ask.get(at),
                bid_size: rows.bid_size.get(at),
                ask_size: rows.ask_size.get(at),
                last: rows.last.get(at),
                mark: rows.mark.get(at),
                iv: rows.iv.get(at),
                delta: rows.delta.get(at),
                gamma: rows.gamma.get(at),
                theta: rows.theta.get(at),
                vega: rows.vega.get(at),
                rho: rows.rho.get(at),
                open_interest: rows.open_interest.get(at),
                oi_change: rows.oi_change.get(at),
                volume: rows.volume.get(at),
                quote_at: rows.quote_seconds.get(at).map(of_seconds),
                ..Listing::new(series.expiry, right, strike)
            };
            (contract, listing)
        })
    })
}

/// To the microsecond, which is what a float of seconds tells.
fn of_seconds(seconds: f64) -> Timestamp {
    Timestamp::from_nanos(((seconds * 1e6).round() as i64).saturating_mul(1_000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::setup::calendars;

    const NOW: Timestamp = Timestamp::from_seconds(1_795_190_400);
    const AGE: Span = Span::from_millis(60_000);
    const NEAR: NaiveDate = NaiveDate::from_ymd_opt(2026, 12, 18).expect("a date");
    const FAR: NaiveDate = NaiveDate::from_ymd_opt(2027, 1, 15).expect("a date");

    fn ago(seconds: i64) -> Timestamp {
        NOW.minus(Span::from_millis(seconds * 1000))
    }

    fn chain(at: Timestamp, spot: f64, contracts: &[(NaiveDate, f64, f64)]) -> Chain {
        let calendars = calendars();
        let mut builder = ChainBuilder::new(&calendars, "AAPL", "XNYS");
        for (expiry, strike, bid) in contracts {
            builder.push(Listing {
                bid: Some(*bid),
                quote_at: Some(at),
                ..Listing::new(*expiry, Right::Call, *strike)
            });
        }
        builder.finish(Head {
            as_of: at,
            spot: Some(spot),
            ..Head::default()
        })
    }

    fn bids(chain: &Chain) -> Vec<f64> {
        chain.contracts.bid.iter().flatten().collect()
    }

    fn fold(overlay: &mut Overlay, stands: Option<&Chain>, now: Timestamp) -> Option<Chain> {
        assert!(overlay.wants_folding(stands, now, AGE));
        let calendars = calendars();
        let builder = ChainBuilder::new(&calendars, "AAPL", "XNYS");
        overlay.folded(builder, now, AGE, 50_000)
    }

    #[test]
    fn a_quote_replaces_its_contract_and_an_expiry_its_own() {
        let key = chain(
            ago(20),
            100.0,
            &[(NEAR, 1.0, 0.1), (NEAR, 2.0, 0.2), (FAR, 1.0, 0.3)],
        );
        let mut overlay = Overlay::default();
        overlay.take_quotes(
            &chain(ago(5), 0.0, &[(NEAR, 2.0, 9.0), (FAR, 7.0, 8.0)]),
            NOW,
            9,
        );
        let made = fold(&mut overlay, Some(&key), NOW).unwrap();
        assert_eq!(bids(&made), [0.1, 9.0, 0.3, 8.0]);
        assert_eq!((made.head.as_of, made.head.spot), (ago(5), Some(100.0)));
        assert_eq!((made.listed, made.dropped.len()), (4, 0));
        overlay.take_expiries(&chain(ago(4), 101.0, &[(NEAR, 3.0, 7.0)]), 9);
        let made = fold(&mut overlay, Some(&made), NOW).unwrap();
        assert_eq!(bids(&made), [7.0, 0.3, 8.0]);
        assert_eq!(made.head.spot, Some(101.0));
    }

    #[test]
    fn the_newer_one_holds_whichever_came_first() {
        let mut overlay = Overlay::default();
        overlay.take_expiries(
            &chain(ago(5), 1.0, &[(NEAR, 1.0, 0.1), (NEAR, 2.0, 0.2)]),
            9,
        );
        overlay.take_expiries(&chain(ago(9), 1.0, &[(NEAR, 3.0, 0.3)]), 9);
        overlay.take_quotes(&chain(ago(7), 1.0, &[(NEAR, 1.0, 0.4)]), NOW, 9);
        overlay.take_quotes(&chain(ago(3), 1.0, &[(NEAR, 2.0, 0.5)]), NOW, 9);
        let made = fold(&mut overlay, None, NOW).unwrap();
        assert_eq!(bids(&made), [0.1, 0.5]);
        // The key was written between the two.
        overlay.rebase();
        let key = chain(ago(4), 1.0, &[(NEAR, 1.0, 0.7), (NEAR, 2.0, 0.8)]);
        assert_eq!(
            bids(&fold(&mut overlay, Some(&key), NOW).unwrap()),
            [0.7, 0.5]
        );
    }

    #[test]
    fn nothing_older_than_a_chain_may_be_is_in_it() {
        let key = chain(ago(50), 1.0, &[(NEAR, 1.0, 0.1), (NEAR, 2.0, 0.2)]);
        let mut overlay = Overlay::default();
        overlay.take_quotes(&chain(ago(0), 1.0, &[(NEAR, 1.0, 0.3)]), NOW, 9);
        assert_eq!(
            bids(&fold(&mut overlay, Some(&key), NOW).unwrap()),
            [0.3, 0.2]
        );
        let later = NOW.plus(Span::from_millis(20_000));
        assert_eq!(bids(&fold(&mut overlay, None, later).unwrap()), [0.3]);
        // Of what came nothing is left: the chain of the key stands, as old as it is.
        let much_later = NOW.plus(Span::from_millis(70_000));
        let made = fold(&mut overlay, None, much_later).unwrap();
        assert_eq!((bids(&made), made.head.as_of), (vec![0.1, 0.2], ago(50)));
        assert!(!overlay.wants_folding(None, much_later, AGE));
    }

    #[test]
    fn without_a_key_messages_are_a_chain_until_they_are_old() {
        let mut overlay = Overlay::default();
        overlay.forget_base();
        overlay.take_quotes(&chain(ago(0), 1.0, &[(FAR, 1.0, 0.3)]), NOW, 9);
        assert_eq!(bids(&fold(&mut overlay, None, NOW).unwrap()), [0.3]);
        let later = NOW.plus(Span::from_millis(61_000));
        assert_eq!(fold(&mut overlay, None, later), None);
    }
}
