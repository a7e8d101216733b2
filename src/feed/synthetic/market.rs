//! The synthetic market as messages, in its own time: everything that happens in between, and on
//! turns the state of every symbol that trades. The demo lives on it, too.
//!
//! What happens depends on the seed, the settings and the start alone; what a turn shows depends
//! on the instant, whatever the steps that led there.

use std::collections::BTreeSet;
use std::sync::Arc;

use quant::market::{Calendars, Symbol, Timestamp};
use quant::synthetic::world::{Event, Kind, Settings, Underlying, World};

use crate::config::{Feed, Market as Exchanges};
use crate::feed::message::{Message, What};

/// Contracts a turn may show before the rest waits for the next one: what half a core can make
/// and write in a second.
const CONTRACTS_A_TURN: usize = 40_000;

/// So few symbols show every chain on the first turn.
const ALL_AT_ONCE: usize = 64;

/// The market.
pub struct Market {
    world: World,
    symbols: Vec<Symbol>,
    /// Added to the numbers of trades and ticks, so that those after a restart are new.
    first_id: u64,
    trades: Vec<u64>,
    ticks: Vec<u64>,
    chain_every: usize,
    turns: u64,
    /// Chains times `chain_every` that are due and not yet a whole one.
    chains_due: usize,
    /// The symbol whose chain is next.
    next_chain: usize,
}

impl Market {
    /// The market of these settings from an instant on. An error says what to change.
    pub fn new(
        feed: &Feed,
        exchanges: &Exchanges,
        calendars: Arc<Calendars>,
        start: Timestamp,
    ) -> Result<Self, String> {
        let settings = Settings {
            underlyings: underlyings(feed, exchanges, &calendars),
            generated: feed.symbols_generated,
            always_open: feed.always_open,
            trades_per_second: Some(feed.trades_per_second).filter(|rate| *rate > 0.0),
            // Asked for on turns: between them nobody reads one.
            books: false,
        };
        let world = World::new(&settings, calendars, feed.seed, start)?;
        let symbols: Vec<Symbol> = world.symbols().cloned().collect();
        let mut names = BTreeSet::new();
        if let Some(twice) = symbols.iter().find(|name| !names.insert(*name)) {
            return Err(format!(
                "{twice}: there twice: name every symbol once, and none like a generated one"
            ));
        }
        Ok(Self {
            // A second has room for a million of a symbol, and doubles hold the sum exactly.
            first_id: start.whole_seconds().unsigned_abs() * 1_000_000,
            trades: vec![0; symbols.len()],
            ticks: vec![0; symbols.len()],
            chain_every: usize::try_from(feed.chain_every.max(1)).unwrap_or(usize::MAX),
            turns: 0,
            chains_due: 0,
            next_chain: 0,
            world,
            symbols,
        })
    }

    /// Every symbol there is.
    pub fn symbols(&self) -> &[Symbol] {
        &self.symbols
    }

    /// Whether anything trades.
    pub fn is_open(&self) -> bool {
        (0..self.symbols.len()).any(|at| self.world.is_open(at))
    }

    /// The instant up to which everything has happened.
    pub fn now(&self) -> Timestamp {
        self.world.now()
    }

    /// Everything that happens up to and including `until`, in time order.
    pub fn advance(&mut self, until: Timestamp, each: &mut impl FnMut(Message)) {
        self.advance_within(until, usize::MAX, each);
    }

    /// As much of it as so many messages say. Whether that was all; the rest comes next time.
    pub fn advance_within(
        &mut self,
        until: Timestamp,
        most: usize,
        each: &mut impl FnMut(Message),
    ) -> bool {
        let mut said = 0;
        for Event { at, symbol, kind } in self.world.advance(until) {
            let name = &self.symbols[symbol];
            let what = match kind {
                Kind::Trade { trade, truth } => {
                    self.trades[symbol] += 1;
                    What::Trade {
                        symbol: name.clone(),
                        trade,
                        id: self.first_id + self.trades[symbol],
                        truth: Some(truth),
                    }
                }
                Kind::Bar(minute) => What::Bar {
                    symbol: name.clone(),
                    minute,
                },
                Kind::Imbalance(imbalance) => What::Imbalance {
                    symbol: name.clone(),
                    imbalance,
                },
                Kind::Underlying(price) => {
                    self.ticks[symbol] += 1;
                    What::Underlying {
                        symbol: name.clone(),
                        price,
                        tick_id: self.first_id + self.ticks[symbol],
                    }
                }
                // Turns show them.
                Kind::Quote { .. } | Kind::Book(_) => continue,
            };
            each(Message { at, what });
            said += 1;
            if said >= most {
                return false;
            }
        }
        true
    }

