//! What a chain implies by itself: the forward and yield of each series, the volatility of each
//! contract, at the chain's own spot and time.
//!
//! **Whose volatility.** The source's where it is usable, else one solved from the quote. In the
//! money a quote is mostly intrinsic value, so there the volatility of the same strike's other
//! side is taken, and the contract's own quote only where that has none. Index options are solved
//! on the forward of their expiry. American ones are solved as European out of the money, where
//! early exercise is worth little; in the money, and beyond a year for puts, they are
//! de-Americanised (Andersen, Lake, Offengenden 2016).

use std::cell::Cell;
use std::collections::BTreeMap;

use crate::market::{Chain, Right, Series, Style, Timestamp, t_years};
use crate::math::black_scholes::{IvCheck, Terms, check_iv};
use crate::math::forward::{
    ParityQuote, forward_at_rate, forward_at_the_money, implied_yield, regression,
};
use crate::math::{american, implied_vol::implied_vol};

use super::{IvChoice, PricingTerms, RateCurve};

/// Strikes within this part of the spot tell the forward.
const NEAR_THE_MONEY: f64 = 0.05;

/// Under so many years half a spread of the forward is percents of yield: the yield of the first
/// longer expiry is taken.
const SHORTEST_FOR_YIELD: f64 = 7.0 / 365.0;

/// A yield beyond it is a wrong spot or a wrong expiry, no yield.
const LARGEST_YIELD: f64 = 0.5;

/// A volatility below it is what a source writes where it has none, or rounding of an intrinsic
/// value; nothing trades at it.
const LEAST_IV: f64 = 1e-3;

/// American puts of more years are de-Americanised out of the money, too.
const LONG_DATED: f64 = 1.0;

/// Most contracts of a chain that are de-Americanised; the rest are solved as European.
/// One takes a tenth of a millisecond, some two.
const MOST_DE_AMERICANISED: usize = 1_000;

/// Where the forward of a series comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ForwardSource {
    /// Put-call parity of its own quotes.
    Parity,
    /// Spot, rate and yield.
    Carry,
}

/// Where the volatility of a contract comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum IvSource {
    /// The source states it.
    Vendor,
    /// Solved from its quote.
    Quote,
    /// That of the other side of its strike, which is out of the money.
    OtherSide,
    /// Solved from its quote by an American model.
    DeAmericanised,
}

impl IvSource {
    /// The name in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Vendor => "vendor",
            Self::Quote => "quote",
            Self::OtherSide => "other_side",
            Self::DeAmericanised => "de_americanised",
        }
    }
}

/// What one series implies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImpliedSeries {
    /// Years to settlement at the chain's time; 0 or less once settled.
    pub t_years: f64,
    /// Continuous rate to the settlement.
    pub rate: f64,
    /// Continuous yield that greeks are computed with.
    pub dividend_yield: f64,
    /// Forward that volatilities are solved on.
    pub forward: f64,
    /// Where that comes from.
    pub forward_source: ForwardSource,
}

/// What a chain implies.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Implied {
    /// Spot it was implied at.
    pub spot: f64,
    /// Instant it was implied at.
    pub at: Timestamp,
    /// By series, in the chain's order.
    pub series: Vec<ImpliedSeries>,
    /// Volatility by contract, in the chain's order; 1.0 is 100 %.
    pub iv: Vec<Result<(f64, IvSource), NoIv>>,
    /// What was odd about volatilities, by reason.
    pub noted: BTreeMap<&'static str, u64>,
}

/// Why a contract has no volatility.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoIv {
    /// It had settled at the chain's time.
    Expired,
    /// Neither volatility nor usable quote.
    NoQuote,
    /// Its spread is too wide to tell.
    WideSpread,
    /// Its price is not one any volatility gives.
    NotSolvable,
}

impl NoIv {
    /// The reason in counts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::NoQuote => "no_iv",
            Self::WideSpread => "wide_spread",
            Self::NotSolvable => "iv_not_solvable",
        }
    }
}

impl Implied {
    /// What `chain` implies at `spot`. Solved anew for every chain: a solution that starts from the
    /// last one is sooner there, but its last bits would depend on how long the program has run.
    pub fn of(chain: &Chain, spot: f64, rates: &RateCurve, terms: &PricingTerms) -> Self {
        let mut implied = Self {
            spot,
            at: chain.at(),
            series: series(chain, spot, rates, terms.dividend_yield),
            iv: Vec::with_capacity(chain.contracts.len()),
            noted: BTreeMap::new(),
        };
        let de_americanisable = Cell::new(MOST_DE_AMERICANISED);
        for (series, own) in chain.series.iter().zip(&implied.series) {
            let solver = Solver {
                chain,
                series,
                own,
                terms,
                spot,
                de_americanisable: &de_americanisable,
            };
            solver.solve(&mut implied.iv, &mut implied.noted);
        }
        implied
    }
}

