//! What is computed: market nouns, calculators and their maths.
//!
//! Pure, synchronous and deterministic: no runtime, no store, no clock, no unseeded chance.
//! `now` and the seed are arguments, so that a live pass and its replay are the same bits.

#![warn(clippy::wildcard_enum_match_arm)]

pub mod baseline;
pub mod calculator;
pub mod calculators;
pub mod document;
pub mod exposure;
pub mod flow;
pub mod history;
pub mod json;
pub mod market;
pub mod math;
pub mod participants;
pub mod pricing;
pub mod prints;
pub mod snapshot;
pub mod synthetic;
pub mod universe;
pub mod volatility;
