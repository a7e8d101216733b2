//! The world as a reader of its events sees it.

use proptest::prelude::*;

use super::price::TRADING_SECONDS_A_YEAR;
use super::*;
use crate::market::signing::Rule;
use crate::market::{Level, QuoteHistory, Signer, Signing, Span, Touch};

const START: Timestamp = Timestamp::from_seconds(1_750_000_000);

fn after(seconds: f64) -> Timestamp {
    START.plus(Span::from_seconds(seconds))
}

/// The default market's events over some seconds.
fn events(seed: u64, seconds: f64) -> Vec<Event> {
    events_of(seed, &World::default_instruments(), &[after(seconds)])
}

fn events_of(seed: u64, instruments: &[Instrument], stops: &[Timestamp]) -> Vec<Event> {
    let mut world = World::new(seed, instruments, START);
    let mut events = Vec::new();
    for &stop in stops {
        world.advance(stop, &mut |event| {
            assert!(event.at <= stop);
            events.push(event);
        });
    }
    events
}

/// What would strain the arithmetic: pennies, a wide tick, wild and lively, nonsense.
fn odd_instruments() -> Vec<Instrument> {
    let like = |price: f64, tick: f64, volatility: f64, trades_per_second: f64| Instrument {
        price,
        tick: Price::from_f64(tick).unwrap(),
        volatility,
        trades_per_second,
        ..World::default_instruments()[0].clone()
    };
    let mut starved = like(20.0, 0.01, 0.5, 50.0);
    starved.mean_size = 1e4;
    starved.mean_depth = 1.0;
    vec![
        starved,
        like(0.02, 0.01, 3.0, 20.0),
        like(24_000.0, 0.05, 0.12, 30.0),
        like(100.0, 0.01, 10.0, 1e9),
        like(100.0, 0.01, 0.3, 0.0),
        like(f64::NAN, -1.0, f64::INFINITY, f64::NAN),
        like(1e300, 9e9, f64::NAN, 5.0),
    ]
}

/// The trades of one instrument with their true sides.
fn tape(events: &[Event], instrument: usize) -> Vec<(Trade, Side)> {
    let of_instrument = events.iter().filter(|e| e.instrument == instrument);
    let trades = of_instrument.filter_map(|event| match event.kind {
        Kind::Trade { trade, true_side } => Some((trade, true_side)),
        Kind::Quote { .. } | Kind::Book(_) => None,
    });
    trades.collect()
}

fn check_book(book: &OrderBook, tick: Price) {
    assert_eq!((book.bids.len(), book.asks.len()), (10, 10));
    assert!(book.bids.is_sorted_by(|a, b| a.price > b.price), "{book:?}");
    assert!(book.asks.is_sorted_by(|a, b| a.price < b.price), "{book:?}");
    let spread = book.asks[0].price.units() - book.bids[0].price.units();
    assert!((1..=3).contains(&(spread / tick.units())), "{book:?}");
    for Level { price, size } in book.bids.iter().chain(&book.asks) {
        assert!(price.units() > 0 && price.units() % tick.units() == 0);
        assert!(*size > Size::ZERO);
    }
}

/// Every promise an event alone or with the one before it can break.
fn check_consistent(events: &[Event], instruments: &[Instrument]) {
    assert!(events.is_sorted_by_key(|event| event.at));
    let mut last_touch: Vec<Option<(Timestamp, Touch)>> = vec![None; instruments.len()];
    let mut last_trade: Vec<Option<Trade>> = vec![None; instruments.len()];
    let mut traded = vec![0; instruments.len()];
    for event in events {
        let index = event.instrument;
        let tick = instruments[index].within_limits().tick;
        match &event.kind {
            Kind::Trade { trade, true_side } => {
                let (shown_at, touch) = last_touch[index].unwrap();
                assert_eq!((trade.touch, trade.at), (Some(touch), event.at));
                assert!(shown_at < trade.at && trade.size > Size::ZERO);
                assert!(trade.price.units() % tick.units() == 0 && trade.venue.is_some());
                assert_eq!(trade.flag, Side::Unknown);
                let inside = touch.bid <= trade.price && trade.price <= touch.ask;
                let walks = last_trade[index].is_some_and(|before| {
                    before.at == trade.at
                        && match true_side {
                            Side::Buy => before.price < trade.price,
                            Side::Sell => before.price > trade.price,
                            Side::Unknown => false,
                        }
                });
                assert!(inside || walks, "{trade:?}");
                last_trade[index] = Some(*trade);
                traded[index] += trade.size.units();
            }
            Kind::Quote { quote, .. } => {
                let touch = quote.touch().unwrap();
                assert!(touch.is_regular());
                if let Some(trade) = last_trade[index] {
                    assert!(event.at.since(trade.at) >= Span::from_nanos(1_000));
                    assert_eq!(quote.spot, Some(trade.price));
                }
                assert_eq!(quote.volume, Some(Size::from_units(traded[index])));
                last_touch[index] = Some((event.at, touch));
            }
            Kind::Book(book) => {
                check_book(book, tick);
                let (at, touch) = last_touch[index].unwrap();
                let best = (book.bids[0].price, book.asks[0].price);
                assert_eq!((at, (touch.bid, touch.ask)), (event.at, best));
            }
        }
    }
}

