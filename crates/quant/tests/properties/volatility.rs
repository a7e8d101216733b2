//! Strips of options and the indices made of them, for any quotes.

use std::sync::LazyLock;

use proptest::prelude::*;
use quant::market::{Calendars, Timestamp};
use quant::pricing::RateCurve;
use quant::volatility::clock::{BusinessClock, ClockClose};
use quant::volatility::index::{NearMemory, Terms, one_day, thirty_day};
use quant::volatility::regime::{Changes, Regime, RegimeMemory, RegimeParams};
use quant::volatility::strip::{StrikeQuotes, strip};

use crate::chains::unruly_chain;

static CALENDARS: LazyLock<Calendars> = LazyLock::new(|| {
    const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/sessions.toml");
    Calendars::from_toml(&std::fs::read_to_string(PATH).unwrap()).unwrap()
});

/// Quotes around intrinsic value and a time value that falls with the distance to the forward;
/// some have no bid.
fn orderly() -> impl Strategy<Value = Vec<StrikeQuotes>> {
    let strike = (prop::bool::weighted(0.15), prop::bool::weighted(0.15));
    (
        50.0..5_000.0f64,
        0.01..0.2f64,
        prop::collection::vec(strike, 7..40),
    )
        .prop_map(|(forward, width, bidless)| {
            let middle = bidless.len() as f64 / 2.0;
            let row = |(at, (no_call, no_put)): (usize, (bool, bool))| {
                let strike = forward * (1.0 + 0.01 * (at as f64 - middle));
                let away = (strike - forward) / (width * forward);
                let value = 0.4 * width * forward * libm::exp(-away.abs());
                let call = value + (forward - strike).max(0.0);
                let put = value + (strike - forward).max(0.0);
                StrikeQuotes {
                    strike,
                    call_bid: Some(if no_call { 0.0 } else { 0.99 * call }),
                    call_ask: Some(1.01 * call),
                    put_bid: Some(if no_put { 0.0 } else { 0.99 * put }),
                    put_ask: Some(1.01 * put),
                }
            };
            bidless.into_iter().enumerate().map(row).collect()
        })
}

fn scaled(rows: &[StrikeQuotes], by: f64) -> Vec<StrikeQuotes> {
    let times = |quote: Option<f64>| quote.map(|price| price * by);
    rows.iter()
        .map(|row| StrikeQuotes {
            strike: row.strike * by,
            call_bid: times(row.call_bid),
            call_ask: times(row.call_ask),
            put_bid: times(row.put_bid),
            put_ask: times(row.put_ask),
        })
        .collect()
}

fn anything() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => 0.0..200.0f64,
        1 => any::<f64>(),
        1 => prop::sample::select(vec![0.0, -1.0, f64::NAN, f64::INFINITY, f64::MAX, 5e-324]),
    ]
}

fn unruly() -> impl Strategy<Value = Vec<StrikeQuotes>> {
    let quote = || prop::option::weighted(0.9, anything());
    let row = (anything(), quote(), quote(), quote(), quote());
    let row = row.prop_map(
        |(strike, call_bid, call_ask, put_bid, put_ask)| StrikeQuotes {
            strike,
            call_bid,
            call_ask,
            put_bid,
            put_ask,
        },
    );
    prop::collection::vec(row, 0..20)
}

proptest! {
    #[test]
    fn total_variance_knows_no_clock(
        rows in orderly(), t in 1e-4..2.0f64, other in 1e-4..2.0f64, growth in -0.1..0.1f64,
    ) {
        let first = strip(&rows, t, growth / t, 0);
        let second = strip(&rows, other, growth / other, 0);
        match (first, second) {
            (Ok(first), Ok(second)) => {
                let (a, b) = (first.total_variance, second.total_variance);
                prop_assert!((a / b - 1.0).abs() < 1e-12, "{a} {b}");
            }
            (first, second) => prop_assert_eq!(first.err(), second.err()),
        }
    }

    #[test]
    fn variance_has_no_currency(rows in orderly(), power in -8..8i32) {
        let by = 2.0f64.powi(power);
        let first = strip(&rows, 0.1, 0.03, 0);
        let second = strip(&scaled(&rows, by), 0.1, 0.03, 0);
        match (first, second) {
            (Ok(first), Ok(second)) => {
                prop_assert_eq!(first.variance, second.variance);
                prop_assert_eq!(first.forward * by, second.forward);
            }
            (first, second) => prop_assert_eq!(first.err(), second.err()),
        }
    }

    #[test]
    fn rows_in_any_order_are_the_same_bits(
        rows in orderly().prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
    ) {
        let (rows, shuffled) = rows;
        prop_assert_eq!(strip(&rows, 0.1, 0.03, 1), strip(&shuffled, 0.1, 0.03, 1));
    }

    #[test]
    fn whatever_is_quoted_a_variance_is_a_positive_number(
        rows in unruly(), t in anything(), rate in anything(), min in 0..3usize,
    ) {
        if let Ok(got) = strip(&rows, t, rate, min) {
            let numbers = [got.variance, got.total_variance, got.k0];
            prop_assert!(numbers.iter().all(|n| *n > 0.0 && n.is_finite()), "{numbers:?}");
            prop_assert!(got.forward.is_finite() && got.k0 <= got.forward);
            prop_assert!(got.puts >= min && got.calls >= min);
            for of in &got.constituents {
                prop_assert!(of.contribution >= 0.0 && of.contribution.is_finite(), "{of:?}");
            }
        }
    }

    #[test]
    fn whatever_a_chain_holds_an_index_is_a_positive_number(
        chain in unruly_chain(1_700_000_000_000_000_000), minutes in -600..600i64, rate in -0.1..0.2f64,
    ) {
        let rates = RateCurve::Flat(rate);
        let terms = Terms { rates: &rates, min_strikes: 0 };
        let clock = BusinessClock::new(CALENDARS.exchange("XCBO").unwrap(), ClockClose::SessionEnd);
        // Noon in New York, 2023-11-14.
        let at = Timestamp::from_seconds(1_699_981_200 + 60 * minutes);
        let mut memory = NearMemory::default();
        if let Ok(got) = one_day(&chain, at, &clock, terms, &mut memory) {
            prop_assert!(got.value > 0.0 && got.value.is_finite());
            let parts = [got.components.zero_dte, got.components.one_dte, got.components.forward];
            prop_assert!(parts.into_iter().flatten().all(|part| part >= 0.0 && part.is_finite()));
        }
        for at in [at, chain.at()] {
            let product = CALENDARS.product("GOOG", "XNYS").unwrap();
            if let Ok(got) = thirty_day(&chain, &product, at, terms) {
                prop_assert!(got.value > 0.0 && got.value.is_finite());
            }
        }
    }

    #[test]
    fn a_regime_is_never_below_what_its_level_enters(levels in prop::collection::vec(0.0..60.0f64, 1..50)) {
        let params = RegimeParams::default();
        let mut memory = RegimeMemory::default();
        for level in levels {
            let got = memory.step(level, Changes::default(), &params).unwrap();
            let entered = RegimeMemory::default().step(level, Changes::default(), &params).unwrap();
            let given_up = RegimeMemory::default()
                .step(level + params.hysteresis, Changes::default(), &params)
                .unwrap();
            prop_assert!(entered <= got && got <= given_up.max(Regime::Benign));
        }
    }
}
