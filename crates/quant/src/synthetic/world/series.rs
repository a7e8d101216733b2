//! Which contracts are listed, how much of them is open and how much trades: strikes about the
//! price as it was when sessions began, open interest that changes at the open by a part of the
//! session before, and a session's volume that is a function of the contract and the session.

use std::sync::Arc;

use chrono::{Datelike, NaiveDate};

use super::draw::Draw;
use super::underlying::{Class, Underlying};
use crate::market::{Expiry, ExpiryKind, Product, Right, Settlement, Timestamp};

/// Strikes reach so far from the price, in its logarithm: a little beyond ±20 % on both sides,
/// so that it holds while the price moves.
const REACH: f64 = 0.28;

/// The finest strikes are within so much of the price, of expiries within so many days.
const FINE_REACH: f64 = 0.05;
const FINE_DAYS: i32 = 45;

/// Strikes far from the price are at most so much of it apart.
const COARSEST: f64 = 0.025;

/// Open interest against the weight of a contract in a session's volume, before the first one: with
/// its wider spread over strikes some two sessions' volume over all contracts, as of SPY.
const OPEN_TO_VOLUME: f64 = 0.5;

/// Share of a session's volume by which open interest changes.
const CHANGE: (f64, f64) = (-0.35, 0.5);

/// Contracts of one root and expiry.
#[derive(Clone, Debug)]
pub(super) struct Series {
    pub(super) listed: Listed,
    /// Ascending by strike.
    pub(super) lines: Vec<Line>,
}

/// What the rules say of a series.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub(super) root: Arc<str>,
    pub(super) expiry: NaiveDate,
    pub(super) kind: ExpiryKind,
    pub(super) settlement: Settlement,
    pub(super) settles_at: Timestamp,
    /// When it trades last, which may be before or after.
    pub(super) last_trade: Timestamp,
    /// Units of the underlying, where the calendars know it.
    pub(super) multiplier: Option<f64>,
}

/// The call and the put of one strike.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    /// In steps of the underlying's strikes.
    pub(super) strike: u32,
    /// Call, put.
    pub(super) open: [Interest; 2],
}

/// What is open of a contract.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Interest {
    pub(super) contracts: u32,
    /// Since the session before.
    pub(super) change: i32,
}

/// A session as far as volume depends on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct SessionOf<'a> {
    pub(super) terms: &'a Underlying,
    /// Draws of the underlying.
    pub(super) draw: Draw,
    pub(super) date: NaiveDate,
    /// The price as it began.
    pub(super) spot: f64,
}

/// The series to be listed on a date: the nearest expiries, and monthly ones beyond them.
pub(super) fn listed(
    product: &Product<'_>,
    terms: &Underlying,
    from: NaiveDate,
    to: NaiveDate,
) -> Vec<Listed> {
    let all = product.expiries(from, to);
    let mut dates: Vec<NaiveDate> = all.iter().map(|expiry| expiry.date).collect();
    dates.dedup();
    let near = dates.get(terms.expiries - 1).or(dates.last()).copied();
    let mut monthlies = 0;
    let wanted = |expiry: &&Expiry<'_>| {
        if Some(expiry.date) <= near {
            return true;
        }
        monthlies += usize::from(expiry.kind == ExpiryKind::Monthly);
        expiry.kind == ExpiryKind::Monthly && monthlies <= terms.monthlies
    };
    let of = |expiry: &Expiry<'_>| {
        let settles_at = product.settlement_instant(expiry.date, expiry.settlement);
        Listed {
            root: expiry.root.into(),
            expiry: expiry.date,
            kind: expiry.kind,
            settlement: expiry.settlement,
            settles_at,
            last_trade: product
                .last_trade(expiry.date, expiry.settlement)
                .unwrap_or(settles_at),
            multiplier: product.usual_multiplier(expiry.date),
        }
    };
    all.iter().filter(wanted).map(of).collect()
}

/// The series of the next session: expired ones go, new ones and new strikes come, and open
/// interest changes by what the session before traded. Before the first session there is none.
pub(super) fn roll(
    series: &mut Vec<Series>,
    listed: &[Listed],
    before: Option<SessionOf<'_>>,
    now: SessionOf<'_>,
) {
    if let Some(before) = before {
        for one in series.iter_mut() {
            one.settle_volume(&before);
        }
    }
    series.retain(|one| listed.iter().any(|listed| one.is(listed)));
    for listed in listed {
        match series.iter_mut().find(|one| one.is(listed)) {
            Some(one) => one.list_strikes(&now, false),
            None => {
                let mut one = Series {
                    listed: listed.clone(),
                    lines: Vec::new(),
                };
                one.list_strikes(&now, before.is_none());
                one.lines.shrink_to_fit();
                series.push(one);
            }
        }
    }
    // Roots of one date by the order of the rules, which the stable sort keeps.
    series.sort_by_key(|one| one.listed.expiry);
}

impl Series {
    fn is(&self, listed: &Listed) -> bool {
        self.listed.expiry == listed.expiry && self.listed.root == listed.root
    }

