//! What holds for every input: ranges, symmetries, independence of batching, no look-ahead, and
//! documents that are JSON whatever the market says. The market of the tests is in `market`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod documents;
mod market;
mod obi;
mod signing;
mod vpin;
