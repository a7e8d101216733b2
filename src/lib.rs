//! How it runs: everything of `analytics` that touches the world. What is computed is in `quant`.

pub mod config;
pub mod store;
