//! Every key of the store, one function each; none is spelled anywhere else.

use quant::calculator::{Card, Scope};
use quant::market::Symbol;

use super::codec::contract_id::contract_id;

/// Set of the symbols a feed publishes, read where the configuration lists none.
pub const SYMBOLS: &str = "market:symbols";
/// The engine's heartbeat.
pub const HEARTBEAT: &str = "heartbeat:analytics";
/// VPIN bucket size for all symbols, found by another program.
pub const DISCOVERED_BUCKET_SIZE: &str = "discovered:vpin_bucket_size";

/// The matrix of correlations that another program found.
pub const FOUND_MATRIX: &str = "discovered:correlation_matrix";
/// One-day volatility as a broker's feed writes it.
pub const VIX1D_BROKER: &str = "ibkr:market_data:VIX1D";
/// One-day volatility as a person ingested it.
pub const VIX1D_MANUAL: &str = "volatility:vix1d:manual";

/// What every key of a single contract matches, of every symbol. One sweep over all keys serves
/// all symbols, and no symbol's name has to be escaped in a pattern.
pub const CONTRACTS: &str = "*greeks*";

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

/// Option chain.
pub fn chain(symbol: &Symbol) -> String {
    format!("options:{symbol}:chain")
}

/// How the key of a single contract is spelled, the preferred way first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ContractLayout {
    /// `options:SPX:SPXW261120C06000000:greeks`.
    IdThenGreeks,
    /// `options:SPX:greeks:SPXW261120C06000000`.
    GreeksThenId,
    /// `greeks:SPX:SPXW261120C06000000`.
    Greeks,
}

/// What the key of a single contract names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractKey<'a> {
    /// The underlying.
    pub symbol: Symbol,
    /// The contract's name.
    pub id: &'a str,
    /// How it is spelled.
    pub layout: ContractLayout,
}

/// What a key of a single contract names; `None` where it is none, or its contract's name does not
/// say what the contract is.
pub fn contract(key: &str) -> Option<ContractKey<'_>> {
    let mut parts = key.split(':');
    let mut part = || parts.next();
    let parts = [part(), part(), part(), part(), part()];
    let (symbol, id, layout) = match parts {
        [
            Some("options"),
            Some(symbol),
            Some(id),
            Some("greeks"),
            None,
        ] => (symbol, id, ContractLayout::IdThenGreeks),
        [
            Some("options"),
            Some(symbol),
            Some("greeks"),
            Some(id),
            None,
        ] => (symbol, id, ContractLayout::GreeksThenId),
        [Some("greeks"), Some(symbol), Some(id), None, None] => {
            (symbol, id, ContractLayout::Greeks)
        }
        _ => return None,
    };
    contract_id(id)?;
    Some(ContractKey {
        symbol: Symbol::new(symbol).ok()?,
        id,
        layout,
    })
}

/// List of minute bars, oldest first.
pub fn bars(symbol: &Symbol) -> String {
    format!("market:{symbol}:bars:1min")
}

/// The same, as some producers name it.
pub fn bare_bars(symbol: &Symbol) -> String {
    format!("market:{symbol}:bars")
}

/// Whether a key is a list of minute bars, by either name.
pub fn is_bars(key: &str) -> bool {
    key.ends_with(":bars:1min") || key.ends_with(":bars")
}

/// Closing-auction feed.
pub fn imbalance(symbol: &Symbol) -> String {
    format!("market:{symbol}:imbalance")
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
    /// Option chain.
    pub chain: String,
    /// Minute bars.
    pub bars: String,
    /// Minute bars under their bare name.
    pub bare_bars: String,
    /// Closing-auction feed.
    pub imbalance: String,
    /// Discovered VPIN bucket size.
    pub bucket_size: String,
    /// Discovered average daily volume.
    pub volume: String,
    /// What is usual of the symbol.
    pub baseline: String,
}

impl SymbolKeys {
    /// The keys of a symbol.
    pub fn of(symbol: &Symbol) -> Self {
        Self {
            ticker: ticker(symbol),
            book: book(symbol),
            trades: trades(symbol),
            chain: chain(symbol),
            bars: bars(symbol),
            bare_bars: bare_bars(symbol),
            imbalance: imbalance(symbol),
            bucket_size: discovered_bucket_size(symbol),
            volume: discovered_volume(symbol),
            baseline: baseline(symbol),
        }
    }
}

/// What is usual of a symbol, made from history.
pub fn baseline(symbol: &Symbol) -> String {
    format!("discovered:baseline:{symbol}")
}

