//! Numbers in, numbers out. Nothing here knows a symbol, a document or the time of day.

pub mod book;
pub mod decay;
pub mod dense;
pub mod microprice;
pub mod rolling;
pub mod volume_buckets;
