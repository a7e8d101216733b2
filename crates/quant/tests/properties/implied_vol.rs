//! Implied volatilities: the price's own, found from anywhere, for any input a number or a reason.

use proptest::prelude::*;
use quant::math::black_scholes::{Right, Terms, greeks};
use quant::math::implied_vol::{implied_vol, implied_vol_from};

use crate::black_scholes::traded;

fn right() -> impl Strategy<Value = Right> {
    prop::sample::select(vec![Right::Call, Right::Put])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn the_price_of_a_volatility_implies_it(terms in traded(), right in right()) {
        let terms = Terms { rate: 0.0, dividend_yield: 0.0, ..terms };
        let (f, k, t) = (terms.spot, terms.strike, terms.t_years);
        let of = greeks(right, &terms).unwrap();
        let got = implied_vol(right, of.price, f, k, t);
        // What roundings of forward and strike in the price do to the volatility.
        let bound = 1e-14 * terms.sigma + 2.0 * f64::EPSILON * (f + k) / of.vega;
        match got {
            Ok(sigma) => prop_assert!((sigma - terms.sigma).abs() <= bound, "{sigma} {terms:?}"),
            Err(error) => prop_assert!(bound > 0.01 * terms.sigma, "{error:?} {terms:?}"),
        }
    }

    #[test]
    fn a_warm_start_ends_where_the_cold_one_does(terms in traded(), right in right(), off in -1.0..1.0f64) {
        let (f, k, t) = (terms.spot, terms.strike, terms.t_years);
        let terms = Terms { rate: 0.0, dividend_yield: 0.0, ..terms };
        let price = greeks(right, &terms).unwrap().price;
        let cold = implied_vol(right, price, f, k, t);
        for seed in [terms.sigma * (1.0 + 0.1 * off), terms.sigma * (3.0 * off).exp(), 0.2] {
            let warm = implied_vol_from(seed, right, price, f, k, t);
            match (cold, warm) {
                (Ok(cold), Ok(warm)) => {
                    prop_assert!((warm / cold - 1.0).abs() <= 1e-12, "{seed}: {warm} {cold} {terms:?}");
                }
                _ => prop_assert_eq!(cold, warm),
            }
        }
    }

    #[test]
    fn any_input_has_a_volatility_or_a_reason(
        n in prop::array::uniform4(any::<u64>().prop_map(f64::from_bits)),
        near in (0.0..200.0f64, 1.0..200.0f64, 1.0..200.0f64, 0.0..3.0f64),
        seed in any::<u64>().prop_map(f64::from_bits),
        right in right(),
    ) {
        let near = [near.0, near.1, near.2, near.3];
        let huge = [n[0].abs(), n[1].abs(), n[2].abs(), n[3].abs()];
        for [price, f, k, t] in [n, near, huge] {
            for got in [implied_vol(right, price, f, k, t), implied_vol_from(seed, right, price, f, k, t)] {
                prop_assert!(got.is_err() || got.is_ok_and(|sigma| sigma > 0.0 && sigma.is_finite()));
            }
        }
    }
}
