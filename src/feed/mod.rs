//! Feeds: what publishes market data into the store. One file a provider.

pub mod heartbeat;
pub mod recording;
pub mod restamp;
pub mod wire;

/// The providers there are.
pub const PROVIDERS: [&str; 1] = ["recording"];
