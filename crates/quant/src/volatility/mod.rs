//! Volatility indices from option chains: the variance a strip of options holds, the clock of the
//! one-day index, both indices, and the regime a level stands for.
//!
//! Cboe's VIX over 30 calendar days and VIX1D over one session, by its published methodology; of
//! any underlying whose chain has the series, SPX being the one they are published for.

pub mod clock;
pub mod index;
pub mod reading;
pub mod regime;
pub mod strip;

pub use reading::{Observation, Origin, Reading};
