//! The nouns of a market: instants, symbols, integer prices and sizes, quotes, books, trades,
//! and the session calendar. No arithmetic of the field happens here but the signing of trades.

mod number;
mod session;
mod signing;
mod symbol;
mod time;

pub use number::{Price, Size, size_sum_to_f64};
pub use session::{Calendars, Day, Exchange, Phase, Session, Settlement, t_years};
pub use signing::{Rule, Side};
pub use symbol::Symbol;
pub use time::{Span, Timestamp};
