//! Prints against orders that were not displayed.
//!
//! A print inside the spread met an order that no quote showed, or was filled elsewhere at a price
//! in between; one beyond the touch by a tenth of a percent went through what was shown. Hidden
//! orders that rest at the touch look like any other and are not found.

use crate::market::{SignedTrade, Touch};

/// How far beyond the touch a print is out of line, in parts of one: 1/1000 is 0.1 %.
const BEYOND: i128 = 1_000;

/// Whether a print shows an order that was not displayed. Nothing is said without a quote, by a
/// locked or crossed one, or by a print of another moment.
pub fn is_hidden(signed: &SignedTrade) -> bool {
    let trade = &signed.trade;
    let Some(touch) = regular(trade.touch) else {
        return false;
    };
    // A print off exchange was mostly made inside the spread by a wholesaler.
    let is_off_exchange = trade.venue.is_some_and(|venue| venue.is_off_exchange());
    if trade.conditions.is_excluded() || is_off_exchange {
        return false;
    }
    let price = i128::from(trade.price.units());
    let (bid, ask) = (i128::from(touch.bid.units()), i128::from(touch.ask.units()));
    let inside = bid < price && price < ask;
    inside || price * BEYOND > ask * (BEYOND + 1) || price * BEYOND < bid * (BEYOND - 1)
}

/// Whether a print is at the midpoint of the quote before it; `None` where there was none.
pub fn is_at_mid(signed: &SignedTrade) -> Option<bool> {
    let touch = regular(signed.trade.touch)?;
    Some(2 * i128::from(signed.trade.price.units()) == touch.mid_doubled())
}

fn regular(touch: Option<Touch>) -> Option<Touch> {
    touch.filter(|touch| touch.is_regular())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::{Conditions, Price, QuoteSource, Side, SignedBy, Size, Timestamp, Trade};

    fn print(price: i64, touch: Option<(i64, i64)>) -> SignedTrade {
        let of = Price::from_units;
        SignedTrade {
            trade: Trade {
                at: Timestamp::default(),
                price: of(price),
                size: Size::from_units(1),
                flag: Side::Unknown,
                touch: touch.map(|(bid, ask)| Touch {
                    bid: of(bid),
                    ask: of(ask),
                }),
                venue: None,
                conditions: Conditions::NONE,
            },
            side: Side::Unknown,
            signed_by: SignedBy::None,
            quote_source: QuoteSource::None,
        }
    }

    #[test]
    fn inside_the_spread_and_a_tenth_of_a_percent_beyond_it() {
        let quote = Some((10_000, 10_010));
        for (price, hidden) in [
            (10_000, false),
            (10_001, true),
            (10_009, true),
            (10_010, false),
            (10_020, false),
            (10_021, true),
            (9_990, false),
            (9_989, true),
        ] {
            assert_eq!(is_hidden(&print(price, quote)), hidden, "{price}");
        }
        assert_eq!(is_at_mid(&print(10_005, quote)), Some(true));
        assert_eq!(is_at_mid(&print(10_004, quote)), Some(false));
    }

    #[test]
    fn without_a_regular_quote_nothing_is_said() {
        for quote in [None, Some((10, 10)), Some((12, 10))] {
            assert!(!is_hidden(&print(11, quote)));
            assert_eq!(is_at_mid(&print(11, quote)), None);
        }
        let mut average = print(11, Some((10, 12)));
        average.trade.conditions = Conditions::DERIVED;
        assert!(!is_hidden(&average));
    }
}
