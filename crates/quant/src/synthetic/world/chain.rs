//! A chain as it is quoted: every price and Greek is Black–Scholes–Merton on the surface, so that
//! puts and calls agree; quotes stand about it on their ticks.
//!
//! A quote is the wider, the further from the money: in volatility out of it, as the price of the
//! option falls faster than what is asked for the risk, and in money in it. Where the price is
//! less than half of that, nobody bids.

use std::sync::Arc;

use chrono::NaiveDate;

use super::draw::Draw;
use super::series::Series;
use super::surface::Surface;
use super::underlying::Underlying;
use crate::market::{ExpiryKind, Listing, Right, Settlement, Style, Symbol, Timestamp};
use crate::math::black_scholes::{Greeks, Terms, greeks};

/// A chain at one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    /// The underlying.
    pub symbol: Symbol,
    /// When it is so.
    pub at: Timestamp,
    /// The price that all of it is reckoned with, units of the currency.
    pub spot: f64,
    /// Continuously compounded, decimal per year.
    pub rate: f64,
    /// Continuously compounded, decimal per year.
    pub dividend_yield: f64,
    /// The contracts by expiry, root, strike, call before put.
    pub contracts: Vec<Contract>,
}

/// An option, quoted. Money is in units of the currency for one unit of the underlying.
#[derive(Clone, Debug, PartialEq)]
pub struct Contract {
    /// Root of its symbol.
    pub root: Arc<str>,
    /// The date it expires.
    pub expiry: NaiveDate,
    /// Whether it is a monthly, a weekly or a daily one.
    pub kind: ExpiryKind,
    /// Which prints it settles on.
    pub settlement: Settlement,
    /// When it settles.
    pub settles_at: Timestamp,
    /// Always European: its prices are those of one.
    pub style: Style,
    /// Call or put.
    pub right: Right,
    /// Strike.
    pub strike: f64,
    /// Units of the underlying it stands for.
    pub multiplier: f64,
    /// Best bid; 0 where nobody bids.
    pub bid: f64,
    /// Best offer, above the bid.
    pub ask: f64,
    /// Contracts bid for; 0 where nobody bids.
    pub bid_size: u32,
    /// Contracts offered.
    pub ask_size: u32,
    /// Price of the last trade of the session.
    pub last: Option<f64>,
    /// Value on the surface.
    pub mark: f64,
    /// Volatility on the surface, 1.0 is 100 %, by elapsed time.
    pub iv: f64,
    /// Total implied variance, iv² by the years that remain.
    pub total_variance: f64,
    /// ∂V/∂S, −1 to 1.
    pub delta: f64,
    /// ∂²V/∂S².
    pub gamma: f64,
    /// −∂V/∂T, per year.
    pub theta: f64,
    /// ∂V/∂σ, per 1.00 of volatility.
    pub vega: f64,
    /// ∂V/∂r, per 1.00 of the rate.
    pub rho: f64,
    /// Contracts open, the same all session.
    pub open_interest: u32,
    /// Its change since the session before.
    pub oi_change: i32,
    /// Contracts traded in the session so far.
    pub volume: u32,
}

impl Contract {
    /// The contract as a source lists it, for a chain builder.
    pub fn listing(&self, at: Timestamp) -> Listing<'_> {
        Listing {
            root: Some(&self.root),
            multiplier: Some(self.multiplier),
            style: Some(self.style),
            settlement: Some(self.settlement),
            bid: Some(self.bid),
            ask: Some(self.ask),
            bid_size: Some(f64::from(self.bid_size)),
            ask_size: Some(f64::from(self.ask_size)),
            last: self.last,
            mark: Some(self.mark),
            iv: Some(self.iv),
            delta: Some(self.delta),
            gamma: Some(self.gamma),
            theta: Some(self.theta),
            vega: Some(self.vega),
            rho: Some(self.rho),
            open_interest: Some(f64::from(self.open_interest)),
            oi_change: Some(f64::from(self.oi_change)),
            volume: Some(f64::from(self.volume)),
            quote_at: Some(at),
            ..Listing::new(self.expiry, self.right, self.strike)
        }
    }
}

