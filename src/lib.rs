//! How it runs: everything of `analytics` that touches the world. What is computed is in `quant`.

pub mod cli;
pub mod config;
pub mod feed;
pub mod import;
pub mod recording;
pub mod store;
pub mod unpack;
