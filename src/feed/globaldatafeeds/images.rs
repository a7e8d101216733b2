//! Images of an instrument, one a second at best: tickers, the price of the underlying, and trades
//! where the volume of the day grew between two of them.

use quant::market::{Conditions, Price, Quote, Side, Size, Symbol, Timestamp, Touch, Trade};
use quant::synthetic::world::Underlier;

use super::rows::{Counts, Row, is_ahead};
use crate::feed::message::{Message, What};

/// What was last seen of an instrument.
#[derive(Clone, Debug)]
pub(super) struct Images {
    symbol: Symbol,
    /// Whether options are priced on it.
    is_spot: bool,
    last: Option<Last>,
    /// What it last traded at.
    pub(super) price: Option<f64>,
    /// What it closed at the day before.
    pub(super) previous_close: Option<f64>,
    id: u64,
}

#[derive(Clone, Copy, Debug)]
struct Last {
    at: Timestamp,
    touch: Option<Touch>,
    volume: Option<Size>,
}

impl Images {
    pub(super) fn new(symbol: Symbol, is_spot: bool) -> Self {
        Self {
            symbol,
            is_spot,
            last: None,
            price: None,
            previous_close: None,
            id: 0,
        }
    }

    /// What was traded while nobody listened is not known: the next image is a first one.
    pub(super) fn interrupted(&mut self) {
        self.last = None;
    }

    /// What an image says.
    pub(super) fn take(
        &mut self,
        row: Row<'_>,
        received: Timestamp,
        counts: &mut Counts,
    ) -> Vec<Message> {
        let at = row
            .time("ServerTime", counts)
            .or_else(|| row.time("LastTradeTime", counts));
        let Some(at) = at else {
            counts.count("no_time");
            return Vec::new();
        };
        if is_ahead(at, received) {
            counts.count("future_time");
            return Vec::new();
        }
        if self.last.is_some_and(|last| at < last.at) {
            counts.count("late");
            return Vec::new();
        }
        // Where nobody bids, the price is zero.
        let mut price = |name: &str| row.number(name, counts).filter(|price| *price > 0.0);
        let [last, bid, ask] = ["LastTradePrice", "BuyPrice", "SellPrice"].map(&mut price);
        let [open, high, low, close] = ["Open", "High", "Low", "Close"].map(&mut price);
        let mut size = |name: &str| {
            row.number(name, counts)
                .filter(|size| *size >= 0.0)
                .and_then(Size::from_f64)
        };
        let [bid_size, ask_size, volume] = ["BuyQty", "SellQty", "TotalQtyTraded"].map(&mut size);
        let traded = row.time("LastTradeTime", counts);
        self.price = last.or(self.price);
        self.previous_close = close.or(self.previous_close);
        let whole = |price: Option<f64>| price.and_then(Price::from_f64);
        let quote = Quote {
            bid: whole(bid),
            ask: whole(ask),
            spot: whole(last),
            // An index has none.
            volume: volume.filter(|volume| *volume > Size::ZERO),
            at,
        };
        let touch = quote.touch();
        let before = self.last.replace(Last { at, touch, volume });
        let mut said = Vec::new();
        let symbol = || self.symbol.clone();
        let mut say = |what| said.push(Message { at: received, what });
        if let (Some(before), Some(price)) = (before, quote.spot)
            && let Some(size) = growth(before.volume, volume)
        {
            self.id = next_id(self.id, received);
            let trade = Trade {
                at: traded.filter(|traded| *traded <= at).unwrap_or(at),
                price,
                size,
                flag: Side::Unknown,
                touch: before.touch,
                venue: None,
                conditions: Conditions::default(),
            };
            say(What::Trade {
                symbol: symbol(),
                trade,
                id: self.id,
                truth: None,
            });
        }
        if quote.spot.is_some() || touch.is_some() {
            say(What::Ticker {
                symbol: symbol(),
                bid_size: bid_size.unwrap_or(Size::ZERO),
                ask_size: ask_size.unwrap_or(Size::ZERO),
                quote: quote.clone(),
            });
        }
        let session = [open, high, low, close].map(whole);
        if let ([Some(open), Some(high), Some(low), Some(previous_close)], Some(price), true) =
            (session, quote.spot, self.is_spot)
        {
            self.id = next_id(self.id, received);
            let volume = volume.unwrap_or(Size::ZERO);
            let price = Underlier {
                price,
                open,
                high,
                low,
                previous_close,
                volume,
            };
            // In the exchange's own time, as the message has one time only.
            said.push(Message {
                at,
                what: What::Underlying {
                    symbol: symbol(),
                    price,
                    tick_id: self.id,
                },
            });
        }
        said
    }
}

