//! The tape: what was planted is found by our own calculators, and the book agrees with it.

use std::collections::BTreeMap;

use quant::calculators::sweep;
use quant::market::{
    OrderBook, QuoteHistory, Rule, Side, SignedTrade, Signer, Signing, Size, Span, Touch,
};
use quant::prints::icebergs::Icebergs;
use quant::prints::sweeps::{Cluster, Clusters, Kind as Swept, Print};
use quant::synthetic::world::{Event, Kind};
use serde_json::json;

use super::{MONDAY, after, at, correlation, only, trades_of, world};
use crate::desk::{Desk, only as only_one};

const NAMES: [&str; 3] = ["AAPL", "TSLA", "SPX"];

/// Three hours of three underlyings.
fn events() -> Vec<Event> {
    let mut world = world(&only(&NAMES), 21, MONDAY);
    world.advance(after(at(MONDAY), 10_800.0)).collect()
}

fn signer() -> Signer {
    Signer::new(Signing {
        rule: Rule::LeeReady,
        quote_delay: Span::ZERO,
        max_quote_age: Span::from_seconds(60.0),
    })
}

fn signed_tape(events: &[Event], symbol: usize) -> Vec<SignedTrade> {
    let (mut signer, quotes) = (signer(), QuoteHistory::default());
    let trades = trades_of(events, symbol).into_iter();
    trades
        .map(|(trade, _)| signer.sign(trade, &quotes))
        .collect()
}

#[test]
fn sides_come_in_runs() {
    let events = events();
    for (symbol, name) in NAMES.iter().enumerate() {
        let sign = |side| if side == Side::Buy { 1.0 } else { -1.0 };
        let trades = trades_of(&events, symbol);
        let signs: Vec<f64> = trades.iter().map(|(_, truth)| sign(truth.side)).collect();
        let found = correlation(&signs, &signs[1..]);
        assert!((0.2..0.8).contains(&found), "{name}: {found}");
    }
}

#[test]
fn the_quote_on_the_trade_tells_the_side_of_nine_in_ten() {
    let events = events();
    for (symbol, name) in NAMES.iter().enumerate() {
        let truths = trades_of(&events, symbol);
        let signed = signed_tape(&events, symbol);
        let agree = signed
            .iter()
            .zip(&truths)
            .filter(|(signed, (_, truth))| signed.side == truth.side);
        let share = agree.count() as f64 / truths.len() as f64;
        assert!(share > 0.9, "{name}: {share}");
    }
}

/// What the calculator of sweeps finds with its default settings.
fn found_sweeps(tape: &[SignedTrade]) -> Vec<Cluster> {
    let criteria = sweep::Params::default().criteria().unwrap();
    let mut clusters = Clusters::default();
    let mut found: Vec<Cluster> = Vec::new();
    for print in tape.iter().filter_map(Print::of) {
        found.extend(clusters.take(&print, criteria.window));
    }
    found.extend(clusters.open().cloned());
    found.retain(|one| one.kind(&criteria) == Some(Swept::IntermarketSweep));
    found
}

#[test]
fn planted_sweeps_are_found() {
    let events = events();
    for (symbol, name) in NAMES.iter().enumerate() {
        let found = found_sweeps(&signed_tape(&events, symbol));
        let mut planted: BTreeMap<u32, Vec<_>> = BTreeMap::new();
        for (trade, truth) in trades_of(&events, symbol) {
            if let Some(sweep) = truth.sweep {
                planted.entry(sweep).or_default().push((trade, truth.side));
            }
        }
        let is_found = |prints: &&Vec<(quant::market::Trade, Side)>| {
            let (first, last) = (prints[0].0.at, prints[prints.len() - 1].0.at);
            assert!(last.since(first) < Span::from_millis(20));
            found
                .iter()
                .any(|one| one.side() == prints[0].1 && one.first() <= last && first <= one.last())
        };
        let hits = planted.values().filter(is_found).count();
        println!("{name}: {hits} of {} sweeps", planted.len());
        assert!(planted.len() > 100 && hits * 100 >= 95 * planted.len());
    }
}

#[test]
fn icebergs_go_on_beyond_what_was_displayed() {
    let events = events();
    let (mut icebergs, mut signer) = (Icebergs::default(), signer());
    let quotes = QuoteHistory::default();
    let mut planted = BTreeMap::new();
    for event in events.iter().filter(|event| event.symbol == 0) {
        match &event.kind {
            Kind::Book(book) => icebergs.show(Some(book)),
            Kind::Trade { trade, truth } => {
                icebergs.take(&signer.sign(*trade, &quotes));
                if let Some(iceberg) = truth.iceberg {
                    let standing = icebergs.standing(trade.at, Span::from_millis(100));
                    let seen = standing.iter().any(|level| level.price == trade.price);
                    *planted.entry(iceberg).or_insert(false) |= seen;
                }
            }
            _ => {}
        }
    }
    let found = planted.values().filter(|seen| **seen).count();
    println!("{found} of {} icebergs", planted.len());
    assert!(planted.len() > 50 && found * 10 >= planted.len() * 9);
}

