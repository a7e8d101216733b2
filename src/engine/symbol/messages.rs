//! Messages that came by channel, folded into the snapshot that the keys fill. They are folded
//! after the keys of the same turn: a producer writes its keys first.

use bytes::Bytes;
use quant::market::{ChainBuilder, Conditions, Price, Quote, Side, Timestamp, Trade};
use quant::snapshot::{ListedChain, Section};

use super::{SymbolEngine, Turned, fresh_from};
use crate::store::codec::BadInput;
use crate::store::codec::channel::Tick;
use crate::store::exchange::NewTrades;
use crate::store::inbox::{Channel, Message};

/// What channels said of the underlying.
#[derive(Debug, Default)]
pub(super) struct Underlying {
    /// The newest price, and when it was so.
    last: Option<(Timestamp, Price)>,
    /// When the bid and offer of the ticker were so.
    pub(super) touch_at: Option<Timestamp>,
    /// Whether there is a trade list in the store: then prints are counted there alone.
    pub(super) has_list: bool,
    /// The newest print that was taken from a message, until there is a list.
    printed_until: Option<Timestamp>,
}

impl SymbolEngine {
    /// Folds messages; gives the prints among them that stand in no list.
    pub(super) fn take_messages(
        &mut self,
        messages: Vec<Message>,
        list: &NewTrades,
        reads_chain: bool,
        now: Timestamp,
        turned: &mut Turned,
    ) -> Vec<Trade> {
        // What a clock that was ahead stamped would stand before everything until it is there.
        let latest = now.plus(self.terms.rules.max_future);
        self.underlying.last = self.underlying.last.filter(|(at, _)| *at <= latest);
        self.overlay.forget_beyond(latest);
        self.underlying.has_list |= !list.elements.is_empty();
        let prints = self.take_ticks(&messages, now, turned);
        self.move_spot();
        self.take_chains(&messages, now, turned);
        self.take_quotes(&messages, now, turned);
        if reads_chain {
            self.fold_chain(now);
        }
        prints
    }

    /// Where a list appears behind prints that came by message, what it repeats of them is none.
    pub(super) fn drop_printed(&mut self, trades: &mut Vec<(usize, Trade)>) {
        if self.underlying.has_list
            && let Some(until) = self.underlying.printed_until.take()
        {
            trades.retain(|(_, trade)| trade.at > until);
        }
    }

    fn take_ticks(
        &mut self,
        messages: &[Message],
        now: Timestamp,
        turned: &mut Turned,
    ) -> Vec<Trade> {
        let mut prints = Vec::new();
        let mut decoder = self.terms.rules.decoder(now, &mut turned.bad);
        let underlying = &mut self.underlying;
        for payload in of(messages, Channel::Underlying) {
            let Some(tick) = decoder.tick(payload) else {
                turned.malformed[Channel::Underlying as usize] += 1;
                continue;
            };
            if underlying.last.is_none_or(|(at, _)| at <= tick.at) {
                underlying.last = Some((tick.at, tick.price));
            }
            if let Some(print) = print_of(tick).filter(|_| !underlying.has_list) {
                underlying.printed_until = underlying.printed_until.max(Some(print.at));
                prints.push(print);
            }
        }
        prints
    }

    /// The newest price stands for the underlying where it is newer than the ticker. A bid and an
    /// offer that are too old by then do not become young with it.
    fn move_spot(&mut self) {
        let Some((at, price)) = self.underlying.last else {
            return;
        };
        let touch_at = self.underlying.touch_at;
        let quote = &mut self.snapshot.quote;
        let moved = match quote.newest_mut() {
            Some(ticker) if ticker.at >= at => return,
            Some(ticker) => {
                let max_age = self.terms.ticker_max_age;
                let is_live = touch_at.is_some_and(|touch_at| at.since(touch_at) <= max_age);
                Quote {
                    bid: ticker.bid.filter(|_| is_live),
                    ask: ticker.ask.filter(|_| is_live),
                    spot: Some(price),
                    volume: ticker.volume,
                    at,
                }
            }
            None => Quote {
                bid: None,
                ask: None,
                spot: Some(price),
                volume: None,
                at,
            },
        };
        quote.set(moved, at);
    }

    fn take_chains(&mut self, messages: &[Message], now: Timestamp, turned: &mut Turned) {
        let terms = &self.terms;
        let symbol = self.snapshot.symbol.as_str();
        let mut decoder = terms.rules.decoder(now, &mut turned.bad);
        let (most, mut refused) = (terms.rules.max_contracts, 0);
        for payload in of(messages, Channel::OptionChain) {
            let builder = ChainBuilder::new(&terms.calendars, symbol, &terms.exchange);
            match decoder.chain(payload, builder) {
                Some(chain) => refused += self.overlay.take_expiries(&chain, most),
                None => turned.malformed[Channel::OptionChain as usize] += 1,
            }
        }
        too_many(&mut turned.bad, refused);
    }

    fn take_quotes(&mut self, messages: &[Message], now: Timestamp, turned: &mut Turned) {
        let mut payloads = of(messages, Channel::OptionQuote).peekable();
        if payloads.peek().is_none() {
            return;
        }
        let terms = &self.terms;
        let symbol = self.snapshot.symbol.as_str();
        let builder = ChainBuilder::new(&terms.calendars, symbol, &terms.exchange);
        let mut decoder = terms.rules.decoder(now, &mut turned.bad);
        let (quotes, unusable) = decoder.quotes(payloads.map(|payload| &payload[..]), builder);
        turned.malformed[Channel::OptionQuote as usize] += unusable;
        let most = terms.rules.max_contracts;
        let refused = self.overlay.take_quotes(&quotes, now, most);
        too_many(&mut turned.bad, refused);
    }

    /// Puts what came by channel over the chain of the key.
    fn fold_chain(&mut self, now: Timestamp) {
        let terms = &self.terms;
        let max_age = terms.chain_max_age;
        let stands = self.snapshot.chain.newest_mut().map(|listed| &listed.chain);
        if !self.overlay.wants_folding(stands, now, max_age) {
            return;
        }
        let symbol = self.snapshot.symbol.as_str();
        let builder = ChainBuilder::new(&terms.calendars, symbol, &terms.exchange);
        let most = terms.rules.max_contracts;
        match self.overlay.folded(builder, now, max_age, most) {
            Some(chain) => {
                let own = fresh_from(&chain.head, now);
                let (at, fresh_from) = (chain.at(), self.overlay.oldest().unwrap_or(own));
                let listed = ListedChain::new(chain);
                self.snapshot.chain.set_delayed(listed, at, fresh_from);
            }
            None => self.snapshot.chain.clear(),
        }
    }
}

fn of(messages: &[Message], channel: Channel) -> impl Iterator<Item = &Bytes> {
    let of_channel = messages.iter().filter(move |m| m.channel == channel);
    of_channel.map(|message| &message.payload)
}

fn too_many(bad: &mut BadInput, contracts: u64) {
    if contracts > 0 {
        bad.add(Section::Chain.as_str(), "too_many_contracts", contracts);
    }
}

fn print_of(tick: Tick) -> Option<Trade> {
    Some(Trade {
        at: tick.at,
        price: tick.price,
        size: tick.size?,
        flag: Side::default(),
        touch: None,
        venue: None,
        conditions: Conditions::default(),
    })
}

#[cfg(test)]
mod tests;
