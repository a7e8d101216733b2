//! What is asked of the vendor: one JSON object a request, and which answer belongs to it.

use std::time::Duration;

use chrono::NaiveDate;
use serde_json::{Value, json};

use super::identifier::{date, parse, written};
use super::rows::{Row, rows};

/// How long a subscription, which is not acknowledged, may be refused before the next request.
const SETTLES: Duration = Duration::from_millis(500);
/// A snapshot of a whole exchange takes the server 20 s and more.
const SLOW: Duration = Duration::from_secs(25);
/// Most identifiers in one request: the server leaves one with more unanswered.
pub(super) const MOST_IDENTIFIERS: usize = 25;

/// What can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    GetLimitation,
    GetExpiryDates,
    GetInstruments,
    GetLastQuote,
    GetLastQuoteArray,
    GetLastQuoteOptionGreeksChain,
    GetExchangeSnapshot,
    SubscribeRealtime,
    SubscribeOptionChain,
    SubscribeOptionChainGreeks,
}

use Function::*;

/// Its name, and the kinds of its answer.
const FUNCTIONS: [(Function, &str, &[&str]); 10] = [
    (GetLimitation, "GetLimitation", &["LimitationResult"]),
    (GetExpiryDates, "GetExpiryDates", &["ExpiryDatesResult"]),
    (GetInstruments, "GetInstruments", &["InstrumentsResult"]),
    (GetLastQuote, "GetLastQuote", &["LastQuoteResult"]),
    (
        GetLastQuoteArray,
        "GetLastQuoteArray",
        &["LastQuoteArrayResult"],
    ),
    (
        GetLastQuoteOptionGreeksChain,
        "GetLastQuoteOptionGreeksChain",
        &[
            "OptionGreeksChainWithQuoteResult",
            "LastQuoteOptionGreeksChainResult",
        ],
    ),
    (
        GetExchangeSnapshot,
        "GetExchangeSnapshot",
        &["ExchangeSnapshotResult"],
    ),
    (SubscribeRealtime, "SubscribeRealtime", &["RealtimeResult"]),
    (
        SubscribeOptionChain,
        "SubscribeOptionChain",
        &["RealtimeOptionChainResult"],
    ),
    (
        SubscribeOptionChainGreeks,
        "SubscribeOptionChainGreeks",
        // Documents of different years call it differently.
        &[
            "RealtimeOptionChainGreeksResult",
            "SubscribeOptionChainGreeks",
            "RealtimeGreeksResult",
            "SubscribeRealtimeGreeks",
        ],
    ),
];

impl Function {
    /// Its name on the wire.
    pub(super) fn name(self) -> &'static str {
        self.entry().1
    }

    /// Whether a message of this kind answers it.
    pub(super) fn is_answered_by(self, kind: &str) -> bool {
        let kinds = self.entry().2;
        kinds.iter().any(|known| known.eq_ignore_ascii_case(kind))
    }

    /// Whether what comes is pushed from here on, and the request itself is not answered.
    pub(super) fn is_subscription(self) -> bool {
        matches!(
            self,
            SubscribeRealtime | SubscribeOptionChain | SubscribeOptionChainGreeks
        )
    }

    /// How long its answer may take where others may take `usual`.
    pub(super) fn patience(self, usual: Duration) -> Duration {
        match self {
            GetExchangeSnapshot => SLOW.max(usual),
            one if one.is_subscription() => SETTLES,
            _ => usual,
        }
    }

    fn entry(self) -> &'static (Self, &'static str, &'static [&'static str]) {
        let found = FUNCTIONS.iter().find(|(known, ..)| *known == self);
        found.expect("the table names every function")
    }
}

/// A request.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Request {
    pub(super) function: Function,
    /// The product or the identifiers it is about.
    pub(super) about: Vec<String>,
    pub(super) expiry: Option<NaiveDate>,
    pub(super) body: Value,
}

impl Request {
    fn new(function: Function, about: &[&str], mut body: Value) -> Self {
        body["MessageType"] = function.name().into();
        Self {
            function,
            about: about.iter().map(|one| (*one).to_owned()).collect(),
            expiry: None,
            body,
        }
    }

    /// What the plan allows.
    pub(super) fn limitation() -> Self {
        Self::new(GetLimitation, &[], json!({}))
    }

    /// The expiries of a product.
    pub(super) fn expiries(exchange: &str, product: &str) -> Self {
        let body = json!({"Exchange": exchange, "Product": product});
        Self::new(GetExpiryDates, &[product], body)
    }

    /// The instruments of a product.
    pub(super) fn instruments(exchange: &str, product: &str) -> Self {
        let body = json!({"Exchange": exchange, "Product": product, "onlyActive": "true"});
        Self::new(GetInstruments, &[product], body)
    }

    /// The quote of one instrument.
    pub(super) fn quote(exchange: &str, id: &str) -> Self {
        let body =
            json!({"Exchange": exchange, "InstrumentIdentifier": id, "isShortIdentifier": "false"});
        Self::new(GetLastQuote, &[id], body)
    }

