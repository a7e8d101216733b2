//! The variance that the options of one expiry hold: Cboe, "Volatility Index Methodology: Cboe
//! Volatility Index" (2023), the single-term formula; the white paper of 2014 has the same.
//!
//! σ² = (2/T) Σ (ΔK/K²) e^(RT) Q(K) − (1/T) (F/K0 − 1)². T stands only in front and in e^(RT): the
//! total variance T·σ² knows no clock.

#[cfg(test)]
mod tests;

use std::fmt;

use crate::math::sum::Sum;

/// Two strikes whose |C − P| differ by less than this part of the strike are equally near: what
/// the decimals of quotes cost in binary must not choose the forward.
const EQUAL_GAPS: f64 = 1e-12;

/// Zero bids in a row that end a side.
const BIDLESS_RUN: u32 = 2;

/// The quotes of one strike. No bid is a bid of zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StrikeQuotes {
    /// Strike, in the currency of the prices, > 0.
    pub strike: f64,
    /// Best bid of the call.
    pub call_bid: Option<f64>,
    /// Best offer of the call.
    pub call_ask: Option<f64>,
    /// Best bid of the put.
    pub put_bid: Option<f64>,
    /// Best offer of the put.
    pub put_ask: Option<f64>,
}

/// What one strike adds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Constituent {
    /// Strike.
    pub strike: f64,
    /// Q(K): the mid of the option out of the money, at K0 the mean of both mids.
    pub price: f64,
    /// ΔK: half the distance between the strikes beside it, at the ends the distance to the next.
    pub width: f64,
    /// ΔK/K² · e^(RT) · Q(K); twice the sum of them is the total variance but for the forward term.
    pub contribution: f64,
}

/// The variance of one expiry and what it was made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Strip {
    /// F, the forward, from the strike with the least |C − P|.
    pub forward: f64,
    /// K0, the highest strike at or below the forward with both sides bid for.
    pub k0: f64,
    /// T·σ², variance up to the expiry, > 0; depends on T through e^(RT) alone.
    pub total_variance: f64,
    /// σ², variance a year of the clock that T is counted on, > 0.
    pub variance: f64,
    /// Strikes used below K0, puts.
    pub puts: usize,
    /// Strikes used above K0, calls.
    pub calls: usize,
    /// Quotes left out because the bid was above the offer.
    pub crossed: usize,
    /// Quotes left out because nothing was offered.
    pub one_sided: usize,
    /// Rows left out because the strike was none, or was there already.
    pub bad_rows: usize,
    /// The strikes used, ascending.
    pub constituents: Vec<Constituent>,
}

impl Strip {
    /// Strikes used, K0 among them.
    pub fn strikes_used(&self) -> usize {
        self.constituents.len()
    }
}

/// Why quotes have no variance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StripError {
    /// T is not above zero, or the rate is no number.
    BadTerms,
    /// No strike has a bid for both its call and its put.
    NoTwoSidedStrike,
    /// No such strike is at or below the forward.
    NoStrikeBelowForward,
    /// Fewer strikes than wanted on one side of K0.
    TooFewStrikes {
        /// Puts below K0.
        puts: usize,
        /// Calls above K0.
        calls: usize,
    },
    /// The sum is zero or less, or out of the range of numbers: nonsense among the quotes.
    NotPositive,
}

impl StripError {
    /// The name in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadTerms => "bad_terms",
            Self::NoTwoSidedStrike => "no_two_sided_strike",
            Self::NoStrikeBelowForward => "no_strike_below_forward",
            Self::TooFewStrikes { .. } => "too_few_strikes",
            Self::NotPositive => "variance_not_positive",
        }
    }
}

impl fmt::Display for StripError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadTerms => f.write_str("its time or rate is none"),
            Self::NoTwoSidedStrike => f.write_str("no strike has a bid for call and put"),
            Self::NoStrikeBelowForward => f.write_str("no quoted strike at or below the forward"),
            Self::TooFewStrikes { puts, calls } => {
                write!(f, "too few strikes quoted ({puts} puts, {calls} calls)")
            }
            Self::NotPositive => f.write_str("its variance is not above zero"),
        }
    }
}

/// The variance of one expiry: `t_years` to it on the caller's clock, > 0; `rate` a year,
/// continuous; at least `min_strikes` used on each side of K0. Rows in any order.
pub fn strip(
    rows: &[StrikeQuotes],
    t_years: f64,
    rate: f64,
    min_strikes: usize,
) -> Result<Strip, StripError> {
    let growth = libm::exp(rate * t_years);
    if !(t_years > 0.0 && t_years.is_finite() && growth > 0.0 && growth.is_finite()) {
        return Err(StripError::BadTerms);
    }
    let table = Table::of(rows);
    let forward = table.forward(growth)?;
    let (at, k0) = table.k0(forward)?;
    let below = outward(
        table.rows[..at]
            .iter()
            .rev()
            .map(|row| (row.strike, row.put)),
    );
    let above = outward(
        table.rows[at + 1..]
            .iter()
            .map(|row| (row.strike, row.call)),
    );
    let (puts, calls) = (below.len(), above.len());
    if puts.min(calls) < min_strikes || puts + calls == 0 {
        return Err(StripError::TooFewStrikes { puts, calls });
    }

    let prices: Vec<(f64, f64)> = below.into_iter().rev().chain([k0]).chain(above).collect();
    let constituents: Vec<Constituent> = (0..prices.len())
        .map(|at| constituent(&prices, at, growth))
        .collect();
    let sum: Sum = constituents.iter().map(|of| of.contribution).collect();
    let beyond = forward / k0.0 - 1.0;
    let total_variance = 2.0 * sum.value() - beyond * beyond;
    let variance = total_variance / t_years;
    let positive = |value: f64| value > 0.0 && value.is_finite();
    // Each contribution too: what is out of range in one must not be shown.
    let usable = constituents
        .iter()
        .all(|of| of.contribution.is_finite() && of.width.is_finite());
    if !(positive(total_variance) && positive(variance) && usable) {
        return Err(StripError::NotPositive);
    }
    Ok(Strip {
        forward,
        k0: k0.0,
        total_variance,
        variance,
        puts,
        calls,
        crossed: table.crossed,
        one_sided: table.one_sided,
        bad_rows: table.bad_rows,
        constituents,
    })
}

