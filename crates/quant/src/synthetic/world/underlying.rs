//! What is traded in the world: one underlying, its terms and how lively it is, and the ones there
//! are by default. Prices, volatilities and activity are round numbers of the right order.

use super::draw::Draw;
use crate::market::{Price, Symbol};

/// What sort of thing an underlying is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// An index; its tape is that of its nearest future.
    Index,
    /// A fund that follows an index.
    Fund,
    /// A stock.
    Stock,
}

/// What an underlying earns its money with: those of one sector and region move together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sector {
    /// The market as a whole.
    Broad,
    /// Software and hardware.
    Technology,
    /// Banks and insurers.
    Financials,
    /// Goods for everybody.
    Consumer,
    /// Medicine.
    Health,
    /// Oil, gas and power.
    Energy,
    /// Machines and transport.
    Industrials,
}

impl Sector {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Broad,
        Self::Technology,
        Self::Financials,
        Self::Consumer,
        Self::Health,
        Self::Energy,
        Self::Industrials,
    ];
}

/// An underlying and how it trades. What is out of range is brought to the nearest sensible value
/// when a world is made of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Underlying {
    /// Its name; if the calendars list it as a product, they say where and when its options trade.
    pub symbol: Symbol,
    /// Code of the exchange it trades on where the calendars do not list it, such as `XNYS`.
    pub exchange: Box<str>,
    /// ISO 4217.
    pub currency: &'static str,
    /// What sort of thing it is.
    pub class: Class,
    /// What it moves with.
    pub sector: Sector,
    /// Price at the start, in units of the currency.
    pub price: f64,
    /// Smallest step of its price.
    pub tick: Price,
    /// Standard deviation of the yearly log return (0.3 is 30 %), in the long run.
    pub volatility: f64,
    /// Rate of interest, continuously compounded, decimal per year.
    pub rate: f64,
    /// Dividend yield, continuously compounded, decimal per year.
    pub dividend_yield: f64,
    /// Finest distance of two strikes.
    pub strike_step: f64,
    /// Smallest step of an option's price.
    pub option_tick: f64,
    /// Units of the underlying in a contract where the calendars do not know it.
    pub lot: f64,
    /// How many of the nearest expiries are listed.
    pub expiries: usize,
    /// How many monthly ones beyond them.
    pub monthlies: usize,
    /// Contracts a session in an option at the money of the nearest expiry.
    pub option_volume: f64,
    /// Mean number of orders that trade a second of the session; 0 has no tape.
    pub trades_per_second: f64,
    /// Mean size of such an order.
    pub mean_size: f64,
    /// Mean size displayed at the best price; deeper levels hold more.
    pub mean_depth: f64,
    /// Usual spread in ticks.
    pub spread_ticks: i64,
}

/// Symbol, exchange, class, sector; price, volatility, yield, strike step; expiries, monthlies;
/// contracts, trades a second, mean size, mean depth, spread.
type Row = (
    (&'static str, &'static str, Class, Sector),
    (f64, f64, f64, f64),
    (usize, usize),
    (f64, f64, f64, f64, i64),
);

const DEFAULT: [Row; 9] = {
    use Class::{Fund, Index, Stock};
    use Sector::{Broad, Consumer, Financials, Technology};
    [
        (
            ("NIFTY", "XNSE", Index, Broad),
            (24_800.0, 0.13, 0.012, 50.0),
            (4, 3),
            (60_000.0, 6.0, 150.0, 600.0, 8),
        ),
        (
            ("BANKNIFTY", "XNSE", Index, Financials),
            (55_500.0, 0.16, 0.009, 100.0),
            (1, 3),
            (20_000.0, 4.0, 90.0, 300.0, 20),
        ),
        (
            ("FINNIFTY", "XNSE", Index, Financials),
            (26_400.0, 0.15, 0.009, 50.0),
            (1, 3),
            (4_000.0, 2.0, 120.0, 300.0, 20),
        ),
        (
            ("SENSEX", "XBOM", Index, Broad),
            (81_200.0, 0.13, 0.012, 100.0),
            (4, 3),
            (30_000.0, 3.0, 60.0, 200.0, 40),
        ),
        (
            ("AAPL", "XNYS", Stock, Technology),
            (230.0, 0.28, 0.005, 2.5),
            (5, 3),
            (12_000.0, 6.0, 90.0, 500.0, 1),
        ),
        (
            ("TSLA", "XNYS", Stock, Consumer),
            (340.0, 0.55, 0.0, 2.5),
            (5, 3),
            (25_000.0, 10.0, 80.0, 250.0, 2),
        ),
        (
            ("SPY", "XNYS", Fund, Broad),
            (590.0, 0.14, 0.012, 1.0),
            (7, 3),
            (80_000.0, 8.0, 160.0, 1_200.0, 1),
        ),
        (
            ("QQQ", "XNYS", Fund, Technology),
            (510.0, 0.16, 0.006, 1.0),
            (7, 3),
            (50_000.0, 7.0, 130.0, 900.0, 1),
        ),
        (
            ("SPX", "XCBO", Index, Broad),
            (5_900.0, 0.14, 0.013, 5.0),
            (8, 3),
            (15_000.0, 5.0, 60.0, 200.0, 25),
        ),
    ]
};

impl Underlying {
    /// Those of the default universe: four Indian indices, two stocks, two funds and an index of
    /// the United States.
    pub fn defaults() -> Vec<Self> {
        DEFAULT.iter().map(Self::of_row).collect()
    }

