//! How it runs: everything of `analytics` that touches the world. What is computed is in `quant`.

pub mod catalogue;
pub mod chain_service;
pub mod cli;
pub mod clock;
pub mod config;
pub mod engine;
pub mod feed;
pub mod fetch;
pub mod history;
pub mod http;
pub mod import;
pub mod recording;
pub mod replay;
pub mod schemas;
pub mod sink;
pub mod source;
pub mod store;
pub mod telemetry;
pub mod unpack;
pub mod vendor_chain;
pub mod vix1d;