/// The forward and yield of each series.
fn series(
    chain: &Chain,
    spot: f64,
    rates: &RateCurve,
    dividend_yield: Option<f64>,
) -> Vec<ImpliedSeries> {
    let at = chain.at();
    let mut found: Vec<ImpliedSeries> = Vec::with_capacity(chain.series.len());
    for series in &chain.series {
        let t = t_years(series.settles_at, at);
        let rate = rates.at(t.max(0.0));
        let by_parity = dividend_yield.is_none() && series.style == Style::European && t > 0.0;
        let parity = by_parity.then(|| parity_forward(chain, series, spot, rate, t));
        let carry = dividend_yield.unwrap_or(0.0);
        found.push(match parity.flatten() {
            Some(forward) => ImpliedSeries {
                t_years: t,
                rate,
                dividend_yield: f64::NAN,
                forward,
                forward_source: ForwardSource::Parity,
            },
            None => ImpliedSeries {
                t_years: t,
                rate,
                dividend_yield: if by_parity { f64::NAN } else { carry },
                forward: spot * libm::exp((rate - carry) * t),
                forward_source: ForwardSource::Carry,
            },
        });
    }
    fill_yields(&mut found, spot);
    found
}

/// Yields from the forwards of expiries long enough to tell one; the others take that of the
/// nearest that does, and 0 where none does.
fn fill_yields(series: &mut [ImpliedSeries], spot: f64) {
    let mut told: Vec<(f64, f64)> = Vec::new();
    for one in series.iter_mut() {
        let long = one.t_years >= SHORTEST_FOR_YIELD;
        if one.forward_source != ForwardSource::Parity || !long {
            continue;
        }
        let implied = implied_yield(one.forward, spot, one.rate, one.t_years);
        if let Some(implied) = implied.filter(|implied| implied.abs() <= LARGEST_YIELD) {
            one.dividend_yield = implied;
            told.push((one.t_years, implied));
        }
    }
    for one in series {
        if !one.dividend_yield.is_nan() {
            continue;
        }
        let distance = |(t, _): &&(f64, f64)| (t - one.t_years).abs();
        let nearest = told
            .iter()
            .min_by(|a, b| distance(a).total_cmp(&distance(b)));
        one.dividend_yield = nearest.map_or(0.0, |(_, implied)| *implied);
        if one.forward_source == ForwardSource::Carry {
            one.forward = spot * libm::exp((one.rate - one.dividend_yield) * one.t_years);
        }
    }
}

/// The forward of a series from its pairs near the money, weighted by 1/spread²; from parity at
/// the known rate where a line through them is no discount factor.
fn parity_forward(chain: &Chain, series: &Series, spot: f64, rate: f64, t: f64) -> Option<f64> {
    let near = |quote: &ParityQuote| (quote.strike / spot - 1.0).abs() <= NEAR_THE_MONEY;
    // A quote without a spread is a mark, and still not exact.
    let quotes = parity_quotes(chain, series, 1e-4 * spot).filter(near);
    let quotes: Vec<ParityQuote> = quotes.collect();
    let usual = |forward: &f64| libm::log(*forward / spot).abs() <= 0.02 + LARGEST_YIELD * t;
    let discount = libm::exp(-rate * t);
    let line = regression(&quotes, t).ok().filter(|line| {
        line.pairs >= 4 && (line.discount / discount - 1.0).abs() <= 0.005 + 0.02 * t
    });
    let forward = match line {
        Some(line) => Some(line.forward),
        None => forward_at_rate(&quotes, rate, t).ok(),
    };
    forward.filter(usual)
}

/// Solves the volatilities of one series.
struct Solver<'a> {
    chain: &'a Chain,
    series: &'a Series,
    own: &'a ImpliedSeries,
    terms: &'a PricingTerms,
    spot: f64,
    /// How many more contracts of the chain are worth a slow solution.
    de_americanisable: &'a Cell<usize>,
}

type Solved = Result<(f64, IvSource), NoIv>;

