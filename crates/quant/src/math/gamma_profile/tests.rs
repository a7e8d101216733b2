//! What the profile promises: the plain definition, and the same bits in every register.

use super::*;
use crate::math::lanes::Registers;
use crate::math::normal;

/// A chain of one-sided contracts: strikes around 100, expiries from minutes to a year.
struct Chain {
    log_moneyness: Vec<f64>,
    inv_deviation: Vec<f64>,
    carry: Vec<f64>,
    weight: Vec<f64>,
}

impl Chain {
    fn of(contracts: usize) -> Self {
        let mut chain = Self {
            log_moneyness: Vec::new(),
            inv_deviation: Vec::new(),
            carry: Vec::new(),
            weight: Vec::new(),
        };
        for i in 0..contracts {
            let strike = 60.0 + 80.0 * (i * 37 % contracts) as f64 / contracts as f64;
            let years: f64 = [1e-5, 0.002, 0.02, 0.1, 0.5, 1.0][i % 6];
            let vol = 0.1 + 0.3 * (i * 17 % contracts) as f64 / contracts as f64;
            let sign = if i % 3 == 0 { -1.0 } else { 1.0 };
            chain.log_moneyness.push(log_ratio(strike, 100.0));
            chain.inv_deviation.push(1.0 / (vol * years.sqrt()));
            chain.carry.push((0.03 + 0.5 * vol * vol) * years);
            chain.weight.push(sign * (1 + i * 7 % 90) as f64 * 100.0);
        }
        chain
    }

    fn rows(&self) -> Rows<'_> {
        let Self {
            log_moneyness,
            inv_deviation,
            carry,
            weight,
        } = self;
        Rows::new(100.0, log_moneyness, inv_deviation, carry, weight).unwrap()
    }
}

fn grid(points: usize) -> Vec<f64> {
    (0..points)
        .map(|i| libm::log1p(-0.2 + 0.4 * i as f64 / (points - 1) as f64))
        .collect()
}

/// The definition, one contract after the other, by libm.
fn plain(rows: Rows<'_>, l: f64) -> [f64; 2] {
    let x = rows.spot * libm::exp(l);
    (0..rows.len()).fold([0.0, 0.0], |[sum, gross], i| {
        let a = rows.inv_deviation[i];
        let d1 = (l + rows.log_moneyness[i] + rows.carry[i]) * a;
        let gamma = normal::pdf(d1) * a / x;
        let exposure = rows.weight[i] * gamma * x * x * 0.01;
        [sum + exposure, gross + exposure.abs()]
    })
}

#[test]
fn a_profile_is_the_sum_of_its_contracts() {
    let chain = Chain::of(1_003);
    let grid = grid(161);
    let mut profile = vec![0.0; grid.len()];
    add(chain.rows(), &grid, &mut profile);
    for (&l, &got) in grid.iter().zip(&profile) {
        let [expected, gross] = plain(chain.rows(), l);
        let point = at(chain.rows(), l);
        for got in [got, point.value] {
            assert!(
                (got - expected).abs() <= 1e-13 * gross,
                "{l}: {got} {expected}"
            );
        }
    }
}

#[test]
fn the_slope_is_the_difference_quotient() {
    let chain = Chain::of(300);
    for l in grid(33) {
        let x = 100.0 * libm::exp(l);
        let step = 1e-5;
        let value = |x: f64| at(chain.rows(), log_ratio(100.0, x)).value;
        let quotient = (value(x + step) - value(x - step)) / (2.0 * step);
        let gross = plain(chain.rows(), l)[1];
        let got = at(chain.rows(), l).slope;
        // At 10⁻⁵ years a spot of 0.03 is a standard deviation.
        let tolerance = 1e-4 * quotient.abs() + 1e-7 * gross;
        assert!((got - quotient).abs() <= tolerance, "{l}: {got} {quotient}");
    }
}

