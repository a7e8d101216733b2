//! What holds for every input: ranges, symmetries, independence of batching, no look-ahead, and
//! documents that are JSON whatever the market says. Inputs come from `market`; `desk` turns the
//! calculators.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod american;
mod bars;
mod black_scholes;
mod chain_stats;
mod chains;
mod clustering;
mod correlation;
mod covariance;
mod desk;
mod documents;
mod exposures;
mod flow;
mod flow_clusters;
mod gamma_profile;
mod history;
mod implied_vol;
mod market;
mod microprice;
mod obi;
mod signing;
mod smile;
mod sweep;
mod synthetic;
mod volatility;
mod vpin;
