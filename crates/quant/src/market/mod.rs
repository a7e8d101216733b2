//! The nouns of a market: instants, symbols, integer prices and sizes, quotes, books, trades,
//! and the session calendar. No arithmetic of the field happens here but the signing of trades.

mod auction;
mod book;
mod chain;
mod condition_codes;
mod conditions;
mod number;
mod quote;
mod session;
pub mod signing;
mod symbol;
mod tape;
mod time;
mod venues;

pub use auction::{Bar, Imbalance};
pub use book::{Level, OrderBook};
pub use chain::{
    Chain, ChainBuilder, Column, Contracts, Head, ListedStrike, Listing, Right, Series, Style,
};
pub use condition_codes::CodeSet;
pub use conditions::{Conditions, Effect};
pub use number::{Price, Size, size_sum_to_f64};
pub use quote::{Quote, QuoteHistory, Touch};
#[cfg(test)]
pub(crate) use session::shipped;
pub use session::{
    Calendars, Day, Exchange, Expiry, ExpiryKind, Phase, Product, Session, Settlement, t_years,
};
pub use signing::{Rule, Side, SignedBy, TickRule};
pub use symbol::Symbol;
pub use tape::{QuoteSource, SignedTrade, Signer, Signing, TapeRing, Trade, Venue};
pub use time::{Span, Timestamp};
pub use venues::{OFF_EXCHANGE, US_VENUES, UsVenue};
