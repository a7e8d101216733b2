//! Option chains: every container, alias and unit that producers write, straight into columns.
//!
//! One pass over the text. Only where something that stands behind the contracts is needed to read
//! them (the expiry of contracts that name none, the spot that tells the unit of a gamma, a better
//! list of the same contracts) the text is read once more, knowing it.

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use chrono::NaiveDate;
use quant::market::{
    Chain, ChainBuilder, Head, Listing, Right, Settlement, Span, Style, Timestamp,
};
use quant::snapshot::Section;

use super::contract_id::{self, ContractId};
use super::{BadInput, Decoder, Picked, Rules, expiry, word_of};
use crate::store::scan::{Malformed, Scalar, Scanner, float};

const SECTION: Section = Section::Chain;

/// No feed is later than a day.
const LONGEST_DELAY_MS: f64 = 86_400_000.0;

/// Names of sources and roots stand in documents.
const LONGEST_NAME: usize = 64;

type Scan<T> = Result<T, Malformed>;

impl Decoder<'_> {
    /// An option chain; `None` where it lists no contract. Contracts that cannot be used are
    /// counted in the chain, what is wrong with the whole or with a single number in the decoder.
    ///
    /// Of several lists the first of `by_contract`, `contracts`, `options`, and `calls` with `puts`
    /// that has contracts is read. A text that is cut or broken somewhere counts as that alone.
    pub fn chain(&mut self, bytes: &[u8], builder: ChainBuilder<'_>) -> Option<Chain> {
        let text = self.text(SECTION, bytes)?;
        let mut ahead = Ahead::default();
        let (pass, bad) = loop {
            let mut bad = BadInput::default();
            let mut pass = Pass::new(self.rules.decoder(self.received, &mut bad), &builder, ahead);
            let scanned = pass.read(text);
            if pass.is_too_long {
                self.bad.count(SECTION, "too_many_contracts");
                return None;
            }
            self.whole(SECTION, scanned)?;
            match pass.wants() {
                Some(wanted) => ahead = wanted,
                None => break (pass.done(), bad),
            }
        };
        self.bad.merge(bad);
        let (builder, head) = pass;
        if builder.listed() == 0 {
            self.bad.count(SECTION, "no_contracts");
            return None;
        }
        Some(builder.finish(head))
    }

    /// Contracts of one text each as one chain.
    pub(super) fn contracts(&mut self, texts: &[&str], builder: ChainBuilder<'_>) -> QuotesRead {
        let mut bad = BadInput::default();
        let door = self.rules.decoder(self.received, &mut bad);
        let mut pass = Pass::new(door, &builder, Ahead::default());
        let mut malformed = 0;
        for text in texts {
            let mut scanner = Scanner::new(text);
            let read = pass.contract(&mut scanner, None, None);
            malformed += u64::from(read.and_then(|()| scanner.end()).is_err());
        }
        let (builder, head) = pass.done();
        self.bad.merge(bad);
        QuotesRead {
            chain: builder.finish(head),
            malformed,
        }
    }
}

/// What came of contracts in a text each.
pub(super) struct QuotesRead {
    /// Those that can be used.
    pub(super) chain: Chain,
    /// Texts that are none, or more than a chain may have.
    pub(super) malformed: u64,
}

/// Where contracts stand, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    ByContract,
    Contracts,
    Options,
    Sides,
}

/// What is known of a text before it is read.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Ahead {
    /// Whether it was read before, so that everything that is in it is known.
    is_whole: bool,
    place: Option<Place>,
    expiry: Option<NaiveDate>,
    spot: Option<f64>,
}

/// One reading of a text.
struct Pass<'t, 'd, 'b> {
    door: Decoder<'d>,
    today: NaiveDate,
    builder: ChainBuilder<'b>,
    before: Ahead,
    /// The best place that had contracts so far.
    place: Option<Place>,
    /// Whether contracts of a worse place were taken before those of the best were seen.
    took_worse: bool,
    lacked_expiry: bool,
    lacked_spot: bool,
    is_too_long: bool,
    source: Option<String>,
    as_of: Picked<Timestamp>,
    spot: Picked<f64>,
    expiry: Option<NaiveDate>,
    delay: Option<Span>,
    delayed: bool,
    /// The time of the contract before: mostly all have the same.
    last_time: (&'t str, Option<Timestamp>),
}