#[test]
fn registers_do_not_change_a_bit() {
    let chain = Chain::of(997);
    for points in [1, 7, 8, 31, 32, 33, 161] {
        let grid = &grid(161)[..points];
        let run = |registers: Registers| {
            let mut out = vec![0.5; points];
            registers.run(Profile {
                rows: chain.rows(),
                log_ratio: grid,
                out: &mut out,
            });
            let single = registers.run(Single {
                rows: chain.rows(),
                log_ratio: grid[points - 1],
            });
            out.extend([single.value, single.slope]);
            out.iter().map(|x| x.to_bits()).collect::<Vec<_>>()
        };
        let baseline = run(Registers::Baseline);
        for registers in Registers::available() {
            assert_eq!(run(registers), baseline, "{registers:?} {points}");
        }
    }
}

#[test]
fn the_place_of_a_spot_among_others_does_not_change_a_bit() {
    let chain = Chain::of(500);
    let grid = grid(161);
    let mut profile = vec![0.0; grid.len()];
    add(chain.rows(), &grid, &mut profile);
    for (i, &l) in grid.iter().enumerate() {
        let mut alone = [0.0];
        add(chain.rows(), &[l], &mut alone);
        assert_eq!(alone[0].to_bits(), profile[i].to_bits(), "{l}");
    }
}

#[test]
fn spots_out_of_bounds_have_no_gamma() {
    let chain = Chain::of(20);
    for l in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e9] {
        let mut out = [0.0, 0.0];
        add(chain.rows(), &[l, 0.0], &mut out);
        assert_eq!(out[0], 0.0);
        assert!((out[1] - at(chain.rows(), 0.0).value).abs() < 1e-9);
        assert_eq!(at(chain.rows(), l), Point::default());
    }
}

#[test]
fn columns_that_are_no_book_are_refused() {
    let one = [1.0];
    assert!(Rows::new(100.0, &one, &one, &one, &one).is_some());
    for spot in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(Rows::new(spot, &one, &one, &one, &one).is_none(), "{spot}");
    }
    assert!(Rows::new(100.0, &one, &one, &one, &[]).is_none());
    assert!(Rows::new(100.0, &one, &[0.0], &one, &one).is_none());
    for bad in [f64::NAN, f64::INFINITY, 1e61] {
        assert!(
            Rows::new(100.0, &[bad], &one, &one, &one).is_none(),
            "{bad}"
        );
        let rows = Rows::new(100.0, &one, &one, &one, &one).unwrap();
        assert!(rows.with_weights(&[bad]).is_none(), "{bad}");
    }
}

#[test]
fn the_largest_numbers_allowed_stay_numbers() {
    let (small, large) = ([-LIMIT, LIMIT, 0.0], [LIMIT, LIMIT, LIMIT]);
    let rows = Rows::new(LIMIT, &small, &large, &[0.0; 3], &large).unwrap();
    for l in [-FAR, 0.0, FAR, 1e-60] {
        let mut out = [0.0];
        add(rows, &[l], &mut out);
        let point = at(rows, l);
        assert!(out[0].is_finite() && point.value.is_finite() && point.slope.is_finite());
    }
}

#[test]
fn an_empty_book_is_flat() {
    let rows = Rows::new(100.0, &[], &[], &[], &[]).unwrap();
    assert!(rows.is_empty());
    let mut out = [0.0; 3];
    add(rows, &[-0.1, 0.0, 0.1], &mut out);
    assert_eq!(out, [0.0; 3]);
    assert_eq!(at(rows, 0.0), Point::default());
}

#[test]
fn the_shorter_slice_says_how_many_spots() {
    let chain = Chain::of(50);
    let grid = grid(70);
    let mut all = vec![0.0; 70];
    add(chain.rows(), &grid, &mut all);
    for (spots, sums) in [(64, 33), (33, 64), (40, 35), (0, 8), (8, 0)] {
        let mut some = vec![0.0; sums];
        add(chain.rows(), &grid[..spots], &mut some);
        let both = spots.min(sums);
        assert_eq!(some[..both], all[..both]);
        assert!(some[both..].iter().all(|&x| x == 0.0));
    }
}
