//! What a listed smile says, and what it refuses to.

use super::*;

fn listed(strikes: impl IntoIterator<Item = (f64, f64)>) -> Vec<StrikeIv> {
    let strike = |(strike, iv)| StrikeIv { strike, iv };
    strikes.into_iter().map(strike).collect()
}

/// 80 to 120 by 2, the volatility falling.
fn chain() -> Vec<StrikeIv> {
    let strikes = (0..=20).map(|at| 80.0 + 2.0 * f64::from(at));
    listed(strikes.map(|strike| (strike, 0.2 - 0.002 * (strike - 100.0))))
}

#[test]
fn a_wing_has_the_delta_it_was_asked_for() {
    let smile = Smile::new(&chain(), 100.0, 0.25).unwrap();
    let spot = DeltaKind::Spot { discount: 0.98 };
    for (kind, discount) in [(DeltaKind::Forward, 1.0), (spot, 0.98)] {
        let d1 = |wing: Wing| {
            let deviation = wing.iv * 0.5;
            (100.0 / wing.strike).ln() / deviation + 0.5 * deviation
        };
        let call = smile.call(0.25, kind).unwrap();
        let put = smile.put(0.25, kind).unwrap();
        assert!((discount * normal::cdf(d1(call)) - 0.25).abs() < 1e-14);
        assert!((discount * normal::cdf(-d1(put)) - 0.25).abs() < 1e-14);
        assert!(put.strike < 100.0 && 100.0 < call.strike && call.iv < put.iv);
    }
}

#[test]
fn a_put_is_the_call_of_the_other_delta() {
    let smile = Smile::new(&chain(), 100.0, 0.25).unwrap();
    let put = smile.put(0.25, DeltaKind::Forward);
    assert_eq!(put, smile.call(0.75, DeltaKind::Forward));
}

#[test]
fn a_wing_beyond_the_strikes_does_not_exist() {
    let narrow = &chain()[8..16];
    let smile = Smile::new(narrow, 100.0, 0.25).unwrap();
    let skew = smile.skew(0.25, DeltaKind::Forward);
    assert!(skew.call.is_some() && skew.put.is_none() && skew.at_the_money.is_some());
    assert_eq!((skew.risk_reversal(), skew.butterfly()), (None, None));
    assert_eq!(skew.normalised(), None);
    let above = Smile::new(&chain(), 70.0, 0.25).unwrap();
    assert_eq!(above.at_the_money(), None);
}

#[test]
fn there_is_no_smile_without_forward_time_or_strikes() {
    let chain = chain();
    for forward in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(Smile::new(&chain, forward, 0.25), Err(NoSmile::NoForward));
    }
    for years in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(Smile::new(&chain, 100.0, years), Err(NoSmile::Expired));
    }
    let few = Smile::new(&chain[..3], 100.0, 0.25);
    assert_eq!(few, Err(NoSmile::TooFewStrikes { usable: 3 }));
}

#[test]
fn unusable_and_second_strikes_are_dropped_and_counted() {
    let mut chain = chain();
    let clean = Smile::new(&chain, 100.0, 0.25).unwrap();
    chain.extend(listed([
        (f64::NAN, 0.2),
        (-5.0, 0.2),
        (101.0, 0.0),
        (103.0, f64::INFINITY),
        (100.0, 0.9),
    ]));
    let smile = Smile::new(&chain, 100.0, 0.25).unwrap();
    assert_eq!(smile.dropped().unusable, 5);
    assert_eq!(smile.at_the_money(), clean.at_the_money());
}

#[test]
fn one_wild_volatility_costs_one_strike() {
    let quiet: Vec<_> = chain().into_iter().filter(|s| s.strike != 110.0).collect();
    let quiet = Smile::new(&quiet, 100.0, 0.25).unwrap();
    for wild in [0.9, 0.05] {
        let mut chain = chain();
        chain[15].iv = wild;
        let smile = Smile::new(&chain, 100.0, 0.25).unwrap();
        assert_eq!(smile.dropped().not_monotone, 1, "{wild}");
        let kind = DeltaKind::Forward;
        assert_eq!(smile.skew(0.25, kind), quiet.skew(0.25, kind), "{wild}");
    }
}

#[test]
fn strikes_far_from_the_money_of_an_hour_stand_beside_it_only() {
    let hour = 1.0 / (365.0 * 24.0);
    let smile = Smile::new(&chain(), 99.0, hour).unwrap();
    assert!(smile.dropped().faint >= 15, "{:?}", smile.dropped());
    assert!(smile.at_the_money().is_some());
}

#[test]
fn a_target_that_is_no_delta_has_no_wing() {
    let smile = Smile::new(&chain(), 100.0, 0.25).unwrap();
    let kinds = [0.0, -1.0, f64::NAN, 1e-300].map(|discount| DeltaKind::Spot { discount });
    for delta in [0.0, 1.0, -0.25, f64::NAN, f64::INFINITY] {
        assert_eq!(smile.call(delta, DeltaKind::Forward), None, "{delta}");
        assert_eq!(smile.put(delta, DeltaKind::Forward), None, "{delta}");
    }
    for kind in kinds {
        assert_eq!(
            (smile.call(0.25, kind), smile.put(0.25, kind)),
            (None, None)
        );
    }
}

#[test]
fn a_slice_that_ends_before_the_wing_has_no_wing() {
    let short = |k: f64| (k.abs() < 0.01).then_some(0.2);
    let skew = skew_of_slice(short, 100.0, 0.25, 0.25, DeltaKind::Forward).unwrap();
    assert_eq!((skew.call, skew.put), (None, None));
    assert_eq!(skew.at_the_money.map(|at| at.iv), Some(0.2));
    let none = skew_of_slice(|_| None, 100.0, 0.25, 0.25, DeltaKind::Forward);
    assert_eq!(none, Ok(Skew::default()));
}
