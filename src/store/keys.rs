//! Every key of the store, one function each; none is spelled anywhere else.

use quant::market::Symbol;

/// Set of the symbols a feed publishes, read where the configuration lists none.
pub const SYMBOLS: &str = "market:symbols";
/// The engine's heartbeat.
pub const HEARTBEAT: &str = "heartbeat:analytics";
/// VPIN bucket size for all symbols, found by another program.
pub const DISCOVERED_BUCKET_SIZE: &str = "discovered:vpin_bucket_size";

/// Best bid and offer, last trade.
pub fn ticker(symbol: &Symbol) -> String {
    format!("market:{symbol}:ticker")
}

/// Order book.
pub fn book(symbol: &Symbol) -> String {
    format!("market:{symbol}:book")
}

/// List of trades, newest at the tail.
pub fn trades(symbol: &Symbol) -> String {
    format!("market:{symbol}:trades")
}

/// VPIN bucket size for one symbol, found by another program.
pub fn discovered_bucket_size(symbol: &Symbol) -> String {
    format!("discovered:vpin_bucket_size:{symbol}")
}

/// Average daily volume in shares, found by another program.
pub fn discovered_volume(symbol: &Symbol) -> String {
    format!("discovered:adv:{symbol}")
}

/// The keys the engine reads of one symbol, spelled once.
#[derive(Clone, Debug)]
pub struct SymbolKeys {
    /// Ticker.
    pub ticker: String,
    /// Order book.
    pub book: String,
    /// Trades.
    pub trades: String,
    /// Discovered VPIN bucket size.
    pub bucket_size: String,
    /// Discovered average daily volume.
    pub volume: String,
}

impl SymbolKeys {
    /// The keys of a symbol.
    pub fn of(symbol: &Symbol) -> Self {
        Self {
            ticker: ticker(symbol),
            book: book(symbol),
            trades: trades(symbol),
            bucket_size: discovered_bucket_size(symbol),
            volume: discovered_volume(symbol),
        }
    }
}

/// A calculator's document; `key` is what the calculator calls it.
pub fn document(symbol: &Symbol, key: &str) -> String {
    format!("analytics:{symbol}:{key}")
}

/// What a calculator of a symbol remembers over a restart.
pub fn state(symbol: &Symbol, name: &str) -> String {
    format!("state:analytics:{symbol}:{name}")
}

/// A feed's heartbeat.
pub fn feed_heartbeat(provider: &str) -> String {
    format!("heartbeat:feed:{provider}")
}

/// The symbol of a market or option key such as `market:GOOG:ticker`.
pub fn symbol_of(key: &str) -> Option<Symbol> {
    let rest = key
        .strip_prefix("market:")
        .or_else(|| key.strip_prefix("options:"))?;
    let (symbol, _) = rest.split_once(':')?;
    Symbol::new(symbol).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_its_symbol() {
        let goog = Symbol::new("GOOG").unwrap();
        assert_eq!(symbol_of(&ticker(&goog)), Some(goog.clone()));
        assert_eq!(symbol_of(&trades(&goog)), Some(goog));
        assert_eq!(symbol_of(SYMBOLS), None);
        assert_eq!(symbol_of("market:A B:ticker"), None);
    }
}
