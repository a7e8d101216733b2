//! Prices: volatility as it is implied, correlation by sector, variance that rises as prices fall.

use quant::synthetic::world::{Settings, World};

use super::{BEFORE_MONDAY, MONDAY, after, at, correlation, only, pass, place, world};

/// Implied volatility at the money of about a month.
fn implied(world: &World, symbol: usize) -> f64 {
    let surface = world.surface(symbol).unwrap();
    (surface.atm_total_variance(1.0 / 12.0) * 12.0).sqrt()
}

/// Prices every five minutes of twenty sessions of New York, closed hours left out, with
/// implied volatilities at each.
fn month(world: &mut World, symbol: usize) -> (Vec<f64>, Vec<f64>) {
    let (mut prices, mut implieds) = (Vec::new(), Vec::new());
    let start = at(BEFORE_MONDAY);
    for step in 1..28 * 288 {
        pass(world, after(start, 300.0 * f64::from(step)));
        if world.is_open(symbol) {
            prices.push(world.price(symbol).unwrap().price.to_f64());
            implieds.push(implied(world, symbol));
        }
    }
    (prices, implieds)
}

fn returns(prices: &[f64]) -> Vec<f64> {
    prices
        .windows(2)
        .map(|two| (two[1] / two[0]).ln())
        .collect()
}

#[test]
fn twenty_sessions_realise_about_what_is_implied() {
    let mut ratios = Vec::new();
    for name in ["AAPL", "SPY", "NIFTY"] {
        for seed in 1..=3 {
            let mut settings = only(&[name]);
            settings.trades_per_second = Some(0.2);
            let mut world = world(&settings, seed, BEFORE_MONDAY);
            let (prices, implieds) = month(&mut world, 0);
            let square: f64 = returns(&prices).iter().map(|r| r * r).sum();
            let realised = (square * 252.0 / 20.0).sqrt();
            let implied = implieds.iter().sum::<f64>() / implieds.len() as f64;
            let ratio = realised / implied;
            assert!((0.6..1.5).contains(&ratio), "{name} {seed}: {ratio}");
            ratios.push(ratio);
        }
    }
    let mean = ratios.iter().sum::<f64>() / ratios.len() as f64;
    println!("realised over implied: {mean:.3} {ratios:.2?}");
    assert!((0.8..1.1).contains(&mean), "{mean} {ratios:?}");
}

#[test]
fn volatility_rises_as_prices_fall() {
    for (name, most) in [("SPX", -0.5), ("AAPL", -0.25)] {
        let mut settings = only(&[name]);
        settings.trades_per_second = Some(0.0);
        let mut world = world(&settings, 3, BEFORE_MONDAY);
        let (prices, implieds) = month(&mut world, 0);
        let found = correlation(&returns(&prices), &returns(&implieds));
        println!("{name}: spot and volatility {found:.2}");
        assert!(found < most, "{name}: {found}");
    }
}

#[test]
fn prices_of_a_sector_move_together_more_than_those_of_two() {
    let settings = Settings {
        generated: 30,
        trades_per_second: Some(0.0),
        ..only(&["SPX", "SPY", "QQQ"])
    };
    let mut world = world(&settings, 4, MONDAY);
    let start = world.now();
    let mut prices = vec![Vec::new(); world.len()];
    for minute in 1..=300 {
        pass(&mut world, after(start, 60.0 * f64::from(minute)));
        for (symbol, prices) in prices.iter_mut().enumerate() {
            prices.push(world.price(symbol).unwrap().price.to_f64());
        }
    }
    let moves: Vec<Vec<f64>> = prices.iter().map(|prices| returns(prices)).collect();
    let (mut within, mut across) = (Vec::new(), Vec::new());
    for a in 3..world.len() {
        for b in 3..a {
            let sector = |symbol| world.underlying(symbol).unwrap().sector;
            let same = sector(a) == sector(b);
            let to = if same { &mut within } else { &mut across };
            to.push(correlation(&moves[a], &moves[b]));
        }
    }
    let mean = |all: &[f64]| all.iter().sum::<f64>() / all.len() as f64;
    let (within, across) = (mean(&within), mean(&across));
    let index_and_fund = correlation(&moves[place(&world, "SPX")], &moves[place(&world, "SPY")]);
    println!("within {within:.2}, across {across:.2}, SPX and SPY {index_and_fund:.2}");
    assert!(within > across + 0.08, "{within} {across}");
    assert!(
        across > 0.1 && index_and_fund > 0.85,
        "{across} {index_and_fund}"
    );
}

#[test]
fn the_one_day_index_stands_about_the_volatility_of_its_surface() {
    for always_open in [false, true] {
        let settings = Settings {
            always_open,
            ..only(&["SPX"])
        };
        let mut world = world(&settings, 5, MONDAY);
        for hour in 0..5 {
            let level = world.vix1d().unwrap();
            let day = 1.0 / 252.0;
            let own = (world.surface(0).unwrap().atm_total_variance(day) / day).sqrt();
            let ratio = level / 100.0 / own;
            assert!(
                (0.85..1.4).contains(&ratio),
                "{always_open} {hour}: {level} {own}"
            );
            let until = after(world.now(), 3_600.0);
            pass(&mut world, until);
        }
    }
}