    /// Open interest after a session.
    fn settle_volume(&mut self, session: &SessionOf<'_>) {
        let Self { listed, lines } = self;
        for line in lines {
            for (right, interest) in [Right::Call, Right::Put].into_iter().zip(&mut line.open) {
                let volume = volume(listed, line.strike, right, session);
                let share = session
                    .contract(listed, line.strike, right)
                    .part(session.day())
                    .part(2)
                    .between(CHANGE.0, CHANGE.1);
                let before = i64::from(interest.contracts);
                let change = (share * f64::from(volume)).round() as i64;
                let after = (before + change).clamp(0, i64::from(u32::MAX));
                interest.contracts = after as u32;
                interest.change = (after - before) as i32;
            }
        }
    }

    /// Adds the strikes that stand about the price and are not there yet.
    fn list_strikes(&mut self, session: &SessionOf<'_>, with_interest: bool) {
        let mut added: Vec<Line> = session
            .strikes(&self.listed)
            .filter(|strike| {
                let found = self.lines.binary_search_by_key(strike, |line| line.strike);
                found.is_err()
            })
            .map(|strike| self.line(strike, session, with_interest))
            .collect();
        if !added.is_empty() {
            self.lines.append(&mut added);
            self.lines.sort_unstable_by_key(|line| line.strike);
        }
    }

    fn line(&self, strike: u32, session: &SessionOf<'_>, with_interest: bool) -> Line {
        let interest = |right| {
            if !with_interest {
                return Interest::default();
            }
            let drawn = session.contract(&self.listed, strike, right).part(1);
            let wide = weight(&self.listed, strike, right, session, 2.0);
            let often = if self.listed.kind == ExpiryKind::Monthly {
                2.5
            } else {
                1.0
            };
            let contracts = OPEN_TO_VOLUME * often * wide * drawn.log_normal(0.5);
            Interest {
                contracts: contracts.round() as u32,
                change: 0,
            }
        };
        Line {
            strike,
            open: [interest(Right::Call), interest(Right::Put)],
        }
    }
}

impl SessionOf<'_> {
    /// What is drawn for a contract, whatever the session.
    pub(super) fn contract(&self, listed: &Listed, strike: u32, right: Right) -> Draw {
        let expiry = u64::from(listed.expiry.num_days_from_ce().unsigned_abs());
        let is_am = u64::from(listed.settlement == Settlement::Am);
        let right = u64::from(right == Right::Put);
        self.draw
            .part(expiry << 2 | is_am << 1 | right)
            .part(u64::from(strike))
    }

    fn day(&self) -> u64 {
        u64::from(self.date.num_days_from_ce().unsigned_abs())
    }

    fn days_to(&self, listed: &Listed) -> i32 {
        let days = listed.expiry.num_days_from_ce() - self.date.num_days_from_ce();
        days.max(0)
    }

    /// Strikes in steps, ascending: all of them near the price, every other or fifth beyond.
    fn strikes(&self, listed: &Listed) -> impl Iterator<Item = u32> + use<> {
        let (spot, step) = (self.spot, self.terms.strike_step);
        let coarse = match self.terms.class {
            Class::Index | Class::Fund => 5,
            Class::Stock => 2,
        };
        // Where strikes stand wide apart already, all of them are listed.
        let is_wide = f64::from(coarse) * step > COARSEST * spot;
        let coarse = if is_wide { 1 } else { coarse };
        let fine_reach = if self.days_to(listed) <= FINE_DAYS {
            FINE_REACH
        } else {
            0.0
        };
        let at = move |reach: f64| spot * libm::exp(reach) / step;
        let (first, last) = (at(-REACH).floor().max(1.0), at(REACH).ceil());
        let fine = at(-fine_reach)..=at(fine_reach);
        (first as u32..=last as u32)
            .filter(move |strike| strike % coarse == 0 || fine.contains(&f64::from(*strike)))
    }
}

/// Contracts of a session's volume.
pub(super) fn volume(listed: &Listed, strike: u32, right: Right, session: &SessionOf<'_>) -> u32 {
    let drawn = session
        .contract(listed, strike, right)
        .part(session.day())
        .part(1);
    let contracts = weight(listed, strike, right, session, 1.0) * drawn.log_normal(0.6);
    contracts.floor().min(1e8) as u32
}

/// Contracts of an ordinary session: most near the money and at round strikes, on the nearest
/// expiries and monthly ones, out of the money more than in it.
fn weight(listed: &Listed, strike: u32, right: Right, session: &SessionOf<'_>, width: f64) -> f64 {
    let terms = session.terms;
    let days = f64::from(session.days_to(listed));
    let deviation = terms.volatility * ((days + 0.5) / 365.0).sqrt();
    let price = f64::from(strike) * terms.strike_step;
    let k = libm::log(price / session.spot);
    let d = k / deviation / width;
    let near = libm::exp(-0.5 * d * d) + 0.004 / (1.0 + d * d);
    let round = match strike {
        strike if strike % 20 == 0 => 2.5,
        strike if strike % 10 == 0 => 1.8,
        strike if strike % 5 == 0 => 1.4,
        _ => 1.0,
    };
    let out = if right.sign() * k >= 0.0 { 1.0 } else { 0.4 };
    let expiry = match listed.kind {
        ExpiryKind::Monthly => 0.5 + 0.5 / (1.0 + days / 7.0),
        ExpiryKind::Weekly | ExpiryKind::Daily => 1.0 / (1.0 + days / 3.0),
    };
    terms.option_volume * near * round * out * expiry
}
