//! The book re-priced along spot.

use std::ops::Range;

use chrono::NaiveDate;

use super::params::Params;
use super::payload::Profile;
use crate::exposure::SignConvention;
use crate::market::Right;
use crate::math::gamma_profile::{self, Rows, log_ratio};
use crate::math::zero_gamma::{Grid, ZeroGamma};
use crate::pricing::{PricedChain, PricedContract};

/// The columns of a book: calls and puts apart, each by series.
#[derive(Debug, Default)]
pub(super) struct Book {
    calls: Side,
    puts: Side,
    /// Expiry and whether it is a monthly one, by series.
    series: Vec<(NaiveDate, bool)>,
}

#[derive(Debug, Default)]
struct Side {
    log_moneyness: Vec<f64>,
    inv_deviation: Vec<f64>,
    carry: Vec<f64>,
    weight: Vec<f64>,
    /// Where each series stands.
    ranges: Vec<Range<usize>>,
}

/// The profile with its zeros.
#[derive(Debug)]
pub(super) struct Curve {
    pub(super) profile: Profile,
    pub(super) zero: ZeroGamma,
}

impl Book {
    /// Contracts with open interest that `takes` wants.
    pub(super) fn of(priced: &PricedChain, takes: impl Fn(&PricedContract) -> bool) -> Self {
        let mut book = Self::default();
        let spot = priced.point.spot;
        for series in &priced.series {
            let starts = (book.calls.weight.len(), book.puts.weight.len());
            for contract in &priced.contracts[series.contracts.clone()] {
                let held = contract.open_interest.unwrap_or(0.0) * contract.multiplier;
                if held == 0.0 || !takes(contract) {
                    continue;
                }
                let side = match contract.right {
                    Right::Call => &mut book.calls,
                    Right::Put => &mut book.puts,
                };
                let (t, sigma) = (series.t_years, contract.iv);
                let drift = series.rate - series.dividend_yield + 0.5 * sigma * sigma;
                let row = [
                    log_ratio(contract.strike, spot),
                    1.0 / (sigma * f64::sqrt(t)),
                    drift * t,
                    held * libm::exp(-series.dividend_yield * t),
                ];
                // One contract beyond all bounds would refuse the whole book.
                let [a, b, c, d] = row.each_ref().map(std::slice::from_ref);
                if Rows::new(spot, a, b, c, d).is_none() {
                    continue;
                }
                side.log_moneyness.push(row[0]);
                side.inv_deviation.push(row[1]);
                side.carry.push(row[2]);
                side.weight.push(row[3]);
            }
            // The next expiry is the next at which something ends.
            if starts == (book.calls.weight.len(), book.puts.weight.len()) {
                continue;
            }
            book.calls.ranges.push(starts.0..book.calls.weight.len());
            book.puts.ranges.push(starts.1..book.puts.weight.len());
            book.series.push((series.expiry, series.monthly));
        }
        book
    }

    /// The exposure along spot under a convention; `None` where there is nothing to re-price.
    pub(super) fn curve(&self, spot: f64, sign: SignConvention, params: &Params) -> Option<Curve> {
        let grid = Grid::linear(spot, params.grid_pct, params.grid_points)?;
        let calls = self.calls.rows(spot, 0..self.calls.weight.len())?;
        let puts = self.puts.rows(spot, 0..self.puts.weight.len())?;
        let put_factor = sign.factor(Right::Put);

        let mut all = Sums::of(&grid);
        let mut without_next = Sums::of(&grid);
        let mut without_monthly = Sums::of(&grid);
        let next_expiry = self.series.iter().map(|(expiry, _)| *expiry).min();
        let monthly = self.series.iter().filter(|(_, monthly)| *monthly);
        let next_monthly = monthly.map(|(expiry, _)| *expiry).min();
        for (at, (expiry, monthly)) in self.series.iter().enumerate() {
            let mut one = Sums::of(&grid);
            let range = self.calls.ranges[at].clone();
            gamma_profile::add(
                self.calls.rows(spot, range)?,
                grid.log_ratios(),
                &mut one.calls,
            );
            let range = self.puts.ranges[at].clone();
            gamma_profile::add(
                self.puts.rows(spot, range)?,
                grid.log_ratios(),
                &mut one.puts,
            );
            all.add(&one);
            if Some(*expiry) != next_expiry {
                without_next.add(&one);
            }
            if !(*monthly && Some(*expiry) == next_monthly) {
                without_monthly.add(&one);
            }
        }
        let gex = all.under(put_factor);
        let zero = ZeroGamma::find(&grid, &gex, &all.under(1.0), |log_ratio| {
            let (call, put) = (
                gamma_profile::at(calls, log_ratio),
                gamma_profile::at(puts, log_ratio),
            );
            gamma_profile::Point {
                value: call.value + put_factor * put.value,
                slope: call.slope + put_factor * put.slope,
            }
        });
        let of_monthly = next_monthly.map(|_| without_monthly.under(put_factor));
        Some(Curve {
            profile: Profile {
                spots: grid.spots().to_vec(),
                gex,
                gex_without_next_expiry: without_next.under(put_factor),
                gex_without_next_monthly: of_monthly.unwrap_or_default(),
                next_expiry,
                next_monthly,
            },
            zero,
        })
    }
}

impl Side {
    fn rows(&self, spot: f64, range: Range<usize>) -> Option<Rows<'_>> {
        Rows::new(
            spot,
            &self.log_moneyness[range.clone()],
            &self.inv_deviation[range.clone()],
            &self.carry[range.clone()],
            &self.weight[range],
        )
    }
}

/// Gross exposure of calls and of puts along a grid.
#[derive(Clone, Debug)]
struct Sums {
    calls: Vec<f64>,
    puts: Vec<f64>,
}

impl Sums {
    fn of(grid: &Grid) -> Self {
        let zeros = vec![0.0; grid.spots().len()];
        Self {
            calls: zeros.clone(),
            puts: zeros,
        }
    }

    fn add(&mut self, other: &Self) {
        let add = |into: &mut [f64], from: &[f64]| {
            into.iter_mut()
                .zip(from)
                .for_each(|(into, from)| *into += from);
        };
        add(&mut self.calls, &other.calls);
        add(&mut self.puts, &other.puts);
    }

    fn under(&self, put_factor: f64) -> Vec<f64> {
        let pairs = self.calls.iter().zip(&self.puts);
        pairs.map(|(call, put)| call + put_factor * put).collect()
    }
}
