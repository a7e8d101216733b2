//! The best bid and offer of one symbol, and the short memory of them that signs trades.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{Price, Size, Span, Timestamp};

/// What a ticker says: the best prices, the last trade and the day's volume, each where known.
#[derive(Clone, Debug, PartialEq)]
pub struct Quote {
    /// Best bid.
    pub bid: Option<Price>,
    /// Best offer.
    pub ask: Option<Price>,
    /// The price that stands for the underlying: last trade, else mid, close or mark.
    pub spot: Option<Price>,
    /// Cumulative volume of the day in shares.
    pub volume: Option<Size>,
    /// When the source says it was so.
    pub at: Timestamp,
}

/// The two sides of a quote, as given: may be locked or crossed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touch {
    /// Best bid.
    pub bid: Price,
    /// Best offer.
    pub ask: Price,
}

impl Quote {
    /// Both sides, where both are there.
    pub fn touch(&self) -> Option<Touch> {
        Some(Touch {
            bid: self.bid?,
            ask: self.ask?,
        })
    }
}

impl Touch {
    /// Twice the midpoint in price units: an integer, so that "at the mid" is exact.
    pub fn mid_doubled(self) -> i128 {
        i128::from(self.bid.units()) + i128::from(self.ask.units())
    }

    /// Whether the bid stands below the offer; a locked or crossed quote signs nothing.
    pub fn is_regular(self) -> bool {
        self.bid < self.ask
    }
}

/// The newest quotes of a symbol, oldest first, at most [`QuoteHistory::KEPT`].
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct QuoteHistory {
    quotes: VecDeque<(Timestamp, Option<Touch>)>,
}

impl QuoteHistory {
    /// 64 quotes: half a minute of a ticker polled twice a second, more than any sensible delay.
    pub const KEPT: usize = 64;

    /// Remembers a quote. One older than the newest is put in its place in time; one with the
    /// same time and the same prices is remembered once.
    pub fn observe(&mut self, at: Timestamp, touch: Option<Touch>) {
        let behind = self
            .quotes
            .iter()
            .rev()
            .take_while(|(t, _)| *t > at)
            .count();
        let place = self.quotes.len() - behind;
        if place > 0 && self.quotes[place - 1] == (at, touch) {
            return;
        }
        self.quotes.insert(place, (at, touch));
        if self.quotes.len() > Self::KEPT {
            self.quotes.pop_front();
        }
    }

    /// The newest quote strictly before `cutoff` and not older than `max_age` at `traded`.
    /// A quote with the cutoff's own time is usually the consequence of the trade.
    pub fn standing_before(
        &self,
        cutoff: Timestamp,
        traded: Timestamp,
        max_age: Span,
    ) -> Option<Touch> {
        let (at, touch) = self.quotes.iter().rev().find(|(t, _)| *t < cutoff)?;
        let fresh = traded.since(*at) <= max_age;
        if fresh { *touch } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(bid: i64) -> Option<Touch> {
        Some(Touch {
            bid: Price::from_units(bid),
            ask: Price::from_units(bid + 2),
        })
    }

    fn at(nanos: i64) -> Timestamp {
        Timestamp::from_nanos(nanos)
    }

    fn history(times: &[i64]) -> QuoteHistory {
        let mut history = QuoteHistory::default();
        for &t in times {
            history.observe(at(t), touch(t));
        }
        history
    }

    #[test]
    fn a_quote_of_the_same_instant_is_not_before_the_trade() {
        let found = history(&[100, 200]).standing_before(at(200), at(200), Span::from_nanos(1000));
        assert_eq!(found, touch(100));
    }

    #[test]
    fn quotes_that_arrive_late_find_their_place() {
        let found =
            history(&[100, 300, 200]).standing_before(at(250), at(250), Span::from_nanos(1000));
        assert_eq!(found, touch(200));
    }

    #[test]
    fn a_stale_quote_is_no_quote() {
        let found = history(&[0]).standing_before(at(90), at(90), Span::from_nanos(60));
        assert_eq!(found, None);
    }

    #[test]
    fn memory_is_bounded() {
        let times: Vec<i64> = (0..1000).collect();
        assert_eq!(history(&times).quotes.len(), QuoteHistory::KEPT);
    }
}