    /// A stock of any name with the terms that are usual at its price on an exchange.
    pub fn stock(symbol: Symbol, exchange: &str, price: f64, volatility: f64) -> Self {
        let indian = is_indian(exchange);
        let tick = if indian { 0.05 } else { 0.01 };
        Self {
            symbol,
            exchange: exchange.into(),
            currency: currency(exchange),
            class: Class::Stock,
            sector: Sector::Consumer,
            price,
            tick: Price::from_f64(tick).expect("a decimal fraction of a unit"),
            volatility,
            rate: rate(exchange),
            dividend_yield: 0.01,
            strike_step: usual_step(price),
            option_tick: tick,
            lot: if indian { 500.0 } else { 100.0 },
            expiries: 3,
            monthlies: 1,
            option_volume: 500.0,
            trades_per_second: 0.5,
            mean_size: 120.0,
            mean_depth: 500.0,
            // About two basis points.
            spread_ticks: ((2e-4 * price / tick).round() as i64).max(1),
        }
    }

    /// The generated stock of a number from 1 on, named `S0001`. Activity is unequal, as it is.
    pub(super) fn generated(number: usize, seed: u64) -> Self {
        let draw = |what| Draw::of(seed).part(number as u64).part(what);
        let name = format!("S{number:04}");
        let symbol = Symbol::new(&name).expect("a letter and digits are a symbol");
        let price = (60.0 * draw(1).log_normal(0.8) * 100.0).round() / 100.0;
        let volatility = draw(2).between(0.25, 0.55);
        let liveliness = draw(3).log_normal(1.2);
        let sectors = Sector::ALL.len() as u64 - 1;
        Self {
            sector: Sector::ALL[1 + (draw(4).bits() % sectors) as usize],
            dividend_yield: draw(5).between(0.0, 0.03),
            option_volume: 300.0 * liveliness,
            trades_per_second: 0.3 * liveliness,
            ..Self::stock(symbol, "XNYS", price, volatility)
        }
    }

    fn of_row(row: &Row) -> Self {
        let &((name, exchange, class, sector), terms, (expiries, monthlies), liveliness) = row;
        let (price, volatility, dividend_yield, strike_step) = terms;
        let (option_volume, trades_per_second, mean_size, mean_depth, spread_ticks) = liveliness;
        let symbol = Symbol::new(name).expect("capital letters are a symbol");
        let stock = Self::stock(symbol, exchange, price, volatility);
        let is_us_index = class == Class::Index && !is_indian(exchange);
        Self {
            class,
            sector,
            dividend_yield,
            strike_step,
            option_tick: if is_us_index { 0.05 } else { stock.option_tick },
            lot: if is_indian(exchange) { 50.0 } else { 100.0 },
            expiries,
            monthlies,
            option_volume,
            trades_per_second,
            mean_size,
            mean_depth,
            spread_ticks,
            ..stock
        }
    }

    /// The same with every number where the arithmetic holds; not-a-number is the least.
    pub(super) fn within_limits(mut self) -> Self {
        let limited = |value: f64, least: f64, most: f64| value.max(least).min(most);
        let most_tick = Price::from_units(Price::SCALE * 1_000);
        self.tick = self.tick.clamp(Price::from_units(1_000), most_tick);
        // Ten levels, the spread and the walk of a price need room below; doubles need it above.
        let tick = self.tick.to_f64();
        self.spread_ticks = self.spread_ticks.clamp(1, 1_000);
        let least = tick * (200 + 8 * self.spread_ticks) as f64;
        self.price = limited(self.price, least, least.max(1e7));
        self.volatility = limited(self.volatility, 0.01, 3.0);
        self.rate = limited(self.rate, -0.2, 1.0);
        self.dividend_yield = limited(self.dividend_yield, -0.2, 1.0);
        self.strike_step = limited(self.strike_step, self.price / 2_000.0, self.price / 4.0);
        self.option_tick = limited(self.option_tick, 1e-6, self.price / 10.0);
        self.lot = limited(self.lot, 1.0, 1e6);
        self.expiries = self.expiries.clamp(1, 40);
        self.monthlies = self.monthlies.min(24);
        self.option_volume = limited(self.option_volume, 0.0, 1e7);
        self.trades_per_second = limited(self.trades_per_second, 0.0, 1e4);
        self.mean_size = limited(self.mean_size, 1.0, 1e6);
        self.mean_depth = limited(self.mean_depth, 1.0, 1e6);
        self
    }

    /// Whether it is of India; the rest is taken for the United States.
    pub(super) fn is_indian(&self) -> bool {
        is_indian(&self.exchange)
    }
}

fn is_indian(exchange: &str) -> bool {
    matches!(exchange, "XNSE" | "XBOM")
}

fn currency(exchange: &str) -> &'static str {
    if is_indian(exchange) { "INR" } else { "USD" }
}

fn rate(exchange: &str) -> f64 {
    if is_indian(exchange) { 0.065 } else { 0.043 }
}

/// About a fortieth of the price, rounded to what strikes usually are apart.
fn usual_step(price: f64) -> f64 {
    const STEPS: [f64; 12] = [
        0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1_000.0, 2_500.0,
    ];
    let wanted = price / 40.0;
    let step = STEPS.iter().find(|step| **step >= wanted);
    *step.unwrap_or(&STEPS[STEPS.len() - 1])
}
