//! Expected moves: how far options say that a price goes until their expiry.
//!
//! One standard deviation is S·σ·√T. A straddle at the money costs the mean absolute move, √(2/π),
//! about 0.798, of that (Brenner & Subrahmanyam 1988). Desks also quote 85 % of the straddle, which
//! is a habit and no statistic.

use std::f64::consts::FRAC_PI_2;

/// The part of a straddle that desks call the expected move.
pub const DESK_PART: f64 = 0.85;

/// Business days in a year of VIX1D.
const SESSIONS_A_YEAR: f64 = 252.0;

/// One standard deviation to an expiry: S·σ·√T, in units of the price; σ a decimal, T in years.
pub fn one_sigma(spot: f64, iv: f64, years: f64) -> Option<f64> {
    finite(spot * iv * years.sqrt())
}

/// The standard deviation that a straddle at the money is the price of: times √(π/2).
pub fn straddle_to_one_sigma(straddle: f64) -> Option<f64> {
    finite(straddle * FRAC_PI_2.sqrt())
}

/// What desks take for the expected move: 85 % of the straddle at the money.
pub fn desk_rule(straddle: f64) -> Option<f64> {
    finite(straddle * DESK_PART)
}

/// One standard deviation of one session by VIX1D, which is annualised on 252 sessions (VIX on 365
/// days); the index in percent.
pub fn one_session(spot: f64, vix1d: f64) -> Option<f64> {
    finite(spot * vix1d / 100.0 / SESSIONS_A_YEAR.sqrt())
}

/// A move in percent of the spot.
pub fn percent(of: f64, spot: f64) -> Option<f64> {
    finite(of / spot * 100.0)
}

fn finite(x: f64) -> Option<f64> {
    (x >= 0.0 && x.is_finite()).then_some(x)
}