/// A calculator's document; `key` is what the calculator calls it.
pub fn document(symbol: &Symbol, key: &str) -> String {
    format!("analytics:{symbol}:{key}")
}

/// The document of a calculator over all symbols, or over those of a group.
pub fn overall(key: &str, group: Option<&str>) -> String {
    match group {
        Some(group) => format!("analytics:{key}:{group}"),
        None => format!("analytics:{key}"),
    }
}

/// A calculator's key with `{S}` or `{group}` in the place of names.
pub fn pattern(card: &Card) -> String {
    let key = card.key;
    match card.scope {
        Scope::Symbol => format!("analytics:{{S}}:{key}"),
        Scope::Universe => overall(key, None),
        Scope::Group => overall(key, Some("{group}")),
    }
}

/// What a calculator over all symbols remembers over a restart.
pub fn overall_state(name: &str) -> String {
    format!("state:analytics:{name}")
}

/// What one source of one-day volatility said last.
pub fn vix1d_last(source: &str) -> String {
    format!("volatility:vix1d:{source}:last")
}

/// What it said before, newest first.
pub fn vix1d_history(source: &str) -> String {
    format!("volatility:vix1d:{source}:history")
}

/// The values of a document at minute marks, newest first.
pub fn history(document: &str) -> String {
    format!("{document}:history")
}

/// Price of the underlying, for readers of the chain service.
pub fn latest_underlying(symbol: &Symbol) -> String {
    format!("latest:underlying:{symbol}")
}

/// Quote of one contract.
pub fn latest_option(contract: &str) -> String {
    format!("latest:option:{contract}")
}

/// Enriched chain of one expiry; `expiry` is a member of [`expiries`].
pub fn latest_chain(symbol: &Symbol, expiry: &str) -> String {
    format!("latest:chain:{symbol}:{expiry}")
}

/// Put-call ratios of one expiry.
pub fn latest_pcr(symbol: &Symbol, expiry: &str) -> String {
    format!("latest:pcr:{symbol}:{expiry}")
}

/// The newest bar of so many minutes.
pub fn ohlc(symbol: &Symbol, minutes: u32) -> String {
    format!("ohlc:{symbol}:{minutes}m")
}

/// Volatilities of all expiries.
pub fn volatility_surface(symbol: &Symbol) -> String {
    format!("volatility_surface:{symbol}")
}

/// Set of the expiries with keys that live.
pub fn expiries(symbol: &Symbol) -> String {
    format!("index:expiries:{symbol}")
}

/// Channel on which prices of underlyings are told.
pub const ENRICHED_UNDERLYING: &str = "enriched:underlying";
/// Channel on which enriched chains are told.
pub const ENRICHED_CHAIN: &str = "enriched:option_chain";
/// Channel on which a pass tells which documents it wrote.
pub const EVENTS: &str = "events:analytics";

/// What a calculator of a symbol remembers over a restart.
pub fn state(symbol: &Symbol, name: &str) -> String {
    format!("state:analytics:{symbol}:{name}")
}

/// What a written document is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject<'a> {
    /// The symbol; `None` where it is about all of them.
    pub symbol: Option<&'a str>,
    /// Which of several: the sector, the expiry, the window.
    pub part: Option<&'a str>,
    /// Whether the chain service writes it.
    pub of_chains: bool,
}

/// What the document of a name at a key is about; `None` for what is no document, and for the quotes
/// of single contracts.
pub fn subject<'a>(document: &str, key: &'a str) -> Option<Subject<'a>> {
    let of_chains = |start: &str| {
        let rest = key.strip_prefix(start)?;
        let (symbol, part) = match rest.split_once(':') {
            Some((symbol, part)) => (symbol, Some(part)),
            None => (rest, None),
        };
        Some(Subject {
            symbol: Some(symbol),
            part,
            of_chains: true,
        })
    };
    match document {
        "latest_underlying" => return of_chains("latest:underlying:"),
        "latest_chain" => return of_chains("latest:chain:"),
        "latest_pcr" => return of_chains("latest:pcr:"),
        "ohlc" => return of_chains("ohlc:"),
        "volatility_surface" => return of_chains("volatility_surface:"),
        _ => {}
    }
    let card = quant::calculators::all().find(|card| card.name == document)?;
    let rest = key.strip_prefix("analytics:")?;
    let behind = |name: &'a str| name.strip_suffix(card.key)?.strip_suffix(':');
    let (symbol, part) = match card.scope {
        Scope::Symbol => (Some(behind(rest)?), None),
        Scope::Universe => (None, None),
        Scope::Group => (None, Some(rest.strip_prefix(card.key)?.strip_prefix(':')?)),
    };
    Some(Subject {
        symbol,
        part,
        of_chains: false,
    })
}

