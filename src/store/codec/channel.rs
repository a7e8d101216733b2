//! Messages of channels: at the door whose they are and what tells them from others, and in the
//! symbol's turn what they say.

use quant::market::{Chain, ChainBuilder, Price, Size, Symbol, Timestamp};
use quant::snapshot::Section;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::chain::QuotesRead;
use super::{Decoder, Picked, is_missing, time_of};
use crate::store::inbox::Channel;
use crate::store::scan::{Malformed, Scalar, Scanner, decimal};

/// What is on the outside of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The product it is about.
    pub symbol: Symbol,
    /// What tells it from other messages; `None` where nothing does, and it says the same however
    /// often it comes.
    pub id: Option<u64>,
    /// When it says it was so.
    pub at: Option<Timestamp>,
    /// What it replaces.
    pub subject: Subject,
}

/// What a message says something of: a later one of the same subject makes it superfluous, but
/// for prints, each of which counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A print with a size.
    Print,
    /// The price of the underlying, without a size.
    Index,
    /// A contract, told by a hash of how it is spelled.
    Quote(u64),
    /// An expiry, likewise.
    Expiry(u64),
    /// That there is a new chain at its key.
    Told,
}

/// A message about an underlying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// When.
    pub at: Timestamp,
    /// Its price.
    pub price: Price,
    /// The size of the print; `None` for an index, which trades nothing.
    pub size: Option<Size>,
}

/// Fields that identify: those of a message's identity, and those of its subject.
#[derive(Default)]
struct Named {
    identity: [u64; 4],
    has_tick: bool,
    subject: [u64; 9],
}

/// The outside of a message, read without building anything; `None` where it is no object or names
/// no symbol.
///
/// A message is identified by its source, product, `tick_id` and time, and by the contract or
/// expiry it is about; a print without a `tick_id` by its bytes. Without one a price, a quote or a
/// chain is what stands now, and the same as before is no repetition.
pub fn envelope(channel: Channel, payload: &[u8]) -> Option<Envelope> {
    let text = std::str::from_utf8(payload).ok()?;
    let (mut product, mut time) = (Picked::new(), Picked::new());
    let mut named = Named::default();
    let mut has_size = false;
    let mut scanner = Scanner::new(text);
    let scanned = scanner.object(|scanner, key| {
        match key {
            "product" => product.offer(0, symbol_of(scanner, &mut named.identity[1])?),
            "symbol" => product.offer(1, symbol_of(scanner, &mut named.subject[0])?),
            "source" => named.identity[0] = word_hash(&scanner.scalar()?),
            "tick_id" => {
                named.identity[2] = word_hash(&scanner.scalar()?);
                named.has_tick = named.identity[2] != 0;
            }
            "timestamp" | "ts" | "as_of" => {
                let scalar = scanner.scalar()?;
                named.identity[3] = word_hash(&scalar);
                let rank = usize::from(key != "timestamp");
                time.offer(rank, super::word_of(&scalar).and_then(time_of));
            }
            "volume" => has_size = is_positive(&scanner.scalar()?),
            "strike" | "strike_price" => named.subject[1] = word_hash(&scanner.scalar()?),
            "expiry" | "expiration" | "exdate" => {
                named.subject[2] = word_hash(&scanner.scalar()?);
            }
            // Each by itself: a `type` may also name the message.
            "option_type" => named.subject[3] = word_hash(&scanner.scalar()?),
            "right" => named.subject[4] = word_hash(&scanner.scalar()?),
            "cp_flag" => named.subject[5] = word_hash(&scanner.scalar()?),
            "type" => named.subject[6] = word_hash(&scanner.scalar()?),
            "contract_id" | "occ_symbol" => named.subject[7] = word_hash(&scanner.scalar()?),
            "root" => named.subject[8] = word_hash(&scanner.scalar()?),
            _ => scanner.skip()?,
        }
        Ok(())
    });
    scanned.and_then(|()| scanner.end()).ok()?;
    let subject = match channel {
        Channel::Underlying if has_size => Subject::Print,
        Channel::Underlying => Subject::Index,
        Channel::OptionQuote => Subject::Quote(hash_of(&named.subject)),
        Channel::OptionChain => {
            let [symbol, _, expiry, .., root] = named.subject;
            Subject::Expiry(hash_of(&[symbol, expiry, root]))
        }
        Channel::ChainEvents => Subject::Told,
    };
    let about = match subject {
        Subject::Quote(hash) | Subject::Expiry(hash) => hash,
        Subject::Print | Subject::Index | Subject::Told => 0,
    };
    let [source, product_hash, tick, at] = named.identity;
    let id = match (named.has_tick, subject) {
        (true, _) => Some(hash_of(&[
            channel as u64,
            source,
            product_hash,
            tick,
            at,
            about,
        ])),
        (false, Subject::Print) => Some(hash_of(&[channel as u64, xxh3_64(payload)])),
        (false, _) => None,
    };
    Some(Envelope {
        symbol: product.value?,
        id,
        at: time.value,
        subject,
    })
}

