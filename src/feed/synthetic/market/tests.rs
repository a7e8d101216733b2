//! The same seed gives the same bytes, however time passes.

use quant::market::Span;

use super::*;
use crate::config::Feed;
use crate::feed::restamp::Restamp;
use crate::feed::wire::Wire;

/// A Friday, 15:00 UTC: New York trades.
const START: Timestamp = Timestamp::from_seconds(1_795_186_800);

fn calendars() -> Calendars {
    Calendars::from_toml(include_str!("../../../../config/sessions.toml")).unwrap()
}

fn feed(always_open: bool) -> Feed {
    Feed {
        always_open,
        symbols_generated: 20,
        ..Feed::default()
    }
}

fn market(feed: &Feed) -> Market {
    Market::new(feed, &Exchanges::default(), Arc::new(calendars()), START).unwrap()
}

/// Everything that is written of so many seconds of a market, looked at in steps, and the state
/// at the end.
fn bytes(feed: &Feed, seconds: f64, steps: u32) -> Vec<u8> {
    let mut market = market(feed);
    let mut messages = Vec::new();
    for step in 1..=steps {
        let lived = seconds * f64::from(step) / f64::from(steps);
        let until = START.plus(Span::from_seconds(lived));
        market.advance(until, &mut |message| messages.push(message));
    }
    market.turn(&mut |message| messages.push(message));
    written(&messages)
}

fn written(messages: &[Message]) -> Vec<u8> {
    let (mut wire, mut out) = (Wire::new("synthetic", false), Vec::new());
    for message in messages {
        wire.write(message, &mut |record| {
            out.extend_from_slice(&record.t_ns.to_le_bytes());
            out.extend_from_slice(record.key.as_bytes());
            out.extend_from_slice(&record.value);
        });
    }
    out
}

#[test]
fn the_same_seed_gives_the_same_bytes_whatever_the_steps() {
    for always_open in [false, true] {
        let feed = feed(always_open);
        let expected = bytes(&feed, 120.0, 1);
        assert!(expected.len() > 1_000_000, "{}", expected.len());
        for steps in [7, 240, 1201] {
            assert!(bytes(&feed, 120.0, steps) == expected, "{steps} steps");
        }
        let other = Feed { seed: 2, ..feed };
        assert!(bytes(&other, 120.0, 1) != expected);
    }
}

/// As the provider does it: at a speed, wall time is looked at ten times a second; moved back to
/// the market's time, what is said is the same.
#[test]
fn the_same_seed_gives_the_same_bytes_whatever_the_speed() {
    let feed = feed(true);
    let said = |speed: f64| {
        let mut market = market(&feed);
        let restamp = Restamp::new(START.nanos(), START.nanos(), speed).unwrap();
        let (mut original, mut moved) = (Vec::new(), Vec::new());
        let beats = (100.0 / speed * 10.0).ceil() as i64;
        for beat in 1..=beats {
            let wall = Span::from_millis(beat * 100);
            let lived = (wall.seconds() * speed).min(100.0);
            market.advance(START.plus(Span::from_seconds(lived)), &mut |message| {
                original.push(message.clone());
                moved.push(message.moved(|at| Timestamp::from_nanos(restamp.t(at.nanos()))));
            });
        }
        (written(&original), moved)
    };
    let (slow, at_life) = said(1.0);
    assert!(written(&at_life) == slow, "at speed 1 nothing moves");
    for speed in [3.0, 100.0] {
        let (fast, moved) = said(speed);
        assert!(fast == slow, "speed {speed}");
        let last = moved[moved.len() - 1].at.since(START).seconds();
        assert!((last - 100.0 / speed).abs() < 2.0 / speed, "{last}");
    }
}

