//! How analytics runs: everything that touches the world. What is computed is in the crate `quant`.

pub mod config;
