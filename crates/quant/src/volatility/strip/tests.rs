//! Strips by hand.

use super::*;

fn row(strike: f64, call: (f64, f64), put: (f64, f64)) -> StrikeQuotes {
    StrikeQuotes {
        strike,
        call_bid: Some(call.0),
        call_ask: Some(call.1),
        put_bid: Some(put.0),
        put_ask: Some(put.1),
    }
}

/// Strikes 90, 100 and 110; the forward is 100.
fn three() -> Vec<StrikeQuotes> {
    vec![
        row(90.0, (10.0, 12.0), (0.5, 1.5)),
        row(100.0, (3.0, 5.0), (3.0, 5.0)),
        row(110.0, (1.0, 3.0), (11.0, 13.0)),
    ]
}

#[test]
fn three_strikes_are_a_sum_by_hand() {
    let got = strip(&three(), 0.5, 0.0, 1).unwrap();
    let expected = 2.0 * (10.0 / 8_100.0 * 1.0 + 10.0 / 10_000.0 * 4.0 + 10.0 / 12_100.0 * 2.0);
    assert!((got.total_variance - expected).abs() < 1e-16);
    assert!((got.variance - 2.0 * expected).abs() < 1e-15);
    assert_eq!((got.forward, got.k0), (100.0, 100.0));
    assert_eq!((got.puts, got.calls, got.strikes_used()), (1, 1, 3));
}

#[test]
fn of_two_strikes_equally_near_the_lower_gives_the_forward() {
    let rows = [
        row(100.0, (3.0, 3.4), (2.8, 3.0)),
        row(100.5, (2.8, 3.0), (3.0, 3.4)),
        row(101.0, (2.0, 2.2), (3.5, 3.7)),
    ];
    let got = strip(&rows, 0.1, 0.0, 0).unwrap();
    assert!((got.forward - 100.3).abs() < 1e-12, "{}", got.forward);
}

#[test]
fn crossed_and_one_sided_quotes_are_left_out_counted_and_end_no_side() {
    let mut rows = three();
    rows.push(row(80.0, (20.0, 22.0), (0.9, 0.4)));
    rows.push(row(70.0, (30.0, 32.0), (0.2, 0.4)));
    rows.push(StrikeQuotes {
        call_ask: None,
        ..row(120.0, (0.5, 1.0), (21.0, 23.0))
    });
    let got = strip(&rows, 0.5, 0.0, 1).unwrap();
    assert_eq!((got.crossed, got.one_sided, got.bad_rows), (1, 1, 0));
    let strikes: Vec<f64> = got.constituents.iter().map(|of| of.strike).collect();
    assert_eq!(strikes, [70.0, 90.0, 100.0, 110.0]);
    // Half of 100 − 70: the one left out has no width either.
    assert_eq!(got.constituents[1].width, 15.0);
}

#[test]
fn a_strike_twice_or_none_is_counted() {
    let mut rows = three();
    rows.push(rows[0]);
    rows.push(row(f64::NAN, (1.0, 2.0), (1.0, 2.0)));
    rows.push(row(-5.0, (1.0, 2.0), (1.0, 2.0)));
    let got = strip(&rows, 0.5, 0.0, 1).unwrap();
    assert_eq!((got.bad_rows, got.strikes_used()), (3, 3));
}

#[test]
fn what_is_lacking_is_said() {
    let refused = |rows: &[StrikeQuotes], t: f64, rate: f64, min: usize| {
        strip(rows, t, rate, min).unwrap_err()
    };
    assert_eq!(refused(&three(), 0.0, 0.0, 1), StripError::BadTerms);
    assert_eq!(refused(&three(), f64::NAN, 0.0, 1), StripError::BadTerms);
    assert_eq!(refused(&three(), 1.0, f64::NAN, 1), StripError::BadTerms);
    assert_eq!(refused(&three(), 1.0, 1e9, 1), StripError::BadTerms);
    assert_eq!(refused(&[], 1.0, 0.0, 0), StripError::NoTwoSidedStrike);
    let few = StripError::TooFewStrikes { puts: 1, calls: 1 };
    assert_eq!(refused(&three(), 0.5, 0.0, 2), few);
    let alone = StripError::TooFewStrikes { puts: 0, calls: 0 };
    assert_eq!(refused(&three()[1..2], 0.5, 0.0, 0), alone);
    // The put is dearer by far: the forward is below every strike.
    let low = [row(100.0, (1.0, 1.2), (9.0, 9.2))];
    assert_eq!(refused(&low, 0.5, 0.0, 0), StripError::NoStrikeBelowForward);
    // No put is bid for at 110, so that the forward of 130 stands 30 above K0: the square of that is
    // more than the options are worth.
    let cheap = [
        row(100.0, (30.0, 30.2), (0.05, 0.15)),
        row(110.0, (19.9, 20.1), (0.0, 0.1)),
    ];
    assert_eq!(refused(&cheap, 0.5, 0.0, 0), StripError::NotPositive);
}
