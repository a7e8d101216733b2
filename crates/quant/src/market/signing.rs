//! Which side started a trade: the quote, tick, Lee–Ready, EMO and CLNV rules on integer prices.
//!
//! Lee & Ready, "Inferring Trade Direction from Intraday Data", Journal of Finance 46 (1991).
//! Their five-second quote delay answered quotes that were recorded ahead of trades; with
//! timestamped feeds the delay is zero. EMO: Ellis, Michaely & O'Hara, "The Accuracy of Trade
//! Classification Rules", JFQA 35 (2000). CLNV: Chakrabarty, Li, Nguyen & Van Ness, "Trade
//! Classification Algorithms for Electronic Communications Networks", JBF 31 (2007).

use serde::{Deserialize, Serialize};

use super::{Price, Touch};

/// The side that crossed the spread.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The buyer took the offer.
    Buy,
    /// The seller hit the bid.
    Sell,
    /// Nothing tells. Stays unknown: never dropped, never guessed.
    #[default]
    Unknown,
}

/// How trades are signed, as configured.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The source's own flag where a trade carries one, else Lee–Ready.
    #[default]
    Auto,
    /// Against the midpoint of the quote that stood before the trade; at the midpoint unknown.
    Quote,
    /// Against the last different price.
    Tick,
    /// Quote rule, then the tick rule where the quote says nothing (Lee & Ready 1991).
    LeeReady,
    /// At the ask a buy, at the bid a sell, else the tick rule (Ellis, Michaely & O'Hara 2000).
    Emo,
    /// Within 30 % of the spread of the ask a buy, of the bid a sell, else the tick rule
    /// (Chakrabarty, Li, Nguyen & Van Ness 2007).
    Clnv,
}

/// What decided the sign of one trade.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum SignedBy {
    /// The source's aggressor flag.
    Flag,
    /// The quote: the quote rule, or the touch or zone of EMO and CLNV.
    Quote,
    /// The tick rule.
    Tick,
    /// Nothing: the side is unknown.
    #[default]
    None,
}

impl SignedBy {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Quote => "quote",
            Self::Tick => "tick",
            Self::None => "none",
        }
    }
}

impl Side {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
            Self::Unknown => "unknown",
        }
    }
}

/// The quote rule: above the midpoint a buy, below a sell, at it unknown.
/// A locked or crossed quote says nothing.
pub fn quote_rule(price: Price, touch: Option<Touch>) -> Side {
    let Some(touch) = touch.filter(|touch| touch.is_regular()) else {
        return Side::Unknown;
    };
    match (2 * i128::from(price.units())).cmp(&touch.mid_doubled()) {
        std::cmp::Ordering::Greater => Side::Buy,
        std::cmp::Ordering::Less => Side::Sell,
        std::cmp::Ordering::Equal => Side::Unknown,
    }
}

/// At the ask a buy, at the bid a sell, anywhere else unknown: the quote's part of EMO.
/// A locked or crossed quote says nothing.
pub fn touch_rule(price: Price, touch: Option<Touch>) -> Side {
    match touch.filter(|touch| touch.is_regular()) {
        Some(touch) if price == touch.ask => Side::Buy,
        Some(touch) if price == touch.bid => Side::Sell,
        Some(_) | None => Side::Unknown,
    }
}

/// At the ask or through it a buy, at the bid or through it a sell, inside of the quote unknown.
/// Prices short of it by up to `tolerance` count as at it, but never past the midpoint.
/// A locked or crossed quote says nothing.
pub fn cross_rule(price: Price, touch: Option<Touch>, tolerance: Price) -> Side {
    let Some(quote) = touch.filter(|touch| touch.is_regular()) else {
        return Side::Unknown;
    };
    let units = |price: Price| i128::from(price.units());
    let (price_units, slack) = (units(price), units(tolerance).max(0));
    match quote_rule(price, touch) {
        Side::Buy if price_units >= units(quote.ask) - slack => Side::Buy,
        Side::Sell if price_units <= units(quote.bid) + slack => Side::Sell,
        Side::Buy | Side::Sell | Side::Unknown => Side::Unknown,
    }
}

/// From the ask down to 30 % of the spread a buy, from the bid up to 30 % a sell, both ends
/// included, in the middle and outside of the quote unknown: the quote's part of CLNV.
/// A locked or crossed quote says nothing.
pub fn zone_rule(price: Price, touch: Option<Touch>) -> Side {
    let Some(touch) = touch.filter(|touch| touch.is_regular()) else {
        return Side::Unknown;
    };
    let units = |price: Price| i128::from(price.units());
    let (price, bid, ask) = (units(price), units(touch.bid), units(touch.ask));
    // Ten times a distance against three times the spread: the boundary is exact.
    let zone = 0..=3 * (ask - bid);
    if zone.contains(&(10 * (ask - price))) {
        Side::Buy
    } else if zone.contains(&(10 * (price - bid))) {
        Side::Sell
    } else {
        Side::Unknown
    }
}

/// The memory of the tick rule: the last price and the direction of the last change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TickRule {
    last: Option<Price>,
    direction: Side,
}

impl TickRule {
    /// Takes the next price; above the last different one a buy, below it a sell.
    pub fn next(&mut self, price: Price) -> Side {
        if let Some(last) = self.last {
            match price.cmp(&last) {
                std::cmp::Ordering::Greater => self.direction = Side::Buy,
                std::cmp::Ordering::Less => self.direction = Side::Sell,
                std::cmp::Ordering::Equal => {}
            }
        }
        self.last = Some(price);
        self.direction
    }
}

