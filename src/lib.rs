//! Analytics.

pub mod recording;
pub mod unpack;