/// What one option's quote is good for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Quote {
    Mid(f64),
    /// A zero bid.
    Bidless,
    /// There is a bid, but no price.
    Unusable,
}

struct Row {
    strike: f64,
    call: Quote,
    put: Quote,
}

/// The rows by strike, each once.
struct Table {
    rows: Vec<Row>,
    crossed: usize,
    one_sided: usize,
    bad_rows: usize,
}

impl Table {
    fn of(rows: &[StrikeQuotes]) -> Self {
        let is_strike = |strike: f64| strike > 0.0 && strike.is_finite();
        let mut sorted: Vec<&StrikeQuotes> =
            rows.iter().filter(|row| is_strike(row.strike)).collect();
        // By the quotes too, so that of two rows of a strike the same one stays in any order.
        let key = |row: &StrikeQuotes| {
            let quotes = [row.call_bid, row.call_ask, row.put_bid, row.put_ask];
            (row.strike.to_bits(), quotes.map(|q| q.map(f64::to_bits)))
        };
        sorted.sort_by_key(|row| key(row));
        sorted.dedup_by_key(|row| row.strike.to_bits());
        let mut table = Self {
            bad_rows: rows.len() - sorted.len(),
            rows: Vec::with_capacity(sorted.len()),
            crossed: 0,
            one_sided: 0,
        };
        for row in sorted {
            let call = table.quote(row.call_bid, row.call_ask);
            let put = table.quote(row.put_bid, row.put_ask);
            let strike = row.strike;
            table.rows.push(Row { strike, call, put });
        }
        table
    }

    fn quote(&mut self, bid: Option<f64>, ask: Option<f64>) -> Quote {
        let price = |quoted: Option<f64>| quoted.filter(|p| *p > 0.0 && p.is_finite());
        match (price(bid), price(ask)) {
            (None, _) => Quote::Bidless,
            (Some(_), None) => {
                self.one_sided += 1;
                Quote::Unusable
            }
            (Some(bid), Some(ask)) if bid > ask => {
                self.crossed += 1;
                Quote::Unusable
            }
            // Halved first: the sum of two large numbers is not finite.
            (Some(bid), Some(ask)) => Quote::Mid(0.5 * bid + 0.5 * ask),
        }
    }

    /// F = K* + e^(RT)·(C − P) at the strike K* with the least |C − P|, the lowest of equals.
    fn forward(&self, growth: f64) -> Result<f64, StripError> {
        let mut best: Option<(f64, f64)> = None;
        for (strike, call, put) in self.rows.iter().filter_map(Row::pair) {
            let gap = call - put;
            let nearer = |(_, least): (f64, f64)| gap.abs() < least.abs() - EQUAL_GAPS * strike;
            if best.is_none_or(nearer) {
                best = Some((strike, gap));
            }
        }
        let (strike, gap) = best.ok_or(StripError::NoTwoSidedStrike)?;
        let forward = strike + growth * gap;
        match forward.is_finite() {
            true => Ok(forward),
            false => Err(StripError::NotPositive),
        }
    }

    /// The place of K0, and it with the mean of its mids.
    fn k0(&self, forward: f64) -> Result<(usize, (f64, f64)), StripError> {
        let pairs = self.rows.iter().enumerate().rev();
        let mut pairs = pairs.filter_map(|(at, row)| Some((at, row.pair()?)));
        pairs
            .find(|(_, (strike, ..))| *strike <= forward)
            .map(|(at, (strike, call, put))| (at, (strike, 0.5 * call + 0.5 * put)))
            .ok_or(StripError::NoStrikeBelowForward)
    }
}

impl Row {
    /// Strike and mids where both sides have one.
    fn pair(&self) -> Option<(f64, f64, f64)> {
        match (self.call, self.put) {
            (Quote::Mid(call), Quote::Mid(put)) => Some((self.strike, call, put)),
            (Quote::Mid(_) | Quote::Bidless | Quote::Unusable, _) => None,
        }
    }
}

/// The options used on one side, from K0 outward: up to two zero bids in a row, and without any.
fn outward(options: impl Iterator<Item = (f64, Quote)>) -> Vec<(f64, f64)> {
    let mut used = Vec::new();
    let mut bidless = 0;
    for (strike, quote) in options {
        match quote {
            Quote::Mid(mid) => {
                bidless = 0;
                used.push((strike, mid));
            }
            Quote::Unusable => bidless = 0,
            Quote::Bidless => {
                bidless += 1;
                if bidless == BIDLESS_RUN {
                    break;
                }
            }
        }
    }
    used
}

/// One of two strikes or more.
fn constituent(prices: &[(f64, f64)], at: usize, growth: f64) -> Constituent {
    let (strike, price) = prices[at];
    let next = prices.get(at + 1).map(|(strike, _)| *strike);
    let previous = at.checked_sub(1).map(|at| prices[at].0);
    let width = match (previous, next) {
        (Some(low), Some(high)) => 0.5 * (high - low),
        (None, Some(high)) => high - strike,
        (Some(low), None) => strike - low,
        (None, None) => 0.0,
    };
    Constituent {
        strike,
        price,
        width,
        contribution: width / strike / strike * growth * price,
    }
}
