//! What moves many prices at once: a market and its sectors in each region, and the rare day on
//! which the market jumps.

use super::draw::Draw;
use super::underlying::{Class, Sector, Underlying};
use crate::synthetic::chance::Chance;

/// The United States and India.
const REGIONS: usize = 2;
const SECTORS: usize = Sector::ALL.len();

/// Share of the variance of a market that comes in jumps, and how many there are a year.
const JUMP_VARIANCE: f64 = 0.08;
const JUMPS_A_YEAR: f64 = 4.0;

/// What came upon all symbols within a second, or a night: standard normal a factor.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shocks {
    market: [f64; REGIONS],
    sector: [[f64; SECTORS]; REGIONS],
    /// In standard deviations of a year.
    jump: [f64; REGIONS],
}

/// How much of the variance of a symbol its factors explain.
#[derive(Clone, Copy, Debug)]
pub(super) struct Loads {
    region: usize,
    sector: usize,
    of_market: f64,
    of_sector: f64,
    of_own: f64,
}

/// What a symbol feels of the shocks.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Felt {
    /// Standard normal, correlated among symbols.
    pub(super) normal: f64,
    /// In its standard deviations of a year.
    pub(super) jump: f64,
}

impl Shocks {
    /// Those of so many years of variance.
    pub(super) fn draw(chance: &mut Chance, years: f64) -> Self {
        let mut shocks = Self::default();
        for region in 0..REGIONS {
            shocks.market[region] = chance.normal();
            shocks.sector[region] = std::array::from_fn(|_| chance.normal());
            if chance.happens(JUMPS_A_YEAR * years) {
                let sigma = (JUMP_VARIANCE / JUMPS_A_YEAR).sqrt();
                shocks.jump[region] = sigma * chance.normal();
            }
        }
        shocks
    }

    /// Those of the night before a session: the same for all exchanges that open on a date.
    pub(super) fn of_night(seed: u64, date: chrono::NaiveDate) -> Self {
        let day = Draw::of(seed).part(chrono::Datelike::num_days_from_ce(&date) as u64);
        Self::draw(&mut Chance::new(day.bits()), 0.0)
    }
}

impl Loads {
    /// By what sort of thing it is: an index is its market or sector, a stock also itself.
    pub(super) fn of(underlying: &Underlying) -> Self {
        let (of_market, of_sector) = match (underlying.class, underlying.sector) {
            (Class::Index | Class::Fund, Sector::Broad) => (0.985, 0.1),
            (Class::Index | Class::Fund, _) => (0.87, 0.45),
            (Class::Stock, _) => (0.55, 0.45),
        };
        let rest: f64 = 1.0 - of_market * of_market - of_sector * of_sector;
        Self {
            region: usize::from(underlying.is_indian()),
            sector: underlying.sector as usize,
            of_market,
            of_sector,
            of_own: rest.sqrt(),
        }
    }

    /// What the symbol feels, with a standard normal of its own.
    pub(super) fn felt(&self, shocks: &Shocks, own: f64) -> Felt {
        let market = (1.0 - JUMP_VARIANCE).sqrt() * shocks.market[self.region];
        let sector = shocks.sector[self.region][self.sector];
        Felt {
            normal: self.of_market * market + self.of_sector * sector + self.of_own * own,
            jump: self.of_market * shocks.jump[self.region],
        }
    }
}
