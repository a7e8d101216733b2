//! What is known of the products that are followed, and what rows of the vendor make of it: pure,
//! but for the counting of rows that cannot be used.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use quant::market::{Symbol, Timestamp};
use serde_json::Value;

use super::identifier::parse;
use super::images::Images;
use super::options::{Key, Options, Quantities};
use super::plan::{self, Followed, Instruments};
use super::request::Request;
use super::rows::{Counts, Row, rows};
use crate::feed::message::{Message, What};

/// For how long something is not pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The vendor's words say that it never is.
    ForGood,
    /// Nobody knows the words: it is asked for again.
    Passing,
}

/// A product with its options.
pub(super) struct Product {
    /// As the vendor calls it.
    pub(super) name: String,
    pub(super) symbol: Symbol,
    pub(super) spot: Option<Followed>,
    pub(super) future: Option<Followed>,
    /// The day its lists are of.
    pub(super) listed_on: Option<NaiveDate>,
    /// The expiries that are followed; none where the vendor does not list them.
    pub(super) expiries: Vec<NaiveDate>,
    pub(super) instruments: Instruments,
    pub(super) options: Options,
    /// The strikes that subscriptions are around.
    pub(super) centres: BTreeMap<NaiveDate, f64>,
    /// Whether the vendor refused to push its chain.
    pub(super) refusal: Option<Refusal>,
}

impl Product {
    pub(super) fn new(
        name: &str,
        exchange: &str,
        own: &BTreeMap<Symbol, String>,
    ) -> Result<Self, String> {
        Ok(Self {
            name: name.to_owned(),
            symbol: plan::symbol(name)?,
            spot: plan::spot(exchange, name, None, own),
            future: plan::future(exchange, name),
            listed_on: None,
            expiries: Vec::new(),
            instruments: Instruments::default(),
            options: Options::default(),
            centres: BTreeMap::new(),
            refusal: None,
        })
    }

    /// The instruments whose quotes are followed.
    pub(super) fn followed(&self) -> impl Iterator<Item = &Followed> {
        self.spot.iter().chain(&self.future)
    }
}

/// All products.
pub(super) struct Books {
    pub(super) products: Vec<Product>,
    /// By identifier in capitals.
    images: BTreeMap<String, Images>,
    pub(super) counts: Counts,
    quantities: Quantities,
}

impl Books {
    pub(super) fn new(products: Vec<Product>, quantities: Quantities) -> Self {
        let mut books = Self {
            products,
            images: BTreeMap::new(),
            counts: Counts::default(),
            quantities,
        };
        books.follow();
        books
    }

    /// Has images of every instrument that is followed.
    pub(super) fn follow(&mut self) {
        for product in &self.products {
            for one in product.followed() {
                let is_spot = product.spot.as_ref() == Some(one);
                let images = self.images.entry(one.id.to_uppercase());
                images.or_insert_with(|| Images::new(one.symbol.clone(), is_spot));
            }
        }
    }

    /// That every symbol is published.
    pub(super) fn symbols(&self, at: Timestamp) -> Vec<Message> {
        let mut symbols: Vec<Symbol> = Vec::new();
        for product in &self.products {
            symbols.push(product.symbol.clone());
            symbols.extend(product.followed().map(|one| one.symbol.clone()));
        }
        symbols.sort();
        symbols.dedup();
        let what = symbols.into_iter().map(What::Symbol);
        what.map(|what| Message { at, what }).collect()
    }

    /// The connection was lost.
    pub(super) fn interrupted(&mut self) {
        self.images.values_mut().for_each(Images::interrupted);
    }

    /// The price that options of a product are around: of the spot, else of the future, else what the
    /// spot closed at.
    pub(super) fn price(&self, product: &Product) -> Option<f64> {
        let of = |one: &Followed| self.images.get(&one.id.to_uppercase());
        let last = product
            .followed()
            .filter_map(of)
            .find_map(|images| images.price);
        last.or_else(|| of(product.spot.as_ref()?)?.previous_close)
    }