impl<'t, 'd, 'b> Pass<'t, 'd, 'b> {
    fn new(door: Decoder<'d>, builder: &ChainBuilder<'b>, before: Ahead) -> Self {
        Self {
            today: door.received.utc().date_naive(),
            door,
            builder: builder.clone(),
            before,
            place: None,
            took_worse: false,
            lacked_expiry: false,
            lacked_spot: false,
            is_too_long: false,
            source: None,
            as_of: Picked::new(),
            spot: Picked::new(),
            expiry: None,
            delay: None,
            delayed: false,
            last_time: ("", None),
        }
    }

    fn read(&mut self, text: &'t str) -> Scan<()> {
        let mut scanner = Scanner::new(text);
        match scanner.peek() {
            Some(b'[') => self.list(&mut scanner, None)?,
            _ => scanner.object(|scanner, key| self.member(scanner, key))?,
        }
        scanner.end()
    }

    /// What to know in a second reading, where one would find more.
    fn wants(&self) -> Option<Ahead> {
        let gains = self.took_worse
            || (self.lacked_expiry && self.expiry.is_some())
            || (self.lacked_spot && self.spot.value.is_some());
        (gains && !self.before.is_whole).then_some(Ahead {
            is_whole: true,
            place: self.place,
            expiry: self.expiry,
            spot: self.spot.value,
        })
    }

    fn done(mut self) -> (ChainBuilder<'b>, Head) {
        let as_of = self.as_of.value.take();
        let head = Head {
            source: self.source,
            as_of: self.door.not_ahead(SECTION, as_of),
            delay: self.delay.unwrap_or(self.door.rules.chain_delay),
            delayed: self.delayed,
            spot: self.spot.value,
        };
        (self.builder, head)
    }

    fn member(&mut self, scanner: &mut Scanner<'t>, key: &str) -> Scan<()> {
        match key {
            "by_contract" => self.container(scanner, Place::ByContract, None)?,
            "contracts" => self.container(scanner, Place::Contracts, None)?,
            "options" => self.container(scanner, Place::Options, None)?,
            "calls" => self.container(scanner, Place::Sides, Some(Right::Call))?,
            "puts" => self.container(scanner, Place::Sides, Some(Right::Put))?,
            "source" => {
                let scalar = scanner.scalar()?;
                let name = word_of(&scalar).map(|name| name.chars().take(LONGEST_NAME));
                self.source = name.map(Iterator::collect);
            }
            "as_of" => self.head_time(0, scanner)?,
            "timestamp" => self.head_time(1, scanner)?,
            "spot" => self.head_spot(0, scanner)?,
            "spot_price" => self.head_spot(1, scanner)?,
            "underlying_price" => self.head_spot(2, scanner)?,
            "expiry" => {
                let scalar = scanner.scalar()?;
                self.expiry = self.date(&scalar).and_then(Result::ok);
            }
            "delay_ms" => {
                let ms = self.number("bad_delay", scanner.scalar()?, |ms| {
                    (0.0..=LONGEST_DELAY_MS).contains(&ms)
                });
                self.delay = ms.map(|ms| Span::from_seconds(ms / 1e3));
            }
            "delayed" => self.delayed = is_true(&scanner.scalar()?),
            _ => scanner.skip()?,
        }
        Ok(())
    }

    fn head_time(&mut self, rank: usize, scanner: &mut Scanner<'t>) -> Scan<()> {
        let time = self.door.time(SECTION, scanner.scalar()?);
        self.as_of.offer(rank, time);
        Ok(())
    }

    fn head_spot(&mut self, rank: usize, scanner: &mut Scanner<'t>) -> Scan<()> {
        let spot = self.price(scanner)?.filter(|spot| *spot > 0.0);
        self.spot.offer(rank, spot);
        Ok(())
    }

    /// Contracts in an object by id, or in a list; anything else holds none.
    fn container(
        &mut self,
        scanner: &mut Scanner<'t>,
        place: Place,
        side: Option<Right>,
    ) -> Scan<()> {
        let chosen = self.before.place.or(self.place);
        if chosen.is_some_and(|better| better < place) {
            return scanner.skip();
        }
        if self.place.is_some_and(|worse| place < worse) {
            // Left to the second reading, so that no contract is listed twice.
            if holds_any(scanner)? {
                self.place = Some(place);
                self.took_worse = true;
            }
            return Ok(());
        }
        let before = self.builder.listed();
        match scanner.peek() {
            Some(b'[') => self.list(scanner, side)?,
            Some(b'{') => scanner.object(|scanner, id| {
                let named = contract_id::contract_id(id);
                self.contract(scanner, named, side)
            })?,
            _ => scanner.skip()?,
        }
        if self.builder.listed() > before {
            self.place = Some(place);
        }
        Ok(())
    }

