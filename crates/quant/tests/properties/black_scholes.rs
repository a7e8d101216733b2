//! Greeks of options: parity, one curvature for calls and puts, derivatives of one another,
//! homogeneity, and numbers whatever the inputs. Forwards off parity: found again.

use proptest::prelude::*;
use quant::math::black_scholes::{Greeks, Right, Terms, delta, delta_change, greeks};
use quant::math::forward::{
    ParityQuote, forward_at_rate, forward_at_the_money, implied_yield, regression,
};

const BOTH: [Right; 2] = [Right::Call, Right::Put];

/// Options someone trades: an hour to three years, within five standard deviations.
pub(crate) fn traded() -> impl Strategy<Value = Terms> {
    let prices = (1.0..10_000.0f64, -5.0..5.0f64);
    let time = (-4.0..0.5f64).prop_map(|power| 10f64.powf(power));
    let rates = (-0.02..0.12f64, -0.02..0.12f64);
    (prices, time, rates, 0.03..2.0f64).prop_map(
        |((spot, deviations), t_years, (rate, dividend_yield), sigma)| Terms {
            spot,
            strike: spot * (deviations * sigma * t_years.sqrt()).exp(),
            t_years,
            rate,
            dividend_yield,
            sigma,
        },
    )
}

/// Any bits at all, and often something near a sensible number.
fn any_number() -> impl Strategy<Value = f64> {
    let special = prop::sample::select(vec![
        0.0,
        -0.0,
        1.0,
        -1.0,
        5e-324,
        1e-308,
        1e-160,
        1e-30,
        1e30,
        1e160,
        f64::MAX,
        f64::MIN,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ]);
    prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        special,
        -1.0..100.0f64,
        0.0..1.0f64
    ]
}

fn of(right: Right, terms: &Terms) -> Greeks {
    greeks(right, terms).unwrap()
}