#[test]
fn informed_episodes_show_in_vpin_and_the_price_follows() {
    let settings = json!({"buckets": 8, "min_trades": 50, "bucket_size": 3000.0});
    let mut desk = Desk::with("vpin", settings);
    let mut world = world(&only(&["AAPL"]), 22, MONDAY);
    let events: Vec<Event> = world.advance(after(at(MONDAY), 18_000.0)).collect();
    let (mut informed, mut quiet) = (Vec::new(), Vec::new());
    let mut run = 0;
    let mut moves: BTreeMap<u32, (f64, f64, f64)> = BTreeMap::new();
    for (number, (trade, truth)) in trades_of(&events, 0).into_iter().enumerate() {
        desk.print(trade);
        run = if truth.episode.is_some() { run + 1 } else { 0 };
        if let Some(episode) = truth.episode {
            let price = trade.price.to_f64();
            let entry = moves.entry(episode).or_insert((price, price, 0.0));
            entry.1 = price;
            entry.2 += if truth.side == Side::Buy { 1.0 } else { -1.0 };
        }
        if number % 20 == 0 {
            let body = only_one(desk.turn(trade.at)).body();
            let Some(value) = body["value"].as_f64().filter(|_| body["status"].is_null()) else {
                continue;
            };
            // Once an episode fills the buckets.
            match (run, truth.episode) {
                (200.., _) => informed.push(value),
                (_, None) => quiet.push(value),
                _ => {}
            }
        }
    }
    let mean = |all: &[f64]| all.iter().sum::<f64>() / all.len() as f64;
    let (informed_mean, quiet_mean) = (mean(&informed), mean(&quiet));
    println!(
        "vpin {informed_mean:.3} in {} and {quiet_mean:.3} in {}",
        informed.len(),
        quiet.len()
    );
    assert!(informed.len() > 20 && quiet.len() > 100);
    assert!(
        informed_mean > 1.25 * quiet_mean,
        "{informed_mean} {quiet_mean}"
    );
    let follows = moves
        .values()
        .filter(|(first, last, net)| (last - first) * net > 0.0);
    let (follows, all) = (follows.count(), moves.len());
    println!("the price follows {follows} of {all} episodes");
    assert!(follows * 10 >= all * 6, "{follows} of {all}");
}

#[test]
fn sizes_clump_at_round_lots_and_blocks_are_large() {
    let events = events();
    let trades = trades_of(&events, 0);
    let shares = |size: Size| size.units() / Size::SCALE;
    let round = trades
        .iter()
        .filter(|(trade, _)| shares(trade.size) % 100 == 0);
    let round = round.count() as f64 / trades.len() as f64;
    assert!((0.15..0.8).contains(&round), "{round}");
    let blocks: Vec<_> = trades.iter().filter(|(_, truth)| truth.block).collect();
    assert!(blocks.len() > 20);
    for (trade, _) in blocks {
        let touch = trade.touch.unwrap();
        assert!(shares(trade.size) >= 3_000 && trade.venue.unwrap().is_off_exchange());
        assert!(touch.bid <= trade.price && trade.price <= touch.ask);
    }
}

fn check_book(book: &OrderBook, touch: Touch) {
    assert_eq!((book.bids.len(), book.asks.len()), (10, 10));
    assert!(book.bids.is_sorted_by(|a, b| a.price > b.price));
    assert!(book.asks.is_sorted_by(|a, b| a.price < b.price));
    assert_eq!(
        (book.bids[0].price, book.asks[0].price),
        (touch.bid, touch.ask)
    );
    let sizes = book.bids.iter().chain(&book.asks);
    assert!(sizes.into_iter().all(|level| level.size > Size::ZERO));
}

#[test]
fn the_book_agrees_with_the_tape() {
    let mut world = world(&only(&NAMES), 23, MONDAY);
    let events: Vec<Event> = world.advance(after(at(MONDAY), 1_800.0)).collect();
    let mut touches = [None; NAMES.len()];
    let mut books: [Option<OrderBook>; NAMES.len()] = Default::default();
    let mut traded = [0; NAMES.len()];
    for event in &events {
        let symbol = event.symbol;
        match &event.kind {
            Kind::Quote { quote, .. } => {
                let touch = quote.touch().unwrap();
                assert!(touch.is_regular());
                assert_eq!(quote.volume.unwrap().units(), traded[symbol]);
                touches[symbol] = Some(touch);
            }
            Kind::Book(book) => {
                check_book(book, touches[symbol].unwrap());
                books[symbol] = Some(book.clone());
            }
            Kind::Trade { trade, truth } => {
                assert_eq!(trade.touch, touches[symbol]);
                traded[symbol] += trade.size.units();
                let touch = trade.touch.unwrap();
                let inside = touch.bid < trade.price && trade.price < touch.ask;
                let book = books[symbol].as_ref().unwrap();
                let far = if truth.side == Side::Buy {
                    &book.asks
                } else {
                    &book.bids
                };
                let shown = far.iter().find(|level| level.price == trade.price);
                let lifts = shown.is_some_and(|level| level.size >= trade.size);
                // What was displayed is lifted; hidden size and blocks are neither.
                let hidden = truth.iceberg.is_some() || truth.block;
                assert!(lifts || inside || hidden, "{trade:?} {truth:?}");
            }
            _ => {}
        }
    }
    assert!(traded.iter().all(|units| *units > 0));
}