    /// The quotes of several; at most [`MOST_IDENTIFIERS`].
    pub(super) fn quotes(exchange: &str, ids: &[&str]) -> Self {
        let values: Vec<Value> = ids.iter().map(|id| json!({"Value": id})).collect();
        let body = json!({
            "Exchange": exchange, "isShortIdentifiers": "false", "InstrumentIdentifiers": values,
        });
        Self::new(GetLastQuoteArray, ids, body)
    }

    /// Quotes and greeks of an expiry, or of all.
    pub(super) fn chain(exchange: &str, product: &str, expiry: Option<NaiveDate>) -> Self {
        let mut body = json!({"Exchange": exchange, "Product": product});
        if let Some(expiry) = expiry {
            body["Expiry"] = written(expiry).into();
        }
        let request = Self::new(GetLastQuoteOptionGreeksChain, &[product], body);
        Self { expiry, ..request }
    }

    /// An image of an instrument every second.
    pub(super) fn realtime(exchange: &str, id: &str) -> Self {
        let body =
            json!({"Exchange": exchange, "InstrumentIdentifier": id, "Unsubscribe": "false"});
        Self::new(SubscribeRealtime, &[id], body)
    }

    /// The options of an expiry around a strike, quotes or greeks; or no longer.
    pub(super) fn option_chain(
        function: Function,
        exchange: &str,
        product: &str,
        (expiry, strike, depth): (NaiveDate, f64, u64),
        ends: bool,
    ) -> Self {
        let body = json!({
            "Exchange": exchange, "Product": product, "Expiry": written(expiry),
            "StrikePrice": strike.to_string(), "Depth": depth,
            "Unsubscribe": if ends { "true" } else { "false" },
        });
        let request = Self::new(function, &[product], body);
        Self {
            expiry: Some(expiry),
            ..request
        }
    }

    /// Whether a message of the right kind is about this request. One that came too late for
    /// another may be of the same kind.
    pub(super) fn is_meant_by(&self, body: &Value) -> bool {
        let Some(row) = rows(body).first().copied() else {
            return true;
        };
        let asked = body
            .as_object()
            .map(Row)
            .and_then(|head| head.get("Request"));
        if let Some(asked) = asked.and_then(Value::as_object).map(Row) {
            let same = |name: &str, mine: Option<&String>| match (asked.text(name), mine) {
                (Some(said), Some(mine)) => said.eq_ignore_ascii_case(mine),
                _ => true,
            };
            let expiry = asked.text("Expiry").and_then(date);
            return same("Product", self.about.first())
                && same("InstrumentIdentifier", self.about.first())
                && (expiry.is_none() || self.expiry.is_none() || expiry == self.expiry);
        }
        let Some(id) = row
            .text("InstrumentIdentifier")
            .or_else(|| row.text("Token"))
        else {
            return true;
        };
        match self.function {
            GetLastQuote | GetLastQuoteArray => {
                self.about.iter().any(|mine| mine.eq_ignore_ascii_case(id))
            }
            GetLastQuoteOptionGreeksChain => parse(id).is_none_or(|id| {
                let product = self.about.first();
                product.is_none_or(|mine| mine.eq_ignore_ascii_case(id.product))
                    && self.expiry.is_none_or(|expiry| expiry == id.expiry)
            }),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_of_an_exchange_has_longer_than_others() {
        let usual = Duration::from_secs(10);
        assert_eq!(GetExchangeSnapshot.patience(usual), Duration::from_secs(25));
        assert_eq!(GetInstruments.patience(usual), usual);
        assert!(SubscribeRealtime.patience(usual) < Duration::from_secs(1));
    }

    #[test]
    fn booleans_travel_as_text_and_identifiers_as_values() {
        let body = Request::quotes("NFO", &["NIFTY-I", "BANKNIFTY-I"]).body;
        assert_eq!(body["isShortIdentifiers"], "false");
        assert_eq!(body["InstrumentIdentifiers"][1]["Value"], "BANKNIFTY-I");
        let body = Request::realtime("NSE_IDX", "NIFTY 50").body;
        assert_eq!(
            (&body["Unsubscribe"], &body["MessageType"]),
            (&"false".into(), &"SubscribeRealtime".into())
        );
    }

    #[test]
    fn an_answer_that_came_late_is_not_taken_for_that_of_the_next_request() {
        let day = |day| NaiveDate::from_ymd_opt(2026, 11, day);
        let request = Request::chain("NFO", "NIFTY", day(26));
        let of = |id: &str| json!({"Result": [{"InstrumentIdentifier": id}]});
        assert!(request.is_meant_by(&of("OPTIDX_NIFTY_26NOV2026_CE_25000")));
        assert!(!request.is_meant_by(&of("OPTIDX_NIFTY_19NOV2026_CE_25000")));
        assert!(!request.is_meant_by(&of("OPTIDX_BANKNIFTY_26NOV2026_CE_25000")));
        assert!(request.is_meant_by(&json!({"Result": []})));
        let asked =
            json!({"Request": {"Product": "BANKNIFTY"}, "Result": [{"Value": "26NOV2026"}]});
        assert!(!Request::expiries("NFO", "NIFTY").is_meant_by(&asked));
        assert!(Request::expiries("NFO", "banknifty").is_meant_by(&asked));
        let quote = Request::quotes("NFO", &["NIFTY-I"]);
        assert!(!quote.is_meant_by(&of("SBIN")));
    }
}