fn named(of: &Greeks) -> [(&'static str, f64); 13] {
    [
        ("price", of.price),
        ("delta", of.delta),
        ("gamma", of.gamma),
        ("vega", of.vega),
        ("theta", of.theta),
        ("rho", of.rho),
        ("vanna", of.vanna),
        ("charm", of.charm),
        ("vomma", of.vomma),
        ("veta", of.veta),
        ("speed", of.speed),
        ("zomma", of.zomma),
        ("color", of.color),
    ]
}

/// The derivative by central differences of two steps, extrapolated, of `what` along `along`.
fn slope(
    right: Right,
    terms: &Terms,
    step: f64,
    along: fn(&mut Terms, f64),
    what: fn(&Greeks) -> f64,
) -> f64 {
    let at = |step: f64| {
        let mut moved = *terms;
        along(&mut moved, step);
        what(&of(right, &moved))
    };
    let central = |step: f64| (at(step) - at(-step)) / (2.0 * step);
    (4.0 * central(0.5 * step) - central(step)) / 3.0
}

fn spot(terms: &mut Terms, by: f64) {
    terms.spot += by;
}
fn sigma(terms: &mut Terms, by: f64) {
    terms.sigma += by;
}
/// Time passes: less of it is left.
fn calendar(terms: &mut Terms, by: f64) {
    terms.t_years -= by;
}
fn rate(terms: &mut Terms, by: f64) {
    terms.rate += by;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn calls_and_puts_differ_by_the_forward(terms in traded()) {
        let (call, put) = (of(Right::Call, &terms), of(Right::Put, &terms));
        let growth = (-terms.dividend_yield * terms.t_years).exp();
        let discount = (-terms.rate * terms.t_years).exp();
        let forward = terms.spot * growth - terms.strike * discount;
        let size = terms.spot + terms.strike;
        prop_assert!((call.price - put.price - forward).abs() <= 2e-15 * size);
        prop_assert!((call.delta - put.delta - growth).abs() <= 2e-15 * growth);
        let same = |of: &Greeks| {
            [of.gamma, of.vega, of.vanna, of.vomma, of.veta, of.speed, of.zomma, of.color]
        };
        prop_assert_eq!(same(&call), same(&put));
        prop_assert!(call.gamma >= 0.0 && call.vega >= 0.0 && call.price >= 0.0 && put.price >= 0.0);
    }

    #[test]
    fn every_greek_is_the_derivative_it_is_named_for(terms in traded()) {
        let total = terms.sigma * terms.t_years.sqrt();
        let by_spot = 1e-2 * terms.spot * total;
        let (by_sigma, by_time, by_rate) = (1e-2 * terms.sigma, 1e-2 * terms.t_years, 1e-3);
        for right in BOTH {
            let own = of(right, &terms);
            let (s, v, t) = (terms.spot, terms.sigma, terms.t_years);
            // The Greek, its finite difference, and a scale: its size at the money.
            let delta = 1.0;
            let gamma = delta / (s * total);
            let vega = s * t.sqrt();
            let all = [
                ("delta", own.delta, slope(right, &terms, by_spot, spot, |g| g.price), delta),
                ("gamma", own.gamma, slope(right, &terms, by_spot, spot, |g| g.delta), gamma),
                ("speed", own.speed, slope(right, &terms, by_spot, spot, |g| g.gamma), gamma / (s * total)),
                ("vega", own.vega, slope(right, &terms, by_sigma, sigma, |g| g.price), vega),
                ("vanna", own.vanna, slope(right, &terms, by_sigma, sigma, |g| g.delta), delta / v),
                ("vanna of vega", own.vanna, slope(right, &terms, by_spot, spot, |g| g.vega), delta / v),
                ("vomma", own.vomma, slope(right, &terms, by_sigma, sigma, |g| g.vega), vega / v),
                ("zomma", own.zomma, slope(right, &terms, by_sigma, sigma, |g| g.gamma), gamma / v),
                ("theta", own.theta, slope(right, &terms, by_time, calendar, |g| g.price), s * total / t),
                ("charm", own.charm, slope(right, &terms, by_time, calendar, |g| g.delta), delta / t),
                ("veta", own.veta, slope(right, &terms, by_time, calendar, |g| g.vega), vega / t),
                ("color", own.color, slope(right, &terms, by_time, calendar, |g| g.gamma), gamma / t),
                ("rho", own.rho, slope(right, &terms, by_rate, rate, |g| g.price), terms.strike * t),
            ];
            for (name, exact, difference, scale) in all {
                let error = (exact - difference).abs();
                prop_assert!(error <= 2e-5 * (exact.abs() + scale), "{right:?} {name}: {exact} {difference}");
            }
        }
    }

    #[test]
    fn another_currency_changes_no_shape(terms in traded(), power in -8..8i32) {
        // A power of two scales without rounding, so the bits must be the same.
        let c = 2f64.powi(power);
        let scaled = Terms { spot: terms.spot * c, strike: terms.strike * c, ..terms };
        for right in BOTH {
            let (one, other) = (of(right, &terms), of(right, &scaled));
            prop_assert_eq!(one.price * c, other.price);
            prop_assert_eq!(one.delta, other.delta);
            prop_assert_eq!(one.gamma / c, other.gamma);
            prop_assert_eq!(one.vega * c, other.vega);
            prop_assert_eq!((one.vanna, one.charm), (other.vanna, other.charm));
        }
    }

    #[test]
    fn delta_drifts_as_the_difference_of_deltas(terms in traded(), share in 0.0..1.0f64) {
        for right in BOTH {
            let left = terms.t_years * share;
            let later = Terms { t_years: left, ..terms };
            let plain = delta(right, &later).unwrap() - delta(right, &terms).unwrap();
            let change = delta_change(right, &terms, left).unwrap();
            prop_assert!((change - plain).abs() <= 2e-13, "{change} {plain}");
        }
    }

    #[test]
    fn delta_alone_is_delta(terms in traded()) {
        for right in BOTH {
            let (alone, all) = (delta(right, &terms).unwrap(), of(right, &terms).delta);
            prop_assert!((alone - all).abs() <= 1e-15 + 1e-14 * all.abs(), "{alone} {all}");
        }
    }

    #[test]
    fn parity_quotes_give_back_their_forward(terms in traded(), weights in prop::collection::vec(0.1..10.0f64, 5)) {
        let total = terms.sigma * terms.t_years.sqrt();
        let quotes: Vec<_> = weights.iter().enumerate().map(|(i, &weight)| {
            let strike = terms.spot * ((i as f64 - 2.0) * total).exp();
            let at = Terms { strike, ..terms };
            ParityQuote {
                strike,
                call_mid: Some(of(Right::Call, &at).price),
                put_mid: Some(of(Right::Put, &at).price),
                weight,
            }
        }).collect();
        let (r, q, t) = (terms.rate, terms.dividend_yield, terms.t_years);
        let forward = terms.spot * ((r - q) * t).exp();
        let line = regression(&quotes, t).unwrap();
        let fixed = forward_at_rate(&quotes, r, t).unwrap();
        let nearest = forward_at_the_money(&quotes, r, t).unwrap();
        for got in [fixed, nearest] {
            prop_assert!((got / forward - 1.0).abs() <= 1e-14 * (1.0 + 10.0 * total.exp()), "{got} {forward}");
        }
        // The narrower the strikes, the less they say of the slope.
        let slope = 1e-14 * (1.0 + (4.0 * total).exp()) / total.min(1.0);
        prop_assert!((line.forward / forward - 1.0).abs() <= slope);
        prop_assert!((line.discount - (-r * t).exp()).abs() <= slope);
        let yielded = implied_yield(fixed, terms.spot, r, t).unwrap();
        prop_assert!((yielded - q).abs() <= 1e-13 * (1.0 + 10.0 * total.exp()) / t);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn there_is_a_number_or_none_whatever_comes_in(
        n in prop::array::uniform6(any_number()), later in any_number()
    ) {
        let [spot, strike, t_years, rate, dividend_yield, sigma] = n;
        let terms = Terms { spot, strike, t_years, rate, dividend_yield, sigma };
        for right in BOTH {
            match greeks(right, &terms) {
                Ok(of) => for (name, value) in named(&of) {
                    prop_assert!(value.is_finite(), "{name}: {value} of {terms:?}");
                },
                Err(without) => if let Some(limit) = without.limit() {
                    let sum = limit.price + limit.delta + limit.vega + limit.theta + limit.rho;
                    prop_assert!(sum.is_finite() && limit.charm.is_none_or(f64::is_finite), "{terms:?}");
                },
            }
            prop_assert!(delta(right, &terms).is_none_or(f64::is_finite));
            prop_assert!(delta_change(right, &terms, later).is_none_or(f64::is_finite));
        }
        let quote = ParityQuote { strike, call_mid: Some(rate), put_mid: Some(sigma), weight: later };
        let other = ParityQuote { strike: spot, call_mid: Some(sigma), put_mid: Some(later), weight: 1.0 };
        let quotes = [quote, other];
        if let Ok(line) = regression(&quotes, t_years) {
            for value in [line.forward, line.discount, line.rate] {
                prop_assert!(value.is_finite(), "{line:?}");
            }
        }
        prop_assert!(forward_at_rate(&quotes, rate, t_years).map_or(true, f64::is_finite));
        prop_assert!(forward_at_the_money(&quotes, rate, t_years).map_or(true, f64::is_finite));
        prop_assert!(implied_yield(spot, strike, rate, t_years).is_none_or(f64::is_finite));
    }
}
