//! Minute bars and closing-auction feeds.

use quant::market::{Bar, Imbalance, Side, Size, Span, Timestamp};
use quant::snapshot::Section;

use super::{Decoder, Picked};
use crate::store::scan::{Malformed, Scanner};

/// More bars than a day has minutes are not looked at.
const MAX_BARS: usize = 1_500;

/// The fields of a bar as they come.
#[derive(Default)]
struct Fields {
    start: Option<Timestamp>,
    prices: [Option<quant::market::Price>; 4],
    volume: Option<Size>,
}

impl Decoder<'_> {
    /// Minute bars, oldest first, of a list of them; `None` where there is none. One that cannot
    /// be used is counted and left out.
    pub fn bars(&mut self, bytes: &[u8]) -> Option<Vec<Bar>> {
        let section = Section::Bars;
        let text = self.text(section, bytes)?;
        let mut bars = Vec::new();
        let mut scanner = Scanner::new(text);
        let scanned = scanner.array(|scanner| {
            let bar = match scanner.peek() {
                Some(b'{') => self.bar_object(scanner)?,
                Some(b'[') => self.bar_array(scanner)?,
                _ => {
                    scanner.skip()?;
                    None
                }
            };
            match bar {
                Some(bar) if bars.len() < MAX_BARS => bars.push(bar),
                Some(_) => self.bad.count(section, "too_many_bars"),
                None => self.bad.count(section, "bad_bar"),
            }
            Ok(())
        });
        self.whole(section, scanned.and_then(|()| scanner.end()))?;
        bars.sort_by_key(|bar: &Bar| bar.start);
        (!bars.is_empty()).then_some(bars)
    }

    /// What an auction feed says; `None` without its two sizes, or the side of an imbalance.
    pub fn imbalance(&mut self, bytes: &[u8]) -> Option<Imbalance> {
        let section = Section::Imbalance;
        let text = self.text(section, bytes)?;
        let (mut paired, mut imbalance, mut side) = (None, None, None);
        let (mut reference, mut near, mut far) = (None, None, None);
        let mut time = Picked::new();
        let mut scanner = Scanner::new(text);
        let scanned = scanner.object(|scanner, key| {
            match key {
                "paired" => paired = self.size(section, scanner.scalar()?),
                "imbalance" => imbalance = self.size(section, scanner.scalar()?),
                "side" => side = self.side(scanner.scalar()?),
                "reference_price" => reference = self.price(section, scanner.scalar()?),
                "near_price" => near = self.price(section, scanner.scalar()?),
                "far_price" => far = self.price(section, scanner.scalar()?),
                "timestamp" => time.offer(0, self.time(section, scanner.scalar()?)),
                "ts" => time.offer(1, self.time(section, scanner.scalar()?)),
                _ => scanner.skip()?,
            }
            Ok(())
        });
        self.whole(section, scanned.and_then(|()| scanner.end()))?;
        let (Some(paired), Some(imbalance)) = (paired, imbalance) else {
            self.bad.count(section, "no_size");
            return None;
        };
        if side.is_none() && imbalance > Size::ZERO {
            self.bad.count(section, "no_side");
            return None;
        }
        Some(Imbalance {
            paired,
            imbalance,
            side: side.unwrap_or(Side::Unknown),
            reference_price: reference,
            near_price: near,
            far_price: far,
            at: self.not_ahead(section, time.value),
        })
    }

    fn bar_object(&mut self, scanner: &mut Scanner<'_>) -> Result<Option<Bar>, Malformed> {
        let section = Section::Bars;
        let mut fields = Fields::default();
        scanner.object(|scanner, key| {
            match key {
                "time" | "timestamp" | "t" => fields.start = self.time(section, scanner.scalar()?),
                "open" | "o" => fields.prices[0] = self.price(section, scanner.scalar()?),
                "high" | "h" => fields.prices[1] = self.price(section, scanner.scalar()?),
                "low" | "l" => fields.prices[2] = self.price(section, scanner.scalar()?),
                "close" | "c" => fields.prices[3] = self.price(section, scanner.scalar()?),
                "volume" | "v" => fields.volume = self.size(section, scanner.scalar()?),
                _ => scanner.skip()?,
            }
            Ok(())
        })?;
        Ok(fields.bar())
    }

    /// `[t, o, h, l, c, v]`.
    fn bar_array(&mut self, scanner: &mut Scanner<'_>) -> Result<Option<Bar>, Malformed> {
        let section = Section::Bars;
        let (mut fields, mut place) = (Fields::default(), 0);
        scanner.array(|scanner| {
            match place {
                0 => fields.start = self.time(section, scanner.scalar()?),
                1..=4 => fields.prices[place - 1] = self.price(section, scanner.scalar()?),
                5 => fields.volume = self.size(section, scanner.scalar()?),
                _ => scanner.skip()?,
            }
            place += 1;
            Ok(())
        })?;
        Ok(fields.bar())
    }
}

