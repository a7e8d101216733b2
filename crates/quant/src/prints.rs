//! What prints show beyond their sum: orders swept over venues, and orders that were not displayed.

pub mod hidden;
pub mod icebergs;
pub mod sweeps;
