//! What an answer for a symbol says, or why it says nothing that may be published.

use quant::market::{Symbol, Timestamp};

use super::poller::Terms;
use crate::feed::message::{Message, What};
use crate::fetch::{FetchError, quoted};
use crate::vendor_chain::cboe::Response;
use crate::vendor_chain::{Snapshot, Ticker};

/// A file from further ahead is of a wrong zone or clock.
const MOST_AHEAD_MS: i64 = 60_000;

/// Why nothing of an answer is published.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    /// There was nothing to read.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The service says so of a symbol it does not have, and to whom it does not want.
    #[error(
        "status 403: CBOE has no options of this symbol, or refuses this host (an index is listed in feed.cboe.indices)"
    )]
    Forbidden,
    #[error("no JSON: it begins `{0}`")]
    NotJson(String),
    #[error("JSON without data.options")]
    NoChain,
    #[error("the chain is of `{0}`")]
    WrongSymbol(String),
    #[error("its time `{0}` is not YYYY-MM-DD HH:MM:SS")]
    BadTime(String),
    #[error("its time {0} is ahead of the clock (is feed.cboe.zone right?)")]
    Future(String),
    #[error("none of its {0} contracts could be read")]
    NoContracts(u64),
}

impl Failure {
    /// The same in one word that never changes, for metrics.
    pub(super) fn reason(&self) -> String {
        let word = match self {
            Self::Fetch(error) => return error.reason(),
            Self::Forbidden => "status_403",
            Self::NotJson(_) => "not_json",
            Self::NoChain => "not_a_chain",
            Self::WrongSymbol(_) => "wrong_symbol",
            Self::BadTime(_) => "bad_time",
            Self::Future(_) => "future",
            Self::NoContracts(_) => "no_contracts",
        };
        word.to_owned()
    }
}

/// A chain with its ticker.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) ticker: Ticker,
    pub(super) chain: Snapshot,
    /// Contracts that could not be read.
    pub(super) bad: u64,
}

impl Answer {
    /// The answer for a symbol that came at `now`; `None` where it is not newer than `before`,
    /// epoch milliseconds.
    pub(super) fn read(
        text: &[u8],
        symbol: &Symbol,
        terms: &Terms,
        before: Option<i64>,
        now: Timestamp,
    ) -> Result<Option<Self>, Failure> {
        let start = || {
            let start = &text[..text.len().min(60)];
            Failure::NotJson(quoted(&String::from_utf8_lossy(start)))
        };
        let text = std::str::from_utf8(text).map_err(|_| start())?;
        let response = Response::parse(text).ok_or_else(start)?;
        let response = response.map_err(|_| Failure::NoChain)?;
        let found = response.symbol().unwrap_or_default();
        if found != symbol.as_str().trim_start_matches(['^', '_']) {
            return Err(Failure::WrongSymbol(quoted(&found)));
        }
        let as_of_ms = response.as_of_ms(terms.zone);
        let as_of_ms = as_of_ms.map_err(|text| Failure::BadTime(quoted(&text)))?;
        if as_of_ms > now.millis().saturating_add(MOST_AHEAD_MS) {
            let at = Timestamp::from_millis(as_of_ms);
            return Err(Failure::Future(at.to_rfc3339()));
        }
        if before.is_some_and(|before| as_of_ms <= before) {
            return Ok(None);
        }
        let (contracts, bad) = response.contracts();
        if contracts.is_empty() {
            return Err(Failure::NoContracts(bad));
        }
        let chain = Snapshot {
            symbol: symbol.clone(),
            source: super::NAME,
            as_of_ms,
            spot: response.spot(),
            underlying: response.underlying(),
            delayed: true,
            delay_ms: terms.delay_ms,
            contracts,
        };
        let ticker = Ticker {
            session: response.session(),
            delay: chain.delay(),
            ..chain.ticker()
        };
        Ok(Some(Self { ticker, chain, bad }))
    }

    /// What is published of it: the price before the chain that is priced on it.
    pub(super) fn into_messages(self) -> Vec<Message> {
        let symbol = What::Symbol(self.chain.symbol.clone());
        let at = Timestamp::from_millis(self.chain.as_of_ms);
        let whats = [
            symbol,
            What::VendorTicker(Box::new(self.ticker)),
            What::VendorChain(Box::new(self.chain)),
        ];
        whats.map(|what| Message { at, what }).into()
    }
}
