//! The synthetic world as a quant looks at it: what comes out must look like a market, and our own
//! calculators must find in it what was put there.

mod chains;
mod prices;
mod sessions;
mod tape;

use std::sync::{Arc, LazyLock};

use quant::market::{Calendars, Span, Symbol, Timestamp, Trade};
use quant::synthetic::world::{Event, Kind, Settings, Truth, Underlying, World};

/// Monday, an hour into the session of New York; and before it opens.
const MONDAY: &str = "2026-03-02T15:30:00Z";
const BEFORE_MONDAY: &str = "2026-03-02T02:00:00Z";

static CALENDARS: LazyLock<Arc<Calendars>> = LazyLock::new(|| {
    const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/sessions.toml");
    let text = std::fs::read_to_string(PATH).unwrap();
    Arc::new(Calendars::from_toml(&text).unwrap())
});

fn at(text: &str) -> Timestamp {
    Timestamp::from_rfc3339(text).unwrap()
}

fn after(start: Timestamp, seconds: f64) -> Timestamp {
    start.plus(Span::from_seconds(seconds))
}

/// Some of the default underlyings.
fn only(names: &[&str]) -> Settings {
    let named = |one: &Underlying| names.contains(&one.symbol.as_str());
    Settings {
        underlyings: Underlying::defaults().into_iter().filter(named).collect(),
        ..Settings::default()
    }
}

fn world(settings: &Settings, seed: u64, start: &str) -> World {
    World::new(settings, CALENDARS.clone(), seed, at(start)).unwrap()
}

/// Goes on without looking.
fn pass(world: &mut World, until: Timestamp) {
    world.advance(until).for_each(drop);
}

/// The place of a name.
fn place(world: &World, name: &str) -> usize {
    let name = Symbol::new(name).unwrap();
    world.symbols().position(|symbol| *symbol == name).unwrap()
}

/// The trades of an underlying with what is true of them.
fn trades_of(events: &[Event], symbol: usize) -> Vec<(Trade, Truth)> {
    let of_symbol = events.iter().filter(|event| event.symbol == symbol);
    of_symbol
        .filter_map(|event| match event.kind {
            Kind::Trade { trade, truth } => Some((trade, truth)),
            _ => None,
        })
        .collect()
}

/// Pearson's coefficient.
fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len().min(b.len()) as f64;
    let (mean_a, mean_b) = (a.iter().sum::<f64>() / n, b.iter().sum::<f64>() / n);
    let sum = |of: &dyn Fn(f64, f64) -> f64| {
        let pairs = a.iter().zip(b);
        pairs.map(|(a, b)| of(a - mean_a, b - mean_b)).sum::<f64>()
    };
    sum(&|a, b| a * b) / (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt()
}
