//! What gamma exposure promises.

use super::*;
use crate::exposure::SignConvention;
use crate::market::{Listing, Span, Style};
use crate::pricing::tests::{Listed, at, call, date, put};

const TODAY: &str = "2026-11-20";
const MONTH: &str = "2026-12-18";
const WEEK: &str = "2026-11-27";
const SPOT: f64 = 100.0;

fn gex(changed: impl FnOnce(&mut Params)) -> Gex {
    let mut params = Params::default();
    changed(&mut params);
    Gex::new(params, State::default()).unwrap()
}

fn run(gex: &mut Gex, listed: &Listed, now: Timestamp) -> Result<Payload, NoValue> {
    let date = date(TODAY);
    let before = PreviousSession(date.pred_opt());
    gex.compute((listed.options(), SessionDate(date), before), now)
}

fn of(listings: &[Listing<'_>]) -> Payload {
    run(&mut gex(|_| ()), &Listed::of("GOOG", SPOT, listings), at()).unwrap()
}

/// Γ·M·S²·0.01 of one contract without rate and yield: φ(d1)/(Sσ√T)·100·S²·0.01.
fn of_one(strike: f64, iv: f64, hours: f64) -> f64 {
    let total = iv * f64::sqrt(hours / 8_760.0);
    let d1 = libm::log(SPOT / strike) / total + 0.5 * total;
    let density = libm::exp(-0.5 * d1 * d1) / f64::sqrt(2.0 * std::f64::consts::PI);
    density / (SPOT * total) * 100.0 * SPOT * SPOT * 0.01
}

/// 10:00 to 16:00, and 28 days of it.
const TO_MONTH: f64 = 6.0 + 28.0 * 24.0;

fn assert_near(got: f64, expected: f64) {
    assert!(
        (got / expected - 1.0).abs() < 1e-12,
        "{got}, expected {expected}"
    );
}

#[test]
fn a_book_of_two_by_hand() {
    let mut listed = Listed::of(
        "GOOG",
        SPOT,
        &[call(MONTH, 100.0, 0.2, 10.0), put(MONTH, 95.0, 0.3, 20.0)],
    );
    listed.average_daily_volume = Some(1e6);
    let says = run(&mut gex(|_| ()), &listed, at()).unwrap();
    let (of_call, of_put) = (
        10.0 * of_one(100.0, 0.2, TO_MONTH),
        20.0 * of_one(95.0, 0.3, TO_MONTH),
    );
    let totals = says.gex_usd_per_1pct.unwrap();
    assert_near(totals.unsigned, of_call + of_put);
    assert_near(totals.dealer_long_calls_short_puts, of_call - of_put);
    assert_eq!(totals.flow_signed, None);
    assert_eq!(says.total_gex, Some(100.0 * totals.unsigned));
    assert_near(
        says.gex_usd_per_point.unwrap().unsigned,
        (of_call + of_put) / (0.01 * SPOT),
    );
    assert_near(
        says.gex_shares_per_1pct.unwrap().unsigned,
        (of_call + of_put) / SPOT,
    );
    assert_near(
        says.adv_share.unwrap(),
        (of_call - of_put).abs() / (1e6 * SPOT),
    );
    let rows = says.by_strike.unwrap();
    assert_eq!((rows[0].strike, rows[1].strike), (95.0, 100.0));
    assert_near(rows[0].net, -of_put);
    assert_near(rows[1].call, of_call);
    assert_eq!((says.call_wall, says.put_wall), (Some(100.0), Some(95.0)));
    assert_eq!(
        (says.net_positive_wall, says.net_negative_wall),
        (Some(100.0), Some(95.0))
    );
    assert_eq!(says.oi_as_of, Some(date("2026-11-19")));
    assert_eq!(
        (says.units.as_deref(), says.sign),
        (Some("dollar"), Some(SignConvention::default()))
    );
}

#[test]
fn supports_and_resistances_carry_a_tenth_nearest_first() {
    let strikes = [88.0, 92.0, 94.0, 96.0, 98.0, 100.0, 104.0, 110.0];
    let heavy = [50.0, 30.0, 20.0, 20.0, 1.0, 20.0, 20.0, 1.0];
    let listings: Vec<_> = strikes
        .iter()
        .zip(heavy)
        .map(|(k, n)| call(MONTH, *k, 0.4, 10.0 * n))
        .collect();
    let says = of(&listings);
    assert_eq!(
        says.supports,
        Some(vec![96.0, 94.0, 92.0]),
        "three at most, below spot"
    );
    assert_eq!(
        says.resistances,
        Some(vec![100.0, 104.0]),
        "spot itself resists"
    );
}

#[test]
fn the_largest_strike_has_enough_open_interest() {
    let large = Listing {
        multiplier: Some(1e6),
        ..call(MONTH, 105.0, 0.3, 4.0)
    };
    let says = of(&[call(MONTH, 100.0, 0.3, 5.0), large]);
    assert_eq!(says.max_gex_strike, Some(100.0));
    assert_eq!(says.call_wall, Some(105.0), "a wall has no floor");
    assert_eq!(of(&[large]).max_gex_strike, None);
}

#[test]
fn the_regime_is_the_sign_at_spot_and_neutral_near_its_change() {
    let one =
        |right: fn(&str, f64, f64, f64) -> Listing<'static>| of(&[right(MONTH, 100.0, 0.2, 10.0)]);
    assert_eq!(one(call).regime, Some(Regime::Stabilizing));
    assert_eq!(one(put).regime, Some(Regime::Destabilizing));
    assert_eq!(one(call).zero_gamma.unwrap().nearest, None);
    let near = of(&[call(MONTH, 103.0, 0.2, 10.0), put(MONTH, 97.0, 0.2, 10.0)]);
    let zero = near.zero_gamma.unwrap();
    assert!(
        zero.distance_expected_moves.unwrap().abs() <= 0.25,
        "{zero:?}"
    );
    assert_eq!(near.regime, Some(Regime::Neutral));
    assert_eq!(near.zero_gamma_strike, zero.nearest);
    let far = of(&[call(MONTH, 93.0, 0.1, 10.0), put(MONTH, 87.0, 0.1, 10.0)]);
    assert_eq!(far.regime, Some(Regime::Stabilizing));
    assert!(
        far.zero_gamma.unwrap().distance_pct.unwrap() > 5.0,
        "spot is above it"
    );
}

#[test]
fn nothing_open_is_neutral_and_has_no_levels() {
    let says = of(&[call(MONTH, 100.0, 0.2, 0.0)]);
    assert_eq!(
        (says.total_gex, says.regime),
        (Some(0.0), Some(Regime::Neutral))
    );
    assert_eq!((says.call_wall, says.supports), (None, Some(vec![])));
    assert_eq!(
        (says.zero_dte_share, says.monthly_gross_share),
        (None, None)
    );
    let unknown = Listing {
        open_interest: None,
        ..call(MONTH, 100.0, 0.2, 0.0)
    };
    let none = run(
        &mut gex(|_| ()),
        &Listed::of("GOOG", SPOT, &[unknown]),
        at(),
    );
    assert_eq!(none.unwrap_err().status(), Status::Undefined);
}

#[test]
fn the_sources_gamma_is_taken_where_it_is_wanted() {
    let with = |gamma, listing: Listing<'static>| Listing { gamma, ..listing };
    let listings = [
        with(Some(0.05), call(MONTH, 100.0, 0.2, 10.0)),
        with(
            Some(0.04),
            Listing {
                iv: None,
                ..put(MONTH, 95.0, 0.2, 10.0)
            },
        ),
        with(None, call(MONTH, 105.0, 0.2, 10.0)),
        with(
            Some(0.05),
            Listing {
                open_interest: None,
                ..call(MONTH, 110.0, 0.2, 10.0)
            },
        ),
        with(Some(0.05), call("2026-11-13", 100.0, 0.2, 10.0)),
    ];
    let mut gex = gex(|params| params.use_vendor_gamma = true);
    let says = run(&mut gex, &Listed::of("GOOG", SPOT, &listings), at()).unwrap();
    let totals = says.gex_usd_per_1pct.unwrap();
    // 0.05·10·100·100²·0.01 and 0.04 of it.
    assert_near(totals.unsigned, 5_000.0 + 4_000.0);
    assert_near(totals.dealer_long_calls_short_puts, 1_000.0);
    assert_eq!(says.vendor_gamma, Some(true));
    let dropped = [("expired", 1), ("no_gamma", 1), ("no_open_interest", 1)].into();
    assert_eq!(gex.counted(), Counted { used: 2, dropped });
    assert_near(
        says.gamma_share_dropped.unwrap(),
        (40.0 + 50.0) / (50.0 + 40.0 + 50.0),
    );
}

#[test]
fn what_expires_today_stands_apart_and_volume_beside_open_interest() {
    let traded = |volume, listing: Listing<'static>| Listing {
        volume: Some(volume),
        ..listing
    };
    let listings = [
        traded(4.0, call(TODAY, 100.0, 0.2, 10.0)),
        traded(30.0, put(TODAY, 100.0, 0.2, 20.0)),
        traded(0.0, call(WEEK, 100.0, 0.2, 10.0)),
    ];
    let says = of(&listings);
    let (today, week) = (
        of_one(100.0, 0.2, 6.0),
        of_one(100.0, 0.2, 7.0 * 24.0 + 3.0),
    );
    let zero_dte = says.zero_dte.unwrap();
    assert_near(zero_dte.gex.unsigned, 30.0 * today);
    assert_near(zero_dte.gex.dealer_long_calls_short_puts, -10.0 * today);
    assert_near(zero_dte.gex_volume.unsigned, 34.0 * today);
    let gross = 30.0 * today + 10.0 * week;
    assert_near(says.zero_dte_share.unwrap(), 30.0 * today / gross);
    // A third Friday is a monthly one.
    assert_near(says.monthly_gross_share.unwrap(), 30.0 * today / gross);
    assert_near(
        says.gex_volume.unwrap().dealer_long_calls_short_puts,
        -26.0 * today,
    );
    let bound = says.effective_oi_bound.unwrap();
    assert_near(bound.low, 6.0 * today + 10.0 * week);
    assert_near(bound.high, 64.0 * today + 10.0 * week);
    let profile = says.profile.unwrap();
    assert_eq!(profile.next_expiry, Some(date(TODAY)));
    let middle = profile.gex.len() / 2;
    assert_near(profile.gex_without_next_expiry[middle], 10.0 * week);
    assert_near(profile.gex[middle], -10.0 * today + 10.0 * week);
}

