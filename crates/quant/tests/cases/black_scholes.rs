//! Suites `greeks_bsm`, `greeks_degenerate` and `charm_horizon`: all Greeks from 60-digit
//! arithmetic, what is left without time or volatility, and how delta drifts within the day.

use quant::math::black_scholes::{
    Degenerate, Greeks, IvCheck, Right, Terms, check_iv, delta, delta_change, greeks,
};
use serde_json::Value;

use crate::{assert_close, suite};

const MINUTES_PER_YEAR: f64 = 525_600.0;

pub(crate) fn right(input: &Value) -> Right {
    match input["type"].as_str().unwrap() {
        "C" => Right::Call,
        _ => Right::Put,
    }
}

fn terms(input: &Value) -> Terms {
    let of = |name: &str| input[name].as_f64();
    Terms {
        spot: of("S").unwrap(),
        strike: of("K").unwrap(),
        t_years: of("T").unwrap_or_else(|| of("minutes").unwrap() / MINUTES_PER_YEAR),
        rate: of("r").unwrap(),
        dividend_yield: of("q").unwrap(),
        sigma: of("sigma").unwrap_or(f64::NAN),
    }
}

/// Name, value and the suite's scale of its absolute tolerance.
fn scaled(of: &Greeks, terms: &Terms) -> [(&'static str, f64, f64); 13] {
    let (s, k, t, sigma) = (terms.spot, terms.strike, terms.t_years, terms.sigma);
    let root = t.sqrt();
    [
        ("price", of.price, s),
        ("delta", of.delta, 1.0),
        ("gamma", of.gamma, 1.0 / (s * sigma * root)),
        ("vega", of.vega, s * root),
        ("theta", of.theta, s * sigma / root),
        ("rho", of.rho, k * t),
        ("vanna", of.vanna, 1.0 / sigma),
        ("charm", of.charm, 1.0 / t),
        ("vomma", of.vomma, s * root / sigma),
        ("veta", of.veta, s / root),
        ("speed", of.speed, 1.0 / (s * s * sigma * sigma * t)),
        ("zomma", of.zomma, 1.0 / (s * sigma * sigma * root)),
        ("color", of.color, 1.0 / (s * sigma * t * root)),
    ]
}

#[test]
fn greeks_bsm() {
    let mut worst = 0.0_f64;
    for case in suite("greeks_bsm") {
        let (id, expected) = (&case["id"], &case["expected"]);
        let terms = terms(&case["input"]);
        let of = greeks(right(&case["input"]), &terms).unwrap();
        let d1 = case["aux"]["d1"].as_f64().unwrap();
        for (name, got, scale) in scaled(&of, &terms) {
            let expected = expected[name].as_f64().unwrap();
            let tolerance = 1e-12 * (d1 * d1).max(1.0) * expected.abs() + 1e-14 * scale;
            let used = (got - expected).abs() / tolerance;
            worst = worst.max(used);
            assert!(
                used <= 1.0,
                "{id} {name}: got {got:e}, expected {expected:e}"
            );
        }
        let alone = delta(right(&case["input"]), &terms).unwrap();
        let tolerance = 1e-12 * (d1 * d1).max(1.0) * of.delta.abs() + 1e-14;
        assert!((alone - of.delta).abs() <= tolerance, "{id}");
    }
    println!("the worst of 520 uses {worst:.4} of its tolerance");
}

#[test]
fn greeks_degenerate() {
    for case in suite("greeks_degenerate") {
        let terms = terms(&case["input"]);
        let result = greeks(right(&case["input"]), &terms);
        let status = case["expected"]["status"].as_str().unwrap();
        if status == "suspect_iv" {
            assert_eq!(check_iv(terms.sigma, terms.t_years), IvCheck::Suspect);
            assert!(result.is_ok(), "{}", case["id"]);
            continue;
        }
        let without = result.unwrap_err();
        assert_eq!(without.as_str(), status, "{}", case["id"]);
        compare_limit(&case, &without);
    }
}

fn compare_limit(case: &Value, without: &Degenerate) {
    let Some(limit) = without.limit() else { return };
    let fields = [
        ("price", Some(limit.price)),
        ("delta", Some(limit.delta)),
        ("gamma", limit.curvature),
        ("vega", Some(limit.vega)),
        ("theta", Some(limit.theta)),
        ("vanna", limit.curvature),
        ("charm", limit.charm),
    ];
    for (name, got) in fields {
        let Some(expected) = case["expected"].get(name) else {
            continue;
        };
        let near = match (got, expected.as_f64()) {
            (Some(got), Some(e)) => (got - e).abs() <= 1e-14 * e.abs() + 1e-14,
            (None, None) => true,
            _ => false,
        };
        assert!(
            near,
            "{} {name}: got {got:?}, expected {expected}",
            case["id"]
        );
    }
}

#[test]
fn charm_horizon() {
    for case in suite("charm_horizon") {
        let terms = terms(&case["input"]);
        let right = right(&case["input"]);
        let of = greeks(right, &terms).unwrap();
        assert_close(&case, "delta", Some(of.delta), 1e-11);
        assert_close(&case, "charm_per_day", Some(of.charm / 365.0), 1e-11);
        assert_close(&case, "gamma", Some(of.gamma), 1e-11);
        let to_close = delta_change(right, &terms, 0.0);
        assert_close(&case, "delta_to_close_change", to_close, 1e-11);
        let day = Terms {
            t_years: 1.0 / 365.0,
            ..terms
        };
        let clamped = greeks(right, &day).unwrap().gamma;
        assert_close(&case, "gamma_if_T_clamped_to_1_day", Some(clamped), 1e-11);
        let ratio = Some(clamped / of.gamma);
        assert_close(&case, "clamp_gamma_ratio", ratio, 1e-11);

        let minutes = case["input"]["minutes"].as_f64().unwrap();
        for horizon in case["expected"]["horizons"].as_array().unwrap() {
            let ahead = horizon["minutes"].as_f64().unwrap();
            let later = (minutes - ahead) / MINUTES_PER_YEAR;
            let case = serde_json::json!({"id": case["id"], "expected": horizon});
            let exact = delta_change(right, &terms, later);
            println!(
                "{} +{ahead}: {exact:?} {}",
                case["id"], horizon["delta_change_exact"]
            );
            assert_close(&case, "delta_change_exact", exact, 1e-11);
            let linear = of.charm * ahead / MINUTES_PER_YEAR;
            assert_close(&case, "charm_linear", Some(linear), 1e-11);
        }
    }
}
