//! Suite `gex_exposures`: gamma exposure at spot and the zero-gamma levels by re-pricing, under
//! each sign convention. The greeks and walls of the suite are compared elsewhere.

use quant::math::gamma_profile::{Point, Rows, add, at, log_ratio};
use quant::math::zero_gamma::{Grid, Status, ZeroGamma};
use serde_json::Value;

use crate::suite;

const CONVENTIONS: [&str; 3] = ["dealer_long_calls_short_puts", "unsigned", "flow_signed"];

/// The contracts of one right, as columns.
#[derive(Default)]
struct Side {
    spot: f64,
    log_moneyness: Vec<f64>,
    inv_deviation: Vec<f64>,
    carry: Vec<f64>,
    weight: Vec<f64>,
    gross: Vec<f64>,
}

impl Side {
    fn of(input: &Value, right: &str, convention: &str) -> Self {
        let mut side = Self {
            spot: input["S"].as_f64().unwrap(),
            ..Self::default()
        };
        for contract in input["contracts"].as_array().unwrap() {
            if contract["type"] != right {
                continue;
            }
            let number = |field: &str| contract[field].as_f64().unwrap();
            let (years, vol, dividend) = (number("T"), number("iv"), number("q"));
            let sign = match (convention, right) {
                ("dealer_long_calls_short_puts", "P") => -1.0,
                ("flow_signed", _) => number("dealer_sign"),
                _ => 1.0,
            };
            let gross = number("oi") * number("mult") * libm::exp(-dividend * years);
            side.log_moneyness.push(log_ratio(number("K"), side.spot));
            side.inv_deviation.push(1.0 / (vol * years.sqrt()));
            side.carry
                .push((number("r") - dividend + 0.5 * vol * vol) * years);
            side.weight.push(sign * gross);
            side.gross.push(sign.abs() * gross);
        }
        side
    }

    fn rows(&self) -> Rows<'_> {
        Rows::new(
            self.spot,
            &self.log_moneyness,
            &self.inv_deviation,
            &self.carry,
            &self.weight,
        )
        .unwrap()
    }
}

/// A book under one convention: its curve, the gross one, and the levels.
struct Book {
    sides: [Side; 2],
    spot: f64,
}

impl Book {
    fn of(case: &Value, convention: &str) -> Self {
        let input = &case["input"];
        Self {
            sides: ["C", "P"].map(|right| Side::of(input, right, convention)),
            spot: input["S"].as_f64().unwrap(),
        }
    }

    fn exposure(&self, log_ratio: f64) -> Point {
        let [calls, puts] = &self.sides;
        at(calls.rows(), log_ratio) + at(puts.rows(), log_ratio)
    }

    fn gross(&self, log_ratio: f64) -> f64 {
        let sides = self.sides.iter();
        let gross = sides.map(|side| {
            let rows = side.rows().with_weights(&side.gross).unwrap();
            at(rows, log_ratio).value
        });
        gross.sum()
    }

    fn zero_gamma(&self, grid: &Grid) -> ZeroGamma {
        let mut values = vec![0.0; grid.spots().len()];
        let mut gross = values.clone();
        for side in &self.sides {
            add(side.rows(), grid.log_ratios(), &mut values);
            let rows = side.rows().with_weights(&side.gross).unwrap();
            add(rows, grid.log_ratios(), &mut gross);
        }
        ZeroGamma::find(grid, &values, &gross, |log_ratio| self.exposure(log_ratio))
    }
}

/// Every case under every convention.
fn each(mut check: impl FnMut(&str, &Book, &Value)) {
    let mut cases = 0;
    for case in suite("gex_exposures") {
        for convention in CONVENTIONS {
            let name = format!("{} {convention}", case["id"]);
            check(
                &name,
                &Book::of(&case, convention),
                &case["expected"][convention],
            );
            cases += 1;
        }
    }
    assert_eq!(cases, 9);
}

#[test]
fn gamma_totals() {
    each(|name, book, expected| {
        let expected = expected["total"]["gex"].as_f64().unwrap();
        let mut profile = [0.0];
        for side in &book.sides {
            add(side.rows(), &[0.0], &mut profile);
        }
        for got in [profile[0], book.exposure(0.0).value] {
            let error = (got - expected).abs();
            assert!(
                error <= 1e-10 * expected.abs(),
                "{name}: {got} for {expected}"
            );
        }
    });
}

#[test]
fn gamma_slopes() {
    each(|name, book, expected| {
        // The suite's is the change per further 1 % of spot.
        let expected = expected["total"]["gex_slope"].as_f64().unwrap();
        let got = book.exposure(0.0).slope * 0.01 * book.spot;
        let error = (got - expected).abs();
        assert!(
            error <= 1e-10 * expected.abs(),
            "{name}: {got} for {expected}"
        );
    });
}

#[test]
fn zero_gamma_levels() {
    each(|name, book, expected| {
        let levels: Vec<f64> = expected["zero_gamma_levels_reprice"]
            .as_array()
            .unwrap()
            .iter()
            .map(|level| level.as_f64().unwrap())
            .collect();
        for grid in [
            Grid::linear(book.spot, 0.2, 161).unwrap(),
            Grid::linear(book.spot, 0.2, 401).unwrap(),
            Grid::logarithmic(book.spot, 0.2, 161).unwrap(),
        ] {
            let found = book.zero_gamma(&grid);
            let status = match (levels.len(), expected["total"]["gex"].as_f64()) {
                (0, Some(0.0)) => Status::Degenerate,
                (0, _) => Status::None,
                (1, _) => Status::One,
                _ => Status::Many,
            };
            assert_eq!(found.status, status, "{name}");
            assert_eq!(found.levels.len(), levels.len(), "{name}");
            for (got, expected) in found.levels.iter().zip(&levels) {
                // The suite allows 1e-6.
                let error = (got.spot - expected).abs();
                assert!(
                    error <= 1e-12 * book.spot,
                    "{name}: {got:?} for {expected}, {error:e}"
                );
                let log_ratio = log_ratio(book.spot, got.spot);
                let rest = book.exposure(log_ratio).value.abs() / book.gross(log_ratio);
                assert!(rest < 1e-9, "{name}: {rest:e} of gross is left");
            }
            let nearest = found.nearest(book.spot).map(|level| level.spot);
            let expected = expected["zero_gamma_nearest"].as_f64();
            assert_eq!(nearest.is_some(), expected.is_some(), "{name}");
            for (got, expected) in nearest.into_iter().zip(expected) {
                assert!((got - expected).abs() <= 1e-12 * book.spot, "{name}");
            }
        }
    });
}
