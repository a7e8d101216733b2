//! Time: sessions and nights, what changes at an open only, and that steps change nothing.

use proptest::prelude::*;
use quant::market::{Conditions, Span};
use quant::synthetic::world::{Chain, Event, Kind, Settings, Underlying, World};

use super::{BEFORE_MONDAY, MONDAY, after, at, only, pass, place, trades_of, world};

/// Everything until some instants in turn, and the chains at the last.
fn run(settings: &Settings, seed: u64, start: &str, stops: &[f64]) -> (Vec<Event>, Vec<Chain>) {
    let mut world = world(settings, seed, start);
    let mut events = Vec::new();
    for stop in stops {
        let until = after(at(start), *stop);
        for event in world.advance(until) {
            assert!(event.at <= until);
            events.push(event);
        }
        assert_eq!(world.now(), until);
    }
    let chains = (0..world.len()).map(|symbol| world.chain(symbol).unwrap());
    (events, chains.collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn a_seed_means_the_same_events_whatever_the_steps(
        seed: u64,
        mut stops in prop::collection::vec(0.0..90.0f64, 1..20),
        always_open: bool,
    ) {
        let settings = Settings { generated: 3, always_open, ..Settings::default() };
        // Over the open of New York.
        let start = "2026-03-02T14:29:00Z";
        stops.push(90.0);
        stops.sort_by(f64::total_cmp);
        let stepwise = run(&settings, seed, start, &stops);
        let at_once = run(&settings, seed, start, &[90.0]);
        prop_assert!(stepwise == at_once);
        prop_assert!(stepwise.0.is_sorted_by_key(|event| event.at));
    }
}

#[test]
fn iterating_in_parts_is_the_same_as_at_once() {
    let settings = only(&["AAPL", "SPX"]);
    let until = after(at(MONDAY), 60.0);
    let at_once: Vec<Event> = world(&settings, 1, MONDAY).advance(until).collect();
    let mut world = world(&settings, 1, MONDAY);
    let mut parts = Vec::new();
    loop {
        let part: Vec<Event> = world.advance(until).take(7).collect();
        if part.is_empty() {
            break;
        }
        parts.extend(part);
    }
    assert!(parts == at_once && world.now() == until);
}

#[test]
fn another_seed_is_another_world() {
    let settings = only(&["AAPL"]);
    let events = |seed| run(&settings, seed, MONDAY, &[20.0]).0;
    assert_ne!(events(1), events(2));
}

/// A contract's series, bits of its strike and right; its open interest, change and volume.
type Count = ((String, u64, char), (u32, i32, u32));

fn counts(world: &World, symbol: usize) -> Vec<Count> {
    let chain = world.chain(symbol).unwrap();
    let count = |one: &quant::synthetic::world::Contract| {
        let name = format!("{}{}", one.root, one.expiry);
        let right = if one.right.sign() > 0.0 { 'C' } else { 'P' };
        let key = (name, one.strike.to_bits(), right);
        (key, (one.open_interest, one.oi_change, one.volume))
    };
    chain.contracts.iter().map(count).collect()
}

#[test]
fn open_interest_stands_all_session_and_moves_with_the_volume_of_the_one_before() {
    for name in ["SPY", "NIFTY"] {
        let mut settings = only(&[name]);
        settings.trades_per_second = Some(0.0);
        let mut world = world(&settings, 9, BEFORE_MONDAY);
        let mut closes = Vec::new();
        let mut volumes: Vec<u64> = Vec::new();
        let mut opens = Vec::new();
        let mut was_open = world.is_open(0);
        for step in 1..=4 * 144 {
            let until = after(at(BEFORE_MONDAY), 600.0 * f64::from(step));
            pass(&mut world, until);
            let is_open = world.is_open(0);
            let counts = counts(&world, 0);
            if is_open && !was_open {
                opens.push(counts.clone());
                volumes.clear();
            }
            if is_open {
                let standing = opens.last().unwrap();
                let interest = |of: &Count| (of.1.0, of.1.1);
                assert!(
                    counts
                        .iter()
                        .map(interest)
                        .eq(standing.iter().map(interest))
                );
                volumes.push(
                    counts
                        .iter()
                        .map(|(_, (.., volume))| u64::from(*volume))
                        .sum(),
                );
                assert!(volumes.is_sorted());
            } else if was_open {
                closes.push(counts);
            }
            was_open = is_open;
        }
        assert!(opens.len() >= 3 && closes.len() >= 2, "{name}");
        for (close, open) in closes.iter().zip(&opens[1..]) {
            let (mut changed, mut compared) = (0, 0);
            for (key, (interest, change, _)) in open {
                let Some((_, (before, _, volume))) = close.iter().find(|(other, _)| other == key)
                else {
                    assert_eq!(*change, 0);
                    continue;
                };
                let moved = i64::from(*interest) - i64::from(*before);
                assert_eq!(moved, i64::from(*change), "{name} {key:?}");
                assert!(moved.unsigned_abs() <= u64::from(*volume), "{name} {key:?}");
                compared += 1;
                changed += usize::from(moved != 0);
            }
            assert!(changed * 4 > compared, "{name}: {changed} of {compared}");
        }
    }
}

#[test]
fn interest_and_volume_are_largest_near_the_money_and_at_round_strikes() {
    let mut settings = only(&["SPX"]);
    settings.trades_per_second = Some(0.0);
    let mut world = world(&settings, 9, MONDAY);
    pass(&mut world, after(at(MONDAY), 3_600.0));
    let chain = world.chain(0).unwrap();
    let mean = |of: &dyn Fn(f64) -> bool| {
        let these = chain.contracts.iter().filter(|one| of(one.strike));
        let sums = these.fold((0.0, 0.0, 0.0), |(n, oi, volume), one| {
            let (more, traded) = (f64::from(one.open_interest), f64::from(one.volume));
            (n + 1.0, oi + more, volume + traded)
        });
        (sums.1 / sums.0, sums.2 / sums.0)
    };
    let near = |strike: f64| (strike / chain.spot - 1.0).abs() < 0.02;
    let (near_oi, near_volume) = mean(&near);
    let (far_oi, far_volume) = mean(&|strike| (strike / chain.spot - 1.0).abs() > 0.1);
    assert!(near_oi > 2.0 * far_oi && near_volume > 2.0 * far_volume);
    let (round_oi, round_volume) = mean(&|strike| near(strike) && strike % 50.0 == 0.0);
    let (odd_oi, odd_volume) = mean(&|strike| near(strike) && strike % 25.0 != 0.0);
    assert!(round_oi > 1.2 * odd_oi && round_volume > 1.2 * odd_volume);
}

#[test]
fn exchanges_keep_their_hours_and_a_world_that_is_always_open_keeps_none() {
    let settings = only(&["NIFTY", "SPX", "AAPL"]);
    let mut hours = world(&settings, 1, "2026-03-02T09:59:00Z");
    let open =
        |world: &World| ["NIFTY", "SPX", "AAPL"].map(|name| world.is_open(place(world, name)));
    assert_eq!(open(&hours), [true, false, false]);
    for (until, expected) in [
        ("2026-03-02T10:00:00Z", [false, false, false]),
        ("2026-03-02T14:30:00Z", [false, true, true]),
        ("2026-03-02T21:00:00Z", [false, true, false]),
        ("2026-03-02T21:15:00Z", [false, false, false]),
    ] {
        let events: Vec<Event> = hours.advance(at(until)).collect();
        assert_eq!(open(&hours), expected, "{until}");
        let trades = (0..3).map(|symbol| trades_of(&events, symbol).len());
        println!("{until}: {:?}", trades.collect::<Vec<_>>());
    }
    let quiet: Vec<Event> = hours.advance(at("2026-03-03T03:44:59Z")).collect();
    assert!(quiet.is_empty());
    let always = Settings {
        always_open: true,
        ..settings
    };
    // A Sunday.
    let mut always = world(&always, 1, "2026-03-01T23:59:00Z");
    let events: Vec<Event> = always.advance(at("2026-03-02T00:01:00Z")).collect();
    assert!((0..3).all(|symbol| trades_of(&events, symbol).len() > 20));
}

#[test]
fn bars_hold_the_trades_of_their_minute() {
    let settings = only(&["AAPL"]);
    let (events, _) = run(&settings, 1, "2026-03-02T15:00:00Z", &[1_800.0]);
    let trades = trades_of(&events, 0);
    let mut bars = 0;
    for event in &events {
        let Kind::Bar(minute) = &event.kind else {
            continue;
        };
        bars += 1;
        let (start, end) = (
            minute.bar.start,
            minute.bar.start.plus(Span::from_seconds(60.0)),
        );
        let within: Vec<_> = trades
            .iter()
            .filter(|(trade, _)| (start..end).contains(&trade.at))
            .collect();
        assert_eq!(within.len(), minute.count as usize);
        let volume: i64 = within.iter().map(|(trade, _)| trade.size.units()).sum();
        assert_eq!(volume, minute.bar.volume.units());
        // A block counts, its price does not.
        let priced = within.iter().filter(|(_, truth)| !truth.block);
        let within: Vec<_> = priced.collect();
        let Some(high) = within.iter().map(|(trade, _)| trade.price).max() else {
            continue;
        };
        assert_eq!(
            (high, within[0].0.price),
            (minute.bar.high, minute.bar.open)
        );
        assert!(minute.bar.low.to_f64() <= minute.average && minute.average <= high.to_f64());
    }
    assert_eq!(bars, 30);
}

#[test]
fn the_last_ten_minutes_tell_of_the_auction_and_it_prints() {
    let settings = only(&["AAPL", "SPX"]);
    let mut world = world(&settings, 1, "2026-03-02T20:45:00Z");
    let events: Vec<Event> = world.advance(at("2026-03-02T21:01:00Z")).collect();
    let (aapl, spx) = (place(&world, "AAPL"), place(&world, "SPX"));
    let of = |symbol| {
        let told = events.iter().filter_map(move |event| match &event.kind {
            Kind::Imbalance(told) if event.symbol == symbol => Some(*told),
            _ => None,
        });
        told.collect::<Vec<_>>()
    };
    assert!(of(spx).is_empty());
    let told = of(aapl);
    assert_eq!(told.len(), 120);
    let (first, last) = (told[0], told[told.len() - 1]);
    assert_eq!(first.at, at("2026-03-02T20:50:00Z"));
    assert!(first.paired < last.paired && first.near_price.is_some());
    let (auction, _) = *trades_of(&events, aapl).last().unwrap();
    assert_eq!(auction.at, at("2026-03-02T21:00:00Z"));
    assert!(auction.conditions.has(Conditions::AUCTION) && auction.size > first.paired);
    let touch = auction.touch.unwrap();
    assert!(touch.bid < touch.ask, "no quote is locked: {touch:?}");
    let mut bars = events.iter().filter_map(|event| match &event.kind {
        Kind::Bar(minute) if event.symbol == aapl => Some(minute.bar),
        _ => None,
    });
    let bar = bars.next_back().unwrap();
    assert_eq!(bar.start, at("2026-03-02T20:59:00Z"));
    assert_eq!(bar.close, auction.price);
    assert!(bar.volume >= auction.size);
}

#[test]
fn odd_underlyings_stay_within_numbers() {
    let settings = only(&["AAPL", "NIFTY"]);
    let like = &settings.underlyings[0];
    let odd = [
        (f64::NAN, f64::INFINITY),
        (1e300, 9.0),
        (0.0, 0.0),
        (-1.0, f64::NAN),
    ];
    let odd = odd.map(|(price, volatility)| Underlying {
        price,
        volatility,
        strike_step: -price,
        trades_per_second: volatility * 100.0,
        mean_size: price,
        mean_depth: volatility,
        spread_ticks: -3,
        expiries: 0,
        ..like.clone()
    });
    let settings = Settings {
        underlyings: odd.to_vec(),
        ..settings
    };
    let (events, chains) = run(&settings, 1, MONDAY, &[3.0]);
    assert!(!events.is_empty());
    for contract in chains.iter().flat_map(|chain| &chain.contracts) {
        let sum = contract.mark + contract.iv + contract.bid + contract.ask + contract.theta;
        assert!(sum.is_finite() && contract.ask > 0.0, "{contract:?}");
    }
}

#[test]
fn an_exchange_that_is_not_known_is_an_error_that_says_so() {
    let mut settings = only(&["AAPL"]);
    settings.underlyings[0].exchange = "XLON".into();
    let made = World::new(&settings, super::CALENDARS.clone(), 1, at(MONDAY));
    let error = made.map(|world| world.len()).unwrap_err();
    assert!(error.contains("AAPL") && error.contains("XLON"), "{error}");
}
