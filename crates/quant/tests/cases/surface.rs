//! Suites `skew`, `svi` and `term_structure`: one smile, its parametric form, and what lies
//! between expiries.

use quant::math::smile::{DeltaKind, Skew, Smile, StrikeIv, skew_of_slice};
use quant::math::svi::{Raw, Svi};
use quant::math::term_structure::{Expiry, NoMaturity, constant_maturity, forward_volatility};
use serde_json::Value;

use crate::{assert_close, suite};

fn svi(raw: &Value) -> Svi {
    let parameter = |name: &str| raw[name].as_f64().unwrap();
    Svi::new(Raw {
        a: parameter("a"),
        b: parameter("b"),
        rho: parameter("rho"),
        m: parameter("m"),
        sigma: parameter("sigma"),
    })
    .unwrap()
}

fn numbers(of: &Value) -> Vec<f64> {
    let numbers = of.as_array().unwrap().iter();
    numbers.map(|x| x.as_f64().unwrap()).collect()
}

/// A case of suite `skew`: the slice, the expiry, and what is expected by kind of delta.
struct Sloped<'a> {
    slice: Svi,
    forward: f64,
    years: f64,
    expected: [(DeltaKind, &'a Value); 2],
}

impl Sloped<'_> {
    fn of(case: &Value) -> Sloped<'_> {
        let input = |name: &str| case["input"][name].as_f64().unwrap();
        let (years, q) = (input("T"), input("q"));
        let forward = input("S") * libm::exp((input("r") - q) * years);
        assert_close(case, "forward_price", Some(forward), 1e-15);
        let spot = DeltaKind::Spot {
            discount: libm::exp(-q * years),
        };
        Sloped {
            slice: svi(&case["input"]["svi"]),
            forward,
            years,
            expected: [
                (DeltaKind::Forward, &case["expected"]["forward"]),
                (spot, &case["expected"]["spot"]),
            ],
        }
    }

    fn iv(&self, k: f64) -> Option<f64> {
        self.slice.implied_volatility(k, self.years)
    }
}

fn check(id: &Value, expected: &Value, field: &str, got: Option<f64>, allowed: f64) {
    let expected = expected[field].as_f64().unwrap();
    let error = (got.unwrap() - expected).abs();
    assert!(error <= allowed, "{id} {field}: got {got:?}, {expected}");
}

fn check_volatilities(id: &Value, expected: &Value, skew: &Skew, rr10: Option<f64>, allowed: f64) {
    let (call, put) = (skew.call.unwrap(), skew.put.unwrap());
    let at_the_money = skew.at_the_money.unwrap().iv;
    let of = |field, got| check(id, expected, field, got, allowed);
    of("iv_25c", Some(call.iv));
    of("iv_25p", Some(put.iv));
    of("atm_fwd_iv", Some(at_the_money));
    of("rr25_call_minus_put", skew.risk_reversal());
    of("bf25", skew.butterfly());
    of("rr10", rr10);
    // A ratio of volatilities, the error of its parts over the volatility at the money.
    let of_ratio = 3.0 * allowed / at_the_money;
    check(id, expected, "skew25_norm", skew.normalised(), of_ratio);
}

#[test]
fn skew() {
    for case in suite("skew") {
        let id = &case["id"];
        let sloped = Sloped::of(&case);
        for (kind, expected) in sloped.expected {
            let at = |delta| {
                let iv = |k| sloped.iv(k);
                skew_of_slice(iv, sloped.forward, sloped.years, delta, kind).unwrap()
            };
            let skew = at(0.25);
            check_volatilities(id, expected, &skew, at(0.1).risk_reversal(), 1e-9);
            let strike = |field: &str, got: f64| {
                let allowed = 1e-8 * expected[field].as_f64().unwrap();
                check(id, expected, field, Some(got), allowed);
            };
            strike("K_25c", skew.call.unwrap().strike);
            strike("K_25p", skew.put.unwrap().strike);
            let slope = skew.at_the_money.map(|at| at.slope);
            check(id, &case["expected"], "atm_slope_dIV_dk", slope, 1e-9);
        }
        let slope = sloped.slice.volatility_slope(0.0, sloped.years);
        assert_close(&case, "atm_slope_dIV_dk", slope, 1e-12);
    }
}