impl Fields {
    /// A bar wants its time, its close and its volume; a source that gives no more means them all.
    fn bar(&self) -> Option<Bar> {
        let [open, high, low, close] = self.prices;
        let close = close?;
        Some(Bar {
            start: self.start?,
            open: open.unwrap_or(close),
            high: high.unwrap_or(close),
            low: low.unwrap_or(close),
            close,
            volume: self.volume?,
        })
    }
}

/// The end of the last bar, to which its numbers are known; of one under way, now.
pub fn bars_as_of(bars: &[Bar], now: Timestamp) -> Timestamp {
    let end = |bar: &Bar| bar.start.plus(Span::from_seconds(60.0)).min(now);
    bars.last().map_or(now, end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::codec::{BadInput, Rules};

    const NOW: Timestamp = Timestamp::from_seconds(1_795_200_060);

    fn decoded<T>(decode: impl FnOnce(&mut Decoder<'_>) -> T) -> (T, Vec<String>) {
        let (rules, mut bad) = (Rules::default(), BadInput::default());
        let value = decode(&mut rules.decoder(NOW, &mut bad));
        let counts = bad
            .iter()
            .map(|(family, reason, n)| format!("{family}/{reason}={n}"));
        (value, counts.collect())
    }

    #[test]
    fn bars_come_as_objects_and_as_arrays() {
        let text =
            br#"[{"time":1795200000,"open":1,"high":3,"low":0.5,"close":2,"volume":100,"wap":1},
            [1795199940000,1,3,0.5,2.5,"200"],{"time":1795200000,"c":2},7]"#;
        let (bars, bad) = decoded(|decoder| decoder.bars(text).unwrap());
        assert_eq!(bad, ["bars/bad_bar=2"]);
        let volumes: Vec<f64> = bars.iter().map(|bar| bar.volume.to_f64()).collect();
        assert_eq!(volumes, [200.0, 100.0]);
        assert_eq!(bars_as_of(&bars, NOW), NOW);
        assert_eq!(decoded(|decoder| decoder.bars(b"[]")), (None, vec![]));
    }

    #[test]
    fn an_auction_feed_wants_an_imbalance() {
        let text = br#"{"paired":800000,"imbalance":200000,"side":"sell","reference_price":50.1,
            "near_price":null,"timestamp":1795200050}"#;
        let (imbalance, bad) = decoded(|decoder| decoder.imbalance(text).unwrap());
        assert_eq!((imbalance.side, imbalance.near_price), (Side::Sell, None));
        assert_eq!(imbalance.imbalance.to_f64(), 200_000.0);
        assert!(bad.is_empty());
        let (none, bad) = decoded(|decoder| decoder.imbalance(br#"{"paired":1}"#));
        assert_eq!((none, bad), (None, vec!["imbalance/no_size=1".to_owned()]));
    }
}