    /// The currency each symbol trades in.
    pub fn currencies(&self) -> impl Iterator<Item = (&Symbol, &'static str)> {
        let terms = (0..self.symbols.len()).filter_map(|at| self.world.underlying(at));
        terms.map(|terms| (&terms.symbol, terms.currency))
    }

    /// Ticker and book of every symbol that trades.
    pub fn show(&self, each: &mut impl FnMut(Message)) {
        let at = self.world.now();
        let mut say = |what| each(Message { at, what });
        for (place, symbol) in self.symbols.iter().enumerate() {
            if !self.world.is_open(place) {
                continue;
            }
            if let Some(Kind::Quote {
                quote,
                bid_size,
                ask_size,
            }) = self.world.quote(place)
            {
                say(What::Ticker {
                    symbol: symbol.clone(),
                    quote,
                    bid_size,
                    ask_size,
                });
            }
            if let Some(book) = self.world.book(place) {
                say(What::Book {
                    symbol: symbol.clone(),
                    book,
                });
            }
        }
    }

    /// The state of every symbol that trades: ticker and book, and chains by turns.
    pub fn turn(&mut self, each: &mut impl FnMut(Message)) {
        self.show(each);
        let at = self.world.now();
        let mut say = |what| each(Message { at, what });
        let is_first = self.turns == 0;
        let is_spx = |symbol: &Symbol| symbol.as_str() == "SPX";
        let spx = self.symbols.iter().position(is_spx);
        if self.turns.is_multiple_of(self.chain_every as u64)
            && spx.is_some_and(|place| self.world.is_open(place))
            && let Some(level) = self.world.vix1d()
        {
            say(What::Vix1d(level));
        }
        let few = self.symbols.len() <= ALL_AT_ONCE;
        let wanted = if is_first && few {
            self.symbols.len()
        } else {
            // What does not divide is carried on, so that few symbols take their turns, too.
            let due = self.chains_due + self.symbols.len();
            self.chains_due = due % self.chain_every;
            due / self.chain_every
        };
        let mut contracts = 0;
        for _ in 0..wanted {
            let place = self.next_chain;
            self.next_chain = (place + 1) % self.symbols.len();
            if !self.world.is_open(place) {
                continue;
            }
            if let Some(chain) = self.world.chain(place) {
                contracts += chain.contracts.len();
                say(What::Chain(Box::new(chain)));
            }
            if contracts > CONTRACTS_A_TURN && !(is_first && few) {
                break;
            }
        }
        self.turns += 1;
    }
}

/// Those of the default universe by their own terms, others by those usual at their price.
fn underlyings(feed: &Feed, exchanges: &Exchanges, calendars: &Calendars) -> Vec<Underlying> {
    let defaults = Underlying::defaults();
    if feed.symbols.is_empty() {
        return defaults;
    }
    let of = |symbol: &Symbol| {
        let known = defaults.iter().find(|known| known.symbol == *symbol);
        if let Some(known) = known {
            return known.clone();
        }
        let listed = || calendars.exchange_of(symbol.as_str()).map(|e| e.code());
        let named = exchanges.exchanges.get(symbol).map(String::as_str);
        let exchange = named.or_else(listed).unwrap_or(&exchanges.exchange);
        let price = feed.prices.get(symbol).copied().unwrap_or(100.0);
        let volatility = feed.volatilities.get(symbol).copied().unwrap_or(0.3);
        Underlying::stock(symbol.clone(), exchange, price, volatility)
    };
    feed.symbols.iter().map(of).collect()
}

#[cfg(test)]
mod tests;
