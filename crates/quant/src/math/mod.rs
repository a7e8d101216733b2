//! Numbers in, numbers out. Nothing here knows a symbol, a document or the time of day.

pub mod book;
pub mod bvc;
pub mod decay;
pub mod dense;
pub mod gamma_profile;
pub mod lanes;
pub mod microprice;
pub mod normal;
pub mod rolling;
pub mod root;
pub mod standard_error;
pub mod student_t;
pub mod volume_buckets;
pub mod zero_gamma;