impl Solver<'_> {
    fn solve(&self, found: &mut Vec<Solved>, noted: &mut BTreeMap<&'static str, u64>) {
        let range = self.series.contracts.clone();
        let start = found.len();
        if self.own.t_years <= 0.0 {
            found.extend(range.map(|_| Err(NoIv::Expired)));
            return;
        }
        for at in range.clone() {
            let stated = match self.terms.chain.iv {
                IvChoice::Vendor => self.stated(at, noted),
                IvChoice::Own => None,
            };
            found.push(match stated {
                Some(iv) => Ok((iv, IvSource::Vendor)),
                None if self.out_of_the_money(at) => self.of_quote(at),
                None => Err(NoIv::NoQuote),
            });
        }
        // In the money: what the other side of the strike says, else its own quote.
        for at in range.clone() {
            let place = start + at - range.start;
            if found[place].is_ok() || self.out_of_the_money(at) {
                continue;
            }
            let other = self.other_side(at).map(|other| start + other - range.start);
            found[place] = match other.map(|other| found[other]) {
                Some(Ok((iv, _))) => Ok((iv, IvSource::OtherSide)),
                Some(Err(_)) | None => self.of_quote(at),
            };
        }
    }

    /// The source's own volatility where it can be one.
    fn stated(&self, at: usize, noted: &mut BTreeMap<&'static str, u64>) -> Option<f64> {
        let iv = self.chain.contracts.iv.get(at).filter(|iv| *iv > 0.0)?;
        match check_iv(iv, self.own.t_years) {
            IvCheck::Plausible if iv >= LEAST_IV => Some(iv),
            IvCheck::Plausible | IvCheck::Suspect | IvCheck::Rejected => {
                *noted.entry("suspect_iv").or_default() += 1;
                None
            }
        }
    }

    fn out_of_the_money(&self, at: usize) -> bool {
        let contracts = &self.chain.contracts;
        match contracts.right[at] {
            Right::Call => contracts.strike[at] >= self.own.forward,
            Right::Put => contracts.strike[at] <= self.own.forward,
        }
    }

    /// The contract of the same strike and the other right: the neighbour in the chain's order.
    fn other_side(&self, at: usize) -> Option<usize> {
        let contracts = &self.chain.contracts;
        let other = match contracts.right[at] {
            Right::Call => at + 1,
            Right::Put => at.checked_sub(1)?,
        };
        let there = self.series.contracts.contains(&other);
        (there && contracts.strike[other] == contracts.strike[at]).then_some(other)
    }

    fn of_quote(&self, at: usize) -> Solved {
        let contracts = &self.chain.contracts;
        let price = match contracts.touch(at) {
            Some((bid, ask)) => {
                let mid = 0.5 * (bid + ask);
                if ask - bid > self.terms.chain.max_spread * mid {
                    return Err(NoIv::WideSpread);
                }
                mid
            }
            // A source that marks and does not quote.
            None if contracts.bid.get(at).is_none() && contracts.ask.get(at).is_none() => {
                contracts.mark.get(at).ok_or(NoIv::NoQuote)?
            }
            None => return Err(NoIv::NoQuote),
        };
        let t = self.own.t_years;
        let (right, strike) = (contracts.right[at], contracts.strike[at]);
        let long_put = right == Right::Put && t > LONG_DATED;
        let american = self.series.style == Style::American;
        if american && (long_put || !self.out_of_the_money(at)) && self.may_de_americanise() {
            let terms = Terms {
                spot: self.spot,
                strike,
                t_years: t,
                rate: self.own.rate,
                dividend_yield: self.own.dividend_yield,
                sigma: f64::NAN,
            };
            let solved = american::implied_vol(right, price, &terms);
            return usable(solved.ok(), t).map(|iv| (iv, IvSource::DeAmericanised));
        }
        let forward_price = price * libm::exp(self.own.rate * t);
        let solved = implied_vol(right, forward_price, self.own.forward, strike, t);
        usable(solved.ok(), t).map(|iv| (iv, IvSource::Quote))
    }
}

impl Solver<'_> {
    /// Whether the chain has not had its share of slow solutions.
    fn may_de_americanise(&self) -> bool {
        let left = self.de_americanisable.get();
        self.de_americanisable.set(left.saturating_sub(1));
        left > 0
    }
}

/// The strikes of a series whose call and put are both quoted, weighted by 1/spread², of a spread of
/// at least so much.
fn parity_quotes<'a>(
    chain: &'a Chain,
    series: &Series,
    least_spread: f64,
) -> impl Iterator<Item = ParityQuote> + 'a {
    let contracts = &chain.contracts;
    let end = series.contracts.end;
    series.contracts.clone().filter_map(move |at| {
        let is_pair = contracts.right[at] == Right::Call
            && at + 1 < end
            && contracts.right[at + 1] == Right::Put
            && contracts.strike[at + 1] == contracts.strike[at];
        let (call_bid, call_ask) = contracts.touch(at).filter(|_| is_pair)?;
        let (put_bid, put_ask) = contracts.touch(at + 1)?;
        let spread = (call_ask - call_bid + put_ask - put_bid).max(least_spread);
        Some(ParityQuote {
            strike: contracts.strike[at],
            call_mid: Some(0.5 * (call_bid + call_ask)),
            put_mid: Some(0.5 * (put_bid + put_ask)),
            weight: 1.0 / (spread * spread),
        })
    })
}

/// The spot of a chain that states none: by parity at the strike where calls and puts of its first
/// expiry are nearest to each other.
pub fn parity_spot(chain: &Chain) -> Option<f64> {
    let of_series = |series: &Series| {
        // The nearest pair alone: weights do not matter.
        let quotes: Vec<ParityQuote> = parity_quotes(chain, series, 1.0).collect();
        forward_at_the_money(&quotes, 0.0, 0.0).ok()
    };
    let mut spots = chain.series.iter().filter_map(of_series);
    spots.find(|spot| *spot > 0.0)
}

fn usable(iv: Option<f64>, t: f64) -> Result<f64, NoIv> {
    let plausible = |iv: &f64| *iv >= LEAST_IV && check_iv(*iv, t) == IvCheck::Plausible;
    iv.filter(plausible).ok_or(NoIv::NotSolvable)
}
