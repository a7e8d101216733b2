//! European options on a spot with a continuous dividend yield: Black and Scholes (1973), Merton
//! (1973).

use super::normal;

/// What the option gives its holder a right to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Right {
    /// To buy at the strike.
    Call,
    /// To sell at the strike.
    Put,
}

/// An option and its market. Rates are continuous, a year.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Terms {
    /// Price of the underlying, above 0.
    pub spot: f64,
    /// Strike, above 0, in the currency of the spot.
    pub strike: f64,
    /// Time to expiry in years, from 0.
    pub t_years: f64,
    /// Risk-free rate, any sign.
    pub rate: f64,
    /// Dividend yield, any sign.
    pub dividend_yield: f64,
    /// Volatility a square root of a year, from 0.
    pub sigma: f64,
}

/// The European price; not a number for terms that are none.
pub fn price(right: Right, terms: &Terms) -> f64 {
    let Terms { spot, strike, .. } = *terms;
    let share = spot * libm::exp(-terms.dividend_yield * terms.t_years);
    let cash = strike * libm::exp(-terms.rate * terms.t_years);
    let deviation = terms.sigma * terms.t_years.sqrt();
    let sign = match right {
        Right::Call => 1.0,
        Right::Put => -1.0,
    };
    if deviation == 0.0 {
        return (sign * (share - cash)).max(0.0);
    }
    let drift = (terms.rate - terms.dividend_yield) * terms.t_years;
    let d1 = (libm::log(spot / strike) + drift) / deviation + 0.5 * deviation;
    let d2 = d1 - deviation;
    sign * (share * normal::cdf(sign * d1) - cash * normal::cdf(sign * d2))
}