#[test]
fn chains_come_by_turns_and_all_on_the_first() {
    let mut market = market(&Feed {
        always_open: true,
        ..Feed::default()
    });
    let chains = |market: &mut Market| {
        let mut names = Vec::new();
        market.turn(&mut |message| {
            if let What::Chain(chain) = message.what {
                names.push(chain.symbol.to_string());
            }
        });
        names
    };
    let first = chains(&mut market);
    assert_eq!(first.len(), 9);
    let mut later: Vec<String> = (0..5).flat_map(|_| chains(&mut market)).collect();
    assert!((9..=10).contains(&later.len()), "{later:?}");
    later.sort();
    later.dedup();
    assert_eq!(later.len(), 9, "each within five turns");
}

#[test]
fn a_closed_market_says_nothing() {
    let saturday = START.plus(Span::from_seconds(86_400.0));
    let exchanges = Exchanges::default();
    let calendars = Arc::new(calendars());
    let mut market = Market::new(&Feed::default(), &exchanges, calendars, saturday).unwrap();
    let mut said = Vec::new();
    let mut say = |message: Message| said.push(message.what.kind());
    market.advance(saturday.plus(Span::from_seconds(60.0)), &mut say);
    market.turn(&mut say);
    assert_eq!((said, market.is_open()), (vec![], false));
}

#[test]
fn a_lone_chain_comes_every_so_many_turns() {
    let mut market = market(&Feed {
        always_open: true,
        symbols: vec![Symbol::new("SPY").unwrap()],
        chain_every: 5,
        ..Feed::default()
    });
    let mut turns = Vec::new();
    for turn in 0..11 {
        market.turn(&mut |message| {
            if let What::Chain(_) = message.what {
                turns.push(turn);
            }
        });
    }
    assert_eq!(turns, [0, 5, 10]);
}

#[test]
fn a_symbol_that_is_there_twice_is_refused() {
    for names in [["SPY", "SPY"], ["SPY", "S0001"]] {
        let feed = Feed {
            symbols: names.map(|name| Symbol::new(name).unwrap()).into(),
            ..feed(true)
        };
        let (exchanges, calendars) = (Exchanges::default(), Arc::new(calendars()));
        let refused = Market::new(&feed, &exchanges, calendars, START).err();
        let why = refused.unwrap();
        assert!(why.starts_with(names[1]), "{why}");
    }
}

#[test]
fn a_step_of_so_many_messages_goes_on_where_it_ended() {
    let said = |most: usize| {
        let (mut market, mut messages) = (market(&feed(true)), Vec::new());
        let until = START.plus(Span::from_seconds(20.0));
        while !market.advance_within(until, most, &mut |message| messages.push(message)) {
            assert!(messages.len().is_multiple_of(most) && market.now() <= until);
        }
        written(&messages)
    };
    assert!(said(100) == said(usize::MAX));
}

#[test]
fn a_symbol_of_the_settings_has_their_price_and_its_exchange() {
    let symbol = |name| Symbol::new(name).unwrap();
    let feed = Feed {
        symbols: vec![symbol("SPY"), symbol("XYZ"), symbol("RELIANCE")],
        prices: [(symbol("XYZ"), 42.0)].into(),
        ..Feed::default()
    };
    let exchanges = Exchanges {
        exchanges: [(symbol("RELIANCE"), "XNSE".to_owned())].into(),
        ..Exchanges::default()
    };
    let made = underlyings(&feed, &exchanges, &calendars());
    let told: Vec<_> = made.iter().map(|u| (u.price, &*u.exchange)).collect();
    assert_eq!(told[1..], [(42.0, "XNYS"), (100.0, "XNSE")]);
    assert_eq!(made[2].currency, "INR");
}

#[test]
fn numbers_after_a_restart_are_new() {
    let ids = |start: Timestamp| {
        let feed = feed(true);
        let calendars = Arc::new(calendars());
        let mut market = Market::new(&feed, &Exchanges::default(), calendars, start).unwrap();
        let mut ids = Vec::new();
        market.advance(start.plus(Span::from_seconds(30.0)), &mut |message| {
            if let What::Trade { id, .. } = message.what {
                ids.push(id);
            }
        });
        ids
    };
    let last = ids(START).into_iter().max().unwrap();
    let next = START.plus(Span::from_seconds(30.0));
    assert!(ids(next).into_iter().all(|id| id > last && id < 1 << 53));
}