/// The same smiles through their listed strikes.
#[test]
fn skew_of_listed_strikes() {
    for case in suite("skew") {
        let id = &case["id"];
        let sloped = Sloped::of(&case);
        let deviation = sloped.iv(0.0).unwrap() * sloped.years.sqrt();
        // From 3.5 deviations below to 2.5 above, the forward between two strikes.
        for count in [20, 24, 60] {
            let strike = |at: i32| {
                let k = deviation * (-3.5 + 6.0 * (f64::from(at) + 0.3) / f64::from(count));
                StrikeIv {
                    strike: sloped.forward * libm::exp(k),
                    iv: sloped.iv(k).unwrap(),
                }
            };
            let strikes: Vec<_> = (0..count).map(strike).collect();
            let smile = Smile::new(&strikes, sloped.forward, sloped.years).unwrap();
            assert_eq!(smile.dropped().not_monotone, 0);
            for (kind, expected) in sloped.expected {
                let rr10 = smile.skew(0.1, kind).risk_reversal();
                let skew = smile.skew(0.25, kind);
                check_volatilities(id, expected, &skew, rr10, 0.0015);
            }
        }
    }
}

#[test]
fn svi_slices() {
    for case in suite("svi") {
        let (id, input, expected) = (&case["id"], &case["input"], &case["expected"]);
        let svi = svi(input);
        let (w, g) = (numbers(&expected["w"]), numbers(&expected["g"]));
        for ((k, w), g) in numbers(&input["k"]).into_iter().zip(w).zip(g) {
            let near = |got: Option<f64>, expected: f64| {
                let error = (got.unwrap() - expected).abs();
                assert!(
                    error <= 1e-12 * expected.abs(),
                    "{id} {k}: {got:?} {expected}"
                );
            };
            near(svi.total_variance(k), w);
            near(svi.density(k), g);
        }
        let grid = (-150..=150).map(|step| f64::from(step) / 100.0);
        let least = svi.density_minimum(grid).unwrap();
        let expected_least = &expected["g_min_on_grid"];
        assert_eq!(Some(least.k), expected_least["k"].as_f64(), "{id}");
        let g = expected_least["g"].as_f64().unwrap();
        assert!((least.g - g).abs() <= 1e-12 * g.abs(), "{id}: {least:?}");
        let free = expected["butterfly_free"].as_bool();
        assert_eq!(Some(svi.butterfly_free()), free, "{id}");
        let wings = svi.jump_wings(input["t"].as_f64().unwrap()).unwrap();
        for (field, got) in [
            ("v", wings.v),
            ("psi", wings.psi),
            ("p", wings.p),
            ("c", wings.c),
            ("v_tilde", wings.v_tilde),
        ] {
            let expected = expected["jump_wings"][field].as_f64().unwrap();
            let error = (got - expected).abs();
            assert!(error <= 1e-12 * expected.abs(), "{id} {field}: {got}");
        }
    }
}

#[test]
fn term_structure() {
    for case in suite("term_structure") {
        let (id, input, expected) = (&case["id"], &case["input"], &case["expected"]);
        let days = numbers(&input["days"]).into_iter();
        let expiries: Vec<_> = days
            .zip(numbers(&input["atm_iv"]))
            .map(|(time, iv)| Expiry { time, iv })
            .collect();
        let got = constant_maturity(&expiries, input["target_days"].as_f64().unwrap());
        assert_close(&case, "iv_cm", got.ok().map(|got| got.iv), 1e-13);
        if expected["status"] == "outside_range" {
            assert_eq!(got, Err(NoMaturity::OutsideRange), "{id}");
            continue;
        }
        let got = got.unwrap();
        let falls = expected["forward_var_negative"].as_bool().unwrap_or(false);
        assert_eq!(got.calendar_arbitrage, falls, "{id}");
        let field = format!("forward_vol_{}_{}", got.near.time, got.far.time);
        assert!(expected.get(&field).is_some(), "{id} has no {field}");
        let forward = forward_volatility(got.near, got.far).unwrap();
        assert_close(&case, &field, forward.volatility(), 1e-13);
    }
}
