//! The chain of an underlying at an instant, and the one-day volatility index on its surface.

use super::{MARKS, Member};
use crate::market::{Right, Settlement, Style, Timestamp, t_years};
use crate::synthetic::world::chain::{self, Chain, Contract, Pricer};
use crate::synthetic::world::clock::Clock;
use crate::synthetic::world::draw::Draw;
use crate::synthetic::world::series::{self, Series, SessionOf};
use crate::synthetic::world::{level, pace};

impl Member {
    /// The chain as it is quoted at an instant.
    pub(in crate::synthetic::world) fn chain(&self, clock: &Clock, now: Timestamp) -> Chain {
        let spot = self.price().to_f64();
        let mut contracts = Vec::new();
        for series in &self.series {
            if chain::is_quoted(series, now) {
                self.quote_series(series, spot, clock, now, &mut contracts);
            }
        }
        Chain {
            symbol: self.terms.symbol.clone(),
            at: now,
            spot,
            rate: self.terms.rate,
            dividend_yield: self.terms.dividend_yield,
            contracts,
        }
    }

    /// The level of a one-day volatility index in percent; `None` without two expiries.
    pub(in crate::synthetic::world) fn one_day_level(
        &self,
        clock: &Clock,
        now: Timestamp,
    ) -> Option<f64> {
        let surface = self.spot.surface(self.spot.log_factor());
        let settles_later =
            |one: &&Series| one.listed.settlement == Settlement::Pm && now < one.listed.settles_at;
        let mut nearest = self.series.iter().filter(settles_later).map(|one| {
            let listed = &one.listed;
            let years = clock.years_to(listed.expiry, Settlement::Pm, listed.settles_at, now);
            let sessions = clock.sessions_to(listed.expiry, listed.settles_at, now);
            (level::swap_variance(&surface.slice(years)), sessions)
        });
        let first = nearest.next()?;
        let (near, next) = match first {
            (_, sessions) if sessions <= 1.0 => (Some(first), nearest.next()?),
            _ => (None, first),
        };
        let level = level::one_session(near, next, clock.sessions_a_year());
        level.is_finite().then_some(level)
    }

    fn quote_series(
        &self,
        series: &Series,
        spot: f64,
        clock: &Clock,
        now: Timestamp,
        to: &mut Vec<Contract>,
    ) {
        let listed = &series.listed;
        let at = |now| Pricer {
            terms: &self.terms,
            surface: self.spot.surface(self.spot.log_factor()),
            spot,
            t_years: t_years(listed.settles_at, now),
            variance_years: clock.years_to(
                listed.expiry,
                listed.settlement,
                listed.settles_at,
                now,
            ),
        };
        let pricer = at(now);
        let session = self.day.session.map(|(date, spot)| SessionOf {
            terms: &self.terms,
            draw: self.draw,
            date,
            spot,
        });
        let done = match &session {
            // After the close the clock stands at the next session, and all of this one is done.
            Some(session) if session.date == clock.date() => pace::done(clock, now),
            Some(_) => 1.0,
            None => 0.0,
        };
        for line in &series.lines {
            let strike = f64::from(line.strike) * self.terms.strike_step;
            for (right, interest) in [Right::Call, Right::Put].into_iter().zip(line.open) {
                let Some(priced) = pricer.price(right, strike) else {
                    continue;
                };
                let (bid, ask) = pricer.quote(right, strike, &priced);
                let draw = self.draw.part(u64::from(line.strike)).part(right as u64);
                let [bid_size, ask_size] = chain::sizes(draw, interest.contracts, now);
                let (volume, last) = match &session {
                    Some(session) => {
                        let whole = series::volume(listed, line.strike, right, session);
                        let traded = (f64::from(whole) * done).floor();
                        let drawn = session.contract(listed, line.strike, right);
                        let share = traded / f64::from(whole.max(1));
                        let last = (traded >= 1.0).then(|| {
                            let draw = drawn.part(traded as u64);
                            self.last(&pricer, right, strike, share, clock, draw)
                        });
                        (traded as u32, last.flatten())
                    }
                    None => (0, None),
                };
                let greeks = priced.greeks;
                to.push(Contract {
                    root: listed.root.clone(),
                    expiry: listed.expiry,
                    kind: listed.kind,
                    settlement: listed.settlement,
                    settles_at: listed.settles_at,
                    style: Style::European,
                    right,
                    strike,
                    multiplier: listed.multiplier.unwrap_or(self.terms.lot),
                    bid,
                    ask,
                    bid_size: if bid > 0.0 { bid_size } else { 0 },
                    ask_size,
                    last,
                    mark: greeks.price,
                    iv: priced.iv,
                    total_variance: priced.total_variance,
                    delta: greeks.delta,
                    gamma: greeks.gamma,
                    theta: greeks.theta,
                    vega: greeks.vega,
                    rho: greeks.rho,
                    open_interest: interest.contracts,
                    oi_change: interest.change,
                    volume,
                });
            }
        }
    }

    /// Price of the last trade: at what the underlying was when a share of the volume was done.
    fn last(
        &self,
        now: &Pricer<'_>,
        right: Right,
        strike: f64,
        share: f64,
        clock: &Clock,
        draw: Draw,
    ) -> Option<f64> {
        let elapsed = pace::elapsed_when(clock, share);
        let at = ((elapsed * MARKS as f64) as usize).min(self.marks.len().checked_sub(1)?);
        let (spot, log_factor) = self.marks[at];
        let then = Pricer {
            terms: now.terms,
            surface: self.spot.surface(f64::from(log_factor)),
            spot: f64::from(spot),
            t_years: now.t_years,
            variance_years: now.variance_years,
        };
        then.traded(right, strike, draw)
    }
}