/// By how much the volume of a day grew; a smaller one is that of another day.
fn growth(before: Option<Size>, now: Option<Size>) -> Option<Size> {
    let grown = now?.units() - before?.units();
    (grown > 0).then(|| Size::from_units(grown))
}

/// Grows with every call, and over restarts with the clock.
fn next_id(last: u64, now: Timestamp) -> u64 {
    let micros = now.nanos().max(0).unsigned_abs() / 1_000;
    micros.max(last + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn image(seconds: i64, last: f64, volume: u64) -> Value {
        json!({"ServerTime": seconds, "LastTradeTime": seconds, "LastTradePrice": last, "LastTradeQty": 0,
            "BuyPrice": last - 0.5, "SellPrice": last + 0.5, "BuyQty": 75, "SellQty": 150,
            "Open": 1, "High": 3, "Low": 1, "Close": 2, "TotalQtyTraded": volume})
    }

    fn said(images: &mut Images, row: &Value) -> Vec<What> {
        let now = Timestamp::from_seconds(1_800_000_100);
        let row = Row(row.as_object().unwrap());
        let said = images.take(row, now, &mut Counts::default());
        said.into_iter().map(|message| message.what).collect()
    }

    fn images(is_spot: bool) -> Images {
        Images::new(Symbol::new("NIFTY-I").unwrap(), is_spot)
    }

    #[test]
    fn what_the_volume_grew_by_is_one_trade_at_the_last_price_with_the_quote_before_it() {
        let mut images = images(false);
        let kinds = |said: &[What]| said.iter().map(What::kind).collect::<Vec<_>>();
        assert_eq!(
            kinds(&said(&mut images, &image(100, 10.0, 1_000))),
            ["ticker"]
        );
        assert_eq!(
            kinds(&said(&mut images, &image(101, 11.0, 1_000))),
            ["ticker"]
        );
        let said = said(&mut images, &image(102, 12.0, 1_150));
        assert_eq!(kinds(&said), ["trade", "ticker"]);
        let What::Trade { trade, .. } = &said[0] else {
            panic!()
        };
        assert_eq!((trade.price.to_f64(), trade.size.to_f64()), (12.0, 150.0));
        let touch = trade.touch.unwrap();
        assert_eq!((touch.bid.to_f64(), touch.ask.to_f64()), (10.5, 11.5));
    }

    #[test]
    fn a_new_day_an_interruption_and_a_late_image_make_no_trade() {
        let mut images = images(false);
        let trades = |images: &mut Images, row: &Value| {
            said(images, row)
                .iter()
                .filter(|what| what.kind() == "trade")
                .count()
        };
        trades(&mut images, &image(100, 10.0, 1_000));
        assert_eq!(trades(&mut images, &image(101, 10.0, 5)), 0);
        assert_eq!(trades(&mut images, &image(102, 10.0, 6)), 1);
        assert_eq!(said(&mut images, &image(90, 10.0, 9)).len(), 0);
        images.interrupted();
        assert_eq!(trades(&mut images, &image(110, 10.0, 5_000)), 0);
        assert_eq!(trades(&mut images, &image(111, 10.0, 5_001)), 1);
    }

    #[test]
    fn an_image_of_the_future_makes_no_later_one_late() {
        let mut images = images(false);
        let now = 1_800_000_100;
        assert_eq!(said(&mut images, &image(now + 61, 10.0, 1)).len(), 0);
        assert_eq!(images.price, None);
        assert_eq!(said(&mut images, &image(now, 10.0, 1)).len(), 1);
        assert_eq!(said(&mut images, &image(now + 60, 10.0, 1)).len(), 1);
    }

    #[test]
    fn close_is_that_of_the_day_before_and_zero_prices_are_none() {
        let mut images = images(true);
        let mut index = image(100, 25_000.0, 0);
        index["BuyPrice"] = 0.into();
        index["SellPrice"] = 0.into();
        let said = said(&mut images, &index);
        let [What::Ticker { quote, .. }, What::Underlying { price, .. }] = &said[..] else {
            panic!("{said:?}");
        };
        assert_eq!((quote.bid, quote.ask, quote.volume), (None, None, None));
        assert_eq!(price.previous_close.to_f64(), 2.0);
        assert_eq!(images.previous_close, Some(2.0));
        assert_eq!(images.price, Some(25_000.0));
    }

    #[test]
    fn an_image_without_optional_fields_is_a_ticker() {
        let mut images = images(true);
        let bare = json!({"LastTradeTime": 100, "LastTradePrice": "7.5"});
        let said = said(&mut images, &bare);
        assert_eq!(said.iter().map(What::kind).collect::<Vec<_>>(), ["ticker"]);
        let nothing = json!({"ServerTime": 101});
        assert_eq!(super::tests::said(&mut images, &nothing).len(), 0);
    }
}
