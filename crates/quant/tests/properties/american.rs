//! American options: bounds, parity of puts and calls, order in sigma, and the way back from the
//! price.

use proptest::prelude::*;
use quant::math::american::{early_exercise_premium, implied_vol, price};
use quant::math::black_scholes::{Right, Terms};

fn right() -> impl Strategy<Value = Right> {
    prop_oneof![Just(Right::Put), Just(Right::Call)]
}

/// One boundary or none, so that no tree of a millisecond prices.
fn terms() -> impl Strategy<Value = Terms> {
    let rate = prop_oneof![Just(0.0), 0.0..0.15];
    let dividend_yield = prop_oneof![Just(0.0), 0.0..0.15];
    (-2.0..2.0, 0.003..3.0, rate, dividend_yield, 0.03..1.5).prop_map(
        |(deviations, t_years, rate, dividend_yield, sigma)| {
            let deviation: f64 = sigma * libm::sqrt(t_years);
            Terms {
                spot: 100.0 * libm::exp(deviations * deviation),
                strike: 100.0,
                t_years,
                rate,
                dividend_yield,
                sigma,
            }
        },
    )
}

fn intrinsic(right: Right, terms: &Terms) -> f64 {
    match right {
        Right::Put => terms.strike - terms.spot,
        Right::Call => terms.spot - terms.strike,
    }
}

proptest! {
    #[test]
    fn a_price_is_between_intrinsic_and_what_it_is_a_right_to(right in right(), terms in terms()) {
        let price = price(right, &terms).unwrap();
        let most = match right {
            Right::Put => terms.strike,
            Right::Call => terms.spot,
        };
        prop_assert!(price >= intrinsic(right, &terms).max(0.0) && price <= most);
        prop_assert!(early_exercise_premium(right, &terms).unwrap() >= 0.0);
    }

    #[test]
    fn a_call_is_the_put_with_everything_exchanged(terms in terms()) {
        let mirrored = Terms {
            spot: terms.strike,
            strike: terms.spot,
            rate: terms.dividend_yield,
            dividend_yield: terms.rate,
            ..terms
        };
        let call = price(Right::Call, &terms).unwrap();
        let put = price(Right::Put, &mirrored).unwrap();
        prop_assert!((call - put).abs() <= 1e-12 * terms.spot.max(terms.strike));
    }

    #[test]
    fn more_volatility_is_not_worth_less(right in right(), terms in terms(), more in 1.0..2.0) {
        let sigma = terms.sigma * more;
        let calm = price(right, &terms).unwrap();
        let wild = price(right, &Terms { sigma, ..terms }).unwrap();
        // Twice the error of a price.
        prop_assert!(wild >= calm - 4e-6 * terms.spot.max(terms.strike), "{calm} {wild}");
    }

    #[test]
    fn a_price_implies_its_sigma_where_it_depends_on_it(right in right(), terms in terms()) {
        let at = |sigma: f64| price(right, &Terms { sigma, ..terms }).unwrap();
        let (step, quoted) = (0.01 * terms.sigma, at(terms.sigma));
        let vega = (at(terms.sigma + step) - at(terms.sigma - step)) / (2.0 * step);
        let depends = quoted - at(0.0) > 1e-4 * terms.spot && vega > 0.01 * terms.spot;
        prop_assume!(depends);
        let implied = implied_vol(right, quoted, &terms).unwrap();
        prop_assert!((implied - terms.sigma).abs() < 1e-6, "{implied}");
    }
}
