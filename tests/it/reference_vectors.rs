//! Option values against tables of other programs: 40-digit differences of the price, py_vollib's
//! Greeks, and Jäckel's own "Let's Be Rational".

use crate::harness::require_shared;
use quant::math::black_scholes::{Greeks, Right, Terms, greeks};
use quant::math::implied_vol::implied_vol;
use serde_json::Value;
use std::path::Path;

fn undiscounted(forward: f64, strike: f64, t_years: f64, sigma: f64) -> Terms {
    Terms {
        spot: forward,
        strike,
        t_years,
        rate: 0.0,
        dividend_yield: 0.0,
        sigma,
    }
}

fn folder(shared: &Path) -> std::path::PathBuf {
    shared.join("data/reference_vectors")
}

/// Its authors differentiated the price numerically: independent of every closed form.
#[test]
fn greeks_are_the_derivatives_of_the_price() {
    let shared = require_shared!();
    let table = std::fs::read_to_string(folder(&shared).join("bsm_greeks_mpmath.csv")).unwrap();
    let mut worst = 0.0_f64;
    let rows: Vec<&str> = table.lines().skip(1).collect();
    assert_eq!(rows.len(), 60);
    for row in rows {
        let (kind, numbers) = row.split_once(',').unwrap();
        let n: Vec<f64> = numbers.split(',').map(|n| n.parse().unwrap()).collect();
        let right = if kind == "C" { Right::Call } else { Right::Put };
        let terms = Terms {
            spot: n[0],
            strike: n[1],
            t_years: n[2],
            rate: n[3],
            dividend_yield: n[4],
            sigma: n[5],
        };
        let of = greeks(right, &terms).unwrap();
        let (s, root) = (n[0], n[2].sqrt());
        // What is compared, the table's value, and the size whose rounding it inherits.
        let pairs = [
            (of.price, n[6], s),
            (of.delta, n[7], 1.0),
            (of.gamma, n[8], 1.0 / (s * n[5] * root)),
            (of.vega, n[9], s * root),
            (of.theta, n[10], s * n[5] / root),
            (of.rho, n[11], n[1] * n[2]),
            (of.vanna, n[12], 1.0 / n[5]),
            (of.charm, n[13], 1.0 / n[2]),
            (of.vomma, n[14], s * root / n[5]),
        ];
        for (at, (got, expected, scale)) in pairs.into_iter().enumerate() {
            let used = (got - expected).abs() / (1e-12 * expected.abs() + 1e-14 * scale);
            worst = worst.max(used);
            assert!(
                used <= 1.0,
                "{row}, value {at}: {got:e} {expected:e} {used}"
            );
        }
    }
    println!("540 values: the worst uses {worst:.3} of 1e-12 relative and 1e-14 of its scale");
}

/// The table is rounded to ten digits or nine decimals; its Greeks are per year and per 1.00.
#[test]
fn greeks_are_those_of_py_vollib_to_the_digits_it_prints() {
    let shared = require_shared!();
    let path = folder(&shared).join("py_vollib_test_data.json");
    let table: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let columns: Vec<&str> = table["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    let rows = table["data"].as_array().unwrap();
    assert_eq!(rows.len(), 101);
    for row in rows {
        let of = |name: &str| {
            let at = columns.iter().position(|column| *column == name).unwrap();
            row[at].as_f64().unwrap()
        };
        let terms = Terms {
            rate: of("R"),
            ..undiscounted(of("S"), of("K"), of("t"), of("v"))
        };
        let sides = [
            (Right::Call, ["bs_call", "CD", "CG", "CV", "CT", "CR"]),
            (Right::Put, ["bs_put", "PD", "PG", "PV", "PT", "PR"]),
        ];
        for (right, names) in sides {
            let got: Greeks = greeks(right, &terms).unwrap();
            let got = [
                got.price, got.delta, got.gamma, got.vega, got.theta, got.rho,
            ];
            for (name, got) in names.into_iter().zip(got) {
                let expected = of(name);
                let error = (got - expected).abs();
                assert!(
                    error <= 6e-10 * got.abs() + 5e-10,
                    "{terms:?} {name}: {got} {expected}"
                );
            }
        }
    }
}

/// Prices agree to a few roundings of forward or strike, volatilities as far as those prices tell.
#[test]
fn prices_and_volatilities_are_those_of_lets_be_rational() {
    let shared = require_shared!();
    let path = folder(&shared).join("lets_be_rational_TestValues.json.zst");
    let decoder = zstd::Decoder::new(std::fs::File::open(path).unwrap()).unwrap();
    // Python writes what JSON has no word for.
    let text = std::io::read_to_string(decoder)
        .unwrap()
        .replace("NaN", "null");
    let table: Value = serde_json::from_str(&text).unwrap();
    let inputs = table["input"].as_array().unwrap();
    let outputs = table["output"].as_array().unwrap();
    assert_eq!((inputs.len(), outputs.len()), (1_000, 1_000));
    let (mut worst_price, mut worst_sigma, mut solved) = (0.0_f64, 0.0_f64, 0);
    for (input, output) in inputs.iter().zip(outputs) {
        let of = |name: &str| input[name].as_f64().unwrap();
        let out = |name: &str| output[name].as_f64().unwrap();
        let right = if of("q") > 0.0 {
            Right::Call
        } else {
            Right::Put
        };
        let (f, k, t) = (of("F"), of("K"), of("T"));

        let got = greeks(right, &undiscounted(f, k, t, of("sigma")));
        // Some rows have no time left.
        let (price, vega) = match got {
            Ok(greeks) => (greeks.price, greeks.vega),
            Err(limit) => (limit.limit().unwrap().price, 0.0),
        };
        let rounding = f64::EPSILON * (f + k);
        let away = (price - out("black")).abs() / rounding;
        worst_price = worst_price.max(away);
        assert!(away <= 4.0, "{input}: {price} {}", out("black"));

        let (up, down) = (exp_half(of("x")), exp_half(-of("x")));
        let normal = greeks(right, &undiscounted(up, down, 1.0, of("s"))).unwrap();
        let (b, normalised_vega) = (out("normalised_black"), out("normalised_vega"));
        assert!((normal.price - b).abs() <= 1e-15 * (up + down), "{input}");
        // x/s has a rounding, and it stands squared in the exponent; x comes back from the logarithm
        // of a ratio near 1 with an absolute one.
        let deviations = (of("x") / of("s")).abs();
        let distance = 1.0 + deviations.powi(2) + deviations / of("s");
        assert!(
            (normal.vega - normalised_vega).abs() <= 2e-15 * distance * normalised_vega,
            "{input}"
        );

        // Without time value in the price there is no volatility to compare.
        let Ok(sigma) = implied_vol(right, out("black"), f, k, t) else {
            assert!(vega * of("sigma") < 1e3 * rounding, "{input}");
            continue;
        };
        let name = "implied_volatility_from_a_transformed_rational_guess";
        let expected = out(name);
        let told = 1e-14 * expected + rounding / vega;
        let used = (sigma - expected).abs() / told;
        worst_sigma = worst_sigma.max(used);
        solved += 1;
        assert!(used <= 1.0, "{input}: {sigma} {expected} {used}");
    }
    println!(
        "{solved} of 1,000 volatilities: the worst uses {worst_sigma:.3} of what its price tells; \
         prices within {worst_price:.2} roundings of F + K"
    );
    // The others have no time, or no time value in their price.
    assert!(solved >= 980, "{solved}");
}

fn exp_half(x: f64) -> f64 {
    (0.5 * x).exp()
}