    fn list(&mut self, scanner: &mut Scanner<'t>, side: Option<Right>) -> Scan<()> {
        scanner.array(|scanner| self.contract(scanner, None, side))
    }

    fn contract(
        &mut self,
        scanner: &mut Scanner<'t>,
        named: Option<ContractId<'_>>,
        side: Option<Right>,
    ) -> Scan<()> {
        if self.builder.listed() >= self.door.rules.max_contracts {
            self.is_too_long = true;
            return Err(Malformed {
                expected: "fewer contracts",
                at: 0,
            });
        }
        if scanner.peek() != Some(b'{') {
            scanner.skip()?;
            self.builder.drop_one("not_an_object");
            return Ok(());
        }
        let mut fields = Fields::default();
        scanner.object(|scanner, key| self.field(&mut fields, scanner, key))?;
        match self.listing(&fields, named, side) {
            Ok(listing) => self.builder.push(listing),
            Err(reason) => self.builder.drop_one(reason),
        }
        Ok(())
    }

    fn field(&mut self, fields: &mut Fields<'t>, scanner: &mut Scanner<'t>, key: &str) -> Scan<()> {
        let listing = &mut fields.numbers;
        match key {
            "contract_id" => fields.ids[0] = text_of(scanner.scalar()?),
            "occ_symbol" => fields.ids[1] = text_of(scanner.scalar()?),
            "symbol" => fields.ids[2] = text_of(scanner.scalar()?),
            "type" => fields.right.offer(0, right_of(&scanner.scalar()?)),
            "option_type" => fields.right.offer(1, right_of(&scanner.scalar()?)),
            "right" => fields.right.offer(2, right_of(&scanner.scalar()?)),
            "cp_flag" => fields.right.offer(3, right_of(&scanner.scalar()?)),
            "strike" => self.strike(&mut fields.strike, 0, scanner)?,
            "strike_price" => self.strike(&mut fields.strike, 1, scanner)?,
            "expiration" => self.expiry(&mut fields.expiry, 0, scanner)?,
            "expiry" => self.expiry(&mut fields.expiry, 1, scanner)?,
            "exdate" => self.expiry(&mut fields.expiry, 2, scanner)?,
            "implied_volatility" => listing.iv.offer(0, self.iv(scanner)?),
            "iv" => listing.iv.offer(1, self.iv(scanner)?),
            "delta" => listing.delta = self.delta(scanner)?,
            "gamma" => {
                // A zero is what sources write whose decimals have run out.
                let is_usable = |gamma: f64| gamma >= 0.0;
                let gamma = self.number("bad_gamma", scanner.scalar()?, is_usable);
                listing.gamma = above_zero(gamma);
            }
            "theta" => listing.theta = self.greek(scanner)?,
            "vega" => listing.vega = self.greek(scanner)?,
            "rho" => listing.rho = self.greek(scanner)?,
            "open_interest" => listing.open_interest.offer(0, self.size(scanner)?),
            "oi" => listing.open_interest.offer(1, self.size(scanner)?),
            "oi_change" => listing.oi_change.offer(0, self.change(scanner)?),
            "change_in_oi" => listing.oi_change.offer(1, self.change(scanner)?),
            "volume" => listing.volume = self.size(scanner)?,
            "bid" => listing.bid = self.price(scanner)?,
            "ask" => listing.ask = self.price(scanner)?,
            "bid_size" => listing.bid_size = self.size(scanner)?,
            "ask_size" => listing.ask_size = self.size(scanner)?,
            "last" => listing.last.offer(0, self.price(scanner)?),
            "last_price" => listing.last.offer(1, self.price(scanner)?),
            "ltp" => listing.last.offer(2, self.price(scanner)?),
            "mark" => listing.mark.offer(0, self.price(scanner)?),
            "mid" => listing.mark.offer(1, self.price(scanner)?),
            "multiplier" => listing.multiplier.offer(0, self.multiplier(scanner)?),
            "contract_size" => listing.multiplier.offer(1, self.multiplier(scanner)?),
            "lot_size" => listing.multiplier.offer(2, self.multiplier(scanner)?),
            "style" => fields.style = style_of(&scanner.scalar()?),
            "settlement" => fields.settlement = settlement_of(&scanner.scalar()?),
            "root" => {
                let root = text_of(scanner.scalar()?);
                fields.root = root.filter(|root| root.len() <= LONGEST_NAME);
            }
            "quote_ts" => fields.quote_at.offer(0, self.quote_time(scanner)?),
            "timestamp" => fields.quote_at.offer(1, self.quote_time(scanner)?),
            _ => scanner.skip()?,
        }
        Ok(())
    }

