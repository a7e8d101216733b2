//! Feeds: what publishes market data into the store. One file a provider; one writer for all.

pub mod cboe;
pub mod dirt;
pub mod globaldatafeeds;
pub mod heartbeat;
pub mod message;
pub mod provider;
pub mod publish;
pub mod recording;
pub mod restamp;
pub mod synthetic;
pub mod wire;