/// The side of a trade under `rule`, and what decided it. `flag` is the source's own word,
/// `touch` the quote that stood before the trade, `tick` what the tick rule says of its price.
pub fn sign(
    rule: Rule,
    price: Price,
    flag: Side,
    touch: Option<Touch>,
    tick: Side,
) -> (Side, SignedBy) {
    let by_quote = || (quote_rule(price, touch), SignedBy::Quote);
    let by_tick = || (tick, SignedBy::Tick);
    let first_known = |first: (Side, SignedBy)| match first.0 {
        Side::Unknown => by_tick(),
        Side::Buy | Side::Sell => first,
    };
    let signed = match rule {
        Rule::Auto if flag != Side::Unknown => (flag, SignedBy::Flag),
        Rule::Auto | Rule::LeeReady => first_known(by_quote()),
        Rule::Quote => by_quote(),
        Rule::Emo => first_known((touch_rule(price, touch), SignedBy::Quote)),
        Rule::Clnv => first_known((zone_rule(price, touch), SignedBy::Quote)),
        Rule::Tick => by_tick(),
    };
    match signed.0 {
        Side::Unknown => (Side::Unknown, SignedBy::None),
        Side::Buy | Side::Sell => signed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(text: f64) -> Price {
        Price::from_f64(text).unwrap()
    }

    fn touch(bid: f64, ask: f64) -> Option<Touch> {
        Some(Touch {
            bid: price(bid),
            ask: price(ask),
        })
    }

    #[test]
    fn exactly_at_the_midpoint_is_unknown_to_the_quote() {
        assert_eq!(quote_rule(price(10.005), touch(9.99, 10.02)), Side::Unknown);
        assert_eq!(quote_rule(price(10.006), touch(9.99, 10.02)), Side::Buy);
        assert_eq!(quote_rule(price(10.004), touch(9.99, 10.02)), Side::Sell);
    }

    #[test]
    fn a_locked_or_crossed_quote_leaves_it_to_the_tick() {
        for quote in [touch(10.01, 10.01), touch(10.03, 10.01), None] {
            for rule in [Rule::LeeReady, Rule::Emo, Rule::Clnv] {
                let signed = sign(rule, price(10.01), Side::Unknown, quote, Side::Buy);
                assert_eq!(signed, (Side::Buy, SignedBy::Tick), "{rule:?}");
            }
        }
    }

    #[test]
    fn the_touch_and_the_zones_decide_before_the_tick() {
        let quote = touch(10.0, 10.1);
        let says = |rule, at: f64| sign(rule, price(at), Side::Unknown, quote, Side::Sell);
        assert_eq!(says(Rule::Emo, 10.1), (Side::Buy, SignedBy::Quote));
        assert_eq!(says(Rule::Emo, 10.0), (Side::Sell, SignedBy::Quote));
        assert_eq!(says(Rule::Emo, 10.099), (Side::Sell, SignedBy::Tick));
        assert_eq!(says(Rule::Emo, 10.11), (Side::Sell, SignedBy::Tick));
        assert_eq!(says(Rule::Clnv, 10.07), (Side::Buy, SignedBy::Quote));
        assert_eq!(
            says(Rule::Clnv, 10.069_999_999),
            (Side::Sell, SignedBy::Tick)
        );
        assert_eq!(says(Rule::Clnv, 10.11), (Side::Sell, SignedBy::Tick));
        assert_eq!(zone_rule(price(10.03), quote), Side::Sell);
        assert_eq!(zone_rule(price(10.030_000_001), quote), Side::Unknown);
        assert_eq!(zone_rule(price(9.99), quote), Side::Unknown);
    }

    #[test]
    fn a_quote_is_crossed_at_it_and_through_it() {
        let says =
            |at: f64, tolerance: f64| cross_rule(price(at), touch(10.0, 10.1), price(tolerance));
        for at in [10.1, 10.2] {
            assert_eq!(says(at, 0.0), Side::Buy);
        }
        for at in [10.0, 9.0] {
            assert_eq!(says(at, 0.0), Side::Sell);
        }
        assert_eq!(says(10.09, 0.0), Side::Unknown);
        assert_eq!(says(10.09, 0.01), Side::Buy);
        assert_eq!(says(10.05, 1.0), Side::Unknown);
        assert_eq!(says(10.04, 1.0), Side::Sell);
        assert_eq!(
            cross_rule(price(9.0), touch(9.0, 9.0), price(0.0)),
            Side::Unknown
        );
        assert_eq!(cross_rule(price(9.0), None, price(0.0)), Side::Unknown);
    }

    #[test]
    fn the_flag_counts_only_under_auto() {
        let quote = touch(10.0, 10.02);
        let auto = sign(Rule::Auto, price(10.02), Side::Sell, quote, Side::Unknown);
        assert_eq!(auto, (Side::Sell, SignedBy::Flag));
        let lee_ready = sign(
            Rule::LeeReady,
            price(10.02),
            Side::Sell,
            quote,
            Side::Unknown,
        );
        assert_eq!(lee_ready, (Side::Buy, SignedBy::Quote));
    }

    #[test]
    fn the_first_price_has_no_tick() {
        let mut tick = TickRule::default();
        assert_eq!(tick.next(price(10.0)), Side::Unknown);
        assert_eq!(tick.next(price(10.0)), Side::Unknown);
        assert_eq!(tick.next(price(10.1)), Side::Buy);
        assert_eq!(tick.next(price(10.1)), Side::Buy);
        assert_eq!(tick.next(price(10.0)), Side::Sell);
    }
}