    /// What a contract is: its fields, else its name, else where it stands. A field that is there
    /// and says nothing usable is not made good by a name.
    fn listing<'f>(
        &mut self,
        fields: &'f Fields<'_>,
        named: Option<ContractId<'f>>,
        side: Option<Right>,
    ) -> Result<Listing<'f>, &'static str> {
        let root = fields.root.as_deref();
        let (strike, right) = (fields.strike.value, fields.right.value);
        // Some name the underlying as the root: SPX beside SPXW261120C06000000.
        let ids = || fields.ids.iter().flatten();
        let names_longer = |root: &str| {
            ids().any(|id| {
                let rest = id.trim_start_matches("O:").strip_prefix(root);
                rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()))
            })
        };
        let is_told = root.is_some_and(|root| !names_longer(root))
            && strike.is_some()
            && right.is_some()
            && fields.expiry.value.is_some();
        let id = match is_told {
            true => None,
            false => {
                let ids = fields.ids.iter().flatten();
                let mut told = ids.filter_map(|id| contract_id::contract_id(id));
                told.next().or(named)
            }
        };
        let expiry = match fields.expiry.value {
            Some(own) => own.map_err(|Unreadable| "bad_expiry")?,
            None => match id.map(|id| id.expiry).or_else(|| self.default_expiry()) {
                Some(expiry) => expiry,
                None => return Err("no_expiry"),
            },
        };
        if expiry < self.today {
            return Err("expired");
        }
        let right = right
            .or_else(|| Some(id?.right))
            .or(side)
            .ok_or("no_right")?;
        let strike = strike.or_else(|| Some(id?.strike)).ok_or("no_strike")?;
        let numbers = &fields.numbers;
        Ok(Listing {
            root: match (root, id) {
                (Some(root), Some(id)) if id.root.starts_with(root) => Some(id.root),
                (Some(root), _) => Some(root),
                (None, id) => id.map(|id| id.root),
            },
            multiplier: numbers.multiplier.value,
            style: fields.style,
            settlement: fields.settlement,
            bid: numbers.bid,
            ask: above_zero(numbers.ask),
            bid_size: numbers.bid_size,
            ask_size: numbers.ask_size,
            last: above_zero(numbers.last.value),
            mark: above_zero(numbers.mark.value),
            iv: numbers.iv.value,
            delta: numbers.delta,
            gamma: self.gamma(numbers.gamma, strike),
            theta: numbers.theta,
            vega: numbers.vega,
            rho: numbers.rho,
            open_interest: numbers.open_interest.value,
            oi_change: numbers.oi_change.value,
            volume: numbers.volume,
            quote_at: fields.quote_at.value,
            ..Listing::new(expiry, right, strike)
        })
    }

    fn default_expiry(&mut self) -> Option<NaiveDate> {
        let known = self.expiry.or(self.before.expiry);
        self.lacked_expiry |= known.is_none();
        known
    }

    /// A gamma above 5 is possible only where the underlying costs cents; at other prices it is
    /// per hundred. Without a spot the strike says what the underlying costs.
    fn gamma(&mut self, gamma: Option<f64>, strike: f64) -> Option<f64> {
        let gamma = gamma?;
        if gamma <= 5.0 {
            return Some(gamma);
        }
        let spot = self.spot.value.or(self.before.spot);
        self.lacked_spot |= spot.is_none();
        if spot.unwrap_or(strike) > 1.0 {
            return Some(gamma / 100.0);
        }
        self.door.bad.count(SECTION, "bad_gamma");
        None
    }

    fn strike(
        &mut self,
        picked: &mut Picked<f64>,
        rank: usize,
        scanner: &mut Scanner<'t>,
    ) -> Scan<()> {
        let scalar = scanner.scalar()?;
        match read(&scalar) {
            Read::Missing => {}
            Read::Number(strike, _) => picked.offer(rank, Some(strike)),
            // Not a number is what the chain refuses as a bad strike.
            Read::Unreadable => picked.offer(rank + BEHIND, Some(f64::NAN)),
        }
        Ok(())
    }

    fn expiry(
        &mut self,
        picked: &mut Picked<Result<NaiveDate, Unreadable>>,
        rank: usize,
        scanner: &mut Scanner<'t>,
    ) -> Scan<()> {
        let date = self.date(&scanner.scalar()?);
        let behind = match date {
            Some(Err(Unreadable)) => BEHIND,
            _ => 0,
        };
        picked.offer(rank + behind, date);
        Ok(())
    }

    fn date(&self, scalar: &Scalar<'_>) -> Option<Result<NaiveDate, Unreadable>> {
        match scalar {
            Scalar::Null => None,
            Scalar::Bool(_) | Scalar::Container => Some(Err(Unreadable)),
            Scalar::Text(_) | Scalar::Number(_) => {
                let word = word_of(scalar)?;
                Some(expiry::expiry(word, self.door.rules.date_order).ok_or(Unreadable))
            }
        }
    }

    /// Above 3 it is percent: 300 % is rare, 3 % rarer. Exactly 0 is how feeds say none.
    fn iv(&mut self, scanner: &mut Scanner<'t>) -> Scan<Option<f64>> {
        let scalar = scanner.scalar()?;
        let iv = match read(&scalar) {
            Read::Missing | Read::Number(0.0, _) => return Ok(None),
            Read::Number(percent, true) => Some(percent / 100.0),
            Read::Number(iv, false) if iv > 3.0 => Some(iv / 100.0),
            Read::Number(iv, false) => Some(iv),
            Read::Unreadable => None,
        };
        let iv = iv.filter(|iv| *iv > 0.0 && *iv <= 10.0);
        if iv.is_none() {
            self.door.bad.count(SECTION, "bad_iv");
        }
        Ok(iv)
    }

    /// Above 1.5 in size it is percent.
    fn delta(&mut self, scanner: &mut Scanner<'t>) -> Scan<Option<f64>> {
        let per_unit = |delta: f64| match delta.abs() > 1.5 {
            true => delta / 100.0,
            false => delta,
        };
        let is_usable = |delta: f64| per_unit(delta).abs() <= 1.0;
        let delta = self.number("bad_delta", scanner.scalar()?, is_usable);
        Ok(delta.map(per_unit))
    }

    fn greek(&mut self, scanner: &mut Scanner<'t>) -> Scan<Option<f64>> {
        Ok(self.number("bad_greek", scanner.scalar()?, |_| true))
    }

    fn size(&mut self, scanner: &mut Scanner<'t>) -> Scan<Option<f64>> {
        Ok(self.number("bad_size", scanner.scalar()?, |size| size >= 0.0))
    }

    fn change(&mut self, scanner: &mut Scanner<'t>) -> Scan<Option<f64>> {
        Ok(self.number("bad_size", scanner.scalar()?, |_| true))
    }

    fn price(&mut self, scanner: &mut Scanner<'t>) -> Scan<Option<f64>> {
        let Rules { max_price, .. } = *self.door.rules;
        let is_usable = |price| (0.0..max_price).contains(&price);
        Ok(self.number("bad_price", scanner.scalar()?, is_usable))
    }

    fn multiplier(&mut self, scanner: &mut Scanner<'t>) -> Scan<Option<f64>> {
        Ok(self.number("bad_multiplier", scanner.scalar()?, |units| units > 0.0))
    }

    fn number(
        &mut self,
        reason: &'static str,
        scalar: Scalar<'_>,
        is_usable: impl Fn(f64) -> bool,
    ) -> Option<f64> {
        match read(&scalar) {
            Read::Missing => None,
            Read::Number(value, false) if is_usable(value) => Some(value),
            Read::Number(..) | Read::Unreadable => {
                self.door.bad.count(SECTION, reason);
                None
            }
        }
    }

    fn quote_time(&mut self, scanner: &mut Scanner<'t>) -> Scan<Option<Timestamp>> {
        let scalar = scanner.scalar()?;
        let number = match &scalar {
            Scalar::Number(text) => *text,
            _ => "",
        };
        if !number.is_empty() && number == self.last_time.0 {
            return Ok(self.last_time.1);
        }
        let time = self.door.time(SECTION, scalar);
        let time = time.map(|time| self.door.not_ahead(SECTION, Some(time)));
        if !number.is_empty() {
            self.last_time = (number, time);
        }
        Ok(time)
    }
}

