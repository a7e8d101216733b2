//! What waits, for how long, and what becomes of the rest.

use super::*;

fn symbol(name: &str) -> Symbol {
    Symbol::new(name).unwrap()
}

fn tick(symbol: &str, number: usize, volume: u32) -> (Channel, Bytes) {
    let text = format!(
        r#"{{"product":"{symbol}","price":1,"volume":{volume},"tick_id":{number},"timestamp":{}}}"#,
        1_800_000_000 + number
    );
    (Channel::Underlying, text.into())
}

fn quote(strike: usize, at: usize) -> (Channel, Bytes) {
    let text = format!(
        r#"{{"product":"A","strike":{strike},"expiry":"2027-01-15","option_type":"CE","timestamp":{}}}"#,
        1_800_000_000 + at
    );
    (Channel::OptionQuote, text.into())
}

fn counts(inbox: &Inbox, channel: Channel) -> Counts {
    inbox.lock().counts[channel as usize]
}

#[test]
fn prints_all_wait_and_of_the_rest_the_newest() {
    let inbox = Inbox::default();
    inbox.receive([
        tick("A", 1, 5),
        tick("A", 2, 5),
        tick("A", 3, 0),
        tick("A", 4, 0),
    ]);
    inbox.receive([quote(1, 5), quote(2, 6), quote(1, 7), quote(2, 4)]);
    let mut waiting = inbox.lock();
    let mark = waiting.mark();
    let taken = waiting.take(&symbol("A"), mark);
    let expected = [
        tick("A", 1, 5),
        tick("A", 2, 5),
        tick("A", 4, 0),
        quote(2, 6),
        quote(1, 7),
    ];
    let expected = expected.map(|(channel, payload)| Message { channel, payload });
    assert_eq!(taken, expected);
    waiting.turned([3, 2, 0, 0], [1, 0, 0, 0]);
    assert_eq!((waiting.messages, waiting.bytes), (0, 0));
    drop(waiting);
    let ticks = counts(&inbox, Channel::Underlying);
    assert_eq!(
        (ticks.received, ticks.processed, ticks.malformed),
        (4, 3, 1)
    );
    let quotes = counts(&inbox, Channel::OptionQuote);
    assert_eq!((quotes.received, quotes.processed), (4, 4));
}

#[test]
fn prints_behind_the_mark_wait_for_the_next_pass() {
    let inbox = Inbox::default();
    inbox.receive([tick("A", 1, 5)]);
    let mark = inbox.lock().mark();
    inbox.receive([tick("A", 2, 5)]);
    let mut waiting = inbox.lock();
    assert_eq!(waiting.take(&symbol("A"), mark).len(), 1);
    let mark = waiting.mark();
    assert_eq!(waiting.take(&symbol("A"), mark).len(), 1);
}

#[test]
fn a_message_is_taken_once_within_the_memory() {
    let inbox = Inbox::default();
    inbox.receive([tick("A", 1, 5), tick("A", 1, 5)]);
    assert_eq!(counts(&inbox, Channel::Underlying).duplicate, 1);
    inbox.receive((0..REMEMBERED).map(|n| tick("B", n + 2, 0)));
    assert_eq!(inbox.lock().seen.len(), REMEMBERED);
    inbox.receive([tick("A", 1, 5)]);
    assert_eq!(counts(&inbox, Channel::Underlying).duplicate, 1);
}

#[test]
fn symbols_nobody_computes_on_are_counted_and_not_kept() {
    let inbox = Inbox::default();
    inbox.receive([tick("A", 1, 5), tick("B", 1, 5)]);
    inbox.lock().follow([symbol("A")].into());
    inbox.receive([tick("B", 2, 5)]);
    assert_eq!(counts(&inbox, Channel::Underlying).unknown_symbol, 2);
    assert_eq!(inbox.lock().messages, 1);
}

#[test]
fn what_does_not_fit_is_lost_and_counted() {
    let inbox = Inbox::default();
    inbox.receive((0..PRINTS + 3).map(|n| tick("A", n, 5)));
    inbox.receive((0..CONTRACTS + 2).map(|n| quote(n, n)));
    assert_eq!(counts(&inbox, Channel::Underlying).lagged, 3);
    assert_eq!(counts(&inbox, Channel::OptionQuote).lagged, 2);
    let mut waiting = inbox.lock();
    assert_eq!(waiting.messages, PRINTS + CONTRACTS);
    waiting.lost(7);
    let (name, unseen) = waiting.counts().last().unwrap();
    assert_eq!((name, unseen.lagged), (ANY, 7));
}

#[test]
fn a_new_chain_is_told_until_it_is_read() {
    let inbox = Inbox::default();
    let told = r#"{"symbol":"A","as_of":1800000000,"contracts":9,"source":"x"}"#;
    inbox.receive([(Channel::ChainEvents, told.into())]);
    let mut waiting = inbox.lock();
    assert_eq!(waiting.told(&symbol("A")), 1);
    waiting.chain_read(&symbol("A"), 1);
    assert_eq!(waiting.told(&symbol("A")), 0);
    assert_eq!(waiting.counts[Channel::ChainEvents as usize].processed, 1);
}
