//! Analytics.

pub mod recording;