/// What is there is worse than what is not: it stands behind every readable alias.
const BEHIND: usize = 10;

/// Something is there that cannot be read.
#[derive(Clone, Copy, Debug)]
struct Unreadable;

/// A contract while its fields come in.
#[derive(Default)]
struct Fields<'t> {
    ids: [Option<Cow<'t, str>>; 3],
    root: Option<Cow<'t, str>>,
    right: Picked<Right>,
    strike: Picked<f64>,
    expiry: Picked<Result<NaiveDate, Unreadable>>,
    style: Option<Style>,
    settlement: Option<Settlement>,
    quote_at: Picked<Timestamp>,
    numbers: Numbers,
}

#[derive(Default)]
struct Numbers {
    multiplier: Picked<f64>,
    bid: Option<f64>,
    ask: Option<f64>,
    bid_size: Option<f64>,
    ask_size: Option<f64>,
    last: Picked<f64>,
    mark: Picked<f64>,
    iv: Picked<f64>,
    delta: Option<f64>,
    gamma: Option<f64>,
    theta: Option<f64>,
    vega: Option<f64>,
    rho: Option<f64>,
    open_interest: Picked<f64>,
    oi_change: Picked<f64>,
    volume: Option<f64>,
}

/// What a scalar says where a number is wanted.
enum Read {
    Missing,
    /// The number, and whether a percent sign follows it.
    Number(f64, bool),
    Unreadable,
}

