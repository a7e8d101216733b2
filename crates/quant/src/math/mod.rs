//! Numbers in, numbers out. Nothing here knows a symbol, a document or the time of day.

pub mod american;
pub mod black_scholes;
pub mod book;
pub mod bvc;
pub mod decay;
pub mod dense;
pub mod forward;
pub mod gamma_profile;
pub mod implied_vol;
pub mod lanes;
pub mod liquidity;
pub mod microprice;
pub mod normal;
pub mod pchip;
pub mod rolling;
pub mod root;
pub mod smile;
pub mod standard_error;
pub mod student_t;
pub mod sum;
pub mod svi;
pub mod term_structure;
pub mod toxicity;
pub mod unusual;
pub mod volume_buckets;
pub mod zero_gamma;
