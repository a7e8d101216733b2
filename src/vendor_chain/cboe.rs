//! The chains of CBOE's delayed-quotes service,
//! `cdn.cboe.com/api/global/delayed_quotes/options/{SYM}.json`.

use chrono_tz::Tz;

use super::json::Object;
use super::{Contract, Number, Occ, Underlying, instant};

/// An answer of the service, not looked into yet.
pub(crate) struct Response<'a> {
    top: Object<'a>,
    data: Object<'a>,
}

impl<'a> Response<'a> {
    /// `None` for what is no JSON object.
    pub(crate) fn parse(text: &'a str) -> Option<Result<Self, NoChain>> {
        let top = Object::parse(text)?;
        let data = top.object("data").filter(|data| data.has("options"));
        Some(data.map(|data| Self { top, data }).ok_or(NoChain))
    }

    /// The time of the file in a zone, epoch milliseconds; the error is the text that is no time.
    pub(crate) fn as_of_ms(&self, zone: Tz) -> Result<i64, String> {
        let text = self.top.text("timestamp").unwrap_or_default();
        let local = instant::date_time(&text);
        let as_of = local.and_then(|local| instant::in_zone(local, zone));
        as_of.ok_or(text)
    }

    /// The last trade of the underlying, which is in New York's time.
    pub(crate) fn traded_ms(&self) -> Option<i64> {
        let text = self.data.text("last_trade_time")?;
        instant::in_zone(instant::date_time(&text)?, chrono_tz::America::New_York)
    }

    /// The symbol without the marks of an index.
    pub(crate) fn symbol(&self) -> Option<String> {
        let found = self.data.text("symbol").or_else(|| self.top.text("symbol"));
        found.map(|symbol| symbol.trim_start_matches(['^', '_']).to_owned())
    }

    /// The price of the underlying.
    pub(crate) fn spot(&self) -> Option<Number> {
        let prices = ["current_price", "close"].iter();
        let mut prices = prices.filter_map(|name| self.data.number(name));
        prices.find(|price| price.value() > 0.0)
    }

    /// The quote of the underlying.
    pub(crate) fn underlying(&self) -> Underlying {
        let number = |name| self.data.number(name);
        Underlying {
            bid: number("bid"),
            ask: number("ask"),
            bid_size: number("bid_size"),
            ask_size: number("ask_size"),
            volume: number("volume"),
        }
    }

    /// What has been of the session, under the names that messages of an underlying have.
    pub(crate) fn session(&self) -> Vec<(&'static str, Number)> {
        let names = [
            ("open", "open"),
            ("high", "high"),
            ("low", "low"),
            ("close", "prev_day_close"),
            ("change", "price_change"),
        ];
        let found = |(name, theirs): (_, &str)| Some((name, self.data.number(theirs)?));
        names.into_iter().filter_map(found).collect()
    }

    /// The contracts, and how many could not be read.
    pub(crate) fn contracts(&self) -> (Vec<Contract>, u64) {
        let (mut contracts, mut bad) = (Vec::new(), 0);
        for option in self.data.list("options") {
            match Object::parse(option).and_then(|option| contract(&option)) {
                Some(contract) => contracts.push(contract),
                None => bad += 1,
            }
        }
        (contracts, bad)
    }
}

/// JSON that is no chain of CBOE: it has no `data.options`.
pub(crate) struct NoChain;

fn contract(option: &Object<'_>) -> Option<Contract> {
    let occ = Occ::parse(&option.text("option")?)?;
    let mut contract = Contract::of(&occ, occ.strike_number()?);
    for name in ["bid", "ask", "bid_size", "ask_size"] {
        contract.put(name, option.number(name));
    }
    contract.put("last", option.number("last_trade_price"));
    contract.put("volume", option.number("volume"));
    contract.put("open_interest", option.number("open_interest"));
    contract.put_iv(option.number("iv"));
    for name in ["delta", "gamma", "theta", "vega", "rho"] {
        contract.put(name, option.number(name));
    }
    Some(contract)
}
