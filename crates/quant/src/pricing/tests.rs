//! What pricing promises: curves, forwards, whose volatility, which point, what is dropped.

mod chains;
mod curves;
mod forwards;
mod points;
mod volatilities;

pub(crate) use chains::{Listed, RATE, at, call, date, put, quoted};