fn read(scalar: &Scalar<'_>) -> Read {
    let text = match scalar {
        Scalar::Null => return Read::Missing,
        Scalar::Number(text) => text,
        Scalar::Text(text) => text.trim(),
        Scalar::Bool(_) | Scalar::Container => return Read::Unreadable,
    };
    if let Some(value) = float(text) {
        return Read::Number(value, false);
    }
    if super::is_missing(text) {
        return Read::Missing;
    }
    let (number, is_percent) = match text.strip_suffix('%') {
        Some(number) => (number.trim_end(), true),
        None => (text, false),
    };
    let value = float(number).or_else(|| float(&without_commas(number)?));
    value.map_or(Read::Unreadable, |value| Read::Number(value, is_percent))
}

/// `1,234,567.8` as `1234567.8`; `None` where the commas do not part thousands.
fn without_commas(number: &str) -> Option<String> {
    let whole = number.find('.').map_or(number, |point| &number[..point]);
    let mut groups = whole.split(',');
    let first = groups.next()?.trim_start_matches(['-', '+']);
    let is_parted = (1..=3).contains(&first.len()) && groups.all(|group| group.len() == 3);
    is_parted.then(|| number.replace(',', ""))
}

/// Passes a container over and tells whether anything is in it.
fn holds_any(scanner: &mut Scanner<'_>) -> Scan<bool> {
    let mut any = false;
    let mut found = |scanner: &mut Scanner<'_>| {
        any = true;
        scanner.skip()
    };
    match scanner.peek() {
        Some(b'[') => scanner.array(found)?,
        Some(b'{') => scanner.object(|scanner, _| found(scanner))?,
        _ => scanner.skip()?,
    }
    Ok(any)
}

fn above_zero(price: Option<f64>) -> Option<f64> {
    price.filter(|price| *price > 0.0)
}

fn text_of(scalar: Scalar<'_>) -> Option<Cow<'_, str>> {
    match scalar {
        Scalar::Text(text) if !super::is_missing(text.trim()) => Some(text),
        _ => None,
    }
}

fn right_of(scalar: &Scalar<'_>) -> Option<Right> {
    contract_id::right(word_of(scalar)?)
}

fn style_of(scalar: &Scalar<'_>) -> Option<Style> {
    let word = word_of(scalar)?;
    if word.eq_ignore_ascii_case("american") {
        Some(Style::American)
    } else if word.eq_ignore_ascii_case("european") {
        Some(Style::European)
    } else {
        None
    }
}

fn settlement_of(scalar: &Scalar<'_>) -> Option<Settlement> {
    let word = word_of(scalar)?;
    if word.eq_ignore_ascii_case("am") {
        Some(Settlement::Am)
    } else if word.eq_ignore_ascii_case("pm") {
        Some(Settlement::Pm)
    } else {
        None
    }
}

fn is_true(scalar: &Scalar<'_>) -> bool {
    match scalar {
        Scalar::Bool(value) => *value,
        Scalar::Text(text) => text.trim().eq_ignore_ascii_case("true"),
        _ => false,
    }
}