/// One expiry at one instant: what its options are priced with.
pub(super) struct Pricer<'a> {
    pub(super) terms: &'a Underlying,
    pub(super) surface: Surface,
    pub(super) spot: f64,
    /// Years of elapsed time, above 0, and of the clock of variance.
    pub(super) t_years: f64,
    pub(super) variance_years: f64,
}

/// An option on the surface.
pub(super) struct Priced {
    pub(super) iv: f64,
    pub(super) total_variance: f64,
    pub(super) greeks: Greeks,
}

impl Pricer<'_> {
    /// Price and Greeks; `None` where they are beyond numbers.
    pub(super) fn price(&self, right: Right, strike: f64) -> Option<Priced> {
        let (rate, dividend_yield) = (self.terms.rate, self.terms.dividend_yield);
        let k = libm::log(strike / self.spot) - (rate - dividend_yield) * self.t_years;
        let slice = self.surface.slice(self.variance_years);
        let total_variance = slice.total_variance(k);
        let iv = (total_variance / self.t_years).sqrt();
        let terms = Terms {
            spot: self.spot,
            strike,
            t_years: self.t_years,
            rate,
            dividend_yield,
            sigma: iv,
        };
        let greeks = greeks(right, &terms).ok()?;
        Some(Priced {
            iv,
            total_variance,
            greeks,
        })
    }

    /// Half of a quote's width: a share of what a third of a volatility point is worth at the
    /// money, more away from it, less in what trades much; out of the money at most so much of
    /// the price.
    fn half_width(&self, right: Right, strike: f64, priced: &Priced) -> f64 {
        let tick = self.terms.option_tick;
        let theta = self.surface.slice(self.variance_years).atm_total_variance();
        let k = libm::log(strike / self.spot);
        let deviations = (k / theta.sqrt()).abs().min(20.0);
        let liquidity = (self.terms.option_volume.max(1.0) / 1_000.0).sqrt();
        let at_the_money = 0.4 * self.spot * theta.sqrt();
        let share = 0.006 + 0.02 / (1.0 + liquidity);
        let half = 0.5 * tick + at_the_money * share * (1.0 + 0.35 * deviations);
        if right.sign() * k >= 0.0 {
            half.min(0.6 * tick + 0.3 * priced.greeks.price)
        } else {
            half
        }
    }

    /// Bid and offer on their ticks about the price.
    pub(super) fn quote(&self, right: Right, strike: f64, priced: &Priced) -> (f64, f64) {
        let tick = self.terms.option_tick;
        let half = self.half_width(right, strike, priced);
        let price = priced.greeks.price;
        let bid = ((price - half) / tick).floor().max(0.0);
        let ask = ((price + half) / tick).ceil().max(bid + 1.0);
        (on_tick(bid, tick), on_tick(ask, tick))
    }

    /// A trade at about the price, on its tick.
    pub(super) fn traded(&self, right: Right, strike: f64, draw: Draw) -> Option<f64> {
        let priced = self.price(right, strike)?;
        let tick = self.terms.option_tick;
        let half = self.half_width(right, strike, &priced);
        let price = priced.greeks.price + draw.between(-1.0, 1.0) * half;
        Some(on_tick((price / tick).round().max(1.0), tick))
    }
}

/// A number of ticks as a price, rounded to what decimals it has.
fn on_tick(count: f64, tick: f64) -> f64 {
    (count * tick * 1e6).round() / 1e6
}

/// Contracts bid for and offered: more where more is open, anew every five seconds.
pub(super) fn sizes(draw: Draw, open_interest: u32, at: Timestamp) -> [u32; 2] {
    let usual = 5.0 + 0.6 * f64::from(open_interest).sqrt();
    let moment = draw.part((at.whole_seconds() / 5).unsigned_abs());
    [1, 2].map(|side| (usual * moment.part(side).log_normal(0.7)).round().max(1.0) as u32)
}

/// Whether a series is still quoted.
pub(super) fn is_quoted(series: &Series, now: Timestamp) -> bool {
    now < series.listed.settles_at && now < series.listed.last_trade
}