/// The other names under which readers of an earlier engine look for a document.
pub fn aliases(key: &str) -> impl Iterator<Item = String> {
    let names = match key.strip_prefix("analytics:") {
        Some(rest) => alias_of_analytics(rest).into_iter().collect(),
        None if key == HEARTBEAT => vec![format!("module:{HEARTBEAT}"), "hb:analytics".to_owned()],
        None => Vec::new(),
    };
    names.into_iter()
}

/// `rest` is what follows `analytics:`.
fn alias_of_analytics(rest: &str) -> Option<String> {
    if let "vix1d" | "vix1d:history" = rest {
        return Some(format!("analytics:volatility:{rest}"));
    }
    if let Some(sector) = rest.strip_prefix("portfolio:sector:") {
        return Some(format!("analytics:sector:{sector}"));
    }
    let (symbol, name) = rest.split_once(":metric:")?;
    Some(format!("analytics:{symbol}:{name}"))
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
    fn documents_have_the_names_of_an_earlier_engine() {
        let pairs = [
            (HEARTBEAT, "module:heartbeat:analytics hb:analytics"),
            ("analytics:vix1d", "analytics:volatility:vix1d"),
            (
                "analytics:vix1d:history",
                "analytics:volatility:vix1d:history",
            ),
            ("analytics:portfolio:sector:TECH", "analytics:sector:TECH"),
            ("analytics:BRK.B:metric:vpin", "analytics:BRK.B:vpin"),
            ("analytics:portfolio:summary", ""),
            ("analytics:GOOG:vpin", ""),
            ("analytics:GOOG:metric", ""),
            ("state:analytics:GOOG:vpin", ""),
            ("heartbeat:feed:recording", ""),
        ];
        for (key, expected) in pairs {
            let names: Vec<String> = aliases(key).collect();
            assert_eq!(names.join(" "), expected, "{key}");
        }
    }

    #[test]
    fn a_document_is_about_what_its_key_says() {
        let rows = [
            ("sweep", "analytics:BRK.B:metric:sweep", "BRK.B - false"),
            ("portfolio", "analytics:portfolio:summary", "- - false"),
            ("sector", "analytics:portfolio:sector:TECH", "- TECH false"),
            (
                "latest_chain",
                "latest:chain:SPX:2026-12-18:AM",
                "SPX 2026-12-18:AM true",
            ),
            ("volatility_surface", "volatility_surface:SPX", "SPX - true"),
            ("ohlc", "ohlc:SPX:5m", "SPX 5m true"),
        ];
        for (document, key, expected) in rows {
            let found = subject(document, key).unwrap();
            let text = |part: Option<&str>| part.unwrap_or("-").to_owned();
            let (symbol, part) = (text(found.symbol), text(found.part));
            assert_eq!(format!("{symbol} {part} {}", found.of_chains), expected);
        }
        for (document, key) in [
            ("state", "state:analytics:GOOG:vpin"),
            ("history", "analytics:GOOG:gex:history"),
            ("latest_option", "latest:option:GOOG261120C00100000"),
        ] {
            assert_eq!(subject(document, key), None);
        }
    }

    #[test]
    fn a_key_names_its_contract() {
        let id = "SPXW261120C06000000";
        for (key, layout) in [
            (
                format!("options:^SPX:{id}:greeks"),
                ContractLayout::IdThenGreeks,
            ),
            (
                format!("options:^SPX:greeks:{id}"),
                ContractLayout::GreeksThenId,
            ),
            (format!("greeks:^SPX:{id}"), ContractLayout::Greeks),
        ] {
            let symbol = Symbol::new("^SPX").unwrap();
            let expected = ContractKey { symbol, id, layout };
            assert_eq!(contract(&key), Some(expected), "{key}");
        }
        for key in [
            "options:SPX:greeks:greeks",
            "options:SPX:12345:greeks",
            "options:S X:SPXW261120C06000000:greeks",
            "options:SPX:SPXW261120C06000000:greeks:old",
            "analytics:SPX:greeks",
        ] {
            assert_eq!(contract(key), None, "{key}");
        }
    }

    #[test]
    fn a_key_names_its_symbol() {
        let goog = Symbol::new("GOOG").unwrap();
        assert_eq!(symbol_of(&ticker(&goog)), Some(goog.clone()));
        assert_eq!(symbol_of(&trades(&goog)), Some(goog));
        assert_eq!(symbol_of(SYMBOLS), None);
        assert_eq!(symbol_of("market:A B:ticker"), None);
    }
}