#[test]
fn a_seed_means_the_same_events_and_another_seed_others() {
    assert_eq!(events(7, 20.0), events(7, 20.0));
    assert_ne!(events(7, 20.0), events(8, 20.0));
}

#[test]
fn another_instrument_in_the_list_changes_nothing_before_it() {
    let all = World::default_instruments();
    let alone = events_of(7, &all[..1], &[after(20.0)]);
    assert_eq!(tape(&alone, 0), tape(&events(7, 20.0), 0));
}

#[test]
fn trades_quotes_and_books_agree() {
    check_consistent(&events(1, 1200.0), &World::default_instruments());
}

#[test]
fn odd_instruments_keep_the_same_promises() {
    let odd = odd_instruments();
    let events = events_of(1, &odd, &[after(2.0)]);
    check_consistent(&events, &odd);
    assert!(tape(&events, 3).len() > 10_000);
}

#[test]
fn some_orders_walk_the_book_and_some_meet_hidden_size() {
    let events = events(2, 1200.0);
    let trades = tape(&events, 1);
    let same_time = trades.windows(2).filter(|w| w[0].0.at == w[1].0.at);
    let walks = same_time.count() as f64 / trades.len() as f64;
    let inside = trades.iter().filter(|(trade, _)| {
        let touch = trade.touch.unwrap();
        touch.bid < trade.price && trade.price < touch.ask
    });
    let inside = inside.count() as f64 / trades.len() as f64;
    assert!((0.005..0.2).contains(&walks), "{walks}");
    assert!((0.01..0.1).contains(&inside), "{inside}");
}

#[test]
fn lee_ready_finds_the_true_side_of_nine_trades_in_ten() {
    let events = events(3, 1200.0);
    for instrument in 0..6 {
        let mut signer = Signer::new(Signing {
            rule: Rule::LeeReady,
            quote_delay: Span::ZERO,
            max_quote_age: Span::from_seconds(60.0),
        });
        let trades = tape(&events, instrument);
        let quotes = QuoteHistory::default();
        let agreed = trades
            .iter()
            .filter(|(trade, side)| signer.sign(*trade, &quotes).side == *side);
        let share = agreed.count() as f64 / trades.len() as f64;
        assert!((0.9..1.0).contains(&share), "{instrument}: {share}");
    }
}

#[test]
fn sides_come_in_runs() {
    let events = events(4, 1200.0);
    for instrument in 0..6 {
        let trades = tape(&events, instrument);
        let signs: Vec<f64> = trades
            .iter()
            .map(|(_, side)| if *side == Side::Buy { 1.0 } else { -1.0 })
            .collect();
        let n = signs.len() as f64;
        let mean = signs.iter().sum::<f64>() / n;
        let variance = 1.0 - mean * mean;
        let lagged: f64 = signs
            .windows(2)
            .map(|w| (w[0] - mean) * (w[1] - mean))
            .sum();
        let correlation = lagged / n / variance;
        assert!((0.1..0.9).contains(&correlation), "{correlation}");
    }
}

#[test]
fn a_session_has_each_instruments_rate_and_volatility() {
    const MINUTES: usize = 390;
    let instruments = World::default_instruments();
    let n = instruments.len();
    let mut world = World::new(5, &instruments, START);
    let mut mids = vec![vec![]; n];
    let mut prints = vec![0.0; n];
    let mut mid = vec![0.0; n];
    for minute in 0..=MINUTES {
        world.advance(after(60.0 * minute as f64), &mut |event| match event.kind {
            Kind::Trade { .. } => prints[event.instrument] += 1.0,
            Kind::Quote { quote, .. } => {
                mid[event.instrument] = quote.touch().unwrap().mid_doubled() as f64;
            }
            Kind::Book(_) => {}
        });
        (0..n).for_each(|index| mids[index].push(mid[index]));
    }
    let seconds = 60.0 * MINUTES as f64;
    for (index, instrument) in instruments.iter().enumerate() {
        let returns = mids[index].windows(2).map(|w| (w[1] / w[0]).ln());
        let variance = returns.map(|r| r * r).sum::<f64>();
        let realised = (variance * TRADING_SECONDS_A_YEAR / seconds).sqrt();
        let ratio = realised / instrument.volatility;
        let rate = prints[index] / seconds / instrument.trades_per_second;
        assert!((0.5..2.0).contains(&ratio), "{}", instrument.symbol);
        assert!((0.7..1.3).contains(&rate), "{}", instrument.symbol);
    }
}

#[test]
fn memory_stays_that_of_one_order_an_instrument() {
    let mut world = World::new(6, &odd_instruments(), START);
    for second in 0..4 {
        world.advance(after(f64::from(second)), &mut |_| {});
        assert!(
            world
                .streams
                .iter()
                .all(|stream| stream.pending_len() <= 12)
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_steps_of_time_change_nothing(
        seed: u64,
        steps in prop::collection::vec(0i64..400_000_000, 1..40),
    ) {
        let instruments = World::default_instruments();
        let mut now = START;
        let stops: Vec<Timestamp> = steps
            .iter()
            .map(|&nanos| {
                now = now.plus(Span::from_nanos(nanos));
                now
            })
            .collect();
        let stepwise = events_of(seed, &instruments, &stops);
        prop_assert_eq!(&stepwise, &events_of(seed, &instruments, &[now]));
        check_consistent(&stepwise, &instruments);
    }
}