fn symbol_of(scanner: &mut Scanner<'_>, hash: &mut u64) -> Result<Option<Symbol>, Malformed> {
    let scalar = scanner.scalar()?;
    *hash = word_hash(&scalar);
    Ok(match &scalar {
        Scalar::Text(text) => Symbol::new(text.trim()).ok(),
        Scalar::Null | Scalar::Bool(_) | Scalar::Number(_) | Scalar::Container => None,
    })
}

/// A hash of a name or number, 0 where there is none.
fn word_hash(scalar: &Scalar<'_>) -> u64 {
    super::word_of(scalar).map_or(0, |word| xxh3_64(word.as_bytes()))
}

fn hash_of(parts: &[u64]) -> u64 {
    let mut hash = Xxh3::new();
    for part in parts {
        hash.update(&part.to_le_bytes());
    }
    hash.digest()
}

fn is_positive(scalar: &Scalar<'_>) -> bool {
    let text = match scalar {
        Scalar::Number(text) => text,
        Scalar::Text(text) => text.trim(),
        Scalar::Null | Scalar::Bool(_) | Scalar::Container => return false,
    };
    !is_missing(text) && decimal(text, 8).is_some_and(|units| units > 0)
}

impl Decoder<'_> {
    /// A message about an underlying; `None` without a price.
    pub fn tick(&mut self, bytes: &[u8]) -> Option<Tick> {
        let section = Section::Ticker;
        let text = self.text(section, bytes)?;
        let (mut price, mut size, mut time) = (Picked::new(), None, Picked::new());
        let mut scanner = Scanner::new(text);
        let scanned = scanner.object(|scanner, key| {
            match key {
                "price" => price.offer(0, self.price(section, scanner.scalar()?)),
                "last" => price.offer(1, self.price(section, scanner.scalar()?)),
                "volume" => size = self.size(section, scanner.scalar()?),
                "timestamp" => time.offer(0, self.time(section, scanner.scalar()?)),
                "ts" => time.offer(1, self.time(section, scanner.scalar()?)),
                _ => scanner.skip()?,
            }
            Ok(())
        });
        self.whole(section, scanned.and_then(|()| scanner.end()))?;
        let Some(price) = price.value else {
            self.bad.count(section, "no_price");
            return None;
        };
        if time.value.is_none() {
            self.bad.count(section, "no_time");
        }
        Some(Tick {
            at: self.not_ahead(section, time.value),
            price,
            size: size.filter(|size| size.units() > 0),
        })
    }

    /// Contracts of one message each as one chain, and how many messages were of no use.
    pub fn quotes<'t>(
        &mut self,
        messages: impl Iterator<Item = &'t [u8]>,
        builder: ChainBuilder<'_>,
    ) -> (Chain, u64) {
        let section = Section::Chain;
        let mut unusable = 0;
        let texts: Vec<&str> = messages
            .filter_map(|bytes| {
                let text = self.text(section, bytes);
                unusable += u64::from(text.is_none());
                text
            })
            .collect();
        let QuotesRead { chain, malformed } = self.contracts(&texts, builder);
        if malformed > 0 {
            self.bad.add(section.as_str(), "bad_json", malformed);
        }
        // One that is well formed and settled, or said twice, is of no use to nobody's fault.
        let dropped = chain.dropped.iter();
        let dropped = dropped.filter(|(reason, _)| !matches!(**reason, "expired" | "duplicate"));
        for (reason, count) in dropped {
            self.bad.add(section.as_str(), reason, *count);
            unusable += count;
        }
        (chain, unusable + malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::codec::{BadInput, Rules};
    use proptest::prelude::*;
    use quant::market::{Calendars, Right};

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn calendars() -> Calendars {
        Calendars::from_toml(include_str!("../../../config/sessions.toml")).unwrap()
    }

    fn outside(channel: Channel, text: &str) -> Envelope {
        envelope(channel, text.as_bytes()).unwrap()
    }

    #[test]
    fn a_message_is_known_by_source_product_tick_and_time() {
        let id = |text: &str| outside(Channel::Underlying, text).id;
        let of = |source, product, tick, at| {
            id(&format!(
                r#"{{"source":"{source}","product":"{product}","tick_id":{tick},"timestamp":{at},"price":1}}"#
            ))
        };
        let one = of("a", "SPX", 1, 1_800_000_000);
        assert_eq!(
            one,
            id(r#"{"price":2,"tick_id":"1","product":"SPX","timestamp":1800000000,"source":"a"}"#)
        );
        for other in [
            of("b", "SPX", 1, 1_800_000_000),
            of("a", "NDX", 1, 1_800_000_000),
            of("a", "SPX", 2, 1_800_000_000),
            of("a", "SPX", 1, 1_800_000_001),
        ] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn without_a_tick_its_bytes_tell_a_print_and_what_stands_now_is_told_again() {
        let id = |text: &str| outside(Channel::Underlying, text).id;
        let one = r#"{"product":"SPX","timestamp":1800000000,"price":1,"volume":5}"#;
        assert!(id(one).is_some() && id(one) == id(one));
        assert_ne!(id(one), id(&one.replace("\"price\":1", "\"price\":2")));
        let quote = r#"{"product":"SPX","strike":1,"timestamp":1800000000,"bid":1}"#;
        assert_eq!(outside(Channel::OptionQuote, quote).id, None);
        assert_eq!(id(&one.replace("\"volume\":5", "\"volume\":0")), None);
    }

    #[test]
    fn the_subject_follows_from_channel_and_content() {
        let print = |volume: &str| {
            let text = format!(r#"{{"product":"NIFTY","price":1,"volume":{volume}}}"#);
            outside(Channel::Underlying, &text).subject
        };
        assert_eq!(print("5"), Subject::Print);
        for none in ["0", "null", "\"NaN\"", "-1"] {
            assert_eq!(print(none), Subject::Index, "{none}");
        }
        let quote = |strike: u32| {
            let text = format!(
                r#"{{"symbol":"X","product":"SPX","strike":{strike},"expiry":"2027-01-15","option_type":"CE"}}"#
            );
            outside(Channel::OptionQuote, &text)
        };
        assert_eq!(quote(1).symbol.as_str(), "SPX");
        assert_eq!(quote(1).subject, quote(1).subject);
        assert_ne!(quote(1).subject, quote(2).subject);
        let told = outside(Channel::ChainEvents, r#"{"symbol":"SPX","as_of":1}"#);
        assert_eq!((told.symbol.as_str(), told.subject), ("SPX", Subject::Told));
    }

    #[test]
    fn what_names_no_symbol_is_malformed() {
        for text in [
            "",
            "{",
            "[]",
            "1",
            "{}",
            r#"{"product":7}"#,
            r#"{"product":"a b"}"#,
        ] {
            assert_eq!(
                envelope(Channel::Underlying, text.as_bytes()),
                None,
                "{text}"
            );
        }
        assert_eq!(envelope(Channel::Underlying, &[0xff]), None);
    }

    #[test]
    fn a_tick_has_a_price_and_perhaps_a_size() {
        let mut bad = BadInput::default();
        let rules = Rules::default();
        let mut decoder = rules.decoder(NOW, &mut bad);
        let text = r#"{"type":"UNDERLYING","product":"SPX","price":"6000.25","timestamp":1799999999000,"tick_id":4,"volume":12,"open":1}"#;
        let tick = decoder.tick(text.as_bytes()).unwrap();
        assert_eq!(tick.at, Timestamp::from_seconds(1_799_999_999));
        assert_eq!(tick.price, Price::from_f64(6000.25).unwrap());
        assert_eq!(tick.size, Size::from_f64(12.0));
        assert_eq!(decoder.tick(br#"{"product":"SPX"}"#), None);
        assert_eq!(bad.iter().map(|(.., n)| n).sum::<u64>(), 1);
    }

    #[test]
    fn quotes_that_cannot_be_read_cost_no_other() {
        let mut bad = BadInput::default();
        let rules = Rules::default();
        let calendars = calendars();
        let builder = ChainBuilder::new(&calendars, "SPX", "XCBO");
        let quote = |strike: &str, right: &str| {
            format!(
                r#"{{"symbol":"NSE","product":"SPX","strike":{strike},"expiry":"2027-01-22","option_type":"{right}","bid":1.5,"ask":"1.75","iv":0.2,"timestamp":1799999999}}"#
            )
        };
        let texts = [
            quote("6000", "CE"),
            "{".into(),
            quote("null", "PE"),
            quote("6000", "put"),
        ];
        let bytes = texts.iter().map(|text| text.as_bytes());
        let (chain, unusable) = rules.decoder(NOW, &mut bad).quotes(bytes, builder);
        assert_eq!(unusable, 2);
        assert_eq!(chain.contracts.right, [Right::Call, Right::Put]);
        assert_eq!(chain.contracts.ask.get(1), Some(1.75));
        let reasons: Vec<_> = bad.iter().map(|(_, reason, n)| (reason, n)).collect();
        assert_eq!(reasons, [("bad_json", 1), ("no_strike", 1)]);
    }

    proptest! {
        #[test]
        fn no_message_panics(text in "\\PC{0,80}", bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let wrapped = format!(r#"{{"product":"A","price":{text},"volume":{text}}}"#);
            for channel in Channel::ALL {
                envelope(channel, text.as_bytes());
                envelope(channel, &bytes);
                envelope(channel, wrapped.as_bytes());
            }
            let mut bad = BadInput::default();
            let rules = Rules::default();
            let mut decoder = rules.decoder(NOW, &mut bad);
            decoder.tick(&bytes);
            decoder.tick(wrapped.as_bytes());
            let calendars = calendars();
            let builder = ChainBuilder::new(&calendars, "A", "XNYS");
            let all = [&bytes[..], text.as_bytes(), wrapped.as_bytes()];
            decoder.quotes(all.into_iter(), builder);
        }
    }
}