    /// What the rows of a message say at once; chains are made when they are due.
    pub(super) fn take(
        &mut self,
        kind: &str,
        body: &Value,
        now: Timestamp,
        today: NaiveDate,
    ) -> Vec<Message> {
        let mut said = Vec::new();
        for row in rows(body) {
            let id = row.text("InstrumentIdentifier");
            let token = row.word("Token");
            match (id, token) {
                (Some(id), _) if self.images.contains_key(&id.to_uppercase()) => {
                    let images = self.images.get_mut(&id.to_uppercase());
                    let images = images.expect("it was just there");
                    said.extend(images.take(row, now, &mut self.counts));
                }
                (Some(id), _) => self.option(id, row, now, today),
                // Greeks name a contract by its token, or by its identifier in the token's place.
                (None, Some(token)) => match self.of_token(&token) {
                    Some((product, key, id)) => self.put(product, key, &id, row, now),
                    None if parse(&token).is_some() => self.option(&token, row, now, today),
                    None => self.counts.count("unknown_token"),
                },
                (None, None) if is_of_rows(kind) => self.counts.count("no_identifier"),
                (None, None) => self.counts.count("unknown_message"),
            }
        }
        said
    }

    fn option(&mut self, id: &str, row: Row<'_>, now: Timestamp, today: NaiveDate) {
        let Some(parsed) = parse(id) else {
            return self.counts.count("unknown_identifier");
        };
        if parsed.expiry < today {
            return self.counts.count("expired");
        }
        let product = self
            .products
            .iter()
            .position(|one| one.name.eq_ignore_ascii_case(parsed.product));
        match product.zip(Key::of(&parsed)) {
            Some((product, key)) => self.put(product, key, id, row, now),
            None => self.counts.count("unknown_instrument"),
        }
    }

    fn put(&mut self, product: usize, key: Key, id: &str, row: Row<'_>, now: Timestamp) {
        let product = &mut self.products[product];
        product.options.take(key, id, row, now, &mut self.counts);
        if let Some(lot) = product.instruments.lots.get(&key) {
            product.options.lot(key, *lot);
        }
    }

    fn of_token(&self, token: &str) -> Option<(usize, Key, String)> {
        let products = self.products.iter().enumerate();
        products
            .filter_map(|(at, product)| {
                let key = *product.instruments.tokens.get(token)?;
                Some((at, key, product.instruments.names.get(&key)?.clone()))
            })
            .next()
    }

    /// The chains that changed, of the products that `are_due`.
    pub(super) fn chains(
        &mut self,
        now: Timestamp,
        delayed: bool,
        are_due: impl Fn(&Product) -> bool,
    ) -> Vec<Message> {
        let mut said = Vec::new();
        for at in 0..self.products.len() {
            if !self.products[at].options.changed || !are_due(&self.products[at]) {
                continue;
            }
            let price = self.price(&self.products[at]);
            let product = &mut self.products[at];
            let chain =
                product
                    .options
                    .chain(&product.symbol, price, delayed, self.quantities, now);
            said.extend(chain.map(|chain| Message {
                at: now,
                what: What::VendorChain(Box::new(chain)),
            }));
        }
        said
    }

    /// The polls for the chain of a product.
    pub(super) fn chain_polls(product: &Product, exchange: &str) -> Vec<Request> {
        let of = |expiry| Request::chain(exchange, &product.name, expiry);
        match product.expiries.is_empty() {
            true => vec![of(None)],
            false => product
                .expiries
                .iter()
                .map(|expiry| of(Some(*expiry)))
                .collect(),
        }
    }
}

/// Whether messages of a kind consist of rows with names.
fn is_of_rows(kind: &str) -> bool {
    let kind = kind.to_ascii_lowercase();
    kind.is_empty()
        || ["quote", "realtime", "greeks"]
            .iter()
            .any(|part| kind.contains(part))
}
