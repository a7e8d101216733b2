//! Feeds: what publishes market data into the store.

pub mod restamp;