#[test]
fn roots_of_one_date_are_one_expiry() {
    let style = Some(Style::American);
    let root = |root, listing: Listing<'static>| Listing {
        root: Some(root),
        multiplier: Some(100.0),
        style,
        ..listing
    };
    let says = of(&[
        root("GOOG", call(MONTH, 100.0, 0.2, 10.0)),
        root("GOOG7", put(MONTH, 100.0, 0.2, 4.0)),
        root("GOOG", call(WEEK, 100.0, 0.2, 1.0)),
    ]);
    let month = of_one(100.0, 0.2, TO_MONTH);
    let rows = says.by_expiry.unwrap();
    assert_eq!(
        rows.iter()
            .map(|row| (row.expiry, row.dte))
            .collect::<Vec<_>>(),
        [(date(WEEK), 7), (date(MONTH), 28)]
    );
    assert_near(rows[1].net, 6.0 * month);
    assert_near(rows[1].gross, 14.0 * month);
    assert_eq!(says.gex_by_strike.unwrap().0.len(), 1);
}

#[test]
fn the_history_takes_one_value_a_minute_and_compares_with_what_was_before() {
    let mut gex = gex(|params| (params.history_window, params.min_samples) = (3, 2));
    let mut total = Vec::new();
    let mut marks = Vec::new();
    let mut last = None;
    for (step, held) in (1..=9).map(|n| f64::from(n * n)).enumerate() {
        let listed = Listed::of("GOOG", SPOT, &[call(MONTH, 100.0, 0.2, held)]);
        // Every twenty seconds from a full minute on.
        let now = at().plus(Span::from_seconds(20.0 * step as f64));
        let says = run(&mut gex, &listed, now).unwrap();
        assert_eq!(says.zscore_samples, Some(step.div_ceil(3)));
        assert_eq!(gex.mark().is_some(), step % 3 == 0, "{step}");
        marks.extend(gex.mark().map(|mark| mark.value));
        total.push(says.total_gex.unwrap());
        last = Some(says);
    }
    assert_eq!(marks, [total[0], total[3], total[6]]);
    let says = last.unwrap();
    let mean = (marks[0] + marks[1] + marks[2]) / 3.0;
    let squares: f64 = marks.iter().map(|mark| (mark - mean) * (mark - mean)).sum();
    let stdev = f64::sqrt(squares / 2.0);
    assert_near(says.zscore_mean.unwrap(), mean);
    assert_near(says.zscore_stddev.unwrap(), stdev);
    assert_near(says.zscore.unwrap(), (total[8] - mean) / stdev);
    assert_eq!(
        (says.zscore_status, says.zscore_window),
        (Some(Status::Ok), Some(3))
    );
    assert_eq!(says.zscore_same_time.unwrap().zscore, None);
}

#[test]
fn under_the_minimum_the_history_warms_up() {
    let says = of(&[call(MONTH, 100.0, 0.2, 10.0)]);
    assert_eq!(
        (says.zscore, says.zscore_mean, says.zscore_samples),
        (None, None, Some(0))
    );
    assert_eq!(says.zscore_status, Some(Status::Warming));
}
